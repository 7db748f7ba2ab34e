-- Sends readings, and looks at how they lie: for tests of what is behind the API.

-- Sends for a device, at the beginning of March 2026; null for devices that the messages name.
create function pg_temp.send(tenant text, device text, messages jsonb) returns bigint
language sql
as $$
    select count(*)
    from tenon.batch_from_json(tenant, device, messages, timestamptz '2026-03-01 00:00Z') as read
    cross join lateral iot.ingest(read.batch)
$$;

-- How many readings are stored, after reading all of them.
create function pg_temp.stored() returns bigint
language sql
as $$
    select
        coalesce((select sum(tenon.frame_check(frame)) from iot.batches), 0)
        + coalesce((select sum(tenon.block_check(device, head, body)) from iot.blocks), 0)
$$;
-- The blocks of a device of acme.
create function pg_temp.blocks_of(slug text) returns setof iot.blocks
language sql
as $$
    select blocks.*
    from iot.devices
    inner join iot.blocks
        on blocks.tenant_id = devices.tenant_id and blocks.device = devices.number
    where
        devices.slug = $1 and devices.tenant_id = '00000000-0000-4000-a000-000000000002'
    order by blocks.first_at
$$;
