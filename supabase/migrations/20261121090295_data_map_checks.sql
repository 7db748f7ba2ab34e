-- What the data map lacks, what in it cannot be carried out, and the map for others to read.
--
-- Tests ask the first two, so that a migration cannot forget a line, and erasing never meets a
-- column that refuses. What looks personal is judged by name and type, generously: a column that is
-- nothing of the kind costs one line with the reason.

set local lock_timeout = '5s';

create function core.data_map_schemas() returns text[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return array['core', 'crm', 'auto', 'iot', 'hooks'];

comment on function core.data_map_schemas() is
'The schemas in which every column that looks personal has to be mapped or excused. Internal.';

create function core.looks_personal(column_name text, type_name text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
begin atomic
    select signs.sign
    from (
        values
        (
            'a name',
            '(^|_)(sur|nick|user|first|last|full|given|middle|display)?names?(_|$)|initials'
        ),
        ('a mail address', 'mail'),
        ('a phone number', 'phone|mobile|msisdn|(^|_)(tel|fax|sms)(_|$)'),
        ('an address', 'address|street|(^|_)(city|town|zip|postcode|postal|house)(_|$)'),
        ('a network address', '(^|_)ip(s|v4|v6)?(_|$)|remote_addr|(^|_)network(_|$)'),
        ('a birth', 'birth|(^|_)(dob|age|died)(_|$)'),
        ('a special category', 'gender|(^|_)sex(_|$)|nationality|religio|ethnic|marital|health'),
        ('an official number', 'passport|licen[cs]e|(^|_)(ssn|vat|tax|national|identity)(_|$)'),
        ('an account', 'iban|(^|_)bic(_|$)|account_(number|holder)|(^|_)(card|bank|credit)(_|$)'),
        ('a vehicle''s keeper', '(^|_)(plate|vin|keeper|licence_plate)(_|$)|registration_n'),
        ('a place', '(^|_)(geo|lat|latitude|lon|lng|longitude|location|coordinates|gps)(_|$)'),
        ('a device of a person', 'user_?agent|browser|fingerprint|cookie|(^|_)session(_|$)'),
        (
            'a person',
            '_by(_id)?$|(^|_)(user|person|people|contact|customer|actor|owner|author|assignee'
            '|caller|principal|bidder|buyer|seller|sender|recipient|driver|employee|lead|subject'
            '|client|agent|reporter|approver)s?(_id|_ids)?$'
        ),
        (
            'content',
            '(^|_)(payload|body|data|notes?|comments?|remarks?|message|text|content|details'
            '|metadata|headers|answer|response|request|values?|raw|title|reason|description'
            '|identifiers)$'
        ),
        ('a likeness', 'photo|avatar|portrait|picture|(^|_)(signature|voice|biometric)(_|$)'),
        ('a secret', 'password|secret|(^|_)(token|credential)s?(_|$)')
    ) as signs (sign, pattern)
    where
        looks_personal.column_name ~* signs.pattern
        and looks_personal.type_name <> 'boolean'
    union all
    select 'a type that holds anything'
    where looks_personal.type_name in ('json', 'jsonb', 'xml', 'json[]', 'jsonb[]', 'hstore')
    union all
    select 'a network address'
    where looks_personal.type_name ~ '^(inet|cidr|macaddr|macaddr8)(\[\])?$'
    union all
    select 'a place'
    where looks_personal.type_name ~ '^(point|geometry|geography)'
    limit 1;
end;

comment on function core.looks_personal(text, text) is
'Of what a column with this name and type may be the datum: a name, a place, content …; null where
nothing speaks for a person. Internal.';

create function core.unmapped_columns()
returns table (table_schema text, table_name text, column_name text, looks_like text)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select
        columns.table_schema,
        columns.table_name,
        columns.column_name,
        core.looks_personal(columns.column_name, columns.type_name) as looks_like
    from (
        select
            namespaces.nspname::text as table_schema,
            classes.relname::text as table_name,
            attributes.attname::text as column_name,
            format_type(coalesce(nullif(types.typbasetype, 0), types.oid), null) as type_name
        from pg_namespace as namespaces
        inner join pg_class as classes on classes.relnamespace = namespaces.oid
        inner join pg_attribute as attributes on attributes.attrelid = classes.oid
        inner join pg_type as types on types.oid = attributes.atttypid
        where
            namespaces.nspname = any(core.data_map_schemas())
            and classes.relkind in ('r', 'p', 'm', 'f')
            and not classes.relispartition
            and attributes.attnum > 0
            and not attributes.attisdropped
    ) as columns
    left join core.personal_data as personal
        on
            personal.table_schema = columns.table_schema
            and personal.table_name = columns.table_name
            and personal.column_name = columns.column_name
    left join core.not_personal as excused
        on
            excused.table_schema = columns.table_schema
            and excused.table_name = columns.table_name
            and excused.column_name = columns.column_name
    where
        personal.column_name is null
        and excused.column_name is null
        and core.looks_personal(columns.column_name, columns.type_name) is not null
    order by columns.table_schema, columns.table_name, columns.column_name;
end;

comment on function core.unmapped_columns() is
'The columns of our schemas that look personal and are neither mapped nor excused: none, or a
migration has forgotten a line. Owner only.';

create function core.fails_checks(relation oid, number smallint, expression text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    one record;
    is_failing boolean;
begin
    for one in
        select
            pg_get_expr(constraints.conbin, constraints.conrelid) as condition,
            attributes.attname as name,
            format_type(attributes.atttypid, attributes.atttypmod) as type_name
        from pg_constraint as constraints
        inner join pg_attribute as attributes
            on attributes.attrelid = relation and attributes.attnum = fails_checks.number
        where
            constraints.conrelid = relation
            and constraints.contype = 'c'
            and constraints.conkey = array[fails_checks.number]
    loop
        execute format(
            'select not (%s) from (select (%s)::%s as %I) as sample',
            one.condition, expression, one.type_name, one.name
        )
        into is_failing
        using null::uuid[], '{}'::jsonb, '\x00'::bytea;
        if is_failing then
            return true;
        end if;
    end loop;
    return false;
end
$$;

comment on function core.fails_checks(oid, smallint, text) is
'Whether a check constraint of the column alone refuses the value of an expression. Internal.';

create function core.data_map_faults()
returns table (table_schema text, table_name text, column_name text, fault text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    mapped core.mapped_columns;
    link text;
    linked record;
    is_deleting boolean;
begin
    for mapped in select * from core.mapped_columns loop
        table_schema := mapped.table_schema;
        table_name := mapped.table_name;
        column_name := mapped.column_name;
        if mapped.number is null then
            fault := 'there is no such column';
            return next;
            continue;
        end if;

        if core.key_columns(mapped.relation) is null then
            fault := 'the table has no primary key';
            return next;
        end if;
        if
            core.tenant_column(mapped.relation) is null
            and mapped.subject !~ '^[a-z0-9_]+ is user_id$'
        then
            fault := 'a table of no tenant leads to the person by a user''s id alone';
            return next;
        end if;

        foreach link in array string_to_array(mapped.subject, ' or ') loop
            begin
                select
                    named.*,
                    format_type(attributes.atttypid, null) as type_name
                into linked
                from core.mapped_column(format(
                    '%I.%I.%I', table_schema, table_name, split_part(link, ' ', 1)
                )) as named
                inner join pg_attribute as attributes
                    on
                        attributes.attrelid = named.relation
                        and attributes.attnum = named.number;
                if split_part(link, ' ', 2) = 'in' then
                    perform core.subject_predicate(mapped.relation, link, 't', 'person');
                elsif split_part(link, ' ', 3) <> all(core.person_kinds()) then
                    fault := format('nobody is known by %s', split_part(link, ' ', 3));
                    return next;
                elsif
                    (linked.type_name = 'uuid') <> (split_part(link, ' ', 3) ~ '_id$')
                then
                    fault := format('%s is of the type %s', link, linked.type_name);
                    return next;
                end if;
            exception
                when undefined_column or no_data_found or program_limit_exceeded
                    or invalid_name then
                    fault := format('%s: the link leads nowhere', link);
                    return next;
            end;
        end loop;

        is_deleting := mapped.erasure = 'delete_row'
        or (mapped.erasure = 'keep' and mapped.retention is not null);
        fault := case
            when mapped.erasure in ('set_null', 'pseudonymise') and mapped.is_generated
                then 'a generated column cannot be written'
            when mapped.erasure = 'set_null' and mapped.is_not_null
                then 'a column that is not null cannot be set to null'
            when
                mapped.erasure = 'set_null'
                and core.fails_checks(mapped.relation, mapped.number, 'null')
                then 'a check refuses null'
            when
                mapped.erasure = 'pseudonymise'
                and core.pseudonym(mapped.type_name, mapped.category, 'x') is null
                then format('the type %s has no pseudonym', mapped.type_name)
            when
                mapped.erasure = 'pseudonymise'
                and mapped.type_name = 'character varying'
                and mapped.length_max between 0 and 50
                then 'the column is too short for a pseudonym'
            when
                mapped.erasure = 'pseudonymise'
                and exists (
                    select from pg_constraint as constraints
                    where
                        constraints.contype = 'f'
                        and (
                            (
                                constraints.conrelid = mapped.relation
                                and mapped.number = any(constraints.conkey)
                            )
                            or (
                                constraints.confrelid = mapped.relation
                                and mapped.number = any(constraints.confkey)
                            )
                        )
                )
                then 'a foreign key holds the column to its value'
            when
                mapped.erasure = 'pseudonymise'
                and core.fails_checks(
                    mapped.relation, mapped.number,
                    core.pseudonym(
                        mapped.type_name, mapped.category,
                        case mapped.type_name
                            when 'uuid' then '''00000000-0000-0000-0000-000000000000''::uuid'
                            else '''x'''
                        end
                    )
                )
                then 'a check refuses the pseudonym'
            when
                is_deleting
                and exists (
                    select from pg_constraint as constraints
                    inner join pg_class as children on children.oid = constraints.conrelid
                    inner join pg_namespace as namespaces
                        on namespaces.oid = children.relnamespace
                    where
                        constraints.contype = 'f'
                        and constraints.confrelid = mapped.relation
                        and constraints.conrelid <> mapped.relation
                        and constraints.confdeltype in ('a', 'r')
                        and not exists (
                            select from core.personal_data as child
                            where
                                child.table_schema = namespaces.nspname
                                and child.table_name = children.relname
                                and child.erasure = 'delete_row'
                                and child.subject ~ format(
                                    ' in %s\.%s\.', mapped.table_schema, mapped.table_name
                                )
                        )
                )
                then 'rows of other tables hold on to the row'
            when exists (
                select from core.personal_data as sibling
                where
                    sibling.table_schema = mapped.table_schema
                    and sibling.table_name = mapped.table_name
                    and sibling.subject = mapped.subject
                    and sibling.erasure <> mapped.erasure
                    and mapped.erasure = 'delete_row'
            )
                then 'the row is deleted, and another column of it is not'
            when
                mapped.retention_from is not null
                and not exists (
                    select from pg_attribute as attributes
                    where
                        attributes.attrelid = mapped.relation
                        and attributes.attname = mapped.retention_from
                        and attributes.atttypid
                        in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
                )
                then 'retention counts from a column that is no time'
            when exists (
                select from core.not_personal as excused
                where
                    excused.table_schema = mapped.table_schema
                    and excused.table_name = mapped.table_name
                    and excused.column_name = mapped.column_name
            )
                then 'the column is mapped and excused'
        end;
        if fault is not null then
            return next;
        end if;
    end loop;

    for table_schema, table_name, column_name in
        select
            excused.table_schema,
            excused.table_name,
            excused.column_name
        from core.not_personal as excused
        where to_regclass(format('%I.%I', excused.table_schema, excused.table_name)) is null
        or not exists (
            select from pg_attribute as attributes
            where
                attributes.attrelid
                = to_regclass(format('%I.%I', excused.table_schema, excused.table_name))
                and attributes.attname = excused.column_name
                and not attributes.attisdropped
        )
    loop
        fault := 'there is no such column';
        return next;
    end loop;
end
$$;

comment on function core.data_map_faults() is
'What does not fit in the data map: lines of columns that are gone, and methods of erasure that
their columns would refuse. None, or a migration has forgotten a line. Owner only.';

-- The map in the words of Fides

create function core.fides_type(type_name text) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return case
    when type_name in ('json', 'jsonb') then 'object'
    when type_name in ('smallint', 'integer', 'bigint') then 'integer'
    when type_name in ('real', 'double precision', 'numeric') then 'float'
    when type_name = 'boolean' then 'boolean'
    else 'string'
end;

comment on function core.fides_type(text) is 'What Fides calls a type of Postgres. Internal.';

create function core.data_map_fides() returns jsonb
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    with links as (
        select distinct
            columns.relation,
            split_part(link, ' ', 1) as held_in,
            case split_part(link, ' ', 2) when 'is' then split_part(link, ' ', 3) end as kind,
            case
                when split_part(link, ' ', 2) = 'in'
                    then string_to_array(split_part(link, ' ', 3), '.')
            end as parent
        from core.mapped_columns as columns
        cross join string_to_table(columns.subject, ' or ') as link
        where columns.number is not null
    ),
    link_meta as (
        select
            links.relation,
            links.held_in,
            min(replace(links.kind, 'phone', 'phone_number')) as identity,
            jsonb_agg(
                jsonb_build_object(
                    'dataset', 'tenon_' || links.parent[1],
                    'field', links.parent[2] || '.' || links.parent[3],
                    'direction', 'from'
                )
                order by links.parent
            ) filter (where links.parent is not null) as parents
        from links
        group by links.relation, links.held_in
    ),
    mapped_tables as (
        select distinct columns.relation
        from core.mapped_columns as columns
        where columns.number is not null
    ),
    fields as (
        select
            namespaces.nspname::text as table_schema,
            classes.oid as relation,
            classes.relname::text as table_name,
            attributes.attnum as position,
            jsonb_strip_nulls(
                jsonb_build_object(
                    'name', attributes.attname,
                    'description', col_description(classes.oid, attributes.attnum),
                    'data_categories',
                    jsonb_build_array(coalesce(personal.category, 'system.operations')),
                    'fides_meta', jsonb_build_object(
                        'primary_key',
                        nullif(attributes.attname = any(core.key_columns(classes.oid)), false),
                        'identity', link_meta.identity,
                        'data_type', core.fides_type(format_type(attributes.atttypid, null)),
                        'length', case
                            when attributes.atttypid = 'varchar'::regtype
                                then nullif(attributes.atttypmod - 4, -5)
                        end,
                        'references', link_meta.parents
                    )
                )
            ) as field
        from mapped_tables
        inner join pg_class as classes on classes.oid = mapped_tables.relation
        inner join pg_namespace as namespaces on namespaces.oid = classes.relnamespace
        inner join pg_attribute as attributes
            on
                attributes.attrelid = classes.oid
                and attributes.attnum > 0
                and not attributes.attisdropped
        left join core.mapped_columns as personal
            on
                personal.relation = classes.oid
                and personal.number = attributes.attnum
        left join link_meta
            on
                link_meta.relation = classes.oid
                and link_meta.held_in = attributes.attname
        where
            personal.column_name is not null
            or namespaces.nspname = any(core.data_map_schemas())
    ),
    collections as (
        select
            fields.table_schema,
            fields.table_name,
            jsonb_strip_nulls(
                jsonb_build_object(
                    'name', fields.table_name,
                    'description', obj_description(fields.relation, 'pg_class'),
                    'fields', jsonb_agg(fields.field order by fields.position)
                )
            ) as collection
        from fields
        group by fields.table_schema, fields.table_name, fields.relation
    ),
    datasets as (
        select
            jsonb_build_object(
                'fides_key', 'tenon_' || collections.table_schema,
                'name', 'Tenon: ' || collections.table_schema,
                'description', 'Tables of the schema ' || collections.table_schema
                || ' that hold personal data.',
                'collections', jsonb_agg(collections.collection order by collections.table_name)
            ) as dataset,
            collections.table_schema
        from collections
        group by collections.table_schema
    )
    select
        jsonb_build_object(
            'dataset',
            coalesce(jsonb_agg(datasets.dataset order by datasets.table_schema), '[]')
        )
    from datasets;
end;

comment on function core.data_map_fides() is
'The data map as datasets of Fides, one for each schema: what `fides` reads as YAML, in JSON, which
is YAML. Columns of ours without a line are system.operations. Owner only.';

revoke all on function
core.data_map_schemas(),
core.looks_personal(text, text),
core.unmapped_columns(),
core.fails_checks(oid, smallint, text),
core.data_map_faults(),
core.fides_type(text),
core.data_map_fides()
from public;
