-- Imports: whose rights they have, whoever starts them, and what happens to those meanwhile.
begin;
\ir ../support/fixtures.sql
\ir ../support/imports.sql
select plan(46);

-- Steps of two rows, so that something can happen between them.
create or replace function crm.import_step_rows() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 2;

-- otis reaches own records alone, tia those of the team north; both of acme.
create function pg_temp.become(number integer) returns void
language sql
as $$
    select
        set_config('tenon.caller_kind', '', true),
        set_config('request.headers', '', true),
        set_config('role', 'authenticated', true),
        set_config(
            'request.jwt.claims',
            jsonb_build_object(
                'role', 'authenticated',
                'sub', '00000000-0000-4000-8000-00000000000' || become.number
            )::text,
            true
        )
$$;
\set as_otis 'reset role; do $$ begin perform pg_temp.become(6); end $$;'
\set as_tia 'reset role; do $$ begin perform pg_temp.become(7); end $$;'
\set ada '\'00000000-0000-4000-8000-000000000001\''
\set otis '\'00000000-0000-4000-8000-000000000006\''
\set tia '\'00000000-0000-4000-8000-000000000007\''
\set north '\'00000000-0000-4000-e000-000000000001\''
insert into auth.users (id, email) values
(:otis, 'otis@example.com'), (:tia, 'tia@example.com');
insert into core.roles (tenant_id, id, slug, name) values
(:acme, '00000000-0000-4000-d000-000000000006', 'own', 'Own'),
(:acme, '00000000-0000-4000-d000-000000000007', 'team', 'Team');
insert into core.role_permissions (tenant_id, role_id, permission, scope)
select
    :acme,
    ('00000000-0000-4000-d000-00000000000' || roles.number)::uuid,
    granted.permission,
    case when granted.permission = 'crm.imports.manage' then 'tenant' else roles.scope end
from (values (6, 'own'), (7, 'team')) as roles (number, scope)
cross join
    unnest(array[
        'crm.contacts.read', 'crm.contacts.write', 'crm.companies.read', 'crm.deals.read',
        'crm.deals.write', 'crm.imports.manage'
    ]) as granted (permission);
insert into core.members (tenant_id, user_id, role_tenant_id, role_id)
select
    :acme,
    ('00000000-0000-4000-8000-00000000000' || number)::uuid,
    :acme,
    ('00000000-0000-4000-d000-00000000000' || number)::uuid
from unnest(array[6, 7]) as number;
insert into core.teams (tenant_id, id, slug, name) values
(:acme, :north, 'north', 'North'),
(:acme, '00000000-0000-4000-e000-000000000002', 'south', 'South');
insert into core.team_members (tenant_id, team_id, user_id) values (:acme, :north, :tia);
insert into crm.companies (tenant_id, name, owner_id) values
(:acme, 'Seen', :otis), (:acme, 'Hidden', :ada), (:rival, 'Foreign', null);
insert into crm.contacts (tenant_id, given_name, external_id, email, owner_id, team_id) values
(:acme, 'Hers', 'K1', 'hers@example.com', :ada, null),
(:acme, 'His', 'K2', 'his@example.com', :otis, null),
(:acme, 'Ours', 'K3', 'ours@example.com', :ada, :north),
(:rival, 'Theirs', 'K4', 'theirs@example.com', null, null);

-- What the table holds, whoever may see it: name, key, owner and company.
create function pg_temp.contacts_of(tenant uuid)
returns table (given_name text, external_id text, owner text, company text)
language sql security definer
as $$
    select
        contacts.given_name, contacts.external_id, split_part(users.email, '@', 1), companies.name
    from crm.contacts
    left join auth.users on users.id = contacts.owner_id
    left join crm.companies
        on companies.tenant_id = contacts.tenant_id and companies.id = contacts.company_id
    where contacts.tenant_id = tenant
    order by contacts.external_id collate "C", contacts.given_name collate "C"
$$;
create function pg_temp.errors_of(called text)
returns table (row_number integer, column_name text, code text)
language sql
as $$
    select row_number, column_name, code from v1.import_errors
    where import_id = pg_temp.import_named(called) and phase = 'run'
    order by row_number, place
$$;
grant execute on function pg_temp.contacts_of(uuid), pg_temp.errors_of(text) to public;

-- Own records -------------------------------------------------------------------------------------

:as_otis
select isnt(
    pg_temp.begin_import(
        'crm.contacts', 'own',
        E'id,name,owner,firm,tags\nK1,Stolen,,,\nK2,His own,ada@example.com,Seen,\n'
        'K4,Mine,,,\nK5,New,ada@example.com,seen,\nK6,Hidden,,Hidden,\nK7,Foreign,,Foreign,\n'
        'K8,Tagged,,,secret\n',
        '{"id": "external_id", "name": "given_name",
        "owner": {"field": "owner_id", "by": "email"},
        "firm": {"field": "company_id", "by": "name"}, "tags": "tags"}',
        '{"mode": "upsert", "key": "external_id"}'
    ),
    null, 'who reaches own records imports'
);
select is(
    pg_temp.code_of(format(
        'select v1.map_import(%L, ''{"id": "external_id", "name": "given_name",
        "firm": {"field": "company_id", "by": "name", "create": true}}'')',
        pg_temp.import_named('own')
    )),
    'tenancy.permission_missing', 'but has no companies made that they may not make'
);
select lives_ok(format('select v1.run_import(%L)', pg_temp.import_named('own')), 'it is run');
:as_owner
insert into crm.tags (tenant_id, name) values (:rival, 'secret');
select is(pg_temp.run_jobs(), 'succeeded', 'and gets through');
select results_eq(
    format('select * from pg_temp.contacts_of(%L)', :acme),
    $$
        values
        ('Hers', 'K1', 'ada', null), ('His own', 'K2', 'otis', 'Seen'),
        ('Ours', 'K3', 'ada', null), ('Mine', 'K4', 'otis', null), ('New', 'K5', 'otis', 'Seen')
    $$,
    'own records are updated, new ones are theirs whatever a cell says, others stay'
);
:as_otis
select results_eq(
    $$select * from pg_temp.errors_of('own')$$,
    $$
        values
        (2, null, 'import.value_taken'), (6, 'firm', 'import.lookup_missing'),
        (7, 'firm', 'import.lookup_missing'), (8, 'tags', 'import.tag_missing')
    $$,
    'what they may not see is not there, of colleagues as of others; nor is a tag'
);
select isnt(
    pg_temp.begin_import(
        'crm.contacts', 'mails',
        E'mail,name\nhers@example.com,Stolen\nnobody@example.com,Nobody\nHIS@example.com,Himself\n',
        '{"mail": "email", "name": "given_name"}', '{"mode": "update", "key": "email"}'
    ),
    null, 'an import that only updates begins'
);
select v1.check_import(pg_temp.import_named('mails'));
:as_owner
select pg_temp.run_jobs();
:as_otis
select is(
    (
        select check_report - 'duplicates' from v1.imports
        where id = pg_temp.import_named('mails')
    ),
    '{"rows": 3, "create": 0, "update": 1, "failed": 2}',
    'the dry run finds own records alone'
);
select lives_ok(format('select v1.run_import(%L)', pg_temp.import_named('mails')), 'it is run');
:as_owner
select pg_temp.run_jobs();
:as_otis
select results_eq(
    $$select * from pg_temp.errors_of('mails')$$,
    $$values (2, 'mail', 'import.record_missing'), (3, 'mail', 'import.record_missing')$$,
    'a colleague''s record is told from none by nothing'
);
:as_owner
select is_empty(
    $$select from crm.contacts where given_name = 'Stolen'$$, 'and is as it was'
);
update crm.contacts set owner_id = :ada where tenant_id = :acme and external_id = 'K5';
update crm.import_records as records set version = contacts.version
from crm.contacts where contacts.id = records.record_id and contacts.external_id = 'K5';
:as_otis
select lives_ok(format('select v1.undo_import(%L)', pg_temp.import_named('own')), 'it is undone');
:as_owner
select pg_temp.run_jobs();
select results_eq(
    format('select * from pg_temp.contacts_of(%L)', :acme),
    $$
        values
        ('Hers', 'K1', 'ada', null), ('Himself', 'K2', 'otis', 'Seen'),
        ('Ours', 'K3', 'ada', null), ('New', 'K5', 'ada', 'Seen')
    $$,
    'undoing leaves what was changed since, and what is theirs no more'
);

-- Exporting asks the same rights.
insert into core.role_permissions (tenant_id, role_id, permission)
values (:acme, '00000000-0000-4000-d000-000000000006', 'crm.exports.read');
:as_ada
select v1.save_segment(
    'crm.contacts', 'all', 'All', '{"field": "external_id", "op": "is_not_null"}',
    is_shared => true
) ->> 'id' as everyone \gset
select v1.save_segment(
    'crm.contacts', 'mine', 'Mine', '{"field": "external_id", "op": "is_not_null"}'
) ->> 'id' as private \gset
:as_otis
select is(
    v1.export_csv('crm.contacts', '{external_id}', segment_id => :'everyone') ->> 'csv',
    E'external_id\r\nK2\r\n', 'a colleague''s segment has the records that they may read'
);
select is(
    pg_temp.code_of(format(
        'select v1.export_csv(''crm.contacts'', segment_id => %L)', :'private'
    )),
    'segment.not_found', 'if it is shared'
);

-- Records of a team -------------------------------------------------------------------------------

:as_tia
select isnt(
    pg_temp.begin_import(
        'crm.contacts', 'team',
        E'id,name,owner,team\nK1,Stolen,,\nK2,Stolen,,\nK3,Ours again,,\n'
        'L1,For Ada,ada@example.com,North\nL2,Not for Ada,ada@example.com,South\nL3,Own,,\n',
        '{"id": "external_id", "name": "given_name",
        "owner": {"field": "owner_id", "by": "email"},
        "team": {"field": "team_id", "by": "name"}}',
        '{"mode": "upsert", "key": "external_id"}'
    ),
    null, 'who reaches a team''s records imports'
);
select lives_ok(format('select v1.run_import(%L)', pg_temp.import_named('team')), 'it is run');
:as_owner
select is(pg_temp.run_jobs(), 'succeeded', 'and gets through');
select results_eq(
    format(
        'select given_name, external_id, owner from pg_temp.contacts_of(%L)
        where external_id <> ''K5''', :acme
    ),
    $$
        values
        ('Hers', 'K1', 'ada'), ('Himself', 'K2', 'otis'), ('Ours again', 'K3', 'ada'),
        ('For Ada', 'L1', 'ada'), ('Not for Ada', 'L2', 'tia'), ('Own', 'L3', 'tia')
    $$,
    'records of the team are updated and given to others of it; what is not the team''s is hers'
);
:as_tia
select results_eq(
    $$select row_number, code from pg_temp.errors_of('team')$$,
    $$values (2, 'import.value_taken'), (3, 'import.value_taken')$$,
    'records of others are not'
);
select v1.undo_import(pg_temp.import_named('team'));
:as_owner
select pg_temp.run_jobs();
select results_eq(
    format(
        'select given_name, external_id, owner from pg_temp.contacts_of(%L)
        where external_id <> ''K5''', :acme
    ),
    $$values ('Hers', 'K1', 'ada'), ('Himself', 'K2', 'otis'), ('Ours', 'K3', 'ada')$$,
    'and so far undoing reaches, too'
);
:as_tia
select isnt(
    pg_temp.begin_import(
        'crm.deals', 'deal', E'name,stage\nHers,Needs\n', '{"name": "name", "stage": "stage"}', '{}'
    ),
    null, 'so do deals'
);
select v1.run_import(pg_temp.import_named('deal'));
:as_owner
select pg_temp.run_jobs();
select results_eq(
    $$select name, stage, owner_id from crm.deals$$,
    format('values (''Hers'', ''needs'', %L::uuid)', :tia),
    'which move, and are hers'
);

-- A key -------------------------------------------------------------------------------------------

:as_ada
select v1.create_api_key(
    'Importer', null, '["crm.imports.manage", "crm.contacts.read", "crm.contacts.write"]'
) ->> 'id' as key \gset
create function pg_temp.become_key(key uuid, tenant uuid) returns void
language sql
as $$
    select
        set_config('tenon.caller_kind', 'api_key', true),
        set_config('tenon.caller_id', become_key.key::text, true),
        set_config('tenon.caller_tenant_id', become_key.tenant::text, true),
        set_config('role', 'authenticated', true)
$$;
:as_owner
select pg_temp.become_key(:'key', :acme);
select isnt(
    pg_temp.begin_import(
        'crm.contacts', 'key', E'id,name\nM1,One\nM2,Two\nM3,Three\nM4,Four\n',
        '{"id": "external_id", "name": "given_name"}', '{}'
    ),
    null, 'a key begins an import'
);
select lives_ok(format('select v1.run_import(%L)', pg_temp.import_named('key')), 'and runs it');
:as_owner
select * from core.claim_job() \gset job_
select is(
    core.run_job_step(:'job_tenant_id', :'job_id', :'job_lease'), 'running', 'a step is done'
);
select results_eq(
    $$
        select distinct caller_kind, caller_id::text, created_by::text, owner_id
        from core.audit_entries
        inner join crm.contacts
            on contacts.tenant_id = audit_entries.tenant_id
            and contacts.external_id in ('M1', 'M2')
        where
            table_name = 'crm.contacts' and operation = 'insert'
            and key ->> 'id' = contacts.id::text
    $$,
    format('values (''api_key'', %1$L, %1$L, null::uuid)', :'key'),
    'the key did it, and owns nothing'
);
update core.api_keys set revoked_at = now() where id = :'key';
select is(
    core.run_job_step(:'job_tenant_id', :'job_id', :'job_lease'), 'failed',
    'a key that is revoked meanwhile does no more'
);
select results_eq(
    format(
        'select status, stop_reason, created_count from crm.imports where id = %L',
        pg_temp.import_named('key')
    ),
    $$values ('stopped', 'import.starter_not_allowed', 2)$$, 'its import stops'
);
:as_ada
select lives_ok(
    format('select v1.run_import(%L)', pg_temp.import_named('key')), 'a person goes on'
);
:as_owner
select pg_temp.run_jobs();
select results_eq(
    format(
        'select given_name, external_id, owner from pg_temp.contacts_of(%L)
        where external_id like ''M%%''', :acme
    ),
    $$
        values ('One', 'M1', null), ('Two', 'M2', null), ('Three', 'M3', 'ada'),
        ('Four', 'M4', 'ada')
    $$,
    'where it stopped, as that person'
);

-- Suspended in the middle -------------------------------------------------------------------------

:as_ada
select pg_temp.begin_import(
    'crm.contacts', 'suspended', E'id,name\nN1,One\nN2,Two\nN3,Three\nN4,Four\nN5,Five\n',
    '{"id": "external_id", "name": "given_name"}', '{}'
);
select v1.run_import(pg_temp.import_named('suspended'));
:as_owner
update core.members
set role_id = (
    select id from core.roles where tenant_id = core.platform_tenant_id() and slug = 'owner'
)
where user_id = '00000000-0000-4000-8000-000000000002' and tenant_id = :acme;
select * from core.claim_job() \gset job_
select is(
    core.run_job_step(:'job_tenant_id', :'job_id', :'job_lease'), 'running', 'two rows are written'
);
update core.members set status = 'suspended' where user_id = :ada and tenant_id = :acme;
select is(
    core.run_job_step(:'job_tenant_id', :'job_id', :'job_lease'), 'failed',
    'then its starter is suspended'
);
select results_eq(
    format(
        'select status, stop_reason, done_row, created_count from crm.imports where id = %L',
        pg_temp.import_named('suspended')
    ),
    $$values ('stopped', 'import.starter_not_allowed', 3, 2)$$, 'and it stops where it was'
);
:as_vic
select v1.run_import(pg_temp.import_named('suspended'));
:as_owner
update core.members set status = 'active' where user_id = :ada and tenant_id = :acme;
select is(pg_temp.run_jobs(), 'succeeded', 'another owner has the rest written');
select results_eq(
    format(
        'select external_id, owner from pg_temp.contacts_of(%L)
        where external_id like ''N%%''', :acme
    ),
    $$values ('N1', 'ada'), ('N2', 'ada'), ('N3', 'vic'), ('N4', 'vic'), ('N5', 'vic')$$,
    'each row once'
);

-- Further contact points, and cells that clear ----------------------------------------------------

:as_ada
insert into v1.contacts (given_name, job_title, external_id, description)
values ('Pia', 'Boss', 'P1', 'Kept');
select pg_temp.begin_import(
    'crm.contacts', 'points',
    E'id,title,about,mail2,mail3,mobile,web,street,city\n'
    'P1,,,a@p.example,b@p.example,+49 30 1,https://p.example,Ring 1,Ulm\n'
    'P1,,,a@p.example,,+49 30 2,,Ring 1,Ulm\nP1,,,no mail,,,,,\n',
    '{"id": "external_id", "title": "job_title", "mail2": "more.email",
    "mail3": {"field": "more.email", "label": "home"}, "mobile": "more.phone", "web": "more.url",
    "street": "address.street", "city": "address.city"}',
    '{"mode": "upsert", "key": "external_id", "empty": "clear"}'
);
select v1.run_import(pg_temp.import_named('points'));
:as_owner
select pg_temp.run_jobs();
:as_ada
select results_eq(
    $$select job_title, description from v1.contacts where external_id = 'P1'$$,
    $$values (null::text, 'Kept')$$, 'an empty cell clears its field, and no other'
);
select results_eq(
    $$
        select kind, label, value, street, city from v1.contact_points
        order by kind, label, value
    $$,
    $$
        values
        ('address', 'work', null, 'Ring 1', 'Ulm'), ('email', 'home', 'b@p.example', null, null),
        ('email', 'work', 'a@p.example', null, null), ('phone', 'work', '+49 30 1', null, null),
        ('phone', 'work', '+49 30 2', null, null), ('url', 'work', 'https://p.example', null, null)
    $$,
    'what is there already is not added again'
);
select results_eq(
    $$select * from pg_temp.errors_of('points')$$,
    $$values (4, 'mail2', 'import.email_invalid')$$, 'a further e-mail is one, too'
);
select v1.undo_import(pg_temp.import_named('points'));
:as_owner
select pg_temp.run_jobs();
:as_ada
select results_eq(
    $$
        select job_title, (select count(*) from v1.contact_points) from v1.contacts
        where external_id = 'P1'
    $$,
    $$values ('Boss', 0::bigint)$$, 'undoing gives back what was cleared, and takes the points'
);

-- Another tenant ----------------------------------------------------------------------------------

create temporary table calls (name text primary key, arguments text);
grant all on calls to public;
insert into calls (name, arguments) values
('map_import', ', ''{}'''), ('add_import_rows', ', 1, ''x'''), ('check_import', ''),
('run_import', ''), ('undo_import', ''), ('import_errors_csv', '');
select set_eq(
    $$
        select proname::text from pg_proc
        where pronamespace = 'v1'::regnamespace and proargnames[1] = 'import_id'
    $$,
    'select name from calls', 'every function of imports is called here'
);
:as_eve
select set_eq(
    format(
        $$
            select pg_temp.code_of(format('select v1.%%I(%%L%%s)', name, %1$L, arguments))
            from calls
            union
            select pg_temp.code_of(
                format('select crm.%%I(%%L%%s)', name, %1$L, case name
                    when 'map_import' then ', null, null'
                    when 'add_import_rows' then ', 1, ''x'', null, true'
                    else arguments
                end)
            )
            from calls
            where name <> 'import_errors_csv'
        $$,
        pg_temp.import_named('suspended')
    ),
    $$values ('import.unknown')$$, 'to another tenant an import is unknown, in every way'
);
select is(
    (select count(*) from v1.imports) + (select count(*) from v1.import_errors)
    + (select count(*) from crm.import_rows) + (select count(*) from crm.import_records),
    0::bigint, 'and nothing of it is seen'
);
select is(
    pg_temp.code_of(format(
        'insert into crm.imports (tenant_id, object, name) values (%L, ''crm.contacts'', ''x'')',
        :acme
    )),
    '42501', 'nor written'
);
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000002"}';
select is(
    pg_temp.code_of($$select v1.start_import('crm.contacts', 'x')$$),
    'tenancy.permission_missing', 'nobody begins one in a tenant that is not theirs'
);
:as_otis
select is(
    pg_temp.code_of($$select v1.start_import('crm.leads', 'x')$$),
    'tenancy.permission_missing', 'nor of an object that they may not write'
);

select * from finish();
rollback;
