-- Timers: effects that follow later.
--
-- A timer is a row with the time that it is due at, so it survives every restart, is stopped by
-- deleting it, and rolls back with whatever started it. It belongs to a record and goes with it.
-- Whoever runs timers locks the record before the timer, as moves do: the other way round the two
-- could wait for each other.

set local lock_timeout = '5s';

create table core.timers (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    object text not null references core.objects (object),
    record_id uuid not null,
    key text not null,
    timer text not null,
    due_at timestamptz not null,
    effects jsonb not null,
    context jsonb not null default '{}',
    attempts integer not null default 0,
    last_error text,
    failed_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint timer_runs_once_a_record unique (tenant_id, record_id, object, key),
    constraint key_is_short check (octet_length(key) between 1 and 200),
    constraint timer_is_a_word check (timer ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint effects_are_a_list check (jsonb_typeof(effects) = 'array'),
    constraint error_is_short check (octet_length(last_error) <= 4000)
);
create index timers_due on core.timers (due_at) where failed_at is null;

comment on table core.timers is
'Effects that follow when their time comes. A timer that was run is gone; one that failed too often
stays, with failed_at and why, until its record goes or somebody starts it anew.';
comment on column core.timers.key is
'Names the timer of a record: started again, it begins anew. The name for people is timer.';
comment on column core.timers.context is 'What the timer was started by, for its effects.';

select core.guard_linked('core.timers'::regclass);
grant select on core.timers to authenticated;
grant all on core.timers to service_role;

insert into core.event_types (type, description, permission) values
(
    'core.timer.failed',
    'The effects of a timer failed too often, and are not tried again. timer: its name.',
    'core.events.read'
);

create function core.start_timer(
    tenant_id uuid,
    object text,
    record_id uuid,
    timer text,
    due_at timestamptz,
    effects jsonb,
    context jsonb default '{}',
    key text default null
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into core.timers as running (
        tenant_id, object, record_id, key, timer, due_at, effects, context
    )
    values (
        start_timer.tenant_id, start_timer.object, start_timer.record_id,
        coalesce(start_timer.key, start_timer.timer), start_timer.timer, start_timer.due_at,
        start_timer.effects, coalesce(start_timer.context, '{}')
    )
    on conflict on constraint timer_runs_once_a_record do update set
        timer = excluded.timer,
        due_at = excluded.due_at,
        effects = excluded.effects,
        context = excluded.context,
        attempts = 0,
        last_error = null,
        failed_at = null,
        created_at = excluded.created_at,
        created_by = excluded.created_by;
end
$$;

comment on function core.start_timer(uuid, text, uuid, text, timestamptz, jsonb, jsonb, text) is
'Starts a timer of a record, or starts it anew: at due_at its effects are carried out. key: what it
is stopped by, where that is not its name. The caller has the record locked. Internal.';

create function core.cancel_timer(tenant_id uuid, object text, record_id uuid, key text)
returns boolean
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    delete from core.timers
    where
        timers.tenant_id = cancel_timer.tenant_id
        and timers.record_id = cancel_timer.record_id
        and timers.object = cancel_timer.object
        and timers.key = cancel_timer.key;
    return found;
end
$$;

comment on function core.cancel_timer(uuid, text, uuid, text) is
'Stops a timer of a record; whether there was one. The caller has the record locked. Internal.';

create function core.effect_start_timer(
    tenant_id uuid, object text, record_id uuid, effect jsonb, context jsonb
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.start_timer(
        tenant_id, object, record_id, effect ->> 'timer',
        clock_timestamp() + make_interval(secs => (effect ->> 'after_s')::double precision),
        effect -> 'effects', context, 'effect ' || (effect ->> 'timer')
    );
end
$$;

comment on function core.effect_start_timer(uuid, text, uuid, jsonb, jsonb) is
'The effect start_timer: {"timer", "after_s", "effects"}. Internal.';

create function core.effect_cancel_timer(
    tenant_id uuid, object text, record_id uuid, effect jsonb, context jsonb
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.cancel_timer(
        tenant_id, object, record_id, 'effect ' || (effect ->> 'timer')
    );
end
$$;

comment on function core.effect_cancel_timer(uuid, text, uuid, jsonb, jsonb) is
'The effect cancel_timer: {"timer"}. Internal.';

insert into core.effect_handlers (effect, handler, description) values
('start_timer', 'core.effect_start_timer', 'Starts a timer of the record.'),
('cancel_timer', 'core.effect_cancel_timer', 'Stops a timer of the record.');

-- Running -----------------------------------------------------------------------------------------

create function core.refuse_timer(timer core.timers, error text, at timestamptz) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    decision record;
begin
    select decided.* into strict decision
    from tenon.delivery_decision(
        'job', timer.attempts + 1, '{"delivered": false}', refuse_timer.at, timer.id::text
    ) as decided;
    update core.timers
    set
        attempts = timers.attempts + 1,
        last_error = left(refuse_timer.error, 1000),
        due_at = coalesce(decision.next_attempt_at, timers.due_at),
        failed_at = case when decision.next_attempt_at is null then refuse_timer.at end
    where timers.tenant_id = timer.tenant_id and timers.id = timer.id;
    if decision.next_attempt_at is null then
        perform core.emit(
            timer.tenant_id, 'core.timer.failed', (core.object_named(timer.object)).singular,
            timer.record_id, jsonb_build_object('timer', timer.timer)
        );
    end if;
end
$$;

comment on function core.refuse_timer(core.timers, text, timestamptz) is
'Has a timer whose effects failed tried again later, as jobs are, or ends it. Internal.';

create function core.run_timer(candidate core.timers, at timestamptz) returns text
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    relation constant text := (core.object_named(candidate.object)).relation;
    record_is_locked boolean;
    timer core.timers;
begin
    execute format(
        'select true from %s as record where tenant_id = $1 and id = $2 '
        'for no key update skip locked',
        relation
    )
    into record_is_locked
    using candidate.tenant_id, candidate.record_id;
    select timers.* into timer
    from core.timers
    where
        timers.tenant_id = candidate.tenant_id
        and timers.id = candidate.id
        and timers.due_at <= run_timer.at
        and timers.failed_at is null
    for update skip locked;
    if timer.id is null then
        return 'gone';
    elsif record_is_locked is null then
        if core.record(timer.object, timer.tenant_id, timer.record_id) is null then
            delete from core.timers
            where timers.tenant_id = timer.tenant_id and timers.id = timer.id;
            return 'gone';
        end if;
        -- Somebody is at work on the record, and may be about to stop this timer.
        return 'busy';
    end if;
    begin
        -- Gone first, so that its effects may start it again.
        delete from core.timers where timers.tenant_id = timer.tenant_id and timers.id = timer.id;
        perform core.run_effects(
            timer.tenant_id, timer.object, timer.record_id, timer.effects,
            timer.context || jsonb_build_object('timer', timer.timer, 'due_at', timer.due_at)
        );
        return 'run';
    exception
        when others then
            perform core.refuse_timer(timer, sqlerrm, run_timer.at);
            return 'failed';
    end;
end
$$;

comment on function core.run_timer(core.timers, timestamptz) is
'Carries out what a timer stands for: run, failed, gone (it was stopped or run by somebody else) or
busy (its record is being written). What failed is undone. Internal.';

create function core.run_timers(
    max_count integer default 100, at timestamptz default clock_timestamp()
)
returns table (run bigint, failed bigint, done boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
-- Each look is at the beginning of an index, whatever statistics say.
set enable_seqscan = off
as $$
declare
    candidate core.timers;
    seen integer := 0;
begin
    run := 0;
    failed := 0;
    for candidate in
        select timers.*
        from core.timers
        inner join core.tenants on tenants.id = timers.tenant_id
        where
            timers.due_at <= run_timers.at
            and timers.failed_at is null
            and tenants.status <> 'suspended'
        order by timers.due_at
        limit run_timers.max_count
    loop
        seen := seen + 1;
        case core.run_timer(candidate, run_timers.at)
            when 'run' then
                run := run + 1;
            when 'failed' then
                failed := failed + 1;
            else
                null;
        end case;
    end loop;
    done := seen < run_timers.max_count;
    return next;
end
$$;

comment on function core.run_timers(integer, timestamptz) is
'Carries out what is due, the oldest first and max_count at most; a timer whose record is being
written is left for the next time. Returns how many were run, how many failed, and whether that was
all. Those of suspended tenants wait. It may run in several sessions at once. Definer, because it
works for every tenant; service_role may call it.';

-- The API -----------------------------------------------------------------------------------------

create view v1.timers with (security_invoker = true) as
select
    timers.tenant_id,
    timers.id,
    timers.object,
    timers.record_id,
    timers.timer,
    timers.due_at,
    timers.attempts,
    timers.last_error,
    timers.failed_at,
    timers.created_at,
    timers.created_by
from core.timers;

comment on view v1.timers is
'What is to happen to records later: time limits of stages, and timers that effects started. Whoever
may read the record may read its timers.';
grant select on v1.timers to authenticated, service_role;

revoke all on function
core.start_timer(uuid, text, uuid, text, timestamptz, jsonb, jsonb, text),
core.cancel_timer(uuid, text, uuid, text),
core.effect_start_timer(uuid, text, uuid, jsonb, jsonb),
core.effect_cancel_timer(uuid, text, uuid, jsonb, jsonb),
core.refuse_timer(core.timers, text, timestamptz),
core.run_timer(core.timers, timestamptz),
core.run_timers(integer, timestamptz)
from public;
grant execute on function core.run_timers(integer, timestamptz) to service_role;

select
    core.map_personal(
        'core.timers.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
    );
select
    core.map_not_personal(
        'Ids, states and what a tenant defined; errors name fields, not their values.',
        'core.timers.effects', 'core.timers.context', 'core.timers.last_error'
    );
