-- Conversion: a lead becomes a contact, a company and, if asked, a deal, and can be taken back.
--
-- What it becomes is decided by tenon.conversion_plan, and what can be taken back by
-- tenon.conversion_undo: here what may be looked at is found, locked in one order (the lead, what
-- it is known by, companies, contacts, deals) and written, in one transaction. Nobody's conversion
-- finds or fills a record that they could not write themselves; where only such a one would fit, a
-- new one is made. Nothing is overwritten, and what a lead knows beyond a full field is kept beside
-- it.

set local lock_timeout = '5s';

insert into core.errors (code, status, message, hint) values
(
    'conversion.options_invalid', 400, 'The options of a conversion are wrong at {path}.',
    'contact and company are "find", "create" or "none", contact_id and company_id ids; deal is true
or an object.'
),
(
    'conversion.nothing_named', 422, 'Nothing in the lead names a person or a company.',
    'Give the lead a name, an e-mail, a phone or a company, or name the contact to convert it into.'
),
(
    'conversion.malformed', 500, 'What a conversion is decided by cannot be read.',
    'Tell whoever operates the database.'
),
(
    'conversion.done', 409, 'The lead has been converted already.',
    'v1.conversions says into what; v1.undo_conversion takes it back.'
),
(
    'conversion.version_conflict', 409, 'The lead has version {version}, not {expected_version}.',
    'Read the lead again, and send the version that it has.'
),
(
    'conversion.too_much_linked', 422,
    'More than {links_max} activities, tags and attachments hang on the lead.',
    'Remove what is not to be carried.'
),
(
    'conversion.not_found', 404, 'There is no such conversion, or you may not see it.',
    'Check the id, and the tenant that you act in.'
),
(
    'conversion.undone', 409, 'The conversion has been taken back already.',
    'Convert the lead again.'
),
(
    'conversion.window_over', 409, 'A conversion can be taken back until {undo_until}.',
    'Change the records by hand. The tenant''s setting crm.conversion_undo_hours is for later ones.'
),
(
    'conversion.undo_blocked', 409, 'What the conversion made or filled has been used since.',
    'The details say what. With force, that is kept and the rest is taken back.'
);

insert into core.event_types (type, description, permission) values
(
    'crm.lead.converted',
    'A lead was converted. conversion, contact, company and deal: ids, null for what there is not.',
    'crm.leads.read'
),
(
    'crm.lead.reopened', 'The conversion of a lead was taken back. conversion: its id.',
    'crm.leads.read'
);

create function crm.conversion_candidates_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 50;

comment on function crm.conversion_candidates_max() is
'Among how many records that fit by one rule a conversion chooses, the oldest first: more of one
e-mail or name are a mistake that a conversion need not read through. Internal.';

create function crm.conversion_links_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 2000;

comment on function crm.conversion_links_max() is
'How many activities, tags and attachments of a lead a conversion carries: years of work on one
lead, and still a moment''s. Internal.';

create function crm.conversion_undo_window(tenant_id uuid) returns interval
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    hours constant text := (
        select tenants.settings #>> '{crm,conversion_undo_hours}'
        from core.tenants
        where tenants.id = conversion_undo_window.tenant_id
    );
begin
    return make_interval(hours => case when hours ~ '^\d{1,4}$' then hours::integer else 24 end);
end
$$;

comment on function crm.conversion_undo_window(uuid) is
'For how long a tenant''s conversions can be taken back: its setting {"crm":
{"conversion_undo_hours": 24}}, a day where it says nothing. Definer, because it reads the
settings. Internal.';
revoke all on function
crm.conversion_candidates_max(), crm.conversion_links_max(), crm.conversion_undo_window(uuid)
from public;

-- Contacts and leads meet by phone too. The tables are as new as this, and empty.
-- squawk-ignore require-concurrent-index-creation
create index contacts_phone on crm.contacts (core.normal_identifier('phone', phone), tenant_id)
where phone is not null;
-- squawk-ignore require-concurrent-index-creation
create index contact_points_phone
on crm.contact_points (core.normal_identifier('phone', value), tenant_id)
where kind = 'phone';

create table crm.conversions (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    lead_id uuid not null,
    contact_id uuid,
    contact_rule text not null,
    contact_created boolean not null,
    company_id uuid,
    company_rule text not null,
    company_created boolean not null,
    deal_id uuid,
    decision jsonb not null,
    effects jsonb not null,
    passed_over uuid[] not null,
    stage_before text,
    stage_after text,
    undo_until timestamptz not null,
    converted_at timestamptz not null default now(),
    converted_by uuid default core.caller_id(),
    undone_at timestamptz,
    undone_by uuid,
    undone jsonb,
    object text not null generated always as ('crm.leads') stored,
    record_id uuid not null generated always as (lead_id) stored,
    primary key (tenant_id, id),
    foreign key (tenant_id, lead_id) references crm.leads (tenant_id, id) on delete cascade,
    foreign key (tenant_id, contact_id) references crm.contacts (tenant_id, id)
    on delete set null (contact_id),
    foreign key (tenant_id, company_id) references crm.companies (tenant_id, id)
    on delete set null (company_id),
    foreign key (tenant_id, deal_id) references crm.deals (tenant_id, id)
    on delete set null (deal_id),
    constraint rules_are_known check (
        contact_rule in ('given', 'email', 'phone', 'name', 'new', 'nothing')
        and company_rule in ('given', 'domain', 'name', 'contact', 'new', 'nothing')
    )
);
create unique index conversions_of_a_lead on crm.conversions (tenant_id, lead_id)
where undone_at is null;
create index conversions_record on crm.conversions (tenant_id, record_id, converted_at desc);
create index conversions_lead on crm.conversions (tenant_id, lead_id);
create index conversions_contact on crm.conversions (tenant_id, contact_id)
where contact_id is not null;
create index conversions_company on crm.conversions (tenant_id, company_id)
where company_id is not null;
create index conversions_deal on crm.conversions (tenant_id, deal_id) where deal_id is not null;

comment on table crm.conversions is
'What became of leads, by which rules, and what was taken back. It goes with its lead.';
comment on column crm.conversions.contact_rule is
'By what the contact was chosen: given, email, phone or name; new for one that was made, nothing
for none.';
comment on column crm.conversions.company_rule is
'By what the company was chosen: given, domain, name or contact, whose company it is; new for one
that was made, nothing for none.';
comment on column crm.conversions.decision is
'What tenon.conversion_plan decided: the fields that were filled and from where, those that were
kept although the lead says something else, and what was added to crm.contact_points.';
comment on column crm.conversions.effects is
'What was written, for tenon.conversion_undo: the records with the values that were filled and
those before, and what was carried.';
comment on column crm.conversions.passed_over is
'Contacts and companies that would have fitted, but which whoever converted may not write. Shown to
nobody who converts.';
comment on column crm.conversions.stage_after is
'The won stage that the lead was moved to; null where its pipeline had no way there.';
comment on column crm.conversions.stage_before is 'Where a lead that was moved stood before.';
comment on column crm.conversions.undone is 'What was taken back, and what was kept and why.';

select core.guard_linked('crm.conversions');
grant select (
    tenant_id, id, lead_id, contact_id, contact_rule, contact_created, company_id, company_rule,
    company_created, deal_id, decision, stage_before, stage_after, undo_until, converted_at,
    converted_by, undone_at, undone_by, undone, object, record_id
) on crm.conversions to authenticated;
grant all on crm.conversions to service_role;

select
    core.map_personal(
        'crm.conversions.' || mapped, 'user.unique_id', mapped || ' is user_id', 'set_null'
    )
from unnest(array['converted_by', 'undone_by']) as mapped;
select
    core.map_personal(
        'crm.conversions.' || mapped, 'user', 'contact_id in crm.contacts.id', 'pseudonymise'
    )
from unnest(array['decision', 'effects']) as mapped;
select
    core.map_personal(
        'crm.conversions.contact_id', 'user.unique_id', 'contact_id in crm.contacts.id', 'keep',
        'That a lead became a contact stays; what was said of them is erased.'
    );
select
    core.map_not_personal(
        'Goes with its lead; or names of fields and tables, and ids.',
        'crm.conversions.lead_id', 'crm.conversions.undone'
    );

select core.audit('crm.conversions'::regclass);

-- What a lead may be about ------------------------------------------------------------------------

create function crm.conversion_matches(lead jsonb, keys jsonb)
returns table (object text, id uuid, is_reached boolean)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    of_tenant constant uuid := lead ->> 'tenant_id';
    company_names constant text[] := array[
        keys ->> 'company',
        lower(btrim(lead ->> 'company_name')),
        lower(regexp_replace(btrim(lead ->> 'company_name'), '\s+', ' ', 'g'))
    ];
    person_names constant text[] := array[
        keys ->> 'person',
        lower(btrim(concat_ws(' ', btrim(lead ->> 'given_name'), btrim(lead ->> 'family_name'))))
    ];
    company_ids uuid[];
begin
    return query
    with matching as (
        select companies.*
        from crm.companies
        where
            companies.tenant_id = of_tenant
            and (
                lower(companies.domain) = keys ->> 'domain'
                or (
                    keys ->> 'company' is not null
                    and lower(companies.name) = any(company_names)
                )
            )
    )
    select
        'crm.companies',
        matching.id,
        core.reaches(
            'crm.companies.read', matching.tenant_id, matching.owner_id, matching.team_id
        ) and core.reaches(
            'crm.companies.write', matching.tenant_id, matching.owner_id, matching.team_id
        ) as is_reached
    from matching
    order by is_reached desc, matching.created_at, matching.id
    limit crm.conversion_candidates_max();

    company_ids := array(
        select companies.id
        from crm.companies
        where
            companies.tenant_id = of_tenant
            and (
                companies.id = (keys ->> 'company_id')::uuid
                or lower(companies.domain) = keys ->> 'domain'
                or (
                    keys ->> 'company' is not null
                    and lower(companies.name) = any(company_names)
                )
            )
        limit crm.conversion_candidates_max()
    );
    return query
    with matching as (
        select contacts.id
        from crm.contacts
        where contacts.tenant_id = of_tenant and lower(btrim(contacts.email)) = keys ->> 'email'
        union
        select points.contact_id
        from crm.contact_points as points
        where
            points.tenant_id = of_tenant
            and points.kind = 'email'
            and points.contact_id is not null
            and lower(btrim(points.value)) = keys ->> 'email'
        union
        select contacts.id
        from crm.contacts
        where
            contacts.tenant_id = of_tenant
            and core.normal_identifier('phone', contacts.phone) = keys ->> 'phone'
        union
        select points.contact_id
        from crm.contact_points as points
        where
            points.tenant_id = of_tenant
            and points.kind = 'phone'
            and points.contact_id is not null
            and core.normal_identifier('phone', points.value) = keys ->> 'phone'
        union
        select contacts.id
        from crm.contacts
        where
            contacts.tenant_id = of_tenant
            and keys ->> 'person' is not null
            and lower(contacts.name) = any(person_names)
            and (
                contacts.company_id = any(company_ids)
                or exists (
                    select from crm.contact_companies as others
                    where
                        others.tenant_id = contacts.tenant_id
                        and others.contact_id = contacts.id
                        and others.company_id = any(company_ids)
                )
            )
    )
    select
        'crm.contacts',
        contacts.id,
        core.reaches(
            'crm.contacts.read', contacts.tenant_id, contacts.owner_id, contacts.team_id
        ) and core.reaches(
            'crm.contacts.write', contacts.tenant_id, contacts.owner_id, contacts.team_id
        ) as is_reached
    from matching
    inner join crm.contacts on contacts.tenant_id = of_tenant and contacts.id = matching.id
    order by is_reached desc, contacts.created_at, contacts.id
    limit crm.conversion_candidates_max();
end
$$;

comment on function crm.conversion_matches(jsonb, jsonb) is
'The contacts and companies of the lead''s tenant that have an e-mail, phone, domain or name that
tenon.conversion_keys names, and whether the caller may write them. Internal.';

create function crm.conversion_candidates(lead jsonb, keys jsonb)
returns table (object text, ids uuid[])
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    of_tenant constant uuid := lead ->> 'tenant_id';
    contact_ids uuid[];
    company_ids uuid[];
begin
    select
        array_agg(matches.id) filter (where matches.object = 'crm.contacts'),
        array_agg(matches.id) filter (where matches.object = 'crm.companies')
    into contact_ids, company_ids
    from crm.conversion_matches(lead, keys) as matches
    where matches.is_reached;
    contact_ids := contact_ids || (keys ->> 'contact_id')::uuid;
    -- The company that a contact works for may be the lead's.
    company_ids := company_ids || (keys ->> 'company_id')::uuid || array(
        select companies.id
        from crm.contacts
        inner join crm.companies
            on
                companies.tenant_id = contacts.tenant_id
                and companies.id = contacts.company_id
        where
            contacts.tenant_id = of_tenant
            and contacts.id = any(contact_ids)
            and core.reaches(
                'crm.companies.read', companies.tenant_id, companies.owner_id, companies.team_id
            )
            and core.reaches(
                'crm.companies.write', companies.tenant_id, companies.owner_id, companies.team_id
            )
    );
    return query
    values
    ('crm.companies', array(
        select distinct one from unnest(company_ids) as one where one is not null order by one
    )),
    ('crm.contacts', array(
        select distinct one from unnest(contact_ids) as one where one is not null order by one
    ));
end
$$;

comment on function crm.conversion_candidates(jsonb, jsonb) is
'Which companies and contacts a lead may become: those that match and that the caller may write,
and those that were named. Internal.';

create function crm.conversion_found(tenant_id uuid, company_ids uuid[], contact_ids uuid[])
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object(
        'companies', (
            select coalesce(jsonb_agg(found.candidate order by found.created_at, found.id), '[]')
            from (
                select
                    companies.id,
                    companies.created_at,
                    jsonb_build_object(
                        'record', to_jsonb(companies),
                        'points', coalesce((
                            select jsonb_agg(to_jsonb(points) order by points.position, points.id)
                            from crm.contact_points as points
                            where
                                points.tenant_id = companies.tenant_id
                                and points.company_id = companies.id
                        ), '[]')
                    ) as candidate
                from crm.companies
                where
                    companies.tenant_id = conversion_found.tenant_id
                    and companies.id = any(company_ids)
            ) as found
        ),
        'contacts', (
            select coalesce(jsonb_agg(found.candidate order by found.created_at, found.id), '[]')
            from (
                select
                    contacts.id,
                    contacts.created_at,
                    jsonb_build_object(
                        'record', to_jsonb(contacts),
                        'points', coalesce((
                            select jsonb_agg(to_jsonb(points) order by points.position, points.id)
                            from crm.contact_points as points
                            where
                                points.tenant_id = contacts.tenant_id
                                and points.contact_id = contacts.id
                        ), '[]'),
                        'company_ids', coalesce((
                            select jsonb_agg(others.company_id)
                            from crm.contact_companies as others
                            where
                                others.tenant_id = contacts.tenant_id
                                and others.contact_id = contacts.id
                        ), '[]')
                    ) as candidate
                from crm.contacts
                where
                    contacts.tenant_id = conversion_found.tenant_id
                    and contacts.id = any(contact_ids)
            ) as found
        )
    );
end
$$;

comment on function crm.conversion_found(uuid, uuid[], uuid[]) is
'Companies and contacts with what hangs on them, the oldest first, as tenon.conversion_plan reads
them. Internal.';

create function crm.conversion_fields(tenant_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select jsonb_object_agg(known.object, core.fields_of(known.object, tenant_id))
        from unnest(array['crm.leads', 'crm.contacts', 'crm.companies', 'crm.deals'])
            as known (object)
    );
end
$$;

comment on function crm.conversion_fields(uuid) is
'The fields of all objects that a conversion reads and writes. Internal.';

create function crm.require_convertible(lead jsonb, expected_version integer default null)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if not core.reaches(
        'crm.leads.convert', (lead ->> 'tenant_id')::uuid,
        (lead ->> 'owner_id')::uuid, (lead ->> 'team_id')::uuid
    ) then
        perform core.fail(
            'tenancy.permission_missing', '{"permission": "crm.leads.convert"}'
        );
    elsif lead ->> 'converted_at' is not null then
        perform core.fail('conversion.done');
    elsif expected_version <> (lead ->> 'version')::integer then
        perform core.fail(
            'conversion.version_conflict',
            jsonb_build_object(
                'version', lead -> 'version', 'expected_version', expected_version
            )
        );
    end if;
end
$$;

comment on function crm.require_convertible(jsonb, integer) is
'Refuses a lead that the caller may not convert, that has been converted, or that has another
version. Raises tenancy.permission_missing (403), conversion.done and conversion.version_conflict
(409). Internal.';
revoke all on function
crm.conversion_matches(jsonb, jsonb),
crm.conversion_candidates(jsonb, jsonb),
crm.conversion_found(uuid, uuid[], uuid[]),
crm.conversion_fields(uuid),
crm.require_convertible(jsonb, integer)
from public;

-- Writing -----------------------------------------------------------------------------------------

create function crm.write_record(object text, tenant_id uuid, id uuid, fields jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    relation constant text := (core.object_named(object)).relation;
    columns constant text[] := array(
        select quote_ident(given.key)
        from jsonb_object_keys(fields) as given (key)
        where not starts_with(given.key, 'custom.')
        order by given.key
    );
    own constant jsonb := (
        select coalesce(jsonb_object_agg(substr(given.key, 8), given.value), '{}')
        from jsonb_each(fields) as given
        where starts_with(given.key, 'custom.')
    );
    written jsonb;
begin
    if id is null then
        execute format(
            'insert into %1$s (tenant_id, custom, %2$s) '
            'select $1, jsonb_strip_nulls($3), %2$s '
            'from jsonb_populate_record(null::%1$s, $2) as filled '
            'returning to_jsonb(%3$I)',
            relation, array_to_string(columns, ', '), split_part(relation, '.', 2)
        )
        into strict written
        using write_record.tenant_id, fields, own;
    else
        execute format(
            'update %1$s as record set %2$s '
            'custom = (record.custom || $4) '
            '- array(select gone.key from jsonb_each($4) as gone where gone.value = ''null'') '
            'from jsonb_populate_record(null::%1$s, $3) as filled '
            'where record.tenant_id = $1 and record.id = $2 '
            'returning to_jsonb(record)',
            relation,
            (
                select string_agg(format('%1$s = filled.%1$s, ', column_name), '')
                from unnest(columns) as column_name
            )
        )
        into strict written
        using write_record.tenant_id, write_record.id, fields, own;
    end if;
    return written;
end
$$;

comment on function crm.write_record(text, uuid, uuid, jsonb) is
'Makes a record, or without an id null changes it: fields by name, "custom.color" for a tenant''s
own, which null removes. Answers the record as it is then. Whoever calls it has asked whether the
caller may. Internal.';

create function crm.conversion_values(fills jsonb, lead jsonb, contact_id uuid, company_id uuid)
returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(
            jsonb_object_agg(
                fill.value ->> 'field',
                case
                    when source = '"contact"' then to_jsonb(contact_id)
                    when source = '"company"' then to_jsonb(company_id)
                    when source ? 'value' then source -> 'value'
                    when starts_with(source ->> 'from', 'custom.')
                        then lead -> 'custom' -> substr(source ->> 'from', 8)
                    when jsonb_typeof(lead -> (source ->> 'from')) = 'string'
                        then to_jsonb(btrim(lead ->> (source ->> 'from')))
                    else lead -> (source ->> 'from')
                end
            ),
            '{}'
        )
        from jsonb_array_elements(fills) as fill
        cross join lateral (select fill.value -> 'source' as source) as given
    );
end
$$;

comment on function crm.conversion_values(jsonb, jsonb, uuid, uuid) is
'The values of the fields that tenon.conversion_plan fills, by field. Internal.';

create function crm.fields_in(record jsonb, fields jsonb) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select coalesce(
            jsonb_object_agg(
                named.field,
                case
                    when starts_with(named.field, 'custom.')
                        then record -> 'custom' -> substr(named.field, 8)
                    else record -> named.field
                end
            ),
            '{}'
        )
        from jsonb_object_keys(fields) as named (field)
    );
end
$$;

comment on function crm.fields_in(jsonb, jsonb) is
'What a record has in the fields that are keys of an object. Internal.';

create function crm.add_points(object text, tenant_id uuid, record_id uuid, points jsonb)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    added jsonb;
begin
    with made as (
        insert into crm.contact_points as made (
            tenant_id, contact_id, company_id, kind, value, street, postal_code, city, region,
            country_code, position
        )
        select
            add_points.tenant_id,
            case add_points.object when 'crm.contacts' then add_points.record_id end,
            case add_points.object when 'crm.companies' then add_points.record_id end,
            given.kind,
            given.value,
            given.street,
            given.postal_code,
            given.city,
            given.region,
            given.country_code,
            listed.place
        from jsonb_array_elements(points) with ordinality as listed (point, place)
        cross join lateral jsonb_populate_record(null::crm.contact_points, listed.point) as given
        returning made.*
    )
    select jsonb_agg(to_jsonb(made)) into added from made;
    return coalesce(added, '[]');
end
$$;

comment on function crm.add_points(text, uuid, uuid, jsonb) is
'Adds rows of crm.contact_points to a contact or a company, and answers them. Internal.';

create function crm.carry_links(tenant_id uuid, lead_id uuid, targets jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    carried jsonb := '{}';
    rows jsonb;
begin
    if (
        select count(*) > crm.conversion_links_max()
        from (
            select 1 from crm.activity_links as links
            where
                links.tenant_id = carry_links.tenant_id
                and links.record_id = lead_id
                and links.object = 'crm.leads'
            union all
            select 1 from crm.taggings as links
            where
                links.tenant_id = carry_links.tenant_id
                and links.record_id = lead_id
                and links.object = 'crm.leads'
            union all
            select 1 from crm.attachments as links
            where
                links.tenant_id = carry_links.tenant_id
                and links.record_id = lead_id
                and links.object = 'crm.leads'
            limit crm.conversion_links_max() + 1
        ) as linked
    ) then
        perform core.fail(
            'conversion.too_much_linked',
            jsonb_build_object('links_max', crm.conversion_links_max())
        );
    end if;

    with added as (
        insert into crm.activity_links as added (tenant_id, activity_id, object, record_id)
        select links.tenant_id, links.activity_id, target.object, target.id
        from crm.activity_links as links
        cross join jsonb_to_recordset(targets) as target (object text, id uuid)
        where
            links.tenant_id = carry_links.tenant_id
            and links.record_id = lead_id
            and links.object = 'crm.leads'
        on conflict do nothing
        returning added.activity_id, added.object, added.record_id
    )
    select jsonb_agg(to_jsonb(added)) into rows from added;
    carried := carried || jsonb_build_object('activity_links', coalesce(rows, '[]'));

    with added as (
        insert into crm.taggings as added (tenant_id, tag_id, object, record_id)
        select links.tenant_id, links.tag_id, target.object, target.id
        from crm.taggings as links
        cross join jsonb_to_recordset(targets) as target (object text, id uuid)
        where
            links.tenant_id = carry_links.tenant_id
            and links.record_id = lead_id
            and links.object = 'crm.leads'
        on conflict do nothing
        returning added.tag_id, added.object, added.record_id
    )
    select jsonb_agg(to_jsonb(added)) into rows from added;
    carried := carried || jsonb_build_object('taggings', coalesce(rows, '[]'));

    with added as (
        insert into crm.attachments as added (
            tenant_id, object, record_id, bucket, path, name, media_type, size_bytes
        )
        select
            links.tenant_id, target.object, target.id,
            links.bucket, links.path, links.name, links.media_type, links.size_bytes
        from crm.attachments as links
        cross join jsonb_to_recordset(targets) as target (object text, id uuid)
        where
            links.tenant_id = carry_links.tenant_id
            and links.record_id = lead_id
            and links.object = 'crm.leads'
        on conflict do nothing
        returning added.id, added.record_id
    )
    select jsonb_agg(to_jsonb(added)) into rows from added;
    return carried || jsonb_build_object('attachments', coalesce(rows, '[]'));
end
$$;

comment on function crm.carry_links(uuid, uuid, jsonb) is
'Lets the activities, tags and attachments of a lead hang on other records too, and answers what
was added. targets: [{object, id}]. Raises conversion.too_much_linked (422). Internal.';

create function crm.uses_of(object text, tenant_id uuid, record_id uuid, but_conversion uuid)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    used_by record;
    keys jsonb;
    uses jsonb := '{}';
begin
    for used_by in
        select
            linked.relation::regclass as relation,
            linked.relation as name,
            'used.tenant_id = $1 and used.record_id = $2 and used.object = $3' as condition
        from core.linked_tables as linked
        -- What the system itself keeps of a record: where people had a hand in it, the record's own
        -- version tells.
        where
            linked.relation <> all(array[
                'core.assignments', 'core.service_level_states', 'core.stage_periods',
                'core.timers'
            ])
        union all
        -- What refers to the record by a foreign key, whoever's table it is.
        select
            constraints.conrelid::regclass,
            core.name_of(constraints.conrelid::regclass) || '.' || columns.names,
            columns.condition
        from pg_constraint as constraints
        cross join lateral (
            select
                string_agg(
                    format(
                        'used.%I = %s', here.attname,
                        case there.attname when 'tenant_id' then '$1' else '$2' end
                    ),
                    ' and '
                ) as condition,
                string_agg(here.attname, ',') filter (where there.attname = 'id') as names,
                bool_and(there.attname in ('tenant_id', 'id')) as is_whole
            from unnest(constraints.conkey, constraints.confkey) as pair (here, there)
            inner join pg_attribute as here
                on here.attrelid = constraints.conrelid and here.attnum = pair.here
            inner join pg_attribute as there
                on there.attrelid = constraints.confrelid and there.attnum = pair.there
        ) as columns
        where
            constraints.contype = 'f'
            and constraints.confrelid = (core.object_named(object)).relation::regclass
            and constraints.conparentid = 0
            and columns.is_whole
        order by name
    loop
        execute format(
            'select jsonb_agg(found.key) from ('
            'select jsonb_build_array(%s)::text as key from %s as used '
            'where %s and ($4 is null or %s) limit $5) as found',
            (
                select string_agg(format('used.%I', column_name), ', ')
                from unnest(core.key_columns(used_by.relation)) as column_name
            ),
            used_by.relation,
            used_by.condition,
            case used_by.relation
                when 'crm.conversions'::regclass then 'used.id <> $4' else 'true'
            end
        )
        into keys
        using
            uses_of.tenant_id, uses_of.record_id, uses_of.object, but_conversion,
            4 * crm.conversion_links_max();
        if keys is not null then
            uses := uses || jsonb_build_object(used_by.name, keys);
        end if;
    end loop;
    return uses;
end
$$;

comment on function crm.uses_of(text, uuid, uuid, uuid) is
'What hangs on a record and refers to it, but for one conversion: {table: [keys]}. Internal.';
revoke all on function
crm.write_record(text, uuid, uuid, jsonb),
crm.conversion_values(jsonb, jsonb, uuid, uuid),
crm.fields_in(jsonb, jsonb),
crm.add_points(text, uuid, uuid, jsonb),
crm.carry_links(uuid, uuid, jsonb),
crm.uses_of(text, uuid, uuid, uuid)
from public;

create function crm.require_creating(object text, lead jsonb) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if not core.reaches(
        object || '.write', (lead ->> 'tenant_id')::uuid,
        coalesce((lead ->> 'owner_id')::uuid, core.default_owner()), (lead ->> 'team_id')::uuid
    ) then
        perform core.fail(
            'tenancy.permission_missing', jsonb_build_object('permission', object || '.write')
        );
    end if;
end
$$;

comment on function crm.require_creating(text, jsonb) is
'Refuses whoever could not make a record of the object for the owner and team of the lead. Raises
tenancy.permission_missing (403). Internal.';

create function crm.plan_conversion(
    lead jsonb, options jsonb, company_ids uuid[], contact_ids uuid[]
)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    of_tenant constant uuid := lead ->> 'tenant_id';
    plan constant jsonb := tenon.conversion_plan(
        lead, options,
        crm.conversion_found(of_tenant, company_ids, contact_ids),
        crm.conversion_fields(of_tenant)
    );
begin
    if plan #>> '{company,action}' = 'create' then
        perform crm.require_creating('crm.companies', lead);
    end if;
    if plan #>> '{contact,action}' = 'create' then
        perform crm.require_creating('crm.contacts', lead);
    end if;
    if jsonb_typeof(plan -> 'deal') = 'array' then
        perform crm.require_creating('crm.deals', lead);
    end if;
    return plan;
end
$$;

comment on function crm.plan_conversion(jsonb, jsonb, uuid[], uuid[]) is
'What a lead becomes, once the caller may make what is to be made. Raises
tenancy.permission_missing (403) and what tenon.conversion_plan raises. Internal.';

create function crm.apply_target(
    object text,
    target jsonb,
    lead jsonb,
    contact_id uuid default null,
    company_id uuid default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    of_tenant constant uuid := lead ->> 'tenant_id';
    is_new constant boolean := target ->> 'action' = 'create';
    fields constant jsonb := crm.conversion_values(
        target -> 'fills', lead, contact_id, company_id
    );
    before jsonb := '{}';
    written jsonb;
begin
    if target ->> 'action' = 'nothing' then
        return null;
    elsif is_new then
        written := crm.write_record(
            object, of_tenant, null,
            fields || jsonb_build_object(
                'owner_id', coalesce(lead ->> 'owner_id', core.default_owner()::text),
                'team_id', lead -> 'team_id'
            )
        );
    else
        written := core.record(object, of_tenant, (target ->> 'id')::uuid);
        before := crm.fields_in(written, fields);
        if fields <> '{}' then
            written := crm.write_record(object, of_tenant, (target ->> 'id')::uuid, fields);
        end if;
    end if;
    return jsonb_build_object(
        'object', object,
        'id', written -> 'id',
        'created', is_new,
        'needs', to_jsonb(array_remove(array[company_id, contact_id], null)),
        'before', jsonb_strip_nulls(before),
        -- As they are now, not as they were sent: a trigger may have put them into its own form.
        'fields', case when is_new then '{}' else crm.fields_in(written, fields) end,
        'points', crm.add_points(
            object, of_tenant, (written ->> 'id')::uuid, coalesce(target -> 'points', '[]')
        )
    );
end
$$;

comment on function crm.apply_target(text, jsonb, jsonb, uuid, uuid) is
'Makes or fills one record as the plan of a conversion says, and answers what it did, null for
nothing. Internal.';
revoke all on function
crm.require_creating(text, jsonb),
crm.plan_conversion(jsonb, jsonb, uuid[], uuid[]),
crm.apply_target(text, jsonb, jsonb, uuid, uuid)
from public;

-- The lead's own pipeline -------------------------------------------------------------------------

create function crm.win_lead(lead jsonb) returns text
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    won_stage text;
begin
    if lead ->> 'stage' is null then
        return null;
    end if;
    select way.move ->> 'to' into won_stage
    from jsonb_array_elements(core.allowed_moves((lead ->> 'id')::uuid) -> 'moves')
        with ordinality as way (move, place)
    where way.move ->> 'kind' = 'won' and (way.move ->> 'allowed')::boolean
    order by way.place
    limit 1;
    if found then
        perform core.move((lead ->> 'id')::uuid, won_stage, null, 'The lead was converted.');
    end if;
    return won_stage;
end
$$;

comment on function crm.win_lead(jsonb) is
'Moves a lead that is converted to the first won stage that its pipeline lets it go to, as v1.move
would, and answers which; null where there is none. Internal.';

create function crm.reopen_lead(conversion crm.conversions) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    stage core.pipeline_stages;
    lead jsonb;
begin
    update crm.leads set converted_at = null
    where leads.tenant_id = conversion.tenant_id and leads.id = conversion.lead_id
    returning to_jsonb(leads) into strict lead;
    if lead ->> 'stage' = conversion.stage_after then
        select stages.* into stage
        from core.pipeline_stages as stages
        where
            stages.tenant_id = conversion.tenant_id
            and stages.pipeline_version_id = (lead ->> 'pipeline_version_id')::uuid
            and stages.stage = conversion.stage_before;
        if found then
            perform core.enter_stage(
                conversion.tenant_id, core.object_named('crm.leads'), lead, stage,
                'The conversion was taken back.'
            );
        end if;
    end if;
end
$$;

comment on function crm.reopen_lead(crm.conversions) is
'Opens a lead again, and puts it back where it stood, if it still is where its conversion moved it:
past the ways of its pipeline, which need not lead back from a won stage. Internal.';
revoke all on function crm.win_lead(jsonb), crm.reopen_lead(crm.conversions) from public;

-- Converting --------------------------------------------------------------------------------------

create function crm.convert_lead(lead_id uuid, expected_version integer, options jsonb)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    lead constant jsonb := core.lock_record('crm.leads', lead_id);
    of_tenant constant uuid := lead ->> 'tenant_id';
    keys constant jsonb := tenon.conversion_keys(lead, coalesce(options, '{}'));
    made_id constant uuid := gen_random_uuid();
    company_ids uuid[];
    contact_ids uuid[];
    locked uuid;
    plan jsonb;
    company jsonb;
    contact jsonb;
    deal jsonb;
    carried jsonb;
    records jsonb;
    undo_until timestamptz;
    won_stage text;
    answer jsonb;
begin
    perform crm.require_convertible(lead, coalesce(expected_version, 0));

    -- Leads of one person or company are converted one after the other, or each would make its own.
    perform pg_advisory_xact_lock(hashtextextended(known.key, 0))
    from (
        select format('crm.convert_lead %s %s %s', of_tenant, entries.key, entries.value) as key
        from jsonb_each_text(keys) as entries
        where entries.value is not null
        order by key
    ) as known;
    select candidates.ids into company_ids
    from crm.conversion_candidates(lead, keys) as candidates
    where candidates.object = 'crm.companies';
    select candidates.ids into contact_ids
    from crm.conversion_candidates(lead, keys) as candidates
    where candidates.object = 'crm.contacts';
    foreach locked in array company_ids loop
        perform core.lock_record('crm.companies', locked);
    end loop;
    foreach locked in array contact_ids loop
        perform core.lock_record('crm.contacts', locked);
    end loop;
    plan := crm.plan_conversion(lead, coalesce(options, '{}'), company_ids, contact_ids);

    company := crm.apply_target('crm.companies', plan -> 'company', lead);
    contact := crm.apply_target(
        'crm.contacts', plan -> 'contact', lead, null, (company ->> 'id')::uuid
    );
    if (plan ->> 'adds_company')::boolean then
        insert into crm.contact_companies (tenant_id, contact_id, company_id)
        values (of_tenant, (contact ->> 'id')::uuid, (company ->> 'id')::uuid)
        on conflict do nothing;
    end if;
    if jsonb_typeof(plan -> 'deal') = 'array' then
        deal := crm.apply_target(
            'crm.deals', jsonb_build_object('action', 'create', 'fills', plan -> 'deal'),
            lead, (contact ->> 'id')::uuid, (company ->> 'id')::uuid
        );
    end if;
    records := (
        select jsonb_agg(written.record order by written.place)
        from unnest(array[company, contact, deal]) with ordinality as written (record, place)
        where written.record is not null
    );
    carried := crm.carry_links(of_tenant, lead_id, records);
    if (plan ->> 'adds_company')::boolean then
        carried := carried || jsonb_build_object(
            'contact_companies', jsonb_build_array(jsonb_build_object(
                'record_id', contact -> 'id', 'company_id', company -> 'id'
            ))
        );
    end if;
    update crm.leads set converted_at = now()
    where leads.tenant_id = of_tenant and leads.id = lead_id;
    won_stage := crm.win_lead(lead);

    -- What was made is looked at once all is written: triggers may have changed it.
    records := (
        select jsonb_agg(
            written.record || jsonb_build_object(
                'version', core.record(
                    written.record ->> 'object', of_tenant, (written.record ->> 'id')::uuid
                ) -> 'version',
                'uses', case
                    when (written.record ->> 'created')::boolean
                        then crm.uses_of(
                            written.record ->> 'object', of_tenant,
                            (written.record ->> 'id')::uuid, made_id
                        )
                    else '{}'
                end
            )
            order by written.place
        )
        from jsonb_array_elements(records) with ordinality as written (record, place)
    );
    undo_until := now() + crm.conversion_undo_window(of_tenant);
    insert into crm.conversions (
        tenant_id, id, lead_id, contact_id, contact_rule, contact_created, company_id,
        company_rule, company_created, deal_id, decision, effects, passed_over, stage_before,
        stage_after, undo_until
    )
    values (
        of_tenant, made_id, lead_id,
        (contact ->> 'id')::uuid, plan #>> '{contact,rule}',
        coalesce((contact ->> 'created')::boolean, false),
        (company ->> 'id')::uuid, plan #>> '{company,rule}',
        coalesce((company ->> 'created')::boolean, false),
        (deal ->> 'id')::uuid,
        plan, jsonb_build_object('records', records, 'carried', carried),
        array(
            select matches.id from crm.conversion_matches(lead, keys) as matches
            where not matches.is_reached
        ),
        case when won_stage is not null then lead ->> 'stage' end, won_stage, undo_until
    );
    answer := jsonb_build_object(
        'contact', contact -> 'id', 'company', company -> 'id', 'deal', deal -> 'id'
    );
    perform core.emit(
        of_tenant, 'crm.lead.converted', 'lead', lead_id,
        answer || jsonb_build_object('conversion', made_id)
    );
    return jsonb_build_object(
        'id', made_id,
        'lead_id', lead_id,
        'contact_id', contact -> 'id',
        'company_id', company -> 'id',
        'deal_id', deal -> 'id',
        'decision', plan,
        'undo_until', undo_until
    );
end
$$;

comment on function crm.convert_lead(uuid, integer, jsonb) is
'What v1.convert_lead does. Definer, because it looks at contacts and companies past their policies
in order to tell which of them the caller may write. Signed-in users may call it.';

create function crm.preview_conversion(lead_id uuid, options jsonb) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    lead jsonb;
    keys jsonb;
    company_ids uuid[];
    contact_ids uuid[];
begin
    select to_jsonb(leads) into lead
    from crm.leads
    where
        leads.id = preview_conversion.lead_id
        and (
            (core.caller()).kind = 'system'
            or leads.tenant_id = any((select core.tenants_with('crm.leads.read', 'own'))::uuid[])
        )
        and core.reaches('crm.leads.read', leads.tenant_id, leads.owner_id, leads.team_id);
    if not found then
        perform core.fail('record.not_found');
    end if;
    perform crm.require_convertible(lead);
    keys := tenon.conversion_keys(lead, coalesce(options, '{}'));
    -- What was named is found in convert_lead only where the caller may write it.
    if
        keys ->> 'company_id' is not null and not core.reaches_record(
            'crm.companies', (lead ->> 'tenant_id')::uuid, (keys ->> 'company_id')::uuid, 'write'
        )
        or keys ->> 'contact_id' is not null and not core.reaches_record(
            'crm.contacts', (lead ->> 'tenant_id')::uuid, (keys ->> 'contact_id')::uuid, 'write'
        )
    then
        perform core.fail('record.not_found');
    end if;
    select candidates.ids into company_ids
    from crm.conversion_candidates(lead, keys) as candidates
    where candidates.object = 'crm.companies';
    select candidates.ids into contact_ids
    from crm.conversion_candidates(lead, keys) as candidates
    where candidates.object = 'crm.contacts';
    return crm.plan_conversion(lead, coalesce(options, '{}'), company_ids, contact_ids);
end
$$;

comment on function crm.preview_conversion(uuid, jsonb) is
'What v1.preview_conversion does. Definer, as crm.convert_lead. Signed-in users may call it.';

-- Taking back -------------------------------------------------------------------------------------

create function crm.conversion_state(conversion crm.conversions) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object('records', (
        select coalesce(
            jsonb_object_agg(
                written.record ->> 'id',
                jsonb_build_object(
                    'record', present.record,
                    'uses', case
                        when (written.record ->> 'created')::boolean
                            then crm.uses_of(
                                written.record ->> 'object', conversion.tenant_id,
                                (written.record ->> 'id')::uuid, conversion.id
                            )
                        else '{}'
                    end,
                    'points', coalesce((
                        select jsonb_agg(to_jsonb(points))
                        from crm.contact_points as points
                        where
                            points.tenant_id = conversion.tenant_id
                            and points.id = any(array(
                                select (added.point ->> 'id')::uuid
                                from jsonb_array_elements(written.record -> 'points')
                                    as added (point)
                            ))
                    ), '[]')
                )
            ),
            '{}'
        )
        from jsonb_array_elements(conversion.effects -> 'records') as written (record)
        cross join lateral (
            select core.record(
                written.record ->> 'object', conversion.tenant_id,
                (written.record ->> 'id')::uuid
            ) as record
        ) as present
        where present.record is not null
    ));
end
$$;

comment on function crm.conversion_state(crm.conversions) is
'The records that a conversion wrote as they are now, as tenon.conversion_undo reads them.
Internal.';

create function crm.drop_carried(conversion crm.conversions, kept uuid[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    delete from crm.activity_links as links
    using jsonb_to_recordset(conversion.effects #> '{carried,activity_links}')
        as carried (activity_id uuid, object text, record_id uuid)
    where
        links.tenant_id = conversion.tenant_id
        and links.activity_id = carried.activity_id
        and links.object = carried.object
        and links.record_id = carried.record_id
        and carried.record_id <> all(kept);
    delete from crm.taggings as links
    using jsonb_to_recordset(conversion.effects #> '{carried,taggings}')
        as carried (tag_id uuid, object text, record_id uuid)
    where
        links.tenant_id = conversion.tenant_id
        and links.tag_id = carried.tag_id
        and links.object = carried.object
        and links.record_id = carried.record_id
        and carried.record_id <> all(kept);
    delete from crm.attachments as links
    using jsonb_to_recordset(conversion.effects #> '{carried,attachments}')
        as carried (id uuid, record_id uuid)
    where
        links.tenant_id = conversion.tenant_id
        and links.id = carried.id
        and carried.record_id <> all(kept);
    delete from crm.contact_companies as links
    using jsonb_to_recordset(conversion.effects #> '{carried,contact_companies}')
        as carried (record_id uuid, company_id uuid)
    where
        links.tenant_id = conversion.tenant_id
        and links.contact_id = carried.record_id
        and links.company_id = carried.company_id
        and carried.record_id <> all(kept);
end
$$;

comment on function crm.drop_carried(crm.conversions, uuid[]) is
'Removes what a conversion carried, but for what hangs on records that are kept. Internal.';

create function crm.take_back(conversion crm.conversions, reversal jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    emptied record;
    deleted record;
begin
    for emptied in
        select
            given.object,
            given.id,
            (
                select jsonb_object_agg(named.field, written.record -> 'before' -> named.field)
                from jsonb_array_elements_text(given.fields) as named (field)
            ) as fields
        from jsonb_to_recordset(reversal -> 'emptied')
            as given (object text, id uuid, fields jsonb)
        inner join jsonb_array_elements(conversion.effects -> 'records') as written (record)
            on written.record ->> 'id' = given.id::text
    loop
        perform crm.write_record(
            emptied.object, conversion.tenant_id, emptied.id, emptied.fields
        );
    end loop;
    delete from crm.contact_points as points
    where
        points.tenant_id = conversion.tenant_id
        and points.id = any(array(
            select added.id::uuid
            from jsonb_array_elements_text(reversal -> 'points') as added (id)
        ));
    perform crm.drop_carried(conversion, array(
        select records.id::uuid
        from jsonb_array_elements_text(reversal -> 'kept') as records (id)
    ));
    for deleted in
        select
            (core.object_named(written.record ->> 'object')).relation as relation,
            (written.record ->> 'id')::uuid as id
        from jsonb_array_elements_text(reversal -> 'deleted') with ordinality as gone (id, place)
        inner join jsonb_array_elements(conversion.effects -> 'records') as written (record)
            on written.record ->> 'id' = gone.id
        order by gone.place
    loop
        execute format('delete from %s where tenant_id = $1 and id = $2', deleted.relation)
        using conversion.tenant_id, deleted.id;
    end loop;
end
$$;

comment on function crm.take_back(crm.conversions, jsonb) is
'Does what tenon.conversion_undo decided. Internal.';
revoke all on function
crm.conversion_state(crm.conversions),
crm.drop_carried(crm.conversions, uuid[]),
crm.take_back(crm.conversions, jsonb)
from public;

create function crm.undo_conversion(conversion_id uuid, force boolean, dry_run boolean)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    conversion crm.conversions;
    lead jsonb;
    written record;
    reversal jsonb;
begin
    select conversions.* into conversion
    from crm.conversions
    where
        conversions.id = undo_conversion.conversion_id
        and (
            (core.caller()).kind = 'system'
            or conversions.tenant_id
            = any((select core.tenants_with('crm.leads.read', 'own'))::uuid[])
        )
        and core.reaches_record('crm.leads', conversions.tenant_id, conversions.lead_id);
    if not found then
        perform core.fail('conversion.not_found');
    end if;
    lead := core.lock_record('crm.leads', conversion.lead_id);
    if not core.reaches(
        'crm.leads.convert', conversion.tenant_id,
        (lead ->> 'owner_id')::uuid, (lead ->> 'team_id')::uuid
    ) then
        perform core.fail(
            'tenancy.permission_missing', '{"permission": "crm.leads.convert"}'
        );
    end if;
    -- Again, now that nobody else undoes it.
    select conversions.* into strict conversion
    from crm.conversions
    where conversions.tenant_id = conversion.tenant_id and conversions.id = conversion_id
    for update;
    if conversion.undone_at is not null then
        perform core.fail('conversion.undone');
    elsif now() >= conversion.undo_until then
        perform core.fail(
            'conversion.window_over', jsonb_build_object('undo_until', conversion.undo_until)
        );
    end if;
    for written in
        select entry.record ->> 'object' as object, (entry.record ->> 'id')::uuid as id
        from jsonb_array_elements(conversion.effects -> 'records')
            with ordinality as entry (record, place)
        order by entry.place
    loop
        if core.record(written.object, conversion.tenant_id, written.id) is not null then
            perform core.lock_record(written.object, written.id);
        end if;
    end loop;
    reversal := tenon.conversion_undo(conversion.effects, crm.conversion_state(conversion));
    if dry_run then
        return jsonb_build_object('id', conversion.id, 'undone', false) || reversal;
    elsif reversal -> 'collisions' <> '[]' and force is not true then
        perform core.fail(
            'conversion.undo_blocked',
            jsonb_build_object('collisions', reversal -> 'collisions')
        );
    end if;
    perform crm.take_back(conversion, reversal);
    perform crm.reopen_lead(conversion);
    update crm.conversions
    set undone_at = now(), undone_by = core.caller_id(), undone = reversal
    where conversions.tenant_id = conversion.tenant_id and conversions.id = conversion.id;
    perform core.emit(
        conversion.tenant_id, 'crm.lead.reopened', 'lead', conversion.lead_id,
        jsonb_build_object('conversion', conversion.id)
    );
    return jsonb_build_object('id', conversion.id, 'undone', true) || reversal;
end
$$;

comment on function crm.undo_conversion(uuid, boolean, boolean) is
'What v1.undo_conversion does. Definer, because it writes crm.conversions, and removes what hangs
on the records that it deletes. Signed-in users may call it.';
revoke all on function
crm.convert_lead(uuid, integer, jsonb),
crm.preview_conversion(uuid, jsonb),
crm.undo_conversion(uuid, boolean, boolean)
from public;
grant execute on function
crm.convert_lead(uuid, integer, jsonb),
crm.preview_conversion(uuid, jsonb),
crm.undo_conversion(uuid, boolean, boolean)
to authenticated, service_role;

-- The API -----------------------------------------------------------------------------------------

create function v1.convert_lead(
    lead_id uuid, expected_version integer, options jsonb default '{}'
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'convert_lead',
            jsonb_build_object(
                'lead_id', lead_id, 'expected_version', expected_version, 'options', options
            )
        ),
        core.store_answer(crm.convert_lead(lead_id, expected_version, options))
    );
end
$$;

comment on function v1.convert_lead(uuid, integer, jsonb) is
'Turns a lead into a contact, a company and, if asked, a deal, in one transaction: {id, lead_id,
contact_id, company_id, deal_id, decision, undo_until}. options: contact and company are "find"
(the default), "create" or "none", contact_id and company_id name one; deal is true or an object of
name, amount_minor, currency, pipeline_id and expected_close_on. Empty fields alone are filled;
activities, tags and attachments are carried. Needs crm.leads.convert and the right to write the
lead and what it becomes. Raises conversion.done, conversion.version_conflict (409),
conversion.options_invalid (400), conversion.nothing_named, conversion.too_much_linked (422),
record.not_found (404) and tenancy.permission_missing (403). Signed-in users may call it.';

create function v1.preview_conversion(lead_id uuid, options jsonb default '{}') returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return crm.preview_conversion(lead_id, options);
end
$$;

comment on function v1.preview_conversion(uuid, jsonb) is
'What v1.convert_lead would decide, without doing it: {company, contact, adds_company, deal}.
Raises what that raises. Signed-in users may call it.';

create function v1.undo_conversion(
    conversion_id uuid, force boolean default false, dry_run boolean default false
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'undo_conversion',
            jsonb_build_object('conversion_id', conversion_id, 'force', force, 'dry_run', dry_run)
        ),
        core.store_answer(crm.undo_conversion(conversion_id, force, dry_run))
    );
end
$$;

comment on function v1.undo_conversion(uuid, boolean, boolean) is
'Takes a conversion back while its undo_until has not come: deletes what it made, empties what it
filled, removes what it carried, and opens the lead again. What has been used or changed since
stands in the way (conversion.undo_blocked, 409, with the list) or is kept, with force. dry_run:
only says what would happen. Answers {id, undone, deleted, emptied, points, kept, gone,
collisions}. Needs crm.leads.convert and the right to write the lead and what it became. Raises
conversion.not_found (404), conversion.undone, conversion.window_over (409). Signed-in users may
call it.';

create view v1.conversions with (security_invoker = true) as
select
    conversions.tenant_id,
    conversions.id,
    conversions.lead_id,
    conversions.contact_id,
    conversions.contact_rule,
    conversions.contact_created,
    conversions.company_id,
    conversions.company_rule,
    conversions.company_created,
    conversions.deal_id,
    conversions.decision,
    conversions.stage_before,
    conversions.stage_after,
    conversions.undo_until,
    conversions.converted_at,
    conversions.converted_by,
    conversions.undone_at,
    conversions.undone_by,
    conversions.undone
from crm.conversions;

comment on view v1.conversions is
'What became of leads, by which rules, and what was taken back. Whoever may read a lead may read
this.';
grant select on v1.conversions to authenticated, service_role;

revoke all on function
v1.convert_lead(uuid, integer, jsonb),
v1.preview_conversion(uuid, jsonb),
v1.undo_conversion(uuid, boolean, boolean)
from public;
grant execute on function
v1.convert_lead(uuid, integer, jsonb),
v1.preview_conversion(uuid, jsonb),
v1.undo_conversion(uuid, boolean, boolean)
to authenticated, service_role;
