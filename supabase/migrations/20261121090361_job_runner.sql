-- How jobs are run: claimed under a lease, done step by step, each step in a transaction.
--
-- A runner is any session that calls core.run_jobs; as many as like share the work. A crash repeats
-- at most the step that had not committed: its effects and the job's new state commit together, and
-- only for the runner that holds the lease. Whoever vanishes is replaced when the lease is over.
-- Functions take the time as `at`, so that tests can pass it in; only how long a message of the
-- queue stays hidden goes by the clock of Postgres.

set local lock_timeout = '5s';

create function core.job_lease(step_time_limit interval) returns interval
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return step_time_limit + interval '10 seconds';

comment on function core.job_lease(interval) is
'For how long a runner has a job, from each step on: longer than a step can take.
Internal.';

create function core.hide_job(message_id bigint, lease interval) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform pgmq.set_vt(
        'tenon_jobs', message_id, ceil(extract(epoch from hide_job.lease))::integer
    );
end
$$;

comment on function core.hide_job(bigint, interval) is
'Hides the message of a job from other runners for so long. Internal.';

create function core.refuse_job_attempt(
    job core.jobs, code text, error text, at timestamptz
)
returns text
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    decision record;
begin
    select decided.* into strict decision
    from tenon.delivery_decision(
        'job',
        job.attempts,
        jsonb_build_object(
            'delivered', false, 'error_code', code, 'error', left(refuse_job_attempt.error, 1000)
        ),
        refuse_job_attempt.at,
        job.id::text
    ) as decided;
    if job.cancel_requested_at is not null then
        perform core.end_job(
            job, 'cancelled', refuse_job_attempt.at, error => refuse_job_attempt.error
        );
        return 'cancelled';
    elsif decision.status <> 'scheduled' then
        perform core.end_job(
            job, 'failed', refuse_job_attempt.at, error => refuse_job_attempt.error
        );
        return 'failed';
    end if;
    update core.jobs
    set
        status = 'scheduled',
        run_at = decision.next_attempt_at,
        last_error = left(refuse_job_attempt.error, 1000),
        lease_expires_at = null,
        queue_message_id = null,
        updated_at = refuse_job_attempt.at
    where jobs.tenant_id = job.tenant_id and jobs.id = job.id;
    perform pgmq.delete('tenon_jobs', job.queue_message_id);
    return 'scheduled';
end
$$;

comment on function core.refuse_job_attempt(core.jobs, text, text, timestamptz) is
'Does what is decided to follow a step that failed: another attempt later, or the end. Returns the
job''s new status. Internal.';

create function core.claim_job(
    at timestamptz default clock_timestamp(), out tenant_id uuid, out id uuid, out lease bigint
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
    -- Until the job's task says how long it is to be.
    first_lease_s constant integer := 60;
    message record;
    job core.jobs;
    step_time_limit interval;
begin
    loop
        select
            known.msg_id,
            known.message
        into message
        from pgmq.read('tenon_jobs', first_lease_s, 1) as known;
        exit when not found;
        job := null;
        if core.names_delivery(message.message) then
            select jobs.* into job
            from core.jobs
            where
                jobs.tenant_id = (message.message ->> 'tenant_id')::uuid
                and jobs.id = (message.message ->> 'id')::uuid
            for no key update;
        end if;
        if
            job.status = 'running'
            and job.queue_message_id = message.msg_id
            and job.lease_expires_at > claim_job.at
        then
            -- Its runner is at work.
            perform core.hide_job(message.msg_id, job.lease_expires_at - claim_job.at);
            continue;
        elsif
            (
                job.status = 'queued'
                or (job.status = 'running' and job.lease_expires_at <= claim_job.at)
            ) is not true
        then
            -- It is over, gone, waits for its time, or another message stands for it.
            perform pgmq.delete('tenon_jobs', message.msg_id);
            continue;
        end if;
        if job.status = 'running' then
            if job.queue_message_id <> message.msg_id then
                perform pgmq.delete('tenon_jobs', job.queue_message_id);
            end if;
            job.queue_message_id := message.msg_id;
            -- A step that ends its runner would end every runner in turn.
            continue when core.refuse_job_attempt(
                job, 'lease_expired',
                'The runner vanished, or its step took longer than its lease.', claim_job.at
            ) <> 'scheduled';
            -- The lease was wait enough.
            perform core.send_job(job.tenant_id, job.id);
            update core.jobs
            set status = 'queued'
            where jobs.tenant_id = job.tenant_id and jobs.id = job.id;
            continue;
        end if;
        select job_tasks.step_time_limit into step_time_limit
        from core.job_tasks
        where job_tasks.task = job.task;
        job.queue_message_id := message.msg_id;
        if step_time_limit is null then
            perform core.end_job(
                job, 'failed', claim_job.at, error => 'There is no task of this name any more.'
            );
            continue;
        end if;
        update core.jobs
        set
            status = 'running',
            attempts = jobs.attempts + 1,
            lease = jobs.lease + 1,
            lease_expires_at = claim_job.at + core.job_lease(step_time_limit),
            queue_message_id = message.msg_id,
            started_at = coalesce(jobs.started_at, claim_job.at),
            updated_at = claim_job.at
        where jobs.tenant_id = job.tenant_id and jobs.id = job.id
        returning jobs.tenant_id, jobs.id, jobs.lease
        into claim_job.tenant_id, claim_job.id, claim_job.lease;
        perform core.hide_job(message.msg_id, core.job_lease(step_time_limit));
        exit;
    end loop;
end
$$;

comment on function core.claim_job(timestamptz) is
'Takes the next job that is ready, or whose runner has vanished, and returns it with the number of
the lease; nulls where there is none. Definer, because it works for every tenant; tenon_bridge may
call it.';

create function core.record_job_step(job core.jobs, answer jsonb, at timestamptz) returns text
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    task_lease constant interval := (
        select core.job_lease(job_tasks.step_time_limit)
        from core.job_tasks
        where job_tasks.task = job.task
    );
    kept core.jobs;
begin
    if
        (
            jsonb_typeof(answer) = 'object'
            and (jsonb_typeof(answer -> 'done') = 'boolean' or answer ? 'failed')
            and coalesce(jsonb_typeof(answer -> 'state'), 'object') = 'object'
            and coalesce(jsonb_typeof(answer -> 'progress'), 'object') = 'object'
        ) is not true
    then
        raise exception 'the task % answered %', job.task, left(answer::text, 200)
            using errcode = 'data_exception';
    end if;
    -- The fence: what a runner does whose lease another has taken is undone by the error.
    update core.jobs
    set
        state = coalesce(answer -> 'state', jobs.state),
        progress = coalesce(answer -> 'progress', jobs.progress),
        attempts = case when answer -> 'done' = 'false' then 1 else jobs.attempts end,
        lease_expires_at = record_job_step.at + task_lease,
        updated_at = record_job_step.at
    where
        jobs.tenant_id = job.tenant_id
        and jobs.id = job.id
        and jobs.status = 'running'
        and jobs.lease = job.lease
    returning jobs.* into kept;
    if not found then
        raise exception 'another runner has taken job %', job.id using errcode = 'TNLSE';
    end if;
    if answer ? 'failed' then
        perform core.end_job(kept, 'failed', record_job_step.at, error => answer ->> 'failed');
        return 'failed';
    elsif (answer ->> 'done')::boolean then
        perform core.end_job(kept, 'succeeded', record_job_step.at, answer -> 'result');
        return 'succeeded';
    elsif kept.cancel_requested_at is not null then
        perform core.end_job(kept, 'cancelled', record_job_step.at);
        return 'cancelled';
    end if;
    perform core.hide_job(kept.queue_message_id, task_lease);
    return 'running';
end
$$;

comment on function core.record_job_step(core.jobs, jsonb, timestamptz) is
'Keeps what a step answered, and renews the lease. Returns the job''s status. Raises TNLSE where
another runner has the lease. Internal.';

create function core.run_job_step(tenant_id uuid, id uuid, lease bigint) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    job core.jobs;
    task core.job_tasks;
    answer jsonb;
    failure text;
    failure_code text;
    status text;
begin
    select jobs.* into job
    from core.jobs
    where
        jobs.tenant_id = run_job_step.tenant_id
        and jobs.id = run_job_step.id
        and jobs.status = 'running'
        and jobs.lease = run_job_step.lease;
    if job.id is null then
        return 'lost';
    elsif job.cancel_requested_at is not null then
        perform core.end_job(job, 'cancelled', clock_timestamp());
        return 'cancelled';
    end if;
    select job_tasks.* into strict task from core.job_tasks where job_tasks.task = job.task;
    begin
        perform tenon.limit_statement_time(
            (1000 * extract(epoch from task.step_time_limit))::integer
        );
        execute format('select %I.%I($1)', task.function_schema, task.function_name)
        into answer
        using job;
        -- What waits for the commit would fail there, where nobody can say of which job it was.
        set constraints all immediate;
        perform tenon.limit_statement_time();
        return core.record_job_step(job, answer, clock_timestamp());
    exception
        when sqlstate 'TNLSE' then
            perform tenon.limit_statement_time();
            return 'lost';
        when query_canceled or others then
            perform tenon.limit_statement_time();
            failure_code := sqlstate;
            failure := sqlerrm;
    end;
    if failure_code = 'PGRST' then
        failure_code := failure::jsonb ->> 'code';
        failure := failure::jsonb ->> 'message';
    end if;
    select jobs.* into job
    from core.jobs
    where
        jobs.tenant_id = run_job_step.tenant_id
        and jobs.id = run_job_step.id
        and jobs.status = 'running'
        and jobs.lease = run_job_step.lease
    for no key update;
    if job.id is null then
        return 'lost';
    end if;
    return core.refuse_job_attempt(
        job, failure_code, failure_code || ': ' || failure, clock_timestamp()
    );
end
$$;

comment on function core.run_job_step(uuid, uuid, bigint) is
'Does one step of a job that the caller has claimed, within its task''s time limit. Returns running
where there is more to do; succeeded, failed, cancelled or scheduled, for another attempt; or lost,
where another runner has it: then nothing of the step stays. What a step fails at is undone and
recorded, and raises nothing. Definer, because tasks work for every tenant and with the rights of
the schema''s owner; tenon_bridge may call it.';

create function core.release_job(tenant_id uuid, id uuid, lease bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    released core.jobs;
begin
    select jobs.* into released
    from core.jobs
    where
        jobs.tenant_id = release_job.tenant_id
        and jobs.id = release_job.id
        and jobs.status = 'running'
        and jobs.lease = release_job.lease
    for no key update;
    if released.id is not null then
        update core.jobs
        set
            status = 'queued',
            attempts = 0,
            lease_expires_at = null,
            queue_message_id = null,
            updated_at = clock_timestamp()
        where jobs.tenant_id = released.tenant_id and jobs.id = released.id;
        perform pgmq.delete('tenon_jobs', released.queue_message_id);
        perform core.send_job(released.tenant_id, released.id);
    end if;
end
$$;

comment on function core.release_job(uuid, uuid, bigint) is
'Puts a job that the caller has claimed behind all that wait. Definer, because it works for every
tenant; tenon_bridge may call it.';

create function core.job_runner() returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 'tenon-jobs';

comment on function core.job_runner() is
'The name of the job of pg_cron that calls core.run_jobs. Internal.';

create function core.cron_runs(job text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    is_scheduled boolean := false;
begin
    if core.cron_is_usable() then
        execute format(
            'select exists ('
            'select from %I.job where jobname = $1 and active and database = current_database()'
            ')', 'cron'
        )
        into is_scheduled
        using cron_runs.job;
    end if;
    return is_scheduled;
end
$$;

comment on function core.cron_runs(text) is
'Whether pg_cron has an active job of this name. Definer, because a job is seen by its owner alone.
Internal.';

create function core.jobs_are_run_by_cron() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return core.cron_runs(core.job_runner());
end
$$;

comment on function core.jobs_are_run_by_cron() is
'Whether pg_cron has an active job for core.run_jobs. Definer, because core.cron_runs is internal;
tenon_bridge may call it.';

-- A procedure that commits can neither fix its search path nor be a definer: whoever calls it runs
-- it with the own rights, so all names are qualified, and what it calls fixes its own path.
create procedure core.run_jobs(
    budget interval default '50 seconds', unless_by_cron boolean default false
)
language plpgsql
as $$
declare
    -- So that a long job does not keep the others waiting.
    turn constant interval := interval '5 seconds';
    deadline constant timestamptz := pg_catalog.clock_timestamp() + budget;
    turn_ends_at timestamptz;
    claimed record;
    status text;
begin
    if unless_by_cron and core.jobs_are_run_by_cron() then
        return;
    end if;
    perform core.start_scheduled_jobs();
    perform core.queue_due_jobs();
    select job.tenant_id, job.id, job.lease into claimed from core.claim_job() as job;
    commit;
    while claimed.id is not null loop
        turn_ends_at := least(deadline, pg_catalog.clock_timestamp() + turn);
        loop
            status := core.run_job_step(claimed.tenant_id, claimed.id, claimed.lease);
            exit when status <> 'running' or pg_catalog.clock_timestamp() >= turn_ends_at;
            commit;
        end loop;
        if status = 'running' then
            perform core.release_job(claimed.tenant_id, claimed.id, claimed.lease);
        end if;
        claimed.id := null;
        if pg_catalog.clock_timestamp() < deadline then
            perform core.queue_due_jobs();
            select job.tenant_id, job.id, job.lease into claimed from core.claim_job() as job;
        end if;
        commit;
    end loop;
end
$$;

comment on procedure core.run_jobs is
'Runs jobs that are ready until none is left or the budget is used, one step a transaction; a job
that takes long takes turns with the others. unless_by_cron: does nothing where pg_cron does it. As
many sessions as like may call it, each in a statement of its own outside a transaction.
tenon_bridge may call it.';

revoke all on function
core.job_lease(interval),
core.hide_job(bigint, interval),
core.refuse_job_attempt(core.jobs, text, text, timestamptz),
core.claim_job(timestamptz),
core.record_job_step(core.jobs, jsonb, timestamptz),
core.run_job_step(uuid, uuid, bigint),
core.release_job(uuid, uuid, bigint),
core.job_runner(),
core.cron_runs(text),
core.jobs_are_run_by_cron()
from public;
revoke all on procedure core.run_jobs(interval, boolean) from public;
grant execute on function
core.claim_job(timestamptz),
core.run_job_step(uuid, uuid, bigint),
core.release_job(uuid, uuid, bigint),
core.jobs_are_run_by_cron()
to tenon_bridge;
grant execute on procedure core.run_jobs(interval, boolean) to tenon_bridge;
