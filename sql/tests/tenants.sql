begin;
\ir ../support/fixtures.sql
select plan(47);

-- Tenants are founded by users, and below others by those who may.
:as_vic
select is(
    v1.create_tenant('vics', 'Vic''s own') ->> 'slug', 'vics', 'any signed-in user founds a tenant'
);
select is(
    (select role from v1.members where tenant_id = (select id from v1.tenants where slug = 'vics')),
    'owner', 'and is its owner'
);
select is(
    pg_temp.code_of($$select v1.create_tenant('vics', 'Again')$$), 'tenant.slug_taken',
    'a slug is taken once'
);
select is(
    pg_temp.code_of($$select v1.create_tenant('rival', 'Again')$$), 'tenant.slug_taken',
    'also by a tenant that the caller cannot see'
);
select is(
    pg_temp.code_of($$select v1.create_tenant('t/+/d', 'Wild')$$), 'tenant.slug_invalid',
    'a slug is a DNS label'
);
select is(
    pg_temp.code_of($$select v1.create_tenant(null, 'None')$$), 'tenant.slug_invalid',
    'a tenant has a slug'
);
select is(
    pg_temp.code_of($$select v1.create_tenant('nameless', '')$$), 'core.name_invalid',
    'a tenant has a name'
);
select is(
    (
        select array_agg(distinct pg_temp.code_of(
            format($$select v1.create_tenant('set', 'Set', null, %L)$$, settings)
        ))
        from unnest(
            array['[]', 'null', '7', jsonb_build_object('x', repeat('x', 20000))::text]
        ) as settings
    ), '{tenant.settings_invalid}', 'settings are a short object'
);
select is(
    pg_temp.code_of(format($$select v1.create_tenant('below', 'Below', %L)$$, :acme)),
    'tenancy.permission_missing', 'a viewer adds no tenant below'
);
select is(
    pg_temp.code_of(
        $$select v1.create_tenant('below', 'Below', '00000000-0000-4000-a000-00000000dead')$$
    ),
    'tenancy.permission_missing', 'below a tenant that does not exist the answer is the same'
);
:as_gus
select is(
    (v1.create_tenant('dealer', 'Dealer', :group) ->> 'parent_id')::uuid, :group::uuid,
    'who may, founds a tenant below the own'
);
select is(
    (select array_agg(slug order by slug) from v1.tenants), array['acme', 'dealer', 'group'],
    'and reaches it from above'
);
:as_anon
select is(
    pg_temp.code_of($$select v1.create_tenant('anons', 'Anon')$$), '42501',
    'an anonymous caller founds nothing'
);
:as_truck
select is(
    pg_temp.code_of($$select v1.create_tenant('trucks', 'Truck')$$), '42501',
    'a device founds nothing'
);
:as_owner
update core.tenants set settings = '{"core": {"open_tenants": false}}'
where id = core.platform_tenant_id();
:as_eve
select is(
    pg_temp.code_of($$select v1.create_tenant('eves', 'Eve''s')$$), 'tenancy.permission_missing',
    'where the platform says so, only its own members found tenants'
);
:as_service
select is(
    v1.create_tenant('served', 'Served') ->> 'slug', 'served', 'and the service role'
);
:as_owner
update core.tenants set settings = '{}' where id = core.platform_tenant_id();

-- Names and settings are for those who may write them; the rest of a tenant is not to be written.
:as_ada
update v1.tenants set name = 'Acme Ltd', settings = '{"iot": {}}' where slug = 'acme';
select is((select name from v1.tenants where slug = 'acme'), 'Acme Ltd', 'an owner renames it');
select is(
    pg_temp.code_of($$update v1.tenants set status = 'closing'$$), '42501',
    'the status is not a column to write'
);
select is(
    pg_temp.code_of(
        format($$update v1.tenants set parent_id = %L$$, core.platform_tenant_id())
    ), '42501', 'nor the parent'
);
:as_vic
update v1.tenants set name = 'Vic was here' where slug in ('acme', 'rival');
:as_owner
select is_empty(
    $$select from core.tenants where name = 'Vic was here'$$, 'a viewer renames nothing'
);

-- Suspension stops a tenant and all below it at once, and only from above.
:as_ada
select is(
    pg_temp.code_of(format('select v1.suspend_tenant(%L)', :acme)), 'tenancy.permission_missing',
    'an owner does not suspend the own tenant'
);
:as_eve
select is(
    pg_temp.code_of(format('select v1.suspend_tenant(%L)', :acme)), 'tenancy.permission_missing',
    'nor does an owner of another one'
);
select is(
    pg_temp.code_of(format('select v1.resume_tenant(%L)', :acme)), 'tenancy.permission_missing',
    'who cannot resume it either'
);
:as_gus
select is(
    v1.suspend_tenant(:acme) ->> 'status', 'suspended', 'who stands above suspends it'
);
:as_ada
select is_empty('select from v1.tenants', 'its owner is out');
:as_gus
select is(v1.resume_tenant(:acme) ->> 'status', 'active', 'and resumes it');
:as_ada
select isnt_empty('select from v1.devices', 'its owner is back');

:as_owner
select set_config(
    'test.dealer', (select id::text from core.tenants where slug = 'dealer'), true
);
update core.tenants set status = 'suspended' where slug = 'dealer';
:as_service
select is(v1.suspend_tenant(:group) ->> 'status', 'suspended', 'a group is suspended');
:as_owner
select is(
    (select status from core.tenants where slug = 'acme'), 'suspended', 'with what is below it'
);
:as_service
select is(v1.resume_tenant(:group) ->> 'status', 'active', 'a group is resumed');
:as_owner
select is(
    (select array_agg(slug || ' ' || status order by slug) from core.tenants where parent_id = :group),
    array['acme active', 'dealer suspended'],
    'with what it had stopped, and not with what was stopped on its own'
);

-- What moves away while it is suspended is resumed on its own.
:as_service
select is(
    (
        select array_agg(answer ->> 'status' order by position)
        from (
            values
            (1, v1.suspend_tenant(:group)), (2, v1.move_tenant(:acme, core.platform_tenant_id())),
            (3, v1.resume_tenant(:group)), (4, v1.move_tenant(:acme, core.platform_tenant_id())),
            (5, v1.resume_tenant(:acme)), (6, v1.move_tenant(:acme, :group))
        ) as steps (position, answer)
    ),
    '{suspended,suspended,active,suspended,active,active}',
    'what moves away while it is suspended is not resumed with what it has left'
);

-- A closing tenant can be read, and nothing changes any more.
:as_gus
select is(
    pg_temp.code_of(format('select v1.close_tenant(%L)', :rival)), 'tenancy.permission_missing',
    'nobody closes the tenant of others'
);
:as_ada
select is(v1.close_tenant(:acme) ->> 'status', 'closing', 'an owner closes it');
select isnt_empty('select from v1.devices', 'what is there can be read');
select is(
    pg_temp.code_of($$insert into v1.devices (slug) values ('late')$$),
    'tenancy.permission_missing', 'nothing can be added'
);
select is(
    (select permissions ? 'iot.devices.write' from v1.my_access()), false,
    'which a member is told'
);
:as_gus
select lives_ok(format('select v1.suspend_tenant(%L)', :acme), 'suspended from above');
select is(
    v1.resume_tenant(:acme) ->> 'status', 'closing', 'and resumed, it closes as before'
);
:as_ada
select is(v1.resume_tenant(:acme) ->> 'status', 'active', 'and opens it again');

-- Moving.
:as_gus
select is(
    pg_temp.code_of(format('select v1.move_tenant(%L, %L)', :group, :acme)),
    'tenant.below_itself', 'a tenant is not moved below itself'
);
select is(
    pg_temp.code_of(format('select v1.move_tenant(%L, %L)', :group, :group)),
    'tenant.below_itself', 'nor below the very same'
);
select is(
    pg_temp.code_of(format('select v1.move_tenant(%L, %L)', :rival, :group)),
    'tenancy.permission_missing', 'nobody takes the tenant of others'
);
select is(
    pg_temp.code_of(format('select v1.move_tenant(%L, %L)', :acme, :rival)),
    'tenancy.permission_missing', 'nor gives one to others'
);
:as_service
select is(
    (v1.move_tenant(:group, :rival) ->> 'parent_id')::uuid, :rival::uuid,
    'a subtree moves as a whole'
);
:as_eve
select is(
    (select array_agg(slug order by slug) from v1.tenants where status = 'active'),
    array['acme', 'group', 'rival'], 'and is reached from its new place'
);
:as_owner
do $$
declare
    above uuid := '00000000-0000-4000-a000-000000000002';
begin
    for level in 4..8 loop
        insert into core.tenants (slug, name, parent_id) values ('level-' || level, 'L', above)
        returning id into above;
    end loop;
    perform set_config('test.deepest', above::text, true);
end
$$;
:as_service
select is(
    pg_temp.code_of(
        format($$select v1.create_tenant('level-9', 'L', %L)$$, current_setting('test.deepest'))
    ),
    'tenant.too_deep', 'the tree has a depth that it does not exceed'
);

select * from finish();
rollback;
