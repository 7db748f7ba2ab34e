-- What somebody holds in a tenant, and why.
--
-- core.tenants_with answers policies; here is the same question for people and for those who give
-- roles away: what exactly does a caller hold, through which membership, and is it enough to grant
-- a role to another. Nobody gives what they do not hold.

set local lock_timeout = '5s';

create function core.grants_in(tenant_id uuid, principal_id uuid)
returns table (
    permission text, scope text, via_tenant_id uuid, role_tenant_id uuid, role_id uuid
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    with recursive line as (
        select
            tenants.id,
            tenants.parent_id,
            tenants.status = 'closing' as closes,
            0 as height
        from core.tenants
        where tenants.id = grants_in.tenant_id and tenants.status <> 'suspended'
        union all
        select
            above.id,
            above.parent_id,
            line.closes or above.status = 'closing',
            line.height + 1
        from line
        inner join core.tenants as above
            on above.id = line.parent_id and above.status <> 'suspended'
    )
    select
        granted.permission,
        granted.scope,
        line.id,
        holders.role_tenant_id,
        holders.role_id
    from line
    inner join core.holders
        on holders.tenant_id = line.id and holders.principal_id = grants_in.principal_id
    inner join core.role_permissions as granted
        on granted.tenant_id = holders.role_tenant_id and granted.role_id = holders.role_id
    where
        (line.height = 0 or granted.scope = 'descendants')
        -- While a tenant closes, it is read and exported; its owners can still open it again.
        and (
            not line.closes
            or granted.permission ~ '\.(read|export)$'
            or granted.permission = 'core.tenants.own'
        );
end
$$;

comment on function core.grants_in(uuid, uuid) is
'What a user or API key holds in a tenant: each permission with its scope and the tenant, this one
or one above, in which the role that grants it is held. Internal.';

create function core.hidden_in(tenant_id uuid, principal_id uuid)
returns table (object text, field text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        fields.object,
        fields.field
    from core.fields
    where not exists (
        select
        from core.grants_in(hidden_in.tenant_id, hidden_in.principal_id) as granted
        where
            granted.permission = fields.object || '.read'
            and not exists (
                select from core.hidden_fields as hidden
                where
                    hidden.tenant_id = granted.role_tenant_id
                    and hidden.role_id = granted.role_id
                    and hidden.object = fields.object
                    and hidden.field = fields.field
            )
    );
end
$$;

comment on function core.hidden_in(uuid, uuid) is
'The fields that no role of a user or API key shows in a tenant. Internal.';

create function core.role_contents(
    tenant_id uuid, role_id uuid, out permissions jsonb, out hidden_fields jsonb
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    select coalesce(jsonb_object_agg(granted.permission, granted.scope), '{}')
    into permissions
    from core.role_permissions as granted
    where
        granted.tenant_id = role_contents.tenant_id
        and granted.role_id = role_contents.role_id;
    select coalesce(jsonb_object_agg(kept.object, kept.fields), '{}')
    into hidden_fields
    from (
        select
            hidden.object,
            jsonb_agg(hidden.field order by hidden.field) as fields
        from core.hidden_fields as hidden
        where
            hidden.tenant_id = role_contents.tenant_id
            and hidden.role_id = role_contents.role_id
        group by hidden.object
    ) as kept;
end
$$;

comment on function core.role_contents(uuid, uuid) is
'What a role grants, {permission: scope}, and what it is kept from, {object: [field]}. Internal.';

create function core.check_may_grant(tenant_id uuid, permissions jsonb, hidden_fields jsonb)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
    beyond text;
begin
    if caller.kind in ('service', 'system') then
        return;
    end if;
    select wishes.key || ' (' || wishes.value || ')'
    into beyond
    from jsonb_each_text(permissions) as wishes
    where not exists (
        select from core.grants_in(check_may_grant.tenant_id, caller.id) as held
        where
            held.permission = wishes.key
            and held.scope = any(core.scopes_from(wishes.value))
    )
    order by wishes.key
    limit 1;
    if beyond is null then
        select unseen.object || '.' || unseen.field
        into beyond
        from core.hidden_in(check_may_grant.tenant_id, caller.id) as unseen
        where
            permissions ?| array[unseen.object || '.read', unseen.object || '.write']
            and (hidden_fields -> unseen.object ? unseen.field) is not true
        order by unseen.object, unseen.field
        limit 1;
    end if;
    if beyond is not null then
        perform core.fail('access.beyond_own', jsonb_build_object('grant', beyond));
    end if;
end
$$;

comment on function core.check_may_grant(uuid, jsonb, jsonb) is
'Refuses a caller who does not hold all of these permissions, {permission: scope}, in this tenant
and with these scopes, or who is kept from a field that {object: [field]} does not hide. Raises
access.beyond_own (403). Internal.';

create function core.check_may_grant_role(tenant_id uuid, role_tenant_id uuid, role_id uuid)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    contents constant record := core.role_contents(role_tenant_id, role_id);
begin
    perform core.check_may_grant(tenant_id, contents.permissions, contents.hidden_fields);
end
$$;

comment on function core.check_may_grant_role(uuid, uuid, uuid) is
'Refuses a caller who does not hold all that the role grants. Raises access.beyond_own (403).
Internal.';

create function core.role_named(
    tenant_id uuid, slug text, out role_tenant_id uuid, out role_id uuid
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    select
        roles.tenant_id,
        roles.id
    into role_tenant_id, role_id
    from core.roles
    where
        roles.tenant_id in (role_named.tenant_id, core.platform_tenant_id())
        and roles.slug = role_named.slug
        and not roles.of_api_key;
    if not found then
        perform core.fail('role.unknown', jsonb_build_object('role', role_named.slug));
    end if;
end
$$;

comment on function core.role_named(uuid, text) is
'A role that members of the tenant can hold: its own, or a system role. Raises role.unknown (404).
Internal.';


create function core.owner_role_id() returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select roles.id from core.roles
        where roles.tenant_id = core.platform_tenant_id() and roles.slug = 'owner'
    );
end
$$;

comment on function core.owner_role_id() is 'The system role owner. Internal.';

create function core.my_access() returns table (
    tenant_id uuid,
    tenant text,
    role text,
    permissions jsonb,
    hidden_fields jsonb,
    team_ids uuid[]
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
    requested constant uuid := core.requested_tenant_id();
begin
    return query
    select
        tenants.id,
        tenants.slug,
        (
            select roles.slug
            from core.holders
            inner join core.roles
                on roles.tenant_id = holders.role_tenant_id and roles.id = holders.role_id
            where holders.tenant_id = tenants.id and holders.principal_id = caller.id
        ),
        held.permissions,
        coalesce(
            (
                select jsonb_object_agg(kept.object, kept.fields)
                from (
                    select
                        hidden.object,
                        jsonb_agg(hidden.field order by hidden.field) as fields
                    from core.hidden_in(tenants.id, caller.id) as hidden
                    where held.permissions ? (hidden.object || '.read')
                    group by hidden.object
                ) as kept
            ),
            '{}'
        ),
        array(
            select team_members.team_id from core.team_members
            where team_members.tenant_id = tenants.id and team_members.user_id = caller.id
        )
    from core.tenants
    cross join lateral (
        select jsonb_object_agg(widest.permission, widest.scope) as permissions
        from (
            select distinct on (granted.permission)
                granted.permission,
                granted.scope
            from core.grants_in(tenants.id, caller.id) as granted
            order by granted.permission, cardinality(core.scopes_from(granted.scope))
        ) as widest
    ) as held
    where
        caller.kind in ('user', 'api_key')
        and case
            when requested is null then tenants.id in (
                select holders.tenant_id from core.holders where holders.principal_id = caller.id
            )
            else tenants.id = requested
        end
        and held.permissions is not null
    order by tenants.slug;
end
$$;

comment on function core.my_access() is
'What v1.my_access does. Definer, because it reads the tables that decide over access. Signed-in
users may call it.';

create function v1.my_access() returns table (
    tenant_id uuid,
    tenant text,
    role text,
    permissions jsonb,
    hidden_fields jsonb,
    team_ids uuid[]
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return query select mine.* from core.my_access() as mine;
end
$$;

comment on function v1.my_access() is
'What you may do: a row for each tenant that you belong to, or for the one that x-tenant-id names,
reached from above too. role: null where a role held above reaches down. permissions: {permission:
widest scope}; hidden_fields: {object: [field]}. Users and API keys may call it.';

create function core.explain_access(permission text, tenant_id uuid, user_id uuid default null)
returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
    asks_of_other constant boolean := user_id is not null and user_id is distinct from caller.id;
    principal constant uuid := coalesce(user_id, caller.id);
    tenant core.tenants;
    step core.tenants;
    held record;
    needed text[] := '{own,team,tenant,descendants}';
    found_scope text;
    stopped text;
    reasons jsonb := '[]';
begin
    if not exists (
        select from core.permissions
        where permissions.permission = explain_access.permission
    ) then
        perform core.fail(
            'role.grant_unknown', jsonb_build_object('grant', explain_access.permission)
        );
    elsif asks_of_other and caller.kind <> 'system' then
        perform core.require(explain_access.tenant_id, 'core.members.read');
    elsif caller.kind in ('service', 'system') then
        return jsonb_build_object(
            'allowed', true, 'scope', 'descendants', 'reasons',
            jsonb_build_array(jsonb_build_object('code', 'bypasses_policies'))
        );
    elsif caller.kind not in ('user', 'api_key') then
        return jsonb_build_object(
            'allowed', false, 'scope', null, 'reasons',
            jsonb_build_array(jsonb_build_object('code', 'no_principal', 'kind', caller.kind))
        );
    end if;

    select tenants.* into tenant
    from core.tenants
    where tenants.id = explain_access.tenant_id;
    step := tenant;
    while step.id is not null loop
        if
            step.status = 'suspended'
            or (step.status = 'closing' and explain_access.permission !~ '\.(read|export)$')
        then
            stopped := coalesce(stopped, step.status);
        end if;
        select
            roles.slug as role,
            granted.scope,
            coalesce(members.status, 'active') as status
        into held
        from (
            select
                members.role_tenant_id,
                members.role_id
            from core.members
            where members.tenant_id = step.id and members.user_id = principal
            union all
            select
                api_keys.role_tenant_id,
                api_keys.role_id
            from core.api_keys
            where api_keys.tenant_id = step.id and api_keys.id = principal
        ) as holding
        inner join core.roles
            on roles.tenant_id = holding.role_tenant_id and roles.id = holding.role_id
        left join core.members
            on members.tenant_id = step.id and members.user_id = principal
        left join core.role_permissions as granted
            on
                granted.tenant_id = roles.tenant_id
                and granted.role_id = roles.id
                and granted.permission = explain_access.permission;
        -- What somebody holds above and what does not reach down is no business of those below.
        if
            held.role is not null
            and (step.id = tenant.id or not asks_of_other or held.scope = 'descendants')
        then
            reasons := reasons || jsonb_build_object(
                'code', case
                    when stopped is not null then 'tenant_' || stopped
                    when held.status <> 'active' then 'membership_suspended'
                    when held.scope is null then 'role_lacks_permission'
                    when (held.scope = any(needed)) is not true then 'role_stays_in_its_tenant'
                    else 'granted'
                end,
                'tenant_id', step.id, 'tenant', step.slug, 'role', held.role,
                'scope', held.scope
            );
            if
                stopped is null
                and held.status = 'active'
                and held.scope = any(needed)
                and cardinality(core.scopes_from(held.scope))
                < coalesce(cardinality(core.scopes_from(found_scope)), 5)
            then
                found_scope := held.scope;
            end if;
        end if;
        needed := '{descendants}';
        select tenants.* into step from core.tenants where tenants.id = step.parent_id;
    end loop;

    if found_scope is not null and not asks_of_other and (
        core.requested_tenant_id() <> explain_access.tenant_id
    ) then
        found_scope := null;
        reasons := reasons || '{"code": "narrowed_by_header"}';
    end if;
    -- The same words for a tenant that is not there and one that the caller has nothing to do with.
    if reasons = '[]' then
        reasons := '[{"code": "no_membership"}]';
    end if;
    return jsonb_build_object(
        'allowed', found_scope is not null, 'scope', found_scope, 'reasons', reasons
    );
end
$$;

comment on function core.explain_access(text, uuid, uuid) is
'What v1.explain_access does. Definer, because it reads the tables that decide over access.
Signed-in users may call it.';

create function v1.explain_access(permission text, tenant_id uuid, user_id uuid default null)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return core.explain_access(
        explain_access.permission, explain_access.tenant_id, explain_access.user_id
    );
end
$$;

comment on function v1.explain_access(text, uuid, uuid) is
'Why you have or lack a permission in a tenant; with user_id, why that user does, which takes
core.members.read there. Returns {allowed, scope, reasons: [{code, tenant_id, tenant, role,
scope}]}, a reason for each role held in the tenant or above it. code: granted, no_membership,
membership_suspended, role_lacks_permission, role_stays_in_its_tenant (held above, and does not
reach down), tenant_suspended, tenant_closing, narrowed_by_header, bypasses_policies (the service
role), no_principal. Raises role.grant_unknown (400).';

revoke all on function
core.grants_in(uuid, uuid),
core.hidden_in(uuid, uuid),
core.role_contents(uuid, uuid),
core.check_may_grant(uuid, jsonb, jsonb),
core.check_may_grant_role(uuid, uuid, uuid),
core.role_named(uuid, text),
core.owner_role_id(),
core.my_access(),
core.explain_access(text, uuid, uuid),
v1.my_access(),
v1.explain_access(text, uuid, uuid)
from public;
grant execute on function
core.my_access(),
core.explain_access(text, uuid, uuid),
v1.my_access(),
v1.explain_access(text, uuid, uuid)
to authenticated, service_role;

insert into core.errors (code, status, message, hint) values
(
    'access.beyond_own', 403, 'You do not hold {grant} yourself, so you cannot give or change it.',
    'Ask somebody who holds it.'
),
(
    'role.unknown', 404, 'The tenant has no role {role}.',
    'Take a role of v1.roles.'
);
