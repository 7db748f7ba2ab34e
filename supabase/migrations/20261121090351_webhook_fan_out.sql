-- From the events of a tenant to the requests that tell its webhooks of them.
--
-- Each endpoint has a cursor into the tenant's numbered events. Whoever fans out reads on from
-- there, puts what the endpoint wants into the outbox, and moves the cursor, in one transaction: an
-- event is lost or doubled by nothing that a transaction survives. The writer of an event does no
-- more than to mark its tenant. The ADR "Why webhooks follow the numbered events" has the reasons.

set local lock_timeout = '5s';

create function core.wants_event(endpoint core.webhook_endpoints, event core.events)
returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if event.type <> all(endpoint.event_types) then
        return false;
    elsif endpoint.condition is null then
        return true;
    end if;
    return tenon.condition_holds(
        endpoint.condition,
        jsonb_build_object(
            'type', event.type,
            'number', event.number,
            'at', core.utc_text(event.at),
            'subject_type', event.subject_type,
            'subject_id', event.subject_id,
            'actor', jsonb_build_object('kind', event.actor_kind, 'id', event.actor_id),
            'data', event.data
        )
    );
end
$$;

comment on function core.wants_event(core.webhook_endpoints, core.events) is
'Whether an endpoint is to be told of an event: its type is listed, and the condition holds. Raises
condition.… if the endpoint''s is none. Internal.';

create function core.enqueue_webhook(
    endpoint core.webhook_endpoints, event core.events, idempotency_key text
)
returns uuid
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.enqueue_delivery(
        tenant_id => endpoint.tenant_id,
        channel => 'webhook',
        recipient => endpoint.url,
        template => event.type,
        idempotency_key => enqueue_webhook.idempotency_key,
        event_type => event.type,
        endpoint_id => endpoint.id,
        event_number => event.number
    );
end
$$;

comment on function core.enqueue_webhook(core.webhook_endpoints, core.events, text) is
'Puts the request that tells an endpoint of an event into the outbox: by its number, without a copy
of what is in it, so that what is erased from the event is erased from the request. Internal.';

create function core.fan_out_to(
    endpoint core.webhook_endpoints, after bigint, complete_to bigint
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    event core.events;
begin
    for event in
        select events.*
        from core.events
        where
            events.tenant_id = endpoint.tenant_id
            and events.number > fan_out_to.after
            and events.number <= fan_out_to.complete_to
            and events.type = any(endpoint.event_types)
        order by events.number
    loop
        if core.wants_event(endpoint, event) then
            perform core.enqueue_webhook(
                endpoint, event, format('event:%s:%s', endpoint.id, event.number)
            );
        end if;
    end loop;
    update core.webhook_cursors as cursors
    set number = fan_out_to.complete_to
    where cursors.tenant_id = endpoint.tenant_id and cursors.endpoint_id = endpoint.id;
end
$$;

comment on function core.fan_out_to(core.webhook_endpoints, bigint, bigint) is
'Tells an endpoint of the events after a number up to another one, where its cursor is put.
Internal.';

create function core.refuse_follower(
    endpoint core.webhook_endpoints, state text, message text
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    raise warning 'webhook % of tenant % was not told of events: % (%)',
        endpoint.id, endpoint.tenant_id, message, state;
    -- A refusal would come again for ever; anything else may be of the moment. Whoever waits for
    -- nobody stands in no circle: an endpoint that is locked is disabled next time.
    if state = 'PGRST' then
        perform
        from core.webhook_endpoints as endpoints
        where endpoints.tenant_id = endpoint.tenant_id and endpoints.id = endpoint.id
        for no key update skip locked;
        if found then
            perform core.disable_endpoint(
                endpoint.tenant_id, endpoint.id, message::jsonb ->> 'code'
            );
        end if;
    end if;
end
$$;

comment on function core.refuse_follower(core.webhook_endpoints, text, text) is
'Says that an endpoint could not be told of events, and disables it where it never could be.
Internal.';

create function core.fan_out_tenant(tenant_id uuid, events_max integer) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    newest constant bigint := core.last_event_number(fan_out_tenant.tenant_id);
    known_to bigint := newest;
    follower record;
    complete_to bigint;
    looked_at bigint := 0;
    state text;
begin
    for follower in
        select
            endpoints as endpoint,
            cursors.number
        from core.webhook_endpoints as endpoints
        inner join core.webhook_cursors as cursors
            on cursors.tenant_id = endpoints.tenant_id and cursors.endpoint_id = endpoints.id
        where
            endpoints.tenant_id = fan_out_tenant.tenant_id
            and endpoints.status = 'enabled'
        order by endpoints.created_at, endpoints.id
    loop
        complete_to := least(newest, follower.number + fan_out_tenant.events_max);
        if complete_to > follower.number then
            begin
                perform core.fan_out_to(follower.endpoint, follower.number, complete_to);
                looked_at := looked_at + complete_to - follower.number;
            exception
                when others then
                    get stacked diagnostics state = returned_sqlstate;
                    complete_to := follower.number;
                    perform core.refuse_follower(follower.endpoint, state, sqlerrm);
            end;
        end if;
        known_to := least(known_to, complete_to);
    end loop;
    delete from core.webhook_marks as marks
    where marks.tenant_id = fan_out_tenant.tenant_id and marks.number <= known_to;
    return looked_at;
end
$$;

comment on function core.fan_out_tenant(uuid, integer) is
'Takes each webhook of a tenant, which the caller has locked, some events further; what fails at one
does not stop the others. Returns how many events were looked at, over all. Internal.';

create function core.fan_out_events(max_events integer default 1000) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- Next to empty whenever statistics are taken.
set enable_seqscan = off
as $$
declare
    -- A turn is long enough to be worth the search for whose it is.
    turn constant integer := 100;
    zero constant uuid := '00000000-0000-0000-0000-000000000000';
    -- Begins anywhere, so that every tenant has its turn however little one call does.
    place uuid := gen_random_uuid();
    is_at_end boolean;
    looked_at bigint := 0;
    looked_at_before bigint;
    next_id uuid;
begin
    loop
        looked_at_before := looked_at;
        is_at_end := false;
        while looked_at < fan_out_events.max_events loop
            select marks.tenant_id into next_id
            from core.webhook_marks as marks
            where marks.tenant_id > place
            order by marks.tenant_id
            limit 1;
            if not found then
                exit when is_at_end;
                is_at_end := true;
                place := zero;
                continue;
            end if;
            place := next_id;
            perform
            from core.webhook_followers as followers
            inner join core.tenants on tenants.id = followers.tenant_id
            where followers.tenant_id = next_id and tenants.status <> 'suspended'
            for no key update of followers skip locked;
            if found then
                looked_at := looked_at + core.fan_out_tenant(next_id, turn);
            end if;
        end loop;
        -- Another round, until one has brought nothing.
        exit when looked_at >= fan_out_events.max_events or looked_at = looked_at_before;
    end loop;
    return looked_at;
end
$$;

comment on function core.fan_out_events(integer) is
'Puts what webhooks want of the events that they do not know of yet into the outbox, for about as
many events as said, by turns of tenants. Returns how many events were looked at, each once for each
endpoint: call it again until that is 0. It may run in several sessions at once, and waits for
nobody. Definer, because it works for every tenant; service_role may call it.';

create function core.replay_webhooks(endpoint_id uuid, from_number bigint, to_number bigint)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    -- Some tens of milliseconds of work, and a bounded burst for the receiver.
    deliveries_max constant integer := 500;
    scan_max constant integer := 10000;
    owner_id constant uuid := core.sole_tenant_with('core.webhooks.manage');
    endpoint constant core.webhook_endpoints := core.webhook_endpoint_in(
        owner_id, replay_webhooks.endpoint_id
    );
    replay_id constant uuid := gen_random_uuid();
    known_to constant bigint := (
        select cursors.number
        from core.webhook_cursors as cursors
        where cursors.tenant_id = owner_id and cursors.endpoint_id = endpoint.id
    );
    last_number bigint;
    complete_to bigint;
    replayed integer := 0;
    event core.events;
begin
    if endpoint.status = 'disabled' then
        perform core.fail(
            'webhook.disabled', jsonb_build_object('reason', endpoint.disabled_reason)
        );
    elsif (
        from_number >= 1 and coalesce(replay_webhooks.to_number, from_number) >= from_number
    ) is not true then
        perform core.fail('webhook.replay_invalid');
    end if;
    -- What comes after the cursor is on its way anyway.
    last_number := least(coalesce(replay_webhooks.to_number, known_to), known_to);
    complete_to := greatest(from_number - 1, least(last_number, from_number - 1 + scan_max));
    for event in
        select events.*
        from core.events
        where
            events.tenant_id = owner_id
            and events.number >= from_number
            and events.number <= complete_to
            and events.type = any(endpoint.event_types)
        order by events.number
    loop
        if not core.wants_event(endpoint, event) then
            continue;
        elsif replayed = deliveries_max then
            complete_to := event.number - 1;
            exit;
        end if;
        perform core.enqueue_webhook(
            endpoint, event, format('replay:%s:%s', replay_id, event.number)
        );
        replayed := replayed + 1;
    end loop;
    return jsonb_build_object(
        'endpoint_id', endpoint.id,
        'replayed', replayed,
        'complete_to', complete_to,
        'next_number', case when complete_to < last_number then complete_to + 1 end,
        'expired_to', (
            select expiries.expired_number
            from core.event_expiries as expiries
            where
                expiries.tenant_id = owner_id and expiries.expired_number >= from_number
        )
    );
end
$$;

comment on function core.replay_webhooks(uuid, bigint, bigint) is
'What v1.replay_webhooks does. Definer, because it enqueues deliveries. Signed-in users may call
it.';

create function v1.replay_webhooks(
    endpoint_id uuid, from_number bigint, to_number bigint default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'replay_webhooks',
            jsonb_build_object(
                'endpoint_id', replay_webhooks.endpoint_id,
                'from_number', replay_webhooks.from_number,
                'to_number', replay_webhooks.to_number
            )
        ),
        core.store_answer(
            core.replay_webhooks(
                replay_webhooks.endpoint_id, replay_webhooks.from_number,
                replay_webhooks.to_number
            )
        )
    );
end
$$;

comment on function v1.replay_webhooks(uuid, bigint, bigint) is
'Sends a webhook again what it wants of the events from one number to another, or to the newest that
it knows of: with the webhook-id of the first time, by which receivers know what they have. One call
replays 500 events at most. Returns {endpoint_id, replayed, complete_to, next_number, expired_to}:
go on with from_number = next_number until that is null; events up to expired_to are gone. Needs
core.webhooks.manage. Raises webhook.unknown (404), webhook.disabled (409), webhook.replay_invalid
(422). May be repeated with an Idempotency-Key.';

revoke all on function
core.wants_event(core.webhook_endpoints, core.events),
core.enqueue_webhook(core.webhook_endpoints, core.events, text),
core.fan_out_to(core.webhook_endpoints, bigint, bigint),
core.refuse_follower(core.webhook_endpoints, text, text),
core.fan_out_tenant(uuid, integer),
core.fan_out_events(integer),
core.replay_webhooks(uuid, bigint, bigint),
v1.replay_webhooks(uuid, bigint, bigint)
from public;
grant execute on function
core.replay_webhooks(uuid, bigint, bigint),
v1.replay_webhooks(uuid, bigint, bigint)
to authenticated, service_role;
grant execute on function core.fan_out_events(integer) to service_role;
