-- Who is calling, and from where.
--
-- A caller is a user, an API key, a device, the service role, or nobody in particular. PostgREST
-- verifies tokens and hands their claims over; core.pre_request, which runs before each request,
-- knows our own credentials too, and says in settings tenon.caller_… who it is, which no request
-- can set. Nothing here says what the caller may do: that is read from tables, at each statement.

set local lock_timeout = '5s';

create function core.requested_tenant_id() returns uuid
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    requested constant text :=
        nullif(current_setting('request.headers', true), '')::json ->> 'x-tenant-id';
begin
    if requested !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        perform core.fail('tenancy.header_invalid', jsonb_build_object('value', requested));
    end if;
    return requested::uuid;
end
$$;

comment on function core.requested_tenant_id() is
'The tenant that the header x-tenant-id narrows this request to; null without the header.
Raises tenancy.header_invalid (400). Any caller of the API may call it.';

create function core.caller(
    out kind text, out id uuid, out tenant_id uuid, out requested_tenant_id uuid
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    claims json;
begin
    -- Policies ask at every statement: four settings take a tenth of reading two JSON objects.
    kind := nullif(current_setting('tenon.caller_kind', true), '');
    if kind is not null then
        id := nullif(current_setting('tenon.caller_id', true), '');
        tenant_id := nullif(current_setting('tenon.caller_tenant_id', true), '');
        requested_tenant_id := nullif(current_setting('tenon.requested_tenant_id', true), '');
        return;
    end if;
    requested_tenant_id := core.requested_tenant_id();
    claims := nullif(current_setting('request.jwt.claims', true), '');
    if claims ->> 'role' = 'service_role' then
        kind := 'service';
    elsif claims ->> 'role' = 'tenon_device' then
        kind := 'device';
        id := claims ->> 'device_id';
        tenant_id := claims ->> 'tenant_id';
    elsif claims ->> 'sub' is not null then
        kind := 'user';
        id := claims ->> 'sub';
    elsif
        claims is null
        and coalesce(current_setting('request.method', true), '') = ''
        and current_setting('role') not in ('anon', 'authenticated', 'tenon_device')
    then
        kind := 'system';
    else
        kind := 'anonymous';
    end if;
end
$$;

comment on function core.caller() is
'The principal of this request. kind: user, api_key, device, service, anonymous, or system where
there is no request (jobs, migrations, a person at psql). id: of the user, key or device.
tenant_id: of a key or a device, which belong to one tenant. requested_tenant_id: the tenant that the
header x-tenant-id narrows the request to. Raises tenancy.header_invalid (400).
Anyone may call it.';

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
core.requested_tenant_id(),
core.caller(),
core.caller_id(),
core.request_header(text)
from public;
grant execute on function
core.requested_tenant_id(),
core.caller(),
core.caller_id(),
core.request_header(text)
to anon, authenticated, service_role, tenon_device;
