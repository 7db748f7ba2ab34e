begin;
\ir ../support/fixtures.sql
select plan(47);

-- A processor that fails as its message says.
create function core.process_for_test(tenant_id uuid, message core.inbound_messages) returns void
language plpgsql
as $$
begin
    case message.body
        when 'refused' then perform core.fail('inbound.event_malformed');
        when 'broken' then raise exception 'no such thing';
        else null;
    end case;
end
$$;
insert into core.inbound_processors (processor, function_schema, function_name, description)
values ('test', 'core', 'process_for_test', 'For this test.');

create temporary table made (name text primary key, source jsonb);
create temporary table sent (name text primary key, headers jsonb, body text);
grant all on made, sent to authenticated, service_role;

create function pg_temp.received(source text, headers jsonb, body text) returns text
language plpgsql
as $$
declare
    answer jsonb;
begin
    perform set_config('response.status', '', true);
    answer := v1.receive_webhook(
        (select (made.source ->> 'id')::uuid from made where made.name = received.source),
        headers, body
    );
    return coalesce(
        current_setting('response.status') || ' ' || (answer ->> 'code'),
        case when (answer ->> 'duplicate')::boolean then 'duplicate' else 'new' end
    );
end
$$;
grant execute on function pg_temp.received(text, jsonb, text) to public;

-- Sources -----------------------------------------------------------------------------------------

:as_ada
insert into made
select 'standard', v1.create_webhook_source('Mail', 'standard', 'test')
union all
select
    'theirs',
    v1.create_webhook_source(
        'Theirs', 'standard', 'test', secret => 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    )
union all
select
    'hmac',
    v1.create_webhook_source(
        'Code', 'hmac_sha256', 'test', 'X-Hub-Signature-256', 'hex', 'sha256=',
        'it is a long secret'
    )
union all
select 'bearer', v1.create_webhook_source('Plain', 'bearer', 'test');

select matches(
    (select source ->> 'secret' from made where name = 'standard'), '^whsec_[A-Za-z0-9+/=]{44}$',
    'a source is made with a secret'
);
select is(
    (select source ->> 'secret' from made where name = 'theirs'),
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'or with the sender''s'
);
select results_eq(
    'select name, scheme, signature_header from v1.webhook_sources order by name',
    $$
        values
        ('Code', 'hmac_sha256', 'x-hub-signature-256'), ('Mail', 'standard', null),
        ('Plain', 'bearer', null), ('Theirs', 'standard', null)
    $$,
    'sources are listed'
);
select hasnt_column('v1', 'webhook_sources', 'secret_id', 'nothing of their secrets is shown');
select is(
    pg_temp.code_of(statement), code, statement
)
from (
    values
    ($$select v1.create_webhook_source('A', 'basic', 'test')$$, 'inbound.source_invalid'),
    ($$select v1.create_webhook_source('A', 'standard', 'none')$$, 'inbound.source_invalid'),
    ($$select v1.create_webhook_source('A', 'hmac_sha256', 'test')$$, 'inbound.source_invalid'),
    (
        $$select v1.create_webhook_source('A', 'hmac_sha256', 'test', 'a b')$$,
        'inbound.source_invalid'
    ),
    ($$select v1.create_webhook_source('A', 'bearer', 'test', 'x-a')$$, 'inbound.source_invalid'),
    (
        $$select v1.create_webhook_source('A', 'bearer', 'test', secret => 'short')$$,
        'inbound.source_invalid'
    ),
    (
        $$select v1.create_webhook_source('A', 'standard', 'test', secret => 'whsec_short')$$,
        'signature.secret_malformed'
    ),
    ($$select v1.create_webhook_source('', 'standard', 'test')$$, 'core.name_invalid')
) as refused (statement, code);
:as_vic
select is(
    pg_temp.code_of($$select v1.create_webhook_source('A', 'standard', 'test')$$),
    'tenancy.permission_missing', 'who may not manage webhooks makes no source'
);
:as_eve
select is_empty('select * from v1.webhook_sources', 'another tenant sees none of them');
select is(
    pg_temp.code_of(
        format('select v1.enable_webhook_source(%L, false)', source ->> 'id')
    ),
    'inbound.source_unknown', 'and disables none'
)
from made
where name = 'standard';

-- What arrives ------------------------------------------------------------------------------------

:as_owner
insert into sent
select
    'standard',
    jsonb_build_object(
        'Webhook-Id', 'msg_1',
        'webhook-timestamp', floor(extract(epoch from now()))::text,
        'webhook-signature',
        tenon.webhook_sign(array[source ->> 'secret'], 'msg_1', now(), '{"n": 1}'),
        'content-type', 'application/json', 'authorization', 'Bearer x', 'x-forwarded-for', '::1'
    ),
    '{"n": 1}'
from made
where name = 'standard';
insert into sent
select
    'svix',
    jsonb_build_object(
        'svix-id', 'msg_2',
        'svix-timestamp', floor(extract(epoch from now()))::text,
        'svix-signature', tenon.webhook_sign(array[source ->> 'secret'], 'msg_2', now(), '{}')
    ),
    '{}'
from made
where name = 'theirs';
insert into sent values
(
    'hmac',
    jsonb_build_object(
        'x-hub-signature-256',
        -- As OpenSSL says: printf %s '{"n": 2}' | openssl dgst -sha256 -hmac 'it is a long secret'.
        'sha256=82f548f12ab8e64d71e705ed6d220e694104bd3c92c9691be683a9b70f4038db'
    ),
    '{"n": 2}'
);

:as_service
select is(
    pg_temp.received('standard', headers, body), 'new', 'a signed message is taken'
)
from sent
where name = 'standard';
select is(
    pg_temp.received('standard', headers, body), 'duplicate', 'the same again is the same message'
)
from sent
where name = 'standard';
select is(
    pg_temp.received('theirs', headers, body), 'new', 'as one with the headers of Svix'
)
from sent
where name = 'svix';
select is(pg_temp.received('hmac', headers, body), 'new', 'or with an HMAC of its body')
from sent
where name = 'hmac';
select is(
    pg_temp.received(
        'hmac', headers || '{"webhook-id": "another"}'::jsonb, body
    ),
    'duplicate', 'an id that is not signed makes no other message of it'
)
from sent
where name = 'hmac';
select is(
    pg_temp.received(
        'bearer', jsonb_build_object('Authorization', 'Bearer ' || (source ->> 'secret')), 'hello'
    ),
    'new', 'or with a token'
)
from made
where name = 'bearer';

select is(
    pg_temp.received('standard', headers, body || ' '), '400 inbound.signature_invalid',
    'a body that was changed is refused'
)
from sent
where name = 'standard';
select is(
    pg_temp.received('standard', headers, body), '400 inbound.signature_invalid',
    'and a message of another source'
)
from sent
where name = 'svix';
select is(
    pg_temp.received('standard', headers - 'webhook-signature', body),
    '400 inbound.signature_missing', 'and one that is not signed'
)
from sent
where name = 'standard';
select is(
    pg_temp.received('standard', null, null), '400 inbound.signature_missing', 'and nothing at all'
);
select is(
    pg_temp.received('hmac', '{"x-hub-signature-256": "sha256=00"}', '{}'),
    '400 inbound.signature_invalid', 'and a signature that is too short'
);
select is(
    pg_temp.received('bearer', '{"authorization": "Bearer guess"}', 'hello'),
    '400 inbound.signature_invalid', 'and a wrong token'
);
select is(
    pg_temp.received('bearer', '{}', 'hello'), '400 inbound.signature_missing', 'and none'
);
select is(
    pg_temp.received('standard', headers, repeat('x', 1048577)),
    '413 inbound.message_too_large', 'and what is too large'
)
from sent
where name = 'standard';
select is(
    pg_temp.received('none', '{}', ''), '404 inbound.source_unknown', 'and what nobody waits for'
);
:as_owner
select is(
    (
        core.receive_webhook(
            (source ->> 'id')::uuid, sent.headers, sent.body, now() + interval '301 s'
        ) ->> 'code'
    ),
    'inbound.timestamp_invalid', 'and what was signed too long ago'
)
from made
inner join sent on sent.name = made.name
where made.name = 'standard';

-- What is kept ------------------------------------------------------------------------------------

select results_eq(
    $$
        select sources.name, messages.body
        from core.inbound_messages as messages
        inner join core.webhook_sources as sources on sources.id = messages.source_id
        order by 1
    $$,
    $$values ('Code', '{"n": 2}'), ('Mail', '{"n": 1}'), ('Plain', 'hello'), ('Theirs', '{}')$$,
    'what was verified is stored as it came, and nothing else'
);
select is(
    (select headers from core.inbound_messages where external_id = 'msg_1') - 'webhook-timestamp',
    '{"webhook-id": "msg_1", "content-type": "application/json"}',
    'without what verifies it or says where it came from'
);
select results_eq(
    $$
        select name, refused_count, refused_reason from core.webhook_sources
        where refused_count > 0 order by name
    $$,
    $$
        values
        ('Code', 1::bigint, 'inbound.signature_invalid'),
        ('Mail', 6::bigint, 'inbound.timestamp_invalid'),
        ('Plain', 2::bigint, 'inbound.signature_missing')
    $$,
    'what was refused is counted'
);
select is(
    (
        select count(*)::integer from core.audit_entries
        where event = 'webhook_source.refused' and tenant_id = :acme
    ),
    3, 'and a security event, once an hour for each source'
);
select is(
    (select count(*)::integer from core.jobs where task = 'core.inbound'), 4,
    'each message is one job'
);

-- Processing --------------------------------------------------------------------------------------

insert into core.inbound_messages (tenant_id, source_id, external_id, headers, body)
select :acme, (source ->> 'id')::uuid, body, '{}', body
from made
cross join unnest(array['refused', 'broken']) as body
where name = 'standard';
create function pg_temp.processed(body text, is_last boolean) returns jsonb
language sql
as $$
    select core.process_message(messages.tenant_id, messages.id, is_last)
    from core.inbound_messages as messages where messages.body = processed.body
$$;

select is(
    (select core.inbound_step(jobs) from core.jobs where task = 'core.inbound' limit 1),
    '{"done": true}', 'a job processes its message'
);
select is(
    (select count(*)::integer from core.inbound_messages where status = 'processed'), 1,
    'which is processed then'
);
select is(
    pg_temp.processed('refused', false), '{"failed": "inbound.event_malformed"}',
    'what a processor refuses is not tried again'
);
select throws_ok(
    $$select pg_temp.processed('broken', false)$$, 'P0001', 'no such thing',
    'what fails otherwise is'
);
select is(
    pg_temp.processed('broken', true), '{"failed": "P0001: no such thing"}', 'until the last time'
);
:as_ada
select results_eq(
    'select body, error from v1.inbound_messages where status = ''failed'' order by body',
    $$values ('broken', 'P0001: no such thing'), ('refused', 'inbound.event_malformed')$$,
    'those who manage webhooks see what failed, and why'
);
select is(
    v1.process_message_again(id) ->> 'status', 'received', 'and have it processed again'
)
from v1.inbound_messages
where body = 'broken';
:as_vic
select is_empty('select * from v1.inbound_messages', 'others do not see what is in messages');
:as_eve
select is_empty('select * from v1.inbound_messages', 'nor does another tenant');

:as_owner
select is(
    (select messages from core.expire_inbound_messages(as_of => now() + interval '29 days')),
    0::bigint, 'messages are kept for thirty days'
);
select is(
    (select messages from core.expire_inbound_messages(as_of => now() + interval '31 days')),
    6::bigint, 'and no longer'
);

select * from finish();
rollback;
