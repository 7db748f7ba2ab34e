-- Deliveries are leased, fenced, settled, held back and repeated; nothing of that is lost or twice.
begin;
\ir ../support/fixtures.sql
select plan(88);

-- What is sent is the business of others: here it is made of the data, or fails as that says.
create or replace function core.render_email(
    tenant_id uuid, template text, version integer, language text, brand text, data jsonb
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if data ? 'refused' then
        perform core.fail('delivery.unknown', jsonb_build_object('id', 'x'));
    elsif data ? 'faulty' then
        perform ('s3cret of ' || (data ->> 'faulty'))::uuid;
    end if;
    return jsonb_build_object(
        'template_version', coalesce(version, 7),
        'from', jsonb_build_object('name', 'Acme', 'address', 'mail@acme.example'),
        'subject', 'About ' || (data ->> 'about'), 'text', data ->> 'about', 'html', null
    );
end
$$;

create function pg_temp.mail(
    about text, ordering_key text default null, send_at timestamptz default null,
    expires_at timestamptz default null, data jsonb default '{}',
    recipient text default 'ann@example.com', template text default 'core.test'
)
returns uuid
language sql
return core.enqueue_delivery(
    '00000000-0000-4000-a000-000000000002', 'email', recipient, template,
    data || jsonb_build_object('about', about), ordering_key => ordering_key,
    send_at => send_at, expires_at => expires_at
);
create function pg_temp.claimed(at timestamptz, max_count integer default 50) returns text[]
language sql
return array(
    select request ->> 'text'
    from jsonb_array_elements(core.claim_deliveries('email', max_count, 'w', 60, at)) as request
);
create function pg_temp.finish(about text, lease integer, outcome jsonb, at timestamptz)
returns text
language sql
return (
    select
        core.finish_deliveries(
            jsonb_build_array(
                jsonb_build_object(
                    'tenant_id', tenant_id, 'id', id, 'lease', lease, 'outcome', outcome
                )
            ),
            at
        ) -> 0 ->> 'status'
    from core.deliveries
    where data ->> 'about' = about
);
create function pg_temp.state(about text) returns text
language sql
return (
    select concat_ws(' ', status, held_for, attempts, last_error)
    from core.deliveries where data ->> 'about' = about
);
\set t0 'timestamptz ''2030-01-01 00:00Z'''
\set sent 'jsonb ''{"delivered": true, "status_code": 250}'''
\set busy 'jsonb ''{"delivered": false, "status_code": 451, "phase": "recipient"}'''
create function pg_temp.wake() returns void
language sql
as $$update pgmq.q_tenon_email set vt = clock_timestamp()$$;

-- From the queue to the end.
select pg_temp.mail('one');
select pg_temp.mail('two');
select is(pg_temp.state('one'), 'queued 0', 'what is enqueued is queued');
select is(pg_temp.claimed(:t0, 1), '{one}', 'a worker has as many as it asked for, in order');
select is(pg_temp.state('one'), 'sending 1', 'and has them alone');
select is(pg_temp.claimed(:t0), '{two}', 'another has the others');
select is(pg_temp.claimed(:t0), '{}', 'and a third none');
select is(pg_temp.finish('one', 1, :sent, :t0), 'delivered', 'what is sent is delivered');
select results_eq(
    $$
        select subject, template_version, finished_at, worker from core.deliveries
        where data ->> 'about' = 'one'
    $$,
    $$
        values (
            'About one', 7, timestamptz '2030-01-01 00:00Z', 'w'
        )
    $$,
    'with what was sent, of which version, when and by whom'
);
select is(
    pg_temp.finish('one', 1, :sent, :t0), 'delivered', 'a report that comes twice is heard once'
);
select is(
    pg_temp.finish('one', 1, :busy, :t0), 'delivered', 'and cannot be taken back'
);
select is(
    pg_temp.finish('one', 2, :busy, :t0), 'lease_lost', 'a lease that never was settles nothing'
);
select is(
    (select count(*) from core.delivery_attempts where outcome = 'delivered'), 1::bigint,
    'one attempt stands for it'
);

-- Again, as scheduled.
select is(pg_temp.finish('two', 1, :busy, :t0), 'scheduled', 'what fails is tried again');
select ok(
    (
        select next_attempt_at > :t0 from core.deliveries where data ->> 'about' = 'two'
    ),
    'later'
);
select is(
    (select array_agg(message ->> 'id') from pgmq.q_tenon_email), null,
    'while it waits, and once it is over, the queue has no message of it'
);
select is(pg_temp.claimed(:t0), '{}', 'it is not taken before');
select is(pg_temp.claimed(:t0 + interval '1 day'), '{two}', 'but then');
create function pg_temp.fail_until_dead(about text) returns integer
language plpgsql
as $$
declare
    at timestamptz := '2030-02-01 00:00Z';
    status text := 'scheduled';
    lease integer;
begin
    for lease in 1 .. 50 loop
        if pg_temp.claimed(at) <> array[about] then
            raise exception '% was not due at %', about, at;
        end if;
        status := pg_temp.finish(about, lease, '{"delivered": false, "status_code": 451}', at);
        if status = 'dead' then
            return lease;
        end if;
        at := (
            select next_attempt_at from core.deliveries where data ->> 'about' = about
        );
        -- Nothing a moment before.
        if pg_temp.claimed(at - interval '1 ms') <> '{}' then
            raise exception '% was taken too early', about;
        end if;
    end loop;
    return null;
end
$$;
select pg_temp.finish('two', 2, :sent, :t0 + interval '1 day');
select pg_temp.mail('lost');
select is(
    pg_temp.fail_until_dead('lost'),
    (select count(*)::integer from tenon.retry_schedule('email')),
    'after the last attempt of the schedule it is dead'
);
select matches(pg_temp.state('lost'), '^dead [0-9]+ .*451', 'with its reason');
select ok(
    (
        select bool_and(waits.waited between planned.wait and planned.wait * 1.1)
        from (
            select
                attempts.number,
                lead(attempts.started_at) over (order by attempts.number)
                - attempts.ended_at as waited
            from core.delivery_attempts as attempts
            inner join core.deliveries on deliveries.id = attempts.delivery_id
            where deliveries.data ->> 'about' = 'lost'
        ) as waits
        inner join
            (
                select
                    wait,
                    row_number() over () - 1 as number
                from tenon.retry_schedule('email') as wait
            ) as planned
            on planned.number = waits.number
        where waits.waited is not null
    ),
    'and the attempts were as far apart as it says'
);
select results_eq(
    $$select type, subject_type from core.pending_events where type = 'core.delivery.dead'$$,
    $$values ('core.delivery.dead', 'delivery')$$,
    'that a mail is dead is an event'
);

-- A worker that is gone, and one that is slow.
select pg_temp.mail('slow');
select is(pg_temp.claimed(:t0), '{slow}', 'a worker takes one, and falls silent');
select pg_temp.wake();
select is(
    pg_temp.claimed(:t0 + interval '59 s'), '{}', 'within its lease nobody else has it'
);
select is(pg_temp.state('slow'), 'sending 1', 'even if its message turns up');
select pg_temp.wake();
select is(
    pg_temp.claimed(:t0 + interval '60 s'), '{}', 'after that it waits for its next attempt'
);
select is(
    (
        select array_agg(attempts.outcome order by attempts.number)
        from core.delivery_attempts as attempts
        inner join core.deliveries on deliveries.id = attempts.delivery_id
        where deliveries.data ->> 'about' = 'slow'
    ),
    '{abandoned}', 'and the first counts as abandoned'
);
select is(pg_temp.claimed(:t0 + interval '1 day'), '{slow}', 'another worker takes it');
select is(
    pg_temp.finish('slow', 1, :sent, :t0 + interval '1 day'), 'lease_lost',
    'the slow one cannot finish it now'
);
select is(pg_temp.state('slow'), 'sending 2 abandoned', 'nothing of its report is recorded');
select is(
    pg_temp.finish('slow', 2, :sent, :t0 + interval '1 day'), 'delivered', 'the other can'
);
select pg_temp.mail('late');
select pg_temp.claimed(:t0);
select is(
    pg_temp.finish('late', 1, :sent, :t0 + interval '1 hour'), 'delivered',
    'a lease that is over but that nobody has taken still counts'
);

-- What cannot be made.
select pg_temp.mail('bad', data => '{"refused": true}');
select pg_temp.mail('faulty', data => '{"faulty": "marker"}');
select pgmq.send('tenon_email', '{"id": "nonsense"}');
select pgmq.send('tenon_email', '"nonsense"');
select pgmq.send(
    'tenon_email',
    '{"id": "00000000-0000-4000-8000-00000000dead",
    "tenant_id": "00000000-0000-4000-8000-00000000dead"}'
);
select pg_temp.mail('good');
select is(pg_temp.claimed(:t0), '{good}', 'what cannot be made does not stop the rest');
select is(
    pg_temp.state('bad'), 'dead 1 delivery.unknown', 'a refusal is final, with its code'
);
select is(
    pg_temp.state('faulty'), 'scheduled 1 preparation', 'a fault of ours is tried again'
);
select is_empty(
    $$select from core.delivery_attempts where error ~ 'marker|s3cret'$$,
    'and tells nothing of the values that it met'
);
select is(
    (select count(*) from pgmq.a_tenon_email), 2::bigint, 'messages of nobody are put aside'
);
select pg_temp.finish('good', 1, :sent, :t0);
select is(
    (select count(*) from pgmq.q_tenon_email), 0::bigint, 'and the queue is empty'
);

-- Times.
select pg_temp.mail('tomorrow', send_at => '2029-06-01 00:00Z');
select is(pg_temp.state('tomorrow'), 'scheduled 0', 'what is for later waits');
select is(pg_temp.claimed('2029-05-31 23:59:59Z'), '{}', 'until then');
select is(pg_temp.claimed('2029-06-01 00:00Z'), '{tomorrow}', 'and goes then');
select pg_temp.finish('tomorrow', 1, :sent, :t0);
select pg_temp.mail('stale', expires_at => '2029-06-01 00:00Z');
select is(pg_temp.claimed(:t0), '{}', 'what is of no use any more is not sent');
select is(pg_temp.state('stale'), 'dead 0 expired', 'and says so');

-- One after the other.
select pg_temp.mail(about, 'order') from unnest('{first,second,third}'::text[]) as about;
select pg_temp.mail('aside', 'other');
select is(
    pg_temp.claimed(:t0), '{first,aside}', 'of one ordering key one is on its way at a time'
);
select is(pg_temp.state('second'), 'held order 0', 'the others are held');
select pg_temp.finish('aside', 1, :sent, :t0);
select pg_temp.finish('first', 1, :busy, :t0);
select is(pg_temp.claimed(:t0), '{}', 'also while the first waits for its next attempt');
select is(pg_temp.claimed(:t0 + interval '1 day'), '{first}', 'which goes before the others');
select pg_temp.finish('first', 2, '{"delivered": false, "status_code": 550, "phase": "data"}', :t0);
select matches(pg_temp.state('first'), '^dead', 'one that is dead');
select is(pg_temp.claimed(:t0), '{second}', 'does not stop those behind it');
:as_ada
select v1.cancel_delivery((select id from v1.deliveries where subject is null and held_for = 'order'));
:as_owner
select is(pg_temp.state('third'), 'cancelled 0 cancelled', 'what has not begun can be cancelled');
select pg_temp.finish('second', 1, :sent, :t0);
select is(pg_temp.claimed(:t0), '{}', 'and is not sent');

-- Pauses.
:as_ada
select v1.pause_deliveries('email', 'An incident.');
:as_owner
select pg_temp.mail(about) from unnest('{p1,p2,p3}'::text[]) as about;
select core.enqueue_delivery(:rival, 'email', 'r@example.com', 'core.test', '{"about": "rival"}');
select is(
    pg_temp.claimed(:t0, 1), '{rival}', 'a tenant that pauses does not stop others behind it'
);
select is(
    array[pg_temp.state('p1'), pg_temp.state('p3')], '{held pause 0,held pause 0}',
    'what comes up in a pause is held'
);
:as_eve
select v1.resume_deliveries();
:as_owner
select is(pg_temp.claimed(:t0), '{}', 'nobody else can resume');
:as_ada
select v1.resume_deliveries();
:as_owner
select is(pg_temp.claimed(:t0), '{p1,p2,p3}', 'then everything goes in its order');
select is_empty('select from core.delivery_pauses', 'and the pause is forgotten');
:as_service
select v1.pause_channel('email', 'The provider is down.');
:as_owner
select pg_temp.mail('waiting');
select is(pg_temp.claimed(:t0), '{}', 'an operator can pause a channel for all');
:as_service
select v1.resume_channel('email');
:as_owner
select is(pg_temp.claimed(:t0), '{waiting}', 'and let it go on');

-- A tenant that is suspended sends nothing, and loses nothing.
update core.tenants set status = 'suspended' where id = :acme;
select pg_temp.mail(about) from unnest('{s1,s2}'::text[]) as about;
select is(pg_temp.claimed(:t0), '{}', 'a suspended tenant sends nothing');
select is(pg_temp.state('s1'), 'held tenant 0', 'what it had is held');
select is(core.release_forgotten(:t0), 0, 'for as long as it is suspended');
update core.tenants set status = 'active' where id = :acme;
select is(core.release_forgotten(:t0), 2, 'housekeeping lets it go when that is over');
select is(pg_temp.claimed(:t0), '{s1,s2}', 'in its order');

-- Suppressed addresses, and again by hand.
select core.suppress(:acme, 'email', 'gone@example.com', 'bounce', 'test');
select pg_temp.mail('gone', recipient => 'gone@example.com');
select is(pg_temp.claimed(:t0), '{}', 'nothing goes to an address that is suppressed');
select is(
    pg_temp.state('gone'), 'suppressed 0 recipient_suppressed', 'and the delivery says so'
);
:as_ada
select is(
    (
        select
            v1.replay_delivery(id) ->> 'status'
        from v1.deliveries where status = 'dead' and last_error ~ '451'
    ), 'queued', 'what is dead can be sent again by hand'
);
:as_owner
select is(pg_temp.claimed(:t0), '{lost}', 'and is made anew');
select is(
    pg_temp.finish(
        'lost', (select attempts from core.deliveries where data ->> 'about' = 'lost'), :busy, :t0
    ), 'scheduled', 'with a schedule that begins anew'
);
:as_ada
select is(
    v1.replay_deliveries(status => 'cancelled'), '{"done": true, "replayed": 1}',
    'also many at once'
);
select is(
    array[
        pg_temp.code_of($$select v1.replay_deliveries(status => 'delivered')$$),
        pg_temp.code_of($$select v1.replay_deliveries('pigeon')$$),
        pg_temp.code_of($$select v1.resume_deliveries('pigeon')$$),
        pg_temp.code_of($$select v1.pause_deliveries('pigeon')$$)
    ],
    '{delivery.status_invalid,delivery.channel_unknown,delivery.channel_unknown,
    delivery.channel_unknown}', 'what is not there is named'
);
select is(
    pg_temp.code_of(
        format(
            'select v1.replay_delivery(%L)',
            (select id from v1.deliveries where status = 'delivered' limit 1)
        )
    ), 'delivery.not_over', 'a mail that was delivered is not'
);
:as_owner

-- No more at once than an endpoint takes.
:as_ada
select v1.create_webhook_endpoint(
    'https://hooks.example.com/in', '{core.webhook.test}', max_concurrency => 2
) ->> 'id' as endpoint
\gset
select v1.send_test_webhook(:'endpoint') from generate_series(1, 5);
:as_owner
create function pg_temp.hooks(at timestamptz) returns integer
language sql
return jsonb_array_length(core.claim_deliveries('webhook', 50, 'w', 60, at));
create function pg_temp.hook_states() returns text
language sql
return (
    select string_agg(status || coalesce(' for ' || held_for, ''), ', ' order by position)
    from core.deliveries where channel = 'webhook'
);
select is(pg_temp.hooks(:t0), 2, 'as many are on their way to an endpoint as it takes');
select is(
    pg_temp.hook_states(),
    'sending, sending, held for endpoint, held for endpoint, held for endpoint',
    'the others wait for it aside'
);
select core.finish_deliveries(
    jsonb_agg(
        jsonb_build_object(
            'tenant_id', tenant_id, 'id', id, 'lease', 1,
            'outcome', jsonb '{"delivered": true, "status_code": 204}'
        )
    ), :t0
)
from (
    select
        deliveries.tenant_id,
        deliveries.id
    from core.deliveries
    where deliveries.status = 'sending' and deliveries.channel = 'webhook'
    order by deliveries.position
    limit 1
) as first_one;
select is(
    pg_temp.hook_states(),
    'delivered, sending, queued, held for endpoint, held for endpoint',
    'when one has arrived, the next may go'
);
select is(pg_temp.hooks(:t0), 1, 'and goes');
delete from core.deliveries where status = 'sending' and channel = 'webhook';
select is(pg_temp.hooks(:t0), 0, 'those whose predecessors have vanished would wait for ever');
select is(core.release_forgotten(:t0), 2, 'but for housekeeping');
select is(pg_temp.hooks(:t0), 2, 'and go then');
:as_ada
select v1.send_test_webhook(:'endpoint') from generate_series(1, 2);
:as_owner
select pg_temp.hooks(:t0);
delete from core.webhook_endpoints where id = :'endpoint';
select core.release_forgotten(:t0);
select is(pg_temp.hooks(:t0), 0, 'what is for an endpoint that is gone is not sent');
select is(
    (
        select array_agg(distinct last_error) from core.deliveries
        where channel = 'webhook' and status = 'cancelled'
    ), '{webhook.endpoint_deleted}', 'and says so'
);

-- Secrets go when it is over.
select pg_temp.mail('token s3cret', template => 'auth.recovery');
select is(pg_temp.claimed(:t0), '{third,"token s3cret"}', 'a mail with a code is made');
select pg_temp.finish('third', 1, :sent, :t0);
select results_eq(
    $$select subject from core.deliveries where template = 'auth.recovery'$$,
    array[null::text], 'its subject is not kept'
);
select pg_temp.finish('token s3cret', 1, :sent, :t0);
select is_empty(
    $$select from core.deliveries where deliveries::text ~ 's3cret'$$,
    'nor is anything of it once it is over'
);

-- Who may, and what is no work.
:as_ada
select is(
    array[
        pg_temp.code_of($$select v1.claim_deliveries('email')$$),
        pg_temp.code_of($$select v1.finish_deliveries('[]')$$),
        pg_temp.code_of($$select v1.pause_channel('email', 'x')$$)
    ], '{42501,42501,42501}', 'members do no work of workers'
);
:as_vic
select is(
    array[
        pg_temp.code_of('select v1.pause_deliveries()'),
        pg_temp.code_of('select v1.resume_deliveries()'),
        pg_temp.code_of('select v1.replay_deliveries()')
    ],
    array_fill('tenancy.permission_missing'::text, '{3}'), 'a viewer steers nothing'
);
:as_eve
select is(
    (
        select array_agg(distinct pg_temp.code_of(format('select v1.%s(%L)', action, id)))
        from unnest('{cancel_delivery,replay_delivery}'::text[]) as action
        cross join (values ('00000000-0000-4000-8000-00000000dead')) as none (id)
    ), '{delivery.unknown}', 'what is not there is unknown'
);
:as_service
select is(
    (
        select array_agg(distinct pg_temp.code_of(statement))
        from unnest(array[
            $$select v1.claim_deliveries('email', 0)$$,
            $$select v1.claim_deliveries('email', 501)$$,
            $$select v1.claim_deliveries('email', null)$$,
            $$select v1.claim_deliveries('email', 1, 'w', 9)$$,
            $$select v1.claim_deliveries('email', 1, 'w', 601)$$
        ]) as statement
    ), '{delivery.claim_invalid}', 'a worker cannot ask for anything'
);
select is(
    pg_temp.code_of($$select v1.claim_deliveries('pigeon')$$), 'delivery.channel_unknown',
    'nor of any channel'
);
select is(
    (
        select array_agg(distinct pg_temp.code_of(format('select v1.finish_deliveries(%L)', results)))
        from unnest(array[
            '{}', 'null', '1', '[1]', '[null]', '[{}]', '[{"outcome": {}}]',
            '[{"tenant_id": "x", "id": "y", "lease": 1, "outcome": {}}]',
            '[{"tenant_id": "00000000-0000-4000-8000-00000000dead",
            "id": "00000000-0000-4000-8000-00000000dead", "lease": 1e99, "outcome": {}}]',
            '[{"tenant_id": "00000000-0000-4000-8000-00000000dead",
            "id": "00000000-0000-4000-8000-00000000dead", "lease": 1, "outcome": 1}]'
        ]) as results
    ), '{delivery.results_invalid}', 'nor report nonsense'
);
:as_owner
select is(
    core.rebuild_delivery_queue('email'),
    (
        select count(*) from core.deliveries
        where channel = 'email' and status in ('queued', 'sending')
    ), 'a queue that is lost is made anew'
);

select * from finish();
rollback;
