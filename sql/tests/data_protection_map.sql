-- Every column that looks personal is mapped or excused, and what the data map says can be done.
begin;
\ir ../support/fixtures.sql
select plan(43);

select is_empty(
    'select * from core.unmapped_columns()',
    'every column that looks personal is mapped or excused'
);
select is_empty('select * from core.data_map_faults()', 'every line of the map fits its column');

-- Schemas of ours that nobody has told the map about. postgres owns others, which are not ours.
select is_empty(
    $$
        select namespaces.nspname
        from pg_namespace as namespaces
        where
            namespaces.nspowner = (select nspowner from pg_namespace where nspname = 'core')
            and exists (
                select from pg_class where relnamespace = namespaces.oid and relkind in ('r', 'p')
            )
            and namespaces.nspname <> all(core.data_map_schemas())
            and namespaces.nspname not in ('pgmq', 'public', 'supabase_migrations')
            and namespaces.nspname !~ '^pg_'
    $$,
    'every schema of ours with tables is looked at'
);

-- What looks personal, and what does not.
create function pg_temp.looks(name text, type text default 'text') returns boolean
language sql
return core.looks_personal(name, type) is not null;

select results_eq(
    $$
        select name
        from unnest(array[
            'name', 'first_name', 'lastname', 'e_mail', 'email_address', 'mobile', 'phone_work',
            'home_address', 'street', 'zip', 'ip', 'client_ip', 'remote_addr', 'birth_date', 'dob',
            'gender',
            'iban', 'card_number', 'plate', 'vin', 'lat', 'longitude', 'geo_point', 'user_agent',
            'created_by', 'changed_by', 'owner_id', 'user_id', 'contact_id', 'payload', 'body',
            'note', 'passport_no', 'avatar_url', 'tax_id', 'nationality', 'assignee', 'session_id',
            'recipient', 'secret'
        ]) as name
        where not pg_temp.looks(name)
    $$,
    array[]::text[],
    'names of personal columns are known'
);
select results_eq(
    $$
        select name
        from unnest(array[
            'id', 'tenant_id', 'slug', 'status', 'kind', 'created_at', 'number', 'price_cents',
            'readings', 'version', 'unit', 'code', 'position', 'priority', 'digest', 'storage_bytes'
        ]) as name
        where pg_temp.looks(name)
    $$,
    array[]::text[],
    'and those of others are let through'
);
select ok(pg_temp.looks('anything', 'jsonb'), 'JSON may hold anybody');
select ok(pg_temp.looks('origin', 'inet'), 'an address is one whatever it is called');
select ok(not pg_temp.looks('is_owner', 'boolean'), 'a yes or no names nobody');

-- A new column is noticed, in any of our schemas, until a line is there.
create schema if not exists crm;
create table crm.visits (
    tenant_id uuid,
    id uuid,
    visitor_email text,
    seen_at timestamptz,
    status text not null,
    note text not null constraint note_is_short check (char_length(note) < 20),
    score integer,
    primary key (tenant_id, id)
);
alter table iot.devices add column driver_name varchar(40);
select results_eq(
    'select table_schema, table_name, column_name from core.unmapped_columns()',
    $$
        values
        ('crm', 'visits', 'note'),
        ('crm', 'visits', 'visitor_email'),
        ('iot', 'devices', 'driver_name')
    $$,
    'new columns that look personal are missed in the map'
);
create table crm.visits_of_may (like crm.visits);
select is(
    (select count(*) from core.unmapped_columns() where table_name = 'visits_of_may'), 2::bigint,
    'so are those of a copy'
);
drop table crm.visits_of_may;

select core.map_personal(
    'crm.visits.visitor_email', 'user.contact.email', 'visitor_email is email', 'set_null'
);
select core.map_not_personal('A word of the trade.', 'crm.visits.note', 'iot.devices.driver_name');
select is_empty('select * from core.unmapped_columns()', 'until they are mapped or excused');
select is_empty('select * from core.data_map_faults()', 'and nothing is wrong with these lines');

-- Lines that name nothing are refused at once.
select is(
    pg_temp.code_of($$select core.map_personal(
        'crm.visits.mail', 'user.contact.email', 'mail is email', 'set_null'
    )$$), '42703', 'a column that does not exist cannot be mapped'
);
select is(
    pg_temp.code_of($$select core.map_personal(
        'crm.visits.note', 'user.content', 'visitor is email', 'set_null'
    )$$), '42703', 'nor lead to the person by one'
);
select is(
    pg_temp.code_of($$select core.map_personal(
        'crm.visits.note', 'user.content', 'id in crm.visitors.id', 'set_null'
    )$$), '42703', 'nor through one'
);
select is(
    pg_temp.code_of($$select core.map_not_personal('No reason at all.', 'crm.visits.mail')$$),
    '42703', 'nor can it be excused'
);
select is(
    pg_temp.code_of($$select core.map_personal(
        'crm.visits.note', 'user.content', 'visitor_email is email', 'keep'
    )$$), '23514', 'what is kept needs a reason'
);
select is(
    pg_temp.code_of($$select core.map_personal(
        'crm.visits.note', 'User Content', 'visitor_email is email', 'delete_row'
    )$$), '23514', 'a category is one of Fides'
);
select is(
    pg_temp.code_of($$select core.map_personal(
        'crm.visits.note', 'user.content', 'visitor_email is email; drop table x', 'delete_row'
    )$$), '23514', 'a link is a link'
);
select is(
    pg_temp.code_of($$insert into core.personal_data (
        table_schema, table_name, column_name, category, subject, erasure
    ) values ('crm', 'visits', 'note', 'user', 'note is email) or (true', 'set_null')$$), '23514',
    'whoever writes it'
);

-- Lines that cannot be carried out are found.
create function pg_temp.fault(
    mapped text, erasure text, subject text default 'visitor_email is email',
    retention_from text default null
)
returns text
language plpgsql
as $$
declare
    found_fault text;
begin
    perform core.map_personal(
        mapped, 'user.content', subject, erasure, 'Because we must keep it.',
        case when retention_from is not null then interval '1 month' end, retention_from
    );
    select string_agg(fault, '; ') into found_fault from core.data_map_faults() as faults
    where faults.table_name in ('visits', 'loners', 'devices');
    delete from core.personal_data
    where table_schema || '.' || table_name || '.' || column_name = mapped;
    return found_fault;
end
$$;
delete from core.not_personal where table_schema = 'crm' and table_name = 'visits';
select is(
    pg_temp.fault('crm.visits.note', 'set_null'),
    'a column that is not null cannot be set to null', 'what is not null is not set to null'
);
select is(
    pg_temp.fault('crm.visits.note', 'pseudonymise'), 'a check refuses the pseudonym',
    'a pseudonym fits the checks of its column'
);
select is(
    pg_temp.fault('crm.visits.score', 'pseudonymise'), 'the type integer has no pseudonym',
    'a number has no pseudonym'
);
select is(
    pg_temp.fault('crm.visits.seen_at', 'set_null', 'score is contact_id'),
    'score is contact_id is of the type integer', 'an id is one of Postgres''s'
);
select is(
    pg_temp.fault('crm.visits.seen_at', 'set_null', 'id is email'),
    'id is email is of the type uuid', 'an id is no e-mail address'
);
select is(
    pg_temp.fault('crm.visits.seen_at', 'set_null', 'visitor_email is iris'),
    'nobody is known by iris', 'a person is known by what the map knows'
);
select is(
    pg_temp.fault('crm.visits.seen_at', 'set_null', 'id in iot.devices.id'),
    'id in iot.devices.id: the link leads nowhere', 'a link leads through a mapped column'
);
select is(
    pg_temp.fault('crm.visits.id', 'keep', 'id in crm.visits.id'),
    'id in crm.visits.id: the link leads nowhere', 'and not in a circle'
);
select is(
    pg_temp.fault('crm.visits.seen_at', 'set_null', 'visitor_email is email', 'status'),
    'retention counts from a column that is no time', 'retention counts from a time'
);
select matches(
    pg_temp.fault('crm.visits.seen_at', 'delete_row'),
    'the row is deleted, and another column of it is not',
    'a row is deleted or emptied, not both'
);
create table crm.pages (
    tenant_id uuid, visit_id uuid, primary key (tenant_id, visit_id),
    foreign key (tenant_id, visit_id) references crm.visits (tenant_id, id)
);
delete from core.personal_data where table_schema = 'crm' and table_name = 'visits';
select is(
    pg_temp.fault('crm.visits.visitor_email', 'delete_row'),
    'rows of other tables hold on to the row', 'a row that others hold on to cannot be deleted'
);
select is(
    pg_temp.fault('crm.visits.visitor_email', 'keep', 'visitor_email is email', 'seen_at'),
    'rows of other tables hold on to the row', 'by retention neither'
);
create table crm.loners (email text);
select is(
    pg_temp.fault('crm.loners.email', 'set_null', 'email is email'),
    'the table has no primary key; '
    || 'a table of no tenant leads to the person by a user''s id alone',
    'a table has a key and a tenant'
);
select is(
    pg_temp.fault('iot.devices.driver_name', 'set_null', 'created_by is user_id'),
    'the column is mapped and excused', 'a column is mapped or excused, not both'
);
delete from core.not_personal where column_name = 'driver_name';
select is(
    pg_temp.fault('iot.devices.driver_name', 'pseudonymise', 'created_by is user_id'),
    'the column is too short for a pseudonym', 'a pseudonym fits the length of its column'
);
select core.map_personal('crm.visits.note', 'user.content', 'visitor_email is email', 'delete_row');
alter table crm.visits drop column note;
select results_eq(
    $$select column_name, fault from core.data_map_faults()$$,
    $$values ('note', 'there is no such column')$$,
    'a line whose column is gone is found'
);
delete from core.personal_data where table_schema = 'crm' and table_name = 'visits';

-- Fides.
select is(
    core.data_map_fides()
    #> '{dataset}' @? '$[*] ? (@.fides_key == "tenon_core").collections[*] ? (@.name == "members")
        .fields[*] ? (@.name == "user_id" && @.data_categories[0] == "user.unique_id"
        && @.fides_meta.identity == "user_id" && @.fides_meta.primary_key == true)',
    true, 'the map is a dataset of Fides, with categories, keys and identities'
);
select is(
    core.data_map_fides() @? '$.dataset[*].collections[*] ? (@.name == "consent_withdrawals")
        .fields[*].fides_meta.references[*] ? (@.dataset == "tenon_core"
        && @.field == "consents.id" && @.direction == "from")',
    true, 'links through other tables are references'
);
select ok(
    not core.data_map_fides() @? '$.dataset[*].collections[*].fields[*]
        ? (@.name == "encrypted_password")',
    'of schemas that are not ours only what is mapped is there'
);

-- Who may read and write it.
:as_vic
select isnt_empty('select * from v1.data_map', 'who is signed in may read the map');
select is(
    pg_temp.code_of('delete from core.personal_data'), '42501', 'and not write it'
);
select is(
    pg_temp.code_of(
        $$select core.map_personal('core.tenants.name', 'user', 'id is email', 'keep')$$
    ),
    '42501', 'nor call what does'
);
:as_anon
select is(pg_temp.code_of('select from v1.data_map'), '42501', 'who is not may not read it');

select * from finish();
rollback;
