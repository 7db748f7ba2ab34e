-- What the audit trail records, and that nobody changes it through any role of the API.
begin;
\ir ../support/fixtures.sql
select plan(61);

create table public.orders (
    tenant_id uuid not null,
    id uuid not null default gen_random_uuid(),
    title text,
    email text,
    amount numeric,
    doubled numeric generated always as (amount * 2) stored,
    shape json,
    gone text,
    seen_at timestamptz,
    primary key (tenant_id, id)
);
alter table public.orders drop column gone;
do $$
begin
    if to_regclass('core.personal_data') is null then
        create table core.personal_data (
            table_schema text, table_name text, column_name text, category text, subject text,
            erasure text
        );
    end if;
end
$$;
insert into core.personal_data (table_schema, table_name, column_name, category, subject, erasure)
values ('public', 'orders', 'email', 'user.contact.email', 'id is order', 'set_null');
select core.audit('public.orders', '{seen_at}');
grant all on public.orders to authenticated, service_role, anon, tenon_device;

create function pg_temp.entries(
    operation text, table_name text default 'public.orders'
)
returns setof core.audit_entries
language sql
as $$
    select * from core.audit_entries as entries
    where entries.operation = $1 and entries.table_name = $2
    order by entries.id
$$;

-- What.
:as_ada
set local "request.headers" = '{"user-agent": "browser", "x-request-id": "1", "x-forwarded-for": "192.0.2.7"}';
set local "request.method" = 'POST';
set local "request.path" = '/rest/v1/orders';
insert into public.orders (tenant_id, id, title, email, amount, shape)
values (:acme, '00000000-0000-4000-c000-000000000001', 'One', 'a@example.com', 1.50, '{"b": 1}');
:as_owner
select results_eq(
    $$select tenant_id, key, old, new - 'email' from pg_temp.entries('insert')$$,
    $$
        values (
            '00000000-0000-4000-a000-000000000002'::uuid,
            '{"id": "00000000-0000-4000-c000-000000000001"}'::jsonb,
            null::jsonb,
            '{"title": "One", "amount": 1.50, "doubled": 3.00, "shape": {"b": 1}}'::jsonb
        )
    $$,
    'an insert becomes an entry of the row''s tenant, with its key and the columns that have values'
);
select results_eq(
    $$select caller_kind, caller_id, origin from pg_temp.entries('insert')$$,
    $$
        values (
            'user', '00000000-0000-4000-8000-000000000001'::uuid,
            '{
                "address": "192.0.2.7", "method": "POST", "path": "/rest/v1/orders",
                "request_id": "1", "user_agent": "browser"
            }'::jsonb
        )
    $$,
    'it says who, and from where'
);
update public.orders set title = 'Two', amount = 2;
select results_eq(
    $$select old, new from pg_temp.entries('update')$$,
    $$
        values (
            '{"title": "One", "amount": 1.50, "doubled": 3.00}'::jsonb,
            '{"title": "Two", "amount": 2, "doubled": 4}'::jsonb
        )
    $$,
    'an update becomes an entry with the columns that differ, generated ones too'
);
select results_eq(
    $$select caller_kind, caller_id, origin from pg_temp.entries('update')$$,
    $$values ('system', null::uuid, null::jsonb)$$,
    'what no request has done is done by the system'
);
update public.orders set title = 'Two', seen_at = now();
select is(
    (select count(*) from pg_temp.entries('update')), 1::bigint,
    'an update of ignored columns is none, nor is one that changes nothing'
);
update public.orders set shape = '{"b":1}';
select is(
    (select count(*) from pg_temp.entries('update')), 2::bigint,
    'a type without equality is compared as it is written'
);
update public.orders set title = repeat('é', 5000);
select is(
    (select new -> 'title' -> '$cut' from pg_temp.entries('update') offset 2),
    jsonb_build_object(
        'bytes', 10002,
        'sha256', encode(sha256(convert_to('"' || repeat('é', 5000) || '"', 'UTF8')), 'hex'),
        'start', '"' || repeat('é', 255)
    ),
    'a long value is cut, with its length and digest'
);
alter table public.orders add column note text;
update public.orders set note = 'new column';
select is(
    (select count(*) from pg_temp.entries('update')), 3::bigint,
    'a column that is added later is not known to the trigger'
);
select is(core.refresh_audits(), 1, 'until the triggers are refreshed');
select is(core.refresh_audits(), 0, 'which finds nothing to do a second time');
update public.orders set note = 'again';
select is(
    (select new from pg_temp.entries('update') offset 3), '{"note": "again"}'::jsonb,
    'and then it is recorded'
);
update public.orders set id = '00000000-0000-4000-c000-000000000002';
select results_eq(
    $$
        select operation, key ->> 'id' from core.audit_entries
        where table_name = 'public.orders' order by id desc limit 2
    $$,
    $$
        values
        ('insert', '00000000-0000-4000-c000-000000000002'),
        ('delete', '00000000-0000-4000-c000-000000000001')
    $$,
    'a record that gets another key has gone, and another has come'
);
update public.orders set tenant_id = :rival;
select results_eq(
    $$
        select operation, tenant_id from core.audit_entries
        where table_name = 'public.orders' order by id desc limit 2
    $$,
    $$
        values
        ('insert', '00000000-0000-4000-a000-000000000003'::uuid),
        ('delete', '00000000-0000-4000-a000-000000000002'::uuid)
    $$,
    'neither tenant reads in its trail what the record was at the other'
);
delete from public.orders;
select is(
    (select old ->> 'note' from pg_temp.entries('delete') offset 2), 'again',
    'a delete becomes an entry with what was lost'
);
insert into public.orders (tenant_id, title) values (:acme, 'x'), (:acme, 'y'), (:rival, 'z');
truncate public.orders;
select results_eq(
    $$
        select tenant_id, (details ->> 'rows')::integer
        from pg_temp.entries('truncate') order by 1
    $$,
    $$
        values
        ('00000000-0000-0000-0000-000000000000'::uuid, 3),
        ('00000000-0000-4000-a000-000000000002'::uuid, 2),
        ('00000000-0000-4000-a000-000000000003'::uuid, 1)
    $$,
    'a truncate becomes an entry of each tenant that had rows, and of the platform'
);

-- Tables of other shapes.
create table public.visits (
    tenant_id uuid not null, day date not null, place text not null, people integer,
    primary key (tenant_id, day, place)
) partition by list (place);
create table public.visits_north partition of public.visits for values in ('north');
select core.audit('public.visits');
create table public.visits_south partition of public.visits for values in ('south');
insert into public.visits values
(:acme, '2026-01-02', 'north', 1), (:acme, '2026-01-02', 'south', 2);
update public.visits set people = 3 where place = 'south';
select results_eq(
    $$
        select operation, table_name, key, new from core.audit_entries
        where table_name like 'public.visits%' order by id
    $$,
    $$
        values
        (
            'insert', 'public.visits', '{"day": "2026-01-02", "place": "north"}'::jsonb,
            '{"people": 1}'::jsonb
        ),
        ('insert', 'public.visits', '{"day": "2026-01-02", "place": "south"}', '{"people": 2}'),
        ('update', 'public.visits', '{"day": "2026-01-02", "place": "south"}', '{"people": 3}')
    $$,
    'partitions are audited under the name of their table, later ones too; keys may be composite'
);
select is(core.refresh_audits(), 1, 'a new partition needs a trigger of its own for truncate');
truncate public.visits_north, public.visits_south;
select is(
    (select count(*) from pg_temp.entries('truncate', 'public.visits')), 4::bigint,
    'and then cannot be truncated unseen either'
);
select throws_ok(
    $$select core.audit('core.errors')$$, '42703', null, 'a table without tenant is not audited'
);
update core.tenants set name = 'Acme Ltd' where id = :acme;
select is(
    (
        select tenant_id from core.audit_entries
        where table_name = 'core.tenants' and new ->> 'name' = 'Acme Ltd'
    ),
    :acme::uuid, 'a tenant itself is in its own trail'
);

-- Security events. Gus owns rival too, so that eve can go.
insert into core.members (tenant_id, user_id, role_id)
select :rival, '00000000-0000-4000-8000-000000000005', id from core.roles where slug = 'owner';
select is(
    (
        select array_agg(event order by id) from core.audit_entries
        where tenant_id = :rival and operation = 'event'
    ),
    array['member.added', 'member.added'], 'who becomes a member is a security event'
);
update core.members set status = 'suspended'
where tenant_id = :rival and user_id = '00000000-0000-4000-8000-000000000004';
delete from core.members
where tenant_id = :rival and user_id = '00000000-0000-4000-8000-000000000004';
insert into core.roles (tenant_id, slug, name) values (:rival, 'clerk', 'Clerk');
insert into core.role_permissions (tenant_id, role_id, permission)
select tenant_id, id, 'core.tenants.read' from core.roles where slug = 'clerk';
update core.role_permissions set scope = 'own' where tenant_id = :rival;
delete from core.role_permissions where tenant_id = :rival;
select is(
    (
        select array_agg(event order by id) from core.audit_entries
        where tenant_id = :rival and operation = 'event'
    ),
    array[
        'member.added', 'member.added', 'member.suspended', 'member.removed',
        'role.permission_granted', 'role.permission_changed', 'role.permission_revoked'
    ],
    'so is what changes what they may do'
);
select core.record_security_event(null, 'sign_in.failed', '{"reason": "password"}');
select results_eq(
    $$
        select tenant_id, details from core.audit_entries where event = 'sign_in.failed'
    $$,
    $$values (core.platform_tenant_id(), '{"reason": "password"}'::jsonb)$$,
    'an event of no tenant is the platform''s'
);

-- Personal values.
insert into public.orders (tenant_id, id, title, email)
values (:acme, '00000000-0000-4000-c000-000000000003', 'Three', 'c@example.com');
update public.orders set email = 'd@example.com' where title = 'Three';
select ok(
    (
        select bool_and(entries::text !~ 'example') and count(*) = 2
        from core.audit_entries as entries
        where entries.key = '{"id": "00000000-0000-4000-c000-000000000003"}'
    ),
    'a personal value is in no entry'
);
select results_eq(
    $$
        select
            kept.old::text, kept.new::text,
            entries.new -> 'email' = tenon.audit_reference(kept.salt, kept.new::text),
            entries.new -> 'email' ->> '$ref'
            = encode(sha256(kept.salt || convert_to(kept.new::text, 'UTF8')), 'hex')
        from core.audit_values as kept
        inner join core.audit_entries as entries on entries.id = kept.entry_id
        where entries.key = '{"id": "00000000-0000-4000-c000-000000000003"}'
        order by entries.id
    $$,
    $$
        values
        (null, '"c@example.com"', true, true),
        ('"c@example.com"', '"d@example.com"', true, true)
    $$,
    'it stands there as SHA-256 of its salt and itself'
);
:as_ada
select is(
    (
        select array_agg(operation || ' ' || coalesce(new ->> 'email', '') order by id)
        from v1.history('public.orders', '"00000000-0000-4000-c000-000000000003"')
    ),
    array['insert c@example.com', 'update d@example.com'],
    'the history of a record shows it to who may read the audit'
);
:as_owner
delete from core.personal_data where table_schema = 'public';
select is(core.refresh_audits(), 1, 'the map of personal columns is read anew');
update public.orders set email = 'e@example.com';
select is(
    (
        select new from core.audit_entries
        where key = '{"id": "00000000-0000-4000-c000-000000000003"}' order by id desc limit 1
    ),
    '{"email": "e@example.com"}'::jsonb,
    'and decides over what is written from then on'
);

-- Who reads.
:as_ada
select ok((select count(*) > 0 from v1.audit), 'an owner reads the trail of the tenant');
select is(
    (select count(*) from v1.audit where tenant_id <> :acme), 0::bigint, 'and of no other'
);
:as_vic
select is((select count(*) from v1.audit), 0::bigint, 'a viewer reads none of it');
select is(
    pg_temp.code_of($$select v1.verify_audit()$$), 'tenancy.permission_missing',
    'nor verifies it'
);
select is(
    pg_temp.code_of($$select v1.export_audit()$$), 'tenancy.permission_missing', 'nor exports it'
);
select is(
    pg_temp.code_of($$select v1.history('public.orders', '"x"')$$), 'tenancy.permission_missing',
    'nor reads the history of a record'
);
:as_eve
select is((select count(*) from v1.audit where tenant_id = :acme), 0::bigint, 'strangers least');
:as_ada
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000003"}';
select is(
    pg_temp.code_of($$select v1.audit_checkpoint()$$), 'tenancy.permission_missing',
    'no header opens the trail of another tenant'
);

-- Nobody changes it: each role by each verb on each table.
:as_owner
create table pg_temp.attempts (role text, relation text, verb text, code text);
grant all on pg_temp.attempts to public;
create function pg_temp.attempt_all(role text) returns void
language plpgsql
as $$
declare
    relation text;
    verb text;
begin
    foreach relation in array array[
        'core.audit_entries', 'core.audit_entries_default', 'core.audit_values',
        'core.audit_seals', 'core.audit_heads', 'core.audit_anchors', 'core.audit_progress',
        'v1.audit', 'core.sensitive_records'
    ] loop
        foreach verb in array array[
            'insert into %s select * from %1$s', 'update %s set tenant_id = tenant_id',
            'delete from %s', 'truncate %s'
        ] loop
            insert into pg_temp.attempts
            values (role, relation, verb, pg_temp.code_of(format(verb, relation)));
        end loop;
    end loop;
end
$$;
:as_anon
select pg_temp.attempt_all('anon');
:as_ada
select pg_temp.attempt_all('owner of the tenant');
:as_service
select pg_temp.attempt_all('service_role');
:as_truck
select pg_temp.attempt_all('device');
:as_bridge
select pg_temp.attempt_all('bridge');
:as_owner
select is((select count(*) from pg_temp.attempts), 180::bigint, '5 roles, 9 tables, 4 verbs');
select is_empty(
    $$
        select * from pg_temp.attempts
        where code <> '42501' and not (relation = 'v1.audit' and code in ('0A000', '42809'))
    $$,
    'no role of the API may write, change, delete or truncate anything of the audit'
);
select core.append_audit_seal(:acme, '2026-01-01 00:00Z', '{}', '');
select results_eq(
    $$
        select code, count(*) from (
            select pg_temp.code_of(format(verb, relation)) as code
            from unnest(array[
                'update %s set tenant_id = tenant_id', 'delete from %s', 'truncate %s'
            ]) as verb
            cross join unnest(array[
                'core.audit_entries', 'core.audit_entries_default', 'core.audit_seals'
            ]) as relation
            where relation <> 'core.audit_entries_default' or verb ~ 'truncate'
        ) as refused
        group by 1
    $$,
    $$values ('audit.append_only', 7::bigint)$$,
    'triggers refuse it to the owner of the tables, too'
);
select is_empty(
    $$
        select granted.grantee::regrole, our.oid::regprocedure
        from pg_proc as our
        cross join lateral aclexplode(our.proacl) as granted
        where
            our.pronamespace = 'core'::regnamespace
            and our.proname in (
                'write_audit_entry', 'record_security_event', 'append_audit_seal',
                'erase_audit_values', 'audit', 'refresh_audits', 'audit_row', 'audit_statement',
                'guard_sensitive'
            )
            and granted.grantee <> our.proowner
    $$,
    'nobody but the owner may call what writes it'
);

-- Sensitive records.
alter table public.orders enable row level security;
create policy orders_read on public.orders for select to authenticated
using (tenant_id = any((select core.tenants_with('core.tenants.read'))::uuid[]));
select core.guard_sensitive('public.orders');
insert into public.orders (tenant_id, id, title)
values (:rival, '00000000-0000-4000-c000-000000000004', 'Four');
:as_vic
select is((select count(*) from public.orders), 1::bigint, 'a record that is not marked is read');
select is(
    pg_temp.code_of(
        $$select v1.mark_sensitive('public.orders', '00000000-0000-4000-c000-000000000003', 'x')$$
    ),
    'sensitive.not_found', 'who may not mark a record is told nothing of it'
);
:as_ada
select is(
    pg_temp.code_of(
        $$select v1.mark_sensitive('public.orders', '00000000-0000-4000-c000-000000000004', 'x')$$
    ),
    'sensitive.not_found', 'in the same words as of one of another tenant'
);
select is(
    pg_temp.code_of(
        $$select v1.mark_sensitive('public.orders', '00000000-0000-4000-c000-000000000003', ' ')$$
    ),
    'sensitive.reason_missing', 'a mark has a reason'
);
select v1.mark_sensitive('public.orders', '00000000-0000-4000-c000-000000000003', 'a celebrity');
select is((select count(*) from public.orders), 0::bigint, 'a marked record is not returned');
select is(
    pg_temp.code_of(
        $$select v1.open_record('public.orders', '00000000-0000-4000-c000-000000000003', '')$$
    ),
    'sensitive.reason_missing', 'nobody opens it without a reason'
);
select is(
    v1.open_record('public.orders', '00000000-0000-4000-c000-000000000003', 'complaint 7')
    ->> 'title',
    'Three', 'who may, opens it'
);
select is((select count(*) from public.orders), 0::bigint, 'and it is closed again');
select results_eq(
    $$
        select caller_id, key, details from v1.audit where operation = 'read'
    $$,
    $$
        values (
            '00000000-0000-4000-8000-000000000001'::uuid,
            '{"id": "00000000-0000-4000-c000-000000000003"}'::jsonb,
            '{"reason": "complaint 7"}'::jsonb
        )
    $$,
    'the trail says who opened what, and why'
);
:as_vic
select is(
    pg_temp.code_of(
        $$select v1.open_record('public.orders', '00000000-0000-4000-c000-000000000003', 'to see')$$
    ),
    'sensitive.not_found', 'a viewer does not open it'
);
:as_eve
select is(
    pg_temp.code_of(
        $$select v1.open_record('public.orders', '00000000-0000-4000-c000-000000000003', 'to see')$$
    ),
    'sensitive.not_found', 'nor does a stranger'
);
:as_ada
select is(
    pg_temp.code_of(
        $$select v1.open_record('auth.users', '00000000-0000-4000-8000-000000000001', 'to see')$$
    ),
    'sensitive.not_found', 'and through it nobody reads other tables'
);
select v1.mark_sensitive('public.orders', '00000000-0000-4000-c000-000000000003', 'no more', false);
select is((select count(*) from public.orders), 1::bigint, 'the mark can be taken away');

-- What a hidden field hides is hidden in an opened record, too.
:as_owner
select core.guard_fields('public.orders', 'core.tenants', '{amount}');
update public.orders set amount = 7 where title = 'Three';
insert into core.roles (tenant_id, slug, name) values (:acme, 'clerk', 'Clerk');
insert into core.role_permissions (tenant_id, role_id, permission)
select roles.tenant_id, roles.id, permission
from core.roles
cross join unnest(array['core.tenants.read', 'core.sensitive.read']) as permission
where roles.slug = 'clerk' and roles.tenant_id = :acme;
insert into core.hidden_fields (tenant_id, role_id, object, field)
select tenant_id, id, 'core.tenants', 'amount' from core.roles
where slug = 'clerk' and tenant_id = :acme;
update core.members
set
    role_tenant_id = :acme,
    role_id = (select id from core.roles where slug = 'clerk' and tenant_id = :acme)
where user_id = '00000000-0000-4000-8000-000000000002';
select core.mark_sensitive('public.orders', '00000000-0000-4000-c000-000000000003', 'system says');
:as_ada
select is(
    v1.open_record('public.orders', '00000000-0000-4000-c000-000000000003', 'x') -> 'amount',
    '7', 'an opened record shows its fields'
);
:as_vic
select is(
    v1.open_record('public.orders', '00000000-0000-4000-c000-000000000003', 'x') -> 'amount',
    'null', 'but not those that the role is kept from'
);

-- The settings of a request are read once for each request, and never those of the one before.
:as_ada
set local "request.headers" = '{"user-agent": "other"}';
select is(
    (
        select user_agent from v1.audit
        where
            operation = 'read'
            and caller_id = '00000000-0000-4000-8000-000000000001'
            and v1.open_record(
                'public.orders', '00000000-0000-4000-c000-000000000003', 'y'
            ) is not null
        limit 1
    ),
    null, 'an entry keeps the origin of its own request'
);
select is(
    (select user_agent from v1.audit where details ->> 'reason' = 'y' limit 1), 'other',
    'and another request has another'
);
:as_owner
set local "request.headers" = '{"user-agent": 7, "x-forwarded-for": "nonsense"}';
update public.orders set title = 'odd';
select is(
    (select origin from pg_temp.entries('update') order by id desc limit 1) - 'method' - 'path',
    '{}'::jsonb, 'what headers do not say is left out'
);
:as_owner
set local "request.headers" = '';

-- Months.
select ok(core.add_audit_partition('2025-01-01 00:00Z'), 'a month gets a partition');
select ok(not core.add_audit_partition('2025-01-01 00:00Z'), 'once');
select core.add_audit_partition(date_trunc('month', now(), 'UTC'));
select is_empty(
    $$select from core.audit_entries_default where at >= date_trunc('month', now(), 'UTC')$$,
    'entries written before their month had a partition are moved there'
);

select * from finish();
rollback;
