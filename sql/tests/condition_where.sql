-- Conditions as SQL find the rows for which conditions hold, whatever is in either.
begin;
\ir ../support/fixtures.sql
select plan(20);

create temporary table things (
    id integer primary key,
    amount bigint,
    price numeric,
    ratio double precision,
    name text,
    code varchar(40),
    is_won boolean,
    seen_at timestamptz,
    due date,
    owner_id uuid,
    tags text[],
    data jsonb,
    custom jsonb,
    whole jsonb
);

create function pg_temp.fields() returns jsonb
language sql
as $$
    select jsonb_object_agg(field, jsonb_build_object('type', type))
    from (
        values
            ('amount', 'number'), ('price', 'number'), ('ratio', 'number'), ('name', 'text'),
            ('code', 'text'), ('is_won', 'boolean'), ('seen_at', 'instant'), ('due', 'date'),
            ('owner_id', 'id'), ('tags', 'list'), ('data', 'json'), ('custom.n', 'number'),
            ('custom.t', 'text'), ('custom.b', 'boolean'), ('custom.i', 'instant'),
            ('custom.d', 'date'), ('custom.o', 'id'), ('custom.l', 'list'), ('custom.j', 'json'),
            ('custom.in.side', 'number')
    ) as fields (field, type)
$$;

-- What stands in rows, and what conditions compare with.
create function pg_temp.pool(type text) returns jsonb
language sql immutable
as $$
    select case type
        when 'number' then '[
            0, 1, -1, 2, 1.0, 2.50, 0.1, 0.3, 0.30000000000000004, 9007199254740992,
            9007199254740993, 1e20, -1e-30, 12345678901234567890.123456789012345678901,
            12345678901234567890.123456789012345678902, 10000, 0.0001
        ]'
        when 'text' then '[
            "", "a", "A", "ab", "b", "B", "it''s", "a\"b", "a\\b", "100%", "a_b", "ä", "a\u0308",
            "日本", "😀", "$1", "\"; drop table things; --", "2026-11-21", "2026-11-20",
            "2026-11-21T12:00:00Z", "2026-11-21T13:00:00+01:00", "null", " a", "z", "{ä}"
        ]'
        when 'boolean' then '[true, false]'
        when 'instant' then '[
            "2026-11-21T12:00:00Z", "2026-11-21T13:00:00+01:00", "2026-11-21T12:00:00.000001Z",
            "2026-10-22T12:00:00Z", "1999-12-31T23:59:59Z", "0001-01-02T00:00:00Z"
        ]'
        when 'date' then '["2026-11-21", "2026-11-20", "2026-10-22", "0001-01-01", "9999-12-31"]'
        when 'id' then '[
            "00000000-0000-4000-8000-00000000000a", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
        ]'
        when 'list' then '[
            [], ["a"], ["a", "b", null], ["ä"], ["it''s"], [["a"]], [1, "b"], {"a": 1}, ["100%"]
        ]'
        when 'relative' then '[
            {"ago": "P30D"}, {"ago": "P0D"}, {"ahead": "P1D"}, {"ago": "P1Y1M"}, {"ahead": "PT1H"},
            {"ago": "P9000Y"}
        ]'
        else '[null, {}, {"a": 1}]'
    end::jsonb
$$;

create function pg_temp.any_of(list jsonb) returns jsonb
language sql volatile
as $$select list -> floor(random() * jsonb_array_length(list))::integer$$;

create function pg_temp.any_text(list text[]) returns text
language sql volatile
as $$select list[1 + floor(random() * cardinality(list))::integer]$$;

-- Of the type, of another one, null or missing.
create function pg_temp.custom() returns jsonb
language plpgsql
as $$
declare
    made jsonb := '{}';
    field record;
begin
    for field in
        select substr(fields.key, 8) as name, fields.value ->> 'type' as type
        from jsonb_each(pg_temp.fields()) as fields
        where fields.key like 'custom.%'
    loop
        continue when random() < 0.15;
        made := jsonb_set(
            made || case when field.name = 'in.side' then '{"in": {}}' else '{}' end::jsonb,
            string_to_array(field.name, '.'),
            pg_temp.any_of(pg_temp.pool(
                case
                    when random() < 0.75 then field.type
                    else pg_temp.any_text('{number,text,boolean,instant,date,list,json}')
                end
            ))
        );
    end loop;
    if random() < 0.1 then
        made := made || '{"in": [1]}';
    end if;
    return made;
end
$$;

create function pg_temp.any_value(type text) returns jsonb
language sql volatile
as $$
    select case
        when type in ('instant', 'date') and random() < 0.4
            then pg_temp.any_of(pg_temp.pool('relative'))
        else pg_temp.any_of(pg_temp.pool(type))
    end
$$;

create function pg_temp.any_leaf() returns jsonb
language plpgsql
as $$
declare
    field text;
    type text;
    op text;
    value jsonb;
begin
    select fields.key, fields.value ->> 'type' into strict field, type
    from jsonb_each(pg_temp.fields()) as fields
    order by random()
    limit 1;
    op := pg_temp.any_text(
        '{is_null,is_not_null}'::text[]
        || case
            when type in ('list', 'json') then '{}'
            else '{=,!=,in}'::text[]
        end
        || case
            when type in ('text', 'number', 'instant', 'date') then '{<,<=,>,>=,between}'::text[]
            else '{}'
        end
        || case type
            when 'text' then '{contains,starts_with,ends_with,matches,contains,ends_with}'::text[]
            when 'list' then '{contains,contains,contains,changed}'
            else '{}'
        end
    );
    value := case
        when op in ('is_null', 'is_not_null', 'changed') then null
        when op = 'in' then (
            select jsonb_agg(pg_temp.any_of(pg_temp.pool(type)))
            from generate_series(0, floor(random() * 4)::integer)
        )
        when op = 'between' then jsonb_build_array(pg_temp.any_value(type), pg_temp.any_value(type))
        when op = 'matches' then pg_temp.any_of('["^a", "b$", "^.$", "%", "^[ä日]", "\\d{4}"]')
        when type = 'list' then pg_temp.any_of(pg_temp.pool('text'))
        else pg_temp.any_value(type)
    end;
    return jsonb_strip_nulls(jsonb_build_object('field', field, 'op', op, 'value', value));
end
$$;

create function pg_temp.any_tree(levels integer) returns jsonb
language plpgsql
as $$
declare
    inner_ones jsonb;
begin
    if levels <= 1 or random() < 0.3 then
        return pg_temp.any_leaf();
    elsif random() < 0.3 then
        return jsonb_build_object('not', pg_temp.any_tree(levels - 1));
    end if;
    select jsonb_agg(pg_temp.any_tree(levels - 1)) into strict inner_ones
    from generate_series(0, floor(random() * 3)::integer);
    return jsonb_build_object(pg_temp.any_text('{all,any}'), inner_ones);
end
$$;

select setseed(0.2711);

insert into things
select
    number,
    (pg_temp.any_of('[null, 0, 1, -1, 2, 10000, 9007199254740993]') #>> '{}')::bigint,
    case
        when random() < 0.1 then pg_temp.any_text('{NaN,Infinity,-Infinity}')
        when random() < 0.9 then pg_temp.any_of(pg_temp.pool('number'))::text
    end::numeric,
    case
        when random() < 0.1 then pg_temp.any_text('{NaN,Infinity,-Infinity}')
        when random() < 0.9 then pg_temp.any_of(pg_temp.pool('number'))::text
    end::double precision,
    case when random() < 0.9 then pg_temp.any_of(pg_temp.pool('text')) #>> '{}' end,
    case when random() < 0.9 then pg_temp.any_of(pg_temp.pool('text')) #>> '{}' end,
    (pg_temp.any_of('[true, false, null]') #>> '{}')::boolean,
    case
        when random() < 0.1
            then pg_temp.any_text('{infinity,-infinity,0044-03-15 12:00+00 BC,12026-01-01 00:00Z}')
        when random() < 0.9 then pg_temp.any_of(pg_temp.pool('instant')) #>> '{}'
    end::timestamptz,
    case
        when random() < 0.1
            then pg_temp.any_text('{infinity,-infinity,0044-03-15 BC,12026-01-01}')
        when random() < 0.9 then pg_temp.any_of(pg_temp.pool('date')) #>> '{}'
    end::date,
    case when random() < 0.9 then pg_temp.any_of(pg_temp.pool('id')) #>> '{}' end::uuid,
    case
        when random() < 0.9 then pg_temp.any_text('{"{}","{a}","{a,b,NULL}","{ä,100%}","{{a}}"}')
    end::text[],
    case when random() < 0.8 then pg_temp.any_of(pg_temp.pool('json')) end,
    case when random() < 0.9 then pg_temp.custom() end
from generate_series(1, 250) as number;
update things set whole = to_jsonb(things);
analyze things;

create temporary table trees as
select
    number,
    case
        when number % 5 = 0 then jsonb_build_object('not', pg_temp.any_leaf())
        else pg_temp.any_tree(1 + number % 4)
    end as condition
from generate_series(1, 1000) as number;

-- How many rows a condition holds of, and of how many the two say different things.
create function pg_temp.asked(condition jsonb, out held integer, out differing integer)
language plpgsql
as $$
begin
    execute format(
        'select
            count(*) filter (where asked.found),
            count(*) filter (where asked.found <> asked.holds)
        from (
            select
                (%s) is true as found,
                tenon.condition_holds($3, record.whole, null, $2) as holds
            from things as record
        ) as asked',
        tenon.condition_where(condition, pg_temp.fields(), 'record')
    ) into strict held, differing
    using
        tenon.condition_values(condition, pg_temp.fields()),
        timestamptz '2026-11-21 12:00:00Z',
        condition;
end
$$;

create temporary table asked as
select
    trees.condition,
    asked.held,
    asked.differing
from trees, pg_temp.asked(trees.condition) as asked;

select is_empty(
    'select condition, held, differing from asked where differing > 0 limit 5',
    'SQL finds exactly the rows for which a condition holds'
);
select cmp_ok(
    (select count(*) from asked where held between 1 and 249), '>', 450::bigint,
    'and about half of the conditions tell rows apart'
);
create function pg_temp.operators() returns text[]
language sql
as $$
    select array[
        '=', '!=', '<', '<=', '>', '>=', 'in', 'between', 'contains', 'starts_with', 'ends_with',
        'matches', 'is_null', 'is_not_null'
    ]
$$;
select set_eq(
    $$
        select distinct condition ->> 'op'
        from asked
        where condition ? 'op' and held between 1 and 249
    $$,
    pg_temp.operators(),
    'by every operator'
);
select set_eq(
    $$
        select distinct condition #>> '{not,op}'
        from asked
        where condition -> 'not' ? 'op' and held between 1 and 249
    $$,
    pg_temp.operators(),
    'and by the negation of every operator'
);
select is_empty(
    $$
        select asked.condition
        from asked, pg_temp.asked(tenon.condition_canonical(asked.condition)) as canonical
        where canonical.held <> asked.held or canonical.differing > 0
    $$,
    'a condition in its one spelling means the same'
);
select is_empty(
    $$
        select condition
        from asked
        where
            tenon.condition_canonical(tenon.condition_canonical(condition))
            <> tenon.condition_canonical(condition)
            or tenon.condition_hash(tenon.condition_canonical(condition))
            <> tenon.condition_hash(condition)
    $$,
    'which is its own'
);
select is(
    tenon.condition_hash(
        '{"all": [
            {"field": "amount", "op": "=", "value": 1.50},
            {"field": "seen_at", "op": "<", "value": "2026-11-21T13:00:00+01:00"},
            {"any": [{"field": "name", "op": "in", "value": ["b", "a", "b"]}]}
        ]}'
    ),
    tenon.condition_hash(
        '{"all": [
            {"all": [{"field": "name", "op": "in", "value": ["a", "b"]}]},
            {"not": {"not": {"field": "seen_at", "op": "<", "value": "2026-11-21T12:00:00Z"}}},
            {"field": "amount", "op": "=", "value": 15e-1}
        ]}'
    ), 'what says the same in another order and spelling has the same hash'
);

-- changed compares with what was before; in SQL nothing is known of that.
select is(
    array[
        tenon.condition_holds(
            '{"field": "a", "op": "changed"}', '{"a": 1.0}', '{"a": 2}', null
        ),
        tenon.condition_holds(
            '{"field": "a", "op": "changed"}', '{"a": 1.0}', '{"a": 1}', null
        ),
        tenon.condition_holds(
            '{"field": "a", "op": "changed"}', '{"a": {"b": [1.0, "x"]}}', '{"a": {"b": [1, "x"]}}',
            null
        ),
        tenon.condition_holds(
            '{"field": "a", "op": "changed"}', '{"a": {"b": [1, "x"]}}', '{"a": {"c": [1, "x"]}}',
            null
        ),
        tenon.condition_holds('{"field": "a", "op": "changed"}', '{"a": 1}', '{}', null),
        tenon.condition_holds('{"field": "a", "op": "changed"}', '{"a": null}', '{}', null),
        tenon.condition_holds('{"field": "a", "op": "changed"}', '{"a": 1}', null, null),
        tenon.condition_holds('{"field": "a", "op": "changed"}', '{"a": 1}')
    ], '{t,f,f,t,t,f,f,f}'::boolean[], 'changed compares with the record before'
);
select is(
    array[
        tenon.condition_holds(
            '{"field": "at", "op": ">=", "value": {"ago": "P30D"}}',
            '{"at": "2026-10-22T12:00:00Z"}', null, '2026-11-21 12:00:00Z'
        ),
        tenon.condition_holds(
            '{"field": "at", "op": ">=", "value": {"ago": "P30D"}}',
            '{"at": "2026-10-22T11:59:59Z"}', null, '2026-11-21 12:00:00Z'
        ),
        tenon.condition_holds(
            '{"field": "at", "op": "=", "value": {"ahead": "P1D"}}',
            '{"at": "2026-11-22"}', null, '2026-11-21 23:59:59Z'
        ),
        tenon.condition_holds(
            '{"field": "at", "op": ">=", "value": {"ago": "P30D"}}',
            '{"at": "2026-10-22T12:00:00Z"}'
        )
    ], '{t,f,t,f}'::boolean[], 'times are relative to the instant that is given'
);

create function pg_temp.refusal(condition jsonb) returns text
language plpgsql
as $$
declare
    head text;
begin
    perform tenon.condition_check(condition, pg_temp.fields() || '{
        "stage": {"type": "text", "values": ["new", "won"]}
    }');
    return 'no error';
exception
    when sqlstate 'PGRST' then
        get stacked diagnostics head = pg_exception_detail;
        return concat_ws(
            ' ', head::jsonb ->> 'status', sqlerrm::jsonb ->> 'code',
            (sqlerrm::jsonb ->> 'details')::jsonb ->> 'path'
        );
end
$$;

select results_eq(
    $$
        select pg_temp.refusal(wrong)
        from unnest(array[
            '{"any": [{"not": {"field": "amuont", "op": "=", "value": 1}}]}',
            '{"field": "custom.none", "op": "is_null"}',
            '{"field": "amount", "op": "contains", "value": "1"}',
            '{"field": "is_won", "op": "<", "value": 1}',
            '{"all": [{"field": "tags", "op": "=", "value": "a"}]}',
            '{"field": "data", "op": "=", "value": 1}',
            '{"field": "amount", "op": "=", "value": "1"}',
            '{"field": "seen_at", "op": ">", "value": "2026-11-21"}',
            '{"field": "seen_at", "op": ">", "value": "yesterday"}',
            '{"field": "due", "op": "=", "value": "2026-02-30"}',
            '{"field": "due", "op": "in", "value": ["2026-02-28", "x"]}',
            '{"field": "owner_id", "op": "=", "value": "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"}',
            '{"field": "name", "op": "between", "value": ["a", {"ago": "P1D"}]}',
            '{"field": "stage", "op": "in", "value": ["new", "gone"]}',
            '{"field": "stage", "op": "in", "value": ["new", "won"]}'
        ]::jsonb[]) as wrong
    $$,
    array[
        '400 condition.field_unknown /any/0/not/field',
        '400 condition.field_unknown /field',
        '400 condition.operator_unfit /op',
        '400 condition.operator_unfit /op',
        '400 condition.operator_unfit /all/0/op',
        '400 condition.operator_unfit /op',
        '400 condition.value_invalid /value',
        '400 condition.value_invalid /value',
        '400 condition.value_invalid /value',
        '400 condition.value_invalid /value',
        '400 condition.value_invalid /value',
        '400 condition.value_invalid /value',
        '400 condition.value_invalid /value',
        '400 condition.value_invalid /value',
        'no error'
    ],
    'what is not for a field is refused, with its place'
);
select throws_like(
    $$
        select tenon.condition_where(
            '{"field": "amuont", "op": "=", "value": 1}', pg_temp.fields(), 'r'
        )
    $$, '%no field amuont%', 'an unknown field is named'
);
select is(
    pg_temp.code_of(
        $$
            select tenon.condition_check(
                '{"field": "a", "op": "is_null"}', '{"a": {"type": "blob"}}'
            )
        $$
    ), 'XX001', 'fields of no type are whoever wrote them''s mistake'
);

-- What a user writes is in the values, never in the text.
select is(
    (
        select count(*)
        from
            unnest(
                array['''', '"', '\', ';', '--', '$1', '%s', E'\n', 'x'' or true --']
            ) as hostile,
            unnest(array['=', 'contains', 'starts_with', 'matches', '<']) as op,
            jsonb_build_object(
                'field', 'custom.HOSTILE' || hostile,
                'op', op,
                'value', 'HOSTILE' || regexp_replace(hostile, '[\\$]', '', 'g')
            ) as condition,
            jsonb_build_object('custom.HOSTILE' || hostile, '{"type": "text"}'::jsonb) as fields
        where tenon.condition_where(condition, fields, 'r') ~ 'HOSTILE'
    ), 0::bigint, 'neither names of custom fields nor values are in the text'
);
do $$
begin
    execute format(
        'create temporary table %I (%I integer, custom jsonb)', 'odd"; drop table things; --', 'x"y'
    );
    execute format(
        'insert into %I values ($1, $2)', 'odd"; drop table things; --'
    ) using 7, '{"it''s": "%s $1"}'::jsonb;
end
$$;
create function pg_temp.found(condition jsonb, fields jsonb) returns bigint
language plpgsql
as $$
declare
    found bigint;
begin
    execute format(
        'select count(*) from %I as %I where %s',
        'odd"; drop table things; --', 'r"; --', tenon.condition_where(condition, fields, 'r"; --')
    ) into strict found
    using tenon.condition_values(condition, fields), now();
    return found;
end
$$;
select is(
    pg_temp.found(
        '{"all": [
            {"field": "x\"y", "op": "=", "value": 7},
            {"field": "custom.it''s", "op": "=", "value": "%s $1"}
        ]}',
        '{"x\"y": {"type": "number"}, "custom.it''s": {"type": "text"}}'
    ), 1::bigint, 'columns and aliases are quoted, whatever they are called'
);
select is(
    tenon.condition_where(
        '{"all": [
            {"field": "amount", "op": ">=", "value": 10000},
            {"not": {"field": "custom.t", "op": "in", "value": ["x", "y"]}}
        ]}', pg_temp.fields(), 'r'
    ),
    '(("r"."amount"::text::numeric >= ($1 ->> 0)::numeric and "r"."amount"::text::numeric '
    || '< ''Infinity'') and (jsonb_typeof(("r"."custom" -> ($1 ->> 1))) = ''string'' and '
    || '("r"."custom" -> ($1 ->> 1)) not in (($1 -> 2), ($1 -> 3))))',
    'the text is made of columns, operators and places of values'
);

-- Values are constants by the time of planning, so that indexes serve.
create index on things (seen_at);
create index on things (name);
create index on things ((custom -> 't'));
create index on things using gin (tags);
set local enable_seqscan = off;
create function pg_temp.plan_of(condition jsonb) returns text
language plpgsql
as $$
declare
    plan json;
begin
    execute 'explain (costs off, format json) select from things as r where '
    || tenon.condition_where(condition, pg_temp.fields(), 'r')
    into strict plan
    using tenon.condition_values(condition, pg_temp.fields()), now();
    return plan::text;
end
$$;
select is(
    (
        select count(*)
        from
            unnest(
                array[
                    '{"not": {"field": "seen_at", "op": "<", "value": {"ago": "P1D"}}}',
                    '{"field": "name", "op": "in", "value": ["a", "b"]}',
                    '{"field": "custom.t", "op": "=", "value": "a"}',
                    '{"field": "tags", "op": "contains", "value": "a"}'
                ]::jsonb[]
            ) as condition
        where pg_temp.plan_of(condition) like '%"Index Cond"%'
    ), 4::bigint, 'indexes serve times, texts, custom fields and lists'
);

-- Words and forms.
select is(
    array[
        tenon.condition_text('{"all": [
            {"field": "amount", "op": ">=", "value": 10000},
            {"field": "stage", "op": "=", "value": "won"}
        ]}'),
        tenon.condition_text(
            '{"any": [
                {"not": {"field": "seen_at", "op": "<", "value": {"ago": "P30D"}}},
                {"field": "name", "op": "contains", "value": "a b"}
            ]}',
            '{"seen_at": {"type": "instant", "label": "Last seen"}}'
        ),
        tenon.condition_text(null)
    ],
    array[
        'amount ≥ 10,000 and stage is won',
        'not (Last seen is before 30 days ago) or name contains “a b”',
        null
    ], 'a condition can be read by people'
);
select is(
    tenon.condition_schema(pg_temp.fields()) #> '{$defs,field is_won,oneOf,0,properties}',
    '{
        "op": {"enum": ["=", "!="]}, "field": {"const": "is_won"}, "value": {"type": "boolean"}
    }'::jsonb, 'and described for a form'
);
select is(
    (
        select array_agg(distinct concat_ws(' ', provolatile, proparallel))
        from pg_proc
        where pronamespace = 'tenon'::regnamespace and proname like 'condition\_%'
    ), '{"i s"}', 'all of it is immutable, and may run in parallel'
);
select results_eq(
    $$
        select tenon.condition_instant(text), tenon.condition_date(text)
        from unnest('{2026-11-21T12:00:00+01:00,2026-11-21,x,infinity}'::text[]) as text
    $$,
    $$
        values
            (timestamptz '2026-11-21 11:00:00Z', null::date), (null, date '2026-11-21'),
            (null, null), (null, null)
    $$, 'texts are times where conditions take them for times'
);

select * from finish();
rollback;
