-- Segments: records that are looked at together, by a condition or by hand.
--
-- A dynamic segment is a condition, and its records are those for which it holds whenever somebody
-- asks; a static one is a list. The condition is checked when it is saved and run as SQL with bound
-- values, by whoever asks and under their policies: nobody finds by a segment what they could not
-- read without it. Beside the fields of the record itself a condition may ask for what hangs on it,
-- such as its tags, and for the fields of its company: see core.segment_relations.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('crm.segments.manage', 'Make, change and remove segments.');
select core.allow_system_roles(
    array['owner', 'admin', 'manager'], array['crm.segments.manage']
);
select core.allow_system_roles(array['agent'], array['crm.segments.manage'], 'own');

insert into core.errors (code, status, message, hint) values
(
    'segment.not_found', 404, 'There is no such segment, or you may not see it.',
    'v1.segments lists those that you may see.'
),
(
    'segment.invalid', 400, 'A segment cannot be saved like this: {field} is wrong.',
    'slug: a lower case letter, then letters, digits, _ and -; kind: dynamic, with a condition, or
static, without one.'
),
(
    'segment.fixed', 409, 'The object and kind of a segment stay.',
    'Make another segment.'
),
(
    'segment.not_static', 409, 'The records of a dynamic segment come from its condition.',
    'Change the condition, or make a static segment.'
),
(
    'segment.too_many', 422, 'A {what} has at most {count}.',
    'Remove some, or split it.'
);

create function core.segments_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 500;

comment on function core.segments_max() is
'How many segments a tenant has: v1.in_segments asks all of an object''s. Internal.';

create function core.segment_members_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 100000;

comment on function core.segment_members_max() is
'How many records a static segment lists. Who has more has a condition. Internal.';

create function core.segment_changes_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1000;

comment on function core.segment_changes_max() is
'How many records are added to a segment, or removed, at once: each is asked whether the caller may
read it. Internal.';

create function core.segment_page_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1000;

comment on function core.segment_page_max() is
'How many records of a segment are answered at once. Signed-in users may call it.';

create function core.segment_count_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1000000;

comment on function core.segment_count_max() is
'Up to how many records of a segment are counted: beyond that nobody reads the digits. Signed-in
users may call it.';

-- What conditions may ask for beside the record ---------------------------------------------------

create table core.segment_relations (
    object text not null references core.objects (object) on delete cascade,
    relation text not null,
    related_object text not null references core.objects (object) on delete cascade,
    column_name text not null,
    label text not null,
    primary key (object, relation),
    constraint relation_is_a_word check (relation ~ '^[a-z]+$')
);
create index segment_relations_related on core.segment_relations (related_object);

comment on table core.segment_relations is
'Records that others refer to, whose fields conditions of segments may ask for: company.industry of
a contact. Global reference data: the same for every tenant.';
comment on column core.segment_relations.relation is 'What the fields begin with, such as company.';
comment on column core.segment_relations.column_name is 'The column with the id.';

create table core.segment_fields (
    object text not null references core.objects (object) on delete cascade,
    field text not null,
    type text not null,
    label text not null,
    description text not null,
    expression text not null,
    finder text,
    primary key (object, field),
    constraint field_is_a_word check (field ~ '^[a-z_]+$'),
    constraint type_is_known check (
        type in ('text', 'number', 'boolean', 'instant', 'date', 'id', 'list')
    )
);

comment on table core.segment_fields is
'What conditions of segments may ask for that is no column but is found out, such as tags. Written
by migrations alone: expression and finder become part of statements. Global reference data: the
same for every tenant.';
comment on column core.segment_fields.expression is 'SQL over the record, which is called base.';
comment on column core.segment_fields.finder is
'SQL that finds the ids of the records of the tenant $3 for which more than nothing is found out: of
a list, those whose list contains a text, which stands for %s; of a number, those where it is above
zero. Through it a segment of one tag reads the records with that tag, not all.';

alter table core.segment_relations enable row level security;
alter table core.segment_fields enable row level security;
create policy segment_relations_read on core.segment_relations for select to authenticated
using (true);
create policy segment_fields_read on core.segment_fields for select to authenticated using (true);
grant select on core.segment_relations, core.segment_fields to authenticated, service_role;

insert into core.segment_relations (object, relation, related_object, column_name, label) values
('crm.contacts', 'company', 'crm.companies', 'company_id', 'Company'),
('crm.deals', 'company', 'crm.companies', 'company_id', 'Company'),
('crm.deals', 'contact', 'crm.contacts', 'contact_id', 'Contact');

insert into core.segment_fields (object, field, type, label, description, expression, finder)
select
    objects.object,
    'tags',
    'list',
    'Tags',
    'The names of its tags.',
    format(
        'array(select tags.name from crm.taggings inner join crm.tags '
        'on tags.tenant_id = taggings.tenant_id and tags.id = taggings.tag_id '
        'where taggings.tenant_id = base.tenant_id and taggings.record_id = base.id '
        'and taggings.object = %L)', objects.object
    ),
    format(
        'select taggings.record_id from crm.tags inner join crm.taggings '
        'on taggings.tenant_id = tags.tenant_id and taggings.tag_id = tags.id '
        'where tags.tenant_id = $3 and tags.name = %%s and taggings.object = %L', objects.object
    )
from core.objects
where objects.object in ('crm.contacts', 'crm.companies', 'crm.leads', 'crm.deals');

insert into core.segment_fields (object, field, type, label, description, expression)
select
    objects.object,
    'last_activity_at',
    'instant',
    'Last activity',
    'When the latest of its activities was done, or noted where it is not to be done.',
    format(
        '(select max(coalesce(activities.done_at, activities.created_at)) '
        'from crm.activity_links as links inner join crm.activities '
        'on activities.tenant_id = links.tenant_id and activities.id = links.activity_id '
        'where links.tenant_id = base.tenant_id and links.record_id = base.id '
        'and links.object = %L)', objects.object
    )
from core.objects
where objects.object in ('crm.contacts', 'crm.companies', 'crm.leads', 'crm.deals');

insert into core.segment_fields (object, field, type, label, description, expression, finder)
select
    linked.object,
    'open_deals',
    'number',
    'Open deals',
    'How many of its deals are open.',
    format(
        '(select count(*) from crm.deals where deals.tenant_id = base.tenant_id '
        'and deals.%I = base.id and deals.stage_kind = ''open'')', linked.column_name
    ),
    format(
        'select deals.%1$I from crm.deals where deals.tenant_id = $3 '
        'and deals.%1$I is not null and deals.stage_kind = %2$L', linked.column_name, 'open'
    )
from (
    values ('crm.contacts', 'contact_id'), ('crm.companies', 'company_id')
) as linked (object, column_name);

select
    core.map_not_personal(
        'Names of kinds of records and of their fields, written by migrations.',
        'core.segment_relations.label', 'core.segment_fields.label',
        'core.segment_fields.description', 'core.segment_relations.column_name'
    );

create function core.fields_for_segments(object text, tenant_id uuid) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    if
        (core.caller()).kind <> 'system'
        and (tenant_id = any(core.tenants_with(object || '.read', 'own'))) is not true
    then
        return '{}';
    end if;
    return core.fields_of(object, tenant_id)
        || (
            select coalesce(
                jsonb_object_agg(
                    fields.field,
                    jsonb_build_object('type', fields.type, 'label', fields.label)
                ),
                '{}'
            )
            from core.segment_fields as fields
            where fields.object = fields_for_segments.object
        )
        || (
            select coalesce(
                jsonb_object_agg(
                    relations.relation || '.' || known.key,
                    known.value || jsonb_build_object(
                        'label',
                        relations.label || ': '
                        || coalesce(known.value ->> 'label', known.key)
                    )
                ),
                '{}'
            )
            from core.segment_relations as relations
            cross join lateral jsonb_each(
                core.fields_of(relations.related_object, tenant_id)
            ) as known
            where relations.object = fields_for_segments.object
        );
end
$$;

comment on function core.fields_for_segments(text, uuid) is
'What conditions of segments may ask for: core.fields_of, what core.segment_fields has beside, and
the fields of core.segment_relations as company.industry. Nothing of a tenant where the caller may
read no such records. Definer, because it reads the tenant''s own fields. Signed-in users may call
it.';

create function core.join_names(condition jsonb, relations text[]) returns jsonb
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    if relations = '{}' then
        return condition;
    end if;
    case jsonb_typeof(condition)
        when 'array' then
            return (
                select coalesce(
                    jsonb_agg(core.join_names(part.value, relations) order by part.place), '[]'
                )
                from jsonb_array_elements(condition) with ordinality as part (value, place)
            );
        when 'object' then
            if jsonb_typeof(condition -> 'field') = 'string' then
                return condition || jsonb_build_object(
                    'field',
                    regexp_replace(
                        condition ->> 'field',
                        '^(' || array_to_string(relations, '|') || ')\.', '\1__'
                    )
                );
            end if;
            return (
                select jsonb_object_agg(part.key, core.join_names(part.value, relations))
                from jsonb_each(condition) as part
            );
        else
            return condition;
    end case;
end
$$;

comment on function core.join_names(jsonb, text[]) is
'A condition in which a field of a relation is one column, company__industry for company.industry:
so the columns of a related record are compared with their types, and by their indexes. Internal.';

create function core.segment_source(object text, tenant_id uuid, condition jsonb)
returns table (source text, clause text, bound jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    relations constant text[] := array(
        select relations.relation from core.segment_relations as relations
        where relations.object = segment_source.object
        order by relations.relation
    );
    fields constant jsonb := core.fields_for_segments(object, tenant_id);
    asked constant jsonb := core.join_names(condition, relations);
    joined jsonb;
    names text[];
    columns text;
    joins text;
    listed record;
begin
    if condition is null then
        return query
        select
            format(
                '(select base.*, to_jsonb(base) as "record of segment" from %s as base)',
                known.relation
            ),
            'true',
            '[]'::jsonb;
        return;
    end if;
    -- Told in the names that its author used.
    perform tenon.condition_check(condition, fields);
    joined := (
        select jsonb_object_agg(
            case
                when split_part(entries.key, '.', 1) = any(relations)
                    then regexp_replace(entries.key, '\.', '__')
                else entries.key
            end,
            entries.value
        )
        from jsonb_each(fields) as entries
    );
    names := array(
        select distinct split_part(leaf ->> 'field', '.', 1)
        from jsonb_path_query(asked, 'strict $.** ? (exists(@.field))') as leaf
        where jsonb_typeof(leaf -> 'field') = 'string'
    );
    select coalesce(string_agg(', ' || part.expression, '' order by part.expression), '')
    into columns
    from (
        select extra.expression || ' as ' || quote_ident(extra.field)
        from core.segment_fields as extra
        where extra.object = segment_source.object and extra.field = any(names)
        union all
        select
            format(
                '%I.%I as %I', relations.relation, part.column_name,
                relations.relation || '__' || part.column_name
            )
        from core.segment_relations as relations
        cross join lateral (
            select attributes.attname as column_name
            from core.objects as others
            inner join pg_attribute as attributes
                on
                    attributes.attrelid = others.relation::regclass
                    and attributes.attnum > 0
                    and not attributes.attisdropped
            where others.object = relations.related_object
        ) as part
        where
            relations.object = segment_source.object
            and relations.relation || '__' || part.column_name = any(names)
    ) as part (expression);
    select coalesce(
        string_agg(
            format(
                ' left join %1$s as %2$I '
                'on %2$I.tenant_id = base.tenant_id and %2$I.id = base.%3$I',
                others.relation, relations.relation, relations.column_name
            ),
            '' order by relations.relation
        ),
        ''
    )
    into joins
    from core.segment_relations as relations
    inner join core.objects as others on others.object = relations.related_object
    where
        relations.object = segment_source.object
        and exists (
            select from unnest(names) as name
            where starts_with(name, relations.relation || '__')
        );
    clause := tenon.condition_where(asked, joined, 'record');
    bound := tenon.condition_values(asked, joined);
    -- What the whole of it takes is looked up first, where there is a finder.
    for listed in
        select
            extra.finder,
            whole.leaf -> 'value' as wanted
        from (
            select condition as leaf
            union all
            select jsonb_array_elements(
                case jsonb_typeof(condition -> 'all')
                    when 'array' then condition -> 'all' else '[]'
                end
            )
        ) as whole
        inner join core.segment_fields as extra
            on
                extra.object = segment_source.object
                and extra.field = whole.leaf ->> 'field'
                and extra.finder is not null
                and case extra.type
                    when 'list' then
                        whole.leaf ->> 'op' = 'contains'
                        and jsonb_typeof(whole.leaf -> 'value') = 'string'
                    else
                        whole.leaf ->> 'op' in ('=', '>', '>=')
                        and jsonb_typeof(whole.leaf -> 'value') = 'number'
                        and whole.leaf ->> 'value' !~ '^-'
                        and (
                            whole.leaf ->> 'op' = '>'
                            or whole.leaf ->> 'value' ~ '[1-9]'
                        )
                end
    loop
        clause := format(
            'record.id in (%s) and %s',
            format(listed.finder, format('($1 ->> %s)', jsonb_array_length(bound))), clause
        );
        bound := bound || jsonb_build_array(listed.wanted);
    end loop;
    source := format(
        '(select base.*, to_jsonb(base) as "record of segment"%s from %s as base%s)',
        columns, known.relation, joins
    );
    return next;
end
$$;

comment on function core.segment_source(text, uuid, jsonb) is
'Where the records of a condition are looked for: source, a table expression; clause, a condition
over it as record; and bound, the values that are $1 there, beside $2, the instant, and $3, the
tenant. No value that a user wrote is in source or clause. Raises what tenon.condition_check
raises. Signed-in users may call it.';
revoke all on function
core.segments_max(),
core.segment_members_max(),
core.segment_changes_max(),
core.segment_page_max(),
core.segment_count_max(),
core.fields_for_segments(text, uuid),
core.join_names(jsonb, text[]),
core.segment_source(text, uuid, jsonb)
from public;
grant execute on function
core.segment_page_max(),
core.segment_count_max(),
core.fields_for_segments(text, uuid),
core.join_names(jsonb, text[]),
core.segment_source(text, uuid, jsonb)
to authenticated, service_role;

-- The tables --------------------------------------------------------------------------------------

create table core.segments (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    object text not null references core.objects (object),
    slug text not null,
    name text not null,
    description text,
    kind text not null,
    condition jsonb,
    is_shared boolean not null default false,
    owner_id uuid default core.default_owner() references auth.users (id) on delete set null,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    updated_at timestamptz not null default now(),
    updated_by uuid,
    primary key (tenant_id, id),
    constraint segment_slug_is_unique unique nulls not distinct (tenant_id, object, owner_id, slug),
    constraint slug_is_a_word check (slug ~ '^[a-z][a-z0-9_-]{0,62}$'),
    constraint name_is_short check (char_length(name) between 1 and 200),
    constraint description_is_short check (char_length(description) <= 2000),
    constraint kind_is_known check (kind in ('dynamic', 'static')),
    constraint dynamic_has_a_condition check ((kind = 'dynamic') = (condition is not null))
);
create index segments_object on core.segments (object);
create index segments_owner on core.segments (owner_id, tenant_id) where owner_id is not null;

comment on table core.segments is
'Records that are looked at together: those for which a condition holds, or those on a list.';
comment on column core.segments.slug is 'What programs call it, once for each owner and object.';
comment on column core.segments.kind is
'dynamic: the records for which the condition holds; static: those in core.segment_members.';
comment on column core.segments.is_shared is
'Whether all who may read records of the object in the tenant see the segment, and not its owner
alone.';

create table core.segment_members (
    tenant_id uuid not null,
    segment_id uuid not null,
    object text not null references core.objects (object),
    record_id uuid not null,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, segment_id, record_id),
    foreign key (tenant_id, segment_id) references core.segments (tenant_id, id) on delete cascade
);
create index segment_members_record on core.segment_members (tenant_id, record_id);
create index segment_members_object on core.segment_members (object);

comment on table core.segment_members is 'Which records are on the list of a static segment.';

alter table core.segments enable row level security;
create policy segments_read on core.segments for select to authenticated
using (
    tenant_id = any((select core.tenants_with('crm.segments.manage'))::uuid[])
    or (
        owner_id = (select core.caller_id())
        and tenant_id = any((select core.tenants_with('crm.segments.manage', 'own'))::uuid[])
    )
    or (
        is_shared
        and object || ' ' || tenant_id = any((select core.records_reached('read', 'own'))::text[])
    )
);
select core.guard_linked('core.segment_members', 'read');
create policy segment_members_of_segments on core.segment_members as restrictive for select
to authenticated
using (
    exists (
        select from core.segments
        where
            segments.tenant_id = segment_members.tenant_id
            and segments.id = segment_members.segment_id
    )
);
grant select on core.segments, core.segment_members to authenticated;
grant all on core.segments, core.segment_members to service_role;

select
    core.map_personal(
        mapped, 'user.unique_id', split_part(mapped, '.', 3) || ' is user_id', 'set_null'
    )
from
    unnest(array[
        'core.segments.owner_id', 'core.segments.created_by', 'core.segments.updated_by',
        'core.segment_members.created_by'
    ]) as mapped;
select
    core.map_personal(
        'core.segment_members.record_id', 'user.unique_id', 'record_id in crm.contacts.id',
        'delete_row'
    );
select
    core.map_not_personal(
        'What the tenant calls a set of records, and by what it is found.',
        'core.segments.name', 'core.segments.description', 'core.segments.condition'
    );
select core.audit('core.segments'::regclass, '{updated_at,updated_by}');
select core.audit('core.segment_members'::regclass);

-- Writing -----------------------------------------------------------------------------------------

create function core.segment_to_change(segment_id uuid) returns core.segments
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    segment core.segments;
    is_seen boolean;
begin
    select segments.* into segment
    from core.segments
    where
        segments.id = segment_id
        and (
            (core.caller()).kind = 'system'
            or segments.tenant_id in (
                select reached.tenant_id from core.tenants_with_records('read', 'own') as reached
                where reached.object = segments.object
            )
        )
    for no key update;
    is_seen := segment.id is not null and (
        core.reaches('crm.segments.manage', segment.tenant_id, segment.owner_id)
        or segment.is_shared
    );
    if is_seen is not true then
        perform core.fail('segment.not_found');
    elsif not core.reaches('crm.segments.manage', segment.tenant_id, segment.owner_id) then
        perform core.fail('tenancy.permission_missing', '{"permission": "crm.segments.manage"}');
    end if;
    return segment;
end
$$;

comment on function core.segment_to_change(uuid) is
'A segment, locked, that the caller may change. Raises segment.not_found (404) and
tenancy.permission_missing (403). Internal.';

create function core.segment_answer(segment core.segments) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object(
        'id', segment.id, 'tenant_id', segment.tenant_id, 'object', segment.object,
        'slug', segment.slug, 'name', segment.name, 'kind', segment.kind,
        'is_shared', segment.is_shared, 'condition', segment.condition,
        'text', tenon.condition_text(
            segment.condition, core.fields_for_segments(segment.object, segment.tenant_id)
        )
    );
end
$$;

comment on function core.segment_answer(core.segments) is
'A segment as functions of v1 answer. Internal.';

create function core.save_segment(
    object text,
    slug text,
    name text,
    kind text,
    condition jsonb,
    description text,
    is_shared boolean,
    segment_id uuid
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    asked constant jsonb := nullif(condition, 'null');
    segment core.segments;
    of_tenant uuid;
    wrong constant text := case
        when (slug ~ '^[a-z][a-z0-9_-]{0,62}$') is not true then 'slug'
        when (char_length(name) between 1 and 200) is not true then 'name'
        when char_length(description) > 2000 then 'description'
        when (kind in ('dynamic', 'static')) is not true then 'kind'
        when (kind = 'dynamic') <> (asked is not null) then 'condition'
        when is_shared is null then 'is_shared'
    end;
begin
    if wrong is not null then
        perform core.fail('segment.invalid', jsonb_build_object('field', wrong));
    end if;
    if segment_id is not null then
        segment := core.segment_to_change(segment_id);
        of_tenant := segment.tenant_id;
    else
        of_tenant := core.sole_tenant_with('crm.segments.manage', 'own');
        select segments.* into segment
        from core.segments
        where
            segments.tenant_id = of_tenant
            and segments.object = known.object
            and segments.owner_id is not distinct from core.default_owner()
            and segments.slug = save_segment.slug
        for no key update;
    end if;
    if
        segment.id is not null
        and (segment.object <> known.object or segment.kind <> save_segment.kind)
    then
        perform core.fail('segment.fixed');
    elsif
        (core.caller()).kind <> 'system'
        and (of_tenant = any(core.tenants_with(known.object || '.read', 'own'))) is not true
    then
        perform core.fail(
            'tenancy.permission_missing',
            jsonb_build_object('permission', known.object || '.read')
        );
    elsif
        segment.id is null
        and (select count(*) from core.segments where segments.tenant_id = of_tenant)
        >= core.segments_max()
    then
        perform core.fail(
            'segment.too_many',
            jsonb_build_object('what', 'tenant', 'count', core.segments_max() || ' segments')
        );
    end if;
    if asked is not null then
        perform tenon.condition_check(asked, core.fields_for_segments(known.object, of_tenant));
    end if;
    if segment.id is null then
        insert into core.segments (
            tenant_id, object, slug, name, description, kind, condition, is_shared
        )
        values (
            of_tenant, known.object, save_segment.slug, save_segment.name,
            save_segment.description, save_segment.kind, asked, save_segment.is_shared
        )
        returning * into segment;
    else
        update core.segments
        set
            slug = save_segment.slug,
            name = save_segment.name,
            description = save_segment.description,
            condition = asked,
            is_shared = save_segment.is_shared,
            updated_at = now(),
            updated_by = core.caller_id()
        where segments.tenant_id = segment.tenant_id and segments.id = segment.id
        returning * into segment;
    end if;
    return core.segment_answer(segment);
end
$$;

comment on function core.save_segment(text, text, text, text, jsonb, text, boolean, uuid) is
'What v1.save_segment does. Definer, because it writes core.segments. Signed-in users may call it.';

create function core.delete_segment(segment_id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    segment constant core.segments := core.segment_to_change(segment_id);
begin
    delete from core.segments
    where segments.tenant_id = segment.tenant_id and segments.id = segment.id;
    return jsonb_build_object('id', segment.id, 'deleted', true);
end
$$;

comment on function core.delete_segment(uuid) is
'What v1.delete_segment does. Definer, because it writes core.segments. Signed-in users may call
it.';

create function core.change_members(segment_id uuid, record_ids uuid[], adding boolean)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    segment constant core.segments := core.segment_to_change(segment_id);
    given constant uuid[] := array(
        select distinct record_id from unnest(record_ids) as record_id order by record_id
    );
    changed bigint;
begin
    if segment.kind <> 'static' then
        perform core.fail('segment.not_static');
    elsif cardinality(given) > core.segment_changes_max() then
        perform core.fail(
            'segment.too_many',
            jsonb_build_object('what', 'call', 'count', core.segment_changes_max() || ' records')
        );
    end if;
    if adding then
        if exists (
            select from unnest(given) as record_id
            where not core.reaches_record(segment.object, segment.tenant_id, record_id)
        ) then
            perform core.fail('record.not_found');
        end if;
        insert into core.segment_members (tenant_id, segment_id, object, record_id)
        select segment.tenant_id, segment.id, segment.object, record_id
        from unnest(given) as record_id
        on conflict do nothing;
        get diagnostics changed = row_count;
        if (
            select count(*) > core.segment_members_max() from core.segment_members as members
            where members.tenant_id = segment.tenant_id and members.segment_id = segment.id
        ) then
            perform core.fail(
                'segment.too_many',
                jsonb_build_object(
                    'what', 'static segment', 'count', core.segment_members_max() || ' records'
                )
            );
        end if;
    else
        delete from core.segment_members as members
        where
            members.tenant_id = segment.tenant_id
            and members.segment_id = segment.id
            and members.record_id = any(given)
            and core.reaches_record(members.object, members.tenant_id, members.record_id);
        get diagnostics changed = row_count;
    end if;
    return jsonb_build_object(
        'id', segment.id,
        case when adding then 'added' else 'removed' end, changed,
        'unchanged', cardinality(given) - changed
    );
end
$$;

comment on function core.change_members(uuid, uuid[], boolean) is
'What v1.add_to_segment and v1.remove_from_segment do. Definer, because it writes
core.segment_members; it asks of each record whether the caller may read it. Signed-in users may
call it.';
revoke all on function
core.segment_to_change(uuid),
core.segment_answer(core.segments),
core.save_segment(text, text, text, text, jsonb, text, boolean, uuid),
core.delete_segment(uuid),
core.change_members(uuid, uuid[], boolean)
from public;
grant execute on function
core.save_segment(text, text, text, text, jsonb, text, boolean, uuid),
core.delete_segment(uuid),
core.change_members(uuid, uuid[], boolean)
to authenticated, service_role;

-- Reading -----------------------------------------------------------------------------------------

create function core.segment_named(segment_id uuid) returns core.segments
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    segment core.segments;
begin
    -- Under the caller's policies.
    select segments.* into segment from core.segments where segments.id = segment_id;
    if not found then
        perform core.fail('segment.not_found');
    end if;
    return segment;
end
$$;

comment on function core.segment_named(uuid) is
'A segment that the caller may see. Raises segment.not_found (404). Signed-in users may call it.';

create function core.records_of_segment(
    segment core.segments, after uuid, max_count integer, only_id uuid default null
)
returns table (id uuid, label text, record jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(segment.object);
    query record;
begin
    select part.* into strict query
    from core.segment_source(segment.object, segment.tenant_id, segment.condition) as part;
    return query execute format(
        'select record.id, record.%I::text, record."record of segment" from %s as record '
        'where record.tenant_id = $3 and (%s)%s%s%s order by record.id limit $7',
        known.label_column,
        query.source,
        query.clause,
        case when after is not null then ' and record.id > $4' end,
        case when only_id is not null then ' and record.id = $5' end,
        case when segment.kind = 'static' then
            ' and record.id in (select members.record_id from core.segment_members as members '
            'where members.tenant_id = $3 and members.segment_id = $6)'
        end
    )
    using query.bound, now(), segment.tenant_id, after, only_id, segment.id, max_count;
end
$$;

comment on function core.records_of_segment(core.segments, uuid, integer, uuid) is
'The records of a segment that the caller may read, by their ids. Runs with the caller''s rights
and policies. Signed-in users may call it.';

create function core.count_segment(segment core.segments) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    query record;
    counted bigint;
begin
    select part.* into strict query
    from core.segment_source(segment.object, segment.tenant_id, segment.condition) as part;
    execute format(
        'select count(*) from (select from %s as record where record.tenant_id = $3 and (%s)%s '
        'limit $5) as counted',
        query.source,
        query.clause,
        case when segment.kind = 'static' then
            ' and record.id in (select members.record_id from core.segment_members as members '
            'where members.tenant_id = $3 and members.segment_id = $4)'
        end
    )
    into counted
    using query.bound, now(), segment.tenant_id, segment.id, core.segment_count_max() + 1;
    return jsonb_build_object(
        'count', least(counted, core.segment_count_max()),
        'is_exact', counted <= core.segment_count_max()
    );
end
$$;

comment on function core.count_segment(core.segments) is
'How many records of a segment the caller may read: {count, is_exact}, false where there are more
than are counted. Runs with the caller''s rights and policies. Signed-in users may call it.';
revoke all on function
core.segment_named(uuid),
core.records_of_segment(core.segments, uuid, integer, uuid),
core.count_segment(core.segments)
from public;
grant execute on function
core.segment_named(uuid),
core.records_of_segment(core.segments, uuid, integer, uuid),
core.count_segment(core.segments)
to authenticated, service_role;

-- The API -----------------------------------------------------------------------------------------

create view v1.segments with (security_invoker = true) as
select
    segments.tenant_id,
    segments.id,
    segments.object,
    segments.slug,
    segments.name,
    segments.description,
    segments.kind,
    segments.condition,
    tenon.condition_text(
        segments.condition, core.fields_for_segments(segments.object, segments.tenant_id)
    ) as text,
    segments.is_shared,
    segments.owner_id,
    segments.created_at,
    segments.created_by,
    segments.updated_at,
    segments.updated_by
from core.segments;

comment on view v1.segments is
'Segments, with the condition in words: your own, those that are shared with all who may read
records of the object, and with crm.segments.manage in the whole tenant all.';

create view v1.segment_members with (security_invoker = true) as
select
    segment_members.tenant_id,
    segment_members.segment_id,
    segment_members.object,
    segment_members.record_id,
    segment_members.created_at,
    segment_members.created_by
from core.segment_members;

comment on view v1.segment_members is
'Which records are on the lists of static segments: those that you may read, of segments that you
may see.';
grant select on v1.segments, v1.segment_members to authenticated, service_role;

create function v1.segment_fields(object text) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.object_named(object);
    return core.fields_for_segments(
        object, core.sole_tenant_with(segment_fields.object || '.read', 'own')
    );
end
$$;

comment on function v1.segment_fields(text) is
'What conditions of segments may ask for: {"city": {"type": "text", "label": "City"}, "tags": …,
"company.industry": …}. tenon.condition_schema makes a JSON Schema of it. Needs object.read. Raises
record.object_unknown (400). Signed-in users may call it.';

create function v1.save_segment(
    object text,
    slug text,
    name text,
    condition jsonb default null,
    kind text default 'dynamic',
    description text default null,
    is_shared boolean default false,
    segment_id uuid default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'save_segment',
            jsonb_build_object(
                'object', save_segment.object, 'slug', save_segment.slug,
                'name', save_segment.name, 'condition', save_segment.condition,
                'kind', save_segment.kind, 'description', save_segment.description,
                'is_shared', save_segment.is_shared, 'segment_id', save_segment.segment_id
            )
        ),
        core.store_answer(core.save_segment(
            save_segment.object, save_segment.slug, save_segment.name, save_segment.kind,
            save_segment.condition, save_segment.description, save_segment.is_shared,
            save_segment.segment_id
        ))
    );
end
$$;

comment on function v1.save_segment(text, text, text, jsonb, text, text, boolean, uuid) is
'Saves a segment: a new one, your own of this slug, or the one that segment_id names. kind:
dynamic, with a condition, or static. Answers it, with the condition in words. Needs
crm.segments.manage (with the scope own for own segments) and object.read. Raises segment.invalid,
condition.… (400), with the place in the details, segment.fixed (409), segment.too_many (422),
segment.not_found (404). Signed-in users may call it.';

create function v1.delete_segment(segment_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer('delete_segment', jsonb_build_object('segment_id', segment_id)),
        core.store_answer(core.delete_segment(segment_id))
    );
end
$$;

comment on function v1.delete_segment(uuid) is
'Removes a segment, and none of its records. Needs crm.segments.manage. Raises segment.not_found
(404). Signed-in users may call it.';

create function v1.add_to_segment(segment_id uuid, record_ids uuid[]) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'add_to_segment',
            jsonb_build_object('segment_id', segment_id, 'record_ids', record_ids)
        ),
        core.store_answer(core.change_members(segment_id, record_ids, true))
    );
end
$$;

comment on function v1.add_to_segment(uuid, uuid[]) is
'Puts up to 1,000 records on the list of a static segment: {id, added, unchanged}. Needs
crm.segments.manage, and that you may read each of them. Raises segment.not_found, record.not_found
(404), segment.not_static (409), segment.too_many (422). Signed-in users may call it.';

create function v1.remove_from_segment(segment_id uuid, record_ids uuid[]) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'remove_from_segment',
            jsonb_build_object('segment_id', segment_id, 'record_ids', record_ids)
        ),
        core.store_answer(core.change_members(segment_id, record_ids, false))
    );
end
$$;

comment on function v1.remove_from_segment(uuid, uuid[]) is
'Takes up to 1,000 records off the list of a static segment: {id, removed, unchanged}. Needs
crm.segments.manage. Raises segment.not_found (404), segment.not_static (409), segment.too_many
(422). Signed-in users may call it.';

create function v1.segment_records(
    segment_id uuid, after uuid default null, max_count integer default 100
)
returns table (id uuid, label text, record jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select found.id, found.label, found.record
    from core.records_of_segment(
        core.segment_named(segment_id), after,
        least(greatest(max_count, 0), core.segment_page_max())
    ) as found;
end
$$;

comment on function v1.segment_records(uuid, uuid, integer) is
'The records of a segment that you may read, by their ids, up to 1,000 at a time: go on after the
last id. Raises segment.not_found (404), and condition.… where a field that the condition asks for
is gone. Signed-in users may call it.';

create function v1.segment_count(segment_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return core.count_segment(core.segment_named(segment_id));
end
$$;

comment on function v1.segment_count(uuid) is
'How many records of a segment you may read: {count, is_exact}; beyond a million it is not counted
further, and not exact. Raises segment.not_found (404). Signed-in users may call it.';

create function v1.preview_segment(object text, condition jsonb, max_count integer default 20)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    segment core.segments;
begin
    segment.object := (core.object_named(object)).object;
    segment.tenant_id := core.sole_tenant_with(preview_segment.object || '.read', 'own');
    segment.kind := 'dynamic';
    segment.condition := nullif(preview_segment.condition, 'null');
    if segment.condition is null then
        perform core.fail('segment.invalid', '{"field": "condition"}');
    end if;
    return core.count_segment(segment) || jsonb_build_object(
        'text', tenon.condition_text(
            segment.condition, core.fields_for_segments(segment.object, segment.tenant_id)
        ),
        'records', (
            select coalesce(jsonb_agg(to_jsonb(page) order by page.id), '[]')
            from core.records_of_segment(
                segment, null, least(greatest(max_count, 0), core.segment_page_max())
            ) as page
        )
    );
end
$$;

comment on function v1.preview_segment(text, jsonb, integer) is
'What a condition would find, before it is saved: {count, is_exact, text, records: [{id, label,
record}]}. Needs object.read. Raises condition.…, segment.invalid, record.object_unknown (400).
Signed-in users may call it.';

create function v1.in_segments(object text, record_id uuid)
returns table (segment_id uuid, slug text, name text)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    of_tenant uuid;
    segment core.segments;
begin
    execute format('select record.tenant_id from %s as record where record.id = $1', known.relation)
    into of_tenant
    using record_id;
    if of_tenant is null then
        perform core.fail('record.not_found');
    end if;
    for segment in
        select segments.* from core.segments
        where segments.tenant_id = of_tenant and segments.object = known.object
        order by segments.name, segments.id
    loop
        begin
            if exists (
                select from core.records_of_segment(segment, null, 1, in_segments.record_id)
            ) then
                segment_id := segment.id;
                slug := segment.slug;
                name := segment.name;
                return next;
            end if;
        exception
            -- A segment that asks for a field that is gone has no records.
            when sqlstate 'PGRST' then null;
        end;
    end loop;
end
$$;

comment on function v1.in_segments(text, uuid) is
'In which of the segments that you may see a record is. Raises record.not_found (404) and
record.object_unknown (400). Signed-in users may call it.';

revoke all on function
v1.segment_fields(text),
v1.save_segment(text, text, text, jsonb, text, text, boolean, uuid),
v1.delete_segment(uuid),
v1.add_to_segment(uuid, uuid[]),
v1.remove_from_segment(uuid, uuid[]),
v1.segment_records(uuid, uuid, integer),
v1.segment_count(uuid),
v1.preview_segment(text, jsonb, integer),
v1.in_segments(text, uuid)
from public;
grant execute on function
v1.segment_fields(text),
v1.save_segment(text, text, text, jsonb, text, text, boolean, uuid),
v1.delete_segment(uuid),
v1.add_to_segment(uuid, uuid[]),
v1.remove_from_segment(uuid, uuid[]),
v1.segment_records(uuid, uuid, integer),
v1.segment_count(uuid),
v1.preview_segment(text, jsonb, integer),
v1.in_segments(text, uuid)
to authenticated, service_role;
