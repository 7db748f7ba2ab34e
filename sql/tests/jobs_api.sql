-- What tenants see of their jobs and may do with them, and nobody with another's.
begin;
\ir ../support/fixtures.sql
select plan(22);

create function public.test_once(job core.jobs) returns jsonb
language sql
as $$ select '{"done": true}'::jsonb $$;
insert into core.job_tasks (task, function_schema, function_name, description, is_open) values
('test.closed', 'public', 'test_once', 'Not for tenants.', false),
('test.open', 'public', 'test_once', 'For tenants.', true);
select core.enqueue_job(:acme, 'test.closed', '{"secret": 1}') as ours \gset
select core.enqueue_job(:acme, 'test.closed', '{}', null, now() + interval '1 day') as later \gset
select core.enqueue_job(:rival, 'test.closed') as theirs \gset

:as_ada
select set_eq(
    'select id from v1.jobs', array[:'ours', :'later']::uuid[], 'members see their tenant''s jobs'
);
select is(pg_temp.code_of('select arguments from core.jobs'), '42501', 'but not what is in them');
select is(
    pg_temp.code_of('insert into core.jobs (tenant_id, task) values (gen_random_uuid(), ''a'')'),
    '42501', 'and write none'
);
select is(
    pg_temp.code_of('select v1.enqueue_job(''test.closed'')'), 'job.task_closed',
    'a task is not for tenants unless it says so'
);
select is(
    pg_temp.code_of('select v1.enqueue_job(''test.none'')'), 'job.task_unknown',
    'one that is not there is for nobody'
);
select is(
    (v1.enqueue_job('test.open', '{}', 'k')) ->> 'id',
    (v1.enqueue_job('test.open', '{}', 'k')) ->> 'id',
    'an open one is, once for its key'
);
select is(
    (select status from v1.jobs where task = 'test.open'), 'queued', 'and waits to be run'
);
select is(
    pg_temp.code_of(format('select v1.cancel_job(%L)', :'theirs')), 'job.unknown',
    'another tenant''s job is as unknown'
);
select is(
    pg_temp.code_of('select v1.cancel_job(gen_random_uuid())'), 'job.unknown',
    'as one that is not there'
);
select is(
    (v1.cancel_job(:'later')) ->> 'status', 'cancelled', 'one that waits is cancelled at once'
);
select is(
    pg_temp.code_of(format('select v1.cancel_job(%L)', :'later')), 'job.over', 'and once'
);
select is((v1.retry_job(:'later')) ->> 'status', 'queued', 'and can be taken up again');
select is(
    pg_temp.code_of(format('select v1.retry_job(%L)', :'later')), 'job.not_over',
    'but not while it waits'
);
:as_owner
select core.claim_job() is null as first \gset
select tenant_id, id, lease from core.jobs where status = 'running' and id = :'ours' \gset run_
:as_ada
select isnt(
    (v1.cancel_job(:'ours')) ->> 'cancel_requested_at', null,
    'one that runs is asked to end'
);
select is((select status from v1.jobs where id = :'ours'), 'running', 'and runs until it looks');
:as_owner
select is(
    core.run_job_step(:'run_tenant_id', :'run_id', :run_lease), 'cancelled',
    'which it does before its next step'
);
select core.enqueue_job(:acme, 'test.open', '{}', 'again') as first \gset
:as_ada
select v1.cancel_job(:'first');
:as_owner
select core.enqueue_job(:acme, 'test.open', '{}', 'again') as second \gset
:as_ada
select is(
    pg_temp.code_of(format('select v1.retry_job(%L)', :'first')), 'job.not_over',
    'one whose place another has taken is not taken up'
);

:as_vic
select is_empty('select from v1.jobs', 'viewers see no jobs');
select is(
    pg_temp.code_of(format('select v1.cancel_job(%L)', :'second')), 'tenancy.permission_missing',
    'and cancel none'
);
select is(
    pg_temp.code_of('select v1.enqueue_job(''test.open'')'), 'tenancy.permission_missing',
    'nor have any done'
);
:as_bridge
select is(pg_temp.code_of('select from core.jobs'), '42501', 'a bridge runs jobs and reads none');
:as_anon
select is(pg_temp.code_of('select from v1.jobs'), '42501', 'nobody else sees any');

select * from finish();
rollback;
