-- Who is calling, for every way to call.
begin;
\ir ../support/fixtures.sql
select plan(18);

:as_ada
select is(
    (core.caller())::text, '(user,00000000-0000-4000-8000-000000000001,,)',
    'a user is known by the subject of the token'
);
select is(
    core.caller_id(), '00000000-0000-4000-8000-000000000001'::uuid, 'and recorded by that id'
);
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000002"}';
select is(
    (core.caller()).requested_tenant_id, :acme::uuid, 'the header says which tenant is meant'
);
set local "request.headers" = '{"x-tenant-id": "acme"}';
select is(
    pg_temp.code_of('select core.caller()'), 'tenancy.header_invalid',
    'and is refused where it says none'
);
:as_truck
select is(
    (core.caller())::text,
    '(device,00000000-0000-4000-b000-000000000001,00000000-0000-4000-a000-000000000002,)',
    'a device is known by its token''s claims'
);
:as_service
select is((core.caller()).kind, 'service', 'the service role is itself');
:as_anon
select is((core.caller()).kind, 'anonymous', 'who signs in as nobody is anonymous');
set local "request.jwt.claims" = '';
select is((core.caller()).kind, 'anonymous', 'also where the server says nothing of a token');
:as_ada
set local "request.jwt.claims" = '';
select is((core.caller()).kind, 'anonymous', 'a client''s role without a token is nobody');
:as_owner
select is((core.caller()).kind, 'system', 'a job is the system');
set local "request.method" = 'GET';
select is((core.caller()).kind, 'anonymous', 'a request never is');
set local "request.method" = '';

-- Which address is believed.
select is(core.client_address(), null, 'without a request there is no address');
set local "request.headers" = '{"x-forwarded-for": "6.6.6.6, 192.0.2.7"}';
select is(
    core.client_address(), '192.0.2.7'::inet, 'what a client claims to be is not believed'
);
update core.tenants set settings = '{"core": {"proxies": 2}}' where id = core.platform_tenant_id();
-- Settings of the platform count from the next request on.
set local "tenon.address_of" = '';
select is(
    core.client_address(), '6.6.6.6'::inet, 'behind two proxies the last but one counts'
);
set local "request.headers" = '{"x-forwarded-for": "not an address"}';
select is(core.client_address(), null, 'what is no address is none');
update core.tenants set settings = '{"core": {"address_header": "CF-Connecting-IP"}}'
where id = core.platform_tenant_id();
set local "request.headers" = '{"x-forwarded-for": "6.6.6.6", "cf-connecting-ip": "2001:db8::7"}';
select is(
    core.client_address(), '2001:db8::7'::inet, 'a gateway''s own header counts where it is named'
);
set local "request.headers" = '{"x-forwarded-for": "6.6.6.6"}';
select is(core.client_address(), null, 'and nothing else then');

select is(
    (
        select array_agg(pg_temp.code_of(format(
            'update core.tenants set settings = %L where id = core.platform_tenant_id()',
            jsonb_build_object('core', wrong.settings)
        )))
        from (
            values
            ('{"proxies": "x"}'::jsonb), ('{"proxies": 0}'), ('{"open_tenants": "no"}'),
            ('{"address_header": 7}'), ('{"client_certificates": []}')
        ) as wrong (settings)
    ),
    array_fill('23514'::text, array[5]), 'settings that would stop every request are not taken'
);

select * from finish();
rollback;
