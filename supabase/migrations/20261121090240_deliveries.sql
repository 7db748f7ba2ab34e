-- What has to reach the world outside, written in the transaction that is the reason for it.
--
-- A mail or a webhook cannot be rolled back, and a row can: what is to be sent commits together
-- with what it tells of, or not at all, and is sent afterwards. The row is the state of the
-- delivery; a message of pgmq, with nothing but its ids, says that it is ready. What waits for its
-- time, or behind something, has no message: a queue through whose waiting messages every reader
-- has to go is slow when many wait. The ADR "Why a queue carries only what is ready" has more.

set local lock_timeout = '5s';

do $$
begin
    -- On Supabase an extension; elsewhere its functions and tables are installed beforehand.
    if
        to_regnamespace('pgmq') is null
        and exists (select from pg_available_extensions where name = 'pgmq')
    then
        create extension pgmq;
    end if;
    -- Messages have headers since 1.5.
    if to_regprocedure('pgmq.send(text, jsonb, jsonb, timestamptz)') is null then
        raise exception 'the message queue pgmq is missing, or older than 1.5'
            using hint = 'cargo install pgmq --features cli, then pgmq-cli install with'
            ' DATABASE_URL as the owner of the schema. Supabase brings it.';
    end if;
end
$$;

insert into core.permissions (permission, description) values
('core.deliveries.read', 'See what the tenant sends to the outside, though not what is in it.'),
(
    'core.deliveries.manage',
    'Pause, resume, cancel and repeat what the tenant sends to the outside.'
);

select core.allow_system_roles(array['owner', 'admin', 'manager'], array['core.deliveries.read']);
select core.allow_system_roles(array['owner', 'admin'], array['core.deliveries.manage']);

create table core.delivery_channels (
    channel text primary key,
    description text not null,
    queue text not null,
    paused_at timestamptz,
    pause_reason text,
    constraint channel_is_a_word check (channel ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint pause_has_a_reason check ((paused_at is null) = (pause_reason is null)),
    constraint pause_reason_is_short check (char_length(pause_reason) <= 500)
);

comment on table core.delivery_channels is
'How something can be delivered. Global reference data; an operator may pause a channel.';
comment on column core.delivery_channels.queue is 'The queue of pgmq that it is taken from.';

alter table core.delivery_channels enable row level security;
create policy delivery_channels_are_public on core.delivery_channels for select to authenticated
using (true);
grant select on core.delivery_channels to authenticated, service_role;

insert into core.delivery_channels (channel, description, queue) values
('email', 'A mail, from a template.', 'tenon_email'),
('webhook', 'A signed HTTP request to an endpoint of the tenant.', 'tenon_webhook');

do $$
declare
    name text;
begin
    foreach name in array array['tenon_email', 'tenon_webhook'] loop
        perform pgmq.create(name);
        execute format('alter table pgmq.%I enable row level security', 'q_' || name);
        execute format('alter table pgmq.%I enable row level security', 'a_' || name);
    end loop;
end
$$;

create function core.mask_recipient(channel text, recipient text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    host constant text := substring(
        recipient from '^https?://(?:[^/?#@\\]*@)?([a-zA-Z0-9.-]+(?::[0-9]+)?)(?:[/?#]|$)'
    );
    domain constant text := substring(recipient from '^[^@]+(@[^@]+)$');
begin
    case channel
        when 'webhook' then
            return coalesce('https://' || host || '/', '') || '***';
        when 'email' then
            return case when position('@' in recipient) > 3 and domain is not null
                then left(recipient, 1) else ''
            end || '***' || coalesce(domain, '');
        else
            return '***';
    end case;
end
$$;

comment on function core.mask_recipient(text, text) is
'As much of a recipient as tells two apart and reaches neither: the domain and the first letter of a
mail address, the host of a webhook, which hides tokens in its path. Internal.';

-- Postgres reads the expression of every check anew for each statement that writes: sixteen of them
-- were two thirds of what writing a row took. These keep what they have read for the session.

create function core.delivery_is_well_formed(
    recipient text,
    template text,
    language text,
    brand text,
    data jsonb,
    idempotency_key text,
    ordering_key text
)
returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return char_length(recipient) between 1 and 2000
        and octet_length(template) <= 100
        and template ~ '^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$'
        and jsonb_typeof(data) = 'object'
        and octet_length(data::text) <= 262144
        and (
            language is null
            or (
                octet_length(language) <= 35
                and language ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$'
            )
        )
        and (brand is null or octet_length(brand) between 1 and 100)
        and (idempotency_key is null or octet_length(idempotency_key) between 1 and 255)
        and (ordering_key is null or octet_length(ordering_key) between 1 and 255);
end
$$;

comment on function core.delivery_is_well_formed(text, text, text, text, jsonb, text, text) is
'Whether a delivery can be one: nothing is too long, template is a dotted word, language a tag, data
an object. Internal.';

create function core.delivery_is_consistent(
    status text,
    held_for text,
    next_attempt_at timestamptz,
    lease_expires_at timestamptz,
    finished_at timestamptz,
    attempts integer,
    attempts_before_replay integer
)
returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when status = 'scheduled' then next_attempt_at is not null
        when status = 'held' then coalesce(held_for in ('pause', 'tenant', 'order', 'endpoint'), false)
        else status in ('queued', 'sending', 'delivered', 'dead', 'cancelled', 'suppressed')
    end
    and (status = 'held') = (held_for is not null)
    and (status = 'sending') = (lease_expires_at is not null)
    and (
        (status in ('delivered', 'dead', 'cancelled', 'suppressed')) = (finished_at is not null)
    )
    and attempts >= attempts_before_replay;
end
$$;

comment on function core.delivery_is_consistent(
    text, text, timestamptz, timestamptz, timestamptz, integer, integer
) is
'Whether a delivery''s status is one, and all that goes with it is there and nothing else: a time
with scheduled, what it waits for with held, a lease with sending, an end with what is over.
Internal.';

create table core.deliveries (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    position bigint not null generated always as identity,
    channel text not null,
    recipient text not null,
    recipient_masked text not null
    generated always as (core.mask_recipient(channel, recipient)) stored,
    template text not null,
    template_version integer,
    language text,
    brand text,
    subject text,
    data jsonb not null,
    data_deleted_at timestamptz,
    endpoint_id uuid,
    event_number bigint,
    event_type text,
    ordering_key text,
    idempotency_key text,
    status text not null default 'queued',
    held_for text,
    next_attempt_at timestamptz,
    attempts integer not null default 0,
    attempts_before_replay integer not null default 0,
    lease_expires_at timestamptz,
    claimed_at timestamptz,
    worker text,
    queue_message_id bigint,
    provider_message_id text,
    last_error text,
    expires_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    constraint content_is_well_formed check (
        core.delivery_is_well_formed(
            recipient, template, language, brand, data, idempotency_key, ordering_key
        )
    ),
    constraint state_is_consistent check (
        core.delivery_is_consistent(
            status, held_for, next_attempt_at, lease_expires_at, finished_at, attempts,
            attempts_before_replay
        )
    )
) with (autovacuum_vacuum_scale_factor = 0.02);
create unique index deliveries_idempotency_key on core.deliveries (tenant_id, idempotency_key)
where idempotency_key is not null;
create index deliveries_created_at on core.deliveries (tenant_id, created_at);
create index deliveries_due on core.deliveries (channel, next_attempt_at)
where status = 'scheduled';
create index deliveries_held on core.deliveries (tenant_id, channel, position)
where status = 'held' and held_for = 'pause';
create index deliveries_held_for_endpoint on core.deliveries (tenant_id, endpoint_id, position)
where status = 'held' and held_for = 'endpoint';
create index deliveries_held_for_tenant on core.deliveries (tenant_id, position)
where status = 'held' and held_for = 'tenant';
create index deliveries_in_order on core.deliveries (tenant_id, ordering_key, position)
where ordering_key is not null and finished_at is null;
create index deliveries_in_flight on core.deliveries (tenant_id, endpoint_id)
where status = 'sending';
-- From the first column on: counts by channel and status; the oldest of each tenant is the first
-- entry of its stretch.
create index deliveries_waiting on core.deliveries (
    channel, status, tenant_id, coalesce(lease_expires_at, next_attempt_at, created_at)
)
where finished_at is null;
create index deliveries_dead on core.deliveries (channel) where status = 'dead';
create index deliveries_of_provider on core.deliveries (provider_message_id)
where provider_message_id is not null;

-- After the other indexes: of two that seem to cost the same, as all do while a table is all but
-- empty, Postgres takes the one that was made last, and workers keep the plan that they begin with.
-- squawk-ignore adding-serial-primary-key-field
alter table core.deliveries add constraint deliveries_pkey primary key (tenant_id, id);

comment on table core.deliveries is
'The outbox: what has to reach the world outside, written with what it tells of, and what became of
it.
scheduled  waits for next_attempt_at             queued   a message of the queue says: ready
held       behind a pause, an order, a limit     sending  leased to a worker
delivered  dead  cancelled  suppressed           over';
comment on column core.deliveries.position is
'The order in which they were enqueued, as far as transactions have one.';
comment on column core.deliveries.recipient is 'An address of the channel. Personal.';
comment on column core.deliveries.recipient_masked is
'What members see of the recipient: a column, because a view that asks as its caller can only show
what its caller may read.';
comment on column core.deliveries.template is
'What it is, such as auth.recovery; of a webhook the type of its event.';
comment on column core.deliveries.template_version is
'The version that the first attempt was made from: all others are made from it too.';
comment on column core.deliveries.language is 'A BCP 47 tag, where the language is known.';
comment on column core.deliveries.brand is 'Which brand of the tenant it comes from.';
comment on column core.deliveries.subject is 'Of a mail, once it has been made.';
comment on column core.deliveries.data is
'What the template is filled with. It may hold secrets, such as tokens to sign in with.';
comment on column core.deliveries.data_deleted_at is
'When data was emptied, because it held secrets and the delivery was over.';
comment on column core.deliveries.event_number is 'The event of the tenant that it carries.';
comment on column core.deliveries.event_type is
'The type of the event that it was caused by: without a foreign key, as in core.events.';
comment on column core.deliveries.ordering_key is
'Those of one tenant and key are delivered one after the other, as they were enqueued.';
comment on column core.deliveries.idempotency_key is
'Two requests to deliver under one key are one delivery.';
comment on column core.deliveries.held_for is
'pause: of the channel; tenant: it is suspended; order: another of its ordering_key; endpoint: as
many as it takes at once are on their way.';
comment on column core.deliveries.attempts is
'How often a worker has taken it. The number of the attempt is the fence of its lease: only whoever
made the last attempt can finish it.';
comment on column core.deliveries.attempts_before_replay is
'How many of them were made before it was put back last: the schedule begins anew there.';
comment on column core.deliveries.expires_at is 'After this it is of no use to the recipient.';

alter table core.deliveries enable row level security;

create policy deliveries_read on core.deliveries for select to authenticated
using (tenant_id = any((select core.tenants_with('core.deliveries.read'))::uuid[]));

grant select (
    tenant_id, id, channel, recipient_masked, template, template_version, language, brand,
    subject, endpoint_id, event_number, event_type, ordering_key, status, held_for,
    next_attempt_at, attempts, lease_expires_at, worker, last_error, expires_at, finished_at,
    created_at, created_by
) on core.deliveries to authenticated;
grant select on core.deliveries to service_role;

insert into core.errors (code, status, message, hint) values
(
    'delivery.key_reused', 422,
    'Something else is already to be delivered under the key {idempotency_key}.',
    'Give each delivery a key of its own, and the same key only to the same delivery.'
),
(
    'delivery.channel_unknown', 400, 'Nothing can be delivered by {channel}.',
    'Compare the name with core.delivery_channels: email and webhook.'
);

create function core.check_channel(channel text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from core.delivery_channels as channels
        where channels.channel = check_channel.channel
    ) then
        perform core.fail(
            'delivery.channel_unknown', jsonb_build_object('channel', check_channel.channel)
        );
    end if;
end
$$;

comment on function core.check_channel(text) is
'Refuses a channel that there is none of: delivery.channel_unknown (400). Internal.';

create function core.enqueue_delivery(
    tenant_id uuid,
    channel text,
    recipient text,
    template text,
    data jsonb default '{}',
    idempotency_key text default null,
    event_type text default null,
    language text default null,
    brand text default null,
    ordering_key text default null,
    send_at timestamptz default null,
    expires_at timestamptz default null,
    endpoint_id uuid default null,
    event_number bigint default null
)
returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    queued core.deliveries;
    first_status text := 'queued';
    queue constant text := (
        select channels.queue
        from core.delivery_channels as channels
        where channels.channel = enqueue_delivery.channel
    );
begin
    if queue is null then
        perform core.check_channel(enqueue_delivery.channel);
    end if;
    if
        enqueue_delivery.event_type is not null
        and not exists (
            select from core.event_types where event_types.type = enqueue_delivery.event_type
        )
    then
        perform core.fail(
            'event.type_unknown', jsonb_build_object('type', enqueue_delivery.event_type)
        );
    end if;
    if enqueue_delivery.ordering_key is not null then
        perform core.lock_order(enqueue_delivery.tenant_id, enqueue_delivery.ordering_key);
        if exists (
            select from core.deliveries as earlier
            where
                earlier.tenant_id = enqueue_delivery.tenant_id
                and earlier.ordering_key = enqueue_delivery.ordering_key
                and earlier.finished_at is null
        ) then
            first_status := 'held';
        end if;
    end if;
    if enqueue_delivery.send_at > clock_timestamp() then
        first_status := 'scheduled';
    end if;
    -- Waits for whoever is about to deliver under the same key.
    insert into core.deliveries (
        tenant_id, channel, recipient, template, data, idempotency_key, event_type, language,
        brand, ordering_key, expires_at, endpoint_id, event_number,
        status, next_attempt_at, held_for
    )
    values (
        enqueue_delivery.tenant_id,
        enqueue_delivery.channel,
        enqueue_delivery.recipient,
        enqueue_delivery.template,
        enqueue_delivery.data,
        enqueue_delivery.idempotency_key,
        enqueue_delivery.event_type,
        enqueue_delivery.language,
        enqueue_delivery.brand,
        enqueue_delivery.ordering_key,
        enqueue_delivery.expires_at,
        enqueue_delivery.endpoint_id,
        enqueue_delivery.event_number,
        first_status,
        enqueue_delivery.send_at,
        case first_status when 'held' then 'order' end
    )
    on conflict (tenant_id, idempotency_key) where idempotency_key is not null do nothing
    returning deliveries.* into queued;
    if queued.id is null then
        select deliveries.* into strict queued
        from core.deliveries
        where
            deliveries.tenant_id = enqueue_delivery.tenant_id
            and deliveries.idempotency_key = enqueue_delivery.idempotency_key;
        if
            (queued.channel, queued.recipient, queued.template) is distinct from (
                enqueue_delivery.channel, enqueue_delivery.recipient, enqueue_delivery.template
            )
            or (queued.data_deleted_at is null and queued.data <> enqueue_delivery.data)
        then
            perform core.fail(
                'delivery.key_reused',
                jsonb_build_object('idempotency_key', enqueue_delivery.idempotency_key)
            );
        end if;
    elsif queued.status = 'queued' then
        -- In its full form: the short ones are functions of SQL, planned anew by each call.
        perform pgmq.send(
            queue, jsonb_build_object('tenant_id', queued.tenant_id, 'id', queued.id),
            null::jsonb, clock_timestamp()
        );
    end if;
    return queued.id;
end
$$;

comment on function core.enqueue_delivery(
    uuid, text, text, text, jsonb, text, text, text, text, text, timestamptz, timestamptz, uuid,
    bigint
) is
'Has something delivered to the world outside once the caller''s transaction has committed, and not
at all if it is rolled back. channel: email or webhook; template: what it is; data: what that is
filled with. With an idempotency_key the same again is the same delivery; with an ordering_key it
comes after those of the tenant that have the key and were enqueued before; send_at: not before;
expires_at: not after. Returns its id. Raises delivery.channel_unknown (400), delivery.key_reused
(422) where another one has the key, and event.type_unknown. Definer, so that triggers and hooks may
call it whoever fires them. Internal: whoever could call it could write to anybody.';

create function core.lock_order(tenant_id uuid, ordering_key text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(
        hashtextextended('tenon.delivery_order:' || tenant_id || ':' || ordering_key, 0)
    );
end
$$;

comment on function core.lock_order(uuid, text) is
'Makes whoever enqueues or ends a delivery of an ordering_key wait for the others that do, until
they have committed. Internal.';

create view v1.deliveries with (security_invoker = true) as
select
    deliveries.tenant_id,
    deliveries.id,
    deliveries.channel,
    deliveries.recipient_masked as recipient,
    deliveries.template,
    deliveries.template_version,
    deliveries.language,
    deliveries.brand,
    deliveries.subject,
    deliveries.endpoint_id,
    deliveries.event_number,
    deliveries.event_type,
    deliveries.ordering_key,
    deliveries.status,
    deliveries.held_for,
    deliveries.next_attempt_at,
    deliveries.attempts,
    deliveries.worker,
    deliveries.last_error,
    deliveries.expires_at,
    deliveries.finished_at,
    deliveries.created_at,
    deliveries.created_by
from core.deliveries;

comment on view v1.deliveries is
'What your tenants send to the outside, and what became of it: status is scheduled, queued, held,
sending, delivered, dead, cancelled or suppressed. recipient is masked, and what is sent is not
shown. Needs core.deliveries.read.';

grant select on v1.deliveries to authenticated, service_role;

revoke all on function
core.mask_recipient(text, text),
core.delivery_is_well_formed(text, text, text, text, jsonb, text, text),
core.delivery_is_consistent(
    text, text, timestamptz, timestamptz, timestamptz, integer, integer
),
core.check_channel(text),
core.lock_order(uuid, text),
core.enqueue_delivery(
    uuid, text, text, text, jsonb, text, text, text, text, text, timestamptz, timestamptz, uuid,
    bigint
)
from public;
