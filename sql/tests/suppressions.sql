begin;
\ir ../support/fixtures.sql
select plan(30);

-- The list ----------------------------------------------------------------------------------------

select is(core.is_suppressed(:acme, 'email', 'a@example.com'), false, 'nobody is suppressed');
select core.suppress(:acme, 'email', 'a@example.com', 'bounce', 'smtp_550_5.1.1');
select is(core.is_suppressed(:acme, 'email', ' A@Example.com'), true, 'until somebody is');
select is(
    core.is_suppressed(:rival, 'email', 'a@example.com'), false, 'and by one tenant for itself'
);
select core.suppress(:acme, 'email', 'a@example.com', 'manual', 'a member');
select is((select reason from core.suppressions), 'bounce', 'the first reason stays');
select core.suppress(:acme, 'email', 'a@example.com', 'complaint', 'provider');
select is((select reason from core.suppressions), 'complaint', 'unless it is a complaint');
select core.suppress(:acme, 'email', 'a@example.com', 'bounce', 'smtp_550_5.1.1');
select is((select reason from core.suppressions), 'complaint', 'which outweighs all others');
select core.suppress(:rival, 'email', 'a@example.com', 'bounce', 'smtp_550_5.1.1');
select is(
    (select count(distinct address_hash)::integer from core.suppressions), 2,
    'the rows of two tenants do not tell that they are of one address'
);
select is_empty(
    $$select from core.suppressions where suppressions::text ~ 'a@example'$$,
    'the address itself is not kept'
);
select is_empty(
    $$
        select from core.audit_entries
        where table_name = 'core.suppressions' and concat(old, new) ~ 'address_hash|a@example'
    $$,
    'nor in the audit'
);

:as_ada
select is(
    v1.suppress_address('email', 'b@example.com') - 'tenant_id',
    '{"channel": "email", "address": "***@example.com", "suppressed": true}',
    'members suppress by hand'
);
select results_eq(
    'select address, reason from v1.suppressions order by reason',
    $$values ('***@example.com', 'complaint'), ('***@example.com', 'manual')$$,
    'and see whom they do not write to, masked'
);
select is(
    v1.lift_suppression('email', 'B@example.com') ->> 'suppressed', 'false', 'and lift it'
);
select is(
    pg_temp.code_of($$select v1.lift_suppression('email', 'b@example.com')$$),
    'suppression.unknown', 'what is lifted is lifted'
);
select is(
    pg_temp.code_of($$select v1.suppress_address('email', 'nobody')$$),
    'suppression.address_invalid', 'what is no address is not suppressed'
);
select is(
    pg_temp.code_of($$select v1.suppress_address('webhook', 'https://example.com/@')$$),
    'suppression.address_invalid', 'nor on another channel'
);
:as_vic
select is(
    pg_temp.code_of($$select v1.suppress_address('email', 'c@example.com')$$),
    'tenancy.permission_missing', 'who may not manage deliveries suppresses nobody'
);
:as_eve
select results_eq(
    'select count(*)::integer from v1.suppressions', 'values (1)', 'a tenant sees its own list'
);
:as_owner
select results_eq(
    $$
        select type, data ->> 'reason' from core.pending_events
        where tenant_id = '00000000-0000-4000-a000-000000000002' and type like 'core.suppression.%'
        order by type, data ->> 'reason'
    $$,
    $$
        values
        ('core.suppression.added', 'bounce'), ('core.suppression.added', 'complaint'),
        ('core.suppression.added', 'manual'), ('core.suppression.lifted', 'manual')
    $$,
    'each change is an event'
);

-- What providers say ------------------------------------------------------------------------------

create function pg_temp.happen(tenant_id uuid, type text, mail text, at text, bounce text)
returns void
language plpgsql
as $$
declare
    message core.inbound_messages;
begin
    message.body := jsonb_build_object(
        'type', type, 'created_at', at,
        'data', jsonb_build_object('email_id', mail, 'bounce', jsonb_build_object('type', bounce))
    )::text;
    perform core.process_provider_event(tenant_id, message);
end
$$;
create function pg_temp.mail(tenant_id uuid, recipient text) returns uuid
language sql
as $$
    select core.enqueue_delivery(mail.tenant_id, 'email', mail.recipient, 'test.mail', '{}')
$$;

-- Every set of events, in every order, each twice: what stands follows from the set alone.
create temporary table told (name text primary key, type text, at text, bounce text);
insert into told values
('delayed', 'email.delivery_delayed', '2026-01-01T00:00:01Z', null),
('soft', 'email.bounced', '2026-01-01T00:00:02Z', 'Transient'),
('delivered', 'email.delivered', '2026-01-01T00:00:09Z', null),
('bounced', 'email.bounced', '2026-01-01T00:00:04Z', 'Permanent'),
('complained', 'email.complained', '2026-01-01T00:00:05Z', null);
create temporary table orders as
with recursive sequences as (
    select array[name] as names from told
    union all
    select sequences.names || told.name
    from sequences
    inner join told on told.name <> all(sequences.names)
)
select names, array_to_string(names, ',') as mail from sequences;

select pg_temp.happen(:acme, told.type, sequence.mail, told.at, told.bounce)
from (select orders.names, orders.mail, round from orders cross join (values (1), (2)) as r (round))
    as sequence
cross join lateral unnest(sequence.names) with ordinality as step (name, position)
inner join told on told.name = step.name
order by sequence.mail, sequence.round, step.position;

select is((select count(*)::integer from core.provider_states), 325, 'each order was tried');
select is_empty(
    $$
        select orders.mail, states.status, states.status_at, states.suppresses
        from orders
        inner join core.provider_states as states on states.provider_message_id = orders.mail
        where
            concat_ws(' ', states.status, states.suppresses) is distinct from case
                when 'complained' = any(orders.names) then 'complained complaint'
                when 'bounced' = any(orders.names) then 'bounced bounce'
                when 'delivered' = any(orders.names) then 'delivered'
                when 'soft' = any(orders.names) then 'bounced_softly'
                else 'delayed'
            end
    $$,
    'the order in which events arrive does not matter'
);
select is(
    (select count(*)::integer from core.suppressions), 2,
    'of mails that are not ours nobody is suppressed'
);

-- Our own report comes late.
create temporary table mails as
select name, pg_temp.mail(tenant::uuid, name || '@example.com') as id, tenant::uuid as tenant
from (
    values ('late', :acme), ('early', :acme), ('soft', :acme), ('theirs', :rival),
    ('shared', :rival)
) as mail (name, tenant);
select pg_temp.happen(:acme, 'email.bounced', 'p-late', '2026-01-01', 'Permanent');
select is(core.is_suppressed(:acme, 'email', 'late@example.com'), false, 'not known yet');
update core.deliveries set provider_message_id = 'p-' || mails.name
from mails where deliveries.id = mails.id and mails.name <> 'theirs';
select is(
    core.is_suppressed(:acme, 'email', 'late@example.com'), true,
    'what arrived before our own report is kept until then'
);
select pg_temp.happen(:acme, 'email.complained', 'p-early', '2026-01-01', null);
select pg_temp.happen(:acme, 'email.bounced', 'p-soft', '2026-01-01', 'Transient');
select results_eq(
    $$
        select mails.name, core.is_suppressed(mails.tenant, 'email', mails.name || '@example.com')
        from mails where mails.name in ('early', 'soft') order by 1
    $$,
    $$values ('early', true), ('soft', false)$$,
    'complaints suppress, and bounces that pass do not'
);

-- One tenant's account says nothing of another's mails, the platform's of all.
select pg_temp.happen(:acme, 'email.bounced', 'p-shared', '2026-01-01', 'Permanent');
select is(
    core.is_suppressed(:rival, 'email', 'shared@example.com'), false,
    'a tenant that names another''s mail suppresses nobody'
);
select
    pg_temp.happen(
        core.platform_tenant_id(), 'email.bounced', 'p-shared', '2026-01-01', 'Permanent'
    );
select is(
    core.is_suppressed(:rival, 'email', 'shared@example.com'), true,
    'but the account that all share does'
);
:as_eve
select results_eq(
    'select provider_message_id, status from v1.delivery_receipts',
    $$values ('p-shared', 'bounced')$$,
    'members see what became of the mails of their tenant'
);
:as_ada
select v1.lift_suppression('email', 'early@example.com');
:as_owner
select pg_temp.happen(:acme, 'email.complained', 'p-early', '2026-01-01', null);
select pg_temp.happen(:acme, 'email.delivered', 'p-early', '2026-01-02', null);
select is(
    core.is_suppressed(:acme, 'email', 'early@example.com'), false,
    'what was lifted is not suppressed again by the same event'
);

-- What is no event.
create function pg_temp.code_of_body(body text) returns text
language plpgsql
as $$
declare
    message core.inbound_messages;
begin
    message.body := body;
    perform core.process_provider_event('00000000-0000-4000-a000-000000000002', message);
    return 'no error';
exception
    when sqlstate 'PGRST' then return sqlerrm::jsonb ->> 'code';
end
$$;
select is(
    (
        select array_agg(distinct pg_temp.code_of_body(body))
        from unnest(array[
            '', 'null', '[]', '{}', '{"type": 1}', '{"type": "email.delivered"}',
            '{"type": "email.delivered", "created_at": "yesterday-ish", "data": {"email_id": "a"}}',
            '{"type": "email.delivered", "created_at": "infinity", "data": {"email_id": "a"}}',
            '{"type": "email.delivered", "created_at": "2026-01-01", "data": {"email_id": ""}}',
            '{"type": "email.delivered", "created_at": "2026-01-01", "data": []}'
        ]) as body
    ),
    array['inbound.event_malformed'], 'what is no event is refused'
);
select is(
    pg_temp.code_of_body('{"type": "email.opened", "created_at": "2026-01-01"}'), 'no error',
    'and events that say nothing of delivery are let pass'
);

select * from finish();
rollback;
