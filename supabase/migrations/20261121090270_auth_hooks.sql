-- What Supabase Auth asks: the schema of its hooks, and the first of them, the access token's.
--
-- Auth calls `select "hooks"."name"($1)` as supabase_auth_admin, with two seconds for the answer.
-- An exception would undo what the hook wrote, a counter above all, and answer 500: every hook
-- answers an error object instead, {"error": {"http_code", "message"}}.
--
-- The token names the user's active tenant and role so that an interface can show them. Both are as
-- old as the token, so nothing here reads them: access is decided from tables, at each statement.
-- The active tenant is the one that the user has chosen, or else the only one. Joining another
-- tenant, or losing the chosen one, never puts a user into a tenant that they did not choose.

set local lock_timeout = '5s';

create schema hooks;

comment on schema hooks is 'What Supabase Auth calls, as supabase_auth_admin. Not exposed.';

grant usage on schema hooks, core, tenon to supabase_auth_admin;

create function hooks.refusal(http_code integer, message text) returns jsonb
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return jsonb_build_object(
    'error', jsonb_build_object('http_code', http_code, 'message', message)
);

comment on function hooks.refusal(integer, text) is
'The error object of a hook. An empty message would count as no error. Only supabase_auth_admin may
call it.';

create function hooks.uuid_of(source jsonb, key text) returns uuid
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    content constant text := source ->> key;
begin
    if content ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        return content::uuid;
    end if;
    return null;
end
$$;

comment on function hooks.uuid_of(jsonb, text) is
'An entry of a JSON object as a UUID; null when it is none. Only supabase_auth_admin may call it.';

create function hooks.text_of(source jsonb, key text, length_max integer) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    content constant text := source ->> key;
begin
    if jsonb_typeof(source -> key) = 'string' and char_length(content) <= length_max then
        return nullif(content, '');
    end if;
    return null;
end
$$;

comment on function hooks.text_of(jsonb, text, integer) is
'An entry of a JSON object as text; null when it is no string, empty or longer than it may be.
Only supabase_auth_admin may call it.';

create table core.user_settings (
    tenant_id uuid not null default core.platform_tenant_id() references core.tenants (id),
    user_id uuid not null references auth.users (id) on delete cascade,
    active_tenant_id uuid references core.tenants (id) on delete set null,
    changed_at timestamptz not null default now(),
    primary key (tenant_id, user_id),
    constraint settings_belong_to_the_platform
    check (tenant_id = '00000000-0000-0000-0000-000000000000')
);
create index user_settings_user_id on core.user_settings (user_id);
create index user_settings_active_tenant_id on core.user_settings (active_tenant_id);

comment on table core.user_settings is
'What a user has chosen for all tenants. The rows are the platform''s, as users are.';
comment on column core.user_settings.active_tenant_id is
'The tenant that the user works in, which access tokens name. It gives no access.';

alter table core.user_settings enable row level security;

create policy user_settings_read on core.user_settings for select to authenticated
using (user_id = (select core.caller_id()));

grant all on core.user_settings to service_role;

-- Auth has no right to pass over row level security: what its hooks read, it must be let see.
create policy user_settings_read_by_auth on core.user_settings
for select to supabase_auth_admin using (true);
create policy tenants_read_by_auth on core.tenants
for select to supabase_auth_admin using (true);
create policy members_read_by_auth on core.members
for select to supabase_auth_admin using (true);
create policy roles_read_by_auth on core.roles
for select to supabase_auth_admin using (true);
create policy role_permissions_read_by_auth on core.role_permissions
for select to supabase_auth_admin using (true);

grant select on
core.user_settings, core.tenants, core.members, core.roles, core.role_permissions
to supabase_auth_admin;
grant execute on function core.platform_tenant_id() to supabase_auth_admin;

create function core.active_tenant(
    user_id uuid, out tenant_id uuid, out tenant text, out role text
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    above uuid;
begin
    select
        tenants.id,
        tenants.slug,
        tenants.parent_id,
        roles.slug
    into active_tenant.tenant_id, active_tenant.tenant, above, active_tenant.role
    from core.tenants
    left join core.members
        on
            members.tenant_id = tenants.id
            and members.user_id = active_tenant.user_id
            and members.status = 'active'
    left join core.roles
        on roles.tenant_id = members.role_tenant_id and roles.id = members.role_id
    where
        tenants.status <> 'suspended'
        and tenants.id = coalesce(
            (
                select settings.active_tenant_id
                from core.user_settings as settings
                where
                    settings.tenant_id = core.platform_tenant_id()
                    and settings.user_id = active_tenant.user_id
            ),
            (
                select (array_agg(members.tenant_id))[1]
                from core.members
                where members.user_id = active_tenant.user_id
                having count(*) = 1
            )
        );

    -- A role held above may reach down to it; few users are here.
    while active_tenant.role is null and above is not null loop
        select
            tenants.parent_id,
            roles.slug
        into above, active_tenant.role
        from core.tenants
        left join core.members
            on
                members.tenant_id = tenants.id
                and members.user_id = active_tenant.user_id
                and members.status = 'active'
        left join core.roles
            on
                roles.tenant_id = members.role_tenant_id
                and roles.id = members.role_id
                and exists (
                    select from core.role_permissions as granted
                    where
                        granted.tenant_id = roles.tenant_id
                        and granted.role_id = roles.id
                        and granted.scope = 'descendants'
                )
        where tenants.id = above and tenants.status <> 'suspended';
    end loop;
    if active_tenant.role is null then
        active_tenant.tenant_id := null;
        active_tenant.tenant := null;
    end if;
end
$$;

comment on function core.active_tenant(uuid) is
'The tenant that a user has chosen, or is the only member of: its id and slug, and the role that the
user has there, or in the nearest tenant above with a role that reaches down. Nulls where there is
none. A hint for interfaces and mails; access is core.tenants_with. For supabase_auth_admin and
functions of core.';

create function core.set_active_tenant(tenant_id uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
begin
    -- Not everybody with a token is a user who is still there.
    if
        caller.kind <> 'user'
        or not exists (select from core.members where members.user_id = caller.id)
    then
        perform core.fail('tenancy.not_a_member');
    end if;
    insert into core.user_settings (user_id, active_tenant_id)
    values (
        caller.id,
        -- An id of no tenant must be refused in the words for one of others.
        (select tenants.id from core.tenants where tenants.id = set_active_tenant.tenant_id)
    )
    on conflict on constraint user_settings_pkey do update
    set active_tenant_id = excluded.active_tenant_id, changed_at = now();
    if
        set_active_tenant.tenant_id is not null
        and (core.active_tenant(caller.id)).tenant_id
        is distinct from set_active_tenant.tenant_id
    then
        perform core.fail('tenancy.not_a_member');
    end if;
end
$$;

comment on function core.set_active_tenant(uuid) is
'What v1.set_active_tenant does. Definer, because users write no settings but through it; it writes
those of the caller alone. Signed-in users may call it.';

create function v1.set_active_tenant(tenant_id uuid) returns void
language sql set search_path = pg_catalog, pg_temp
begin atomic
    select core.set_active_tenant(set_active_tenant.tenant_id);
end;

comment on function v1.set_active_tenant(uuid) is
'Chooses the tenant that you work in; null for none. Access tokens name it from the next one on (let
the client refresh its session). It changes nothing about what you may do.
Raises tenancy.not_a_member (403). Signed-in users may call it.';

insert into core.errors (code, status, message, hint) values
(
    'tenancy.not_a_member', 403,
    'You are not an active member of this tenant.',
    'Choose one of the tenants in v1.tenants that are not suspended.'
);

create function hooks.custom_access_token(event jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    claims constant jsonb := event -> 'claims';
    user_id constant uuid := hooks.uuid_of(event, 'user_id');
    hint record;
begin
    if jsonb_typeof(claims) is distinct from 'object' or user_id is null then
        return hooks.refusal(400, 'The access token''s user or claims are missing.');
    end if;
    -- A token without a hint is worth more than none: nobody could sign in.
    begin
        hint := core.active_tenant(user_id);
        if event ->> 'authentication_method' not in ('token_refresh', 'anonymous') then
            perform core.note_sign_in(user_id, event #>> '{metadata,ip_address}');
        end if;
    exception
        when others then
            raise warning 'hooks.custom_access_token: % (%)', sqlerrm, sqlstate;
            hint := (null::uuid, null::text, null::text);
    end;
    return jsonb_build_object('claims', claims || jsonb_build_object('tenon', to_jsonb(hint)));
end
$$;

comment on function hooks.custom_access_token(jsonb) is
'Adds the claim tenon, {tenant_id, tenant, role}, all null where there is no active tenant, and
keeps the others. A hint: nothing in the database reads it. Only supabase_auth_admin may call it.';

revoke all on function
hooks.refusal(integer, text),
hooks.uuid_of(jsonb, text),
hooks.text_of(jsonb, text, integer),
hooks.custom_access_token(jsonb),
core.active_tenant(uuid),
core.set_active_tenant(uuid),
v1.set_active_tenant(uuid)
from public, anon, authenticated;
grant execute on function
hooks.refusal(integer, text),
hooks.uuid_of(jsonb, text),
hooks.text_of(jsonb, text, integer),
hooks.custom_access_token(jsonb),
core.active_tenant(uuid)
to supabase_auth_admin;
grant execute on function core.set_active_tenant(uuid), v1.set_active_tenant(uuid)
to authenticated;
