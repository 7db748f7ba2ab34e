-- Readings: how they come in and where they lie.
--
-- No reading is ever a row. A batch arrives as one dictionary-coded frame; SQL resolves its
-- distinct devices and metric names, then one native call packs it into a frame per tenant, which
-- is one row of iot.batches. The frames are described in docs/telemetry-format.md.

set local lock_timeout = '5s';

create table iot.batches (
    tenant_id uuid not null references core.tenants (id),
    id bigint not null generated always as identity,
    received_at timestamptz not null default clock_timestamp(),
    first_device integer not null,
    last_device integer not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    readings integer not null,
    frame bytea not null,
    primary key (tenant_id, id),
    constraint devices_are_ordered check (first_device <= last_device),
    constraint readings_is_positive check (readings > 0),
    constraint range_is_ordered check (first_at <= last_at)
) with (toast_tuple_target = 8160);
alter table iot.batches alter column frame set storage external;
-- Where a frame may hold the answer is told by the index alone.
create index batches_range
on iot.batches (tenant_id, last_at, first_at, first_device, last_device);

comment on table iot.batches is
'Readings as they came: for each tenant and flush as many rows as keep a frame within a page, each
of other devices. Written by iot.ingest alone.';
comment on column iot.batches.id is
'Rises with arrival: where a reading came twice, that of the higher id counts.';
comment on column iot.batches.first_device is 'Least number of a device in the frame.';
comment on column iot.batches.last_device is 'Greatest number of a device in the frame.';
comment on column iot.batches.first_at is 'Time of the earliest reading in the frame.';
comment on column iot.batches.last_at is 'Time of the latest reading in the frame.';
comment on column iot.batches.frame is
'Packed readings, see docs/telemetry-format.md. Stored as it is: it is compact already.';

create table iot.rejected_messages (
    tenant_id uuid not null references core.tenants (id),
    id bigint not null generated always as identity,
    received_at timestamptz not null default clock_timestamp(),
    source text not null,
    topic text,
    device text,
    code text not null,
    message text not null,
    payload bytea not null,
    payload_bytes integer not null,
    primary key (tenant_id, id),
    constraint source_is_known check (source in ('mqtt', 'http')),
    constraint payload_is_cut check (octet_length(payload) <= 4096)
);
create index rejected_messages_received_at on iot.rejected_messages (tenant_id, received_at);

comment on table iot.rejected_messages is
'Messages that could not be kept as readings, with the reason. Those whose topic names no known
tenant belong to the platform tenant.';
comment on column iot.rejected_messages.code is 'A code of core.errors.';
comment on column iot.rejected_messages.payload is 'The first 4,096 bytes as they came.';
comment on column iot.rejected_messages.payload_bytes is 'Length of the whole payload.';

alter table iot.batches enable row level security;
alter table iot.rejected_messages enable row level security;

create policy batches_read on iot.batches for select to authenticated
using (tenant_id = any((select core.tenants_with('iot.telemetry.read'))::uuid[]));

create policy rejected_messages_read on iot.rejected_messages for select to authenticated
using (tenant_id = any((select core.tenants_with('iot.devices.read'))::uuid[]));

grant select on iot.batches, iot.rejected_messages to authenticated;
grant all on iot.batches, iot.rejected_messages to service_role;

create function iot.refused_devices(batch bytea, ordinals integer[])
returns table (ordinal integer, code text)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select
        named.ordinal,
        case
            when tenants.id is null then 'tenant.unknown'
            when tenants.status <> 'active' then 'tenant.suspended'
            when devices.status in ('suspended', 'decommissioned')
                then 'device.' || devices.status
            else 'device.unknown'
        end
    from tenon.batch_devices(refused_devices.batch, refused_devices.ordinals) as named
    left join core.tenants on tenants.slug = named.tenant
    left join iot.devices on devices.tenant_id = tenants.id and devices.slug = named.device;
end;

comment on function iot.refused_devices(bytea, integer[]) is
'Why those devices of the batch that have these ordinals are refused. Internal.';

create function iot.register_devices(batch bytea, ordinals integer[]) returns bigint
language sql set search_path = pg_catalog, pg_temp
begin atomic
    with fresh as (
        select
            tenants.id as tenant_id,
            named.device as slug
        from tenon.batch_devices(register_devices.batch, register_devices.ordinals) as named
        inner join core.tenants on tenants.slug = named.tenant and tenants.status = 'active'
        where
            tenants.settings @> '{"iot": {"auto_register_devices": true}}'
            and not exists (
                select from iot.devices
                where devices.tenant_id = tenants.id and devices.slug = named.device
            )
    ),
    registered as (
        insert into iot.devices (tenant_id, slug)
        select
            fresh.tenant_id,
            fresh.slug
        from fresh
        order by fresh.tenant_id, fresh.slug
        on conflict do nothing
    )
    select count(*) from fresh;
end;

comment on function iot.register_devices(bytea, integer[]) is
'Adds those devices of the batch that have these ordinals, are unknown, and are of tenants whose
settings allow it. Returns how many these are, those included that another session has just added.
Internal.';

create function iot.register_metrics(batch bytea, device_numbers integer[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    tenant record;
begin
    for tenant in
        select
            tenants.id,
            array_agg(named.metric order by named.ordinal) as names,
            array_agg(named.value_type order by named.ordinal) as value_types
        from tenon.batch_metrics(register_metrics.batch, register_metrics.device_numbers) as named
        inner join core.tenants on tenants.slug = named.tenant
        left join iot.metrics on metrics.tenant_id = tenants.id and metrics.name = named.metric
        where metrics.number is null
        group by tenants.id
        order by tenants.id
    loop
        -- The limit is a count, so registrations of one tenant go one after the other.
        perform pg_advisory_xact_lock(hashtextextended('iot.metrics/' || tenant.id, 0));
        insert into iot.metrics (tenant_id, name, value_type)
        select
            tenant.id,
            fresh.name,
            case
                when fresh.value_type in ('integer', 'float') then 'number'
                when fresh.value_type <> 'null' then fresh.value_type
            end
        from unnest(tenant.names, tenant.value_types) with ordinality
            as fresh (name, value_type, position)
        where not exists (
            select from iot.metrics
            where metrics.tenant_id = tenant.id and metrics.name = fresh.name
        )
        order by fresh.position
        limit greatest(0, iot.metrics_per_tenant_max() - (
            select count(*) from iot.metrics where metrics.tenant_id = tenant.id
        ));
    end loop;
end
$$;

comment on function iot.register_metrics(bytea, integer[]) is
'Adds the metrics that accepted devices of the batch use for the first time, in the order of the
batch, until the tenant has iot.metrics_per_tenant_max() of them. Internal.';

create function iot.ingest(batch bytea)
returns table (kind text, ordinal integer, code text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    heard_at constant timestamptz := clock_timestamp();
    unmarked_before constant timestamptz := heard_at - interval '1 minute';
    names record;
    tenant_ids uuid[];
    reads_whole boolean;
    device_numbers integer[];
    unmarked_ordinals integer[];
    refused_ordinals integer[];
    metric_numbers integer[];
begin
    if ingest.batch is null then
        return;
    end if;

    select named.tenants, named.devices, named.metric_tenants, named.metrics
    into names
    from tenon.batch_names(ingest.batch) as named;

    select array_agg(tenants.id order by named.ordinal)
    into tenant_ids
    from unnest(names.tenants) with ordinality as named (slug, ordinal)
    left join core.tenants on tenants.slug = named.slug and tenants.status = 'active';

    -- Every call asks every device's status: what was suspended is refused from the next call on.
    -- Passing over a row costs a tenth of looking one up, so a tenant of whose devices the batch
    -- names a good part is read whole. Numbers tell how many it has at most.
    select sum(last.number::bigint - first.number + 1) <= 10 * names.devices::bigint
    into reads_whole
    from unnest(tenant_ids) as owners (id)
    cross join lateral (
        select devices.number
        from iot.devices
        where devices.tenant_id = owners.id
        order by devices.number
        limit 1
    ) as first
    cross join lateral (
        select devices.number
        from iot.devices
        where devices.tenant_id = owners.id
        order by devices.number desc
        limit 1
    ) as last;

    for attempt in 1..2 loop
        if reads_whole then
            select
                tenon.batch_device_numbers(
                    ingest.batch, owners.ordinal::integer, devices.slug, devices.number,
                    devices.last_seen_at is null or devices.last_seen_at < unmarked_before
                ),
                tenon.batch_devices_unmarked(
                    ingest.batch, owners.ordinal::integer, devices.slug, devices.number,
                    devices.last_seen_at is null or devices.last_seen_at < unmarked_before
                )
            into device_numbers, unmarked_ordinals
            from unnest(tenant_ids) with ordinality as owners (id, ordinal)
            left join lateral (
                select
                    known.slug,
                    known.number,
                    known.last_seen_at
                from iot.devices as known
                where known.tenant_id = owners.id and known.status in ('active', 'provisioned')
                offset 0
            ) as devices on true;
        else
            select
                tenon.batch_device_numbers(
                    ingest.batch, owners.ordinal::integer, devices.slug, devices.number,
                    devices.last_seen_at is null or devices.last_seen_at < unmarked_before
                ),
                tenon.batch_devices_unmarked(
                    ingest.batch, owners.ordinal::integer, devices.slug, devices.number,
                    devices.last_seen_at is null or devices.last_seen_at < unmarked_before
                )
            into device_numbers, unmarked_ordinals
            from unnest(tenant_ids) with ordinality as owners (id, ordinal)
            cross join lateral unnest(
                tenon.batch_slugs(ingest.batch, owners.ordinal::integer)
            ) as named (slug)
            left join lateral (
                select
                    known.slug,
                    known.number,
                    known.last_seen_at
                from iot.devices as known
                where
                    known.tenant_id = owners.id
                    and known.slug = named.slug
                    and known.status in ('active', 'provisioned')
                offset 0
            ) as devices on true;
        end if;
        refused_ordinals := nullif(array_positions(device_numbers, null), '{}');
        exit when
            attempt = 2
            or refused_ordinals is null
            or iot.register_devices(ingest.batch, refused_ordinals) = 0;
    end loop;

    for attempt in 1..2 loop
        select array_agg(metrics.number order by named.ordinal)
        into metric_numbers
        from
            unnest(names.metric_tenants, names.metrics)
            with ordinality as named (tenant, name, ordinal)
        left join iot.metrics
            on metrics.tenant_id = tenant_ids[named.tenant] and metrics.name = named.name;
        exit when attempt = 2 or array_position(metric_numbers, null) is null;
        perform iot.register_metrics(ingest.batch, device_numbers);
    end loop;

    insert into iot.batches (
        tenant_id, first_device, last_device, first_at, last_at, readings, frame
    )
    select
        tenant_ids[packed.tenant],
        packed.first_device,
        packed.last_device,
        packed.first_at,
        packed.last_at,
        packed.readings,
        packed.frame
    from tenon.batch_pack(ingest.batch, device_numbers, metric_numbers) as packed;

    if unmarked_ordinals is not null then
        update iot.devices
        set
            last_seen_at = heard_at,
            status = case devices.status when 'provisioned' then 'active' else devices.status end
        from (
            select
                known.tenant_id,
                known.number
            from tenon.batch_devices(ingest.batch, unmarked_ordinals) as heard
            inner join core.tenants on tenants.slug = heard.tenant
            inner join iot.devices as known
                on known.tenant_id = tenants.id and known.slug = heard.device
            where known.last_seen_at is null or known.last_seen_at < unmarked_before
            for no key update of known skip locked
        ) as unmarked
        where devices.tenant_id = unmarked.tenant_id and devices.number = unmarked.number;
    end if;

    if refused_ordinals is not null then
        return query
        select
            'device',
            refused.ordinal,
            refused.code
        from iot.refused_devices(ingest.batch, refused_ordinals) as refused
        order by refused.ordinal;
    end if;

    if array_position(metric_numbers, null) is not null then
        return query
        select
            'metric',
            used.ordinal,
            'metric.limit_reached'
        from tenon.batch_metrics(ingest.batch, device_numbers) as used
        where metric_numbers[used.ordinal] is null;
    end if;
end
$$;

comment on function iot.ingest(bytea) is
'Stores one batch of readings and marks its devices as seen, in one transaction. Returns the
entries of the batch''s dictionaries that were refused: kind (device or metric), ordinal (from 1),
code; messages that use them are not kept. Raises telemetry.batch_corrupt. Definer, because it
writes for every tenant; only tenon_bridge may call it.';

create function iot.reject(topics text[], payloads bytea[], codes text[], messages text[])
returns integer
language sql security definer set search_path = pg_catalog, pg_temp
begin atomic
    with kept as (
        insert into iot.rejected_messages (
            tenant_id, source, topic, device, code, message, payload, payload_bytes
        )
        select
            coalesce(tenants.id, core.platform_tenant_id()),
            'mqtt',
            left(refused.topic, 1024),
            left(nullif(split_part(refused.topic, '/', 4), ''), 64),
            refused.code,
            left(refused.message, 1024),
            substring(refused.payload for 4096),
            octet_length(refused.payload)
        from
            unnest(reject.topics, reject.payloads, reject.codes, reject.messages)
            with ordinality as refused (topic, payload, code, message, position)
        left join core.tenants on tenants.slug = split_part(refused.topic, '/', 2)
        order by refused.position
        returning 1
    )
    select count(*)::integer from kept;
end;

comment on function iot.reject(text[], bytea[], text[], text[]) is
'Keeps messages that could not be stored, with code and reason; payloads are cut to 4,096 bytes.
Returns their number. Definer, because it writes for every tenant; only tenon_bridge may call it.';

create function iot.ingest_json(messages jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
    elements constant jsonb := case jsonb_typeof(ingest_json.messages)
        when 'array' then ingest_json.messages else jsonb_build_array(ingest_json.messages)
    end;
    owner_id uuid;
    tenant core.tenants;
    device iot.devices;
    parsed record;
    rejected jsonb;
begin
    -- Not within the query below: a plan for any claims is made with the answer of every branch,
    -- and one of them refuses.
    if caller.kind = 'device' then
        device := iot.calling_device(caller.tenant_id, caller.id);
        owner_id := device.tenant_id;
    else
        owner_id := core.sole_tenant_with('iot.telemetry.write');
    end if;

    select tenants.* into tenant
    from core.tenants
    where tenants.id = owner_id;

    select * into parsed
    from tenon.batch_from_json(tenant.slug, device.slug, elements, clock_timestamp());

    perform core.fail('device.not_own', jsonb_build_object('device', named.device))
    from tenon.batch_devices(parsed.batch) as named
    where named.device <> device.slug;

    with unread as (
        select
            (element ->> 'index')::integer as index,
            element ->> 'code' as code,
            element ->> 'message' as message
        from jsonb_array_elements(parsed.rejected) as element
    ),
    refused as (
        select
            array_agg(entry.kind) as kinds,
            array_agg(entry.ordinal) as ordinals,
            array_agg(entry.code) as codes
        from iot.ingest(parsed.batch) as entry
    ),
    unstored as (
        select
            parsed.indexes[hits.message] as index,
            hits.code,
            core.render(errors.message, jsonb_build_object(
                'tenant', tenant.slug, 'device', devices.device, 'metric', metrics.metric
            )) as message
        from refused
        cross join lateral tenon.batch_hits(
            parsed.batch, refused.kinds, refused.ordinals, refused.codes
        ) as hits
        inner join core.errors on errors.code = hits.code
        left join tenon.batch_devices(parsed.batch) as devices
            on hits.kind = 'device' and devices.ordinal = hits.ordinal
        left join tenon.batch_metrics(parsed.batch) as metrics
            on hits.kind = 'metric' and metrics.ordinal = hits.ordinal
    ),
    unkept as (
        select
            failed.*,
            elements -> failed.index as element
        from (table unread union all table unstored) as failed
    ),
    recorded as (
        insert into iot.rejected_messages (
            tenant_id, source, device, code, message, payload, payload_bytes
        )
        select
            tenant.id,
            'http',
            left(coalesce(unkept.element ->> 'device', device.slug), 64),
            unkept.code,
            left(unkept.message, 1024),
            substring(convert_to(unkept.element::text, 'UTF8') for 4096),
            octet_length(unkept.element::text)
        from unkept
        order by unkept.index
    )
    select coalesce(
        jsonb_agg(
            jsonb_build_object(
                'index', unkept.index, 'code', unkept.code, 'message', unkept.message
            )
            order by unkept.index
        ),
        '[]'
    )
    into rejected
    from unkept;

    return jsonb_build_object(
        'accepted', jsonb_array_length(elements) - jsonb_array_length(rejected),
        'rejected', rejected
    );
end
$$;

comment on function iot.ingest_json(jsonb) is
'What v1.ingest does. Definer, because it writes packed frames; it decides itself for whom the
caller may send.';

create function iot.calling_device(tenant_id uuid, device_id uuid) returns iot.devices
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    device iot.devices;
begin
    select devices.* into device
    from iot.devices
    where
        devices.tenant_id = calling_device.tenant_id
        and devices.id = calling_device.device_id;
    if device.id is null then
        perform core.fail('device.unknown', jsonb_build_object('device', device_id));
    elsif device.status in ('suspended', 'decommissioned') then
        perform core.fail('device.' || device.status, jsonb_build_object('device', device.slug));
    end if;
    return device;
end
$$;

comment on function iot.calling_device(uuid, uuid) is
'The device that is calling, as core.caller names it. Raises
device.unknown, device.suspended or device.decommissioned. Internal.';

create function v1.ingest(messages jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return iot.ingest_json(ingest.messages);
exception
    when serialization_failure or deadlock_detected then
        perform core.fail('core.retry', '{"retry_after_s": 1}');
end
$$;

comment on function v1.ingest(jsonb) is
'Stores readings. messages: one object or an array of {device, at, values: {metric: value}}, or
flat {device, at, metric: value}; at is RFC 3339 or epoch s, ms or µs, and now where it is absent.
Returns {accepted, rejected: [{index, code, message}]}: good messages are kept whatever becomes of
the others. Needs iot.telemetry.write; a device''s own token sends for that device alone. Sending
the same readings again changes nothing.';

revoke all on function
iot.refused_devices(bytea, integer[]),
iot.register_devices(bytea, integer[]),
iot.register_metrics(bytea, integer[]),
iot.ingest(bytea),
iot.reject(text[], bytea[], text[], text[]),
iot.ingest_json(jsonb),
iot.calling_device(uuid, uuid),
v1.ingest(jsonb)
from public;
grant execute on function iot.ingest(bytea), iot.reject(text[], bytea[], text[], text[])
to tenon_bridge;
grant execute on function iot.ingest_json(jsonb), v1.ingest(jsonb)
to authenticated, service_role, tenon_device;
grant usage on schema iot to tenon_device;

create view v1.rejected_messages with (security_invoker = true) as
select
    rejected_messages.tenant_id,
    rejected_messages.id,
    rejected_messages.received_at,
    rejected_messages.source,
    rejected_messages.topic,
    rejected_messages.device,
    rejected_messages.code,
    rejected_messages.message,
    encode(rejected_messages.payload, 'escape') as payload,
    rejected_messages.payload_bytes
from iot.rejected_messages;

comment on view v1.rejected_messages is
'Messages of your devices that could not be kept, with the reason. payload: the first 4,096 bytes,
those outside of ASCII as \nnn. Needs iot.devices.read.';

grant select on v1.rejected_messages to authenticated, service_role;

insert into core.errors (code, status, message, hint) values
('telemetry.frame_corrupt', 500, 'A stored frame cannot be read.', 'Restore it from a backup.'),
('telemetry.frame_full', 413, 'A frame cannot hold that many readings.', 'Send smaller batches.'),
('telemetry.batch_corrupt', 400, 'This is no batch of readings.', 'Build it with the bridge.'),
('telemetry.batch_full', 413, 'A batch cannot hold that many readings.', 'Send smaller batches.'),
(
    'telemetry.batch_numbers_mismatch', 400,
    'The numbers given do not match the names of the batch.', 'Give one for each, or null.'
);

-- Why a message is refused, by the bridge and by v1.ingest alike.
insert into core.errors (code, status, message, hint) values
(
    'topic.invalid', 400, 'The topic names no device.',
    'Publish to t/{tenant}/d/{device}/telemetry.'
),
('tenant.slug_invalid', 400, 'This is no slug of a tenant.', 'Use a DNS label in lower case.'),
(
    'device.slug_invalid', 400, 'This is no slug of a device.',
    'Use up to 64 letters, digits and _.- and begin with a letter or digit.'
),
(
    'device.username_invalid', 400, 'The user name is not that of a device.',
    'Sign in as {tenant}/d/{device}.'
),
('device.missing', 400, 'The message names no device.', 'Add "device" to it.'),
('payload.too_large', 413, 'The payload is longer than 256 KiB.', 'Send several.'),
('payload.empty', 400, 'The payload holds a message without a reading.', 'Leave it out.'),
('payload.not_utf8', 400, 'The payload is not UTF-8.', 'JSON is sent as UTF-8.'),
('payload.not_json', 400, 'The payload is not JSON.', 'See the guide to telemetry.'),
('payload.not_object', 400, 'A message is a JSON object.', 'See the guide to telemetry.'),
('payload.too_deep', 400, 'The payload nests deeper than 8 levels.', 'Flatten it.'),
(
    'payload.too_many_readings', 413, 'The payload has more than 10,000 readings.',
    'Send several.'
),
(
    'payload.time_invalid', 400, 'The time is none, or is given twice.',
    'Use RFC 3339 with an offset, or seconds, milliseconds or microseconds since 1970.'
),
('payload.time_too_old', 400, 'The time is before the year 2000.', 'Set the device''s clock.'),
(
    'payload.time_too_far_ahead', 400, 'The time is more than 24 hours ahead.',
    'Set the device''s clock.'
),
(
    'payload.metric_name_invalid', 400,
    'The name of a metric is empty, longer than 128 bytes, or has control or outer white space.',
    'Use names such as engine.oil.temperature.'
),
('payload.duplicate_metric', 400, 'A message holds one metric twice.', 'Send it once.'),
(
    'payload.number_out_of_range', 400, 'A number is beyond the range of a double.',
    'Send it as text.'
),
('payload.value_too_large', 413, 'A text or JSON value is longer than 16 KiB.', 'Shorten it.'),
(
    'payload.text_invalid', 400, 'A text holds the character U+0000, which Postgres cannot store.',
    'Leave it out.'
),
(
    'ingest.failed', 500, 'The database could not store the message.',
    'Look at the reason that was recorded with it.'
);

select core.map_not_personal(
    'What a device sent and nobody could read; iot.retain deletes it.',
    'iot.rejected_messages.message', 'iot.rejected_messages.payload'
);
