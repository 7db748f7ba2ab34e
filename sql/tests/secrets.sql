begin;
\ir ../support/fixtures.sql
select plan(26);

create temporary table kept (name text primary key, id uuid, sealed bytea);

-- Sealed rows -------------------------------------------------------------------------------------

select is(tenon.secret_key_status(), 'ready', 'this cluster has a key');
insert into kept (name, id) values
('first', core.store_secret(:acme, 'webhook', 'whsec_hunter2')),
('second', core.store_secret(:acme, 'webhook', 'whsec_hunter2'));
update kept set sealed = secrets.sealed from core.secrets where secrets.id = kept.id;

select is(
    (select core.read_secret(:acme, id) from kept where name = 'first'), 'whsec_hunter2',
    'a secret is given back as it was'
);
select is_empty(
    $$
        select id from core.secrets
        where position('hunter2' in encode(sealed, 'escape')) > 0 or vault_id is not null
    $$,
    'it is kept in the row, and not in clear'
);
select isnt(
    (select sealed from kept where name = 'first'),
    (select sealed from kept where name = 'second'),
    'the same secret is never sealed alike'
);
select is(
    pg_temp.code_of(
        format(
            'select core.read_secret(%L, %L)', :rival, (select id from kept where name = 'first')
        )
    ),
    'secret.unknown', 'another tenant has no such secret'
);

-- Whoever can write to tables can move bytes, but not make them open elsewhere.
update core.secrets
set sealed = (select kept.sealed from kept where kept.name = 'first')
where secrets.id = (select kept.id from kept where kept.name = 'second');
select throws_ok(
    format('select core.read_secret(%L, %L)', :acme, (select id from kept where name = 'second')),
    'XX001', null, 'a sealed secret that was moved to another row does not open'
);
update core.secrets
set sealed = (select kept.sealed from kept where kept.name = 'second'), purpose = 'source'
where secrets.id = (select kept.id from kept where kept.name = 'second');
select throws_ok(
    format('select core.read_secret(%L, %L)', :acme, (select id from kept where name = 'second')),
    'XX001', null, 'nor does one whose purpose was changed'
);
update core.secrets
set sealed = set_byte(secrets.sealed, 40, 255 - get_byte(secrets.sealed, 40)), purpose = 'webhook'
where secrets.id = (select kept.id from kept where kept.name = 'second');
select throws_like(
    format('select core.read_secret(%L, %L)', :acme, (select id from kept where name = 'second')),
    'a sealed secret cannot be opened%', 'nor one of which a bit was changed'
);
select is(core.reseal_secrets(), 0::bigint, 'what is sealed with the key of today stays');
select is(
    tenon.secret_is_current((select sealed from kept where name = 'first')), true,
    'a sealed secret tells with which key'
);
select is(
    tenon.secret_is_current(set_byte((select sealed from kept where name = 'first'), 2, 0))
    and tenon.secret_is_current(set_byte((select sealed from kept where name = 'first'), 2, 1)),
    false, 'and by that those that are to be sealed anew are found'
);

select is(
    pg_temp.code_of(format('select core.store_secret(%L, %L, %L)', :acme, 'webhook', '')),
    'secret.length_invalid', 'nothing is no secret'
);
select is(
    pg_temp.code_of(format('select core.store_secret(%L, %L, null)', :acme, 'webhook')),
    'secret.length_invalid', 'nor is null'
);
select is(
    pg_temp.code_of(
        format('select core.store_secret(%L, %L, %L)', :acme, 'webhook', repeat('x', 16385))
    ),
    'secret.length_invalid', 'nor is a document'
);

select core.delete_secret(:rival, (select id from kept where name = 'first'));
select is(
    (select core.read_secret(:acme, id) from kept where name = 'first'), 'whsec_hunter2',
    'another tenant removes nothing'
);
select core.delete_secret(:acme, (select id from kept where name = 'first'));
select is(
    pg_temp.code_of(
        format(
            'select core.read_secret(%L, %L)', :acme, (select id from kept where name = 'first')
        )
    ),
    'secret.unknown', 'what is removed is gone'
);
select is_empty(
    $$
        select entry_id from core.audit_values
        where concat(old, new) ~ 'sealed|hunter2'
        union all
        select id from core.audit_entries
        where table_name = 'core.secrets' and concat(old, new) ~ 'sealed|vault_id|hunter2'
    $$,
    'the audit knows of secrets, and nothing of what is in them'
);

-- Keys --------------------------------------------------------------------------------------------

select throws_ok(
    $$select current_setting('tenon.secret_key')$$, '42501', null,
    'the key is shown to nobody, the owner among them'
);
select throws_ok(
    $$select current_setting('tenon.secret_key_previous')$$, '42501', null,
    'nor is the one before it'
);
select is_empty(
    $$select name from pg_settings where name like 'tenon.secret%'$$,
    'the settings are not listed'
);
select throws_ok(
    format('set tenon.secret_key = %L', repeat('0', 64)), '55P02', null,
    'no session can use a key of its own'
);
select set_eq(
    $$
        select distinct granted.grantee::regrole::text
        from pg_proc
        cross join lateral aclexplode(pg_proc.proacl) as granted
        where
            pg_proc.pronamespace = 'tenon'::regnamespace
            and pg_proc.proname like 'secret\_%'
            and granted.grantee <> pg_proc.proowner
    $$,
    array['postgres'],
    'only the owner of the schema seals and opens'
);
select is(
    (
        select count(*)::integer
        from unnest(array['anon', 'authenticated', 'service_role', 'tenon_bridge']) as role
        where has_any_column_privilege(role, 'core.secrets', 'select')
    ),
    0, 'no role of the API reads the table'
);

-- Supabase's Vault, by a stand-in of the same signatures ------------------------------------------

create schema vault;
create table vault.secrets (
    id uuid primary key default gen_random_uuid(),
    name text unique,
    description text not null default '',
    secret text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create view vault.decrypted_secrets as
select
    id,
    name,
    reverse(secret) as decrypted_secret
from vault.secrets;
create function vault.create_secret(
    new_secret text, new_name text default null, new_description text default '',
    new_key_id uuid default null
)
returns uuid
language sql
as $$
    insert into vault.secrets (secret, name, description)
    values (reverse(new_secret), new_name, new_description)
    returning id
$$;

insert into kept (name, id) values
('third', core.store_secret(:acme, 'webhook', 'whsec_hunter3'));
select is(
    (select core.read_secret(:acme, id) from kept where name = 'third'), 'whsec_hunter3',
    'the Vault gives back what it was given'
);
select results_eq(
    $$
        select known.sealed is null, in_vault.secret, in_vault.name
        from core.secrets as known
        inner join vault.secrets as in_vault on in_vault.id = known.vault_id
        where known.id = (select kept.id from kept where kept.name = 'third')
    $$,
    format(
        'values (true, reverse(%L), %L)', 'whsec_hunter3',
        format('tenon/%s/%s', :acme, (select id from kept where name = 'third'))
    ),
    'where there is a Vault, it alone has the secret'
);
select core.delete_secret(:acme, (select id from kept where name = 'third'));
select is((select count(*)::integer from vault.secrets), 0, 'and loses it with the row');

select * from finish();
rollback;
