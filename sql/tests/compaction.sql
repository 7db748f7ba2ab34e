-- Batches become blocks, and nobody can tell but by asking how the readings lie.
begin;
\ir ../support/fixtures.sql
\ir ../support/batches.sql
\ir ../support/readings.sql
select plan(36);

-- One reading a minute from a time on, each with its number as value.
create function pg_temp.send_minutes(device text, since timestamptz, readings integer)
returns bigint
language sql
as $$
    select pg_temp.send('acme', device, jsonb_agg(
        jsonb_build_object('at', since + n * interval '1 minute', 'values', jsonb_build_object('n', n))
    ))
    from generate_series(0, readings - 1) as n
$$;
insert into iot.devices (tenant_id, slug) values
(:acme, 'car-1'), (:acme, 'car-2'), (:acme, 'car-3'), (core.platform_tenant_id(), 'rack-1');

-- Nothing to do.
select results_eq(
    'select batches, readings, blocks, done, failure from iot.compact()',
    $$values (0::bigint, 0::bigint, 0::bigint, true, null::text)$$,
    'where nothing is stored, nothing is left to do'
);

-- Two days and a half of a reading a minute, sent in four parts, the second twice.
select pg_temp.send_minutes('car-1', '2026-01-30 12:00Z', 900);
select pg_temp.send_minutes('car-1', '2026-01-31 03:00Z', 900);
select pg_temp.send_minutes('car-1', '2026-01-31 03:00Z', 900);
select pg_temp.send_minutes('car-1', '2026-01-31 18:00Z', 900);
select pg_temp.send_minutes('car-1', '2026-02-01 09:00Z', 900);
select is(pg_temp.stored(), 4500::bigint, 'as batches, what came twice lies there twice');
select results_eq(
    'select batches, readings, done from iot.compact()', $$values (5::bigint, 4500::bigint, true)$$,
    'a compaction takes all batches'
);
select is(pg_temp.stored(), 3600::bigint, 'as blocks, each reading lies there once');
select is_empty('select from iot.batches', 'and no batch is left');
select results_eq(
    'select first_at, last_at, rows, readings from iot.blocks order by first_at',
    $$
        values
        ('2026-01-30 12:00Z'::timestamptz, '2026-01-30 23:59Z'::timestamptz, 720, 720),
        ('2026-01-31 00:00Z', '2026-01-31 23:59Z', 1440, 1440),
        ('2026-02-01 00:00Z', '2026-02-01 23:59Z', 1440, 1440)
    $$,
    'a device with a reading a minute has a block a day, and the row says what is in it'
);
select results_eq(
    'select sum(readings)::bigint, sum(rows)::bigint from iot.blocks',
    'select pg_temp.stored(), pg_temp.stored()', 'which is true'
);
select results_eq(
    $$select metric, at, value from v1.latest('{car-1}')$$,
    $$values ('n'::text, '2026-02-01 23:59Z'::timestamptz, '899'::jsonb)$$,
    'the latest reading is kept beside'
);
create temporary table settled_blocks as select * from iot.blocks;
select results_eq(
    'select batches, readings, blocks, done from iot.compact()',
    $$values (0::bigint, 0::bigint, 0::bigint, true)$$, 'compacting again does nothing'
);
select results_eq(
    'select * from iot.blocks order by first_at',
    'select * from settled_blocks order by first_at', 'and changes nothing'
);

-- Redelivered and late readings.
select pg_temp.send_minutes('car-1', '2026-01-31 03:00Z', 900);
select pg_temp.send('acme', 'car-1', '{"at": "2026-01-31T10:00:30Z", "values": {"n": -1}}');
select is((select done from iot.compact()), true, 'late readings are compacted');
select is(
    pg_temp.stored(), 3601::bigint,
    'into the block where they belong, those that came twice once'
);
select results_eq(
    'select first_at, rows from iot.blocks order by first_at',
    $$
        values
        ('2026-01-30 12:00Z'::timestamptz, 720), ('2026-01-31 00:00Z', 1441),
        ('2026-02-01 00:00Z', 1440)
    $$,
    'which stays one block'
);

-- The later arrival counts.
create function pg_temp.values_of(slug text, instant timestamptz) returns jsonb
language sql
as $$
    select jsonb_object_agg(metric, value)
    from v1.readings(array[slug], null, instant, instant + interval '1 second')
$$;
select pg_temp.send(
    'acme', 'car-2', '{"at": "2026-01-05T00:00:00Z", "values": {"a": 1, "b": 1, "c": 1}}'
);
select pg_temp.send('acme', 'car-2', '{"at": "2026-01-05T00:00:00Z", "values": {"a": 2, "b": 2}}');
select iot.compact();
select is(
    pg_temp.values_of('car-2', '2026-01-05Z'), '{"a": 2, "b": 2, "c": 1}',
    'of two batches the later one counts, for each metric by itself'
);
select pg_temp.send(
    'acme', 'car-2', '{"at": "2026-01-05T00:00:00Z", "values": {"b": "x", "d": [3]}}'
);
select pg_temp.send('acme', 'car-2', '{"at": "2026-01-05T00:00:00Z", "values": {"a": null}}');
select iot.compact();
select is(
    pg_temp.values_of('car-2', '2026-01-05Z'), '{"a": null, "b": "x", "c": 1, "d": [3]}',
    'and a batch counts more than a block, whatever the type'
);
select results_eq(
    $$select metric, value from v1.latest('{car-2}')$$,
    $$values ('a'::text, 'null'::jsonb), ('b', '"x"'), ('c', '1'), ('d', '[3]')$$,
    'the latest readings beside say the same'
);
select pg_temp.send('acme', 'car-2', '{"at": "2026-01-04T00:00:00Z", "values": {"a": 9}}');
select iot.compact();
select results_eq(
    $$select value from v1.latest('{car-2}') where metric = 'a'$$,
    $$values ('null'::jsonb)$$, 'and an older reading that comes late changes nothing in them'
);

-- Values that JSON cannot carry.
select iot.ingest(pg_temp.batch_of_floats(
    'acme', 'car-2', 1770000000000000, array['NaN', 'Infinity', '-Infinity', '-0', 4.9e-324]
));
select iot.compact();
select is(
    pg_temp.values_of('car-2', to_timestamp(1770000000)),
    '{"m1": "NaN", "m2": "Infinity", "m3": "-Infinity", "m4": 0.0, "m5": 5e-324}',
    'not a number, the infinities and the smallest number of all come through'
);
create function pg_temp.refusal_at(micros numeric) returns text
language sql
as $$
    select pg_temp.code_of(format(
        'select iot.ingest(pg_temp.batch_of_floats(''acme'', ''car-2'', %s, array[1]))', micros
    ))
$$;
select is(pg_temp.refusal_at(micros), 'telemetry.time_out_of_range', micros || ' is no time')
from unnest(array[-9223372036854775808, -210866803200000001]) as micros;
select results_eq(
    $$
        select element ->> 'code'
        from tenon.batch_from_json('acme', 'car-2', '[
            {"at": "infinity", "values": {"a": 1}}, {"at": "-infinity", "values": {"a": 1}},
            {"at": 1e308, "values": {"a": 1}}
        ]', now()) as read
        cross join lateral jsonb_array_elements(read.rejected) as element
    $$,
    array['payload.time_invalid', 'payload.time_invalid', 'payload.time_invalid'],
    'and the infinities are no times'
);

-- Budget and end.
select pg_temp.send(tenant, 'truck-1', '{"at": "2026-02-01T00:00:00Z", "values": {"n": 1}}')
from unnest(array['acme', 'rival']) as tenant;
select pg_temp.send('platform', 'rack-1', '{"at": "2026-02-01T00:00:00Z", "values": {"n": 1}}');
select results_eq(
    $$select batches, done from iot.compact(budget => '0')$$, $$values (1::bigint, false)$$,
    'without a budget one step is made'
);
select results_eq(
    'select batches, done from iot.compact()', $$values (2::bigint, true)$$,
    'the next call goes on, to the tenant of the platform as well'
);
select pg_temp.send('acme', 'car-3', '{"at": "2026-02-02T00:00:00Z", "values": {"n": 1}}');
select pg_temp.send('acme', 'car-3', '{"at": "2026-02-02T00:00:00Z", "values": {"n": 2}}');
select pg_temp.send('acme', 'car-3', '{"at": "2026-02-02T00:00:00Z", "values": {"n": 3}}');
update iot.batches set received_at = received_at + interval '1 hour'
where id = (select id from iot.batches order by id offset 1 limit 1);
select results_eq(
    $$select batches, done from iot.compact(up_to => clock_timestamp())$$,
    $$values (1::bigint, true)$$,
    'what arrived after the given time waits, and what came behind it waits with it'
);
select is((select count(*) from iot.batches), 2::bigint, 'as batches');
select iot.compact();
select is(
    (select value from v1.latest('{car-3}') where metric = 'n'), '3',
    'so that the last arrival counts in the end'
);

-- A fleet's small batches become few blocks.
insert into iot.devices (tenant_id, slug) values (:acme, 'slow'), (:acme, 'steady');
do $$
begin
    for n in 0..599 loop
        perform pg_temp.send('acme', 'slow', jsonb_build_object(
            'at', timestamptz '2025-11-01 00:00Z' + n * interval '3 hours',
            'values', jsonb_build_object('n', n)
        ));
        perform iot.compact();
    end loop;
end
$$;
select results_eq(
    $$
        select iot.month_of(first_at), sum(rows)::integer
        from pg_temp.blocks_of('slow')
        group by 1
        order by 1
    $$,
    $$
        values
        ('2025-11-01Z'::timestamptz, 240), ('2025-12-01Z'::timestamptz, 248),
        ('2026-01-01Z'::timestamptz, 112)
    $$,
    'of 600 readings that came one by one none is lost'
);
select ok(
    (
        select max(months.blocks) < 2 * 16
        from (
            select count(*) as blocks from pg_temp.blocks_of('slow') group by iot.month_of(first_at)
        ) as months
    ),
    'and of each size a month has fewer blocks than are merged'
);
-- A block a day was merged with its neighbours into the same blocks again, without end.
do $$
begin
    for day in 0..19 loop
        perform pg_temp.send_minutes(
            'steady', timestamptz '2025-11-02 00:00Z' + day * interval '1 day', 1440
        );
        perform iot.compact();
    end loop;
end
$$;
select results_eq(
    $$select count(*), min(rows), max(rows) from pg_temp.blocks_of('steady')$$,
    $$values (20::bigint, 1440, 1440)$$, 'blocks that are long enough stay as they are'
);
-- Late readings of a month that is over lie behind its last block.
do $$
begin
    for n in 0..63 loop
        perform pg_temp.send_minutes(
            'steady', timestamptz '2025-11-25 00:00Z' + n * interval '5 minutes', 5
        );
        perform pg_temp.send_minutes(
            'steady', timestamptz '2025-12-25 00:00Z' + n * interval '5 minutes', 5
        );
        perform iot.compact();
    end loop;
end
$$;
select results_eq(
    $$
        select count(*) < 16, sum(rows)::integer
        from pg_temp.blocks_of('steady')
        where first_at >= '2025-11-25Z'
        group by iot.month_of(first_at)
    $$,
    $$values (true, 320), (true, 320)$$, 'small blocks of every month that was added to are merged'
);

-- What holds for all blocks, whatever was sent.
select is_empty(
    $$
        select from (
            select
                first_at,
                lag(last_at) over (partition by tenant_id, device order by first_at) as last_before
            from iot.blocks
        ) as blocks
        where first_at <= last_before
    $$,
    'no two blocks of a device overlap'
);
select is_empty(
    'select from iot.blocks where iot.month_of(first_at) <> iot.month_of(last_at)',
    'none crosses the end of a month'
);
select is_empty(
    'select from iot.blocks where tenon.block_check(device, head, body) <> readings',
    'and each holds as many readings as its row says'
);
select results_eq(
    $$
        select format('blocks_%s', to_char(months.month at time zone 'UTC', 'YYYY_MM'))
        from (select distinct iot.month_of(first_at) as month from iot.blocks) as months
        order by 1
    $$,
    $$
        select classes.relname::text collate "default"
        from pg_inherits
        inner join pg_class as classes on classes.oid = pg_inherits.inhrelid
        where pg_inherits.inhparent = 'iot.blocks'::regclass
        order by 1
    $$,
    'each month has its partition'
);
create temporary view partitions as
select
    classes.oid,
    classes.oid::regclass::text as name,
    classes.relrowsecurity
from pg_inherits
inner join pg_class as classes on classes.oid = pg_inherits.inhrelid
where pg_inherits.inhparent = 'iot.blocks'::regclass;
grant select on partitions to public;
select is_empty(
    $$
        select from partitions
        left join pg_policies on format('%I.%I', schemaname, tablename) = partitions.name
        where
            not relrowsecurity
            or (policyname, cmd, roles, qual) is distinct from (
                select (policyname, cmd, roles, qual)
                from pg_policies
                where schemaname = 'iot' and tablename = 'blocks'
            )
    $$,
    'with row level security and the policy of the whole'
);
select is_empty(
    $$
        select from partitions
        cross join unnest(array['anon', 'authenticated', 'tenon_device', 'tenon_bridge']) as role
        where has_any_column_privilege(
            role, partitions.oid, 'select, insert, update, references'
        )
    $$,
    'and granted to nobody'
);

select * from finish();
rollback;
