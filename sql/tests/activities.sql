begin;
\ir ../support/fixtures.sql
select plan(29);

\set lead '\'00000000-0000-4000-e000-000000000001\''
\set foreign_lead '\'00000000-0000-4000-e000-000000000009\''
insert into crm.leads (tenant_id, id, family_name, owner_id) values
(:acme, :lead, 'Lovelace', '00000000-0000-4000-8000-000000000001'),
(:rival, :foreign_lead, 'Hopper', null);

create function pg_temp.links_to(record_id text) returns jsonb
language sql
as $$
    select jsonb_build_array(jsonb_build_object('object', 'crm.leads', 'record_id', record_id))
$$;

-- Adding -----------------------------------------------------------------------------------------

:as_ada
select is(
    v1.add_activity(
        'task', 'Call back', pg_temp.links_to(:lead), body => 'About the van.',
        due_at => '2030-01-02T10:00:00Z', remind_at => '2030-01-02T09:00:00Z'
    ) - '{id,created_at,updated_at,custom,version}'::text[],
    '{
        "tenant_id": "00000000-0000-4000-a000-000000000002", "type": "task",
        "subject": "Call back", "body": "About the van.", "direction": null,
        "priority": "normal", "starts_at": null, "ends_at": null,
        "due_at": "2030-01-02T10:00:00+00:00", "remind_at": "2030-01-02T09:00:00+00:00",
        "reminded_at": null, "done_at": null, "outcome": null, "is_pinned": false,
        "source": null, "external_id": null, "team_id": null, "updated_by": null,
        "owner_id": "00000000-0000-4000-8000-000000000001",
        "created_by": "00000000-0000-4000-8000-000000000001"
    }'::jsonb,
    'a task is added, and is whose who adds it'
);
select results_eq(
    $$
        select activities.subject, links.object, links.record_id
        from v1.activity_links as links
        inner join v1.activities on activities.id = links.activity_id
    $$,
    $$values ('Call back', 'crm.leads', '00000000-0000-4000-e000-000000000001'::uuid)$$,
    'it hangs on its record'
);
select is(
    v1.add_activity('note', 'By itself') ->> 'subject', 'By itself',
    'an activity may hang on nothing'
);
select is(pg_temp.code_of(refused.statement), refused.code, refused.why)
from (
    values
    (
        $$select v1.add_activity('song', 'La')$$, 'activity.malformed', 'a type is one of five'
    ),
    ($$select v1.add_activity('task', '')$$, 'activity.malformed', 'a subject says something'),
    (
        $$select v1.add_activity('call', 'x', direction => 'sideways')$$,
        'activity.malformed', 'a direction is one of two'
    ),
    (
        $$select v1.add_activity('task', 'x', priority => 'huge')$$,
        'activity.malformed', 'a priority is one of three'
    ),
    (
        $$
            select v1.add_activity(
                'meeting', 'x', starts_at => '2030-01-02T10:00Z', ends_at => '2030-01-02T09:00Z'
            )
        $$,
        'activity.malformed', 'nothing ends before it starts'
    ),
    ($$select v1.add_activity('task', 'x', '{}')$$, 'activity.malformed', 'links are a list'),
    (
        $$select v1.add_activity('task', 'x', '[{"object": "crm.leads", "record_id": "1"}]')$$,
        'activity.malformed', 'of records'
    ),
    (
        $$
            select v1.add_activity(
                'task', 'x', pg_temp.links_to('00000000-0000-4000-e000-000000000009')
            )
        $$,
        'record.not_found', 'nothing hangs on a record of another tenant'
    ),
    (
        $$
            select v1.add_activity(
                'task', 'x',
                pg_temp.links_to('00000000-0000-4000-e000-000000000001')
                || pg_temp.links_to('00000000-0000-4000-e000-000000000009')
            )
        $$,
        'record.not_found', 'not as the second one either'
    ),
    (
        $$
            select v1.add_activity(
                'task', 'x', owner_id => '00000000-0000-4000-8000-000000000004'
            )
        $$,
        'record.owner_unknown', 'an owner is a member'
    )
) as refused (statement, code, why);
:as_vic
select is(
    pg_temp.code_of(
        $$
            select v1.add_activity(
                'task', 'x', pg_temp.links_to('00000000-0000-4000-e000-000000000001')
            )
        $$
    ),
    'tenancy.permission_missing', 'a viewer adds nothing'
);

-- Finishing --------------------------------------------------------------------------------------

select is(
    pg_temp.code_of(format('select v1.finish_activity(%L)', activities.id)),
    'tenancy.permission_missing', 'nor finishes anything'
) from v1.activities where subject = 'Call back';
:as_owner
select id as task from crm.activities where subject = 'Call back' \gset
set local "test.task" = :'task';
:as_eve
select is(
    pg_temp.code_of($$select v1.finish_activity(current_setting('test.task')::uuid)$$),
    'record.not_found', 'another tenant does not learn that it is there'
);

-- Reminding --------------------------------------------------------------------------------------

:as_owner
select is(
    crm.remind_of_activities(at => '2030-01-02T08:59:59Z'), 0, 'nobody is reminded too early'
);
select is(crm.remind_of_activities(at => '2030-01-02T09:00:00Z'), 1, 'who is to be reminded is');
select is(
    (
        select jsonb_build_array(recipient, template, data - 'url')
        from core.deliveries where template = 'crm.task_due'
    ),
    '[
        "ada@example.com", "crm.task_due",
        {
            "title": "Call back", "due_at": "2030-01-02T10:00:00+00:00",
            "about": "Lovelace", "note": "About the van."
        }
    ]'::jsonb,
    'by a mail that says of what'
);
select is(crm.remind_of_activities(at => '2030-01-03T09:00:00Z'), 0, 'once');
update crm.activities set remind_at = '2030-01-04T09:00:00Z' where subject = 'Call back';
select is(
    crm.remind_of_activities(at => '2030-01-04T09:00:00Z'), 1, 'and again for another time'
);
update crm.activities
set remind_at = '2030-01-05T09:00:00Z', owner_id = '00000000-0000-4000-8000-000000000002'
where subject = 'Call back';
update core.members set status = 'suspended'
where user_id = '00000000-0000-4000-8000-000000000002';
select is(
    crm.remind_of_activities(at => '2030-01-05T09:00:00Z'), 0,
    'whoever is no member any more gets no mail'
);
update core.members set status = 'active'
where user_id = '00000000-0000-4000-8000-000000000002';
update crm.activities set owner_id = '00000000-0000-4000-8000-000000000001'
where subject = 'Call back';

-- The timeline -----------------------------------------------------------------------------------

:as_ada
select is(
    v1.finish_activity(current_setting('test.task')::uuid, 'Reached her') ->> 'outcome',
    'Reached her', 'a task is done'
);
select is(
    pg_temp.code_of($$select v1.timeline('crm.leads', '00000000-0000-4000-e000-000000000009')$$),
    'record.not_found', 'a record of another tenant has no timeline'
);
select is(
    pg_temp.code_of(
        $$
            select v1.timeline(
                'crm.leads', '00000000-0000-4000-e000-000000000001', '{"at": "noon", "id": "x"}'
            )
        $$
    ),
    'activity.cursor_malformed', 'a cursor is what an answer gave'
);
do $$
begin
    perform v1.add_activity(
        'note', 'Note ' || number, pg_temp.links_to('00000000-0000-4000-e000-000000000001')
    )
    from generate_series(1, 4) as number;
end
$$;
select is(
    jsonb_array_length(v1.timeline('crm.leads', :lead) -> 'entries'), 6,
    'a timeline has all that happened'
);
select is(
    jsonb_path_query_array(v1.timeline('crm.leads', :lead), '$.entries[*].kind'),
    (
        select jsonb_agg(entries -> 'kind' order by entries ->> 'id' desc)
        from jsonb_array_elements(v1.timeline('crm.leads', :lead) -> 'entries') as entries
    ),
    'in an order that does not change'
);
select is(
    (
        with recursive pages as (
            select v1.timeline('crm.leads', :lead, null, 2) as page
            union all
            select v1.timeline('crm.leads', :lead, pages.page -> 'next', 2)
            from pages
            where pages.page -> 'next' <> 'null'
        )
        select jsonb_agg(entries)
        from pages
        cross join jsonb_array_elements(pages.page -> 'entries') as entries
    ),
    v1.timeline('crm.leads', :lead) -> 'entries',
    'pages are the whole, without holes and without repeats'
);
:as_owner
delete from core.role_permissions
where permission = 'crm.activities.read' and tenant_id = core.platform_tenant_id();
:as_ada
select is(
    jsonb_path_query_array(v1.timeline('crm.leads', :lead), '$.entries[*].kind'),
    '["stage"]'::jsonb,
    'what its reader may not see is not in it'
);

select * from finish();
rollback;
