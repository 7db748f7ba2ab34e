-- What has happened in a tenant, one event after the other, for whoever has to follow it.
--
-- A reader remembers one number and asks for what came after it. So numbers must become visible in
-- their order and without holes: were a number given when an event is written, a transaction that
-- takes longer would commit a lower number after a higher one had been read, and that event would
-- be missed. Events therefore wait unnumbered in core.pending_events, and at commit a deferred
-- trigger numbers all of the transaction's at once, under locks on the tenants' heads that end with
-- the commit itself. The ADR "Why events are numbered at commit" has the alternatives and figures.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('core.events.read', 'Follow what happens in the tenant, as far as you may see what it is about.');

select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent', 'analyst', 'viewer'], array['core.events.read']
);

create table core.event_types (
    type text primary key,
    description text not null,
    permission text not null default 'core.events.read'
    references core.permissions (permission),
    personal_fields text[] not null default '{}',
    constraint type_is_dotted check (type ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,3}$'),
    constraint type_is_short check (octet_length(type) <= 100)
);
create index event_types_permission on core.event_types (permission);

comment on table core.event_types is
'Every type of event there is, such as crm.deal.moved: what happened to what, in the past tense.
Global reference data: the same for every tenant. A type stays, because events name it.';
comment on column core.event_types.permission is
'What a reader of such an event needs in its tenant, beside core.events.read.';
comment on column core.event_types.personal_fields is
'Keys of data that hold personal values: core.forget_in_events removes them.';

create table core.events (
    tenant_id uuid not null,
    number bigint not null,
    type text not null,
    at timestamptz not null,
    subject_type text,
    subject_id uuid,
    actor_kind text not null,
    actor_id uuid,
    data jsonb not null,
    primary key (tenant_id, number),
    constraint number_is_counted check (number > 0)
);
create index events_subject on core.events (tenant_id, subject_id, number);

comment on table core.events is
'What has happened, append-only: core.emit writes, core.expire_events removes from the front, and
nothing else is let in or out. tenant_id and type have no foreign keys, which would cost every event
a lock on a row that all others lock too: a tenant''s head has one, and types are never removed.';
comment on column core.events.number is
'1, 2, 3 … in each tenant, in the order in which transactions commit, without a hole.';
comment on column core.events.at is
'When the transaction began that it happened in: the time that its rows have.';
comment on column core.events.subject_type is 'The kind of record it happened to, such as deal.';
comment on column core.events.actor_kind is 'Who did it, as core.caller() has it.';
comment on column core.events.data is
'What a follower needs beside the subject: ids and states rather than copies of records.';

create unlogged table core.pending_events (
    tenant_id uuid not null,
    position bigint not null generated always as identity,
    transaction xid8 not null,
    is_first boolean not null,
    newest_seen bigint,
    type text not null,
    at timestamptz not null,
    subject_type text,
    subject_id uuid,
    actor_kind text not null,
    actor_id uuid,
    data jsonb not null,
    primary key (tenant_id, position)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create index pending_events_transaction on core.pending_events (transaction, position);

comment on table core.pending_events is
'Events of transactions that have not committed: nobody ever sees a row of another transaction.
Unlogged, because no row of it outlives its transaction.';
comment on column core.pending_events.is_first is
'Whether the event has the transaction numbered: one a transaction, whichever savepoint it is in.';
comment on column core.pending_events.newest_seen is
'Of the first: the newest event of the transaction when its trigger last looked.';

create table core.event_heads (
    tenant_id uuid primary key references core.tenants (id)
);

comment on table core.event_heads is
'The row of each tenant that is locked while a transaction commits events of it. It holds no number:
a counter that every commit updates leaves versions behind, through which each commit has to go for
as long as any old snapshot is held. The newest event has the number.';

create table core.event_expiries (
    tenant_id uuid primary key references core.tenants (id),
    expired_number bigint not null,
    constraint expired_number_is_counted check (expired_number > 0)
);

comment on table core.event_expiries is
'Up to which number each tenant''s events are gone.';

create table core.webhook_followers (
    tenant_id uuid primary key references core.tenants (id)
);

comment on table core.webhook_followers is
'The tenants whose events webhooks follow. A row is locked by whoever fans out the events of its
tenant, and by whoever says from which number an endpoint follows them.';

create table core.webhook_marks (
    tenant_id uuid not null,
    number bigint not null,
    primary key (tenant_id, number)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

comment on table core.webhook_marks is
'Up to which number there are events for the webhooks of a tenant to be told of: a row for each
transaction, made with its events, so that whoever sees the one sees the others. A row that all
update would be a queue for writers, and a mark that is set and taken away could be set unseen.
Without a foreign key, as core.events.';

alter table core.event_types enable row level security;
alter table core.webhook_followers enable row level security;
alter table core.webhook_marks enable row level security;
alter table core.events enable row level security;
alter table core.pending_events enable row level security;
alter table core.event_heads enable row level security;
alter table core.event_expiries enable row level security;

insert into core.errors (code, status, message, hint) values
(
    'event.type_unknown', 400, 'There is no event of the type {type}.',
    'Compare the type with v1.event_types; a migration adds types to core.event_types.'
),
(
    'event.tenant_missing', 500, 'An event of the type {type} names no tenant.',
    'Report it: an event belongs to the tenant of its subject.'
),
(
    'event.data_invalid', 422,
    'The data of an event of the type {type} is no JSON object of at most {bytes_max} bytes.',
    'Give ids instead of copies of what they stand for.'
),
(
    'event.append_only', 403, 'What has happened stays: events are neither changed nor removed.',
    'Emit another event that says what is right. Old events go by core.expire_events.'
),
(
    'event.since_invalid', 400,
    'Events are asked for after a number of 0 or more, 1 to {limit_max} at a time.',
    'Begin with after = 0, and go on with complete_to of the answer before.'
);

-- Writing -----------------------------------------------------------------------------------------

create function core.event_bytes_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 16384;

comment on function core.event_bytes_max() is
'How long the data of an event may be as text: what is sent on as a webhook should stay below 20 kB
(Standard Webhooks), and every reader of a tenant fetches it. Internal.';

create function core.last_event_number(tenant_id uuid) returns bigint
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
    return greatest(
        (
            select events.number
            from core.events
            where events.tenant_id = last_event_number.tenant_id
            order by events.number desc
            limit 1
        ),
        (
            select expiries.expired_number
            from core.event_expiries as expiries
            where expiries.tenant_id = last_event_number.tenant_id
        ),
        0
    );
end
$$;

comment on function core.last_event_number(uuid) is
'The number of a tenant''s newest event, 0 before the first. Internal.';

create function core.emit_each(
    type text, subject_type text, tenant_ids uuid[], subject_ids uuid[], data jsonb[]
)
returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- The table of pending events is next to empty whenever its statistics are taken.
set enable_seqscan = off
as $$
declare
    actor constant record := core.caller();
begin
    if array_position(tenant_ids, null) is not null then
        perform core.fail('event.tenant_missing', jsonb_build_object('type', emit_each.type));
    elsif exists (
        select from unnest(emit_each.data) as of_event (data)
        where
            jsonb_typeof(of_event.data) is distinct from 'object'
            or octet_length(of_event.data::text) > core.event_bytes_max()
    ) then
        perform core.fail(
            'event.data_invalid',
            jsonb_build_object('type', emit_each.type, 'bytes_max', core.event_bytes_max())
        );
    end if;
    insert into core.pending_events (
        tenant_id, transaction, is_first, type, at, subject_type, subject_id,
        actor_kind, actor_id, data
    )
    select
        happened.tenant_id,
        pg_current_xact_id(),
        happened.place = 1 and not exists (
            select from core.pending_events as pending
            where pending.transaction = pg_current_xact_id()
        ),
        event_types.type,
        now(),
        emit_each.subject_type,
        happened.subject_id,
        actor.kind,
        actor.id,
        happened.data
    from core.event_types
    cross join unnest(tenant_ids, subject_ids, emit_each.data)
        with ordinality as happened (tenant_id, subject_id, data, place)
    where event_types.type = emit_each.type;
    if not found then
        perform core.fail('event.type_unknown', jsonb_build_object('type', emit_each.type));
    end if;
end
$$;

comment on function core.emit_each(text, text, uuid[], uuid[], jsonb[]) is
'core.emit for many events of one type in one statement: of tenant_ids[n], about subject_ids[n],
with data[n], at least one. Raises as core.emit does. Definer, and internal, as core.emit.';

create function core.emit(
    tenant_id uuid,
    type text,
    subject_type text default null,
    subject_id uuid default null,
    data jsonb default '{}'
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.emit_each(
        emit.type, emit.subject_type, array[emit.tenant_id], array[emit.subject_id],
        array[emit.data]
    );
end
$$;

comment on function core.emit(uuid, text, text, uuid, jsonb) is
'Says that something has happened: appends an event to the tenant''s, in the caller''s transaction,
with its principal as the actor. It has its number, and is seen, when that commits. type: one of
core.event_types. Raises event.type_unknown, event.tenant_missing and event.data_invalid, and at
commit 23503 where there is no such tenant. Internal: whoever could call it could forge what
happened.';

create function core.hint_at_events(tenant_id uuid, number bigint, types text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if to_regprocedure('realtime.send(jsonb, text, text, boolean)') is not null then
        perform realtime.send(
            jsonb_build_object('number', hint_at_events.number, 'types', hint_at_events.types),
            'events',
            'tenant:' || hint_at_events.tenant_id,
            true
        );
    end if;
exception
    -- A hint that is lost costs its readers time until they ask again; it must not cost the writer.
    when others then
        raise warning 'no hint at events of tenant %: %', hint_at_events.tenant_id, sqlerrm;
end
$$;

comment on function core.hint_at_events(uuid, bigint, text[]) is
'Tells those who listen on the private channel tenant:{id} of Realtime, where there is one, up to
which number there are events now. Never fails. Internal.';

create function core.number_pending_events() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
    mine constant xid8 := pg_current_xact_id();
    owners constant uuid[] := array(
        select distinct pending.tenant_id
        from core.pending_events as pending
        where pending.transaction = mine
        order by pending.tenant_id
    );
    numbered record;
begin
    -- In the order of ids, so that no two transactions wait for each other.
    insert into core.event_heads (tenant_id)
    select owner_id
    from unnest(owners) as owner_id
    where not exists (select from core.event_heads where event_heads.tenant_id = owner_id)
    order by owner_id
    on conflict do nothing;
    perform
    from core.event_heads
    where event_heads.tenant_id = any(owners)
    order by event_heads.tenant_id
    for no key update;

    -- A statement of its own, which sees what was committed while this one waited.
    for numbered in
        with waiting as (
            delete from core.pending_events as pending
            where pending.transaction = mine
            returning pending.*
        ),
        lasts as materialized (
            select
                owner_id as tenant_id,
                core.last_event_number(owner_id) as number
            from unnest(owners) as owner_id
        ),
        stored as (
            insert into core.events (
                tenant_id, number, type, at, subject_type, subject_id, actor_kind, actor_id, data
            )
            select
                waiting.tenant_id,
                lasts.number + row_number() over (
                    partition by waiting.tenant_id order by waiting.position
                ),
                waiting.type,
                waiting.at,
                waiting.subject_type,
                waiting.subject_id,
                waiting.actor_kind,
                waiting.actor_id,
                waiting.data
            from waiting
            inner join lasts on lasts.tenant_id = waiting.tenant_id
            returning events.tenant_id, events.number, events.type
        )
        select
            stored.tenant_id,
            max(stored.number) as number,
            array_agg(distinct stored.type) as types
        from stored
        group by stored.tenant_id
    loop
        insert into core.webhook_marks (tenant_id, number)
        select
            followers.tenant_id,
            numbered.number
        from core.webhook_followers as followers
        where followers.tenant_id = numbered.tenant_id;
        perform core.hint_at_events(numbered.tenant_id, numbered.number, numbered.types);
    end loop;
end
$$;

comment on function core.number_pending_events() is
'Numbers the transaction''s events, moves them to core.events, marks them for webhooks, and hints at
them. The locks that it takes on core.event_heads end with the transaction, so that numbers become
visible in their order. Internal.';

create function core.number_events() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
    newest bigint;
begin
    -- Deferred triggers may emit too, and theirs have to be numbered with the others: locks taken
    -- in two goes could stand in a circle. So the trigger queues itself again, behind all that is
    -- queued by now, until a round has brought no more events.
    select max(pending.position) into newest
    from core.pending_events as pending
    where pending.transaction = pg_current_xact_id();
    if newest is distinct from new.newest_seen then
        update core.pending_events as pending
        set newest_seen = newest
        where pending.tenant_id = new.tenant_id and pending.position = new.position;
    elsif current_setting('transaction_isolation') = 'read committed' then
        perform core.number_pending_events();
    else
        -- With one snapshot for all statements, the last number may be one of the past.
        begin
            perform core.number_pending_events();
        exception
            when unique_violation then
                raise exception 'could not number events, because others were committed meanwhile'
                    using errcode = 'serialization_failure';
        end;
    end if;
    return null;
end
$$;

comment on function core.number_events() is
'Trigger at commit: has the transaction''s events numbered when all are there. Definer, because it
runs as whoever commits. A transaction of a stricter isolation than read committed fails with 40001
where another one has committed events of the same tenant since its snapshot.';

create constraint trigger events_numbered_at_commit
after insert or update on core.pending_events
deferrable initially deferred
for each row when (new.is_first)
execute function core.number_events();

-- What has happened stays -------------------------------------------------------------------------

create function core.refuse_event_removal() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'TRUNCATE' then
        perform core.fail('event.append_only');
    end if;
    if exists (
        select from gone
        left join core.event_expiries on event_expiries.tenant_id = gone.tenant_id
        where (gone.number <= event_expiries.expired_number) is not true
    ) then
        perform core.fail('event.append_only');
    end if;
    return null;
end
$$;

comment on function core.refuse_event_removal() is
'Trigger: lets go only of events that core.event_expiries declares gone, so that no reader meets a
hole unawares. Raises event.append_only. Definer, because it reads that table for whoever deletes.';

create function core.refuse_event_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if exists (
        select from before
        full join after on after.tenant_id = before.tenant_id and after.number = before.number
        left join core.event_types on event_types.type = before.type
        where
            to_jsonb(after)
            is distinct from to_jsonb(before)
            || jsonb_build_object('data', before.data - event_types.personal_fields)
    ) then
        perform core.fail('event.append_only');
    end if;
    return null;
end
$$;

comment on function core.refuse_event_change() is
'Trigger: lets an update do nothing to events but remove their personal fields. Raises
event.append_only. Definer, because it reads core.event_types for whoever updates.';

create trigger events_are_not_removed after delete on core.events
referencing old table as gone
for each statement execute function core.refuse_event_removal();

create trigger events_are_not_truncated before truncate on core.events
for each statement execute function core.refuse_event_removal();

create trigger events_are_not_changed after update on core.events
referencing old table as before new table as after
for each statement execute function core.refuse_event_change();

create function core.refuse_type_removal() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.fail('event.append_only');
end
$$;

comment on function core.refuse_type_removal() is
'Trigger: a type of event is neither removed nor renamed, because events name it. Raises
event.append_only.';

create trigger types_stay before delete on core.event_types
for each row execute function core.refuse_type_removal();

create trigger types_are_not_truncated before truncate on core.event_types
for each statement execute function core.refuse_type_removal();

create trigger types_keep_their_names before update on core.event_types
for each row when (new.type <> old.type) execute function core.refuse_type_removal();

create function core.forget_in_events(tenant_id uuid, subject_type text, subject_id uuid)
returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    forgotten bigint;
begin
    update core.events
    set data = events.data - event_types.personal_fields
    from core.event_types
    where
        event_types.type = events.type
        and events.data ?| event_types.personal_fields
        and events.tenant_id = forget_in_events.tenant_id
        and events.subject_type = forget_in_events.subject_type
        and events.subject_id = forget_in_events.subject_id;
    get diagnostics forgotten = row_count;
    return forgotten;
end
$$;

comment on function core.forget_in_events(uuid, text, uuid) is
'Removes the personal fields from the events of a subject, for erasure; that the events happened
stays. Returns of how many. Definer, because nobody else writes events. Internal.';

-- Reading -----------------------------------------------------------------------------------------

create function core.readable_event_types() returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        -- Each permission is asked for once, however many types name it.
        with held as materialized (
            select
                named.permission,
                to_jsonb(core.tenants_with(named.permission)) as tenants
            from (select distinct event_types.permission from core.event_types) as named
        )
        select coalesce(jsonb_object_agg(event_types.type, held.tenants), '{}')
        from core.event_types
        inner join held on held.permission = event_types.permission
        where held.tenants <> '[]'
    );
end
$$;

comment on function core.readable_event_types() is
'For each type of event the ids of the tenants in which the caller holds the permission that it
names: what the policy of core.events asks once a statement. Signed-in users may call it.';

create policy event_types_read on core.event_types for select to authenticated
using (true);

create policy events_read on core.events for select to authenticated
using (
    tenant_id = any((select core.tenants_with('core.events.read'))::uuid[])
    and ((select core.readable_event_types()) -> type) ? tenant_id::text
);

create policy event_expiries_read on core.event_expiries for select to authenticated
using (tenant_id = any((select core.tenants_with('core.events.read'))::uuid[]));

create policy webhook_followers_unseen on core.webhook_followers for select to authenticated
using (false);

create policy webhook_marks_unseen on core.webhook_marks for select to authenticated
using (false);

create policy event_heads_unseen on core.event_heads for select to authenticated
using (false);

create policy pending_events_unseen on core.pending_events for select to authenticated
using (false);

grant select on core.event_types, core.events, core.event_expiries
to authenticated, service_role;

create view v1.event_types with (security_invoker = true) as
select
    event_types.type,
    event_types.description,
    event_types.permission
from core.event_types;

comment on view v1.event_types is
'The types of events, and the permission that reading each needs beside core.events.read.';

create view v1.events with (security_invoker = true) as
select
    events.tenant_id,
    events.number,
    events.type,
    events.at,
    events.subject_type,
    events.subject_id,
    events.actor_kind,
    events.actor_id,
    events.data
from core.events;

comment on view v1.events is
'What has happened in your tenants. Needs core.events.read, and in the tenant of each event the
permission that its type names (v1.event_types). number counts each tenant''s events in the order in
which they were committed; whoever follows them asks v1.events_since.';

grant select on v1.event_types, v1.events to authenticated, service_role;

create function core.events_limit_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1000;

comment on function core.events_limit_max() is
'How many events one answer of v1.events_since holds at most: 16 MB of data. Signed-in users may
call it.';

create function core.events_scan_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 10000;

comment on function core.events_scan_max() is
'How many events one call of v1.events_since looks at, whether or not the caller may see them: some
milliseconds. Signed-in users may call it.';

create function core.readable_last_event_number(tenant_id uuid) returns bigint
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if readable_last_event_number.tenant_id = any(core.tenants_with('core.events.read')) then
        return core.last_event_number(readable_last_event_number.tenant_id);
    end if;
    return null;
end
$$;

comment on function core.readable_last_event_number(uuid) is
'The number of the newest event of a tenant in which the caller holds core.events.read, whether or
not the caller may see that event; null elsewhere. Definer, because of the events that the caller
may not see. Signed-in users may call it.';

create function v1.events_since(
    after bigint default 0, types text[] default null, limit_to integer default 500
)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.events.read');
    unknown text;
    newest bigint;
    expired bigint;
    scanned_from bigint;
    scanned_to bigint;
    found_events jsonb;
    found_count bigint;
    found_last bigint;
begin
    if (
        events_since.after between 0 and 9223372036854775807 - core.events_limit_max()
        and events_since.limit_to between 1 and core.events_limit_max()
    ) is not true then
        perform core.fail(
            'event.since_invalid', jsonb_build_object('limit_max', core.events_limit_max())
        );
    end if;
    select wanted.type into unknown
    from unnest(events_since.types) as wanted (type)
    where not exists (select from core.event_types where event_types.type = wanted.type)
    limit 1;
    if found then
        perform core.fail('event.type_unknown', jsonb_build_object('type', unknown));
    end if;

    -- One snapshot for all that follows, because the function is stable.
    newest := core.readable_last_event_number(owner_id);
    select coalesce(max(expiries.expired_number), 0) into expired
    from core.event_expiries as expiries
    where expiries.tenant_id = owner_id;
    scanned_from := greatest(events_since.after, expired);
    scanned_to := least(newest, scanned_from + core.events_scan_max());
    select
        coalesce(jsonb_agg(to_jsonb(page) order by page.number), '[]'),
        count(*),
        max(page.number)
    into found_events, found_count, found_last
    from (
        select events.*
        from v1.events
        where
            events.tenant_id = owner_id
            and events.number > scanned_from
            and events.number <= scanned_to
            and (events_since.types is null or events.type = any(events_since.types))
        order by events.number
        limit events_since.limit_to
    ) as page;
    return jsonb_build_object(
        'events', found_events,
        'complete_to', case when found_count = events_since.limit_to
            then found_last else scanned_to
        end,
        'newest', newest,
        'gap', events_since.after not between expired and newest
    );
end
$$;

comment on function v1.events_since(bigint, text[], integer) is
'The events of a tenant after a number, of some types or of all, in order: {events, complete_to,
newest, gap}. complete_to: there is nothing up to this number that you have not been given and may
see; ask after it next, at once while it is below newest. gap: what you ask for is not all there any
more, because events after your number have expired, or your number is none of this database (it was
restored from a backup): read the records anew, then go on from complete_to. limit_to: 1 to 1000.
Where you may follow several tenants, x-tenant-id names one. Raises event.since_invalid (400),
event.type_unknown (400), tenancy.permission_missing (403), tenancy.ambiguous (400).
Needs core.events.read, and sees what v1.events shows you.';

-- Hints -------------------------------------------------------------------------------------------

create function core.may_follow_topic(topic text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if topic ~ '^tenant:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        return substr(topic, 8)::uuid = any(core.tenants_with('core.events.read'));
    end if;
    return false;
end
$$;

comment on function core.may_follow_topic(text) is
'Whether the caller may listen on a topic of Realtime: on tenant:{id} with core.events.read in that
tenant, on no other. Signed-in users may call it.';

-- On Supabase the role postgres may make policies on realtime.messages. Where it may not, or there
-- is no Realtime, nobody can join a private channel, and events are followed without hints.
do $$
begin
    if to_regclass('realtime.messages') is not null then
        execute 'drop policy if exists events_are_hinted_at on realtime.messages';
        execute
            'create policy events_are_hinted_at on realtime.messages '
            'for select to authenticated using ('
            'messages.extension = ''broadcast'' '
            'and (select core.may_follow_topic(realtime.topic())))';
    end if;
exception
    when insufficient_privilege then
        raise warning 'nobody can listen for hints at events: %', sqlerrm;
end
$$;

-- Expiry ------------------------------------------------------------------------------------------

create function core.events_days(settings jsonb) returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return case
    when
        jsonb_typeof(settings #> '{core,events_days}') = 'number'
        and (settings #>> '{core,events_days}')::numeric between 1 and 36500
        then trunc((settings #>> '{core,events_days}')::numeric)::integer
    else 400
end;

comment on function core.events_days(jsonb) is
'For how many days a tenant with these settings keeps events: {"core": {"events_days": 30}}, from 1
to 36500, and 400 where nothing valid is set, so that a year can be compared with the one before.
Internal.';

create function core.expire_events(
    budget interval default '30 seconds', as_of timestamptz default now()
)
returns table (tenants bigint, events bigint, done boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    -- Some milliseconds of work.
    step constant integer := 1000;
    deadline constant timestamptz := clock_timestamp() + budget;
    -- Begins anywhere, so that a short budget reaches every tenant in the end.
    start constant uuid := gen_random_uuid();
    head record;
    kept_from timestamptz;
    expired bigint;
    last_in_step bigint;
    first_kept bigint;
    removed bigint;
begin
    tenants := 0;
    events := 0;
    done := true;
    for head in
        select
            heads.tenant_id,
            known.settings
        from core.event_heads as heads
        inner join core.tenants as known on known.id = heads.tenant_id
        order by heads.tenant_id < start, heads.tenant_id
    loop
        kept_from := expire_events.as_of - make_interval(days => core.events_days(head.settings));
        select coalesce(max(expiries.expired_number), 0) into expired
        from core.event_expiries as expiries
        where expiries.tenant_id = head.tenant_id;
        -- Most tenants have nothing to expire, and are asked for one row.
        continue when not exists (
            select from core.events as oldest
            where
                oldest.tenant_id = head.tenant_id
                and oldest.number = expired + 1
                and oldest.at < kept_from
        );
        -- Two at once would delete the same.
        if not pg_try_advisory_xact_lock(
            hashtextextended('core.expire_events/' || head.tenant_id, 0)
        ) then
            done := false;
            continue;
        end if;
        select coalesce(max(expiries.expired_number), 0) into expired
        from core.event_expiries as expiries
        where expiries.tenant_id = head.tenant_id;
        removed := 0;
        loop
            select
                max(old.number),
                min(old.number) filter (where old.at >= kept_from)
            into last_in_step, first_kept
            from core.events as old
            where
                old.tenant_id = head.tenant_id
                and old.number > expired
                and old.number <= expired + step;
            last_in_step := coalesce(first_kept - 1, last_in_step, expired);
            exit when last_in_step = expired;
            insert into core.event_expiries as expiries (tenant_id, expired_number)
            values (head.tenant_id, last_in_step)
            on conflict (tenant_id) do update set expired_number = excluded.expired_number;
            delete from core.events as old
            where
                old.tenant_id = head.tenant_id
                and old.number > expired
                and old.number <= last_in_step;
            removed := removed + last_in_step - expired;
            expired := last_in_step;
            if clock_timestamp() >= deadline then
                done := false;
                exit;
            end if;
        end loop;
        tenants := tenants + (removed > 0)::integer;
        events := events + removed;
        exit when clock_timestamp() >= deadline;
    end loop;
    return next;
end
$$;

comment on function core.expire_events(interval, timestamptz) is
'Removes events that are older than their tenant keeps them, oldest first and without a hole, until
that is done or the budget is used; at least one step is made. Returns of how many tenants how many
events went, and whether it is done: false too where another session is at it. Definer, because it
deletes for every tenant; service_role may call it.';

revoke all on function
core.event_bytes_max(),
core.last_event_number(uuid),
core.emit_each(text, text, uuid[], uuid[], jsonb[]),
core.emit(uuid, text, text, uuid, jsonb),
core.hint_at_events(uuid, bigint, text[]),
core.number_pending_events(),
core.number_events(),
core.refuse_event_removal(),
core.refuse_event_change(),
core.refuse_type_removal(),
core.forget_in_events(uuid, text, uuid),
core.readable_event_types(),
core.events_limit_max(),
core.events_scan_max(),
core.readable_last_event_number(uuid),
v1.events_since(bigint, text[], integer),
core.may_follow_topic(text),
core.events_days(jsonb),
core.expire_events(interval, timestamptz)
from public;
grant execute on function
core.readable_event_types(),
core.events_limit_max(),
core.events_scan_max(),
core.readable_last_event_number(uuid),
v1.events_since(bigint, text[], integer),
core.may_follow_topic(text)
to authenticated, service_role;
grant execute on function core.expire_events(interval, timestamptz) to service_role;
