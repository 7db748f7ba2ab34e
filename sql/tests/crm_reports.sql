-- Reports are of what the caller may see. What each caller is told is compared with sums over the
-- rows that are visible to that caller, worked out here in plain words from literals.
begin;
\ir ../support/fixtures.sql

-- otis reaches own records alone, tia those of the team north, ada all; all of acme.
create function pg_temp.become(number integer) returns void
language sql
as $$
    select
        set_config('tenon.caller_kind', '', true),
        set_config('request.headers', '', true),
        set_config('role', 'authenticated', true),
        set_config(
            'request.jwt.claims',
            jsonb_build_object(
                'role', 'authenticated',
                'sub', '00000000-0000-4000-8000-00000000000' || become.number
            )::text,
            true
        )
$$;
\set as_otis 'reset role; do $$ begin perform pg_temp.become(6); end $$;'
\set as_tia 'reset role; do $$ begin perform pg_temp.become(7); end $$;'
insert into auth.users (id, email) values
('00000000-0000-4000-8000-000000000006', 'otis@example.com'),
('00000000-0000-4000-8000-000000000007', 'tia@example.com');
insert into core.roles (tenant_id, id, slug, name) values
(:acme, '00000000-0000-4000-d000-000000000006', 'own', 'Own'),
(:acme, '00000000-0000-4000-d000-000000000007', 'team', 'Team');
insert into core.role_permissions (tenant_id, role_id, permission, scope)
select
    :acme,
    ('00000000-0000-4000-d000-00000000000' || number)::uuid,
    permission,
    scope
from (values (6, 'own'), (7, 'team')) as roles (number, scope)
cross join unnest(array['crm.deals.read', 'crm.deals.write', 'crm.activities.read']) as permission;
insert into core.members (tenant_id, user_id, role_tenant_id, role_id)
select
    :acme,
    ('00000000-0000-4000-8000-00000000000' || number)::uuid,
    :acme,
    ('00000000-0000-4000-d000-00000000000' || number)::uuid
from unnest(array[6, 7]) as number;
insert into core.teams (tenant_id, id, slug, name) values
(:acme, '00000000-0000-4000-e000-000000000001', 'north', 'North'),
(:acme, '00000000-0000-4000-e000-000000000002', 'south', 'South');
insert into core.team_members (tenant_id, team_id, user_id)
values (:acme, '00000000-0000-4000-e000-000000000001', '00000000-0000-4000-8000-000000000007');

create temporary table chances (stage text, chance integer);
insert into chances (stage, chance) values
('qualification', 10), ('needs', 25), ('proposal', 50), ('negotiation', 75);
grant select on chances to authenticated, service_role;

-- A deal as a way through stages, each with the moment when it came there.
create function pg_temp.lead_through(deal uuid, tenant uuid, stages text[], moments timestamptz[])
returns void
language plpgsql
as $$
declare
    place integer;
begin
    for place in 2 .. cardinality(stages) loop
        update core.stage_periods set left_at = moments[place]
        where tenant_id = tenant and record_id = deal and left_at is null;
        insert into core.stage_periods (
            tenant_id, object, record_id, entered_at, pipeline_id, pipeline_version_id, stage,
            from_stage, reason, moved_by_kind
        )
        select
            deals.tenant_id, 'crm.deals', deals.id, moments[place], deals.pipeline_id,
            deals.pipeline_version_id, stages[place], deals.stage,
            case stages[place] when 'lost' then 'price' end, 'system'
        from crm.deals
        where deals.tenant_id = tenant and deals.id = deal;
        update crm.deals
        set
            stage = stages[place],
            stage_kind = case
                when stages[place] in ('won', 'lost') then stages[place] else 'open'
            end,
            stage_entered_at = moments[place],
            closed_at = case when stages[place] in ('won', 'lost') then moments[place] end
        where deals.tenant_id = tenant and deals.id = deal;
    end loop;
end
$$;

-- Two hundred deals of all kinds, in both tenants.
select setseed(0.42);
create temporary table made as
select
    gen_random_uuid() as id,
    case when number <= 150 then :acme else :rival end::uuid as tenant_id,
    (array['qualification', 'needs', 'proposal', 'negotiation', 'won', 'lost'])[
        1 + (random() * 5)::integer
    ] as stage,
    case when random() < 0.9 then (random() * 1e6)::bigint end as amount_minor,
    (array['EUR', 'USD', 'JPY'])[1 + (random() * 2)::integer] as currency,
    case when random() < 0.3 then (random() * 100)::integer end as probability,
    case
        when random() < 0.2 then (array['commit', 'best_case', 'pipeline', 'omitted'])[
            1 + (random() * 3)::integer
        ]
    end as forecast_category,
    date '2025-01-01' + (random() * 400)::integer as expected_close_on,
    case
        when number <= 150 then (
            '00000000-0000-4000-8000-00000000000' || (array[1, 6, 7])[1 + (random() * 2)::integer]
        )
    end::uuid as owner_id,
    case
        when number <= 150 and random() < 0.7
            then '00000000-0000-4000-e000-00000000000' || 1 + (random())::integer
    end::uuid as team_id,
    timestamptz '2025-01-01 00:00Z' + random() * interval '60 days' as began_at,
    number
from generate_series(1, 200) as number;
insert into crm.deals (
    tenant_id, id, name, amount_minor, currency, probability, forecast_category,
    expected_close_on, owner_id, team_id, stage_entered_at, created_at, source
)
select
    tenant_id,
    id,
    'Deal ' || number || '%_' || number,
    amount_minor,
    case when amount_minor is not null then currency end,
    probability,
    forecast_category,
    expected_close_on,
    owner_id,
    team_id,
    began_at,
    began_at,
    case when number % 3 = 0 then 'fair' end
from made;
select
    pg_temp.lead_through(
        id, tenant_id, array['qualification', stage],
        array[began_at, began_at + interval '1 day' + number * interval '6 hours']
    )
from made
where stage <> 'qualification';

-- The oracles: plain sums over what the caller sees.
create function pg_temp.expected_board()
returns table (stage text, deals bigint, amounts jsonb)
language sql
as $$
    select
        by_currency.stage,
        sum(by_currency.deals)::bigint,
        coalesce(
            jsonb_object_agg(
                by_currency.currency,
                jsonb_build_object('amount_minor', amount, 'weighted_minor', weighted)
            ) filter (where amount is not null),
            '{}'
        )
    from (
        select
            deals.stage,
            deals.currency,
            count(*) as deals,
            sum(deals.amount_minor) as amount,
            round(
                sum(deals.amount_minor * coalesce(deals.probability, chances.chance)) / 100
            ) as weighted
        from v1.deals
        inner join chances on chances.stage = deals.stage
        group by deals.stage, deals.currency
    ) as by_currency
    group by by_currency.stage
$$;
create function pg_temp.told_board() returns table (stage text, deals bigint, amounts jsonb)
language sql
as $$
    select
        told ->> 'stage',
        (told ->> 'count')::bigint,
        told -> 'amounts'
    from jsonb_array_elements(v1.board() -> 'stages') as told
    where told ->> 'kind' = 'open' and told ->> 'count' <> '0'
$$;
create function pg_temp.expected_forecast(by text)
returns table (
    starts_on date, owner_id uuid, team_id uuid, currency text, deals bigint, amount numeric,
    weighted numeric, committed numeric, best_case numeric, pipeline numeric, won bigint,
    won_minor numeric
)
language sql
as $$
    with rated as (
        select
            deals.*,
            case deals.stage when 'won' then (deals.closed_at at time zone 'Asia/Tokyo')::date
                else deals.expected_close_on
            end as falls_on,
            coalesce(deals.probability, chances.chance) as chance
        from v1.deals
        left join chances on chances.stage = deals.stage
        where deals.stage <> 'lost'
    ),
    classed as (
        select
            rated.*,
            case
                when rated.stage = 'won' then 'won'
                when rated.forecast_category is not null then rated.forecast_category
                when rated.chance >= 80 then 'commit'
                when rated.chance >= 50 then 'best_case'
                else 'pipeline'
            end as class
        from rated
        where rated.falls_on >= '2025-02-01' and rated.falls_on < '2025-12-01'
    )
    select
        case expected_forecast.by
            when 'month' then make_date(
                extract(year from falls_on)::integer, extract(month from falls_on)::integer, 1
            )
            when 'quarter' then make_date(
                extract(year from falls_on)::integer,
                1 + (extract(month from falls_on)::integer - 1) / 3 * 3, 1
            )
        end,
        case expected_forecast.by when 'owner' then classed.owner_id end,
        case expected_forecast.by when 'team' then classed.team_id end,
        classed.currency,
        sum((class <> 'won')::integer),
        coalesce(sum(amount_minor) filter (where class <> 'won'), 0),
        coalesce(sum(round(amount_minor * chance / 100.0)) filter (where class <> 'won'), 0),
        coalesce(sum(amount_minor) filter (where class = 'commit'), 0),
        coalesce(sum(amount_minor) filter (where class = 'best_case'), 0),
        coalesce(sum(amount_minor) filter (where class = 'pipeline'), 0),
        sum((class = 'won')::integer),
        coalesce(sum(amount_minor) filter (where class = 'won'), 0)
    from classed
    where class <> 'omitted'
    group by 1, 2, 3, 4
$$;
create function pg_temp.expected_wins(by text)
returns table (reason text, owner_id uuid, source text, won bigint, lost bigint, euros numeric)
language sql
as $$
    select
        case expected_wins.by when 'reason' then deals.lost_reason end,
        case expected_wins.by when 'owner' then deals.owner_id end,
        case expected_wins.by when 'source' then deals.source end,
        sum((deals.stage = 'won')::integer),
        sum((deals.stage = 'lost')::integer),
        coalesce(
            sum(deals.amount_minor) filter (where deals.currency = 'EUR' and deals.stage = 'won'), 0
        )
    from v1.deals
    where
        deals.stage in ('won', 'lost')
        and (deals.closed_at at time zone 'America/New_York')::date
        between '2025-01-15' and '2025-02-28'
    group by 1, 2, 3
$$;
create function pg_temp.compare(who text, visible bigint) returns setof text
language plpgsql
as $$
declare
    grouping text;
begin
    return next is(
        (select count(*) from v1.deals), visible, who || ' sees so many deals as there should be'
    );
    return next bag_eq(
        'select * from pg_temp.told_board()', 'select * from pg_temp.expected_board()',
        who || ' has a board of what they see'
    );
    return next is(
        (select count(*) from v1.deal_forecast), visible, who || ' has a forecast of each deal'
    );
    foreach grouping in array array['month', 'quarter', 'owner', 'team'] loop
        return next bag_eq(
            format(
                'select * from v1.forecast(''2025-02-01'', ''2025-12-01'', %L, '
                'time_zone => ''Asia/Tokyo'')', grouping
            ),
            format('select * from pg_temp.expected_forecast(%L)', grouping),
            who || ' has a forecast by ' || grouping
        );
    end loop;
    foreach grouping in array array['reason', 'owner', 'source'] loop
        return next bag_eq(
            format(
                'select reason, owner_id, source, won, lost, '
                'coalesce((amounts #>> ''{EUR,won_minor}'')::numeric, 0) from '
                'v1.win_loss(''2025-01-15'', ''2025-03-01'', %L, '
                'time_zone => ''America/New_York'')', grouping
            ),
            format('select * from pg_temp.expected_wins(%L)', grouping),
            who || ' has wins and losses by ' || grouping
        );
    end loop;
    return next is(
        (
            select sum(entered) from v1.funnel('2025-01-01', '2025-03-02')
            where stage = 'qualification'
        )::bigint,
        visible, who || ' has a funnel of what they see'
    );
end
$$;

create temporary table visible as
select
    count(*) filter (where tenant_id = :acme) as all_of_acme,
    count(*) filter (where owner_id = '00000000-0000-4000-8000-000000000006') as of_otis,
    count(*) filter (
        where '00000000-0000-4000-e000-000000000001' = team_id
        or '00000000-0000-4000-8000-000000000007' = owner_id
    ) as of_tia,
    count(*) filter (where tenant_id = :rival) as all_of_rival
from made;
select visible.* from visible \gset

select plan(11 * 4 + 36);

select cmp_ok(:of_otis, '<', :all_of_acme, 'own records are fewer than all');
select cmp_ok(:of_otis, '>', 0, 'and there are some');
:as_ada
select * from pg_temp.compare('ada, who sees all,', :all_of_acme);
:as_otis
select * from pg_temp.compare('otis, who sees own deals,', :of_otis);
:as_tia
select * from pg_temp.compare('tia, who sees those of the team,', :of_tia);
:as_eve
select * from pg_temp.compare('eve of another tenant', :all_of_rival);

-- The board ---------------------------------------------------------------------------------------

:as_ada
create function pg_temp.stage(board jsonb, stage text) returns jsonb
language sql
as $$
    select told from jsonb_array_elements(board -> 'stages') as told
    where told ->> 'stage' = stage.stage
$$;
select is(
    (
        select string_agg(told ->> 'stage', ' ')
        from jsonb_array_elements(v1.board() -> 'stages') as told
    ),
    'qualification needs proposal negotiation won lost', 'stages stand in their order'
);
select is(
    pg_temp.stage(v1.board(), 'won') - '{label,probability}'::text[],
    '{"stage": "won", "kind": "won", "count": null, "amounts": {}, "cards": [], "next": null}',
    'closed stages are there and empty'
);
select is(
    pg_temp.stage(v1.board(closed_since => '2025-02-10'), 'won') -> 'count',
    (
        select to_jsonb(count(*)) from v1.deals
        where stage = 'won' and stage_entered_at >= '2025-02-10'
    ),
    'unless it is said since when'
);
create function pg_temp.pages(stage text, per_stage integer, closed_since timestamptz default null)
returns setof uuid
language plpgsql
as $$
declare
    page jsonb := pg_temp.stage(
        v1.board(per_stage => pages.per_stage, closed_since => pages.closed_since), pages.stage
    );
begin
    loop
        return query select (card ->> 'id')::uuid from jsonb_array_elements(page -> 'cards') card;
        exit when page -> 'next' = 'null';
        page := v1.board(
            per_stage => pages.per_stage, closed_since => pages.closed_since,
            after => jsonb_build_object(pages.stage, page -> 'next')
        ) #> '{stages,0}';
    end loop;
end
$$;
select results_eq(
    format('select * from pg_temp.pages(%L, 7)', stage),
    format(
        'select id from v1.deals where stage = %L order by stage_entered_at desc, id', stage
    ),
    'cards are paged through in their order: ' || stage
)
from chances;
select results_eq(
    $$select * from pg_temp.pages('won', 3, '2025-01-20')$$,
    $$
        select id from v1.deals where stage = 'won' and stage_entered_at >= '2025-01-20'
        order by stage_entered_at desc, id
    $$, 'closed ones, too'
);
select is(
    jsonb_array_length(
        v1.board(after => '{"needs": {"at": "2025-01-01", "id": null}}') -> 'stages'
    ), 1, 'a page is of the stage that it is asked of'
);
select is(
    pg_temp.stage(v1.board(per_stage => 1), 'needs') #> '{cards,0}',
    (
        select to_jsonb(deals) from v1.deals where stage = 'needs'
        order by stage_entered_at desc, id limit 1
    ),
    'a card is the record as its view has it'
);
select is(
    (
        select sum((told ->> 'count')::integer)
        from jsonb_array_elements(v1.board(search => '1%_1') -> 'stages') as told
    ),
    (
        select sum((strpos(lower(name), '1%_1') > 0)::integer) from v1.deals
        where stage_kind = 'open'
    ),
    'search takes signs of patterns as they are'
);
select is(
    (
        select sum((told ->> 'count')::integer) from jsonb_array_elements(
            v1.board(
                owner_id => '00000000-0000-4000-8000-000000000006',
                team_id => '00000000-0000-4000-e000-000000000001'
            ) -> 'stages'
        ) as told
    ),
    (
        select count(*) from v1.deals
        where
            stage_kind = 'open'
            and owner_id = '00000000-0000-4000-8000-000000000006'
            and team_id = '00000000-0000-4000-e000-000000000001'
    ),
    'owner and team filter'
);
select is(
    pg_temp.stage(v1.board(pipeline => 'renewals'), 'upcoming') -> 'count', '0',
    'another pipeline has a board of its own'
);
select is(
    (select count(*) from jsonb_array_elements(v1.board('crm.leads') -> 'stages')), 5::bigint,
    'and so has another object'
);
select is(
    pg_temp.code_of($$select v1.board(pipeline => 'none')$$), 'report.pipeline_unknown',
    'an unknown pipeline is none'
);
select is(
    pg_temp.code_of($$select v1.board('crm.none')$$), 'record.object_unknown',
    'and so is an unknown object'
);
select is(
    pg_temp.code_of($$select v1.board(after => '{"needs": {"at": "x"}}')$$),
    'report.position_invalid', 'a position is one of the board''s'
);
:as_otis
select is_empty(
    $$
        select card from jsonb_array_elements(v1.board(per_stage => 200) -> 'stages') as told
        cross join jsonb_array_elements(told -> 'cards') as card
        where card ->> 'owner_id' <> '00000000-0000-4000-8000-000000000006'
    $$, 'own cards are own cards'
);
select is(
    pg_temp.code_of($$select v1.board('crm.leads')$$), 'tenancy.permission_missing',
    'a board takes the permission to read'
);
:as_anon
select is(pg_temp.code_of('select v1.board()'), '42501', 'and somebody who asks');

-- The funnel --------------------------------------------------------------------------------------

:as_owner
create temporary table histories (
    id uuid default gen_random_uuid(), stages text[], moments timestamptz[], owner_id uuid
);
insert into histories (stages, moments) values
(
    '{qualification,needs,proposal,won}',
    '{2026-01-01Z,2026-01-02Z,2026-01-04Z,2026-01-10Z}'
),
('{qualification,proposal,lost}', '{2026-01-01Z,2026-01-03Z,2026-01-05Z}'),
('{qualification,needs,qualification}', '{2026-01-02Z,2026-01-12Z,2026-01-13Z}'),
('{qualification,proposal}', '{2025-12-20Z,2026-01-06Z}');
insert into histories (stages, moments, owner_id)
values ('{qualification}', '{2026-01-05Z}', '00000000-0000-4000-8000-000000000006');
insert into crm.deals (tenant_id, id, name, owner_id, stage_entered_at)
select :acme, id, 'History', owner_id, moments[1] from histories;
select pg_temp.lead_through(id, :acme, stages, moments) from histories;
:as_ada
select results_eq(
    $$
        select
            stage, entered, moved_on, won, lost, still_open, conversion_rate, median_s, p90_s
        from v1.funnel('2026-01-01Z', '2026-02-01Z')
    $$,
    $$
        values
        ('qualification', 4::bigint, 3::bigint, 1::bigint, 1::bigint, 2::bigint, 0.75,
            172800.000, 725760.000),
        ('needs', 2, 1, 1, 0, 1, 0.5, 129600, 164160),
        ('proposal', 3, 1, 1, 1, 1, 0.3333, 345600, 483840),
        ('negotiation', 0, 0, 0, 0, 0, null, null, null),
        ('won', 1, 0, 1, 0, 0, 0, null, null),
        ('lost', 1, 0, 0, 1, 0, 0, null, null)
    $$,
    'a funnel follows what came to each stage'
);
:as_otis
select results_eq(
    $$
        select stage, entered, moved_on, still_open from v1.funnel('2026-01-01Z', '2026-02-01Z')
        where entered > 0
    $$,
    $$values ('qualification', 1::bigint, 0::bigint, 1::bigint)$$,
    'and of own deals the own ones'
);

-- Activities --------------------------------------------------------------------------------------

:as_owner
insert into crm.activities (
    tenant_id, type, subject, owner_id, created_at, due_at, done_at
)
select
    :acme,
    type,
    'Done',
    ('00000000-0000-4000-8000-00000000000' || owner)::uuid,
    created_at::timestamptz,
    due_at::timestamptz,
    done_at::timestamptz
from (
    values
    (1, 'call', '2026-03-01 12:00Z', null, '2026-03-02 12:00Z'),
    (1, 'call', '2026-03-01 12:00Z', '2026-03-02 12:00Z', '2026-03-03 12:00Z'),
    (1, 'task', '2026-03-01 12:00Z', '2026-03-02 12:00Z', null),
    (6, 'meeting', '2026-02-01 12:00Z', null, '2026-03-31 23:30Z'),
    (6, 'note', '2026-03-09 12:00Z', null, null)
) as activity (owner, type, created_at, due_at, done_at);
:as_ada
select results_eq(
    $$
        select right(owner_id::text, 1), created, done, done_late, overdue, done_by_type
        from v1.activity_report('2026-03-01', '2026-04-01')
    $$,
    $$
        values
        ('1', 3::bigint, 2::bigint, 1::bigint, 1::bigint, '{"call": 2}'::jsonb),
        ('6', 1, 1, 0, 0, '{"meeting": 1}')
    $$, 'what people did is counted'
);
select results_eq(
    $$
        select starts_on, created, done
        from v1.activity_report('2026-03-01', '2026-05-01', 'month', 'Europe/Berlin')
    $$,
    $$values ('2026-03-01'::date, 4::bigint, 2::bigint), ('2026-04-01', 0, 1)$$,
    'in months of the time zone'
);
select results_eq(
    $$select type, created, done from v1.activity_report('2026-03-01', '2026-04-01', 'type')$$,
    $$values ('call', 2::bigint, 2::bigint), ('meeting', 0, 1), ('note', 1, 0), ('task', 1, 0)$$,
    'and by type'
);
:as_otis
select results_eq(
    $$select created, done from v1.activity_report('2026-03-01', '2026-04-01', 'team')$$,
    $$values (1::bigint, 1::bigint)$$, 'own activities alone for who sees own ones'
);

-- Questions that are none -------------------------------------------------------------------------

:as_ada
select is(pg_temp.code_of(statement), code, statement)
from (
    values
    ('select v1.forecast(''2025-01-01'', ''2025-01-01'')', 'report.range_invalid'),
    ('select v1.forecast(null, ''2025-01-01'')', 'report.range_invalid'),
    ('select v1.forecast(''-infinity'', ''2025-01-01'')', 'report.range_invalid'),
    ('select v1.forecast(''2025-01-01'', ''2026-01-01'', ''day'')', 'report.grouping_unknown'),
    (
        'select v1.win_loss(''2025-01-01'', ''2026-01-01'', time_zone => ''Mars'')',
        'report.zone_unknown'
    ),
    (
        'select v1.win_loss(''2025-01-01'', ''2026-01-01'', time_zone => null)',
        'report.zone_unknown'
    ),
    (
        'select v1.forecast(''2025-01-01'', ''2026-01-01'', pipeline => ''none'')',
        'report.pipeline_unknown'
    ),
    ('select v1.funnel(''2025-01-01'', ''2026-01-01'', ''none'')', 'report.pipeline_unknown')
) as questions (statement, code);

select * from finish();
rollback;
