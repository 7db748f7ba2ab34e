-- How deliveries are taken, sent, finished, held back and repeated.
--
-- A worker claims some and has them for as long as its lease; it reports what it saw, and what
-- follows from that is decided by tenon.delivery_decision. The number of the attempt fences the
-- lease: a worker that took too long finds that another attempt was begun, and finishes nothing.
-- Functions take the time as `at`, so that tests can pass it in; only how long a message of the
-- queue stays hidden goes by the clock of Postgres.

set local lock_timeout = '5s';

create table core.delivery_attempts (
    tenant_id uuid not null,
    delivery_id uuid not null,
    number integer not null,
    channel text not null,
    endpoint_id uuid,
    worker text,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    outcome text not null,
    reason text,
    status_code integer,
    phase text,
    error text,
    response text,
    duration_ms integer,
    foreign key (tenant_id, delivery_id) references core.deliveries (tenant_id, id)
    on delete cascade,
    constraint outcome_is_known check (outcome in ('delivered', 'failed', 'abandoned'))
);
-- All that a summary needs, so that it reads no attempt.
create index delivery_attempts_summary on core.delivery_attempts (tenant_id, ended_at)
include (channel, endpoint_id, outcome, duration_ms);

-- After the others, as that of core.deliveries.
alter table core.delivery_attempts
-- squawk-ignore adding-serial-primary-key-field
add constraint delivery_attempts_pkey primary key (tenant_id, delivery_id, number);

comment on table core.delivery_attempts is
'Every attempt to deliver something that is over, and what came of it.';
comment on column core.delivery_attempts.outcome is
'delivered; failed; abandoned: the worker did not answer within its lease.';
comment on column core.delivery_attempts.reason is
'A stable word for what came of it, such as http_503, as tenon.delivery_decision has it.';
comment on column core.delivery_attempts.status_code is 'Of HTTP or SMTP, where one came.';
comment on column core.delivery_attempts.phase is
'How far it came: connect, tls, auth, sender, recipient, data, response.';
comment on column core.delivery_attempts.response is 'The first 4 KiB of what a receiver answered.';

create table core.delivery_pauses (
    tenant_id uuid not null references core.tenants (id),
    channel text not null,
    reason text,
    paused_at timestamptz not null default now(),
    paused_by uuid default core.caller_id(),
    resumed_at timestamptz,
    primary key (tenant_id, channel),
    constraint reason_is_short check (char_length(reason) <= 500)
);
create index delivery_pauses_resumed on core.delivery_pauses (channel)
where resumed_at is not null;

comment on table core.delivery_pauses is
'Which channels of which tenants stand still. What comes up meanwhile is held.';
comment on column core.delivery_pauses.resumed_at is
'Since when it is over: the row stays until all that was held has gone back to the queue.';

alter table core.delivery_attempts enable row level security;
alter table core.delivery_pauses enable row level security;

create policy delivery_attempts_read on core.delivery_attempts for select to authenticated
using (tenant_id = any((select core.tenants_with('core.deliveries.read'))::uuid[]));
create policy delivery_pauses_read on core.delivery_pauses for select to authenticated
using (tenant_id = any((select core.tenants_with('core.deliveries.read'))::uuid[]));

grant select on core.delivery_attempts, core.delivery_pauses to authenticated, service_role;

select core.audit('core.delivery_pauses', '{}');

select
    core.map_not_personal(
        'What servers say, with the recipient masked: goes with its delivery, by the foreign key.',
        'core.delivery_attempts.reason', 'core.delivery_attempts.error',
        'core.delivery_attempts.response'
    );
select
    core.map_not_personal(
        'A member''s word on why a channel stands still.', 'core.delivery_pauses.reason'
    );
select
    core.map_personal(
        'core.delivery_pauses.paused_by', 'user.unique_id', 'paused_by is user_id', 'set_null'
    );
select core.refresh_audits();

insert into core.event_types (type, description, permission) values
(
    'core.delivery.dead', 'A mail could not be delivered, and is not tried again.',
    'core.deliveries.read'
);

insert into core.errors (code, status, message, hint) values
(
    'delivery.claim_invalid', 400,
    'A worker takes 1 to {count_max} deliveries at a time, for {lease_s_min} to {lease_s_max} s.',
    'Ask for fewer, and finish them in time.'
),
(
    'delivery.results_invalid', 400,
    'Results are an array of at most {count_max} objects with tenant_id, id, lease and outcome.',
    'Give back what v1.claim_deliveries gave, with an outcome each.'
),
(
    'delivery.unknown', 404, 'None of your tenants has the delivery {id}.',
    'Compare the id with v1.deliveries.'
),
(
    'delivery.in_flight', 409, 'The delivery {id} is on its way, or over.',
    'Only what has not been begun can be cancelled.'
),
(
    'delivery.not_over', 409, 'The delivery {id} is not over, or cannot be repeated.',
    'What is dead, cancelled or suppressed can be repeated, and webhooks that were delivered.'
),
(
    'delivery.status_invalid', 400, 'Deliveries that are {status} cannot be repeated together.',
    'Name dead, cancelled or suppressed.'
),
(
    'delivery.secret_gone', 409, 'What the delivery {id} was made from has been deleted.',
    'Cause it again: mails with codes and links are not kept once they are over.'
);

-- Back to the queue -------------------------------------------------------------------------------

create function core.send_to_queue(channel text, deliveries jsonb[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if cardinality(send_to_queue.deliveries) > 0 then
        perform pgmq.send_batch(channels.queue, send_to_queue.deliveries)
        from core.delivery_channels as channels
        where channels.channel = send_to_queue.channel;
    end if;
end
$$;

comment on function core.send_to_queue(text, jsonb[]) is
'Puts messages of a channel, {"tenant_id", "id"} each, into its queue. Internal.';

create function core.queue_deliveries(channel text, deliveries jsonb[]) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
    update core.deliveries as queued set status = 'queued', held_for = null
    from unnest(queue_deliveries.deliveries) as named
    where
        queued.tenant_id = (named ->> 'tenant_id')::uuid
        and queued.id = (named ->> 'id')::uuid;
    perform core.send_to_queue(queue_deliveries.channel, queue_deliveries.deliveries);
    return coalesce(cardinality(queue_deliveries.deliveries), 0);
end
$$;

comment on function core.queue_deliveries(text, jsonb[]) is
'Makes deliveries of a channel ready, {"tenant_id", "id"} each, which whoever calls has locked.
Returns how many. Internal.';

create function core.release_deliveries(
    channel text, at timestamptz default clock_timestamp(), max_count integer default 1000
)
returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
    ready jsonb[];
    pause core.delivery_pauses;
    released integer;
begin
    ready := array(
        select
            jsonb_build_object('tenant_id', deliveries.tenant_id, 'id', deliveries.id)
        from core.deliveries
        where
            deliveries.channel = release_deliveries.channel
            and deliveries.status = 'scheduled'
            and deliveries.next_attempt_at <= release_deliveries.at
        order by deliveries.next_attempt_at
        limit release_deliveries.max_count
        for no key update skip locked
    );
    released := core.queue_deliveries(release_deliveries.channel, ready);

    -- What a pause held back goes in its order. The lock waits for whoever is about to hold more.
    for pause in
        select pauses.*
        from core.delivery_pauses as pauses
        where
            pauses.channel = release_deliveries.channel
            and pauses.resumed_at is not null
        limit 100
        for update skip locked
    loop
        ready := array(
            select
                jsonb_build_object('tenant_id', deliveries.tenant_id, 'id', deliveries.id)
            from core.deliveries
            where
                deliveries.tenant_id = pause.tenant_id
                and deliveries.channel = pause.channel
                and deliveries.status = 'held'
                and deliveries.held_for = 'pause'
            order by deliveries.position
            limit release_deliveries.max_count
            for no key update
        );
        released := released + core.queue_deliveries(release_deliveries.channel, ready);
        if cardinality(ready) < release_deliveries.max_count then
            delete from core.delivery_pauses as pauses
            where pauses.tenant_id = pause.tenant_id and pauses.channel = pause.channel;
        end if;
    end loop;
    return released;
end
$$;

comment on function core.release_deliveries(text, timestamptz, integer) is
'Puts deliveries of a channel into its queue whose time has come, and those that a pause held which
is over; at most max_count of each tenant. Returns how many. Definer, because it works for every
tenant; service_role may call it.';

create function core.release_order(tenant_id uuid, ordering_key text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
    following record;
begin
    perform core.lock_order(release_order.tenant_id, release_order.ordering_key);
    select
        deliveries.id,
        deliveries.channel,
        deliveries.held_for
    into following
    from core.deliveries
    where
        deliveries.tenant_id = release_order.tenant_id
        and deliveries.ordering_key = release_order.ordering_key
        and deliveries.finished_at is null
    order by deliveries.position
    limit 1
    for no key update;
    if following.held_for = 'order' then
        perform core.queue_deliveries(
            following.channel,
            array[jsonb_build_object('tenant_id', release_order.tenant_id, 'id', following.id)]
        );
    end if;
end
$$;

comment on function core.release_order(uuid, text) is
'Puts the next delivery of an ordering key into the queue, once the one before it is over.
Internal.';

create function core.endpoint_room(tenant_id uuid, endpoint_id uuid, at timestamptz)
returns integer
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select endpoints.max_concurrency
        from core.webhook_endpoints as endpoints
        where
            endpoints.tenant_id = endpoint_room.tenant_id
            and endpoints.id = endpoint_room.endpoint_id
    ) - (
        select count(*)
        from core.deliveries
        where
            deliveries.tenant_id = endpoint_room.tenant_id
            and deliveries.endpoint_id = endpoint_room.endpoint_id
            and deliveries.status = 'sending'
            and deliveries.lease_expires_at > endpoint_room.at
    );
end
$$;

comment on function core.endpoint_room(uuid, uuid, timestamptz) is
'How many deliveries more an endpoint takes at once. Internal.';

create function core.release_endpoint(tenant_id uuid, endpoint_id uuid, at timestamptz)
returns integer
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
    room constant integer := core.endpoint_room(
        release_endpoint.tenant_id, release_endpoint.endpoint_id, release_endpoint.at
    );
begin
    return core.queue_deliveries(
        'webhook',
        array(
            select
                jsonb_build_object('tenant_id', deliveries.tenant_id, 'id', deliveries.id)
            from core.deliveries
            where
                deliveries.tenant_id = release_endpoint.tenant_id
                and deliveries.endpoint_id = release_endpoint.endpoint_id
                and deliveries.status = 'held'
                and deliveries.held_for = 'endpoint'
            order by deliveries.position
            -- An endpoint that has been deleted has room for all: they are cancelled.
            limit greatest(coalesce(room, 1000), 0)
            for no key update skip locked
        )
    );
end
$$;

comment on function core.release_endpoint(uuid, uuid, timestamptz) is
'Puts deliveries into the queue that were held because their endpoint was busy, as many as it takes
now. Returns how many. Definer, because housekeeping calls it; internal.';

create function core.release_forgotten(at timestamptz default clock_timestamp()) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    -- What a tenant that is resumed gets back at once.
    step constant integer := 10000;
    waiting record;
    released integer := 0;
begin
    for waiting in
        select
            tenants.id as tenant_id,
            held.channel,
            array_agg(
                jsonb_build_object('tenant_id', tenants.id, 'id', held.id) order by held.position
            ) as ready
        from core.tenants
        cross join lateral (
            select
                deliveries.channel,
                deliveries.id,
                deliveries.position
            from core.deliveries
            where
                deliveries.tenant_id = tenants.id
                and deliveries.status = 'held'
                and deliveries.held_for = 'tenant'
            order by deliveries.position
            limit step
            for no key update skip locked
        ) as held
        where tenants.status <> 'suspended'
        group by tenants.id, held.channel
    loop
        released := released + core.queue_deliveries(waiting.channel, waiting.ready);
    end loop;
    for waiting in
        with recursive endpoints as (
            (
                select
                    deliveries.tenant_id,
                    deliveries.endpoint_id
                from core.deliveries
                where deliveries.status = 'held' and deliveries.held_for = 'endpoint'
                order by deliveries.tenant_id, deliveries.endpoint_id
                limit 1
            )
            union all
            select
                following.tenant_id,
                following.endpoint_id
            from endpoints
            cross join lateral (
                select
                    deliveries.tenant_id,
                    deliveries.endpoint_id
                from core.deliveries
                where
                    deliveries.status = 'held'
                    and deliveries.held_for = 'endpoint'
                    and (deliveries.tenant_id, deliveries.endpoint_id)
                    > (endpoints.tenant_id, endpoints.endpoint_id)
                order by deliveries.tenant_id, deliveries.endpoint_id
                limit 1
            ) as following
        )
        select
            endpoints.tenant_id,
            endpoints.endpoint_id
        from endpoints
    loop
        released := released + core.release_endpoint(
            waiting.tenant_id, waiting.endpoint_id, release_forgotten.at
        );
    end loop;
    return released;
end
$$;

comment on function core.release_forgotten(timestamptz) is
'Puts deliveries into the queue that nobody else would: those of tenants that are not suspended any
more, and those that wait for an endpoint which has nothing on its way any more, because a worker
died. Returns how many. For housekeeping. Definer, because it works for every tenant; service_role
may call it.';

create function core.rebuild_delivery_queue(channel text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    queue constant text := (
        select channels.queue
        from core.delivery_channels as channels
        where channels.channel = rebuild_delivery_queue.channel
    );
    messages jsonb[];
begin
    perform core.check_channel(rebuild_delivery_queue.channel);
    perform pgmq.purge_queue(queue);
    select
        array_agg(
            jsonb_build_object('tenant_id', deliveries.tenant_id, 'id', deliveries.id)
            order by deliveries.position
        )
    into messages
    from core.deliveries
    where
        deliveries.channel = rebuild_delivery_queue.channel
        and deliveries.status in ('queued', 'sending');
    perform core.send_to_queue(rebuild_delivery_queue.channel, messages);
    return coalesce(cardinality(messages), 0);
end
$$;

comment on function core.rebuild_delivery_queue(text) is
'Makes the messages of a channel''s queue anew from core.deliveries, while no worker runs: after a
restore without the queue''s tables, say. Returns how many there are. Definer, because it writes the
queue; service_role may call it.';

-- The end of a delivery ---------------------------------------------------------------------------

create function core.holds_secrets(template text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from core.template_kinds as kinds
        where kinds.template = holds_secrets.template and kinds.holds_secrets
    );
end
$$;

comment on function core.holds_secrets(text) is
'Whether deliveries of a template are made from secrets, such as codes. Internal.';

create function core.end_delivery(
    delivery core.deliveries, status text, reason text, at timestamptz
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    holds_secrets constant boolean := core.holds_secrets(delivery.template);
begin
    update core.deliveries
    set
        status = end_delivery.status,
        held_for = null,
        next_attempt_at = null,
        lease_expires_at = null,
        finished_at = end_delivery.at,
        data = case when holds_secrets then '{}' else deliveries.data end,
        data_deleted_at = case when holds_secrets then end_delivery.at end,
        last_error = case
            when end_delivery.status <> 'delivered' then left(end_delivery.reason, 1000)
        end
    where deliveries.tenant_id = delivery.tenant_id and deliveries.id = delivery.id;
    if delivery.ordering_key is not null then
        perform core.release_order(delivery.tenant_id, delivery.ordering_key);
    end if;
    if end_delivery.status = 'dead' and delivery.channel = 'email' then
        perform core.emit(
            delivery.tenant_id, 'core.delivery.dead', 'delivery', delivery.id,
            jsonb_build_object('template', delivery.template, 'channel', delivery.channel)
        );
    end if;
end
$$;

comment on function core.end_delivery(core.deliveries, text, text, timestamptz) is
'Records that a delivery is over, forgets what it was made from where that holds secrets, and lets
the next of its ordering key go. Internal.';

create function core.record_attempt(
    delivery core.deliveries,
    outcome text,
    reason text,
    at timestamptz,
    facts jsonb default '{}'
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into core.delivery_attempts (
        tenant_id, delivery_id, number, channel, endpoint_id, worker, started_at, ended_at,
        outcome, reason, status_code, phase, error, response, duration_ms
    )
    values (
        delivery.tenant_id,
        delivery.id,
        delivery.attempts,
        delivery.channel,
        delivery.endpoint_id,
        delivery.worker,
        delivery.claimed_at,
        greatest(record_attempt.at, delivery.claimed_at),
        record_attempt.outcome,
        record_attempt.reason,
        core.integer_of(facts, 'status_code'),
        left(facts ->> 'phase', 20),
        -- What servers say often repeats the address.
        left(replace(facts ->> 'error', delivery.recipient, delivery.recipient_masked), 1000),
        left(facts ->> 'response', 4096),
        core.integer_of(facts, 'duration_ms')
    );
end
$$;

comment on function core.record_attempt(core.deliveries, text, text, timestamptz, jsonb) is
'Keeps what came of the delivery''s current attempt. Internal.';

create function core.integer_of(facts jsonb, key text) returns integer
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when
            jsonb_typeof(facts -> key) = 'number'
            and (facts -> key)::numeric between -2147483648 and 2147483647
            then (facts -> key)::numeric::integer
    end;
end
$$;

comment on function core.integer_of(jsonb, text) is
'The number under a key as an integer, null where there is none that fits. Internal.';

create function core.settle_attempt(
    delivery core.deliveries, outcome text, facts jsonb, at timestamptz
)
returns text
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    decision record;
begin
    select decided.* into strict decision
    from tenon.delivery_decision(
        delivery.channel,
        delivery.attempts - delivery.attempts_before_replay,
        facts,
        settle_attempt.at,
        delivery.id::text
    ) as decided;
    perform core.record_attempt(
        delivery,
        case when decision.status = 'delivered' then 'delivered' else settle_attempt.outcome end,
        decision.reason,
        settle_attempt.at,
        facts
    );
    if decision.status = 'scheduled' then
        update core.deliveries
        set
            status = 'scheduled',
            lease_expires_at = null,
            next_attempt_at = decision.next_attempt_at,
            last_error = left(decision.reason, 1000)
        where deliveries.tenant_id = delivery.tenant_id and deliveries.id = delivery.id;
    else
        perform core.end_delivery(
            delivery, decision.status, decision.reason, settle_attempt.at
        );
    end if;
    if decision.suppress then
        perform core.suppress(
            delivery.tenant_id, delivery.channel, delivery.recipient, 'bounce',
            decision.reason
        );
    end if;
    if delivery.endpoint_id is not null then
        if decision.disable_endpoint then
            perform core.disable_endpoint(
                delivery.tenant_id, delivery.endpoint_id, decision.reason
            );
        elsif
            settle_attempt.outcome <> 'abandoned'
            and facts ->> 'phase' is distinct from 'prepare'
        then
            perform core.note_endpoint_outcome(
                delivery.tenant_id, delivery.endpoint_id, decision.status = 'delivered',
                settle_attempt.at
            );
        end if;
    end if;
    return decision.status;
end
$$;

comment on function core.settle_attempt(core.deliveries, text, jsonb, timestamptz) is
'Records what came of the current attempt, and does what is decided to follow: another attempt
later, or the end. Returns the delivery''s new status. Internal.';

-- Claiming ----------------------------------------------------------------------------------------

create function core.hold_delivery(delivery core.deliveries, held_for text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    update core.deliveries
    set status = 'held', held_for = hold_delivery.held_for, lease_expires_at = null
    where deliveries.tenant_id = delivery.tenant_id and deliveries.id = delivery.id;
end
$$;

comment on function core.hold_delivery(core.deliveries, text) is
'Takes a delivery aside until what it waits for is over. Internal.';

create function core.must_wait_for(delivery core.deliveries, at timestamptz) returns text
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    -- The lock keeps the pause's row, which is deleted once nothing is held for it.
    perform
    from core.delivery_pauses as pauses
    where
        pauses.tenant_id = delivery.tenant_id
        and pauses.channel = delivery.channel
        and pauses.resumed_at is null
    for key share;
    if found then
        return 'pause';
    end if;
    if exists (
        select from core.tenants
        where tenants.id = delivery.tenant_id and tenants.status = 'suspended'
    ) then
        return 'tenant';
    end if;
    if
        delivery.ordering_key is not null
        and exists (
            select from core.deliveries as earlier
            where
                earlier.tenant_id = delivery.tenant_id
                and earlier.ordering_key = delivery.ordering_key
                and earlier.finished_at is null
                and earlier.position < delivery.position
        )
    then
        return 'order';
    end if;
    if
        delivery.endpoint_id is not null
        and core.endpoint_room(delivery.tenant_id, delivery.endpoint_id, must_wait_for.at) <= 0
    then
        return 'endpoint';
    end if;
    return null;
end
$$;

comment on function core.must_wait_for(core.deliveries, timestamptz) is
'What a delivery has to wait for before it may be sent: pause, tenant, order, endpoint, or nothing
(null). Internal.';

create function core.prepare_delivery(delivery core.deliveries, at timestamptz) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    request jsonb;
begin
    if delivery.channel = 'webhook' then
        return core.webhook_request(delivery, prepare_delivery.at);
    end if;
    request := core.render_email(
        delivery.tenant_id, delivery.template, delivery.template_version, delivery.language,
        delivery.brand, delivery.data
    );
    return request || jsonb_build_object(
        'to', delivery.recipient,
        'message_id', format(
            '<%s@%s>', delivery.id, split_part(request -> 'from' ->> 'address', '@', 2)
        ),
        'idempotency_key', concat_ws('.', delivery.id, nullif(delivery.attempts_before_replay, 0))
    );
end
$$;

comment on function core.prepare_delivery(core.deliveries, timestamptz) is
'What a worker needs to send a delivery: the mail or the signed request. Message-ID and key stay the
same on every attempt, so that whoever gets it twice can tell; once it is put back by hand, a
provider that remembers the key takes it again. Internal.';

create function core.claim_delivery(
    message_id bigint, named jsonb, worker text, lease_s integer, at timestamptz,
    out request jsonb, out is_done boolean
)
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    delivery core.deliveries;
    waits_for text;
    failure text;
    failure_state text;
begin
    is_done := true;
    select deliveries.* into delivery
    from core.deliveries
    where
        deliveries.tenant_id = (named ->> 'tenant_id')::uuid
        and deliveries.id = (named ->> 'id')::uuid
    for no key update skip locked;
    if not found then
        -- Whoever has the row locked ends or changes it: the message comes up again, or is gone.
        is_done := not exists (
            select from core.deliveries
            where
                deliveries.tenant_id = (named ->> 'tenant_id')::uuid
                and deliveries.id = (named ->> 'id')::uuid
        );
        return;
    elsif delivery.status = 'sending' then
        if delivery.lease_expires_at > claim_delivery.at then
            is_done := false;
        else
            perform core.settle_attempt(
                delivery, 'abandoned', jsonb '{"error_code": "abandoned"}', claim_delivery.at
            );
        end if;
        return;
    elsif delivery.status <> 'queued' then
        return;
    elsif delivery.expires_at <= claim_delivery.at then
        perform core.end_delivery(delivery, 'dead', 'expired', claim_delivery.at);
        return;
    elsif
        delivery.channel = 'email'
        and core.is_suppressed(delivery.tenant_id, delivery.channel, delivery.recipient)
    then
        perform core.end_delivery(
            delivery, 'suppressed', 'recipient_suppressed', claim_delivery.at
        );
        return;
    end if;
    waits_for := core.must_wait_for(delivery, claim_delivery.at);
    if waits_for is not null then
        perform core.hold_delivery(delivery, waits_for);
        return;
    end if;

    update core.deliveries
    set
        status = 'sending',
        attempts = deliveries.attempts + 1,
        next_attempt_at = null,
        claimed_at = claim_delivery.at,
        lease_expires_at = claim_delivery.at + make_interval(secs => lease_s),
        worker = left(claim_delivery.worker, 100),
        queue_message_id = claim_delivery.message_id
    where deliveries.tenant_id = delivery.tenant_id and deliveries.id = delivery.id
    returning deliveries.* into delivery;
    begin
        request := core.prepare_delivery(delivery, claim_delivery.at);
    exception
        when others then
            -- What passes by itself concerns the whole claim, which is repeated.
            if sqlstate ~ '^(40|53|55|57|58|XX)' then
                raise;
            end if;
            failure := sqlerrm;
            failure_state := sqlstate;
    end;
    if failure_state = 'PGRST' then
        perform core.record_attempt(
            delivery, 'failed', failure::jsonb ->> 'code', claim_delivery.at,
            jsonb_build_object('phase', 'prepare', 'error', failure::jsonb ->> 'message')
        );
        perform core.end_delivery(
            delivery, 'dead', failure::jsonb ->> 'code', claim_delivery.at
        );
    elsif failure_state is not null then
        perform core.settle_attempt(
            delivery, 'failed',
            -- Without the words, in which there may be values.
            jsonb_build_object(
                'phase', 'prepare',
                'error_code', 'preparation',
                'error', 'SQLSTATE ' || failure_state
            ),
            claim_delivery.at
        );
    elsif request ? 'cancelled' then
        perform core.end_delivery(
            delivery, 'cancelled', request ->> 'cancelled', claim_delivery.at
        );
        request := null;
    else
        is_done := false;
        if delivery.template_version is null and request ? 'template_version' then
            update core.deliveries
            set
                template_version = (request ->> 'template_version')::integer,
                subject = case
                    when not core.holds_secrets(delivery.template)
                        then left(request ->> 'subject', 998)
                end
            where deliveries.tenant_id = delivery.tenant_id and deliveries.id = delivery.id;
        end if;
        request := request || jsonb_build_object(
            'tenant_id', delivery.tenant_id,
            'id', delivery.id,
            'attempt', delivery.attempts - delivery.attempts_before_replay,
            'lease', delivery.attempts,
            'lease_expires_at', delivery.lease_expires_at
        );
    end if;
end
$$;

comment on function core.claim_delivery(bigint, jsonb, text, integer, timestamptz) is
'Takes the delivery that a message names: request is what its worker sends, null where there is
nothing to send now; is_done: whether the message is of no use any more. Internal.';

create function core.names_delivery(named jsonb) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    uuid_pattern constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
begin
    return coalesce(
        named ->> 'tenant_id' ~* uuid_pattern and named ->> 'id' ~* uuid_pattern, false
    );
end
$$;

comment on function core.names_delivery(jsonb) is
'Whether {"tenant_id", "id"} holds two UUIDs. Internal.';

create function core.lock_endpoints(named jsonb[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform
    from core.webhook_endpoints as endpoints
    where (endpoints.tenant_id, endpoints.id) in (
        select
            deliveries.tenant_id,
            deliveries.endpoint_id
        from unnest(lock_endpoints.named) as element
        inner join core.deliveries
            on
                deliveries.tenant_id = (element ->> 'tenant_id')::uuid
                and deliveries.id = (element ->> 'id')::uuid
    )
    order by endpoints.tenant_id, endpoints.id
    for no key update;
end
$$;

comment on function core.lock_endpoints(jsonb[]) is
'Makes workers that take or finish deliveries of the same endpoints wait for each other, so that
they do not count each other''s at once. In one order everywhere, and once a transaction, so that
none waits in a circle. Internal.';

create function core.lock_more_endpoints(named jsonb[]) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp
-- Whoever has locks already may be what the others wait for.
set lock_timeout = '1ms'
as $$
begin
    perform core.lock_endpoints(lock_more_endpoints.named);
    return true;
exception
    when lock_not_available then
        return false;
end
$$;

comment on function core.lock_more_endpoints(jsonb[]) is
'core.lock_endpoints for whoever has locked some already: without waiting. False, and without a lock
more, where another one has one of them. Internal.';

create function core.claim_deliveries(
    channel text,
    max_count integer,
    worker text,
    lease_s integer,
    at timestamptz default clock_timestamp()
)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- Workers keep their plans, also those of an outbox that was empty.
set enable_seqscan = off
as $$
declare
    count_max constant integer := 500;
    lease_s_min constant integer := 10;
    lease_s_max constant integer := 600;
    rounds_max constant integer := 20;
    taken core.delivery_channels;
    message record;
    messages bigint[] := '{}';
    named jsonb[] := '{}';
    claimed record;
    done bigint[] := '{}';
    requests jsonb[] := '{}';
begin
    perform core.check_channel(claim_deliveries.channel);
    select channels.* into taken
    from core.delivery_channels as channels
    where channels.channel = claim_deliveries.channel;
    if
        (max_count between 1 and count_max and lease_s between lease_s_min and lease_s_max)
        is not true
    then
        perform core.fail(
            'delivery.claim_invalid',
            jsonb_build_object(
                'count_max', count_max, 'lease_s_min', lease_s_min, 'lease_s_max', lease_s_max
            )
        );
    elsif taken.paused_at is not null then
        return '[]';
    end if;
    if taken.channel = 'webhook' then
        -- As many as can be claimed: whoever claims waits for what is put into the outbox.
        perform core.fan_out_events(2 * max_count);
    end if;
    perform core.release_deliveries(taken.channel, claim_deliveries.at);

    -- What is held back on the way must not make the queue look empty.
    for round in 1 .. rounds_max loop
        messages := '{}';
        named := '{}';
        for message in
            select
                read.msg_id as id,
                read.message as named
            from pgmq.read(taken.queue, lease_s, max_count) as read
            order by read.msg_id
        loop
            if core.names_delivery(message.named) then
                messages := messages || message.id;
                named := named || message.named;
            else
                -- None of ours has written this: it is kept for whoever looks for the cause.
                perform pgmq.archive(taken.queue, message.id);
            end if;
        end loop;
        if messages = '{}' then
            -- Nor must events that no webhook wants.
            exit when taken.channel <> 'webhook' or core.fan_out_events() = 0;
            continue;
        end if;
        if taken.channel = 'webhook' and round = 1 then
            perform core.lock_endpoints(named);
        elsif taken.channel = 'webhook' and not core.lock_more_endpoints(named) then
            perform pgmq.set_vt(taken.queue, id, 0) from unnest(messages) as id;
            exit;
        end if;
        for place in 1 .. cardinality(messages) loop
            claimed := core.claim_delivery(
                messages[place], named[place], claim_deliveries.worker, lease_s, claim_deliveries.at
            );
            if claimed.is_done then
                done := done || messages[place];
            end if;
            if claimed.request is not null then
                requests := requests || claimed.request;
            end if;
        end loop;
        exit when requests <> '{}';
    end loop;
    if done <> '{}' then
        perform pgmq.delete(taken.queue, done);
    end if;
    return to_jsonb(requests);
end
$$;

comment on function core.claim_deliveries(text, integer, text, integer, timestamptz) is
'What v1.claim_deliveries does, at a time that is passed in. Definer, because it works for every
tenant; service_role may call it.';

-- Finishing ---------------------------------------------------------------------------------------

create function core.finish_deliveries(
    results jsonb, at timestamptz default clock_timestamp()
)
returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- Workers keep their plans, also those of an outbox that was empty.
set enable_seqscan = off
as $$
declare
    count_max constant integer := 500;
    result record;
    delivery core.deliveries;
    answers jsonb[] := '{}';
    ended jsonb[] := '{}';
    done record;
begin
    if
        jsonb_typeof(results) is distinct from 'array'
        or jsonb_array_length(results) > count_max
        or exists (
            select from jsonb_array_elements(results) as element
            where
                jsonb_typeof(element -> 'outcome') is distinct from 'object'
                or not core.names_delivery(element)
                or core.integer_of(element, 'lease') is null
        )
    then
        perform core.fail(
            'delivery.results_invalid', jsonb_build_object('count_max', count_max)
        );
    end if;
    perform core.lock_endpoints(
        array(select element from jsonb_array_elements(results) as element)
    );
    for result in
        select
            given.tenant_id,
            given.id,
            given.lease,
            given.outcome
        from jsonb_to_recordset(results) as given (
            tenant_id uuid, id uuid, lease integer, outcome jsonb
        )
        left join core.deliveries
            on deliveries.tenant_id = given.tenant_id and deliveries.id = given.id
        order by given.tenant_id, deliveries.ordering_key nulls first, given.id
    loop
        select deliveries.* into delivery
        from core.deliveries
        where deliveries.tenant_id = result.tenant_id and deliveries.id = result.id
        for no key update;
        if delivery.status = 'sending' and delivery.attempts = result.lease then
            perform core.settle_attempt(delivery, 'failed', result.outcome, finish_deliveries.at);
            if result.outcome ->> 'provider_message_id' is not null then
                update core.deliveries
                set provider_message_id = left(result.outcome ->> 'provider_message_id', 500)
                where deliveries.tenant_id = result.tenant_id and deliveries.id = result.id;
            end if;
            ended := ended || jsonb_build_object(
                'channel', delivery.channel,
                'message_id', delivery.queue_message_id,
                'tenant_id', delivery.tenant_id,
                'endpoint_id', delivery.endpoint_id
            );
        elsif not exists (
            select from core.delivery_attempts as attempts
            where
                attempts.tenant_id = result.tenant_id
                and attempts.delivery_id = result.id
                and attempts.number = result.lease
                and attempts.outcome <> 'abandoned'
        ) then
            answers := answers || jsonb_build_object('id', result.id, 'status', 'lease_lost');
            continue;
        end if;
        answers := answers || (
            select
                jsonb_build_object(
                    'id', deliveries.id,
                    'status', deliveries.status,
                    'next_attempt_at', deliveries.next_attempt_at
                )
            from core.deliveries
            where deliveries.tenant_id = result.tenant_id and deliveries.id = result.id
        );
    end loop;

    for done in
        select
            channels.queue,
            array_agg((element ->> 'message_id')::bigint) as messages
        from unnest(ended) as element
        inner join core.delivery_channels as channels
            on channels.channel = element ->> 'channel'
        group by channels.queue
    loop
        perform pgmq.delete(done.queue, done.messages);
    end loop;
    perform core.release_endpoint(busy.tenant_id, busy.endpoint_id, finish_deliveries.at)
    from (
        select distinct
            (element ->> 'tenant_id')::uuid as tenant_id,
            (element ->> 'endpoint_id')::uuid as endpoint_id
        from unnest(ended) as element
        where element ->> 'endpoint_id' is not null
        order by tenant_id, endpoint_id
    ) as busy;
    return to_jsonb(answers);
end
$$;

comment on function core.finish_deliveries(jsonb, timestamptz) is
'What v1.finish_deliveries does, at a time that is passed in. Definer, because it works for every
tenant; service_role may call it.';

-- What members and operators do -------------------------------------------------------------------

create function core.pause_deliveries(channel text, reason text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.deliveries.manage');
begin
    if channel is not null then
        perform core.check_channel(channel);
    end if;
    insert into core.delivery_pauses as pauses (tenant_id, channel, reason)
    select
        owner_id,
        channels.channel,
        left(pause_deliveries.reason, 500)
    from core.delivery_channels as channels
    where channels.channel = coalesce(pause_deliveries.channel, channels.channel)
    on conflict on constraint delivery_pauses_pkey do update
    set
        resumed_at = null,
        reason = excluded.reason,
        paused_at = case
            when pauses.resumed_at is null then pauses.paused_at else excluded.paused_at
        end,
        paused_by = excluded.paused_by;
    return jsonb_build_object('tenant_id', owner_id, 'paused', true);
end
$$;

comment on function core.pause_deliveries(text, text) is
'What v1.pause_deliveries does. Definer, because it writes core.delivery_pauses. Signed-in users may
call it.';

create function core.resume_deliveries(channel text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.deliveries.manage');
begin
    if channel is not null then
        perform core.check_channel(channel);
    end if;
    update core.delivery_pauses as pauses
    set resumed_at = now()
    where
        pauses.tenant_id = owner_id
        and pauses.channel = coalesce(resume_deliveries.channel, pauses.channel)
        and pauses.resumed_at is null;
    return jsonb_build_object('tenant_id', owner_id, 'resumed', true);
end
$$;

comment on function core.resume_deliveries(text) is
'What v1.resume_deliveries does. Definer, because it writes core.delivery_pauses. Signed-in users
may call it.';

create function core.pause_channel(channel text, reason text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.check_channel(pause_channel.channel);
    update core.delivery_channels as channels
    set
        paused_at = coalesce(channels.paused_at, now()),
        pause_reason = left(coalesce(pause_channel.reason, 'paused'), 500)
    where channels.channel = pause_channel.channel;
end
$$;

comment on function core.pause_channel(text, text) is
'What v1.pause_channel does. Definer, because it writes core.delivery_channels; service_role may
call it.';

create function core.resume_channel(channel text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.check_channel(resume_channel.channel);
    update core.delivery_channels as channels
    set paused_at = null, pause_reason = null
    where channels.channel = resume_channel.channel;
end
$$;

comment on function core.resume_channel(text) is
'What v1.resume_channel does. Definer, because it writes core.delivery_channels; service_role may
call it.';

create function core.delivery_to_manage(id uuid) returns core.deliveries
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    managed core.deliveries;
begin
    select deliveries.* into managed
    from core.deliveries
    where
        deliveries.id = delivery_to_manage.id
        and deliveries.tenant_id = any(core.tenants_with('core.deliveries.manage'))
    for no key update;
    if not found then
        perform core.fail(
            'delivery.unknown', jsonb_build_object('id', delivery_to_manage.id)
        );
    end if;
    return managed;
end
$$;

comment on function core.delivery_to_manage(uuid) is
'A delivery that the caller may manage, locked. Raises delivery.unknown (404). Internal.';

create function core.cancel_delivery(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    delivery constant core.deliveries := core.delivery_to_manage(cancel_delivery.id);
begin
    if delivery.status not in ('scheduled', 'queued', 'held') then
        perform core.fail('delivery.in_flight', jsonb_build_object('id', delivery.id));
    end if;
    perform core.end_delivery(delivery, 'cancelled', 'cancelled', clock_timestamp());
    return jsonb_build_object('id', delivery.id, 'status', 'cancelled');
end
$$;

comment on function core.cancel_delivery(uuid) is
'What v1.cancel_delivery does. Definer, because it writes core.deliveries. Signed-in users may call
it.';

create function core.put_back(delivery core.deliveries) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    update core.deliveries
    set
        status = 'queued',
        attempts_before_replay = deliveries.attempts,
        template_version = null,
        finished_at = null,
        last_error = null
    where deliveries.tenant_id = delivery.tenant_id and deliveries.id = delivery.id;
    perform core.send_to_queue(
        delivery.channel,
        array[jsonb_build_object('tenant_id', delivery.tenant_id, 'id', delivery.id)]
    );
end
$$;

comment on function core.put_back(core.deliveries) is
'Has a delivery that is over made and sent anew. Internal.';

create function core.replay_delivery(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    delivery constant core.deliveries := core.delivery_to_manage(replay_delivery.id);
begin
    if
        (
            delivery.status in ('dead', 'cancelled', 'suppressed')
            or (delivery.status = 'delivered' and delivery.channel = 'webhook')
        ) is not true
    then
        perform core.fail('delivery.not_over', jsonb_build_object('id', delivery.id));
    elsif delivery.data_deleted_at is not null then
        perform core.fail('delivery.secret_gone', jsonb_build_object('id', delivery.id));
    end if;
    perform core.put_back(delivery);
    return jsonb_build_object('id', delivery.id, 'status', 'queued');
end
$$;

comment on function core.replay_delivery(uuid) is
'What v1.replay_delivery does. Definer, because it writes core.deliveries. Signed-in users may call
it.';

create function core.replay_deliveries(
    channel text, status text, endpoint_id uuid, since timestamptz, until timestamptz
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    -- Some hundred milliseconds of work.
    step constant integer := 1000;
    owner_id constant uuid := core.sole_tenant_with('core.deliveries.manage');
    delivery core.deliveries;
    replayed integer := 0;
begin
    if channel is not null then
        perform core.check_channel(channel);
    end if;
    if coalesce(status, 'dead') not in ('dead', 'cancelled', 'suppressed') then
        perform core.fail('delivery.status_invalid', jsonb_build_object('status', status));
    end if;
    for delivery in
        select deliveries.*
        from core.deliveries
        where
            deliveries.tenant_id = owner_id
            and deliveries.channel = coalesce(replay_deliveries.channel, deliveries.channel)
            and deliveries.status = coalesce(replay_deliveries.status, 'dead')
            and deliveries.data_deleted_at is null
            and (
                replay_deliveries.endpoint_id is null
                or deliveries.endpoint_id = replay_deliveries.endpoint_id
            )
            and deliveries.created_at >= coalesce(replay_deliveries.since, '-infinity')
            and deliveries.created_at < coalesce(replay_deliveries.until, 'infinity')
        order by deliveries.created_at, deliveries.position
        limit step
        for no key update skip locked
    loop
        perform core.put_back(delivery);
        replayed := replayed + 1;
    end loop;
    return jsonb_build_object('replayed', replayed, 'done', replayed < step);
end
$$;

comment on function core.replay_deliveries(text, text, uuid, timestamptz, timestamptz) is
'What v1.replay_deliveries does. Definer, because it writes core.deliveries. Signed-in users may
call it.';


-- The API -----------------------------------------------------------------------------------------

create view v1.delivery_attempts with (security_invoker = true) as
select
    attempts.tenant_id,
    attempts.delivery_id,
    attempts.number,
    attempts.channel,
    attempts.endpoint_id,
    attempts.worker,
    attempts.started_at,
    attempts.ended_at,
    attempts.outcome,
    attempts.reason,
    attempts.status_code,
    attempts.phase,
    attempts.error,
    attempts.response,
    attempts.duration_ms
from core.delivery_attempts as attempts;

comment on view v1.delivery_attempts is
'Every attempt to deliver something of your tenants: when, what came of it (delivered, failed,
abandoned), the receiver''s status code, error and the first 4 KiB of its answer. Needs
core.deliveries.read.';

create view v1.delivery_pauses with (security_invoker = true) as
select
    pauses.tenant_id,
    pauses.channel,
    pauses.reason,
    pauses.paused_at,
    pauses.paused_by
from core.delivery_pauses as pauses
where pauses.resumed_at is null;

comment on view v1.delivery_pauses is
'Which channels of your tenants stand still, and why. Needs core.deliveries.read.';

create view v1.delivery_channels with (security_invoker = true) as
select
    channels.channel,
    channels.description,
    channels.paused_at,
    channels.pause_reason
from core.delivery_channels as channels;

comment on view v1.delivery_channels is
'How something can be delivered, and whether the operator has paused it. Signed-in users may read
it.';

grant select on v1.delivery_attempts, v1.delivery_pauses, v1.delivery_channels
to authenticated, service_role;

create function v1.claim_deliveries(
    channel text,
    max_count integer default 50,
    worker text default null,
    lease_s integer default 60
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.claim_deliveries(channel, max_count, worker, lease_s);
end
$$;

comment on function v1.claim_deliveries(text, integer, text, integer) is
'For workers: takes up to max_count deliveries of a channel that are ready, for lease_s seconds.
Returns an array of what to send, each with tenant_id, id, lease, attempt and lease_expires_at: of
email from, to, reply_to, subject, text, html, headers, message_id and idempotency_key, of webhook
url, headers, body, endpoint_id, concurrency and timeout_ms. What cannot be made is dead with its
reason, and does not stop the rest. Raises delivery.channel_unknown and delivery.claim_invalid
(400). service_role may call it.';

create function v1.finish_deliveries(results jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.finish_deliveries(results);
end
$$;

comment on function v1.finish_deliveries(jsonb) is
'For workers: says what came of deliveries: an array of objects with tenant_id, id and lease as they
were claimed, and outcome: {"delivered", "status_code", "enhanced_code", "phase", "error_code",
"error", "retry_after_s", "response", "duration_ms", "provider_message_id"}. Returns for each its
id, status and next_attempt_at; the status is lease_lost where another attempt was begun meanwhile,
and then nothing was recorded. Sent again it answers the same. Raises delivery.results_invalid
(400). service_role may call it.';

create function v1.pause_channel(channel text, reason text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.pause_channel(channel, reason);
end
$$;

comment on function v1.pause_channel(text, text) is
'Stops a channel for all tenants: nothing of it is claimed. Raises delivery.channel_unknown (400).
service_role may call it.';

create function v1.resume_channel(channel text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.resume_channel(channel);
end
$$;

comment on function v1.resume_channel(text) is
'Lets a channel go on. Raises delivery.channel_unknown (400). service_role may call it.';

create function v1.pause_deliveries(
    channel text default null,
    reason text default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'pause_deliveries',
            jsonb_build_object(
                'channel', pause_deliveries.channel, 'reason', pause_deliveries.reason
            )
        ),
        core.store_answer(core.pause_deliveries(pause_deliveries.channel, pause_deliveries.reason))
    );
end
$$;

comment on function v1.pause_deliveries(text, text) is
'Stops what the tenant sends by a channel, or by all: what comes up is held until
v1.resume_deliveries. Needs core.deliveries.manage.';


create function v1.resume_deliveries(channel text default null) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'resume_deliveries',
            jsonb_build_object('channel', resume_deliveries.channel)
        ),
        core.store_answer(core.resume_deliveries(resume_deliveries.channel))
    );
end
$$;

comment on function v1.resume_deliveries(text) is
'Lets the tenant''s channel, or all, go on, in the order in which things were enqueued. Needs
core.deliveries.manage.';


create function v1.cancel_delivery(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'cancel_delivery',
            jsonb_build_object('id', cancel_delivery.id)
        ),
        core.store_answer(core.cancel_delivery(cancel_delivery.id))
    );
end
$$;

comment on function v1.cancel_delivery(uuid) is
'Has a delivery not sent that is scheduled, queued or held. Raises delivery.unknown (404) and
delivery.in_flight (409). Needs core.deliveries.manage.';


create function v1.replay_delivery(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'replay_delivery',
            jsonb_build_object('id', replay_delivery.id)
        ),
        core.store_answer(core.replay_delivery(replay_delivery.id))
    );
end
$$;

comment on function v1.replay_delivery(uuid) is
'Has a delivery made and sent again that is dead, cancelled or suppressed, or a webhook that was
delivered. The attempts before stay; the schedule begins anew. Raises delivery.unknown (404),
delivery.not_over and delivery.secret_gone (409). Needs core.deliveries.manage.';


create function v1.replay_deliveries(
    channel text default null,
    status text default 'dead',
    endpoint_id uuid default null,
    since timestamptz default null,
    until timestamptz default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'replay_deliveries',
            jsonb_build_object(
                'channel', replay_deliveries.channel, 'status', replay_deliveries.status,
                'endpoint_id', replay_deliveries.endpoint_id,
                'since', replay_deliveries.since, 'until', replay_deliveries.until
            )
        ),
        core.store_answer(core.replay_deliveries(replay_deliveries.channel, replay_deliveries.status, replay_deliveries.endpoint_id, replay_deliveries.since, replay_deliveries.until))
    );
end
$$;

comment on function v1.replay_deliveries(text, text, uuid, timestamptz, timestamptz) is
'Has the tenant''s dead, cancelled or suppressed deliveries sent again that were enqueued from since
to before until, up to 1,000 a call: {"replayed", "done"}; call it again until done is true. Needs
core.deliveries.manage.';


revoke all on function
core.send_to_queue(text, jsonb[]),
core.queue_deliveries(text, jsonb[]),
core.release_deliveries(text, timestamptz, integer),
core.release_order(uuid, text),
core.endpoint_room(uuid, uuid, timestamptz),
core.release_endpoint(uuid, uuid, timestamptz),
core.release_forgotten(timestamptz),
core.rebuild_delivery_queue(text),
core.holds_secrets(text),
core.end_delivery(core.deliveries, text, text, timestamptz),
core.record_attempt(core.deliveries, text, text, timestamptz, jsonb),
core.integer_of(jsonb, text),
core.settle_attempt(core.deliveries, text, jsonb, timestamptz),
core.hold_delivery(core.deliveries, text),
core.must_wait_for(core.deliveries, timestamptz),
core.prepare_delivery(core.deliveries, timestamptz),
core.claim_delivery(bigint, jsonb, text, integer, timestamptz),
core.names_delivery(jsonb),
core.lock_endpoints(jsonb[]),
core.lock_more_endpoints(jsonb[]),
core.claim_deliveries(text, integer, text, integer, timestamptz),
core.finish_deliveries(jsonb, timestamptz),
core.pause_deliveries(text, text),
core.resume_deliveries(text),
core.pause_channel(text, text),
core.resume_channel(text),
core.delivery_to_manage(uuid),
core.cancel_delivery(uuid),
core.put_back(core.deliveries),
core.replay_delivery(uuid),
core.replay_deliveries(text, text, uuid, timestamptz, timestamptz),
v1.claim_deliveries(text, integer, text, integer),
v1.finish_deliveries(jsonb),
v1.pause_channel(text, text),
v1.resume_channel(text),
v1.pause_deliveries(text, text),
v1.resume_deliveries(text),
v1.cancel_delivery(uuid),
v1.replay_delivery(uuid),
v1.replay_deliveries(text, text, uuid, timestamptz, timestamptz)
from public;
grant execute on function
core.release_deliveries(text, timestamptz, integer),
core.release_forgotten(timestamptz),
core.rebuild_delivery_queue(text),
core.claim_deliveries(text, integer, text, integer, timestamptz),
core.finish_deliveries(jsonb, timestamptz),
core.pause_channel(text, text),
core.resume_channel(text),
v1.claim_deliveries(text, integer, text, integer),
v1.finish_deliveries(jsonb),
v1.pause_channel(text, text),
v1.resume_channel(text)
to service_role;
grant execute on function
core.pause_deliveries(text, text),
core.resume_deliveries(text),
core.cancel_delivery(uuid),
core.replay_delivery(uuid),
core.replay_deliveries(text, text, uuid, timestamptz, timestamptz),
v1.pause_deliveries(text, text),
v1.resume_deliveries(text),
v1.cancel_delivery(uuid),
v1.replay_delivery(uuid),
v1.replay_deliveries(text, text, uuid, timestamptz, timestamptz)
to authenticated, service_role;
