-- Products and deals: what is sold, to whom, for how much, and how likely.
--
-- Money is an integer of minor units with its currency, never a float. A deal's amount is what
-- somebody says, until it has lines; then it is their sum. How likely it is comes from its stage
-- unless somebody knows better. Its stage belongs to a pipeline, which alone moves it.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('crm.products.read', 'See the catalogue of products.'),
('crm.products.write', 'Change the catalogue of products.'),
('crm.deals.read', 'See deals.'),
('crm.deals.write', 'Add, change, move and remove deals.');
select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent', 'analyst', 'viewer'],
    array['crm.products.read', 'crm.deals.read']
);
select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent'], array['crm.deals.write']
);
select core.allow_system_roles(array['owner', 'admin', 'manager'], array['crm.products.write']);

create table crm.products (
    tenant_id uuid not null default core.sole_tenant_with('crm.products.write')
    references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    code text not null,
    name text not null,
    description text,
    unit text,
    unit_price_minor bigint,
    currency text,
    is_active boolean not null default true,
    custom jsonb not null default '{}',
    version integer not null default 1,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    updated_at timestamptz not null default now(),
    updated_by uuid,
    primary key (tenant_id, id),
    constraint product_code_is_unique unique (tenant_id, code),
    constraint code_is_short check (char_length(code) between 1 and 100),
    constraint name_is_short check (char_length(name) between 1 and 200),
    constraint texts_are_short
    check (char_length(description) <= 20000 and char_length(unit) <= 50),
    constraint currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$'),
    constraint price_has_a_currency check (unit_price_minor is null or currency is not null),
    constraint custom_is_an_object check (jsonb_typeof(custom) = 'object')
);

comment on table crm.products is
'What a tenant sells: the catalogue that lines of deals choose from.';
comment on column crm.products.unit is 'What is counted: piece, hour, month.';
comment on column crm.products.unit_price_minor is
'The price that a line begins with, in minor units of the currency.';

create table crm.deals (
    tenant_id uuid not null default core.sole_tenant_with('crm.deals.write', 'own')
    references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    name text not null,
    company_id uuid,
    contact_id uuid,
    pipeline_id uuid,
    pipeline_version_id uuid,
    stage text,
    stage_kind text not null default 'open',
    stage_entered_at timestamptz not null default now(),
    amount_minor bigint,
    currency text,
    probability smallint,
    expected_close_on date,
    forecast_category text,
    closed_at timestamptz,
    lost_reason text,
    description text,
    source text,
    external_id text,
    owner_id uuid default core.default_owner() references auth.users (id) on delete set null,
    team_id uuid,
    custom jsonb not null default '{}',
    version integer not null default 1,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    updated_at timestamptz not null default now(),
    updated_by uuid,
    primary key (tenant_id, id),
    foreign key (tenant_id, company_id) references crm.companies (tenant_id, id)
    on delete set null (company_id),
    foreign key (tenant_id, contact_id) references crm.contacts (tenant_id, id)
    on delete set null (contact_id),
    foreign key (tenant_id, team_id) references core.teams (tenant_id, id)
    on delete set null (team_id),
    constraint deal_external_id_is_unique unique (tenant_id, external_id),
    constraint name_is_short check (char_length(name) between 1 and 200),
    constraint stage_kind_is_known check (stage_kind in ('open', 'won', 'lost', 'terminal')),
    constraint currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$'),
    constraint amount_has_a_currency check (amount_minor is null or currency is not null),
    constraint probability_in_range check (probability between 0 and 100),
    constraint forecast_category_is_known
    check (forecast_category in ('pipeline', 'best_case', 'commit', 'omitted')),
    constraint texts_are_short check (
        char_length(lost_reason) <= 500 and char_length(description) <= 20000
        and char_length(source) <= 200 and char_length(external_id) between 1 and 200
    ),
    constraint custom_is_an_object check (jsonb_typeof(custom) = 'object')
);
create index deals_board on crm.deals (tenant_id, pipeline_id, stage, stage_entered_at desc, id)
include (amount_minor, currency, probability, pipeline_version_id, owner_id, team_id)
where stage_kind = 'open';
create index deals_closed_board
on crm.deals (tenant_id, pipeline_id, stage, stage_entered_at desc, id)
where stage_kind <> 'open';
create index deals_closed on crm.deals (tenant_id, closed_at) where stage_kind <> 'open';
create index deals_version on crm.deals (tenant_id, pipeline_version_id, stage);
create index deals_company on crm.deals (tenant_id, company_id) where company_id is not null;
create index deals_contact on crm.deals (tenant_id, contact_id) where contact_id is not null;
create index deals_owner on crm.deals (owner_id, tenant_id) where owner_id is not null;
create index deals_team on crm.deals (tenant_id, team_id) where team_id is not null;
create index deals_expected_close on crm.deals (tenant_id, expected_close_on)
where stage_kind = 'open';
create index deals_created_at on crm.deals (tenant_id, created_at desc, id);

comment on table crm.deals is 'Sales that may come, have come or have been lost.';
comment on column crm.deals.contact_id is 'Whom to talk to first; others are in crm.deal_contacts.';
comment on column crm.deals.stage is 'Where in its pipeline it stands. v1.move moves it.';
comment on column crm.deals.stage_kind is 'What the stage means: open, won, lost or terminal.';
comment on column crm.deals.amount_minor is
'In minor units of the currency. With lines, their sum.';
comment on column crm.deals.currency is 'ISO 4217, such as EUR.';
comment on column crm.deals.probability is
'In percent, of somebody who knows better; null for that of the stage.';
comment on column crm.deals.forecast_category is
'commit, best_case, pipeline or omitted; null for what its probability says.';
comment on column crm.deals.closed_at is 'When it came to a stage that is not open.';
comment on column crm.deals.source is 'Where it comes from: a fair, a form, an import.';
comment on column crm.deals.external_id is 'Its key in another system, once a tenant.';

create table crm.deal_contacts (
    tenant_id uuid not null default core.sole_tenant_with('crm.deals.write', 'own'),
    deal_id uuid not null,
    contact_id uuid not null,
    role text,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    object text not null generated always as ('crm.deals') stored,
    record_id uuid not null generated always as (deal_id) stored,
    primary key (tenant_id, deal_id, contact_id),
    foreign key (tenant_id, deal_id) references crm.deals (tenant_id, id) on delete cascade,
    foreign key (tenant_id, contact_id) references crm.contacts (tenant_id, id)
    on delete cascade,
    constraint role_is_short check (char_length(role) <= 100)
);
create index deal_contacts_contact on crm.deal_contacts (tenant_id, contact_id);
create index deal_contacts_record on crm.deal_contacts (tenant_id, record_id);

comment on table crm.deal_contacts is 'Who else has a part in a deal, and which.';
comment on column crm.deal_contacts.role is 'decision maker, buyer, user, or as people call it.';

create table crm.deal_lines (
    tenant_id uuid not null default core.sole_tenant_with('crm.deals.write', 'own'),
    id uuid not null default gen_random_uuid(),
    deal_id uuid not null,
    product_id uuid,
    name text not null,
    quantity numeric(14, 4) not null default 1,
    unit_price_minor bigint not null,
    discount_percent numeric(5, 2) not null default 0,
    total_minor bigint not null generated always as (
        round(quantity * unit_price_minor * (100 - discount_percent) / 100)
    ) stored,
    position integer not null default 0,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    object text not null generated always as ('crm.deals') stored,
    record_id uuid not null generated always as (deal_id) stored,
    primary key (tenant_id, id),
    foreign key (tenant_id, deal_id) references crm.deals (tenant_id, id) on delete cascade,
    foreign key (tenant_id, product_id) references crm.products (tenant_id, id)
    on delete set null (product_id),
    constraint name_is_short check (char_length(name) between 1 and 200),
    constraint discount_in_range check (discount_percent between 0 and 100)
);
create index deal_lines_record on crm.deal_lines (tenant_id, record_id, position);
create index deal_lines_deal on crm.deal_lines (tenant_id, deal_id);
create index deal_lines_product on crm.deal_lines (tenant_id, product_id)
where product_id is not null;

comment on table crm.deal_lines is 'What a deal is made of, in the deal''s currency.';
comment on column crm.deal_lines.unit_price_minor is 'In minor units of the deal''s currency.';
comment on column crm.deal_lines.total_minor is
'Quantity times price less the discount, rounded half away from zero to a minor unit.';

insert into core.errors (code, status, message, hint) values
(
    'deal.currency_missing', 422, 'A deal with lines has a currency.',
    'Set the currency of the deal first.'
),
(
    'deal.amount_from_lines', 422, 'The amount of a deal with lines is their sum.',
    'Change the lines, or remove them.'
);

create function crm.sum_deal_lines() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    changed constant crm.deal_lines := coalesce(new, old);
    currency text;
begin
    perform set_config('tenon.summing_lines', 'on', true);
    -- The deal's row orders those who change its lines at once.
    select deals.currency into currency
    from crm.deals
    where deals.tenant_id = changed.tenant_id and deals.id = changed.deal_id
    for no key update;
    if found and currency is null and tg_op <> 'DELETE' then
        perform core.fail('deal.currency_missing');
    end if;
    update crm.deals
    set amount_minor = summed.amount_minor
    from (
        select sum(lines.total_minor)::bigint as amount_minor
        from crm.deal_lines as lines
        where lines.tenant_id = changed.tenant_id and lines.deal_id = changed.deal_id
    ) as summed
    where
        deals.tenant_id = changed.tenant_id
        and deals.id = changed.deal_id
        and deals.amount_minor is distinct from summed.amount_minor;
    perform set_config('tenon.summing_lines', '', true);
    return null;
end
$$;

comment on function crm.sum_deal_lines() is
'Trigger: the amount of a deal with lines is their sum, and nothing once the last is gone. Raises
deal.currency_missing (422). Definer, so that the sum is of all lines.';

create trigger lines_are_summed after insert or update or delete on crm.deal_lines
for each row execute function crm.sum_deal_lines();

create function crm.refuse_other_amount() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if
        coalesce(current_setting('tenon.summing_lines', true), '') = ''
        and exists (
            select from crm.deal_lines as lines
            where lines.tenant_id = new.tenant_id and lines.deal_id = new.id
        )
    then
        perform core.fail('deal.amount_from_lines');
    end if;
    return new;
end
$$;

comment on function crm.refuse_other_amount() is
'Trigger before update of the amount or currency: those of a deal with lines come from these. Raises
deal.amount_from_lines (422). Definer, because it asks of all lines.';
revoke all on function crm.sum_deal_lines(), crm.refuse_other_amount() from public;

create trigger amount_is_the_sum before update of amount_minor on crm.deals
for each row when (new.amount_minor is distinct from old.amount_minor)
execute function crm.refuse_other_amount();

-- Who may -----------------------------------------------------------------------------------------

select core.guard('crm.products', 'crm.products');
select core.guard('crm.deals', 'crm.deals', 'owner_id', 'team_id');
select core.guard_linked('crm.deal_contacts');
select core.guard_linked('crm.deal_lines');

grant select, delete on crm.products, crm.deals, crm.deal_contacts, crm.deal_lines to authenticated;
grant insert (
    tenant_id, id, code, name, description, unit, unit_price_minor, currency, is_active, custom
) on crm.products to authenticated;
grant update (
    code, name, description, unit, unit_price_minor, currency, is_active, custom
) on crm.products to authenticated;
grant insert (
    tenant_id, id, name, company_id, contact_id, pipeline_id, stage, amount_minor, currency,
    probability, expected_close_on, forecast_category, lost_reason, description, source,
    external_id, owner_id, team_id, custom
) on crm.deals to authenticated;
grant update (
    name, company_id, contact_id, stage, amount_minor, currency,
    probability, expected_close_on, forecast_category, lost_reason, description, source,
    external_id, owner_id, team_id, custom
) on crm.deals to authenticated;
grant insert (tenant_id, deal_id, contact_id, role) on crm.deal_contacts to authenticated;
grant update (role) on crm.deal_contacts to authenticated;
grant insert (
    tenant_id, deal_id, product_id, name, quantity, unit_price_minor, discount_percent, position
) on crm.deal_lines to authenticated;
grant update (
    product_id, name, quantity, unit_price_minor, discount_percent, position
) on crm.deal_lines to authenticated;
grant all on crm.products, crm.deals, crm.deal_contacts, crm.deal_lines to service_role;

select core.register_object('crm.products', 'crm.products', 'product', 'name');
select core.register_object('crm.deals', 'crm.deals', 'deal', 'name', 'owner_id', 'team_id');

-- The data map ------------------------------------------------------------------------------------

select
    core.map_personal(
        'crm.deals.' || mapped, 'user.unique_id', mapped || ' is user_id', 'set_null'
    )
from unnest(array['owner_id', 'created_by', 'updated_by']) as mapped;
select
    core.map_personal(
        mapped, 'user.unique_id', split_part(mapped, '.', 3) || ' is user_id', 'set_null'
    )
from
    unnest(array[
        'crm.products.created_by', 'crm.products.updated_by', 'crm.deal_contacts.created_by',
        'crm.deal_lines.created_by'
    ]) as mapped;
select
    core.map_personal(
        'crm.deals.contact_id', 'user.unique_id', 'contact_id in crm.contacts.id', 'keep',
        'Who bought what is the tenant''s business record (Art. 6(1)(c) GDPR).'
    );
select
    core.map_personal(
        'crm.deal_contacts.contact_id', 'user.unique_id', 'contact_id in crm.contacts.id',
        'delete_row'
    );
select
    core.map_not_personal(
        'Of a sale or a product.',
        'crm.products.name', 'crm.products.description', 'crm.products.custom', 'crm.deals.name',
        'crm.deals.lost_reason', 'crm.deals.description', 'crm.deals.custom',
        'crm.deal_lines.name'
    );

select core.audit('crm.products'::regclass, '{version,updated_at,updated_by}');
select core.audit('crm.deals'::regclass, '{version,updated_at,updated_by}');
select core.audit('crm.deal_contacts'::regclass);
select core.audit('crm.deal_lines'::regclass);

-- The API -----------------------------------------------------------------------------------------

create view v1.products with (security_invoker = true) as
select
    products.tenant_id,
    products.id,
    products.code,
    products.name,
    products.description,
    products.unit,
    products.unit_price_minor,
    products.currency,
    products.is_active,
    products.custom,
    products.version,
    products.created_at,
    products.created_by,
    products.updated_at,
    products.updated_by
from crm.products;

comment on view v1.products is
'The catalogue. Reading needs crm.products.read, inserts, updates and deletes crm.products.write.';

create view v1.deals with (security_invoker = true) as
select
    deals.tenant_id,
    deals.id,
    deals.name,
    deals.company_id,
    deals.contact_id,
    deals.pipeline_id,
    deals.pipeline_version_id,
    deals.stage,
    deals.stage_kind,
    deals.stage_entered_at,
    deals.amount_minor,
    deals.currency,
    deals.probability,
    deals.expected_close_on,
    deals.forecast_category,
    deals.closed_at,
    deals.lost_reason,
    deals.description,
    deals.source,
    deals.external_id,
    deals.owner_id,
    deals.team_id,
    deals.custom,
    deals.version,
    deals.created_at,
    deals.created_by,
    deals.updated_at,
    deals.updated_by
from crm.deals;

comment on view v1.deals is
'Deals. Reading needs crm.deals.read, inserts, updates and deletes crm.deals.write; a role with the
scope own or team reaches the records of that owner or those teams. v1.move changes the stage.';

create view v1.deal_contacts with (security_invoker = true) as
select
    deal_contacts.tenant_id,
    deal_contacts.deal_id,
    deal_contacts.contact_id,
    deal_contacts.role,
    deal_contacts.created_at,
    deal_contacts.created_by
from crm.deal_contacts;

comment on view v1.deal_contacts is
'Who else has a part in a deal. Whoever may read (write) the deal may read (write) these.';

create view v1.deal_lines with (security_invoker = true) as
select
    deal_lines.tenant_id,
    deal_lines.id,
    deal_lines.deal_id,
    deal_lines.product_id,
    deal_lines.name,
    deal_lines.quantity,
    deal_lines.unit_price_minor,
    deal_lines.discount_percent,
    deal_lines.total_minor,
    deal_lines.position,
    deal_lines.created_at,
    deal_lines.created_by
from crm.deal_lines;

comment on view v1.deal_lines is
'What deals are made of. Whoever may read (write) the deal may read (write) its lines.';

select core.grant_as(('v1.' || named)::regclass, ('crm.' || named)::regclass)
from unnest(array['products', 'deals', 'deal_contacts', 'deal_lines']) as named;
