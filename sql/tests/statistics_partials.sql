begin;
\ir ../support/fixtures.sql
select plan(27);

-- A table that workers can read, unlike a temporary one.
do $$ begin perform setseed(0.7); end $$;
create table public.statistics_readings as
select
    n % 5 as place,
    timestamptz '2026-01-01 00:00Z' + n * interval '3 seconds' + random() * interval '2 s' as at,
    case when n % 50 <> 0 then round((random() * 200 - 100)::numeric, 3)::double precision end
        as value,
    (array['idle', 'running', 'stopped'])[1 + floor(random() * 3)] as shown
from generate_series(1, 20000) as n
order by random();
analyze public.statistics_readings;

-- What a partial says, as text with floats rounded to eight digits: for comparing two of them.
create function pg_temp.told(partial bytea) returns text
language plpgsql
as $$
declare
    kind text := tenon.partial_kind(partial);
    answers double precision[];
    words text := '';
    questions text[] := case kind
        when 'stats_agg' then array[
            'tenon.num_vals($1)', 'tenon.average($1)', 'tenon.sum($1)', 'tenon.variance($1)',
            'tenon.skewness($1)', 'tenon.kurtosis($1)', 'tenon.min_val($1)', 'tenon.max_val($1)',
            'tenon.first_val($1)', 'tenon.last_val($1)'
        ]
        when 'percentile_agg' then array[
            'tenon.num_vals($1)', 'tenon.approx_percentile(0.01, $1)',
            'tenon.approx_percentile(0.5, $1)', 'tenon.approx_percentile(0.99, $1)',
            'tenon.approx_percentile_rank(10, $1)'
        ]
        when 'time_weight' then array[
            'tenon.num_vals($1)', 'tenon.average($1)', 'tenon.integral($1)', 'tenon.last_val($1)'
        ]
        when 'candlestick' then array[
            'tenon.num_vals($1)', 'tenon.open($1)', 'tenon.high($1)', 'tenon.low($1)',
            'tenon.close($1)', 'tenon.volume($1)', 'tenon.vwap($1)'
        ]
        when 'counter_agg' then array[
            'tenon.delta($1)', 'tenon.rate($1)', 'tenon.slope($1)', 'tenon.intercept($1)',
            'tenon.corr($1)', 'tenon.num_resets($1)', 'tenon.num_changes($1)',
            'tenon.irate_left($1)', 'tenon.irate_right($1)', 'tenon.num_vals($1)'
        ]
        when 'gauge_agg' then array[
            'tenon.delta($1)', 'tenon.rate($1)', 'tenon.slope($1)', 'tenon.intercept($1)',
            'tenon.corr($1)', 'tenon.num_changes($1)', 'tenon.irate_right($1)'
        ]
        else '{}'
    end;
    question text;
    answer double precision;
begin
    foreach question in array questions loop
        execute format('select %s', question) into answer using partial;
        words := words || ' ' || coalesce(round(answer::numeric, 6)::text, 'null');
    end loop;
    -- These have no floats: their bytes must agree.
    return kind || words || case when questions = '{}' then encode(partial, 'hex') else '' end;
end
$$;

create function pg_temp.aggregates() returns table (name text, call text, is_ordered boolean)
language sql
begin atomic
    values
    ('stats_agg', 'tenon.stats_agg(at, value)', false),
    ('percentile_agg', 'tenon.percentile_agg(value)', false),
    ('candlestick', 'tenon.candlestick(at, value, place)', false),
    (
        'heartbeat_agg',
        $call$tenon.heartbeat_agg(at, '2026-01-01', '1 day', '4 seconds')$call$, false
    ),
    ('time_weight locf', $call$tenon.time_weight('locf', at, value)$call$, true),
    ('time_weight linear', $call$tenon.time_weight('linear', at, value)$call$, true),
    ('counter_agg', 'tenon.counter_agg(at, abs(value))', true),
    ('gauge_agg', 'tenon.gauge_agg(at, value)', true),
    ('state_agg', 'tenon.state_agg(at, shown)', true);
end;

-- Partials of groups of rows, rolled up, against the aggregate over all rows: how many differ.
create function pg_temp.differing(call text, grouping_key text) returns bigint
language plpgsql
as $$
declare
    found_count bigint;
begin
    execute format(
        $query$
            with parts as (
                select place, %1$s as partial from public.statistics_readings
                group by place, %2$s
            ),
            rolled as (
                select place, tenon.rollup(partial) as partial
                from (select * from parts order by random()) as shuffled
                group by place
            ),
            direct as (
                select place, %1$s as partial from public.statistics_readings group by place
            )
            select count(*) filter (
                where pg_temp.told(rolled.partial) is distinct from pg_temp.told(direct.partial)
            ) + abs(count(rolled) - 5)
            from rolled
            full join direct using (place)
        $query$, call, grouping_key
    ) into found_count;
    return found_count;
end
$$;

select is(
    pg_temp.differing(call, 'floor(random() * 9)'), 0::bigint,
    name || ' rolled up from random parts is that of all rows'
)
from pg_temp.aggregates()
where not is_ordered;
select is(
    sum(pg_temp.differing(call, format('date_bin(%L, at, %L)', width, '2025-12-31 23:59:37Z'))),
    0::numeric, name || ' rolled up from parts of time of any width is that of all rows'
)
from pg_temp.aggregates()
cross join unnest(array['7 minutes', '1 hour', '13 seconds', '2 days']) as width
group by name
order by name;
select is(
    (
        select pg_temp.told(tenon.rollup(daily))
        from (
            select tenon.rollup(hourly) as daily
            from (
                select
                    tenon.time_bucket('1 hour', at) as hour,
                    tenon.counter_agg(at, abs(value)) as hourly
                from public.statistics_readings
                where place = 1
                group by 1
            ) as hours
            group by tenon.time_bucket('6 hours', hour)
        ) as days
    ),
    (
        select pg_temp.told(tenon.counter_agg(at, abs(value)))
        from public.statistics_readings
        where place = 1
    ),
    'what is rolled up can be rolled up again'
);
select is(tenon.rollup(null), null, 'of nothing there is no rollup');

-- Parallel plans ----------------------------------------------------------------------------------

create temporary table serial as
select
    tenon.stats_agg(at, value) as stats_agg,
    tenon.percentile_agg(value) as percentile_agg,
    tenon.candlestick(at, value, place) as candlestick,
    tenon.heartbeat_agg(at, '2026-01-01', '1 day', '4 seconds') as heartbeat_agg,
    tenon.time_weight('linear', at, value) as time_weight,
    tenon.counter_agg(at, abs(value)) as counter_agg,
    tenon.gauge_agg(at, value) as gauge_agg,
    tenon.state_agg(at, shown) as state_agg,
    tenon.lttb(at, value, 100) as lttb
from public.statistics_readings;

set local parallel_setup_cost = 0;
set local parallel_tuple_cost = 0;
set local min_parallel_table_scan_size = 0;
set local max_parallel_workers_per_gather = 3;
set local parallel_leader_participation = off;

create function pg_temp.is_parallel(query text) returns boolean
language plpgsql
as $$
declare
    line text;
    lines text := '';
begin
    for line in execute 'explain (costs off) ' || query loop
        lines := lines || line || e'\n';
    end loop;
    return lines like '%Finalize%Gather%Partial%Parallel Seq Scan%';
end
$$;

select ok(
    pg_temp.is_parallel(format('select %s from public.statistics_readings', call)),
    name || ' runs in parallel'
)
from pg_temp.aggregates()
where name in ('stats_agg', 'state_agg', 'heartbeat_agg', 'time_weight locf');

create temporary table parallel as
select
    tenon.stats_agg(at, value) as stats_agg,
    tenon.percentile_agg(value) as percentile_agg,
    tenon.candlestick(at, value, place) as candlestick,
    tenon.heartbeat_agg(at, '2026-01-01', '1 day', '4 seconds') as heartbeat_agg,
    tenon.time_weight('linear', at, value) as time_weight,
    tenon.counter_agg(at, abs(value)) as counter_agg,
    tenon.gauge_agg(at, value) as gauge_agg,
    tenon.state_agg(at, shown) as state_agg,
    tenon.lttb(at, value, 100) as lttb
from public.statistics_readings;
select results_eq(
    $$
        select key, pg_temp.told(value::bytea)
        from parallel, jsonb_each_text(to_jsonb(parallel)) order by 1
    $$,
    $$
        select key, pg_temp.told(value::bytea)
        from serial, jsonb_each_text(to_jsonb(serial)) order by 1
    $$,
    'workers together say what one says alone'
);

create temporary table parts as
select tenon.stats_agg(at, value) as partial
from public.statistics_readings
group by at;
select is(
    pg_temp.told(tenon.rollup(partial)), (select pg_temp.told(stats_agg) from serial),
    'many partials roll up as well'
)
from parts;

-- Refusals ----------------------------------------------------------------------------------------

-- Every byte of every kind of partial, flipped: an error each time, never an answer.
create function pg_temp.survivors(partial bytea) returns bigint
language plpgsql
as $$
declare
    survived bigint := 0;
    place integer;
begin
    for place in 0..least(length(partial), 400) - 1 loop
        if pg_temp.code_of(format(
            'select tenon.partial_kind(%L::bytea)',
            set_byte(partial, place, get_byte(partial, place) # 64)
        )) <> 'statistics.partial_corrupt' then
            survived := survived + 1;
        end if;
    end loop;
    return survived;
end
$$;
select is(
    sum(pg_temp.survivors(value::bytea)), 0::numeric, 'a flipped byte is an error wherever it is'
)
from serial
cross join lateral jsonb_each_text(to_jsonb(serial)) as kinds;
select is(
    array_agg(distinct pg_temp.code_of(statement)), '{statistics.partial_corrupt}',
    'so is what never was a partial'
)
from unnest(array[
    $$select tenon.average('')$$,
    $$select tenon.rollup('\x00')$$,
    $$select tenon.rate('\x0401')$$,
    $$select tenon.rollup(partial) from (select '\xdeadbeef'::bytea as partial) as bad$$
]) as statement;
select is(
    pg_temp.code_of($$
        select tenon.rollup(partial)
        from (select stats_agg as partial from serial union all select counter_agg from serial) as m
    $$),
    'statistics.partials_mixed', 'partials of two kinds do not add up'
);
select is(
    pg_temp.code_of($$
        select tenon.rollup(partial)
        from (select counter_agg as partial from serial union all select counter_agg from serial) as m
    $$),
    'statistics.partials_overlap', 'nor those of overlapping times, where order counts'
);
select is(
    pg_temp.code_of($$select tenon.rollup(lttb) from serial$$), 'statistics.partial_kind',
    'nor the points of charts'
);

:as_ada
select is(
    tenon.num_vals(tenon.stats_agg(now(), 1)), 1::bigint, 'whoever signs in may use the statistics'
);

select * from finish();
rollback;
