begin;
\ir ../support/fixtures.sql
select plan(70);

-- Two weeks of readings, one each ten minutes and at the borders of hours, in the batches of two
-- tenants, and those of acme in a plain table, from which the expected hours are computed.
create temporary table drive as
select
    at,
    n,
    case when n % 7 = 0 then null else round((50 + 40 * sin(n / 50.0))::numeric, 2) end as speed,
    n % 3 = 0 as moving,
    case n % 5 when 0 then 'idle' else 'on ' || n % 4 end as state
from (
    select
        timestamptz '2026-03-20T00:00Z' + n * interval '10 minutes' as at,
        n
    from generate_series(0, 2015) as n
    union all
    select
        timestamptz '2026-03-20T00:00Z' + hour * interval '1 hour' - interval '1 microsecond',
        10000 + hour
    from generate_series(1, 336) as hour
) as times;
grant select on drive to public;

create function pg_temp.send(tenant text, messages jsonb) returns void
language sql
as $$
    select
    from tenon.batch_from_json(tenant, 'truck-1', messages, timestamptz '2026-04-04 00:00Z') as read
    cross join lateral iot.ingest(read.batch)
$$;

create function pg_temp.compact(tenant_id uuid) returns void
language sql
as $$
    select iot.lock_blocks(tenant_id);
    select iot.compact_tenant(tenant_id, pg_sequence_last_value('iot.batches_id_seq'), 'infinity')
$$;

select pg_temp.send(tenant, messages)
from (
    select
        jsonb_agg(
            jsonb_build_object(
                'at', at,
                'values', jsonb_build_object('speed', speed, 'moving', moving, 'state', state)
            )
            order by md5(n::text)
        ) as messages
    from drive
    group by n % 4
) as parts
cross join unnest(array['acme', 'rival']) as tenant;
select pg_temp.compact(:acme);
select pg_temp.compact(:rival);

create function pg_temp.metric(tenant_id uuid, metric_name text) returns integer
language sql stable
as $$
    select number from iot.metrics
    where metrics.tenant_id = metric.tenant_id and name = metric_name
$$;

-- What the blocks of a tenant hold, by metric: all hours of readings are past in a hundred years.
create function pg_temp.kept(tenant_id uuid)
returns table (metric text, readings bigint, hours bigint)
language sql stable
as $$
    select
        metrics.name,
        sum(past.readings)::bigint,
        sum(past.hours)::bigint
    from iot.blocks
    cross join lateral tenon.block_past(
        device, head, body, '2126-01-01Z', array[null::integer], '{1}', '{0}'
    ) as past
    inner join iot.metrics on metrics.tenant_id = blocks.tenant_id and metrics.number = past.metric
    where blocks.tenant_id = kept.tenant_id
    group by 1
$$;

create function pg_temp.hours(tenant_id uuid, metric_name text)
returns table (
    hour timestamptz, first_at timestamptz, last_at timestamptz, count bigint, min numeric,
    max numeric, avg numeric, sum numeric, first jsonb, last jsonb
)
language sql stable
as $$
    select
        date_trunc('hour', hours.first_at, 'UTC'), hours.first_at, hours.last_at, hours.count,
        hours.min::numeric, hours.max::numeric, round(hours.avg::numeric, 8),
        round(hours.sum::numeric, 6), hours.first, hours.last
    from iot.blocks
    cross join lateral tenon.block_hours(device, head) as hours
    where
        blocks.tenant_id = hours.tenant_id
        and hours.metric = pg_temp.metric(blocks.tenant_id, metric_name)
    order by 1
$$;

-- Of drive the hours before a time, grouped as anyone would.
create function pg_temp.grouped(metric text, since timestamptz, before timestamptz)
returns table (
    hour timestamptz, first_at timestamptz, last_at timestamptz, count bigint, min numeric,
    max numeric, avg numeric, sum numeric, first jsonb, last jsonb
)
language sql stable
as $$
    select
        date_trunc('hour', at, 'UTC'), min(at), max(at), count(*), min(number), max(number),
        round(avg(number), 8), round(sum(number), 6),
        (array_agg(value order by at))[1], (array_agg(value order by at desc))[1]
    from (
        select
            at,
            case metric when 'speed' then speed when 'moving' then moving::integer end as number,
            case metric
                when 'speed' then to_jsonb(speed)
                when 'moving' then to_jsonb(moving)
                when 'state' then to_jsonb(state)
            end as value
        from drive
    ) as readings
    where value is not null and at >= since and at < before
    group by 1
    order by 1
$$;

create temporary table rival_before as
select
    device,
    first_at,
    head,
    body
from iot.blocks where tenant_id = :rival;

-- No policy, no change.
select results_eq(
    $$select * from iot.retain('1 hour', '2126-01-01Z')$$,
    'values (0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, true)',
    'without a policy everything stays for ever'
);

-- Who sets policies, and which.
:as_ada
select results_eq(
    'select metric, raw_days, hourly_days, rejected_days from v1.set_retention(5, 4)',
    'values (null::text, 5, 4, 30)', 'an owner sets for how long all metrics are kept'
);
select results_eq(
    $$select metric, raw_days, hourly_days, rejected_days from v1.set_retention(2, metric => 'speed')$$,
    $$values ('speed', 2, null::integer, null::integer)$$, 'and for how long one metric is'
);
select v1.set_retention(metric => 'moving');
select v1.set_retention(3, 3, 'state');
select v1.set_retention(3, 0, 'state');
select results_eq(
    $$select metric, raw_days, hourly_days, rejected_days from v1.retention_policies order by 1$$,
    $$
        values
        ('moving', null::integer, null::integer, null::integer), ('speed', 2, null, null),
        ('state', 3, 0, null), (null, 5, 4, 30)
    $$,
    'the last policy of a metric is the one that counts'
);
select is(v1.clear_retention('moving'), true, 'a policy can be removed');
select is(v1.clear_retention('moving'), false, 'once');
select v1.set_retention(metric => 'moving');
select is(
    pg_temp.code_of(format('select v1.set_retention(%s)', arguments)), code,
    format('a policy of (%s) is refused as %s', arguments, code)
)
from (
    values
    ('0', 'retention.invalid'), ('-1', 'retention.invalid'), ('36501', 'retention.invalid'),
    ('1, -1', 'retention.invalid'), ('1, 36501', 'retention.invalid'),
    ('null, 1', 'retention.invalid'), ('rejected_days => 0', 'retention.invalid'),
    ($$1, metric => 'speed', rejected_days => 5$$, 'retention.invalid'),
    ($$1, metric => 'height'$$, 'metric.unknown')
) as wrong (arguments, code);
select is(
    pg_temp.code_of($$select v1.clear_retention('height')$$), 'metric.unknown',
    'nothing is removed of a metric that is not there'
);
select throws_ok(
    format(
        $$insert into iot.retention_policies (tenant_id, raw_days) values (%L, 1)$$, :rival
    ),
    '42501', null, 'nobody sets what others keep'
);

:as_vic
select is((select count(*) from v1.retention_policies), 4::bigint, 'a viewer sees policies');
select is(
    pg_temp.code_of('select v1.set_retention(1)'), 'tenancy.permission_missing',
    'a viewer sets none'
);
select is(
    pg_temp.code_of('select v1.clear_retention()'), 'tenancy.permission_missing', 'nor removes one'
);
delete from iot.retention_policies;
update iot.retention_policies set raw_days = 1;
select is((select sum(raw_days) from v1.retention_policies), 10::bigint, 'by no path');
select is(
    pg_temp.code_of('select * from iot.retain()'), '42501', 'and does not make others'' data go'
);
:as_eve
select is_empty('select from v1.retention_policies', 'another tenant sees no policy of acme');
select is_empty($$select from v1.retention_preview('2026-06-01Z')$$, 'nor what would go there');
delete from iot.retention_policies;
:as_sue
select is_empty('select from v1.retention_policies', 'a suspended member sees none');
select is_empty($$select from v1.retention_preview('2026-06-01Z')$$, 'nor what would go');
:as_gus
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000002"}';
select is((select count(*) from v1.retention_policies), 4::bigint, 'who owns the group sees them');
:as_anon
select is(
    pg_temp.code_of(statement), '42501', format('an anonymous caller may not: %s', statement)
)
from unnest(array[
    'select * from v1.retention_policies', 'select v1.set_retention(1)',
    'select v1.clear_retention()', 'select * from v1.retention_preview()'
]) as statement;
:as_service
select is(
    pg_temp.code_of('select v1.set_retention(1)'), 'tenancy.ambiguous',
    'the service role says for which tenant'
);
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000001"}';
select lives_ok('select v1.set_retention(1)', 'and then sets its policies');
select is(v1.clear_retention(), true, 'or removes them');

-- What would go: on the tenth day, at half past twelve.
:as_ada
create temporary table foretold as
select * from v1.retention_preview('2026-03-30T12:30Z');
grant select on foretold to public;
select results_eq(
    'select metric, month, readings, hours, kept_since, readings_before, hours_before from foretold',
    $$
        values
        ('speed', date '2026-03-01',
            (select count(*) from drive where at < '2026-03-28T00:00Z'), 0::bigint,
            timestamptz '2026-03-20T00:00Z', timestamptz '2026-03-28T00:00Z', null::timestamptz),
        ('state', date '2026-03-01',
            (select count(*) from drive where at < '2026-03-27T00:00Z'), 0::bigint,
            timestamptz '2026-03-27T00:00Z', '2026-03-27T00:00Z', '2026-03-27T00:00Z')
    $$,
    'a preview says what goes of each metric, and from when on what stays'
);
select ok((select bool_and(bytes > 0) from foretold), 'and about how many bytes');
:as_owner
select is(
    (
        select array_agg(kept_until order by first_at) from iot.blocks
        where tenant_id = :acme and kept_under is not null
    ), null, 'a preview changes nothing'
);

create function pg_temp.charted() returns jsonb
language sql stable
as $$
    select jsonb_agg(to_jsonb(hours) order by hours.metric, hours.at)
    from v1.telemetry(
        array['truck-1'], array['speed', 'state', 'moving'],
        '2026-03-20T00:00Z', '2026-04-03T00:00Z', '1 hour'
    ) as hours
    where hours.metric <> 'state' or hours.at >= '2026-03-27T00:00Z'
$$;
:as_ada
create temporary table charted_before as select pg_temp.charted() as chart;
grant select on charted_before to public;
:as_owner
create temporary table went as
select * from iot.retain('1 hour', '2026-03-30T12:30Z');
select results_eq(
    'select tenants, readings, rejected_messages, partitions, done from went',
    $$select 1::bigint, sum(readings)::bigint, 0::bigint, 0::bigint, true from foretold$$,
    'what then goes is what the preview said'
);
select results_eq(
    format('select * from pg_temp.kept(%L) order by 1', :acme),
    $$
        values
        ('moving', (select count(*) from drive), 0::bigint),
        (
            'speed', (select count(*) from drive where at >= '2026-03-28T00:00Z'),
            (
                select count(distinct date_trunc('hour', at)) from drive
                where at < '2026-03-28T00:00Z' and speed is not null
            )
        ),
        ('state', (select count(*) from drive where at >= '2026-03-27T00:00Z'), 0)
    $$,
    'each metric is kept as its policy says'
);
select results_eq(
    format('select * from pg_temp.hours(%L, ''speed'')', :acme),
    $$select * from pg_temp.grouped('speed', '-infinity', '2026-03-28T00:00Z')$$,
    'the statistics of hours are those of a plain table, grouped by hour'
);
:as_ada
select is(
    pg_temp.charted(), (select chart from charted_before),
    'a chart by the hour is the same before and afterwards'
);
:as_owner
select is(
    (select sum(tenon.block_check(device, head, body)) from iot.blocks where tenant_id = :acme),
    (select sum(readings) from iot.blocks where tenant_id = :acme),
    'every block is sound and holds what its row says'
);
select results_eq(
    'select device, first_at, head, body from iot.blocks where tenant_id = '
    || quote_literal(:rival) || ' order by 1, 2',
    'select * from rival_before order by 1, 2',
    'blocks of another tenant are not touched'
);
select is_empty(
    $$select * from v1.retention_preview('2026-03-30T12:30Z')$$, 'afterwards nothing would go'
);
select results_eq(
    $$select * from iot.retain('1 hour', '2026-03-30T23:59:59Z')$$,
    'values (0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, true)',
    'a second time nothing does, until the day is over'
);
select is_empty(
    format(
        $$
            select from iot.retention_of(%L, '2026-03-30T23:59:59Z') as policies
            cross join lateral iot.due_blocks(
                %L, policies.fingerprint, policies.readings_before, '2026-03-30T23:59:59Z'
            )
        $$, :acme, :acme
    ),
    'and no block is opened to find out'
);

-- Other policies: everything as texts and truth values too, and two ages of hours.
:as_ada
select v1.clear_retention(metric) from unnest(array['moving', 'speed', 'state']) as metric;
create temporary table foretold_later as
select * from v1.retention_preview('2026-03-31T00:00Z');
grant select on foretold_later to public;
:as_owner
select results_eq(
    $$select readings from iot.retain('1 hour', '2026-03-31T00:00Z')$$,
    'select sum(readings)::bigint from foretold_later', 'new policies apply to all blocks'
);
select is(
    (select hours from foretold_later where metric = 'speed'),
    (
        select count(distinct date_trunc('hour', at)) from drive
        where at < '2026-03-22T00:00Z' and speed is not null
    ),
    'the preview counts the statistics that go'
);
-- What became statistics under a shorter policy does not come back; of state, too, it was dropped.
select results_eq(
    format('select * from pg_temp.hours(%L, %L)', :acme, metric),
    format('select * from pg_temp.grouped(%L, %L, %L)', metric, since, before),
    format('hours of %s are those of a plain table', metric)
)
from (
    values
    ('speed', '2026-03-22T00:00Z', '2026-03-28T00:00Z'),
    ('moving', '2026-03-22T00:00Z', '2026-03-26T00:00Z')
) as expected (metric, since, before);
select is(
    (select count(*) from pg_temp.hours(:acme, 'state')), 0::bigint,
    'longer policies bring nothing back'
);
select results_eq(
    $$select readings, done from iot.retain('1 hour', '2026-04-02T00:00Z')$$,
    format(
        $$
            select count(*) + (select count(*) from drive where at >= '2026-03-27T00:00Z' and at < '2026-03-28'), true
            from drive where at >= '2026-03-26' and at < '2026-03-28'
        $$
    ),
    'as time goes on, readings go on to become statistics'
);
select results_eq(
    format('select * from pg_temp.hours(%L, ''state'')', :acme),
    $$select * from pg_temp.grouped('state', '2026-03-27T00:00Z', '2026-03-28T00:00Z')$$,
    'texts have a count, a first and a last'
);

-- Late readings for an hour that is down-sampled already.
select pg_temp.send('acme', '[
    {"at": "2026-03-27T13:05:00Z", "values": {"speed": 500}},
    {"at": "2026-03-27T13:05:00Z", "values": {"speed": 500}},
    {"at": "2026-03-01T00:00:00Z", "values": {"speed": 1}}
]');
select pg_temp.compact(:acme);
select is(
    (select readings from pg_temp.kept(:acme) where metric = 'speed'),
    (select count(*) + 2 from drive where at >= '2026-03-28T00:00Z'),
    'late readings are kept as readings first'
);
select results_eq(
    $$select readings from iot.retain('1 hour', '2026-04-02T00:00Z')$$, 'values (2::bigint)',
    'the next run takes them'
);
insert into drive (at, speed) values ('2026-03-27T13:05:00Z', 500);
select results_eq(
    format('select * from pg_temp.hours(%L, ''speed'')', :acme),
    $$select * from pg_temp.grouped('speed', '2026-03-24T00:00Z', '2026-03-28T00:00Z')$$,
    'they are part of their hour, or gone with it'
);
select is(
    (
        select count(*) from iot.blocks as one
        inner join iot.blocks as other
            on other.tenant_id = one.tenant_id and other.device = one.device
            and other.first_at > one.first_at and other.first_at <= one.last_at
    ), 0::bigint, 'blocks do not overlap'
);

-- Step by step.
create temporary table steps as select 0::bigint as blocks, false as done, 0 as step limit 0;
do $$
declare
    step record;
begin
    for number in 1..1000 loop
        select * into step from iot.retain('0', '2026-04-07T00:00Z');
        insert into steps values (step.blocks, step.done, number);
        exit when step.done;
    end loop;
end
$$;
select ok(
    (select max(blocks) = 1 and count(*) > 3 and bool_or(done) from steps),
    'without a budget each run makes one step, and the last finds nothing to do'
);
select results_eq(
    format('select * from pg_temp.hours(%L, ''moving'')', :acme),
    $$select * from pg_temp.grouped('moving', '2026-03-29', '2026-04-02')$$,
    'and what they come to is the same'
);

-- A block that cannot be read, which is warned of.
set local client_min_messages = error;
update iot.blocks
set
    body = set_byte(body, 0, 255 - get_byte(body, 0)),
    kept_under = null,
    kept_until = null
where
    tenant_id = :acme
    and first_at = (select max(first_at) from iot.blocks where tenant_id = :acme);
:as_ada
select v1.set_retention(1, 1, 'state');
:as_owner
select lives_ok(
    $$select * from iot.retain('1 hour', '2026-04-07T00:00Z')$$,
    'a block that cannot be read does not keep others from going'
);

-- Latest readings.
:as_ada
select results_eq(
    $$select metric from v1.latest(array['truck-1']) order by 1$$,
    $$values ('moving'), ('speed')$$, 'a latest reading of which nothing is kept is gone too'
);
:as_owner

-- Rejected messages.
insert into iot.rejected_messages (
    tenant_id, received_at, source, code, message, payload, payload_bytes
)
select
    tenants.id,
    timestamptz '2026-04-07T00:00Z' - days * interval '1 day',
    'http', 'payload.empty', '', '', 0
from core.tenants
cross join unnest(array[1, 6, 29, 31]) as days
where tenants.slug in ('acme', 'rival', 'group');
:as_ada
select v1.set_retention(5, 4, rejected_days => 5);
:as_service
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000001"}';
select v1.set_retention(rejected_days => null);
:as_owner
select is(
    (select rejected_messages from iot.retain('1 hour', '2026-04-07T00:00Z')), 4::bigint,
    'rejected messages go after the days of their tenant, or after thirty'
);
select results_eq(
    $$
        select tenants.slug, count(*) from iot.rejected_messages
        inner join core.tenants on tenants.id = tenant_id group by 1 order by 1
    $$,
    $$values ('acme', 1::bigint), ('group', 4), ('rival', 3)$$, 'each tenant has its own'
);

-- The end of everything.
:as_service
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000003"}';
select v1.set_retention(5, 5);
:as_owner
create temporary table partitions_before as select * from iot.blocks_partitions();
select is(
    (select partitions from iot.retain('1 hour', '2026-04-11T00:00Z')), 1::bigint,
    'a month that is past for every tenant goes as a whole'
);
select is_empty(
    $$
        select from iot.blocks_partitions()
        where month_from in ('2026-03-01Z', '2026-02-01Z')
    $$, 'and leaves no partition'
);
select isnt_empty('select from iot.blocks', 'the month that is not stays');
select results_eq(
    $$select done, partitions from iot.retain('1 hour', '2026-04-20T00:00Z')$$,
    'values (true, 0::bigint)', 'blocks that are past as a whole are deleted without being opened'
);
select is_empty('select from iot.blocks', 'expired data is nowhere');
select is_empty('select from iot.latest', 'nor is a latest reading');
select is(
    (select partitions from iot.retain('1 hour', '2026-05-01T00:00Z')), 1::bigint,
    'an empty month goes when it is over'
);

select * from finish();
rollback;
