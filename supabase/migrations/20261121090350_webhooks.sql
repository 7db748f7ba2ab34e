-- Where a tenant wants to be told over HTTP of what happens in it.
--
-- An endpoint names the types of events that it wants, and may narrow them by a condition. Whoever
-- makes one, or changes where it leads or what it gets, may read these events: an endpoint is a
-- reader that stays when its maker has gone. What goes out is signed as Standard Webhooks say, with
-- a secret that the database keeps; the requests, too, are made here.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('core.webhooks.read', 'See the webhooks of the tenant, though not the paths of their addresses.'),
('core.webhooks.manage', 'Make and change the webhooks of the tenant, for events one may read.');

select core.allow_system_roles(array['owner', 'admin', 'manager'], array['core.webhooks.read']);
select core.allow_system_roles(array['owner', 'admin'], array['core.webhooks.manage']);

insert into core.event_types (type, description, permission) values
('core.webhook.created', 'A webhook was made.', 'core.webhooks.read'),
('core.webhook.updated', 'A webhook was changed: changes names what.', 'core.webhooks.read'),
('core.webhook.enabled', 'A webhook that was disabled goes on.', 'core.webhooks.read'),
('core.webhook.disabled', 'A webhook was stopped: reason says why.', 'core.webhooks.read'),
('core.webhook.deleted', 'A webhook was removed.', 'core.webhooks.read'),
('core.webhook.secret_rotated', 'A webhook got another secret.', 'core.webhooks.read'),
(
    'core.webhook.test', 'Not an event: what v1.send_test_webhook sends.', 'core.webhooks.read'
);

insert into core.errors (code, status, message, hint) values
(
    'webhook.unknown', 404, 'There is no webhook {id} in this tenant.',
    'Compare the id with those in v1.webhook_endpoints.'
),
(
    'webhook.url_invalid', 422, 'The address cannot be one of a webhook: {problem}.',
    'Give an https address of a public host, without a user, a password or a fragment.'
),
(
    'webhook.event_types_invalid', 422, 'A webhook names 1 to {types_max} types of events.',
    'Choose from v1.event_types, each once.'
),
(
    'webhook.type_forbidden', 403, 'You may not read events of the type {type}.',
    'Leave the type out, or ask for {permission} in this tenant.'
),
(
    'webhook.concurrency_invalid', 422, 'A webhook takes 1 to {concurrency_max} requests at once.',
    'Leave it at 10 unless the receiver asks for something else.'
),
(
    'webhook.description_invalid', 422, 'A description has {characters_max} characters at most.',
    'Write less.'
),
(
    'webhook.change_unknown', 400, 'A webhook has nothing called {name} that could be changed.',
    'Change url, event_types, condition, description and max_concurrency.'
),
(
    'webhook.too_many', 422, 'A tenant has {endpoints_max} webhooks at most.',
    'Delete one, or let one receiver hand events on.'
),
(
    'webhook.overlap_invalid', 422, 'Two secrets hold together for 0 to {hours_max} hours.',
    'Choose as long as the receiver needs to be changed; 0 stops the old secret at once.'
),
(
    'webhook.disabled', 409, 'The webhook is disabled: {reason}.',
    'Enable it with v1.enable_webhook_endpoint.'
),
(
    'webhook.replay_invalid', 422,
    'Events are replayed from a number of 1 or more to one that is not below it.',
    'Take numbers from v1.events.'
);

create table core.webhook_endpoints (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    url text not null,
    url_masked text not null
    generated always as (core.mask_recipient('webhook', url)) stored,
    description text,
    event_types text[] not null,
    condition jsonb,
    max_concurrency integer not null default 10,
    status text not null default 'enabled',
    disabled_reason text,
    disabled_at timestamptz,
    failing_since timestamptz,
    secret_id uuid not null,
    previous_secret_id uuid,
    previous_expires_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint url_is_short check (char_length(url) between 1 and 2000),
    constraint description_is_short check (char_length(description) between 1 and 500),
    constraint event_types_are_listed check (cardinality(event_types) between 1 and 100),
    constraint concurrency_in_range check (max_concurrency between 1 and 50),
    constraint status_is_known check (status in ('enabled', 'disabled')),
    constraint disabling_is_recorded check (
        (status = 'disabled') = (disabled_at is not null)
        and (status = 'disabled') = (disabled_reason is not null)
    ),
    constraint reason_is_short check (char_length(disabled_reason) <= 200),
    constraint previous_secret_expires
    check ((previous_secret_id is null) = (previous_expires_at is null))
);

comment on table core.webhook_endpoints is
'Addresses that a tenant''s events are sent to.';
comment on column core.webhook_endpoints.url is
'With whatever tokens its path holds: members without core.webhooks.manage see url_masked.';
comment on column core.webhook_endpoints.condition is
'Narrows the events, as tenon.condition_holds reads it, over {type, number, at, subject_type,
subject_id, actor, data}; null for all.';
comment on column core.webhook_endpoints.disabled_reason is
'by_member, or the code of what made it fail for good.';
comment on column core.webhook_endpoints.failing_since is
'The first failure after the last success; null while it works.';
comment on column core.webhook_endpoints.secret_id is 'Of core.read_secret, as previous_secret_id.';

create table core.webhook_cursors (
    tenant_id uuid not null,
    endpoint_id uuid not null,
    number bigint not null,
    primary key (tenant_id, endpoint_id),
    foreign key (tenant_id, endpoint_id) references core.webhook_endpoints (tenant_id, id)
    on delete cascade,
    constraint number_is_counted check (number >= 0)
) with (fillfactor = 50);

comment on table core.webhook_cursors is
'Up to which event it has been decided what an endpoint is told; it stands while the endpoint is
disabled. Apart from the endpoints, which workers lock while they count what is on its way there.
Written by whoever has locked the tenant''s row in core.webhook_followers.';

alter table core.webhook_endpoints enable row level security;
alter table core.webhook_cursors enable row level security;

create policy webhook_cursors_read on core.webhook_cursors for select to authenticated
using (tenant_id = any((select core.tenants_with('core.webhooks.read'))::uuid[]));

grant select on core.webhook_cursors to authenticated, service_role;

create policy webhook_endpoints_read on core.webhook_endpoints for select to authenticated
using (tenant_id = any((select core.tenants_with('core.webhooks.read'))::uuid[]));

grant select (
    tenant_id, id, url, url_masked, description, event_types, condition, max_concurrency, status,
    disabled_reason, disabled_at, failing_since, previous_expires_at, created_at, created_by
) on core.webhook_endpoints to authenticated, service_role;

select core.audit('core.webhook_endpoints', '{failing_since,url_masked}');

select core.map_personal(
    'core.webhook_endpoints.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
);
select core.map_not_personal(
    'Machines and events, as those who manage webhooks describe them.',
    'core.webhook_endpoints.url', 'core.webhook_endpoints.url_masked',
    'core.webhook_endpoints.description', 'core.webhook_endpoints.condition',
    'core.webhook_endpoints.disabled_reason', 'core.webhook_endpoints.secret_id',
    'core.webhook_endpoints.previous_secret_id'
);

create view v1.webhook_endpoints with (security_invoker = true) as
select
    endpoints.tenant_id,
    endpoints.id,
    case
        when
            endpoints.tenant_id
            = any((select core.tenants_with('core.webhooks.manage'))::uuid[])
            then endpoints.url
        else endpoints.url_masked
    end as url,
    endpoints.description,
    endpoints.event_types,
    endpoints.condition,
    endpoints.max_concurrency,
    endpoints.status,
    endpoints.disabled_reason,
    endpoints.disabled_at,
    endpoints.failing_since,
    endpoints.previous_expires_at as previous_secret_expires_at,
    cursors.number as fanned_out_number,
    endpoints.created_at,
    endpoints.created_by
from core.webhook_endpoints as endpoints
left join core.webhook_cursors as cursors
    on cursors.tenant_id = endpoints.tenant_id and cursors.endpoint_id = endpoints.id;

comment on view v1.webhook_endpoints is
'The webhooks of your tenants, without their secrets. url is masked without core.webhooks.manage.
failing_since: nothing has been delivered since then. fanned_out_number: the newest event that has
been looked at for it. Needs core.webhooks.read.';

grant select on v1.webhook_endpoints to authenticated, service_role;

-- Limits ------------------------------------------------------------------------------------------

create function core.webhook_endpoints_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 50;

comment on function core.webhook_endpoints_max() is
'How many webhooks a tenant has at most: each reads every event of the tenant. Internal.';

create function core.webhook_failing_days() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 5;

comment on function core.webhook_failing_days() is
'After how many days without one success an endpoint is disabled. The attempts at one event end
after a little more than three: some have been given up by then, and a long week-end has passed.
Internal.';

create function core.development_hosts() returns text[]
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select lower(jsonb_array_elements_text(tenants.settings #> '{core,development_hosts}'))
        from core.tenants
        where
            tenants.id = core.platform_tenant_id()
            and jsonb_typeof(tenants.settings #> '{core,development_hosts}') = 'array'
    );
end
$$;

comment on function core.development_hosts() is
'Hosts that webhooks may reach over http and in private networks, with their port where they have
one: {"core": {"development_hosts": ["127.0.0.1:8080"]}} in the settings of the platform tenant,
which only its administrators change. Not for production. Definer, because it reads the platform''s
settings. Internal.';

create function core.webhook_url_problem(url text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    parts constant text[] := regexp_match(
        webhook_url_problem.url, '^(https?)://([^/?#\\]*)([/?][!-~]*)?$'
    );
    authority constant text := lower(parts[2]);
    host constant text := rtrim(regexp_replace(authority, ':[0-9]{1,5}$', ''), '.');
    address inet;
begin
    if webhook_url_problem.url is null or char_length(webhook_url_problem.url) > 2000 then
        return 'it has no 1 to 2000 characters';
    elsif position('#' in webhook_url_problem.url) > 0 then
        return 'it has a fragment';
    elsif parts is null then
        return 'it is none that begins with https://';
    elsif position('@' in authority) > 0 then
        return 'it names a user';
    elsif authority = any(core.development_hosts()) then
        return null;
    elsif parts[1] <> 'https' then
        return 'it is none that begins with https://';
    elsif
        substring(authority from ':([0-9]{1,5})$')::integer not between 1024 and 65535
        and substring(authority from ':([0-9]{1,5})$')::integer <> 443
    then
        return 'its port is neither 443 nor above 1023';
    elsif host ~ '^\[[0-9a-f:.]+\]$' then
        begin
            address := trim(both '[]' from host)::inet;
        exception
            when invalid_text_representation then
                return 'its host is none';
        end;
        -- What is routed, without the ranges that wrap addresses of version 4 and examples.
        if
            address << '2000::/3'
            and not address <<= any('{2001::/23,2001:db8::/32,2002::/16,3fff::/20}'::inet[])
        then
            return null;
        end if;
        return 'its host is an address of a private network';
    elsif
        host !~ '^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?)*$'
        or octet_length(host) > 253
    then
        return 'its host is none';
    elsif host ~ '^(0|[1-9][0-9]{0,2})(\.(0|[1-9][0-9]{0,2})){3}$' then
        begin
            address := host::inet;
        exception
            when invalid_text_representation then
                return 'its host is none';
        end;
        if
            address <<= any(
                '{0.0.0.0/8,10.0.0.0/8,100.64.0.0/10,127.0.0.0/8,169.254.0.0/16,172.16.0.0/12,
                192.0.0.0/24,192.0.2.0/24,192.88.99.0/24,192.168.0.0/16,198.18.0.0/15,
                198.51.100.0/24,203.0.113.0/24,224.0.0.0/3}'::inet[]
            )
        then
            return 'its host is an address of a private network';
        end if;
        return null;
    -- Browsers and libraries read 2130706433, 0x7f.1 and 127.1 as addresses too.
    elsif host ~ '(^|\.)(0x[0-9a-f]*|[0-9]+)$' then
        return 'its host is an address of a private network';
    elsif
        host !~ '\.'
        or host ~ '(^|\.)(localhost|local|internal|intranet|home\.arpa|lan|onion)$'
    then
        return 'its host is one of a private network';
    end if;
    return null;
end
$$;

comment on function core.webhook_url_problem(text) is
'Why an address cannot be one of a webhook, in words; null where it can. Only what can be seen of
it: which address a name leads to is asked when a request is made, and then again. Internal.';

-- Endpoints ---------------------------------------------------------------------------------------

create function core.new_webhook_secret() returns text
language sql volatile set search_path = pg_catalog, pg_temp
return tenon.webhook_secret(
    sha256(
        uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
    )
);

comment on function core.new_webhook_secret() is
'A secret as Standard Webhooks write it: whsec_ and 32 bytes in Base64, of 366 random bits.
Internal.';

create function core.check_webhook_endpoint(endpoint core.webhook_endpoints) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    problem constant text := core.webhook_url_problem(endpoint.url);
    wanted record;
begin
    if problem is not null then
        perform core.fail('webhook.url_invalid', jsonb_build_object('problem', problem));
    elsif (endpoint.max_concurrency between 1 and 50) is not true then
        perform core.fail('webhook.concurrency_invalid', '{"concurrency_max": 50}');
    elsif char_length(endpoint.description) not between 1 and 500 then
        perform core.fail('webhook.description_invalid', '{"characters_max": 500}');
    elsif
        (cardinality(endpoint.event_types) between 1 and 100) is not true
        or cardinality(endpoint.event_types)
        <> (select count(distinct type) from unnest(endpoint.event_types) as type)
    then
        perform core.fail('webhook.event_types_invalid', '{"types_max": 100}');
    end if;
    if endpoint.condition is not null then
        perform tenon.condition_check(endpoint.condition);
    end if;
    perform core.require(endpoint.tenant_id, 'core.events.read');
    for wanted in
        select
            named.type,
            event_types.permission
        from unnest(endpoint.event_types) as named (type)
        left join core.event_types on event_types.type = named.type
        order by named.type
    loop
        if wanted.permission is null then
            perform core.fail('event.type_unknown', jsonb_build_object('type', wanted.type));
        elsif
            (endpoint.tenant_id = any(core.tenants_with(wanted.permission))) is not true
        then
            perform core.fail(
                'webhook.type_forbidden',
                jsonb_build_object('type', wanted.type, 'permission', wanted.permission)
            );
        end if;
    end loop;
end
$$;

comment on function core.check_webhook_endpoint(core.webhook_endpoints) is
'Refuses an endpoint that is wrong, and one that would be sent events which the caller may not read:
in its tenant it takes core.events.read and the permission of each type. Raises webhook.…,
condition.…, event.type_unknown (400), webhook.type_forbidden and tenancy.permission_missing (403).
Internal.';

create function core.webhook_endpoint_in(tenant_id uuid, id uuid)
returns core.webhook_endpoints
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    endpoint core.webhook_endpoints;
begin
    select endpoints.* into endpoint
    from core.webhook_endpoints as endpoints
    where
        endpoints.tenant_id = webhook_endpoint_in.tenant_id
        and endpoints.id = webhook_endpoint_in.id
    for no key update;
    if not found then
        perform core.fail('webhook.unknown', jsonb_build_object('id', webhook_endpoint_in.id));
    end if;
    return endpoint;
end
$$;

comment on function core.webhook_endpoint_in(uuid, uuid) is
'An endpoint of a tenant, locked. Raises webhook.unknown (404). Internal.';

create function core.webhook_endpoint_answer(endpoint core.webhook_endpoints) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return to_jsonb(endpoint)
        - '{url_masked,secret_id,previous_secret_id,previous_expires_at}'::text[]
        || jsonb_build_object(
            'previous_secret_expires_at', endpoint.previous_expires_at,
            'fanned_out_number', (
                select cursors.number
                from core.webhook_cursors as cursors
                where
                    cursors.tenant_id = endpoint.tenant_id
                    and cursors.endpoint_id = endpoint.id
            )
        );
end
$$;

comment on function core.webhook_endpoint_answer(core.webhook_endpoints) is
'An endpoint as functions of v1 answer, with what v1.webhook_endpoints shows. Internal.';

create function core.lock_followers(tenant_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into core.webhook_followers (tenant_id)
    values (lock_followers.tenant_id)
    on conflict do nothing;
    perform
    from core.webhook_followers as followers
    where followers.tenant_id = lock_followers.tenant_id
    for no key update;
end
$$;

comment on function core.lock_followers(uuid) is
'Has webhooks of the tenant follow its events, and keeps others from fanning these out until the end
of the transaction. Whoever locks an endpoint too does so afterwards, and whoever emits an event, or
asks core.events_held, does so last: in this order nobody stands in a circle. Internal.';

create function core.events_held(tenant_id uuid) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into core.event_heads (tenant_id)
    values (events_held.tenant_id)
    on conflict do nothing;
    perform
    from core.event_heads
    where event_heads.tenant_id = events_held.tenant_id
    for no key update;
    return core.last_event_number(events_held.tenant_id);
end
$$;

comment on function core.events_held(uuid) is
'The number of the tenant''s newest event. Until the end of the transaction no other commits, and
whoever numbers later ones sees what this transaction has written. Internal.';

create function core.create_webhook_endpoint(
    url text, event_types text[], condition jsonb, description text, max_concurrency integer
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.webhooks.manage');
    secret constant text := core.new_webhook_secret();
    endpoint core.webhook_endpoints;
    newest bigint;
begin
    endpoint.tenant_id := owner_id;
    endpoint.url := create_webhook_endpoint.url;
    endpoint.event_types := create_webhook_endpoint.event_types;
    -- Over JSON no condition is a null of JSON.
    endpoint.condition := nullif(create_webhook_endpoint.condition, 'null');
    endpoint.description := create_webhook_endpoint.description;
    endpoint.max_concurrency := create_webhook_endpoint.max_concurrency;
    perform core.check_webhook_endpoint(endpoint);
    -- Also makes those who add endpoints come one after the other.
    perform core.lock_followers(owner_id);
    if
        (select count(*) from core.webhook_endpoints where tenant_id = owner_id)
        >= core.webhook_endpoints_max()
    then
        perform core.fail(
            'webhook.too_many',
            jsonb_build_object('endpoints_max', core.webhook_endpoints_max())
        );
    end if;
    insert into core.webhook_endpoints (
        tenant_id, url, event_types, condition, description, max_concurrency, secret_id
    )
    values (
        owner_id, endpoint.url, endpoint.event_types, endpoint.condition, endpoint.description,
        endpoint.max_concurrency, core.store_secret(owner_id, 'webhook', secret)
    )
    returning * into endpoint;
    newest := core.events_held(owner_id);
    insert into core.webhook_cursors (tenant_id, endpoint_id, number)
    values (owner_id, endpoint.id, newest);
    perform core.emit(owner_id, 'core.webhook.created', 'webhook_endpoint', endpoint.id);
    return core.webhook_endpoint_answer(endpoint) || jsonb_build_object('secret', secret);
end
$$;

comment on function core.create_webhook_endpoint(text, text[], jsonb, text, integer) is
'What v1.create_webhook_endpoint does. Definer, because it writes core.webhook_endpoints. Signed-in
users may call it.';

create function core.update_webhook_endpoint(id uuid, changes jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    changeable constant text[] := array[
        'url', 'event_types', 'condition', 'description', 'max_concurrency'
    ];
    owner_id constant uuid := core.sole_tenant_with('core.webhooks.manage');
    endpoint core.webhook_endpoints := core.webhook_endpoint_in(
        owner_id, update_webhook_endpoint.id
    );
    unknown text;
begin
    if jsonb_typeof(changes) is distinct from 'object' then
        perform core.fail('webhook.change_unknown', jsonb_build_object('name', 'nothing'));
    end if;
    select name into unknown
    from jsonb_object_keys(changes) as name
    where name <> all(changeable)
    limit 1;
    if found then
        perform core.fail('webhook.change_unknown', jsonb_build_object('name', unknown));
    end if;
    if changes ? 'url' then
        endpoint.url := changes ->> 'url';
    end if;
    if changes ? 'event_types' then
        endpoint.event_types := case jsonb_typeof(changes -> 'event_types')
            when 'array'
                then array(select jsonb_array_elements_text(changes -> 'event_types'))
        end;
    end if;
    if changes ? 'condition' then
        endpoint.condition := nullif(changes -> 'condition', 'null');
    end if;
    if changes ? 'description' then
        endpoint.description := changes ->> 'description';
    end if;
    if changes ? 'max_concurrency' then
        endpoint.max_concurrency := case
            when changes ->> 'max_concurrency' ~ '^[0-9]{1,4}$'
                then (changes ->> 'max_concurrency')::integer
        end;
    end if;
    -- All of it again: whoever changes where an endpoint leads gets what it is sent.
    perform core.check_webhook_endpoint(endpoint);
    update core.webhook_endpoints as endpoints
    set
        url = endpoint.url,
        event_types = endpoint.event_types,
        condition = endpoint.condition,
        description = endpoint.description,
        max_concurrency = endpoint.max_concurrency
    where endpoints.tenant_id = owner_id and endpoints.id = endpoint.id
    returning * into endpoint;
    perform core.emit(
        owner_id, 'core.webhook.updated', 'webhook_endpoint', endpoint.id,
        jsonb_build_object(
            'changes', to_jsonb(array(select jsonb_object_keys(changes)))
        )
    );
    return core.webhook_endpoint_answer(endpoint);
end
$$;

comment on function core.update_webhook_endpoint(uuid, jsonb) is
'What v1.update_webhook_endpoint does. Definer, because it writes core.webhook_endpoints. Signed-in
users may call it.';

create function core.enable_webhook_endpoint(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.webhooks.manage');
    endpoint core.webhook_endpoints;
    newest bigint;
    missed_from bigint;
begin
    perform core.lock_followers(owner_id);
    endpoint := core.webhook_endpoint_in(owner_id, enable_webhook_endpoint.id);
    if endpoint.status = 'disabled' then
        newest := core.events_held(owner_id);
        update core.webhook_endpoints as endpoints
        set
            status = 'enabled',
            disabled_reason = null,
            disabled_at = null,
            failing_since = null
        where endpoints.tenant_id = owner_id and endpoints.id = endpoint.id
        returning * into endpoint;
        select cursors.number + 1 into missed_from
        from core.webhook_cursors as cursors
        where
            cursors.tenant_id = owner_id
            and cursors.endpoint_id = endpoint.id
            and cursors.number < newest;
        update core.webhook_cursors as cursors
        set number = newest
        where cursors.tenant_id = owner_id and cursors.endpoint_id = endpoint.id;
        perform core.emit(
            owner_id, 'core.webhook.enabled', 'webhook_endpoint', endpoint.id,
            jsonb_build_object('missed_from', missed_from)
        );
    end if;
    return core.webhook_endpoint_answer(endpoint)
        || jsonb_build_object('missed_from', missed_from);
end
$$;

comment on function core.enable_webhook_endpoint(uuid) is
'What v1.enable_webhook_endpoint does. Definer, because it writes core.webhook_endpoints. Signed-in
users may call it.';

create function core.disable_endpoint(tenant_id uuid, endpoint_id uuid, reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    update core.webhook_endpoints as endpoints
    set
        status = 'disabled',
        disabled_reason = left(disable_endpoint.reason, 200),
        disabled_at = clock_timestamp()
    where
        endpoints.tenant_id = disable_endpoint.tenant_id
        and endpoints.id = disable_endpoint.endpoint_id
        and endpoints.status = 'enabled';
    if found then
        perform core.emit(
            disable_endpoint.tenant_id, 'core.webhook.disabled', 'webhook_endpoint',
            disable_endpoint.endpoint_id,
            jsonb_build_object('reason', left(disable_endpoint.reason, 200))
        );
    end if;
end
$$;

comment on function core.disable_endpoint(uuid, uuid, text) is
'Stops an endpoint, and says so by an event. What waits for it is cancelled when it is claimed, and
events from now on wait for nobody: v1.replay_webhooks sends them once it is enabled. Does nothing
to one that is disabled, or not there. reason: a word, such as gone. Definer, because it writes
core.webhook_endpoints for whoever finishes deliveries. Internal.';

create function core.note_endpoint_outcome(
    tenant_id uuid, endpoint_id uuid, delivered boolean, at timestamptz
)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    failing_since timestamptz;
begin
    select endpoints.failing_since into failing_since
    from core.webhook_endpoints as endpoints
    where
        endpoints.tenant_id = note_endpoint_outcome.tenant_id
        and endpoints.id = note_endpoint_outcome.endpoint_id;
    -- Most outcomes are as the one before, and write nothing.
    if not found or (failing_since is null) = note_endpoint_outcome.delivered then
        if
            failing_since
            <= note_endpoint_outcome.at - make_interval(days => core.webhook_failing_days())
        then
            perform core.disable_endpoint(
                note_endpoint_outcome.tenant_id, note_endpoint_outcome.endpoint_id, 'failing'
            );
        end if;
        return;
    end if;
    update core.webhook_endpoints as endpoints
    set failing_since = case
            when not note_endpoint_outcome.delivered then note_endpoint_outcome.at
        end
    where
        endpoints.tenant_id = note_endpoint_outcome.tenant_id
        and endpoints.id = note_endpoint_outcome.endpoint_id;
end
$$;

comment on function core.note_endpoint_outcome(uuid, uuid, boolean, timestamptz) is
'Keeps since when an endpoint has taken nothing, and disables one that has not for
core.webhook_failing_days(). For whoever finishes deliveries, after each attempt. Definer, because
it writes core.webhook_endpoints. Internal.';

create function core.disable_webhook_endpoint(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.webhooks.manage');
    endpoint core.webhook_endpoints := core.webhook_endpoint_in(
        owner_id, disable_webhook_endpoint.id
    );
begin
    perform core.disable_endpoint(owner_id, endpoint.id, 'by_member');
    return core.webhook_endpoint_answer(core.webhook_endpoint_in(owner_id, endpoint.id));
end
$$;

comment on function core.disable_webhook_endpoint(uuid) is
'What v1.disable_webhook_endpoint does. Definer, because it writes core.webhook_endpoints. Signed-in
users may call it.';

create function core.delete_webhook_endpoint(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.webhooks.manage');
    endpoint core.webhook_endpoints;
begin
    -- The cursor goes too, which whoever fans out writes.
    perform core.lock_followers(owner_id);
    endpoint := core.webhook_endpoint_in(owner_id, delete_webhook_endpoint.id);
    delete from core.webhook_endpoints as endpoints
    where endpoints.tenant_id = owner_id and endpoints.id = endpoint.id;
    perform core.delete_secret(owner_id, endpoint.secret_id);
    if endpoint.previous_secret_id is not null then
        perform core.delete_secret(owner_id, endpoint.previous_secret_id);
    end if;
    perform core.emit(owner_id, 'core.webhook.deleted', 'webhook_endpoint', endpoint.id);
    return jsonb_build_object('tenant_id', owner_id, 'id', endpoint.id, 'deleted', true);
end
$$;

comment on function core.delete_webhook_endpoint(uuid) is
'What v1.delete_webhook_endpoint does. Definer, because it writes core.webhook_endpoints. Signed-in
users may call it.';

create function core.rotate_webhook_secret(id uuid, overlap_hours integer) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    hours_max constant integer := 168;
    owner_id constant uuid := core.sole_tenant_with('core.webhooks.manage');
    secret constant text := core.new_webhook_secret();
    endpoint core.webhook_endpoints := core.webhook_endpoint_in(
        owner_id, rotate_webhook_secret.id
    );
    -- The one before the last goes now, and the last one too if it is not to overlap.
    dropped constant uuid[] := array[
        endpoint.previous_secret_id, case when overlap_hours = 0 then endpoint.secret_id end
    ];
begin
    if (overlap_hours between 0 and hours_max) is not true then
        perform core.fail('webhook.overlap_invalid', jsonb_build_object('hours_max', hours_max));
    end if;
    update core.webhook_endpoints as endpoints
    set
        secret_id = core.store_secret(owner_id, 'webhook', secret),
        previous_secret_id = case when overlap_hours > 0 then endpoints.secret_id end,
        previous_expires_at = case
            when overlap_hours > 0 then clock_timestamp() + make_interval(hours => overlap_hours)
        end
    where endpoints.tenant_id = owner_id and endpoints.id = endpoint.id
    returning * into endpoint;
    perform core.delete_secret(owner_id, old_id)
    from unnest(dropped) as old_id
    where old_id is not null;
    perform core.emit(owner_id, 'core.webhook.secret_rotated', 'webhook_endpoint', endpoint.id);
    return core.webhook_endpoint_answer(endpoint) || jsonb_build_object('secret', secret);
end
$$;

comment on function core.rotate_webhook_secret(uuid, integer) is
'What v1.rotate_webhook_secret does. Definer, because it writes core.webhook_endpoints. Signed-in
users may call it.';

-- Requests ----------------------------------------------------------------------------------------

create function core.utc_text(at timestamptz) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return to_char(utc_text.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');

comment on function core.utc_text(timestamptz) is
'An instant as ISO 8601 in UTC, the same in every session. Internal.';

create function core.webhook_body(
    type text, at timestamptz, tenant_id uuid, number bigint, subject_type text, subject_id uuid,
    actor_kind text, actor_id uuid, data jsonb
)
returns jsonb
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object(
        'type', webhook_body.type,
        'timestamp', core.utc_text(webhook_body.at),
        'data', jsonb_build_object(
            'tenant_id', webhook_body.tenant_id,
            'number', webhook_body.number,
            'subject', case
                when webhook_body.subject_type is not null
                    then jsonb_build_object(
                        'type', webhook_body.subject_type, 'id', webhook_body.subject_id
                    )
            end,
            'actor', jsonb_build_object(
                'kind', webhook_body.actor_kind, 'id', webhook_body.actor_id
            ),
            'data', webhook_body.data
        )
    );
end
$$;

comment on function core.webhook_body(
    text, timestamptz, uuid, bigint, text, uuid, text, uuid, jsonb
) is
'The body of a webhook: {type, timestamp, data: {tenant_id, number, subject, actor, data}}, less
than 20 kB, as the data of an event has 16384 bytes at most. Internal.';

create function core.webhook_request(delivery core.deliveries, at timestamptz) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    endpoint core.webhook_endpoints;
    event core.events;
    message_id text;
    body text;
    secrets text[];
begin
    select endpoints.* into endpoint
    from core.webhook_endpoints as endpoints
    where
        endpoints.tenant_id = delivery.tenant_id
        and endpoints.id = delivery.endpoint_id;
    if not found then
        return '{"cancelled": "webhook.endpoint_deleted"}';
    elsif endpoint.status = 'disabled' then
        return '{"cancelled": "webhook.endpoint_disabled"}';
    end if;
    if delivery.event_number is null then
        message_id := format('evt_%s_test_%s', delivery.tenant_id, delivery.id);
        body := delivery.data::text;
    else
        select events.* into event
        from core.events
        where
            events.tenant_id = delivery.tenant_id
            and events.number = delivery.event_number;
        if not found then
            return '{"cancelled": "webhook.event_expired"}';
        end if;
        message_id := format('evt_%s_%s', delivery.tenant_id, event.number);
        body := core.webhook_body(
            event.type, event.at, event.tenant_id, event.number, event.subject_type,
            event.subject_id, event.actor_kind, event.actor_id, event.data
        )::text;
    end if;
    secrets := array[core.read_secret(endpoint.tenant_id, endpoint.secret_id)];
    if endpoint.previous_expires_at > webhook_request.at then
        secrets := secrets
            || core.read_secret(endpoint.tenant_id, endpoint.previous_secret_id);
    end if;
    return jsonb_build_object(
        'endpoint_id', endpoint.id,
        'url', endpoint.url,
        'headers', jsonb_build_object(
            'webhook-id', message_id,
            'webhook-timestamp', floor(extract(epoch from webhook_request.at))::bigint::text,
            'webhook-signature',
            tenon.webhook_sign(secrets, message_id, webhook_request.at, body),
            'content-type', 'application/json',
            'user-agent', 'Tenon-Webhooks/1'
        ),
        'body', body,
        'concurrency', endpoint.max_concurrency,
        'timeout_ms', 20000
    );
end
$$;

comment on function core.webhook_request(core.deliveries, timestamptz) is
'The request that delivers a webhook at an instant: {endpoint_id, url, headers, body, concurrency,
timeout_ms}, or {cancelled: reason}. The body is made of the event as it is now, and so without what
has been erased from it since; otherwise it is the same at each attempt. webhook-id is the event''s: at
each attempt, replay and endpoint. Definer, because it reads secrets. Internal.';

create function core.send_test_webhook(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.webhooks.manage');
    endpoint constant core.webhook_endpoints := core.webhook_endpoint_in(
        owner_id, send_test_webhook.id
    );
    actor constant record := core.caller();
begin
    if endpoint.status = 'disabled' then
        perform core.fail(
            'webhook.disabled', jsonb_build_object('reason', endpoint.disabled_reason)
        );
    end if;
    return jsonb_build_object(
        'delivery_id', core.enqueue_delivery(
            tenant_id => owner_id,
            channel => 'webhook',
            recipient => endpoint.url,
            template => 'core.webhook.test',
            data => core.webhook_body(
                'core.webhook.test', clock_timestamp(), owner_id, null, 'webhook_endpoint',
                endpoint.id, actor.kind, actor.id, '{"test": true}'
            ),
            event_type => 'core.webhook.test',
            endpoint_id => endpoint.id
        )
    );
end
$$;

comment on function core.send_test_webhook(uuid) is
'What v1.send_test_webhook does. Definer, because it enqueues a delivery. Signed-in users may call
it.';

-- The API -----------------------------------------------------------------------------------------

create function v1.create_webhook_endpoint(
    url text,
    event_types text[],
    condition jsonb default null,
    description text default null,
    max_concurrency integer default 10
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'create_webhook_endpoint',
            jsonb_build_object(
                'url', create_webhook_endpoint.url,
                'event_types', create_webhook_endpoint.event_types,
                'condition', create_webhook_endpoint.condition,
                'description', create_webhook_endpoint.description,
                'max_concurrency', create_webhook_endpoint.max_concurrency
            )
        ),
        core.store_answer(
            core.create_webhook_endpoint(
                create_webhook_endpoint.url,
                create_webhook_endpoint.event_types,
                create_webhook_endpoint.condition,
                create_webhook_endpoint.description,
                create_webhook_endpoint.max_concurrency
            ),
            '{secret}'
        )
    );
end
$$;

comment on function v1.create_webhook_endpoint(text, text[], jsonb, text, integer) is
'Has a tenant''s events sent to an address: of the types named, from now on, and with a condition
only those that it holds of, over {type, number, at, subject_type, subject_id, actor, data}. Returns
the endpoint with its secret, which is shown this once and signs each request as Standard Webhooks
say. Where you may act in several tenants, x-tenant-id names one. Needs core.webhooks.manage,
core.events.read and the permission of each type (v1.event_types). Raises webhook.url_invalid,
webhook.event_types_invalid, webhook.too_many (422), condition.… (400), event.type_unknown (400),
webhook.type_forbidden (403). May be repeated with an Idempotency-Key.';

create function v1.update_webhook_endpoint(id uuid, changes jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'update_webhook_endpoint',
            jsonb_build_object(
                'id', update_webhook_endpoint.id,
                'changes', update_webhook_endpoint.changes
            )
        ),
        core.store_answer(
            core.update_webhook_endpoint(
                update_webhook_endpoint.id,
                update_webhook_endpoint.changes
            )
        )
    );
end
$$;

comment on function v1.update_webhook_endpoint(uuid, jsonb) is
'Changes a webhook: {url, event_types, condition, description, max_concurrency}, whichever are
given; a condition of null is none. What waits to be sent goes to the new address. Returns the
endpoint. Needs core.webhooks.manage, core.events.read and the permission of each type that the
endpoint names afterwards. Raises webhook.unknown (404), webhook.change_unknown (400) and what
v1.create_webhook_endpoint raises.';

create function v1.enable_webhook_endpoint(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'enable_webhook_endpoint',
            jsonb_build_object('id', enable_webhook_endpoint.id)
        ),
        core.store_answer(core.enable_webhook_endpoint(enable_webhook_endpoint.id))
    );
end
$$;

comment on function v1.enable_webhook_endpoint(uuid) is
'Lets a webhook that was disabled go on, with the events from now on. Returns the endpoint, and as
missed_from the first event that it has not been sent, for v1.replay_webhooks; null where there is
none. Needs core.webhooks.manage. Raises webhook.unknown (404).';

create function v1.disable_webhook_endpoint(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'disable_webhook_endpoint',
            jsonb_build_object('id', disable_webhook_endpoint.id)
        ),
        core.store_answer(core.disable_webhook_endpoint(disable_webhook_endpoint.id))
    );
end
$$;

comment on function v1.disable_webhook_endpoint(uuid) is
'Stops a webhook: what waits to be sent to it is cancelled, and events of the meantime are not sent
to it by themselves. Returns the endpoint. Needs core.webhooks.manage. Raises webhook.unknown
(404).';

create function v1.delete_webhook_endpoint(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'delete_webhook_endpoint',
            jsonb_build_object('id', delete_webhook_endpoint.id)
        ),
        core.store_answer(core.delete_webhook_endpoint(delete_webhook_endpoint.id))
    );
end
$$;

comment on function v1.delete_webhook_endpoint(uuid) is
'Removes a webhook with its secrets; what waits to be sent to it is cancelled. Needs
core.webhooks.manage. Raises webhook.unknown (404).';

create function v1.rotate_webhook_secret(id uuid, overlap_hours integer default 24) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'rotate_webhook_secret',
            jsonb_build_object(
                'id', rotate_webhook_secret.id,
                'overlap_hours', rotate_webhook_secret.overlap_hours
            )
        ),
        core.store_answer(
            core.rotate_webhook_secret(
                rotate_webhook_secret.id,
                rotate_webhook_secret.overlap_hours
            ),
            '{secret}'
        )
    );
end
$$;

comment on function v1.rotate_webhook_secret(uuid, integer) is
'Gives a webhook another secret, which is returned with the endpoint this once. Requests are signed
with both for overlap_hours, 0 to 168; 0 stops the old one at once, for one that has leaked. Needs
core.webhooks.manage. Raises webhook.unknown (404), webhook.overlap_invalid (422). May be repeated
with an Idempotency-Key.';

create function v1.send_test_webhook(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'send_test_webhook',
            jsonb_build_object('id', send_test_webhook.id)
        ),
        core.store_answer(core.send_test_webhook(send_test_webhook.id))
    );
end
$$;

comment on function v1.send_test_webhook(uuid) is
'Sends a webhook a message of the type core.webhook.test, which is no event. Returns {delivery_id},
whose attempts are those of v1.delivery_attempts. Needs core.webhooks.manage. Raises webhook.unknown
(404), webhook.disabled (409).';

revoke all on function
core.webhook_endpoints_max(),
core.webhook_failing_days(),
core.development_hosts(),
core.webhook_url_problem(text),
core.new_webhook_secret(),
core.check_webhook_endpoint(core.webhook_endpoints),
core.webhook_endpoint_in(uuid, uuid),
core.webhook_endpoint_answer(core.webhook_endpoints),
core.lock_followers(uuid),
core.events_held(uuid),
core.disable_endpoint(uuid, uuid, text),
core.note_endpoint_outcome(uuid, uuid, boolean, timestamptz),
core.utc_text(timestamptz),
core.webhook_body(text, timestamptz, uuid, bigint, text, uuid, text, uuid, jsonb),
core.webhook_request(core.deliveries, timestamptz),
core.create_webhook_endpoint(text, text[], jsonb, text, integer),
core.update_webhook_endpoint(uuid, jsonb),
core.enable_webhook_endpoint(uuid),
core.disable_webhook_endpoint(uuid),
core.delete_webhook_endpoint(uuid),
core.rotate_webhook_secret(uuid, integer),
core.send_test_webhook(uuid),
v1.create_webhook_endpoint(text, text[], jsonb, text, integer),
v1.update_webhook_endpoint(uuid, jsonb),
v1.enable_webhook_endpoint(uuid),
v1.disable_webhook_endpoint(uuid),
v1.delete_webhook_endpoint(uuid),
v1.rotate_webhook_secret(uuid, integer),
v1.send_test_webhook(uuid)
from public;
grant execute on function
core.create_webhook_endpoint(text, text[], jsonb, text, integer),
core.update_webhook_endpoint(uuid, jsonb),
core.enable_webhook_endpoint(uuid),
core.disable_webhook_endpoint(uuid),
core.delete_webhook_endpoint(uuid),
core.rotate_webhook_secret(uuid, integer),
core.send_test_webhook(uuid),
v1.create_webhook_endpoint(text, text[], jsonb, text, integer),
v1.update_webhook_endpoint(uuid, jsonb),
v1.enable_webhook_endpoint(uuid),
v1.disable_webhook_endpoint(uuid),
v1.delete_webhook_endpoint(uuid),
v1.rotate_webhook_secret(uuid, integer),
v1.send_test_webhook(uuid)
to authenticated, service_role;
