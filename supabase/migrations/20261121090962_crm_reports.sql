-- Reports: the board, the forecast, the funnel, wins and losses, and what people have done.
--
-- Each is a function that runs as its caller over tables that row level security guards, so its
-- sums are of what the caller may see: an agent's forecast is the agent's. Only what a stage is
-- called and how likely it makes a deal is looked up past policies, for whoever may read such
-- records at all, because a deal that is seen has a probability even for those who may not see the
-- pipelines. Money is added up by currency and never across. A day, a week or a month is one of
-- the time zone that the question names.

set local lock_timeout = '5s';

insert into core.errors (code, status, message, hint) values
(
    'report.pipeline_unknown', 404, 'There is no such pipeline, or you may not see it.',
    'Name one by its slug; v1.pipelines has them.'
),
(
    'report.grouping_unknown', 400, 'A report is not grouped by {by}.',
    'Group by one of {allowed}.'
),
('report.zone_unknown', 400, 'There is no such time zone.', 'Use an IANA name.'),
(
    'report.range_invalid', 400, 'A range begins before it ends, and has both ends.',
    'from is in the range, and to is the first moment after it.'
),
(
    'report.position_invalid', 400, 'This is no position on a board.',
    'Pass on what next of a stage said.'
);

-- What reports share ------------------------------------------------------------------------------

create function core.check_report(
    by text, allowed text[], starts date, ends date, time_zone text
)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    -- A zone of Postgres' own notation, such as <x>+25, is none that a calendar knows.
    is_named constant boolean := time_zone ~ '^[A-Za-z][A-Za-z0-9_+/-]*$';
begin
    if (by = any(allowed)) is not true then
        perform core.fail(
            'report.grouping_unknown',
            jsonb_build_object('by', by, 'allowed', array_to_string(allowed, ', '))
        );
    elsif (starts < ends and starts >= '0001-01-01' and ends <= '9999-12-31') is not true then
        perform core.fail('report.range_invalid');
    elsif is_named is not true then
        perform core.fail('report.zone_unknown');
    end if;
    begin
        perform now() at time zone check_report.time_zone;
    exception
        when invalid_parameter_value then
            perform core.fail('report.zone_unknown');
    end;
end
$$;

comment on function core.check_report(text, text[], date, date, text) is
'Refuses a report that is asked for by what it is not grouped by, over no range, or in no time zone.
Raises report.grouping_unknown, report.range_invalid, report.zone_unknown (400). Signed-in users may
call it.';

create function core.stages_read(object text)
returns table (
    tenant_id uuid,
    pipeline_id uuid,
    pipeline_version_id uuid,
    number integer,
    stage text,
    place integer,
    label text,
    kind text,
    chance numeric
)
language plpgsql stable security definer rows 20 set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        versions.tenant_id,
        versions.pipeline_id,
        stages.pipeline_version_id,
        versions.number,
        stages.stage,
        stages.position,
        stages.label,
        stages.kind,
        case stages.kind
            when 'won' then 100 when 'open' then coalesce(stages.probability, 0) else 0
        end::numeric
    from core.pipelines
    inner join core.pipeline_versions as versions
        on versions.tenant_id = pipelines.tenant_id and versions.pipeline_id = pipelines.id
    inner join core.pipeline_stages as stages
        on
            stages.tenant_id = versions.tenant_id
            and stages.pipeline_version_id = versions.id
    where
        pipelines.object = stages_read.object
        and pipelines.tenant_id
        = any((select core.tenants_with(stages_read.object || '.read', 'own'))::uuid[]);
end
$$;

comment on function core.stages_read(text) is
'The stages of all versions of the pipelines of an object that are or were published, in the
tenants where the caller may read records of it. place: in which order they stand; chance: how
likely a record in it is won, in percent. Definer, because whoever sees a record sees its stage,
with or without the permission to see pipelines. Signed-in users may call it.';

create function core.pipeline_read(object text, pipeline text)
returns table (tenant_id uuid, pipeline_id uuid, pipeline_version_id uuid)
language plpgsql stable security definer rows 1 set search_path = pg_catalog, pg_temp
as $$
declare
    within constant uuid := core.sole_tenant_with(
        (core.object_named(object)).object || '.read', 'own'
    );
begin
    return query
    select
        pipelines.tenant_id,
        pipelines.id,
        (
            select versions.id
            from core.pipeline_versions as versions
            where
                versions.tenant_id = pipelines.tenant_id
                and versions.pipeline_id = pipelines.id
                and versions.status = 'published'
            order by versions.number desc
            limit 1
        ) as published
    from core.pipelines
    where
        pipelines.tenant_id = within
        and pipelines.object = pipeline_read.object
        and case
            when pipeline_read.pipeline is null then pipelines.is_default
            else pipelines.slug = pipeline_read.pipeline
        end;
    if not found then
        perform core.fail('report.pipeline_unknown');
    end if;
end
$$;

comment on function core.pipeline_read(text, text) is
'The pipeline of this slug, or the default one, of an object in the tenant that the caller acts in,
and its published version. Raises record.object_unknown, tenancy.ambiguous (400),
tenancy.permission_missing (403), report.pipeline_unknown (404). Definer as core.stages_read.
Signed-in users may call it.';

-- The board ---------------------------------------------------------------------------------------

create function core.board_filter(
    known core.objects, owner_id uuid, team_id uuid, search text
)
returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return case
        when owner_id is null then ''
        when known.owner_column is null then ' and false'
        else format(' and record.%I = $4', known.owner_column)
    end || case
        when team_id is null then ''
        when known.team_column is null then ' and false'
        else format(' and record.%I = $5', known.team_column)
    end || case
        when search is null then ''
        else format(' and record.%I ilike $6', known.label_column)
    end;
end
$$;

comment on function core.board_filter(core.objects, uuid, uuid, text) is
'The conditions of a report''s filters, over values that are bound: $4 the owner, $5 the team, $6
the pattern. Signed-in users may call it.';

create function core.board_query(
    known core.objects, owner_id uuid, team_id uuid, search text, closed_since timestamptz
)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    fields constant text[] := array(
        select object_fields.field from core.object_fields
        where object_fields.object = known.object
    );
    has_money constant boolean := fields @> '{amount_minor,currency}';
    has_chance constant boolean := fields @> '{amount_minor,currency,probability}';
    -- What clients see of a record is what its view shows, where it has one.
    shown constant text := coalesce(
        (
            select format('v1.%I', classes.relname)
            from pg_attribute as attributes
            inner join pg_class as classes on classes.oid = attributes.attrelid
            where
                attributes.attrelid
                = to_regclass(format('v1.%I', split_part(known.object, '.', 2)))
                and attributes.attname = 'stage_entered_at'
        ),
        known.relation
    );
    in_pipeline constant text :=
        'record.tenant_id = $1 and record.pipeline_id = $2'
        || core.board_filter(known, owner_id, team_id, search);
    is_open constant text := 'record.stage_kind = ''open''';
    is_closed constant text := 'record.stage_kind <> ''open'' and record.stage_entered_at >= $7';
    sums constant text := format(
        'select record.stage, record.pipeline_version_id, %s as currency, count(*) as records, '
        '%s as amount, %s as weighted, %s as unweighted '
        'from %s as record where %s and ',
        case when has_money then 'record.currency' else 'null::text' end,
        case when has_money then 'sum(record.amount_minor)' else 'null::numeric' end,
        case
            when has_chance then 'sum(record.amount_minor::numeric * record.probability)'
            else 'null::numeric'
        end,
        case
            when has_chance
                then 'sum(record.amount_minor) filter (where record.probability is null)'
            when has_money then 'sum(record.amount_minor)'
            else 'null::numeric'
        end,
        known.relation,
        in_pipeline
    );
    by_stage constant text := ' group by 1, 2, 3';
    -- Found in the index alone, and fetched once they are known to be the first.
    cards constant text := format(
        'select record.stage_entered_at, record.id '
        'from %s as record where %s and record.stage = stages.stage and ('
        'positions.at is null or (record.stage_entered_at <= positions.at '
        'and (record.stage_entered_at < positions.at or record.id > positions.id))) and ',
        known.relation, in_pipeline
    );
    in_order constant text := ' order by stage_entered_at desc, id limit $3 + 1';
    is_with_closed constant boolean := closed_since is not null;
begin
    return format(
        $query$
            with known as materialized (
                select * from core.stages_read($8) as stages where stages.pipeline_id = $2
            ),
            sums as materialized (%s),
            by_currency as (
                select
                    sums.stage,
                    sums.currency,
                    sum(sums.records) as records,
                    sum(sums.amount) as amount,
                    round(
                        sum(
                            case known.kind
                                when 'open' then
                                    coalesce(sums.weighted, 0)
                                    + coalesce(sums.unweighted, 0) * known.chance
                                else coalesce(sums.amount, 0) * known.chance
                            end
                        ) / 100
                    ) as weighted
                from sums
                inner join known
                    on
                        known.pipeline_version_id = sums.pipeline_version_id
                        and known.stage = sums.stage
                group by sums.stage, sums.currency
            ),
            by_stage as (
                select
                    by_currency.stage,
                    sum(by_currency.records) as records,
                    jsonb_object_agg(
                        by_currency.currency,
                        jsonb_build_object(
                            'amount_minor', by_currency.amount,
                            'weighted_minor', by_currency.weighted
                        )
                    ) filter (where by_currency.amount is not null) as amounts
                from by_currency
                group by by_currency.stage
            ),
            stages as (
                select distinct on (known.stage)
                    known.stage,
                    known.label,
                    known.kind,
                    known.place,
                    known.chance,
                    known.pipeline_version_id is not distinct from $9 as is_current
                from known
                order by
                    known.stage,
                    known.pipeline_version_id is not distinct from $9 desc,
                    known.number desc
            )
            select jsonb_agg(
                jsonb_build_object(
                    'stage', stages.stage,
                    'label', stages.label,
                    'kind', stages.kind,
                    'probability', stages.chance,
                    'count',
                    case
                        when stages.kind = 'open' or $7 is not null
                            then coalesce(by_stage.records, 0)
                    end,
                    'amounts', coalesce(by_stage.amounts, '{}'),
                    'cards', coalesce(to_jsonb(cards.cards[:$3]), '[]'),
                    'next', cards.next
                )
                order by stages.is_current desc, stages.place, stages.stage
            )
            from stages
            left join by_stage on by_stage.stage = stages.stage
            cross join lateral (
                select
                    ($10 -> stages.stage ->> 'at')::timestamptz as at,
                    ($10 -> stages.stage ->> 'id')::uuid as id
            ) as positions
            left join lateral (
                select
                    array_agg(
                        fetched.card order by first.stage_entered_at desc, first.id
                    ) as cards,
                    case
                        when count(*) > $3 and $3 > 0 then jsonb_build_object(
                            'at',
                            (array_agg(
                                first.stage_entered_at
                                order by first.stage_entered_at desc, first.id
                            ))[$3],
                            'id',
                            (array_agg(
                                first.id order by first.stage_entered_at desc, first.id
                            ))[$3]
                        )
                    end as next
                from (%s) as first
                cross join lateral (
                    select to_jsonb(record) as card
                    from %s as record
                    where record.tenant_id = $1 and record.id = first.id
                ) as fetched
            ) as cards on by_stage.records > 0
            where
                (stages.is_current or by_stage.records > 0)
                and ($10 is null or $10 ? stages.stage)
        $query$,
        sums || is_open || by_stage
        || case
            when is_with_closed then ' union all ' || sums || is_closed || by_stage
            else ''
        end,
        -- Each kind by its own index; only the first of both are put in order again.
        case
            when is_with_closed then format(
                'select * from ((%s) union all (%s)) as either %s',
                cards || is_open || in_order, cards || is_closed || in_order, in_order
            )
            else cards || is_open || in_order
        end,
        shown
    );
end
$$;

comment on function core.board_query(core.objects, uuid, uuid, text, timestamptz) is
'The one statement that reads a board, over values that are bound: $1 the tenant, $2 the pipeline,
$3 how many cards a stage, $4 to $6 those of core.board_filter, $7 since when closed records
count, $8 the object, $9 the published version, $10 the positions. Signed-in users may call it.';

revoke all on function
core.check_report(text, text[], date, date, text),
core.stages_read(text),
core.pipeline_read(text, text),
core.board_filter(core.objects, uuid, uuid, text),
core.board_query(core.objects, uuid, uuid, text, timestamptz)
from public;
grant execute on function
core.check_report(text, text[], date, date, text),
core.stages_read(text),
core.pipeline_read(text, text),
core.board_filter(core.objects, uuid, uuid, text),
core.board_query(core.objects, uuid, uuid, text, timestamptz)
to authenticated, service_role;

create function v1.board(
    object text default 'crm.deals',
    pipeline text default null,
    per_stage integer default 20,
    owner_id uuid default null,
    team_id uuid default null,
    search text default null,
    closed_since timestamptz default null,
    after jsonb default null
)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    most_cards constant integer := 200;
    chosen record;
    stages jsonb;
begin
    select * into strict chosen from core.pipeline_read(board.object, board.pipeline);
    begin
        execute core.board_query(known, owner_id, team_id, search, closed_since)
        into stages
        using
            chosen.tenant_id,
            chosen.pipeline_id,
            least(greatest(coalesce(per_stage, 20), 0), most_cards),
            owner_id,
            team_id,
            '%' || regexp_replace(search, '([\\%_])', '\\\1', 'g') || '%',
            closed_since,
            known.object,
            chosen.pipeline_version_id,
            after;
    exception
        when
            invalid_text_representation or invalid_datetime_format or datetime_field_overflow
        then
            perform core.fail('report.position_invalid');
    end;
    return jsonb_build_object(
        'tenant_id', chosen.tenant_id,
        'pipeline_id', chosen.pipeline_id,
        'pipeline_version_id', chosen.pipeline_version_id,
        'stages', coalesce(stages, '[]')
    );
end
$$;

comment on function v1.board(text, text, integer, uuid, uuid, text, timestamptz, jsonb) is
'A pipeline (the default one without a slug) as a board: per stage how many records stand in it,
what they come to by currency, plainly and weighted by probability, and the first of them as
cards, those that came last first. Of all that, what the caller may see. closed_since: count and
show what came to a closed stage since then; without it closed stages are there, and empty.
owner_id, team_id and search (in the name) filter. next of a stage, passed on in after as {stage:
next}, has more of that stage and of no other; per_stage is 200 at most. Signed-in users may call
it.';

revoke all on function
v1.board(text, text, integer, uuid, uuid, text, timestamptz, jsonb)
from public;
grant execute on function
v1.board(text, text, integer, uuid, uuid, text, timestamptz, jsonb)
to authenticated, service_role;

-- The forecast ------------------------------------------------------------------------------------

create view v1.deal_forecast with (security_invoker = true) as
select
    deals.tenant_id,
    deals.id,
    deals.name,
    deals.pipeline_id,
    deals.stage,
    deals.stage_kind,
    deals.owner_id,
    deals.team_id,
    deals.currency,
    deals.amount_minor,
    chances.chance as probability,
    round(deals.amount_minor * chances.chance / 100) as weighted_minor,
    case
        when deals.stage_kind = 'won' then 'closed_won'
        when deals.stage_kind = 'lost' then 'closed_lost'
        when deals.stage_kind = 'terminal' then 'omitted'
        when deals.forecast_category is not null then deals.forecast_category
        when chances.chance >= 80 then 'commit'
        when chances.chance >= 50 then 'best_case'
        else 'pipeline'
    end as category,
    deals.expected_close_on,
    deals.closed_at
from crm.deals
left join core.stages_read('crm.deals') as stages
    on
        deals.tenant_id = stages.tenant_id
        and deals.pipeline_version_id = stages.pipeline_version_id
        and deals.stage = stages.stage
cross join lateral (
    select
        case deals.stage_kind
            when 'won' then 100
            when 'open' then coalesce(deals.probability, stages.chance, 0)
            else 0
        end::numeric as chance
) as chances;

comment on view v1.deal_forecast is
'What each deal counts for: its probability, by its own or its stage''s, what its amount comes to by
that, and its category: while it is open commit, best_case, pipeline or omitted as somebody says, or
commit from 80 percent, best_case from 50 and pipeline below; then closed_won or closed_lost. Reading needs crm.deals.read, as v1.deals.';
grant select on v1.deal_forecast to authenticated, service_role;

create function v1.forecast(
    "from" date,
    "to" date,
    by text default 'month',
    pipeline text default null,
    time_zone text default 'UTC'
)
returns table (
    starts_on date,
    owner_id uuid,
    team_id uuid,
    currency text,
    deals bigint,
    amount_minor numeric,
    weighted_minor numeric,
    commit_minor numeric,
    best_case_minor numeric,
    pipeline_minor numeric,
    closed_won bigint,
    closed_won_minor numeric
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    within constant uuid := core.sole_tenant_with('crm.deals.read', 'own');
    chosen uuid;
begin
    perform core.check_report(
        forecast.by, '{month,quarter,owner,team}', "from", "to", forecast.time_zone
    );
    if forecast.pipeline is not null then
        select read.pipeline_id into strict chosen
        from core.pipeline_read('crm.deals', forecast.pipeline) as read;
    end if;
    return query
    with due as (
        select
            counted.*,
            counted.expected_close_on as due_on
        from v1.deal_forecast as counted
        where
            counted.tenant_id = within
            and counted.stage_kind = 'open'
            and counted.category <> 'omitted'
            and counted.expected_close_on >= "from"
            and counted.expected_close_on < "to"
        union all
        select
            counted.*,
            (counted.closed_at at time zone forecast.time_zone)::date
        from v1.deal_forecast as counted
        where
            counted.tenant_id = within
            -- So that the index of what is closed is used.
            and counted.stage_kind <> 'open'
            and counted.stage_kind = 'won'
            and counted.closed_at >= "from"::timestamp at time zone forecast.time_zone
            and counted.closed_at < "to"::timestamp at time zone forecast.time_zone
    ),
    bucketed as (
        select
            due.*,
            case
                when forecast.by in ('month', 'quarter')
                    then date_trunc(forecast.by, due.due_on::timestamp)::date
            end as bucket,
            case when forecast.by = 'owner' then due.owner_id end as by_owner,
            case when forecast.by = 'team' then due.team_id end as by_team
        from due
        where chosen is null or due.pipeline_id = chosen
    )
    select
        bucketed.bucket,
        bucketed.by_owner,
        bucketed.by_team,
        bucketed.currency,
        count(*) filter (where bucketed.stage_kind = 'open'),
        coalesce(sum(bucketed.amount_minor) filter (where bucketed.stage_kind = 'open'), 0),
        coalesce(sum(bucketed.weighted_minor) filter (where bucketed.stage_kind = 'open'), 0),
        coalesce(sum(bucketed.amount_minor) filter (where bucketed.category = 'commit'), 0),
        coalesce(sum(bucketed.amount_minor) filter (where bucketed.category = 'best_case'), 0),
        coalesce(sum(bucketed.amount_minor) filter (where bucketed.category = 'pipeline'), 0),
        count(*) filter (where bucketed.category = 'closed_won'),
        coalesce(sum(bucketed.amount_minor) filter (where bucketed.category = 'closed_won'), 0)
    from bucketed
    group by bucketed.bucket, bucketed.by_owner, bucketed.by_team, bucketed.currency
    order by bucketed.bucket, bucketed.by_owner, bucketed.by_team, bucketed.currency;
end
$$;

comment on function v1.forecast(date, date, text, text, text) is
'What the deals that the caller may see will come to, by month, quarter, owner or team and by
currency (null of deals without): open ones by their expected close in from to before to, in all,
weighted by probability, and by category; what is omitted is in none. Beside them what was won in
that time, whose days are those of the time zone. pipeline: the slug of one. Signed-in users may
call it.';

-- The funnel --------------------------------------------------------------------------------------

create function core.stage_entries(
    object text, tenant_id uuid, pipeline_id uuid, since timestamptz
)
returns table (
    record_id uuid,
    entered_at timestamptz,
    left_at timestamptz,
    pipeline_version_id uuid,
    stage text
)
language plpgsql stable security definer rows 10000 set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    permission constant text := known.object || '.read';
    is_whole constant boolean := tenant_id = any(core.tenants_with(permission));
begin
    return query execute format(
        'select periods.record_id, periods.entered_at, periods.left_at, '
        'periods.pipeline_version_id, periods.stage from core.stage_periods as periods %s '
        'where periods.tenant_id = $1 and periods.pipeline_id = $2 and periods.object = $3 '
        'and periods.entered_at >= $4',
        case
            when is_whole then ''
            else format(
                'inner join (select record.id from %s as record '
                'where record.tenant_id = $1 and ((%s = $5 and $6) or (%s = any($7) and $8))) '
                'as reached on reached.id = periods.record_id',
                known.relation,
                coalesce('record.' || quote_ident(known.owner_column), 'null::uuid'),
                coalesce('record.' || quote_ident(known.team_column), 'null::uuid')
            )
        end
    )
    using
        tenant_id, pipeline_id, known.object, since, core.caller_id(),
        tenant_id = any(core.tenants_with(permission, 'own')),
        core.teams_with(permission),
        tenant_id = any(core.tenants_with(permission, 'team'));
end
$$;

comment on function core.stage_entries(text, uuid, uuid, timestamptz) is
'The periods in the stages of a pipeline that began at since or later, of the records that the
caller reaches: what the policy of core.stage_periods shows, found by the owner''s and the team''s
index where that asks for each record by itself. Definer for that. Signed-in users may call it.';
revoke all on function core.stage_entries(text, uuid, uuid, timestamptz) from public;
grant execute on function core.stage_entries(text, uuid, uuid, timestamptz)
to authenticated, service_role;

create function v1.funnel(
    "from" timestamptz,
    "to" timestamptz,
    pipeline text default null,
    object text default 'crm.deals',
    owner_id uuid default null,
    team_id uuid default null
)
returns table (
    stage text,
    label text,
    kind text,
    entered bigint,
    moved_on bigint,
    won bigint,
    lost bigint,
    still_open bigint,
    conversion_rate numeric,
    win_rate numeric,
    median_s numeric,
    p90_s numeric
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    known constant core.objects := core.object_named(object);
    chosen record;
begin
    -- Of a range within a day, the days on which it begins and ends.
    perform core.check_report(
        'stage', '{stage}', "from"::date, case when "from" < "to" then "to"::date + 1 end, 'UTC'
    );
    select * into strict chosen from core.pipeline_read(funnel.object, funnel.pipeline);
    return query execute format(
        $query$
            with known as materialized (
                select * from core.stages_read($3) as stages where stages.pipeline_id = $2
            ),
            entries as (
                select
                    periods.record_id,
                    known.stage,
                    known.place,
                    lead(known.place) over later as next_place,
                    lead(known.kind) over later as next_kind,
                    record.stage_kind as kind_now,
                    periods.entered_at,
                    periods.left_at - periods.entered_at as stayed
                from core.stage_entries($3, $1, $2, $8) as periods
                inner join %1$s as record on record.id = periods.record_id
                inner join known
                    on
                        known.pipeline_version_id = periods.pipeline_version_id
                        and known.stage = periods.stage
                where record.tenant_id = $1 %2$s
                window later as (partition by periods.record_id order by periods.entered_at)
            ),
            counted as (
                select
                    entries.stage,
                    count(distinct entries.record_id) as entered,
                    count(distinct entries.record_id) filter (
                        where
                            entries.next_kind = 'won'
                            or (entries.next_kind = 'open' and entries.next_place > entries.place)
                    ) as moved_on,
                    count(distinct entries.record_id)
                        filter (where entries.kind_now = 'won') as won,
                    count(distinct entries.record_id)
                        filter (where entries.kind_now = 'lost') as lost,
                    count(distinct entries.record_id)
                        filter (where entries.kind_now = 'open') as still_open,
                    percentile_cont(array[0.5, 0.9]) within group (
                        order by extract(epoch from entries.stayed)
                    ) filter (where entries.stayed is not null) as seconds
                from entries
                where entries.entered_at < $9
                group by entries.stage
            ),
            stages as (
                select distinct on (known.stage)
                    known.*,
                    known.pipeline_version_id is not distinct from $7 as is_current
                from known
                order by
                    known.stage,
                    known.pipeline_version_id is not distinct from $7 desc,
                    known.number desc
            )
            select
                stages.stage,
                stages.label,
                stages.kind,
                coalesce(counted.entered, 0),
                coalesce(counted.moved_on, 0),
                coalesce(counted.won, 0),
                coalesce(counted.lost, 0),
                coalesce(counted.still_open, 0),
                round(counted.moved_on::numeric / counted.entered, 4),
                round(counted.won::numeric / counted.entered, 4),
                round(counted.seconds[1]::numeric, 3),
                round(counted.seconds[2]::numeric, 3)
            from stages
            left join counted on counted.stage = stages.stage
            where stages.is_current or counted.entered > 0
            order by stages.is_current desc, stages.place, stages.stage
        $query$,
        known.relation,
        core.board_filter(known, funnel.owner_id, funnel.team_id, null)
    )
    using
        chosen.tenant_id, chosen.pipeline_id, known.object, funnel.owner_id, funnel.team_id,
        null::text, chosen.pipeline_version_id, "from", "to";
end
$$;

comment on function v1.funnel(timestamptz, timestamptz, text, text, uuid, uuid) is
'What became of the records that the caller may see and that came to a stage in from to before to,
by stage: how many entered; how many moved on, to a later stage or to a won one; as what they
stand today (won, lost, still open); both as rates of those who entered; and how long those who
left had been there, in seconds. Signed-in users may call it.';

-- Wins and losses ---------------------------------------------------------------------------------

create function v1.win_loss(
    "from" date,
    "to" date,
    by text default 'reason',
    pipeline text default null,
    time_zone text default 'UTC'
)
returns table (
    reason text,
    owner_id uuid,
    source text,
    won bigint,
    lost bigint,
    win_rate numeric,
    median_days_to_win numeric,
    amounts jsonb
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    within constant uuid := core.sole_tenant_with('crm.deals.read', 'own');
    chosen uuid;
begin
    perform core.check_report(
        win_loss.by, '{reason,owner,source}', "from", "to", win_loss.time_zone
    );
    if win_loss.pipeline is not null then
        select read.pipeline_id into strict chosen
        from core.pipeline_read('crm.deals', win_loss.pipeline) as read;
    end if;
    return query
    with closed as (
        select
            deals.stage_kind,
            deals.currency,
            deals.amount_minor,
            extract(epoch from deals.closed_at - deals.created_at) / 86400 as days,
            case when win_loss.by = 'reason' then deals.lost_reason end as by_reason,
            case when win_loss.by = 'owner' then deals.owner_id end as by_owner,
            case when win_loss.by = 'source' then deals.source end as by_source
        from crm.deals
        where
            deals.tenant_id = within
            -- So that the index of what is closed is used.
            and deals.stage_kind <> 'open'
            and deals.stage_kind in ('won', 'lost')
            and deals.closed_at >= "from"::timestamp at time zone win_loss.time_zone
            and deals.closed_at < "to"::timestamp at time zone win_loss.time_zone
            and (chosen is null or deals.pipeline_id = chosen)
    ),
    sums as (
        select
            closed.by_reason,
            closed.by_owner,
            closed.by_source,
            closed.currency,
            coalesce(
                sum(closed.amount_minor) filter (where closed.stage_kind = 'won'), 0
            ) as won_minor,
            coalesce(
                sum(closed.amount_minor) filter (where closed.stage_kind = 'lost'), 0
            ) as lost_minor
        from closed
        where closed.amount_minor is not null
        group by closed.by_reason, closed.by_owner, closed.by_source, closed.currency
    ),
    by_currency as (
        select
            sums.by_reason,
            sums.by_owner,
            sums.by_source,
            jsonb_object_agg(
                sums.currency,
                jsonb_build_object('won_minor', sums.won_minor, 'lost_minor', sums.lost_minor)
            ) as amounts
        from sums
        group by sums.by_reason, sums.by_owner, sums.by_source
    ),
    counted as (
        select
            closed.by_reason,
            closed.by_owner,
            closed.by_source,
            count(*) filter (where closed.stage_kind = 'won') as won,
            count(*) filter (where closed.stage_kind = 'lost') as lost,
            count(*) as closed,
            percentile_cont(0.5) within group (order by closed.days)
                filter (where closed.stage_kind = 'won') as days
        from closed
        group by closed.by_reason, closed.by_owner, closed.by_source
    )
    select
        counted.by_reason,
        counted.by_owner,
        counted.by_source,
        counted.won,
        counted.lost,
        round(counted.won::numeric / counted.closed, 4),
        round(counted.days::numeric, 2),
        coalesce(by_currency.amounts, '{}')
    from counted
    left join by_currency
        on
            by_currency.by_reason is not distinct from counted.by_reason
            and by_currency.by_owner is not distinct from counted.by_owner
            and by_currency.by_source is not distinct from counted.by_source
    order by counted.closed desc, counted.by_reason, counted.by_owner, counted.by_source;
end
$$;

comment on function v1.win_loss(date, date, text, text, text) is
'The deals that the caller may see which were won or lost from the day from to before the day to,
days of the time zone, by reason, owner or source: how many of each, the rate of wins, how long
wins took from being created, and what they came to by currency. What was won has no reason.
Signed-in users may call it.';

-- Activities --------------------------------------------------------------------------------------

create function v1.activity_report(
    "from" date,
    "to" date,
    by text default 'owner',
    time_zone text default 'UTC'
)
returns table (
    starts_on date,
    owner_id uuid,
    team_id uuid,
    type text,
    created bigint,
    done bigint,
    done_late bigint,
    overdue bigint,
    done_by_type jsonb
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    within constant uuid := core.sole_tenant_with('crm.activities.read', 'own');
    range_from timestamptz;
    range_to timestamptz;
begin
    perform core.check_report(
        activity_report.by, '{owner,type,team,day,week,month}', "from", "to",
        activity_report.time_zone
    );
    range_from := "from"::timestamp at time zone activity_report.time_zone;
    range_to := "to"::timestamp at time zone activity_report.time_zone;
    return query
    with happened as (
        select
            'created' as what,
            activities.created_at as at,
            activities.*
        from crm.activities
        where
            activities.tenant_id = within
            and activities.created_at >= range_from and activities.created_at < range_to
        union all
        select
            'done',
            activities.done_at,
            activities.*
        from crm.activities
        where
            activities.tenant_id = within
            and activities.done_at >= range_from and activities.done_at < range_to
        union all
        select
            'overdue',
            activities.due_at,
            activities.*
        from crm.activities
        where
            activities.tenant_id = within
            and activities.done_at is null
            and activities.due_at >= range_from and activities.due_at < least(range_to, now())
    ),
    keyed as (
        select
            happened.what,
            happened.type as kind,
            happened.done_at > happened.due_at as is_late,
            case
                when activity_report.by in ('day', 'week', 'month') then date_trunc(
                    activity_report.by, happened.at at time zone activity_report.time_zone
                )::date
            end as by_time,
            case when activity_report.by = 'owner' then happened.owner_id end as by_owner,
            case when activity_report.by = 'team' then happened.team_id end as by_team,
            case when activity_report.by = 'type' then happened.type end as by_type
        from happened
    ),
    by_kind as (
        select
            keyed.by_time,
            keyed.by_owner,
            keyed.by_team,
            keyed.by_type,
            keyed.kind,
            count(*) filter (where keyed.what = 'created') as created,
            count(*) filter (where keyed.what = 'done') as done,
            count(*) filter (where keyed.what = 'done' and keyed.is_late) as done_late,
            count(*) filter (where keyed.what = 'overdue') as overdue
        from keyed
        group by keyed.by_time, keyed.by_owner, keyed.by_team, keyed.by_type, keyed.kind
    )
    select
        by_kind.by_time,
        by_kind.by_owner,
        by_kind.by_team,
        by_kind.by_type,
        sum(by_kind.created)::bigint,
        sum(by_kind.done)::bigint,
        sum(by_kind.done_late)::bigint,
        sum(by_kind.overdue)::bigint,
        coalesce(
            jsonb_object_agg(by_kind.kind, by_kind.done) filter (where by_kind.done > 0), '{}'
        )
    from by_kind
    group by by_kind.by_time, by_kind.by_owner, by_kind.by_team, by_kind.by_type
    order by by_kind.by_time, by_kind.by_owner, by_kind.by_team, by_kind.by_type;
end
$$;

comment on function v1.activity_report(date, date, text, text) is
'The activities that the caller may see from the day from to before the day to, days of the time
zone, by owner, type, team, day, week or month: how many were made, done, done after they were
due, and are overdue now; and the done ones by type. Signed-in users may call it.';

revoke all on function
v1.forecast(date, date, text, text, text),
v1.funnel(timestamptz, timestamptz, text, text, uuid, uuid),
v1.win_loss(date, date, text, text, text),
v1.activity_report(date, date, text, text)
from public;
grant execute on function
v1.forecast(date, date, text, text, text),
v1.funnel(timestamptz, timestamptz, text, text, uuid, uuid),
v1.win_loss(date, date, text, text, text),
v1.activity_report(date, date, text, text)
to authenticated, service_role;
