-- Drafts, publication and migration: records stay on the version that they began with.
begin;
\ir ../support/fixtures.sql
\ir ../support/orders.sql

\set one '\'00000000-0000-4000-c000-000000000001\''
\set two '\'00000000-0000-4000-c000-000000000002\''
\set three '\'00000000-0000-4000-c000-000000000003\''
select plan(34);

-- Drafts
:as_ada
select v1.save_pipeline('shop.orders', 'orders', 'Orders', '{"stages": []}') as draft \gset
select (:'draft'::jsonb ->> 'id') as pipeline \gset
select is(
    :'draft'::jsonb -> 'problems',
    '[{"code": "pipeline.malformed", "path": "/stages", "problem": "expected a list of at least one stage"}]',
    'a draft may be unfinished, and says what is missing'
);
select is(
    pg_temp.code_of(format('select v1.publish_pipeline(%L, 1)', :'pipeline')), 'pipeline.invalid',
    'but is not published'
);
select is(
    pg_temp.details_of(format('select v1.publish_pipeline(%L, 1)', :'pipeline')) -> 'problems',
    :'draft'::jsonb -> 'problems', 'for all that is wrong with it'
);
select is(
    v1.save_pipeline('shop.orders', 'orders', 'Orders!', pg_temp.orders_definition()) - '{id,tenant_id}'::text[],
    '{"object": "shop.orders", "slug": "orders", "name": "Orders!", "draft": 1, "problems": []}'::jsonb,
    'saved again, it is the same draft'
);
select is(
    jsonb_path_query_array(
        v1.check_pipeline('shop.orders', '{
            "stages": [
                {"stage": "a", "kind": "open", "start": true, "required": ["nothing"],
                 "on_enter": [{"effect": "set_fields", "fields": {"none": 1}}]},
                {"stage": "b", "kind": "won"}
            ],
            "transitions": [{"from": "a", "to": "b"}]
        }'), '$.problems[*].code'
    ), '["pipeline.field_unknown", "effect.field_unknown"]'::jsonb, 'fields are those of the records'
);
select is(
    v1.check_pipeline('shop.orders', '{
        "stages": [
            {"stage": "a", "kind": "open", "start": true, "on_enter": [
                {"effect": "start_timer", "timer": "x", "after_s": 1, "effects": [
                    {"effect": "emit", "type": "core.member.joined"}
                ]},
                {"effect": "create_activity", "type": "task", "subject": "x"},
                {"effect": "deliver", "channel": "email", "template": "core.invitation", "to": "a@b.c"}
            ]},
            {"stage": "b", "kind": "won"}
        ],
        "transitions": [{"from": "a", "to": "b", "permission": "shop.orders.fly"}]
    }') #> '{problems}',
    (
        select jsonb_agg(jsonb_build_object('code', code, 'path', path, 'problem', problem))
        from (values
            ('effect.event_refused', '/stages/0/on_enter/0/effects/0',
             'An effect may not emit events of the type core.member.joined.'),
            ('effect.unsupported', '/stages/0/on_enter/1',
             'Nothing here carries out the effect create_activity.'),
            ('effect.template_refused', '/stages/0/on_enter/2',
             'An effect may not send core.invitation by email.'),
            ('pipeline.permission_unknown', '/transitions', 'there is no permission shop.orders.fly')
        ) as expected (code, path, problem)
        where not exists (
            select from core.effect_handlers where effect = 'create_activity'
        ) or code <> 'effect.unsupported'
    ), 'and effects those that can be carried out'
);
select is(
    array[
        pg_temp.code_of($$select v1.save_pipeline('core.members', 'x', 'X', '{}')$$),
        pg_temp.code_of($$select v1.save_pipeline('shop.orders', 'X', 'X', '{}')$$),
        pg_temp.code_of($$select v1.save_pipeline('shop.orders', 'x', '', '{}')$$),
        pg_temp.code_of($$select v1.save_pipeline('shop.orders', 'x', 'X', '[]')$$),
        pg_temp.code_of($$select v1.save_pipeline('shop.orders', 'x', 'X', null)$$),
        pg_temp.code_of($$select v1.save_pipeline('shop.orders', 'x', 'X',
            jsonb_build_object('x', repeat('x', 66000)))$$),
        pg_temp.code_of($$select v1.check_pipeline('no.such', '{}')$$),
        pg_temp.code_of(format('select v1.publish_pipeline(%L, 2)', :'pipeline'))
    ],
    array[
        'pipeline.object_unknown', 'pipeline.slug_invalid', 'pipeline.slug_invalid',
        'pipeline.malformed', 'pipeline.malformed', 'pipeline.too_large', 'record.object_unknown',
        'pipeline.draft_missing'
    ], 'what is no draft is refused'
);
:as_ann
select is(
    pg_temp.code_of($$select v1.check_pipeline('shop.orders', '{}')$$), 'tenancy.permission_missing',
    'who may not see pipelines checks none'
);

-- Versions
:as_ada
select is(v1.publish_pipeline(:'pipeline', 1) -> 'published', '1'::jsonb, 'the draft is published');
insert into shop.orders (id, name, amount, paid) values
(:one, 'One', 1, true), (:two, 'Two', 1, true), (:three, 'Three', 1, true);
select v1.move(:two, 'packed', 1) ->> 'stage', v1.move(:three, 'cancelled', 1, 'x') ->> 'stage';

select is(
    v1.save_pipeline('shop.orders', 'orders', 'Orders', '{
        "stages": [
            {"stage": "new", "kind": "open", "start": true, "time_limit_s": 60},
            {"stage": "boxed", "kind": "open"},
            {"stage": "shipped", "kind": "won"}
        ],
        "transitions": [{"from": "new", "to": "boxed"}, {"from": "boxed", "to": "shipped"}]
    }') -> 'draft', '2'::jsonb, 'what is saved then is a draft of the next version'
);
select is(
    (
        select array_agg(status order by number) from v1.pipeline_versions
        where pipeline_id = :'pipeline'
    ),
    array['published', 'draft'],
    'beside the one that is published'
);
select is(v1.publish_pipeline(:'pipeline', 2) -> 'published', '2'::jsonb, 'which is published');
select is(
    (
        select array_agg(status order by number) from v1.pipeline_versions
        where pipeline_id = :'pipeline'
    ),
    array['retired', 'published'],
    'and takes the place of the one before'
);
insert into shop.orders (name) values ('Later');
select is(
    (
        select array_agg(versions.number order by orders.name)
        from shop.orders inner join v1.pipeline_versions as versions on versions.id = pipeline_version_id
    ), array[2, 1, 1, 1], 'records stay where they began, and new ones begin with the new one'
);
select is(
    v1.move(:two, 'shipped', 2) ->> 'stage_kind', 'won', 'a record of version 1 finishes on version 1'
);
select is(
    (select jsonb_path_query_array(v1.allowed_moves(:one), '$.moves[*].to')),
    '["packed", "cancelled"]'::jsonb, 'by the ways of version 1'
);

-- Migration
select v1.move(:one, 'packed', 1) ->> 'stage';
select v1.migrate_pipeline(:'pipeline') as dry \gset
select is(
    (:'dry'::jsonb) - 'id',
    '{
        "to_version": 2, "dry_run": true, "without_place": 2, "migrated": 0, "left": 3,
        "stages": [
            {"from_version": 1, "stage": "cancelled", "to": null, "records": 1},
            {"from_version": 1, "stage": "packed", "to": null, "records": 1},
            {"from_version": 1, "stage": "shipped", "to": "shipped", "records": 1}
        ]
    }'::jsonb, 'a dry run says what would become of the records'
);
select is(
    pg_temp.details_of(format('select v1.migrate_pipeline(%L, ''{"packed": "boxed"}'', false)', :'pipeline')),
    '{"count": 1, "stages": [{"from_version": 1, "stage": "cancelled", "to": null, "records": 1}]}'::jsonb,
    'nothing is migrated while one has no place'
);
select is(
    (select count(*) from shop.orders inner join v1.pipeline_versions as versions
    on versions.id = pipeline_version_id where versions.number = 1), 3::bigint, 'not even the others'
);
select is(
    array[
        pg_temp.code_of(format('select v1.migrate_pipeline(%L, ''{"gone": "boxed"}'')', :'pipeline')),
        pg_temp.code_of(format('select v1.migrate_pipeline(%L, ''{"packed": "gone"}'')', :'pipeline')),
        pg_temp.code_of(format('select v1.migrate_pipeline(%L, ''[]'')', :'pipeline'))
    ], array_fill('pipeline.mapping_invalid'::text, array[3]), 'a mapping is of stages that are there'
);
select v1.migrate_pipeline(
    :'pipeline', '{"packed": "boxed", "cancelled": "new"}', false, 2
) as first \gset
select is(
    (:'first'::jsonb) - '{id,stages}'::text[],
    '{"to_version": 2, "dry_run": false, "without_place": 0, "migrated": 2, "left": 1}'::jsonb,
    'records are migrated, so many at a time'
);
select is(
    v1.migrate_pipeline(:'pipeline', '{"packed": "boxed", "cancelled": "new"}', false) -> 'left',
    '0'::jsonb, 'until none is left'
);
select results_eq(
    'select name, stage, stage_kind, version, closed_at is null from shop.orders order by name',
    $$values ('Later', 'new', 'open', 1, true), ('One', 'boxed', 'open', 3, true),
        ('Three', 'new', 'open', 3, true), ('Two', 'shipped', 'won', 5, false)$$,
    'each is where the mapping says'
);
select results_eq(
    format(
        $$
            select record_id, stage, from_stage, left_at is null, versions.number
            from v1.stage_history inner join v1.pipeline_versions as versions
                on versions.id = pipeline_version_id
            where record_id in (%L, %L) order by record_id, entered_at
        $$, :one, :two
    ),
    format(
        $$values
            (%1$L::uuid, 'new', null, false, 1), (%1$L, 'packed', 'new', false, 1),
            (%1$L, 'boxed', 'packed', true, 2), (%2$L, 'new', null, false, 1),
            (%2$L, 'packed', 'new', false, 1), (%2$L, 'shipped', 'packed', true, 2)$$,
        :one, :two
    ), 'who moved to a stage of another name has a new period, who did not goes on with the old'
);
:as_owner
select is(
    (select array_agg(record_id order by record_id) from core.timers where timer = 'stage_time_limit'),
    (select array_agg(id order by id) from shop.orders where stage = 'new'),
    'time limits are those of the new version'
);
select is(
    (select array_agg(data order by position) from core.pending_events where type = 'core.pipeline.migrated'),
    array['{"count": 2, "number": 2}', '{"count": 1, "number": 2}']::jsonb[], 'an event says so'
);
select is(
    (select count(*) from core.pending_events where type = 'shop.order.signalled' and subject_id = :one),
    3::bigint, 'and no effect follows'
);
:as_ada
select is(v1.move(:one, 'shipped', 3) ->> 'stage', 'shipped', 'from then on the new ways lead');
select is(
    v1.migrate_pipeline(:'pipeline') - 'id',
    '{"to_version": 2, "dry_run": true, "without_place": 0, "migrated": 0, "left": 0, "stages": []}'::jsonb,
    'where nothing is left to migrate, nothing is'
);

-- Diagrams
select is(
    v1.pipeline_diagram(:'pipeline'),
    E'stateDiagram-v2\n    direction LR\n    state "New" as s0\n    state "Boxed" as s1\n'
    '    state "Shipped" as s2\n    [*] --> s0\n    s0 --> s1\n    s1 --> s2\n    s2 --> [*]\n',
    'a pipeline is drawn'
);
select matches(v1.pipeline_diagram(:'pipeline', 1), 's1 --> s2 : Ship', 'each of its versions');
:as_vic
select lives_ok(format('select v1.pipeline_diagram(%L)', :'pipeline'), 'for whoever may see it');
:as_eve
select is(
    pg_temp.code_of(format('select v1.pipeline_diagram(%L)', :'pipeline')), 'pipeline.unknown',
    'and nobody else'
);

-- What packs do for tenants
:as_owner
select core.put_pipeline(:rival, 'shop.orders', 'first', 'First', pg_temp.orders_definition()) as made
\gset
select is(
    (
        select core.release_pipeline(pipelines, (:'made'::jsonb ->> 'draft')::integer) -> 'is_default'
        from core.pipelines
        where pipelines.id = (:'made'::jsonb ->> 'id')::uuid
    ), 'true'::jsonb, 'a pack gives a tenant its first pipeline'
);

select * from finish();
rollback;
