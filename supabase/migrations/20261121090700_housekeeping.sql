-- What has to be done again and again: readings compacted, and dropped when their time is over; the
-- audit trail sealed.
-- What has to be done again and again: readings compacted, and dropped when their time is over, and
-- personal data too.
--
-- pg_cron does it where it is there; elsewhere each bridge asks once a minute whether somebody else
-- does it, and if not, does it. Everything here may run in several sessions at once.

set local lock_timeout = '5s';

create function iot.housekeep(budget interval default '30 seconds')
returns table (batches bigint, readings bigint, blocks bigint, done boolean, failure text)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    deadline constant timestamptz := clock_timestamp() + budget;
begin
    -- What one duty fails at does not undo the other.
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
    begin
        select housekeep.done and retained.done
        into done
        from iot.retain(greatest(deadline - clock_timestamp(), interval '0')) as retained;
    exception
        when others then
            failure := concat_ws('; ', failure, 'iot.retain: ' || sqlerrm);
            raise warning '%', failure;
    end;
    -- Last, because other sealers stand back until this transaction ends.
    begin
        perform core.keep_audit(greatest(deadline - clock_timestamp(), interval '5 seconds'));
    exception
        when others then
            failure := concat_ws('; ', failure, 'core.keep_audit: ' || sqlerrm);
        select
            housekeep.done and retained.done,
            concat_ws('; ', housekeep.failure, 'core.apply_retention: ' || retained.failure)
        into done, failure
        from core.apply_retention(
            greatest(deadline - clock_timestamp(), interval '0')
        ) as retained;
        failure := nullif(failure, '');
            failure := concat_ws('; ', failure, 'core.apply_retention: ' || sqlerrm);
            raise warning '%', failure;
    end;
    return next;
end
$$;

comment on function iot.housekeep(interval) is
'Does what has to be done again and again, for about as long as the budget says: iot.compact,
iot.retain, then core.keep_audit. Returns what iot.compact returns, and what failed, in words, where something did.
Definer, because it works for every tenant; service_role may call it.';
iot.retain, core.apply_retention. Returns what iot.compact returns, and what failed, in words, where
something did. Definer, because it works for every tenant; service_role may call it.';

create function iot.housekeeping_job() returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 'tenon-housekeeping';

comment on function iot.housekeeping_job() is
'The name of the job of pg_cron that calls iot.housekeep. Internal.';

create function iot.cron_is_usable() returns boolean
language sql stable set search_path = pg_catalog, pg_temp
return coalesce(has_schema_privilege(to_regnamespace('cron'), 'usage'), false);

comment on function iot.cron_is_usable() is
'Whether pg_cron is installed, and the caller may look into its schema. Internal.';

create function iot.schedule_housekeeping() returns boolean
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if not iot.cron_is_usable() then
        return false;
    end if;
    execute format('select %I.schedule($1, $2, $3)', 'cron')
    using iot.housekeeping_job(), '* * * * *', 'select iot.housekeep()';
    -- The tail of the audit trail that is not sealed yet is kept short. pg_cron before 1.5 knows no
    -- seconds: there iot.housekeep seals, every minute.
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

comment on function iot.schedule_housekeeping() is
'Has pg_cron call iot.housekeep every minute, and core.seal_audit every ten seconds; false where
there is no pg_cron that the caller may use. Calling it again changes nothing. For the owner of the
schema, after pg_cron was installed later than Tenon.';

create function iot.housekeeping_is_scheduled() returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    is_scheduled boolean := false;
begin
    if iot.cron_is_usable() then
        execute format(
            'select exists ('
            'select from %I.job where jobname = $1 and active and database = current_database()'
            ')', 'cron'
        )
        into is_scheduled
        using iot.housekeeping_job();
    end if;
    return is_scheduled;
end
$$;

comment on function iot.housekeeping_is_scheduled() is
'Whether pg_cron has an active job for iot.housekeep. Definer, because a job is seen by its owner
alone. Internal.';

create function iot.housekeep_unscheduled(budget interval default '30 seconds')
returns table (batches bigint, readings bigint, blocks bigint, done boolean, failure text)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if not iot.housekeeping_is_scheduled() then
        return query
        select
            kept.batches,
            kept.readings,
            kept.blocks,
            kept.done,
            kept.failure
        from iot.housekeep(housekeep_unscheduled.budget) as kept;
    end if;
end
$$;

comment on function iot.housekeep_unscheduled(interval) is
'Does what iot.housekeep does, unless pg_cron does it: then no row is returned. Definer, because it
works for every tenant; tenon_bridge may call it.';

revoke all on function
iot.housekeep(interval),
iot.housekeeping_job(),
iot.cron_is_usable(),
iot.schedule_housekeeping(),
iot.housekeeping_is_scheduled(),
iot.housekeep_unscheduled(interval)
from public;
grant execute on function iot.housekeep(interval) to service_role;
grant execute on function iot.housekeep_unscheduled(interval) to tenon_bridge;

select iot.schedule_housekeeping();
