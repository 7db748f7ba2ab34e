-- Which columns hold personal data, whose, and what becomes of them.
--
-- The map is a table: a line says of what kind a column's data are, how a row leads to the person
-- they are about, for how long they stay and how they are erased. Export, erasure and retention are
-- driven by it alone, so a new table is covered by the lines that its migration brings, and a test
-- fails while a column that looks personal has none. The categories are those of Fides, to which
-- the map is exported.
--
-- A row leads to a person by links, joined by `or`:
--     email is email                  the column `email` of the row holds an e-mail address
--     contact_id in crm.contacts.id   a row of crm.contacts with this id, in the same tenant, is
--                                     about the person, as the line of crm.contacts.id says
-- What makes statements of these takes every name from the catalogue of Postgres and quotes it, and
-- binds every value.

set local lock_timeout = '5s';

create table core.personal_data (
    table_schema text not null,
    table_name text not null,
    column_name text not null,
    category text not null,
    subject text not null,
    erasure text not null,
    retention interval,
    retention_from text,
    reason text,
    primary key (table_schema, table_name, column_name),
    constraint category_is_of_fides check (category ~ '^(user|system)(\.[a-z_]+)*$'),
    constraint subject_is_made_of_links check (
        subject ~ (
            '^[a-z0-9_]+ (is [a-z_]+|in [a-z0-9_]+\.[a-z0-9_]+\.[a-z0-9_]+)'
            '( or [a-z0-9_]+ (is [a-z_]+|in [a-z0-9_]+\.[a-z0-9_]+\.[a-z0-9_]+))*$'
        )
    ),
    constraint erasure_is_known
    check (erasure in ('delete_row', 'set_null', 'pseudonymise', 'keep')),
    constraint keeping_has_a_reason
    check (erasure <> 'keep' or coalesce(char_length(reason) >= 10, false)),
    constraint retention_counts_from_a_time
    check ((retention is null) = (retention_from is null)),
    constraint retention_is_long check (retention >= interval '1 day')
);

comment on table core.personal_data is
'The data map: every column that holds personal data. Global reference data, the same for every
tenant; migrations write it by core.map_personal.';
comment on column core.personal_data.category is
'A data category of the Fides taxonomy, such as user.contact.email.';
comment on column core.personal_data.subject is
'How a row leads to the person whom the column is about: links joined by `or`, each
`<column> is <user_id|email|phone|contact_id>` or `<column> in <schema>.<table>.<column>`.';
comment on column core.personal_data.erasure is
'What erasing the person does: delete_row; set_null; pseudonymise, by a hash whose key is thrown
away; keep, for the reason given.';
comment on column core.personal_data.retention is
'When the row''s retention_from is older than this, the same is done without anybody asking, and
what erasing keeps is deleted; null for as long as the person is known.';
comment on column core.personal_data.reason is 'The law or the need by which the data are kept.';

create table core.not_personal (
    table_schema text not null,
    table_name text not null,
    column_name text not null,
    reason text not null,
    primary key (table_schema, table_name, column_name),
    constraint reason_is_given check (char_length(reason) >= 10)
);

comment on table core.not_personal is
'Columns that look personal and are not, each with the reason. Global reference data.';

alter table core.personal_data enable row level security;
alter table core.not_personal enable row level security;
create policy personal_data_read on core.personal_data for select to authenticated using (true);
create policy not_personal_read on core.not_personal for select to authenticated using (true);
grant select on core.personal_data, core.not_personal to authenticated, service_role;

-- Names and types of what the map speaks of

create function core.person_kinds() returns text[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return array['user_id', 'email', 'phone', 'contact_id'];

comment on function core.person_kinds() is 'By what a person is known. Internal.';

create function core.mapped_column(mapped text)
returns table (relation oid, table_schema text, table_name text, column_name text, number smallint)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    parts constant text[] := parse_ident(mapped);
begin
    if cardinality(parts) <> 3 then
        raise exception '% is not of the form schema.table.column', mapped
            using errcode = 'invalid_name';
    end if;
    return query
    select
        classes.oid,
        namespaces.nspname::text,
        classes.relname::text,
        attributes.attname::text,
        attributes.attnum
    from pg_namespace as namespaces
    inner join pg_class as classes on classes.relnamespace = namespaces.oid
    inner join pg_attribute as attributes on attributes.attrelid = classes.oid
    where
        namespaces.nspname = parts[1]
        and classes.relname = parts[2]
        and classes.relkind in ('r', 'p')
        and attributes.attname = parts[3]
        and attributes.attnum > 0
        and not attributes.attisdropped;
    if not found then
        raise exception 'the data map names %, which is no column of a table', mapped
            using errcode = 'undefined_column';
    end if;
end
$$;

comment on function core.mapped_column(text) is
'The column of a table that schema.table.column names. Raises 42703 where there is none. Internal.';

create function core.map_personal(
    mapped text,
    category text,
    subject text,
    erasure text,
    reason text default null,
    retention interval default null,
    retention_from text default null
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    found_column record;
    link text;
begin
    select * into found_column from core.mapped_column(mapped);
    foreach link in array string_to_array(subject, ' or ') loop
        perform core.mapped_column(format(
            '%I.%I.%I', found_column.table_schema, found_column.table_name,
            split_part(link, ' ', 1)
        ));
        if split_part(link, ' ', 2) = 'in' then
            perform core.mapped_column(split_part(link, ' ', 3));
        end if;
    end loop;
    insert into core.personal_data (
        table_schema, table_name, column_name, category, subject, erasure, reason, retention,
        retention_from
    )
    values (
        found_column.table_schema, found_column.table_name, found_column.column_name,
        map_personal.category, map_personal.subject, map_personal.erasure, map_personal.reason,
        map_personal.retention, map_personal.retention_from
    )
    on conflict on constraint personal_data_pkey do update set
        category = excluded.category,
        subject = excluded.subject,
        erasure = excluded.erasure,
        reason = excluded.reason,
        retention = excluded.retention,
        retention_from = excluded.retention_from;
end
$$;

comment on function core.map_personal(text, text, text, text, text, interval, text) is
'Enters a column, schema.table.column, into the data map: its Fides category, how a row leads to
the person, and what erasing does (see core.personal_data). Refuses a column that does not exist,
42703. For the migration that makes the column. Owner only.';

create function core.map_not_personal(reason text, variadic excused text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    one text;
begin
    foreach one in array excused loop
        insert into core.not_personal (table_schema, table_name, column_name, reason)
        select
            found_column.table_schema,
            found_column.table_name,
            found_column.column_name,
            map_not_personal.reason
        from core.mapped_column(one) as found_column
        on conflict on constraint not_personal_pkey do update set reason = excluded.reason;
    end loop;
end
$$;

comment on function core.map_not_personal(text, text[]) is
'Excuses columns, schema.table.column, that look personal and are not, with the reason. Refuses a
column that does not exist, 42703. For the migration that makes the columns. Owner only.';

-- From the map to statements

create function core.tenant_column(relation oid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if relation = 'core.tenants'::regclass then
        return 'id';
    end if;
    return (
        select attributes.attname
        from pg_attribute as attributes
        where
            attributes.attrelid = relation
            and attributes.attname = 'tenant_id'
            and not attributes.attisdropped
    );
end
$$;

comment on function core.tenant_column(oid) is
'The column that says which tenant a row belongs to; null for a table of no tenant. Internal.';

create function core.key_columns(relation oid) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select array_agg(attributes.attname::text order by keys.position)
    from pg_index as indexes
    cross join unnest(indexes.indkey::smallint[]) with ordinality as keys (number, position)
    inner join pg_attribute as attributes
        on attributes.attrelid = indexes.indrelid and attributes.attnum = keys.number
    where indexes.indrelid = key_columns.relation and indexes.indisprimary;
end;

comment on function core.key_columns(oid) is
'The columns of the primary key, in its order; null for a table without one. Internal.';

create function core.normal_identifier(kind text, value text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return case
    when kind <> 'phone' then nullif(lower(btrim(value)), '')
    when value ~ '^[-+0-9 ()/.]+$'
        then nullif(regexp_replace(regexp_replace(value, '[^0-9]', '', 'g'), '^00', ''), '')
end;

comment on function core.normal_identifier(text, text) is
'An e-mail address, phone number or id as persons are compared by: letters lowered, a phone number
as the digits after + or 00. Null for nothing, and for what is no phone number, such as an address
with digits in it. Signed-in users may call it.';

create function core.subject_predicate(
    relation oid, subject text, alias text, leaf text, depth integer default 1
)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    tenant_column constant text := core.tenant_column(relation);
    predicates text[] := '{}';
    link text;
    held text;
    parent record;
    parent_alias constant text := alias || depth;
begin
    if depth > 8 then
        raise exception 'the data map leads from % over more than 8 tables', relation::regclass
            using errcode = 'program_limit_exceeded';
    end if;
    foreach link in array string_to_array(subject, ' or ') loop
        held := format('%I.%I', alias, split_part(link, ' ', 1));
        if split_part(link, ' ', 2) = 'is' then
            predicates := predicates || case
                when leaf = 'held'
                    then format(
                        'core.is_held(%s, %L, %s::text)',
                        coalesce(format('%I.%I', alias, tenant_column), 'null'),
                        split_part(link, ' ', 3), held
                    )
                -- As core.normal_identifier has it, in a form that an index may be made for.
                when split_part(link, ' ', 3) = 'email'
                    then format(
                        'lower(btrim(%s::text)) = any(array('
                        'select jsonb_array_elements_text($2 -> ''email'')))', held
                    )
                when split_part(link, ' ', 3) = 'phone'
                    then format(
                        '($2 ? ''phone'' and core.normal_identifier(''phone'', %s::text) = any('
                        'array(select jsonb_array_elements_text($2 -> ''phone''))))', held
                    )
                else format(
                    '%s = any(array(select jsonb_array_elements_text($2 -> %L))::uuid[])',
                    held, split_part(link, ' ', 3)
                )
            end;
        else
            select
                found_column.*,
                personal.subject,
                core.tenant_column(found_column.relation) as tenant_column
            into strict parent
            from core.mapped_column(split_part(link, ' ', 3)) as found_column
            inner join core.personal_data as personal
                on
                    personal.table_schema = found_column.table_schema
                    and personal.table_name = found_column.table_name
                    and personal.column_name = found_column.column_name;
            predicates := predicates || format(
                'exists (select from %I.%I as %I where %I.%I = %s%s and %s)',
                parent.table_schema, parent.table_name, parent_alias,
                parent_alias, parent.column_name, held,
                case
                    when tenant_column is not null and parent.tenant_column is not null
                        then format(
                            ' and %I.%I = %I.%I',
                            parent_alias, parent.tenant_column, alias, tenant_column
                        )
                end,
                core.subject_predicate(
                    parent.relation, parent.subject, parent_alias, leaf, depth + 1
                )
            );
        end if;
    end loop;
    return '(' || array_to_string(predicates, ' or ') || ')';
end
$$;

comment on function core.subject_predicate(oid, text, text, text, integer) is
'The condition under which a row, named by the alias, is about a person. leaf: person, whose
identifiers are the parameter $2 ({"email": […], …}), or held: any person under a legal hold.
Every name in it is of the catalogue and quoted; no value is in it. Internal.';

create function core.tenant_predicate(relation oid, subject text, alias text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    tenant_column constant text := core.tenant_column(relation);
begin
    if tenant_column is not null then
        return format('%I.%I = any($1)', alias, tenant_column);
    end if;
    return format(
        'exists (select from core.members where members.tenant_id = any($1)'
        ' and members.user_id = %I.%I)',
        alias, split_part(subject, ' ', 1)
    );
end
$$;

comment on function core.tenant_predicate(oid, text, text) is
'The condition under which a row belongs to one of the tenants $1; in a table of no tenant, under
which its user is a member of one of them. Internal.';

create function core.pseudonym(type_name text, category text, held text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return case
    when type_name in ('text', 'character varying')
        then format(
            '''erased-'' || left(encode(sha256($3 || convert_to(%s, ''utf8'')), ''hex''), 24)%s',
            held, case category when 'user.contact.email' then ' || ''@erased.invalid''' else '' end
        )
    when type_name = 'uuid'
        then format(
            'overlay(overlay(left(encode(sha256($3 || uuid_send(%s)), ''hex''), 32) '
            'placing ''8'' from 13) placing ''8'' from 17)::uuid', held
        )
    when type_name in ('json', 'jsonb') then format('''{}''::%s', type_name)
    when type_name = 'bytea' then '''''::bytea'
    when type_name = 'inet' then '''0.0.0.0''::inet'
end;

comment on function core.pseudonym(text, text, text) is
'The expression of what takes the place of a value: for text and ids a hash with the key $3, so
that equal values stay equal and others different, and once the key is gone nothing leads back;
ids become UUIDs of version 8, which no user has. Null for a type that has no pseudonym. Internal.';

create function core.is_pseudonym(type_name text, held text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return case
    when type_name in ('text', 'character varying') then format('%s like ''erased-%%''', held)
    when type_name = 'uuid' then format('substr(%s::text, 15, 1) = ''8''', held)
    when type_name in ('json', 'jsonb') then format('%s::text = ''{}''', held)
    when type_name = 'bytea' then format('%s = ''''', held)
    when type_name = 'inet' then format('%s = ''0.0.0.0''', held)
end;

comment on function core.is_pseudonym(text, text) is
'The condition under which a value is one that core.pseudonym has made. Internal.';

create view core.mapped_columns with (security_invoker = true) as
select
    personal.table_schema,
    personal.table_name,
    personal.column_name,
    personal.category,
    personal.subject,
    personal.erasure,
    personal.retention,
    personal.retention_from,
    personal.reason,
    classes.oid as relation,
    attributes.attnum as number,
    attributes.attnotnull as is_not_null,
    attributes.attgenerated <> '' as is_generated,
    attributes.atttypmod - 4 as length_max,
    format_type(coalesce(nullif(types.typbasetype, 0), types.oid), null) as type_name
from core.personal_data as personal
left join pg_namespace as namespaces on namespaces.nspname = personal.table_schema
left join pg_class as classes
    on classes.relnamespace = namespaces.oid and classes.relname = personal.table_name
left join pg_attribute as attributes
    on
        attributes.attrelid = classes.oid
        and attributes.attname = personal.column_name
        and not attributes.attisdropped
left join pg_type as types on types.oid = attributes.atttypid;

comment on view core.mapped_columns is
'The lines of the data map, with what the catalogue of Postgres knows about their columns; number is
null where there is no such column. Not for clients.';

create view v1.data_map with (security_invoker = true) as
select
    personal.table_schema,
    personal.table_name,
    personal.column_name,
    personal.category,
    personal.subject,
    personal.erasure,
    personal.retention,
    personal.retention_from,
    personal.reason
from core.personal_data as personal;

comment on view v1.data_map is
'Which columns hold personal data, of what kind, whose, for how long, and what erasing does. The
same for every tenant; every signed-in user may read it.';

grant select on v1.data_map to authenticated, service_role;

revoke all on function
core.person_kinds(),
core.mapped_column(text),
core.map_personal(text, text, text, text, text, interval, text),
core.map_not_personal(text, text[]),
core.tenant_column(oid),
core.key_columns(oid),
core.normal_identifier(text, text),
core.subject_predicate(oid, text, text, text, integer),
core.tenant_predicate(oid, text, text),
core.pseudonym(text, text, text),
core.is_pseudonym(text, text)
from public;

-- The lines of the tables that are older than the map

select
    core.map_personal(
        line.mapped, line.category, 'id is user_id', 'keep',
        'Belongs to Supabase Auth, where the operator deletes the user.'
    )
from (
    values
    ('auth.users.id', 'user.unique_id'),
    ('auth.users.email', 'user.contact.email'),
    ('auth.users.phone', 'user.contact.phone_number'),
    ('auth.users.raw_user_meta_data', 'user.account'),
    ('auth.users.created_at', 'user.account'),
    ('auth.users.last_sign_in_at', 'user.behavior')
) as line (mapped, category);

select core.map_personal(line.mapped, line.category, 'user_id is user_id', 'delete_row')
from (
    values
    ('core.members.user_id', 'user.unique_id'),
    ('core.members.role_id', 'user.account'),
    ('core.members.status', 'user.account'),
    ('core.members.created_at', 'user.account'),
    ('core.team_members.user_id', 'user.unique_id'),
    ('core.team_members.team_id', 'user.account')
) as line (mapped, category);

select core.map_personal(mapped, 'user.unique_id', named || ' is user_id', 'set_null')
from (
    values
    ('core.tenants.created_by', 'created_by'),
    ('core.roles.created_by', 'created_by'),
    ('core.members.created_by', 'created_by'),
    ('core.teams.created_by', 'created_by'),
    ('core.api_keys.created_by', 'created_by'),
    ('core.api_keys.revoked_by', 'revoked_by')
) as line (mapped, named);

select core.map_not_personal(
    'Names and settings of organisations, their roles, teams and programs.',
    'core.tenants.name', 'core.tenants.settings', 'core.roles.name', 'core.teams.name',
    'core.api_keys.name'
);
select core.map_not_personal(
    'Written by migrations, the same for every tenant.',
    'core.errors.message', 'core.fields.description', 'core.permissions.description',
    'core.personal_data.table_name', 'core.personal_data.column_name',
    'core.personal_data.subject', 'core.personal_data.reason',
    'core.not_personal.table_name', 'core.not_personal.column_name', 'core.not_personal.reason'
);
grant execute on function core.normal_identifier(text, text) to authenticated, service_role;
