-- Housekeeping is done once: by pg_cron where that is there, by the bridges elsewhere.
begin;
\ir ../support/fixtures.sql
select plan(15);

create function pg_temp.send() returns bigint
language sql
as $$
    select count(*)
    from tenon.batch_from_json('acme', 'truck-1', '{"at": "2026-01-05T00:00:00Z", "a": 1}', now())
        as read
    cross join lateral iot.ingest(read.batch)
$$;

-- Without pg_cron.
select is(to_regnamespace('cron'), null, 'pg_cron is not installed here');
select is(core.schedule_housekeeping(), false, 'so that nothing is scheduled');
select pg_temp.send();
:as_bridge
select results_eq(
    'select batches, readings, done, failure from core.housekeep_unscheduled()',
    $$values (1::bigint, 1::bigint, true, null::text)$$, 'and the bridge keeps house'
);
select is(
    pg_temp.code_of('select core.housekeep()'), '42501', 'which it may not do whatever is scheduled'
);
:as_owner
select is_empty('select from iot.batches', 'readings are compacted');
select pg_temp.send();
:as_service
select results_eq(
    'select batches from core.housekeep()', 'values (1::bigint)', 'the service role may keep house'
);

-- What fails is told, and undoes nothing else.
:as_owner
create or replace function iot.retain(
    budget interval default '30 seconds', as_of timestamptz default now()
)
returns table (
    tenants bigint, blocks bigint, readings bigint, rejected_messages bigint, partitions bigint,
    done boolean
)
language plpgsql
as $$
begin
    if exists (select from iot.rejected_messages) then
        raise exception 'no';
    end if;
    done := false;
    return next;
end
$$;
select pg_temp.send();
select results_eq(
    'select batches, done, failure from core.housekeep()',
    $$values (1::bigint, false, null::text)$$, 'all is done when everything is'
);
select pg_temp.send();
select iot.reject(array['t/acme/d/truck-1/telemetry'], array['\x'::bytea], array['a'], array['a']);
select results_eq(
    'select batches, done, failure from core.housekeep()',
    $$values (1::bigint, true, 'iot.retain: no')$$, 'what fails is told'
);
select is_empty('select from iot.batches', 'and undoes nothing else');
delete from iot.rejected_messages;

-- With what the bridge sees of pg_cron; the real one is met in tests/housekeeping.test.mjs.
\ir ../support/cron.sql
select is(core.schedule_housekeeping(), true, 'where pg_cron is, it is scheduled');
select is(core.schedule_housekeeping(), true, 'also a second time');
select results_eq(
    'select jobname, schedule, command from cron.job order by jobid',
    $$
        values
        ('tenon-housekeeping', '* * * * *', 'select core.housekeep()'),
        ('tenon-jobs', '5 seconds', 'call core.run_jobs()'),
        ('tenon-timers', '5 seconds', 'select core.run_timers()'),
        ('tenon-audit', '10 seconds', 'select core.seal_audit()')
    $$,
    'as one job of each kind'
);
select pg_temp.send();
:as_bridge
select is_empty('select core.housekeep_unscheduled()', 'and the bridge leaves it to that');
:as_owner
select is((select count(*) from iot.batches), 1::bigint, 'whatever there is to do');
update cron.job set active = false;
:as_bridge
select results_eq(
    'select batches from core.housekeep_unscheduled()', 'values (1::bigint)',
    'until somebody switches the job off'
);

select * from finish();
rollback;
