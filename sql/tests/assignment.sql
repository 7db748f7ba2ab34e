begin;
\ir ../support/fixtures.sql
select plan(44);

\set sales '\'00000000-0000-4000-c000-000000000001\''
\set ada '\'00000000-0000-4000-8000-000000000001\''
\set vic '\'00000000-0000-4000-8000-000000000002\''
\set sue '\'00000000-0000-4000-8000-000000000003\''
\set eve '\'00000000-0000-4000-8000-000000000004\''

-- mia manages acme, and otto reaches his own records alone.
insert into auth.users (id, email) values
('00000000-0000-4000-8000-00000000000a', 'mia@example.com'),
('00000000-0000-4000-8000-00000000000b', 'otto@example.com');
\set mia '\'00000000-0000-4000-8000-00000000000a\''
\set otto '\'00000000-0000-4000-8000-00000000000b\''
insert into core.roles (tenant_id, id, slug, name)
values (:acme, '00000000-0000-4000-d000-000000000001', 'own_only', 'Own only');
insert into core.role_permissions (tenant_id, role_id, permission, scope)
select
    :acme::uuid,
    '00000000-0000-4000-d000-000000000001'::uuid,
    permission,
    'own'
from unnest(array['crm.leads.read', 'crm.leads.write']) as permission;
insert into core.members (tenant_id, user_id, role_tenant_id, role_id)
select
    :acme::uuid,
    :mia::uuid,
    roles.tenant_id,
    roles.id
from core.roles
where roles.slug = 'manager' and roles.tenant_id = core.platform_tenant_id()
union all
select
    :acme::uuid,
    :otto::uuid,
    :acme::uuid,
    '00000000-0000-4000-d000-000000000001'::uuid;
\set mia_claims '{"role": "authenticated", "sub": "00000000-0000-4000-8000-00000000000a"}'
\set as_mia :as_ada 'set local "request.jwt.claims" = ' :'mia_claims' ';'
\set otto_claims '{"role": "authenticated", "sub": "00000000-0000-4000-8000-00000000000b"}'
\set as_otto :as_ada 'set local "request.jwt.claims" = ' :'otto_claims' ';'

insert into core.teams (tenant_id, id, slug, name) values (:acme, :sales, 'sales', 'Sales');
insert into core.team_members (tenant_id, team_id, user_id)
select
    :acme::uuid,
    :sales::uuid,
    unnest(array[:ada, :mia, :otto, :sue]::uuid[]);

-- Who may ----------------------------------------------------------------------------------------

:as_vic
select is(
    pg_temp.code_of(
        $$select v1.save_assignment_rule('crm.leads', 'a', user_id => core.caller_id())$$
    ),
    'tenancy.permission_missing',
    'a viewer writes no rules'
);
select is(
    pg_temp.code_of($$select v1.preview_assignment('crm.leads')$$),
    'tenancy.permission_missing',
    'a viewer learns nothing of who is how busy'
);
:as_eve
select is(
    pg_temp.code_of(
        $$
            select v1.save_assignment_rule(
                'crm.leads', 'a', team_id => '00000000-0000-4000-c000-000000000001',
                strategy => 'weighted'
            )
        $$
    ),
    'assignment.team_unknown',
    'nobody gives to teams of another tenant'
);
select is(
    pg_temp.code_of(
        $$
            select v1.save_assignment_rule(
                'crm.leads', 'a', user_id => '00000000-0000-4000-8000-000000000001'
            )
        $$
    ),
    'assignment.user_unknown',
    'nobody gives to members of another tenant'
);
select is(
    pg_temp.code_of(
        $$
            select v1.save_assignment_capacity(
                '00000000-0000-4000-c000-000000000001', '00000000-0000-4000-8000-000000000001'
            )
        $$
    ),
    'assignment.member_unknown',
    'nobody says how much members of another tenant take'
);

-- What is a rule ---------------------------------------------------------------------------------

:as_mia
select is(
    pg_temp.code_of(refused.statement), refused.code, refused.why
)
from (
    values
    (
        $$select v1.save_assignment_rule('crm.nothing', 'a', user_id => core.caller_id())$$,
        'record.object_unknown', 'a rule is for an object that there is'
    ),
    (
        $$select v1.save_assignment_rule('crm.leads', 'a')$$,
        'assignment.rule_malformed', 'a rule gives to somebody'
    ),
    (
        $$
            select v1.save_assignment_rule(
                'crm.leads', 'a', team_id => '00000000-0000-4000-c000-000000000001'
            )
        $$,
        'assignment.rule_malformed', 'a team needs a strategy'
    ),
    (
        $$
            select v1.save_assignment_rule(
                'crm.leads', 'a', user_id => core.caller_id(), strategy => 'weighted'
            )
        $$,
        'assignment.rule_malformed', 'a user needs none'
    ),
    (
        $$select v1.save_assignment_rule('crm.leads', '', user_id => core.caller_id())$$,
        'assignment.rule_malformed', 'a rule has a name'
    ),
    (
        $$
            select v1.save_assignment_rule(
                'crm.leads', 'a', '{"all": 1}', user_id => core.caller_id()
            )
        $$,
        'condition.malformed', 'a condition is one'
    ),
    (
        $$
            select v1.save_assignment_rule(
                'crm.leads', 'a', user_id => '00000000-0000-4000-8000-000000000003'
            )
        $$,
        'assignment.user_unknown', 'who is suspended is given nothing'
    ),
    (
        $$
            select v1.save_assignment_capacity(
                '00000000-0000-4000-c000-000000000001', core.caller_id(), -1
            )
        $$,
        'assignment.capacity_invalid', 'a capacity is not negative'
    ),
    (
        $$select v1.delete_assignment_rule(gen_random_uuid())$$,
        'assignment.rule_unknown', 'only a rule that is there is removed'
    )
) as refused (statement, code, why);

-- Without rules nothing happens ------------------------------------------------------------------

:as_mia
insert into v1.leads (family_name, owner_id) values ('Nobody', null);
select is(
    (select owner_id from v1.leads where family_name = 'Nobody'), null,
    'without rules a record without owner stays so'
);

-- Weighted ---------------------------------------------------------------------------------------

select lives_ok(
    $$
        select v1.save_assignment_capacity(
            '00000000-0000-4000-c000-000000000001', core.caller_id(), 3
        )
    $$,
    'a manager says how much members take'
);
select is(
    v1.save_assignment_rule(
        'crm.leads', 'big', '{"field": "amount_minor", "op": ">=", "value": 100000}',
        user_id => :ada
    ) ->> 'position',
    '1', 'the first rule is tried first'
);
select is(
    v1.save_assignment_rule(
        'crm.leads', 'rest', team_id => :sales, strategy => 'weighted'
    ) ->> 'position',
    '2', 'the next one after it'
);
select is(
    v1.save_assignment_rule(
        'crm.leads', 'rest', team_id => :sales, strategy => 'weighted'
    ) ->> 'version',
    '2', 'a rule of the same name is replaced'
);
select results_eq(
    $$select name, position, version from v1.assignment_rules order by position$$,
    $$values ('big', 1, 1), ('rest', 2, 2)$$,
    'a manager sees the rules'
);
select results_eq(
    $$select user_id, capacity from v1.assignment_capacities order by user_id$$,
    $$values ('00000000-0000-4000-8000-00000000000a'::uuid, 3)$$,
    'and what members take'
);

insert into v1.leads (given_name, owner_id) values ('Many', null)
returning owner_id = :mia and team_id = :sales and version = 1 as told \gset
select ok(:'told', 'whoever inserts reads the owner and the team at once');
insert into v1.leads (given_name, owner_id) select 'Many', null from generate_series(1, 49);
insert into v1.leads (given_name, owner_id) select 'More', null from generate_series(1, 50);
select results_eq(
    $$
        select owner_id, count(*) from v1.leads
        where given_name in ('Many', 'More') group by owner_id order by owner_id
    $$,
    $$
        values
        ('00000000-0000-4000-8000-000000000001'::uuid, 20::bigint),
        ('00000000-0000-4000-8000-00000000000a', 60),
        ('00000000-0000-4000-8000-00000000000b', 20)
    $$,
    'shares are exactly in proportion to capacities, and who is suspended has none'
);
select results_eq(
    $$select distinct team_id, version from v1.leads where given_name = 'Many'$$,
    $$values ('00000000-0000-4000-c000-000000000001'::uuid, 1)$$,
    'the record is its team''s, and was written once'
);

-- Why --------------------------------------------------------------------------------------------

insert into v1.leads (id, family_name, amount_minor, currency, owner_id) values
('00000000-0000-4000-e000-000000000001', 'Big', 100000, 'EUR', null),
('00000000-0000-4000-e000-000000000002', 'Small', 99999, 'EUR', null);
select is(
    v1.explain_assignment('crm.leads', '00000000-0000-4000-e000-000000000001')
    - '{id,assigned_at,rule_id,tenant_id,assigned_by}'::text[]
    #- '{explanation,candidates}' #- '{explanation,rules,0,rule_id}',
    '{
        "object": "crm.leads", "record_id": "00000000-0000-4000-e000-000000000001",
        "user_id": "00000000-0000-4000-8000-000000000001", "team_id": null,
        "rule_name": "big", "rule_version": 1, "strategy": "user", "cause": "insert",
        "explanation": {
            "because": "the rule names this user",
            "rules": [{"name": "big", "version": 1, "outcome": "assigned"}]
        }
    }'::jsonb,
    'an assignment says by which rule and why'
);
select is(
    jsonb_path_query_array(
        v1.explain_assignment('crm.leads', '00000000-0000-4000-e000-000000000002'),
        '$.explanation.rules[*].outcome'
    ),
    '["does_not_hold", "assigned"]'::jsonb,
    'it says what became of each rule that was tried'
);
select is(
    jsonb_array_length(
        v1.explain_assignment('crm.leads', '00000000-0000-4000-e000-000000000002')
        #> '{explanation,candidates}'
    ),
    3, 'and whom there was to choose from'
);
select is(
    jsonb_path_query_array(v1.preview_assignment('crm.leads'), '$.explanation.rules[*].outcome'),
    '["unknown", "assigned"]'::jsonb,
    'a preview tries the rules on what it is given, and the unknown does not fire'
);
select is(
    v1.preview_assignment('crm.leads'), v1.preview_assignment('crm.leads'),
    'a preview counts nothing'
);
:as_owner
select is(
    (select count(*)::integer from core.pending_events where type = 'crm.lead.assigned'), 102,
    'each assignment is an event'
);
:as_otto
select is(
    pg_temp.code_of(
        $$select v1.explain_assignment('crm.leads', '00000000-0000-4000-e000-000000000001')$$
    ),
    'record.not_found',
    'who may not see a record does not learn whose it is'
);
select results_eq(
    $$select distinct user_id from v1.assignments$$,
    $$values ('00000000-0000-4000-8000-00000000000b'::uuid)$$,
    'who reaches own records alone sees their assignments alone'
);
:as_eve
select is_empty(
    $$select from v1.assignments union all select from v1.assignment_rules$$,
    'another tenant sees neither'
);
select is(
    pg_temp.code_of($$select v1.assign('crm.leads', '00000000-0000-4000-e000-000000000001')$$),
    'record.not_found', 'nor gives it anything'
);
:as_vic
select is(
    pg_temp.code_of($$select v1.assign('crm.leads', '00000000-0000-4000-e000-000000000001')$$),
    'tenancy.permission_missing', 'who may only read a record gives it to nobody'
);

-- What conflicts leaves nothing ------------------------------------------------------------------

:as_service
insert into crm.leads (tenant_id, external_id) values (:acme, 'once');
insert into crm.leads (tenant_id, external_id) values (:acme, 'once'), (:acme, 'twice')
on conflict do nothing;
:as_owner
select is(
    (
        select count(*)::integer from core.assignments
        where not exists (
            select from crm.leads
            where leads.tenant_id = assignments.tenant_id and leads.id = assignments.record_id
        )
    ),
    0, 'what was not inserted has no assignment'
);

-- Limits and absence -----------------------------------------------------------------------------

:as_mia
select lives_ok(
    $$
        select
            v1.save_assignment_capacity(
                '00000000-0000-4000-c000-000000000001', user_ids.id, 1, user_ids.open_max,
                user_ids.until
            )
        from (
            values
            ('00000000-0000-4000-8000-000000000001'::uuid, null::integer, 'infinity'::timestamptz),
            ('00000000-0000-4000-8000-00000000000a', 64, null),
            ('00000000-0000-4000-8000-00000000000b', 0, null)
        ) as user_ids (id, open_max, until)
    $$,
    'limits are set'
);
select lives_ok(
    $$
        select v1.save_assignment_rule(
            'crm.leads', 'rest', team_id => '00000000-0000-4000-c000-000000000001',
            strategy => 'least_loaded'
        )
    $$,
    'a rule gets another strategy'
);
insert into v1.leads (given_name, owner_id) select 'Late', null from generate_series(1, 10);
select is(
    (select count(*)::integer from v1.leads where owner_id = :mia), 64,
    'nobody has more than the limit, within one statement either'
);
select is(
    (
        select explanation -> 'candidates' @> '[{"standing": "full"}, {"standing": "absent"}]'
        from v1.assignments where user_id is null limit 1
    ),
    true, 'a record that nobody could take says why'
);
select is(
    v1.assign('crm.leads', id) ->> 'user_id', null, 'and is given to nobody later either'
) from v1.leads where given_name = 'Late' and owner_id is null limit 1;

-- Effects ----------------------------------------------------------------------------------------

:as_owner
select core.run_effects(
    :acme, 'crm.leads', '00000000-0000-4000-e000-000000000002',
    '[{"effect": "assign", "user_id": "00000000-0000-4000-8000-000000000002"}]'
);
select is(
    (select owner_id from crm.leads where id = '00000000-0000-4000-e000-000000000002'),
    :vic::uuid, 'an effect gives a record to a user'
);
select core.run_effects(
    :acme, 'crm.leads', '00000000-0000-4000-e000-000000000002',
    '[{"effect": "assign", "user_id": "00000000-0000-4000-8000-000000000003"}]'
);
select is(
    (select data ->> 'why' from core.pending_events where type = 'core.effect.skipped'),
    'nobody_available', 'an effect that finds nobody is skipped, and says so'
);
select is(
    (select owner_id from crm.leads where id = '00000000-0000-4000-e000-000000000002'),
    :vic::uuid, 'and takes the record from nobody'
);

select * from finish();
rollback;
