-- Imports: what is wrong with lines, before anything is written.
--
-- The promises of the table are asked for all lines of a step in one statement. The dry run asks
-- what the run will ask, and notes it.

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
        lines := crm.check_lines(import, crm.match_records(import, lines, reach));
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
crm.line_with_refusal(crm.imports, crm.import_line, text),
crm.check_import_step(crm.imports),
crm.check_import(uuid),
v1.check_import(uuid)
from public;
grant execute on function
crm.check_import(uuid),
v1.check_import(uuid)
to authenticated, service_role;
