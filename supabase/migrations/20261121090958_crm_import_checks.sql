-- Imports: what is wrong with lines, before anything is written.
--
-- The promises of the table are asked for all lines of a step in one statement. The dry run asks
-- what the run will ask, and notes it.
--
-- The stage that a row names is where its record is to stand. A new record begins there where that
-- is a start; otherwise it begins where its pipeline starts, and is moved, as any record is moved.
-- Whether it may be is foreseen here, for the dry run to tell, and for the run to know which rows
-- are better written alone; the move itself has the last word.

set local lock_timeout = '5s';

create function crm.check_of_records(object text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    relation constant regclass := (core.object_named(object)).relation::regclass;
begin
    return (
        select
            'case ' || string_agg(
                format('when (%s) then %L', rule.broken, rule.name), ' ' order by rule.name
            ) || ' end'
        from (
            -- A record that is new lacks what has no default.
            select
                format('$2 = ''create'' and %I is null', attributes.attname) as broken,
                'missing ' || attributes.attname as name
            from pg_attribute as attributes
            where
                attributes.attrelid = relation
                and attributes.attnum > 0
                and not attributes.attisdropped
                and attributes.attnotnull
                and not attributes.atthasdef
                and attributes.attname <> 'id'
            union all
            select
                format('(%s) is false', pg_get_expr(constraints.conbin, relation)) as broken,
                constraints.conname::text as name
            from pg_constraint as constraints
            where
                constraints.conrelid = relation
                and constraints.contype = 'c'
                and not exists (
                    select from pg_attribute as attributes
                    where
                        attributes.attrelid = relation
                        and attributes.attnum = any(constraints.conkey)
                        and (attributes.attgenerated <> '' or attributes.attname = 'custom')
                )
        ) as rule
    );
end
$$;

comment on function crm.check_of_records(text) is
'An expression over the columns of an object''s table: the name of the first promise of the table
that a row breaks, null for none. $2: create or update. Internal.';

create function crm.check_lines(import crm.imports, lines crm.import_line[])
returns crm.import_line[]
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(import.object);
    broken jsonb;
begin
    execute format(
        'select coalesce(jsonb_object_agg(checked.row_number, checked.broken), ''{}'') from ('
        'select line.row_number, (select %s from jsonb_populate_record('
        'coalesce(case when line.action = ''update'' then (select record from %2$s as record '
        'where record.tenant_id = $3 and record.id = line.record_id) end, null::%2$s), '
        'line.content -> ''fields'') as record) as broken '
        'from unnest($1) as line where line.content -> ''errors'' = ''[]'') as checked '
        'where checked.broken is not null',
        replace(crm.check_of_records(import.object), '$2', 'line.action'),
        known.relation
    )
    into broken
    using lines, null, import.tenant_id;
    if broken = '{}' then
        return lines;
    end if;
    return array(
        select case
            when broken ? line.row_number::text
                then crm.line_with_refusal(import, line, broken ->> line.row_number::text)
            else line
        end
        from unnest(lines) as line
    );
end
$$;

comment on function crm.check_lines(crm.imports, crm.import_line[]) is
'The lines with the promises of the table that they would break, all of them at once. Internal.';

create function crm.line_with_refusal(import crm.imports, line crm.import_line, broken text)
returns crm.import_line
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    field constant text := substring(broken from '^missing (.*)$');
    relation constant regclass := (core.object_named(import.object)).relation::regclass;
    header text;
begin
    -- The column that fills a field of which the promise speaks.
    select min(element.value ->> 'header')
    into header
    from jsonb_array_elements(import.plan -> 'columns') as element
    where
        element.value ->> 'field' = field
        or element.value ->> 'field' in (
            select attributes.attname
            from pg_constraint as constraints
            inner join pg_attribute as attributes
                on
                    attributes.attrelid = relation
                    and attributes.attnum = any(constraints.conkey)
            where
                constraints.conrelid = relation
                and constraints.conname = broken
                and (
                    cardinality(constraints.conkey) = 1
                    or line.content -> 'fields' ? attributes.attname
                )
        );
    return crm.line_with_error(
        line, header,
        case when field is null then 'import.value_refused' else 'import.value_missing' end,
        jsonb_build_object('field', field, 'reason', replace(broken, '_', ' ') || ' – is not so')
    );
end
$$;

comment on function crm.line_with_refusal(crm.imports, crm.import_line, text) is
'The line with the error that a promise of the table is broken. Internal.';

-- Stages ------------------------------------------------------------------------------------------

create function crm.stage_target(
    import crm.imports, is_new boolean, held_version_id uuid, pipeline text, stage text
)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    by_slug core.pipeline_versions[];
    versions core.pipeline_versions[];
    by_name text[];
    stages text[];
    is_start boolean;
begin
    if pipeline is null and stage is null then
        return '{}';
    end if;
    select
        array_agg(candidates) filter (where pipelines.slug = lower(stage_target.pipeline)),
        array_agg(candidates)
    into by_slug, versions
    from core.pipelines
    inner join core.pipeline_versions as candidates
        on
            candidates.tenant_id = pipelines.tenant_id
            and candidates.pipeline_id = pipelines.id
    where
        pipelines.tenant_id = import.tenant_id
        and pipelines.object = import.object
        and case
            when is_new then candidates.status = 'published' and pipelines.archived_at is null
            else candidates.id = held_version_id
        end
        and case
            when stage_target.pipeline is null then not is_new or pipelines.is_default
            else
                pipelines.slug = lower(stage_target.pipeline)
                or lower(pipelines.name) = lower(stage_target.pipeline)
        end;
    versions := coalesce(by_slug, versions, '{}');
    if cardinality(versions) <> 1 then
        return jsonb_build_object(
            'wrong', case when pipeline is null then 'stage' else 'pipeline' end,
            'code', case
                when cardinality(versions) > 1 then 'import.lookup_ambiguous'
                when is_new or pipeline is null then 'pipeline.unknown'
                else 'import.pipeline_other'
            end,
            'details', jsonb_build_object('pipeline', pipeline)
        );
    end if;
    if stage is not null then
        select
            array_agg(known.stage) filter (where known.stage = lower(stage_target.stage)),
            array_agg(known.stage)
        into by_name, stages
        from core.pipeline_stages as known
        where
            known.tenant_id = import.tenant_id
            and known.pipeline_version_id = versions[1].id
            and (
                known.stage = lower(stage_target.stage)
                or lower(known.label) = lower(stage_target.stage)
            );
        stages := coalesce(by_name, stages, '{}');
        if cardinality(stages) <> 1 then
            return jsonb_build_object(
                'wrong', 'stage',
                'code', case
                    when cardinality(stages) > 1 then 'import.lookup_ambiguous'
                    else 'pipeline.stage_unknown'
                end,
                'details', jsonb_build_object('stage', stage)
            );
        end if;
        select known.is_start into strict is_start
        from core.pipeline_stages as known
        where
            known.tenant_id = import.tenant_id
            and known.pipeline_version_id = versions[1].id
            and known.stage = stages[1];
    end if;
    return jsonb_build_object(
        'version_id', versions[1].id,
        'pipeline_id', versions[1].pipeline_id,
        'begins', case when is_new and is_start then stages[1] end,
        'moves_to', case when not is_new or not is_start then stages[1] end
    );
end
$$;

comment on function crm.stage_target(crm.imports, boolean, uuid, text, text) is
'Where a record is to stand by what cells name, the pipeline by slug or name, the stage by its name
or label: {version_id, pipeline_id, begins, moves_to}, or {wrong, code, details} with the field that
is wrong. Of a record that is there, within the version that it is on. Internal.';

create function crm.resolve_stages(import crm.imports, lines crm.import_line[])
returns crm.import_line[]
language plpgsql stable set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    words constant text[] := '{stage,pipeline,stage_reason}';
    known constant core.objects := core.object_named(import.object);
    held jsonb;
    targets jsonb;
begin
    if
        not exists (
            select from core.pipeline_objects as attached where attached.object = import.object
        )
        or not (
            import.plan -> 'defaults' ?| words
            or exists (
                select from jsonb_array_elements(import.plan -> 'columns') as element
                where element.value ->> 'field' = any(words)
            )
        )
    then
        return lines;
    end if;
    execute format(
        'select coalesce(jsonb_object_agg(record.id, jsonb_build_object('
        '''version_id'', record.pipeline_version_id, ''stage'', record.stage)), ''{}'') '
        'from %s as record where record.tenant_id = $1 and record.id = any($2)',
        known.relation
    )
    into held
    using
        import.tenant_id,
        array(select line.record_id from unnest(lines) as line where line.action = 'update');
    -- Each place that is asked for is looked for once, however many rows name it.
    lines := array(
        select row(
            line.row_number,
            line.content || jsonb_build_object(
                'fields', (line.content -> 'fields') - words,
                'stage', jsonb_build_array(
                    line.action = 'create',
                    held -> line.record_id::text -> 'version_id',
                    given.cells -> 'pipeline',
                    given.cells -> 'stage'
                ),
                'reason', coalesce(
                    given.cells -> 'stage_reason', given.cells -> 'lost_reason'
                )
            ),
            line.key, line.record_id, line.action, line.before
        )::crm.import_line
        from unnest(lines) as line
        cross join lateral (
            select jsonb_strip_nulls(
                case when line.action = 'create' then import.plan -> 'defaults' else '{}' end
                || jsonb_strip_nulls(line.content -> 'fields')
            ) as cells
        ) as given
    );
    select
        jsonb_object_agg(
            asked.place::text,
            crm.stage_target(
                import, (asked.place -> 0)::boolean, (asked.place ->> 1)::uuid,
                asked.place ->> 2, asked.place ->> 3
            )
        )
    into targets
    from (select distinct line.content -> 'stage' as place from unnest(lines) as line) as asked;
    return array(
        select case
            when target ? 'wrong'
                then crm.line_with_error(
                    line, crm.header_of(import, target ->> 'wrong'), target ->> 'code',
                    target -> 'details'
                )
            else row(
                line.row_number,
                line.content || jsonb_build_object('stage', case
                    when target ->> 'moves_to' = held -> line.record_id::text ->> 'stage'
                        then target - 'moves_to'
                    else target
                end),
                line.key, line.record_id, line.action, line.before
            )::crm.import_line
        end
        from unnest(lines) as line
        cross join lateral (select targets -> (line.content ->> 'stage')) as aimed (target)
    );
end
$$;

comment on function crm.resolve_stages(crm.imports, crm.import_line[]) is
'The lines with where their records are to stand: stage, as crm.stage_target has it, and reason, why
they are moved there: what the cell says, or why it was lost. Internal.';

create function crm.foresee_moves(
    import crm.imports, lines crm.import_line[], reach crm.import_reach
)
returns crm.import_line[]
language plpgsql stable set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(import.object);
    refused jsonb;
begin
    execute format(
        'select coalesce(jsonb_object_agg(foreseen.row_number, foreseen.refusal), ''{}'') from ('
        'select line.row_number, case when started.answer ->> ''allowed'' = ''false'' '
        'then started.answer -> ''refusals'' -> 0 else decided.answer -> ''refusals'' -> 0 end '
        'as refusal from unnest($1) as line '
        'inner join core.pipeline_versions as versions on versions.tenant_id = $2 '
        'and versions.id = (line.content #>> ''{stage,version_id}'')::uuid '
        'left join %1$s as held on held.tenant_id = $2 and held.id = line.record_id '
        'and line.action = ''update'' '
        'cross join lateral (select to_jsonb(filled) || jsonb_build_object(''custom'', '
        'coalesce(filled.custom, ''{}'') || (line.content -> ''custom'')%2$s) '
        'from jsonb_populate_record(held, '
        'case when line.action = ''update'' then ''{}'' else $3 || $4 end '
        '|| (line.content -> ''fields'')) as filled) as would_be (record) '
        'left join lateral (select tenon.pipeline_start(versions.definition, '
        'line.content #>> ''{stage,begins}'', would_be.record)) as started (answer) '
        'on line.action = ''create'' '
        'left join lateral (select tenon.pipeline_decide(versions.definition, '
        'coalesce(started.answer ->> ''stage'', would_be.record ->> ''stage''), '
        'line.content #>> ''{stage,moves_to}'', would_be.record, '
        'core.pipeline_permissions_held(versions.definition, $2, $5, would_be.record), '
        'line.content ->> ''reason'', would_be.record, now())) as decided (answer) '
        'on line.content #>> ''{stage,moves_to}'' is not null '
        'where line.content -> ''errors'' = ''[]'') as foreseen '
        'where foreseen.refusal is not null',
        known.relation,
        (
            select string_agg(
                format(
                    ', %L, (%s)', attributes.attname,
                    pg_get_expr(generated.adbin, generated.adrelid)
                ),
                ''
            )
            from pg_attribute as attributes
            inner join pg_attrdef as generated
                on
                    generated.adrelid = attributes.attrelid
                    and generated.adnum = attributes.attnum
            where
                attributes.attrelid = known.relation::regclass and attributes.attgenerated <> ''
        )
    )
    into refused
    using
        lines, import.tenant_id,
        -- What every record has, as far as a condition may ask for it.
        jsonb_strip_nulls(jsonb_build_object(
            'tenant_id', import.tenant_id, 'version', 1, 'created_at', now(),
            'updated_at', now(), 'created_by', reach.caller_id, 'stage_entered_at', now(),
            known.owner_column,
            case when reach.all_records then reach.default_owner_id else reach.caller_id end
        )),
        import.plan -> 'defaults', known;
    if refused = '{}' then
        return lines;
    end if;
    return array(
        select case
            when refused ? line.row_number::text then row(
                line.row_number,
                line.content || jsonb_build_object(
                    'foreseen', refused -> line.row_number::text
                ),
                line.key, line.record_id, line.action, line.before
            )::crm.import_line
            else line
        end
        from unnest(lines) as line
    );
end
$$;

comment on function crm.foresee_moves(crm.imports, crm.import_line[], crm.import_reach) is
'The lines with what speaks against beginning and moving where they name a stage: foreseen, a
refusal. It asks of records as they would be, but for what only writing them finds out. Internal.';

create function crm.check_import_step(import crm.imports) returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    reach constant crm.import_reach := crm.reach_of_import(import);
    lines crm.import_line[];
    failed integer;
    good crm.import_line[];
begin
    lines := crm.prepare_lines(import, import.checked_row, reach, true);
    if cardinality(lines) > 0 then
        lines := crm.resolve_stages(import, crm.match_records(import, lines, reach));
        lines := crm.foresee_moves(import, crm.check_lines(import, lines), reach);
        lines := array(
            select case
                when line.content ? 'foreseen'
                    then crm.line_with_error(
                        line, crm.header_of(import, 'stage'),
                        line.content #>> '{foreseen,code}', line.content -> 'foreseen'
                    )
                else line
            end
            from unnest(lines) as line
        );
        failed := crm.note_errors(import, 'check', lines);
        good := crm.without_errors(lines);
        import.checked_row := lines[cardinality(lines)].row_number;
        import.check_report := import.check_report || jsonb_build_object(
            'rows', (import.check_report ->> 'rows')::integer + cardinality(lines),
            'failed', (import.check_report ->> 'failed')::integer + failed,
            'create', (import.check_report ->> 'create')::integer + (
                select count(*) from unnest(good) as line where line.action = 'create'
            ),
            'update', (import.check_report ->> 'update')::integer + (
                select count(*) from unnest(good) as line where line.action = 'update'
            )
        );
    end if;
    if cardinality(lines) < crm.import_step_rows() then
        import.check_status := 'done';
    end if;
    update crm.imports
    set
        checked_row = import.checked_row,
        check_report = import.check_report,
        check_status = import.check_status
    where imports.tenant_id = import.tenant_id and imports.id = import.id;
    return import;
end
$$;

comment on function crm.check_import_step(crm.imports) is
'Looks at the next rows of an import, and writes nothing but what it found. Internal.';

create function crm.check_import(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    import crm.imports := crm.import_to_manage(check_import.id);
    key_column integer;
    duplicates bigint;
begin
    perform crm.refuse_import_status(import, '{open}');
    import := crm.complete_import(import);
    delete from crm.import_errors as errors
    where
        errors.tenant_id = import.tenant_id
        and errors.import_id = import.id
        and errors.phase = 'check';
    select (element.value -> 'column')::integer into key_column
    from jsonb_array_elements(import.plan -> 'columns') as element
    where element.value ->> 'field' = import.key;
    select coalesce(sum(counted.rows - 1), 0) into duplicates
    from (
        select count(*) as rows
        from crm.import_rows as rows
        where
            rows.tenant_id = import.tenant_id
            and rows.import_id = import.id
            and key_column is not null
            and btrim(rows.cells ->> key_column) <> ''
        group by lower(btrim(rows.cells ->> key_column))
        having count(*) > 1
    ) as counted;
    update crm.imports
    set
        check_status = 'running',
        checked_row = 0,
        check_report = jsonb_build_object(
            'rows', 0, 'create', 0, 'update', 0, 'failed', 0, 'duplicates', duplicates
        )
    where imports.tenant_id = import.tenant_id and imports.id = import.id
    returning * into import;
    import := crm.check_import_step(import);
    if import.check_status = 'running' then
        perform core.enqueue_job(
            import.tenant_id, 'crm.check_import',
            jsonb_build_object('import_id', import.id), import.id::text
        );
    end if;
    return import.check_report || jsonb_build_object(
        'id', import.id,
        'status', import.check_status,
        'errors', coalesce((
            select jsonb_agg(to_jsonb(problem))
            from (
                select
                    errors.row_number as row,
                    errors.column_name as column,
                    errors.code,
                    errors.explanation as message
                from crm.import_errors as errors
                where
                    errors.tenant_id = import.tenant_id
                    and errors.import_id = import.id
                    and errors.phase = 'check'
                order by errors.row_number, errors.place
                limit 20
            ) as problem
        ), '[]'),
        'sample', coalesce((
            select jsonb_agg(
                tenon.import_row(first_rows.cells, import.plan)
                || jsonb_build_object('row', first_rows.row_number)
            )
            from (
                select
                    rows.cells,
                    rows.row_number
                from crm.import_rows as rows
                where rows.tenant_id = import.tenant_id and rows.import_id = import.id
                order by rows.row_number
                limit 5
            ) as first_rows
        ), '[]')
    );
end
$$;

comment on function crm.check_import(uuid) is
'What v1.check_import does. Definer, because it writes crm.import_errors. Signed-in users may call
it.';

create function v1.check_import(import_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer('check_import', jsonb_build_object('import_id', check_import.import_id)),
        core.store_answer(crm.check_import(check_import.import_id))
    );
end
$$;

comment on function v1.check_import(uuid) is
'The dry run: {rows, create, update, failed, duplicates, errors, sample, status}. It looks at the
first 2000 rows at once; where status is running, a job looks at the others, and check_report of
v1.imports counts on. All errors are in v1.import_errors. Writes no record. Needs crm.imports.manage
and the object''s write. Raises import.unknown (404), import.status_conflict (409),
import.header_missing, import.mapping_missing, import.key_missing (422), import.mapping_invalid
(400). May be repeated with an Idempotency-Key.';

revoke all on function
crm.check_of_records(text),
crm.check_lines(crm.imports, crm.import_line[]),
crm.stage_target(crm.imports, boolean, uuid, text, text),
crm.resolve_stages(crm.imports, crm.import_line[]),
crm.foresee_moves(crm.imports, crm.import_line[], crm.import_reach),
crm.line_with_refusal(crm.imports, crm.import_line, text),
crm.check_import_step(crm.imports),
crm.check_import(uuid),
v1.check_import(uuid)
from public;
grant execute on function
crm.check_import(uuid),
v1.check_import(uuid)
to authenticated, service_role;
