-- Imports and exports: what a row becomes, whose rights it has, and that it comes back.
begin;
\ir ../support/fixtures.sql
\ir ../support/imports.sql
select plan(55);

-- Files in pieces ---------------------------------------------------------------------------------

:as_ada
select pg_temp.keep('pieces', v1.start_import('crm.contacts', 'pieces.csv') ->> 'id');
select is(
    v1.add_import_rows(pg_temp.import_named('pieces'), 1, E'Vorname;E-Mail\nÄnne;aenne@exam')
    ->> 'rows',
    '0', 'a row that is cut waits for its rest'
);
select is(
    v1.add_import_rows(pg_temp.import_named('pieces'), 2, E'ple.com\n"Bob\nJr.";bob@example.com')
    ->> 'rows',
    '1', 'and is one row then'
);
select is(
    v1.add_import_rows(pg_temp.import_named('pieces'), 2, E'ple.com\n"Bob\nJr.";bob@example.com')
    ->> 'rows',
    '1', 'the same piece again has no effect'
);
select is(
    pg_temp.code_of(format(
        'select v1.add_import_rows(%L, 2, ''other'')', pg_temp.import_named('pieces')
    )),
    'import.piece_differs', 'another piece of the same number is refused'
);
select is(
    pg_temp.code_of(format(
        'select v1.add_import_rows(%L, 4, ''x'')', pg_temp.import_named('pieces')
    )),
    'import.piece_missing', 'a piece before its turn is refused'
);
select is(
    pg_temp.code_of(format(
        'select v1.add_import_rows(%L, 3, %L)',
        pg_temp.import_named('pieces'), repeat('x', 1048577)
    )),
    'import.piece_too_large', 'a piece that is too large is refused'
);
select is(
    pg_temp.code_of(format(
        'select v1.check_import(%L)', pg_temp.import_named('pieces')
    )),
    'import.mapping_missing', 'nothing is imported without a mapping'
);
select is(
    v1.propose_import_mapping('crm.contacts', array['Vorname', 'E-Mail', 'Firma']),
    '{"Vorname": "given_name", "E-Mail": "email", "Firma": {"field": "company_id", "by": "name"}}',
    'a mapping is proposed'
);
select is(
    pg_temp.code_of(format(
        'select v1.map_import(%L, ''{"Vorname": "nothing"}'')', pg_temp.import_named('pieces')
    )),
    'import.mapping_invalid', 'a mapping to a field that is not there is refused'
);
select is(
    pg_temp.code_of(
        $$select v1.start_import('crm.contacts', 'x', null, '{"mode": "upsert"}')$$
    ),
    'import.key_missing', 'to find records takes a key'
);

-- A run -------------------------------------------------------------------------------------------

select lives_ok(
    format(
        'select v1.map_import(%L, ''{"Vorname": "given_name", "E-Mail": "email"}'')',
        pg_temp.import_named('pieces')
    ),
    'the mapping is set'
);
select is(
    (v1.check_import(pg_temp.import_named('pieces')) ->> 'create')::integer, 2,
    'the dry run counts what would be made'
);
select is_empty('select id from v1.contacts', 'and writes nothing');
select lives_ok(
    format('select v1.run_import(%L)', pg_temp.import_named('pieces')), 'it is run'
);
:as_owner
select is(pg_temp.run_jobs(), 'succeeded', 'by a job');
select results_eq(
    $$
        select given_name, owner_id, created_by from crm.contacts
        where tenant_id = '00000000-0000-4000-a000-000000000002'
        order by given_name collate "C"
    $$,
    $$
        values
        (
            E'Bob\nJr.', '00000000-0000-4000-8000-000000000001'::uuid,
            '00000000-0000-4000-8000-000000000001'::uuid
        ),
        (
            'Änne', '00000000-0000-4000-8000-000000000001',
            '00000000-0000-4000-8000-000000000001'
        )
    $$,
    'records are of the person who started it'
);
select results_eq(
    $$
        select distinct caller_kind, caller_id from core.audit_entries
        where
            table_name = 'crm.contacts'
            and tenant_id = '00000000-0000-4000-a000-000000000002'
    $$,
    $$values ('user', '00000000-0000-4000-8000-000000000001'::uuid)$$,
    'whom the audit names'
);
select is((core.caller()).kind, 'system', 'after a step the session is nobody''s again');
select is(
    pg_temp.run_jobs(), 'none', 'nothing is left to do'
);
:as_ada
select is(
    pg_temp.code_of(format('select v1.run_import(%L)', pg_temp.import_named('pieces'))),
    'import.status_conflict', 'it is not run again'
);

-- Rows that cannot be written ---------------------------------------------------------------------

select isnt(
    pg_temp.begin_import(
        'crm.contacts', 'bad',
        E'id,name,mail,born,lang\n'
        'A1,Ada,ada@x.org,1815-12-10,en\n'
        'A2,Bob,not an address,,en\n'
        'A3,Cat,cat@x.org,31.02.2000,en\n'
        'A4,Dan,dan@x.org,,"no language"\n'
        'A1,Eve,eve@x.org,,en\n'
        'A6,Fay,fay@x.org,,en\n',
        '{"id": "external_id", "name": "given_name", "mail": "email", "born": "birth_date",
        "lang": "language"}',
        '{}'
    ),
    null, 'an import with bad rows begins'
);
select is(
    (v1.check_import(pg_temp.import_named('bad')) - 'sample' - 'errors' - 'id'),
    '{"rows": 6, "create": 3, "update": 0, "failed": 3, "duplicates": 0, "status": "done"}',
    'the dry run finds what a look at the row can find'
);
select lives_ok(format('select v1.run_import(%L)', pg_temp.import_named('bad')), 'it is run');
:as_owner
select is(pg_temp.run_jobs(), 'succeeded', 'and gets through');
:as_ada
select results_eq(
    format(
        'select row_number, column_name, code from v1.import_errors
        where import_id = %L and phase = ''run'' order by row_number',
        pg_temp.import_named('bad')
    ),
    $$
        values
        (3, 'mail', 'import.email_invalid'),
        (4, 'born', 'import.date_invalid'),
        (5, 'lang', 'import.value_refused'),
        (6, null, 'import.value_taken')
    $$,
    'every bad row is named'
);
select results_eq(
    $$select external_id from v1.contacts where external_id is not null order by external_id$$,
    $$values ('A1'), ('A6')$$,
    'and the others are written'
);
select matches(
    v1.import_errors_csv(pg_temp.import_named('bad')) ->> 'csv',
    E'^id,name,mail,born,lang,row,problems\r\nA2,Bob,not an address,,en,3,',
    'bad rows are there to be mended'
);

-- Updates, and taking back ------------------------------------------------------------------------

update v1.contacts set job_title = 'Countess' where external_id = 'A1';
select isnt(
    pg_temp.begin_import(
        'crm.contacts', 'upsert',
        E'id;name;firm;tags\nA1;Augusta;ACME;vip\nB1;Bea;acme;vip/new\nB1;Beatrix;;\nB2;Cid;;\n',
        '{"id": "external_id", "name": "given_name",
        "firm": {"field": "company_id", "by": "name", "create": true},
        "tags": {"field": "tags", "separator": "/"}}',
        '{"mode": "upsert", "key": "external_id"}'
    ),
    null, 'an import that updates begins'
);
select is(
    v1.check_import(pg_temp.import_named('upsert')) -> 'duplicates', '1',
    'rows of one key are counted'
);
select lives_ok(format('select v1.run_import(%L)', pg_temp.import_named('upsert')), 'it is run');
:as_owner
select is(pg_temp.run_jobs(), 'succeeded', 'and gets through');
:as_ada
select results_eq(
    $$
        select contacts.external_id, contacts.given_name, contacts.job_title, companies.name
        from v1.contacts
        left join v1.companies on companies.id = contacts.company_id
        where contacts.external_id in ('A1', 'B1', 'B2')
        order by contacts.external_id
    $$,
    $$
        values
        ('A1', 'Augusta', 'Countess', 'ACME'), ('B1', 'Beatrix', null, 'ACME'),
        ('B2', 'Cid', null, null)
    $$,
    'records are found by their key, an empty cell leaves what is there, a company is made once'
);
select is((select count(*) from v1.taggings), 3::bigint, 'tags are stuck on');
update v1.contacts set family_name = 'Changed' where external_id = 'B2';
select lives_ok(
    format('select v1.undo_import(%L)', pg_temp.import_named('upsert')), 'it is undone'
);
:as_owner
select is(pg_temp.run_jobs(), 'succeeded', 'by a job too');
:as_ada
select results_eq(
    $$
        select external_id, given_name, job_title, company_id from v1.contacts
        where external_id in ('A1', 'B1', 'B2') order by external_id
    $$,
    $$values ('A1', 'Ada', 'Countess', null::uuid), ('B2', 'Cid', null, null)$$,
    'what was made is gone, what was replaced is back, what somebody changed stays'
);
select results_eq(
    format(
        'select code from v1.import_errors where import_id = %L and phase = ''undo''',
        pg_temp.import_named('upsert')
    ),
    $$values ('import.changed_since')$$, 'and is named'
);
select is(
    (select count(*) from v1.companies) + (select count(*) from v1.taggings), 0::bigint,
    'with it went the company and the tags'
);

-- Whose rights ------------------------------------------------------------------------------------

:as_vic
select is(
    pg_temp.code_of($$select v1.start_import('crm.contacts', 'x')$$),
    'tenancy.permission_missing', 'who only views imports nothing'
);
select is_empty('select id from v1.imports', 'and sees no imports');
select is(
    pg_temp.code_of($$select v1.export_csv('crm.contacts')$$),
    'tenancy.permission_missing', 'nor exports anything'
);
:as_eve
select is(
    pg_temp.code_of(format('select v1.run_import(%L)', pg_temp.import_named('bad'))),
    'import.unknown', 'an import of another tenant is not there'
);
:as_ada
select isnt(
    pg_temp.begin_import(
        'crm.contacts', 'late', E'name\nZoe\n', '{"name": "given_name"}', '{}'
    ),
    null,
    'an import begins whose starter is suspended before it runs'
);
select lives_ok(format('select v1.run_import(%L)', pg_temp.import_named('late')), 'it is run');
:as_owner
update core.members
set role_id = (
    select id from core.roles where tenant_id = core.platform_tenant_id() and slug = 'owner'
)
where user_id = '00000000-0000-4000-8000-000000000002' and tenant_id = :acme;
update core.members set status = 'suspended'
where user_id = '00000000-0000-4000-8000-000000000001' and tenant_id = :acme;
select is(pg_temp.run_jobs(), 'failed', 'its job fails');
select results_eq(
    format(
        'select status, stop_reason, created_count from crm.imports where id = %L',
        pg_temp.import_named('late')
    ),
    $$values ('stopped', 'import.starter_not_allowed', 0)$$,
    'and it stops before it writes'
);
update core.members set status = 'active'
where user_id = '00000000-0000-4000-8000-000000000001' and tenant_id = :acme;

-- Exports -----------------------------------------------------------------------------------------

update crm.contacts set description = '=1+1' where external_id = 'A1';
:as_ada
select is(
    v1.export_csv(
        'crm.contacts', '{external_id,given_name,description}',
        '{"field": "external_id", "op": "=", "value": "A1"}'
    ) - 'next',
    jsonb_build_object(
        'csv', E'external_id,given_name,description\r\nA1,Ada,''=1+1\r\n', 'rows', 1
    ),
    'records are exported by a condition, and no spreadsheet calculates them'
);

select v1.save_segment(
    'crm.contacts', 'a', 'A', '{"field": "external_id", "op": "in", "value": ["A1", "A6"]}'
) ->> 'id' as dynamic \gset
select v1.save_segment('crm.contacts', 'listed', 'Listed', kind => 'static') ->> 'id' as listed
\gset
select v1.add_to_segment(
    :'listed', array(select contacts.id from v1.contacts where external_id in ('A6', 'B2'))
);
create function pg_temp.exported(segment text, condition jsonb default null) returns text
language sql
as $$
    select v1.export_csv(
        'crm.contacts', '{external_id}', condition, segment_id => segment::uuid
    ) ->> 'csv'
$$;
grant execute on function pg_temp.exported(text, jsonb) to public;
select is(
    string_to_array(pg_temp.exported(:'dynamic'), E'\r\n') @> '{A1,A6}', true,
    'the records of a segment are exported'
);
select is(
    array_length(string_to_array(pg_temp.exported(:'dynamic'), E'\r\n'), 1), 4, 'and no others'
);
select is(
    pg_temp.exported(:'dynamic', '{"field": "external_id", "op": "=", "value": "A6"}'),
    E'external_id\r\nA6\r\n', 'or those of them for which a condition holds'
);
select is(
    pg_temp.exported(:'listed', '{"field": "external_id", "op": "!=", "value": "A6"}'),
    E'external_id\r\nB2\r\n', 'of a list, too'
);
select is(
    v1.export_csv('crm.contacts', '{external_id}', null, null, 1, segment_id => :'listed')
    ->> 'next' is not null,
    true, 'by pages'
);
select is(
    (select array_agg(distinct is_filtered) from v1.exports), '{t}'::boolean [],
    'the log says that it was not all of them'
);
select is(
    pg_temp.code_of(format(
        'select v1.export_csv(''crm.companies'', segment_id => %L)', :'dynamic'
    )),
    'segment.not_found', 'a segment is of one object'
);
:as_eve
select is(
    pg_temp.code_of(format('select pg_temp.exported(%L)', :'listed')), 'segment.not_found',
    'and unknown to another tenant'
);

select * from finish();
rollback;
