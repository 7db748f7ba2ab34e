-- Consents: facts that are written once, and say for every time what was standing.
begin;
\ir ../support/fixtures.sql
select plan(33);
update auth.users set email_confirmed_at = now() where email = 'vic@example.com';
create temporary table given (name text primary key, id uuid);
grant all on given to authenticated;

:as_ada
insert into given values
(
    'form',
    v1.record_consent(
        'newsletter', 'form on the web site', email => ' Paula@Example.com',
        given_at => '2026-01-05T10:00Z', channel => 'email', proof_text => 'Yes, write to me.',
        proof_version => '3'
    )
),
(
    'contract',
    v1.record_consent(
        'billing', 'contract 7', email => 'paula@example.com', legal_basis => 'contract'
    )
);
select results_eq(
    $$
        select
            email, purpose, legal_basis, given_at, channel, proof_text, proof_version, withdrawn_at,
            recorded_by
        from v1.consents
        where purpose = 'newsletter'
    $$,
    $$
        values (
            'paula@example.com', 'newsletter', 'consent', '2026-01-05T10:00Z'::timestamptz,
            'email', 'Yes, write to me.', '3', null::timestamptz,
            '00000000-0000-4000-8000-000000000001'::uuid
        )
    $$,
    'a consent is recorded with what proves it'
);
create function pg_temp.has(subject jsonb, purpose text default 'newsletter') returns boolean
language sql
return core.has_consent('00000000-0000-4000-a000-000000000002', subject, purpose);

select ok(pg_temp.has('{"email": "PAULA@example.com "}'), 'who has consented has');
select ok(not pg_temp.has('{"email": "paul@example.com"}'), 'nobody else has');
select ok(not pg_temp.has('{"email": "paula@example.com"}', 'profiling'), 'nor for anything else');
select ok(
    not pg_temp.has('{"email": "paula@example.com"}', 'billing'), 'and a contract is no consent'
);
select ok(
    pg_temp.has('{"phone": "+4930", "email": "paula@example.com"}'),
    'by any of the identifiers of a person'
);
select is(
    pg_temp.code_of($$select pg_temp.has('{}')$$), 'privacy.person_missing',
    'with none there is no person'
);

-- Withdrawal is a fact of its own, and ends everything that stands.
select lives_ok(
    $$select v1.record_consent(
        'newsletter', 'call', email => 'paula@example.com', phone => '+49 30 1234'
    )$$, 'a person may consent twice'
);
select is(
    v1.withdraw_consent('newsletter', 'link in a mail', email => 'Paula@example.com'), 2,
    'a withdrawal ends both'
);
select ok(not pg_temp.has('{"email": "paula@example.com"}'), 'so that nothing is standing');
select ok(not pg_temp.has('{"phone": "+49301234"}'), 'under whatever identifier');
select results_eq(
    $$
        select source, withdrawn_source, withdrawn_at = now()
        from v1.consents where purpose = 'newsletter' order by given_at
    $$,
    $$
        values
        ('form on the web site', 'link in a mail', true),
        ('call', 'link in a mail', true)
    $$,
    'what was given stays to be seen, with when it ended'
);
select is(
    pg_temp.code_of(
        $$select v1.withdraw_consent('newsletter', 'again', email => 'paula@example.com')$$
    ), 'privacy.consent_unknown', 'what has ended cannot end again'
);
select lives_ok(
    $$select v1.record_consent('newsletter', 'form', email => 'paula@example.com')$$,
    'a person may think otherwise'
);
select ok(pg_temp.has('{"email": "paula@example.com"}'), 'and then has consented');
select is(
    v1.withdraw_consent('billing', 'objection', email => 'paula@example.com'), 1,
    'other bases are objected to in the same way'
);

-- A member is the same person under the id and the confirmed address.
select v1.record_consent(
    'photos', 'form', user_id => '00000000-0000-4000-8000-000000000002'
);
select is(
    v1.withdraw_consent('photos', 'mail', email => 'vic@example.com'), 1,
    'a member withdraws by the address what was given as a user'
);

-- Nothing is overwritten.
select is(
    pg_temp.code_of('update core.consents set purpose = $$profiling$$'), '42501',
    'clients do not write consents'
);
:as_service
select is(
    pg_temp.code_of('update core.consents set purpose = $$profiling$$'), '42501',
    'the service role neither'
);
:as_owner
select is(
    pg_temp.code_of('update core.consents set purpose = $$profiling$$'), 'privacy.append_only',
    'and their owner not by mistake'
);
select is(
    pg_temp.code_of('update core.consent_withdrawals set withdrawn_at = now()'),
    'privacy.append_only', 'of withdrawals it is the same'
);

-- What does not fit.
:as_ada
select results_eq(
    $$
        select pg_temp.code_of('select v1.record_consent(' || arguments || ')')
        from unnest(array[
            '''news'', ''form''',
            '''News!'', ''form'', email => ''a@b.c''',
            'null, ''form'', email => ''a@b.c''',
            '''news'', '''', email => ''a@b.c''',
            '''news'', null, email => ''a@b.c''',
            '''news'', ''form'', email => ''a@b.c'', legal_basis => ''because''',
            '''news'', ''form'', email => ''a@b.c'', given_at => now() + interval ''1 minute''',
            '''news'', ''form'', email => ''a@b.c'', given_at => ''-infinity''',
            '''news'', ''form'', email => ''a@b.c'', proof_text => repeat(''x'', 20001)'
        ]) with ordinality as given (arguments, position)
        order by position
    $$,
    array_prepend('privacy.person_missing', array_fill('privacy.consent_invalid'::text, array[8])),
    'what is no consent is refused'
);
select is(
    pg_temp.code_of(
        $$select v1.withdraw_consent('news', 'x', email => 'a@b.c', withdrawn_at => 'infinity')$$
    ), 'privacy.consent_invalid', 'so is what is no withdrawal'
);

-- Who may: role, and relation to the tenant.
create function pg_temp.record_code(tenant uuid) returns text
language plpgsql
as $$
begin
    perform set_config(
        'request.headers', jsonb_build_object('x-tenant-id', tenant)::text, true
    );
    return pg_temp.code_of('select v1.record_consent(''x'', ''y'', email => ''a@example.com'')');
end
$$;
select is(
    array[
        pg_temp.record_code(:acme), pg_temp.record_code(:rival), pg_temp.record_code(:group),
        pg_temp.record_code(gen_random_uuid())
    ],
    array[
        'no error', 'tenancy.permission_missing', 'tenancy.permission_missing',
        'tenancy.permission_missing'
    ],
    'an owner records in the own tenant, not in a stranger''s or the one above'
);
:as_gus
select is(
    array[pg_temp.record_code(:acme), pg_temp.record_code(:group)],
    array['no error', 'no error'], 'the owner of the tenant above may'
);
:as_vic
select is(pg_temp.record_code(:acme), 'tenancy.permission_missing', 'a viewer may not');
select is_empty('select from v1.consents', 'nor see consents');
:as_sue
select is(pg_temp.record_code(:acme), 'tenancy.permission_missing', 'a suspended owner may not');
:as_eve
select is_empty('select from v1.consents', 'another tenant sees nothing');
select ok(
    not pg_temp.has('{"email": "paula@example.com"}'), 'and is told nothing by core.has_consent'
);
select is(
    pg_temp.code_of(
        $$select v1.withdraw_consent('newsletter', 'x', email => 'paula@example.com')$$
    ), 'privacy.consent_unknown', 'and cannot withdraw what another tenant has'
);

-- Erasure.
:as_ada
select is(
    v1.erase_person(email => 'paula@example.com', dry_run => false) ->> 'dry_run', 'false',
    'a person is erased'
);
select is_empty(
    $$select from v1.consents where email = 'paula@example.com'$$, 'and consents go with them'
);

select * from finish();
rollback;
