-- Erasing a person reaches what the audit and events hold of the rows, and the audit stays valid.
begin;
-- Before other tests write entries: sealing waits for those that have.
lock table core.audit_entries in share row exclusive mode;
\ir ../support/fixtures.sql
\ir ../support/people.sql
select plan(19);

insert into core.event_types (type, description, personal_fields)
values ('crm.contact.renamed', 'A contact has another name.', array['name']);
select core.audit('crm.guests');
select core.audit('crm.guest_emails');
select core.audit('crm.requests');
select core.audit('crm.notes');

-- A name changes, an address is given up, and a request is gone before anybody asks for erasure.
:as_owner
update crm.guests set name = 'Paula Maria' where name = 'Paula at acme';
insert into crm.guests (tenant_id, id, name)
values (:acme, '00000000-0000-4000-c000-00000000000a', 'Paula of old');
insert into crm.requests (tenant_id, email) values
(:acme, 'paula@example.com'), (:acme, 'otto@example.com');
delete from crm.requests where tenant_id = :acme and email = 'paula@example.com';
update crm.requests set email = 'otto@example.org'
where tenant_id = :acme and email ilike 'paula@%';
select core.emit(
    :acme, 'crm.contact.renamed', 'contact', contact_id, '{"name": "Paula Maria", "kept": 1}'
)
from people where tenant = 'acme';
set constraints all immediate;

create function pg_temp.values_with(word text, tenant uuid) returns bigint
language sql security definer
return (
    select count(*) from core.audit_values
    where
        audit_values.tenant_id = values_with.tenant
        and (old::text ilike '%' || word || '%' or new::text ilike '%' || word || '%')
);
select cmp_ok(pg_temp.values_with('paula', :acme), '>=', 5::bigint, 'the audit has the person');
select is(
    (select data from core.events where tenant_id = :acme and type = 'crm.contact.renamed'),
    '{"name": "Paula Maria", "kept": 1}'::jsonb, 'so do events'
);
create function pg_temp.seal() returns boolean
language plpgsql
as $$
declare
    is_done boolean := false;
begin
    -- Another session may be sealing right now: then this one is asked again.
    for attempt in 1..200 loop
        select sealed.done into is_done from core.seal_audit() as sealed;
        exit when is_done;
        perform pg_sleep(0.05);
    end loop;
    return is_done;
end
$$;
select ok(pg_temp.seal(), 'the audit is sealed');
create temporary table before as
select
    tenant_id,
    id,
    to_jsonb(entries) as entry
from core.audit_entries as entries;

:as_ada
select is(
    v1.erase_person(email => 'paula@example.com', dry_run => false) ->> 'dry_run', 'false',
    'the person is erased'
);
:as_owner
select is(
    pg_temp.values_with('paula@example.com', :acme), 0::bigint,
    'the audit has the address no more, of records that are gone or have another now either'
);
select is(
    pg_temp.values_with('Paula Maria', :acme) + pg_temp.values_with('Paula at acme', :acme),
    0::bigint, 'nor the name'
);
select is(
    pg_temp.values_with('likes vans', :acme), 0::bigint, 'nor what was written about the contact'
);
select cmp_ok(
    pg_temp.values_with('otto@example.com', :acme), '>=', 1::bigint, 'but others it still has'
);
select is(
    (select data from core.events where tenant_id = :acme and type = 'crm.contact.renamed'),
    '{"kept": 1}'::jsonb, 'events keep what is not personal'
);
select is_empty(
    $$
        select entries.id from core.audit_entries as entries
        inner join before using (tenant_id, id)
        where to_jsonb(entries) <> before.entry
    $$,
    'no entry of the audit was touched'
);
select is(
    (
        select details ->> 'digest' from core.audit_entries
        where tenant_id = :acme and event = 'privacy.erased'
    ),
    (select encode(digest, 'hex') from core.erasures where tenant_id = :acme),
    'and it has the digest of the proof'
);
select is(
    (
        select count(*) from core.audit_entries
        where tenant_id = :rival and event = 'privacy.erased'
    ), 0::bigint, 'in the tenant that asked'
);

-- The chain: as it was sealed before the erasure, and with what the erasure wrote.
:as_ada
select is(v1.verify_audit() ->> 'findings_total', '0', 'the chain of the audit is valid');
:as_owner
select ok(pg_temp.seal(), 'what the erasure wrote is sealed');
:as_ada
select is(v1.verify_audit() ->> 'findings_total', '0', 'and the chain goes on');
:as_owner

-- Of a row that a user only wrote, the audit keeps what it says.
insert into crm.notes (tenant_id, contact_id, body, written_by)
select tenant_id, id, '{"text": "Otto called."}', '00000000-0000-4000-8000-000000000002'
from crm.guests where tenant_id = :acme and name = 'Otto';
:as_ada
select v1.erase_person(email => 'vic@example.com', dry_run => false) ->> 'rows' as rows;
:as_owner
select is(
    (
        select written_by <> '00000000-0000-4000-8000-000000000002' from crm.notes
        where tenant_id = :acme and body ->> 'text' = 'Otto called.'
    ), true, 'who wrote a row is erased'
);
select cmp_ok(
    pg_temp.values_with('Otto called', :acme), '>=', 1::bigint, 'what the row says is not'
);

-- Retention does the same with rows that it deletes.
alter table crm.requests add column asked_at timestamptz not null default now();
select core.map_personal(
    'crm.requests.email', 'user.contact.email', 'email is email', 'delete_row', null,
    interval '1 year', 'asked_at'
);
update crm.requests set asked_at = now() - interval '2 years' where email = 'otto@example.org';
select count(*) from core.apply_retention();
select is(
    pg_temp.values_with('otto@example.org', :acme), 0::bigint,
    'of a row that ends by itself nothing is left either'
);
select cmp_ok(
    pg_temp.values_with('otto@example.com', :acme), '>=', 1::bigint, 'and of others everything'
);

select * from finish();
rollback;
