-- Objects: the kinds of records that engines work on without knowing any of them.
--
-- Pipelines, conditions, custom fields, tags, imports, search and the others serve contacts and
-- deals as they serve vehicles and devices, and a product's own tables. A table joins them by one
-- line in the migration that makes it, core.register_object. What an engine needs to know of it
-- then stands in core.objects: where its rows are, whose they are, and what they are called.
-- Whoever may read or write a record may do so with what hangs on it: core.reaches is that rule.
-- The ADR "Why engines know records by their object" has the alternatives.

set local lock_timeout = '5s';

create table core.objects (
    object text primary key,
    relation text not null,
    singular text not null,
    event_prefix text not null,
    label_column text not null,
    owner_column text,
    team_column text,
    constraint relation_is_unique unique (relation),
    constraint event_prefix_is_unique unique (event_prefix),
    constraint object_is_dotted check (object ~ '^[a-z_]+\.[a-z_]+$'),
    constraint relation_is_qualified check (relation ~ '^[a-z_]+\.[a-z_]+$'),
    constraint singular_is_a_word check (singular ~ '^[a-z_]+$')
);

comment on table core.objects is
'The kinds of records that engines serve, named as their permissions are: crm.contacts is read with
crm.contacts.read. Global reference data: the same for every tenant.';
comment on column core.objects.relation is 'The table with the records, as schema.table.';
comment on column core.objects.singular is
'What one of them is called: subject_type of its events.';
comment on column core.objects.event_prefix is 'What its events begin with, such as crm.contact.';
comment on column core.objects.label_column is 'The column that names a record to a person.';
comment on column core.objects.owner_column is 'The column that grants of the scope own go by.';
comment on column core.objects.team_column is 'The column that grants of the scope team go by.';

create table core.object_fields (
    object text not null references core.objects (object) on delete cascade,
    field text not null,
    position integer not null,
    type text not null,
    label text not null,
    description text,
    is_writable boolean not null,
    primary key (object, field),
    constraint type_is_known check (
        type in ('text', 'number', 'boolean', 'instant', 'date', 'id', 'list', 'json')
    )
);

comment on table core.object_fields is
'The fields that the records of every tenant have: what conditions may ask for and imports may fill.
Global reference data: the same for every tenant.';
comment on column core.object_fields.type is
'As conditions compare it: text, number, boolean, instant (timestamptz), date, id (uuid), list (of
texts), json (only whether it is null).';
comment on column core.object_fields.is_writable is 'Whether a client may set it.';

create table core.linked_tables (
    relation text primary key
);

comment on table core.linked_tables is
'The tables whose rows hang on records of any object, by tenant_id, object and record_id. Written by
core.guard_linked. Global reference data: the same for every tenant.';

alter table core.objects enable row level security;
alter table core.linked_tables enable row level security;
alter table core.object_fields enable row level security;
create policy objects_read on core.objects for select to authenticated using (true);
create policy object_fields_read on core.object_fields for select to authenticated using (true);
create policy linked_tables_read on core.linked_tables for select to authenticated using (true);
grant select on core.objects, core.object_fields, core.linked_tables to authenticated, service_role;

insert into core.errors (code, status, message, hint) values
(
    'record.object_unknown', 400, 'There is no object {object}.',
    'Objects are named as their permissions are: crm.contacts, crm.deals.'
),
(
    'record.not_found', 404, 'There is no such record, or you may not see it.',
    'Check the id, and the tenant that you act in.'
),
(
    'record.field_fixed', 422, 'The field {field} of a record never changes.',
    'Make another record instead.'
),
(
    'record.owner_unknown', 422, 'The owner holds no role in the tenant.',
    'Name an active member of the tenant or of one above it.'
);

-- Whose a record is -------------------------------------------------------------------------------

create function core.reaches(
    permission text, tenant_id uuid, owner_id uuid default null, team_id uuid default null
)
returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        tenant_id = any(core.tenants_with(permission))
        or (
            owner_id = core.caller_id()
            and tenant_id = any(core.tenants_with(permission, 'own'))
        )
        or (
            team_id = any(core.teams_with(permission))
            and tenant_id = any(core.tenants_with(permission, 'team'))
        )
        or (core.caller()).kind = 'system',
        false
    );
end
$$;

comment on function core.reaches(text, uuid, uuid, uuid) is
'Whether the caller holds a permission for a record of this tenant, owner and team: what core.guard
writes into policies, for functions that read past them. The system itself, at psql or in a job,
reaches all. Signed-in users may call it.';

create function core.object_named(object text) returns core.objects
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    known core.objects;
begin
    select * into known from core.objects where objects.object = object_named.object;
    if not found then
        perform core.fail('record.object_unknown', jsonb_build_object('object', object));
    end if;
    return known;
end
$$;

comment on function core.object_named(text) is
'The object of this name. Raises record.object_unknown (400). Signed-in users may call it.';

create function core.record(object text, tenant_id uuid, id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    found_record jsonb;
begin
    execute format(
        'select to_jsonb(record) from %s as record where tenant_id = $1 and id = $2',
        (core.object_named(object)).relation
    )
    into found_record
    using record.tenant_id, record.id;
    return found_record;
end
$$;

comment on function core.record(text, uuid, uuid) is
'A record as a JSON object of its columns, whoever asks; null where there is none. Internal.';

create function core.reaches_record(
    object text, tenant_id uuid, record_id uuid, verb text default 'read'
)
returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    found_record constant jsonb := core.record(object, tenant_id, record_id);
begin
    return found_record is not null and core.reaches(
        object || '.' || verb,
        reaches_record.tenant_id,
        (found_record ->> known.owner_column)::uuid,
        (found_record ->> known.team_column)::uuid
    );
end
$$;

comment on function core.reaches_record(text, uuid, uuid, text) is
'Whether there is such a record and the caller may read (write) it. Definer, because it reads the
record past its policies in order to answer by them. Raises record.object_unknown. Signed-in users
may call it.';

create function core.lock_record(object text, id uuid, verb text default 'write') returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    kind constant text := (core.caller()).kind;
    within constant uuid[] := case when kind <> 'system' then (
        select array_agg(distinct reached)
        from unnest(array['read', 'write']) as asked
        cross join unnest(core.tenants_with(object || '.' || asked, 'own')) as reached
    ) end;
    content jsonb;
    of_tenant uuid;
    owner_id uuid;
    team_id uuid;
begin
    execute format(
        'select to_jsonb(record), record.tenant_id, %s, %s '
        'from %s as record where record.id = $1 and ($2 is null or record.tenant_id = any($2)) '
        'for no key update',
        coalesce('record.' || quote_ident(known.owner_column), 'null::uuid'),
        coalesce('record.' || quote_ident(known.team_column), 'null::uuid'),
        known.relation
    )
    into content, of_tenant, owner_id, team_id
    using lock_record.id, case when kind <> 'system' then coalesce(within, '{}') end;
    if
        content is null
        or not core.reaches(object || '.read', of_tenant, owner_id, team_id)
    then
        perform core.fail('record.not_found');
    elsif not core.reaches(object || '.' || verb, of_tenant, owner_id, team_id) then
        perform core.fail(
            'tenancy.permission_missing', jsonb_build_object('permission', object || '.' || verb)
        );
    end if;
    return content;
end
$$;

comment on function core.lock_record(text, uuid, text) is
'Locks a record against other writers until the transaction ends, and answers its columns as a JSON
object. Raises record.not_found (404) where the caller may not read it, or there is none, and
tenancy.permission_missing (403) where the caller may read but not write it. Internal: functions
that write past policies begin with it.';

create function core.fields_of(object text, tenant_id uuid) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select jsonb_object_agg(
            fields.field, jsonb_build_object('type', fields.type, 'label', fields.label)
        )
        from core.object_fields as fields
        where fields.object = (core.object_named(fields_of.object)).object
    );
end
$$;

comment on function core.fields_of(text, uuid) is
'What conditions may ask of the records of a tenant:
{"amount": {"type": "number", "label": "Amount"}, …}. Raises record.object_unknown (400). Internal.';

revoke all on function
core.reaches(text, uuid, uuid, uuid),
core.object_named(text),
core.record(text, uuid, uuid),
core.reaches_record(text, uuid, uuid, text),
core.lock_record(text, uuid, text),
core.fields_of(text, uuid)
from public;
grant execute on function
core.reaches(text, uuid, uuid, uuid),
core.object_named(text),
core.reaches_record(text, uuid, uuid, text)
to authenticated, service_role;

-- What hangs on records ---------------------------------------------------------------------------

create function core.tenants_with_records(verb text, scope text default 'tenant')
returns table (object text, tenant_id uuid)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    caller_id constant uuid := core.caller_id();
begin
    -- What the same roles grant in the same scopes is held in the same tenants, and is asked once:
    -- most callers hold all they hold by one role.
    return query
    with held as materialized (
        select distinct
            holders.role_tenant_id,
            holders.role_id
        from core.holders
        where holders.principal_id = caller_id
    )
    select
        alike.object,
        reached.tenant_id
    from (
        select array_agg(permitted.object) as objects
        from (
            select
                objects.object,
                array(
                    select row(held.role_tenant_id, held.role_id, granted.scope)
                    from held
                    inner join core.role_permissions as granted
                        on
                            granted.tenant_id = held.role_tenant_id
                            and granted.role_id = held.role_id
                    where granted.permission = objects.object || '.' || tenants_with_records.verb
                    order by held.role_tenant_id, held.role_id, granted.scope
                ) as grants
            from core.objects
        ) as permitted
        group by permitted.grants
    ) as equally
    cross join lateral unnest(
        core.tenants_with(equally.objects[1] || '.' || tenants_with_records.verb, scope)
    ) as reached (tenant_id)
    cross join unnest(equally.objects) as alike (object);
end
$$;

comment on function core.tenants_with_records(text, text) is
'In which tenants the caller holds the permission object.read (object.write) of which object.
Definer and with the plans of core.tenants_with. Signed-in users may call it.';

create function core.records_reached(verb text, scope text default 'tenant') returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select reached.object || ' ' || reached.tenant_id
        from core.tenants_with_records(verb, scope) as reached
    );
end
$$;

comment on function core.records_reached(text, text) is
'core.tenants_with_records as texts "object tenant", for policies: one comparison a row.
Signed-in users may call it.';

create function core.guard_linked(guarded regclass, writing text default 'write') returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    name constant text := (select relname from pg_class where oid = guarded);
    verb text;
    permission text;
    allowed text;
begin
    execute format('alter table %s enable row level security', guarded);
    insert into core.linked_tables (relation)
    select core.name_of(guarded);
    foreach verb in array array['select', 'insert', 'update', 'delete'] loop
        permission := case verb when 'select' then 'read' else writing end;
        -- What is reached as a whole is one look-up; only who reaches own records alone has each
        -- of them looked at.
        allowed := format(
            'object || '' '' || tenant_id = any((select core.records_reached(%1$L))::text[]) '
            'or (object || '' '' || tenant_id = '
            'any((select core.records_reached(%1$L, ''own''))::text[]) '
            'and core.reaches_record(object, tenant_id, record_id, %1$L))',
            permission
        );
        if verb = 'insert' then
            -- Nothing hangs on a record that is not there, so that each is looked at anyway.
            allowed := format(
                'core.reaches_record(object, tenant_id, record_id, %L)', permission
            );
        end if;
        execute format(
            'create policy %I on %s for %s to authenticated %s',
            name || '_' || verb, guarded, verb,
            case verb
                when 'insert' then format('with check (%s)', allowed)
                when 'update' then format('using (%s) with check (%s)', allowed, allowed)
                else format('using (%s)', allowed)
            end
        );
    end loop;
end
$$;

comment on function core.guard_linked(regclass, text) is
'Puts a table under row level security whose rows hang on records of any object, by the columns
tenant_id, object and record_id: who may read (write) the record may read (write) the row, and with
the record its rows go. writing: what writing rows takes of the record, write or read. The table has
an index on (tenant_id, record_id). For the migration that makes the table. Owner only.';

revoke all on function
core.tenants_with_records(text, text),
core.records_reached(text, text),
core.guard_linked(regclass, text)
from public;
grant execute on function
core.tenants_with_records(text, text), core.records_reached(text, text)
to authenticated, service_role;

-- What each record has ----------------------------------------------------------------------------

create function core.touch_record() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if new is not distinct from old then
        return new;
    elsif new.tenant_id <> old.tenant_id then
        perform core.fail('record.field_fixed', '{"field": "tenant_id"}');
    elsif new.id <> old.id then
        perform core.fail('record.field_fixed', '{"field": "id"}');
    end if;
    new.version := old.version + 1;
    new.updated_at := now();
    new.updated_by := core.caller_id();
    return new;
end
$$;

comment on function core.touch_record() is
'Trigger before update: raises the version of a record that changes, and says when and by whom.
Raises record.field_fixed (422) for another id or tenant.';

create function core.is_member_at(tenant_id uuid, user_id uuid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    place uuid := tenant_id;
begin
    while place is not null loop
        if exists (
            select from core.members
            where
                members.tenant_id = place
                and members.user_id = is_member_at.user_id
                and members.status = 'active'
        ) then
            return true;
        end if;
        select tenants.parent_id into place from core.tenants where tenants.id = place;
    end loop;
    return false;
end
$$;

comment on function core.is_member_at(uuid, uuid) is
'Whether a user is an active member of the tenant or of one above it. Internal.';

create function core.check_record_owner() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
    named record;
begin
    if caller.kind = 'system' then
        return null;
    end if;
    for named in execute format(
        'select distinct tenant_id, %1$I as owner_id from new_records '
        'where %1$I is not null and %1$I is distinct from $1',
        tg_argv[0]
    )
    using caller.id
    loop
        if not core.is_member_at(named.tenant_id, named.owner_id) then
            perform core.fail('record.owner_unknown');
        end if;
    end loop;
    return null;
end
$$;

comment on function core.check_record_owner() is
'Trigger for statements that insert: an owner is an active member of the tenant or of one above it.
Argument: the owner''s column. Raises record.owner_unknown (422). Definer, because callers may not
see members.';

create function core.check_new_owner() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    named_owner constant uuid := to_jsonb(new) ->> tg_argv[0];
    caller constant record := core.caller();
begin
    if
        caller.kind <> 'system'
        and named_owner is distinct from caller.id
        and not core.is_member_at(new.tenant_id, named_owner)
    then
        perform core.fail('record.owner_unknown');
    end if;
    return new;
end
$$;

comment on function core.check_new_owner() is
'Trigger before update of the owner: as core.check_record_owner.';

create function core.unreported_fields() returns text[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return array[
    'version', 'updated_at', 'updated_by',
    'pipeline_id', 'pipeline_version_id', 'stage', 'stage_entered_at'
];

comment on function core.unreported_fields() is
'Fields that a changed event does not name: what every change changes, and a pipeline''s, which have
events of their own. Internal.';

create function core.report_records() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    event_prefix constant text := tg_argv[0];
    singular constant text := tg_argv[1];
    tenant_ids uuid[];
    ids uuid[];
    data jsonb[];
begin
    case tg_op
        when 'INSERT' then
            select
                array_agg(records.tenant_id),
                array_agg(records.id),
                array_agg('{}'::jsonb)
            into tenant_ids, ids, data
            from new_records as records;
        when 'DELETE' then
            select
                array_agg(records.tenant_id),
                array_agg(records.id),
                array_agg('{}'::jsonb)
            into tenant_ids, ids, data
            from old_records as records;
        else
            select
                array_agg(new_records.tenant_id),
                array_agg(new_records.id),
                array_agg(jsonb_build_object('fields', changed.fields))
            into tenant_ids, ids, data
            from new_records
            inner join old_records
                on
                    old_records.tenant_id = new_records.tenant_id
                    and old_records.id = new_records.id
            -- Once a record, and not once a field.
            cross join lateral (
                select
                    to_jsonb(new_records) as after,
                    to_jsonb(old_records) as before
                offset 0
            ) as images
            cross join lateral (
                select array_agg(entries.key order by entries.key) as fields
                from jsonb_each(images.after) as entries
                where
                    entries.value is distinct from images.before -> entries.key
                    and entries.key <> all(core.unreported_fields())
            ) as changed
            where changed.fields is not null;
    end case;
    if ids is not null then
        perform core.emit_each(
            event_prefix || case tg_op
                when 'INSERT' then '.created' when 'DELETE' then '.deleted' else '.changed'
            end,
            singular, tenant_ids, ids, data
        );
    end if;
    return null;
end
$$;

comment on function core.report_records() is
'Trigger for statements: emits <prefix>.created, .changed (with the names of the fields) or .deleted
for every record of the statement at once. Arguments: the prefix, the singular. Definer, because no
caller may emit.';

create function core.drop_linked() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    linked text;
begin
    if exists (select from old_records) then
        for linked in select linked_tables.relation from core.linked_tables loop
            execute format(
                'delete from %s as linked using old_records as gone where '
                'linked.tenant_id = gone.tenant_id and linked.record_id = gone.id '
                'and linked.object = $1',
                linked
            )
            using tg_argv[0];
        end loop;
    end if;
    return null;
end
$$;

comment on function core.drop_linked() is
'Trigger for statements that delete records: what hangs on them goes too. Argument: the object.
Definer, because what hangs on a record may be hidden from who may delete it.';
revoke all on function
core.drop_linked(),
core.touch_record(), core.is_member_at(uuid, uuid), core.check_record_owner(),
core.check_new_owner(), core.unreported_fields(), core.report_records()
from public;

create function core.field_type(type_name text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return case
    when type_name = 'text[]' then 'list'
    when type_name like '%[]' then 'json'
    when type_name ~ '^(text|character varying)' then 'text'
    when type_name ~ '^(smallint|integer|bigint|numeric|real|double precision)' then 'number'
    when type_name = 'boolean' then 'boolean'
    when type_name = 'timestamp with time zone' then 'instant'
    when type_name = 'date' then 'date'
    when type_name = 'uuid' then 'id'
    else 'json'
end;

comment on function core.field_type(text) is
'How conditions see a column of a type of Postgres, as in core.object_fields. Internal.';

create function core.register_fields(object text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
begin
    insert into core.object_fields (
        object, field, position, type, label, description, is_writable
    )
    select
        known.object,
        attributes.attname,
        attributes.attnum,
        core.field_type(format_type(attributes.atttypid, attributes.atttypmod)),
        upper(left(spoken.name, 1)) || substr(spoken.name, 2),
        col_description(attributes.attrelid, attributes.attnum),
        has_column_privilege(
            'authenticated', attributes.attrelid, attributes.attnum, 'insert'
        )
    from pg_attribute as attributes
    cross join lateral (
        select regexp_replace(
            replace(regexp_replace(attributes.attname, '_(id|at|on)$', ''), '_', ' '),
            ' minor$', ''
        ) as name
    ) as spoken
    where
        attributes.attrelid = known.relation::regclass
        and attributes.attnum > 0
        and not attributes.attisdropped
        and attributes.attname not in ('tenant_id', 'custom')
    on conflict on constraint object_fields_pkey do update set
        type = excluded.type,
        description = excluded.description,
        is_writable = excluded.is_writable;
end
$$;

comment on function core.register_fields(text) is
'Writes down the columns of an object''s table in core.object_fields, again after columns or grants
were added. Owner only.';

create function core.register_object(
    registered regclass,
    object text,
    singular text,
    label_column text,
    owner_column text default null,
    team_column text default null
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    relation constant text := core.name_of(registered);
    event_prefix constant text := split_part(object, '.', 1) || '.' || singular;
    verb record;
begin
    execute format(
        'alter table %s '
        'add column if not exists version integer not null default 1, '
        'add column if not exists created_at timestamptz not null default now(), '
        'add column if not exists created_by uuid default core.caller_id(), '
        'add column if not exists updated_at timestamptz not null default now(), '
        'add column if not exists updated_by uuid',
        registered
    );
    insert into core.objects (
        object, relation, singular, event_prefix, label_column, owner_column, team_column
    )
    values (
        register_object.object, relation, singular, event_prefix, label_column,
        owner_column, team_column
    );
    insert into core.event_types (type, description, permission)
    select
        event_prefix || '.' || happened.word,
        format('A record of %s was %s.', object, happened.word)
        || case happened.word
            when 'changed' then ' fields: the names of those that changed.' else ''
        end,
        case
            when exists (
                select from core.permissions where permission = object || '.read'
            ) then object || '.read'
            else 'core.events.read'
        end
    from unnest(array['created', 'changed', 'deleted']) as happened (word);
    execute format(
        'create trigger touch_record before update on %s '
        'for each row execute function core.touch_record()',
        registered
    );
    if owner_column is not null then
        execute format(
            'create trigger owner_is_a_member after insert on %s '
            'referencing new table as new_records '
            'for each statement execute function core.check_record_owner(%L)',
            registered, owner_column
        );
        execute format(
            'create trigger new_owner_is_a_member before update of %I on %s '
            'for each row when (new.%1$I is not null) '
            'execute function core.check_new_owner(%1$L)',
            owner_column, registered
        );
    end if;
    for verb in
        select *
        from (
            values
            ('insert', 'new table as new_records'),
            ('update', 'old table as old_records new table as new_records'),
            ('delete', 'old table as old_records')
        ) as verbs (name, tables)
    loop
        execute format(
            'create trigger report_%s after %1$s on %s referencing %s '
            'for each statement execute function core.report_records(%L, %L)',
            verb.name, registered, verb.tables, event_prefix, singular
        );
    end loop;
    execute format(
        'create trigger drop_linked after delete on %s referencing old table as old_records '
        'for each statement execute function core.drop_linked(%L)',
        registered, object
    );
    perform core.register_fields(object);
end
$$;

comment on function core.register_object(regclass, text, text, text, text, text) is
'Makes a table''s rows records of an object, which all engines serve. The table has a primary key
(tenant_id, id) and its policies (core.guard) already; it gets, where they are missing, version,
created_at, created_by, updated_at and updated_by, and events for what is created, changed and
deleted. For the migration that makes the table, once its columns have comments and grants.
object: as in its permissions, such as crm.contacts. Owner only.';
revoke all on function
core.field_type(text),
core.register_fields(text),
core.register_object(regclass, text, text, text, text, text)
from public;

create function core.grant_as(viewed regclass, guarded regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    verb text;
    columns text;
begin
    execute format('grant select, insert, update, delete on %s to service_role', viewed);
    foreach verb in array array['select', 'delete'] loop
        if has_table_privilege('authenticated', guarded, verb) then
            execute format('grant %s on %s to authenticated', verb, viewed);
        end if;
    end loop;
    foreach verb in array array['insert', 'update'] loop
        select string_agg(quote_ident(shown.attname), ', ' order by shown.attnum)
        into columns
        from pg_attribute as shown
        inner join pg_attribute as kept
            on kept.attrelid = guarded and kept.attname = shown.attname and kept.attnum > 0
        where
            shown.attrelid = viewed
            and shown.attnum > 0
            and has_column_privilege('authenticated', guarded, kept.attnum, verb);
        if columns is not null then
            execute format('grant %s (%s) on %s to authenticated', verb, columns, viewed);
        end if;
    end loop;
end
$$;

comment on function core.grant_as(regclass, regclass) is
'Opens a view to signed-in users as far as its table is open to them, column by column, so that what
the API offers is what it would let through. For the migration that makes the view. Owner only.';
revoke all on function core.grant_as(regclass, regclass) from public;

create view v1.object_fields with (security_invoker = true) as
select
    fields.object,
    fields.field,
    fields.position,
    fields.type,
    fields.label,
    fields.description,
    fields.is_writable
from core.object_fields as fields;

comment on view v1.object_fields is
'The fields that the records of every object have, as conditions and imports name them. Signed-in
users may read it.';
grant select on v1.object_fields to authenticated, service_role;

select
    core.map_not_personal(
        'Names of kinds of records and of their fields, written by migrations.',
        'core.objects.label_column', 'core.object_fields.label', 'core.object_fields.description'
    );
