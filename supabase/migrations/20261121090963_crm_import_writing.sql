-- Imports: lines become records.
--
-- A step writes all its lines in a few statements. Where Postgres refuses them, halves are written,
-- until those lines are alone that cannot be.

set local lock_timeout = '5s';

-- Writing -----------------------------------------------------------------------------------------

create function crm.written_columns(import crm.imports)
returns table (column_name text, default_expression text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    relation constant regclass := (core.object_named(import.object)).relation::regclass;
begin
    return query
    select
        attributes.attname::text,
        pg_get_expr(defaults.adbin, defaults.adrelid)
    from pg_attribute as attributes
    left join pg_attrdef as defaults
        on defaults.adrelid = attributes.attrelid and defaults.adnum = attributes.attnum
    where
        attributes.attrelid = relation
        and attributes.attname not in ('id', 'stage', 'pipeline_id')
        and (
            attributes.attname in (
                select element.value ->> 'field'
                from jsonb_array_elements(import.plan -> 'columns') as element
            )
            or import.plan -> 'defaults' ? attributes.attname::text
            or (attributes.attname = 'currency' and (import.plan -> 'sets_currency')::boolean)
        );
end
$$;

comment on function crm.written_columns(crm.imports) is
'The columns that an import fills, with what they hold where it has nothing. Internal.';

create function crm.insert_records(
    import crm.imports, lines crm.import_line[], reach crm.import_reach
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(import.object);
    names text[];
    expressions text[];
begin
    select
        array_agg(quote_ident(written.column_name)),
        array_agg(
            case
                when written.default_expression is null
                    then format('record.%I', written.column_name)
                else format(
                    'coalesce(record.%I, %s)', written.column_name, written.default_expression
                )
            end
        )
    into names, expressions
    from crm.written_columns(import) as written
    where written.column_name is distinct from known.owner_column;
    if known.owner_column is not null then
        -- Who reaches own records alone makes no others.
        names := names || quote_ident(known.owner_column);
        expressions := expressions || format(
            case
                when reach.all_records then 'coalesce(record.%1$I, $5)'
                when known.team_column is not null
                    then 'case when record.%2$I = any($6) then coalesce(record.%1$I, $4) '
                    'else $4 end'
                else '$4'
            end,
            known.owner_column, known.team_column
        );
    end if;
    if exists (select from unnest(lines) as line where line.content ? 'stage') then
        names := names || '{pipeline_id,stage}'::text[];
        expressions := expressions || array[
            '(line.content #>> ''{stage,pipeline_id}'')::uuid',
            'line.content #>> ''{stage,begins}'''
        ];
    end if;
    execute format(
        'insert into %1$s (tenant_id, id, created_by, %2$s) '
        'select $1, line.record_id, $4, %3$s from unnest($2) as line '
        'cross join lateral jsonb_populate_record(null::%1$s, $3 || (line.content -> ''fields'') '
        '|| jsonb_build_object(''custom'', line.content -> ''custom'')) as record '
        'where line.action = ''create'' order by line.row_number',
        known.relation,
        array_to_string(names || 'custom'::text, ', '),
        array_to_string(expressions || 'coalesce(record.custom, ''{}'')'::text, ', ')
    )
    using
        import.tenant_id, lines, import.plan -> 'defaults', reach.caller_id,
        reach.default_owner_id, reach.teams;
end
$$;

comment on function crm.insert_records(crm.imports, crm.import_line[], crm.import_reach) is
'Inserts the records that lines make, in one statement. Internal.';

create function crm.update_records(
    import crm.imports, lines crm.import_line[], reach crm.import_reach
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(import.object);
    assignments text;
begin
    select string_agg(
        format(
            '%1$I = case when line.content -> ''fields'' ? %1$L then %2$s else record.%1$I end',
            written.column_name,
            case
                when
                    written.column_name = known.owner_column and not reach.all_records
                    then format('record.%I', written.column_name)
                when written.default_expression is null
                    then format('given.%I', written.column_name)
                else format(
                    'coalesce(given.%I, %s)', written.column_name, written.default_expression
                )
            end
        ),
        ', '
    )
    into assignments
    from crm.written_columns(import) as written;
    execute format(
        'update %1$s as record set %2$s '
        'from unnest($2) as line '
        'cross join lateral jsonb_populate_record(null::%1$s, line.content -> ''fields'') as given '
        'where line.action = ''update'' and record.tenant_id = $1 and record.id = line.record_id',
        known.relation,
        concat_ws(
            ', ', assignments,
            'custom = case when line.content -> ''custom'' = ''{}'' then record.custom '
            'else jsonb_strip_nulls(record.custom || (line.content -> ''custom'')) end'
        )
    )
    using import.tenant_id, lines;
end
$$;

comment on function crm.update_records(crm.imports, crm.import_line[], crm.import_reach) is
'Updates the records that lines are about, in one statement. Internal.';

create function crm.lock_before(import crm.imports, lines crm.import_line[])
returns crm.import_line[]
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(import.object);
    former jsonb;
begin
    execute format(
        'select jsonb_object_agg(locked.id, locked.content) from ('
        'select record.id, to_jsonb(record) as content from %s as record '
        'where record.tenant_id = $1 and record.id = any($2) '
        'order by record.id for no key update) as locked',
        known.relation
    )
    into former
    using
        import.tenant_id,
        array(select line.record_id from unnest(lines) as line where line.action = 'update');
    if former is null then
        return lines;
    end if;
    return array(
        select case
            when line.action = 'create' then line
            else row(
                line.row_number, line.content, line.key, line.record_id, line.action,
                jsonb_build_object(
                    'fields', (
                        select coalesce(
                            jsonb_object_agg(
                                filled.field, former -> line.record_id::text -> filled.field
                            ),
                            '{}'
                        )
                        from (
                            select jsonb_object_keys(line.content -> 'fields') as field
                            union
                            select 'custom'
                            where line.content -> 'custom' <> '{}'
                        ) as filled
                        where filled.field <> 'id'
                    )
                )
                || case
                    when line.content #>> '{stage,moves_to}' is null then '{}'
                    else jsonb_build_object('stage', former -> line.record_id::text -> 'stage')
                end
            )::crm.import_line
        end
        from unnest(lines) as line
    );
end
$$;

comment on function crm.lock_before(crm.imports, crm.import_line[]) is
'Locks the records that lines update, and notes what they hold before. Internal.';

create function crm.write_points(import crm.imports, lines crm.import_line[]) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    of_companies constant boolean := import.object = 'crm.companies';
    added jsonb;
begin
    if not exists (select from unnest(lines) as line where line.content -> 'points' <> '[]') then
        return '{}';
    end if;
    with wanted as (
        select
            line.record_id,
            point.*
        from unnest(lines) as line
        cross join jsonb_to_recordset(line.content -> 'points') as point (
            kind text, label text, value text, street text, postal_code text, city text,
            region text, country_code text
        )
    ),

    inserted as (
        insert into crm.contact_points (
            tenant_id, contact_id, company_id, kind, label, value, street, postal_code, city,
            region, country_code
        )
        select
            import.tenant_id,
            case when not of_companies then wanted.record_id end,
            case when of_companies then wanted.record_id end,
            wanted.kind,
            wanted.label,
            wanted.value,
            wanted.street,
            wanted.postal_code,
            wanted.city,
            wanted.region,
            upper(wanted.country_code)
        from wanted
        where
            not exists (
                select from crm.contact_points as points
                where
                    points.tenant_id = import.tenant_id
                    and points.record_id = wanted.record_id
                    and points.kind = wanted.kind
                    and (points.value, points.street, points.postal_code, points.city)
                    is not distinct from
                    (wanted.value, wanted.street, wanted.postal_code, wanted.city)
            )
        returning contact_points.record_id, contact_points.id
    )

    select jsonb_object_agg(grouped.record_id, grouped.ids)
    into added
    from (
        select
            inserted.record_id,
            jsonb_agg(inserted.id) as ids
        from inserted
        group by inserted.record_id
    ) as grouped;
    return coalesce(added, '{}');
end
$$;

comment on function crm.write_points(crm.imports, crm.import_line[]) is
'Adds the addresses and further e-mails and phones of lines; returns their ids by record.
Internal.';

create function crm.write_tags(import crm.imports, lines crm.import_line[]) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    added jsonb;
begin
    if not exists (select from unnest(lines) as line where line.content -> 'tags' <> '[]') then
        return '{}';
    end if;
    if import.tenant_id = any(core.tenants_with('crm.tags.write')) then
        insert into crm.tags (tenant_id, name)
        select
            import.tenant_id,
            min(tag.name)
        from unnest(lines) as line
        cross join jsonb_array_elements_text(line.content -> 'tags') as tag (name)
        group by lower(tag.name)
        order by lower(tag.name)
        on conflict do nothing;
    end if;
    with inserted as (
        insert into crm.taggings (tenant_id, tag_id, object, record_id)
        select distinct
            import.tenant_id,
            tags.id,
            import.object,
            line.record_id
        from unnest(lines) as line
        cross join jsonb_array_elements_text(line.content -> 'tags') as tag (name)
        inner join crm.tags
            on tags.tenant_id = import.tenant_id and lower(tags.name) = lower(tag.name)
        on conflict do nothing
        returning taggings.record_id, taggings.tag_id
    )

    select jsonb_object_agg(grouped.record_id, grouped.ids)
    into added
    from (
        select
            inserted.record_id,
            jsonb_agg(inserted.tag_id) as ids
        from inserted
        group by inserted.record_id
    ) as grouped;
    return coalesce(added, '{}');
end
$$;

comment on function crm.write_tags(crm.imports, crm.import_line[]) is
'Tags the records of lines, with new tags where the caller may make them; returns those that were
added, by record. Internal.';

create function crm.move_records(import crm.imports, lines crm.import_line[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    moved record;
    answer jsonb;
begin
    -- In the order of ids, as core.move_many does.
    for moved in
        select
            line.record_id,
            line.content #>> '{stage,moves_to}' as stage,
            line.content ->> 'reason' as reason
        from unnest(lines) as line
        where line.content #>> '{stage,moves_to}' is not null
        order by line.record_id
    loop
        answer := core.move(moved.record_id, moved.stage, reason => moved.reason);
        if (answer ->> 'tenant_id')::uuid is distinct from import.tenant_id then
            perform core.fail('record.not_found');
        end if;
    end loop;
end
$$;

comment on function crm.move_records(crm.imports, crm.import_line[]) is
'Moves the records of lines to the stages that these name, as the caller, with all guards. Raises
what core.move raises. Internal.';

create function crm.write_at_once(
    import crm.imports, lines crm.import_line[], reach crm.import_reach
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(import.object);
    points jsonb;
    tags jsonb;
begin
    lines := crm.lock_before(import, lines);
    if exists (select from unnest(lines) as line where line.action = 'create') then
        perform crm.insert_records(import, lines, reach);
    end if;
    if exists (select from unnest(lines) as line where line.action = 'update') then
        perform crm.update_records(import, lines, reach);
    end if;
    perform crm.move_records(import, lines);
    points := crm.write_points(import, lines);
    tags := crm.write_tags(import, lines);
    execute format(
        'insert into crm.import_records (tenant_id, import_id, object, record_id, row_number, '
        'action, version, before) '
        'select $1, $2, $3, line.record_id, line.row_number, line.action, record.version, '
        'case line.action when ''update'' then line.before || jsonb_strip_nulls('
        'jsonb_build_object(''points'', $5 -> line.record_id::text, '
        '''tags'', $6 -> line.record_id::text)) end '
        'from unnest($4) as line cross join lateral (select record.version from %s as record '
        'where record.tenant_id = $1 and record.id = line.record_id offset 0) as record',
        known.relation
    )
    using import.tenant_id, import.id, import.object, lines, points, tags;
end
$$;

comment on function crm.write_at_once(crm.imports, crm.import_line[], crm.import_reach) is
'Writes the records of lines, and notes what it takes to undo that. Internal.';

create function crm.write_lines(
    import crm.imports, lines crm.import_line[], reach crm.import_reach
)
returns crm.import_line[]
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    middle constant integer := cardinality(lines) / 2;
    foreseen constant crm.import_line[] := array(
        select line from unnest(lines) as line where line.content ? 'foreseen'
    );
    written crm.import_line[];
    code text;
    explanation text;
    broken text;
begin
    if cardinality(lines) = 0 then
        return '{}';
    elsif cardinality(lines) > 1 and cardinality(foreseen) > 0 then
        -- What will be refused holds the others up no more than it must.
        written := crm.write_lines(
            import,
            array(select line from unnest(lines) as line where not line.content ? 'foreseen'),
            reach
        );
        for place in 1 .. cardinality(foreseen) loop
            written := written || crm.write_lines(import, foreseen[place : place], reach);
        end loop;
        return written;
    end if;
    begin
        perform crm.write_at_once(import, lines, reach);
        set constraints all immediate;
        return lines;
    exception
        when others then
            get stacked diagnostics
                code = returned_sqlstate, explanation = message_text, broken = constraint_name;
    end;
    -- What is of no row: it may be gone the next time.
    if left(code, 2) not in ('22', '23', 'P0', 'PG') then
        raise sqlstate 'TNIMP' using message = code || ': ' || explanation;
    elsif cardinality(lines) > 1 then
        -- Halves, until those are alone that cannot be written.
        return crm.write_lines(import, lines[: middle], reach)
            || crm.write_lines(import, lines[middle + 1 :], reach);
    end if;
    return array[
        case
            when code = 'PGRST'
                then crm.line_with_error(
                    lines[1],
                    case
                        when explanation::jsonb ->> 'code' like 'pipeline.%'
                            then crm.header_of(import, 'stage')
                    end,
                    explanation::jsonb ->> 'code',
                    coalesce((explanation::jsonb ->> 'details')::jsonb, '{}')
                    || jsonb_build_object('reason', explanation::jsonb ->> 'message')
                )
            when code = '23505'
                then crm.line_with_error(lines[1], null, 'import.value_taken')
            when broken <> '' then crm.line_with_refusal(import, lines[1], broken)
            else crm.line_with_error(
                lines[1], null, 'import.value_refused',
                jsonb_build_object('reason', explanation)
            )
        end
    ];
end
$$;

comment on function crm.write_lines(crm.imports, crm.import_line[], crm.import_reach) is
'Writes the records of lines, all but those that Postgres refuses; these have an error then.
Internal.';

revoke all on function
crm.written_columns(crm.imports),
crm.insert_records(crm.imports, crm.import_line[], crm.import_reach),
crm.update_records(crm.imports, crm.import_line[], crm.import_reach),
crm.lock_before(crm.imports, crm.import_line[]),
crm.write_points(crm.imports, crm.import_line[]),
crm.write_tags(crm.imports, crm.import_line[]),
crm.move_records(crm.imports, crm.import_line[]),
crm.write_at_once(crm.imports, crm.import_line[], crm.import_reach),
crm.write_lines(crm.imports, crm.import_line[], crm.import_reach)
from public;
