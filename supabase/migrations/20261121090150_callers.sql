-- Who is calling, and from where.
--
-- A caller is a user, an API key, a device, the service role, or nobody in particular. PostgREST
-- verifies tokens and hands their claims over; whoever signs in with one of our own credentials is
-- made known by core.pre_request in the setting tenon.caller, which no request can set. Nothing
-- here says what the caller may do: that is read from tables, at each statement.

set local lock_timeout = '5s';

create function core.caller(out kind text, out id uuid, out tenant_id uuid)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    proven constant json := nullif(current_setting('tenon.caller', true), '');
    claims constant json := nullif(current_setting('request.jwt.claims', true), '');
begin
    if proven is not null then
        kind := proven ->> 'kind';
        id := proven ->> 'id';
        tenant_id := proven ->> 'tenant_id';
    elsif claims ->> 'role' = 'service_role' then
        kind := 'service';
    elsif claims ->> 'role' = 'tenon_device' then
        kind := 'device';
        id := claims ->> 'device_id';
        tenant_id := claims ->> 'tenant_id';
    elsif claims ->> 'sub' is not null then
        kind := 'user';
        id := claims ->> 'sub';
    elsif claims is not null then
        kind := 'anonymous';
    else
        kind := 'system';
    end if;
end
$$;

comment on function core.caller() is
'The principal of this request. kind: user, api_key, device, service, anonymous, or system where
there is no request (jobs, migrations, a person at psql). id: of the user, key or device.
tenant_id: of a key or a device, which belong to one tenant. Anyone may call it.';

create function core.caller_id() returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (core.caller()).id;
end
$$;

comment on function core.caller_id() is
'The id of the calling user, API key or device: what created_by records. Anyone may call it.';

create function core.request_header(name text) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return nullif(current_setting('request.headers', true), '')::json ->> lower(name);
end
$$;

comment on function core.request_header(text) is
'A header of the request that PostgREST is answering; null where there is none.
Anyone may call it.';

revoke all on function
core.caller(),
core.caller_id(),
core.request_header(text)
from public;
grant execute on function
core.caller(),
core.caller_id(),
core.request_header(text)
to anon, authenticated, service_role, tenon_device;
