-- Whom nobody writes to any more, and what became of mails after they were handed over.
--
-- A mailbox that does not exist, or whose holder complained, is not written to again: writing on
-- costs all the sender's mails their reputation. Providers tell of it by events that arrive twice,
-- in any order, and before our own worker has reported: what they say is kept by the provider's id
-- of the mail, the worst that was said stands, and the delivery is found when it is known.

set local lock_timeout = '5s';

create table core.suppressions (
    tenant_id uuid not null references core.tenants (id),
    channel text not null,
    address_hash bytea not null,
    address_masked text not null,
    reason text not null,
    source text not null,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, channel, address_hash),
    constraint channel_is_known check (channel in ('email')),
    constraint reason_is_known check (reason in ('bounce', 'complaint', 'manual')),
    constraint source_is_short check (char_length(source) <= 500)
);

comment on table core.suppressions is
'Addresses that a tenant does not write to any more. Of an address only a hash and a mask are kept,
so that it stays suppressed when the person is erased.';
comment on column core.suppressions.address_hash is
'SHA-256 of the tenant''s id, the channel and the address in lower case: no two tenants'' rows can
be compared.';
comment on column core.suppressions.source is
'What said so: a reason of tenon.delivery_decision, a provider''s word, or a member''s.';

create table core.provider_states (
    tenant_id uuid not null references core.tenants (id),
    provider_message_id text not null,
    status text not null,
    status_at timestamptz not null,
    detail text,
    suppresses text,
    delivery_tenant_id uuid,
    delivery_id uuid,
    received_at timestamptz not null default now(),
    primary key (tenant_id, provider_message_id),
    foreign key (delivery_tenant_id, delivery_id) references core.deliveries (tenant_id, id)
    on delete cascade,
    constraint status_is_known
    check (status in ('delayed', 'bounced_softly', 'delivered', 'bounced', 'complained')),
    constraint delivery_is_whole check ((delivery_id is null) = (delivery_tenant_id is null)),
    constraint detail_is_short check (char_length(detail) <= 500),
    constraint suppresses_is_known check (suppresses in ('bounce', 'complaint'))
);
create index provider_states_of_delivery
on core.provider_states (delivery_tenant_id, delivery_id);
create index provider_states_unmatched on core.provider_states (received_at)
where delivery_id is null;

comment on table core.provider_states is
'What a provider said last, or worst, of a mail that it took. tenant_id: whose source the events
came to, the platform''s for an account that all tenants share.';
comment on column core.provider_states.provider_message_id is 'As in core.deliveries.';
comment on column core.provider_states.status_at is 'When, by the provider''s clock.';
comment on column core.provider_states.suppresses is
'Why the recipient is to be suppressed; null while there is no reason.';
comment on column core.provider_states.delivery_id is
'Null until a worker has reported the provider''s id.';

alter table core.suppressions enable row level security;
alter table core.provider_states enable row level security;
create policy suppressions_read on core.suppressions for select to authenticated
using (tenant_id = any((select core.tenants_with('core.deliveries.read'))::uuid[]));
create policy provider_states_read on core.provider_states for select to authenticated
using (delivery_tenant_id = any((select core.tenants_with('core.deliveries.read'))::uuid[]));
grant select on core.suppressions, core.provider_states to authenticated, service_role;

select core.audit('core.suppressions', '{address_hash}');

select
    core.map_personal(
        'core.suppressions.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
    );
select
    core.map_not_personal(
        'A hash and a mask, which do not give the address back: kept so that whoever wants no more'
        ' mail gets none, also after an erasure.',
        'core.suppressions.address_hash', 'core.suppressions.address_masked',
        'core.suppressions.reason', 'core.suppressions.source'
    );
select
    core.map_not_personal(
        'Ids and words of the provider about a mail.',
        'core.provider_states.provider_message_id', 'core.provider_states.detail'
    );
select core.refresh_audits();

insert into core.event_types (type, description, permission) values
(
    'core.suppression.added', 'An address is not written to any more: reason says why.',
    'core.deliveries.read'
),
('core.suppression.lifted', 'An address may be written to again.', 'core.deliveries.read');

insert into core.errors (code, status, message, hint) values
(
    'suppression.address_invalid', 400, 'This is no address that could be suppressed.',
    'Send the channel email, and an address of 3 to 320 characters with an @.'
),
(
    'suppression.unknown', 404, 'This address is not suppressed in your tenant.',
    'Compare it with what v1.suppressions shows of each.'
),
(
    'inbound.event_malformed', 422, 'The message is no event of the provider.',
    'Choose the processor that understands what the source sends.'
);

-- The list ----------------------------------------------------------------------------------------

create function core.suppression_hash(tenant_id uuid, channel text, recipient text) returns bytea
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return sha256(
    convert_to(concat_ws(' ', tenant_id, channel, lower(btrim(recipient))), 'UTF8')
);

comment on function core.suppression_hash(uuid, text, text) is
'By what a suppressed address is found. Internal.';

create function core.is_suppressed(tenant_id uuid, channel text, recipient text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from core.suppressions
        where
            suppressions.tenant_id = is_suppressed.tenant_id
            and suppressions.channel = is_suppressed.channel
            and suppressions.address_hash = core.suppression_hash(
                is_suppressed.tenant_id, is_suppressed.channel, is_suppressed.recipient
            )
    );
end
$$;

comment on function core.is_suppressed(uuid, text, text) is
'Whether the tenant does not write to an address any more. Definer, because it works for every
tenant. Internal.';

create function core.suppress(
    tenant_id uuid, channel text, recipient text, reason text, source text
)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    insert into core.suppressions as known (
        tenant_id, channel, address_hash, address_masked, reason, source
    )
    values (
        suppress.tenant_id,
        suppress.channel,
        core.suppression_hash(suppress.tenant_id, suppress.channel, suppress.recipient),
        core.mask_recipient(suppress.channel, suppress.recipient),
        suppress.reason,
        left(coalesce(suppress.source, ''), 500)
    )
    -- A complaint is the one reason that outweighs another.
    on conflict on constraint suppressions_pkey do update set
        reason = excluded.reason, source = excluded.source
    where excluded.reason = 'complaint' and known.reason <> 'complaint';
    if found then
        perform core.emit(
            suppress.tenant_id, 'core.suppression.added', null, null,
            jsonb_build_object(
                'channel', suppress.channel,
                'address', core.mask_recipient(suppress.channel, suppress.recipient),
                'reason', suppress.reason
            )
        );
    end if;
end
$$;

comment on function core.suppress(uuid, text, text, text, text) is
'Has the tenant not write to an address any more. reason: bounce, complaint or manual; source: what
said so. An address that is suppressed stays so, and a complaint outweighs other reasons. Definer,
because it works for every tenant. Internal.';

create function core.check_suppressible(channel text, address text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if (channel = 'email' and btrim(address) ~ '^[^@\s]+@[^@\s]+$'
        and char_length(btrim(address)) <= 320) is not true
    then
        perform core.fail('suppression.address_invalid');
    end if;
end
$$;

comment on function core.check_suppressible(text, text) is
'Refuses what is no address. Raises suppression.address_invalid (400). Internal.';

create function core.suppress_address(channel text, address text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.deliveries.manage');
begin
    perform core.check_suppressible(suppress_address.channel, suppress_address.address);
    perform core.suppress(
        owner_id, suppress_address.channel, suppress_address.address, 'manual', 'a member'
    );
    return jsonb_build_object(
        'tenant_id', owner_id,
        'channel', suppress_address.channel,
        'address', core.mask_recipient(suppress_address.channel, btrim(suppress_address.address)),
        'suppressed', true
    );
end
$$;

comment on function core.suppress_address(text, text) is
'What v1.suppress_address does. Definer, because it writes core.suppressions. Signed-in users may
call it.';

create function core.lift_suppression(channel text, address text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.deliveries.manage');
    gone core.suppressions;
begin
    perform core.check_suppressible(lift_suppression.channel, lift_suppression.address);
    delete from core.suppressions
    where
        suppressions.tenant_id = owner_id
        and suppressions.channel = lift_suppression.channel
        and suppressions.address_hash = core.suppression_hash(
            owner_id, lift_suppression.channel, lift_suppression.address
        )
    returning suppressions.* into gone;
    if not found then
        perform core.fail('suppression.unknown');
    end if;
    perform core.emit(
        owner_id, 'core.suppression.lifted', null, null,
        jsonb_build_object(
            'channel', gone.channel, 'address', gone.address_masked, 'reason', gone.reason
        )
    );
    return jsonb_build_object(
        'tenant_id', owner_id,
        'channel', gone.channel,
        'address', gone.address_masked,
        'suppressed', false
    );
end
$$;

comment on function core.lift_suppression(text, text) is
'What v1.lift_suppression does. Definer, because it writes core.suppressions. Signed-in users may
call it.';

-- Events of providers -----------------------------------------------------------------------------

create function core.provider_rank(status text) returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return case status
    when 'complained' then 4 when 'bounced' then 3 when 'delivered' then 2 else 1
end;

comment on function core.provider_rank(text) is
'Which status stands of those that a provider told of a mail: the highest, whenever it arrives; of
equals the later by the provider''s clock. What was refused or complained of does not become
delivered by an event that was late. Internal.';

create function core.suppress_recipient(state core.provider_states) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    delivery core.deliveries;
begin
    if state.suppresses is null or state.delivery_id is null then
        return;
    end if;
    select deliveries.* into delivery
    from core.deliveries
    where
        deliveries.tenant_id = state.delivery_tenant_id and deliveries.id = state.delivery_id;
    if found then
        perform core.suppress(
            delivery.tenant_id, delivery.channel, delivery.recipient, state.suppresses,
            concat_ws(' ', 'provider:', state.status, state.detail)
        );
    end if;
end
$$;

comment on function core.suppress_recipient(core.provider_states) is
'Suppresses the recipient of the mail, where the provider gave a reason and the mail is known.
Internal.';

create function core.apply_provider_event(
    tenant_id uuid,
    provider_message_id text,
    status text,
    at timestamptz,
    detail text default null,
    suppresses text default null
)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    delivery core.deliveries;
    before core.provider_states;
    state core.provider_states;
    stands boolean;
begin
    -- One event of a mail at a time; and whoever reports its id at the same moment sees this state,
    -- or is seen here.
    perform pg_advisory_xact_lock(
        hashtextextended('provider state ' || apply_provider_event.provider_message_id, 0)
    );
    -- An account of the platform sends for every tenant; a tenant's own says nothing of others.
    select deliveries.* into delivery
    from core.deliveries
    where
        deliveries.provider_message_id = apply_provider_event.provider_message_id
        and deliveries.channel = 'email'
        and (
            deliveries.tenant_id = apply_provider_event.tenant_id
            or apply_provider_event.tenant_id = core.platform_tenant_id()
        )
    limit 1;
    select states.* into before
    from core.provider_states as states
    where
        states.tenant_id = apply_provider_event.tenant_id
        and states.provider_message_id = apply_provider_event.provider_message_id;
    stands := before.provider_message_id is null or (
        core.provider_rank(apply_provider_event.status), apply_provider_event.at,
        apply_provider_event.status
    ) > (core.provider_rank(before.status), before.status_at, before.status);
    insert into core.provider_states as known (
        tenant_id, provider_message_id, status, status_at, detail, suppresses,
        delivery_tenant_id, delivery_id
    )
    values (
        apply_provider_event.tenant_id, apply_provider_event.provider_message_id,
        apply_provider_event.status, apply_provider_event.at,
        left(apply_provider_event.detail, 500), apply_provider_event.suppresses,
        delivery.tenant_id, delivery.id
    )
    on conflict on constraint provider_states_pkey do update set
        status = case when stands then excluded.status else known.status end,
        status_at = case when stands then excluded.status_at else known.status_at end,
        detail = case when stands then excluded.detail else known.detail end,
        -- The words are in the order of their weight.
        suppresses = greatest(known.suppresses, excluded.suppresses),
        delivery_tenant_id = coalesce(known.delivery_tenant_id, excluded.delivery_tenant_id),
        delivery_id = coalesce(known.delivery_id, excluded.delivery_id)
    returning known.* into state;
    -- What was told before is done: a suppression that was lifted stays lifted.
    if
        state.suppresses is distinct from before.suppresses
        or state.delivery_id is distinct from before.delivery_id
    then
        perform core.suppress_recipient(state);
    end if;
end
$$;

comment on function core.apply_provider_event(uuid, text, text, timestamptz, text, text) is
'Takes in what a provider says of a mail, in whatever order and however often. tenant_id: whose
source it came to; status: delayed, bounced_softly, delivered, bounced or complained; at: by the
provider''s clock; suppresses: bounce or complaint, where the recipient is not to be written to
again. What a processor for another provider calls. Definer, because it works for every tenant.
Internal.';

create function core.match_provider_state() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    state core.provider_states;
begin
    perform pg_advisory_xact_lock(
        hashtextextended('provider state ' || new.provider_message_id, 0)
    );
    for state in
        update core.provider_states as states
        set delivery_tenant_id = new.tenant_id, delivery_id = new.id
        where
            states.tenant_id in (new.tenant_id, core.platform_tenant_id())
            and states.provider_message_id = new.provider_message_id
            and states.delivery_id is null
        returning states.*
    loop
        perform core.suppress_recipient(state);
    end loop;
    return null;
end
$$;

comment on function core.match_provider_state() is
'Trigger: finds what a provider said of a mail before our worker reported its id. Definer, because
workers do not write states. Internal.';

create trigger match_provider_state
after insert or update of provider_message_id on core.deliveries
for each row when (new.provider_message_id is not null and new.channel = 'email')
execute function core.match_provider_state();

create function core.process_provider_event(tenant_id uuid, message core.inbound_messages)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    event jsonb;
    mail jsonb;
    bounce text;
    told record;
    at timestamptz;
begin
    begin
        event := message.body::jsonb;
        mail := event -> 'data';
        at := (event ->> 'created_at')::timestamptz;
    exception
        when data_exception then
            perform core.fail('inbound.event_malformed');
    end;
    if
        jsonb_typeof(event) is distinct from 'object'
        or jsonb_typeof(event -> 'type') is distinct from 'string'
    then
        perform core.fail('inbound.event_malformed');
    end if;
    bounce := lower(mail #>> '{bounce,type}');
    -- The events of Resend; what is not listed (sent, opened, clicked) says nothing of delivery.
    select
        mapping.status,
        mapping.suppresses
    into told
    from (
        values
        ('email.delivery_delayed', 'delayed', null),
        ('email.delivered', 'delivered', null),
        (
            'email.bounced',
            case when bounce = 'permanent' then 'bounced' else 'bounced_softly' end,
            case when bounce = 'permanent' then 'bounce' end
        ),
        ('email.complained', 'complained', 'complaint')
    ) as mapping (type, status, suppresses)
    where mapping.type = event ->> 'type';
    if not found then
        return;
    end if;
    if
        (octet_length(mail ->> 'email_id') between 1 and 500) is not true
        or at is null
        or not isfinite(at)
    then
        perform core.fail('inbound.event_malformed');
    end if;
    perform core.apply_provider_event(
        process_provider_event.tenant_id, mail ->> 'email_id', told.status, at,
        concat_ws(' ', mail #>> '{bounce,type}', mail #>> '{bounce,subType}'), told.suppresses
    );
end
$$;

comment on function core.process_provider_event(uuid, core.inbound_messages) is
'The processor email_provider: takes in an event of Resend, email.delivered, email.bounced,
email.complained or email.delivery_delayed. Raises inbound.event_malformed (422). Definer, because
it works for every tenant. Internal.';

insert into core.inbound_processors (processor, function_schema, function_name, description) values
(
    'email_provider', 'core', 'process_provider_event',
    'Events of an e-mail provider, in the form of Resend: bounces and complaints suppress.'
);

create function core.inbound_step(job core.jobs) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.process_message(
        job.tenant_id,
        (job.arguments ->> 'message')::uuid,
        job.attempts >= (select count(*) from tenon.retry_schedule('job'))
    );
end
$$;

comment on function core.inbound_step(core.jobs) is
'The task core.inbound: has a message processed that arrived. Internal.';

insert into core.job_tasks (task, function_schema, function_name, description) values
('core.inbound', 'core', 'inbound_step', 'Processes a webhook that arrived.');

create function core.expire_provider_states(as_of timestamptz default now()) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    kept_for constant interval := '30 days';
    deleted bigint;
begin
    with past as (
        select
            old.tenant_id,
            old.provider_message_id
        from core.provider_states as old
        where
            old.delivery_id is null
            and old.received_at < expire_provider_states.as_of - kept_for
        order by old.received_at
        limit 10000
        for update skip locked
    )
    delete from core.provider_states as old
    using past
    where
        old.tenant_id = past.tenant_id and old.provider_message_id = past.provider_message_id;
    get diagnostics deleted = row_count;
    return deleted;
end
$$;

comment on function core.expire_provider_states(timestamptz) is
'Deletes what providers said of mails that are not ours, after 30 days, 10,000 at most; returns how
many. What they said of ours goes with the delivery. Definer, because it deletes for every tenant;
service_role may call it.';

-- The API -----------------------------------------------------------------------------------------

create view v1.suppressions with (security_invoker = true) as
select
    suppressions.tenant_id,
    suppressions.channel,
    suppressions.address_masked as address,
    suppressions.reason,
    suppressions.source,
    suppressions.created_at,
    suppressions.created_by
from core.suppressions;

comment on view v1.suppressions is
'Addresses that your tenants do not write to any more, masked. Needs core.deliveries.read.';

create view v1.delivery_receipts with (security_invoker = true) as
select
    provider_states.delivery_tenant_id as tenant_id,
    provider_states.delivery_id,
    provider_states.provider_message_id,
    provider_states.status,
    provider_states.status_at,
    provider_states.detail
from core.provider_states
where provider_states.delivery_id is not null;

comment on view v1.delivery_receipts is
'What the e-mail provider says became of your tenants'' mails after it took them: delayed,
bounced_softly, delivered, bounced or complained, the worst that it said. Needs
core.deliveries.read.';

grant select on v1.suppressions, v1.delivery_receipts to authenticated, service_role;

create function v1.suppress_address(channel text, address text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'suppress_address',
            jsonb_build_object(
                'channel', suppress_address.channel, 'address', suppress_address.address
            )
        ),
        core.store_answer(
            core.suppress_address(suppress_address.channel, suppress_address.address)
        )
    );
end
$$;

comment on function v1.suppress_address(text, text) is
'Has the tenant not write to an address any more. channel: email. Returns {tenant_id, channel,
address, suppressed}, the address masked. Raises suppression.address_invalid (400). Needs
core.deliveries.manage. Signed-in users may call it.';

create function v1.lift_suppression(channel text, address text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'lift_suppression',
            jsonb_build_object(
                'channel', lift_suppression.channel, 'address', lift_suppression.address
            )
        ),
        core.store_answer(
            core.lift_suppression(lift_suppression.channel, lift_suppression.address)
        )
    );
end
$$;

comment on function v1.lift_suppression(text, text) is
'Lets the tenant write to an address again, whatever it was suppressed for. Returns {tenant_id,
channel, address, suppressed}, the address masked. Raises suppression.address_invalid (400),
suppression.unknown (404). Needs core.deliveries.manage. Signed-in users may call it.';

revoke all on function
core.suppression_hash(uuid, text, text),
core.is_suppressed(uuid, text, text),
core.suppress(uuid, text, text, text, text),
core.check_suppressible(text, text),
core.suppress_address(text, text),
core.lift_suppression(text, text),
core.provider_rank(text),
core.suppress_recipient(core.provider_states),
core.apply_provider_event(uuid, text, text, timestamptz, text, text),
core.match_provider_state(),
core.process_provider_event(uuid, core.inbound_messages),
core.inbound_step(core.jobs),
core.expire_provider_states(timestamptz),
v1.suppress_address(text, text),
v1.lift_suppression(text, text)
from public;
grant execute on function
core.suppress_address(text, text),
core.lift_suppression(text, text),
v1.suppress_address(text, text),
v1.lift_suppression(text, text)
to authenticated, service_role;
grant execute on function core.expire_provider_states(timestamptz) to service_role;
