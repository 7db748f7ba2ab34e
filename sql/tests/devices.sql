begin;
\ir ../support/fixtures.sql
select plan(17);

:as_ada
select is(
    (select array_agg(slug order by slug) from v1.devices), array['truck-1', 'truck-2'],
    'a member sees the devices of the own tenant'
);
select lives_ok(
    $$insert into v1.devices (slug, name) values ('pump.7', 'Pump')$$,
    'an owner adds a device without naming the tenant'
);
select is(
    (select tenant_id from v1.devices where slug = 'pump.7'), :acme::uuid,
    'it belongs to the tenant of the caller'
);
select throws_ok(
    format($$insert into v1.devices (tenant_id, slug) values (%L, 'spy')$$, :rival),
    '42501', null, 'nobody adds a device to a tenant of others'
);
select throws_ok(
    $$update v1.devices set slug = 'other' where slug = 'truck-1'$$,
    '42501', null, 'a slug stays: topics and credentials carry it'
);
select throws_ok(
    $$insert into v1.devices (slug) values ('a/b')$$,
    '23514', null, 'a slug fits one level of a topic'
);
select throws_ok(
    $$insert into v1.devices (slug) values ('truck-1')$$,
    '23505', null, 'a slug is unique in its tenant'
);
update v1.devices set status = 'suspended' where slug = 'truck-2';
select is(
    (select status from v1.devices where slug = 'truck-2'), 'suspended',
    'an owner suspends a device'
);
select throws_ok(
    $$update v1.devices set status = 'lost'$$, '23514', null, 'a status is one of the known'
);

:as_eve
select is(
    (select count(*) from v1.devices), 1::bigint, 'another tenant sees only its own devices'
);
update v1.devices set name = 'stolen' where slug = 'truck-2';
:as_owner
select is_empty(
    $$select from iot.devices where name = 'stolen'$$, 'and changes nothing of others'
);

:as_vic
update v1.devices set name = 'renamed' where slug = 'truck-1';
select is_empty(
    $$select from v1.devices where name = 'renamed'$$, 'a viewer changes nothing'
);
select is(
    pg_temp.code_of($$insert into v1.devices (slug) values ('viewer-1')$$),
    'tenancy.permission_missing', 'a viewer adds nothing'
);
:as_sue
select is_empty('select from v1.devices', 'a suspended member sees no device');
:as_anon
select is(pg_temp.code_of('select * from v1.devices'), '42501', 'nor does anyone anonymous');

:as_owner
insert into iot.metrics (tenant_id, name, value_type) values (:acme, 'speed', 'number');
:as_ada
update v1.metrics set unit = 'km/h' where name = 'speed';
select is((select unit from v1.metrics), 'km/h', 'an owner sets the unit of a metric');
select throws_ok(
    $$update v1.metrics set unit = 'km per hour'$$, '23514', null, 'a unit is UCUM text'
);

select * from finish();
rollback;
