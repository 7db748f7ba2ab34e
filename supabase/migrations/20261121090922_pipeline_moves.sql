-- Moves: the one way in which a record comes from one stage to another.
--
-- A move locks the record first, and judges what it finds then: two who move one record go one
-- after the other, and the second is told that the record is not what it was. Whether a record may
-- move is decided by tenon.pipeline_decide, which says everything that speaks against it and not
-- only the first. What follows a move happens in its transaction.

set local lock_timeout = '5s';

insert into core.errors (code, status, message, hint) values
(
    'pipeline.version_conflict', 409,
    'The record was changed meanwhile: it has the version {actual}, not {expected}.',
    'Read the record again, and decide whether it is still to be moved.'
),
(
    'pipeline.version_missing', 400, 'A move names the version of the record that was read.',
    'Send the version that you read as expected_version.'
),
(
    'pipeline.transition_missing', 422,
    'No way leads from {from} to {to}, but to {possible}.',
    'v1.allowed_moves lists the ways.'
),
(
    'pipeline.permission_missing', 403, 'This move takes {permission}, which you do not hold here.',
    'Ask somebody who does, or an owner of the tenant for a role with this permission.'
),
(
    'pipeline.guard_failed', 422,
    'The record does not meet the condition of this move: {words}.',
    'Details have the condition; unknown says that a field it asks for is empty.'
),
(
    'pipeline.reason_required', 422, 'This move takes a reason.',
    'Send a reason that is not blank.'
),
(
    'pipeline.reason_too_long', 400, 'A reason has 2,000 characters at most.',
    'Shorten it; a note can hold the rest.'
),
(
    'pipeline.subjects_invalid', 400,
    'At most 1,000 records are moved at once, with a version for each of them or none at all.',
    'Split the list; give as many expected_versions as subjects, or leave them out.'
);

create function core.subject_of_pipeline(
    subject uuid, verb text, out object text, out tenant_id uuid
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    candidate record;
    candidates bigint;
begin
    select
        count(*),
        min(periods.object)
    into candidates, object
    from core.stage_periods as periods
    where periods.record_id = subject and periods.left_at is null;
    if candidates = 1 then
        select periods.tenant_id into strict tenant_id
        from core.stage_periods as periods
        where periods.record_id = subject and periods.left_at is null;
        return;
    end if;
    -- One id may stand for records of several tenants: theirs is no business of the caller's.
    object := null;
    for candidate in
        select
            periods.object,
            periods.tenant_id
        from core.stage_periods as periods
        where periods.record_id = subject and periods.left_at is null
        order by periods.object, periods.tenant_id
    loop
        if core.reaches_record(candidate.object, candidate.tenant_id, subject, 'read') then
            object := candidate.object;
            tenant_id := candidate.tenant_id;
            exit when core.reaches_record(object, tenant_id, subject, verb);
        end if;
    end loop;
    if object is null then
        perform core.fail('record.not_found');
    end if;
end
$$;

comment on function core.subject_of_pipeline(uuid, text) is
'Of which object and tenant a record in a pipeline is, among those that the caller may read; one
that the caller may do more with, by the verb, is preferred. Raises record.not_found (404).
Internal.';

create function core.pipeline_permissions_held(
    definition jsonb, tenant_id uuid, known core.objects, record jsonb
)
returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if (core.caller()).kind in ('system', 'service') then
        return null;
    end if;
    return array(
        select permission
        from unnest(tenon.pipeline_permissions(definition)) as permission
        where core.reaches(
            permission, pipeline_permissions_held.tenant_id,
            (record ->> known.owner_column)::uuid, (record ->> known.team_column)::uuid
        )
    );
end
$$;

comment on function core.pipeline_permissions_held(jsonb, uuid, core.objects, jsonb) is
'Which of the permissions that a definition asks for the caller holds over a record; null for all:
the system and the service role hold every one. Internal.';

create function core.enter_stage(
    tenant_id uuid,
    known core.objects,
    record jsonb,
    stage core.pipeline_stages,
    reason text,
    fields jsonb default '{}'
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
    subject_id constant uuid := record ->> 'id';
    -- Judged after the lock, and never before what was there: clocks go back.
    at constant timestamptz := greatest(
        clock_timestamp(), (record ->> 'stage_entered_at')::timestamptz + interval '1 microsecond'
    );
    has_closed_at constant boolean := (
        select attached.has_closed_at from core.pipeline_objects as attached
        where attached.object = known.object
    );
    entered jsonb;
begin
    update core.stage_periods as periods
    set left_at = at
    where
        periods.tenant_id = enter_stage.tenant_id
        and periods.record_id = subject_id
        and periods.object = known.object
        and periods.left_at is null;
    insert into core.stage_periods (
        tenant_id, object, record_id, entered_at, pipeline_id, pipeline_version_id, stage,
        from_stage, reason, moved_by_kind, moved_by
    )
    values (
        enter_stage.tenant_id, known.object, subject_id, at, stage.pipeline_id,
        stage.pipeline_version_id, stage.stage, record ->> 'stage', enter_stage.reason,
        caller.kind, caller.id
    );
    execute format(
        'update %1$s as record set pipeline_id = $4, pipeline_version_id = $5, stage = $6, '
        'stage_kind = $7, stage_entered_at = $8%2$s%3$s '
        'from jsonb_populate_record(null::%1$s, $3) as given '
        'where record.tenant_id = $1 and record.id = $2 returning to_jsonb(record)',
        known.relation,
        ', ' || core.field_assignments(known.object, fields),
        case
            when has_closed_at
                then ', closed_at = ' || case stage.kind when 'open' then 'null' else '$8' end
        end
    )
    into strict entered
    using
        enter_stage.tenant_id, subject_id, core.with_fields(record, fields), stage.pipeline_id,
        stage.pipeline_version_id, stage.stage, stage.kind, at;
    if stage.time_limit_s is not null then
        perform core.start_time_limit(
            enter_stage.tenant_id, known.object, subject_id, stage, at
        );
    else
        perform core.cancel_timer(
            enter_stage.tenant_id, known.object, subject_id, 'pipeline stage_time_limit'
        );
    end if;
    perform core.emit(
        enter_stage.tenant_id, known.event_prefix || '.moved', known.singular, subject_id,
        jsonb_build_object(
            'from', record ->> 'stage',
            'to', stage.stage,
            'kind', stage.kind,
            'pipeline', pipelines.slug,
            'pipeline_version', versions.number,
            'seconds', floor(
                extract(epoch from at - (record ->> 'stage_entered_at')::timestamptz)
            )
        )
    )
    from core.pipelines
    inner join core.pipeline_versions as versions
        on versions.tenant_id = pipelines.tenant_id and versions.id = stage.pipeline_version_id
    where pipelines.tenant_id = enter_stage.tenant_id and pipelines.id = stage.pipeline_id;
    return entered;
end
$$;

comment on function core.enter_stage(
    uuid, core.objects, jsonb, core.pipeline_stages, text, jsonb
) is
'Brings a record that is locked into a stage: its history, its row, the timer of the stage and the
event. Returns the record. Whether it may is decided before. Internal.';

create function core.move(
    subject uuid,
    "to" text,
    expected_version integer default null,
    reason text default null,
    fields jsonb default null
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
    found_subject record;
    known core.objects;
    before jsonb;
    after jsonb;
    held_version core.pipeline_versions;
    decision jsonb;
    stage core.pipeline_stages;
    given constant jsonb := coalesce(nullif(fields, 'null'), '{}');
begin
    if char_length(reason) > 2000 then
        perform core.fail('pipeline.reason_too_long');
    elsif jsonb_typeof(given) <> 'object' then
        perform core.fail('effect.field_unknown', jsonb_build_object('field', given));
    end if;
    select located.* into strict found_subject
    from core.subject_of_pipeline(subject, 'write') as located;
    known := core.object_named(found_subject.object);
    before := core.lock_record(known.object, subject, 'write');
    if (before ->> 'version')::integer <> expected_version then
        perform core.fail(
            'pipeline.version_conflict',
            jsonb_build_object(
                'expected', expected_version, 'actual', before -> 'version',
                'stage', before -> 'stage'
            )
        );
    end if;
    select versions.* into held_version
    from core.pipeline_versions as versions
    where
        versions.tenant_id = (before ->> 'tenant_id')::uuid
        and versions.id = (before ->> 'pipeline_version_id')::uuid;
    if not found then
        -- The record that was locked is another tenant's of the same id, and in no pipeline.
        perform core.fail('record.not_found');
    end if;
    perform core.check_settable(known.object, key) from jsonb_object_keys(given) as key;

    decision := tenon.pipeline_decide(
        held_version.definition, before ->> 'stage', move."to",
        core.with_fields(before, given),
        core.pipeline_permissions_held(
            held_version.definition, held_version.tenant_id, known, before
        ),
        move.reason, before, clock_timestamp()
    );
    if decision ->> 'allowed' = 'false' then
        perform core.refuse_move(decision -> 'refusals');
    end if;
    select stages.* into strict stage
    from core.pipeline_stages as stages
    where
        stages.tenant_id = held_version.tenant_id
        and stages.pipeline_version_id = held_version.id
        and stages.stage = move."to";
    after := core.enter_stage(held_version.tenant_id, known, before, stage, reason, given);
    -- As a policy would: nobody gives a record away whom they could not have it from.
    if
        given <> '{}'
        and not core.reaches(
            known.object || '.write', held_version.tenant_id,
            (after ->> known.owner_column)::uuid, (after ->> known.team_column)::uuid
        )
    then
        perform core.fail(
            'tenancy.permission_missing',
            jsonb_build_object('permission', known.object || '.write')
        );
    end if;
    if decision -> 'effects' <> '[]' then
        perform core.run_effects(
            held_version.tenant_id, known.object, subject, decision -> 'effects',
            jsonb_build_object(
                'from', before -> 'stage', 'to', stage.stage, 'reason', reason,
                'actor', jsonb_build_object('kind', caller.kind, 'id', caller.id)
            )
        );
        after := core.record(known.object, held_version.tenant_id, subject);
    end if;
    return jsonb_build_object(
        'object', known.object,
        'id', subject,
        'tenant_id', held_version.tenant_id,
        'version', after -> 'version',
        'from', before -> 'stage',
        'stage', stage.stage,
        'stage_kind', stage.kind,
        'stage_entered_at', after -> 'stage_entered_at',
        'pipeline_version', held_version.number,
        'effects', jsonb_path_query_array(decision, '$.effects[*].effect')
    );
end
$$;

comment on function core.move(uuid, text, integer, text, jsonb) is
'What v1.move does; without an expected_version whatever version the record has. The system itself,
at psql, in a job or a migration, moves any record, and is bound by the same guards. Definer,
because it locks the record and writes history. Signed-in users may call it.';

create function core.move_many(
    subjects uuid[],
    "to" text,
    expected_versions integer[] default null,
    reason text default null,
    fields jsonb default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    asked record;
    outcome jsonb;
    outcomes jsonb := '{}';
    moved integer := 0;
begin
    if
        (cardinality(subjects) between 1 and 1000 and array_ndims(subjects) = 1) is not true
        or array_position(subjects, null) is not null
        or cardinality(expected_versions) <> cardinality(subjects)
    then
        perform core.fail('pipeline.subjects_invalid');
    end if;
    -- In the order of ids, so that no two of these wait for each other.
    for asked in
        select
            named.subject,
            min(named.expected_version) as expected_version
        from unnest(subjects, expected_versions) as named (subject, expected_version)
        group by named.subject
        order by named.subject
    loop
        begin
            outcome := core.move(
                asked.subject, move_many."to", asked.expected_version, move_many.reason,
                move_many.fields
            ) || '{"moved": true}';
            moved := moved + 1;
        exception
            when sqlstate 'PGRST' then
                outcome := jsonb_build_object(
                    'id', asked.subject, 'moved', false,
                    'error', jsonb_build_object(
                        'code', sqlerrm::jsonb ->> 'code',
                        'message', sqlerrm::jsonb ->> 'message',
                        'details', (sqlerrm::jsonb ->> 'details')::jsonb
                    )
                );
            when integrity_constraint_violation or data_exception then
                outcome := jsonb_build_object(
                    'id', asked.subject, 'moved', false,
                    'error', jsonb_build_object('code', sqlstate, 'message', sqlerrm)
                );
        end;
        outcomes := outcomes || jsonb_build_object(asked.subject::text, outcome);
    end loop;
    return jsonb_build_object(
        'moved', moved,
        'refused', (select count(*) from jsonb_object_keys(outcomes)) - moved,
        'outcomes', (
            select jsonb_agg(outcomes -> named.subject::text order by named.position)
            from (
                select
                    subject,
                    min(position) as position
                from unnest(subjects) with ordinality as given (subject, position)
                group by subject
            ) as named
        )
    );
end
$$;

comment on function core.move_many(uuid[], text, integer[], text, jsonb) is
'What v1.move_many does. Signed-in users may call it.';

create function core.allowed_moves(subject uuid) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    found_subject record;
    known core.objects;
    record jsonb;
    held_version core.pipeline_versions;
    lacking constant text := 'tenancy.permission_missing';
    refused_all jsonb := '[]';
begin
    select located.* into strict found_subject
    from core.subject_of_pipeline(subject, 'write') as located;
    known := core.object_named(found_subject.object);
    if not core.reaches_record(known.object, found_subject.tenant_id, subject, 'read') then
        perform core.fail('record.not_found');
    end if;
    record := core.record(known.object, found_subject.tenant_id, subject);
    select versions.* into strict held_version
    from core.pipeline_versions as versions
    where
        versions.tenant_id = found_subject.tenant_id
        and versions.id = (record ->> 'pipeline_version_id')::uuid;
    if not core.reaches_record(known.object, found_subject.tenant_id, subject, 'write') then
        refused_all := jsonb_build_array(
            jsonb_build_object('code', lacking, 'permission', known.object || '.write')
        );
    end if;
    return jsonb_build_object(
        'id', subject,
        'object', known.object,
        'version', record -> 'version',
        'stage', record -> 'stage',
        'stage_kind', record -> 'stage_kind',
        'moves', (
            select coalesce(
                jsonb_agg(
                    way || jsonb_build_object(
                        'allowed', way -> 'allowed' = 'true' and refused_all = '[]',
                        'refusals', core.told_refusals(refused_all || (way -> 'refusals'))
                    )
                    order by ways.position
                ),
                '[]'
            )
            from jsonb_array_elements(
                tenon.pipeline_moves(
                    held_version.definition, record ->> 'stage', record,
                    core.pipeline_permissions_held(
                        held_version.definition, held_version.tenant_id, known, record
                    ),
                    now()
                )
            ) with ordinality as ways (way, position)
        )
    );
end
$$;

comment on function core.allowed_moves(uuid) is
'What v1.allowed_moves does. Definer, because it reads the definition, which whoever moves a record
need not see. Signed-in users may call it.';

-- Time limits -------------------------------------------------------------------------------------

create function core.effect_stage_overdue(
    tenant_id uuid, object text, record_id uuid, effect jsonb, context jsonb
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    record constant jsonb := core.record(object, tenant_id, record_id);
begin
    if
        record ->> 'stage' is distinct from context ->> 'stage'
        or (record ->> 'stage_entered_at')::timestamptz
        is distinct from (context ->> 'entered_at')::timestamptz
    then
        return;
    end if;
    perform core.emit(
        tenant_id, known.event_prefix || '.overdue', known.singular, record_id,
        jsonb_build_object('stage', context -> 'stage', 'entered_at', context -> 'entered_at')
    );
    if jsonb_typeof(effect -> 'effects') = 'array' then
        perform core.run_effects(tenant_id, object, record_id, effect -> 'effects', context);
    end if;
end
$$;

comment on function core.effect_stage_overdue(uuid, text, uuid, jsonb, jsonb) is
'The effect stage_overdue, which the timer of a time limit carries: emits <prefix>.overdue and
carries out on_time_limit, if the record is where it was. Internal.';

insert into core.effect_handlers (effect, handler, description, is_open) values
(
    'stage_overdue', 'core.effect_stage_overdue', 'Follows when a stage''s time limit is over.',
    false
);

-- Time in stage -----------------------------------------------------------------------------------

create function v1.time_in_stage(
    pipeline uuid, entered_from timestamptz default null, entered_before timestamptz default null
)
returns table (
    stage text,
    label text,
    kind text,
    stage_position integer,
    entered bigint,
    still_there bigint,
    "left" bigint,
    mean_s double precision,
    median_s double precision,
    p90_s double precision
)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    with stages as (
        select distinct on (known.stage)
            known.stage,
            known.label,
            known.kind,
            known.position
        from core.pipeline_stages as known
        inner join core.pipeline_versions as versions
            on versions.tenant_id = known.tenant_id and versions.id = known.pipeline_version_id
        where known.pipeline_id = time_in_stage.pipeline
        order by known.stage asc, versions.number desc
    ),
    periods as (
        select
            known.stage,
            known.left_at is null as is_open,
            extract(epoch from known.left_at - known.entered_at)::double precision as seconds
        from core.stage_periods as known
        where
            known.pipeline_id = time_in_stage.pipeline
            and (
                time_in_stage.entered_from is null
                or known.entered_at >= time_in_stage.entered_from
            )
            and (
                time_in_stage.entered_before is null
                or known.entered_at < time_in_stage.entered_before
            )
    )
    select
        stages.stage,
        stages.label,
        stages.kind,
        stages.position,
        count(periods.stage),
        count(*) filter (where periods.is_open),
        count(periods.seconds),
        avg(periods.seconds),
        percentile_cont(0.5) within group (order by periods.seconds),
        percentile_cont(0.9) within group (order by periods.seconds)
    from stages
    left join periods on periods.stage = stages.stage
    group by stages.stage, stages.label, stages.kind, stages.position
    order by stages.position, stages.stage;
end;

comment on function v1.time_in_stage(uuid, timestamptz, timestamptz) is
'How long records stayed in each stage of a pipeline, over all its versions, for those that you may
read: how many entered (from entered_from on, before entered_before), how many are still there, how
many left, and the mean, the median and the ninetieth percentile of the seconds that those took. A
record that comes back counts again. Needs core.pipelines.read. Signed-in users may call it.';

-- The API -----------------------------------------------------------------------------------------

create function v1.move(
    subject uuid,
    "to" text,
    expected_version integer,
    reason text default null,
    fields jsonb default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if expected_version is null then
        perform core.fail('pipeline.version_missing');
    end if;
    return coalesce(
        core.stored_answer(
            'move',
            jsonb_build_object(
                'subject', move.subject, 'to', move."to",
                'expected_version', move.expected_version, 'reason', move.reason,
                'fields', move.fields
            )
        ),
        core.store_answer(
            core.move(move.subject, move."to", move.expected_version, move.reason, move.fields)
        )
    );
end
$$;

comment on function v1.move(uuid, text, integer, text, jsonb) is
'Moves a record to another stage of its pipeline, with what follows, or not at all. subject: its id;
expected_version: the version that you read; fields: what is to be set with the move, columns by
name and custom fields as custom.name. Returns {object, id, version, from, stage, stage_kind,
stage_entered_at, pipeline_version, effects}, with the new version. Raises record.not_found (404),
tenancy.permission_missing (403), pipeline.version_conflict (409), pipeline.transition_missing,
pipeline.guard_failed, pipeline.fields_missing, pipeline.reason_required (422),
pipeline.permission_missing (403), with every reason in details.refusals, pipeline.stage_unknown,
effect.field_protected, effect.field_unknown (400), and what setting the fields raises. Needs
<object>.write on the record, and what the transition asks for. Signed-in users may call it.';

create function v1.move_many(
    subjects uuid[],
    "to" text,
    expected_versions integer[] default null,
    reason text default null,
    fields jsonb default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'move_many',
            jsonb_build_object(
                'subjects', move_many.subjects, 'to', move_many."to",
                'expected_versions', move_many.expected_versions, 'reason', move_many.reason,
                'fields', move_many.fields
            )
        ),
        core.store_answer(
            core.move_many(
                move_many.subjects, move_many."to", move_many.expected_versions,
                move_many.reason, move_many.fields
            )
        )
    );
end
$$;

comment on function v1.move_many(uuid[], text, integer[], text, jsonb) is
'Moves up to 1,000 records, each as v1.move does or not at all: one that is refused holds no other
up. expected_versions: one for each, or null for whatever they have. Returns {moved, refused,
outcomes: [{id, moved, …, error: {code, message, details}}]} in the order of the subjects. Raises
pipeline.subjects_invalid (400). Needs what v1.move needs. Signed-in users may call it.';

create function v1.allowed_moves(subject uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return core.allowed_moves(allowed_moves.subject);
end
$$;

comment on function v1.allowed_moves(uuid) is
'Where a record may move, and where not and why: {id, object, version, stage, stage_kind, moves:
[{to, to_label, kind, label, reason_required, allowed, refusals: [{code, message, …}]}]}. A reason
that a move will take is no refusal here; fields that a refusal names may be given with the move.
Raises record.not_found (404). Needs <object>.read on the record. Signed-in users may call it.';

revoke all on function
core.subject_of_pipeline(uuid, text),
core.pipeline_permissions_held(jsonb, uuid, core.objects, jsonb),
core.enter_stage(uuid, core.objects, jsonb, core.pipeline_stages, text, jsonb),
core.move(uuid, text, integer, text, jsonb),
core.move_many(uuid[], text, integer[], text, jsonb),
core.allowed_moves(uuid),
core.effect_stage_overdue(uuid, text, uuid, jsonb, jsonb),
v1.time_in_stage(uuid, timestamptz, timestamptz),
v1.move(uuid, text, integer, text, jsonb),
v1.move_many(uuid[], text, integer[], text, jsonb),
v1.allowed_moves(uuid)
from public;
grant execute on function
core.move(uuid, text, integer, text, jsonb),
core.move_many(uuid[], text, integer[], text, jsonb),
core.allowed_moves(uuid),
v1.time_in_stage(uuid, timestamptz, timestamptz),
v1.move(uuid, text, integer, text, jsonb),
v1.move_many(uuid[], text, integer[], text, jsonb),
v1.allowed_moves(uuid)
to authenticated, service_role;
