begin;
\ir ../support/fixtures.sql
select plan(40);

\set lead '\'00000000-0000-4000-e000-000000000001\''

create function pg_temp.standing(kind text) returns table (state text, round integer, late boolean)
language sql
as $$
    select
        states.state,
        states.round,
        states.breaches > 0
    from core.service_level_states as states
    inner join core.service_levels as levels on levels.id = states.service_level_id
    where
        levels.kind = standing.kind
        and states.record_id = '00000000-0000-4000-e000-000000000001'
$$;
create function pg_temp.the_lead() returns jsonb
language sql
as $$
    select jsonb '[{
        "object": "crm.leads", "record_id": "00000000-0000-4000-e000-000000000001"
    }]'
$$;
create function pg_temp.told(word text) returns bigint
language sql
as $$
    select count(*) from core.pending_events where type = 'crm.service_level.' || word
$$;

-- Who may, and what is one -----------------------------------------------------------------------

:as_vic
select is(
    pg_temp.code_of($$select v1.save_service_level('crm.leads', 'a', 'first_response', 60)$$),
    'tenancy.permission_missing', 'a viewer promises nothing'
);
:as_ada
select is(pg_temp.code_of(refused.statement), refused.code, refused.why)
from (
    values
    (
        $$select v1.save_service_level('crm.nothing', 'a', 'first_response', 60)$$,
        'record.object_unknown', 'a service level is for an object that there is'
    ),
    (
        $$select v1.save_service_level('crm.leads', 'a', 'last_response', 60)$$,
        'service_level.malformed', 'a kind is one of two'
    ),
    (
        $$select v1.save_service_level('crm.leads', 'a', 'next_step', 0)$$,
        'service_level.malformed', 'it takes some time'
    ),
    (
        $$select v1.save_service_level('crm.leads', 'a', 'next_step', 60, hours => '{}')$$,
        'service_level.hours_malformed', 'hours are some'
    ),
    (
        $$
            select v1.save_service_level(
                'crm.leads', 'a', 'next_step', 60,
                hours => '{"time_zone": "Mars/Olympus", "week": {"monday": [["09:00", "10:00"]]}}'
            )
        $$,
        'service_level.zone_unknown', 'a zone is one of Earth'
    ),
    (
        $$
            select v1.save_service_level(
                'crm.leads', 'a', 'next_step', 7776000,
                hours => '{"time_zone": "UTC", "week": {"monday": [["09:00", "10:00"]]}}'
            )
        $$,
        'service_level.too_far', 'it is due before everybody has forgotten'
    ),
    (
        $$select v1.save_service_level('crm.leads', 'a', 'next_step', 60, '{"any": {}}')$$,
        'condition.malformed', 'a condition is one'
    ),
    (
        $$
            select v1.save_service_level(
                'crm.leads', 'a', 'next_step', 60, escalations => '[{"after_s": -1, "effects": []}]'
            )
        $$,
        'service_level.malformed', 'an escalation comes after'
    ),
    (
        $$
            select v1.save_service_level(
                'crm.leads', 'a', 'next_step', 60,
                escalations => '[{"after_s": 1, "effects": [{"effect": "service_level_due"}]}]'
            )
        $$,
        'service_level.effect_refused', 'an escalation is no effect of engines'
    ),
    (
        $$select v1.delete_service_level(gen_random_uuid())$$,
        'service_level.unknown', 'only one that is there is removed'
    )
) as refused (statement, code, why);

-- Time begins ------------------------------------------------------------------------------------

select is(
    v1.save_service_level(
        'crm.leads', 'answer', 'first_response', 3600,
        condition => '{"field": "source", "op": "=", "value": "fair"}',
        escalations => '[
            {"after_s": 0, "effects": [
                {"effect": "create_activity", "type": "task", "subject": "Call at once",
                 "due_in_s": 600, "assign_to": "owner"}
            ]},
            {"after_s": 1800, "effects": [
                {"effect": "assign", "user_id": "00000000-0000-4000-8000-000000000001"}
            ]}
        ]'
    ) ->> 'version',
    '1', 'an owner promises a response'
);
select is(
    v1.save_service_level('crm.leads', 'follow up', 'next_step', 86400) ->> 'kind', 'next_step',
    'and a next step'
);
insert into v1.leads (id, family_name, source)
values (:lead, 'Fair', 'fair'), (gen_random_uuid(), 'Form', 'form');
select results_eq(
    $$
        select leads.family_name, levels.name, states.state, states.due_at - states.started_at
        from v1.service_level_states as states
        inner join v1.service_levels as levels on levels.id = states.service_level_id
        inner join v1.leads on leads.id = states.record_id
        order by 1, 2
    $$,
    $$
        values
        ('Fair', 'answer', 'running', interval '1 hour'),
        ('Fair', 'follow up', 'running', '24 hours'),
        ('Form', 'follow up', 'running', '24 hours')
    $$,
    'time begins with the record, of what holds of it'
);
:as_owner
select is(
    (select count(*)::integer from core.timers where timer = 'service_level'), 3,
    'each has a timer'
);

-- Breach and escalation --------------------------------------------------------------------------

select is(
    (select run from core.run_timers(100, clock_timestamp() + interval '59 minutes')), 0::bigint,
    'nothing is breached before its time'
);
select is(
    (select run from core.run_timers(100, clock_timestamp() + interval '61 minutes')), 1::bigint,
    'the first response is due'
);
select results_eq(
    $$select * from pg_temp.standing('first_response')$$, $$values ('breached', 1, true)$$,
    'it is breached'
);
select is(pg_temp.told('breached'), 1::bigint, 'which is an event');
select is(
    (select run from core.run_timers(100, clock_timestamp() + interval '61 minutes')), 1::bigint,
    'the first escalation follows at once'
);
select is(
    (
        select count(*)::integer from crm.activities
        inner join crm.activity_links as links on links.activity_id = activities.id
        where links.record_id = :lead and activities.subject = 'Call at once'
    ),
    1, 'it adds a task'
);
select is(
    (select run from core.run_timers(100, clock_timestamp() + interval '61 minutes')), 0::bigint,
    'the second waits for its time'
);

-- A late answer ----------------------------------------------------------------------------------

:as_ada
select is(
    v1.add_activity(
        'call', 'Talked', pg_temp.the_lead(),
        direction => 'inbound', done => true
    ) ->> 'type',
    'call', 'they call'
);
select is(
    (select first_response_at from v1.leads where id = :lead), null,
    'whoever is called has not reached out'
);
select results_eq(
    $$select state, round from pg_temp.standing('next_step')$$, $$values ('running', 2)$$,
    'but that was a step, and time for the next begins'
);
select is(
    v1.add_activity(
        'call', 'Called', pg_temp.the_lead(),
        direction => 'outbound', done => true
    ) ->> 'direction',
    'outbound', 'somebody calls'
);
select isnt(
    (select first_response_at from v1.leads where id = :lead), null, 'now they are answered'
);
:as_owner
select results_eq(
    $$
        select states.state, states.met_at is not null from core.service_level_states as states
        inner join core.service_levels as levels on levels.id = states.service_level_id
        where
            levels.kind = 'first_response'
            and states.record_id = '00000000-0000-4000-e000-000000000001'
    $$,
    $$values ('breached', true)$$,
    'late, which stays so'
);
select is(
    (
        select count(*)::integer from core.timers
        where record_id = :lead and timer = 'service_level_escalation'
    ),
    0, 'and nothing escalates any more'
);

-- In time ----------------------------------------------------------------------------------------

:as_ada
insert into v1.leads (id, family_name, source)
values ('00000000-0000-4000-e000-000000000002', 'Quick', 'fair');
select is(
    v1.add_activity(
        'email', 'Written',
        '[{"object": "crm.leads", "record_id": "00000000-0000-4000-e000-000000000002"}]',
        direction => 'outbound'
    ) ->> 'done_at',
    null, 'a mail is planned'
);
select is(
    (
        select states.state from v1.service_level_states as states
        inner join v1.service_levels as levels on levels.id = states.service_level_id
        where
            levels.name = 'answer'
            and states.record_id = '00000000-0000-4000-e000-000000000002'
    ),
    'running', 'which answers nobody'
);
select isnt(
    v1.finish_activity(id, 'sent') ->> 'done_at', null, 'it is sent'
) from v1.activities where subject = 'Written';
select is(
    (
        select states.state from v1.service_level_states as states
        inner join v1.service_levels as levels on levels.id = states.service_level_id
        where
            levels.name = 'answer'
            and states.record_id = '00000000-0000-4000-e000-000000000002'
    ),
    'met', 'and in time'
);

-- The end ----------------------------------------------------------------------------------------

:as_owner
select ok(pg_temp.told('met') >= 2, 'what was met is an event');
:as_ada
select isnt(
    v1.move(leads.id, 'unqualified', leads.version, 'No budget', '{"lost_reason": "No budget"}'),
    null, 'a lead is closed by a move'
) from v1.leads where id = '00000000-0000-4000-e000-000000000002';
:as_owner
select is(
    (
        select states.state from core.service_level_states as states
        inner join core.service_levels as levels on levels.id = states.service_level_id
        where
            levels.name = 'follow up'
            and states.record_id = '00000000-0000-4000-e000-000000000002'
    ),
    'cancelled', 'a record that is closed waits for nothing'
);
delete from crm.leads where id = '00000000-0000-4000-e000-000000000002';
select is_empty(
    $$
        select from core.service_level_states
        where record_id = '00000000-0000-4000-e000-000000000002'
    $$,
    'how a record stood goes with it'
);

-- Others -----------------------------------------------------------------------------------------

:as_eve
select is_empty(
    $$select from v1.service_levels union all select from v1.service_level_states$$,
    'another tenant sees nothing of it'
);
:as_ada
select is(
    v1.delete_service_level(id) ->> 'id', id::text, 'one that is removed is gone'
) from v1.service_levels where name = 'answer';
:as_owner
select is(
    (
        select count(*)::integer from core.run_timers(100, clock_timestamp() + interval '2 days')
            as ran
        where ran.failed > 0
    ),
    0, 'and its timers find nothing to do'
);

select * from finish();
rollback;
