--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: core; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA core;

ALTER SCHEMA core OWNER TO postgres;

--
-- Name: SCHEMA core; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON SCHEMA core IS 'Tenants, roles, errors: what every product shares. Not exposed.';

--
-- Name: iot; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA iot;

ALTER SCHEMA iot OWNER TO postgres;

--
-- Name: SCHEMA iot; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON SCHEMA iot IS 'Devices and their readings. Not exposed.';

--
-- Name: v1; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA v1;

ALTER SCHEMA v1 OWNER TO postgres;

--
-- Name: SCHEMA v1; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON SCHEMA v1 IS 'The API, version 1: the only schema that PostgREST exposes.';

--
-- Name: platform_tenant_id(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.platform_tenant_id() RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN '00000000-0000-0000-0000-000000000000'::uuid;

ALTER FUNCTION core.platform_tenant_id() OWNER TO postgres;

--
-- Name: FUNCTION platform_tenant_id(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.platform_tenant_id() IS 'The tenant at the root of the tree. It owns the system roles. Anyone may call it.';

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: role_permissions; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.role_permissions (
    tenant_id uuid NOT NULL,
    role_id uuid NOT NULL,
    permission text NOT NULL
);

ALTER TABLE core.role_permissions OWNER TO postgres;

--
-- Name: TABLE role_permissions; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.role_permissions IS 'What a role allows.';

--
-- Name: roles; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.roles (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    reaches_descendants boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT auth.uid(),
    CONSTRAINT slug_is_a_word CHECK ((slug ~ '^[a-z][a-z0-9_]{0,62}$'::text))
);

ALTER TABLE core.roles OWNER TO postgres;

--
-- Name: TABLE roles; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.roles IS 'Named sets of permissions. Those of the platform tenant are the system roles of everyone.';

--
-- Name: COLUMN roles.reaches_descendants; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.roles.reaches_descendants IS 'Whether the role, held in a tenant, also counts in every tenant below it.';

--
-- Name: allow_system_roles(text[], text[]); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.allow_system_roles(role_slugs text[], permissions text[]) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 INSERT INTO core.role_permissions (tenant_id, role_id, permission)  SELECT roles.tenant_id,
             roles.id,
             granted.permission
            FROM (core.roles
              CROSS JOIN unnest(allow_system_roles.permissions) granted(permission))
           WHERE ((roles.tenant_id = core.platform_tenant_id()) AND (roles.slug = ANY (allow_system_roles.role_slugs))) ON CONFLICT DO NOTHING;
END;

ALTER FUNCTION core.allow_system_roles(role_slugs text[], permissions text[]) OWNER TO postgres;

--
-- Name: FUNCTION allow_system_roles(role_slugs text[], permissions text[]); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.allow_system_roles(role_slugs text[], permissions text[]) IS 'Gives permissions to system roles: for the migration that brings the permissions. Owner only.';

--
-- Name: fail(text, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.fail(code text, details jsonb DEFAULT '{}'::jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION core.fail(code text, details jsonb) OWNER TO postgres;

--
-- Name: FUNCTION fail(code text, details jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.fail(code text, details jsonb) IS 'Raises the catalogue''s error `code` for PostgREST: {code, message, details, hint} with the
catalogue''s HTTP status. details: a JSON object, for programs; its keys fill the message, and
retry_after_s becomes the header Retry-After. Any caller of the API may call it.';

--
-- Name: render(text, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.render(template text, details jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH RECURSIVE named AS (
          SELECT pair.key,
             pair.value,
             row_number() OVER (ORDER BY pair.key) AS "position"
            FROM jsonb_each_text(render.details) pair(key, value)
         ), filled AS (
          SELECT (0)::bigint AS "position",
             render.template AS text
         UNION ALL
          SELECT named."position",
             replace(filled_1.text, (('{'::text || named.key) || '}'::text), COALESCE(named.value, 'null'::text)) AS replace
            FROM (filled filled_1
              JOIN named ON ((named."position" = (filled_1."position" + 1))))
         )
  SELECT filled.text
    FROM filled
   ORDER BY filled."position" DESC
  LIMIT 1;
END;

ALTER FUNCTION core.render(template text, details jsonb) OWNER TO postgres;

--
-- Name: FUNCTION render(template text, details jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.render(template text, details jsonb) IS 'The template with each {name} replaced by that key''s value in details. Anyone may call it.';

--
-- Name: requested_tenant_id(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.requested_tenant_id() RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    requested text :=
        nullif(current_setting('request.headers', true), '')::json ->> 'x-tenant-id';
begin
    if requested !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        perform core.fail('tenancy.header_invalid', jsonb_build_object('value', requested));
    end if;
    return requested::uuid;
end
$_$;

ALTER FUNCTION core.requested_tenant_id() OWNER TO postgres;

--
-- Name: FUNCTION requested_tenant_id(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.requested_tenant_id() IS 'The tenant that the header x-tenant-id narrows this request to; null without the header.
Raises tenancy.header_invalid (400). Any caller of the API may call it.';

--
-- Name: sole_tenant_with(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.sole_tenant_with(permission text) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    candidates uuid[] := core.tenants_with(sole_tenant_with.permission);
begin
    case cardinality(candidates)
        when 1 then
            return candidates[1];
        when 0 then
            perform core.fail(
                'tenancy.permission_missing',
                jsonb_build_object('permission', sole_tenant_with.permission)
            );
        else
            perform core.fail(
                'tenancy.ambiguous', jsonb_build_object('count', cardinality(candidates))
            );
    end case;
end
$$;

ALTER FUNCTION core.sole_tenant_with(permission text) OWNER TO postgres;

--
-- Name: FUNCTION sole_tenant_with(permission text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.sole_tenant_with(permission text) IS 'The one tenant in which the calling user holds the permission: the default of tenant_id where
clients insert. Raises tenancy.permission_missing (403) or tenancy.ambiguous (400).
Signed-in users may call it.';

--
-- Name: members; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.members (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role_tenant_id uuid DEFAULT core.platform_tenant_id() NOT NULL,
    role_id uuid NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT auth.uid(),
    CONSTRAINT role_is_own_or_system CHECK (((role_tenant_id = tenant_id) OR (role_tenant_id = '00000000-0000-0000-0000-000000000000'::uuid))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text])))
);

ALTER TABLE core.members OWNER TO postgres;

--
-- Name: TABLE members; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.members IS 'Which user holds which role in which tenant.';

--
-- Name: COLUMN members.role_tenant_id; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.members.role_tenant_id IS 'The tenant that owns the role: this one, or the platform for a system role.';

--
-- Name: tenants; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.tenants (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    parent_id uuid DEFAULT core.platform_tenant_id(),
    slug text NOT NULL,
    name text NOT NULL,
    status text DEFAULT 'active'::text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT auth.uid(),
    CONSTRAINT name_is_short CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT only_the_platform_is_a_root CHECK (((parent_id IS NULL) = (id = '00000000-0000-0000-0000-000000000000'::uuid))),
    CONSTRAINT settings_is_an_object CHECK ((jsonb_typeof(settings) = 'object'::text)),
    CONSTRAINT slug_is_a_dns_label CHECK ((slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'::text)),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text, 'closing'::text])))
);

ALTER TABLE core.tenants OWNER TO postgres;

--
-- Name: TABLE tenants; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.tenants IS 'A tree of tenants (platform, group, dealer). The only table whose tenant key is its own id.';

--
-- Name: COLUMN tenants.slug; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.tenants.slug IS 'Names the tenant in MQTT topics and URLs.';

--
-- Name: COLUMN tenants.settings; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.tenants.settings IS 'Choices of the tenant by engine, such as {"iot": {"auto_register_devices": true}}.';

--
-- Name: tenants_with(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.tenants_with(permission text) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH RECURSIVE reached AS (
          SELECT members.tenant_id,
             roles.reaches_descendants
            FROM (((core.members
              JOIN core.tenants ON ((tenants.id = members.tenant_id)))
              JOIN core.roles ON (((roles.tenant_id = members.role_tenant_id) AND (roles.id = members.role_id))))
              JOIN core.role_permissions ON (((role_permissions.tenant_id = roles.tenant_id) AND (role_permissions.role_id = roles.id))))
           WHERE ((members.user_id = auth.uid()) AND (members.status = 'active'::text) AND (tenants.status = 'active'::text) AND (role_permissions.permission = tenants_with.permission))
         UNION
          SELECT tenants.id,
             reached_1.reaches_descendants
            FROM (reached reached_1
              JOIN core.tenants ON ((tenants.parent_id = reached_1.tenant_id)))
           WHERE (reached_1.reaches_descendants AND (tenants.status = 'active'::text))
         ), requested AS (
          SELECT core.requested_tenant_id() AS id
         )
  SELECT COALESCE(array_agg(DISTINCT reached.tenant_id), '{}'::uuid[]) AS "coalesce"
    FROM (reached
      CROSS JOIN requested)
   WHERE ((requested.id IS NULL) OR (requested.id = reached.tenant_id));
END;

ALTER FUNCTION core.tenants_with(permission text) OWNER TO postgres;

--
-- Name: FUNCTION tenants_with(permission text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.tenants_with(permission text) IS 'The ids of the active tenants in which the calling user holds the permission, narrowed by
x-tenant-id. Empty for anyone who is not a user. Definer, because the tables that decide over
access cannot be guarded by policies that ask them. Signed-in users may call it.';

--
-- Name: buckets_max(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.buckets_max() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 50000;

ALTER FUNCTION iot.buckets_max() OWNER TO postgres;

--
-- Name: FUNCTION buckets_max(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.buckets_max() IS 'How many buckets one query may span: ten times what a wide screen shows, and few enough that an
answer stays below some megabytes.';

--
-- Name: devices; Type: TABLE; Schema: iot; Owner: postgres
--

CREATE TABLE iot.devices (
    tenant_id uuid DEFAULT core.sole_tenant_with('iot.devices.write'::text) NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    number integer NOT NULL,
    slug text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    type text,
    status text DEFAULT 'provisioned'::text NOT NULL,
    last_seen_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT auth.uid(),
    CONSTRAINT name_is_short CHECK ((char_length(name) <= 200)),
    CONSTRAINT slug_fits_a_topic CHECK ((slug ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'::text)),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['provisioned'::text, 'active'::text, 'suspended'::text, 'decommissioned'::text]))),
    CONSTRAINT type_is_short CHECK (((char_length(type) >= 1) AND (char_length(type) <= 100)))
)
WITH (fillfactor='80');

ALTER TABLE iot.devices OWNER TO postgres;

--
-- Name: TABLE devices; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON TABLE iot.devices IS 'What sends readings. Its topic is t/{tenant}/d/{slug}/telemetry.';

--
-- Name: COLUMN devices.number; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.devices.number IS 'The device''s key inside packed frames.';

--
-- Name: COLUMN devices.status; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.devices.status IS 'provisioned until the first message, then active; what a suspended or decommissioned device
sends is refused.';

--
-- Name: COLUMN devices.last_seen_at; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.devices.last_seen_at IS 'When a message last arrived, true to a minute: written at most once a minute.';

--
-- Name: calling_device(jsonb); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.calling_device(claims jsonb) RETURNS iot.devices
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    device iot.devices;
begin
    select devices.* into device
    from iot.devices
    where
        devices.tenant_id = (claims ->> 'tenant_id')::uuid
        and devices.id = (claims ->> 'device_id')::uuid;
    if device.id is null then
        perform core.fail('device.unknown', jsonb_build_object('device', claims ->> 'device_id'));
    elsif device.status in ('suspended', 'decommissioned') then
        perform core.fail('device.' || device.status, jsonb_build_object('device', device.slug));
    end if;
    return device;
end
$$;

ALTER FUNCTION iot.calling_device(claims jsonb) OWNER TO postgres;

--
-- Name: FUNCTION calling_device(claims jsonb); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.calling_device(claims jsonb) IS 'The device that a token of role tenon_device names by tenant_id and device_id. Raises
device.unknown, device.suspended or device.decommissioned. Internal.';

--
-- Name: device_named(text); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.device_named(device text) RETURNS iot.devices
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    found_devices iot.devices[] := array(
        select devices from iot.devices
        where devices.slug = device_named.device
        limit 2
    );
begin
    case cardinality(found_devices)
        when 0 then
            perform core.fail('device.unknown', jsonb_build_object('device', device));
        when 2 then
            perform core.fail('tenancy.ambiguous', '{"count": "several"}');
        else
            return found_devices[1];
    end case;
end
$$;

ALTER FUNCTION iot.device_named(device text) OWNER TO postgres;

--
-- Name: FUNCTION device_named(device text); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.device_named(device text) IS 'The device of that slug among those that the caller may see. Raises device.unknown (404), or
tenancy.ambiguous (400) where two tenants have one.';

--
-- Name: ingest(bytea); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.ingest(batch bytea) RETURNS TABLE(kind text, ordinal integer, code text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    heard_at constant timestamptz := clock_timestamp();
    tenant_slugs text[];
    tenant_ids uuid[];
    device_numbers integer[];
    device_codes text[];
    metric_numbers integer[];
begin
    if ingest.batch is null then
        return;
    end if;

    for attempt in 1..2 loop
        select
            array_agg(resolved.tenant order by resolved.ordinal),
            array_agg(resolved.tenant_id order by resolved.ordinal),
            array_agg(resolved.number order by resolved.ordinal),
            array_agg(resolved.code order by resolved.ordinal)
        into tenant_slugs, tenant_ids, device_numbers, device_codes
        from iot.resolve_devices(ingest.batch) as resolved;
        exit when attempt = 2 or array_position(device_codes, 'device.unknown') is null;
        perform iot.register_devices(ingest.batch);
    end loop;

    for attempt in 1..2 loop
        select array_agg(resolved.number order by resolved.ordinal)
        into metric_numbers
        from iot.resolve_metrics(ingest.batch) as resolved;
        exit when attempt = 2 or array_position(metric_numbers, null) is null;
        perform iot.register_metrics(ingest.batch, device_numbers);
    end loop;

    insert into iot.batches (tenant_id, first_at, last_at, readings, frame)
    select
        owners.id,
        packed.first_at,
        packed.last_at,
        packed.readings,
        packed.frame
    from tenon.batch_pack(ingest.batch, device_numbers, metric_numbers) as packed
    inner join (
        select distinct
            named.slug,
            named.id
        from unnest(tenant_slugs, tenant_ids) as named (slug, id)
    ) as owners on owners.slug = packed.tenant;

    update iot.devices
    set
        last_seen_at = heard_at,
        status = case devices.status when 'provisioned' then 'active' else devices.status end
    from (
        select
            known.tenant_id,
            known.number
        from unnest(tenant_ids, device_numbers) as heard (tenant_id, number)
        inner join iot.devices as known
            on known.tenant_id = heard.tenant_id and known.number = heard.number
        where known.last_seen_at is null or known.last_seen_at < heard_at - interval '1 minute'
        for no key update of known skip locked
    ) as unmarked
    where devices.tenant_id = unmarked.tenant_id and devices.number = unmarked.number;

    return query
    select
        'device',
        refused.ordinal::integer,
        refused.code
    from unnest(device_codes) with ordinality as refused (code, ordinal)
    where refused.code is not null;

    if array_position(metric_numbers, null) is not null then
        return query
        select
            'metric',
            used.ordinal,
            'metric.limit_reached'
        from tenon.batch_metrics(ingest.batch, device_numbers) as used
        where metric_numbers[used.ordinal] is null;
    end if;
end
$$;

ALTER FUNCTION iot.ingest(batch bytea) OWNER TO postgres;

--
-- Name: FUNCTION ingest(batch bytea); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.ingest(batch bytea) IS 'Stores one batch of readings and marks its devices as seen, in one transaction. Returns the
entries of the batch''s dictionaries that were refused: kind (device or metric), ordinal (from 1),
code; messages that use them are not kept. Raises telemetry.batch_corrupt. Definer, because it
writes for every tenant; only tenon_bridge may call it.';

--
-- Name: ingest_json(jsonb); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.ingest_json(messages jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    claims constant jsonb := auth.jwt();
    elements constant jsonb := case jsonb_typeof(ingest_json.messages)
        when 'array' then ingest_json.messages else jsonb_build_array(ingest_json.messages)
    end;
    tenant core.tenants;
    device iot.devices;
    parsed record;
    rejected jsonb;
begin
    if claims ->> 'role' = 'tenon_device' then
        device := iot.calling_device(claims);
    end if;

    select tenants.* into tenant
    from core.tenants
    where tenants.id = case claims ->> 'role'
        when 'tenon_device' then device.tenant_id
        when 'service_role' then core.requested_tenant_id()
        else core.sole_tenant_with('iot.telemetry.write')
    end;
    if not found then
        perform core.fail('tenancy.ambiguous', '{"count": "all"}');
    end if;

    select * into parsed
    from tenon.batch_from_json(tenant.slug, device.slug, elements, clock_timestamp());

    perform core.fail('device.not_own', jsonb_build_object('device', named.device))
    from tenon.batch_devices(parsed.batch) as named
    where named.device <> device.slug;

    with unread as (
        select
            (element ->> 'index')::integer as index,
            element ->> 'code' as code,
            element ->> 'message' as message
        from jsonb_array_elements(parsed.rejected) as element
    ),
    refused as (
        select
            array_agg(entry.kind) as kinds,
            array_agg(entry.ordinal) as ordinals,
            array_agg(entry.code) as codes
        from iot.ingest(parsed.batch) as entry
    ),
    unstored as (
        select
            parsed.indexes[hits.message] as index,
            hits.code,
            core.render(errors.message, jsonb_build_object(
                'tenant', tenant.slug, 'device', devices.device, 'metric', metrics.metric
            )) as message
        from refused
        cross join lateral tenon.batch_hits(
            parsed.batch, refused.kinds, refused.ordinals, refused.codes
        ) as hits
        inner join core.errors on errors.code = hits.code
        left join tenon.batch_devices(parsed.batch) as devices
            on hits.kind = 'device' and devices.ordinal = hits.ordinal
        left join tenon.batch_metrics(parsed.batch) as metrics
            on hits.kind = 'metric' and metrics.ordinal = hits.ordinal
    ),
    unkept as (
        select
            failed.*,
            elements -> failed.index as element
        from (table unread union all table unstored) as failed
    ),
    recorded as (
        insert into iot.rejected_messages (
            tenant_id, source, device, code, message, payload, payload_bytes
        )
        select
            tenant.id,
            'http',
            left(coalesce(unkept.element ->> 'device', device.slug), 64),
            unkept.code,
            left(unkept.message, 1024),
            substring(convert_to(unkept.element::text, 'UTF8') for 4096),
            octet_length(unkept.element::text)
        from unkept
        order by unkept.index
    )
    select coalesce(
        jsonb_agg(
            jsonb_build_object(
                'index', unkept.index, 'code', unkept.code, 'message', unkept.message
            )
            order by unkept.index
        ),
        '[]'
    )
    into rejected
    from unkept;

    return jsonb_build_object(
        'accepted', jsonb_array_length(elements) - jsonb_array_length(rejected),
        'rejected', rejected
    );
end
$$;

ALTER FUNCTION iot.ingest_json(messages jsonb) OWNER TO postgres;

--
-- Name: FUNCTION ingest_json(messages jsonb); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.ingest_json(messages jsonb) IS 'What v1.ingest does. Definer, because it writes packed frames; it decides itself for whom the
caller may send.';

--
-- Name: metrics; Type: TABLE; Schema: iot; Owner: postgres
--

CREATE TABLE iot.metrics (
    tenant_id uuid NOT NULL,
    number integer NOT NULL,
    name text NOT NULL,
    unit text,
    value_type text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT name_is_short CHECK (((octet_length(name) >= 1) AND (octet_length(name) <= 128))),
    CONSTRAINT unit_is_ucum_text CHECK ((unit ~ '^[!-~]{1,64}$'::text)),
    CONSTRAINT value_type_is_known CHECK ((value_type = ANY (ARRAY['number'::text, 'boolean'::text, 'text'::text, 'json'::text])))
);

ALTER TABLE iot.metrics OWNER TO postgres;

--
-- Name: TABLE metrics; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON TABLE iot.metrics IS 'What devices measure. A name that a device sends for the first time registers itself.';

--
-- Name: COLUMN metrics.number; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.metrics.number IS 'The metric''s key inside packed frames.';

--
-- Name: COLUMN metrics.unit; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.metrics.unit IS 'Unit of measure as case-sensitive UCUM text, such as Cel, km/h, kPa (https://ucum.org/ucum).';

--
-- Name: COLUMN metrics.value_type; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.metrics.value_type IS 'The type of the first reading. It informs; readings of another type are kept too.';

--
-- Name: metric_named(uuid, text); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.metric_named(tenant_id uuid, metric text) RETURNS iot.metrics
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    found_metric iot.metrics;
begin
    select metrics.* into found_metric
    from iot.metrics
    where metrics.tenant_id = metric_named.tenant_id and metrics.name = metric_named.metric;
    if not found then
        perform core.fail('metric.unknown', jsonb_build_object('metric', metric));
    end if;
    return found_metric;
end
$$;

ALTER FUNCTION iot.metric_named(tenant_id uuid, metric text) OWNER TO postgres;

--
-- Name: FUNCTION metric_named(tenant_id uuid, metric text); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.metric_named(tenant_id uuid, metric text) IS 'The metric of that name in the tenant, if the caller may see it. Raises metric.unknown (404).';

--
-- Name: metrics_per_tenant_max(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.metrics_per_tenant_max() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 1000;

ALTER FUNCTION iot.metrics_per_tenant_max() OWNER TO postgres;

--
-- Name: FUNCTION metrics_per_tenant_max(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.metrics_per_tenant_max() IS 'How many metrics may register themselves in a tenant. Metric names are columns of charts and
entries of dictionaries, of which fleets have tens to hundreds; a device that writes identifiers
or times into its names would otherwise grow them without end. Signed-in users may call it.';

--
-- Name: register_devices(bytea); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.register_devices(batch bytea) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 INSERT INTO iot.devices (tenant_id, slug)  SELECT tenants.id,
             named.device
            FROM (tenon.batch_devices(register_devices.batch) named(ordinal, tenant, device)
              JOIN core.tenants ON (((tenants.slug = named.tenant) AND (tenants.status = 'active'::text))))
           WHERE (tenants.settings @> '{"iot": {"auto_register_devices": true}}'::jsonb)
           ORDER BY tenants.id, named.device ON CONFLICT DO NOTHING;
END;

ALTER FUNCTION iot.register_devices(batch bytea) OWNER TO postgres;

--
-- Name: FUNCTION register_devices(batch bytea); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.register_devices(batch bytea) IS 'Adds the batch''s unknown devices of those tenants whose settings allow it. Internal.';

--
-- Name: register_metrics(bytea, integer[]); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.register_metrics(batch bytea, device_numbers integer[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    tenant record;
begin
    for tenant in
        select
            tenants.id,
            array_agg(named.metric order by named.ordinal) as names,
            array_agg(named.value_type order by named.ordinal) as value_types
        from tenon.batch_metrics(register_metrics.batch, register_metrics.device_numbers) as named
        inner join core.tenants on tenants.slug = named.tenant
        left join iot.metrics on metrics.tenant_id = tenants.id and metrics.name = named.metric
        where metrics.number is null
        group by tenants.id
        order by tenants.id
    loop
        -- The limit is a count, so registrations of one tenant go one after the other.
        perform pg_advisory_xact_lock(hashtextextended('iot.metrics/' || tenant.id, 0));
        insert into iot.metrics (tenant_id, name, value_type)
        select
            tenant.id,
            fresh.name,
            case
                when fresh.value_type in ('integer', 'float') then 'number'
                when fresh.value_type <> 'null' then fresh.value_type
            end
        from unnest(tenant.names, tenant.value_types) with ordinality
            as fresh (name, value_type, position)
        where not exists (
            select from iot.metrics
            where metrics.tenant_id = tenant.id and metrics.name = fresh.name
        )
        order by fresh.position
        limit greatest(0, iot.metrics_per_tenant_max() - (
            select count(*) from iot.metrics where metrics.tenant_id = tenant.id
        ));
    end loop;
end
$$;

ALTER FUNCTION iot.register_metrics(batch bytea, device_numbers integer[]) OWNER TO postgres;

--
-- Name: FUNCTION register_metrics(batch bytea, device_numbers integer[]); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.register_metrics(batch bytea, device_numbers integer[]) IS 'Adds the metrics that accepted devices of the batch use for the first time, in the order of the
batch, until the tenant has iot.metrics_per_tenant_max() of them. Internal.';

--
-- Name: rejected_messages; Type: TABLE; Schema: iot; Owner: postgres
--

CREATE TABLE iot.rejected_messages (
    tenant_id uuid NOT NULL,
    id bigint NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    source text NOT NULL,
    topic text,
    device text,
    code text NOT NULL,
    message text NOT NULL,
    payload bytea NOT NULL,
    payload_bytes integer NOT NULL,
    CONSTRAINT payload_is_cut CHECK ((octet_length(payload) <= 4096)),
    CONSTRAINT source_is_known CHECK ((source = ANY (ARRAY['mqtt'::text, 'http'::text])))
);

ALTER TABLE iot.rejected_messages OWNER TO postgres;

--
-- Name: TABLE rejected_messages; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON TABLE iot.rejected_messages IS 'Messages that could not be kept as readings, with the reason. Those whose topic names no known
tenant belong to the platform tenant.';

--
-- Name: COLUMN rejected_messages.code; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.rejected_messages.code IS 'A code of core.errors.';

--
-- Name: COLUMN rejected_messages.payload; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.rejected_messages.payload IS 'The first 4,096 bytes as they came.';

--
-- Name: COLUMN rejected_messages.payload_bytes; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.rejected_messages.payload_bytes IS 'Length of the whole payload.';

--
-- Name: reject(text[], bytea[], text[], text[]); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.reject(topics text[], payloads bytea[], codes text[], messages text[]) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH kept AS (
          INSERT INTO iot.rejected_messages (tenant_id, source, topic, device, code, message, payload, payload_bytes)  SELECT COALESCE(tenants.id, core.platform_tenant_id()) AS "coalesce",
                     'mqtt',
                     "left"(refused.topic, 1024) AS "left",
                     "left"(NULLIF(split_part(refused.topic, '/'::text, 4), ''::text), 64) AS "left",
                     refused.code,
                     "left"(refused.message, 1024) AS "left",
                     SUBSTRING(refused.payload FROM 1 FOR 4096) AS "substring",
                     octet_length(refused.payload) AS octet_length
                    FROM (UNNEST(reject.topics, reject.payloads, reject.codes, reject.messages) WITH ORDINALITY refused(topic, payload, code, message, "position")
                      LEFT JOIN core.tenants ON ((tenants.slug = split_part(refused.topic, '/'::text, 2))))
                   ORDER BY refused."position"
           RETURNING 1 AS "?column?"
         )
  SELECT (count(*))::integer AS count
    FROM kept;
END;

ALTER FUNCTION iot.reject(topics text[], payloads bytea[], codes text[], messages text[]) OWNER TO postgres;

--
-- Name: FUNCTION reject(topics text[], payloads bytea[], codes text[], messages text[]); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.reject(topics text[], payloads bytea[], codes text[], messages text[]) IS 'Keeps messages that could not be stored, with code and reason; payloads are cut to 4,096 bytes.
Returns their number. Definer, because it writes for every tenant; only tenon_bridge may call it.';

--
-- Name: resolve_devices(bytea); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.resolve_devices(batch bytea) RETURNS TABLE(ordinal integer, tenant text, tenant_id uuid, number integer, code text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT named.ordinal,
     named.tenant,
     tenants.id,
         CASE
             WHEN (refusal.code IS NULL) THEN devices.number
             ELSE NULL::integer
         END AS "case",
     refusal.code
    FROM (((tenon.batch_devices(resolve_devices.batch) named(ordinal, tenant, device)
      LEFT JOIN core.tenants ON ((tenants.slug = named.tenant)))
      LEFT JOIN iot.devices ON (((devices.tenant_id = tenants.id) AND (devices.slug = named.device))))
      CROSS JOIN LATERAL ( SELECT
                 CASE
                     WHEN (tenants.id IS NULL) THEN 'tenant.unknown'::text
                     WHEN (tenants.status <> 'active'::text) THEN 'tenant.suspended'::text
                     WHEN (devices.id IS NULL) THEN 'device.unknown'::text
                     WHEN (devices.status = ANY (ARRAY['suspended'::text, 'decommissioned'::text])) THEN ('device.'::text || devices.status)
                     ELSE NULL::text
                 END AS code) refusal);
END;

ALTER FUNCTION iot.resolve_devices(batch bytea) OWNER TO postgres;

--
-- Name: FUNCTION resolve_devices(batch bytea); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.resolve_devices(batch bytea) IS 'Number of each device of the batch, or the code of the reason why it is refused. Internal.';

--
-- Name: resolve_metrics(bytea); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.resolve_metrics(batch bytea) RETURNS TABLE(ordinal integer, number integer)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT named.ordinal,
     metrics.number
    FROM ((tenon.batch_metrics(resolve_metrics.batch) named(ordinal, tenant, metric, value_type)
      LEFT JOIN core.tenants ON ((tenants.slug = named.tenant)))
      LEFT JOIN iot.metrics ON (((metrics.tenant_id = tenants.id) AND (metrics.name = named.metric))));
END;

ALTER FUNCTION iot.resolve_metrics(batch bytea) OWNER TO postgres;

--
-- Name: FUNCTION resolve_metrics(batch bytea); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.resolve_metrics(batch bytea) IS 'Number of each metric of the batch, null where it is new. Internal.';

--
-- Name: ingest(jsonb); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.ingest(messages jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return iot.ingest_json(ingest.messages);
exception
    when serialization_failure or deadlock_detected then
        perform core.fail('core.retry', '{"retry_after_s": 1}');
end
$$;

ALTER FUNCTION v1.ingest(messages jsonb) OWNER TO postgres;

--
-- Name: FUNCTION ingest(messages jsonb); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.ingest(messages jsonb) IS 'Stores readings. messages: one object or an array of {device, at, values: {metric: value}}, or
flat {device, at, metric: value}; at is RFC 3339 or epoch s, ms or µs, and now where it is absent.
Returns {accepted, rejected: [{index, code, message}]}: good messages are kept whatever becomes of
the others. Needs iot.telemetry.write; a device''s own token sends for that device alone. Sending
the same readings again changes nothing.';

--
-- Name: latest(text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.latest(device text) RETURNS TABLE(metric text, unit text, at timestamp with time zone, value jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    source iot.devices := iot.device_named(latest.device);
begin
    return query
    select
        metrics.name,
        metrics.unit,
        readings.at,
        readings.value
    from (
        select tenon.latest_agg(batches.id, batches.frame, source.number) as readings
        from iot.batches
        where batches.tenant_id = source.tenant_id
    ) as newest
    cross join lateral tenon.latest_readings(newest.readings) as readings
    inner join iot.metrics
        on metrics.tenant_id = source.tenant_id and metrics.number = readings.metric
    order by metrics.name;
end
$$;

ALTER FUNCTION v1.latest(device text) OWNER TO postgres;

--
-- Name: FUNCTION latest(device text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.latest(device text) IS 'The latest reading of every metric of a device, by the device''s time. Needs iot.telemetry.read.';

--
-- Name: telemetry(text, text, timestamp with time zone, timestamp with time zone, interval, text[], text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.telemetry(device text, metric text, "from" timestamp with time zone, "to" timestamp with time zone, bucket interval DEFAULT '00:01:00'::interval, aggregates text[] DEFAULT '{count,min,max,avg,sum,first,last}'::text[], time_zone text DEFAULT 'UTC'::text) RETURNS TABLE(at timestamp with time zone, count bigint, min double precision, max double precision, avg double precision, sum double precision, first jsonb, last jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    known constant text[] := '{count,min,max,avg,sum,first,last}';
    source iot.devices;
    measured iot.metrics;
begin
    if not (telemetry.aggregates <@ known) then
        perform core.fail('telemetry.aggregate_unknown', jsonb_build_object(
            'aggregates', telemetry.aggregates, 'known', known
        ));
    end if;
    if (telemetry."from" < telemetry."to") is not true
        or not isfinite(telemetry."from") or not isfinite(telemetry."to")
    then
        perform core.fail('telemetry.range_invalid', jsonb_build_object(
            'from', telemetry."from", 'to', telemetry."to"
        ));
    end if;
    -- Raises when width or zone are none, even where there is nothing to bucket.
    perform tenon.time_bucket(telemetry.bucket, telemetry."from", telemetry.time_zone);
    if extract(epoch from telemetry."to" - telemetry."from")
        > iot.buckets_max() * extract(epoch from telemetry.bucket)
    then
        perform core.fail('telemetry.too_many_buckets', jsonb_build_object(
            'bucket', telemetry.bucket, 'limit', iot.buckets_max()
        ));
    end if;
    source := iot.device_named(telemetry.device);
    measured := iot.metric_named(source.tenant_id, telemetry.metric);

    return query
    select
        buckets.bucket,
        case when 'count' = any(telemetry.aggregates) then buckets.count end,
        case when 'min' = any(telemetry.aggregates) then buckets.min end,
        case when 'max' = any(telemetry.aggregates) then buckets.max end,
        case when 'avg' = any(telemetry.aggregates) then buckets.avg end,
        case when 'sum' = any(telemetry.aggregates) then buckets.sum end,
        case when 'first' = any(telemetry.aggregates) then buckets.first end,
        case when 'last' = any(telemetry.aggregates) then buckets.last end
    from (
        select
            tenon.series_agg(
                batches.id, batches.frame, source.number, measured.number,
                telemetry."from", telemetry."to"
            ) as readings
        from iot.batches
        where
            batches.tenant_id = source.tenant_id
            and batches.last_at >= telemetry."from"
            and batches.first_at < telemetry."to"
    ) as series
    cross join lateral tenon.series_buckets(
        series.readings, telemetry.bucket, telemetry.time_zone
    ) as buckets;
end
$$;

ALTER FUNCTION v1.telemetry(device text, metric text, "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], time_zone text) OWNER TO postgres;

--
-- Name: FUNCTION telemetry(device text, metric text, "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], time_zone text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.telemetry(device text, metric text, "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], time_zone text) IS 'One metric of one device in buckets of equal width: at (start of the bucket), count of values,
min, max, avg, sum (numbers, booleans as 0 and 1), first and last in time (any type). From "from"
inclusive to "to" exclusive; buckets without a reading are absent. Days and longer follow the
calendar of time_zone (an IANA name). aggregates: which to compute, the others are null. Each
reading counts once, however often it was delivered. Needs iot.telemetry.read.';

--
-- Name: errors; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.errors (
    code text NOT NULL,
    status smallint NOT NULL,
    message text NOT NULL,
    hint text NOT NULL,
    CONSTRAINT code_is_dotted CHECK ((code ~ '^[a-z]+(_[a-z]+)*(\.[a-z0-9]+(_[a-z0-9]+)*)+$'::text)),
    CONSTRAINT status_is_an_error CHECK (((status >= 400) AND (status <= 599)))
);

ALTER TABLE core.errors OWNER TO postgres;

--
-- Name: TABLE errors; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.errors IS 'The catalogue of stable error codes. Global reference data: the same for every tenant.';

--
-- Name: COLUMN errors.message; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.errors.message IS 'For people. {name} stands for the value of that key in the details of the error.';

--
-- Name: COLUMN errors.hint; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.errors.hint IS 'What the caller can do about it.';

--
-- Name: permissions; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.permissions (
    permission text NOT NULL,
    description text NOT NULL,
    CONSTRAINT permission_is_dotted CHECK ((permission ~ '^[a-z_]+(\.[a-z_]+)+$'::text))
);

ALTER TABLE core.permissions OWNER TO postgres;

--
-- Name: TABLE permissions; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.permissions IS 'Every permission there is. Global reference data: the same for every tenant.';

--
-- Name: batches; Type: TABLE; Schema: iot; Owner: postgres
--

CREATE TABLE iot.batches (
    tenant_id uuid NOT NULL,
    id bigint NOT NULL,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    readings integer NOT NULL,
    frame bytea NOT NULL,
    CONSTRAINT range_is_ordered CHECK ((first_at <= last_at)),
    CONSTRAINT readings_is_positive CHECK ((readings > 0))
);
ALTER TABLE ONLY iot.batches ALTER COLUMN frame SET STORAGE EXTERNAL;

ALTER TABLE iot.batches OWNER TO postgres;

--
-- Name: TABLE batches; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON TABLE iot.batches IS 'Readings as they came: one row a tenant and flush. Written by iot.ingest alone.';

--
-- Name: COLUMN batches.id; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.batches.id IS 'Rises with arrival: where a reading came twice, that of the higher id counts.';

--
-- Name: COLUMN batches.first_at; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.batches.first_at IS 'Time of the earliest reading in the frame.';

--
-- Name: COLUMN batches.last_at; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.batches.last_at IS 'Time of the latest reading in the frame.';

--
-- Name: COLUMN batches.frame; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.batches.frame IS 'Packed readings, see docs/telemetry-format.md. Stored uncompressed: it is compact already.';

--
-- Name: batches_id_seq; Type: SEQUENCE; Schema: iot; Owner: postgres
--

ALTER TABLE iot.batches ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME iot.batches_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: devices_number_seq; Type: SEQUENCE; Schema: iot; Owner: postgres
--

ALTER TABLE iot.devices ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME iot.devices_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: metrics_number_seq; Type: SEQUENCE; Schema: iot; Owner: postgres
--

ALTER TABLE iot.metrics ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME iot.metrics_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: rejected_messages_id_seq; Type: SEQUENCE; Schema: iot; Owner: postgres
--

ALTER TABLE iot.rejected_messages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME iot.rejected_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: devices; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.devices WITH (security_invoker='true') AS
 SELECT devices.tenant_id,
    devices.id,
    devices.slug,
    devices.name,
    devices.type,
    devices.status,
    devices.last_seen_at,
    devices.created_at
   FROM iot.devices;

ALTER TABLE v1.devices OWNER TO postgres;

--
-- Name: VIEW devices; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.devices IS 'The devices of your tenants. Reading needs iot.devices.read; insert (slug, name, type) and update
(name, type, status) need iot.devices.write. tenant_id may be left out where you belong to one.';

--
-- Name: metrics; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.metrics WITH (security_invoker='true') AS
 SELECT metrics.tenant_id,
    metrics.name,
    metrics.unit,
    metrics.value_type,
    metrics.created_at
   FROM iot.metrics;

ALTER TABLE v1.metrics OWNER TO postgres;

--
-- Name: VIEW metrics; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.metrics IS 'The metrics of your tenants. Reading needs iot.devices.read, setting a unit iot.devices.write.';

--
-- Name: rejected_messages; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.rejected_messages WITH (security_invoker='true') AS
 SELECT rejected_messages.tenant_id,
    rejected_messages.id,
    rejected_messages.received_at,
    rejected_messages.source,
    rejected_messages.topic,
    rejected_messages.device,
    rejected_messages.code,
    rejected_messages.message,
    encode(rejected_messages.payload, 'escape'::text) AS payload,
    rejected_messages.payload_bytes
   FROM iot.rejected_messages;

ALTER TABLE v1.rejected_messages OWNER TO postgres;

--
-- Name: VIEW rejected_messages; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.rejected_messages IS 'Messages of your devices that could not be kept, with the reason. payload: the first 4,096 bytes,
those outside of ASCII as \nnn. Needs iot.devices.read.';

--
-- Name: tenants; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.tenants WITH (security_invoker='true') AS
 SELECT tenants.id,
    tenants.parent_id,
    tenants.slug,
    tenants.name,
    tenants.status,
    tenants.settings,
    tenants.created_at
   FROM core.tenants;

ALTER TABLE v1.tenants OWNER TO postgres;

--
-- Name: VIEW tenants; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.tenants IS 'The tenants that you may see. Needs core.tenants.read.';

--
-- Name: errors errors_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.errors
    ADD CONSTRAINT errors_pkey PRIMARY KEY (code);

--
-- Name: members members_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (tenant_id, user_id);

--
-- Name: permissions permissions_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.permissions
    ADD CONSTRAINT permissions_pkey PRIMARY KEY (permission);

--
-- Name: role_permissions role_permissions_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.role_permissions
    ADD CONSTRAINT role_permissions_pkey PRIMARY KEY (tenant_id, role_id, permission);

--
-- Name: roles role_slug_is_unique; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.roles
    ADD CONSTRAINT role_slug_is_unique UNIQUE (tenant_id, slug);

--
-- Name: roles roles_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.roles
    ADD CONSTRAINT roles_pkey PRIMARY KEY (tenant_id, id);

--
-- Name: tenants slug_is_unique; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.tenants
    ADD CONSTRAINT slug_is_unique UNIQUE (slug);

--
-- Name: tenants tenants_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);

--
-- Name: batches batches_pkey; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.batches
    ADD CONSTRAINT batches_pkey PRIMARY KEY (tenant_id, id);

--
-- Name: devices device_number_is_unique; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.devices
    ADD CONSTRAINT device_number_is_unique UNIQUE (tenant_id, number);

--
-- Name: devices device_slug_is_unique; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.devices
    ADD CONSTRAINT device_slug_is_unique UNIQUE (tenant_id, slug);

--
-- Name: devices devices_pkey; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (tenant_id, id);

--
-- Name: metrics metric_name_is_unique; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.metrics
    ADD CONSTRAINT metric_name_is_unique UNIQUE (tenant_id, name);

--
-- Name: metrics metrics_pkey; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.metrics
    ADD CONSTRAINT metrics_pkey PRIMARY KEY (tenant_id, number);

--
-- Name: rejected_messages rejected_messages_pkey; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.rejected_messages
    ADD CONSTRAINT rejected_messages_pkey PRIMARY KEY (tenant_id, id);

--
-- Name: members_role; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX members_role ON core.members USING btree (role_tenant_id, role_id);

--
-- Name: members_user_id; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX members_user_id ON core.members USING btree (user_id);

--
-- Name: role_permissions_permission; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX role_permissions_permission ON core.role_permissions USING btree (permission);

--
-- Name: tenants_parent_id; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX tenants_parent_id ON core.tenants USING btree (parent_id);

--
-- Name: batches_last_at; Type: INDEX; Schema: iot; Owner: postgres
--

CREATE INDEX batches_last_at ON iot.batches USING btree (tenant_id, last_at);

--
-- Name: rejected_messages_received_at; Type: INDEX; Schema: iot; Owner: postgres
--

CREATE INDEX rejected_messages_received_at ON iot.rejected_messages USING btree (tenant_id, received_at);

--
-- Name: members members_role_tenant_id_role_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.members
    ADD CONSTRAINT members_role_tenant_id_role_id_fkey FOREIGN KEY (role_tenant_id, role_id) REFERENCES core.roles(tenant_id, id);

--
-- Name: members members_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.members
    ADD CONSTRAINT members_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: members members_user_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.members
    ADD CONSTRAINT members_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

--
-- Name: role_permissions role_permissions_permission_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.role_permissions
    ADD CONSTRAINT role_permissions_permission_fkey FOREIGN KEY (permission) REFERENCES core.permissions(permission);

--
-- Name: role_permissions role_permissions_tenant_id_role_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.role_permissions
    ADD CONSTRAINT role_permissions_tenant_id_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES core.roles(tenant_id, id) ON DELETE CASCADE;

--
-- Name: roles roles_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.roles
    ADD CONSTRAINT roles_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: tenants tenants_parent_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.tenants
    ADD CONSTRAINT tenants_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES core.tenants(id);

--
-- Name: batches batches_tenant_id_fkey; Type: FK CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.batches
    ADD CONSTRAINT batches_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: devices devices_tenant_id_fkey; Type: FK CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.devices
    ADD CONSTRAINT devices_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: metrics metrics_tenant_id_fkey; Type: FK CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.metrics
    ADD CONSTRAINT metrics_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: rejected_messages rejected_messages_tenant_id_fkey; Type: FK CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.rejected_messages
    ADD CONSTRAINT rejected_messages_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: errors; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.errors ENABLE ROW LEVEL SECURITY;

--
-- Name: errors errors_are_public; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY errors_are_public ON core.errors FOR SELECT USING (true);

--
-- Name: members; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.members ENABLE ROW LEVEL SECURITY;

--
-- Name: members members_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY members_read ON core.members FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.members.read'::text) AS tenants_with)::uuid[])));

--
-- Name: permissions; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.permissions ENABLE ROW LEVEL SECURITY;

--
-- Name: permissions permissions_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY permissions_read ON core.permissions FOR SELECT TO authenticated USING (true);

--
-- Name: role_permissions; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.role_permissions ENABLE ROW LEVEL SECURITY;

--
-- Name: role_permissions role_permissions_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY role_permissions_read ON core.role_permissions FOR SELECT TO authenticated USING (((tenant_id = core.platform_tenant_id()) OR (tenant_id = ANY (( SELECT core.tenants_with('core.members.read'::text) AS tenants_with)::uuid[]))));

--
-- Name: roles; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.roles ENABLE ROW LEVEL SECURITY;

--
-- Name: roles roles_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY roles_read ON core.roles FOR SELECT TO authenticated USING (((tenant_id = core.platform_tenant_id()) OR (tenant_id = ANY (( SELECT core.tenants_with('core.members.read'::text) AS tenants_with)::uuid[]))));

--
-- Name: tenants; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.tenants ENABLE ROW LEVEL SECURITY;

--
-- Name: tenants tenants_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY tenants_read ON core.tenants FOR SELECT TO authenticated USING ((id = ANY (( SELECT core.tenants_with('core.tenants.read'::text) AS tenants_with)::uuid[])));

--
-- Name: batches; Type: ROW SECURITY; Schema: iot; Owner: postgres
--

ALTER TABLE iot.batches ENABLE ROW LEVEL SECURITY;

--
-- Name: batches batches_read; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY batches_read ON iot.batches FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('iot.telemetry.read'::text) AS tenants_with)::uuid[])));

--
-- Name: devices; Type: ROW SECURITY; Schema: iot; Owner: postgres
--

ALTER TABLE iot.devices ENABLE ROW LEVEL SECURITY;

--
-- Name: devices devices_add; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY devices_add ON iot.devices FOR INSERT TO authenticated WITH CHECK ((tenant_id = ANY (( SELECT core.tenants_with('iot.devices.write'::text) AS tenants_with)::uuid[])));

--
-- Name: devices devices_change; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY devices_change ON iot.devices FOR UPDATE TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('iot.devices.write'::text) AS tenants_with)::uuid[]))) WITH CHECK ((tenant_id = ANY (( SELECT core.tenants_with('iot.devices.write'::text) AS tenants_with)::uuid[])));

--
-- Name: devices devices_read; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY devices_read ON iot.devices FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('iot.devices.read'::text) AS tenants_with)::uuid[])));

--
-- Name: metrics; Type: ROW SECURITY; Schema: iot; Owner: postgres
--

ALTER TABLE iot.metrics ENABLE ROW LEVEL SECURITY;

--
-- Name: metrics metrics_change; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY metrics_change ON iot.metrics FOR UPDATE TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('iot.devices.write'::text) AS tenants_with)::uuid[]))) WITH CHECK ((tenant_id = ANY (( SELECT core.tenants_with('iot.devices.write'::text) AS tenants_with)::uuid[])));

--
-- Name: metrics metrics_read; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY metrics_read ON iot.metrics FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('iot.devices.read'::text) AS tenants_with)::uuid[])));

--
-- Name: rejected_messages; Type: ROW SECURITY; Schema: iot; Owner: postgres
--

ALTER TABLE iot.rejected_messages ENABLE ROW LEVEL SECURITY;

--
-- Name: rejected_messages rejected_messages_read; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY rejected_messages_read ON iot.rejected_messages FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('iot.devices.read'::text) AS tenants_with)::uuid[])));

--
-- Name: SCHEMA core; Type: ACL; Schema: -; Owner: postgres
--

GRANT USAGE ON SCHEMA core TO authenticated;
GRANT USAGE ON SCHEMA core TO service_role;
GRANT USAGE ON SCHEMA core TO anon;
GRANT USAGE ON SCHEMA core TO tenon_device;

--
-- Name: SCHEMA iot; Type: ACL; Schema: -; Owner: postgres
--

GRANT USAGE ON SCHEMA iot TO authenticated;
GRANT USAGE ON SCHEMA iot TO service_role;
GRANT USAGE ON SCHEMA iot TO tenon_bridge;
GRANT USAGE ON SCHEMA iot TO tenon_device;

--
-- Name: SCHEMA v1; Type: ACL; Schema: -; Owner: postgres
--

GRANT USAGE ON SCHEMA v1 TO anon;
GRANT USAGE ON SCHEMA v1 TO authenticated;
GRANT USAGE ON SCHEMA v1 TO service_role;
GRANT USAGE ON SCHEMA v1 TO tenon_device;

--
-- Name: FUNCTION platform_tenant_id(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.platform_tenant_id() FROM PUBLIC;
GRANT ALL ON FUNCTION core.platform_tenant_id() TO authenticated;
GRANT ALL ON FUNCTION core.platform_tenant_id() TO service_role;

--
-- Name: TABLE role_permissions; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.role_permissions TO authenticated;
GRANT ALL ON TABLE core.role_permissions TO service_role;

--
-- Name: TABLE roles; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.roles TO authenticated;
GRANT ALL ON TABLE core.roles TO service_role;

--
-- Name: FUNCTION allow_system_roles(role_slugs text[], permissions text[]); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.allow_system_roles(role_slugs text[], permissions text[]) FROM PUBLIC;

--
-- Name: FUNCTION fail(code text, details jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.fail(code text, details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.fail(code text, details jsonb) TO anon;
GRANT ALL ON FUNCTION core.fail(code text, details jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.fail(code text, details jsonb) TO service_role;
GRANT ALL ON FUNCTION core.fail(code text, details jsonb) TO tenon_device;

--
-- Name: FUNCTION render(template text, details jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.render(template text, details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.render(template text, details jsonb) TO anon;
GRANT ALL ON FUNCTION core.render(template text, details jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.render(template text, details jsonb) TO service_role;
GRANT ALL ON FUNCTION core.render(template text, details jsonb) TO tenon_device;

--
-- Name: FUNCTION requested_tenant_id(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.requested_tenant_id() FROM PUBLIC;
GRANT ALL ON FUNCTION core.requested_tenant_id() TO authenticated;
GRANT ALL ON FUNCTION core.requested_tenant_id() TO service_role;

--
-- Name: FUNCTION sole_tenant_with(permission text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.sole_tenant_with(permission text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.sole_tenant_with(permission text) TO authenticated;
GRANT ALL ON FUNCTION core.sole_tenant_with(permission text) TO service_role;

--
-- Name: TABLE members; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.members TO authenticated;
GRANT ALL ON TABLE core.members TO service_role;

--
-- Name: TABLE tenants; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.tenants TO authenticated;
GRANT ALL ON TABLE core.tenants TO service_role;

--
-- Name: FUNCTION tenants_with(permission text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.tenants_with(permission text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.tenants_with(permission text) TO authenticated;
GRANT ALL ON FUNCTION core.tenants_with(permission text) TO service_role;

--
-- Name: FUNCTION buckets_max(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.buckets_max() FROM PUBLIC;
GRANT ALL ON FUNCTION iot.buckets_max() TO authenticated;
GRANT ALL ON FUNCTION iot.buckets_max() TO service_role;

--
-- Name: TABLE devices; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT ON TABLE iot.devices TO authenticated;
GRANT ALL ON TABLE iot.devices TO service_role;

--
-- Name: COLUMN devices.tenant_id; Type: ACL; Schema: iot; Owner: postgres
--

GRANT INSERT(tenant_id) ON TABLE iot.devices TO authenticated;

--
-- Name: COLUMN devices.slug; Type: ACL; Schema: iot; Owner: postgres
--

GRANT INSERT(slug) ON TABLE iot.devices TO authenticated;

--
-- Name: COLUMN devices.name; Type: ACL; Schema: iot; Owner: postgres
--

GRANT INSERT(name),UPDATE(name) ON TABLE iot.devices TO authenticated;

--
-- Name: COLUMN devices.type; Type: ACL; Schema: iot; Owner: postgres
--

GRANT INSERT(type),UPDATE(type) ON TABLE iot.devices TO authenticated;

--
-- Name: COLUMN devices.status; Type: ACL; Schema: iot; Owner: postgres
--

GRANT UPDATE(status) ON TABLE iot.devices TO authenticated;

--
-- Name: FUNCTION calling_device(claims jsonb); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.calling_device(claims jsonb) FROM PUBLIC;

--
-- Name: FUNCTION device_named(device text); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.device_named(device text) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.device_named(device text) TO authenticated;
GRANT ALL ON FUNCTION iot.device_named(device text) TO service_role;

--
-- Name: FUNCTION ingest(batch bytea); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.ingest(batch bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.ingest(batch bytea) TO tenon_bridge;

--
-- Name: FUNCTION ingest_json(messages jsonb); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.ingest_json(messages jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.ingest_json(messages jsonb) TO authenticated;
GRANT ALL ON FUNCTION iot.ingest_json(messages jsonb) TO service_role;
GRANT ALL ON FUNCTION iot.ingest_json(messages jsonb) TO tenon_device;

--
-- Name: TABLE metrics; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT ON TABLE iot.metrics TO authenticated;
GRANT ALL ON TABLE iot.metrics TO service_role;

--
-- Name: COLUMN metrics.unit; Type: ACL; Schema: iot; Owner: postgres
--

GRANT UPDATE(unit) ON TABLE iot.metrics TO authenticated;

--
-- Name: FUNCTION metric_named(tenant_id uuid, metric text); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.metric_named(tenant_id uuid, metric text) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.metric_named(tenant_id uuid, metric text) TO authenticated;
GRANT ALL ON FUNCTION iot.metric_named(tenant_id uuid, metric text) TO service_role;

--
-- Name: FUNCTION metrics_per_tenant_max(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.metrics_per_tenant_max() FROM PUBLIC;
GRANT ALL ON FUNCTION iot.metrics_per_tenant_max() TO authenticated;
GRANT ALL ON FUNCTION iot.metrics_per_tenant_max() TO service_role;

--
-- Name: FUNCTION register_devices(batch bytea); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.register_devices(batch bytea) FROM PUBLIC;

--
-- Name: FUNCTION register_metrics(batch bytea, device_numbers integer[]); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.register_metrics(batch bytea, device_numbers integer[]) FROM PUBLIC;

--
-- Name: TABLE rejected_messages; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT ON TABLE iot.rejected_messages TO authenticated;
GRANT ALL ON TABLE iot.rejected_messages TO service_role;

--
-- Name: FUNCTION reject(topics text[], payloads bytea[], codes text[], messages text[]); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.reject(topics text[], payloads bytea[], codes text[], messages text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.reject(topics text[], payloads bytea[], codes text[], messages text[]) TO tenon_bridge;

--
-- Name: FUNCTION resolve_devices(batch bytea); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.resolve_devices(batch bytea) FROM PUBLIC;

--
-- Name: FUNCTION resolve_metrics(batch bytea); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.resolve_metrics(batch bytea) FROM PUBLIC;

--
-- Name: FUNCTION ingest(messages jsonb); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.ingest(messages jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.ingest(messages jsonb) TO authenticated;
GRANT ALL ON FUNCTION v1.ingest(messages jsonb) TO service_role;
GRANT ALL ON FUNCTION v1.ingest(messages jsonb) TO tenon_device;

--
-- Name: FUNCTION latest(device text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.latest(device text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.latest(device text) TO authenticated;
GRANT ALL ON FUNCTION v1.latest(device text) TO service_role;

--
-- Name: FUNCTION telemetry(device text, metric text, "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], time_zone text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.telemetry(device text, metric text, "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], time_zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.telemetry(device text, metric text, "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], time_zone text) TO authenticated;
GRANT ALL ON FUNCTION v1.telemetry(device text, metric text, "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], time_zone text) TO service_role;

--
-- Name: TABLE errors; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.errors TO anon;
GRANT SELECT ON TABLE core.errors TO authenticated;
GRANT SELECT ON TABLE core.errors TO service_role;
GRANT SELECT ON TABLE core.errors TO tenon_device;

--
-- Name: TABLE permissions; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.permissions TO authenticated;
GRANT ALL ON TABLE core.permissions TO service_role;

--
-- Name: TABLE batches; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT ON TABLE iot.batches TO authenticated;
GRANT ALL ON TABLE iot.batches TO service_role;

--
-- Name: TABLE devices; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.devices TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE v1.devices TO service_role;

--
-- Name: COLUMN devices.tenant_id; Type: ACL; Schema: v1; Owner: postgres
--

GRANT INSERT(tenant_id) ON TABLE v1.devices TO authenticated;

--
-- Name: COLUMN devices.slug; Type: ACL; Schema: v1; Owner: postgres
--

GRANT INSERT(slug) ON TABLE v1.devices TO authenticated;

--
-- Name: COLUMN devices.name; Type: ACL; Schema: v1; Owner: postgres
--

GRANT INSERT(name),UPDATE(name) ON TABLE v1.devices TO authenticated;

--
-- Name: COLUMN devices.type; Type: ACL; Schema: v1; Owner: postgres
--

GRANT INSERT(type),UPDATE(type) ON TABLE v1.devices TO authenticated;

--
-- Name: COLUMN devices.status; Type: ACL; Schema: v1; Owner: postgres
--

GRANT UPDATE(status) ON TABLE v1.devices TO authenticated;

--
-- Name: TABLE metrics; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.metrics TO authenticated;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE v1.metrics TO service_role;

--
-- Name: COLUMN metrics.unit; Type: ACL; Schema: v1; Owner: postgres
--

GRANT UPDATE(unit) ON TABLE v1.metrics TO authenticated;

--
-- Name: TABLE rejected_messages; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.rejected_messages TO authenticated;
GRANT SELECT ON TABLE v1.rejected_messages TO service_role;

--
-- Name: TABLE tenants; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.tenants TO authenticated;
GRANT SELECT ON TABLE v1.tenants TO service_role;

--
-- PostgreSQL database dump complete
--

