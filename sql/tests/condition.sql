-- Conditions as SQL has them; what they mean is tested in the domain.
begin;
\ir ../support/fixtures.sql
select plan(17);

create function pg_temp.refusal(condition jsonb) returns text
language plpgsql
as $$
declare
    head text;
begin
    perform tenon.condition_check(condition);
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

select is(
    pg_temp.refusal('{"all": [{"field": "a", "op": "=", "value": 1}]}'), 'no error',
    'a condition is let through'
);
select is(
    pg_temp.refusal('{"all": [{"field": "a", "op": "=", "value": 1}, {"field": "b", "op": "~"}]}'),
    '400 condition.operator_unknown /all/1/op', 'what is wrong has a code and a place'
);
select set_eq(
    $$
        select substring(pg_temp.refusal(wrong) from 'condition\.\w+')
        from unnest(
            array[
                '[]', '{"field": "", "op": "is_null"}', '{"field": "a", "op": ""}',
                '{"field": "a", "op": "="}', '{"field": "a", "op": "matches", "value": "("}',
                '{"not":{"not":{"not":{"not":{"not":{"not":{"not":{"not":{"not":1}}}}}}}}}'
            ]::jsonb[]
            || jsonb_build_object('field', repeat('x', 20000))
        ) as wrong
    $$,
    $$
        select code
        from core.errors
        where
            code like 'condition.%'
            and code not in (
                'condition.field_unknown', 'condition.operator_unfit', 'condition.fields_malformed'
            )
    $$,
    'and every code but those about fields is in the catalogue'
);
select is(
    pg_temp.refusal(to_jsonb(('1' || repeat('0', 100000))::numeric)),
    '413 condition.too_large ', 'a very long number is refused'
);

select ok(
    tenon.condition_holds(
        '{"all": [
            {"field": "type", "op": "starts_with", "value": "crm."},
            {"field": "data.amount", "op": ">", "value": 99.99},
            {"not": {"field": "data.stage", "op": "in", "value": ["lost", "won"]}}
        ]}',
        '{"type": "crm.deal.moved", "data": {"amount": 100, "stage": "offer"}}'
    ), 'a condition holds'
);
select ok(
    not tenon.condition_holds(
        '{"field": "data.amount", "op": ">", "value": 99.99}', '{"data": {"amount": 99.99}}'
    ), 'or does not'
);
select is(
    array[
        tenon.condition_holds('{"field": "a", "op": "!=", "value": 1}', '{}'),
        tenon.condition_holds('{"not": {"field": "a", "op": "=", "value": 1}}', '{}'),
        tenon.condition_holds('{"field": "a", "op": "!=", "value": 1}', '{"a": null}'),
        tenon.condition_holds('{"field": "a", "op": "!=", "value": 1}', '{"a": "NaN"}')
    ], '{f,f,f,f}'::boolean[], 'what is unknown does not hold, nor does its negation'
);
select ok(
    tenon.condition_holds(
        '{"field": "at", "op": "<", "value": "2026-11-21T12:00:00+01:00"}',
        jsonb_build_object('at', '2026-11-21 10:59:59+00'::timestamptz)
    ), 'an instant that Postgres writes is one'
);
select ok(
    tenon.condition_holds(
        '{"field": "n", "op": ">", "value": 9007199254740992}', '{"n": 9007199254740993}'
    ), 'numbers are not rounded'
);
select ok(
    tenon.condition_holds(
        '{"field": "n", "op": ">", "value": 1}',
        jsonb_build_object('n', ('1' || repeat('0', 100000))::numeric)
    ), 'not even very long ones'
);
select is(
    pg_temp.code_of($$select tenon.condition_holds('{"field": "a"}', '{}')$$),
    'condition.malformed', 'what is no condition is refused when it is asked'
);
select is(
    tenon.condition_holds(null, '{}'), null, 'no condition has no answer'
);
select ok(
    not tenon.condition_holds('{"field": "a", "op": "=", "value": 1}', '[{"a": 1}]'),
    'a list has no fields'
);

-- More conditions than a session keeps ready.
select is(
    (
        select array_agg(distinct asked.holds)
        from (
            select
                tenon.condition_holds(
                    jsonb_build_object('field', 'a', 'op', '=', 'value', n % 700),
                    jsonb_build_object('a', n % 700)
                ) as holds
            from generate_series(1, 2100) as n
        ) as asked
    ), '{t}'::boolean[], 'each of many conditions is asked for itself'
);
select is(
    (
        select count(*)
        from generate_series(1, 2100) as n
        where tenon.condition_holds(
            jsonb_build_object('field', 'a', 'op', '=', 'value', n % 300), '{"a": 7}'
        )
    ), 7::bigint, 'and none is taken for another one'
);

select is(
    (
        select array_agg(distinct concat_ws(' ', provolatile, proparallel, proisstrict))
        from pg_proc
        where proname in ('condition_check', 'condition_holds') and pronargs <= 2
    ), '{i s t}', 'they are immutable, strict, and may run in parallel'
);

-- A regular expression that would keep others busy for longer than the universe.
select ok(
    not tenon.condition_holds(
        '{"field": "a", "op": "matches", "value": "^(([a-z])+.)+[A-Z]([a-z])+$"}',
        jsonb_build_object('a', repeat('a', 4000))
    ), 'no pattern takes long'
);

select * from finish();
rollback;
