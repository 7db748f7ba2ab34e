-- How tenants define their fields: saved, archived, deleted, and shown to who builds forms.

set local lock_timeout = '5s';

create function core.custom_field_answer(field core.custom_fields) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object(
        'tenant_id', field.tenant_id,
        'object', field.object,
        'field', field.field,
        'position', field.position,
        'definition', field.definition,
        'values_state', field.values_state,
        'archived_at', field.archived_at
    );
end
$$;

comment on function core.custom_field_answer(core.custom_fields) is
'A field as functions of v1 answer: {tenant_id, object, field, position, definition, values_state,
archived_at}. Internal.';

create function core.own_custom_field(object text, field text) returns core.custom_fields
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.custom_fields.manage');
    known constant core.objects := core.object_with_custom_fields(object);
    owned core.custom_fields;
begin
    perform core.lock_custom_fields(owner_id, known.object);
    select fields.* into owned
    from core.custom_fields as fields
    where
        fields.tenant_id = owner_id
        and fields.object = known.object
        and fields.field = own_custom_field.field
    for update;
    if owned.deleted_at is not null then
        perform core.fail('field.being_deleted', jsonb_build_object('field', owned.field));
    end if;
    owned.tenant_id := owner_id;
    owned.object := known.object;
    return owned;
end
$$;

comment on function core.own_custom_field(text, text) is
'A field of the tenant whose fields the caller may define, under core.lock_custom_fields; its field
is null where there is none. Raises record.object_unknown, field.object_closed (400),
field.being_deleted (409), and what core.sole_tenant_with does. Internal.';

create function core.check_kept_values(
    owned core.custom_fields, field text, definition jsonb
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    unfit bigint;
begin
    execute format(
        'select count(*) from %s as record '
        'where record.tenant_id = $1 and record.custom ? $2 '
        'and not tenon.custom_field_fits($2, $3, record.custom -> $2)',
        (core.object_named(owned.object)).relation
    )
    into unfit
    using owned.tenant_id, field, definition;
    if unfit > 0 then
        perform core.fail(
            'field.values_unfit', jsonb_build_object('field', field, 'count', unfit)
        );
    end if;
end
$$;

comment on function core.check_kept_values(core.custom_fields, text, jsonb) is
'Refuses a definition of which values that records hold are none: raises field.values_unfit (409).
Internal.';

create function core.begin_to_gather(saved core.custom_fields) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    at_once constant integer := core.custom_values_at_once();
    last_id uuid;
    record_count integer;
    is_large boolean;
begin
    execute format(
        'select count(*) > $2 '
        'from (select from %s where tenant_id = $1 limit $2 + 1) as first_ones',
        (core.object_named(saved.object)).relation
    )
    into is_large
    using saved.tenant_id, at_once;
    if is_large then
        perform core.enqueue_job(
            saved.tenant_id, 'core.gather_custom_values',
            jsonb_build_object('object', saved.object, 'field', saved.field)
        );
        return;
    end if;
    begin
        select * into last_id, record_count
        from core.gather_custom_values(saved, null, at_once, locks_records => false);
    exception
        when unique_violation then
            perform core.fail(
                'field.values_not_unique', jsonb_build_object('field', saved.field)
            );
    end;
    update core.custom_fields
    set values_state = 'ready'
    where
        custom_fields.tenant_id = saved.tenant_id
        and custom_fields.object = saved.object
        and custom_fields.field = saved.field;
end
$$;

comment on function core.begin_to_gather(core.custom_fields) is
'Gathers the values that records hold of a field, at once or by a job. Raises
field.values_not_unique (409). Internal, under core.lock_custom_fields.';

create function core.save_custom_field(object text, field text, definition jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owned constant core.custom_fields := core.own_custom_field(object, coalesce(field, ''));
    is_object constant boolean := coalesce(jsonb_typeof(definition) = 'object', false);
    wanted constant jsonb := tenon.custom_field_definition(
        coalesce(field, ''),
        case when is_object then definition - 'position' else coalesce(definition, 'null') end
    );
    asked_position constant jsonb := case when is_object then definition -> 'position' end;
    change constant jsonb := tenon.custom_field_change(field, owned.definition, wanted);
    gathers boolean := (change -> 'gathers_values')::boolean;
    saved core.custom_fields;
begin
    if coalesce(asked_position::text !~ '^-?[0-9]{1,6}$', false) and asked_position <> 'null' then
        perform core.fail('field.position_invalid');
    elsif owned.field is null and (
        select count(*) >= core.custom_fields_max()
        from core.custom_fields as others
        where others.tenant_id = owned.tenant_id and others.object = owned.object
    ) then
        perform core.fail(
            'field.too_many', jsonb_build_object('count_max', core.custom_fields_max())
        );
    elsif
        owned.values_state = 'gathering'
        and (gathers or (change -> 'scatters_values')::boolean)
    then
        perform core.fail('field.busy', jsonb_build_object('field', owned.field));
    elsif (change -> 'checks_values')::boolean then
        perform core.check_kept_values(owned, field, wanted);
    end if;
    insert into core.custom_fields as known (
        tenant_id, object, field, position, definition, values_state
    )
    values (
        owned.tenant_id,
        owned.object,
        save_custom_field.field,
        coalesce(
            nullif(asked_position, 'null')::integer,
            owned.position,
            (
                select max(others.position) + 1
                from core.custom_fields as others
                where others.tenant_id = owned.tenant_id and others.object = owned.object
            ),
            1
        ),
        wanted,
        case
            when gathers then 'gathering'
            when owned.field is null and wanted ?| '{unique,indexed}' then 'ready'
            else owned.values_state
        end
    )
    on conflict on constraint custom_fields_pkey do update set
        position = excluded.position,
        definition = excluded.definition,
        values_state = excluded.values_state,
        updated_at = now(),
        updated_by = core.caller_id()
    returning * into saved;
    if gathers then
        perform core.begin_to_gather(saved);
    elsif (change -> 'scatters_values')::boolean then
        perform core.enqueue_job(
            saved.tenant_id, 'core.scatter_custom_values',
            jsonb_build_object('object', saved.object, 'field', saved.field)
        );
    end if;
    perform core.compile_custom_fields(saved.tenant_id, saved.object);
    select fields.* into saved
    from core.custom_fields as fields
    where
        fields.tenant_id = saved.tenant_id
        and fields.object = saved.object
        and fields.field = saved.field;
    return core.custom_field_answer(saved);
end
$$;

comment on function core.save_custom_field(text, text, jsonb) is
'Does what v1.save_custom_field says. Definer, because it writes core.custom_fields and looks
through all records of the tenant. Signed-in users may call it.';

create function core.archive_custom_field(object text, field text, archived boolean) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owned core.custom_fields := core.own_custom_field(object, field);
begin
    if owned.field is null then
        perform core.fail(
            'field.not_found', jsonb_build_object('object', owned.object, 'field', field)
        );
    end if;
    update core.custom_fields
    set
        archived_at = case
            when archive_custom_field.archived then coalesce(custom_fields.archived_at, now())
        end,
        updated_at = now(),
        updated_by = core.caller_id()
    where
        custom_fields.tenant_id = owned.tenant_id
        and custom_fields.object = owned.object
        and custom_fields.field = owned.field
    returning * into owned;
    perform core.compile_custom_fields(owned.tenant_id, owned.object);
    return core.custom_field_answer(owned);
end
$$;

comment on function core.archive_custom_field(text, text, boolean) is
'Does what v1.archive_custom_field says. Definer, because it writes core.custom_fields. Signed-in
users may call it.';

create function core.delete_custom_field(object text, field text, confirm text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owned constant core.custom_fields := core.own_custom_field(object, field);
begin
    if owned.field is null then
        perform core.fail(
            'field.not_found', jsonb_build_object('object', owned.object, 'field', field)
        );
    elsif confirm is distinct from owned.field then
        perform core.fail('field.confirmation_missing');
    end if;
    update core.custom_fields
    set deleted_at = now(), updated_at = now(), updated_by = core.caller_id()
    where
        custom_fields.tenant_id = owned.tenant_id
        and custom_fields.object = owned.object
        and custom_fields.field = owned.field;
    perform core.compile_custom_fields(owned.tenant_id, owned.object);
    -- Not here: whoever has a record locked already may be waiting for the lock that is held now.
    return jsonb_build_object(
        'tenant_id', owned.tenant_id,
        'object', owned.object,
        'field', owned.field,
        'job_id', core.enqueue_job(
            owned.tenant_id, 'core.delete_custom_values',
            jsonb_build_object('object', owned.object, 'field', owned.field),
            owned.object || ' ' || owned.field
        )
    );
end
$$;

comment on function core.delete_custom_field(text, text, text) is
'Does what v1.delete_custom_field says. Definer, because it writes core.custom_fields and enqueues a
job. Signed-in users may call it.';

create function core.custom_fields_schema(object text) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    of_tenant constant uuid := core.sole_tenant_with('core.tenants.read');
    known constant core.objects := core.object_with_custom_fields(object);
begin
    return tenon.custom_fields_schema(
        coalesce(
            (
                select sets.definitions
                from core.custom_field_sets as sets
                where sets.tenant_id = of_tenant and sets.object = known.object
            ),
            '[]'
        )
    );
end
$$;

comment on function core.custom_fields_schema(text) is
'Does what v1.custom_fields_schema says. Definer, because it calls a native function for whoever
asks. Signed-in users may call it.';

-- The API -----------------------------------------------------------------------------------------

create view v1.custom_fields with (security_invoker = true) as
select
    fields.tenant_id,
    fields.object,
    fields.field,
    fields.position,
    fields.definition ->> 'type' as type,
    fields.definition ->> 'label' as label,
    fields.definition ->> 'description' as description,
    coalesce((fields.definition -> 'required')::boolean, false) as is_required,
    coalesce((fields.definition -> 'unique')::boolean, false) as is_unique,
    coalesce((fields.definition -> 'indexed')::boolean, false) as is_indexed,
    fields.definition,
    fields.values_state,
    fields.archived_at,
    fields.created_at,
    fields.created_by,
    fields.updated_at,
    fields.updated_by
from core.custom_fields as fields
where fields.deleted_at is null;

comment on view v1.custom_fields is
'The fields that your tenant has added to records, whose values stand in their column custom. Needs
core.tenants.read, which every member has.';

create view v1.custom_field_objects with (security_invoker = true) as
select
    objects.object,
    objects.singular
from core.objects
where objects.has_custom_fields;

comment on view v1.custom_field_objects is
'The objects whose records may have fields of your own. Signed-in users may read it.';
grant select on v1.custom_fields, v1.custom_field_objects to authenticated, service_role;

create function v1.save_custom_field(object text, field text, definition jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'save_custom_field',
            jsonb_build_object('object', object, 'field', field, 'definition', definition)
        ),
        core.store_answer(core.save_custom_field(object, field, definition))
    );
end
$$;

comment on function v1.save_custom_field(text, text, jsonb) is
'Defines a field of the records of an object, or defines it anew. definition: {"type", "label"}
and, as the type has them, description, required, unique, indexed, choices, min, max, decimals,
min_length, max_length, pattern, default, and position. A new definition counts from the next write
of a value; another type is refused while there are values that are none of it. Where an object has
many records, a job gathers the values of what becomes unique or indexed: values_state. Returns
{tenant_id, object, field, position, definition, values_state, archived_at}. Needs
core.custom_fields.manage. Raises field.key_invalid, definition_malformed, type_unknown,
option_unknown, option_invalid, pattern_invalid, default_invalid, position_invalid, object_closed
(400), field.being_deleted, busy, values_unfit, values_not_unique (409), field.too_many (422).';

create function v1.archive_custom_field(object text, field text, archived boolean default true)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'archive_custom_field',
            jsonb_build_object('object', object, 'field', field, 'archived', archived)
        ),
        core.store_answer(core.archive_custom_field(object, field, coalesce(archived, true)))
    );
end
$$;

comment on function v1.archive_custom_field(text, text, boolean) is
'Archives a field, or with archived false takes it back: forms do not ask for it any more, and its
values stay as they are, whatever is written. Returns what v1.save_custom_field does. Needs
core.custom_fields.manage. Raises field.not_found (404), field.being_deleted (409).';

create function v1.delete_custom_field(object text, field text, confirm text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'delete_custom_field',
            jsonb_build_object('object', object, 'field', field, 'confirm', confirm)
        ),
        core.store_answer(core.delete_custom_field(object, field, confirm))
    );
end
$$;

comment on function v1.delete_custom_field(text, text, text) is
'Deletes a field and, by a job, its values in all records. confirm: the name of the field once more.
What the audit recorded stays. Returns {tenant_id, object, field, job_id}. Needs
core.custom_fields.manage. Raises field.not_found (404), field.confirmation_missing (400),
field.being_deleted (409).';

create function v1.custom_fields_schema(object text) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return core.custom_fields_schema(object);
end
$$;

comment on function v1.custom_fields_schema(text) is
'The JSON Schema (2020-12) of the column custom of an object''s records, for what builds forms:
without archived fields. x-type has the type of the field, x-unique whether it is unique. Needs
core.tenants.read. Raises record.object_unknown, field.object_closed (400).';

revoke all on function
core.custom_field_answer(core.custom_fields),
core.own_custom_field(text, text),
core.check_kept_values(core.custom_fields, text, jsonb),
core.begin_to_gather(core.custom_fields),
core.save_custom_field(text, text, jsonb),
core.archive_custom_field(text, text, boolean),
core.delete_custom_field(text, text, text),
core.custom_fields_schema(text),
v1.save_custom_field(text, text, jsonb),
v1.archive_custom_field(text, text, boolean),
v1.delete_custom_field(text, text, text),
v1.custom_fields_schema(text)
from public;
grant execute on function
core.save_custom_field(text, text, jsonb),
core.archive_custom_field(text, text, boolean),
core.delete_custom_field(text, text, text),
core.custom_fields_schema(text),
v1.save_custom_field(text, text, jsonb),
v1.archive_custom_field(text, text, boolean),
v1.delete_custom_field(text, text, text),
v1.custom_fields_schema(text)
to authenticated, service_role;
