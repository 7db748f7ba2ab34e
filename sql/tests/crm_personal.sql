-- What the CRM keeps of a person: by reference in the trail, and nowhere once they are erased.
begin;
\ir ../support/fixtures.sql
select plan(9);

-- Every text of the person has the mark.
:as_ada
insert into v1.companies (tenant_id, name) values (:acme, 'Mill') returning id as company_id
\gset
insert into v1.contacts (
    tenant_id, salutation, given_name, family_name, job_title, email, phone, birth_date,
    description, external_id, company_id
)
values (
    :acme, 'Mx Quibbledon', 'Quibbledon', 'Quibbledon', 'Quibbledon', 'quibbledon@person.example',
    '+49 30 555 0101', '1990-01-02', 'Quibbledon likes vans.', 'quibbledon-1', :'company_id'
)
returning id as contact_id
\gset
insert into v1.contact_points (tenant_id, contact_id, kind, value)
values (:acme, :'contact_id', 'email', 'more@quibbledon.example');
insert into v1.contact_points (tenant_id, contact_id, kind, street, postal_code, city, region)
values (:acme, :'contact_id', 'address', 'Quibbledon 1', 'quibbledon', 'Quibbledon', 'Quibbledon');
insert into v1.contact_companies (tenant_id, contact_id, company_id, job_title)
values (:acme, :'contact_id', :'company_id', 'Quibbledon');
insert into v1.leads (
    tenant_id, salutation, given_name, family_name, company_name, job_title, email, phone, website,
    street, postal_code, city, region, interest, description, external_id
)
values (
    :acme, 'Quibbledon', 'Quibbledon', 'Quibbledon', 'Quibbledon', 'Quibbledon',
    'quibbledon@person.example', '+49 30 555 0101', 'https://quibbledon.example', 'Quibbledon',
    'quibbledon', 'Quibbledon', 'Quibbledon', 'Quibbledon', 'Quibbledon', 'quibbledon-2'
);
insert into v1.activities (tenant_id, type, subject, body, outcome)
values (:acme, 'call', 'Called Quibbledon', 'Quibbledon wants a van', 'Quibbledon buys')
returning id as activity_id
\gset
insert into v1.activity_links (tenant_id, activity_id, object, record_id)
values (:acme, :'activity_id', 'crm.contacts', :'contact_id');
insert into v1.attachments (tenant_id, object, record_id, bucket, path, name)
values (
    :acme, 'crm.contacts', :'contact_id', 'attachments',
    '00000000-0000-4000-a000-000000000002/crm.contacts/' || :'contact_id' || '/quibbledon.pdf',
    'Quibbledon.pdf'
);
update v1.contacts set job_title = 'Quibbledon II' where id = :'contact_id';

:as_owner
-- In which tables a text with the mark stands, but for those that are named.
create function pg_temp.tables_with(mark text, variadic excused text[] default '{}')
returns text[]
language plpgsql
as $$
declare
    searched record;
    has_mark boolean;
    found_in text[] := '{}';
begin
    for searched in
        select classes.oid::regclass as relation
        from pg_class as classes
        where
            classes.relnamespace in ('core'::regnamespace, 'crm'::regnamespace)
            and classes.relkind in ('r', 'p')
            and not classes.relispartition
            and classes.oid::regclass::text <> all(excused)
        order by 1
    loop
        execute format(
            'select exists (select from %s as held where held::text ~* $1)', searched.relation
        )
        into has_mark
        using mark;
        if has_mark then
            found_in := found_in || searched.relation::text;
        end if;
    end loop;
    return found_in;
end
$$;

select ok(
    'crm.contacts' = any(pg_temp.tables_with('quibbledon')),
    'what is looked for below is found where it stands'
);
select is_empty(
    $$
        select entries.table_name, entries.operation, entries.old, entries.new
        from core.audit_entries as entries
        where row(entries.key, entries.old, entries.new, entries.details)::text ~* 'quibbledon'
    $$,
    'the trail says what happened without saying what of whom'
);
select is_empty(
    $$select from core.pending_events where data::text ~* 'quibbledon'$$,
    'and events name fields alone'
);

:as_ada
select cmp_ok(
    (
        select count(distinct found ->> 'table')
        from
            jsonb_array_elements(
                v1.export_person(email => 'quibbledon@person.example') -> 'tables'
            ) as found
        where
            found ->> 'table' in (
                'crm.contacts', 'crm.contact_points', 'crm.contact_companies', 'crm.leads',
                'crm.activities', 'crm.attachments'
            )
    ),
    '=', 6::bigint, 'who asks for what there is of them is given all of it'
);
select is(
    v1.erase_person(email => 'quibbledon@person.example', dry_run => false) -> 'blockers',
    '[]', 'who asks to be forgotten'
);
:as_owner
select is(
    (select count(*) from core.jobs where task = 'core.forget_search_words'), 1::bigint,
    'has the words forgotten, too'
);
select core.forget_search_words(:acme, 0, 1000) is not null as forgotten
\gset
select is(
    pg_temp.tables_with('quibbledon'), '{}'::text[], 'is forgotten everywhere'
);
select is(pg_temp.tables_with('555 ?0101'), '{}'::text[], 'by number, too');
select is(
    (select name from crm.contacts where id = :'contact_id'), '',
    'and what is agreed with them stays, with nobody''s name'
);

select * from finish();
rollback;
