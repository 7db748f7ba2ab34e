-- The history of a record's fields: right to the letter, for whoever may read the record, and for
-- nobody else.
begin;
\ir ../support/fixtures.sql
select plan(24);

-- Tom reaches own contacts alone, and may not read the audit.
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

:as_ada
select v1.save_custom_field('crm.contacts', 'color', '{"type": "text", "label": "Colour"}');
select v1.save_custom_field('crm.contacts', 'level', '{"type": "number", "label": "Level"}');
insert into v1.contacts (id, given_name, email, custom)
values (
    '00000000-0000-4000-b000-0000000000a1', 'Ann', 'ann@example.com', '{"color": "red", "level": 1}'
);
update v1.contacts set given_name = 'Anna', custom = '{"color": "red", "level": 2}';
:as_gus
update v1.contacts set phone = '123', custom = '{"color": "blue", "level": 2}';
update v1.contacts set email = null;
:as_ada
update v1.contacts set custom = '{"color": "blue"}';

:as_vic
select results_eq(
    $$
        select operation, field_name, old, new, right(caller_id::text, 1)
        from v1.field_history('crm.contacts', '00000000-0000-4000-b000-0000000000a1')
        where field_name <> 'name'
    $$,
    $$
        values
        ('update', 'custom.level', '2'::jsonb, null::jsonb, '1'),
        ('update', 'email', '"ann@example.com"', null, '5'),
        ('update', 'custom.color', '"red"', '"blue"', '5'),
        ('update', 'phone', null, '"123"', '5'),
        ('update', 'custom.level', '1', '2', '1'),
        ('update', 'given_name', '"Ann"', '"Anna"', '1'),
        ('insert', 'custom.color', null, '"red"', '1'),
        ('insert', 'custom.level', null, '1', '1'),
        ('insert', 'do_not_contact', null, 'false', '1'),
        ('insert', 'email', null, '"ann@example.com"', '1'),
        ('insert', 'given_name', null, '"Ann"', '1'),
        ('insert', 'owner_id', null, '"00000000-0000-4000-8000-000000000001"', '1')
    $$,
    'a member who reads the record reads its history, without reading the audit'
);
select is(
    pg_temp.code_of('select from core.audit_values'), '42501', 'and without its personal values'
);
select results_eq(
    $$
        select old, new
        from v1.field_history(
            'crm.contacts', '00000000-0000-4000-b000-0000000000a1', 'custom.level'
        )
    $$,
    $$values ('2'::jsonb, null::jsonb), ('1', '2'), (null, '1')$$,
    'of one field alone'
);
select is_empty(
    $$select from v1.field_history(
        'crm.contacts', '00000000-0000-4000-b000-0000000000a1', 'no_such_field'
    )$$,
    'a field that there is not has none'
);

-- Pages: whatever their size, together they are the whole.
create temporary table whole as
select entry_id, field_name, old, new
from v1.field_history('crm.contacts', '00000000-0000-4000-b000-0000000000a1');
create function pg_temp.in_pages(page integer) returns setof whole
language plpgsql
as $$
declare
    last_id bigint;
    row_count integer;
begin
    loop
        return query
        select entry_id, field_name, old, new
        from v1.field_history(
            'crm.contacts', '00000000-0000-4000-b000-0000000000a1', null, last_id, in_pages.page
        );
        get diagnostics row_count = row_count;
        exit when row_count = 0;
        select min(entry_id) into last_id
        from (
            select entry_id
            from v1.field_history(
                'crm.contacts', '00000000-0000-4000-b000-0000000000a1', null, last_id, in_pages.page
            )
        ) as shown;
    end loop;
end
$$;
select
    results_eq(
        format('select * from pg_temp.in_pages(%s)', page), 'select * from whole',
        'pages of ' || page
    )
from unnest(array[1, 2, 3, 5, 100]) as page;
select
    is(
        (
            select count(distinct entry_id)
            from v1.field_history(
                'crm.contacts', '00000000-0000-4000-b000-0000000000a1', page => page
            )
        ),
        1::bigint,
        'a page has at least one change, asked for with ' || coalesce(page::text, 'null')
    )
from unnest(array[0, -5, 1]) as page;

-- Whose record it is ------------------------------------------------------------------------------

:as_tom
select is(
    pg_temp.code_of(
        $$select from v1.field_history('crm.contacts', '00000000-0000-4000-b000-0000000000a1')$$
    ),
    'record.not_found', 'whoever reaches own records alone has no history of others'
);
insert into v1.contacts (id, given_name)
values ('00000000-0000-4000-b000-0000000000a2', 'Own');
select isnt_empty(
    $$select from v1.field_history('crm.contacts', '00000000-0000-4000-b000-0000000000a2')$$,
    'but of own ones'
);
:as_eve
select is(
    pg_temp.code_of(
        $$select from v1.field_history('crm.contacts', '00000000-0000-4000-b000-0000000000a1')$$
    ),
    'record.not_found', 'another tenant has none'
);
select is(
    pg_temp.code_of(
        $$select from v1.field_history('crm.contacts', '00000000-0000-4000-b000-0000000000ff')$$
    ),
    'record.not_found', 'and hears the same of a record that there is not'
);
-- The same id in another tenant is another record.
insert into v1.contacts (id, given_name)
values ('00000000-0000-4000-b000-0000000000a1', 'Eves');
select results_eq(
    $$
        select new
        from v1.field_history(
            'crm.contacts', '00000000-0000-4000-b000-0000000000a1', 'given_name'
        )
    $$,
    $$values ('"Eves"'::jsonb)$$,
    'a record of the same id has a history of its own'
);
:as_ada
select is(
    pg_temp.code_of(
        $$select from v1.field_history('crm.nothing', '00000000-0000-4000-b000-0000000000a1')$$
    ),
    'record.object_unknown', 'of objects there is a list'
);
select is(
    pg_temp.code_of('select from v1.field_history(null, null)'), 'record.object_unknown',
    'nothing has no history'
);
:as_anon
select is(
    pg_temp.code_of(
        $$select from v1.field_history('crm.contacts', '00000000-0000-4000-b000-0000000000a1')$$
    ),
    '42501', 'anonymous callers have none'
);

-- Hidden, erased, sensitive -----------------------------------------------------------------------

:as_owner
select core.guard_fields('crm.contacts', 'crm.contacts', array['email', 'custom']);
insert into core.hidden_fields (tenant_id, role_id, object, field)
select
    '00000000-0000-4000-a000-000000000002', '00000000-0000-4000-c000-00000000000a', 'crm.contacts',
    field
from unnest(array['email', 'custom']) as field;
update crm.contacts
set owner_id = '00000000-0000-4000-8000-000000000006'
where tenant_id = :acme and id = '00000000-0000-4000-b000-0000000000a1';
:as_tom
select results_eq(
    $$
        select distinct field_name
        from v1.field_history('crm.contacts', '00000000-0000-4000-b000-0000000000a1')
        order by 1
    $$,
    $$values ('do_not_contact'), ('given_name'), ('name'), ('owner_id'), ('phone')$$,
    'fields that a role is kept from are not in the history'
);
:as_owner
do $$
begin
    perform core.erase_audit_values(
        '00000000-0000-4000-a000-000000000002', 'crm.contacts',
        '{"id": "00000000-0000-4000-b000-0000000000a1"}'
    );
end
$$;
:as_ada
select results_eq(
    $$
        select field_name, old, new, is_erased
        from v1.field_history('crm.contacts', '00000000-0000-4000-b000-0000000000a1')
        where field_name in ('email', 'custom', 'do_not_contact') or field_name like 'custom.%'
    $$,
    $$
        values
        ('custom', null::jsonb, null::jsonb, true),
        ('email', null, null, true),
        ('custom', null, null, true),
        ('custom', null, null, true),
        ('custom', null, null, true),
        ('do_not_contact', null, 'false', false),
        ('email', null, null, true)
    $$,
    'what has been erased is shown as erased'
);
:as_owner
select core.guard_sensitive('crm.contacts');
:as_ada
select v1.mark_sensitive(
    'crm.contacts', '00000000-0000-4000-b000-0000000000a1', 'A person of public life'
);
select is(
    pg_temp.code_of(
        $$select from v1.field_history('crm.contacts', '00000000-0000-4000-b000-0000000000a1')$$
    ),
    'record.not_found', 'a record marked sensitive shows its history no more than itself'
);
:as_vic
select is(
    (select count(*) from v1.contacts where id = '00000000-0000-4000-b000-0000000000a1'),
    0::bigint, 'which is so for everybody'
);

select * from finish();
rollback;
