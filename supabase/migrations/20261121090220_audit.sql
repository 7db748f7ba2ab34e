-- What happened to which record, by whom and from where: written by triggers, changed by nobody.
--
-- core.audit(table) switches it on. Each change of a row is one entry in the transaction that makes
-- the change; entries of one tenant do not wait for each other, because nothing links them yet:
-- they are sealed right after the commit, by the next migration. What a personal column
-- (core.personal_data) holds stands in the entry by reference, as a salted digest; the value is in
-- core.audit_values, from where it can be erased without touching the entry.

set local lock_timeout = '5s';

create sequence core.audit_entries_id_seq as bigint;

create table core.audit_entries (
    tenant_id uuid not null,
    id bigint not null default nextval('core.audit_entries_id_seq'),
    at timestamptz not null default clock_timestamp(),
    operation text not null,
    table_name text,
    key jsonb,
    old jsonb,
    new jsonb,
    event text,
    details jsonb,
    caller_kind text not null,
    caller_id uuid,
    origin jsonb,
    -- No check: Postgres reads it anew for each statement, and only functions of ours write here.
    primary key (tenant_id, id, at)
) partition by range (at);
-- What is not sealed yet is found by id.
create index audit_entries_id on core.audit_entries (id);
create index audit_entries_record on core.audit_entries (tenant_id, jsonb_hash(key));

comment on table core.audit_entries is
'The audit trail: what happened to which record, by whom and from where. Append-only; partitioned by
month of UTC. Written by triggers that core.audit makes and by core.record_security_event alone.';
comment on column core.audit_entries.id is
'Ascends over all tenants in the order of writing. Ids of what was rolled back are missing.';
comment on column core.audit_entries.operation is
'insert, update, delete, truncate, read (of a sensitive record) or event (a security event).';
comment on column core.audit_entries.key is
'The columns that tell the tenant''s records of the table apart.';
comment on column core.audit_entries.old is
'Columns that differ, before: the value, {"$ref": …} for a personal one (core.audit_values), or
{"$cut": …} where it was too long. Neither the tenant''s column nor those of the key.';
comment on column core.audit_entries.new is 'Columns that differ, after.';
comment on column core.audit_entries.event is 'The security event, such as member.added.';
comment on column core.audit_entries.caller_kind is 'The kind of principal: see core.caller().';
comment on column core.audit_entries.origin is
'Where the request came from: address, method, path, request_id, user_agent.';

create table core.audit_entries_default partition of core.audit_entries default;

comment on table core.audit_entries_default is
'Entries of months without a partition, so that no write fails for want of one. core.keep_audit
makes the partitions and moves the entries there.';

create table core.audit_values (
    tenant_id uuid not null,
    entry_id bigint not null,
    column_name text not null,
    salt bytea not null,
    old json,
    new json,
    primary key (tenant_id, entry_id, column_name)
);

comment on table core.audit_values is
'Personal values that audit entries hold by reference, apart from them so that they can be erased.
Not for clients: v1.history and v1.export_audit show them to who may read the audit.';
comment on column core.audit_values.salt is
'The entry holds SHA-256 of the salt and the value''s text: without the salt nobody can guess it.';

alter table core.audit_entries enable row level security;
alter table core.audit_entries_default enable row level security;
alter table core.audit_values enable row level security;

create policy audit_entries_read on core.audit_entries for select to authenticated
using (tenant_id = any((select core.tenants_with('core.audit.read'))::uuid[]));

create policy audit_entries_read on core.audit_entries_default for select to authenticated
using (tenant_id = any((select core.tenants_with('core.audit.read'))::uuid[]));

create policy audit_values_read on core.audit_values for select to authenticated
using (tenant_id = any((select core.tenants_with('core.audit.read'))::uuid[]));

grant select on core.audit_entries to authenticated, service_role;
grant select on core.audit_values to service_role;

insert into core.permissions (permission, description) values
('core.audit.read', 'Read, verify and export the audit trail of the tenant.');

select core.allow_system_roles(array['owner', 'admin'], array['core.audit.read']);

insert into core.errors (code, status, message, hint) values
(
    'audit.append_only', 403, 'The audit trail cannot be changed.',
    'Write a new entry that says what was wrong.'
),
(
    'audit.digest_malformed', 500, 'The digests of the audit trail do not fit its entries.',
    'Verify the audit trail, and restore it from a backup.'
),
(
    'audit.row_malformed', 500,
    'The row to be audited is no JSON object with the columns of its key.',
    'Call core.audit for the table again: its columns have changed.'
),
(
    'audit.settings_malformed', 500, 'The settings of the audit trigger cannot be read.',
    'Call core.audit for the table again.'
);

create function core.refuse_audit_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.fail('audit.append_only');
    return null;
end
$$;

comment on function core.refuse_audit_change() is
'Trigger of the tables of the audit: refuses to change what is written, to their owner too.
Raises audit.append_only (403).';

create trigger audit_is_append_only before update or delete on core.audit_entries
for each row execute function core.refuse_audit_change();
create trigger audit_is_not_truncated before truncate on core.audit_entries
for each statement execute function core.refuse_audit_change();
create trigger audit_is_not_truncated before truncate on core.audit_entries_default
for each statement execute function core.refuse_audit_change();
create trigger audit_is_append_only before update on core.audit_values
for each row execute function core.refuse_audit_change();
create trigger audit_is_not_truncated before truncate on core.audit_values
for each statement execute function core.refuse_audit_change();

create function core.request_origin() returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    -- In one expression, because plpgsql prepares each of them anew in each transaction.
    return case
        when current_setting('request.headers', true) <> '' then tenon.audit_origin(
            current_setting('request.headers'),
            current_setting('request.method', true),
            current_setting('request.path', true),
            case
                -- As core.client_address has left it for this request.
                when
                    current_setting('tenon.address_of', true) = current_setting('request.headers')
                    then nullif(current_setting('tenon.address'), '')
                else host(core.client_address())
            end
        )
    end;
end
$$;

comment on function core.request_origin() is
'Where this request came from: address, method, path, request_id and user_agent, each cut to a
length; null where there is no request. core.pre_request keeps it in tenon.origin while something is
written. Definer, because it calls a native function for whoever asks. Anyone may call it.';

create function core.write_audit_entry(
    tenant_id uuid,
    operation text,
    table_name text default null,
    key jsonb default null,
    old jsonb default null,
    new jsonb default null,
    event text default null,
    details jsonb default null
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
begin
    insert into core.audit_entries (
        tenant_id, operation, table_name, key, old, new, event, details,
        caller_kind, caller_id, origin
    )
    values (
        coalesce(write_audit_entry.tenant_id, core.platform_tenant_id()),
        write_audit_entry.operation,
        write_audit_entry.table_name,
        write_audit_entry.key,
        write_audit_entry.old,
        write_audit_entry.new,
        write_audit_entry.event,
        write_audit_entry.details,
        caller.kind,
        caller.id,
        core.request_origin()
    );
end
$$;

comment on function core.write_audit_entry(uuid, text, text, jsonb, jsonb, jsonb, text, jsonb) is
'Appends an entry about what the caller does, to the tenant''s trail or, without a tenant, to the
platform''s. Internal.';

create function core.record_security_event(
    tenant_id uuid, event text, details jsonb default '{}'
)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.write_audit_entry(
        record_security_event.tenant_id,
        'event',
        event => record_security_event.event,
        details => record_security_event.details
    );
end
$$;

comment on function core.record_security_event(uuid, text, jsonb) is
'Appends a security event, such as sign_in.failed, to the audit trail of the tenant; of the platform
without one. It stays if the transaction does. Definer, because nobody may write the trail;
internal.';

create function core.write_personal_values(recorded text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into core.audit_values (tenant_id, entry_id, column_name, salt, old, new)
    select
        coalesce(recorded[2]::uuid, core.platform_tenant_id()),
        currval('core.audit_entries_id_seq'),
        value."column",
        decode(value.salt, 'hex'),
        value.old::json,
        value.new::json
    from json_to_recordset(recorded[6]::json)
        as value ("column" text, salt text, old text, new text);
end
$$;

comment on function core.write_personal_values(text[]) is
'Keeps the personal values of the entry that was just written. recorded: of tenon.audit_changes.
Internal.';

-- Few expressions: plpgsql prepares each of them anew in each transaction.
create function core.audit_row() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    recorded text[] := tenon.audit_changes(
        tg_argv[0],
        row_to_json(old)::text,
        row_to_json(new)::text,
        case when tg_nargs > 2 then gen_random_uuid()::text || gen_random_uuid()::text end
    );
begin
    while recorded is not null loop
        -- The caller as core.caller has it, which costs a third of the trigger when it is called.
        insert into core.audit_entries (
            tenant_id, operation, table_name, key, old, new, caller_kind, caller_id, origin
        )
        values (
            coalesce(recorded[2]::uuid, core.platform_tenant_id()),
            recorded[1],
            tg_argv[1],
            recorded[3]::jsonb,
            recorded[4]::jsonb,
            recorded[5]::jsonb,
            case
                when current_setting('tenon.caller_kind', true) <> ''
                    then current_setting('tenon.caller_kind')
                else (core.caller()).kind
            end,
            case
                when current_setting('tenon.caller_kind', true) <> ''
                    then nullif(current_setting('tenon.caller_id', true), '')::uuid
                else core.caller_id()
            end,
            case
                when current_setting('tenon.origin', true) <> ''
                    then current_setting('tenon.origin')::jsonb
                when current_setting('request.headers', true) <> '' then core.request_origin()
            end
        );
        exit when recorded[6] is null and cardinality(recorded) = 6;
        if recorded[6] is not null then
            perform core.write_personal_values(recorded);
        end if;
        -- A record that moves is two changes.
        recorded := nullif(recorded[7:12], '{}');
    end loop;
    return null;
end
$$;

comment on function core.audit_row() is
'Trigger after update, made by core.audit: appends what changed. Arguments: the settings of the
table, its name, and a word where it has personal columns. Definer, because nobody may write the
trail.';

create function core.audit_statement() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
begin
    with recorded as materialized (
        select
            nextval('core.audit_entries_id_seq') as id,
            tenon.audit_changes(
                tg_argv[0],
                case when tg_op = 'DELETE' then row_to_json(changed)::text end,
                case when tg_op = 'INSERT' then row_to_json(changed)::text end,
                case when tg_nargs > 2 then gen_random_uuid()::text || gen_random_uuid()::text end
            ) as texts
        from changed
    ),
    entries as (
        insert into core.audit_entries (
            tenant_id, id, operation, table_name, key, old, new, caller_kind, caller_id, origin
        )
        select
            coalesce(recorded.texts[2]::uuid, core.platform_tenant_id()),
            recorded.id,
            recorded.texts[1],
            tg_argv[1],
            recorded.texts[3]::jsonb,
            recorded.texts[4]::jsonb,
            recorded.texts[5]::jsonb,
            caller.kind,
            caller.id,
            case
                when current_setting('tenon.origin', true) <> ''
                    then current_setting('tenon.origin')::jsonb
                when current_setting('request.headers', true) <> '' then core.request_origin()
            end
        from recorded
        where recorded.texts is not null
    )
    insert into core.audit_values (tenant_id, entry_id, column_name, salt, old, new)
    select
        coalesce(recorded.texts[2]::uuid, core.platform_tenant_id()),
        recorded.id,
        value."column",
        decode(value.salt, 'hex'),
        value.old::json,
        value.new::json
    from recorded
    cross join lateral json_to_recordset(recorded.texts[6]::json)
        as value ("column" text, salt text, old text, new text);
    return null;
end
$$;

comment on function core.audit_statement() is
'Trigger after inserts and deletes, made by core.audit: appends every row of the statement at once,
which for many is half the price of one by one and for one the same. Arguments as those of
core.audit_row. Definer, because nobody may write the trail.';

create function core.audit_truncation() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    counted record;
begin
    for counted in execute format(
        'select %I as tenant_id, count(*) as rows from %I.%I group by 1 '
        'union all select %L, (select count(*) from %2$I.%3$I)',
        tg_argv[0]::json ->> 'tenant', tg_table_schema, tg_table_name, core.platform_tenant_id()
    )
    loop
        perform core.write_audit_entry(
            counted.tenant_id,
            'truncate',
            tg_argv[1],
            details => jsonb_build_object('rows', counted.rows)
        );
    end loop;
    return null;
end
$$;

comment on function core.audit_truncation() is
'Trigger before truncate, made by core.audit: appends to the trail of each tenant, and to the
platform''s, how many rows went. Arguments as those of core.audit_row. Definer, because nobody may
write the trail.';

create function core.personal_columns(audited regclass) returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    columns text[];
begin
    -- Made by a later migration, and this must work before it.
    if to_regclass('core.personal_data') is null then
        return '{}';
    end if;
    execute
        'select coalesce(array_agg(mapped.column_name order by mapped.column_name), ''{}'') '
        'from core.personal_data as mapped '
        'inner join pg_class on pg_class.relname = mapped.table_name '
        'inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace '
        'and pg_namespace.nspname = mapped.table_schema '
        'where pg_class.oid = $1'
    into columns
    using audited;
    return columns;
end
$$;

comment on function core.personal_columns(regclass) is
'The columns of a table that core.personal_data lists, none before there is one. Internal.';

create function core.name_of(relation regclass) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select namespaces.nspname || '.' || classes.relname
        from pg_class as classes
        inner join pg_namespace as namespaces on namespaces.oid = classes.relnamespace
        where classes.oid = relation
    );
end
$$;

comment on function core.name_of(regclass) is
'The name of a table with its schema, as the audit trail writes it. Internal.';

create function core.relation_named(name text) returns regclass
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select classes.oid::regclass
        from pg_class as classes
        inner join pg_namespace as namespaces on namespaces.oid = classes.relnamespace
        where namespaces.nspname || '.' || classes.relname = relation_named.name
    );
end
$$;

comment on function core.relation_named(text) is
'The table whose name with its schema core.name_of gives; null for any other text, which
to_regclass refuses if it is no name at all. Signed-in users may call it.';

create function core.audit_settings(audited regclass, ignored text[]) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    tenant constant text := case audited
        when 'core.tenants'::regclass then 'id' else 'tenant_id'
    end;
    columns constant text[] := array(
        select attributes.attname
        from pg_attribute as attributes
        where attributes.attrelid = audited and attributes.attnum > 0 and not attisdropped
        order by attributes.attnum
    );
    key constant text[] := array(
        select attributes.attname
        from pg_index as indexes
        cross join unnest(indexes.indkey) with ordinality as place (attnum, position)
        inner join pg_attribute as attributes
            on attributes.attrelid = audited and attributes.attnum = place.attnum
        where indexes.indrelid = audited and indexes.indisprimary
        order by place.position
    );
    own_key constant text[] := array_remove(key, 'tenant_id');
begin
    if tenant <> all(columns) or cardinality(key) = 0 then
        raise exception 'an audited table has a primary key and a column tenant_id, and % has not',
            audited using errcode = 'undefined_column';
    end if;
    return jsonb_build_object(
        'table', core.name_of(audited),
        'tenant', tenant,
        'key', case when own_key = '{}' then key else own_key end,
        -- One that is dropped later is in nobody's way.
        'ignored', ignored,
        'personal', core.personal_columns(audited)
    );
end
$$;

comment on function core.audit_settings(regclass, text[]) is
'What the audit triggers of a table are to know. Internal.';

create function core.audit(audited regclass, ignored text[] default '{}') returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    settings constant jsonb := core.audit_settings(audited, ignored);
    arguments constant text := format(
        '%L, %L%s', settings, settings ->> 'table',
        case when settings -> 'personal' <> '[]' then ', ''personal''' end
    );
    -- Postgres reads the condition anew for each statement: the shorter, the better.
    is_different constant text := case
        when ignored = '{}' then 'record_image_ne(old.*, new.*)'
        else (
            select format(
                'record_image_ne(row(%s), row(%s))',
                string_agg(format('old.%I', attributes.attname), ', ' order by attributes.attnum),
                string_agg(format('new.%I', attributes.attname), ', ' order by attributes.attnum)
            )
            from pg_attribute as attributes
            where
                attributes.attrelid = audited
                and attributes.attnum > 0
                and not attributes.attisdropped
                and attributes.attname <> all(ignored)
        )
    end;
    verb text;
    part regclass;
begin
    foreach verb in array array['insert', 'delete'] loop
        execute format('drop trigger if exists %I on %s', 'audit_' || verb, audited);
        execute format(
            'create trigger %I after %s on %s referencing %s table as changed '
            'for each statement execute function core.audit_statement(%s)',
            'audit_' || verb, verb, audited,
            case verb when 'insert' then 'new' else 'old' end, arguments
        );
    end loop;
    -- Compared as bytes, because not every type has an equality. What is not different costs this
    -- comparison and nothing else.
    execute format('drop trigger if exists audit_update on %s', audited);
    execute format(
        'create trigger audit_update after update on %s '
        'for each row when (%s) execute function core.audit_row(%s)',
        audited, is_different, arguments
    );
    -- A partition does not inherit this one.
    for part in
        select audited union select tree.relid from pg_partition_tree(audited) as tree
    loop
        execute format('drop trigger if exists audit_truncation on %s', part);
        execute format(
            'create trigger audit_truncation before truncate on %s '
            'for each statement execute function core.audit_truncation(%s)', part, arguments
        );
    end loop;
end
$$;

comment on function core.audit(regclass, text[]) is
'Switches the audit of a table on: each insert, update, delete and truncate of it becomes an entry
of the row''s tenant. The table has a primary key and a column tenant_id. ignored: columns that are
not recorded; an update of these alone is none. Calling it again brings the triggers up to date.
For the migration that makes the table. Owner only.';

create function core.refresh_audits() returns integer
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    stale record;
    refreshed integer := 0;
begin
    for stale in
        with audited as (
            select
                triggers.tgrelid::regclass as relation,
                convert_from(triggers.tgargs, 'UTF8') as arguments,
                pg_get_triggerdef(triggers.oid) as definition,
                array(
                    select jsonb_array_elements_text(
                        split_part(encode(triggers.tgargs, 'escape'), '\000', 1)::jsonb -> 'ignored'
                    )
                ) as ignored,
                split_part(encode(triggers.tgargs, 'escape'), '\000', 1)::jsonb as settings
            from pg_trigger as triggers
            where
                triggers.tgname = 'audit_update'
                and triggers.tgfoid = 'core.audit_row()'::regprocedure
                and triggers.tgparentid = 0
        )
        select audited.relation, audited.ignored
        from audited
        where
            audited.settings is distinct from core.audit_settings(audited.relation, audited.ignored)
            or exists (
                select from pg_attribute as attributes
                where
                    audited.ignored <> '{}'
                    and attributes.attrelid = audited.relation
                    and attributes.attnum > 0
                    and not attributes.attisdropped
                    and attributes.attname <> all(audited.ignored)
                    and position(
                        'old.' || quote_ident(attributes.attname) in audited.definition
                    ) = 0
            )
            or exists (
                select from pg_partition_tree(audited.relation) as tree
                where not exists (
                    select from pg_trigger as own
                    where own.tgrelid = tree.relid and own.tgname = 'audit_truncation'
                )
            )
    loop
        perform core.audit(stale.relation, stale.ignored);
        refreshed := refreshed + 1;
    end loop;
    return refreshed;
end
$$;

comment on function core.refresh_audits() is
'Brings the audit triggers up to date with the columns and partitions of their tables and with
core.personal_data; says how many tables it was needed for. Housekeeping calls it; call it at the
end of a migration that changes one of these. Owner only.';

create function core.erase_audit_values(tenant_id uuid, table_name text, key jsonb)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    erased bigint;
begin
    delete from core.audit_values
    using core.audit_entries as entries
    where
        entries.tenant_id = erase_audit_values.tenant_id
        and jsonb_hash(entries.key) = jsonb_hash(erase_audit_values.key)
        and entries.key = erase_audit_values.key
        and entries.table_name = erase_audit_values.table_name
        and audit_values.tenant_id = entries.tenant_id
        and audit_values.entry_id = entries.id;
    get diagnostics erased = row_count;
    if erased > 0 then
        perform core.write_audit_entry(
            erase_audit_values.tenant_id,
            'event',
            erase_audit_values.table_name,
            erase_audit_values.key,
            event => 'audit.values_erased',
            details => jsonb_build_object('values', erased)
        );
    end if;
    return erased;
end
$$;

comment on function core.erase_audit_values(uuid, text, jsonb) is
'Erases the personal values that the audit trail holds of a record; says how many. table_name with
its schema; key as in the entries. The entries stay as they are, and the chain valid; that it was
done becomes an entry. Definer, because nobody may write the trail; internal.';

create function core.report_role_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    event text;
begin
    if tg_table_name = 'role_permissions' then
        perform core.record_security_event(
            coalesce(new.tenant_id, old.tenant_id),
            case tg_op
                when 'INSERT' then 'role.permission_granted'
                when 'UPDATE' then 'role.permission_changed'
                else 'role.permission_revoked'
            end,
            to_jsonb(coalesce(new, old)) - 'tenant_id'
        );
        return null;
    end if;
    event := case
        when tg_op = 'INSERT' then 'member.added'
        when tg_op = 'DELETE' then 'member.removed'
        when old.status <> new.status then 'member.' || new.status
        else 'member.role_changed'
    end;
    perform core.record_security_event(
        coalesce(new.tenant_id, old.tenant_id),
        event,
        jsonb_build_object(
            'user_id', coalesce(new.user_id, old.user_id),
            'role_id', new.role_id,
            'role_id_before', old.role_id
        )
    );
    return null;
end
$$;

comment on function core.report_role_change() is
'Trigger of core.members and core.role_permissions: what changes who may do what is a security
event: member.added, member.removed, member.suspended, member.active, member.role_changed,
role.permission_granted, role.permission_changed, role.permission_revoked. Definer, because nobody
may write the trail.';

revoke all on function
core.refuse_audit_change(),
core.request_origin(),
core.write_audit_entry(uuid, text, text, jsonb, jsonb, jsonb, text, jsonb),
core.record_security_event(uuid, text, jsonb),
core.write_personal_values(text[]),
core.audit_row(),
core.audit_statement(),
core.audit_truncation(),
core.personal_columns(regclass),
core.name_of(regclass),
core.relation_named(text),
core.audit_settings(regclass, text[]),
core.audit(regclass, text[]),
core.refresh_audits(),
core.erase_audit_values(uuid, text, jsonb),
core.report_role_change()
from public;
grant execute on function core.request_origin()
to anon, authenticated, service_role, tenon_device;
grant execute on function core.relation_named(text) to authenticated, service_role;

select core.audit('core.tenants');
select core.audit('core.roles');
select core.audit('core.role_permissions');
select core.audit('core.hidden_fields');
select core.audit('core.members');
select core.audit('core.teams');
select core.audit('core.team_members');
select core.audit('core.api_keys');

create trigger role_change_added after insert or delete on core.members
for each row execute function core.report_role_change();
create trigger role_change_changed after update on core.members
for each row
when (
    old.role_id is distinct from new.role_id
    or old.role_tenant_id is distinct from new.role_tenant_id
    or old.status is distinct from new.status
)
execute function core.report_role_change();
create trigger role_change after insert or update or delete on core.role_permissions
for each row execute function core.report_role_change();
