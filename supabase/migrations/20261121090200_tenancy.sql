-- Who may see and do what: tenants, their members, and the roles these hold.
--
-- Tenants form a tree under one platform tenant, which also owns the system roles, so that a
-- membership points to a role of its own tenant or to a role of the platform and to no other.
-- Every policy of every table asks one function, core.tenants_with(permission). It reads these
-- tables at each statement and nothing from the token but who is calling: a member who is
-- suspended is out with the next statement, without a new token.

set local lock_timeout = '5s';

create function core.platform_tenant_id() returns uuid
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return '00000000-0000-0000-0000-000000000000'::uuid;

comment on function core.platform_tenant_id() is
'The tenant at the root of the tree. It owns the system roles. Anyone may call it.';

create table core.tenants (
    id uuid primary key default gen_random_uuid(),
    parent_id uuid default core.platform_tenant_id() references core.tenants (id),
    slug text not null,
    name text not null,
    status text not null default 'active',
    settings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    created_by uuid default auth.uid(),
    constraint slug_is_unique unique (slug),
    constraint slug_is_a_dns_label check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    constraint name_is_short check (char_length(name) between 1 and 200),
    constraint status_is_known check (status in ('active', 'suspended', 'closing')),
    constraint settings_is_an_object check (jsonb_typeof(settings) = 'object'),
    constraint only_the_platform_is_a_root
    check ((parent_id is null) = (id = '00000000-0000-0000-0000-000000000000'))
);
create index tenants_parent_id on core.tenants (parent_id);

comment on table core.tenants is
'A tree of tenants (platform, group, dealer). The only table whose tenant key is its own id.';
comment on column core.tenants.slug is 'Names the tenant in MQTT topics and URLs.';
comment on column core.tenants.settings is
'Choices of the tenant by engine, such as {"iot": {"auto_register_devices": true}}.';

create table core.permissions (
    permission text primary key,
    description text not null,
    constraint permission_is_dotted check (permission ~ '^[a-z_]+(\.[a-z_]+)+$')
);

comment on table core.permissions is
'Every permission there is. Global reference data: the same for every tenant.';

create table core.roles (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    slug text not null,
    name text not null,
    reaches_descendants boolean not null default false,
    created_at timestamptz not null default now(),
    created_by uuid default auth.uid(),
    primary key (tenant_id, id),
    constraint role_slug_is_unique unique (tenant_id, slug),
    constraint slug_is_a_word check (slug ~ '^[a-z][a-z0-9_]{0,62}$')
);

comment on table core.roles is
'Named sets of permissions. Those of the platform tenant are the system roles of everyone.';
comment on column core.roles.reaches_descendants is
'Whether the role, held in a tenant, also counts in every tenant below it.';

create table core.role_permissions (
    tenant_id uuid not null,
    role_id uuid not null,
    permission text not null references core.permissions (permission),
    primary key (tenant_id, role_id, permission),
    foreign key (tenant_id, role_id) references core.roles (tenant_id, id) on delete cascade
);
create index role_permissions_permission on core.role_permissions (permission);

comment on table core.role_permissions is 'What a role allows.';

create table core.members (
    tenant_id uuid not null references core.tenants (id),
    user_id uuid not null references auth.users (id) on delete cascade,
    role_tenant_id uuid not null default core.platform_tenant_id(),
    role_id uuid not null,
    status text not null default 'active',
    created_at timestamptz not null default now(),
    created_by uuid default auth.uid(),
    primary key (tenant_id, user_id),
    foreign key (role_tenant_id, role_id) references core.roles (tenant_id, id),
    constraint role_is_own_or_system
    check (role_tenant_id in (tenant_id, '00000000-0000-0000-0000-000000000000')),
    constraint status_is_known check (status in ('active', 'suspended'))
);
create index members_user_id on core.members (user_id);
create index members_role on core.members (role_tenant_id, role_id);

comment on table core.members is 'Which user holds which role in which tenant.';
comment on column core.members.role_tenant_id is
'The tenant that owns the role: this one, or the platform for a system role.';

create function core.requested_tenant_id() returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    requested text :=
        nullif(current_setting('request.headers', true), '')::json ->> 'x-tenant-id';
begin
    if requested !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        perform core.fail('tenancy.header_invalid', jsonb_build_object('value', requested));
    end if;
    return requested::uuid;
end
$$;

comment on function core.requested_tenant_id() is
'The tenant that the header x-tenant-id narrows this request to; null without the header.
Raises tenancy.header_invalid (400). Any caller of the API may call it.';

create function core.tenants_with(permission text) returns uuid[]
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant uuid := auth.uid();
    requested uuid;
    reached uuid[];
    ancestors uuid[];
begin
    if caller is null then
        return '{}';
    end if;
    select
        array_agg(members.tenant_id),
        array_agg(members.tenant_id) filter (
            where
            roles.reaches_descendants
            and exists (select from core.tenants as child where child.parent_id = tenants.id)
        )
    into reached, ancestors
    from core.members
    inner join core.tenants on tenants.id = members.tenant_id
    inner join core.roles
        on roles.tenant_id = members.role_tenant_id and roles.id = members.role_id
    inner join core.role_permissions
        on role_permissions.tenant_id = roles.tenant_id and role_permissions.role_id = roles.id
    where
        members.user_id = caller
        and members.status = 'active'
        and tenants.status = 'active'
        and role_permissions.permission = tenants_with.permission;

    -- Level by level; most tenants have none below them.
    while ancestors is not null loop
        select array_agg(tenants.id)
        into ancestors
        from core.tenants
        where
            tenants.parent_id = any(ancestors)
            and tenants.status = 'active'
            and tenants.id <> all(reached);
        reached := reached || ancestors;
    end loop;

    if current_setting('request.headers', true) ~* '"x-tenant-id"' then
        requested := core.requested_tenant_id();
    end if;
    if requested is not null then
        return case when requested = any(reached) then array[requested] else '{}' end;
    end if;
    return coalesce(reached, '{}');
end
$$;

comment on function core.tenants_with(text) is
'The ids of the active tenants in which the calling user holds the permission, narrowed by
x-tenant-id. Empty for anyone who is not a user. In plpgsql, which keeps its plans: policies ask it
at every statement. Definer, because the tables that decide over
access cannot be guarded by policies that ask them. Signed-in users may call it.';

create function core.sole_tenant_with(permission text) returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    candidates uuid[] := core.tenants_with(sole_tenant_with.permission);
begin
    case cardinality(candidates)
        when 1 then
            return candidates[1];
        when 0 then
            perform core.fail(
                'tenancy.permission_missing',
                jsonb_build_object('permission', sole_tenant_with.permission)
            );
        else
            perform core.fail(
                'tenancy.ambiguous', jsonb_build_object('count', cardinality(candidates))
            );
    end case;
end
$$;

comment on function core.sole_tenant_with(text) is
'The one tenant in which the calling user holds the permission: the default of tenant_id where
clients insert. Raises tenancy.permission_missing (403) or tenancy.ambiguous (400).
Signed-in users may call it.';

revoke all on function
core.platform_tenant_id(),
core.requested_tenant_id(),
core.tenants_with(text),
core.sole_tenant_with(text)
from public;
grant execute on function
core.platform_tenant_id(),
core.requested_tenant_id(),
core.tenants_with(text),
core.sole_tenant_with(text)
to authenticated, service_role;

alter table core.tenants enable row level security;
alter table core.permissions enable row level security;
alter table core.roles enable row level security;
alter table core.role_permissions enable row level security;
alter table core.members enable row level security;

create policy tenants_read on core.tenants for select to authenticated
using (id = any((select core.tenants_with('core.tenants.read'))::uuid[]));

create policy permissions_read on core.permissions for select to authenticated
using (true);

create policy roles_read on core.roles for select to authenticated
using (
    tenant_id = core.platform_tenant_id()
    or tenant_id = any((select core.tenants_with('core.members.read'))::uuid[])
);

create policy role_permissions_read on core.role_permissions for select to authenticated
using (
    tenant_id = core.platform_tenant_id()
    or tenant_id = any((select core.tenants_with('core.members.read'))::uuid[])
);

create policy members_read on core.members for select to authenticated
using (tenant_id = any((select core.tenants_with('core.members.read'))::uuid[]));

grant select on
core.tenants, core.permissions, core.roles, core.role_permissions, core.members
to authenticated;
grant all on
core.tenants, core.permissions, core.roles, core.role_permissions, core.members
to service_role;

insert into core.tenants (id, parent_id, slug, name)
values (core.platform_tenant_id(), null, 'platform', 'Platform');

insert into core.permissions (permission, description) values
('core.tenants.read', 'See the tenant: its name, status and settings.'),
('core.members.read', 'See who belongs to the tenant and in which role.');

insert into core.roles (tenant_id, slug, name, reaches_descendants) values
(core.platform_tenant_id(), 'owner', 'Owner', true),
(core.platform_tenant_id(), 'admin', 'Administrator', true),
(core.platform_tenant_id(), 'viewer', 'Viewer', false);

create function core.allow_system_roles(role_slugs text[], permissions text[]) returns void
language sql set search_path = pg_catalog, pg_temp
begin atomic
    insert into core.role_permissions (tenant_id, role_id, permission)
    select
        roles.tenant_id,
        roles.id,
        granted.permission
    from core.roles
    cross join unnest(allow_system_roles.permissions) as granted (permission)
    where
        roles.tenant_id = core.platform_tenant_id()
        and roles.slug = any(allow_system_roles.role_slugs)
    on conflict do nothing;
end;

comment on function core.allow_system_roles(text[], text[]) is
'Gives permissions to system roles: for the migration that brings the permissions. Owner only.';
revoke all on function core.allow_system_roles(text[], text[]) from public;

select core.allow_system_roles(
    array['owner', 'admin', 'viewer'], array['core.tenants.read', 'core.members.read']
);

create view v1.tenants with (security_invoker = true) as
select
    tenants.id,
    tenants.parent_id,
    tenants.slug,
    tenants.name,
    tenants.status,
    tenants.settings,
    tenants.created_at
from core.tenants;

comment on view v1.tenants is
'The tenants that you may see. Needs core.tenants.read.';

grant select on v1.tenants to authenticated, service_role;
