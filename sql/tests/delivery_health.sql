-- What waits is counted, what waits too long is told, and what is held on purpose is neither.
begin;
\ir ../support/fixtures.sql
select plan(31);

insert into core.deliveries (
    tenant_id, channel, recipient, template, data, status, held_for, next_attempt_at,
    lease_expires_at, finished_at, created_at
)
select
    tenants.id,
    row.channel,
    'x@example.com',
    'test.mail',
    '{}',
    row.status,
    row.held_for,
    now() - row.due_ago::interval,
    now() - row.lease_ago::interval,
    now() - row.finished_ago::interval,
    now() - row.created_ago::interval
from (
    values
    ('acme', 'email', 'queued', null, null, null, null, '10 minutes'),
    ('acme', 'email', 'queued', null, '5 minutes', null, null, '10 hours'),
    ('acme', 'email', 'scheduled', null, '-2 hours', null, null, '20 hours'),
    ('acme', 'email', 'held', 'order', null, null, null, '30 hours'),
    ('acme', 'email', 'delivered', null, null, null, '1 minute', '40 hours'),
    ('acme', 'email', 'dead', null, null, null, '1 minute', '50 hours'),
    ('acme', 'webhook', 'sending', null, null, '20 minutes', null, '60 minutes'),
    ('rival', 'email', 'queued', null, null, null, null, '1 minute')
) as row (tenant, channel, status, held_for, due_ago, lease_ago, finished_ago, created_ago)
inner join core.tenants on tenants.slug = row.tenant;

-- The oldest, by index and by looking at everything.
create function pg_temp.oldest() returns setof record
language sql
as $$
    select
        deliveries.tenant_id,
        deliveries.channel,
        min(coalesce(
            deliveries.lease_expires_at, deliveries.next_attempt_at, deliveries.created_at
        ))
    from core.deliveries
    where
        deliveries.status in ('queued', 'sending', 'scheduled')
        and coalesce(
            deliveries.lease_expires_at, deliveries.next_attempt_at, deliveries.created_at
        ) < now()
    group by 1, 2
$$;
select set_eq(
    'select * from core.oldest_waiting(now())',
    'select * from pg_temp.oldest() as known (tenant_id uuid, channel text, since timestamptz)',
    'the oldest of each tenant and channel is found'
);
select results_eq(
    format(
        'select channel, now() - waiting_since from core.oldest_waiting(now()) '
        'where tenant_id = %L order by 1', :acme
    ),
    $$
        values
        ('email', interval '10 minutes'),
        ('webhook', interval '20 minutes')
    $$,
    'counted from when it could be taken, or its worker was to be back'
);

-- Alarms.
select is(core.watch_deliveries(now()), 1, 'what waits for more than 15 minutes raises an alarm');
select results_eq(
    'select tenant_id, channel, closed_at from core.delivery_alarms',
    format('values (%L::uuid, ''webhook'', null::timestamptz)', :acme), 'of its channel'
);
select is(core.watch_deliveries(now()), 0, 'once');
select is(core.watch_deliveries(now() + interval '6 minutes'), 1, 'each channel has its own');
update core.tenants set settings = '{"core": {"delivery_stalled_s": 60}}' where id = :rival;
select is(core.watch_deliveries(now() + interval '6 minutes'), 1, 'and each tenant its threshold');
select results_eq(
    format('select threshold from core.delivery_alarms where tenant_id = %L', :rival),
    $$values (interval '1 minute')$$, 'which the alarm tells'
);
insert into core.delivery_pauses (tenant_id, channel, reason) values (:acme, 'email', 'test');
select is(core.watch_deliveries(now() + interval '6 minutes'), 1, 'a pause ends an alarm');
update core.delivery_channels set paused_at = now(), pause_reason = 'x' where channel = 'webhook';
select is(core.watch_deliveries(now() + interval '6 minutes'), 1, 'of the tenant or the operator');
delete from core.delivery_pauses;
update core.delivery_channels set paused_at = null, pause_reason = null;
select is(
    core.watch_deliveries(now() + interval '6 minutes'), 2, 'and after it there are new ones'
);
update core.deliveries
set status = 'delivered', held_for = null, lease_expires_at = null, finished_at = now()
where finished_at is null;
select is(core.watch_deliveries(now() + interval '6 minutes'), 3, 'what is delivered ends them');
select is_empty(
    'select from core.delivery_alarms where closed_at is null', 'and none stays open'
);
set constraints all immediate;
set constraints all deferred;
select results_eq(
    $$
        select type, count(*) from core.events
        where type like 'core.delivery.%' group by type order by type
    $$,
    $$values ('core.delivery.recovered', 5::bigint), ('core.delivery.stalled', 5::bigint)$$,
    'each beginning and end is told once'
);
select
    is(
        core.delivery_threshold(known.settings::jsonb), known.threshold::interval,
        coalesce(known.settings, 'null')
    )
from (
    values
    ('{}', '15 minutes'),
    ('{"core": {"delivery_stalled_s": 59}}', '15 minutes'),
    ('{"core": {"delivery_stalled_s": "x"}}', '15 minutes'),
    ('{"core": {"delivery_stalled_s": 3600}}', '1 hour')
) as known (settings, threshold);

-- The summary.
insert into core.deliveries (tenant_id, id, channel, recipient, template, data, endpoint_id)
values
(:acme, '00000000-0000-4000-d000-000000000001', 'webhook', 'https://x/', 'test', '{}', null),
(:rival, '00000000-0000-4000-d000-000000000002', 'webhook', 'https://x/', 'test', '{}', null);
insert into core.delivery_attempts (
    tenant_id, delivery_id, number, channel, endpoint_id, started_at, ended_at, outcome, duration_ms
)
select
    :acme::uuid,
    '00000000-0000-4000-d000-000000000001'::uuid,
    number,
    case when number <= 20 then 'webhook' else 'email' end,
    case when number <= 20 then '00000000-0000-4000-e000-000000000001'::uuid end,
    now() - interval '1 hour',
    now() - interval '1 hour',
    case when number % 4 = 0 then 'failed' else 'delivered' end,
    number
from generate_series(1, 40) as number;
insert into core.delivery_attempts (
    tenant_id, delivery_id, number, channel, started_at, ended_at, outcome, duration_ms
)
values (
    :rival, '00000000-0000-4000-d000-000000000002', 1, 'webhook', now(),
    now() - interval '1 hour', 'abandoned', 5
);
:as_ada
select results_eq(
    $$
        select channel, endpoint_id, attempts, delivered, failed, abandoned, success_rate, p50_ms,
            p95_ms
        from v1.delivery_summary()
    $$,
    $$
        values
        (
            'email', null::uuid, 20::bigint, 15::bigint, 5::bigint, 0::bigint, 0.75::float8,
            30.5::float8, 39.05::float8
        ),
        ('webhook', null, 20, 15, 5, 0, 0.75, 10.5, 19.05),
        ('webhook', '00000000-0000-4000-e000-000000000001', 20, 15, 5, 0, 0.75, 10.5, 19.05)
    $$,
    'attempts are summed up by channel and by endpoint, of the own tenant'
);
select is_empty(
    'select from v1.delivery_summary(now() - interval ''3 days'', now() - interval ''2 hours'')',
    'of the time that is asked for'
);
select is(
    pg_temp.code_of('select v1.delivery_summary(now(), now())'), 'delivery.period_invalid',
    'which has a beginning before its end'
);
select is(
    pg_temp.code_of('select v1.delivery_summary(now() - interval ''93 days'')'),
    'delivery.period_invalid', 'and is not too long'
);
select results_eq(
    'select channel, status, deliveries from v1.delivery_backlog',
    $$values ('webhook', 'queued', 1::bigint)$$, 'what waits is counted'
);
select is(
    (select count(*) from v1.delivery_alarms), 4::bigint, 'alarms of the own tenant are seen'
);
:as_vic
select is_empty('select from v1.delivery_summary()', 'by nobody who may not see deliveries');
select is_empty('select from v1.delivery_alarms', 'nor are alarms');
:as_eve
select results_eq(
    'select channel, abandoned from v1.delivery_summary()', $$values ('webhook', 1::bigint)$$,
    'another tenant sees its own'
);

-- Metrics.
:as_bridge
select results_eq(
    $$
        select labels ->> 'status', value from core.delivery_metrics()
        where name = 'tenon_deliveries_waiting' and labels ->> 'channel' = 'webhook'
        order by 1
    $$,
    $$
        values
        ('held', 0::float8), ('queued', 2), ('scheduled', 0), ('sending', 0)
    $$,
    'a bridge measures all tenants together'
);
select is_empty(
    $$
        select from core.delivery_metrics()
        where labels::text ~ '[0-9a-f]{8}-' or name !~ '^tenon_[a-z_]+$'
            or value is null
    $$,
    'and names none'
);
select is(
    (
        select value from core.delivery_metrics()
        where name = 'tenon_deliveries_dead' and labels ->> 'channel' = 'email'
    ),
    1::float8, 'what is dead is counted'
);
select is(
    pg_temp.code_of('select from core.deliveries'), '42501', 'though it reads no delivery'
);

select * from finish();
rollback;
