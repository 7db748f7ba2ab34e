-- The end of what is stored for longer than the data map says, without anybody asking.
--
-- Housekeeping calls core.apply_retention, which goes on by steps where it stopped. A rule that has
-- nothing left to do is looked at again after an hour. Legal holds are heeded. Readings of devices
-- have rules of their own: iot.retain.

set local lock_timeout = '5s';

create table core.retention_runs (
    table_name text not null,
    subject text not null,
    method text not null,
    retention interval not null,
    retention_from text not null,
    rows bigint not null default 0,
    ran_at timestamptz,
    finished_at timestamptz,
    failure text,
    primary key (table_name, subject, method, retention, retention_from)
);

comment on table core.retention_runs is
'How far retention has come with each rule of the data map, over all tenants. Of no tenant.';
comment on column core.retention_runs.rows is 'How many rows retention has dealt with so far.';
comment on column core.retention_runs.finished_at is 'When nothing was left to do the last time.';

alter table core.retention_runs enable row level security;
create policy retention_runs_are_of_the_operator on core.retention_runs for select to service_role
using (true);
grant select on core.retention_runs to service_role;

create function core.retention_batch_rows() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1000;

comment on function core.retention_batch_rows() is
'How many rows one step of retention deals with: some milliseconds of work. Internal.';

create function core.retention_rest() returns interval
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return interval '1 hour';

comment on function core.retention_rest() is
'How long retention leaves a rule alone that has nothing left to do: a run may read a whole table,
and nothing that stays for days is late by an hour. Internal.';

create view core.retention_rules with (security_invoker = true) as
select
    columns.relation,
    columns.table_schema || '.' || columns.table_name as table_name,
    columns.subject,
    replace(columns.erasure, 'keep', 'delete_row') as method,
    columns.retention,
    columns.retention_from,
    coalesce('(' || string_agg(writing.condition, ' or ') || ')', 'true') as condition,
    string_agg(writing.assignment, ', ') as assignments,
    (
        select
            string_agg(
                core.subject_predicate(held.relation, held.subject, 't', 'held'), ' or '
            )
        from (
            select distinct
                others.relation,
                others.subject
            from core.mapped_columns as others
            where
                others.relation = columns.relation
                and (
                    others.subject = columns.subject
                    or bool_or(columns.erasure in ('keep', 'delete_row'))
                )
        ) as held
    ) as held
from core.mapped_columns as columns
cross join
    lateral core.erasing_column(
        columns.erasure, columns.column_name, columns.type_name, columns.category
    ) as writing
where columns.number is not null and columns.retention is not null
group by
    columns.relation, columns.table_schema, columns.table_name, columns.subject,
    replace(columns.erasure, 'keep', 'delete_row'), columns.retention,
    columns.retention_from;

comment on view core.retention_rules is
'What the data map says about time: rows of the table whose retention_from is older than retention
are deleted, or emptied by the assignments where the condition holds, except those that are held. A
row that goes altogether is held by everyone whom it is about. Not for clients.';

create function core.retain_batch(rule core.retention_rules) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    keys constant text[] := core.key_columns(rule.relation);
    tenant_column constant text := core.tenant_column(rule.relation);
    dealt_with bigint;
    gone jsonb;
    one record;
begin
    execute format(
        'with past as ('
        ' select %2$s from %1$s as t'
        ' where t.%4$I < $1 and %5$s and not (%6$s)'
        ' limit $2 for update skip locked'
        '), dealt_with as ('
        || case
            when rule.assignments is null then 'delete from %1$s as t using past where %3$s'
            else 'update %1$s as t set %7$s from past where %3$s'
        end
        || ' and $3 is not null returning %8$s::uuid as of_tenant, %2$s) '
        'select count(*), jsonb_agg(to_jsonb(dealt_with)) from dealt_with',
        rule.relation::regclass,
        (select string_agg(format('t.%I', name), ', ') from unnest(keys) as name),
        (select string_agg(format('t.%1$I = past.%1$I', name), ' and ') from unnest(keys) as name),
        rule.retention_from,
        rule.condition,
        rule.held,
        rule.assignments,
        case when tenant_column is null then 'null' else format('t.%I', tenant_column) end
    )
    into dealt_with, gone
    using now() - rule.retention, core.retention_batch_rows(), core.random_key();
    if rule.assignments is null and tenant_column is not null then
        for one in
            select
                (line ->> 'of_tenant')::uuid as tenant_id,
                jsonb_agg(line - 'of_tenant') as keys
            from jsonb_array_elements(gone) as line
            group by line ->> 'of_tenant'
        loop
            perform core.forget_traces(one.tenant_id, rule.table_name, one.keys);
        end loop;
    end if;
    return dealt_with;
end
$$;

comment on function core.retain_batch(core.retention_rules) is
'One step of retention by a rule; returns how many rows it dealt with. What the audit and events
hold of rows that are deleted goes with them. Internal.';

create function core.retain_by_rule(rule core.retention_rules, deadline timestamptz)
returns table (row_count bigint, done boolean, failure text)
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    dealt_with bigint;
begin
    row_count := 0;
    done := false;
    begin
        loop
            dealt_with := core.retain_batch(rule);
            row_count := row_count + dealt_with;
            done := dealt_with = 0;
            exit when done or clock_timestamp() >= deadline;
        end loop;
    exception
        when others then
            -- What one rule fails at does not undo the others.
            row_count := 0;
            failure := sqlerrm;
            raise warning 'retention of %: %', rule.table_name, failure;
    end;
    insert into core.retention_runs as runs (
        table_name, subject, method, retention, retention_from, rows, ran_at, finished_at, failure
    )
    values (
        rule.table_name, rule.subject, rule.method, rule.retention, rule.retention_from,
        row_count, now(), case when done then now() end, failure
    )
    on conflict on constraint retention_runs_pkey do update set
        rows = runs.rows + excluded.rows,
        ran_at = excluded.ran_at,
        finished_at = coalesce(excluded.finished_at, runs.finished_at),
        failure = excluded.failure;
    return next;
end
$$;

comment on function core.retain_by_rule(core.retention_rules, timestamptz) is
'Step by step what one rule of core.retention_rules says, until nothing is left or the deadline has
passed, and how it went into core.retention_runs. Internal.';

create function core.apply_retention(budget interval default '30 seconds')
returns table (row_count bigint, done boolean, failure text)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    deadline constant timestamptz := clock_timestamp() + budget;
    has_holds constant boolean := exists (
        select from core.legal_holds where legal_holds.released_at is null
    );
    rule core.retention_rules;
    kept record;
begin
    row_count := 0;
    done := true;
    -- Who comes second leaves it to the first.
    if not pg_try_advisory_xact_lock(hashtextextended('core.apply_retention', 0)) then
        return next;
        return;
    end if;
    for rule in
        select
            rules.relation,
            rules.table_name,
            rules.subject,
            rules.method,
            rules.retention,
            rules.retention_from,
            rules.condition,
            rules.assignments,
            case when has_holds then rules.held else 'false' end as held
        from core.retention_rules as rules
        left join core.retention_runs as runs
            on
                runs.table_name = rules.table_name
                and runs.subject = rules.subject
                and runs.method = rules.method
                and runs.retention = rules.retention
                and runs.retention_from = rules.retention_from
        where (runs.finished_at > now() - core.retention_rest()) is not true
        order by
            runs.ran_at nulls first, core.depth_of(rules.relation) desc, rules.table_name,
            rules.subject
    loop
        select * into kept from core.retain_by_rule(rule, deadline);
        row_count := row_count + kept.row_count;
        failure := nullif(
            concat_ws('; ', failure, rule.table_name || ': ' || kept.failure), ''
        );
        done := done and kept.done;
        exit when clock_timestamp() >= deadline;
    end loop;
    return next;
end
$$;

comment on function core.apply_retention(interval) is
'Deletes or empties what is stored for longer than the data map says, in steps, for about as long
as the budget says; rows about persons under a legal hold stay. Returns how many rows it dealt
with, whether nothing is left, and what failed, in words; core.retention_runs has it by rule. May
be called again at any time, and in several sessions. Definer, because it works for every tenant;
service_role may call it.';

select core.map_not_personal(
    'Names of tables and rules.', 'core.retention_runs.table_name', 'core.retention_runs.subject'
);

revoke all on function
core.retention_batch_rows(),
core.retention_rest(),
core.retain_batch(core.retention_rules),
core.retain_by_rule(core.retention_rules, timestamptz),
core.apply_retention(interval)
from public;
grant execute on function core.apply_retention(interval) to service_role;
