-- Imports: from staged rows to lines, and what a line is about.
--
-- A step reads its rows as lines at once. What cells name is looked up among the records that the
-- starter may read, and the record that a row is about among those that the starter may write: of
-- others an import says nothing.

set local lock_timeout = '5s';

-- Lines: rows on their way to records -------------------------------------------------------------

create type crm.import_line as (
    row_number integer,
    content jsonb,
    key text,
    record_id uuid,
    action text,
    before jsonb
);

comment on type crm.import_line is
'A row of an import on its way: content is what tenon.import_row made of it, with its errors.';

create function crm.line_with_error(
    line crm.import_line, column_name text, code text, details jsonb default '{}'
)
returns crm.import_line
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    line.content := jsonb_set(
        line.content, '{errors}',
        (line.content -> 'errors') || jsonb_build_object(
            'column', column_name,
            'code', code,
            'message', coalesce(
                (
                    select core.render(errors.message, details)
                    from core.errors
                    where errors.code = line_with_error.code
                ),
                details ->> 'reason'
            )
        )
    );
    return line;
end
$$;

comment on function crm.line_with_error(crm.import_line, text, text, jsonb) is
'The line with one more error. Internal.';

create function crm.header_of(import crm.imports, field text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select min(element.value ->> 'header')
        from jsonb_array_elements(import.plan -> 'columns') as element
        where element.value ->> 'field' = header_of.field
    );
end
$$;

comment on function crm.header_of(crm.imports, text) is
'What stands above the column that fills a field, null where none does. Internal.';

create function crm.check_tags(import crm.imports, lines crm.import_line[])
returns crm.import_line[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    header constant text := crm.header_of(import, 'tags');
    missing text[];
begin
    if import.tenant_id = any(core.tenants_with('crm.tags.write')) then
        return lines;
    end if;
    missing := array(
        select distinct lower(tag.name)
        from unnest(lines) as line
        cross join jsonb_array_elements_text(line.content -> 'tags') as tag (name)
        where
            not exists (
                select from crm.tags
                where tags.tenant_id = import.tenant_id and lower(tags.name) = lower(tag.name)
            )
    );
    if missing = '{}' then
        return lines;
    end if;
    return array(
        select case
            when unknown.name is null then line
            else crm.line_with_error(
                line, header, 'import.tag_missing', jsonb_build_object('tag', unknown.name)
            )
        end
        from unnest(lines) as line
        cross join lateral (
            select min(tag.name) as name
            from jsonb_array_elements_text(line.content -> 'tags') as tag (name)
            where lower(tag.name) = any(missing)
        ) as unknown
    );
end
$$;

comment on function crm.check_tags(crm.imports, crm.import_line[]) is
'The lines with an error for a tag that is not there and that the caller may not make. Internal.';

create function crm.lookup_targets(import crm.imports, of_column jsonb, wanted text[])
returns table (term text, ids uuid[])
language plpgsql stable set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    tenant_id constant uuid := import.tenant_id;
    by_field constant text := of_column ->> 'by';
    target constant text := case of_column ->> 'field'
        when 'company_id' then 'crm.companies'
        when 'parent_id' then 'crm.companies'
        when 'contact_id' then 'crm.contacts'
    end;
begin
    if of_column ->> 'field' = 'owner_id' then
        -- Who can own a record: active members of the tenant and of those above it.
        return query
        with recursive above as (
            select tenants.id, tenants.parent_id from core.tenants where tenants.id = tenant_id
            union all
            select tenants.id, tenants.parent_id
            from above
            inner join core.tenants on tenants.id = above.parent_id
        )
        select
            asked.term,
            array_agg(distinct users.id)
        from unnest(wanted) as asked (term)
        inner join auth.users on lower(users.email) = lower(asked.term)
        inner join core.members on members.user_id = users.id and members.status = 'active'
        inner join above on above.id = members.tenant_id
        group by asked.term;
    elsif of_column ->> 'field' = 'team_id' then
        return query
        select
            asked.term,
            array_agg(teams.id)
        from unnest(wanted) as asked (term)
        inner join core.teams
            on
                teams.tenant_id = import.tenant_id
                and case by_field
                    when 'slug' then teams.slug = asked.term
                    else lower(teams.name) = lower(asked.term)
                end
        group by asked.term;
    else
        return query execute format(
            'select asked.term, array_agg(record.id) from unnest($2) as asked (term) '
            'inner join %s as record on record.tenant_id = $1 and %s '
            'and core.reaches(%L, record.tenant_id, record.owner_id, record.team_id) '
            'group by asked.term',
            target,
            case by_field
                when 'external_id' then 'record.external_id = asked.term'
                when 'email' then 'lower(btrim(record.email)) = lower(asked.term)'
                else format('lower(record.%I) = lower(asked.term)', by_field)
            end,
            target || '.read'
        )
        using tenant_id, wanted;
    end if;
end
$$;

comment on function crm.lookup_targets(crm.imports, jsonb, text[]) is
'The records that cells of a column name, of those that the caller may read. Internal.';

create function crm.resolve_lookups(
    import crm.imports, lines crm.import_line[], is_dry boolean
)
returns crm.import_line[]
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    of_column jsonb;
    field text;
    wanted text[];
    missing text[];
    found jsonb;
    made jsonb;
begin
    for of_column in
        select element.value
        from jsonb_array_elements(import.plan -> 'columns') as element
        where element.value ? 'by'
    loop
        field := of_column ->> 'field';
        wanted := array(
            select distinct line.content -> 'lookups' ->> field
            from unnest(lines) as line
            where line.content -> 'lookups' ? field
        );
        select coalesce(jsonb_object_agg(target.term, to_jsonb(target.ids)), '{}')
        into found
        from crm.lookup_targets(import, of_column, wanted) as target;
        missing := array(
            select min(asked.term)
            from unnest(wanted) as asked (term)
            where not found ? asked.term
            group by lower(asked.term)
        );
        if (of_column -> 'create')::boolean and cardinality(missing) > 0 then
            select jsonb_object_agg(lower(asked.term), gen_random_uuid())
            into made
            from unnest(missing) as asked (term);
            if not is_dry then
                perform crm.create_companies(import, of_column, made, missing);
            end if;
            select found || coalesce(
                jsonb_object_agg(
                    asked.term, jsonb_build_array(made -> lower(asked.term))
                ),
                '{}'
            )
            into found
            from unnest(wanted) as asked (term)
            where not found ? asked.term;
        end if;
        lines := array(
            select case
                when not line.content -> 'lookups' ? field then line
                when not found ? (line.content -> 'lookups' ->> field)
                    then crm.line_with_error(
                        line, of_column ->> 'header', 'import.lookup_missing'
                    )
                when jsonb_array_length(found -> (line.content -> 'lookups' ->> field)) > 1
                    then crm.line_with_error(
                        line, of_column ->> 'header', 'import.lookup_ambiguous'
                    )
                else row(
                    line.row_number,
                    jsonb_set(
                        line.content,
                        array['fields', field],
                        found -> (line.content -> 'lookups' ->> field) -> 0
                    ),
                    line.key, line.record_id, line.action, line.before
                )::crm.import_line
            end
            from unnest(lines) as line
        );
    end loop;
    return lines;
end
$$;

comment on function crm.resolve_lookups(crm.imports, crm.import_line[], boolean) is
'The lines with the ids of the records that their cells name; those that are missing are made where
the mapping says so. Internal.';

create function crm.create_companies(
    import crm.imports, of_column jsonb, ids jsonb, terms text[]
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
    insert into crm.companies (tenant_id, id, name, domain, external_id, source)
    select
        import.tenant_id,
        (create_companies.ids ->> lower(asked.term))::uuid,
        left(asked.term, 200),
        case of_column ->> 'by' when 'domain' then asked.term end,
        case of_column ->> 'by' when 'external_id' then asked.term end,
        left(import.name, 200)
    from unnest(terms) as asked (term);
    insert into crm.import_records (
        tenant_id, import_id, object, record_id, row_number, action, version
    )
    select
        import.tenant_id, import.id, 'crm.companies', companies.id, 0, 'create',
        companies.version
    from unnest(terms) as asked (term)
    inner join crm.companies
        on
            companies.tenant_id = import.tenant_id
            and companies.id = (create_companies.ids ->> lower(asked.term))::uuid;
end
$$;

comment on function crm.create_companies(crm.imports, jsonb, jsonb, text[]) is
'Makes the companies that cells name and that are not there yet. Internal.';

create function crm.match_records(
    import crm.imports, lines crm.import_line[], reach crm.import_reach
)
returns crm.import_line[]
language plpgsql set search_path = pg_catalog, pg_temp
-- Tables that an import fills are larger than their statistics say.
set enable_seqscan = off
as $$
declare
    known constant core.objects := core.object_named(import.object);
    header constant text := crm.header_of(import, import.key);
    found jsonb;
begin
    if import.key is null then
        return lines;
    end if;
    execute format(
        'select coalesce(jsonb_object_agg(matched.key, matched.ids), ''{}'') from ('
        'select asked.key, jsonb_agg(record.id) as ids from unnest($2) as asked (key) '
        'inner join %s as record on record.tenant_id = $1 and %s and %s '
        'group by asked.key) as matched',
        known.relation,
        case import.key
            when 'id' then 'record.id = asked.key::uuid'
            when 'email' then 'lower(btrim(record.email)) = asked.key'
            when 'domain' then 'lower(record.domain) = asked.key'
            when 'name' then 'lower(record.name) = asked.key'
            else format('record.%I = asked.key', import.key)
        end,
        case
            when reach.all_records or known.owner_column is null then 'true'
            else format(
                '(record.%I = $3 or %s)',
                known.owner_column,
                coalesce(format('record.%I = any($4)', known.team_column), 'false')
            )
        end
    )
    into found
    using
        import.tenant_id,
        array(select distinct line.key from unnest(lines) as line where line.key is not null),
        case when reach.own_records then reach.caller_id end,
        reach.teams;
    return array(
        select case
            when line.content -> 'errors' <> '[]' then line
            when line.key is null and import.mode <> 'insert'
                then crm.line_with_error(line, header, 'import.key_empty')
            when line.key is null or not found ? line.key
                then case
                    when import.mode = 'update'
                        then crm.line_with_error(line, header, 'import.record_missing')
                    else line
                end
            when import.mode = 'insert'
                then crm.line_with_error(line, header, 'import.record_exists')
            when jsonb_array_length(found -> line.key) > 1
                then crm.line_with_error(line, header, 'import.key_ambiguous')
            else row(
                line.row_number, line.content, line.key,
                (found -> line.key ->> 0)::uuid, 'update', null
            )::crm.import_line
        end
        from unnest(lines) as line
    );
end
$$;

comment on function crm.match_records(crm.imports, crm.import_line[], crm.import_reach) is
'The lines with the records that they are about, of those that the import may write. Internal.';

-- Steps -------------------------------------------------------------------------------------------

create function crm.prepare_lines(
    import crm.imports, after integer, reach crm.import_reach, is_dry boolean
)
returns crm.import_line[]
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    lines crm.import_line[];
begin
    lines := array(
        select row(
            staged.row_number,
            read.content,
            case
                when import.key is null then null
                when import.key in ('email', 'domain', 'name')
                    then lower(read.content -> 'fields' ->> import.key)
                else read.content -> 'fields' ->> import.key
            end,
            coalesce((read.content -> 'fields' ->> 'id')::uuid, gen_random_uuid()),
            'create',
            null
        )::crm.import_line
        from (
            select
                rows.row_number,
                rows.cells
            from crm.import_rows as rows
            where
                rows.tenant_id = import.tenant_id
                and rows.import_id = import.id
                and rows.row_number > prepare_lines.after
            order by rows.row_number
            limit crm.import_step_rows()
        ) as staged
        cross join lateral tenon.import_row(staged.cells, import.plan) as read (content)
        order by staged.row_number
    );
    return crm.check_tags(import, crm.resolve_lookups(import, lines, is_dry));
end
$$;

comment on function crm.prepare_lines(crm.imports, integer, crm.import_reach, boolean) is
'The next rows of an import as lines. Internal.';

create function crm.note_errors(import crm.imports, phase text, lines crm.import_line[])
returns integer
language plpgsql set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    noted integer;
begin
    insert into crm.import_errors (
        tenant_id, import_id, phase, row_number, place, column_name, code, explanation
    )
    select
        import.tenant_id,
        import.id,
        note_errors.phase,
        line.row_number,
        problem.place,
        problem.content ->> 'column',
        problem.content ->> 'code',
        left(problem.content ->> 'message', 1000)
    from unnest(lines) as line
    cross join lateral jsonb_array_elements(line.content -> 'errors')
        with ordinality as problem (content, place);
    select count(*)::integer
    into noted
    from unnest(lines) as line
    where line.content -> 'errors' <> '[]';
    return noted;
end
$$;

comment on function crm.note_errors(crm.imports, text, crm.import_line[]) is
'Notes the errors of lines; returns how many lines have some. Internal.';

create function crm.without_errors(lines crm.import_line[]) returns crm.import_line[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(array_agg(line), '{}')
    from unnest(lines) as line
    where line.content -> 'errors' = '[]';
end;

comment on function crm.without_errors(crm.import_line[]) is
'The lines that have no error. Internal.';

revoke all on function
crm.line_with_error(crm.import_line, text, text, jsonb),
crm.header_of(crm.imports, text),
crm.check_tags(crm.imports, crm.import_line[]),
crm.lookup_targets(crm.imports, jsonb, text[]),
crm.resolve_lookups(crm.imports, crm.import_line[], boolean),
crm.create_companies(crm.imports, jsonb, jsonb, text[]),
crm.match_records(crm.imports, crm.import_line[], crm.import_reach),
crm.prepare_lines(crm.imports, integer, crm.import_reach, boolean),
crm.note_errors(crm.imports, text, crm.import_line[]),
crm.without_errors(crm.import_line[])
from public;
