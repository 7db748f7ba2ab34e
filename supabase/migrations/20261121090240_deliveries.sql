-- What has to reach the world outside, written in the transaction that is the reason for it.
--
-- A mail or a webhook cannot be rolled back, and a row can: what is to be sent commits together
-- with what it tells of, or not at all, and is sent afterwards. How it is sent, and again, is a
-- later matter; this is the outbox that it is taken from.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('core.deliveries.read', 'See what the tenant sends to the outside, though not what is in it.');

select core.allow_system_roles(array['owner', 'admin', 'manager'], array['core.deliveries.read']);

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
        when 'sms' then
            return '***'
                || case when char_length(recipient) > 6 then right(recipient, 2) else '' end;
        else
            return '***';
    end case;
end
$$;

comment on function core.mask_recipient(text, text) is
'As much of a recipient as tells two apart and reaches neither: the domain and the first letter of a
mail address, the host of a webhook, which hides tokens in its path, the last two digits of a
telephone number. Internal.';

create table core.deliveries (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    channel text not null,
    recipient text not null,
    recipient_masked text not null
    generated always as (core.mask_recipient(channel, recipient)) stored,
    template text not null,
    data jsonb not null,
    idempotency_key text,
    event_type text,
    status text not null default 'queued',
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint idempotency_key_is_unique unique (tenant_id, idempotency_key),
    constraint channel_is_a_word check (channel ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint recipient_is_short check (char_length(recipient) between 1 and 2000),
    constraint template_is_dotted check (template ~ '^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$'),
    constraint template_is_short check (octet_length(template) <= 100),
    constraint data_is_an_object check (jsonb_typeof(data) = 'object'),
    constraint data_is_short check (octet_length(data::text) <= 262144),
    constraint idempotency_key_is_short check (octet_length(idempotency_key) between 1 and 255),
    constraint status_is_known check (status in ('queued'))
);
create index deliveries_created_at on core.deliveries (tenant_id, created_at);

comment on table core.deliveries is
'The outbox: what has to reach the world outside, written with what it tells of.';
comment on column core.deliveries.channel is 'How it goes: email, webhook, sms.';
comment on column core.deliveries.recipient is 'An address of the channel. Personal.';
comment on column core.deliveries.recipient_masked is
'What members see of the recipient: a column, because a view that asks as its caller can only show
what its caller may read.';
comment on column core.deliveries.template is 'What it is, such as auth.recovery.';
comment on column core.deliveries.data is
'What the template is filled with. It may hold secrets, such as tokens to sign in with.';
comment on column core.deliveries.idempotency_key is
'Two requests to deliver under one key are one delivery.';
comment on column core.deliveries.event_type is
'The type of the event that it was caused by: without a foreign key, as in core.events.';

alter table core.deliveries enable row level security;

create policy deliveries_read on core.deliveries for select to authenticated
using (tenant_id = any((select core.tenants_with('core.deliveries.read'))::uuid[]));

grant select (
    tenant_id, id, channel, recipient_masked, template, event_type, status, created_at, created_by
) on core.deliveries to authenticated;
grant select on core.deliveries to service_role;

insert into core.errors (code, status, message, hint) values
(
    'delivery.key_reused', 422,
    'Something else is already to be delivered under the key {idempotency_key}.',
    'Give each delivery a key of its own, and the same key only to the same delivery.'
);

create function core.enqueue_delivery(
    tenant_id uuid,
    channel text,
    recipient text,
    template text,
    data jsonb default '{}',
    idempotency_key text default null,
    event_type text default null
)
returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    queued core.deliveries;
begin
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
    -- Waits for whoever is about to deliver under the same key.
    insert into core.deliveries (
        tenant_id, channel, recipient, template, data, idempotency_key, event_type
    )
    values (
        enqueue_delivery.tenant_id,
        enqueue_delivery.channel,
        enqueue_delivery.recipient,
        enqueue_delivery.template,
        enqueue_delivery.data,
        enqueue_delivery.idempotency_key,
        enqueue_delivery.event_type
    )
    on conflict on constraint idempotency_key_is_unique do nothing
    returning deliveries.* into queued;
    if queued.id is null then
        select deliveries.* into strict queued
        from core.deliveries
        where
            deliveries.tenant_id = enqueue_delivery.tenant_id
            and deliveries.idempotency_key = enqueue_delivery.idempotency_key;
        if
            (queued.channel, queued.recipient, queued.template, queued.data) is distinct from (
                enqueue_delivery.channel, enqueue_delivery.recipient, enqueue_delivery.template,
                enqueue_delivery.data
            )
        then
            perform core.fail(
                'delivery.key_reused',
                jsonb_build_object('idempotency_key', enqueue_delivery.idempotency_key)
            );
        end if;
    end if;
    return queued.id;
end
$$;

comment on function core.enqueue_delivery(uuid, text, text, text, jsonb, text, text) is
'Has something delivered to the world outside once the caller''s transaction has committed, and not
at all if it is rolled back. With an idempotency_key the same again is the same delivery. Returns
its id. Raises delivery.key_reused (422) where another one has the key, and event.type_unknown.
Definer, so that triggers and hooks may call it whoever fires them. Internal: whoever could call it
could write to anybody.';

create view v1.deliveries with (security_invoker = true) as
select
    deliveries.tenant_id,
    deliveries.id,
    deliveries.channel,
    deliveries.recipient_masked as recipient,
    deliveries.template,
    deliveries.event_type,
    deliveries.status,
    deliveries.created_at,
    deliveries.created_by
from core.deliveries;

comment on view v1.deliveries is
'What your tenants send to the outside, and what became of it. recipient is masked, and what is sent
is not shown. Needs core.deliveries.read.';

grant select on v1.deliveries to authenticated, service_role;

revoke all on function
core.mask_recipient(text, text),
core.enqueue_delivery(uuid, text, text, text, jsonb, text, text)
from public;
