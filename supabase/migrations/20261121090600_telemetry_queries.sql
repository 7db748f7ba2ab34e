-- Readings as they are asked for: in buckets, one by one, and the latest of each series.
--
-- Queries open only the frames of the asked time range, and in these only the asked series, under
-- the row level security of the tables that hold them.

set local lock_timeout = '5s';

create function iot.device_named(device text) returns iot.devices
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    found_devices iot.devices[] := array(
        select devices from iot.devices
        where devices.slug = device_named.device
        limit 2
    );
begin
    case cardinality(found_devices)
        when 0 then
            perform core.fail('device.unknown', jsonb_build_object('device', device));
        when 2 then
            perform core.fail('tenancy.ambiguous', '{"count": "several"}');
        else
            return found_devices[1];
    end case;
end
$$;

comment on function iot.device_named(text) is
'The device of that slug among those that the caller may see. Raises device.unknown (404), or
tenancy.ambiguous (400) where two tenants have one.';

create function iot.metric_named(tenant_id uuid, metric text) returns iot.metrics
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    found_metric iot.metrics;
begin
    select metrics.* into found_metric
    from iot.metrics
    where metrics.tenant_id = metric_named.tenant_id and metrics.name = metric_named.metric;
    if not found then
        perform core.fail('metric.unknown', jsonb_build_object('metric', metric));
    end if;
    return found_metric;
end
$$;

comment on function iot.metric_named(uuid, text) is
'The metric of that name in the tenant, if the caller may see it. Raises metric.unknown (404).';

create function iot.buckets_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 50000;

comment on function iot.buckets_max() is
'How many buckets one query may span: ten times what a wide screen shows, and few enough that an
answer stays below some megabytes.';

create function v1.telemetry(
    device text,
    metric text,
    "from" timestamptz,
    "to" timestamptz,
    bucket interval default '1 minute',
    aggregates text[] default '{count,min,max,avg,sum,first,last}',
    time_zone text default 'UTC'
)
returns table (
    at timestamptz,
    count bigint,
    min double precision,
    max double precision,
    avg double precision,
    sum double precision,
    first jsonb,
    last jsonb
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    known constant text[] := '{count,min,max,avg,sum,first,last}';
    source iot.devices;
    measured iot.metrics;
begin
    if not (telemetry.aggregates <@ known) then
        perform core.fail('telemetry.aggregate_unknown', jsonb_build_object(
            'aggregates', telemetry.aggregates, 'known', known
        ));
    end if;
    if (telemetry."from" < telemetry."to") is not true
        or not isfinite(telemetry."from") or not isfinite(telemetry."to")
    then
        perform core.fail('telemetry.range_invalid', jsonb_build_object(
            'from', telemetry."from", 'to', telemetry."to"
        ));
    end if;
    -- Raises when width or zone are none, even where there is nothing to bucket.
    perform tenon.time_bucket(telemetry.bucket, telemetry."from", telemetry.time_zone);
    if extract(epoch from telemetry."to" - telemetry."from")
        > iot.buckets_max() * extract(epoch from telemetry.bucket)
    then
        perform core.fail('telemetry.too_many_buckets', jsonb_build_object(
            'bucket', telemetry.bucket, 'limit', iot.buckets_max()
        ));
    end if;
    source := iot.device_named(telemetry.device);
    measured := iot.metric_named(source.tenant_id, telemetry.metric);

    return query
    select
        buckets.bucket,
        case when 'count' = any(telemetry.aggregates) then buckets.count end,
        case when 'min' = any(telemetry.aggregates) then buckets.min end,
        case when 'max' = any(telemetry.aggregates) then buckets.max end,
        case when 'avg' = any(telemetry.aggregates) then buckets.avg end,
        case when 'sum' = any(telemetry.aggregates) then buckets.sum end,
        case when 'first' = any(telemetry.aggregates) then buckets.first end,
        case when 'last' = any(telemetry.aggregates) then buckets.last end
    from (
        select
            tenon.series_agg(
                batches.id, batches.frame, source.number, measured.number,
                telemetry."from", telemetry."to"
            ) as readings
        from iot.batches
        where
            batches.tenant_id = source.tenant_id
            and batches.last_at >= telemetry."from"
            and batches.first_at < telemetry."to"
    ) as series
    cross join lateral tenon.series_buckets(
        series.readings, telemetry.bucket, telemetry.time_zone
    ) as buckets;
end
$$;

comment on function v1.telemetry(
    text, text, timestamptz, timestamptz, interval, text[], text
) is
'One metric of one device in buckets of equal width: at (start of the bucket), count of values,
min, max, avg, sum (numbers, booleans as 0 and 1), first and last in time (any type). From "from"
inclusive to "to" exclusive; buckets without a reading are absent. Days and longer follow the
calendar of time_zone (an IANA name). aggregates: which to compute, the others are null. Each
reading counts once, however often it was delivered. Needs iot.telemetry.read.';

create function v1.latest(device text)
returns table (metric text, unit text, at timestamptz, value jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    source iot.devices := iot.device_named(latest.device);
begin
    return query
    select
        metrics.name,
        metrics.unit,
        readings.at,
        readings.value
    from (
        select tenon.latest_agg(batches.id, batches.frame, source.number) as readings
        from iot.batches
        where batches.tenant_id = source.tenant_id
    ) as newest
    cross join lateral tenon.latest_readings(newest.readings) as readings
    inner join iot.metrics
        on metrics.tenant_id = source.tenant_id and metrics.number = readings.metric
    order by metrics.name;
end
$$;

comment on function v1.latest(text) is
'The latest reading of every metric of a device, by the device''s time. Needs iot.telemetry.read.';

revoke all on function
iot.device_named(text),
iot.metric_named(uuid, text),
iot.buckets_max(),
v1.telemetry(text, text, timestamptz, timestamptz, interval, text[], text),
v1.latest(text)
from public;
grant execute on function
iot.device_named(text),
iot.metric_named(uuid, text),
iot.buckets_max(),
v1.telemetry(text, text, timestamptz, timestamptz, interval, text[], text),
v1.latest(text)
to authenticated, service_role;

insert into core.errors (code, status, message, hint) values
(
    'telemetry.aggregate_unknown', 400, 'Of {aggregates} not all are aggregates.',
    'Known are {known}.'
),
(
    'telemetry.range_invalid', 400, 'The range from {from} to {to} is empty or open.',
    'Give both ends, "from" before "to".'
),
(
    'telemetry.too_many_buckets', 400,
    'Buckets of {bucket} divide this range into more than {limit}.',
    'Ask for wider buckets or a shorter range.'
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
    'telemetry.series_too_long', 400, 'The range holds more readings than one query may open.',
    'Ask for a shorter range.'
);
