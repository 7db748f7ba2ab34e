-- Exports: records as comma separated values, page by page, as the caller may see them.
--
-- The page is read through the view of v1, so row level security and hidden fields are those of any
-- reading. A segment says which records as a condition does, through the rights of who exports.
-- Columns are called as fields are, so that v1.propose_import_mapping understands every
-- one of them. Each page is in the log: who took which records out, and how many.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('crm.exports.read', 'Export records that the role may read, and see who exported what.');
select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'analyst'], array['crm.exports.read']
);

create table crm.exports (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    object text not null references core.objects (object),
    fields text[] not null,
    is_filtered boolean not null,
    row_count integer not null,
    is_last boolean not null,
    exported_at timestamptz not null default now(),
    exported_by uuid default core.caller_id(),
    exported_by_kind text not null default (core.caller()).kind,
    primary key (tenant_id, id)
);
create index exports_exported_at on crm.exports (tenant_id, exported_at desc);
create index exports_object on crm.exports (object);

comment on table crm.exports is 'Who exported records of which object: a row for each page.';
comment on column crm.exports.is_filtered is 'Whether a condition or a segment said which records.';
comment on column crm.exports.is_last is 'Whether nothing came after this page.';

alter table crm.exports enable row level security;
create policy exports_read on crm.exports for select to authenticated
using (tenant_id = any((select core.tenants_with('crm.exports.read'))::uuid[]));
grant select on crm.exports to authenticated, service_role;

insert into core.errors (code, status, message, hint) values
(
    'export.field_unknown', 400, 'Records of {object} have no field {field}.',
    'Compare the fields with v1.object_fields.'
);

create function crm.export_rows_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 5000;

comment on function crm.export_rows_max() is
'How many records a page of an export has at most: some megabytes, which one request can carry.
Internal.';

create function crm.begin_export(
    object text,
    fields text[],
    condition jsonb,
    out tenant_id uuid,
    out relation text,
    out exported text[],
    out are_texts boolean[],
    out holds text,
    out given jsonb
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    described jsonb;
    missing text;
begin
    tenant_id := core.sole_tenant_with('crm.exports.read');
    relation := 'v1.' || quote_ident(split_part(known.relation, '.', 2));
    described := core.fields_of(known.object, tenant_id);
    exported := coalesce(
        begin_export.fields,
        array(
            select described_field.key
            from jsonb_each(described) as described_field
            left join core.object_fields as own
                on own.object = known.object and own.field = described_field.key
            order by own.position nulls last, described_field.key
        )
    );
    select min(asked.field) into missing
    from unnest(exported) as asked (field)
    where not described ? asked.field;
    if missing is not null then
        perform core.fail(
            'export.field_unknown', jsonb_build_object('object', known.object, 'field', missing)
        );
    end if;
    are_texts := array(
        select coalesce(described -> asked.field ->> 'type' in ('text', 'list'), true)
        from unnest(exported) with ordinality as asked (field, place)
        order by asked.place
    );
    holds := 'true';
    given := '[]';
    if begin_export.condition is not null then
        perform tenon.condition_check(begin_export.condition, described);
        holds := tenon.condition_where(begin_export.condition, described, 'record');
        given := tenon.condition_values(begin_export.condition, described);
    end if;
end
$$;

comment on function crm.begin_export(text, text[], jsonb) is
'Of which tenant an export is, which view and which fields it reads, and which records by which
condition. Definer, because the domain''s functions and the fields of a tenant are internal; asks
for crm.exports.read itself. Raises record.object_unknown, export.field_unknown and condition.…
(400). Signed-in users may call it.';

create function crm.end_export(
    object text,
    fields text[],
    are_texts boolean[],
    is_filtered boolean,
    delimiter text,
    with_header boolean,
    is_last boolean,
    records jsonb[]
)
returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    csv text := '';
begin
    insert into crm.exports (tenant_id, object, fields, is_filtered, row_count, is_last)
    values (
        core.sole_tenant_with('crm.exports.read'), end_export.object, end_export.fields,
        end_export.is_filtered, cardinality(records), end_export.is_last
    );
    if with_header then
        csv := tenon.export_row(
            end_export.fields, array_fill(true, array[cardinality(end_export.fields)]), delimiter
        );
    end if;
    return csv || coalesce(
        (
            select string_agg(
                tenon.export_row(
                    array(
                        select case jsonb_typeof(cell.content)
                            when 'array' then (
                                select string_agg(element.word, ',' order by element.place)
                                from jsonb_array_elements_text(cell.content)
                                    with ordinality as element (word, place)
                            )
                            else cell.content #>> '{}'
                        end
                        from unnest(end_export.fields) with ordinality as asked (field, place)
                        cross join lateral (
                            select case
                                when asked.field like 'custom.%'
                                    then record.content -> 'custom' -> substr(asked.field, 8)
                                else record.content -> asked.field
                            end as content
                        ) as cell
                        order by asked.place
                    ),
                    end_export.are_texts,
                    delimiter
                ),
                '' order by record.place
            )
            from unnest(records) with ordinality as record (content, place)
        ),
        ''
    );
end
$$;

comment on function crm.end_export(
    text, text[], boolean[], boolean, text, boolean, boolean, jsonb[]
) is
'Writes records that the caller has read as comma separated values, and the page into the log.
Definer, because nobody writes the log; asks for crm.exports.read itself. Signed-in users may call
it.';

create function v1.export_csv(
    object text,
    fields text[] default null,
    condition jsonb default null,
    after uuid default null,
    row_limit integer default 1000,
    delimiter text default ',',
    segment_id uuid default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    page_rows constant integer := least(
        greatest(coalesce(export_csv.row_limit, 1000), 1), crm.export_rows_max()
    );
    asked record;
    segment core.segments;
    listed record;
    within text := '';
    records jsonb[];
    is_last boolean;
    csv text;
begin
    if coalesce(export_csv.delimiter, ',') not in (',', ';', E'\t', '|') then
        perform core.fail(
            'import.setting_invalid', '{"name": "delimiter", "wanted": "a comma, ;, | or tab"}'
        );
    end if;
    select * into strict asked
    from crm.begin_export(export_csv.object, export_csv.fields, export_csv.condition);
    if export_csv.segment_id is not null then
        segment := core.segment_named(export_csv.segment_id);
        if (segment.tenant_id, segment.object) <> (asked.tenant_id, export_csv.object) then
            perform core.fail('segment.not_found');
        end if;
        -- Both conditions are one then, with the values of both.
        select part.* into strict listed
        from core.segment_source(
            segment.object, segment.tenant_id,
            case
                when segment.condition is null or export_csv.condition is null
                    then coalesce(segment.condition, export_csv.condition)
                else jsonb_build_object(
                    'all', jsonb_build_array(segment.condition, export_csv.condition)
                )
            end
        ) as part;
        asked.holds := 'true';
        asked.given := listed.bound;
        within := format(
            ' and record.id in (select record.id from %s as record '
            'where record.tenant_id = $3 and (%s)%s)',
            listed.source,
            listed.clause,
            case when segment.kind = 'static' then
                ' and record.id in (select members.record_id from core.segment_members as members '
                'where members.tenant_id = $3 and members.segment_id = $6)'
            end
        );
    end if;
    -- One more than a page has, to know whether another follows.
    execute format(
        'select coalesce(array_agg(page.content order by page.id), ''{}'') from ('
        'select record.id, to_jsonb(record) as content from %s as record '
        'where record.tenant_id = $3 and ($4 is null or record.id > $4) and (%s)%s '
        'order by record.id limit $5) as page',
        asked.relation, asked.holds, within
    )
    into records
    using asked.given, now(), asked.tenant_id, export_csv.after, page_rows + 1, segment.id;
    is_last := cardinality(records) <= page_rows;
    records := records[: page_rows];
    csv := crm.end_export(
        export_csv.object, asked.exported, asked.are_texts,
        export_csv.condition is not null or segment.id is not null,
        coalesce(export_csv.delimiter, ','), export_csv.after is null, is_last, records
    );
    return jsonb_build_object(
        'csv', csv,
        'rows', cardinality(records),
        'next', case when not is_last then records[cardinality(records)] ->> 'id' end
    );
end
$$;

comment on function v1.export_csv(text, text[], jsonb, uuid, integer, text, uuid) is
'Records of an object as comma separated values, those that you may read: {csv, rows, next}. The
first page has the header. While next is not null, ask again with it as after. fields: which, in
their order, such as custom.color; all without it. condition: which records; segment_id:
those of a segment that you may see, of them those for which the condition holds too. At most 5000 a
page. A text that a spreadsheet would calculate begins with an apostrophe, which importing takes
away. Each page is in v1.exports. Needs crm.exports.read in one tenant. Raises
record.object_unknown, export.field_unknown, import.setting_invalid, condition.… (400) and
segment.not_found (404). Signed-in users may call it.';

create view v1.exports with (security_invoker = true) as
select
    exports.tenant_id,
    exports.id,
    exports.object,
    exports.fields,
    exports.is_filtered,
    exports.row_count,
    exports.is_last,
    exports.exported_at,
    exports.exported_by,
    exports.exported_by_kind
from crm.exports;

comment on view v1.exports is
'Who exported records, a row for each page. Needs crm.exports.read.';

grant select on v1.exports to authenticated, service_role;

select core.map_personal(
    'crm.exports.exported_by', 'user.unique_id', 'exported_by is user_id', 'keep',
    'Who took personal data out must stay known: Art. 5(2) GDPR.', interval '3 years', 'exported_at'
);

revoke all on function
crm.export_rows_max(),
crm.begin_export(text, text[], jsonb),
crm.end_export(text, text[], boolean[], boolean, text, boolean, boolean, jsonb[]),
v1.export_csv(text, text[], jsonb, uuid, integer, text, uuid)
from public;
grant execute on function
crm.export_rows_max(),
crm.begin_export(text, text[], jsonb),
crm.end_export(text, text[], boolean[], boolean, text, boolean, boolean, jsonb[]),
v1.export_csv(text, text[], jsonb, uuid, integer, text, uuid)
to authenticated, service_role;
