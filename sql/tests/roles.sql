-- Roles with scopes and hidden fields, teams, and what a caller is told about all that, on a table
-- that is guarded as a product would guard its own.
begin;
\ir ../support/fixtures.sql
select plan(49);

insert into core.permissions (permission, description) values
('app.deals.read', 'See deals.'), ('app.deals.write', 'Write deals.');
create table public.deals (
    tenant_id uuid not null default core.sole_tenant_with('app.deals.write', 'own')
    references core.tenants (id),
    id integer not null,
    owner_id uuid default core.caller_id(),
    team_id uuid,
    amount integer,
    primary key (tenant_id, id)
);
grant select, insert, update, delete on public.deals to authenticated;
select core.guard('public.deals', 'app.deals', 'owner_id', 'team_id');
select core.guard_fields('public.deals', 'app.deals', array['amount']);
select core.allow_system_roles(array['owner'], array['app.deals.read', 'app.deals.write']);
create view public.deals_shown with (security_invoker = true) as
select
    deals.tenant_id,
    deals.id,
    case
        when
            deals.tenant_id
            = any((select core.tenants_with('app.deals.read', 'own', 'amount'))::uuid[])
            then deals.amount
    end as amount
from public.deals;
grant select on public.deals_shown to authenticated;

select throws_ok(
    $$select core.guard('public.deals', 'app.deals', 'proprietor_id')$$, '42703', null,
    'a table is not guarded by a column that it lacks'
);

\set ada '\'00000000-0000-4000-8000-000000000001\''
\set vic '\'00000000-0000-4000-8000-000000000002\''

-- A role of the tenant's own.
:as_vic
select is(
    pg_temp.code_of($$select v1.save_role('seller', 'Seller', '["app.deals.read"]')$$),
    'tenancy.permission_missing', 'a viewer makes no role'
);
:as_ada
select is(
    v1.save_role(
        'seller', 'Seller', '{"app.deals.read": "team", "app.deals.write": "own"}',
        '{"app.deals": ["amount"]}'
    ) ->> 'slug', 'seller', 'an owner makes a role'
);
select is(
    (select permissions from v1.roles where slug = 'seller'),
    '{"app.deals.read": "team", "app.deals.write": "own"}', 'that grants what was said'
);
select is(
    (select hidden_fields from v1.roles where slug = 'seller'),
    '{"app.deals": ["amount"]}', 'and hides what was said'
);
select is(
    pg_temp.code_of($$select v1.save_role('owner', 'Mine', '[]')$$), 'role.slug_invalid',
    'a system role cannot be replaced'
);
select is(
    pg_temp.code_of($$select v1.save_role('r', 'R', '["no.such"]')$$), 'role.grant_unknown',
    'a permission that there is not cannot be granted'
);
select is(
    pg_temp.code_of($$select v1.save_role('r', 'R', '{"app.deals.read": "galaxy"}')$$),
    'role.grant_unknown', 'nor with a scope that there is not'
);
select is(
    pg_temp.code_of($$select v1.save_role('r', 'R', '"all"')$$), 'role.grants_malformed',
    'grants are an object or a list'
);
select is(
    pg_temp.code_of($$select v1.save_role('r', 'R', '[]', '{"app.deals": "amount"}')$$),
    'role.grants_malformed', 'hidden fields are lists'
);
select is(
    pg_temp.code_of($$select v1.save_role('r', 'R', '[]', '{"app.deals": ["colour"]}')$$),
    'role.field_unknown', 'a field that there is not cannot be hidden'
);
select is_empty($$select from v1.roles where slug = 'r'$$, 'nothing is left of what was refused');
select is(
    v1.set_member_role(:vic, 'seller') ->> 'role', 'seller', 'a member takes the role'
);
select is(
    pg_temp.code_of($$select v1.delete_role('seller')$$), 'role.in_use',
    'a role that somebody holds stays'
);

-- Records: own ones, those of the team, the tenant's.
insert into public.deals (id, amount) values (1, 100);
select is(
    v1.save_team('north', 'North', array[:vic::uuid]) ->> 'slug', 'north', 'an owner makes a team'
);
insert into public.deals (id, amount, team_id) select 2, 200, id from v1.teams;
:as_vic
insert into public.deals (id) values (3);
select is(
    (select array_agg(id order by id) from public.deals), array[2, 3],
    'who reads the team''s records sees the team''s and the own'
);
select is(
    (select array_agg(coalesce(amount::text, '-') order by id) from public.deals_shown),
    array['-', '-'], 'and a hidden field as null'
);
select is(
    pg_temp.code_of('update public.deals set amount = 1 where id = 3'), 'access.field_hidden',
    'which cannot be written'
);
select is(
    pg_temp.code_of('insert into public.deals (id, amount) values (4, 1)'), 'access.field_hidden',
    'nor given with a new record'
);
update public.deals set team_id = null where id in (1, 2);
:as_ada
select is(
    (select array_agg(id order by id) from public.deals where team_id is not null), array[2],
    'who writes own records writes no others'
);
:as_vic
select is(
    pg_temp.code_of(format('update public.deals set owner_id = %L where id = 3', :ada)), '42501',
    'nor gives an own record away beyond what the role reaches'
);
select is(
    pg_temp.code_of(format('insert into public.deals (tenant_id, id) values (%L, 5)', :rival)),
    '42501', 'nor adds one to another tenant'
);
:as_ada
select is(
    (select array_agg(amount order by id) from public.deals_shown), array[100, 200, null],
    'whose role hides nothing sees all'
);
select isnt(
    v1.save_role('seller', 'Seller', '{"app.deals.read": "tenant", "app.deals.write": "team"}'),
    null, 'the role changes'
);
:as_vic
select is(
    (select array_agg(amount order by id) from public.deals_shown), array[100, 200, null],
    'and counts with the next statement'
);
update public.deals set amount = 201;
:as_ada
select is(
    (select array_agg(id order by id) from public.deals where amount = 201), array[2, 3],
    'who writes the team''s records writes the team''s and the own'
);
select is(v1.delete_team('north') ->> 'deleted', 'true', 'a team is dissolved');
select is(pg_temp.code_of($$select v1.delete_team('north')$$), 'team.unknown', 'once');
:as_eve
select is_empty('select from public.deals', 'others see nothing');
select is_empty($$select from v1.roles where slug = 'seller'$$, 'and no role of the tenant');
select is(
    pg_temp.code_of($$select v1.set_member_role('00000000-0000-4000-8000-000000000004', 'seller')$$),
    'role.unknown', 'and cannot give it'
);
:as_gus
select is(
    (select array_agg(id order by id) from public.deals), array[1, 2, 3],
    'a role that reaches down opens records below'
);

-- Nobody grants what they do not hold.
:as_ada
select isnt(
    v1.save_role(
        'clerk', 'Clerk', '{"core.roles.write": "tenant", "core.members.write": "tenant",
        "core.members.read": "tenant", "app.deals.read": "team"}',
        '{"app.deals": ["amount"]}'
    ), null, 'a clerk makes roles'
);
select isnt(v1.set_member_role(:vic, 'clerk'), null, 'and is vic');
:as_vic
select is(
    pg_temp.code_of($$select v1.save_role('r', 'R', '["app.deals.write"]')$$),
    'access.beyond_own', 'a permission that one lacks cannot be granted'
);
select is(
    pg_temp.code_of(
        $$select v1.save_role('r', 'R', '{"app.deals.read": "tenant"}', '{"app.deals": ["amount"]}')$$
    ), 'access.beyond_own', 'nor with a wider scope than the own'
);
select is(
    pg_temp.code_of($$select v1.save_role('r', 'R', '{"app.deals.read": "own"}')$$),
    'access.beyond_own', 'nor with a field shown that is hidden from oneself'
);
select is(
    pg_temp.code_of(
        $$select v1.save_role('clerk', 'Clerk', '{"app.deals.read": "tenant"}')$$
    ), 'access.beyond_own', 'nor by changing the own role'
);
select is(
    pg_temp.code_of($$select v1.save_role('seller', 'Seller', '[]')$$), 'access.beyond_own',
    'a role that holds more is not theirs to change'
);
select is(
    v1.save_role(
        'r', 'R', '{"app.deals.read": "own"}', '{"app.deals": ["amount"]}'
    ) ->> 'slug', 'r', 'what one holds can be granted'
);
select is(v1.delete_role('r') ->> 'deleted', 'true', 'and taken back');

-- What a caller is told.
select is(
    (select jsonb_build_array(tenant, role, permissions -> 'app.deals.read', hidden_fields)
    from v1.my_access()),
    '["acme", "clerk", "team", {"app.deals": ["amount"]}]', 'my_access says what one holds'
);
select is(
    v1.explain_access('app.deals.write', :acme) #>> '{reasons,0,code}', 'role_lacks_permission',
    'explain_access says why not'
);
select is(
    v1.explain_access('app.deals.write', :rival) -> 'reasons',
    v1.explain_access('app.deals.write', gen_random_uuid()) -> 'reasons',
    'and does not tell a strange tenant from none'
);
select is(
    pg_temp.code_of(format('select v1.explain_access(''app.deals.read'', %L, %L)', :rival, :ada)),
    'tenancy.permission_missing', 'nor anything about people of other tenants'
);
:as_gus
select is(
    v1.explain_access('app.deals.write', :acme) #>> '{reasons,0,tenant}', 'group',
    'explain_access names the tenant from which a role reaches down'
);
select is(
    v1.explain_access('app.deals.read', :acme, :vic) ->> 'scope', 'team',
    'who may see members asks about them too'
);
:as_sue
select is(
    v1.explain_access('app.deals.read', :acme) #>> '{reasons,0,code}', 'membership_suspended',
    'who is shut out is told so'
);
:as_ada
select is(
    pg_temp.code_of(format('select v1.explain_access(''no.such'', %L)', :acme)),
    'role.grant_unknown', 'a permission that there is not is named'
);

select * from finish();
rollback;
