-- Random series, compacted at random moments, against a plain table.
begin;
\ir ../support/fixtures.sql
\ir ../support/readings.sql
select plan(20);

-- Out of order, late, redelivered, corrected, of all types.
-- The metrics of a device always come together, so that equal readings make equal blocks.
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
    cross join unnest(array['x' || kind, 'y']) as metrics (metric);
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
select setseed(0.2026);
select count(pg_temp.arrive(n)) from generate_series(1, 300) as n;
select iot.compact();
create temporary table kept as
select distinct on (arrivals.device, arrivals.at, arrivals.metric) arrivals.*
from arrivals
order by
    arrivals.device asc,
    arrivals.at asc,
    arrivals.metric asc,
    arrivals.arrival desc;

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
    format('select metric, at, value from pg_temp.latest(%L)', named.device) as found,
    format(
        'select metric, at, value from newest where device = %L order by metric', named.device
    ) as expected
from (select distinct kept.device from kept) as named;
select results_eq(found, expected, 'the latest readings of ' || device || ' are as they should be')
from devices;
create function pg_temp.packed(slug text) returns bytea
language sql
as $$
    select tenon.compact_blocks(blocks.device, blocks.head, blocks.body order by blocks.first_at)
    from pg_temp.blocks_of(slug) as blocks
$$;
create function pg_temp.expected(slug text) returns bytea
language sql
as $$
    select tenon.compact_blocks(made.device, made.head, made.body order by made.first_at)
    from (
        select jsonb_agg(messages.message order by messages.at) as all_messages
        from (
            select
                kept.at,
                jsonb_build_object(
                    'at', kept.at, 'values', jsonb_object_agg(kept.metric, kept.value)
                ) as message
            from kept
            where kept.device = $1
            group by kept.at
        ) as messages
    ) as series
    cross join lateral tenon.batch_from_json('acme', $1, series.all_messages, now()) as read
    cross join lateral tenon.batch_pack(
        read.batch,
        array(select number from iot.devices where slug = $1),
        array(
            select metrics.number
            from tenon.batch_metrics(read.batch) as named
            inner join iot.metrics on metrics.name = named.metric
            where metrics.tenant_id = '00000000-0000-4000-a000-000000000002'
            order by named.ordinal
        )
    ) as frames
    cross join lateral (
        select tenon.compact_frames(frame)
        from (values (frames.frame)) as tenants (frame)
    ) as at_once (packed)
    cross join lateral tenon.compacted_blocks(at_once.packed) as made
$$;
select ok(pg_temp.packed(device) = pg_temp.expected(device), 'and all others, value by value')
from devices;

select is_empty(
    'select from iot.blocks where tenon.block_check(device, head, body) <> readings',
    'and each block holds as many readings as its row says'
);

select * from finish();
rollback;
