-- The mails that Auth wants sent: one row of the outbox each, with the tokens that belong to it.
begin;
\ir ../support/fixtures.sql
\ir ../support/auth_hooks.sql
select plan(28);

-- What Auth fills in depends on the action; absent tokens are empty strings.
create function pg_temp.mail(
    action text, sent jsonb default '{}', person jsonb default '{}', name text default 'ada'
)
returns jsonb
language sql
as $$
    select pg_temp.hook('send_email', jsonb_build_object(
        'metadata', pg_temp.metadata('send-email')
        || '{"uuid": "00000000-0000-4000-f000-000000000001"}',
        'user', pg_temp.auth_user(
            coalesce(
                (select id from auth.users where email = name || '@example.com'),
                '00000000-0000-4000-8000-0000000000ff'
            ), name || '@example.com', person
        ),
        'email_data', jsonb_build_object(
            'token', '',
            'token_hash', '',
            'redirect_to', 'https://app.example/welcome',
            'email_action_type', action,
            'site_url', 'https://x.example/auth/v1',
            'token_new', '',
            'token_hash_new', '',
            'old_email', '',
            'old_phone', '',
            'provider', '',
            'factor_type', ''
        ) || sent
    ))
$$;

-- The matrix. Each row is a call and a mail that it must bring, written by hand after the sources
-- of Auth: c and n are the codes of the current and the new address, hc and hn their hashes.
create temporary table expected (
    case_ text, action text, sent jsonb, person jsonb,
    recipient text, template text, key text, token text, token_hash text, details jsonb
);
insert into expected
select
    action,
    action,
    '{"token": "111111", "token_hash": "h1"}'::jsonb,
    '{}'::jsonb,
    'ada@example.com',
    'auth.' || action,
    'only',
    '111111',
    'h1',
    '{}'::jsonb
from unnest(array['signup', 'recovery', 'invite', 'magiclink', 'email']) as action;
insert into expected values
(
    'a code in the PKCE flow', 'magiclink', '{"token": "111111", "token_hash": "pkce_h1"}', '{}',
    'ada@example.com', 'auth.magiclink', 'only', '111111', 'pkce_h1', '{}'
),
(
    'a code to confirm who it is', 'reauthentication', '{"token": "222222", "token_hash": "h2"}',
    '{}', 'ada@example.com', 'auth.reauthentication', 'only', '222222', null, '{}'
),
(
    'a change that both confirm', 'email_change',
    '{"token": "c", "token_hash_new": "hc", "token_new": "n", "token_hash": "hn"}',
    '{"new_email": "ada@new.example"}',
    'ada@example.com', 'auth.email_change', 'current', 'c', 'hc',
    '{"sent_to": "current", "new_email": "ada@new.example"}'
),
(
    'a change that both confirm', 'email_change',
    '{"token": "c", "token_hash_new": "hc", "token_new": "n", "token_hash": "hn"}',
    '{"new_email": "ada@new.example"}',
    'ada@new.example', 'auth.email_change', 'new', 'n', 'hn',
    '{"sent_to": "new", "new_email": "ada@new.example"}'
),
(
    'a change that the new one confirms', 'email_change', '{"token": "n", "token_hash": "hn"}',
    '{"new_email": "ada@new.example"}',
    'ada@new.example', 'auth.email_change', 'new', 'n', 'hn',
    '{"sent_to": "new", "new_email": "ada@new.example"}'
),
(
    'the first address of a phone''s user', 'email_change', '{"token": "n", "token_hash": "hn"}',
    '{"email": "", "new_email": "ada@new.example"}',
    'ada@new.example', 'auth.email_change', 'new', 'n', 'hn',
    '{"sent_to": "new", "new_email": "ada@new.example"}'
),
(
    'the same from an Auth that leaves out the code', 'email_change', '{"token_hash": "hn"}',
    '{"email": "", "new_email": "ada@new.example"}',
    'ada@new.example', 'auth.email_change', 'new', null, 'hn',
    '{"sent_to": "new", "new_email": "ada@new.example"}'
),
(
    'a changed password', 'password_changed_notification', '{}', '{}',
    'ada@example.com', 'auth.password_changed_notification', 'only', null, null, '{}'
),
(
    'a changed address', 'email_changed_notification', '{"old_email": "ada@old.example"}', '{}',
    'ada@old.example', 'auth.email_changed_notification', 'only', null, null,
    '{"old_email": "ada@old.example"}'
),
(
    'an address where there was none', 'email_changed_notification', '{}', '{}',
    'ada@example.com', 'auth.email_changed_notification', 'only', null, null, '{}'
),
(
    'a changed phone', 'phone_changed_notification', '{"old_phone": "491"}', '{"phone": "492"}',
    'ada@example.com', 'auth.phone_changed_notification', 'only', null, null,
    '{"old_phone": "491", "phone": "492"}'
),
(
    'a linked identity', 'identity_linked_notification', '{"provider": "google"}', '{}',
    'ada@example.com', 'auth.identity_linked_notification', 'only', null, null,
    '{"provider": "google"}'
),
(
    'an unlinked identity', 'identity_unlinked_notification', '{"provider": "google"}', '{}',
    'ada@example.com', 'auth.identity_unlinked_notification', 'only', null, null,
    '{"provider": "google"}'
),
(
    'a new factor', 'mfa_factor_enrolled_notification', '{"factor_type": "totp"}', '{}',
    'ada@example.com', 'auth.mfa_factor_enrolled_notification', 'only', null, null,
    '{"factor_type": "totp"}'
),
(
    'a factor taken away', 'mfa_factor_unenrolled_notification', '{"factor_type": "phone"}', '{}',
    'ada@example.com', 'auth.mfa_factor_unenrolled_notification', 'only', null, null,
    '{"factor_type": "phone"}'
);

-- Each case once, and what it sent.
create temporary table outcomes (case_ text, answer jsonb);
create temporary table outbox (case_ text, mail sent);
create function pg_temp.run_cases() returns void
language plpgsql
as $$
declare
    called record;
begin
    for called in select distinct case_, action, sent, person from expected loop
        insert into outcomes
        values (called.case_, pg_temp.mail(called.action, called.sent, called.person));
        insert into outbox select called.case_, sent from sent;
        truncate sent;
    end loop;
end
$$;
select pg_temp.run_cases();

select set_eq(
    'select answer from outcomes', array['{}'::jsonb], 'every kind of mail is taken'
);
select set_eq(
    $$
        select
            case_,
            (mail).recipient,
            (mail).template,
            (mail).data ->> 'token' as token,
            (mail).data ->> 'token_hash' as token_hash
        from outbox
    $$,
    'select case_, recipient, template, token, token_hash from expected',
    'each goes to whom it is for, with the tokens of that address'
);
select results_eq(
    'select case_, count(*) from outbox group by case_ order by case_',
    'select case_, count(*) from expected group by case_ order by case_',
    'and no mail goes twice'
);
select is_empty(
    $$
        select expected.case_, (outbox.mail).data, expected.details
        from expected
        inner join outbox
            on outbox.case_ = expected.case_ and (outbox.mail).recipient = expected.recipient
        where
            (outbox.mail).data - array['token', 'token_hash', 'verify']
            <> jsonb_build_object(
                'action', expected.action,
                'user_id', '00000000-0000-4000-8000-000000000001',
                'tenant', 'acme',
                'site_url', 'https://x.example/auth/v1',
                'redirect_to', 'https://app.example/welcome'
            ) || case
                when expected.person ->> 'email' = '' then '{}'
                else jsonb '{"email": "ada@example.com"}'
            end || expected.details
    $$,
    'a mail carries what its template needs, and nothing else'
);
select is_empty(
    $$
        select case_, (mail).data
        from outbox
        where
            coalesce((mail).data -> 'verify', 'null')
            <> case
                when (mail).data ? 'token_hash' then jsonb_build_object(
                    'token', (mail).data -> 'token_hash', 'type', (mail).data -> 'action',
                    'redirect_to', 'https://app.example/welcome'
                )
                else 'null'
            end
    $$,
    'the link has the hash of the address that it goes to'
);
select is_empty(
    $$
        select expected.case_, (outbox.mail).key
        from expected
        inner join outbox
            on outbox.case_ = expected.case_ and (outbox.mail).recipient = expected.recipient
        where
            (outbox.mail).key
            <> 'auth:00000000-0000-4000-f000-000000000001:' || expected.key
    $$,
    'its key is the request''s, and says which mail of it'
);
select set_eq(
    'select (mail).tenant_id, (mail).channel from outbox',
    format('values (%L::uuid, %L::text)', :acme, 'email'),
    'all of them are mails of the user''s tenant'
);

-- What is refused sends nothing.
select results_eq(
    $$
        select
            case_,
            coalesce((
                pg_temp.mail(action, sent::jsonb, person::jsonb) #>> '{error,http_code}'
            ), 'sent')
        from (
            values
            (1, 'unknown', 'sign_up', '{"token": "1", "token_hash": "h"}', '{}'),
            (2, 'unknown notice', 'shoe_size_changed_notification', '{}', '{}'),
            (3, 'no action', '', '{"token": "1", "token_hash": "h"}', '{}'),
            (4, 'capitals', 'SIGNUP', '{"token": "1", "token_hash": "h"}', '{}'),
            (5, 'no link', 'recovery', '{"token": "1"}', '{}'),
            (6, 'no code', 'reauthentication', '{"token_hash": "h"}', '{}'),
            (7, 'no address', 'magiclink', '{"token": "1", "token_hash": "h"}', '{"email": ""}'),
            (8, 'no address', 'magiclink', '{"token": "1", "token_hash": "h"}', '{"email": null}'),
            (9, 'no new address', 'email_change', '{"token": "n", "token_hash": "hn"}', '{}'),
            (
                10, 'a link of half', 'email_change',
                '{"token": "c", "token_hash_new": "hc", "token_new": "n"}',
                '{"new_email": "ada@new.example"}'
            ),
            (11, 'no address', 'password_changed_notification', '{}', '{"email": ""}')
        ) as refused (place, case_, action, sent, person)
        order by place
    $$,
    $$
        select case_, '400'
        from unnest(array[
            'unknown', 'unknown notice', 'no action', 'capitals', 'no link', 'no code',
            'no address', 'no address', 'no new address', 'a link of half', 'no address'
        ]) with ordinality as listed (case_, place)
        order by place
    $$,
    'a mail that cannot be sent is an error, not silence'
);
select is_empty('select from sent', 'and nothing is sent');
insert into core.email_domain_rules (tenant_id, domain, effect)
values (core.platform_tenant_id(), 'closed.example', 'deny');
select is(
    pg_temp.mail(
        'email_change',
        '{"token": "c", "token_hash_new": "hc", "token_new": "n", "token_hash": "hn"}',
        '{"new_email": "ada@closed.example"}'
    ) #>> '{error,http_code}', '403', 'an address that could not sign up is not changed to'
);
select is_empty('select from sent', 'and neither address has a mail of it');

-- Whose mail it is.
create function pg_temp.tenant_of(name text, metadata jsonb default '{}') returns text
language plpgsql
as $$
declare
    slug text;
begin
    perform pg_temp.mail(
        'signup', '{"token": "1", "token_hash": "h"}',
        jsonb_build_object('user_metadata', metadata), name
    );
    delete from sent returning (
        select tenants.slug || coalesce(' ' || (data ->> 'tenant'), '')
        from core.tenants
        where tenants.id = sent.tenant_id
    )
    into slug;
    return slug;
end
$$;
insert into core.invitations (
    tenant_id, email, role_tenant_id, role_id, token_hash, expires_at
)
select
    invited.tenant_id::uuid,
    invited.email,
    roles.tenant_id,
    roles.id,
    sha256(convert_to(invited.token, 'UTF8')),
    now() + invited.expires::interval
from (
    values
    (:rival, 'ivy@example.com', 't1', '2 days'),
    (:acme, 'ivy@example.com', 't2', '1 day'),
    (:acme, 'ada@example.com', 't3', '1 day'),
    (:acme, 'late@example.com', 't4', '-1 day')
) as invited (tenant_id, email, token, expires)
cross join core.roles
where roles.tenant_id = core.platform_tenant_id() and roles.slug = 'viewer';

select is(pg_temp.tenant_of('eve'), 'rival rival', 'a member''s mail is the tenant''s');
select is(pg_temp.tenant_of('nobody'), 'platform platform', 'of no tenant it is the platform''s');
select is(
    pg_temp.tenant_of('late'), 'platform platform', 'and so it is without an open invitation'
);
select is(
    pg_temp.tenant_of('ivy', '{"invitation_token": "t2"}'), 'acme acme',
    'who was invited has the mail of the tenant that did'
);
select is(
    pg_temp.tenant_of('ivy'), 'rival rival', 'by more than one, of the last to expire'
);
insert into core.members (tenant_id, user_id, role_id)
select
    :rival::uuid,
    '00000000-0000-4000-8000-000000000001',
    id
from core.roles
where tenant_id = core.platform_tenant_id() and slug = 'viewer';
select is(
    pg_temp.tenant_of('sue'), 'platform platform', 'a suspended member is none'
);
insert into core.user_settings (user_id, active_tenant_id)
values ('00000000-0000-4000-8000-000000000001', :rival);
select is(pg_temp.tenant_of('ada'), 'rival rival', 'of several tenants it is the active one');

-- What comes from the user is bounded, or left out.
create function pg_temp.data_of(sent jsonb, person jsonb) returns jsonb
language plpgsql
as $$
declare
    carried jsonb;
begin
    perform pg_temp.mail(
        'signup', '{"token": "1", "token_hash": "h"}' || sent, person, 'eve'
    );
    delete from sent returning data into carried;
    return carried;
end
$$;
select results_eq(
    $$
        select locale, pg_temp.data_of(
            '{}', jsonb_build_object('user_metadata', jsonb_build_object('locale', locale))
        ) ->> 'locale'
        from (
            values
            (1, '"de"'::jsonb), (2, '"de-CH"'), (3, '"zh-Hant-TW"'), (4, '"de_CH"'), (5, '""'),
            (6, '"d"'), (7, '"<b>"'), (8, '7'), (9, '["de"]'), (10, 'null'),
            (11, to_jsonb('de-' || repeat('x', 40))), (12, '"de\n"'), (13, '"en-US-u-ca-gregory"')
        ) as spoken (place, locale)
        order by place
    $$,
    $$
        values
        ('"de"'::jsonb, 'de'), ('"de-CH"', 'de-CH'), ('"zh-Hant-TW"', 'zh-Hant-TW'),
        ('"de_CH"', null), ('""', null), ('"d"', null), ('"<b>"', null), ('7', null),
        ('["de"]', null), ('null', null), (to_jsonb('de-' || repeat('x', 40)), null),
        ('"de\n"', null), ('"en-US-u-ca-gregory"', 'en-US-u-ca-gregory')
    $$,
    'a locale is carried when it looks like one'
);
select is(
    pg_temp.data_of(
        jsonb_build_object('redirect_to', 'https://a.example/?' || repeat('x', 3000)),
        jsonb_build_object('user_metadata', jsonb_build_object('bio', repeat('x', 100000)))
    ),
    '{
        "action": "signup", "user_id": "00000000-0000-4000-8000-000000000004",
        "email": "eve@example.com", "tenant": "rival", "site_url": "https://x.example/auth/v1",
        "token": "1", "token_hash": "h", "verify": {"token": "h", "type": "signup"}
    }',
    'what is too long to be followed is left out, and metadata is not copied'
);
select is(
    pg_temp.mail('signup', jsonb_build_object('token_hash', repeat('h', 256)))
    #>> '{error,http_code}', '400', 'a hash that is none of Auth''s is refused'
);
select is(
    pg_temp.mail('signup', '{"token": "1", "token_hash": "h"}', '{"id": "x"}'), '{}',
    'a user without an id has a mail of the platform'
);
delete from sent;

-- An Auth of old sends no metadata: there is nothing to repeat by.
select is(
    pg_temp.hook('send_email', jsonb_build_object(
        'user', pg_temp.auth_user('00000000-0000-4000-8000-000000000004', 'eve@example.com'),
        'email_data', '{"email_action_type": "signup", "token": "1", "token_hash": "h"}'::jsonb
    )), '{}', 'without metadata a mail is sent'
);
select is((select key from sent), null, 'which has no key');
delete from sent;

-- The row is Auth's transaction's.
savepoint before_the_token;
select is(pg_temp.mail('recovery', '{"token": "1", "token_hash": "h"}'), '{}', 'a mail is taken');
rollback to savepoint before_the_token;
select is_empty('select from sent', 'and vanishes with the token that it is about');

create function pg_temp.no_room() returns trigger
language plpgsql
as $$begin raise 'no room'; end$$;
create trigger full_up before insert on core.deliveries
for each row execute function pg_temp.no_room();
select is(
    pg_temp.mail('recovery', '{"token": "1", "token_hash": "h"}'),
    '{"error": {"http_code": 500, "message": "Sending mail is not possible at the moment."}}',
    'a mail that cannot be kept is an error, so that Auth writes no token'
);

:as_ada
select is(
    pg_temp.code_of(
        $$select core.enqueue_auth_mail(null, 'a@b.example', 'signup', '{}', null)$$
    ), '42501', 'users put no mails of Auth into the outbox'
);

select * from finish();
rollback;
