-- The tenant, user and device of `make run`. Safe to repeat: what is there stays as it is.
--
-- For development clusters only, as the role postgres, with psql variables
--     tenant       slug of the tenant
--     user_id      id of the user who owns it
--     user_email   that user's address
--     device       slug of the device that this machine is

\set ON_ERROR_STOP on

begin;

insert into auth.users (id, email, aud, role, email_confirmed_at)
values (:'user_id', :'user_email', 'authenticated', 'authenticated', now())
on conflict (id) do nothing;

insert into core.tenants (slug, name)
values (:'tenant', initcap(:'tenant'))
on conflict (slug) do nothing;

insert into core.members (tenant_id, user_id, role_id)
select
    tenants.id as tenant_id,
    :'user_id',
    roles.id as role_id
from core.tenants
inner join core.roles on roles.tenant_id = core.platform_tenant_id() and roles.slug = 'owner'
where tenants.slug = :'tenant'
on conflict (tenant_id, user_id) do nothing;

insert into iot.devices (tenant_id, slug, name, type)
select
    tenants.id,
    :'device',
    'This machine',
    'host'
from core.tenants
where tenants.slug = :'tenant'
on conflict (tenant_id, slug) do nothing;

commit;
