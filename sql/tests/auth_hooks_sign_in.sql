-- Attempts with passwords and second factors: what is answered, what is remembered, what is worth
-- an event. Time is moved by moving what is remembered into the past.
begin;
\ir ../support/fixtures.sql
\ir ../support/auth_hooks.sql
select plan(41);

\set home '\'203.0.113.5\''
\set stranger '\'198.51.100.7\''

-- A message whose seconds are rounded up to tens: the tests take a while themselves.
create function pg_temp.rounded(answer jsonb) returns text
language sql
as $$
    select coalesce(
        regexp_replace(
            message,
            '\d+ s',
            (ceil(substring(message from '(\d+) s')::numeric / 10) * 10)::text || ' s'
        ),
        message
    )
    from (select answer ->> 'message' as message) as said
$$;
create function pg_temp.password(valid boolean, address text, name text default 'ada')
returns text
language sql
as $$
    select concat_ws(
        ' ', answer ->> 'decision', pg_temp.rounded(answer), answer ->> 'should_logout_user',
        answer ->> 'error'
    )
    from (
        select pg_temp.hook('password_verification_attempt', jsonb_build_object(
            'metadata', pg_temp.metadata('password-verification', address),
            'user_id', users.id,
            'valid', valid
        )) as answer
        from auth.users
        where users.email = name || '@example.com'
    ) as asked
$$;
create function pg_temp.factor(valid boolean, address text, factor integer default 1)
returns text
language sql
as $$
    select concat_ws(' ', answer ->> 'decision', pg_temp.rounded(answer), answer ->> 'error')
    from (
        select pg_temp.hook('mfa_verification_attempt', jsonb_build_object(
            'metadata', pg_temp.metadata('mfa-verification', address),
            'user_id', '00000000-0000-4000-8000-000000000001',
            'factor_id', '00000000-0000-4000-c000-00000000000' || factor,
            'factor_type', 'totp',
            'valid', valid
        )) as answer
    ) as asked
$$;
-- So many failures from an address, one from each of so many others.
create function pg_temp.fail_from(address text, times integer) returns text
language sql
as $$
    select string_agg(distinct pg_temp.password(false, address), ', ')
    from generate_series(1, times)
$$;
create function pg_temp.fail_from_networks(first integer, last integer) returns text
language sql
as $$
    select string_agg(distinct pg_temp.password(false, format('10.0.%s.1', place)), ', ')
    from generate_series(first, last) as place
$$;
create function pg_temp.pass(seconds double precision) returns void
language sql
as $$
    update core.sign_in_attempts
    set
        failed_at = failed_at - make_interval(secs => seconds),
        succeeded_at = succeeded_at - make_interval(secs => seconds);
    update core.sign_in_authenticators
    set refusal_event_at = refusal_event_at - make_interval(secs => seconds);
$$;
create function pg_temp.events() returns text
language sql
as $$
    with taken as (delete from recorded returning event, details)

    select string_agg(
        event || ' ' || (details ->> 'failures'), ', '
        order by (details ->> 'failures')::integer, event
    )
    from taken
$$;

-- One account, one network.
select is(pg_temp.password(true, :home), 'continue', 'a password that is right is heard');
select is(pg_temp.events(), null, 'which is nothing to report');
select is(pg_temp.fail_from(:home, 5), 'continue', 'five failures are free: Auth says that');
select is(pg_temp.events(), 'sign_in.failed 5', 'the fifth is reported');
select is(
    pg_temp.password(true, :home),
    'reject Too many failed attempts. Try again in 30 s. false',
    'then the next has to wait, and nobody is logged out'
);
select is(
    pg_temp.password(false, '203.0.113.250'),
    'reject Too many failed attempts. Try again in 30 s. false',
    'whether it is right or not, from anywhere in the network'
);
select is(pg_temp.events(), 'sign_in.refused 5', 'one refusal is reported, and no more');
select pg_temp.pass(10);
select is(
    pg_temp.password(true, :home), 'reject Too many failed attempts. Try again in 20 s. false',
    'attempts during the delay do not make it longer'
);
select pg_temp.pass(20);
select is(pg_temp.fail_from(:home, 1), 'continue', 'after the delay an attempt is heard');
select is(
    pg_temp.password(true, :home), 'reject Too many failed attempts. Try again in 60 s. false',
    'and a failure doubles the delay'
);
select pg_temp.pass(60);
select is(pg_temp.password(true, :home), 'continue', 'the right password is let in');
select is(
    pg_temp.events(), 'sign_in.succeeded_after_failures 6', 'a success after failures is reported'
);
select results_eq(
    'select failures from core.sign_in_authenticators
    union all select failures from core.sign_in_attempts',
    array[0, 0], 'and ends the row of failures'
);

-- Strangers.
select is(
    pg_temp.fail_from(:stranger, 7), 'continue, reject Invalid login credentials false',
    'a stranger who has to wait is told what Auth says of an unknown account'
);
select is(pg_temp.password(true, :home), 'continue', 'the holder does not wait for strangers');
select is(
    pg_temp.fail_from_networks(1, 100), 'continue', 'a hundred strangers fail once each'
);
select is(
    pg_temp.fail_from_networks(101, 110), 'reject Invalid login credentials false',
    'further ones are not heard'
);
select is(
    pg_temp.password(true, :stranger), 'reject Invalid login credentials false',
    'even with the right password'
);
select is(
    (select count(*) from core.sign_in_attempts), 102::bigint,
    'and leave nothing behind: home, the first stranger and a hundred'
);
select is(
    pg_temp.events(),
    'sign_in.failed 5, sign_in.failed 5, sign_in.succeeded_after_failures 5, sign_in.failed 10, '
    'sign_in.failed 25, sign_in.failed 50, sign_in.failed 100',
    'all of that is few events'
);
select is(pg_temp.password(true, :home), 'continue', 'the holder is let in');
select is(
    (select failures from core.sign_in_authenticators), 0, 'and ends the row of strangers too'
);
select is(pg_temp.fail_from_networks(111, 111), 'continue', 'so that others are heard again');

-- Who has no known network any more comes in by mail.
delete from core.sign_in_attempts;
update core.sign_in_authenticators set failures = 100;
select is(
    pg_temp.password(true, :home), 'reject Invalid login credentials false',
    'an exhausted account is closed to networks that it does not know'
);
select isnt(
    pg_temp.hook('custom_access_token', jsonb_build_object(
        'metadata', pg_temp.metadata('customize-access-token', :home),
        'user_id', '00000000-0000-4000-8000-000000000001',
        'claims', '{}'::jsonb,
        'authentication_method', 'token_refresh'
    )) -> 'claims', null, 'a session is refreshed'
);
select is(
    pg_temp.password(true, :home), 'reject Invalid login credentials false',
    'which makes no network known'
);
select isnt(
    pg_temp.hook('custom_access_token', jsonb_build_object(
        'metadata', pg_temp.metadata('customize-access-token', :home),
        'user_id', '00000000-0000-4000-8000-000000000001',
        'claims', '{}'::jsonb,
        'authentication_method', 'recovery'
    )) -> 'claims', null, 'a recovery by mail'
);
select is(pg_temp.password(true, :home), 'continue', 'does');

-- Accounts, factors and addresses.
select pg_temp.fail_from(:home, 9);
select is(
    pg_temp.password(true, :home, 'vic'), 'continue', 'accounts are counted each for itself'
);
select is(pg_temp.factor(false, :home), 'continue', 'and so are factors');
select is(
    string_agg(distinct pg_temp.factor(false, :home), ', '), 'continue',
    'of which three failures are free'
) from generate_series(1, 2);
select is(
    pg_temp.factor(true, :home), 'reject Too many failed attempts. Try again in 30 s.',
    'then the factor has to wait'
);
select is(pg_temp.factor(true, :home, 2), 'continue', 'another factor need not');
select is(
    pg_temp.password(true, null, 'eve') || pg_temp.password(true, 'unknown', 'eve'),
    'continuecontinue', 'an address that is missing or none makes no difference'
);
select set_eq(
    $$
        select network
        from core.sign_in_attempts
        where user_id in (
            select id from auth.users where email in ('eve@example.com', 'vic@example.com')
        )
    $$,
    array['203.0.113.0/24', '::/0']::cidr[], 'networks are kept, not addresses'
);
delete from recorded;
select pg_temp.fail_from('2001:db8::1', 5);
select results_eq(
    $$select tenant_id, details - 'failures' from recorded where event = 'sign_in.failed'$$,
    format(
        $$
            values (%L::uuid, jsonb_build_object(
                'user_id', '00000000-0000-4000-8000-000000000001',
                'authenticator', 'password',
                'network_is_known', false
            ))
        $$, :acme
    ),
    'an event is its tenant''s, and names the account, not the address'
);

-- An event that cannot be recorded does not undo the count.
create or replace function core.record_security_event(
    tenant_id uuid, event text, details jsonb default '{}'
)
returns void
language plpgsql
as $$begin raise 'no room'; end$$;
select is(
    string_agg(distinct pg_temp.password(false, :home, 'gus'), ', '), 'continue',
    'without a record failures are counted all the same'
) from generate_series(1, 5);
select matches(
    pg_temp.password(true, :home, 'gus'), '^reject Invalid login', 'and the delay begins'
);

-- Forgetting.
select pg_temp.pass(30 * 86400 + 1);
select core.forget_old_sign_in_attempts();
select is_empty(
    'select from core.sign_in_attempts where failures > 0 and succeeded_at is null',
    'failures are forgotten after 30 days'
);
select core.forget_sign_in_attempts('00000000-0000-4000-8000-000000000001');
select is_empty(
    $$
        select from core.sign_in_attempts
        where user_id = '00000000-0000-4000-8000-000000000001'
    $$, 'an operator can forget an account''s attempts at once'
);
select pg_temp.pass(150 * 86400);
select core.forget_old_sign_in_attempts();
select is_empty('select from core.sign_in_attempts', 'known networks are forgotten after 180 days');

select * from finish();
rollback;
