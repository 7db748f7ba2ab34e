-- Work that a tenant has done again and again, on the clock of a time zone.
--
-- When a schedule is due next is decided in Rust (tenon.schedule_next), clock changes included.
-- Runs that were missed, because nothing ran jobs or the schedule was off, are followed by one.

set local lock_timeout = '5s';

create table core.job_schedules (
    tenant_id uuid not null references core.tenants (id),
    name text not null,
    task text not null,
    arguments jsonb not null default '{}',
    expression text not null,
    time_zone text not null default 'UTC',
    enabled boolean not null default true,
    next_run_at timestamptz,
    last_run_at timestamptz,
    last_job_id uuid,
    last_error text,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, name),
    constraint name_is_a_slug check (name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    constraint arguments_are_an_object check (jsonb_typeof(arguments) = 'object'),
    constraint arguments_are_short check (octet_length(arguments::text) <= 65536),
    constraint expression_is_short check (octet_length(expression) <= 400),
    constraint time_zone_is_short check (octet_length(time_zone) <= 64),
    constraint enabled_has_a_time check (enabled = (next_run_at is not null))
);
create index job_schedules_due on core.job_schedules (next_run_at) where enabled;

comment on table core.job_schedules is
'What a tenant has done again and again: a task, and a cron expression on the clock of a
time zone.';
comment on column core.job_schedules.name is
'Of the tenant''s choice. A run is a job with the unique_key schedule/{name}: while one is
under way, the next adds none.';
comment on column core.job_schedules.last_error is
'Why the schedule was switched off, where it could not be worked out any more.';

alter table core.job_schedules enable row level security;
create policy job_schedules_read on core.job_schedules for select to authenticated
using (tenant_id = any((select core.tenants_with('core.jobs.read'))::uuid[]));
grant select on core.job_schedules to authenticated, service_role;

select core.audit('core.job_schedules', '{next_run_at,last_run_at,last_job_id}');
select
    core.map_personal(
        'core.job_schedules.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
    );
select
    core.map_not_personal(
        'What a schedule is called and its task is given: ids, no copies of records.',
        'core.job_schedules.name', 'core.job_schedules.arguments'
    );

insert into core.errors (code, status, message, hint) values
(
    'job.schedule_unknown', 404, 'There is no schedule {name} for you.',
    'Compare the name with v1.job_schedules.'
),
(
    'job.schedule_invalid', 400,
    'A schedule has a name of lower case letters, digits, - and _, at most 63, and arguments that'
    ' are a JSON object of at most 65536 bytes.',
    'Name it like nightly-report.'
);

create function core.start_scheduled_jobs(at timestamptz default clock_timestamp())
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    due core.job_schedules;
    job_id uuid;
    next_at timestamptz;
    problem text;
    started integer := 0;
begin
    for due in
        select schedules.*
        from core.job_schedules as schedules
        where schedules.enabled and schedules.next_run_at <= start_scheduled_jobs.at
        order by schedules.next_run_at
        limit 500
        for no key update skip locked
    loop
        problem := null;
        begin
            next_at := tenon.schedule_next(
                due.expression, due.time_zone, start_scheduled_jobs.at
            );
            job_id := core.enqueue_job(
                due.tenant_id, due.task, due.arguments, 'schedule/' || due.name
            );
            started := started + 1;
        exception
            when others then
                problem := sqlerrm;
        end;
        update core.job_schedules as schedules
        set
            enabled = problem is null,
            next_run_at = case when problem is null then next_at end,
            last_run_at = case
                when problem is null then start_scheduled_jobs.at else schedules.last_run_at
            end,
            last_job_id = case when problem is null then job_id else schedules.last_job_id end,
            last_error = left(problem, 1000)
        where schedules.tenant_id = due.tenant_id and schedules.name = due.name;
    end loop;
    return started;
end
$$;

comment on function core.start_scheduled_jobs(timestamptz) is
'Enqueues a job for each schedule that is due, once however often it was missed; returns how many.
A schedule that cannot be worked out any more is switched off, with the reason. It may run in
several sessions at once. Definer, because it works for every tenant; tenon_bridge may call it.';

create function core.job_schedule_answer(schedule core.job_schedules) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return to_jsonb(schedule) - '{last_job_id,created_at,created_by}'::text[];
end
$$;

comment on function core.job_schedule_answer(core.job_schedules) is
'A schedule as functions of v1 answer. Internal.';

create function core.set_job_schedule(
    name text, task text, expression text, time_zone text, arguments jsonb, enabled boolean
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    owner_id constant uuid := core.sole_tenant_with('core.jobs.manage');
    next_at timestamptz;
    kept core.job_schedules;
begin
    perform core.check_task_is_open(set_job_schedule.task);
    if
        (
            set_job_schedule.name ~ '^[a-z0-9][a-z0-9_-]{0,62}$'
            and jsonb_typeof(set_job_schedule.arguments) = 'object'
            and octet_length(set_job_schedule.arguments::text) <= 65536
            and set_job_schedule.enabled is not null
        ) is not true
    then
        perform core.fail('job.schedule_invalid');
    end if;
    -- Worked out even when it is off, so that what is wrong is told at once.
    next_at := tenon.schedule_next(
        coalesce(set_job_schedule.expression, ''),
        coalesce(set_job_schedule.time_zone, ''),
        clock_timestamp()
    );
    insert into core.job_schedules as schedules (
        tenant_id, name, task, arguments, expression, time_zone, enabled, next_run_at
    )
    values (
        owner_id,
        set_job_schedule.name,
        set_job_schedule.task,
        set_job_schedule.arguments,
        set_job_schedule.expression,
        set_job_schedule.time_zone,
        set_job_schedule.enabled,
        case when set_job_schedule.enabled then next_at end
    )
    on conflict on constraint job_schedules_pkey do update set
        task = excluded.task,
        arguments = excluded.arguments,
        expression = excluded.expression,
        time_zone = excluded.time_zone,
        enabled = excluded.enabled,
        next_run_at = excluded.next_run_at,
        last_error = null
    returning schedules.* into kept;
    return core.job_schedule_answer(kept);
end
$$;

comment on function core.set_job_schedule(text, text, text, text, jsonb, boolean) is
'What v1.set_job_schedule does. Definer, because it writes core.job_schedules. Signed-in users may
call it.';

create function core.job_schedule_to_manage(name text) returns core.job_schedules
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.jobs.manage');
    schedule core.job_schedules;
begin
    select schedules.* into schedule
    from core.job_schedules as schedules
    where schedules.tenant_id = owner_id and schedules.name = job_schedule_to_manage.name
    for no key update;
    if schedule.name is null then
        perform core.fail(
            'job.schedule_unknown', jsonb_build_object('name', job_schedule_to_manage.name)
        );
    end if;
    return schedule;
end
$$;

comment on function core.job_schedule_to_manage(text) is
'A schedule of the tenant in which the caller may manage jobs, locked. Raises job.schedule_unknown
(404). Internal.';

create function core.enable_job_schedule(name text, enabled boolean) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    schedule core.job_schedules := core.job_schedule_to_manage(enable_job_schedule.name);
begin
    update core.job_schedules as schedules
    set
        enabled = coalesce(enable_job_schedule.enabled, true),
        next_run_at = case
            when coalesce(enable_job_schedule.enabled, true)
                then tenon.schedule_next(
                    schedules.expression, schedules.time_zone, clock_timestamp()
                )
        end,
        last_error = null
    where schedules.tenant_id = schedule.tenant_id and schedules.name = schedule.name
    returning schedules.* into schedule;
    return core.job_schedule_answer(schedule);
end
$$;

comment on function core.enable_job_schedule(text, boolean) is
'What v1.enable_job_schedule does. Definer, because it writes core.job_schedules. Signed-in users
may call it.';

create function core.delete_job_schedule(name text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    schedule constant core.job_schedules := core.job_schedule_to_manage(delete_job_schedule.name);
begin
    delete from core.job_schedules as schedules
    where schedules.tenant_id = schedule.tenant_id and schedules.name = schedule.name;
end
$$;

comment on function core.delete_job_schedule(text) is
'What v1.delete_job_schedule does. Definer, because it writes core.job_schedules. Signed-in users
may call it.';

create view v1.job_schedules with (security_invoker = true) as
select
    schedules.tenant_id,
    schedules.name,
    schedules.task,
    schedules.arguments,
    schedules.expression,
    schedules.time_zone,
    schedules.enabled,
    schedules.next_run_at,
    schedules.last_run_at,
    schedules.last_job_id,
    schedules.last_error,
    schedules.created_at,
    schedules.created_by
from core.job_schedules as schedules;

comment on view v1.job_schedules is
'What your tenants have done again and again, and when next. last_job_id: of the last run, in
v1.jobs. last_error: why a schedule was switched off. Needs core.jobs.read.';

grant select on v1.job_schedules to authenticated, service_role;

create function v1.set_job_schedule(
    name text,
    task text,
    expression text,
    time_zone text default 'UTC',
    arguments jsonb default '{}',
    enabled boolean default true
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'set_job_schedule',
            jsonb_build_object(
                'name', set_job_schedule.name,
                'task', set_job_schedule.task,
                'expression', set_job_schedule.expression,
                'time_zone', set_job_schedule.time_zone,
                'arguments', set_job_schedule.arguments,
                'enabled', set_job_schedule.enabled
            )
        ),
        core.store_answer(
            core.set_job_schedule(
                set_job_schedule.name,
                set_job_schedule.task,
                set_job_schedule.expression,
                set_job_schedule.time_zone,
                set_job_schedule.arguments,
                set_job_schedule.enabled
            )
        )
    );
end
$$;

comment on function v1.set_job_schedule(text, text, text, text, jsonb, boolean) is
'Has a task that is open to tenants done again and again; a schedule of the same name is replaced.
expression: five fields of cron, such as 30 2 * * mon-fri, or @daily, on the clock of time_zone.
With one minute and one hour it is due once a day, also when clocks change; any other is due whenever the
clock shows its times. What was missed is done once. Returns the schedule, with next_run_at. Needs
core.jobs.manage. Raises job.task_unknown (400), job.task_closed (403), job.schedule_invalid (400),
schedule.expression_invalid, schedule.zone_unknown and schedule.never (400). May be repeated with an
Idempotency-Key.';

create function v1.enable_job_schedule(name text, enabled boolean default true) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'enable_job_schedule',
            jsonb_build_object(
                'name', enable_job_schedule.name, 'enabled', enable_job_schedule.enabled
            )
        ),
        core.store_answer(
            core.enable_job_schedule(enable_job_schedule.name, enable_job_schedule.enabled)
        )
    );
end
$$;

comment on function v1.enable_job_schedule(text, boolean) is
'Switches a schedule on, from its next time on, or off. Returns the schedule. Needs
core.jobs.manage. Raises job.schedule_unknown (404). May be repeated with an Idempotency-Key.';

create function v1.delete_job_schedule(name text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    answer jsonb := core.stored_answer(
        'delete_job_schedule', jsonb_build_object('name', delete_job_schedule.name)
    );
begin
    if answer is null then
        perform core.delete_job_schedule(delete_job_schedule.name);
        answer := core.store_answer(jsonb_build_object('name', delete_job_schedule.name));
    end if;
    return answer;
end
$$;

comment on function v1.delete_job_schedule(text) is
'Ends a schedule; a run that is under way goes on. Returns {name}. Needs core.jobs.manage. Raises
job.schedule_unknown (404). May be repeated with an Idempotency-Key.';

revoke all on function
core.start_scheduled_jobs(timestamptz),
core.job_schedule_answer(core.job_schedules),
core.set_job_schedule(text, text, text, text, jsonb, boolean),
core.job_schedule_to_manage(text),
core.enable_job_schedule(text, boolean),
core.delete_job_schedule(text),
v1.set_job_schedule(text, text, text, text, jsonb, boolean),
v1.enable_job_schedule(text, boolean),
v1.delete_job_schedule(text)
from public;
grant execute on function
core.set_job_schedule(text, text, text, text, jsonb, boolean),
core.enable_job_schedule(text, boolean),
core.delete_job_schedule(text),
v1.set_job_schedule(text, text, text, text, jsonb, boolean),
v1.enable_job_schedule(text, boolean),
v1.delete_job_schedule(text)
to authenticated, service_role;
grant execute on function core.start_scheduled_jobs(timestamptz) to tenon_bridge;
