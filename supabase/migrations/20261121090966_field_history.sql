-- The history of a record field by field: who changed what, from what, to what, when.
--
-- The audit has it all, for who may read the audit. People who work with a record want to see what
-- became of it, and may see that as far as they may see the record: whoever reaches it reads its
-- history, without the fields that are hidden from them, and what has been erased is shown as
-- erased. audit_entries_record leads to the entries of one record in each month, so that it does
-- not matter how many others there are.

set local lock_timeout = '5s';

create function core.history_fields(side jsonb, kept jsonb) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    name text;
    held jsonb;
    fields jsonb := '{}';
begin
    for name, held in select * from jsonb_each(coalesce(side, '{}')) loop
        if jsonb_typeof(held) = 'object' and held ? '$ref' then
            held := case
                when kept ? name then jsonb_build_object('value', kept -> name)
                else jsonb_build_object('erased', held -> '$ref')
            end;
        elsif jsonb_typeof(held) = 'object' and held ? '$cut' then
            held := jsonb_build_object('cut', held -> '$cut');
        else
            held := jsonb_build_object('value', held);
        end if;
        if name = 'custom' and jsonb_typeof(held -> 'value') = 'object' then
            fields := fields || coalesce(
                (
                    select jsonb_object_agg(
                        'custom.' || own.key, jsonb_build_object('value', own.value)
                    )
                    from jsonb_each(held -> 'value') as own
                    where own.value <> 'null'
                ),
                '{}'
            );
        elsif held -> 'value' is distinct from 'null' then
            fields := fields || jsonb_build_object(name, held);
        end if;
    end loop;
    return fields;
end
$$;

comment on function core.history_fields(jsonb, jsonb) is
'What an entry of the audit says of a record before or after, by field: {"value": …},
{"erased": …} or {"cut": …}; what is null is left out, and custom fields are custom.<field>. kept: the personal values
of the entry that are not erased. Internal.';

create function core.history_changes(entry core.audit_entries)
returns table (field text, old jsonb, new jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    before jsonb;
    after jsonb;
begin
    select
        core.history_fields(
            entry.old,
            coalesce(jsonb_object_agg(kept.column_name, kept.old::jsonb)
                filter (where kept.old is not null), '{}')
        ),
        core.history_fields(
            entry.new,
            coalesce(jsonb_object_agg(kept.column_name, kept.new::jsonb)
                filter (where kept.new is not null), '{}')
        )
    into before, after
    from core.audit_values as kept
    where kept.tenant_id = entry.tenant_id and kept.entry_id = entry.id;
    return query
    select
        names.name,
        before -> names.name,
        after -> names.name
    from (
        select jsonb_object_keys(before) as name
        union
        select jsonb_object_keys(after)
    ) as names
    where before -> names.name is distinct from after -> names.name
    order by names.name;
end
$$;

comment on function core.history_changes(core.audit_entries) is
'The fields that an entry of the audit says have changed, as core.history_fields has them.
Internal.';

create function core.record_read(object text, record_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    is_system constant boolean := (core.caller()).kind = 'system';
    within constant uuid[] := core.tenants_with(object || '.read', 'own');
    found_record jsonb;
begin
    execute format(
        'select to_jsonb(record) from %s as record '
        'where record.id = $1 and ($2 or record.tenant_id = any($3))',
        known.relation
    )
    into found_record
    using record_id, is_system, within;
    if
        found_record is null
        or not core.reaches(
            object || '.read',
            (found_record ->> 'tenant_id')::uuid,
            (found_record ->> known.owner_column)::uuid,
            (found_record ->> known.team_column)::uuid
        )
        or (
            exists (
                select from pg_policy
                where
                    pg_policy.polrelid = known.relation::regclass
                    and pg_policy.polname = 'sensitive_withheld'
            )
            and core.is_withheld(
                known.relation, (found_record ->> 'tenant_id')::uuid, record_read.record_id
            )
        )
    then
        perform core.fail('record.not_found');
    end if;
    return found_record;
end
$$;

comment on function core.record_read(text, uuid) is
'A record as a JSON object of its columns. Raises record.not_found (404) where there is none that
the caller may read, or it is marked sensitive and not opened. Internal.';

create function core.hidden_columns(relation regclass, tenant_id uuid) returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    columns jsonb;
begin
    if (core.caller()).kind = 'system' then
        return '{}';
    end if;
    select jsonb_object_agg(attributes.attname, true) into columns
    from pg_attribute as attributes
    where
        attributes.attrelid = relation
        and attributes.attnum > 0
        and not attributes.attisdropped;
    return array(
        select shown.key
        from jsonb_each(
            core.without_hidden_fields(columns, relation, hidden_columns.tenant_id)
        ) as shown
        where shown.value = 'null'
    );
end
$$;

comment on function core.hidden_columns(regclass, uuid) is
'The columns of a table that the caller''s role is kept from in a tenant. Internal.';

create function core.field_history(
    object text, record_id uuid, field text, before bigint, page integer
)
returns table (
    entry_id bigint,
    at timestamptz,
    operation text,
    field_name text,
    old jsonb,
    new jsonb,
    is_erased boolean,
    is_cut boolean,
    caller_kind text,
    caller_id uuid
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    page_max constant integer := 1000;
    known constant core.objects := core.object_named(field_history.object);
    tenant constant uuid := core.record_read(
        field_history.object, field_history.record_id
    ) ->> 'tenant_id';
    wanted constant jsonb := jsonb_build_object('id', field_history.record_id);
    hidden constant text[] := core.hidden_columns(known.relation::regclass, tenant)
        || '{version,created_at,created_by,updated_at,updated_by}'::text[];
    left_over integer := least(greatest(coalesce(page, 100), 1), page_max);
    entry core.audit_entries;
    change record;
begin
    for entry in
        select entries.*
        from core.audit_entries as entries
        where
            entries.tenant_id = tenant
            and jsonb_hash(entries.key) = jsonb_hash(wanted)
            and entries.key = wanted
            and entries.table_name = known.relation
            and entries.id < coalesce(field_history.before, 9223372036854775807)
        order by entries.id desc
    loop
        for change in select * from core.history_changes(entry) loop
            if
                (change.field = field_history.field) is not false
                and split_part(change.field, '.', 1) <> all(hidden)
            then
                entry_id := entry.id;
                at := entry.at;
                operation := entry.operation;
                field_name := change.field;
                old := change.old -> 'value';
                new := change.new -> 'value';
                is_erased := coalesce(change.old ? 'erased', false)
                    or coalesce(change.new ? 'erased', false);
                is_cut := coalesce(change.old ? 'cut', false)
                    or coalesce(change.new ? 'cut', false);
                caller_kind := entry.caller_kind;
                caller_id := entry.caller_id;
                left_over := left_over - 1;
                return next;
            end if;
        end loop;
        -- The changes of one entry stay together.
        exit when left_over <= 0;
    end loop;
end
$$;

comment on function core.field_history(text, uuid, text, bigint, integer) is
'What v1.field_history returns. Definer, because the audit is read by few, and decides by the record
itself. Signed-in users may call it.';

create function v1.field_history(
    object text,
    record_id uuid,
    field text default null,
    before bigint default null,
    page integer default 100
)
returns table (
    entry_id bigint,
    at timestamptz,
    operation text,
    field_name text,
    old jsonb,
    new jsonb,
    is_erased boolean,
    is_cut boolean,
    caller_kind text,
    caller_id uuid
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select *
    from core.field_history(
        field_history.object, field_history.record_id, field_history.field,
        field_history.before, field_history.page
    );
end
$$;

comment on function v1.field_history(text, uuid, text, bigint, integer) is
'Which fields of a record were changed, from what, to what, when and by whom, the newest first; the
tenant''s own fields as custom.<field>. field: of this one alone; before: only entries before this
entry_id, for the next page; page: about how many changes, at most 1,000: those of one entry stay
together. is_erased: the values have been erased; is_cut: they were too long to be kept. Whoever may
read the record may read its history, without the fields that are hidden from them. Raises
record.object_unknown (400), record.not_found (404).';

revoke all on function
core.history_fields(jsonb, jsonb),
core.history_changes(core.audit_entries),
core.record_read(text, uuid),
core.hidden_columns(regclass, uuid),
core.field_history(text, uuid, text, bigint, integer),
v1.field_history(text, uuid, text, bigint, integer)
from public;
grant execute on function
core.field_history(text, uuid, text, bigint, integer),
v1.field_history(text, uuid, text, bigint, integer)
to authenticated, service_role;
