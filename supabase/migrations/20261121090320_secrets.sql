-- Secrets that the database has to know in clear, such as those that webhooks are signed with.
--
-- A secret is written once, read by the functions that need it, and never shown by the API. Where
-- Supabase's Vault is installed it keeps them; elsewhere they are rows sealed with the setting
-- tenon.secret_key, which is not in the database: a copy of the tables opens nothing. A row here
-- says where a secret is. The ADR "Why secrets are sealed for one place" has more.

set local lock_timeout = '5s';

create table core.secrets (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    purpose text not null,
    sealed bytea,
    vault_id uuid,
    created_at timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint purpose_is_a_word check (purpose ~ '^[a-z][a-z0-9_.]{0,62}$'),
    constraint secret_is_in_one_place check ((sealed is null) <> (vault_id is null))
);

comment on table core.secrets is
'Where each secret of a tenant is: in the Vault, or sealed in this row. No role reads it.';
comment on column core.secrets.sealed is
'Of tenon.secret_seal, for this tenant, id and purpose: in any other row it does not open.';
comment on column core.secrets.vault_id is 'The id in vault.secrets.';

alter table core.secrets enable row level security;
create policy secrets_unseen on core.secrets for select to authenticated using (false);

-- Neither a value nor where it is: only that there was one, when, and who wrote and removed it.
select core.audit('core.secrets', '{sealed,vault_id}');

select
    core.map_not_personal(
        'Secrets of machines, which say nothing about anybody.',
        'core.secrets.purpose', 'core.secrets.sealed', 'core.secrets.vault_id'
    );

insert into core.errors (code, status, message, hint) values
(
    'delivery.argument_missing', 400, 'An argument that the decision needs is null.',
    'Name the channel, the number of the attempt, and when it ended.'
),
(
    'signature.id_malformed', 400,
    'The id of a webhook''s message has 1 to 255 printable ASCII characters and no dot.',
    'Use a UUID, or another id without dots.'
),
(
    'signature.secret_malformed', 400,
    'A webhook''s secret is whsec_ and the Base64 of 24 to 64 bytes.',
    'Copy the whole secret from where it was made.'
),
(
    'signature.secret_missing', 400, 'Without a secret there is nothing to sign with.',
    'Name at least one secret.'
),
(
    'secret.length_invalid', 400, 'A secret has 1 to 16384 bytes.',
    'Send the secret itself, not the document that it is part of.'
),
(
    'secret.store_missing', 503,
    'Secrets cannot be kept here: there is no Vault, and the setting tenon.secret_key is {reason}.',
    'An operator has to install the Vault, or to set the key: see the guide on operations.'
),
(
    'secret.unknown', 404, 'There is no such secret.', 'It was removed: set a new one.'
),
(
    'secret.unreadable', 500,
    'A sealed secret cannot be opened: it is damaged, of another place or of another key.',
    'An operator has to bring the key back with which it was sealed, or a new secret has to be set.'
);

create function core.vault_is_there() returns boolean
language sql stable set search_path = pg_catalog, pg_temp
return to_regclass('vault.decrypted_secrets') is not null;

comment on function core.vault_is_there() is 'Whether Supabase''s Vault is installed. Internal.';

-- The functions of the Vault are called by text, because they may not be there.
create function core.store_secret(tenant_id uuid, purpose text, secret text) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    new_id constant uuid := gen_random_uuid();
    in_vault uuid;
    in_row bytea;
    key_status text;
begin
    if (octet_length(store_secret.secret) between 1 and 16384) is not true then
        perform core.fail('secret.length_invalid');
    end if;
    if core.vault_is_there() then
        execute format('select %I.create_secret($1, $2, $3)', 'vault')
        into in_vault
        using
            store_secret.secret,
            format('tenon/%s/%s', store_secret.tenant_id, new_id),
            store_secret.purpose;
    else
        key_status := tenon.secret_key_status();
        if key_status <> 'ready' then
            perform core.fail(
                'secret.store_missing', jsonb_build_object('reason', key_status)
            );
        end if;
        in_row := tenon.secret_seal(
            store_secret.tenant_id, new_id, store_secret.purpose, store_secret.secret
        );
    end if;
    insert into core.secrets (tenant_id, id, purpose, sealed, vault_id)
    values (store_secret.tenant_id, new_id, store_secret.purpose, in_row, in_vault);
    return new_id;
end
$$;

comment on function core.store_secret(uuid, text, text) is
'Keeps a secret of the tenant; returns the id by which core.read_secret gives it back. purpose: a
word for what it is. Raises secret.length_invalid (400) and, where there is neither a Vault nor a
key, secret.store_missing (503). Definer, because nobody else writes secrets. Internal.';

create function core.read_secret(tenant_id uuid, id uuid) returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    kept core.secrets;
    secret text;
begin
    select secrets.* into kept
    from core.secrets
    where secrets.tenant_id = read_secret.tenant_id and secrets.id = read_secret.id;
    if kept.sealed is not null then
        return tenon.secret_open(kept.tenant_id, kept.id, kept.purpose, kept.sealed);
    elsif kept.vault_id is not null then
        execute format(
            'select decrypted_secret from %I.decrypted_secrets where id = $1', 'vault'
        )
        into secret
        using kept.vault_id;
    end if;
    if secret is null then
        perform core.fail('secret.unknown');
    end if;
    return secret;
end
$$;

comment on function core.read_secret(uuid, uuid) is
'A secret of the tenant, in clear. Raises secret.unknown (404), secret.store_missing (503) and
secret.unreadable (500). Definer, because nobody else reads secrets. Internal: whoever could call it
could sign as the tenant.';

create function core.delete_secret(tenant_id uuid, id uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    in_vault uuid;
begin
    delete from core.secrets
    where secrets.tenant_id = delete_secret.tenant_id and secrets.id = delete_secret.id
    returning secrets.vault_id into in_vault;
    if in_vault is not null then
        execute format('delete from %I.secrets where id = $1', 'vault') using in_vault;
    end if;
end
$$;

comment on function core.delete_secret(uuid, uuid) is
'Removes a secret of the tenant; one that is not there is removed already. Definer, because nobody
else writes secrets. Internal.';

create function core.reseal_secrets() returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    resealed bigint;
begin
    update core.secrets
    set
        sealed = tenon.secret_seal(
            secrets.tenant_id, secrets.id, secrets.purpose,
            tenon.secret_open(secrets.tenant_id, secrets.id, secrets.purpose, secrets.sealed)
        )
    where secrets.sealed is not null and not tenon.secret_is_current(secrets.sealed);
    get diagnostics resealed = row_count;
    return resealed;
end
$$;

comment on function core.reseal_secrets() is
'Seals with tenon.secret_key what was sealed with tenon.secret_key_previous; returns how many. After
it the previous key is of no use. Raises secret.unreadable (500) when one opens with neither, and
then changes nothing. For the owner of the schema.';

revoke all on function
core.vault_is_there(),
core.store_secret(uuid, text, text),
core.read_secret(uuid, uuid),
core.delete_secret(uuid, uuid),
core.reseal_secrets()
from public;
