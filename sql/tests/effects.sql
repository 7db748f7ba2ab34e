-- Effects and timers: what they do, what they may not, and when.
begin;
\ir ../support/fixtures.sql
\ir ../support/orders.sql

\set one '\'00000000-0000-4000-c000-000000000001\''
\set two '\'00000000-0000-4000-c000-000000000002\''
select plan(34);
:as_ada
insert into shop.orders (id, name, email, owner_id) values
(:one, 'One', 'paula@example.com', '00000000-0000-4000-8000-0000000000a1'), (:two, 'Two', null, null);
:as_owner

create function pg_temp.run(effect jsonb, context jsonb default '{}') returns void
language sql
as $$
select core.run_effects(
    '00000000-0000-4000-a000-000000000002', 'shop.orders', '00000000-0000-4000-c000-000000000001',
    jsonb_build_array(effect), context
)
$$;
create function pg_temp.code_of_effect(effect jsonb) returns text
language sql
as $$select pg_temp.code_of(format('select pg_temp.run(%L)', effect))$$;

-- Set fields
select pg_temp.run('{"effect": "set_fields", "fields": {
    "note": "x", "amount": 12.5, "paid": true, "due_on": "2026-02-28", "custom.a": 1, "custom.b": null
}}');
select is(
    (select array[note, amount::text, paid::text, due_on::text, custom::text, version::text]
    from shop.orders where id = :one),
    array['x', '12.5', 'true', '2026-02-28', '{"a": 1, "b": null}', '2'], 'fields are set in one update'
);
select pg_temp.run('{"effect": "set_fields", "fields": {"note": null, "due_on": {"after_s": 864000}, "custom.c": 2}}');
select is(
    (select array[note, (due_on - (now() at time zone 'UTC')::date)::text, custom::text]
    from shop.orders where id = :one),
    array[null, '10', '{"a": 1, "b": null, "c": 2}'], 'emptied, and set from now on'
);
select is(
    array[
        pg_temp.code_of_effect('{"effect": "set_fields", "fields": {"stage": "won"}}'),
        pg_temp.code_of_effect('{"effect": "set_fields", "fields": {"id": null}}'),
        pg_temp.code_of_effect('{"effect": "set_fields", "fields": {"x\" = 1": null}}'),
        pg_temp.code_of_effect('{"effect": "set_fields", "fields": {"amount": -1}}')
    ], array['effect.field_protected', 'effect.field_protected', 'effect.field_unknown', '23514'],
    'but not where the record stands, nor what it is'
);
select core.guard_fields('shop.orders', 'shop.orders', array['note']);
insert into core.hidden_fields (tenant_id, role_id, object, field) values
(:acme, '00000000-0000-4000-8000-0000000000b1', 'shop.orders', 'note');
:as_ann
select is(
    pg_temp.code_of(format('update shop.orders set note = ''y'' where id = %L', :one)),
    'access.field_hidden', 'what is hidden from a caller the caller does not write'
);
:as_owner
set local "request.jwt.claims" = '{"role": "authenticated", "sub": "00000000-0000-4000-8000-0000000000a1"}';
select pg_temp.run('{"effect": "set_fields", "fields": {"note": "secret"}}');
select is((select note from shop.orders where id = :one), 'secret', 'but an effect does');
select is((core.caller()).kind, 'user', 'and the caller is who it was');
:as_owner

-- Emit
select pg_temp.run('{"effect": "emit", "type": "shop.order.signalled",
    "data": {"name": {"field": "name"}, "a": {"field": "custom.a"}, "b": {"c": 1}}}');
select is(
    (
        select data from core.pending_events
        where type = 'shop.order.signalled' and subject_id = :one and subject_type = 'order'
    ), '{"name": "One", "a": 1, "b": {"c": 1}}'::jsonb, 'an event is emitted, with values of the record'
);
select is(
    array[
        pg_temp.code_of_effect('{"effect": "emit", "type": "core.member.joined"}'),
        pg_temp.code_of_effect('{"effect": "emit", "type": "shop.order.moved"}')
    ], array['effect.event_refused', 'effect.event_refused'], 'but no event that would be a lie'
);

-- Deliver
insert into core.template_kinds (template, description, is_open_to_tenants, variables) values
('shop.shipped', 'Shipped.', true, '{}'), ('shop.internal', 'Ours.', false, '{}'),
('shop.token', 'Token.', true, '{"token": {"type": "text"}}');
select pg_temp.run('{"effect": "deliver", "channel": "email", "template": "shop.shipped",
    "to": {"field": "email"}, "data": {"name": {"field": "name"}}}');
select pg_temp.run('{"effect": "deliver", "channel": "email", "template": "shop.shipped",
    "to": {"user": "owner"}}');
select pg_temp.run('{"effect": "deliver", "channel": "email", "template": "shop.shipped",
    "to": {"user": "actor"}}', '{"actor": {"id": "00000000-0000-4000-8000-000000000001"}}');
select pg_temp.run('{"effect": "deliver", "channel": "email", "template": "shop.shipped",
    "to": "sales@example.com"}');
select set_eq(
    $$select recipient, data::text from core.deliveries where template = 'shop.shipped'$$,
    $$values ('paula@example.com', '{"name": "One"}'), ('ann@example.com', '{}'),
        ('ada@example.com', '{}'), ('sales@example.com', '{}')$$,
    'mails go to a field, the owner, whoever moved, or an address'
);
select pg_temp.run('{"effect": "deliver", "channel": "email", "template": "shop.shipped",
    "to": {"user": "00000000-0000-4000-8000-000000000004"}}');
select pg_temp.run('{"effect": "deliver", "channel": "email", "template": "shop.shipped",
    "to": {"user": "00000000-0000-4000-8000-000000000003"}}');
select pg_temp.run('{"effect": "deliver", "channel": "email", "template": "shop.shipped",
    "to": {"field": "note"}}');
select is(
    (select count(*) from core.deliveries where template = 'shop.shipped'), 4::bigint,
    'but not to a stranger, a member who is suspended, or what is no address'
);
select is(
    (select array_agg(data ->> 'why') from core.pending_events where type = 'core.effect.skipped'),
    array_fill('recipient_missing'::text, array[3]), 'which an event tells'
);
select set_eq(
    $$
        select pg_temp.code_of_effect(
            jsonb_build_object('effect', 'deliver', 'to', 'a@b.c', 'channel', channel,
                'template', template)
        )
        from (values ('email', 'shop.internal'), ('email', 'shop.token'), ('email', 'core.invitation'),
            ('email', 'shop.none'), ('webhook', 'shop.shipped')) as sent (channel, template)
    $$,
    $$values ('effect.template_refused')$$, 'nor anything that a tenant may not send'
);
select is(pg_temp.code_of_effect('{"effect": "explode"}'), 'effect.unsupported', 'what nobody does is refused');
select is(
    array[
        core.effect_problem(:acme, 'shop.orders', '{"effect": "stage_overdue"}') ->> 'code',
        core.effect_problem(:acme, 'shop.orders', '{"effect": "emit", "type": "a.b"}') ->> 'code',
        core.effect_problem(:acme, 'shop.orders', '{"effect": "set_fields", "fields": {"closed": 1}}') ->> 'code',
        core.effect_problem(:acme, 'shop.orders', '{"effect": "cancel_timer", "timer": "x"}') ->> 'code'
    ], array['effect.unsupported', 'effect.event_refused', 'effect.field_unknown', null],
    'and told before'
);

-- Timers
select pg_temp.run('{"effect": "start_timer", "timer": "follow_up", "after_s": 60, "effects": [
    {"effect": "set_fields", "fields": {"note": "followed up"}},
    {"effect": "start_timer", "timer": "follow_up", "after_s": 60, "effects": [
        {"effect": "emit", "type": "shop.order.signalled", "data": {"again": true}}
    ]}
]}', '{"to": "packed"}');
select is(
    (select (timer, due_at - now() between interval '59 s' and interval '61 s', context)::text
    from core.timers), '(follow_up,t,"{""to"": ""packed""}")', 'a timer runs'
);
select results_eq(
    'select run, failed, done from core.run_timers()', 'values (0::bigint, 0::bigint, true)',
    'before its time nothing happens'
);
select results_eq(
    $$select run, failed, done from core.run_timers(100, now() + interval '2 minutes')$$,
    'values (1::bigint, 0::bigint, true)', 'when it is due, it is run'
);
select is(
    (select array[note, (select count(*) from core.timers)::text] from shop.orders where id = :one),
    array['followed up', '1'], 'and may start itself again'
);
select pg_temp.run('{"effect": "cancel_timer", "timer": "follow_up"}');
select is((select count(*) from core.timers), 0::bigint, 'a timer is stopped');

:as_ann
select is((select count(*) from v1.timers), 0::bigint, 'and then there is none to see');
:as_owner
select core.start_timer(:acme, 'shop.orders', :one, 'late', now(), '[{"effect": "set_fields", "fields": {"amount": -1}}]');
select core.start_timer(:acme, 'shop.orders', :one, 'late', now(), '[{"effect": "set_fields", "fields": {"amount": -1}}]');
select core.start_timer(:acme, 'shop.orders', :two, 'late', now(), '[{"effect": "set_fields", "fields": {"amount": 5}}]');
select results_eq(
    'select run, failed, done from core.run_timers(2)', 'values (1::bigint, 1::bigint, false)',
    'a timer that fails holds no other up'
);
select is(
    (select array[attempts::text, (due_at > now())::text, (failed_at is null)::text]
    from core.timers where record_id = :one), array['1', 'true', 'true'], 'it is tried again later'
);
select is(
    (select sum(failed) from generate_series(1, 9) as day
    cross join lateral core.run_timers(10, now() + make_interval(days => day))), 5::numeric,
    'six times in all'
);
select is(
    (select array[attempts::text, (failed_at is not null)::text, (last_error like '%amount_is_not_negative%')::text]
    from core.timers), array['6', 'true', 'true'], 'and then ends, visibly'
);
select is(
    (select count(*) from core.pending_events where type = 'core.timer.failed'), 1::bigint,
    'which an event tells'
);
:as_ann
select is((select array_agg(timer) from v1.timers), array['late'], 'who reaches the record sees its timers');
:as_eve
select is((select count(*) from v1.timers), 0::bigint, 'and nobody else');
select is(
    pg_temp.code_of('select core.run_timers()'), '42501', 'timers are not run by clients'
);
:as_owner
select core.start_timer(:acme, 'shop.orders', :two, 'late', now(), '[]');
update core.tenants set status = 'suspended' where id = :acme;
select is((select run from core.run_timers()), 0::bigint, 'those of a suspended tenant wait');
update core.tenants set status = 'active' where id = :acme;
delete from shop.orders where id = :two;
select is(
    (select count(*) from core.timers where record_id = :two), 0::bigint, 'timers go with their record'
);

-- Time limits of stages
:as_ada
select v1.save_pipeline('shop.orders', 'orders', 'Orders', pg_temp.orders_definition()) ->> 'id'
    as pipeline \gset
select v1.publish_pipeline(:'pipeline', 1) ->> 'published';
insert into shop.orders (id, name, amount) values
('00000000-0000-4000-c000-000000000003', 'Three', 1), ('00000000-0000-4000-c000-000000000004', 'Four', 1);
select v1.move('00000000-0000-4000-c000-000000000003', 'packed', 1) ->> 'stage';
select v1.move('00000000-0000-4000-c000-000000000004', 'packed', 1) ->> 'stage';
select v1.move('00000000-0000-4000-c000-000000000004', 'cancelled', 2, 'x') ->> 'stage';
:as_owner
select results_eq(
    $$select run, failed from core.run_timers(10, now() + interval '2 hours')$$,
    'values (1::bigint, 0::bigint)', 'a time limit is one of a stage that the record is still in'
);
select is(
    (select data ->> 'stage' from core.pending_events where type = 'shop.order.overdue'), 'packed',
    'when it is over, an event says so'
);
select is(
    (select array_agg(note order by name) from shop.orders where name in ('Three', 'Four')),
    array[null, 'late'], 'and what is to follow follows'
);

select core.effect_stage_overdue(
    :acme, 'shop.orders', orders.id, '{}',
    jsonb_build_object('stage', stale.stage, 'entered_at', stale.entered_at)
)
from shop.orders
cross join lateral (
    values ('packed', orders.stage_entered_at), ('cancelled', now() - interval '1 day')
) as stale (stage, entered_at)
where orders.name = 'Four';
select is(
    (select count(*) from core.pending_events where type = 'shop.order.overdue'), 1::bigint,
    'a timer of another stay says nothing'
);

select * from finish();
rollback;
