-- The ground that every later migration stands on: the native functions, and the schemas.
--
-- `tenon` holds the extension's functions, `core` what all products share, `crm` customers and
-- deals, `iot` the devices and their readings, `v1` the only schema that PostgREST exposes. The
-- role tenon_bridge is the MQTT bridge's; it has no login until an operator gives it one:
--     alter role tenon_bridge login password '…';
-- The role tenon_device is what a device's token names as its role.

set local lock_timeout = '5s';

create extension if not exists tenon;

create schema core;
create schema crm;
create schema iot;
create schema v1;

comment on schema core is 'Tenants, roles, errors: what every product shares. Not exposed.';
comment on schema crm is 'Customers, deals and what is done for them. Not exposed.';
comment on schema iot is 'Devices and their readings. Not exposed.';
comment on schema v1 is 'The API, version 1: the only schema that PostgREST exposes.';

do $$
declare
    wanted text;
begin
    foreach wanted in array array['tenon_bridge', 'tenon_device'] loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
            execute format('create role %I nologin noinherit', wanted);
        end if;
    end loop;
end
$$;

grant tenon_device to authenticator;

grant usage on schema v1 to anon, authenticated, service_role, tenon_device;
grant usage on schema core, crm, iot, tenon to authenticated, service_role;
grant usage on schema iot, tenon to tenon_bridge;
