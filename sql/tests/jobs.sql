-- A job is run step by step, each effect once, and what goes wrong with one stays with it.
begin;
\ir ../support/fixtures.sql
select plan(55);

create table pg_temp.effects (job uuid, step integer);

-- Three steps; each leaves a row behind.
create function public.test_three_steps(job core.jobs) returns jsonb
language plpgsql
as $$
declare
    step constant integer := coalesce((job.state ->> 'step')::integer, 0) + 1;
begin
    insert into pg_temp.effects values (job.id, step);
    if step = (job.arguments ->> 'fails_at')::integer then
        raise exception 'step % fails', step;
    elsif step = (job.arguments ->> 'gives_up_at')::integer then
        return '{"failed": "of no use"}';
    elsif step = (job.arguments ->> 'refuses_at')::integer then
        perform core.fail('job.unknown', '{"id": "x"}');
    elsif step = (job.arguments ->> 'misanswers_at')::integer then
        return job.arguments -> 'answer';
    elsif step = (job.arguments ->> 'loses_lease_at')::integer then
        update core.jobs set lease = lease + 1 where jobs.id = job.id;
    elsif step = (job.arguments ->> 'cancelled_at')::integer then
        update core.jobs set cancel_requested_at = now() where jobs.id = job.id;
    end if;
    return jsonb_build_object(
        'done', step = 3,
        'state', jsonb_build_object('step', step),
        'progress', jsonb_build_object('done', step, 'total', 3),
        'result', jsonb_build_object('steps', step)
    );
end
$$;
create function public.test_endless(job core.jobs) returns jsonb
language plpgsql
as $$
begin
    insert into pg_temp.effects values (job.id, 1);
    loop
        perform 1;
    end loop;
end
$$;
insert into core.job_tasks (
    task, function_schema, function_name, description, step_time_limit, is_open
) values
('test.three_steps', 'public', 'test_three_steps', 'Three steps.', '20 seconds', false),
('test.open', 'public', 'test_three_steps', 'The same for tenants.', '20 seconds', true),
('test.endless', 'public', 'test_endless', 'Never ends.', '200 milliseconds', false),
('test.missing', 'public', 'test_missing', 'Has no function.', '20 seconds', false);

-- Runs what is ready as a runner does, without its commits; returns the last status of the last.
create function pg_temp.run(at timestamptz default clock_timestamp()) returns text
language plpgsql
as $$
declare
    claimed record;
    status text;
begin
    loop
        select * into claimed from core.claim_job(run.at);
        exit when claimed.id is null;
        loop
            status := core.run_job_step(claimed.tenant_id, claimed.id, claimed.lease);
            exit when status <> 'running';
        end loop;
    end loop;
    return status;
end
$$;
create function pg_temp.effects_of(job uuid) returns integer[]
language sql
as $$ select array_agg(step order by step) from pg_temp.effects where effects.job = $1 $$;

-- Enqueueing.
select is(
    pg_temp.code_of(format('select core.enqueue_job(%L, ''test.none'')', :acme)),
    'job.task_unknown', 'a task has to be known'
);
select is(
    pg_temp.code_of(format('select core.enqueue_job(%L, ''test.open'', ''[]'')', :acme)),
    'job.arguments_invalid', 'arguments are an object'
);
select core.enqueue_job(:acme, 'test.three_steps', '{"n": 1}', 'key') as first \gset
select is(
    core.enqueue_job(:acme, 'test.three_steps', '{"n": 2}', 'key'), :'first',
    'the same key again is the job that is there'
);
select isnt(
    core.enqueue_job(:rival, 'test.three_steps', '{}', 'key'), :'first',
    'but not another tenant''s'
);
select isnt(
    core.enqueue_job(:acme, 'test.open', '{}', 'key'), :'first', 'nor another task''s'
);
delete from core.jobs where id <> :'first';
savepoint before;
select core.enqueue_job(:acme, 'test.three_steps') as undone \gset
rollback to savepoint before;
select is(
    (select count(*) from pgmq.q_tenon_jobs where message ->> 'id' = :'undone'), 0::bigint,
    'a rollback enqueues nothing'
);
select is(
    (select message from pgmq.q_tenon_jobs where message ->> 'id' = :'first'),
    jsonb_build_object('tenant_id', :acme, 'id', :'first'),
    'a message carries ids and nothing else'
);

-- Running.
select is(pg_temp.run(), 'succeeded', 'a job is run to its end');
select is(pg_temp.effects_of(:'first'), '{1,2,3}', 'each step once');
select results_eq(
    format(
        'select status, progress, result, lease_expires_at is null, finished_at is not null '
        'from core.jobs where id = %L', :'first'
    ),
    $$
        values
        ('succeeded', '{"done": 3, "total": 3}'::jsonb, '{"steps": 3}'::jsonb, true, true)
    $$,
    'and what it left is kept'
);
select is_empty('select from pgmq.q_tenon_jobs', 'messages of what is over or gone are gone');
select isnt(
    core.enqueue_job(:acme, 'test.three_steps', '{}', 'key'), :'first',
    'a key is free again when its job is over'
);
select pg_temp.run();

-- Later.
select core.enqueue_job(
    :acme, 'test.three_steps', '{}', null, now() + interval '1 hour'
) as later \gset
select is(
    (select status from core.jobs where id = :'later'), 'scheduled', 'one for later is scheduled'
);
select is_empty('select from pgmq.q_tenon_jobs', 'without a message');
select is(core.queue_due_jobs(), 0, 'it is not due before its time');
select is(core.queue_due_jobs(now() + interval '61 minutes'), 1, 'but then');
select is(pg_temp.run(now() + interval '61 minutes'), 'succeeded', 'it is run');

-- Failing.
select core.enqueue_job(:acme, 'test.three_steps', '{"fails_at": 2}') as failing \gset
select core.enqueue_job(:acme, 'test.three_steps') as next \gset
select is(pg_temp.run(), 'succeeded', 'a job that fails does not stop the rest');
select results_eq(
    format('select status, last_error, attempts, state from core.jobs where id = %L', :'failing'),
    $$values ('scheduled', 'P0001: step 2 fails', 1, '{"step": 1}'::jsonb)$$,
    'what failed is to be tried again, from the step that failed'
);
select is(pg_temp.effects_of(:'failing'), '{1}', 'whose effects are undone');
select cmp_ok(
    (select run_at from core.jobs where id = :'failing'), '>', clock_timestamp(), 'after a while'
);
create function pg_temp.try_until_over(job uuid) returns integer
language plpgsql
as $$
declare
    at timestamptz;
    tries integer := 0;
begin
    loop
        select jobs.run_at into at
        from core.jobs
        where jobs.id = job and jobs.status = 'scheduled';
        exit when not found;
        perform core.queue_due_jobs(at);
        perform pg_temp.run(at);
        tries := tries + 1;
    end loop;
    return tries;
end
$$;
select cmp_ok(pg_temp.try_until_over(:'failing'), '>=', 3, 'several times');
select results_eq(
    format('select status, last_error from core.jobs where id = %L', :'failing'),
    $$values ('failed', 'P0001: step 2 fails')$$, 'and then it is given up, with the reason'
);
set constraints all immediate;
set constraints all deferred;
select results_eq(
    'select type, data ->> ''reason'' from core.events where type = ''core.job.failed''',
    $$values ('core.job.failed', 'P0001: step 2 fails')$$, 'which is an event'
);
select core.enqueue_job(:acme, 'test.three_steps', '{"gives_up_at": 2}') as futile \gset
select is(pg_temp.run(), 'failed', 'a task may give up at once');
select results_eq(
    format('select status, last_error from core.jobs where id = %L', :'futile'),
    $$values ('failed', 'of no use')$$, 'with its reason'
);
select is(pg_temp.effects_of(:'futile'), '{1,2}', 'and keeps what it did');
select core.enqueue_job(:acme, 'test.three_steps', '{"refuses_at": 1}') as refused \gset
select is(pg_temp.run(), 'scheduled', 'a refusal of the API is a failure');
select is(
    (select last_error from core.jobs where id = :'refused'),
    'job.unknown: There is no job x for you.', 'with its code and its words'
);
select core.enqueue_job(:acme, 'test.missing') as missing \gset
select pg_temp.run();
select matches(
    (select last_error from core.jobs where id = :'missing'), '^42883: ',
    'a function that is missing is a failure'
);
select core.enqueue_job(
    :acme, 'test.three_steps',
    jsonb_build_object('misanswers_at', 1, 'answer', known.answer::jsonb)
)
from (values ('null'), ('7'), ('{}'), ('{"done": 1}'), ('{"done": false, "state": []}'))
    as known (answer);
select pg_temp.run();
select is(
    (
        select count(*) from core.jobs
        where status = 'scheduled' and last_error like '22000: the task test.three_steps answered%'
    ),
    5::bigint, 'an answer that is none is a failure'
);
delete from core.jobs where status = 'scheduled';

-- Time limits need a statement of the client, whose alarm they wind.
select core.enqueue_job(:acme, 'test.endless') as endless \gset
select core.enqueue_job(:acme, 'test.three_steps') as next \gset
select is(pg_temp.run(), 'succeeded', 'a step that does not end is ended, and the rest goes on');
select matches(
    (select last_error from core.jobs where id = :'endless'), '^57014: .*timeout',
    'its time is the reason'
);
select is(pg_temp.effects_of(:'endless'), null, 'and it has no effect');
delete from core.jobs where id = :'endless';

-- Leases.
select core.enqueue_job(:acme, 'test.three_steps', '{"loses_lease_at": 2}') as fenced \gset
select is(pg_temp.run(), 'lost', 'who has lost the lease can do no step');
select is(pg_temp.effects_of(:'fenced'), '{1}', 'the step it was at is undone');
delete from core.jobs where id = :'fenced';
delete from pgmq.q_tenon_jobs;

select core.enqueue_job(:acme, 'test.three_steps') as slow \gset
select tenant_id, id, lease from core.claim_job() \gset slow_
select core.run_job_step(:'slow_tenant_id', :'slow_id', :slow_lease);
select is((core.claim_job()).id, null, 'what is leased is not claimed');
update pgmq.q_tenon_jobs set vt = clock_timestamp();
select is((core.claim_job()).id, null, 'not even when its message is seen too early');
update pgmq.q_tenon_jobs set vt = clock_timestamp();
select is(
    (core.claim_job(clock_timestamp() + interval '31 seconds')).lease, 2::bigint,
    'when the lease is over another runner takes it'
);
select is(
    core.run_job_step(:'slow_tenant_id', :'slow_id', :slow_lease), 'lost',
    'and the first one has lost it'
);
select is(core.run_job_step(:'slow_tenant_id', :'slow_id', 2), 'running', 'the second goes on');
select is(core.run_job_step(:'slow_tenant_id', :'slow_id', 2), 'succeeded', 'to the end');
select is(pg_temp.effects_of(:'slow'), '{1,2,3}', 'from where the first had come to');

select core.enqueue_job(:acme, 'test.three_steps') as deadly \gset
create function pg_temp.vanish(job uuid) returns integer
language plpgsql
as $$
declare
    at timestamptz := clock_timestamp();
    runners integer := 0;
begin
    while (core.claim_job(at)).id is not null loop
        runners := runners + 1;
        at := at + interval '1 minute';
        update pgmq.q_tenon_jobs set vt = clock_timestamp();
    end loop;
    return runners;
end
$$;
select ok(
    pg_temp.vanish(:'deadly') between 3 and 20, 'a job that ends its runners ends after a few'
);
select is((select status from core.jobs where id = :'deadly'), 'failed', 'as one that failed');

-- What somebody empties is filled again.
select core.enqueue_job(:acme, 'test.three_steps') as lost \gset
delete from pgmq.q_tenon_jobs;
select is(core.queue_lost_jobs(), 1, 'a job whose message is gone gets another');
select is(core.queue_lost_jobs(), 0, 'once');
select core.send_job(:acme, :'lost');
select is(pg_temp.run(), 'succeeded', 'and is run');
select is(pg_temp.effects_of(:'lost'), '{1,2,3}', 'once, however many messages it has');
select pgmq.send('tenon_jobs', '{"id": 7}');
select is((core.claim_job()).id, null, 'a message that is none is dropped');
select is_empty('select from pgmq.q_tenon_jobs', 'for good');

-- Turns.
select core.enqueue_job(:acme, 'test.three_steps') as long \gset
select core.enqueue_job(:acme, 'test.three_steps') as short \gset
select tenant_id, id, lease from core.claim_job() \gset long_
select core.release_job(:'long_tenant_id', :'long_id', :long_lease);
select is((core.claim_job()).id, :'short', 'who has had a turn stands behind the others');
delete from core.jobs where id = :'short';
select pg_temp.run();

-- Retention.
select is(
    (select jobs from core.expire_jobs(as_of => now() + interval '29 days')), 0::bigint,
    'what is over can be looked at for a month'
);
select is(
    (select done from core.expire_jobs(as_of => now() + interval '31 days')), true, 'and then goes'
);
select is(
    (select count(*) from core.jobs where finished_at is not null and run_at <= now()), 0::bigint,
    'all of it'
);

select * from finish();
rollback;
