-- Erasure: nothing that names the person is left in the tenant, and it can be proved that this was
-- done without saying about whom.
begin;
\ir ../support/fixtures.sql
\ir ../support/people.sql
select plan(57);

-- An oracle that knows nothing of the map: every row of every table of ours that has a word in it.
create function pg_temp.rows_with(word text, tenant uuid default null)
returns table (table_name text, line jsonb)
language plpgsql security definer
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
create temporary table answers (name text primary key, answer jsonb);
grant all on answers to authenticated;
create function pg_temp.refusal_of(statement text) returns jsonb
language plpgsql
as $$
begin
    execute statement;
    return 'null';
exception
    when sqlstate 'PGRST' then return sqlerrm::jsonb;
end
$$;

-- A dry run says what would happen, and does nothing.
:as_ada
insert into answers values ('dry', v1.erase_person(email => 'paula@example.com'));
select results_eq(
    $$
        select
            step ->> 'table',
            step ->> 'method',
            step -> 'columns',
            (step ->> 'rows')::integer
        from answers
        cross join jsonb_array_elements(answer -> 'tables') as step
        where name = 'dry'
        order by 1, 2, 3
    $$,
    $$
        values
        ('crm.guest_emails', 'delete_row', '["contact_id"]'::jsonb, 1),
        ('crm.guest_emails', 'delete_row', '["email"]', 2),
        ('crm.guests', 'keep', '["id"]', 1),
        ('crm.guests', 'pseudonymise', '["name"]', 1),
        ('crm.guests', 'set_null', '["city"]', 1),
        ('crm.notes', 'pseudonymise', '["body"]', 1),
        ('crm.requests', 'delete_row', '["weird \"column", "email"]', 1)
    $$,
    'a dry run says which columns of how many rows would be erased, and how'
);
select is(
    (
        select step ->> 'reason' from answers
        cross join jsonb_array_elements(answer -> 'tables') as step
        where step ->> 'method' = 'keep'
    ), 'Leads to nobody once the row is emptied.', 'and why what is kept is'
);
select is(
    (select answer -> 'blockers' from answers where name = 'dry'), '[]'::jsonb,
    'and that nothing is in the way'
);
select is(
    (select (answer ->> 'rows')::integer from answers where name = 'dry'), 7,
    'and how many rows in all'
);
select is(
    (select answer ->> 'dry_run' from answers where name = 'dry'), 'true',
    'who does not ask for more gets a dry run'
);
select is(
    v1.erase_person(email => 'paula@example.com', dry_run => null) ->> 'dry_run', 'true',
    'who asks for nothing clear too'
);
:as_owner
select is(
    (select count(*) from pg_temp.rows_with('paula', :acme)), 5::bigint, 'a dry run erases nothing'
);
select is_empty('select from core.erasures', 'and proves nothing');

-- Legal holds.
:as_ada
create temporary table holds as
select v1.set_legal_hold('Claim 12/26 about a van.', email => 'PAULA@example.com') as id;
select is(
    v1.erase_person(email => 'paula@example.com') -> 'blockers' #- '{0,hold_id}',
    '[{"code": "privacy.legal_hold", "reason": "Claim 12/26 about a van."}]'::jsonb,
    'a dry run says what holds the data'
);
select is(
    pg_temp.refusal_of(
        $$select v1.erase_person(email => 'paula@example.com', dry_run => false)$$
    ) ->> 'code', 'privacy.legal_hold', 'what is held is not erased'
);
select is(
    pg_temp.refusal_of(
        $$select v1.erase_person(email => 'paula@example.com', dry_run => false)$$
    ) ->> 'message', 'Nothing was erased: Claim 12/26 about a van.', 'and the refusal says why'
);
select is(
    pg_temp.code_of(
        $$select v1.erase_person(email => 'paula.private@example.com', dry_run => false)$$
    ), 'privacy.legal_hold', 'neither under another address of the same contact'
);
select is(
    pg_temp.code_of($$select v1.set_legal_hold('Because.', email => 'paula@example.com')$$),
    'privacy.reason_missing', 'a hold has a reason'
);
select is(
    (select count(*) from v1.legal_holds where email = 'paula@example.com' and released_at is null),
    1::bigint, 'holds are seen'
);
:as_eve
select is_empty('select from v1.legal_holds', 'not by another tenant');
select is(
    pg_temp.code_of(format('select v1.release_legal_hold(%L)', id)), 'privacy.hold_unknown',
    'which cannot release them'
) from holds;
select is(
    pg_temp.code_of(
        $$select v1.erase_person(phone => '+49301234', dry_run => false)$$
    ), 'no error', 'and is not held by them'
);
:as_vic
select is(
    pg_temp.code_of($$select v1.set_legal_hold('I want it so much.', email => 'x@example.com')$$),
    'tenancy.permission_missing', 'a viewer sets no hold'
);
:as_ada
select lives_ok(format('select v1.release_legal_hold(%L)', id), 'a hold is released') from holds;
select is(
    pg_temp.code_of(format('select v1.release_legal_hold(%L)', id)), 'privacy.hold_unknown',
    'once'
) from holds;

-- Who may erase: role, and relation to the tenant.
create function pg_temp.erase_code(tenant uuid) returns text
language plpgsql
as $$
begin
    perform set_config(
        'request.headers', jsonb_build_object('x-tenant-id', tenant)::text, true
    );
    return pg_temp.code_of('select v1.erase_person(email => ''paula@example.com'')');
end
$$;
select is(
    array[
        pg_temp.erase_code(:acme), pg_temp.erase_code(:rival), pg_temp.erase_code(:group),
        pg_temp.erase_code(gen_random_uuid())
    ],
    array[
        'no error', 'tenancy.permission_missing', 'tenancy.permission_missing',
        'tenancy.permission_missing'
    ],
    'an owner may erase in the own tenant, not in a stranger''s or the one above'
);
:as_gus
select is(
    array[pg_temp.erase_code(:acme), pg_temp.erase_code(:group)],
    array['no error', 'privacy.person_unknown'], 'the owner of the tenant above may'
);
:as_vic
select is(pg_temp.erase_code(:acme), 'tenancy.permission_missing', 'a viewer may not');
:as_sue
select is(pg_temp.erase_code(:acme), 'tenancy.permission_missing', 'a suspended owner may not');
:as_owner
update core.tenants set status = 'suspended' where id = :acme;
:as_ada
select is(
    pg_temp.erase_code(:acme), 'tenancy.permission_missing', 'nobody in a suspended tenant may'
);
:as_owner
update core.tenants set status = 'active' where id = :acme;

-- Erasure. What was in the audit and in events goes too, under an address that the record has lost.
select set_config('test.acme', :acme::text, true);
:as_ada
insert into answers values (
    'done', v1.erase_person(email => 'paula@example.com', phone => '+49 30 1234', dry_run => false)
);
:as_owner
select is_empty(
    $$
        select found.* from unnest(array['paula', '49301234', '49 30 1234', 'likes vans']) as word
        cross join pg_temp.rows_with(word, current_setting('test.acme')::uuid) as found
    $$,
    'no table of the tenant names the person any more'
);
select is(
    (select count(*) from pg_temp.rows_with('paula', :rival)), 5::bigint,
    'and nothing of another tenant was touched'
);
select is(
    (
        select array_agg(name ~ '^erased-[0-9a-f]{24}$' or name = 'Otto')
        from crm.guests where tenant_id = :acme
    ), array[true, true],
    'a name becomes a pseudonym'
);
select is(
    (select body from crm.notes where tenant_id = :acme), '{}'::jsonb, 'content becomes nothing'
);
select results_eq(
    'select phone ~ $$^erased-$$, caller_email, address from crm.calls
    where tenant_id = current_setting($$test.acme$$)::uuid',
    'values (true, null::text, null::inet)', 'what is null stays null'
);
select is(
    (select written_by from crm.notes where tenant_id = :acme),
    '00000000-0000-4000-8000-000000000002'::uuid, 'and what is about others stays'
);

-- Proof.
:as_ada
select is(
    (select array_agg(id::text) from v1.erasures_of(email => 'Paula@example.com')),
    (select array[answer ->> 'erasure_id'] from answers where name = 'done'),
    'who knows the person finds the proof'
);
select is(
    (select array_agg(id::text) from v1.erasures_of(phone => '004930-1234')),
    (select array[answer ->> 'erasure_id'] from answers where name = 'done'),
    'by each identifier'
);
select is_empty($$select * from v1.erasures_of(email => 'vic@example.com')$$, 'and no other');
select is(
    (
        select
            is_intact
            and erased_by = '00000000-0000-4000-8000-000000000001'
            and encode(digest, 'hex')
            = (select answer ->> 'digest' from answers where name = 'done')
            and rows = (select (answer ->> 'rows')::bigint from answers where name = 'done')
            and counts = (select answer -> 'tables' from answers where name = 'done')
        from v1.erasures
    ), true, 'it says who asked, and what was done to how many rows'
);
:as_owner
select ok(
    (select counts::text || subject_hashes::text from core.erasures where tenant_id = :acme)
    !~* 'paula',
    'and not about whom'
);
update core.erasures set counts = jsonb_set(counts, '{0,rows}', '99') where tenant_id = :acme;
:as_ada
select is((select is_intact from v1.erasures), false, 'a proof that was altered is not intact');
:as_eve
select is_empty(
    $$select * from v1.erasures_of(email => 'paula@example.com')$$,
    'another tenant does not see it'
);

-- Again.
:as_ada
select is(
    pg_temp.code_of(
        $$select v1.erase_person(
            email => 'paula@example.com', phone => '+49301234', dry_run => false
        )$$
    ), 'privacy.person_unknown', 'there is nothing left to erase'
);
select is(
    pg_temp.code_of($$select v1.export_person(email => 'paula@example.com')$$),
    'privacy.person_unknown', 'or to export'
);

-- Members. ada is the last owner; vic leaves, and stays a user and a member elsewhere.
select is(
    pg_temp.code_of(
        $$select v1.erase_person(
            user_id => '00000000-0000-4000-8000-000000000001', dry_run => false
        )$$
    ), 'privacy.last_owner', 'the last owner is not erased'
);
select is(
    v1.erase_person(email => 'ada@example.com') -> 'blockers',
    '[{"code": "privacy.last_owner"}]'::jsonb, 'which a dry run says too'
);
:as_owner
insert into core.members (tenant_id, user_id, role_id, created_by)
select :rival, user_id, role_id, '00000000-0000-4000-8000-000000000004'
from core.members where user_id = '00000000-0000-4000-8000-000000000002';
insert into core.teams (tenant_id, id, slug, name, created_by)
values (
    :acme, '00000000-0000-4000-d000-000000000001', 'sales', 'Sales',
    '00000000-0000-4000-8000-000000000002'
);
insert into core.team_members (tenant_id, team_id, user_id)
values (
    :acme, '00000000-0000-4000-d000-000000000001', '00000000-0000-4000-8000-000000000002'
);
:as_ada
insert into answers values ('vic', v1.erase_person(email => 'vic@example.com', dry_run => false));
select matches(
    (select answer ->> 'operator' from answers where name = 'vic'), 'stays in Supabase Auth',
    'the answer says what the operator has to do'
);
:as_owner
select results_eq(
    $$
        select tenants.slug from core.members
        inner join core.tenants on tenants.id = members.tenant_id
        where members.user_id = '00000000-0000-4000-8000-000000000002'
    $$,
    $$values ('rival')$$, 'erasing a user ends the membership of this tenant alone'
);
select is_empty(
    $$
        select * from pg_temp.rows_with(
            '00000000-0000-4000-8000-000000000002', current_setting('test.acme')::uuid
        )
        where table_name in ('core.members', 'core.team_members', 'core.teams', 'crm.notes')
    $$,
    'and takes the id out of what the user did'
);
select is(
    (select substr(written_by::text, 15, 1) from crm.notes where tenant_id = :acme), '8',
    'an id that must not be null becomes one that no user has'
);
select is(
    (select email from auth.users where id = '00000000-0000-4000-8000-000000000002'),
    'vic@example.com', 'the user stays, who belongs to Supabase Auth'
);
:as_service
select is_empty(
    $$
        select * from core.users_without_tenant()
        where user_id = '00000000-0000-4000-8000-000000000002'
    $$,
    'and is no case for the operator while a member somewhere'
);
:as_owner
delete from core.members where user_id = '00000000-0000-4000-8000-000000000002';
:as_service
select isnt_empty(
    $$
        select * from core.users_without_tenant()
        where user_id = '00000000-0000-4000-8000-000000000002'
    $$,
    'but then'
);
:as_ada
select is(
    pg_temp.code_of('select * from core.users_without_tenant()'), '42501', 'whom tenants do not see'
);
select is(
    pg_temp.code_of(
        $$select v1.erase_person(email => 'x'') or true --', dry_run => false)$$
    ), 'privacy.person_unknown', 'what is asked is a value in every statement'
);

-- An administrator erases no owner, which would be a way to take a tenant over.
:as_owner
update auth.users set email_confirmed_at = now() where email = 'sue@example.com';
update core.members set status = 'active' where user_id = '00000000-0000-4000-8000-000000000003';
update core.members set role_id = (
    select id from core.roles where slug = 'admin' and tenant_id = core.platform_tenant_id()
)
where user_id = '00000000-0000-4000-8000-000000000001';
insert into core.members (tenant_id, user_id, role_id)
select :acme, '00000000-0000-4000-8000-000000000002', id from core.roles where slug = 'owner';
:as_ada
select is(
    pg_temp.refusal_of(
        $$select v1.erase_person(email => 'sue@example.com', dry_run => false)$$
    ) ->> 'code', 'tenancy.permission_missing', 'an administrator erases no owner'
);
select is(
    v1.erase_person(email => 'sue@example.com') -> 'blockers',
    '[{"code": "tenancy.permission_missing", "permission": "core.tenants.own"}]'::jsonb,
    'which a dry run says too'
);
:as_vic
select is(
    v1.erase_person(email => 'sue@example.com', dry_run => false) ->> 'dry_run', 'false',
    'another owner does'
);

-- Rows that hold on to one another go in the order that their foreign keys ask for.
:as_owner
update core.personal_data set erasure = 'delete_row', reason = null
where table_schema = 'crm' and (table_name, column_name) in (
    ('guests', 'id'), ('guests', 'name'), ('guests', 'city'), ('notes', 'body')
);
select is_empty('select * from core.data_map_faults()', 'a map may delete parents and children');
:as_eve
select is(
    v1.erase_person(email => 'paula@example.com', dry_run => false) ->> 'rows', '6',
    'and then both go'
);
:as_owner
select is(
    (select count(*) from pg_temp.rows_with('paula', :rival)), 0::bigint, 'in their order'
);

select * from finish();
rollback;
