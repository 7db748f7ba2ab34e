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
(
    'import.tag_missing', 422, 'There is no tag {tag}.',
    'Create the tag first, or have somebody run the import who may make tags.'
),
(
    'import.pipeline_other', 422, 'The record is in another pipeline than {pipeline}.',
    'An import moves records within their pipelines; leave the cell empty.'
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
crm.act_as(text, uuid, uuid),
crm.reach_of_import(crm.imports)
from public;
