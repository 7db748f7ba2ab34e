begin;
\ir ../support/fixtures.sql
select plan(85);

-- A drive of truck-1: 3,000 readings that cross the end of summer time, with gaps, and the same
-- readings in a plain table, from which the expected answers are computed.
create temporary table drive as
select
    timestamptz '2025-10-25 22:13:07.123456+02' + n * interval '31 seconds 7 milliseconds' as at,
    round((50 + 40 * sin(n / 50.0))::numeric, 2)::double precision as speed
from generate_series(1, 3000) as n
where n % 100 < 90;
grant select on drive to public;

create function pg_temp.send(tenant text, messages jsonb) returns bigint
language sql
as $$
    select count(*)
    from tenon.batch_from_json(tenant, 'truck-1', messages, timestamptz '2025-10-28 00:00Z') as read
    cross join lateral iot.ingest(read.batch)
$$;

-- Sent in three batches of mixed order, the second twice.
create temporary table sent as
select
    n % 3 as part,
    jsonb_agg(
        jsonb_build_object('at', at, 'values', jsonb_build_object('speed', speed))
        order by md5(n::text)
    ) as messages
from (
    select
        *,
        row_number() over () as n
    from drive
) as numbered
group by 1;
select is(
    (
        select sum(pg_temp.send('acme', messages))
        from sent
        cross join generate_series(1, case part when 1 then 2 else 1 end)
    ), 0::numeric, 'no entry of a good batch is refused'
);

select is(
    (select sum(readings) from iot.batches), 3600::bigint, 'what came twice lies there twice'
);
select is(
    (select status from iot.devices where slug = 'truck-1' and tenant_id = :acme), 'active',
    'the first message activates a device'
);
select ok(
    (select last_seen_at > now() from iot.devices where slug = 'truck-1' and tenant_id = :acme),
    'and marks it as seen'
);
select results_eq(
    'select name, value_type from iot.metrics', $$values ('speed', 'number')$$,
    'a new metric registers itself with the type of its first reading'
);
select is(
    (select sum(tenon.frame_check(frame)) from iot.batches), 3600::bigint,
    'every frame is sound and holds what its row says'
);

:as_vic

create function pg_temp.expected(width text, zone text)
returns table (
    at timestamptz, count bigint, min double precision, max double precision,
    avg numeric, sum numeric, first double precision, last double precision
)
language sql
as $$
    select
        date_trunc(width, at, zone), count(*), min(speed), max(speed),
        round(avg(speed)::numeric, 6), round(sum(speed)::numeric, 6),
        (array_agg(speed order by at))[1], (array_agg(speed order by at desc))[1]
    from drive
    group by 1
    order by 1
$$;
create function pg_temp.answered(width interval, zone text)
returns table (
    at timestamptz, count bigint, min double precision, max double precision,
    avg numeric, sum numeric, first double precision, last double precision
)
language sql
as $$
    select
        at, count, min, max, round(avg::numeric, 6), round(sum::numeric, 6),
        first::double precision, last::double precision
    from v1.telemetry(
        '{truck-1}', '{speed}', '2025-10-01T00:00Z', '2025-11-01T00:00Z', width, time_zone => zone
    )
$$;

select results_eq(
    format('select * from pg_temp.answered(%L, %L)', '1 ' || width, zone),
    format('select * from pg_temp.expected(%L, %L)', width, zone),
    format('buckets of a %s in %s are those of date_trunc, each reading counted once', width, zone)
)
from unnest(array['minute', 'hour', 'day', 'week', 'month', 'year']) as width
cross join unnest(
    array['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'Australia/Lord_Howe']
) as zone
where width in ('day', 'week', 'month') or zone in ('UTC', 'Europe/Berlin');

select is(
    (
        select count from v1.telemetry(
            '{truck-1}', '{speed}', '2025-10-25T22:00Z', '2025-10-26T23:00Z', '1 day',
            time_zone => 'Europe/Berlin'
        )
    ),
    (
        select count(*) from drive
        where at >= '2025-10-25T22:00Z' and at < '2025-10-26T23:00Z'
    ),
    'the day on which summer time ends has twenty-five hours'
);
select is(
    (
        select sum(count) from v1.telemetry(
            '{truck-1}', '{speed}', (select min(at) from drive), (select max(at) from drive), '1 hour'
        )
    ),
    (select count(*) - 1 from drive)::numeric,
    'the start of a range belongs to it, the end does not'
);
select results_eq(
    $$
        select count, min, avg from v1.telemetry(
            '{truck-1}', '{speed}', '2025-10-01T00:00Z', '2025-11-01T00:00Z', '1 year',
            aggregates => '{min}'
        )
    $$,
    'select null::bigint, min(speed), null::double precision from drive',
    'aggregates that were not asked for are null'
);
select results_eq(
    $$select metric, unit, at, value from v1.latest('{truck-1}')$$,
    $$
        select 'speed'::text, null::text, at, to_jsonb(speed)
        from drive order by at desc limit 1
    $$,
    'the latest reading is that of the latest time'
);

-- In blocks, the answers are the same.
:as_owner
select ok(
    (select done and readings = 3600 from iot.compact()), 'compaction takes all that has arrived'
);
select is_empty('select from iot.batches', 'and leaves no batch');
:as_vic
select results_eq(
    format('select * from pg_temp.answered(%L, %L)', '1 ' || width, zone),
    format('select * from pg_temp.expected(%L, %L)', width, zone),
    format('buckets of a %s in %s are the same from blocks', width, zone)
)
from unnest(array['minute', 'hour', 'day', 'week', 'month']) as width
cross join unnest(array['UTC', 'Europe/Berlin', 'Asia/Kathmandu']) as zone;
select results_eq(
    $$
        select at, round(stddev::numeric, 6), p50, round(p90::numeric, 6), round(p95::numeric, 6),
            round(p99::numeric, 6)
        from v1.telemetry(
            '{truck-1}', '{speed}', '2025-10-01T00:00Z', '2025-11-01T00:00Z', '1 hour',
            aggregates => '{stddev,p50,p90,p95,p99}'
        )
    $$,
    $$
        select
            date_trunc('hour', at, 'UTC'), round(stddev_samp(speed)::numeric, 6),
            percentile_cont(0.5) within group (order by speed),
            round((percentile_cont(0.9) within group (order by speed))::numeric, 6),
            round((percentile_cont(0.95) within group (order by speed))::numeric, 6),
            round((percentile_cont(0.99) within group (order by speed))::numeric, 6)
        from drive group by 1 order by 1
    $$,
    'standard deviation and percentiles are those of Postgres'
);
select results_eq(
    $$
        select device, metric, at, value from v1.readings(
            '{truck-1}', null, '2025-10-26T00:00Z', '2025-10-27T00:00Z', above => 60, below => 80
        )
    $$,
    $$
        select 'truck-1', 'speed', at, to_jsonb(speed) from drive
        where
            at >= '2025-10-26T00:00Z' and at < '2025-10-27T00:00Z' and speed > 60 and speed < 80
        order by at
    $$,
    'readings can be asked for by their value'
);
select is(
    (
        select array[count(*), count(*) filter (where at in (first_at, last_at))]
        from v1.readings(
            '{truck-1}', '{speed}', '2025-10-01T00:00Z', '2025-11-01T00:00Z', max_points => 100
        )
        cross join (select min(at) as first_at, max(at) as last_at from drive) as ends
    ), array[100, 2]::bigint[],
    'a chart of readings has as many points as it may, and the first and the last'
);
select is(
    (
        select count(*) from v1.telemetry(
            '{truck-1}', '{speed}', '2025-10-25T00:00Z', '2025-10-28T00:00Z', '1 minute',
            fill => 'null'
        )
    ), 3 * 24 * 60::bigint, 'filled, a series has every bucket of the range'
);
select is_empty(
    $$
        select from v1.telemetry(
            '{truck-1}', '{speed}', '2025-10-26T00:00Z', '2025-10-27T00:00Z', '1 minute',
            fill => 'linear'
        ) as filled
        left join v1.telemetry(
            '{truck-1}', '{speed}', '2025-10-26T00:00Z', '2025-10-27T00:00Z', '1 minute'
        ) as known using (at)
        where known.avg is distinct from filled.avg and known.at is not null
    $$,
    'what is there is not touched by filling'
);
select results_eq(
    $$
        select device, metric, count, max from v1.telemetry(
            null, null, '2025-10-01T00:00Z', '2025-11-01T00:00Z', '1 year', group_by => '{}'
        )
    $$,
    'select null::text, null::text, count(*), max(speed) from drive',
    'a tenant can be asked as a whole'
);
select results_eq(
    $$
        select at from v1.telemetry(
            '{truck-1}', '{speed}', '2025-10-25T00:00Z', '2025-10-28T00:00Z', '1 day',
            time_zone => 'Europe/Berlin', origin => '2025-01-01T06:00+01', fill => 'null'
        )
    $$,
    $$
        select day at time zone 'Europe/Berlin'
        from generate_series(
            timestamp '2025-10-24 06:00', timestamp '2025-10-27 06:00', interval '1 day'
        ) as day
    $$,
    'shifts that begin at six do so across the end of summer time'
);

select is_empty(
    $$
        select from v1.telemetry(
            '{truck-1}', '{}', '2025-10-01T00:00Z', '2025-11-01T00:00Z', '1 day',
            group_by => '{device}'
        )
        union all
        select from v1.telemetry(
            '{}', '{speed}', '2025-10-01T00:00Z', '2025-11-01T00:00Z', '1 day', group_by => '{}'
        )
        union all
        select from v1.readings('{}', '{}', '2025-10-01T00:00Z', '2025-11-01T00:00Z')
        union all
        select from v1.latest('{}')
    $$,
    'no devices and no metrics are not all of them'
);
select is(
    (
        select count(*) from v1.readings(
            '{truck-1,truck-1}', '{speed,speed}', '2025-10-01T00:00Z', '2025-11-01T00:00Z'
        )
    ),
    (select count(*) from drive), 'what is named twice is answered once'
);

-- Of down-sampled time the hours are left.
create function pg_temp.hours() returns table (
    at timestamptz, count bigint, min double precision, max double precision, avg numeric,
    first jsonb, last jsonb
)
language sql
as $$
    select at, count, min, max, round(avg::numeric, 6), first, last
    from v1.telemetry('{truck-1}', '{speed}', '2025-10-01T00:00Z', '2025-11-01T00:00Z', '1 hour')
$$;
create temporary table hours_before as select * from pg_temp.hours();
:as_owner
grant select on hours_before to public;
insert into iot.retention_policies (tenant_id, raw_days) values (:acme, 30);
select ok((select done from iot.retain(as_of => '2026-01-01T00:00Z')), 'retention has its way');
:as_vic
select results_eq(
    'select * from pg_temp.hours()', 'select * from hours_before',
    'by the hour, down-sampled readings answer as before'
);
select is_empty(
    $$select from v1.readings('{truck-1}', null, '2025-10-01T00:00Z', '2025-11-01T00:00Z')$$,
    'but there are no readings any more'
);
select is(
    (
        select count from v1.telemetry(
            '{truck-1}', '{speed}', '2025-10-25T22:00Z', '2025-10-26T23:00Z', '1 day',
            time_zone => 'Europe/Berlin'
        )
    ),
    (
        select count(*) from drive
        where at >= '2025-10-25T22:00Z' and at < '2025-10-26T23:00Z'
    ),
    'hours add up to the local day of twenty-five hours'
);
select results_eq(
    $$
        select sum(count), max(p95) from v1.telemetry(
            '{truck-1}', '{speed}', '2025-10-01T00:00Z', '2025-11-01T00:00Z', '1 hour',
            aggregates => '{count,p95}'
        )
    $$,
    'select count(*)::numeric, null::double precision from drive',
    'percentiles need readings, counts do not'
);
select results_eq(
    $$select metric, value from v1.latest('{truck-1}')$$,
    $$select 'speed'::text, to_jsonb(speed) from drive order by at desc limit 1$$,
    'the latest reading is still known'
);

-- A correction: the same time again, with another value.
:as_owner
select pg_temp.send('acme', '{"at": "2025-10-27T12:00:00Z", "speed": 1}');
select pg_temp.send('acme', '{"at": "2025-10-27T12:00:00Z", "speed": 2}');
:as_vic
select results_eq(
    $$
        select count, first from v1.telemetry(
            '{truck-1}', '{speed}', '2025-10-27T12:00Z', '2025-10-27T13:00Z', '1 hour'
        )
    $$,
    $$values (1::bigint, '2'::jsonb)$$,
    'of two readings of one time the later arrival counts'
);

-- Values of every type.
:as_owner
select pg_temp.send('acme', '[
    {"at": "2025-10-27T14:00:00Z", "values": {
        "whole": 9007199254740993, "flag": true, "state": "idle", "gap": null, "shape": [1, {"a": 2}],
        "engine": {"oil": {"temp": 90.5}}
    }},
    {"at": "2025-10-27T14:00:01Z", "values": {"whole": -1, "flag": false, "state": "läuft", "gap": 4}}
]');
:as_vic
select results_eq(
    $$select metric, value from v1.latest('{truck-1}') where metric <> 'speed'$$,
    $$
        values
        ('engine.oil.temp', '90.5'::jsonb), ('flag', 'false'), ('gap', '4'),
        ('shape', '[1, {"a": 2}]'), ('state', '"läuft"'), ('whole', '-1')
    $$,
    'numbers, booleans, text and JSON are kept, and nested objects by dotted names'
);
select results_eq(
    $$
        select first, last, count, min, max from v1.telemetry(
            '{truck-1}', '{whole}', '2025-10-27T14:00Z', '2025-10-27T15:00Z', '1 hour')
        union all
        select first, last, count, min, max from v1.telemetry(
            '{truck-1}', '{flag}', '2025-10-27T14:00Z', '2025-10-27T15:00Z', '1 hour')
        union all
        select first, last, count, min, max from v1.telemetry(
            '{truck-1}', '{state}', '2025-10-27T14:00Z', '2025-10-27T15:00Z', '1 hour')
        union all
        select first, last, count, min, max from v1.telemetry(
            '{truck-1}', '{gap}', '2025-10-27T14:00Z', '2025-10-27T15:00Z', '1 hour')
    $$,
    $$
        values
        ('9007199254740993'::jsonb, '-1'::jsonb, 2::bigint,
            '-1'::double precision, '9007199254740993'::double precision),
        ('true', 'false', 2, 0, 1),
        ('"idle"', '"läuft"', 2, null, null),
        ('4', '4', 1, 4, 4)
    $$,
    'first and last keep the value as it came; nulls are not counted'
);

-- All there is, and nothing of it.
select results_eq(
    $$
        select device, metric, count from v1.telemetry(
            "from" => '2025-10-27T14:00Z', "to" => '2025-10-27T15:00Z', bucket => '1 hour'
        ) where metric in ('flag', 'state')
    $$,
    $$values ('truck-1', 'flag', 2::bigint), ('truck-1', 'state', 2)$$,
    'without devices and metrics all of the tenant are meant'
);
select is_empty(
    format('select * from v1.%s', question), format('no series, no answer: %s', question)
)
from unnest(array[
    $$telemetry('{}', null, '2025-10-01', '2025-11-01', '1 day', group_by => '{}')$$,
    $$telemetry('{truck-1}', '{}', '2025-10-01', '2025-11-01', '1 day', group_by => '{}')$$,
    $$readings('{}', '{no.such.metric}', '2025-10-01', '2025-11-01')$$,
    $$latest(null, '{}')$$
]) as question;

-- Who may ask.
:as_eve
select is(
    pg_temp.code_of($$select * from v1.telemetry('{truck-2}', '{speed}', 'yesterday', 'now')$$),
    'device.unknown', 'a device of another tenant does not exist'
);
select is_empty($$select * from v1.latest('{truck-1}')$$, 'one''s own device of the same name is empty');
select is_empty('select from iot.batches', 'no frame of another tenant can be read');
:as_sue
select is(
    pg_temp.code_of($$select * from v1.latest('{truck-1}')$$), 'device.unknown',
    'a suspended member finds nothing'
);
:as_anon
select is(
    pg_temp.code_of($$select * from v1.latest('{truck-1}')$$), '42501',
    'an anonymous caller may not ask'
);

-- What is asked wrongly.
:as_vic
select is(
    pg_temp.code_of(format($$select * from v1.telemetry('{truck-1}', %s)$$, arguments)), code,
    format('%s is refused as %s', arguments, code)
)
from (
    values
    ($$'{height}', 'yesterday', 'today'$$, 'metric.unknown'),
    ($$'{speed}', 'today', 'yesterday'$$, 'telemetry.range_invalid'),
    ($$'{speed}', null, 'today'$$, 'telemetry.range_invalid'),
    ($$'{speed}', '-infinity', 'today'$$, 'telemetry.range_invalid'),
    ($$'{speed}', 'today', 'infinity'$$, 'telemetry.range_invalid'),
    ($$'{speed}', '4713-01-01 BC', 'today'$$, 'telemetry.too_many_buckets'),
    ($$'{speed}', 'yesterday', 'today', '0'$$, 'telemetry.width_invalid'),
    ($$'{speed}', 'yesterday', 'today', '-1 hour'$$, 'telemetry.width_invalid'),
    ($$'{speed}', 'yesterday', 'today', '1 month 1 hour'$$, 'telemetry.width_invalid'),
    ($$'{speed}', 'yesterday', 'today', '1 millisecond'$$, 'telemetry.too_many_buckets'),
    ($$'{speed}', 'yesterday', 'today', '1 hour', '{median}'$$, 'telemetry.aggregate_unknown'),
    ($$'{speed}', 'yesterday', 'today', '1 hour', time_zone => 'Mars/Olympus'$$,
        'telemetry.zone_unknown')
) as wrong (arguments, code);

select * from finish();
rollback;
