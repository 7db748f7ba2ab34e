-- Whether deliveries get out, for whoever answers for them: the tenant, and the operator.
--
-- One index answers what waits and since when, without a look at what is over. Ages count from
-- when a delivery could have been taken, not from when it was written: a mail for next week is not
-- late, and one whose worker vanished is late from the end of its lease on. Nobody is alarmed by
-- what is held back on purpose.

set local lock_timeout = '5s';

create table core.delivery_alarms (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    channel text not null,
    waiting_since timestamptz not null,
    threshold interval not null,
    opened_at timestamptz not null default now(),
    closed_at timestamptz,
    primary key (tenant_id, id),
    constraint closing_follows_opening check (closed_at >= opened_at)
);
create unique index delivery_alarms_open on core.delivery_alarms (tenant_id, channel)
where closed_at is null;

comment on table core.delivery_alarms is
'When deliveries of a tenant and channel waited too long: one alarm from then until none does.';
comment on column core.delivery_alarms.waiting_since is
'Since when the oldest could have been taken, as the alarm was opened.';

alter table core.delivery_alarms enable row level security;
create policy delivery_alarms_read on core.delivery_alarms for select to authenticated
using (tenant_id = any((select core.tenants_with('core.deliveries.read'))::uuid[]));
grant select on core.delivery_alarms to authenticated, service_role;

insert into core.event_types (type, description, permission) values
(
    'core.delivery.stalled', 'Deliveries of a channel have waited too long.',
    'core.deliveries.read'
),
(
    'core.delivery.recovered', 'None of them waits too long any more.', 'core.deliveries.read'
);

insert into core.errors (code, status, message, hint) values
(
    'delivery.period_invalid', 400, 'A summary is of a period of at most {days_max} days.',
    'Name a from_at that is before to_at.'
);

create function core.delivery_threshold(settings jsonb) returns interval
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return case
    when
        jsonb_typeof(settings #> '{core,delivery_stalled_s}') = 'number'
        and (settings #>> '{core,delivery_stalled_s}')::numeric between 60 and 604800
        then make_interval(secs => (settings #>> '{core,delivery_stalled_s}')::double precision)
    else interval '15 minutes'
end;

comment on function core.delivery_threshold(jsonb) is
'How long a delivery of a tenant with these settings may wait before there is an alarm:
{"core": {"delivery_stalled_s": 900}}, from a minute to a week, and 15 minutes where nothing valid
is set. Internal.';

create function core.oldest_waiting(at timestamptz)
returns table (tenant_id uuid, channel text, waiting_since timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
#variable_conflict use_column
begin
    return query
    -- From tenant to tenant along the index: as many looks as there are tenants with something
    -- waiting, however much that is.
    with recursive oldest as (
        (
            select
                deliveries.channel,
                deliveries.status,
                deliveries.tenant_id,
                coalesce(
                    deliveries.lease_expires_at, deliveries.next_attempt_at, deliveries.created_at
                ) as since
            from core.deliveries
            where deliveries.finished_at is null
            order by 1, 2, 3, 4
            limit 1
        )
        union all
        select following.*
        from oldest
        cross join lateral (
            select
                deliveries.channel,
                deliveries.status,
                deliveries.tenant_id,
                coalesce(
                    deliveries.lease_expires_at, deliveries.next_attempt_at, deliveries.created_at
                ) as since
            from core.deliveries
            where
                deliveries.finished_at is null
                and (deliveries.channel, deliveries.status, deliveries.tenant_id)
                > (oldest.channel, oldest.status, oldest.tenant_id)
            order by 1, 2, 3, 4
            limit 1
        ) as following
    )
    select
        oldest.tenant_id,
        oldest.channel,
        min(oldest.since)
    from oldest
    where
        oldest.status <> 'held'
        and oldest.since < oldest_waiting.at
        and not exists (
            select from core.delivery_channels as channels
            where channels.channel = oldest.channel and channels.paused_at is not null
        )
        and not exists (
            select from core.delivery_pauses as pauses
            where
                pauses.tenant_id = oldest.tenant_id
                and pauses.channel = oldest.channel
                and pauses.resumed_at is null
        )
    group by oldest.tenant_id, oldest.channel;
end
$$;

comment on function core.oldest_waiting(timestamptz) is
'Since when the oldest delivery of each tenant and channel could have been taken, where one could.
What is paused, by the tenant or the operator, is left out, and so is what waits behind another of
its order or for its endpoint. Internal.';

create function core.watch_deliveries(at timestamptz default clock_timestamp()) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    late jsonb;
    alarm core.delivery_alarms;
    changed integer := 0;
begin
    -- Two at once would tell the same.
    if not pg_try_advisory_xact_lock(hashtextextended('core.watch_deliveries', 0)) then
        return changed;
    end if;
    -- By tenant and channel, such as "…/email".
    select coalesce(
        jsonb_object_agg(waiting.tenant_id || '/' || waiting.channel, waiting.waiting_since), '{}'
    )
    into late
    from core.oldest_waiting(watch_deliveries.at) as waiting
    inner join core.tenants on tenants.id = waiting.tenant_id
    where waiting.waiting_since < watch_deliveries.at - core.delivery_threshold(tenants.settings);
    for alarm in
        insert into core.delivery_alarms (
            tenant_id, channel, waiting_since, threshold, opened_at
        )
        select
            tenants.id,
            split_part(known.key, '/', 2),
            known.value::timestamptz,
            core.delivery_threshold(tenants.settings),
            watch_deliveries.at
        from jsonb_each_text(late) as known
        inner join core.tenants on tenants.id = split_part(known.key, '/', 1)::uuid
        on conflict (tenant_id, channel) where closed_at is null do nothing
        returning *
    loop
        changed := changed + 1;
        perform core.emit(
            alarm.tenant_id, 'core.delivery.stalled', 'delivery_alarm', alarm.id,
            jsonb_build_object('channel', alarm.channel, 'waiting_since', alarm.waiting_since)
        );
    end loop;
    for alarm in
        update core.delivery_alarms as alarms
        set closed_at = watch_deliveries.at
        where alarms.closed_at is null and not late ? (alarms.tenant_id || '/' || alarms.channel)
        returning *
    loop
        changed := changed + 1;
        perform core.emit(
            alarm.tenant_id, 'core.delivery.recovered', 'delivery_alarm', alarm.id,
            jsonb_build_object('channel', alarm.channel, 'opened_at', alarm.opened_at)
        );
    end loop;
    return changed;
end
$$;

comment on function core.watch_deliveries(timestamptz) is
'Opens an alarm for each tenant and channel whose oldest delivery has waited for longer than the
tenant''s threshold, closes those for which none does any more, and tells of both by an event each.
Returns how many it opened and closed. Definer, because it works for every tenant; service_role may
call it.';

-- What tenants see --------------------------------------------------------------------------------

create view v1.delivery_alarms with (security_invoker = true) as
select
    alarms.tenant_id,
    alarms.id,
    alarms.channel,
    alarms.waiting_since,
    alarms.threshold,
    alarms.opened_at,
    alarms.closed_at
from core.delivery_alarms as alarms;

comment on view v1.delivery_alarms is
'When deliveries of your tenants waited too long; without closed_at, they still do. waiting_since:
of the oldest, as the alarm was opened; threshold: of the tenant''s setting core.delivery_stalled_s.
Needs core.deliveries.read.';

create view v1.delivery_backlog with (security_invoker = true) as
select
    deliveries.tenant_id,
    deliveries.channel,
    deliveries.status,
    count(*) as deliveries,
    min(coalesce(deliveries.lease_expires_at, deliveries.next_attempt_at, deliveries.created_at))
        as due_at
from core.deliveries
where deliveries.finished_at is null
group by deliveries.tenant_id, deliveries.channel, deliveries.status;

comment on view v1.delivery_backlog is
'How many deliveries of your tenants are not over, by channel and status. due_at: when the first of
them could be, or could have been, taken; of those being sent, when their worker''s time is over.
Needs core.deliveries.read.';

grant select on v1.delivery_alarms, v1.delivery_backlog to authenticated, service_role;

create function v1.delivery_summary(
    from_at timestamptz default now() - interval '1 day', to_at timestamptz default now()
)
returns table (
    tenant_id uuid,
    channel text,
    endpoint_id uuid,
    attempts bigint,
    delivered bigint,
    failed bigint,
    abandoned bigint,
    success_rate double precision,
    p50_ms double precision,
    p95_ms double precision
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    days_max constant integer := 92;
begin
    if
        (
            delivery_summary.from_at < delivery_summary.to_at
            and delivery_summary.to_at <= delivery_summary.from_at + make_interval(days => days_max)
        ) is not true
    then
        perform core.fail('delivery.period_invalid', jsonb_build_object('days_max', days_max));
    end if;
    return query
    select
        attempts.tenant_id,
        attempts.channel,
        attempts.endpoint_id,
        count(*),
        count(*) filter (where attempts.outcome = 'delivered'),
        count(*) filter (where attempts.outcome = 'failed'),
        count(*) filter (where attempts.outcome = 'abandoned'),
        avg((attempts.outcome = 'delivered')::integer)::double precision,
        percentile_cont(0.5) within group (order by attempts.duration_ms),
        percentile_cont(0.95) within group (order by attempts.duration_ms)
    from core.delivery_attempts as attempts
    where
        attempts.ended_at >= delivery_summary.from_at
        and attempts.ended_at < delivery_summary.to_at
    group by grouping sets (
        (attempts.tenant_id, attempts.channel),
        (attempts.tenant_id, attempts.channel, attempts.endpoint_id)
    )
    -- What goes to no endpoint is there once: as its channel.
    having grouping(attempts.endpoint_id) = 1 or attempts.endpoint_id is not null
    order by 1, 2, 3 nulls first;
end
$$;

comment on function v1.delivery_summary(timestamptz, timestamptz) is
'How the attempts went that ended from from_at until before to_at, for each of your tenants: a row a
channel, with endpoint_id null, and a row an endpoint. success_rate: of all attempts, 0 to 1; p50_ms
and p95_ms: how long they took, at most, half of them and 95 of a hundred. At most 92 days. Raises
delivery.period_invalid (400). Needs core.deliveries.read.';

-- What the operator measures ----------------------------------------------------------------------

create function core.delivery_metrics(at timestamptz default clock_timestamp())
returns table (name text, labels jsonb, value double precision)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    -- What is more is as bad, and takes long to count.
    counted_max constant integer := 100000;
begin
    return query
    select
        'tenon_deliveries_waiting',
        jsonb_build_object('channel', channels.channel, 'status', status),
        (
            select count(*)
            from (
                select from core.deliveries
                where
                    deliveries.finished_at is null
                    and deliveries.channel = channels.channel
                    and deliveries.status = known.status
                limit counted_max
            ) as counted
        )::double precision
    from core.delivery_channels as channels
    cross join unnest(array['scheduled', 'queued', 'held', 'sending']) as known (status);

    return query
    select
        'tenon_deliveries_dead',
        jsonb_build_object('channel', channels.channel),
        (
            select count(*)
            from (
                select from core.deliveries
                where deliveries.status = 'dead' and deliveries.channel = channels.channel
                limit counted_max
            ) as counted
        )::double precision
    from core.delivery_channels as channels;

    return query
    select
        'tenon_deliveries_oldest_age_seconds',
        jsonb_build_object('channel', channels.channel),
        coalesce(
            extract(epoch from delivery_metrics.at - min(waiting.waiting_since)), 0
        )::double precision
    from core.delivery_channels as channels
    left join core.oldest_waiting(delivery_metrics.at) as waiting
        on waiting.channel = channels.channel
    group by channels.channel;

    return query
    select
        'tenon_delivery_alarms_open',
        '{}'::jsonb,
        (
            select count(*) from core.delivery_alarms as alarms where alarms.closed_at is null
        )::double precision;

    return query
    select
        'tenon_jobs',
        jsonb_build_object('status', known.status),
        (
            select count(*)
            from (
                select from core.jobs
                where jobs.finished_at is null and jobs.status = known.status
                limit counted_max
            ) as counted
        )::double precision
    from unnest(array['scheduled', 'queued', 'running']) as known (status)
    union all
    select
        'tenon_jobs',
        '{"status": "failed"}',
        (
            select count(*)
            from (select from core.jobs where jobs.status = 'failed' limit counted_max) as counted
        )::double precision;

    return query
    select
        'tenon_jobs_oldest_age_seconds',
        '{}'::jsonb,
        coalesce(
            (
                select
                    extract(
                        epoch from greatest(delivery_metrics.at - min(jobs.run_at), interval '0')
                    )
                from core.jobs
                where jobs.finished_at is null and jobs.status = 'queued'
            ),
            0
        )::double precision;
end
$$;

comment on function core.delivery_metrics(timestamptz) is
'Gauges for Prometheus of all tenants together, which names none: what waits by channel and status,
how long the oldest has, what is dead, open alarms, and jobs. Each count ends at 100,000, so that
asking takes some milliseconds whatever waits. Definer, because it works for every tenant;
tenon_bridge and service_role may call it.';

revoke all on function
core.delivery_threshold(jsonb),
core.oldest_waiting(timestamptz),
core.watch_deliveries(timestamptz),
core.delivery_metrics(timestamptz),
v1.delivery_summary(timestamptz, timestamptz)
from public;
grant execute on function core.watch_deliveries(timestamptz) to service_role;
grant execute on function core.delivery_metrics(timestamptz) to service_role, tenon_bridge;
grant execute on function v1.delivery_summary(timestamptz, timestamptz)
to authenticated, service_role;
