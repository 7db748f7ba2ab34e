-- Tables that stand for a product's own, about people: what the tests of data protection are about.
-- After fixtures.sql. They lead to a person in every way that the data map has: by a column, by
-- several, through a parent, through a child, and by who wrote a row.
--
-- Paula (paula@example.com, +49 30 1234) is a contact of acme and of rival, and no user.
-- ada@example.com is ada's confirmed address, and vic's is confirmed too; the others' are not.

create table crm.guests (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    name text,
    city text,
    gone_at timestamptz,
    created_by uuid,
    primary key (tenant_id, id)
);
create table crm.guest_emails (
    tenant_id uuid not null,
    contact_id uuid not null,
    email text not null,
    primary key (tenant_id, contact_id, email),
    foreign key (tenant_id, contact_id) references crm.guests (tenant_id, id)
);
create table crm.notes (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    contact_id uuid not null,
    body jsonb not null,
    written_by uuid not null,
    primary key (tenant_id, id),
    foreign key (tenant_id, contact_id) references crm.guests (tenant_id, id)
);
create table crm.calls (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    phone text,
    caller_email text,
    address inet,
    called_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
create table crm.requests (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    "weird ""column" text,
    email text not null,
    primary key (tenant_id, id)
);

select core.map_personal(
    'crm.guests.' || line.named, line.category,
    'id in crm.guest_emails.contact_id or id is contact_id', line.erasure, line.reason
)
from (
    values
    ('id', 'user.unique_id', 'keep', 'Leads to nobody once the row is emptied.'),
    ('name', 'user.name', 'pseudonymise', null),
    ('city', 'user.contact.address.city', 'set_null', null)
) as line (named, category, erasure, reason);
select core.map_personal(
    'crm.guests.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
);
select core.map_personal(
    'crm.guest_emails.contact_id', 'user.unique_id', 'email is email', 'delete_row'
);
select core.map_personal(
    'crm.guest_emails.email', 'user.contact.email',
    'email is email or contact_id in crm.guests.id', 'delete_row'
);
select core.map_personal(
    'crm.notes.body', 'user.content', 'contact_id in crm.guests.id', 'pseudonymise'
);
select core.map_personal(
    'crm.notes.written_by', 'user.unique_id', 'written_by is user_id', 'pseudonymise'
);
select core.map_personal(
    'crm.calls.' || line.named, line.category, 'phone is phone or caller_email is email',
    line.erasure, null, line.retention, case when line.retention is not null then 'called_at' end
)
from (
    values
    ('phone', 'user.contact.phone_number', 'pseudonymise', null),
    ('caller_email', 'user.contact.email', 'pseudonymise', null),
    ('address', 'user.device.ip_address', 'set_null', interval '30 days')
) as line (named, category, erasure, retention);
select core.map_personal(
    'crm.requests.' || named, 'user.contact.email', 'email is email', 'delete_row'
)
from (values ('email'), ('"weird ""column"')) as line (named);

update auth.users set email_confirmed_at = now()
where email in ('ada@example.com', 'vic@example.com');
update auth.users set raw_user_meta_data = '{"name": "Ada Lovelace"}'
where email = 'ada@example.com';

create temporary table people (tenant text, tenant_id uuid, contact_id uuid);
insert into people (tenant, tenant_id, contact_id)
select
    slug,
    id,
    overlay(id::text placing 'c000' from 20)::uuid
from core.tenants
where slug in ('acme', 'rival');

insert into crm.guests (tenant_id, id, name, city, created_by)
select
    tenant_id,
    contact_id,
    'Paula at ' || tenant,
    'Berlin',
    '00000000-0000-4000-8000-000000000001'
from people;
-- Otto of acme has the id by chance that Paula has in rival.
insert into crm.guests (tenant_id, id, name)
select
    :acme,
    contact_id,
    'Otto'
from people where tenant = 'rival';
insert into crm.guest_emails (tenant_id, contact_id, email)
select
    people.tenant_id,
    people.contact_id,
    addresses.email
from people
cross join (values ('Paula@Example.com'), ('paula.private@example.com')) as addresses (email);
insert into crm.notes (tenant_id, contact_id, body, written_by)
select
    tenant_id,
    contact_id,
    jsonb_build_object('text', 'Paula likes vans, says ' || tenant),
    '00000000-0000-4000-8000-000000000002'
from people;
insert into crm.calls (tenant_id, phone, caller_email, address, called_at)
select
    tenant_id,
    '+49 30 1234',
    null,
    '203.0.113.7',
    now() - interval '31 days'
from people;
insert into crm.requests (tenant_id, "weird ""column", email)
select
    tenant_id,
    'asked by paula@example.com',
    'PAULA@example.com '
from people;
