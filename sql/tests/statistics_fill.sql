begin;
\ir ../support/fixtures.sql
select plan(11);

select results_eq(
    $$select * from tenon.gapfill('15 minutes', '2026-01-01 00:07Z', '2026-01-01 02:00Z')$$,
    $$
        select * from generate_series(
            timestamptz '2026-01-01 00:00Z', '2026-01-01 01:59Z', '15 minutes'
        )
    $$,
    'buckets are filled from that of the first instant to before the end'
);
select results_eq(
    $$
        select * from tenon.gapfill(
            '1 day', '2026-03-28 00:00+01', '2026-03-31 00:00+02', 'Europe/Berlin'
        )
    $$,
    $$
        values
        (timestamptz '2026-03-28 00:00+01'), ('2026-03-29 00:00+01'), ('2026-03-30 00:00+02')
    $$,
    'days follow the calendar of the zone'
);
select results_eq(
    $$
        select * from tenon.gapfill(
            '1 day', '2026-03-28 12:00+01', '2026-03-30 06:00+02', 'Europe/Berlin',
            '2026-01-01 06:00+01'
        )
    $$,
    $$values (timestamptz '2026-03-28 06:00+01'), ('2026-03-29 06:00+02')$$,
    'and the origin, where there is one'
);
select is(
    (
        select count(*)
        from tenon.gapfill('1 hour', '2026-10-25 00:00+02', '2026-10-26 00:00+01', 'Europe/Berlin')
    ),
    25::bigint, 'the hour that comes twice is filled twice'
);
select is_empty(
    $$select * from tenon.gapfill('1 day', '2026-01-02', '2026-01-01')$$,
    'of an empty range there is no bucket'
);
select results_eq(
    $$
        select bucket
        from tenon.gapfill('45 minutes', '2026-10-24', '2026-10-27', 'Europe/Berlin') as bucket
        where bucket < '2026-10-26 20:00Z'
    $$,
    $$
        select distinct tenon.time_bucket('45 minutes', at, 'Europe/Berlin')
        from generate_series(timestamptz '2026-10-24', '2026-10-26 20:00Z', '1 minute') as at
        where tenon.time_bucket('45 minutes', at, 'Europe/Berlin') < '2026-10-26 20:00Z'
        order by 1
    $$,
    'the buckets are those of time_bucket'
);

-- Three series with gaps of any length, at their ends too; a plain search finds the neighbours.
do $$ begin perform setseed(0.5); end $$;
create temporary table series as
select
    n % 3 as place,
    timestamptz '2026-01-01' + n * n * interval '1 second' as at,
    case when random() < 0.3 then random() * 100 end as value
from generate_series(1, 600) as n;

select results_eq(
    $$
        select place, at, tenon.locf(value) over (partition by place order by at)
        from series order by 1, 2
    $$,
    $$
        select place, at, (
            select before.value from series as before
            where before.place = series.place and before.at <= series.at
                and before.value is not null
            order by before.at desc limit 1
        )
        from series order by 1, 2
    $$,
    'locf is the last value so far'
);
select results_eq(
    $$
        select tenon.locf(word) over (order by n)
        from (values (1, null), (2, 'a'), (3, null), (4, 'bc')) as words (n, word)
    $$,
    $$values (null), ('a'), ('a'), ('bc')$$,
    'of any type'
);
select is_empty(
    $$
        with filled as (
            select
                place, at, value,
                tenon.interpolate(at, value) over (partition by place order by at) as ours
            from series
        )
        select filled.*, before.at, after.at
        from filled
        left join lateral (
            select known.at, known.value from series as known
            where known.place = filled.place and known.at <= filled.at and known.value is not null
            order by known.at desc limit 1
        ) as before on true
        left join lateral (
            select known.at, known.value from series as known
            where known.place = filled.place and known.at >= filled.at and known.value is not null
            order by known.at limit 1
        ) as after on true
        where abs(ours - case
            when before.at = after.at then before.value
            else before.value + (after.value - before.value)
                * extract(epoch from filled.at - before.at)
                / extract(epoch from after.at - before.at)
        end) > 1e-9
        or (ours is null) <> (before.at is null or after.at is null)
    $$,
    'interpolate is on the line between the values around'
);
select results_eq(
    $$
        select tenon.interpolate(at, value) over (order by at desc)
        from (
            values
            (timestamptz '2026-01-01 00:00Z', 0), ('2026-01-01 00:15Z', null),
            (null, null), ('2026-01-01 01:00Z', 8)
        ) as v (at, value)
        order by at desc
    $$,
    $$values (null::float8), (8), (2), (0)$$,
    'in either direction of time, and of no time there is no value'
);
select throws_ok(
    $$select tenon.interpolate(now(), 1)$$, '42809', null, 'interpolate needs a window'
);

select * from finish();
rollback;
