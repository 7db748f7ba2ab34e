-- Readings as they stay: blocks of one device each, made from batches.
--
-- Compaction takes the batches of a tenant in the order of their arrival and makes blocks of them,
-- in one transaction that deletes the ones and inserts the others: whoever reads sees each reading
-- once, and whatever is killed has changed nothing. Every block is older than every batch of its
-- tenant, and the blocks of a device do not overlap, so that readers know which of two readings
-- counts without asking. Blocks are described in docs/telemetry-format.md.

set local lock_timeout = '5s';

create table iot.blocks (
    tenant_id uuid not null,
    device integer not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    rows integer not null,
    readings integer not null,
    head bytea not null,
    body bytea not null,
    kept_under bigint,
    kept_until timestamptz,
    primary key (tenant_id, device, first_at),
    constraint range_is_ordered check (first_at <= last_at),
    constraint rows_is_positive check (rows > 0)
) partition by range (first_at);
create index blocks_retention
on iot.blocks (tenant_id, kept_under, coalesce(kept_until, first_at));
-- A head is read with its row, a body in parts; both are compact already.
alter table iot.blocks alter column head set storage main;
alter table iot.blocks alter column body set storage external;

comment on table iot.blocks is
'Readings for good: for each device its blocks, which do not overlap. Partitioned by month of UTC,
whose end no block crosses. Written by iot.compact and iot.retain alone.';
comment on column iot.blocks.device is 'iot.devices.number.';
comment on column iot.blocks.first_at is 'Time of the earliest reading in the block.';
comment on column iot.blocks.last_at is 'Time of the latest reading in the block.';
comment on column iot.blocks.rows is 'How many times have readings: how long the block is.';
comment on column iot.blocks.readings is
'How many readings the block holds; of down-sampled hours nothing is counted.';
comment on column iot.blocks.head is
'Where things lie in the body, and what each hour comes to; see docs/telemetry-format.md.';
comment on column iot.blocks.body is 'Times and values, packed.';
comment on column iot.blocks.kept_under is
'The fingerprint of the policies (iot.retention_of) under which iot.retain was last here; null
where it never was.';
comment on column iot.blocks.kept_until is
'When something of the block is past its time next, under these policies.';

create table iot.latest (
    tenant_id uuid not null,
    device integer not null,
    readings bytea not null,
    primary key (tenant_id, device)
) with (fillfactor = 80);

comment on table iot.latest is
'The latest reading of each metric of each device, as far as readings are in blocks.';
comment on column iot.latest.device is 'iot.devices.number.';
comment on column iot.latest.readings is 'A frame by tenon.latest_merge, for tenon.latest_agg.';

alter table iot.blocks enable row level security;
alter table iot.latest enable row level security;

create policy blocks_read on iot.blocks for select to authenticated
using (tenant_id = any((select core.tenants_with('iot.telemetry.read'))::uuid[]));

create policy latest_read on iot.latest for select to authenticated
using (tenant_id = any((select core.tenants_with('iot.telemetry.read'))::uuid[]));

grant select on iot.blocks, iot.latest to authenticated;
grant all on iot.blocks, iot.latest to service_role;

create function iot.month_of(at timestamptz) returns timestamptz
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return date_trunc('month', at, 'UTC');

comment on function iot.month_of(timestamptz) is
'When the month of UTC begins that holds the time: the lower bound of its partition of iot.blocks.
Signed-in users may call it.';

create function iot.add_blocks_partition(month timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    name constant text := 'blocks_' || to_char(month at time zone 'UTC', 'YYYY_MM');
    next_month constant timestamptz :=
        (month at time zone 'UTC' + interval '1 month') at time zone 'UTC';
begin
    -- Nobody drops a partition until this transaction, which may have found it, has ended.
    lock table only iot.blocks in access share mode;
    if to_regclass('iot.' || name) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('iot.add_blocks_partition', 0));
    -- What another session has made meanwhile a query sees; to_regclass remembers what was not there.
    if exists (
        select from pg_class
        where pg_class.relname = name and pg_class.relnamespace = 'iot'::regnamespace
    ) then
        return;
    end if;
    -- Made apart and attached, because that lets readers of other partitions go on.
    execute format(
        'create table iot.%I (like iot.blocks including all) with (toast_tuple_target = 4080)', name
    );
    execute format('comment on table iot.%I is %L', name, 'A month of iot.blocks.');
    execute format('alter table iot.%I enable row level security', name);
    execute format(
        'create policy blocks_read on iot.%I for select to authenticated '
        'using (tenant_id = any((select core.tenants_with(''iot.telemetry.read''))::uuid[]))', name
    );
    execute format(
        'alter table iot.blocks attach partition iot.%I for values from (%L) to (%L)',
        name, month, next_month
    );
end
$$;

comment on function iot.add_blocks_partition(timestamptz) is
'Makes the partition of iot.blocks for the month that begins then, if it is missing. Nobody is
granted a partition itself, and it has the policy of the whole, should somebody be. Internal.';

create function iot.settled_batch() returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    -- Other compactions hold the lock of a writer, too, but write no batch.
    return core.settled_id(
        'iot.batches', 'iot.batches_id_seq', iot.compaction_lock_class()
    );
end
$$;

comment on function iot.settled_batch() is
'The id up to which every batch has either committed or will never exist, or null when a writer did
not end within a second. Ids are given before the commit: without this a batch could appear before
one that is in a block already, and its readings would count for later than they came. Internal.';

create function iot.compaction_lock_class() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1953853550;

comment on function iot.compaction_lock_class() is
'First key of the advisory locks under which one session at a time works on the blocks of a tenant
(the bytes of "tenn"). Internal.';

create function iot.lock_blocks(tenant_id uuid) returns boolean
language sql set search_path = pg_catalog, pg_temp
return pg_try_advisory_xact_lock(
    iot.compaction_lock_class(), hashtext(lock_blocks.tenant_id::text)
);

comment on function iot.lock_blocks(uuid) is
'Takes the right to change the blocks of a tenant until the transaction ends; false when another
session has it. Internal.';

create function iot.insert_blocks(
    tenant_id uuid, packed bytea, except_for bigint[] default '{}'
)
returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    inserted bigint;
begin
    insert into iot.blocks (tenant_id, device, first_at, last_at, rows, readings, head, body)
    select
        insert_blocks.tenant_id,
        made.device,
        made.first_at,
        made.last_at,
        made.rows,
        made.readings,
        made.head,
        made.body
    from tenon.compacted_blocks(packed) with ordinality as made
    where made.ordinality <> all(except_for);
    get diagnostics inserted = row_count;
    return inserted;
end
$$;

comment on function iot.insert_blocks(uuid, bytea, bigint[]) is
'Inserts the blocks of a compaction except for those at some places of it; says how many.
Internal.';

create function iot.store_blocks(tenant_id uuid, packed bytea) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    overlapping bigint[];
    fresh record;
    merged bytea;
    written bigint;
begin
    perform iot.add_blocks_partition(needed.month)
    from (
        select distinct iot.month_of(made.first_at) as month
        from tenon.compacted_blocks(packed) as made
    ) as needed;

    -- Stored blocks do not overlap, so of those that begin before only the last can reach into one.
    overlapping := array(
        select made.ordinality
        from tenon.compacted_blocks(packed) with ordinality as made
        cross join lateral (
            select blocks.last_at
            from iot.blocks
            where
                blocks.tenant_id = store_blocks.tenant_id
                and blocks.device = made.device
                and blocks.first_at >= iot.month_of(made.first_at)
                and blocks.first_at <= made.last_at
            order by blocks.first_at desc
            limit 1
        ) as nearest
        where nearest.last_at >= made.first_at
    );

    written := iot.insert_blocks(store_blocks.tenant_id, packed, overlapping);

    for fresh in
        select made.*
        from tenon.compacted_blocks(packed) with ordinality as made
        where made.ordinality = any(overlapping)
        order by made.ordinality
    loop
        with taken as (
            delete from iot.blocks
            where
                blocks.tenant_id = store_blocks.tenant_id
                and blocks.device = fresh.device
                and blocks.first_at >= iot.month_of(fresh.first_at)
                and blocks.first_at <= fresh.last_at
                and blocks.last_at >= fresh.first_at
            returning blocks.head, blocks.body
        ),
        parts as (
            select
                1 as arrival,
                taken.head,
                taken.body
            from taken
            union all
            select
                2,
                fresh.head,
                fresh.body
        )
        select tenon.compact_blocks(fresh.device, parts.head, parts.body order by parts.arrival)
        into merged
        from parts;

        perform iot.insert_blocks(store_blocks.tenant_id, merged);
        written := written + 1;
    end loop;
    return written;
end
$$;

comment on function iot.store_blocks(uuid, bytea) is
'Stores the blocks of a compaction, which arrived later than all that is stored; those that overlap
stored blocks are merged with them. Returns how many. The caller holds iot.lock_blocks. Internal.';

create function iot.merge_small_blocks(tenant_id uuid, packed bytea) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    few record;
    merged bytea;
    is_done boolean := false;
begin
    while not is_done loop
        is_done := true;
        for few in
            select
                added.device,
                newest.first_ats[
                    tenon.blocks_to_merge(newest.rows, newest.first_ats, newest.last_ats)
                ] as since,
                added.until
            from (
                select
                    made.device,
                    max(made.first_at) as until
                from tenon.compacted_blocks(packed) as made
                group by made.device, iot.month_of(made.first_at)
            ) as added
            cross join lateral (
                select
                    array_agg(nearest.rows) as rows,
                    array_agg(nearest.first_at) as first_ats,
                    array_agg(nearest.last_at) as last_ats
                from (
                    select
                        blocks.rows,
                        blocks.first_at,
                        blocks.last_at
                    from iot.blocks
                    where
                        blocks.tenant_id = merge_small_blocks.tenant_id
                        and blocks.device = added.device
                        and blocks.first_at >= iot.month_of(added.until)
                        and blocks.first_at <= added.until
                    order by blocks.first_at desc
                    limit tenon.block_neighbours_max()
                ) as nearest
            ) as newest
            where tenon.blocks_to_merge(newest.rows, newest.first_ats, newest.last_ats) > 0
        loop
            with taken as (
                delete from iot.blocks
                where
                    blocks.tenant_id = merge_small_blocks.tenant_id
                    and blocks.device = few.device
                    and blocks.first_at between few.since and few.until
                returning blocks.head, blocks.body
            )
            select tenon.compact_blocks(few.device, taken.head, taken.body)
            into merged
            from taken;
            perform iot.insert_blocks(merge_small_blocks.tenant_id, merged);
            is_done := false;
        end loop;
    end loop;
end
$$;

comment on function iot.merge_small_blocks(uuid, bytea) is
'Makes one block of those that a compaction added to a device and of those before them in the month,
where tenon.blocks_to_merge says so, and so on. The caller holds iot.lock_blocks. Internal.';

create function iot.compact_tenant(
    tenant_id uuid, settled bigint, up_to timestamptz
)
returns table (batches bigint, readings bigint, blocks bigint)
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    packed bytea;
    last_id bigint;
begin
    -- The oldest batches, as many as one compaction takes, but one at least.
    select max(counted.id)
    into last_id
    from (
        select
            oldest.id,
            oldest.readings,
            sum(oldest.readings) over (order by oldest.id) as total,
            -- Two that arrive at once may have their ids in another order than their times.
            bool_and(oldest.received_at <= up_to) over (order by oldest.id) as is_asked
        from (
            select
                batches.id,
                batches.received_at,
                batches.readings
            from iot.batches
            where
                batches.tenant_id = compact_tenant.tenant_id
                and batches.id <= settled
            order by batches.id
            limit iot.compaction_batches_max()
        ) as oldest
    ) as counted
    where
        counted.is_asked
        and (
            counted.total <= tenon.compaction_readings_max() or counted.total = counted.readings
        );
    if last_id is null then
        return;
    end if;

    with taken as (
        delete from iot.batches
        where
            batches.tenant_id = compact_tenant.tenant_id
            and batches.id <= last_id
        returning batches.id, batches.readings, batches.frame
    )
    select
        count(*),
        sum(taken.readings),
        tenon.compact_frames(taken.frame order by taken.id)
    into batches, readings, packed
    from taken;

    blocks := iot.store_blocks(compact_tenant.tenant_id, packed);
    insert into iot.latest (tenant_id, device, readings)
    select
        compact_tenant.tenant_id,
        newest.device,
        newest.readings
    from tenon.compacted_latest(packed) as newest
    on conflict on constraint latest_pkey do update
    set readings = tenon.latest_merge(latest.readings, excluded.readings);
    perform iot.merge_small_blocks(compact_tenant.tenant_id, packed);
    return next;
end
$$;

comment on function iot.compact_tenant(uuid, bigint, timestamptz) is
'Makes blocks of the oldest batches of a tenant that are settled and arrived up to a time. Returns
what it took and made, or no row when there was nothing. The caller holds iot.lock_blocks. Internal.';

create function iot.compaction_batches_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 100000;

comment on function iot.compaction_batches_max() is
'How many batches one compaction takes in at most: what a sort holds in memory. Internal.';

create function iot.compaction_tenants_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1000;

comment on function iot.compaction_tenants_max() is
'Of how many tenants one call of iot.compact holds the lock at most: locks fill memory that all
sessions share. Internal.';

create function iot.compact(
    up_to timestamptz default 'infinity', budget interval default '30 seconds'
)
returns table (batches bigint, readings bigint, blocks bigint, done boolean, failure text)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    deadline constant timestamptz := clock_timestamp() + budget;
    settled constant bigint := iot.settled_batch();
    -- Begins anywhere, so that a short budget reaches every tenant in the end.
    start constant uuid := gen_random_uuid();
    tenant uuid := start;
    tenants integer := 0;
    wrapped boolean := false;
    step record;
begin
    batches := 0;
    readings := 0;
    blocks := 0;
    done := settled is not null;
    while settled is not null loop
        select waiting.tenant_id into tenant
        from iot.batches as waiting
        where waiting.tenant_id > tenant
        order by waiting.tenant_id
        limit 1;
        if not found then
            exit when wrapped;
            wrapped := true;
            -- That of the platform has the least id there is.
            select waiting.tenant_id into tenant
            from iot.batches as waiting
            order by waiting.tenant_id
            limit 1;
        end if;
        exit when tenant is null or (wrapped and tenant > start);
        if not iot.lock_blocks(tenant) then
            done := false;
            continue;
        end if;
        loop
            begin
                select * into step from iot.compact_tenant(tenant, settled, up_to);
                exit when not found;
            exception
                when insufficient_resources then
                    raise;
                when others then
                    failure := format('the readings of tenant %s wait: %s', tenant, sqlerrm);
                    raise warning '%', failure;
                    done := false;
                    exit;
            end;
            batches := batches + step.batches;
            readings := readings + step.readings;
            blocks := blocks + step.blocks;
            if clock_timestamp() >= deadline then
                done := false;
                return next;
                return;
            end if;
        end loop;
        tenants := tenants + 1;
        if tenants >= iot.compaction_tenants_max() then
            done := false;
            exit;
        end if;
    end loop;
    return next;
end
$$;

comment on function iot.compact(timestamptz, interval) is
'Turns the batches that arrived up to a time into blocks, until none is left or the budget is used;
at least one step is made. Returns how many batches and readings it took, how many blocks it wrote,
and whether it is done: false too where another session works on a tenant, a writer has not ended,
there are more tenants than one call takes, or the readings of one are corrupt, say: then failure
tells so, and those of the others are compacted all the same. It may run in several sessions at
once, and be killed: it changes nothing then. Memory is bounded by tenon.compaction_readings_max().
Definer, because it writes for every tenant; tenon_bridge and service_role may call it.';

revoke all on function
iot.month_of(timestamptz),
iot.add_blocks_partition(timestamptz),
iot.settled_batch(),
iot.compaction_lock_class(),
iot.lock_blocks(uuid),
iot.insert_blocks(uuid, bytea, bigint[]),
iot.store_blocks(uuid, bytea),
iot.merge_small_blocks(uuid, bytea),
iot.compact_tenant(uuid, bigint, timestamptz),
iot.compaction_batches_max(),
iot.compaction_tenants_max(),
iot.compact(timestamptz, interval)
from public;
grant execute on function iot.month_of(timestamptz) to authenticated, service_role;
grant execute on function iot.compact(timestamptz, interval) to tenon_bridge, service_role;

insert into core.errors (code, status, message, hint) values
('telemetry.block_corrupt', 500, 'A stored block cannot be read.', 'Restore it from a backup.');

select core.map_not_personal('Packed readings of devices.', 'iot.blocks.body');
