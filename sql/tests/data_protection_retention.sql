-- Retention: what is stored for longer than the data map says ends by itself, step by step.
begin;
\ir ../support/fixtures.sql
\ir ../support/people.sql
select plan(20);

-- One column of calls has 30 days (sql/support/people.sql); requests get a year, contacts too.
alter table crm.requests add column asked_at timestamptz not null default now();
select core.map_personal(
    'crm.requests.email', 'user.contact.email', 'email is email', 'delete_row', null,
    interval '1 year', 'asked_at'
);
select core.map_personal(
    'crm.guests.name', 'user.name', 'id in crm.guest_emails.contact_id', 'pseudonymise', null,
    interval '2 years', 'gone_at'
);
update crm.requests set asked_at = now() - interval '366 days';
insert into crm.requests (tenant_id, email, asked_at) values
(:acme, 'young@example.com', now() - interval '364 days'),
(:acme, 'held@example.com', now() - interval '3 years'),
(:rival, 'held@example.com', now() - interval '3 years');
insert into crm.calls (tenant_id, phone, address, called_at) values
(:acme, '+49 30 99', '203.0.113.8', now() - interval '29 days');
select is_empty('select * from core.data_map_faults()', 'the map fits');

:as_ada
select v1.set_legal_hold('A claim about a request.', email => 'Held@example.com');

-- Who may run it.
select is(
    pg_temp.code_of('select core.apply_retention()'), '42501', 'a tenant does not run retention'
);
:as_service
select results_eq(
    'select row_count, done, failure from core.apply_retention()',
    'values (5::bigint, true, null::text)', 'a run says how many rows it dealt with'
);
:as_owner
select set_eq(
    'select tenant_id, email from crm.requests',
    $$
        values
        ('00000000-0000-4000-a000-000000000002'::uuid, 'young@example.com'),
        ('00000000-0000-4000-a000-000000000002'::uuid, 'held@example.com')
    $$,
    'what is too old is deleted, unless a legal hold of its tenant is on it'
);
select results_eq(
    'select phone, address is null from crm.calls order by called_at, tenant_id',
    $$values ('+49 30 1234', true), ('+49 30 1234', true), ('+49 30 99', false)$$,
    'a column may end before its row does'
);
select is(
    (select count(*) from crm.guests where name like 'Paula%'), 2::bigint,
    'what has no date yet stays'
);
select results_eq(
    $$
        select table_name, method, rows, finished_at is not null, failure
        from core.retention_runs
        where table_name in ('crm.calls', 'crm.guests', 'crm.requests')
        order by table_name collate "C"
    $$,
    $$
        values
        ('crm.calls', 'set_null', 2::bigint, true, null::text),
        ('crm.guests', 'pseudonymise', 0::bigint, true, null::text),
        ('crm.requests', 'delete_row', 3::bigint, true, null::text)
    $$,
    'what was done is counted by rule'
);
update crm.guests set gone_at = now() - interval '25 months'
where tenant_id = :acme and name <> 'Otto';
update core.retention_runs set finished_at = now() - interval '59 minutes';
select is(
    (select row_count from core.apply_retention()), 0::bigint,
    'a rule with nothing left to do is left alone for an hour'
);
update core.retention_runs set finished_at = now() - interval '61 minutes';
select is(
    (select row_count from core.apply_retention()), 1::bigint, 'and then looked at again'
);
select set_eq(
    $$select case when name like 'erased-%' then 'pseudonym' else name end from crm.guests$$,
    $$values ('pseudonym'), ('Paula at rival'), ('Otto')$$, 'a pseudonym takes the place of a name'
);
create temporary table names as select name from crm.guests;
update core.retention_runs set finished_at = null;
select is((select row_count from core.apply_retention()), 0::bigint, 'only once');
select set_eq('select name from crm.guests', 'select name from names', 'and stays the same');

-- A hold that is released, and a budget that is not enough.
:as_ada
select v1.release_legal_hold(id) from v1.legal_holds;
:as_owner
insert into crm.requests (tenant_id, email, asked_at)
select :acme, 'old' || n || '@example.com', now() - interval '2 years'
from generate_series(1, 2500) as n;
update core.retention_runs set finished_at = null;
create temporary table steps (row_count bigint, done boolean);
do $$
declare
    step record;
begin
    -- A run without time makes one step of one rule, another the next time.
    for n in 1..40 loop
        select * into step from core.apply_retention('0 seconds');
        insert into steps values (step.row_count, step.done);
        exit when not exists (select from crm.requests where email like 'old%');
    end loop;
end
$$;
select ok((select max(row_count) from steps) = 1000, 'a step has a thousand rows at most');
select ok(
    (select bool_or(not done) from steps), 'and a run that could not finish says so'
);
select is(
    (select sum(row_count) from steps), 2501::numeric,
    'what one run has left the next ones do, and what is held no longer with it'
);

-- One rule that fails does not stop the others.
create function pg_temp.refuse() returns trigger
language plpgsql
as $$
begin
    raise exception 'no';
end
$$;
create trigger refusing before delete on crm.requests
for each row execute function pg_temp.refuse();
insert into crm.requests (tenant_id, email, asked_at)
values (:acme, 'stuck@example.com', now() - interval '2 years');
update crm.calls set called_at = now() - interval '31 days' where phone = '+49 30 99';
update core.retention_runs set finished_at = null;
select results_eq(
    'select row_count, done, failure from core.apply_retention()',
    $$values (1::bigint, false, 'crm.requests: no')$$, 'what fails is told'
);
select is(
    (select address from crm.calls where phone = '+49 30 99'), null, 'and stops nothing else'
);
select is(
    (select failure from core.retention_runs where table_name = 'crm.requests'), 'no',
    'the operator finds it'
);
drop trigger refusing on crm.requests;
update core.retention_runs set finished_at = null;
select count(*) from core.housekeep();
select is_empty(
    $$select from crm.requests where email like 'stuck%'$$, 'housekeeping applies retention'
);
insert into crm.requests (tenant_id, email, asked_at)
values (:acme, 'late@example.com', now() - interval '2 years');
update core.retention_runs set finished_at = null;
select pg_temp.code_of('select count(*) from core.housekeep_unscheduled()');
select is_empty(
    $$select from crm.requests where email like 'late%'$$, 'whoever keeps house'
);

select * from finish();
rollback;
