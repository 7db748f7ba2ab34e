-- Drafts, publication, and the migration of records from version to version.
--
-- A draft may be unfinished: saving one tells all that is still wrong with it. Publishing refuses
-- it until nothing is, so that no record ever stands in a stage without a way out. Records stay on
-- the version that they began with; to bring them over is a step of its own, which says before it
-- does anything what would become of them.

set local lock_timeout = '5s';

insert into core.errors (code, status, message, hint) values
(
    'pipeline.slug_invalid', 400,
    'A pipeline has a name of 1 to 200 characters and a slug such as new_business.',
    'Use lower case letters, digits and underscores, a letter first, 63 at most.'
),
(
    'pipeline.invalid', 422, 'The draft cannot be published: {count} things are wrong with it.',
    'Details list them, each with its place as a JSON pointer.'
),
(
    'pipeline.draft_missing', 409, 'The pipeline has no draft with the number {number}.',
    'Save a draft, or read its number again in v1.pipeline_versions.'
),
(
    'pipeline.malformed', 400, 'A definition is not built as it should be.',
    'Details name the place as a JSON pointer.'
),
(
    'pipeline.too_large', 413,
    'A definition has at most 50 stages, 500 transitions and 65,536 bytes.',
    'Split the pipeline.'
),
(
    'pipeline.stage_twice', 400, 'Two stages of a pipeline have one name.', 'Rename one of them.'
),
(
    'pipeline.transition_twice', 400, 'Two transitions lead from one stage to the same other one.',
    'Join them, with any of their conditions.'
),
(
    'pipeline.transition_to_itself', 400, 'A transition leads from a stage to itself.',
    'Leave it out: nothing would move.'
),
(
    'pipeline.probability_invalid', 400,
    'A probability is a whole number from 0 to 100, which is 100 where won and 0 where lost.',
    'Leave it out where won or lost.'
),
(
    'pipeline.time_limit_missing', 400, 'A stage has effects for a time limit that it lacks.',
    'Give it a time_limit_s.'
),
(
    'pipeline.start_missing', 400, 'No stage of the pipeline is a start.',
    'Set start on the stages that records may begin in.'
),
(
    'pipeline.end_missing', 400, 'No stage of the pipeline is won, lost or terminal.',
    'Give it an end.'
),
(
    'pipeline.stage_unreachable', 400, 'No way leads to a stage from a start.',
    'Add a transition, or make it a start.'
),
(
    'pipeline.end_unreachable', 400, 'No way leads from a stage to an end.',
    'Add a transition.'
),
(
    'pipeline.field_unknown', 400, 'A stage asks for a field that the records do not have.',
    'Compare the names with v1.object_fields; custom fields are named custom.name.'
),
(
    'pipeline.permission_unknown', 400, 'There is no permission {permission}.',
    'Compare the name with core.permissions.'
),
(
    'pipeline.mapping_invalid', 400, 'A mapping names stages that are not there.',
    'Map stages of the version that is left to stages of the one that is published.'
),
(
    'pipeline.mapping_incomplete', 409, '{count} records have no place in the published version.',
    'Map the stages that details list; a dry run says which.'
);

create function core.pipeline_of(id uuid, permission text) returns core.pipelines
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    pipeline core.pipelines;
begin
    select pipelines.* into pipeline
    from core.pipelines
    where
        pipelines.id = pipeline_of.id
        and (
            pipelines.tenant_id = any(core.tenants_with(pipeline_of.permission))
            or (core.caller()).kind = 'system'
        )
    for no key update;
    if not found then
        perform core.fail('pipeline.unknown');
    end if;
    return pipeline;
end
$$;

comment on function core.pipeline_of(uuid, text) is
'The pipeline, locked, in whose tenant the caller holds the permission. Raises pipeline.unknown
(404). Internal.';

create function core.definition_problems(tenant_id uuid, object text, definition jsonb)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    problems jsonb := tenon.pipeline_problems(definition, core.fields_of(object, tenant_id));
begin
    -- What only the database knows is asked of what is built as it should be.
    if problems = '[]' then
        select coalesce(jsonb_agg(found_problem.problem order by found_problem.path), '[]')
        into problems
        from (
            select
                effects.path,
                told.problem || jsonb_build_object('path', effects.path) as problem
            from tenon.pipeline_effects(definition) as effects
            cross join lateral (
                select core.effect_problem(tenant_id, object, effects.effect) as problem
            ) as told
            where told.problem is not null
            union all
            select
                '/transitions',
                jsonb_build_object(
                    'code', 'pipeline.permission_unknown',
                    'path', '/transitions',
                    'problem', format('there is no permission %s', named.permission)
                )
            from unnest(tenon.pipeline_permissions(definition)) as named (permission)
            where not exists (
                select from core.permissions where permissions.permission = named.permission
            )
        ) as found_problem;
    end if;
    return problems;
end
$$;

comment on function core.definition_problems(uuid, text, jsonb) is
'All that is wrong with a definition for records of the object: [{"code", "path", "problem"}].
Internal.';

create function core.put_pipeline(
    tenant_id uuid, object text, slug text, name text, definition jsonb
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    pipeline core.pipelines;
    draft core.pipeline_versions;
begin
    if not exists (
        select from core.pipeline_objects as attached where attached.object = put_pipeline.object
    ) then
        perform core.fail(
            'pipeline.object_unknown', jsonb_build_object('object', put_pipeline.object)
        );
    elsif
        (put_pipeline.slug ~ '^[a-z][a-z0-9_]{0,62}$') is not true
        or (char_length(put_pipeline.name) between 1 and 200) is not true
    then
        perform core.fail('pipeline.slug_invalid');
    elsif octet_length(put_pipeline.definition::text) > 65536 then
        perform core.fail('pipeline.too_large');
    elsif jsonb_typeof(put_pipeline.definition) is distinct from 'object' then
        perform core.fail('pipeline.malformed');
    end if;
    insert into core.pipelines as known (tenant_id, object, slug, name)
    values (put_pipeline.tenant_id, put_pipeline.object, put_pipeline.slug, put_pipeline.name)
    on conflict on constraint pipeline_slug_is_unique do update set name = excluded.name
    returning known.* into pipeline;
    update core.pipeline_versions as versions
    set definition = put_pipeline.definition
    where
        versions.tenant_id = pipeline.tenant_id
        and versions.pipeline_id = pipeline.id
        and versions.status = 'draft'
    returning versions.* into draft;
    if draft.id is null then
        insert into core.pipeline_versions as versions (
            tenant_id, pipeline_id, number, definition
        )
        select
            pipeline.tenant_id,
            pipeline.id,
            coalesce(max(earlier.number), 0) + 1,
            put_pipeline.definition
        from core.pipeline_versions as earlier
        where earlier.tenant_id = pipeline.tenant_id and earlier.pipeline_id = pipeline.id
        returning versions.* into draft;
    end if;
    return jsonb_build_object(
        'id', pipeline.id,
        'tenant_id', pipeline.tenant_id,
        'object', pipeline.object,
        'slug', pipeline.slug,
        'name', pipeline.name,
        'draft', draft.number,
        'problems', core.definition_problems(
            pipeline.tenant_id, pipeline.object, draft.definition
        )
    );
end
$$;

comment on function core.put_pipeline(uuid, text, text, text, jsonb) is
'Makes a pipeline of a tenant or finds it by its slug, and makes this definition its draft. Returns
what v1.save_pipeline does. Raises as that does. For packs that give tenants their first pipelines.
Internal.';

create function core.release_pipeline(pipeline core.pipelines, number integer) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    draft core.pipeline_versions;
    problems jsonb;
    becomes_default boolean;
begin
    select versions.* into draft
    from core.pipeline_versions as versions
    where
        versions.tenant_id = pipeline.tenant_id
        and versions.pipeline_id = pipeline.id
        and versions.status = 'draft'
        and versions.number = release_pipeline.number
    for update;
    if not found then
        perform core.fail(
            'pipeline.draft_missing', jsonb_build_object('number', release_pipeline.number)
        );
    end if;
    problems := core.definition_problems(pipeline.tenant_id, pipeline.object, draft.definition);
    if problems <> '[]' then
        perform core.fail(
            'pipeline.invalid',
            jsonb_build_object('count', jsonb_array_length(problems), 'problems', problems)
        );
    end if;
    insert into core.pipeline_stages (
        tenant_id, pipeline_id, pipeline_version_id, stage, position, label, kind, probability,
        time_limit_s, required, is_start, on_enter, on_time_limit
    )
    select
        pipeline.tenant_id,
        pipeline.id,
        draft.id,
        stages.stage,
        stages.position,
        stages.label,
        stages.kind,
        stages.probability,
        stages.time_limit_s,
        stages.required,
        stages.is_start,
        draft.definition -> 'stages' -> (stages.position - 1) -> 'on_enter',
        draft.definition -> 'stages' -> (stages.position - 1) -> 'on_time_limit'
    from tenon.pipeline_stages(draft.definition) as stages;
    update core.pipeline_versions as versions
    set status = 'retired'
    where
        versions.tenant_id = pipeline.tenant_id
        and versions.pipeline_id = pipeline.id
        and versions.status = 'published';
    update core.pipeline_versions as versions
    set status = 'published', published_at = now(), published_by = core.caller_id()
    where versions.tenant_id = pipeline.tenant_id and versions.id = draft.id;
    -- The first pipeline of an object is where records begin.
    update core.pipelines
    set is_default = true
    where
        pipelines.tenant_id = pipeline.tenant_id
        and pipelines.id = pipeline.id
        and pipelines.archived_at is null
        and not exists (
            select from core.pipelines as other
            where
                other.tenant_id = pipeline.tenant_id
                and other.object = pipeline.object
                and other.is_default
        );
    becomes_default := found;
    perform core.emit(
        pipeline.tenant_id, 'core.pipeline.published', 'pipeline', pipeline.id,
        jsonb_build_object(
            'object', pipeline.object, 'slug', pipeline.slug, 'number', draft.number
        )
    );
    return jsonb_build_object(
        'id', pipeline.id, 'tenant_id', pipeline.tenant_id, 'object', pipeline.object,
        'slug', pipeline.slug, 'published', draft.number, 'version_id', draft.id,
        'is_default', pipeline.is_default or becomes_default
    );
end
$$;

comment on function core.release_pipeline(core.pipelines, integer) is
'Publishes the draft with this number of a pipeline that is locked. Raises as v1.publish_pipeline
does. For packs that give tenants their first pipelines. Internal.';

insert into core.event_types (type, description, permission) values
(
    'core.pipeline.published',
    'A version of a pipeline was published. object; slug; number: of the version.',
    'core.pipelines.read'
),
(
    'core.pipeline.migrated',
    'Records were brought to the published version of a pipeline. count; number: of the version.',
    'core.pipelines.read'
);

create function core.save_pipeline(object text, slug text, name text, definition jsonb)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return core.put_pipeline(
        core.sole_tenant_with('core.pipelines.manage'), save_pipeline.object, save_pipeline.slug,
        save_pipeline.name, save_pipeline.definition
    );
end
$$;

comment on function core.save_pipeline(text, text, text, jsonb) is
'What v1.save_pipeline does. Definer, because it writes core.pipelines. Signed-in users may call
it.';

create function core.check_pipeline(object text, definition jsonb) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.pipelines.read');
    problems jsonb;
begin
    if octet_length(definition::text) > 65536 then
        perform core.fail('pipeline.too_large');
    end if;
    problems := core.definition_problems(
        owner_id, check_pipeline.object, coalesce(check_pipeline.definition, 'null')
    );
    return jsonb_build_object('valid', problems = '[]', 'problems', problems);
end
$$;

comment on function core.check_pipeline(text, jsonb) is
'What v1.check_pipeline does. Definer, because it reads the fields of the tenant. Signed-in users
may call it.';

create function core.publish_pipeline(pipeline uuid, number integer) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return core.release_pipeline(
        core.pipeline_of(publish_pipeline.pipeline, 'core.pipelines.manage'),
        publish_pipeline.number
    );
end
$$;

comment on function core.publish_pipeline(uuid, integer) is
'What v1.publish_pipeline does. Definer, because it writes core.pipeline_versions. Signed-in users
may call it.';

create function core.set_default_pipeline(pipeline uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    chosen core.pipelines := core.pipeline_of(
        set_default_pipeline.pipeline, 'core.pipelines.manage'
    );
begin
    if chosen.archived_at is not null or not exists (
        select from core.pipeline_versions as versions
        where
            versions.tenant_id = chosen.tenant_id
            and versions.pipeline_id = chosen.id
            and versions.status = 'published'
    ) then
        perform core.fail('pipeline.unknown');
    end if;
    update core.pipelines
    set is_default = false
    where
        pipelines.tenant_id = chosen.tenant_id
        and pipelines.object = chosen.object
        and pipelines.is_default
        and pipelines.id <> chosen.id;
    update core.pipelines
    set is_default = true
    where pipelines.tenant_id = chosen.tenant_id and pipelines.id = chosen.id;
    return jsonb_build_object(
        'id', chosen.id, 'object', chosen.object, 'slug', chosen.slug, 'is_default', true
    );
end
$$;

comment on function core.set_default_pipeline(uuid) is
'What v1.set_default_pipeline does. Definer, because it writes core.pipelines. Signed-in users may
call it.';

create function core.archive_pipeline(pipeline uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    chosen core.pipelines := core.pipeline_of(
        archive_pipeline.pipeline, 'core.pipelines.manage'
    );
begin
    update core.pipelines
    set archived_at = coalesce(pipelines.archived_at, now()), is_default = false
    where pipelines.tenant_id = chosen.tenant_id and pipelines.id = chosen.id
    returning pipelines.* into chosen;
    return jsonb_build_object(
        'id', chosen.id, 'object', chosen.object, 'slug', chosen.slug,
        'archived_at', chosen.archived_at
    );
end
$$;

comment on function core.archive_pipeline(uuid) is
'What v1.archive_pipeline does. Definer, because it writes core.pipelines. Signed-in users may call
it.';

-- Migration ---------------------------------------------------------------------------------------

create function core.pipeline_places(
    pipeline core.pipelines,
    target core.pipeline_versions,
    mapping jsonb,
    out version_id uuid,
    out number integer,
    out stage text,
    out to_stage text,
    out records bigint
)
returns setof record
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    relation constant text := (core.object_named(pipeline.object)).relation;
    left_stages constant text[] := array(
        select distinct stages.stage
        from core.pipeline_stages as stages
        where
            stages.tenant_id = pipeline.tenant_id
            and stages.pipeline_id = pipeline.id
            and stages.pipeline_version_id <> target.id
        order by stages.stage
    );
begin
    return query execute format(
        'select versions.id, versions.number, counted.stage, mapped.to_stage, counted.records '
        'from (select record.pipeline_version_id, record.stage, count(*) as records '
        'from %s as record '
        'where record.tenant_id = $1 and record.pipeline_version_id in (select id from '
        'core.pipeline_versions where tenant_id = $1 and pipeline_id = $2 and id <> $3) '
        'group by record.pipeline_version_id, record.stage) as counted '
        'inner join core.pipeline_versions as versions on versions.tenant_id = $1 '
        'and versions.id = counted.pipeline_version_id '
        'inner join tenon.pipeline_mapping($4, $5, $6) as mapped on mapped.stage = counted.stage '
        'order by versions.number, counted.stage',
        relation
    )
    using
        pipeline.tenant_id, pipeline.id, target.id, left_stages, target.definition,
        coalesce(pipeline_places.mapping, '{}');
end
$$;

comment on function core.pipeline_places(core.pipelines, core.pipeline_versions, jsonb) is
'How many records are on versions other than the published one, by version and stage, and to which
stage each goes; null for none. Raises pipeline.mapping_invalid (400). Internal.';

create function core.migrate_pipeline(
    pipeline uuid, mapping jsonb, dry_run boolean, max_count integer
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    chosen constant core.pipelines := core.pipeline_of(
        migrate_pipeline.pipeline, 'core.pipelines.manage'
    );
    known constant core.objects := core.object_named(chosen.object);
    target core.pipeline_versions;
    places jsonb;
    homeless bigint;
    held jsonb;
    to_stage text;
    stage core.pipeline_stages;
    migrated integer := 0;
begin
    select versions.* into target
    from core.pipeline_versions as versions
    where
        versions.tenant_id = chosen.tenant_id
        and versions.pipeline_id = chosen.id
        and versions.status = 'published';
    if not found then
        perform core.fail('pipeline.unknown');
    end if;
    select
        coalesce(
            jsonb_agg(jsonb_build_object(
                'from_version', found_place.number, 'stage', found_place.stage,
                'to', found_place.to_stage, 'records', found_place.records
            )),
            '[]'
        ),
        coalesce(sum(found_place.records) filter (where found_place.to_stage is null), 0)
    into places, homeless
    from core.pipeline_places(chosen, target, migrate_pipeline.mapping) as found_place;

    if not dry_run then
        if homeless > 0 then
            perform core.fail(
                'pipeline.mapping_incomplete',
                jsonb_build_object(
                    'count', homeless,
                    'stages', jsonb_path_query_array(places, '$[*] ? (@.to == null)')
                )
            );
        end if;
        for held, to_stage in
            execute format(
                'select to_jsonb(record), found_place.to_stage from %s as record '
                'inner join core.pipeline_places($1, $2, $3) as found_place '
                'on found_place.version_id = record.pipeline_version_id '
                'and found_place.stage = record.stage '
                'where record.tenant_id = $4 order by record.id limit $5 '
                'for no key update of record',
                known.relation
            )
            using
                chosen, target, migrate_pipeline.mapping, chosen.tenant_id,
                least(greatest(coalesce(migrate_pipeline.max_count, 1000), 1), 10000)
        loop
            select stages.* into strict stage
            from core.pipeline_stages as stages
            where
                stages.tenant_id = chosen.tenant_id
                and stages.pipeline_version_id = target.id
                and stages.stage = to_stage;
            perform core.change_version(chosen.tenant_id, known, held, stage);
            migrated := migrated + 1;
        end loop;
        if migrated > 0 then
            perform core.emit(
                chosen.tenant_id, 'core.pipeline.migrated', 'pipeline', chosen.id,
                jsonb_build_object('count', migrated, 'number', target.number)
            );
        end if;
    end if;
    return jsonb_build_object(
        'id', chosen.id,
        'to_version', target.number,
        'dry_run', dry_run,
        'stages', places,
        'without_place', homeless,
        'migrated', migrated,
        'left', (
            select coalesce(sum((place ->> 'records')::bigint), 0)
            from jsonb_array_elements(places) as place
        ) - migrated
    );
end
$$;

comment on function core.migrate_pipeline(uuid, jsonb, boolean, integer) is
'What v1.migrate_pipeline does. Definer, because it writes history. Signed-in users may call it.';

create function core.change_version(
    tenant_id uuid, known core.objects, record jsonb, stage core.pipeline_stages
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    subject_id constant uuid := record ->> 'id';
    entered_at constant timestamptz := record ->> 'stage_entered_at';
begin
    if stage.stage <> record ->> 'stage' then
        perform core.enter_stage(
            change_version.tenant_id, known, record, stage, 'The pipeline was changed.'
        );
        return;
    end if;
    -- The same stage of another version: the record has not moved, and the period goes on.
    update core.stage_periods as periods
    set pipeline_version_id = stage.pipeline_version_id
    where
        periods.tenant_id = change_version.tenant_id
        and periods.record_id = subject_id
        and periods.object = known.object
        and periods.left_at is null;
    execute format(
        'update %s set pipeline_version_id = $3, stage_kind = $4 where tenant_id = $1 and id = $2',
        known.relation
    )
    using change_version.tenant_id, subject_id, stage.pipeline_version_id, stage.kind;
    if stage.time_limit_s is not null then
        perform core.start_time_limit(
            change_version.tenant_id, known.object, subject_id, stage, entered_at
        );
    else
        perform core.cancel_timer(
            change_version.tenant_id, known.object, subject_id, 'pipeline stage_time_limit'
        );
    end if;
end
$$;

comment on function core.change_version(uuid, core.objects, jsonb, core.pipeline_stages) is
'Brings a record that is locked to a stage of another version of its pipeline. Guards are not asked
and effects do not follow: it is the pipeline that moved. Internal.';

create function core.pipeline_diagram(pipeline uuid, number integer) returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    definition jsonb;
begin
    select versions.definition into definition
    from core.pipeline_versions as versions
    where
        versions.pipeline_id = pipeline_diagram.pipeline
        and versions.tenant_id = any(core.tenants_with('core.pipelines.read'))
        and case
            when pipeline_diagram.number is null then versions.status <> 'retired'
            else versions.number = pipeline_diagram.number
        end
    order by versions.status desc
    limit 1;
    if not found then
        perform core.fail('pipeline.unknown');
    end if;
    return tenon.pipeline_diagram(definition);
end
$$;

comment on function core.pipeline_diagram(uuid, integer) is
'What v1.pipeline_diagram does. Definer, so that an unknown pipeline and one of others answer alike.
Signed-in users may call it.';

-- The API -----------------------------------------------------------------------------------------

create function v1.save_pipeline(object text, slug text, name text, definition jsonb)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'save_pipeline',
            jsonb_build_object(
                'object', save_pipeline.object, 'slug', save_pipeline.slug,
                'name', save_pipeline.name, 'definition', save_pipeline.definition
            )
        ),
        core.store_answer(
            core.save_pipeline(
                save_pipeline.object, save_pipeline.slug, save_pipeline.name,
                save_pipeline.definition
            )
        )
    );
end
$$;

comment on function v1.save_pipeline(text, text, text, jsonb) is
'Makes a pipeline, or finds it by object and slug, and saves the definition as its draft, finished
or not. Returns {id, tenant_id, object, slug, name, draft, problems}: the number of the draft, and
all that is wrong with it as v1.check_pipeline says it. Raises pipeline.object_unknown,
pipeline.slug_invalid, pipeline.malformed (400), pipeline.too_large (413). Needs
core.pipelines.manage. Signed-in users may call it.';

create function v1.check_pipeline(object text, definition jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return core.check_pipeline(check_pipeline.object, check_pipeline.definition);
end
$$;

comment on function v1.check_pipeline(text, jsonb) is
'All that keeps a definition from being published: {valid, problems: [{code, path, problem}]}, path
being a JSON pointer. Raises record.object_unknown (400), pipeline.too_large (413). Needs
core.pipelines.read. Signed-in users may call it.';

create function v1.publish_pipeline(pipeline uuid, number integer) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'publish_pipeline',
            jsonb_build_object(
                'pipeline', publish_pipeline.pipeline, 'number', publish_pipeline.number
            )
        ),
        core.store_answer(
            core.publish_pipeline(publish_pipeline.pipeline, publish_pipeline.number)
        )
    );
end
$$;

comment on function v1.publish_pipeline(uuid, integer) is
'Publishes the draft with this number: records begin with it from now on, those on earlier versions
stay there, and it never changes again. The first pipeline of an object becomes the default one.
Returns {id, tenant_id, object, slug, published, version_id, is_default}. Raises pipeline.unknown
(404), pipeline.draft_missing (409), pipeline.invalid (422) with all problems in the details. Needs
core.pipelines.manage. Signed-in users may call it.';

create function v1.set_default_pipeline(pipeline uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'set_default_pipeline',
            jsonb_build_object('pipeline', set_default_pipeline.pipeline)
        ),
        core.store_answer(core.set_default_pipeline(set_default_pipeline.pipeline))
    );
end
$$;

comment on function v1.set_default_pipeline(uuid) is
'Has records begin in this pipeline that name none. Returns {id, object, slug, is_default}. Raises
pipeline.unknown (404), also for one that is archived or was never published. Needs
core.pipelines.manage. Signed-in users may call it.';

create function v1.archive_pipeline(pipeline uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'archive_pipeline', jsonb_build_object('pipeline', archive_pipeline.pipeline)
        ),
        core.store_answer(core.archive_pipeline(archive_pipeline.pipeline))
    );
end
$$;

comment on function v1.archive_pipeline(uuid) is
'Lets no record begin in the pipeline any more; those that are there go on. Returns {id, object,
slug, archived_at}. Raises pipeline.unknown (404). Needs core.pipelines.manage. Signed-in users may
call it.';

create function v1.migrate_pipeline(
    pipeline uuid,
    mapping jsonb default '{}',
    dry_run boolean default true,
    max_count integer default 1000
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'migrate_pipeline',
            jsonb_build_object(
                'pipeline', migrate_pipeline.pipeline, 'mapping', migrate_pipeline.mapping,
                'dry_run', migrate_pipeline.dry_run, 'max_count', migrate_pipeline.max_count
            )
        ),
        core.store_answer(
            core.migrate_pipeline(
                migrate_pipeline.pipeline, migrate_pipeline.mapping,
                coalesce(migrate_pipeline.dry_run, true), migrate_pipeline.max_count
            )
        )
    );
end
$$;

comment on function v1.migrate_pipeline(uuid, jsonb, boolean, integer) is
'Brings records that are on earlier versions of a pipeline to the published one, max_count (10,000
at most) in one call. mapping: {"old stage": "new stage"}; a stage that is not named goes to the one
of its name. With dry_run nothing happens. Returns {id, to_version, dry_run, stages: [{from_version,
stage, to, records}], without_place, migrated, left}: call again while left is more than 0. Guards
are not asked, and effects do not follow. Raises pipeline.unknown (404), pipeline.mapping_invalid
(400), pipeline.mapping_incomplete (409). Needs core.pipelines.manage. Signed-in users may call
it.';

create function v1.pipeline_diagram(pipeline uuid, number integer default null) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return core.pipeline_diagram(pipeline_diagram.pipeline, pipeline_diagram.number);
end
$$;

comment on function v1.pipeline_diagram(uuid, integer) is
'A pipeline as the text of a Mermaid diagram (stateDiagram-v2). number: of the version; without one
the published version, or the draft of what was never published. Raises pipeline.unknown (404), and
what is wrong with a draft that cannot be drawn. Needs core.pipelines.read. Signed-in users may call
it.';

revoke all on function
core.pipeline_of(uuid, text),
core.definition_problems(uuid, text, jsonb),
core.put_pipeline(uuid, text, text, text, jsonb),
core.release_pipeline(core.pipelines, integer),
core.save_pipeline(text, text, text, jsonb),
core.check_pipeline(text, jsonb),
core.publish_pipeline(uuid, integer),
core.set_default_pipeline(uuid),
core.archive_pipeline(uuid),
core.pipeline_places(core.pipelines, core.pipeline_versions, jsonb),
core.migrate_pipeline(uuid, jsonb, boolean, integer),
core.change_version(uuid, core.objects, jsonb, core.pipeline_stages),
core.pipeline_diagram(uuid, integer),
v1.save_pipeline(text, text, text, jsonb),
v1.check_pipeline(text, jsonb),
v1.publish_pipeline(uuid, integer),
v1.set_default_pipeline(uuid),
v1.archive_pipeline(uuid),
v1.migrate_pipeline(uuid, jsonb, boolean, integer),
v1.pipeline_diagram(uuid, integer)
from public;
grant execute on function
core.save_pipeline(text, text, text, jsonb),
core.check_pipeline(text, jsonb),
core.publish_pipeline(uuid, integer),
core.set_default_pipeline(uuid),
core.archive_pipeline(uuid),
core.migrate_pipeline(uuid, jsonb, boolean, integer),
core.pipeline_diagram(uuid, integer),
v1.save_pipeline(text, text, text, jsonb),
v1.check_pipeline(text, jsonb),
v1.publish_pipeline(uuid, integer),
v1.set_default_pipeline(uuid),
v1.archive_pipeline(uuid),
v1.migrate_pipeline(uuid, jsonb, boolean, integer),
v1.pipeline_diagram(uuid, integer)
to authenticated, service_role;
