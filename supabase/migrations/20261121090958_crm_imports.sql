-- Imports: files of comma separated values that become records, and can be taken back.
--
-- A file comes in pieces, whose rows are staged. A job goes through them by steps: each step takes
-- the next rows, finds and writes their records in a few statements, and says how far it is, all in
-- one transaction. So a kill at any moment repeats at most a step that left nothing. The job acts
-- as the person who started it: core.caller() is that person, of whom access is asked anew at each
-- step, and whom the audit names. The ADR "Why an import is staged, and acts as who started it" has
-- the alternatives.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('crm.imports.manage', 'Import records from files, and take imports back.');
select core.allow_system_roles(array['owner', 'admin', 'manager'], array['crm.imports.manage']);

create table crm.imports (
    tenant_id uuid not null default core.sole_tenant_with('crm.imports.manage')
    references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    object text not null references core.objects (object),
    name text not null,
    mode text not null default 'insert',
    key text,
    mapping jsonb,
    settings jsonb not null default '{}',
    header text[],
    plan jsonb,
    status text not null default 'open',
    check_status text not null default 'none',
    reading jsonb not null default '{}',
    piece_count integer not null default 0,
    row_count integer not null default 0,
    last_row integer not null default 0,
    is_complete boolean not null default false,
    checked_row integer not null default 0,
    check_report jsonb not null default '{}',
    done_row integer not null default 0,
    created_count integer not null default 0,
    updated_count integer not null default 0,
    failed_count integer not null default 0,
    undone_count integer not null default 0,
    kept_count integer not null default 0,
    stop_reason text,
    acting_kind text,
    acting_id uuid,
    started_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint name_is_short check (char_length(name) between 1 and 200),
    constraint mode_is_known check (mode in ('insert', 'update', 'upsert')),
    constraint key_is_known check (
        key in ('id', 'external_id', 'email', 'code', 'domain', 'name')
    ),
    constraint records_are_found_by_a_key check (mode = 'insert' or key is not null),
    constraint status_is_known check (
        status in ('open', 'running', 'succeeded', 'stopped', 'undoing', 'undone')
    ),
    constraint check_status_is_known check (check_status in ('none', 'running', 'done')),
    constraint mapping_is_an_object check (jsonb_typeof(mapping) = 'object'),
    constraint mapping_is_short check (octet_length(mapping::text) <= 262144),
    constraint settings_are_an_object check (jsonb_typeof(settings) = 'object'),
    constraint settings_are_short check (octet_length(settings::text) <= 65536)
);
create index imports_created_at on crm.imports (tenant_id, created_at desc, id);
create index imports_object on crm.imports (object);

comment on table crm.imports is
'Files that become records:
open     pieces are added, it is mapped and checked
running  a job writes records           stopped    its starter may not go on; run it again
succeeded  all rows are through         undoing  undone  it is taken back';
comment on column crm.imports.key is 'The field by which a row''s record is found.';
comment on column crm.imports.plan is 'The mapping as it was made ready for the header.';
comment on column crm.imports.reading is 'What carries the reading on from piece to piece.';
comment on column crm.imports.last_row is
'The number of the last row; the header is the first.';
comment on column crm.imports.is_complete is 'Whether no piece can be added any more.';
comment on column crm.imports.check_report is 'What the dry run counted.';
comment on column crm.imports.done_row is 'Up to which row records are written, or not.';
comment on column crm.imports.kept_count is 'Records that undoing left, as they were changed
since.';
comment on column crm.imports.acting_id is 'Who runs it: whose rights it has, whom the audit
names.';

create table crm.import_pieces (
    tenant_id uuid not null,
    import_id uuid not null,
    number integer not null,
    hash bytea not null,
    row_count integer not null,
    created_at timestamptz not null default now(),
    primary key (tenant_id, import_id, number),
    foreign key (tenant_id, import_id) references crm.imports (tenant_id, id) on delete cascade
);

comment on table crm.import_pieces is
'Which pieces of a file have come, so that one that is sent again has no effect.';

create table crm.import_rows (
    tenant_id uuid not null,
    import_id uuid not null,
    row_number integer not null,
    cells jsonb not null,
    email text,
    created_at timestamptz not null default now(),
    primary key (tenant_id, import_id, row_number),
    foreign key (tenant_id, import_id) references crm.imports (tenant_id, id) on delete cascade
);
create index import_rows_email on crm.import_rows (lower(btrim(email))) where email is not null;
create index import_rows_created_at on crm.import_rows (created_at);

comment on table crm.import_rows is 'The rows of files that are imported, for 30 days.';
comment on column crm.import_rows.email is 'The first cell that is an address, to find persons by.';

create table crm.import_errors (
    tenant_id uuid not null,
    import_id uuid not null,
    phase text not null,
    row_number integer not null,
    place integer not null,
    column_name text,
    code text not null,
    explanation text not null,
    record_id uuid,
    created_at timestamptz not null default now(),
    primary key (tenant_id, import_id, phase, row_number, place),
    foreign key (tenant_id, import_id) references crm.imports (tenant_id, id) on delete cascade,
    constraint phase_is_known check (phase in ('check', 'run', 'undo'))
);

comment on table crm.import_errors is
'Which rows were not written (phase run), would not be (check), or not taken back (undo), and why.';

create table crm.import_records (
    tenant_id uuid not null,
    import_id uuid not null,
    object text not null references core.objects (object),
    record_id uuid not null,
    row_number integer not null,
    action text not null,
    version integer not null,
    before jsonb,
    created_at timestamptz not null default now(),
    primary key (tenant_id, import_id, row_number, record_id),
    foreign key (tenant_id, import_id) references crm.imports (tenant_id, id) on delete cascade,
    constraint action_is_known check (action in ('create', 'update'))
);
create index import_records_record on crm.import_records (tenant_id, record_id);
create index import_records_created_at on crm.import_records (created_at);
create index import_records_object on crm.import_records (object);

comment on table crm.import_records is
'Which records an import made or changed, for 30 days: as long it can be taken back.';
comment on column crm.import_records.version is 'Of the record once it was written.';
comment on column crm.import_records.before is
'What an update replaced: {"fields", "tags" and "points" that it added, by id}.';

alter table crm.imports enable row level security;
alter table crm.import_pieces enable row level security;
alter table crm.import_rows enable row level security;
alter table crm.import_errors enable row level security;
alter table crm.import_records enable row level security;
create policy imports_read on crm.imports for select to authenticated
using (tenant_id = any((select core.tenants_with('crm.imports.manage'))::uuid[]));
create policy import_pieces_read on crm.import_pieces for select to authenticated
using (tenant_id = any((select core.tenants_with('crm.imports.manage'))::uuid[]));
create policy import_rows_read on crm.import_rows for select to authenticated
using (tenant_id = any((select core.tenants_with('crm.imports.manage'))::uuid[]));
create policy import_errors_read on crm.import_errors for select to authenticated
using (tenant_id = any((select core.tenants_with('crm.imports.manage'))::uuid[]));
create policy import_records_read on crm.import_records for select to authenticated
using (tenant_id = any((select core.tenants_with('crm.imports.manage'))::uuid[]));
grant select on
crm.imports, crm.import_rows, crm.import_errors, crm.import_records
to authenticated, service_role;

insert into core.event_types (type, description, permission) values
('crm.import.finished', 'An import is through, with counts of its rows.', 'crm.imports.manage'),
('crm.import.stopped', 'An import stopped, with the reason.', 'crm.imports.manage'),
('crm.import.undone', 'An import was taken back, with counts.', 'crm.imports.manage');

insert into core.errors (code, status, message, hint) values
(
    'import.setting_invalid', 400, 'The setting {name} is not {wanted}.',
    'Compare the settings with those in the guide to imports.'
),
(
    'import.encoding_invalid', 400, 'The file is no text in its encoding.',
    'Name the encoding in the settings: utf-8, utf-16le, utf-16be or windows-1252.'
),
(
    'import.text_invalid', 400, 'The file has a NUL character.',
    'Save it as text; a file in UTF-16 begins with a byte order mark.'
),
(
    'import.quote_open', 400, 'A quoted cell is not closed at the end of the file.',
    'Look for a quote that has no other, or add the pieces that are missing.'
),
(
    'import.row_too_long', 413, 'A row is longer than a piece may be.',
    'Look for a quote that has no other.'
),
(
    'import.cell_too_long', 413, 'A cell is longer than 100000 characters.',
    'Shorten the cell.'
),
(
    'import.too_many_columns', 413, 'A row has more than 500 columns.',
    'Remove columns that are not imported, or name the delimiter.'
),
(
    'import.state_malformed', 500, 'What is stored of the import cannot be read.',
    'Begin another import.'
),
(
    'import.mapping_invalid', 400, 'The column {column} cannot be mapped: {reason}.',
    'Compare the columns with the header, and the fields with v1.object_fields.'
),
('import.unknown', 404, 'There is no import {id} for you.', 'Compare the id with v1.imports.'),
(
    'import.object_closed', 422, 'Records of {object} are not imported.',
    'Objects that are imported have fields that can be written.'
),
(
    'import.name_invalid', 400, 'An import has a name of 1 to 200 characters.',
    'Name the file.'
),
(
    'import.key_missing', 422, 'To find records, an import needs the setting key and its column.',
    'Map a column to the field that is the key.'
),
(
    'import.piece_too_large', 413, 'A piece of a file has at most {bytes_max} bytes.',
    'Send the file in smaller pieces.'
),
(
    'import.piece_missing', 409, 'The piece that comes next is {expected}.',
    'Send pieces in their order, from 1.'
),
(
    'import.piece_differs', 409, 'Another piece was sent with the number {number}.',
    'Send the same piece again, or begin another import.'
),
(
    'import.too_many_rows', 413, 'An import has at most {rows_max} rows.',
    'Split the file.'
),
(
    'import.status_conflict', 409, 'The import is {status}.',
    'Look at v1.imports: only an open one takes pieces, and only one that has run is undone.'
),
('import.header_missing', 422, 'The file has no rows.', 'Add its pieces first.'),
(
    'import.mapping_missing', 422, 'No column is mapped to a field.',
    'Set the mapping; v1.propose_import_mapping proposes one.'
),
(
    'import.starter_not_allowed', 403, 'Who runs the import may not import {object} any more.',
    'Somebody who may can run it again: it goes on where it stopped.'
),
('import.number_invalid', 422, 'This is no number.', 'Mend the cell.'),
(
    'import.number_ambiguous', 422, 'This may be a decimal or a thousand.',
    'Set decimal to a point or a comma.'
),
('import.number_out_of_range', 422, 'This number does not fit the field.', 'Mend the cell.'),
(
    'import.currency_missing', 422, 'This amount has no currency.',
    'Map a column of currencies, or set currency.'
),
(
    'import.currency_other', 422, 'This amount is in another currency than its row says.',
    'Mend the cell, or map a column of currencies.'
),
(
    'import.amount_too_fine', 422, 'This amount has more decimals than its currency.',
    'Round it.'
),
('import.date_invalid', 422, 'This is no date.', 'Set date to dmy, mdy or ymd, or mend the cell.'),
('import.date_ambiguous', 422, 'The day and the month may be either.', 'Set date.'),
('import.boolean_invalid', 422, 'This is neither yes nor no.', 'Write yes, no, 1 or 0.'),
('import.email_invalid', 422, 'This is no e-mail address.', 'Mend the cell.'),
('import.phone_invalid', 422, 'This is no phone number.', 'Mend the cell.'),
('import.id_invalid', 422, 'This is no id.', 'Write a UUID.'),
('import.value_unknown', 422, 'This is none of the values of the field.', 'Mend the cell.'),
(
    'import.row_too_wide', 422, 'The row has more cells than the header.',
    'Look for a quote that is missing.'
),
('import.value_missing', 422, 'A record has no {field}.', 'Fill the cell, or set a default.'),
('import.value_refused', 422, 'The record is refused: {reason}.', 'Mend the row.'),
('import.value_taken', 422, 'Another record has this value already.', 'Update it by a key.'),
(
    'import.key_empty', 422, 'The row has no key to find its record by.',
    'Fill the cell of the key.'
),
(
    'import.key_ambiguous', 422, 'Several records have this key.',
    'Choose a key that is unique, such as external_id.'
),
('import.record_exists', 422, 'There is such a record already.', 'Import with the mode upsert.'),
('import.record_missing', 422, 'There is no such record.', 'Import with the mode upsert.'),
(
    'import.lookup_missing', 422, 'What the cell names is not there.',
    'Create it first, or map the column with create.'
),
(
    'import.lookup_ambiguous', 422, 'The cell names several.',
    'Look it up by something unique, such as external_id.'
),
(
    'import.changed_since', 409, 'Somebody has changed the record since.',
    'Its history says who; change it by hand.'
),
(
    'import.in_use', 409, 'Other records hang on the record by now.',
    'Remove it by hand, with what hangs on it.'
);

-- Limits ------------------------------------------------------------------------------------------

create function crm.import_piece_bytes_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1048576;

create function crm.import_rows_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1000000;

create function crm.import_step_rows() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 2000;

comment on function crm.import_piece_bytes_max() is
'How long a piece of a file may be: what one request carries easily. Internal.';
comment on function crm.import_rows_max() is
'How many rows an import has at most: minutes of work, and what people still look through.
Internal.';
comment on function crm.import_step_rows() is
'How many rows a step of an import takes: enough to spread what a statement costs over them, and
less than a second of work to repeat after a crash. Internal.';

-- What can be imported ----------------------------------------------------------------------------

create function crm.import_lookups(object text, field text) returns text[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return case
    when field in ('company_id', 'parent_id') then array['name', 'external_id', 'domain']
    when field = 'contact_id' then array['email', 'external_id']
    when field = 'owner_id' then array['email']
    when field = 'team_id' then array['name', 'slug']
end;

comment on function crm.import_lookups(text, text) is
'By what the record may be named that a field points at, the usual first. Internal.';

create function crm.import_fields(object text, tenant_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    fields jsonb;
begin
    select
        jsonb_object_agg(
            own.field,
            jsonb_strip_nulls(jsonb_build_object(
                'type', own.type,
                'label', own.label,
                'sql', format_type(attributes.atttypid, attributes.atttypmod),
                'lookup', to_jsonb(crm.import_lookups(known.object, own.field))
            ))
        )
    into fields
    from core.object_fields as own
    inner join pg_attribute as attributes
        on attributes.attrelid = known.relation::regclass and attributes.attname = own.field
    where
        own.object = known.object
        and own.is_writable
        and attributes.attgenerated = ''
        and own.type <> 'json'
        and own.field not in ('stage', 'pipeline_id');
    -- What the tenant has added itself.
    fields := fields || coalesce((
        select jsonb_object_agg(own.key, own.value)
        from jsonb_each(core.fields_of(known.object, import_fields.tenant_id)) as own
        where own.key like 'custom.%'
    ), '{}');
    fields := fields || '{"tags": {"type": "list", "label": "Tags"}}';
    if known.object in ('crm.contacts', 'crm.companies') then
        fields := fields || (
            select jsonb_object_agg(
                point.field, jsonb_build_object('type', 'text', 'label', point.label)
            )
            from (
                values
                ('more.email', 'Further e-mail'), ('more.phone', 'Further phone'),
                ('more.url', 'Web page'), ('address.street', 'Street'),
                ('address.postal_code', 'Postal code'), ('address.city', 'City'),
                ('address.region', 'Region'), ('address.country_code', 'Country code')
            ) as point (field, label)
        );
    end if;
    return fields;
end
$$;

comment on function crm.import_fields(text, uuid) is
'The fields that columns of an import may fill, as tenon.import_plan wants them. Internal.';

-- The one who runs it -----------------------------------------------------------------------------

create function crm.act_as(kind text, id uuid, tenant_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform
        set_config('tenon.caller_kind', coalesce(kind, ''), true),
        set_config('tenon.caller_id', coalesce(id::text, ''), true),
        set_config('tenon.caller_tenant_id', case
            when kind = 'api_key' then coalesce(tenant_id::text, '') else ''
        end, true),
        set_config(
            'tenon.requested_tenant_id',
            case when kind is null then '' else coalesce(tenant_id::text, '') end,
            true
        );
end
$$;

comment on function crm.act_as(text, uuid, uuid) is
'Makes the rest of the transaction act as a principal in a tenant; as nobody, with nulls. For jobs
that somebody started. Internal.';

create type crm.import_reach as (
    is_allowed boolean,
    all_records boolean,
    own_records boolean,
    teams uuid [],
    caller_id uuid,
    default_owner_id uuid
);

comment on type crm.import_reach is
'Which records an import may write: all of the tenant, those of teams, or those of its starter.';

create function crm.reach_of_import(import crm.imports) returns crm.import_reach
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    permission constant text := import.object || '.write';
    reach crm.import_reach;
begin
    reach.caller_id := core.caller_id();
    reach.default_owner_id := core.default_owner();
    reach.all_records := import.tenant_id = any(core.tenants_with(permission));
    reach.own_records := import.tenant_id = any(core.tenants_with(permission, 'own'));
    reach.teams := case
        when import.tenant_id = any(core.tenants_with(permission, 'team'))
            then core.teams_with(permission)
        else '{}'
    end;
    reach.is_allowed := reach.own_records
        and import.tenant_id = any(core.tenants_with('crm.imports.manage'))
        and not exists (
            select from core.api_keys
            where
                api_keys.id = core.caller_id()
                and (core.caller()).kind = 'api_key'
                and api_keys.expires_at <= now()
        );
    return reach;
end
$$;

comment on function crm.reach_of_import(crm.imports) is
'What the caller may write of what an import is for. Internal.';

-- Lines: rows on their way to records -------------------------------------------------------------

create type crm.import_line as (
    row_number integer,
    content jsonb,
    key text,
    record_id uuid,
    action text,
    before jsonb
);

comment on type crm.import_line is
'A row of an import on its way: content is what tenon.import_row made of it, with its errors.';

create function crm.line_with_error(
    line crm.import_line, column_name text, code text, details jsonb default '{}'
)
returns crm.import_line
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    line.content := jsonb_set(
        line.content, '{errors}',
        (line.content -> 'errors') || jsonb_build_object(
            'column', column_name,
            'code', code,
            'message', coalesce(
                (
                    select core.render(errors.message, details)
                    from core.errors
                    where errors.code = line_with_error.code
                ),
                details ->> 'reason'
            )
        )
    );
    return line;
end
$$;

comment on function crm.line_with_error(crm.import_line, text, text, jsonb) is
'The line with one more error. Internal.';

create function crm.lookup_targets(import crm.imports, of_column jsonb, wanted text[])
returns table (term text, ids uuid[])
language plpgsql stable set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    tenant_id constant uuid := import.tenant_id;
    by_field constant text := of_column ->> 'by';
    target constant text := case of_column ->> 'field'
        when 'company_id' then 'crm.companies'
        when 'parent_id' then 'crm.companies'
        when 'contact_id' then 'crm.contacts'
    end;
begin
    if of_column ->> 'field' = 'owner_id' then
        -- Who can own a record: active members of the tenant and of those above it.
        return query
        with recursive above as (
            select tenants.id, tenants.parent_id from core.tenants where tenants.id = tenant_id
            union all
            select tenants.id, tenants.parent_id
            from above
            inner join core.tenants on tenants.id = above.parent_id
        )
        select
            asked.term,
            array_agg(distinct users.id)
        from unnest(wanted) as asked (term)
        inner join auth.users on lower(users.email) = lower(asked.term)
        inner join core.members on members.user_id = users.id and members.status = 'active'
        inner join above on above.id = members.tenant_id
        group by asked.term;
    elsif of_column ->> 'field' = 'team_id' then
        return query
        select
            asked.term,
            array_agg(teams.id)
        from unnest(wanted) as asked (term)
        inner join core.teams
            on
                teams.tenant_id = import.tenant_id
                and case by_field
                    when 'slug' then teams.slug = asked.term
                    else lower(teams.name) = lower(asked.term)
                end
        group by asked.term;
    else
        return query execute format(
            'select asked.term, array_agg(record.id) from unnest($2) as asked (term) '
            'inner join %s as record on record.tenant_id = $1 and %s '
            'and core.reaches(%L, record.tenant_id, record.owner_id, record.team_id) '
            'group by asked.term',
            target,
            case by_field
                when 'external_id' then 'record.external_id = asked.term'
                when 'email' then 'lower(btrim(record.email)) = lower(asked.term)'
                else format('lower(record.%I) = lower(asked.term)', by_field)
            end,
            target || '.read'
        )
        using tenant_id, wanted;
    end if;
end
$$;

comment on function crm.lookup_targets(crm.imports, jsonb, text[]) is
'The records that cells of a column name, of those that the caller may read. Internal.';

create function crm.resolve_lookups(
    import crm.imports, lines crm.import_line[], is_dry boolean
)
returns crm.import_line[]
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    of_column jsonb;
    field text;
    wanted text[];
    missing text[];
    found jsonb;
    made jsonb;
begin
    for of_column in
        select element.value
        from jsonb_array_elements(import.plan -> 'columns') as element
        where element.value ? 'by'
    loop
        field := of_column ->> 'field';
        wanted := array(
            select distinct line.content -> 'lookups' ->> field
            from unnest(lines) as line
            where line.content -> 'lookups' ? field
        );
        select coalesce(jsonb_object_agg(target.term, to_jsonb(target.ids)), '{}')
        into found
        from crm.lookup_targets(import, of_column, wanted) as target;
        missing := array(
            select min(asked.term)
            from unnest(wanted) as asked (term)
            where not found ? asked.term
            group by lower(asked.term)
        );
        if (of_column -> 'create')::boolean and cardinality(missing) > 0 then
            select jsonb_object_agg(lower(asked.term), gen_random_uuid())
            into made
            from unnest(missing) as asked (term);
            if not is_dry then
                perform crm.create_companies(import, of_column, made, missing);
            end if;
            select found || coalesce(
                jsonb_object_agg(
                    asked.term, jsonb_build_array(made -> lower(asked.term))
                ),
                '{}'
            )
            into found
            from unnest(wanted) as asked (term)
            where not found ? asked.term;
        end if;
        lines := array(
            select case
                when not line.content -> 'lookups' ? field then line
                when not found ? (line.content -> 'lookups' ->> field)
                    then crm.line_with_error(
                        line, of_column ->> 'header', 'import.lookup_missing'
                    )
                when jsonb_array_length(found -> (line.content -> 'lookups' ->> field)) > 1
                    then crm.line_with_error(
                        line, of_column ->> 'header', 'import.lookup_ambiguous'
                    )
                else row(
                    line.row_number,
                    jsonb_set(
                        line.content,
                        array['fields', field],
                        found -> (line.content -> 'lookups' ->> field) -> 0
                    ),
                    line.key, line.record_id, line.action, line.before
                )::crm.import_line
            end
            from unnest(lines) as line
        );
    end loop;
    return lines;
end
$$;

comment on function crm.resolve_lookups(crm.imports, crm.import_line[], boolean) is
'The lines with the ids of the records that their cells name; those that are missing are made where
the mapping says so. Internal.';

create function crm.create_companies(
    import crm.imports, of_column jsonb, ids jsonb, terms text[]
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
    insert into crm.companies (tenant_id, id, name, domain, external_id, source)
    select
        import.tenant_id,
        (create_companies.ids ->> lower(asked.term))::uuid,
        left(asked.term, 200),
        case of_column ->> 'by' when 'domain' then asked.term end,
        case of_column ->> 'by' when 'external_id' then asked.term end,
        left(import.name, 200)
    from unnest(terms) as asked (term);
    insert into crm.import_records (
        tenant_id, import_id, object, record_id, row_number, action, version
    )
    select
        import.tenant_id, import.id, 'crm.companies', companies.id, 0, 'create',
        companies.version
    from unnest(terms) as asked (term)
    inner join crm.companies
        on
            companies.tenant_id = import.tenant_id
            and companies.id = (create_companies.ids ->> lower(asked.term))::uuid;
end
$$;

comment on function crm.create_companies(crm.imports, jsonb, jsonb, text[]) is
'Makes the companies that cells name and that are not there yet. Internal.';

create function crm.match_records(
    import crm.imports, lines crm.import_line[], reach crm.import_reach
)
returns crm.import_line[]
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(import.object);
    header constant text := (
        select element.value ->> 'header'
        from jsonb_array_elements(import.plan -> 'columns') as element
        where element.value ->> 'field' = import.key
        limit 1
    );
    found jsonb;
begin
    if import.key is null then
        return lines;
    end if;
    execute format(
        'select coalesce(jsonb_object_agg(matched.key, matched.ids), ''{}'') from ('
        'select asked.key, jsonb_agg(record.id) as ids from unnest($2) as asked (key) '
        'inner join %s as record on record.tenant_id = $1 and %s and %s '
        'group by asked.key) as matched',
        known.relation,
        case import.key
            when 'id' then 'record.id = asked.key::uuid'
            when 'email' then 'lower(btrim(record.email)) = asked.key'
            when 'domain' then 'lower(record.domain) = asked.key'
            when 'name' then 'lower(record.name) = asked.key'
            else format('record.%I = asked.key', import.key)
        end,
        case
            when reach.all_records or known.owner_column is null then 'true'
            else format(
                '(record.%I = $3 or %s)',
                known.owner_column,
                coalesce(format('record.%I = any($4)', known.team_column), 'false')
            )
        end
    )
    into found
    using
        import.tenant_id,
        array(select distinct line.key from unnest(lines) as line where line.key is not null),
        case when reach.own_records then reach.caller_id end,
        reach.teams;
    return array(
        select case
            when line.content -> 'errors' <> '[]' then line
            when line.key is null and import.mode <> 'insert'
                then crm.line_with_error(line, header, 'import.key_empty')
            when line.key is null or not found ? line.key
                then case
                    when import.mode = 'update'
                        then crm.line_with_error(line, header, 'import.record_missing')
                    else line
                end
            when import.mode = 'insert'
                then crm.line_with_error(line, header, 'import.record_exists')
            when jsonb_array_length(found -> line.key) > 1
                then crm.line_with_error(line, header, 'import.key_ambiguous')
            else row(
                line.row_number, line.content, line.key,
                (found -> line.key ->> 0)::uuid, 'update', null
            )::crm.import_line
        end
        from unnest(lines) as line
    );
end
$$;

comment on function crm.match_records(crm.imports, crm.import_line[], crm.import_reach) is
'The lines with the records that they are about, of those that the import may write. Internal.';

create function crm.check_of_records(object text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    relation constant regclass := (core.object_named(object)).relation::regclass;
begin
    return (
        select
            'case ' || string_agg(
                format('when (%s) then %L', rule.broken, rule.name), ' ' order by rule.name
            ) || ' end'
        from (
            -- A record that is new lacks what has no default.
            select
                format('$2 = ''create'' and %I is null', attributes.attname) as broken,
                'missing ' || attributes.attname as name
            from pg_attribute as attributes
            where
                attributes.attrelid = relation
                and attributes.attnum > 0
                and not attributes.attisdropped
                and attributes.attnotnull
                and not attributes.atthasdef
                and attributes.attname <> 'id'
            union all
            select
                format('(%s) is false', pg_get_expr(constraints.conbin, relation)) as broken,
                constraints.conname::text as name
            from pg_constraint as constraints
            where
                constraints.conrelid = relation
                and constraints.contype = 'c'
                and not exists (
                    select from pg_attribute as attributes
                    where
                        attributes.attrelid = relation
                        and attributes.attnum = any(constraints.conkey)
                        and (attributes.attgenerated <> '' or attributes.attname = 'custom')
                )
        ) as rule
    );
end
$$;

comment on function crm.check_of_records(text) is
'An expression over the columns of an object''s table: the name of the first promise of the table
that a row breaks, null for none. $2: create or update. Internal.';

create function crm.check_lines(import crm.imports, lines crm.import_line[])
returns crm.import_line[]
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(import.object);
    broken jsonb;
begin
    execute format(
        'select coalesce(jsonb_object_agg(checked.row_number, checked.broken), ''{}'') from ('
        'select line.row_number, (select %s from jsonb_populate_record('
        'coalesce(case when line.action = ''update'' then (select record from %2$s as record '
        'where record.tenant_id = $3 and record.id = line.record_id) end, null::%2$s), '
        'line.content -> ''fields'') as record) as broken '
        'from unnest($1) as line where line.content -> ''errors'' = ''[]'') as checked '
        'where checked.broken is not null',
        replace(crm.check_of_records(import.object), '$2', 'line.action'),
        known.relation
    )
    into broken
    using lines, null, import.tenant_id;
    if broken = '{}' then
        return lines;
    end if;
    return array(
        select case
            when broken ? line.row_number::text
                then crm.line_with_refusal(import, line, broken ->> line.row_number::text)
            else line
        end
        from unnest(lines) as line
    );
end
$$;

comment on function crm.check_lines(crm.imports, crm.import_line[]) is
'The lines with the promises of the table that they would break, all of them at once. Internal.';

create function crm.line_with_refusal(import crm.imports, line crm.import_line, broken text)
returns crm.import_line
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    field constant text := substring(broken from '^missing (.*)$');
    relation constant regclass := (core.object_named(import.object)).relation::regclass;
    header text;
begin
    -- The column that fills a field of which the promise speaks.
    select min(element.value ->> 'header')
    into header
    from jsonb_array_elements(import.plan -> 'columns') as element
    where
        element.value ->> 'field' = field
        or element.value ->> 'field' in (
            select attributes.attname
            from pg_constraint as constraints
            inner join pg_attribute as attributes
                on
                    attributes.attrelid = relation
                    and attributes.attnum = any(constraints.conkey)
            where
                constraints.conrelid = relation
                and constraints.conname = broken
                and (
                    cardinality(constraints.conkey) = 1
                    or line.content -> 'fields' ? attributes.attname
                )
        );
    return crm.line_with_error(
        line, header,
        case when field is null then 'import.value_refused' else 'import.value_missing' end,
        jsonb_build_object('field', field, 'reason', replace(broken, '_', ' ') || ' – is not so')
    );
end
$$;

comment on function crm.line_with_refusal(crm.imports, crm.import_line, text) is
'The line with the error that a promise of the table is broken. Internal.';

-- Writing -----------------------------------------------------------------------------------------

create function crm.written_columns(import crm.imports)
returns table (column_name text, default_expression text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    relation constant regclass := (core.object_named(import.object)).relation::regclass;
begin
    return query
    select
        attributes.attname::text,
        pg_get_expr(defaults.adbin, defaults.adrelid)
    from pg_attribute as attributes
    left join pg_attrdef as defaults
        on defaults.adrelid = attributes.attrelid and defaults.adnum = attributes.attnum
    where
        attributes.attrelid = relation
        and attributes.attname <> 'id'
        and (
            attributes.attname in (
                select element.value ->> 'field'
                from jsonb_array_elements(import.plan -> 'columns') as element
            )
            or import.plan -> 'defaults' ? attributes.attname::text
            or (attributes.attname = 'currency' and (import.plan -> 'sets_currency')::boolean)
        );
end
$$;

comment on function crm.written_columns(crm.imports) is
'The columns that an import fills, with what they hold where it has nothing. Internal.';

create function crm.insert_records(
    import crm.imports, lines crm.import_line[], reach crm.import_reach
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(import.object);
    names text[];
    expressions text[];
begin
    select
        array_agg(quote_ident(written.column_name)),
        array_agg(
            case
                when written.default_expression is null
                    then format('record.%I', written.column_name)
                else format(
                    'coalesce(record.%I, %s)', written.column_name, written.default_expression
                )
            end
        )
    into names, expressions
    from crm.written_columns(import) as written
    where written.column_name is distinct from known.owner_column;
    if known.owner_column is not null then
        -- Who reaches own records alone makes no others.
        names := names || quote_ident(known.owner_column);
        expressions := expressions || format(
            case
                when reach.all_records then 'coalesce(record.%1$I, $5)'
                when known.team_column is not null
                    then 'case when record.%2$I = any($6) then coalesce(record.%1$I, $4) '
                    'else $4 end'
                else '$4'
            end,
            known.owner_column, known.team_column
        );
    end if;
    execute format(
        'insert into %1$s (tenant_id, id, created_by, %2$s) '
        'select $1, line.record_id, $4, %3$s from unnest($2) as line '
        'cross join lateral jsonb_populate_record(null::%1$s, $3 || (line.content -> ''fields'') '
        '|| jsonb_build_object(''custom'', line.content -> ''custom'')) as record '
        'where line.action = ''create'' order by line.row_number',
        known.relation,
        array_to_string(names || 'custom'::text, ', '),
        array_to_string(expressions || 'coalesce(record.custom, ''{}'')'::text, ', ')
    )
    using
        import.tenant_id, lines, import.plan -> 'defaults', reach.caller_id,
        reach.default_owner_id, reach.teams;
end
$$;

comment on function crm.insert_records(crm.imports, crm.import_line[], crm.import_reach) is
'Inserts the records that lines make, in one statement. Internal.';

create function crm.update_records(
    import crm.imports, lines crm.import_line[], reach crm.import_reach
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(import.object);
    assignments text;
begin
    select string_agg(
        format(
            '%1$I = case when line.content -> ''fields'' ? %1$L then %2$s else record.%1$I end',
            written.column_name,
            case
                when
                    written.column_name = known.owner_column and not reach.all_records
                    then format('record.%I', written.column_name)
                when written.default_expression is null
                    then format('given.%I', written.column_name)
                else format(
                    'coalesce(given.%I, %s)', written.column_name, written.default_expression
                )
            end
        ),
        ', '
    )
    into assignments
    from crm.written_columns(import) as written;
    execute format(
        'update %1$s as record set %2$s '
        'from unnest($2) as line '
        'cross join lateral jsonb_populate_record(null::%1$s, line.content -> ''fields'') as given '
        'where line.action = ''update'' and record.tenant_id = $1 and record.id = line.record_id',
        known.relation,
        concat_ws(
            ', ', assignments,
            'custom = case when line.content -> ''custom'' = ''{}'' then record.custom '
            'else jsonb_strip_nulls(record.custom || (line.content -> ''custom'')) end'
        )
    )
    using import.tenant_id, lines;
end
$$;

comment on function crm.update_records(crm.imports, crm.import_line[], crm.import_reach) is
'Updates the records that lines are about, in one statement. Internal.';

create function crm.lock_before(import crm.imports, lines crm.import_line[])
returns crm.import_line[]
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(import.object);
    former jsonb;
begin
    execute format(
        'select jsonb_object_agg(locked.id, locked.content) from ('
        'select record.id, to_jsonb(record) as content from %s as record '
        'where record.tenant_id = $1 and record.id = any($2) '
        'order by record.id for no key update) as locked',
        known.relation
    )
    into former
    using
        import.tenant_id,
        array(select line.record_id from unnest(lines) as line where line.action = 'update');
    if former is null then
        return lines;
    end if;
    return array(
        select case
            when line.action = 'create' then line
            else row(
                line.row_number, line.content, line.key, line.record_id, line.action,
                jsonb_build_object(
                    'fields', (
                        select coalesce(
                            jsonb_object_agg(
                                filled.field, former -> line.record_id::text -> filled.field
                            ),
                            '{}'
                        )
                        from (
                            select jsonb_object_keys(line.content -> 'fields') as field
                            union
                            select 'custom'
                            where line.content -> 'custom' <> '{}'
                        ) as filled
                        where filled.field <> 'id'
                    )
                )
            )::crm.import_line
        end
        from unnest(lines) as line
    );
end
$$;

comment on function crm.lock_before(crm.imports, crm.import_line[]) is
'Locks the records that lines update, and notes what they hold before. Internal.';

create function crm.write_points(import crm.imports, lines crm.import_line[]) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    of_companies constant boolean := import.object = 'crm.companies';
    added jsonb;
begin
    if not exists (select from unnest(lines) as line where line.content -> 'points' <> '[]') then
        return '{}';
    end if;
    with wanted as (
        select
            line.record_id,
            point.*
        from unnest(lines) as line
        cross join jsonb_to_recordset(line.content -> 'points') as point (
            kind text, label text, value text, street text, postal_code text, city text,
            region text, country_code text
        )
    ),

    inserted as (
        insert into crm.contact_points (
            tenant_id, contact_id, company_id, kind, label, value, street, postal_code, city,
            region, country_code
        )
        select
            import.tenant_id,
            case when not of_companies then wanted.record_id end,
            case when of_companies then wanted.record_id end,
            wanted.kind,
            wanted.label,
            wanted.value,
            wanted.street,
            wanted.postal_code,
            wanted.city,
            wanted.region,
            upper(wanted.country_code)
        from wanted
        where
            not exists (
                select from crm.contact_points as points
                where
                    points.tenant_id = import.tenant_id
                    and points.record_id = wanted.record_id
                    and points.kind = wanted.kind
                    and (points.value, points.street, points.postal_code, points.city)
                    is not distinct from
                    (wanted.value, wanted.street, wanted.postal_code, wanted.city)
            )
        returning contact_points.record_id, contact_points.id
    )

    select jsonb_object_agg(grouped.record_id, grouped.ids)
    into added
    from (
        select
            inserted.record_id,
            jsonb_agg(inserted.id) as ids
        from inserted
        group by inserted.record_id
    ) as grouped;
    return coalesce(added, '{}');
end
$$;

comment on function crm.write_points(crm.imports, crm.import_line[]) is
'Adds the addresses and further e-mails and phones of lines; returns their ids by record.
Internal.';

create function crm.write_tags(import crm.imports, lines crm.import_line[]) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    added jsonb;
begin
    if not exists (select from unnest(lines) as line where line.content -> 'tags' <> '[]') then
        return '{}';
    end if;
    if import.tenant_id = any(core.tenants_with('crm.tags.write')) then
        insert into crm.tags (tenant_id, name)
        select
            import.tenant_id,
            min(tag.name)
        from unnest(lines) as line
        cross join jsonb_array_elements_text(line.content -> 'tags') as tag (name)
        group by lower(tag.name)
        order by lower(tag.name)
        on conflict do nothing;
    end if;
    with inserted as (
        insert into crm.taggings (tenant_id, tag_id, object, record_id)
        select distinct
            import.tenant_id,
            tags.id,
            import.object,
            line.record_id
        from unnest(lines) as line
        cross join jsonb_array_elements_text(line.content -> 'tags') as tag (name)
        inner join crm.tags
            on tags.tenant_id = import.tenant_id and lower(tags.name) = lower(tag.name)
        on conflict do nothing
        returning taggings.record_id, taggings.tag_id
    )

    select jsonb_object_agg(grouped.record_id, grouped.ids)
    into added
    from (
        select
            inserted.record_id,
            jsonb_agg(inserted.tag_id) as ids
        from inserted
        group by inserted.record_id
    ) as grouped;
    return coalesce(added, '{}');
end
$$;

comment on function crm.write_tags(crm.imports, crm.import_line[]) is
'Tags the records of lines, with new tags where the caller may make them; returns those that were
added, by record. Internal.';

create function crm.write_at_once(
    import crm.imports, lines crm.import_line[], reach crm.import_reach
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(import.object);
    points jsonb;
    tags jsonb;
begin
    lines := crm.lock_before(import, lines);
    if exists (select from unnest(lines) as line where line.action = 'create') then
        perform crm.insert_records(import, lines, reach);
    end if;
    if exists (select from unnest(lines) as line where line.action = 'update') then
        perform crm.update_records(import, lines, reach);
    end if;
    points := crm.write_points(import, lines);
    tags := crm.write_tags(import, lines);
    execute format(
        'insert into crm.import_records (tenant_id, import_id, object, record_id, row_number, '
        'action, version, before) '
        'select $1, $2, $3, line.record_id, line.row_number, line.action, record.version, '
        'case line.action when ''update'' then line.before || jsonb_strip_nulls('
        'jsonb_build_object(''points'', $5 -> line.record_id::text, '
        '''tags'', $6 -> line.record_id::text)) end '
        'from unnest($4) as line cross join lateral (select record.version from %s as record '
        'where record.tenant_id = $1 and record.id = line.record_id offset 0) as record',
        known.relation
    )
    using import.tenant_id, import.id, import.object, lines, points, tags;
end
$$;

comment on function crm.write_at_once(crm.imports, crm.import_line[], crm.import_reach) is
'Writes the records of lines, and notes what it takes to undo that. Internal.';

create function crm.write_lines(
    import crm.imports, lines crm.import_line[], reach crm.import_reach
)
returns crm.import_line[]
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    middle constant integer := cardinality(lines) / 2;
    code text;
    explanation text;
    broken text;
begin
    if cardinality(lines) = 0 then
        return '{}';
    end if;
    begin
        perform crm.write_at_once(import, lines, reach);
        set constraints all immediate;
        return lines;
    exception
        when others then
            get stacked diagnostics
                code = returned_sqlstate, explanation = message_text, broken = constraint_name;
    end;
    -- What is of no row: it may be gone the next time.
    if left(code, 2) not in ('22', '23', 'P0', 'PG') then
        raise sqlstate 'TNIMP' using message = code || ': ' || explanation;
    elsif cardinality(lines) > 1 then
        -- Halves, until those are alone that cannot be written.
        return crm.write_lines(import, lines[: middle], reach)
            || crm.write_lines(import, lines[middle + 1 :], reach);
    end if;
    return array[
        case
            when code = 'PGRST'
                then crm.line_with_error(
                    lines[1], null, explanation::jsonb ->> 'code',
                    jsonb_build_object('reason', explanation::jsonb ->> 'message')
                )
            when code = '23505'
                then crm.line_with_error(lines[1], null, 'import.value_taken')
            when broken <> '' then crm.line_with_refusal(import, lines[1], broken)
            else crm.line_with_error(
                lines[1], null, 'import.value_refused',
                jsonb_build_object('reason', explanation)
            )
        end
    ];
end
$$;

comment on function crm.write_lines(crm.imports, crm.import_line[], crm.import_reach) is
'Writes the records of lines, all but those that Postgres refuses; these have an error then.
Internal.';

-- Steps -------------------------------------------------------------------------------------------

create function crm.prepare_lines(
    import crm.imports, after integer, reach crm.import_reach, is_dry boolean
)
returns crm.import_line[]
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    lines crm.import_line[];
begin
    lines := array(
        select row(
            staged.row_number,
            read.content,
            case
                when import.key is null then null
                when import.key in ('email', 'domain', 'name')
                    then lower(read.content -> 'fields' ->> import.key)
                else read.content -> 'fields' ->> import.key
            end,
            coalesce((read.content -> 'fields' ->> 'id')::uuid, gen_random_uuid()),
            'create',
            null
        )::crm.import_line
        from (
            select
                rows.row_number,
                rows.cells
            from crm.import_rows as rows
            where
                rows.tenant_id = import.tenant_id
                and rows.import_id = import.id
                and rows.row_number > prepare_lines.after
            order by rows.row_number
            limit crm.import_step_rows()
        ) as staged
        cross join lateral tenon.import_row(staged.cells, import.plan) as read (content)
        order by staged.row_number
    );
    return crm.resolve_lookups(import, lines, is_dry);
end
$$;

comment on function crm.prepare_lines(crm.imports, integer, crm.import_reach, boolean) is
'The next rows of an import as lines. Internal.';

create function crm.note_errors(import crm.imports, phase text, lines crm.import_line[])
returns integer
language plpgsql set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    noted integer;
begin
    insert into crm.import_errors (
        tenant_id, import_id, phase, row_number, place, column_name, code, explanation
    )
    select
        import.tenant_id,
        import.id,
        note_errors.phase,
        line.row_number,
        problem.place,
        problem.content ->> 'column',
        problem.content ->> 'code',
        left(problem.content ->> 'message', 1000)
    from unnest(lines) as line
    cross join lateral jsonb_array_elements(line.content -> 'errors')
        with ordinality as problem (content, place);
    select count(*)::integer
    into noted
    from unnest(lines) as line
    where line.content -> 'errors' <> '[]';
    return noted;
end
$$;

comment on function crm.note_errors(crm.imports, text, crm.import_line[]) is
'Notes the errors of lines; returns how many lines have some. Internal.';

create function crm.without_errors(lines crm.import_line[]) returns crm.import_line[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(array_agg(line), '{}')
    from unnest(lines) as line
    where line.content -> 'errors' = '[]';
end;

comment on function crm.without_errors(crm.import_line[]) is
'The lines that have no error. Internal.';

create function crm.check_import_step(import crm.imports) returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    reach constant crm.import_reach := crm.reach_of_import(import);
    lines crm.import_line[];
    failed integer;
    good crm.import_line[];
begin
    lines := crm.prepare_lines(import, import.checked_row, reach, true);
    if cardinality(lines) > 0 then
        lines := crm.check_lines(import, crm.match_records(import, lines, reach));
        failed := crm.note_errors(import, 'check', lines);
        good := crm.without_errors(lines);
        import.checked_row := lines[cardinality(lines)].row_number;
        import.check_report := import.check_report || jsonb_build_object(
            'rows', (import.check_report ->> 'rows')::integer + cardinality(lines),
            'failed', (import.check_report ->> 'failed')::integer + failed,
            'create', (import.check_report ->> 'create')::integer + (
                select count(*) from unnest(good) as line where line.action = 'create'
            ),
            'update', (import.check_report ->> 'update')::integer + (
                select count(*) from unnest(good) as line where line.action = 'update'
            )
        );
    end if;
    if cardinality(lines) < crm.import_step_rows() then
        import.check_status := 'done';
    end if;
    update crm.imports
    set
        checked_row = import.checked_row,
        check_report = import.check_report,
        check_status = import.check_status
    where imports.tenant_id = import.tenant_id and imports.id = import.id;
    return import;
end
$$;

comment on function crm.check_import_step(crm.imports) is
'Looks at the next rows of an import, and writes nothing but what it found. Internal.';

create function crm.run_import_step(import crm.imports, reach crm.import_reach)
returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    lines crm.import_line[];
    wave crm.import_line[];
    written crm.import_line[];
    good crm.import_line[];
    turn integer := 0;
begin
    lines := crm.prepare_lines(import, import.done_row, reach, false);
    -- Rows of one key follow each other: the second finds what the first has made.
    while cardinality(lines) > 0 loop
        turn := turn + 1;
        wave := array(
            select line
            from (
                select
                    line,
                    row_number() over (
                        partition by coalesce(line.key, line.record_id::text)
                        order by line.row_number
                    ) as place
                from unnest(lines) as line
            ) as ordered
            where ordered.place = turn
            order by (ordered.line).row_number
        );
        exit when cardinality(wave) = 0;
        wave := crm.check_lines(import, crm.match_records(import, wave, reach));
        good := crm.without_errors(wave);
        written := crm.write_lines(import, good, reach);
        import.failed_count := import.failed_count
            + crm.note_errors(
                import, 'run',
                array(select line from unnest(wave) as line where line.content -> 'errors' <> '[]')
                || array(
                    select line from unnest(written) as line where line.content -> 'errors' <> '[]'
                )
            );
        good := crm.without_errors(written);
        import.created_count := import.created_count + (
            select count(*) from unnest(good) as line where line.action = 'create'
        );
        import.updated_count := import.updated_count + (
            select count(*) from unnest(good) as line where line.action = 'update'
        );
    end loop;
    if cardinality(lines) > 0 then
        import.done_row := lines[cardinality(lines)].row_number;
    end if;
    if cardinality(lines) < crm.import_step_rows() then
        import.status := 'succeeded';
        import.finished_at := now();
        perform core.emit(
            import.tenant_id, 'crm.import.finished', 'import', import.id,
            jsonb_build_object(
                'object', import.object,
                'created', import.created_count,
                'updated', import.updated_count,
                'failed', import.failed_count
            )
        );
    end if;
    update crm.imports
    set
        done_row = import.done_row,
        created_count = import.created_count,
        updated_count = import.updated_count,
        failed_count = import.failed_count,
        status = import.status,
        finished_at = import.finished_at
    where imports.tenant_id = import.tenant_id and imports.id = import.id;
    return import;
end
$$;

comment on function crm.run_import_step(crm.imports, crm.import_reach) is
'Writes the records of the next rows of an import, and how far it is. Internal.';

create function crm.stop_import(import crm.imports, code text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    update crm.imports
    set status = 'stopped', stop_reason = stop_import.code
    where imports.tenant_id = import.tenant_id and imports.id = import.id;
    perform core.emit(
        import.tenant_id, 'crm.import.stopped', 'import', import.id,
        jsonb_build_object('reason', stop_import.code)
    );
end
$$;

comment on function crm.stop_import(crm.imports, text) is
'Stops an import that cannot go on. Internal.';

create function crm.import_in_job(job core.jobs) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    import crm.imports;
    reach crm.import_reach;
    is_over boolean;
    done integer;
begin
    select imports.* into import
    from crm.imports
    where
        imports.tenant_id = job.tenant_id
        and imports.id = (job.arguments ->> 'import_id')::uuid
    for no key update;
    if
        import.id is null
        or import.status <> (
            case job.task
                when 'crm.run_import' then 'running'
                when 'crm.undo_import' then 'undoing'
                else 'open'
            end
        )
    then
        return '{"done": true, "result": {}}';
    end if;
    perform crm.act_as(import.acting_kind, import.acting_id, import.tenant_id);
    reach := crm.reach_of_import(import);
    if reach.is_allowed is not true then
        perform crm.act_as(null, null, null);
        if job.task <> 'crm.check_import' then
            perform crm.stop_import(import, 'import.starter_not_allowed');
        end if;
        return '{"failed": "import.starter_not_allowed"}';
    end if;
    case job.task
        when 'crm.run_import' then
            import := crm.run_import_step(import, reach);
            is_over := import.status <> 'running';
            done := import.done_row;
        when 'crm.check_import' then
            import := crm.check_import_step(import);
            is_over := import.check_status = 'done';
            done := import.checked_row;
        else
            import := crm.undo_import_step(import, reach);
            is_over := import.status <> 'undoing';
            done := import.undone_count + import.kept_count;
    end case;
    perform crm.act_as(null, null, null);
    return jsonb_build_object(
        'done', is_over,
        'progress', jsonb_build_object('done', done, 'total', import.last_row)
    );
end
$$;

comment on function crm.import_in_job(core.jobs) is
'The tasks crm.check_import, crm.run_import and crm.undo_import: a step of an import, as the person
who started it. Internal.';

-- Undoing -----------------------------------------------------------------------------------------

create function crm.records_in_use(object text, tenant_id uuid, since timestamptz, ids uuid[])
returns uuid[]
language plpgsql stable set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(object);
    linked text;
    referring record;
    used uuid[] := '{}';
    found uuid[];
begin
    -- What engines note about a record themselves, such as its stages, says not when it was added.
    for linked in
        select linked_tables.relation
        from core.linked_tables
        where exists (
            select from pg_attribute as attributes
            where
                attributes.attrelid = linked_tables.relation::regclass
                and attributes.attname = 'created_at'
        )
    loop
        execute format(
            'select array_agg(distinct linked.record_id) from %s as linked '
            'where linked.tenant_id = $1 and linked.record_id = any($2) '
            'and linked.object = $3 and linked.created_at > $4',
            linked
        )
        into found
        using records_in_use.tenant_id, ids, known.object, since;
        used := used || coalesce(found, '{}');
    end loop;
    -- Records of other objects that point here, by columns beside the tenant's.
    for referring in
        select
            objects.relation,
            attributes.attname
        from pg_constraint as constraints
        inner join core.objects on objects.relation::regclass = constraints.conrelid
        inner join pg_attribute as attributes
            on
                attributes.attrelid = constraints.conrelid
                and attributes.attnum = constraints.conkey[2]
        where
            constraints.contype = 'f'
            and constraints.confrelid = known.relation::regclass
            and cardinality(constraints.conkey) = 2
    loop
        execute format(
            'select array_agg(distinct referring.%1$I) from %2$s as referring '
            'where referring.tenant_id = $1 and referring.%1$I = any($2)',
            referring.attname, referring.relation
        )
        into found
        using records_in_use.tenant_id, ids;
        used := used || coalesce(found, '{}');
    end loop;
    return used;
end
$$;

comment on function crm.records_in_use(text, uuid, timestamptz, uuid[]) is
'Those of the records on which something hangs by now: what was added after a time, and records of
other objects that point at them. Internal.';

create function crm.undo_updates(import crm.imports, records crm.import_records[])
returns void
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(import.object);
    assignments text;
begin
    if cardinality(records) = 0 then
        return;
    end if;
    select string_agg(
        format(
            '%1$I = case when undone.before -> ''fields'' ? %1$L then former.%1$I '
            'else record.%1$I end',
            written.column_name
        ),
        ', '
    )
    into assignments
    from (
        select columns.column_name from crm.written_columns(import) as columns
        union all
        select 'custom'
    ) as written;
    execute format(
        'update %1$s as record set %2$s from unnest($2) as undone '
        'cross join lateral jsonb_populate_record(null::%1$s, undone.before -> ''fields'') '
        'as former '
        'where record.tenant_id = $1 and record.id = undone.record_id',
        known.relation, assignments
    )
    using import.tenant_id, records;
    -- What an earlier row of the import left is what is there again.
    execute format(
        'update crm.import_records as earlier set version = record.version '
        'from unnest($2) as undone inner join %s as record '
        'on record.tenant_id = $1 and record.id = undone.record_id '
        'where earlier.tenant_id = $1 and earlier.import_id = $3 '
        'and earlier.record_id = undone.record_id and earlier.row_number < undone.row_number',
        known.relation
    )
    using import.tenant_id, records, import.id;
    delete from crm.contact_points as points
    using unnest(records) as undone
    where
        points.tenant_id = import.tenant_id
        and points.record_id = undone.record_id
        and undone.before -> 'points' ? points.id::text;
    delete from crm.taggings
    using unnest(records) as undone
    where
        taggings.tenant_id = import.tenant_id
        and taggings.object = import.object
        and taggings.record_id = undone.record_id
        and undone.before -> 'tags' ? taggings.tag_id::text;
end
$$;

comment on function crm.undo_updates(crm.imports, crm.import_records[]) is
'Gives records back what an import replaced. Internal.';

create function crm.undo_import_step(import crm.imports, reach crm.import_reach)
returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    taken crm.import_records[];
    last_object text;
    known core.objects;
    unchanged uuid[];
    used uuid[] := '{}';
    kept crm.import_records[];
    undone crm.import_records[];
begin
    -- The latest first: what was made for a row goes after the row's own record.
    taken := array(
        select records
        from crm.import_records as records
        where records.tenant_id = import.tenant_id and records.import_id = import.id
        order by records.row_number desc
        limit crm.import_step_rows()
    );
    last_object := taken[1].object;
    -- One object a step, and one row of each record.
    taken := array(
        select first_of_each.record
        from (
            select
                records as record,
                row_number() over (
                    partition by (records).record_id order by (records).row_number desc
                ) as place
            from unnest(taken) as records
            where (records).object = last_object
        ) as first_of_each
        where first_of_each.place = 1
    );
    if cardinality(taken) > 0 then
        known := core.object_named(last_object);
        execute format(
            'select array_agg(locked.id) from (select record.id, record.version from %s as record '
            'where record.tenant_id = $1 and record.id = any($4) and %s '
            'order by record.id for no key update) as locked '
            'inner join unnest($2) as taken '
            'on taken.record_id = locked.id and taken.version = locked.version',
            known.relation,
            case
                when reach.all_records or known.owner_column is null then 'true'
                else format('(record.%I = $3)', known.owner_column)
            end
        )
        into unchanged
        using
            import.tenant_id, taken, reach.caller_id,
            array(select (records).record_id from unnest(taken) as records);
        used := crm.records_in_use(
            last_object, import.tenant_id,
            (select max((records).created_at) from unnest(taken) as records),
            array(
                select (records).record_id
                from unnest(taken) as records
                where (records).action = 'create'
            )
        );
        undone := array(
            select records
            from unnest(taken) as records
            where
                (records).record_id = any(unchanged)
                and ((records).action = 'update' or (records).record_id <> all(used))
        );
        kept := array(
            select records
            from unnest(taken) as records
            where not exists (
                select from unnest(undone) as gone
                where (gone).record_id = (records).record_id
            )
        );
        perform crm.undo_updates(
            import,
            array(select records from unnest(undone) as records where (records).action = 'update')
        );
        execute format(
            'delete from %s as record where record.tenant_id = $1 and record.id = any($2)',
            known.relation
        )
        using
            import.tenant_id,
            array(
                select (records).record_id
                from unnest(undone) as records
                where (records).action = 'create'
            );
        insert into crm.import_errors (
            tenant_id, import_id, phase, row_number, place, code, explanation, record_id
        )
        select
            import.tenant_id,
            import.id,
            'undo',
            (records).row_number,
            row_number() over (),
            errors.code,
            errors.message,
            (records).record_id
        from unnest(kept) as records
        inner join core.errors
            on errors.code = case
                when (records).record_id = any(unchanged) then 'import.in_use'
                else 'import.changed_since'
            end
        on conflict do nothing;
        execute
            'delete from crm.import_records as records where records.tenant_id = $1 '
            'and records.import_id = $2 and records.row_number = any($3) '
            'and records.record_id = any($4)'
        using
            import.tenant_id, import.id,
            array(select (records).row_number from unnest(taken) as records),
            array(select (records).record_id from unnest(taken) as records);
        import.undone_count := import.undone_count + cardinality(undone);
        import.kept_count := import.kept_count + cardinality(kept);
    else
        import.status := 'undone';
        perform core.emit(
            import.tenant_id, 'crm.import.undone', 'import', import.id,
            jsonb_build_object('undone', import.undone_count, 'kept', import.kept_count)
        );
    end if;
    update crm.imports
    set
        undone_count = import.undone_count,
        kept_count = import.kept_count,
        status = import.status
    where imports.tenant_id = import.tenant_id and imports.id = import.id;
    return import;
end
$$;

comment on function crm.undo_import_step(crm.imports, crm.import_reach) is
'Takes back what an import did to some records, where nobody has changed them since. Internal.';

insert into core.job_tasks (task, function_schema, function_name, description, step_time_limit)
values
('crm.check_import', 'crm', 'import_in_job', 'Look at what an import would do.', '2 minutes'),
('crm.run_import', 'crm', 'import_in_job', 'Write the records of an import.', '2 minutes'),
('crm.undo_import', 'crm', 'import_in_job', 'Take an import back.', '2 minutes');

-- What v1 does ------------------------------------------------------------------------------------

create function crm.import_to_manage(id uuid) returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('crm.imports.manage');
    import crm.imports;
begin
    select imports.* into import
    from crm.imports
    where imports.tenant_id = owner_id and imports.id = import_to_manage.id
    for no key update;
    if import.id is null then
        perform core.fail('import.unknown', jsonb_build_object('id', import_to_manage.id));
    end if;
    return import;
end
$$;

comment on function crm.import_to_manage(uuid) is
'An import of the tenant in which the caller may import, locked. Raises import.unknown (404).
Internal.';

create function crm.import_answer(import crm.imports) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object(
        'id', import.id,
        'object', import.object,
        'name', import.name,
        'status', import.status,
        'header', to_jsonb(import.header),
        'mapping', import.mapping,
        'pieces', import.piece_count,
        'rows', import.row_count,
        'created', import.created_count,
        'updated', import.updated_count,
        'failed', import.failed_count
    );
end
$$;

comment on function crm.import_answer(crm.imports) is 'An import as functions of v1 answer.
Internal.';

create function crm.refuse_import_status(import crm.imports, allowed text[]) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if import.status <> all(allowed) then
        perform core.fail(
            'import.status_conflict', jsonb_build_object('status', import.status)
        );
    end if;
end
$$;

comment on function crm.refuse_import_status(crm.imports, text[]) is
'Raises import.status_conflict (409) for an import that is in no allowed state. Internal.';

create function crm.refuse_settings(settings jsonb) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if jsonb_typeof(settings) is distinct from 'object' then
        perform core.fail(
            'import.setting_invalid', '{"name": "settings", "wanted": "an object"}'
        );
    elsif coalesce(settings ->> 'mode', 'insert') not in ('insert', 'update', 'upsert') then
        perform core.fail(
            'import.setting_invalid', '{"name": "mode", "wanted": "insert, update or upsert"}'
        );
    elsif
        coalesce(settings ->> 'key', 'id')
        not in ('id', 'external_id', 'email', 'code', 'domain', 'name')
    then
        perform core.fail(
            'import.setting_invalid',
            '{"name": "key", "wanted": "id, external_id, email, code, domain or name"}'
        );
    elsif
        coalesce(settings ->> 'encoding', 'utf-8')
        not in ('utf-8', 'utf-16le', 'utf-16be', 'windows-1252')
    then
        perform core.fail(
            'import.setting_invalid', '{"name": "encoding", "wanted": "one that is known"}'
        );
    elsif
        settings ? 'delimiter'
        and (settings ->> 'delimiter' !~ '^[\t -~]$' or settings ->> 'delimiter' ~ '["\w]')
    then
        perform core.fail(
            'import.setting_invalid', '{"name": "delimiter", "wanted": "one sign, as ;"}'
        );
    elsif
        coalesce(settings ->> 'mode', 'insert') <> 'insert' and settings ->> 'key' is null
    then
        perform core.fail('import.key_missing');
    end if;
    perform tenon.import_plan('{}', '{}', settings - 'defaults', '{}');
end
$$;

comment on function crm.refuse_settings(jsonb) is
'Raises import.setting_invalid (400) and import.key_missing (422) for settings that no import can
have. Internal.';

create function crm.start_import(object text, name text, mapping jsonb, settings jsonb)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('crm.imports.manage');
    wanted constant jsonb := coalesce(start_import.settings, '{}');
    known constant core.objects := core.object_named(start_import.object);
    import crm.imports;
begin
    if (owner_id = any(core.tenants_with(known.object || '.write', 'own'))) is not true then
        perform core.fail(
            'tenancy.permission_missing',
            jsonb_build_object('permission', known.object || '.write')
        );
    elsif (char_length(start_import.name) between 1 and 200) is not true then
        perform core.fail('import.name_invalid');
    elsif not exists (
        select from core.object_fields as fields
        where fields.object = known.object and fields.is_writable
    ) then
        perform core.fail('import.object_closed', jsonb_build_object('object', known.object));
    end if;
    perform crm.refuse_settings(wanted);
    insert into crm.imports (tenant_id, object, name, mode, key, mapping, settings, reading)
    values (
        owner_id, known.object, start_import.name, coalesce(wanted ->> 'mode', 'insert'),
        wanted ->> 'key', start_import.mapping, wanted,
        jsonb_strip_nulls(jsonb_build_object(
            'encoding', wanted -> 'encoding', 'delimiter', wanted -> 'delimiter'
        ))
    )
    returning * into import;
    return crm.import_answer(import);
end
$$;

comment on function crm.start_import(text, text, jsonb, jsonb) is
'What v1.start_import does. Definer, because it writes crm.imports. Signed-in users may call it.';

create function crm.map_import(id uuid, mapping jsonb, settings jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    import crm.imports := crm.import_to_manage(map_import.id);
    wanted constant jsonb := import.settings || coalesce(map_import.settings, '{}');
begin
    perform crm.refuse_import_status(import, '{open}');
    perform crm.refuse_settings(wanted);
    if jsonb_typeof(coalesce(map_import.mapping, '{}')) <> 'object' then
        perform core.fail(
            'import.setting_invalid', '{"name": "mapping", "wanted": "an object"}'
        );
    end if;
    update crm.imports
    set
        mapping = coalesce(map_import.mapping, imports.mapping),
        settings = wanted,
        mode = coalesce(wanted ->> 'mode', 'insert'),
        key = wanted ->> 'key',
        plan = null,
        check_status = 'none'
    where imports.tenant_id = import.tenant_id and imports.id = import.id
    returning * into import;
    if import.header is not null then
        import := crm.plan_import(import);
    end if;
    return crm.import_answer(import);
end
$$;

comment on function crm.map_import(uuid, jsonb, jsonb) is
'What v1.map_import does. Definer, because it writes crm.imports. Signed-in users may call it.';

create function crm.stage_rows(import crm.imports, piece bytea, is_last boolean)
returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    answer constant jsonb := tenon.import_read(piece, import.reading, is_last);
    staged jsonb := answer -> 'rows';
    counted integer;
begin
    import.reading := answer -> 'reading';
    import.is_complete := is_last;
    if import.header is null and jsonb_array_length(staged) > 0 then
        if coalesce((import.settings -> 'header')::boolean, true) then
            import.header := tenon.import_header(
                array(select jsonb_array_elements_text(staged -> 0))
            );
            staged := staged - 0;
            import.last_row := 1;
        else
            import.header := tenon.import_header(
                array(select '' from jsonb_array_elements(staged -> 0))
            );
        end if;
    end if;
    counted := jsonb_array_length(staged);
    if import.row_count + counted > crm.import_rows_max() then
        perform core.fail(
            'import.too_many_rows', jsonb_build_object('rows_max', crm.import_rows_max())
        );
    end if;
    insert into crm.import_rows (tenant_id, import_id, row_number, cells, email)
    select
        import.tenant_id,
        import.id,
        import.last_row + row.place,
        row.cells,
        (
            select cell.value
            from jsonb_array_elements_text(row.cells) as cell (value)
            where
                position('@' in cell.value) > 1
                and cell.value ~ '^\s*[^@\s]{1,64}@[^@\s]{1,189}\s*$'
            limit 1
        )
    from jsonb_array_elements(staged) with ordinality as row (cells, place);
    import.row_count := import.row_count + counted;
    import.last_row := import.last_row + counted;
    update crm.imports
    set
        reading = import.reading,
        header = import.header,
        is_complete = import.is_complete,
        row_count = import.row_count,
        last_row = import.last_row
    where imports.tenant_id = import.tenant_id and imports.id = import.id;
    return import;
end
$$;

comment on function crm.stage_rows(crm.imports, bytea, boolean) is
'Reads a piece of a file, and stages the rows that are whole with it. Internal.';

create function crm.add_import_rows(
    import_id uuid, number integer, csv text, bytes text, is_last boolean
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    import crm.imports := crm.import_to_manage(add_import_rows.import_id);
    piece bytea;
    known crm.import_pieces;
    staged_before constant integer := import.row_count;
begin
    -- Text is UTF-8 by now, whatever the file was.
    if add_import_rows.csv is not null then
        piece := convert_to(add_import_rows.csv, 'UTF8');
        if import.piece_count = 0 then
            import.reading := import.reading || '{"encoding": "utf-8"}';
        end if;
    else
        begin
            piece := decode(coalesce(add_import_rows.bytes, ''), 'base64');
        exception
            when others then
                perform core.fail(
                    'import.setting_invalid', '{"name": "bytes", "wanted": "Base64"}'
                );
        end;
    end if;
    if octet_length(piece) > crm.import_piece_bytes_max() then
        perform core.fail(
            'import.piece_too_large',
            jsonb_build_object('bytes_max', crm.import_piece_bytes_max())
        );
    end if;
    select pieces.* into known
    from crm.import_pieces as pieces
    where
        pieces.tenant_id = import.tenant_id
        and pieces.import_id = import.id
        and pieces.number = add_import_rows.number;
    if known.number is not null and known.hash <> sha256(piece) then
        perform core.fail(
            'import.piece_differs', jsonb_build_object('number', add_import_rows.number)
        );
    elsif known.number is null then
        perform crm.refuse_import_status(import, '{open}');
        if import.is_complete then
            perform core.fail('import.status_conflict', '{"status": "complete"}');
        elsif add_import_rows.number is distinct from import.piece_count + 1 then
            perform core.fail(
                'import.piece_missing', jsonb_build_object('expected', import.piece_count + 1)
            );
        end if;
        import := crm.stage_rows(import, piece, coalesce(add_import_rows.is_last, false));
        insert into crm.import_pieces (tenant_id, import_id, number, hash, row_count)
        values (
            import.tenant_id, import.id, add_import_rows.number, sha256(piece),
            import.row_count - staged_before
        );
        update crm.imports
        set piece_count = imports.piece_count + 1, check_status = 'none'
        where imports.tenant_id = import.tenant_id and imports.id = import.id
        returning * into import;
    end if;
    return crm.import_answer(import);
end
$$;

comment on function crm.add_import_rows(uuid, integer, text, text, boolean) is
'What v1.add_import_rows does. Definer, because it writes crm.import_rows. Signed-in users may call
it.';

create function crm.plan_import(import crm.imports) returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    maker text;
begin
    import.plan := tenon.import_plan(
        import.header, coalesce(import.mapping, '{}'), import.settings,
        crm.import_fields(import.object, import.tenant_id)
    );
    if import.plan -> 'columns' = '[]' then
        perform core.fail('import.mapping_missing');
    elsif
        import.key is not null and not exists (
            select from jsonb_array_elements(import.plan -> 'columns') as element
            where element.value ->> 'field' = import.key
        )
    then
        perform core.fail('import.key_missing');
    end if;
    for maker in
        select 'crm.companies.write'
        from jsonb_array_elements(import.plan -> 'columns') as element
        where (element.value -> 'create')::boolean
    loop
        if (import.tenant_id = any(core.tenants_with(maker))) is not true then
            perform core.fail(
                'tenancy.permission_missing', jsonb_build_object('permission', maker)
            );
        end if;
    end loop;
    update crm.imports set plan = import.plan
    where imports.tenant_id = import.tenant_id and imports.id = import.id;
    return import;
end
$$;

comment on function crm.plan_import(crm.imports) is
'Makes the mapping of an import ready. Raises import.mapping_invalid (400), import.mapping_missing
and import.key_missing (422), and tenancy.permission_missing (403) where records are to be made
that the caller may not make. Internal.';

create function crm.complete_import(import crm.imports) returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
begin
    if (
        import.tenant_id = any(core.tenants_with(import.object || '.write', 'own'))
    ) is not true then
        perform core.fail(
            'tenancy.permission_missing',
            jsonb_build_object('permission', import.object || '.write')
        );
    end if;
    if not import.is_complete then
        import := crm.stage_rows(import, '', true);
    end if;
    if import.header is null then
        perform core.fail('import.header_missing');
    end if;
    import := crm.plan_import(import);
    update crm.imports
    set acting_kind = caller.kind, acting_id = caller.id, stop_reason = null
    where imports.tenant_id = import.tenant_id and imports.id = import.id
    returning * into import;
    return import;
end
$$;

comment on function crm.complete_import(crm.imports) is
'Ends the reading of a file whose pieces are all there, and notes who has it done. Internal.';

create function crm.check_import(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    import crm.imports := crm.import_to_manage(check_import.id);
    key_column integer;
    duplicates bigint;
begin
    perform crm.refuse_import_status(import, '{open}');
    import := crm.complete_import(import);
    delete from crm.import_errors as errors
    where
        errors.tenant_id = import.tenant_id
        and errors.import_id = import.id
        and errors.phase = 'check';
    select (element.value -> 'column')::integer into key_column
    from jsonb_array_elements(import.plan -> 'columns') as element
    where element.value ->> 'field' = import.key;
    select coalesce(sum(counted.rows - 1), 0) into duplicates
    from (
        select count(*) as rows
        from crm.import_rows as rows
        where
            rows.tenant_id = import.tenant_id
            and rows.import_id = import.id
            and key_column is not null
            and btrim(rows.cells ->> key_column) <> ''
        group by lower(btrim(rows.cells ->> key_column))
        having count(*) > 1
    ) as counted;
    update crm.imports
    set
        check_status = 'running',
        checked_row = 0,
        check_report = jsonb_build_object(
            'rows', 0, 'create', 0, 'update', 0, 'failed', 0, 'duplicates', duplicates
        )
    where imports.tenant_id = import.tenant_id and imports.id = import.id
    returning * into import;
    import := crm.check_import_step(import);
    if import.check_status = 'running' then
        perform core.enqueue_job(
            import.tenant_id, 'crm.check_import',
            jsonb_build_object('import_id', import.id), import.id::text
        );
    end if;
    return import.check_report || jsonb_build_object(
        'id', import.id,
        'status', import.check_status,
        'errors', coalesce((
            select jsonb_agg(to_jsonb(problem))
            from (
                select
                    errors.row_number as row,
                    errors.column_name as column,
                    errors.code,
                    errors.explanation as message
                from crm.import_errors as errors
                where
                    errors.tenant_id = import.tenant_id
                    and errors.import_id = import.id
                    and errors.phase = 'check'
                order by errors.row_number, errors.place
                limit 20
            ) as problem
        ), '[]'),
        'sample', coalesce((
            select jsonb_agg(
                tenon.import_row(first_rows.cells, import.plan)
                || jsonb_build_object('row', first_rows.row_number)
            )
            from (
                select
                    rows.cells,
                    rows.row_number
                from crm.import_rows as rows
                where rows.tenant_id = import.tenant_id and rows.import_id = import.id
                order by rows.row_number
                limit 5
            ) as first_rows
        ), '[]')
    );
end
$$;

comment on function crm.check_import(uuid) is
'What v1.check_import does. Definer, because it writes crm.import_errors. Signed-in users may call
it.';

create function crm.run_import(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    import crm.imports := crm.import_to_manage(run_import.id);
begin
    perform crm.refuse_import_status(import, '{open,running,stopped}');
    if import.status <> 'running' then
        import := crm.complete_import(import);
        update crm.imports
        set status = 'running', started_at = coalesce(imports.started_at, now())
        where imports.tenant_id = import.tenant_id and imports.id = import.id
        returning * into import;
    end if;
    perform core.enqueue_job(
        import.tenant_id, 'crm.run_import',
        jsonb_build_object('import_id', import.id), import.id::text
    );
    return crm.import_answer(import);
end
$$;

comment on function crm.run_import(uuid) is
'What v1.run_import does. Definer, because it writes crm.imports. Signed-in users may call it.';

create function crm.undo_import(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    import crm.imports := crm.import_to_manage(undo_import.id);
    caller constant record := core.caller();
begin
    perform crm.refuse_import_status(import, '{succeeded,stopped,undoing}');
    if (
        import.tenant_id = any(core.tenants_with(import.object || '.write', 'own'))
    ) is not true then
        perform core.fail(
            'tenancy.permission_missing',
            jsonb_build_object('permission', import.object || '.write')
        );
    end if;
    update crm.imports
    set
        status = 'undoing', stop_reason = null,
        acting_kind = caller.kind, acting_id = caller.id
    where imports.tenant_id = import.tenant_id and imports.id = import.id
    returning * into import;
    perform core.enqueue_job(
        import.tenant_id, 'crm.undo_import',
        jsonb_build_object('import_id', import.id), import.id::text
    );
    return crm.import_answer(import);
end
$$;

comment on function crm.undo_import(uuid) is
'What v1.undo_import does. Definer, because it writes crm.imports. Signed-in users may call it.';

create function crm.propose_import_mapping(object text, header text[]) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return tenon.import_mapping(
        tenon.import_header(propose_import_mapping.header),
        crm.import_fields(
            propose_import_mapping.object, core.sole_tenant_with('crm.imports.manage')
        )
    );
end
$$;

comment on function crm.propose_import_mapping(text, text[]) is
'What v1.propose_import_mapping does. Definer, because the fields of a tenant are internal.
Signed-in users may call it.';

-- The API -----------------------------------------------------------------------------------------

create view v1.imports with (security_invoker = true) as
select
    imports.tenant_id,
    imports.id,
    imports.object,
    imports.name,
    imports.mode,
    imports.key,
    imports.mapping,
    imports.settings,
    imports.header,
    imports.status,
    imports.check_status,
    imports.check_report,
    imports.is_complete,
    imports.piece_count,
    imports.row_count,
    imports.done_row,
    imports.last_row,
    imports.created_count,
    imports.updated_count,
    imports.failed_count,
    imports.undone_count,
    imports.kept_count,
    imports.stop_reason,
    imports.started_at,
    imports.finished_at,
    imports.created_at,
    imports.created_by
from crm.imports;

comment on view v1.imports is
'Imports, and how far they are: done_row of last_row. Needs crm.imports.manage.';

create view v1.import_errors with (security_invoker = true) as
select
    errors.tenant_id,
    errors.import_id,
    errors.phase,
    errors.row_number,
    errors.place,
    errors.column_name,
    errors.code,
    errors.explanation,
    errors.record_id,
    rows.cells
from crm.import_errors as errors
left join crm.import_rows as rows
    on
        rows.tenant_id = errors.tenant_id
        and rows.import_id = errors.import_id
        and rows.row_number = errors.row_number;

comment on view v1.import_errors is
'What is wrong with rows of imports, and which row it is: of the dry run (phase check), of the run,
and of undoing. Needs crm.imports.manage.';

grant select on v1.imports, v1.import_errors to authenticated, service_role;

create function v1.start_import(
    object text, name text, mapping jsonb default null, settings jsonb default '{}'
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'start_import',
            jsonb_build_object(
                'object', start_import.object,
                'name', start_import.name,
                'mapping', start_import.mapping,
                'settings', start_import.settings
            )
        ),
        core.store_answer(
            crm.start_import(
                start_import.object, start_import.name, start_import.mapping,
                start_import.settings
            )
        )
    );
end
$$;

comment on function v1.start_import(text, text, jsonb, jsonb) is
'Begins an import of a file into records of an object; returns it, with its id. mapping: {"column":
"field"} or {"column": {"field", "by", "create", "as", "separator", "label"}}, which v1.map_import
can set later. settings: mode (insert, update, upsert), key, delimiter, encoding, header, decimal,
date, time_zone, currency, empty (leave, clear), keep_space, defaults. Needs crm.imports.manage and
the object''s write. Raises record.object_unknown, import.setting_invalid, import.name_invalid
(400), import.object_closed, import.key_missing (422). May be repeated with an Idempotency-Key.';

create function v1.map_import(import_id uuid, mapping jsonb, settings jsonb default null)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'map_import',
            jsonb_build_object(
                'import_id', map_import.import_id,
                'mapping', map_import.mapping,
                'settings', map_import.settings
            )
        ),
        core.store_answer(
            crm.map_import(map_import.import_id, map_import.mapping, map_import.settings)
        )
    );
end
$$;

comment on function v1.map_import(uuid, jsonb, jsonb) is
'Says which columns of an import fill which fields, and changes settings. Returns the import. Needs
crm.imports.manage. Raises import.unknown (404), import.status_conflict (409),
import.mapping_invalid, import.setting_invalid (400), import.key_missing (422). May be repeated with
an Idempotency-Key.';

create function v1.add_import_rows(
    import_id uuid,
    number integer,
    csv text default null,
    bytes text default null,
    is_last boolean default false
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'add_import_rows',
            jsonb_build_object(
                'import_id', add_import_rows.import_id,
                'number', add_import_rows.number,
                'csv', add_import_rows.csv,
                'bytes', add_import_rows.bytes,
                'is_last', add_import_rows.is_last
            )
        ),
        core.store_answer(
            crm.add_import_rows(
                add_import_rows.import_id, add_import_rows.number, add_import_rows.csv,
                add_import_rows.bytes, add_import_rows.is_last
            )
        )
    );
end
$$;

comment on function v1.add_import_rows(uuid, integer, text, text, boolean) is
'Adds a piece of the file, numbered from 1: as text (csv), or as it is on the disk in Base64
(bytes), of at most 1 MiB. It may end anywhere. The same piece again has no effect. Returns the
import. Needs crm.imports.manage. Raises import.unknown (404), import.piece_missing,
import.piece_differs, import.status_conflict (409), import.piece_too_large, import.too_many_rows,
import.row_too_long, import.cell_too_long, import.too_many_columns (413), import.encoding_invalid,
import.text_invalid, import.quote_open (400). May be repeated with an Idempotency-Key.';

create function v1.check_import(import_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer('check_import', jsonb_build_object('import_id', check_import.import_id)),
        core.store_answer(crm.check_import(check_import.import_id))
    );
end
$$;

comment on function v1.check_import(uuid) is
'The dry run: {rows, create, update, failed, duplicates, errors, sample, status}. It looks at the
first 2000 rows at once; where status is running, a job looks at the others, and check_report of
v1.imports counts on. All errors are in v1.import_errors. Writes no record. Needs crm.imports.manage
and the object''s write. Raises import.unknown (404), import.status_conflict (409),
import.header_missing, import.mapping_missing, import.key_missing (422), import.mapping_invalid
(400). May be repeated with an Idempotency-Key.';

create function v1.run_import(import_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer('run_import', jsonb_build_object('import_id', run_import.import_id)),
        core.store_answer(crm.run_import(run_import.import_id))
    );
end
$$;

comment on function v1.run_import(uuid) is
'Has the records of an import written, by a job that acts as the caller; one that stopped goes on. A
row that cannot be written is in v1.import_errors, and the others are written. Needs
crm.imports.manage and the object''s write. Raises as v1.check_import does. May be repeated with an
Idempotency-Key.';

create function v1.undo_import(import_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer('undo_import', jsonb_build_object('import_id', undo_import.import_id)),
        core.store_answer(crm.undo_import(undo_import.import_id))
    );
end
$$;

comment on function v1.undo_import(uuid) is
'Takes an import back, by a job, within 30 days: removes the records that it made, and gives those
back what they held that it updated. A record that somebody has changed since, or that others hang
on, stays; v1.import_errors names it. Needs crm.imports.manage and the object''s write. Raises
import.unknown (404), import.status_conflict (409). May be repeated with an Idempotency-Key.';

create function v1.propose_import_mapping(object text, header text[]) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return crm.propose_import_mapping(
        propose_import_mapping.object, propose_import_mapping.header
    );
end
$$;

comment on function v1.propose_import_mapping(text, text[]) is
'A mapping for the columns that are understood, by the names and labels of fields and what they are
called in English and German. Needs crm.imports.manage. Raises record.object_unknown (400).';

create function v1.import_errors_csv(
    import_id uuid,
    phase text default 'run',
    after integer default 0,
    row_limit integer default 1000
)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    import record;
    page record;
begin
    select imports.header into import
    from crm.imports
    where imports.id = import_errors_csv.import_id;
    if not found then
        perform core.fail('import.unknown', jsonb_build_object('id', import_id));
    end if;
    select
        string_agg(
            crm.import_error_line(listed.cells, listed.row_number, listed.problems),
            '' order by listed.row_number
        ) as csv,
        max(listed.row_number) as last_row,
        count(*) as rows
    into page
    from (
        select
            errors.row_number,
            errors.cells,
            string_agg(
                concat_ws(': ', errors.column_name, errors.explanation),
                '; ' order by errors.place
            ) as problems
        from v1.import_errors as errors
        where
            errors.import_id = import_errors_csv.import_id
            and errors.phase = import_errors_csv.phase
            and errors.row_number > import_errors_csv.after
        group by errors.row_number, errors.cells
        order by errors.row_number
        limit least(greatest(coalesce(import_errors_csv.row_limit, 1000), 1), 5000)
    ) as listed;
    return jsonb_build_object(
        'csv', case when import_errors_csv.after = 0 then
            crm.import_error_line(to_jsonb(import.header), null, null) else '' end
        || coalesce(page.csv, ''),
        'next', case
            when page.rows = least(greatest(coalesce(import_errors_csv.row_limit, 1000), 1), 5000)
                then page.last_row
        end
    );
end
$$;

comment on function v1.import_errors_csv(uuid, text, integer, integer) is
'The rows of an import that have errors, as comma separated values with two columns more, row and
problems: {csv, next}. While next is not null, ask again with it as after. Mended, the rows can be
imported. Needs crm.imports.manage. Raises import.unknown (404).';

create function crm.import_error_line(cells jsonb, row_number integer, problems text) returns text
language plpgsql immutable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    texts text[];
begin
    texts := array(select jsonb_array_elements_text(coalesce(cells, '[]')))
        || coalesce(row_number::text, 'row') || coalesce(problems, 'problems');
    return tenon.export_row(texts, array_fill(true, array[cardinality(texts)]), ',');
end
$$;

comment on function crm.import_error_line(jsonb, integer, text) is
'A row of an import with what is wrong with it, as comma separated values. Definer, because the
domain''s functions are internal. Signed-in users may call it.';

-- The data map ------------------------------------------------------------------------------------

select
    core.map_personal(
        'crm.imports.' || mapped, 'user.unique_id', mapped || ' is user_id', 'set_null'
    )
from unnest(array['created_by', 'acting_id']) as mapped;
select
    core.map_personal(
        'crm.import_rows.' || mapped, 'user.content', 'email is email', 'delete_row', null,
        interval '30 days', 'created_at'
    )
from unnest(array['email', 'cells']) as mapped;
select
    core.map_personal(
        'crm.import_records.' || mapped, 'user.content',
        'record_id in crm.contacts.id or record_id in crm.leads.id', 'delete_row', null,
        interval '30 days', 'created_at'
    )
from unnest(array['record_id', 'before']) as mapped;
select
    core.map_not_personal(
        'Names of a file and its columns, settings, counts, and what is wrong with a cell, without'
        ' what is in it.',
        'crm.imports.name', 'crm.imports.mapping', 'crm.imports.settings', 'crm.imports.plan',
        'crm.imports.check_report', 'crm.imports.stop_reason', 'crm.import_errors.column_name',
        'crm.import_errors.explanation'
    );
select
    core.map_not_personal(
        'Part of a row that is not whole yet, until the next piece of its file.',
        'crm.imports.reading'
    );

select
    core.audit(
        'crm.imports'::regclass,
        '{reading,plan,header,piece_count,row_count,last_row,is_complete,checked_row,check_report,
        check_status,done_row,created_count,updated_count,failed_count,undone_count,kept_count}'
    );

revoke all on function
crm.import_piece_bytes_max(),
crm.import_rows_max(),
crm.import_step_rows(),
crm.import_lookups(text, text),
crm.import_fields(text, uuid),
crm.act_as(text, uuid, uuid),
crm.reach_of_import(crm.imports),
crm.line_with_error(crm.import_line, text, text, jsonb),
crm.lookup_targets(crm.imports, jsonb, text[]),
crm.resolve_lookups(crm.imports, crm.import_line[], boolean),
crm.create_companies(crm.imports, jsonb, jsonb, text[]),
crm.match_records(crm.imports, crm.import_line[], crm.import_reach),
crm.check_of_records(text),
crm.check_lines(crm.imports, crm.import_line[]),
crm.line_with_refusal(crm.imports, crm.import_line, text),
crm.written_columns(crm.imports),
crm.insert_records(crm.imports, crm.import_line[], crm.import_reach),
crm.update_records(crm.imports, crm.import_line[], crm.import_reach),
crm.lock_before(crm.imports, crm.import_line[]),
crm.write_points(crm.imports, crm.import_line[]),
crm.write_tags(crm.imports, crm.import_line[]),
crm.write_at_once(crm.imports, crm.import_line[], crm.import_reach),
crm.write_lines(crm.imports, crm.import_line[], crm.import_reach),
crm.prepare_lines(crm.imports, integer, crm.import_reach, boolean),
crm.note_errors(crm.imports, text, crm.import_line[]),
crm.without_errors(crm.import_line[]),
crm.check_import_step(crm.imports),
crm.run_import_step(crm.imports, crm.import_reach),
crm.stop_import(crm.imports, text),
crm.import_in_job(core.jobs),
crm.records_in_use(text, uuid, timestamptz, uuid[]),
crm.undo_updates(crm.imports, crm.import_records[]),
crm.undo_import_step(crm.imports, crm.import_reach),
crm.import_to_manage(uuid),
crm.import_answer(crm.imports),
crm.refuse_import_status(crm.imports, text[]),
crm.refuse_settings(jsonb),
crm.start_import(text, text, jsonb, jsonb),
crm.map_import(uuid, jsonb, jsonb),
crm.stage_rows(crm.imports, bytea, boolean),
crm.add_import_rows(uuid, integer, text, text, boolean),
crm.plan_import(crm.imports),
crm.complete_import(crm.imports),
crm.check_import(uuid),
crm.run_import(uuid),
crm.undo_import(uuid),
crm.propose_import_mapping(text, text[]),
v1.start_import(text, text, jsonb, jsonb),
v1.map_import(uuid, jsonb, jsonb),
v1.add_import_rows(uuid, integer, text, text, boolean),
v1.check_import(uuid),
v1.run_import(uuid),
v1.undo_import(uuid),
v1.propose_import_mapping(text, text[]),
v1.import_errors_csv(uuid, text, integer, integer),
crm.import_error_line(jsonb, integer, text)
from public;
grant execute on function
crm.start_import(text, text, jsonb, jsonb),
crm.map_import(uuid, jsonb, jsonb),
crm.add_import_rows(uuid, integer, text, text, boolean),
crm.check_import(uuid),
crm.run_import(uuid),
crm.undo_import(uuid),
crm.propose_import_mapping(text, text[]),
v1.start_import(text, text, jsonb, jsonb),
v1.map_import(uuid, jsonb, jsonb),
v1.add_import_rows(uuid, integer, text, text, boolean),
v1.check_import(uuid),
v1.run_import(uuid),
v1.undo_import(uuid),
v1.propose_import_mapping(text, text[]),
v1.import_errors_csv(uuid, text, integer, integer),
crm.import_error_line(jsonb, integer, text)
to authenticated, service_role;
