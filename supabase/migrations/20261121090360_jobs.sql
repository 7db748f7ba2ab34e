-- Work that the database does later, and in pieces: a job is a row that commits with its reason.
--
-- A task is a function in SQL that is called step by step. It is given the job with the state that
-- its last step left, does a bounded piece of work, and says whether it is done; the step and the
-- new state commit together. The row is what counts; a message of pgmq, with nothing but its ids,
-- says that a job is ready. One that waits for its time has no message. The ADR "Why a job's step
-- commits with its state" has more.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('core.jobs.read', 'See the work that the tenant has waiting and done, and how far it is.'),
('core.jobs.manage', 'Cancel, retry and schedule the tenant''s work.');

select core.allow_system_roles(array['owner', 'admin', 'manager'], array['core.jobs.read']);
select core.allow_system_roles(array['owner', 'admin'], array['core.jobs.manage']);

do $$
begin
    perform pgmq.create('tenon_jobs');
    alter table pgmq.q_tenon_jobs enable row level security;
    alter table pgmq.a_tenon_jobs enable row level security;
end
$$;

create table core.job_tasks (
    task text primary key,
    function_schema text not null,
    function_name text not null,
    description text not null,
    step_time_limit interval not null default '20 seconds',
    is_open boolean not null default false,
    constraint task_is_dotted check (task ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,3}$'),
    constraint task_is_short check (octet_length(task) <= 100),
    constraint step_time_limit_is_bounded
    check (step_time_limit between interval '100 milliseconds' and interval '10 minutes')
);

comment on table core.job_tasks is
'What a job can be about. Global reference data: a migration adds the task that it brings.';
comment on column core.job_tasks.function_name is
'The function, of one argument of the type core.jobs, that does a step and returns jsonb:
{"done": false, "state": {…}, "progress": {"done": 1, "total": 9, "text": "…"}}, or
{"done": true, "result": {…}}, or {"failed": "why trying again is of no use"}.';
comment on column core.job_tasks.step_time_limit is
'A step that takes longer is cancelled, and counts as failed.';
comment on column core.job_tasks.is_open is
'Whether tenants may have it done, and put it on a schedule, with core.jobs.manage.';

alter table core.job_tasks enable row level security;
create policy job_tasks_are_public on core.job_tasks for select to authenticated using (true);
grant select on core.job_tasks to authenticated, service_role;

create table core.jobs (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    task text not null,
    arguments jsonb not null default '{}',
    unique_key text,
    status text not null default 'queued',
    run_at timestamptz not null default now(),
    progress jsonb not null default '{}',
    state jsonb not null default '{}',
    result jsonb,
    attempts integer not null default 0,
    last_error text,
    lease bigint not null default 0,
    lease_expires_at timestamptz,
    queue_message_id bigint,
    cancel_requested_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    updated_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint arguments_are_an_object check (jsonb_typeof(arguments) = 'object'),
    constraint arguments_are_short check (octet_length(arguments::text) <= 65536),
    constraint state_is_an_object check (jsonb_typeof(state) = 'object'),
    constraint state_is_short check (octet_length(state::text) <= 262144),
    constraint progress_is_an_object check (jsonb_typeof(progress) = 'object'),
    constraint progress_is_short check (octet_length(progress::text) <= 2048),
    constraint result_is_short check (octet_length(result::text) <= 65536),
    constraint unique_key_is_short check (octet_length(unique_key) between 1 and 255),
    constraint status_is_known check (
        status in ('queued', 'scheduled', 'running', 'succeeded', 'failed', 'cancelled')
    ),
    constraint running_has_a_lease check ((status = 'running') = (lease_expires_at is not null)),
    constraint end_is_recorded check (
        (status in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null)
    )
) with (autovacuum_vacuum_scale_factor = 0.02);
create unique index jobs_unique_key on core.jobs (tenant_id, task, unique_key)
where unique_key is not null and finished_at is null;
create index jobs_created_at on core.jobs (tenant_id, created_at);
create index jobs_due on core.jobs (run_at) where status = 'scheduled';
create index jobs_unfinished on core.jobs (status, run_at) where finished_at is null;
create index jobs_failed on core.jobs (finished_at) where status = 'failed';
create index jobs_finished on core.jobs (finished_at) where finished_at is not null;

comment on table core.jobs is
'Work that waits, is done, or was:
scheduled  waits for run_at                queued   a message of the queue says: ready
running    leased to a runner              succeeded  failed  cancelled   over';
comment on column core.jobs.unique_key is
'While a job of the tenant, task and key is not over, enqueueing it again is that job.';
comment on column core.jobs.run_at is 'Not before; after a failure, of the next attempt.';
comment on column core.jobs.progress is '{done, total, text}, as the last step left it.';
comment on column core.jobs.state is 'What the last step left for the next.';
comment on column core.jobs.attempts is
'How often the step that is next was begun; a runner that vanishes in it counts too.';
comment on column core.jobs.lease is
'Counts its runners. It is the fence: a step of one whose lease another has taken is undone.';
comment on column core.jobs.queue_message_id is 'The message by which it was claimed.';

alter table core.jobs enable row level security;
create policy jobs_read on core.jobs for select to authenticated
using (tenant_id = any((select core.tenants_with('core.jobs.read'))::uuid[]));
grant select (
    tenant_id, id, task, unique_key, status, run_at, progress, result, attempts, last_error,
    cancel_requested_at, started_at, finished_at, created_at, created_by
) on core.jobs to authenticated;
grant select on core.jobs to service_role;

select
    core.map_personal(
        'core.jobs.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
    );
select
    core.map_not_personal(
        'Ids and numbers of a task, which keeps no copies of records, for 30 days after its end.',
        'core.jobs.arguments', 'core.jobs.progress', 'core.jobs.result', 'core.jobs.state'
    );
select
    core.map_not_personal(
        'Reference data of the schema.',
        'core.job_tasks.description', 'core.job_tasks.function_name'
    );

insert into core.event_types (type, description, permission) values
('core.job.failed', 'A job was given up, with its task and reason.', 'core.jobs.read');

insert into core.errors (code, status, message, hint) values
(
    'job.task_unknown', 400, 'There is no task {task}.',
    'Compare the name with v1.job_tasks; a migration adds tasks to core.job_tasks.'
),
(
    'job.task_closed', 403, 'The task {task} is not open to tenants.',
    'Choose one that v1.job_tasks shows as open.'
),
(
    'job.arguments_invalid', 422,
    'The arguments of a job are a JSON object of at most {bytes_max} bytes, and its key is short.',
    'Give ids instead of copies of what they stand for.'
),
('job.unknown', 404, 'There is no job {id} for you.', 'Compare the id with v1.jobs.'),
(
    'job.over', 409, 'The job is over: {status}.',
    'Only one that waits or runs can be cancelled.'
),
(
    'job.not_over', 409, 'The job cannot be done again: it is {status}.',
    'Only one that failed or was cancelled can, and none while another of its key is under way.'
),
(
    'schedule.expression_invalid', 400, 'This is no cron expression of five fields.',
    'Write minute, hour, day of month, month and day of week, as in 0 8 * * mon.'
),
(
    'schedule.zone_unknown', 400, 'There is no such time zone.',
    'Name one of the IANA database, such as Europe/Berlin.'
),
(
    'schedule.never', 400, 'The schedule is never due: no date has what it names.',
    'Compare the day with the month.'
),
(
    'schedule.time_out_of_range', 400, 'A schedule is asked for times from 1970 to 3000.',
    'Compare the time with the calendar.'
);

-- Enqueueing --------------------------------------------------------------------------------------

create function core.send_job(tenant_id uuid, id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform pgmq.send(
        'tenon_jobs', jsonb_build_object('tenant_id', send_job.tenant_id, 'id', send_job.id)
    );
end
$$;

comment on function core.send_job(uuid, uuid) is
'Says to the queue that a job is ready. Internal.';

create function core.enqueue_job(
    tenant_id uuid,
    task text,
    arguments jsonb default '{}',
    unique_key text default null,
    run_at timestamptz default now()
)
returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    is_due constant boolean := coalesce(enqueue_job.run_at <= clock_timestamp(), true);
    job_id uuid;
begin
    if not exists (select from core.job_tasks where job_tasks.task = enqueue_job.task) then
        perform core.fail('job.task_unknown', jsonb_build_object('task', enqueue_job.task));
    elsif
        jsonb_typeof(enqueue_job.arguments) is distinct from 'object'
        or octet_length(enqueue_job.arguments::text) > 65536
        or octet_length(enqueue_job.unique_key) not between 1 and 255
    then
        perform core.fail('job.arguments_invalid', '{"bytes_max": 65536}');
    end if;
    loop
        -- Waits for whoever is about to enqueue the same.
        insert into core.jobs (tenant_id, task, arguments, unique_key, status, run_at)
        values (
            enqueue_job.tenant_id,
            enqueue_job.task,
            enqueue_job.arguments,
            enqueue_job.unique_key,
            case when is_due then 'queued' else 'scheduled' end,
            coalesce(enqueue_job.run_at, now())
        )
        on conflict (tenant_id, task, unique_key)
        where unique_key is not null and finished_at is null
        do nothing
        returning jobs.id into job_id;
        if job_id is not null then
            if is_due then
                perform core.send_job(enqueue_job.tenant_id, job_id);
            end if;
            return job_id;
        end if;
        select jobs.id into job_id
        from core.jobs
        where
            jobs.tenant_id = enqueue_job.tenant_id
            and jobs.task = enqueue_job.task
            and jobs.unique_key = enqueue_job.unique_key
            and jobs.finished_at is null;
        -- It may have ended just now: then there is room for a new one.
        exit when job_id is not null;
    end loop;
    return job_id;
end
$$;

comment on function core.enqueue_job(uuid, text, jsonb, text, timestamptz) is
'Has a task done once the caller''s transaction has committed, and not before run_at; not at all if
it is rolled back. With a unique_key, one job of the tenant, task and key is under way at most: the
same again returns its id, whatever the arguments. Raises job.task_unknown (400) and
job.arguments_invalid (422). Definer, so that triggers may call it whoever fires them. Internal.';

create function core.queue_due_jobs(at timestamptz default clock_timestamp()) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    -- Some milliseconds of work.
    step constant integer := 500;
    due record;
    queued integer := 0;
begin
    for due in
        select
            jobs.tenant_id,
            jobs.id
        from core.jobs
        where jobs.status = 'scheduled' and jobs.run_at <= queue_due_jobs.at
        order by jobs.run_at
        limit step
        for no key update skip locked
    loop
        update core.jobs set status = 'queued', updated_at = queue_due_jobs.at
        where jobs.tenant_id = due.tenant_id and jobs.id = due.id;
        perform core.send_job(due.tenant_id, due.id);
        queued := queued + 1;
    end loop;
    return queued;
end
$$;

comment on function core.queue_due_jobs(timestamptz) is
'Puts jobs into the queue whose time has come, 500 at most; returns how many. It may run in several
sessions at once. Definer, because it works for every tenant; tenon_bridge may call it.';

create function core.queue_lost_jobs(at timestamptz default clock_timestamp()) returns integer
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    lost record;
    queued integer := 0;
begin
    -- A message comes and goes with its job, so none is lost but by somebody who empties the queue.
    for lost in
        select
            jobs.tenant_id,
            jobs.id
        from core.jobs
        where
            jobs.status in ('queued', 'running')
            and coalesce(jobs.lease_expires_at < queue_lost_jobs.at, true)
            and not exists (select from pgmq.q_tenon_jobs)
        order by jobs.run_at
        limit 10000
    loop
        perform core.send_job(lost.tenant_id, lost.id);
        queued := queued + 1;
    end loop;
    return queued;
end
$$;

comment on function core.queue_lost_jobs(timestamptz) is
'Where the queue is empty, and jobs are not over that it should hold, says again that they are
ready; returns of how many. A job that is said to be ready twice is run once. Internal.';

-- Ending ------------------------------------------------------------------------------------------

create function core.end_job(
    job core.jobs, status text, at timestamptz, result jsonb default null, error text default null
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    update core.jobs
    set
        status = end_job.status,
        result = end_job.result,
        last_error = coalesce(left(end_job.error, 1000), jobs.last_error),
        lease_expires_at = null,
        queue_message_id = null,
        finished_at = end_job.at,
        updated_at = end_job.at
    where jobs.tenant_id = job.tenant_id and jobs.id = job.id;
    perform pgmq.delete('tenon_jobs', job.queue_message_id);
    if end_job.status = 'failed' then
        perform core.emit(
            job.tenant_id, 'core.job.failed', 'job', job.id,
            jsonb_build_object('task', job.task, 'reason', left(end_job.error, 1000))
        );
    end if;
end
$$;

comment on function core.end_job(core.jobs, text, timestamptz, jsonb, text) is
'Records how a job has ended, and takes it out of the queue. Internal.';

create function core.jobs_kept_for() returns interval
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return interval '30 days';

comment on function core.jobs_kept_for() is
'For how long a job that is over can be looked at. Internal.';

create function core.expire_jobs(
    budget interval default '30 seconds', as_of timestamptz default now()
)
returns table (jobs bigint, done boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    -- Some milliseconds of work.
    step constant integer := 1000;
    deadline constant timestamptz := clock_timestamp() + budget;
    deleted bigint;
begin
    jobs := 0;
    loop
        with past as (
            select
                finished.tenant_id,
                finished.id
            from core.jobs as finished
            where finished.finished_at < expire_jobs.as_of - core.jobs_kept_for()
            order by finished.finished_at
            limit step
            for update skip locked
        )
        delete from core.jobs as finished
        using past
        where finished.tenant_id = past.tenant_id and finished.id = past.id;
        get diagnostics deleted = row_count;
        jobs := jobs + deleted;
        done := deleted < step;
        exit when done or clock_timestamp() >= deadline;
    end loop;
    return next;
end
$$;

comment on function core.expire_jobs(interval, timestamptz) is
'Deletes jobs that have been over for 30 days, until that is done or the budget is used; at least
one step is made. Returns how many went, and whether it is done. Definer, because it deletes for
every tenant; service_role may call it.';

-- What tenants see and do -------------------------------------------------------------------------

create function core.job_to_manage(id uuid) returns core.jobs
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.jobs.manage');
    job core.jobs;
begin
    select jobs.* into job
    from core.jobs
    where jobs.tenant_id = owner_id and jobs.id = job_to_manage.id
    for no key update;
    if job.id is null then
        perform core.fail('job.unknown', jsonb_build_object('id', job_to_manage.id));
    end if;
    return job;
end
$$;

comment on function core.job_to_manage(uuid) is
'A job of the tenant in which the caller may manage jobs, locked. Raises job.unknown (404).
Internal.';

create function core.job_answer(tenant_id uuid, id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select
            jsonb_build_object(
                'tenant_id', jobs.tenant_id,
                'id', jobs.id,
                'task', jobs.task,
                'status', jobs.status,
                'run_at', jobs.run_at,
                'cancel_requested_at', jobs.cancel_requested_at
            )
        from core.jobs
        where jobs.tenant_id = job_answer.tenant_id and jobs.id = job_answer.id
    );
end
$$;

comment on function core.job_answer(uuid, uuid) is
'A job as functions of v1 answer. Internal.';

create function core.cancel_job(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    job constant core.jobs := core.job_to_manage(cancel_job.id);
begin
    if job.finished_at is not null then
        perform core.fail('job.over', jsonb_build_object('status', job.status));
    elsif job.status = 'running' then
        -- Whoever runs it looks before the next step.
        update core.jobs
        set cancel_requested_at = coalesce(jobs.cancel_requested_at, clock_timestamp())
        where jobs.tenant_id = job.tenant_id and jobs.id = job.id;
    else
        update core.jobs
        set
            status = 'cancelled',
            cancel_requested_at = clock_timestamp(),
            finished_at = clock_timestamp(),
            updated_at = clock_timestamp()
        where jobs.tenant_id = job.tenant_id and jobs.id = job.id;
    end if;
    return core.job_answer(job.tenant_id, job.id);
end
$$;

comment on function core.cancel_job(uuid) is
'What v1.cancel_job does. Definer, because it writes core.jobs. Signed-in users may call it.';

create function core.retry_job(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    job constant core.jobs := core.job_to_manage(retry_job.id);
begin
    if job.status not in ('failed', 'cancelled') then
        perform core.fail('job.not_over', jsonb_build_object('status', job.status));
    end if;
    begin
        update core.jobs
        set
            status = 'queued',
            run_at = clock_timestamp(),
            attempts = 0,
            cancel_requested_at = null,
            finished_at = null,
            updated_at = clock_timestamp()
        where jobs.tenant_id = job.tenant_id and jobs.id = job.id;
    exception
        when unique_violation then
            perform core.fail('job.not_over', jsonb_build_object('status', 'replaced'));
    end;
    perform core.send_job(job.tenant_id, job.id);
    return core.job_answer(job.tenant_id, job.id);
end
$$;

comment on function core.retry_job(uuid) is
'What v1.retry_job does. Definer, because it writes core.jobs. Signed-in users may call it.';

create function core.enqueue_open_job(task text, arguments jsonb, unique_key text)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.jobs.manage');
    job_id uuid;
begin
    perform core.check_task_is_open(enqueue_open_job.task);
    job_id := core.enqueue_job(
        owner_id,
        enqueue_open_job.task,
        enqueue_open_job.arguments,
        enqueue_open_job.unique_key
    );
    -- Another statement, which sees the row.
    return core.job_answer(owner_id, job_id);
end
$$;

comment on function core.enqueue_open_job(text, jsonb, text) is
'What v1.enqueue_job does. Definer, because it writes core.jobs. Signed-in users may call it.';

create function core.check_task_is_open(task text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    is_open constant boolean := (
        select job_tasks.is_open from core.job_tasks
        where job_tasks.task = check_task_is_open.task
    );
begin
    if is_open is null then
        perform core.fail(
            'job.task_unknown', jsonb_build_object('task', check_task_is_open.task)
        );
    elsif not is_open then
        perform core.fail('job.task_closed', jsonb_build_object('task', check_task_is_open.task));
    end if;
end
$$;

comment on function core.check_task_is_open(text) is
'Raises job.task_unknown (400), or job.task_closed (403) where tenants may not have it done.
Internal.';

create view v1.job_tasks with (security_invoker = true) as
select
    job_tasks.task,
    job_tasks.description,
    job_tasks.is_open
from core.job_tasks;

comment on view v1.job_tasks is
'What jobs can be about; is_open: whether you may have it done yourselves, with core.jobs.manage.';

create view v1.jobs with (security_invoker = true) as
select
    jobs.tenant_id,
    jobs.id,
    jobs.task,
    jobs.unique_key,
    jobs.status,
    jobs.run_at,
    jobs.progress,
    jobs.result,
    jobs.attempts,
    jobs.last_error,
    jobs.cancel_requested_at,
    jobs.started_at,
    jobs.finished_at,
    jobs.created_at,
    jobs.created_by
from core.jobs;

comment on view v1.jobs is
'The work of your tenants that waits, is done or was, for 30 days after its end; status: scheduled,
queued, running, succeeded, failed, cancelled. progress: {done, total, text}, as far as its task
tells. Needs core.jobs.read.';

grant select on v1.job_tasks, v1.jobs to authenticated, service_role;

create function v1.enqueue_job(
    task text, arguments jsonb default '{}', unique_key text default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'enqueue_job',
            jsonb_build_object(
                'task', enqueue_job.task, 'arguments', enqueue_job.arguments,
                'unique_key', enqueue_job.unique_key
            )
        ),
        core.store_answer(
            core.enqueue_open_job(
                enqueue_job.task, enqueue_job.arguments, enqueue_job.unique_key
            )
        )
    );
end
$$;

comment on function v1.enqueue_job(text, jsonb, text) is
'Has a task done that is open to tenants. With a unique_key, one job of the task and key is under
way at most: the same again is that job. Returns {tenant_id, id, task, status, run_at,
cancel_requested_at}. Needs core.jobs.manage. Raises job.task_unknown (400), job.task_closed (403),
job.arguments_invalid (422). May be repeated with an Idempotency-Key.';

create function v1.cancel_job(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer('cancel_job', jsonb_build_object('id', cancel_job.id)),
        core.store_answer(core.cancel_job(cancel_job.id))
    );
end
$$;

comment on function v1.cancel_job(uuid) is
'Cancels a job: at once where it waits, and after the step that is under way where it runs; what was
done stays done. Returns {tenant_id, id, task, status, run_at, cancel_requested_at}. Needs
core.jobs.manage. Raises job.unknown (404), job.over (409). May be repeated with an
Idempotency-Key.';

create function v1.retry_job(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer('retry_job', jsonb_build_object('id', retry_job.id)),
        core.store_answer(core.retry_job(retry_job.id))
    );
end
$$;

comment on function v1.retry_job(uuid) is
'Has a job that failed or was cancelled go on where it stopped. Returns {tenant_id, id, task,
status, run_at, cancel_requested_at}. Needs core.jobs.manage. Raises job.unknown (404), job.not_over
(409; also while another job of its key is under way). May be repeated with an Idempotency-Key.';

revoke all on function
core.send_job(uuid, uuid),
core.enqueue_job(uuid, text, jsonb, text, timestamptz),
core.queue_due_jobs(timestamptz),
core.queue_lost_jobs(timestamptz),
core.end_job(core.jobs, text, timestamptz, jsonb, text),
core.jobs_kept_for(),
core.expire_jobs(interval, timestamptz),
core.job_to_manage(uuid),
core.job_answer(uuid, uuid),
core.cancel_job(uuid),
core.retry_job(uuid),
core.enqueue_open_job(text, jsonb, text),
core.check_task_is_open(text),
v1.enqueue_job(text, jsonb, text),
v1.cancel_job(uuid),
v1.retry_job(uuid)
from public;
grant execute on function
core.cancel_job(uuid),
core.retry_job(uuid),
core.enqueue_open_job(text, jsonb, text),
v1.enqueue_job(text, jsonb, text),
v1.cancel_job(uuid),
v1.retry_job(uuid)
to authenticated, service_role;
grant execute on function core.expire_jobs(interval, timestamptz) to service_role;
grant execute on function core.queue_due_jobs(timestamptz) to tenon_bridge;
