-- Service levels: until when somebody has to reach out, and what follows when nobody does.
--
-- A tenant says of which records a first response, or a next step, is due within how much time of
-- business. Each record that this holds of has a row of state and a timer: when the timer is due
-- before it was met, it is breached, and escalations follow as timers of their own. When something
-- is due is worked out in Rust (tenon.business_time_after), clock changes included. States are
-- written with the record locked, as timers are run: the other way round they could wait for each
-- other.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
(
    'crm.service_levels.manage',
    'Say within what time records are answered, and what follows if not.'
);
select core.allow_system_roles(
    array['owner', 'admin', 'manager'], array['crm.service_levels.manage']
);

create table core.service_levels (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    object text not null references core.objects (object),
    name text not null,
    kind text not null,
    condition jsonb,
    within_s integer not null,
    hours jsonb,
    escalations jsonb not null default '[]',
    is_active boolean not null default true,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    updated_at timestamptz not null default now(),
    updated_by uuid,
    primary key (tenant_id, id),
    constraint service_level_name_is_unique unique (tenant_id, object, name),
    constraint name_is_short check (char_length(name) between 1 and 200),
    constraint kind_is_known check (kind in ('first_response', 'next_step')),
    constraint within_ninety_days check (within_s between 1 and 7776000),
    constraint escalations_are_a_list check (jsonb_typeof(escalations) = 'array'),
    constraint hours_are_short check (octet_length(hours::text) <= 16384)
);
create index service_levels_object on core.service_levels (object);

comment on table core.service_levels is 'Within what time something has to happen with records.';
comment on column core.service_levels.kind is
'first_response: somebody reaches out to a new record. next_step: somebody does, after each move and
each activity, as long as the record is open.';
comment on column core.service_levels.condition is
'Of which records, as they are when the time begins; null for all.';
comment on column core.service_levels.within_s is 'In seconds of business.';
comment on column core.service_levels.hours is
'{"time_zone", "week": {"monday": [["09:00", "17:00"]]}, "holidays": []}; null for all day, each
day.';
comment on column core.service_levels.escalations is
'[{"after_s", "effects"}]: what follows so many seconds of business after a breach.';

create table core.service_level_states (
    tenant_id uuid not null,
    object text not null,
    record_id uuid not null,
    service_level_id uuid not null,
    state text not null default 'running',
    started_at timestamptz not null,
    due_at timestamptz not null,
    met_at timestamptz,
    breached_at timestamptz,
    round integer not null default 1,
    breaches integer not null default 0,
    primary key (tenant_id, record_id, object, service_level_id),
    foreign key (tenant_id, service_level_id) references core.service_levels (tenant_id, id)
    on delete cascade,
    constraint state_is_known check (state in ('running', 'met', 'breached', 'cancelled')),
    constraint met_has_a_time check (state <> 'met' or met_at is not null),
    constraint breach_has_a_time check ((state = 'breached') = (breached_at is not null))
);
create index service_level_states_level
on core.service_level_states (tenant_id, service_level_id, state, due_at);

comment on table core.service_level_states is
'How a record stands with a service level:
running    time passes until due_at          met        it happened in time, at met_at
breached   due_at passed; met_at: late       cancelled  the record was closed before';
comment on column core.service_level_states.round is
'How often time began: a next step begins anew with each move and activity.';
comment on column core.service_level_states.breaches is 'In how many of the rounds it was late.';

alter table core.service_levels enable row level security;
create policy service_levels_read on core.service_levels for select to authenticated
using (tenant_id = any((select core.tenants_with('crm.service_levels.manage'))::uuid[]));
select core.guard_linked('core.service_level_states'::regclass);
grant select on core.service_levels, core.service_level_states to authenticated;
grant all on core.service_levels, core.service_level_states to service_role;

select
    core.map_personal(
        mapped.name, 'user.unique_id', mapped.link || ' is user_id', 'set_null'
    )
from (
    values
    ('core.service_levels.created_by', 'created_by'),
    ('core.service_levels.updated_by', 'updated_by')
) as mapped (name, link);
select
    core.map_not_personal(
        'What a tenant promises about all records of a kind.',
        'core.service_levels.name', 'core.service_levels.condition', 'core.service_levels.hours',
        'core.service_levels.escalations'
    );
select core.audit('core.service_levels'::regclass, '{version,updated_at,updated_by}');

insert into core.event_types (type, description, permission) values
(
    'crm.service_level.breached',
    'Nobody did in time what a service level asks. object; service_level_id; name; kind; due_at.',
    'core.events.read'
),
(
    'crm.service_level.met',
    'What a service level asks was done in time. object; service_level_id; name; kind; due_at.',
    'core.events.read'
),
(
    'crm.service_level.saved', 'A service level was made or changed.',
    'crm.service_levels.manage'
),
('crm.service_level.deleted', 'A service level was removed.', 'crm.service_levels.manage');

insert into core.errors (code, status, message, hint) values
(
    'service_level.hours_malformed', 400, 'These are no business hours.',
    'Write {"time_zone": "Europe/Berlin", "week": {"monday": [["09:00", "17:00"]]}}.'
),
(
    'service_level.zone_unknown', 400, 'There is no such time zone.',
    'Name one of the IANA database, as Europe/Berlin.'
),
(
    'service_level.too_far', 400, 'With these business hours that takes more than ten years.',
    'Give more hours, or less time.'
),
(
    'service_level.time_out_of_range', 400, 'Business hours are counted from 1970 to 3000.',
    'Give an instant in between, and a time that is not negative.'
),
(
    'service_level.malformed', 400,
    'A service level has a name of 1 to 200 characters, the kind first_response or next_step,'
    ' 1 to 7776000 seconds, and at most 10 escalations [{"after_s", "effects"}].',
    'See v1.save_service_level.'
),
(
    'service_level.effect_refused', 422, 'An escalation cannot be carried out: {problem}',
    'Details name the place as a JSON pointer, and the code of the problem.'
),
(
    'service_level.unknown', 404, 'There is no such service level, or you may not see it.',
    'Compare the id with v1.service_levels.'
);

-- Time begins -------------------------------------------------------------------------------------

create function core.service_level_timer(service_level_id uuid, step integer) returns jsonb
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return jsonb_build_array(
    jsonb_build_object(
        'effect', 'service_level_due', 'service_level_id', service_level_id, 'step', step
    )
);

comment on function core.service_level_timer(uuid, integer) is
'The effects of a timer of a service level: step 0 for the breach, then the escalations. Internal.';

create function core.start_service_levels(
    object text, tenant_ids uuid[], records jsonb[], kinds text[], at timestamptz
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    with levels as materialized (
        select
            known.*,
            tenon.business_time_after(
                known.hours, start_service_levels.at, known.within_s
            ) as due_at
        from core.service_levels as known
        where
            known.tenant_id = any(tenant_ids)
            and known.object = start_service_levels.object
            and known.kind = any(kinds)
            and known.is_active
    ), started as (
        insert into core.service_level_states as states (
            tenant_id, object, record_id, service_level_id, started_at, due_at
        )
        select
            levels.tenant_id,
            levels.object,
            (given.record ->> 'id')::uuid,
            levels.id,
            start_service_levels.at,
            levels.due_at
        from unnest(tenant_ids, records) as given (tenant_id, record)
        inner join levels on levels.tenant_id = given.tenant_id
        where
            coalesce(given.record ->> 'stage_kind', 'open') = 'open'
            and (levels.kind <> 'first_response' or given.record ->> 'first_response_at' is null)
            and (
                levels.condition is null
                or tenon.condition_holds(levels.condition, given.record)
            )
        on conflict on constraint service_level_states_pkey do update set
            state = 'running',
            started_at = excluded.started_at,
            due_at = excluded.due_at,
            met_at = null,
            breached_at = null,
            round = states.round + 1
        where states.state <> 'running'
        returning states.tenant_id, states.object, states.record_id, states.service_level_id,
            states.due_at
    )
    insert into core.timers as running (
        tenant_id, object, record_id, key, timer, due_at, effects
    )
    select
        started.tenant_id,
        started.object,
        started.record_id,
        'service_level ' || started.service_level_id,
        'service_level',
        started.due_at,
        core.service_level_timer(started.service_level_id, 0)
    from started
    on conflict on constraint timer_runs_once_a_record do update set
        due_at = excluded.due_at,
        effects = excluded.effects,
        attempts = 0,
        last_error = null,
        failed_at = null;
end
$$;

comment on function core.start_service_levels(text, uuid[], jsonb[], text[], timestamptz) is
'Has time begin for records, each a JSON object, of the service levels of these kinds that hold of
them and are not running. The caller has the records locked. Internal.';

create function core.end_service_levels(
    object text,
    tenant_ids uuid[],
    record_ids uuid[],
    ats timestamptz[],
    kinds text[],
    ending text
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    word text;
    ended record;
begin
    if not exists (
        select from unnest(tenant_ids, record_ids) as given (tenant_id, record_id)
        inner join core.service_level_states as states
            on
                states.tenant_id = given.tenant_id
                and states.record_id = given.record_id
                and states.object = end_service_levels.object
        where states.met_at is null and states.state in ('running', 'breached')
    ) then
        return;
    end if;
    -- As timers are run: the record first.
    execute format(
        'select 1 from %s as record inner join unnest($1, $2) as given (tenant_id, record_id) '
        'on given.tenant_id = record.tenant_id and given.record_id = record.id '
        'order by record.tenant_id, record.id for no key update of record',
        known.relation
    )
    using tenant_ids, record_ids;
    with open_states as materialized (
        select
            states.tenant_id,
            states.record_id,
            states.service_level_id,
            states.due_at,
            levels.name,
            levels.kind,
            given.at,
            case
                when states.state = 'breached' then 'late'
                when states.due_at < given.at then 'breached'
                else end_service_levels.ending
            end as verdict
        from unnest(tenant_ids, record_ids, ats) as given (tenant_id, record_id, at)
        inner join core.service_level_states as states
            on
                states.tenant_id = given.tenant_id
                and states.record_id = given.record_id
                and states.object = end_service_levels.object
        inner join core.service_levels as levels
            on levels.tenant_id = states.tenant_id and levels.id = states.service_level_id
        where
            levels.kind = any(kinds)
            and states.met_at is null
            and states.state in ('running', 'breached')
        for update of states
    ), written as (
        update core.service_level_states as states
        set
            state = case open_states.verdict
                when 'late' then 'breached' else open_states.verdict
            end,
            met_at = case when end_service_levels.ending = 'met' then open_states.at end,
            breached_at = case
                when open_states.verdict in ('late', 'breached') then open_states.due_at
            end,
            breaches = states.breaches + (open_states.verdict = 'breached')::integer
        from open_states
        where
            states.tenant_id = open_states.tenant_id
            and states.record_id = open_states.record_id
            and states.object = end_service_levels.object
            and states.service_level_id = open_states.service_level_id
    ), stopped as (
        delete from core.timers
        using open_states
        where
            timers.tenant_id = open_states.tenant_id
            and timers.record_id = open_states.record_id
            and timers.object = end_service_levels.object
            and timers.key like 'service_level ' || open_states.service_level_id || '%'
    )
    select
        array_agg(open_states.tenant_id) as tenant_ids,
        array_agg(open_states.record_id) as ids,
        array_agg(open_states.verdict) as verdicts,
        array_agg(
            jsonb_build_object(
                'object', end_service_levels.object,
                'service_level_id', open_states.service_level_id,
                'name', open_states.name, 'kind', open_states.kind, 'due_at', open_states.due_at
            )
        ) as data
    into ended
    from open_states;
    foreach word in array array['met', 'breached'] loop
        perform core.emit_each(
            'crm.service_level.' || word,
            known.singular,
            array_agg(told.tenant_id), array_agg(told.record_id), array_agg(told.data)
        )
        from unnest(ended.tenant_ids, ended.ids, ended.verdicts, ended.data) as told (
            tenant_id, record_id, verdict, data
        )
        where told.verdict = word
        having count(*) > 0;
    end loop;
end
$$;

comment on function
core.end_service_levels(text, uuid[], uuid[], timestamptz[], text[], text) is
'Ends what is running of the service levels of these kinds: record_ids[n] at ats[n]. ending: met, or
cancelled for records that were closed; what was due before is breached instead. Internal.';

create function core.service_levels_of_new() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    of_object constant text := tg_argv[0];
    tenant_ids uuid[];
    records jsonb[];
begin
    select array_agg(new_records.tenant_id), array_agg(to_jsonb(new_records))
    into tenant_ids, records
    from new_records
    where exists (
        select from core.service_levels as levels
        where
            levels.tenant_id = new_records.tenant_id
            and levels.object = of_object
            and levels.is_active
    );
    if tenant_ids is not null then
        perform core.start_service_levels(
            of_object, tenant_ids, records, array['first_response', 'next_step'],
            clock_timestamp()
        );
    end if;
    return null;
end
$$;

comment on function core.service_levels_of_new() is
'Trigger after insert: has the time of service levels begin. Argument: the object. Definer, because
who inserts does not see service levels.';

create function core.service_levels_of_changed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    of_object constant text := tg_argv[0];
    happened record;
    happened_at constant timestamptz := clock_timestamp();
begin
    for happened in
        select
            what.happened as word,
            array_agg(changed.tenant_id) as tenant_ids,
            array_agg(changed.id) as ids,
            array_agg(happened_at) as ats,
            array_agg(changed.content) as records
        from (
            select
                new_records.tenant_id,
                new_records.id,
                to_jsonb(new_records) as content,
                to_jsonb(old_records) as before
            from new_records
            inner join old_records
                on
                    old_records.tenant_id = new_records.tenant_id
                    and old_records.id = new_records.id
            where exists (
                select from core.service_levels as levels
                where levels.tenant_id = new_records.tenant_id and levels.object = of_object
            )
        ) as changed
        cross join lateral (
            select 'closed'
            where
                changed.content ->> 'stage_kind' <> 'open'
                and changed.before ->> 'stage_kind' = 'open'
            union all
            select 'moved'
            where
                coalesce(changed.content ->> 'stage_kind', 'open') = 'open'
                and changed.content ->> 'stage' is distinct from changed.before ->> 'stage'
            union all
            select 'answered'
            where
                changed.content ->> 'first_response_at' is not null
                and changed.before ->> 'first_response_at' is null
        ) as what (happened)
        group by what.happened
        order by what.happened
    loop
        case happened.word
            when 'answered' then
                perform core.end_service_levels(
                    of_object, happened.tenant_ids, happened.ids, happened.ats,
                    '{first_response}', 'met'
                );
            when 'closed' then
                perform core.end_service_levels(
                    of_object, happened.tenant_ids, happened.ids, happened.ats,
                    '{first_response,next_step}', 'cancelled'
                );
            else
                perform core.end_service_levels(
                    of_object, happened.tenant_ids, happened.ids, happened.ats, '{next_step}', 'met'
                );
                perform core.start_service_levels(
                    of_object, happened.tenant_ids, happened.records, '{next_step}', happened_at
                );
        end case;
    end loop;
    return null;
end
$$;

comment on function core.service_levels_of_changed() is
'Trigger after update: a response ends the wait for it, a move is a next step and has time for
another begin, and what is closed waits for nothing. Argument: the object. Definer, as
core.service_levels_of_new.';

create function core.attach_service_levels(object text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
begin
    -- After the events of the record itself: in the order of their names.
    execute format(
        'create trigger service_levels_begin after insert on %s '
        'referencing new table as new_records '
        'for each statement execute function core.service_levels_of_new(%L)',
        known.relation, known.object
    );
    execute format(
        'create trigger service_levels_follow after update on %s '
        'referencing old table as old_records new table as new_records '
        'for each statement execute function core.service_levels_of_changed(%L)',
        known.relation, known.object
    );
end
$$;

comment on function core.attach_service_levels(text) is
'Lets tenants set service levels for records of an object. For the migration that makes the table,
after core.register_object. Owner only.';

create function core.effect_service_level(
    tenant_id uuid, object text, record_id uuid, effect jsonb, context jsonb
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    step constant integer := (effect ->> 'step')::integer;
    level core.service_levels;
    standing core.service_level_states;
begin
    select levels.* into level
    from core.service_levels as levels
    where
        levels.tenant_id = effect_service_level.tenant_id
        and levels.id = (effect ->> 'service_level_id')::uuid
        and levels.is_active;
    select states.* into standing
    from core.service_level_states as states
    where
        states.tenant_id = level.tenant_id
        and states.record_id = effect_service_level.record_id
        and states.object = effect_service_level.object
        and states.service_level_id = level.id
    for update;
    if standing.record_id is null or standing.met_at is not null then
        return;
    elsif step > 0 then
        if standing.state = 'breached' then
            perform core.run_effects(
                level.tenant_id, standing.object, standing.record_id,
                coalesce(level.escalations -> (step - 1) -> 'effects', '[]'),
                context || jsonb_build_object('service_level', level.name)
            );
        end if;
        return;
    elsif standing.state <> 'running' then
        return;
    end if;
    update core.service_level_states as states
    set state = 'breached', breached_at = states.due_at, breaches = states.breaches + 1
    where
        states.tenant_id = standing.tenant_id
        and states.record_id = standing.record_id
        and states.object = standing.object
        and states.service_level_id = standing.service_level_id;
    perform core.emit(
        level.tenant_id, 'crm.service_level.breached',
        (core.object_named(standing.object)).singular, standing.record_id,
        jsonb_build_object(
            'object', standing.object, 'service_level_id', level.id, 'name', level.name,
            'kind', level.kind, 'due_at', standing.due_at
        )
    );
    -- Each a timer of its own: one that fails is tried again, and holds none of the others up.
    perform core.start_timer(
        level.tenant_id, standing.object, standing.record_id, 'service_level_escalation',
        tenon.business_time_after(
            level.hours, standing.due_at, (escalation.content ->> 'after_s')::integer
        ),
        core.service_level_timer(level.id, escalation.place::integer),
        '{}',
        format('service_level %s %s', level.id, escalation.place)
    )
    from jsonb_array_elements(level.escalations) with ordinality as escalation (content, place);
end
$$;

comment on function core.effect_service_level(uuid, text, uuid, jsonb, jsonb) is
'The effect service_level_due: step 0 marks what is still running as breached, and starts timers for
the escalations; step n carries the n-th out, if nobody has done yet what is asked. Internal.';

insert into core.effect_handlers (effect, handler, description, is_open) values
(
    'service_level_due', 'core.effect_service_level', 'Marks a service level as breached.', false
);

revoke all on function
core.service_level_timer(uuid, integer),
core.start_service_levels(text, uuid[], jsonb[], text[], timestamptz),
core.end_service_levels(text, uuid[], uuid[], timestamptz[], text[], text),
core.service_levels_of_new(),
core.service_levels_of_changed(),
core.attach_service_levels(text),
core.effect_service_level(uuid, text, uuid, jsonb, jsonb)
from public;

select core.attach_service_levels(objects.object)
from core.objects
where objects.object in ('crm.companies', 'crm.contacts', 'crm.leads', 'crm.deals');

-- Activities --------------------------------------------------------------------------------------

create function crm.is_contact(activity crm.activities) returns boolean
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return activity.done_at is not null and (
    (activity.type in ('call', 'email') and activity.direction is not distinct from 'outbound')
    or (activity.type = 'meeting' and coalesce(activity.direction, 'outbound') = 'outbound')
);

comment on function crm.is_contact(crm.activities) is
'Whether an activity is that somebody of the tenant reached out: an outbound call or e-mail, or a
meeting, that is done. Internal.';

create function crm.report_contacts(tenant_ids uuid[], activity_ids uuid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    linked record;
begin
    for linked in
        select
            links.object,
            crm.is_contact(activities) as is_contact,
            array_agg(links.tenant_id) as tenant_ids,
            array_agg(links.record_id) as ids,
            -- Noted later than it was done, and not before it is.
            array_agg(least(activities.done_at, clock_timestamp())) as ats,
            array_agg(core.record(links.object, links.tenant_id, links.record_id)) as records
        from unnest(tenant_ids, activity_ids) as given (tenant_id, activity_id)
        inner join crm.activities
            on activities.tenant_id = given.tenant_id and activities.id = given.activity_id
        inner join crm.activity_links as links
            on
                links.tenant_id = activities.tenant_id
                and links.activity_id = activities.id
        where
            activities.done_at is not null
            and activities.type <> 'note'
            and (
                links.object = 'crm.leads'
                or exists (
                    select from core.service_levels as levels
                    where levels.tenant_id = links.tenant_id and levels.object = links.object
                )
            )
        group by links.object, crm.is_contact(activities)
        order by links.object, crm.is_contact(activities)
    loop
        perform core.end_service_levels(
            linked.object, linked.tenant_ids, linked.ids, linked.ats,
            case when linked.is_contact then '{first_response,next_step}'::text[]
                else '{next_step}'
            end,
            'met'
        );
        perform core.start_service_levels(
            linked.object, linked.tenant_ids, linked.records, '{next_step}', clock_timestamp()
        );
        if linked.is_contact and linked.object = 'crm.leads' then
            update crm.leads
            set first_response_at = answered.at
            from (
                select
                    given.tenant_id,
                    given.id,
                    min(given.at) as at
                from unnest(linked.tenant_ids, linked.ids, linked.ats) as given (tenant_id, id, at)
                group by given.tenant_id, given.id
            ) as answered
            where
                leads.tenant_id = answered.tenant_id
                and leads.id = answered.id
                and leads.first_response_at is null;
        end if;
    end loop;
end
$$;

comment on function crm.report_contacts(uuid[], uuid[]) is
'Says to the records that these activities hang on that something was done: service levels are met,
and a lead that was reached out to says since when. Internal.';

create function crm.linked_activities_count() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant_ids uuid[];
    ids uuid[];
begin
    select array_agg(new_links.tenant_id), array_agg(new_links.activity_id)
    into tenant_ids, ids
    from (select distinct tenant_id, activity_id from new_records) as new_links;
    if ids is not null then
        perform crm.report_contacts(tenant_ids, ids);
    end if;
    return null;
end
$$;

comment on function crm.linked_activities_count() is
'Trigger after activities were hung on records: those that are done count for them. Definer, because
it takes no right to write a record to note a call with it.';

create function crm.finished_activities_count() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant_ids uuid[];
    ids uuid[];
begin
    select array_agg(new_records.tenant_id), array_agg(new_records.id)
    into tenant_ids, ids
    from new_records
    inner join old_records
        on old_records.tenant_id = new_records.tenant_id and old_records.id = new_records.id
    where new_records.done_at is not null and old_records.done_at is null;
    if ids is not null then
        perform crm.report_contacts(tenant_ids, ids);
    end if;
    return null;
end
$$;

comment on function crm.finished_activities_count() is
'Trigger after update: activities that are done now count for their records. Definer, as
crm.linked_activities_count.';

revoke all on function
crm.is_contact(crm.activities),
crm.report_contacts(uuid[], uuid[]),
crm.linked_activities_count(),
crm.finished_activities_count()
from public;

create trigger they_count after insert on crm.activity_links
referencing new table as new_records
for each statement execute function crm.linked_activities_count();
create trigger they_count after update on crm.activities
referencing old table as old_records new table as new_records
for each statement execute function crm.finished_activities_count();

-- The API -----------------------------------------------------------------------------------------

create function core.check_escalations(tenant_id uuid, object text, escalations jsonb) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    step record;
    problem jsonb;
begin
    if
        (
            jsonb_typeof(escalations) = 'array'
            and jsonb_array_length(escalations) <= 10
            and octet_length(escalations::text) <= 65536
        ) is not true
    then
        perform core.fail('service_level.malformed');
    end if;
    for step in
        select element as content, place - 1 as place
        from jsonb_array_elements(escalations) with ordinality as each (element, place)
    loop
        if
            (
                jsonb_typeof(step.content -> 'after_s') = 'number'
                and step.content ->> 'after_s' ~ '^[0-9]{1,7}$'
                and jsonb_typeof(step.content -> 'effects') = 'array'
                and step.content - '{after_s,effects}'::text[] = '{}'
            ) is not true
        then
            perform core.fail('service_level.malformed');
        end if;
        select
            found_problem || jsonb_build_object(
                'path', format('/%s/effects%s', step.place, found_problem ->> 'path')
            )
        into problem
        from jsonb_array_elements(
            tenon.effect_problems(
                step.content -> 'effects', core.fields_of(object, tenant_id)
            )
        ) as found_problem
        limit 1;
        if problem is null then
            select
                found_problem || jsonb_build_object(
                    'path', format('/%s/effects/%s', step.place, places.place - 1)
                )
            into problem
            from jsonb_array_elements(step.content -> 'effects')
                with ordinality as places (effect, place)
            cross join lateral core.effect_problem(tenant_id, object, places.effect)
                as found_problem
            where found_problem is not null
            limit 1;
        end if;
        if problem is not null then
            perform core.fail('service_level.effect_refused', problem);
        end if;
    end loop;
end
$$;

comment on function core.check_escalations(uuid, text, jsonb) is
'Refuses escalations that cannot be carried out for records of the object. Raises
service_level.malformed (400) and service_level.effect_refused (422). Internal.';

create function core.save_service_level(
    object text,
    name text,
    kind text,
    within_s integer,
    condition jsonb,
    hours jsonb,
    escalations jsonb,
    is_active boolean
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    within constant uuid := core.sole_tenant_with('crm.service_levels.manage');
    known constant core.objects := core.object_named(object);
    saved core.service_levels;
begin
    if
        (
            char_length(save_service_level.name) between 1 and 200
            and save_service_level.kind in ('first_response', 'next_step')
            and save_service_level.within_s between 1 and 7776000
            and coalesce(octet_length(save_service_level.hours::text), 0) <= 16384
        ) is not true
    then
        perform core.fail('service_level.malformed');
    end if;
    if save_service_level.hours is not null then
        perform tenon.business_hours_check(save_service_level.hours);
        perform tenon.business_time_after(
            save_service_level.hours, statement_timestamp(), save_service_level.within_s
        );
    end if;
    if save_service_level.condition is not null then
        perform tenon.condition_check(
            save_service_level.condition, core.fields_of(known.object, within)
        );
    end if;
    perform core.check_escalations(within, known.object, save_service_level.escalations);
    insert into core.service_levels as levels (
        tenant_id, object, name, kind, condition, within_s, hours, escalations, is_active
    )
    values (
        within,
        known.object,
        save_service_level.name,
        save_service_level.kind,
        save_service_level.condition,
        save_service_level.within_s,
        save_service_level.hours,
        save_service_level.escalations,
        coalesce(save_service_level.is_active, true)
    )
    on conflict on constraint service_level_name_is_unique do update set
        kind = excluded.kind,
        condition = excluded.condition,
        within_s = excluded.within_s,
        hours = excluded.hours,
        escalations = excluded.escalations,
        is_active = excluded.is_active,
        version = levels.version + 1,
        updated_at = now(),
        updated_by = core.caller_id()
    returning levels.* into saved;
    perform core.emit(
        within, 'crm.service_level.saved', 'service_level', saved.id,
        jsonb_build_object('object', saved.object, 'version', saved.version)
    );
    return to_jsonb(saved);
end
$$;

comment on function
core.save_service_level(text, text, text, integer, jsonb, jsonb, jsonb, boolean) is
'What v1.save_service_level does. Definer, because it writes core.service_levels. Signed-in users
may call it.';

create function core.delete_service_level(id uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    within constant uuid := core.sole_tenant_with('crm.service_levels.manage');
    gone core.service_levels;
begin
    delete from core.service_levels as levels
    where levels.tenant_id = within and levels.id = delete_service_level.id
    returning levels.* into gone;
    if gone.id is null then
        perform core.fail('service_level.unknown');
    end if;
    perform core.emit(
        gone.tenant_id, 'crm.service_level.deleted', 'service_level', gone.id,
        jsonb_build_object('object', gone.object)
    );
end
$$;

comment on function core.delete_service_level(uuid) is
'What v1.delete_service_level does. Definer, because it writes core.service_levels. Signed-in users
may call it.';

revoke all on function
core.check_escalations(uuid, text, jsonb),
core.save_service_level(text, text, text, integer, jsonb, jsonb, jsonb, boolean),
core.delete_service_level(uuid)
from public;
grant execute on function
core.save_service_level(text, text, text, integer, jsonb, jsonb, jsonb, boolean),
core.delete_service_level(uuid)
to authenticated, service_role;

create view v1.service_levels with (security_invoker = true) as
select
    levels.tenant_id,
    levels.id,
    levels.object,
    levels.name,
    levels.kind,
    levels.condition,
    levels.within_s,
    levels.hours,
    levels.escalations,
    levels.is_active,
    levels.version,
    levels.created_at,
    levels.created_by,
    levels.updated_at,
    levels.updated_by
from core.service_levels as levels;

comment on view v1.service_levels is
'Within what time something has to happen with records, and what follows if it does not. Needs
crm.service_levels.manage.';

create view v1.service_level_states with (security_invoker = true) as
select
    states.tenant_id,
    states.object,
    states.record_id,
    states.service_level_id,
    states.state,
    states.started_at,
    states.due_at,
    states.met_at,
    states.breached_at,
    states.round,
    states.breaches
from core.service_level_states as states;

comment on view v1.service_level_states is
'How records stand with service levels: running, met, breached or cancelled, and since when. Whoever
may read a record may read it.';
grant select on v1.service_levels, v1.service_level_states to authenticated, service_role;

create function v1.save_service_level(
    object text,
    name text,
    kind text,
    within_s integer,
    condition jsonb default null,
    hours jsonb default null,
    escalations jsonb default '[]',
    is_active boolean default true
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'save_service_level',
            jsonb_build_object(
                'object', object, 'name', name, 'kind', kind, 'within_s', within_s,
                'condition', condition, 'hours', hours, 'escalations', escalations,
                'is_active', is_active
            )
        ),
        core.store_answer(
            core.save_service_level(
                object, name, kind, within_s, condition, hours, escalations, is_active
            )
        )
    );
end
$$;

comment on function
v1.save_service_level(text, text, text, integer, jsonb, jsonb, jsonb, boolean) is
'Says within how many seconds of business something has to happen with records of an object; a
service level of the same name is replaced, for records whose time begins from then on. kind:
first_response or next_step. hours: {"time_zone": "Europe/Berlin", "week": {"monday": [["09:00",
"17:00"]]}, "holidays": ["2026-12-25"]}, null for all time. escalations: [{"after_s", "effects"}],
what follows so many seconds of business after a breach. Returns the service level. Needs
crm.service_levels.manage. Raises record.object_unknown, service_level.malformed,
service_level.hours_malformed, service_level.zone_unknown, service_level.too_far (400),
service_level.effect_refused (422) and condition.…. May be repeated with an Idempotency-Key.';

create function v1.delete_service_level(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    answer jsonb := core.stored_answer('delete_service_level', jsonb_build_object('id', id));
begin
    if answer is null then
        perform core.delete_service_level(id);
        answer := core.store_answer(jsonb_build_object('id', id));
    end if;
    return answer;
end
$$;

comment on function v1.delete_service_level(uuid) is
'Removes a service level, and how records stood with it; nothing of it escalates any more. Returns
{id}. Needs crm.service_levels.manage. Raises service_level.unknown (404). May be repeated with an
Idempotency-Key.';

revoke all on function
v1.save_service_level(text, text, text, integer, jsonb, jsonb, jsonb, boolean),
v1.delete_service_level(uuid)
from public;
grant execute on function
v1.save_service_level(text, text, text, integer, jsonb, jsonb, jsonb, boolean),
v1.delete_service_level(uuid)
to authenticated, service_role;
