-- Assignment: to whom a record goes that belongs to nobody, and why.
--
-- A tenant writes rules in an order: a condition, and a team with a strategy or one user. Who of a
-- team is next is decided in Rust (tenon.assignment_decide) from counters, never by lot; each
-- decision is a row that says which rules were tried and whom there was to choose from. Records are
-- assigned while they are inserted, so that whoever inserts them reads the owner in the answer, and
-- nothing is written twice. Counters are read once a statement and written once, under one lock a
-- tenant: with one a team, two transactions that give to two teams in different order would wait
-- for each other.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('crm.assignment.manage', 'Say by which rules, to whom and in which shares records go.');
select core.allow_system_roles(
    array['owner', 'admin', 'manager'], array['crm.assignment.manage']
);

create table core.assignment_rules (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    object text not null references core.objects (object),
    position integer not null,
    name text not null,
    condition jsonb,
    team_id uuid,
    user_id uuid references auth.users (id) on delete cascade,
    strategy text,
    is_active boolean not null default true,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    updated_at timestamptz not null default now(),
    updated_by uuid,
    primary key (tenant_id, id),
    foreign key (tenant_id, team_id) references core.teams (tenant_id, id) on delete cascade,
    constraint rule_name_is_unique unique (tenant_id, object, name),
    constraint name_is_short check (char_length(name) between 1 and 200),
    constraint rule_names_a_team_or_a_user check (num_nonnulls(team_id, user_id) = 1),
    constraint team_goes_with_a_strategy check ((team_id is null) = (strategy is null)),
    constraint strategy_is_known
    check (strategy in ('least_loaded', 'round_robin', 'weighted'))
);
create index assignment_rules_team on core.assignment_rules (tenant_id, team_id)
where team_id is not null;
create index assignment_rules_user on core.assignment_rules (user_id) where user_id is not null;
create index assignment_rules_object on core.assignment_rules (object);

comment on table core.assignment_rules is
'To whom records without an owner go. The first rule that holds and finds somebody decides.';
comment on column core.assignment_rules.condition is 'Of which records it holds; null for all.';
comment on column core.assignment_rules.strategy is
'Who of the team: least_loaded (fewest open records for the capacity), round_robin (who has waited
longest) or weighted (in proportion to the capacity).';
comment on column core.assignment_rules.version is 'How often it was saved: assignments name it.';

create table core.assignment_capacities (
    tenant_id uuid not null references core.tenants (id),
    team_id uuid not null,
    user_id uuid not null,
    capacity integer not null default 1,
    open_max integer,
    absent_until timestamptz,
    primary key (tenant_id, team_id, user_id),
    foreign key (tenant_id, team_id, user_id)
    references core.team_members (tenant_id, team_id, user_id) on delete cascade,
    constraint capacity_in_range check (capacity between 0 and 1000),
    constraint open_max_is_counted check (open_max >= 0)
);

comment on table core.assignment_capacities is
'How much members of teams take. Who has no row here has a capacity of 1 and no limit.';
comment on column core.assignment_capacities.capacity is
'The share of the team''s records, against the capacities of the others; 0 takes none.';
comment on column core.assignment_capacities.open_max is
'With so many open records of the object the member gets no more; null for no limit.';
comment on column core.assignment_capacities.absent_until is 'Until then the member gets none.';

create table core.assignment_turns (
    tenant_id uuid not null references core.tenants (id),
    object text not null,
    team_id uuid not null,
    user_id uuid not null,
    credit bigint not null,
    last_number bigint not null,
    last_assigned_at timestamptz not null default now(),
    primary key (tenant_id, object, team_id, user_id),
    foreign key (tenant_id, team_id, user_id)
    references core.team_members (tenant_id, team_id, user_id) on delete cascade
);
create index assignment_turns_member on core.assignment_turns (tenant_id, team_id, user_id);

comment on table core.assignment_turns is
'Whose turn it is in a team: the counters of tenon.assignment_decide, of each object. Written under
the lock of core.lock_assignment alone.';

create table core.assignments (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    object text not null,
    record_id uuid not null,
    assigned_at timestamptz not null default now(),
    user_id uuid,
    team_id uuid,
    rule_id uuid,
    rule_name text,
    rule_version integer,
    strategy text,
    cause text not null,
    explanation jsonb not null,
    assigned_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint cause_is_known check (cause in ('insert', 'request', 'effect'))
);
create index assignments_record on core.assignments (tenant_id, record_id, assigned_at desc);
create index assignments_at on core.assignments (tenant_id, assigned_at desc);

comment on table core.assignments is
'To whom records were given, and why: one row a decision, also where nobody was found. Without
foreign keys to rules and teams: what happened stays when they go.';
comment on column core.assignments.user_id is 'Who took the record; null where nobody could.';
comment on column core.assignments.cause is
'insert: it was new and without owner; request: v1.assign; effect: of a pipeline or a timer.';
comment on column core.assignments.explanation is
'{"because", "rules": [{"name", "version", "outcome"}], "candidates": [{"user_id", "standing",
"capacity", "open", …}]}: the rules that were tried, and whom the last that held had to choose
from.';

alter table core.assignment_rules enable row level security;
alter table core.assignment_capacities enable row level security;
alter table core.assignment_turns enable row level security;
create policy assignment_rules_read on core.assignment_rules for select to authenticated
using (tenant_id = any((select core.tenants_with('crm.assignment.manage'))::uuid[]));
create policy assignment_capacities_read on core.assignment_capacities for select to authenticated
using (tenant_id = any((select core.tenants_with('crm.assignment.manage'))::uuid[]));
create policy assignment_turns_read on core.assignment_turns for select to authenticated
using (tenant_id = any((select core.tenants_with('crm.assignment.manage'))::uuid[]));
select core.guard_linked('core.assignments'::regclass);
grant select on
core.assignment_rules, core.assignment_capacities, core.assignment_turns, core.assignments
to authenticated;
grant all on
core.assignment_rules, core.assignment_capacities, core.assignment_turns, core.assignments
to service_role;

select
    core.map_personal(
        mapped.name, 'user.unique_id', mapped.link || ' is user_id', mapped.erasure
    )
from (
    values
    ('core.assignment_rules.user_id', 'user_id', 'delete_row'),
    ('core.assignment_rules.created_by', 'created_by', 'set_null'),
    ('core.assignment_rules.updated_by', 'updated_by', 'set_null'),
    ('core.assignment_capacities.user_id', 'user_id', 'delete_row'),
    ('core.assignment_turns.user_id', 'user_id', 'delete_row'),
    ('core.assignments.user_id', 'user_id', 'set_null'),
    ('core.assignments.assigned_by', 'assigned_by', 'set_null')
) as mapped (name, link, erasure);
select
    core.map_not_personal(
        'Names and conditions of a tenant''s rules, and ids of who could have taken a record.',
        'core.assignment_rules.name', 'core.assignment_rules.condition',
        'core.assignments.rule_name', 'core.assignments.explanation'
    );
select
    core.map_not_personal(
        'What is owed to somebody in records, no account.', 'core.assignment_turns.credit'
    );

select core.audit('core.assignment_rules'::regclass, '{version,updated_at,updated_by}');
select core.audit('core.assignment_capacities'::regclass);

insert into core.event_types (type, description, permission) values
(
    'crm.assignment_rule.saved', 'A rule of assignment was made or changed.',
    'crm.assignment.manage'
),
('crm.assignment_rule.deleted', 'A rule of assignment was removed.', 'crm.assignment.manage');

insert into core.errors (code, status, message, hint) values
(
    'assignment.malformed', 400, 'Rules or members cannot be read.',
    'Save rules by v1.save_assignment_rule.'
),
(
    'assignment.object_unowned', 422, 'Records of {object} have no owner to be given.',
    'Name an object whose records have owners, such as crm.leads.'
),
(
    'assignment.rule_malformed', 400,
    'A rule has a name of 1 to 200 characters, and either a team with a strategy or a user.',
    'The strategies are least_loaded, round_robin and weighted.'
),
(
    'assignment.rule_unknown', 404, 'There is no such rule, or you may not see it.',
    'Compare the id with v1.assignment_rules.'
),
(
    'assignment.team_unknown', 422, 'The tenant has no such team.',
    'Compare the id with v1.teams.'
),
(
    'assignment.user_unknown', 422, 'Nobody of this id is an active member of the tenant.',
    'Compare the id with v1.members.'
),
(
    'assignment.member_unknown', 422, 'Nobody of this id belongs to the team.',
    'Compare the id with v1.teams.'
),
(
    'assignment.capacity_invalid', 400,
    'A capacity is a whole number from 0 to 1000, a limit of open records one from 0 on.',
    'A capacity is a share: give 2 to whoever takes twice as much as somebody with 1.'
),
(
    'assignment.too_many_rules', 422, 'An object has {rules_max} rules at most.',
    'Join rules that give to the same team by any of their conditions.'
);

-- Seeing a record ---------------------------------------------------------------------------------

create function core.visible_record(object text, id uuid) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    kind constant text := (core.caller()).kind;
    seen jsonb;
begin
    execute format(
        'select to_jsonb(record) from %s as record '
        'where record.id = $1 and ($2 is null or record.tenant_id = any($2)) '
        'and core.reaches($3, record.tenant_id, %s, %s) limit 1',
        known.relation,
        coalesce('record.' || quote_ident(known.owner_column), 'null::uuid'),
        coalesce('record.' || quote_ident(known.team_column), 'null::uuid')
    )
    into seen
    using
        visible_record.id,
        case when kind <> 'system' then core.tenants_with(known.object || '.read', 'own') end,
        known.object || '.read';
    if seen is null then
        perform core.fail('record.not_found');
    end if;
    return seen;
end
$$;

comment on function core.visible_record(text, uuid) is
'A record as a JSON object of its columns, if the caller may read it. Raises record.object_unknown
(400) and record.not_found (404). Definer, because it finds out in which tenant the record is.
Internal.';

create function core.tenant_of_record(object text, record_id uuid) returns uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return core.visible_record(object, record_id) ->> 'tenant_id';
end
$$;

comment on function core.tenant_of_record(text, uuid) is
'The tenant of a record that the caller may read. Raises record.object_unknown (400) and
record.not_found (404). Definer, as core.visible_record. Signed-in users may call it.';

revoke all on function
core.visible_record(text, uuid), core.tenant_of_record(text, uuid)
from public;
grant execute on function core.tenant_of_record(text, uuid) to authenticated, service_role;

-- What a decision goes by -------------------------------------------------------------------------

create function core.lock_assignment(tenant_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('tenon.assignment:' || tenant_id, 0));
end
$$;

comment on function core.lock_assignment(uuid) is
'Makes whoever gives records of the tenant to somebody wait for the others that do, until they have
committed: what they counted is seen then. Internal.';

create function core.active_rules(object text, tenant_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select
            jsonb_agg(
                jsonb_build_object(
                    'id', rules.id, 'name', rules.name, 'version', rules.version,
                    'condition', rules.condition, 'team_id', rules.team_id,
                    'user_id', rules.user_id, 'strategy', rules.strategy
                )
                order by rules.position, rules.created_at, rules.id
            )
        from core.assignment_rules as rules
        where
            rules.tenant_id = active_rules.tenant_id
            and rules.object = active_rules.object
            and rules.is_active
    );
end
$$;

comment on function core.active_rules(text, uuid) is
'The rules of an object as tenon.assignment_decide takes them; null where there are none.
Internal.';

create function core.open_records(object text, tenant_id uuid, owners uuid[])
returns table (owner_id uuid, open bigint)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    columns constant text[] := array(
        select attributes.attname
        from pg_attribute as attributes
        where attributes.attrelid = known.relation::regclass and not attributes.attisdropped
    );
begin
    return query execute format(
        'select %1$I, count(*) from %2$s as record '
        'where tenant_id = $1 and %1$I = any($2) and %3$s group by 1',
        known.owner_column,
        known.relation,
        case
            when 'stage_kind' = any(columns) then 'stage_kind = ''open'''
            when 'done_at' = any(columns) then 'done_at is null'
            else 'true'
        end
    )
    using open_records.tenant_id, open_records.owners;
end
$$;

comment on function core.open_records(text, uuid, uuid[]) is
'How many records of an object are open with each of these owners. Internal.';

create function core.assignable_members(object text, tenant_id uuid, rules jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    team_ids constant uuid[] := array(
        select distinct (rule ->> 'team_id')::uuid
        from jsonb_array_elements(rules) as rule
        where rule ->> 'team_id' is not null
    );
    user_ids constant uuid[] := array(
        select distinct (rule ->> 'user_id')::uuid
        from jsonb_array_elements(rules) as rule
        where rule ->> 'user_id' is not null
    );
    everybody uuid[];
    open_counts jsonb := '{}';
begin
    -- What is open is counted only where somebody goes by it.
    if
        rules @? '$[*].strategy ? (@ == "least_loaded")'
        or exists (
            select from core.assignment_capacities as capacities
            where
                capacities.tenant_id = assignable_members.tenant_id
                and capacities.team_id = any(team_ids)
                and capacities.open_max is not null
        )
    then
        everybody := array(
            select distinct team_members.user_id
            from core.team_members
            where
                team_members.tenant_id = assignable_members.tenant_id
                and team_members.team_id = any(team_ids)
        ) || user_ids;
        open_counts := (
            select coalesce(jsonb_object_agg(counted.owner_id, counted.open), '{}')
            from core.open_records(object, assignable_members.tenant_id, everybody) as counted
        );
    end if;
    return (
        select
            coalesce(
                jsonb_agg(
                    jsonb_build_object(
                        'team_id', named.team_id,
                        'user_id', named.user_id,
                        'capacity', coalesce(named.capacity, 1),
                        'open_max', named.open_max,
                        'absent_until', named.absent_until,
                        'open', coalesce((open_counts ->> named.user_id::text)::bigint, 0),
                        'credit', coalesce(named.credit, 0),
                        'last_number', coalesce(named.last_number, 0)
                    )
                    order by named.team_id, named.user_id
                ),
                '[]'
            )
        from (
            select
                team_members.team_id,
                team_members.user_id,
                capacities.capacity,
                capacities.open_max,
                capacities.absent_until,
                turns.credit,
                turns.last_number
            from core.team_members
            inner join core.members
                on
                    members.tenant_id = team_members.tenant_id
                    and members.user_id = team_members.user_id
            left join core.assignment_capacities as capacities
                on
                    capacities.tenant_id = team_members.tenant_id
                    and capacities.team_id = team_members.team_id
                    and capacities.user_id = team_members.user_id
            left join core.assignment_turns as turns
                on
                    turns.tenant_id = team_members.tenant_id
                    and turns.object = assignable_members.object
                    and turns.team_id = team_members.team_id
                    and turns.user_id = team_members.user_id
            where
                team_members.tenant_id = assignable_members.tenant_id
                and team_members.team_id = any(team_ids)
                and members.status = 'active'
            union all
            select
                null,
                members.user_id,
                1,
                null,
                (
                    select max(capacities.absent_until)
                    from core.assignment_capacities as capacities
                    where
                        capacities.tenant_id = members.tenant_id
                        and capacities.user_id = members.user_id
                ),
                0,
                0
            from core.members
            where
                members.tenant_id = assignable_members.tenant_id
                and members.user_id = any(user_ids)
                and members.status = 'active'
        ) as named
    );
end
$$;

comment on function core.assignable_members(text, uuid, jsonb) is
'Everybody whom these rules name, with capacity, open records and counters, as
tenon.assignment_decide takes them. Absent from one team is absent for rules that name the user.
Internal.';

create function core.keep_turns(object text, tenant_id uuid, members jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into core.assignment_turns as turns (
        tenant_id, object, team_id, user_id, credit, last_number
    )
    select
        keep_turns.tenant_id,
        keep_turns.object,
        (member ->> 'team_id')::uuid,
        (member ->> 'user_id')::uuid,
        (member ->> 'credit')::bigint,
        (member ->> 'last_number')::bigint
    from jsonb_array_elements(members) as member
    where
        member ->> 'team_id' is not null
        and (member ->> 'credit' <> '0' or member ->> 'last_number' <> '0')
    on conflict on constraint assignment_turns_pkey do update set
        credit = excluded.credit,
        last_number = excluded.last_number,
        last_assigned_at = case
            when turns.last_number <> excluded.last_number then now()
            else turns.last_assigned_at
        end
    where (turns.credit, turns.last_number) <> (excluded.credit, excluded.last_number);
end
$$;

comment on function core.keep_turns(text, uuid, jsonb) is
'Writes down the counters of members after decisions. Internal.';

create function core.note_assignment(
    object text, tenant_id uuid, record_id uuid, decision jsonb, cause text
)
returns core.assignments
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    noted core.assignments;
begin
    insert into core.assignments (
        tenant_id, object, record_id, user_id, team_id, rule_id, rule_name, rule_version,
        strategy, cause, explanation
    )
    values (
        note_assignment.tenant_id,
        note_assignment.object,
        note_assignment.record_id,
        (decision ->> 'user_id')::uuid,
        (decision ->> 'team_id')::uuid,
        nullif(decision ->> 'rule_id', '')::uuid,
        nullif(decision ->> 'rule_name', ''),
        nullif((decision ->> 'rule_version')::integer, 0),
        decision ->> 'strategy',
        note_assignment.cause,
        decision -> 'explanation'
    )
    returning * into noted;
    return noted;
end
$$;

comment on function core.note_assignment(text, uuid, uuid, jsonb, text) is
'Writes down a decision of tenon.assignment_decide. Internal.';

revoke all on function
core.lock_assignment(uuid),
core.active_rules(text, uuid),
core.open_records(text, uuid, uuid[]),
core.assignable_members(text, uuid, jsonb),
core.keep_turns(text, uuid, jsonb),
core.note_assignment(text, uuid, uuid, jsonb, text)
from public;

-- Records that are new ----------------------------------------------------------------------------

create function core.find_an_owner() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    object constant text := tg_argv[0];
    owner_column constant text := tg_argv[1];
    team_column constant text := tg_argv[2];
    key constant text := object || ' ' || new.tenant_id;
    state jsonb := nullif(current_setting('tenon.assignment', true), '');
    decision jsonb;
begin
    if state ->> 'key' is distinct from key then
        if state -> 'rules' is not null then
            perform core.keep_turns(
                state ->> 'object', (state ->> 'tenant_id')::uuid, state -> 'members'
            );
        end if;
        state := jsonb_build_object(
            'key', key, 'object', object, 'tenant_id', new.tenant_id, 'count', 0,
            'rules', core.active_rules(object, new.tenant_id)
        );
        if state ->> 'rules' is not null then
            perform core.lock_assignment(new.tenant_id);
            state := state || jsonb_build_object(
                'members', core.assignable_members(object, new.tenant_id, state -> 'rules')
            );
        end if;
        perform set_config('tenon.assignment', state::text, true);
    end if;
    if state ->> 'rules' is null then
        return new;
    end if;
    decision := tenon.assignment_decide(
        state -> 'rules', state -> 'members', to_jsonb(new), clock_timestamp()
    );
    perform core.note_assignment(object, new.tenant_id, new.id, decision, 'insert');
    state := state || jsonb_build_object(
        'members', decision -> 'members', 'count', (state ->> 'count')::integer + 1
    );
    perform set_config('tenon.assignment', state::text, true);
    if decision ->> 'user_id' is not null then
        new := jsonb_populate_record(
            new,
            jsonb_build_object(owner_column, decision -> 'user_id')
            || case
                when decision ->> 'team_id' is not null and team_column <> ''
                    then jsonb_build_object(team_column, decision -> 'team_id')
                else '{}'
            end
        );
    end if;
    return new;
end
$$;

comment on function core.find_an_owner() is
'Trigger before insert of a record without owner: gives it to whom the tenant''s rules say, if it
has any. What rules go by is read with the first row of a statement and kept in a setting until its
end. Arguments: the object, the columns of owner and team. Definer, because who inserts sees neither
rules nor counters.';

create function core.end_assignment() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    of_object constant text := tg_argv[0];
    event_prefix constant text := tg_argv[1];
    singular constant text := tg_argv[2];
    state constant jsonb := nullif(current_setting('tenon.assignment', true), '');
    noted integer;
    tenant_ids uuid[];
    ids uuid[];
    data jsonb[];
begin
    if state is null then
        return null;
    end if;
    perform set_config('tenon.assignment', '', true);
    if state ->> 'rules' is not null then
        perform core.keep_turns(
            state ->> 'object', (state ->> 'tenant_id')::uuid, state -> 'members'
        );
    end if;
    select
        count(*),
        array_agg(assignments.tenant_id) filter (where assignments.user_id is not null),
        array_agg(assignments.record_id) filter (where assignments.user_id is not null),
        array_agg(
            jsonb_build_object(
                'user_id', assignments.user_id, 'team_id', assignments.team_id,
                'rule_id', assignments.rule_id
            )
        ) filter (where assignments.user_id is not null)
    into noted, tenant_ids, ids, data
    from new_records
    cross join lateral (
        select known.*
        from core.assignments as known
        where
            known.tenant_id = new_records.tenant_id
            and known.record_id = new_records.id
            and known.object = of_object
        order by known.assigned_at desc
        limit 1
    ) as assignments;
    if ids is not null then
        perform core.emit_each(event_prefix || '.assigned', singular, tenant_ids, ids, data);
    end if;
    -- Rows that conflicted with others were decided on, and never came to be.
    if noted <> (state ->> 'count')::integer then
        delete from core.assignments
        where
            assignments.tenant_id = (state ->> 'tenant_id')::uuid
            and assignments.assigned_at = now()
            and assignments.object = of_object
            and assignments.cause = 'insert'
            and core.record(
                assignments.object, assignments.tenant_id, assignments.record_id
            ) is null;
    end if;
    return null;
end
$$;

comment on function core.end_assignment() is
'Trigger after the statement that inserted records: writes the counters down, and emits
<prefix>.assigned. Arguments: the object, its prefix, its singular. Definer, as
core.find_an_owner.';

create function core.attach_assignment(object text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
begin
    if known.owner_column is null then
        perform core.fail('assignment.object_unowned', jsonb_build_object('object', object));
    end if;
    insert into core.event_types (type, description, permission)
    select
        known.event_prefix || '.assigned',
        format(
            'A record of %s was given to somebody. user_id, team_id: to whom; rule_id: by which'
            ' rule.',
            object
        ),
        event_types.permission
    from core.event_types
    where event_types.type = known.event_prefix || '.created';
    -- After what sets the stage, and before what looks at the owner: in the order of their names.
    execute format(
        'create trigger find_an_owner before insert on %s for each row when (new.%I is null) '
        'execute function core.find_an_owner(%L, %L, %L)',
        known.relation, known.owner_column, known.object, known.owner_column,
        coalesce(known.team_column, '')
    );
    execute format(
        'create trigger the_owner_is_found after insert on %s referencing new table as new_records '
        'for each statement execute function core.end_assignment(%L, %L, %L)',
        known.relation, known.object, known.event_prefix, known.singular
    );
end
$$;

comment on function core.attach_assignment(text) is
'Has records of an object assigned that are inserted without an owner, in tenants that have rules
for it. Conditions see a new record before it is written: columns that are generated are null. For
the migration that makes the table, after core.register_object. Owner only.';

revoke all on function
core.find_an_owner(), core.end_assignment(), core.attach_assignment(text)
from public;

select core.attach_assignment(objects.object)
from core.objects
where objects.object in ('crm.companies', 'crm.contacts', 'crm.leads', 'crm.deals');

-- Records that there are --------------------------------------------------------------------------

create function core.assign_record(
    object text,
    tenant_id uuid,
    record_id uuid,
    rules jsonb default null,
    cause text default 'request'
)
returns core.assignments
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    tried jsonb;
    decision jsonb;
    noted core.assignments;
begin
    if known.owner_column is null then
        perform core.fail('assignment.object_unowned', jsonb_build_object('object', object));
    end if;
    perform core.lock_assignment(tenant_id);
    tried := coalesce(rules, core.active_rules(object, tenant_id), '[]');
    decision := tenon.assignment_decide(
        tried,
        core.assignable_members(object, tenant_id, tried),
        coalesce(core.record(object, tenant_id, record_id), '{}'),
        clock_timestamp()
    );
    noted := core.note_assignment(object, tenant_id, record_id, decision, cause);
    if noted.user_id is null then
        return noted;
    end if;
    perform core.keep_turns(object, tenant_id, decision -> 'members');
    execute format(
        'update %s as record set %I = $3%s where tenant_id = $1 and id = $2',
        known.relation,
        known.owner_column,
        case
            when noted.team_id is not null and known.team_column is not null
                then format(', %I = $4', known.team_column)
            else ''
        end
    )
    using assign_record.tenant_id, assign_record.record_id, noted.user_id, noted.team_id;
    perform core.emit(
        assign_record.tenant_id, known.event_prefix || '.assigned', known.singular,
        assign_record.record_id,
        jsonb_build_object(
            'user_id', noted.user_id, 'team_id', noted.team_id, 'rule_id', noted.rule_id
        )
    );
    return noted;
end
$$;

comment on function core.assign_record(text, uuid, uuid, jsonb, text) is
'Gives a record, which the caller has locked, to whom the rules say; rules: null for those of the
tenant. Without somebody it stays with whoever has it, and user_id of the answer is null. Raises
assignment.object_unowned (422). Internal.';

create function core.effect_assign(
    tenant_id uuid, object text, record_id uuid, effect jsonb, context jsonb
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    noted core.assignments;
begin
    noted := core.assign_record(
        object, tenant_id, record_id,
        case
            when effect ? 'rules' then null
            else jsonb_build_array(
                jsonb_build_object(
                    'id', '', 'name', '', 'version', 0, 'condition', null,
                    'user_id', effect -> 'user_id', 'team_id', effect -> 'team_id',
                    'strategy', case
                        when effect ? 'team_id' then coalesce(effect ->> 'strategy', 'round_robin')
                    end
                )
            )
        end,
        'effect'
    );
    if noted.user_id is null then
        perform core.skip_effect(tenant_id, object, record_id, effect, 'nobody_available');
    end if;
end
$$;

comment on function core.effect_assign(uuid, text, uuid, jsonb, jsonb) is
'The effect assign: {"user_id"}, {"team_id"}, by turns, or {"rules": true}. Where nobody can take
the record the effect is skipped. Internal.';

insert into core.effect_handlers (effect, handler, description) values
('assign', 'core.effect_assign', 'Gives the record to a user, one of a team, or by the rules.');

revoke all on function
core.assign_record(text, uuid, uuid, jsonb, text),
core.effect_assign(uuid, text, uuid, jsonb, jsonb)
from public;

-- The API -----------------------------------------------------------------------------------------

create function core.rules_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 200;

comment on function core.rules_max() is
'How many rules an object may have: each is tried for every record. As in the domain. Internal.';

create function core.save_assignment_rule(
    object text,
    name text,
    condition jsonb,
    team_id uuid,
    user_id uuid,
    strategy text,
    rule_position integer,
    is_active boolean
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    within constant uuid := core.sole_tenant_with('crm.assignment.manage');
    known constant core.objects := core.object_named(object);
    saved core.assignment_rules;
begin
    if known.owner_column is null then
        perform core.fail('assignment.object_unowned', jsonb_build_object('object', object));
    elsif
        (
            char_length(save_assignment_rule.name) between 1 and 200
            and num_nonnulls(save_assignment_rule.team_id, save_assignment_rule.user_id) = 1
            and case
                when save_assignment_rule.team_id is null then save_assignment_rule.strategy is null
                else
                    save_assignment_rule.strategy in ('least_loaded', 'round_robin', 'weighted')
            end
        ) is not true
    then
        perform core.fail('assignment.rule_malformed');
    end if;
    if save_assignment_rule.condition is not null then
        perform tenon.condition_check(
            save_assignment_rule.condition, core.fields_of(known.object, within)
        );
    end if;
    if
        save_assignment_rule.team_id is not null
        and not exists (
            select from core.teams
            where teams.tenant_id = within and teams.id = save_assignment_rule.team_id
        )
    then
        perform core.fail('assignment.team_unknown');
    elsif
        save_assignment_rule.user_id is not null
        and not exists (
            select from core.members
            where
                members.tenant_id = within
                and members.user_id = save_assignment_rule.user_id
                and members.status = 'active'
        )
    then
        perform core.fail('assignment.user_unknown');
    end if;
    perform core.lock_assignment(within);
    if
        not exists (
            select from core.assignment_rules as rules
            where
                rules.tenant_id = within
                and rules.object = known.object
                and rules.name = save_assignment_rule.name
        )
        and (
            select count(*) from core.assignment_rules as rules
            where rules.tenant_id = within and rules.object = known.object
        ) >= core.rules_max()
    then
        perform core.fail(
            'assignment.too_many_rules', jsonb_build_object('rules_max', core.rules_max())
        );
    end if;
    insert into core.assignment_rules as rules (
        tenant_id, object, position, name, condition, team_id, user_id, strategy, is_active
    )
    values (
        within,
        known.object,
        coalesce(
            save_assignment_rule.rule_position,
            (
                select max(others.position) + 1
                from core.assignment_rules as others
                where others.tenant_id = within and others.object = known.object
            ),
            1
        ),
        save_assignment_rule.name,
        save_assignment_rule.condition,
        save_assignment_rule.team_id,
        save_assignment_rule.user_id,
        save_assignment_rule.strategy,
        coalesce(save_assignment_rule.is_active, true)
    )
    on conflict on constraint rule_name_is_unique do update set
        position = coalesce(save_assignment_rule.rule_position, rules.position),
        condition = excluded.condition,
        team_id = excluded.team_id,
        user_id = excluded.user_id,
        strategy = excluded.strategy,
        is_active = excluded.is_active,
        version = rules.version + 1,
        updated_at = now(),
        updated_by = core.caller_id()
    returning rules.* into saved;
    perform core.emit(
        within, 'crm.assignment_rule.saved', 'assignment_rule', saved.id,
        jsonb_build_object('object', saved.object, 'version', saved.version)
    );
    return to_jsonb(saved);
end
$$;

comment on function
core.save_assignment_rule(text, text, jsonb, uuid, uuid, text, integer, boolean) is
'What v1.save_assignment_rule does. Definer, because it writes core.assignment_rules. Signed-in
users may call it.';

create function core.delete_assignment_rule(id uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    within constant uuid := core.sole_tenant_with('crm.assignment.manage');
    gone core.assignment_rules;
begin
    delete from core.assignment_rules as rules
    where rules.tenant_id = within and rules.id = delete_assignment_rule.id
    returning rules.* into gone;
    if gone.id is null then
        perform core.fail('assignment.rule_unknown');
    end if;
    perform core.emit(
        gone.tenant_id, 'crm.assignment_rule.deleted', 'assignment_rule', gone.id,
        jsonb_build_object('object', gone.object)
    );
end
$$;

comment on function core.delete_assignment_rule(uuid) is
'What v1.delete_assignment_rule does. Definer, because it writes core.assignment_rules. Signed-in
users may call it.';

create function core.save_assignment_capacity(
    team_id uuid, user_id uuid, capacity integer, open_max integer, absent_until timestamptz
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    within constant uuid := core.sole_tenant_with('crm.assignment.manage');
    saved core.assignment_capacities;
begin
    if
        (
            save_assignment_capacity.capacity between 0 and 1000
            and coalesce(save_assignment_capacity.open_max, 0) >= 0
        ) is not true
    then
        perform core.fail('assignment.capacity_invalid');
    elsif not exists (
        select from core.team_members
        where
            team_members.tenant_id = within
            and team_members.team_id = save_assignment_capacity.team_id
            and team_members.user_id = save_assignment_capacity.user_id
    ) then
        perform core.fail('assignment.member_unknown');
    end if;
    insert into core.assignment_capacities as capacities (
        tenant_id, team_id, user_id, capacity, open_max, absent_until
    )
    values (
        within,
        save_assignment_capacity.team_id,
        save_assignment_capacity.user_id,
        save_assignment_capacity.capacity,
        save_assignment_capacity.open_max,
        save_assignment_capacity.absent_until
    )
    on conflict on constraint assignment_capacities_pkey do update set
        capacity = excluded.capacity,
        open_max = excluded.open_max,
        absent_until = excluded.absent_until
    returning capacities.* into saved;
    return to_jsonb(saved);
end
$$;

comment on function
core.save_assignment_capacity(uuid, uuid, integer, integer, timestamptz) is
'What v1.save_assignment_capacity does. Definer, because it writes core.assignment_capacities.
Signed-in users may call it.';

create function core.assign(object text, record_id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    locked constant jsonb := core.lock_record(object, record_id, 'write');
begin
    return to_jsonb(core.assign_record(object, (locked ->> 'tenant_id')::uuid, record_id));
end
$$;

comment on function core.assign(text, uuid) is
'What v1.assign does. Definer, because rules and counters are hidden from whoever may write the
record. Signed-in users may call it.';

create function core.preview_assignment(object text, record jsonb) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    within constant uuid := core.sole_tenant_with('crm.assignment.manage');
    known constant core.objects := core.object_named(object);
    rules constant jsonb := coalesce(core.active_rules(known.object, within), '[]');
begin
    return tenon.assignment_decide(
        rules,
        core.assignable_members(known.object, within, rules),
        coalesce(record, '{}'),
        statement_timestamp()
    ) - 'members';
end
$$;

comment on function core.preview_assignment(text, jsonb) is
'What v1.preview_assignment does. Definer, because counters of open records go beyond what the
caller may see. Signed-in users may call it.';

revoke all on function
core.rules_max(),
core.save_assignment_rule(text, text, jsonb, uuid, uuid, text, integer, boolean),
core.delete_assignment_rule(uuid),
core.save_assignment_capacity(uuid, uuid, integer, integer, timestamptz),
core.assign(text, uuid),
core.preview_assignment(text, jsonb)
from public;
grant execute on function
core.save_assignment_rule(text, text, jsonb, uuid, uuid, text, integer, boolean),
core.delete_assignment_rule(uuid),
core.save_assignment_capacity(uuid, uuid, integer, integer, timestamptz),
core.assign(text, uuid),
core.preview_assignment(text, jsonb)
to authenticated, service_role;

create view v1.assignment_rules with (security_invoker = true) as
select
    rules.tenant_id,
    rules.id,
    rules.object,
    rules.position,
    rules.name,
    rules.condition,
    rules.team_id,
    rules.user_id,
    rules.strategy,
    rules.is_active,
    rules.version,
    rules.created_at,
    rules.created_by,
    rules.updated_at,
    rules.updated_by
from core.assignment_rules as rules;

comment on view v1.assignment_rules is
'To whom records without an owner go, by position. Needs crm.assignment.manage.';

create view v1.assignment_capacities with (security_invoker = true) as
select
    capacities.tenant_id,
    capacities.team_id,
    capacities.user_id,
    capacities.capacity,
    capacities.open_max,
    capacities.absent_until
from core.assignment_capacities as capacities;

comment on view v1.assignment_capacities is
'How much members of teams take; who is not in it has a capacity of 1 and no limit. Needs
crm.assignment.manage.';

create view v1.assignments with (security_invoker = true) as
select
    assignments.tenant_id,
    assignments.id,
    assignments.object,
    assignments.record_id,
    assignments.assigned_at,
    assignments.user_id,
    assignments.team_id,
    assignments.rule_id,
    assignments.rule_name,
    assignments.rule_version,
    assignments.strategy,
    assignments.cause,
    assignments.explanation,
    assignments.assigned_by
from core.assignments;

comment on view v1.assignments is
'To whom records were given, and why. Whoever may read a record may read its assignments.';

grant select on v1.assignment_rules, v1.assignment_capacities, v1.assignments
to authenticated, service_role;

create function v1.save_assignment_rule(
    object text,
    name text,
    condition jsonb default null,
    team_id uuid default null,
    user_id uuid default null,
    strategy text default null,
    rule_position integer default null,
    is_active boolean default true
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'save_assignment_rule',
            jsonb_build_object(
                'object', object, 'name', name, 'condition', condition, 'team_id', team_id,
                'user_id', user_id, 'strategy', strategy, 'rule_position', rule_position,
                'is_active', is_active
            )
        ),
        core.store_answer(
            core.save_assignment_rule(
                object, name, condition, team_id, user_id, strategy, rule_position, is_active
            )
        )
    );
end
$$;

comment on function
v1.save_assignment_rule(text, text, jsonb, uuid, uuid, text, integer, boolean) is
'Saves a rule by which records of an object without an owner are given out; one of the same name is
replaced, and its version rises. condition: of which records it holds, null for all. Either team_id
and strategy (least_loaded, round_robin or weighted) or user_id. rule_position: rules are tried in
its order; by default the place that it has, or the last. Returns the rule. Needs
crm.assignment.manage. Raises record.object_unknown, assignment.object_unowned,
assignment.rule_malformed, assignment.team_unknown, assignment.user_unknown,
assignment.too_many_rules and condition.…. May be repeated with an Idempotency-Key.';

create function v1.delete_assignment_rule(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    answer jsonb := core.stored_answer('delete_assignment_rule', jsonb_build_object('id', id));
begin
    if answer is null then
        perform core.delete_assignment_rule(id);
        answer := core.store_answer(jsonb_build_object('id', id));
    end if;
    return answer;
end
$$;

comment on function v1.delete_assignment_rule(uuid) is
'Removes a rule; what it gave out stays where it is. Returns {id}. Needs crm.assignment.manage.
Raises assignment.rule_unknown (404). May be repeated with an Idempotency-Key.';

create function v1.save_assignment_capacity(
    team_id uuid,
    user_id uuid,
    capacity integer default 1,
    open_max integer default null,
    absent_until timestamptz default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'save_assignment_capacity',
            jsonb_build_object(
                'team_id', team_id, 'user_id', user_id, 'capacity', capacity,
                'open_max', open_max, 'absent_until', absent_until
            )
        ),
        core.store_answer(
            core.save_assignment_capacity(team_id, user_id, capacity, open_max, absent_until)
        )
    );
end
$$;

comment on function
v1.save_assignment_capacity(uuid, uuid, integer, integer, timestamptz) is
'Says how much a member of a team takes. capacity: the share, against those of the others; 0 takes
none. open_max: with so many open records of an object the member gets no more. absent_until: until
then none, infinity for good. Needs crm.assignment.manage. Raises assignment.capacity_invalid (400)
and assignment.member_unknown (422). May be repeated with an Idempotency-Key.';

create function v1.assign(object text, record_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'assign', jsonb_build_object('object', object, 'record_id', record_id)
        ),
        core.store_answer(core.assign(object, record_id))
    );
end
$$;

comment on function v1.assign(text, uuid) is
'Gives a record to whom the tenant''s rules say, whoever has it now. Returns the assignment with its
explanation; user_id is null where nobody could take it, and nothing changed. Needs to write the
record. Raises record.not_found (404), tenancy.permission_missing (403), assignment.object_unowned
(422). May be repeated with an Idempotency-Key.';

create function v1.explain_assignment(object text, record_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    within constant uuid := core.tenant_of_record(object, record_id);
    last core.assignments;
begin
    select assignments.* into last
    from core.assignments
    where
        assignments.tenant_id = within
        and assignments.record_id = explain_assignment.record_id
        and assignments.object = explain_assignment.object
    order by assignments.assigned_at desc, assignments.id
    limit 1;
    return case when last.id is not null then to_jsonb(last) end;
end
$$;

comment on function v1.explain_assignment(text, uuid) is
'Why a record has the owner that it has: its last assignment, with the rules that were tried, what
became of each, and whom there was to choose from. Null where it was never assigned. Needs to read
the record. Raises record.object_unknown (400) and record.not_found (404).';

create function v1.preview_assignment(object text, record jsonb default '{}') returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return core.preview_assignment(object, record);
end
$$;

comment on function v1.preview_assignment(text, jsonb) is
'To whom a record with these fields would go now, and why, without giving it. Needs
crm.assignment.manage. Raises record.object_unknown (400).';

revoke all on function
v1.save_assignment_rule(text, text, jsonb, uuid, uuid, text, integer, boolean),
v1.delete_assignment_rule(uuid),
v1.save_assignment_capacity(uuid, uuid, integer, integer, timestamptz),
v1.assign(text, uuid),
v1.explain_assignment(text, uuid),
v1.preview_assignment(text, jsonb)
from public;
grant execute on function
v1.save_assignment_rule(text, text, jsonb, uuid, uuid, text, integer, boolean),
v1.delete_assignment_rule(uuid),
v1.save_assignment_capacity(uuid, uuid, integer, integer, timestamptz),
v1.assign(text, uuid),
v1.explain_assignment(text, uuid),
v1.preview_assignment(text, jsonb)
to authenticated, service_role;
