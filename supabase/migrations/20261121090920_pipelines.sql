-- Pipelines: the stages that records of any object go through.
--
-- A definition is data that tenants write. It is drafted, checked and published as a version that
-- never changes again; a record stays on the version it began with until it is migrated on purpose.
-- The stage of a record stands in its own row, where boards and lists read it, and in the history
-- of its periods. The history leads: a trigger lets a row say no other stage than its open period
-- has, and only moves write periods, so that no path around the guards is left, not for the owner
-- either. The ADR "Why a record's stage says what its history says" has the alternatives.

set local lock_timeout = '5s';

create extension if not exists btree_gist with schema extensions;

insert into core.permissions (permission, description) values
('core.pipelines.read', 'See the pipelines of the tenant.'),
('core.pipelines.manage', 'Draft, publish and migrate pipelines.');
select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent', 'analyst', 'viewer'],
    array['core.pipelines.read']
);
select core.allow_system_roles(array['owner', 'admin'], array['core.pipelines.manage']);

create table core.pipeline_objects (
    object text primary key references core.objects (object),
    has_closed_at boolean not null
);

comment on table core.pipeline_objects is
'The objects whose records go through pipelines. Global reference data: the same for every tenant.';
comment on column core.pipeline_objects.has_closed_at is
'Whether the table has a column closed_at, which says since when a record is in a stage that is not
open.';

create table core.pipelines (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    object text not null references core.pipeline_objects (object),
    slug text not null,
    name text not null,
    is_default boolean not null default false,
    archived_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint pipeline_slug_is_unique unique (tenant_id, object, slug),
    constraint slug_is_a_word check (slug ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint name_is_short check (char_length(name) between 1 and 200),
    constraint what_is_archived_is_no_default check (archived_at is null or not is_default)
);
create unique index pipelines_default on core.pipelines (tenant_id, object) where is_default;
create index pipelines_object on core.pipelines (object);

comment on table core.pipelines is
'Pipelines of a tenant; any number for an object, and one of them where records begin unless they
name another.';
comment on column core.pipelines.archived_at is
'Since when no record begins there any more. Those that are there go on.';

create table core.pipeline_versions (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    pipeline_id uuid not null,
    number integer not null,
    status text not null default 'draft',
    definition jsonb not null,
    published_at timestamptz,
    published_by uuid,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    foreign key (tenant_id, pipeline_id) references core.pipelines (tenant_id, id),
    constraint pipeline_number_is_unique unique (tenant_id, pipeline_id, number),
    constraint status_is_known check (status in ('draft', 'published', 'retired')),
    constraint draft_is_unpublished check ((status = 'draft') = (published_at is null)),
    constraint definition_is_an_object check (jsonb_typeof(definition) = 'object'),
    constraint definition_is_short check (octet_length(definition::text) <= 65536)
);
create unique index pipeline_versions_status on core.pipeline_versions (
    tenant_id, pipeline_id, status
) where status <> 'retired';

comment on table core.pipeline_versions is
'The definition of a pipeline, version by version: one draft at most, one that records begin with,
and those before it. What was published never changes.';
comment on column core.pipeline_versions.status is
'draft; published: records begin with it; retired: records that began with it go on.';

create table core.pipeline_stages (
    tenant_id uuid not null,
    pipeline_id uuid not null,
    pipeline_version_id uuid not null,
    stage text not null,
    position integer not null,
    label text not null,
    kind text not null,
    probability smallint,
    time_limit_s integer,
    required text[] not null default '{}',
    is_start boolean not null default false,
    on_enter jsonb,
    on_time_limit jsonb,
    primary key (tenant_id, pipeline_version_id, stage),
    foreign key (tenant_id, pipeline_id) references core.pipelines (tenant_id, id),
    foreign key (tenant_id, pipeline_version_id) references core.pipeline_versions (tenant_id, id),
    constraint stage_of_pipeline_is_unique
    unique (tenant_id, pipeline_id, pipeline_version_id, stage),
    constraint kind_is_known check (kind in ('open', 'won', 'lost', 'terminal')),
    constraint probability_in_range check (probability between 0 and 100)
);

comment on table core.pipeline_stages is
'The stages of published versions as rows, for boards, reports and foreign keys. They never
change.';
comment on column core.pipeline_stages.position is '1, 2, 3 … from the left of a board.';
comment on column core.pipeline_stages.probability is
'How likely a record there is to be won, in percent: 100 where won, 0 where lost.';

create table core.stage_periods (
    tenant_id uuid not null,
    object text not null references core.objects (object),
    record_id uuid not null,
    entered_at timestamptz not null,
    left_at timestamptz,
    period tstzrange not null generated always as (tstzrange(entered_at, left_at)) stored,
    pipeline_id uuid not null,
    pipeline_version_id uuid not null,
    stage text not null,
    from_stage text,
    reason text,
    moved_by_kind text not null,
    moved_by uuid,
    primary key (tenant_id, record_id, object, entered_at),
    foreign key (tenant_id, pipeline_id, pipeline_version_id, stage)
    references core.pipeline_stages (tenant_id, pipeline_id, pipeline_version_id, stage),
    constraint period_is_not_empty check (left_at > entered_at),
    constraint reason_is_short check (char_length(reason) <= 2000),
    constraint a_record_is_in_one_stage exclude using gist (
        tenant_id with =, record_id with =, object with =, period with &&
    )
);
create index stage_periods_open on core.stage_periods (record_id) where left_at is null;
create index stage_periods_stage on core.stage_periods (
    tenant_id, pipeline_id, stage, entered_at
);

comment on table core.stage_periods is
'Which record was in which stage from when to when: the history of moves. Time in a stage is a query
over it.';
comment on column core.stage_periods.from_stage is
'Where the record came from; null where it began.';
comment on column core.stage_periods.moved_by_kind is 'Who moved it, as core.caller() has it.';

alter table core.pipeline_objects enable row level security;
alter table core.pipelines enable row level security;
alter table core.pipeline_versions enable row level security;
alter table core.pipeline_stages enable row level security;
create policy pipeline_objects_read on core.pipeline_objects for select to authenticated
using (true);
create policy pipelines_read on core.pipelines for select to authenticated
using (tenant_id = any((select core.tenants_with('core.pipelines.read'))::uuid[]));
create policy pipeline_versions_read on core.pipeline_versions for select to authenticated
using (tenant_id = any((select core.tenants_with('core.pipelines.read'))::uuid[]));
create policy pipeline_stages_read on core.pipeline_stages for select to authenticated
using (tenant_id = any((select core.tenants_with('core.pipelines.read'))::uuid[]));
select core.guard_linked('core.stage_periods'::regclass);
grant select on
core.pipeline_objects, core.pipelines, core.pipeline_versions, core.pipeline_stages,
core.stage_periods
to authenticated;
grant select on
core.pipeline_objects, core.pipelines, core.pipeline_versions, core.pipeline_stages,
core.stage_periods
to service_role;

insert into core.errors (code, status, message, hint) values
(
    'pipeline.unknown', 404, 'There is no such pipeline, or you may not see it.',
    'Compare with v1.pipelines. One that is archived, or was never published, takes no records.'
),
(
    'pipeline.object_unknown', 400, 'Records of {object} go through no pipelines.',
    'A migration attaches pipelines to a table by core.attach_pipeline.'
),
(
    'pipeline.direct_change', 403, 'A record is moved by v1.move, not by writing its stage.',
    'Leave stage and pipeline out of the update, and call v1.move.'
),
(
    'pipeline.start_refused', 422, 'No record begins in the stage {stage}.',
    'Leave the stage out, or name one that is a start.'
),
(
    'pipeline.stage_unknown', 400, 'The pipeline has no stage {stage}.',
    'Compare the name with v1.pipeline_stages of the version that the record is on.'
),
(
    'pipeline.fields_missing', 422, 'The stage {stage} asks for fields that are empty: {fields}.',
    'Fill them before the move, or give them with it.'
),
(
    'pipeline.published_immutable', 403, 'A version that was published never changes.',
    'Save a new draft, publish it, and migrate records to it.'
);

-- What was published stays ------------------------------------------------------------------------

create function core.keep_published() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op = 'TRUNCATE' then
        perform core.fail('pipeline.published_immutable');
    elsif tg_op = 'DELETE' then
        if old.status <> 'draft' then
            perform core.fail('pipeline.published_immutable');
        end if;
        return old;
    elsif
        old.status <> 'draft'
        and (
            (old.status, new.status) not in (
                ('published', 'published'), ('published', 'retired'), ('retired', 'retired')
            )
            or to_jsonb(new) - '{status,published_by,created_by}'::text[]
            <> to_jsonb(old) - '{status,published_by,created_by}'::text[]
        )
    then
        perform core.fail('pipeline.published_immutable');
    end if;
    return new;
end
$$;

comment on function core.keep_published() is
'Trigger: a version that was published is only ever retired, whoever tries. Who made it may be
forgotten. Raises pipeline.published_immutable (403).';

create trigger published_stays before update or delete on core.pipeline_versions
for each row execute function core.keep_published();
create trigger published_stays_whole before truncate on core.pipeline_versions
for each statement execute function core.keep_published();

create function core.keep_stages() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op <> 'INSERT' then
        perform core.fail('pipeline.published_immutable');
    elsif not exists (
        select from core.pipeline_versions as versions
        where
            versions.tenant_id = new.tenant_id
            and versions.id = new.pipeline_version_id
            and versions.status = 'draft'
    ) then
        perform core.fail('pipeline.published_immutable');
    end if;
    return new;
end
$$;

comment on function core.keep_stages() is
'Trigger: stages come with the publication of their version, and stay as they are, whoever tries.
Raises pipeline.published_immutable (403).';

create trigger stages_stay before insert or update or delete on core.pipeline_stages
for each row execute function core.keep_stages();
create trigger stages_stay_whole before truncate on core.pipeline_stages
for each statement execute function core.keep_published();

-- Records begin -----------------------------------------------------------------------------------

create function core.refuse_move(refusals jsonb) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.fail(
        refusals #>> '{0,code}',
        (refusals -> 0) - 'code' || jsonb_build_object(
            'refusals', core.told_refusals(refusals)
        )
    );
end
$$;

comment on function core.refuse_move(jsonb) is
'Raises the first refusal of a move, with all of them in the details. Internal.';

create function core.told_refusals(refusals jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        (
            select jsonb_agg(
                refusal || jsonb_build_object(
                    'message', core.render(errors.message, refusal - 'code')
                )
                order by told.position
            )
            from jsonb_array_elements(refusals) with ordinality as told (refusal, position)
            inner join core.errors on errors.code = told.refusal ->> 'code'
        ),
        '[]'
    );
end
$$;

comment on function core.told_refusals(jsonb) is
'Refusals with their words from the catalogue. Internal.';

create function core.begin_stage() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    chosen record;
    start jsonb;
begin
    select
        pipelines.id as pipeline_id,
        versions.id as version_id,
        versions.definition
    into chosen
    from core.pipelines
    inner join core.pipeline_versions as versions
        on
            versions.tenant_id = pipelines.tenant_id
            and versions.pipeline_id = pipelines.id
            and versions.status = 'published'
    where
        pipelines.tenant_id = new.tenant_id
        and pipelines.object = tg_argv[0]
        and pipelines.archived_at is null
        and case
            when new.pipeline_id is null then pipelines.is_default
            else pipelines.id = new.pipeline_id
        end;
    if chosen.version_id is null then
        if new.pipeline_id is not null or new.stage is not null then
            perform core.fail('pipeline.unknown');
        end if;
        new.pipeline_version_id := null;
        new.stage_kind := 'open';
        return new;
    end if;
    start := tenon.pipeline_start(chosen.definition, new.stage, to_jsonb(new));
    if start ->> 'allowed' = 'false' then
        perform core.refuse_move(start -> 'refusals');
    end if;
    new.pipeline_id := chosen.pipeline_id;
    new.pipeline_version_id := chosen.version_id;
    new.stage := start ->> 'stage';
    select stages.kind into strict new.stage_kind
    from core.pipeline_stages as stages
    where
        stages.tenant_id = new.tenant_id
        and stages.pipeline_version_id = new.pipeline_version_id
        and stages.stage = new.stage;
    -- Imports may say since when; clients may not.
    if
        (core.caller()).kind not in ('system', 'service')
        or (new.stage_entered_at <= clock_timestamp()) is not true
    then
        new.stage_entered_at := now();
    end if;
    if tg_argv[1] = 'closed_at' then
        if new.stage_kind = 'open' then
            new.closed_at := null;
        else
            new.closed_at := coalesce(new.closed_at, new.stage_entered_at);
        end if;
    end if;
    return new;
end
$$;

comment on function core.begin_stage() is
'Trigger before insert: a record begins in the pipeline that it names, or the default one of its
tenant and object, in the published version, in the stage that it names if that is a start, or the
first start. Without a default pipeline it is in none. Arguments: the object, and closed_at where
the table has that column. Raises pipeline.unknown (404), pipeline.stage_unknown (400),
pipeline.start_refused and pipeline.fields_missing (422). Definer, because whoever adds a record
need not see pipelines.';

create function core.start_time_limit(
    tenant_id uuid, object text, record_id uuid, stage core.pipeline_stages, entered_at timestamptz
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.start_timer(
        start_time_limit.tenant_id, start_time_limit.object, start_time_limit.record_id,
        'stage_time_limit', entered_at + make_interval(secs => stage.time_limit_s),
        jsonb_build_array(
            jsonb_build_object('effect', 'stage_overdue', 'effects', stage.on_time_limit)
        ),
        jsonb_build_object(
            'pipeline_version_id', stage.pipeline_version_id, 'stage', stage.stage,
            'entered_at', entered_at
        ),
        'pipeline stage_time_limit'
    );
end
$$;

comment on function core.start_time_limit(
    uuid, text, uuid, core.pipeline_stages, timestamptz
) is
'Starts the timer of a stage''s time limit, anew where there is one. Internal.';

create function core.enter_first_stages() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    object constant text := tg_argv[0];
    caller constant record := core.caller();
    entered record;
begin
    insert into core.stage_periods (
        tenant_id, object, record_id, entered_at, pipeline_id, pipeline_version_id, stage,
        moved_by_kind, moved_by
    )
    select
        records.tenant_id,
        tg_argv[0],
        records.id,
        records.stage_entered_at,
        records.pipeline_id,
        records.pipeline_version_id,
        records.stage,
        caller.kind,
        caller.id
    from new_records as records
    where records.pipeline_version_id is not null;
    for entered in
        select
            records.tenant_id,
            records.id,
            records.stage_entered_at,
            stages as stage
        from new_records as records
        inner join core.pipeline_stages as stages
            on
                stages.tenant_id = records.tenant_id
                and stages.pipeline_version_id = records.pipeline_version_id
                and stages.stage = records.stage
        where stages.time_limit_s is not null or stages.on_enter is not null
    loop
        if (entered.stage).time_limit_s is not null then
            perform core.start_time_limit(
                entered.tenant_id, object, entered.id, entered.stage, entered.stage_entered_at
            );
        end if;
        if
            (entered.stage).on_enter is not null
            and coalesce(current_setting('tenon.without_effects', true), '') = ''
        then
            perform core.run_effects(
                entered.tenant_id, object, entered.id, (entered.stage).on_enter,
                jsonb_build_object(
                    'to', (entered.stage).stage,
                    'actor', jsonb_build_object('kind', caller.kind, 'id', caller.id)
                )
            );
        end if;
    end loop;
    return null;
end
$$;

comment on function core.enter_first_stages() is
'Trigger after insert: opens the history of the records, starts the time limits of their stages, and
carries out what follows entering them. Argument: the object. A transaction that adds records which
have long been known, such as an import, leaves the effects out by setting tenon.without_effects.
Definer, because only pipelines write history.';

create function core.refuse_direct_move() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select
        from core.stage_periods as periods
        inner join core.pipeline_stages as stages
            on
                stages.tenant_id = periods.tenant_id
                and stages.pipeline_version_id = periods.pipeline_version_id
                and stages.stage = periods.stage
        where
            periods.record_id = new.id
            and periods.left_at is null
            and periods.tenant_id = new.tenant_id
            and periods.object = tg_argv[0]
            and periods.pipeline_id = new.pipeline_id
            and periods.pipeline_version_id = new.pipeline_version_id
            and periods.stage = new.stage
            and periods.entered_at = new.stage_entered_at
            and stages.kind = new.stage_kind
    ) then
        perform core.fail('pipeline.direct_change');
    end if;
    return new;
end
$$;

comment on function core.refuse_direct_move() is
'Trigger before update: a record says no other stage than its history does, whoever writes it.
Argument: the object. Raises pipeline.direct_change (403). Definer, because history may be hidden
from who writes.';

create function core.attach_pipeline(object text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    registered constant regclass := known.relation::regclass;
    name constant text := split_part(known.relation, '.', 2);
    has_closed_at constant boolean := exists (
        select from pg_attribute as attributes
        where
            attributes.attrelid = registered
            and attributes.attname = 'closed_at'
            and not attributes.attisdropped
    );
    described record;
begin
    execute format(
        'alter table %s '
        'add column if not exists pipeline_id uuid, '
        'add column if not exists pipeline_version_id uuid, '
        'add column if not exists stage text, '
        'add column if not exists stage_kind text not null default ''open'', '
        'add column if not exists stage_entered_at timestamptz not null default now(), '
        'add constraint stage_is_of_the_pipeline '
        'foreign key (tenant_id, pipeline_id, pipeline_version_id, stage) '
        'references core.pipeline_stages (tenant_id, pipeline_id, pipeline_version_id, stage), '
        'add constraint stage_is_whole '
        'check (num_nulls(pipeline_id, pipeline_version_id, stage) in (0, 3))',
        registered
    );
    for described in
        select
            attributes.attname,
            said.comment
        from (
            values
            ('pipeline_id', 'The pipeline that it goes through.'),
            ('pipeline_version_id', 'The version of the pipeline that it began with.'),
            ('stage', 'Where in its pipeline it stands. v1.move moves it.'),
            ('stage_kind', 'What the stage means: open, won, lost or terminal.'),
            ('stage_entered_at', 'Since when it stands there.')
        ) as said (name, comment)
        inner join pg_attribute as attributes
            on attributes.attrelid = registered and attributes.attname = said.name
        where col_description(registered, attributes.attnum) is null
    loop
        execute format(
            'comment on column %s.%I is %L', registered, described.attname, described.comment
        );
    end loop;
    if not exists (
        select from pg_index as indexes
        where
            indexes.indrelid = registered
            and indexes.indpred is null
            and (
                select array_agg(attributes.attname::text order by key.position)
                from unnest(indexes.indkey::smallint[]) with ordinality as key (attnum, position)
                inner join pg_attribute as attributes
                    on attributes.attrelid = registered and attributes.attnum = key.attnum
            )[1:2] = array['tenant_id', 'pipeline_version_id']
    ) then
        execute format(
            'create index %I on %s (tenant_id, pipeline_version_id, stage)',
            name || '_pipeline_version', registered
        );
    end if;
    insert into core.pipeline_objects (object, has_closed_at)
    values (attach_pipeline.object, has_closed_at);
    insert into core.event_types (type, description, permission)
    select
        known.event_prefix || '.' || happened.word,
        happened.description,
        (
            select event_types.permission from core.event_types
            where event_types.type = known.event_prefix || '.created'
        )
    from (
        values
        (
            'moved',
            'It was moved to another stage. from, to: the stages; kind: what the new one means; '
            'pipeline: its slug; pipeline_version: its number; seconds: how long it was in the '
            'stage before.'
        ),
        (
            'overdue',
            'It has been in its stage for longer than the stage''s time limit. stage; entered_at.'
        ),
        ('signalled', 'An effect of a pipeline says so; what, is in the data.')
    ) as happened (word, description);
    insert into core.effect_events (type) values (known.event_prefix || '.signalled');
    execute format(
        'create trigger begin_stage before insert on %s '
        'for each row execute function core.begin_stage(%L, %L)',
        registered, object, case when has_closed_at then 'closed_at' else '' end
    );
    execute format(
        'create trigger enter_first_stages after insert on %s '
        'referencing new table as new_records '
        'for each statement execute function core.enter_first_stages(%L)',
        registered, object
    );
    execute format(
        'create trigger stage_is_moved before update on %s for each row when ('
        'row(new.pipeline_id, new.pipeline_version_id, new.stage, new.stage_kind, '
        'new.stage_entered_at) is distinct from row(old.pipeline_id, old.pipeline_version_id, '
        'old.stage, old.stage_kind, old.stage_entered_at)) '
        'execute function core.refuse_direct_move(%L)',
        registered, object
    );
    perform core.register_fields(object);
end
$$;

comment on function core.attach_pipeline(text) is
'Has the records of an object go through pipelines, which core.register_object made known before:
adds what is missing of pipeline_id, pipeline_version_id, stage, stage_kind and stage_entered_at,
and the events moved, overdue and signalled. A column closed_at is kept where there is one. For the
migration that makes the table, before its grants: clients may be let insert pipeline_id and stage.
Owner only.';

revoke all on function
core.keep_published(),
core.keep_stages(),
core.refuse_move(jsonb),
core.told_refusals(jsonb),
core.begin_stage(),
core.start_time_limit(uuid, text, uuid, core.pipeline_stages, timestamptz),
core.enter_first_stages(),
core.refuse_direct_move(),
core.attach_pipeline(text)
from public;

-- The data map ------------------------------------------------------------------------------------

select
    core.map_personal(
        mapped, 'user.unique_id', split_part(mapped, '.', 3) || ' is user_id', 'set_null'
    )
from
    unnest(array[
        'core.pipelines.created_by', 'core.pipeline_versions.created_by',
        'core.pipeline_versions.published_by', 'core.stage_periods.moved_by'
    ]) as mapped;
select
    core.map_not_personal(
        'What a tenant defined, and why a record moved.',
        'core.pipelines.name', 'core.pipeline_versions.definition', 'core.pipeline_stages.label',
        'core.pipeline_stages.on_enter', 'core.pipeline_stages.on_time_limit',
        'core.stage_periods.reason'
    );

select core.audit('core.pipelines'::regclass);
select core.audit('core.pipeline_versions'::regclass);

-- The API -----------------------------------------------------------------------------------------

create view v1.pipelines with (security_invoker = true) as
select
    pipelines.tenant_id,
    pipelines.id,
    pipelines.object,
    pipelines.slug,
    pipelines.name,
    pipelines.is_default,
    pipelines.archived_at,
    pipelines.created_at,
    pipelines.created_by
from core.pipelines;

comment on view v1.pipelines is 'The pipelines of your tenants. Needs core.pipelines.read.';

create view v1.pipeline_versions with (security_invoker = true) as
select
    versions.tenant_id,
    versions.id,
    versions.pipeline_id,
    versions.number,
    versions.status,
    versions.definition,
    versions.published_at,
    versions.published_by,
    versions.created_at,
    versions.created_by
from core.pipeline_versions as versions;

comment on view v1.pipeline_versions is
'The versions of pipelines: drafts, published and retired ones. Needs core.pipelines.read.';

create view v1.pipeline_stages with (security_invoker = true) as
select
    stages.tenant_id,
    stages.pipeline_id,
    stages.pipeline_version_id,
    stages.stage,
    stages.position,
    stages.label,
    stages.kind,
    stages.probability,
    stages.time_limit_s,
    stages.required,
    stages.is_start
from core.pipeline_stages as stages;

comment on view v1.pipeline_stages is
'The stages of published and retired versions, which a board draws. Needs core.pipelines.read.';

create view v1.stage_history with (security_invoker = true) as
select
    periods.tenant_id,
    periods.object,
    periods.record_id,
    periods.pipeline_id,
    periods.pipeline_version_id,
    periods.stage,
    periods.from_stage,
    periods.entered_at,
    periods.left_at,
    extract(
        epoch from coalesce(periods.left_at, clock_timestamp()) - periods.entered_at
    )::double precision as seconds,
    periods.reason,
    periods.moved_by_kind,
    periods.moved_by
from core.stage_periods as periods;

comment on view v1.stage_history is
'Which record was in which stage, from when to when, and who moved it there: left_at is null where
it is now. seconds: how long, until now. Whoever may read the record may read its history.';

grant select on
v1.pipelines, v1.pipeline_versions, v1.pipeline_stages, v1.stage_history
to authenticated, service_role;
