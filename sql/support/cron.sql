-- What is met of pg_cron: a stand-in, for `\ir` within a test's transaction.

create schema cron;
create table cron.job (
    jobid bigint generated always as identity,
    schedule text,
    command text,
    database text default current_database(),
    active boolean default true,
    jobname text unique
);
create function cron.schedule(job_name text, schedule text, command text) returns bigint
language sql
as $$
    insert into cron.job (jobname, schedule, command)
    values (job_name, schedule, command)
    on conflict (jobname) do update set schedule = excluded.schedule, command = excluded.command
    returning jobid
$$;
