-- Calls the hooks as Supabase Auth does, with the payloads that it sends.

-- A hook that cannot do its work says so in the log.
set local client_min_messages = error;

-- Auth's connections belong to this role; of tests, to one that may become it.
grant supabase_auth_admin to postgres;

create function pg_temp.hook(name text, event jsonb) returns jsonb
language plpgsql
as $$
declare
    answer jsonb;
begin
    set local role supabase_auth_admin;
    set local search_path = auth;
    set local statement_timeout = 2000;
    execute format('select "hooks".%I($1)', name) into answer using event;
    set local statement_timeout to default;
    reset role;
    set local search_path = public, extensions;
    return answer;
end
$$;

-- What a hook should never do.
create function pg_temp.hook_or_exception(name text, event jsonb) returns jsonb
language plpgsql
as $$
begin
    return pg_temp.hook(name, event);
exception
    when others then return to_jsonb('raised ' || sqlerrm);
end
$$;

create function pg_temp.metadata(hook text, address text default '198.51.100.7') returns jsonb
language sql
as $$
    select jsonb_build_object(
        'uuid', gen_random_uuid(),
        'time', '2026-03-01T10:00:00.123456789Z',
        'name', hook,
        'ip_address', address
    )
$$;

-- A user as Auth writes one; `more` replaces entries of it.
create function pg_temp.auth_user(id uuid, email text, more jsonb default '{}') returns jsonb
language sql
as $$
    select jsonb_build_object(
        'id', id,
        'aud', 'authenticated',
        'role', 'authenticated',
        'email', email,
        'phone', '',
        'app_metadata', '{"provider": "email", "providers": ["email"]}'::jsonb,
        'user_metadata', '{}'::jsonb,
        'identities', '[]'::jsonb,
        'created_at', '0001-01-01T00:00:00Z',
        'updated_at', '0001-01-01T00:00:00Z',
        'is_anonymous', false
    ) || more
$$;

-- What comes into the outbox and into the audit trail, as tests look at it. The outbox is emptied at
-- once, so that mails of one key do not meet.
create temporary table sent (
    tenant_id uuid, channel text, recipient text, template text, data jsonb, key text
);
create temporary table recorded (tenant_id uuid, event text, details jsonb);

create function pg_temp.take_mail() returns trigger
language plpgsql
as $$
begin
    insert into pg_temp.sent values (
        new.tenant_id, new.channel, new.recipient, new.template, new.data, new.idempotency_key
    );
    delete from core.deliveries where deliveries.id = new.id;
    return null;
end
$$;
create trigger taken after insert on core.deliveries
for each row execute function pg_temp.take_mail();

create function pg_temp.note_event() returns trigger
language plpgsql
as $$
begin
    insert into pg_temp.recorded values (new.tenant_id, new.event, new.details);
    return null;
end
$$;
create trigger noted after insert on core.audit_entries
for each row when (new.event like 'sign_in.%') execute function pg_temp.note_event();
