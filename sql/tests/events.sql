-- Events are numbered at commit without a hole, seen by whoever may, and stay.
begin;
\ir ../support/fixtures.sql
select plan(78);

insert into core.permissions (permission, description) values
('test.deals.read', 'See deals.'), ('test.notes.read', 'See notes.');
select core.allow_system_roles(array['owner'], array['test.deals.read']);
insert into core.event_types (type, description, permission, personal_fields) values
('test.deal.moved', 'A deal is in another stage.', 'test.deals.read', '{}'),
('test.note.added', 'A note was added.', 'test.notes.read', '{author,text}'),
('test.clock.struck', 'It is late.', default, default);

\set commit 'set constraints all immediate; set constraints all deferred;'

-- The numbers and types of a tenant's events, as they are stored.
create function pg_temp.stored(tenant uuid) returns text
language sql
as $$
    select coalesce(string_agg(number || ' ' || type, ', ' order by number), '')
    from core.events
    where tenant_id = stored.tenant
$$;
-- Emits several of a type.
create function pg_temp.emit_some(tenant uuid, emitted text, times integer) returns bigint
language plpgsql
as $$
begin
    for time in 1..emit_some.times loop
        perform core.emit(
            emit_some.tenant, emit_some.emitted, 'deal', gen_random_uuid(),
            jsonb_build_object('time', time)
        );
    end loop;
    return emit_some.times;
end
$$;

-- Numbers -----------------------------------------------------------------------------------------

select is_empty('select from core.events', 'nothing has happened yet');
select core.emit(:acme, 'test.deal.moved', 'deal', :acme, '{"stage": "won"}');
select is_empty('select from core.events', 'what has not been committed has no number');
:commit
select results_eq(
    'select tenant_id, number, type, subject_type, subject_id, actor_kind, actor_id, data
    from core.events',
    format(
        $$values (%L::uuid, 1::bigint, 'test.deal.moved', 'deal', %L::uuid, 'system',
        null::uuid, '{"stage": "won"}'::jsonb)$$, :acme, :acme
    ),
    'at commit it has the first number, and is as it was said'
);
select is((select at from core.events), now(), 'its time is that of the rows it comes with');
select is_empty('select from core.pending_events', 'and nothing waits any more');
select pg_temp.emit_some(:acme, 'test.deal.moved', 2);
select pg_temp.emit_some(:rival, 'test.clock.struck', 1);
select pg_temp.emit_some(:acme, 'test.note.added', 1);
:commit
select is(
    pg_temp.stored(:acme),
    '1 test.deal.moved, 2 test.deal.moved, 3 test.deal.moved, 4 test.note.added',
    'numbers go on in the order of the events'
);
select is(pg_temp.stored(:rival), '1 test.clock.struck', 'in each tenant on its own');

-- A savepoint that is rolled back leaves no trace, whoever was first.
savepoint undone;
select pg_temp.emit_some(:acme, 'test.clock.struck', 2);
rollback to savepoint undone;
:commit
select is(
    (select max(number) from core.events where tenant_id = :acme), 4::bigint,
    'what is rolled back to a savepoint has not happened'
);
savepoint undone;
select pg_temp.emit_some(:acme, 'test.clock.struck', 1);
rollback to savepoint undone;
select pg_temp.emit_some(:acme, 'test.deal.moved', 1);
savepoint kept;
select pg_temp.emit_some(:acme, 'test.note.added', 1);
release savepoint kept;
savepoint undone;
select pg_temp.emit_some(:acme, 'test.clock.struck', 1);
rollback to savepoint undone;
:commit
select is(
    pg_temp.stored(:acme),
    '1 test.deal.moved, 2 test.deal.moved, 3 test.deal.moved, 4 test.note.added, '
    '5 test.deal.moved, 6 test.note.added',
    'what comes after a savepoint that was rolled back is numbered, without a hole'
);
savepoint first_inside;
select pg_temp.emit_some(:acme, 'test.deal.moved', 1);
release savepoint first_inside;
select pg_temp.emit_some(:acme, 'test.note.added', 1);
:commit
select is(
    (select max(number) from core.events where tenant_id = :acme), 8::bigint,
    'events of a savepoint that was released are numbered with the others'
);
savepoint numbered;
select pg_temp.emit_some(:acme, 'test.deal.moved', 3);
:commit
rollback to savepoint numbered;
select pg_temp.emit_some(:acme, 'test.note.added', 1);
:commit
select is(
    (select string_agg(number || ' ' || type, ', ') from core.events
        where tenant_id = :acme and number > 8), '9 test.note.added',
    'numbers given inside a savepoint come back with it'
);

-- In mid-transaction, and from then on at once.
set constraints all immediate;
select pg_temp.emit_some(:acme, 'test.deal.moved', 2);
select is(
    (select max(number) from core.events where tenant_id = :acme), 11::bigint,
    'with constraints immediate each event is numbered at once'
);
set constraints all deferred;
select pg_temp.emit_some(:acme, 'test.deal.moved', 1);
select is(
    (select max(number) from core.events where tenant_id = :acme), 11::bigint,
    'and with constraints deferred at commit again'
);
:commit
select is(
    (select array_agg(number order by number) from core.events where tenant_id = :acme),
    array(select generate_series(1, 12)::bigint), 'without a hole'
);

-- Deferred triggers emit, and so do those that they fire.
create temporary table deals (id integer);
create temporary table echoes (id integer);
create function pg_temp.deal_changed() returns trigger
language plpgsql
as $$
begin
    perform core.emit(
        '00000000-0000-4000-a000-000000000002', 'test.deal.moved', null, null,
        jsonb_build_object('deal', new.id)
    );
    insert into echoes values (new.id);
    return null;
end
$$;
create function pg_temp.echo_changed() returns trigger
language plpgsql
as $$
begin
    perform core.emit(
        '00000000-0000-4000-a000-000000000003', 'test.note.added', null, null,
        jsonb_build_object('deal', new.id)
    );
    return null;
end
$$;
create constraint trigger emits_at_commit after insert on deals
deferrable initially deferred for each row execute function pg_temp.deal_changed();
create constraint trigger emits_after_that after insert on echoes
deferrable initially deferred for each row execute function pg_temp.echo_changed();
insert into deals values (1), (2);
:commit
select is(
    (select count(*) from core.events where data ? 'deal'), 4::bigint,
    'what deferred triggers emit is numbered too'
);
select core.emit(:rival, 'test.clock.struck');
insert into deals values (3);
:commit
select is_empty('select from core.pending_events', 'nothing is left behind');

-- Many in one go.
create table public.statements (events bigint, tenants bigint);
create function public.count_statement() returns trigger
language plpgsql
as $$
begin
    insert into public.statements
    select count(*), count(distinct tenant_id) from appended;
    return null;
end
$$;
create trigger counts after insert on core.events referencing new table as appended
for each statement execute function public.count_statement();
select pg_temp.emit_some(:acme, 'test.deal.moved', 10000);
:commit
select results_eq(
    'select events, tenants from public.statements', 'values (10000::bigint, 1::bigint)',
    'ten thousand events are numbered in one go'
);
select is(
    (
        select array_agg((data ->> 'time')::integer order by number)
        from core.events where data ? 'time' and number > (
            select max(number) - 10000 from core.events where tenant_id = :acme
        ) and tenant_id = :acme
    ),
    array(select generate_series(1, 10000)), 'in the order in which they were emitted'
);
drop trigger counts on core.events;

-- What is emitted ---------------------------------------------------------------------------------

select is(
    pg_temp.code_of(format($$select core.emit(%L, 'test.deal.lost')$$, :acme)),
    'event.type_unknown', 'a type that is not in the catalogue is refused'
);
select is(
    pg_temp.code_of($$select core.emit('00000000-0000-4000-a000-000000000002', null)$$),
    'event.type_unknown', 'no type is refused'
);
select is(
    pg_temp.code_of($$select core.emit(null, 'test.deal.moved')$$),
    'event.tenant_missing', 'an event without a tenant is refused'
);
select is(
    pg_temp.code_of(format($$select core.emit(%L, 'test.deal.moved', data => '[]')$$, :acme)),
    'event.data_invalid', 'data that is no object is refused'
);
select is(
    pg_temp.code_of(format($$select core.emit(%L, 'test.deal.moved', data => null)$$, :acme)),
    'event.data_invalid', 'no data is refused'
);
select is(
    pg_temp.code_of(format(
        $$select core.emit(
            %L, 'test.deal.moved', data => jsonb_build_object('a', repeat('x', 16384 - 8)))$$, :acme
    )), 'event.data_invalid', 'data that is too long is refused'
);
select is(
    pg_temp.code_of(format(
        $$select core.emit(
            %L, 'test.deal.moved', data => jsonb_build_object('a', repeat('x', 16384 - 9)))$$, :acme
    )), 'no error', 'data that just fits is not'
);
savepoint nowhere;
select core.emit(gen_random_uuid(), 'test.deal.moved');
select throws_ok(
    'set constraints all immediate', '23503', null,
    'there is no event in a tenant that is not there'
);
rollback to savepoint nowhere;
:as_ada
select is(
    pg_temp.code_of(format($$select core.emit(%L, 'test.deal.moved')$$, :acme)), '42501',
    'a member cannot forge an event'
);
:as_service
select is(
    pg_temp.code_of(format($$select core.emit(%L, 'test.deal.moved')$$, :acme)), '42501',
    'nor can the service role'
);
-- A function of the platform emits for a member, who commits.
:as_owner
create function public.move_deal() returns void
language sql security definer
as $$
    select core.emit('00000000-0000-4000-a000-000000000002', 'test.deal.moved', 'deal', null)
$$;
grant execute on function public.move_deal() to authenticated;
:as_ada
select public.move_deal();
:commit
select results_eq(
    'select actor_kind, actor_id from v1.events order by number desc limit 1',
    $$values ('user', '00000000-0000-4000-8000-000000000001'::uuid)$$,
    'the actor is whoever calls, and may commit without rights of the own'
);

-- What has happened stays -------------------------------------------------------------------------

:as_owner
select is(
    pg_temp.code_of($$update core.events set data = '{"stage": "lost"}' where number = 1$$),
    'event.append_only', 'an event cannot be changed, by its owner neither'
);
select is(
    pg_temp.code_of('update core.events set number = number + 100000'),
    'event.append_only', 'nor numbered anew'
);
select is(
    pg_temp.code_of('delete from core.events where number = 1'), 'event.append_only',
    'nor removed'
);
select is(
    pg_temp.code_of('truncate core.events'), 'event.append_only', 'nor all of them at once'
);
select is(
    pg_temp.code_of($$delete from core.event_types where type = 'test.deal.moved'$$),
    'event.append_only', 'a type stays'
);
select is(
    pg_temp.code_of($$update core.event_types set type = 'test.deal.gone'
        where type = 'test.deal.moved'$$), 'event.append_only', 'under its name'
);
select is(
    pg_temp.code_of($$update core.event_types set description = 'A deal has a new stage.'
        where type = 'test.deal.moved'$$), 'no error', 'though it may be described better'
);
:as_service
select is(
    pg_temp.code_of('delete from core.events'), '42501', 'the service role removes nothing'
);
select is(
    pg_temp.code_of('update core.event_expiries set expired_number = 9'), '42501',
    'and declares nothing gone'
);
:as_ada
select is(
    pg_temp.code_of(format(
        $$insert into core.events (tenant_id, number, type, at, actor_kind, data)
        values (%L, 100000, 'test.deal.moved', now(), 'user', '{}')$$, :acme
    )), '42501', 'a member writes no events'
);
:as_owner
select core.emit(
    :acme, 'test.note.added', 'note', :acme, '{"author": "Ann", "text": "Hi", "length": 2}'
);
:commit
select is(
    core.forget_in_events(:acme, 'note', :acme), 1::bigint,
    'of the events of a subject what is personal can be forgotten'
);
select is(
    (select data from core.events where subject_type = 'note' and subject_id = :acme),
    '{"length": 2}', 'and nothing else goes with it'
);

-- Reading -----------------------------------------------------------------------------------------

:as_ada
select set_eq(
    'select distinct tenant_id, type from v1.events',
    format(
        $$values (%L::uuid, 'test.deal.moved')$$, :acme
    ), 'an owner sees of the own tenant what the own permissions open'
);
:as_vic
select is_empty('select from v1.events', 'a viewer who may see no deals sees no events of deals');
select is(
    v1.events_since(2, limit_to => 10) - 'newest',
    '{"events": [], "complete_to": 10002, "gap": false}',
    'but how far there was nothing to see'
);
:as_eve
select results_eq(
    'select distinct tenant_id, type from v1.events',
    format($$values (%L::uuid, 'test.clock.struck')$$, :rival), 'another tenant sees its own'
);
:as_gus
select set_eq(
    'select distinct tenant_id from v1.events', format($$values (%L::uuid)$$, :acme),
    'an owner above sees what happens below'
);
select is(
    pg_temp.code_of('select v1.events_since()'), 'tenancy.ambiguous',
    'and says which tenant to follow'
);
:as_sue
select is_empty('select from v1.events', 'a suspended member sees nothing');
select is(
    pg_temp.code_of('select v1.events_since()'), 'tenancy.permission_missing', 'and follows nothing'
);
:as_anon
select is(pg_temp.code_of('select from v1.events'), '42501', 'nor does anybody anonymous');
select is(pg_temp.code_of('select v1.events_since()'), '42501', 'who cannot even ask');
:as_truck
select is(pg_temp.code_of('select from v1.events'), '42501', 'nor a device');
:as_ada
select is(
    pg_temp.code_of('select from core.pending_events'), '42501',
    'nobody sees what has not been committed'
);
select is(
    (
        select jsonb_build_array(
            answer #> '{events,0,number}', answer #> '{events,1,number}',
            jsonb_array_length(answer -> 'events'), answer -> 'complete_to', answer -> 'gap'
        )
        from v1.events_since(4, '{test.deal.moved}', 2) as answer
    ),
    '[5, 7, 2, 7, false]', 'events come in their order, and say up to where they are all'
);
select is(
    (
        select jsonb_build_array(jsonb_array_length(answer -> 'events'), answer -> 'gap')
            || jsonb_build_array(answer -> 'complete_to' = answer -> 'newest')
        from v1.events_since((v1.events_since() -> 'newest')::bigint) as answer
    ),
    '[0, false, true]', 'after the newest there is nothing, and nothing is missing'
);
select is(
    (v1.events_since((v1.events_since() -> 'newest')::bigint + 1) -> 'gap')::boolean, true,
    'a number that no event has yet is of another database, and a gap'
);
select is(
    array[
        pg_temp.code_of('select v1.events_since(-1)'),
        pg_temp.code_of('select v1.events_since(null)'),
        pg_temp.code_of('select v1.events_since(limit_to => 0)'),
        pg_temp.code_of('select v1.events_since(limit_to => 1001)'),
        pg_temp.code_of('select v1.events_since(9223372036854775807)')
    ],
    array_fill('event.since_invalid'::text, '{5}'), 'what cannot be asked is refused'
);
select is(
    pg_temp.code_of($$select v1.events_since(0, '{test.deal.lost}')$$), 'event.type_unknown',
    'so is a type that there is not'
);

-- Hints -------------------------------------------------------------------------------------------

:as_owner
select results_eq(
    $$
        select topic, event, private, extension, payload - 'id' from realtime.messages
        where topic like '%003' order by (payload -> 'number')::bigint limit 1
    $$,
    $$
        values (
            'tenant:00000000-0000-4000-a000-000000000003', 'events', true, 'broadcast',
            '{"number": 1, "types": ["test.clock.struck"]}'::jsonb
        )
    $$,
    'a transaction hints once at its events, on the tenant''s private channel'
);

-- As Realtime asks whether a client may join: it sets the topic, becomes the client, and selects.
create function pg_temp.heard(topic text) returns bigint
language plpgsql
as $$
declare
    found_messages bigint;
begin
    perform set_config('realtime.topic', heard.topic, true);
    select count(*) into found_messages from realtime.messages
    where messages.topic = heard.topic;
    return found_messages;
end
$$;
insert into realtime.messages (topic, extension, event, private, payload)
select topic, 'broadcast', 'events', true, '{}'
from unnest(array['tenant:', 'tenant:acme', 'tenant:' || :acme || 'x', 'x', '']) as topic;
insert into realtime.messages (topic, extension) values ('tenant:' || :acme, 'presence');
:as_vic
select isnt(
    pg_temp.heard('tenant:' || :acme), 0::bigint, 'a member may listen on the own tenant''s channel'
);
select is(pg_temp.heard('tenant:' || :rival), 0::bigint, 'and on no other tenant''s');
select is(
    (
        select sum(pg_temp.heard(topic))
        from unnest(array['tenant:', 'tenant:acme', 'tenant:' || :acme || 'x', 'x', '']) as topic
    ), 0::numeric, 'nor on one that is none, which is no error'
);
select set_config('realtime.topic', 'tenant:' || :acme, true);
select is(
    (select array_agg(distinct extension) from realtime.messages), '{broadcast}',
    'and hears of events there, not of who else listens'
);
select is(
    pg_temp.code_of(
        $$insert into realtime.messages (topic, extension, private)
        values ('tenant:00000000-0000-4000-a000-000000000002', 'broadcast', true)$$
    ), '42501', 'and nobody but the platform hints'
);
:as_gus
select isnt(
    pg_temp.heard('tenant:' || :acme), 0::bigint,
    'an owner above may listen, and need not say which tenant is meant'
);
:as_sue
select is(pg_temp.heard('tenant:' || :acme), 0::bigint, 'a suspended member may not');
:as_anon
select is(pg_temp.heard('tenant:' || :acme), 0::bigint, 'nor may anybody anonymous');

-- Expiry ------------------------------------------------------------------------------------------

:as_owner
select is(
    array[
        core.events_days('{}'), core.events_days('{"core": {"events_days": 30}}'),
        core.events_days('{"core": {"events_days": 0}}'),
        core.events_days('{"core": {"events_days": "30"}}'),
        core.events_days('{"core": {"events_days": 1e9}}')
    ],
    array[400, 30, 400, 400, 400], 'a tenant says how many days events stay, or 400 do'
);
:as_service
select results_eq(
    'select tenants, events, done from core.expire_events()',
    'values (0::bigint, 0::bigint, true)', 'what is young stays'
);
:as_owner
alter table core.events disable trigger events_are_not_changed;
update core.events set at = now() - interval '401 days'
where tenant_id = :acme and (number <= 1500 or number = 1502);
alter table core.events enable trigger events_are_not_changed;
update core.tenants set settings = '{"core": {"events_days": 500}}' where id = :acme;
select results_eq(
    'select tenants, events, done from core.expire_events()',
    'values (0::bigint, 0::bigint, true)', 'as long as its tenant says'
);
update core.tenants set settings = '{}' where id = :acme;
:as_service
select results_eq(
    $$select tenants, events, done from core.expire_events('0 seconds')$$,
    'values (1::bigint, 1000::bigint, false)', 'without time one step is made'
);
select results_eq(
    'select tenants, events, done from core.expire_events()',
    'values (1::bigint, 500::bigint, true)', 'and the rest with time'
);
:as_owner
select is(
    (select min(number) from core.events where tenant_id = :acme), 1501::bigint,
    'events go from the front, without a hole before one that stays'
);
select is(
    pg_temp.code_of('delete from core.events where number <= 1501'), 'event.append_only',
    'and what is not declared gone stays'
);
:as_ada
select is(
    (
        select jsonb_build_array(
            answer -> 'gap', answer #> '{events,0,number}', answer -> 'complete_to'
        )
        from v1.events_since(1499, limit_to => 1) as answer
    ),
    '[true, 1501, 1501]', 'whoever asks after an event that is gone is told of the gap'
);
select is(
    (v1.events_since(1500, limit_to => 1) -> 'gap')::boolean, false,
    'and whoever has seen all that is gone is not'
);

:as_owner
alter table core.events disable trigger events_are_not_changed;
update core.events set at = now() - interval '401 days';
alter table core.events enable trigger events_are_not_changed;
select core.expire_events();
select is_empty('select from core.events', 'all events may expire');
select core.emit(:rival, 'test.clock.struck');
:commit
select is(
    (select number from core.events), (
        select expired_number + 1 from core.event_expiries where tenant_id = :rival
    ), 'after which numbers go on'
);

select * from finish();
rollback;
