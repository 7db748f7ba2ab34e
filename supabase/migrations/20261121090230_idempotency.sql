-- A write that is sent again has one effect, and one answer.
--
-- Whoever sends a write over a network may have to send it again without knowing what became of
-- the first. With the header Idempotency-Key the second gets the answer of the first. A key's row
-- is made in the transaction of the write: another one with the same key waits for that
-- transaction, has its answer if it commits, and does the work if it does not.

set local lock_timeout = '5s';

create table core.idempotency_keys (
    tenant_id uuid not null,
    caller_kind text not null,
    caller_id uuid not null,
    key text not null,
    operation text not null,
    request_hash bytea not null,
    transaction xid8 not null,
    open_calls smallint not null default 1,
    answer jsonb,
    stored_at timestamptz not null default now(),
    primary key (tenant_id, caller_kind, caller_id, key),
    constraint key_is_printable check (key ~ '^[ -~]{1,255}$'),
    constraint calls_are_counted check (open_calls >= 0)
);
create index idempotency_keys_stored_at on core.idempotency_keys (stored_at);

comment on table core.idempotency_keys is
'What was answered to a write that had the header Idempotency-Key, for a day. A key belongs to its
caller within the tenant that x-tenant-id names, the platform''s where it names none. tenant_id has
no foreign key: it comes from the header before anybody has asked whether the caller may see such a
tenant, and must not tell whether there is one.';
comment on column core.idempotency_keys.caller_id is
'Of the user, key or device; zeros for the service role, which has none.';
comment on column core.idempotency_keys.open_calls is
'How many calls of the request in work have asked for an answer and stored none: of functions that
call each other the outermost answers.';
comment on column core.idempotency_keys.answer is
'Without the secrets that it held when it was given first.';

alter table core.idempotency_keys enable row level security;
create policy idempotency_keys_unseen on core.idempotency_keys for select to authenticated
using (false);

insert into core.errors (code, status, message, hint) values
(
    'idempotency.key_invalid', 400,
    'The header Idempotency-Key holds no 1 to 255 printable ASCII characters.',
    'Send a new UUID for each write, and the same one when you send that write again.'
),
(
    'idempotency.key_reused', 422,
    'Another request was sent with this Idempotency-Key.',
    'Send a new key with each new write, and the same key only with the same body.'
),
(
    'idempotency.anonymous', 401,
    'Without a token there is nobody whose Idempotency-Key this could be.',
    'Sign in, or leave the header out.'
),
(
    'idempotency.answer_lost', 409,
    'The first request with this Idempotency-Key was carried out, but its answer was not kept.',
    'Look at what it wrote before you send it again with another key.'
),
(
    'idempotency.not_here', 400,
    'Idempotency-Key means nothing where rows are written directly, nor to this function.',
    'Insert through rpc/insert_once, or leave the header out.'
),
(
    'insert.view_unknown', 404, 'The API has no view {view} that rows can be inserted into.',
    'Name a view of the schema v1, without the schema.'
),
(
    'insert.column_unknown', 400, 'The view {view} has no column {column}.',
    'Compare the names with those of the view.'
),
(
    'insert.rows_invalid', 400,
    'Rows are one JSON object, or an array of objects of the same keys.',
    'Give every row the same keys, with null where one has no value.'
);

create function core.idempotency_key() returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    key constant text := core.request_header('idempotency-key');
begin
    if key !~ '^[ -~]{1,255}$' then
        perform core.fail('idempotency.key_invalid');
    elsif key is not null and (core.caller()).kind = 'anonymous' then
        perform core.fail('idempotency.anonymous');
    end if;
    return key;
end
$$;

comment on function core.idempotency_key() is
'The header Idempotency-Key of this request, null where there is none. Raises
idempotency.key_invalid (400) and, for anonymous callers, idempotency.anonymous (401). Internal.';

create function core.answers_kept_for() returns interval
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return interval '24 hours';

comment on function core.answers_kept_for() is
'For how long an answer is kept for whoever sends its request again: longer than clients go on
trying. Internal.';

create function core.key_owner(out tenant_id uuid, out caller_kind text, out caller_id uuid)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
begin
    tenant_id := coalesce(core.requested_tenant_id(), core.platform_tenant_id());
    caller_kind := caller.kind;
    caller_id := coalesce(caller.id, '00000000-0000-0000-0000-000000000000');
end
$$;

comment on function core.key_owner() is
'Whose the Idempotency-Key of this request is. Internal.';

create function core.stored_answer(operation text, request jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    sent_key constant text := core.idempotency_key();
    hash constant bytea := sha256(convert_to(coalesce(request::text, ''), 'UTF8'));
    owner record;
    stored core.idempotency_keys;
begin
    if sent_key is null then
        return null;
    end if;
    owner := core.key_owner();

    -- Waits for whoever is at work with the same key. One that has expired is taken over.
    insert into core.idempotency_keys as known (
        tenant_id, caller_kind, caller_id, key, operation, request_hash, transaction
    )
    values (
        owner.tenant_id, owner.caller_kind, owner.caller_id, sent_key,
        stored_answer.operation, hash, pg_current_xact_id()
    )
    on conflict on constraint idempotency_keys_pkey do update
    set
        operation = excluded.operation,
        request_hash = excluded.request_hash,
        transaction = excluded.transaction,
        open_calls = 1,
        answer = null,
        stored_at = excluded.stored_at
    where known.stored_at < now() - core.answers_kept_for();
    if found then
        return null;
    end if;

    update core.idempotency_keys as known
    set open_calls = known.open_calls + 1
    where
        known.tenant_id = owner.tenant_id
        and known.caller_kind = owner.caller_kind
        and known.caller_id = owner.caller_id
        and known.key = sent_key
        and known.transaction = pg_current_xact_id()
        and known.open_calls > 0;
    if found then
        -- Called by the function whose request this is, which does the answering.
        return null;
    end if;

    select known.* into stored
    from core.idempotency_keys as known
    where
        known.tenant_id = owner.tenant_id
        and known.caller_kind = owner.caller_kind
        and known.caller_id = owner.caller_id
        and known.key = sent_key;
    if stored.operation <> stored_answer.operation or stored.request_hash <> hash then
        perform core.fail('idempotency.key_reused');
    elsif stored.answer is null then
        perform core.fail('idempotency.answer_lost');
    end if;
    return stored.answer;
end
$$;

comment on function core.stored_answer(text, jsonb) is
'What was answered when this request was sent before with the same Idempotency-Key; null where it
was not, or where the request has no key: then do the work, and return core.store_answer(answer).
A function of v1 asks this after it has checked what the caller may do, and before it does it.
operation: the name of the function; request: its arguments. Waits for a transaction that is at work
with the same key. Raises idempotency.key_reused (422), key_invalid (400), anonymous (401) and
answer_lost (409). Definer, because nobody else reads the answers; it finds those of the calling
principal alone. Signed-in users may call it.';

create function core.without_values(answer jsonb, keys text[]) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    case jsonb_typeof(answer)
        when 'object' then
            return answer || (
                select coalesce(jsonb_object_agg(key, null), '{}')
                from unnest(keys) as key
                where answer ? key
            );
        when 'array' then
            return (
                select coalesce(
                    jsonb_agg(core.without_values(element, keys) order by position), '[]'
                )
                from jsonb_array_elements(answer) with ordinality as given (element, position)
            );
        else
            return answer;
    end case;
end
$$;

comment on function core.without_values(jsonb, text[]) is
'An answer with null for the values of some keys, in it or in each object of an array. Internal.';

create function core.store_answer(answer jsonb, secret_keys text[] default '{}') returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    sent_key constant text := core.idempotency_key();
    owner record;
begin
    if sent_key is not null then
        owner := core.key_owner();
        update core.idempotency_keys as known
        set
            open_calls = known.open_calls - 1,
            answer = case
                when known.open_calls = 1 then coalesce(
                    core.without_values(store_answer.answer, store_answer.secret_keys), 'null'
                )
            end
        where
            known.tenant_id = owner.tenant_id
            and known.caller_kind = owner.caller_kind
            and known.caller_id = owner.caller_id
            and known.key = sent_key
            and known.transaction = pg_current_xact_id()
            and known.open_calls > 0;
    end if;
    return store_answer.answer;
end
$$;

comment on function core.store_answer(jsonb, text[]) is
'Returns the answer, and keeps it for whoever sends the request again with the same Idempotency-Key,
where it has one. secret_keys: keys of the answer whose values are shown once and not kept, such as
token: the kept answer has null there. To be called after core.stored_answer. Definer, because
nobody else writes the answers. Signed-in users may call it.';

create function core.refuse_unhonoured_key() returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if
        current_setting('request.method', true) in ('POST', 'PATCH', 'PUT', 'DELETE')
        and core.request_header('idempotency-key') is not null
        and not exists (
            select from pg_proc as functions
            where
                functions.pronamespace = 'v1'::regnamespace
                and functions.proname = substring(
                    current_setting('request.path', true) from '^/rpc/(\w+)$'
                )
                and (functions.provolatile <> 'v' or functions.prosrc ~ '\mcore\.stored_answer\(')
        )
    then
        perform core.fail('idempotency.not_here');
    end if;
end
$$;

comment on function core.refuse_unhonoured_key() is
'Refuses an Idempotency-Key on a request that writes rows directly, where Postgres hears of it too
late to honour it, and on a function that does not keep answers: a header that is ignored would be
relied on. For core.pre_request. Raises
idempotency.not_here (400). Anyone may call it.';

create function core.expire_answers(
    budget interval default '30 seconds', as_of timestamptz default now()
)
returns table (answers bigint, done boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    -- Some milliseconds of work.
    step constant integer := 1000;
    deadline constant timestamptz := clock_timestamp() + budget;
    deleted bigint;
begin
    answers := 0;
    loop
        with past as (
            select
                known.tenant_id,
                known.caller_kind,
                known.caller_id,
                known.key
            from core.idempotency_keys as known
            where known.stored_at < expire_answers.as_of - core.answers_kept_for()
            order by known.stored_at
            limit step
            for update skip locked
        )
        delete from core.idempotency_keys as known
        using past
        where
            known.tenant_id = past.tenant_id
            and known.caller_kind = past.caller_kind
            and known.caller_id = past.caller_id
            and known.key = past.key;
        get diagnostics deleted = row_count;
        answers := answers + deleted;
        done := deleted < step;
        exit when done or clock_timestamp() >= deadline;
    end loop;
    return next;
end
$$;

comment on function core.expire_answers(interval, timestamptz) is
'Deletes answers that have been kept long enough, until that is done or the budget is used; at least
one step is made. Returns how many went, and whether it is done. It may run in several sessions at
once. Definer, because it deletes for every caller; service_role may call it.';

create function v1.insert_once(into_view text, rows jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    target oid;
    elements constant jsonb := case jsonb_typeof(rows)
        when 'object' then jsonb_build_array(rows) else rows
    end;
    names text[];
    unknown text;
    answer jsonb;
begin
    select classes.oid into target
    from pg_class as classes
    where
        classes.relnamespace = 'v1'::regnamespace
        and classes.relkind = 'v'
        and classes.relname = insert_once.into_view;
    if not found then
        perform core.fail('insert.view_unknown', jsonb_build_object('view', into_view));
    end if;
    if
        jsonb_typeof(elements) is distinct from 'array'
        or exists (
            select from jsonb_array_elements(elements) as element
            where jsonb_typeof(element) <> 'object'
        )
    then
        perform core.fail('insert.rows_invalid');
    end if;
    names := array(select key from jsonb_object_keys(elements -> 0) as key order by key);
    if exists (
        select from jsonb_array_elements(elements) as element
        where names <> array(select key from jsonb_object_keys(element) as key order by key)
    ) then
        perform core.fail('insert.rows_invalid');
    end if;
    select name into unknown
    from unnest(names) as name
    where not exists (
        select from pg_attribute as attributes
        where
            attributes.attrelid = target
            and attributes.attname = name
            and attributes.attnum > 0
            and not attributes.attisdropped
    )
    limit 1;
    if found then
        perform core.fail(
            'insert.column_unknown', jsonb_build_object('view', into_view, 'column', unknown)
        );
    end if;

    answer := core.stored_answer(
        'insert_once', jsonb_build_object('into_view', into_view, 'rows', insert_once.rows)
    );
    if answer is not null then
        return answer;
    end if;
    if elements = '[]' then
        answer := '[]';
    elsif names = '{}' then
        -- Rows of defaults alone, which no list of columns can say of more than one.
        perform core.fail('insert.rows_invalid');
    else
        execute format(
            'with inserted as ('
            'insert into v1.%1$I (%2$s) '
            'select %2$s from jsonb_populate_recordset(null::v1.%1$I, $1) returning *) '
            'select coalesce(jsonb_agg(to_jsonb(inserted)), ''[]'') from inserted',
            into_view,
            (select string_agg(quote_ident(name), ', ') from unnest(names) as name)
        )
        into answer
        using elements;
    end if;
    return core.store_answer(answer);
end
$$;

comment on function v1.insert_once(text, jsonb) is
'Inserts rows through a view of this API as a POST to the view does, once for each Idempotency-Key:
sent again with the same key, it inserts nothing and returns the answer of the first time.
into_view: the name of the view; rows: one object, or an array of objects of the same keys, which
are columns; columns left out have their defaults. Returns the rows as the view shows them, so that
you need to be allowed to read what you insert. Raises insert.view_unknown (404), insert.column_unknown
(400), insert.rows_invalid (400), the errors of the header, and those of the insert.
Needs what inserting into the view needs.';

revoke all on function
core.idempotency_key(),
core.answers_kept_for(),
core.key_owner(),
core.stored_answer(text, jsonb),
core.without_values(jsonb, text[]),
core.store_answer(jsonb, text[]),
core.refuse_unhonoured_key(),
core.expire_answers(interval, timestamptz),
v1.insert_once(text, jsonb)
from public;
grant execute on function
core.stored_answer(text, jsonb),
core.store_answer(jsonb, text[]),
v1.insert_once(text, jsonb)
to authenticated, service_role;
grant execute on function core.refuse_unhonoured_key()
to anon, authenticated, service_role, tenon_device;
grant execute on function core.expire_answers(interval, timestamptz) to service_role;
