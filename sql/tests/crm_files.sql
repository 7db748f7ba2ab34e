-- Files of records: who may put one where, and who may have it.
begin;
\ir ../support/fixtures.sql
select plan(12);

insert into crm.contacts (tenant_id, id, given_name) values
(:acme, '00000000-0000-4000-c000-000000000001', 'Ann'),
(:rival, '00000000-0000-4000-c000-000000000002', 'Rob');

create function pg_temp.stored(path text) returns text
language sql
as $$
    select pg_temp.code_of(
        format('insert into storage.objects (bucket_id, name) values (''attachments'', %L)', path)
    )
$$;

create function pg_temp.path_of(
    tenant_id text,
    record_id text,
    file text default 'offer.pdf',
    object text default 'crm.contacts'
)
returns text
language sql
return tenant_id || '/' || object || '/' || record_id || '/' || file;

:as_ada
select is(
    pg_temp.stored(pg_temp.path_of(:acme, '00000000-0000-4000-c000-000000000001')), 'no error',
    'who may write a record may put a file into its folder'
);
select is(
    pg_temp.stored(pg_temp.path_of(:acme, '00000000-0000-4000-c000-000000000002')), '42501',
    'not into the folder of a record that is not there'
);
select is(
    pg_temp.stored(pg_temp.path_of(:rival, '00000000-0000-4000-c000-000000000002')), '42501',
    'not into that of another tenant'
);
select is(
    pg_temp.stored(
        pg_temp.path_of(:acme, '00000000-0000-4000-c000-000000000001', 'a.pdf', 'core.secrets')
    ),
    '42501', 'not into that of something that is no object'
);
select is(pg_temp.stored('offer.pdf'), '42501', 'nor anywhere else');
select is(
    pg_temp.stored(pg_temp.path_of(:acme, '00000000-0000-4000-c000-000000000001', '../x/y.pdf')),
    '42501', 'a file is not in a folder of its own'
);
select is(
    pg_temp.code_of(format(
        $$insert into v1.attachments (object, record_id, bucket, path, name) values (
            'crm.contacts', '00000000-0000-4000-c000-000000000001', 'attachments', %L, 'Offer'
        )$$,
        pg_temp.path_of(:rival, '00000000-0000-4000-c000-000000000002')
    )),
    '23514', 'an attachment does not name a file of another tenant'
);
insert into v1.attachments (object, record_id, bucket, path, name)
values (
    'crm.contacts', '00000000-0000-4000-c000-000000000001', 'attachments',
    pg_temp.path_of(:acme, '00000000-0000-4000-c000-000000000001'), 'Offer'
);
select is((select count(*) from storage.objects), 1::bigint, 'who put it there may have it');

:as_vic
select is(
    (select count(*) from storage.objects), 1::bigint,
    'who may read the record may have what hangs on it'
);
select is(
    pg_temp.stored(pg_temp.path_of(:acme, '00000000-0000-4000-c000-000000000001', 'b.pdf')),
    '42501',
    'and who may not write it may not put anything there'
);
delete from storage.objects;

:as_eve
select is((select count(*) from storage.objects), 0::bigint, 'another tenant may not have it');

:as_ada
select is((select count(*) from storage.objects), 1::bigint, 'a reader has removed nothing');

select * from finish();
rollback;
