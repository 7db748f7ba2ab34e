-- What a Supabase project has before the first migration, in the least form that Tenon meets.
--
-- For development clusters and tests only: a real Supabase brings all of this and never runs this
-- file. Run once per database, as the superuser supabase_admin, with psql variables
--     authenticator_password   login of the REST server
--     postgres_password        login of the role that owns and migrates the schema
--     bridge_password          login of the MQTT bridge
-- Names, privileges and time-outs follow Supabase's own images, so that a migration which works
-- here works there: above all, `postgres` is not a superuser.

\set ON_ERROR_STOP on

begin;

-- Roles belong to the cluster: a second database of the same cluster finds them there.
select format('create role %s %s', wanted.role, wanted.attributes)
from (
    values
    ('anon', 'nologin noinherit'),
    ('authenticated', 'nologin noinherit'),
    ('service_role', 'nologin noinherit bypassrls'),
    ('authenticator', 'login noinherit'),
    ('supabase_auth_admin', 'login noinherit createrole'),
    ('supabase_storage_admin', 'login noinherit createrole'),
    ('supabase_realtime_admin', 'nologin noinherit'),
    ('postgres', 'login createdb createrole replication bypassrls'),
    ('tenon_bridge', 'login noinherit')
) as wanted (role, attributes)
where not exists (select from pg_roles where pg_roles.rolname = wanted.role)
\gexec

select format('alter role %I password %L', logins.role, logins.password)
from (
    values
    ('authenticator', :'authenticator_password'),
    ('postgres', :'postgres_password'),
    ('tenon_bridge', :'bridge_password')
) as logins (role, password)
\gexec

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';

grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role, authenticator, tenon_bridge to postgres with admin option;

-- There supautils lets postgres configure PostgREST.
grant set on parameter pgrst.db_pre_request to postgres;

select format('alter database %I owner to postgres', current_database())
\gexec
select format('grant create, connect, temporary on database %I to postgres', current_database())
\gexec
alter schema public owner to postgres;

create schema if not exists auth;
create schema if not exists extensions;
create schema if not exists storage;
create schema if not exists realtime;
create schema if not exists graphql_public;

grant usage on schema public, extensions, auth, storage, realtime, graphql_public
to anon, authenticated, service_role, postgres;
grant create on schema extensions to postgres;
grant all on schema auth to supabase_auth_admin;
grant all on schema storage to supabase_storage_admin;
grant all on schema realtime to supabase_realtime_admin;

select format('alter database %I set search_path = "$user", public, extensions', current_database())
\gexec

-- auth: users, and who is calling according to the token that the REST server verified.

create table if not exists auth.users (
    id uuid primary key default gen_random_uuid(),
    instance_id uuid,
    aud varchar(255),
    role varchar(255),
    email varchar(255),
    encrypted_password varchar(255),
    email_confirmed_at timestamptz,
    invited_at timestamptz,
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    phone text unique,
    phone_confirmed_at timestamptz,
    banned_until timestamptz,
    deleted_at timestamptz,
    is_sso_user boolean not null default false,
    is_anonymous boolean not null default false,
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);
create unique index if not exists users_email_partial_key on auth.users (email) where not is_sso_user;
alter table auth.users enable row level security;
alter table auth.users owner to supabase_auth_admin;
grant all on auth.users to postgres;

create or replace function auth.jwt() returns jsonb
language sql stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
$$;

create or replace function auth.uid() returns uuid
language sql stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.sub', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
    )::uuid
$$;

create or replace function auth.role() returns text
language sql stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.role', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
    )::text
$$;

create or replace function auth.email() returns text
language sql stable
as $$
    select coalesce(
        nullif(current_setting('request.jwt.claim.email', true), ''),
        nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
    )::text
$$;

-- storage: where the service keeps what it knows of files. Their bytes are elsewhere.

create table if not exists storage.buckets (
    id text primary key,
    name text not null unique,
    public boolean default false,
    file_size_limit bigint,
    allowed_mime_types text[],
    created_at timestamptz default now(),
    updated_at timestamptz default now()
);
create table if not exists storage.objects (
    id uuid primary key default gen_random_uuid(),
    bucket_id text references storage.buckets (id),
    name text,
    owner_id text,
    metadata jsonb,
    created_at timestamptz default now(),
    updated_at timestamptz default now(),
    unique (bucket_id, name)
);
alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;
-- On the platform postgres may make policies there without owning the tables.
alter table storage.buckets owner to postgres;
alter table storage.objects owner to postgres;
grant all on storage.buckets, storage.objects to authenticated, service_role, postgres;

-- realtime: broadcast from the database, a partition a day as the service keeps them.

create table if not exists realtime.messages (
    id uuid not null default gen_random_uuid(),
    topic text not null,
    extension text not null,
    payload jsonb,
    event text,
    private boolean default false,
    updated_at timestamp not null default now(),
    inserted_at timestamp not null default now(),
    primary key (id, inserted_at)
) partition by range (inserted_at);
alter table realtime.messages enable row level security;
alter table realtime.messages owner to supabase_realtime_admin;
-- There by supautils.policy_grants: postgres makes policies on a table that is not its own.
grant supabase_realtime_admin to postgres;
grant select, insert, update on realtime.messages to anon, authenticated, service_role, postgres;

select
    format(
        'create table if not exists realtime.%I partition of realtime.messages '
        'for values from (%L) to (%L)',
        'messages_' || to_char(day, 'YYYY_MM_DD'), day, day + interval '1 day'
    )
from generate_series(current_date - 1, current_date + 3, interval '1 day') as day
\gexec

create or replace function realtime.topic() returns text
language sql stable
as $$ select nullif(current_setting('realtime.topic', true), '')::text $$;

-- Loses the message with a warning when it cannot be stored, exactly as the service's function
-- does: whoever relies on delivery keeps a table of its own.
create or replace function realtime.send(
    payload jsonb, event text, topic text, private boolean default true
) returns void
language plpgsql
as $$
declare
    message_id constant uuid := gen_random_uuid();
begin
    perform set_config('realtime.topic', topic, true);
    insert into realtime.messages (id, payload, event, topic, private, extension)
    values (
        message_id,
        case when payload ? 'id' then payload else payload || jsonb_build_object('id', message_id) end,
        event, topic, private, 'broadcast'
    );
exception
    when others then
        raise warning 'WarnSendingBroadcastMessage: %', sqlerrm;
end
$$;

-- A database already shimmed keeps its objects' owner for `supabase db reset`.
alter function auth.jwt() owner to supabase_auth_admin;
alter function auth.uid() owner to supabase_auth_admin;
alter function auth.role() owner to supabase_auth_admin;
alter function auth.email() owner to supabase_auth_admin;

commit;
