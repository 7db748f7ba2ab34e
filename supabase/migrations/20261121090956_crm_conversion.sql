-- Conversion: a lead becomes a contact, a company and, if asked, a deal, and can be taken back.
--
-- What it becomes is decided by tenon.conversion_plan, and what can be taken back by
-- tenon.conversion_undo: here what may be looked at is found, locked in one order (the lead, what it
-- is known by, companies, contacts, deals) and written, in one transaction. Nobody's conversion
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
'For how long a tenant''s conversions can be taken back: its setting
{"crm": {"conversion_undo_hours": 24}}, a day where it says nothing. Definer, because it reads the
settings. Internal.';
revoke all on function
crm.conversion_candidates_max(), crm.conversion_links_max(), crm.conversion_undo_window(uuid)
from public;

-- Contacts and leads meet by phone too.
create index contacts_phone on crm.contacts (core.normal_identifier('phone', phone), tenant_id)
where phone is not null;
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
    lead_stage text,
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
'By what the contact was chosen: given, email, phone or name; new for one that was made, nothing for
none.';
comment on column crm.conversions.company_rule is
'By what the company was chosen: given, domain, name or contact, whose company it is; new for one
that was made, nothing for none.';
comment on column crm.conversions.decision is
'What tenon.conversion_plan decided: the fields that were filled and from where, those that were kept
although the lead says something else, and what was added to crm.contact_points.';
comment on column crm.conversions.effects is
'What was written, for tenon.conversion_undo: the records with the values that were filled and those
before, and what was carried.';
comment on column crm.conversions.passed_over is
'Contacts and companies that would have fitted, but which whoever converted may not write. Shown to
nobody who converts.';
comment on column crm.conversions.lead_stage is 'Where the lead stood before.';
comment on column crm.conversions.undone is 'What was taken back, and what was kept and why.';

select core.guard_linked('crm.conversions');
grant select (
    tenant_id, id, lead_id, contact_id, contact_rule, contact_created, company_id, company_rule,
    company_created, deal_id, decision, undo_until, converted_at, converted_by, undone_at,
    undone_by, undone, object, record_id
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
'Which companies and contacts a lead may become: those that match and that the caller may write, and
those that were named. Internal.';

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
'Makes a record, or without an id null changes it: fields by name, "custom.color" for a tenant''s own,
which null removes. Answers the record as it is then. Whoever calls it has asked whether the caller
may. Internal.';

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
            given.place
        from jsonb_to_recordset(points) with ordinality as given (
            kind text, value text, street text, postal_code text, city text, region text,
            country_code text, place bigint
        )
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
'Lets the activities, tags and attachments of a lead hang on other records too, and answers what was
added. targets: [{object, id}]. Raises conversion.too_much_linked (422). Internal.';

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

create function crm.plan_conversion(lead jsonb, options jsonb, company_ids uuid[], contact_ids uuid[])
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
    object text, target jsonb, lead jsonb, contact_id uuid default null, company_id uuid default null
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
        before := crm.conversion_values(
            (
                select coalesce(
                    jsonb_agg(
                        jsonb_build_object(
                            'field', given.key,
                            'source', jsonb_build_object('from', given.key)
                        )
                    ),
                    '[]'
                )
                from jsonb_object_keys(fields) as given (key)
            ),
            written, null, null
        );
        if fields <> '{}' then
            written := crm.write_record(object, of_tenant, (target ->> 'id')::uuid, fields);
        end if;
    end if;
    return jsonb_build_object(
        'object', object,
        'id', written -> 'id',
        'created', is_new,
        'needs', jsonb_strip_nulls(jsonb_build_array(company_id, contact_id)),
        'before', jsonb_strip_nulls(before),
        -- As they are now, not as they were sent: a trigger may have put them into its own form.
        'fields', case when is_new then '{}' else (
            select coalesce(
                jsonb_object_agg(
                    given.key,
                    case
                        when starts_with(given.key, 'custom.')
                            then written -> 'custom' -> substr(given.key, 8)
                        else written -> given.key
                    end
                ),
                '{}'
            )
            from jsonb_object_keys(fields) as given (key)
        ) end,
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
