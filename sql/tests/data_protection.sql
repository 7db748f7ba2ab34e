-- Export: everything about a person that one tenant stores, and nothing else.
begin;
\ir ../support/fixtures.sql
\ir ../support/people.sql
select plan(50);

-- An oracle that knows nothing of the map: every row of every table of ours that has a word in it.
create function pg_temp.rows_with(word text, tenant uuid default null)
returns table (table_name text, line jsonb)
language plpgsql
as $$
declare
    one record;
begin
    for one in
        select
            namespaces.nspname,
            classes.relname
        from pg_class as classes
        inner join pg_namespace as namespaces on namespaces.oid = classes.relnamespace
        where
            namespaces.nspname in ('core', 'crm', 'auto', 'iot', 'hooks')
            and classes.relkind = 'r'
            and classes.relname not in ('personal_data', 'not_personal')
    loop
        return query execute format(
            'select %L::text, to_jsonb(t) from %I.%I as t where to_jsonb(t)::text ilike $1'
            ' and ($2 is null or to_jsonb(t) ->> ''tenant_id'' = $2::text)',
            one.nspname || '.' || one.relname, one.nspname, one.relname
        )
        using '%' || word || '%', tenant;
    end loop;
end
$$;

create function pg_temp.rows_of(export jsonb, table_name text) returns jsonb
language sql
as $$
    select coalesce(jsonb_agg(line), '[]')
    from jsonb_array_elements(export -> 'tables') as exported
    cross join jsonb_array_elements(exported -> 'rows') as line
    where exported ->> 'table' = table_name
$$;

create temporary table exports (name text primary key, export jsonb);
grant all on exports, people to authenticated, service_role;

-- By e-mail: through the contact to its other address and its notes, written in whatever case.
:as_ada
insert into exports values ('paula', v1.export_person(email => ' paula@EXAMPLE.com'));
select is(
    (select export -> 'tenant_id' from exports where name = 'paula'), to_jsonb(:acme::text),
    'an export is of one tenant'
);
select results_eq(
    $$
        select distinct exported ->> 'table'
        from exports
        cross join jsonb_array_elements(export -> 'tables') as exported
        where name = 'paula'
        order by 1
    $$,
    $$values ('crm.guest_emails'), ('crm.guests'), ('crm.notes'), ('crm.requests')$$,
    'every table that leads to the person is in it'
);
select is(
    -- Not with Otto, who has the id that she has in another tenant.
    pg_temp.rows_of(export, 'crm.guests'),
    jsonb_build_array(jsonb_build_object(
        'tenant_id', :acme::text, 'id', contact_id, 'name', 'Paula at acme', 'city', 'Berlin'
    )),
    'with the columns that are about the person, and the key'
) from exports cross join people where name = 'paula' and tenant = 'acme';
select is(
    (
        select array_agg(line ->> 'email' order by line ->> 'email' collate "C")
        from exports
        cross join jsonb_array_elements(pg_temp.rows_of(export, 'crm.guest_emails')) as line
        where line ? 'email' and name = 'paula'
    ),
    array['Paula@Example.com', 'paula.private@example.com'],
    'the other address of the same contact is in it too'
);
select is(
    (select pg_temp.rows_of(export, 'crm.notes') #>> '{0,body,text}' from exports),
    'Paula likes vans, says acme', 'and what is written about the contact'
);
select ok(
    not (select pg_temp.rows_of(export, 'crm.notes') -> 0 ? 'written_by' from exports),
    'without who wrote it'
);
select is(
    (
        select exported -> 'categories'
        from exports
        cross join jsonb_array_elements(export -> 'tables') as exported
        where exported ->> 'table' = 'crm.guests'
    ),
    '{"id": "user.unique_id", "name": "user.name", "city": "user.contact.address.city"}'::jsonb,
    'each column has its category'
);
select is(
    (select pg_temp.rows_of(export, 'crm.requests') #>> '{0,"weird \"column"}' from exports),
    'asked by paula@example.com', 'a column may have any name'
);
select is(
    (select jsonb_array_length(pg_temp.rows_of(export, 'crm.calls')) from exports), 0,
    'what is known by phone alone is not found by e-mail'
);
select is(
    pg_temp.rows_of(v1.export_person(phone => '0049 (30) 12-34'), 'crm.calls') #>> '{0,address}',
    '203.0.113.7', 'and is by the number, however it is written'
);
select is(
    jsonb_array_length(
        v1.export_person(email => 'paula@example.com', phone => '+49301234') -> 'tables'
    ),
    6, 'a person may be named by several identifiers at once'
);

-- The oracle finds no row of acme that has the word and is not in the export.
:as_owner
select is_empty(
    $$
        select found.table_name
        from pg_temp.rows_with('paula@example.com', '00000000-0000-4000-a000-000000000002') as found
        where not exists (
            select from exports
            cross join jsonb_array_elements(export -> 'tables') as exported
            where exported ->> 'table' = found.table_name
        )
    $$,
    'no table of the tenant with the address is left out'
);
select is(
    (
        select count(*) from exports
        where export::text ilike '%says rival%' or export::text ilike '%at rival%'
        or export::text ilike '%00000000-0000-4000-a000-000000000003%'
    ), 0::bigint, 'nothing of the other tenant that knows her is in it'
);

-- Members: by id, by confirmed address, and with what Supabase Auth has.
:as_ada
insert into exports values ('ada', v1.export_person(email => 'Ada@example.com'));
select is(
    (select export -> 'identifiers' from exports where name = 'ada'),
    '{"email": ["ada@example.com"], "user_id": ["00000000-0000-4000-8000-000000000001"]}'::jsonb,
    'a member is known by the confirmed address'
);
select is(
    (select pg_temp.rows_of(export, 'auth.users') #>> '{0,raw_user_meta_data,name}' from exports
    where name = 'ada'),
    'Ada Lovelace', 'what Supabase Auth has of a member is in it'
);
select is(
    (select jsonb_array_length(pg_temp.rows_of(export, 'crm.guests')) from exports
    where name = 'ada'),
    1, 'so is which row a member made'
);
select is(
    pg_temp.rows_of(
        v1.export_person(user_id => '00000000-0000-4000-8000-000000000001'), 'core.members'
    ) #>> '{0,status}',
    'active', 'a member is known by the id'
);
select is(
    pg_temp.rows_of(export, 'crm.guests') -> 0 -> 'name', null,
    'but of a row that a member made only that it was made'
) from exports where name = 'ada';

-- sue claims an address that nobody has confirmed: whoever has it is somebody else.
:as_owner
insert into crm.requests (tenant_id, email) values (:acme, 'sue@example.com');
:as_ada
select is(
    jsonb_array_length(
        v1.export_person(user_id => '00000000-0000-4000-8000-000000000003') -> 'tables'
    ),
    2, 'an address that is not confirmed leads to nobody'
);
select is(
    v1.export_person(email => 'sue@example.com') #>> '{tables,0,table}', 'crm.requests',
    'neither from the address to the user'
);

-- Who may ask: role, and relation to the tenant.
create function pg_temp.export_code(tenant uuid) returns text
language plpgsql
as $$
begin
    perform set_config(
        'request.headers', jsonb_build_object('x-tenant-id', tenant)::text, true
    );
    return pg_temp.code_of('select v1.export_person(email => ''paula@example.com'')');
end
$$;
select is(pg_temp.export_code(:acme), 'no error', 'an owner may export');
select is(
    pg_temp.export_code(:rival), 'tenancy.permission_missing', 'not from a stranger''s tenant'
);
select is(
    pg_temp.export_code(:group), 'tenancy.permission_missing', 'nor from the tenant above'
);
select is(
    pg_temp.export_code(gen_random_uuid()), 'tenancy.permission_missing',
    'and a tenant that does not exist is no other answer'
);
:as_gus
select is(pg_temp.export_code(:acme), 'no error', 'the owner of the tenant above may');
:as_gus
select is(
    pg_temp.export_code(:group), 'privacy.person_unknown', 'and sees nothing of it in the own'
);
:as_vic
select is(pg_temp.export_code(:acme), 'tenancy.permission_missing', 'a viewer may not');
:as_sue
select is(
    pg_temp.export_code(:acme), 'tenancy.permission_missing', 'a suspended owner may not'
);
:as_anon
select is(pg_temp.code_of('select v1.export_person(email => $$a@b.c$$)'), '42501', 'nor anybody');
:as_truck
select is(pg_temp.code_of('select v1.export_person(email => $$a@b.c$$)'), '42501', 'nor a device');

-- eve of rival asks for paula, whom both know, and for ada, who is no member of hers.
:as_eve
insert into exports values ('eve', v1.export_person(email => 'paula@example.com'));
select ok(
    export::text like '%Paula at rival%' and export::text not like '%acme%'
    and export::text not like '%00000000-0000-4000-a000-000000000002%',
    'another tenant''s owner gets that tenant''s rows of the same person'
) from exports where name = 'eve';
select is(
    pg_temp.code_of($$select v1.export_person(email => 'vic@example.com')$$),
    'privacy.person_unknown', 'a member of another tenant is nobody here'
);
select ok(
    v1.export_person(user_id => '00000000-0000-4000-8000-000000000001')::text
    !~ 'Lovelace|ada@example.com',
    'and who only made a row here gives away no address'
);

-- A column may hold addresses and numbers: digits in an address are no number.
:as_owner
insert into crm.calls (tenant_id, phone) values (:acme, 'p.49301234@example.com');
:as_ada
select is(
    jsonb_array_length(pg_temp.rows_of(v1.export_person(phone => '+49 30 1234'), 'crm.calls')), 1,
    'digits in an address are no phone number'
);

-- Nobody, and nonsense.
:as_ada
select is(
    pg_temp.code_of('select v1.export_person()'), 'privacy.person_missing', 'a person is named'
);
select is(
    pg_temp.code_of($$select v1.export_person(email => '  ', phone => 'none')$$),
    'privacy.person_missing', 'by something'
);
select is(
    pg_temp.code_of(
        $$select v1.export_person(email => 'x'' or true) or ("t"."id" is not null) --')$$
    ),
    'privacy.person_unknown', 'what is asked is a value in every statement'
);
select is(
    pg_temp.code_of($$select v1.export_person(email => 'paula@example.com', after => '[1]')$$),
    'privacy.position_invalid', 'a page goes on where one ended'
);
select lives_ok(
    $$
        select v1.export_person(
            email => 'paula@example.com',
            after => jsonb_build_object(
                'table', 'crm.guests', 'subject', 'x', 'position', ''' or true --'
            )
        )
    $$, 'and what it goes on from is a value too'
);

-- Pages.
:as_owner
insert into crm.requests (tenant_id, email)
select :acme, 'pat@example.com' from generate_series(1, 2300);
:as_ada
create temporary table pages (number integer, page jsonb);
do $$
declare
    page jsonb;
    number integer := 0;
begin
    loop
        page := v1.export_person(
            email => 'pat@example.com', after => nullif(page -> 'next', 'null')
        );
        number := number + 1;
        insert into pages values (number, page);
        exit when page ->> 'next' is null or number > 5;
    end loop;
end
$$;
select results_eq(
    'select (page ->> $$rows$$)::integer from pages order by number',
    'values (1000), (1000), (300)',
    'an export comes in pages'
);
select is(
    (
        select count(distinct line ->> 'id')
        from pages cross join jsonb_array_elements(pg_temp.rows_of(page, 'crm.requests')) as line
    ), 2300::bigint, 'which have every row once'
);

-- About oneself.
:as_vic
insert into exports values ('me', v1.export_me());
select ok(
    export -> 'tenant_ids' = jsonb_build_array(:acme::text)
    and pg_temp.rows_of(export, 'auth.users') #>> '{0,email}' = 'vic@example.com'
    and pg_temp.rows_of(export, 'core.members') #>> '{0,user_id}'
    = '00000000-0000-4000-8000-000000000002'
    and export::text not like '%paula%'
    and export::text not like '%a000-000000000003%',
    'everyone may see what is stored about themselves, in the tenants of which they are members'
) from exports where name = 'me';
:as_sue
select is(
    pg_temp.code_of('select v1.export_me()'), 'privacy.person_unknown',
    'who is suspended asks the tenant'
);
:as_service
select is(pg_temp.code_of('select v1.export_me()'), 'privacy.not_a_user', 'a program is nobody');

-- The access log.
:as_ada
select is(
    (select array_agg(scope order by scope) from v1.exports_of(email => 'vic@example.com')),
    array['self'], 'the log finds who exported a person'
);
select is(
    (
        select count(*) from v1.exports_of(email => 'paula@example.com')
        where exported_by = '00000000-0000-4000-8000-000000000001' and rows > 0
    ), 4::bigint, 'each page is in it, with who asked'
);
select is(
    (select count(*) from v1.export_log where tenant_id <> :acme), 0::bigint,
    'a tenant sees its own log'
);
:as_eve
select is(
    (select count(*) from v1.exports_of(email => 'paula@example.com')), 1::bigint,
    'so does another'
);
:as_vic
select is_empty('select * from v1.export_log', 'which needs a permission');
:as_owner
select is_empty(
    $$select * from pg_temp.rows_with('pat@example.com') where table_name = 'core.export_log'$$,
    'the log does not name the person'
);

select * from finish();
rollback;
