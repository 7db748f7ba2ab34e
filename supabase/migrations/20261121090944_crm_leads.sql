-- Leads: people who may become customers, before anybody knows.
--
-- A lead is one flat record, because that is how forms, fairs and feeds deliver it. It moves
-- through a pipeline until it is converted: v1.convert_lead finds or makes the contact, the company
-- and, if asked, a deal.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('crm.leads.read', 'See leads.'),
('crm.leads.write', 'Add, change, move and remove leads.'),
('crm.leads.convert', 'Turn leads into contacts, companies and deals.');
select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent', 'analyst', 'viewer'], array['crm.leads.read']
);
select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent'], array['crm.leads.write', 'crm.leads.convert']
);

create table crm.leads (
    tenant_id uuid not null default core.sole_tenant_with('crm.leads.write', 'own')
    references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    salutation text,
    given_name text,
    family_name text,
    company_name text,
    name text not null generated always as (
        coalesce(
            nullif(btrim(coalesce(given_name, '') || ' ' || coalesce(family_name, '')), ''),
            company_name, email, phone, ''
        )
    ) stored,
    job_title text,
    email text,
    phone text,
    website text,
    street text,
    postal_code text,
    city text,
    region text,
    country_code text,
    language text,
    interest text,
    amount_minor bigint,
    currency text,
    description text,
    score integer,
    source text,
    campaign text,
    external_id text,
    pipeline_id uuid,
    pipeline_version_id uuid,
    stage text,
    stage_kind text not null default 'open',
    stage_entered_at timestamptz not null default now(),
    lost_reason text,
    first_response_at timestamptz,
    converted_at timestamptz,
    owner_id uuid default core.default_owner() references auth.users (id) on delete set null,
    team_id uuid,
    custom jsonb not null default '{}',
    version integer not null default 1,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    updated_at timestamptz not null default now(),
    updated_by uuid,
    primary key (tenant_id, id),
    foreign key (tenant_id, team_id) references core.teams (tenant_id, id)
    on delete set null (team_id),
    constraint lead_external_id_is_unique unique (tenant_id, external_id),
    constraint names_are_short check (
        char_length(salutation) <= 50 and char_length(given_name) <= 200
        and char_length(family_name) <= 200 and char_length(job_title) <= 200
        and char_length(company_name) <= 200
    ),
    constraint email_is_short check (char_length(email) between 3 and 254),
    constraint phone_is_short check (char_length(phone) between 1 and 50),
    constraint address_is_short check (
        char_length(street) <= 500 and char_length(postal_code) <= 20
        and char_length(city) <= 200 and char_length(region) <= 200
    ),
    constraint country_code_is_iso_3166 check (country_code ~ '^[A-Z]{2}$'),
    constraint language_is_a_tag check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$'),
    constraint currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$'),
    constraint amount_has_a_currency check (amount_minor is null or currency is not null),
    constraint stage_kind_is_known check (stage_kind in ('open', 'won', 'lost', 'terminal')),
    constraint texts_are_short check (
        char_length(website) <= 2000 and char_length(interest) <= 2000
        and char_length(description) <= 20000 and char_length(source) <= 200
        and char_length(campaign) <= 200 and char_length(lost_reason) <= 500
        and char_length(external_id) between 1 and 200
    ),
    constraint custom_is_an_object check (jsonb_typeof(custom) = 'object')
);
create index leads_board on crm.leads (tenant_id, pipeline_id, stage, stage_entered_at desc, id)
where stage_kind = 'open';
create index leads_version on crm.leads (tenant_id, pipeline_version_id, stage);
create index leads_email on crm.leads (lower(btrim(email)), tenant_id) where email is not null;
create index leads_owner on crm.leads (owner_id, tenant_id) where owner_id is not null;
create index leads_team on crm.leads (tenant_id, team_id) where team_id is not null;
create index leads_created_at on crm.leads (tenant_id, created_at desc, id);

comment on table crm.leads is 'People who may become customers.';
comment on column crm.leads.name is
'Given and family name, or the company''s, the e-mail, the phone: what a list shows.';
comment on column crm.leads.interest is 'What they ask for.';
comment on column crm.leads.amount_minor is
'What it may be worth, in minor units of the currency.';
comment on column crm.leads.score is 'How promising it is, by whatever scale the tenant uses.';
comment on column crm.leads.source is 'Where it comes from: a fair, a form, an import.';
comment on column crm.leads.external_id is 'Its key in another system, once a tenant.';
comment on column crm.leads.stage is 'Where in its pipeline it stands. v1.move moves it.';
comment on column crm.leads.stage_kind is 'What the stage means: open, won, lost or terminal.';
comment on column crm.leads.first_response_at is 'When somebody first reached out to them.';
comment on column crm.leads.converted_at is
'When it was converted; crm.conversions says into what.';

select core.guard('crm.leads', 'crm.leads', 'owner_id', 'team_id');

grant select, delete on crm.leads to authenticated;
grant insert (
    tenant_id, id, salutation, given_name, family_name, company_name, job_title, email, phone,
    website, street, postal_code, city, region, country_code, language, interest, amount_minor,
    currency, description, score, source, campaign, external_id, pipeline_id, stage, lost_reason,
    owner_id, team_id, custom
) on crm.leads to authenticated;
grant update (
    salutation, given_name, family_name, company_name, job_title, email, phone,
    website, street, postal_code, city, region, country_code, language, interest, amount_minor,
    currency, description, score, source, campaign, external_id, stage, lost_reason,
    owner_id, team_id, custom
) on crm.leads to authenticated;
grant all on crm.leads to service_role;

select core.register_object('crm.leads', 'crm.leads', 'lead', 'name', 'owner_id', 'team_id');

-- A lead is about one person, and nothing of it is left to keep.
select
    core.map_personal(
        'crm.leads.' || mapped, category, 'email is email or phone is phone', 'delete_row'
    )
from (
    values
    ('id', 'user.unique_id'),
    ('salutation', 'user.name'),
    ('given_name', 'user.name'),
    ('family_name', 'user.name'),
    ('company_name', 'user.workplace'),
    ('name', 'user.name'),
    ('job_title', 'user.job_title'),
    ('email', 'user.contact.email'),
    ('phone', 'user.contact.phone_number'),
    ('website', 'user.contact.url'),
    ('street', 'user.contact.address.street'),
    ('postal_code', 'user.contact.address.postal_code'),
    ('city', 'user.contact.address.city'),
    ('region', 'user.contact.address.state'),
    ('interest', 'user.content'),
    ('description', 'user.content'),
    ('lost_reason', 'user.content'),
    ('external_id', 'user.unique_id'),
    ('custom', 'user')
) as line (mapped, category);
select
    core.map_personal(
        'crm.leads.' || mapped, 'user.unique_id', mapped || ' is user_id', 'set_null'
    )
from unnest(array['owner_id', 'created_by', 'updated_by']) as mapped;

select core.audit('crm.leads'::regclass, '{version,updated_at,updated_by}');

create view v1.leads with (security_invoker = true) as
select
    leads.tenant_id,
    leads.id,
    leads.salutation,
    leads.given_name,
    leads.family_name,
    leads.company_name,
    leads.name,
    leads.job_title,
    leads.email,
    leads.phone,
    leads.website,
    leads.street,
    leads.postal_code,
    leads.city,
    leads.region,
    leads.country_code,
    leads.language,
    leads.interest,
    leads.amount_minor,
    leads.currency,
    leads.description,
    leads.score,
    leads.source,
    leads.campaign,
    leads.external_id,
    leads.pipeline_id,
    leads.pipeline_version_id,
    leads.stage,
    leads.stage_kind,
    leads.stage_entered_at,
    leads.lost_reason,
    leads.first_response_at,
    leads.converted_at,
    leads.owner_id,
    leads.team_id,
    leads.custom,
    leads.version,
    leads.created_at,
    leads.created_by,
    leads.updated_at,
    leads.updated_by
from crm.leads;

comment on view v1.leads is
'Leads. Reading needs crm.leads.read, inserts, updates and deletes crm.leads.write; a role with the
scope own or team reaches the records of that owner or those teams. v1.move changes the stage,
v1.convert_lead converts.';

select core.grant_as(('v1.' || named)::regclass, ('crm.' || named)::regclass)
from unnest(array['leads']) as named;
