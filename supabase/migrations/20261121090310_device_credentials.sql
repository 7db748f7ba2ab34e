-- What devices prove themselves with over HTTP: tokens and certificates.
--
-- A device may have several credentials at once, each with a term of its own, so that one replaces
-- another while both work. Over MQTT the broker authenticates devices (see the guide to the
-- bridge); a broker that asks the database may use iot.device_may_sign_in.

set local lock_timeout = '5s';

create table iot.device_credentials (
    tenant_id uuid not null,
    device_id uuid not null,
    id uuid not null default gen_random_uuid(),
    kind text not null,
    secret_hash bytea not null,
    hint text not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, device_id, id),
    foreign key (tenant_id, device_id) references iot.devices (tenant_id, id) on delete cascade,
    constraint device_secret_hash_is_unique unique (secret_hash),
    constraint device_credential_id_is_unique unique (id),
    constraint kind_is_known check (kind in ('token', 'certificate')),
    constraint secret_hash_is_sha256 check (octet_length(secret_hash) = 32)
);

comment on table iot.device_credentials is
'Tokens and certificates of devices. Nobody reads it but iot.authenticate_device.';
comment on column iot.device_credentials.secret_hash is
'SHA-256 of the token, or of the certificate in DER.';
comment on column iot.device_credentials.hint is
'How the token begins, or the certificate''s fingerprint.';
comment on column iot.device_credentials.last_used_at is 'True to a minute or so.';

alter table iot.device_credentials enable row level security;
create policy device_credentials_read on iot.device_credentials for select to authenticated
using (tenant_id = any((select core.tenants_with('iot.devices.read'))::uuid[]));
grant select (
    tenant_id, device_id, id, kind, hint, expires_at, revoked_at, last_used_at, created_at,
    created_by
) on iot.device_credentials to authenticated;
grant all on iot.device_credentials to service_role;

create function iot.certificate_fingerprint(certificate text) returns bytea
language plpgsql immutable strict parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    hexadecimal constant text := lower(translate(certificate, ': ', ''));
    armour text;
    escape text[];
    der bytea;
begin
    if hexadecimal ~ '^[0-9a-f]{64}$' then
        return decode(hexadecimal, 'hex');
    end if;
    -- Gateways hand certificates on as PEM, often with white space, +, / and = escaped.
    armour := certificate;
    foreach escape slice 1 in array array[
        ['%0A', ' '], ['%0D', ' '], ['%20', ' '], ['%2B', '+'], ['%2F', '/'], ['%3D', '=']
    ] loop
        armour := replace(armour, escape[1], escape[2]);
    end loop;
    armour := substring(
        armour from '-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----'
    );
    der := decode(regexp_replace(armour, '\s', '', 'g'), 'base64');
    -- A certificate is a sequence of ASN.1, and holds a key and a signature.
    return case when octet_length(der) >= 64 and get_byte(der, 0) = 48 then sha256(der) end;
exception
    when invalid_parameter_value then
        return null;
end
$$;

comment on function iot.certificate_fingerprint(text) is
'SHA-256 of a certificate''s DER, from its PEM, as it is or escaped for a URL, or from the SHA-256
in 64 hexadecimal digits with or without colons. Null for anything else. Internal.';

create function iot.add_device_credential(
    device text, kind text, certificate text, expires_at timestamptz
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('iot.devices.write');
    owner iot.devices;
    token text;
    secret_hash bytea;
    added iot.device_credentials;
begin
    select devices.* into owner
    from iot.devices
    where devices.tenant_id = owner_id and devices.slug = add_device_credential.device;
    if owner.id is null then
        perform core.fail(
            'device.unknown', jsonb_build_object('device', add_device_credential.device)
        );
    elsif add_device_credential.expires_at <= now() then
        perform core.fail('api_key.expiry_past');
    end if;
    case add_device_credential.kind
        when 'token' then
            token := tenon.token('dev');
            secret_hash := sha256(convert_to(token, 'UTF8'));
        when 'certificate' then
            secret_hash := iot.certificate_fingerprint(add_device_credential.certificate);
            if secret_hash is null then
                perform core.fail('device.certificate_invalid');
            end if;
        else
            perform core.fail('device.credential_kind_unknown');
    end case;
    insert into iot.device_credentials (
        tenant_id, device_id, kind, secret_hash, hint, expires_at
    )
    values (
        owner_id, owner.id, add_device_credential.kind, secret_hash,
        coalesce(left(token, 12), encode(secret_hash, 'hex')), add_device_credential.expires_at
    )
    on conflict on constraint device_secret_hash_is_unique do nothing
    returning * into added;
    if added.id is null then
        perform core.fail('device.certificate_taken');
    end if;
    return jsonb_build_object(
        'id', added.id, 'tenant_id', owner_id, 'device', owner.slug, 'kind', added.kind,
        'hint', added.hint, 'expires_at', added.expires_at, 'token', token
    );
end
$$;

comment on function iot.add_device_credential(text, text, text, timestamptz) is
'What v1.add_device_credential does. Definer, because it writes iot.device_credentials. Signed-in
users may call it.';

create function iot.revoke_device_credential(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    writable constant uuid[] := core.tenants_with('iot.devices.write');
begin
    update iot.device_credentials set revoked_at = coalesce(device_credentials.revoked_at, now())
    where
        device_credentials.tenant_id = any(writable)
        and device_credentials.id = revoke_device_credential.id;
    if not found then
        perform core.fail(
            'device.credential_unknown', jsonb_build_object('id', revoke_device_credential.id)
        );
    end if;
    return jsonb_build_object('id', revoke_device_credential.id, 'revoked', true);
end
$$;

comment on function iot.revoke_device_credential(uuid) is
'What v1.revoke_device_credential does. Definer, because it writes iot.device_credentials. Signed-in
users may call it.';

create function iot.authenticate_device(
    kind text, secret_hash bytea, out id uuid, out tenant_id uuid
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    proven record;
begin
    select
        credentials.id as credential_id,
        credentials.last_used_at,
        devices.id,
        devices.slug,
        devices.status,
        tenants.id as tenant_id,
        tenants.slug as tenant,
        tenants.status as tenant_status
    into proven
    from iot.device_credentials as credentials
    inner join iot.devices
        on
            devices.tenant_id = credentials.tenant_id
            and devices.id = credentials.device_id
    inner join core.tenants on tenants.id = credentials.tenant_id
    where
        credentials.secret_hash = authenticate_device.secret_hash
        and credentials.kind = authenticate_device.kind
        and credentials.revoked_at is null
        and coalesce(credentials.expires_at > now(), true);
    if proven.tenant_status <> 'active' then
        perform core.fail('tenant.suspended', jsonb_build_object('tenant', proven.tenant));
    elsif proven.status in ('suspended', 'decommissioned') then
        perform core.fail(
            'device.' || proven.status, jsonb_build_object('device', proven.slug)
        );
    end if;
    id := proven.id;
    tenant_id := proven.tenant_id;
    if id is not null and core.note_use(proven.credential_id, proven.last_used_at) then
        update iot.device_credentials set last_used_at = now()
        where
            device_credentials.tenant_id = proven.tenant_id
            and device_credentials.device_id = proven.id
            and device_credentials.id = proven.credential_id;
    end if;
end
$$;

comment on function iot.authenticate_device(text, bytea) is
'The device that a credential, token or certificate, belongs to; null for none that is valid. Raises
tenant.suspended, device.suspended and device.decommissioned (403). Definer, because it reads the
hashes of secrets. Internal.';

create function iot.device_may_sign_in(username text, secret text) returns boolean
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    proven record;
begin
    select
        tenants.slug || '/d/' || devices.slug as username
    into proven
    from iot.authenticate_device('token', sha256(convert_to(secret, 'UTF8'))) as device
    inner join iot.devices on devices.tenant_id = device.tenant_id and devices.id = device.id
    inner join core.tenants on tenants.id = device.tenant_id;
    return coalesce(proven.username = device_may_sign_in.username, false);
exception
    when sqlstate 'PGRST' then
        return false;
end
$$;

comment on function iot.device_may_sign_in(text, text) is
'Whether a device may sign in to a broker: username {tenant}/d/{device}, secret one of its tokens.
For brokers that authenticate by a database. Definer, because it reads the hashes of secrets;
tenon_bridge may call it.';

create function v1.add_device_credential(
    device text,
    kind text default 'token',
    certificate text default null,
    expires_at timestamptz default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'add_device_credential',
            jsonb_build_object(
                'device', add_device_credential.device, 'kind', add_device_credential.kind,
                'certificate', add_device_credential.certificate,
                'expires_at', add_device_credential.expires_at
            )
        ),
        core.store_answer(
            iot.add_device_credential(
                add_device_credential.device, add_device_credential.kind,
                add_device_credential.certificate, add_device_credential.expires_at
            ),
            '{token}'
        )
    );
end
$$;

comment on function v1.add_device_credential(text, text, text, timestamptz) is
'Gives a device one more credential: a token, which is returned this once and goes into the header
x-api-key, or a certificate, as PEM or as its SHA-256 fingerprint, with which it proves itself to a
gateway. Returns {id, tenant_id, device, kind, hint, expires_at, token}. Needs iot.devices.write.
Raises device.unknown (404), device.certificate_invalid, device.certificate_taken (409).
May be repeated with an Idempotency-Key.';

create function v1.revoke_device_credential(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'revoke_device_credential',
            jsonb_build_object('id', revoke_device_credential.id)
        ),
        core.store_answer(iot.revoke_device_credential(revoke_device_credential.id))
    );
end
$$;

comment on function v1.revoke_device_credential(uuid) is
'Makes a device''s token or certificate worthless from the next request on. Needs iot.devices.write.
Raises device.credential_unknown (404).';

create view v1.device_credentials with (security_invoker = true) as
select
    device_credentials.tenant_id,
    devices.slug as device,
    device_credentials.id,
    device_credentials.kind,
    device_credentials.hint,
    case
        when device_credentials.revoked_at is not null then 'revoked'
        when device_credentials.expires_at <= now() then 'expired'
        else 'active'
    end as status,
    device_credentials.expires_at,
    device_credentials.last_used_at,
    device_credentials.created_at,
    device_credentials.created_by
from iot.device_credentials
inner join iot.devices
    on
        devices.tenant_id = device_credentials.tenant_id
        and devices.id = device_credentials.device_id;

comment on view v1.device_credentials is
'Tokens and certificates of your devices, never the secrets. status: active, revoked, expired;
last_used_at: true to a minute or so. Needs iot.devices.read.';

grant select on v1.device_credentials to authenticated, service_role;

create function core.record_uses() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    noted record;
    recorded integer := 0;
begin
    -- The secrets are read as they were before this statement writes them.
    for noted in
        with used as materialized (
            select
                marks.id,
                marks.at
            from tenon.touched() as marks
        ),
        devices as (
            update iot.device_credentials set last_used_at = used.at
            from used
            where
                device_credentials.id = used.id
                and coalesce(device_credentials.last_used_at < used.at, true)
            returning 1
        ),
        keys as (
            update core.api_key_secrets set last_used_at = used.at
            from used
            where
                api_key_secrets.id = used.id
                and coalesce(api_key_secrets.last_used_at < used.at, true)
            returning api_key_secrets.id
        )
        select
            secrets.tenant_id,
            secrets.api_key_id,
            secrets.hint,
            used.at,
            secrets.last_used_at as used_before
        from keys
        inner join core.api_key_secrets as secrets on secrets.id = keys.id
        inner join used on used.id = keys.id
        union all
        select
            null,
            null,
            null,
            null,
            null
        from devices
    loop
        recorded := recorded + 1;
        if noted.api_key_id is not null then
            perform core.record_key_use(
                noted.tenant_id, noted.api_key_id, noted.hint, noted.used_before, noted.at
            );
        end if;
    end loop;
    return recorded;
end
$$;

comment on function core.record_uses() is
'Writes down when credentials were last used, as shared memory has it, and the use of an API key as
a security event, api_key.used, once a day at most. Returns how many credentials. For
housekeeping. Definer, because it writes for every tenant; service_role may call it.';

revoke all on function
iot.certificate_fingerprint(text),
iot.add_device_credential(text, text, text, timestamptz),
iot.revoke_device_credential(uuid),
iot.authenticate_device(text, bytea),
iot.device_may_sign_in(text, text),
core.record_uses(),
v1.add_device_credential(text, text, text, timestamptz),
v1.revoke_device_credential(uuid)
from public;
grant execute on function
iot.add_device_credential(text, text, text, timestamptz),
iot.revoke_device_credential(uuid),
v1.add_device_credential(text, text, text, timestamptz),
v1.revoke_device_credential(uuid)
to authenticated, service_role;
grant execute on function iot.device_may_sign_in(text, text) to tenon_bridge;
grant execute on function core.record_uses() to service_role;

insert into core.errors (code, status, message, hint) values
(
    'device.credential_kind_unknown', 400, 'A device has credentials of other kinds.',
    'Use token or certificate.'
),
(
    'device.certificate_invalid', 400, 'This is neither a certificate nor a fingerprint of one.',
    'Send PEM, or the SHA-256 of its DER in 64 hexadecimal digits.'
),
(
    'device.certificate_taken', 409, 'This certificate is registered already.',
    'Revoke and remove it first, or issue another one.'
),
(
    'device.credential_unknown', 404, 'None of your devices has the credential {id}.',
    'Compare the id with v1.device_credentials.'
);

select
    core.map_personal(
        'iot.device_credentials.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
    );
select
    core.map_not_personal(
        'Hashes of random secrets and of certificates of devices.',
        'iot.device_credentials.secret_hash'
    );

select core.audit('iot.device_credentials', '{secret_hash,last_used_at}');
