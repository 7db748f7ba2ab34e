begin;
\ir ../support/fixtures.sql
select plan(45);

create function pg_temp.batch(tenant text, device text, messages jsonb) returns bytea
language sql
as $$select batch from tenon.batch_from_json(tenant, device, messages, now())$$;

-- The bridge.
:as_bridge
select is_empty(
    $$select iot.ingest(pg_temp.batch('acme', 'truck-1', '{"speed": 1}'))$$,
    'the bridge stores readings'
);
select results_eq(
    $$select kind, ordinal, code from iot.ingest(pg_temp.batch('nobody', 'truck-1', '{"speed": 1}'))$$,
    $$values ('device', 1, 'tenant.unknown')$$, 'a tenant that does not exist is refused'
);
select results_eq(
    $$
        select kind, ordinal, code from iot.ingest(pg_temp.batch('acme', null, '[
            {"device": "truck-1", "speed": 2}, {"device": "ghost", "speed": 3}
        ]'))
    $$,
    $$values ('device', 2, 'device.unknown')$$,
    'a device that nobody added is refused, the others of its batch are not'
);
select throws_ok(
    $$select iot.ingest('\x0102')$$, null, null, 'what is no batch is an error'
);
select is(
    iot.reject(
        array['t/acme/d/truck-1/telemetry', 'nonsense', 't/nobody/d/x/telemetry'],
        array['\x00ff'::bytea, '', convert_to(repeat('x', 5000), 'UTF8')],
        array['payload.not_utf8', 'topic.invalid', 'tenant.unknown'],
        array['a', 'b', 'c']
    ), 3, 'the bridge keeps what it cannot read'
);
select is(
    pg_temp.code_of('select * from ' || relation), '42501', 'the bridge reads nothing of ' || relation
)
from unnest(array['iot.devices', 'iot.batches', 'core.tenants', 'auth.users']) as relation;

:as_owner
select results_eq(
    $$
        select tenants.slug, rejected.device, rejected.code, octet_length(payload), payload_bytes
        from iot.rejected_messages as rejected
        inner join core.tenants on tenants.id = rejected.tenant_id
        order by rejected.id
    $$,
    $$
        values
        ('acme', 'truck-1', 'payload.not_utf8', 2, 2),
        ('platform', null, 'topic.invalid', 0, 0),
        ('platform', 'x', 'tenant.unknown', 4096, 5000)
    $$,
    'a rejected message belongs to the tenant of its topic, or else to the platform, and is cut'
);
select is((select sum(readings) from iot.batches), 2::bigint, 'what was refused is not stored');
select is(
    (select count(*) from iot.devices where slug = 'ghost'), 0::bigint, 'and registers no device'
);

-- Life cycle and settings.
update iot.devices set status = 'suspended' where slug = 'truck-1' and tenant_id = :acme;
update iot.devices set status = 'decommissioned' where slug = 'truck-2';
:as_bridge
select results_eq(
    $$
        select kind, ordinal, code from iot.ingest(pg_temp.batch('acme', null, '[
            {"device": "truck-1", "fresh_name": 2}, {"device": "truck-2", "fresh_name": 3}
        ]'))
    $$,
    $$values ('device', 1, 'device.suspended'), ('device', 2, 'device.decommissioned')$$,
    'suspended and decommissioned devices are refused'
);
:as_owner
select is_empty(
    $$select from iot.metrics where name = 'fresh_name'$$, 'and register no metric'
);
update iot.devices set status = 'active' where slug = 'truck-1' and tenant_id = :acme;
update core.tenants set settings = '{"iot": {"auto_register_devices": true}}' where slug = 'acme';
:as_bridge
select is_empty(
    $$select iot.ingest(pg_temp.batch('acme', 'newcomer', '{"speed": 1}'))$$,
    'a tenant may choose that unknown devices register themselves'
);
:as_owner
select is(
    (select status from iot.devices where slug = 'newcomer' and tenant_id = :acme), 'active',
    'these are active at once'
);
update core.tenants set status = 'suspended' where slug = 'rival';
:as_bridge
select results_eq(
    $$select kind, ordinal, code from iot.ingest(pg_temp.batch('rival', 'truck-1', '{"speed": 1}'))$$,
    $$values ('device', 1, 'tenant.suspended')$$, 'devices of a suspended tenant are refused'
);

-- A batch that names few of a tenant's devices looks these up; one that names many reads them all.
:as_owner
insert into iot.devices (tenant_id, slug, status)
select
    :acme,
    'fleet-' || n,
    case n when 7 then 'suspended' else 'provisioned' end
from generate_series(1, 40) as n;
create function pg_temp.fleet(variadic numbers integer []) returns bytea
language sql
as $$
    select pg_temp.batch('acme', null, jsonb_agg(
        jsonb_build_object('device', 'fleet-' || n, 'speed', n)
    ))
    from unnest(numbers) as n
$$;
:as_bridge
select results_eq(
    'select kind, ordinal, code from iot.ingest(pg_temp.fleet(5, 7, 9))',
    $$values ('device', 2, 'device.suspended')$$, 'of few devices the suspended one is refused'
);
:as_owner
select is(
    (select array_agg(slug order by number) from iot.devices where slug ^@ 'fleet-' and last_seen_at > now()),
    array['fleet-5', 'fleet-9'], 'and those that were heard are marked'
);
:as_bridge
select results_eq(
    $$
        select kind, ordinal, code
        from iot.ingest(pg_temp.fleet(variadic array(select n from generate_series(1, 40) as n)))
    $$,
    $$values ('device', 7, 'device.suspended')$$, 'of all devices the suspended one is refused'
);
:as_owner
select is(
    (select count(*) from iot.devices where slug ^@ 'fleet-' and status = 'active'), 39::bigint,
    'and the others are active'
);
select is(
    (select array_agg(readings order by id desc) from (select id, readings from iot.batches order by id desc limit 2) as latest),
    array[39, 2], 'only their readings are kept'
);
select is(
    (
        select count(*)
        from iot.devices
        inner join tenon.answer_readings(
            (
                select tenon.latest_agg(tenon.latest_query(null, null), id, null, frame)
                from iot.batches
                where tenant_id = :acme
            ),
            (select array_agg(number) from iot.devices),
            (select array_agg(slug) from iot.devices),
            (select array_agg(number) from iot.metrics),
            (select array_agg(name) from iot.metrics)
        ) as reading on reading.device = devices.slug
        where slug ^@ 'fleet-' and 'fleet-' || (reading.value #>> '{}') = slug
    ),
    39::bigint, 'each under its own device'
);

-- The limit of metrics.
:as_owner
insert into iot.metrics (tenant_id, name)
select
    :acme,
    'm' || n
from generate_series(1, iot.metrics_per_tenant_max() - 2) as n;
:as_bridge
select results_eq(
    $$
        select kind, ordinal, code from iot.ingest(pg_temp.batch('acme', 'truck-1', '[
            {"last_that_fits": 1}, {"one_too_many": 2}, {"speed": 3}, {"speed": 4, "one_too_many": 5}
        ]'))
    $$,
    $$values ('metric', 2, 'metric.limit_reached')$$,
    'metrics register themselves up to the limit'
);
:as_owner
select is(
    (select readings from iot.batches order by id desc limit 1), 2,
    'a message with a metric too many is refused whole, the others are kept'
);

-- v1.ingest, by members and devices.
:as_ada
select is(
    v1.ingest('[
        {"device": "truck-1", "at": "2026-01-01T00:00:00Z", "values": {"speed": 7}},
        {"device": "truck-1", "at": "yesterday", "values": {"speed": 8}},
        {"device": "truck-2", "values": {"speed": 9}},
        {"device": "truck-1", "one_too_many": 1},
        {"values": {"speed": 9}}
    ]') #- '{rejected,0,message}' #- '{rejected,1,message}' #- '{rejected,2,message}'
    #- '{rejected,3,message}',
    '{
        "accepted": 1,
        "rejected": [
            {"index": 1, "code": "payload.time_invalid"},
            {"index": 2, "code": "device.decommissioned"},
            {"index": 3, "code": "metric.limit_reached"},
            {"index": 4, "code": "device.missing"}
        ]
    }'::jsonb,
    'a member sends for devices of the tenant and learns what was not kept, and why'
);
select is(
    (select array_agg(code order by id) from v1.rejected_messages where source = 'http'),
    array['payload.time_invalid', 'device.decommissioned', 'metric.limit_reached', 'device.missing'],
    'which is recorded too'
);
:as_truck
-- The sixth time on, Postgres plans without the arguments, of which whoever asks is one.
select is(
    (v1.ingest(format('{"at": "2025-01-01T00:00:0%sZ", "speed": 1}', n)::jsonb) ->> 'accepted'), '1',
    format('a device sends for itself the %s. time over one connection', n)
)
from generate_series(1, 9) as n;
select is(
    v1.ingest('{"speed": 11}') -> 'accepted', '1'::jsonb, 'a device sends for itself'
);
select is(
    pg_temp.code_of($$select v1.ingest('{"device": "newcomer", "speed": 11}')$$), 'device.not_own',
    'and for no other'
);
:as_owner
update iot.devices set status = 'suspended' where slug = 'truck-1' and tenant_id = :acme;
:as_truck
select is(
    pg_temp.code_of($$select v1.ingest('{"speed": 11}')$$), 'device.suspended',
    'a suspended device is told so'
);
:as_vic
select is(
    pg_temp.code_of($$select v1.ingest('{"device": "truck-1", "speed": 1}')$$),
    'tenancy.permission_missing', 'a viewer sends nothing'
);
:as_sue
select is(
    pg_temp.code_of($$select v1.ingest('{"device": "truck-1", "speed": 1}')$$),
    'tenancy.permission_missing', 'nor does a suspended member'
);
:as_anon
select is(
    pg_temp.code_of($$select v1.ingest('{"device": "truck-1", "speed": 1}')$$), '42501',
    'nor anyone anonymous'
);
:as_service
select is(
    pg_temp.code_of($$select v1.ingest('{"device": "truck-1", "speed": 1}')$$),
    'tenancy.ambiguous', 'the service role says for which tenant it sends'
);
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000002"}';
select is(
    v1.ingest('{"device": "newcomer", "speed": 1}') -> 'accepted', '1'::jsonb, 'and then may'
);
:as_ada
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000003"}';
select is(
    pg_temp.code_of($$select v1.ingest('{"device": "truck-1", "speed": 1}')$$),
    'tenancy.permission_missing', 'the header gives a member no other tenant'
);

select * from finish();
rollback;
