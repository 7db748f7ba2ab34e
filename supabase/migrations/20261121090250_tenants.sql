-- Tenants are founded, moved, suspended, resumed and closed.
--
-- Every function of v1 here is a shell over the function of the same name in core, which decides by
-- the caller's permissions and writes. Whoever stands above a tenant may stop it and what is below
-- it; only its owner may close it.

set local lock_timeout = '5s';

create function core.tenant_depth_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 8;

comment on function core.tenant_depth_max() is
'How many levels of tenants may stand below the platform: groups of groups of dealers have four, and
each level is a look-up for whoever acts from above. Internal.';

create function core.tenants_are_open() returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce((tenants.settings #>> '{core,open_tenants}')::boolean, true)
        from core.tenants
        where tenants.id = core.platform_tenant_id()
    );
end
$$;

comment on function core.tenants_are_open() is
'Whether any signed-in user may found a tenant: the platform tenant''s setting
{"core": {"open_tenants": false}} reserves that for its own members. Internal.';

create function core.tenants_below(tenant_id uuid) returns table (id uuid, level integer)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    with recursive subtree as (
        select
            tenants_below.tenant_id as id,
            0 as level
        union all
        select
            tenants.id,
            subtree.level + 1
        from subtree
        inner join core.tenants on tenants.parent_id = subtree.id
    )
    select
        subtree.id,
        subtree.level
    from subtree;
end
$$;

comment on function core.tenants_below(uuid) is
'A tenant, at level 0, and all tenants below it. Internal.';

create function core.check_tenant_place(tenant_id uuid, parent_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    above uuid := parent_id;
    passed core.tenants;
    levels integer := 1;
    below integer;
begin
    while above <> core.platform_tenant_id() loop
        if above = check_tenant_place.tenant_id then
            perform core.fail('tenant.below_itself');
        end if;
        levels := levels + 1;
        select tenants.* into passed from core.tenants where tenants.id = above;
        if passed.status = 'suspended' then
            perform core.fail('tenant.suspended', jsonb_build_object('tenant', passed.slug));
        end if;
        above := passed.parent_id;
    end loop;
    select max(subtree.level) into below
    from core.tenants_below(check_tenant_place.tenant_id) as subtree;
    if levels + below > core.tenant_depth_max() then
        perform core.fail(
            'tenant.too_deep', jsonb_build_object('levels_max', core.tenant_depth_max())
        );
    end if;
end
$$;

comment on function core.check_tenant_place(uuid, uuid) is
'Refuses a place in the tree that is below the tenant itself or a suspended one, or too deep for
what is below it. Raises tenant.below_itself (409), tenant.suspended (403) and tenant.too_deep
(422). Internal.';

create function core.lock_tenant_tree() returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    -- A row that is written, and no advisory lock: whoever waited and goes by an older snapshot is
    -- refused then, instead of deciding by a tree that is no more.
    update core.tenants set status = tenants.status
    where tenants.id = core.platform_tenant_id();
end
$$;

comment on function core.lock_tenant_tree() is
'Lets one transaction at a time change the shape of the tree, so that no two moves that are right
alone make a ring together. Before anything is decided by the tree. Internal.';

create function core.tenant_answer(tenant_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select
            jsonb_build_object(
                'id', tenants.id, 'parent_id', tenants.parent_id, 'slug', tenants.slug,
                'name', tenants.name, 'status', tenants.status, 'settings', tenants.settings
            )
        from core.tenants
        where tenants.id = tenant_answer.tenant_id
    );
end
$$;

comment on function core.tenant_answer(uuid) is
'A tenant as functions of v1 answer: {id, parent_id, slug, name, status, settings}. Internal.';

create function core.check_name(name text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if (char_length(name) between 1 and 200) is not true then
        perform core.fail('core.name_invalid', '{"length_max": 200}');
    end if;
end
$$;

comment on function core.check_name(text) is
'Refuses a name for people that is missing, empty or longer than 200 characters, as the tables do.
Raises core.name_invalid (400). Internal.';

create function core.create_tenant(slug text, name text, parent_id uuid, settings jsonb)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
    founds constant boolean := parent_id is null or parent_id = core.platform_tenant_id();
    tenant_id uuid;
begin
    if caller.kind in ('anonymous', 'device') then
        perform core.fail('access.user_needed');
    end if;
    perform core.lock_tenant_tree();
    if not founds then
        perform core.require(create_tenant.parent_id, 'core.tenants.create');
    elsif not (
        caller.kind in ('service', 'system') or (caller.kind = 'user' and core.tenants_are_open())
    ) then
        perform core.require(core.platform_tenant_id(), 'core.tenants.create');
    end if;
    if (create_tenant.slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$') is not true then
        perform core.fail('tenant.slug_invalid');
    end if;
    perform core.check_name(create_tenant.name);
    if
        jsonb_typeof(create_tenant.settings) <> 'object'
        or octet_length(create_tenant.settings::text) > 16384
    then
        perform core.fail('tenant.settings_invalid', '{"bytes_max": 16384}');
    end if;
    insert into core.tenants (slug, name, parent_id, settings)
    values (
        create_tenant.slug, create_tenant.name,
        coalesce(create_tenant.parent_id, core.platform_tenant_id()),
        coalesce(create_tenant.settings, '{}')
    )
    on conflict on constraint slug_is_unique do nothing
    returning tenants.id into tenant_id;
    if tenant_id is null then
        perform core.fail('tenant.slug_taken', jsonb_build_object('slug', create_tenant.slug));
    end if;
    perform core.check_tenant_place(
        tenant_id, coalesce(create_tenant.parent_id, core.platform_tenant_id())
    );
    if founds and caller.kind = 'user' then
        insert into core.members (tenant_id, user_id, role_id)
        values (tenant_id, caller.id, core.owner_role_id());
    end if;
    perform core.emit(
        tenant_id, 'core.tenant.created', 'tenant', tenant_id,
        jsonb_build_object('slug', create_tenant.slug)
    );
    return core.tenant_answer(tenant_id);
end
$$;

comment on function core.create_tenant(text, text, uuid, jsonb) is
'What v1.create_tenant does. Definer, because a tenant''s first member cannot be its member yet.
Signed-in users may call it.';

create function core.suspend_tenant(tenant_id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    stopped record;
begin
    perform core.lock_tenant_tree();
    perform core.check_above(suspend_tenant.tenant_id);
    for stopped in
        update core.tenants
        set
            status = 'suspended',
            suspended_with = suspend_tenant.tenant_id,
            resumes_as = tenants.status
        where
            tenants.id in (
                select subtree.id from core.tenants_below(suspend_tenant.tenant_id) as subtree
            )
            and tenants.status <> 'suspended'
        returning tenants.id
    loop
        perform core.emit(
            stopped.id, 'core.tenant.suspended', 'tenant', stopped.id,
            jsonb_build_object('with', suspend_tenant.tenant_id)
        );
    end loop;
    return core.tenant_answer(suspend_tenant.tenant_id);
end
$$;

comment on function core.suspend_tenant(uuid) is
'What v1.suspend_tenant does. Definer, because it writes core.tenants. Signed-in users may call
it.';

create function core.resume_tenant(tenant_id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    resumed record;
begin
    perform core.lock_tenant_tree();
    if (
        select tenants.status from core.tenants where tenants.id = resume_tenant.tenant_id
    ) = 'closing' then
        perform core.check_owner(resume_tenant.tenant_id);
    else
        perform core.check_above(resume_tenant.tenant_id);
    end if;
    for resumed in
        update core.tenants
        set status = tenants.resumes_as, suspended_with = null, resumes_as = 'active'
        where
            tenants.status <> 'active'
            and (
                tenants.id = resume_tenant.tenant_id
                or tenants.suspended_with = resume_tenant.tenant_id
            )
        returning tenants.id
    loop
        perform core.emit(resumed.id, 'core.tenant.resumed', 'tenant', resumed.id);
    end loop;
    return core.tenant_answer(resume_tenant.tenant_id);
end
$$;

comment on function core.resume_tenant(uuid) is
'What v1.resume_tenant does. Definer, because it writes core.tenants. Signed-in users may call it.';

create function core.close_tenant(tenant_id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.check_owner(close_tenant.tenant_id);
    update core.tenants set status = 'closing'
    where tenants.id = close_tenant.tenant_id and tenants.status = 'active';
    if found then
        perform core.emit(
            close_tenant.tenant_id, 'core.tenant.closing', 'tenant', close_tenant.tenant_id
        );
    end if;
    return core.tenant_answer(close_tenant.tenant_id);
end
$$;

comment on function core.close_tenant(uuid) is
'What v1.close_tenant does. Definer, because it writes core.tenants. Signed-in users may call it.';

create function core.check_above(tenant_id uuid) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if (core.caller()).kind = 'system' then
        return;
    elsif not exists (
        select from core.tenants
        where
            tenants.id = check_above.tenant_id
            and tenants.parent_id = any(core.tenants_with('core.tenants.suspend', 'descendants'))
    ) then
        perform core.fail(
            'tenancy.permission_missing', '{"permission": "core.tenants.suspend"}'
        );
    end if;
end
$$;

comment on function core.check_above(uuid) is
'Refuses a caller who may not stop the tenant from the tenant above it.
Raises tenancy.permission_missing (403). Internal.';

create function core.check_owner(tenant_id uuid) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if (core.caller()).kind in ('service', 'system') then
        return;
    -- A closing tenant answers to reading alone; its owners can still open it again.
    elsif not exists (
        select from core.grants_in(check_owner.tenant_id, core.caller_id()) as held
        where held.permission = 'core.tenants.own' and held.scope in ('tenant', 'descendants')
    ) then
        perform core.fail('tenancy.permission_missing', '{"permission": "core.tenants.own"}');
    end if;
end
$$;

comment on function core.check_owner(uuid) is
'Refuses a caller who does not own the tenant, be it active or closing.
Raises tenancy.permission_missing (403). Internal.';

create function core.move_tenant(tenant_id uuid, parent_id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    is_operator constant boolean := (core.caller()).kind in ('service', 'system');
    from_id uuid;
    moved uuid[];
begin
    perform core.lock_tenant_tree();
    select tenants.parent_id into from_id
    from core.tenants
    where tenants.id = move_tenant.tenant_id;
    if not is_operator then
        -- Whoever gives the tenant away: its owner, where nobody but the platform is above it.
        if from_id is null or from_id = core.platform_tenant_id() then
            perform core.require(move_tenant.tenant_id, 'core.tenants.own');
        elsif (
            from_id = any(core.tenants_with('core.tenants.create', 'descendants'))
        ) is not true then
            -- Whoever does not see the tenant is not told that it stands below another one.
            perform core.fail(
                'tenancy.permission_missing',
                jsonb_build_object(
                    'permission',
                    case
                        when move_tenant.tenant_id = any(core.tenants_with('core.tenants.read'))
                            then 'core.tenants.create'
                        else 'core.tenants.own'
                    end
                )
            );
        end if;
        if move_tenant.parent_id is distinct from core.platform_tenant_id()
            or not core.tenants_are_open()
        then
            perform core.require(move_tenant.parent_id, 'core.tenants.create');
        end if;
    end if;
    if not exists (select from core.tenants where tenants.id = move_tenant.parent_id) then
        perform core.fail('tenant.unknown', jsonb_build_object('tenant', move_tenant.parent_id));
    end if;
    perform core.check_tenant_place(move_tenant.tenant_id, move_tenant.parent_id);
    update core.tenants set parent_id = move_tenant.parent_id
    where
        tenants.id = move_tenant.tenant_id
        and tenants.id <> core.platform_tenant_id();
    if not found then
        perform core.fail('tenant.unknown', jsonb_build_object('tenant', move_tenant.tenant_id));
    end if;
    -- What was suspended with a tenant that it has left is resumed with what has moved.
    moved := array(
        select subtree.id from core.tenants_below(move_tenant.tenant_id) as subtree
    );
    update core.tenants set suspended_with = move_tenant.tenant_id
    where
        tenants.id = any(moved)
        and tenants.suspended_with <> all(moved);
    perform core.emit(
        move_tenant.tenant_id, 'core.tenant.moved', 'tenant', move_tenant.tenant_id,
        jsonb_build_object('from', from_id, 'to', move_tenant.parent_id)
    );
    return core.tenant_answer(move_tenant.tenant_id);
end
$$;

comment on function core.move_tenant(uuid, uuid) is
'What v1.move_tenant does. Definer, because it writes core.tenants. Signed-in users may call it.';

create function v1.create_tenant(
    slug text,
    name text,
    parent_id uuid default null,
    settings jsonb default '{}'
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'create_tenant',
            jsonb_build_object(
                'slug', create_tenant.slug, 'name', create_tenant.name,
                'parent_id', create_tenant.parent_id, 'settings', create_tenant.settings
            )
        ),
        core.store_answer(
            core.create_tenant(
                create_tenant.slug, create_tenant.name, create_tenant.parent_id,
                create_tenant.settings
            )
        )
    );
end
$$;

comment on function v1.create_tenant(text, text, uuid, jsonb) is
'Founds a tenant; you are its owner then. Below another one, parent_id, it takes
core.tenants.create there, and the tenant is reached through the roles held above. slug: a DNS
label, unique. Returns {id, parent_id, slug, name, status, settings}. Raises tenant.slug_taken
(409), tenant.slug_invalid, tenant.too_deep, tenancy.permission_missing. May be repeated with an
Idempotency-Key.';

create function v1.suspend_tenant(tenant_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'suspend_tenant',
            jsonb_build_object('tenant_id', suspend_tenant.tenant_id)
        ),
        core.store_answer(core.suspend_tenant(suspend_tenant.tenant_id))
    );
end
$$;

comment on function v1.suspend_tenant(uuid) is
'Stops a tenant and all below it at once: users, keys and devices. Needs core.tenants.suspend in the
tenant above it, for what is below. Returns the tenant. Raises tenancy.permission_missing.';

create function v1.resume_tenant(tenant_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'resume_tenant',
            jsonb_build_object('tenant_id', resume_tenant.tenant_id)
        ),
        core.store_answer(core.resume_tenant(resume_tenant.tenant_id))
    );
end
$$;

comment on function v1.resume_tenant(uuid) is
'Takes back v1.suspend_tenant, for the tenant and those that it stopped with it, or v1.close_tenant.
Needs core.tenants.suspend above it, or to own it where it closes. Returns the tenant.';

create function v1.close_tenant(tenant_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'close_tenant',
            jsonb_build_object('tenant_id', close_tenant.tenant_id)
        ),
        core.store_answer(core.close_tenant(close_tenant.tenant_id))
    );
end
$$;

comment on function v1.close_tenant(uuid) is
'Begins to close a tenant: what is there can be read and exported, nothing changes any more.
Needs core.tenants.own. Returns the tenant.';

create function v1.move_tenant(tenant_id uuid, parent_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'move_tenant',
            jsonb_build_object(
                'tenant_id', move_tenant.tenant_id, 'parent_id', move_tenant.parent_id
            )
        ),
        core.store_answer(core.move_tenant(move_tenant.tenant_id, move_tenant.parent_id))
    );
end
$$;

comment on function v1.move_tenant(uuid, uuid) is
'Moves a tenant with all below it under another one. Needs core.tenants.create in both tenants
above, or to own the tenant where only the platform is above it. Returns the tenant. Raises
tenant.below_itself (409), tenant.too_deep (422), tenancy.permission_missing.';

revoke all on function
core.check_name(text),
core.tenant_depth_max(),
core.tenants_are_open(),
core.tenants_below(uuid),
core.check_tenant_place(uuid, uuid),
core.lock_tenant_tree(),
core.tenant_answer(uuid),
core.check_above(uuid),
core.check_owner(uuid),
core.create_tenant(text, text, uuid, jsonb),
core.suspend_tenant(uuid),
core.resume_tenant(uuid),
core.close_tenant(uuid),
core.move_tenant(uuid, uuid),
v1.create_tenant(text, text, uuid, jsonb),
v1.suspend_tenant(uuid),
v1.resume_tenant(uuid),
v1.close_tenant(uuid),
v1.move_tenant(uuid, uuid)
from public;
grant execute on function
core.create_tenant(text, text, uuid, jsonb),
core.suspend_tenant(uuid),
core.resume_tenant(uuid),
core.close_tenant(uuid),
core.move_tenant(uuid, uuid),
v1.create_tenant(text, text, uuid, jsonb),
v1.suspend_tenant(uuid),
v1.resume_tenant(uuid),
v1.close_tenant(uuid),
v1.move_tenant(uuid, uuid)
to authenticated, service_role;

insert into core.event_types (type, description, permission) values
('core.tenant.created', 'A tenant was founded.', 'core.tenants.read'),
(
    'core.tenant.suspended', 'The tenant was stopped, with the one that data names.',
    'core.tenants.read'
),
('core.tenant.resumed', 'The tenant is active again.', 'core.tenants.read'),
('core.tenant.closing', 'Its owner closes the tenant.', 'core.tenants.read'),
('core.tenant.moved', 'The tenant has another one above it.', 'core.tenants.read');

insert into core.errors (code, status, message, hint) values
('access.user_needed', 403, 'Only a signed-in user can do this.', 'Sign in.'),
(
    'core.name_invalid', 400, 'A name has 1 to {length_max} characters.',
    'Shorten it, or say one.'
),
('tenant.slug_taken', 409, 'Another tenant is called {slug}.', 'Choose another slug.'),
(
    'tenant.settings_invalid', 400,
    'Settings of a tenant are one JSON object of at most {bytes_max} bytes.',
    'Keep what is larger in a table of your own.'
),
('tenant.below_itself', 409, 'A tenant cannot be moved below itself.', 'Choose another parent.'),
(
    'tenant.too_deep', 422, 'Tenants stand at most {levels_max} levels below the platform.',
    'Choose a parent nearer to the platform.'
);
