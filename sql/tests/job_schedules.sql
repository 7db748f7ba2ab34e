-- What is done again and again is due when its expression says, and is made up for once.
begin;
\ir ../support/fixtures.sql
select plan(26);

-- The native function: the rule is tested in domain, here that it arrives.
select is(
    tenon.schedule_next('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00Z'),
    '2026-03-29T01:00Z'::timestamptz, 'a time that clocks leave out is right after the gap'
);
select results_eq(
    $$
        select tenon.schedule_next('*/30 2 * * *', 'Europe/Berlin', after::timestamptz)
        from (values ('2026-10-25T00:00Z'), ('2026-10-25T00:30Z')) as known (after)
    $$,
    array['2026-10-25T00:30Z', '2026-10-25T01:00Z']::timestamptz[],
    'a rhythm goes on in the hour that clocks repeat'
);
select
    is(
        pg_temp.code_of(format(
            'select tenon.schedule_next(%L, %L, %L)', known.expression, known.zone, known.after
        )),
        known.code, known.expression || ' in ' || known.zone || ' is refused'
    )
from (
    values
    ('0 0 30 2 *', 'UTC', '2026-01-01', 'schedule.never'),
    ('* * * *', 'UTC', '2026-01-01', 'schedule.expression_invalid'),
    ('* * * * *', 'Moon', '2026-01-01', 'schedule.zone_unknown'),
    ('* * * * *', 'UTC', 'infinity', 'schedule.time_out_of_range'),
    ('* * * * *', 'UTC', '-infinity', 'schedule.time_out_of_range')
) as known (expression, zone, after, code);

create function public.test_once(job core.jobs) returns jsonb
language sql
as $$ select '{"done": true}'::jsonb $$;
insert into core.job_tasks (task, function_schema, function_name, description, is_open) values
('test.closed', 'public', 'test_once', 'Not for tenants.', false),
('test.open', 'public', 'test_once', 'For tenants.', true);

:as_ada
select is(
    v1.set_job_schedule('nightly', 'test.open', '0 3 * * *', 'Europe/Berlin', '{"a": 1}')
    - '{tenant_id,next_run_at,last_run_at,last_error}'::text[],
    '{"name": "nightly", "task": "test.open", "arguments": {"a": 1}, "expression": "0 3 * * *",
    "time_zone": "Europe/Berlin", "enabled": true}'::jsonb,
    'who manages jobs sets a schedule'
);
select is(
    (select next_run_at from v1.job_schedules),
    tenon.schedule_next('0 3 * * *', 'Europe/Berlin', now()), 'which knows when it is due'
);
select
    is(
        pg_temp.code_of(format(
            'select v1.set_job_schedule(%L, %L, %L)', known.name, known.task, known.expression
        )),
        known.code, known.code
    )
from (
    values
    ('x', 'test.closed', '0 3 * * *', 'job.task_closed'),
    ('x', 'test.none', '0 3 * * *', 'job.task_unknown'),
    ('X', 'test.open', '0 3 * * *', 'job.schedule_invalid'),
    ('x', 'test.open', '0 3 * *', 'schedule.expression_invalid'),
    ('x', 'test.open', null, 'schedule.expression_invalid')
) as known (name, task, expression, code);
select v1.set_job_schedule('off', 'test.open', '* * * * *', 'UTC', '{}', false);
select is(
    pg_temp.code_of('select v1.delete_job_schedule(''none'')'), 'job.schedule_unknown',
    'what is not there cannot be deleted'
);
:as_eve
select is_empty('select from v1.job_schedules', 'another tenant sees nothing of it');
select is(
    pg_temp.code_of('select v1.enable_job_schedule(''nightly'', false)'), 'job.schedule_unknown',
    'and changes nothing'
);

:as_owner
select is(core.start_scheduled_jobs(), 0, 'nothing is done before it is due');
select is(
    core.start_scheduled_jobs(now() + interval '10 days'), 1,
    'what was missed ten times is done once'
);
select results_eq(
    'select task, arguments, unique_key, status from core.jobs',
    $$values ('test.open', '{"a": 1}'::jsonb, 'schedule/nightly', 'queued')$$, 'by a job'
);
select is(
    (select next_run_at from core.job_schedules where name = 'nightly'),
    tenon.schedule_next('0 3 * * *', 'Europe/Berlin', now() + interval '10 days'),
    'and is due again after that'
);
select core.start_scheduled_jobs(now() + interval '20 days');
select is(
    (select count(*) from core.jobs), 1::bigint, 'while one is under way no other is begun'
);
select is(
    (select last_job_id from core.job_schedules where name = 'nightly'),
    (select id from core.jobs), 'the last one is told'
);
-- One that cannot be worked out any more.
update core.job_schedules set time_zone = 'Moon' where name = 'nightly';
select core.start_scheduled_jobs(now() + interval '30 days');
select results_eq(
    $$
        select enabled, next_run_at, last_error like '%schedule.zone_unknown%'
        from core.job_schedules where name = 'nightly'
    $$,
    $$values (false, null::timestamptz, true)$$, 'is switched off, with the reason'
);
:as_ada
select is(
    (v1.enable_job_schedule('off')) ->> 'enabled', 'true', 'one that is off is switched on'
);
select v1.delete_job_schedule('nightly');
select results_eq(
    'select name from v1.job_schedules', $$values ('off')$$, 'and one that is not wanted deleted'
);

select * from finish();
rollback;
