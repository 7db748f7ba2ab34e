-- The functions that deliver are called by pg_cron and pg_net, when there is something to deliver.
begin;
\ir ../support/fixtures.sql
select plan(33);


-- Without the extensions.
select is(
    pg_temp.code_of(
        $$select core.schedule_functions('https://a.supabase.co', 'sb_secret_01234567')$$
    ), 'delivery.schedule_missing', 'without pg_cron nothing can be scheduled'
);
select is(core.unschedule_functions(), false, 'and nothing is there to be taken back');
select is(
    pg_temp.code_of($$select core.start_drain('email', 'https://a.supabase.co')$$),
    'delivery.schedule_missing', 'without pg_net nothing can be called'
);

-- Stand-ins for what Supabase brings.
\ir ../support/cron.sql
create function cron.unschedule(job_name text) returns boolean
language sql
as $$ with gone as (delete from cron.job where jobname = job_name returning 1)
    select exists (select from gone) $$;
select is(
    pg_temp.code_of(
        $$select core.schedule_functions('https://a.supabase.co', 'sb_secret_01234567')$$
    ), 'delivery.schedule_missing', 'pg_cron alone is not enough'
);
create schema net;
create table net.requests (
    id bigint generated always as identity,
    url text,
    headers jsonb,
    body jsonb,
    timeout_milliseconds integer
);
create function net.http_post(
    url text,
    body jsonb default '{}',
    params jsonb default '{}',
    headers jsonb default '{}',
    timeout_milliseconds integer default 5000
)
returns bigint
language sql
as $$
    insert into net.requests (url, headers, body, timeout_milliseconds)
    values (url, headers, body, timeout_milliseconds)
    returning id
$$;
-- The secret is kept in a stand-in for the Vault, because a test cluster may have no key.
create schema vault;
create table vault.decrypted_secrets (
    id uuid default gen_random_uuid(), decrypted_secret text, name text
);
create view vault.secrets as
select
    id,
    name
from vault.decrypted_secrets;
create function vault.create_secret(secret text, name text, description text) returns uuid
language sql
as $$
    insert into vault.decrypted_secrets (decrypted_secret, name) values (secret, name) returning id
$$;

select is(
    array(
        select pg_temp.code_of(format('select core.schedule_functions(%L, %L)', address, key))
        from (
            values
            (null, 'sb_secret_01234567'),
            ('', 'sb_secret_01234567'),
            ('a.supabase.co', 'sb_secret_01234567'),
            ('ftp://a.supabase.co', 'sb_secret_01234567'),
            ('https://user@a.supabase.co', 'sb_secret_01234567'),
            ('https://a.supabase.co/a b', 'sb_secret_01234567'),
            ('https://a.supabase.co/''); drop', 'sb_secret_01234567'),
            ('https://a.supabase.co?x=1', 'sb_secret_01234567'),
            ('https://a.supabase.co', null),
            ('https://a.supabase.co', 'short'),
            ('https://a.supabase.co', 'a key with spaces in it')
        ) as wrong (address, key)
    ),
    array_fill('delivery.schedule_invalid'::text, '{11}'),
    'addresses and keys that are none are refused'
);
select is_empty('select from cron.job', 'and schedule nothing');

select lives_ok(
    $$
        select core.schedule_functions(
            'https://a.supabase.co/functions/v1/', 'sb_secret_01234567'
        )
    $$,
    'with both it is scheduled'
);
select lives_ok(
    $$select core.schedule_functions('https://a.supabase.co/functions/v1', 'sb_secret_76543210')$$,
    'and again, with another key'
);
select results_eq(
    'select jobname, schedule, command from cron.job order by jobname',
    $$
        values
        (
            'tenon-deliver-email', '10 seconds',
            'select core.start_drain(''email'', ''https://a.supabase.co/functions/v1'')'
        ),
        (
            'tenon-deliver-webhook', '10 seconds',
            'select core.start_drain(''webhook'', ''https://a.supabase.co/functions/v1'')'
        )
    $$,
    'as one job a channel, without the key'
);
select results_eq(
    'select decrypted_secret from vault.decrypted_secrets', $$values ('sb_secret_76543210')$$,
    'of two keys the newer one is kept, and the other forgotten'
);

-- Whether there is something to do.
select is(core.delivery_is_due('email'), false, 'at first there is no mail to send');
select is(core.delivery_is_due('webhook'), false, 'and no webhook');
select is(
    pg_temp.code_of($$select core.delivery_is_due('pigeon')$$), 'delivery.channel_unknown',
    'a channel that is none is refused'
);
select is(
    core.start_drain('email', 'https://a.supabase.co/functions/v1'), null,
    'with nothing to do nothing is called'
);
select core.enqueue_delivery(:acme, 'email', 'ann@example.com', 'auth.recovery') as mail \gset
select is(core.delivery_is_due('email'), true, 'a mail that is enqueued is due');
select is(core.delivery_is_due('webhook'), false, 'in its channel alone');
select is(core.start_drain('webhook', 'https://a.supabase.co'), null, 'which counts');
select isnt(
    core.start_drain('email', 'https://a.supabase.co/functions/v1'), null,
    'what is due has the function called'
);
select results_eq(
    'select url, headers, body, timeout_milliseconds from net.requests',
    $$
        values (
            'https://a.supabase.co/functions/v1/deliver-email',
            jsonb_build_object(
                'content-type', 'application/json',
                'authorization', 'Bearer sb_secret_76543210'
            ),
            '{}'::jsonb,
            90000
        )
    $$,
    'once, with the key, and time to answer'
);
select count(*) from pgmq.read('tenon_email', 60, 10);
select is(core.delivery_is_due('email'), false, 'what a worker has is not due');
select is(
    core.delivery_is_due('email', clock_timestamp() + interval '61 seconds'), true,
    'until its lease is over'
);
update core.delivery_channels set paused_at = now(), pause_reason = 'test' where channel = 'email';
select is(
    core.delivery_is_due('email', clock_timestamp() + interval '61 seconds'), false,
    'a channel that is paused has nothing to do'
);
update core.delivery_channels set paused_at = null, pause_reason = null where channel = 'email';
delete from pgmq.q_tenon_email;
select core.enqueue_delivery(
    :acme, 'email', 'bob@example.com', 'auth.recovery', send_at => now() + interval '1 hour'
);
select is(core.delivery_is_due('email'), false, 'what is to be sent later is not due');
select is(
    core.delivery_is_due('email', now() + interval '1 hour'), true, 'until its time has come'
);
insert into core.delivery_pauses (tenant_id, channel, resumed_at) values (:acme, 'webhook', null);
select is(core.delivery_is_due('webhook'), false, 'a pause is nothing to do');
update core.delivery_pauses set resumed_at = now();
select is(core.delivery_is_due('webhook'), true, 'its end is');
delete from core.delivery_pauses;
insert into core.webhook_marks (tenant_id, number) values (:acme, 1);
select is(core.delivery_is_due('webhook'), true, 'so are events that webhooks do not know of');

-- Without a key, and taken back.
select is(core.unschedule_functions(), true, 'it can be taken back');
select is_empty('select from cron.job', 'then there is no job');
select is_empty('select from vault.decrypted_secrets', 'and no key');
select is(
    pg_temp.code_of($$select core.start_drain('webhook', 'https://a.supabase.co')$$),
    'delivery.schedule_invalid', 'without which nothing is called'
);
select is(core.unschedule_functions(), false, 'a second time there is nothing to take back');
select is(
    array(
        select role
        from
            unnest(
                array['anon', 'authenticated', 'service_role', 'tenon_device', 'tenon_bridge']
            ) as role,
            unnest(
                array[
                    'core.schedule_functions(text, text)', 'core.unschedule_functions()',
                    'core.start_drain(text, text)', 'core.delivery_is_due(text, timestamptz)',
                    'core.function_key_purpose()'
                ]
            ) as function
        where has_function_privilege(role, function, 'execute')
    ),
    '{}'::text[], 'nobody but the owner of the schema may do any of it'
);

select * from finish();
rollback;
