-- The records of the CRM: what they refuse, whose they are, what every change leaves behind, and
-- what hangs on them.
begin;
\ir ../support/fixtures.sql

-- otis reaches own records alone, tia those of the team north; both of acme.
create function pg_temp.become(number integer) returns void
language sql
as $$
    select
        set_config('tenon.caller_kind', '', true),
        set_config('request.headers', '', true),
        set_config('role', 'authenticated', true),
        set_config(
            'request.jwt.claims',
            jsonb_build_object(
                'role', 'authenticated',
                'sub', '00000000-0000-4000-8000-00000000000' || become.number
            )::text,
            true
        )
$$;
\set as_otis 'reset role; do $$ begin perform pg_temp.become(6); end $$;'
\set as_tia 'reset role; do $$ begin perform pg_temp.become(7); end $$;'
\set otis '\'00000000-0000-4000-8000-000000000006\''
\set north '\'00000000-0000-4000-e000-000000000001\''
insert into auth.users (id, email) values
(:otis, 'otis@example.com'),
('00000000-0000-4000-8000-000000000007', 'tia@example.com');
insert into core.roles (tenant_id, id, slug, name) values
(:acme, '00000000-0000-4000-d000-000000000006', 'own', 'Own'),
(:acme, '00000000-0000-4000-d000-000000000007', 'team', 'Team');
insert into core.role_permissions (tenant_id, role_id, permission, scope)
select
    :acme,
    ('00000000-0000-4000-d000-00000000000' || roles.number)::uuid,
    objects.object || verb,
    roles.scope
from (values (6, 'own'), (7, 'team')) as roles (number, scope)
cross join core.objects
cross join unnest(array['.read', '.write']) as verb
where objects.owner_column is not null and objects.object like 'crm.%';
insert into core.members (tenant_id, user_id, role_tenant_id, role_id)
select
    :acme,
    ('00000000-0000-4000-8000-00000000000' || number)::uuid,
    :acme,
    ('00000000-0000-4000-d000-00000000000' || number)::uuid
from unnest(array[6, 7]) as number;
insert into core.teams (tenant_id, id, slug, name) values (:acme, :north, 'north', 'North');
insert into core.team_members (tenant_id, team_id, user_id)
values (:acme, :north, '00000000-0000-4000-8000-000000000007');

create temporary table kinds (name text primary key, least text, changed text);
insert into kinds (name, least, changed) values
('companies', '{"name": "Least"}', '{"name": "More"}'),
('contacts', '{"family_name": "Least"}', '{"family_name": "More"}'),
('leads', '{"family_name": "Least"}', '{"family_name": "More"}'),
('deals', '{"name": "Least"}', '{"name": "More"}'),
('activities', '{"type": "note", "subject": "Least"}', '{"subject": "More"}');
grant select on kinds to authenticated;

-- An insert of a record of a kind, with more fields than the least.
create function pg_temp.insertion(
    kind text, more jsonb default '{}', place text default 'v1'
)
returns text
language sql stable
as $$
    select format(
        'insert into %1$I.%2$I (%3$s) select %3$s '
        'from jsonb_populate_record(null::%1$I.%2$I, %4$L) returning id',
        insertion.place, insertion.kind,
        (
            select string_agg(quote_ident(key), ', ')
            from jsonb_object_keys(kinds.least::jsonb || insertion.more) as key
        ),
        kinds.least::jsonb || insertion.more
    )
    from kinds
    where kinds.name = insertion.kind
$$;
create function pg_temp.made(kind text, more jsonb default '{}') returns uuid
language plpgsql
as $$
declare
    id uuid;
begin
    execute pg_temp.insertion(kind, more) into id;
    return id;
end
$$;
create temporary table ids (owner text, kind text, id uuid);
grant all on ids to authenticated;

select plan(70);

-- Whose they are ----------------------------------------------------------------------------------

:as_ada
insert into ids select 'ada', name, pg_temp.made(name) from kinds;
insert into ids select 'north', name, pg_temp.made(
    name, jsonb_build_object('team_id', :north)
) from kinds;
:as_otis
insert into ids select 'otis', name, pg_temp.made(name) from kinds;
:as_eve
insert into ids select 'eve', name, pg_temp.made(name) from kinds;

create function pg_temp.seen(kind text) returns text
language plpgsql
as $$
declare
    told text;
begin
    execute format(
        'select string_agg(ids.owner, '' '' order by ids.owner) from v1.%I as shown '
        'inner join ids on ids.id = shown.id and ids.kind = %L', kind, kind
    ) into told;
    return told;
end
$$;
:as_ada
select is(pg_temp.seen(name), 'ada north otis', 'a role of the tenant sees all ' || name)
from kinds;
:as_otis
select is(pg_temp.seen(name), 'otis', 'the scope own sees own ' || name) from kinds;
select is(
    pg_temp.code_of(
        pg_temp.insertion(name, '{"owner_id": "00000000-0000-4000-8000-000000000001"}')
    ), '42501', 'and makes none for others: ' || name
)
from kinds;
:as_tia
select is(pg_temp.seen(name), 'north', 'the scope team sees the team''s ' || name) from kinds;
:as_eve
select is(pg_temp.seen(name), 'eve', 'another tenant sees its own ' || name) from kinds;

-- What a change leaves ----------------------------------------------------------------------------

:as_otis
create function pg_temp.change(kind text) returns text
language plpgsql
as $$
declare
    told text;
begin
    execute format(
        'update v1.%1$I set %2$s where id in (select id from ids where owner = ''otis'') '
        'returning version || '' '' || (updated_by = created_by) || '' '' || (updated_at = now())',
        kind,
        (
            select string_agg(format('%I = %L', key, value), ', ')
            from jsonb_each_text((select changed from kinds where name = kind)::jsonb)
        )
    ) into told;
    return told;
end
$$;
select is(pg_temp.change(name), '2 true true', 'a change is counted, with whom and when: ' || name)
from kinds;
update v1.companies set name = 'More';
select is((select version from v1.companies), 2, 'what changes nothing is no change');
delete from v1.activities where id in (select id from ids);
:as_owner
select results_eq(
    format(
        $$
            select events.type, events.data
            from core.pending_events as events
            inner join ids on ids.id = events.subject_id
            where ids.owner = 'otis' and ids.kind in ('activities', 'companies', 'contacts')
            and events.tenant_id = %L
            order by 1
        $$, :acme
    ),
    $$
        values
        ('crm.activity.changed', '{"fields": ["subject"]}'::jsonb),
        ('crm.activity.created', '{}'),
        ('crm.activity.deleted', '{}'),
        ('crm.company.changed', '{"fields": ["name"]}'),
        ('crm.company.created', '{}'),
        ('crm.contact.changed', '{"fields": ["family_name", "name"]}'),
        ('crm.contact.created', '{}')
    $$, 'events say what happened, and which fields, never what is in them'
);
select is(
    pg_temp.code_of(
        format('update crm.contacts set tenant_id = %L where tenant_id = %L', :rival, :acme)
    ), 'record.field_fixed', 'a record stays in its tenant, whoever writes'
);
select is(
    pg_temp.code_of(
        format('update crm.deals set id = gen_random_uuid() where tenant_id = %L', :acme)
    ), 'record.field_fixed', 'and keeps its id'
);
:as_ada
select is(
    pg_temp.code_of(
        pg_temp.insertion('deals', '{"owner_id": "00000000-0000-4000-8000-000000000004"}')
    ), 'record.owner_unknown', 'an owner holds a role in the tenant'
);
select is(
    pg_temp.code_of(pg_temp.insertion('deals', '{"version": 7}')), '42501',
    'no client counts versions'
);

-- What is refused ---------------------------------------------------------------------------------

create temporary table refusals (kind text, field jsonb, code text);
grant select on refusals to authenticated;
insert into refusals (kind, field, code) values
('companies', '{"name": ""}', '23514'),
('companies', '{"kind": "friend"}', '23514'),
('companies', '{"annual_revenue_minor": 1}', '23514'),
('companies', '{"employee_count": -1}', '23514'),
('contacts', '{"email": "x"}', '23514'),
('contacts', '{"language": "German"}', '23514'),
('leads', '{"country_code": "de"}', '23514'),
('leads', '{"amount_minor": 1}', '23514'),
('deals', '{"amount_minor": 1}', '23514'),
('deals', '{"currency": "eur"}', '23514'),
('deals', '{"probability": 101}', '23514'),
('deals', '{"forecast_category": "sure"}', '23514'),
('activities', '{"type": "fax"}', '23514'),
('activities', '{"starts_at": "2026-01-02", "ends_at": "2026-01-01"}', '23514'),
('activities', '{"priority": "top"}', '23514');
select is(
    pg_temp.code_of(pg_temp.insertion(kind, field)), code, format('%s refuses %s', kind, field)
)
from refusals;
select lives_ok(
    pg_temp.insertion('contacts', '{"external_id": "7"}'), 'a key of another system is kept'
);
select is(
    pg_temp.code_of(pg_temp.insertion('contacts', '{"external_id": "7"}')), '23505',
    'once a tenant'
);

-- No way into another tenant ----------------------------------------------------------------------

select id as foreign_company from ids where owner = 'eve' and kind = 'companies' \gset
select id as foreign_contact from ids where owner = 'eve' and kind = 'contacts' \gset
select id as own_contact from ids where owner = 'ada' and kind = 'contacts' \gset
select id as own_deal from ids where owner = 'ada' and kind = 'deals' \gset
select id as own_call from ids where owner = 'ada' and kind = 'activities' \gset
select id as otis_deal from ids where owner = 'otis' and kind = 'deals' \gset
insert into v1.tags (name) values ('vip') returning id as tag \gset
create temporary table pointers (what text, statement text, code text);
insert into pointers (what, statement, code) values
(
    'a contact to a foreign company',
    format(
        'update v1.contacts set company_id = %L where id = %L', :'foreign_company', :'own_contact'
    ), '23503'
),
(
    'a deal to a foreign contact',
    format('update v1.deals set contact_id = %L where id = %L', :'foreign_contact', :'own_deal'),
    '23503'
),
(
    'a part in a deal to a foreign contact',
    format(
        'insert into v1.deal_contacts (deal_id, contact_id) values (%L, %L)', :'own_deal',
        :'foreign_contact'
    ), '23503'
),
(
    'an activity to a foreign record',
    format(
        'insert into v1.activity_links (activity_id, object, record_id) '
        'values (%L, ''crm.contacts'', %L)', :'own_call', :'foreign_contact'
    ), '42501'
),
(
    'a tag to a foreign record',
    format(
        'insert into v1.taggings (tag_id, object, record_id) values (%L, ''crm.contacts'', %L)',
        :'tag', :'foreign_contact'
    ), '42501'
),
(
    'a tag to nothing',
    format(
        'insert into v1.taggings (tag_id, object, record_id) values (%L, ''crm.contacts'', %L)',
        :'tag', gen_random_uuid()
    ), '42501'
),
(
    'a tag to a record by another name',
    format(
        'insert into v1.taggings (tag_id, object, record_id) values (%L, ''crm.leads'', %L)',
        :'tag', :'own_contact'
    ), '42501'
),
(
    'a file to a path of another tenant',
    format(
        'insert into v1.attachments (tenant_id, object, record_id, bucket, path, name) '
        'values (%L, ''crm.contacts'', %L, ''files'', %L, ''x'')',
        :acme, :'own_contact', :rival || '/x.pdf'
    ), '23514'
),
(
    'a file to a path that climbs',
    format(
        'insert into v1.attachments (tenant_id, object, record_id, bucket, path, name) '
        'values (%L, ''crm.contacts'', %L, ''files'', %L, ''x'')',
        :acme, :'own_contact', :acme || '/../' || :rival || '/x.pdf'
    ), '23514'
);
select is(pg_temp.code_of(statement), code, 'nothing points where it may not: ' || what)
from pointers;
:as_otis
select is(
    pg_temp.code_of(
        format(
            'insert into v1.deal_lines (deal_id, name, unit_price_minor) values (%L, ''x'', 1)',
            :'own_deal'
        )
    ), '42501', 'who reaches own deals writes no lines of others'
);

-- What hangs on a record goes with it -------------------------------------------------------------

:as_ada
insert into v1.taggings (tag_id, object, record_id) values
(:'tag', 'crm.contacts', :'own_contact'), (:'tag', 'crm.deals', :'own_deal');
insert into v1.activity_links (activity_id, object, record_id) values
(:'own_call', 'crm.contacts', :'own_contact');
insert into v1.attachments (tenant_id, object, record_id, bucket, path, name)
values (:acme, 'crm.contacts', :'own_contact', 'files', :acme || '/a.pdf', 'a.pdf');
insert into v1.contact_points (contact_id, kind, value) values (:'own_contact', 'phone', '1');
update v1.deals set contact_id = :'own_contact' where id = :'own_deal';
delete from v1.contacts where id = :'own_contact';
select results_eq(
    format(
        $$
            select
                (select count(*) from crm.taggings where record_id = %1$L),
                (select count(*) from crm.taggings where record_id = %2$L),
                (select count(*) from crm.activity_links),
                (select count(*) from crm.attachments),
                (select count(*) from crm.contact_points),
                (select count(contact_id) from crm.deals)
        $$, :'own_contact', :'own_deal'
    ),
    'values (0::bigint, 1::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint)',
    'what hangs on a record goes with it, what others have stays, and what points to it lets go'
);

-- Lines of a deal ---------------------------------------------------------------------------------

:as_otis
select is(
    pg_temp.code_of(
        format(
            'insert into v1.deal_lines (deal_id, name, unit_price_minor) values (%L, ''x'', 1)',
            :'otis_deal'
        )
    ), 'deal.currency_missing', 'a line has the currency of its deal'
);
update v1.deals set currency = 'EUR', amount_minor = 5;
insert into v1.deal_lines (deal_id, name, quantity, unit_price_minor, discount_percent) values
(:'otis_deal', 'a', 3, 333, 0),
(:'otis_deal', 'b', 0.5, 101, 0),
(:'otis_deal', 'c', 1, 1000, 12.5);
select is(
    (select amount_minor from v1.deals), 999 + 51 + 875::bigint,
    'a deal is worth its lines, each rounded half away from zero'
);
select is(
    pg_temp.code_of('update v1.deals set amount_minor = 1'), 'deal.amount_from_lines',
    'and nobody says otherwise'
);
update v1.deal_lines set quantity = 1 where name = 'a';
delete from v1.deal_lines where name = 'b';
select is((select amount_minor from v1.deals), 333 + 875::bigint, 'as lines change, so does it');
delete from v1.deal_lines;
select is((select amount_minor from v1.deals), null, 'and without lines it has no amount');
select lives_ok('update v1.deals set amount_minor = 7', 'until somebody says one');

select * from finish();
rollback;
