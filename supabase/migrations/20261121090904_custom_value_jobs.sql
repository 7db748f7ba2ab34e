-- What takes long with custom values is done by jobs: gathering those of a field that becomes
-- unique or indexed, forgetting them, and removing those of a deleted field from all records.
--
-- Each step shares the lock of the writers, so that the definition stays while it works, and locks
-- the records that it reads, so that none changes or goes between what was read and what is kept.

set local lock_timeout = '5s';

create function core.gather_custom_values(
    field core.custom_fields, after uuid, count_max integer, locks_records boolean,
    out last_id uuid, out record_count integer
)
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    execute format(
        'with batch as materialized ('
        'select id, custom from %s where tenant_id = $1 and ($4 is null or id > $4) '
        'order by id limit $5 %s), '
        'written as ('
        'insert into core.custom_values as known ('
        'tenant_id, object, field, record_id, is_unique, text_value, number_value, instant_value) '
        'select $1, $2, kept.field, batch.id, kept.is_unique, '
        'kept.text_value, kept.number_value, kept.instant_value '
        'from batch cross join lateral '
        'core.as_custom_values(tenon.custom_field_values($3, batch.custom)) as kept '
        'on conflict on constraint custom_values_pkey do update set '
        'is_unique = excluded.is_unique, text_value = excluded.text_value, '
        'number_value = excluded.number_value, instant_value = excluded.instant_value '
        'where (known.is_unique, known.text_value, known.number_value, known.instant_value) '
        'is distinct from (excluded.is_unique, excluded.text_value, excluded.number_value, '
        'excluded.instant_value)) '
        'select (array_agg(id order by id desc))[1], count(*) from batch',
        (core.object_named(field.object)).relation,
        case when locks_records then 'for no key update' else '' end
    )
    into last_id, record_count
    using
        field.tenant_id,
        field.object,
        jsonb_build_array(
            jsonb_build_object('field', field.field, 'definition', field.definition)
        ),
        after,
        count_max;
end
$$;

comment on function core.gather_custom_values(core.custom_fields, uuid, integer, boolean) is
'Writes the values that the next records hold of a field into core.custom_values; the id of the last
of them, null after the end. Raises unique_violation where two share a value of a unique one.
locks_records: for who does not hold core.lock_custom_fields. Internal.';

create function core.gather_custom_values_in_job(job core.jobs) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    -- Some hundred milliseconds of work, for which writers of these records wait.
    step constant integer := 2000;
    field core.custom_fields;
    last_id uuid;
    record_count integer;
    done bigint := coalesce((job.state ->> 'done')::bigint, 0);
begin
    perform core.share_custom_fields(job.tenant_id, job.arguments ->> 'object');
    -- Written, so that whoever goes by an older snapshot is told of what is gathered here.
    update core.custom_field_sets
    set has_values = true
    where
        custom_field_sets.tenant_id = job.tenant_id
        and custom_field_sets.object = job.arguments ->> 'object';
    select fields.* into field
    from core.custom_fields as fields
    where
        fields.tenant_id = job.tenant_id
        and fields.object = job.arguments ->> 'object'
        and fields.field = job.arguments ->> 'field'
        and fields.deleted_at is null;
    if field.field is null or field.values_state is null then
        return '{"done": true}';
    end if;
    begin
        select * into last_id, record_count
        from core.gather_custom_values(
            field, (job.state ->> 'after')::uuid, step, locks_records => true
        );
    exception
        when unique_violation then
            perform core.give_up_uniqueness(field);
            return jsonb_build_object(
                'failed', format('records share values of %s, so it is not unique', field.field)
            );
    end;
    if record_count = step then
        return jsonb_build_object(
            'done', false,
            'state', jsonb_build_object('after', last_id, 'done', done + step),
            'progress', jsonb_build_object('done', done + step)
        );
    end if;
    update core.custom_fields
    set values_state = 'ready'
    where
        custom_fields.tenant_id = field.tenant_id
        and custom_fields.object = field.object
        and custom_fields.field = field.field
        and custom_fields.values_state = 'gathering';
    return jsonb_build_object(
        'done', true, 'result', jsonb_build_object('records', done + record_count)
    );
end
$$;

comment on function core.gather_custom_values_in_job(core.jobs) is
'The task core.gather_custom_values: writes the values that records hold of a field into
core.custom_values, step by step. Where records share a value of a unique field, it is not unique
any more, and the job fails. Internal.';

create function core.give_up_uniqueness(field core.custom_fields) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    is_indexed constant boolean := coalesce((field.definition -> 'indexed')::boolean, false);
begin
    update core.custom_fields
    set
        definition = custom_fields.definition - 'unique',
        values_state = 'not_unique'
    where
        custom_fields.tenant_id = field.tenant_id
        and custom_fields.object = field.object
        and custom_fields.field = field.field;
    perform core.compile_custom_fields(field.tenant_id, field.object);
    perform core.enqueue_job(
        field.tenant_id,
        case
            when is_indexed then 'core.gather_custom_values' else 'core.scatter_custom_values'
        end,
        jsonb_build_object('object', field.object, 'field', field.field)
    );
end
$$;

comment on function core.give_up_uniqueness(core.custom_fields) is
'What was to be unique and is not: takes that out of the definition, and has the values brought in
step by a job. Internal.';

create function core.scatter_custom_values_in_job(job core.jobs) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    step constant integer := 10000;
    removed integer;
begin
    perform core.share_custom_fields(job.tenant_id, job.arguments ->> 'object');
    if exists (
        select from core.custom_fields as fields
        where
            fields.tenant_id = job.tenant_id
            and fields.object = job.arguments ->> 'object'
            and fields.field = job.arguments ->> 'field'
            and fields.deleted_at is null
            and fields.definition ?| '{unique,indexed}'
    ) then
        return '{"done": true}';
    end if;
    delete from core.custom_values as kept
    where
        kept.tenant_id = job.tenant_id
        and kept.object = job.arguments ->> 'object'
        and kept.field = job.arguments ->> 'field'
        and kept.record_id in (
            select part.record_id
            from core.custom_values as part
            where
                part.tenant_id = job.tenant_id
                and part.object = job.arguments ->> 'object'
                and part.field = job.arguments ->> 'field'
            limit step
        );
    get diagnostics removed = row_count;
    if removed = step then
        return '{"done": false}';
    end if;
    update core.custom_fields
    set values_state = null
    where
        custom_fields.tenant_id = job.tenant_id
        and custom_fields.object = job.arguments ->> 'object'
        and custom_fields.field = job.arguments ->> 'field'
        and custom_fields.values_state = 'ready';
    return '{"done": true}';
end
$$;

comment on function core.scatter_custom_values_in_job(core.jobs) is
'The task core.scatter_custom_values: removes the values of a field that is neither unique nor
indexed any more from core.custom_values, step by step. Internal.';

create function core.delete_custom_values_in_job(job core.jobs) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    step constant integer := 1000;
    of_object constant text := job.arguments ->> 'object';
    of_field constant text := job.arguments ->> 'field';
    done constant bigint := coalesce((job.state ->> 'done')::bigint, 0);
    last_id uuid;
    record_count integer;
    changed integer;
begin
    if not exists (
        select from core.custom_fields as fields
        where
            fields.tenant_id = job.tenant_id
            and fields.object = of_object
            and fields.field = of_field
            and fields.deleted_at is not null
    ) then
        return '{"done": true}';
    end if;
    -- Nobody can add the key any more: what is behind stays without it.
    execute format(
        'with batch as materialized ('
        'select id from %1$s where tenant_id = $1 and ($3 is null or id > $3) '
        'order by id limit $4), '
        'changed as ('
        'update %1$s as record set custom = record.custom - $2 from batch '
        'where record.tenant_id = $1 and record.id = batch.id and record.custom ? $2 '
        'returning 1) '
        'select (array_agg(id order by id desc))[1], count(*), (select count(*) from changed) '
        'from batch',
        (core.object_named(of_object)).relation
    )
    into last_id, record_count, changed
    using job.tenant_id, of_field, (job.state ->> 'after')::uuid, step;
    if record_count = step then
        return jsonb_build_object(
            'done', false,
            'state', jsonb_build_object('after', last_id, 'done', done + changed),
            'progress', jsonb_build_object('done', done + changed)
        );
    end if;
    delete from core.custom_values as kept
    where
        kept.tenant_id = job.tenant_id
        and kept.object = of_object
        and kept.field = of_field;
    delete from core.custom_fields as fields
    where
        fields.tenant_id = job.tenant_id
        and fields.object = of_object
        and fields.field = of_field;
    return jsonb_build_object(
        'done', true, 'result', jsonb_build_object('records', done + changed)
    );
end
$$;

comment on function core.delete_custom_values_in_job(core.jobs) is
'The task core.delete_custom_values: removes the values of a deleted field from the tenant''s
records, step by step, and then the field. Internal.';

revoke all on function
core.gather_custom_values(core.custom_fields, uuid, integer, boolean),
core.gather_custom_values_in_job(core.jobs),
core.give_up_uniqueness(core.custom_fields),
core.scatter_custom_values_in_job(core.jobs),
core.delete_custom_values_in_job(core.jobs)
from public;

insert into core.job_tasks (task, function_schema, function_name, description) values
(
    'core.gather_custom_values', 'core', 'gather_custom_values_in_job',
    'Gather the values of a custom field that is to be unique or indexed.'
),
(
    'core.scatter_custom_values', 'core', 'scatter_custom_values_in_job',
    'Forget the gathered values of a custom field.'
),
(
    'core.delete_custom_values', 'core', 'delete_custom_values_in_job',
    'Remove the values of a deleted custom field from all records.'
);
