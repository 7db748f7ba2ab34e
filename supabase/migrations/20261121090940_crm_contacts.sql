-- Companies and contacts: with whom a tenant has to do.
--
-- A contact's first e-mail, phone and company stand on the contact, because that is what every list
-- shows and every look-up asks for; what there is more of each, with labels, and addresses stand in
-- crm.contact_points and crm.contact_companies. Consent is no column here: core.consents records
-- who agreed to what, by e-mail and phone.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('crm.companies.read', 'See companies.'),
('crm.companies.write', 'Add, change and remove companies.'),
('crm.contacts.read', 'See contacts.'),
('crm.contacts.write', 'Add, change and remove contacts.');
select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent', 'analyst', 'viewer'],
    array['crm.companies.read', 'crm.contacts.read']
);
select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent'],
    array['crm.companies.write', 'crm.contacts.write']
);

create function core.default_owner() returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
begin
    return case caller.kind when 'user' then caller.id end;
end
$$;

comment on function core.default_owner() is
'Who owns a record that names nobody: the user who makes it. Null for keys, services and jobs.
Signed-in users may call it.';
revoke all on function core.default_owner() from public;
grant execute on function core.default_owner() to authenticated, service_role;

create table crm.companies (
    tenant_id uuid not null default core.sole_tenant_with('crm.companies.write', 'own')
    references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    name text not null,
    kind text not null default 'prospect',
    domain text,
    website text,
    email text,
    phone text,
    industry text,
    employee_count integer,
    annual_revenue_minor bigint,
    currency text,
    vat_number text,
    language text,
    description text,
    parent_id uuid,
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
    foreign key (tenant_id, parent_id) references crm.companies (tenant_id, id)
    on delete set null (parent_id),
    foreign key (tenant_id, team_id) references core.teams (tenant_id, id)
    on delete set null (team_id),
    constraint company_external_id_is_unique unique (tenant_id, external_id),
    constraint name_is_short check (char_length(name) between 1 and 200),
    constraint kind_is_known
    check (kind in ('prospect', 'customer', 'partner', 'supplier', 'competitor', 'other')),
    constraint domain_is_short check (char_length(domain) between 1 and 253),
    constraint website_is_short check (char_length(website) between 1 and 2000),
    constraint email_is_short check (char_length(email) between 3 and 254),
    constraint phone_is_short check (char_length(phone) between 1 and 50),
    constraint employee_count_is_counted check (employee_count >= 0),
    constraint currency_is_iso_4217 check (currency ~ '^[A-Z]{3}$'),
    constraint revenue_has_a_currency
    check (annual_revenue_minor is null or currency is not null),
    constraint language_is_a_tag check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$'),
    constraint texts_are_short check (
        char_length(industry) <= 200 and char_length(vat_number) <= 50
        and char_length(description) <= 20000 and char_length(source) <= 200
        and char_length(external_id) between 1 and 200
    ),
    constraint company_is_not_above_itself check (parent_id <> id),
    constraint custom_is_an_object check (jsonb_typeof(custom) = 'object')
);
create index companies_name on crm.companies (tenant_id, lower(name));
create index companies_domain on crm.companies (tenant_id, lower(domain)) where domain is not null;
create index companies_email on crm.companies (lower(btrim(email))) where email is not null;
create index companies_parent on crm.companies (tenant_id, parent_id) where parent_id is not null;
create index companies_owner on crm.companies (owner_id, tenant_id) where owner_id is not null;
create index companies_team on crm.companies (tenant_id, team_id) where team_id is not null;
create index companies_created_at on crm.companies (tenant_id, created_at desc, id);

comment on table crm.companies is 'Organisations that a tenant has to do with.';
comment on column crm.companies.kind is
'prospect, customer, partner, supplier, competitor or other.';
comment on column crm.companies.annual_revenue_minor is
'In minor units of the currency: cents, or yen.';
comment on column crm.companies.currency is 'ISO 4217, such as EUR.';
comment on column crm.companies.language is 'To write to it in: BCP 47, such as de or pt-BR.';
comment on column crm.companies.parent_id is 'The company that it belongs to.';
comment on column crm.companies.source is 'Where it comes from: a fair, a form, an import.';
comment on column crm.companies.external_id is 'Its key in another system, once a tenant.';
comment on column crm.companies.custom is 'The tenant''s own fields.';

create table crm.contacts (
    tenant_id uuid not null default core.sole_tenant_with('crm.contacts.write', 'own')
    references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    salutation text,
    given_name text,
    family_name text,
    name text not null generated always as (
        coalesce(
            nullif(btrim(coalesce(given_name, '') || ' ' || coalesce(family_name, '')), ''),
            email, phone, ''
        )
    ) stored,
    job_title text,
    company_id uuid,
    email text,
    phone text,
    birth_date date,
    language text,
    description text,
    do_not_contact boolean not null default false,
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
    foreign key (tenant_id, team_id) references core.teams (tenant_id, id)
    on delete set null (team_id),
    constraint contact_external_id_is_unique unique (tenant_id, external_id),
    constraint names_are_short check (
        char_length(salutation) <= 50 and char_length(given_name) <= 200
        and char_length(family_name) <= 200 and char_length(job_title) <= 200
    ),
    constraint email_is_short check (char_length(email) between 3 and 254),
    constraint phone_is_short check (char_length(phone) between 1 and 50),
    constraint language_is_a_tag check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$'),
    constraint texts_are_short check (
        char_length(description) <= 20000 and char_length(source) <= 200
        and char_length(external_id) between 1 and 200
    ),
    constraint custom_is_an_object check (jsonb_typeof(custom) = 'object')
);
create index contacts_name on crm.contacts (tenant_id, lower(name));
create index contacts_email on crm.contacts (lower(btrim(email)), tenant_id)
where email is not null;
create index contacts_company on crm.contacts (tenant_id, company_id) where company_id is not null;
create index contacts_owner on crm.contacts (owner_id, tenant_id) where owner_id is not null;
create index contacts_team on crm.contacts (tenant_id, team_id) where team_id is not null;
create index contacts_created_at on crm.contacts (tenant_id, created_at desc, id);

comment on table crm.contacts is
'People that a tenant has to do with. Their further e-mails, phones and addresses are in
crm.contact_points, the further companies they work for in crm.contact_companies.';
comment on column crm.contacts.name is
'Given and family name, or the e-mail, or the phone: what a list shows.';
comment on column crm.contacts.company_id is 'The company they mainly work for.';
comment on column crm.contacts.email is 'The e-mail to write to first.';
comment on column crm.contacts.phone is 'The phone to call first.';
comment on column crm.contacts.language is 'To write to them in: BCP 47, such as de or pt-BR.';
comment on column crm.contacts.do_not_contact is
'Whether they have asked to be left alone. Consents by purpose are core.consents.';
comment on column crm.contacts.source is 'Where they come from: a fair, a form, an import.';
comment on column crm.contacts.external_id is 'Their key in another system, once a tenant.';
comment on column crm.contacts.custom is 'The tenant''s own fields.';

create table crm.contact_companies (
    tenant_id uuid not null default core.sole_tenant_with('crm.contacts.write', 'own'),
    contact_id uuid not null,
    company_id uuid not null,
    job_title text,
    started_on date,
    ended_on date,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    object text not null generated always as ('crm.contacts') stored,
    record_id uuid not null generated always as (contact_id) stored,
    primary key (tenant_id, contact_id, company_id),
    foreign key (tenant_id, contact_id) references crm.contacts (tenant_id, id) on delete cascade,
    foreign key (tenant_id, company_id) references crm.companies (tenant_id, id)
    on delete cascade,
    constraint job_title_is_short check (char_length(job_title) <= 200),
    constraint ends_after_it_starts check (ended_on >= started_on)
);
create index contact_companies_company on crm.contact_companies (tenant_id, company_id);
create index contact_companies_record on crm.contact_companies (tenant_id, record_id);

comment on table crm.contact_companies is
'For which companies contacts work or have worked, beside the main one: board seats, former jobs.';

create table crm.contact_points (
    tenant_id uuid not null default core.sole_tenant_with('crm.contacts.write', 'own'),
    id uuid not null default gen_random_uuid(),
    contact_id uuid,
    company_id uuid,
    kind text not null,
    label text not null default 'work',
    value text,
    street text,
    postal_code text,
    city text,
    region text,
    country_code text,
    position integer not null default 0,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    object text not null generated always as (
        case when contact_id is not null then 'crm.contacts' else 'crm.companies' end
    ) stored,
    record_id uuid not null generated always as (coalesce(contact_id, company_id)) stored,
    primary key (tenant_id, id),
    foreign key (tenant_id, contact_id) references crm.contacts (tenant_id, id) on delete cascade,
    foreign key (tenant_id, company_id) references crm.companies (tenant_id, id)
    on delete cascade,
    constraint point_is_of_one check ((contact_id is null) <> (company_id is null)),
    constraint kind_is_known check (kind in ('email', 'phone', 'url', 'address')),
    constraint label_is_short check (char_length(label) between 1 and 50),
    constraint value_is_short check (char_length(value) between 1 and 2000),
    constraint value_is_of_its_kind check (
        case kind
            when 'address' then value is null
            else
                street is null and postal_code is null and city is null and region is null
                and country_code is null
        end
    ),
    constraint address_is_short check (
        char_length(street) <= 500 and char_length(postal_code) <= 20
        and char_length(city) <= 200 and char_length(region) <= 200
    ),
    constraint country_code_is_iso_3166 check (country_code ~ '^[A-Z]{2}$')
);
create index contact_points_record on crm.contact_points (tenant_id, record_id, kind, position);
create index contact_points_contact on crm.contact_points (tenant_id, contact_id)
where contact_id is not null;
create index contact_points_company on crm.contact_points (tenant_id, company_id)
where company_id is not null;
create index contact_points_email on crm.contact_points (lower(btrim(value)), tenant_id)
where kind = 'email';

comment on table crm.contact_points is
'Where contacts and companies can be reached beside their first e-mail and phone, and their
addresses, each with a label.';
comment on column crm.contact_points.kind is
'email, phone or url, which have a value, or address, which has street to country_code.';
comment on column crm.contact_points.label is 'work, home, mobile, billing, or as people call it.';
comment on column crm.contact_points.country_code is 'ISO 3166-1 alpha-2, such as DE.';
comment on column crm.contact_points.position is 'In which order they are shown.';

-- Who may -----------------------------------------------------------------------------------------

select core.guard('crm.companies', 'crm.companies', 'owner_id', 'team_id');
select core.guard('crm.contacts', 'crm.contacts', 'owner_id', 'team_id');
select core.guard_linked('crm.contact_companies');
select core.guard_linked('crm.contact_points');

grant select, delete on
crm.companies, crm.contacts, crm.contact_companies, crm.contact_points
to authenticated;
grant insert (
    tenant_id, id, name, kind, domain, website, email, phone, industry, employee_count,
    annual_revenue_minor, currency, vat_number, language, description, parent_id, source,
    external_id, owner_id, team_id, custom
) on crm.companies to authenticated;
grant update (
    name, kind, domain, website, email, phone, industry, employee_count,
    annual_revenue_minor, currency, vat_number, language, description, parent_id, source,
    external_id, owner_id, team_id, custom
) on crm.companies to authenticated;
grant insert (
    tenant_id, id, salutation, given_name, family_name, job_title, company_id, email, phone,
    birth_date, language, description, do_not_contact, source, external_id, owner_id, team_id,
    custom
) on crm.contacts to authenticated;
grant update (
    salutation, given_name, family_name, job_title, company_id, email, phone,
    birth_date, language, description, do_not_contact, source, external_id, owner_id, team_id,
    custom
) on crm.contacts to authenticated;
grant insert (tenant_id, contact_id, company_id, job_title, started_on, ended_on)
on crm.contact_companies to authenticated;
grant update (job_title, started_on, ended_on) on crm.contact_companies to authenticated;
grant insert (
    tenant_id, contact_id, company_id, kind, label, value, street, postal_code, city, region,
    country_code, position
) on crm.contact_points to authenticated;
grant update (
    kind, label, value, street, postal_code, city, region, country_code, position
) on crm.contact_points to authenticated;
grant all on
crm.companies, crm.contacts, crm.contact_companies, crm.contact_points
to service_role;

select core.register_object(
    'crm.companies', 'crm.companies', 'company', 'name', 'owner_id', 'team_id'
);
select core.register_object(
    'crm.contacts', 'crm.contacts', 'contact', 'name', 'owner_id', 'team_id'
);

-- The data map ------------------------------------------------------------------------------------

select
    core.map_personal(
        'crm.contacts.id', 'user.unique_id', 'email is email or phone is phone or id is contact_id',
        'keep', 'What was agreed with a customer stays; it is nobody''s once the rest is erased.'
    );
select core.map_personal('crm.contacts.' || mapped, category, 'id in crm.contacts.id', 'set_null')
from (
    values
    ('salutation', 'user.name'),
    ('given_name', 'user.name'),
    ('family_name', 'user.name'),
    ('job_title', 'user.job_title'),
    ('birth_date', 'user.demographic.date_of_birth'),
    ('description', 'user.content'),
    ('external_id', 'user.unique_id'),
    ('email', 'user.contact.email'),
    ('phone', 'user.contact.phone_number')
) as line (mapped, category);
select core.map_personal('crm.contacts.custom', 'user', 'id in crm.contacts.id', 'pseudonymise');
select
    core.map_personal(
        'crm.contacts.name', 'user.name', 'id in crm.contacts.id', 'keep',
        'Made of given and family name, e-mail and phone, and empty once these are erased.'
    );
select
    core.map_personal(
        'crm.contact_points.' || mapped, category, 'contact_id in crm.contacts.id', 'delete_row'
    )
from (
    values
    ('contact_id', 'user.unique_id'),
    ('value', 'user.contact'),
    ('street', 'user.contact.address.street'),
    ('postal_code', 'user.contact.address.postal_code'),
    ('city', 'user.contact.address.city'),
    ('region', 'user.contact.address.state')
) as line (mapped, category);
select
    core.map_personal(
        'crm.contact_companies.' || mapped, category, 'contact_id in crm.contacts.id', 'delete_row'
    )
from (
    values ('contact_id', 'user.unique_id'), ('job_title', 'user.job_title')
) as line (mapped, category);
select
    core.map_personal(
        mapped, 'user.unique_id', split_part(mapped, '.', 3) || ' is user_id', 'set_null'
    )
from
    unnest(array[
        'crm.companies.owner_id', 'crm.companies.created_by', 'crm.companies.updated_by',
        'crm.contacts.owner_id', 'crm.contacts.created_by', 'crm.contacts.updated_by',
        'crm.contact_points.created_by', 'crm.contact_companies.created_by'
    ]) as mapped;
select
    core.map_not_personal(
        'Of a company, which is no person.',
        'crm.companies.name', 'crm.companies.email', 'crm.companies.phone',
        'crm.companies.vat_number', 'crm.companies.description', 'crm.companies.custom',
        'crm.companies.employee_count'
    );

select core.audit('crm.companies'::regclass, '{version,updated_at,updated_by}');
select core.audit('crm.contacts'::regclass, '{version,updated_at,updated_by}');
select core.audit('crm.contact_companies'::regclass);
select core.audit('crm.contact_points'::regclass);

-- The API -----------------------------------------------------------------------------------------

create view v1.companies with (security_invoker = true) as
select
    companies.tenant_id,
    companies.id,
    companies.name,
    companies.kind,
    companies.domain,
    companies.website,
    companies.email,
    companies.phone,
    companies.industry,
    companies.employee_count,
    companies.annual_revenue_minor,
    companies.currency,
    companies.vat_number,
    companies.language,
    companies.description,
    companies.parent_id,
    companies.source,
    companies.external_id,
    companies.owner_id,
    companies.team_id,
    companies.custom,
    companies.version,
    companies.created_at,
    companies.created_by,
    companies.updated_at,
    companies.updated_by
from crm.companies;

comment on view v1.companies is
'Companies. Reading needs crm.companies.read, inserts, updates and deletes crm.companies.write; a
role with the scope own or team reaches the records of that owner or those teams.';

create view v1.contacts with (security_invoker = true) as
select
    contacts.tenant_id,
    contacts.id,
    contacts.salutation,
    contacts.given_name,
    contacts.family_name,
    contacts.name,
    contacts.job_title,
    contacts.company_id,
    contacts.email,
    contacts.phone,
    contacts.birth_date,
    contacts.language,
    contacts.description,
    contacts.do_not_contact,
    contacts.source,
    contacts.external_id,
    contacts.owner_id,
    contacts.team_id,
    contacts.custom,
    contacts.version,
    contacts.created_at,
    contacts.created_by,
    contacts.updated_at,
    contacts.updated_by
from crm.contacts;

comment on view v1.contacts is
'Contacts. Reading needs crm.contacts.read, inserts, updates and deletes crm.contacts.write; a role
with the scope own or team reaches the records of that owner or those teams.';

create view v1.contact_companies with (security_invoker = true) as
select
    contact_companies.tenant_id,
    contact_companies.contact_id,
    contact_companies.company_id,
    contact_companies.job_title,
    contact_companies.started_on,
    contact_companies.ended_on,
    contact_companies.created_at,
    contact_companies.created_by
from crm.contact_companies;

comment on view v1.contact_companies is
'For which companies contacts work beside the main one. Whoever may read (write) a contact may read
(write) these.';

create view v1.contact_points with (security_invoker = true) as
select
    contact_points.tenant_id,
    contact_points.id,
    contact_points.contact_id,
    contact_points.company_id,
    contact_points.kind,
    contact_points.label,
    contact_points.value,
    contact_points.street,
    contact_points.postal_code,
    contact_points.city,
    contact_points.region,
    contact_points.country_code,
    contact_points.position,
    contact_points.created_at,
    contact_points.created_by
from crm.contact_points;

comment on view v1.contact_points is
'Further e-mails, phones and addresses of contacts and companies. Whoever may read (write) the
record may read (write) these.';

select core.grant_as(('v1.' || named)::regclass, ('crm.' || named)::regclass)
from unnest(array['companies', 'contacts', 'contact_companies', 'contact_points']) as named;
