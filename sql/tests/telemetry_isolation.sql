-- Who sees readings of whom: on every table of the path, by every way to ask.
begin;
\ir ../support/fixtures.sql
\ir ../support/batches.sql
\ir ../support/readings.sql
select plan(132);

-- Both tenants have blocks, batches behind them, latest readings and rejected messages.
select pg_temp.send(tenant, 'truck-1', '{"at": "2026-01-05T00:00:00Z", "values": {"secret": 4711}}')
from unnest(array['acme', 'rival']) as tenant;
select iot.compact();
select pg_temp.send(tenant, 'truck-1', '{"at": "2026-01-06T00:00:00Z", "values": {"secret": 4711}}')
from unnest(array['acme', 'rival']) as tenant;
select iot.reject(
    array['t/acme/d/truck-1/telemetry', 't/rival/d/truck-1/telemetry'],
    array['\x00'::bytea, '\x00'],
    array['payload.not_json', 'payload.not_json'], array['secret', 'secret']
);

-- What a caller sees of a table: how many rows of each tenant, or why nothing.
create function pg_temp.seen(relation text) returns text
language plpgsql
as $$
declare
    seen text;
begin
    execute format(
        'select coalesce(string_agg(slug || '':'' || rows, '' '' order by slug), ''nothing'')
        from (
            select case tenant_id
                when ''00000000-0000-4000-a000-000000000002'' then ''acme''
                when ''00000000-0000-4000-a000-000000000003'' then ''rival''
                else ''other'' end as slug, count(*) as rows
            from %s group by 1
        ) as counted', relation
    ) into seen;
    return seen;
exception
    when insufficient_privilege then return 'forbidden';
end
$$;
-- Whether a caller can write there: 42501 for every way of writing, else what happened instead.
create function pg_temp.written(relation text) returns text
language plpgsql
as $$
declare
    statement text;
    codes text[] := '{}';
begin
    foreach statement in array array[
        'insert into %s default values', 'update %s set tenant_id = tenant_id', 'delete from %s',
        'truncate %s'
    ] loop
        begin
            execute format(statement, relation);
            codes := codes || 'written';
        exception
            when others then codes := codes || sqlstate::text;
        end;
    end loop;
    return array_to_string(array(select distinct unnest(codes) order by 1), ' ');
end
$$;
create temporary table relations (relation text, sight text);
insert into relations values
('iot.batches', 'own'), ('iot.blocks', 'own'), ('iot.latest', 'own'),
('iot.rejected_messages', 'own'), ('iot.blocks_2026_01', 'none');
grant select on relations to public;

:as_ada
select is(
    pg_temp.seen(relation), case sight when 'own' then 'acme:1' else 'forbidden' end,
    'a member sees of ' || relation || ' what is the tenant''s own, if that'
)
from relations;
:as_eve
select is(
    pg_temp.seen(relation), case sight when 'own' then 'rival:1' else 'forbidden' end,
    'a member of another tenant sees of ' || relation || ' the other tenant''s, if that'
)
from relations;
:as_sue
select is(
    pg_temp.seen(relation), case sight when 'own' then 'nothing' else 'forbidden' end,
    'a suspended member sees nothing of ' || relation
)
from relations;
:as_gus
select is(
    pg_temp.seen(relation), case sight when 'own' then 'acme:1' else 'forbidden' end,
    'a member of the group sees of ' || relation || ' what the group''s tenants have'
)
from relations;
:as_anon
select is(pg_temp.seen(relation), 'forbidden', 'an anonymous caller sees nothing of ' || relation)
from relations;
:as_truck
select is(pg_temp.seen(relation), 'forbidden', 'a device sees nothing of ' || relation)
from relations;
:as_bridge
select is(pg_temp.seen(relation), 'forbidden', 'the bridge sees nothing of ' || relation)
from relations;

-- The policy of a partition is that of the whole, should somebody ever be granted it.
:as_owner
grant select on iot.blocks_2026_01 to authenticated, anon;
:as_eve
select is(
    pg_temp.seen('iot.blocks_2026_01'), 'rival:1', 'a partition shows a member the tenant''s own'
);
:as_sue
select is(pg_temp.seen('iot.blocks_2026_01'), 'nothing', 'a suspended member nothing');
:as_anon
select is(pg_temp.seen('iot.blocks_2026_01'), 'forbidden', 'and an anonymous caller not even that');
:as_owner
revoke select on iot.blocks_2026_01 from authenticated, anon;

-- The header narrows, and never widens.
:as_ada
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000003"}';
select is(
    pg_temp.seen(relation), 'nothing', 'the header gives a member nothing of ' || relation || ' elsewhere'
)
from relations
where sight = 'own';

-- Writing.
:as_ada
select is(pg_temp.written(relation), '42501', 'a member writes nothing to ' || relation)
from relations;
:as_anon
select is(pg_temp.written(relation), '42501', 'an anonymous caller writes nothing to ' || relation)
from relations;
:as_truck
select is(pg_temp.written(relation), '42501', 'a device writes nothing to ' || relation)
from relations;
:as_bridge
select is(pg_temp.written(relation), '42501', 'the bridge writes nothing to ' || relation)
from relations;

create temporary table internals (call text);
insert into internals values
('iot.settled_batch()'), ('iot.lock_blocks(null)'), ('iot.store_blocks(null, null)'),
('iot.merge_small_blocks(null, null)'), ('iot.compact_tenant(null, 1, now())'),
('iot.add_blocks_partition(now())');
insert into internals
select 'core.housekeep()'
where to_regprocedure('core.housekeep(interval)') is not null;
grant select on internals to public;
:as_ada
select is(pg_temp.code_of('select ' || call), '42501', 'a member may not call ' || call)
from (table internals union all values ('iot.compact()')) as calls (call);
:as_anon
select is(pg_temp.code_of('select ' || call), '42501', 'nor may an anonymous caller ' || call)
from (table internals union all values ('iot.compact()')) as calls (call);
:as_truck
select is(pg_temp.code_of('select ' || call), '42501', 'nor a device ' || call)
from (table internals union all values ('iot.compact()')) as calls (call);
:as_bridge
select is(pg_temp.code_of('select ' || call), '42501', 'the bridge may not call ' || call)
from internals;
select is(pg_temp.code_of('select iot.compact()'), 'no error', 'but may have readings compacted');
:as_service
select is(pg_temp.code_of('select iot.compact()'), 'no error', 'as may the service role');

-- Through the API.
:as_eve
select is(
    pg_temp.code_of($$select * from v1.latest('{truck-2}')$$), 'device.unknown',
    'a device of another tenant is unknown'
);
select results_eq(
    $$select count(*) from v1.rejected_messages$$, $$values (1::bigint)$$,
    'of rejected messages a member sees the tenant''s own'
);
:as_sue
select is(
    pg_temp.code_of($$select * from v1.latest('{truck-1}')$$), 'device.unknown',
    'to a suspended member every device is unknown'
);
select is_empty('select from v1.rejected_messages', 'and no message was rejected');

create temporary table questions (question text);
insert into questions values
('select count(*) from v1.readings(null, null, ''2026-01-01'', ''2026-02-01'')'),
('select sum(count) from v1.telemetry(null, null, ''2026-01-01'', ''2026-02-01'', ''1 month'')'),
('select 2 * count(*) from v1.latest()');
grant select on questions to public;
create function pg_temp.counted(question text) returns bigint
language plpgsql
as $$
declare
    counted bigint;
begin
    execute question into counted;
    return counted;
end
$$;
:as_ada
select is(pg_temp.counted(question), 2::bigint, 'a member counts the tenant''s own: ' || question)
from questions;
:as_eve
select is(pg_temp.counted(question), 2::bigint, 'and another tenant''s member theirs: ' || question)
from questions;
:as_sue
select is(
    pg_temp.code_of(question), 'tenancy.permission_missing',
    'a suspended member may not ask: ' || question
)
from questions;
:as_anon
select is(pg_temp.code_of(question), '42501', 'nor an anonymous caller: ' || question)
from questions;
:as_truck
select is(pg_temp.code_of(question), '42501', 'nor a device: ' || question)
from questions;

-- Through errors: a function that fails on what the caller may not see is not called on it.
:as_owner
select pg_temp.send(tenant, 'truck-1', '{"at": "2026-01-07T00:00:00Z", "values": {"secret": 4711}}')
from unnest(array['acme', 'rival']) as tenant;
update iot.blocks set head = pg_temp.flipped(head, 9, 1) where tenant_id = :acme;
update iot.batches set frame = pg_temp.flipped(frame, 9, 1) where tenant_id = :acme;
update iot.latest set readings = pg_temp.flipped(readings, 9, 1)
where tenant_id = :acme;
create temporary table probes (probe text);
insert into probes values
('select from iot.blocks where tenon.block_check(device, head, body) < 0'),
('select from iot.batches where tenon.frame_check(frame) < 0'),
('select from iot.latest where tenon.frame_check(readings) < 0'),
('select * from v1.readings(null, null, ''2026-01-01'', ''2026-02-01'')'),
('select * from v1.telemetry(null, null, ''2026-01-01'', ''2026-02-01'', ''1 minute'')'),
('select * from v1.latest()'),
('select from iot.blocks where 1 / (device - (select min(device) from iot.blocks) + 1) < 0');
grant select on probes to public;
:as_eve
select is(pg_temp.code_of(probe), 'no error', 'another tenant''s corrupt data is no error to a member')
from probes;
:as_ada
select is(pg_temp.code_of(probe), 'XX001', 'but one''s own is')
from probes
limit 6;

-- Through plans: they come from an index that begins with the tenant, so that not even the number
-- of rows that were passed over shows.
create function pg_temp.explained(query text) returns text
language plpgsql
as $$
declare
    line text;
    plan text := '';
begin
    for line in execute 'explain (analyze, verbose, costs off, timing off, summary off) ' || query loop
        plan := plan || line || e'\n';
    end loop;
    return plan;
end
$$;
:as_owner
analyze iot.batches, iot.blocks, iot.latest, iot.rejected_messages;
set local enable_seqscan = off;
:as_eve
select doesnt_match(
    pg_temp.explained('select * from ' || relation),
    'Rows Removed|4711|4000-a000-000000000002',
    'the plan of a query of ' || relation || ' tells nothing of another tenant'
)
from relations
where sight = 'own';
select is_empty(
    $$
        select from pg_stats
        where schemaname = 'iot'
        and (tablename in ('batches', 'latest', 'rejected_messages') or tablename like 'blocks%')
    $$,
    'and the statistics that plans are made of are hidden by the policies'
);

select * from finish();
rollback;
