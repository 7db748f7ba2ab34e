-- The pipelines that a tenant begins with: every way from stage to stage is tried, and goes or does
-- not go as a table of literals says. No path around them is left: not for clients, in bulk, for
-- imports, or for the owner of the schema.
begin;
\ir ../support/fixtures.sql

-- Who reaches what: the literals ------------------------------------------------------------------

create temporary table ways (pipeline text, from_stage text, to_stages text[], path text[]);
insert into ways (pipeline, from_stage, to_stages, path) values
('sales', 'qualification', '{needs,proposal,lost}', '{}'),
('sales', 'needs', '{qualification,proposal,negotiation,lost}', '{needs}'),
('sales', 'proposal', '{qualification,needs,negotiation,won,lost}', '{proposal}'),
('sales', 'negotiation', '{qualification,needs,proposal,won,lost}', '{needs,negotiation}'),
('sales', 'won', '{negotiation}', '{proposal,won}'),
('sales', 'lost', '{qualification}', '{lost}'),
('renewals', 'upcoming', '{offered,ended}', '{}'),
('renewals', 'offered', '{upcoming,agreed,renewed,ended}', '{offered}'),
('renewals', 'agreed', '{offered,renewed,ended}', '{offered,agreed}'),
('renewals', 'renewed', '{}', '{offered,renewed}'),
('renewals', 'ended', '{upcoming}', '{ended}'),
('leads', 'new', '{contacted,qualified,unqualified}', '{}'),
('leads', 'contacted', '{new,qualified,unqualified}', '{contacted}'),
('leads', 'qualified', '{contacted,unqualified}', '{qualified}'),
('leads', 'unqualified', '{new}', '{unqualified}'),
-- A lead that was converted goes to converted and nowhere back; one whose conversion was undone
-- leaves it.
('converted leads', 'new', '{contacted,qualified,converted,unqualified}', '{}'),
('converted leads', 'contacted', '{new,qualified,converted,unqualified}', '{contacted}'),
('converted leads', 'qualified', '{contacted,converted,unqualified}', '{qualified}'),
('converted leads', 'converted', '{}', '{converted}'),
('converted leads', 'unqualified', '{new}', '{unqualified}'),
('undone leads', 'converted', '{new,contacted,qualified}', '{converted}');
grant select on ways to authenticated;

create temporary table kinds (stage text, kind text, probability integer);
insert into kinds (stage, kind, probability) values
('qualification', 'open', 10), ('needs', 'open', 25), ('proposal', 'open', 50),
('negotiation', 'open', 75), ('won', 'won', 100), ('lost', 'lost', 0), ('upcoming', 'open', 60),
('offered', 'open', 75), ('agreed', 'open', 90), ('renewed', 'won', 100), ('ended', 'lost', 0),
('new', 'open', null), ('contacted', 'open', null), ('qualified', 'open', null),
('converted', 'won', 100), ('unqualified', 'lost', 0);

-- A record of a tenant that has all that stages ask for, in the named pipeline.
create function pg_temp.begun(pipeline text) returns uuid
language plpgsql
as $$
declare
    tenant constant uuid := '00000000-0000-4000-a000-000000000002';
    made uuid;
begin
    if pipeline like '%leads' then
        insert into crm.leads (tenant_id, family_name, converted_at)
        values (tenant, 'Lead', case when pipeline = 'leads' then null else now() end)
        returning id into made;
    else
        insert into crm.deals (
            tenant_id, name, amount_minor, currency, expected_close_on, pipeline_id
        )
        select tenant, 'Deal', 100, 'EUR', '2027-01-01', pipelines.id
        from core.pipelines
        where pipelines.tenant_id = tenant and pipelines.slug = begun.pipeline
        returning id into made;
    end if;
    return made;
end
$$;

-- What comes of a move from one stage to another by ada, of which nothing stays.
create function pg_temp.outcome(pipeline text, path text[], target text) returns text
language plpgsql
as $$
declare
    subject uuid := pg_temp.begun(pipeline);
    step text;
    told text;
begin
    foreach step in array path loop
        perform core.move(subject, step, null, 'on the way');
    end loop;
    if pipeline = 'undone leads' then
        update crm.leads set converted_at = null where id = subject;
    end if;
    perform set_config('role', 'authenticated', true);
    perform set_config(
        'request.jwt.claims',
        '{"role": "authenticated", "sub": "00000000-0000-4000-8000-000000000001"}', true
    );
    begin
        told := core.move(subject, target, null, 'for a reason') ->> 'stage';
    exception
        when sqlstate 'PGRST' then told := sqlerrm::jsonb ->> 'code';
    end;
    raise sqlstate 'UNDO0' using message = told;
exception
    when sqlstate 'UNDO0' then return sqlerrm;
end
$$;

create temporary table pairs as
select
    ways.pipeline,
    ways.from_stage,
    ways.path,
    targets.stage as to_stage,
    case
        when targets.stage = any(ways.to_stages) then targets.stage
        -- There is a way, and it is barred.
        when
            'converted' in (targets.stage, ways.from_stage)
            and array[ways.from_stage, targets.stage] in (
                array['new', 'converted'], array['contacted', 'converted'],
                array['qualified', 'converted'], array['converted', 'new'],
                array['converted', 'contacted'], array['converted', 'qualified']
            )
            then 'pipeline.guard_failed'
        else 'pipeline.transition_missing'
    end as expected
from ways
inner join (
    select
        unnest('{qualification,needs,proposal,negotiation,won,lost}'::text[]) as stage,
        '{sales}'::text[] as pipelines
    union all
    select
        unnest('{upcoming,offered,agreed,renewed,ended}'::text[]),
        '{renewals}'
    union all
    select
        unnest('{new,contacted,qualified,converted,unqualified}'::text[]),
        '{leads,converted leads,undone leads}'
) as targets on ways.pipeline = any(targets.pipelines);

select plan((select count(*) from pairs)::integer + 40);

select
    is(
        pg_temp.outcome(pipeline, path, to_stage), expected,
        format('%s: %s to %s', pipeline, from_stage, to_stage)
    )
from pairs;

-- What a tenant has -------------------------------------------------------------------------------

select bag_eq(
    $$
        select tenants.name, pipelines.object, pipelines.slug, pipelines.is_default
        from core.pipelines
        inner join core.tenants on tenants.id = pipelines.tenant_id
        where tenants.slug in ('acme', 'rival')
    $$,
    $$
        select tenant, object, slug, is_default
        from unnest(array['Acme', 'Rival']) as tenant
        cross join (
            values
            ('crm.deals', 'sales', true), ('crm.deals', 'renewals', false),
            ('crm.leads', 'leads', true)
        ) as pipelines (object, slug, is_default)
    $$,
    'a tenant is made with two pipelines for deals and one for leads'
);
select is_empty(
    'select from core.pipelines where tenant_id = core.platform_tenant_id()',
    'the platform has none'
);
select bag_eq(
    format(
        $$
            select stages.stage, stages.kind, stages.probability::integer
            from core.pipeline_stages as stages
            where stages.tenant_id = %L
        $$, :acme
    ),
    'select stage, kind, probability from kinds',
    'their stages are of the kinds and probabilities that the guide promises'
);
select lives_ok(
    format('select crm.add_default_pipelines(array[%L]::uuid[])', :acme),
    'a tenant that has them is given them again'
);
select is(
    (select count(*) from core.pipeline_versions where tenant_id = :acme), 3::bigint,
    'and nothing comes of it'
);
select is_empty(
    format(
        $$
            select type from core.pending_events where tenant_id = %1$L and type like '%%pipeline%%'
            union all
            select type from core.events where tenant_id = %1$L and type like '%%pipeline%%'
        $$, :acme
    ),
    'no events tell of what every tenant has'
);

-- What follows ------------------------------------------------------------------------------------

select pg_temp.begun('sales') as deal \gset
select pg_temp.begun('leads') as lead \gset
select results_eq(
    format('select stage, stage_kind, closed_at from crm.deals where id = %L', :'deal'),
    $$values ('qualification', 'open', null::timestamptz)$$,
    'a deal that names nothing begins at the start of the default pipeline'
);
:as_ada
select v1.move(:'deal', 'lost', (select version from v1.deals where id = :'deal'), 'Too dear');
select results_eq(
    format(
        'select stage_kind, lost_reason, closed_at = stage_entered_at from v1.deals where id = %L',
        :'deal'
    ),
    $$values ('lost', 'Too dear', true)$$, 'what is lost has its reason and its time'
);
select v1.move(:'deal', 'qualification', (select version from v1.deals where id = :'deal'));
select results_eq(
    format('select stage_kind, lost_reason, closed_at from v1.deals where id = %L', :'deal'),
    $$values ('open', null, null::timestamptz)$$, 'and neither once it is open again'
);
select v1.move(
    :'deal', 'lost', (select version from v1.deals where id = :'deal'), 'Too dear',
    '{"lost_reason": "price"}'
);
select is(
    (select lost_reason from v1.deals where id = :'deal'), 'price',
    'a move may name another reason for the record'
);
select v1.move(:'lead', 'unqualified', (select version from v1.leads where id = :'lead'), 'A joke');
select is(
    (select lost_reason from v1.leads where id = :'lead'), 'A joke', 'leads keep theirs, too'
);
:as_owner
select pg_temp.begun('sales') as deal \gset
:as_ada
select v1.move(:'deal', 'proposal', (select version from v1.deals where id = :'deal'));
select v1.move(:'deal', 'won', (select version from v1.deals where id = :'deal'));
select is(
    (select expected_close_on from v1.deals where id = :'deal'), (now() at time zone 'UTC')::date,
    'what is won was expected on the day that it was won'
);

-- No way around -----------------------------------------------------------------------------------

:as_owner
insert into crm.deals (tenant_id, name) values (:acme, 'Bare') returning id as bare \gset
select pg_temp.begun('sales') as deal \gset
select pg_temp.begun('leads') as lead \gset
create temporary table attempts (what text, statement text, as_client text, as_owner text);
grant select on attempts to authenticated;
insert into attempts (what, statement, as_client, as_owner) values
(
    'an update of the stage', 'update %s.deals set stage = ''won'' where id = ''%s''',
    'pipeline.direct_change', 'pipeline.direct_change'
),
(
    'an update of its kind', 'update %s.deals set stage_kind = ''won'' where id = ''%s''',
    '42501', 'pipeline.direct_change'
),
(
    'an update to no pipeline',
    'update %s.deals set pipeline_id = null, pipeline_version_id = null, stage = null '
    'where id = ''%s''', '42501', 'pipeline.direct_change'
),
(
    'an insert that writes over',
    'insert into %1$s.deals (tenant_id, id, name, stage) '
    'values (''00000000-0000-4000-a000-000000000002'', ''%2$s'', ''Over'', ''qualification'') '
    'on conflict (tenant_id, id) do update set stage = ''won''',
    'pipeline.direct_change', 'pipeline.direct_change'
),
(
    'an insert at the end',
    'insert into %s.deals (tenant_id, name, amount_minor, currency, stage) '
    'values (''00000000-0000-4000-a000-000000000002'', ''Won'', 1, ''EUR'', ''won'')',
    'pipeline.start_refused', 'pipeline.start_refused'
),
(
    'an import of many, one at the end',
    'insert into %s.deals (tenant_id, name, amount_minor, currency, stage) '
    'select ''00000000-0000-4000-a000-000000000002'', ''Many'', 1, ''EUR'', '
    'case when i < 3 then ''qualification'' else ''lost'' end from generate_series(1, 3) as i',
    'pipeline.start_refused', 'pipeline.start_refused'
),
(
    'an insert into a pipeline of leads',
    'insert into %s.deals (tenant_id, name, pipeline_id) '
    'select ''00000000-0000-4000-a000-000000000002'', ''Lead'', id from core.pipelines '
    'where tenant_id = ''00000000-0000-4000-a000-000000000002'' and slug = ''leads''',
    'pipeline.unknown', 'pipeline.unknown'
),
(
    'a move without what the stage asks for', 'select core.move(''%3$s'', ''proposal'', null)',
    'pipeline.fields_missing', 'pipeline.fields_missing'
),
(
    'a loss without a reason', 'select core.move(''%2$s'', ''lost'', null)',
    'pipeline.reason_required', 'pipeline.reason_required'
),
(
    'a leap', 'select core.move(''%2$s'', ''won'', null)',
    'pipeline.transition_missing', 'pipeline.transition_missing'
),
(
    'a conversion by hand', 'select core.move(''%4$s'', ''converted'', null)',
    'pipeline.guard_failed', 'pipeline.guard_failed'
);
select
    is(
        pg_temp.code_of(format(statement, 'crm', :'deal', :'bare', :'lead')), as_owner,
        'the owner is refused ' || what
    )
from attempts;
:as_ada
select
    is(
        pg_temp.code_of(format(statement, 'v1', :'deal', :'bare', :'lead')), as_client,
        'a client is refused ' || what
    )
from attempts;
select is(
    (v1.move_many(array[:'deal', :'bare']::uuid[], 'proposal') -> 'outcomes')
    @? '$[*] ? (@.moved == false && @.error.code == "pipeline.fields_missing")', true,
    'in bulk the guards are the same'
);
select is(
    (select stage from v1.deals where id = :'deal'), 'proposal', 'and hold nobody else up'
);
:as_vic
select is(
    pg_temp.code_of(format('select v1.move(%L, ''needs'', 1)', :'deal')),
    'tenancy.permission_missing', 'who only reads moves nothing'
);
:as_eve
select is(
    pg_temp.code_of(format('select v1.move(%L, ''needs'', 1)', :'deal')), 'record.not_found',
    'and a stranger is told of nothing'
);
:as_owner
insert into core.roles (tenant_id, id, slug, name)
values (:acme, '00000000-0000-4000-d000-000000000001', 'caller', 'Caller');
insert into core.role_permissions (tenant_id, role_id, permission, scope)
select :acme, '00000000-0000-4000-d000-000000000001', permission, 'tenant'
from unnest(array['crm.leads.read', 'crm.leads.write']) as permission;
update core.members
set role_tenant_id = :acme, role_id = '00000000-0000-4000-d000-000000000001'
where tenant_id = :acme and user_id = '00000000-0000-4000-8000-000000000002';
update crm.leads set converted_at = now() where id = :'lead';
:as_vic
select is(
    pg_temp.code_of(
        format(
            'select v1.move(%L, ''converted'', %s)', :'lead',
            (select version from v1.leads where id = :'lead')
        )
    ),
    'pipeline.permission_missing', 'converting takes a permission of its own'
);
select lives_ok(
    format(
        'select v1.move(%L, ''contacted'', %s)', :'lead',
        (select version from v1.leads where id = :'lead')
    ),
    'and the rest does not, with no permission to see pipelines either'
);

select * from finish();
rollback;
