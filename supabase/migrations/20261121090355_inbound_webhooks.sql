-- Webhooks that others send to a tenant.
--
-- A source of the tenant says who may send and how it is verified. What arrives is verified here,
-- where the secret is, stored as it came, once for each message, and handed to a job: a sender gets
-- its answer at once, and what a processor cannot do yet is tried again. The Edge Function in front
-- passes headers and body and knows no secret.

set local lock_timeout = '5s';

create table core.inbound_processors (
    processor text primary key,
    function_schema text not null,
    function_name text not null,
    description text not null,
    constraint processor_is_a_word check (processor ~ '^[a-z][a-z0-9_]{0,62}$')
);

comment on table core.inbound_processors is
'What can be done with messages that arrive. Global reference data: a migration adds the processor
that it brings.';
comment on column core.inbound_processors.function_name is
'The function of the arguments (tenant_id uuid, message core.inbound_messages) that returns void.
What it refuses with core.fail is not tried again; what fails otherwise is.';

create table core.webhook_sources (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    name text not null,
    scheme text not null,
    processor text not null references core.inbound_processors (processor),
    signature_header text,
    encoding text,
    prefix text,
    secret_id uuid,
    secret_hash bytea,
    disabled_at timestamptz,
    refused_count bigint not null default 0,
    refused_at timestamptz,
    refused_reason text,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint source_id_is_unique unique (id),
    constraint name_is_short check (char_length(name) between 1 and 200),
    constraint scheme_is_known check (scheme in ('standard', 'hmac_sha256', 'bearer')),
    constraint header_goes_with_scheme check (
        (scheme = 'hmac_sha256') = (signature_header is not null)
        and (scheme = 'hmac_sha256') = (encoding is not null)
        and (scheme = 'hmac_sha256') = (prefix is not null)
    ),
    constraint signature_header_is_a_header check (signature_header ~ '^[a-z0-9-]{1,100}$'),
    constraint encoding_is_known check (encoding in ('hex', 'base64')),
    constraint prefix_is_short check (prefix ~ '^[!-~]{0,20}$'),
    constraint secret_goes_with_scheme check (
        (scheme = 'bearer') = (secret_hash is not null)
        and (scheme = 'bearer') = (secret_id is null)
    )
);

comment on table core.webhook_sources is
'Who may send webhooks to a tenant, and how they are verified.';
comment on column core.webhook_sources.scheme is
'standard: Standard Webhooks 1.0, with headers webhook-… or svix-…; hmac_sha256: an HMAC of the body
in signature_header; bearer: a token in the header Authorization.';
comment on column core.webhook_sources.secret_id is 'Of core.read_secret.';
comment on column core.webhook_sources.secret_hash is
'The SHA-256 of a bearer token: that is compared, and need not be known.';
comment on column core.webhook_sources.refused_count is 'How many messages were refused.';

create table core.inbound_messages (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    source_id uuid not null,
    external_id text not null,
    headers jsonb not null,
    body text not null,
    status text not null default 'received',
    error text,
    received_at timestamptz not null default now(),
    processed_at timestamptz,
    primary key (tenant_id, id),
    constraint external_id_is_unique unique (tenant_id, source_id, external_id),
    foreign key (tenant_id, source_id) references core.webhook_sources (tenant_id, id)
    on delete cascade,
    constraint status_is_known check (status in ('received', 'processed', 'failed')),
    constraint failure_has_an_error check ((status = 'failed') = (error is not null)),
    constraint error_is_short check (char_length(error) <= 1000)
);
create index inbound_messages_received_at on core.inbound_messages (received_at);

comment on table core.inbound_messages is
'Webhooks that arrived and were verified, as they came, for 30 days.';
comment on column core.inbound_messages.external_id is
'The sender''s id of the message, or sha256: and the hash of the body where it signs none.';
comment on column core.inbound_messages.headers is
'Of the request, with names in lower case; without what verifies it or says where it came from.';

alter table core.inbound_processors enable row level security;
alter table core.webhook_sources enable row level security;
alter table core.inbound_messages enable row level security;

create policy inbound_processors_are_public on core.inbound_processors for select to authenticated
using (true);
create policy webhook_sources_read on core.webhook_sources for select to authenticated
using (tenant_id = any((select core.tenants_with('core.webhooks.read'))::uuid[]));
-- A message holds whatever its sender knows of anybody.
create policy inbound_messages_read on core.inbound_messages for select to authenticated
using (tenant_id = any((select core.tenants_with('core.webhooks.manage'))::uuid[]));

grant select on core.inbound_processors to authenticated, service_role;
grant select (
    tenant_id, id, name, scheme, processor, signature_header, encoding, prefix, disabled_at,
    refused_count, refused_at, refused_reason, created_at, created_by
) on core.webhook_sources to authenticated, service_role;
grant select on core.inbound_messages to authenticated, service_role;

select
    core.audit(
        'core.webhook_sources',
        '{secret_id,secret_hash,refused_count,refused_at,refused_reason}'
    );

select
    core.map_personal(
        'core.webhook_sources.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
    );
select
    core.map_not_personal(
        'Machines, as those who manage webhooks describe them.',
        'core.webhook_sources.name', 'core.webhook_sources.secret_id',
        'core.webhook_sources.secret_hash', 'core.webhook_sources.signature_header',
        'core.webhook_sources.refused_reason', 'core.inbound_processors.description',
        'core.inbound_processors.function_name'
    );
select
    core.map_not_personal(
        'Raw messages, of which nobody knows whom they speak of: core.expire_inbound_messages'
        ' deletes them after 30 days. What a processor takes from one is mapped where it goes.',
        'core.inbound_messages.body', 'core.inbound_messages.headers'
    );
select core.refresh_audits();

insert into core.event_types (type, description, permission) values
('core.webhook_source.created', 'A source of webhooks was made.', 'core.webhooks.read'),
('core.webhook_source.changed', 'A source was enabled or disabled.', 'core.webhooks.read'),
('core.webhook_source.deleted', 'A source of webhooks was removed.', 'core.webhooks.read');

insert into core.errors (code, status, message, hint) values
(
    'inbound.source_unknown', 404, 'There is no such source of webhooks.',
    'Compare the address with the one that was given when the source was made.'
),
(
    'inbound.source_invalid', 400, 'No such source can be made: {problem}.',
    'The guide on inbound webhooks names the schemes and what they need.'
),
(
    'inbound.signature_missing', 400, 'The message is not signed.',
    'Send the headers that the scheme of the source needs.'
),
(
    'inbound.signature_invalid', 400, 'The signature is not of this message by this source.',
    'Sign the body as it is sent, with the secret of the source.'
),
(
    'inbound.timestamp_invalid', 400, 'The message was signed too long ago, or ahead of time.',
    'Sign a message when it is sent, with a clock that is right to five minutes.'
),
(
    'inbound.message_too_large', 413, 'The message has more than {bytes_max} bytes.',
    'Send less, and what belongs to it on request.'
),
(
    'inbound.message_unknown', 404,
    'There is no such message of your tenant that is still to be processed.',
    'Compare the id with v1.inbound_messages.'
);

-- Sources -----------------------------------------------------------------------------------------

create function core.inbound_bytes_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1048576;

comment on function core.inbound_bytes_max() is
'The largest message that is taken, headers aside: four times what known senders allow. Internal.';

create function core.check_webhook_source(
    scheme text, processor text, signature_header text, encoding text, prefix text, secret text
)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    problem text;
begin
    if (scheme in ('standard', 'hmac_sha256', 'bearer')) is not true then
        problem := 'scheme is standard, hmac_sha256 or bearer';
    elsif not exists (
        select from core.inbound_processors as known
        where known.processor = check_webhook_source.processor
    ) then
        problem := 'there is no such processor';
    elsif scheme <> 'hmac_sha256' and coalesce(signature_header, encoding, prefix) is not null then
        problem := 'signature_header, encoding and prefix go with hmac_sha256 alone';
    elsif
        scheme = 'hmac_sha256'
        and (lower(signature_header) ~ '^[a-z0-9-]{1,100}$') is not true
    then
        problem := 'signature_header is the name of a header';
    elsif coalesce(encoding, 'hex') not in ('hex', 'base64') then
        problem := 'encoding is hex or base64';
    elsif coalesce(prefix, '') !~ '^[!-~]{0,20}$' then
        problem := 'prefix has 20 printable ASCII characters at most';
    elsif scheme <> 'standard' and char_length(secret) not between 16 and 500 then
        problem := 'a secret has 16 to 500 characters';
    end if;
    if problem is not null then
        perform core.fail('inbound.source_invalid', jsonb_build_object('problem', problem));
    end if;
    if scheme = 'standard' then
        -- Refuses what is none: signature.secret_malformed.
        perform tenon.webhook_sign(array[secret], 'check', now(), '');
    end if;
end
$$;

comment on function core.check_webhook_source(text, text, text, text, text, text) is
'Refuses what cannot be a source. Raises inbound.source_invalid (400), signature.secret_malformed
(400). Internal.';

create function core.create_webhook_source(
    name text,
    scheme text,
    processor text,
    signature_header text,
    encoding text,
    prefix text,
    secret text
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.webhooks.manage');
    is_hmac constant boolean := create_webhook_source.scheme = 'hmac_sha256';
    is_bearer constant boolean := create_webhook_source.scheme = 'bearer';
    kept_secret constant text := coalesce(create_webhook_source.secret, core.new_webhook_secret());
    source core.webhook_sources;
begin
    perform core.check_name(create_webhook_source.name);
    perform core.check_webhook_source(
        create_webhook_source.scheme, create_webhook_source.processor,
        create_webhook_source.signature_header, create_webhook_source.encoding,
        create_webhook_source.prefix, kept_secret
    );
    insert into core.webhook_sources (
        tenant_id, name, scheme, processor, signature_header, encoding, prefix, secret_id,
        secret_hash
    )
    values (
        owner_id, create_webhook_source.name, create_webhook_source.scheme,
        create_webhook_source.processor, lower(create_webhook_source.signature_header),
        case when is_hmac then coalesce(create_webhook_source.encoding, 'hex') end,
        case when is_hmac then coalesce(create_webhook_source.prefix, '') end,
        case when not is_bearer then core.store_secret(owner_id, 'source', kept_secret) end,
        case when is_bearer then sha256(convert_to(kept_secret, 'UTF8')) end
    )
    returning * into source;
    perform core.emit(
        owner_id, 'core.webhook_source.created', 'webhook_source', source.id,
        jsonb_build_object('name', source.name)
    );
    return jsonb_build_object(
        'tenant_id', owner_id,
        'id', source.id,
        'name', source.name,
        'scheme', source.scheme,
        'secret', kept_secret
    );
end
$$;

comment on function core.create_webhook_source(text, text, text, text, text, text, text) is
'What v1.create_webhook_source does. Definer, because it writes core.webhook_sources. Signed-in
users may call it.';

create function core.enable_webhook_source(id uuid, enabled boolean) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.webhooks.manage');
    source core.webhook_sources;
begin
    update core.webhook_sources
    set disabled_at = case
        when not enable_webhook_source.enabled then coalesce(webhook_sources.disabled_at, now())
    end
    where webhook_sources.tenant_id = owner_id and webhook_sources.id = enable_webhook_source.id
    returning webhook_sources.* into source;
    if not found then
        perform core.fail('inbound.source_unknown');
    end if;
    perform core.emit(
        owner_id, 'core.webhook_source.changed', 'webhook_source', source.id,
        jsonb_build_object('name', source.name, 'enabled', source.disabled_at is null)
    );
    return jsonb_build_object(
        'tenant_id', owner_id, 'id', source.id, 'enabled', source.disabled_at is null
    );
end
$$;

comment on function core.enable_webhook_source(uuid, boolean) is
'What v1.enable_webhook_source does. Definer, because it writes core.webhook_sources. Signed-in
users may call it.';

create function core.delete_webhook_source(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.webhooks.manage');
    gone core.webhook_sources;
begin
    delete from core.webhook_sources
    where webhook_sources.tenant_id = owner_id and webhook_sources.id = delete_webhook_source.id
    returning webhook_sources.* into gone;
    if not found then
        perform core.fail('inbound.source_unknown');
    end if;
    perform core.delete_secret(owner_id, gone.secret_id);
    perform core.emit(
        owner_id, 'core.webhook_source.deleted', 'webhook_source', gone.id,
        jsonb_build_object('name', gone.name)
    );
    return jsonb_build_object('tenant_id', owner_id, 'id', gone.id, 'deleted', true);
end
$$;

comment on function core.delete_webhook_source(uuid) is
'What v1.delete_webhook_source does. Definer, because it writes core.webhook_sources. Signed-in
users may call it.';

-- Messages ----------------------------------------------------------------------------------------

create function core.headers_to_keep(headers jsonb) returns jsonb
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(jsonb_object_agg(lower(header.key), header.value), '{}')
    from jsonb_each_text(headers_to_keep.headers) as header
    where
        octet_length(header.key) <= 100
        and octet_length(header.value) <= 1000
        and lower(header.key) !~ (
            '^(authorization|cookie|apikey|forwarded|x-real-ip|x-tenant-id|idempotency-key|via)$'
            '|^(x-forwarded-|cf-|proxy-|sb-)|signature|token|secret'
        );
end;

comment on function core.headers_to_keep(jsonb) is
'The headers of a message that are stored with it: none that verifies it, or tells of whoever is
between. Internal.';

create function core.webhook_refusal(
    source core.webhook_sources, headers jsonb, body text, at timestamptz
)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    names constant text := case when headers ? 'svix-id' then 'svix-' else 'webhook-' end;
    signature text;
    verdict text;
begin
    case source.scheme
        when 'standard' then
            signature := headers ->> (names || 'signature');
            verdict := tenon.webhook_verify(
                array[core.read_secret(source.tenant_id, source.secret_id)],
                headers ->> (names || 'id'), headers ->> (names || 'timestamp'),
                signature, body, at
            );
        when 'hmac_sha256' then
            signature := headers ->> source.signature_header;
            verdict := tenon.webhook_verify_body(
                core.read_secret(source.tenant_id, source.secret_id),
                body, signature, source.encoding, source.prefix
            );
        else
            signature := substring(headers ->> 'authorization' from '^[Bb]earer +([!-~]+)$');
            -- Of two hashes it does not matter how long they are alike.
            verdict := case
                when sha256(convert_to(signature, 'UTF8')) = source.secret_hash then null
                else 'no_match'
            end;
    end case;
    return case
        when verdict is null then null
        when coalesce(signature, '') = '' then 'inbound.signature_missing'
        when verdict in ('too_old', 'too_new') then 'inbound.timestamp_invalid'
        else 'inbound.signature_invalid'
    end;
end
$$;

comment on function core.webhook_refusal(core.webhook_sources, jsonb, text, timestamptz) is
'The code of the error with which a message is refused; null when it is verified. headers: with
names in lower case. Internal.';

create function core.refuse_message(
    source core.webhook_sources, code text, details jsonb default '{}'
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    failure core.errors;
begin
    select * into strict failure from core.errors where errors.code = refuse_message.code;
    if source.id is not null then
        -- One event in an hour, however many there are: the row counts them.
        if source.refused_at is null or source.refused_at < now() - interval '1 hour' then
            perform core.record_security_event(
                source.tenant_id, 'webhook_source.refused',
                jsonb_build_object(
                    'source_id', source.id,
                    'code', failure.code,
                    'refused_before', source.refused_count
                )
            );
        end if;
        update core.webhook_sources
        set
            refused_count = webhook_sources.refused_count + 1,
            refused_at = case
                when source.refused_at is null or source.refused_at < now() - interval '1 hour'
                    then now()
                else webhook_sources.refused_at
            end,
            refused_reason = failure.code
        where webhook_sources.tenant_id = source.tenant_id and webhook_sources.id = source.id;
    end if;
    -- Answered as an error without being raised, because raising would take the count back.
    perform set_config('response.status', failure.status::text, true);
    return jsonb_build_object(
        'code', failure.code,
        'message', core.render(failure.message, details),
        'details', nullif(details, '{}')::text,
        'hint', failure.hint
    );
end
$$;

comment on function core.refuse_message(core.webhook_sources, text, jsonb) is
'Counts a message of a source that is refused, records a security event for the first in an hour,
and gives the answer, an error of the catalogue with its HTTP status. Nothing of the message is
kept. Internal.';

create function core.receive_webhook(
    source uuid, headers jsonb, body text, at timestamptz default now()
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    of_source core.webhook_sources;
    named_headers jsonb;
    message_key text;
    refusal text;
    message core.inbound_messages;
begin
    select webhook_sources.* into of_source
    from core.webhook_sources
    inner join core.tenants on tenants.id = webhook_sources.tenant_id
    where
        webhook_sources.id = receive_webhook.source
        and webhook_sources.disabled_at is null
        and tenants.status = 'active';
    if not found then
        return core.refuse_message(null, 'inbound.source_unknown');
    end if;
    if (octet_length(receive_webhook.body) <= core.inbound_bytes_max()) is not true then
        return core.refuse_message(
            of_source,
            case
                when receive_webhook.body is null then 'inbound.signature_missing'
                else 'inbound.message_too_large'
            end,
            jsonb_build_object('bytes_max', core.inbound_bytes_max())
        );
    end if;
    if
        jsonb_typeof(receive_webhook.headers) = 'object'
        and octet_length(receive_webhook.headers::text) <= 65536
    then
        select jsonb_object_agg(lower(header.key), header.value) into named_headers
        from jsonb_each_text(receive_webhook.headers) as header;
    end if;
    refusal := core.webhook_refusal(
        of_source, coalesce(named_headers, '{}'), receive_webhook.body, receive_webhook.at
    );
    if refusal is not null then
        return core.refuse_message(of_source, refusal);
    end if;

    -- An id that is not signed could be changed, and the message be sent again under it.
    message_key := case
        when of_source.scheme = 'standard'
            then coalesce(named_headers ->> 'svix-id', named_headers ->> 'webhook-id')
        else 'sha256:' || encode(sha256(convert_to(receive_webhook.body, 'UTF8')), 'hex')
    end;
    insert into core.inbound_messages (
        tenant_id, source_id, external_id, headers, body, received_at
    )
    values (
        of_source.tenant_id, of_source.id, message_key, core.headers_to_keep(named_headers),
        receive_webhook.body, receive_webhook.at
    )
    on conflict on constraint external_id_is_unique do nothing
    returning inbound_messages.* into message;
    if message.id is null then
        select inbound_messages.* into message
        from core.inbound_messages
        where
            inbound_messages.tenant_id = of_source.tenant_id
            and inbound_messages.source_id = of_source.id
            and inbound_messages.external_id = message_key;
        return jsonb_build_object('id', message.id, 'duplicate', true);
    end if;
    perform core.enqueue_job(
        of_source.tenant_id, 'core.inbound', jsonb_build_object('message', message.id),
        unique_key => message.id::text
    );
    return jsonb_build_object('id', message.id, 'duplicate', false);
end
$$;

comment on function core.receive_webhook(uuid, jsonb, text, timestamptz) is
'What v1.receive_webhook does, at a time that tests can name. Definer, because it stores messages
and reads secrets. service_role may call it.';

create function core.process_message(tenant_id uuid, id uuid, is_last boolean) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    message core.inbound_messages;
    processor core.inbound_processors;
    failure text;
begin
    select inbound_messages.* into message
    from core.inbound_messages
    where
        inbound_messages.tenant_id = process_message.tenant_id
        and inbound_messages.id = process_message.id
    for no key update;
    if not found or message.status = 'processed' then
        return jsonb_build_object('done', true);
    end if;
    select known.* into strict processor
    from core.inbound_processors as known
    inner join core.webhook_sources as sources on sources.processor = known.processor
    where sources.tenant_id = message.tenant_id and sources.id = message.source_id;
    begin
        execute format(
            'select %I.%I($1, $2)', processor.function_schema, processor.function_name
        )
        using message.tenant_id, message;
    exception
        -- A refusal is the same the next time.
        when sqlstate 'PGRST' then
            failure := coalesce(sqlerrm::json ->> 'code', 'failed');
        when others then
            if not process_message.is_last then
                raise;
            end if;
            failure := sqlstate || ': ' || sqlerrm;
    end;
    update core.inbound_messages
    set
        status = case when failure is null then 'processed' else 'failed' end,
        error = left(failure, 1000),
        processed_at = case when failure is null then clock_timestamp() end
    where
        inbound_messages.tenant_id = message.tenant_id and inbound_messages.id = message.id;
    return case
        when failure is null then jsonb_build_object('done', true)
        else jsonb_build_object('failed', left(failure, 1000))
    end;
end
$$;

comment on function core.process_message(uuid, uuid, boolean) is
'Has a message processed that arrived, once: what a step of a job returns. Raises what the processor
raises, unless that is a refusal or the attempt the last: then the message has failed. Definer,
because processors write what nobody else may. Internal.';

create function core.process_message_again(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.webhooks.manage');
begin
    update core.inbound_messages
    set status = 'received', error = null
    where
        inbound_messages.tenant_id = owner_id
        and inbound_messages.id = process_message_again.id
        and inbound_messages.status <> 'processed';
    if not found then
        perform core.fail('inbound.message_unknown');
    end if;
    perform core.enqueue_job(
        owner_id, 'core.inbound', jsonb_build_object('message', process_message_again.id),
        unique_key => process_message_again.id::text
    );
    return jsonb_build_object(
        'tenant_id', owner_id, 'id', process_message_again.id, 'status', 'received'
    );
end
$$;

comment on function core.process_message_again(uuid) is
'What v1.process_message_again does. Definer, because it writes core.inbound_messages. Signed-in
users may call it.';

create function core.expire_inbound_messages(
    budget interval default '30 seconds', as_of timestamptz default now()
)
returns table (messages bigint, done boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    -- Some milliseconds of work.
    step constant integer := 1000;
    kept_for constant interval := '30 days';
    deadline constant timestamptz := clock_timestamp() + budget;
    deleted bigint;
begin
    messages := 0;
    loop
        with past as (
            select
                old.tenant_id,
                old.id
            from core.inbound_messages as old
            where old.received_at < expire_inbound_messages.as_of - kept_for
            order by old.received_at
            limit step
            for update skip locked
        )
        delete from core.inbound_messages as old
        using past
        where old.tenant_id = past.tenant_id and old.id = past.id;
        get diagnostics deleted = row_count;
        messages := messages + deleted;
        done := deleted < step;
        exit when done or clock_timestamp() >= deadline;
    end loop;
    return next;
end
$$;

comment on function core.expire_inbound_messages(interval, timestamptz) is
'Deletes messages that arrived more than 30 days ago, until that is done or the budget is used; at
least one step is made. Returns how many went, and whether it is done. It may run in several
sessions at once. Definer, because it deletes for every tenant; service_role may call it.';

-- The API -----------------------------------------------------------------------------------------

create view v1.webhook_sources with (security_invoker = true) as
select
    webhook_sources.tenant_id,
    webhook_sources.id,
    webhook_sources.name,
    webhook_sources.scheme,
    webhook_sources.processor,
    webhook_sources.signature_header,
    webhook_sources.encoding,
    webhook_sources.prefix,
    webhook_sources.disabled_at,
    webhook_sources.refused_count,
    webhook_sources.refused_reason,
    webhook_sources.created_at,
    webhook_sources.created_by
from core.webhook_sources;

comment on view v1.webhook_sources is
'Who may send webhooks to your tenants, and how they are verified. Needs core.webhooks.read.';

create view v1.inbound_messages with (security_invoker = true) as
select
    inbound_messages.tenant_id,
    inbound_messages.id,
    inbound_messages.source_id,
    inbound_messages.external_id,
    inbound_messages.headers,
    inbound_messages.body,
    inbound_messages.status,
    inbound_messages.error,
    inbound_messages.received_at,
    inbound_messages.processed_at
from core.inbound_messages;

comment on view v1.inbound_messages is
'Webhooks that arrived at your tenants and were verified, as they came, for 30 days. Needs
core.webhooks.manage, as they hold whatever their senders know.';

grant select on v1.webhook_sources, v1.inbound_messages to authenticated, service_role;

create function v1.create_webhook_source(
    name text,
    scheme text,
    processor text,
    signature_header text default null,
    encoding text default null,
    prefix text default null,
    secret text default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'create_webhook_source',
            jsonb_build_object(
                'name', create_webhook_source.name,
                'scheme', create_webhook_source.scheme,
                'processor', create_webhook_source.processor,
                'signature_header', create_webhook_source.signature_header,
                'encoding', create_webhook_source.encoding,
                'prefix', create_webhook_source.prefix,
                'secret', create_webhook_source.secret
            )
        ),
        core.store_answer(
            core.create_webhook_source(
                create_webhook_source.name,
                create_webhook_source.scheme,
                create_webhook_source.processor,
                create_webhook_source.signature_header,
                create_webhook_source.encoding,
                create_webhook_source.prefix,
                create_webhook_source.secret
            ),
            array['secret']
        )
    );
end
$$;

comment on function v1.create_webhook_source(text, text, text, text, text, text, text) is
'Makes a source from which the tenant takes webhooks. scheme: standard, hmac_sha256 or bearer;
processor: of core.inbound_processors; signature_header, encoding (hex or base64) and prefix: of
hmac_sha256; secret: the sender''s, or one is made. Returns {tenant_id, id, name, scheme, secret};
the secret this once. Raises inbound.source_invalid (400), signature.secret_malformed (400),
secret.store_missing (503). Needs core.webhooks.manage. Signed-in users may call it.';

create function v1.enable_webhook_source(id uuid, enabled boolean) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'enable_webhook_source',
            jsonb_build_object(
                'id', enable_webhook_source.id, 'enabled', enable_webhook_source.enabled
            )
        ),
        core.store_answer(
            core.enable_webhook_source(enable_webhook_source.id, enable_webhook_source.enabled)
        )
    );
end
$$;

comment on function v1.enable_webhook_source(uuid, boolean) is
'Lets a source of webhooks in, or keeps it out, as if it were not there. Returns {tenant_id, id,
enabled}. Raises inbound.source_unknown (404). Needs core.webhooks.manage. Signed-in users may call
it.';

create function v1.delete_webhook_source(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'delete_webhook_source', jsonb_build_object('id', delete_webhook_source.id)
        ),
        core.store_answer(core.delete_webhook_source(delete_webhook_source.id))
    );
end
$$;

comment on function v1.delete_webhook_source(uuid) is
'Removes a source of webhooks, its secret and its messages. Returns {tenant_id, id, deleted}. Raises
inbound.source_unknown (404). Needs core.webhooks.manage. Signed-in users may call it.';

create function v1.process_message_again(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'process_message_again', jsonb_build_object('id', process_message_again.id)
        ),
        core.store_answer(core.process_message_again(process_message_again.id))
    );
end
$$;

comment on function v1.process_message_again(uuid) is
'Has a message processed again that has failed, or got stuck. Returns {tenant_id, id, status}.
Raises inbound.message_unknown (404). Needs core.webhooks.manage. Signed-in users may call it.';

create function v1.receive_webhook(source uuid, headers jsonb, body text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.receive_webhook(
        receive_webhook.source, receive_webhook.headers, receive_webhook.body
    );
end
$$;

comment on function v1.receive_webhook(uuid, jsonb, text) is
'Takes a webhook that somebody has sent to a source. headers: an object, names in any case; body: as
it came, to the byte. Verifies it, stores it and has it processed. Returns {id, duplicate}; the same
message again is the same one. A message that is refused is answered {code, message, details, hint}
with the HTTP status of the code: inbound.source_unknown (404), inbound.signature_missing (400),
inbound.signature_invalid (400), inbound.timestamp_invalid (400), inbound.message_too_large (413).
service_role may call it.';

revoke all on function
core.inbound_bytes_max(),
core.check_webhook_source(text, text, text, text, text, text),
core.create_webhook_source(text, text, text, text, text, text, text),
core.enable_webhook_source(uuid, boolean),
core.delete_webhook_source(uuid),
core.headers_to_keep(jsonb),
core.webhook_refusal(core.webhook_sources, jsonb, text, timestamptz),
core.refuse_message(core.webhook_sources, text, jsonb),
core.receive_webhook(uuid, jsonb, text, timestamptz),
core.process_message(uuid, uuid, boolean),
core.process_message_again(uuid),
core.expire_inbound_messages(interval, timestamptz),
v1.create_webhook_source(text, text, text, text, text, text, text),
v1.enable_webhook_source(uuid, boolean),
v1.delete_webhook_source(uuid),
v1.process_message_again(uuid),
v1.receive_webhook(uuid, jsonb, text)
from public;
grant execute on function
core.create_webhook_source(text, text, text, text, text, text, text),
core.enable_webhook_source(uuid, boolean),
core.delete_webhook_source(uuid),
core.process_message_again(uuid),
v1.create_webhook_source(text, text, text, text, text, text, text),
v1.enable_webhook_source(uuid, boolean),
v1.delete_webhook_source(uuid),
v1.process_message_again(uuid)
to authenticated, service_role;
grant execute on function
core.receive_webhook(uuid, jsonb, text, timestamptz),
core.expire_inbound_messages(interval, timestamptz),
v1.receive_webhook(uuid, jsonb, text)
to service_role;
