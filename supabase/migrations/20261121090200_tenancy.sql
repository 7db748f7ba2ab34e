-- Who may see and do what: tenants, their members, and the roles these hold.
--
-- Tenants form a tree under one platform tenant, which also owns the system roles, so that a
-- membership points to a role of its own tenant or to a role of the platform and to no other.
-- Every policy of every table asks one function, core.tenants_with(permission). It reads these
-- tables at each statement and nothing from the token but who is calling: a member who is
-- suspended is out with the next statement, without a new token.
--
-- A role grants each permission with a scope: on the holder's own records, on those of the
-- holder's teams, on the tenant's, or on those of all tenants below it too.

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
    suspended_with uuid references core.tenants (id),
    resumes_as text not null default 'active',
    settings jsonb not null default '{}',
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    constraint slug_is_unique unique (slug),
    constraint slug_is_a_dns_label check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    constraint name_is_short check (char_length(name) between 1 and 200),
    constraint status_is_known check (status in ('active', 'suspended', 'closing')),
    constraint settings_are_an_object check (jsonb_typeof(settings) = 'object'),
    constraint settings_of_core_are_right check (
        coalesce(settings #>> '{core,proxies}', '1') ~ '^[1-9]$'
        and coalesce(jsonb_typeof(settings #> '{core,open_tenants}'), 'boolean') = 'boolean'
        and coalesce(jsonb_typeof(settings #> '{core,address_header}'), 'string') = 'string'
        and coalesce(jsonb_typeof(settings #> '{core,client_certificates}'), 'object') = 'object'
    ),
    constraint settings_are_short check (octet_length(settings::text) <= 16384),
    constraint resumes_as_what_it_was check (resumes_as in ('active', 'closing')),
    constraint suspension_has_a_cause
    check ((status = 'suspended') or suspended_with is null),
    constraint only_the_platform_is_a_root
    check ((parent_id is null) = (id = '00000000-0000-0000-0000-000000000000'))
);
create index tenants_parent_id on core.tenants (parent_id);
create index tenants_suspended_with on core.tenants (suspended_with)
where suspended_with is not null;

comment on table core.tenants is
'A tree of tenants (platform, group, dealer). The only table whose tenant key is its own id.';
comment on column core.tenants.status is
'active; suspended: its users, keys and devices are stopped; closing: what is there can be read and
exported, and nothing changes any more.';
comment on column core.tenants.suspended_with is
'The tenant whose suspension stopped this one: itself, or one above it. Null for a suspension by
the operator at SQL.';
comment on column core.tenants.resumes_as is 'The status that a suspended tenant had before.';
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
    of_api_key boolean not null default false,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint role_slug_is_unique unique (tenant_id, slug),
    constraint slug_is_a_word check (slug ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint name_is_short check (char_length(name) between 1 and 200)
);

comment on table core.roles is
'Named sets of permissions. Those of the platform tenant are the system roles of everyone.';
comment on column core.roles.of_api_key is
'Whether the role was made for one API key, by a list of permissions. Members cannot hold it.';

create table core.role_permissions (
    tenant_id uuid not null,
    role_id uuid not null,
    permission text not null references core.permissions (permission),
    scope text not null default 'tenant',
    primary key (tenant_id, role_id, permission),
    foreign key (tenant_id, role_id) references core.roles (tenant_id, id) on delete cascade,
    constraint scope_is_known check (scope in ('own', 'team', 'tenant', 'descendants'))
);
create index role_permissions_permission on core.role_permissions (permission);

comment on table core.role_permissions is 'What a role allows, and on which records.';
comment on column core.role_permissions.scope is
'own: records whose owner is the holder. team: those of the holder''s teams too. tenant: all of the
tenant. descendants: those of every tenant below it as well.';

create table core.fields (
    object text not null,
    field text not null,
    description text not null,
    primary key (object, field),
    constraint object_is_dotted check (object ~ '^[a-z_]+(\.[a-z_]+)+$')
);

comment on table core.fields is
'The fields that a role can be kept from. object: what stands before .read and .write in the
permissions. Global reference data: the same for every tenant.';

create table core.hidden_fields (
    tenant_id uuid not null,
    role_id uuid not null,
    object text not null,
    field text not null,
    primary key (tenant_id, role_id, object, field),
    foreign key (tenant_id, role_id) references core.roles (tenant_id, id) on delete cascade,
    foreign key (object, field) references core.fields (object, field)
);
create index hidden_fields_field on core.hidden_fields (object, field);

comment on table core.hidden_fields is
'Fields that a role is kept from: the views of v1 show them as null, and they cannot be written.';

create table core.members (
    tenant_id uuid not null references core.tenants (id),
    user_id uuid not null references auth.users (id) on delete cascade,
    role_tenant_id uuid not null default core.platform_tenant_id(),
    role_id uuid not null,
    status text not null default 'active',
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
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

create table core.teams (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    slug text not null,
    name text not null,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint team_slug_is_unique unique (tenant_id, slug),
    constraint slug_is_a_word check (slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    constraint name_is_short check (char_length(name) between 1 and 200)
);

comment on table core.teams is 'Groups of members who share records.';

create table core.team_members (
    tenant_id uuid not null,
    team_id uuid not null,
    user_id uuid not null,
    primary key (tenant_id, team_id, user_id),
    foreign key (tenant_id, team_id) references core.teams (tenant_id, id) on delete cascade,
    foreign key (tenant_id, user_id) references core.members (tenant_id, user_id)
    on delete cascade
);
create index team_members_user on core.team_members (tenant_id, user_id);

comment on table core.team_members is 'Which member belongs to which team.';

create table core.api_keys (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    name text not null,
    role_tenant_id uuid not null,
    role_id uuid not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    revoked_by uuid,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint api_key_id_is_unique unique (id),
    foreign key (role_tenant_id, role_id) references core.roles (tenant_id, id),
    constraint role_is_own_or_system
    check (role_tenant_id in (tenant_id, '00000000-0000-0000-0000-000000000000')),
    constraint name_is_short check (char_length(name) between 1 and 200)
);
create index api_keys_role on core.api_keys (role_tenant_id, role_id);

comment on table core.api_keys is
'Programs that act for a tenant. A key holds a role as a member does, outlives whoever made it, and
proves itself with one of its secrets.';
comment on column core.api_keys.expires_at is 'From when the key is refused; null for never.';

create view core.holders with (security_invoker = true) as
select
    members.tenant_id,
    members.user_id as principal_id,
    members.role_tenant_id,
    members.role_id
from core.members
where members.status = 'active'
union all
select
    api_keys.tenant_id,
    api_keys.id as principal_id,
    api_keys.role_tenant_id,
    api_keys.role_id
from core.api_keys
where api_keys.revoked_at is null;

comment on view core.holders is
'Who holds which role in which tenant right now: active members, and API keys. Not for clients.';

create function core.scopes_from(scope text) returns text[]
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    scopes constant text[] := array['own', 'team', 'tenant', 'descendants'];
begin
    return scopes[array_position(scopes, scope) :];
end
$$;

comment on function core.scopes_from(text) is
'A scope and those wider than it, from the narrowest: own, team, tenant, descendants. Null for no
scope. Anyone may call it.';

create function core.hides(granted core.role_permissions, field text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from core.hidden_fields as hidden
        where
            hidden.tenant_id = granted.tenant_id
            and hidden.role_id = granted.role_id
            and hidden.field = hides.field
            and granted.permission in (hidden.object || '.read', hidden.object || '.write')
    );
end
$$;

comment on function core.hides(core.role_permissions, text) is
'Whether the role of this grant is kept from a field of the object that the grant opens. Internal.';

create function core.tenants_with(
    permission text, scope text default 'tenant', field text default null
)
returns uuid[]
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    caller constant record := core.caller();
    open_statuses constant text[] := case
        when permission ~ '\.(read|export)$' then '{active,closing}' else '{active}'
    end;
    scopes text[] := case scope
        when 'tenant' then '{tenant,descendants}' else core.scopes_from(scope)
    end;
    requested constant uuid := caller.requested_tenant_id;
    parent uuid;
    status text;
    is_granted boolean;
    reached uuid[];
    ancestors uuid[];
    below uuid[];
begin
    if caller.kind = 'service' then
        return array(
            select tenants.id from core.tenants where coalesce(tenants.id = requested, true)
        );
    elsif caller.id is null or caller.kind = 'device' then
        return '{}';
    end if;

    -- One tenant is asked from below: itself, then those above whose roles reach down to it.
    if requested is not null then
        parent := requested;
        loop
            select
                tenants.parent_id,
                tenants.status,
                exists (
                    select
                    from core.holders
                    inner join core.role_permissions as granted
                        on
                            granted.tenant_id = holders.role_tenant_id
                            and granted.role_id = holders.role_id
                    where
                        holders.principal_id = caller.id
                        and holders.tenant_id = tenants.id
                        and granted.permission = tenants_with.permission
                        and granted.scope = any(scopes)
                        and (
                            tenants_with.field is null
                            or not core.hides(granted, tenants_with.field)
                        )
                )
            into parent, status, is_granted
            from core.tenants
            where tenants.id = parent;
            if (status = any(open_statuses)) is not true then
                return '{}';
            elsif is_granted then
                return array[requested];
            elsif parent is null then
                return '{}';
            end if;
            scopes := '{descendants}';
        end loop;
    end if;

    -- Who belongs to many tenants holds a few roles there: each role is looked up once.
    select
        array_agg(tenants.id),
        array_agg(tenants.id) filter (where granted.scope = 'descendants')
    into reached, ancestors
    from (
        select
            holders.role_tenant_id,
            holders.role_id,
            array_agg(holders.tenant_id) as tenant_ids
        from core.holders
        where holders.principal_id = caller.id
        group by holders.role_tenant_id, holders.role_id
    ) as held
    inner join core.role_permissions as granted
        on granted.tenant_id = held.role_tenant_id and granted.role_id = held.role_id
    inner join core.tenants on tenants.id = any(held.tenant_ids)
    where
        tenants.status = any(open_statuses)
        and granted.permission = tenants_with.permission
        and granted.scope = any(scopes)
        and (tenants_with.field is null or not core.hides(granted, tenants_with.field));

    -- Level by level; most tenants have none below them. What is held in a tenant below as well is
    -- no end of the way down, and is counted once.
    below := ancestors;
    while below is not null loop
        select array_agg(tenants.id)
        into below
        from core.tenants
        where
            tenants.parent_id = any(below)
            and tenants.status = any(open_statuses)
            and tenants.id <> all(ancestors);
        if below is not null then
            reached := array(select distinct id from unnest(reached || below) as id);
        end if;
    end loop;
    return coalesce(reached, '{}');
end
$$;

comment on function core.tenants_with(text, text, text) is
'The ids of the tenants in which the caller, a user or an API key, holds the permission with this
scope or a wider one, narrowed by x-tenant-id; with a field, only through roles that are not kept
from that field. Active tenants, and closing ones for permissions to read and export. The service
role holds every permission everywhere; devices and anonymous callers none. In plpgsql, which keeps
its plans: policies ask it at every statement. Definer, because the tables that decide over access
cannot be guarded by policies that ask them. Signed-in users may call it.';

create function core.teams_with(permission text) returns uuid[]
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    caller_id constant uuid := core.caller_id();
begin
    return array(
        select team_members.team_id
        from core.team_members
        where
            team_members.user_id = caller_id
            and team_members.tenant_id
            = any((select core.tenants_with(teams_with.permission, 'team'))::uuid[])
    );
end
$$;

comment on function core.teams_with(text) is
'The ids of the calling user''s teams, in the tenants where the user holds the permission with the
scope team or a wider one. Definer, because core.team_members has policies that ask
core.tenants_with. Signed-in users may call it.';

create function core.sole_tenant_with(permission text, scope text default 'tenant') returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    candidates uuid[] := core.tenants_with(sole_tenant_with.permission, sole_tenant_with.scope);
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

comment on function core.sole_tenant_with(text, text) is
'The one tenant in which the caller holds the permission: the default of tenant_id where clients
insert. Raises tenancy.permission_missing (403) or tenancy.ambiguous (400).
Signed-in users may call it.';

create function core.require(tenant_id uuid, permission text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if (require.tenant_id = any(core.tenants_with(require.permission))) is not true then
        perform core.fail(
            'tenancy.permission_missing', jsonb_build_object('permission', require.permission)
        );
    end if;
end
$$;

comment on function core.require(uuid, text) is
'Refuses a caller who does not hold the permission in the tenant, in the same words whether or not
there is such a tenant. Raises tenancy.permission_missing (403). Signed-in users may call it.';

create function core.client_address() returns inet
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    settings json;
    hops text[];
    address text;
begin
    if coalesce(current_setting('request.headers', true), '') = '' then
        return null;
    elsif current_setting('tenon.address_of', true) = current_setting('request.headers') then
        -- Limits and audit both ask, and once a request is enough.
        return nullif(current_setting('tenon.address'), '')::inet;
    end if;
    select tenants.settings -> 'core' into settings
    from core.tenants
    where tenants.id = core.platform_tenant_id();
    if settings ->> 'address_header' is not null then
        address := core.request_header(settings ->> 'address_header');
    else
        hops := string_to_array(core.request_header('x-forwarded-for'), ',');
        address := hops[
            greatest(1, cardinality(hops) + 1 - coalesce((settings ->> 'proxies')::integer, 1))
        ];
    end if;
    begin
        address := trim(address)::inet;
    exception
        when invalid_text_representation or numeric_value_out_of_range then
            address := null;
    end;
    perform
        set_config('tenon.address_of', current_setting('request.headers'), true),
        set_config('tenon.address', coalesce(host(address::inet), ''), true);
    return address;
end
$$;

comment on function core.client_address() is
'The address that this request came from, null where none is known. Proxies append to
x-forwarded-for, so the last entry is what the nearest one saw and the first is the client''s word:
the entry of as many proxies as the platform tenant''s settings name, {"core": {"proxies": 1}},
counts, or a header that a gateway sets itself, {"core": {"address_header": "cf-connecting-ip"}}.
Definer, because it reads the platform''s settings. Anyone may call it.';

revoke all on function
core.platform_tenant_id(),
core.scopes_from(text),
core.hides(core.role_permissions, text),
core.tenants_with(text, text, text),
core.teams_with(text),
core.sole_tenant_with(text, text),
core.require(uuid, text),
core.client_address()
from public;
grant execute on function
core.platform_tenant_id(),
core.scopes_from(text),
core.tenants_with(text, text, text),
core.teams_with(text),
core.sole_tenant_with(text, text),
core.require(uuid, text),
core.client_address()
to authenticated, service_role;
grant execute on function
core.platform_tenant_id(), core.client_address()
to anon, tenon_device;

create function core.guard(
    guarded regclass, object text, owner text default null, team text default null
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    columns constant text[] := array(
        select attributes.attname from pg_attribute as attributes
        where attributes.attrelid = guarded and attributes.attnum > 0 and not attisdropped
    );
    name constant text := (select relname from pg_class where oid = guarded);
    allowed text;
    verb text;
    permission text;
begin
    if 'tenant_id' <> all(columns) or owner <> all(columns) or team <> all(columns) then
        raise exception '% lacks one of the columns %', guarded, array['tenant_id', owner, team]
            using errcode = 'undefined_column';
    end if;
    execute format('alter table %s enable row level security', guarded);
    foreach verb in array array['select', 'insert', 'update', 'delete'] loop
        permission := object || case verb when 'select' then '.read' else '.write' end;
        allowed := format(
            'tenant_id = any((select core.tenants_with(%L))::uuid[])', permission
        );
        if owner is not null then
            allowed := allowed || format(
                ' or (%I = (select core.caller_id())'
                ' and tenant_id = any((select core.tenants_with(%L, ''own''))::uuid[]))',
                owner, permission
            );
        end if;
        if team is not null then
            allowed := allowed || format(
                ' or (%I = any((select core.teams_with(%L))::uuid[])'
                ' and tenant_id = any((select core.tenants_with(%L, ''team''))::uuid[]))',
                team, permission, permission
            );
        end if;
        execute format(
            'create policy %I on %s for %s to authenticated %s',
            name || '_' || verb, guarded, verb,
            case verb
                when 'insert' then format('with check (%s)', allowed)
                when 'update' then format('using (%s) with check (%s)', allowed, allowed)
                else format('using (%s)', allowed)
            end
        );
    end loop;
end
$$;

comment on function core.guard(regclass, text, text, text) is
'Puts a table under row level security: reading needs the permission object.read, writing
object.write, in the row''s tenant_id. owner and team: the columns with the owning user''s and
team''s ids, which grants of the scopes own and team go by; without them only the scopes tenant and
descendants open the table. For the migration that makes the table. Owner only.';
revoke all on function core.guard(regclass, text, text, text) from public;

create function core.refuse_hidden_field() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    object constant text := tg_argv[0];
    field constant text := tg_argv[1];
begin
    -- An update is refused whatever it sets: were the same value let through, it could be guessed.
    if
        (core.caller()).kind in ('user', 'api_key')
        and (tg_op = 'UPDATE' or to_jsonb(new) ->> field is not null)
        and (new.tenant_id = any(core.tenants_with(object || '.write', 'own', field))) is not true
    then
        perform core.fail(
            'access.field_hidden', jsonb_build_object('object', object, 'field', field)
        );
    end if;
    return new;
end
$$;

comment on function core.refuse_hidden_field() is
'Trigger before insert, or update of a field: refuses a write to a field that the caller''s role is
kept from, even of the value that is there. Arguments: the object, the field. Raises
access.field_hidden (403).';
revoke all on function core.refuse_hidden_field() from public;

create function core.guard_fields(guarded regclass, object text, fields text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    name text;
begin
    foreach name in array fields loop
        execute format(
            'create trigger %I before insert or update of %I on %s '
            'for each row execute function core.refuse_hidden_field(%L, %L)',
            name || '_may_be_hidden', name, guarded, object, name
        );
    end loop;
    insert into core.fields (object, field, description)
    select
        guard_fields.object,
        field,
        coalesce(
            (
                select col_description(attributes.attrelid, attributes.attnum)
                from pg_attribute as attributes
                where attributes.attrelid = guarded and attributes.attname = field
            ),
            field
        )
    from unnest(fields) as field;
end
$$;

comment on function core.guard_fields(regclass, text, text[]) is
'Lets roles be kept from fields of a table: nobody whose role hides one can write it. The view of v1
shows such a field as
    case when tenant_id = any((select core.tenants_with(''object.read'', ''own'', ''field''))::uuid[])
        then field end
For the migration that makes the table. Owner only.';
revoke all on function core.guard_fields(regclass, text, text[]) from public;

alter table core.tenants enable row level security;
alter table core.permissions enable row level security;
alter table core.fields enable row level security;
alter table core.roles enable row level security;
alter table core.role_permissions enable row level security;
alter table core.hidden_fields enable row level security;
alter table core.members enable row level security;
alter table core.teams enable row level security;
alter table core.team_members enable row level security;
alter table core.api_keys enable row level security;

-- Those who may resume a suspended tenant see that it is there, and nothing in it.
create policy tenants_read on core.tenants for select to authenticated
using (
    id = any((select core.tenants_with('core.tenants.read'))::uuid[])
    or (
        status = 'suspended'
        and parent_id
        = any((select core.tenants_with('core.tenants.suspend', 'descendants'))::uuid[])
    )
);

create policy tenants_change on core.tenants for update to authenticated
using (id = any((select core.tenants_with('core.tenants.write'))::uuid[]))
with check (id = any((select core.tenants_with('core.tenants.write'))::uuid[]));

create policy permissions_read on core.permissions for select to authenticated
using (true);

create policy fields_read on core.fields for select to authenticated
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

create policy hidden_fields_read on core.hidden_fields for select to authenticated
using (
    tenant_id = core.platform_tenant_id()
    or tenant_id = any((select core.tenants_with('core.members.read'))::uuid[])
);

create policy members_read on core.members for select to authenticated
using (tenant_id = any((select core.tenants_with('core.members.read'))::uuid[]));

create policy teams_read on core.teams for select to authenticated
using (tenant_id = any((select core.tenants_with('core.members.read'))::uuid[]));

create policy team_members_read on core.team_members for select to authenticated
using (tenant_id = any((select core.tenants_with('core.members.read'))::uuid[]));

create policy api_keys_read on core.api_keys for select to authenticated
using (tenant_id = any((select core.tenants_with('core.api_keys.read'))::uuid[]));

grant select on
core.tenants, core.permissions, core.fields, core.roles, core.role_permissions,
core.hidden_fields, core.members, core.teams, core.team_members, core.api_keys
to authenticated;
grant update (slug, name, settings) on core.tenants to authenticated;
grant all on
core.tenants, core.permissions, core.fields, core.roles, core.role_permissions,
core.hidden_fields, core.members, core.teams, core.team_members, core.api_keys
to service_role;

insert into core.tenants (id, parent_id, slug, name)
values (core.platform_tenant_id(), null, 'platform', 'Platform');

insert into core.permissions (permission, description) values
('core.tenants.read', 'See the tenant: its name, status and settings.'),
('core.tenants.write', 'Change the tenant''s name, slug and settings.'),
('core.tenants.create', 'Add tenants below the tenant, and move tenants there.'),
('core.tenants.suspend', 'Suspend and resume the tenants below the tenant.'),
('core.tenants.own', 'Close the tenant, and say who owns it.'),
('core.members.read', 'See who belongs to the tenant, in which role and teams.'),
('core.members.write', 'Invite, suspend and remove members; change their roles and teams.'),
('core.roles.write', 'Make and change the tenant''s own roles.'),
('core.api_keys.read', 'See the tenant''s API keys, though never their secrets.'),
('core.api_keys.write', 'Make, rotate and revoke API keys.');

insert into core.roles (tenant_id, slug, name) values
(core.platform_tenant_id(), 'owner', 'Owner'),
(core.platform_tenant_id(), 'admin', 'Administrator'),
(core.platform_tenant_id(), 'manager', 'Manager'),
(core.platform_tenant_id(), 'agent', 'Agent'),
(core.platform_tenant_id(), 'analyst', 'Analyst'),
(core.platform_tenant_id(), 'viewer', 'Viewer');

create function core.allow_system_roles(
    role_slugs text[], permissions text[], scope text default null
)
returns void
language sql set search_path = pg_catalog, pg_temp
begin atomic
    insert into core.role_permissions (tenant_id, role_id, permission, scope)
    select
        roles.tenant_id,
        roles.id,
        granted.permission,
        coalesce(
            allow_system_roles.scope,
            case when roles.slug in ('owner', 'admin') then 'descendants' else 'tenant' end
        )
    from core.roles
    cross join unnest(allow_system_roles.permissions) as granted (permission)
    where
        roles.tenant_id = core.platform_tenant_id()
        and roles.slug = any(allow_system_roles.role_slugs)
    on conflict do nothing;
end;

comment on function core.allow_system_roles(text[], text[], text) is
'Gives permissions to system roles, with a scope: without one, owners and administrators get them in
the tenants below too, and the other roles in the tenant. For the migration that brings the
permissions. Owner only.';
revoke all on function core.allow_system_roles(text[], text[], text) from public;

select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent', 'analyst', 'viewer'],
    array['core.tenants.read', 'core.members.read']
);
select core.allow_system_roles(
    array['owner', 'admin'],
    array[
        'core.tenants.write', 'core.tenants.create', 'core.tenants.suspend',
        'core.members.write', 'core.roles.write', 'core.api_keys.read', 'core.api_keys.write'
    ]
);
select core.allow_system_roles(array['owner'], array['core.tenants.own']);

insert into core.errors (code, status, message, hint) values
(
    'access.field_hidden', 403, 'Your role is kept from the field {field} of {object}.',
    'Leave the field out, or ask an owner of the tenant for a role that shows it.'
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
'The tenants that you may see. Reading needs core.tenants.read, update of slug, name and settings
core.tenants.write; v1.create_tenant and its like do the rest.';

grant select on v1.tenants to authenticated, service_role;
grant update (slug, name, settings) on v1.tenants to authenticated;
