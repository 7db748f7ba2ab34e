begin;
\ir ../support/fixtures.sql
select plan(28);


:as_ada
select is(
    (select array_agg(slug order by slug) from v1.tenants), array['acme'],
    'an owner sees the own tenant'
);
:as_vic
select is(
    (select array_agg(slug order by slug) from v1.tenants), array['acme'],
    'a viewer sees the own tenant'
);
:as_sue
select is_empty('select from v1.tenants', 'a suspended member sees no tenant');
:as_eve
select is(
    (select array_agg(slug order by slug) from v1.tenants), array['rival'],
    'a member of another tenant sees that one alone'
);
:as_gus
select is(
    (select array_agg(slug order by slug) from v1.tenants), array['acme', 'group'],
    'a role that reaches descendants counts in the tenants below'
);
:as_anon
select is(
    pg_temp.code_of('select * from v1.tenants'), '42501', 'an anonymous caller sees nothing'
);
select is(
    pg_temp.code_of($$select core.tenants_with('core.tenants.read')$$), '42501',
    'an anonymous caller cannot even ask'
);
:as_truck
select is(pg_temp.code_of('select * from v1.tenants'), '42501', 'a device sees no tenant');

:as_vic
select is(
    core.tenants_with('iot.devices.write'), '{}'::uuid[],
    'a viewer holds no permission to write'
);
select is(
    core.tenants_with('no.such_permission'), '{}'::uuid[],
    'a permission that does not exist is held nowhere'
);
select is(core.tenants_with(null), '{}'::uuid[], 'no permission is held nowhere');

-- The header narrows and never widens.
:as_gus
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000002"}';
select is(
    (select array_agg(slug) from v1.tenants), array['acme'], 'x-tenant-id narrows to one tenant'
);
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000003"}';
select is_empty('select from v1.tenants', 'x-tenant-id opens no tenant of others');
set local "request.headers" = '{"x-tenant-id": "acme'' or true"}';
select is(
    pg_temp.code_of('select * from v1.tenants'), 'tenancy.header_invalid',
    'an x-tenant-id that is no id is refused'
);
set local "request.headers" = '{"x-tenant-id": ""}';
select is(
    pg_temp.code_of('select * from v1.tenants'), 'tenancy.header_invalid',
    'an empty x-tenant-id is refused, not taken for none'
);
:as_gus
select is(
    pg_temp.code_of($$select core.sole_tenant_with('iot.devices.write')$$), 'tenancy.ambiguous',
    'a caller of several tenants must say which'
);
:as_eve
select is(
    core.sole_tenant_with('iot.devices.write'), :rival::uuid, 'a caller of one tenant need not'
);
:as_vic
select is(
    pg_temp.code_of($$select core.sole_tenant_with('iot.devices.write')$$),
    'tenancy.permission_missing', 'a caller without the permission is told so'
);

-- Changes count with the next statement, under the token that the caller already has.
:as_owner
update core.members set status = 'suspended'
where user_id = '00000000-0000-4000-8000-000000000002';
:as_vic
select is_empty('select from v1.tenants', 'a member suspended a moment ago is out');
:as_owner
update core.members set status = 'active' where user_id = '00000000-0000-4000-8000-000000000002';
update core.tenants set status = 'suspended' where slug = 'acme';
:as_ada
select is_empty('select from v1.tenants', 'a suspended tenant is closed to its members');
:as_gus
select is(
    (select array_agg(slug || ' ' || status order by slug) from v1.tenants),
    array['acme suspended', 'group active'],
    'those above a suspended tenant see that it is there'
);
select is_empty('select from v1.devices', 'and nothing in it');
:as_owner
update core.tenants set status = 'active' where slug = 'acme';

-- What the keys promise, whoever writes.
select throws_ok(
    format(
        $$
            insert into core.members (tenant_id, user_id, role_tenant_id, role_id)
            select %L, '00000000-0000-4000-8000-000000000004', %L, gen_random_uuid()
        $$, :acme, :rival
    ),
    '23514', null, 'a member cannot hold a role of a foreign tenant'
);
select throws_ok(
    $$insert into core.tenants (parent_id, slug, name) values (null, 'root-2', 'Root')$$,
    '23514', null, 'there is one root'
);
select throws_ok(
    $$insert into core.tenants (slug, name) values ('t/+/d', 'Wild')$$,
    '23514', null, 'a slug holds nothing that means something in a topic'
);
select throws_ok(
    $$insert into core.tenants (slug, name) values ('acme', 'Acme again')$$,
    '23505', null, 'slugs are unique'
);

-- Membership itself is not for clients to write.
:as_ada
select is(
    pg_temp.code_of(
        $$update core.members set role_id = gen_random_uuid()$$
    ), '42501', 'a member cannot write memberships'
);
select is(
    (select count(*) from core.members), 3::bigint,
    'an owner sees the members of the own tenant and no others'
);

select * from finish();
rollback;
