-- Webhooks as their tenant makes them, and the requests that are made for them.
begin;
\ir ../support/fixtures.sql
select plan(69);

insert into core.permissions (permission, description) values ('test.secrets.read', 'For tests.');
insert into core.event_types (type, description, permission) values
('test.clock.struck', 'It is late.', 'core.events.read'),
('test.secret.told', 'It was told.', 'test.secrets.read');

-- Making ------------------------------------------------------------------------------------------

:as_ada
create temporary table made as
select
    v1.create_webhook_endpoint(
        'https://hooks.example.com/in?token=t0p', array['test.clock.struck'],
        '{"field": "data.hour", "op": ">=", "value": 22}', 'Night watch', 5
    ) as answer;
select answer ->> 'id' as endpoint, answer ->> 'secret' as secret from made \gset

select ok(
    :'secret' ~ '^whsec_[A-Za-z0-9+/]{43}=$', 'whoever makes a webhook is told its secret'
);
select is(
    (select answer - '{id,secret,created_at}'::text[] from made),
    jsonb_build_object(
        'tenant_id', :acme, 'url', 'https://hooks.example.com/in?token=t0p',
        'description', 'Night watch', 'event_types', array['test.clock.struck'],
        'condition', '{"field": "data.hour", "op": ">=", "value": 22}'::jsonb,
        'max_concurrency', 5, 'status', 'enabled', 'disabled_reason', null, 'disabled_at', null,
        'failing_since', null, 'previous_secret_expires_at', null, 'fanned_out_number', 0,
        'created_by', '00000000-0000-4000-8000-000000000001'
    ), 'and what it is'
);
select results_eq(
    'select id, url, status from v1.webhook_endpoints',
    format(
        $$values (%L::uuid, 'https://hooks.example.com/in?token=t0p', 'enabled')$$, :'endpoint'
    ), 'it is seen'
);
select is(
    (
        select array_agg(attname::text)
        from pg_attribute
        where attrelid = 'v1.webhook_endpoints'::regclass and attname ~ 'secret'
    ), '{previous_secret_expires_at}', 'without its secrets'
);
:as_owner
select is(
    (
        select core.read_secret(tenant_id, secret_id)
        from core.webhook_endpoints
        where id = :'endpoint'
    ), :'secret', 'which the database keeps'
);
select is_empty(
    format(
        $$
            select from core.audit_entries
            where concat(old, new, details) like '%%' || %L || '%%'
        $$, substr(:'secret', 7)
    ), 'and which the audit does not'
);
select is(
    (select array_agg(type) from core.pending_events), '{core.webhook.created}',
    'that it was made is an event'
);

-- With a role that reads webhooks and does not manage them.
insert into core.members (tenant_id, user_id, role_id)
select
    :acme,
    '00000000-0000-4000-8000-000000000004',
    id
from core.roles where slug = 'manager' and tenant_id = core.platform_tenant_id();
:as_eve
select is(
    (select url from v1.webhook_endpoints), 'https://hooks.example.com/***',
    'who only reads webhooks does not see the path, which may hold a token'
);
:as_owner
delete from core.members where user_id = '00000000-0000-4000-8000-000000000004'
and tenant_id = :acme;

-- Who may -----------------------------------------------------------------------------------------

create function pg_temp.attempts(endpoint uuid) returns text[]
language sql
as $$
    select array_agg(distinct pg_temp.code_of(format(statement, endpoint)))
    from unnest(
        array[
            $q$select v1.update_webhook_endpoint(%L, '{"url": "https://evil.example.com/"}')$q$,
            'select v1.enable_webhook_endpoint(%L)', 'select v1.disable_webhook_endpoint(%L)',
            'select v1.delete_webhook_endpoint(%L)', 'select v1.rotate_webhook_secret(%L)',
            'select v1.send_test_webhook(%L)', 'select v1.replay_webhooks(%L, 1)'
        ]
    ) as statement
$$;

:as_vic
select is(
    pg_temp.attempts(:'endpoint'), '{tenancy.permission_missing}',
    'without core.webhooks.manage nothing can be done to a webhook'
);
select is(
    pg_temp.code_of(
        $$select v1.create_webhook_endpoint('https://a.example.com', '{test.clock.struck}')$$
    ), 'tenancy.permission_missing', 'and none can be made'
);
select is_empty('select from v1.webhook_endpoints', 'nor seen');
:as_eve
select is(
    pg_temp.attempts(:'endpoint'), '{webhook.unknown}', 'another tenant''s is not there'
);
select is(
    pg_temp.attempts(gen_random_uuid()), '{webhook.unknown}', 'and is told from none by nothing'
);
select is_empty('select from v1.webhook_endpoints', 'nor seen');
:as_anon
select is(
    pg_temp.code_of(
        $$select v1.create_webhook_endpoint('https://a.example.com', '{test.clock.struck}')$$
    ), '42501', 'nobody in particular makes none'
);
:as_truck
select is(
    pg_temp.code_of(
        $$select v1.create_webhook_endpoint('https://a.example.com', '{test.clock.struck}')$$
    ), '42501', 'nor does a device'
);

-- An endpoint is a reader, and takes what reading takes.
:as_ada
select is(
    pg_temp.code_of(
        $$select v1.create_webhook_endpoint(
            'https://a.example.com', '{test.clock.struck,test.secret.told}'
        )$$
    ), 'webhook.type_forbidden', 'events that one may not read cannot be sent elsewhere'
);
select is(
    pg_temp.code_of(
        format(
            $$select v1.update_webhook_endpoint(%L, '{"event_types": ["test.secret.told"]}')$$,
            :'endpoint'
        )
    ), 'webhook.type_forbidden', 'not by a change either'
);
select is(
    pg_temp.code_of(
        $$select v1.create_webhook_endpoint('https://a.example.com', '{test.no.such}')$$
    ), 'event.type_unknown', 'nor can events that there are none of'
);
:as_owner
update core.webhook_endpoints set event_types = '{test.secret.told}' where id = :'endpoint';
:as_ada
select is(
    pg_temp.code_of(
        format(
            $$select v1.update_webhook_endpoint(%L, '{"url": "https://mine.example.com/"}')$$,
            :'endpoint'
        )
    ), 'webhook.type_forbidden',
    'what somebody else may read cannot be led to oneself by another address'
);
:as_owner
update core.webhook_endpoints set event_types = '{test.clock.struck}' where id = :'endpoint';
select core.allow_system_roles('{owner}', '{test.secrets.read}', 'own');
:as_ada
select is(
    pg_temp.code_of(
        $$select v1.create_webhook_endpoint('https://a.example.com', '{test.secret.told}')$$
    ), 'webhook.type_forbidden', 'to read what is one''s own is not to read the tenant''s'
);
:as_owner
update core.role_permissions set scope = 'tenant' where permission = 'test.secrets.read';
:as_ada
select is(
    pg_temp.code_of(
        $$select v1.create_webhook_endpoint('https://a.example.com', '{test.secret.told}')$$
    ), 'no error', 'with the permission it is made'
);
:as_owner
delete from core.role_permissions
where
    permission = 'core.events.read'
    and role_id = (select id from core.roles where slug = 'owner');
:as_ada
select is(
    pg_temp.code_of(
        $$select v1.create_webhook_endpoint('https://a.example.com', '{test.secret.told}')$$
    ), 'tenancy.permission_missing', 'but not without that of following events at all'
);
:as_owner
select core.allow_system_roles('{owner}', '{core.events.read}');

-- What is wrong -----------------------------------------------------------------------------------

create function pg_temp.url_code(url text) returns text
language sql
as $$
    select pg_temp.code_of(
        format('select v1.create_webhook_endpoint(%L, ''{test.clock.struck}'')', url)
    )
$$;

:as_ada
select is(
    array(
        select url
        from unnest(
            array[
                'http://a.example.com/', 'ftp://a.example.com/', 'https:/a.example.com',
                'a.example.com', '', null, 'https://', 'https:///path', 'https://a.example.com/#x',
                'https://me:pass@a.example.com/', 'https://me@a.example.com/',
                'https://a.example.com\@b.example.com/', 'https://a.example.com/ü',
                'https://a.example.com/a b', E'https://a.example.com/\n', ' https://a.example.com',
                'https://' || repeat('a', 1995) || '.com/', 'https://localhost/',
                'https://LOCALHOST:8443/', 'https://x.localhost/', 'https://localhost./',
                'https://printer.local/', 'https://db.internal/', 'https://intranet/',
                'https://127.0.0.1/', 'https://127.1/', 'https://2130706433/', 'https://0x7f.1/',
                'https://0x7f000001/', 'https://0177.0.0.1/', 'https://127.0.0.1./',
                'https://10.1.2.3/', 'https://172.16.0.1/', 'https://172.31.255.255/',
                'https://192.168.1.1/', 'https://169.254.169.254/latest/meta-data/',
                'https://100.64.0.1/', 'https://0.0.0.0/', 'https://255.255.255.255/',
                'https://224.0.0.1/', 'https://999.1.1.1/', 'https://1.2.3.4.5/',
                'https://[::1]/', 'https://[::]/', 'https://[::ffff:127.0.0.1]/',
                'https://[::ffff:7f00:1]/', 'https://[fd00::1]/', 'https://[fe80::1]/',
                'https://[fe80::1%25eth0]/', 'https://[64:ff9b::7f00:1]/',
                'https://[2002:7f00:1::]/', 'https://[2001:db8::1]/', 'https://[zz]/',
                'https://%31%32%37.0.0.1/', 'https://１２７.0.0.1/', 'https://a..example.com/',
                'https://-a.example.com/', 'https://a.example.com:port/',
                'https://a.example.com:123456/', 'https://a.example.com:25/',
                'https://a.example.com:65536/'
            ]
        ) as url
        where pg_temp.url_code(url) is distinct from 'webhook.url_invalid'
    ), '{}'::text[], 'addresses that lead nowhere, or inside, are refused'
);
select is(
    array(
        select url
        from unnest(
            array[
                'https://a.example.com', 'https://A.Example.COM:8443/path?q=%20#'::text
            ]
        ) as url
        where pg_temp.url_code(url) <> 'no error'
    ), '{https://A.Example.COM:8443/path?q=%20#}', 'a fragment is refused even if it is empty'
);
select is(
    array(
        select pg_temp.url_code(url)
        from unnest(
            array[
                'https://A.Example.COM:8443/path?q=%20', 'https://xn--mller-kva.example/',
                'https://8.8.8.8/', 'https://172.32.0.1/', 'https://[2606:4700::1111]:4443/x',
                'https://a.example.com./', 'https://a.example.com?x',
                'https://10.example.com/', 'https://' || repeat('a', 60) || '.com/'
            ]
        ) as url
    ), array_fill('no error'::text, '{9}'), 'those of the world outside are taken'
);
:as_owner
update core.tenants
set settings = '{"core": {"development_hosts": ["127.0.0.1:9000", "receiver.local"]}}'
where id = :acme;
:as_ada
select is(
    pg_temp.url_code('http://127.0.0.1:9000/'), 'webhook.url_invalid',
    'a tenant opens no way inside'
);
:as_owner
update core.tenants
set settings = '{"core": {"development_hosts": ["127.0.0.1:9000", "receiver.local"]}}'
where id = core.platform_tenant_id();
:as_ada
select is(
    array[
        pg_temp.url_code('http://127.0.0.1:9000/in'), pg_temp.url_code('https://receiver.local/'),
        pg_temp.url_code('http://127.0.0.1:9001/in'), pg_temp.url_code('http://127.0.0.1/'),
        pg_temp.url_code('http://user@127.0.0.1:9000/in')
    ], '{no error,no error,webhook.url_invalid,webhook.url_invalid,webhook.url_invalid}',
    'for development the platform does, to what it names'
);
:as_owner
update core.tenants set settings = '{"core": {"development_hosts": "all"}}'
where id = core.platform_tenant_id();
:as_ada
select is(
    pg_temp.url_code('http://127.0.0.1:9000/'), 'webhook.url_invalid', 'and not by what is no list'
);

select is(
    array(
        select
            pg_temp.code_of(
                format(
                    'select v1.create_webhook_endpoint(''https://a.example.com'', %L, %L, %L, %L)',
                    types, condition, description, concurrency
                )
            )
        from (
            values
            (1, '{}', null, 'x', 1),
            (2, '{test.clock.struck,test.clock.struck}', null, 'x', 1),
            (3, '{test.clock.struck,null}', null, 'x', 1),
            (4, null, null, 'x', 1),
            (5, '{test.clock.struck}', '{"field": "a"}', 'x', 1),
            (6, '{test.clock.struck}', '[]', 'x', 1),
            (7, '{test.clock.struck}', null, '', 1),
            (8, '{test.clock.struck}', null, repeat('x', 501), 1),
            (9, '{test.clock.struck}', null, 'x', 0),
            (10, '{test.clock.struck}', null, 'x', 51),
            (11, '{test.clock.struck}', 'null', null, 50)
        ) as given (position, types, condition, description, concurrency)
        order by position
    ),
    '{webhook.event_types_invalid,webhook.event_types_invalid,webhook.event_types_invalid,
    webhook.event_types_invalid,condition.malformed,condition.malformed,
    webhook.description_invalid,webhook.description_invalid,webhook.concurrency_invalid,
    webhook.concurrency_invalid,no error}'::text[], 'what is wrong with a webhook is named'
);
:as_owner
insert into core.webhook_endpoints (tenant_id, url, event_types, secret_id)
select :acme, 'https://a.example.com', '{test.clock.struck}', gen_random_uuid()
from generate_series(
    1, 50 - (select count(*) from core.webhook_endpoints where tenant_id = :acme)
);
:as_ada
select is(
    pg_temp.url_code('https://a.example.com'), 'webhook.too_many',
    'a tenant has so many and no more'
);
:as_eve
select is(pg_temp.url_code('https://a.example.com'), 'no error', 'which is nothing to another');
:as_owner
delete from core.webhook_endpoints where id <> :'endpoint';

-- Changing ----------------------------------------------------------------------------------------

:as_ada
select is(
    v1.update_webhook_endpoint(
        :'endpoint',
        '{"url": "https://b.example.com/", "condition": null, "max_concurrency": 7,
        "event_types": ["test.clock.struck", "core.webhook.disabled"]}'
    ) - '{created_at,created_by,id,tenant_id}'::text[],
    jsonb_build_object(
        'url', 'https://b.example.com/', 'description', 'Night watch',
        'event_types', array['test.clock.struck', 'core.webhook.disabled'],
        'condition', null, 'max_concurrency', 7, 'status', 'enabled', 'disabled_reason', null,
        'disabled_at', null, 'failing_since', null, 'previous_secret_expires_at', null,
        'fanned_out_number', 0
    ), 'what is given is changed, and nothing else'
);
select is(
    array(
        select pg_temp.code_of(
            format('select v1.update_webhook_endpoint(%L, %L)', :'endpoint', changes)
        )
        from unnest(
            array[
                '{"secret_id": "x"}', '{"status": "enabled"}', '[]', 'null', '{"url": null}',
                '{"event_types": "a"}', '{"event_types": null}', '{"max_concurrency": "many"}',
                '{"max_concurrency": null}', '{"max_concurrency": 1.5}', '{"condition": 1}',
                '{"event_types": [{"a": 1}]}'
            ]
        ) as changes
    ),
    '{webhook.change_unknown,webhook.change_unknown,webhook.change_unknown,webhook.change_unknown,
    webhook.url_invalid,webhook.event_types_invalid,webhook.event_types_invalid,
    webhook.concurrency_invalid,webhook.concurrency_invalid,webhook.concurrency_invalid,
    condition.malformed,event.type_unknown}'::text[], 'what is wrong with a change is named'
);

-- Secrets -----------------------------------------------------------------------------------------

:as_owner
create function pg_temp.request(endpoint uuid, at timestamptz) returns jsonb
language plpgsql
as $$
declare
    delivery core.deliveries;
begin
    select deliveries.* into strict delivery
    from core.deliveries
    where endpoint_id = endpoint
    order by position desc
    limit 1;
    return core.webhook_request(delivery, at);
end
$$;
create function pg_temp.signatures(request jsonb, variadic secrets text[]) returns boolean
language sql
as $$
    select request #>> '{headers,webhook-signature}' = tenon.webhook_sign(
        secrets, request #>> '{headers,webhook-id}',
        to_timestamp((request #>> '{headers,webhook-timestamp}')::bigint), request ->> 'body'
    )
$$;

:as_ada
create temporary table tested as select v1.send_test_webhook(:'endpoint') as answer;
select answer ->> 'delivery_id' as delivery from tested \gset
:as_owner
select results_eq(
    format(
        $$
            select channel, recipient, template, event_type, endpoint_id, event_number
            from core.deliveries
            where id = %L
        $$, :'delivery'
    ),
    format(
        $$values ('webhook', 'https://b.example.com/', 'core.webhook.test', 'core.webhook.test',
        %L::uuid, null::bigint)$$, :'endpoint'
    ), 'a test is a delivery'
);
select ok(
    pg_temp.signatures(pg_temp.request(:'endpoint', now()), :'secret'),
    'a request is signed with the secret'
);
:as_ada
create temporary table rotated as
select v1.rotate_webhook_secret(:'endpoint', 24) as answer;
select answer ->> 'secret' as second from rotated \gset
select isnt(:'second'::text, :'secret'::text, 'a new secret is another one');
:as_owner
select ok(
    pg_temp.signatures(pg_temp.request(:'endpoint', now()), :'second', :'secret'),
    'for some time both sign'
);
select ok(
    pg_temp.signatures(
        pg_temp.request(:'endpoint', clock_timestamp() + interval '24 hours'), :'second'
    ), 'and then the new one alone'
);
:as_ada
create temporary table rotated_again as
select v1.rotate_webhook_secret(:'endpoint') as answer;
select answer ->> 'secret' as third from rotated_again \gset
:as_owner
select ok(
    pg_temp.signatures(pg_temp.request(:'endpoint', now()), :'third', :'second'),
    'of three the first goes at once'
);
:as_ada
create temporary table rotated_at_once as
select v1.rotate_webhook_secret(:'endpoint', 0) as answer;
select answer ->> 'secret' as fourth from rotated_at_once \gset
:as_owner
select ok(
    pg_temp.signatures(pg_temp.request(:'endpoint', now()), :'fourth'),
    'without an overlap so does the last one'
);
:as_ada
select is(
    array(
        select pg_temp.code_of(
            format('select v1.rotate_webhook_secret(%L, %L)', :'endpoint', hours)
        )
        from unnest(array[-1, 169, null]) as hours
    ), array_fill('webhook.overlap_invalid'::text, '{3}'), 'an overlap has an end'
);
set local "request.headers" = '{"idempotency-key": "r1"}';
create temporary table once as select v1.rotate_webhook_secret(:'endpoint', 1) as answer;
:as_owner
update core.idempotency_keys set transaction = '1' where key = 'r1';
:as_ada
set local "request.headers" = '{"idempotency-key": "r1"}';
select is(
    v1.rotate_webhook_secret(:'endpoint', 1), (select answer || '{"secret": null}' from once),
    'a rotation that is sent again rotates nothing, and tells no secret'
);
:as_owner
update core.webhook_endpoints set previous_secret_id = null, previous_expires_at = null
where id = :'endpoint';

-- Requests ----------------------------------------------------------------------------------------

insert into core.events (
    tenant_id, number, type, at, subject_type, subject_id, actor_kind, actor_id, data
)
values
(
    :acme, 1, 'test.clock.struck', '2026-11-21 21:04:25.123456+01', 'clock',
    '00000000-0000-4000-c000-000000000001', 'user', '00000000-0000-4000-8000-000000000001',
    '{"hour": 23, "big": 12345678901234567890.10}'
);
select
    core.enqueue_delivery(
        tenant_id => :acme, channel => 'webhook', recipient => 'https://b.example.com/',
        template => 'test.clock.struck', event_type => 'test.clock.struck',
        endpoint_id => :'endpoint', event_number => 1
    ) as delivery
\gset
create temporary table requested as
select pg_temp.request(:'endpoint', '2026-11-22 00:00:00.9+00') as request;
select is(
    (select request - '{headers,body}'::text[] from requested),
    jsonb_build_object(
        'endpoint_id', :'endpoint', 'url', 'https://b.example.com/', 'concurrency', 7,
        'timeout_ms', 20000
    ),
    'a request says where it goes, and how'
);
select is(
    (select (request ->> 'body')::jsonb from requested),
    jsonb_build_object(
        'type', 'test.clock.struck', 'timestamp', '2026-11-21T20:04:25.123456Z',
        'data', jsonb_build_object(
            'tenant_id', :acme, 'number', 1,
            'subject', '{"type": "clock", "id": "00000000-0000-4000-c000-000000000001"}'::jsonb,
            'actor', '{"kind": "user", "id": "00000000-0000-4000-8000-000000000001"}'::jsonb,
            'data', '{"hour": 23, "big": 12345678901234567890.10}'::jsonb
        )
    ), 'its body is the event'
);
select is(
    (select (request -> 'headers') - 'webhook-signature' from requested),
    jsonb_build_object(
        'webhook-id', 'evt_' || :acme || '_1', 'webhook-timestamp', '1795305600',
        'content-type', 'application/json', 'user-agent', 'Tenon-Webhooks/1'
    ), 'its id is that of the event, and its time that of the attempt'
);
set local timezone = 'Asia/Kolkata';
select is(
    pg_temp.request(:'endpoint', '2026-11-23 00:00:00+00') ->> 'body',
    (select request ->> 'body' from requested), 'each attempt has the same bytes'
);
set local timezone = 'UTC';
select ok(
    octet_length(
        core.webhook_body(
            repeat('x', 100), now(), :acme, 9223372036854775807, repeat('x', 100),
            gen_random_uuid(), 'service', gen_random_uuid(),
            jsonb_build_object('x', repeat('x', core.event_bytes_max() - 10))
        )::text
    ) < 20000, 'the longest is below 20 kB'
);
update core.event_types set personal_fields = '{big}' where type = 'test.clock.struck';
select core.forget_in_events(:acme, 'clock', '00000000-0000-4000-c000-000000000001');
select is(
    (pg_temp.request(:'endpoint', now()) ->> 'body')::jsonb #> '{data,data}', '{"hour": 23}',
    'what has been erased from the event meanwhile is not sent'
);
insert into core.event_expiries (tenant_id, expired_number) values (:acme, 1);
delete from core.events where tenant_id = :acme;
select is(
    pg_temp.request(:'endpoint', now()), '{"cancelled": "webhook.event_expired"}',
    'an event that has expired is not sent at all'
);

-- Stopping ----------------------------------------------------------------------------------------

:as_ada
select is(
    v1.disable_webhook_endpoint(:'endpoint') ->> 'disabled_reason', 'by_member',
    'a webhook can be stopped'
);
select is(
    v1.disable_webhook_endpoint(:'endpoint') ->> 'status', 'disabled', 'and again, which is nothing'
);
:as_owner
select is(
    pg_temp.request(:'endpoint', now()), '{"cancelled": "webhook.endpoint_disabled"}',
    'then what waits for it is cancelled'
);
select is(
    (select count(*) from core.pending_events where type = 'core.webhook.disabled'), 1::bigint,
    'that is an event, once'
);
:as_ada
select is(
    array[
        pg_temp.code_of(format('select v1.send_test_webhook(%L)', :'endpoint')),
        pg_temp.code_of(format('select v1.replay_webhooks(%L, 1)', :'endpoint'))
    ], '{webhook.disabled,webhook.disabled}', 'and nothing is sent to it'
);
select is(
    v1.enable_webhook_endpoint(:'endpoint') - '{created_at,created_by,id,tenant_id}'::text[],
    jsonb_build_object(
        'url', 'https://b.example.com/', 'description', 'Night watch',
        'event_types', array['test.clock.struck', 'core.webhook.disabled'],
        'condition', null, 'max_concurrency', 7, 'status', 'enabled', 'disabled_reason', null,
        'disabled_at', null, 'failing_since', null, 'previous_secret_expires_at', null,
        'fanned_out_number', 1, 'missed_from', 1
    ), 'enabled it goes on from now, and says from where it has missed events'
);
select is(
    v1.enable_webhook_endpoint(:'endpoint') -> 'missed_from', 'null', 'once'
);
:as_owner

-- Failing.
create function pg_temp.state_of(endpoint uuid) returns text
language sql
as $$
    select concat_ws(' ', status, disabled_reason, failing_since at time zone 'UTC')
    from core.webhook_endpoints
    where id = endpoint
$$;
select core.note_endpoint_outcome(:acme, :'endpoint', false, '2026-11-01 00:00:00+00');
select core.note_endpoint_outcome(:acme, :'endpoint', false, '2026-11-05 23:59:59+00');
select is(
    pg_temp.state_of(:'endpoint'), 'enabled 2026-11-01 00:00:00',
    'an endpoint that fails is known to since it did first'
);
select core.note_endpoint_outcome(:acme, :'endpoint', true, '2026-11-05 23:59:59+00');
select is(pg_temp.state_of(:'endpoint'), 'enabled', 'until it works');
select core.note_endpoint_outcome(:acme, :'endpoint', true, '2026-11-07 00:00:00+00');
select core.note_endpoint_outcome(:acme, :'endpoint', false, '2026-11-07 00:00:00+00');
select core.note_endpoint_outcome(:acme, :'endpoint', false, '2026-11-12 00:00:00+00');
select is(
    pg_temp.state_of(:'endpoint'), 'disabled failing 2026-11-07 00:00:00',
    'after five days without a success it is disabled'
);
select is(
    (
        select array_agg(data ->> 'reason' order by position)
        from core.pending_events
        where type = 'core.webhook.disabled'
    ), '{by_member,failing}', 'which an event says'
);
select lives_ok(
    format(
        $$
            select core.note_endpoint_outcome(%1$L, gen_random_uuid(), false, now());
            select core.disable_endpoint(%1$L, gen_random_uuid(), 'gone');
            select core.disable_endpoint(%2$L, %3$L, 'gone')
        $$, :acme, :rival, :'endpoint'
    ), 'the outcome of a delivery to an endpoint that has gone is no matter'
);
select is(
    pg_temp.state_of(:'endpoint'), 'disabled failing 2026-11-07 00:00:00',
    'nor is that of another tenant''s'
);

-- Deleting ----------------------------------------------------------------------------------------

select secret_id from core.webhook_endpoints where id = :'endpoint' \gset
:as_ada
select is(
    v1.delete_webhook_endpoint(:'endpoint'),
    jsonb_build_object('tenant_id', :acme, 'id', :'endpoint', 'deleted', true),
    'a webhook can be removed'
);
select is(
    pg_temp.code_of(format('select v1.delete_webhook_endpoint(%L)', :'endpoint')),
    'webhook.unknown', 'once'
);
:as_owner
select is(
    pg_temp.request(:'endpoint', now()), '{"cancelled": "webhook.endpoint_deleted"}',
    'then what waits for it is cancelled'
);
select is(
    case pg_temp.code_of(format('select core.read_secret(%L, %L)', :acme, :'secret_id'))
        when 'no error' then core.read_secret(:acme, :'secret_id')
    end, null, 'and its secret is gone'
);
select is(
    (
        select array_agg(type order by position)
        from core.pending_events
        where subject_id = :'endpoint' and type not like '%disabled'
    ),
    '{core.webhook.created,core.webhook.updated,core.webhook.secret_rotated,
    core.webhook.secret_rotated,core.webhook.secret_rotated,core.webhook.secret_rotated,
    core.webhook.enabled,core.webhook.deleted}'::text[], 'all that was an event'
);
select is(
    (
        select array_agg(distinct operation order by operation)
        from core.audit_entries
        where table_name = 'core.webhook_endpoints' and key ->> 'id' = :'endpoint'
    ), '{delete,insert,update}', 'and is in the audit'
);

select * from finish();
rollback;
