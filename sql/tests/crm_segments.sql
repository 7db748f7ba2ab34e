-- Segments find what their conditions say, for each who asks what they may read and no more.
begin;
\ir ../support/fixtures.sql
select plan(51);

insert into auth.users (id, email)
values ('00000000-0000-4000-8000-000000000011', 'ann@example.com');
insert into core.roles (tenant_id, id, slug, name)
values (:acme, '00000000-0000-4000-c000-000000000001', 'seller', 'Seller');
insert into core.role_permissions (tenant_id, role_id, permission, scope)
select
    :acme,
    '00000000-0000-4000-c000-000000000001',
    permission,
    'own'
from core.permissions
where permission in ('crm.contacts.read', 'crm.contacts.write', 'crm.segments.manage');
insert into core.members (tenant_id, user_id, role_tenant_id, role_id) values
(
    :acme, '00000000-0000-4000-8000-000000000011', :acme, '00000000-0000-4000-c000-000000000001'
);
create function pg_temp.as_ann() returns void
language plpgsql
as $$
begin
    perform set_config(
        'request.jwt.claims',
        '{"role": "authenticated", "sub": "00000000-0000-4000-8000-000000000011"}',
        true
    );
end
$$;
create function pg_temp.names(segment uuid) returns text
language sql
as $$
    select string_agg(label, ' ' order by label) from v1.segment_records(segment)
$$;
create function pg_temp.found(condition jsonb, object text default 'crm.contacts') returns text
language sql
as $$
    select string_agg(one ->> 'label', ' ' order by one ->> 'label')
    from jsonb_array_elements(v1.preview_segment(object, condition) -> 'records') as one
$$;

:as_ada
insert into v1.companies (tenant_id, id, name, industry, employee_count) values
(:acme, '00000000-0000-4000-d000-000000000001', 'Steel', 'metal', 500),
(:acme, '00000000-0000-4000-d000-000000000002', 'Bread', 'food', 5);
insert into v1.contacts (tenant_id, id, given_name, company_id, language, owner_id) values
(
    :acme, '00000000-0000-4000-e000-000000000001', 'Ann',
    '00000000-0000-4000-d000-000000000001', 'de', '00000000-0000-4000-8000-000000000011'
),
(
    :acme, '00000000-0000-4000-e000-000000000002', 'Bob',
    '00000000-0000-4000-d000-000000000001', 'en', '00000000-0000-4000-8000-000000000001'
),
(
    :acme, '00000000-0000-4000-e000-000000000003', 'Cid',
    '00000000-0000-4000-d000-000000000002', 'de', '00000000-0000-4000-8000-000000000001'
),
(:acme, '00000000-0000-4000-e000-000000000004', 'Dan', null, null, null);
insert into v1.tags (tenant_id, id, name) values
(:acme, '00000000-0000-4000-f000-000000000001', 'VIP'),
(:acme, '00000000-0000-4000-f000-000000000002', 'it''s');
insert into v1.taggings (tenant_id, tag_id, object, record_id) values
(
    :acme, '00000000-0000-4000-f000-000000000001', 'crm.contacts',
    '00000000-0000-4000-e000-000000000001'
),
(
    :acme, '00000000-0000-4000-f000-000000000001', 'crm.contacts',
    '00000000-0000-4000-e000-000000000003'
),
(
    :acme, '00000000-0000-4000-f000-000000000002', 'crm.contacts',
    '00000000-0000-4000-e000-000000000003'
);
insert into v1.deals (tenant_id, name, contact_id, company_id) values
(
    :acme, 'Beams', '00000000-0000-4000-e000-000000000002',
    '00000000-0000-4000-d000-000000000001'
);
insert into v1.activities (tenant_id, id, type, subject)
values (:acme, '00000000-0000-4000-f000-000000000011', 'call', 'Called');
insert into v1.activity_links (tenant_id, activity_id, object, record_id) values
(
    :acme, '00000000-0000-4000-f000-000000000011', 'crm.contacts',
    '00000000-0000-4000-e000-000000000004'
);
:as_eve
insert into v1.contacts (tenant_id, given_name, language) values (:rival, 'Eva', 'de');

-- What conditions find ----------------------------------------------------------------------------

:as_ada
select is(
    pg_temp.found('{"field": "language", "op": "=", "value": "de"}'), 'Ann Cid', 'a column'
);
select is(
    pg_temp.found('{"field": "tags", "op": "contains", "value": "VIP"}'), 'Ann Cid', 'a tag'
);
select is(
    pg_temp.found('{"not": {"field": "tags", "op": "contains", "value": "VIP"}}'), 'Bob Dan',
    'no tag'
);
select is(
    pg_temp.found('{"field": "tags", "op": "contains", "value": "it''s"}'), 'Cid',
    'a tag with a quote in it'
);
select is(
    pg_temp.found(
        '{"all": [
            {"field": "tags", "op": "contains", "value": "VIP"},
            {"field": "tags", "op": "contains", "value": "it''s"},
            {"field": "company.industry", "op": "=", "value": "food"}
        ]}'
    ),
    'Cid', 'two tags and a field of the company'
);
select is(
    pg_temp.found(
        '{"any": [
            {"field": "tags", "op": "contains", "value": "it''s"},
            {"field": "company.employee_count", "op": ">", "value": 100}
        ]}'
    ),
    'Ann Bob Cid', 'a tag or a number of the company'
);
select is(
    pg_temp.found('{"field": "company.name", "op": "is_null"}'), 'Dan', 'no company'
);
select is(
    pg_temp.found('{"field": "open_deals", "op": ">=", "value": 1}'), 'Bob', 'open deals'
);
select is(
    pg_temp.found('{"field": "open_deals", "op": "=", "value": 0}'), 'Ann Cid Dan', 'none open'
);
select is(
    pg_temp.found('{"field": "open_deals", "op": ">=", "value": 0}'), 'Ann Bob Cid Dan',
    'any number of them'
);
select is(
    pg_temp.found('{"field": "last_activity_at", "op": ">", "value": {"ago": "P1D"}}'), 'Dan',
    'the last activity'
);
select is(
    pg_temp.found('{"field": "last_activity_at", "op": "is_null"}'), 'Ann Bob Cid', 'none yet'
);
select is(
    pg_temp.found('{"field": "contact.given_name", "op": "=", "value": "Bob"}', 'crm.deals'),
    'Beams', 'deals of a contact'
);
select is(
    pg_temp.found('{"field": "open_deals", "op": "=", "value": 1}', 'crm.companies'), 'Steel',
    'companies with deals'
);
select is(
    pg_temp.code_of(
        $$select v1.preview_segment('crm.contacts', '{"field": "colour", "op": "=", "value": "x"}')$$
    ),
    'condition.field_unknown', 'a field that there is not is refused'
);
select is(
    pg_temp.code_of(
        $$select v1.preview_segment(
            'crm.contacts', '{"field": "company.colour", "op": "=", "value": "x"}'
        )$$
    ),
    'condition.field_unknown', 'of a company too'
);
select is(
    pg_temp.code_of(
        $$select v1.preview_segment(
            'crm.contacts', '{"field": "company__industry", "op": "=", "value": "x"}'
        )$$
    ),
    'condition.field_unknown', 'and by no other name'
);
select is(
    pg_temp.code_of($$select v1.preview_segment('crm.contacts', 'null')$$), 'segment.invalid',
    'no condition is none'
);
select is(
    v1.preview_segment('crm.contacts', '{"field": "language", "op": "=", "value": "de"}') - 'records',
    '{"count": 2, "is_exact": true, "text": "Language is de"}',
    'a preview counts, and says it in words'
);
select ok(
    v1.segment_fields('crm.contacts') @> '{
        "tags": {"type": "list"}, "last_activity_at": {"type": "instant"},
        "open_deals": {"type": "number"}, "company.industry": {"label": "Company: Industry"}
    }',
    'the fields are told'
);
-- A hostile tag, or value, is only a value.
select is(
    pg_temp.found($${"field": "tags", "op": "contains", "value": "x') or true --"}$$), null,
    'values are no SQL'
);

-- Who sees what -----------------------------------------------------------------------------------

select v1.save_segment(
    'crm.contacts', 'german', 'German', '{"field": "language", "op": "=", "value": "de"}',
    is_shared => true
) ->> 'id' as german
\gset
select v1.save_segment('crm.contacts', 'guests', 'Guests', kind => 'static') ->> 'id' as guests
\gset
select is(
    (select array_agg(slug || ': ' || coalesce(text, 'a list') order by slug) from v1.segments),
    array['german: Language is de', 'guests: a list'], 'segments are listed, in words'
);
select is(pg_temp.names(:'german'), 'Ann Cid', 'their records');
select is(v1.segment_count(:'german') ->> 'count', '2', 'counted');
select is(
    (select record ->> 'language' from v1.segment_records(:'german', max_count => 1)), 'de',
    'whole, as many as asked for'
);
select is(
    (
        select label
        from v1.segment_records(:'german', '00000000-0000-4000-e000-000000000001', 1)
    ),
    'Cid', 'from where the last ended'
);
select is(
    v1.add_to_segment(
        :'guests',
        '{00000000-0000-4000-e000-000000000001,00000000-0000-4000-e000-000000000002}'
    ) - 'id',
    '{"added": 2, "unchanged": 0}', 'records are put on a list'
);
select is(
    v1.add_to_segment(:'guests', '{00000000-0000-4000-e000-000000000002}') - 'id',
    '{"added": 0, "unchanged": 1}', 'once'
);
select is(pg_temp.names(:'guests'), 'Ann Bob', 'and are on it');
select is(v1.segment_count(:'guests') ->> 'count', '2', 'counted too');
select is(
    pg_temp.code_of(
        format('select v1.add_to_segment(%L, ''{00000000-0000-4000-e000-00000000dead}'')', :'guests')
    ),
    'record.not_found', 'what there is not is not put there'
);
select is(
    pg_temp.code_of(
        format('select v1.add_to_segment(%L, ''{00000000-0000-4000-e000-000000000001}'')', :'german')
    ),
    'segment.not_static', 'nor on what is no list'
);
select is(
    (
        select array_agg(slug order by slug)
        from v1.in_segments('crm.contacts', '00000000-0000-4000-e000-000000000001')
    ),
    array['german', 'guests'], 'a record knows where it is'
);
select is(
    v1.remove_from_segment(:'guests', '{00000000-0000-4000-e000-000000000001}') - 'id',
    '{"removed": 1, "unchanged": 0}', 'and is taken off'
);
delete from v1.contacts where id = '00000000-0000-4000-e000-000000000002';
select is_empty('select from v1.segment_members', 'who is deleted is on no list');
select is(
    v1.save_segment(
        'crm.contacts', 'german', 'Deutsche', '{"field": "language", "op": "=", "value": "de"}',
        is_shared => true
    ) ->> 'id',
    :'german', 'the same slug is the same segment'
);
select is(
    pg_temp.code_of($$select v1.save_segment('crm.contacts', 'german', 'x', kind => 'static')$$),
    'segment.fixed', 'whose kind stays'
);
select is(
    pg_temp.code_of($$select v1.save_segment('crm.contacts', 'no slug', 'x', kind => 'static')$$),
    'segment.invalid', 'a slug is a word'
);
select is(
    pg_temp.code_of(
        $$select v1.save_segment(
            'crm.contacts', 'x', 'x', '{"field": "open_deals", "op": "=", "value": "many"}'
        )$$
    ),
    'condition.value_invalid', 'a value is of its type'
);

:as_vic
select is(
    (select array_agg(slug) from v1.segments), array['german'],
    'who may read contacts sees the shared ones'
);
select is(pg_temp.names(:'german'), 'Ann Cid', 'with the records');
select is(
    pg_temp.code_of($$select v1.save_segment('crm.contacts', 'x', 'x', kind => 'static')$$),
    'tenancy.permission_missing', 'but saves none'
);
select is(
    pg_temp.code_of(format('select v1.delete_segment(%L)', :'german')),
    'tenancy.permission_missing', 'nor deletes one'
);
select is(
    pg_temp.code_of(format('select v1.delete_segment(%L)', :'guests')), 'segment.not_found',
    'and what is not shared is not there'
);
:as_vic
select pg_temp.as_ann();
select is(pg_temp.names(:'german'), 'Ann', 'who reaches own records finds these alone');
select is(
    pg_temp.found('{"field": "company.industry", "op": "=", "value": "metal"}'), null,
    'and nothing by the company that they may not read'
);
select v1.save_segment('crm.contacts', 'german', 'Mine', kind => 'static') ->> 'id' as mine
\gset
select is(
    pg_temp.code_of(
        format('select v1.add_to_segment(%L, ''{00000000-0000-4000-e000-000000000003}'')', :'mine')
    ),
    'record.not_found', 'nor lists what they may not read'
);
select ok(
    (v1.delete_segment(:'mine') ->> 'deleted')::boolean, 'but has own segments'
);
:as_eve
select is(
    pg_temp.code_of(format('select v1.segment_records(%L)', :'german')), 'segment.not_found',
    'strangers find none'
);
select is(
    pg_temp.code_of(format('select v1.delete_segment(%L)', :'german')), 'segment.not_found',
    'and delete none'
);
select is(
    core.fields_for_segments('crm.contacts', :acme), '{}', 'nor learn of a tenant''s fields'
);

select finish();
rollback;
