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
-- Name: tenants_with(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.tenants_with(permission text) RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    caller constant uuid := auth.uid();
    requested uuid;
    reached uuid[];
    ancestors uuid[];
begin
    if caller is null then
        return '{}';
    end if;
    select
        array_agg(members.tenant_id),
        array_agg(members.tenant_id) filter (
            where
            roles.reaches_descendants
            and exists (select from core.tenants as child where child.parent_id = tenants.id)
        )
    into reached, ancestors
    from core.members
    inner join core.tenants on tenants.id = members.tenant_id
    inner join core.roles
        on roles.tenant_id = members.role_tenant_id and roles.id = members.role_id
    inner join core.role_permissions
        on role_permissions.tenant_id = roles.tenant_id and role_permissions.role_id = roles.id
    where
        members.user_id = caller
        and members.status = 'active'
        and tenants.status = 'active'
        and role_permissions.permission = tenants_with.permission;

    -- Level by level; most tenants have none below them.
    while ancestors is not null loop
        select array_agg(tenants.id)
        into ancestors
        from core.tenants
        where
            tenants.parent_id = any(ancestors)
            and tenants.status = 'active'
            and tenants.id <> all(reached);
        reached := reached || ancestors;
    end loop;

    if current_setting('request.headers', true) ~* '"x-tenant-id"' then
        requested := core.requested_tenant_id();
    end if;
    if requested is not null then
        return case when requested = any(reached) then array[requested] else '{}' end;
    end if;
    return coalesce(reached, '{}');
end
$$;

ALTER FUNCTION core.tenants_with(permission text) OWNER TO postgres;

--
-- Name: FUNCTION tenants_with(permission text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.tenants_with(permission text) IS 'The ids of the active tenants in which the calling user holds the permission, narrowed by
x-tenant-id. Empty for anyone who is not a user. In plpgsql, which keeps its plans: policies ask it
at every statement. Definer, because the tables that decide over
access cannot be guarded by policies that ask them. Signed-in users may call it.';

--
-- Name: add_blocks_partition(timestamp with time zone); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.add_blocks_partition(month timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    name constant text := 'blocks_' || to_char(month at time zone 'UTC', 'YYYY_MM');
    next_month constant timestamptz :=
        (month at time zone 'UTC' + interval '1 month') at time zone 'UTC';
begin
    -- Nobody drops a partition until this transaction, which may have found it, has ended.
    lock table only iot.blocks in access share mode;
    if to_regclass('iot.' || name) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('iot.add_blocks_partition', 0));
    -- What another session has made meanwhile a query sees; to_regclass remembers what was not there.
    if exists (
        select from pg_class
        where pg_class.relname = name and pg_class.relnamespace = 'iot'::regnamespace
    ) then
        return;
    end if;
    -- Made apart and attached, because that lets readers of other partitions go on.
    execute format(
        'create table iot.%I (like iot.blocks including all) with (toast_tuple_target = 4080)', name
    );
    execute format('comment on table iot.%I is %L', name, 'A month of iot.blocks.');
    execute format('alter table iot.%I enable row level security', name);
    execute format(
        'create policy blocks_read on iot.%I for select to authenticated '
        'using (tenant_id = any((select core.tenants_with(''iot.telemetry.read''))::uuid[]))', name
    );
    execute format(
        'alter table iot.blocks attach partition iot.%I for values from (%L) to (%L)',
        name, month, next_month
    );
end
$$;

ALTER FUNCTION iot.add_blocks_partition(month timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION add_blocks_partition(month timestamp with time zone); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.add_blocks_partition(month timestamp with time zone) IS 'Makes the partition of iot.blocks for the month that begins then, if it is missing. Nobody is
granted a partition itself, and it has the policy of the whole, should somebody be. Internal.';

--
-- Name: answer(bytea, uuid, integer[], timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.answer(query bytea, tenant_id uuid, devices integer[], "from" timestamp with time zone, "to" timestamp with time zone) RETURNS bytea
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $$
declare
    -- A block lies within a month: one that reaches into the range begins in its first month or
    -- later, which spares the partitions before.
    since constant timestamptz := date_trunc('month', answer."from", 'UTC');
    -- devices ascend.
    least_device constant integer := coalesce(answer.devices[1], 0);
    greatest_device constant integer := coalesce(
        answer.devices[cardinality(answer.devices)], 2147483647
    );
    recent bytea;
    found bytea;
begin
    select tenon.recent_agg(answer.query, batches.id, batches.frame)
    into recent
    from iot.batches
    where
        batches.tenant_id = answer.tenant_id
        and batches.last_at >= answer."from"
        and batches.first_at < answer."to"
        and batches.last_device >= least_device
        and batches.first_device <= greatest_device;
    if answer.devices is null then
        select tenon.answer_agg(answer.query, recent, blocks.device, blocks.head, blocks.body)
        into found
        from iot.blocks
        where
            blocks.tenant_id = answer.tenant_id
            and blocks.first_at >= since
            and blocks.first_at < answer."to"
            and blocks.last_at >= answer."from";
    else
        select tenon.answer_agg(answer.query, recent, blocks.device, blocks.head, blocks.body)
        into found
        from iot.blocks
        where
            blocks.tenant_id = answer.tenant_id
            and blocks.device = any(answer.devices)
            and blocks.first_at >= since
            and blocks.first_at < answer."to"
            and blocks.last_at >= answer."from";
    end if;
    return coalesce(found, tenon.answer_of_recent(answer.query, recent));
end
$$;

ALTER FUNCTION iot.answer(query bytea, tenant_id uuid, devices integer[], "from" timestamp with time zone, "to" timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION answer(query bytea, tenant_id uuid, devices integer[], "from" timestamp with time zone, "to" timestamp with time zone); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.answer(query bytea, tenant_id uuid, devices integer[], "from" timestamp with time zone, "to" timestamp with time zone) IS 'The answer to a question about the devices (all of the tenant, where null) and range that it is
about. Signed-in users may call it: they see what row level security lets them.';

--
-- Name: asked_series(text[], text[], boolean); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.asked_series(devices text[], metrics text[], with_devices boolean, OUT tenant_id uuid, OUT device_numbers integer[], OUT device_slugs text[], OUT metric_numbers integer[], OUT metric_names text[], OUT metric_units text[]) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $$
declare
    readable uuid[];
    tenants uuid[];
begin
    if auth.uid() is null and (
        select roles.rolbypassrls or roles.rolsuper from pg_roles as roles
        where roles.rolname = coalesce(nullif(current_setting('role'), 'none'), session_user)
    ) then
        readable := array(
            select tenants.id from core.tenants
            where coalesce(tenants.id = core.requested_tenant_id(), true)
        );
    else
        readable := core.tenants_with('iot.telemetry.read');
    end if;

    if coalesce(cardinality(devices), 0) = 0 then
        if cardinality(readable) <> 1 then
            perform core.fail(
                case cardinality(readable)
                    when 0 then 'tenancy.permission_missing' else 'tenancy.ambiguous'
                end,
                jsonb_build_object(
                    'permission', 'iot.telemetry.read', 'count', cardinality(readable)
                )
            );
        end if;
        tenant_id := readable[1];
        -- None, or null for all.
        device_numbers := devices::integer[];
        if devices is null and with_devices then
            select
                array_agg(known.number),
                array_agg(known.slug)
            into device_numbers, device_slugs
            from iot.devices as known
            where known.tenant_id = asked_series.tenant_id;
        end if;
    else
        select
            coalesce(array_agg(named.number order by named.number), '{}'),
            coalesce(array_agg(named.slug order by named.number), '{}'),
            array_agg(named.tenant_id)
        into device_numbers, device_slugs, tenants
        from iot.devices as named
        where named.tenant_id = any(readable) and named.slug = any(devices);
        if cardinality(device_slugs) <> cardinality(devices) then
            perform core.fail('device.unknown', jsonb_build_object('device', missing.slug))
            from unnest(devices) as missing (slug)
            where (missing.slug = any(device_slugs)) is not true
            limit 1;
        end if;
        tenant_id := tenants[1];
        if tenant_id <> any(tenants) then
            perform core.fail('tenancy.ambiguous', '{"count": "several"}');
        end if;
    end if;

    if devices = '{}' then
        -- Of no device there are no readings of any metric, be it known or not.
        metric_numbers := '{}';
        metric_names := '{}';
        metric_units := '{}';
    elsif metrics is null then
        select
            array_agg(known.number),
            array_agg(known.name),
            array_agg(known.unit)
        into metric_numbers, metric_names, metric_units
        from iot.metrics as known
        where known.tenant_id = asked_series.tenant_id;
    else
        select
            coalesce(array_agg(named.number), '{}'),
            coalesce(array_agg(named.name), '{}'),
            coalesce(array_agg(named.unit), '{}')
        into metric_numbers, metric_names, metric_units
        from iot.metrics as named
        where named.tenant_id = asked_series.tenant_id and named.name = any(metrics);
        if cardinality(metric_names) <> cardinality(metrics) then
            perform core.fail('metric.unknown', jsonb_build_object('metric', missing.name))
            from unnest(metrics) as missing (name)
            where (missing.name = any(metric_names)) is not true
            limit 1;
        end if;
    end if;
end
$$;

ALTER FUNCTION iot.asked_series(devices text[], metrics text[], with_devices boolean, OUT tenant_id uuid, OUT device_numbers integer[], OUT device_slugs text[], OUT metric_numbers integer[], OUT metric_names text[], OUT metric_units text[]) OWNER TO postgres;

--
-- Name: FUNCTION asked_series(devices text[], metrics text[], with_devices boolean, OUT tenant_id uuid, OUT device_numbers integer[], OUT device_slugs text[], OUT metric_numbers integer[], OUT metric_names text[], OUT metric_units text[]); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.asked_series(devices text[], metrics text[], with_devices boolean, OUT tenant_id uuid, OUT device_numbers integer[], OUT device_slugs text[], OUT metric_numbers integer[], OUT metric_names text[], OUT metric_units text[]) IS 'Tenant, numbers and names of the devices and metrics of those slugs and names in the tenants whose
readings the caller may read; a role that row level security does not bind may read all. null stands
for all of a tenant, of whose devices the names are only looked up with_devices; an empty array for
none. Raises device.unknown and metric.unknown (404), tenancy.ambiguous (400) where it is not clear
which tenant is meant, and tenancy.permission_missing (403). Definer, so that access is decided
once and not for each table: who may read what devices have measured learns what it is called.
Signed-in users may call it.';

--
-- Name: blocks; Type: TABLE; Schema: iot; Owner: postgres
--

CREATE TABLE iot.blocks (
    tenant_id uuid NOT NULL,
    device integer NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    rows integer NOT NULL,
    readings integer NOT NULL,
    head bytea NOT NULL,
    body bytea NOT NULL,
    kept_under bigint,
    kept_until timestamp with time zone,
    CONSTRAINT range_is_ordered CHECK ((first_at <= last_at)),
    CONSTRAINT rows_is_positive CHECK ((rows > 0))
)
PARTITION BY RANGE (first_at);
ALTER TABLE ONLY iot.blocks ALTER COLUMN head SET STORAGE MAIN;
ALTER TABLE ONLY iot.blocks ALTER COLUMN body SET STORAGE EXTERNAL;

ALTER TABLE iot.blocks OWNER TO postgres;

--
-- Name: TABLE blocks; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON TABLE iot.blocks IS 'Readings for good: for each device its blocks, which do not overlap. Partitioned by month of UTC,
whose end no block crosses. Written by iot.compact and iot.retain alone.';

--
-- Name: COLUMN blocks.device; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.blocks.device IS 'iot.devices.number.';

--
-- Name: COLUMN blocks.first_at; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.blocks.first_at IS 'Time of the earliest reading in the block.';

--
-- Name: COLUMN blocks.last_at; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.blocks.last_at IS 'Time of the latest reading in the block.';

--
-- Name: COLUMN blocks.rows; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.blocks.rows IS 'How many times have readings: how long the block is.';

--
-- Name: COLUMN blocks.readings; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.blocks.readings IS 'How many readings the block holds; of down-sampled hours nothing is counted.';

--
-- Name: COLUMN blocks.head; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.blocks.head IS 'Where things lie in the body, and what each hour comes to; see docs/telemetry-format.md.';

--
-- Name: COLUMN blocks.body; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.blocks.body IS 'Times and values, packed.';

--
-- Name: COLUMN blocks.kept_under; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.blocks.kept_under IS 'The fingerprint of the policies (iot.retention_of) under which iot.retain was last here; null
where it never was.';

--
-- Name: COLUMN blocks.kept_until; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.blocks.kept_until IS 'When something of the block is past its time next, under these policies.';

--
-- Name: blocks_partitions(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.blocks_partitions() RETURNS TABLE(partition regclass, month_from timestamp with time zone, month_to timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "DateStyle" TO 'ISO'
    SET "TimeZone" TO 'UTC'
    BEGIN ATOMIC
 SELECT (parts.oid)::regclass AS oid,
     (bounds.texts[1])::timestamp with time zone AS texts,
     (bounds.texts[2])::timestamp with time zone AS texts
    FROM ((pg_inherits inherited
      JOIN pg_class parts ON ((parts.oid = inherited.inhrelid)))
      CROSS JOIN LATERAL regexp_match(pg_get_expr(parts.relpartbound, parts.oid), 'FROM \(''(.+)''\) TO \(''(.+)''\)'::text) bounds(texts))
   WHERE (inherited.inhparent = ('iot.blocks'::regclass)::oid)
   ORDER BY (bounds.texts[1])::timestamp with time zone;
END;

ALTER FUNCTION iot.blocks_partitions() OWNER TO postgres;

--
-- Name: FUNCTION blocks_partitions(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.blocks_partitions() IS 'The partitions of iot.blocks and their months of UTC, the earliest first. Internal.';

--
-- Name: blocks_past_before(timestamp with time zone); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.blocks_past_before(as_of timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    past_before timestamptz := '-infinity';
    part record;
begin
    for part in
        select * from iot.blocks_partitions() as parts
        where parts.month_to <= blocks_past_before.as_of
    loop
        -- From one tenant to the next along the primary key.
        exit when exists (
            with recursive holders as (
                (
                    select blocks.tenant_id
                    from iot.blocks
                    where blocks.first_at >= part.month_from and blocks.first_at < part.month_to
                    order by blocks.tenant_id
                    limit 1
                )
                union all
                select next_holder.tenant_id
                from holders
                cross join lateral (
                    select blocks.tenant_id
                    from iot.blocks
                    where
                        blocks.first_at >= part.month_from
                        and blocks.first_at < part.month_to
                        and blocks.tenant_id > holders.tenant_id
                    order by blocks.tenant_id
                    limit 1
                ) as next_holder
            )
            select
            from holders
            cross join lateral iot.retention_of(
                holders.tenant_id, blocks_past_before.as_of
            ) as policies
            where (policies.all_before >= part.month_to) is not true
        );
        past_before := part.month_to;
    end loop;
    return past_before;
end
$$;

ALTER FUNCTION iot.blocks_past_before(as_of timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION blocks_past_before(as_of timestamp with time zone); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.blocks_past_before(as_of timestamp with time zone) IS 'The end of the last month such that up to then everything is past its time for every tenant that
has blocks there. Internal.';

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
-- Name: compact(timestamp with time zone, interval); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.compact(up_to timestamp with time zone DEFAULT 'infinity'::timestamp with time zone, budget interval DEFAULT '00:00:30'::interval) RETURNS TABLE(batches bigint, readings bigint, blocks bigint, done boolean, failure text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    deadline constant timestamptz := clock_timestamp() + budget;
    settled constant bigint := iot.settled_batch();
    -- Begins anywhere, so that a short budget reaches every tenant in the end.
    start constant uuid := gen_random_uuid();
    tenant uuid := start;
    tenants integer := 0;
    wrapped boolean := false;
    step record;
begin
    batches := 0;
    readings := 0;
    blocks := 0;
    done := settled is not null;
    while settled is not null loop
        select waiting.tenant_id into tenant
        from iot.batches as waiting
        where waiting.tenant_id > tenant
        order by waiting.tenant_id
        limit 1;
        if not found then
            exit when wrapped;
            wrapped := true;
            -- That of the platform has the least id there is.
            select waiting.tenant_id into tenant
            from iot.batches as waiting
            order by waiting.tenant_id
            limit 1;
        end if;
        exit when tenant is null or (wrapped and tenant > start);
        if not iot.lock_blocks(tenant) then
            done := false;
            continue;
        end if;
        loop
            begin
                select * into step from iot.compact_tenant(tenant, settled, up_to);
                exit when not found;
            exception
                when insufficient_resources then
                    raise;
                when others then
                    failure := format('the readings of tenant %s wait: %s', tenant, sqlerrm);
                    raise warning '%', failure;
                    done := false;
                    exit;
            end;
            batches := batches + step.batches;
            readings := readings + step.readings;
            blocks := blocks + step.blocks;
            if clock_timestamp() >= deadline then
                done := false;
                return next;
                return;
            end if;
        end loop;
        tenants := tenants + 1;
        if tenants >= iot.compaction_tenants_max() then
            done := false;
            exit;
        end if;
    end loop;
    return next;
end
$$;

ALTER FUNCTION iot.compact(up_to timestamp with time zone, budget interval) OWNER TO postgres;

--
-- Name: FUNCTION compact(up_to timestamp with time zone, budget interval); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.compact(up_to timestamp with time zone, budget interval) IS 'Turns the batches that arrived up to a time into blocks, until none is left or the budget is used;
at least one step is made. Returns how many batches and readings it took, how many blocks it wrote,
and whether it is done: false too where another session works on a tenant, a writer has not ended,
there are more tenants than one call takes, or the readings of one are corrupt, say: then failure
tells so, and those of the others are compacted all the same. It may run in several sessions at
once, and be killed: it changes nothing then. Memory is bounded by tenon.compaction_readings_max().
Definer, because it writes for every tenant; tenon_bridge and service_role may call it.';

--
-- Name: compact_tenant(uuid, bigint, timestamp with time zone); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.compact_tenant(tenant_id uuid, settled bigint, up_to timestamp with time zone) RETURNS TABLE(batches bigint, readings bigint, blocks bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    packed bytea;
    last_id bigint;
begin
    -- The oldest batches, as many as one compaction takes, but one at least.
    select max(counted.id)
    into last_id
    from (
        select
            oldest.id,
            oldest.readings,
            sum(oldest.readings) over (order by oldest.id) as total,
            -- Two that arrive at once may have their ids in another order than their times.
            bool_and(oldest.received_at <= up_to) over (order by oldest.id) as is_asked
        from (
            select
                batches.id,
                batches.received_at,
                batches.readings
            from iot.batches
            where
                batches.tenant_id = compact_tenant.tenant_id
                and batches.id <= settled
            order by batches.id
            limit iot.compaction_batches_max()
        ) as oldest
    ) as counted
    where
        counted.is_asked
        and (
            counted.total <= tenon.compaction_readings_max() or counted.total = counted.readings
        );
    if last_id is null then
        return;
    end if;

    with taken as (
        delete from iot.batches
        where
            batches.tenant_id = compact_tenant.tenant_id
            and batches.id <= last_id
        returning batches.id, batches.readings, batches.frame
    )
    select
        count(*),
        sum(taken.readings),
        tenon.compact_frames(taken.frame order by taken.id)
    into batches, readings, packed
    from taken;

    blocks := iot.store_blocks(compact_tenant.tenant_id, packed);
    insert into iot.latest (tenant_id, device, readings)
    select
        compact_tenant.tenant_id,
        newest.device,
        newest.readings
    from tenon.compacted_latest(packed) as newest
    on conflict on constraint latest_pkey do update
    set readings = tenon.latest_merge(latest.readings, excluded.readings);
    perform iot.merge_small_blocks(compact_tenant.tenant_id, packed);
    return next;
end
$$;

ALTER FUNCTION iot.compact_tenant(tenant_id uuid, settled bigint, up_to timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION compact_tenant(tenant_id uuid, settled bigint, up_to timestamp with time zone); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.compact_tenant(tenant_id uuid, settled bigint, up_to timestamp with time zone) IS 'Makes blocks of the oldest batches of a tenant that are settled and arrived up to a time. Returns
what it took and made, or no row when there was nothing. The caller holds iot.lock_blocks. Internal.';

--
-- Name: compaction_batches_max(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.compaction_batches_max() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 100000;

ALTER FUNCTION iot.compaction_batches_max() OWNER TO postgres;

--
-- Name: FUNCTION compaction_batches_max(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.compaction_batches_max() IS 'How many batches one compaction takes in at most: what a sort holds in memory. Internal.';

--
-- Name: compaction_lock_class(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.compaction_lock_class() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 1953853550;

ALTER FUNCTION iot.compaction_lock_class() OWNER TO postgres;

--
-- Name: FUNCTION compaction_lock_class(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.compaction_lock_class() IS 'First key of the advisory locks under which one session at a time works on the blocks of a tenant
(the bytes of "tenn"). Internal.';

--
-- Name: compaction_tenants_max(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.compaction_tenants_max() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 1000;

ALTER FUNCTION iot.compaction_tenants_max() OWNER TO postgres;

--
-- Name: FUNCTION compaction_tenants_max(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.compaction_tenants_max() IS 'Of how many tenants one call of iot.compact holds the lock at most: locks fill memory that all
sessions share. Internal.';

--
-- Name: cron_is_usable(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.cron_is_usable() RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN COALESCE(has_schema_privilege((to_regnamespace('cron'::text))::oid, 'usage'::text), false);

ALTER FUNCTION iot.cron_is_usable() OWNER TO postgres;

--
-- Name: FUNCTION cron_is_usable(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.cron_is_usable() IS 'Whether pg_cron is installed, and the caller may look into its schema. Internal.';

--
-- Name: drop_blocks_partition(regclass, timestamp with time zone); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.drop_blocks_partition(partition regclass, as_of timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    -- An older snapshot would not see what has been written since.
    if current_setting('transaction_isolation') <> 'read committed' then
        return false;
    end if;
    begin
        execute format(
            'lock table only iot.blocks, only %s in access exclusive mode nowait',
            drop_blocks_partition.partition
        );
    exception
        when lock_not_available then
            return false;
    end;
    if not exists (
        select from iot.blocks_partitions() as parts
        where
            parts.partition = drop_blocks_partition.partition
            and parts.month_to <= iot.blocks_past_before(drop_blocks_partition.as_of)
    ) then
        return false;
    end if;
    execute format('drop table %s', drop_blocks_partition.partition);
    return true;
end
$$;

ALTER FUNCTION iot.drop_blocks_partition(partition regclass, as_of timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION drop_blocks_partition(partition regclass, as_of timestamp with time zone); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.drop_blocks_partition(partition regclass, as_of timestamp with time zone) IS 'Drops a partition of iot.blocks if nothing in it is kept, which it looks up again once nobody can
write to it; false where somebody reads or writes iot.blocks at this moment. Internal.';

--
-- Name: due_blocks(uuid, bigint, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.due_blocks(tenant_id uuid, fingerprint bigint, readings_before timestamp with time zone, as_of timestamp with time zone) RETURNS TABLE(device integer, first_at timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT blocks.device,
     blocks.first_at
    FROM iot.blocks
   WHERE ((blocks.tenant_id = due_blocks.tenant_id) AND (blocks.kept_under = due_blocks.fingerprint) AND (COALESCE(blocks.kept_until, blocks.first_at) <= due_blocks.as_of))
 UNION ALL
  SELECT blocks.device,
     blocks.first_at
    FROM iot.blocks
   WHERE ((blocks.tenant_id = due_blocks.tenant_id) AND (blocks.kept_under IS NULL) AND (COALESCE(blocks.kept_until, blocks.first_at) < due_blocks.readings_before) AND (blocks.first_at < due_blocks.readings_before))
 UNION ALL
  SELECT blocks.device,
     blocks.first_at
    FROM iot.blocks
   WHERE ((blocks.tenant_id = due_blocks.tenant_id) AND (blocks.kept_under < due_blocks.fingerprint) AND (blocks.first_at < due_blocks.readings_before))
 UNION ALL
  SELECT blocks.device,
     blocks.first_at
    FROM iot.blocks
   WHERE ((blocks.tenant_id = due_blocks.tenant_id) AND (blocks.kept_under > due_blocks.fingerprint) AND (blocks.first_at < due_blocks.readings_before));
END;

ALTER FUNCTION iot.due_blocks(tenant_id uuid, fingerprint bigint, readings_before timestamp with time zone, as_of timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION due_blocks(tenant_id uuid, fingerprint bigint, readings_before timestamp with time zone, as_of timestamp with time zone); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.due_blocks(tenant_id uuid, fingerprint bigint, readings_before timestamp with time zone, as_of timestamp with time zone) IS 'The blocks of a tenant of which something may be past its time: those whose time has come, those
that iot.retain has never been to, and those to which it was under other policies. The arguments are
those of iot.retention_of. Signed-in users may call it.';

--
-- Name: housekeep(interval); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.housekeep(budget interval DEFAULT '00:00:30'::interval) RETURNS TABLE(batches bigint, readings bigint, blocks bigint, done boolean, failure text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    deadline constant timestamptz := clock_timestamp() + budget;
begin
    -- What one duty fails at does not undo the other.
    begin
        select
            compacted.batches,
            compacted.readings,
            compacted.blocks,
            compacted.done,
            compacted.failure
        into batches, readings, blocks, done, failure
        from iot.compact(budget => housekeep.budget) as compacted;
    exception
        when others then
            failure := 'iot.compact: ' || sqlerrm;
            raise warning '%', failure;
    end;
    begin
        select housekeep.done and retained.done
        into done
        from iot.retain(greatest(deadline - clock_timestamp(), interval '0')) as retained;
    exception
        when others then
            failure := concat_ws('; ', failure, 'iot.retain: ' || sqlerrm);
            raise warning '%', failure;
    end;
    return next;
end
$$;

ALTER FUNCTION iot.housekeep(budget interval) OWNER TO postgres;

--
-- Name: FUNCTION housekeep(budget interval); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.housekeep(budget interval) IS 'Does what has to be done again and again, for about as long as the budget says: iot.compact, then
iot.retain. Returns what iot.compact returns, and what failed, in words, where something did.
Definer, because it works for every tenant; service_role may call it.';

--
-- Name: housekeep_unscheduled(interval); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.housekeep_unscheduled(budget interval DEFAULT '00:00:30'::interval) RETURNS TABLE(batches bigint, readings bigint, blocks bigint, done boolean, failure text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if not iot.housekeeping_is_scheduled() then
        return query
        select
            kept.batches,
            kept.readings,
            kept.blocks,
            kept.done,
            kept.failure
        from iot.housekeep(housekeep_unscheduled.budget) as kept;
    end if;
end
$$;

ALTER FUNCTION iot.housekeep_unscheduled(budget interval) OWNER TO postgres;

--
-- Name: FUNCTION housekeep_unscheduled(budget interval); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.housekeep_unscheduled(budget interval) IS 'Does what iot.housekeep does, unless pg_cron does it: then no row is returned. Definer, because it
works for every tenant; tenon_bridge may call it.';

--
-- Name: housekeeping_is_scheduled(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.housekeeping_is_scheduled() RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    is_scheduled boolean := false;
begin
    if iot.cron_is_usable() then
        execute format(
            'select exists ('
            'select from %I.job where jobname = $1 and active and database = current_database()'
            ')', 'cron'
        )
        into is_scheduled
        using iot.housekeeping_job();
    end if;
    return is_scheduled;
end
$_$;

ALTER FUNCTION iot.housekeeping_is_scheduled() OWNER TO postgres;

--
-- Name: FUNCTION housekeeping_is_scheduled(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.housekeeping_is_scheduled() IS 'Whether pg_cron has an active job for iot.housekeep. Definer, because a job is seen by its owner
alone. Internal.';

--
-- Name: housekeeping_job(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.housekeeping_job() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 'tenon-housekeeping'::text;

ALTER FUNCTION iot.housekeeping_job() OWNER TO postgres;

--
-- Name: FUNCTION housekeeping_job(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.housekeeping_job() IS 'The name of the job of pg_cron that calls iot.housekeep. Internal.';

--
-- Name: ingest(bytea); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.ingest(batch bytea) RETURNS TABLE(kind text, ordinal integer, code text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $$
declare
    heard_at constant timestamptz := clock_timestamp();
    unmarked_before constant timestamptz := heard_at - interval '1 minute';
    names record;
    tenant_ids uuid[];
    reads_whole boolean;
    device_numbers integer[];
    unmarked_ordinals integer[];
    refused_ordinals integer[];
    metric_numbers integer[];
begin
    if ingest.batch is null then
        return;
    end if;

    select named.tenants, named.devices, named.metric_tenants, named.metrics
    into names
    from tenon.batch_names(ingest.batch) as named;

    select array_agg(tenants.id order by named.ordinal)
    into tenant_ids
    from unnest(names.tenants) with ordinality as named (slug, ordinal)
    left join core.tenants on tenants.slug = named.slug and tenants.status = 'active';

    -- Every call asks every device's status: what was suspended is refused from the next call on.
    -- Passing over a row costs a tenth of looking one up, so a tenant of whose devices the batch
    -- names a good part is read whole. Numbers tell how many it has at most.
    select sum(last.number::bigint - first.number + 1) <= 10 * names.devices::bigint
    into reads_whole
    from unnest(tenant_ids) as owners (id)
    cross join lateral (
        select devices.number
        from iot.devices
        where devices.tenant_id = owners.id
        order by devices.number
        limit 1
    ) as first
    cross join lateral (
        select devices.number
        from iot.devices
        where devices.tenant_id = owners.id
        order by devices.number desc
        limit 1
    ) as last;

    for attempt in 1..2 loop
        if reads_whole then
            select
                tenon.batch_device_numbers(
                    ingest.batch, owners.ordinal::integer, devices.slug, devices.number,
                    devices.last_seen_at is null or devices.last_seen_at < unmarked_before
                ),
                tenon.batch_devices_unmarked(
                    ingest.batch, owners.ordinal::integer, devices.slug, devices.number,
                    devices.last_seen_at is null or devices.last_seen_at < unmarked_before
                )
            into device_numbers, unmarked_ordinals
            from unnest(tenant_ids) with ordinality as owners (id, ordinal)
            left join lateral (
                select
                    known.slug,
                    known.number,
                    known.last_seen_at
                from iot.devices as known
                where known.tenant_id = owners.id and known.status in ('active', 'provisioned')
                offset 0
            ) as devices on true;
        else
            select
                tenon.batch_device_numbers(
                    ingest.batch, owners.ordinal::integer, devices.slug, devices.number,
                    devices.last_seen_at is null or devices.last_seen_at < unmarked_before
                ),
                tenon.batch_devices_unmarked(
                    ingest.batch, owners.ordinal::integer, devices.slug, devices.number,
                    devices.last_seen_at is null or devices.last_seen_at < unmarked_before
                )
            into device_numbers, unmarked_ordinals
            from unnest(tenant_ids) with ordinality as owners (id, ordinal)
            cross join lateral unnest(
                tenon.batch_slugs(ingest.batch, owners.ordinal::integer)
            ) as named (slug)
            left join lateral (
                select
                    known.slug,
                    known.number,
                    known.last_seen_at
                from iot.devices as known
                where
                    known.tenant_id = owners.id
                    and known.slug = named.slug
                    and known.status in ('active', 'provisioned')
                offset 0
            ) as devices on true;
        end if;
        refused_ordinals := nullif(array_positions(device_numbers, null), '{}');
        exit when
            attempt = 2
            or refused_ordinals is null
            or iot.register_devices(ingest.batch, refused_ordinals) = 0;
    end loop;

    for attempt in 1..2 loop
        select array_agg(metrics.number order by named.ordinal)
        into metric_numbers
        from
            unnest(names.metric_tenants, names.metrics)
            with ordinality as named (tenant, name, ordinal)
        left join iot.metrics
            on metrics.tenant_id = tenant_ids[named.tenant] and metrics.name = named.name;
        exit when attempt = 2 or array_position(metric_numbers, null) is null;
        perform iot.register_metrics(ingest.batch, device_numbers);
    end loop;

    insert into iot.batches (
        tenant_id, first_device, last_device, first_at, last_at, readings, frame
    )
    select
        tenant_ids[packed.tenant],
        packed.first_device,
        packed.last_device,
        packed.first_at,
        packed.last_at,
        packed.readings,
        packed.frame
    from tenon.batch_pack(ingest.batch, device_numbers, metric_numbers) as packed;

    if unmarked_ordinals is not null then
        update iot.devices
        set
            last_seen_at = heard_at,
            status = case devices.status when 'provisioned' then 'active' else devices.status end
        from (
            select
                known.tenant_id,
                known.number
            from tenon.batch_devices(ingest.batch, unmarked_ordinals) as heard
            inner join core.tenants on tenants.slug = heard.tenant
            inner join iot.devices as known
                on known.tenant_id = tenants.id and known.slug = heard.device
            where known.last_seen_at is null or known.last_seen_at < unmarked_before
            for no key update of known skip locked
        ) as unmarked
        where devices.tenant_id = unmarked.tenant_id and devices.number = unmarked.number;
    end if;

    if refused_ordinals is not null then
        return query
        select
            'device',
            refused.ordinal,
            refused.code
        from iot.refused_devices(ingest.batch, refused_ordinals) as refused
        order by refused.ordinal;
    end if;

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
    owner_id uuid;
    tenant core.tenants;
    device iot.devices;
    parsed record;
    rejected jsonb;
begin
    -- Not within the query below: a plan for any claims is made with the answer of every branch,
    -- and one of them refuses.
    if claims ->> 'role' = 'tenon_device' then
        device := iot.calling_device(claims);
        owner_id := device.tenant_id;
    elsif claims ->> 'role' = 'service_role' then
        owner_id := core.requested_tenant_id();
    else
        owner_id := core.sole_tenant_with('iot.telemetry.write');
    end if;

    select tenants.* into tenant
    from core.tenants
    where tenants.id = owner_id;
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
-- Name: insert_blocks(uuid, bytea, bigint[]); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.insert_blocks(tenant_id uuid, packed bytea, except_for bigint[] DEFAULT '{}'::bigint[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    inserted bigint;
begin
    insert into iot.blocks (tenant_id, device, first_at, last_at, rows, readings, head, body)
    select
        insert_blocks.tenant_id,
        made.device,
        made.first_at,
        made.last_at,
        made.rows,
        made.readings,
        made.head,
        made.body
    from tenon.compacted_blocks(packed) with ordinality as made
    where made.ordinality <> all(except_for);
    get diagnostics inserted = row_count;
    return inserted;
end
$$;

ALTER FUNCTION iot.insert_blocks(tenant_id uuid, packed bytea, except_for bigint[]) OWNER TO postgres;

--
-- Name: FUNCTION insert_blocks(tenant_id uuid, packed bytea, except_for bigint[]); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.insert_blocks(tenant_id uuid, packed bytea, except_for bigint[]) IS 'Inserts the blocks of a compaction except for those at some places of it; says how many.
Internal.';

--
-- Name: lock_blocks(uuid); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.lock_blocks(tenant_id uuid) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN pg_try_advisory_xact_lock(iot.compaction_lock_class(), hashtext((tenant_id)::text));

ALTER FUNCTION iot.lock_blocks(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION lock_blocks(tenant_id uuid); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.lock_blocks(tenant_id uuid) IS 'Takes the right to change the blocks of a tenant until the transaction ends; false when another
session has it. Internal.';

--
-- Name: merge_small_blocks(uuid, bytea); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.merge_small_blocks(tenant_id uuid, packed bytea) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    few record;
    merged bytea;
    is_done boolean := false;
begin
    while not is_done loop
        is_done := true;
        for few in
            select
                added.device,
                newest.first_ats[
                    tenon.blocks_to_merge(newest.rows, newest.first_ats, newest.last_ats)
                ] as since,
                added.until
            from (
                select
                    made.device,
                    max(made.first_at) as until
                from tenon.compacted_blocks(packed) as made
                group by made.device, iot.month_of(made.first_at)
            ) as added
            cross join lateral (
                select
                    array_agg(nearest.rows) as rows,
                    array_agg(nearest.first_at) as first_ats,
                    array_agg(nearest.last_at) as last_ats
                from (
                    select
                        blocks.rows,
                        blocks.first_at,
                        blocks.last_at
                    from iot.blocks
                    where
                        blocks.tenant_id = merge_small_blocks.tenant_id
                        and blocks.device = added.device
                        and blocks.first_at >= iot.month_of(added.until)
                        and blocks.first_at <= added.until
                    order by blocks.first_at desc
                    limit tenon.block_neighbours_max()
                ) as nearest
            ) as newest
            where tenon.blocks_to_merge(newest.rows, newest.first_ats, newest.last_ats) > 0
        loop
            with taken as (
                delete from iot.blocks
                where
                    blocks.tenant_id = merge_small_blocks.tenant_id
                    and blocks.device = few.device
                    and blocks.first_at between few.since and few.until
                returning blocks.head, blocks.body
            )
            select tenon.compact_blocks(few.device, taken.head, taken.body)
            into merged
            from taken;
            perform iot.insert_blocks(merge_small_blocks.tenant_id, merged);
            is_done := false;
        end loop;
    end loop;
end
$$;

ALTER FUNCTION iot.merge_small_blocks(tenant_id uuid, packed bytea) OWNER TO postgres;

--
-- Name: FUNCTION merge_small_blocks(tenant_id uuid, packed bytea); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.merge_small_blocks(tenant_id uuid, packed bytea) IS 'Makes one block of those that a compaction added to a device and of those before them in the month,
where tenon.blocks_to_merge says so, and so on. The caller holds iot.lock_blocks. Internal.';

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
-- Name: month_of(timestamp with time zone); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.month_of(at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN date_trunc('month'::text, at, 'UTC'::text);

ALTER FUNCTION iot.month_of(at timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION month_of(at timestamp with time zone); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.month_of(at timestamp with time zone) IS 'When the month of UTC begins that holds the time: the lower bound of its partition of iot.blocks.
Signed-in users may call it.';

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
-- Name: refused_devices(bytea, integer[]); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.refused_devices(batch bytea, ordinals integer[]) RETURNS TABLE(ordinal integer, code text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT named.ordinal,
         CASE
             WHEN (tenants.id IS NULL) THEN 'tenant.unknown'::text
             WHEN (tenants.status <> 'active'::text) THEN 'tenant.suspended'::text
             WHEN (devices.status = ANY (ARRAY['suspended'::text, 'decommissioned'::text])) THEN ('device.'::text || devices.status)
             ELSE 'device.unknown'::text
         END AS "case"
    FROM ((tenon.batch_devices(refused_devices.batch, refused_devices.ordinals) named(ordinal, tenant, device)
      LEFT JOIN core.tenants ON ((tenants.slug = named.tenant)))
      LEFT JOIN iot.devices ON (((devices.tenant_id = tenants.id) AND (devices.slug = named.device))));
END;

ALTER FUNCTION iot.refused_devices(batch bytea, ordinals integer[]) OWNER TO postgres;

--
-- Name: FUNCTION refused_devices(batch bytea, ordinals integer[]); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.refused_devices(batch bytea, ordinals integer[]) IS 'Why those devices of the batch that have these ordinals are refused. Internal.';

--
-- Name: register_devices(bytea, integer[]); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.register_devices(batch bytea, ordinals integer[]) RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH fresh AS (
          SELECT tenants.id AS tenant_id,
             named.device AS slug
            FROM (tenon.batch_devices(register_devices.batch, register_devices.ordinals) named(ordinal, tenant, device)
              JOIN core.tenants ON (((tenants.slug = named.tenant) AND (tenants.status = 'active'::text))))
           WHERE ((tenants.settings @> '{"iot": {"auto_register_devices": true}}'::jsonb) AND (NOT (EXISTS ( SELECT
                    FROM iot.devices
                   WHERE ((devices.tenant_id = tenants.id) AND (devices.slug = named.device))))))
         ), registered AS (
          INSERT INTO iot.devices (tenant_id, slug)  SELECT fresh_1.tenant_id,
                     fresh_1.slug
                    FROM fresh fresh_1
                   ORDER BY fresh_1.tenant_id, fresh_1.slug ON CONFLICT DO NOTHING
         )
  SELECT count(*) AS count
    FROM fresh;
END;

ALTER FUNCTION iot.register_devices(batch bytea, ordinals integer[]) OWNER TO postgres;

--
-- Name: FUNCTION register_devices(batch bytea, ordinals integer[]); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.register_devices(batch bytea, ordinals integer[]) IS 'Adds those devices of the batch that have these ordinals, are unknown, and are of tenants whose
settings allow it. Returns how many these are, those included that another session has just added.
Internal.';

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
-- Name: rejected_days_default(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.rejected_days_default() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 30;

ALTER FUNCTION iot.rejected_days_default() OWNER TO postgres;

--
-- Name: FUNCTION rejected_days_default(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.rejected_days_default() IS 'For how many days rejected messages are kept where a tenant has set nothing: long enough to find
out why a device is refused, short enough that one that never stops does not fill the disk.
Signed-in users may call it.';

--
-- Name: retain(interval, timestamp with time zone); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.retain(budget interval DEFAULT '00:00:30'::interval, as_of timestamp with time zone DEFAULT now()) RETURNS TABLE(tenants bigint, blocks bigint, readings bigint, rejected_messages bigint, partitions bigint, done boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    deadline constant timestamptz := clock_timestamp() + budget;
    -- Begins anywhere, so that a short budget reaches every tenant in the end.
    start constant uuid := gen_random_uuid();
    past_before timestamptz := iot.blocks_past_before(retain.as_of);
    locked uuid[] := '{}';
    undropped boolean := false;
    owner_id uuid;
    tenant record;
    step record;
    part record;
begin
    tenants := 0;
    blocks := 0;
    readings := 0;
    rejected_messages := 0;
    partitions := 0;
    done := true;
    for tenant in
        select
            known.id,
            policies.rejected_before,
            policies.metrics is not null as has_policies
        from core.tenants as known
        cross join lateral iot.retention_of(known.id, retain.as_of) as policies
        where
            exists (
                select from iot.retention_policies where retention_policies.tenant_id = known.id
            )
            or exists (
                select from iot.rejected_messages where rejected_messages.tenant_id = known.id
            )
        order by known.id < start, known.id
    loop
        select * into step
        from iot.retain_rejected_messages(tenant.id, tenant.rejected_before, deadline);
        rejected_messages := rejected_messages + step.messages;
        if not step.done then
            done := false;
            return next;
            return;
        end if;
        continue when not tenant.has_policies;
        if not iot.lock_blocks(tenant.id) then
            done := false;
            continue;
        end if;
        locked := locked || tenant.id;
        if past_before > '-infinity' then
            perform iot.retain_latest(tenant.id, retain.as_of);
        end if;
        select * into step
        from iot.retain_blocks(tenant.id, past_before, retain.as_of, deadline);
        tenants := tenants + (step.blocks > 0)::integer;
        blocks := blocks + step.blocks;
        readings := readings + step.readings;
        if not step.done or (step.steps > 0 and clock_timestamp() >= deadline) then
            done := false;
            return next;
            return;
        end if;
    end loop;

    -- Last, because nobody can read until this transaction ends.
    past_before := iot.blocks_past_before(retain.as_of);
    for part in
        select * from iot.blocks_partitions() as parts where parts.month_to <= past_before
    loop
        select
            count(*) as blocks,
            coalesce(sum(stored.readings), 0) as readings
        into step
        from iot.blocks as stored
        where stored.first_at >= part.month_from and stored.first_at < part.month_to;
        if iot.drop_blocks_partition(part.partition, retain.as_of) then
            partitions := partitions + 1;
            blocks := blocks + step.blocks;
            readings := readings + step.readings;
        elsif step.blocks > 0 then
            undropped := true;
        end if;
        if clock_timestamp() >= deadline then
            done := false;
            return next;
            return;
        end if;
    end loop;

    -- Somebody reads without end: then row by row.
    if undropped then
        foreach owner_id in array locked loop
            select * into step
            from iot.retain_blocks(owner_id, '-infinity', retain.as_of, deadline);
            blocks := blocks + step.blocks;
            readings := readings + step.readings;
            if not step.done then
                done := false;
                exit;
            end if;
        end loop;
    end if;
    return next;
end
$$;

ALTER FUNCTION iot.retain(budget interval, as_of timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION retain(budget interval, as_of timestamp with time zone); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.retain(budget interval, as_of timestamp with time zone) IS 'Makes it so that of readings and rejected messages nothing is left at a time but what the policies
keep, until that is done or the budget is used; at least one step is made. Returns for how many
tenants it changed how many blocks, how many readings went or became statistics of their hours, how
many rejected messages and partitions went, and whether it is done: false too where another session
works on a tenant. It may run in several sessions at once, and be killed: it changes nothing then.
One block is in memory at a time. Definer, because it deletes for every tenant; service_role may
call it.';

--
-- Name: retain_blocks(uuid, timestamp with time zone, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.retain_blocks(tenant_id uuid, begin_from timestamp with time zone, as_of timestamp with time zone, deadline timestamp with time zone) RETURNS TABLE(steps bigint, blocks bigint, readings bigint, done boolean)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    policies record;
    due record;
    stored record;
    left_over bigint;
begin
    steps := 0;
    blocks := 0;
    readings := 0;
    done := false;
    select * into policies from iot.retention_of(retain_blocks.tenant_id, retain_blocks.as_of);
    for due in
        select
            candidates.device,
            candidates.first_at
        from iot.due_blocks(
            retain_blocks.tenant_id, policies.fingerprint, policies.readings_before,
            retain_blocks.as_of
        ) as candidates
        where candidates.first_at >= begin_from
    loop
        -- At least one step is made.
        if steps > 0 and clock_timestamp() >= deadline then
            return next;
            return;
        end if;
        steps := steps + 1;
        if steps = 1 then
            perform iot.retain_latest(retain_blocks.tenant_id, retain_blocks.as_of);
        end if;

        delete from iot.blocks
        where
            blocks.tenant_id = retain_blocks.tenant_id
            and blocks.device = due.device
            and blocks.first_at = due.first_at
            and blocks.last_at < policies.all_before
        returning blocks.readings into left_over;
        if found then
            blocks := blocks + 1;
            readings := readings + left_over;
            continue;
        end if;

        begin
            select
                blocks.readings,
                coalesce(opened.due_at, 'infinity') as due_at,
                case
                    when opened.due_at <= retain_blocks.as_of
                        then tenon.block_expire(
                            blocks.device, blocks.head, blocks.body, retain_blocks.as_of,
                            policies.metrics, policies.raw_days, policies.hourly_days
                        )
                end as packed
            into stored
            from iot.blocks
            cross join lateral tenon.block_due(
                blocks.device, blocks.head, blocks.body,
                policies.metrics, policies.raw_days, policies.hourly_days
            ) as opened (due_at)
            where
                blocks.tenant_id = retain_blocks.tenant_id
                and blocks.device = due.device
                and blocks.first_at = due.first_at;
        exception
            when data_corrupted then
                raise warning 'retention leaves a block as it is: %', sqlerrm;
                continue;
        end;

        if stored.due_at > retain_blocks.as_of then
            update iot.blocks
            set
                kept_under = policies.fingerprint,
                kept_until = stored.due_at
            where
                blocks.tenant_id = retain_blocks.tenant_id
                and blocks.device = due.device
                and blocks.first_at = due.first_at;
            continue;
        end if;

        delete from iot.blocks
        where
            blocks.tenant_id = retain_blocks.tenant_id
            and blocks.device = due.device
            and blocks.first_at = due.first_at;
        with written as (
            insert into iot.blocks (
                tenant_id, device, first_at, last_at, rows, readings, head, body,
                kept_under, kept_until
            )
            select
                retain_blocks.tenant_id,
                made.device,
                made.first_at,
                made.last_at,
                made.rows,
                made.readings,
                made.head,
                made.body,
                policies.fingerprint,
                coalesce(
                    tenon.block_due(
                        made.device, made.head, made.body,
                        policies.metrics, policies.raw_days, policies.hourly_days
                    ),
                    'infinity'
                )
            from tenon.compacted_blocks(stored.packed) as made
            returning blocks.readings
        )
        select coalesce(sum(written.readings), 0)
        into left_over
        from written;
        blocks := blocks + 1;
        readings := readings + stored.readings - left_over;
    end loop;

    done := true;
    return next;
end
$$;

ALTER FUNCTION iot.retain_blocks(tenant_id uuid, begin_from timestamp with time zone, as_of timestamp with time zone, deadline timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION retain_blocks(tenant_id uuid, begin_from timestamp with time zone, as_of timestamp with time zone, deadline timestamp with time zone); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.retain_blocks(tenant_id uuid, begin_from timestamp with time zone, as_of timestamp with time zone, deadline timestamp with time zone) IS 'Applies the policies of a tenant to its blocks from a month on, one at a time, until none is due or
the deadline has passed, and to its latest readings: these go when the blocks that hold them are
due. Returns how many blocks it looked at, how many of those it deleted or wrote anew, and how many readings went or became statistics. A block that cannot be read is passed over
with a warning, and deleted with its time. The caller holds iot.lock_blocks. Internal.';

--
-- Name: retention_policies; Type: TABLE; Schema: iot; Owner: postgres
--

CREATE TABLE iot.retention_policies (
    tenant_id uuid DEFAULT core.sole_tenant_with('iot.retention.write'::text) NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    metric integer,
    raw_days integer,
    hourly_days integer,
    rejected_days integer,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_by uuid DEFAULT auth.uid(),
    CONSTRAINT hourly_days_in_range CHECK (((hourly_days >= 0) AND (hourly_days <= 36500))),
    CONSTRAINT hours_follow_readings CHECK (((raw_days IS NOT NULL) OR (hourly_days IS NULL))),
    CONSTRAINT raw_days_in_range CHECK (((raw_days >= 1) AND (raw_days <= 36500))),
    CONSTRAINT rejected_days_in_range CHECK (((rejected_days >= 1) AND (rejected_days <= 36500))),
    CONSTRAINT rejected_messages_have_no_metric CHECK (((metric IS NULL) OR (rejected_days IS NULL)))
);

ALTER TABLE iot.retention_policies OWNER TO postgres;

--
-- Name: TABLE retention_policies; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON TABLE iot.retention_policies IS 'For how long a tenant keeps what. A day of UTC ages as a whole, from its end on.';

--
-- Name: COLUMN retention_policies.metric; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.retention_policies.metric IS 'iot.metrics.number; null for all metrics that have no policy of their own.';

--
-- Name: COLUMN retention_policies.raw_days; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.retention_policies.raw_days IS 'After so many days readings become statistics of their hour; null is never.';

--
-- Name: COLUMN retention_policies.hourly_days; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.retention_policies.hourly_days IS 'After so many more days the statistics go; null is never.';

--
-- Name: COLUMN retention_policies.rejected_days; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.retention_policies.rejected_days IS 'After so many days rejected messages go, in the policy of all metrics; null is never.';

--
-- Name: retention_of(uuid, timestamp with time zone); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.retention_of(tenant_id uuid, as_of timestamp with time zone) RETURNS TABLE(metrics integer[], raw_days integer[], hourly_days integer[], fingerprint bigint, readings_before timestamp with time zone, hours_before timestamp with time zone, all_before timestamp with time zone, rejected_before timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT array_agg(policies.metric ORDER BY policies.metric NULLS FIRST) AS array_agg,
     array_agg(policies.raw_days ORDER BY policies.metric NULLS FIRST) AS array_agg,
     array_agg(policies.hourly_days ORDER BY policies.metric NULLS FIRST) AS array_agg,
     hashtextextended(string_agg(concat_ws('/'::text, COALESCE((policies.metric)::text, '*'::text), COALESCE((policies.raw_days)::text, '*'::text), COALESCE((policies.hourly_days)::text, '*'::text)), ','::text ORDER BY policies.metric NULLS FIRST), (0)::bigint) AS hashtextextended,
     tenon.retention_cutoff(retention_of.as_of, min(policies.raw_days)) AS retention_cutoff,
     tenon.retention_cutoff(retention_of.as_of, min((policies.raw_days + policies.hourly_days))) AS retention_cutoff,
         CASE
             WHEN (bool_or((policies.metric IS NULL)) AND bool_and((policies.hourly_days IS NOT NULL))) THEN tenon.retention_cutoff(retention_of.as_of, max((policies.raw_days + policies.hourly_days)))
             ELSE NULL::timestamp with time zone
         END AS "case",
     tenon.retention_cutoff(retention_of.as_of,
         CASE
             WHEN bool_or((policies.metric IS NULL)) THEN max(policies.rejected_days) FILTER (WHERE (policies.metric IS NULL))
             ELSE iot.rejected_days_default()
         END) AS retention_cutoff
    FROM iot.retention_policies policies
   WHERE (policies.tenant_id = retention_of.tenant_id);
END;

ALTER FUNCTION iot.retention_of(tenant_id uuid, as_of timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION retention_of(tenant_id uuid, as_of timestamp with time zone); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.retention_of(tenant_id uuid, as_of timestamp with time zone) IS 'The policies of a tenant as the native functions take them (null where it has none), a number that
changes with them, and what they come to at a time: before readings_before some readings are past
their time, before hours_before some statistics, before all_before everything, before
rejected_before rejected messages; null where nothing ever is. Signed-in users may call it.';

--
-- Name: latest; Type: TABLE; Schema: iot; Owner: postgres
--

CREATE TABLE iot.latest (
    tenant_id uuid NOT NULL,
    device integer NOT NULL,
    readings bytea NOT NULL
)
WITH (fillfactor='80');

ALTER TABLE iot.latest OWNER TO postgres;

--
-- Name: TABLE latest; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON TABLE iot.latest IS 'The latest reading of each metric of each device, as far as readings are in blocks.';

--
-- Name: COLUMN latest.device; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.latest.device IS 'iot.devices.number.';

--
-- Name: COLUMN latest.readings; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.latest.readings IS 'A frame by tenon.latest_merge, for tenon.latest_agg.';

--
-- Name: retain_latest(uuid, timestamp with time zone); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.retain_latest(tenant_id uuid, as_of timestamp with time zone) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH aged AS (
          SELECT latest_1.device,
             tenon.latest_expire(latest_1.readings, retain_latest.as_of, policies.metrics, policies.raw_days, policies.hourly_days) AS readings
            FROM (iot.retention_of(retain_latest.tenant_id, retain_latest.as_of) policies(metrics, raw_days, hourly_days, fingerprint, readings_before, hours_before, all_before, rejected_before)
              JOIN iot.latest latest_1 ON ((latest_1.tenant_id = retain_latest.tenant_id)))
           WHERE (policies.hours_before IS NOT NULL)
         ), emptied AS (
          DELETE FROM iot.latest AS latest_1
            USING aged aged_1
           WHERE ((latest_1.tenant_id = retain_latest.tenant_id) AND (latest_1.device = aged_1.device) AND (aged_1.readings IS NULL))
         )
  UPDATE iot.latest SET readings = aged.readings
    FROM aged
   WHERE ((latest.tenant_id = retain_latest.tenant_id) AND (latest.device = aged.device) AND (latest.readings <> aged.readings));
END;

ALTER FUNCTION iot.retain_latest(tenant_id uuid, as_of timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION retain_latest(tenant_id uuid, as_of timestamp with time zone); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.retain_latest(tenant_id uuid, as_of timestamp with time zone) IS 'Takes from the latest readings of a tenant those of hours of which nothing is kept. The caller
holds iot.lock_blocks. Internal.';

--
-- Name: retain_rejected_messages(uuid, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.retain_rejected_messages(tenant_id uuid, received_before timestamp with time zone, deadline timestamp with time zone) RETURNS TABLE(messages bigint, done boolean)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    deleted bigint;
begin
    messages := 0;
    loop
        with past as (
            select rejected_messages.id
            from iot.rejected_messages
            where
                rejected_messages.tenant_id = retain_rejected_messages.tenant_id
                and rejected_messages.received_at < received_before
            order by rejected_messages.received_at
            limit iot.retention_messages_max()
            for update skip locked
        )
        delete from iot.rejected_messages
        using past
        where
            rejected_messages.tenant_id = retain_rejected_messages.tenant_id
            and rejected_messages.id = past.id;
        get diagnostics deleted = row_count;
        messages := messages + deleted;
        done := deleted = 0;
        exit when done or clock_timestamp() >= deadline;
    end loop;
    return next;
end
$$;

ALTER FUNCTION iot.retain_rejected_messages(tenant_id uuid, received_before timestamp with time zone, deadline timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION retain_rejected_messages(tenant_id uuid, received_before timestamp with time zone, deadline timestamp with time zone); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.retain_rejected_messages(tenant_id uuid, received_before timestamp with time zone, deadline timestamp with time zone) IS 'Deletes the rejected messages of a tenant that arrived before a time, until none is left or the
deadline has passed. Internal.';

--
-- Name: retention_messages_max(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.retention_messages_max() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 1000;

ALTER FUNCTION iot.retention_messages_max() OWNER TO postgres;

--
-- Name: FUNCTION retention_messages_max(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.retention_messages_max() IS 'How many rejected messages one step of retention deletes: some milliseconds of work. Internal.';

--
-- Name: retention_metric(uuid, text); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.retention_metric(tenant_id uuid, metric text) RETURNS integer
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    number integer;
begin
    if metric is not null then
        select metrics.number into number
        from iot.metrics
        where
            metrics.tenant_id = retention_metric.tenant_id
            and metrics.name = retention_metric.metric;
        if not found then
            perform core.fail('metric.unknown', jsonb_build_object('metric', metric));
        end if;
    end if;
    return number;
end
$$;

ALTER FUNCTION iot.retention_metric(tenant_id uuid, metric text) OWNER TO postgres;

--
-- Name: FUNCTION retention_metric(tenant_id uuid, metric text); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.retention_metric(tenant_id uuid, metric text) IS 'The number of a metric, null for null. Raises metric.unknown (404). Signed-in users may call it.';

--
-- Name: retention_tenant_id(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.retention_tenant_id() RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := case auth.jwt() ->> 'role'
        when 'service_role' then core.requested_tenant_id()
        else core.sole_tenant_with('iot.retention.write')
    end;
begin
    if owner_id is null then
        perform core.fail('tenancy.ambiguous', '{"count": "all"}');
    end if;
    return owner_id;
end
$$;

ALTER FUNCTION iot.retention_tenant_id() OWNER TO postgres;

--
-- Name: FUNCTION retention_tenant_id(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.retention_tenant_id() IS 'The tenant whose policies a request changes. Raises tenancy.permission_missing (403) or
tenancy.ambiguous (400). Signed-in users may call it.';

--
-- Name: schedule_housekeeping(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.schedule_housekeeping() RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if not iot.cron_is_usable() then
        return false;
    end if;
    execute format('select %I.schedule($1, $2, $3)', 'cron')
    using iot.housekeeping_job(), '* * * * *', 'select iot.housekeep()';
    return true;
end
$_$;

ALTER FUNCTION iot.schedule_housekeeping() OWNER TO postgres;

--
-- Name: FUNCTION schedule_housekeeping(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.schedule_housekeeping() IS 'Has pg_cron call iot.housekeep every minute; false where there is no pg_cron that the caller may
use. Calling it again changes nothing. For the owner of the schema, after pg_cron was installed
later than Tenon.';

--
-- Name: settled_batch(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.settled_batch() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    newest constant bigint := coalesce(pg_sequence_last_value('iot.batches_id_seq'), 0);
    writers text[];
begin
    -- A transaction that goes on seeing what it saw at its start would not see what is waited for.
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'readings are compacted in transactions of isolation level read committed'
            using errcode = 'invalid_transaction_state';
    end if;
    -- A transaction that has taken an id holds this lock until it ends; other compactions hold it,
    -- too, but write no batch.
    writers := array(
        select holding.virtualtransaction
        from pg_locks as holding
        where
            holding.locktype = 'relation'
            and holding.database = (select oid from pg_database where datname = current_database())
            and holding.relation = 'iot.batches'::regclass
            and holding.mode = 'RowExclusiveLock'
            and holding.pid is distinct from pg_backend_pid()
            and not exists (
                select from pg_locks as compacting
                where
                    compacting.locktype = 'advisory'
                    and compacting.pid = holding.pid
                    and compacting.classid = iot.compaction_lock_class()::oid
                    and compacting.objsubid = 2
            )
    );
    for attempt in 1..100 loop
        if not exists (
            select from pg_locks where pg_locks.virtualtransaction = any(writers)
        ) then
            return newest;
        end if;
        perform pg_sleep(0.01);
    end loop;
    return null;
end
$$;

ALTER FUNCTION iot.settled_batch() OWNER TO postgres;

--
-- Name: FUNCTION settled_batch(); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.settled_batch() IS 'The id up to which every batch has either committed or will never exist, or null when a writer did
not end within a second. Ids are given before the commit: without this a batch could appear before
one that is in a block already, and its readings would count for later than they came. Internal.';

--
-- Name: store_blocks(uuid, bytea); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.store_blocks(tenant_id uuid, packed bytea) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    overlapping bigint[];
    fresh record;
    merged bytea;
    written bigint;
begin
    perform iot.add_blocks_partition(needed.month)
    from (
        select distinct iot.month_of(made.first_at) as month
        from tenon.compacted_blocks(packed) as made
    ) as needed;

    -- Stored blocks do not overlap, so of those that begin before only the last can reach into one.
    overlapping := array(
        select made.ordinality
        from tenon.compacted_blocks(packed) with ordinality as made
        cross join lateral (
            select blocks.last_at
            from iot.blocks
            where
                blocks.tenant_id = store_blocks.tenant_id
                and blocks.device = made.device
                and blocks.first_at >= iot.month_of(made.first_at)
                and blocks.first_at <= made.last_at
            order by blocks.first_at desc
            limit 1
        ) as nearest
        where nearest.last_at >= made.first_at
    );

    written := iot.insert_blocks(store_blocks.tenant_id, packed, overlapping);

    for fresh in
        select made.*
        from tenon.compacted_blocks(packed) with ordinality as made
        where made.ordinality = any(overlapping)
        order by made.ordinality
    loop
        with taken as (
            delete from iot.blocks
            where
                blocks.tenant_id = store_blocks.tenant_id
                and blocks.device = fresh.device
                and blocks.first_at >= iot.month_of(fresh.first_at)
                and blocks.first_at <= fresh.last_at
                and blocks.last_at >= fresh.first_at
            returning blocks.head, blocks.body
        ),
        parts as (
            select
                1 as arrival,
                taken.head,
                taken.body
            from taken
            union all
            select
                2,
                fresh.head,
                fresh.body
        )
        select tenon.compact_blocks(fresh.device, parts.head, parts.body order by parts.arrival)
        into merged
        from parts;

        perform iot.insert_blocks(store_blocks.tenant_id, merged);
        written := written + 1;
    end loop;
    return written;
end
$$;

ALTER FUNCTION iot.store_blocks(tenant_id uuid, packed bytea) OWNER TO postgres;

--
-- Name: FUNCTION store_blocks(tenant_id uuid, packed bytea); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.store_blocks(tenant_id uuid, packed bytea) IS 'Stores the blocks of a compaction, which arrived later than all that is stored; those that overlap
stored blocks are merged with them. Returns how many. The caller holds iot.lock_blocks. Internal.';

--
-- Name: clear_retention(text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.clear_retention(metric text DEFAULT NULL::text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := iot.retention_tenant_id();
    number constant integer := iot.retention_metric(owner_id, clear_retention.metric);
begin
    delete from iot.retention_policies as policies
    where
        policies.tenant_id = owner_id
        and policies.metric is not distinct from number;
    return found;
end
$$;

ALTER FUNCTION v1.clear_retention(metric text) OWNER TO postgres;

--
-- Name: FUNCTION clear_retention(metric text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.clear_retention(metric text) IS 'Removes the policy of a metric, to which that of all metrics applies again; without a metric the
policy of all metrics, after which readings stay for ever. Returns whether there was one. What is
gone does not come back. Needs iot.retention.write.';

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
-- Name: latest(text[], text[]); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.latest(devices text[] DEFAULT NULL::text[], metrics text[] DEFAULT NULL::text[]) RETURNS TABLE(device text, metric text, unit text, at timestamp with time zone, value jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    asked record;
    query bytea;
    found bytea;
    least_device integer;
    greatest_device integer;
begin
    asked := iot.asked_series(latest.devices, latest.metrics, true);
    if latest.devices is not null then
        -- They ascend then.
        least_device := coalesce(asked.device_numbers[1], 0);
        greatest_device := coalesce(
            asked.device_numbers[cardinality(asked.device_numbers)], 0
        );
    end if;
    query := tenon.latest_query(
        case when latest.devices is not null then asked.device_numbers end,
        case when latest.metrics is not null then asked.metric_numbers end
    );
    select tenon.latest_agg(query, parts.id, parts.device, parts.frame)
    into found
    from (
        select
            null::bigint as id,
            kept.device,
            kept.readings as frame
        from iot.latest as kept
        where kept.tenant_id = asked.tenant_id and kept.device = any(asked.device_numbers)
        union all
        select
            batches.id,
            null,
            batches.frame
        from iot.batches
        where
            batches.tenant_id = asked.tenant_id
            and batches.last_device >= coalesce(least_device, batches.last_device)
            and batches.first_device <= coalesce(greatest_device, batches.first_device)
    ) as parts;
    return query
    select
        readings.device,
        readings.metric,
        metrics.unit,
        readings.at,
        readings.value
    from tenon.answer_readings(
        found, asked.device_numbers, asked.device_slugs, asked.metric_numbers, asked.metric_names
    ) as readings
    left join unnest(asked.metric_names, asked.metric_units) as metrics (name, unit)
        on metrics.name = readings.metric;
end
$$;

ALTER FUNCTION v1.latest(devices text[], metrics text[]) OWNER TO postgres;

--
-- Name: FUNCTION latest(devices text[], metrics text[]); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.latest(devices text[], metrics text[]) IS 'The latest reading of every series of devices (slugs) and metrics (names; without them all of the
tenant), by the devices'' time. Needs iot.telemetry.read.';

--
-- Name: readings(text[], text[], timestamp with time zone, timestamp with time zone, double precision, double precision, integer); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.readings(devices text[] DEFAULT NULL::text[], metrics text[] DEFAULT NULL::text[], "from" timestamp with time zone DEFAULT NULL::timestamp with time zone, "to" timestamp with time zone DEFAULT NULL::timestamp with time zone, above double precision DEFAULT NULL::double precision, below double precision DEFAULT NULL::double precision, max_points integer DEFAULT NULL::integer) RETURNS TABLE(device text, metric text, at timestamp with time zone, value jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    asked record;
    query bytea;
begin
    asked := iot.asked_series(readings.devices, readings.metrics, true);
    query := tenon.reading_query(
        case when readings.devices is not null then asked.device_numbers end,
        case when readings.metrics is not null then asked.metric_numbers end,
        readings."from",
        readings."to",
        above,
        below,
        max_points
    );
    return query
    select *
    from tenon.answer_readings(
        iot.answer(
            query,
            asked.tenant_id,
            case when readings.devices is not null then asked.device_numbers end,
            readings."from",
            readings."to"
        ),
        asked.device_numbers,
        asked.device_slugs,
        asked.metric_numbers,
        asked.metric_names
    );
end
$$;

ALTER FUNCTION v1.readings(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, above double precision, below double precision, max_points integer) OWNER TO postgres;

--
-- Name: FUNCTION readings(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, above double precision, below double precision, max_points integer); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.readings(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, above double precision, below double precision, max_points integer) IS 'The readings of devices (slugs) and metrics (names; without them all of the tenant), from "from"
inclusive to "to" exclusive, exactly as they were sent, ordered by device, metric and time. above and
below: numbers greater or less than that alone. max_points: at most so many of each series, chosen so
that a chart looks the same (largest triangle three buckets). Asked for as text/csv, the answer is a
file. Of down-sampled time there are no readings. Needs iot.telemetry.read.';

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
-- Name: retention_preview(timestamp with time zone); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.retention_preview(as_of timestamp with time zone DEFAULT now()) RETURNS TABLE(tenant_id uuid, metric text, month date, readings bigint, hours bigint, bytes bigint, kept_since timestamp with time zone, readings_before timestamp with time zone, hours_before timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH owners AS (
          SELECT requested.tenant_id,
             policies.metrics,
             policies.raw_days,
             policies.hourly_days,
             policies.fingerprint,
             policies.readings_before,
             policies.hours_before,
             policies.all_before,
             policies.rejected_before
            FROM (( SELECT DISTINCT stored.tenant_id
                    FROM iot.retention_policies stored
                   WHERE ((core.requested_tenant_id() IS NULL) OR (stored.tenant_id = core.requested_tenant_id()))) requested
              CROSS JOIN LATERAL iot.retention_of(requested.tenant_id, retention_preview.as_of) policies(metrics, raw_days, hourly_days, fingerprint, readings_before, hours_before, all_before, rejected_before))
         ), past AS (
          SELECT owners.tenant_id,
             opened.metric,
             iot.month_of(blocks.first_at) AS month,
             (sum(opened.readings))::bigint AS readings,
             (sum(opened.hours))::bigint AS hours,
             (sum(opened.bytes))::bigint AS bytes,
             min(opened.kept_since) AS kept_since
            FROM (((owners
              CROSS JOIN LATERAL iot.due_blocks(owners.tenant_id, owners.fingerprint, owners.readings_before, retention_preview.as_of) due(device, first_at))
              JOIN iot.blocks ON (((blocks.tenant_id = owners.tenant_id) AND (blocks.device = due.device) AND (blocks.first_at = due.first_at))))
              CROSS JOIN LATERAL tenon.block_past(blocks.device, blocks.head, blocks.body, retention_preview.as_of, owners.metrics, owners.raw_days, owners.hourly_days) opened(metric, readings, hours, bytes, kept_since))
           GROUP BY owners.tenant_id, opened.metric, (iot.month_of(blocks.first_at))
         )
  SELECT past.tenant_id,
     metrics.name,
     ((past.month AT TIME ZONE 'UTC'::text))::date AS timezone,
     past.readings,
     past.hours,
     past.bytes,
     past.kept_since,
     tenon.retention_cutoff(retention_preview.as_of, applied.raw_days) AS retention_cutoff,
     tenon.retention_cutoff(retention_preview.as_of, (applied.raw_days + applied.hourly_days)) AS retention_cutoff
    FROM ((past
      JOIN iot.metrics ON (((metrics.tenant_id = past.tenant_id) AND (metrics.number = past.metric))))
      CROSS JOIN LATERAL ( SELECT policies.raw_days,
             policies.hourly_days
            FROM iot.retention_policies policies
           WHERE ((policies.tenant_id = past.tenant_id) AND ((policies.metric IS NULL) OR (policies.metric = past.metric)))
           ORDER BY policies.metric
          LIMIT 1) applied)
   ORDER BY past.tenant_id, metrics.name, past.month;
END;

ALTER FUNCTION v1.retention_preview(as_of timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION retention_preview(as_of timestamp with time zone); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.retention_preview(as_of timestamp with time zone) IS 'What retention would change at a time, without changing it: for each metric and month of UTC how
many readings would become statistics or go, how many stored statistics would go, about how many
bytes both take, and the beginning of the first hour of which something stays, null where nothing
does. readings_before, hours_before: what is older goes. Counts readings that are in blocks.
Needs iot.telemetry.read and iot.devices.read.';

--
-- Name: retention_policies; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.retention_policies WITH (security_invoker='true') AS
 SELECT policies.tenant_id,
    metrics.name AS metric,
    policies.raw_days,
    policies.hourly_days,
    policies.rejected_days,
    policies.changed_at
   FROM (iot.retention_policies policies
     LEFT JOIN iot.metrics ON (((metrics.tenant_id = policies.tenant_id) AND (metrics.number = policies.metric))))
  WHERE ((policies.metric IS NULL) OR (metrics.name IS NOT NULL));

ALTER TABLE v1.retention_policies OWNER TO postgres;

--
-- Name: VIEW retention_policies; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.retention_policies IS 'For how long your tenants keep readings: raw_days as they are, then hourly_days as statistics of
each hour, then not at all; null is for ever. metric: null for all that have no policy of their
own; rejected_days: for how long that tenant keeps rejected messages, 30 without a policy.
Needs iot.telemetry.read; v1.set_retention and v1.clear_retention change it.';

--
-- Name: set_retention(integer, integer, text, integer); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.set_retention(raw_days integer DEFAULT NULL::integer, hourly_days integer DEFAULT NULL::integer, metric text DEFAULT NULL::text, rejected_days integer DEFAULT iot.rejected_days_default()) RETURNS v1.retention_policies
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := iot.retention_tenant_id();
    number constant integer := iot.retention_metric(owner_id, set_retention.metric);
    stored v1.retention_policies;
begin
    perform tenon.retention_check(set_retention.raw_days, set_retention.hourly_days);
    if set_retention.rejected_days not between 1 and 36500
        or (
            number is not null
            and set_retention.rejected_days is distinct from iot.rejected_days_default()
        )
    then
        perform core.fail(
            'retention.invalid', jsonb_build_object('rejected_days', set_retention.rejected_days)
        );
    end if;

    insert into iot.retention_policies (tenant_id, metric, raw_days, hourly_days, rejected_days)
    values (
        owner_id, number, set_retention.raw_days, set_retention.hourly_days,
        case when number is null then set_retention.rejected_days end
    )
    on conflict on constraint one_policy_a_metric do update
    set
        raw_days = excluded.raw_days,
        hourly_days = excluded.hourly_days,
        rejected_days = excluded.rejected_days,
        changed_at = now(),
        changed_by = auth.uid();

    select policies.* into stored
    from v1.retention_policies as policies
    where
        policies.tenant_id = owner_id
        and policies.metric is not distinct from set_retention.metric;
    return stored;
end
$$;

ALTER FUNCTION v1.set_retention(raw_days integer, hourly_days integer, metric text, rejected_days integer) OWNER TO postgres;

--
-- Name: FUNCTION set_retention(raw_days integer, hourly_days integer, metric text, rejected_days integer); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.set_retention(raw_days integer, hourly_days integer, metric text, rejected_days integer) IS 'Sets for how long readings are kept: raw_days as they are, then hourly_days as statistics of each
hour, then not at all. What is left out is for ever. metric: null for all metrics that have no
policy of their own. rejected_days: for how long rejected messages are kept, with the policy of all
metrics. Replaces the policy that was there. Returns the policy. Raises retention.invalid (400),
metric.unknown (404). Needs iot.retention.write.';

--
-- Name: telemetry(text[], text[], timestamp with time zone, timestamp with time zone, interval, text[], text, text, timestamp with time zone, integer, text[]); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.telemetry(devices text[] DEFAULT NULL::text[], metrics text[] DEFAULT NULL::text[], "from" timestamp with time zone DEFAULT NULL::timestamp with time zone, "to" timestamp with time zone DEFAULT NULL::timestamp with time zone, bucket interval DEFAULT NULL::interval, aggregates text[] DEFAULT '{count,min,max,avg,sum,first,last}'::text[], fill text DEFAULT 'none'::text, time_zone text DEFAULT 'UTC'::text, origin timestamp with time zone DEFAULT NULL::timestamp with time zone, max_points integer DEFAULT NULL::integer, group_by text[] DEFAULT '{device,metric}'::text[]) RETURNS TABLE(device text, metric text, at timestamp with time zone, count bigint, min double precision, max double precision, avg double precision, sum double precision, first jsonb, last jsonb, stddev double precision, p50 double precision, p90 double precision, p95 double precision, p99 double precision)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    asked record;
    query bytea;
begin
    asked := iot.asked_series(
        telemetry.devices, telemetry.metrics, 'device' = any(telemetry.group_by)
    );
    query := tenon.bucket_query(
        case when telemetry.devices is not null then asked.device_numbers end,
        case when telemetry.metrics is not null then asked.metric_numbers end,
        telemetry."from",
        telemetry."to",
        bucket,
        max_points,
        time_zone,
        telemetry.origin,
        telemetry.fill,
        telemetry.group_by,
        telemetry.aggregates
    );
    return query
    select *
    from tenon.answer_buckets(
        iot.answer(
            query,
            asked.tenant_id,
            case when telemetry.devices is not null then asked.device_numbers end,
            telemetry."from",
            telemetry."to"
        ),
        asked.device_numbers,
        asked.device_slugs,
        asked.metric_numbers,
        asked.metric_names
    );
end
$$;

ALTER FUNCTION v1.telemetry(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], fill text, time_zone text, origin timestamp with time zone, max_points integer, group_by text[]) OWNER TO postgres;

--
-- Name: FUNCTION telemetry(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], fill text, time_zone text, origin timestamp with time zone, max_points integer, group_by text[]); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.telemetry(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], fill text, time_zone text, origin timestamp with time zone, max_points integer, group_by text[]) IS 'What the readings of devices (slugs) and metrics (names; without them all of the tenant) come to in
buckets, from "from" inclusive to "to" exclusive, ordered by device, metric and time.
bucket: the width, of one unit (15 minutes, 1 day, 1 week from Monday on, 1 month, 3 months);
max_points instead takes the narrowest sensible width that gives at most so many buckets, 500 where
neither is given. Days and longer follow the calendar of time_zone (an IANA name); origin is where a
bucket begins, where that should differ. aggregates: which of count, min, max, avg, sum, first, last,
stddev (sample) and percentiles p50, p90, p95, p99 (exact) to compute, the others are null; numbers
count, and booleans as 0 and 1; first and last are of any type; nulls are no readings. fill: what
stands in buckets without readings, of series with at least one: none (no row), null, previous or
linear. group_by: device and metric, or one of them, or neither, for buckets over all together. Of
down-sampled readings hours are left, which count in the bucket in which they begin. Each reading
counts once, however often it was delivered. Needs iot.telemetry.read.';

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
    first_device integer NOT NULL,
    last_device integer NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    readings integer NOT NULL,
    frame bytea NOT NULL,
    CONSTRAINT devices_are_ordered CHECK ((first_device <= last_device)),
    CONSTRAINT range_is_ordered CHECK ((first_at <= last_at)),
    CONSTRAINT readings_is_positive CHECK ((readings > 0))
)
WITH (toast_tuple_target='8160');
ALTER TABLE ONLY iot.batches ALTER COLUMN frame SET STORAGE EXTERNAL;

ALTER TABLE iot.batches OWNER TO postgres;

--
-- Name: TABLE batches; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON TABLE iot.batches IS 'Readings as they came: for each tenant and flush as many rows as keep a frame within a page, each
of other devices. Written by iot.ingest alone.';

--
-- Name: COLUMN batches.id; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.batches.id IS 'Rises with arrival: where a reading came twice, that of the higher id counts.';

--
-- Name: COLUMN batches.first_device; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.batches.first_device IS 'Least number of a device in the frame.';

--
-- Name: COLUMN batches.last_device; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.batches.last_device IS 'Greatest number of a device in the frame.';

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

COMMENT ON COLUMN iot.batches.frame IS 'Packed readings, see docs/telemetry-format.md. Stored as it is: it is compact already.';

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
-- Name: blocks blocks_pkey; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.blocks
    ADD CONSTRAINT blocks_pkey PRIMARY KEY (tenant_id, device, first_at);

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
-- Name: latest latest_pkey; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.latest
    ADD CONSTRAINT latest_pkey PRIMARY KEY (tenant_id, device);

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
-- Name: retention_policies one_policy_a_metric; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.retention_policies
    ADD CONSTRAINT one_policy_a_metric UNIQUE NULLS NOT DISTINCT (tenant_id, metric);

--
-- Name: rejected_messages rejected_messages_pkey; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.rejected_messages
    ADD CONSTRAINT rejected_messages_pkey PRIMARY KEY (tenant_id, id);

--
-- Name: retention_policies retention_policies_pkey; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.retention_policies
    ADD CONSTRAINT retention_policies_pkey PRIMARY KEY (tenant_id, id);

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
-- Name: batches_range; Type: INDEX; Schema: iot; Owner: postgres
--

CREATE INDEX batches_range ON iot.batches USING btree (tenant_id, last_at, first_at, first_device, last_device);

--
-- Name: blocks_retention; Type: INDEX; Schema: iot; Owner: postgres
--

CREATE INDEX blocks_retention ON ONLY iot.blocks USING btree (tenant_id, kept_under, COALESCE(kept_until, first_at));

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
-- Name: retention_policies retention_policies_tenant_id_fkey; Type: FK CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.retention_policies
    ADD CONSTRAINT retention_policies_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: retention_policies retention_policies_tenant_id_metric_fkey; Type: FK CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.retention_policies
    ADD CONSTRAINT retention_policies_tenant_id_metric_fkey FOREIGN KEY (tenant_id, metric) REFERENCES iot.metrics(tenant_id, number) ON DELETE CASCADE;

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
-- Name: blocks; Type: ROW SECURITY; Schema: iot; Owner: postgres
--

ALTER TABLE iot.blocks ENABLE ROW LEVEL SECURITY;

--
-- Name: blocks blocks_read; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY blocks_read ON iot.blocks FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('iot.telemetry.read'::text) AS tenants_with)::uuid[])));

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
-- Name: latest; Type: ROW SECURITY; Schema: iot; Owner: postgres
--

ALTER TABLE iot.latest ENABLE ROW LEVEL SECURITY;

--
-- Name: latest latest_read; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY latest_read ON iot.latest FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('iot.telemetry.read'::text) AS tenants_with)::uuid[])));

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
-- Name: retention_policies; Type: ROW SECURITY; Schema: iot; Owner: postgres
--

ALTER TABLE iot.retention_policies ENABLE ROW LEVEL SECURITY;

--
-- Name: retention_policies retention_policies_add; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY retention_policies_add ON iot.retention_policies FOR INSERT TO authenticated WITH CHECK ((tenant_id = ANY (( SELECT core.tenants_with('iot.retention.write'::text) AS tenants_with)::uuid[])));

--
-- Name: retention_policies retention_policies_change; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY retention_policies_change ON iot.retention_policies FOR UPDATE TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('iot.retention.write'::text) AS tenants_with)::uuid[]))) WITH CHECK ((tenant_id = ANY (( SELECT core.tenants_with('iot.retention.write'::text) AS tenants_with)::uuid[])));

--
-- Name: retention_policies retention_policies_read; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY retention_policies_read ON iot.retention_policies FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('iot.telemetry.read'::text) AS tenants_with)::uuid[])));

--
-- Name: retention_policies retention_policies_remove; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY retention_policies_remove ON iot.retention_policies FOR DELETE TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('iot.retention.write'::text) AS tenants_with)::uuid[])));

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
-- Name: FUNCTION tenants_with(permission text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.tenants_with(permission text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.tenants_with(permission text) TO authenticated;
GRANT ALL ON FUNCTION core.tenants_with(permission text) TO service_role;

--
-- Name: FUNCTION add_blocks_partition(month timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.add_blocks_partition(month timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION answer(query bytea, tenant_id uuid, devices integer[], "from" timestamp with time zone, "to" timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.answer(query bytea, tenant_id uuid, devices integer[], "from" timestamp with time zone, "to" timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.answer(query bytea, tenant_id uuid, devices integer[], "from" timestamp with time zone, "to" timestamp with time zone) TO authenticated;
GRANT ALL ON FUNCTION iot.answer(query bytea, tenant_id uuid, devices integer[], "from" timestamp with time zone, "to" timestamp with time zone) TO service_role;

--
-- Name: FUNCTION asked_series(devices text[], metrics text[], with_devices boolean, OUT tenant_id uuid, OUT device_numbers integer[], OUT device_slugs text[], OUT metric_numbers integer[], OUT metric_names text[], OUT metric_units text[]); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.asked_series(devices text[], metrics text[], with_devices boolean, OUT tenant_id uuid, OUT device_numbers integer[], OUT device_slugs text[], OUT metric_numbers integer[], OUT metric_names text[], OUT metric_units text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.asked_series(devices text[], metrics text[], with_devices boolean, OUT tenant_id uuid, OUT device_numbers integer[], OUT device_slugs text[], OUT metric_numbers integer[], OUT metric_names text[], OUT metric_units text[]) TO authenticated;
GRANT ALL ON FUNCTION iot.asked_series(devices text[], metrics text[], with_devices boolean, OUT tenant_id uuid, OUT device_numbers integer[], OUT device_slugs text[], OUT metric_numbers integer[], OUT metric_names text[], OUT metric_units text[]) TO service_role;

--
-- Name: TABLE blocks; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT ON TABLE iot.blocks TO authenticated;
GRANT ALL ON TABLE iot.blocks TO service_role;

--
-- Name: FUNCTION blocks_partitions(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.blocks_partitions() FROM PUBLIC;

--
-- Name: FUNCTION blocks_past_before(as_of timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.blocks_past_before(as_of timestamp with time zone) FROM PUBLIC;

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
-- Name: FUNCTION compact(up_to timestamp with time zone, budget interval); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.compact(up_to timestamp with time zone, budget interval) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.compact(up_to timestamp with time zone, budget interval) TO tenon_bridge;
GRANT ALL ON FUNCTION iot.compact(up_to timestamp with time zone, budget interval) TO service_role;

--
-- Name: FUNCTION compact_tenant(tenant_id uuid, settled bigint, up_to timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.compact_tenant(tenant_id uuid, settled bigint, up_to timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION compaction_batches_max(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.compaction_batches_max() FROM PUBLIC;

--
-- Name: FUNCTION compaction_lock_class(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.compaction_lock_class() FROM PUBLIC;

--
-- Name: FUNCTION compaction_tenants_max(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.compaction_tenants_max() FROM PUBLIC;

--
-- Name: FUNCTION cron_is_usable(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.cron_is_usable() FROM PUBLIC;

--
-- Name: FUNCTION drop_blocks_partition(partition regclass, as_of timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.drop_blocks_partition(partition regclass, as_of timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION due_blocks(tenant_id uuid, fingerprint bigint, readings_before timestamp with time zone, as_of timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.due_blocks(tenant_id uuid, fingerprint bigint, readings_before timestamp with time zone, as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.due_blocks(tenant_id uuid, fingerprint bigint, readings_before timestamp with time zone, as_of timestamp with time zone) TO authenticated;
GRANT ALL ON FUNCTION iot.due_blocks(tenant_id uuid, fingerprint bigint, readings_before timestamp with time zone, as_of timestamp with time zone) TO service_role;

--
-- Name: FUNCTION housekeep(budget interval); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.housekeep(budget interval) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.housekeep(budget interval) TO service_role;

--
-- Name: FUNCTION housekeep_unscheduled(budget interval); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.housekeep_unscheduled(budget interval) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.housekeep_unscheduled(budget interval) TO tenon_bridge;

--
-- Name: FUNCTION housekeeping_is_scheduled(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.housekeeping_is_scheduled() FROM PUBLIC;

--
-- Name: FUNCTION housekeeping_job(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.housekeeping_job() FROM PUBLIC;

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
-- Name: FUNCTION insert_blocks(tenant_id uuid, packed bytea, except_for bigint[]); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.insert_blocks(tenant_id uuid, packed bytea, except_for bigint[]) FROM PUBLIC;

--
-- Name: FUNCTION lock_blocks(tenant_id uuid); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.lock_blocks(tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION merge_small_blocks(tenant_id uuid, packed bytea); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.merge_small_blocks(tenant_id uuid, packed bytea) FROM PUBLIC;

--
-- Name: FUNCTION metrics_per_tenant_max(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.metrics_per_tenant_max() FROM PUBLIC;
GRANT ALL ON FUNCTION iot.metrics_per_tenant_max() TO authenticated;
GRANT ALL ON FUNCTION iot.metrics_per_tenant_max() TO service_role;

--
-- Name: FUNCTION month_of(at timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.month_of(at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.month_of(at timestamp with time zone) TO authenticated;
GRANT ALL ON FUNCTION iot.month_of(at timestamp with time zone) TO service_role;

--
-- Name: TABLE tenants; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.tenants TO authenticated;
GRANT ALL ON TABLE core.tenants TO service_role;

--
-- Name: FUNCTION refused_devices(batch bytea, ordinals integer[]); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.refused_devices(batch bytea, ordinals integer[]) FROM PUBLIC;

--
-- Name: FUNCTION register_devices(batch bytea, ordinals integer[]); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.register_devices(batch bytea, ordinals integer[]) FROM PUBLIC;

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
-- Name: FUNCTION rejected_days_default(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.rejected_days_default() FROM PUBLIC;
GRANT ALL ON FUNCTION iot.rejected_days_default() TO authenticated;
GRANT ALL ON FUNCTION iot.rejected_days_default() TO service_role;

--
-- Name: FUNCTION retain(budget interval, as_of timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.retain(budget interval, as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.retain(budget interval, as_of timestamp with time zone) TO service_role;

--
-- Name: FUNCTION retain_blocks(tenant_id uuid, begin_from timestamp with time zone, as_of timestamp with time zone, deadline timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.retain_blocks(tenant_id uuid, begin_from timestamp with time zone, as_of timestamp with time zone, deadline timestamp with time zone) FROM PUBLIC;

--
-- Name: TABLE retention_policies; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT,DELETE ON TABLE iot.retention_policies TO authenticated;
GRANT ALL ON TABLE iot.retention_policies TO service_role;

--
-- Name: COLUMN retention_policies.tenant_id; Type: ACL; Schema: iot; Owner: postgres
--

GRANT INSERT(tenant_id) ON TABLE iot.retention_policies TO authenticated;

--
-- Name: COLUMN retention_policies.metric; Type: ACL; Schema: iot; Owner: postgres
--

GRANT INSERT(metric) ON TABLE iot.retention_policies TO authenticated;

--
-- Name: COLUMN retention_policies.raw_days; Type: ACL; Schema: iot; Owner: postgres
--

GRANT INSERT(raw_days),UPDATE(raw_days) ON TABLE iot.retention_policies TO authenticated;

--
-- Name: COLUMN retention_policies.hourly_days; Type: ACL; Schema: iot; Owner: postgres
--

GRANT INSERT(hourly_days),UPDATE(hourly_days) ON TABLE iot.retention_policies TO authenticated;

--
-- Name: COLUMN retention_policies.rejected_days; Type: ACL; Schema: iot; Owner: postgres
--

GRANT INSERT(rejected_days),UPDATE(rejected_days) ON TABLE iot.retention_policies TO authenticated;

--
-- Name: COLUMN retention_policies.changed_at; Type: ACL; Schema: iot; Owner: postgres
--

GRANT UPDATE(changed_at) ON TABLE iot.retention_policies TO authenticated;

--
-- Name: COLUMN retention_policies.changed_by; Type: ACL; Schema: iot; Owner: postgres
--

GRANT UPDATE(changed_by) ON TABLE iot.retention_policies TO authenticated;

--
-- Name: FUNCTION retention_of(tenant_id uuid, as_of timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.retention_of(tenant_id uuid, as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.retention_of(tenant_id uuid, as_of timestamp with time zone) TO authenticated;
GRANT ALL ON FUNCTION iot.retention_of(tenant_id uuid, as_of timestamp with time zone) TO service_role;

--
-- Name: TABLE latest; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT ON TABLE iot.latest TO authenticated;
GRANT ALL ON TABLE iot.latest TO service_role;

--
-- Name: FUNCTION retain_latest(tenant_id uuid, as_of timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.retain_latest(tenant_id uuid, as_of timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION retain_rejected_messages(tenant_id uuid, received_before timestamp with time zone, deadline timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.retain_rejected_messages(tenant_id uuid, received_before timestamp with time zone, deadline timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION retention_messages_max(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.retention_messages_max() FROM PUBLIC;

--
-- Name: FUNCTION retention_metric(tenant_id uuid, metric text); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.retention_metric(tenant_id uuid, metric text) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.retention_metric(tenant_id uuid, metric text) TO authenticated;
GRANT ALL ON FUNCTION iot.retention_metric(tenant_id uuid, metric text) TO service_role;

--
-- Name: FUNCTION retention_tenant_id(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.retention_tenant_id() FROM PUBLIC;
GRANT ALL ON FUNCTION iot.retention_tenant_id() TO authenticated;
GRANT ALL ON FUNCTION iot.retention_tenant_id() TO service_role;

--
-- Name: FUNCTION schedule_housekeeping(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.schedule_housekeeping() FROM PUBLIC;

--
-- Name: FUNCTION settled_batch(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.settled_batch() FROM PUBLIC;

--
-- Name: FUNCTION store_blocks(tenant_id uuid, packed bytea); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.store_blocks(tenant_id uuid, packed bytea) FROM PUBLIC;

--
-- Name: FUNCTION clear_retention(metric text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.clear_retention(metric text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.clear_retention(metric text) TO authenticated;
GRANT ALL ON FUNCTION v1.clear_retention(metric text) TO service_role;

--
-- Name: FUNCTION ingest(messages jsonb); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.ingest(messages jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.ingest(messages jsonb) TO authenticated;
GRANT ALL ON FUNCTION v1.ingest(messages jsonb) TO service_role;
GRANT ALL ON FUNCTION v1.ingest(messages jsonb) TO tenon_device;

--
-- Name: FUNCTION latest(devices text[], metrics text[]); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.latest(devices text[], metrics text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.latest(devices text[], metrics text[]) TO authenticated;
GRANT ALL ON FUNCTION v1.latest(devices text[], metrics text[]) TO service_role;

--
-- Name: FUNCTION readings(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, above double precision, below double precision, max_points integer); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.readings(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, above double precision, below double precision, max_points integer) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.readings(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, above double precision, below double precision, max_points integer) TO authenticated;
GRANT ALL ON FUNCTION v1.readings(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, above double precision, below double precision, max_points integer) TO service_role;

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
-- Name: FUNCTION retention_preview(as_of timestamp with time zone); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.retention_preview(as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.retention_preview(as_of timestamp with time zone) TO authenticated;
GRANT ALL ON FUNCTION v1.retention_preview(as_of timestamp with time zone) TO service_role;

--
-- Name: TABLE retention_policies; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.retention_policies TO authenticated;
GRANT SELECT ON TABLE v1.retention_policies TO service_role;

--
-- Name: FUNCTION set_retention(raw_days integer, hourly_days integer, metric text, rejected_days integer); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.set_retention(raw_days integer, hourly_days integer, metric text, rejected_days integer) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.set_retention(raw_days integer, hourly_days integer, metric text, rejected_days integer) TO authenticated;
GRANT ALL ON FUNCTION v1.set_retention(raw_days integer, hourly_days integer, metric text, rejected_days integer) TO service_role;

--
-- Name: FUNCTION telemetry(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], fill text, time_zone text, origin timestamp with time zone, max_points integer, group_by text[]); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.telemetry(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], fill text, time_zone text, origin timestamp with time zone, max_points integer, group_by text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.telemetry(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], fill text, time_zone text, origin timestamp with time zone, max_points integer, group_by text[]) TO authenticated;
GRANT ALL ON FUNCTION v1.telemetry(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], fill text, time_zone text, origin timestamp with time zone, max_points integer, group_by text[]) TO service_role;

--
-- Name: TABLE errors; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.errors TO anon;
GRANT SELECT ON TABLE core.errors TO authenticated;
GRANT SELECT ON TABLE core.errors TO service_role;
GRANT SELECT ON TABLE core.errors TO tenon_device;

--
-- Name: TABLE members; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.members TO authenticated;
GRANT ALL ON TABLE core.members TO service_role;

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

