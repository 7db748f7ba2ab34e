-- Activities at work: made in one call, finished, reminded of, and read as one timeline.
--
-- What happened with a record stands in many tables: its activities, moves, assignments, files and
-- changes. A timeline is one list of all of them, each as far as its reader may see it, so it asks
-- every table as the caller and gathers nothing ahead.

set local lock_timeout = '5s';

insert into core.errors (code, status, message, hint) values
(
    'activity.malformed', 400, 'This is no activity: {problem}.',
    'The types are task, call, meeting, note and email; see v1.add_activity.'
),
(
    'activity.cursor_malformed', 400, 'This is no place in a timeline.',
    'Give as before what the answer before called next.'
);

-- Making ------------------------------------------------------------------------------------------

create function crm.check_activity(
    type text,
    subject text,
    body text,
    outcome text,
    direction text,
    priority text,
    starts_at timestamptz,
    ends_at timestamptz
)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    problem constant text := case
        when (type in ('task', 'call', 'meeting', 'note', 'email')) is not true then
            'there is no such type'
        when (char_length(subject) between 1 and 500) is not true then
            'a subject has 1 to 500 characters'
        when char_length(body) > 100000 then 'a body has 100000 characters at most'
        when char_length(outcome) > 2000 then 'an outcome has 2000 characters at most'
        when direction not in ('inbound', 'outbound') then
            'a direction is inbound or outbound'
        when (priority in ('low', 'normal', 'high')) is not true then
            'a priority is low, normal or high'
        when ends_at < starts_at then 'it ends before it starts'
    end;
begin
    if problem is not null then
        perform core.fail('activity.malformed', jsonb_build_object('problem', problem));
    end if;
end
$$;

comment on function
crm.check_activity(text, text, text, text, text, text, timestamptz, timestamptz) is
'Refuses what is no activity: activity.malformed (400). Signed-in users may call it.';

create function crm.add_activity(activity jsonb, links jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    wanted constant crm.activities := jsonb_populate_record(null::crm.activities, activity);
    within uuid;
    added crm.activities;
begin
    perform crm.check_activity(
        wanted.type, wanted.subject, wanted.body, wanted.outcome, wanted.direction,
        wanted.priority, wanted.starts_at, wanted.ends_at
    );
    if
        (jsonb_typeof(links) = 'array' and jsonb_array_length(links) <= 100) is not true
        or links @? '$[*] ? (!exists(@.object) || !exists(@.record_id)
            || @.object.type() != "string" || !(@.record_id like_regex
            "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"))'
    then
        perform core.fail(
            'activity.malformed',
            jsonb_build_object('problem', 'links are [{"object", "record_id"}], 100 at most')
        );
    end if;
    -- All in the tenant of the first: what is in another is not found there.
    within := case
        when links = '[]' then core.sole_tenant_with('crm.activities.write', 'own')
        else core.tenant_of_record(
            links #>> '{0,object}', (links #>> '{0,record_id}')::uuid
        )
    end;
    if not core.reaches('crm.activities.write', within, wanted.owner_id) then
        perform core.fail(
            'tenancy.permission_missing',
            jsonb_build_object('permission', 'crm.activities.write')
        );
    end if;
    insert into crm.activities (
        tenant_id, id, type, subject, body, direction, priority, starts_at, ends_at, due_at,
        remind_at, done_at, outcome, owner_id
    )
    values (
        within, gen_random_uuid(), wanted.type, wanted.subject, wanted.body, wanted.direction,
        wanted.priority, wanted.starts_at, wanted.ends_at, wanted.due_at, wanted.remind_at,
        wanted.done_at, wanted.outcome, wanted.owner_id
    )
    returning * into added;
    if
        exists (
            select from jsonb_array_elements(links) as link
            where not core.reaches_record(
                link ->> 'object', within, (link ->> 'record_id')::uuid
            )
        )
    then
        perform core.fail('record.not_found');
    end if;
    insert into crm.activity_links (tenant_id, activity_id, object, record_id)
    select distinct
        within,
        added.id,
        link ->> 'object',
        (link ->> 'record_id')::uuid
    from jsonb_array_elements(links) as link;
    return to_jsonb(added);
end
$$;

comment on function crm.add_activity(jsonb, jsonb) is
'What v1.add_activity does, as the caller. Signed-in users may call it.';

create function crm.finish_activity(id uuid, outcome text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    locked constant jsonb := core.lock_record('crm.activities', id, 'write');
    finished crm.activities;
begin
    if char_length(finish_activity.outcome) > 2000 then
        perform core.fail(
            'activity.malformed',
            jsonb_build_object('problem', 'an outcome has 2000 characters at most')
        );
    end if;
    update crm.activities
    set
        done_at = coalesce(activities.done_at, now()),
        outcome = coalesce(finish_activity.outcome, activities.outcome)
    where
        activities.tenant_id = (locked ->> 'tenant_id')::uuid
        and activities.id = finish_activity.id
    returning activities.* into finished;
    return to_jsonb(finished);
end
$$;

comment on function crm.finish_activity(uuid, text) is
'What v1.finish_activity does. Definer, because it locks the activity. Signed-in users may call
it.';

create function crm.effect_create_activity(
    tenant_id uuid, object text, record_id uuid, effect jsonb, context jsonb
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    owner_column constant text := (core.object_named(object)).owner_column;
    assigned_to constant text := coalesce(effect ->> 'assign_to', 'owner');
    holder_id constant uuid := case assigned_to
        when 'owner' then core.record(object, tenant_id, record_id) ->> owner_column
        when 'actor' then context #>> '{actor,id}'
        else assigned_to
    end;
    added_id uuid;
begin
    insert into crm.activities (
        tenant_id, type, subject, body, due_at, remind_at, owner_id, source
    )
    values (
        effect_create_activity.tenant_id,
        effect ->> 'type',
        effect ->> 'subject',
        effect ->> 'note',
        clock_timestamp() + make_interval(secs => (effect ->> 'due_in_s')::double precision),
        clock_timestamp() + make_interval(secs => (effect ->> 'due_in_s')::double precision),
        case
            when core.member_email(effect_create_activity.tenant_id, holder_id) is not null
                then holder_id
        end,
        'effect'
    )
    returning id into added_id;
    insert into crm.activity_links (tenant_id, activity_id, object, record_id)
    values (
        effect_create_activity.tenant_id, added_id, effect_create_activity.object,
        effect_create_activity.record_id
    );
end
$$;

comment on function crm.effect_create_activity(uuid, text, uuid, jsonb, jsonb) is
'The effect create_activity: {"type", "subject", "note", "due_in_s", "assign_to": "owner", "actor"
or the id of a member}. Its owner is reminded when it is due; whoever is no member any more owns
none. Internal.';

insert into core.effect_handlers (effect, handler, description) values
('create_activity', 'crm.effect_create_activity', 'Adds an activity about the record.');

-- Reminding ---------------------------------------------------------------------------------------

create function crm.remind_again() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    new.reminded_at := null;
    return new;
end
$$;

comment on function crm.remind_again() is
'Trigger before update of remind_at: whoever is to be reminded at another time has not been yet.';

create trigger another_time_reminds_again before update of remind_at on crm.activities
for each row when (new.remind_at is distinct from old.remind_at)
execute function crm.remind_again();

create function crm.remind_of_activities(
    max_count integer default 500, at timestamptz default clock_timestamp()
)
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    due crm.activities;
    recipient text;
    reminded integer := 0;
begin
    for due in
        select activities.*
        from crm.activities
        inner join core.tenants on tenants.id = activities.tenant_id
        where
            activities.remind_at <= remind_of_activities.at
            and activities.reminded_at is null
            and activities.done_at is null
            and tenants.status = 'active'
        order by activities.remind_at
        limit max_count
        for no key update of activities skip locked
    loop
        recipient := core.member_email(due.tenant_id, due.owner_id);
        if recipient is not null then
            perform core.enqueue_delivery(
                due.tenant_id,
                'email',
                recipient,
                'crm.task_due',
                jsonb_strip_nulls(
                    jsonb_build_object(
                        'title', due.subject,
                        'due_at', coalesce(due.due_at, due.starts_at, due.remind_at),
                        'about', crm.about_activity(due.tenant_id, due.id),
                        'note', left(due.body, 500),
                        'url', (core.brand_of(due.tenant_id, null) ->> 'app_url')
                        || '/activities/' || due.id
                    )
                ),
                'crm.task_due:' || due.id || ':' || extract(epoch from due.remind_at)
            );
            reminded := reminded + 1;
        end if;
        update crm.activities
        set reminded_at = remind_of_activities.at
        where activities.tenant_id = due.tenant_id and activities.id = due.id;
    end loop;
    return reminded;
end
$$;

comment on function crm.remind_of_activities(integer, timestamptz) is
'Enqueues a mail to the owner of each activity that is open and to be reminded of, once; returns how
many. Whoever is no member any more gets none. It may run in several sessions at once;
core.housekeep calls it. Definer, because it works for every tenant. Internal.';

create function crm.about_activity(tenant_id uuid, activity_id uuid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select
            left(string_agg(
                core.record(links.object, links.tenant_id, links.record_id)
                ->> objects.label_column,
                ', ' order by links.created_at, links.object, links.record_id
            ), 300)
        from crm.activity_links as links
        inner join core.objects on objects.object = links.object
        where
            links.tenant_id = about_activity.tenant_id
            and links.activity_id = about_activity.activity_id
    );
end
$$;

comment on function crm.about_activity(uuid, uuid) is
'What the records are called that an activity hangs on; null for none. Internal.';

revoke all on function
crm.check_activity(text, text, text, text, text, text, timestamptz, timestamptz),
crm.add_activity(jsonb, jsonb),
crm.finish_activity(uuid, text),
crm.effect_create_activity(uuid, text, uuid, jsonb, jsonb),
crm.remind_again(),
crm.remind_of_activities(integer, timestamptz),
crm.about_activity(uuid, uuid)
from public;
grant execute on function
crm.check_activity(text, text, text, text, text, text, timestamptz, timestamptz),
crm.add_activity(jsonb, jsonb),
crm.finish_activity(uuid, text)
to authenticated, service_role;

-- The API -----------------------------------------------------------------------------------------

create function v1.add_activity(
    type text,
    subject text,
    links jsonb default '[]',
    body text default null,
    due_at timestamptz default null,
    remind_at timestamptz default null,
    starts_at timestamptz default null,
    ends_at timestamptz default null,
    direction text default null,
    priority text default 'normal',
    owner_id uuid default core.default_owner(),
    done boolean default false,
    outcome text default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    activity constant jsonb := jsonb_build_object(
        'type', type, 'subject', subject, 'body', body, 'due_at', due_at,
        'remind_at', remind_at, 'starts_at', starts_at, 'ends_at', ends_at,
        'direction', direction, 'priority', priority, 'owner_id', owner_id, 'outcome', outcome
    );
begin
    return coalesce(
        core.stored_answer(
            'add_activity', activity || jsonb_build_object('links', links, 'done', done)
        ),
        core.store_answer(
            crm.add_activity(
                activity || jsonb_build_object('done_at', case when done then now() end), links
            )
        )
    );
end
$$;

comment on function v1.add_activity(
    text, text, jsonb, text, timestamptz, timestamptz, timestamptz, timestamptz, text, text, uuid,
    boolean, text
) is
'Adds a task, call, meeting, note or e-mail and hangs it on records, in one call. links: [{"object":
"crm.leads", "record_id": "…"}], of one tenant, which you may read. remind_at: when its owner gets a
mail; owner_id: by default you. done: whether it has been done; an outbound call or e-mail, or a
meeting, that is done answers a lead and meets service levels. Returns the activity. Needs
crm.activities.write. Raises activity.malformed (400), record.object_unknown (400), record.not_found
(404), record.owner_unknown (422), tenancy.permission_missing (403). May be repeated with an
Idempotency-Key.';

create function v1.finish_activity(id uuid, outcome text default null) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'finish_activity', jsonb_build_object('id', id, 'outcome', outcome)
        ),
        core.store_answer(crm.finish_activity(id, outcome))
    );
end
$$;

comment on function v1.finish_activity(uuid, text) is
'Says that an activity is done, and what came of it; one that is done already keeps its time.
Returns the activity. Needs crm.activities.write. Raises record.not_found (404),
tenancy.permission_missing (403), activity.malformed (400). May be repeated with an
Idempotency-Key.';

create function v1.timeline(
    object text, record_id uuid, before jsonb default null, max_count integer default 50
)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    within constant uuid := core.tenant_of_record(object, record_id);
    event_prefix constant text := (core.object_named(object)).event_prefix;
    page_size constant integer := greatest(1, least(coalesce(max_count, 50), 200));
    before_at timestamptz := 'infinity';
    before_id text := '';
    entries jsonb;
begin
    if before is not null then
        begin
            before_at := before ->> 'at';
            before_id := before ->> 'id';
        exception
            when invalid_datetime_format or datetime_field_overflow then
                before_at := null;
        end;
        if before_at is null or before_id is null then
            perform core.fail('activity.cursor_malformed');
        end if;
    end if;
    with happened as (
        (
            select
                coalesce(activities.done_at, activities.created_at) as at,
                'activity:' || activities.id as id,
                case activities.type when 'note' then 'note' else 'activity' end as kind,
                activities.created_by as actor_id,
                jsonb_build_object(
                    'activity_id', activities.id, 'type', activities.type,
                    'subject', activities.subject, 'body', activities.body,
                    'direction', activities.direction, 'due_at', activities.due_at,
                    'done_at', activities.done_at, 'outcome', activities.outcome,
                    'owner_id', activities.owner_id, 'is_pinned', activities.is_pinned
                ) as data
            from crm.activity_links as links
            inner join crm.activities
                on activities.tenant_id = links.tenant_id and activities.id = links.activity_id
            where
                links.tenant_id = within
                and links.record_id = timeline.record_id
                and links.object = timeline.object
                and (
                    coalesce(activities.done_at, activities.created_at),
                    'activity:' || activities.id
                ) < (before_at, before_id)
            order by 1 desc, 2 desc
            limit page_size + 1
        )
        union all
        (
            select
                periods.entered_at,
                'stage:' || extract(epoch from periods.entered_at),
                'stage',
                periods.moved_by,
                jsonb_build_object(
                    'from', periods.from_stage, 'to', periods.stage, 'reason', periods.reason
                )
            from core.stage_periods as periods
            where
                periods.tenant_id = within
                and periods.record_id = timeline.record_id
                and periods.object = timeline.object
                and (
                    periods.entered_at, 'stage:' || extract(epoch from periods.entered_at)
                ) < (before_at, before_id)
            order by 1 desc, 2 desc
            limit page_size + 1
        )
        union all
        (
            select
                assignments.assigned_at,
                'assignment:' || assignments.id,
                'assignment',
                assignments.assigned_by,
                jsonb_build_object(
                    'user_id', assignments.user_id, 'team_id', assignments.team_id,
                    'rule_name', assignments.rule_name, 'strategy', assignments.strategy,
                    'cause', assignments.cause
                )
            from core.assignments
            where
                assignments.tenant_id = within
                and assignments.record_id = timeline.record_id
                and assignments.object = timeline.object
                and (
                    assignments.assigned_at, 'assignment:' || assignments.id
                ) < (before_at, before_id)
            order by 1 desc, 2 desc
            limit page_size + 1
        )
        union all
        (
            select
                attachments.created_at,
                'attachment:' || attachments.id,
                'attachment',
                attachments.created_by,
                jsonb_build_object(
                    'attachment_id', attachments.id, 'name', attachments.name,
                    'media_type', attachments.media_type, 'size_bytes', attachments.size_bytes,
                    'bucket', attachments.bucket, 'path', attachments.path
                )
            from crm.attachments
            where
                attachments.tenant_id = within
                and attachments.record_id = timeline.record_id
                and attachments.object = timeline.object
                and (
                    attachments.created_at, 'attachment:' || attachments.id
                ) < (before_at, before_id)
            order by 1 desc, 2 desc
            limit page_size + 1
        )
        union all
        (
            select
                events.at,
                'event:' || events.number,
                case
                    when events.type like 'crm.service\_level.%' then 'service_level'
                    else split_part(events.type, '.', 3)
                end,
                events.actor_id,
                events.data || jsonb_build_object('event', events.type)
            from core.events
            where
                events.tenant_id = within
                and events.subject_id = timeline.record_id
                and events.type in (
                    event_prefix || '.created', event_prefix || '.changed',
                    'crm.service_level.breached', 'crm.service_level.met'
                )
                and (events.at, 'event:' || events.number) < (before_at, before_id)
            order by 1 desc, 2 desc
            limit page_size + 1
        )
    )
    select jsonb_agg(to_jsonb(listed) order by listed.at desc, listed.id desc)
    into entries
    from (
        select happened.* from happened
        order by happened.at desc, happened.id desc
        limit page_size + 1
    ) as listed;
    entries := coalesce(entries, '[]');
    return jsonb_build_object(
        'entries', case
            when jsonb_array_length(entries) > page_size then entries - -1 else entries
        end,
        'next', case
            when jsonb_array_length(entries) > page_size
                then jsonb_build_object(
                    'at', entries -> (page_size - 1) -> 'at',
                    'id', entries -> (page_size - 1) -> 'id'
                )
        end
    );
end
$$;

comment on function v1.timeline(text, uuid, jsonb, integer) is
'What happened with a record, the newest first: {"entries": [{"at", "id", "kind", "actor_id",
"data"}], "next"}. kind: activity, note, stage, assignment, attachment, created, changed
(data.fields: which) or service_level; each as far as you may see it. before: next of the answer
before; null when that was the end. max_count: 1 to 200. Needs to read the record. Raises
record.object_unknown (400), record.not_found (404), activity.cursor_malformed (400).';

revoke all on function
v1.add_activity(
    text, text, jsonb, text, timestamptz, timestamptz, timestamptz, timestamptz, text, text, uuid,
    boolean, text
),
v1.finish_activity(uuid, text),
v1.timeline(text, uuid, jsonb, integer)
from public;
grant execute on function
v1.add_activity(
    text, text, jsonb, text, timestamptz, timestamptz, timestamptz, timestamptz, text, text, uuid,
    boolean, text
),
v1.finish_activity(uuid, text),
v1.timeline(text, uuid, jsonb, integer)
to authenticated, service_role;
