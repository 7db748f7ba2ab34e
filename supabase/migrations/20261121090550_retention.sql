-- For how long readings stay: as they are, then as statistics of their hours, then not at all.
--
-- A tenant sets days for all of its metrics, and for single ones; without a policy readings stay
-- for ever. iot.retain makes it so, block by block. A block that it has been through remembers
-- under which policies and until when there is nothing to do, so that an index leads to those
-- where there is, and no other is opened. Only blocks age: readings in batches do once they are in
-- blocks.

set local lock_timeout = '5s';

create function iot.rejected_days_default() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 30;

comment on function iot.rejected_days_default() is
'For how many days rejected messages are kept where a tenant has set nothing: long enough to find
out why a device is refused, short enough that one that never stops does not fill the disk.
Signed-in users may call it.';

create table iot.retention_policies (
    tenant_id uuid not null default core.sole_tenant_with('iot.retention.write')
    references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    metric integer,
    raw_days integer,
    hourly_days integer,
    rejected_days integer,
    changed_at timestamptz not null default now(),
    changed_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    foreign key (tenant_id, metric) references iot.metrics (tenant_id, number) on delete cascade,
    constraint one_policy_a_metric unique nulls not distinct (tenant_id, metric),
    constraint raw_days_in_range check (raw_days between 1 and 36500),
    constraint hourly_days_in_range check (hourly_days between 0 and 36500),
    constraint hours_follow_readings check (raw_days is not null or hourly_days is null),
    constraint rejected_days_in_range check (rejected_days between 1 and 36500),
    constraint rejected_messages_have_no_metric check (metric is null or rejected_days is null)
);

comment on table iot.retention_policies is
'For how long a tenant keeps what. A day of UTC ages as a whole, from its end on.';
comment on column iot.retention_policies.metric is
'iot.metrics.number; null for all metrics that have no policy of their own.';
comment on column iot.retention_policies.raw_days is
'After so many days readings become statistics of their hour; null is never.';
comment on column iot.retention_policies.hourly_days is
'After so many more days the statistics go; null is never.';
comment on column iot.retention_policies.rejected_days is
'After so many days rejected messages go, in the policy of all metrics; null is never.';

alter table iot.retention_policies enable row level security;

create policy retention_policies_read on iot.retention_policies for select to authenticated
using (tenant_id = any((select core.tenants_with('iot.telemetry.read'))::uuid[]));

create policy retention_policies_add on iot.retention_policies for insert to authenticated
with check (tenant_id = any((select core.tenants_with('iot.retention.write'))::uuid[]));

create policy retention_policies_change on iot.retention_policies for update to authenticated
using (tenant_id = any((select core.tenants_with('iot.retention.write'))::uuid[]))
with check (tenant_id = any((select core.tenants_with('iot.retention.write'))::uuid[]));

create policy retention_policies_remove on iot.retention_policies for delete to authenticated
using (tenant_id = any((select core.tenants_with('iot.retention.write'))::uuid[]));

grant select, delete on iot.retention_policies to authenticated;
grant insert (tenant_id, metric, raw_days, hourly_days, rejected_days) on iot.retention_policies
to authenticated;
grant update (raw_days, hourly_days, rejected_days, changed_at, changed_by)
on iot.retention_policies to authenticated;
grant all on iot.retention_policies to service_role;

insert into core.permissions (permission, description) values
('iot.retention.write', 'Set for how long readings are kept.');

select core.allow_system_roles(array['owner', 'admin'], array['iot.retention.write']);

insert into core.errors (code, status, message, hint) values
(
    'retention.invalid', 400,
    'Readings and rejected messages are kept for 1 to 36500 days, statistics for 0 to 36500.',
    'Leave out what is for ever. Statistics end only where readings do, and rejected_days belongs '
    'to the policy of all metrics.'
);

create function iot.retention_of(tenant_id uuid, as_of timestamptz)
returns table (
    metrics integer[],
    raw_days integer[],
    hourly_days integer[],
    fingerprint bigint,
    readings_before timestamptz,
    hours_before timestamptz,
    all_before timestamptz,
    rejected_before timestamptz
)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select
        array_agg(policies.metric order by policies.metric nulls first),
        array_agg(policies.raw_days order by policies.metric nulls first),
        array_agg(policies.hourly_days order by policies.metric nulls first),
        hashtextextended(
            string_agg(
                concat_ws(
                    '/',
                    coalesce(policies.metric::text, '*'),
                    coalesce(policies.raw_days::text, '*'),
                    coalesce(policies.hourly_days::text, '*')
                ),
                ',' order by policies.metric nulls first
            ),
            0
        ),
        tenon.retention_cutoff(retention_of.as_of, min(policies.raw_days)),
        tenon.retention_cutoff(
            retention_of.as_of, min(policies.raw_days + policies.hourly_days)
        ),
        case
            when bool_or(policies.metric is null) and bool_and(policies.hourly_days is not null)
                then tenon.retention_cutoff(
                    retention_of.as_of, max(policies.raw_days + policies.hourly_days)
                )
        end,
        tenon.retention_cutoff(
            retention_of.as_of,
            case
                when bool_or(policies.metric is null)
                    then max(policies.rejected_days) filter (where policies.metric is null)
                else iot.rejected_days_default()
            end
        )
    from iot.retention_policies as policies
    where policies.tenant_id = retention_of.tenant_id;
end;

comment on function iot.retention_of(uuid, timestamptz) is
'The policies of a tenant as the native functions take them (null where it has none), a number that
changes with them, and what they come to at a time: before readings_before some readings are past
their time, before hours_before some statistics, before all_before everything, before
rejected_before rejected messages; null where nothing ever is. Signed-in users may call it.';

create function iot.due_blocks(
    tenant_id uuid, fingerprint bigint, readings_before timestamptz, as_of timestamptz
)
returns table (device integer, first_at timestamptz)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select
        blocks.device,
        blocks.first_at
    from iot.blocks
    where
        blocks.tenant_id = due_blocks.tenant_id
        and blocks.kept_under = due_blocks.fingerprint
        and coalesce(blocks.kept_until, blocks.first_at) <= due_blocks.as_of
    union all
    select
        blocks.device,
        blocks.first_at
    from iot.blocks
    where
        blocks.tenant_id = due_blocks.tenant_id
        and blocks.kept_under is null
        and coalesce(blocks.kept_until, blocks.first_at) < due_blocks.readings_before
        and blocks.first_at < due_blocks.readings_before
    union all
    select
        blocks.device,
        blocks.first_at
    from iot.blocks
    where
        blocks.tenant_id = due_blocks.tenant_id
        and blocks.kept_under < due_blocks.fingerprint
        and blocks.first_at < due_blocks.readings_before
    union all
    select
        blocks.device,
        blocks.first_at
    from iot.blocks
    where
        blocks.tenant_id = due_blocks.tenant_id
        and blocks.kept_under > due_blocks.fingerprint
        and blocks.first_at < due_blocks.readings_before;
end;

comment on function iot.due_blocks(uuid, bigint, timestamptz, timestamptz) is
'The blocks of a tenant of which something may be past its time: those whose time has come, those
that iot.retain has never been to, and those to which it was under other policies. The arguments are
those of iot.retention_of. Signed-in users may call it.';

create function iot.retention_messages_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1000;

comment on function iot.retention_messages_max() is
'How many rejected messages one step of retention deletes: some milliseconds of work. Internal.';

create function iot.retain_rejected_messages(
    tenant_id uuid, received_before timestamptz, deadline timestamptz
)
returns table (messages bigint, done boolean)
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    deleted bigint;
begin
    messages := 0;
    loop
        with past as (
            select rejected_messages.id
            from iot.rejected_messages
            where
                rejected_messages.tenant_id = retain_rejected_messages.tenant_id
                and rejected_messages.received_at < received_before
            order by rejected_messages.received_at
            limit iot.retention_messages_max()
            for update skip locked
        )
        delete from iot.rejected_messages
        using past
        where
            rejected_messages.tenant_id = retain_rejected_messages.tenant_id
            and rejected_messages.id = past.id;
        get diagnostics deleted = row_count;
        messages := messages + deleted;
        done := deleted = 0;
        exit when done or clock_timestamp() >= deadline;
    end loop;
    return next;
end
$$;

comment on function iot.retain_rejected_messages(uuid, timestamptz, timestamptz) is
'Deletes the rejected messages of a tenant that arrived before a time, until none is left or the
deadline has passed. Internal.';

create function iot.retain_latest(tenant_id uuid, as_of timestamptz) returns void
language sql set search_path = pg_catalog, pg_temp
begin atomic
    with aged as (
        select
            latest.device,
            tenon.latest_expire(
                latest.readings, retain_latest.as_of,
                policies.metrics, policies.raw_days, policies.hourly_days
            ) as readings
        from iot.retention_of(retain_latest.tenant_id, retain_latest.as_of) as policies
        inner join iot.latest on latest.tenant_id = retain_latest.tenant_id
        where policies.hours_before is not null
    ),
    emptied as (
        delete from iot.latest
        using aged
        where
            latest.tenant_id = retain_latest.tenant_id
            and latest.device = aged.device
            and aged.readings is null
    )
    update iot.latest
    set readings = aged.readings
    from aged
    where
        latest.tenant_id = retain_latest.tenant_id
        and latest.device = aged.device
        and latest.readings <> aged.readings;
end;

comment on function iot.retain_latest(uuid, timestamptz) is
'Takes from the latest readings of a tenant those of hours of which nothing is kept. The caller
holds iot.lock_blocks. Internal.';

create function iot.retain_blocks(
    tenant_id uuid, begin_from timestamptz, as_of timestamptz, deadline timestamptz
)
returns table (steps bigint, blocks bigint, readings bigint, done boolean)
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    policies record;
    due record;
    stored record;
    left_over bigint;
begin
    steps := 0;
    blocks := 0;
    readings := 0;
    done := false;
    select * into policies from iot.retention_of(retain_blocks.tenant_id, retain_blocks.as_of);
    for due in
        select
            candidates.device,
            candidates.first_at
        from iot.due_blocks(
            retain_blocks.tenant_id, policies.fingerprint, policies.readings_before,
            retain_blocks.as_of
        ) as candidates
        where candidates.first_at >= begin_from
    loop
        -- At least one step is made.
        if steps > 0 and clock_timestamp() >= deadline then
            return next;
            return;
        end if;
        steps := steps + 1;
        if steps = 1 then
            perform iot.retain_latest(retain_blocks.tenant_id, retain_blocks.as_of);
        end if;

        delete from iot.blocks
        where
            blocks.tenant_id = retain_blocks.tenant_id
            and blocks.device = due.device
            and blocks.first_at = due.first_at
            and blocks.last_at < policies.all_before
        returning blocks.readings into left_over;
        if found then
            blocks := blocks + 1;
            readings := readings + left_over;
            continue;
        end if;

        begin
            select
                blocks.readings,
                coalesce(opened.due_at, 'infinity') as due_at,
                case
                    when opened.due_at <= retain_blocks.as_of
                        then tenon.block_expire(
                            blocks.device, blocks.head, blocks.body, retain_blocks.as_of,
                            policies.metrics, policies.raw_days, policies.hourly_days
                        )
                end as packed
            into stored
            from iot.blocks
            cross join lateral tenon.block_due(
                blocks.device, blocks.head, blocks.body,
                policies.metrics, policies.raw_days, policies.hourly_days
            ) as opened (due_at)
            where
                blocks.tenant_id = retain_blocks.tenant_id
                and blocks.device = due.device
                and blocks.first_at = due.first_at;
        exception
            when data_corrupted then
                raise warning 'retention leaves a block as it is: %', sqlerrm;
                continue;
        end;

        if stored.due_at > retain_blocks.as_of then
            update iot.blocks
            set
                kept_under = policies.fingerprint,
                kept_until = stored.due_at
            where
                blocks.tenant_id = retain_blocks.tenant_id
                and blocks.device = due.device
                and blocks.first_at = due.first_at;
            continue;
        end if;

        delete from iot.blocks
        where
            blocks.tenant_id = retain_blocks.tenant_id
            and blocks.device = due.device
            and blocks.first_at = due.first_at;
        with written as (
            insert into iot.blocks (
                tenant_id, device, first_at, last_at, rows, readings, head, body,
                kept_under, kept_until
            )
            select
                retain_blocks.tenant_id,
                made.device,
                made.first_at,
                made.last_at,
                made.rows,
                made.readings,
                made.head,
                made.body,
                policies.fingerprint,
                coalesce(
                    tenon.block_due(
                        made.device, made.head, made.body,
                        policies.metrics, policies.raw_days, policies.hourly_days
                    ),
                    'infinity'
                )
            from tenon.compacted_blocks(stored.packed) as made
            returning blocks.readings
        )
        select coalesce(sum(written.readings), 0)
        into left_over
        from written;
        blocks := blocks + 1;
        readings := readings + stored.readings - left_over;
    end loop;

    done := true;
    return next;
end
$$;

comment on function iot.retain_blocks(uuid, timestamptz, timestamptz, timestamptz) is
'Applies the policies of a tenant to its blocks from a month on, one at a time, until none is due or
the deadline has passed, and to its latest readings: these go when the blocks that hold them are
due. Returns how many blocks it looked at, how many of those it deleted or wrote anew, and how many readings went or became statistics. A block that cannot be read is passed over
with a warning, and deleted with its time. The caller holds iot.lock_blocks. Internal.';

create function iot.blocks_partitions()
returns table (partition regclass, month_from timestamptz, month_to timestamptz)
language sql stable
set search_path = pg_catalog, pg_temp
set datestyle = 'ISO'
set timezone = 'UTC'
begin atomic
    select
        parts.oid::regclass,
        bounds.texts[1]::timestamptz,
        bounds.texts[2]::timestamptz
    from pg_inherits as inherited
    inner join pg_class as parts on parts.oid = inherited.inhrelid
    cross join
        lateral regexp_match(
            pg_get_expr(parts.relpartbound, parts.oid), 'FROM \(''(.+)''\) TO \(''(.+)''\)'
        ) as bounds (texts)
    where inherited.inhparent = 'iot.blocks'::regclass
    order by bounds.texts[1]::timestamptz;
end;

comment on function iot.blocks_partitions() is
'The partitions of iot.blocks and their months of UTC, the earliest first. Internal.';

create function iot.blocks_past_before(as_of timestamptz) returns timestamptz
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    past_before timestamptz := '-infinity';
    part record;
begin
    for part in
        select * from iot.blocks_partitions() as parts
        where parts.month_to <= blocks_past_before.as_of
    loop
        -- From one tenant to the next along the primary key.
        exit when exists (
            with recursive holders as (
                (
                    select blocks.tenant_id
                    from iot.blocks
                    where blocks.first_at >= part.month_from and blocks.first_at < part.month_to
                    order by blocks.tenant_id
                    limit 1
                )
                union all
                select next_holder.tenant_id
                from holders
                cross join lateral (
                    select blocks.tenant_id
                    from iot.blocks
                    where
                        blocks.first_at >= part.month_from
                        and blocks.first_at < part.month_to
                        and blocks.tenant_id > holders.tenant_id
                    order by blocks.tenant_id
                    limit 1
                ) as next_holder
            )
            select
            from holders
            cross join lateral iot.retention_of(
                holders.tenant_id, blocks_past_before.as_of
            ) as policies
            where (policies.all_before >= part.month_to) is not true
        );
        past_before := part.month_to;
    end loop;
    return past_before;
end
$$;

comment on function iot.blocks_past_before(timestamptz) is
'The end of the last month such that up to then everything is past its time for every tenant that
has blocks there. Internal.';

create function iot.drop_blocks_partition(partition regclass, as_of timestamptz) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    -- An older snapshot would not see what has been written since.
    if current_setting('transaction_isolation') <> 'read committed' then
        return false;
    end if;
    begin
        execute format(
            'lock table only iot.blocks, only %s in access exclusive mode nowait',
            drop_blocks_partition.partition
        );
    exception
        when lock_not_available then
            return false;
    end;
    if not exists (
        select from iot.blocks_partitions() as parts
        where
            parts.partition = drop_blocks_partition.partition
            and parts.month_to <= iot.blocks_past_before(drop_blocks_partition.as_of)
    ) then
        return false;
    end if;
    execute format('drop table %s', drop_blocks_partition.partition);
    return true;
end
$$;

comment on function iot.drop_blocks_partition(regclass, timestamptz) is
'Drops a partition of iot.blocks if nothing in it is kept, which it looks up again once nobody can
write to it; false where somebody reads or writes iot.blocks at this moment. Internal.';

create function iot.retain(
    budget interval default '30 seconds', as_of timestamptz default now()
)
returns table (
    tenants bigint,
    blocks bigint,
    readings bigint,
    rejected_messages bigint,
    partitions bigint,
    done boolean
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    deadline constant timestamptz := clock_timestamp() + budget;
    -- Begins anywhere, so that a short budget reaches every tenant in the end.
    start constant uuid := gen_random_uuid();
    past_before timestamptz := iot.blocks_past_before(retain.as_of);
    locked uuid[] := '{}';
    undropped boolean := false;
    owner_id uuid;
    tenant record;
    step record;
    part record;
begin
    tenants := 0;
    blocks := 0;
    readings := 0;
    rejected_messages := 0;
    partitions := 0;
    done := true;
    for tenant in
        select
            known.id,
            policies.rejected_before,
            policies.metrics is not null as has_policies
        from core.tenants as known
        cross join lateral iot.retention_of(known.id, retain.as_of) as policies
        where
            exists (
                select from iot.retention_policies where retention_policies.tenant_id = known.id
            )
            or exists (
                select from iot.rejected_messages where rejected_messages.tenant_id = known.id
            )
        order by known.id < start, known.id
    loop
        select * into step
        from iot.retain_rejected_messages(tenant.id, tenant.rejected_before, deadline);
        rejected_messages := rejected_messages + step.messages;
        if not step.done then
            done := false;
            return next;
            return;
        end if;
        continue when not tenant.has_policies;
        if not iot.lock_blocks(tenant.id) then
            done := false;
            continue;
        end if;
        locked := locked || tenant.id;
        if past_before > '-infinity' then
            perform iot.retain_latest(tenant.id, retain.as_of);
        end if;
        select * into step
        from iot.retain_blocks(tenant.id, past_before, retain.as_of, deadline);
        tenants := tenants + (step.blocks > 0)::integer;
        blocks := blocks + step.blocks;
        readings := readings + step.readings;
        if not step.done or (step.steps > 0 and clock_timestamp() >= deadline) then
            done := false;
            return next;
            return;
        end if;
    end loop;

    -- Last, because nobody can read until this transaction ends.
    past_before := iot.blocks_past_before(retain.as_of);
    for part in
        select * from iot.blocks_partitions() as parts where parts.month_to <= past_before
    loop
        select
            count(*) as blocks,
            coalesce(sum(stored.readings), 0) as readings
        into step
        from iot.blocks as stored
        where stored.first_at >= part.month_from and stored.first_at < part.month_to;
        if iot.drop_blocks_partition(part.partition, retain.as_of) then
            partitions := partitions + 1;
            blocks := blocks + step.blocks;
            readings := readings + step.readings;
        elsif step.blocks > 0 then
            undropped := true;
        end if;
        if clock_timestamp() >= deadline then
            done := false;
            return next;
            return;
        end if;
    end loop;

    -- Somebody reads without end: then row by row.
    if undropped then
        foreach owner_id in array locked loop
            select * into step
            from iot.retain_blocks(owner_id, '-infinity', retain.as_of, deadline);
            blocks := blocks + step.blocks;
            readings := readings + step.readings;
            if not step.done then
                done := false;
                exit;
            end if;
        end loop;
    end if;
    return next;
end
$$;

comment on function iot.retain(interval, timestamptz) is
'Makes it so that of readings and rejected messages nothing is left at a time but what the policies
keep, until that is done or the budget is used; at least one step is made. Returns for how many
tenants it changed how many blocks, how many readings went or became statistics of their hours, how
many rejected messages and partitions went, and whether it is done: false too where another session
works on a tenant. It may run in several sessions at once, and be killed: it changes nothing then.
One block is in memory at a time. Definer, because it deletes for every tenant; service_role may
call it.';

create view v1.retention_policies with (security_invoker = true) as
select
    policies.tenant_id,
    metrics.name as metric,
    policies.raw_days,
    policies.hourly_days,
    policies.rejected_days,
    policies.changed_at
from iot.retention_policies as policies
left join iot.metrics
    on metrics.tenant_id = policies.tenant_id and metrics.number = policies.metric
where policies.metric is null or metrics.name is not null;

comment on view v1.retention_policies is
'For how long your tenants keep readings: raw_days as they are, then hourly_days as statistics of
each hour, then not at all; null is for ever. metric: null for all that have no policy of their
own; rejected_days: for how long that tenant keeps rejected messages, 30 without a policy.
Needs iot.telemetry.read; v1.set_retention and v1.clear_retention change it.';

grant select on v1.retention_policies to authenticated, service_role;

create function iot.retention_metric(tenant_id uuid, metric text) returns integer
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    number integer;
begin
    if metric is not null then
        select metrics.number into number
        from iot.metrics
        where
            metrics.tenant_id = retention_metric.tenant_id
            and metrics.name = retention_metric.metric;
        if not found then
            perform core.fail('metric.unknown', jsonb_build_object('metric', metric));
        end if;
    end if;
    return number;
end
$$;

comment on function iot.retention_metric(uuid, text) is
'The number of a metric, null for null. Raises metric.unknown (404). Signed-in users may call it.';

create function v1.set_retention(
    raw_days integer default null,
    hourly_days integer default null,
    metric text default null,
    rejected_days integer default iot.rejected_days_default()
)
returns v1.retention_policies
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('iot.retention.write');
    number constant integer := iot.retention_metric(owner_id, set_retention.metric);
    stored v1.retention_policies;
begin
    perform tenon.retention_check(set_retention.raw_days, set_retention.hourly_days);
    if set_retention.rejected_days not between 1 and 36500
        or (
            number is not null
            and set_retention.rejected_days is distinct from iot.rejected_days_default()
        )
    then
        perform core.fail(
            'retention.invalid', jsonb_build_object('rejected_days', set_retention.rejected_days)
        );
    end if;

    insert into iot.retention_policies (tenant_id, metric, raw_days, hourly_days, rejected_days)
    values (
        owner_id, number, set_retention.raw_days, set_retention.hourly_days,
        case when number is null then set_retention.rejected_days end
    )
    on conflict on constraint one_policy_a_metric do update
    set
        raw_days = excluded.raw_days,
        hourly_days = excluded.hourly_days,
        rejected_days = excluded.rejected_days,
        changed_at = now(),
        changed_by = core.caller_id();

    select policies.* into stored
    from v1.retention_policies as policies
    where
        policies.tenant_id = owner_id
        and policies.metric is not distinct from set_retention.metric;
    return stored;
end
$$;

comment on function v1.set_retention(integer, integer, text, integer) is
'Sets for how long readings are kept: raw_days as they are, then hourly_days as statistics of each
hour, then not at all. What is left out is for ever. metric: null for all metrics that have no
policy of their own. rejected_days: for how long rejected messages are kept, with the policy of all
metrics. Replaces the policy that was there. Returns the policy. Raises retention.invalid (400),
metric.unknown (404). Needs iot.retention.write.';

create function v1.clear_retention(metric text default null) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('iot.retention.write');
    number constant integer := iot.retention_metric(owner_id, clear_retention.metric);
begin
    delete from iot.retention_policies as policies
    where
        policies.tenant_id = owner_id
        and policies.metric is not distinct from number;
    return found;
end
$$;

comment on function v1.clear_retention(text) is
'Removes the policy of a metric, to which that of all metrics applies again; without a metric the
policy of all metrics, after which readings stay for ever. Returns whether there was one. What is
gone does not come back. Needs iot.retention.write.';

create function v1.retention_preview(as_of timestamptz default now())
returns table (
    tenant_id uuid,
    metric text,
    month date,
    readings bigint,
    hours bigint,
    bytes bigint,
    kept_since timestamptz,
    readings_before timestamptz,
    hours_before timestamptz
)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    with owners as (
        select
            requested.tenant_id,
            policies.*
        from (
            select distinct stored.tenant_id
            from iot.retention_policies as stored
            where
                core.requested_tenant_id() is null
                or stored.tenant_id = core.requested_tenant_id()
        ) as requested
        cross join lateral iot.retention_of(
            requested.tenant_id, retention_preview.as_of
        ) as policies
    ),
    past as (
        select
            owners.tenant_id,
            opened.metric,
            iot.month_of(blocks.first_at) as month,
            sum(opened.readings)::bigint as readings,
            sum(opened.hours)::bigint as hours,
            sum(opened.bytes)::bigint as bytes,
            min(opened.kept_since) as kept_since
        from owners
        cross join
            lateral iot.due_blocks(
                owners.tenant_id, owners.fingerprint, owners.readings_before,
                retention_preview.as_of
            ) as due
        inner join iot.blocks
            on
                blocks.tenant_id = owners.tenant_id
                and blocks.device = due.device
                and blocks.first_at = due.first_at
        cross join
            lateral tenon.block_past(
                blocks.device, blocks.head, blocks.body, retention_preview.as_of,
                owners.metrics, owners.raw_days, owners.hourly_days
            ) as opened
        group by owners.tenant_id, opened.metric, iot.month_of(blocks.first_at)
    )
    select
        past.tenant_id,
        metrics.name,
        (past.month at time zone 'UTC')::date,
        past.readings,
        past.hours,
        past.bytes,
        past.kept_since,
        tenon.retention_cutoff(retention_preview.as_of, applied.raw_days),
        tenon.retention_cutoff(
            retention_preview.as_of, applied.raw_days + applied.hourly_days
        )
    from past
    inner join iot.metrics
        on metrics.tenant_id = past.tenant_id and metrics.number = past.metric
    cross join
        lateral (
            select
                policies.raw_days,
                policies.hourly_days
            from iot.retention_policies as policies
            where
                policies.tenant_id = past.tenant_id
                and (policies.metric is null or policies.metric = past.metric)
            order by policies.metric nulls last
            limit 1
        ) as applied
    order by past.tenant_id, metrics.name, past.month;
end;

comment on function v1.retention_preview(timestamptz) is
'What retention would change at a time, without changing it: for each metric and month of UTC how
many readings would become statistics or go, how many stored statistics would go, about how many
bytes both take, and the beginning of the first hour of which something stays, null where nothing
does. readings_before, hours_before: what is older goes. Counts readings that are in blocks.
Needs iot.telemetry.read and iot.devices.read.';

revoke all on function
iot.rejected_days_default(),
iot.retention_of(uuid, timestamptz),
iot.due_blocks(uuid, bigint, timestamptz, timestamptz),
iot.retention_messages_max(),
iot.retain_rejected_messages(uuid, timestamptz, timestamptz),
iot.retain_latest(uuid, timestamptz),
iot.retain_blocks(uuid, timestamptz, timestamptz, timestamptz),
iot.blocks_partitions(),
iot.blocks_past_before(timestamptz),
iot.drop_blocks_partition(regclass, timestamptz),
iot.retain(interval, timestamptz),
iot.retention_metric(uuid, text),
v1.set_retention(integer, integer, text, integer),
v1.clear_retention(text),
v1.retention_preview(timestamptz)
from public;
grant execute on function
iot.rejected_days_default(),
iot.retention_of(uuid, timestamptz),
iot.due_blocks(uuid, bigint, timestamptz, timestamptz),
iot.retention_metric(uuid, text),
v1.set_retention(integer, integer, text, integer),
v1.clear_retention(text),
v1.retention_preview(timestamptz)
to authenticated, service_role;
grant execute on function iot.retain(interval, timestamptz) to service_role;

select core.map_personal(
    'iot.retention_policies.changed_by', 'user.unique_id', 'changed_by is user_id', 'set_null'
);

select core.audit('iot.retention_policies');
