-- What functions of the API answer to arguments that make no sense: always one of our errors, never
-- one of Postgres.
begin;
\ir ../support/fixtures.sql
select plan(2);

insert into crm.contacts (tenant_id, id, given_name) values
(:acme, '00000000-0000-4000-c000-000000000001', 'Ann');

create temporary table hostile (type text, place integer, value text);
insert into hostile (type, place, value)
select
    of_type.type,
    of_value.place,
    of_value.value
from (
    values
    ('uuid', array['00000000-0000-0000-0000-000000000000', '00000000-0000-4000-c000-000000000001']),
    (
        'text',
        array[
            '', repeat('x', 100000), 'crm.contacts', 'crm.deals', e'a\n\u0001%_$1 \'; drop', 'sales'
        ]
    ),
    (
        'jsonb',
        array[
            '{}', '[]', '"x"', '{"all": []}',
            '{"a": {"b": [1, null]}, "field": "name", "op": "=", "value": "x"}',
            '[' || repeat('1,', 9999) || '1]'
        ]
    ),
    ('integer', array['0', '-1', '2147483647', '1', '20', '-2147483648']),
    ('bigint', array['0', '-1', '9223372036854775807', '1', '20', '-9223372036854775808']),
    ('boolean', array['true', 'false']),
    ('timestamp with time zone', array['infinity', '-infinity', '2026-01-01', '294276-01-01']),
    ('date', array['infinity', '-infinity', '2026-01-01', '0001-01-01', '5874897-01-01']),
    ('interval', array['0', '-1 day', '178000000 years', '1 day']),
    ('text[]', array['{}', '{null}', '{crm.contacts}', '{{a},{b}}']),
    (
        'uuid[]',
        array[
            '{}', '{null}', '{00000000-0000-4000-c000-000000000001}',
            '{{00000000-0000-4000-c000-000000000001}}',
            array_fill('00000000-0000-4000-c000-000000000001'::uuid, array[5000])::text
        ]
    ),
    ('integer[]', array['{}', '{null}', '{1}', '{{1}}'])
) as of_type (type, list)
cross join lateral unnest(of_type.list) with ordinality as of_value (value, place);
grant select on hostile to authenticated;

-- What each function raises that is none of ours: with nulls alone, then value by value.
create function pg_temp.raw_errors() returns table (called text, code text, message text)
language plpgsql
as $$
declare
    tried record;
    arguments text;
begin
    for tried in
        select
            procs.proname as name,
            array(
                select format_type(argument, null) from unnest(procs.proargtypes) as argument
            ) as types
        from pg_proc as procs
        where
            procs.pronamespace = 'v1'::regnamespace
            and has_function_privilege('authenticated', procs.oid, 'execute')
        order by procs.proname
    loop
        for round in 0 .. 6 loop
            select string_agg(
                format('%L::%s', hostile.value, argument.type), ', ' order by argument.place
            )
            into arguments
            from unnest(tried.types) with ordinality as argument (type, place)
            left join hostile
                on hostile.type = argument.type and hostile.place = round;
            begin
                execute format('select count(*) from v1.%I(%s)', tried.name, arguments);
            exception
                when sqlstate 'PGRST' then null;
                when others then
                    called := left(format('%I(%s)', tried.name, arguments), 200);
                    code := sqlstate;
                    message := sqlerrm;
                    return next;
            end;
        end loop;
    end loop;
end
$$;

:as_ada
select is_empty('select * from pg_temp.raw_errors()', 'an owner is answered in our words');
:as_eve
select is_empty('select * from pg_temp.raw_errors()', 'and so is a stranger');

select * from finish();
rollback;
