-- Every refusal has a name that a program can rely on.
--
-- A client tells errors apart by `code`, never by the words of the message. The catalogue gives
-- each code its HTTP status and its words; core.fail is the one way to raise it from SQL, in the
-- form that PostgREST turns into an HTTP answer: SQLSTATE PGRST, the body in the message, status
-- and headers in the detail.

set local lock_timeout = '5s';

create table core.errors (
    code text primary key,
    status smallint not null,
    message text not null,
    hint text not null,
    constraint code_is_dotted check (code ~ '^[a-z]+(_[a-z]+)*(\.[a-z0-9]+(_[a-z0-9]+)*)+$'),
    constraint status_is_an_error check (status between 400 and 599)
);

comment on table core.errors is
'The catalogue of stable error codes. Global reference data: the same for every tenant.';
comment on column core.errors.message is
'For people. {name} stands for the value of that key in the details of the error.';
comment on column core.errors.hint is 'What the caller can do about it.';

alter table core.errors enable row level security;
create policy errors_are_public on core.errors for select using (true);
grant select on core.errors to anon, authenticated, service_role, tenon_device;

create function core.render(template text, details jsonb) returns text
language sql immutable strict parallel safe set search_path = pg_catalog, pg_temp
begin atomic
    with recursive named as (
        select
            pair.key,
            pair.value,
            row_number() over (order by pair.key) as position
        from jsonb_each_text(render.details) as pair
    ),
    filled as (
        select
            0::bigint as position,
            render.template as text
        union all
        select
            named.position,
            replace(filled.text, '{' || named.key || '}', coalesce(named.value, 'null'))
        from filled
        inner join named on named.position = filled.position + 1
    )
    select filled.text from filled order by filled.position desc limit 1;
end;

comment on function core.render(text, jsonb) is
'The template with each {name} replaced by that key''s value in details. Anyone may call it.';

create function core.fail(code text, details jsonb default '{}') returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    failure core.errors;
begin
    select * into failure from core.errors where errors.code = fail.code;
    if not found then
        raise exception 'error code % is not in the catalogue core.errors', fail.code
            using errcode = 'internal_error';
    end if;
    raise sqlstate 'PGRST' using
        message = jsonb_build_object(
            'code', failure.code,
            'message', core.render(failure.message, fail.details),
            'details', nullif(fail.details, '{}')::text,
            'hint', failure.hint
        )::text,
        detail = jsonb_build_object(
            'status', failure.status,
            'headers', case
                when fail.details ? 'retry_after_s'
                    then jsonb_build_object('Retry-After', fail.details ->> 'retry_after_s')
                else '{}'
            end
        )::text;
end
$$;

comment on function core.fail(text, jsonb) is
'Raises the catalogue''s error `code` for PostgREST: {code, message, details, hint} with the
catalogue''s HTTP status. details: a JSON object, for programs; its keys fill the message, and
retry_after_s becomes the header Retry-After. Any caller of the API may call it.';

revoke all on function core.render(text, jsonb), core.fail(text, jsonb) from public;
grant execute on function core.render(text, jsonb), core.fail(text, jsonb)
to anon, authenticated, service_role, tenon_device;
grant usage on schema core to anon, tenon_device;

insert into core.errors (code, status, message, hint) values
(
    'core.retry', 409,
    'Another write met this one at the same moment, so nothing of it was kept.',
    'Send the same request again after the time that Retry-After names.'
),
(
    'tenancy.header_invalid', 400,
    'The header x-tenant-id holds {value}, which is not a tenant''s id.',
    'Send the id of one tenant as a UUID, or leave the header out.'
),
(
    'tenancy.ambiguous', 400,
    'This is possible in {count} of your tenants, and the request does not say which one.',
    'Name the tenant in the header x-tenant-id.'
),
(
    'tenancy.permission_missing', 403,
    'You hold {permission} in no tenant that this request reaches.',
    'Ask an owner of the tenant for a role with this permission.'
);
