-- What has to be done again and again: readings compacted, everything dropped when its time is
-- over, timers run, the audit trail sealed.
--
-- pg_cron does it where it is there; elsewhere each bridge asks once a minute whether somebody else
-- does it, and if not, does it. Everything here may run in several sessions at once.

set local lock_timeout = '5s';

create function core.housekeep(budget interval default '30 seconds')
returns table (batches bigint, readings bigint, blocks bigint, done boolean, failure text)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    deadline constant timestamptz := clock_timestamp() + budget;
    duty text;
    duty_is_done boolean;
    duty_failure text;
begin
    -- What one duty fails at does not undo the others.
    begin
        select
            compacted.batches,
            compacted.readings,
            compacted.blocks,
            compacted.done,
            compacted.failure
        into batches, readings, blocks, done, failure
        from iot.compact(budget => housekeep.budget) as compacted;
    exception
        when others then
            failure := 'iot.compact: ' || sqlerrm;
            raise warning '%', failure;
    end;
    -- The trail last, because other sealers stand back until this transaction ends.
    foreach duty in array array[
        'select done, null from iot.retain($1)',
        'select done, failure from core.apply_retention($1)',
        'select done, null from core.expire_events($1)',
        'select done, null from core.expire_answers($1)',
        'select done, null from core.expire_jobs($1)',
        'select core.queue_lost_jobs() is not null, null',
        'select crm.remind_of_activities() is not null, null',
        'select core.release_forgotten() is not null, null',
        'select core.watch_deliveries() is not null, null',
        'select done, null from core.expire_inbound_messages($1)',
        'select core.expire_provider_states() is not null, null',
        'select core.record_uses() is not null, null',
        'select core.forget_old_sign_in_attempts() is not null, null',
        'select done, null from core.learn_search($1)',
        'select done, null from core.run_timers(1000)',
        'select core.keep_audit(greatest($1, interval ''5 seconds'')) is not null, null'
    ] loop
        begin
            execute duty into duty_is_done, duty_failure
            using greatest(deadline - clock_timestamp(), interval '0');
        exception
            when others then
                duty_is_done := true;
                duty_failure := sqlerrm;
        end;
        done := done and duty_is_done;
        if duty_failure is not null then
            duty_failure := substring(duty from '(?:core|crm|iot)\.[a-z_]+') || ': ' || duty_failure;
            failure := concat_ws('; ', failure, duty_failure);
            raise warning '%', duty_failure;
        end if;
    end loop;
    return next;
end
$$;

comment on function core.housekeep(interval) is
'Does what has to be done again and again, for about as long as the budget says: iot.compact,
iot.retain, core.apply_retention, core.expire_events, core.expire_answers, core.expire_jobs,
core.queue_lost_jobs, crm.remind_of_activities, core.release_forgotten, core.watch_deliveries,
core.expire_inbound_messages, core.expire_provider_states, core.record_uses,
core.forget_old_sign_in_attempts, core.run_timers, core.keep_audit.
Returns what iot.compact returns, and what failed, in words, where something did. Definer, because
it works for every tenant; service_role may call it.';

create function core.housekeeping_job() returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 'tenon-housekeeping';

comment on function core.housekeeping_job() is
'The name of the job of pg_cron that calls core.housekeep. Internal.';

create function core.cron_is_usable() returns boolean
language sql stable set search_path = pg_catalog, pg_temp
return coalesce(has_schema_privilege(to_regnamespace('cron'), 'usage'), false);

comment on function core.cron_is_usable() is
'Whether pg_cron is installed, and the caller may look into its schema. Internal.';

create function core.schedule_housekeeping() returns boolean
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if not core.cron_is_usable() then
        return false;
    end if;
    execute format('select %I.schedule($1, $2, $3)', 'cron')
    using core.housekeeping_job(), '* * * * *', 'select core.housekeep()';
    -- Jobs begin soon after they are ready; a call that is still at work is not called again.
    -- pg_cron before 1.5 knows no seconds, but minutes.
    begin
        execute format('select %I.schedule($1, $2, $3)', 'cron')
        using core.job_runner(), '5 seconds', 'call core.run_jobs()';
    exception
        when invalid_parameter_value then
            execute format('select %I.schedule($1, $2, $3)', 'cron')
            using core.job_runner(), '* * * * *', 'call core.run_jobs()';
    end;
    -- Without seconds, core.housekeep runs timers, every minute.
    begin
        execute format('select %I.schedule($1, $2, $3)', 'cron')
        using 'tenon-timers', '5 seconds', 'select core.run_timers()';
    exception
        when invalid_parameter_value then
            null;
    end;
    -- The tail of the audit trail that is not sealed yet is kept short: without seconds,
    -- core.housekeep seals, every minute.
    begin
        execute format('select %I.schedule($1, $2, $3)', 'cron')
        using 'tenon-audit', '10 seconds', 'select core.seal_audit()';
    exception
        when invalid_parameter_value then
            null;
    end;
    return true;
end
$$;

comment on function core.schedule_housekeeping() is
'Has pg_cron call core.housekeep every minute, core.run_jobs and core.run_timers every five seconds,
which begin when the call before is over, and core.seal_audit every ten seconds; false where there is
no pg_cron that the caller may use. Calling it again changes nothing. For the owner of the
schema, after pg_cron was installed later than Tenon.';

create function core.housekeep_unscheduled(budget interval default '30 seconds')
returns table (batches bigint, readings bigint, blocks bigint, done boolean, failure text)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if not core.cron_runs(core.housekeeping_job()) then
        return query
        select
            kept.batches,
            kept.readings,
            kept.blocks,
            kept.done,
            kept.failure
        from core.housekeep(housekeep_unscheduled.budget) as kept;
    end if;
end
$$;

comment on function core.housekeep_unscheduled(interval) is
'Does what core.housekeep does, unless pg_cron does it: then no row is returned. Definer, because it
works for every tenant; tenon_bridge may call it.';

revoke all on function
core.housekeep(interval),
core.housekeeping_job(),
core.cron_is_usable(),
core.schedule_housekeeping(),
core.housekeep_unscheduled(interval)
from public;
grant execute on function core.housekeep(interval) to service_role;
grant usage on schema core to tenon_bridge;
grant execute on function core.housekeep_unscheduled(interval) to tenon_bridge;

select core.schedule_housekeeping();
