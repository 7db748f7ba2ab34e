-- Readings as they are asked for: in buckets, one by one, and the latest of each series.
--
-- A question is put into bytes once. What is in batches yet is collected first and counts where
-- blocks have readings of the same times; then the blocks of the asked devices and range pass by,
-- mostly their heads alone. All of it runs under the row level security of the tables that hold the
-- readings.

set local lock_timeout = '5s';

create function iot.asked_series(
    devices text[],
    metrics text[],
    with_devices boolean,
    out tenant_id uuid,
    out device_numbers integer[],
    out device_slugs text[],
    out metric_numbers integer[],
    out metric_names text[],
    out metric_units text[]
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    readable uuid[];
    tenants uuid[];
begin
    if auth.uid() is null and (
        select roles.rolbypassrls or roles.rolsuper from pg_roles as roles
        where roles.rolname = coalesce(nullif(current_setting('role'), 'none'), session_user)
    ) then
        readable := array(
            select tenants.id from core.tenants
            where coalesce(tenants.id = core.requested_tenant_id(), true)
        );
    else
        readable := core.tenants_with('iot.telemetry.read');
    end if;

    if coalesce(cardinality(devices), 0) = 0 then
        if cardinality(readable) <> 1 then
            perform core.fail(
                case cardinality(readable)
                    when 0 then 'tenancy.permission_missing' else 'tenancy.ambiguous'
                end,
                jsonb_build_object(
                    'permission', 'iot.telemetry.read', 'count', cardinality(readable)
                )
            );
        end if;
        tenant_id := readable[1];
        -- None, or null for all.
        device_numbers := devices::integer[];
        if devices is null and with_devices then
            select
                array_agg(known.number),
                array_agg(known.slug)
            into device_numbers, device_slugs
            from iot.devices as known
            where known.tenant_id = asked_series.tenant_id;
        end if;
    else
        select
            coalesce(array_agg(named.number order by named.number), '{}'),
            coalesce(array_agg(named.slug order by named.number), '{}'),
            array_agg(named.tenant_id)
        into device_numbers, device_slugs, tenants
        from iot.devices as named
        where named.tenant_id = any(readable) and named.slug = any(devices);
        if cardinality(device_slugs) <> cardinality(devices) then
            perform core.fail('device.unknown', jsonb_build_object('device', missing.slug))
            from unnest(devices) as missing (slug)
            where (missing.slug = any(device_slugs)) is not true
            limit 1;
        end if;
        tenant_id := tenants[1];
        if tenant_id <> any(tenants) then
            perform core.fail('tenancy.ambiguous', '{"count": "several"}');
        end if;
    end if;

    if devices = '{}' then
        -- Of no device there are no readings of any metric, be it known or not.
        metric_numbers := '{}';
        metric_names := '{}';
        metric_units := '{}';
    elsif metrics is null then
        select
            array_agg(known.number),
            array_agg(known.name),
            array_agg(known.unit)
        into metric_numbers, metric_names, metric_units
        from iot.metrics as known
        where known.tenant_id = asked_series.tenant_id;
    else
        select
            coalesce(array_agg(named.number), '{}'),
            coalesce(array_agg(named.name), '{}'),
            coalesce(array_agg(named.unit), '{}')
        into metric_numbers, metric_names, metric_units
        from iot.metrics as named
        where named.tenant_id = asked_series.tenant_id and named.name = any(metrics);
        if cardinality(metric_names) <> cardinality(metrics) then
            perform core.fail('metric.unknown', jsonb_build_object('metric', missing.name))
            from unnest(metrics) as missing (name)
            where (missing.name = any(metric_names)) is not true
            limit 1;
        end if;
    end if;
end
$$;

comment on function iot.asked_series(text[], text[], boolean) is
'Tenant, numbers and names of the devices and metrics of those slugs and names in the tenants whose
readings the caller may read; a role that row level security does not bind may read all. null stands
for all of a tenant, of whose devices the names are only looked up with_devices; an empty array for
none. Raises device.unknown and metric.unknown (404), tenancy.ambiguous (400) where it is not clear
which tenant is meant, and tenancy.permission_missing (403). Definer, so that access is decided
once and not for each table: who may read what devices have measured learns what it is called.
Signed-in users may call it.';

create function iot.answer(
    query bytea, tenant_id uuid, devices integer[], "from" timestamptz, "to" timestamptz
)
returns bytea
language plpgsql stable
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    -- A block lies within a month: one that reaches into the range begins in its first month or
    -- later, which spares the partitions before.
    since constant timestamptz := date_trunc('month', answer."from", 'UTC');
    -- devices ascend.
    least_device constant integer := coalesce(answer.devices[1], 0);
    greatest_device constant integer := coalesce(
        answer.devices[cardinality(answer.devices)], 2147483647
    );
    recent bytea;
    found bytea;
begin
    select tenon.recent_agg(answer.query, batches.id, batches.frame)
    into recent
    from iot.batches
    where
        batches.tenant_id = answer.tenant_id
        and batches.last_at >= answer."from"
        and batches.first_at < answer."to"
        and batches.last_device >= least_device
        and batches.first_device <= greatest_device;
    if answer.devices is null then
        select tenon.answer_agg(answer.query, recent, blocks.device, blocks.head, blocks.body)
        into found
        from iot.blocks
        where
            blocks.tenant_id = answer.tenant_id
            and blocks.first_at >= since
            and blocks.first_at < answer."to"
            and blocks.last_at >= answer."from";
    else
        select tenon.answer_agg(answer.query, recent, blocks.device, blocks.head, blocks.body)
        into found
        from iot.blocks
        where
            blocks.tenant_id = answer.tenant_id
            and blocks.device = any(answer.devices)
            and blocks.first_at >= since
            and blocks.first_at < answer."to"
            and blocks.last_at >= answer."from";
    end if;
    return coalesce(found, tenon.answer_of_recent(answer.query, recent));
end
$$;

comment on function iot.answer(bytea, uuid, integer[], timestamptz, timestamptz) is
'The answer to a question about the devices (all of the tenant, where null) and range that it is
about. Signed-in users may call it: they see what row level security lets them.';

create function v1.telemetry(
    devices text[] default null,
    metrics text[] default null,
    "from" timestamptz default null,
    "to" timestamptz default null,
    bucket interval default null,
    aggregates text[] default '{count,min,max,avg,sum,first,last}',
    fill text default 'none',
    time_zone text default 'UTC',
    origin timestamptz default null,
    max_points integer default null,
    group_by text[] default '{device,metric}'
)
returns table (
    device text,
    metric text,
    at timestamptz,
    count bigint,
    min double precision,
    max double precision,
    avg double precision,
    sum double precision,
    first jsonb,
    last jsonb,
    stddev double precision,
    p50 double precision,
    p90 double precision,
    p95 double precision,
    p99 double precision
)
language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    asked record;
    query bytea;
begin
    asked := iot.asked_series(
        telemetry.devices, telemetry.metrics, 'device' = any(telemetry.group_by)
    );
    query := tenon.bucket_query(
        case when telemetry.devices is not null then asked.device_numbers end,
        case when telemetry.metrics is not null then asked.metric_numbers end,
        telemetry."from",
        telemetry."to",
        bucket,
        max_points,
        time_zone,
        telemetry.origin,
        telemetry.fill,
        telemetry.group_by,
        telemetry.aggregates
    );
    return query
    select *
    from tenon.answer_buckets(
        iot.answer(
            query,
            asked.tenant_id,
            case when telemetry.devices is not null then asked.device_numbers end,
            telemetry."from",
            telemetry."to"
        ),
        asked.device_numbers,
        asked.device_slugs,
        asked.metric_numbers,
        asked.metric_names
    );
end
$$;

comment on function v1.telemetry(
    text[], text[], timestamptz, timestamptz, interval, text[], text, text, timestamptz, integer,
    text[]
) is
'What the readings of devices (slugs) and metrics (names; without them all of the tenant) come to in
buckets, from "from" inclusive to "to" exclusive, ordered by device, metric and time.
bucket: the width, of one unit (15 minutes, 1 day, 1 week from Monday on, 1 month, 3 months);
max_points instead takes the narrowest sensible width that gives at most so many buckets, 500 where
neither is given. Days and longer follow the calendar of time_zone (an IANA name); origin is where a
bucket begins, where that should differ. aggregates: which of count, min, max, avg, sum, first, last,
stddev (sample) and percentiles p50, p90, p95, p99 (exact) to compute, the others are null; numbers
count, and booleans as 0 and 1; first and last are of any type; nulls are no readings. fill: what
stands in buckets without readings, of series with at least one: none (no row), null, previous or
linear. group_by: device and metric, or one of them, or neither, for buckets over all together. Of
down-sampled readings hours are left, which count in the bucket in which they begin. Each reading
counts once, however often it was delivered. Needs iot.telemetry.read.';

create function v1.readings(
    devices text[] default null,
    metrics text[] default null,
    "from" timestamptz default null,
    "to" timestamptz default null,
    above double precision default null,
    below double precision default null,
    max_points integer default null
)
returns table (device text, metric text, at timestamptz, value jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    asked record;
    query bytea;
begin
    asked := iot.asked_series(readings.devices, readings.metrics, true);
    query := tenon.reading_query(
        case when readings.devices is not null then asked.device_numbers end,
        case when readings.metrics is not null then asked.metric_numbers end,
        readings."from",
        readings."to",
        above,
        below,
        max_points
    );
    return query
    select *
    from tenon.answer_readings(
        iot.answer(
            query,
            asked.tenant_id,
            case when readings.devices is not null then asked.device_numbers end,
            readings."from",
            readings."to"
        ),
        asked.device_numbers,
        asked.device_slugs,
        asked.metric_numbers,
        asked.metric_names
    );
end
$$;

comment on function v1.readings(
    text[], text[], timestamptz, timestamptz, double precision, double precision, integer
) is
'The readings of devices (slugs) and metrics (names; without them all of the tenant), from "from"
inclusive to "to" exclusive, exactly as they were sent, ordered by device, metric and time. above and
below: numbers greater or less than that alone. max_points: at most so many of each series, chosen so
that a chart looks the same (largest triangle three buckets). Asked for as text/csv, the answer is a
file. Of down-sampled time there are no readings. Needs iot.telemetry.read.';

create function v1.latest(devices text[] default null, metrics text[] default null)
returns table (device text, metric text, unit text, at timestamptz, value jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    asked record;
    query bytea;
    found bytea;
    least_device integer;
    greatest_device integer;
begin
    asked := iot.asked_series(latest.devices, latest.metrics, true);
    if latest.devices is not null then
        -- They ascend then.
        least_device := coalesce(asked.device_numbers[1], 0);
        greatest_device := coalesce(
            asked.device_numbers[cardinality(asked.device_numbers)], 0
        );
    end if;
    query := tenon.latest_query(
        case when latest.devices is not null then asked.device_numbers end,
        case when latest.metrics is not null then asked.metric_numbers end
    );
    select tenon.latest_agg(query, parts.id, parts.device, parts.frame)
    into found
    from (
        select
            null::bigint as id,
            kept.device,
            kept.readings as frame
        from iot.latest as kept
        where kept.tenant_id = asked.tenant_id and kept.device = any(asked.device_numbers)
        union all
        select
            batches.id,
            null,
            batches.frame
        from iot.batches
        where
            batches.tenant_id = asked.tenant_id
            and batches.last_device >= coalesce(least_device, batches.last_device)
            and batches.first_device <= coalesce(greatest_device, batches.first_device)
    ) as parts;
    return query
    select
        readings.device,
        readings.metric,
        metrics.unit,
        readings.at,
        readings.value
    from tenon.answer_readings(
        found, asked.device_numbers, asked.device_slugs, asked.metric_numbers, asked.metric_names
    ) as readings
    left join unnest(asked.metric_names, asked.metric_units) as metrics (name, unit)
        on metrics.name = readings.metric;
end
$$;

comment on function v1.latest(text[], text[]) is
'The latest reading of every series of devices (slugs) and metrics (names; without them all of the
tenant), by the devices'' time. Needs iot.telemetry.read.';

revoke all on function
iot.asked_series(text[], text[], boolean),
iot.answer(bytea, uuid, integer[], timestamptz, timestamptz),
v1.telemetry(
    text[], text[], timestamptz, timestamptz, interval, text[], text, text, timestamptz, integer,
    text[]
),
v1.readings(
    text[], text[], timestamptz, timestamptz, double precision, double precision, integer
),
v1.latest(text[], text[])
from public;
grant execute on function
iot.asked_series(text[], text[], boolean),
iot.answer(bytea, uuid, integer[], timestamptz, timestamptz),
v1.telemetry(
    text[], text[], timestamptz, timestamptz, interval, text[], text, text, timestamptz, integer,
    text[]
),
v1.readings(
    text[], text[], timestamptz, timestamptz, double precision, double precision, integer
),
v1.latest(text[], text[])
to authenticated, service_role;

insert into core.errors (code, status, message, hint) values
(
    'telemetry.aggregate_unknown', 400, 'There is no such aggregate.',
    'Known are count, min, max, avg, sum, first, last, stddev, p50, p90, p95 and p99.'
),
(
    'telemetry.fill_unknown', 400, 'There is no such fill.',
    'Known are none, null, previous and linear.'
),
(
    'telemetry.group_unknown', 400, 'Buckets are not grouped by that.',
    'Group by device, by metric, by both or by neither.'
),
(
    'telemetry.range_invalid', 400, 'The range is empty or open.',
    'Give both ends, "from" before "to".'
),
(
    'telemetry.too_many_buckets', 400, 'The range has too many buckets of that width.',
    'Ask for wider buckets, a shorter range or fewer series.'
),
(
    'telemetry.width_given_twice', 400, 'Both bucket and max_points say how wide a bucket is.',
    'Give one of them.'
),
(
    'telemetry.points_invalid', 400, 'A chart has at least one point.',
    'Leave max_points out, or ask for some.'
),
(
    'telemetry.width_invalid', 400,
    'A bucket''s width is a positive number of months, of days, or of hours and below, not a mix.',
    'Ask for 1 hour, 7 days or 1 month, say.'
),
('telemetry.zone_unknown', 400, 'There is no such time zone.', 'Use an IANA name.'),
(
    'telemetry.time_out_of_range', 400, 'The time lies outside of the calendar.',
    'Use times between the years 1 and 9999.'
),
(
    'telemetry.series_too_long', 400, 'The answer needs more readings than one query may hold.',
    'Ask for a shorter range or fewer series.'
),
(
    'telemetry.query_malformed', 400, 'These bytes are no question or answer about readings.',
    'Make questions with tenon.bucket_query and tenon.reading_query.'
);
