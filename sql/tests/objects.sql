-- Objects: what a table gets by one line, who reaches its records by an oracle of literals, and
-- what hangs on them.
begin;
\ir ../support/fixtures.sql

insert into core.permissions (permission, description) values
('test.boats.read', 'See boats.'), ('test.boats.write', 'Write boats.');
create table core.boats (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    name text not null,
    length_m numeric,
    built_on date,
    is_afloat boolean,
    flags text[],
    owner_id uuid,
    team_id uuid,
    primary key (tenant_id, id)
);
comment on column core.boats.length_m is 'From stem to stern.';
grant select, insert (tenant_id, id, name, length_m, built_on, owner_id, team_id), update (name),
delete on core.boats to authenticated;
select core.guard('core.boats', 'test.boats', 'owner_id', 'team_id');
select core.register_object('core.boats', 'test.boats', 'boat', 'name', 'owner_id', 'team_id');
create table core.boat_notes (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    object text not null references core.objects (object),
    record_id uuid not null,
    note text,
    primary key (tenant_id, id)
);
grant select, insert, update, delete on core.boat_notes to authenticated;
select core.guard_linked('core.boat_notes');

-- Callers: by a role of each scope for reading and, maybe, another for writing.
create temporary table callers (number integer, reads text, writes text);
insert into callers (number, reads, writes) values
(11, 'tenant', 'tenant'), (12, 'tenant', 'own'), (13, 'own', 'own'), (14, 'team', 'team'),
(15, 'team', 'own'), (16, 'own', null), (17, null, null), (18, 'descendants', 'descendants');
create function pg_temp.user_id(number integer) returns uuid
language sql immutable
as $$ select ('00000000-0000-4000-8000-0000000000' || number)::uuid $$;
create function pg_temp.become(number integer) returns void
language sql
as $$
    select
        set_config('tenon.caller_kind', '', true),
        set_config('role', 'authenticated', true),
        set_config(
            'request.jwt.claims',
            jsonb_build_object('role', 'authenticated', 'sub', pg_temp.user_id(number))::text, true
        )
$$;
insert into auth.users (id, email)
select
    pg_temp.user_id(number),
    number || '@example.com'
from callers;
-- Each holds the role in acme, and the last in the group above it.
insert into core.roles (tenant_id, id, slug, name)
select
    case when reads = 'descendants' then :group else :acme end::uuid,
    pg_temp.user_id(number),
    'role_' || number,
    'Role'
from callers;
insert into core.role_permissions (tenant_id, role_id, permission, scope)
select
    roles.tenant_id,
    roles.id,
    granted.permission,
    granted.scope
from callers
inner join core.roles on roles.id = pg_temp.user_id(callers.number)
cross join
    lateral (
        values ('test.boats.read', callers.reads), ('test.boats.write', callers.writes)
    ) as granted (permission, scope)
where granted.scope is not null;
insert into core.members (tenant_id, user_id, role_tenant_id, role_id)
select
    roles.tenant_id,
    roles.id,
    roles.tenant_id,
    roles.id
from core.roles
where roles.slug like 'role\_%';
insert into core.teams (tenant_id, id, slug, name) values
(:acme, '00000000-0000-4000-e000-000000000001', 'crew', 'Crew'),
(:acme, '00000000-0000-4000-e000-000000000002', 'others', 'Others');
insert into core.team_members (tenant_id, team_id, user_id)
select
    :acme,
    '00000000-0000-4000-e000-000000000001',
    pg_temp.user_id(number)
from callers
where reads <> 'descendants' or reads is null;

-- Boats: of each caller, of the crew, of another team, of nobody, and of another tenant.
create temporary table boats (id uuid primary key, place text, owner integer, crew text);
insert into boats (id, place, owner, crew)
select
    gen_random_uuid(),
    places.place,
    kinds.owner,
    kinds.crew
from (values ('acme'), ('rival')) as places (place)
cross join (
    select
        number as owner,
        null as crew
    from callers
    union all
    values (null::integer, 'crew'), (null, 'others'), (null, null)
) as kinds
where places.place = 'acme' or (kinds.owner is null and kinds.crew is null);
insert into core.boats (tenant_id, id, name, owner_id, team_id)
select
    case place when 'acme' then :acme else :rival end::uuid,
    id,
    'Boat',
    pg_temp.user_id(owner),
    case crew
        when 'crew' then '00000000-0000-4000-e000-000000000001'
        when 'others' then '00000000-0000-4000-e000-000000000002'
    end::uuid
from boats;
insert into core.boat_notes (tenant_id, object, record_id)
select
    tenant_id,
    'test.boats',
    id
from core.boats;

-- The oracle: a scope reaches, and wider ones reach what narrower ones do.
create function pg_temp.should(scope text, number integer, boat boats) returns boolean
language sql
as $$
    select coalesce(
        boat.place = 'acme' and (
            scope in ('tenant', 'descendants')
            or (scope in ('own', 'team') and boat.owner = number)
            or (scope = 'team' and boat.crew = 'crew')
        ), false
    )
$$;
create temporary table wanted as
select
    callers.number,
    boats.id,
    case boats.place when 'acme' then :acme else :rival end::uuid as tenant_id,
    pg_temp.should(callers.reads, callers.number, boats) as reads,
    pg_temp.should(callers.writes, callers.number, boats) as writes
from callers
cross join boats;
grant select on wanted to authenticated;

-- How each way of asking answers, for the caller.
create function pg_temp.told(asked integer)
returns table (id uuid, by_rule text, by_policy text, by_note text)
language plpgsql
as $$
begin
    perform pg_temp.become(told.asked);
    return query
    select
        wanted.id,
        core.reaches_record('test.boats', wanted.tenant_id, wanted.id)
        || ' ' || core.reaches_record('test.boats', wanted.tenant_id, wanted.id, 'write'),
        exists (select from core.boats as seen where seen.id = wanted.id)::text,
        exists (select from core.boat_notes as notes where notes.record_id = wanted.id)::text
    from wanted
    where wanted.number = told.asked;
end
$$;
-- As the owner of core.lock_record, which no client calls, with the caller's claims.
create function pg_temp.lock_of(asked integer, boat uuid) returns text
language plpgsql
as $$
begin
    perform pg_temp.become(asked);
    perform set_config('role', 'postgres', true);
    perform set_config('tenon.caller_kind', 'user', true);
    perform set_config('tenon.caller_id', pg_temp.user_id(asked)::text, true);
    perform core.lock_record('test.boats', boat);
    return 'locked';
exception
    when sqlstate 'PGRST' then return sqlerrm::jsonb ->> 'code';
end
$$;

select plan(8 * 2 + 11);

create temporary table tellings as
select
    callers.number,
    told.*
from callers
cross join lateral pg_temp.told(callers.number) as told;
:as_owner
select set_eq(
    format('select id, by_rule, by_policy, by_note from tellings where number = %s', number),
    format(
        $$
            select
                id,
                reads || ' ' || writes as by_rule,
                reads::text as by_policy,
                reads::text as by_note
            from wanted where number = %s
        $$, number
    ),
    format('who reads by %s and writes by %s reaches as the oracle says', reads, writes)
)
from callers;
create temporary table locks as
select
    wanted.*,
    pg_temp.lock_of(wanted.number, wanted.id) as outcome
from wanted;
:as_owner
select set_eq(
    format('select id, outcome from locks where number = %s', number),
    format(
        $$
            select
                id,
                case
                    when not reads then 'record.not_found'
                    when not writes then 'tenancy.permission_missing'
                    else 'locked'
                end
            from wanted where number = %s
        $$, number
    ),
    format('and locks so: %s, %s', reads, writes)
)
from callers;

-- What a table gets ------------------------------------------------------------------------------

select bag_eq(
    $$
        select field, type, label, description, is_writable from core.object_fields
        where object = 'test.boats' and field not in ('created_by', 'updated_by', 'id')
    $$,
    $$
        values
        ('name', 'text', 'Name', null, true),
        ('length_m', 'number', 'Length m', 'From stem to stern.', true),
        ('built_on', 'date', 'Built', null, true),
        ('is_afloat', 'boolean', 'Is afloat', null, false),
        ('flags', 'list', 'Flags', null, false),
        ('owner_id', 'id', 'Owner', null, true),
        ('team_id', 'id', 'Team', null, true),
        ('version', 'number', 'Version', null, false),
        ('created_at', 'instant', 'Created', null, false),
        ('updated_at', 'instant', 'Updated', null, false)
    $$,
    'fields are known with their types, and who may set them'
);
select results_eq(
    $$
        select type, permission from core.event_types
        where type in ('test.boat.created', 'test.boat.changed', 'test.boat.deleted') order by type
    $$,
    $$
        values
        ('test.boat.changed', 'test.boats.read'), ('test.boat.created', 'test.boats.read'),
        ('test.boat.deleted', 'test.boats.read')
    $$,
    'and its events'
);
update core.boats set name = 'Ship' where tenant_id = :acme;
select is(
    (
        select count(*) from core.pending_events as events
        where
            events.tenant_id = :acme
            and events.type = 'test.boat.changed'
            and events.data = '{"fields": ["name"]}'
    ),
    (select count(*) from boats where place = 'acme'), 'an update of many tells of each'
);
select is(
    (select sum(version) from core.boats where tenant_id = :acme),
    (select 2 * count(*) from boats where place = 'acme'), 'and counts each'
);
select is(
    pg_temp.code_of(format('select core.record(''test.ships'', %L, %L)', :acme, :acme)),
    'record.object_unknown', 'an object that is not there is named'
);
select is(core.record('test.boats', :acme, :acme), null, 'a record that is not there is null');
select is(
    core.reaches('test.boats.read', :rival, null, null), true, 'the system reaches everything'
);

-- What hangs on records ---------------------------------------------------------------------------

select id as crew_boat from boats where crew = 'crew' \gset
select id as rival_boat from boats where place = 'rival' \gset
select pg_temp.become(14);
select lives_ok(
    format(
        'insert into core.boat_notes (tenant_id, object, record_id) '
        'values (%L, ''test.boats'', %L)', :acme, :'crew_boat'
    ), 'who writes a record hangs notes on it'
);
select is(
    pg_temp.code_of(
        format(
            'insert into core.boat_notes (tenant_id, object, record_id) '
            'values (%L, ''test.boats'', %L)', tenant, boat
        )
    ), '42501', what
)
from (
    values
    (:acme, :'rival_boat', 'not on one of another tenant'),
    (:rival, :'rival_boat', 'in no tenant at all')
) as notes (tenant, boat, what);
:as_owner
delete from core.boats where id = :'crew_boat';
select is_empty(
    format('select from core.boat_notes where record_id = %L', :'crew_boat'),
    'notes go with their record'
);

select * from finish();
rollback;
