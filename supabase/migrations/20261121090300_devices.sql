-- Devices and the metrics they report.
--
-- Both have, beside their names, a short number: the key that packed frames repeat, so that a
-- reading costs bits and a rename costs nothing.

set local lock_timeout = '5s';

create table iot.devices (
    tenant_id uuid not null default core.sole_tenant_with('iot.devices.write')
    references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    number integer not null generated always as identity,
    slug text not null,
    name text not null default '',
    type text,
    status text not null default 'provisioned',
    last_seen_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint device_slug_is_unique unique (tenant_id, slug),
    constraint device_number_is_unique unique (tenant_id, number),
    constraint slug_fits_a_topic check (slug ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'),
    constraint name_is_short check (char_length(name) <= 200),
    constraint type_is_short check (char_length(type) between 1 and 100),
    constraint status_is_known
    check (status in ('provisioned', 'active', 'suspended', 'decommissioned'))
) with (fillfactor = 80);

comment on table iot.devices is 'What sends readings. Its topic is t/{tenant}/d/{slug}/telemetry.';
comment on column iot.devices.number is 'The device''s key inside packed frames.';
comment on column iot.devices.status is
'provisioned until the first message, then active; what a suspended or decommissioned device
sends is refused.';
comment on column iot.devices.last_seen_at is
'When a message last arrived, true to a minute: written at most once a minute.';

create table iot.metrics (
    tenant_id uuid not null references core.tenants (id),
    number integer not null generated always as identity,
    name text not null,
    unit text,
    value_type text,
    created_at timestamptz not null default now(),
    primary key (tenant_id, number),
    constraint metric_name_is_unique unique (tenant_id, name),
    constraint name_is_short check (octet_length(name) between 1 and 128),
    constraint unit_is_ucum_text check (unit ~ '^[!-~]{1,64}$'),
    constraint value_type_is_known check (value_type in ('number', 'boolean', 'text', 'json'))
);

comment on table iot.metrics is
'What devices measure. A name that a device sends for the first time registers itself.';
comment on column iot.metrics.number is 'The metric''s key inside packed frames.';
comment on column iot.metrics.unit is
'Unit of measure as case-sensitive UCUM text, such as Cel, km/h, kPa (https://ucum.org/ucum).';
comment on column iot.metrics.value_type is
'The type of the first reading. It informs; readings of another type are kept too.';

create function iot.metrics_per_tenant_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1000;

comment on function iot.metrics_per_tenant_max() is
'How many metrics may register themselves in a tenant. Metric names are columns of charts and
entries of dictionaries, of which fleets have tens to hundreds; a device that writes identifiers
or times into its names would otherwise grow them without end. Signed-in users may call it.';
revoke all on function iot.metrics_per_tenant_max() from public;
grant execute on function iot.metrics_per_tenant_max() to authenticated, service_role;

alter table iot.devices enable row level security;
alter table iot.metrics enable row level security;

create policy devices_read on iot.devices for select to authenticated
using (tenant_id = any((select core.tenants_with('iot.devices.read'))::uuid[]));

create policy devices_add on iot.devices for insert to authenticated
with check (tenant_id = any((select core.tenants_with('iot.devices.write'))::uuid[]));

create policy devices_change on iot.devices for update to authenticated
using (tenant_id = any((select core.tenants_with('iot.devices.write'))::uuid[]))
with check (tenant_id = any((select core.tenants_with('iot.devices.write'))::uuid[]));

create policy metrics_read on iot.metrics for select to authenticated
using (tenant_id = any((select core.tenants_with('iot.devices.read'))::uuid[]));

create policy metrics_change on iot.metrics for update to authenticated
using (tenant_id = any((select core.tenants_with('iot.devices.write'))::uuid[]))
with check (tenant_id = any((select core.tenants_with('iot.devices.write'))::uuid[]));

grant select on iot.devices, iot.metrics to authenticated;
grant insert (tenant_id, slug, name, type) on iot.devices to authenticated;
grant update (name, type, status) on iot.devices to authenticated;
grant update (unit) on iot.metrics to authenticated;
grant all on iot.devices, iot.metrics to service_role;

insert into core.permissions (permission, description) values
('iot.devices.read', 'See devices, their metrics and what was rejected of their messages.'),
('iot.devices.write', 'Add, rename, suspend and retire devices; set units of metrics.'),
('iot.telemetry.read', 'Read what devices have measured.'),
('iot.telemetry.write', 'Send readings for any device of the tenant.');

select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent', 'analyst', 'viewer'],
    array['iot.devices.read', 'iot.telemetry.read']
);
select core.allow_system_roles(
    array['owner', 'admin', 'manager'], array['iot.devices.write', 'iot.telemetry.write']
);

insert into core.errors (code, status, message, hint) values
(
    'device.unknown', 404, 'There is no device {device} in the tenants that you can see.',
    'Compare the name with the slugs in v1.devices.'
),
('device.suspended', 403, 'The device {device} is suspended.', 'Activate it first.'),
(
    'device.decommissioned', 403, 'The device {device} is decommissioned.',
    'Use the credentials of the device that replaced it.'
),
(
    'device.not_own', 403, 'A device sends for itself alone, and {device} is another one.',
    'Leave "device" out of the message.'
),
(
    'metric.unknown', 404, 'The tenant has no metric {metric}.',
    'Compare the name with those in v1.metrics.'
),
(
    'metric.limit_reached', 422,
    'The tenant has as many metrics as may register themselves, so {metric} was not added.',
    'Send identifiers and times as values, not inside names of metrics.'
),
('tenant.unknown', 404, 'There is no tenant {tenant}.', 'Compare the name with v1.tenants.'),
('tenant.suspended', 403, 'The tenant {tenant} is not active.', 'Ask its owner.');

create view v1.devices with (security_invoker = true) as
select
    devices.tenant_id,
    devices.id,
    devices.slug,
    devices.name,
    devices.type,
    devices.status,
    devices.last_seen_at,
    devices.created_at
from iot.devices;

comment on view v1.devices is
'The devices of your tenants. Reading needs iot.devices.read; insert (slug, name, type) and update
(name, type, status) need iot.devices.write. tenant_id may be left out where you belong to one.';

create view v1.metrics with (security_invoker = true) as
select
    metrics.tenant_id,
    metrics.name,
    metrics.unit,
    metrics.value_type,
    metrics.created_at
from iot.metrics;

comment on view v1.metrics is
'The metrics of your tenants. Reading needs iot.devices.read, setting a unit iot.devices.write.';

grant select on v1.devices, v1.metrics to authenticated, service_role;
grant insert (tenant_id, slug, name, type), update (name, type, status) on v1.devices
to authenticated;
grant update (unit) on v1.metrics to authenticated;
grant insert, update, delete on v1.devices, v1.metrics to service_role;

select core.map_personal(
    'iot.devices.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
);
select core.map_not_personal(
    'Names of devices and of what they measure.', 'iot.devices.name', 'iot.metrics.name'
);

select core.audit('iot.devices', '{last_seen_at}');
select core.audit('iot.metrics');
