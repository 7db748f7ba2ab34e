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
-- Name: hooks; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA hooks;

ALTER SCHEMA hooks OWNER TO postgres;

--
-- Name: SCHEMA hooks; Type: COMMENT; Schema: -; Owner: postgres
--

COMMENT ON SCHEMA hooks IS 'What Supabase Auth calls, as supabase_auth_admin. Not exposed.';

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
-- Name: accept_invitation(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.accept_invitation(token text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    caller constant record := core.caller();
    invitation core.invitations;
    address text;
    member core.members;
begin
    if caller.kind <> 'user' then
        perform core.fail('access.user_needed');
    end if;
    -- The address as the database knows it, and confirmed: not the token's word for it.
    select lower(users.email) into address
    from auth.users
    where users.id = caller.id and users.email_confirmed_at is not null;
    select invitations.* into invitation
    from core.invitations
    where invitations.token_hash = sha256(convert_to(accept_invitation.token, 'UTF8'))
    for update;
    if (invitation.email = address) is not true then
        perform core.fail('invitation.invalid');
    elsif invitation.accepted_at is not null then
        perform core.fail('invitation.used');
    elsif invitation.revoked_at is not null then
        perform core.fail('invitation.revoked');
    elsif invitation.expires_at <= clock_timestamp() then
        perform core.fail('invitation.expired');
    elsif not exists (
        select from core.tenants
        where tenants.id = invitation.tenant_id and tenants.status = 'active'
    ) then
        perform core.fail('invitation.invalid');
    elsif not core.email_allowed(invitation.tenant_id, address) then
        perform core.fail('invitation.domain_refused');
    end if;
    insert into core.members (tenant_id, user_id, role_tenant_id, role_id, created_by)
    values (
        invitation.tenant_id, caller.id, invitation.role_tenant_id, invitation.role_id,
        invitation.created_by
    )
    on conflict do nothing
    returning * into member;
    if member.user_id is null then
        perform core.fail('invitation.already_member');
    end if;
    update core.invitations set accepted_at = now(), accepted_by = caller.id
    where
        invitations.tenant_id = invitation.tenant_id
        and invitations.id = invitation.id;
    perform core.emit(
        invitation.tenant_id, 'core.member.joined', 'member', caller.id,
        jsonb_build_object('invitation', invitation.id)
    );
    return core.member_answer(member);
end
$$;

ALTER FUNCTION core.accept_invitation(token text) OWNER TO postgres;

--
-- Name: FUNCTION accept_invitation(token text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.accept_invitation(token text) IS 'What v1.accept_invitation does. Definer, because whoever accepts is no member yet. Signed-in users
may call it.';

--
-- Name: active_tenant(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.active_tenant(user_id uuid, OUT tenant_id uuid, OUT tenant text, OUT role text) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    above uuid;
begin
    select
        tenants.id,
        tenants.slug,
        tenants.parent_id,
        roles.slug
    into active_tenant.tenant_id, active_tenant.tenant, above, active_tenant.role
    from core.tenants
    left join core.members
        on
            members.tenant_id = tenants.id
            and members.user_id = active_tenant.user_id
            and members.status = 'active'
    left join core.roles
        on roles.tenant_id = members.role_tenant_id and roles.id = members.role_id
    where
        tenants.status <> 'suspended'
        and tenants.id = coalesce(
            (
                select settings.active_tenant_id
                from core.user_settings as settings
                where
                    settings.tenant_id = core.platform_tenant_id()
                    and settings.user_id = active_tenant.user_id
            ),
            (
                select (array_agg(members.tenant_id))[1]
                from core.members
                where members.user_id = active_tenant.user_id
                having count(*) = 1
            )
        );

    -- A role held above may reach down to it; few users are here.
    while active_tenant.role is null and above is not null loop
        select
            tenants.parent_id,
            roles.slug
        into above, active_tenant.role
        from core.tenants
        left join core.members
            on
                members.tenant_id = tenants.id
                and members.user_id = active_tenant.user_id
                and members.status = 'active'
        left join core.roles
            on
                roles.tenant_id = members.role_tenant_id
                and roles.id = members.role_id
                and exists (
                    select from core.role_permissions as granted
                    where
                        granted.tenant_id = roles.tenant_id
                        and granted.role_id = roles.id
                        and granted.scope = 'descendants'
                )
        where tenants.id = above and tenants.status <> 'suspended';
    end loop;
    if active_tenant.role is null then
        active_tenant.tenant_id := null;
        active_tenant.tenant := null;
    end if;
end
$$;

ALTER FUNCTION core.active_tenant(user_id uuid, OUT tenant_id uuid, OUT tenant text, OUT role text) OWNER TO postgres;

--
-- Name: FUNCTION active_tenant(user_id uuid, OUT tenant_id uuid, OUT tenant text, OUT role text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.active_tenant(user_id uuid, OUT tenant_id uuid, OUT tenant text, OUT role text) IS 'The tenant that a user has chosen, or is the only member of: its id and slug, and the role that the
user has there, or in the nearest tenant above with a role that reaches down. Nulls where there is
none. A hint for interfaces and mails; access is core.tenants_with. For supabase_auth_admin and
functions of core.';

--
-- Name: caller_id(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.caller_id() RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return (core.caller()).id;
end
$$;

ALTER FUNCTION core.caller_id() OWNER TO postgres;

--
-- Name: FUNCTION caller_id(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.caller_id() IS 'The id of the calling user, API key or device: what created_by records. Anyone may call it.';

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: api_keys; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.api_keys (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    name text NOT NULL,
    role_tenant_id uuid NOT NULL,
    role_id uuid NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    revoked_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT core.caller_id(),
    CONSTRAINT name_is_short CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT role_is_own_or_system CHECK (((role_tenant_id = tenant_id) OR (role_tenant_id = '00000000-0000-0000-0000-000000000000'::uuid)))
);

ALTER TABLE core.api_keys OWNER TO postgres;

--
-- Name: TABLE api_keys; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.api_keys IS 'Programs that act for a tenant. A key holds a role as a member does, outlives whoever made it, and
proves itself with one of its secrets.';

--
-- Name: COLUMN api_keys.expires_at; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.api_keys.expires_at IS 'From when the key is refused; null for never.';

--
-- Name: add_api_key_secret(core.api_keys); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.add_api_key_secret(api_key core.api_keys, OUT token text, OUT hint text) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    token := tenon.token('key');
    hint := left(token, 12);
    insert into core.api_key_secrets (tenant_id, api_key_id, token_hash, hint, expires_at)
    values (
        api_key.tenant_id, api_key.id, sha256(convert_to(token, 'UTF8')), hint,
        api_key.expires_at
    );
end
$$;

ALTER FUNCTION core.add_api_key_secret(api_key core.api_keys, OUT token text, OUT hint text) OWNER TO postgres;

--
-- Name: FUNCTION add_api_key_secret(api_key core.api_keys, OUT token text, OUT hint text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.add_api_key_secret(api_key core.api_keys, OUT token text, OUT hint text) IS 'Gives an API key one more secret, and returns it for the only time. Internal.';

--
-- Name: add_audit_partition(timestamp with time zone); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.add_audit_partition(month timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    name constant text := 'audit_entries_' || to_char(month at time zone 'UTC', 'YYYY_MM');
begin
    if exists (
        select from pg_class
        where pg_class.relname = name and pg_class.relnamespace = 'core'::regnamespace
    ) then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('core.add_audit_partition', 0));
    if exists (
        select from pg_class
        where pg_class.relname = name and pg_class.relnamespace = 'core'::regnamespace
    ) then
        return false;
    end if;
    execute format('create table core.%I (like core.audit_entries including all)', name);
    execute format('comment on table core.%I is %L', name, 'A month of core.audit_entries.');
    execute format('alter table core.%I enable row level security', name);
    execute format(
        'create policy audit_entries_read on core.%I for select to authenticated '
        'using (tenant_id = any((select core.tenants_with(''core.audit.read''))::uuid[]))', name
    );
    execute format(
        'create trigger audit_is_not_truncated before truncate on core.%I '
        'for each statement execute function core.refuse_audit_change()', name
    );
    -- Entries that were written before their month had a partition go there as they are.
    if exists (
        select from core.audit_entries_default as waiting
        where waiting.at >= month and waiting.at < core.month_after(month)
    ) then
        lock table core.audit_entries_default in access exclusive mode;
        execute format(
            'insert into core.%I select * from core.audit_entries_default as waiting '
            'where waiting.at >= $1 and waiting.at < $2', name
        )
        using month, core.month_after(month);
        alter table core.audit_entries_default disable trigger audit_is_append_only;
        delete from core.audit_entries_default as waiting
        where waiting.at >= month and waiting.at < core.month_after(month);
        alter table core.audit_entries_default enable trigger audit_is_append_only;
    end if;
    execute format(
        'alter table core.audit_entries attach partition core.%I for values from (%L) to (%L)',
        name, month, core.month_after(month)
    );
    return true;
end
$_$;

ALTER FUNCTION core.add_audit_partition(month timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION add_audit_partition(month timestamp with time zone); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.add_audit_partition(month timestamp with time zone) IS 'Makes the partition of core.audit_entries for the month that begins then; false if it is there.
Nobody is granted a partition itself. Internal.';

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

--
-- Name: role_permissions; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.role_permissions (
    tenant_id uuid NOT NULL,
    role_id uuid NOT NULL,
    permission text NOT NULL,
    scope text DEFAULT 'tenant'::text NOT NULL,
    CONSTRAINT scope_is_known CHECK ((scope = ANY (ARRAY['own'::text, 'team'::text, 'tenant'::text, 'descendants'::text])))
);

ALTER TABLE core.role_permissions OWNER TO postgres;

--
-- Name: TABLE role_permissions; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.role_permissions IS 'What a role allows, and on which records.';

--
-- Name: COLUMN role_permissions.scope; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.role_permissions.scope IS 'own: records whose owner is the holder. team: those of the holder''s teams too. tenant: all of the
tenant. descendants: those of every tenant below it as well.';

--
-- Name: roles; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.roles (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    of_api_key boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT core.caller_id(),
    CONSTRAINT name_is_short CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT slug_is_a_word CHECK ((slug ~ '^[a-z][a-z0-9_]{0,62}$'::text))
);

ALTER TABLE core.roles OWNER TO postgres;

--
-- Name: TABLE roles; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.roles IS 'Named sets of permissions. Those of the platform tenant are the system roles of everyone.';

--
-- Name: COLUMN roles.of_api_key; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.roles.of_api_key IS 'Whether the role was made for one API key, by a list of permissions. Members cannot hold it.';

--
-- Name: allow_system_roles(text[], text[], text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.allow_system_roles(role_slugs text[], permissions text[], scope text DEFAULT NULL::text) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 INSERT INTO core.role_permissions (tenant_id, role_id, permission, scope)  SELECT roles.tenant_id,
             roles.id,
             granted.permission,
             COALESCE(allow_system_roles.scope,
                 CASE
                     WHEN (roles.slug = ANY (ARRAY['owner'::text, 'admin'::text])) THEN 'descendants'::text
                     ELSE 'tenant'::text
                 END) AS "coalesce"
            FROM (core.roles
              CROSS JOIN unnest(allow_system_roles.permissions) granted(permission))
           WHERE ((roles.tenant_id = core.platform_tenant_id()) AND (roles.slug = ANY (allow_system_roles.role_slugs))) ON CONFLICT DO NOTHING;
END;

ALTER FUNCTION core.allow_system_roles(role_slugs text[], permissions text[], scope text) OWNER TO postgres;

--
-- Name: FUNCTION allow_system_roles(role_slugs text[], permissions text[], scope text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.allow_system_roles(role_slugs text[], permissions text[], scope text) IS 'Gives permissions to system roles, with a scope: without one, owners and administrators get them in
the tenants below too, and the other roles in the tenant. For the migration that brings the
permissions. Owner only.';

--
-- Name: answers_kept_for(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.answers_kept_for() RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN '24:00:00'::interval;

ALTER FUNCTION core.answers_kept_for() OWNER TO postgres;

--
-- Name: FUNCTION answers_kept_for(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.answers_kept_for() IS 'For how long an answer is kept for whoever sends its request again: longer than clients go on
trying. Internal.';

--
-- Name: api_key_named(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.api_key_named(id uuid) RETURNS core.api_keys
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.api_keys.write');
    named core.api_keys;
begin
    select api_keys.* into named
    from core.api_keys
    where
        api_keys.tenant_id = owner_id
        and api_keys.id = api_key_named.id
        and api_keys.revoked_at is null
    for update;
    if named.id is null then
        perform core.fail('api_key.unknown', jsonb_build_object('id', api_key_named.id));
    end if;
    return named;
end
$$;

ALTER FUNCTION core.api_key_named(id uuid) OWNER TO postgres;

--
-- Name: FUNCTION api_key_named(id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.api_key_named(id uuid) IS 'An API key that the caller may change, locked. Raises api_key.unknown (404). Internal.';

--
-- Name: append_audit_seal(uuid, timestamp with time zone, bigint[], bytea); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.append_audit_seal(tenant_id uuid, month timestamp with time zone, ids bigint[], digests bytea) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    head core.audit_heads;
    seal core.audit_seals;
begin
    select * into head
    from core.audit_heads
    where audit_heads.tenant_id = append_audit_seal.tenant_id;
    seal := row(
        tenant_id,
        coalesce(head.number, 0) + 1,
        month,
        cardinality(ids),
        ids,
        digests,
        coalesce(head.hash, decode(repeat('00', 32), 'hex')),
        null,
        clock_timestamp()
    );
    seal.hash := sha256(convert_to(core.audit_seal_text(seal), 'UTF8'));
    insert into core.audit_seals values (seal.*);
    insert into core.audit_heads as heads (tenant_id, number, hash, entries)
    values (seal.tenant_id, seal.number, seal.hash, seal.entries)
    on conflict on constraint audit_heads_pkey do update
        set
            number = excluded.number,
            hash = excluded.hash,
            entries = heads.entries + excluded.entries;
end
$$;

ALTER FUNCTION core.append_audit_seal(tenant_id uuid, month timestamp with time zone, ids bigint[], digests bytea) OWNER TO postgres;

--
-- Name: FUNCTION append_audit_seal(tenant_id uuid, month timestamp with time zone, ids bigint[], digests bytea); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.append_audit_seal(tenant_id uuid, month timestamp with time zone, ids bigint[], digests bytea) IS 'Appends a seal to the chain of a tenant. The caller holds the sealers'' lock. Internal.';

--
-- Name: apply_retention(interval); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.apply_retention(budget interval DEFAULT '00:00:30'::interval) RETURNS TABLE(row_count bigint, done boolean, failure text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    deadline constant timestamptz := clock_timestamp() + budget;
    has_holds constant boolean := exists (
        select from core.legal_holds where legal_holds.released_at is null
    );
    rule core.retention_rules;
    kept record;
begin
    row_count := 0;
    done := true;
    -- Who comes second leaves it to the first.
    if not pg_try_advisory_xact_lock(hashtextextended('core.apply_retention', 0)) then
        return next;
        return;
    end if;
    for rule in
        select
            rules.relation,
            rules.table_name,
            rules.subject,
            rules.method,
            rules.retention,
            rules.retention_from,
            rules.condition,
            rules.assignments,
            case when has_holds then rules.held else 'false' end as held
        from core.retention_rules as rules
        left join core.retention_runs as runs
            on
                runs.table_name = rules.table_name
                and runs.subject = rules.subject
                and runs.method = rules.method
                and runs.retention = rules.retention
                and runs.retention_from = rules.retention_from
        where (runs.finished_at > now() - core.retention_rest()) is not true
        order by
            runs.ran_at nulls first, core.depth_of(rules.relation) desc, rules.table_name,
            rules.subject
    loop
        select * into kept from core.retain_by_rule(rule, deadline);
        row_count := row_count + kept.row_count;
        failure := nullif(
            concat_ws('; ', failure, rule.table_name || ': ' || kept.failure), ''
        );
        done := done and kept.done;
        exit when clock_timestamp() >= deadline;
    end loop;
    return next;
end
$$;

ALTER FUNCTION core.apply_retention(budget interval) OWNER TO postgres;

--
-- Name: FUNCTION apply_retention(budget interval); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.apply_retention(budget interval) IS 'Deletes or empties what is stored for longer than the data map says, in steps, for about as long
as the budget says; rows about persons under a legal hold stay. Returns how many rows it dealt
with, whether nothing is left, and what failed, in words; core.retention_runs has it by rule. May
be called again at any time, and in several sessions. Definer, because it works for every tenant;
service_role may call it.';

--
-- Name: audit(regclass, text[]); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.audit(audited regclass, ignored text[] DEFAULT '{}'::text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    settings constant jsonb := core.audit_settings(audited, ignored);
    arguments constant text := format(
        '%L, %L%s', settings, settings ->> 'table',
        case when settings -> 'personal' <> '[]' then ', ''personal''' end
    );
    -- Postgres reads the condition anew for each statement: the shorter, the better.
    is_different constant text := case
        when ignored = '{}' then 'record_image_ne(old.*, new.*)'
        else (
            select format(
                'record_image_ne(row(%s), row(%s))',
                string_agg(format('old.%I', attributes.attname), ', ' order by attributes.attnum),
                string_agg(format('new.%I', attributes.attname), ', ' order by attributes.attnum)
            )
            from pg_attribute as attributes
            where
                attributes.attrelid = audited
                and attributes.attnum > 0
                and not attributes.attisdropped
                and attributes.attname <> all(ignored)
        )
    end;
    part regclass;
begin
    execute format('drop trigger if exists audit_row on %s', audited);
    execute format(
        'create trigger audit_row after insert or delete on %s '
        'for each row execute function core.audit_row(%s)', audited, arguments
    );
    -- Compared as bytes, because not every type has an equality. What is not different costs this
    -- comparison and nothing else.
    execute format('drop trigger if exists audit_update on %s', audited);
    execute format(
        'create trigger audit_update after update on %s '
        'for each row when (%s) execute function core.audit_row(%s)',
        audited, is_different, arguments
    );
    -- A partition does not inherit this one.
    for part in
        select audited union select tree.relid from pg_partition_tree(audited) as tree
    loop
        execute format('drop trigger if exists audit_truncation on %s', part);
        execute format(
            'create trigger audit_truncation before truncate on %s '
            'for each statement execute function core.audit_truncation(%s)', part, arguments
        );
    end loop;
end
$$;

ALTER FUNCTION core.audit(audited regclass, ignored text[]) OWNER TO postgres;

--
-- Name: FUNCTION audit(audited regclass, ignored text[]); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.audit(audited regclass, ignored text[]) IS 'Switches the audit of a table on: each insert, update, delete and truncate of it becomes an entry
of the row''s tenant. The table has a primary key and a column tenant_id. ignored: columns that are
not recorded; an update of these alone is none. Calling it again brings the triggers up to date.
For the migration that makes the table. Owner only.';

--
-- Name: audit_cut_months(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.audit_cut_months(tenant_id uuid) RETURNS timestamp with time zone[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return array(
        select sealed.month
        from (
            select distinct seals.month
            from core.audit_seals as seals
            where seals.tenant_id = audit_cut_months.tenant_id
        ) as sealed
        where exists (
            select from core.audit_entries as entries
            where
                entries.tenant_id = audit_cut_months.tenant_id
                and entries.event = 'audit.month_dropped'
                and jsonb_hash(entries.key) = jsonb_hash(core.audit_month_key(sealed.month))
                and entries.key = core.audit_month_key(sealed.month)
        )
    );
end
$$;

ALTER FUNCTION core.audit_cut_months(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION audit_cut_months(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.audit_cut_months(tenant_id uuid) IS 'The months whose entries core.drop_audit_month has dropped, as the tenant''s chain says.
Internal.';

--
-- Name: audit_entries_id_seq; Type: SEQUENCE; Schema: core; Owner: postgres
--

CREATE SEQUENCE core.audit_entries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER TABLE core.audit_entries_id_seq OWNER TO postgres;

--
-- Name: audit_entries; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.audit_entries (
    tenant_id uuid NOT NULL,
    id bigint DEFAULT nextval('core.audit_entries_id_seq'::regclass) NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    operation text NOT NULL,
    table_name text,
    key jsonb,
    old jsonb,
    new jsonb,
    event text,
    details jsonb,
    caller_kind text NOT NULL,
    caller_id uuid,
    origin jsonb
)
PARTITION BY RANGE (at);

ALTER TABLE core.audit_entries OWNER TO postgres;

--
-- Name: TABLE audit_entries; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.audit_entries IS 'The audit trail: what happened to which record, by whom and from where. Append-only; partitioned by
month of UTC. Written by triggers that core.audit makes and by core.record_security_event alone.';

--
-- Name: COLUMN audit_entries.id; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_entries.id IS 'Ascends over all tenants in the order of writing. Ids of what was rolled back are missing.';

--
-- Name: COLUMN audit_entries.operation; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_entries.operation IS 'insert, update, delete, truncate, read (of a sensitive record) or event (a security event).';

--
-- Name: COLUMN audit_entries.key; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_entries.key IS 'The columns that tell the tenant''s records of the table apart.';

--
-- Name: COLUMN audit_entries.old; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_entries.old IS 'Columns that differ, before: the value, {"$ref": …} for a personal one (core.audit_values), or
{"$cut": …} where it was too long. Neither the tenant''s column nor those of the key.';

--
-- Name: COLUMN audit_entries.new; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_entries.new IS 'Columns that differ, after.';

--
-- Name: COLUMN audit_entries.event; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_entries.event IS 'The security event, such as member.added.';

--
-- Name: COLUMN audit_entries.caller_kind; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_entries.caller_kind IS 'The kind of principal: see core.caller().';

--
-- Name: COLUMN audit_entries.origin; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_entries.origin IS 'Where the request came from: address, method, path, request_id, user_agent.';

--
-- Name: audit_line(core.audit_entries); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.audit_line(entry core.audit_entries) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return tenon.audit_line(
        entry.tenant_id, entry.at, entry.operation, entry.table_name, entry.key, entry.old,
        entry.new, entry.event, entry.details, entry.caller_kind, entry.caller_id, entry.origin
    );
end
$$;

ALTER FUNCTION core.audit_line(entry core.audit_entries) OWNER TO postgres;

--
-- Name: FUNCTION audit_line(entry core.audit_entries); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.audit_line(entry core.audit_entries) IS 'The canonical form of an entry; its SHA-256 is the entry''s digest. Internal.';

--
-- Name: audit_month_key(timestamp with time zone); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.audit_month_key(month timestamp with time zone) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN jsonb_build_object('month', to_char((month AT TIME ZONE 'UTC'::text), 'YYYY-MM'::text));

ALTER FUNCTION core.audit_month_key(month timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION audit_month_key(month timestamp with time zone); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.audit_month_key(month timestamp with time zone) IS 'The key under which the trail says that a month of it was dropped. Internal.';

--
-- Name: audit_row(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.audit_row() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    recorded text[] := tenon.audit_changes(
        tg_argv[0],
        row_to_json(old)::text,
        row_to_json(new)::text,
        case when tg_nargs > 2 then gen_random_uuid()::text || gen_random_uuid()::text end
    );
begin
    while recorded is not null loop
        -- The caller as core.caller has it, which costs a third of the trigger when it is called.
        insert into core.audit_entries (
            tenant_id, operation, table_name, key, old, new, caller_kind, caller_id, origin
        )
        values (
            coalesce(recorded[2]::uuid, core.platform_tenant_id()),
            recorded[1],
            tg_argv[1],
            recorded[3]::jsonb,
            recorded[4]::jsonb,
            recorded[5]::jsonb,
            case
                when current_setting('tenon.caller_kind', true) <> ''
                    then current_setting('tenon.caller_kind')
                else (core.caller()).kind
            end,
            case
                when current_setting('tenon.caller_kind', true) <> ''
                    then nullif(current_setting('tenon.caller_id', true), '')::uuid
                else core.caller_id()
            end,
            case
                when current_setting('tenon.origin', true) <> ''
                    then current_setting('tenon.origin')::jsonb
                when current_setting('request.headers', true) <> '' then core.request_origin()
            end
        );
        exit when recorded[6] is null and cardinality(recorded) = 6;
        if recorded[6] is not null then
            perform core.write_personal_values(recorded);
        end if;
        -- A record that moves is two changes.
        recorded := nullif(recorded[7:12], '{}');
    end loop;
    return null;
end
$$;

ALTER FUNCTION core.audit_row() OWNER TO postgres;

--
-- Name: FUNCTION audit_row(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.audit_row() IS 'Trigger after insert, update and delete, made by core.audit: appends what changed. Arguments: the
settings of the table, its name, and a word where it has personal columns. Definer, because nobody
may write the trail.';

--
-- Name: audit_seal_entries_max(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.audit_seal_entries_max() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 5000;

ALTER FUNCTION core.audit_seal_entries_max() OWNER TO postgres;

--
-- Name: FUNCTION audit_seal_entries_max(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.audit_seal_entries_max() IS 'How many ids sealing takes at once, and thereby the longest seal: 200 kB. Internal.';

--
-- Name: audit_seals; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.audit_seals (
    tenant_id uuid NOT NULL,
    number bigint NOT NULL,
    month timestamp with time zone NOT NULL,
    entries integer NOT NULL,
    ids bigint[] NOT NULL,
    digests bytea NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    CONSTRAINT hash_is_a_digest CHECK ((octet_length(hash) = 32)),
    CONSTRAINT previous_is_a_digest CHECK ((octet_length(previous) = 32))
);
ALTER TABLE ONLY core.audit_seals ALTER COLUMN digests SET STORAGE EXTERNAL;

ALTER TABLE core.audit_seals OWNER TO postgres;

--
-- Name: TABLE audit_seals; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.audit_seals IS 'The chain of each tenant: what its entries were when they were sealed. Append-only. Seals stay when
a month of entries is dropped, so that the chain can be followed from its beginning.';

--
-- Name: COLUMN audit_seals.month; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_seals.month IS 'When the month of UTC began in which the entries are.';

--
-- Name: COLUMN audit_seals.ids; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_seals.ids IS 'The ids of the entries, ascending.';

--
-- Name: COLUMN audit_seals.digests; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_seals.digests IS 'SHA-256 of each entry''s line, 32 bytes each.';

--
-- Name: COLUMN audit_seals.previous; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_seals.previous IS 'The hash of the seal before; zeros for the first.';

--
-- Name: COLUMN audit_seals.hash; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_seals.hash IS 'SHA-256 of the seal''s text.';

--
-- Name: audit_seal_text(core.audit_seals); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.audit_seal_text(seal core.audit_seals) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    anchored record;
begin
    select
        coalesce(array_agg(anchors.tenant_id order by anchors.tenant_id), '{}') as tenants,
        coalesce(array_agg(anchors.number order by anchors.tenant_id), '{}') as numbers,
        coalesce(string_agg(anchors.hash, ''::bytea order by anchors.tenant_id), '') as hashes
    into anchored
    from core.audit_anchors as anchors
    where
        seal.tenant_id = core.platform_tenant_id()
        and anchors.platform_number = seal.number;
    return tenon.audit_seal(
        seal.tenant_id, seal.number, seal.month, seal.sealed_at, seal.previous, seal.ids,
        seal.digests, anchored.tenants, anchored.numbers, anchored.hashes
    );
end
$$;

ALTER FUNCTION core.audit_seal_text(seal core.audit_seals) OWNER TO postgres;

--
-- Name: FUNCTION audit_seal_text(seal core.audit_seals); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.audit_seal_text(seal core.audit_seals) IS 'The canonical form of a seal; its SHA-256 is the seal''s hash. Internal.';

--
-- Name: audit_settings(regclass, text[]); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.audit_settings(audited regclass, ignored text[]) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    tenant constant text := case audited
        when 'core.tenants'::regclass then 'id' else 'tenant_id'
    end;
    columns constant text[] := array(
        select attributes.attname
        from pg_attribute as attributes
        where attributes.attrelid = audited and attributes.attnum > 0 and not attisdropped
        order by attributes.attnum
    );
    key constant text[] := array(
        select attributes.attname
        from pg_index as indexes
        cross join unnest(indexes.indkey) with ordinality as place (attnum, position)
        inner join pg_attribute as attributes
            on attributes.attrelid = audited and attributes.attnum = place.attnum
        where indexes.indrelid = audited and indexes.indisprimary
        order by place.position
    );
    own_key constant text[] := array_remove(key, 'tenant_id');
begin
    if tenant <> all(columns) or cardinality(key) = 0 then
        raise exception 'an audited table has a primary key and a column tenant_id, and % has not',
            audited using errcode = 'undefined_column';
    end if;
    return jsonb_build_object(
        'table', core.name_of(audited),
        'tenant', tenant,
        'key', case when own_key = '{}' then key else own_key end,
        -- One that is dropped later is in nobody's way.
        'ignored', ignored,
        'personal', core.personal_columns(audited)
    );
end
$$;

ALTER FUNCTION core.audit_settings(audited regclass, ignored text[]) OWNER TO postgres;

--
-- Name: FUNCTION audit_settings(audited regclass, ignored text[]); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.audit_settings(audited regclass, ignored text[]) IS 'What the audit triggers of a table are to know. Internal.';

--
-- Name: audit_state(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.audit_state(tenant_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    state jsonb;
begin
    select
        jsonb_build_object(
            'tenant_id', audit_state.tenant_id,
            'unsealed', count(*),
            'unsealed_since', min(unsealed.at)
        )
    into state
    from core.unsealed_audit_entries(audit_state.tenant_id) as unsealed;
    return state || coalesce(
        (
            select
                jsonb_build_object(
                    'number', heads.number,
                    'hash', encode(heads.hash, 'hex'),
                    'entries', heads.entries,
                    'sealed_at', seals.sealed_at
                )
            from core.audit_heads as heads
            inner join core.audit_seals as seals
                on seals.tenant_id = heads.tenant_id and seals.number = heads.number
            where heads.tenant_id = audit_state.tenant_id
        ),
        jsonb_build_object('number', 0, 'hash', repeat('00', 32), 'entries', 0, 'sealed_at', null)
    );
end
$$;

ALTER FUNCTION core.audit_state(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION audit_state(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.audit_state(tenant_id uuid) IS 'How far the audit trail of a tenant is sealed: number, hash and time of the newest seal, how many
entries are sealed, how many are not yet and since when. Definer, because nobody is granted the
tables; service_role may call it.';

--
-- Name: audit_truncation(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.audit_truncation() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    counted record;
begin
    for counted in execute format(
        'select %I as tenant_id, count(*) as rows from %I.%I group by 1 '
        'union all select %L, (select count(*) from %2$I.%3$I)',
        tg_argv[0]::json ->> 'tenant', tg_table_schema, tg_table_name, core.platform_tenant_id()
    )
    loop
        perform core.write_audit_entry(
            counted.tenant_id,
            'truncate',
            tg_argv[1],
            details => jsonb_build_object('rows', counted.rows)
        );
    end loop;
    return null;
end
$_$;

ALTER FUNCTION core.audit_truncation() OWNER TO postgres;

--
-- Name: FUNCTION audit_truncation(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.audit_truncation() IS 'Trigger before truncate, made by core.audit: appends to the trail of each tenant, and to the
platform''s, how many rows went. Arguments as those of core.audit_row. Definer, because nobody may
write the trail.';

--
-- Name: audit_values_of(core.audit_entries, boolean); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.audit_values_of(entry core.audit_entries, is_old boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(case when is_old then entry.old else entry.new end, '{}') || coalesce(
        (
            select
                jsonb_object_agg(
                    kept.column_name,
                    case when is_old then kept.old else kept.new end::jsonb
                )
            from core.audit_values as kept
            where
                kept.tenant_id = entry.tenant_id
                and kept.entry_id = entry.id
                and case when is_old then kept.old else kept.new end is not null
        ),
        '{}'
    );
end
$$;

ALTER FUNCTION core.audit_values_of(entry core.audit_entries, is_old boolean) OWNER TO postgres;

--
-- Name: FUNCTION audit_values_of(entry core.audit_entries, is_old boolean); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.audit_values_of(entry core.audit_entries, is_old boolean) IS 'What an entry says of its columns before or after, with the personal values that are not erased.
Internal.';

--
-- Name: authenticate(text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.authenticate(token text, certificate text, OUT kind text, OUT id uuid, OUT tenant_id uuid) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    secret record;
begin
    kind := case tenon.token_kind(token) when 'key' then 'api_key' when 'dev' then 'device' end;
    if certificate is not null then
        kind := 'device';
        select proven.id, proven.tenant_id into id, tenant_id
        from iot.authenticate_device(
            'certificate', iot.certificate_fingerprint(certificate)
        ) as proven;
        if id is null then
            perform core.fail('access.certificate_unknown');
        end if;
    elsif kind = 'device' then
        select proven.id, proven.tenant_id into id, tenant_id
        from iot.authenticate_device('token', sha256(convert_to(token, 'UTF8'))) as proven;
    elsif kind = 'api_key' then
        select
            secrets.id as secret_id,
            secrets.last_used_at,
            api_keys.id,
            api_keys.tenant_id,
            tenants.slug,
            tenants.status
        into secret
        from core.api_key_secrets as secrets
        inner join core.api_keys
            on api_keys.tenant_id = secrets.tenant_id and api_keys.id = secrets.api_key_id
        inner join core.tenants on tenants.id = secrets.tenant_id
        where
            secrets.token_hash = sha256(convert_to(token, 'UTF8'))
            and coalesce(secrets.expires_at > now(), true)
            and coalesce(api_keys.expires_at > now(), true)
            and api_keys.revoked_at is null;
        if secret.status = 'suspended' then
            perform core.fail('tenant.suspended', jsonb_build_object('tenant', secret.slug));
        end if;
        id := secret.id;
        tenant_id := secret.tenant_id;
        if id is not null and core.note_use(secret.secret_id, secret.last_used_at) then
            update core.api_key_secrets set last_used_at = now()
            where
                api_key_secrets.tenant_id = authenticate.tenant_id
                and api_key_secrets.api_key_id = authenticate.id
                and api_key_secrets.id = secret.secret_id;
            perform core.record_key_use(
                tenant_id, id, left(token, 12), secret.last_used_at, now()
            );
        end if;
    end if;
    if id is null then
        raise log 'a request from % was refused: its key % is not valid',
            core.client_address(), left(token, 12);
        perform core.fail('access.key_invalid');
    end if;
end
$$;

ALTER FUNCTION core.authenticate(token text, certificate text, OUT kind text, OUT id uuid, OUT tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION authenticate(token text, certificate text, OUT kind text, OUT id uuid, OUT tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.authenticate(token text, certificate text, OUT kind text, OUT id uuid, OUT tenant_id uuid) IS 'Whose token this is, an API key''s or a device''s; or whose certificate, which proves nothing
alone: core.pre_request has it of a gateway that it trusts. Raises access.key_invalid (401) in the
same words for a key that is malformed, unknown, revoked or expired, access.certificate_unknown
(401), tenant.suspended and device.suspended (403). Definer, because it reads the hashes of
secrets; core.pre_request calls it as whoever asks.';

--
-- Name: begin_sensitive_read(text, uuid, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.begin_sensitive_read(table_name text, id uuid, reason text, OUT opened regclass, OUT tenant_id uuid) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    allowed constant uuid[] := core.tenants_with('core.sensitive.read');
    name text;
begin
    if coalesce(char_length(trim(reason)), 0) not between 1 and 500 then
        perform core.fail('sensitive.reason_missing');
    end if;
    opened := to_regclass(table_name);
    name := core.name_of(opened);
    select records.tenant_id into begin_sensitive_read.tenant_id
    from core.sensitive_records as records
    where
        records.table_name = name
        and records.record_id = begin_sensitive_read.id
        and records.tenant_id = any(allowed)
    limit 1;
    if begin_sensitive_read.tenant_id is null then
        perform core.fail(
            'sensitive.not_found',
            jsonb_build_object('id', begin_sensitive_read.id, 'table', table_name)
        );
    end if;
    perform core.write_audit_entry(
        begin_sensitive_read.tenant_id,
        'read',
        name,
        jsonb_build_object('id', begin_sensitive_read.id),
        details => jsonb_build_object('reason', reason)
    );
    perform set_config(
        'tenon.opened',
        concat_ws('/', name, begin_sensitive_read.tenant_id, begin_sensitive_read.id),
        true
    );
end
$$;

ALTER FUNCTION core.begin_sensitive_read(table_name text, id uuid, reason text, OUT opened regclass, OUT tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION begin_sensitive_read(table_name text, id uuid, reason text, OUT opened regclass, OUT tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.begin_sensitive_read(table_name text, id uuid, reason text, OUT opened regclass, OUT tenant_id uuid) IS 'Writes down who opens a sensitive record and why, and lets it be read until v1.open_record has read
it. Definer, because nobody may write the trail. Signed-in users may call it.';

--
-- Name: caller(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.caller(OUT kind text, OUT id uuid, OUT tenant_id uuid, OUT requested_tenant_id uuid) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION core.caller(OUT kind text, OUT id uuid, OUT tenant_id uuid, OUT requested_tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION caller(OUT kind text, OUT id uuid, OUT tenant_id uuid, OUT requested_tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.caller(OUT kind text, OUT id uuid, OUT tenant_id uuid, OUT requested_tenant_id uuid) IS 'The principal of this request. kind: user, api_key, device, service, anonymous, or system where
there is no request (jobs, migrations, a person at psql). id: of the user, key or device.
tenant_id: of a key or a device, which belong to one tenant. requested_tenant_id: the tenant that the
header x-tenant-id narrows the request to. Raises tenancy.header_invalid (400).
Anyone may call it.';

--
-- Name: carry_out(oid, text, jsonb, bytea); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.carry_out(relation oid, assignments text, keys jsonb, secret bytea) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    done bigint;
begin
    execute format(
        case
            when assignments is null
                then 'delete from %1$s as t using jsonb_populate_recordset(null::%1$s, $2) as k'
            else
                'update %1$s as t set %3$s from jsonb_populate_recordset(null::%1$s, $2) as k'
        end || ' where %2$s and ($3 is not null)',
        relation::regclass,
        (
            select string_agg(format('t.%1$I = k.%1$I', name), ' and ')
            from unnest(core.key_columns(relation)) as name
        ),
        assignments
    )
    using null::uuid[], keys, secret;
    get diagnostics done = row_count;
    return done;
end
$_$;

ALTER FUNCTION core.carry_out(relation oid, assignments text, keys jsonb, secret bytea) OWNER TO postgres;

--
-- Name: FUNCTION carry_out(relation oid, assignments text, keys jsonb, secret bytea); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.carry_out(relation oid, assignments text, keys jsonb, secret bytea) IS 'Writes the assignments to the rows with these keys, or deletes them where there are none, and
returns how many there were. Internal.';

--
-- Name: carry_out_erasure(uuid, jsonb, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.carry_out_erasure(tenant_id uuid, identifiers jsonb, plan jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    secret bytea := core.random_key();
    salt constant bytea := core.random_key();
    hashes constant bytea[] := core.subject_hashes(salt, identifiers);
    erasure_id constant uuid := gen_random_uuid();
    counts constant jsonb := core.erasure_counts(plan);
    digest bytea;
    step record;
begin
    -- What is kept is all that is left of whoever was erased before.
    if core.erasure_rows(counts) = 0 then
        perform core.fail('privacy.person_unknown');
    end if;
    for step in
        select
            planned.relation,
            planned.table_name,
            planned.assignments,
            planned.is_mention,
            planned.keys
        from jsonb_to_recordset(plan) as planned (
            relation oid, table_name text, method text, assignments text, is_mention boolean,
            keys jsonb
        )
        where planned.method <> 'keep'
    loop
        perform core.carry_out(step.relation, step.assignments, step.keys, secret);
        if not step.is_mention then
            perform core.forget_traces(
                carry_out_erasure.tenant_id, step.table_name, step.keys
            );
        end if;
    end loop;
    perform core.forget_addresses(carry_out_erasure.tenant_id, identifiers);
    -- The key of the pseudonyms is gone with this.
    secret := null;

    digest := core.erasure_digest(
        carry_out_erasure.tenant_id, erasure_id, now(), hashes, counts
    );
    insert into core.erasures (
        tenant_id, id, subject_salt, subject_hashes, counts, rows, digest
    )
    values (
        carry_out_erasure.tenant_id, erasure_id, salt, hashes, counts,
        core.erasure_rows(counts), digest
    );
    perform core.record_security_event(
        carry_out_erasure.tenant_id, 'privacy.erased',
        jsonb_build_object('erasure_id', erasure_id, 'digest', encode(digest, 'hex'))
    );
    return jsonb_build_object(
        'erasure_id', erasure_id,
        'digest', encode(digest, 'hex'),
        'tables', counts,
        'rows', core.erasure_rows(counts)
    );
end
$$;

ALTER FUNCTION core.carry_out_erasure(tenant_id uuid, identifiers jsonb, plan jsonb) OWNER TO postgres;

--
-- Name: FUNCTION carry_out_erasure(tenant_id uuid, identifiers jsonb, plan jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.carry_out_erasure(tenant_id uuid, identifiers jsonb, plan jsonb) IS 'Erases by a plan of core.plan_erasure, in its order, and writes the proof. Internal.';

--
-- Name: certificate_presented(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.certificate_presented() RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    trust json;
    presented text;
begin
    select tenants.settings #> '{core,client_certificates}' into trust
    from core.tenants
    where tenants.id = core.platform_tenant_id();
    presented := core.request_header(trust ->> 'header');
    if
        presented is not null
        and encode(sha256(convert_to(core.request_header('x-gateway-secret'), 'UTF8')), 'hex')
        is distinct from lower(trust ->> 'gateway_secret_sha256')
    then
        perform core.fail('access.gateway_untrusted');
    end if;
    return nullif(presented, '');
end
$$;

ALTER FUNCTION core.certificate_presented() OWNER TO postgres;

--
-- Name: FUNCTION certificate_presented(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.certificate_presented() IS 'The certificate with which a client has proved itself to the gateway, as the gateway says in the
header that the platform tenant''s settings name, {"core": {"client_certificates": {"header":
"x-client-cert", "gateway_secret_sha256": "…"}}}; null without. The gateway proves itself by the
secret with that SHA-256 in x-gateway-secret. Raises access.gateway_untrusted (401). Definer,
because it reads the platform''s settings; core.pre_request calls it as whoever asks.';

--
-- Name: charge_rate_buckets(uuid[], text[], text[]); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.charge_rate_buckets(owners uuid[], buckets text[], limits text[]) RETURNS bigint[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    places integer[];
    owner_ids uuid[];
    names text[];
    windows text[];
    taken timestamptz[];
    verdict record;
begin
    -- A bucket for each period, always in the same order: nobody waits in a circle.
    select
        array_agg(bucket.place order by bucket.owner_id, named.name),
        array_agg(bucket.owner_id order by bucket.owner_id, named.name),
        array_agg(named.name order by bucket.owner_id, named.name),
        array_agg(single.window order by bucket.owner_id, named.name)
    into places, owner_ids, names, windows
    from unnest(charge_rate_buckets.owners, buckets, charge_rate_buckets.limits)
    with ordinality as bucket (owner_id, name, limits, place)
    cross join unnest(tenon.limit_windows(bucket.limits)) as single ("window")
    cross join concat(bucket.name, ' ', substring(single.window from '/(\w+)')) as named (name);
    if names is null then
        return array[0, 0, 0];
    end if;

    -- The update that changes nothing locks the row; the clock is read when all are locked.
    with locked as (
        insert into core.rate_buckets as stored (tenant_id, bucket, taken_until)
        select wanted.owner_id, wanted.name, '-infinity'
        from unnest(owner_ids, names) with ordinality as wanted (owner_id, name, place)
        order by wanted.place
        on conflict on constraint rate_buckets_pkey do update set taken_until = stored.taken_until
        returning stored.tenant_id, stored.bucket, stored.taken_until
    )
    select array_agg(locked.taken_until order by wanted.place)
    into taken
    from unnest(owner_ids, names) with ordinality as wanted (owner_id, name, place)
    inner join locked on locked.tenant_id = wanted.owner_id and locked.bucket = wanted.name;

    select decided.refused_by, decided.retry_after_us, decided.taken_until
    into verdict
    from tenon.limit_decide(taken, windows, clock_timestamp()) as decided;
    if verdict.refused_by is not null then
        return array[places[verdict.refused_by], verdict.retry_after_us, 0];
    end if;

    update core.rate_buckets as stored
    set taken_until = charged.taken_until
    from unnest(owner_ids, names, verdict.taken_until) as charged (owner_id, name, taken_until)
    where stored.tenant_id = charged.owner_id and stored.bucket = charged.name;

    -- Whoever adds a few clears away more than a few.
    delete from core.rate_buckets
    where rate_buckets.ctid = any(
        array(
            select idle.ctid
            from core.rate_buckets as idle
            where idle.taken_until < now() - interval '1 minute'
            order by idle.taken_until
            limit 2 * cardinality(names)
            for update skip locked
        )
    );
    return array[0, 0, 0];
end
$$;

ALTER FUNCTION core.charge_rate_buckets(owners uuid[], buckets text[], limits text[]) OWNER TO postgres;

--
-- Name: FUNCTION charge_rate_buckets(owners uuid[], buckets text[], limits text[]); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.charge_rate_buckets(owners uuid[], buckets text[], limits text[]) IS 'tenon.limit_check over core.rate_buckets: {refused_by, retry_after_us, remaining}, of which the
last is always 0. The buckets stay locked until the transaction ends. Definer, because nobody else
may write buckets. Internal.';

--
-- Name: check_above(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.check_above(tenant_id uuid) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if (core.caller()).kind = 'system' then
        return;
    elsif not exists (
        select from core.tenants
        where
            tenants.id = check_above.tenant_id
            and tenants.parent_id = any(core.tenants_with('core.tenants.suspend', 'descendants'))
    ) then
        perform core.fail(
            'tenancy.permission_missing', '{"permission": "core.tenants.suspend"}'
        );
    end if;
end
$$;

ALTER FUNCTION core.check_above(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION check_above(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.check_above(tenant_id uuid) IS 'Refuses a caller who may not stop the tenant from the tenant above it.
Raises tenancy.permission_missing (403). Internal.';

--
-- Name: check_consent(text, text, timestamp with time zone, text, text, text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.check_consent(purpose text, legal_basis text, at timestamp with time zone, source text, channel text, proof_text text, proof_version text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    misfit constant text := case
        when (purpose ~ '^[a-z0-9_]+(\.[a-z0-9_]+)*$' and char_length(purpose) <= 100) is not true
            then 'purpose'
        when
            legal_basis is null
            or legal_basis not in (
                'consent', 'contract', 'legal_obligation', 'vital_interests', 'public_task',
                'legitimate_interests'
            )
            then 'legal_basis'
        when (at <= now() and isfinite(at)) is not true then 'the time'
        when (char_length(source) between 1 and 200) is not true then 'source'
        when (char_length(channel) between 1 and 100) is false then 'channel'
        when (char_length(proof_text) between 1 and 20000) is false then 'proof_text'
        when (char_length(proof_version) between 1 and 100) is false then 'proof_version'
    end;
begin
    if misfit is not null then
        perform core.fail('privacy.consent_invalid', jsonb_build_object('field', misfit));
    end if;
end
$_$;

ALTER FUNCTION core.check_consent(purpose text, legal_basis text, at timestamp with time zone, source text, channel text, proof_text text, proof_version text) OWNER TO postgres;

--
-- Name: FUNCTION check_consent(purpose text, legal_basis text, at timestamp with time zone, source text, channel text, proof_text text, proof_version text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.check_consent(purpose text, legal_basis text, at timestamp with time zone, source text, channel text, proof_text text, proof_version text) IS 'Refuses what is no consent: privacy.consent_invalid (400). Internal.';

--
-- Name: check_may_grant(uuid, jsonb, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.check_may_grant(tenant_id uuid, permissions jsonb, hidden_fields jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    caller constant record := core.caller();
    beyond text;
begin
    if caller.kind in ('service', 'system') then
        return;
    end if;
    select wishes.key || ' (' || wishes.value || ')'
    into beyond
    from jsonb_each_text(permissions) as wishes
    where not exists (
        select from core.grants_in(check_may_grant.tenant_id, caller.id) as held
        where
            held.permission = wishes.key
            and held.scope = any(core.scopes_from(wishes.value))
    )
    order by wishes.key
    limit 1;
    if beyond is null then
        select unseen.object || '.' || unseen.field
        into beyond
        from core.hidden_in(check_may_grant.tenant_id, caller.id) as unseen
        where
            permissions ?| array[unseen.object || '.read', unseen.object || '.write']
            and (hidden_fields -> unseen.object ? unseen.field) is not true
        order by unseen.object, unseen.field
        limit 1;
    end if;
    if beyond is not null then
        perform core.fail('access.beyond_own', jsonb_build_object('grant', beyond));
    end if;
end
$$;

ALTER FUNCTION core.check_may_grant(tenant_id uuid, permissions jsonb, hidden_fields jsonb) OWNER TO postgres;

--
-- Name: FUNCTION check_may_grant(tenant_id uuid, permissions jsonb, hidden_fields jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.check_may_grant(tenant_id uuid, permissions jsonb, hidden_fields jsonb) IS 'Refuses a caller who does not hold all of these permissions, {permission: scope}, in this tenant
and with these scopes, or who is kept from a field that {object: [field]} does not hide. Raises
access.beyond_own (403). Internal.';

--
-- Name: check_may_grant_role(uuid, uuid, uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.check_may_grant_role(tenant_id uuid, role_tenant_id uuid, role_id uuid) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    contents constant record := core.role_contents(role_tenant_id, role_id);
begin
    perform core.check_may_grant(tenant_id, contents.permissions, contents.hidden_fields);
end
$$;

ALTER FUNCTION core.check_may_grant_role(tenant_id uuid, role_tenant_id uuid, role_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION check_may_grant_role(tenant_id uuid, role_tenant_id uuid, role_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.check_may_grant_role(tenant_id uuid, role_tenant_id uuid, role_id uuid) IS 'Refuses a caller who does not hold all that the role grants. Raises access.beyond_own (403).
Internal.';

--
-- Name: check_name(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.check_name(name text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if (char_length(name) between 1 and 200) is not true then
        perform core.fail('core.name_invalid', '{"length_max": 200}');
    end if;
end
$$;

ALTER FUNCTION core.check_name(name text) OWNER TO postgres;

--
-- Name: FUNCTION check_name(name text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.check_name(name text) IS 'Refuses a name for people that is missing, empty or longer than 200 characters, as the tables do.
Raises core.name_invalid (400). Internal.';

--
-- Name: check_owner(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.check_owner(tenant_id uuid) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if (core.caller()).kind in ('service', 'system') then
        return;
    -- A closing tenant answers to reading alone; its owners can still open it again.
    elsif not exists (
        select from core.grants_in(check_owner.tenant_id, core.caller_id()) as held
        where held.permission = 'core.tenants.own' and held.scope in ('tenant', 'descendants')
    ) then
        perform core.fail('tenancy.permission_missing', '{"permission": "core.tenants.own"}');
    end if;
end
$$;

ALTER FUNCTION core.check_owner(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION check_owner(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.check_owner(tenant_id uuid) IS 'Refuses a caller who does not own the tenant, be it active or closing.
Raises tenancy.permission_missing (403). Internal.';

--
-- Name: check_position(jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.check_position(after jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if
        after is not null
        and (
            jsonb_typeof(after -> 'table') = 'string'
            and jsonb_typeof(after -> 'subject') = 'string'
            and jsonb_typeof(after -> 'position') = 'string'
        ) is not true
    then
        perform core.fail('privacy.position_invalid');
    end if;
end
$$;

ALTER FUNCTION core.check_position(after jsonb) OWNER TO postgres;

--
-- Name: FUNCTION check_position(after jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.check_position(after jsonb) IS 'Refuses what cannot be where a page of an export ended: privacy.position_invalid (400). Internal.';

--
-- Name: check_rate_limits(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.check_rate_limits(action text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    platform constant uuid := '00000000-0000-0000-0000-000000000000'::uuid;
    caller constant record := core.caller();
    path constant text := current_setting('request.path', true);
    actions constant text[] := case
        when check_rate_limits.action is not null then array[check_rate_limits.action]
        when path <> '' then
            array['', tenon.limit_action(current_setting('request.method', true), path)]
        else array['']
    end;
    address inet;
    reached uuid[];
    reached_id uuid;
    applied record;
    subject text;
    scope text;
    bucket text;
    -- What was found so far: the buckets, and of which defaults the platform has taken the place.
    owners uuid[] := '{}'::uuid[];
    buckets text[] := '{}'::text[];
    scopes text[] := '{}'::text[];
    limits text[] := '{}'::text[];
    replaced text[];
    verdict bigint[];
begin
    if caller.kind in ('service', 'system') then
        return;
    end if;
    address := core.client_address();
    if family(address) = 6 then
        address := network(set_masklen(address, 64));
    end if;
    reached := core.limited_tenants(caller.kind, caller.id, caller.tenant_id);
    if reached = '{}' then
        reached := array[null::uuid];
    end if;

    -- A loop, because a statement that does all of this takes twice as long to set up and run.
    foreach reached_id in array reached loop
        replaced := '{}'::text[];
        -- The platform's id is the lowest: what is a tenant's own comes first.
        for applied in
            select
                rate_limits.tenant_id,
                rate_limits.dimension,
                rate_limits.action,
                rate_limits.set_by,
                rate_limits.limits
            from core.rate_limits
            where
                rate_limits.tenant_id in (reached_id, platform)
                and rate_limits.action = any(actions)
            order by rate_limits.tenant_id desc
        loop
            scope := rtrim(applied.dimension || ' ' || applied.action);
            if applied.tenant_id = platform then
                continue when scope = any(replaced);
            elsif applied.set_by = 'platform' then
                replaced := replaced || scope;
            end if;
            subject := case applied.dimension
                when 'tenant' then reached_id::text
                when 'principal' then caller.kind || ' ' || caller.id
                when 'address' then host(address)
                when 'anonymous' then case caller.kind when 'anonymous' then host(address) end
                else ''
            end;
            bucket := scope || ' ' || subject;
            if applied.tenant_id <> platform then
                bucket := bucket || ' ' || applied.tenant_id || ' ' || applied.set_by;
            end if;
            continue when bucket is null or bucket = any(buckets);
            owners := owners || applied.tenant_id;
            buckets := buckets || bucket;
            scopes := scopes || scope;
            limits := limits || applied.limits;
        end loop;
    end loop;
    if buckets = '{}' then
        return;
    end if;

    verdict := tenon.limit_check(buckets, limits);
    if verdict is null and not current_setting('transaction_read_only')::boolean then
        verdict := core.charge_rate_buckets(owners, buckets, limits);
    end if;
    if verdict[1] > 0 then
        perform core.fail(
            'limit.exceeded',
            jsonb_build_object(
                'bucket', scopes[verdict[1]],
                'limit', limits[verdict[1]],
                'remaining', 0,
                'retry_after_s', ceil(verdict[2] / 1000000.0)
            )
        );
    end if;
end
$$;

ALTER FUNCTION core.check_rate_limits(action text) OWNER TO postgres;

--
-- Name: FUNCTION check_rate_limits(action text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.check_rate_limits(action text) IS 'Counts this request against all limits that apply to its tenant, principal and address, or refuses
it: raises limit.exceeded (429). Without an action: the limits of all requests and those of this one,
by its method and path; with one: the limits of that action alone, beside what was counted before.
The service role, and whoever is at SQL without a request, is not limited. Definer, because it reads
limits of the platform. Any caller of the API may call it.';

--
-- Name: check_tenant_place(uuid, uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.check_tenant_place(tenant_id uuid, parent_id uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    above uuid := parent_id;
    passed core.tenants;
    levels integer := 1;
    below integer;
begin
    while above <> core.platform_tenant_id() loop
        if above = check_tenant_place.tenant_id then
            perform core.fail('tenant.below_itself');
        end if;
        levels := levels + 1;
        select tenants.* into passed from core.tenants where tenants.id = above;
        if passed.status = 'suspended' then
            perform core.fail('tenant.suspended', jsonb_build_object('tenant', passed.slug));
        end if;
        above := passed.parent_id;
    end loop;
    select max(subtree.level) into below
    from core.tenants_below(check_tenant_place.tenant_id) as subtree;
    if levels + below > core.tenant_depth_max() then
        perform core.fail(
            'tenant.too_deep', jsonb_build_object('levels_max', core.tenant_depth_max())
        );
    end if;
end
$$;

ALTER FUNCTION core.check_tenant_place(tenant_id uuid, parent_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION check_tenant_place(tenant_id uuid, parent_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.check_tenant_place(tenant_id uuid, parent_id uuid) IS 'Refuses a place in the tree that is below the tenant itself or a suspended one, or too deep for
what is below it. Raises tenant.below_itself (409), tenant.suspended (403) and tenant.too_deep
(422). Internal.';

--
-- Name: clear_rate_limit(text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.clear_rate_limit(dimension text, action text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.limits.write');
    setter constant text := core.limit_setter(owner_id);
begin
    delete from core.rate_limits
    where
        rate_limits.tenant_id = owner_id
        and rate_limits.dimension = clear_rate_limit.dimension
        and rate_limits.action = coalesce(clear_rate_limit.action, '')
        and rate_limits.set_by = setter;
    return found;
end
$$;

ALTER FUNCTION core.clear_rate_limit(dimension text, action text) OWNER TO postgres;

--
-- Name: FUNCTION clear_rate_limit(dimension text, action text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.clear_rate_limit(dimension text, action text) IS 'What v1.clear_rate_limit does. Definer as core.set_rate_limit. Signed-in users may call it.';

--
-- Name: client_address(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.client_address() RETURNS inet
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    settings json;
    hops text[];
    address text;
begin
    if coalesce(current_setting('request.headers', true), '') = '' then
        return null;
    elsif current_setting('tenon.address_of', true) = current_setting('request.headers') then
        -- Limits and audit both ask, and once a request is enough.
        return nullif(current_setting('tenon.address'), '')::inet;
    end if;
    select tenants.settings -> 'core' into settings
    from core.tenants
    where tenants.id = core.platform_tenant_id();
    if settings ->> 'address_header' is not null then
        address := core.request_header(settings ->> 'address_header');
    else
        hops := string_to_array(core.request_header('x-forwarded-for'), ',');
        address := hops[
            greatest(1, cardinality(hops) + 1 - coalesce((settings ->> 'proxies')::integer, 1))
        ];
    end if;
    begin
        address := trim(address)::inet;
    exception
        when invalid_text_representation or numeric_value_out_of_range then
            address := null;
    end;
    perform
        set_config('tenon.address_of', current_setting('request.headers'), true),
        set_config('tenon.address', coalesce(host(address::inet), ''), true);
    return address;
end
$$;

ALTER FUNCTION core.client_address() OWNER TO postgres;

--
-- Name: FUNCTION client_address(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.client_address() IS 'The address that this request came from, null where none is known. Proxies append to
x-forwarded-for, so the last entry is what the nearest one saw and the first is the client''s word:
the entry of as many proxies as the platform tenant''s settings name, {"core": {"proxies": 1}},
counts, or a header that a gateway sets itself, {"core": {"address_header": "cf-connecting-ip"}}.
Definer, because it reads the platform''s settings. Anyone may call it.';

--
-- Name: close_tenant(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.close_tenant(tenant_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform core.check_owner(close_tenant.tenant_id);
    update core.tenants set status = 'closing'
    where tenants.id = close_tenant.tenant_id and tenants.status = 'active';
    if found then
        perform core.emit(
            close_tenant.tenant_id, 'core.tenant.closing', 'tenant', close_tenant.tenant_id
        );
    end if;
    return core.tenant_answer(close_tenant.tenant_id);
end
$$;

ALTER FUNCTION core.close_tenant(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION close_tenant(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.close_tenant(tenant_id uuid) IS 'What v1.close_tenant does. Definer, because it writes core.tenants. Signed-in users may call it.';

--
-- Name: create_api_key(text, text, jsonb, jsonb, timestamp with time zone); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.api_keys.write');
    wanted record;
    held record;
    made core.api_keys;
    secret record;
begin
    perform core.check_name(create_api_key.name);
    if create_api_key.expires_at <= now() then
        perform core.fail('api_key.expiry_past');
    elsif (create_api_key.role is null) = (create_api_key.permissions is null) then
        perform core.fail('api_key.role_or_permissions');
    end if;
    if create_api_key.role is not null then
        held := core.role_named(owner_id, create_api_key.role);
        perform core.check_may_grant_role(owner_id, held.role_tenant_id, held.role_id);
    else
        wanted := core.read_grants(create_api_key.permissions, create_api_key.hidden_fields);
        perform core.check_may_grant(owner_id, wanted.permissions, wanted.hidden_fields);
        insert into core.roles as roles (tenant_id, slug, name, of_api_key)
        values (
            owner_id, 'key_' || replace(gen_random_uuid()::text, '-', '_'),
            create_api_key.name, true
        )
        returning roles.tenant_id as role_tenant_id, roles.id as role_id into held;
        perform core.fill_role(
            owner_id, held.role_id, wanted.permissions, wanted.hidden_fields
        );
    end if;
    insert into core.api_keys (tenant_id, name, role_tenant_id, role_id, expires_at)
    values (
        owner_id, create_api_key.name, held.role_tenant_id, held.role_id,
        create_api_key.expires_at
    )
    returning * into made;
    secret := core.add_api_key_secret(made);
    perform core.emit(
        owner_id, 'core.api_key.created', 'api_key', made.id,
        jsonb_build_object('name', made.name)
    );
    return jsonb_build_object(
        'id', made.id, 'tenant_id', owner_id, 'name', made.name, 'role', create_api_key.role,
        'hint', secret.hint, 'expires_at', made.expires_at, 'token', secret.token
    );
end
$$;

ALTER FUNCTION core.create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone) IS 'What v1.create_api_key does. Definer, because it writes core.api_keys. Signed-in users may call
it.';

--
-- Name: create_tenant(text, text, uuid, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.create_tenant(slug text, name text, parent_id uuid, settings jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    caller constant record := core.caller();
    founds constant boolean := parent_id is null or parent_id = core.platform_tenant_id();
    tenant_id uuid;
begin
    if caller.kind in ('anonymous', 'device') then
        perform core.fail('access.user_needed');
    end if;
    perform core.lock_tenant_tree();
    if not founds then
        perform core.require(create_tenant.parent_id, 'core.tenants.create');
    elsif not (
        caller.kind in ('service', 'system') or (caller.kind = 'user' and core.tenants_are_open())
    ) then
        perform core.require(core.platform_tenant_id(), 'core.tenants.create');
    end if;
    if (create_tenant.slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$') is not true then
        perform core.fail('tenant.slug_invalid');
    end if;
    perform core.check_name(create_tenant.name);
    if
        jsonb_typeof(create_tenant.settings) <> 'object'
        or octet_length(create_tenant.settings::text) > 16384
    then
        perform core.fail('tenant.settings_invalid', '{"bytes_max": 16384}');
    end if;
    insert into core.tenants (slug, name, parent_id, settings)
    values (
        create_tenant.slug, create_tenant.name,
        coalesce(create_tenant.parent_id, core.platform_tenant_id()),
        coalesce(create_tenant.settings, '{}')
    )
    on conflict on constraint slug_is_unique do nothing
    returning tenants.id into tenant_id;
    if tenant_id is null then
        perform core.fail('tenant.slug_taken', jsonb_build_object('slug', create_tenant.slug));
    end if;
    perform core.check_tenant_place(
        tenant_id, coalesce(create_tenant.parent_id, core.platform_tenant_id())
    );
    if founds and caller.kind = 'user' then
        insert into core.members (tenant_id, user_id, role_id)
        values (tenant_id, caller.id, core.owner_role_id());
    end if;
    perform core.emit(
        tenant_id, 'core.tenant.created', 'tenant', tenant_id,
        jsonb_build_object('slug', create_tenant.slug)
    );
    return core.tenant_answer(tenant_id);
end
$_$;

ALTER FUNCTION core.create_tenant(slug text, name text, parent_id uuid, settings jsonb) OWNER TO postgres;

--
-- Name: FUNCTION create_tenant(slug text, name text, parent_id uuid, settings jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.create_tenant(slug text, name text, parent_id uuid, settings jsonb) IS 'What v1.create_tenant does. Definer, because a tenant''s first member cannot be its member yet.
Signed-in users may call it.';

--
-- Name: cron_is_usable(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.cron_is_usable() RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN COALESCE(has_schema_privilege((to_regnamespace('cron'::text))::oid, 'usage'::text), false);

ALTER FUNCTION core.cron_is_usable() OWNER TO postgres;

--
-- Name: FUNCTION cron_is_usable(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.cron_is_usable() IS 'Whether pg_cron is installed, and the caller may look into its schema. Internal.';

--
-- Name: data_map_faults(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.data_map_faults() RETURNS TABLE(table_schema text, table_name text, column_name text, fault text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    mapped core.mapped_columns;
    link text;
    linked record;
    is_deleting boolean;
begin
    for mapped in select * from core.mapped_columns loop
        table_schema := mapped.table_schema;
        table_name := mapped.table_name;
        column_name := mapped.column_name;
        if mapped.number is null then
            fault := 'there is no such column';
            return next;
            continue;
        end if;

        if core.key_columns(mapped.relation) is null then
            fault := 'the table has no primary key';
            return next;
        end if;
        if
            core.tenant_column(mapped.relation) is null
            and mapped.subject !~ '^[a-z0-9_]+ is user_id$'
        then
            fault := 'a table of no tenant leads to the person by a user''s id alone';
            return next;
        end if;

        foreach link in array string_to_array(mapped.subject, ' or ') loop
            begin
                select
                    named.*,
                    format_type(attributes.atttypid, null) as type_name
                into linked
                from core.mapped_column(format(
                    '%I.%I.%I', table_schema, table_name, split_part(link, ' ', 1)
                )) as named
                inner join pg_attribute as attributes
                    on
                        attributes.attrelid = named.relation
                        and attributes.attnum = named.number;
                if split_part(link, ' ', 2) = 'in' then
                    perform core.subject_predicate(mapped.relation, link, 't', 'person');
                elsif split_part(link, ' ', 3) <> all(core.person_kinds()) then
                    fault := format('nobody is known by %s', split_part(link, ' ', 3));
                    return next;
                elsif
                    (linked.type_name = 'uuid') <> (split_part(link, ' ', 3) ~ '_id$')
                then
                    fault := format('%s is of the type %s', link, linked.type_name);
                    return next;
                end if;
            exception
                when undefined_column or no_data_found or program_limit_exceeded
                    or invalid_name then
                    fault := format('%s: the link leads nowhere', link);
                    return next;
            end;
        end loop;

        is_deleting := mapped.erasure = 'delete_row'
        or (mapped.erasure = 'keep' and mapped.retention is not null);
        fault := case
            when mapped.erasure in ('set_null', 'pseudonymise') and mapped.is_generated
                then 'a generated column cannot be written'
            when mapped.erasure = 'set_null' and mapped.is_not_null
                then 'a column that is not null cannot be set to null'
            when
                mapped.erasure = 'set_null'
                and core.fails_checks(mapped.relation, mapped.number, 'null')
                then 'a check refuses null'
            when
                mapped.erasure = 'pseudonymise'
                and core.pseudonym(mapped.type_name, mapped.category, 'x') is null
                then format('the type %s has no pseudonym', mapped.type_name)
            when
                mapped.erasure = 'pseudonymise'
                and mapped.type_name = 'character varying'
                and mapped.length_max between 0 and 50
                then 'the column is too short for a pseudonym'
            when
                mapped.erasure = 'pseudonymise'
                and exists (
                    select from pg_constraint as constraints
                    where
                        constraints.contype = 'f'
                        and (
                            (
                                constraints.conrelid = mapped.relation
                                and mapped.number = any(constraints.conkey)
                            )
                            or (
                                constraints.confrelid = mapped.relation
                                and mapped.number = any(constraints.confkey)
                            )
                        )
                )
                then 'a foreign key holds the column to its value'
            when
                mapped.erasure = 'pseudonymise'
                and core.fails_checks(
                    mapped.relation, mapped.number,
                    core.pseudonym(
                        mapped.type_name, mapped.category,
                        case mapped.type_name
                            when 'uuid' then '''00000000-0000-0000-0000-000000000000''::uuid'
                            else '''x'''
                        end
                    )
                )
                then 'a check refuses the pseudonym'
            when
                is_deleting
                and exists (
                    select from pg_constraint as constraints
                    inner join pg_class as children on children.oid = constraints.conrelid
                    inner join pg_namespace as namespaces
                        on namespaces.oid = children.relnamespace
                    where
                        constraints.contype = 'f'
                        and constraints.confrelid = mapped.relation
                        and constraints.conrelid <> mapped.relation
                        and constraints.confdeltype in ('a', 'r')
                        and not exists (
                            select from core.personal_data as child
                            where
                                child.table_schema = namespaces.nspname
                                and child.table_name = children.relname
                                and child.erasure = 'delete_row'
                                and child.subject ~ format(
                                    ' in %s\.%s\.', mapped.table_schema, mapped.table_name
                                )
                        )
                )
                then 'rows of other tables hold on to the row'
            when exists (
                select from core.personal_data as sibling
                where
                    sibling.table_schema = mapped.table_schema
                    and sibling.table_name = mapped.table_name
                    and sibling.subject = mapped.subject
                    and sibling.erasure <> mapped.erasure
                    and mapped.erasure = 'delete_row'
            )
                then 'the row is deleted, and another column of it is not'
            when
                mapped.retention_from is not null
                and not exists (
                    select from pg_attribute as attributes
                    where
                        attributes.attrelid = mapped.relation
                        and attributes.attname = mapped.retention_from
                        and attributes.atttypid
                        in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
                )
                then 'retention counts from a column that is no time'
            when exists (
                select from core.not_personal as excused
                where
                    excused.table_schema = mapped.table_schema
                    and excused.table_name = mapped.table_name
                    and excused.column_name = mapped.column_name
            )
                then 'the column is mapped and excused'
        end;
        if fault is not null then
            return next;
        end if;
    end loop;

    for table_schema, table_name, column_name in
        select
            excused.table_schema,
            excused.table_name,
            excused.column_name
        from core.not_personal as excused
        where to_regclass(format('%I.%I', excused.table_schema, excused.table_name)) is null
        or not exists (
            select from pg_attribute as attributes
            where
                attributes.attrelid
                = to_regclass(format('%I.%I', excused.table_schema, excused.table_name))
                and attributes.attname = excused.column_name
                and not attributes.attisdropped
        )
    loop
        fault := 'there is no such column';
        return next;
    end loop;
end
$_$;

ALTER FUNCTION core.data_map_faults() OWNER TO postgres;

--
-- Name: FUNCTION data_map_faults(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.data_map_faults() IS 'What does not fit in the data map: lines of columns that are gone, and methods of erasure that
their columns would refuse. None, or a migration has forgotten a line. Owner only.';

--
-- Name: data_map_schemas(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.data_map_schemas() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN ARRAY['core'::text, 'crm'::text, 'auto'::text, 'iot'::text, 'hooks'::text];

ALTER FUNCTION core.data_map_schemas() OWNER TO postgres;

--
-- Name: FUNCTION data_map_schemas(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.data_map_schemas() IS 'The schemas in which every column that looks personal has to be mapped or excused. Internal.';

--
-- Name: fides_type(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.fides_type(type_name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN CASE WHEN (type_name = ANY (ARRAY['json'::text, 'jsonb'::text])) THEN 'object'::text WHEN (type_name = ANY (ARRAY['smallint'::text, 'integer'::text, 'bigint'::text])) THEN 'integer'::text WHEN (type_name = ANY (ARRAY['real'::text, 'double precision'::text, 'numeric'::text])) THEN 'float'::text WHEN (type_name = 'boolean'::text) THEN 'boolean'::text ELSE 'string'::text END;

ALTER FUNCTION core.fides_type(type_name text) OWNER TO postgres;

--
-- Name: FUNCTION fides_type(type_name text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.fides_type(type_name text) IS 'What Fides calls a type of Postgres. Internal.';

--
-- Name: key_columns(oid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.key_columns(relation oid) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT array_agg((attributes.attname)::text ORDER BY keys."position") AS array_agg
    FROM ((pg_index indexes
      CROSS JOIN LATERAL unnest((indexes.indkey)::smallint[]) WITH ORDINALITY keys(number, "position"))
      JOIN pg_attribute attributes ON (((attributes.attrelid = indexes.indrelid) AND (attributes.attnum = keys.number))))
   WHERE ((indexes.indrelid = key_columns.relation) AND indexes.indisprimary);
END;

ALTER FUNCTION core.key_columns(relation oid) OWNER TO postgres;

--
-- Name: FUNCTION key_columns(relation oid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.key_columns(relation oid) IS 'The columns of the primary key, in its order; null for a table without one. Internal.';

--
-- Name: personal_data; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.personal_data (
    table_schema text NOT NULL,
    table_name text NOT NULL,
    column_name text NOT NULL,
    category text NOT NULL,
    subject text NOT NULL,
    erasure text NOT NULL,
    retention interval,
    retention_from text,
    reason text,
    CONSTRAINT category_is_of_fides CHECK ((category ~ '^(user|system)(\.[a-z_]+)*$'::text)),
    CONSTRAINT erasure_is_known CHECK ((erasure = ANY (ARRAY['delete_row'::text, 'set_null'::text, 'pseudonymise'::text, 'keep'::text]))),
    CONSTRAINT keeping_has_a_reason CHECK (((erasure <> 'keep'::text) OR COALESCE((char_length(reason) >= 10), false))),
    CONSTRAINT retention_counts_from_a_time CHECK (((retention IS NULL) = (retention_from IS NULL))),
    CONSTRAINT retention_is_long CHECK ((retention >= '1 day'::interval)),
    CONSTRAINT subject_is_made_of_links CHECK ((subject ~ '^[a-z0-9_]+ (is [a-z_]+|in [a-z0-9_]+\.[a-z0-9_]+\.[a-z0-9_]+)( or [a-z0-9_]+ (is [a-z_]+|in [a-z0-9_]+\.[a-z0-9_]+\.[a-z0-9_]+))*$'::text))
);

ALTER TABLE core.personal_data OWNER TO postgres;

--
-- Name: TABLE personal_data; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.personal_data IS 'The data map: every column that holds personal data. Global reference data, the same for every
tenant; migrations write it by core.map_personal.';

--
-- Name: COLUMN personal_data.category; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.personal_data.category IS 'A data category of the Fides taxonomy, such as user.contact.email.';

--
-- Name: COLUMN personal_data.subject; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.personal_data.subject IS 'How a row leads to the person whom the column is about: links joined by `or`, each
`<column> is <user_id|email|phone|contact_id>` or `<column> in <schema>.<table>.<column>`.';

--
-- Name: COLUMN personal_data.erasure; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.personal_data.erasure IS 'What erasing the person does: delete_row; set_null; pseudonymise, by a hash whose key is thrown
away; keep, for the reason given.';

--
-- Name: COLUMN personal_data.retention; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.personal_data.retention IS 'When the row''s retention_from is older than this, the same is done without anybody asking, and
what erasing keeps is deleted; null for as long as the person is known.';

--
-- Name: COLUMN personal_data.reason; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.personal_data.reason IS 'The law or the need by which the data are kept.';

--
-- Name: mapped_columns; Type: VIEW; Schema: core; Owner: postgres
--

CREATE VIEW core.mapped_columns WITH (security_invoker='true') AS
 SELECT personal.table_schema,
    personal.table_name,
    personal.column_name,
    personal.category,
    personal.subject,
    personal.erasure,
    personal.retention,
    personal.retention_from,
    personal.reason,
    classes.oid AS relation,
    attributes.attnum AS number,
    attributes.attnotnull AS is_not_null,
    (attributes.attgenerated <> ''::"char") AS is_generated,
    (attributes.atttypmod - 4) AS length_max,
    format_type(COALESCE(NULLIF(types.typbasetype, (0)::oid), types.oid), NULL::integer) AS type_name
   FROM ((((core.personal_data personal
     LEFT JOIN pg_namespace namespaces ON ((namespaces.nspname = personal.table_schema)))
     LEFT JOIN pg_class classes ON (((classes.relnamespace = namespaces.oid) AND (classes.relname = personal.table_name))))
     LEFT JOIN pg_attribute attributes ON (((attributes.attrelid = classes.oid) AND (attributes.attname = personal.column_name) AND (NOT attributes.attisdropped))))
     LEFT JOIN pg_type types ON ((types.oid = attributes.atttypid)));

ALTER TABLE core.mapped_columns OWNER TO postgres;

--
-- Name: VIEW mapped_columns; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON VIEW core.mapped_columns IS 'The lines of the data map, with what the catalogue of Postgres knows about their columns; number is
null where there is no such column. Not for clients.';

--
-- Name: data_map_fides(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.data_map_fides() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH links AS (
          SELECT DISTINCT columns.relation,
             split_part(link.link, ' '::text, 1) AS held_in,
                 CASE split_part(link.link, ' '::text, 2)
                     WHEN 'is'::text THEN split_part(link.link, ' '::text, 3)
                     ELSE NULL::text
                 END AS kind,
                 CASE
                     WHEN (split_part(link.link, ' '::text, 2) = 'in'::text) THEN string_to_array(split_part(link.link, ' '::text, 3), '.'::text)
                     ELSE NULL::text[]
                 END AS parent
            FROM (core.mapped_columns columns
              CROSS JOIN LATERAL string_to_table(columns.subject, ' or '::text) link(link))
           WHERE (columns.number IS NOT NULL)
         ), link_meta AS (
          SELECT links.relation,
             links.held_in,
             min(replace(links.kind, 'phone'::text, 'phone_number'::text)) AS identity,
             jsonb_agg(jsonb_build_object('dataset', ('tenon_'::text || links.parent[1]), 'field', ((links.parent[2] || '.'::text) || links.parent[3]), 'direction', 'from') ORDER BY links.parent) FILTER (WHERE (links.parent IS NOT NULL)) AS parents
            FROM links
           GROUP BY links.relation, links.held_in
         ), mapped_tables AS (
          SELECT DISTINCT columns.relation
            FROM core.mapped_columns columns
           WHERE (columns.number IS NOT NULL)
         ), fields AS (
          SELECT (namespaces.nspname)::text AS table_schema,
             classes.oid AS relation,
             (classes.relname)::text AS table_name,
             attributes.attnum AS "position",
             jsonb_strip_nulls(jsonb_build_object('name', attributes.attname, 'description', col_description(classes.oid, (attributes.attnum)::integer), 'data_categories', jsonb_build_array(COALESCE(personal.category, 'system.operations'::text)), 'fides_meta', jsonb_build_object('primary_key', NULLIF((attributes.attname = ANY (core.key_columns(classes.oid))), false), 'identity', link_meta.identity, 'data_type', core.fides_type(format_type(attributes.atttypid, NULL::integer)), 'length',
                 CASE
                     WHEN (attributes.atttypid = ('character varying'::regtype)::oid) THEN NULLIF((attributes.atttypmod - 4), '-5'::integer)
                     ELSE NULL::integer
                 END, 'references', link_meta.parents))) AS field
            FROM (((((mapped_tables
              JOIN pg_class classes ON ((classes.oid = mapped_tables.relation)))
              JOIN pg_namespace namespaces ON ((namespaces.oid = classes.relnamespace)))
              JOIN pg_attribute attributes ON (((attributes.attrelid = classes.oid) AND (attributes.attnum > 0) AND (NOT attributes.attisdropped))))
              LEFT JOIN core.mapped_columns personal ON (((personal.relation = classes.oid) AND (personal.number = attributes.attnum))))
              LEFT JOIN link_meta ON (((link_meta.relation = classes.oid) AND (link_meta.held_in = attributes.attname))))
           WHERE ((personal.column_name IS NOT NULL) OR (namespaces.nspname = ANY (core.data_map_schemas())))
         ), collections AS (
          SELECT fields.table_schema,
             fields.table_name,
             jsonb_strip_nulls(jsonb_build_object('name', fields.table_name, 'description', obj_description(fields.relation, 'pg_class'::name), 'fields', jsonb_agg(fields.field ORDER BY fields."position"))) AS collection
            FROM fields
           GROUP BY fields.table_schema, fields.table_name, fields.relation
         ), datasets AS (
          SELECT jsonb_build_object('fides_key', ('tenon_'::text || collections.table_schema), 'name', ('Tenon: '::text || collections.table_schema), 'description', (('Tables of the schema '::text || collections.table_schema) || ' that hold personal data.'::text), 'collections', jsonb_agg(collections.collection ORDER BY collections.table_name)) AS dataset,
             collections.table_schema
            FROM collections
           GROUP BY collections.table_schema
         )
  SELECT jsonb_build_object('dataset', COALESCE(jsonb_agg(datasets.dataset ORDER BY datasets.table_schema), '[]'::jsonb)) AS jsonb_build_object
    FROM datasets;
END;

ALTER FUNCTION core.data_map_fides() OWNER TO postgres;

--
-- Name: FUNCTION data_map_fides(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.data_map_fides() IS 'The data map as datasets of Fides, one for each schema: what `fides` reads as YAML, in JSON, which
is YAML. Columns of ours without a line are system.operations. Owner only.';

--
-- Name: delete_role(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.delete_role(slug text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.roles.write');
    gone core.roles;
begin
    select roles.* into gone
    from core.roles
    where roles.tenant_id = owner_id and roles.slug = delete_role.slug and not roles.of_api_key
    for update;
    if gone.id is null or owner_id = core.platform_tenant_id() then
        perform core.fail('role.unknown', jsonb_build_object('role', delete_role.slug));
    end if;
    perform core.check_may_grant_role(owner_id, owner_id, gone.id);
    begin
        delete from core.roles where roles.tenant_id = owner_id and roles.id = gone.id;
    exception
        when foreign_key_violation then
            perform core.fail('role.in_use', jsonb_build_object('role', delete_role.slug));
    end;
    perform core.emit(
        owner_id, 'core.role.deleted', 'role', gone.id,
        jsonb_build_object('role', delete_role.slug)
    );
    return jsonb_build_object('tenant_id', owner_id, 'slug', delete_role.slug, 'deleted', true);
end
$$;

ALTER FUNCTION core.delete_role(slug text) OWNER TO postgres;

--
-- Name: FUNCTION delete_role(slug text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.delete_role(slug text) IS 'What v1.delete_role does. Definer, because it writes core.roles. Signed-in users may call it.';

--
-- Name: delete_team(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.delete_team(slug text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
    gone uuid;
begin
    delete from core.teams
    where teams.tenant_id = owner_id and teams.slug = delete_team.slug
    returning teams.id into gone;
    if gone is null then
        perform core.fail('team.unknown', jsonb_build_object('team', delete_team.slug));
    end if;
    perform core.emit(
        owner_id, 'core.team.deleted', 'team', gone,
        jsonb_build_object('team', delete_team.slug)
    );
    return jsonb_build_object('tenant_id', owner_id, 'slug', delete_team.slug, 'deleted', true);
end
$$;

ALTER FUNCTION core.delete_team(slug text) OWNER TO postgres;

--
-- Name: FUNCTION delete_team(slug text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.delete_team(slug text) IS 'What v1.delete_team does. Definer, because it writes core.teams. Signed-in users may call it.';

--
-- Name: depth_of(oid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.depth_of(relation oid) RETURNS integer
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH RECURSIVE above(relation, depth) AS (
          SELECT depth_of.relation AS relation,
             0 AS "?column?"
         UNION
          SELECT constraints.confrelid,
             (above_1.depth + 1)
            FROM (above above_1
              JOIN pg_constraint constraints ON (((constraints.conrelid = above_1.relation) AND (constraints.contype = 'f'::"char") AND (constraints.confrelid <> constraints.conrelid))))
           WHERE (above_1.depth < 12)
         )
  SELECT max(above.depth) AS max
    FROM above;
END;

ALTER FUNCTION core.depth_of(relation oid) OWNER TO postgres;

--
-- Name: FUNCTION depth_of(relation oid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.depth_of(relation oid) IS 'How many foreign keys lead up from a table: of the deeper ones rows are deleted first. Internal.';

--
-- Name: drop_audit_month(timestamp with time zone); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.drop_audit_month(month timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    first_at constant timestamptz := date_trunc('month', month, 'UTC');
    name constant text := 'audit_entries_' || to_char(first_at at time zone 'UTC', 'YYYY_MM');
    progress core.audit_progress;
    dropped record;
    total bigint := 0;
begin
    if (core.caller()).kind not in ('service', 'system') then
        perform core.fail(
            'tenancy.permission_missing', jsonb_build_object('permission', 'core.audit.drop')
        );
    end if;
    if core.month_after(first_at) > now() then
        perform core.fail('audit.month_not_over', jsonb_build_object('month', first_at));
    end if;
    select * into progress from core.audit_progress for update;
    if exists (
        select from core.audit_entries as entries
        where
            entries.at >= first_at
            and entries.at < core.month_after(first_at)
            and (
                entries.id > progress.sealed_up_to or entries.id = any(progress.open_ids)
            )
    ) then
        perform core.fail('audit.month_not_sealed', jsonb_build_object('month', first_at));
    end if;
    perform core.add_audit_partition(first_at);
    for dropped in
        select
            entries.tenant_id,
            count(*) as entries,
            min(entries.id) as first_id,
            max(entries.id) as last_id
        from core.audit_entries as entries
        where entries.at >= first_at and entries.at < core.month_after(first_at)
        group by entries.tenant_id
    loop
        total := total + dropped.entries;
        perform core.write_audit_entry(
            dropped.tenant_id,
            'event',
            'core.audit_entries',
            core.audit_month_key(first_at),
            event => 'audit.month_dropped',
            details => jsonb_build_object(
                'entries', dropped.entries,
                'first_id', dropped.first_id,
                'last_id', dropped.last_id,
                'head', (
                    select jsonb_build_object(
                        'number', heads.number, 'hash', encode(heads.hash, 'hex')
                    )
                    from core.audit_heads as heads
                    where heads.tenant_id = dropped.tenant_id
                )
            )
        );
    end loop;
    execute format(
        'delete from core.audit_values using core.%I as entries '
        'where audit_values.tenant_id = entries.tenant_id '
        'and audit_values.entry_id = entries.id', name
    );
    execute format('drop table core.%I', name);
    return total;
end
$$;

ALTER FUNCTION core.drop_audit_month(month timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION drop_audit_month(month timestamp with time zone); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.drop_audit_month(month timestamp with time zone) IS 'Drops the entries of the month of UTC that holds the time, and their personal values; says how
many. The seals stay, and each tenant''s chain gets an entry about it with its head at the time, from
which core.verify_audit knows that these entries are not missing. Raises audit.month_not_over and
audit.month_not_sealed (409). Definer, because nobody may change the trail; for the operator:
service_role may call it.';

--
-- Name: drop_member(uuid, uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.drop_member(tenant_id uuid, user_id uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    delete from core.members
    where members.tenant_id = drop_member.tenant_id and members.user_id = drop_member.user_id;
    perform core.emit(
        drop_member.tenant_id, 'core.member.left', 'member', drop_member.user_id
    );
end
$$;

ALTER FUNCTION core.drop_member(tenant_id uuid, user_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION drop_member(tenant_id uuid, user_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.drop_member(tenant_id uuid, user_id uuid) IS 'Takes a member out of a tenant. Internal.';

--
-- Name: email_allowed(uuid, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.email_allowed(tenant_id uuid, email text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    domains constant text[] := tenon.email_domains(email);
    effect text;
begin
    if domains is null then
        return false;
    end if;
    select rules.effect
    into effect
    from core.email_domain_rules as rules
    where
        rules.tenant_id = email_allowed.tenant_id
        and rules.domain = any(domains)
        and (rules.includes_subdomains or rules.domain = domains[1])
    order by char_length(rules.domain) desc
    limit 1;
    return coalesce(effect = 'allow', not core.names_allowed_domains(email_allowed.tenant_id));
end
$$;

ALTER FUNCTION core.email_allowed(tenant_id uuid, email text) OWNER TO postgres;

--
-- Name: FUNCTION email_allowed(tenant_id uuid, email text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.email_allowed(tenant_id uuid, email text) IS 'Whether the rules of this tenant let the address join it; those of the platform tenant, whether it
may sign up. False for what is no address. For supabase_auth_admin and functions of core.';

--
-- Name: emit(uuid, text, text, uuid, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.emit(tenant_id uuid, type text, subject_type text DEFAULT NULL::text, subject_id uuid DEFAULT NULL::uuid, data jsonb DEFAULT '{}'::jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    actor constant record := core.caller();
begin
    if emit.tenant_id is null then
        perform core.fail('event.tenant_missing', jsonb_build_object('type', emit.type));
    end if;
    if
        jsonb_typeof(emit.data) is distinct from 'object'
        or octet_length(emit.data::text) > core.event_bytes_max()
    then
        perform core.fail(
            'event.data_invalid',
            jsonb_build_object('type', emit.type, 'bytes_max', core.event_bytes_max())
        );
    end if;
    insert into core.pending_events (
        tenant_id, transaction, is_first, type, at, subject_type, subject_id,
        actor_kind, actor_id, data
    )
    select
        emit.tenant_id,
        pg_current_xact_id(),
        not exists (
            select from core.pending_events as pending
            where pending.transaction = pg_current_xact_id()
        ),
        event_types.type,
        now(),
        emit.subject_type,
        emit.subject_id,
        actor.kind,
        actor.id,
        emit.data
    from core.event_types
    where event_types.type = emit.type;
    if not found then
        perform core.fail('event.type_unknown', jsonb_build_object('type', emit.type));
    end if;
end
$$;

ALTER FUNCTION core.emit(tenant_id uuid, type text, subject_type text, subject_id uuid, data jsonb) OWNER TO postgres;

--
-- Name: FUNCTION emit(tenant_id uuid, type text, subject_type text, subject_id uuid, data jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.emit(tenant_id uuid, type text, subject_type text, subject_id uuid, data jsonb) IS 'Says that something has happened: appends an event to the tenant''s, in the caller''s transaction,
with its principal as the actor. It has its number, and is seen, when that commits. type: one of
core.event_types. Raises event.type_unknown, event.tenant_missing and event.data_invalid, and at
commit 23503 where there is no such tenant. Definer, so that triggers may call it whoever fires
them. Internal: whoever could call it could forge what happened.';

--
-- Name: enqueue_auth_mail(uuid, text, text, jsonb, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.enqueue_auth_mail(tenant_id uuid, recipient text, action text, data jsonb, idempotency_key text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform core.enqueue_delivery(
        enqueue_auth_mail.tenant_id, 'email', recipient, 'auth.' || action, data, idempotency_key
    );
end
$$;

ALTER FUNCTION core.enqueue_auth_mail(tenant_id uuid, recipient text, action text, data jsonb, idempotency_key text) OWNER TO postgres;

--
-- Name: FUNCTION enqueue_auth_mail(tenant_id uuid, recipient text, action text, data jsonb, idempotency_key text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.enqueue_auth_mail(tenant_id uuid, recipient text, action text, data jsonb, idempotency_key text) IS 'Puts a mail of Supabase Auth into the outbox, under the template auth.action. Definer, because the
outbox takes rows from functions of core alone; supabase_auth_admin may call it.';

--
-- Name: enqueue_delivery(uuid, text, text, text, jsonb, text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.enqueue_delivery(tenant_id uuid, channel text, recipient text, template text, data jsonb DEFAULT '{}'::jsonb, idempotency_key text DEFAULT NULL::text, event_type text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    queued core.deliveries;
begin
    if
        enqueue_delivery.event_type is not null
        and not exists (
            select from core.event_types where event_types.type = enqueue_delivery.event_type
        )
    then
        perform core.fail(
            'event.type_unknown', jsonb_build_object('type', enqueue_delivery.event_type)
        );
    end if;
    -- Waits for whoever is about to deliver under the same key.
    insert into core.deliveries (
        tenant_id, channel, recipient, template, data, idempotency_key, event_type
    )
    values (
        enqueue_delivery.tenant_id,
        enqueue_delivery.channel,
        enqueue_delivery.recipient,
        enqueue_delivery.template,
        enqueue_delivery.data,
        enqueue_delivery.idempotency_key,
        enqueue_delivery.event_type
    )
    on conflict on constraint idempotency_key_is_unique do nothing
    returning deliveries.* into queued;
    if queued.id is null then
        select deliveries.* into strict queued
        from core.deliveries
        where
            deliveries.tenant_id = enqueue_delivery.tenant_id
            and deliveries.idempotency_key = enqueue_delivery.idempotency_key;
        if
            (queued.channel, queued.recipient, queued.template, queued.data) is distinct from (
                enqueue_delivery.channel, enqueue_delivery.recipient, enqueue_delivery.template,
                enqueue_delivery.data
            )
        then
            perform core.fail(
                'delivery.key_reused',
                jsonb_build_object('idempotency_key', enqueue_delivery.idempotency_key)
            );
        end if;
    end if;
    return queued.id;
end
$$;

ALTER FUNCTION core.enqueue_delivery(tenant_id uuid, channel text, recipient text, template text, data jsonb, idempotency_key text, event_type text) OWNER TO postgres;

--
-- Name: FUNCTION enqueue_delivery(tenant_id uuid, channel text, recipient text, template text, data jsonb, idempotency_key text, event_type text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.enqueue_delivery(tenant_id uuid, channel text, recipient text, template text, data jsonb, idempotency_key text, event_type text) IS 'Has something delivered to the world outside once the caller''s transaction has committed, and not
at all if it is rolled back. With an idempotency_key the same again is the same delivery. Returns
its id. Raises delivery.key_reused (422) where another one has the key, and event.type_unknown.
Definer, so that triggers and hooks may call it whoever fires them. Internal: whoever could call it
could write to anybody.';

--
-- Name: erase_audit_values(uuid, text, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.erase_audit_values(tenant_id uuid, table_name text, key jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    erased bigint;
begin
    delete from core.audit_values
    using core.audit_entries as entries
    where
        entries.tenant_id = erase_audit_values.tenant_id
        and jsonb_hash(entries.key) = jsonb_hash(erase_audit_values.key)
        and entries.key = erase_audit_values.key
        and entries.table_name = erase_audit_values.table_name
        and audit_values.tenant_id = entries.tenant_id
        and audit_values.entry_id = entries.id;
    get diagnostics erased = row_count;
    if erased > 0 then
        perform core.write_audit_entry(
            erase_audit_values.tenant_id,
            'event',
            erase_audit_values.table_name,
            erase_audit_values.key,
            event => 'audit.values_erased',
            details => jsonb_build_object('values', erased)
        );
    end if;
    return erased;
end
$$;

ALTER FUNCTION core.erase_audit_values(tenant_id uuid, table_name text, key jsonb) OWNER TO postgres;

--
-- Name: FUNCTION erase_audit_values(tenant_id uuid, table_name text, key jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.erase_audit_values(tenant_id uuid, table_name text, key jsonb) IS 'Erases the personal values that the audit trail holds of a record; says how many. table_name with
its schema; key as in the entries. The entries stay as they are, and the chain valid; that it was
done becomes an entry. Definer, because nobody may write the trail; internal.';

--
-- Name: erase_person(jsonb, boolean); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.erase_person(asked jsonb, dry_run boolean) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    of_tenant constant uuid := core.sole_tenant_with('core.privacy.erase');
    identifiers jsonb;
    plan jsonb;
    step record;
    blockers jsonb;
    blocker jsonb;
    answer jsonb;
begin
    if not dry_run then
        perform core.lock_privacy(of_tenant);
    end if;
    identifiers := core.identifiers_of(of_tenant, asked);
    select coalesce(jsonb_agg(to_jsonb(planned)), '[]')
    into plan
    from core.plan_erasure(of_tenant, identifiers) as planned;
    if plan = '[]' then
        perform core.fail('privacy.person_unknown');
    end if;
    blockers := core.erasure_blockers(
        of_tenant,
        identifiers,
        (
            select sum(planned.held_count)::bigint
            from jsonb_to_recordset(plan) as planned (held_count bigint)
        )
    );
    blocker := blockers -> 0;
    if blocker is not null and not dry_run then
        perform core.fail(blocker ->> 'code', blocker - 'code');
    end if;
    answer := jsonb_build_object(
        'dry_run', dry_run,
        'tenant_id', of_tenant,
        'blockers', blockers,
        'operator', case
            when identifiers ? 'user_id'
                then 'The user stays in Supabase Auth, to which it belongs. When it is a member of '
                || 'no tenant any more (core.users_without_tenant), the operator deletes it there: '
                || 'auth.admin.deleteUser.'
        end
    );
    if dry_run then
        return answer || jsonb_build_object(
            'tables', core.erasure_counts(plan),
            'rows', core.erasure_rows(core.erasure_counts(plan))
        );
    end if;
    return answer || core.carry_out_erasure(of_tenant, identifiers, plan);
end
$$;

ALTER FUNCTION core.erase_person(asked jsonb, dry_run boolean) OWNER TO postgres;

--
-- Name: FUNCTION erase_person(asked jsonb, dry_run boolean); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.erase_person(asked jsonb, dry_run boolean) IS 'What v1.erase_person does. Definer, because a person''s data are in tables that clients may not
write; asks for core.privacy.erase itself, and touches rows of that tenant alone. Signed-in users
may call it.';

--
-- Name: is_pseudonym(text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.is_pseudonym(type_name text, held text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN CASE WHEN (type_name = ANY (ARRAY['text'::text, 'character varying'::text])) THEN format('%s like ''erased-%%'''::text, held) WHEN (type_name = 'uuid'::text) THEN format('substr(%s::text, 15, 1) = ''8'''::text, held) WHEN (type_name = ANY (ARRAY['json'::text, 'jsonb'::text])) THEN format('%s::text = ''{}'''::text, held) WHEN (type_name = 'bytea'::text) THEN format('%s = '''''::text, held) WHEN (type_name = 'inet'::text) THEN format('%s = ''0.0.0.0'''::text, held) ELSE NULL::text END;

ALTER FUNCTION core.is_pseudonym(type_name text, held text) OWNER TO postgres;

--
-- Name: FUNCTION is_pseudonym(type_name text, held text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.is_pseudonym(type_name text, held text) IS 'The condition under which a value is one that core.pseudonym has made. Internal.';

--
-- Name: pseudonym(text, text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.pseudonym(type_name text, category text, held text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN CASE WHEN (type_name = ANY (ARRAY['text'::text, 'character varying'::text])) THEN format('''erased-'' || left(encode(sha256($3 || convert_to(%s, ''utf8'')), ''hex''), 24)%s'::text, held, CASE category WHEN 'user.contact.email'::text THEN ' || ''@erased.invalid'''::text ELSE ''::text END) WHEN (type_name = 'uuid'::text) THEN format('overlay(overlay(left(encode(sha256($3 || uuid_send(%s)), ''hex''), 32) placing ''8'' from 13) placing ''8'' from 17)::uuid'::text, held) WHEN (type_name = ANY (ARRAY['json'::text, 'jsonb'::text])) THEN format('''{}''::%s'::text, type_name) WHEN (type_name = 'bytea'::text) THEN '''''::bytea'::text WHEN (type_name = 'inet'::text) THEN '''0.0.0.0''::inet'::text ELSE NULL::text END;

ALTER FUNCTION core.pseudonym(type_name text, category text, held text) OWNER TO postgres;

--
-- Name: FUNCTION pseudonym(type_name text, category text, held text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.pseudonym(type_name text, category text, held text) IS 'The expression of what takes the place of a value: for text and ids a hash with the key $3, so
that equal values stay equal and others different, and once the key is gone nothing leads back;
ids become UUIDs of version 8, which no user has. Null for a type that has no pseudonym. Internal.';

--
-- Name: erasing_column(text, text, text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.erasing_column(erasure text, column_name text, type_name text, category text, OUT condition text, OUT assignment text) RETURNS record
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN CASE erasure WHEN 'set_null'::text THEN ROW(format('t.%I is not null'::text, column_name), format('%I = null'::text, column_name)) WHEN 'pseudonymise'::text THEN ROW(format('(t.%I is not null and not %s)'::text, column_name, core.is_pseudonym(type_name, format('t.%I'::text, column_name))), format('%1$I = case when t.%1$I is not null then %2$s end'::text, column_name, core.pseudonym(type_name, category, format('t.%I'::text, column_name)))) ELSE ROW(NULL::text, NULL::text) END;

ALTER FUNCTION core.erasing_column(erasure text, column_name text, type_name text, category text, OUT condition text, OUT assignment text) OWNER TO postgres;

--
-- Name: FUNCTION erasing_column(erasure text, column_name text, type_name text, category text, OUT condition text, OUT assignment text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.erasing_column(erasure text, column_name text, type_name text, category text, OUT condition text, OUT assignment text) IS 'How a column of the row t is emptied, and the condition under which it still has to be; nulls where
erasing does not write the column. Internal.';

--
-- Name: erasure_blockers(uuid, jsonb, bigint); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.erasure_blockers(tenant_id uuid, identifiers jsonb, held_count bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owners constant text[] := core.owners_of(erasure_blockers.tenant_id);
    erased constant text[] := array(
        select jsonb_array_elements_text(erasure_blockers.identifiers -> 'user_id')
    );
    blockers jsonb;
begin
    select coalesce(jsonb_agg(
        jsonb_build_object(
            'code', 'privacy.legal_hold', 'hold_id', holds.id, 'reason', holds.reason
        )
        order by holds.set_at, holds.id
    ), '[]')
    into blockers
    from core.legal_holds as holds
    where
        holds.tenant_id = erasure_blockers.tenant_id
        and holds.released_at is null
        and exists (
            select from jsonb_each(erasure_blockers.identifiers) as pair
            cross join jsonb_array_elements_text(pair.value) as named (identifier)
            where holds.identifiers -> pair.key ? named.identifier
        );
    if blockers = '[]' and held_count > 0 then
        blockers := jsonb_build_array(jsonb_build_object(
            'code', 'privacy.legal_hold',
            'reason', format('%s rows are about a person under a legal hold too', held_count)
        ));
    end if;
    if owners && erased and owners <@ erased then
        blockers := blockers || jsonb_build_object('code', 'privacy.last_owner');
    elsif
        owners && erased
        and erasure_blockers.tenant_id <> all(core.tenants_with('core.tenants.own'))
    then
        -- Erasing is no way to get rid of owners for who may not say who owns the tenant.
        blockers := blockers || jsonb_build_object(
            'code', 'tenancy.permission_missing', 'permission', 'core.tenants.own'
        );
    end if;
    return blockers;
end
$$;

ALTER FUNCTION core.erasure_blockers(tenant_id uuid, identifiers jsonb, held_count bigint) OWNER TO postgres;

--
-- Name: FUNCTION erasure_blockers(tenant_id uuid, identifiers jsonb, held_count bigint); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.erasure_blockers(tenant_id uuid, identifiers jsonb, held_count bigint) IS 'What stands in the way of erasing: [{code, …}]. Internal.';

--
-- Name: erasure_counts(jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.erasure_counts(plan jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT COALESCE(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('table', (step.value -> 'table_name'::text), 'subject', (step.value -> 'subject'::text), 'method', (step.value -> 'method'::text), 'columns', (step.value -> 'column_names'::text), 'rows', (step.value -> 'row_count'::text), 'reason', (step.value -> 'reason'::text))) ORDER BY step.number), '[]'::jsonb) AS "coalesce"
    FROM jsonb_array_elements(erasure_counts.plan) WITH ORDINALITY step(value, number);
END;

ALTER FUNCTION core.erasure_counts(plan jsonb) OWNER TO postgres;

--
-- Name: FUNCTION erasure_counts(plan jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.erasure_counts(plan jsonb) IS 'What a plan comes to, by table, link and method, without the keys of rows. Internal.';

--
-- Name: erasure_digest(uuid, uuid, timestamp with time zone, bytea[], jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.erasure_digest(tenant_id uuid, id uuid, erased_at timestamp with time zone, subject_hashes bytea[], counts jsonb) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN sha256(convert_to(concat_ws('/'::text, tenant_id, id, EXTRACT(epoch FROM erased_at), (SELECT string_agg(encode(one.one, 'hex'::text), ','::text) AS string_agg FROM unnest(erasure_digest.subject_hashes) one(one)), counts), 'utf8'::name));

ALTER FUNCTION core.erasure_digest(tenant_id uuid, id uuid, erased_at timestamp with time zone, subject_hashes bytea[], counts jsonb) OWNER TO postgres;

--
-- Name: FUNCTION erasure_digest(tenant_id uuid, id uuid, erased_at timestamp with time zone, subject_hashes bytea[], counts jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.erasure_digest(tenant_id uuid, id uuid, erased_at timestamp with time zone, subject_hashes bytea[], counts jsonb) IS 'What a row of core.erasures is checked by: the hash of its other columns. Signed-in users may call
it.';

--
-- Name: erasure_rows(jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.erasure_rows(counts jsonb) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT (COALESCE(sum(step.rows), (0)::numeric))::bigint AS "coalesce"
    FROM jsonb_to_recordset(erasure_rows.counts) step(method text, rows bigint)
   WHERE (step.method <> 'keep'::text);
END;

ALTER FUNCTION core.erasure_rows(counts jsonb) OWNER TO postgres;

--
-- Name: FUNCTION erasure_rows(counts jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.erasure_rows(counts jsonb) IS 'How many rows are changed or deleted, as opposed to kept. Internal.';

--
-- Name: erasure_steps(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.erasure_steps() RETURNS TABLE(relation oid, table_name text, subject text, method text, column_names text[], reason text, condition text, assignments text, is_mention boolean)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT columns.relation,
     ((columns.table_schema || '.'::text) || columns.table_name),
     columns.subject,
     columns.erasure,
     array_agg(columns.column_name ORDER BY columns.number) AS array_agg,
     string_agg(DISTINCT columns.reason, ' '::text) AS string_agg,
     COALESCE((('('::text || string_agg(writing.condition, ' or '::text)) || ')'::text), 'true'::text) AS "coalesce",
     string_agg(writing.assignment, ', '::text) AS string_agg,
     ((columns.erasure = ANY (ARRAY['set_null'::text, 'pseudonymise'::text])) AND (count(*) = 1) AND (columns.subject = (min(columns.column_name) || ' is user_id'::text)))
    FROM (core.mapped_columns columns
      CROSS JOIN LATERAL core.erasing_column(columns.erasure, columns.column_name, columns.type_name, columns.category) writing(condition, assignment))
   WHERE (columns.number IS NOT NULL)
   GROUP BY columns.relation, columns.table_schema, columns.table_name, columns.subject, columns.erasure
   ORDER BY (columns.erasure = 'delete_row'::text), (- core.depth_of(columns.relation)), columns.table_schema, columns.table_name, columns.subject, columns.erasure;
END;

ALTER FUNCTION core.erasure_steps() OWNER TO postgres;

--
-- Name: FUNCTION erasure_steps(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.erasure_steps() IS 'What erasing does, in its order: columns are emptied before rows are deleted, and rows that point
to others go before those. condition: under which a row still has something to erase. is_mention:
a column that says which user did something to a row that is not about that user. Internal.';

--
-- Name: event_bytes_max(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.event_bytes_max() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 16384;

ALTER FUNCTION core.event_bytes_max() OWNER TO postgres;

--
-- Name: FUNCTION event_bytes_max(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.event_bytes_max() IS 'How long the data of an event may be as text: what is sent on as a webhook should stay below 20 kB
(Standard Webhooks), and every reader of a tenant fetches it. Internal.';

--
-- Name: events_days(jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.events_days(settings jsonb) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN CASE WHEN ((jsonb_typeof((settings #> '{core,events_days}'::text[])) = 'number'::text) AND ((((settings #>> '{core,events_days}'::text[]))::numeric >= (1)::numeric) AND (((settings #>> '{core,events_days}'::text[]))::numeric <= (36500)::numeric))) THEN (trunc(((settings #>> '{core,events_days}'::text[]))::numeric))::integer ELSE 400 END;

ALTER FUNCTION core.events_days(settings jsonb) OWNER TO postgres;

--
-- Name: FUNCTION events_days(settings jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.events_days(settings jsonb) IS 'For how many days a tenant with these settings keeps events: {"core": {"events_days": 30}}, from 1
to 36500, and 400 where nothing valid is set, so that a year can be compared with the one before.
Internal.';

--
-- Name: events_limit_max(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.events_limit_max() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 1000;

ALTER FUNCTION core.events_limit_max() OWNER TO postgres;

--
-- Name: FUNCTION events_limit_max(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.events_limit_max() IS 'How many events one answer of v1.events_since holds at most: 16 MB of data. Signed-in users may
call it.';

--
-- Name: events_scan_max(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.events_scan_max() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 10000;

ALTER FUNCTION core.events_scan_max() OWNER TO postgres;

--
-- Name: FUNCTION events_scan_max(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.events_scan_max() IS 'How many events one call of v1.events_since looks at, whether or not the caller may see them: some
milliseconds. Signed-in users may call it.';

--
-- Name: expire_answers(interval, timestamp with time zone); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.expire_answers(budget interval DEFAULT '00:00:30'::interval, as_of timestamp with time zone DEFAULT now()) RETURNS TABLE(answers bigint, done boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION core.expire_answers(budget interval, as_of timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION expire_answers(budget interval, as_of timestamp with time zone); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.expire_answers(budget interval, as_of timestamp with time zone) IS 'Deletes answers that have been kept long enough, until that is done or the budget is used; at least
one step is made. Returns how many went, and whether it is done. It may run in several sessions at
once. Definer, because it deletes for every caller; service_role may call it.';

--
-- Name: expire_events(interval, timestamp with time zone); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.expire_events(budget interval DEFAULT '00:00:30'::interval, as_of timestamp with time zone DEFAULT now()) RETURNS TABLE(tenants bigint, events bigint, done boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    -- Some milliseconds of work.
    step constant integer := 1000;
    deadline constant timestamptz := clock_timestamp() + budget;
    -- Begins anywhere, so that a short budget reaches every tenant in the end.
    start constant uuid := gen_random_uuid();
    head record;
    kept_from timestamptz;
    expired bigint;
    last_in_step bigint;
    first_kept bigint;
    removed bigint;
begin
    tenants := 0;
    events := 0;
    done := true;
    for head in
        select
            heads.tenant_id,
            known.settings
        from core.event_heads as heads
        inner join core.tenants as known on known.id = heads.tenant_id
        order by heads.tenant_id < start, heads.tenant_id
    loop
        kept_from := expire_events.as_of - make_interval(days => core.events_days(head.settings));
        select coalesce(max(expiries.expired_number), 0) into expired
        from core.event_expiries as expiries
        where expiries.tenant_id = head.tenant_id;
        -- Most tenants have nothing to expire, and are asked for one row.
        continue when not exists (
            select from core.events as oldest
            where
                oldest.tenant_id = head.tenant_id
                and oldest.number = expired + 1
                and oldest.at < kept_from
        );
        -- Two at once would delete the same.
        if not pg_try_advisory_xact_lock(
            hashtextextended('core.expire_events/' || head.tenant_id, 0)
        ) then
            done := false;
            continue;
        end if;
        select coalesce(max(expiries.expired_number), 0) into expired
        from core.event_expiries as expiries
        where expiries.tenant_id = head.tenant_id;
        removed := 0;
        loop
            select
                max(old.number),
                min(old.number) filter (where old.at >= kept_from)
            into last_in_step, first_kept
            from core.events as old
            where
                old.tenant_id = head.tenant_id
                and old.number > expired
                and old.number <= expired + step;
            last_in_step := coalesce(first_kept - 1, last_in_step, expired);
            exit when last_in_step = expired;
            insert into core.event_expiries as expiries (tenant_id, expired_number)
            values (head.tenant_id, last_in_step)
            on conflict (tenant_id) do update set expired_number = excluded.expired_number;
            delete from core.events as old
            where
                old.tenant_id = head.tenant_id
                and old.number > expired
                and old.number <= last_in_step;
            removed := removed + last_in_step - expired;
            expired := last_in_step;
            if clock_timestamp() >= deadline then
                done := false;
                exit;
            end if;
        end loop;
        tenants := tenants + (removed > 0)::integer;
        events := events + removed;
        exit when clock_timestamp() >= deadline;
    end loop;
    return next;
end
$$;

ALTER FUNCTION core.expire_events(budget interval, as_of timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION expire_events(budget interval, as_of timestamp with time zone); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.expire_events(budget interval, as_of timestamp with time zone) IS 'Removes events that are older than their tenant keeps them, oldest first and without a hole, until
that is done or the budget is used; at least one step is made. Returns of how many tenants how many
events went, and whether it is done: false too where another session is at it. Definer, because it
deletes for every tenant; service_role may call it.';

--
-- Name: explain_access(text, uuid, uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.explain_access(permission text, tenant_id uuid, user_id uuid DEFAULT NULL::uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    caller constant record := core.caller();
    asks_of_other constant boolean := user_id is not null and user_id is distinct from caller.id;
    principal constant uuid := coalesce(user_id, caller.id);
    tenant core.tenants;
    step core.tenants;
    held record;
    needed text[] := '{own,team,tenant,descendants}';
    found_scope text;
    stopped text;
    reasons jsonb := '[]';
begin
    if not exists (
        select from core.permissions
        where permissions.permission = explain_access.permission
    ) then
        perform core.fail(
            'role.grant_unknown', jsonb_build_object('grant', explain_access.permission)
        );
    elsif asks_of_other and caller.kind <> 'system' then
        perform core.require(explain_access.tenant_id, 'core.members.read');
    elsif caller.kind in ('service', 'system') then
        return jsonb_build_object(
            'allowed', true, 'scope', 'descendants', 'reasons',
            jsonb_build_array(jsonb_build_object('code', 'bypasses_policies'))
        );
    elsif caller.kind not in ('user', 'api_key') then
        return jsonb_build_object(
            'allowed', false, 'scope', null, 'reasons',
            jsonb_build_array(jsonb_build_object('code', 'no_principal', 'kind', caller.kind))
        );
    end if;

    select tenants.* into tenant
    from core.tenants
    where tenants.id = explain_access.tenant_id;
    step := tenant;
    while step.id is not null loop
        if
            step.status = 'suspended'
            or (step.status = 'closing' and explain_access.permission !~ '\.(read|export)$')
        then
            stopped := coalesce(stopped, step.status);
        end if;
        select
            roles.slug as role,
            granted.scope,
            coalesce(members.status, 'active') as status
        into held
        from (
            select
                members.role_tenant_id,
                members.role_id
            from core.members
            where members.tenant_id = step.id and members.user_id = principal
            union all
            select
                api_keys.role_tenant_id,
                api_keys.role_id
            from core.api_keys
            where api_keys.tenant_id = step.id and api_keys.id = principal
        ) as holding
        inner join core.roles
            on roles.tenant_id = holding.role_tenant_id and roles.id = holding.role_id
        left join core.members
            on members.tenant_id = step.id and members.user_id = principal
        left join core.role_permissions as granted
            on
                granted.tenant_id = roles.tenant_id
                and granted.role_id = roles.id
                and granted.permission = explain_access.permission;
        -- What somebody holds above and what does not reach down is no business of those below.
        if
            held.role is not null
            and (step.id = tenant.id or not asks_of_other or held.scope = 'descendants')
        then
            reasons := reasons || jsonb_build_object(
                'code', case
                    when stopped is not null then 'tenant_' || stopped
                    when held.status <> 'active' then 'membership_suspended'
                    when held.scope is null then 'role_lacks_permission'
                    when (held.scope = any(needed)) is not true then 'role_stays_in_its_tenant'
                    else 'granted'
                end,
                'tenant_id', step.id, 'tenant', step.slug, 'role', held.role,
                'scope', held.scope
            );
            if
                stopped is null
                and held.status = 'active'
                and held.scope = any(needed)
                and cardinality(core.scopes_from(held.scope))
                < coalesce(cardinality(core.scopes_from(found_scope)), 5)
            then
                found_scope := held.scope;
            end if;
        end if;
        needed := '{descendants}';
        select tenants.* into step from core.tenants where tenants.id = step.parent_id;
    end loop;

    if found_scope is not null and not asks_of_other and (
        core.requested_tenant_id() <> explain_access.tenant_id
    ) then
        found_scope := null;
        reasons := reasons || '{"code": "narrowed_by_header"}';
    end if;
    -- The same words for a tenant that is not there and one that the caller has nothing to do with.
    if reasons = '[]' then
        reasons := '[{"code": "no_membership"}]';
    end if;
    return jsonb_build_object(
        'allowed', found_scope is not null, 'scope', found_scope, 'reasons', reasons
    );
end
$_$;

ALTER FUNCTION core.explain_access(permission text, tenant_id uuid, user_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION explain_access(permission text, tenant_id uuid, user_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.explain_access(permission text, tenant_id uuid, user_id uuid) IS 'What v1.explain_access does. Definer, because it reads the tables that decide over access.
Signed-in users may call it.';

--
-- Name: export_me(jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.export_me(after jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    caller constant record := core.caller();
    requested constant uuid := core.requested_tenant_id();
    tenant_ids uuid[];
    identifiers jsonb;
    page record;
    one uuid;
begin
    if caller.kind <> 'user' then
        perform core.fail('privacy.not_a_user');
    end if;
    perform core.check_position(after);
    tenant_ids := array(
        select members.tenant_id
        from core.members
        inner join core.tenants on tenants.id = members.tenant_id
        where
            members.user_id = caller.id
            and members.status = 'active'
            and tenants.status in ('active', 'closing')
            and (requested is null or members.tenant_id = requested)
    );
    if tenant_ids = '{}' then
        perform core.fail('privacy.person_unknown');
    end if;
    identifiers := core.identifiers_of(
        tenant_ids[1], jsonb_build_object('user_id', jsonb_build_array(caller.id))
    );
    select *
    into page
    from core.export_page(
        case
            when requested is null then tenant_ids || core.platform_tenant_id() else tenant_ids
        end,
        identifiers, after
    );
    foreach one in array tenant_ids loop
        perform core.log_export(
            one, 'self', identifiers, page.row_count, page.continues_at is null
        );
    end loop;
    return jsonb_build_object(
        'exported_at', now(),
        'tenant_ids', tenant_ids,
        'identifiers', identifiers,
        'tables', page.tables,
        'rows', page.row_count,
        'next', page.continues_at
    );
end
$$;

ALTER FUNCTION core.export_me(after jsonb) OWNER TO postgres;

--
-- Name: FUNCTION export_me(after jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.export_me(after jsonb) IS 'What v1.export_me does. Definer, because everyone may see what is stored about themselves, whatever
their role may read; whom it is about is the caller, and no argument. Signed-in users may call it.';

--
-- Name: export_own_audit(timestamp with time zone, timestamp with time zone, bigint, integer); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.export_own_audit(first_at timestamp with time zone, until timestamp with time zone, after bigint, page integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    page_max constant integer := 5000;
    tenant constant uuid := core.sole_tenant_with('core.audit.read');
    page_ids bigint[];
    answer jsonb;
begin
    page_ids := array(
        select entries.id
        from core.audit_entries as entries
        where
            entries.tenant_id = tenant
            and entries.id > coalesce(after, 0)
            and entries.at >= coalesce(first_at, '-infinity')
            and entries.at < coalesce(until, 'infinity')
        order by entries.id
        limit least(greatest(coalesce(page, 1000), 1), page_max)
    );
    with holding as (
        select
            seals.number,
            seals.ids,
            jsonb_build_object(
                'number', seals.number,
                'hash', encode(seals.hash, 'hex'),
                'text', core.audit_seal_text(seals)
            ) as seal
        from core.audit_seals as seals
        where seals.tenant_id = tenant and seals.ids && page_ids
    )
    select
        jsonb_build_object(
            'tenant_id', tenant,
            'entries', coalesce(
                (
                    select
                        jsonb_agg(
                            jsonb_build_object(
                                'id', entries.id,
                                'seal', (
                                    select holding.number from holding
                                    where entries.id = any(holding.ids)
                                ),
                                'line', core.audit_line(entries),
                                'values', (
                                    select
                                        jsonb_agg(
                                            jsonb_build_object(
                                                'column', kept.column_name,
                                                'salt', encode(kept.salt, 'hex'),
                                                'old', kept.old::text,
                                                'new', kept.new::text
                                            )
                                            order by kept.column_name
                                        )
                                    from core.audit_values as kept
                                    where
                                        kept.tenant_id = tenant
                                        and kept.entry_id = entries.id
                                )
                            )
                            order by entries.id
                        )
                    from core.audit_entries as entries
                    where entries.tenant_id = tenant and entries.id = any(page_ids)
                ),
                '[]'
            ),
            'seals', coalesce(
                (select jsonb_agg(holding.seal order by holding.number) from holding), '[]'
            ),
            'next', page_ids[cardinality(page_ids)]
        )
    into answer;
    perform core.record_security_event(
        tenant,
        'audit.exported',
        jsonb_build_object(
            'from', first_at, 'to', until, 'after', after, 'entries', cardinality(page_ids)
        )
    );
    return answer;
end
$$;

ALTER FUNCTION core.export_own_audit(first_at timestamp with time zone, until timestamp with time zone, after bigint, page integer) OWNER TO postgres;

--
-- Name: FUNCTION export_own_audit(first_at timestamp with time zone, until timestamp with time zone, after bigint, page integer); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.export_own_audit(first_at timestamp with time zone, until timestamp with time zone, after bigint, page integer) IS 'What v1.export_audit returns. Definer, because nobody is granted personal values or may write the
trail. Signed-in users may call it.';

--
-- Name: export_page(uuid[], jsonb, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.export_page(tenant_ids uuid[], identifiers jsonb, after jsonb) RETURNS TABLE(tables jsonb, row_count bigint, continues_at jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    mapped record;
    keys text;
    shown text;
    page jsonb;
    reached text;
begin
    tables := '[]';
    row_count := 0;
    for mapped in
        select
            columns.relation,
            columns.table_schema || '.' || columns.table_name as table_name,
            columns.subject,
            array_agg(columns.column_name order by columns.number) as column_names,
            jsonb_object_agg(columns.column_name, columns.category) as categories
        from core.mapped_columns as columns
        where columns.number is not null
        group by columns.relation, columns.table_schema, columns.table_name, columns.subject
        order by
            (columns.table_schema || '.' || columns.table_name) collate "C",
            columns.subject collate "C"
    loop
        continue when
            (mapped.table_name collate "C", mapped.subject collate "C")
            < (after ->> 'table', after ->> 'subject');
        select string_agg(format('t.%I', named.name), ', ' order by named.position)
        into keys
        from unnest(core.key_columns(mapped.relation)) with ordinality as named (name, position);
        -- What of the key is about somebody else is not given out.
        select string_agg(format('t.%I', attributes.attname), ', ' order by attributes.attnum)
        into shown
        from pg_attribute as attributes
        where
            attributes.attrelid = mapped.relation
            and (
                attributes.attname = any(mapped.column_names)
                or attributes.attname = core.tenant_column(mapped.relation)
                or (
                    attributes.attname = any(core.key_columns(mapped.relation))
                    and not exists (
                        select from core.mapped_columns as others
                        where
                            others.relation = mapped.relation
                            and others.column_name = attributes.attname
                    )
                )
            );
        execute format(
            'select jsonb_agg(found.line order by found.position), max(found.position) from ('
            'select'
            ' md5(jsonb_build_array(%1$s)::text) collate "C" as position,'
            ' (select to_jsonb(line) from (select %2$s) as line) as line'
            ' from %3$s as t where %4$s and %5$s'
            ' and ($3 = '''' or md5(jsonb_build_array(%1$s)::text) collate "C" > $3)'
            ' order by 1 limit $4) as found',
            keys,
            shown,
            mapped.relation::regclass,
            core.tenant_predicate(mapped.relation, mapped.subject, 't'),
            core.subject_predicate(mapped.relation, mapped.subject, 't', 'person')
        )
        into page, reached
        using
            tenant_ids,
            identifiers,
            case
                when
                    after ->> 'table' = mapped.table_name
                    and after ->> 'subject' = mapped.subject
                    then after ->> 'position'
                else ''
            end,
            core.export_rows_max() - row_count;
        if page is not null then
            tables := tables || jsonb_build_object(
                'table', mapped.table_name,
                'subject', mapped.subject,
                'categories', mapped.categories,
                'rows', page
            );
            row_count := row_count + jsonb_array_length(page);
        end if;
        if row_count >= core.export_rows_max() then
            continues_at := jsonb_build_object(
                'table', mapped.table_name, 'subject', mapped.subject, 'position', reached
            );
            exit;
        end if;
    end loop;
    return next;
end
$_$;

ALTER FUNCTION core.export_page(tenant_ids uuid[], identifiers jsonb, after jsonb) OWNER TO postgres;

--
-- Name: FUNCTION export_page(tenant_ids uuid[], identifiers jsonb, after jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.export_page(tenant_ids uuid[], identifiers jsonb, after jsonb) IS 'The rows of the tenants that are about the person with these identifiers, by table and link, at
most core.export_rows_max: the columns that the data map has for this link, and the key, without
what in it is about others. after: where the page before ended. continues_at: where this one did,
null at the end. Internal.';

--
-- Name: export_person(jsonb, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.export_person(asked jsonb, after jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    of_tenant constant uuid := core.sole_tenant_with('core.privacy.export');
    identifiers constant jsonb := core.identifiers_of(of_tenant, asked);
    page record;
begin
    perform core.check_position(after);
    select * into page from core.export_page(array[of_tenant], identifiers, after);
    if page.row_count = 0 and after is null then
        perform core.fail('privacy.person_unknown');
    end if;
    perform core.log_export(
        of_tenant, 'person', identifiers, page.row_count, page.continues_at is null
    );
    return jsonb_build_object(
        'exported_at', now(),
        'tenant_id', of_tenant,
        'identifiers', identifiers,
        'tables', page.tables,
        'rows', page.row_count,
        'next', page.continues_at
    );
end
$$;

ALTER FUNCTION core.export_person(asked jsonb, after jsonb) OWNER TO postgres;

--
-- Name: FUNCTION export_person(asked jsonb, after jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.export_person(asked jsonb, after jsonb) IS 'What v1.export_person does. Definer, because a person''s data are in tables that not everyone with
core.privacy.export may read; asks for it itself, and reads rows of that tenant alone.
Signed-in users may call it.';

--
-- Name: export_rows_max(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.export_rows_max() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 1000;

ALTER FUNCTION core.export_rows_max() OWNER TO postgres;

--
-- Name: FUNCTION export_rows_max(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.export_rows_max() IS 'How many rows a page of an export has at most: with rows of some kilobytes a few megabytes, which
one request can carry. Internal.';

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
-- Name: fails_checks(oid, smallint, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.fails_checks(relation oid, number smallint, expression text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    one record;
    is_failing boolean;
begin
    for one in
        select
            pg_get_expr(constraints.conbin, constraints.conrelid) as condition,
            attributes.attname as name,
            format_type(attributes.atttypid, attributes.atttypmod) as type_name
        from pg_constraint as constraints
        inner join pg_attribute as attributes
            on attributes.attrelid = relation and attributes.attnum = fails_checks.number
        where
            constraints.conrelid = relation
            and constraints.contype = 'c'
            and constraints.conkey = array[fails_checks.number]
    loop
        execute format(
            'select not (%s) from (select (%s)::%s as %I) as sample',
            one.condition, expression, one.type_name, one.name
        )
        into is_failing
        using null::uuid[], '{}'::jsonb, '\x00'::bytea;
        if is_failing then
            return true;
        end if;
    end loop;
    return false;
end
$$;

ALTER FUNCTION core.fails_checks(relation oid, number smallint, expression text) OWNER TO postgres;

--
-- Name: FUNCTION fails_checks(relation oid, number smallint, expression text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.fails_checks(relation oid, number smallint, expression text) IS 'Whether a check constraint of the column alone refuses the value of an expression. Internal.';

--
-- Name: fill_role(uuid, uuid, jsonb, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.fill_role(tenant_id uuid, role_id uuid, permissions jsonb, hidden_fields jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    delete from core.role_permissions as granted
    where granted.tenant_id = fill_role.tenant_id and granted.role_id = fill_role.role_id;
    insert into core.role_permissions (tenant_id, role_id, permission, scope)
    select
        fill_role.tenant_id,
        fill_role.role_id,
        wishes.key,
        wishes.value
    from jsonb_each_text(fill_role.permissions) as wishes;

    delete from core.hidden_fields as hidden
    where hidden.tenant_id = fill_role.tenant_id and hidden.role_id = fill_role.role_id;
    insert into core.hidden_fields (tenant_id, role_id, object, field)
    select distinct
        fill_role.tenant_id,
        fill_role.role_id,
        kept.key,
        field.name
    from jsonb_each(fill_role.hidden_fields) as kept
    cross join lateral jsonb_array_elements_text(kept.value) as field (name);
end
$$;

ALTER FUNCTION core.fill_role(tenant_id uuid, role_id uuid, permissions jsonb, hidden_fields jsonb) OWNER TO postgres;

--
-- Name: FUNCTION fill_role(tenant_id uuid, role_id uuid, permissions jsonb, hidden_fields jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.fill_role(tenant_id uuid, role_id uuid, permissions jsonb, hidden_fields jsonb) IS 'Makes a role hold exactly what core.read_grants has read. Internal.';

--
-- Name: forget_addresses(uuid, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.forget_addresses(tenant_id uuid, identifiers jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    emails constant text[] := array(select jsonb_array_elements_text(identifiers -> 'email'));
    phones constant text[] := array(select jsonb_array_elements_text(identifiers -> 'phone'));
begin
    perform core.erase_audit_values(records.tenant_id, records.table_name, records.key)
    from (
        select distinct
            entries.tenant_id,
            entries.table_name,
            entries.key
        from core.audit_values
        inner join core.audit_entries as entries
            on
                entries.tenant_id = audit_values.tenant_id
                and entries.id = audit_values.entry_id
        cross join lateral (
            values (audit_values.old #>> '{}'), (audit_values.new #>> '{}')
        ) as held (value)
        where
            audit_values.tenant_id = forget_addresses.tenant_id
            and (
                core.normal_identifier('email', held.value) = any(emails)
                or core.normal_identifier('phone', held.value) = any(phones)
            )
    ) as records;
end
$$;

ALTER FUNCTION core.forget_addresses(tenant_id uuid, identifiers jsonb) OWNER TO postgres;

--
-- Name: FUNCTION forget_addresses(tenant_id uuid, identifiers jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.forget_addresses(tenant_id uuid, identifiers jsonb) IS 'Takes out of the tenant''s audit the personal values of records that once had the person''s e-mail
address or phone number, and have another now, or are deleted. Internal.';

--
-- Name: forget_in_events(uuid, text, uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.forget_in_events(tenant_id uuid, subject_type text, subject_id uuid) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    forgotten bigint;
begin
    update core.events
    set data = events.data - event_types.personal_fields
    from core.event_types
    where
        event_types.type = events.type
        and events.data ?| event_types.personal_fields
        and events.tenant_id = forget_in_events.tenant_id
        and events.subject_type = forget_in_events.subject_type
        and events.subject_id = forget_in_events.subject_id;
    get diagnostics forgotten = row_count;
    return forgotten;
end
$$;

ALTER FUNCTION core.forget_in_events(tenant_id uuid, subject_type text, subject_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION forget_in_events(tenant_id uuid, subject_type text, subject_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.forget_in_events(tenant_id uuid, subject_type text, subject_id uuid) IS 'Removes the personal fields from the events of a subject, for erasure; that the events happened
stays. Returns of how many. Definer, because nobody else writes events. Internal.';

--
-- Name: forget_member_answers(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.forget_member_answers() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    delete from core.idempotency_keys
    where
        idempotency_keys.tenant_id in (old.tenant_id, core.platform_tenant_id())
        and idempotency_keys.caller_kind = 'user'
        and idempotency_keys.caller_id = old.user_id
        and idempotency_keys.transaction <> pg_current_xact_id();
    return null;
end
$$;

ALTER FUNCTION core.forget_member_answers() OWNER TO postgres;

--
-- Name: FUNCTION forget_member_answers(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.forget_member_answers() IS 'Trigger after a member''s role or status changes, or the member goes: answers kept for repeated
requests go too, or they would be had without the permission that they took.';

--
-- Name: forget_old_sign_in_attempts(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.forget_old_sign_in_attempts() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    forgotten bigint;
begin
    -- One failure more would be the first: neither failures nor a success are remembered.
    delete from core.sign_in_attempts as attempts
    where (
        select judged.network_failures = 1 and not judged.network_is_known
        from tenon.sign_in_attempt(
            false, false, clock_timestamp(),
            attempts.failures, attempts.failed_at, attempts.succeeded_at, 0, null
        ) as judged
    );
    get diagnostics forgotten = row_count;
    delete from core.sign_in_authenticators as known
    where
        known.failures = 0
        and not exists (
            select from core.sign_in_attempts as attempts
            where
                attempts.tenant_id = known.tenant_id
                and attempts.user_id = known.user_id
                and attempts.authenticator = known.authenticator
        );
    return forgotten;
end
$$;

ALTER FUNCTION core.forget_old_sign_in_attempts() OWNER TO postgres;

--
-- Name: FUNCTION forget_old_sign_in_attempts(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.forget_old_sign_in_attempts() IS 'Deletes what no longer counts: failures of a network 30 days after the last, a known network 180
days after the last success from it. Returns how many networks it forgot. To be called once a day.
Definer, as all that writes the counts; service_role may call it.';

--
-- Name: forget_sign_in_attempts(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.forget_sign_in_attempts(user_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    delete from core.sign_in_authenticators as known
    where
        known.tenant_id = core.platform_tenant_id()
        and known.user_id = forget_sign_in_attempts.user_id;
end
$$;

ALTER FUNCTION core.forget_sign_in_attempts(user_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION forget_sign_in_attempts(user_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.forget_sign_in_attempts(user_id uuid) IS 'Forgets all failures of an account, and the networks known to it: for whoever helps a user who is
locked out, after making sure who it is. Definer, as all that writes the counts; service_role may
call it.';

--
-- Name: forget_traces(uuid, text, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.forget_traces(tenant_id uuid, table_name text, keys jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    one jsonb;
    own_key jsonb;
    ids uuid[];
begin
    for one in select jsonb_array_elements(keys) loop
        own_key := one - 'tenant_id';
        ids := array(
            select pair.value::uuid
            from jsonb_each_text(own_key) as pair
            where pair.value ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        );
        perform core.erase_audit_values(
            forget_traces.tenant_id, forget_traces.table_name,
            case when own_key = '{}' then one else own_key end
        );
        perform core.forget_in_events(subjects.tenant_id, subjects.type, subjects.id)
        from (
            select distinct
                events.tenant_id,
                events.subject_type as type,
                events.subject_id as id
            from core.events
            where
                events.tenant_id = forget_traces.tenant_id
                and events.subject_id = any(ids)
        ) as subjects;
    end loop;
end
$_$;

ALTER FUNCTION core.forget_traces(tenant_id uuid, table_name text, keys jsonb) OWNER TO postgres;

--
-- Name: FUNCTION forget_traces(tenant_id uuid, table_name text, keys jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.forget_traces(tenant_id uuid, table_name text, keys jsonb) IS 'Takes the personal values of these rows out of the tenant''s audit, whose chain stays valid, and
out of the events about them. Internal.';

--
-- Name: grants_in(uuid, uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.grants_in(tenant_id uuid, principal_id uuid) RETURNS TABLE(permission text, scope text, via_tenant_id uuid, role_tenant_id uuid, role_id uuid)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    return query
    with recursive line as (
        select
            tenants.id,
            tenants.parent_id,
            tenants.status = 'closing' as closes,
            0 as height
        from core.tenants
        where tenants.id = grants_in.tenant_id and tenants.status <> 'suspended'
        union all
        select
            above.id,
            above.parent_id,
            line.closes or above.status = 'closing',
            line.height + 1
        from line
        inner join core.tenants as above
            on above.id = line.parent_id and above.status <> 'suspended'
    )
    select
        granted.permission,
        granted.scope,
        line.id,
        holders.role_tenant_id,
        holders.role_id
    from line
    inner join core.holders
        on holders.tenant_id = line.id and holders.principal_id = grants_in.principal_id
    inner join core.role_permissions as granted
        on granted.tenant_id = holders.role_tenant_id and granted.role_id = holders.role_id
    where
        (line.height = 0 or granted.scope = 'descendants')
        -- While a tenant closes, it is read and exported; its owners can still open it again.
        and (
            not line.closes
            or granted.permission ~ '\.(read|export)$'
            or granted.permission = 'core.tenants.own'
        );
end
$_$;

ALTER FUNCTION core.grants_in(tenant_id uuid, principal_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION grants_in(tenant_id uuid, principal_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.grants_in(tenant_id uuid, principal_id uuid) IS 'What a user or API key holds in a tenant: each permission with its scope and the tenant, this one
or one above, in which the role that grants it is held. Internal.';

--
-- Name: guard(regclass, text, text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.guard(guarded regclass, object text, owner text DEFAULT NULL::text, team text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    columns constant text[] := array(
        select attributes.attname from pg_attribute as attributes
        where attributes.attrelid = guarded and attributes.attnum > 0 and not attisdropped
    );
    name constant text := (select relname from pg_class where oid = guarded);
    allowed text;
    verb text;
    permission text;
begin
    if 'tenant_id' <> all(columns) or owner <> all(columns) or team <> all(columns) then
        raise exception '% lacks one of the columns %', guarded, array['tenant_id', owner, team]
            using errcode = 'undefined_column';
    end if;
    execute format('alter table %s enable row level security', guarded);
    foreach verb in array array['select', 'insert', 'update', 'delete'] loop
        permission := object || case verb when 'select' then '.read' else '.write' end;
        allowed := format(
            'tenant_id = any((select core.tenants_with(%L))::uuid[])', permission
        );
        if owner is not null then
            allowed := allowed || format(
                ' or (%I = (select core.caller_id())'
                ' and tenant_id = any((select core.tenants_with(%L, ''own''))::uuid[]))',
                owner, permission
            );
        end if;
        if team is not null then
            allowed := allowed || format(
                ' or (%I = any((select core.teams_with(%L))::uuid[])'
                ' and tenant_id = any((select core.tenants_with(%L, ''team''))::uuid[]))',
                team, permission, permission
            );
        end if;
        execute format(
            'create policy %I on %s for %s to authenticated %s',
            name || '_' || verb, guarded, verb,
            case verb
                when 'insert' then format('with check (%s)', allowed)
                when 'update' then format('using (%s) with check (%s)', allowed, allowed)
                else format('using (%s)', allowed)
            end
        );
    end loop;
end
$$;

ALTER FUNCTION core.guard(guarded regclass, object text, owner text, team text) OWNER TO postgres;

--
-- Name: FUNCTION guard(guarded regclass, object text, owner text, team text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.guard(guarded regclass, object text, owner text, team text) IS 'Puts a table under row level security: reading needs the permission object.read, writing
object.write, in the row''s tenant_id. owner and team: the columns with the owning user''s and
team''s ids, which grants of the scopes own and team go by; without them only the scopes tenant and
descendants open the table. For the migration that makes the table. Owner only.';

--
-- Name: guard_fields(regclass, text, text[]); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.guard_fields(guarded regclass, object text, fields text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    name text;
begin
    foreach name in array fields loop
        execute format(
            'create trigger %I before insert or update of %I on %s '
            'for each row execute function core.refuse_hidden_field(%L, %L)',
            name || '_may_be_hidden', name, guarded, object, name
        );
    end loop;
    insert into core.fields (object, field, description)
    select
        guard_fields.object,
        field,
        coalesce(
            (
                select col_description(attributes.attrelid, attributes.attnum)
                from pg_attribute as attributes
                where attributes.attrelid = guarded and attributes.attname = field
            ),
            field
        )
    from unnest(fields) as field;
end
$$;

ALTER FUNCTION core.guard_fields(guarded regclass, object text, fields text[]) OWNER TO postgres;

--
-- Name: FUNCTION guard_fields(guarded regclass, object text, fields text[]); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.guard_fields(guarded regclass, object text, fields text[]) IS 'Lets roles be kept from fields of a table: nobody whose role hides one can write it. The view of v1
shows such a field as
    case when tenant_id = any((select core.tenants_with(''object.read'', ''own'', ''field''))::uuid[])
        then field end
For the migration that makes the table. Owner only.';

--
-- Name: guard_sensitive(regclass); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.guard_sensitive(guarded regclass) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    name constant text := core.name_of(guarded);
begin
    execute format('drop policy if exists sensitive_withheld on %s', guarded);
    execute format(
        'create policy sensitive_withheld on %s as restrictive for select to authenticated using ('
        'case when (select core.has_sensitive(%L)) '
        'then not core.is_withheld(%2$L, tenant_id, id) else true end)', guarded, name
    );
end
$_$;

ALTER FUNCTION core.guard_sensitive(guarded regclass) OWNER TO postgres;

--
-- Name: FUNCTION guard_sensitive(guarded regclass); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.guard_sensitive(guarded regclass) IS 'Keeps records of a table that are marked sensitive from ordinary reads. The table has the columns
tenant_id and id, both uuid, and row level security. For the migration that makes it. Owner only.';

--
-- Name: has_consent(uuid, jsonb, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.has_consent(tenant_id uuid, subject jsonb, purpose text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (
        select
        from core.standing_consents(
            has_consent.tenant_id,
            core.person_asked(
                (subject ->> 'user_id')::uuid, subject ->> 'email', subject ->> 'phone'
            ),
            has_consent.purpose
        ) as standing
        where standing.legal_basis = 'consent'
    );
end
$$;

ALTER FUNCTION core.has_consent(tenant_id uuid, subject jsonb, purpose text) OWNER TO postgres;

--
-- Name: FUNCTION has_consent(tenant_id uuid, subject jsonb, purpose text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.has_consent(tenant_id uuid, subject jsonb, purpose text) IS 'Whether the person, {"user_id": …, "email": …, "phone": …}, one of them or more, has consented
to the purpose and not withdrawn it; other legal bases are no consent. Reads with the caller''s
rights: for functions of ours that are about to use the data, and for who has core.privacy.read.
Raises privacy.person_missing (400). Signed-in users may call it.';

--
-- Name: has_sensitive(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.has_sensitive(table_name text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (
        select from core.sensitive_records
        where sensitive_records.table_name = has_sensitive.table_name
    );
end
$$;

ALTER FUNCTION core.has_sensitive(table_name text) OWNER TO postgres;

--
-- Name: FUNCTION has_sensitive(table_name text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.has_sensitive(table_name text) IS 'Whether any record of the table is marked sensitive: where none is, policies ask no further.
Definer, because policies ask it for every caller. Signed-in users may call it.';

--
-- Name: hidden_in(uuid, uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.hidden_in(tenant_id uuid, principal_id uuid) RETURNS TABLE(object text, field text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select
        fields.object,
        fields.field
    from core.fields
    where not exists (
        select
        from core.grants_in(hidden_in.tenant_id, hidden_in.principal_id) as granted
        where
            granted.permission = fields.object || '.read'
            and not exists (
                select from core.hidden_fields as hidden
                where
                    hidden.tenant_id = granted.role_tenant_id
                    and hidden.role_id = granted.role_id
                    and hidden.object = fields.object
                    and hidden.field = fields.field
            )
    );
end
$$;

ALTER FUNCTION core.hidden_in(tenant_id uuid, principal_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION hidden_in(tenant_id uuid, principal_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.hidden_in(tenant_id uuid, principal_id uuid) IS 'The fields that no role of a user or API key shows in a tenant. Internal.';

--
-- Name: hides(core.role_permissions, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.hides(granted core.role_permissions, field text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (
        select from core.hidden_fields as hidden
        where
            hidden.tenant_id = granted.tenant_id
            and hidden.role_id = granted.role_id
            and hidden.field = hides.field
            and granted.permission in (hidden.object || '.read', hidden.object || '.write')
    );
end
$$;

ALTER FUNCTION core.hides(granted core.role_permissions, field text) OWNER TO postgres;

--
-- Name: FUNCTION hides(granted core.role_permissions, field text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.hides(granted core.role_permissions, field text) IS 'Whether the role of this grant is kept from a field of the object that the grant opens. Internal.';

--
-- Name: hint_at_events(uuid, bigint, text[]); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.hint_at_events(tenant_id uuid, number bigint, types text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if to_regprocedure('realtime.send(jsonb, text, text, boolean)') is not null then
        perform realtime.send(
            jsonb_build_object('number', hint_at_events.number, 'types', hint_at_events.types),
            'events',
            'tenant:' || hint_at_events.tenant_id,
            true
        );
    end if;
exception
    -- A hint that is lost costs its readers time until they ask again; it must not cost the writer.
    when others then
        raise warning 'no hint at events of tenant %: %', hint_at_events.tenant_id, sqlerrm;
end
$$;

ALTER FUNCTION core.hint_at_events(tenant_id uuid, number bigint, types text[]) OWNER TO postgres;

--
-- Name: FUNCTION hint_at_events(tenant_id uuid, number bigint, types text[]); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.hint_at_events(tenant_id uuid, number bigint, types text[]) IS 'Tells those who listen on the private channel tenant:{id} of Realtime, where there is one, up to
which number there are events now. Never fails. Internal.';

--
-- Name: housekeep(interval); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.housekeep(budget interval DEFAULT '00:00:30'::interval) RETURNS TABLE(batches bigint, readings bigint, blocks bigint, done boolean, failure text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    deadline constant timestamptz := clock_timestamp() + budget;
    duty text;
    duty_is_done boolean;
    duty_failure text;
begin
    -- What one duty fails at does not undo the others.
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
    -- The trail last, because other sealers stand back until this transaction ends.
    foreach duty in array array[
        'select done, null from iot.retain($1)',
        'select done, failure from core.apply_retention($1)',
        'select done, null from core.expire_events($1)',
        'select done, null from core.expire_answers($1)',
        'select core.record_uses() is not null, null',
        'select core.forget_old_sign_in_attempts() is not null, null',
        'select core.keep_audit(greatest($1, interval ''5 seconds'')) is not null, null'
    ] loop
        begin
            execute duty into duty_is_done, duty_failure
            using greatest(deadline - clock_timestamp(), interval '0');
        exception
            when others then
                duty_is_done := true;
                duty_failure := sqlerrm;
        end;
        done := done and duty_is_done;
        if duty_failure is not null then
            duty_failure := substring(duty from '(?:core|iot)\.[a-z_]+') || ': ' || duty_failure;
            failure := concat_ws('; ', failure, duty_failure);
            raise warning '%', duty_failure;
        end if;
    end loop;
    return next;
end
$_$;

ALTER FUNCTION core.housekeep(budget interval) OWNER TO postgres;

--
-- Name: FUNCTION housekeep(budget interval); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.housekeep(budget interval) IS 'Does what has to be done again and again, for about as long as the budget says: iot.compact,
iot.retain, core.apply_retention, core.expire_events, core.expire_answers, core.record_uses,
core.forget_old_sign_in_attempts, core.keep_audit. Returns what iot.compact returns, and what
failed, in words, where something did. Definer, because it works for every tenant; service_role
may call it.';

--
-- Name: housekeep_unscheduled(interval); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.housekeep_unscheduled(budget interval DEFAULT '00:00:30'::interval) RETURNS TABLE(batches bigint, readings bigint, blocks bigint, done boolean, failure text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if not core.housekeeping_is_scheduled() then
        return query
        select
            kept.batches,
            kept.readings,
            kept.blocks,
            kept.done,
            kept.failure
        from core.housekeep(housekeep_unscheduled.budget) as kept;
    end if;
end
$$;

ALTER FUNCTION core.housekeep_unscheduled(budget interval) OWNER TO postgres;

--
-- Name: FUNCTION housekeep_unscheduled(budget interval); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.housekeep_unscheduled(budget interval) IS 'Does what core.housekeep does, unless pg_cron does it: then no row is returned. Definer, because it
works for every tenant; tenon_bridge may call it.';

--
-- Name: housekeeping_is_scheduled(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.housekeeping_is_scheduled() RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    is_scheduled boolean := false;
begin
    if core.cron_is_usable() then
        execute format(
            'select exists ('
            'select from %I.job where jobname = $1 and active and database = current_database()'
            ')', 'cron'
        )
        into is_scheduled
        using core.housekeeping_job();
    end if;
    return is_scheduled;
end
$_$;

ALTER FUNCTION core.housekeeping_is_scheduled() OWNER TO postgres;

--
-- Name: FUNCTION housekeeping_is_scheduled(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.housekeeping_is_scheduled() IS 'Whether pg_cron has an active job for core.housekeep. Definer, because a job is seen by its owner
alone. Internal.';

--
-- Name: housekeeping_job(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.housekeeping_job() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 'tenon-housekeeping'::text;

ALTER FUNCTION core.housekeeping_job() OWNER TO postgres;

--
-- Name: FUNCTION housekeeping_job(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.housekeeping_job() IS 'The name of the job of pg_cron that calls core.housekeep. Internal.';

--
-- Name: idempotency_key(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.idempotency_key() RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

ALTER FUNCTION core.idempotency_key() OWNER TO postgres;

--
-- Name: FUNCTION idempotency_key(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.idempotency_key() IS 'The header Idempotency-Key of this request, null where there is none. Raises
idempotency.key_invalid (400) and, for anonymous callers, idempotency.anonymous (401). Internal.';

--
-- Name: normal_identifier(text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.normal_identifier(kind text, value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN CASE WHEN (kind <> 'phone'::text) THEN NULLIF(lower(btrim(value)), ''::text) WHEN (value ~ '^[-+0-9 ()/.]+$'::text) THEN NULLIF(regexp_replace(regexp_replace(value, '[^0-9]'::text, ''::text, 'g'::text), '^00'::text, ''::text), ''::text) ELSE NULL::text END;

ALTER FUNCTION core.normal_identifier(kind text, value text) OWNER TO postgres;

--
-- Name: FUNCTION normal_identifier(kind text, value text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.normal_identifier(kind text, value text) IS 'An e-mail address, phone number or id as persons are compared by: letters lowered, a phone number
as the digits after + or 00. Null for nothing, and for what is no phone number, such as an address
with digits in it. Signed-in users may call it.';

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
    created_by uuid DEFAULT core.caller_id(),
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
-- Name: identifiers_of(uuid, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.identifiers_of(tenant_id uuid, asked jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 WITH confirmed AS (
          SELECT (users.id)::text AS user_id,
                 CASE
                     WHEN (users.email_confirmed_at IS NOT NULL) THEN core.normal_identifier('email'::text, (users.email)::text)
                     ELSE NULL::text
                 END AS email,
                 CASE
                     WHEN (users.phone_confirmed_at IS NOT NULL) THEN core.normal_identifier('phone'::text, users.phone)
                     ELSE NULL::text
                 END AS phone
            FROM (core.members
              JOIN auth.users ON ((users.id = members.user_id)))
           WHERE (members.tenant_id = identifiers_of.tenant_id)
         ), meant AS (
          SELECT confirmed.user_id,
             confirmed.email,
             confirmed.phone
            FROM confirmed
           WHERE (((identifiers_of.asked -> 'user_id'::text) ? confirmed.user_id) OR ((identifiers_of.asked -> 'email'::text) ? confirmed.email) OR ((identifiers_of.asked -> 'phone'::text) ? confirmed.phone))
         ), identifiers AS (
          SELECT pair.key AS kind,
             jsonb_array_elements_text(pair.value) AS identifier
            FROM jsonb_each(identifiers_of.asked) pair(key, value)
         UNION
          SELECT known.kind,
             known.identifier
            FROM (meant
              CROSS JOIN LATERAL ( VALUES ('user_id'::text,meant.user_id), ('email'::text,meant.email), ('phone'::text,meant.phone)) known(kind, identifier))
           WHERE (known.identifier IS NOT NULL)
         ), kinds AS (
          SELECT identifiers.kind,
             jsonb_agg(identifiers.identifier ORDER BY identifiers.identifier) AS identifiers
            FROM identifiers
           GROUP BY identifiers.kind
         )
  SELECT COALESCE(jsonb_object_agg(kinds.kind, kinds.identifiers), '{}'::jsonb) AS "coalesce"
    FROM kinds;
END;

ALTER FUNCTION core.identifiers_of(tenant_id uuid, asked jsonb) OWNER TO postgres;

--
-- Name: FUNCTION identifiers_of(tenant_id uuid, asked jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.identifiers_of(tenant_id uuid, asked jsonb) IS 'All by which the tenant knows the person asked for: where it is a member, also the user''s id and
what Supabase Auth has confirmed. Nobody is looked up who is no member of this tenant. Internal.';

--
-- Name: invite(text, text, integer); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.invite(email text, role text, valid_hours integer) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
    address constant text := lower(trim(invite.email));
    token constant text := tenon.token('inv');
    held record;
    invitation core.invitations;
begin
    held := core.role_named(owner_id, invite.role);
    perform core.check_may_grant_role(owner_id, held.role_tenant_id, held.role_id);
    if (address ~ '^[^@\s]+@[^@\s]+$' and octet_length(address) <= 254) is not true then
        perform core.fail('core.email_invalid');
    elsif (valid_hours between 1 and 8760) is not true then
        perform core.fail('invitation.validity_invalid');
    elsif not core.email_allowed(owner_id, address) then
        perform core.fail('invitation.domain_refused');
    elsif exists (
        select
        from core.members
        inner join auth.users on users.id = members.user_id
        where members.tenant_id = owner_id and lower(users.email) = address
    ) then
        perform core.fail('invitation.already_member');
    end if;
    -- A new invitation of an address takes the place of the one before.
    update core.invitations set revoked_at = now()
    where
        invitations.tenant_id = owner_id
        and invitations.email = address
        and invitations.accepted_at is null
        and invitations.revoked_at is null;
    insert into core.invitations (
        tenant_id, email, role_tenant_id, role_id, token_hash, expires_at
    )
    values (
        owner_id, address, held.role_tenant_id, held.role_id,
        sha256(convert_to(token, 'UTF8')), now() + make_interval(hours => valid_hours)
    )
    returning * into invitation;
    perform core.enqueue_delivery(
        owner_id, 'email', address, 'core.invitation',
        jsonb_build_object(
            'token', token, 'role', invite.role, 'expires_at', invitation.expires_at,
            'tenant', (select tenants.name from core.tenants where tenants.id = owner_id)
        )
    );
    perform core.emit(
        owner_id, 'core.member.invited', 'invitation', invitation.id,
        jsonb_build_object('role', invite.role)
    );
    return jsonb_build_object(
        'id', invitation.id, 'tenant_id', owner_id, 'email', address, 'role', invite.role,
        'expires_at', invitation.expires_at, 'token', token
    );
end
$_$;

ALTER FUNCTION core.invite(email text, role text, valid_hours integer) OWNER TO postgres;

--
-- Name: FUNCTION invite(email text, role text, valid_hours integer); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.invite(email text, role text, valid_hours integer) IS 'What v1.invite does. Definer, because it writes core.invitations. Signed-in users may call it.';

--
-- Name: is_held(uuid, text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.is_held(tenant_id uuid, kind text, value text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (
        select from core.legal_holds
        where
            legal_holds.released_at is null
            and (is_held.tenant_id is null or legal_holds.tenant_id = is_held.tenant_id)
            and legal_holds.identifiers -> kind ? core.normal_identifier(kind, value)
    );
end
$$;

ALTER FUNCTION core.is_held(tenant_id uuid, kind text, value text) OWNER TO postgres;

--
-- Name: FUNCTION is_held(tenant_id uuid, kind text, value text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.is_held(tenant_id uuid, kind text, value text) IS 'Whether a legal hold of the tenant, or of any for null, is on the person with this identifier.
Internal.';

--
-- Name: is_withheld(text, uuid, uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.is_withheld(table_name text, tenant_id uuid, record_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (
        select from core.sensitive_records
        where
            sensitive_records.tenant_id = is_withheld.tenant_id
            and sensitive_records.table_name = is_withheld.table_name
            and sensitive_records.record_id = is_withheld.record_id
    )
    -- Set by core.begin_sensitive_read alone, and no request can set it.
    and current_setting('tenon.opened', true)
    is distinct from concat_ws('/', table_name, tenant_id, record_id);
end
$$;

ALTER FUNCTION core.is_withheld(table_name text, tenant_id uuid, record_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION is_withheld(table_name text, tenant_id uuid, record_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.is_withheld(table_name text, tenant_id uuid, record_id uuid) IS 'Whether a record is marked sensitive and not being opened by v1.open_record right now. Definer,
because policies ask it for every caller. Signed-in users may call it.';

--
-- Name: judge_sign_in(uuid, text, boolean, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.judge_sign_in(user_id uuid, authenticator text, is_valid boolean, address text, OUT refusal text, OUT wait_s integer, OUT network_is_known boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    platform constant uuid := core.platform_tenant_id();
    origin constant cidr := core.sign_in_network(address);
    account core.sign_in_authenticators;
    seen core.sign_in_attempts;
    outcome record;
begin
    insert into core.sign_in_authenticators (user_id, authenticator)
    values (judge_sign_in.user_id, judge_sign_in.authenticator)
    on conflict do nothing;
    -- Attempts of one account wait for each other here, so that each counts.
    select known.* into account
    from core.sign_in_authenticators as known
    where
        known.tenant_id = platform
        and known.user_id = judge_sign_in.user_id
        and known.authenticator = judge_sign_in.authenticator
    for no key update;
    select attempts.* into seen
    from core.sign_in_attempts as attempts
    where
        attempts.tenant_id = platform
        and attempts.user_id = judge_sign_in.user_id
        and attempts.authenticator = judge_sign_in.authenticator
        and attempts.network = origin;

    select judged.* into outcome
    from tenon.sign_in_attempt(
        judge_sign_in.authenticator <> 'password', is_valid, clock_timestamp(),
        seen.failures, seen.failed_at, seen.succeeded_at,
        account.failures, account.refusal_event_at
    ) as judged;
    refusal := outcome.refusal;
    wait_s := outcome.wait_s;
    network_is_known := outcome.network_is_known;

    if
        (account.failures, account.refusal_event_at)
        is distinct from (outcome.account_failures, outcome.refusal_event_at)
    then
        update core.sign_in_authenticators as known
        set
            failures = outcome.account_failures,
            refusal_event_at = outcome.refusal_event_at
        where
            known.tenant_id = platform
            and known.user_id = judge_sign_in.user_id
            and known.authenticator = judge_sign_in.authenticator;
    end if;
    if refusal is null then
        insert into core.sign_in_attempts as attempts (
            tenant_id, user_id, authenticator, network, failures, failed_at, succeeded_at
        )
        values (
            platform, judge_sign_in.user_id, judge_sign_in.authenticator, origin,
            outcome.network_failures, outcome.network_failed_at, outcome.network_succeeded_at
        )
        on conflict on constraint sign_in_attempts_pkey do update
        set
            failures = excluded.failures,
            failed_at = excluded.failed_at,
            -- A sign-in by other means may have been noted meanwhile.
            succeeded_at = greatest(attempts.succeeded_at, excluded.succeeded_at);
    end if;
    if outcome.event is not null then
        perform core.record_sign_in_event(
            judge_sign_in.user_id,
            outcome.event,
            jsonb_build_object(
                'user_id', judge_sign_in.user_id,
                'authenticator', judge_sign_in.authenticator,
                'failures', greatest(account.failures, outcome.account_failures),
                'network_is_known', network_is_known
            )
        );
    end if;
end
$$;

ALTER FUNCTION core.judge_sign_in(user_id uuid, authenticator text, is_valid boolean, address text, OUT refusal text, OUT wait_s integer, OUT network_is_known boolean) OWNER TO postgres;

--
-- Name: FUNCTION judge_sign_in(user_id uuid, authenticator text, is_valid boolean, address text, OUT refusal text, OUT wait_s integer, OUT network_is_known boolean); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.judge_sign_in(user_id uuid, authenticator text, is_valid boolean, address text, OUT refusal text, OUT wait_s integer, OUT network_is_known boolean) IS 'Counts an attempt to sign in with a password or a factor, and says whether it is refused: refusal
is delayed (wait_s seconds are left), exhausted or null. Definer, because nobody else may write the
counts. supabase_auth_admin may call it.';

--
-- Name: keep_an_owner(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.keep_an_owner() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if
        old.role_id is distinct from core.owner_role_id()
        or old.status <> 'active'
        or (tg_op = 'UPDATE' and new.role_id = old.role_id and new.status = old.status)
    then
        return null;
    end if;
    -- Two owners who go at the same moment go one after the other. The row is written, not only
    -- locked: whoever waited and goes by an older snapshot is refused then, and tries again.
    update core.tenants set status = tenants.status where tenants.id = old.tenant_id;
    if not exists (
        select from core.members
        where
            members.tenant_id = old.tenant_id
            and members.role_id = old.role_id
            and members.status = 'active'
    ) then
        perform core.fail('member.last_owner');
    end if;
    return null;
end
$$;

ALTER FUNCTION core.keep_an_owner() OWNER TO postgres;

--
-- Name: FUNCTION keep_an_owner(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.keep_an_owner() IS 'Trigger after update and delete of members: the last active owner of a tenant stays one.
Raises member.last_owner (409).';

--
-- Name: keep_audit(interval); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.keep_audit(budget interval DEFAULT '00:00:05'::interval) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    months_ahead constant integer := 3;
    this_month constant timestamp := date_trunc('month', now() at time zone 'UTC');
    refreshed integer;
    sealed record;
begin
    select * into sealed from core.seal_audit(budget);
    -- A table that somebody works with for long waits for the next time.
    perform set_config('lock_timeout', '1s', true);
    begin
        perform core.add_audit_partition(
            (this_month + ahead * interval '1 month') at time zone 'UTC'
        )
        from generate_series(0, months_ahead) as ahead;
        refreshed := core.refresh_audits();
    exception
        when lock_not_available then
            raise warning 'core.keep_audit: %', sqlerrm;
    end;
    return to_jsonb(sealed) || jsonb_build_object('refreshed', refreshed);
end
$$;

ALTER FUNCTION core.keep_audit(budget interval) OWNER TO postgres;

--
-- Name: FUNCTION keep_audit(budget interval); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.keep_audit(budget interval) IS 'What has to be done for the audit again and again: sealing, partitions of the months to come, and
triggers of tables that have changed. Definer, because it works for every tenant and owns the
tables; service_role may call it.';

--
-- Name: key_owner(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.key_owner(OUT tenant_id uuid, OUT caller_kind text, OUT caller_id uuid) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    caller constant record := core.caller();
begin
    tenant_id := coalesce(core.requested_tenant_id(), core.platform_tenant_id());
    caller_kind := caller.kind;
    caller_id := coalesce(caller.id, '00000000-0000-0000-0000-000000000000');
end
$$;

ALTER FUNCTION core.key_owner(OUT tenant_id uuid, OUT caller_kind text, OUT caller_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION key_owner(OUT tenant_id uuid, OUT caller_kind text, OUT caller_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.key_owner(OUT tenant_id uuid, OUT caller_kind text, OUT caller_id uuid) IS 'Whose the Idempotency-Key of this request is. Internal.';

--
-- Name: last_event_number(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.last_event_number(tenant_id uuid) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
begin
    return greatest(
        (
            select events.number
            from core.events
            where events.tenant_id = last_event_number.tenant_id
            order by events.number desc
            limit 1
        ),
        (
            select expiries.expired_number
            from core.event_expiries as expiries
            where expiries.tenant_id = last_event_number.tenant_id
        ),
        0
    );
end
$$;

ALTER FUNCTION core.last_event_number(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION last_event_number(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.last_event_number(tenant_id uuid) IS 'The number of a tenant''s newest event, 0 before the first. Internal.';

--
-- Name: leave_tenant(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.leave_tenant(tenant_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    caller constant record := core.caller();
    member core.members;
begin
    select members.* into member
    from core.members
    where
        members.tenant_id = leave_tenant.tenant_id
        and members.user_id = caller.id
        and caller.kind = 'user'
    for update;
    if member.user_id is null then
        perform core.fail('member.unknown', jsonb_build_object('user_id', caller.id));
    end if;
    perform core.drop_member(member.tenant_id, member.user_id);
    return core.member_answer(member) || '{"status": "left"}';
end
$$;

ALTER FUNCTION core.leave_tenant(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION leave_tenant(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.leave_tenant(tenant_id uuid) IS 'What v1.leave_tenant does. Definer, because it writes core.members. Signed-in users may call it.';

--
-- Name: limit_setter(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.limit_setter(tenant_id uuid) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return case
        when (core.caller()).kind = 'service' or tenant_id = core.platform_tenant_id()
            then 'platform'
        else 'tenant'
    end;
end
$$;

ALTER FUNCTION core.limit_setter(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION limit_setter(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.limit_setter(tenant_id uuid) IS 'In whose name the caller sets limits of the tenant: platform or tenant. Internal.';

--
-- Name: limited_tenants(text, uuid, uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.limited_tenants(caller_kind text, caller_id uuid, caller_tenant_id uuid) RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    -- A request that names no tenant reaches all of its user's; so many of them are counted.
    tenants_max constant integer := 4;
    requested uuid;
    place uuid;
begin
    if caller_tenant_id is not null then
        return array[caller_tenant_id];
    elsif caller_kind <> 'user' then
        return '{}'::uuid[];
    end if;
    if current_setting('request.headers', true) ~* '"x-tenant-id"' then
        requested := core.requested_tenant_id();
    end if;
    if requested is null then
        return array(
            select members.tenant_id
            from core.members
            where members.user_id = limited_tenants.caller_id and members.status = 'active'
            order by members.tenant_id
            limit tenants_max
        );
    end if;
    -- Whoever does not belong to a tenant uses up nothing of it.
    perform
    from core.members
    where
        members.tenant_id = requested
        and members.user_id = limited_tenants.caller_id
        and members.status = 'active';
    if found then
        return array[requested];
    end if;
    place := requested;
    loop
        select tenants.parent_id into place from core.tenants where tenants.id = place;
        if place is null then
            return '{}'::uuid[];
        end if;
        perform
        from core.members
        inner join core.role_permissions as granted
            on
                granted.tenant_id = members.role_tenant_id
                and granted.role_id = members.role_id
        where
            members.tenant_id = place
            and members.user_id = limited_tenants.caller_id
            and members.status = 'active'
            and granted.scope = 'descendants';
        if found then
            return array[requested];
        end if;
    end loop;
end
$$;

ALTER FUNCTION core.limited_tenants(caller_kind text, caller_id uuid, caller_tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION limited_tenants(caller_kind text, caller_id uuid, caller_tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.limited_tenants(caller_kind text, caller_id uuid, caller_tenant_id uuid) IS 'The tenants whose limits a caller is counted in: its own, or the one that x-tenant-id names if the
user belongs to it or reaches down to it, or the first four that the user belongs to.
Definer, because it reads memberships. Internal.';

--
-- Name: lock_privacy(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.lock_privacy(tenant_id uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform pg_advisory_xact_lock(hashtextextended('core.privacy/' || lock_privacy.tenant_id, 0));
end
$$;

ALTER FUNCTION core.lock_privacy(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION lock_privacy(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.lock_privacy(tenant_id uuid) IS 'Lets erasures and holds of a tenant wait for one another, until the transaction ends. Internal.';

--
-- Name: lock_tenant_tree(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.lock_tenant_tree() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    -- A row that is written, and no advisory lock: whoever waited and goes by an older snapshot is
    -- refused then, instead of deciding by a tree that is no more.
    update core.tenants set status = tenants.status
    where tenants.id = core.platform_tenant_id();
end
$$;

ALTER FUNCTION core.lock_tenant_tree() OWNER TO postgres;

--
-- Name: FUNCTION lock_tenant_tree(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.lock_tenant_tree() IS 'Lets one transaction at a time change the shape of the tree, so that no two moves that are right
alone make a ring together. Before anything is decided by the tree. Internal.';

--
-- Name: log_export(uuid, text, jsonb, bigint, boolean); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.log_export(tenant_id uuid, scope text, identifiers jsonb, row_count bigint, is_last boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    salt constant bytea := core.random_key();
    log_id uuid;
begin
    insert into core.export_log (tenant_id, scope, subject_salt, subject_hashes, rows, is_last)
    values (
        log_export.tenant_id,
        log_export.scope,
        salt,
        core.subject_hashes(salt, identifiers),
        row_count,
        log_export.is_last
    )
    returning id into log_id;
    perform core.record_security_event(
        log_export.tenant_id, 'privacy.exported',
        jsonb_build_object('export_id', log_id, 'scope', scope, 'rows', row_count)
    );
end
$$;

ALTER FUNCTION core.log_export(tenant_id uuid, scope text, identifiers jsonb, row_count bigint, is_last boolean) OWNER TO postgres;

--
-- Name: FUNCTION log_export(tenant_id uuid, scope text, identifiers jsonb, row_count bigint, is_last boolean); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.log_export(tenant_id uuid, scope text, identifiers jsonb, row_count bigint, is_last boolean) IS 'Writes an export into the access log and the audit of the tenant. Internal.';

--
-- Name: looks_personal(text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.looks_personal(column_name text, type_name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT signs.sign
    FROM ( VALUES ('a name'::text,'(^|_)(sur|nick|user|first|last|full|given|middle|display)?names?(_|$)|initials'::text), ('a mail address'::text,'mail'::text), ('a phone number'::text,'phone|mobile|msisdn|(^|_)(tel|fax|sms)(_|$)'::text), ('an address'::text,'address|street|(^|_)(city|town|zip|postcode|postal|house)(_|$)'::text), ('a network address'::text,'(^|_)ip(s|v4|v6)?(_|$)|remote_addr|(^|_)network(_|$)'::text), ('a birth'::text,'birth|(^|_)(dob|age|died)(_|$)'::text), ('a special category'::text,'gender|(^|_)sex(_|$)|nationality|religio|ethnic|marital|health'::text), ('an official number'::text,'passport|licen[cs]e|(^|_)(ssn|vat|tax|national|identity)(_|$)'::text), ('an account'::text,'iban|(^|_)bic(_|$)|account_(number|holder)|(^|_)(card|bank|credit)(_|$)'::text), ('a vehicle''s keeper'::text,'(^|_)(plate|vin|keeper|licence_plate)(_|$)|registration_n'::text), ('a place'::text,'(^|_)(geo|lat|latitude|lon|lng|longitude|location|coordinates|gps)(_|$)'::text), ('a device of a person'::text,'user_?agent|browser|fingerprint|cookie|(^|_)session(_|$)'::text), ('a person'::text,'_by(_id)?$|(^|_)(user|person|people|contact|customer|actor|owner|author|assignee|caller|principal|bidder|buyer|seller|sender|recipient|driver|employee|lead|subject|client|agent|reporter|approver)s?(_id|_ids)?$'::text), ('content'::text,'(^|_)(payload|body|data|notes?|comments?|remarks?|message|text|content|details|metadata|headers|answer|response|request|values?|raw|title|reason|description|identifiers)$'::text), ('a likeness'::text,'photo|avatar|portrait|picture|(^|_)(signature|voice|biometric)(_|$)'::text), ('a secret'::text,'password|secret|(^|_)(token|credential)s?(_|$)'::text)) signs(sign, pattern)
   WHERE ((looks_personal.column_name ~* signs.pattern) AND (looks_personal.type_name <> 'boolean'::text))
 UNION ALL
  SELECT 'a type that holds anything'::text
   WHERE (looks_personal.type_name = ANY (ARRAY['json'::text, 'jsonb'::text, 'xml'::text, 'json[]'::text, 'jsonb[]'::text, 'hstore'::text]))
 UNION ALL
  SELECT 'a network address'::text
   WHERE (looks_personal.type_name ~ '^(inet|cidr|macaddr|macaddr8)(\[\])?$'::text)
 UNION ALL
  SELECT 'a place'::text
   WHERE (looks_personal.type_name ~ '^(point|geometry|geography)'::text)
 LIMIT 1;
END;

ALTER FUNCTION core.looks_personal(column_name text, type_name text) OWNER TO postgres;

--
-- Name: FUNCTION looks_personal(column_name text, type_name text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.looks_personal(column_name text, type_name text) IS 'Of what a column with this name and type may be the datum: a name, a place, content …; null where
nothing speaks for a person. Internal.';

--
-- Name: map_not_personal(text, text[]); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.map_not_personal(reason text, VARIADIC excused text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    one text;
begin
    foreach one in array excused loop
        insert into core.not_personal (table_schema, table_name, column_name, reason)
        select
            found_column.table_schema,
            found_column.table_name,
            found_column.column_name,
            map_not_personal.reason
        from core.mapped_column(one) as found_column
        on conflict on constraint not_personal_pkey do update set reason = excluded.reason;
    end loop;
end
$$;

ALTER FUNCTION core.map_not_personal(reason text, VARIADIC excused text[]) OWNER TO postgres;

--
-- Name: FUNCTION map_not_personal(reason text, VARIADIC excused text[]); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.map_not_personal(reason text, VARIADIC excused text[]) IS 'Excuses columns, schema.table.column, that look personal and are not, with the reason. Refuses a
column that does not exist, 42703. For the migration that makes the columns. Owner only.';

--
-- Name: map_personal(text, text, text, text, text, interval, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.map_personal(mapped text, category text, subject text, erasure text, reason text DEFAULT NULL::text, retention interval DEFAULT NULL::interval, retention_from text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    found_column record;
    link text;
begin
    select * into found_column from core.mapped_column(mapped);
    foreach link in array string_to_array(subject, ' or ') loop
        perform core.mapped_column(format(
            '%I.%I.%I', found_column.table_schema, found_column.table_name,
            split_part(link, ' ', 1)
        ));
        if split_part(link, ' ', 2) = 'in' then
            perform core.mapped_column(split_part(link, ' ', 3));
        end if;
    end loop;
    insert into core.personal_data (
        table_schema, table_name, column_name, category, subject, erasure, reason, retention,
        retention_from
    )
    values (
        found_column.table_schema, found_column.table_name, found_column.column_name,
        map_personal.category, map_personal.subject, map_personal.erasure, map_personal.reason,
        map_personal.retention, map_personal.retention_from
    )
    on conflict on constraint personal_data_pkey do update set
        category = excluded.category,
        subject = excluded.subject,
        erasure = excluded.erasure,
        reason = excluded.reason,
        retention = excluded.retention,
        retention_from = excluded.retention_from;
end
$$;

ALTER FUNCTION core.map_personal(mapped text, category text, subject text, erasure text, reason text, retention interval, retention_from text) OWNER TO postgres;

--
-- Name: FUNCTION map_personal(mapped text, category text, subject text, erasure text, reason text, retention interval, retention_from text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.map_personal(mapped text, category text, subject text, erasure text, reason text, retention interval, retention_from text) IS 'Enters a column, schema.table.column, into the data map: its Fides category, how a row leads to
the person, and what erasing does (see core.personal_data). Refuses a column that does not exist,
42703. For the migration that makes the column. Owner only.';

--
-- Name: mapped_column(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.mapped_column(mapped text) RETURNS TABLE(relation oid, table_schema text, table_name text, column_name text, number smallint)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    parts constant text[] := parse_ident(mapped);
begin
    if cardinality(parts) <> 3 then
        raise exception '% is not of the form schema.table.column', mapped
            using errcode = 'invalid_name';
    end if;
    return query
    select
        classes.oid,
        namespaces.nspname::text,
        classes.relname::text,
        attributes.attname::text,
        attributes.attnum
    from pg_namespace as namespaces
    inner join pg_class as classes on classes.relnamespace = namespaces.oid
    inner join pg_attribute as attributes on attributes.attrelid = classes.oid
    where
        namespaces.nspname = parts[1]
        and classes.relname = parts[2]
        and classes.relkind in ('r', 'p')
        and attributes.attname = parts[3]
        and attributes.attnum > 0
        and not attributes.attisdropped;
    if not found then
        raise exception 'the data map names %, which is no column of a table', mapped
            using errcode = 'undefined_column';
    end if;
end
$$;

ALTER FUNCTION core.mapped_column(mapped text) OWNER TO postgres;

--
-- Name: FUNCTION mapped_column(mapped text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.mapped_column(mapped text) IS 'The column of a table that schema.table.column names. Raises 42703 where there is none. Internal.';

--
-- Name: mark_sensitive(regclass, uuid, text, boolean); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.mark_sensitive(marked regclass, id uuid, reason text, sensitive boolean DEFAULT true) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    name constant text := core.name_of(marked);
    caller constant record := core.caller();
    tenant uuid;
begin
    if not exists (
        select from pg_policy
        where pg_policy.polrelid = marked and pg_policy.polname = 'sensitive_withheld'
    ) then
        perform core.fail(
            'sensitive.not_found', jsonb_build_object('id', mark_sensitive.id, 'table', name)
        );
    end if;
    if coalesce(char_length(trim(reason)), 0) not between 1 and 500 then
        perform core.fail('sensitive.reason_missing');
    end if;
    execute format(
        'select tenant_id from %s where id = $1 and ($2 or tenant_id = any($3)) limit 1', marked
    )
    into tenant
    using mark_sensitive.id, caller.kind = 'system', core.tenants_with('core.sensitive.write');
    if tenant is null then
        perform core.fail(
            'sensitive.not_found', jsonb_build_object('id', mark_sensitive.id, 'table', name)
        );
    end if;
    if sensitive then
        insert into core.sensitive_records (tenant_id, table_name, record_id, reason)
        values (tenant, name, mark_sensitive.id, mark_sensitive.reason)
        on conflict on constraint sensitive_records_pkey do update set reason = excluded.reason;
    else
        delete from core.sensitive_records
        where
            sensitive_records.tenant_id = tenant
            and sensitive_records.table_name = name
            and sensitive_records.record_id = mark_sensitive.id;
    end if;
    perform core.write_audit_entry(
        tenant,
        'event',
        name,
        jsonb_build_object('id', mark_sensitive.id),
        event => case when sensitive then 'record.marked_sensitive' else 'record.unmarked' end,
        details => jsonb_build_object('reason', mark_sensitive.reason)
    );
end
$_$;

ALTER FUNCTION core.mark_sensitive(marked regclass, id uuid, reason text, sensitive boolean) OWNER TO postgres;

--
-- Name: FUNCTION mark_sensitive(marked regclass, id uuid, reason text, sensitive boolean); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.mark_sensitive(marked regclass, id uuid, reason text, sensitive boolean) IS 'Marks a record as sensitive, or takes the mark away; an entry says so. Needs core.sensitive.write
in the record''s tenant. Raises sensitive.not_found (404) and sensitive.reason_missing (400).
Definer, because it writes what nobody is granted. Signed-in users may call it.';

--
-- Name: mask_recipient(text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.mask_recipient(channel text, recipient text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    host constant text := substring(
        recipient from '^https?://(?:[^/?#@\\]*@)?([a-zA-Z0-9.-]+(?::[0-9]+)?)(?:[/?#]|$)'
    );
    domain constant text := substring(recipient from '^[^@]+(@[^@]+)$');
begin
    case channel
        when 'webhook' then
            return coalesce('https://' || host || '/', '') || '***';
        when 'email' then
            return case when position('@' in recipient) > 3 and domain is not null
                then left(recipient, 1) else ''
            end || '***' || coalesce(domain, '');
        when 'sms' then
            return '***'
                || case when char_length(recipient) > 6 then right(recipient, 2) else '' end;
        else
            return '***';
    end case;
end
$_$;

ALTER FUNCTION core.mask_recipient(channel text, recipient text) OWNER TO postgres;

--
-- Name: FUNCTION mask_recipient(channel text, recipient text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.mask_recipient(channel text, recipient text) IS 'As much of a recipient as tells two apart and reaches neither: the domain and the first letter of a
mail address, the host of a webhook, which hides tokens in its path, the last two digits of a
telephone number. Internal.';

--
-- Name: may_follow_topic(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.may_follow_topic(topic text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if topic ~ '^tenant:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        return substr(topic, 8)::uuid = any(core.tenants_with('core.events.read'));
    end if;
    return false;
end
$_$;

ALTER FUNCTION core.may_follow_topic(topic text) OWNER TO postgres;

--
-- Name: FUNCTION may_follow_topic(topic text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.may_follow_topic(topic text) IS 'Whether the caller may listen on a topic of Realtime: on tenant:{id} with core.events.read in that
tenant, on no other. Signed-in users may call it.';

--
-- Name: member_answer(core.members); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.member_answer(member core.members) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return jsonb_build_object(
        'tenant_id', member.tenant_id,
        'user_id', member.user_id,
        'role', (
            select roles.slug from core.roles
            where roles.tenant_id = member.role_tenant_id and roles.id = member.role_id
        ),
        'status', member.status
    );
end
$$;

ALTER FUNCTION core.member_answer(member core.members) OWNER TO postgres;

--
-- Name: FUNCTION member_answer(member core.members); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.member_answer(member core.members) IS 'A member as functions of v1 answer: {tenant_id, user_id, role, status}. Internal.';

--
-- Name: member_in(uuid, uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.member_in(tenant_id uuid, user_id uuid) RETURNS core.members
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    member core.members;
begin
    select members.* into member
    from core.members
    where members.tenant_id = member_in.tenant_id and members.user_id = member_in.user_id
    for update;
    if member.user_id is null then
        perform core.fail('member.unknown', jsonb_build_object('user_id', member_in.user_id));
    end if;
    perform core.check_may_grant_role(tenant_id, member.role_tenant_id, member.role_id);
    return member;
end
$$;

ALTER FUNCTION core.member_in(tenant_id uuid, user_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION member_in(tenant_id uuid, user_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.member_in(tenant_id uuid, user_id uuid) IS 'A member, locked, whom the caller may change: one who holds no more than the caller. Raises
member.unknown (404) and access.beyond_own (403). Internal.';

--
-- Name: month_after(timestamp with time zone); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.month_after(month timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN (((month AT TIME ZONE 'UTC'::text) + '1 mon'::interval) AT TIME ZONE 'UTC'::text);

ALTER FUNCTION core.month_after(month timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION month_after(month timestamp with time zone); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.month_after(month timestamp with time zone) IS 'When the next month of UTC begins. Internal.';

--
-- Name: move_tenant(uuid, uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.move_tenant(tenant_id uuid, parent_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    is_operator constant boolean := (core.caller()).kind in ('service', 'system');
    from_id uuid;
    moved uuid[];
begin
    perform core.lock_tenant_tree();
    select tenants.parent_id into from_id
    from core.tenants
    where tenants.id = move_tenant.tenant_id;
    if not is_operator then
        -- Whoever gives the tenant away: its owner, where nobody but the platform is above it.
        if from_id is null or from_id = core.platform_tenant_id() then
            perform core.require(move_tenant.tenant_id, 'core.tenants.own');
        elsif (
            from_id = any(core.tenants_with('core.tenants.create', 'descendants'))
        ) is not true then
            -- Whoever does not see the tenant is not told that it stands below another one.
            perform core.fail(
                'tenancy.permission_missing',
                jsonb_build_object(
                    'permission',
                    case
                        when move_tenant.tenant_id = any(core.tenants_with('core.tenants.read'))
                            then 'core.tenants.create'
                        else 'core.tenants.own'
                    end
                )
            );
        end if;
        if move_tenant.parent_id is distinct from core.platform_tenant_id()
            or not core.tenants_are_open()
        then
            perform core.require(move_tenant.parent_id, 'core.tenants.create');
        end if;
    end if;
    if not exists (select from core.tenants where tenants.id = move_tenant.parent_id) then
        perform core.fail('tenant.unknown', jsonb_build_object('tenant', move_tenant.parent_id));
    end if;
    perform core.check_tenant_place(move_tenant.tenant_id, move_tenant.parent_id);
    update core.tenants set parent_id = move_tenant.parent_id
    where
        tenants.id = move_tenant.tenant_id
        and tenants.id <> core.platform_tenant_id();
    if not found then
        perform core.fail('tenant.unknown', jsonb_build_object('tenant', move_tenant.tenant_id));
    end if;
    -- What was suspended with a tenant that it has left is resumed with what has moved.
    moved := array(
        select subtree.id from core.tenants_below(move_tenant.tenant_id) as subtree
    );
    update core.tenants set suspended_with = move_tenant.tenant_id
    where
        tenants.id = any(moved)
        and tenants.suspended_with <> all(moved);
    perform core.emit(
        move_tenant.tenant_id, 'core.tenant.moved', 'tenant', move_tenant.tenant_id,
        jsonb_build_object('from', from_id, 'to', move_tenant.parent_id)
    );
    return core.tenant_answer(move_tenant.tenant_id);
end
$$;

ALTER FUNCTION core.move_tenant(tenant_id uuid, parent_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION move_tenant(tenant_id uuid, parent_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.move_tenant(tenant_id uuid, parent_id uuid) IS 'What v1.move_tenant does. Definer, because it writes core.tenants. Signed-in users may call it.';

--
-- Name: my_access(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.my_access() RETURNS TABLE(tenant_id uuid, tenant text, role text, permissions jsonb, hidden_fields jsonb, team_ids uuid[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    caller constant record := core.caller();
    requested constant uuid := core.requested_tenant_id();
begin
    return query
    select
        tenants.id,
        tenants.slug,
        (
            select roles.slug
            from core.holders
            inner join core.roles
                on roles.tenant_id = holders.role_tenant_id and roles.id = holders.role_id
            where holders.tenant_id = tenants.id and holders.principal_id = caller.id
        ),
        held.permissions,
        coalesce(
            (
                select jsonb_object_agg(kept.object, kept.fields)
                from (
                    select
                        hidden.object,
                        jsonb_agg(hidden.field order by hidden.field) as fields
                    from core.hidden_in(tenants.id, caller.id) as hidden
                    where held.permissions ? (hidden.object || '.read')
                    group by hidden.object
                ) as kept
            ),
            '{}'
        ),
        array(
            select team_members.team_id from core.team_members
            where team_members.tenant_id = tenants.id and team_members.user_id = caller.id
        )
    from core.tenants
    cross join lateral (
        select jsonb_object_agg(widest.permission, widest.scope) as permissions
        from (
            select distinct on (granted.permission)
                granted.permission,
                granted.scope
            from core.grants_in(tenants.id, caller.id) as granted
            order by granted.permission, cardinality(core.scopes_from(granted.scope))
        ) as widest
    ) as held
    where
        caller.kind in ('user', 'api_key')
        and case
            when requested is null then tenants.id in (
                select holders.tenant_id from core.holders where holders.principal_id = caller.id
            )
            else tenants.id = requested
        end
        and held.permissions is not null
    order by tenants.slug;
end
$$;

ALTER FUNCTION core.my_access() OWNER TO postgres;

--
-- Name: FUNCTION my_access(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.my_access() IS 'What v1.my_access does. Definer, because it reads the tables that decide over access. Signed-in
users may call it.';

--
-- Name: name_of(regclass); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.name_of(relation regclass) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return (
        select namespaces.nspname || '.' || classes.relname
        from pg_class as classes
        inner join pg_namespace as namespaces on namespaces.oid = classes.relnamespace
        where classes.oid = relation
    );
end
$$;

ALTER FUNCTION core.name_of(relation regclass) OWNER TO postgres;

--
-- Name: FUNCTION name_of(relation regclass); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.name_of(relation regclass) IS 'The name of a table with its schema, as the audit trail writes it. Internal.';

--
-- Name: names_allowed_domains(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.names_allowed_domains(tenant_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return exists (
        select from core.email_domain_rules as rules
        where rules.tenant_id = names_allowed_domains.tenant_id and rules.effect = 'allow'
    );
end
$$;

ALTER FUNCTION core.names_allowed_domains(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION names_allowed_domains(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.names_allowed_domains(tenant_id uuid) IS 'Whether a tenant lets in nobody but addresses of domains that it names. For supabase_auth_admin and
functions of core.';

--
-- Name: normalise_email_domain_rule(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.normalise_email_domain_rule() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    written constant text := new.domain;
begin
    new.domain := tenon.domain_name(written);
    new.includes_subdomains := coalesce(new.includes_subdomains, new.effect = 'deny');
    if new.domain is null then
        perform core.fail(
            'sign_up.domain_invalid', jsonb_build_object('domain', left(written, 253))
        );
    end if;
    return new;
end
$$;

ALTER FUNCTION core.normalise_email_domain_rule() OWNER TO postgres;

--
-- Name: FUNCTION normalise_email_domain_rule(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.normalise_email_domain_rule() IS 'Trigger before insert or update: brings the domain into the form in which it is compared.
Raises sign_up.domain_invalid (400).';

--
-- Name: note_sign_in(uuid, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.note_sign_in(user_id uuid, address text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    origin constant cidr := core.sign_in_network(note_sign_in.address);
begin
    if
        exists (
            select from core.sign_in_attempts as attempts
            where
                attempts.tenant_id = core.platform_tenant_id()
                and attempts.user_id = note_sign_in.user_id
                and attempts.authenticator = 'password'
                and attempts.network = origin
                and attempts.failures = 0
                and attempts.succeeded_at > now() - interval '1 hour'
        )
    then
        return;
    end if;
    insert into core.sign_in_authenticators (user_id, authenticator)
    values (note_sign_in.user_id, 'password')
    on conflict do nothing;
    insert into core.sign_in_attempts (tenant_id, user_id, authenticator, network, succeeded_at)
    values (
        core.platform_tenant_id(), note_sign_in.user_id, 'password', origin, clock_timestamp()
    )
    on conflict on constraint sign_in_attempts_pkey do update
    set failures = 0, failed_at = null, succeeded_at = excluded.succeeded_at;
end
$$;

ALTER FUNCTION core.note_sign_in(user_id uuid, address text) OWNER TO postgres;

--
-- Name: FUNCTION note_sign_in(user_id uuid, address text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.note_sign_in(user_id uuid, address text) IS 'Remembers that an account was signed in to from an address, by whatever means: a link by mail, a
provider, a recovery. The network is known from then on, and is what lets the holder of an account
in that strangers have exhausted. Definer, because nobody else may write the counts.
supabase_auth_admin may call it.';

--
-- Name: note_use(uuid, timestamp with time zone); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.note_use(credential_id uuid, last_used_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    -- A request that reads runs read-only, so its mark stands in shared memory until
    -- core.record_uses writes it down.
    return
        not tenon.touch(credential_id)
        and current_setting('transaction_read_only') = 'off'
        and coalesce(last_used_at < now() - interval '1 minute', true);
end
$$;

ALTER FUNCTION core.note_use(credential_id uuid, last_used_at timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION note_use(credential_id uuid, last_used_at timestamp with time zone); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.note_use(credential_id uuid, last_used_at timestamp with time zone) IS 'Marks a credential as used. Returns whether the caller has to write that down itself, where there
is no shared memory: at most once a minute, and not in a request that only reads. Internal.';

--
-- Name: number_events(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.number_events() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    newest bigint;
begin
    -- Deferred triggers may emit too, and theirs have to be numbered with the others: locks taken
    -- in two goes could stand in a circle. So the trigger queues itself again, behind all that is
    -- queued by now, until a round has brought no more events.
    select max(pending.position) into newest
    from core.pending_events as pending
    where pending.transaction = pg_current_xact_id();
    if newest is distinct from new.newest_seen then
        update core.pending_events as pending
        set newest_seen = newest
        where pending.tenant_id = new.tenant_id and pending.position = new.position;
    elsif current_setting('transaction_isolation') = 'read committed' then
        perform core.number_pending_events();
    else
        -- With one snapshot for all statements, the last number may be one of the past.
        begin
            perform core.number_pending_events();
        exception
            when unique_violation then
                raise exception 'could not number events, because others were committed meanwhile'
                    using errcode = 'serialization_failure';
        end;
    end if;
    return null;
end
$$;

ALTER FUNCTION core.number_events() OWNER TO postgres;

--
-- Name: FUNCTION number_events(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.number_events() IS 'Trigger at commit: has the transaction''s events numbered when all are there. Definer, because it
runs as whoever commits. A transaction of a stricter isolation than read committed fails with 40001
where another one has committed events of the same tenant since its snapshot.';

--
-- Name: number_pending_events(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.number_pending_events() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    mine constant xid8 := pg_current_xact_id();
    owners constant uuid[] := array(
        select distinct pending.tenant_id
        from core.pending_events as pending
        where pending.transaction = mine
        order by pending.tenant_id
    );
    numbered record;
begin
    -- In the order of ids, so that no two transactions wait for each other.
    insert into core.event_heads (tenant_id)
    select owner_id
    from unnest(owners) as owner_id
    where not exists (select from core.event_heads where event_heads.tenant_id = owner_id)
    order by owner_id
    on conflict do nothing;
    perform
    from core.event_heads
    where event_heads.tenant_id = any(owners)
    order by event_heads.tenant_id
    for no key update;

    -- A statement of its own, which sees what was committed while this one waited.
    for numbered in
        with waiting as (
            delete from core.pending_events as pending
            where pending.transaction = mine
            returning pending.*
        ),
        lasts as materialized (
            select
                owner_id as tenant_id,
                core.last_event_number(owner_id) as number
            from unnest(owners) as owner_id
        ),
        stored as (
            insert into core.events (
                tenant_id, number, type, at, subject_type, subject_id, actor_kind, actor_id, data
            )
            select
                waiting.tenant_id,
                lasts.number + row_number() over (
                    partition by waiting.tenant_id order by waiting.position
                ),
                waiting.type,
                waiting.at,
                waiting.subject_type,
                waiting.subject_id,
                waiting.actor_kind,
                waiting.actor_id,
                waiting.data
            from waiting
            inner join lasts on lasts.tenant_id = waiting.tenant_id
            returning events.tenant_id, events.number, events.type
        )
        select
            stored.tenant_id,
            max(stored.number) as number,
            array_agg(distinct stored.type) as types
        from stored
        group by stored.tenant_id
    loop
        perform core.hint_at_events(numbered.tenant_id, numbered.number, numbered.types);
    end loop;
end
$$;

ALTER FUNCTION core.number_pending_events() OWNER TO postgres;

--
-- Name: FUNCTION number_pending_events(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.number_pending_events() IS 'Numbers the transaction''s events, moves them to core.events, and hints at them. The locks that it
takes on core.event_heads end with the transaction, so that numbers become visible in their order.
Internal.';

--
-- Name: own_audit_state(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.own_audit_state() RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return core.audit_state(core.sole_tenant_with('core.audit.read'));
end
$$;

ALTER FUNCTION core.own_audit_state() OWNER TO postgres;

--
-- Name: FUNCTION own_audit_state(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.own_audit_state() IS 'core.audit_state of the one tenant whose audit the caller may read. Definer for the same reason.
Signed-in users may call it.';

--
-- Name: own_history(text, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.own_history(table_name text, record jsonb) RETURNS TABLE(id bigint, at timestamp with time zone, operation text, old jsonb, new jsonb, event text, details jsonb, caller_kind text, caller_id uuid, origin jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    tenant constant uuid := core.sole_tenant_with('core.audit.read');
    wanted constant jsonb := case jsonb_typeof(record)
        when 'object' then record - 'tenant_id'
        else jsonb_build_object('id', record)
    end;
begin
    return query
    select
        entries.id,
        entries.at,
        entries.operation,
        case when entries.old is not null then core.audit_values_of(entries, true) end,
        case when entries.new is not null then core.audit_values_of(entries, false) end,
        entries.event,
        entries.details,
        entries.caller_kind,
        entries.caller_id,
        entries.origin
    from core.audit_entries as entries
    where
        entries.tenant_id = tenant
        and jsonb_hash(entries.key) = jsonb_hash(wanted)
        and entries.key = wanted
        and entries.table_name = own_history.table_name
    order by entries.id;
end
$$;

ALTER FUNCTION core.own_history(table_name text, record jsonb) OWNER TO postgres;

--
-- Name: FUNCTION own_history(table_name text, record jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.own_history(table_name text, record jsonb) IS 'What v1.history returns. Definer, because nobody is granted personal values. Signed-in users may
call it.';

--
-- Name: owner_role_id(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.owner_role_id() RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return (
        select roles.id from core.roles
        where roles.tenant_id = core.platform_tenant_id() and roles.slug = 'owner'
    );
end
$$;

ALTER FUNCTION core.owner_role_id() OWNER TO postgres;

--
-- Name: FUNCTION owner_role_id(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.owner_role_id() IS 'The system role owner. Internal.';

--
-- Name: owners_of(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.owners_of(tenant_id uuid) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT COALESCE(array_agg((members.user_id)::text), '{}'::text[]) AS "coalesce"
    FROM (core.members
      JOIN core.role_permissions granted ON (((granted.tenant_id = members.role_tenant_id) AND (granted.role_id = members.role_id) AND (granted.permission = 'core.tenants.own'::text))))
   WHERE ((members.tenant_id = owners_of.tenant_id) AND (members.status = 'active'::text));
END;

ALTER FUNCTION core.owners_of(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION owners_of(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.owners_of(tenant_id uuid) IS 'The users who own the tenant: active members whose role says who owns it. Internal.';

--
-- Name: person_asked(uuid, text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.person_asked(user_id uuid, email text, phone text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    asked constant jsonb := jsonb_strip_nulls(jsonb_build_object(
        'user_id', person_asked.user_id,
        'email', core.normal_identifier('email', person_asked.email),
        'phone', core.normal_identifier('phone', person_asked.phone)
    ));
begin
    if asked = '{}' then
        perform core.fail('privacy.person_missing');
    end if;
    return (
        select jsonb_object_agg(pair.key, jsonb_build_array(pair.value))
        from jsonb_each(asked) as pair
    );
end
$$;

ALTER FUNCTION core.person_asked(user_id uuid, email text, phone text) OWNER TO postgres;

--
-- Name: FUNCTION person_asked(user_id uuid, email text, phone text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.person_asked(user_id uuid, email text, phone text) IS 'By what a request names a person, in normal form: {"email": ["ada@example.com"]}.
Raises privacy.person_missing (400). Signed-in users may call it.';

--
-- Name: person_kinds(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.person_kinds() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN ARRAY['user_id'::text, 'email'::text, 'phone'::text, 'contact_id'::text];

ALTER FUNCTION core.person_kinds() OWNER TO postgres;

--
-- Name: FUNCTION person_kinds(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.person_kinds() IS 'By what a person is known. Internal.';

--
-- Name: personal_columns(regclass); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.personal_columns(audited regclass) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    columns text[];
begin
    -- Made by a later migration, and this must work before it.
    if to_regclass('core.personal_data') is null then
        return '{}';
    end if;
    execute
        'select coalesce(array_agg(mapped.column_name order by mapped.column_name), ''{}'') '
        'from core.personal_data as mapped '
        'inner join pg_class on pg_class.relname = mapped.table_name '
        'inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace '
        'and pg_namespace.nspname = mapped.table_schema '
        'where pg_class.oid = $1'
    into columns
    using audited;
    return columns;
end
$_$;

ALTER FUNCTION core.personal_columns(audited regclass) OWNER TO postgres;

--
-- Name: FUNCTION personal_columns(audited regclass); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.personal_columns(audited regclass) IS 'The columns of a table that core.personal_data lists, none before there is one. Internal.';

--
-- Name: plan_erasure(uuid, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.plan_erasure(tenant_id uuid, identifiers jsonb) RETURNS TABLE(relation oid, table_name text, subject text, method text, column_names text[], reason text, assignments text, is_mention boolean, row_count bigint, held_count bigint, keys jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    step record;
    has_holds constant boolean := exists (
        select from core.legal_holds
        where legal_holds.tenant_id = plan_erasure.tenant_id and legal_holds.released_at is null
    );
begin
    for step in select * from core.erasure_steps() loop
        execute format(
            'select count(*), count(*) filter (where found.is_held), %s'
            ' from (select %s, %s as is_held from %s as t where %s and %s and %s) as found',
            -- What is kept may be much, and nobody needs its keys.
            case step.method
                when 'keep' then 'null::jsonb' else 'jsonb_agg(to_jsonb(found) - ''is_held'')'
            end,
            (
                select string_agg(format('t.%I', name), ', ')
                from unnest(core.key_columns(step.relation)) as name
            ),
            case
                when has_holds and step.method <> 'keep'
                    then core.subject_predicate(step.relation, step.subject, 't', 'held')
                else 'false'
            end,
            step.relation::regclass,
            core.tenant_predicate(step.relation, step.subject, 't'),
            core.subject_predicate(step.relation, step.subject, 't', 'person'),
            step.condition
        )
        into row_count, held_count, keys
        using array[plan_erasure.tenant_id], identifiers;
        if row_count > 0 then
            relation := step.relation;
            table_name := step.table_name;
            subject := step.subject;
            method := step.method;
            column_names := step.column_names;
            reason := step.reason;
            assignments := step.assignments;
            is_mention := step.is_mention;
            return next;
        end if;
    end loop;
end
$$;

ALTER FUNCTION core.plan_erasure(tenant_id uuid, identifiers jsonb) OWNER TO postgres;

--
-- Name: FUNCTION plan_erasure(tenant_id uuid, identifiers jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.plan_erasure(tenant_id uuid, identifiers jsonb) IS 'What erasing the person with these identifiers would do to the tenant''s rows: those keys, these
assignments, and how many of them a legal hold is on. Internal.';

--
-- Name: pre_request(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.pre_request() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    key constant text := core.request_header('x-api-key');
    certificate constant text := core.certificate_presented();
    caller record;
    proven record;
    role text;
begin
    -- What a former transaction left in these settings is nobody's.
    perform set_config('tenon.caller_kind', '', true);
    caller := core.caller();
    if key is not null or certificate is not null then
        if caller.kind <> 'anonymous' or (key is not null and certificate is not null) then
            perform core.fail('access.two_principals');
        end if;
        proven := core.authenticate(key, certificate);
        caller.kind := proven.kind;
        caller.id := proven.id;
        caller.tenant_id := proven.tenant_id;
        role := case proven.kind when 'device' then 'tenon_device' else 'authenticated' end;
        perform set_config('request.jwt.claims', json_build_object('role', role)::text, true);
        perform set_config('role', role, true);
    end if;
    perform
        set_config('tenon.caller_kind', caller.kind, true),
        set_config('tenon.caller_id', coalesce(caller.id::text, ''), true),
        set_config('tenon.caller_tenant_id', coalesce(caller.tenant_id::text, ''), true),
        set_config(
            'tenon.requested_tenant_id', coalesce(caller.requested_tenant_id::text, ''), true
        );
    perform core.check_rate_limits();
    perform core.refuse_unhonoured_key();
    -- Every row that is written notes where it came from: found out once.
    if current_setting('request.method', true) in ('POST', 'PATCH', 'PUT', 'DELETE') then
        perform set_config('tenon.origin', coalesce(core.request_origin()::text, ''), true);
    end if;
end
$$;

ALTER FUNCTION core.pre_request() OWNER TO postgres;

--
-- Name: FUNCTION pre_request(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.pre_request() IS 'PostgREST runs it before each request, in the request''s transaction: it makes the holder of an
API key, a device''s token or a device''s certificate the caller, charges the rate limits, and
refuses an Idempotency-Key that would not be honoured. Raises access.key_invalid (401),
access.two_principals (400), limit.exceeded (429), idempotency.not_here (400). Every role of the
API may call it.';

--
-- Name: random_key(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.random_key() RETURNS bytea
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN sha256((uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

ALTER FUNCTION core.random_key() OWNER TO postgres;

--
-- Name: FUNCTION random_key(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.random_key() IS '32 bytes that nobody can guess. Internal.';

--
-- Name: rate_limiting(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.rate_limiting() RETURNS TABLE(mode text, capacity bigint, in_force bigint, given_up bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select
        case when memory.capacity > 0 then 'shared memory' else 'table' end,
        memory.capacity,
        case
            when memory.capacity > 0 then memory.in_force
            else (
                select count(*) from core.rate_buckets
                where rate_buckets.taken_until > clock_timestamp()
            )
        end,
        memory.given_up
    from tenon.limit_memory() as memory;
end
$$;

ALTER FUNCTION core.rate_limiting() OWNER TO postgres;

--
-- Name: FUNCTION rate_limiting(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.rate_limiting() IS 'How requests are counted. mode: shared memory (all of them), or table (those that write). capacity:
how many buckets are remembered, 0 for no end. in_force: how many are in use now. given_up: how many
were forgotten while in use, for want of room. Definer, because only the owner may look into the
memory. service_role may call it.';

--
-- Name: rate_limits_per_tenant_max(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.rate_limits_per_tenant_max() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 100;

ALTER FUNCTION core.rate_limits_per_tenant_max() OWNER TO postgres;

--
-- Name: FUNCTION rate_limits_per_tenant_max(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.rate_limits_per_tenant_max() IS 'How many rate limits a tenant may set for itself: four for all requests, and four for each of some
twenty actions. Signed-in users may call it.';

--
-- Name: read_grants(jsonb, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.read_grants(INOUT permissions jsonb, INOUT hidden_fields jsonb) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    unknown text;
begin
    -- A list of permissions means each of them in the tenant.
    if jsonb_typeof(permissions) = 'array' then
        select coalesce(jsonb_object_agg(coalesce(listed.permission, ''), 'tenant'), '{}')
        into permissions
        from jsonb_array_elements_text(permissions) as listed (permission);
    end if;
    if
        jsonb_typeof(permissions) is distinct from 'object'
        or jsonb_typeof(hidden_fields) is distinct from 'object'
        or exists (
            select from jsonb_each(hidden_fields) as kept
            where jsonb_typeof(kept.value) <> 'array'
        )
    then
        perform core.fail('role.grants_malformed');
    end if;
    select wishes.key || coalesce(' (' || wishes.value || ')', '')
    into unknown
    from jsonb_each_text(permissions) as wishes
    where
        (wishes.value = any(core.scopes_from('own'))) is not true
        or not exists (
            select from core.permissions as known where known.permission = wishes.key
        )
    limit 1;
    if found then
        perform core.fail('role.grant_unknown', jsonb_build_object('grant', unknown));
    end if;
    select kept.key || '.' || coalesce(field.name, '')
    into unknown
    from jsonb_each(hidden_fields) as kept
    cross join lateral jsonb_array_elements_text(kept.value) as field (name)
    where not exists (
        select from core.fields
        where fields.object = kept.key and fields.field = field.name
    )
    limit 1;
    if found then
        perform core.fail('role.field_unknown', jsonb_build_object('field', unknown));
    end if;
end
$$;

ALTER FUNCTION core.read_grants(INOUT permissions jsonb, INOUT hidden_fields jsonb) OWNER TO postgres;

--
-- Name: FUNCTION read_grants(INOUT permissions jsonb, INOUT hidden_fields jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.read_grants(INOUT permissions jsonb, INOUT hidden_fields jsonb) IS 'What a role is to hold, as clients write it: permissions, {permission: scope} or a list, which
means the scope tenant; hidden fields, {object: [field]}. Raises role.grants_malformed,
role.grant_unknown and role.field_unknown (400). Internal.';

--
-- Name: read_limits(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.read_limits() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    problem constant jsonb := tenon.limit_problem(new.limits);
begin
    if problem is not null then
        perform core.fail(problem ->> 'code', problem - 'code');
    end if;
    new.limits := array_to_string(tenon.limit_windows(new.limits), ', ');
    return new;
end
$$;

ALTER FUNCTION core.read_limits() OWNER TO postgres;

--
-- Name: FUNCTION read_limits(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.read_limits() IS 'Trigger before insert or update: writes limits in the one way that they are written, or raises
limit.invalid (400) with the position of the mistake.';

--
-- Name: readable_event_types(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.readable_event_types() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return (
        -- Each permission is asked for once, however many types name it.
        with held as materialized (
            select
                named.permission,
                to_jsonb(core.tenants_with(named.permission)) as tenants
            from (select distinct event_types.permission from core.event_types) as named
        )
        select coalesce(jsonb_object_agg(event_types.type, held.tenants), '{}')
        from core.event_types
        inner join held on held.permission = event_types.permission
        where held.tenants <> '[]'
    );
end
$$;

ALTER FUNCTION core.readable_event_types() OWNER TO postgres;

--
-- Name: FUNCTION readable_event_types(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.readable_event_types() IS 'For each type of event the ids of the tenants in which the caller holds the permission that it
names: what the policy of core.events asks once a statement. Signed-in users may call it.';

--
-- Name: readable_last_event_number(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.readable_last_event_number(tenant_id uuid) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if readable_last_event_number.tenant_id = any(core.tenants_with('core.events.read')) then
        return core.last_event_number(readable_last_event_number.tenant_id);
    end if;
    return null;
end
$$;

ALTER FUNCTION core.readable_last_event_number(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION readable_last_event_number(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.readable_last_event_number(tenant_id uuid) IS 'The number of the newest event of a tenant in which the caller holds core.events.read, whether or
not the caller may see that event; null elsewhere. Definer, because of the events that the caller
may not see. Signed-in users may call it.';

--
-- Name: record_consent(jsonb, text, text, timestamp with time zone, text, text, text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.record_consent(asked jsonb, purpose text, legal_basis text, given_at timestamp with time zone, source text, channel text, proof_text text, proof_version text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    of_tenant constant uuid := core.sole_tenant_with('core.privacy.write');
    consent_id uuid;
begin
    perform core.check_consent(
        record_consent.purpose, record_consent.legal_basis, record_consent.given_at,
        record_consent.source, record_consent.channel, record_consent.proof_text,
        record_consent.proof_version
    );
    insert into core.consents (
        tenant_id, user_id, email, phone, purpose, legal_basis, given_at, source, channel,
        proof_text, proof_version
    )
    values (
        of_tenant,
        (asked #>> '{user_id,0}')::uuid,
        asked #>> '{email,0}',
        asked #>> '{phone,0}',
        record_consent.purpose,
        record_consent.legal_basis,
        record_consent.given_at,
        record_consent.source,
        record_consent.channel,
        record_consent.proof_text,
        record_consent.proof_version
    )
    returning id into consent_id;
    return consent_id;
end
$$;

ALTER FUNCTION core.record_consent(asked jsonb, purpose text, legal_basis text, given_at timestamp with time zone, source text, channel text, proof_text text, proof_version text) OWNER TO postgres;

--
-- Name: FUNCTION record_consent(asked jsonb, purpose text, legal_basis text, given_at timestamp with time zone, source text, channel text, proof_text text, proof_version text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.record_consent(asked jsonb, purpose text, legal_basis text, given_at timestamp with time zone, source text, channel text, proof_text text, proof_version text) IS 'What v1.record_consent does. Definer, because nobody writes consents but by it; asks for
core.privacy.write itself. Signed-in users may call it.';

--
-- Name: record_key_use(uuid, uuid, text, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.record_key_use(tenant_id uuid, api_key_id uuid, hint text, used_before timestamp with time zone, used_at timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if coalesce(used_before < used_at - interval '1 day', true) then
        perform core.record_security_event(
            tenant_id, 'api_key.used',
            jsonb_build_object('api_key_id', api_key_id, 'hint', hint, 'at', used_at)
        );
    end if;
end
$$;

ALTER FUNCTION core.record_key_use(tenant_id uuid, api_key_id uuid, hint text, used_before timestamp with time zone, used_at timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION record_key_use(tenant_id uuid, api_key_id uuid, hint text, used_before timestamp with time zone, used_at timestamp with time zone); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.record_key_use(tenant_id uuid, api_key_id uuid, hint text, used_before timestamp with time zone, used_at timestamp with time zone) IS 'Makes the use of an API key''s secret a security event, api_key.used, unless that was used within
the day before. Internal.';

--
-- Name: record_security_event(uuid, text, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.record_security_event(tenant_id uuid, event text, details jsonb DEFAULT '{}'::jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform core.write_audit_entry(
        record_security_event.tenant_id,
        'event',
        event => record_security_event.event,
        details => record_security_event.details
    );
end
$$;

ALTER FUNCTION core.record_security_event(tenant_id uuid, event text, details jsonb) OWNER TO postgres;

--
-- Name: FUNCTION record_security_event(tenant_id uuid, event text, details jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.record_security_event(tenant_id uuid, event text, details jsonb) IS 'Appends a security event, such as sign_in.failed, to the audit trail of the tenant; of the platform
without one. It stays if the transaction does. Definer, because nobody may write the trail;
internal.';

--
-- Name: record_sign_in_event(uuid, text, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.record_sign_in_event(user_id uuid, event text, details jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform core.record_security_event(
        coalesce(
            (core.active_tenant(record_sign_in_event.user_id)).tenant_id,
            core.platform_tenant_id()
        ),
        event,
        details
    );
exception
    -- The count matters more than the record of it.
    when others then
        raise warning 'core.record_sign_in_event: % (%)', sqlerrm, sqlstate;
end
$$;

ALTER FUNCTION core.record_sign_in_event(user_id uuid, event text, details jsonb) OWNER TO postgres;

--
-- Name: FUNCTION record_sign_in_event(user_id uuid, event text, details jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.record_sign_in_event(user_id uuid, event text, details jsonb) IS 'Records a security event in the chain of the user''s active tenant, or of the platform. Per account
and authenticator there are at most five of failures between two successes (at the first that
delays, and at 10, 25, 50 and 100), one of refusals an hour, and one of a success after failures.
Internal.';

--
-- Name: record_uses(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.record_uses() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    noted record;
    recorded integer := 0;
begin
    -- The secrets are read as they were before this statement writes them.
    for noted in
        with used as materialized (
            select
                marks.id,
                marks.at
            from tenon.touched() as marks
        ),
        devices as (
            update iot.device_credentials set last_used_at = used.at
            from used
            where
                device_credentials.id = used.id
                and coalesce(device_credentials.last_used_at < used.at, true)
            returning 1
        ),
        keys as (
            update core.api_key_secrets set last_used_at = used.at
            from used
            where
                api_key_secrets.id = used.id
                and coalesce(api_key_secrets.last_used_at < used.at, true)
            returning api_key_secrets.id
        )
        select
            secrets.tenant_id,
            secrets.api_key_id,
            secrets.hint,
            used.at,
            secrets.last_used_at as used_before
        from keys
        inner join core.api_key_secrets as secrets on secrets.id = keys.id
        inner join used on used.id = keys.id
        union all
        select
            null,
            null,
            null,
            null,
            null
        from devices
    loop
        recorded := recorded + 1;
        if noted.api_key_id is not null then
            perform core.record_key_use(
                noted.tenant_id, noted.api_key_id, noted.hint, noted.used_before, noted.at
            );
        end if;
    end loop;
    return recorded;
end
$$;

ALTER FUNCTION core.record_uses() OWNER TO postgres;

--
-- Name: FUNCTION record_uses(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.record_uses() IS 'Writes down when credentials were last used, as shared memory has it, and the use of an API key as
a security event, api_key.used, once a day at most. Returns how many credentials. For
housekeeping. Definer, because it writes for every tenant; service_role may call it.';

--
-- Name: refresh_audits(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.refresh_audits() RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    stale record;
    refreshed integer := 0;
begin
    for stale in
        with audited as (
            select
                triggers.tgrelid::regclass as relation,
                convert_from(triggers.tgargs, 'UTF8') as arguments,
                pg_get_triggerdef(triggers.oid) as definition,
                array(
                    select jsonb_array_elements_text(
                        split_part(encode(triggers.tgargs, 'escape'), '\000', 1)::jsonb -> 'ignored'
                    )
                ) as ignored,
                split_part(encode(triggers.tgargs, 'escape'), '\000', 1)::jsonb as settings
            from pg_trigger as triggers
            where
                triggers.tgname = 'audit_update'
                and triggers.tgfoid = 'core.audit_row()'::regprocedure
                and triggers.tgparentid = 0
        )
        select audited.relation, audited.ignored
        from audited
        where
            audited.settings is distinct from core.audit_settings(audited.relation, audited.ignored)
            or exists (
                select from pg_attribute as attributes
                where
                    audited.ignored <> '{}'
                    and attributes.attrelid = audited.relation
                    and attributes.attnum > 0
                    and not attributes.attisdropped
                    and attributes.attname <> all(audited.ignored)
                    and position(
                        'old.' || quote_ident(attributes.attname) in audited.definition
                    ) = 0
            )
            or exists (
                select from pg_partition_tree(audited.relation) as tree
                where not exists (
                    select from pg_trigger as own
                    where own.tgrelid = tree.relid and own.tgname = 'audit_truncation'
                )
            )
    loop
        perform core.audit(stale.relation, stale.ignored);
        refreshed := refreshed + 1;
    end loop;
    return refreshed;
end
$$;

ALTER FUNCTION core.refresh_audits() OWNER TO postgres;

--
-- Name: FUNCTION refresh_audits(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.refresh_audits() IS 'Brings the audit triggers up to date with the columns and partitions of their tables and with
core.personal_data; says how many tables it was needed for. Housekeeping calls it; call it at the
end of a migration that changes one of these. Owner only.';

--
-- Name: refuse_audit_change(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.refuse_audit_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform core.fail('audit.append_only');
    return null;
end
$$;

ALTER FUNCTION core.refuse_audit_change() OWNER TO postgres;

--
-- Name: FUNCTION refuse_audit_change(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.refuse_audit_change() IS 'Trigger of the tables of the audit: refuses to change what is written, to their owner too.
Raises audit.append_only (403).';

--
-- Name: refuse_consent_change(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.refuse_consent_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform core.fail('privacy.append_only');
    return null;
end
$$;

ALTER FUNCTION core.refuse_consent_change() OWNER TO postgres;

--
-- Name: FUNCTION refuse_consent_change(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.refuse_consent_change() IS 'Trigger: refuses to change what was recorded, to the owner of the table too.
Raises privacy.append_only (403).';

--
-- Name: refuse_event_change(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.refuse_event_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if exists (
        select from before
        full join after on after.tenant_id = before.tenant_id and after.number = before.number
        left join core.event_types on event_types.type = before.type
        where
            to_jsonb(after)
            is distinct from to_jsonb(before)
            || jsonb_build_object('data', before.data - event_types.personal_fields)
    ) then
        perform core.fail('event.append_only');
    end if;
    return null;
end
$$;

ALTER FUNCTION core.refuse_event_change() OWNER TO postgres;

--
-- Name: FUNCTION refuse_event_change(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.refuse_event_change() IS 'Trigger: lets an update do nothing to events but remove their personal fields. Raises
event.append_only. Definer, because it reads core.event_types for whoever updates.';

--
-- Name: refuse_event_removal(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.refuse_event_removal() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op = 'TRUNCATE' then
        perform core.fail('event.append_only');
    end if;
    if exists (
        select from gone
        left join core.event_expiries on event_expiries.tenant_id = gone.tenant_id
        where (gone.number <= event_expiries.expired_number) is not true
    ) then
        perform core.fail('event.append_only');
    end if;
    return null;
end
$$;

ALTER FUNCTION core.refuse_event_removal() OWNER TO postgres;

--
-- Name: FUNCTION refuse_event_removal(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.refuse_event_removal() IS 'Trigger: lets go only of events that core.event_expiries declares gone, so that no reader meets a
hole unawares. Raises event.append_only. Definer, because it reads that table for whoever deletes.';

--
-- Name: refuse_head_to_return(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.refuse_head_to_return() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if tg_op <> 'UPDATE' or new.tenant_id <> old.tenant_id or new.number <= old.number then
        perform core.fail('audit.append_only');
    end if;
    return new;
end
$$;

ALTER FUNCTION core.refuse_head_to_return() OWNER TO postgres;

--
-- Name: FUNCTION refuse_head_to_return(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.refuse_head_to_return() IS 'Trigger of core.audit_heads: a chain only ever moves on. Raises audit.append_only (403).';

--
-- Name: refuse_hidden_field(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.refuse_hidden_field() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    object constant text := tg_argv[0];
    field constant text := tg_argv[1];
begin
    -- An update is refused whatever it sets: were the same value let through, it could be guessed.
    if
        (core.caller()).kind in ('user', 'api_key')
        and (tg_op = 'UPDATE' or to_jsonb(new) ->> field is not null)
        and (new.tenant_id = any(core.tenants_with(object || '.write', 'own', field))) is not true
    then
        perform core.fail(
            'access.field_hidden', jsonb_build_object('object', object, 'field', field)
        );
    end if;
    return new;
end
$$;

ALTER FUNCTION core.refuse_hidden_field() OWNER TO postgres;

--
-- Name: FUNCTION refuse_hidden_field(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.refuse_hidden_field() IS 'Trigger before insert, or update of a field: refuses a write to a field that the caller''s role is
kept from, even of the value that is there. Arguments: the object, the field. Raises
access.field_hidden (403).';

--
-- Name: refuse_type_removal(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.refuse_type_removal() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform core.fail('event.append_only');
end
$$;

ALTER FUNCTION core.refuse_type_removal() OWNER TO postgres;

--
-- Name: FUNCTION refuse_type_removal(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.refuse_type_removal() IS 'Trigger: a type of event is neither removed nor renamed, because events name it. Raises
event.append_only.';

--
-- Name: refuse_unhonoured_key(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.refuse_unhonoured_key() RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

ALTER FUNCTION core.refuse_unhonoured_key() OWNER TO postgres;

--
-- Name: FUNCTION refuse_unhonoured_key(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.refuse_unhonoured_key() IS 'Refuses an Idempotency-Key on a request that writes rows directly, where Postgres hears of it too
late to honour it, and on a function that does not keep answers: a header that is ignored would be
relied on. For core.pre_request. Raises
idempotency.not_here (400). Anyone may call it.';

--
-- Name: release_legal_hold(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.release_legal_hold(id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    held_tenant constant uuid := core.sole_tenant_with('core.privacy.erase');
begin
    update core.legal_holds
    set released_at = now(), released_by = core.caller_id()
    where
        legal_holds.tenant_id = held_tenant
        and legal_holds.id = release_legal_hold.id
        and legal_holds.released_at is null;
    if not found then
        perform core.fail('privacy.hold_unknown');
    end if;
    perform core.record_security_event(
        held_tenant, 'privacy.hold_released',
        jsonb_build_object('hold_id', release_legal_hold.id)
    );
end
$$;

ALTER FUNCTION core.release_legal_hold(id uuid) OWNER TO postgres;

--
-- Name: FUNCTION release_legal_hold(id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.release_legal_hold(id uuid) IS 'What v1.release_legal_hold does. Definer, because nobody writes legal holds but by it; asks for
core.privacy.erase itself. Signed-in users may call it.';

--
-- Name: remove_member(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.remove_member(user_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
    member core.members := core.member_in(owner_id, remove_member.user_id);
begin
    perform core.drop_member(owner_id, member.user_id);
    return core.member_answer(member) || '{"status": "left"}';
end
$$;

ALTER FUNCTION core.remove_member(user_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION remove_member(user_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.remove_member(user_id uuid) IS 'What v1.remove_member does. Definer, because it writes core.members. Signed-in users may call it.';

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
-- Name: report_role_change(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.report_role_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    event text;
begin
    if tg_table_name = 'role_permissions' then
        perform core.record_security_event(
            coalesce(new.tenant_id, old.tenant_id),
            case tg_op
                when 'INSERT' then 'role.permission_granted'
                when 'UPDATE' then 'role.permission_changed'
                else 'role.permission_revoked'
            end,
            to_jsonb(coalesce(new, old)) - 'tenant_id'
        );
        return null;
    end if;
    event := case
        when tg_op = 'INSERT' then 'member.added'
        when tg_op = 'DELETE' then 'member.removed'
        when old.status <> new.status then 'member.' || new.status
        else 'member.role_changed'
    end;
    perform core.record_security_event(
        coalesce(new.tenant_id, old.tenant_id),
        event,
        jsonb_build_object(
            'user_id', coalesce(new.user_id, old.user_id),
            'role_id', new.role_id,
            'role_id_before', old.role_id
        )
    );
    return null;
end
$$;

ALTER FUNCTION core.report_role_change() OWNER TO postgres;

--
-- Name: FUNCTION report_role_change(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.report_role_change() IS 'Trigger of core.members and core.role_permissions: what changes who may do what is a security
event: member.added, member.removed, member.suspended, member.active, member.role_changed,
role.permission_granted, role.permission_changed, role.permission_revoked. Definer, because nobody
may write the trail.';

--
-- Name: request_header(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.request_header(name text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return nullif(current_setting('request.headers', true), '')::json ->> lower(name);
end
$$;

ALTER FUNCTION core.request_header(name text) OWNER TO postgres;

--
-- Name: FUNCTION request_header(name text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.request_header(name text) IS 'A header of the request that PostgREST is answering; null where there is none.
Anyone may call it.';

--
-- Name: request_origin(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.request_origin() RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    -- In one expression, because plpgsql prepares each of them anew in each transaction.
    return case
        when current_setting('request.headers', true) <> '' then tenon.audit_origin(
            current_setting('request.headers'),
            current_setting('request.method', true),
            current_setting('request.path', true),
            case
                -- As core.client_address has left it for this request.
                when
                    current_setting('tenon.address_of', true) = current_setting('request.headers')
                    then nullif(current_setting('tenon.address'), '')
                else host(core.client_address())
            end
        )
    end;
end
$$;

ALTER FUNCTION core.request_origin() OWNER TO postgres;

--
-- Name: FUNCTION request_origin(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.request_origin() IS 'Where this request came from: address, method, path, request_id and user_agent, each cut to a
length; null where there is no request. core.pre_request keeps it in tenon.origin while something is
written. Definer, because it calls a native function for whoever asks. Anyone may call it.';

--
-- Name: requested_tenant_id(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.requested_tenant_id() RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    requested constant text :=
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
-- Name: require(uuid, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.require(tenant_id uuid, permission text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if (require.tenant_id = any(core.tenants_with(require.permission))) is not true then
        perform core.fail(
            'tenancy.permission_missing', jsonb_build_object('permission', require.permission)
        );
    end if;
end
$$;

ALTER FUNCTION core.require(tenant_id uuid, permission text) OWNER TO postgres;

--
-- Name: FUNCTION require(tenant_id uuid, permission text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.require(tenant_id uuid, permission text) IS 'Refuses a caller who does not hold the permission in the tenant, in the same words whether or not
there is such a tenant. Raises tenancy.permission_missing (403). Signed-in users may call it.';

--
-- Name: resume_tenant(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.resume_tenant(tenant_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    resumed record;
begin
    perform core.lock_tenant_tree();
    if (
        select tenants.status from core.tenants where tenants.id = resume_tenant.tenant_id
    ) = 'closing' then
        perform core.check_owner(resume_tenant.tenant_id);
    else
        perform core.check_above(resume_tenant.tenant_id);
    end if;
    for resumed in
        update core.tenants
        set status = tenants.resumes_as, suspended_with = null, resumes_as = 'active'
        where
            tenants.status <> 'active'
            and (
                tenants.id = resume_tenant.tenant_id
                or tenants.suspended_with = resume_tenant.tenant_id
            )
        returning tenants.id
    loop
        perform core.emit(resumed.id, 'core.tenant.resumed', 'tenant', resumed.id);
    end loop;
    return core.tenant_answer(resume_tenant.tenant_id);
end
$$;

ALTER FUNCTION core.resume_tenant(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION resume_tenant(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.resume_tenant(tenant_id uuid) IS 'What v1.resume_tenant does. Definer, because it writes core.tenants. Signed-in users may call it.';

--
-- Name: subject_predicate(oid, text, text, text, integer); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.subject_predicate(relation oid, subject text, alias text, leaf text, depth integer DEFAULT 1) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    tenant_column constant text := core.tenant_column(relation);
    predicates text[] := '{}';
    link text;
    held text;
    parent record;
    parent_alias constant text := alias || depth;
begin
    if depth > 8 then
        raise exception 'the data map leads from % over more than 8 tables', relation::regclass
            using errcode = 'program_limit_exceeded';
    end if;
    foreach link in array string_to_array(subject, ' or ') loop
        held := format('%I.%I', alias, split_part(link, ' ', 1));
        if split_part(link, ' ', 2) = 'is' then
            predicates := predicates || case
                when leaf = 'held'
                    then format(
                        'core.is_held(%s, %L, %s::text)',
                        coalesce(format('%I.%I', alias, tenant_column), 'null'),
                        split_part(link, ' ', 3), held
                    )
                -- As core.normal_identifier has it, in a form that an index may be made for.
                when split_part(link, ' ', 3) = 'email'
                    then format(
                        'lower(btrim(%s::text)) = any(array('
                        'select jsonb_array_elements_text($2 -> ''email'')))', held
                    )
                when split_part(link, ' ', 3) = 'phone'
                    then format(
                        '($2 ? ''phone'' and core.normal_identifier(''phone'', %s::text) = any('
                        'array(select jsonb_array_elements_text($2 -> ''phone''))))', held
                    )
                else format(
                    '%s = any(array(select jsonb_array_elements_text($2 -> %L))::uuid[])',
                    held, split_part(link, ' ', 3)
                )
            end;
        else
            select
                found_column.*,
                personal.subject,
                core.tenant_column(found_column.relation) as tenant_column
            into strict parent
            from core.mapped_column(split_part(link, ' ', 3)) as found_column
            inner join core.personal_data as personal
                on
                    personal.table_schema = found_column.table_schema
                    and personal.table_name = found_column.table_name
                    and personal.column_name = found_column.column_name;
            predicates := predicates || format(
                'exists (select from %I.%I as %I where %I.%I = %s%s and %s)',
                parent.table_schema, parent.table_name, parent_alias,
                parent_alias, parent.column_name, held,
                case
                    when tenant_column is not null and parent.tenant_column is not null
                        then format(
                            ' and %I.%I = %I.%I',
                            parent_alias, parent.tenant_column, alias, tenant_column
                        )
                end,
                core.subject_predicate(
                    parent.relation, parent.subject, parent_alias, leaf, depth + 1
                )
            );
        end if;
    end loop;
    return '(' || array_to_string(predicates, ' or ') || ')';
end
$_$;

ALTER FUNCTION core.subject_predicate(relation oid, subject text, alias text, leaf text, depth integer) OWNER TO postgres;

--
-- Name: FUNCTION subject_predicate(relation oid, subject text, alias text, leaf text, depth integer); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.subject_predicate(relation oid, subject text, alias text, leaf text, depth integer) IS 'The condition under which a row, named by the alias, is about a person. leaf: person, whose
identifiers are the parameter $2 ({"email": […], …}), or held: any person under a legal hold.
Every name in it is of the catalogue and quoted; no value is in it. Internal.';

--
-- Name: retention_rules; Type: VIEW; Schema: core; Owner: postgres
--

CREATE VIEW core.retention_rules WITH (security_invoker='true') AS
 SELECT columns.relation,
    ((columns.table_schema || '.'::text) || columns.table_name) AS table_name,
    columns.subject,
    replace(columns.erasure, 'keep'::text, 'delete_row'::text) AS method,
    columns.retention,
    columns.retention_from,
    COALESCE((('('::text || string_agg(writing.condition, ' or '::text)) || ')'::text), 'true'::text) AS condition,
    string_agg(writing.assignment, ', '::text) AS assignments,
    ( SELECT string_agg(core.subject_predicate(held.relation, held.subject, 't'::text, 'held'::text), ' or '::text) AS string_agg
           FROM ( SELECT DISTINCT others.relation,
                    others.subject
                   FROM core.mapped_columns others
                  WHERE ((others.relation = columns.relation) AND ((others.subject = columns.subject) OR bool_or((columns.erasure = ANY (ARRAY['keep'::text, 'delete_row'::text])))))) held) AS held
   FROM (core.mapped_columns columns
     CROSS JOIN LATERAL core.erasing_column(columns.erasure, columns.column_name, columns.type_name, columns.category) writing(condition, assignment))
  WHERE ((columns.number IS NOT NULL) AND (columns.retention IS NOT NULL))
  GROUP BY columns.relation, columns.table_schema, columns.table_name, columns.subject, (replace(columns.erasure, 'keep'::text, 'delete_row'::text)), columns.retention, columns.retention_from;

ALTER TABLE core.retention_rules OWNER TO postgres;

--
-- Name: VIEW retention_rules; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON VIEW core.retention_rules IS 'What the data map says about time: rows of the table whose retention_from is older than retention
are deleted, or emptied by the assignments where the condition holds, except those that are held. A
row that goes altogether is held by everyone whom it is about. Not for clients.';

--
-- Name: retain_batch(core.retention_rules); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.retain_batch(rule core.retention_rules) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    keys constant text[] := core.key_columns(rule.relation);
    tenant_column constant text := core.tenant_column(rule.relation);
    dealt_with bigint;
    gone jsonb;
    one record;
begin
    execute format(
        'with past as ('
        ' select %2$s from %1$s as t'
        ' where t.%4$I < $1 and %5$s and not (%6$s)'
        ' limit $2 for update skip locked'
        '), dealt_with as ('
        || case
            when rule.assignments is null then 'delete from %1$s as t using past where %3$s'
            else 'update %1$s as t set %7$s from past where %3$s'
        end
        || ' and $3 is not null returning %8$s::uuid as of_tenant, %2$s) '
        'select count(*), jsonb_agg(to_jsonb(dealt_with)) from dealt_with',
        rule.relation::regclass,
        (select string_agg(format('t.%I', name), ', ') from unnest(keys) as name),
        (select string_agg(format('t.%1$I = past.%1$I', name), ' and ') from unnest(keys) as name),
        rule.retention_from,
        rule.condition,
        rule.held,
        rule.assignments,
        case when tenant_column is null then 'null' else format('t.%I', tenant_column) end
    )
    into dealt_with, gone
    using now() - rule.retention, core.retention_batch_rows(), core.random_key();
    if rule.assignments is null and tenant_column is not null then
        for one in
            select
                (line ->> 'of_tenant')::uuid as tenant_id,
                jsonb_agg(line - 'of_tenant') as keys
            from jsonb_array_elements(gone) as line
            group by line ->> 'of_tenant'
        loop
            perform core.forget_traces(one.tenant_id, rule.table_name, one.keys);
        end loop;
    end if;
    return dealt_with;
end
$_$;

ALTER FUNCTION core.retain_batch(rule core.retention_rules) OWNER TO postgres;

--
-- Name: FUNCTION retain_batch(rule core.retention_rules); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.retain_batch(rule core.retention_rules) IS 'One step of retention by a rule; returns how many rows it dealt with. What the audit and events
hold of rows that are deleted goes with them. Internal.';

--
-- Name: retain_by_rule(core.retention_rules, timestamp with time zone); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.retain_by_rule(rule core.retention_rules, deadline timestamp with time zone) RETURNS TABLE(row_count bigint, done boolean, failure text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    dealt_with bigint;
begin
    row_count := 0;
    done := false;
    begin
        loop
            dealt_with := core.retain_batch(rule);
            row_count := row_count + dealt_with;
            done := dealt_with = 0;
            exit when done or clock_timestamp() >= deadline;
        end loop;
    exception
        when others then
            -- What one rule fails at does not undo the others.
            row_count := 0;
            failure := sqlerrm;
            raise warning 'retention of %: %', rule.table_name, failure;
    end;
    insert into core.retention_runs as runs (
        table_name, subject, method, retention, retention_from, rows, ran_at, finished_at, failure
    )
    values (
        rule.table_name, rule.subject, rule.method, rule.retention, rule.retention_from,
        row_count, now(), case when done then now() end, failure
    )
    on conflict on constraint retention_runs_pkey do update set
        rows = runs.rows + excluded.rows,
        ran_at = excluded.ran_at,
        finished_at = coalesce(excluded.finished_at, runs.finished_at),
        failure = excluded.failure;
    return next;
end
$$;

ALTER FUNCTION core.retain_by_rule(rule core.retention_rules, deadline timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION retain_by_rule(rule core.retention_rules, deadline timestamp with time zone); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.retain_by_rule(rule core.retention_rules, deadline timestamp with time zone) IS 'Step by step what one rule of core.retention_rules says, until nothing is left or the deadline has
passed, and how it went into core.retention_runs. Internal.';

--
-- Name: retention_batch_rows(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.retention_batch_rows() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 1000;

ALTER FUNCTION core.retention_batch_rows() OWNER TO postgres;

--
-- Name: FUNCTION retention_batch_rows(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.retention_batch_rows() IS 'How many rows one step of retention deals with: some milliseconds of work. Internal.';

--
-- Name: retention_rest(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.retention_rest() RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN '01:00:00'::interval;

ALTER FUNCTION core.retention_rest() OWNER TO postgres;

--
-- Name: FUNCTION retention_rest(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.retention_rest() IS 'How long retention leaves a rule alone that has nothing left to do: a run may read a whole table,
and nothing that stays for days is late by an hour. Internal.';

--
-- Name: revoke_api_key(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.revoke_api_key(id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    revoked constant core.api_keys := core.api_key_named(revoke_api_key.id);
begin
    update core.api_keys set revoked_at = now(), revoked_by = core.caller_id()
    where api_keys.tenant_id = revoked.tenant_id and api_keys.id = revoked.id;
    perform core.emit(
        revoked.tenant_id, 'core.api_key.revoked', 'api_key', revoked.id,
        jsonb_build_object('name', revoked.name)
    );
    return jsonb_build_object(
        'id', revoked.id, 'tenant_id', revoked.tenant_id, 'revoked', true
    );
end
$$;

ALTER FUNCTION core.revoke_api_key(id uuid) OWNER TO postgres;

--
-- Name: FUNCTION revoke_api_key(id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.revoke_api_key(id uuid) IS 'What v1.revoke_api_key does. Definer, because it writes core.api_keys. Signed-in users may call
it.';

--
-- Name: revoke_invitation(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.revoke_invitation(id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
begin
    update core.invitations set revoked_at = coalesce(invitations.revoked_at, now())
    where
        invitations.tenant_id = owner_id
        and invitations.id = revoke_invitation.id
        and invitations.accepted_at is null;
    if not found then
        perform core.fail('invitation.invalid');
    end if;
    return jsonb_build_object('id', revoke_invitation.id, 'revoked', true);
end
$$;

ALTER FUNCTION core.revoke_invitation(id uuid) OWNER TO postgres;

--
-- Name: FUNCTION revoke_invitation(id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.revoke_invitation(id uuid) IS 'What v1.revoke_invitation does. Definer, because it writes core.invitations. Signed-in users may
call it.';

--
-- Name: role_contents(uuid, uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.role_contents(tenant_id uuid, role_id uuid, OUT permissions jsonb, OUT hidden_fields jsonb) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    select coalesce(jsonb_object_agg(granted.permission, granted.scope), '{}')
    into permissions
    from core.role_permissions as granted
    where
        granted.tenant_id = role_contents.tenant_id
        and granted.role_id = role_contents.role_id;
    select coalesce(jsonb_object_agg(kept.object, kept.fields), '{}')
    into hidden_fields
    from (
        select
            hidden.object,
            jsonb_agg(hidden.field order by hidden.field) as fields
        from core.hidden_fields as hidden
        where
            hidden.tenant_id = role_contents.tenant_id
            and hidden.role_id = role_contents.role_id
        group by hidden.object
    ) as kept;
end
$$;

ALTER FUNCTION core.role_contents(tenant_id uuid, role_id uuid, OUT permissions jsonb, OUT hidden_fields jsonb) OWNER TO postgres;

--
-- Name: FUNCTION role_contents(tenant_id uuid, role_id uuid, OUT permissions jsonb, OUT hidden_fields jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.role_contents(tenant_id uuid, role_id uuid, OUT permissions jsonb, OUT hidden_fields jsonb) IS 'What a role grants, {permission: scope}, and what it is kept from, {object: [field]}. Internal.';

--
-- Name: role_named(uuid, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.role_named(tenant_id uuid, slug text, OUT role_tenant_id uuid, OUT role_id uuid) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    select
        roles.tenant_id,
        roles.id
    into role_tenant_id, role_id
    from core.roles
    where
        roles.tenant_id in (role_named.tenant_id, core.platform_tenant_id())
        and roles.slug = role_named.slug
        and not roles.of_api_key;
    if not found then
        perform core.fail('role.unknown', jsonb_build_object('role', role_named.slug));
    end if;
end
$$;

ALTER FUNCTION core.role_named(tenant_id uuid, slug text, OUT role_tenant_id uuid, OUT role_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION role_named(tenant_id uuid, slug text, OUT role_tenant_id uuid, OUT role_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.role_named(tenant_id uuid, slug text, OUT role_tenant_id uuid, OUT role_id uuid) IS 'A role that members of the tenant can hold: its own, or a system role. Raises role.unknown (404).
Internal.';

--
-- Name: rotate_api_key(uuid, interval); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.rotate_api_key(id uuid, overlap interval) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    rotated constant core.api_keys := core.api_key_named(rotate_api_key.id);
    former_until timestamptz;
    secret record;
begin
    if (rotate_api_key.overlap between interval '0' and interval '90 days') is not true then
        perform core.fail('api_key.overlap_invalid');
    end if;
    -- Whoever gets a new secret could act as the key.
    perform core.check_may_grant_role(
        rotated.tenant_id, rotated.role_tenant_id, rotated.role_id
    );
    former_until := now() + rotate_api_key.overlap;
    update core.api_key_secrets
    set expires_at = least(api_key_secrets.expires_at, former_until)
    where
        api_key_secrets.tenant_id = rotated.tenant_id
        and api_key_secrets.api_key_id = rotated.id;
    secret := core.add_api_key_secret(rotated);
    perform core.emit(
        rotated.tenant_id, 'core.api_key.rotated', 'api_key', rotated.id,
        jsonb_build_object('name', rotated.name)
    );
    return jsonb_build_object(
        'id', rotated.id, 'tenant_id', rotated.tenant_id, 'hint', secret.hint,
        'token', secret.token, 'former_until', former_until
    );
end
$$;

ALTER FUNCTION core.rotate_api_key(id uuid, overlap interval) OWNER TO postgres;

--
-- Name: FUNCTION rotate_api_key(id uuid, overlap interval); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.rotate_api_key(id uuid, overlap interval) IS 'What v1.rotate_api_key does. Definer, because it writes core.api_key_secrets. Signed-in users may
call it.';

--
-- Name: save_role(text, text, jsonb, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.save_role(slug text, name text, permissions jsonb, hidden_fields jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    owner_id constant uuid := core.sole_tenant_with('core.roles.write');
    wanted constant record := core.read_grants(save_role.permissions, save_role.hidden_fields);
    saved core.roles;
begin
    if (save_role.slug ~ '^[a-z][a-z0-9_]{0,62}$') is not true or exists (
        select from core.roles
        where roles.tenant_id = core.platform_tenant_id() and roles.slug = save_role.slug
    ) then
        perform core.fail('role.slug_invalid');
    end if;
    perform core.check_name(save_role.name);
    insert into core.roles (tenant_id, slug, name)
    values (owner_id, save_role.slug, save_role.name)
    on conflict on constraint role_slug_is_unique do update set name = excluded.name
    where not roles.of_api_key
    returning * into saved;
    if saved.id is null then
        perform core.fail('role.slug_invalid');
    end if;
    -- Neither what it granted before nor what it will grant may be beyond the caller; asked before
    -- it is written, or callers could raise the role that they hold themselves.
    perform core.check_may_grant_role(owner_id, owner_id, saved.id);
    perform core.check_may_grant(owner_id, wanted.permissions, wanted.hidden_fields);
    perform core.fill_role(owner_id, saved.id, wanted.permissions, wanted.hidden_fields);
    perform core.emit(
        owner_id, 'core.role.saved', 'role', saved.id,
        jsonb_build_object('role', save_role.slug)
    );
    return jsonb_build_object(
        'tenant_id', owner_id, 'id', saved.id, 'slug', saved.slug, 'name', saved.name
    );
end
$_$;

ALTER FUNCTION core.save_role(slug text, name text, permissions jsonb, hidden_fields jsonb) OWNER TO postgres;

--
-- Name: FUNCTION save_role(slug text, name text, permissions jsonb, hidden_fields jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.save_role(slug text, name text, permissions jsonb, hidden_fields jsonb) IS 'What v1.save_role does. Definer, because it writes core.roles. Signed-in users may call it.';

--
-- Name: save_team(text, text, uuid[]); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.save_team(slug text, name text, user_ids uuid[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
    saved core.teams;
begin
    if (save_team.slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$') is not true then
        perform core.fail('team.slug_invalid');
    end if;
    perform core.check_name(save_team.name);
    insert into core.teams (tenant_id, slug, name)
    values (owner_id, save_team.slug, save_team.name)
    on conflict on constraint team_slug_is_unique do update set name = excluded.name
    returning * into saved;
    if save_team.user_ids is not null then
        delete from core.team_members
        where team_members.tenant_id = owner_id and team_members.team_id = saved.id
            and team_members.user_id <> all(save_team.user_ids);
        begin
            insert into core.team_members (tenant_id, team_id, user_id)
            select
                owner_id,
                saved.id,
                user_id
            from unnest(save_team.user_ids) as user_id
            on conflict do nothing;
        exception
            when foreign_key_violation or not_null_violation then
                perform core.fail('member.unknown', jsonb_build_object('user_id', null));
        end;
    end if;
    perform core.emit(
        owner_id, 'core.team.saved', 'team', saved.id,
        jsonb_build_object('team', save_team.slug)
    );
    return jsonb_build_object(
        'tenant_id', owner_id, 'id', saved.id, 'slug', saved.slug, 'name', saved.name,
        'user_ids', array(
            select team_members.user_id from core.team_members
            where team_members.tenant_id = owner_id and team_members.team_id = saved.id
            order by team_members.user_id
        )
    );
end
$_$;

ALTER FUNCTION core.save_team(slug text, name text, user_ids uuid[]) OWNER TO postgres;

--
-- Name: FUNCTION save_team(slug text, name text, user_ids uuid[]); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.save_team(slug text, name text, user_ids uuid[]) IS 'What v1.save_team does. Definer, because it writes core.teams. Signed-in users may call it.';

--
-- Name: schedule_housekeeping(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.schedule_housekeeping() RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
    if not core.cron_is_usable() then
        return false;
    end if;
    execute format('select %I.schedule($1, $2, $3)', 'cron')
    using core.housekeeping_job(), '* * * * *', 'select core.housekeep()';
    -- The tail of the audit trail that is not sealed yet is kept short. pg_cron before 1.5 knows no
    -- seconds: there core.housekeep seals, every minute.
    begin
        execute format('select %I.schedule($1, $2, $3)', 'cron')
        using 'tenon-audit', '10 seconds', 'select core.seal_audit()';
    exception
        when invalid_parameter_value then
            null;
    end;
    return true;
end
$_$;

ALTER FUNCTION core.schedule_housekeeping() OWNER TO postgres;

--
-- Name: FUNCTION schedule_housekeeping(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.schedule_housekeeping() IS 'Has pg_cron call core.housekeep every minute, and core.seal_audit every ten seconds; false where
there is no pg_cron that the caller may use. Calling it again changes nothing. For the owner of the
schema, after pg_cron was installed later than Tenon.';

--
-- Name: scopes_from(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.scopes_from(scope text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    scopes constant text[] := array['own', 'team', 'tenant', 'descendants'];
begin
    return scopes[array_position(scopes, scope) :];
end
$$;

ALTER FUNCTION core.scopes_from(scope text) OWNER TO postgres;

--
-- Name: FUNCTION scopes_from(scope text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.scopes_from(scope text) IS 'A scope and those wider than it, from the narrowest: own, team, tenant, descendants. Null for no
scope. Anyone may call it.';

--
-- Name: seal_audit(interval); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.seal_audit(budget interval DEFAULT '00:00:05'::interval) RETURNS TABLE(entries bigint, seals bigint, done boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
declare
    deadline constant timestamptz := clock_timestamp() + budget;
    step constant integer := core.audit_seal_entries_max();
    platform constant uuid := core.platform_tenant_id();
    newest bigint;
    progress core.audit_progress;
    until bigint;
    settled bigint;
    sealed record;
    seen bigint[];
    touched uuid[] := '{}';
begin
    entries := 0;
    seals := 0;
    done := false;
    if not pg_try_advisory_xact_lock(hashtextextended('core.seal_audit', 0)) then
        return next;
        return;
    end if;
    -- Read before the entries are: whatever is committed later has been given a higher id, or one
    -- that is remembered as open.
    newest := coalesce(pg_sequence_last_value('core.audit_entries_id_seq'), 0);
    select * into progress from core.audit_progress for update;

    loop
        until := least(newest, progress.sealed_up_to + step);
        seen := '{}';
        -- One statement reads what is to be sealed and what is open, from one snapshot.
        for sealed in
            select
                entries_read.tenant_id,
                date_trunc('month', entries_read.at, 'UTC') as month,
                array_agg(entries_read.id order by entries_read.id) as ids,
                string_agg(
                    sha256(convert_to(tenon.audit_line(
                        entries_read.tenant_id, entries_read.at, entries_read.operation,
                        entries_read.table_name, entries_read.key, entries_read.old,
                        entries_read.new, entries_read.event, entries_read.details,
                        entries_read.caller_kind, entries_read.caller_id, entries_read.origin
                    ), 'UTF8')),
                    ''::bytea order by entries_read.id
                ) as digests
            from core.audit_entries as entries_read
            where
                (entries_read.id > progress.sealed_up_to and entries_read.id <= until)
                or entries_read.id = any(progress.open_ids)
            group by 1, 2
            order by 1, 2
        loop
            perform core.append_audit_seal(
                sealed.tenant_id, sealed.month, sealed.ids, sealed.digests
            );
            seen := seen || sealed.ids;
            touched := touched || sealed.tenant_id;
            entries := entries + cardinality(sealed.ids);
            seals := seals + 1;
        end loop;
        progress.open_ids := array(
            select missing.id
            from (
                select unnest(progress.open_ids) as id
                union all
                select generate_series(progress.sealed_up_to + 1, until)
            ) as missing
            except
            select unnest(seen)
            order by id
        );
        progress.sealed_up_to := until;
        exit when until >= newest or clock_timestamp() >= deadline;
    end loop;
    done := until >= newest;

    if touched <> '{}' then
        -- The platform's own seals hold the anchors of all others, and are the last of a run.
        touched := array(select distinct unnest(touched) except select platform);
        if touched <> '{}' then
            insert into core.audit_anchors (tenant_id, number, hash, platform_number)
            select
                heads.tenant_id,
                heads.number,
                heads.hash,
                coalesce(
                    (select own.number from core.audit_heads as own where own.tenant_id = platform),
                    0
                ) + 1
            from core.audit_heads as heads
            where heads.tenant_id = any(touched);
            perform core.append_audit_seal(
                platform, date_trunc('month', clock_timestamp(), 'UTC'), '{}', ''
            );
            seals := seals + 1;
        end if;
    end if;

    -- What is still open when all writers of then have ended will never be an entry.
    if progress.open_ids <> '{}' then
        settled := core.settled_id('core.audit_entries', 'core.audit_entries_id_seq');
        if settled is not null then
            for sealed in
                select
                    array_agg(entries_read.id) as ids
                from core.audit_entries as entries_read
                where entries_read.id = any(progress.open_ids)
            loop
                progress.open_ids := coalesce(sealed.ids, '{}');
            end loop;
        end if;
    end if;
    update core.audit_progress
    set sealed_up_to = progress.sealed_up_to, open_ids = progress.open_ids
    where audit_progress.tenant_id = platform;
    return next;
end
$$;

ALTER FUNCTION core.seal_audit(budget interval) OWNER TO postgres;

--
-- Name: FUNCTION seal_audit(budget interval); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.seal_audit(budget interval) IS 'Seals the entries that have been committed and are not sealed yet, for about as long as the budget
says, and anchors the ends of the chains with the platform. Says how many entries, in how many
seals, and whether that was all; nothing where another session is at it. One transaction: what is
killed has sealed nothing. Definer, because nobody may write the trail; service_role may call it.';

--
-- Name: set_active_tenant(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.set_active_tenant(tenant_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    caller constant record := core.caller();
begin
    -- Not everybody with a token is a user who is still there.
    if
        caller.kind <> 'user'
        or not exists (select from core.members where members.user_id = caller.id)
    then
        perform core.fail('tenancy.not_a_member');
    end if;
    insert into core.user_settings (user_id, active_tenant_id)
    values (
        caller.id,
        -- An id of no tenant must be refused in the words for one of others.
        (select tenants.id from core.tenants where tenants.id = set_active_tenant.tenant_id)
    )
    on conflict on constraint user_settings_pkey do update
    set active_tenant_id = excluded.active_tenant_id, changed_at = now();
    if
        set_active_tenant.tenant_id is not null
        and (core.active_tenant(caller.id)).tenant_id
        is distinct from set_active_tenant.tenant_id
    then
        perform core.fail('tenancy.not_a_member');
    end if;
end
$$;

ALTER FUNCTION core.set_active_tenant(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION set_active_tenant(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.set_active_tenant(tenant_id uuid) IS 'What v1.set_active_tenant does. Definer, because users write no settings but through it; it writes
those of the caller alone. Signed-in users may call it.';

--
-- Name: set_legal_hold(text, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.set_legal_hold(reason text, asked jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    held_tenant constant uuid := core.sole_tenant_with('core.privacy.erase');
    hold_id uuid;
begin
    if (char_length(btrim(set_legal_hold.reason)) between 10 and 1000) is not true then
        perform core.fail('privacy.reason_missing');
    end if;
    perform core.lock_privacy(held_tenant);
    insert into core.legal_holds (tenant_id, user_id, email, phone, identifiers, reason)
    values (
        held_tenant,
        (asked #>> '{user_id,0}')::uuid,
        asked #>> '{email,0}',
        asked #>> '{phone,0}',
        core.identifiers_of(held_tenant, asked),
        btrim(set_legal_hold.reason)
    )
    returning id into hold_id;
    perform core.record_security_event(
        held_tenant, 'privacy.hold_set', jsonb_build_object('hold_id', hold_id)
    );
    return hold_id;
end
$$;

ALTER FUNCTION core.set_legal_hold(reason text, asked jsonb) OWNER TO postgres;

--
-- Name: FUNCTION set_legal_hold(reason text, asked jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.set_legal_hold(reason text, asked jsonb) IS 'What v1.set_legal_hold does. Definer, because nobody writes legal holds but by it; asks for
core.privacy.erase itself. Signed-in users may call it.';

--
-- Name: set_member_role(uuid, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.set_member_role(user_id uuid, role text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
    member core.members := core.member_in(owner_id, set_member_role.user_id);
    held record;
begin
    held := core.role_named(owner_id, set_member_role.role);
    perform core.check_may_grant_role(owner_id, held.role_tenant_id, held.role_id);
    update core.members
    set role_tenant_id = held.role_tenant_id, role_id = held.role_id
    where members.tenant_id = owner_id and members.user_id = member.user_id
    returning * into member;
    perform core.emit(
        owner_id, 'core.member.role_changed', 'member', member.user_id,
        jsonb_build_object('role', set_member_role.role)
    );
    return core.member_answer(member);
end
$$;

ALTER FUNCTION core.set_member_role(user_id uuid, role text) OWNER TO postgres;

--
-- Name: FUNCTION set_member_role(user_id uuid, role text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.set_member_role(user_id uuid, role text) IS 'What v1.set_member_role does. Definer, because it writes core.members. Signed-in users may call
it.';

--
-- Name: set_member_status(uuid, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.set_member_status(user_id uuid, status text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
    member core.members := core.member_in(owner_id, set_member_status.user_id);
begin
    if member.status <> set_member_status.status then
        update core.members set status = set_member_status.status
        where members.tenant_id = owner_id and members.user_id = member.user_id
        returning * into member;
        perform core.emit(
            owner_id,
            case member.status
                when 'active' then 'core.member.resumed' else 'core.member.suspended'
            end,
            'member', member.user_id
        );
    end if;
    return core.member_answer(member);
end
$$;

ALTER FUNCTION core.set_member_status(user_id uuid, status text) OWNER TO postgres;

--
-- Name: FUNCTION set_member_status(user_id uuid, status text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.set_member_status(user_id uuid, status text) IS 'What v1.suspend_member and v1.resume_member do. Definer, because it writes core.members.
Signed-in users may call it.';

--
-- Name: rate_limits; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.rate_limits (
    tenant_id uuid NOT NULL,
    dimension text NOT NULL,
    action text DEFAULT ''::text NOT NULL,
    set_by text DEFAULT 'platform'::text NOT NULL,
    limits text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT core.caller_id(),
    CONSTRAINT action_is_a_name CHECK ((action ~ '^([A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)?)?$'::text)),
    CONSTRAINT action_is_short CHECK ((char_length(action) <= 100)),
    CONSTRAINT dimension_is_known CHECK ((dimension = ANY (ARRAY['tenant'::text, 'principal'::text, 'address'::text, 'anonymous'::text, 'action'::text]))),
    CONSTRAINT everybody_is_limited_in_one_action CHECK (((dimension <> 'action'::text) OR (action <> ''::text))),
    CONSTRAINT limits_are_short CHECK ((char_length(limits) <= 200)),
    CONSTRAINT platform_limits_who_is_in_no_tenant CHECK (((dimension = ANY (ARRAY['tenant'::text, 'principal'::text, 'address'::text])) OR (tenant_id = '00000000-0000-0000-0000-000000000000'::uuid))),
    CONSTRAINT platform_sets_its_own CHECK (((set_by = 'platform'::text) OR (tenant_id <> '00000000-0000-0000-0000-000000000000'::uuid))),
    CONSTRAINT set_by_is_known CHECK ((set_by = ANY (ARRAY['platform'::text, 'tenant'::text])))
);

ALTER TABLE core.rate_limits OWNER TO postgres;

--
-- Name: TABLE rate_limits; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.rate_limits IS 'How many requests are let through. Rows of the platform tenant hold for everybody.';

--
-- Name: COLUMN rate_limits.dimension; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.rate_limits.dimension IS 'Who is counted together: a tenant, a principal (user, API key or device), an address (of IPv6 its
network of 64 bits), an address as far as its callers are anonymous, or everybody (action).';

--
-- Name: COLUMN rate_limits.action; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.rate_limits.action IS 'What is counted: rpc/move, get/contacts, or a name that a function gives; empty for all requests.';

--
-- Name: COLUMN rate_limits.set_by; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.rate_limits.set_by IS 'platform: in place of the default. tenant: beside what the platform set, so it only tightens.';

--
-- Name: COLUMN rate_limits.limits; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.rate_limits.limits IS 'Such as 100/1m, 1000/1h burst 20: all of them hold.';

--
-- Name: set_rate_limit(text, text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.set_rate_limit(dimension text, limits text, action text) RETURNS core.rate_limits
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    owner_id constant uuid := core.sole_tenant_with('core.limits.write');
    setter constant text := core.limit_setter(owner_id);
    stored core.rate_limits;
begin
    if
        (dimension in ('tenant', 'principal', 'address')) is not true
        and (
            dimension in ('anonymous', 'action') and owner_id = core.platform_tenant_id()
        ) is not true
    then
        perform core.fail(
            'limit.dimension_unknown', jsonb_build_object('dimension', dimension)
        );
    elsif
        char_length(action) > 100
        or (action ~ '^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)?$') is false
        or (dimension = 'action' and action is null)
    then
        perform core.fail('limit.action_invalid', jsonb_build_object('action', action));
    end if;

    -- One at a time for each tenant, so that the count holds.
    perform from core.tenants where tenants.id = owner_id for no key update;
    insert into core.rate_limits (tenant_id, dimension, action, set_by, limits)
    values (
        owner_id, set_rate_limit.dimension, coalesce(set_rate_limit.action, ''), setter,
        coalesce(set_rate_limit.limits, '')
    )
    on conflict on constraint rate_limits_pkey do update
    set
        limits = excluded.limits,
        created_at = excluded.created_at,
        created_by = excluded.created_by
    returning rate_limits.* into stored;

    if (
        select count(*) from core.rate_limits
        where rate_limits.tenant_id = owner_id and rate_limits.set_by = 'tenant'
    ) > core.rate_limits_per_tenant_max() then
        perform core.fail(
            'limit.too_many', jsonb_build_object('count', core.rate_limits_per_tenant_max())
        );
    end if;
    return stored;
end
$_$;

ALTER FUNCTION core.set_rate_limit(dimension text, limits text, action text) OWNER TO postgres;

--
-- Name: FUNCTION set_rate_limit(dimension text, limits text, action text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.set_rate_limit(dimension text, limits text, action text) IS 'What v1.set_rate_limit does. Definer, because nobody may write limits of the platform, and tenants
their own only through here. Signed-in users may call it.';

--
-- Name: settled_id(regclass, regclass, integer); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.settled_id(written regclass, ids regclass, except_for integer DEFAULT NULL::integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    newest constant bigint := coalesce(pg_sequence_last_value(ids), 0);
    writers text[];
begin
    -- A transaction that goes on seeing what it saw at its start would not see what is waited for.
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'ids settle in transactions of isolation level read committed only'
            using errcode = 'invalid_transaction_state';
    end if;
    -- A transaction that has taken an id holds this lock until it ends.
    writers := array(
        select holding.virtualtransaction
        from pg_locks as holding
        where
            holding.locktype = 'relation'
            and holding.database = (select oid from pg_database where datname = current_database())
            and holding.relation = written
            and holding.mode = 'RowExclusiveLock'
            and holding.pid is distinct from pg_backend_pid()
            and not exists (
                select from pg_locks as excepted
                where
                    excepted.locktype = 'advisory'
                    and excepted.pid = holding.pid
                    and excepted.classid = except_for::oid
                    and excepted.objsubid = 2
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

ALTER FUNCTION core.settled_id(written regclass, ids regclass, except_for integer) OWNER TO postgres;

--
-- Name: FUNCTION settled_id(written regclass, ids regclass, except_for integer); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.settled_id(written regclass, ids regclass, except_for integer) IS 'The id up to which every row of the table has either committed or will never exist, or null when a
writer did not end within a second: ids come from a sequence, before the commit. except_for: who
holds an advisory lock with this first key writes no new row. Internal.';

--
-- Name: sign_in_network(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.sign_in_network(address text) RETURNS cidr
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(tenon.sign_in_network(address), '::/0')::cidr;
end
$$;

ALTER FUNCTION core.sign_in_network(address text) OWNER TO postgres;

--
-- Name: FUNCTION sign_in_network(address text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.sign_in_network(address text) IS 'The network that attempts from an address are counted for; ::/0, one for all, where there is no
address. Internal.';

--
-- Name: sole_tenant_with(text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.sole_tenant_with(permission text, scope text DEFAULT 'tenant'::text) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    candidates uuid[] := core.tenants_with(sole_tenant_with.permission, sole_tenant_with.scope);
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

ALTER FUNCTION core.sole_tenant_with(permission text, scope text) OWNER TO postgres;

--
-- Name: FUNCTION sole_tenant_with(permission text, scope text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.sole_tenant_with(permission text, scope text) IS 'The one tenant in which the caller holds the permission: the default of tenant_id where clients
insert. Raises tenancy.permission_missing (403) or tenancy.ambiguous (400).
Signed-in users may call it.';

--
-- Name: consents; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.consents (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid,
    email text,
    phone text,
    purpose text NOT NULL,
    legal_basis text NOT NULL,
    given_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    channel text,
    proof_text text,
    proof_version text,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    recorded_by uuid DEFAULT core.caller_id(),
    CONSTRAINT channel_is_short CHECK (((char_length(channel) >= 1) AND (char_length(channel) <= 100))),
    CONSTRAINT legal_basis_is_of_the_law CHECK ((legal_basis = ANY (ARRAY['consent'::text, 'contract'::text, 'legal_obligation'::text, 'vital_interests'::text, 'public_task'::text, 'legitimate_interests'::text]))),
    CONSTRAINT proof_text_is_short CHECK (((char_length(proof_text) >= 1) AND (char_length(proof_text) <= 20000))),
    CONSTRAINT proof_version_is_short CHECK (((char_length(proof_version) >= 1) AND (char_length(proof_version) <= 100))),
    CONSTRAINT purpose_is_a_word CHECK ((purpose ~ '^[a-z0-9_]+(\.[a-z0-9_]+)*$'::text)),
    CONSTRAINT purpose_is_short CHECK ((char_length(purpose) <= 100)),
    CONSTRAINT somebody_consents CHECK ((num_nonnulls(user_id, email, phone) > 0)),
    CONSTRAINT source_is_short CHECK (((char_length(source) >= 1) AND (char_length(source) <= 200)))
);

ALTER TABLE core.consents OWNER TO postgres;

--
-- Name: TABLE consents; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.consents IS 'Who agreed to what, or why their data may be used without: facts, which are never changed.
core.consent_withdrawals says which of them have ended.';

--
-- Name: COLUMN consents.purpose; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.consents.purpose IS 'What for: newsletter, crm.profiling.';

--
-- Name: COLUMN consents.legal_basis; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.consents.legal_basis IS 'Of Art. 6(1) GDPR; consent is (a).';

--
-- Name: COLUMN consents.source; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.consents.source IS 'Where it comes from: a form, a contract, a call.';

--
-- Name: COLUMN consents.channel; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.consents.channel IS 'How the person may be reached for it: email, phone.';

--
-- Name: COLUMN consents.proof_text; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.consents.proof_text IS 'The words that the person agreed to.';

--
-- Name: standing_consents(uuid, jsonb, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.standing_consents(tenant_id uuid, identifiers jsonb, purpose text) RETURNS SETOF core.consents
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select consents.*
    from core.consents
    where
        consents.tenant_id = standing_consents.tenant_id
        and consents.purpose = standing_consents.purpose
        and (
            consents.user_id = any(
                array(select jsonb_array_elements_text(identifiers -> 'user_id'))::uuid[]
            )
            or consents.email = any(
                array(select jsonb_array_elements_text(identifiers -> 'email'))
            )
            or consents.phone = any(
                array(select jsonb_array_elements_text(identifiers -> 'phone'))
            )
        )
        and not exists (
            select from core.consent_withdrawals as withdrawals
            where
                withdrawals.tenant_id = consents.tenant_id
                and withdrawals.consent_id = consents.id
        );
end
$$;

ALTER FUNCTION core.standing_consents(tenant_id uuid, identifiers jsonb, purpose text) OWNER TO postgres;

--
-- Name: FUNCTION standing_consents(tenant_id uuid, identifiers jsonb, purpose text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.standing_consents(tenant_id uuid, identifiers jsonb, purpose text) IS 'What is recorded of the person with any of these identifiers for the purpose, on whatever basis,
and was not withdrawn. Reads with the caller''s rights. Signed-in users may call it.';

--
-- Name: store_answer(jsonb, text[]); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.store_answer(answer jsonb, secret_keys text[] DEFAULT '{}'::text[]) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION core.store_answer(answer jsonb, secret_keys text[]) OWNER TO postgres;

--
-- Name: FUNCTION store_answer(answer jsonb, secret_keys text[]); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.store_answer(answer jsonb, secret_keys text[]) IS 'Returns the answer, and keeps it for whoever sends the request again with the same Idempotency-Key,
where it has one. secret_keys: keys of the answer whose values are shown once and not kept, such as
token: the kept answer has null there. To be called after core.stored_answer. Definer, because
nobody else writes the answers. Signed-in users may call it.';

--
-- Name: stored_answer(text, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.stored_answer(operation text, request jsonb) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION core.stored_answer(operation text, request jsonb) OWNER TO postgres;

--
-- Name: FUNCTION stored_answer(operation text, request jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.stored_answer(operation text, request jsonb) IS 'What was answered when this request was sent before with the same Idempotency-Key; null where it
was not, or where the request has no key: then do the work, and return core.store_answer(answer).
A function of v1 asks this after it has checked what the caller may do, and before it does it.
operation: the name of the function; request: its arguments. Waits for a transaction that is at work
with the same key. Raises idempotency.key_reused (422), key_invalid (400), anonymous (401) and
answer_lost (409). Definer, because nobody else reads the answers; it finds those of the calling
principal alone. Signed-in users may call it.';

--
-- Name: subject_hashes(bytea, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.subject_hashes(salt bytea, identifiers jsonb) RETURNS bytea[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT array_agg(sha256((subject_hashes.salt || convert_to(((pair.key || ':'::text) || named.identifier), 'utf8'::name))) ORDER BY pair.key, named.identifier) AS array_agg
    FROM (jsonb_each(subject_hashes.identifiers) pair(key, value)
      CROSS JOIN LATERAL jsonb_array_elements_text(pair.value) named(identifier));
END;

ALTER FUNCTION core.subject_hashes(salt bytea, identifiers jsonb) OWNER TO postgres;

--
-- Name: FUNCTION subject_hashes(salt bytea, identifiers jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.subject_hashes(salt bytea, identifiers jsonb) IS 'What stands for a person in proofs: SHA-256 of the salt and `kind:identifier`, for each identifier.
Whoever knows the person finds the proof; the proof does not name the person.
Signed-in users may call it.';

--
-- Name: suspend_tenant(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.suspend_tenant(tenant_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    stopped record;
begin
    perform core.lock_tenant_tree();
    perform core.check_above(suspend_tenant.tenant_id);
    for stopped in
        update core.tenants
        set
            status = 'suspended',
            suspended_with = suspend_tenant.tenant_id,
            resumes_as = tenants.status
        where
            tenants.id in (
                select subtree.id from core.tenants_below(suspend_tenant.tenant_id) as subtree
            )
            and tenants.status <> 'suspended'
        returning tenants.id
    loop
        perform core.emit(
            stopped.id, 'core.tenant.suspended', 'tenant', stopped.id,
            jsonb_build_object('with', suspend_tenant.tenant_id)
        );
    end loop;
    return core.tenant_answer(suspend_tenant.tenant_id);
end
$$;

ALTER FUNCTION core.suspend_tenant(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION suspend_tenant(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.suspend_tenant(tenant_id uuid) IS 'What v1.suspend_tenant does. Definer, because it writes core.tenants. Signed-in users may call
it.';

--
-- Name: teams_with(text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.teams_with(permission text) RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    caller_id constant uuid := core.caller_id();
begin
    return array(
        select team_members.team_id
        from core.team_members
        where
            team_members.user_id = caller_id
            and team_members.tenant_id = any(core.tenants_with(teams_with.permission, 'team'))
    );
end
$$;

ALTER FUNCTION core.teams_with(permission text) OWNER TO postgres;

--
-- Name: FUNCTION teams_with(permission text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.teams_with(permission text) IS 'The ids of the calling user''s teams, in the tenants where the user holds the permission with the
scope team or a wider one. Definer, because core.team_members has policies that ask
core.tenants_with. Signed-in users may call it.';

--
-- Name: tenant_answer(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.tenant_answer(tenant_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return (
        select
            jsonb_build_object(
                'id', tenants.id, 'parent_id', tenants.parent_id, 'slug', tenants.slug,
                'name', tenants.name, 'status', tenants.status, 'settings', tenants.settings
            )
        from core.tenants
        where tenants.id = tenant_answer.tenant_id
    );
end
$$;

ALTER FUNCTION core.tenant_answer(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION tenant_answer(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.tenant_answer(tenant_id uuid) IS 'A tenant as functions of v1 answer: {id, parent_id, slug, name, status, settings}. Internal.';

--
-- Name: tenant_column(oid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.tenant_column(relation oid) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    if relation = 'core.tenants'::regclass then
        return 'id';
    end if;
    return (
        select attributes.attname
        from pg_attribute as attributes
        where
            attributes.attrelid = relation
            and attributes.attname = 'tenant_id'
            and not attributes.attisdropped
    );
end
$$;

ALTER FUNCTION core.tenant_column(relation oid) OWNER TO postgres;

--
-- Name: FUNCTION tenant_column(relation oid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.tenant_column(relation oid) IS 'The column that says which tenant a row belongs to; null for a table of no tenant. Internal.';

--
-- Name: tenant_depth_max(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.tenant_depth_max() RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN 8;

ALTER FUNCTION core.tenant_depth_max() OWNER TO postgres;

--
-- Name: FUNCTION tenant_depth_max(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.tenant_depth_max() IS 'How many levels of tenants may stand below the platform: groups of groups of dealers have four, and
each level is a look-up for whoever acts from above. Internal.';

--
-- Name: tenant_inviting(text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.tenant_inviting(email text, token text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return (
        select invitations.tenant_id
        from core.invitations
        where
            invitations.email = lower(tenant_inviting.email)
            and invitations.accepted_at is null
            and invitations.revoked_at is null
            and invitations.expires_at > now()
            and (
                tenant_inviting.token is null
                or invitations.token_hash = sha256(convert_to(tenant_inviting.token, 'UTF8'))
            )
            and core.email_allowed(invitations.tenant_id, tenant_inviting.email)
        order by invitations.expires_at desc, invitations.id
        limit 1
    );
end
$$;

ALTER FUNCTION core.tenant_inviting(email text, token text) OWNER TO postgres;

--
-- Name: FUNCTION tenant_inviting(email text, token text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.tenant_inviting(email text, token text) IS 'The tenant with an open invitation for exactly this address, of this token where one is named; null
where there is none. Definer, so that Auth need not see the hashes of tokens.
For supabase_auth_admin and functions of core.';

--
-- Name: tenant_predicate(oid, text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.tenant_predicate(relation oid, subject text, alias text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    tenant_column constant text := core.tenant_column(relation);
begin
    if tenant_column is not null then
        return format('%I.%I = any($1)', alias, tenant_column);
    end if;
    return format(
        'exists (select from core.members where members.tenant_id = any($1)'
        ' and members.user_id = %I.%I)',
        alias, split_part(subject, ' ', 1)
    );
end
$_$;

ALTER FUNCTION core.tenant_predicate(relation oid, subject text, alias text) OWNER TO postgres;

--
-- Name: FUNCTION tenant_predicate(relation oid, subject text, alias text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.tenant_predicate(relation oid, subject text, alias text) IS 'The condition under which a row belongs to one of the tenants $1; in a table of no tenant, under
which its user is a member of one of them. Internal.';

--
-- Name: tenants_are_open(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.tenants_are_open() RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return (
        select coalesce((tenants.settings #>> '{core,open_tenants}')::boolean, true)
        from core.tenants
        where tenants.id = core.platform_tenant_id()
    );
end
$$;

ALTER FUNCTION core.tenants_are_open() OWNER TO postgres;

--
-- Name: FUNCTION tenants_are_open(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.tenants_are_open() IS 'Whether any signed-in user may found a tenant: the platform tenant''s setting
{"core": {"open_tenants": false}} reserves that for its own members. Internal.';

--
-- Name: tenants_below(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.tenants_below(tenant_id uuid) RETURNS TABLE(id uuid, level integer)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    with recursive subtree as (
        select
            tenants_below.tenant_id as id,
            0 as level
        union all
        select
            tenants.id,
            subtree.level + 1
        from subtree
        inner join core.tenants on tenants.parent_id = subtree.id
    )
    select
        subtree.id,
        subtree.level
    from subtree;
end
$$;

ALTER FUNCTION core.tenants_below(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION tenants_below(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.tenants_below(tenant_id uuid) IS 'A tenant, at level 0, and all tenants below it. Internal.';

--
-- Name: tenants_with(text, text, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.tenants_with(permission text, scope text DEFAULT 'tenant'::text, field text DEFAULT NULL::text) RETURNS uuid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    AS $_$
declare
    caller constant record := core.caller();
    open_statuses constant text[] := case
        when permission ~ '\.(read|export)$' then '{active,closing}' else '{active}'
    end;
    scopes text[] := case scope
        when 'tenant' then '{tenant,descendants}' else core.scopes_from(scope)
    end;
    requested constant uuid := caller.requested_tenant_id;
    parent uuid;
    status text;
    is_granted boolean;
    reached uuid[];
    ancestors uuid[];
    below uuid[];
begin
    if caller.kind = 'service' then
        return array(
            select tenants.id from core.tenants where coalesce(tenants.id = requested, true)
        );
    elsif caller.id is null or caller.kind = 'device' then
        return '{}';
    end if;

    -- One tenant is asked from below: itself, then those above whose roles reach down to it.
    if requested is not null then
        parent := requested;
        loop
            select
                tenants.parent_id,
                tenants.status,
                exists (
                    select
                    from core.holders
                    inner join core.role_permissions as granted
                        on
                            granted.tenant_id = holders.role_tenant_id
                            and granted.role_id = holders.role_id
                    where
                        holders.principal_id = caller.id
                        and holders.tenant_id = tenants.id
                        and granted.permission = tenants_with.permission
                        and granted.scope = any(scopes)
                        and (
                            tenants_with.field is null
                            or not core.hides(granted, tenants_with.field)
                        )
                )
            into parent, status, is_granted
            from core.tenants
            where tenants.id = parent;
            if (status = any(open_statuses)) is not true then
                return '{}';
            elsif is_granted then
                return array[requested];
            elsif parent is null then
                return '{}';
            end if;
            scopes := '{descendants}';
        end loop;
    end if;

    -- Who belongs to many tenants holds a few roles there: each role is looked up once.
    select
        array_agg(tenants.id),
        array_agg(tenants.id) filter (where granted.scope = 'descendants')
    into reached, ancestors
    from (
        select
            holders.role_tenant_id,
            holders.role_id,
            array_agg(holders.tenant_id) as tenant_ids
        from core.holders
        where holders.principal_id = caller.id
        group by holders.role_tenant_id, holders.role_id
    ) as held
    inner join core.role_permissions as granted
        on granted.tenant_id = held.role_tenant_id and granted.role_id = held.role_id
    inner join core.tenants on tenants.id = any(held.tenant_ids)
    where
        tenants.status = any(open_statuses)
        and granted.permission = tenants_with.permission
        and granted.scope = any(scopes)
        and (tenants_with.field is null or not core.hides(granted, tenants_with.field));

    -- Level by level; most tenants have none below them. What is held in a tenant below as well is
    -- no end of the way down, and is counted once.
    below := ancestors;
    while below is not null loop
        select array_agg(tenants.id)
        into below
        from core.tenants
        where
            tenants.parent_id = any(below)
            and tenants.status = any(open_statuses)
            and tenants.id <> all(ancestors);
        if below is not null then
            reached := array(select distinct id from unnest(reached || below) as id);
        end if;
    end loop;
    return coalesce(reached, '{}');
end
$_$;

ALTER FUNCTION core.tenants_with(permission text, scope text, field text) OWNER TO postgres;

--
-- Name: FUNCTION tenants_with(permission text, scope text, field text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.tenants_with(permission text, scope text, field text) IS 'The ids of the tenants in which the caller, a user or an API key, holds the permission with this
scope or a wider one, narrowed by x-tenant-id; with a field, only through roles that are not kept
from that field. Active tenants, and closing ones for permissions to read and export. The service
role holds every permission everywhere; devices and anonymous callers none. In plpgsql, which keeps
its plans: policies ask it at every statement. Definer, because the tables that decide over access
cannot be guarded by policies that ask them. Signed-in users may call it.';

--
-- Name: transfer_ownership(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.transfer_ownership(user_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.tenants.own');
    admin constant record := core.role_named(owner_id, 'admin');
    heir core.members;
begin
    -- Both in one order: two owners may hand the tenant to each other.
    perform from core.members
    where
        members.tenant_id = owner_id
        and members.user_id in (transfer_ownership.user_id, core.caller_id())
    order by members.user_id
    for update;
    heir := core.member_in(owner_id, transfer_ownership.user_id);
    if heir.status <> 'active' then
        perform core.fail('member.suspended');
    end if;
    update core.members
    set role_tenant_id = core.platform_tenant_id(), role_id = core.owner_role_id()
    where members.tenant_id = owner_id and members.user_id = heir.user_id
    returning * into heir;
    update core.members
    set role_tenant_id = admin.role_tenant_id, role_id = admin.role_id
    where
        members.tenant_id = owner_id
        and members.user_id = core.caller_id()
        and members.user_id <> heir.user_id
        and members.role_id = core.owner_role_id();
    perform core.emit(
        owner_id, 'core.ownership.transferred', 'member', heir.user_id,
        jsonb_build_object('from', core.caller_id())
    );
    return core.member_answer(heir);
end
$$;

ALTER FUNCTION core.transfer_ownership(user_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION transfer_ownership(user_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.transfer_ownership(user_id uuid) IS 'What v1.transfer_ownership does. Definer, because it writes core.members. Signed-in users may call
it.';

--
-- Name: not_personal; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.not_personal (
    table_schema text NOT NULL,
    table_name text NOT NULL,
    column_name text NOT NULL,
    reason text NOT NULL,
    CONSTRAINT reason_is_given CHECK ((char_length(reason) >= 10))
);

ALTER TABLE core.not_personal OWNER TO postgres;

--
-- Name: TABLE not_personal; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.not_personal IS 'Columns that look personal and are not, each with the reason. Global reference data.';

--
-- Name: unmapped_columns(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.unmapped_columns() RETURNS TABLE(table_schema text, table_name text, column_name text, looks_like text)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT columns.table_schema,
     columns.table_name,
     columns.column_name,
     core.looks_personal(columns.column_name, columns.type_name) AS looks_like
    FROM ((( SELECT (namespaces.nspname)::text AS table_schema,
             (classes.relname)::text AS table_name,
             (attributes.attname)::text AS column_name,
             format_type(COALESCE(NULLIF(types.typbasetype, (0)::oid), types.oid), NULL::integer) AS type_name
            FROM (((pg_namespace namespaces
              JOIN pg_class classes ON ((classes.relnamespace = namespaces.oid)))
              JOIN pg_attribute attributes ON ((attributes.attrelid = classes.oid)))
              JOIN pg_type types ON ((types.oid = attributes.atttypid)))
           WHERE ((namespaces.nspname = ANY (core.data_map_schemas())) AND (classes.relkind = ANY (ARRAY['r'::"char", 'p'::"char", 'm'::"char", 'f'::"char"])) AND (NOT classes.relispartition) AND (attributes.attnum > 0) AND (NOT attributes.attisdropped))) columns
      LEFT JOIN core.personal_data personal ON (((personal.table_schema = columns.table_schema) AND (personal.table_name = columns.table_name) AND (personal.column_name = columns.column_name))))
      LEFT JOIN core.not_personal excused ON (((excused.table_schema = columns.table_schema) AND (excused.table_name = columns.table_name) AND (excused.column_name = columns.column_name))))
   WHERE ((personal.column_name IS NULL) AND (excused.column_name IS NULL) AND (core.looks_personal(columns.column_name, columns.type_name) IS NOT NULL))
   ORDER BY columns.table_schema, columns.table_name, columns.column_name;
END;

ALTER FUNCTION core.unmapped_columns() OWNER TO postgres;

--
-- Name: FUNCTION unmapped_columns(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.unmapped_columns() IS 'The columns of our schemas that look personal and are neither mapped nor excused: none, or a
migration has forgotten a line. Owner only.';

--
-- Name: unsealed_audit_entries(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.unsealed_audit_entries(tenant_id uuid) RETURNS SETOF core.audit_entries
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    progress core.audit_progress;
begin
    select * into progress from core.audit_progress;
    return query
    select entries.*
    from core.audit_entries as entries
    where
        entries.tenant_id = unsealed_audit_entries.tenant_id
        and (entries.id > progress.sealed_up_to or entries.id = any(progress.open_ids));
end
$$;

ALTER FUNCTION core.unsealed_audit_entries(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION unsealed_audit_entries(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.unsealed_audit_entries(tenant_id uuid) IS 'The entries of a tenant that are not sealed yet. Definer, because it reads how far sealing has
come; internal.';

--
-- Name: users_without_tenant(); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.users_without_tenant() RETURNS TABLE(user_id uuid, created_at timestamp with time zone, last_sign_in_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT users.id,
     users.created_at,
     users.last_sign_in_at
    FROM auth.users
   WHERE (NOT (EXISTS ( SELECT
            FROM core.members
           WHERE (members.user_id = users.id))));
END;

ALTER FUNCTION core.users_without_tenant() OWNER TO postgres;

--
-- Name: FUNCTION users_without_tenant(); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.users_without_tenant() IS 'The users of Supabase Auth who are members of no tenant: those that an erasure has left over, and
those who have joined none yet. Definer, because it reads auth.users; service_role may call it.';

--
-- Name: verify_audit(uuid, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.verify_audit(tenant_id uuid, checkpoint jsonb DEFAULT NULL::jsonb) RETURNS TABLE(finding text, entry_id bigint, seal_number bigint, details jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS $$
begin
    return query
    select * from core.verify_audit_chain(
        verify_audit.tenant_id, verify_audit.checkpoint
    );
    return query select * from core.verify_audit_seals(verify_audit.tenant_id);
    return query select * from core.verify_audit_entries(verify_audit.tenant_id);
    return query select * from core.verify_audit_values(verify_audit.tenant_id);
end
$$;

ALTER FUNCTION core.verify_audit(tenant_id uuid, checkpoint jsonb) OWNER TO postgres;

--
-- Name: FUNCTION verify_audit(tenant_id uuid, checkpoint jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.verify_audit(tenant_id uuid, checkpoint jsonb) IS 'What has been done to the audit trail of a tenant since it was sealed; no row when nothing was.
finding: entry_edited, entry_swapped, entry_missing, entry_tail_cut, entry_added, value_edited,
seal_edited, seal_unlinked, seal_missing, seals_cut, head_edited, anchor_differs, anchor_missing,
anchor_unsealed, checkpoint_differs. checkpoint: what v1.audit_checkpoint() once returned. The
platform''s own chain vouches for the others: verify it too. Definer, because it reads what nobody
is granted; service_role may call it.';

--
-- Name: verify_audit_chain(uuid, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.verify_audit_chain(tenant_id uuid, checkpoint jsonb) RETURNS TABLE(finding text, entry_id bigint, seal_number bigint, details jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    head core.audit_heads;
    anchor core.audit_anchors;
    last_number bigint;
    marked core.audit_seals;
begin
    select * into head
    from core.audit_heads
    where audit_heads.tenant_id = verify_audit_chain.tenant_id;
    select max(audit_seals.number) into last_number
    from core.audit_seals
    where audit_seals.tenant_id = verify_audit_chain.tenant_id;
    last_number := coalesce(last_number, 0);

    if head.number > last_number then
        return query values (
            'seals_cut', null::bigint, last_number + 1,
            jsonb_build_object('known_from', 'head', 'to', head.number)
        );
    elsif head.number is distinct from nullif(last_number, 0) or not exists (
        select from core.audit_seals
        where
            audit_seals.tenant_id = verify_audit_chain.tenant_id
            and audit_seals.number = last_number
            and audit_seals.hash = head.hash
        union all
        select where last_number = 0
    )
    then
        return query values (
            'head_edited', null::bigint, last_number,
            jsonb_build_object('head', head.number)
        );
    end if;

    if verify_audit_chain.tenant_id <> core.platform_tenant_id() then
        return query
        select
            case when seals.number is null then 'seals_cut' else 'anchor_differs' end,
            null::bigint,
            anchors.number,
            jsonb_build_object('known_from', 'anchor', 'platform_seal', anchors.platform_number)
        from core.audit_anchors as anchors
        left join core.audit_seals as seals
            on seals.tenant_id = anchors.tenant_id and seals.number = anchors.number
        where
            anchors.tenant_id = verify_audit_chain.tenant_id
            and seals.hash is distinct from anchors.hash
        order by anchors.number;

        select * into anchor
        from core.audit_anchors as anchors
        where anchors.tenant_id = verify_audit_chain.tenant_id
        order by anchors.number desc
        limit 1;
        if coalesce(anchor.number, 0) < last_number then
            return query values (
                'anchor_missing', null::bigint, last_number, null::jsonb
            );
        elsif anchor.number is not null and not exists (
            select from core.audit_seals as seals
            where
                seals.tenant_id = core.platform_tenant_id()
                and seals.number = anchor.platform_number
                and seals.hash = sha256(convert_to(core.audit_seal_text(seals), 'UTF8'))
        )
        then
            return query values (
                'anchor_unsealed', null::bigint, anchor.number,
                jsonb_build_object('platform_seal', anchor.platform_number)
            );
        end if;
    end if;

    if checkpoint is not null and (checkpoint ->> 'number')::bigint > 0 then
        select * into marked
        from core.audit_seals
        where
            audit_seals.tenant_id = verify_audit_chain.tenant_id
            and audit_seals.number = (checkpoint ->> 'number')::bigint;
        if marked.hash is distinct from decode(checkpoint ->> 'hash', 'hex') then
            return query values (
                case when marked.hash is null then 'seals_cut' else 'checkpoint_differs' end,
                null::bigint,
                (checkpoint ->> 'number')::bigint,
                jsonb_build_object('known_from', 'checkpoint')
            );
        end if;
    end if;
end
$$;

ALTER FUNCTION core.verify_audit_chain(tenant_id uuid, checkpoint jsonb) OWNER TO postgres;

--
-- Name: FUNCTION verify_audit_chain(tenant_id uuid, checkpoint jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.verify_audit_chain(tenant_id uuid, checkpoint jsonb) IS 'What a chain of seals lacks in comparison with its head, with what the platform vouches for, and
with a checkpoint that was kept outside. Internal.';

--
-- Name: verify_audit_entries(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.verify_audit_entries(tenant_id uuid) RETURNS TABLE(finding text, entry_id bigint, seal_number bigint, details jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    cut_months constant timestamptz[] := core.audit_cut_months(tenant_id);
    progress core.audit_progress;
begin
    select * into progress from core.audit_progress;
    return query
    with differing as materialized (
        select
            seals.number,
            differing.id,
            differing.sealed,
            differing.found
        from core.audit_seals as seals
        cross join lateral (
            select
                coalesce(array_agg(entries.id order by entries.id), '{}') as ids,
                coalesce(
                    string_agg(
                        sha256(convert_to(tenon.audit_line(
                            entries.tenant_id, entries.at, entries.operation, entries.table_name,
                            entries.key, entries.old, entries.new, entries.event, entries.details,
                            entries.caller_kind, entries.caller_id, entries.origin
                        ), 'UTF8')),
                        ''::bytea order by entries.id
                    ), ''
                ) as digests
            from core.audit_entries as entries
            where
                entries.tenant_id = seals.tenant_id
                and entries.id >= seals.ids[1]
                and entries.id <= seals.ids[seals.entries]
                and entries.at >= seals.month
                and entries.at < core.month_after(seals.month)
        ) as found
        cross join lateral tenon.audit_differences(
            seals.ids, seals.digests, found.ids, found.digests
        ) as differing
        where
            seals.tenant_id = verify_audit_entries.tenant_id
            and seals.entries > 0
            and seals.month <> all(cut_months)
            -- What is of another seal is compared with that one.
            and differing.sealed is not null
    ),
    named as (
        select named.*
        from tenon.audit_name_differences(
            (select array_agg(differing.id order by differing.id) from differing),
            (select array_agg(differing.sealed order by differing.id) from differing),
            (select array_agg(differing.found order by differing.id) from differing),
            (
                select max(entries.id)
                from core.audit_entries as entries
                where
                    entries.tenant_id = verify_audit_entries.tenant_id
                    and entries.id <= progress.sealed_up_to
            )
        ) as named
    )
    select
        named.finding,
        named.id,
        differing.number,
        jsonb_build_object('other_entry_id', named.other_id)
    from named
    inner join differing on differing.id = named.id
    order by named.id;

    return query
    select
        'entry_added',
        added.id,
        null::bigint,
        null::jsonb
    from (
        select entries.id
        from core.audit_entries as entries
        where
            entries.tenant_id = verify_audit_entries.tenant_id
            and entries.id <= progress.sealed_up_to
            and entries.id <> all(progress.open_ids)
        except
        select unnest(seals.ids)
        from core.audit_seals as seals
        where seals.tenant_id = verify_audit_entries.tenant_id
    ) as added
    order by added.id;
end
$$;

ALTER FUNCTION core.verify_audit_entries(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION verify_audit_entries(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.verify_audit_entries(tenant_id uuid) IS 'The entries of a tenant that are not what was sealed. Internal.';

--
-- Name: verify_audit_seals(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.verify_audit_seals(tenant_id uuid) RETURNS TABLE(finding text, entry_id bigint, seal_number bigint, details jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select
        named.finding,
        null::bigint,
        chain.number,
        null::jsonb
    from (
        select
            seals.*,
            lag(seals.number, 1, 0::bigint) over following as number_before,
            lag(seals.hash, 1, decode(repeat('00', 32), 'hex')) over following as hash_before
        from core.audit_seals as seals
        where seals.tenant_id = verify_audit_seals.tenant_id
        window following as (order by seals.number)
    ) as chain
    cross join lateral (
        select
            coalesce(array_agg(anchors.tenant_id order by anchors.tenant_id), '{}') as tenants,
            coalesce(array_agg(anchors.number order by anchors.tenant_id), '{}') as numbers,
            coalesce(string_agg(anchors.hash, ''::bytea order by anchors.tenant_id), '') as hashes
        from core.audit_anchors as anchors
        where
            verify_audit_seals.tenant_id = core.platform_tenant_id()
            and anchors.platform_number = chain.number
    ) as anchored
    cross join lateral unnest(
        tenon.audit_check_seal(
            chain.number_before, chain.hash_before, chain.tenant_id, chain.number, chain.month,
            chain.sealed_at, chain.previous, chain.ids, chain.digests, anchored.tenants,
            anchored.numbers, anchored.hashes, chain.hash
        )
    ) as named (finding)
    order by chain.number;
end
$$;

ALTER FUNCTION core.verify_audit_seals(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION verify_audit_seals(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.verify_audit_seals(tenant_id uuid) IS 'The seals of a chain that were edited, that do not follow from the one before, or that come after
some that are gone. Internal.';

--
-- Name: verify_audit_values(uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.verify_audit_values(tenant_id uuid) RETURNS TABLE(finding text, entry_id bigint, seal_number bigint, details jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query
    select
        'value_edited',
        kept.entry_id,
        null::bigint,
        jsonb_build_object('column', kept.column_name)
    from core.audit_values as kept
    left join core.audit_entries as entries
        on entries.tenant_id = kept.tenant_id and entries.id = kept.entry_id
    where
        kept.tenant_id = verify_audit_values.tenant_id
        and (
            (
                kept.old is not null
                and tenon.audit_reference(kept.salt, kept.old::text)
                is distinct from entries.old -> kept.column_name
            )
            or (
                kept.new is not null
                and tenon.audit_reference(kept.salt, kept.new::text)
                is distinct from entries.new -> kept.column_name
            )
        )
    order by kept.entry_id, kept.column_name;
end
$$;

ALTER FUNCTION core.verify_audit_values(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION verify_audit_values(tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.verify_audit_values(tenant_id uuid) IS 'The personal values that are not those their entries refer to. Erased ones are not missed.
Internal.';

--
-- Name: verify_own_audit(jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.verify_own_audit(checkpoint jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    findings_max constant integer := 100;
    tenant constant uuid := core.sole_tenant_with('core.audit.read');
    report jsonb;
begin
    if
        checkpoint is not null and (
            jsonb_typeof(checkpoint) <> 'object'
            or (checkpoint ->> 'tenant_id') is distinct from tenant::text
            or (checkpoint ->> 'number') !~ '^[0-9]{1,18}$'
            or (checkpoint ->> 'hash') !~ '^([0-9a-f]{2}){32}$'
            or not checkpoint ?& array['number', 'hash']
        )
    then
        perform core.fail('audit.checkpoint_invalid');
    end if;
    select
        jsonb_build_object(
            'ok', count(*) = 0,
            'findings_total', count(*),
            'findings', coalesce(
                jsonb_agg(
                    jsonb_strip_nulls(to_jsonb(differing) - 'place') order by differing.place
                ) filter (where differing.place <= findings_max),
                '[]'
            )
        )
    into report
    from core.verify_audit(tenant, verify_own_audit.checkpoint)
        with ordinality as differing (finding, entry_id, seal_number, details, place);
    return core.audit_state(tenant) || report;
end
$_$;

ALTER FUNCTION core.verify_own_audit(checkpoint jsonb) OWNER TO postgres;

--
-- Name: FUNCTION verify_own_audit(checkpoint jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.verify_own_audit(checkpoint jsonb) IS 'core.verify_audit of the one tenant whose audit the caller may read, as JSON with the first 100
findings. Definer, because nobody is granted the tables. Signed-in users may call it.';

--
-- Name: withdraw_consent(jsonb, text, timestamp with time zone, text); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.withdraw_consent(asked jsonb, purpose text, withdrawn_at timestamp with time zone, source text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    of_tenant constant uuid := core.sole_tenant_with('core.privacy.write');
    withdrawn integer;
begin
    perform core.check_consent(
        withdraw_consent.purpose, 'consent', withdraw_consent.withdrawn_at,
        withdraw_consent.source, null, null, null
    );
    insert into core.consent_withdrawals (tenant_id, consent_id, withdrawn_at, source)
    select
        standing.tenant_id,
        standing.id,
        greatest(withdraw_consent.withdrawn_at, standing.given_at),
        withdraw_consent.source
    from core.standing_consents(
        of_tenant, core.identifiers_of(of_tenant, asked), withdraw_consent.purpose
    ) as standing
    on conflict do nothing;
    get diagnostics withdrawn = row_count;
    if withdrawn = 0 then
        perform core.fail(
            'privacy.consent_unknown', jsonb_build_object('purpose', withdraw_consent.purpose)
        );
    end if;
    return withdrawn;
end
$$;

ALTER FUNCTION core.withdraw_consent(asked jsonb, purpose text, withdrawn_at timestamp with time zone, source text) OWNER TO postgres;

--
-- Name: FUNCTION withdraw_consent(asked jsonb, purpose text, withdrawn_at timestamp with time zone, source text); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.withdraw_consent(asked jsonb, purpose text, withdrawn_at timestamp with time zone, source text) IS 'What v1.withdraw_consent does. Definer, because nobody writes withdrawals but by it; asks for
core.privacy.write itself. Signed-in users may call it.';

--
-- Name: without_hidden_fields(jsonb, regclass, uuid); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.without_hidden_fields(record jsonb, relation regclass, tenant_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    guard record;
    field text;
begin
    for guard in
        select string_to_array(encode(triggers.tgargs, 'escape'), '\000') as arguments
        from pg_trigger as triggers
        where
            triggers.tgrelid = relation
            and triggers.tgfoid = 'core.refuse_hidden_field()'::regprocedure
    loop
        foreach field in array guard.arguments[2:] loop
            if
                field <> ''
                and (
                    without_hidden_fields.tenant_id
                    = any(core.tenants_with(guard.arguments[1] || '.read', 'own', field))
                ) is not true
            then
                record := record || jsonb_build_object(field, null);
            end if;
        end loop;
    end loop;
    return record;
end
$$;

ALTER FUNCTION core.without_hidden_fields(record jsonb, relation regclass, tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION without_hidden_fields(record jsonb, relation regclass, tenant_id uuid); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.without_hidden_fields(record jsonb, relation regclass, tenant_id uuid) IS 'The record with null for the fields that the caller''s role is kept from (core.guard_fields).
Definer, because it reads how the table is guarded. Signed-in users may call it.';

--
-- Name: without_values(jsonb, text[]); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.without_values(answer jsonb, keys text[]) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

ALTER FUNCTION core.without_values(answer jsonb, keys text[]) OWNER TO postgres;

--
-- Name: FUNCTION without_values(answer jsonb, keys text[]); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.without_values(answer jsonb, keys text[]) IS 'An answer with null for the values of some keys, in it or in each object of an array. Internal.';

--
-- Name: write_audit_entry(uuid, text, text, jsonb, jsonb, jsonb, text, jsonb); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.write_audit_entry(tenant_id uuid, operation text, table_name text DEFAULT NULL::text, key jsonb DEFAULT NULL::jsonb, old jsonb DEFAULT NULL::jsonb, new jsonb DEFAULT NULL::jsonb, event text DEFAULT NULL::text, details jsonb DEFAULT NULL::jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    caller constant record := core.caller();
begin
    insert into core.audit_entries (
        tenant_id, operation, table_name, key, old, new, event, details,
        caller_kind, caller_id, origin
    )
    values (
        coalesce(write_audit_entry.tenant_id, core.platform_tenant_id()),
        write_audit_entry.operation,
        write_audit_entry.table_name,
        write_audit_entry.key,
        write_audit_entry.old,
        write_audit_entry.new,
        write_audit_entry.event,
        write_audit_entry.details,
        caller.kind,
        caller.id,
        core.request_origin()
    );
end
$$;

ALTER FUNCTION core.write_audit_entry(tenant_id uuid, operation text, table_name text, key jsonb, old jsonb, new jsonb, event text, details jsonb) OWNER TO postgres;

--
-- Name: FUNCTION write_audit_entry(tenant_id uuid, operation text, table_name text, key jsonb, old jsonb, new jsonb, event text, details jsonb); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.write_audit_entry(tenant_id uuid, operation text, table_name text, key jsonb, old jsonb, new jsonb, event text, details jsonb) IS 'Appends an entry about what the caller does, to the tenant''s trail or, without a tenant, to the
platform''s. Internal.';

--
-- Name: write_personal_values(text[]); Type: FUNCTION; Schema: core; Owner: postgres
--

CREATE FUNCTION core.write_personal_values(recorded text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    insert into core.audit_values (tenant_id, entry_id, column_name, salt, old, new)
    select
        coalesce(recorded[2]::uuid, core.platform_tenant_id()),
        currval('core.audit_entries_id_seq'),
        value."column",
        decode(value.salt, 'hex'),
        value.old::json,
        value.new::json
    from json_to_recordset(recorded[6]::json)
        as value ("column" text, salt text, old text, new text);
end
$$;

ALTER FUNCTION core.write_personal_values(recorded text[]) OWNER TO postgres;

--
-- Name: FUNCTION write_personal_values(recorded text[]); Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON FUNCTION core.write_personal_values(recorded text[]) IS 'Keeps the personal values of the entry that was just written. recorded: of tenon.audit_changes.
Internal.';

--
-- Name: before_user_created(jsonb); Type: FUNCTION; Schema: hooks; Owner: postgres
--

CREATE FUNCTION hooks.before_user_created(event jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    platform constant uuid := core.platform_tenant_id();
    person constant jsonb := event -> 'user';
    email constant text := nullif(person ->> 'email', '');
    metadata constant jsonb := person -> 'user_metadata';
    names_invitation constant boolean :=
        coalesce(metadata -> 'invitation_token' <> 'null', false);
    token constant text := hooks.text_of(metadata, 'invitation_token', 200);
    -- The operator connects an identity provider, and the provider says who belongs to it.
    is_vouched_for constant boolean :=
        coalesce(person #>> '{app_metadata,provider}' like 'sso:%', false);
    sign_up text;
    inviting uuid;
begin
    if jsonb_typeof(person) is distinct from 'object' then
        return hooks.refusal(400, 'The user to be created is missing.');
    end if;
    -- Without an address: a phone number, or nothing at all.
    if
        (email is null and core.names_allowed_domains(platform))
        or (email is not null and not core.email_allowed(platform, email))
    then
        return hooks.refusal(403, 'Signing up is not open to addresses of this domain.');
    end if;
    inviting := core.tenant_inviting(email, token);
    if names_invitation and (token is null or inviting is null) then
        return hooks.refusal(403, 'The invitation is over, or was made for another address.');
    end if;
    select coalesce(tenants.settings #>> '{core,sign_up}', 'open')
    into sign_up
    from core.tenants
    where tenants.id = platform;
    if sign_up is distinct from 'open' and inviting is null and not is_vouched_for then
        return hooks.refusal(403, 'Signing up needs an invitation.');
    end if;
    return jsonb '{}';
exception
    when others then
        raise warning 'hooks.before_user_created: % (%)', sqlerrm, sqlstate;
        return hooks.refusal(500, 'Signing up is not possible at the moment.');
end
$$;

ALTER FUNCTION hooks.before_user_created(event jsonb) OWNER TO postgres;

--
-- Name: FUNCTION before_user_created(event jsonb); Type: COMMENT; Schema: hooks; Owner: postgres
--

COMMENT ON FUNCTION hooks.before_user_created(event jsonb) IS 'Lets a user sign up, or says why not. The platform tenant''s rules on domains are for everyone. Its
setting {"core": {"sign_up": "invited"}} asks for an open invitation of exactly this address, but of
users of an identity provider that the operator has connected (SAML); any value but open does. A user
whose metadata has an invitation_token must have the address of that invitation.
Only supabase_auth_admin may call it.';

--
-- Name: custom_access_token(jsonb); Type: FUNCTION; Schema: hooks; Owner: postgres
--

CREATE FUNCTION hooks.custom_access_token(event jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    claims constant jsonb := event -> 'claims';
    user_id constant uuid := hooks.uuid_of(event, 'user_id');
    hint record;
begin
    if jsonb_typeof(claims) is distinct from 'object' or user_id is null then
        return hooks.refusal(400, 'The access token''s user or claims are missing.');
    end if;
    -- A token without a hint is worth more than none: nobody could sign in.
    begin
        hint := core.active_tenant(user_id);
        if event ->> 'authentication_method' not in ('token_refresh', 'anonymous') then
            perform core.note_sign_in(user_id, event #>> '{metadata,ip_address}');
        end if;
    exception
        when others then
            raise warning 'hooks.custom_access_token: % (%)', sqlerrm, sqlstate;
            hint := (null::uuid, null::text, null::text);
    end;
    return jsonb_build_object('claims', claims || jsonb_build_object('tenon', to_jsonb(hint)));
end
$$;

ALTER FUNCTION hooks.custom_access_token(event jsonb) OWNER TO postgres;

--
-- Name: FUNCTION custom_access_token(event jsonb); Type: COMMENT; Schema: hooks; Owner: postgres
--

COMMENT ON FUNCTION hooks.custom_access_token(event jsonb) IS 'Adds the claim tenon, {tenant_id, tenant, role}, all null where there is no active tenant, and
keeps the others. A hint: nothing in the database reads it. Only supabase_auth_admin may call it.';

--
-- Name: mails_of(jsonb, jsonb); Type: FUNCTION; Schema: hooks; Owner: postgres
--

CREATE FUNCTION hooks.mails_of(person jsonb, sent jsonb, OUT kind text, OUT recipient text, OUT token text, OUT token_hash text, OUT is_complete boolean, OUT details jsonb) RETURNS SETOF record
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    action constant text := hooks.text_of(sent, 'email_action_type', 100);
    email constant text := hooks.text_of(person, 'email', 254);
    hash_of_current constant text := hooks.text_of(sent, 'token_hash_new', 255);
    is_double constant boolean := email is not null and hash_of_current is not null;
begin
    kind := 'only';
    recipient := email;
    token := hooks.text_of(sent, 'token', 100);
    token_hash := hooks.text_of(sent, 'token_hash', 255);
    case
        when action in ('signup', 'recovery', 'invite', 'magiclink', 'email') then
            is_complete := token_hash is not null;
            return next;
        when action = 'email_change' then
            details := jsonb_build_object(
                'new_email', hooks.text_of(person, 'new_email', 254)
            );
            kind := 'new';
            recipient := details ->> 'new_email';
            is_complete := token_hash is not null;
            if is_double then
                token := hooks.text_of(sent, 'token_new', 100);
            end if;
            return next;
            if is_double then
                kind := 'current';
                recipient := email;
                token := hooks.text_of(sent, 'token', 100);
                token_hash := hash_of_current;
                return next;
            end if;
        when action = 'reauthentication' then
            token_hash := null;
            is_complete := token is not null;
            return next;
        when
            action in (
                'password_changed_notification', 'email_changed_notification',
                'phone_changed_notification', 'identity_linked_notification',
                'identity_unlinked_notification', 'mfa_factor_enrolled_notification',
                'mfa_factor_unenrolled_notification'
            )
        then
            token := null;
            token_hash := null;
            is_complete := true;
            details := jsonb_build_object(
                'old_email', hooks.text_of(sent, 'old_email', 254),
                'phone', hooks.text_of(person, 'phone', 50),
                'old_phone', hooks.text_of(sent, 'old_phone', 50),
                'provider', hooks.text_of(sent, 'provider', 100),
                'factor_type', hooks.text_of(sent, 'factor_type', 100)
            );
            -- Whoever has lost the account reads the address that it had.
            if action = 'email_changed_notification' then
                recipient := coalesce(details ->> 'old_email', email);
            end if;
            return next;
        else
            return;
    end case;
end
$$;

ALTER FUNCTION hooks.mails_of(person jsonb, sent jsonb, OUT kind text, OUT recipient text, OUT token text, OUT token_hash text, OUT is_complete boolean, OUT details jsonb) OWNER TO postgres;

--
-- Name: FUNCTION mails_of(person jsonb, sent jsonb, OUT kind text, OUT recipient text, OUT token text, OUT token_hash text, OUT is_complete boolean, OUT details jsonb); Type: COMMENT; Schema: hooks; Owner: postgres
--

COMMENT ON FUNCTION hooks.mails_of(person jsonb, sent jsonb, OUT kind text, OUT recipient text, OUT token text, OUT token_hash text, OUT is_complete boolean, OUT details jsonb) IS 'The mails that Auth wants sent, by the user and the email_data of the hook: none for an action that
is not known. kind: only, or new and current, the addresses of a change. is_complete: whether the
code or link is there that the mail is for. Only supabase_auth_admin may call it.';

--
-- Name: mfa_verification_attempt(jsonb); Type: FUNCTION; Schema: hooks; Owner: postgres
--

CREATE FUNCTION hooks.mfa_verification_attempt(event jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    user_id constant uuid := hooks.uuid_of(event, 'user_id');
    factor_id constant uuid := hooks.uuid_of(event, 'factor_id');
    judged record;
begin
    if
        user_id is null or factor_id is null
        or jsonb_typeof(event -> 'valid') is distinct from 'boolean'
    then
        return hooks.refusal(400, 'The attempt''s user, factor or result is missing.');
    end if;
    judged := core.judge_sign_in(
        user_id, factor_id::text, (event -> 'valid')::boolean, event #>> '{metadata,ip_address}'
    );
    if judged.refusal is null then
        return jsonb '{"decision": "continue"}';
    end if;
    return jsonb_build_object(
        'decision', 'reject',
        'message', case judged.refusal
            when 'delayed'
                then format('Too many failed attempts. Try again in %s s.', judged.wait_s)
            else 'Too many failed attempts. Use another factor, or ask for help.'
        end
    );
exception
    when others then
        raise warning 'hooks.mfa_verification_attempt: % (%)', sqlerrm, sqlstate;
        return hooks.refusal(500, 'Signing in is not possible at the moment.');
end
$$;

ALTER FUNCTION hooks.mfa_verification_attempt(event jsonb) OWNER TO postgres;

--
-- Name: FUNCTION mfa_verification_attempt(event jsonb); Type: COMMENT; Schema: hooks; Owner: postgres
--

COMMENT ON FUNCTION hooks.mfa_verification_attempt(event jsonb) IS 'Counts an attempt with a second factor, and refuses it during a delay whether or not it was right.
Auth ends all sessions of the user with a refusal. Only supabase_auth_admin may call it.';

--
-- Name: password_verification_attempt(jsonb); Type: FUNCTION; Schema: hooks; Owner: postgres
--

CREATE FUNCTION hooks.password_verification_attempt(event jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    user_id constant uuid := hooks.uuid_of(event, 'user_id');
    judged record;
begin
    if user_id is null or jsonb_typeof(event -> 'valid') is distinct from 'boolean' then
        return hooks.refusal(400, 'The attempt''s user or result is missing.');
    end if;
    judged := core.judge_sign_in(
        user_id, 'password', (event -> 'valid')::boolean, event #>> '{metadata,ip_address}'
    );
    if judged.refusal is null then
        return jsonb '{"decision": "continue"}';
    end if;
    return jsonb_build_object(
        'decision', 'reject',
        'message', case
            -- What Auth says of an unknown account: a stranger does not learn that there is one.
            when not judged.network_is_known then 'Invalid login credentials'
            when judged.refusal = 'delayed'
                then format('Too many failed attempts. Try again in %s s.', judged.wait_s)
            else 'Too many failed attempts. Ask for a link by e-mail to sign in.'
        end,
        -- Whoever is signed in has shown the password before, and strangers must not end that.
        'should_logout_user', false
    );
exception
    when others then
        raise warning 'hooks.password_verification_attempt: % (%)', sqlerrm, sqlstate;
        return hooks.refusal(500, 'Signing in is not possible at the moment.');
end
$$;

ALTER FUNCTION hooks.password_verification_attempt(event jsonb) OWNER TO postgres;

--
-- Name: FUNCTION password_verification_attempt(event jsonb); Type: COMMENT; Schema: hooks; Owner: postgres
--

COMMENT ON FUNCTION hooks.password_verification_attempt(event jsonb) IS 'Counts an attempt with a password, and refuses it during a delay whether or not it was right. Only
a known network is told why. Only supabase_auth_admin may call it.';

--
-- Name: refusal(integer, text); Type: FUNCTION; Schema: hooks; Owner: postgres
--

CREATE FUNCTION hooks.refusal(http_code integer, message text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN jsonb_build_object('error', jsonb_build_object('http_code', http_code, 'message', message));

ALTER FUNCTION hooks.refusal(http_code integer, message text) OWNER TO postgres;

--
-- Name: FUNCTION refusal(http_code integer, message text); Type: COMMENT; Schema: hooks; Owner: postgres
--

COMMENT ON FUNCTION hooks.refusal(http_code integer, message text) IS 'The error object of a hook. An empty message would count as no error. Only supabase_auth_admin may
call it.';

--
-- Name: send_email(jsonb); Type: FUNCTION; Schema: hooks; Owner: postgres
--

CREATE FUNCTION hooks.send_email(event jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    platform constant uuid := core.platform_tenant_id();
    person constant jsonb := event -> 'user';
    sent constant jsonb := event -> 'email_data';
    action constant text := hooks.text_of(sent, 'email_action_type', 100);
    email constant text := hooks.text_of(person, 'email', 254);
    new_email constant text := hooks.text_of(person, 'new_email', 254);
    -- Left out when it is longer than browsers take.
    redirect_to constant text := hooks.text_of(sent, 'redirect_to', 2048);
    locale constant text := hooks.text_of(person -> 'user_metadata', 'locale', 35);
    request_id constant uuid := hooks.uuid_of(event -> 'metadata', 'uuid');
    tenant record;
    mails record;
    mail record;
begin
    select
        count(*) as wanted,
        bool_and(listed.recipient is not null) as have_recipients,
        bool_and(listed.is_complete) as are_complete
    into mails
    from hooks.mails_of(person, sent) as listed;
    if mails.wanted = 0 then
        return hooks.refusal(400, 'There is no such mail.');
    elsif not mails.have_recipients then
        return hooks.refusal(400, 'There is no address to send the mail to.');
    elsif not mails.are_complete then
        return hooks.refusal(400, 'The code or link of the mail is missing.');
    elsif action = 'email_change' and not core.email_allowed(platform, new_email) then
        return hooks.refusal(403, 'Accounts are not open to addresses of this domain.');
    end if;

    tenant := core.active_tenant(hooks.uuid_of(person, 'id'));
    if tenant.tenant_id is null then
        select
            tenants.id as tenant_id,
            tenants.slug as tenant
        into tenant
        from core.tenants
        where tenants.id = coalesce(
            core.tenant_inviting(
                email, hooks.text_of(person -> 'user_metadata', 'invitation_token', 200)
            ),
            platform
        );
    end if;

    for mail in select listed.* from hooks.mails_of(person, sent) as listed loop
        perform core.enqueue_auth_mail(
            tenant.tenant_id,
            mail.recipient,
            action,
            jsonb_strip_nulls(
                jsonb_build_object(
                    'action', action,
                    'sent_to', nullif(mail.kind, 'only'),
                    'user_id', hooks.uuid_of(person, 'id'),
                    'email', email,
                    'tenant', tenant.tenant,
                    'locale', case
                        when locale ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$' then locale
                    end,
                    'site_url', hooks.text_of(sent, 'site_url', 2048),
                    'redirect_to', redirect_to,
                    'token', mail.token,
                    'token_hash', mail.token_hash,
                    -- The query of the link, {site_url}/verify?….
                    'verify', case
                        when mail.token_hash is not null then jsonb_build_object(
                            'token', mail.token_hash, 'type', action, 'redirect_to', redirect_to
                        )
                    end
                ) || coalesce(mail.details, '{}')
            ),
            'auth:' || request_id || ':' || mail.kind
        );
    end loop;
    return jsonb '{}';
exception
    when others then
        raise warning 'hooks.send_email: % (%)', sqlerrm, sqlstate;
        return hooks.refusal(500, 'Sending mail is not possible at the moment.');
end
$_$;

ALTER FUNCTION hooks.send_email(event jsonb) OWNER TO postgres;

--
-- Name: FUNCTION send_email(event jsonb); Type: COMMENT; Schema: hooks; Owner: postgres
--

COMMENT ON FUNCTION hooks.send_email(event jsonb) IS 'Puts the mails that Auth wants sent into the outbox, once for each request of Auth: for the user''s
active or only tenant, or the one that invites the address, or the platform. Refuses a change to an
address that could not sign up. Only supabase_auth_admin may call it.';

--
-- Name: text_of(jsonb, text, integer); Type: FUNCTION; Schema: hooks; Owner: postgres
--

CREATE FUNCTION hooks.text_of(source jsonb, key text, length_max integer) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    content constant text := source ->> key;
begin
    if jsonb_typeof(source -> key) = 'string' and char_length(content) <= length_max then
        return nullif(content, '');
    end if;
    return null;
end
$$;

ALTER FUNCTION hooks.text_of(source jsonb, key text, length_max integer) OWNER TO postgres;

--
-- Name: FUNCTION text_of(source jsonb, key text, length_max integer); Type: COMMENT; Schema: hooks; Owner: postgres
--

COMMENT ON FUNCTION hooks.text_of(source jsonb, key text, length_max integer) IS 'An entry of a JSON object as text; null when it is no string, empty or longer than it may be.
Only supabase_auth_admin may call it.';

--
-- Name: uuid_of(jsonb, text); Type: FUNCTION; Schema: hooks; Owner: postgres
--

CREATE FUNCTION hooks.uuid_of(source jsonb, key text) RETURNS uuid
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    content constant text := source ->> key;
begin
    if content ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
        return content::uuid;
    end if;
    return null;
end
$_$;

ALTER FUNCTION hooks.uuid_of(source jsonb, key text) OWNER TO postgres;

--
-- Name: FUNCTION uuid_of(source jsonb, key text); Type: COMMENT; Schema: hooks; Owner: postgres
--

COMMENT ON FUNCTION hooks.uuid_of(source jsonb, key text) IS 'An entry of a JSON object as a UUID; null when it is none. Only supabase_auth_admin may call it.';

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
-- Name: add_device_credential(text, text, text, timestamp with time zone); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := core.sole_tenant_with('iot.devices.write');
    owner iot.devices;
    token text;
    secret_hash bytea;
    added iot.device_credentials;
begin
    select devices.* into owner
    from iot.devices
    where devices.tenant_id = owner_id and devices.slug = add_device_credential.device;
    if owner.id is null then
        perform core.fail(
            'device.unknown', jsonb_build_object('device', add_device_credential.device)
        );
    elsif add_device_credential.expires_at <= now() then
        perform core.fail('api_key.expiry_past');
    end if;
    case add_device_credential.kind
        when 'token' then
            token := tenon.token('dev');
            secret_hash := sha256(convert_to(token, 'UTF8'));
        when 'certificate' then
            secret_hash := iot.certificate_fingerprint(add_device_credential.certificate);
            if secret_hash is null then
                perform core.fail('device.certificate_invalid');
            end if;
        else
            perform core.fail('device.credential_kind_unknown');
    end case;
    insert into iot.device_credentials (
        tenant_id, device_id, kind, secret_hash, hint, expires_at
    )
    values (
        owner_id, owner.id, add_device_credential.kind, secret_hash,
        coalesce(left(token, 12), encode(secret_hash, 'hex')), add_device_credential.expires_at
    )
    on conflict on constraint device_secret_hash_is_unique do nothing
    returning * into added;
    if added.id is null then
        perform core.fail('device.certificate_taken');
    end if;
    return jsonb_build_object(
        'id', added.id, 'tenant_id', owner_id, 'device', owner.slug, 'kind', added.kind,
        'hint', added.hint, 'expires_at', added.expires_at, 'token', token
    );
end
$$;

ALTER FUNCTION iot.add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone) IS 'What v1.add_device_credential does. Definer, because it writes iot.device_credentials. Signed-in
users may call it.';

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
-- Name: authenticate_device(text, bytea); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.authenticate_device(kind text, secret_hash bytea, OUT id uuid, OUT tenant_id uuid) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    proven record;
begin
    select
        credentials.id as credential_id,
        credentials.last_used_at,
        devices.id,
        devices.slug,
        devices.status,
        tenants.id as tenant_id,
        tenants.slug as tenant,
        tenants.status as tenant_status
    into proven
    from iot.device_credentials as credentials
    inner join iot.devices
        on
            devices.tenant_id = credentials.tenant_id
            and devices.id = credentials.device_id
    inner join core.tenants on tenants.id = credentials.tenant_id
    where
        credentials.secret_hash = authenticate_device.secret_hash
        and credentials.kind = authenticate_device.kind
        and credentials.revoked_at is null
        and coalesce(credentials.expires_at > now(), true);
    if proven.tenant_status <> 'active' then
        perform core.fail('tenant.suspended', jsonb_build_object('tenant', proven.tenant));
    elsif proven.status in ('suspended', 'decommissioned') then
        perform core.fail(
            'device.' || proven.status, jsonb_build_object('device', proven.slug)
        );
    end if;
    id := proven.id;
    tenant_id := proven.tenant_id;
    if id is not null and core.note_use(proven.credential_id, proven.last_used_at) then
        update iot.device_credentials set last_used_at = now()
        where
            device_credentials.tenant_id = proven.tenant_id
            and device_credentials.device_id = proven.id
            and device_credentials.id = proven.credential_id;
    end if;
end
$$;

ALTER FUNCTION iot.authenticate_device(kind text, secret_hash bytea, OUT id uuid, OUT tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION authenticate_device(kind text, secret_hash bytea, OUT id uuid, OUT tenant_id uuid); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.authenticate_device(kind text, secret_hash bytea, OUT id uuid, OUT tenant_id uuid) IS 'The device that a credential, token or certificate, belongs to; null for none that is valid. Raises
tenant.suspended, device.suspended and device.decommissioned (403). Definer, because it reads the
hashes of secrets. Internal.';

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
    created_by uuid DEFAULT core.caller_id(),
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
-- Name: calling_device(uuid, uuid); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.calling_device(tenant_id uuid, device_id uuid) RETURNS iot.devices
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    device iot.devices;
begin
    select devices.* into device
    from iot.devices
    where
        devices.tenant_id = calling_device.tenant_id
        and devices.id = calling_device.device_id;
    if device.id is null then
        perform core.fail('device.unknown', jsonb_build_object('device', device_id));
    elsif device.status in ('suspended', 'decommissioned') then
        perform core.fail('device.' || device.status, jsonb_build_object('device', device.slug));
    end if;
    return device;
end
$$;

ALTER FUNCTION iot.calling_device(tenant_id uuid, device_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION calling_device(tenant_id uuid, device_id uuid); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.calling_device(tenant_id uuid, device_id uuid) IS 'The device that is calling, as core.caller names it. Raises
device.unknown, device.suspended or device.decommissioned. Internal.';

--
-- Name: certificate_fingerprint(text); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.certificate_fingerprint(certificate text) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    hexadecimal constant text := lower(translate(certificate, ': ', ''));
    armour text;
    escape text[];
    der bytea;
begin
    if hexadecimal ~ '^[0-9a-f]{64}$' then
        return decode(hexadecimal, 'hex');
    end if;
    -- Gateways hand certificates on as PEM, often with white space, +, / and = escaped.
    armour := certificate;
    foreach escape slice 1 in array array[
        ['%0A', ' '], ['%0D', ' '], ['%20', ' '], ['%2B', '+'], ['%2F', '/'], ['%3D', '=']
    ] loop
        armour := replace(armour, escape[1], escape[2]);
    end loop;
    armour := substring(
        armour from '-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----'
    );
    der := decode(regexp_replace(armour, '\s', '', 'g'), 'base64');
    -- A certificate is a sequence of ASN.1, and holds a key and a signature.
    return case when octet_length(der) >= 64 and get_byte(der, 0) = 48 then sha256(der) end;
exception
    when invalid_parameter_value then
        return null;
end
$_$;

ALTER FUNCTION iot.certificate_fingerprint(certificate text) OWNER TO postgres;

--
-- Name: FUNCTION certificate_fingerprint(certificate text); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.certificate_fingerprint(certificate text) IS 'SHA-256 of a certificate''s DER, from its PEM, as it is or escaped for a URL, or from the SHA-256
in 64 hexadecimal digits with or without colons. Null for anything else. Internal.';

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
-- Name: device_may_sign_in(text, text); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.device_may_sign_in(username text, secret text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    proven record;
begin
    select
        tenants.slug || '/d/' || devices.slug as username
    into proven
    from iot.authenticate_device('token', sha256(convert_to(secret, 'UTF8'))) as device
    inner join iot.devices on devices.tenant_id = device.tenant_id and devices.id = device.id
    inner join core.tenants on tenants.id = device.tenant_id;
    return coalesce(proven.username = device_may_sign_in.username, false);
exception
    when sqlstate 'PGRST' then
        return false;
end
$$;

ALTER FUNCTION iot.device_may_sign_in(username text, secret text) OWNER TO postgres;

--
-- Name: FUNCTION device_may_sign_in(username text, secret text); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.device_may_sign_in(username text, secret text) IS 'Whether a device may sign in to a broker: username {tenant}/d/{device}, secret one of its tokens.
For brokers that authenticate by a database. Definer, because it reads the hashes of secrets;
tenon_bridge may call it.';

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
    caller constant record := core.caller();
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
    if caller.kind = 'device' then
        device := iot.calling_device(caller.tenant_id, caller.id);
        owner_id := device.tenant_id;
    else
        owner_id := core.sole_tenant_with('iot.telemetry.write');
    end if;

    select tenants.* into tenant
    from core.tenants
    where tenants.id = owner_id;

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
    suspended_with uuid,
    resumes_as text DEFAULT 'active'::text NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT core.caller_id(),
    CONSTRAINT name_is_short CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT only_the_platform_is_a_root CHECK (((parent_id IS NULL) = (id = '00000000-0000-0000-0000-000000000000'::uuid))),
    CONSTRAINT resumes_as_what_it_was CHECK ((resumes_as = ANY (ARRAY['active'::text, 'closing'::text]))),
    CONSTRAINT settings_are_an_object CHECK ((jsonb_typeof(settings) = 'object'::text)),
    CONSTRAINT settings_are_short CHECK ((octet_length((settings)::text) <= 16384)),
    CONSTRAINT settings_of_core_are_right CHECK (((COALESCE((settings #>> '{core,proxies}'::text[]), '1'::text) ~ '^[1-9]$'::text) AND (COALESCE(jsonb_typeof((settings #> '{core,open_tenants}'::text[])), 'boolean'::text) = 'boolean'::text) AND (COALESCE(jsonb_typeof((settings #> '{core,address_header}'::text[])), 'string'::text) = 'string'::text) AND (COALESCE(jsonb_typeof((settings #> '{core,client_certificates}'::text[])), 'object'::text) = 'object'::text))),
    CONSTRAINT slug_is_a_dns_label CHECK ((slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'::text)),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text, 'closing'::text]))),
    CONSTRAINT suspension_has_a_cause CHECK (((status = 'suspended'::text) OR (suspended_with IS NULL)))
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
-- Name: COLUMN tenants.status; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.tenants.status IS 'active; suspended: its users, keys and devices are stopped; closing: what is there can be read and
exported, and nothing changes any more.';

--
-- Name: COLUMN tenants.suspended_with; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.tenants.suspended_with IS 'The tenant whose suspension stopped this one: itself, or one above it. Null for a suspension by
the operator at SQL.';

--
-- Name: COLUMN tenants.resumes_as; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.tenants.resumes_as IS 'The status that a suspended tenant had before.';

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
    changed_by uuid DEFAULT core.caller_id(),
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
-- Name: revoke_device_credential(uuid); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.revoke_device_credential(id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    writable constant uuid[] := core.tenants_with('iot.devices.write');
begin
    update iot.device_credentials set revoked_at = coalesce(device_credentials.revoked_at, now())
    where
        device_credentials.tenant_id = any(writable)
        and device_credentials.id = revoke_device_credential.id;
    if not found then
        perform core.fail(
            'device.credential_unknown', jsonb_build_object('id', revoke_device_credential.id)
        );
    end if;
    return jsonb_build_object('id', revoke_device_credential.id, 'revoked', true);
end
$$;

ALTER FUNCTION iot.revoke_device_credential(id uuid) OWNER TO postgres;

--
-- Name: FUNCTION revoke_device_credential(id uuid); Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON FUNCTION iot.revoke_device_credential(id uuid) IS 'What v1.revoke_device_credential does. Definer, because it writes iot.device_credentials. Signed-in
users may call it.';

--
-- Name: settled_batch(); Type: FUNCTION; Schema: iot; Owner: postgres
--

CREATE FUNCTION iot.settled_batch() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    -- Other compactions hold the lock of a writer, too, but write no batch.
    return core.settled_id(
        'iot.batches', 'iot.batches_id_seq', iot.compaction_lock_class()
    );
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
-- Name: accept_invitation(text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.accept_invitation(token text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'accept_invitation',
            jsonb_build_object('token', accept_invitation.token)
        ),
        core.store_answer(core.accept_invitation(accept_invitation.token))
    );
end
$$;

ALTER FUNCTION v1.accept_invitation(token text) OWNER TO postgres;

--
-- Name: FUNCTION accept_invitation(token text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.accept_invitation(token text) IS 'Makes you a member of the tenant that invited your address, which has to be confirmed. Works once.
Returns {tenant_id, user_id, role, status}. Raises invitation.invalid (404; also for an invitation
of somebody else), invitation.used, invitation.revoked, invitation.expired (410),
invitation.already_member (409). May be repeated with an Idempotency-Key.';

--
-- Name: add_device_credential(text, text, text, timestamp with time zone); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.add_device_credential(device text, kind text DEFAULT 'token'::text, certificate text DEFAULT NULL::text, expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'add_device_credential',
            jsonb_build_object(
                'device', add_device_credential.device, 'kind', add_device_credential.kind,
                'certificate', add_device_credential.certificate,
                'expires_at', add_device_credential.expires_at
            )
        ),
        core.store_answer(
            iot.add_device_credential(
                add_device_credential.device, add_device_credential.kind,
                add_device_credential.certificate, add_device_credential.expires_at
            ),
            '{token}'
        )
    );
end
$$;

ALTER FUNCTION v1.add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone) IS 'Gives a device one more credential: a token, which is returned this once and goes into the header
x-api-key, or a certificate, as PEM or as its SHA-256 fingerprint, with which it proves itself to a
gateway. Returns {id, tenant_id, device, kind, hint, expires_at, token}. Needs iot.devices.write.
Raises device.unknown (404), device.certificate_invalid, device.certificate_taken (409).
May be repeated with an Idempotency-Key.';

--
-- Name: audit_checkpoint(); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.audit_checkpoint() RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return core.own_audit_state();
end
$$;

ALTER FUNCTION v1.audit_checkpoint() OWNER TO postgres;

--
-- Name: FUNCTION audit_checkpoint(); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.audit_checkpoint() IS 'How far the audit trail of your tenant is sealed: {tenant_id, number, hash, entries, sealed_at,
unsealed, unsealed_since}. Keep it outside of this database, and hand it to v1.verify_audit later:
no one who has the whole database in hand can forge what you hold. Needs core.audit.read.';

--
-- Name: clear_rate_limit(text, text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.clear_rate_limit(dimension text, action text DEFAULT NULL::text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return core.clear_rate_limit(dimension, action);
end
$$;

ALTER FUNCTION v1.clear_rate_limit(dimension text, action text) OWNER TO postgres;

--
-- Name: FUNCTION clear_rate_limit(dimension text, action text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.clear_rate_limit(dimension text, action text) IS 'Removes a limit that v1.set_rate_limit has set for your tenant, and returns whether there was one.
Needs core.limits.write.';

--
-- Name: clear_retention(text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.clear_retention(metric text DEFAULT NULL::text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := core.sole_tenant_with('iot.retention.write');
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
-- Name: close_tenant(uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.close_tenant(tenant_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'close_tenant',
            jsonb_build_object('tenant_id', close_tenant.tenant_id)
        ),
        core.store_answer(core.close_tenant(close_tenant.tenant_id))
    );
end
$$;

ALTER FUNCTION v1.close_tenant(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION close_tenant(tenant_id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.close_tenant(tenant_id uuid) IS 'Begins to close a tenant: what is there can be read and exported, nothing changes any more.
Needs core.tenants.own. Returns the tenant.';

--
-- Name: create_api_key(text, text, jsonb, jsonb, timestamp with time zone); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.create_api_key(name text, role text DEFAULT NULL::text, permissions jsonb DEFAULT NULL::jsonb, hidden_fields jsonb DEFAULT '{}'::jsonb, expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'create_api_key',
            jsonb_build_object(
                'name', create_api_key.name, 'role', create_api_key.role,
                'permissions', create_api_key.permissions,
                'hidden_fields', create_api_key.hidden_fields,
                'expires_at', create_api_key.expires_at
            )
        ),
        core.store_answer(
            core.create_api_key(
                create_api_key.name, create_api_key.role, create_api_key.permissions,
                create_api_key.hidden_fields, create_api_key.expires_at
            ), '{token}'
        )
    );
end
$$;

ALTER FUNCTION v1.create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone) IS 'Makes an API key for the tenant, which holds a role, or permissions as in v1.save_role. Returns
{id, tenant_id, name, role, hint, expires_at, token}; the token is shown this once and goes into
the header x-api-key. Needs core.api_keys.write and all that the key holds. Raises
access.beyond_own, api_key.role_or_permissions, api_key.expiry_past. May be repeated with an
Idempotency-Key.';

--
-- Name: create_tenant(text, text, uuid, jsonb); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.create_tenant(slug text, name text, parent_id uuid DEFAULT NULL::uuid, settings jsonb DEFAULT '{}'::jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'create_tenant',
            jsonb_build_object(
                'slug', create_tenant.slug, 'name', create_tenant.name,
                'parent_id', create_tenant.parent_id, 'settings', create_tenant.settings
            )
        ),
        core.store_answer(
            core.create_tenant(
                create_tenant.slug, create_tenant.name, create_tenant.parent_id,
                create_tenant.settings
            )
        )
    );
end
$$;

ALTER FUNCTION v1.create_tenant(slug text, name text, parent_id uuid, settings jsonb) OWNER TO postgres;

--
-- Name: FUNCTION create_tenant(slug text, name text, parent_id uuid, settings jsonb); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.create_tenant(slug text, name text, parent_id uuid, settings jsonb) IS 'Founds a tenant; you are its owner then. Below another one, parent_id, it takes
core.tenants.create there, and the tenant is reached through the roles held above. slug: a DNS
label, unique. Returns {id, parent_id, slug, name, status, settings}. Raises tenant.slug_taken
(409), tenant.slug_invalid, tenant.too_deep, tenancy.permission_missing. May be repeated with an
Idempotency-Key.';

--
-- Name: delete_role(text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.delete_role(slug text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'delete_role',
            jsonb_build_object('slug', delete_role.slug)
        ),
        core.store_answer(core.delete_role(delete_role.slug))
    );
end
$$;

ALTER FUNCTION v1.delete_role(slug text) OWNER TO postgres;

--
-- Name: FUNCTION delete_role(slug text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.delete_role(slug text) IS 'Removes a role of the tenant that nobody holds. Needs core.roles.write and all that it grants.
Raises role.unknown (404), role.in_use (409).';

--
-- Name: delete_team(text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.delete_team(slug text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'delete_team',
            jsonb_build_object('slug', delete_team.slug)
        ),
        core.store_answer(core.delete_team(delete_team.slug))
    );
end
$$;

ALTER FUNCTION v1.delete_team(slug text) OWNER TO postgres;

--
-- Name: FUNCTION delete_team(slug text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.delete_team(slug text) IS 'Removes a team. Needs core.members.write. Raises team.unknown (404).';

--
-- Name: erase_person(uuid, text, text, boolean); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.erase_person(user_id uuid DEFAULT NULL::uuid, email text DEFAULT NULL::text, phone text DEFAULT NULL::text, dry_run boolean DEFAULT true) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return core.erase_person(
        core.person_asked(erase_person.user_id, erase_person.email, erase_person.phone),
        coalesce(erase_person.dry_run, true)
    );
end
$$;

ALTER FUNCTION v1.erase_person(user_id uuid, email text, phone text, dry_run boolean) OWNER TO postgres;

--
-- Name: FUNCTION erase_person(user_id uuid, email text, phone text, dry_run boolean); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.erase_person(user_id uuid, email text, phone text, dry_run boolean) IS 'Erases what your tenant stores about a person, by the methods of the data map, at once or not at
all; as a dry run, unless dry_run is false, only says what it would do: {dry_run, tenant_id,
blockers, operator, tables: [{table, subject, method, columns, rows, reason}], rows}, and once it
is done {erasure_id, digest}, the proof that v1.erasures keeps. A user loses the membership of
this tenant and stays a user. Needs core.privacy.erase in one tenant. Raises
privacy.person_missing (400), privacy.person_unknown (404, also when there is nothing left),
privacy.legal_hold (409), privacy.last_owner (409), tenancy.permission_missing (403), also where
an owner would be erased by who has not core.tenants.own. Signed-in users may call it.';

--
-- Name: erasures; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.erasures (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    erased_at timestamp with time zone DEFAULT now() NOT NULL,
    erased_by uuid DEFAULT core.caller_id(),
    erased_by_kind text DEFAULT (core.caller()).kind NOT NULL,
    subject_salt bytea NOT NULL,
    subject_hashes bytea[] NOT NULL,
    counts jsonb NOT NULL,
    rows bigint NOT NULL,
    digest bytea NOT NULL
);

ALTER TABLE core.erasures OWNER TO postgres;

--
-- Name: TABLE erasures; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.erasures IS 'Proof that persons were erased: who asked, when, and what was done to how many rows. The person is
in it as hashes only.';

--
-- Name: COLUMN erasures.counts; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.erasures.counts IS 'What was done, by table and link: [{table, subject, method, columns, rows, reason}].';

--
-- Name: COLUMN erasures.digest; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.erasures.digest IS 'SHA-256 of what core.erasure_digest puts together; the audit has it too.';

--
-- Name: erasures; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.erasures WITH (security_invoker='true') AS
 SELECT erasures.tenant_id,
    erasures.id,
    erasures.erased_at,
    erasures.erased_by,
    erasures.erased_by_kind,
    erasures.counts,
    erasures.rows,
    erasures.digest,
    erasures.subject_salt,
    erasures.subject_hashes,
    (erasures.digest = core.erasure_digest(erasures.tenant_id, erasures.id, erasures.erased_at, erasures.subject_hashes, erasures.counts)) AS is_intact
   FROM core.erasures;

ALTER TABLE v1.erasures OWNER TO postgres;

--
-- Name: VIEW erasures; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.erasures IS 'Proof of what was erased: when, by whom, how many rows of which tables. Whom it was about is there
as hashes: v1.erasures_of finds them. is_intact: whether the digest fits. Needs core.privacy.read.';

--
-- Name: erasures_of(uuid, text, text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.erasures_of(user_id uuid DEFAULT NULL::uuid, email text DEFAULT NULL::text, phone text DEFAULT NULL::text) RETURNS SETOF v1.erasures
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    asked constant jsonb := core.person_asked(
        erasures_of.user_id, erasures_of.email, erasures_of.phone
    );
begin
    return query
    select *
    from v1.erasures
    where erasures.subject_hashes && core.subject_hashes(erasures.subject_salt, asked)
    order by erasures.erased_at desc;
end
$$;

ALTER FUNCTION v1.erasures_of(user_id uuid, email text, phone text) OWNER TO postgres;

--
-- Name: FUNCTION erasures_of(user_id uuid, email text, phone text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.erasures_of(user_id uuid, email text, phone text) IS 'The proofs that this person was erased, the latest first. Needs core.privacy.read.
Raises privacy.person_missing (400). Signed-in users may call it.';

--
-- Name: events_since(bigint, text[], integer); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.events_since(after bigint DEFAULT 0, types text[] DEFAULT NULL::text[], limit_to integer DEFAULT 500) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.events.read');
    unknown text;
    newest bigint;
    expired bigint;
    scanned_from bigint;
    scanned_to bigint;
    found_events jsonb;
    found_count bigint;
    found_last bigint;
begin
    if (
        events_since.after between 0 and 9223372036854775807 - core.events_limit_max()
        and events_since.limit_to between 1 and core.events_limit_max()
    ) is not true then
        perform core.fail(
            'event.since_invalid', jsonb_build_object('limit_max', core.events_limit_max())
        );
    end if;
    select wanted.type into unknown
    from unnest(events_since.types) as wanted (type)
    where not exists (select from core.event_types where event_types.type = wanted.type)
    limit 1;
    if found then
        perform core.fail('event.type_unknown', jsonb_build_object('type', unknown));
    end if;

    -- One snapshot for all that follows, because the function is stable.
    newest := core.readable_last_event_number(owner_id);
    select coalesce(max(expiries.expired_number), 0) into expired
    from core.event_expiries as expiries
    where expiries.tenant_id = owner_id;
    scanned_from := greatest(events_since.after, expired);
    scanned_to := least(newest, scanned_from + core.events_scan_max());
    select
        coalesce(jsonb_agg(to_jsonb(page) order by page.number), '[]'),
        count(*),
        max(page.number)
    into found_events, found_count, found_last
    from (
        select events.*
        from v1.events
        where
            events.tenant_id = owner_id
            and events.number > scanned_from
            and events.number <= scanned_to
            and (events_since.types is null or events.type = any(events_since.types))
        order by events.number
        limit events_since.limit_to
    ) as page;
    return jsonb_build_object(
        'events', found_events,
        'complete_to', case when found_count = events_since.limit_to
            then found_last else scanned_to
        end,
        'newest', newest,
        'gap', events_since.after not between expired and newest
    );
end
$$;

ALTER FUNCTION v1.events_since(after bigint, types text[], limit_to integer) OWNER TO postgres;

--
-- Name: FUNCTION events_since(after bigint, types text[], limit_to integer); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.events_since(after bigint, types text[], limit_to integer) IS 'The events of a tenant after a number, of some types or of all, in order: {events, complete_to,
newest, gap}. complete_to: there is nothing up to this number that you have not been given and may
see; ask after it next, at once while it is below newest. gap: what you ask for is not all there any
more, because events after your number have expired, or your number is none of this database (it was
restored from a backup): read the records anew, then go on from complete_to. limit_to: 1 to 1000.
Where you may follow several tenants, x-tenant-id names one. Raises event.since_invalid (400),
event.type_unknown (400), tenancy.permission_missing (403), tenancy.ambiguous (400).
Needs core.events.read, and sees what v1.events shows you.';

--
-- Name: explain_access(text, uuid, uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.explain_access(permission text, tenant_id uuid, user_id uuid DEFAULT NULL::uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return core.explain_access(
        explain_access.permission, explain_access.tenant_id, explain_access.user_id
    );
end
$$;

ALTER FUNCTION v1.explain_access(permission text, tenant_id uuid, user_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION explain_access(permission text, tenant_id uuid, user_id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.explain_access(permission text, tenant_id uuid, user_id uuid) IS 'Why you have or lack a permission in a tenant; with user_id, why that user does, which takes
core.members.read there. Returns {allowed, scope, reasons: [{code, tenant_id, tenant, role,
scope}]}, a reason for each role held in the tenant or above it. code: granted, no_membership,
membership_suspended, role_lacks_permission, role_stays_in_its_tenant (held above, and does not
reach down), tenant_suspended, tenant_closing, narrowed_by_header, bypasses_policies (the service
role), no_principal. Raises role.grant_unknown (400).';

--
-- Name: export_audit(timestamp with time zone, timestamp with time zone, bigint, integer); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.export_audit("from" timestamp with time zone DEFAULT NULL::timestamp with time zone, "to" timestamp with time zone DEFAULT NULL::timestamp with time zone, after bigint DEFAULT 0, page integer DEFAULT 1000) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return core.export_own_audit("from", "to", after, page);
end
$$;

ALTER FUNCTION v1.export_audit("from" timestamp with time zone, "to" timestamp with time zone, after bigint, page integer) OWNER TO postgres;

--
-- Name: FUNCTION export_audit("from" timestamp with time zone, "to" timestamp with time zone, after bigint, page integer); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.export_audit("from" timestamp with time zone, "to" timestamp with time zone, after bigint, page integer) IS 'A page of the audit trail of your tenant, from a time to before another, in a form that can be
checked without this database (docs/audit-format.md): entries as lines, and the seals that hold
them. {tenant_id, entries: [{id, seal, line, values}], seals: [{number, hash, text}], next}: ask for
what comes after `next` until it is null. page: how many entries, at most 5,000. Each call is itself
an entry. Needs core.audit.read.';

--
-- Name: export_me(jsonb); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.export_me(after jsonb DEFAULT NULL::jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return core.export_me(export_me.after);
end
$$;

ALTER FUNCTION v1.export_me(after jsonb) OWNER TO postgres;

--
-- Name: FUNCTION export_me(after jsonb); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.export_me(after jsonb) IS 'Everything that is stored about you, in all tenants of which you are an active member, or in the
one that x-tenant-id names; pages as v1.export_person gives them. By e-mail address and phone
number only what is about those that are confirmed. Raises privacy.not_a_user (403),
privacy.person_unknown (404, for members of no tenant), privacy.position_invalid (400). Signed-in
users may call it.';

--
-- Name: export_person(uuid, text, text, jsonb); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.export_person(user_id uuid DEFAULT NULL::uuid, email text DEFAULT NULL::text, phone text DEFAULT NULL::text, after jsonb DEFAULT NULL::jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return core.export_person(
        core.person_asked(export_person.user_id, export_person.email, export_person.phone),
        export_person.after
    );
end
$$;

ALTER FUNCTION v1.export_person(user_id uuid, email text, phone text, after jsonb) OWNER TO postgres;

--
-- Name: FUNCTION export_person(user_id uuid, email text, phone text, after jsonb); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.export_person(user_id uuid, email text, phone text, after jsonb) IS 'Everything that your tenant stores about a person, who is named by one or more of user_id, email
and phone: {tenant_id, identifiers, tables: [{table, subject, categories, rows}], rows, next}. A
page has at most 1000 rows; while next is not null, ask again with it as after. Each page is
written into v1.export_log. Needs core.privacy.export in one tenant. Raises privacy.person_missing
(400), privacy.person_unknown (404), privacy.position_invalid (400). Signed-in users may call it.';

--
-- Name: export_log; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.export_log (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    exported_at timestamp with time zone DEFAULT now() NOT NULL,
    exported_by uuid DEFAULT core.caller_id(),
    exported_by_kind text DEFAULT (core.caller()).kind NOT NULL,
    scope text NOT NULL,
    subject_salt bytea NOT NULL,
    subject_hashes bytea[] NOT NULL,
    rows integer NOT NULL,
    is_last boolean NOT NULL,
    CONSTRAINT scope_is_known CHECK ((scope = ANY (ARRAY['person'::text, 'self'::text])))
);

ALTER TABLE core.export_log OWNER TO postgres;

--
-- Name: TABLE export_log; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.export_log IS 'Who exported what is stored about a person, and when: a row for each page. It outlives the person,
who is in it as hashes only.';

--
-- Name: COLUMN export_log.scope; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.export_log.scope IS 'person: somebody with core.privacy.export asked. self: the person did.';

--
-- Name: COLUMN export_log.is_last; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.export_log.is_last IS 'Whether nothing came after this page.';

--
-- Name: export_log; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.export_log WITH (security_invoker='true') AS
 SELECT export_log.tenant_id,
    export_log.id,
    export_log.exported_at,
    export_log.exported_by,
    export_log.exported_by_kind,
    export_log.scope,
    export_log.rows,
    export_log.is_last,
    export_log.subject_salt,
    export_log.subject_hashes
   FROM core.export_log;

ALTER TABLE v1.export_log OWNER TO postgres;

--
-- Name: VIEW export_log; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.export_log IS 'Who exported what is stored about a person, a row for each page. Whose data it was is there as
hashes: v1.exports_of finds them. Needs core.privacy.read.';

--
-- Name: exports_of(uuid, text, text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.exports_of(user_id uuid DEFAULT NULL::uuid, email text DEFAULT NULL::text, phone text DEFAULT NULL::text) RETURNS SETOF v1.export_log
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    asked constant jsonb := core.person_asked(
        exports_of.user_id, exports_of.email, exports_of.phone
    );
begin
    return query
    select *
    from v1.export_log
    where export_log.subject_hashes && core.subject_hashes(export_log.subject_salt, asked)
    order by export_log.exported_at desc;
end
$$;

ALTER FUNCTION v1.exports_of(user_id uuid, email text, phone text) OWNER TO postgres;

--
-- Name: FUNCTION exports_of(user_id uuid, email text, phone text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.exports_of(user_id uuid, email text, phone text) IS 'Who exported this person''s data, the latest first. Needs core.privacy.read.
Raises privacy.person_missing (400). Signed-in users may call it.';

--
-- Name: history(text, jsonb); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.history(table_name text, record jsonb) RETURNS TABLE(id bigint, at timestamp with time zone, operation text, old jsonb, new jsonb, event text, details jsonb, caller_kind text, caller_id uuid, origin jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query select * from core.own_history(history.table_name, history.record);
end
$$;

ALTER FUNCTION v1.history(table_name text, record jsonb) OWNER TO postgres;

--
-- Name: FUNCTION history(table_name text, record jsonb); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.history(table_name text, record jsonb) IS 'What happened to one record, oldest first, with the personal values that are not erased. table_name
with its schema, as in v1.audit; record: its id, or its key as an object. Needs core.audit.read.';

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
-- Name: insert_once(text, jsonb); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.insert_once(into_view text, rows jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;

ALTER FUNCTION v1.insert_once(into_view text, rows jsonb) OWNER TO postgres;

--
-- Name: FUNCTION insert_once(into_view text, rows jsonb); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.insert_once(into_view text, rows jsonb) IS 'Inserts rows through a view of this API as a POST to the view does, once for each Idempotency-Key:
sent again with the same key, it inserts nothing and returns the answer of the first time.
into_view: the name of the view; rows: one object, or an array of objects of the same keys, which
are columns; columns left out have their defaults. Returns the rows as the view shows them, so that
you need to be allowed to read what you insert. Raises insert.view_unknown (404), insert.column_unknown
(400), insert.rows_invalid (400), the errors of the header, and those of the insert.
Needs what inserting into the view needs.';

--
-- Name: invite(text, text, integer); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.invite(email text, role text, valid_hours integer DEFAULT 168) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'invite',
            jsonb_build_object(
                'email', invite.email, 'role', invite.role,
                'valid_hours', invite.valid_hours
            )
        ),
        core.store_answer(core.invite(invite.email, invite.role, invite.valid_hours), '{token}')
    );
end
$$;

ALTER FUNCTION v1.invite(email text, role text, valid_hours integer) OWNER TO postgres;

--
-- Name: FUNCTION invite(email text, role text, valid_hours integer); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.invite(email text, role text, valid_hours integer) IS 'Invites an address into the tenant, in a role; a mail goes out. Returns {id, tenant_id, email,
role, expires_at, token}; the token is shown this once. An invitation of the same address before
it is revoked. Needs core.members.write and all that the role grants. Raises access.beyond_own,
invitation.already_member (409), invitation.domain_refused, role.unknown. May be repeated with an
Idempotency-Key.';

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
-- Name: leave_tenant(uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.leave_tenant(tenant_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'leave_tenant',
            jsonb_build_object('tenant_id', leave_tenant.tenant_id)
        ),
        core.store_answer(core.leave_tenant(leave_tenant.tenant_id))
    );
end
$$;

ALTER FUNCTION v1.leave_tenant(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION leave_tenant(tenant_id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.leave_tenant(tenant_id uuid) IS 'Ends your own membership. Raises member.last_owner (409), member.unknown (404).';

--
-- Name: mark_sensitive(text, uuid, text, boolean); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.mark_sensitive(table_name text, id uuid, reason text, sensitive boolean DEFAULT true) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    marked constant regclass := to_regclass(table_name);
begin
    if marked is null then
        perform core.fail(
            'sensitive.not_found',
            jsonb_build_object('id', mark_sensitive.id, 'table', table_name)
        );
    end if;
    perform core.mark_sensitive(marked, mark_sensitive.id, reason, sensitive);
end
$$;

ALTER FUNCTION v1.mark_sensitive(table_name text, id uuid, reason text, sensitive boolean) OWNER TO postgres;

--
-- Name: FUNCTION mark_sensitive(table_name text, id uuid, reason text, sensitive boolean); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.mark_sensitive(table_name text, id uuid, reason text, sensitive boolean) IS 'Marks a record as sensitive, so that reads do not return it any more and v1.open_record alone does;
with sensitive false takes the mark away. table_name with its schema, as in v1.audit. Needs
core.sensitive.write. Raises sensitive.not_found (404) and sensitive.reason_missing (400).';

--
-- Name: move_tenant(uuid, uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.move_tenant(tenant_id uuid, parent_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'move_tenant',
            jsonb_build_object(
                'tenant_id', move_tenant.tenant_id, 'parent_id', move_tenant.parent_id
            )
        ),
        core.store_answer(core.move_tenant(move_tenant.tenant_id, move_tenant.parent_id))
    );
end
$$;

ALTER FUNCTION v1.move_tenant(tenant_id uuid, parent_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION move_tenant(tenant_id uuid, parent_id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.move_tenant(tenant_id uuid, parent_id uuid) IS 'Moves a tenant with all below it under another one. Needs core.tenants.create in both tenants
above, or to own the tenant where only the platform is above it. Returns the tenant. Raises
tenant.below_itself (409), tenant.too_deep (422), tenancy.permission_missing.';

--
-- Name: my_access(); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.my_access() RETURNS TABLE(tenant_id uuid, tenant text, role text, permissions jsonb, hidden_fields jsonb, team_ids uuid[])
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return query select mine.* from core.my_access() as mine;
end
$$;

ALTER FUNCTION v1.my_access() OWNER TO postgres;

--
-- Name: FUNCTION my_access(); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.my_access() IS 'What you may do: a row for each tenant that you belong to, or for the one that x-tenant-id names,
reached from above too. role: null where a role held above reaches down. permissions: {permission:
widest scope}; hidden_fields: {object: [field]}. Users and API keys may call it.';

--
-- Name: open_record(text, uuid, text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.open_record(table_name text, id uuid, reason text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
    begun record;
    found_record jsonb;
begin
    begun := core.begin_sensitive_read(table_name, open_record.id, reason);
    -- As the caller: every other policy of the table decides as it always does.
    execute format(
        'select to_jsonb(records) from %s as records '
        'where records.tenant_id = $1 and records.id = $2', begun.opened
    )
    into found_record
    using begun.tenant_id, open_record.id;
    perform set_config('tenon.opened', '', true);
    if found_record is null then
        perform core.fail(
            'sensitive.not_found',
            jsonb_build_object('id', open_record.id, 'table', table_name)
        );
    end if;
    return core.without_hidden_fields(found_record, begun.opened, begun.tenant_id);
end
$_$;

ALTER FUNCTION v1.open_record(table_name text, id uuid, reason text) OWNER TO postgres;

--
-- Name: FUNCTION open_record(table_name text, id uuid, reason text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.open_record(table_name text, id uuid, reason text) IS 'Returns a record that is marked sensitive, after it has written down who opened it and why.
table_name with its schema, as in v1.audit. Needs core.sensitive.read besides what the table itself
needs. Raises sensitive.not_found (404) and sensitive.reason_missing (400).';

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
-- Name: record_consent(text, text, uuid, text, text, text, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.record_consent(purpose text, source text, user_id uuid DEFAULT NULL::uuid, email text DEFAULT NULL::text, phone text DEFAULT NULL::text, legal_basis text DEFAULT 'consent'::text, given_at timestamp with time zone DEFAULT now(), channel text DEFAULT NULL::text, proof_text text DEFAULT NULL::text, proof_version text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return core.record_consent(
        core.person_asked(record_consent.user_id, record_consent.email, record_consent.phone),
        record_consent.purpose,
        record_consent.legal_basis,
        record_consent.given_at,
        record_consent.source,
        record_consent.channel,
        record_consent.proof_text,
        record_consent.proof_version
    );
end
$$;

ALTER FUNCTION v1.record_consent(purpose text, source text, user_id uuid, email text, phone text, legal_basis text, given_at timestamp with time zone, channel text, proof_text text, proof_version text) OWNER TO postgres;

--
-- Name: FUNCTION record_consent(purpose text, source text, user_id uuid, email text, phone text, legal_basis text, given_at timestamp with time zone, channel text, proof_text text, proof_version text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.record_consent(purpose text, source text, user_id uuid, email text, phone text, legal_basis text, given_at timestamp with time zone, channel text, proof_text text, proof_version text) IS 'Records that a person has consented to a purpose, or on what other legal basis of Art. 6(1) GDPR
their data are used for it; source says where that comes from, proof_text and proof_version what
they agreed to. Returns its id. Needs core.privacy.write. Raises privacy.person_missing (400),
privacy.consent_invalid (400). Signed-in users may call it.';

--
-- Name: release_legal_hold(uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.release_legal_hold(id uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    perform core.release_legal_hold(release_legal_hold.id);
end
$$;

ALTER FUNCTION v1.release_legal_hold(id uuid) OWNER TO postgres;

--
-- Name: FUNCTION release_legal_hold(id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.release_legal_hold(id uuid) IS 'Ends a legal hold. Needs core.privacy.erase. Raises privacy.hold_unknown (404).
Signed-in users may call it.';

--
-- Name: remove_member(uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.remove_member(user_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'remove_member',
            jsonb_build_object('user_id', remove_member.user_id)
        ),
        core.store_answer(core.remove_member(remove_member.user_id))
    );
end
$$;

ALTER FUNCTION v1.remove_member(user_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION remove_member(user_id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.remove_member(user_id uuid) IS 'Takes a member out of the tenant. Needs core.members.write and all that the member''s role grants.
Raises access.beyond_own, member.last_owner (409), member.unknown (404).';

--
-- Name: resume_member(uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.resume_member(user_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'resume_member',
            jsonb_build_object('user_id', resume_member.user_id)
        ),
        core.store_answer(core.set_member_status(resume_member.user_id, 'active'))
    );
end
$$;

ALTER FUNCTION v1.resume_member(user_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION resume_member(user_id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.resume_member(user_id uuid) IS 'Takes back v1.suspend_member.';

--
-- Name: resume_tenant(uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.resume_tenant(tenant_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'resume_tenant',
            jsonb_build_object('tenant_id', resume_tenant.tenant_id)
        ),
        core.store_answer(core.resume_tenant(resume_tenant.tenant_id))
    );
end
$$;

ALTER FUNCTION v1.resume_tenant(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION resume_tenant(tenant_id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.resume_tenant(tenant_id uuid) IS 'Takes back v1.suspend_tenant, for the tenant and those that it stopped with it, or v1.close_tenant.
Needs core.tenants.suspend above it, or to own it where it closes. Returns the tenant.';

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
-- Name: revoke_api_key(uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.revoke_api_key(id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'revoke_api_key',
            jsonb_build_object('id', revoke_api_key.id)
        ),
        core.store_answer(core.revoke_api_key(revoke_api_key.id))
    );
end
$$;

ALTER FUNCTION v1.revoke_api_key(id uuid) OWNER TO postgres;

--
-- Name: FUNCTION revoke_api_key(id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.revoke_api_key(id uuid) IS 'Makes an API key worthless from the next request on. Needs core.api_keys.write.
Raises api_key.unknown (404).';

--
-- Name: revoke_device_credential(uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.revoke_device_credential(id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'revoke_device_credential',
            jsonb_build_object('id', revoke_device_credential.id)
        ),
        core.store_answer(iot.revoke_device_credential(revoke_device_credential.id))
    );
end
$$;

ALTER FUNCTION v1.revoke_device_credential(id uuid) OWNER TO postgres;

--
-- Name: FUNCTION revoke_device_credential(id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.revoke_device_credential(id uuid) IS 'Makes a device''s token or certificate worthless from the next request on. Needs iot.devices.write.
Raises device.credential_unknown (404).';

--
-- Name: revoke_invitation(uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.revoke_invitation(id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'revoke_invitation',
            jsonb_build_object('id', revoke_invitation.id)
        ),
        core.store_answer(core.revoke_invitation(revoke_invitation.id))
    );
end
$$;

ALTER FUNCTION v1.revoke_invitation(id uuid) OWNER TO postgres;

--
-- Name: FUNCTION revoke_invitation(id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.revoke_invitation(id uuid) IS 'Makes an invitation that nobody has accepted worthless. Needs core.members.write.
Raises invitation.invalid (404).';

--
-- Name: rotate_api_key(uuid, interval); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.rotate_api_key(id uuid, overlap interval DEFAULT '24:00:00'::interval) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'rotate_api_key',
            jsonb_build_object('id', rotate_api_key.id, 'overlap', rotate_api_key.overlap)
        ),
        core.store_answer(core.rotate_api_key(rotate_api_key.id, rotate_api_key.overlap), '{token}')
    );
end
$$;

ALTER FUNCTION v1.rotate_api_key(id uuid, overlap interval) OWNER TO postgres;

--
-- Name: FUNCTION rotate_api_key(id uuid, overlap interval); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.rotate_api_key(id uuid, overlap interval) IS 'Gives an API key a new secret; those before stay valid for the overlap. Returns {id, tenant_id,
hint, token, former_until}. Needs core.api_keys.write and all that the key holds. Raises
api_key.unknown (404), api_key.overlap_invalid, access.beyond_own. May be repeated with an
Idempotency-Key.';

--
-- Name: save_role(text, text, jsonb, jsonb); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.save_role(slug text, name text, permissions jsonb, hidden_fields jsonb DEFAULT '{}'::jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'save_role',
            jsonb_build_object(
                'slug', save_role.slug, 'name', save_role.name,
                'permissions', save_role.permissions,
                'hidden_fields', save_role.hidden_fields
            )
        ),
        core.store_answer(
            core.save_role(
                save_role.slug, save_role.name, save_role.permissions, save_role.hidden_fields
            )
        )
    );
end
$$;

ALTER FUNCTION v1.save_role(slug text, name text, permissions jsonb, hidden_fields jsonb) OWNER TO postgres;

--
-- Name: FUNCTION save_role(slug text, name text, permissions jsonb, hidden_fields jsonb); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.save_role(slug text, name text, permissions jsonb, hidden_fields jsonb) IS 'Makes or replaces a role of the tenant. permissions: {permission: scope}, the scope own, team,
tenant or descendants; or a list, each in the tenant. hidden_fields: {object: [field]} that the
role is kept from. Needs core.roles.write and all that the role grants, before and after. Returns
{tenant_id, id, slug, name}. Raises access.beyond_own, role.slug_invalid, role.grant_unknown,
role.field_unknown.';

--
-- Name: save_team(text, text, uuid[]); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.save_team(slug text, name text, user_ids uuid[] DEFAULT NULL::uuid[]) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'save_team',
            jsonb_build_object(
                'slug', save_team.slug, 'name', save_team.name,
                'user_ids', save_team.user_ids
            )
        ),
        core.store_answer(core.save_team(save_team.slug, save_team.name, save_team.user_ids))
    );
end
$$;

ALTER FUNCTION v1.save_team(slug text, name text, user_ids uuid[]) OWNER TO postgres;

--
-- Name: FUNCTION save_team(slug text, name text, user_ids uuid[]); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.save_team(slug text, name text, user_ids uuid[]) IS 'Makes or renames a team, and sets who belongs to it; null leaves that as it is. Needs
core.members.write. Returns {tenant_id, id, slug, name, user_ids}. Raises member.unknown (404).';

--
-- Name: set_active_tenant(uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.set_active_tenant(tenant_id uuid) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    BEGIN ATOMIC
 SELECT core.set_active_tenant(tenant_id) AS set_active_tenant;
END;

ALTER FUNCTION v1.set_active_tenant(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION set_active_tenant(tenant_id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.set_active_tenant(tenant_id uuid) IS 'Chooses the tenant that you work in; null for none. Access tokens name it from the next one on (let
the client refresh its session). It changes nothing about what you may do.
Raises tenancy.not_a_member (403). Signed-in users may call it.';

--
-- Name: set_legal_hold(text, uuid, text, text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.set_legal_hold(reason text, user_id uuid DEFAULT NULL::uuid, email text DEFAULT NULL::text, phone text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return core.set_legal_hold(
        set_legal_hold.reason,
        core.person_asked(set_legal_hold.user_id, set_legal_hold.email, set_legal_hold.phone)
    );
end
$$;

ALTER FUNCTION v1.set_legal_hold(reason text, user_id uuid, email text, phone text) OWNER TO postgres;

--
-- Name: FUNCTION set_legal_hold(reason text, user_id uuid, email text, phone text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.set_legal_hold(reason text, user_id uuid, email text, phone text) IS 'Keeps everything about a person from being erased, and from retention, for a reason. Returns the id
of the hold. Needs core.privacy.erase. Raises privacy.person_missing (400) and
privacy.reason_missing (400). Signed-in users may call it.';

--
-- Name: set_member_role(uuid, text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.set_member_role(user_id uuid, role text) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'set_member_role',
            jsonb_build_object(
                'user_id', set_member_role.user_id, 'role', set_member_role.role
            )
        ),
        core.store_answer(core.set_member_role(set_member_role.user_id, set_member_role.role))
    );
end
$$;

ALTER FUNCTION v1.set_member_role(user_id uuid, role text) OWNER TO postgres;

--
-- Name: FUNCTION set_member_role(user_id uuid, role text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.set_member_role(user_id uuid, role text) IS 'Gives a member another role. Needs core.members.write, and all that the old and the new role grant.
Returns {tenant_id, user_id, role, status}. Raises access.beyond_own, member.last_owner (409),
member.unknown, role.unknown (404).';

--
-- Name: rate_limits; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.rate_limits WITH (security_invoker='true') AS
 SELECT rate_limits.tenant_id,
    rate_limits.dimension,
    NULLIF(rate_limits.action, ''::text) AS action,
    rate_limits.limits,
    rate_limits.set_by,
    rate_limits.created_at
   FROM core.rate_limits;

ALTER TABLE v1.rate_limits OWNER TO postgres;

--
-- Name: VIEW rate_limits; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.rate_limits IS 'The limits of requests: the defaults, which are of the platform''s tenant, and those of your
tenants. dimension: who is counted together; action: what is counted, null for all requests; set_by:
platform, in place of the default, or tenant, beside it. The defaults are for everybody who signs
in; the rest needs core.limits.read. v1.set_rate_limit and v1.clear_rate_limit change them.';

--
-- Name: set_rate_limit(text, text, text); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.set_rate_limit(dimension text, limits text, action text DEFAULT NULL::text) RETURNS v1.rate_limits
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
    stored constant core.rate_limits := core.set_rate_limit(dimension, limits, action);
begin
    return (
        stored.tenant_id, stored.dimension, nullif(stored.action, ''), stored.limits,
        stored.set_by, stored.created_at
    )::v1.rate_limits;
end
$$;

ALTER FUNCTION v1.set_rate_limit(dimension text, limits text, action text) OWNER TO postgres;

--
-- Name: FUNCTION set_rate_limit(dimension text, limits text, action text); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.set_rate_limit(dimension text, limits text, action text) IS 'Limits the requests of your tenant: dimension is who is counted together (tenant, principal
or address), limits how many are let through, as 100/1m, 1000/1h burst 20, and action what
is counted (rpc/move, get/contacts), without which it is every request. It holds beside the limits of
the platform, and so only tightens them; set by the service role it takes the default''s place.
Replaces the limit that was there. Returns it. Raises limit.invalid (400) with the position of the
mistake, limit.dimension_unknown (400), limit.action_invalid (400), limit.too_many (422).
Needs core.limits.write.';

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
    owner_id constant uuid := core.sole_tenant_with('iot.retention.write');
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
        changed_by = core.caller_id();

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
-- Name: suspend_member(uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.suspend_member(user_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'suspend_member',
            jsonb_build_object('user_id', suspend_member.user_id)
        ),
        core.store_answer(core.set_member_status(suspend_member.user_id, 'suspended'))
    );
end
$$;

ALTER FUNCTION v1.suspend_member(user_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION suspend_member(user_id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.suspend_member(user_id uuid) IS 'Shuts a member out until v1.resume_member. Needs core.members.write and all that the member''s role
grants. Raises access.beyond_own, member.last_owner (409), member.unknown (404).';

--
-- Name: suspend_tenant(uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.suspend_tenant(tenant_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'suspend_tenant',
            jsonb_build_object('tenant_id', suspend_tenant.tenant_id)
        ),
        core.store_answer(core.suspend_tenant(suspend_tenant.tenant_id))
    );
end
$$;

ALTER FUNCTION v1.suspend_tenant(tenant_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION suspend_tenant(tenant_id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.suspend_tenant(tenant_id uuid) IS 'Stops a tenant and all below it at once: users, keys and devices. Needs core.tenants.suspend in the
tenant above it, for what is below. Returns the tenant. Raises tenancy.permission_missing.';

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
-- Name: transfer_ownership(uuid); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.transfer_ownership(user_id uuid) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return coalesce(
        core.stored_answer(
            'transfer_ownership',
            jsonb_build_object('user_id', transfer_ownership.user_id)
        ),
        core.store_answer(core.transfer_ownership(transfer_ownership.user_id))
    );
end
$$;

ALTER FUNCTION v1.transfer_ownership(user_id uuid) OWNER TO postgres;

--
-- Name: FUNCTION transfer_ownership(user_id uuid); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.transfer_ownership(user_id uuid) IS 'Makes a member the owner, and you an administrator. Needs core.tenants.own.
Raises member.unknown (404), member.suspended (409).';

--
-- Name: verify_audit(jsonb); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.verify_audit(checkpoint jsonb DEFAULT NULL::jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return core.verify_own_audit(checkpoint);
end
$$;

ALTER FUNCTION v1.verify_audit(checkpoint jsonb) OWNER TO postgres;

--
-- Name: FUNCTION verify_audit(checkpoint jsonb); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.verify_audit(checkpoint jsonb) IS 'Whether the audit trail of your tenant is what was sealed: {ok, findings, findings_total} and what
v1.audit_checkpoint returns. A finding names what was done and where: entry_edited, entry_swapped,
entry_missing, entry_tail_cut, entry_added, value_edited, seal_edited, seal_unlinked, seal_missing,
seals_cut, head_edited, anchor_differs, anchor_missing, anchor_unsealed, checkpoint_differs.
checkpoint: what v1.audit_checkpoint returned once. Needs core.audit.read. Raises
audit.checkpoint_invalid (400).';

--
-- Name: withdraw_consent(text, text, uuid, text, text, timestamp with time zone); Type: FUNCTION; Schema: v1; Owner: postgres
--

CREATE FUNCTION v1.withdraw_consent(purpose text, source text, user_id uuid DEFAULT NULL::uuid, email text DEFAULT NULL::text, phone text DEFAULT NULL::text, withdrawn_at timestamp with time zone DEFAULT now()) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    return core.withdraw_consent(
        core.person_asked(
            withdraw_consent.user_id, withdraw_consent.email, withdraw_consent.phone
        ),
        withdraw_consent.purpose,
        withdraw_consent.withdrawn_at,
        withdraw_consent.source
    );
end
$$;

ALTER FUNCTION v1.withdraw_consent(purpose text, source text, user_id uuid, email text, phone text, withdrawn_at timestamp with time zone) OWNER TO postgres;

--
-- Name: FUNCTION withdraw_consent(purpose text, source text, user_id uuid, email text, phone text, withdrawn_at timestamp with time zone); Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON FUNCTION v1.withdraw_consent(purpose text, source text, user_id uuid, email text, phone text, withdrawn_at timestamp with time zone) IS 'Records that a person has withdrawn their consent to a purpose, or objects to what is done on
another basis: ends all that is standing, and returns how many that were. Needs
core.privacy.write. Raises privacy.person_missing (400), privacy.consent_invalid (400),
privacy.consent_unknown (404). Signed-in users may call it.';

--
-- Name: api_key_secrets; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.api_key_secrets (
    tenant_id uuid NOT NULL,
    api_key_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    token_hash bytea NOT NULL,
    hint text NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT core.caller_id()
);

ALTER TABLE core.api_key_secrets OWNER TO postgres;

--
-- Name: TABLE api_key_secrets; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.api_key_secrets IS 'What API keys prove themselves with. Nobody reads it but core.authenticate.';

--
-- Name: COLUMN api_key_secrets.token_hash; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.api_key_secrets.token_hash IS 'SHA-256 of the token, which has 160 random bits and needs no salt.';

--
-- Name: COLUMN api_key_secrets.hint; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.api_key_secrets.hint IS 'The first characters of the token, for lists.';

--
-- Name: COLUMN api_key_secrets.last_used_at; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.api_key_secrets.last_used_at IS 'True to a minute or so.';

--
-- Name: audit_anchors; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.audit_anchors (
    tenant_id uuid NOT NULL,
    number bigint NOT NULL,
    hash bytea NOT NULL,
    platform_number bigint NOT NULL
);

ALTER TABLE core.audit_anchors OWNER TO postgres;

--
-- Name: TABLE audit_anchors; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.audit_anchors IS 'Ends that chains of tenants had, as seals of the platform vouch for them. Append-only.';

--
-- Name: COLUMN audit_anchors.platform_number; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_anchors.platform_number IS 'The platform''s seal that holds the anchor.';

--
-- Name: audit_entries_default; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.audit_entries_default (
    tenant_id uuid NOT NULL,
    id bigint DEFAULT nextval('core.audit_entries_id_seq'::regclass) NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    operation text NOT NULL,
    table_name text,
    key jsonb,
    old jsonb,
    new jsonb,
    event text,
    details jsonb,
    caller_kind text NOT NULL,
    caller_id uuid,
    origin jsonb
);

ALTER TABLE core.audit_entries_default OWNER TO postgres;

--
-- Name: TABLE audit_entries_default; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.audit_entries_default IS 'Entries of months without a partition, so that no write fails for want of one. core.keep_audit
makes the partitions and moves the entries there.';

--
-- Name: audit_heads; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.audit_heads (
    tenant_id uuid NOT NULL,
    number bigint NOT NULL,
    hash bytea NOT NULL,
    entries bigint NOT NULL
);

ALTER TABLE core.audit_heads OWNER TO postgres;

--
-- Name: TABLE audit_heads; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.audit_heads IS 'The newest seal of each tenant. Only ever moves on.';

--
-- Name: COLUMN audit_heads.entries; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_heads.entries IS 'How many entries of the tenant are sealed.';

--
-- Name: audit_progress; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.audit_progress (
    tenant_id uuid DEFAULT core.platform_tenant_id() NOT NULL,
    sealed_up_to bigint DEFAULT 0 NOT NULL,
    open_ids bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    CONSTRAINT there_is_one CHECK ((tenant_id = '00000000-0000-0000-0000-000000000000'::uuid))
);

ALTER TABLE core.audit_progress OWNER TO postgres;

--
-- Name: TABLE audit_progress; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.audit_progress IS 'How far sealing has come: one row, of the platform.';

--
-- Name: COLUMN audit_progress.sealed_up_to; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_progress.sealed_up_to IS 'Every entry up to this id is sealed, or its id is among open_ids.';

--
-- Name: COLUMN audit_progress.open_ids; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_progress.open_ids IS 'Ids that had been given but not committed: of transactions still open then, or rolled back.';

--
-- Name: audit_values; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.audit_values (
    tenant_id uuid NOT NULL,
    entry_id bigint NOT NULL,
    column_name text NOT NULL,
    salt bytea NOT NULL,
    old json,
    new json
);

ALTER TABLE core.audit_values OWNER TO postgres;

--
-- Name: TABLE audit_values; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.audit_values IS 'Personal values that audit entries hold by reference, apart from them so that they can be erased.
Not for clients: v1.history and v1.export_audit show them to who may read the audit.';

--
-- Name: COLUMN audit_values.salt; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.audit_values.salt IS 'The entry holds SHA-256 of the salt and the value''s text: without the salt nobody can guess it.';

--
-- Name: consent_withdrawals; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.consent_withdrawals (
    tenant_id uuid NOT NULL,
    consent_id uuid NOT NULL,
    withdrawn_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    recorded_by uuid DEFAULT core.caller_id(),
    CONSTRAINT source_is_short CHECK (((char_length(source) >= 1) AND (char_length(source) <= 200)))
);

ALTER TABLE core.consent_withdrawals OWNER TO postgres;

--
-- Name: TABLE consent_withdrawals; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.consent_withdrawals IS 'Which consents have ended, and when: facts, which are never changed.';

--
-- Name: deliveries; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.deliveries (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    channel text NOT NULL,
    recipient text NOT NULL,
    recipient_masked text GENERATED ALWAYS AS (core.mask_recipient(channel, recipient)) STORED NOT NULL,
    template text NOT NULL,
    data jsonb NOT NULL,
    idempotency_key text,
    event_type text,
    status text DEFAULT 'queued'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT core.caller_id(),
    CONSTRAINT channel_is_a_word CHECK ((channel ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT data_is_an_object CHECK ((jsonb_typeof(data) = 'object'::text)),
    CONSTRAINT data_is_short CHECK ((octet_length((data)::text) <= 262144)),
    CONSTRAINT idempotency_key_is_short CHECK (((octet_length(idempotency_key) >= 1) AND (octet_length(idempotency_key) <= 255))),
    CONSTRAINT recipient_is_short CHECK (((char_length(recipient) >= 1) AND (char_length(recipient) <= 2000))),
    CONSTRAINT status_is_known CHECK ((status = 'queued'::text)),
    CONSTRAINT template_is_dotted CHECK ((template ~ '^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$'::text)),
    CONSTRAINT template_is_short CHECK ((octet_length(template) <= 100))
);

ALTER TABLE core.deliveries OWNER TO postgres;

--
-- Name: TABLE deliveries; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.deliveries IS 'The outbox: what has to reach the world outside, written with what it tells of.';

--
-- Name: COLUMN deliveries.channel; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.deliveries.channel IS 'How it goes: email, webhook, sms.';

--
-- Name: COLUMN deliveries.recipient; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.deliveries.recipient IS 'An address of the channel. Personal.';

--
-- Name: COLUMN deliveries.recipient_masked; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.deliveries.recipient_masked IS 'What members see of the recipient: a column, because a view that asks as its caller can only show
what its caller may read.';

--
-- Name: COLUMN deliveries.template; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.deliveries.template IS 'What it is, such as auth.recovery.';

--
-- Name: COLUMN deliveries.data; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.deliveries.data IS 'What the template is filled with. It may hold secrets, such as tokens to sign in with.';

--
-- Name: COLUMN deliveries.idempotency_key; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.deliveries.idempotency_key IS 'Two requests to deliver under one key are one delivery.';

--
-- Name: COLUMN deliveries.event_type; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.deliveries.event_type IS 'The type of the event that it was caused by: without a foreign key, as in core.events.';

--
-- Name: email_domain_rules; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.email_domain_rules (
    tenant_id uuid DEFAULT core.sole_tenant_with('core.sign_up.write'::text) NOT NULL,
    domain text NOT NULL,
    effect text NOT NULL,
    includes_subdomains boolean NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT core.caller_id(),
    CONSTRAINT domain_is_short CHECK (((char_length(domain) >= 1) AND (char_length(domain) <= 253))),
    CONSTRAINT effect_is_known CHECK ((effect = ANY (ARRAY['allow'::text, 'deny'::text])))
);

ALTER TABLE core.email_domain_rules OWNER TO postgres;

--
-- Name: TABLE email_domain_rules; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.email_domain_rules IS 'E-mail domains whose addresses may join a tenant, or may not. The platform''s rules are for
everyone who signs up.';

--
-- Name: COLUMN email_domain_rules.domain; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.email_domain_rules.domain IS 'In the form of the DNS; what is written is brought into it.';

--
-- Name: COLUMN email_domain_rules.includes_subdomains; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.email_domain_rules.includes_subdomains IS 'Whether the rule is for sub-domains too. Where it is left out, a rule that denies is, for it could
be avoided by a sub-domain otherwise, and one that allows is not.';

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
-- Name: event_expiries; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.event_expiries (
    tenant_id uuid NOT NULL,
    expired_number bigint NOT NULL,
    CONSTRAINT expired_number_is_counted CHECK ((expired_number > 0))
);

ALTER TABLE core.event_expiries OWNER TO postgres;

--
-- Name: TABLE event_expiries; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.event_expiries IS 'Up to which number each tenant''s events are gone.';

--
-- Name: event_heads; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.event_heads (
    tenant_id uuid NOT NULL
);

ALTER TABLE core.event_heads OWNER TO postgres;

--
-- Name: TABLE event_heads; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.event_heads IS 'The row of each tenant that is locked while a transaction commits events of it. It holds no number:
a counter that every commit updates leaves versions behind, through which each commit has to go for
as long as any old snapshot is held. The newest event has the number.';

--
-- Name: event_types; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.event_types (
    type text NOT NULL,
    description text NOT NULL,
    permission text DEFAULT 'core.events.read'::text NOT NULL,
    personal_fields text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT type_is_dotted CHECK ((type ~ '^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,3}$'::text)),
    CONSTRAINT type_is_short CHECK ((octet_length(type) <= 100))
);

ALTER TABLE core.event_types OWNER TO postgres;

--
-- Name: TABLE event_types; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.event_types IS 'Every type of event there is, such as crm.deal.moved: what happened to what, in the past tense.
Global reference data: the same for every tenant. A type stays, because events name it.';

--
-- Name: COLUMN event_types.permission; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.event_types.permission IS 'What a reader of such an event needs in its tenant, beside core.events.read.';

--
-- Name: COLUMN event_types.personal_fields; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.event_types.personal_fields IS 'Keys of data that hold personal values: core.forget_in_events removes them.';

--
-- Name: events; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.events (
    tenant_id uuid NOT NULL,
    number bigint NOT NULL,
    type text NOT NULL,
    at timestamp with time zone NOT NULL,
    subject_type text,
    subject_id uuid,
    actor_kind text NOT NULL,
    actor_id uuid,
    data jsonb NOT NULL,
    CONSTRAINT number_is_counted CHECK ((number > 0))
);

ALTER TABLE core.events OWNER TO postgres;

--
-- Name: TABLE events; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.events IS 'What has happened, append-only: core.emit writes, core.expire_events removes from the front, and
nothing else is let in or out. tenant_id and type have no foreign keys, which would cost every event
a lock on a row that all others lock too: a tenant''s head has one, and types are never removed.';

--
-- Name: COLUMN events.number; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.events.number IS '1, 2, 3 … in each tenant, in the order in which transactions commit, without a hole.';

--
-- Name: COLUMN events.at; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.events.at IS 'When the transaction began that it happened in: the time that its rows have.';

--
-- Name: COLUMN events.subject_type; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.events.subject_type IS 'The kind of record it happened to, such as deal.';

--
-- Name: COLUMN events.actor_kind; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.events.actor_kind IS 'Who did it, as core.caller() has it.';

--
-- Name: COLUMN events.data; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.events.data IS 'What a follower needs beside the subject: ids and states rather than copies of records.';

--
-- Name: fields; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.fields (
    object text NOT NULL,
    field text NOT NULL,
    description text NOT NULL,
    CONSTRAINT object_is_dotted CHECK ((object ~ '^[a-z_]+(\.[a-z_]+)+$'::text))
);

ALTER TABLE core.fields OWNER TO postgres;

--
-- Name: TABLE fields; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.fields IS 'The fields that a role can be kept from. object: what stands before .read and .write in the
permissions. Global reference data: the same for every tenant.';

--
-- Name: hidden_fields; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.hidden_fields (
    tenant_id uuid NOT NULL,
    role_id uuid NOT NULL,
    object text NOT NULL,
    field text NOT NULL
);

ALTER TABLE core.hidden_fields OWNER TO postgres;

--
-- Name: TABLE hidden_fields; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.hidden_fields IS 'Fields that a role is kept from: the views of v1 show them as null, and they cannot be written.';

--
-- Name: holders; Type: VIEW; Schema: core; Owner: postgres
--

CREATE VIEW core.holders WITH (security_invoker='true') AS
 SELECT members.tenant_id,
    members.user_id AS principal_id,
    members.role_tenant_id,
    members.role_id
   FROM core.members
  WHERE (members.status = 'active'::text)
UNION ALL
 SELECT api_keys.tenant_id,
    api_keys.id AS principal_id,
    api_keys.role_tenant_id,
    api_keys.role_id
   FROM core.api_keys
  WHERE (api_keys.revoked_at IS NULL);

ALTER TABLE core.holders OWNER TO postgres;

--
-- Name: VIEW holders; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON VIEW core.holders IS 'Who holds which role in which tenant right now: active members, and API keys. Not for clients.';

--
-- Name: idempotency_keys; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.idempotency_keys (
    tenant_id uuid NOT NULL,
    caller_kind text NOT NULL,
    caller_id uuid NOT NULL,
    key text NOT NULL,
    operation text NOT NULL,
    request_hash bytea NOT NULL,
    transaction xid8 NOT NULL,
    open_calls smallint DEFAULT 1 NOT NULL,
    answer jsonb,
    stored_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT calls_are_counted CHECK ((open_calls >= 0)),
    CONSTRAINT key_is_printable CHECK ((key ~ '^[ -~]{1,255}$'::text))
);

ALTER TABLE core.idempotency_keys OWNER TO postgres;

--
-- Name: TABLE idempotency_keys; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.idempotency_keys IS 'What was answered to a write that had the header Idempotency-Key, for a day. A key belongs to its
caller within the tenant that x-tenant-id names, the platform''s where it names none. tenant_id has
no foreign key: it comes from the header before anybody has asked whether the caller may see such a
tenant, and must not tell whether there is one.';

--
-- Name: COLUMN idempotency_keys.caller_id; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.idempotency_keys.caller_id IS 'Of the user, key or device; zeros for the service role, which has none.';

--
-- Name: COLUMN idempotency_keys.open_calls; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.idempotency_keys.open_calls IS 'How many calls of the request in work have asked for an answer and stored none: of functions that
call each other the outermost answers.';

--
-- Name: COLUMN idempotency_keys.answer; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.idempotency_keys.answer IS 'Without the secrets that it held when it was given first.';

--
-- Name: invitations; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.invitations (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email text NOT NULL,
    role_tenant_id uuid NOT NULL,
    role_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    accepted_at timestamp with time zone,
    accepted_by uuid,
    revoked_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT core.caller_id(),
    CONSTRAINT email_is_folded CHECK (((email = lower(email)) AND (email ~ '^[^@\s]+@[^@\s]+$'::text))),
    CONSTRAINT role_is_own_or_system CHECK (((role_tenant_id = tenant_id) OR (role_tenant_id = '00000000-0000-0000-0000-000000000000'::uuid)))
);

ALTER TABLE core.invitations OWNER TO postgres;

--
-- Name: TABLE invitations; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.invitations IS 'Invitations to become a member: for one address, once, until they expire.';

--
-- Name: COLUMN invitations.token_hash; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.invitations.token_hash IS 'SHA-256 of the token, which only its receiver has.';

--
-- Name: legal_holds; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.legal_holds (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid,
    email text,
    phone text,
    identifiers jsonb NOT NULL,
    reason text NOT NULL,
    set_at timestamp with time zone DEFAULT now() NOT NULL,
    set_by uuid DEFAULT core.caller_id(),
    released_at timestamp with time zone,
    released_by uuid,
    CONSTRAINT reason_is_given CHECK (((char_length(reason) >= 10) AND (char_length(reason) <= 1000)))
);

ALTER TABLE core.legal_holds OWNER TO postgres;

--
-- Name: TABLE legal_holds; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.legal_holds IS 'Persons whose data must stay, for a claim or a law: while one is set, neither erasing nor retention
touches them.';

--
-- Name: COLUMN legal_holds.identifiers; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.legal_holds.identifiers IS 'All by which the tenant knew the person when the hold was set: {"email": ["a@b.c"], …}.';

--
-- Name: pending_events; Type: TABLE; Schema: core; Owner: postgres
--

CREATE UNLOGGED TABLE core.pending_events (
    tenant_id uuid NOT NULL,
    "position" bigint NOT NULL,
    transaction xid8 NOT NULL,
    is_first boolean NOT NULL,
    newest_seen bigint,
    type text NOT NULL,
    at timestamp with time zone NOT NULL,
    subject_type text,
    subject_id uuid,
    actor_kind text NOT NULL,
    actor_id uuid,
    data jsonb NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000');

ALTER TABLE core.pending_events OWNER TO postgres;

--
-- Name: TABLE pending_events; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.pending_events IS 'Events of transactions that have not committed: nobody ever sees a row of another transaction.
Unlogged, because no row of it outlives its transaction.';

--
-- Name: COLUMN pending_events.is_first; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.pending_events.is_first IS 'Whether the event has the transaction numbered: one a transaction, whichever savepoint it is in.';

--
-- Name: COLUMN pending_events.newest_seen; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.pending_events.newest_seen IS 'Of the first: the newest event of the transaction when its trigger last looked.';

--
-- Name: pending_events_position_seq; Type: SEQUENCE; Schema: core; Owner: postgres
--

ALTER TABLE core.pending_events ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME core.pending_events_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

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
-- Name: rate_buckets; Type: TABLE; Schema: core; Owner: postgres
--

CREATE UNLOGGED TABLE core.rate_buckets (
    tenant_id uuid NOT NULL,
    bucket text NOT NULL,
    taken_until timestamp with time zone NOT NULL
);

ALTER TABLE core.rate_buckets OWNER TO postgres;

--
-- Name: TABLE rate_buckets; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.rate_buckets IS 'The buckets of rate limits where there is no shared memory. tenant_id: of the limit.';

--
-- Name: COLUMN rate_buckets.taken_until; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.rate_buckets.taken_until IS 'The theoretical arrival time of the algorithm (GCRA): from then on the bucket is as good as new.';

--
-- Name: retention_runs; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.retention_runs (
    table_name text NOT NULL,
    subject text NOT NULL,
    method text NOT NULL,
    retention interval NOT NULL,
    retention_from text NOT NULL,
    rows bigint DEFAULT 0 NOT NULL,
    ran_at timestamp with time zone,
    finished_at timestamp with time zone,
    failure text
);

ALTER TABLE core.retention_runs OWNER TO postgres;

--
-- Name: TABLE retention_runs; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.retention_runs IS 'How far retention has come with each rule of the data map, over all tenants. Of no tenant.';

--
-- Name: COLUMN retention_runs.rows; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.retention_runs.rows IS 'How many rows retention has dealt with so far.';

--
-- Name: COLUMN retention_runs.finished_at; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.retention_runs.finished_at IS 'When nothing was left to do the last time.';

--
-- Name: sensitive_records; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.sensitive_records (
    tenant_id uuid NOT NULL,
    table_name text NOT NULL,
    record_id uuid NOT NULL,
    reason text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT core.caller_id(),
    CONSTRAINT reason_is_short CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 500)))
);

ALTER TABLE core.sensitive_records OWNER TO postgres;

--
-- Name: TABLE sensitive_records; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.sensitive_records IS 'Records that ordinary reads do not return: v1.open_record does, and writes down who asked.';

--
-- Name: sign_in_attempts; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.sign_in_attempts (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    authenticator text NOT NULL,
    network cidr NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    failed_at timestamp with time zone,
    succeeded_at timestamp with time zone,
    CONSTRAINT failures_are_counted CHECK ((failures >= 0))
);

ALTER TABLE core.sign_in_attempts OWNER TO postgres;

--
-- Name: TABLE sign_in_attempts; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.sign_in_attempts IS 'From which networks an account was tried. Forgotten by core.forget_old_sign_in_attempts.';

--
-- Name: COLUMN sign_in_attempts.network; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.sign_in_attempts.network IS 'A /24 of IPv4 or a /64 of IPv6; ::/0 where Auth names no address.';

--
-- Name: COLUMN sign_in_attempts.failures; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.sign_in_attempts.failures IS 'How many attempts from this network failed since the last success from it.';

--
-- Name: sign_in_authenticators; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.sign_in_authenticators (
    tenant_id uuid DEFAULT core.platform_tenant_id() NOT NULL,
    user_id uuid NOT NULL,
    authenticator text NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    refusal_event_at timestamp with time zone,
    CONSTRAINT authenticator_is_password_or_factor CHECK (((authenticator = 'password'::text) OR (authenticator ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'::text))),
    CONSTRAINT failures_are_counted CHECK ((failures >= 0)),
    CONSTRAINT sign_in_belongs_to_the_platform CHECK ((tenant_id = '00000000-0000-0000-0000-000000000000'::uuid))
);

ALTER TABLE core.sign_in_authenticators OWNER TO postgres;

--
-- Name: TABLE sign_in_authenticators; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.sign_in_authenticators IS 'What accounts can be signed in to with, and how often that failed. The rows are the platform''s, as
users are.';

--
-- Name: COLUMN sign_in_authenticators.authenticator; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.sign_in_authenticators.authenticator IS 'password, or the id of a second factor.';

--
-- Name: COLUMN sign_in_authenticators.failures; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.sign_in_authenticators.failures IS 'How many attempts failed since the last success, from wherever.';

--
-- Name: COLUMN sign_in_authenticators.refusal_event_at; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.sign_in_authenticators.refusal_event_at IS 'When a refused attempt was last recorded as a security event.';

--
-- Name: team_members; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.team_members (
    tenant_id uuid NOT NULL,
    team_id uuid NOT NULL,
    user_id uuid NOT NULL
);

ALTER TABLE core.team_members OWNER TO postgres;

--
-- Name: TABLE team_members; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.team_members IS 'Which member belongs to which team.';

--
-- Name: teams; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.teams (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT core.caller_id(),
    CONSTRAINT name_is_short CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT slug_is_a_word CHECK ((slug ~ '^[a-z0-9][a-z0-9_-]{0,62}$'::text))
);

ALTER TABLE core.teams OWNER TO postgres;

--
-- Name: TABLE teams; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.teams IS 'Groups of members who share records.';

--
-- Name: user_settings; Type: TABLE; Schema: core; Owner: postgres
--

CREATE TABLE core.user_settings (
    tenant_id uuid DEFAULT core.platform_tenant_id() NOT NULL,
    user_id uuid NOT NULL,
    active_tenant_id uuid,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT settings_belong_to_the_platform CHECK ((tenant_id = '00000000-0000-0000-0000-000000000000'::uuid))
);

ALTER TABLE core.user_settings OWNER TO postgres;

--
-- Name: TABLE user_settings; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON TABLE core.user_settings IS 'What a user has chosen for all tenants. The rows are the platform''s, as users are.';

--
-- Name: COLUMN user_settings.active_tenant_id; Type: COMMENT; Schema: core; Owner: postgres
--

COMMENT ON COLUMN core.user_settings.active_tenant_id IS 'The tenant that the user works in, which access tokens name. It gives no access.';

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
-- Name: device_credentials; Type: TABLE; Schema: iot; Owner: postgres
--

CREATE TABLE iot.device_credentials (
    tenant_id uuid NOT NULL,
    device_id uuid NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    kind text NOT NULL,
    secret_hash bytea NOT NULL,
    hint text NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by uuid DEFAULT core.caller_id(),
    CONSTRAINT kind_is_known CHECK ((kind = ANY (ARRAY['token'::text, 'certificate'::text]))),
    CONSTRAINT secret_hash_is_sha256 CHECK ((octet_length(secret_hash) = 32))
);

ALTER TABLE iot.device_credentials OWNER TO postgres;

--
-- Name: TABLE device_credentials; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON TABLE iot.device_credentials IS 'Tokens and certificates of devices. Nobody reads it but iot.authenticate_device.';

--
-- Name: COLUMN device_credentials.secret_hash; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.device_credentials.secret_hash IS 'SHA-256 of the token, or of the certificate in DER.';

--
-- Name: COLUMN device_credentials.hint; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.device_credentials.hint IS 'How the token begins, or the certificate''s fingerprint.';

--
-- Name: COLUMN device_credentials.last_used_at; Type: COMMENT; Schema: iot; Owner: postgres
--

COMMENT ON COLUMN iot.device_credentials.last_used_at IS 'True to a minute or so.';

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
-- Name: api_keys; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.api_keys WITH (security_invoker='true') AS
 SELECT api_keys.tenant_id,
    api_keys.id,
    api_keys.name,
        CASE
            WHEN (NOT roles.of_api_key) THEN roles.slug
            ELSE NULL::text
        END AS role,
        CASE
            WHEN (api_keys.revoked_at IS NOT NULL) THEN 'revoked'::text
            WHEN (api_keys.expires_at <= now()) THEN 'expired'::text
            ELSE 'active'::text
        END AS status,
    secrets.hints,
    secrets.last_used_at,
    api_keys.expires_at,
    api_keys.created_at,
    api_keys.created_by
   FROM ((core.api_keys
     LEFT JOIN core.roles ON (((roles.tenant_id = api_keys.role_tenant_id) AND (roles.id = api_keys.role_id))))
     LEFT JOIN LATERAL ( SELECT array_agg(api_key_secrets.hint ORDER BY api_key_secrets.created_at) FILTER (WHERE COALESCE((api_key_secrets.expires_at > now()), true)) AS hints,
            max(api_key_secrets.last_used_at) AS last_used_at
           FROM core.api_key_secrets
          WHERE ((api_key_secrets.tenant_id = api_keys.tenant_id) AND (api_key_secrets.api_key_id = api_keys.id))) secrets ON (true));

ALTER TABLE v1.api_keys OWNER TO postgres;

--
-- Name: VIEW api_keys; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.api_keys IS 'The API keys of your tenants. status: active, revoked, expired; role: null for a key with
permissions of its own; hints: how its valid secrets begin; last_used_at: true to a minute or so.
Needs core.api_keys.read.';

--
-- Name: audit; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.audit WITH (security_invoker='true') AS
 SELECT entries.tenant_id,
    entries.id,
    entries.at,
    entries.operation,
    entries.table_name,
    entries.key,
    entries.old,
    entries.new,
    entries.event,
    entries.details,
    entries.caller_kind,
    entries.caller_id,
    (entries.origin ->> 'address'::text) AS address,
    (entries.origin ->> 'method'::text) AS method,
    (entries.origin ->> 'path'::text) AS path,
    (entries.origin ->> 'request_id'::text) AS request_id,
    (entries.origin ->> 'user_agent'::text) AS user_agent
   FROM core.audit_entries entries;

ALTER TABLE v1.audit OWNER TO postgres;

--
-- Name: VIEW audit; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.audit IS 'The audit trail of your tenants: who did what to which record, and from where. Personal values
stand in it by reference; v1.history shows them. Needs core.audit.read.';

--
-- Name: consents; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.consents WITH (security_invoker='true') AS
 SELECT consents.tenant_id,
    consents.id,
    consents.user_id,
    consents.email,
    consents.phone,
    consents.purpose,
    consents.legal_basis,
    consents.given_at,
    consents.source,
    consents.channel,
    consents.proof_text,
    consents.proof_version,
    consents.recorded_at,
    consents.recorded_by,
    withdrawals.withdrawn_at,
    withdrawals.source AS withdrawn_source
   FROM (core.consents
     LEFT JOIN core.consent_withdrawals withdrawals ON (((withdrawals.tenant_id = consents.tenant_id) AND (withdrawals.consent_id = consents.id))));

ALTER TABLE v1.consents OWNER TO postgres;

--
-- Name: VIEW consents; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.consents IS 'Who agreed to what and when, and when that ended; withdrawn_at is null while it stands. Needs
core.privacy.read; v1.record_consent and v1.withdraw_consent write.';

--
-- Name: data_map; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.data_map WITH (security_invoker='true') AS
 SELECT personal.table_schema,
    personal.table_name,
    personal.column_name,
    personal.category,
    personal.subject,
    personal.erasure,
    personal.retention,
    personal.retention_from,
    personal.reason
   FROM core.personal_data personal;

ALTER TABLE v1.data_map OWNER TO postgres;

--
-- Name: VIEW data_map; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.data_map IS 'Which columns hold personal data, of what kind, whose, for how long, and what erasing does. The
same for every tenant; every signed-in user may read it.';

--
-- Name: deliveries; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.deliveries WITH (security_invoker='true') AS
 SELECT deliveries.tenant_id,
    deliveries.id,
    deliveries.channel,
    deliveries.recipient_masked AS recipient,
    deliveries.template,
    deliveries.event_type,
    deliveries.status,
    deliveries.created_at,
    deliveries.created_by
   FROM core.deliveries;

ALTER TABLE v1.deliveries OWNER TO postgres;

--
-- Name: VIEW deliveries; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.deliveries IS 'What your tenants send to the outside, and what became of it. recipient is masked, and what is sent
is not shown. Needs core.deliveries.read.';

--
-- Name: device_credentials; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.device_credentials WITH (security_invoker='true') AS
 SELECT device_credentials.tenant_id,
    devices.slug AS device,
    device_credentials.id,
    device_credentials.kind,
    device_credentials.hint,
        CASE
            WHEN (device_credentials.revoked_at IS NOT NULL) THEN 'revoked'::text
            WHEN (device_credentials.expires_at <= now()) THEN 'expired'::text
            ELSE 'active'::text
        END AS status,
    device_credentials.expires_at,
    device_credentials.last_used_at,
    device_credentials.created_at,
    device_credentials.created_by
   FROM (iot.device_credentials
     JOIN iot.devices ON (((devices.tenant_id = device_credentials.tenant_id) AND (devices.id = device_credentials.device_id))));

ALTER TABLE v1.device_credentials OWNER TO postgres;

--
-- Name: VIEW device_credentials; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.device_credentials IS 'Tokens and certificates of your devices, never the secrets. status: active, revoked, expired;
last_used_at: true to a minute or so. Needs iot.devices.read.';

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
-- Name: email_domain_rules; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.email_domain_rules WITH (security_invoker='true') AS
 SELECT email_domain_rules.tenant_id,
    email_domain_rules.domain,
    email_domain_rules.effect,
    email_domain_rules.includes_subdomains,
    email_domain_rules.created_at,
    email_domain_rules.created_by
   FROM core.email_domain_rules;

ALTER TABLE v1.email_domain_rules OWNER TO postgres;

--
-- Name: VIEW email_domain_rules; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.email_domain_rules IS 'From which e-mail domains people may join your tenants. Needs core.sign_up.read; to add, change and
remove rules, core.sign_up.write.';

--
-- Name: event_types; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.event_types WITH (security_invoker='true') AS
 SELECT event_types.type,
    event_types.description,
    event_types.permission
   FROM core.event_types;

ALTER TABLE v1.event_types OWNER TO postgres;

--
-- Name: VIEW event_types; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.event_types IS 'The types of events, and the permission that reading each needs beside core.events.read.';

--
-- Name: events; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.events WITH (security_invoker='true') AS
 SELECT events.tenant_id,
    events.number,
    events.type,
    events.at,
    events.subject_type,
    events.subject_id,
    events.actor_kind,
    events.actor_id,
    events.data
   FROM core.events;

ALTER TABLE v1.events OWNER TO postgres;

--
-- Name: VIEW events; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.events IS 'What has happened in your tenants. Needs core.events.read, and in the tenant of each event the
permission that its type names (v1.event_types). number counts each tenant''s events in the order in
which they were committed; whoever follows them asks v1.events_since.';

--
-- Name: fields; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.fields WITH (security_invoker='true') AS
 SELECT fields.object,
    fields.field,
    fields.description
   FROM core.fields;

ALTER TABLE v1.fields OWNER TO postgres;

--
-- Name: VIEW fields; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.fields IS 'Every field that a role can be kept from. Signed-in users see it.';

--
-- Name: invitations; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.invitations WITH (security_invoker='true') AS
 SELECT invitations.tenant_id,
    invitations.id,
    invitations.email,
    roles.slug AS role,
        CASE
            WHEN (invitations.accepted_at IS NOT NULL) THEN 'accepted'::text
            WHEN (invitations.revoked_at IS NOT NULL) THEN 'revoked'::text
            WHEN (invitations.expires_at <= now()) THEN 'expired'::text
            ELSE 'open'::text
        END AS status,
    invitations.expires_at,
    invitations.created_at,
    invitations.created_by,
    invitations.accepted_by
   FROM (core.invitations
     JOIN core.roles ON (((roles.tenant_id = invitations.role_tenant_id) AND (roles.id = invitations.role_id))));

ALTER TABLE v1.invitations OWNER TO postgres;

--
-- Name: VIEW invitations; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.invitations IS 'Invitations into your tenants; status: open, accepted, revoked, expired. Needs core.members.read.';

--
-- Name: legal_holds; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.legal_holds WITH (security_invoker='true') AS
 SELECT legal_holds.tenant_id,
    legal_holds.id,
    legal_holds.user_id,
    legal_holds.email,
    legal_holds.phone,
    legal_holds.reason,
    legal_holds.set_at,
    legal_holds.set_by,
    legal_holds.released_at,
    legal_holds.released_by
   FROM core.legal_holds;

ALTER TABLE v1.legal_holds OWNER TO postgres;

--
-- Name: VIEW legal_holds; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.legal_holds IS 'Whose data must stay, and why. Needs core.privacy.read; v1.set_legal_hold sets one.';

--
-- Name: members; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.members WITH (security_invoker='true') AS
 SELECT members.tenant_id,
    members.user_id,
    roles.slug AS role,
    members.status,
    members.created_at,
    members.created_by
   FROM (core.members
     JOIN core.roles ON (((roles.tenant_id = members.role_tenant_id) AND (roles.id = members.role_id))));

ALTER TABLE v1.members OWNER TO postgres;

--
-- Name: VIEW members; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.members IS 'Who belongs to your tenants, and in which role. Needs core.members.read.';

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
-- Name: permissions; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.permissions WITH (security_invoker='true') AS
 SELECT permissions.permission,
    permissions.description
   FROM core.permissions;

ALTER TABLE v1.permissions OWNER TO postgres;

--
-- Name: VIEW permissions; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.permissions IS 'Every permission that a role can grant. Signed-in users see it.';

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
-- Name: roles; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.roles WITH (security_invoker='true') AS
 SELECT roles.tenant_id,
    roles.id,
    roles.slug,
    roles.name,
    (roles.tenant_id = core.platform_tenant_id()) AS is_system,
    COALESCE(grants.permissions, '{}'::jsonb) AS permissions,
    COALESCE(kept.hidden_fields, '{}'::jsonb) AS hidden_fields
   FROM ((core.roles
     LEFT JOIN LATERAL ( SELECT jsonb_object_agg(granted.permission, granted.scope) AS permissions
           FROM core.role_permissions granted
          WHERE ((granted.tenant_id = roles.tenant_id) AND (granted.role_id = roles.id))) grants ON (true))
     LEFT JOIN LATERAL ( SELECT jsonb_object_agg(hidden.object, hidden.fields) AS hidden_fields
           FROM ( SELECT hidden_fields.object,
                    jsonb_agg(hidden_fields.field ORDER BY hidden_fields.field) AS fields
                   FROM core.hidden_fields
                  WHERE ((hidden_fields.tenant_id = roles.tenant_id) AND (hidden_fields.role_id = roles.id))
                  GROUP BY hidden_fields.object) hidden) kept ON (true))
  WHERE (NOT roles.of_api_key);

ALTER TABLE v1.roles OWNER TO postgres;

--
-- Name: VIEW roles; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.roles IS 'The system roles and those of your tenants. permissions: {permission: scope}; hidden_fields:
{object: [field]}. Needs core.members.read.';

--
-- Name: teams; Type: VIEW; Schema: v1; Owner: postgres
--

CREATE VIEW v1.teams WITH (security_invoker='true') AS
 SELECT teams.tenant_id,
    teams.id,
    teams.slug,
    teams.name,
    ARRAY( SELECT team_members.user_id
           FROM core.team_members
          WHERE ((team_members.tenant_id = teams.tenant_id) AND (team_members.team_id = teams.id))
          ORDER BY team_members.user_id) AS user_ids,
    teams.created_at
   FROM core.teams;

ALTER TABLE v1.teams OWNER TO postgres;

--
-- Name: VIEW teams; Type: COMMENT; Schema: v1; Owner: postgres
--

COMMENT ON VIEW v1.teams IS 'The teams of your tenants with their members. Needs core.members.read.';

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

COMMENT ON VIEW v1.tenants IS 'The tenants that you may see. Reading needs core.tenants.read, update of slug, name and settings
core.tenants.write; v1.create_tenant and its like do the rest.';

--
-- Name: audit_entries_default; Type: TABLE ATTACH; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.audit_entries ATTACH PARTITION core.audit_entries_default DEFAULT;

--
-- Name: api_keys api_key_id_is_unique; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.api_keys
    ADD CONSTRAINT api_key_id_is_unique UNIQUE (id);

--
-- Name: api_key_secrets api_key_secret_id_is_unique; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.api_key_secrets
    ADD CONSTRAINT api_key_secret_id_is_unique UNIQUE (id);

--
-- Name: api_key_secrets api_key_secrets_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.api_key_secrets
    ADD CONSTRAINT api_key_secrets_pkey PRIMARY KEY (tenant_id, api_key_id, id);

--
-- Name: api_key_secrets api_key_token_hash_is_unique; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.api_key_secrets
    ADD CONSTRAINT api_key_token_hash_is_unique UNIQUE (token_hash);

--
-- Name: api_keys api_keys_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id);

--
-- Name: audit_anchors audit_anchors_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.audit_anchors
    ADD CONSTRAINT audit_anchors_pkey PRIMARY KEY (tenant_id, number);

--
-- Name: audit_entries audit_entries_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.audit_entries
    ADD CONSTRAINT audit_entries_pkey PRIMARY KEY (tenant_id, id, at);

--
-- Name: audit_entries_default audit_entries_default_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.audit_entries_default
    ADD CONSTRAINT audit_entries_default_pkey PRIMARY KEY (tenant_id, id, at);

--
-- Name: audit_heads audit_heads_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.audit_heads
    ADD CONSTRAINT audit_heads_pkey PRIMARY KEY (tenant_id);

--
-- Name: audit_progress audit_progress_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.audit_progress
    ADD CONSTRAINT audit_progress_pkey PRIMARY KEY (tenant_id);

--
-- Name: audit_seals audit_seals_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.audit_seals
    ADD CONSTRAINT audit_seals_pkey PRIMARY KEY (tenant_id, number);

--
-- Name: audit_values audit_values_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.audit_values
    ADD CONSTRAINT audit_values_pkey PRIMARY KEY (tenant_id, entry_id, column_name);

--
-- Name: consent_withdrawals consent_withdrawals_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.consent_withdrawals
    ADD CONSTRAINT consent_withdrawals_pkey PRIMARY KEY (tenant_id, consent_id);

--
-- Name: consents consents_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.consents
    ADD CONSTRAINT consents_pkey PRIMARY KEY (tenant_id, id);

--
-- Name: deliveries deliveries_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (tenant_id, id);

--
-- Name: email_domain_rules email_domain_rules_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.email_domain_rules
    ADD CONSTRAINT email_domain_rules_pkey PRIMARY KEY (tenant_id, domain);

--
-- Name: erasures erasures_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.erasures
    ADD CONSTRAINT erasures_pkey PRIMARY KEY (tenant_id, id);

--
-- Name: errors errors_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.errors
    ADD CONSTRAINT errors_pkey PRIMARY KEY (code);

--
-- Name: event_expiries event_expiries_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.event_expiries
    ADD CONSTRAINT event_expiries_pkey PRIMARY KEY (tenant_id);

--
-- Name: event_heads event_heads_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.event_heads
    ADD CONSTRAINT event_heads_pkey PRIMARY KEY (tenant_id);

--
-- Name: event_types event_types_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.event_types
    ADD CONSTRAINT event_types_pkey PRIMARY KEY (type);

--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (tenant_id, number);

--
-- Name: export_log export_log_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.export_log
    ADD CONSTRAINT export_log_pkey PRIMARY KEY (tenant_id, id);

--
-- Name: fields fields_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.fields
    ADD CONSTRAINT fields_pkey PRIMARY KEY (object, field);

--
-- Name: hidden_fields hidden_fields_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.hidden_fields
    ADD CONSTRAINT hidden_fields_pkey PRIMARY KEY (tenant_id, role_id, object, field);

--
-- Name: deliveries idempotency_key_is_unique; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.deliveries
    ADD CONSTRAINT idempotency_key_is_unique UNIQUE (tenant_id, idempotency_key);

--
-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, caller_kind, caller_id, key);

--
-- Name: invitations invitations_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (tenant_id, id);

--
-- Name: legal_holds legal_holds_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.legal_holds
    ADD CONSTRAINT legal_holds_pkey PRIMARY KEY (tenant_id, id);

--
-- Name: members members_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.members
    ADD CONSTRAINT members_pkey PRIMARY KEY (tenant_id, user_id);

--
-- Name: not_personal not_personal_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.not_personal
    ADD CONSTRAINT not_personal_pkey PRIMARY KEY (table_schema, table_name, column_name);

--
-- Name: pending_events pending_events_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.pending_events
    ADD CONSTRAINT pending_events_pkey PRIMARY KEY (tenant_id, "position");

--
-- Name: permissions permissions_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.permissions
    ADD CONSTRAINT permissions_pkey PRIMARY KEY (permission);

--
-- Name: personal_data personal_data_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.personal_data
    ADD CONSTRAINT personal_data_pkey PRIMARY KEY (table_schema, table_name, column_name);

--
-- Name: rate_buckets rate_buckets_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.rate_buckets
    ADD CONSTRAINT rate_buckets_pkey PRIMARY KEY (tenant_id, bucket);

--
-- Name: rate_limits rate_limits_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (tenant_id, dimension, action, set_by);

--
-- Name: retention_runs retention_runs_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.retention_runs
    ADD CONSTRAINT retention_runs_pkey PRIMARY KEY (table_name, subject, method, retention, retention_from);

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
-- Name: sensitive_records sensitive_records_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.sensitive_records
    ADD CONSTRAINT sensitive_records_pkey PRIMARY KEY (tenant_id, table_name, record_id);

--
-- Name: sign_in_attempts sign_in_attempts_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.sign_in_attempts
    ADD CONSTRAINT sign_in_attempts_pkey PRIMARY KEY (tenant_id, user_id, authenticator, network);

--
-- Name: sign_in_authenticators sign_in_authenticators_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.sign_in_authenticators
    ADD CONSTRAINT sign_in_authenticators_pkey PRIMARY KEY (tenant_id, user_id, authenticator);

--
-- Name: tenants slug_is_unique; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.tenants
    ADD CONSTRAINT slug_is_unique UNIQUE (slug);

--
-- Name: team_members team_members_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.team_members
    ADD CONSTRAINT team_members_pkey PRIMARY KEY (tenant_id, team_id, user_id);

--
-- Name: teams team_slug_is_unique; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.teams
    ADD CONSTRAINT team_slug_is_unique UNIQUE (tenant_id, slug);

--
-- Name: teams teams_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.teams
    ADD CONSTRAINT teams_pkey PRIMARY KEY (tenant_id, id);

--
-- Name: tenants tenants_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);

--
-- Name: invitations token_hash_is_unique; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.invitations
    ADD CONSTRAINT token_hash_is_unique UNIQUE (token_hash);

--
-- Name: user_settings user_settings_pkey; Type: CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.user_settings
    ADD CONSTRAINT user_settings_pkey PRIMARY KEY (tenant_id, user_id);

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
-- Name: device_credentials device_credential_id_is_unique; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.device_credentials
    ADD CONSTRAINT device_credential_id_is_unique UNIQUE (id);

--
-- Name: device_credentials device_credentials_pkey; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.device_credentials
    ADD CONSTRAINT device_credentials_pkey PRIMARY KEY (tenant_id, device_id, id);

--
-- Name: devices device_number_is_unique; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.devices
    ADD CONSTRAINT device_number_is_unique UNIQUE (tenant_id, number);

--
-- Name: device_credentials device_secret_hash_is_unique; Type: CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.device_credentials
    ADD CONSTRAINT device_secret_hash_is_unique UNIQUE (secret_hash);

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
-- Name: api_keys_role; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX api_keys_role ON core.api_keys USING btree (role_tenant_id, role_id);

--
-- Name: audit_anchors_platform_number; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX audit_anchors_platform_number ON core.audit_anchors USING btree (platform_number);

--
-- Name: audit_entries_id; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX audit_entries_id ON ONLY core.audit_entries USING btree (id);

--
-- Name: audit_entries_default_id_idx; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX audit_entries_default_id_idx ON core.audit_entries_default USING btree (id);

--
-- Name: audit_entries_record; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX audit_entries_record ON ONLY core.audit_entries USING btree (tenant_id, jsonb_hash(key));

--
-- Name: audit_entries_default_tenant_id_jsonb_hash_idx; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX audit_entries_default_tenant_id_jsonb_hash_idx ON core.audit_entries_default USING btree (tenant_id, jsonb_hash(key));

--
-- Name: consents_email; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX consents_email ON core.consents USING btree (tenant_id, email, purpose) WHERE (email IS NOT NULL);

--
-- Name: consents_phone; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX consents_phone ON core.consents USING btree (tenant_id, phone, purpose) WHERE (phone IS NOT NULL);

--
-- Name: consents_user_id; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX consents_user_id ON core.consents USING btree (tenant_id, user_id, purpose) WHERE (user_id IS NOT NULL);

--
-- Name: deliveries_created_at; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX deliveries_created_at ON core.deliveries USING btree (tenant_id, created_at);

--
-- Name: event_types_permission; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX event_types_permission ON core.event_types USING btree (permission);

--
-- Name: events_subject; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX events_subject ON core.events USING btree (tenant_id, subject_id, number);

--
-- Name: export_log_exported_at; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX export_log_exported_at ON core.export_log USING btree (tenant_id, exported_at);

--
-- Name: hidden_fields_field; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX hidden_fields_field ON core.hidden_fields USING btree (object, field);

--
-- Name: idempotency_keys_stored_at; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX idempotency_keys_stored_at ON core.idempotency_keys USING btree (stored_at);

--
-- Name: invitations_email; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX invitations_email ON core.invitations USING btree (email);

--
-- Name: invitations_role; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX invitations_role ON core.invitations USING btree (role_tenant_id, role_id);

--
-- Name: legal_holds_active; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX legal_holds_active ON core.legal_holds USING btree (tenant_id) WHERE (released_at IS NULL);

--
-- Name: members_role; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX members_role ON core.members USING btree (role_tenant_id, role_id);

--
-- Name: members_user_id; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX members_user_id ON core.members USING btree (user_id);

--
-- Name: pending_events_transaction; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX pending_events_transaction ON core.pending_events USING btree (transaction, "position");

--
-- Name: rate_buckets_taken_until; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX rate_buckets_taken_until ON core.rate_buckets USING btree (taken_until);

--
-- Name: role_permissions_permission; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX role_permissions_permission ON core.role_permissions USING btree (permission);

--
-- Name: sensitive_records_record; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX sensitive_records_record ON core.sensitive_records USING btree (table_name, record_id);

--
-- Name: sign_in_authenticators_user_id; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX sign_in_authenticators_user_id ON core.sign_in_authenticators USING btree (user_id);

--
-- Name: team_members_user; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX team_members_user ON core.team_members USING btree (tenant_id, user_id);

--
-- Name: tenants_parent_id; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX tenants_parent_id ON core.tenants USING btree (parent_id);

--
-- Name: tenants_suspended_with; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX tenants_suspended_with ON core.tenants USING btree (suspended_with) WHERE (suspended_with IS NOT NULL);

--
-- Name: user_settings_active_tenant_id; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX user_settings_active_tenant_id ON core.user_settings USING btree (active_tenant_id);

--
-- Name: user_settings_user_id; Type: INDEX; Schema: core; Owner: postgres
--

CREATE INDEX user_settings_user_id ON core.user_settings USING btree (user_id);

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
-- Name: audit_entries_default_id_idx; Type: INDEX ATTACH; Schema: core; Owner: postgres
--

ALTER INDEX core.audit_entries_id ATTACH PARTITION core.audit_entries_default_id_idx;

--
-- Name: audit_entries_default_pkey; Type: INDEX ATTACH; Schema: core; Owner: postgres
--

ALTER INDEX core.audit_entries_pkey ATTACH PARTITION core.audit_entries_default_pkey;

--
-- Name: audit_entries_default_tenant_id_jsonb_hash_idx; Type: INDEX ATTACH; Schema: core; Owner: postgres
--

ALTER INDEX core.audit_entries_record ATTACH PARTITION core.audit_entries_default_tenant_id_jsonb_hash_idx;

--
-- Name: members an_owner_stays; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER an_owner_stays AFTER DELETE OR UPDATE ON core.members FOR EACH ROW EXECUTE FUNCTION core.keep_an_owner();

--
-- Name: members answers_are_forgotten; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER answers_are_forgotten AFTER DELETE OR UPDATE OF role_id, status ON core.members FOR EACH ROW EXECUTE FUNCTION core.forget_member_answers();

--
-- Name: audit_anchors audit_is_append_only; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_is_append_only BEFORE DELETE OR UPDATE ON core.audit_anchors FOR EACH ROW EXECUTE FUNCTION core.refuse_audit_change();

--
-- Name: audit_entries audit_is_append_only; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_is_append_only BEFORE DELETE OR UPDATE ON core.audit_entries FOR EACH ROW EXECUTE FUNCTION core.refuse_audit_change();

--
-- Name: audit_seals audit_is_append_only; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_is_append_only BEFORE DELETE OR UPDATE ON core.audit_seals FOR EACH ROW EXECUTE FUNCTION core.refuse_audit_change();

--
-- Name: audit_values audit_is_append_only; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_is_append_only BEFORE UPDATE ON core.audit_values FOR EACH ROW EXECUTE FUNCTION core.refuse_audit_change();

--
-- Name: audit_anchors audit_is_not_truncated; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_is_not_truncated BEFORE TRUNCATE ON core.audit_anchors FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_audit_change();

--
-- Name: audit_entries audit_is_not_truncated; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_is_not_truncated BEFORE TRUNCATE ON core.audit_entries FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_audit_change();

--
-- Name: audit_entries_default audit_is_not_truncated; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_is_not_truncated BEFORE TRUNCATE ON core.audit_entries_default FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_audit_change();

--
-- Name: audit_heads audit_is_not_truncated; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_is_not_truncated BEFORE TRUNCATE ON core.audit_heads FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_audit_change();

--
-- Name: audit_seals audit_is_not_truncated; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_is_not_truncated BEFORE TRUNCATE ON core.audit_seals FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_audit_change();

--
-- Name: audit_values audit_is_not_truncated; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_is_not_truncated BEFORE TRUNCATE ON core.audit_values FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_audit_change();

--
-- Name: api_key_secrets audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.api_key_secrets FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["api_key_id", "id"], "table": "core.api_key_secrets", "tenant": "tenant_id", "ignored": ["token_hash", "last_used_at"], "personal": ["created_by"]}', 'core.api_key_secrets', 'personal');

--
-- Name: api_keys audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.api_keys FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.api_keys", "tenant": "tenant_id", "ignored": [], "personal": ["created_by", "revoked_by"]}', 'core.api_keys', 'personal');

--
-- Name: consent_withdrawals audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.consent_withdrawals FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["consent_id"], "table": "core.consent_withdrawals", "tenant": "tenant_id", "ignored": [], "personal": ["recorded_by", "source", "withdrawn_at"]}', 'core.consent_withdrawals', 'personal');

--
-- Name: consents audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.consents FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.consents", "tenant": "tenant_id", "ignored": [], "personal": ["channel", "email", "given_at", "id", "legal_basis", "phone", "proof_text", "proof_version", "purpose", "recorded_by", "source", "user_id"]}', 'core.consents', 'personal');

--
-- Name: email_domain_rules audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.email_domain_rules FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["domain"], "table": "core.email_domain_rules", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.email_domain_rules', 'personal');

--
-- Name: hidden_fields audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.hidden_fields FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["role_id", "object", "field"], "table": "core.hidden_fields", "tenant": "tenant_id", "ignored": [], "personal": []}', 'core.hidden_fields');

--
-- Name: invitations audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.invitations FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.invitations", "tenant": "tenant_id", "ignored": ["token_hash"], "personal": ["accepted_at", "accepted_by", "created_by", "email"]}', 'core.invitations', 'personal');

--
-- Name: legal_holds audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.legal_holds FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.legal_holds", "tenant": "tenant_id", "ignored": [], "personal": ["email", "identifiers", "phone", "released_by", "set_by", "user_id"]}', 'core.legal_holds', 'personal');

--
-- Name: members audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.members FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["user_id"], "table": "core.members", "tenant": "tenant_id", "ignored": [], "personal": ["created_at", "created_by", "role_id", "status", "user_id"]}', 'core.members', 'personal');

--
-- Name: rate_limits audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.rate_limits FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["dimension", "action", "set_by"], "table": "core.rate_limits", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.rate_limits', 'personal');

--
-- Name: role_permissions audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.role_permissions FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["role_id", "permission"], "table": "core.role_permissions", "tenant": "tenant_id", "ignored": [], "personal": []}', 'core.role_permissions');

--
-- Name: roles audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.roles FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.roles", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.roles', 'personal');

--
-- Name: sensitive_records audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.sensitive_records FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["table_name", "record_id"], "table": "core.sensitive_records", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.sensitive_records', 'personal');

--
-- Name: team_members audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.team_members FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["team_id", "user_id"], "table": "core.team_members", "tenant": "tenant_id", "ignored": [], "personal": ["team_id", "user_id"]}', 'core.team_members', 'personal');

--
-- Name: teams audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.teams FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.teams", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.teams', 'personal');

--
-- Name: tenants audit_row; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON core.tenants FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.tenants", "tenant": "id", "ignored": [], "personal": ["created_by"]}', 'core.tenants', 'personal');

--
-- Name: api_key_secrets audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.api_key_secrets FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["api_key_id", "id"], "table": "core.api_key_secrets", "tenant": "tenant_id", "ignored": ["token_hash", "last_used_at"], "personal": ["created_by"]}', 'core.api_key_secrets', 'personal');

--
-- Name: api_keys audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.api_keys FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["id"], "table": "core.api_keys", "tenant": "tenant_id", "ignored": [], "personal": ["created_by", "revoked_by"]}', 'core.api_keys', 'personal');

--
-- Name: consent_withdrawals audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.consent_withdrawals FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["consent_id"], "table": "core.consent_withdrawals", "tenant": "tenant_id", "ignored": [], "personal": ["recorded_by", "source", "withdrawn_at"]}', 'core.consent_withdrawals', 'personal');

--
-- Name: consents audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.consents FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["id"], "table": "core.consents", "tenant": "tenant_id", "ignored": [], "personal": ["channel", "email", "given_at", "id", "legal_basis", "phone", "proof_text", "proof_version", "purpose", "recorded_by", "source", "user_id"]}', 'core.consents', 'personal');

--
-- Name: email_domain_rules audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.email_domain_rules FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["domain"], "table": "core.email_domain_rules", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.email_domain_rules', 'personal');

--
-- Name: hidden_fields audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.hidden_fields FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["role_id", "object", "field"], "table": "core.hidden_fields", "tenant": "tenant_id", "ignored": [], "personal": []}', 'core.hidden_fields');

--
-- Name: invitations audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.invitations FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["id"], "table": "core.invitations", "tenant": "tenant_id", "ignored": ["token_hash"], "personal": ["accepted_at", "accepted_by", "created_by", "email"]}', 'core.invitations', 'personal');

--
-- Name: legal_holds audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.legal_holds FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["id"], "table": "core.legal_holds", "tenant": "tenant_id", "ignored": [], "personal": ["email", "identifiers", "phone", "released_by", "set_by", "user_id"]}', 'core.legal_holds', 'personal');

--
-- Name: members audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.members FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["user_id"], "table": "core.members", "tenant": "tenant_id", "ignored": [], "personal": ["created_at", "created_by", "role_id", "status", "user_id"]}', 'core.members', 'personal');

--
-- Name: rate_limits audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.rate_limits FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["dimension", "action", "set_by"], "table": "core.rate_limits", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.rate_limits', 'personal');

--
-- Name: role_permissions audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.role_permissions FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["role_id", "permission"], "table": "core.role_permissions", "tenant": "tenant_id", "ignored": [], "personal": []}', 'core.role_permissions');

--
-- Name: roles audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.roles FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["id"], "table": "core.roles", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.roles', 'personal');

--
-- Name: sensitive_records audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.sensitive_records FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["table_name", "record_id"], "table": "core.sensitive_records", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.sensitive_records', 'personal');

--
-- Name: team_members audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.team_members FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["team_id", "user_id"], "table": "core.team_members", "tenant": "tenant_id", "ignored": [], "personal": ["team_id", "user_id"]}', 'core.team_members', 'personal');

--
-- Name: teams audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.teams FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["id"], "table": "core.teams", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.teams', 'personal');

--
-- Name: tenants audit_truncation; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON core.tenants FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["id"], "table": "core.tenants", "tenant": "id", "ignored": [], "personal": ["created_by"]}', 'core.tenants', 'personal');

--
-- Name: api_key_secrets audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.api_key_secrets FOR EACH ROW WHEN (record_image_ne(ROW(old.tenant_id, old.api_key_id, old.id, old.hint, old.expires_at, old.created_at, old.created_by), ROW(new.tenant_id, new.api_key_id, new.id, new.hint, new.expires_at, new.created_at, new.created_by))) EXECUTE FUNCTION core.audit_row('{"key": ["api_key_id", "id"], "table": "core.api_key_secrets", "tenant": "tenant_id", "ignored": ["token_hash", "last_used_at"], "personal": ["created_by"]}', 'core.api_key_secrets', 'personal');

--
-- Name: api_keys audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.api_keys FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.api_keys", "tenant": "tenant_id", "ignored": [], "personal": ["created_by", "revoked_by"]}', 'core.api_keys', 'personal');

--
-- Name: consent_withdrawals audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.consent_withdrawals FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["consent_id"], "table": "core.consent_withdrawals", "tenant": "tenant_id", "ignored": [], "personal": ["recorded_by", "source", "withdrawn_at"]}', 'core.consent_withdrawals', 'personal');

--
-- Name: consents audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.consents FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.consents", "tenant": "tenant_id", "ignored": [], "personal": ["channel", "email", "given_at", "id", "legal_basis", "phone", "proof_text", "proof_version", "purpose", "recorded_by", "source", "user_id"]}', 'core.consents', 'personal');

--
-- Name: email_domain_rules audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.email_domain_rules FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["domain"], "table": "core.email_domain_rules", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.email_domain_rules', 'personal');

--
-- Name: hidden_fields audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.hidden_fields FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["role_id", "object", "field"], "table": "core.hidden_fields", "tenant": "tenant_id", "ignored": [], "personal": []}', 'core.hidden_fields');

--
-- Name: invitations audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.invitations FOR EACH ROW WHEN (record_image_ne(ROW(old.tenant_id, old.id, old.email, old.role_tenant_id, old.role_id, old.expires_at, old.accepted_at, old.accepted_by, old.revoked_at, old.created_at, old.created_by), ROW(new.tenant_id, new.id, new.email, new.role_tenant_id, new.role_id, new.expires_at, new.accepted_at, new.accepted_by, new.revoked_at, new.created_at, new.created_by))) EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.invitations", "tenant": "tenant_id", "ignored": ["token_hash"], "personal": ["accepted_at", "accepted_by", "created_by", "email"]}', 'core.invitations', 'personal');

--
-- Name: legal_holds audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.legal_holds FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.legal_holds", "tenant": "tenant_id", "ignored": [], "personal": ["email", "identifiers", "phone", "released_by", "set_by", "user_id"]}', 'core.legal_holds', 'personal');

--
-- Name: members audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.members FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["user_id"], "table": "core.members", "tenant": "tenant_id", "ignored": [], "personal": ["created_at", "created_by", "role_id", "status", "user_id"]}', 'core.members', 'personal');

--
-- Name: rate_limits audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.rate_limits FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["dimension", "action", "set_by"], "table": "core.rate_limits", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.rate_limits', 'personal');

--
-- Name: role_permissions audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.role_permissions FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["role_id", "permission"], "table": "core.role_permissions", "tenant": "tenant_id", "ignored": [], "personal": []}', 'core.role_permissions');

--
-- Name: roles audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.roles FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.roles", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.roles', 'personal');

--
-- Name: sensitive_records audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.sensitive_records FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["table_name", "record_id"], "table": "core.sensitive_records", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.sensitive_records', 'personal');

--
-- Name: team_members audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.team_members FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["team_id", "user_id"], "table": "core.team_members", "tenant": "tenant_id", "ignored": [], "personal": ["team_id", "user_id"]}', 'core.team_members', 'personal');

--
-- Name: teams audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.teams FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.teams", "tenant": "tenant_id", "ignored": [], "personal": ["created_by"]}', 'core.teams', 'personal');

--
-- Name: tenants audit_update; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON core.tenants FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "core.tenants", "tenant": "id", "ignored": [], "personal": ["created_by"]}', 'core.tenants', 'personal');

--
-- Name: consents consents_are_not_changed; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER consents_are_not_changed BEFORE UPDATE ON core.consents FOR EACH ROW EXECUTE FUNCTION core.refuse_consent_change();

--
-- Name: email_domain_rules domain_normalised; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER domain_normalised BEFORE INSERT OR UPDATE ON core.email_domain_rules FOR EACH ROW EXECUTE FUNCTION core.normalise_email_domain_rule();

--
-- Name: events events_are_not_changed; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER events_are_not_changed AFTER UPDATE ON core.events REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_event_change();

--
-- Name: events events_are_not_removed; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER events_are_not_removed AFTER DELETE ON core.events REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_event_removal();

--
-- Name: events events_are_not_truncated; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER events_are_not_truncated BEFORE TRUNCATE ON core.events FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_event_removal();

--
-- Name: pending_events events_numbered_at_commit; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE CONSTRAINT TRIGGER events_numbered_at_commit AFTER INSERT OR UPDATE ON core.pending_events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.is_first) EXECUTE FUNCTION core.number_events();

--
-- Name: audit_heads head_moves_on; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER head_moves_on BEFORE DELETE OR UPDATE ON core.audit_heads FOR EACH ROW EXECUTE FUNCTION core.refuse_head_to_return();

--
-- Name: rate_limits limits_are_read; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER limits_are_read BEFORE INSERT OR UPDATE OF limits ON core.rate_limits FOR EACH ROW EXECUTE FUNCTION core.read_limits();

--
-- Name: role_permissions role_change; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER role_change AFTER INSERT OR DELETE OR UPDATE ON core.role_permissions FOR EACH ROW EXECUTE FUNCTION core.report_role_change();

--
-- Name: members role_change_added; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER role_change_added AFTER INSERT OR DELETE ON core.members FOR EACH ROW EXECUTE FUNCTION core.report_role_change();

--
-- Name: members role_change_changed; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER role_change_changed AFTER UPDATE ON core.members FOR EACH ROW WHEN (((old.role_id IS DISTINCT FROM new.role_id) OR (old.role_tenant_id IS DISTINCT FROM new.role_tenant_id) OR (old.status IS DISTINCT FROM new.status))) EXECUTE FUNCTION core.report_role_change();

--
-- Name: event_types types_are_not_truncated; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER types_are_not_truncated BEFORE TRUNCATE ON core.event_types FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_type_removal();

--
-- Name: event_types types_keep_their_names; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER types_keep_their_names BEFORE UPDATE ON core.event_types FOR EACH ROW WHEN ((new.type <> old.type)) EXECUTE FUNCTION core.refuse_type_removal();

--
-- Name: event_types types_stay; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER types_stay BEFORE DELETE ON core.event_types FOR EACH ROW EXECUTE FUNCTION core.refuse_type_removal();

--
-- Name: consent_withdrawals withdrawals_are_not_changed; Type: TRIGGER; Schema: core; Owner: postgres
--

CREATE TRIGGER withdrawals_are_not_changed BEFORE UPDATE ON core.consent_withdrawals FOR EACH ROW EXECUTE FUNCTION core.refuse_consent_change();

--
-- Name: device_credentials audit_row; Type: TRIGGER; Schema: iot; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON iot.device_credentials FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["device_id", "id"], "table": "iot.device_credentials", "tenant": "tenant_id", "ignored": ["secret_hash", "last_used_at"], "personal": ["created_by"]}', 'iot.device_credentials', 'personal');

--
-- Name: devices audit_row; Type: TRIGGER; Schema: iot; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON iot.devices FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "iot.devices", "tenant": "tenant_id", "ignored": ["last_seen_at"], "personal": ["created_by"]}', 'iot.devices', 'personal');

--
-- Name: metrics audit_row; Type: TRIGGER; Schema: iot; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON iot.metrics FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["number"], "table": "iot.metrics", "tenant": "tenant_id", "ignored": [], "personal": []}', 'iot.metrics');

--
-- Name: retention_policies audit_row; Type: TRIGGER; Schema: iot; Owner: postgres
--

CREATE TRIGGER audit_row AFTER INSERT OR DELETE ON iot.retention_policies FOR EACH ROW EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "iot.retention_policies", "tenant": "tenant_id", "ignored": [], "personal": ["changed_by"]}', 'iot.retention_policies', 'personal');

--
-- Name: device_credentials audit_truncation; Type: TRIGGER; Schema: iot; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON iot.device_credentials FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["device_id", "id"], "table": "iot.device_credentials", "tenant": "tenant_id", "ignored": ["secret_hash", "last_used_at"], "personal": ["created_by"]}', 'iot.device_credentials', 'personal');

--
-- Name: devices audit_truncation; Type: TRIGGER; Schema: iot; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON iot.devices FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["id"], "table": "iot.devices", "tenant": "tenant_id", "ignored": ["last_seen_at"], "personal": ["created_by"]}', 'iot.devices', 'personal');

--
-- Name: metrics audit_truncation; Type: TRIGGER; Schema: iot; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON iot.metrics FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["number"], "table": "iot.metrics", "tenant": "tenant_id", "ignored": [], "personal": []}', 'iot.metrics');

--
-- Name: retention_policies audit_truncation; Type: TRIGGER; Schema: iot; Owner: postgres
--

CREATE TRIGGER audit_truncation BEFORE TRUNCATE ON iot.retention_policies FOR EACH STATEMENT EXECUTE FUNCTION core.audit_truncation('{"key": ["id"], "table": "iot.retention_policies", "tenant": "tenant_id", "ignored": [], "personal": ["changed_by"]}', 'iot.retention_policies', 'personal');

--
-- Name: device_credentials audit_update; Type: TRIGGER; Schema: iot; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON iot.device_credentials FOR EACH ROW WHEN (record_image_ne(ROW(old.tenant_id, old.device_id, old.id, old.kind, old.hint, old.expires_at, old.revoked_at, old.created_at, old.created_by), ROW(new.tenant_id, new.device_id, new.id, new.kind, new.hint, new.expires_at, new.revoked_at, new.created_at, new.created_by))) EXECUTE FUNCTION core.audit_row('{"key": ["device_id", "id"], "table": "iot.device_credentials", "tenant": "tenant_id", "ignored": ["secret_hash", "last_used_at"], "personal": ["created_by"]}', 'iot.device_credentials', 'personal');

--
-- Name: devices audit_update; Type: TRIGGER; Schema: iot; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON iot.devices FOR EACH ROW WHEN (record_image_ne(ROW(old.tenant_id, old.id, old.number, old.slug, old.name, old.type, old.status, old.created_at, old.created_by), ROW(new.tenant_id, new.id, new.number, new.slug, new.name, new.type, new.status, new.created_at, new.created_by))) EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "iot.devices", "tenant": "tenant_id", "ignored": ["last_seen_at"], "personal": ["created_by"]}', 'iot.devices', 'personal');

--
-- Name: metrics audit_update; Type: TRIGGER; Schema: iot; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON iot.metrics FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["number"], "table": "iot.metrics", "tenant": "tenant_id", "ignored": [], "personal": []}', 'iot.metrics');

--
-- Name: retention_policies audit_update; Type: TRIGGER; Schema: iot; Owner: postgres
--

CREATE TRIGGER audit_update AFTER UPDATE ON iot.retention_policies FOR EACH ROW WHEN (record_image_ne(old.*, new.*)) EXECUTE FUNCTION core.audit_row('{"key": ["id"], "table": "iot.retention_policies", "tenant": "tenant_id", "ignored": [], "personal": ["changed_by"]}', 'iot.retention_policies', 'personal');

--
-- Name: api_key_secrets api_key_secrets_tenant_id_api_key_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.api_key_secrets
    ADD CONSTRAINT api_key_secrets_tenant_id_api_key_id_fkey FOREIGN KEY (tenant_id, api_key_id) REFERENCES core.api_keys(tenant_id, id) ON DELETE CASCADE;

--
-- Name: api_keys api_keys_role_tenant_id_role_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.api_keys
    ADD CONSTRAINT api_keys_role_tenant_id_role_id_fkey FOREIGN KEY (role_tenant_id, role_id) REFERENCES core.roles(tenant_id, id);

--
-- Name: api_keys api_keys_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.api_keys
    ADD CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: consent_withdrawals consent_withdrawals_tenant_id_consent_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.consent_withdrawals
    ADD CONSTRAINT consent_withdrawals_tenant_id_consent_id_fkey FOREIGN KEY (tenant_id, consent_id) REFERENCES core.consents(tenant_id, id) ON DELETE CASCADE;

--
-- Name: consents consents_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.consents
    ADD CONSTRAINT consents_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: deliveries deliveries_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.deliveries
    ADD CONSTRAINT deliveries_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: email_domain_rules email_domain_rules_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.email_domain_rules
    ADD CONSTRAINT email_domain_rules_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: erasures erasures_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.erasures
    ADD CONSTRAINT erasures_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: event_expiries event_expiries_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.event_expiries
    ADD CONSTRAINT event_expiries_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: event_heads event_heads_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.event_heads
    ADD CONSTRAINT event_heads_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: event_types event_types_permission_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.event_types
    ADD CONSTRAINT event_types_permission_fkey FOREIGN KEY (permission) REFERENCES core.permissions(permission);

--
-- Name: export_log export_log_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.export_log
    ADD CONSTRAINT export_log_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: hidden_fields hidden_fields_object_field_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.hidden_fields
    ADD CONSTRAINT hidden_fields_object_field_fkey FOREIGN KEY (object, field) REFERENCES core.fields(object, field);

--
-- Name: hidden_fields hidden_fields_tenant_id_role_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.hidden_fields
    ADD CONSTRAINT hidden_fields_tenant_id_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES core.roles(tenant_id, id) ON DELETE CASCADE;

--
-- Name: invitations invitations_role_tenant_id_role_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.invitations
    ADD CONSTRAINT invitations_role_tenant_id_role_id_fkey FOREIGN KEY (role_tenant_id, role_id) REFERENCES core.roles(tenant_id, id) ON DELETE CASCADE;

--
-- Name: invitations invitations_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.invitations
    ADD CONSTRAINT invitations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: legal_holds legal_holds_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.legal_holds
    ADD CONSTRAINT legal_holds_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

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
-- Name: rate_buckets rate_buckets_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.rate_buckets
    ADD CONSTRAINT rate_buckets_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: rate_limits rate_limits_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.rate_limits
    ADD CONSTRAINT rate_limits_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

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
-- Name: sensitive_records sensitive_records_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.sensitive_records
    ADD CONSTRAINT sensitive_records_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: sign_in_attempts sign_in_attempts_tenant_id_user_id_authenticator_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.sign_in_attempts
    ADD CONSTRAINT sign_in_attempts_tenant_id_user_id_authenticator_fkey FOREIGN KEY (tenant_id, user_id, authenticator) REFERENCES core.sign_in_authenticators(tenant_id, user_id, authenticator) ON DELETE CASCADE;

--
-- Name: sign_in_authenticators sign_in_authenticators_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.sign_in_authenticators
    ADD CONSTRAINT sign_in_authenticators_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: sign_in_authenticators sign_in_authenticators_user_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.sign_in_authenticators
    ADD CONSTRAINT sign_in_authenticators_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

--
-- Name: team_members team_members_tenant_id_team_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.team_members
    ADD CONSTRAINT team_members_tenant_id_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES core.teams(tenant_id, id) ON DELETE CASCADE;

--
-- Name: team_members team_members_tenant_id_user_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.team_members
    ADD CONSTRAINT team_members_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES core.members(tenant_id, user_id) ON DELETE CASCADE;

--
-- Name: teams teams_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.teams
    ADD CONSTRAINT teams_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: tenants tenants_parent_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.tenants
    ADD CONSTRAINT tenants_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES core.tenants(id);

--
-- Name: tenants tenants_suspended_with_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.tenants
    ADD CONSTRAINT tenants_suspended_with_fkey FOREIGN KEY (suspended_with) REFERENCES core.tenants(id);

--
-- Name: user_settings user_settings_active_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.user_settings
    ADD CONSTRAINT user_settings_active_tenant_id_fkey FOREIGN KEY (active_tenant_id) REFERENCES core.tenants(id) ON DELETE SET NULL;

--
-- Name: user_settings user_settings_tenant_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.user_settings
    ADD CONSTRAINT user_settings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: user_settings user_settings_user_id_fkey; Type: FK CONSTRAINT; Schema: core; Owner: postgres
--

ALTER TABLE ONLY core.user_settings
    ADD CONSTRAINT user_settings_user_id_fkey FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE;

--
-- Name: batches batches_tenant_id_fkey; Type: FK CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.batches
    ADD CONSTRAINT batches_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES core.tenants(id);

--
-- Name: device_credentials device_credentials_tenant_id_device_id_fkey; Type: FK CONSTRAINT; Schema: iot; Owner: postgres
--

ALTER TABLE ONLY iot.device_credentials
    ADD CONSTRAINT device_credentials_tenant_id_device_id_fkey FOREIGN KEY (tenant_id, device_id) REFERENCES iot.devices(tenant_id, id) ON DELETE CASCADE;

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
-- Name: api_key_secrets; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.api_key_secrets ENABLE ROW LEVEL SECURITY;

--
-- Name: api_key_secrets api_key_secrets_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY api_key_secrets_read ON core.api_key_secrets FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.api_keys.read'::text) AS tenants_with)::uuid[])));

--
-- Name: api_keys; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.api_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: api_keys api_keys_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY api_keys_read ON core.api_keys FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.api_keys.read'::text) AS tenants_with)::uuid[])));

--
-- Name: audit_anchors; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.audit_anchors ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_anchors audit_anchors_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY audit_anchors_read ON core.audit_anchors FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.audit.read'::text) AS tenants_with)::uuid[])));

--
-- Name: audit_entries; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.audit_entries ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_entries_default; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.audit_entries_default ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_entries audit_entries_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY audit_entries_read ON core.audit_entries FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.audit.read'::text) AS tenants_with)::uuid[])));

--
-- Name: audit_entries_default audit_entries_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY audit_entries_read ON core.audit_entries_default FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.audit.read'::text) AS tenants_with)::uuid[])));

--
-- Name: audit_heads; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.audit_heads ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_heads audit_heads_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY audit_heads_read ON core.audit_heads FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.audit.read'::text) AS tenants_with)::uuid[])));

--
-- Name: audit_progress; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.audit_progress ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_progress audit_progress_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY audit_progress_read ON core.audit_progress FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.audit.read'::text) AS tenants_with)::uuid[])));

--
-- Name: audit_seals; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.audit_seals ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_seals audit_seals_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY audit_seals_read ON core.audit_seals FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.audit.read'::text) AS tenants_with)::uuid[])));

--
-- Name: audit_values; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.audit_values ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_values audit_values_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY audit_values_read ON core.audit_values FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.audit.read'::text) AS tenants_with)::uuid[])));

--
-- Name: consent_withdrawals; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.consent_withdrawals ENABLE ROW LEVEL SECURITY;

--
-- Name: consent_withdrawals consent_withdrawals_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY consent_withdrawals_read ON core.consent_withdrawals FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.privacy.read'::text) AS tenants_with)::uuid[])));

--
-- Name: consents; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.consents ENABLE ROW LEVEL SECURITY;

--
-- Name: consents consents_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY consents_read ON core.consents FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.privacy.read'::text) AS tenants_with)::uuid[])));

--
-- Name: deliveries; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.deliveries ENABLE ROW LEVEL SECURITY;

--
-- Name: deliveries deliveries_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY deliveries_read ON core.deliveries FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.deliveries.read'::text) AS tenants_with)::uuid[])));

--
-- Name: email_domain_rules; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.email_domain_rules ENABLE ROW LEVEL SECURITY;

--
-- Name: email_domain_rules email_domain_rules_delete; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY email_domain_rules_delete ON core.email_domain_rules FOR DELETE TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.sign_up.write'::text) AS tenants_with)::uuid[])));

--
-- Name: email_domain_rules email_domain_rules_insert; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY email_domain_rules_insert ON core.email_domain_rules FOR INSERT TO authenticated WITH CHECK ((tenant_id = ANY (( SELECT core.tenants_with('core.sign_up.write'::text) AS tenants_with)::uuid[])));

--
-- Name: email_domain_rules email_domain_rules_read_by_auth; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY email_domain_rules_read_by_auth ON core.email_domain_rules FOR SELECT TO supabase_auth_admin USING (true);

--
-- Name: email_domain_rules email_domain_rules_select; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY email_domain_rules_select ON core.email_domain_rules FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.sign_up.read'::text) AS tenants_with)::uuid[])));

--
-- Name: email_domain_rules email_domain_rules_update; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY email_domain_rules_update ON core.email_domain_rules FOR UPDATE TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.sign_up.write'::text) AS tenants_with)::uuid[]))) WITH CHECK ((tenant_id = ANY (( SELECT core.tenants_with('core.sign_up.write'::text) AS tenants_with)::uuid[])));

--
-- Name: erasures; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.erasures ENABLE ROW LEVEL SECURITY;

--
-- Name: erasures erasures_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY erasures_read ON core.erasures FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.privacy.read'::text) AS tenants_with)::uuid[])));

--
-- Name: errors; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.errors ENABLE ROW LEVEL SECURITY;

--
-- Name: errors errors_are_public; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY errors_are_public ON core.errors FOR SELECT USING (true);

--
-- Name: event_expiries; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.event_expiries ENABLE ROW LEVEL SECURITY;

--
-- Name: event_expiries event_expiries_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY event_expiries_read ON core.event_expiries FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.events.read'::text) AS tenants_with)::uuid[])));

--
-- Name: event_heads; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.event_heads ENABLE ROW LEVEL SECURITY;

--
-- Name: event_heads event_heads_unseen; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY event_heads_unseen ON core.event_heads FOR SELECT TO authenticated USING (false);

--
-- Name: event_types; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.event_types ENABLE ROW LEVEL SECURITY;

--
-- Name: event_types event_types_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY event_types_read ON core.event_types FOR SELECT TO authenticated USING (true);

--
-- Name: events; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.events ENABLE ROW LEVEL SECURITY;

--
-- Name: events events_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY events_read ON core.events FOR SELECT TO authenticated USING (((tenant_id = ANY (( SELECT core.tenants_with('core.events.read'::text) AS tenants_with)::uuid[])) AND ((( SELECT core.readable_event_types() AS readable_event_types) -> type) ? (tenant_id)::text)));

--
-- Name: export_log; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.export_log ENABLE ROW LEVEL SECURITY;

--
-- Name: export_log export_log_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY export_log_read ON core.export_log FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.privacy.read'::text) AS tenants_with)::uuid[])));

--
-- Name: fields; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.fields ENABLE ROW LEVEL SECURITY;

--
-- Name: fields fields_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY fields_read ON core.fields FOR SELECT TO authenticated USING (true);

--
-- Name: hidden_fields; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.hidden_fields ENABLE ROW LEVEL SECURITY;

--
-- Name: hidden_fields hidden_fields_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY hidden_fields_read ON core.hidden_fields FOR SELECT TO authenticated USING (((tenant_id = core.platform_tenant_id()) OR (tenant_id = ANY (( SELECT core.tenants_with('core.members.read'::text) AS tenants_with)::uuid[]))));

--
-- Name: idempotency_keys; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.idempotency_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: idempotency_keys idempotency_keys_unseen; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY idempotency_keys_unseen ON core.idempotency_keys FOR SELECT TO authenticated USING (false);

--
-- Name: invitations; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.invitations ENABLE ROW LEVEL SECURITY;

--
-- Name: invitations invitations_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY invitations_read ON core.invitations FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.members.read'::text) AS tenants_with)::uuid[])));

--
-- Name: legal_holds; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.legal_holds ENABLE ROW LEVEL SECURITY;

--
-- Name: legal_holds legal_holds_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY legal_holds_read ON core.legal_holds FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.privacy.read'::text) AS tenants_with)::uuid[])));

--
-- Name: members; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.members ENABLE ROW LEVEL SECURITY;

--
-- Name: members members_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY members_read ON core.members FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.members.read'::text) AS tenants_with)::uuid[])));

--
-- Name: members members_read_by_auth; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY members_read_by_auth ON core.members FOR SELECT TO supabase_auth_admin USING (true);

--
-- Name: not_personal; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.not_personal ENABLE ROW LEVEL SECURITY;

--
-- Name: not_personal not_personal_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY not_personal_read ON core.not_personal FOR SELECT TO authenticated USING (true);

--
-- Name: pending_events; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.pending_events ENABLE ROW LEVEL SECURITY;

--
-- Name: pending_events pending_events_unseen; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY pending_events_unseen ON core.pending_events FOR SELECT TO authenticated USING (false);

--
-- Name: permissions; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.permissions ENABLE ROW LEVEL SECURITY;

--
-- Name: permissions permissions_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY permissions_read ON core.permissions FOR SELECT TO authenticated USING (true);

--
-- Name: personal_data; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.personal_data ENABLE ROW LEVEL SECURITY;

--
-- Name: personal_data personal_data_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY personal_data_read ON core.personal_data FOR SELECT TO authenticated USING (true);

--
-- Name: rate_buckets; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.rate_buckets ENABLE ROW LEVEL SECURITY;

--
-- Name: rate_buckets rate_buckets_are_internal; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY rate_buckets_are_internal ON core.rate_buckets USING (false);

--
-- Name: rate_limits; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.rate_limits ENABLE ROW LEVEL SECURITY;

--
-- Name: rate_limits rate_limits_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY rate_limits_read ON core.rate_limits FOR SELECT TO authenticated USING (((tenant_id = core.platform_tenant_id()) OR (tenant_id = ANY (( SELECT core.tenants_with('core.limits.read'::text) AS tenants_with)::uuid[]))));

--
-- Name: retention_runs; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.retention_runs ENABLE ROW LEVEL SECURITY;

--
-- Name: retention_runs retention_runs_are_of_the_operator; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY retention_runs_are_of_the_operator ON core.retention_runs FOR SELECT TO service_role USING (true);

--
-- Name: role_permissions; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.role_permissions ENABLE ROW LEVEL SECURITY;

--
-- Name: role_permissions role_permissions_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY role_permissions_read ON core.role_permissions FOR SELECT TO authenticated USING (((tenant_id = core.platform_tenant_id()) OR (tenant_id = ANY (( SELECT core.tenants_with('core.members.read'::text) AS tenants_with)::uuid[]))));

--
-- Name: role_permissions role_permissions_read_by_auth; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY role_permissions_read_by_auth ON core.role_permissions FOR SELECT TO supabase_auth_admin USING (true);

--
-- Name: roles; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.roles ENABLE ROW LEVEL SECURITY;

--
-- Name: roles roles_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY roles_read ON core.roles FOR SELECT TO authenticated USING (((tenant_id = core.platform_tenant_id()) OR (tenant_id = ANY (( SELECT core.tenants_with('core.members.read'::text) AS tenants_with)::uuid[]))));

--
-- Name: roles roles_read_by_auth; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY roles_read_by_auth ON core.roles FOR SELECT TO supabase_auth_admin USING (true);

--
-- Name: sensitive_records; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.sensitive_records ENABLE ROW LEVEL SECURITY;

--
-- Name: sensitive_records sensitive_records_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY sensitive_records_read ON core.sensitive_records FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.sensitive.read'::text) AS tenants_with)::uuid[])));

--
-- Name: sign_in_attempts; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.sign_in_attempts ENABLE ROW LEVEL SECURITY;

--
-- Name: sign_in_attempts sign_in_attempts_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY sign_in_attempts_read ON core.sign_in_attempts FOR SELECT TO service_role USING (true);

--
-- Name: sign_in_authenticators; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.sign_in_authenticators ENABLE ROW LEVEL SECURITY;

--
-- Name: sign_in_authenticators sign_in_authenticators_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY sign_in_authenticators_read ON core.sign_in_authenticators FOR SELECT TO service_role USING (true);

--
-- Name: team_members; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.team_members ENABLE ROW LEVEL SECURITY;

--
-- Name: team_members team_members_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY team_members_read ON core.team_members FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.members.read'::text) AS tenants_with)::uuid[])));

--
-- Name: teams; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.teams ENABLE ROW LEVEL SECURITY;

--
-- Name: teams teams_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY teams_read ON core.teams FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('core.members.read'::text) AS tenants_with)::uuid[])));

--
-- Name: tenants; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.tenants ENABLE ROW LEVEL SECURITY;

--
-- Name: tenants tenants_change; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY tenants_change ON core.tenants FOR UPDATE TO authenticated USING ((id = ANY (( SELECT core.tenants_with('core.tenants.write'::text) AS tenants_with)::uuid[]))) WITH CHECK ((id = ANY (( SELECT core.tenants_with('core.tenants.write'::text) AS tenants_with)::uuid[])));

--
-- Name: tenants tenants_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY tenants_read ON core.tenants FOR SELECT TO authenticated USING (((id = ANY (( SELECT core.tenants_with('core.tenants.read'::text) AS tenants_with)::uuid[])) OR ((status = 'suspended'::text) AND (parent_id = ANY (( SELECT core.tenants_with('core.tenants.suspend'::text, 'descendants'::text) AS tenants_with)::uuid[])))));

--
-- Name: tenants tenants_read_by_auth; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY tenants_read_by_auth ON core.tenants FOR SELECT TO supabase_auth_admin USING (true);

--
-- Name: user_settings; Type: ROW SECURITY; Schema: core; Owner: postgres
--

ALTER TABLE core.user_settings ENABLE ROW LEVEL SECURITY;

--
-- Name: user_settings user_settings_read; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY user_settings_read ON core.user_settings FOR SELECT TO authenticated USING ((user_id = ( SELECT core.caller_id() AS caller_id)));

--
-- Name: user_settings user_settings_read_by_auth; Type: POLICY; Schema: core; Owner: postgres
--

CREATE POLICY user_settings_read_by_auth ON core.user_settings FOR SELECT TO supabase_auth_admin USING (true);

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
-- Name: device_credentials; Type: ROW SECURITY; Schema: iot; Owner: postgres
--

ALTER TABLE iot.device_credentials ENABLE ROW LEVEL SECURITY;

--
-- Name: device_credentials device_credentials_read; Type: POLICY; Schema: iot; Owner: postgres
--

CREATE POLICY device_credentials_read ON iot.device_credentials FOR SELECT TO authenticated USING ((tenant_id = ANY (( SELECT core.tenants_with('iot.devices.read'::text) AS tenants_with)::uuid[])));

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
GRANT USAGE ON SCHEMA core TO supabase_auth_admin;
GRANT USAGE ON SCHEMA core TO tenon_bridge;

--
-- Name: SCHEMA hooks; Type: ACL; Schema: -; Owner: postgres
--

GRANT USAGE ON SCHEMA hooks TO supabase_auth_admin;

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
-- Name: FUNCTION accept_invitation(token text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.accept_invitation(token text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.accept_invitation(token text) TO authenticated;
GRANT ALL ON FUNCTION core.accept_invitation(token text) TO service_role;

--
-- Name: FUNCTION active_tenant(user_id uuid, OUT tenant_id uuid, OUT tenant text, OUT role text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.active_tenant(user_id uuid, OUT tenant_id uuid, OUT tenant text, OUT role text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.active_tenant(user_id uuid, OUT tenant_id uuid, OUT tenant text, OUT role text) TO supabase_auth_admin;

--
-- Name: FUNCTION caller_id(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.caller_id() FROM PUBLIC;
GRANT ALL ON FUNCTION core.caller_id() TO anon;
GRANT ALL ON FUNCTION core.caller_id() TO authenticated;
GRANT ALL ON FUNCTION core.caller_id() TO service_role;
GRANT ALL ON FUNCTION core.caller_id() TO tenon_device;

--
-- Name: TABLE api_keys; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.api_keys TO authenticated;
GRANT ALL ON TABLE core.api_keys TO service_role;

--
-- Name: FUNCTION add_api_key_secret(api_key core.api_keys, OUT token text, OUT hint text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.add_api_key_secret(api_key core.api_keys, OUT token text, OUT hint text) FROM PUBLIC;

--
-- Name: FUNCTION add_audit_partition(month timestamp with time zone); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.add_audit_partition(month timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION platform_tenant_id(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.platform_tenant_id() FROM PUBLIC;
GRANT ALL ON FUNCTION core.platform_tenant_id() TO authenticated;
GRANT ALL ON FUNCTION core.platform_tenant_id() TO service_role;
GRANT ALL ON FUNCTION core.platform_tenant_id() TO anon;
GRANT ALL ON FUNCTION core.platform_tenant_id() TO tenon_device;
GRANT ALL ON FUNCTION core.platform_tenant_id() TO supabase_auth_admin;

--
-- Name: TABLE role_permissions; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.role_permissions TO authenticated;
GRANT ALL ON TABLE core.role_permissions TO service_role;
GRANT SELECT ON TABLE core.role_permissions TO supabase_auth_admin;

--
-- Name: TABLE roles; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.roles TO authenticated;
GRANT ALL ON TABLE core.roles TO service_role;
GRANT SELECT ON TABLE core.roles TO supabase_auth_admin;

--
-- Name: FUNCTION allow_system_roles(role_slugs text[], permissions text[], scope text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.allow_system_roles(role_slugs text[], permissions text[], scope text) FROM PUBLIC;

--
-- Name: FUNCTION answers_kept_for(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.answers_kept_for() FROM PUBLIC;

--
-- Name: FUNCTION api_key_named(id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.api_key_named(id uuid) FROM PUBLIC;

--
-- Name: FUNCTION append_audit_seal(tenant_id uuid, month timestamp with time zone, ids bigint[], digests bytea); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.append_audit_seal(tenant_id uuid, month timestamp with time zone, ids bigint[], digests bytea) FROM PUBLIC;

--
-- Name: FUNCTION apply_retention(budget interval); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.apply_retention(budget interval) FROM PUBLIC;
GRANT ALL ON FUNCTION core.apply_retention(budget interval) TO service_role;

--
-- Name: FUNCTION audit(audited regclass, ignored text[]); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.audit(audited regclass, ignored text[]) FROM PUBLIC;

--
-- Name: FUNCTION audit_cut_months(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.audit_cut_months(tenant_id uuid) FROM PUBLIC;

--
-- Name: TABLE audit_entries; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.audit_entries TO authenticated;
GRANT SELECT ON TABLE core.audit_entries TO service_role;

--
-- Name: FUNCTION audit_line(entry core.audit_entries); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.audit_line(entry core.audit_entries) FROM PUBLIC;

--
-- Name: FUNCTION audit_month_key(month timestamp with time zone); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.audit_month_key(month timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION audit_row(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.audit_row() FROM PUBLIC;

--
-- Name: FUNCTION audit_seal_entries_max(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.audit_seal_entries_max() FROM PUBLIC;

--
-- Name: TABLE audit_seals; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.audit_seals TO service_role;

--
-- Name: FUNCTION audit_seal_text(seal core.audit_seals); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.audit_seal_text(seal core.audit_seals) FROM PUBLIC;

--
-- Name: FUNCTION audit_settings(audited regclass, ignored text[]); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.audit_settings(audited regclass, ignored text[]) FROM PUBLIC;

--
-- Name: FUNCTION audit_state(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.audit_state(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.audit_state(tenant_id uuid) TO service_role;

--
-- Name: FUNCTION audit_truncation(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.audit_truncation() FROM PUBLIC;

--
-- Name: FUNCTION audit_values_of(entry core.audit_entries, is_old boolean); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.audit_values_of(entry core.audit_entries, is_old boolean) FROM PUBLIC;

--
-- Name: FUNCTION authenticate(token text, certificate text, OUT kind text, OUT id uuid, OUT tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.authenticate(token text, certificate text, OUT kind text, OUT id uuid, OUT tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.authenticate(token text, certificate text, OUT kind text, OUT id uuid, OUT tenant_id uuid) TO anon;
GRANT ALL ON FUNCTION core.authenticate(token text, certificate text, OUT kind text, OUT id uuid, OUT tenant_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.authenticate(token text, certificate text, OUT kind text, OUT id uuid, OUT tenant_id uuid) TO service_role;
GRANT ALL ON FUNCTION core.authenticate(token text, certificate text, OUT kind text, OUT id uuid, OUT tenant_id uuid) TO tenon_device;

--
-- Name: FUNCTION begin_sensitive_read(table_name text, id uuid, reason text, OUT opened regclass, OUT tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.begin_sensitive_read(table_name text, id uuid, reason text, OUT opened regclass, OUT tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.begin_sensitive_read(table_name text, id uuid, reason text, OUT opened regclass, OUT tenant_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.begin_sensitive_read(table_name text, id uuid, reason text, OUT opened regclass, OUT tenant_id uuid) TO service_role;

--
-- Name: FUNCTION caller(OUT kind text, OUT id uuid, OUT tenant_id uuid, OUT requested_tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.caller(OUT kind text, OUT id uuid, OUT tenant_id uuid, OUT requested_tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.caller(OUT kind text, OUT id uuid, OUT tenant_id uuid, OUT requested_tenant_id uuid) TO anon;
GRANT ALL ON FUNCTION core.caller(OUT kind text, OUT id uuid, OUT tenant_id uuid, OUT requested_tenant_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.caller(OUT kind text, OUT id uuid, OUT tenant_id uuid, OUT requested_tenant_id uuid) TO service_role;
GRANT ALL ON FUNCTION core.caller(OUT kind text, OUT id uuid, OUT tenant_id uuid, OUT requested_tenant_id uuid) TO tenon_device;

--
-- Name: FUNCTION carry_out(relation oid, assignments text, keys jsonb, secret bytea); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.carry_out(relation oid, assignments text, keys jsonb, secret bytea) FROM PUBLIC;

--
-- Name: FUNCTION carry_out_erasure(tenant_id uuid, identifiers jsonb, plan jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.carry_out_erasure(tenant_id uuid, identifiers jsonb, plan jsonb) FROM PUBLIC;

--
-- Name: FUNCTION certificate_presented(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.certificate_presented() FROM PUBLIC;
GRANT ALL ON FUNCTION core.certificate_presented() TO anon;
GRANT ALL ON FUNCTION core.certificate_presented() TO authenticated;
GRANT ALL ON FUNCTION core.certificate_presented() TO service_role;
GRANT ALL ON FUNCTION core.certificate_presented() TO tenon_device;

--
-- Name: FUNCTION charge_rate_buckets(owners uuid[], buckets text[], limits text[]); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.charge_rate_buckets(owners uuid[], buckets text[], limits text[]) FROM PUBLIC;

--
-- Name: FUNCTION check_above(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.check_above(tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION check_consent(purpose text, legal_basis text, at timestamp with time zone, source text, channel text, proof_text text, proof_version text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.check_consent(purpose text, legal_basis text, at timestamp with time zone, source text, channel text, proof_text text, proof_version text) FROM PUBLIC;

--
-- Name: FUNCTION check_may_grant(tenant_id uuid, permissions jsonb, hidden_fields jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.check_may_grant(tenant_id uuid, permissions jsonb, hidden_fields jsonb) FROM PUBLIC;

--
-- Name: FUNCTION check_may_grant_role(tenant_id uuid, role_tenant_id uuid, role_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.check_may_grant_role(tenant_id uuid, role_tenant_id uuid, role_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION check_name(name text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.check_name(name text) FROM PUBLIC;

--
-- Name: FUNCTION check_owner(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.check_owner(tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION check_position(after jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.check_position(after jsonb) FROM PUBLIC;

--
-- Name: FUNCTION check_rate_limits(action text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.check_rate_limits(action text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.check_rate_limits(action text) TO anon;
GRANT ALL ON FUNCTION core.check_rate_limits(action text) TO authenticated;
GRANT ALL ON FUNCTION core.check_rate_limits(action text) TO service_role;
GRANT ALL ON FUNCTION core.check_rate_limits(action text) TO tenon_device;

--
-- Name: FUNCTION check_tenant_place(tenant_id uuid, parent_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.check_tenant_place(tenant_id uuid, parent_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION clear_rate_limit(dimension text, action text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.clear_rate_limit(dimension text, action text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.clear_rate_limit(dimension text, action text) TO authenticated;
GRANT ALL ON FUNCTION core.clear_rate_limit(dimension text, action text) TO service_role;

--
-- Name: FUNCTION client_address(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.client_address() FROM PUBLIC;
GRANT ALL ON FUNCTION core.client_address() TO authenticated;
GRANT ALL ON FUNCTION core.client_address() TO service_role;
GRANT ALL ON FUNCTION core.client_address() TO anon;
GRANT ALL ON FUNCTION core.client_address() TO tenon_device;

--
-- Name: FUNCTION close_tenant(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.close_tenant(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.close_tenant(tenant_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.close_tenant(tenant_id uuid) TO service_role;

--
-- Name: FUNCTION create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION core.create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone) TO authenticated;
GRANT ALL ON FUNCTION core.create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone) TO service_role;

--
-- Name: FUNCTION create_tenant(slug text, name text, parent_id uuid, settings jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.create_tenant(slug text, name text, parent_id uuid, settings jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.create_tenant(slug text, name text, parent_id uuid, settings jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.create_tenant(slug text, name text, parent_id uuid, settings jsonb) TO service_role;

--
-- Name: FUNCTION cron_is_usable(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.cron_is_usable() FROM PUBLIC;

--
-- Name: FUNCTION data_map_faults(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.data_map_faults() FROM PUBLIC;

--
-- Name: FUNCTION data_map_schemas(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.data_map_schemas() FROM PUBLIC;

--
-- Name: FUNCTION fides_type(type_name text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.fides_type(type_name text) FROM PUBLIC;

--
-- Name: FUNCTION key_columns(relation oid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.key_columns(relation oid) FROM PUBLIC;

--
-- Name: TABLE personal_data; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.personal_data TO authenticated;
GRANT SELECT ON TABLE core.personal_data TO service_role;

--
-- Name: FUNCTION data_map_fides(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.data_map_fides() FROM PUBLIC;

--
-- Name: FUNCTION delete_role(slug text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.delete_role(slug text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.delete_role(slug text) TO authenticated;
GRANT ALL ON FUNCTION core.delete_role(slug text) TO service_role;

--
-- Name: FUNCTION delete_team(slug text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.delete_team(slug text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.delete_team(slug text) TO authenticated;
GRANT ALL ON FUNCTION core.delete_team(slug text) TO service_role;

--
-- Name: FUNCTION depth_of(relation oid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.depth_of(relation oid) FROM PUBLIC;

--
-- Name: FUNCTION drop_audit_month(month timestamp with time zone); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.drop_audit_month(month timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION core.drop_audit_month(month timestamp with time zone) TO service_role;

--
-- Name: FUNCTION drop_member(tenant_id uuid, user_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.drop_member(tenant_id uuid, user_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION email_allowed(tenant_id uuid, email text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.email_allowed(tenant_id uuid, email text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.email_allowed(tenant_id uuid, email text) TO supabase_auth_admin;

--
-- Name: FUNCTION emit(tenant_id uuid, type text, subject_type text, subject_id uuid, data jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.emit(tenant_id uuid, type text, subject_type text, subject_id uuid, data jsonb) FROM PUBLIC;

--
-- Name: FUNCTION enqueue_auth_mail(tenant_id uuid, recipient text, action text, data jsonb, idempotency_key text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.enqueue_auth_mail(tenant_id uuid, recipient text, action text, data jsonb, idempotency_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.enqueue_auth_mail(tenant_id uuid, recipient text, action text, data jsonb, idempotency_key text) TO supabase_auth_admin;

--
-- Name: FUNCTION enqueue_delivery(tenant_id uuid, channel text, recipient text, template text, data jsonb, idempotency_key text, event_type text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.enqueue_delivery(tenant_id uuid, channel text, recipient text, template text, data jsonb, idempotency_key text, event_type text) FROM PUBLIC;

--
-- Name: FUNCTION erase_audit_values(tenant_id uuid, table_name text, key jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.erase_audit_values(tenant_id uuid, table_name text, key jsonb) FROM PUBLIC;

--
-- Name: FUNCTION erase_person(asked jsonb, dry_run boolean); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.erase_person(asked jsonb, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION core.erase_person(asked jsonb, dry_run boolean) TO authenticated;
GRANT ALL ON FUNCTION core.erase_person(asked jsonb, dry_run boolean) TO service_role;

--
-- Name: FUNCTION is_pseudonym(type_name text, held text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.is_pseudonym(type_name text, held text) FROM PUBLIC;

--
-- Name: FUNCTION pseudonym(type_name text, category text, held text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.pseudonym(type_name text, category text, held text) FROM PUBLIC;

--
-- Name: FUNCTION erasing_column(erasure text, column_name text, type_name text, category text, OUT condition text, OUT assignment text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.erasing_column(erasure text, column_name text, type_name text, category text, OUT condition text, OUT assignment text) FROM PUBLIC;

--
-- Name: FUNCTION erasure_blockers(tenant_id uuid, identifiers jsonb, held_count bigint); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.erasure_blockers(tenant_id uuid, identifiers jsonb, held_count bigint) FROM PUBLIC;

--
-- Name: FUNCTION erasure_counts(plan jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.erasure_counts(plan jsonb) FROM PUBLIC;

--
-- Name: FUNCTION erasure_digest(tenant_id uuid, id uuid, erased_at timestamp with time zone, subject_hashes bytea[], counts jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.erasure_digest(tenant_id uuid, id uuid, erased_at timestamp with time zone, subject_hashes bytea[], counts jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.erasure_digest(tenant_id uuid, id uuid, erased_at timestamp with time zone, subject_hashes bytea[], counts jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.erasure_digest(tenant_id uuid, id uuid, erased_at timestamp with time zone, subject_hashes bytea[], counts jsonb) TO service_role;

--
-- Name: FUNCTION erasure_rows(counts jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.erasure_rows(counts jsonb) FROM PUBLIC;

--
-- Name: FUNCTION erasure_steps(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.erasure_steps() FROM PUBLIC;

--
-- Name: FUNCTION event_bytes_max(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.event_bytes_max() FROM PUBLIC;

--
-- Name: FUNCTION events_days(settings jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.events_days(settings jsonb) FROM PUBLIC;

--
-- Name: FUNCTION events_limit_max(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.events_limit_max() FROM PUBLIC;
GRANT ALL ON FUNCTION core.events_limit_max() TO authenticated;
GRANT ALL ON FUNCTION core.events_limit_max() TO service_role;

--
-- Name: FUNCTION events_scan_max(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.events_scan_max() FROM PUBLIC;
GRANT ALL ON FUNCTION core.events_scan_max() TO authenticated;
GRANT ALL ON FUNCTION core.events_scan_max() TO service_role;

--
-- Name: FUNCTION expire_answers(budget interval, as_of timestamp with time zone); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.expire_answers(budget interval, as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION core.expire_answers(budget interval, as_of timestamp with time zone) TO service_role;

--
-- Name: FUNCTION expire_events(budget interval, as_of timestamp with time zone); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.expire_events(budget interval, as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION core.expire_events(budget interval, as_of timestamp with time zone) TO service_role;

--
-- Name: FUNCTION explain_access(permission text, tenant_id uuid, user_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.explain_access(permission text, tenant_id uuid, user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.explain_access(permission text, tenant_id uuid, user_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.explain_access(permission text, tenant_id uuid, user_id uuid) TO service_role;

--
-- Name: FUNCTION export_me(after jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.export_me(after jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.export_me(after jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.export_me(after jsonb) TO service_role;

--
-- Name: FUNCTION export_own_audit(first_at timestamp with time zone, until timestamp with time zone, after bigint, page integer); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.export_own_audit(first_at timestamp with time zone, until timestamp with time zone, after bigint, page integer) FROM PUBLIC;
GRANT ALL ON FUNCTION core.export_own_audit(first_at timestamp with time zone, until timestamp with time zone, after bigint, page integer) TO authenticated;
GRANT ALL ON FUNCTION core.export_own_audit(first_at timestamp with time zone, until timestamp with time zone, after bigint, page integer) TO service_role;

--
-- Name: FUNCTION export_page(tenant_ids uuid[], identifiers jsonb, after jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.export_page(tenant_ids uuid[], identifiers jsonb, after jsonb) FROM PUBLIC;

--
-- Name: FUNCTION export_person(asked jsonb, after jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.export_person(asked jsonb, after jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.export_person(asked jsonb, after jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.export_person(asked jsonb, after jsonb) TO service_role;

--
-- Name: FUNCTION export_rows_max(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.export_rows_max() FROM PUBLIC;

--
-- Name: FUNCTION fail(code text, details jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.fail(code text, details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.fail(code text, details jsonb) TO anon;
GRANT ALL ON FUNCTION core.fail(code text, details jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.fail(code text, details jsonb) TO service_role;
GRANT ALL ON FUNCTION core.fail(code text, details jsonb) TO tenon_device;

--
-- Name: FUNCTION fails_checks(relation oid, number smallint, expression text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.fails_checks(relation oid, number smallint, expression text) FROM PUBLIC;

--
-- Name: FUNCTION fill_role(tenant_id uuid, role_id uuid, permissions jsonb, hidden_fields jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.fill_role(tenant_id uuid, role_id uuid, permissions jsonb, hidden_fields jsonb) FROM PUBLIC;

--
-- Name: FUNCTION forget_addresses(tenant_id uuid, identifiers jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.forget_addresses(tenant_id uuid, identifiers jsonb) FROM PUBLIC;

--
-- Name: FUNCTION forget_in_events(tenant_id uuid, subject_type text, subject_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.forget_in_events(tenant_id uuid, subject_type text, subject_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION forget_member_answers(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.forget_member_answers() FROM PUBLIC;

--
-- Name: FUNCTION forget_old_sign_in_attempts(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.forget_old_sign_in_attempts() FROM PUBLIC;
GRANT ALL ON FUNCTION core.forget_old_sign_in_attempts() TO service_role;

--
-- Name: FUNCTION forget_sign_in_attempts(user_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.forget_sign_in_attempts(user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.forget_sign_in_attempts(user_id uuid) TO service_role;

--
-- Name: FUNCTION forget_traces(tenant_id uuid, table_name text, keys jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.forget_traces(tenant_id uuid, table_name text, keys jsonb) FROM PUBLIC;

--
-- Name: FUNCTION grants_in(tenant_id uuid, principal_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.grants_in(tenant_id uuid, principal_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION guard(guarded regclass, object text, owner text, team text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.guard(guarded regclass, object text, owner text, team text) FROM PUBLIC;

--
-- Name: FUNCTION guard_fields(guarded regclass, object text, fields text[]); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.guard_fields(guarded regclass, object text, fields text[]) FROM PUBLIC;

--
-- Name: FUNCTION guard_sensitive(guarded regclass); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.guard_sensitive(guarded regclass) FROM PUBLIC;

--
-- Name: FUNCTION has_consent(tenant_id uuid, subject jsonb, purpose text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.has_consent(tenant_id uuid, subject jsonb, purpose text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.has_consent(tenant_id uuid, subject jsonb, purpose text) TO authenticated;
GRANT ALL ON FUNCTION core.has_consent(tenant_id uuid, subject jsonb, purpose text) TO service_role;

--
-- Name: FUNCTION has_sensitive(table_name text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.has_sensitive(table_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.has_sensitive(table_name text) TO authenticated;
GRANT ALL ON FUNCTION core.has_sensitive(table_name text) TO service_role;

--
-- Name: FUNCTION hidden_in(tenant_id uuid, principal_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.hidden_in(tenant_id uuid, principal_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION hides(granted core.role_permissions, field text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.hides(granted core.role_permissions, field text) FROM PUBLIC;

--
-- Name: FUNCTION hint_at_events(tenant_id uuid, number bigint, types text[]); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.hint_at_events(tenant_id uuid, number bigint, types text[]) FROM PUBLIC;

--
-- Name: FUNCTION housekeep(budget interval); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.housekeep(budget interval) FROM PUBLIC;
GRANT ALL ON FUNCTION core.housekeep(budget interval) TO service_role;

--
-- Name: FUNCTION housekeep_unscheduled(budget interval); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.housekeep_unscheduled(budget interval) FROM PUBLIC;
GRANT ALL ON FUNCTION core.housekeep_unscheduled(budget interval) TO tenon_bridge;

--
-- Name: FUNCTION housekeeping_is_scheduled(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.housekeeping_is_scheduled() FROM PUBLIC;

--
-- Name: FUNCTION housekeeping_job(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.housekeeping_job() FROM PUBLIC;

--
-- Name: FUNCTION idempotency_key(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.idempotency_key() FROM PUBLIC;

--
-- Name: FUNCTION normal_identifier(kind text, value text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.normal_identifier(kind text, value text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.normal_identifier(kind text, value text) TO authenticated;
GRANT ALL ON FUNCTION core.normal_identifier(kind text, value text) TO service_role;

--
-- Name: TABLE members; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.members TO authenticated;
GRANT ALL ON TABLE core.members TO service_role;
GRANT SELECT ON TABLE core.members TO supabase_auth_admin;

--
-- Name: FUNCTION identifiers_of(tenant_id uuid, asked jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.identifiers_of(tenant_id uuid, asked jsonb) FROM PUBLIC;

--
-- Name: FUNCTION invite(email text, role text, valid_hours integer); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.invite(email text, role text, valid_hours integer) FROM PUBLIC;
GRANT ALL ON FUNCTION core.invite(email text, role text, valid_hours integer) TO authenticated;
GRANT ALL ON FUNCTION core.invite(email text, role text, valid_hours integer) TO service_role;

--
-- Name: FUNCTION is_held(tenant_id uuid, kind text, value text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.is_held(tenant_id uuid, kind text, value text) FROM PUBLIC;

--
-- Name: FUNCTION is_withheld(table_name text, tenant_id uuid, record_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.is_withheld(table_name text, tenant_id uuid, record_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.is_withheld(table_name text, tenant_id uuid, record_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.is_withheld(table_name text, tenant_id uuid, record_id uuid) TO service_role;

--
-- Name: FUNCTION judge_sign_in(user_id uuid, authenticator text, is_valid boolean, address text, OUT refusal text, OUT wait_s integer, OUT network_is_known boolean); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.judge_sign_in(user_id uuid, authenticator text, is_valid boolean, address text, OUT refusal text, OUT wait_s integer, OUT network_is_known boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION core.judge_sign_in(user_id uuid, authenticator text, is_valid boolean, address text, OUT refusal text, OUT wait_s integer, OUT network_is_known boolean) TO supabase_auth_admin;

--
-- Name: FUNCTION keep_an_owner(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.keep_an_owner() FROM PUBLIC;

--
-- Name: FUNCTION keep_audit(budget interval); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.keep_audit(budget interval) FROM PUBLIC;
GRANT ALL ON FUNCTION core.keep_audit(budget interval) TO service_role;

--
-- Name: FUNCTION key_owner(OUT tenant_id uuid, OUT caller_kind text, OUT caller_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.key_owner(OUT tenant_id uuid, OUT caller_kind text, OUT caller_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION last_event_number(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.last_event_number(tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION leave_tenant(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.leave_tenant(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.leave_tenant(tenant_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.leave_tenant(tenant_id uuid) TO service_role;

--
-- Name: FUNCTION limit_setter(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.limit_setter(tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION limited_tenants(caller_kind text, caller_id uuid, caller_tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.limited_tenants(caller_kind text, caller_id uuid, caller_tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION lock_privacy(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.lock_privacy(tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION lock_tenant_tree(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.lock_tenant_tree() FROM PUBLIC;

--
-- Name: FUNCTION log_export(tenant_id uuid, scope text, identifiers jsonb, row_count bigint, is_last boolean); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.log_export(tenant_id uuid, scope text, identifiers jsonb, row_count bigint, is_last boolean) FROM PUBLIC;

--
-- Name: FUNCTION looks_personal(column_name text, type_name text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.looks_personal(column_name text, type_name text) FROM PUBLIC;

--
-- Name: FUNCTION map_not_personal(reason text, VARIADIC excused text[]); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.map_not_personal(reason text, VARIADIC excused text[]) FROM PUBLIC;

--
-- Name: FUNCTION map_personal(mapped text, category text, subject text, erasure text, reason text, retention interval, retention_from text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.map_personal(mapped text, category text, subject text, erasure text, reason text, retention interval, retention_from text) FROM PUBLIC;

--
-- Name: FUNCTION mapped_column(mapped text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.mapped_column(mapped text) FROM PUBLIC;

--
-- Name: FUNCTION mark_sensitive(marked regclass, id uuid, reason text, sensitive boolean); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.mark_sensitive(marked regclass, id uuid, reason text, sensitive boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION core.mark_sensitive(marked regclass, id uuid, reason text, sensitive boolean) TO authenticated;
GRANT ALL ON FUNCTION core.mark_sensitive(marked regclass, id uuid, reason text, sensitive boolean) TO service_role;

--
-- Name: FUNCTION mask_recipient(channel text, recipient text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.mask_recipient(channel text, recipient text) FROM PUBLIC;

--
-- Name: FUNCTION may_follow_topic(topic text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.may_follow_topic(topic text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.may_follow_topic(topic text) TO authenticated;
GRANT ALL ON FUNCTION core.may_follow_topic(topic text) TO service_role;

--
-- Name: FUNCTION member_answer(member core.members); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.member_answer(member core.members) FROM PUBLIC;

--
-- Name: FUNCTION member_in(tenant_id uuid, user_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.member_in(tenant_id uuid, user_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION month_after(month timestamp with time zone); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.month_after(month timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION move_tenant(tenant_id uuid, parent_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.move_tenant(tenant_id uuid, parent_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.move_tenant(tenant_id uuid, parent_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.move_tenant(tenant_id uuid, parent_id uuid) TO service_role;

--
-- Name: FUNCTION my_access(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.my_access() FROM PUBLIC;
GRANT ALL ON FUNCTION core.my_access() TO authenticated;
GRANT ALL ON FUNCTION core.my_access() TO service_role;

--
-- Name: FUNCTION name_of(relation regclass); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.name_of(relation regclass) FROM PUBLIC;

--
-- Name: FUNCTION names_allowed_domains(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.names_allowed_domains(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.names_allowed_domains(tenant_id uuid) TO supabase_auth_admin;

--
-- Name: FUNCTION normalise_email_domain_rule(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.normalise_email_domain_rule() FROM PUBLIC;

--
-- Name: FUNCTION note_sign_in(user_id uuid, address text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.note_sign_in(user_id uuid, address text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.note_sign_in(user_id uuid, address text) TO supabase_auth_admin;

--
-- Name: FUNCTION note_use(credential_id uuid, last_used_at timestamp with time zone); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.note_use(credential_id uuid, last_used_at timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION number_events(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.number_events() FROM PUBLIC;

--
-- Name: FUNCTION number_pending_events(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.number_pending_events() FROM PUBLIC;

--
-- Name: FUNCTION own_audit_state(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.own_audit_state() FROM PUBLIC;
GRANT ALL ON FUNCTION core.own_audit_state() TO authenticated;
GRANT ALL ON FUNCTION core.own_audit_state() TO service_role;

--
-- Name: FUNCTION own_history(table_name text, record jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.own_history(table_name text, record jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.own_history(table_name text, record jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.own_history(table_name text, record jsonb) TO service_role;

--
-- Name: FUNCTION owner_role_id(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.owner_role_id() FROM PUBLIC;

--
-- Name: FUNCTION owners_of(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.owners_of(tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION person_asked(user_id uuid, email text, phone text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.person_asked(user_id uuid, email text, phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.person_asked(user_id uuid, email text, phone text) TO authenticated;
GRANT ALL ON FUNCTION core.person_asked(user_id uuid, email text, phone text) TO service_role;

--
-- Name: FUNCTION person_kinds(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.person_kinds() FROM PUBLIC;

--
-- Name: FUNCTION personal_columns(audited regclass); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.personal_columns(audited regclass) FROM PUBLIC;

--
-- Name: FUNCTION plan_erasure(tenant_id uuid, identifiers jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.plan_erasure(tenant_id uuid, identifiers jsonb) FROM PUBLIC;

--
-- Name: FUNCTION pre_request(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.pre_request() FROM PUBLIC;
GRANT ALL ON FUNCTION core.pre_request() TO anon;
GRANT ALL ON FUNCTION core.pre_request() TO authenticated;
GRANT ALL ON FUNCTION core.pre_request() TO service_role;
GRANT ALL ON FUNCTION core.pre_request() TO tenon_device;

--
-- Name: FUNCTION random_key(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.random_key() FROM PUBLIC;

--
-- Name: FUNCTION rate_limiting(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.rate_limiting() FROM PUBLIC;
GRANT ALL ON FUNCTION core.rate_limiting() TO service_role;

--
-- Name: FUNCTION rate_limits_per_tenant_max(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.rate_limits_per_tenant_max() FROM PUBLIC;
GRANT ALL ON FUNCTION core.rate_limits_per_tenant_max() TO authenticated;
GRANT ALL ON FUNCTION core.rate_limits_per_tenant_max() TO service_role;

--
-- Name: FUNCTION read_grants(INOUT permissions jsonb, INOUT hidden_fields jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.read_grants(INOUT permissions jsonb, INOUT hidden_fields jsonb) FROM PUBLIC;

--
-- Name: FUNCTION read_limits(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.read_limits() FROM PUBLIC;

--
-- Name: FUNCTION readable_event_types(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.readable_event_types() FROM PUBLIC;
GRANT ALL ON FUNCTION core.readable_event_types() TO authenticated;
GRANT ALL ON FUNCTION core.readable_event_types() TO service_role;

--
-- Name: FUNCTION readable_last_event_number(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.readable_last_event_number(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.readable_last_event_number(tenant_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.readable_last_event_number(tenant_id uuid) TO service_role;

--
-- Name: FUNCTION record_consent(asked jsonb, purpose text, legal_basis text, given_at timestamp with time zone, source text, channel text, proof_text text, proof_version text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.record_consent(asked jsonb, purpose text, legal_basis text, given_at timestamp with time zone, source text, channel text, proof_text text, proof_version text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.record_consent(asked jsonb, purpose text, legal_basis text, given_at timestamp with time zone, source text, channel text, proof_text text, proof_version text) TO authenticated;
GRANT ALL ON FUNCTION core.record_consent(asked jsonb, purpose text, legal_basis text, given_at timestamp with time zone, source text, channel text, proof_text text, proof_version text) TO service_role;

--
-- Name: FUNCTION record_key_use(tenant_id uuid, api_key_id uuid, hint text, used_before timestamp with time zone, used_at timestamp with time zone); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.record_key_use(tenant_id uuid, api_key_id uuid, hint text, used_before timestamp with time zone, used_at timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION record_security_event(tenant_id uuid, event text, details jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.record_security_event(tenant_id uuid, event text, details jsonb) FROM PUBLIC;

--
-- Name: FUNCTION record_sign_in_event(user_id uuid, event text, details jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.record_sign_in_event(user_id uuid, event text, details jsonb) FROM PUBLIC;

--
-- Name: FUNCTION record_uses(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.record_uses() FROM PUBLIC;
GRANT ALL ON FUNCTION core.record_uses() TO service_role;

--
-- Name: FUNCTION refresh_audits(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.refresh_audits() FROM PUBLIC;

--
-- Name: FUNCTION refuse_audit_change(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.refuse_audit_change() FROM PUBLIC;

--
-- Name: FUNCTION refuse_consent_change(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.refuse_consent_change() FROM PUBLIC;

--
-- Name: FUNCTION refuse_event_change(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.refuse_event_change() FROM PUBLIC;

--
-- Name: FUNCTION refuse_event_removal(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.refuse_event_removal() FROM PUBLIC;

--
-- Name: FUNCTION refuse_head_to_return(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.refuse_head_to_return() FROM PUBLIC;

--
-- Name: FUNCTION refuse_hidden_field(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.refuse_hidden_field() FROM PUBLIC;

--
-- Name: FUNCTION refuse_type_removal(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.refuse_type_removal() FROM PUBLIC;

--
-- Name: FUNCTION refuse_unhonoured_key(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.refuse_unhonoured_key() FROM PUBLIC;
GRANT ALL ON FUNCTION core.refuse_unhonoured_key() TO anon;
GRANT ALL ON FUNCTION core.refuse_unhonoured_key() TO authenticated;
GRANT ALL ON FUNCTION core.refuse_unhonoured_key() TO service_role;
GRANT ALL ON FUNCTION core.refuse_unhonoured_key() TO tenon_device;

--
-- Name: FUNCTION release_legal_hold(id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.release_legal_hold(id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.release_legal_hold(id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.release_legal_hold(id uuid) TO service_role;

--
-- Name: FUNCTION remove_member(user_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.remove_member(user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.remove_member(user_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.remove_member(user_id uuid) TO service_role;

--
-- Name: FUNCTION render(template text, details jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.render(template text, details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.render(template text, details jsonb) TO anon;
GRANT ALL ON FUNCTION core.render(template text, details jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.render(template text, details jsonb) TO service_role;
GRANT ALL ON FUNCTION core.render(template text, details jsonb) TO tenon_device;

--
-- Name: FUNCTION report_role_change(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.report_role_change() FROM PUBLIC;

--
-- Name: FUNCTION request_header(name text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.request_header(name text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.request_header(name text) TO anon;
GRANT ALL ON FUNCTION core.request_header(name text) TO authenticated;
GRANT ALL ON FUNCTION core.request_header(name text) TO service_role;
GRANT ALL ON FUNCTION core.request_header(name text) TO tenon_device;

--
-- Name: FUNCTION request_origin(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.request_origin() FROM PUBLIC;
GRANT ALL ON FUNCTION core.request_origin() TO anon;
GRANT ALL ON FUNCTION core.request_origin() TO authenticated;
GRANT ALL ON FUNCTION core.request_origin() TO service_role;
GRANT ALL ON FUNCTION core.request_origin() TO tenon_device;

--
-- Name: FUNCTION requested_tenant_id(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.requested_tenant_id() FROM PUBLIC;
GRANT ALL ON FUNCTION core.requested_tenant_id() TO anon;
GRANT ALL ON FUNCTION core.requested_tenant_id() TO authenticated;
GRANT ALL ON FUNCTION core.requested_tenant_id() TO service_role;
GRANT ALL ON FUNCTION core.requested_tenant_id() TO tenon_device;

--
-- Name: FUNCTION require(tenant_id uuid, permission text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.require(tenant_id uuid, permission text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.require(tenant_id uuid, permission text) TO authenticated;
GRANT ALL ON FUNCTION core.require(tenant_id uuid, permission text) TO service_role;

--
-- Name: FUNCTION resume_tenant(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.resume_tenant(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.resume_tenant(tenant_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.resume_tenant(tenant_id uuid) TO service_role;

--
-- Name: FUNCTION subject_predicate(relation oid, subject text, alias text, leaf text, depth integer); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.subject_predicate(relation oid, subject text, alias text, leaf text, depth integer) FROM PUBLIC;

--
-- Name: FUNCTION retain_batch(rule core.retention_rules); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.retain_batch(rule core.retention_rules) FROM PUBLIC;

--
-- Name: FUNCTION retain_by_rule(rule core.retention_rules, deadline timestamp with time zone); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.retain_by_rule(rule core.retention_rules, deadline timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION retention_batch_rows(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.retention_batch_rows() FROM PUBLIC;

--
-- Name: FUNCTION retention_rest(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.retention_rest() FROM PUBLIC;

--
-- Name: FUNCTION revoke_api_key(id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.revoke_api_key(id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.revoke_api_key(id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.revoke_api_key(id uuid) TO service_role;

--
-- Name: FUNCTION revoke_invitation(id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.revoke_invitation(id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.revoke_invitation(id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.revoke_invitation(id uuid) TO service_role;

--
-- Name: FUNCTION role_contents(tenant_id uuid, role_id uuid, OUT permissions jsonb, OUT hidden_fields jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.role_contents(tenant_id uuid, role_id uuid, OUT permissions jsonb, OUT hidden_fields jsonb) FROM PUBLIC;

--
-- Name: FUNCTION role_named(tenant_id uuid, slug text, OUT role_tenant_id uuid, OUT role_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.role_named(tenant_id uuid, slug text, OUT role_tenant_id uuid, OUT role_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION rotate_api_key(id uuid, overlap interval); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.rotate_api_key(id uuid, overlap interval) FROM PUBLIC;
GRANT ALL ON FUNCTION core.rotate_api_key(id uuid, overlap interval) TO authenticated;
GRANT ALL ON FUNCTION core.rotate_api_key(id uuid, overlap interval) TO service_role;

--
-- Name: FUNCTION save_role(slug text, name text, permissions jsonb, hidden_fields jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.save_role(slug text, name text, permissions jsonb, hidden_fields jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.save_role(slug text, name text, permissions jsonb, hidden_fields jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.save_role(slug text, name text, permissions jsonb, hidden_fields jsonb) TO service_role;

--
-- Name: FUNCTION save_team(slug text, name text, user_ids uuid[]); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.save_team(slug text, name text, user_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION core.save_team(slug text, name text, user_ids uuid[]) TO authenticated;
GRANT ALL ON FUNCTION core.save_team(slug text, name text, user_ids uuid[]) TO service_role;

--
-- Name: FUNCTION schedule_housekeeping(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.schedule_housekeeping() FROM PUBLIC;

--
-- Name: FUNCTION scopes_from(scope text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.scopes_from(scope text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.scopes_from(scope text) TO authenticated;
GRANT ALL ON FUNCTION core.scopes_from(scope text) TO service_role;

--
-- Name: FUNCTION seal_audit(budget interval); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.seal_audit(budget interval) FROM PUBLIC;
GRANT ALL ON FUNCTION core.seal_audit(budget interval) TO service_role;

--
-- Name: FUNCTION set_active_tenant(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.set_active_tenant(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.set_active_tenant(tenant_id uuid) TO authenticated;

--
-- Name: FUNCTION set_legal_hold(reason text, asked jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.set_legal_hold(reason text, asked jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.set_legal_hold(reason text, asked jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.set_legal_hold(reason text, asked jsonb) TO service_role;

--
-- Name: FUNCTION set_member_role(user_id uuid, role text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.set_member_role(user_id uuid, role text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.set_member_role(user_id uuid, role text) TO authenticated;
GRANT ALL ON FUNCTION core.set_member_role(user_id uuid, role text) TO service_role;

--
-- Name: FUNCTION set_member_status(user_id uuid, status text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.set_member_status(user_id uuid, status text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.set_member_status(user_id uuid, status text) TO authenticated;
GRANT ALL ON FUNCTION core.set_member_status(user_id uuid, status text) TO service_role;

--
-- Name: TABLE rate_limits; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.rate_limits TO authenticated;
GRANT ALL ON TABLE core.rate_limits TO service_role;

--
-- Name: FUNCTION set_rate_limit(dimension text, limits text, action text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.set_rate_limit(dimension text, limits text, action text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.set_rate_limit(dimension text, limits text, action text) TO authenticated;
GRANT ALL ON FUNCTION core.set_rate_limit(dimension text, limits text, action text) TO service_role;

--
-- Name: FUNCTION settled_id(written regclass, ids regclass, except_for integer); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.settled_id(written regclass, ids regclass, except_for integer) FROM PUBLIC;

--
-- Name: FUNCTION sign_in_network(address text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.sign_in_network(address text) FROM PUBLIC;

--
-- Name: FUNCTION sole_tenant_with(permission text, scope text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.sole_tenant_with(permission text, scope text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.sole_tenant_with(permission text, scope text) TO authenticated;
GRANT ALL ON FUNCTION core.sole_tenant_with(permission text, scope text) TO service_role;

--
-- Name: TABLE consents; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.consents TO authenticated;
GRANT SELECT ON TABLE core.consents TO service_role;

--
-- Name: FUNCTION standing_consents(tenant_id uuid, identifiers jsonb, purpose text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.standing_consents(tenant_id uuid, identifiers jsonb, purpose text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.standing_consents(tenant_id uuid, identifiers jsonb, purpose text) TO authenticated;
GRANT ALL ON FUNCTION core.standing_consents(tenant_id uuid, identifiers jsonb, purpose text) TO service_role;

--
-- Name: FUNCTION store_answer(answer jsonb, secret_keys text[]); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.store_answer(answer jsonb, secret_keys text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION core.store_answer(answer jsonb, secret_keys text[]) TO authenticated;
GRANT ALL ON FUNCTION core.store_answer(answer jsonb, secret_keys text[]) TO service_role;

--
-- Name: FUNCTION stored_answer(operation text, request jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.stored_answer(operation text, request jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.stored_answer(operation text, request jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.stored_answer(operation text, request jsonb) TO service_role;

--
-- Name: FUNCTION subject_hashes(salt bytea, identifiers jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.subject_hashes(salt bytea, identifiers jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.subject_hashes(salt bytea, identifiers jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.subject_hashes(salt bytea, identifiers jsonb) TO service_role;

--
-- Name: FUNCTION suspend_tenant(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.suspend_tenant(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.suspend_tenant(tenant_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.suspend_tenant(tenant_id uuid) TO service_role;

--
-- Name: FUNCTION teams_with(permission text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.teams_with(permission text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.teams_with(permission text) TO authenticated;
GRANT ALL ON FUNCTION core.teams_with(permission text) TO service_role;

--
-- Name: FUNCTION tenant_answer(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.tenant_answer(tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION tenant_column(relation oid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.tenant_column(relation oid) FROM PUBLIC;

--
-- Name: FUNCTION tenant_depth_max(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.tenant_depth_max() FROM PUBLIC;

--
-- Name: FUNCTION tenant_inviting(email text, token text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.tenant_inviting(email text, token text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.tenant_inviting(email text, token text) TO supabase_auth_admin;

--
-- Name: FUNCTION tenant_predicate(relation oid, subject text, alias text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.tenant_predicate(relation oid, subject text, alias text) FROM PUBLIC;

--
-- Name: FUNCTION tenants_are_open(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.tenants_are_open() FROM PUBLIC;

--
-- Name: FUNCTION tenants_below(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.tenants_below(tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION tenants_with(permission text, scope text, field text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.tenants_with(permission text, scope text, field text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.tenants_with(permission text, scope text, field text) TO authenticated;
GRANT ALL ON FUNCTION core.tenants_with(permission text, scope text, field text) TO service_role;

--
-- Name: FUNCTION transfer_ownership(user_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.transfer_ownership(user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.transfer_ownership(user_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.transfer_ownership(user_id uuid) TO service_role;

--
-- Name: TABLE not_personal; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.not_personal TO authenticated;
GRANT SELECT ON TABLE core.not_personal TO service_role;

--
-- Name: FUNCTION unmapped_columns(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.unmapped_columns() FROM PUBLIC;

--
-- Name: FUNCTION unsealed_audit_entries(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.unsealed_audit_entries(tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION users_without_tenant(); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.users_without_tenant() FROM PUBLIC;
GRANT ALL ON FUNCTION core.users_without_tenant() TO service_role;

--
-- Name: FUNCTION verify_audit(tenant_id uuid, checkpoint jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.verify_audit(tenant_id uuid, checkpoint jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.verify_audit(tenant_id uuid, checkpoint jsonb) TO service_role;

--
-- Name: FUNCTION verify_audit_chain(tenant_id uuid, checkpoint jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.verify_audit_chain(tenant_id uuid, checkpoint jsonb) FROM PUBLIC;

--
-- Name: FUNCTION verify_audit_entries(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.verify_audit_entries(tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION verify_audit_seals(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.verify_audit_seals(tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION verify_audit_values(tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.verify_audit_values(tenant_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION verify_own_audit(checkpoint jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.verify_own_audit(checkpoint jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION core.verify_own_audit(checkpoint jsonb) TO authenticated;
GRANT ALL ON FUNCTION core.verify_own_audit(checkpoint jsonb) TO service_role;

--
-- Name: FUNCTION withdraw_consent(asked jsonb, purpose text, withdrawn_at timestamp with time zone, source text); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.withdraw_consent(asked jsonb, purpose text, withdrawn_at timestamp with time zone, source text) FROM PUBLIC;
GRANT ALL ON FUNCTION core.withdraw_consent(asked jsonb, purpose text, withdrawn_at timestamp with time zone, source text) TO authenticated;
GRANT ALL ON FUNCTION core.withdraw_consent(asked jsonb, purpose text, withdrawn_at timestamp with time zone, source text) TO service_role;

--
-- Name: FUNCTION without_hidden_fields(record jsonb, relation regclass, tenant_id uuid); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.without_hidden_fields(record jsonb, relation regclass, tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION core.without_hidden_fields(record jsonb, relation regclass, tenant_id uuid) TO authenticated;
GRANT ALL ON FUNCTION core.without_hidden_fields(record jsonb, relation regclass, tenant_id uuid) TO service_role;

--
-- Name: FUNCTION without_values(answer jsonb, keys text[]); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.without_values(answer jsonb, keys text[]) FROM PUBLIC;

--
-- Name: FUNCTION write_audit_entry(tenant_id uuid, operation text, table_name text, key jsonb, old jsonb, new jsonb, event text, details jsonb); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.write_audit_entry(tenant_id uuid, operation text, table_name text, key jsonb, old jsonb, new jsonb, event text, details jsonb) FROM PUBLIC;

--
-- Name: FUNCTION write_personal_values(recorded text[]); Type: ACL; Schema: core; Owner: postgres
--

REVOKE ALL ON FUNCTION core.write_personal_values(recorded text[]) FROM PUBLIC;

--
-- Name: FUNCTION before_user_created(event jsonb); Type: ACL; Schema: hooks; Owner: postgres
--

REVOKE ALL ON FUNCTION hooks.before_user_created(event jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION hooks.before_user_created(event jsonb) TO supabase_auth_admin;

--
-- Name: FUNCTION custom_access_token(event jsonb); Type: ACL; Schema: hooks; Owner: postgres
--

REVOKE ALL ON FUNCTION hooks.custom_access_token(event jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION hooks.custom_access_token(event jsonb) TO supabase_auth_admin;

--
-- Name: FUNCTION mails_of(person jsonb, sent jsonb, OUT kind text, OUT recipient text, OUT token text, OUT token_hash text, OUT is_complete boolean, OUT details jsonb); Type: ACL; Schema: hooks; Owner: postgres
--

REVOKE ALL ON FUNCTION hooks.mails_of(person jsonb, sent jsonb, OUT kind text, OUT recipient text, OUT token text, OUT token_hash text, OUT is_complete boolean, OUT details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION hooks.mails_of(person jsonb, sent jsonb, OUT kind text, OUT recipient text, OUT token text, OUT token_hash text, OUT is_complete boolean, OUT details jsonb) TO supabase_auth_admin;

--
-- Name: FUNCTION mfa_verification_attempt(event jsonb); Type: ACL; Schema: hooks; Owner: postgres
--

REVOKE ALL ON FUNCTION hooks.mfa_verification_attempt(event jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION hooks.mfa_verification_attempt(event jsonb) TO supabase_auth_admin;

--
-- Name: FUNCTION password_verification_attempt(event jsonb); Type: ACL; Schema: hooks; Owner: postgres
--

REVOKE ALL ON FUNCTION hooks.password_verification_attempt(event jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION hooks.password_verification_attempt(event jsonb) TO supabase_auth_admin;

--
-- Name: FUNCTION refusal(http_code integer, message text); Type: ACL; Schema: hooks; Owner: postgres
--

REVOKE ALL ON FUNCTION hooks.refusal(http_code integer, message text) FROM PUBLIC;
GRANT ALL ON FUNCTION hooks.refusal(http_code integer, message text) TO supabase_auth_admin;

--
-- Name: FUNCTION send_email(event jsonb); Type: ACL; Schema: hooks; Owner: postgres
--

REVOKE ALL ON FUNCTION hooks.send_email(event jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION hooks.send_email(event jsonb) TO supabase_auth_admin;

--
-- Name: FUNCTION text_of(source jsonb, key text, length_max integer); Type: ACL; Schema: hooks; Owner: postgres
--

REVOKE ALL ON FUNCTION hooks.text_of(source jsonb, key text, length_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION hooks.text_of(source jsonb, key text, length_max integer) TO supabase_auth_admin;

--
-- Name: FUNCTION uuid_of(source jsonb, key text); Type: ACL; Schema: hooks; Owner: postgres
--

REVOKE ALL ON FUNCTION hooks.uuid_of(source jsonb, key text) FROM PUBLIC;
GRANT ALL ON FUNCTION hooks.uuid_of(source jsonb, key text) TO supabase_auth_admin;

--
-- Name: FUNCTION add_blocks_partition(month timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.add_blocks_partition(month timestamp with time zone) FROM PUBLIC;

--
-- Name: FUNCTION add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone) TO authenticated;
GRANT ALL ON FUNCTION iot.add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone) TO service_role;

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
-- Name: FUNCTION authenticate_device(kind text, secret_hash bytea, OUT id uuid, OUT tenant_id uuid); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.authenticate_device(kind text, secret_hash bytea, OUT id uuid, OUT tenant_id uuid) FROM PUBLIC;

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
-- Name: FUNCTION calling_device(tenant_id uuid, device_id uuid); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.calling_device(tenant_id uuid, device_id uuid) FROM PUBLIC;

--
-- Name: FUNCTION certificate_fingerprint(certificate text); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.certificate_fingerprint(certificate text) FROM PUBLIC;

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
-- Name: FUNCTION device_may_sign_in(username text, secret text); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.device_may_sign_in(username text, secret text) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.device_may_sign_in(username text, secret text) TO tenon_bridge;

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
GRANT SELECT ON TABLE core.tenants TO supabase_auth_admin;

--
-- Name: COLUMN tenants.slug; Type: ACL; Schema: core; Owner: postgres
--

GRANT UPDATE(slug) ON TABLE core.tenants TO authenticated;

--
-- Name: COLUMN tenants.name; Type: ACL; Schema: core; Owner: postgres
--

GRANT UPDATE(name) ON TABLE core.tenants TO authenticated;

--
-- Name: COLUMN tenants.settings; Type: ACL; Schema: core; Owner: postgres
--

GRANT UPDATE(settings) ON TABLE core.tenants TO authenticated;

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
-- Name: FUNCTION revoke_device_credential(id uuid); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.revoke_device_credential(id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION iot.revoke_device_credential(id uuid) TO authenticated;
GRANT ALL ON FUNCTION iot.revoke_device_credential(id uuid) TO service_role;

--
-- Name: FUNCTION settled_batch(); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.settled_batch() FROM PUBLIC;

--
-- Name: FUNCTION store_blocks(tenant_id uuid, packed bytea); Type: ACL; Schema: iot; Owner: postgres
--

REVOKE ALL ON FUNCTION iot.store_blocks(tenant_id uuid, packed bytea) FROM PUBLIC;

--
-- Name: FUNCTION accept_invitation(token text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.accept_invitation(token text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.accept_invitation(token text) TO authenticated;
GRANT ALL ON FUNCTION v1.accept_invitation(token text) TO service_role;

--
-- Name: FUNCTION add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone) TO authenticated;
GRANT ALL ON FUNCTION v1.add_device_credential(device text, kind text, certificate text, expires_at timestamp with time zone) TO service_role;

--
-- Name: FUNCTION audit_checkpoint(); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.audit_checkpoint() FROM PUBLIC;
GRANT ALL ON FUNCTION v1.audit_checkpoint() TO authenticated;
GRANT ALL ON FUNCTION v1.audit_checkpoint() TO service_role;

--
-- Name: FUNCTION clear_rate_limit(dimension text, action text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.clear_rate_limit(dimension text, action text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.clear_rate_limit(dimension text, action text) TO authenticated;
GRANT ALL ON FUNCTION v1.clear_rate_limit(dimension text, action text) TO service_role;

--
-- Name: FUNCTION clear_retention(metric text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.clear_retention(metric text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.clear_retention(metric text) TO authenticated;
GRANT ALL ON FUNCTION v1.clear_retention(metric text) TO service_role;

--
-- Name: FUNCTION close_tenant(tenant_id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.close_tenant(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.close_tenant(tenant_id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.close_tenant(tenant_id uuid) TO service_role;

--
-- Name: FUNCTION create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone) TO authenticated;
GRANT ALL ON FUNCTION v1.create_api_key(name text, role text, permissions jsonb, hidden_fields jsonb, expires_at timestamp with time zone) TO service_role;

--
-- Name: FUNCTION create_tenant(slug text, name text, parent_id uuid, settings jsonb); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.create_tenant(slug text, name text, parent_id uuid, settings jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.create_tenant(slug text, name text, parent_id uuid, settings jsonb) TO authenticated;
GRANT ALL ON FUNCTION v1.create_tenant(slug text, name text, parent_id uuid, settings jsonb) TO service_role;

--
-- Name: FUNCTION delete_role(slug text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.delete_role(slug text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.delete_role(slug text) TO authenticated;
GRANT ALL ON FUNCTION v1.delete_role(slug text) TO service_role;

--
-- Name: FUNCTION delete_team(slug text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.delete_team(slug text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.delete_team(slug text) TO authenticated;
GRANT ALL ON FUNCTION v1.delete_team(slug text) TO service_role;

--
-- Name: FUNCTION erase_person(user_id uuid, email text, phone text, dry_run boolean); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.erase_person(user_id uuid, email text, phone text, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.erase_person(user_id uuid, email text, phone text, dry_run boolean) TO authenticated;
GRANT ALL ON FUNCTION v1.erase_person(user_id uuid, email text, phone text, dry_run boolean) TO service_role;

--
-- Name: TABLE erasures; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.erasures TO authenticated;
GRANT SELECT ON TABLE core.erasures TO service_role;

--
-- Name: TABLE erasures; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.erasures TO authenticated;
GRANT SELECT ON TABLE v1.erasures TO service_role;

--
-- Name: FUNCTION erasures_of(user_id uuid, email text, phone text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.erasures_of(user_id uuid, email text, phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.erasures_of(user_id uuid, email text, phone text) TO authenticated;
GRANT ALL ON FUNCTION v1.erasures_of(user_id uuid, email text, phone text) TO service_role;

--
-- Name: FUNCTION events_since(after bigint, types text[], limit_to integer); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.events_since(after bigint, types text[], limit_to integer) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.events_since(after bigint, types text[], limit_to integer) TO authenticated;
GRANT ALL ON FUNCTION v1.events_since(after bigint, types text[], limit_to integer) TO service_role;

--
-- Name: FUNCTION explain_access(permission text, tenant_id uuid, user_id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.explain_access(permission text, tenant_id uuid, user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.explain_access(permission text, tenant_id uuid, user_id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.explain_access(permission text, tenant_id uuid, user_id uuid) TO service_role;

--
-- Name: FUNCTION export_audit("from" timestamp with time zone, "to" timestamp with time zone, after bigint, page integer); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.export_audit("from" timestamp with time zone, "to" timestamp with time zone, after bigint, page integer) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.export_audit("from" timestamp with time zone, "to" timestamp with time zone, after bigint, page integer) TO authenticated;
GRANT ALL ON FUNCTION v1.export_audit("from" timestamp with time zone, "to" timestamp with time zone, after bigint, page integer) TO service_role;

--
-- Name: FUNCTION export_me(after jsonb); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.export_me(after jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.export_me(after jsonb) TO authenticated;
GRANT ALL ON FUNCTION v1.export_me(after jsonb) TO service_role;

--
-- Name: FUNCTION export_person(user_id uuid, email text, phone text, after jsonb); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.export_person(user_id uuid, email text, phone text, after jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.export_person(user_id uuid, email text, phone text, after jsonb) TO authenticated;
GRANT ALL ON FUNCTION v1.export_person(user_id uuid, email text, phone text, after jsonb) TO service_role;

--
-- Name: TABLE export_log; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.export_log TO authenticated;
GRANT SELECT ON TABLE core.export_log TO service_role;

--
-- Name: TABLE export_log; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.export_log TO authenticated;
GRANT SELECT ON TABLE v1.export_log TO service_role;

--
-- Name: FUNCTION exports_of(user_id uuid, email text, phone text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.exports_of(user_id uuid, email text, phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.exports_of(user_id uuid, email text, phone text) TO authenticated;
GRANT ALL ON FUNCTION v1.exports_of(user_id uuid, email text, phone text) TO service_role;

--
-- Name: FUNCTION history(table_name text, record jsonb); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.history(table_name text, record jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.history(table_name text, record jsonb) TO authenticated;
GRANT ALL ON FUNCTION v1.history(table_name text, record jsonb) TO service_role;

--
-- Name: FUNCTION ingest(messages jsonb); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.ingest(messages jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.ingest(messages jsonb) TO authenticated;
GRANT ALL ON FUNCTION v1.ingest(messages jsonb) TO service_role;
GRANT ALL ON FUNCTION v1.ingest(messages jsonb) TO tenon_device;

--
-- Name: FUNCTION insert_once(into_view text, rows jsonb); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.insert_once(into_view text, rows jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.insert_once(into_view text, rows jsonb) TO authenticated;
GRANT ALL ON FUNCTION v1.insert_once(into_view text, rows jsonb) TO service_role;

--
-- Name: FUNCTION invite(email text, role text, valid_hours integer); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.invite(email text, role text, valid_hours integer) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.invite(email text, role text, valid_hours integer) TO authenticated;
GRANT ALL ON FUNCTION v1.invite(email text, role text, valid_hours integer) TO service_role;

--
-- Name: FUNCTION latest(devices text[], metrics text[]); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.latest(devices text[], metrics text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.latest(devices text[], metrics text[]) TO authenticated;
GRANT ALL ON FUNCTION v1.latest(devices text[], metrics text[]) TO service_role;

--
-- Name: FUNCTION leave_tenant(tenant_id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.leave_tenant(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.leave_tenant(tenant_id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.leave_tenant(tenant_id uuid) TO service_role;

--
-- Name: FUNCTION mark_sensitive(table_name text, id uuid, reason text, sensitive boolean); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.mark_sensitive(table_name text, id uuid, reason text, sensitive boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.mark_sensitive(table_name text, id uuid, reason text, sensitive boolean) TO authenticated;
GRANT ALL ON FUNCTION v1.mark_sensitive(table_name text, id uuid, reason text, sensitive boolean) TO service_role;

--
-- Name: FUNCTION move_tenant(tenant_id uuid, parent_id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.move_tenant(tenant_id uuid, parent_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.move_tenant(tenant_id uuid, parent_id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.move_tenant(tenant_id uuid, parent_id uuid) TO service_role;

--
-- Name: FUNCTION my_access(); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.my_access() FROM PUBLIC;
GRANT ALL ON FUNCTION v1.my_access() TO authenticated;
GRANT ALL ON FUNCTION v1.my_access() TO service_role;

--
-- Name: FUNCTION open_record(table_name text, id uuid, reason text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.open_record(table_name text, id uuid, reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.open_record(table_name text, id uuid, reason text) TO authenticated;
GRANT ALL ON FUNCTION v1.open_record(table_name text, id uuid, reason text) TO service_role;

--
-- Name: FUNCTION readings(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, above double precision, below double precision, max_points integer); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.readings(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, above double precision, below double precision, max_points integer) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.readings(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, above double precision, below double precision, max_points integer) TO authenticated;
GRANT ALL ON FUNCTION v1.readings(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, above double precision, below double precision, max_points integer) TO service_role;

--
-- Name: FUNCTION record_consent(purpose text, source text, user_id uuid, email text, phone text, legal_basis text, given_at timestamp with time zone, channel text, proof_text text, proof_version text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.record_consent(purpose text, source text, user_id uuid, email text, phone text, legal_basis text, given_at timestamp with time zone, channel text, proof_text text, proof_version text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.record_consent(purpose text, source text, user_id uuid, email text, phone text, legal_basis text, given_at timestamp with time zone, channel text, proof_text text, proof_version text) TO authenticated;
GRANT ALL ON FUNCTION v1.record_consent(purpose text, source text, user_id uuid, email text, phone text, legal_basis text, given_at timestamp with time zone, channel text, proof_text text, proof_version text) TO service_role;

--
-- Name: FUNCTION release_legal_hold(id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.release_legal_hold(id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.release_legal_hold(id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.release_legal_hold(id uuid) TO service_role;

--
-- Name: FUNCTION remove_member(user_id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.remove_member(user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.remove_member(user_id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.remove_member(user_id uuid) TO service_role;

--
-- Name: FUNCTION resume_member(user_id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.resume_member(user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.resume_member(user_id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.resume_member(user_id uuid) TO service_role;

--
-- Name: FUNCTION resume_tenant(tenant_id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.resume_tenant(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.resume_tenant(tenant_id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.resume_tenant(tenant_id uuid) TO service_role;

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
-- Name: FUNCTION revoke_api_key(id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.revoke_api_key(id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.revoke_api_key(id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.revoke_api_key(id uuid) TO service_role;

--
-- Name: FUNCTION revoke_device_credential(id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.revoke_device_credential(id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.revoke_device_credential(id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.revoke_device_credential(id uuid) TO service_role;

--
-- Name: FUNCTION revoke_invitation(id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.revoke_invitation(id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.revoke_invitation(id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.revoke_invitation(id uuid) TO service_role;

--
-- Name: FUNCTION rotate_api_key(id uuid, overlap interval); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.rotate_api_key(id uuid, overlap interval) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.rotate_api_key(id uuid, overlap interval) TO authenticated;
GRANT ALL ON FUNCTION v1.rotate_api_key(id uuid, overlap interval) TO service_role;

--
-- Name: FUNCTION save_role(slug text, name text, permissions jsonb, hidden_fields jsonb); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.save_role(slug text, name text, permissions jsonb, hidden_fields jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.save_role(slug text, name text, permissions jsonb, hidden_fields jsonb) TO authenticated;
GRANT ALL ON FUNCTION v1.save_role(slug text, name text, permissions jsonb, hidden_fields jsonb) TO service_role;

--
-- Name: FUNCTION save_team(slug text, name text, user_ids uuid[]); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.save_team(slug text, name text, user_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.save_team(slug text, name text, user_ids uuid[]) TO authenticated;
GRANT ALL ON FUNCTION v1.save_team(slug text, name text, user_ids uuid[]) TO service_role;

--
-- Name: FUNCTION set_active_tenant(tenant_id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.set_active_tenant(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.set_active_tenant(tenant_id uuid) TO authenticated;

--
-- Name: FUNCTION set_legal_hold(reason text, user_id uuid, email text, phone text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.set_legal_hold(reason text, user_id uuid, email text, phone text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.set_legal_hold(reason text, user_id uuid, email text, phone text) TO authenticated;
GRANT ALL ON FUNCTION v1.set_legal_hold(reason text, user_id uuid, email text, phone text) TO service_role;

--
-- Name: FUNCTION set_member_role(user_id uuid, role text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.set_member_role(user_id uuid, role text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.set_member_role(user_id uuid, role text) TO authenticated;
GRANT ALL ON FUNCTION v1.set_member_role(user_id uuid, role text) TO service_role;

--
-- Name: TABLE rate_limits; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.rate_limits TO authenticated;
GRANT SELECT ON TABLE v1.rate_limits TO service_role;

--
-- Name: FUNCTION set_rate_limit(dimension text, limits text, action text); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.set_rate_limit(dimension text, limits text, action text) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.set_rate_limit(dimension text, limits text, action text) TO authenticated;
GRANT ALL ON FUNCTION v1.set_rate_limit(dimension text, limits text, action text) TO service_role;

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
-- Name: FUNCTION suspend_member(user_id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.suspend_member(user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.suspend_member(user_id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.suspend_member(user_id uuid) TO service_role;

--
-- Name: FUNCTION suspend_tenant(tenant_id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.suspend_tenant(tenant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.suspend_tenant(tenant_id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.suspend_tenant(tenant_id uuid) TO service_role;

--
-- Name: FUNCTION telemetry(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], fill text, time_zone text, origin timestamp with time zone, max_points integer, group_by text[]); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.telemetry(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], fill text, time_zone text, origin timestamp with time zone, max_points integer, group_by text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.telemetry(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], fill text, time_zone text, origin timestamp with time zone, max_points integer, group_by text[]) TO authenticated;
GRANT ALL ON FUNCTION v1.telemetry(devices text[], metrics text[], "from" timestamp with time zone, "to" timestamp with time zone, bucket interval, aggregates text[], fill text, time_zone text, origin timestamp with time zone, max_points integer, group_by text[]) TO service_role;

--
-- Name: FUNCTION transfer_ownership(user_id uuid); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.transfer_ownership(user_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.transfer_ownership(user_id uuid) TO authenticated;
GRANT ALL ON FUNCTION v1.transfer_ownership(user_id uuid) TO service_role;

--
-- Name: FUNCTION verify_audit(checkpoint jsonb); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.verify_audit(checkpoint jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.verify_audit(checkpoint jsonb) TO authenticated;
GRANT ALL ON FUNCTION v1.verify_audit(checkpoint jsonb) TO service_role;

--
-- Name: FUNCTION withdraw_consent(purpose text, source text, user_id uuid, email text, phone text, withdrawn_at timestamp with time zone); Type: ACL; Schema: v1; Owner: postgres
--

REVOKE ALL ON FUNCTION v1.withdraw_consent(purpose text, source text, user_id uuid, email text, phone text, withdrawn_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION v1.withdraw_consent(purpose text, source text, user_id uuid, email text, phone text, withdrawn_at timestamp with time zone) TO authenticated;
GRANT ALL ON FUNCTION v1.withdraw_consent(purpose text, source text, user_id uuid, email text, phone text, withdrawn_at timestamp with time zone) TO service_role;

--
-- Name: TABLE api_key_secrets; Type: ACL; Schema: core; Owner: postgres
--

GRANT ALL ON TABLE core.api_key_secrets TO service_role;

--
-- Name: COLUMN api_key_secrets.tenant_id; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(tenant_id) ON TABLE core.api_key_secrets TO authenticated;

--
-- Name: COLUMN api_key_secrets.api_key_id; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(api_key_id) ON TABLE core.api_key_secrets TO authenticated;

--
-- Name: COLUMN api_key_secrets.id; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(id) ON TABLE core.api_key_secrets TO authenticated;

--
-- Name: COLUMN api_key_secrets.hint; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(hint) ON TABLE core.api_key_secrets TO authenticated;

--
-- Name: COLUMN api_key_secrets.expires_at; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(expires_at) ON TABLE core.api_key_secrets TO authenticated;

--
-- Name: COLUMN api_key_secrets.last_used_at; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(last_used_at) ON TABLE core.api_key_secrets TO authenticated;

--
-- Name: COLUMN api_key_secrets.created_at; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(created_at) ON TABLE core.api_key_secrets TO authenticated;

--
-- Name: COLUMN api_key_secrets.created_by; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(created_by) ON TABLE core.api_key_secrets TO authenticated;

--
-- Name: TABLE audit_anchors; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.audit_anchors TO service_role;

--
-- Name: TABLE audit_heads; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.audit_heads TO service_role;

--
-- Name: TABLE audit_progress; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.audit_progress TO service_role;

--
-- Name: TABLE audit_values; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.audit_values TO service_role;

--
-- Name: TABLE consent_withdrawals; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.consent_withdrawals TO authenticated;
GRANT SELECT ON TABLE core.consent_withdrawals TO service_role;

--
-- Name: TABLE deliveries; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.deliveries TO service_role;

--
-- Name: COLUMN deliveries.tenant_id; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(tenant_id) ON TABLE core.deliveries TO authenticated;

--
-- Name: COLUMN deliveries.id; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(id) ON TABLE core.deliveries TO authenticated;

--
-- Name: COLUMN deliveries.channel; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(channel) ON TABLE core.deliveries TO authenticated;

--
-- Name: COLUMN deliveries.recipient_masked; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(recipient_masked) ON TABLE core.deliveries TO authenticated;

--
-- Name: COLUMN deliveries.template; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(template) ON TABLE core.deliveries TO authenticated;

--
-- Name: COLUMN deliveries.event_type; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(event_type) ON TABLE core.deliveries TO authenticated;

--
-- Name: COLUMN deliveries.status; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(status) ON TABLE core.deliveries TO authenticated;

--
-- Name: COLUMN deliveries.created_at; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(created_at) ON TABLE core.deliveries TO authenticated;

--
-- Name: COLUMN deliveries.created_by; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(created_by) ON TABLE core.deliveries TO authenticated;

--
-- Name: TABLE email_domain_rules; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT,DELETE ON TABLE core.email_domain_rules TO authenticated;
GRANT ALL ON TABLE core.email_domain_rules TO service_role;
GRANT SELECT ON TABLE core.email_domain_rules TO supabase_auth_admin;

--
-- Name: COLUMN email_domain_rules.tenant_id; Type: ACL; Schema: core; Owner: postgres
--

GRANT INSERT(tenant_id) ON TABLE core.email_domain_rules TO authenticated;

--
-- Name: COLUMN email_domain_rules.domain; Type: ACL; Schema: core; Owner: postgres
--

GRANT INSERT(domain) ON TABLE core.email_domain_rules TO authenticated;

--
-- Name: COLUMN email_domain_rules.effect; Type: ACL; Schema: core; Owner: postgres
--

GRANT INSERT(effect),UPDATE(effect) ON TABLE core.email_domain_rules TO authenticated;

--
-- Name: COLUMN email_domain_rules.includes_subdomains; Type: ACL; Schema: core; Owner: postgres
--

GRANT INSERT(includes_subdomains),UPDATE(includes_subdomains) ON TABLE core.email_domain_rules TO authenticated;

--
-- Name: TABLE errors; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.errors TO anon;
GRANT SELECT ON TABLE core.errors TO authenticated;
GRANT SELECT ON TABLE core.errors TO service_role;
GRANT SELECT ON TABLE core.errors TO tenon_device;

--
-- Name: TABLE event_expiries; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.event_expiries TO authenticated;
GRANT SELECT ON TABLE core.event_expiries TO service_role;

--
-- Name: TABLE event_types; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.event_types TO authenticated;
GRANT SELECT ON TABLE core.event_types TO service_role;

--
-- Name: TABLE events; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.events TO authenticated;
GRANT SELECT ON TABLE core.events TO service_role;

--
-- Name: TABLE fields; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.fields TO authenticated;
GRANT ALL ON TABLE core.fields TO service_role;

--
-- Name: TABLE hidden_fields; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.hidden_fields TO authenticated;
GRANT ALL ON TABLE core.hidden_fields TO service_role;

--
-- Name: TABLE invitations; Type: ACL; Schema: core; Owner: postgres
--

GRANT ALL ON TABLE core.invitations TO service_role;

--
-- Name: COLUMN invitations.tenant_id; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(tenant_id) ON TABLE core.invitations TO authenticated;

--
-- Name: COLUMN invitations.id; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(id) ON TABLE core.invitations TO authenticated;

--
-- Name: COLUMN invitations.email; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(email) ON TABLE core.invitations TO authenticated;

--
-- Name: COLUMN invitations.role_tenant_id; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(role_tenant_id) ON TABLE core.invitations TO authenticated;

--
-- Name: COLUMN invitations.role_id; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(role_id) ON TABLE core.invitations TO authenticated;

--
-- Name: COLUMN invitations.expires_at; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(expires_at) ON TABLE core.invitations TO authenticated;

--
-- Name: COLUMN invitations.accepted_at; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(accepted_at) ON TABLE core.invitations TO authenticated;

--
-- Name: COLUMN invitations.accepted_by; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(accepted_by) ON TABLE core.invitations TO authenticated;

--
-- Name: COLUMN invitations.revoked_at; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(revoked_at) ON TABLE core.invitations TO authenticated;

--
-- Name: COLUMN invitations.created_at; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(created_at) ON TABLE core.invitations TO authenticated;

--
-- Name: COLUMN invitations.created_by; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT(created_by) ON TABLE core.invitations TO authenticated;

--
-- Name: TABLE legal_holds; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.legal_holds TO authenticated;
GRANT SELECT ON TABLE core.legal_holds TO service_role;

--
-- Name: TABLE permissions; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.permissions TO authenticated;
GRANT ALL ON TABLE core.permissions TO service_role;

--
-- Name: TABLE retention_runs; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.retention_runs TO service_role;

--
-- Name: TABLE sensitive_records; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.sensitive_records TO authenticated;
GRANT SELECT ON TABLE core.sensitive_records TO service_role;

--
-- Name: TABLE sign_in_attempts; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.sign_in_attempts TO service_role;

--
-- Name: TABLE sign_in_authenticators; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.sign_in_authenticators TO service_role;

--
-- Name: TABLE team_members; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.team_members TO authenticated;
GRANT ALL ON TABLE core.team_members TO service_role;

--
-- Name: TABLE teams; Type: ACL; Schema: core; Owner: postgres
--

GRANT SELECT ON TABLE core.teams TO authenticated;
GRANT ALL ON TABLE core.teams TO service_role;

--
-- Name: TABLE user_settings; Type: ACL; Schema: core; Owner: postgres
--

GRANT ALL ON TABLE core.user_settings TO service_role;
GRANT SELECT ON TABLE core.user_settings TO supabase_auth_admin;

--
-- Name: TABLE batches; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT ON TABLE iot.batches TO authenticated;
GRANT ALL ON TABLE iot.batches TO service_role;

--
-- Name: TABLE device_credentials; Type: ACL; Schema: iot; Owner: postgres
--

GRANT ALL ON TABLE iot.device_credentials TO service_role;

--
-- Name: COLUMN device_credentials.tenant_id; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT(tenant_id) ON TABLE iot.device_credentials TO authenticated;

--
-- Name: COLUMN device_credentials.device_id; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT(device_id) ON TABLE iot.device_credentials TO authenticated;

--
-- Name: COLUMN device_credentials.id; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT(id) ON TABLE iot.device_credentials TO authenticated;

--
-- Name: COLUMN device_credentials.kind; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT(kind) ON TABLE iot.device_credentials TO authenticated;

--
-- Name: COLUMN device_credentials.hint; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT(hint) ON TABLE iot.device_credentials TO authenticated;

--
-- Name: COLUMN device_credentials.expires_at; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT(expires_at) ON TABLE iot.device_credentials TO authenticated;

--
-- Name: COLUMN device_credentials.revoked_at; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT(revoked_at) ON TABLE iot.device_credentials TO authenticated;

--
-- Name: COLUMN device_credentials.last_used_at; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT(last_used_at) ON TABLE iot.device_credentials TO authenticated;

--
-- Name: COLUMN device_credentials.created_at; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT(created_at) ON TABLE iot.device_credentials TO authenticated;

--
-- Name: COLUMN device_credentials.created_by; Type: ACL; Schema: iot; Owner: postgres
--

GRANT SELECT(created_by) ON TABLE iot.device_credentials TO authenticated;

--
-- Name: TABLE api_keys; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.api_keys TO authenticated;
GRANT SELECT ON TABLE v1.api_keys TO service_role;

--
-- Name: TABLE audit; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.audit TO authenticated;
GRANT SELECT ON TABLE v1.audit TO service_role;

--
-- Name: TABLE consents; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.consents TO authenticated;
GRANT SELECT ON TABLE v1.consents TO service_role;

--
-- Name: TABLE data_map; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.data_map TO authenticated;
GRANT SELECT ON TABLE v1.data_map TO service_role;

--
-- Name: TABLE deliveries; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.deliveries TO authenticated;
GRANT SELECT ON TABLE v1.deliveries TO service_role;

--
-- Name: TABLE device_credentials; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.device_credentials TO authenticated;
GRANT SELECT ON TABLE v1.device_credentials TO service_role;

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
-- Name: TABLE email_domain_rules; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT,DELETE ON TABLE v1.email_domain_rules TO authenticated;
GRANT ALL ON TABLE v1.email_domain_rules TO service_role;

--
-- Name: COLUMN email_domain_rules.tenant_id; Type: ACL; Schema: v1; Owner: postgres
--

GRANT INSERT(tenant_id) ON TABLE v1.email_domain_rules TO authenticated;

--
-- Name: COLUMN email_domain_rules.domain; Type: ACL; Schema: v1; Owner: postgres
--

GRANT INSERT(domain) ON TABLE v1.email_domain_rules TO authenticated;

--
-- Name: COLUMN email_domain_rules.effect; Type: ACL; Schema: v1; Owner: postgres
--

GRANT INSERT(effect),UPDATE(effect) ON TABLE v1.email_domain_rules TO authenticated;

--
-- Name: COLUMN email_domain_rules.includes_subdomains; Type: ACL; Schema: v1; Owner: postgres
--

GRANT INSERT(includes_subdomains),UPDATE(includes_subdomains) ON TABLE v1.email_domain_rules TO authenticated;

--
-- Name: TABLE event_types; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.event_types TO authenticated;
GRANT SELECT ON TABLE v1.event_types TO service_role;

--
-- Name: TABLE events; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.events TO authenticated;
GRANT SELECT ON TABLE v1.events TO service_role;

--
-- Name: TABLE fields; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.fields TO authenticated;
GRANT SELECT ON TABLE v1.fields TO service_role;

--
-- Name: TABLE invitations; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.invitations TO authenticated;
GRANT SELECT ON TABLE v1.invitations TO service_role;

--
-- Name: TABLE legal_holds; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.legal_holds TO authenticated;
GRANT SELECT ON TABLE v1.legal_holds TO service_role;

--
-- Name: TABLE members; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.members TO authenticated;
GRANT SELECT ON TABLE v1.members TO service_role;

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
-- Name: TABLE permissions; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.permissions TO authenticated;
GRANT SELECT ON TABLE v1.permissions TO service_role;

--
-- Name: TABLE rejected_messages; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.rejected_messages TO authenticated;
GRANT SELECT ON TABLE v1.rejected_messages TO service_role;

--
-- Name: TABLE roles; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.roles TO authenticated;
GRANT SELECT ON TABLE v1.roles TO service_role;

--
-- Name: TABLE teams; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.teams TO authenticated;
GRANT SELECT ON TABLE v1.teams TO service_role;

--
-- Name: TABLE tenants; Type: ACL; Schema: v1; Owner: postgres
--

GRANT SELECT ON TABLE v1.tenants TO authenticated;
GRANT SELECT ON TABLE v1.tenants TO service_role;

--
-- Name: COLUMN tenants.slug; Type: ACL; Schema: v1; Owner: postgres
--

GRANT UPDATE(slug) ON TABLE v1.tenants TO authenticated;

--
-- Name: COLUMN tenants.name; Type: ACL; Schema: v1; Owner: postgres
--

GRANT UPDATE(name) ON TABLE v1.tenants TO authenticated;

--
-- Name: COLUMN tenants.settings; Type: ACL; Schema: v1; Owner: postgres
--

GRANT UPDATE(settings) ON TABLE v1.tenants TO authenticated;

--
-- PostgreSQL database dump complete
--

