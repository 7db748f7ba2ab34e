-- A small table whose records go through a pipeline, for `\ir` after fixtures.sql: acme's orders.
--
--     new ──▶ packed ──▶ shipped (won)      ada owns acme, vic views, ann has her own orders
--       └────────┴─────▶ cancelled (lost) ──▶ new

create schema shop;
grant usage on schema shop to authenticated, service_role;

create table shop.orders (
    tenant_id uuid not null default core.sole_tenant_with('shop.orders.write', 'own')
    references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    name text not null,
    amount numeric,
    note text,
    email text,
    paid boolean not null default false,
    due_on date,
    closed_at timestamptz,
    owner_id uuid,
    team_id uuid,
    custom jsonb not null default '{}',
    primary key (tenant_id, id),
    constraint amount_is_not_negative check (amount >= 0)
);

insert into core.permissions (permission, description) values
('shop.orders.read', 'See orders.'),
('shop.orders.write', 'Change orders.'),
('shop.orders.ship', 'Ship orders.');
select core.allow_system_roles(array['owner', 'viewer'], array['shop.orders.read']);
select core.allow_system_roles(
    array['owner'], array['shop.orders.write', 'shop.orders.ship']
);
select core.guard('shop.orders', 'shop.orders', 'owner_id', 'team_id');
grant select, insert, update, delete on shop.orders to authenticated, service_role;

select core.register_object('shop.orders', 'shop.orders', 'order', 'name', 'owner_id', 'team_id');
select core.attach_pipeline('shop.orders');

insert into auth.users (id, email) values
('00000000-0000-4000-8000-0000000000a1', 'ann@example.com');
insert into core.roles (tenant_id, id, slug, name) values
(:acme, '00000000-0000-4000-8000-0000000000b1', 'packer', 'Packer');
insert into core.role_permissions (tenant_id, role_id, permission, scope)
select
    :acme,
    '00000000-0000-4000-8000-0000000000b1',
    permission,
    'own'
from unnest(array['shop.orders.read', 'shop.orders.write']) as permission;
insert into core.members (tenant_id, user_id, role_tenant_id, role_id)
values (
    :acme, '00000000-0000-4000-8000-0000000000a1',
    :acme, '00000000-0000-4000-8000-0000000000b1'
);
\set as_ann 'reset role; set local "tenon.caller_kind" = \'\'; set local "request.headers" = \'\'; set local role authenticated; set local "request.jwt.claims" = \'{"role": "authenticated", "sub": "00000000-0000-4000-8000-0000000000a1"}\';'

create function pg_temp.orders_definition() returns jsonb
language sql immutable
return '{
    "stages": [
        {"stage": "new", "kind": "open", "start": true, "probability": 20,
         "on_leave": [{"effect": "emit", "type": "shop.order.signalled", "data": {"n": 1}}]},
        {"stage": "packed", "kind": "open", "required": ["amount"], "time_limit_s": 3600,
         "on_enter": [{"effect": "emit", "type": "shop.order.signalled", "data": {"n": 3}}],
         "on_time_limit": [{"effect": "set_fields", "fields": {"note": "late"}}]},
        {"stage": "shipped", "kind": "won"},
        {"stage": "cancelled", "kind": "lost"}
    ],
    "transitions": [
        {"from": "new", "to": "packed",
         "effects": [{"effect": "emit", "type": "shop.order.signalled",
                      "data": {"n": 2, "name": {"field": "name"}}}]},
        {"from": "packed", "to": "shipped", "label": "Ship", "permission": "shop.orders.ship",
         "when": {"field": "paid", "op": "=", "value": true},
         "effects": [{"effect": "set_fields",
                      "fields": {"due_on": {"after_s": 0}, "note": "shipped"}}]},
        {"from": ["new", "packed"], "to": "cancelled", "reason_required": true},
        {"from": "cancelled", "to": "new"}
    ]
}'::jsonb;

-- The details of what a statement is refused with.
create function pg_temp.details_of(statement text) returns jsonb
language plpgsql
as $$
begin
    execute statement;
    return null;
exception
    when sqlstate 'PGRST' then return (sqlerrm::jsonb ->> 'details')::jsonb;
end
$$;
grant usage on schema public to authenticated;
