begin;
\ir ../support/fixtures.sql
select plan(44);

-- Random readings of seven places, some without a value: what Postgres' own aggregates and plain
-- SQL say of them is what ours must say.
do $$ begin perform setseed(0.42); end $$;
create temporary table readings as
select
    n % 7 as place,
    timestamptz '2026-01-01 00:00Z' + n * interval '13 seconds' + random() * interval '9 s' as at,
    case when n % 50 <> 0 then round((random() * 200 - 100)::numeric, 3)::double precision end
        as value,
    (array['idle', 'running', 'stopped'])[1 + floor(random() * 3)] as shown,
    floor(random() * 10) * 5 as volume
from generate_series(1, 5000) as n
order by random();
grant select on readings to public;

create function pg_temp.near(a double precision, b double precision) returns boolean
language sql immutable
return a is not distinct from b or abs(a - b) <= 1e-8 * greatest(1, abs(a), abs(b));

create function pg_temp.seconds(length interval) returns double precision
language sql immutable
return extract(epoch from length)::double precision;

-- Moments -----------------------------------------------------------------------------------------

create temporary table moments as
select
    place,
    tenon.stats_agg(at, value) as partial
from readings
group by place;

create temporary table plain_moments as
with means as (
    select
        place,
        avg(value) as mean,
        count(value)::double precision as n
    from readings
    group by place
)
select
    readings.place,
    means.mean,
    means.n,
    sum(readings.value) as total,
    min(readings.value) as least,
    max(readings.value) as greatest,
    var_samp(readings.value) as var_samp,
    var_pop(readings.value) as var_pop,
    stddev_samp(readings.value) as stddev_samp,
    sum(power(readings.value - means.mean, 3)) / means.n as third,
    sum(power(readings.value - means.mean, 4)) / means.n as fourth,
    (array_agg(readings.value order by readings.at) filter (where readings.value is not null))[1]
        as first_val,
    max(readings.at) filter (where readings.value is not null) as last_time
from readings
inner join means on readings.place = means.place
group by readings.place, means.mean, means.n;

select
    ok(
        bool_and(
            tenon.num_vals(partial) = n
            and pg_temp.near(tenon.average(partial), mean)
            and pg_temp.near(tenon.sum(partial), total)
            and tenon.min_val(partial) = least
            and tenon.max_val(partial) = greatest
        ),
        'count, mean, sum, least and greatest are those of Postgres'
    )
from (
    select
        moments.*,
        plain_moments.*
    from moments
    inner join plain_moments on moments.place = plain_moments.place
) as compared;
select
    ok(
        bool_and(
            pg_temp.near(tenon.variance(partial), var_samp)
            and pg_temp.near(tenon.variance(partial, 'population'), var_pop)
            and pg_temp.near(tenon.stddev(partial), stddev_samp)
        ),
        'so are variance and deviation'
    )
from (
    select
        moments.*,
        plain_moments.*
    from moments
    inner join plain_moments on moments.place = plain_moments.place
) as compared;
select
    ok(
        bool_and(
            pg_temp.near(tenon.skewness(partial, 'population'), third / power(var_pop, 1.5))
            and pg_temp.near(
                tenon.skewness(partial),
                third / power(var_pop, 1.5) * sqrt(n * (n - 1)) / (n - 2)
            )
            and pg_temp.near(tenon.kurtosis(partial, 'population'), fourth / power(var_pop, 2))
            and tenon.kurtosis(partial) is not null
        ),
        'the shape is that of the formula over two passes'
    )
from (
    select
        moments.*,
        plain_moments.*
    from moments
    inner join plain_moments on moments.place = plain_moments.place
) as compared;
select
    ok(
        bool_and(
            tenon.first_val(partial) = first_val
            and tenon.last_time(partial) = last_time
            and tenon.first_time(partial) < last_time
            and tenon.time_delta(partial) = last_time - tenon.first_time(partial)
        ),
        'the ends are the earliest and the latest with a value'
    )
from (
    select
        moments.*,
        plain_moments.*
    from moments
    inner join plain_moments on moments.place = plain_moments.place
) as compared;
select is(tenon.stats_agg(now(), null), null, 'of nothing there is no partial');
select results_eq(
    $$
        select tenon.sum(partial), tenon.average(partial), tenon.variance(partial),
            tenon.min_val(partial), tenon.max_val(partial)
        from (
            select tenon.stats_agg(at, value) as partial
            from (values (now(), 'Infinity'::float8), (now(), 1), (now(), 'NaN')) as v (at, value)
        ) as odd
    $$,
    $$
        select sum(value), avg(value), var_samp(value), min(value), max(value)
        from (values ('Infinity'::float8), (1), ('NaN')) as v (value)
    $$,
    'NaN and the infinities count as in Postgres'
);

-- Percentiles -------------------------------------------------------------------------------------

select
    ok(
        bool_and(abs(answer - exact) <= 0.01 * abs(exact) * (1 + 1e-9)),
        'each percentile is within 1 % of that of percentile_disc'
    )
from (
    select
        tenon.approx_percentile(fraction, tenon.percentile_agg(value)) as answer,
        percentile_disc(fraction) within group (order by value) as exact
    from readings
    cross join unnest(array[0, 0.01, 0.1, 0.25, 0.5, 0.77, 0.95, 0.999, 1]) as fraction
    group by place, fraction
) as compared;
select
    ok(
        bool_and(abs(answer - exact) <= 0.001 * abs(exact) * (1 + 1e-9)),
        'or within the error that was asked for'
    )
from (
    select
        tenon.approx_percentile(fraction, tenon.percentile_agg(value, 0.001)) as answer,
        percentile_disc(fraction) within group (order by value) as exact
    from readings
    cross join unnest(array[0.05, 0.5, 0.95]) as fraction
    group by place, fraction
) as compared;
select is(
    (select tenon.error(tenon.percentile_agg(value)) from readings), 0.01::double precision,
    'and the partial says which'
);
select
    ok(
        bool_and(rank between share - 1e-9 and wider + 1e-9),
        'the rank of a value is the fraction of the values up to it'
    )
from (
    select
        tenon.approx_percentile_rank(probe, tenon.percentile_agg(value)) as rank,
        (count(value) filter (where value <= probe))::float8 / count(value) as share,
        (count(value) filter (where value <= probe + 0.02 * abs(probe)))::float8 / count(value)
            as wider
    from readings
    cross join unnest(array[-120, -50, -0.001, 0, 30, 99]::float8[]) as probe
    group by probe
) as compared;
select results_eq(
    $$
        select tenon.approx_percentile(fraction, partial)
        from (
            select tenon.percentile_agg(value) as partial
            from unnest(array['-Infinity', -1, 0, '-0', 'Infinity', 'NaN']::float8[]) as value
        ) as odd
        cross join unnest(array[0.1, 0.5, 0.8, 1]) with ordinality as f (fraction, n)
        order by n
    $$,
    $$values ('-Infinity'::float8), (0), ('Infinity'), ('NaN')$$,
    'infinities, zeros and NaN are told exactly, in the order of Postgres'
);

-- Time weight -------------------------------------------------------------------------------------

create temporary table steps as
select
    place,
    at,
    value,
    lead(at) over series as next_at,
    lead(value) over series as next_value
from readings
where value is not null
window series as (partition by place order by at);

select
    ok(
        bool_and(
            pg_temp.near(tenon.average(locf), locf_area / covered)
            and pg_temp.near(tenon.integral(locf), locf_area)
            and pg_temp.near(tenon.integral(locf, 'hour'), locf_area / 3600)
            and pg_temp.near(tenon.average(linear), linear_area / covered)
        ),
        'time-weighted averages and integrals are areas under steps or lines'
    )
from (
    select
        weights.*,
        areas.*
    from (
        select
            place,
            tenon.time_weight('locf', at, value) as locf,
            tenon.time_weight('linear', at, value) as linear
        from readings
        group by place
    ) as weights
    inner join (
        select
            place,
            sum(value * pg_temp.seconds(next_at - at)) as locf_area,
            sum((value + next_value) / 2 * pg_temp.seconds(next_at - at)) as linear_area,
            pg_temp.seconds(max(next_at) - min(at)) as covered
        from steps
        group by place
    ) as areas on weights.place = areas.place
) as compared;

create temporary table hours as
select
    place,
    tenon.time_bucket('1 hour', at) as bucket,
    tenon.time_weight('linear', at, value) as linear,
    tenon.time_weight('locf', at, value) as locf
from readings
group by place, tenon.time_bucket('1 hour', at);
select
    ok(
        bool_and(pg_temp.near(hourly, whole)),
        'integrals of the hours, interpolated to their bounds, add up to that of all'
    )
from (
    select
        sums.*,
        wholes.*
    from (
        select
            place,
            sum(tenon.interpolated_integral(
                linear, greatest(bucket, first_at),
                least(bucket + interval '1 hour', last_at) - greatest(bucket, first_at),
                previous, following
            )) as hourly
        from (
            select
                *,
                lag(linear) over series as previous,
                lead(linear) over series as following,
                min(tenon.first_time(linear)) over (partition by place) as first_at,
                max(tenon.last_time(linear)) over (partition by place) as last_at
            from hours
            window series as (partition by place order by bucket)
        ) as neighbours
        group by place
    ) as sums
    inner join (
        select
            place,
            tenon.integral(tenon.rollup(linear)) as whole
        from hours
        group by place
    ) as wholes on sums.place = wholes.place
) as compared;
select is(
    tenon.interpolated_average(
        tenon.time_weight('locf', '2026-01-01 00:20Z', 6), '2026-01-01 00:00Z', '1 hour',
        (select tenon.time_weight('locf', '2025-12-31 23:00Z', 3))
    ),
    5::double precision, 'a single reading has an average over its hour'
);
select is(
    tenon.average(tenon.time_weight('locf', now(), 6)), null, 'though none over no time'
);

-- Counters and gauges -----------------------------------------------------------------------------

create temporary table counted as
with counters as (
    select
        place,
        at,
        abs(value) as value,
        lag(abs(value)) over (partition by place order by at) as before
    from readings
    where value is not null
)
select
    *,
    sum(case when value < before then before else 0 end) over (partition by place order by at)
        as lost
from counters;

create temporary table courses as
select
    place,
    tenon.counter_agg(at, abs(value)) as counter,
    tenon.gauge_agg(at, value) as gauge
from readings
group by place;

select
    ok(
        bool_and(
            pg_temp.near(tenon.delta(counter), growth)
            and pg_temp.near(tenon.rate(counter), growth / seconds)
            and tenon.num_resets(counter) = resets
            and tenon.num_changes(counter) = changes
            and tenon.num_vals(counter) = n
        ),
        'a counter grows through its resets'
    )
from (
    select
        courses.*,
        plain.*
    from courses
    inner join (
        select
            place,
            count(*) as n,
            sum(case when value < before then value else value - before end) as growth,
            count(*) filter (where value < before) as resets,
            count(*) filter (where value <> before) as changes,
            pg_temp.seconds(max(at) - min(at)) as seconds
        from counted
        group by place
    ) as plain on courses.place = plain.place
) as compared;
select
    ok(
        bool_and(
            pg_temp.near(tenon.slope(counter), slope)
            and pg_temp.near(tenon.intercept(counter, '2026-01-01 00:00Z'), intercept)
            and pg_temp.near(tenon.corr(counter), correlation)
        ),
        'its line is that of regr_slope and regr_intercept'
    )
from (
    select
        courses.*,
        plain.*
    from courses
    inner join (
        select
            place,
            regr_slope(value + lost, pg_temp.seconds(at - '2026-01-01 00:00Z')) as slope,
            regr_intercept(value + lost, pg_temp.seconds(at - '2026-01-01 00:00Z')) as intercept,
            corr(value + lost, pg_temp.seconds(at - '2026-01-01 00:00Z')) as correlation
        from counted
        group by place
    ) as plain on courses.place = plain.place
) as compared;
select
    ok(
        bool_and(
            pg_temp.near(tenon.delta(gauge), last_value - first_value)
            and pg_temp.near(tenon.slope(gauge), slope)
            and pg_temp.near(tenon.idelta_left(gauge), second_value - first_value)
            and pg_temp.near(tenon.irate_right(gauge), last_rate)
        ),
        'a gauge may fall'
    )
from (
    select
        courses.*,
        plain.*
    from courses
    inner join (
        select
            place,
            (array_agg(value order by at))[1] as first_value,
            (array_agg(value order by at))[2] as second_value,
            (array_agg(value order by at desc))[1] as last_value,
            regr_slope(value, pg_temp.seconds(at - '2026-01-01 00:00Z')) as slope,
            (
                array_agg(
                    (next_value - value) / pg_temp.seconds(next_at - at) order by at desc
                ) filter (where next_at is not null)
            )[1] as last_rate
        from steps
        group by place
    ) as plain on courses.place = plain.place
) as compared;
select is(
    tenon.extrapolated_delta(
        (
            select tenon.counter_agg(at, value)
            from (
                values
                (timestamptz '2026-01-01 00:00:10Z', 100), ('2026-01-01 00:00:20Z', 110),
                ('2026-01-01 00:00:30Z', 120)
            ) as sample (at, value)
        ), '2026-01-01 00:00Z', '1 minute'
    ),
    35::double precision, 'a delta is extrapolated as Prometheus does'
);
select throws_ok(
    $$select tenon.num_resets(tenon.gauge_agg(now(), 1))$$, 'PGRST', null,
    'a gauge has no resets'
);

select is_empty(
    $$
        select at
        from (
            select
                at,
                tenon.delta(tenon.gauge_agg(at, value) over (order by at)) as ours,
                value - first_value(value) over (order by at) as plain
            from (select at, value from readings where place = 2 and value is not null) as known
        ) as running
        where not pg_temp.near(ours, plain)
    $$,
    'over a window an aggregate answers row by row'
);

-- States ------------------------------------------------------------------------------------------

create temporary table plain_states as
select
    place,
    shown,
    at,
    lead(at) over (partition by place order by at) as next_at
from readings;
create temporary table state_partials as
select
    place,
    tenon.state_agg(at, shown) as partial
from readings
group by place;

select results_eq(
    $$
        select place, state, duration from state_partials, tenon.state_durations(partial)
        order by 1, 2
    $$,
    $$
        select place, shown, sum(next_at - at) from plain_states group by 1, 2 order by 1, 2
    $$,
    'a state lasts until another is shown'
);
select results_eq(
    $$select place, tenon.duration_in(partial, 'idle') from state_partials order by 1$$,
    $$
        select place, sum(next_at - at) from plain_states where shown = 'idle' group by 1 order by 1
    $$,
    'so does a single one'
);
select is(
    (
        select count(*) from state_partials
        cross join lateral tenon.state_timeline(state_partials.partial) as stay
        where tenon.state_at(state_partials.partial, stay.start_time) is distinct from stay.state
    ),
    0::bigint, 'the timeline and the state at an instant agree'
);
select is(
    (
        select sum(stay.end_time - stay.start_time) from state_partials
        cross join lateral tenon.state_timeline(state_partials.partial) as stay
    ),
    (select sum(next_at - at) from plain_states), 'the timeline has no gap and no overlap'
);
select is(tenon.duration_in(partial, 'broken'), '0'::interval, 'what never was lasted no time')
from state_partials
where place = 0;
select results_eq(
    $$
        select * from tenon.interpolated_state_timeline(
            (select tenon.state_agg('2026-01-01 00:20Z', 'running')), '2026-01-01 00:00Z', '1 hour',
            (select tenon.state_agg('2025-12-31 23:00Z', 'idle'))
        )
    $$,
    $$
        values
        ('idle', timestamptz '2026-01-01 00:00Z', timestamptz '2026-01-01 00:20Z'),
        ('running', '2026-01-01 00:20Z', '2026-01-01 01:00Z')
    $$,
    'a window begins in the state in which the previous partial ended'
);

-- Heartbeats --------------------------------------------------------------------------------------

create temporary table beats as
select
    tenon.heartbeat_agg(at, '2026-01-01 01:00Z', '8 hours', '15 seconds') as partial,
    range_agg(tstzrange(at, at + interval '15 seconds'))
    * tstzmultirange(tstzrange('2026-01-01 01:00Z', '2026-01-01 09:00Z')) as live
from readings
where place = 3 or random() < 0.1;

select results_eq(
    'select start_time, end_time from beats, tenon.live_ranges(partial)',
    'select lower(live), upper(live) from (select unnest(live) as live from beats) as ranges',
    'life is what the beats cover'
);
select results_eq(
    'select start_time, end_time from beats, tenon.dead_ranges(partial)',
    $$
        select lower(dead), upper(dead)
        from (
            select unnest(
                tstzmultirange(tstzrange('2026-01-01 01:00Z', '2026-01-01 09:00Z')) - live
            ) as dead
            from beats
        ) as ranges
    $$,
    'and the rest is dead'
);
select
    is(
        tenon.uptime(partial) + tenon.downtime(partial), '8 hours'::interval,
        'both together are the window'
    )
from beats;
select
    is(
        tenon.uptime(partial),
        (select sum(upper(range) - lower(range)) from unnest(live) as range),
        'uptime is how long life lasted'
    )
from beats;
select results_eq(
    $$
        select
            tenon.live_at(partial, at), tenon.live_at(partial, '2026-01-02'),
            tenon.num_live_ranges(partial), tenon.num_gaps(partial)
        from (
            select
                timestamptz '2026-01-01 00:01Z' as at,
                tenon.heartbeat_agg('2026-01-01 00:00:30Z', '2026-01-01', '1 day', '1 minute')
                    as partial
        ) as one
    $$,
    $$values (true, null::boolean, 1::bigint, 2::bigint)$$,
    'one beat is life for its liveness'
);

-- Candles -----------------------------------------------------------------------------------------

select
    ok(
        bool_and(
            tenon.open(candle) = open
            and tenon.close(candle) = close
            and tenon.high(candle) = high
            and tenon.low(candle) = low
            and tenon.open_time(candle) = open_time
            and tenon.close_time(candle) = close_time
            and tenon.high_time(candle) = high_time
            and tenon.low_time(candle) = low_time
            and pg_temp.near(tenon.volume(candle), volume)
            and pg_temp.near(tenon.vwap(candle), vwap)
        ),
        'a candle is what the trades are'
    )
from (
    select
        place,
        tenon.candlestick(at, value, volume) as candle,
        (array_agg(value order by at))[1] as open,
        (array_agg(value order by at desc))[1] as close,
        max(value) as high,
        min(value) as low,
        min(at) as open_time,
        max(at) as close_time,
        (array_agg(at order by value desc, at asc))[1] as high_time,
        (array_agg(at order by value, at))[1] as low_time,
        sum(volume) as volume,
        sum(value * volume) / sum(volume) as vwap
    from readings
    where value is not null
    group by place
) as candles;
select results_eq(
    $$
        select tenon.volume(candle), tenon.vwap(candle)
        from (select tenon.candlestick(now(), 5, null) as candle) as one
    $$,
    $$values (null::float8, null::float8)$$,
    'trades may lack a volume'
);

-- Points of a chart -------------------------------------------------------------------------------

create temporary table points as
select
    readings.place,
    chart.at,
    chart.value
from (
    select
        place,
        tenon.lttb(at, value, 50) as partial
    from readings
    group by place
) as readings
cross join lateral tenon.unnest(readings.partial) as chart;
select results_eq(
    'select place, count(*), min(at), max(at) from points group by 1 order by 1',
    $$
        select place, 50::bigint, min(at), max(at) from readings where value is not null
        group by 1 order by 1
    $$,
    'a chart has as many points as asked for, from the first to the last'
);
select is_empty(
    $$select place, at, value from points except select place, at, value from readings$$,
    'and all of them are readings'
);
select is(
    (select count(*) from tenon.unnest((select tenon.lttb(at, value, 9000) from readings))),
    (select count(value) from readings), 'few points are all kept'
);

-- Refusals ----------------------------------------------------------------------------------------

select
    is(
        array_agg(distinct pg_temp.code_of(statement)), '{statistics.time_infinite}',
        'infinite times are refused by every aggregate'
    )
from unnest(array[
    $$select tenon.stats_agg('infinity', 1)$$,
    $$select tenon.time_weight('locf', '-infinity', 1)$$,
    $$select tenon.counter_agg('infinity', 1)$$,
    $$select tenon.gauge_agg('-infinity', 1)$$,
    $$select tenon.state_agg('infinity', 'on')$$,
    $$select tenon.heartbeat_agg('infinity', '2026-01-01', '1 day', '1 minute')$$,
    $$select tenon.heartbeat_agg('2026-01-01', '-infinity', '1 day', '1 minute')$$,
    $$select tenon.candlestick('infinity', 1, 1)$$,
    $$select tenon.lttb('infinity', 1, 10)$$,
    $$select * from tenon.gapfill('1 day', '2026-01-01', 'infinity')$$
]) as statement;
select
    is(
        array_agg(distinct pg_temp.code_of(statement)), '{statistics.argument_invalid}',
        'arguments out of range are refused'
    )
from unnest(array[
    $$select tenon.time_weight('cubic', now(), 1)$$,
    $$select tenon.integral(tenon.time_weight('locf', now(), 1), 'fortnight')$$,
    $$select tenon.percentile_agg(1, 0)$$,
    $$select tenon.percentile_agg(1, 'NaN')$$,
    $$select tenon.percentile_agg(v, v) from unnest(array[0.01, 0.02]) as v$$,
    $$select tenon.approx_percentile(1.1, tenon.percentile_agg(1))$$,
    $$select tenon.variance(tenon.stats_agg(now(), 1), 'half')$$,
    $$select tenon.lttb(now(), 1, -1)$$,
    $$select tenon.heartbeat_agg(now(), now(), '-1 day', '1 minute')$$,
    $$select tenon.heartbeat_agg(now(), now(), '1 day', '1 month')$$,
    $$select tenon.interpolated_average(
        tenon.time_weight('locf', now(), 1), now() + interval '1 day', '1 hour')$$
]) as statement;
select
    is(
        array_agg(distinct pg_temp.code_of(statement)), '{statistics.partial_kind}',
        'a function refuses partials that it cannot read'
    )
from unnest(array[
    $$select tenon.average(tenon.percentile_agg(1))$$,
    $$select tenon.rate(tenon.stats_agg(now(), 1))$$,
    $$select tenon.uptime(tenon.state_agg(now(), 'on'))$$,
    $$select tenon.vwap(tenon.stats_agg(now(), 1))$$,
    $$select * from tenon.unnest((select tenon.stats_agg(now(), 1)))$$,
    $$select tenon.approx_percentile(0.5, tenon.stats_agg(now(), 1))$$
]) as statement;

-- Buckets with an origin --------------------------------------------------------------------------

select
    is(
        count(*) filter (
            where tenon.time_bucket('8 hours', at, 'UTC', '2026-01-01 06:30Z')
            <> date_bin('8 hours', at, '2026-01-01 06:30Z')
        ), 0::bigint, 'a bucket of hours begins at the origin as with date_bin'
    )
from readings;
select
    is(
        count(*) filter (
            where tenon.time_bucket('1 day', at, 'Europe/Berlin', '2026-01-01 06:00+01')
            <> (
                date_trunc('day', at at time zone 'Europe/Berlin' - interval '6 hours')
                + interval '6 hours'
            ) at time zone 'Europe/Berlin'
        ), 0::bigint, 'a day may begin at six, also when the clocks change'
    )
from (
    select timestamptz '2026-03-27 00:00Z' + n * interval '7 minutes' as at
    from generate_series(1, 1000) as n
) as spring;
select is(
    tenon.time_bucket('1 month', '2026-03-01 12:00Z', origin => '2026-01-31 00:00Z'),
    '2026-02-28 00:00Z', 'where a month lacks the day of the origin its last day stands in'
);
select is(
    tenon.time_bucket('1 day', null), null, 'of no time there is no bucket'
);

select * from finish();
rollback;
