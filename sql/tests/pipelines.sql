-- Pipelines as tables: who sees them, what never changes, where records begin, and that nothing
-- but a move changes a stage.
begin;
\ir ../support/fixtures.sql
\ir ../support/orders.sql
select plan(36);

-- Before there is a pipeline
:as_ada
insert into shop.orders (id, name) values ('00000000-0000-4000-c000-000000000001', 'Early');
select is(
    (select array[stage, stage_kind] from shop.orders), array[null, 'open'],
    'without a pipeline a record is in none'
);
select is(
    pg_temp.code_of($$insert into shop.orders (name, stage) values ('x', 'new')$$),
    'pipeline.unknown', 'and no stage can be named'
);

select v1.save_pipeline('shop.orders', 'orders', 'Orders', pg_temp.orders_definition()) as saved
\gset
select (:'saved'::jsonb ->> 'id') as pipeline \gset
select is(
    :'saved'::jsonb - '{id,tenant_id}'::text[],
    '{"object": "shop.orders", "slug": "orders", "name": "Orders", "draft": 1, "problems": []}'
    ::jsonb,
    'a draft is saved'
);
select is(
    v1.publish_pipeline(:'pipeline', 1) - '{id,tenant_id,version_id}'::text[],
    '{"object": "shop.orders", "slug": "orders", "published": 1, "is_default": true}'::jsonb,
    'and published, the first one being the default'
);
select results_eq(
    format(
        'select stage, label, kind, probability::integer, is_start from v1.pipeline_stages '
        'where pipeline_id = %L order by position',
        :'pipeline'
    ),
    $$values
        ('new', 'New', 'open', 20, true), ('packed', 'Packed', 'open', null, false),
        ('shipped', 'Shipped', 'won', 100, false), ('cancelled', 'Cancelled', 'lost', 0, false)$$,
    'its stages are rows'
);

-- Who sees them
:as_vic
select is(
    (select count(*) from v1.pipelines where object = 'shop.orders'), 1::bigint,
    'whoever may read pipelines sees it'
);
select is(
    pg_temp.code_of($$select v1.save_pipeline('shop.orders', 'x', 'X', '{}')$$),
    'tenancy.permission_missing', 'but does not write one'
);
select is(
    pg_temp.code_of(format('select v1.publish_pipeline(%L, 1)', :'pipeline')), 'pipeline.unknown',
    'nor publish'
);
:as_eve
select is(
    (select count(*) from v1.pipelines where tenant_id = :acme)
    + (select count(*) from v1.pipeline_versions where tenant_id = :acme)
    + (select count(*) from v1.pipeline_stages where tenant_id = :acme),
    0::bigint, 'strangers see nothing of it'
);
select set_eq(
    format(
        $$
            select pg_temp.code_of(format(statement, %L))
            from unnest(array[
                'select v1.publish_pipeline(%%L, 1)', 'select v1.set_default_pipeline(%%L)',
                'select v1.archive_pipeline(%%L)', 'select v1.migrate_pipeline(%%L)',
                'select v1.pipeline_diagram(%%L)'
            ]) as statement
        $$,
        :'pipeline'
    ),
    $$values ('pipeline.unknown')$$, 'and to them there is no such pipeline'
);
select is(
    pg_temp.code_of(
        format($$insert into shop.orders (name, pipeline_id) values ('x', %L)$$, :'pipeline')
    ),
    'pipeline.unknown', 'nor do their records begin there'
);

-- What was published stays
:as_owner
select set_eq(
    $$
        select pg_temp.code_of(statement)
        from unnest(array[
            'update core.pipeline_versions set definition = ''{}''',
            'update core.pipeline_versions set number = 7',
            'update core.pipeline_versions set status = ''draft'', published_at = null',
            'delete from core.pipeline_versions',
            'truncate core.pipeline_versions cascade',
            'update core.pipeline_stages set label = ''x''',
            'delete from core.pipeline_stages where stage = ''packed''',
            'insert into core.pipeline_stages (tenant_id, pipeline_id, pipeline_version_id, stage, '
            'position, label, kind) select tenant_id, pipeline_id, id, ''more'', 9, ''More'', '
            '''open'' from core.pipeline_versions',
            'truncate core.pipeline_stages cascade'
        ]) as statement
    $$,
    $$values ('pipeline.published_immutable')$$, 'not even the owner changes what was published'
);
select lives_ok(
    $$update core.pipeline_versions set created_by = null, published_by = null$$,
    'who made it may be forgotten'
);

-- Where records begin
:as_ada
insert into shop.orders (id, name, owner_id) values
('00000000-0000-4000-c000-000000000002', 'First', '00000000-0000-4000-8000-0000000000a1'),
('00000000-0000-4000-c000-000000000003', 'Second', null);
select is(
    (
        select array_agg(distinct concat_ws(' ', stage, stage_kind, pipeline_id = :'pipeline', version))
        from shop.orders where name in ('First', 'Second')
    ),
    array['new open t 1'], 'records begin in the default pipeline, in its first start'
);
select results_eq(
    'select stage, from_stage, left_at is null, seconds >= 0, moved_by_kind from v1.stage_history',
    $$values ('new', null::text, true, true, 'user'), ('new', null, true, true, 'user')$$,
    'and their history with them'
);
select is(
    pg_temp.code_of($$insert into shop.orders (name, stage) values ('x', 'packed')$$),
    'pipeline.start_refused', 'no record begins anywhere else'
);
select is(
    pg_temp.code_of($$insert into shop.orders (name, stage) values ('x', 'gone')$$),
    'pipeline.stage_unknown', 'nor in a stage that there is none of'
);
insert into shop.orders (id, name, stage_entered_at) values
('00000000-0000-4000-c000-000000000004', 'Third', '2020-01-01');
select is(
    (select stage_entered_at from shop.orders where name = 'Third'), now(),
    'a client does not say since when'
);
:as_owner
insert into shop.orders (tenant_id, id, name, stage_entered_at) values
(:acme, '00000000-0000-4000-c000-000000000005', 'Imported', '2020-01-01');
select is(
    (
        select period from shop.orders
        inner join core.stage_periods on record_id = orders.id
        where name = 'Imported'
    ), '[2020-01-01,)'::tstzrange, 'but an import does'
);

-- Nothing but a move changes a stage
:as_ada
select set_eq(
    $$
        select pg_temp.code_of(statement)
        from unnest(array[
            'update shop.orders set stage = ''shipped''',
            'update shop.orders set stage_kind = ''won'' where name = ''First''',
            'update shop.orders set stage_entered_at = now() - interval ''1 day''',
            'update shop.orders set pipeline_id = null, pipeline_version_id = null, stage = null',
            'insert into shop.orders (id, name) values '
            '(''00000000-0000-4000-c000-000000000002'', ''x'') '
            'on conflict (tenant_id, id) do update set stage = ''packed'''
        ]) as statement
    $$,
    $$values ('pipeline.direct_change')$$, 'a member does not change a stage'
);
select lives_ok(
    $$update shop.orders set stage = stage, note = 'x' where name = 'First'$$,
    'but may write back the one that is there'
);
:as_service
select is(
    pg_temp.code_of($$update shop.orders set stage = 'shipped', stage_kind = 'won'$$),
    'pipeline.direct_change', 'neither does the service role'
);
:as_owner
select is(
    pg_temp.code_of($$update shop.orders set stage = 'shipped', stage_kind = 'won'$$),
    'pipeline.direct_change', 'nor the owner'
);
select is(
    pg_temp.code_of(
        $$
            merge into shop.orders as target using (values ('First')) as source (name)
            on source.name = target.name when matched then update set stage = 'packed'
        $$
    ), 'pipeline.direct_change', 'nor a merge'
);
select is(
    pg_temp.code_of($$
        update shop.orders set pipeline_id = pipelines.id, pipeline_version_id = versions.id,
            stage = 'new'
        from core.pipelines inner join core.pipeline_versions as versions
            on versions.pipeline_id = pipelines.id
        where orders.name = 'Early'
    $$), 'pipeline.direct_change', 'nor is a record put into a pipeline by hand'
);
select is(
    pg_temp.code_of($$
        insert into core.stage_periods (tenant_id, object, record_id, entered_at, pipeline_id,
            pipeline_version_id, stage, moved_by_kind)
        select tenant_id, object, record_id, entered_at + interval '1 minute', pipeline_id,
            pipeline_version_id, 'packed', 'system' from core.stage_periods limit 1
    $$), '23P01', 'a record is never in two stages'
);

-- Who sees history
:as_ann
select is(
    (select count(*) from v1.stage_history), 1::bigint, 'who reaches own records sees their history'
);
:as_eve
select is((select count(*) from v1.stage_history), 0::bigint, 'strangers see none');
:as_vic
select is((select count(*) from v1.stage_history), 4::bigint, 'readers see all');

-- What goes with a record
:as_ada
delete from shop.orders where name = 'Second';
:as_owner
select is(
    (
        select count(*) from core.stage_periods
        where record_id = '00000000-0000-4000-c000-000000000003'
    ), 0::bigint, 'history goes with its record'
);

-- Several pipelines
:as_ada
select v1.save_pipeline(
    'shop.orders', 'returns', 'Returns',
    '{"stages": [{"stage": "sent", "kind": "open", "start": true},
                 {"stage": "asked", "kind": "open", "start": true, "required": ["note"]},
                 {"stage": "back", "kind": "terminal"}],
      "transitions": [{"from": ["sent", "asked"], "to": "back"}]}'
) ->> 'id' as returns \gset
select is(
    pg_temp.code_of(
        format($$insert into shop.orders (name, pipeline_id) values ('x', %L)$$, :'returns')
    ), 'pipeline.unknown', 'no record begins in a draft'
);
select is(
    (v1.publish_pipeline(:'returns', 1)) ->> 'is_default', 'false',
    'the second pipeline is not the default'
);
insert into shop.orders (name, pipeline_id, stage, note) values ('Back', :'returns', 'asked', 'y');
select is((select stage from shop.orders where name = 'Back'), 'asked', 'but can be named');
select is(
    pg_temp.details_of(format(
        $$insert into shop.orders (name, pipeline_id, stage) values ('x', %L, 'asked')$$, :'returns'
    )) -> 'fields', '["note"]'::jsonb, 'and asks for what its stage asks for'
);
select v1.set_default_pipeline(:'returns'), v1.archive_pipeline(:'pipeline');
insert into shop.orders (name) values ('Default');
select is((select stage from shop.orders where name = 'Default'), 'sent', 'another one is made the default');
select is(
    array[
        pg_temp.code_of(format('select v1.set_default_pipeline(%L)', :'pipeline')),
        pg_temp.code_of(
            format($$insert into shop.orders (name, pipeline_id) values ('x', %L)$$, :'pipeline')
        )
    ], array['pipeline.unknown', 'pipeline.unknown'], 'and what is archived takes no records'
);

select * from finish();
rollback;
