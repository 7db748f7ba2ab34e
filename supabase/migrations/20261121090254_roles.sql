-- Tenants make roles of their own, and teams.
--
-- A role is saved as a whole: what it grants, with which scopes, and from which fields it is kept.
-- Neither before nor after may it hold more than whoever saves it.

set local lock_timeout = '5s';

create function core.read_grants(
    inout permissions jsonb, inout hidden_fields jsonb
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    unknown text;
begin
    -- A list of permissions means each of them in the tenant.
    if jsonb_typeof(permissions) = 'array' then
        select coalesce(jsonb_object_agg(coalesce(listed.permission, ''), 'tenant'), '{}')
        into permissions
        from jsonb_array_elements_text(permissions) as listed (permission);
    end if;
    if
        jsonb_typeof(permissions) is distinct from 'object'
        or jsonb_typeof(hidden_fields) is distinct from 'object'
        or exists (
            select from jsonb_each(hidden_fields) as kept
            where jsonb_typeof(kept.value) <> 'array'
        )
    then
        perform core.fail('role.grants_malformed');
    end if;
    select wishes.key || coalesce(' (' || wishes.value || ')', '')
    into unknown
    from jsonb_each_text(permissions) as wishes
    where
        (wishes.value = any(core.scopes_from('own'))) is not true
        or not exists (
            select from core.permissions as known where known.permission = wishes.key
        )
    limit 1;
    if found then
        perform core.fail('role.grant_unknown', jsonb_build_object('grant', unknown));
    end if;
    select kept.key || '.' || coalesce(field.name, '')
    into unknown
    from jsonb_each(hidden_fields) as kept
    cross join lateral jsonb_array_elements_text(kept.value) as field (name)
    where not exists (
        select from core.fields
        where fields.object = kept.key and fields.field = field.name
    )
    limit 1;
    if found then
        perform core.fail('role.field_unknown', jsonb_build_object('field', unknown));
    end if;
end
$$;

comment on function core.read_grants(jsonb, jsonb) is
'What a role is to hold, as clients write it: permissions, {permission: scope} or a list, which
means the scope tenant; hidden fields, {object: [field]}. Raises role.grants_malformed,
role.grant_unknown and role.field_unknown (400). Internal.';

create function core.fill_role(
    tenant_id uuid, role_id uuid, permissions jsonb, hidden_fields jsonb
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    delete from core.role_permissions as granted
    where granted.tenant_id = fill_role.tenant_id and granted.role_id = fill_role.role_id;
    insert into core.role_permissions (tenant_id, role_id, permission, scope)
    select
        fill_role.tenant_id,
        fill_role.role_id,
        wishes.key,
        wishes.value
    from jsonb_each_text(fill_role.permissions) as wishes;

    delete from core.hidden_fields as hidden
    where hidden.tenant_id = fill_role.tenant_id and hidden.role_id = fill_role.role_id;
    insert into core.hidden_fields (tenant_id, role_id, object, field)
    select distinct
        fill_role.tenant_id,
        fill_role.role_id,
        kept.key,
        field.name
    from jsonb_each(fill_role.hidden_fields) as kept
    cross join lateral jsonb_array_elements_text(kept.value) as field (name);
end
$$;

comment on function core.fill_role(uuid, uuid, jsonb, jsonb) is
'Makes a role hold exactly what core.read_grants has read. Internal.';

create function core.save_role(slug text, name text, permissions jsonb, hidden_fields jsonb)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.roles.write');
    wanted constant record := core.read_grants(save_role.permissions, save_role.hidden_fields);
    saved core.roles;
begin
    if (save_role.slug ~ '^[a-z][a-z0-9_]{0,62}$') is not true or exists (
        select from core.roles
        where roles.tenant_id = core.platform_tenant_id() and roles.slug = save_role.slug
    ) then
        perform core.fail('role.slug_invalid');
    end if;
    perform core.check_name(save_role.name);
    insert into core.roles (tenant_id, slug, name)
    values (owner_id, save_role.slug, save_role.name)
    on conflict on constraint role_slug_is_unique do update set name = excluded.name
    where not roles.of_api_key
    returning * into saved;
    if saved.id is null then
        perform core.fail('role.slug_invalid');
    end if;
    -- Neither what it granted before nor what it will grant may be beyond the caller; asked before
    -- it is written, or callers could raise the role that they hold themselves.
    perform core.check_may_grant_role(owner_id, owner_id, saved.id);
    perform core.check_may_grant(owner_id, wanted.permissions, wanted.hidden_fields);
    perform core.fill_role(owner_id, saved.id, wanted.permissions, wanted.hidden_fields);
    perform core.emit(
        owner_id, 'core.role.saved', 'role', saved.id,
        jsonb_build_object('role', save_role.slug)
    );
    return jsonb_build_object(
        'tenant_id', owner_id, 'id', saved.id, 'slug', saved.slug, 'name', saved.name
    );
end
$$;

comment on function core.save_role(text, text, jsonb, jsonb) is
'What v1.save_role does. Definer, because it writes core.roles. Signed-in users may call it.';

create function core.delete_role(slug text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.roles.write');
    gone core.roles;
begin
    select roles.* into gone
    from core.roles
    where roles.tenant_id = owner_id and roles.slug = delete_role.slug and not roles.of_api_key
    for update;
    if gone.id is null or owner_id = core.platform_tenant_id() then
        perform core.fail('role.unknown', jsonb_build_object('role', delete_role.slug));
    end if;
    perform core.check_may_grant_role(owner_id, owner_id, gone.id);
    begin
        delete from core.roles where roles.tenant_id = owner_id and roles.id = gone.id;
    exception
        when foreign_key_violation then
            perform core.fail('role.in_use', jsonb_build_object('role', delete_role.slug));
    end;
    perform core.emit(
        owner_id, 'core.role.deleted', 'role', gone.id,
        jsonb_build_object('role', delete_role.slug)
    );
    return jsonb_build_object('tenant_id', owner_id, 'slug', delete_role.slug, 'deleted', true);
end
$$;

comment on function core.delete_role(text) is
'What v1.delete_role does. Definer, because it writes core.roles. Signed-in users may call it.';

create function core.save_team(slug text, name text, user_ids uuid[]) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
    saved core.teams;
begin
    if (save_team.slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$') is not true then
        perform core.fail('team.slug_invalid');
    end if;
    perform core.check_name(save_team.name);
    insert into core.teams (tenant_id, slug, name)
    values (owner_id, save_team.slug, save_team.name)
    on conflict on constraint team_slug_is_unique do update set name = excluded.name
    returning * into saved;
    if save_team.user_ids is not null then
        delete from core.team_members
        where team_members.tenant_id = owner_id and team_members.team_id = saved.id
            and team_members.user_id <> all(save_team.user_ids);
        begin
            insert into core.team_members (tenant_id, team_id, user_id)
            select
                owner_id,
                saved.id,
                user_id
            from unnest(save_team.user_ids) as user_id
            on conflict do nothing;
        exception
            when foreign_key_violation or not_null_violation then
                perform core.fail('member.unknown', jsonb_build_object('user_id', null));
        end;
    end if;
    perform core.emit(
        owner_id, 'core.team.saved', 'team', saved.id,
        jsonb_build_object('team', save_team.slug)
    );
    return jsonb_build_object(
        'tenant_id', owner_id, 'id', saved.id, 'slug', saved.slug, 'name', saved.name,
        'user_ids', array(
            select team_members.user_id from core.team_members
            where team_members.tenant_id = owner_id and team_members.team_id = saved.id
            order by team_members.user_id
        )
    );
end
$$;

comment on function core.save_team(text, text, uuid[]) is
'What v1.save_team does. Definer, because it writes core.teams. Signed-in users may call it.';

create function core.delete_team(slug text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
    gone uuid;
begin
    delete from core.teams
    where teams.tenant_id = owner_id and teams.slug = delete_team.slug
    returning teams.id into gone;
    if gone is null then
        perform core.fail('team.unknown', jsonb_build_object('team', delete_team.slug));
    end if;
    perform core.emit(
        owner_id, 'core.team.deleted', 'team', gone,
        jsonb_build_object('team', delete_team.slug)
    );
    return jsonb_build_object('tenant_id', owner_id, 'slug', delete_team.slug, 'deleted', true);
end
$$;

comment on function core.delete_team(text) is
'What v1.delete_team does. Definer, because it writes core.teams. Signed-in users may call it.';

create view v1.roles with (security_invoker = true) as
select
    roles.tenant_id,
    roles.id,
    roles.slug,
    roles.name,
    roles.tenant_id = core.platform_tenant_id() as is_system,
    coalesce(grants.permissions, '{}') as permissions,
    coalesce(kept.hidden_fields, '{}') as hidden_fields
from core.roles
left join lateral (
    select jsonb_object_agg(granted.permission, granted.scope) as permissions
    from core.role_permissions as granted
    where granted.tenant_id = roles.tenant_id and granted.role_id = roles.id
) as grants on true
left join lateral (
    select jsonb_object_agg(hidden.object, hidden.fields) as hidden_fields
    from (
        select
            hidden_fields.object,
            jsonb_agg(hidden_fields.field order by hidden_fields.field) as fields
        from core.hidden_fields
        where hidden_fields.tenant_id = roles.tenant_id and hidden_fields.role_id = roles.id
        group by hidden_fields.object
    ) as hidden
) as kept on true
where not roles.of_api_key;

comment on view v1.roles is
'The system roles and those of your tenants. permissions: {permission: scope}; hidden_fields:
{object: [field]}. Needs core.members.read.';

create view v1.permissions with (security_invoker = true) as
select
    permissions.permission,
    permissions.description
from core.permissions;

comment on view v1.permissions is 'Every permission that a role can grant. Signed-in users see it.';

create view v1.fields with (security_invoker = true) as
select
    fields.object,
    fields.field,
    fields.description
from core.fields;

comment on view v1.fields is
'Every field that a role can be kept from. Signed-in users see it.';

create view v1.teams with (security_invoker = true) as
select
    teams.tenant_id,
    teams.id,
    teams.slug,
    teams.name,
    array(
        select team_members.user_id from core.team_members
        where team_members.tenant_id = teams.tenant_id and team_members.team_id = teams.id
        order by team_members.user_id
    ) as user_ids,
    teams.created_at
from core.teams;

comment on view v1.teams is
'The teams of your tenants with their members. Needs core.members.read.';

grant select on v1.roles, v1.permissions, v1.fields, v1.teams to authenticated, service_role;

create function v1.save_role(
    slug text,
    name text,
    permissions jsonb,
    hidden_fields jsonb default '{}'
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'save_role',
            jsonb_build_object(
                'slug', save_role.slug, 'name', save_role.name,
                'permissions', save_role.permissions,
                'hidden_fields', save_role.hidden_fields
            )
        ),
        core.store_answer(
            core.save_role(
                save_role.slug, save_role.name, save_role.permissions, save_role.hidden_fields
            )
        )
    );
end
$$;

comment on function v1.save_role(text, text, jsonb, jsonb) is
'Makes or replaces a role of the tenant. permissions: {permission: scope}, the scope own, team,
tenant or descendants; or a list, each in the tenant. hidden_fields: {object: [field]} that the
role is kept from. Needs core.roles.write and all that the role grants, before and after. Returns
{tenant_id, id, slug, name}. Raises access.beyond_own, role.slug_invalid, role.grant_unknown,
role.field_unknown.';

create function v1.delete_role(slug text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'delete_role',
            jsonb_build_object('slug', delete_role.slug)
        ),
        core.store_answer(core.delete_role(delete_role.slug))
    );
end
$$;

comment on function v1.delete_role(text) is
'Removes a role of the tenant that nobody holds. Needs core.roles.write and all that it grants.
Raises role.unknown (404), role.in_use (409).';

create function v1.save_team(slug text, name text, user_ids uuid[] default null) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'save_team',
            jsonb_build_object(
                'slug', save_team.slug, 'name', save_team.name,
                'user_ids', save_team.user_ids
            )
        ),
        core.store_answer(core.save_team(save_team.slug, save_team.name, save_team.user_ids))
    );
end
$$;

comment on function v1.save_team(text, text, uuid[]) is
'Makes or renames a team, and sets who belongs to it; null leaves that as it is. Needs
core.members.write. Returns {tenant_id, id, slug, name, user_ids}. Raises member.unknown (404).';

create function v1.delete_team(slug text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'delete_team',
            jsonb_build_object('slug', delete_team.slug)
        ),
        core.store_answer(core.delete_team(delete_team.slug))
    );
end
$$;

comment on function v1.delete_team(text) is
'Removes a team. Needs core.members.write. Raises team.unknown (404).';

revoke all on function
core.read_grants(jsonb, jsonb),
core.fill_role(uuid, uuid, jsonb, jsonb),
core.save_role(text, text, jsonb, jsonb),
core.delete_role(text),
core.save_team(text, text, uuid[]),
core.delete_team(text),
v1.save_role(text, text, jsonb, jsonb),
v1.delete_role(text),
v1.save_team(text, text, uuid[]),
v1.delete_team(text)
from public;
grant execute on function
core.save_role(text, text, jsonb, jsonb),
core.delete_role(text),
core.save_team(text, text, uuid[]),
core.delete_team(text),
v1.save_role(text, text, jsonb, jsonb),
v1.delete_role(text),
v1.save_team(text, text, uuid[]),
v1.delete_team(text)
to authenticated, service_role;

insert into core.event_types (type, description, permission) values
('core.role.saved', 'A role of the tenant was made or changed.', 'core.members.read'),
('core.role.deleted', 'A role of the tenant was removed.', 'core.members.read'),
('core.team.saved', 'A team was made or changed.', 'core.members.read'),
('core.team.deleted', 'A team was removed.', 'core.members.read');

insert into core.errors (code, status, message, hint) values
(
    'role.slug_invalid', 400, 'A role cannot be called this.',
    'Use a-z, 0-9 and _, begin with a letter, and take no name of a system role.'
),
('role.grants_malformed', 400, 'The grants of the role cannot be read.', 'See v1.save_role.'),
(
    'role.grant_unknown', 400, 'There is no grant {grant}.',
    'Take permissions of v1.permissions, with a scope: own, team, tenant or descendants.'
),
(
    'role.field_unknown', 400, 'The field {field} cannot be hidden.', 'Take fields of v1.fields.'
),
('role.in_use', 409, 'Somebody holds the role {role}.', 'Give them another role first.'),
(
    'team.slug_invalid', 400, 'A team cannot be called this.',
    'Use a-z, 0-9, _ and -, and begin with a letter or digit.'
),
('team.unknown', 404, 'The tenant has no team {team}.', 'Compare the name with v1.teams.');
