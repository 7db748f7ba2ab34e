-- The pipelines that a tenant begins with: two for deals, one for leads.
--
-- A tenant that is made can sell at once: its records have somewhere to begin before anybody has
-- drawn a pipeline, and a second one for deals shows that an object has as many as it needs. They
-- are the tenant's own from then on, to be changed like any other by a new version; what is
-- written here is never applied to them again. They come with the tenant, in its transaction, as
-- rows that were checked when this file was applied, and so cost a tenant little.

set local lock_timeout = '5s';

select core.attach_pipeline('crm.deals');
select core.attach_pipeline('crm.leads');

-- A reason is a lost record's own, too ------------------------------------------------------------

create function crm.keep_lost_reason() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if new.stage_kind <> 'lost' then
        new.lost_reason := null;
    elsif new.lost_reason is not distinct from old.lost_reason then
        select left(periods.reason, 500) into new.lost_reason
        from core.stage_periods as periods
        where
            periods.tenant_id = new.tenant_id
            and periods.record_id = new.id
            and periods.object = tg_argv[0]
            and periods.left_at is null;
    end if;
    return new;
end
$$;

comment on function crm.keep_lost_reason() is
'Trigger before update, when a record comes to a stage of another kind: what is lost has the reason
that it was moved with, unless the move sets another, and what is not lost has none. Argument: the
object. Definer, because history may be hidden from who moves.';
revoke all on function crm.keep_lost_reason() from public;

create trigger lost_reason_is_kept before update on crm.deals
for each row when (new.stage_kind is distinct from old.stage_kind)
execute function crm.keep_lost_reason('crm.deals');
create trigger lost_reason_is_kept before update on crm.leads
for each row when (new.stage_kind is distinct from old.stage_kind)
execute function crm.keep_lost_reason('crm.leads');

-- The pipelines -----------------------------------------------------------------------------------

create function crm.default_pipelines()
returns table (object text, slug text, name text, is_default boolean, definition jsonb)
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    values
    (
        'crm.deals', 'sales', 'Sales', true,
        '{
            "stages": [
                {
                    "stage": "qualification", "label": "Qualification", "kind": "open",
                    "probability": 10, "start": true
                },
                {"stage": "needs", "label": "Needs", "kind": "open", "probability": 25},
                {
                    "stage": "proposal", "label": "Proposal", "kind": "open",
                    "probability": 50, "required": ["amount_minor"]
                },
                {
                    "stage": "negotiation", "label": "Negotiation", "kind": "open",
                    "probability": 75, "required": ["amount_minor", "expected_close_on"]
                },
                {"stage": "won", "label": "Won", "kind": "won", "required": ["amount_minor"]},
                {"stage": "lost", "label": "Lost", "kind": "lost"}
            ],
            "transitions": [
                {"from": ["needs", "proposal", "negotiation"], "to": "qualification"},
                {"from": ["qualification", "proposal", "negotiation"], "to": "needs"},
                {"from": ["qualification", "needs", "negotiation"], "to": "proposal"},
                {"from": ["needs", "proposal"], "to": "negotiation"},
                {
                    "from": ["proposal", "negotiation"], "to": "won", "label": "Win",
                    "effects": [
                        {"effect": "set_fields", "fields": {"expected_close_on": {"after_s": 0}}}
                    ]
                },
                {
                    "from": ["qualification", "needs", "proposal", "negotiation"], "to": "lost",
                    "label": "Lose", "reason_required": true
                },
                {
                    "from": ["won"], "to": "negotiation", "label": "Reopen",
                    "reason_required": true
                },
                {"from": ["lost"], "to": "qualification", "label": "Reopen"}
            ]
        }'::jsonb
    ),
    (
        'crm.deals', 'renewals', 'Renewals', false,
        '{
            "stages": [
                {
                    "stage": "upcoming", "label": "Upcoming", "kind": "open",
                    "probability": 60, "start": true
                },
                {
                    "stage": "offered", "label": "Offered", "kind": "open", "probability": 75,
                    "required": ["amount_minor", "expected_close_on"]
                },
                {"stage": "agreed", "label": "Agreed", "kind": "open", "probability": 90},
                {
                    "stage": "renewed", "label": "Renewed", "kind": "won",
                    "required": ["amount_minor"]
                },
                {"stage": "ended", "label": "Ended", "kind": "lost"}
            ],
            "transitions": [
                {"from": ["upcoming", "agreed"], "to": "offered"},
                {"from": ["offered"], "to": "upcoming"},
                {"from": ["offered"], "to": "agreed"},
                {
                    "from": ["offered", "agreed"], "to": "renewed", "label": "Renew",
                    "effects": [
                        {"effect": "set_fields", "fields": {"expected_close_on": {"after_s": 0}}}
                    ]
                },
                {
                    "from": ["upcoming", "offered", "agreed"], "to": "ended", "label": "End",
                    "reason_required": true
                },
                {"from": ["ended"], "to": "upcoming", "label": "Reopen"}
            ]
        }'::jsonb
    ),
    (
        'crm.leads', 'leads', 'Leads', true,
        '{
            "stages": [
                {"stage": "new", "label": "New", "kind": "open", "start": true},
                {"stage": "contacted", "label": "Contacted", "kind": "open"},
                {"stage": "qualified", "label": "Qualified", "kind": "open"},
                {"stage": "converted", "label": "Converted", "kind": "won"},
                {"stage": "unqualified", "label": "Unqualified", "kind": "lost"}
            ],
            "transitions": [
                {"from": ["contacted"], "to": "new"},
                {"from": ["new", "qualified"], "to": "contacted"},
                {"from": ["new", "contacted"], "to": "qualified"},
                {
                    "from": ["new", "contacted", "qualified"], "to": "converted",
                    "label": "Convert", "permission": "crm.leads.convert",
                    "when": {"field": "converted_at", "op": "is_not_null"}
                },
                {
                    "from": ["new", "contacted", "qualified"], "to": "unqualified",
                    "label": "Disqualify", "reason_required": true
                },
                {"from": ["unqualified"], "to": "new", "label": "Reopen"},
                {
                    "from": ["converted"], "to": "new", "label": "Undo conversion",
                    "permission": "crm.leads.convert",
                    "when": {"field": "converted_at", "op": "is_null"}
                },
                {
                    "from": ["converted"], "to": "contacted", "label": "Undo conversion",
                    "permission": "crm.leads.convert",
                    "when": {"field": "converted_at", "op": "is_null"}
                },
                {
                    "from": ["converted"], "to": "qualified", "label": "Undo conversion",
                    "permission": "crm.leads.convert",
                    "when": {"field": "converted_at", "op": "is_null"}
                }
            ]
        }'::jsonb
    );
end
$$;

comment on function crm.default_pipelines() is
'The pipelines that a tenant begins with. A lead is converted by converting it, which sets
converted_at first: nobody says by hand that a lead was. Stages are words that stay, by which a
frontend translates the labels. Internal.';

do $$
declare
    wrong text;
begin
    select string_agg(format('%s: %s', defaults.slug, problems.problem), '; ')
    into wrong
    from crm.default_pipelines() as defaults
    cross join lateral jsonb_array_elements(
        core.definition_problems(
            core.platform_tenant_id(), defaults.object, defaults.definition
        )
    ) as problems (problem);
    if wrong is not null then
        raise exception 'a default pipeline is wrong: %', wrong;
    end if;
end
$$;

create function crm.add_default_pipelines(tenant_ids uuid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    made uuid[];
begin
    with added as (
        insert into core.pipelines (tenant_id, object, slug, name, is_default)
        select
            named.tenant_id,
            defaults.object,
            defaults.slug,
            defaults.name,
            defaults.is_default and not exists (
                select from core.pipelines as others
                where
                    others.tenant_id = named.tenant_id
                    and others.object = defaults.object
                    and others.is_default
            )
        from unnest(tenant_ids) as named (tenant_id)
        cross join crm.default_pipelines() as defaults
        where named.tenant_id <> core.platform_tenant_id()
        on conflict do nothing
        returning pipelines.id
    )
    select array_agg(added.id) into made from added;
    insert into core.pipeline_versions (tenant_id, pipeline_id, number, definition)
    select
        pipelines.tenant_id,
        pipelines.id,
        1,
        defaults.definition
    from core.pipelines
    inner join crm.default_pipelines() as defaults
        on defaults.object = pipelines.object and defaults.slug = pipelines.slug
    where pipelines.tenant_id = any(tenant_ids) and pipelines.id = any(made);
    -- Each definition is taken apart once, however many tenants there are.
    insert into core.pipeline_stages (
        tenant_id, pipeline_id, pipeline_version_id, stage, position, label, kind, probability,
        required, is_start
    )
    select
        pipelines.tenant_id,
        pipelines.id,
        versions.id,
        stages.stage,
        stages.position,
        stages.label,
        stages.kind,
        stages.probability,
        stages.required,
        stages.is_start
    from crm.default_pipelines() as defaults
    cross join lateral tenon.pipeline_stages(defaults.definition) as stages
    inner join core.pipelines
        on
            pipelines.tenant_id = any(tenant_ids)
            and pipelines.id = any(made)
            and pipelines.object = defaults.object
            and pipelines.slug = defaults.slug
    inner join core.pipeline_versions as versions
        on versions.tenant_id = pipelines.tenant_id and versions.pipeline_id = pipelines.id;
    update core.pipeline_versions as versions
    set status = 'published', published_at = now(), published_by = core.caller_id()
    where
        versions.tenant_id = any(tenant_ids)
        and versions.pipeline_id = any(made)
        and versions.status = 'draft';
end
$$;

comment on function crm.add_default_pipelines(uuid[]) is
'Gives tenants the pipelines of crm.default_pipelines that they do not have. Emits nothing: a tenant
that was made has them, and core.tenant.created says that it was. Internal.';

create function crm.equip_tenants() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform crm.add_default_pipelines(array(select new_tenants.id from new_tenants));
    return null;
end
$$;

comment on function crm.equip_tenants() is
'Trigger for statements that make tenants: gives them their first pipelines. Definer, because
whoever makes a tenant may not write pipelines by hand.';

revoke all on function
crm.default_pipelines(), crm.add_default_pipelines(uuid[]), crm.equip_tenants()
from public;

create trigger equip_tenants after insert on core.tenants
referencing new table as new_tenants
for each statement execute function crm.equip_tenants();

select crm.add_default_pipelines(array(select tenants.id from core.tenants));
