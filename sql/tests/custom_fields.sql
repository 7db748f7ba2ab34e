-- Fields of a tenant's own: who may define them, what they take, who sees them, and that no value
-- passes by.
begin;
\ir ../support/fixtures.sql
select plan(116);

-- An agent who reaches own records alone, and no definitions, and a service's key for nobody.
insert into auth.users (id, email)
values ('00000000-0000-4000-8000-000000000006', 'tom@example.com');
insert into core.roles (tenant_id, id, slug, name)
values (
    '00000000-0000-4000-a000-000000000002', '00000000-0000-4000-c000-00000000000a', 'caller',
    'Caller'
);
insert into core.role_permissions (tenant_id, role_id, permission, scope)
select
    '00000000-0000-4000-a000-000000000002',
    '00000000-0000-4000-c000-00000000000a',
    permission,
    'own'
from unnest(array['crm.contacts.read', 'crm.contacts.write']) as permission;
insert into core.members (tenant_id, user_id, role_tenant_id, role_id)
values (
    '00000000-0000-4000-a000-000000000002', '00000000-0000-4000-8000-000000000006',
    '00000000-0000-4000-a000-000000000002', '00000000-0000-4000-c000-00000000000a'
);
\set tom '\'{"role": "authenticated", "sub": "00000000-0000-4000-8000-000000000006"}\''
\set as_tom :as_vic 'set local "request.jwt.claims" = ' :tom ';'

create function pg_temp.raised(statement text) returns jsonb
language plpgsql
as $$
begin
    execute statement;
    return '{"code": "no error"}';
exception
    when sqlstate 'PGRST' then return sqlerrm::jsonb;
end
$$;

-- Defining ----------------------------------------------------------------------------------------

:as_ada
select is(
    v1.save_custom_field(
        'crm.contacts', 'color',
        '{
            "type": "choice", "label": "Colour",
            "choices": ["red", {"value": "blue", "label": "Blue"}]
        }'
    ) - 'tenant_id',
    '{
        "object": "crm.contacts", "field": "color", "position": 1, "values_state": null,
        "archived_at": null,
        "definition": {
            "type": "choice", "label": "Colour",
            "choices": [{"value": "red", "label": "red"}, {"value": "blue", "label": "Blue"}]
        }
    }'::jsonb,
    'an owner defines a field, and has it back in its one form'
);
select v1.save_custom_field(
    'crm.contacts', 'member_number', '{"type": "text", "label": "Number", "unique": true}'
);
select v1.save_custom_field(
    'crm.contacts', 'weight', '{"type": "number", "label": "Weight", "min": 0, "indexed": true}'
);
select v1.save_custom_field(
    'crm.contacts', 'level', '{"type": "number", "label": "Level", "default": 1, "required": true}'
);
select v1.save_custom_field('crm.contacts', 'met_at', '{"type": "instant", "label": "Met"}');
select v1.save_custom_field('crm.contacts', 'keeper', '{"type": "user", "label": "Keeper"}');
select results_eq(
    'select field, position, type, is_required, is_unique, is_indexed from v1.custom_fields',
    $$
        values
        ('color', 1, 'choice', false, false, false),
        ('member_number', 2, 'text', false, true, false),
        ('weight', 3, 'number', false, false, true),
        ('level', 4, 'number', true, false, false),
        ('met_at', 5, 'instant', false, false, false),
        ('keeper', 6, 'user', false, false, false)
    $$,
    'v1.custom_fields has them in their order'
);
select is(
    pg_temp.raised(
        $$select v1.save_custom_field(
            'crm.contacts', 'size', '{"type": "choice", "label": "Size", "choices": ["s", 1]}'
        )$$
    ) ->> 'details',
    '{"path":"/choices/1"}',
    'a wrong definition says where'
);
select is(pg_temp.code_of(statement), code, statement)
from (
    values
    ($$select v1.save_custom_field('crm.contacts', 'A', '{"type": "text", "label": "A"}')$$,
    'field.key_invalid'),
    ($$select v1.save_custom_field('crm.contacts', null, '{"type": "text", "label": "A"}')$$,
    'field.key_invalid'),
    ($$select v1.save_custom_field('crm.contacts', 'a', null)$$, 'field.definition_malformed'),
    ($$select v1.save_custom_field('crm.contacts', 'a', '[]')$$, 'field.definition_malformed'),
    ($$select v1.save_custom_field('crm.contacts', 'a', '{"type": "text"}')$$,
    'field.definition_malformed'),
    ($$select v1.save_custom_field('crm.contacts', 'a', '{"type": "money", "label": "A"}')$$,
    'field.type_unknown'),
    ($$select v1.save_custom_field('crm.contacts', 'a',
    '{"type": "text", "label": "A", "min": 1}')$$,
    'field.option_unknown'),
    ($$select v1.save_custom_field('crm.contacts', 'a', '{"type": "text", "label": 1}')$$,
    'field.option_invalid'),
    ($$select v1.save_custom_field('crm.contacts', 'a',
    '{"type": "text", "label": "A", "pattern": "("}')$$, 'field.pattern_invalid'),
    ($$select v1.save_custom_field('crm.contacts', 'a',
    '{"type": "number", "label": "A", "default": "x"}')$$, 'field.default_invalid'),
    ($$select v1.save_custom_field('crm.contacts', 'a',
    '{"type": "text", "label": "A", "position": 1.5}')$$, 'field.position_invalid'),
    ($$select v1.save_custom_field('crm.nothing', 'a', '{"type": "text", "label": "A"}')$$,
    'record.object_unknown'),
    ($$select v1.save_custom_field(null, 'a', '{"type": "text", "label": "A"}')$$,
    'record.object_unknown'),
    ($$select v1.archive_custom_field('crm.contacts', 'none')$$, 'field.not_found'),
    ($$select v1.delete_custom_field('crm.contacts', 'none', 'none')$$, 'field.not_found'),
    ($$select v1.delete_custom_field('crm.contacts', 'color', 'colour')$$,
    'field.confirmation_missing'),
    ($$select v1.delete_custom_field('crm.contacts', 'color', null)$$,
    'field.confirmation_missing')
) as refused (statement, code);

-- Who may -----------------------------------------------------------------------------------------

:as_vic
select is(
    (select count(*) from v1.custom_fields), 6::bigint, 'every member sees the fields'
);
select is(
    pg_temp.code_of(
        $$select v1.save_custom_field('crm.contacts', 'a', '{"type": "text", "label": "A"}')$$
    ),
    'tenancy.permission_missing', 'a viewer defines none'
);
select is(
    pg_temp.code_of($$select v1.archive_custom_field('crm.contacts', 'color')$$),
    'tenancy.permission_missing', 'nor archives one'
);
select is(
    pg_temp.code_of($$select v1.delete_custom_field('crm.contacts', 'color', 'color')$$),
    'tenancy.permission_missing', 'nor deletes one'
);
select is(
    v1.custom_fields_schema('crm.contacts') #> '{properties,color,oneOf}',
    '[{"const": "red", "title": "red"}, {"const": "blue", "title": "Blue"}]'::jsonb,
    'the schema for forms is every member''s'
);
:as_eve
select is_empty('select * from v1.custom_fields', 'another tenant sees none of them');
select is(
    v1.custom_fields_schema('crm.contacts') -> 'properties', '{}'::jsonb, 'nor their schema'
);
select is(
    pg_temp.code_of('select * from core.custom_values'), '42501', 'nobody reads the values apart'
);
select is(
    pg_temp.code_of('select * from core.custom_field_sets'), '42501', 'nor the compiled definitions'
);

-- Values ------------------------------------------------------------------------------------------

:as_ada
insert into v1.contacts (id, given_name, custom)
values (
    '00000000-0000-4000-b000-0000000000a1', 'Ann',
    '{
        "color": "red", "member_number": "A-1", "weight": 12.50, "level": null,
        "met_at": "2026-11-21T22:04:00+01:00",
        "keeper": "00000000-0000-4000-8000-000000000002", "level": 2
    }'
);
select is(
    (select custom from v1.contacts where id = '00000000-0000-4000-b000-0000000000a1'),
    '{
        "color": "red", "member_number": "A-1", "weight": 12.5, "level": 2,
        "met_at": "2026-11-21T21:04:00Z", "keeper": "00000000-0000-4000-8000-000000000002"
    }'::jsonb,
    'values are kept in their one form'
);
insert into v1.contacts (id, given_name) values ('00000000-0000-4000-b000-0000000000a2', 'Bob');
select is(
    (select custom from v1.contacts where id = '00000000-0000-4000-b000-0000000000a2'),
    '{"level": 1}'::jsonb, 'a new record has the defaults'
);

-- Every way of writing meets the same refusals.
create temporary table refusals (custom jsonb, code text, fields text);
insert into refusals values
('{"none": 1}', 'field.unknown', 'none'),
('{"color": "green"}', 'field.choice_unknown', 'color'),
('{"color": 1}', 'field.type_mismatch', 'color'),
('{"weight": -1}', 'field.out_of_range', 'weight'),
('{"weight": "1"}', 'field.type_mismatch', 'weight'),
('{"met_at": "yesterday"}', 'field.type_mismatch', 'met_at'),
('{"level": null}', 'field.required', 'level'),
('{"keeper": "00000000-0000-4000-8000-000000000004"}', 'field.user_unknown', 'keeper'),
('{"keeper": "00000000-0000-4000-8000-000000000003"}', 'field.user_unknown', 'keeper'),
('{"none": 1, "other": 2}', 'field.unknown', 'none,other'),
('{"color": "green", "none": 1}', 'field.invalid', 'color,none'),
('[]', 'field.too_large', null);
create function pg_temp.fields_of_problem(raised jsonb) returns text
language sql
return (
    select string_agg(problem ->> 'field', ',' order by problem ->> 'field')
    from jsonb_array_elements((raised ->> 'details')::jsonb -> 'problems') as problem
);
grant select on refusals to authenticated, service_role;
select
    is(
        row(
            raised ->> 'code', pg_temp.fields_of_problem(raised)
        )::text,
        row(refusals.code, refusals.fields)::text,
        ways.name || ': ' || refusals.custom
    )
from refusals
cross join (
    values
    ('insert', $$insert into v1.contacts (given_name, custom) values ('X', %L)$$),
    (
        'update',
        $$update v1.contacts set custom = %L where id = '00000000-0000-4000-b000-0000000000a1'$$
    ),
    (
        'merge',
        $$update v1.contacts set custom = custom || %L
        where id = '00000000-0000-4000-b000-0000000000a1'$$
    ),
    (
        'insert_once',
        $$select v1.insert_once(
            'contacts', jsonb_build_object('given_name', 'X', 'custom', %L::jsonb)
        )$$
    )
) as ways (name, statement)
cross join lateral pg_temp.raised(format(ways.statement, refusals.custom)) as raised
where (ways.name = 'merge') <= (refusals.custom <> '[]')
and (ways.name = 'update') <= (refusals.custom = '[]');

:as_owner
select is(
    pg_temp.code_of(
        $$insert into crm.contacts (tenant_id, given_name, custom)
        values ('00000000-0000-4000-a000-000000000002', 'X', '{"none": 1}')$$
    ),
    'field.unknown', 'SQL of the owner of the tables meets them, too'
);
:as_service
select is(
    pg_temp.code_of(
        $$insert into v1.contacts (tenant_id, given_name, custom)
        values ('00000000-0000-4000-a000-000000000002', 'X', '{"none": 1}')$$
    ),
    'field.unknown', 'and so does the service role'
);

-- Uniqueness --------------------------------------------------------------------------------------

:as_ada
insert into v1.contacts (id, given_name, custom)
values ('00000000-0000-4000-b000-0000000000a3', 'Cid', '{"member_number": "A-3"}');
select is(
    pg_temp.code_of(
        $$insert into v1.contacts (given_name, custom) values ('X', '{"member_number": "A-1"}')$$
    ),
    'field.not_unique', 'a value that is taken is refused'
);
select is(
    pg_temp.code_of(
        $$insert into v1.contacts (given_name, custom)
        select 'X', '{"member_number": "A-9"}' from generate_series(1, 2)$$
    ),
    'field.not_unique', 'also within one statement'
);
select is(
    pg_temp.code_of(
        $$update v1.contacts set custom = custom || '{"member_number": "A-1"}'
        where id = '00000000-0000-4000-b000-0000000000a3'$$
    ),
    'field.not_unique', 'and by an update'
);
select is(
    pg_temp.code_of(
        $$update v1.contacts
        set custom = custom || jsonb_build_object(
            'member_number',
            case custom ->> 'member_number' when 'A-1' then 'A-3' else 'A-1' end
        )
        where custom ? 'member_number'$$
    ),
    'no error', 'two records may exchange their values in one statement'
);
update v1.contacts set custom = custom - 'member_number'
where id = '00000000-0000-4000-b000-0000000000a1';
select lives_ok(
    $$insert into v1.contacts (id, given_name, custom)
    values ('00000000-0000-4000-b000-0000000000a4', 'Dan', '{"member_number": "A-3"}')$$,
    'a value that was given up is free'
);
delete from v1.contacts where id = '00000000-0000-4000-b000-0000000000a4';
select lives_ok(
    $$insert into v1.contacts (id, given_name, custom)
    values ('00000000-0000-4000-b000-0000000000a5', 'Eva', '{"member_number": "A-3"}')$$,
    'and so is that of a record which is gone'
);
:as_tom
select is_empty('select id from v1.contacts', 'Tom sees no contact of others');
select is(
    pg_temp.raised(
        $$insert into v1.contacts (given_name, custom) values ('X', '{"member_number": "A-3"}')$$
    ) - 'hint',
    '{
        "code": "field.not_unique",
        "message": "The value of member_number is taken by another record.",
        "details": "{\"field\": \"member_number\"}"
    }'::jsonb,
    'and is told of a taken value no more than the field'
);
:as_owner
select results_eq(
    $$
        select record_id, field, is_unique, text_value collate "default", number_value
        from core.custom_values order by 1, 2
    $$,
    $$
        values
        ('00000000-0000-4000-b000-0000000000a1'::uuid, 'weight', false, null, 12.5),
        ('00000000-0000-4000-b000-0000000000a3', 'member_number', true, 'A-1', null),
        ('00000000-0000-4000-b000-0000000000a5', 'member_number', true, 'A-3', null)
    $$,
    'the values apart are those of the records'
);

-- What a stranger learns --------------------------------------------------------------------------

:as_eve
select is(
    pg_temp.code_of(format(
        $$insert into v1.contacts (tenant_id, given_name, custom)
        values ('00000000-0000-4000-a000-000000000002', 'X', %L)$$,
        custom
    )),
    '42501', 'whatever a stranger sends, the answer is one: ' || custom
)
from
    unnest(array[
        '{}', '{"none": 1}', '{"color": "red"}', '{"color": 1}', '{"member_number": "A-1"}'
    ]) as custom;
select is(
    pg_temp.code_of(
        $$insert into v1.contacts (given_name, custom) values ('X', '{"color": "red"}')$$
    ),
    'field.unknown', 'the fields of one tenant are not those of another'
);
select lives_ok(
    $$insert into v1.contacts (given_name, custom) values ('X', '{}')$$,
    'a tenant without fields has records without values'
);

-- Definitions that change -------------------------------------------------------------------------

:as_ada
select is(
    pg_temp.raised(
        $$select v1.save_custom_field('crm.contacts', 'weight', '{"type": "text", "label": "W"}')$$
    ) -> 'details',
    '"{\"count\": 1, \"field\": \"weight\"}"'::jsonb,
    'another type is refused while values are none of it'
);
select is(
    v1.save_custom_field(
        'crm.contacts', 'color', '{"type": "text", "label": "Colour", "indexed": true}'
    ) ->> 'values_state',
    'ready', 'and allowed where each value is one of it; what becomes indexed is gathered at once'
);
select v1.save_custom_field(
    'crm.contacts', 'color',
    '{"type": "choice", "label": "Colour", "indexed": true, "choices": ["red", "green"]}'
);
select v1.save_custom_field(
    'crm.contacts', 'color', '{"type": "choice", "label": "Colour", "choices": ["green"]}'
);
select lives_ok(
    $$update v1.contacts set custom = custom || '{"weight": 13}'
    where id = '00000000-0000-4000-b000-0000000000a1'$$,
    'a value that was right may stay when others change'
);
select is(
    pg_temp.code_of(
        $$insert into v1.contacts (given_name, custom) values ('X', '{"color": "red"}')$$
    ),
    'field.choice_unknown', 'and cannot be written anew'
);
insert into v1.contacts (id, given_name, custom) values
('00000000-0000-4000-b000-0000000000b1', 'Twin', '{"weight": 70}'),
('00000000-0000-4000-b000-0000000000b2', 'Twin', '{"weight": 70.0}');
select is(
    pg_temp.code_of(
        $$select v1.save_custom_field(
            'crm.contacts', 'weight', '{"type": "number", "label": "Weight", "unique": true}'
        )$$
    ),
    'field.values_not_unique', 'what records share cannot become unique'
);
delete from v1.contacts where id = '00000000-0000-4000-b000-0000000000b2';
select is(
    v1.save_custom_field(
        'crm.contacts', 'weight', '{"type": "number", "label": "Weight", "unique": true}'
    ) ->> 'values_state',
    'ready', 'what they do not share can'
);
select is(
    pg_temp.code_of(
        $$insert into v1.contacts (given_name, custom) values ('X', '{"weight": 70.00}')$$
    ),
    'field.not_unique', 'and then is'
);
select v1.save_custom_field(
    'crm.contacts', 'weight', '{"type": "number", "label": "Weight", "indexed": true}'
);
select lives_ok(
    $$insert into v1.contacts (id, given_name, custom)
    values ('00000000-0000-4000-b000-0000000000b2', 'Twin', '{"weight": 70}')$$,
    'until it is not to be any more'
);

-- Archiving and deleting --------------------------------------------------------------------------

select v1.archive_custom_field('crm.contacts', 'weight');
update v1.contacts set custom = '{"level": 3}'
where id = '00000000-0000-4000-b000-0000000000b1';
select is(
    (select custom from v1.contacts where id = '00000000-0000-4000-b000-0000000000b1'),
    '{"level": 3, "weight": 70}'::jsonb, 'what is archived stays, whatever is written'
);
select is(
    pg_temp.code_of(
        $$update v1.contacts set custom = '{"level": 3, "weight": 71}'
        where id = '00000000-0000-4000-b000-0000000000b1'$$
    ),
    'field.archived', 'and does not change'
);
select ok(
    not v1.custom_fields_schema('crm.contacts') -> 'properties' ? 'weight',
    'forms do not ask for it'
);
select v1.archive_custom_field('crm.contacts', 'weight', false);
select lives_ok(
    $$update v1.contacts set custom = '{"level": 3, "weight": 71}'
    where id = '00000000-0000-4000-b000-0000000000b1'$$,
    'until it is restored'
);
select v1.delete_custom_field('crm.contacts', 'weight', 'weight') as deleted \gset
select is_empty(
    $$select from v1.custom_fields where field = 'weight'$$, 'a deleted field is gone at once'
);
select is(
    pg_temp.code_of(
        $$select v1.save_custom_field('crm.contacts', 'weight', '{"type": "text", "label": "W"}')$$
    ),
    'field.being_deleted', 'its name is free once its values are gone'
);
select is(
    pg_temp.code_of(
        $$insert into v1.contacts (given_name, custom) values ('X', '{"weight": 70}')$$
    ),
    'field.unknown', 'nobody writes it any more'
);
select lives_ok(
    $$update v1.contacts set custom = custom || '{"level": 4}'
    where id = '00000000-0000-4000-b000-0000000000b1'$$,
    'and values that are left are in nobody''s way'
);

:as_owner
create function pg_temp.run_jobs() returns void
language plpgsql
as $$
declare
    claimed record;
    status text;
begin
    for count in 1..100 loop
        select * into claimed from core.claim_job(clock_timestamp());
        exit when claimed.id is null;
        loop
            status := core.run_job_step(claimed.tenant_id, claimed.id, claimed.lease);
            exit when status <> 'running';
        end loop;
    end loop;
end
$$;
select pg_temp.run_jobs();
select is_empty(
    $$select from crm.contacts where custom ? 'weight'$$, 'a job removes the values of all records'
);
select is_empty(
    $$select from core.custom_values where field = 'weight'$$, 'and those apart'
);
select is_empty(
    $$select from core.custom_fields where field = 'weight'$$, 'and then the field'
);
select is_empty(
    $$select task, status, last_error from core.jobs where status <> 'succeeded'$$,
    'no job was in trouble'
);

-- Large objects: values are gathered by a job -----------------------------------------------------

:as_ada
select v1.save_custom_field('crm.companies', 'code', '{"type": "text", "label": "Code"}');
:as_owner
insert into crm.companies (tenant_id, name, custom)
select
    '00000000-0000-4000-a000-000000000002',
    'Company ' || number,
    jsonb_build_object('code', 'C-' || number % 5001)
from generate_series(1, 5002) as number;
:as_ada
select is(
    v1.save_custom_field(
        'crm.companies', 'code', '{"type": "text", "label": "Code", "unique": true}'
    ) ->> 'values_state',
    'gathering', 'many values are gathered later'
);
select is(
    pg_temp.code_of(
        $$select v1.save_custom_field(
            'crm.companies', 'code', '{"type": "text", "label": "Code"}'
        )$$
    ),
    'field.busy', 'which is not to be disturbed'
);
:as_owner
select pg_temp.run_jobs();
select results_eq(
    $$select values_state, definition ? 'unique' from core.custom_fields where field = 'code'$$,
    $$values ('not_unique', false)$$,
    'where records share a value, the field is not unique, and says so'
);
select is_empty($$select from core.custom_values where field = 'code'$$, 'nor kept apart');
update crm.companies set custom = '{"code": "C-5002"}' where name = 'Company 5002';
:as_ada
select v1.save_custom_field(
    'crm.companies', 'code', '{"type": "text", "label": "Code", "unique": true}'
);
insert into v1.companies (id, name, custom)
values ('00000000-0000-4000-b000-0000000000c1', 'New', '{"code": "C-9999"}');
:as_owner
select pg_temp.run_jobs();
select results_eq(
    $$
        select
            fields.values_state,
            (select count(*) from core.custom_values as kept where kept.field = 'code'),
            (
                select count(*) from crm.companies
                inner join core.custom_values as kept
                    on
                        kept.record_id = companies.id
                        and kept.field = 'code'
                        and kept.text_value = companies.custom ->> 'code'
                        and kept.is_unique
            )
        from core.custom_fields as fields where fields.field = 'code'
    $$,
    $$values ('ready', 5003::bigint, 5003::bigint)$$,
    'once they do not, all values are kept apart'
);

-- Erasing, conditions, the limit ------------------------------------------------------------------

update crm.contacts set custom = '{}' where id = '00000000-0000-4000-b000-0000000000a3';
select is_empty(
    $$
        select from core.custom_values
        where record_id = '00000000-0000-4000-b000-0000000000a3'
    $$,
    'what erasing empties is nowhere else, and no requirement is in its way'
);
select is(
    core.fields_of('crm.contacts', '00000000-0000-4000-a000-000000000002') -> 'custom.color',
    '{"type": "text", "label": "Colour", "values": ["green"]}'::jsonb,
    'conditions may ask for them'
);
select ok(
    not core.fields_of('crm.contacts', '00000000-0000-4000-a000-000000000003') ? 'custom.color',
    'of records of their tenant'
);
select ok(
    core.fields_of('crm.contacts', '00000000-0000-4000-a000-000000000003') ? 'email',
    'beside what all records have'
);
insert into core.custom_fields (tenant_id, object, field, definition)
select
    '00000000-0000-4000-a000-000000000002', 'crm.leads', 'f' || number,
    '{"type": "text", "label": "F"}'
from generate_series(1, core.custom_fields_max()) as number;
:as_ada
select is(
    pg_temp.code_of(
        $$select v1.save_custom_field('crm.leads', 'g', '{"type": "text", "label": "G"}')$$
    ),
    'field.too_many', 'there is an end to how many there are'
);
select is(
    pg_temp.code_of(
        $$select v1.save_custom_field('crm.leads', 'f1', '{"type": "text", "label": "G"}')$$
    ),
    'no error', 'those that are there still change'
);

select * from finish();
rollback;
