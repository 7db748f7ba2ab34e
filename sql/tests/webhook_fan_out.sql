-- From the numbered events of a tenant to what its webhooks are sent.
begin;
\ir ../support/fixtures.sql
select plan(39);

insert into core.event_types (type, description) values
('test.clock.struck', 'It is late.'), ('test.clock.stopped', 'It is as late as before.');

-- Events as one transaction after the other would commit them.
create function pg_temp.strike(
    tenant uuid, hours integer[], type text default 'test.clock.struck'
)
returns void
language plpgsql
as $$
declare
    hour integer;
begin
    foreach hour in array hours loop
        set constraints all deferred;
        perform core.emit(
            tenant, type, 'clock', '00000000-0000-4000-c000-000000000001',
            jsonb_strip_nulls(jsonb_build_object('hour', hour))
        );
        set constraints all immediate;
    end loop;
    set constraints all deferred;
end
$$;
create function pg_temp.sent_to(endpoint uuid) returns bigint[]
language sql
as $$
    select coalesce(array_agg(event_number order by position), '{}')
    from core.deliveries
    where endpoint_id = endpoint
$$;
create function pg_temp.cursor_of(endpoint uuid) returns bigint
language sql
as $$select number from core.webhook_cursors where endpoint_id = endpoint$$;
create function pg_temp.is_behind(tenant uuid) returns boolean
language sql
as $$select exists (select from core.webhook_marks where tenant_id = tenant)$$;

select pg_temp.strike(:acme, '{1,2}');
select pg_temp.strike(:rival, '{1}');
select is(core.fan_out_events(), 0::bigint, 'without a webhook there is nothing to do');
select is_empty('select from core.webhook_marks', 'and no event is marked');

:as_ada
select
    v1.create_webhook_endpoint(
        'https://all.example.com/', '{test.clock.struck,test.clock.stopped}'
    ) ->> 'id' as all_of_them,
    v1.create_webhook_endpoint(
        'https://late.example.com/', '{test.clock.struck}',
        '{"all": [
            {"field": "data.hour", "op": ">=", "value": 22},
            {"field": "subject_type", "op": "=", "value": "clock"},
            {"field": "actor.kind", "op": "!=", "value": "user"},
            {"field": "at", "op": ">", "value": "2000-01-01T00:00:00Z"}
        ]}'
    ) ->> 'id' as late
\gset
:as_eve
select
    v1.create_webhook_endpoint('https://rival.example.com/', '{test.clock.struck}') ->> 'id'
    as rivals
\gset
:as_owner
set constraints all immediate;
set constraints all deferred;
select is(
    pg_temp.cursor_of(:'all_of_them'), 2::bigint, 'a new webhook begins at the newest event'
);
select ok(core.fan_out_events() > 0, 'what has happened since is looked at');
select is(pg_temp.sent_to(:'all_of_them'), '{}', 'and what it does not name is not sent');
select is(pg_temp.cursor_of(:'all_of_them'), 4::bigint, 'but done with');
select ok(not pg_temp.is_behind(:acme), 'which takes the mark away');
select is(core.fan_out_events(), 0::bigint, 'then there is nothing to do');

select pg_temp.strike(:acme, '{21,22,null,23}');
select pg_temp.strike(:acme, '{23}', 'test.clock.stopped');
select pg_temp.strike(:rival, '{23}');
select ok(pg_temp.is_behind(:acme), 'an event marks its tenant');
select is(core.fan_out_events(), 11::bigint, 'each event is looked at for each endpoint');
select is(
    pg_temp.sent_to(:'all_of_them'), '{5,6,7,8,9}',
    'an endpoint is sent the types it names, in order'
);
select is(
    pg_temp.sent_to(:'late'), '{6,8}',
    'and of these what its condition holds of: not what is unknown'
);
select is(pg_temp.sent_to(:'rivals'), '{3}', 'of its own tenant');
select results_eq(
    format(
        $$
            select
                tenant_id, channel, recipient, template, event_type, data, status,
                idempotency_key
            from core.deliveries
            where endpoint_id = %L and event_number = 6
        $$, :'late'
    ),
    format(
        $$values (%L::uuid, 'webhook', 'https://late.example.com/', 'test.clock.struck',
        'test.clock.struck', '{}'::jsonb, 'queued', 'event:%s:6')$$, :acme, :'late'
    ), 'it is a delivery without a copy of the event'
);
select is(
    (
        select
            array_agg(
                distinct core.webhook_request(deliveries, now()) #>> '{headers,webhook-id}'
            )
        from core.deliveries
        where event_number = 6 and deliveries.tenant_id = :acme
    ), array['evt_' || :acme || '_6'], 'of which each endpoint gets the same id'
);
select is(core.fan_out_events(), 0::bigint, 'nothing is sent twice');
select is(pg_temp.sent_to(:'all_of_them'), '{5,6,7,8,9}', 'by another call');

-- Bounds and fairness -----------------------------------------------------------------------------

select pg_temp.strike(:acme, array(select 1 from generate_series(1, 350)));
select pg_temp.strike(:rival, array(select 1 from generate_series(1, 350)));
create temporary table turns as select core.fan_out_events(1) as looked_at;
select ok(
    (select looked_at in (100, 200) from turns), 'a call is a turn of one tenant at least'
);
select ok(
    (pg_temp.cursor_of(:'all_of_them'), pg_temp.cursor_of(:'rivals')) in ((109, 3), (9, 103)),
    'and of no other'
);
select core.fan_out_events(250);
select ok(
    pg_temp.cursor_of(:'all_of_them') between 109 and 309
    and pg_temp.cursor_of(:'rivals') between 103 and 303,
    'a longer one has turns of all, and leaves something to the next'
);
create temporary table calls as
select core.fan_out_events(250) as looked_at from generate_series(1, 20);
select is(
    pg_temp.sent_to(:'all_of_them'), array(select n from generate_series(5::bigint, 359) as n),
    'step by step all are sent, in order'
);
select is(
    pg_temp.sent_to(:'rivals'), array(select n from generate_series(3::bigint, 353) as n),
    'to everyone'
);

-- Stopping and replaying --------------------------------------------------------------------------

:as_ada
select v1.disable_webhook_endpoint(:'late');
:as_owner
select pg_temp.strike(:acme, '{22,23}');
select core.fan_out_events();
select is(
    array[pg_temp.cursor_of(:'late'), pg_temp.cursor_of(:'all_of_them')], '{359,362}'::bigint[],
    'the cursor of a disabled endpoint stands, and stops no other'
);
:as_ada
select is(
    v1.enable_webhook_endpoint(:'late') ->> 'missed_from', '360', 'enabled it says what it missed'
);
:as_owner
set constraints all immediate;
set constraints all deferred;
select core.fan_out_events();
select is(pg_temp.sent_to(:'late'), '{6,8}', 'and is not flooded with it');
:as_ada
select is(
    v1.replay_webhooks(:'late', 360),
    jsonb_build_object(
        'endpoint_id', :'late', 'replayed', 2, 'complete_to', 363, 'next_number', null,
        'expired_to', null
    ), 'a replay sends it'
);
select is(
    v1.replay_webhooks(:'late', 1, 7) - 'endpoint_id',
    '{"replayed": 1, "complete_to": 7, "next_number": null, "expired_to": null}',
    'and again what had been sent, as far as the condition holds'
);
select is(
    v1.replay_webhooks(:'late', 9999) - 'endpoint_id',
    '{"replayed": 0, "complete_to": 9998, "next_number": null, "expired_to": null}',
    'what is not there yet comes by itself'
);
select is(
    array(
        select
            pg_temp.code_of(
                format('select v1.replay_webhooks(%L, %L, %L)', :'late', first, last)
            )
        from (values (0, null), (-5, 1), (5, 4), (null, 4)) as asked (first, last)
    ), array_fill('webhook.replay_invalid'::text, '{4}'), 'numbers that are none are refused'
);
:as_owner
select is(pg_temp.sent_to(:'late'), '{6,8,361,362,6}', 'each is a delivery of its own');
select is(
    (
        select
            array_agg(
                distinct core.webhook_request(deliveries, now()) #>> '{headers,webhook-id}'
            )
        from core.deliveries
        where event_number = 6 and endpoint_id = :'late'
    ), array['evt_' || :acme || '_6'], 'with the id of the first time'
);
select pg_temp.strike(:acme, array(select 1 from generate_series(1, 400)));
do $$ begin while core.fan_out_events() > 0 loop end loop; end $$;
:as_ada
create temporary table replayed as select v1.replay_webhooks(:'all_of_them', 1) as answer;
select is(
    (select answer - 'endpoint_id' from replayed),
    '{"replayed": 500, "complete_to": 504, "next_number": 505, "expired_to": null}'::jsonb,
    'one call replays so many and no more'
);
select is(
    v1.replay_webhooks(:'all_of_them', 505) ->> 'next_number', null, 'and the next goes on'
);
:as_owner
insert into core.event_expiries (tenant_id, expired_number) values (:acme, 4);
delete from core.events where tenant_id = :acme and number <= 4;
:as_ada
select is(
    v1.replay_webhooks(:'all_of_them', 2, 5) - 'endpoint_id',
    '{"replayed": 1, "complete_to": 5, "next_number": null, "expired_to": 4}',
    'what has expired is named'
);
:as_owner

-- Poison ------------------------------------------------------------------------------------------

update core.webhook_endpoints set condition = '{"field": 1}' where id = :'late';
select pg_temp.strike(:acme, '{23}');
set local client_min_messages = error;
select core.fan_out_events();
set local client_min_messages = warning;
select is(
    (
        select array_agg(concat_ws(' ', status, disabled_reason) order by url)
        from core.webhook_endpoints
        where tenant_id = :acme
    ), '{enabled,"disabled condition.malformed"}',
    'an endpoint that cannot be told is disabled, with the reason'
);
select is(
    pg_temp.cursor_of(:'all_of_them'),
    (select max(number) from core.events where tenant_id = :acme), 'and others go on'
);

-- A tenant that is suspended ----------------------------------------------------------------------

update core.tenants set status = 'suspended' where id = :rival;
select pg_temp.strike(:rival, '{23}');
do $$ begin while core.fan_out_events() > 0 loop end loop; end $$;
create temporary table suspended as select cardinality(pg_temp.sent_to(:'rivals')) as sent;
update core.tenants set status = 'active' where id = :rival;
do $$ begin while core.fan_out_events() > 0 loop end loop; end $$;
select is(
    cardinality(pg_temp.sent_to(:'rivals')) - (select sent from suspended), 1,
    'a suspended tenant is told when it goes on'
);

:as_ada
select is(
    pg_temp.code_of('select core.fan_out_events()'), '42501', 'members do not fan out'
);
:as_service
select is(pg_temp.code_of('select core.fan_out_events()'), 'no error', 'services do');
:as_owner

select * from finish();
rollback;
