-- Moves: who may, what is refused and why, what follows, and the matrix of all stages.
begin;
\ir ../support/fixtures.sql
\ir ../support/orders.sql

\set one '\'00000000-0000-4000-c000-000000000001\''
\set two '\'00000000-0000-4000-c000-000000000002\''
\set rivals '\'00000000-0000-4000-c000-000000000003\''
select plan(45);

:as_ada
select v1.save_pipeline('shop.orders', 'orders', 'Orders', pg_temp.orders_definition()) ->> 'id'
    as pipeline \gset
select v1.publish_pipeline(:'pipeline', 1) ->> 'version_id' as pipeline_version \gset
insert into shop.orders (id, name, owner_id) values
(:one, 'One', '00000000-0000-4000-8000-0000000000a1'), (:two, 'Two', null);
:as_eve
select v1.save_pipeline('shop.orders', 'orders', 'Orders', pg_temp.orders_definition()) ->> 'id'
    as rivals_pipeline \gset
select v1.publish_pipeline(:'rivals_pipeline', 1) ->> 'published';
insert into shop.orders (id, name) values (:rivals, 'Rivals');
-- Another tenant may have a record of the same id.
insert into shop.orders (id, name) values (:two, 'Same id');

-- Who may
:as_vic
select is(
    pg_temp.code_of(format('select v1.move(%L, ''packed'', 1)', :one)),
    'tenancy.permission_missing', 'who only reads does not move'
);
select is(
    (select count(*) from jsonb_array_elements(v1.allowed_moves(:one) -> 'moves') as move
    where move ->> 'allowed' = 'true'), 0::bigint, 'and is told so of each move'
);
select is(
    v1.allowed_moves(:one) #>> '{moves,0,refusals,0,code}', 'tenancy.permission_missing', 'and why'
);
:as_eve
select set_eq(
    format(
        $$
            select pg_temp.code_of(format(statement, %L))
            from unnest(array[
                'select v1.move(%%L, ''packed'', 1)', 'select v1.allowed_moves(%%L)',
                'select v1.move(''00000000-0000-4000-c000-000000000099'', ''packed'', 1)'
            ]) as statement
        $$,
        :one
    ),
    $$values ('record.not_found')$$, 'for strangers a record is as one that is not there'
);
:as_ann
select is(
    v1.move(:one, 'packed', 1, fields => '{"amount": 10}') ->> 'stage', 'packed',
    'who reaches own records moves an own one'
);
select is(
    pg_temp.code_of(format('select v1.move(%L, ''packed'', 1)', :two)), 'record.not_found',
    'but not another'
);
select is(
    pg_temp.code_of(format(
        $$select v1.move(%L, 'cancelled', 2, 'x', '{"owner_id": "%s"}')$$,
        :one, '00000000-0000-4000-8000-000000000001'
    )), 'tenancy.permission_missing', 'nor gives it away with the move'
);
:as_anon
select is(
    pg_temp.code_of(format('select v1.move(%L, ''packed'', 1)', :one)), '42501',
    'nobody in particular moves nothing'
);

-- Versions
:as_ada
select is(
    pg_temp.details_of(format('select v1.move(%L, ''shipped'', 1)', :one)),
    '{"expected": 1, "actual": 2, "stage": "packed"}'::jsonb,
    'a version that is over is refused, and the one that is there told'
);
select is(
    pg_temp.code_of(format('select v1.move(%L, ''shipped'', 1)', :one)),
    'pipeline.version_conflict', 'as a conflict'
);
select is(
    pg_temp.code_of(format('select v1.move(%L, ''shipped'', null)', :one)),
    'pipeline.version_missing', 'and none at all is no move'
);

-- Refusals
select is(
    pg_temp.details_of(format('select v1.move(%L, ''shipped'', 2)', :one))
    #- '{refusals,0,message}',
    '{
        "condition": {"field": "paid", "op": "=", "value": true}, "unknown": false,
        "words": "paid is true",
        "refusals": [{
            "words": "paid is true",
            "code": "pipeline.guard_failed", "unknown": false,
            "condition": {"field": "paid", "op": "=", "value": true}
        }]
    }'::jsonb, 'a guard is told with its condition'
);
select is(
    pg_temp.details_of(format('select v1.move(%L, ''new'', 2)', :one)) -> 'possible',
    '["shipped", "cancelled"]', 'where no way leads, the ways are told'
);
select is(
    array[
        pg_temp.code_of(format('select v1.move(%L, ''new'', 2)', :one)),
        pg_temp.code_of(format('select v1.move(%L, ''gone'', 2)', :one)),
        pg_temp.code_of(format('select v1.move(%L, ''cancelled'', 2)', :one)),
        pg_temp.code_of(format('select v1.move(%L, ''cancelled'', 2, ''  '')', :one)),
        pg_temp.code_of(format('select v1.move(%L, ''packed'', 1)', :two)),
        pg_temp.code_of(format('select v1.move(%L, ''packed'', 1, repeat(''x'', 2001))', :two))
    ],
    array[
        'pipeline.transition_missing', 'pipeline.stage_unknown', 'pipeline.reason_required',
        'pipeline.reason_required', 'pipeline.fields_missing', 'pipeline.reason_too_long'
    ], 'every refusal has its code'
);
:as_ann
select is(
    (
        select array_agg(refusal ->> 'code')
        from jsonb_array_elements(
            pg_temp.details_of(format('select v1.move(%L, ''shipped'', 2)', :one)) -> 'refusals'
        ) as refusal
    ), array['pipeline.permission_missing', 'pipeline.guard_failed'],
    'everything that speaks against a move is told at once'
);
select is(
    pg_temp.code_of(format('select v1.move(%L, ''shipped'', 2)', :one)),
    'pipeline.permission_missing', 'a transition asks for its permission'
);
select is(
    (
        select jsonb_agg(jsonb_build_array(
            move -> 'to', move -> 'allowed', move -> 'reason_required',
            jsonb_path_query_array(move, '$.refusals[*].code')
        ))
        from jsonb_array_elements(v1.allowed_moves(:one) -> 'moves') as move
    ),
    '[
        ["shipped", false, false, ["pipeline.permission_missing", "pipeline.guard_failed"]],
        ["cancelled", true, true, []]
    ]'::jsonb, 'allowed moves say the same before'
);
select is(
    v1.allowed_moves(:one) - 'moves',
    format(
        '{"id": "%s", "object": "shop.orders", "version": 2, "stage": "packed", "stage_kind": "open"}',
        :one
    )::jsonb, 'and what they are said of'
);

-- Fields
:as_ada
select is(
    array[
        pg_temp.code_of(format($$select v1.move(%L, 'packed', 1, null, '{"stage": "won"}')$$, :two)),
        pg_temp.code_of(format($$select v1.move(%L, 'packed', 1, null, '{"version": 9}')$$, :two)),
        pg_temp.code_of(format($$select v1.move(%L, 'packed', 1, null, '{"x": 9}')$$, :two)),
        pg_temp.code_of(format($$select v1.move(%L, 'packed', 1, null, '[1]')$$, :two)),
        pg_temp.code_of(format($$select v1.move(%L, 'packed', 1, null, '{"amount": -1}')$$, :two)),
        pg_temp.code_of(format($$select v1.move(%L, 'packed', 1, null, '{"amount": "x"}')$$, :two))
    ],
    array[
        'effect.field_protected', 'effect.field_protected', 'effect.field_unknown',
        'effect.field_unknown', '23514', '22P02'
    ], 'a move sets what an update could, and nothing else'
);
select is(
    (select array[stage, version::text] from shop.orders where id = :two and tenant_id = :acme),
    array['new', '1'], 'and what is refused leaves the record as it was'
);

-- What follows
:as_owner
select is(
    (
        select array_agg(pending.data ->> 'n' order by pending.position)
        from core.pending_events as pending
        where pending.type = 'shop.order.signalled' and pending.subject_id = :one
    ), array['1', '2', '3'], 'effects follow in their order: leaving, the transition, entering'
);
select is(
    (
        select pending.data from core.pending_events as pending
        where
            pending.type = 'shop.order.signalled' and pending.subject_id = :one
            and pending.data ->> 'n' = '2'
    ), '{"n": 2, "name": "One"}'::jsonb, 'with values of the record'
);
select is(
    (
        select (pending.data - 'seconds') || jsonb_build_object('by', pending.actor_id)
        from core.pending_events as pending
        where pending.type = 'shop.order.moved' and pending.subject_id = :one
    ),
    '{
        "from": "new", "to": "packed", "kind": "open", "pipeline": "orders",
        "pipeline_version": 1, "by": "00000000-0000-4000-8000-0000000000a1"
    }'::jsonb, 'an event says that it was moved, and by whom'
);
select results_eq(
    format(
        $$
            select timer, due_at - entered_at from core.timers
            inner join shop.orders on orders.id = timers.record_id
            cross join lateral (select stage_entered_at as entered_at) as entered
            where orders.id = %L
        $$, :one
    ),
    $$values ('stage_time_limit', interval '1 hour')$$, 'the time limit of the stage runs'
);
:as_ada
update shop.orders set paid = true where id = :one;
select v1.move(:one, 'shipped', 3) as shipped \gset
select is(
    :'shipped'::jsonb - '{id,tenant_id,stage_entered_at}'::text[],
    '{
        "object": "shop.orders", "version": 5, "from": "packed", "stage": "shipped",
        "stage_kind": "won", "pipeline_version": 1, "effects": ["set_fields"]
    }'::jsonb, 'a move answers with the new version, after its effects'
);
select is(
    (
        select array[stage, stage_kind, note, (closed_at = stage_entered_at)::text,
            (due_on is not null)::text, amount::text]
        from shop.orders where id = :one
    ), array['shipped', 'won', 'shipped', 'true', 'true', '10'], 'and has set what it says'
);
:as_owner
select is((select count(*) from core.timers), 0::bigint, 'the time limit of the stage before is over');
select results_eq(
    format(
        'select stage, from_stage, left_at is null from core.stage_periods '
        'where record_id = %L order by entered_at', :one
    ),
    $$values ('new', null, false), ('packed', 'new', false), ('shipped', 'packed', true)$$,
    'history has every stage'
);
select is(
    (
        select bool_and(next_at is not distinct from left_at)
        from (
            select left_at, lead(entered_at) over (order by entered_at) as next_at
            from core.stage_periods where record_id = :one
        ) as steps
    ), true, 'without a gap, and without a moment in two'
);

-- Who is bound by guards: everybody
:as_service
select is(
    (core.move(:rivals, 'packed', null, null, '{"amount": 1}')) ->> 'stage', 'packed',
    'the service role moves any record'
);
select is(
    pg_temp.code_of(format('select core.move(%L, ''shipped'')', :rivals)), 'pipeline.guard_failed',
    'bound by its guards'
);
:as_owner
select is(
    pg_temp.code_of(format('select core.move(%L, ''shipped'')', :rivals)), 'pipeline.guard_failed',
    'as the owner is'
);
select is(
    core.move(:rivals, 'shipped', fields => '{"paid": true}') ->> 'stage', 'shipped',
    'who moves it when they hold'
);

-- Many
:as_ada
insert into shop.orders (id, name, amount)
select ('00000000-0000-4000-d000-00000000000' || n)::uuid, 'Many', nullif(n, 2)
from generate_series(1, 3) as n;
select v1.move_many(
    array[
        '00000000-0000-4000-d000-000000000003', '00000000-0000-4000-d000-000000000002',
        '00000000-0000-4000-d000-000000000001', '00000000-0000-4000-d000-000000000009',
        '00000000-0000-4000-d000-000000000003'
    ]::uuid[], 'packed'
) as many \gset
select is(
    (:'many'::jsonb) - 'outcomes', '{"moved": 2, "refused": 2}'::jsonb, 'many are moved, each for itself'
);
select is(
    jsonb_path_query_array(:'many'::jsonb, '$.outcomes[*].moved'), '[true, false, true, false]'::jsonb,
    'in the order in which they were named, and once'
);
select is(
    jsonb_path_query_array(:'many'::jsonb, '$.outcomes[*].error.code'),
    '["pipeline.fields_missing", "record.not_found"]'::jsonb, 'what is refused says why'
);
select is(
    v1.move_many(
        array['00000000-0000-4000-d000-000000000001', '00000000-0000-4000-d000-000000000003']::uuid[],
        'cancelled', array[1, 2], 'too many'
    ) -> 'moved', '1'::jsonb, 'versions are each asked for'
);
select set_eq(
    $$
        select pg_temp.code_of(statement)
        from unnest(array[
            'select v1.move_many(''{}'', ''packed'')',
            'select v1.move_many(array[null]::uuid[], ''packed'')',
            'select v1.move_many(array_fill(gen_random_uuid(), array[1001]), ''packed'')',
            'select v1.move_many(array[gen_random_uuid()], ''packed'', array[1, 2])'
        ]) as statement
    $$,
    $$values ('pipeline.subjects_invalid')$$, 'a list that cannot be meant is refused'
);

-- Time in stage
:as_owner
insert into shop.orders (tenant_id, id, name, amount, stage_entered_at)
select
    :acme, ('00000000-0000-4000-e000-' || lpad(n::text, 12, '0'))::uuid, 'Timed', 1,
    now() - make_interval(secs => n)
from generate_series(1, 11) as n;
update core.stage_periods set left_at = entered_at + make_interval(
    secs => right(record_id::text, 2)::integer * 10
), entered_at = entered_at
where record_id::text like '00000000-0000-4000-e000-%';
:as_vic
select results_eq(
    format(
        $$
            select stage, entered, still_there, "left", mean_s, median_s, p90_s
            from v1.time_in_stage(%L, now() - interval '12 seconds', now()) where stage = 'new'
        $$, :'pipeline'
    ),
    $$values ('new', 11::bigint, 0::bigint, 11::bigint, 60::double precision,
        60::double precision, 100::double precision)$$, 'time in stage is a query over the history'
);
select is(
    (select sum(entered) from v1.time_in_stage(:'pipeline')),
    (select count(*)::numeric from v1.stage_history), 'over all that one may read'
);
:as_ann
select is(
    (select sum(entered) from v1.time_in_stage(:'pipeline')), null,
    'and nothing for who may not see the pipeline'
);
:as_eve
select is((select count(*) from v1.time_in_stage(:'pipeline')), 0::bigint, 'nor for strangers');

-- The matrix: each pair of stages, for a record that lacks nothing, by a list written down here
:as_owner
create temporary table asked as
select
    from_stage, to_stage,
    (from_stage, to_stage) in (
        values ('new', 'packed'), ('packed', 'shipped'), ('new', 'cancelled'),
        ('packed', 'cancelled'), ('cancelled', 'new')
    ) as is_allowed
from unnest(array['new', 'packed', 'shipped', 'cancelled']) as from_stage
cross join unnest(array['new', 'packed', 'shipped', 'cancelled']) as to_stage;

create function pg_temp.tried(from_stage text, to_stage text) returns text
language plpgsql
as $$
declare
    subject constant uuid := gen_random_uuid();
    step text;
begin
    insert into shop.orders (tenant_id, id, name, amount, paid)
    values ('00000000-0000-4000-a000-000000000002', subject, 'Matrix', 1, true);
    foreach step in array case from_stage
        when 'packed' then '{packed}' when 'shipped' then '{packed,shipped}'
        when 'cancelled' then '{cancelled}' else '{}'
    end::text[] loop
        perform core.move(subject, step, null, 'way there');
    end loop;
    return pg_temp.code_of(format('select core.move(%L, %L, null, ''why'')', subject, to_stage));
end
$$;
select is_empty(
    $$
        select asked.*, tried from asked
        cross join lateral pg_temp.tried(from_stage, to_stage) as tried
        where tried <> case when is_allowed then 'no error' else 'pipeline.transition_missing' end
    $$, 'each of sixteen moves is as it is written down'
);
select is(
    (select count(*) from shop.orders where name = 'Matrix' and (stage = 'new') <> (stage_kind = 'open'
        and stage <> 'packed')), 0::bigint, 'kinds are those of the stages'
);

-- The statement's answer is kept
:as_ada
insert into shop.orders (id, name, amount) values ('00000000-0000-4000-d000-000000000007', 'Again', 1);
set local "request.headers" = '{"idempotency-key": "move-1"}';
select is(
    v1.move('00000000-0000-4000-d000-000000000007', 'packed', 1),
    v1.move('00000000-0000-4000-d000-000000000007', 'packed', 1), 'sent twice with a key, it moves once'
);

select * from finish();
rollback;
