-- How much each may ask of the API: so much in a time, and no more until some of it has passed.
--
-- A limit is a row: who is counted together (a dimension), what is counted (an action, or
-- everything), and how many are let through. Every request is counted in the buckets of all limits
-- that apply to it, or in none when one of them refuses. Buckets are in the extension's shared
-- memory, so that requests that only read are counted too; where there is none, requests that write
-- are counted in a table, and those that read are not. Both go by the same decision of the domain.
--
-- What the platform sets for everybody are defaults; what it sets for a tenant takes their place.
-- What a tenant sets for itself is a bucket of its own beside these: it can refuse what they let
-- through, and never let through what they refuse.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('core.limits.read', 'See the rate limits of the tenant.'),
('core.limits.write', 'Set rate limits of the tenant that are tighter than those of the platform.');

select core.allow_system_roles(
    array['owner', 'admin'], array['core.limits.read', 'core.limits.write']
);

insert into core.errors (code, status, message, hint) values
(
    'limit.exceeded', 429,
    'The limit {limit} by {bucket} is used up.',
    'Send the request again after the time that Retry-After names, and spread requests evenly.'
),
(
    'limit.invalid', 400, 'These are no limits: {problem}.',
    'Write limits as 100/1m, 1000/1h burst 20; the position counts characters from 1.'
),
(
    'limit.buckets_invalid', 400, 'A request cannot be counted in these buckets.',
    'Name each bucket once, and a limit for each.'
),
(
    'limit.dimension_unknown', 400, 'A rate limit cannot count by {dimension}.',
    'Count by tenant, principal or address; the platform also by anonymous or action.'
),
(
    'limit.action_invalid', 400, '{action} is not the name of an action.',
    'Name it as rpc/move, get/contacts or invite; leave it out for all requests together.'
),
(
    'limit.too_many', 422, 'The tenant has as many rate limits as it may have, which is {count}.',
    'Clear one first.'
);

create table core.rate_limits (
    tenant_id uuid not null references core.tenants (id),
    dimension text not null,
    action text not null default '',
    set_by text not null default 'platform',
    limits text not null,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, dimension, action, set_by),
    constraint dimension_is_known
    check (dimension in ('tenant', 'principal', 'address', 'anonymous', 'action')),
    constraint action_is_a_name check (action ~ '^([A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)?)?$'),
    constraint action_is_short check (char_length(action) <= 100),
    constraint limits_are_short check (char_length(limits) <= 200),
    constraint set_by_is_known check (set_by in ('platform', 'tenant')),
    constraint platform_sets_its_own
    check (set_by = 'platform' or tenant_id <> '00000000-0000-0000-0000-000000000000'),
    constraint platform_limits_who_is_in_no_tenant
    check (
        dimension in ('tenant', 'principal', 'address')
        or tenant_id = '00000000-0000-0000-0000-000000000000'
    ),
    constraint everybody_is_limited_in_one_action check (dimension <> 'action' or action <> '')
);

comment on table core.rate_limits is
'How many requests are let through. Rows of the platform tenant hold for everybody.';
comment on column core.rate_limits.dimension is
'Who is counted together: a tenant, a principal (user, API key or device), an address (of IPv6 its
network of 64 bits), an address as far as its callers are anonymous, or everybody (action).';
comment on column core.rate_limits.action is
'What is counted: rpc/move, get/contacts, or a name that a function gives; empty for all requests.';
comment on column core.rate_limits.set_by is
'platform: in place of the default. tenant: beside what the platform set, so it only tightens.';
comment on column core.rate_limits.limits is
'Such as 100/1m, 1000/1h burst 20: all of them hold.';

create function core.read_limits() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    problem constant jsonb := tenon.limit_problem(new.limits);
begin
    if problem is not null then
        perform core.fail(problem ->> 'code', problem - 'code');
    end if;
    new.limits := array_to_string(tenon.limit_windows(new.limits), ', ');
    return new;
end
$$;

comment on function core.read_limits() is
'Trigger before insert or update: writes limits in the one way that they are written, or raises
limit.invalid (400) with the position of the mistake.';
revoke all on function core.read_limits() from public;

create trigger limits_are_read before insert or update of limits on core.rate_limits
for each row execute function core.read_limits();

-- Unlogged: what has been counted is worth no write-ahead log, and a crash may forget it.
create unlogged table core.rate_buckets (
    tenant_id uuid not null references core.tenants (id),
    bucket text not null,
    taken_until timestamptz not null,
    primary key (tenant_id, bucket)
);
create index rate_buckets_taken_until on core.rate_buckets (taken_until);

comment on table core.rate_buckets is
'The buckets of rate limits where there is no shared memory. tenant_id: of the limit.';
comment on column core.rate_buckets.taken_until is
'The theoretical arrival time of the algorithm (GCRA): from then on the bucket is as good as new.';

alter table core.rate_limits enable row level security;
alter table core.rate_buckets enable row level security;

create policy rate_limits_read on core.rate_limits for select to authenticated
using (
    tenant_id = core.platform_tenant_id()
    or tenant_id = any((select core.tenants_with('core.limits.read'))::uuid[])
);

create policy rate_buckets_are_internal on core.rate_buckets using (false);

grant select on core.rate_limits to authenticated;
grant all on core.rate_limits to service_role;

-- Generous: they stop programs that have gone astray, and guessing by strangers, not use.
insert into core.rate_limits (tenant_id, dimension, limits) values
(core.platform_tenant_id(), 'tenant', '12000/1m'),
(core.platform_tenant_id(), 'principal', '3000/1m'),
(core.platform_tenant_id(), 'address', '6000/1m'),
(core.platform_tenant_id(), 'anonymous', '300/1m burst 100');

create function core.limited_tenants(caller_kind text, caller_id uuid, caller_tenant_id uuid)
returns uuid[]
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    -- A request that names no tenant reaches all of its user's; so many of them are counted.
    tenants_max constant integer := 4;
    requested uuid;
    place uuid;
begin
    if caller_tenant_id is not null then
        return array[caller_tenant_id];
    elsif caller_kind <> 'user' then
        return '{}'::uuid[];
    end if;
    if current_setting('request.headers', true) ~* '"x-tenant-id"' then
        requested := core.requested_tenant_id();
    end if;
    if requested is null then
        return array(
            select members.tenant_id
            from core.members
            where members.user_id = limited_tenants.caller_id and members.status = 'active'
            order by members.tenant_id
            limit tenants_max
        );
    end if;
    -- Whoever does not belong to a tenant uses up nothing of it.
    perform
    from core.members
    where
        members.tenant_id = requested
        and members.user_id = limited_tenants.caller_id
        and members.status = 'active';
    if found then
        return array[requested];
    end if;
    place := requested;
    loop
        select tenants.parent_id into place from core.tenants where tenants.id = place;
        if place is null then
            return '{}'::uuid[];
        end if;
        perform
        from core.members
        inner join core.role_permissions as granted
            on
                granted.tenant_id = members.role_tenant_id
                and granted.role_id = members.role_id
        where
            members.tenant_id = place
            and members.user_id = limited_tenants.caller_id
            and members.status = 'active'
            and granted.scope = 'descendants';
        if found then
            return array[requested];
        end if;
    end loop;
end
$$;

comment on function core.limited_tenants(text, uuid, uuid) is
'The tenants whose limits a caller is counted in: its own, or the one that x-tenant-id names if the
user belongs to it or reaches down to it, or the first four that the user belongs to.
Definer, because it reads memberships. Internal.';
revoke all on function core.limited_tenants(text, uuid, uuid) from public;

create function core.charge_rate_buckets(owners uuid[], buckets text[], limits text[])
returns bigint[]
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    places integer[];
    owner_ids uuid[];
    names text[];
    windows text[];
    taken timestamptz[];
    verdict record;
begin
    -- A bucket for each period, always in the same order: nobody waits in a circle.
    select
        array_agg(bucket.place order by bucket.owner_id, named.name),
        array_agg(bucket.owner_id order by bucket.owner_id, named.name),
        array_agg(named.name order by bucket.owner_id, named.name),
        array_agg(single.window order by bucket.owner_id, named.name)
    into places, owner_ids, names, windows
    from unnest(charge_rate_buckets.owners, buckets, charge_rate_buckets.limits)
    with ordinality as bucket (owner_id, name, limits, place)
    cross join unnest(tenon.limit_windows(bucket.limits)) as single ("window")
    cross join concat(bucket.name, ' ', substring(single.window from '/(\w+)')) as named (name);
    if names is null then
        return array[0, 0, 0];
    end if;

    -- The update that changes nothing locks the row; the clock is read when all are locked.
    with locked as (
        insert into core.rate_buckets as stored (tenant_id, bucket, taken_until)
        select wanted.owner_id, wanted.name, '-infinity'
        from unnest(owner_ids, names) with ordinality as wanted (owner_id, name, place)
        order by wanted.place
        on conflict on constraint rate_buckets_pkey do update set taken_until = stored.taken_until
        returning stored.tenant_id, stored.bucket, stored.taken_until
    )
    select array_agg(locked.taken_until order by wanted.place)
    into taken
    from unnest(owner_ids, names) with ordinality as wanted (owner_id, name, place)
    inner join locked on locked.tenant_id = wanted.owner_id and locked.bucket = wanted.name;

    select decided.refused_by, decided.retry_after_us, decided.taken_until
    into verdict
    from tenon.limit_decide(taken, windows, clock_timestamp()) as decided;
    if verdict.refused_by is not null then
        return array[places[verdict.refused_by], verdict.retry_after_us, 0];
    end if;

    update core.rate_buckets as stored
    set taken_until = charged.taken_until
    from unnest(owner_ids, names, verdict.taken_until) as charged (owner_id, name, taken_until)
    where stored.tenant_id = charged.owner_id and stored.bucket = charged.name;

    -- Whoever adds a few clears away more than a few.
    delete from core.rate_buckets
    where rate_buckets.ctid = any(
        array(
            select idle.ctid
            from core.rate_buckets as idle
            where idle.taken_until < now() - interval '1 minute'
            order by idle.taken_until
            limit 2 * cardinality(names)
            for update skip locked
        )
    );
    return array[0, 0, 0];
end
$$;

comment on function core.charge_rate_buckets(uuid[], text[], text[]) is
'tenon.limit_check over core.rate_buckets: {refused_by, retry_after_us, remaining}, of which the
last is always 0. The buckets stay locked until the transaction ends. Definer, because nobody else
may write buckets. Internal.';
revoke all on function core.charge_rate_buckets(uuid[], text[], text[]) from public;

create function core.check_rate_limits(action text default null) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan
as $$
declare
    platform constant uuid := '00000000-0000-0000-0000-000000000000'::uuid;
    caller constant record := core.caller();
    path constant text := current_setting('request.path', true);
    actions constant text[] := case
        when check_rate_limits.action is not null then array[check_rate_limits.action]
        when path <> '' then
            array['', tenon.limit_action(current_setting('request.method', true), path)]
        else array['']
    end;
    address inet;
    reached uuid[];
    reached_id uuid;
    applied record;
    subject text;
    scope text;
    bucket text;
    -- What was found so far: the buckets, and of which defaults the platform has taken the place.
    owners uuid[] := '{}'::uuid[];
    buckets text[] := '{}'::text[];
    scopes text[] := '{}'::text[];
    limits text[] := '{}'::text[];
    replaced text[];
    verdict bigint[];
begin
    if caller.kind in ('service', 'system') then
        return;
    end if;
    address := core.client_address();
    if family(address) = 6 then
        address := network(set_masklen(address, 64));
    end if;
    reached := core.limited_tenants(caller.kind, caller.id, caller.tenant_id);
    if reached = '{}' then
        reached := array[null::uuid];
    end if;

    -- A loop, because a statement that does all of this takes twice as long to set up and run.
    foreach reached_id in array reached loop
        replaced := '{}'::text[];
        -- The platform's id is the lowest: what is a tenant's own comes first.
        for applied in
            select
                rate_limits.tenant_id,
                rate_limits.dimension,
                rate_limits.action,
                rate_limits.set_by,
                rate_limits.limits
            from core.rate_limits
            where
                rate_limits.tenant_id in (reached_id, platform)
                and rate_limits.action = any(actions)
            order by rate_limits.tenant_id desc
        loop
            scope := rtrim(applied.dimension || ' ' || applied.action);
            if applied.tenant_id = platform then
                continue when scope = any(replaced);
            elsif applied.set_by = 'platform' then
                replaced := replaced || scope;
            end if;
            subject := case applied.dimension
                when 'tenant' then reached_id::text
                when 'principal' then caller.kind || ' ' || caller.id
                when 'address' then host(address)
                when 'anonymous' then case caller.kind when 'anonymous' then host(address) end
                else ''
            end;
            bucket := scope || ' ' || subject;
            if applied.tenant_id <> platform then
                bucket := bucket || ' ' || applied.tenant_id || ' ' || applied.set_by;
            end if;
            continue when bucket is null or bucket = any(buckets);
            owners := owners || applied.tenant_id;
            buckets := buckets || bucket;
            scopes := scopes || scope;
            limits := limits || applied.limits;
        end loop;
    end loop;
    if buckets = '{}' then
        return;
    end if;

    verdict := tenon.limit_check(buckets, limits);
    if verdict is null and not current_setting('transaction_read_only')::boolean then
        verdict := core.charge_rate_buckets(owners, buckets, limits);
    end if;
    if verdict[1] > 0 then
        perform core.fail(
            'limit.exceeded',
            jsonb_build_object(
                'bucket', scopes[verdict[1]],
                'limit', limits[verdict[1]],
                'remaining', 0,
                'retry_after_s', ceil(verdict[2] / 1000000.0)
            )
        );
    end if;
end
$$;

comment on function core.check_rate_limits(text) is
'Counts this request against all limits that apply to its tenant, principal and address, or refuses
it: raises limit.exceeded (429). Without an action: the limits of all requests and those of this one,
by its method and path; with one: the limits of that action alone, beside what was counted before.
The service role, and whoever is at SQL without a request, is not limited. Definer, because it reads
limits of the platform. Any caller of the API may call it.';
revoke all on function core.check_rate_limits(text) from public;
grant execute on function core.check_rate_limits(text)
to anon, authenticated, service_role, tenon_device;

create function core.rate_limiting()
returns table (mode text, capacity bigint, in_force bigint, given_up bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        case when memory.capacity > 0 then 'shared memory' else 'table' end,
        memory.capacity,
        case
            when memory.capacity > 0 then memory.in_force
            else (
                select count(*) from core.rate_buckets
                where rate_buckets.taken_until > clock_timestamp()
            )
        end,
        memory.given_up
    from tenon.limit_memory() as memory;
end
$$;

comment on function core.rate_limiting() is
'How requests are counted. mode: shared memory (all of them), or table (those that write). capacity:
how many buckets are remembered, 0 for no end. in_force: how many are in use now. given_up: how many
were forgotten while in use, for want of room. Definer, because only the owner may look into the
memory. service_role may call it.';
revoke all on function core.rate_limiting() from public;
grant execute on function core.rate_limiting() to service_role;

create function core.rate_limits_per_tenant_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 100;

comment on function core.rate_limits_per_tenant_max() is
'How many rate limits a tenant may set for itself: four for all requests, and four for each of some
twenty actions. Signed-in users may call it.';
revoke all on function core.rate_limits_per_tenant_max() from public;
grant execute on function core.rate_limits_per_tenant_max() to authenticated, service_role;

create view v1.rate_limits with (security_invoker = true) as
select
    rate_limits.tenant_id,
    rate_limits.dimension,
    nullif(rate_limits.action, '') as action,
    rate_limits.limits,
    rate_limits.set_by,
    rate_limits.created_at
from core.rate_limits;

comment on view v1.rate_limits is
'The limits of requests: the defaults, which are of the platform''s tenant, and those of your
tenants. dimension: who is counted together; action: what is counted, null for all requests; set_by:
platform, in place of the default, or tenant, beside it. The defaults are for everybody who signs
in; the rest needs core.limits.read. v1.set_rate_limit and v1.clear_rate_limit change them.';
grant select on v1.rate_limits to authenticated, service_role;

-- Who sets a limit, in the caller's name: the platform for the service role and for its own tenant.
create function core.limit_setter(tenant_id uuid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when (core.caller()).kind = 'service' or tenant_id = core.platform_tenant_id()
            then 'platform'
        else 'tenant'
    end;
end
$$;

comment on function core.limit_setter(uuid) is
'In whose name the caller sets limits of the tenant: platform or tenant. Internal.';
revoke all on function core.limit_setter(uuid) from public;

create function core.set_rate_limit(dimension text, limits text, action text)
returns core.rate_limits
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.limits.write');
    setter constant text := core.limit_setter(owner_id);
    stored core.rate_limits;
begin
    if
        (dimension in ('tenant', 'principal', 'address')) is not true
        and (
            dimension in ('anonymous', 'action') and owner_id = core.platform_tenant_id()
        ) is not true
    then
        perform core.fail(
            'limit.dimension_unknown', jsonb_build_object('dimension', dimension)
        );
    elsif
        char_length(action) > 100
        or (action ~ '^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)?$') is false
        or (dimension = 'action' and action is null)
    then
        perform core.fail('limit.action_invalid', jsonb_build_object('action', action));
    end if;

    -- One at a time for each tenant, so that the count holds.
    perform from core.tenants where tenants.id = owner_id for no key update;
    insert into core.rate_limits (tenant_id, dimension, action, set_by, limits)
    values (
        owner_id, set_rate_limit.dimension, coalesce(set_rate_limit.action, ''), setter,
        coalesce(set_rate_limit.limits, '')
    )
    on conflict on constraint rate_limits_pkey do update
    set
        limits = excluded.limits,
        created_at = excluded.created_at,
        created_by = excluded.created_by
    returning rate_limits.* into stored;

    if (
        select count(*) from core.rate_limits
        where rate_limits.tenant_id = owner_id and rate_limits.set_by = 'tenant'
    ) > core.rate_limits_per_tenant_max() then
        perform core.fail(
            'limit.too_many', jsonb_build_object('count', core.rate_limits_per_tenant_max())
        );
    end if;
    return stored;
end
$$;

comment on function core.set_rate_limit(text, text, text) is
'What v1.set_rate_limit does. Definer, because nobody may write limits of the platform, and tenants
their own only through here. Signed-in users may call it.';

create function core.clear_rate_limit(dimension text, action text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.limits.write');
    setter constant text := core.limit_setter(owner_id);
begin
    delete from core.rate_limits
    where
        rate_limits.tenant_id = owner_id
        and rate_limits.dimension = clear_rate_limit.dimension
        and rate_limits.action = coalesce(clear_rate_limit.action, '')
        and rate_limits.set_by = setter;
    return found;
end
$$;

comment on function core.clear_rate_limit(text, text) is
'What v1.clear_rate_limit does. Definer as core.set_rate_limit. Signed-in users may call it.';

revoke all on function
core.set_rate_limit(text, text, text), core.clear_rate_limit(text, text)
from public;
grant execute on function
core.set_rate_limit(text, text, text), core.clear_rate_limit(text, text)
to authenticated, service_role;

create function v1.set_rate_limit(dimension text, limits text, action text default null)
returns v1.rate_limits
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    stored constant core.rate_limits := core.set_rate_limit(dimension, limits, action);
begin
    return (
        stored.tenant_id, stored.dimension, nullif(stored.action, ''), stored.limits,
        stored.set_by, stored.created_at
    )::v1.rate_limits;
end
$$;

comment on function v1.set_rate_limit(text, text, text) is
'Limits the requests of your tenant: dimension is who is counted together (tenant, principal
or address), limits how many are let through, as 100/1m, 1000/1h burst 20, and action what
is counted (rpc/move, get/contacts), without which it is every request. It holds beside the limits of
the platform, and so only tightens them; set by the service role it takes the default''s place.
Replaces the limit that was there. Returns it. Raises limit.invalid (400) with the position of the
mistake, limit.dimension_unknown (400), limit.action_invalid (400), limit.too_many (422).
Needs core.limits.write.';

create function v1.clear_rate_limit(dimension text, action text default null) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.clear_rate_limit(dimension, action);
end
$$;

comment on function v1.clear_rate_limit(text, text) is
'Removes a limit that v1.set_rate_limit has set for your tenant, and returns whether there was one.
Needs core.limits.write.';

revoke all on function
v1.set_rate_limit(text, text, text), v1.clear_rate_limit(text, text)
from public;
grant execute on function
v1.set_rate_limit(text, text, text), v1.clear_rate_limit(text, text)
to authenticated, service_role;

select core.audit('core.rate_limits');
