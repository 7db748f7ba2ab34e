-- API keys and their secrets, and how a request with a secret becomes a caller.
--
-- PostgREST verifies the tokens of users. A request with a credential of ours arrives as anon, and
-- core.pre_request, which PostgREST runs before each request
--     alter role authenticator set pgrst.db_pre_request = 'core.pre_request';
-- finds out whose it is, says so in tenon.caller_…, and goes on in the caller's role. Of
-- secrets the SHA-256 is kept; a key may have several at once, so that a rotation overlaps.

set local lock_timeout = '5s';

create table core.api_key_secrets (
    tenant_id uuid not null,
    api_key_id uuid not null,
    id uuid not null default gen_random_uuid(),
    token_hash bytea not null,
    hint text not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, api_key_id, id),
    foreign key (tenant_id, api_key_id) references core.api_keys (tenant_id, id)
    on delete cascade,
    constraint api_key_token_hash_is_unique unique (token_hash),
    constraint api_key_secret_id_is_unique unique (id)
);

comment on table core.api_key_secrets is
'What API keys prove themselves with. Nobody reads it but core.authenticate.';
comment on column core.api_key_secrets.token_hash is
'SHA-256 of the token, which has 160 random bits and needs no salt.';
comment on column core.api_key_secrets.hint is 'The first characters of the token, for lists.';
comment on column core.api_key_secrets.last_used_at is 'True to a minute or so.';

alter table core.api_key_secrets enable row level security;
create policy api_key_secrets_read on core.api_key_secrets for select to authenticated
using (tenant_id = any((select core.tenants_with('core.api_keys.read'))::uuid[]));
grant select (
    tenant_id, api_key_id, id, hint, expires_at, last_used_at, created_at, created_by
) on core.api_key_secrets to authenticated;
grant all on core.api_key_secrets to service_role;

create function core.api_key_named(id uuid) returns core.api_keys
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.api_keys.write');
    named core.api_keys;
begin
    select api_keys.* into named
    from core.api_keys
    where
        api_keys.tenant_id = owner_id
        and api_keys.id = api_key_named.id
        and api_keys.revoked_at is null
    for update;
    if named.id is null then
        perform core.fail('api_key.unknown', jsonb_build_object('id', api_key_named.id));
    end if;
    return named;
end
$$;

comment on function core.api_key_named(uuid) is
'An API key that the caller may change, locked. Raises api_key.unknown (404). Internal.';

create function core.add_api_key_secret(api_key core.api_keys, out token text, out hint text)
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    token := tenon.token('key');
    hint := left(token, 12);
    insert into core.api_key_secrets (tenant_id, api_key_id, token_hash, hint, expires_at)
    values (
        api_key.tenant_id, api_key.id, sha256(convert_to(token, 'UTF8')), hint,
        api_key.expires_at
    );
end
$$;

comment on function core.add_api_key_secret(core.api_keys) is
'Gives an API key one more secret, and returns it for the only time. Internal.';

create function core.create_api_key(
    name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamptz
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.api_keys.write');
    wanted record;
    held record;
    made core.api_keys;
    secret record;
begin
    perform core.check_name(create_api_key.name);
    if create_api_key.expires_at <= now() then
        perform core.fail('api_key.expiry_past');
    elsif (create_api_key.role is null) = (create_api_key.permissions is null) then
        perform core.fail('api_key.role_or_permissions');
    end if;
    if create_api_key.role is not null then
        held := core.role_named(owner_id, create_api_key.role);
        perform core.check_may_grant_role(owner_id, held.role_tenant_id, held.role_id);
    else
        wanted := core.read_grants(create_api_key.permissions, create_api_key.hidden_fields);
        perform core.check_may_grant(owner_id, wanted.permissions, wanted.hidden_fields);
        insert into core.roles as roles (tenant_id, slug, name, of_api_key)
        values (
            owner_id, 'key_' || replace(gen_random_uuid()::text, '-', '_'),
            create_api_key.name, true
        )
        returning roles.tenant_id as role_tenant_id, roles.id as role_id into held;
        perform core.fill_role(
            owner_id, held.role_id, wanted.permissions, wanted.hidden_fields
        );
    end if;
    insert into core.api_keys (tenant_id, name, role_tenant_id, role_id, expires_at)
    values (
        owner_id, create_api_key.name, held.role_tenant_id, held.role_id,
        create_api_key.expires_at
    )
    returning * into made;
    secret := core.add_api_key_secret(made);
    perform core.emit(
        owner_id, 'core.api_key.created', 'api_key', made.id,
        jsonb_build_object('name', made.name)
    );
    return jsonb_build_object(
        'id', made.id, 'tenant_id', owner_id, 'name', made.name, 'role', create_api_key.role,
        'hint', secret.hint, 'expires_at', made.expires_at, 'token', secret.token
    );
end
$$;

comment on function core.create_api_key(text, text, jsonb, jsonb, timestamptz) is
'What v1.create_api_key does. Definer, because it writes core.api_keys. Signed-in users may call
it.';

create function core.rotate_api_key(id uuid, overlap interval) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    rotated constant core.api_keys := core.api_key_named(rotate_api_key.id);
    former_until timestamptz;
    secret record;
begin
    if (rotate_api_key.overlap between interval '0' and interval '90 days') is not true then
        perform core.fail('api_key.overlap_invalid');
    end if;
    -- Whoever gets a new secret could act as the key.
    perform core.check_may_grant_role(
        rotated.tenant_id, rotated.role_tenant_id, rotated.role_id
    );
    former_until := now() + rotate_api_key.overlap;
    update core.api_key_secrets
    set expires_at = least(api_key_secrets.expires_at, former_until)
    where
        api_key_secrets.tenant_id = rotated.tenant_id
        and api_key_secrets.api_key_id = rotated.id;
    secret := core.add_api_key_secret(rotated);
    perform core.emit(
        rotated.tenant_id, 'core.api_key.rotated', 'api_key', rotated.id,
        jsonb_build_object('name', rotated.name)
    );
    return jsonb_build_object(
        'id', rotated.id, 'tenant_id', rotated.tenant_id, 'hint', secret.hint,
        'token', secret.token, 'former_until', former_until
    );
end
$$;

comment on function core.rotate_api_key(uuid, interval) is
'What v1.rotate_api_key does. Definer, because it writes core.api_key_secrets. Signed-in users may
call it.';

create function core.revoke_api_key(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    revoked constant core.api_keys := core.api_key_named(revoke_api_key.id);
begin
    update core.api_keys set revoked_at = now(), revoked_by = core.caller_id()
    where api_keys.tenant_id = revoked.tenant_id and api_keys.id = revoked.id;
    perform core.emit(
        revoked.tenant_id, 'core.api_key.revoked', 'api_key', revoked.id,
        jsonb_build_object('name', revoked.name)
    );
    return jsonb_build_object(
        'id', revoked.id, 'tenant_id', revoked.tenant_id, 'revoked', true
    );
end
$$;

comment on function core.revoke_api_key(uuid) is
'What v1.revoke_api_key does. Definer, because it writes core.api_keys. Signed-in users may call
it.';

create view v1.api_keys with (security_invoker = true) as
select
    api_keys.tenant_id,
    api_keys.id,
    api_keys.name,
    case when not roles.of_api_key then roles.slug end as role,
    case
        when api_keys.revoked_at is not null then 'revoked'
        when api_keys.expires_at <= now() then 'expired'
        else 'active'
    end as status,
    secrets.hints,
    secrets.last_used_at,
    api_keys.expires_at,
    api_keys.created_at,
    api_keys.created_by
from core.api_keys
left join core.roles
    on roles.tenant_id = api_keys.role_tenant_id and roles.id = api_keys.role_id
left join lateral (
    select
        array_agg(api_key_secrets.hint order by api_key_secrets.created_at) filter (
            where coalesce(api_key_secrets.expires_at > now(), true)
        ) as hints,
        max(api_key_secrets.last_used_at) as last_used_at
    from core.api_key_secrets
    where
        api_key_secrets.tenant_id = api_keys.tenant_id
        and api_key_secrets.api_key_id = api_keys.id
) as secrets on true;

comment on view v1.api_keys is
'The API keys of your tenants. status: active, revoked, expired; role: null for a key with
permissions of its own; hints: how its valid secrets begin; last_used_at: true to a minute or so.
Needs core.api_keys.read.';

grant select on v1.api_keys to authenticated, service_role;

-- Who a request is

create function core.note_use(credential_id uuid, last_used_at timestamptz) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    -- A request that reads runs read-only, so its mark stands in shared memory until
    -- core.record_uses writes it down.
    return
        not tenon.touch(credential_id)
        and current_setting('transaction_read_only') = 'off'
        and coalesce(last_used_at < now() - interval '1 minute', true);
end
$$;

comment on function core.note_use(uuid, timestamptz) is
'Marks a credential as used. Returns whether the caller has to write that down itself, where there
is no shared memory: at most once a minute, and not in a request that only reads. Internal.';

create function core.record_key_use(
    tenant_id uuid, api_key_id uuid, hint text, used_before timestamptz, used_at timestamptz
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if coalesce(used_before < used_at - interval '1 day', true) then
        perform core.record_security_event(
            tenant_id, 'api_key.used',
            jsonb_build_object('api_key_id', api_key_id, 'hint', hint, 'at', used_at)
        );
    end if;
end
$$;

comment on function core.record_key_use(uuid, uuid, text, timestamptz, timestamptz) is
'Makes the use of an API key''s secret a security event, api_key.used, unless that was used within
the day before. Internal.';

create function core.authenticate(
    token text, certificate text, out kind text, out id uuid, out tenant_id uuid
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    secret record;
begin
    kind := case tenon.token_kind(token) when 'key' then 'api_key' when 'dev' then 'device' end;
    if certificate is not null then
        kind := 'device';
        select proven.id, proven.tenant_id into id, tenant_id
        from iot.authenticate_device(
            'certificate', iot.certificate_fingerprint(certificate)
        ) as proven;
        if id is null then
            perform core.fail('access.certificate_unknown');
        end if;
    elsif kind = 'device' then
        select proven.id, proven.tenant_id into id, tenant_id
        from iot.authenticate_device('token', sha256(convert_to(token, 'UTF8'))) as proven;
    elsif kind = 'api_key' then
        select
            secrets.id as secret_id,
            secrets.last_used_at,
            api_keys.id,
            api_keys.tenant_id,
            tenants.slug,
            tenants.status
        into secret
        from core.api_key_secrets as secrets
        inner join core.api_keys
            on api_keys.tenant_id = secrets.tenant_id and api_keys.id = secrets.api_key_id
        inner join core.tenants on tenants.id = secrets.tenant_id
        where
            secrets.token_hash = sha256(convert_to(token, 'UTF8'))
            and coalesce(secrets.expires_at > now(), true)
            and coalesce(api_keys.expires_at > now(), true)
            and api_keys.revoked_at is null;
        if secret.status = 'suspended' then
            perform core.fail('tenant.suspended', jsonb_build_object('tenant', secret.slug));
        end if;
        id := secret.id;
        tenant_id := secret.tenant_id;
        if id is not null and core.note_use(secret.secret_id, secret.last_used_at) then
            update core.api_key_secrets set last_used_at = now()
            where
                api_key_secrets.tenant_id = authenticate.tenant_id
                and api_key_secrets.api_key_id = authenticate.id
                and api_key_secrets.id = secret.secret_id;
            perform core.record_key_use(
                tenant_id, id, left(token, 12), secret.last_used_at, now()
            );
        end if;
    end if;
    if id is null then
        raise log 'a request from % was refused: its key % is not valid',
            core.client_address(), left(token, 12);
        perform core.fail('access.key_invalid');
    end if;
end
$$;

comment on function core.authenticate(text, text) is
'Whose token this is, an API key''s or a device''s; or whose certificate, which proves nothing
alone: core.pre_request has it of a gateway that it trusts. Raises access.key_invalid (401) in the
same words for a key that is malformed, unknown, revoked or expired, access.certificate_unknown
(401), tenant.suspended and device.suspended (403). Definer, because it reads the hashes of
secrets; core.pre_request calls it as whoever asks.';

create function core.certificate_presented() returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    trust json;
    presented text;
begin
    select tenants.settings #> '{core,client_certificates}' into trust
    from core.tenants
    where tenants.id = core.platform_tenant_id();
    presented := core.request_header(trust ->> 'header');
    if
        presented is not null
        and encode(sha256(convert_to(core.request_header('x-gateway-secret'), 'UTF8')), 'hex')
        is distinct from lower(trust ->> 'gateway_secret_sha256')
    then
        perform core.fail('access.gateway_untrusted');
    end if;
    return nullif(presented, '');
end
$$;

comment on function core.certificate_presented() is
'The certificate with which a client has proved itself to the gateway, as the gateway says in the
header that the platform tenant''s settings name, {"core": {"client_certificates": {"header":
"x-client-cert", "gateway_secret_sha256": "…"}}}; null without. The gateway proves itself by the
secret with that SHA-256 in x-gateway-secret. Raises access.gateway_untrusted (401). Definer,
because it reads the platform''s settings; core.pre_request calls it as whoever asks.';

create function core.pre_request() returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    key constant text := core.request_header('x-api-key');
    certificate constant text := core.certificate_presented();
    caller record;
    proven record;
    role text;
begin
    -- What a former transaction left in these settings is nobody's.
    perform set_config('tenon.caller_kind', '', true);
    caller := core.caller();
    if key is not null or certificate is not null then
        if caller.kind <> 'anonymous' or (key is not null and certificate is not null) then
            perform core.fail('access.two_principals');
        end if;
        proven := core.authenticate(key, certificate);
        caller.kind := proven.kind;
        caller.id := proven.id;
        caller.tenant_id := proven.tenant_id;
        role := case proven.kind when 'device' then 'tenon_device' else 'authenticated' end;
        perform set_config('request.jwt.claims', json_build_object('role', role)::text, true);
        perform set_config('role', role, true);
    end if;
    perform
        set_config('tenon.caller_kind', caller.kind, true),
        set_config('tenon.caller_id', coalesce(caller.id::text, ''), true),
        set_config('tenon.caller_tenant_id', coalesce(caller.tenant_id::text, ''), true),
        set_config(
            'tenon.requested_tenant_id', coalesce(caller.requested_tenant_id::text, ''), true
        );
    perform core.check_rate_limits();
    perform core.refuse_unhonoured_key();
    -- Every row that is written notes where it came from: found out once.
    if current_setting('request.method', true) in ('POST', 'PATCH', 'PUT', 'DELETE') then
        perform set_config('tenon.origin', coalesce(core.request_origin()::text, ''), true);
    end if;
end
$$;

comment on function core.pre_request() is
'PostgREST runs it before each request, in the request''s transaction: it makes the holder of an
API key, a device''s token or a device''s certificate the caller, charges the rate limits, and
refuses an Idempotency-Key that would not be honoured. Raises access.key_invalid (401),
access.two_principals (400), limit.exceeded (429), idempotency.not_here (400). Every role of the
API may call it.';

revoke all on function
core.note_use(uuid, timestamptz),
core.record_key_use(uuid, uuid, text, timestamptz, timestamptz),
core.authenticate(text, text),
core.certificate_presented(),
core.pre_request()
from public;
grant execute on function
core.authenticate(text, text), core.certificate_presented(), core.pre_request()
to anon, authenticated, service_role, tenon_device;

create function v1.create_api_key(
    name text,
    role text default null,
    permissions jsonb default null,
    hidden_fields jsonb default '{}',
    expires_at timestamptz default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'create_api_key',
            jsonb_build_object(
                'name', create_api_key.name, 'role', create_api_key.role,
                'permissions', create_api_key.permissions,
                'hidden_fields', create_api_key.hidden_fields,
                'expires_at', create_api_key.expires_at
            )
        ),
        core.store_answer(
            core.create_api_key(
                create_api_key.name, create_api_key.role, create_api_key.permissions,
                create_api_key.hidden_fields, create_api_key.expires_at
            ), '{token}'
        )
    );
end
$$;

comment on function v1.create_api_key(text, text, jsonb, jsonb, timestamptz) is
'Makes an API key for the tenant, which holds a role, or permissions as in v1.save_role. Returns
{id, tenant_id, name, role, hint, expires_at, token}; the token is shown this once and goes into
the header x-api-key. Needs core.api_keys.write and all that the key holds. Raises
access.beyond_own, api_key.role_or_permissions, api_key.expiry_past. May be repeated with an
Idempotency-Key.';

create function v1.rotate_api_key(id uuid, overlap interval default '24 hours') returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'rotate_api_key',
            jsonb_build_object('id', rotate_api_key.id, 'overlap', rotate_api_key.overlap)
        ),
        core.store_answer(core.rotate_api_key(rotate_api_key.id, rotate_api_key.overlap), '{token}')
    );
end
$$;

comment on function v1.rotate_api_key(uuid, interval) is
'Gives an API key a new secret; those before stay valid for the overlap. Returns {id, tenant_id,
hint, token, former_until}. Needs core.api_keys.write and all that the key holds. Raises
api_key.unknown (404), api_key.overlap_invalid, access.beyond_own. May be repeated with an
Idempotency-Key.';

create function v1.revoke_api_key(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'revoke_api_key',
            jsonb_build_object('id', revoke_api_key.id)
        ),
        core.store_answer(core.revoke_api_key(revoke_api_key.id))
    );
end
$$;

comment on function v1.revoke_api_key(uuid) is
'Makes an API key worthless from the next request on. Needs core.api_keys.write.
Raises api_key.unknown (404).';

revoke all on function
core.api_key_named(uuid),
core.add_api_key_secret(core.api_keys),
core.create_api_key(text, text, jsonb, jsonb, timestamptz),
core.rotate_api_key(uuid, interval),
core.revoke_api_key(uuid),
v1.create_api_key(text, text, jsonb, jsonb, timestamptz),
v1.rotate_api_key(uuid, interval),
v1.revoke_api_key(uuid)
from public;
grant execute on function
core.create_api_key(text, text, jsonb, jsonb, timestamptz),
core.rotate_api_key(uuid, interval),
core.revoke_api_key(uuid),
v1.create_api_key(text, text, jsonb, jsonb, timestamptz),
v1.rotate_api_key(uuid, interval),
v1.revoke_api_key(uuid)
to authenticated, service_role;

insert into core.event_types (type, description, permission) values
('core.api_key.created', 'An API key was made.', 'core.api_keys.read'),
('core.api_key.rotated', 'An API key has a new secret.', 'core.api_keys.read'),
('core.api_key.revoked', 'An API key was made worthless.', 'core.api_keys.read');

insert into core.errors (code, status, message, hint) values
('token.kind_unknown', 400, 'This is no kind of token.', 'Use key, dev or inv.'),
(
    'access.key_invalid', 401, 'The header x-api-key holds no valid key.',
    'Send a whole key, tnn_key_… or tnn_dev_…, that was neither revoked nor has expired.'
),
(
    'access.two_principals', 400, 'The request names two callers: by a token and by a key.',
    'Send x-api-key with the project''s anon key alone, or leave it out.'
),
(
    'access.gateway_untrusted', 401, 'A client certificate is believed of the gateway alone.',
    'Let the gateway remove this header from requests, and send its own secret.'
),
(
    'access.certificate_unknown', 401, 'This certificate belongs to no device.',
    'Register it with v1.add_device_credential.'
),
('api_key.unknown', 404, 'The tenant has no API key {id}.', 'Compare the id with v1.api_keys.'),
(
    'api_key.role_or_permissions', 400, 'An API key holds a role or a list of permissions.',
    'Say one of them.'
),
('api_key.expiry_past', 400, 'The key would have expired already.', 'Choose a later time.'),
(
    'api_key.overlap_invalid', 400, 'Former secrets stay valid for 0 to 90 days.',
    'Choose an overlap in between.'
);

-- PostgREST reads its configuration from the settings of its role, too. A project that has a
-- function of its own there calls ours from it.
do $$
declare
    installed constant text := (
        select regexp_replace(setting, '^pgrst\.db_pre_request=', '')
        from pg_db_role_setting
        cross join unnest(setconfig) as setting
        where setrole = 'authenticator'::regrole and setting like 'pgrst.db_pre_request=%'
        limit 1
    );
begin
    if installed is null then
        alter role authenticator set pgrst.db_pre_request = 'core.pre_request';
        notify pgrst, 'reload config';
    elsif installed <> 'core.pre_request' then
        raise warning 'the pre-request function of PostgREST is %: let it call core.pre_request()',
            installed;
    end if;
exception
    when insufficient_privilege then
        raise warning 'run as a superuser: '
            'alter role authenticator set pgrst.db_pre_request = ''core.pre_request''';
end
$$;

select core.audit('core.api_key_secrets', '{token_hash,last_used_at}');
