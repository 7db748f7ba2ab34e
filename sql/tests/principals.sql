-- API keys, device tokens and certificates, from their making to the request that bears them.
begin;
\ir ../support/fixtures.sql
select plan(63);

create function pg_temp.keep(name text, answer jsonb) returns jsonb
language sql
as $$ select set_config('test.' || name, answer::text, true)::jsonb $$;
create function pg_temp.kept(name text, key text default 'token') returns text
language sql
as $$ select current_setting('test.' || name)::jsonb ->> key $$;

-- A request as PostgREST begins it: as anon, with the headers, then the pre-request function.
create function pg_temp.request(headers jsonb, claims jsonb default '{"role": "anon"}') returns text
language plpgsql
as $$
begin
    reset role;
    perform set_config('tenon.caller_kind', '', true);
    perform set_config('request.headers', headers::text, true);
    perform set_config('request.jwt.claims', claims::text, true);
    perform set_config('role', claims ->> 'role', true);
    perform core.pre_request();
    return current_user;
exception
    when sqlstate 'PGRST' then return sqlerrm::jsonb ->> 'code';
end
$$;
create function pg_temp.with_key(token text) returns text
language sql
as $$ select pg_temp.request(jsonb_build_object('x-api-key', token)) $$;

-- Making keys.
:as_vic
select is(
    pg_temp.code_of($$select v1.create_api_key('k', 'viewer')$$), 'tenancy.permission_missing',
    'a viewer makes no key'
);
:as_ada
select isnt(
    pg_temp.keep('reader', v1.create_api_key('Reader', 'viewer')), null,
    'an owner makes a key with a role'
);
select isnt(
    pg_temp.keep(
        'writer',
        v1.create_api_key(
            'Writer', null, '["iot.devices.read", "iot.devices.write", "iot.telemetry.write"]'
        )
    ), null, 'or with permissions'
);
select is(
    pg_temp.code_of($$select v1.create_api_key('k')$$), 'api_key.role_or_permissions',
    'a key holds something'
);
select is(
    pg_temp.code_of($$select v1.create_api_key('k', 'viewer', '[]')$$),
    'api_key.role_or_permissions', 'in one way'
);
select is(
    pg_temp.code_of($$select v1.create_api_key('k', 'viewer', null, '{}', now())$$),
    'api_key.expiry_past', 'and is not made expired'
);
select is(
    pg_temp.code_of($$select v1.create_api_key('k', null, '["no.such"]')$$),
    'role.grant_unknown', 'and holds what there is'
);
select matches(
    pg_temp.kept('reader'), '^tnn_key_[0-9A-Za-z]{33}$', 'a token says what it is'
);
select is(
    (select array_agg(role || ' ' || status order by name) from v1.api_keys where name = 'Reader'),
    array['viewer active'], 'a key is listed'
);
select is(
    (select hints[1] from v1.api_keys where name = 'Reader'), left(pg_temp.kept('reader'), 12),
    'with the beginning of its secret'
);
select is(
    pg_temp.code_of('select token_hash from core.api_key_secrets'), '42501',
    'whose hash nobody sees'
);
select is_empty(
    $$select from v1.roles where slug like 'key_%'$$, 'the role of a key is no role for members'
);
:as_owner
select is_empty(
    format(
        $$select from core.api_key_secrets where strpos(api_key_secrets::text, %L) > 0$$,
        pg_temp.kept('reader')
    ), 'no secret is stored'
);
:as_eve
select is_empty('select from v1.api_keys', 'others see no keys');

-- Using them.
select is(pg_temp.with_key(pg_temp.kept('reader')), 'authenticated', 'a key signs a request in');
select is((core.caller()).kind, 'api_key', 'as a key');
select is((core.caller()).id::text, pg_temp.kept('reader', 'id'), 'namely this one');
select is(auth.uid(), null, 'and as no user');
select is((select array_agg(slug) from v1.tenants), array['acme'], 'it sees its tenant');
select is(
    (select array_agg(slug order by slug) from v1.devices), array['truck-1', 'truck-2'],
    'and what its role allows'
);
select is(
    pg_temp.code_of($$insert into v1.devices (slug) values ('truck-9')$$),
    'tenancy.permission_missing', 'and writes nothing that it does not'
);
select is(
    pg_temp.code_of($$select v1.create_api_key('k', 'viewer')$$), 'tenancy.permission_missing',
    'a key makes no keys unless its role says so'
);
select is(
    (select role from v1.my_access()), 'viewer', 'a key is told what it holds'
);
select is(
    pg_temp.request(
        jsonb_build_object('x-api-key', pg_temp.kept('reader'), 'x-tenant-id', :rival)
    ), 'authenticated', 'with the header of another tenant'
);
select is_empty('select from v1.tenants', 'a key sees nothing');
select is(pg_temp.with_key(pg_temp.kept('writer')), 'authenticated', 'a key with permissions');
insert into v1.devices (slug) values ('truck-9');
select is(
    (select array_agg(slug order by slug) from v1.devices),
    array['truck-1', 'truck-2', 'truck-9'], 'writes what these allow'
);
select is(
    (select created_by from iot.devices where slug = 'truck-9')::text,
    pg_temp.kept('writer', 'id'), 'and is recorded as who wrote'
);
select is_empty('select from v1.members', 'and sees nothing else');
select is(
    v1.ingest('{"device": "truck-9", "speed": 1}') ->> 'accepted', '1', 'it sends readings'
);

-- What is no key, or none any more.
select is(pg_temp.with_key('tnn_key_made_up'), 'access.key_invalid', 'a made-up key is refused');
select is(
    pg_temp.with_key(tenon.token('key')), 'access.key_invalid',
    'as is a well-made one that was never given out'
);
select is(pg_temp.with_key(''), 'access.key_invalid', 'and an empty one');
select is(
    pg_temp.with_key(pg_temp.kept('reader') || ' '), 'access.key_invalid', 'and a longer one'
);
:as_ada
select is(
    pg_temp.request(
        jsonb_build_object('x-api-key', pg_temp.kept('reader')),
        '{"role": "authenticated", "sub": "00000000-0000-4000-8000-000000000004"}'
    ), 'access.two_principals', 'a key and a user at once are refused'
);
select is(
    pg_temp.request(
        jsonb_build_object('x-api-key', pg_temp.kept('reader')), '{"role": "service_role"}'
    ), 'access.two_principals', 'as are a key and the service role'
);
:as_ada
select isnt(
    pg_temp.keep('rotated', v1.rotate_api_key(pg_temp.kept('reader', 'id')::uuid, '1 hour')),
    null, 'a key gets a new secret'
);
select is(pg_temp.with_key(pg_temp.kept('rotated')), 'authenticated', 'that works');
select is(pg_temp.with_key(pg_temp.kept('reader')), 'authenticated', 'and so does the former one');
:as_owner
update core.api_key_secrets set expires_at = now()
where token_hash = sha256(convert_to(pg_temp.kept('reader'), 'UTF8'));
select is(
    pg_temp.with_key(pg_temp.kept('reader')), 'access.key_invalid', 'until the overlap ends'
);
:as_ada
select is(
    pg_temp.code_of(
        format($$select v1.rotate_api_key(%L, '-1 hour')$$, pg_temp.kept('reader', 'id'))
    ), 'api_key.overlap_invalid', 'an overlap lies ahead'
);
:as_eve
select is(
    pg_temp.code_of(format('select v1.revoke_api_key(%L)', pg_temp.kept('reader', 'id'))),
    'api_key.unknown', 'others do not revoke it'
);
select is(
    pg_temp.code_of(format('select v1.rotate_api_key(%L)', pg_temp.kept('reader', 'id'))),
    'api_key.unknown', 'nor get a secret for it'
);
:as_ada
select is(
    v1.revoke_api_key(pg_temp.kept('reader', 'id')::uuid) ->> 'revoked', 'true',
    'an owner revokes it'
);
select is(
    pg_temp.with_key(pg_temp.kept('rotated')), 'access.key_invalid',
    'and no secret of it is worth anything from then on'
);
:as_owner
update core.tenants set status = 'suspended' where slug = 'acme';
select is(
    pg_temp.with_key(pg_temp.kept('writer')), 'tenant.suspended',
    'keys of a suspended tenant are stopped'
);
:as_owner
update core.tenants set status = 'active' where slug = 'acme';

-- Devices.
:as_vic
select is(
    pg_temp.code_of($$select v1.add_device_credential('truck-1')$$), 'tenancy.permission_missing',
    'a viewer gives devices nothing'
);
:as_ada
select isnt(
    pg_temp.keep('truck', v1.add_device_credential('truck-1')), null, 'an owner gives a token'
);
select isnt(
    pg_temp.keep('spare', v1.add_device_credential('truck-1')), null, 'and a second one'
);
select is(pg_temp.with_key(pg_temp.kept('truck')), 'tenon_device', 'with which a device signs in');
select is(v1.ingest('{"speed": 2}') ->> 'accepted', '1', 'and sends readings');
select is(
    pg_temp.code_of($$select v1.ingest('{"device": "truck-2", "speed": 2}')$$),
    'device.not_own', 'for itself alone'
);
select is(pg_temp.with_key(pg_temp.kept('spare')), 'tenon_device', 'both tokens work');
:as_ada
select is(
    v1.revoke_device_credential(pg_temp.kept('truck', 'id')::uuid) ->> 'revoked', 'true',
    'one is revoked'
);
select is(pg_temp.with_key(pg_temp.kept('truck')), 'access.key_invalid', 'and worth nothing');
select is(pg_temp.with_key(pg_temp.kept('spare')), 'tenon_device', 'while the other still works');
:as_ada
update v1.devices set status = 'suspended' where slug = 'truck-1';
select is(
    pg_temp.with_key(pg_temp.kept('spare')), 'device.suspended', 'a suspended device is stopped'
);

-- Certificates, which only a gateway with the secret may vouch for.
:as_ada
select is(
    v1.add_device_credential(
        'truck-2', 'certificate',
        upper('e3:b0:c4:42:98:fc:1c:14:9a:fb:f4:c8:99:6f:b9:24:27:ae:41:e4:64:9b:93:4c:a4:95:99:1b:78:52:b8:55')
    ) ->> 'hint', encode(sha256(''), 'hex'), 'a certificate is known by its fingerprint'
);
select is(
    pg_temp.code_of($$select v1.add_device_credential('truck-2', 'certificate', 'PEM')$$),
    'device.certificate_invalid', 'and other text is none'
);
select is(
    (
        select array_agg(distinct pg_temp.code_of(
            format($$select v1.add_device_credential('truck-2', 'certificate', %L)$$, armour)
        ))
        from unnest(
            array[
                '-----BEGIN CERTIFICATE----------END CERTIFICATE-----',
                '-----BEGIN CERTIFICATE-----!-----END CERTIFICATE-----',
                '-----BEGIN CERTIFICATE-----' || repeat('QUJD', 40) || '-----END CERTIFICATE-----'
            ]
        ) as armour
    ), '{device.certificate_invalid}', 'nor is an armour with something else inside'
);
:as_owner
update core.tenants
set
    settings = jsonb_build_object(
        'core', jsonb_build_object(
            'client_certificates', jsonb_build_object(
                'header', 'x-client-cert',
                'gateway_secret_sha256', encode(sha256('open sesame'), 'hex')
            )
        )
    )
where id = core.platform_tenant_id();
select is(
    pg_temp.request(jsonb_build_object('x-client-cert', encode(sha256(''), 'hex'))),
    'access.gateway_untrusted', 'a client cannot vouch for its own certificate'
);
select is(
    pg_temp.request(
        jsonb_build_object(
            'x-client-cert', encode(sha256(''), 'hex'), 'x-gateway-secret', 'open sesame'
        )
    ), 'tenon_device', 'the gateway can'
);
:as_owner
select ok(
    iot.device_may_sign_in('acme/d/truck-1', pg_temp.kept('spare')) is false
    and iot.device_may_sign_in('acme/d/truck-2', pg_temp.kept('spare')) is false,
    'a broker is told that a token of a suspended device, or of another one, opens nothing'
);

select * from finish();
rollback;
