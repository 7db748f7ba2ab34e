-- Random series, compacted at random moments, against a plain table.
begin;
\ir ../support/fixtures.sql
\ir ../support/readings.sql
select plan(18);

-- Out of order, late, redelivered, corrected, of all types, with changing sets of metrics.
create temporary table arrivals (
    arrival integer, device text, at timestamptz, metric text, value jsonb
);
create function pg_temp.random_value(kind integer) returns jsonb
language sql volatile
as $$
    select case kind
        when 0 then to_jsonb(round((random() * 1000)::numeric, 2) + 0.001)
        when 1 then to_jsonb((random() * 100)::integer)
        when 2 then to_jsonb(random() < 0.5)
        when 3 then to_jsonb((array['on', 'off', 'läuft', ''])[1 + (random() * 3)::integer])
        when 4 then 'null'
        when 5 then to_jsonb(array[(random() * 9)::integer, 2])
        when 6 then to_jsonb(random())
        else pg_temp.random_value((random() * 6)::integer)
    end
$$;
insert into iot.devices (tenant_id, slug)
select
    :acme,
    'random-' || n
from generate_series(0, 8) as n;
create function pg_temp.arrive(arrival integer) returns void
language plpgsql
as $$
declare
    kind constant integer := (random() * 8)::integer;
    step constant interval := (array['1 second', '61 seconds', '1 hour', '1 day'])[1 + random() * 3];
begin
    insert into arrivals
    select
        arrive.arrival,
        'random-' || kind,
        messages.at,
        metrics.metric,
        pg_temp.random_value(kind)
    from (
        select distinct
            timestamptz '2024-02-28 00:00Z' + (random() * 60)::integer * step as at
        from generate_series(1, 1 + (random() * 80)::integer)
    ) as messages
    cross join unnest(array['x' || kind, 'y', 'z']) as metrics (metric)
    where random() < 0.8;
    perform pg_temp.send('acme', 'random-' || kind, jsonb_agg(sent.message order by random()))
    from (
        select
            jsonb_build_object(
                'at', arrivals.at, 'values', jsonb_object_agg(arrivals.metric, arrivals.value)
            ) as message
        from arrivals
        where arrivals.arrival = arrive.arrival
        group by arrivals.at
    ) as sent;
    if random() < 0.3 then
        perform iot.compact();
    end if;
end
$$;
create temporary view kept as
select distinct on (arrivals.device, arrivals.at, arrivals.metric) arrivals.*
from arrivals
order by
    arrivals.device asc,
    arrivals.at asc,
    arrivals.metric asc,
    arrivals.arrival desc;
create function pg_temp.compare(description text) returns text
language sql
as $$
    select results_eq(
        'select device, metric, at, value
        from v1.readings(array(select distinct device from kept), null, ''2024-01-01'', ''2025-01-01'')
        order by 1, 2, 3',
        'select device, metric, at, value from kept order by 1, 2, 3', description
    )
$$;
select setseed(0.2026);
create function pg_temp.arrive_and_compare(round integer) returns text
language sql volatile
as $$
    select count(pg_temp.arrive(round * 50 + n)) from generate_series(1, 50) as n;
    select pg_temp.compare(format(
        'with %s batches beside %s blocks each reading is that of the plain table',
        (select count(*) from iot.batches), (select count(*) from iot.blocks)
    ))
$$;
select pg_temp.arrive_and_compare(round)
from generate_series(0, 5) as round;
select iot.compact();
select pg_temp.compare('and so it is when all is in blocks');

select results_eq(
    $$
        select devices.slug, sum(tenon.block_check(blocks.device, blocks.head, blocks.body))::bigint,
            min(blocks.first_at), max(blocks.last_at)
        from iot.devices
        inner join iot.blocks
            on blocks.tenant_id = devices.tenant_id and blocks.device = devices.number
        where devices.slug like 'random-%'
        group by 1
        order by 1
    $$,
    'select device, count(*), min(at), max(at) from kept group by 1 order by 1',
    'of random series as many readings are kept as a plain table keeps, from the first to the last'
);
create temporary view newest as
select distinct on (kept.device, kept.metric) kept.*
from kept
order by kept.device asc, kept.metric asc, kept.at desc;
create temporary table devices as
select
    named.device,
    format('select metric, at, value from v1.latest(array[%L])', named.device) as found,
    format(
        'select metric, at, value from newest where device = %L order by metric', named.device
    ) as expected
from (select distinct kept.device from kept) as named;
select results_eq(found, expected, 'the latest readings of ' || device || ' are as they should be')
from devices;
select is_empty(
    'select from iot.blocks where tenon.block_check(device, head, body) <> readings',
    'and each block holds as many readings as its row says'
);

select * from finish();
rollback;
