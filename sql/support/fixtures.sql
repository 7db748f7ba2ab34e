-- Who the tests are about, for `\ir` at the start of a test's transaction.
--
--     platform ── group (gus owns) ── acme (ada owns, vic views, sue is suspended)
--              └─ rival (eve owns)
--
-- :as_ada and the like turn the session into that caller as PostgREST would; :as_owner turns it
-- back into the owner of the schema, who writes what the tests need.

set local search_path = public, extensions;
set local client_min_messages = warning;

insert into auth.users (id, email)
select
    ('00000000-0000-4000-8000-00000000000' || position)::uuid,
    name || '@example.com'
from unnest(array['ada', 'vic', 'sue', 'eve', 'gus']) with ordinality as named (name, position);

insert into core.tenants (id, slug, name) values
('00000000-0000-4000-a000-000000000001', 'group', 'Group'),
('00000000-0000-4000-a000-000000000003', 'rival', 'Rival');
insert into core.tenants (id, parent_id, slug, name) values
(
    '00000000-0000-4000-a000-000000000002',
    '00000000-0000-4000-a000-000000000001',
    'acme', 'Acme'
);

insert into core.members (tenant_id, user_id, role_id, status)
select
    tenants.id,
    users.id,
    roles.id,
    membership.status
from (
    values
    ('acme', 'ada', 'owner', 'active'),
    ('acme', 'vic', 'viewer', 'active'),
    ('acme', 'sue', 'owner', 'suspended'),
    ('rival', 'eve', 'owner', 'active'),
    ('group', 'gus', 'owner', 'active')
) as membership (tenant, name, role, status)
inner join core.tenants on tenants.slug = membership.tenant
inner join auth.users on users.email = membership.name || '@example.com'
inner join core.roles
    on roles.tenant_id = core.platform_tenant_id() and roles.slug = membership.role;

insert into iot.devices (tenant_id, id, slug)
select
    tenants.id,
    device.id::uuid,
    device.slug
from (
    values
    ('acme', '00000000-0000-4000-b000-000000000001', 'truck-1'),
    ('acme', '00000000-0000-4000-b000-000000000002', 'truck-2'),
    ('rival', '00000000-0000-4000-b000-000000000003', 'truck-1')
) as device (tenant, id, slug)
inner join core.tenants on tenants.slug = device.tenant;

\set acme '\'00000000-0000-4000-a000-000000000002\''
\set rival '\'00000000-0000-4000-a000-000000000003\''
\set group '\'00000000-0000-4000-a000-000000000001\''

\set as_owner 'reset role; set local "tenon.caller_kind" = \'\'; set local "request.jwt.claims" = \'\'; set local "request.method" = \'\'; set local "request.headers" = \'\';'
\set as_anon 'reset role; set local "tenon.caller_kind" = \'\'; set local "request.headers" = \'\'; set local role anon; set local "request.jwt.claims" = \'{"role": "anon"}\';'
\set as_service 'reset role; set local "tenon.caller_kind" = \'\'; set local "request.headers" = \'\'; set local role service_role; set local "request.jwt.claims" = \'{"role": "service_role"}\';'
\set as_bridge 'reset role; set local "tenon.caller_kind" = \'\'; set local "request.jwt.claims" = \'\'; set local role tenon_bridge;'
\set as_ada 'reset role; set local "tenon.caller_kind" = \'\'; set local "request.headers" = \'\'; set local role authenticated; set local "request.jwt.claims" = \'{"role": "authenticated", "sub": "00000000-0000-4000-8000-000000000001"}\';'
\set as_vic 'reset role; set local "tenon.caller_kind" = \'\'; set local "request.headers" = \'\'; set local role authenticated; set local "request.jwt.claims" = \'{"role": "authenticated", "sub": "00000000-0000-4000-8000-000000000002"}\';'
\set as_sue 'reset role; set local "tenon.caller_kind" = \'\'; set local "request.headers" = \'\'; set local role authenticated; set local "request.jwt.claims" = \'{"role": "authenticated", "sub": "00000000-0000-4000-8000-000000000003"}\';'
\set as_eve 'reset role; set local "tenon.caller_kind" = \'\'; set local "request.headers" = \'\'; set local role authenticated; set local "request.jwt.claims" = \'{"role": "authenticated", "sub": "00000000-0000-4000-8000-000000000004"}\';'
\set as_gus 'reset role; set local "tenon.caller_kind" = \'\'; set local "request.headers" = \'\'; set local role authenticated; set local "request.jwt.claims" = \'{"role": "authenticated", "sub": "00000000-0000-4000-8000-000000000005"}\';'
\set as_truck 'reset role; set local "tenon.caller_kind" = \'\'; set local "request.headers" = \'\'; set local role tenon_device; set local "request.jwt.claims" = \'{"role": "tenon_device", "tenant_id": "00000000-0000-4000-a000-000000000002", "device_id": "00000000-0000-4000-b000-000000000001"}\';'

-- The error code of a statement that PostgREST would answer with, or of Postgres itself.
create function pg_temp.code_of(statement text) returns text
language plpgsql
as $$
begin
    execute statement;
    return 'no error';
exception
    when sqlstate 'PGRST' then return sqlerrm::jsonb ->> 'code';
    when others then return sqlstate;
end
$$;
