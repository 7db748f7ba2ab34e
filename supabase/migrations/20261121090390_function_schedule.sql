-- Has Supabase's own means start the functions that deliver: pg_cron looks, pg_net calls.
--
-- Nothing is called while there is nothing to deliver, so that a quiet project costs no calls. The
-- key that the functions ask for is a secret of the platform tenant, read at each call: it is in no
-- job, and a new one counts at once. Elsewhere a scheduler beside the database does the same; on a
-- development machine that is scripts/functions.ts.

set local lock_timeout = '5s';

insert into core.errors (code, status, message, hint) values
(
    'delivery.schedule_missing', 503,
    'Functions cannot be called from here: {extension} is not installed.',
    'Install it, or call the functions from beside the database: see the guide on functions.'
),
(
    'delivery.schedule_invalid', 400, 'The functions cannot be called: {problem}.',
    'Give where they are, such as https://ref.supabase.co/functions/v1, and a key.'
);

create function core.function_key_purpose() returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 'functions.service_key';

comment on function core.function_key_purpose() is
'The purpose of the secret of the platform tenant with which functions are called. Internal.';

create function core.delivery_is_due(
    channel text, at timestamptz default clock_timestamp()
)
returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
-- Each look is at the beginning of an index, whatever statistics say.
set enable_seqscan = off
as $$
declare
    asked core.delivery_channels;
    is_due boolean;
begin
    select channels.* into asked
    from core.delivery_channels as channels
    where channels.channel = delivery_is_due.channel;
    if not found then
        perform core.fail(
            'delivery.channel_unknown', jsonb_build_object('channel', delivery_is_due.channel)
        );
    elsif asked.paused_at is not null then
        return false;
    end if;
    execute format(
        'select exists (select from pgmq.%I where vt <= $1)', 'q_' || asked.queue
    )
    into is_due
    using delivery_is_due.at;
    return is_due
        or exists (
            select from core.deliveries
            where
                deliveries.channel = asked.channel
                and deliveries.status = 'scheduled'
                and deliveries.next_attempt_at <= delivery_is_due.at
        )
        or exists (
            select from core.delivery_pauses as pauses
            where pauses.channel = asked.channel and pauses.resumed_at is not null
        )
        or asked.channel = 'webhook' and exists (
            select from core.webhook_marks as marks
            inner join core.tenants on tenants.id = marks.tenant_id
            where tenants.status <> 'suspended'
        );
end
$$;

comment on function core.delivery_is_due(text, timestamptz) is
'Whether a worker that claims deliveries of the channel would find work: something in the queue,
something whose time has come, or events that webhooks do not know of. Raises
delivery.channel_unknown (404). Internal.';

create function core.start_drain(channel text, base_url text) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    -- A little longer than the function takes work for: its answer is worth to be seen.
    timeout_ms constant integer := 90000;
    key_id uuid;
    request bigint;
begin
    if to_regnamespace('net') is null then
        perform core.fail('delivery.schedule_missing', '{"extension": "pg_net"}');
    elsif not core.delivery_is_due(start_drain.channel) then
        return null;
    end if;
    select secrets.id into key_id
    from core.secrets
    where
        secrets.tenant_id = core.platform_tenant_id()
        and secrets.purpose = core.function_key_purpose()
    order by secrets.created_at desc, secrets.id
    limit 1;
    if key_id is null then
        perform core.fail('delivery.schedule_invalid', '{"problem": "no key is kept for them"}');
    end if;
    execute format(
        'select %I.http_post(url => $1, headers => $2, body => $3, timeout_milliseconds => $4)',
        'net'
    )
    into request
    using
        format('%s/deliver-%s', start_drain.base_url, start_drain.channel),
        jsonb_build_object(
            'content-type', 'application/json',
            'authorization',
            'Bearer ' || core.read_secret(core.platform_tenant_id(), key_id)
        ),
        jsonb '{}',
        timeout_ms;
    return request;
end
$$;

comment on function core.start_drain(text, text) is
'Calls the function that delivers a channel, deliver-email or deliver-webhook below base_url, if
there is something to deliver; returns the id of pg_net''s request, or null. Raises
delivery.schedule_missing (503) without pg_net, delivery.schedule_invalid (400) without a key. Called
by pg_cron, as the owner of the schema.';

create function core.unschedule_functions() returns boolean
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    was_scheduled boolean := false;
begin
    if core.cron_is_usable() then
        execute format(
            'select coalesce(bool_or(%1$I.unschedule(jobname)), false) '
            'from %1$I.job where jobname in ($1, $2)', 'cron'
        )
        into was_scheduled
        using 'tenon-deliver-email', 'tenon-deliver-webhook';
    end if;
    perform core.delete_secret(secrets.tenant_id, secrets.id)
    from core.secrets
    where
        secrets.tenant_id = core.platform_tenant_id()
        and secrets.purpose = core.function_key_purpose();
    return was_scheduled;
end
$$;

comment on function core.unschedule_functions() is
'Has pg_cron start the functions that deliver no longer, and forgets their key; false where they
were not scheduled. For the owner of the schema.';

create function core.schedule_functions(base_url text, service_key text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    -- A path of names: whatever else is in an address has no place in a job.
    address constant text := rtrim(schedule_functions.base_url, '/');
    name text;
    command text;
begin
    if not core.cron_is_usable() then
        perform core.fail('delivery.schedule_missing', '{"extension": "pg_cron"}');
    elsif to_regnamespace('net') is null then
        perform core.fail('delivery.schedule_missing', '{"extension": "pg_net"}');
    elsif
        (address ~ '^https?://[a-zA-Z0-9.-]+(:[0-9]{1,5})?(/[a-zA-Z0-9_-]+)*$') is not true
    then
        perform core.fail(
            'delivery.schedule_invalid', '{"problem": "the address is none of functions"}'
        );
    elsif
        (
            schedule_functions.service_key ~ '^[!-~]+$'
            and octet_length(schedule_functions.service_key) between 16 and 8000
        ) is not true
    then
        perform core.fail(
            'delivery.schedule_invalid', '{"problem": "the key is none of the service role"}'
        );
    end if;
    perform core.unschedule_functions();
    perform core.store_secret(
        core.platform_tenant_id(), core.function_key_purpose(), schedule_functions.service_key
    );
    foreach name in array array['email', 'webhook'] loop
        command := format('select core.start_drain(%L, %L)', name, address);
        -- pg_cron before 1.5 knows no seconds, but minutes.
        begin
            execute format('select %I.schedule($1, $2, $3)', 'cron')
            using 'tenon-deliver-' || name, '10 seconds', command;
        exception
            when invalid_parameter_value then
                execute format('select %I.schedule($1, $2, $3)', 'cron')
                using 'tenon-deliver-' || name, '* * * * *', command;
        end;
    end loop;
end
$$;

comment on function core.schedule_functions(text, text) is
'Has pg_cron look every ten seconds (every minute before pg_cron 1.5) whether there is something to
deliver, and pg_net call the function that does. base_url: where the functions are, such as
https://ref.supabase.co/functions/v1. service_key: a key of the service role; it is kept as a secret
of the platform tenant. Calling it again replaces both. Raises delivery.schedule_missing (503)
without pg_cron or pg_net, delivery.schedule_invalid (400), and what core.store_secret raises. For
the owner of the schema.';

revoke all on function
core.function_key_purpose(),
core.delivery_is_due(text, timestamptz),
core.start_drain(text, text),
core.unschedule_functions(),
core.schedule_functions(text, text)
from public;
