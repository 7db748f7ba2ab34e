-- Imports: the job that runs them, and takes them back.
--
-- A step is a transaction, acts as who started the import, and says how far it is. What was written
-- is taken back where nobody has changed it since.

set local lock_timeout = '5s';

create function crm.run_import_step(import crm.imports, reach crm.import_reach)
returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    lines crm.import_line[];
    wave crm.import_line[];
    written crm.import_line[];
    good crm.import_line[];
    turn integer := 0;
begin
    lines := crm.prepare_lines(import, import.done_row, reach, false);
    -- Rows of one key follow each other: the second finds what the first has made.
    while cardinality(lines) > 0 loop
        turn := turn + 1;
        wave := array(
            select line
            from (
                select
                    line,
                    row_number() over (
                        partition by coalesce(line.key, line.record_id::text)
                        order by line.row_number
                    ) as place
                from unnest(lines) as line
            ) as ordered
            where ordered.place = turn
            order by (ordered.line).row_number
        );
        exit when cardinality(wave) = 0;
        wave := crm.resolve_stages(import, crm.match_records(import, wave, reach));
        wave := crm.foresee_moves(import, crm.check_lines(import, wave), reach);
        good := crm.without_errors(wave);
        written := crm.write_lines(import, good, reach);
        import.failed_count := import.failed_count
            + crm.note_errors(
                import, 'run',
                array(select line from unnest(wave) as line where line.content -> 'errors' <> '[]')
                || array(
                    select line from unnest(written) as line where line.content -> 'errors' <> '[]'
                )
            );
        good := crm.without_errors(written);
        import.created_count := import.created_count + (
            select count(*) from unnest(good) as line where line.action = 'create'
        );
        import.updated_count := import.updated_count + (
            select count(*) from unnest(good) as line where line.action = 'update'
        );
    end loop;
    if cardinality(lines) > 0 then
        import.done_row := lines[cardinality(lines)].row_number;
    end if;
    if cardinality(lines) < crm.import_step_rows() then
        import.status := 'succeeded';
        import.finished_at := now();
        perform core.emit(
            import.tenant_id, 'crm.import.finished', 'import', import.id,
            jsonb_build_object(
                'object', import.object,
                'created', import.created_count,
                'updated', import.updated_count,
                'failed', import.failed_count
            )
        );
    end if;
    update crm.imports
    set
        done_row = import.done_row,
        created_count = import.created_count,
        updated_count = import.updated_count,
        failed_count = import.failed_count,
        status = import.status,
        finished_at = import.finished_at
    where imports.tenant_id = import.tenant_id and imports.id = import.id;
    return import;
end
$$;

comment on function crm.run_import_step(crm.imports, crm.import_reach) is
'Writes the records of the next rows of an import, and how far it is. Internal.';

create function crm.stop_import(import crm.imports, code text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    update crm.imports
    set status = 'stopped', stop_reason = stop_import.code
    where imports.tenant_id = import.tenant_id and imports.id = import.id;
    perform core.emit(
        import.tenant_id, 'crm.import.stopped', 'import', import.id,
        jsonb_build_object('reason', stop_import.code)
    );
end
$$;

comment on function crm.stop_import(crm.imports, text) is
'Stops an import that cannot go on. Internal.';

create function crm.import_in_job(job core.jobs) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    import crm.imports;
    reach crm.import_reach;
    is_over boolean;
    done integer;
begin
    select imports.* into import
    from crm.imports
    where
        imports.tenant_id = job.tenant_id
        and imports.id = (job.arguments ->> 'import_id')::uuid
    for no key update;
    if
        import.id is null
        or import.status <> (
            case job.task
                when 'crm.run_import' then 'running'
                when 'crm.undo_import' then 'undoing'
                else 'open'
            end
        )
    then
        return '{"done": true, "result": {}}';
    end if;
    perform crm.act_as(import.acting_kind, import.acting_id, import.tenant_id);
    reach := crm.reach_of_import(import);
    if reach.is_allowed is not true then
        perform crm.act_as(null, null, null);
        if job.task <> 'crm.check_import' then
            perform crm.stop_import(import, 'import.starter_not_allowed');
        end if;
        return '{"failed": "import.starter_not_allowed"}';
    end if;
    case job.task
        when 'crm.run_import' then
            import := crm.run_import_step(import, reach);
            is_over := import.status <> 'running';
            done := import.done_row;
        when 'crm.check_import' then
            import := crm.check_import_step(import);
            is_over := import.check_status = 'done';
            done := import.checked_row;
        else
            import := crm.undo_import_step(import, reach);
            is_over := import.status <> 'undoing';
            done := import.undone_count + import.kept_count;
    end case;
    perform crm.act_as(null, null, null);
    return jsonb_build_object(
        'done', is_over,
        'progress', jsonb_build_object('done', done, 'total', import.last_row)
    );
end
$$;

comment on function crm.import_in_job(core.jobs) is
'The tasks crm.check_import, crm.run_import and crm.undo_import: a step of an import, as the person
who started it. Internal.';

-- Undoing -----------------------------------------------------------------------------------------

create function crm.records_in_use(object text, tenant_id uuid, since timestamptz, ids uuid[])
returns uuid[]
language plpgsql stable set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(object);
    linked text;
    referring record;
    used uuid[] := '{}';
    found uuid[];
begin
    -- What engines note about a record themselves, such as its stages, says not when it was added.
    for linked in
        select linked_tables.relation
        from core.linked_tables
        where exists (
            select from pg_attribute as attributes
            where
                attributes.attrelid = linked_tables.relation::regclass
                and attributes.attname = 'created_at'
        )
    loop
        execute format(
            'select array_agg(distinct linked.record_id) from %s as linked '
            'where linked.tenant_id = $1 and linked.record_id = any($2) '
            'and linked.object = $3 and linked.created_at > $4',
            linked
        )
        into found
        using records_in_use.tenant_id, ids, known.object, since;
        used := used || coalesce(found, '{}');
    end loop;
    -- Records of other objects that point here, by columns beside the tenant's.
    for referring in
        select
            objects.relation,
            attributes.attname
        from pg_constraint as constraints
        inner join core.objects on objects.relation::regclass = constraints.conrelid
        inner join pg_attribute as attributes
            on
                attributes.attrelid = constraints.conrelid
                and attributes.attnum = constraints.conkey[2]
        where
            constraints.contype = 'f'
            and constraints.confrelid = known.relation::regclass
            and cardinality(constraints.conkey) = 2
    loop
        execute format(
            'select array_agg(distinct referring.%1$I) from %2$s as referring '
            'where referring.tenant_id = $1 and referring.%1$I = any($2)',
            referring.attname, referring.relation
        )
        into found
        using records_in_use.tenant_id, ids;
        used := used || coalesce(found, '{}');
    end loop;
    return used;
end
$$;

comment on function crm.records_in_use(text, uuid, timestamptz, uuid[]) is
'Those of the records on which something hangs by now: what was added after a time, and records of
other objects that point at them. Internal.';

create function crm.undo_updates(import crm.imports, records crm.import_records[])
returns void
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(import.object);
    assignments text;
begin
    if cardinality(records) = 0 then
        return;
    end if;
    select string_agg(
        format(
            '%1$I = case when undone.before -> ''fields'' ? %1$L then former.%1$I '
            'else record.%1$I end',
            written.column_name
        ),
        ', '
    )
    into assignments
    from (
        select columns.column_name from crm.written_columns(import) as columns
        union all
        select 'custom'
    ) as written;
    execute format(
        'update %1$s as record set %2$s from unnest($2) as undone '
        'cross join lateral jsonb_populate_record(null::%1$s, undone.before -> ''fields'') '
        'as former '
        'where record.tenant_id = $1 and record.id = undone.record_id',
        known.relation, assignments
    )
    using import.tenant_id, records;
    -- What an earlier row of the import left is what is there again.
    execute format(
        'update crm.import_records as earlier set version = record.version '
        'from unnest($2) as undone inner join %s as record '
        'on record.tenant_id = $1 and record.id = undone.record_id '
        'where earlier.tenant_id = $1 and earlier.import_id = $3 '
        'and earlier.record_id = undone.record_id and earlier.row_number < undone.row_number',
        known.relation
    )
    using import.tenant_id, records, import.id;
    delete from crm.contact_points as points
    using unnest(records) as undone
    where
        points.tenant_id = import.tenant_id
        and points.record_id = undone.record_id
        and undone.before -> 'points' ? points.id::text;
    delete from crm.taggings
    using unnest(records) as undone
    where
        taggings.tenant_id = import.tenant_id
        and taggings.object = import.object
        and taggings.record_id = undone.record_id
        and undone.before -> 'tags' ? taggings.tag_id::text;
end
$$;

comment on function crm.undo_updates(crm.imports, crm.import_records[]) is
'Gives records back what an import replaced. Internal.';

create function crm.undo_moves(import crm.imports, records crm.import_records[]) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    moved record;
    explanation text;
    code text;
    refused jsonb := '{}';
begin
    for moved in
        select
            undone.record_id,
            undone.before ->> 'stage' as stage
        from unnest(records) as undone
        where undone.action = 'update' and undone.before ->> 'stage' is not null
        order by undone.record_id
    loop
        begin
            perform core.move(moved.record_id, moved.stage, reason => left(import.name, 200));
        exception
            when sqlstate 'PGRST' or integrity_constraint_violation or data_exception then
                get stacked diagnostics code = returned_sqlstate, explanation = message_text;
                refused := refused || jsonb_build_object(
                    moved.record_id::text,
                    case
                        when code = 'PGRST' then jsonb_build_object(
                            'code', explanation::jsonb -> 'code',
                            'message', explanation::jsonb -> 'message'
                        )
                        else jsonb_build_object(
                            'code', 'import.value_refused', 'message', explanation
                        )
                    end
                );
        end;
    end loop;
    return refused;
end
$$;

comment on function crm.undo_moves(crm.imports, crm.import_records[]) is
'Moves records back to the stages that an import moved them from, as the caller, with all guards;
the reason is the name of the import. Returns, by record, why some stay. Internal.';

create function crm.undo_import_step(import crm.imports, reach crm.import_reach)
returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    taken crm.import_records[];
    last_object text;
    known core.objects;
    unchanged uuid[];
    used uuid[] := '{}';
    stuck jsonb;
    kept crm.import_records[];
    undone crm.import_records[];
begin
    -- The latest first: what was made for a row goes after the row's own record.
    taken := array(
        select records
        from crm.import_records as records
        where records.tenant_id = import.tenant_id and records.import_id = import.id
        order by records.row_number desc
        limit crm.import_step_rows()
    );
    last_object := taken[1].object;
    -- One object a step, and one row of each record.
    taken := array(
        select first_of_each.record
        from (
            select
                records as record,
                row_number() over (
                    partition by (records).record_id order by (records).row_number desc
                ) as place
            from unnest(taken) as records
            where (records).object = last_object
        ) as first_of_each
        where first_of_each.place = 1
    );
    if cardinality(taken) > 0 then
        known := core.object_named(last_object);
        execute format(
            'select array_agg(locked.id) from (select record.id, record.version from %s as record '
            'where record.tenant_id = $1 and record.id = any($4) and %s '
            'order by record.id for no key update) as locked '
            'inner join unnest($2) as taken '
            'on taken.record_id = locked.id and taken.version = locked.version',
            known.relation,
            case
                when reach.all_records or known.owner_column is null then 'true'
                else format(
                    '(record.%I = $3 or %s)',
                    known.owner_column,
                    coalesce(format('record.%I = any($5)', known.team_column), 'false')
                )
            end
        )
        into unchanged
        using
            import.tenant_id, taken, case when reach.own_records then reach.caller_id end,
            array(select (records).record_id from unnest(taken) as records), reach.teams;
        used := crm.records_in_use(
            last_object, import.tenant_id,
            (select max((records).created_at) from unnest(taken) as records),
            array(
                select (records).record_id
                from unnest(taken) as records
                where (records).action = 'create'
            )
        );
        undone := array(
            select records
            from unnest(taken) as records
            where
                (records).record_id = any(unchanged)
                and ((records).action = 'update' or (records).record_id <> all(used))
        );
        stuck := crm.undo_moves(import, undone);
        undone := array(
            select records
            from unnest(undone) as records
            where not stuck ? (records).record_id::text
        );
        kept := array(
            select records
            from unnest(taken) as records
            where not exists (
                select from unnest(undone) as gone
                where (gone).record_id = (records).record_id
            )
        );
        perform crm.undo_updates(
            import,
            array(select records from unnest(undone) as records where (records).action = 'update')
        );
        execute format(
            'delete from %s as record where record.tenant_id = $1 and record.id = any($2)',
            known.relation
        )
        using
            import.tenant_id,
            array(
                select (records).record_id
                from unnest(undone) as records
                where (records).action = 'create'
            );
        insert into crm.import_errors (
            tenant_id, import_id, phase, row_number, place, code, explanation, record_id
        )
        select
            import.tenant_id,
            import.id,
            'undo',
            (records).row_number,
            row_number() over (),
            errors.code,
            coalesce(stuck -> (records).record_id::text ->> 'message', errors.message),
            (records).record_id
        from unnest(kept) as records
        inner join core.errors
            on errors.code = case
                when stuck ? (records).record_id::text
                    then stuck -> (records).record_id::text ->> 'code'
                when (records).record_id = any(unchanged) then 'import.in_use'
                else 'import.changed_since'
            end
        on conflict do nothing;
        execute
            'delete from crm.import_records as records where records.tenant_id = $1 '
            'and records.import_id = $2 and records.row_number = any($3) '
            'and records.record_id = any($4)'
        using
            import.tenant_id, import.id,
            array(select (records).row_number from unnest(taken) as records),
            array(select (records).record_id from unnest(taken) as records);
        import.undone_count := import.undone_count + cardinality(undone);
        import.kept_count := import.kept_count + cardinality(kept);
    else
        import.status := 'undone';
        perform core.emit(
            import.tenant_id, 'crm.import.undone', 'import', import.id,
            jsonb_build_object('undone', import.undone_count, 'kept', import.kept_count)
        );
    end if;
    update crm.imports
    set
        undone_count = import.undone_count,
        kept_count = import.kept_count,
        status = import.status
    where imports.tenant_id = import.tenant_id and imports.id = import.id;
    return import;
end
$$;

comment on function crm.undo_import_step(crm.imports, crm.import_reach) is
'Takes back what an import did to some records, where nobody has changed them since. Internal.';

insert into core.job_tasks (task, function_schema, function_name, description, step_time_limit)
values
('crm.check_import', 'crm', 'import_in_job', 'Look at what an import would do.', '2 minutes'),
('crm.run_import', 'crm', 'import_in_job', 'Write the records of an import.', '2 minutes'),
('crm.undo_import', 'crm', 'import_in_job', 'Take an import back.', '2 minutes');

create function crm.run_import(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    import crm.imports := crm.import_to_manage(run_import.id);
begin
    perform crm.refuse_import_status(import, '{open,running,stopped}');
    if import.status <> 'running' then
        import := crm.complete_import(import);
        update crm.imports
        set status = 'running', started_at = coalesce(imports.started_at, now())
        where imports.tenant_id = import.tenant_id and imports.id = import.id
        returning * into import;
    end if;
    perform core.enqueue_job(
        import.tenant_id, 'crm.run_import',
        jsonb_build_object('import_id', import.id), import.id::text
    );
    return crm.import_answer(import);
end
$$;

comment on function crm.run_import(uuid) is
'What v1.run_import does. Definer, because it writes crm.imports. Signed-in users may call it.';

create function crm.undo_import(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    import crm.imports := crm.import_to_manage(undo_import.id);
    caller constant record := core.caller();
begin
    perform crm.refuse_import_status(import, '{succeeded,stopped,undoing}');
    if (
        import.tenant_id = any(core.tenants_with(import.object || '.write', 'own'))
    ) is not true then
        perform core.fail(
            'tenancy.permission_missing',
            jsonb_build_object('permission', import.object || '.write')
        );
    end if;
    update crm.imports
    set
        status = 'undoing', stop_reason = null,
        acting_kind = caller.kind, acting_id = caller.id
    where imports.tenant_id = import.tenant_id and imports.id = import.id
    returning * into import;
    perform core.enqueue_job(
        import.tenant_id, 'crm.undo_import',
        jsonb_build_object('import_id', import.id), import.id::text
    );
    return crm.import_answer(import);
end
$$;

comment on function crm.undo_import(uuid) is
'What v1.undo_import does. Definer, because it writes crm.imports. Signed-in users may call it.';

create function v1.run_import(import_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer('run_import', jsonb_build_object('import_id', run_import.import_id)),
        core.store_answer(crm.run_import(run_import.import_id))
    );
end
$$;

comment on function v1.run_import(uuid) is
'Has the records of an import written, by a job that acts as the caller; one that stopped goes on. A
row that cannot be written is in v1.import_errors, and the others are written. Needs
crm.imports.manage and the object''s write. Raises as v1.check_import does. May be repeated with an
Idempotency-Key.';

create function v1.undo_import(import_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer('undo_import', jsonb_build_object('import_id', undo_import.import_id)),
        core.store_answer(crm.undo_import(undo_import.import_id))
    );
end
$$;

comment on function v1.undo_import(uuid) is
'Takes an import back, by a job, within 30 days: removes the records that it made, and gives those
back what they held that it updated. A record that somebody has changed since, or that others hang
on, stays; v1.import_errors names it. Needs crm.imports.manage and the object''s write. Raises
import.unknown (404), import.status_conflict (409). May be repeated with an Idempotency-Key.';

create function v1.import_errors_csv(
    import_id uuid,
    phase text default 'run',
    after integer default 0,
    row_limit integer default 1000
)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    import record;
    page record;
begin
    select imports.header into import
    from crm.imports
    where imports.id = import_errors_csv.import_id;
    if not found then
        perform core.fail('import.unknown', jsonb_build_object('id', import_id));
    end if;
    select
        string_agg(
            crm.import_error_line(listed.cells, listed.row_number, listed.problems),
            '' order by listed.row_number
        ) as csv,
        max(listed.row_number) as last_row,
        count(*) as rows
    into page
    from (
        select
            errors.row_number,
            errors.cells,
            string_agg(
                concat_ws(': ', errors.column_name, errors.explanation),
                '; ' order by errors.place
            ) as problems
        from v1.import_errors as errors
        where
            errors.import_id = import_errors_csv.import_id
            and errors.phase = import_errors_csv.phase
            and errors.row_number > import_errors_csv.after
        group by errors.row_number, errors.cells
        order by errors.row_number
        limit least(greatest(coalesce(import_errors_csv.row_limit, 1000), 1), 5000)
    ) as listed;
    return jsonb_build_object(
        'csv', case when import_errors_csv.after = 0 then
            crm.import_error_line(to_jsonb(import.header), null, null) else '' end
        || coalesce(page.csv, ''),
        'next', case
            when page.rows = least(greatest(coalesce(import_errors_csv.row_limit, 1000), 1), 5000)
                then page.last_row
        end
    );
end
$$;

comment on function v1.import_errors_csv(uuid, text, integer, integer) is
'The rows of an import that have errors, as comma separated values with two columns more, row and
problems: {csv, next}. While next is not null, ask again with it as after. Mended, the rows can be
imported. Needs crm.imports.manage. Raises import.unknown (404).';

create function crm.import_error_line(cells jsonb, row_number integer, problems text) returns text
language plpgsql immutable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    texts text[];
begin
    texts := array(select jsonb_array_elements_text(coalesce(cells, '[]')))
        || coalesce(row_number::text, 'row') || coalesce(problems, 'problems');
    return tenon.export_row(texts, array_fill(true, array[cardinality(texts)]), ',');
end
$$;

comment on function crm.import_error_line(jsonb, integer, text) is
'A row of an import with what is wrong with it, as comma separated values. Definer, because the
domain''s functions are internal. Signed-in users may call it.';

revoke all on function
crm.run_import_step(crm.imports, crm.import_reach),
crm.stop_import(crm.imports, text),
crm.import_in_job(core.jobs),
crm.records_in_use(text, uuid, timestamptz, uuid[]),
crm.undo_updates(crm.imports, crm.import_records[]),
crm.undo_moves(crm.imports, crm.import_records[]),
crm.undo_import_step(crm.imports, crm.import_reach),
crm.run_import(uuid),
crm.undo_import(uuid),
v1.run_import(uuid),
v1.undo_import(uuid),
v1.import_errors_csv(uuid, text, integer, integer),
crm.import_error_line(jsonb, integer, text)
from public;
grant execute on function
crm.run_import(uuid),
crm.undo_import(uuid),
v1.run_import(uuid),
v1.undo_import(uuid),
v1.import_errors_csv(uuid, text, integer, integer),
crm.import_error_line(jsonb, integer, text)
to authenticated, service_role;
