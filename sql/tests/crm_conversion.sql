-- A lead becomes a contact, a company and a deal at once or not at all, overwrites nothing, shows
-- nobody what they may not see, and can be taken back.
begin;
\ir ../support/fixtures.sql
select plan(63);

-- ann and ben hold a role that reaches own records only.
insert into auth.users (id, email)
select
    ('00000000-0000-4000-8000-0000000000' || named.id)::uuid,
    named.name || '@example.com'
from (values ('11', 'ann'), ('12', 'ben')) as named (id, name);
insert into core.roles (tenant_id, id, slug, name)
values (:acme, '00000000-0000-4000-c000-000000000001', 'seller', 'Seller');
insert into core.role_permissions (tenant_id, role_id, permission, scope)
select
    :acme,
    '00000000-0000-4000-c000-000000000001',
    permission,
    'own'
from core.permissions
where
    permission like 'crm.%'
    and permission ~ '^crm\.(leads|contacts|companies|deals|activities)\.';
insert into core.members (tenant_id, user_id, role_tenant_id, role_id)
select
    :acme,
    users.id,
    :acme,
    '00000000-0000-4000-c000-000000000001'
from auth.users
where users.email in ('ann@example.com', 'ben@example.com');
create function pg_temp.become(who uuid) returns void
language plpgsql
as $$
begin
    perform set_config(
        'request.jwt.claims',
        jsonb_build_object('role', 'authenticated', 'sub', who)::text,
        true
    );
end
$$;
create function pg_temp.lead(fields jsonb) returns uuid
language plpgsql
as $$
declare
    made uuid;
begin
    insert into v1.leads (
        tenant_id, given_name, family_name, company_name, job_title, email, phone, website, street,
        city, interest, amount_minor, currency, source
    )
    select
        '00000000-0000-4000-a000-000000000002', given_name, family_name, company_name, job_title,
        email, phone, website, street, city, interest, amount_minor, currency, source
    from jsonb_populate_record(null::v1.leads, fields)
    returning id into made;
    return made;
end
$$;
create function pg_temp.convert(lead uuid, options jsonb default '{}') returns jsonb
language plpgsql
as $$
begin
    return v1.convert_lead(lead, 1, options);
end
$$;
create function pg_temp.snapshot() returns jsonb
language plpgsql
as $$
declare
    part record;
    digest text;
    digests jsonb := '{}';
begin
    for part in
        select classes.oid::regclass as relation
        from pg_class as classes
        where
            classes.relnamespace in ('core'::regnamespace, 'crm'::regnamespace)
            and classes.relkind in ('r', 'p')
            and not classes.relispartition
    loop
        execute format(
            'select md5(string_agg(md5(rows::text), '''' order by md5(rows::text))) from %s as rows',
            part.relation
        ) into digest;
        digests := digests || jsonb_build_object(part.relation::text, digest);
    end loop;
    return digests;
end
$$;
create function pg_temp.differences(before jsonb, after jsonb) returns text[]
language sql
as $$
    select coalesce(array_agg(entries.key order by entries.key), '{}')
    from jsonb_each(before) as entries
    where after -> entries.key is distinct from entries.value
$$;

-- Everything new --------------------------------------------------------------------------------

:as_ada
select pg_temp.lead(
    '{"given_name": "Grace", "family_name": "Hopper", "company_name": "Navy  Yard",
      "email": "Grace@navy.example", "phone": "+1 555 123456", "website": "https://navy.example",
      "city": "Boston", "interest": "A compiler", "amount_minor": 5000, "currency": "USD",
      "job_title": "Admiral", "source": "fair"}'
) as lead_id
\gset
insert into v1.activities (tenant_id, type, subject)
values (:acme, 'call', 'Called Grace')
returning id as activity_id
\gset
insert into v1.activity_links (tenant_id, activity_id, object, record_id)
values (:acme, :'activity_id', 'crm.leads', :'lead_id');
insert into v1.tags (tenant_id, name) values (:acme, 'VIP') returning id as tag_id
\gset
insert into v1.taggings (tenant_id, tag_id, object, record_id)
values (:acme, :'tag_id', 'crm.leads', :'lead_id');
insert into v1.attachments (tenant_id, object, record_id, bucket, path, name)
values (:acme, 'crm.leads', :'lead_id', 'files', :acme || '/cobol.txt', 'cobol.txt');

select is(
    v1.preview_conversion(:'lead_id', '{"deal": true}') #>> '{contact,rule}', 'new',
    'a preview says that a contact would be made'
);
select is((select count(*) from v1.contacts), 0::bigint, 'and makes none');
select is(
    pg_temp.code_of(format('select v1.convert_lead(%L, 7)', :'lead_id')),
    'conversion.version_conflict', 'a lead of another version is refused'
);
select is(
    pg_temp.code_of(format('select v1.convert_lead(%L, null)', :'lead_id')),
    'conversion.version_conflict', 'and one of no version'
);
select pg_temp.convert(:'lead_id', '{"deal": {"expected_close_on": "2027-01-31"}}') as answer
\gset
select is(
    (
        select jsonb_build_object(
            'name', contacts.name, 'email', contacts.email, 'phone', contacts.phone,
            'job_title', contacts.job_title, 'source', contacts.source,
            'company', companies.name, 'domain', companies.domain, 'website', companies.website,
            'deal', deals.name, 'amount', deals.amount_minor, 'currency', deals.currency,
            'close', deals.expected_close_on, 'owner', deals.owner_id
        )
        from v1.deals
        inner join v1.contacts on contacts.id = deals.contact_id
        inner join v1.companies
            on companies.id = deals.company_id and companies.id = contacts.company_id
    ),
    jsonb_build_object(
        'name', 'Grace Hopper', 'email', 'Grace@navy.example', 'phone', '+1 555 123456',
        'job_title', 'Admiral', 'source', 'fair',
        'company', 'Navy  Yard', 'domain', 'navy.example', 'website', 'https://navy.example',
        'deal', 'A compiler', 'amount', 5000, 'currency', 'USD', 'close', '2027-01-31',
        'owner', '00000000-0000-4000-8000-000000000001'
    ),
    'a lead becomes a contact, a company and a deal'
);
select is(
    (select city from v1.contact_points where company_id = (:'answer'::jsonb ->> 'company_id')::uuid),
    'Boston', 'its address goes to the company'
);
select results_eq(
    $$
        select object, count(*) from (
            select object from v1.activity_links
            union all select object from v1.taggings
            union all select object from v1.attachments
        ) as linked
        group by object order by object
    $$,
    $$values ('crm.companies', 3::bigint), ('crm.contacts', 3), ('crm.deals', 3), ('crm.leads', 3)$$,
    'activities, tags and attachments hang on all of them'
);
select isnt(
    (select converted_at from v1.leads where id = :'lead_id'), null, 'the lead is converted'
);
select is(
    (
        select array[contact_rule, company_rule, contact_created::text, company_created::text]
        from v1.conversions where lead_id = :'lead_id'
    ),
    array['new', 'new', 'true', 'true'], 'what was decided is written down'
);
:as_owner
select is(
    (
        select data from core.pending_events
        where type = 'crm.lead.converted' and subject_id = :'lead_id'
    ),
    jsonb_build_object(
        'conversion', :'answer'::jsonb -> 'id', 'contact', :'answer'::jsonb -> 'contact_id',
        'company', :'answer'::jsonb -> 'company_id', 'deal', :'answer'::jsonb -> 'deal_id'
    ),
    'and told as an event'
);
:as_ada
select is(
    pg_temp.code_of(format('select v1.convert_lead(%L, 2)', :'lead_id')), 'conversion.done',
    'a converted lead is not converted again'
);
select is(
    pg_temp.code_of(format('select v1.preview_conversion(%L)', :'lead_id')), 'conversion.done',
    'nor previewed'
);
select is(
    pg_temp.code_of(format('update v1.leads set converted_at = null where id = %L', :'lead_id')),
    '42501', 'nobody opens it by hand'
);

-- What is there already -------------------------------------------------------------------------

select pg_temp.lead(
    '{"given_name": "G.", "family_name": "Hopper", "email": " grace@NAVY.example ",
      "phone": "+1 555 999999", "website": "https://hopper.example", "city": "Boston"}'
) as second_id
\gset
select pg_temp.convert(:'second_id') as second
\gset
select is(
    :'second'::jsonb ->> 'contact_id', :'answer'::jsonb ->> 'contact_id',
    'the contact of the same e-mail is found'
);
select is(:'second'::jsonb #>> '{decision,contact,rule}', 'email', 'by its e-mail');
select is(:'second'::jsonb #>> '{decision,company,rule}', 'domain', 'the company by its domain');
select is(
    (select given_name || ' ' || phone from v1.contacts), 'Grace +1 555 123456',
    'nothing is overwritten'
);
select results_eq(
    $$select kind, coalesce(value, city) from v1.contact_points order by kind, value$$,
    $$values ('address', 'Boston'), ('phone', '+1 555 999999'), ('url', 'https://hopper.example')$$,
    'what is new beside full fields is kept, once'
);
select ok(
    :'second'::jsonb #> '{decision,contact,kept}' @> '["given_name", "phone"]',
    'and what differs is named'
);
select is(
    pg_temp.code_of(format('select v1.undo_conversion(%L)', :'answer'::jsonb ->> 'id')),
    'conversion.undo_blocked', 'what a later conversion uses stands in the way of taking back'
);
select is(
    v1.undo_conversion((:'second'::jsonb ->> 'id')::uuid) -> 'collisions', '[]',
    'the later one is taken back'
);
select is(
    (select count(*) from v1.contact_points), 1::bigint, 'with what it added'
);
select is(
    pg_temp.code_of(format('select v1.undo_conversion(%L)', :'second'::jsonb ->> 'id')),
    'conversion.undone', 'once'
);
select isnt(
    (select id from v1.leads where id = :'second_id' and converted_at is null), null,
    'and its lead is open again'
);

-- By phone, and by name within a company.
select pg_temp.lead('{"given_name": "Who", "phone": "001 (555) 12-34-56"}') as third_id
\gset
select pg_temp.convert(:'third_id') as third
\gset
select is(:'third'::jsonb #>> '{decision,contact,rule}', 'phone', 'the contact is found by phone');
select is(
    :'third'::jsonb #>> '{decision,company,rule}', 'contact',
    'and the company is the contact''s, where the lead says nothing of one'
);
select pg_temp.lead(
    '{"given_name": "grace", "family_name": "HOPPER", "company_name": "navy  yard",
      "email": "grace@gmx.de"}'
) as fourth_id
\gset
select pg_temp.convert(:'fourth_id') as fourth
\gset
select is(
    array[
        :'fourth'::jsonb #>> '{decision,contact,rule}',
        :'fourth'::jsonb #>> '{decision,company,rule}'
    ],
    array['name', 'name'], 'a name is enough within a company, whose name is enough too'
);
select pg_temp.lead('{"given_name": "Grace", "family_name": "Hopper", "company_name": "Other"}')
as fifth_id
\gset
select pg_temp.convert(:'fifth_id') as fifth
\gset
select is(:'fifth'::jsonb #>> '{decision,contact,rule}', 'new', 'elsewhere it is somebody else');
-- Who works for two companies.
select pg_temp.lead('{"email": "grace@navy.example", "company_name": "Univac"}') as sixth_id
\gset
select pg_temp.convert(
    :'sixth_id', jsonb_build_object('contact_id', :'answer'::jsonb ->> 'contact_id',
    'company', 'create')
) as sixth
\gset
select is(
    (select company_id::text from v1.contact_companies), :'sixth'::jsonb ->> 'company_id',
    'a contact who works elsewhere works for the company too'
);
select is(
    (
        select companies.name from v1.contacts
        inner join v1.companies on companies.id = contacts.company_id
        where contacts.id = (:'answer'::jsonb ->> 'contact_id')::uuid
    ),
    'Navy  Yard', 'and still mainly elsewhere'
);
select is(
    v1.undo_conversion((:'sixth'::jsonb ->> 'id')::uuid) #>> '{deleted,0}',
    :'sixth'::jsonb ->> 'company_id', 'taken back, the company goes'
);
select is_empty('select from v1.contact_companies', 'and the job there');

-- Refusals ----------------------------------------------------------------------------------------

select pg_temp.lead('{"source": "fair"}') as empty_id
\gset
select is(
    pg_temp.code_of(format('select v1.convert_lead(%L, 1)', :'empty_id')),
    'conversion.nothing_named', 'a lead that names nobody becomes nothing'
);
select is(
    pg_temp.code_of(format($$select v1.convert_lead(%L, 1, '{"contact": "x"}')$$, :'empty_id')),
    'conversion.options_invalid', 'options that there are none of are refused'
);
select is(
    pg_temp.code_of(format(
        $$select v1.convert_lead(%L, 1, '{"contact_id": "00000000-0000-4000-8000-00000000dead"}')$$,
        :'empty_id'
    )),
    'record.not_found', 'as is a contact that there is not'
);
:as_vic
select is(
    pg_temp.code_of(format('select v1.convert_lead(%L, 1)', :'empty_id')),
    'tenancy.permission_missing', 'who may only see leads converts none'
);
select is(
    pg_temp.code_of(format('select v1.undo_conversion(%L)', :'fifth'::jsonb ->> 'id')),
    'tenancy.permission_missing', 'nor takes conversions back'
);
select isnt_empty('select from v1.conversions', 'but sees them');
:as_eve
select is(
    pg_temp.code_of(format('select v1.convert_lead(%L, 1)', :'empty_id')), 'record.not_found',
    'strangers find no lead'
);
select is(
    pg_temp.code_of(format('select v1.undo_conversion(%L)', :'fifth'::jsonb ->> 'id')),
    'conversion.not_found', 'no conversion'
);
select is_empty('select from v1.conversions', 'and see none');

-- Who reaches own records only matches own records only -------------------------------------------

select pg_temp.become('00000000-0000-4000-8000-000000000011');
select pg_temp.lead('{"given_name": "Grace", "email": "grace@navy.example"}') as hidden_id
\gset
select pg_temp.convert(:'hidden_id', '{"company": "none"}') as hidden
\gset
select is(
    :'hidden'::jsonb #>> '{decision,contact,rule}', 'new', 'a contact out of reach is not found'
);
select is(
    :'hidden'::jsonb #>> '{decision,contact,others}', '0', 'nor told of'
);
select is(
    (select owner_id::text from v1.contacts), '00000000-0000-4000-8000-000000000011',
    'the new one is owned by the owner of the lead'
);
select is(
    pg_temp.code_of(
        format('select passed_over from crm.conversions where id = %L', :'hidden'::jsonb ->> 'id')
    ),
    '42501', 'what was passed over is not shown'
);
select pg_temp.lead('{"given_name": "Grace"}') as named_id
\gset
select is(
    pg_temp.code_of(format(
        'select v1.convert_lead(%L, 1, %L)', :'named_id',
        jsonb_build_object('contact_id', :'answer'::jsonb ->> 'contact_id')
    )),
    'record.not_found', 'a contact out of reach cannot be named either'
);
select is(
    pg_temp.code_of(format(
        'select v1.preview_conversion(%L, %L)', :'named_id',
        jsonb_build_object('contact_id', :'answer'::jsonb ->> 'contact_id')
    )),
    'record.not_found', 'nor previewed'
);
select pg_temp.become('00000000-0000-4000-8000-000000000012');
select is(
    pg_temp.code_of(format('select v1.convert_lead(%L, 1)', :'named_id')), 'record.not_found',
    'a colleague''s lead is out of reach'
);
:as_owner
select set_eq(
    format(
        'select unnest(passed_over)::text from crm.conversions where id = %L',
        :'hidden'::jsonb ->> 'id'
    ),
    array[:'answer'::jsonb ->> 'contact_id', :'answer'::jsonb ->> 'company_id'],
    'but it is written down'
);

-- Taking back -------------------------------------------------------------------------------------

:as_ada
select pg_temp.lead(
    '{"given_name": "Ada", "family_name": "King", "company_name": "Engines",
      "email": "ada@engines.example", "city": "London"}'
) as undo_id
\gset
insert into v1.taggings (tenant_id, tag_id, object, record_id)
values (:acme, :'tag_id', 'crm.leads', :'undo_id');
insert into v1.companies (tenant_id, name) values (:acme, 'engines') returning id as engines_id
\gset
:as_owner
select (
    pg_temp.snapshot() - array[
        'core.pending_events', 'core.audit_entries', 'core.audit_values', 'crm.conversions',
        'crm.leads', 'crm.companies', 'core.stage_periods', 'core.search_words'
    ]
) as before
\gset
select to_jsonb(companies) - '{version,updated_at,updated_by}'::text[] as company_before
from crm.companies
where id = :'engines_id'
\gset
:as_ada
select pg_temp.convert(:'undo_id', '{"deal": {"name": "Engine"}}') as undo
\gset
select is(
    (select domain from v1.companies where id = :'engines_id'), 'engines.example',
    'a company without a domain gets one'
);
select is(
    v1.undo_conversion((:'undo'::jsonb ->> 'id')::uuid, dry_run => true) -> 'undone', 'false',
    'a dry run takes nothing back'
);
select ok(
    (v1.undo_conversion((:'undo'::jsonb ->> 'id')::uuid) ->> 'undone')::boolean,
    'a conversion is taken back'
);
:as_owner
select is(
    pg_temp.differences(:'before', pg_temp.snapshot()), '{}'::text[],
    'and leaves what was there'
);
select is(
    (
        select to_jsonb(companies) - '{version,updated_at,updated_by}'::text[]
        from crm.companies where id = :'engines_id'
    ),
    :'company_before'::jsonb, 'in each field'
);

-- What was used since is kept.
:as_ada
select v1.convert_lead(
    :'undo_id', (select version from v1.leads where id = :'undo_id'), '{"deal": true}'
) as again
\gset
update v1.companies set domain = 'other.example' where id = :'engines_id';
insert into v1.activities (tenant_id, type, subject)
values (:acme, 'note', 'Since') returning id as since_id
\gset
insert into v1.activity_links (tenant_id, activity_id, object, record_id)
values (:acme, :'since_id', 'crm.contacts', (:'again'::jsonb ->> 'contact_id')::uuid);
select is(
    (
        select jsonb_agg(
            jsonb_build_array(collision -> 'object', collision -> 'reason', collision -> 'what')
        )
        from jsonb_array_elements(
            v1.undo_conversion((:'again'::jsonb ->> 'id')::uuid, true) -> 'collisions'
        ) as collision
    ),
    '[
        ["crm.companies", "field_changed", "domain"],
        ["crm.contacts", "used", "crm.activity_links"]
    ]',
    'with force, what was used since is kept and named'
);
select is(
    (
        select array_agg(object order by object) from v1.taggings
        where record_id in (
            (:'again'::jsonb ->> 'contact_id')::uuid, (:'again'::jsonb ->> 'company_id')::uuid
        )
    ),
    array['crm.contacts'], 'with what was carried to it'
);
select is_empty(
    format('select from v1.deals where id = %L', :'again'::jsonb ->> 'deal_id'), 'the rest goes'
);

-- The window.
:as_owner
update core.tenants set settings = '{"crm": {"conversion_undo_hours": 0}}' where id = :acme;
:as_ada
select v1.convert_lead(
    :'undo_id', (select version from v1.leads where id = :'undo_id')
) as late
\gset
select is(
    pg_temp.code_of(format('select v1.undo_conversion(%L)', :'late'::jsonb ->> 'id')),
    'conversion.window_over', 'once the window is over, a conversion stays'
);

-- The lead's pipeline -----------------------------------------------------------------------------

:as_owner
do $$
begin
    if not exists (select from core.pipeline_objects where object = 'crm.leads') then
        perform core.attach_pipeline('crm.leads');
    end if;
end
$$;
:as_ada
select v1.save_pipeline(
    'crm.leads', 'conversion_test', 'Test',
    '{
        "stages": [
            {"stage": "new", "label": "New", "kind": "open", "start": true},
            {"stage": "talking", "label": "Talking", "kind": "open"},
            {"stage": "won", "label": "Won", "kind": "won"}
        ],
        "transitions": [
            {"from": "new", "to": "talking"},
            {"from": ["talking"], "to": "won", "reason_required": true}
        ]
    }'
) ->> 'id' as pipeline
\gset
select v1.publish_pipeline(:'pipeline', 1) is not null as published
\gset
insert into v1.leads (tenant_id, given_name, company_name, pipeline_id)
values (:acme, 'Liv', 'Pipes', :'pipeline')
returning id as liv_id
\gset
select v1.convert_lead(:'liv_id', 1) as early
\gset
select is(
    (select stage from v1.leads where id = :'liv_id'), 'new',
    'a lead whose pipeline leads to no won stage from here stays where it is'
);
:as_owner
update crm.conversions set undo_until = now() + interval '1 day';
:as_ada
select v1.undo_conversion((:'early'::jsonb ->> 'id')::uuid) is not null as undone
\gset
select v1.move(:'liv_id', 'talking', (select version from v1.leads where id = :'liv_id')) is not null
as moved
\gset
select v1.convert_lead(:'liv_id', (select version from v1.leads where id = :'liv_id')) as won
\gset
select is(
    (select array[stage, stage_kind] from v1.leads where id = :'liv_id'), array['won', 'won'],
    'one that may is won'
);
:as_owner
update crm.conversions set undo_until = now() + interval '1 day';
:as_ada
select v1.undo_conversion((:'won'::jsonb ->> 'id')::uuid) is not null as undone
\gset
select is(
    (select array[stage, stage_kind] from v1.leads where id = :'liv_id'), array['talking', 'open'],
    'and stands where it stood once that is taken back, though no way leads there'
);

-- Interrupted at each statement -------------------------------------------------------------------

:as_ada
select pg_temp.lead(
    '{"given_name": "Ida", "company_name": "engines", "email": "ida@engines.example",
      "phone": "030 12345678", "website": "https://ida.example", "city": "Bonn"}'
) as ida_id
\gset
insert into v1.taggings (tenant_id, tag_id, object, record_id)
values (:acme, :'tag_id', 'crm.leads', :'ida_id');
:as_owner
select set_config('tests.fails_at', '0', true);
create temporary sequence writes;
create function pg_temp.fail_at() returns trigger
language plpgsql
as $$
begin
    if nextval('pg_temp.writes') = current_setting('tests.fails_at')::bigint then
        raise exception 'the write number %', current_setting('tests.fails_at');
    end if;
    return null;
end
$$;
do $$
declare
    relation regclass;
begin
    for relation in
        select classes.oid::regclass from pg_class as classes
        where
            classes.relnamespace in ('core'::regnamespace, 'crm'::regnamespace)
            and classes.relkind in ('r', 'p')
            and not classes.relispartition
    loop
        execute format(
            'create trigger fail_at before insert or update or delete on %s '
            'for each statement execute function pg_temp.fail_at()', relation
        );
    end loop;
end
$$;
create function pg_temp.interrupted(statement text, out writes integer, out differing text[])
language plpgsql
as $$
declare
    before constant jsonb := pg_temp.snapshot();
begin
    writes := 0;
    differing := '{}';
    loop
        perform set_config('tests.fails_at', (writes + 1)::text, true);
        perform setval('pg_temp.writes', 1, false);
        begin
            execute statement;
            perform set_config('tests.fails_at', '0', true);
            exit;
        exception when raise_exception then
            differing := differing || pg_temp.differences(before, pg_temp.snapshot());
        end;
        writes := writes + 1;
    end loop;
end
$$;
select writes as converting, differing as converting_differs
from pg_temp.interrupted(
    format($$select v1.convert_lead(%L, 1, '{"deal": true}')$$, :'ida_id')
)
\gset
update crm.conversions set undo_until = now() + interval '1 day' where lead_id = :'ida_id';
select writes as undoing, differing as undoing_differs
from pg_temp.interrupted(format(
    'select v1.undo_conversion(%L)',
    (select id from crm.conversions where lead_id = :'ida_id')
))
\gset
select ok(:converting > 15 and :undoing > 10, :converting || ' and ' || :undoing || ' writes fail');
select is(
    :'converting_differs'::text[] || :'undoing_differs'::text[], '{}',
    'and none leaves anything of a conversion or of its taking back'
);

select finish();
rollback;
