-- What a person may ask for, and what is done without being asked: a copy of everything about them,
-- its erasure, and its end when its time is over.
--
-- All three read the data map and nothing else: a table is covered by its lines there. A tenant
-- answers for its own rows alone. Who is a member is known by the user's id, and by the e-mail
-- address and phone number that Supabase Auth has confirmed; an address that somebody merely claims
-- leads to nobody. What erasing did is proved by counts and hashes, and never by what was erased.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('core.privacy.read', 'See consents, legal holds, erasures, and who exported personal data.'),
('core.privacy.write', 'Record and withdraw consents.'),
('core.privacy.export', 'Export everything that is stored about a person.'),
('core.privacy.erase', 'Erase a person; set and release legal holds.');

select core.allow_system_roles(
    array['owner', 'admin'],
    array['core.privacy.read', 'core.privacy.write', 'core.privacy.export', 'core.privacy.erase']
);

insert into core.errors (code, status, message, hint) values
(
    'privacy.person_missing', 400, 'The request does not say whom it is about.',
    'Name the person by user_id, email or phone.'
),
(
    'privacy.person_unknown', 404, 'Nothing is stored about this person in your tenant.',
    'Try the other identifiers of the person: user_id, email, phone.'
),
(
    'privacy.position_invalid', 400, 'The export cannot go on from there.',
    'Send what the export before answered as next, unchanged.'
),
(
    'privacy.not_a_user', 403, 'Only a user can ask about themselves.',
    'Sign in as the user, or use v1.export_person.'
),
(
    'privacy.legal_hold', 409, 'Nothing was erased: {reason}',
    'Release the legal hold when its reason is gone: v1.release_legal_hold.'
),
(
    'privacy.last_owner', 409, 'Nothing was erased: this person is the last owner of the tenant.',
    'Transfer the ownership first.'
),
(
    'privacy.reason_missing', 400, 'A legal hold needs its reason, of 10 to 1000 characters.',
    'Say which claim or which law holds the data.'
),
(
    'privacy.hold_unknown', 404, 'There is no such legal hold in your tenant that is still set.',
    'Take the id from v1.legal_holds.'
);

-- Who is meant

create function core.person_asked(user_id uuid, email text, phone text) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.person_asked(uuid, text, text) is
'By what a request names a person, in normal form: {"email": ["ada@example.com"]}.
Raises privacy.person_missing (400). Signed-in users may call it.';

create function core.identifiers_of(tenant_id uuid, asked jsonb) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    with confirmed as (
        select
            users.id::text as user_id,
            case
                when users.email_confirmed_at is not null
                    then core.normal_identifier('email', users.email)
            end as email,
            case
                when users.phone_confirmed_at is not null
                    then core.normal_identifier('phone', users.phone)
            end as phone
        from core.members
        inner join auth.users on users.id = members.user_id
        where members.tenant_id = identifiers_of.tenant_id
    ),
    meant as (
        select *
        from confirmed
        where
            identifiers_of.asked -> 'user_id' ? confirmed.user_id
            or identifiers_of.asked -> 'email' ? confirmed.email
            or identifiers_of.asked -> 'phone' ? confirmed.phone
    ),
    identifiers as (
        select
            pair.key as kind,
            jsonb_array_elements_text(pair.value) as identifier
        from jsonb_each(identifiers_of.asked) as pair
        union
        select
            known.kind,
            known.identifier
        from meant
        cross join lateral (
            values ('user_id', meant.user_id), ('email', meant.email), ('phone', meant.phone)
        ) as known (kind, identifier)
        where known.identifier is not null
    ),
    kinds as (
        select
            identifiers.kind,
            jsonb_agg(identifiers.identifier order by identifiers.identifier) as identifiers
        from identifiers
        group by identifiers.kind
    )
    select coalesce(jsonb_object_agg(kinds.kind, kinds.identifiers), '{}') from kinds;
end;

comment on function core.identifiers_of(uuid, jsonb) is
'All by which the tenant knows the person asked for: where it is a member, also the user''s id and
what Supabase Auth has confirmed. Nobody is looked up who is no member of this tenant. Internal.';

create function core.subject_hashes(salt bytea, identifiers jsonb) returns bytea[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
begin atomic
    select
        array_agg(
            sha256(
                subject_hashes.salt || convert_to(pair.key || ':' || named.identifier, 'utf8')
            )
            order by pair.key, named.identifier
        )
    from jsonb_each(subject_hashes.identifiers) as pair
    cross join jsonb_array_elements_text(pair.value) as named (identifier);
end;

comment on function core.subject_hashes(bytea, jsonb) is
'What stands for a person in proofs: SHA-256 of the salt and `kind:identifier`, for each identifier.
Whoever knows the person finds the proof; the proof does not name the person.
Signed-in users may call it.';

create function core.random_key() returns bytea
language sql volatile set search_path = pg_catalog, pg_temp
return sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

comment on function core.random_key() is '32 bytes that nobody can guess. Internal.';

create function core.note_privacy_event(tenant_id uuid, event text, details jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.record_security_event(
        note_privacy_event.tenant_id, note_privacy_event.event, note_privacy_event.details
    );
end
$$;

comment on function core.note_privacy_event(uuid, text, jsonb) is
'Writes down in the tenant''s audit what was done to personal data. Internal.';

-- Legal holds

create table core.legal_holds (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    user_id uuid,
    email text,
    phone text,
    identifiers jsonb not null,
    reason text not null,
    set_at timestamptz not null default now(),
    set_by uuid default core.caller_id(),
    released_at timestamptz,
    released_by uuid,
    primary key (tenant_id, id),
    constraint reason_is_given check (char_length(reason) between 10 and 1000)
);
create index legal_holds_active on core.legal_holds (tenant_id) where released_at is null;

comment on table core.legal_holds is
'Persons whose data must stay, for a claim or a law: while one is set, neither erasing nor retention
touches them.';
comment on column core.legal_holds.identifiers is
'All by which the tenant knew the person when the hold was set: {"email": ["ada@example.com"], …}.';

alter table core.legal_holds enable row level security;
create policy legal_holds_read on core.legal_holds for select to authenticated
using (tenant_id = any((select core.tenants_with('core.privacy.read'))::uuid[]));
grant select on core.legal_holds to authenticated, service_role;

create function core.is_held(tenant_id uuid, kind text, value text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.is_held(uuid, text, text) is
'Whether a legal hold of the tenant, or of any for null, is on the person with this identifier.
Internal.';

create function core.lock_privacy(tenant_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('core.privacy/' || lock_privacy.tenant_id, 0));
end
$$;

comment on function core.lock_privacy(uuid) is
'Lets erasures and holds of a tenant wait for one another, until the transaction ends. Internal.';

create function core.set_legal_hold(reason text, asked jsonb) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
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
    perform core.note_privacy_event(
        held_tenant, 'privacy.hold_set', jsonb_build_object('hold_id', hold_id)
    );
    return hold_id;
end
$$;

comment on function core.set_legal_hold(text, jsonb) is
'What v1.set_legal_hold does. Definer, because nobody writes legal holds but by it; asks for
core.privacy.erase itself. Signed-in users may call it.';

create function core.release_legal_hold(id uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
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
    perform core.note_privacy_event(
        held_tenant, 'privacy.hold_released',
        jsonb_build_object('hold_id', release_legal_hold.id)
    );
end
$$;

comment on function core.release_legal_hold(uuid) is
'What v1.release_legal_hold does. Definer, because nobody writes legal holds but by it; asks for
core.privacy.erase itself. Signed-in users may call it.';

create function v1.set_legal_hold(
    reason text, user_id uuid default null, email text default null, phone text default null
)
returns uuid
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.set_legal_hold(
        set_legal_hold.reason,
        core.person_asked(set_legal_hold.user_id, set_legal_hold.email, set_legal_hold.phone)
    );
end
$$;

comment on function v1.set_legal_hold(text, uuid, text, text) is
'Keeps everything about a person from being erased, and from retention, for a reason. Returns the id
of the hold. Needs core.privacy.erase. Raises privacy.person_missing (400) and
privacy.reason_missing (400). Signed-in users may call it.';

create function v1.release_legal_hold(id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.release_legal_hold(release_legal_hold.id);
end
$$;

comment on function v1.release_legal_hold(uuid) is
'Ends a legal hold. Needs core.privacy.erase. Raises privacy.hold_unknown (404).
Signed-in users may call it.';

create view v1.legal_holds with (security_invoker = true) as
select
    legal_holds.tenant_id,
    legal_holds.id,
    legal_holds.user_id,
    legal_holds.email,
    legal_holds.phone,
    legal_holds.reason,
    legal_holds.set_at,
    legal_holds.set_by,
    legal_holds.released_at,
    legal_holds.released_by
from core.legal_holds;

comment on view v1.legal_holds is
'Whose data must stay, and why. Needs core.privacy.read; v1.set_legal_hold sets one.';

grant select on v1.legal_holds to authenticated, service_role;

-- Exports

create table core.export_log (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    exported_at timestamptz not null default now(),
    exported_by uuid default core.caller_id(),
    exported_by_kind text not null default (core.caller()).kind,
    scope text not null,
    subject_salt bytea not null,
    subject_hashes bytea[] not null,
    rows integer not null,
    is_last boolean not null,
    primary key (tenant_id, id),
    constraint scope_is_known check (scope in ('person', 'self'))
);
create index export_log_exported_at on core.export_log (tenant_id, exported_at);

comment on table core.export_log is
'Who exported what is stored about a person, and when: a row for each page. It outlives the person,
who is in it as hashes only.';
comment on column core.export_log.scope is
'person: somebody with core.privacy.export asked. self: the person did.';
comment on column core.export_log.is_last is 'Whether nothing came after this page.';

alter table core.export_log enable row level security;
create policy export_log_read on core.export_log for select to authenticated
using (tenant_id = any((select core.tenants_with('core.privacy.read'))::uuid[]));
grant select on core.export_log to authenticated, service_role;

create function core.export_rows_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1000;

comment on function core.export_rows_max() is
'How many rows a page of an export has at most: with rows of some kilobytes a few megabytes, which
one request can carry. Internal.';

create function core.export_page(tenant_ids uuid[], identifiers jsonb, after jsonb)
returns table (tables jsonb, row_count bigint, continues_at jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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
            ' and md5(jsonb_build_array(%1$s)::text) collate "C" > $3'
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
$$;

comment on function core.export_page(uuid[], jsonb, jsonb) is
'The rows of the tenants that are about the person with these identifiers, by table and link, at
most core.export_rows_max: the columns that the data map has for this link, and the key, without
what in it is about others. after: where the page before ended. continues_at: where this one did,
null at the end. Internal.';

create function core.check_position(after jsonb) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.check_position(jsonb) is
'Refuses what cannot be where a page of an export ended: privacy.position_invalid (400). Internal.';

create function core.log_export(
    tenant_id uuid, scope text, identifiers jsonb, row_count bigint, is_last boolean
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
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
    perform core.note_privacy_event(
        log_export.tenant_id, 'privacy.exported',
        jsonb_build_object('export_id', log_id, 'scope', scope, 'rows', row_count)
    );
end
$$;

comment on function core.log_export(uuid, text, jsonb, bigint, boolean) is
'Writes an export into the access log and the audit of the tenant. Internal.';

create function core.export_person(asked jsonb, after jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.export_person(jsonb, jsonb) is
'What v1.export_person does. Definer, because a person''s data are in tables that not everyone with
core.privacy.export may read; asks for it itself, and reads rows of that tenant alone.
Signed-in users may call it.';

create function core.export_me(after jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.export_me(jsonb) is
'What v1.export_me does. Definer, because everyone may see what is stored about themselves, whatever
their role may read; whom it is about is the caller, and no argument. Signed-in users may call it.';

create function v1.export_person(
    user_id uuid default null,
    email text default null,
    phone text default null,
    after jsonb default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.export_person(
        core.person_asked(export_person.user_id, export_person.email, export_person.phone),
        export_person.after
    );
end
$$;

comment on function v1.export_person(uuid, text, text, jsonb) is
'Everything that your tenant stores about a person, who is named by one or more of user_id, email and
phone: {tenant_id, identifiers, tables: [{table, subject, categories, rows}], rows, next}. A page has
at most 1000 rows; while next is not null, ask again with it as after. Each page is written into
v1.export_log. Needs core.privacy.export in one tenant. Raises privacy.person_missing (400),
privacy.person_unknown (404), privacy.position_invalid (400). Signed-in users may call it.';

create function v1.export_me(after jsonb default null) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.export_me(export_me.after);
end
$$;

comment on function v1.export_me(jsonb) is
'Everything that is stored about you, in all tenants of which you are an active member, or in the one
that x-tenant-id names; pages as v1.export_person gives them. By e-mail address and phone number only
what is about those that are confirmed. Raises privacy.not_a_user (403), privacy.person_unknown (404,
for members of no tenant), privacy.position_invalid (400). Signed-in users may call it.';

create view v1.export_log with (security_invoker = true) as
select
    export_log.tenant_id,
    export_log.id,
    export_log.exported_at,
    export_log.exported_by,
    export_log.exported_by_kind,
    export_log.scope,
    export_log.rows,
    export_log.is_last,
    export_log.subject_salt,
    export_log.subject_hashes
from core.export_log;

comment on view v1.export_log is
'Who exported what is stored about a person, a row for each page. Whose data it was is there as
hashes: v1.exports_of finds them. Needs core.privacy.read.';

create function v1.exports_of(
    user_id uuid default null, email text default null, phone text default null
)
returns setof v1.export_log
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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

comment on function v1.exports_of(uuid, text, text) is
'Who exported this person''s data, the latest first. Needs core.privacy.read.
Raises privacy.person_missing (400). Signed-in users may call it.';

grant select on v1.export_log to authenticated, service_role;

-- Erasure

create table core.erasures (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    erased_at timestamptz not null default now(),
    erased_by uuid default core.caller_id(),
    erased_by_kind text not null default (core.caller()).kind,
    subject_salt bytea not null,
    subject_hashes bytea[] not null,
    counts jsonb not null,
    rows bigint not null,
    digest bytea not null,
    primary key (tenant_id, id)
);

comment on table core.erasures is
'Proof that persons were erased: who asked, when, and what was done to how many rows. The person is in
it as hashes only.';
comment on column core.erasures.counts is
'What was done, by table and link: [{table, subject, method, columns, rows, reason}].';
comment on column core.erasures.digest is
'SHA-256 of what core.erasure_digest puts together; the audit has it too.';

alter table core.erasures enable row level security;
create policy erasures_read on core.erasures for select to authenticated
using (tenant_id = any((select core.tenants_with('core.privacy.read'))::uuid[]));
grant select on core.erasures to authenticated, service_role;

create function core.erasure_digest(
    tenant_id uuid, id uuid, erased_at timestamptz, subject_hashes bytea[], counts jsonb
)
returns bytea
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return sha256(
    convert_to(
        concat_ws(
            '/',
            tenant_id,
            id,
            extract(epoch from erased_at),
            (select string_agg(encode(one, 'hex'), ',') from unnest(subject_hashes) as one),
            counts
        ),
        'utf8'
    )
);

comment on function core.erasure_digest(uuid, uuid, timestamptz, bytea[], jsonb) is
'What a row of core.erasures is checked by: the hash of its other columns. Signed-in users may call
it.';

create function core.depth_of(relation oid) returns integer
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    with recursive above (relation, depth) as (
        select
            depth_of.relation,
            0
        union
        select
            constraints.confrelid,
            above.depth + 1
        from above
        inner join pg_constraint as constraints
            on
                constraints.conrelid = above.relation
                and constraints.contype = 'f'
                and constraints.confrelid <> constraints.conrelid
        where above.depth < 12
    )
    select max(above.depth) from above;
end;

comment on function core.depth_of(oid) is
'How many foreign keys lead up from a table: rows of the deeper tables are deleted first. Internal.';

create function core.erasing_column(
    erasure text, column_name text, type_name text, category text,
    out condition text, out assignment text
)
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return case erasure
    when 'set_null'
        then row(format('t.%I is not null', column_name), format('%I = null', column_name))
    when 'pseudonymise'
        then row(
            format(
                '(t.%I is not null and not %s)',
                column_name, core.is_pseudonym(type_name, format('t.%I', column_name))
            ),
            format(
                '%1$I = case when t.%1$I is not null then %2$s end',
                column_name, core.pseudonym(type_name, category, format('t.%I', column_name))
            )
        )
    else row(null::text, null::text)
end;

comment on function core.erasing_column(text, text, text, text) is
'How a column of the row t is emptied, and the condition under which it still has to be; nulls where
erasing does not write the column. Internal.';

create function core.erasure_steps()
returns table (
    relation oid,
    table_name text,
    subject text,
    method text,
    column_names text[],
    reason text,
    condition text,
    assignments text,
    is_mention boolean
)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select
        columns.relation,
        columns.table_schema || '.' || columns.table_name,
        columns.subject,
        columns.erasure,
        array_agg(columns.column_name order by columns.number),
        string_agg(distinct columns.reason, ' '),
        coalesce('(' || string_agg(writing.condition, ' or ') || ')', 'true'),
        string_agg(writing.assignment, ', '),
        columns.erasure in ('set_null', 'pseudonymise')
        and count(*) = 1
        and columns.subject = min(columns.column_name) || ' is user_id'
    from core.mapped_columns as columns
    cross join lateral core.erasing_column(
        columns.erasure, columns.column_name, columns.type_name, columns.category
    ) as writing
    where columns.number is not null
    group by
        columns.relation, columns.table_schema, columns.table_name, columns.subject,
        columns.erasure
    order by
        columns.erasure = 'delete_row', core.depth_of(columns.relation) desc,
        columns.table_schema, columns.table_name, columns.subject;
end;

comment on function core.erasure_steps() is
'What erasing does, in its order: columns are emptied before rows are deleted, and rows that point to
others go before those. condition: under which a row still has something to erase. is_mention: a
column that says which user did something to a row that is not about that user. Internal.';

create function core.plan_erasure(tenant_id uuid, identifiers jsonb)
returns table (
    relation oid,
    table_name text,
    subject text,
    method text,
    column_names text[],
    reason text,
    assignments text,
    is_mention boolean,
    row_count bigint,
    held_count bigint,
    keys jsonb
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    step record;
    has_holds constant boolean := exists (
        select from core.legal_holds
        where legal_holds.tenant_id = plan_erasure.tenant_id and legal_holds.released_at is null
    );
begin
    for step in select * from core.erasure_steps() loop
        execute format(
            'select count(*), count(*) filter (where found.is_held),'
            ' jsonb_agg(to_jsonb(found) - ''is_held'')'
            ' from (select %s, %s as is_held from %s as t where %s and %s and %s) as found',
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

comment on function core.plan_erasure(uuid, jsonb) is
'What erasing the person with these identifiers would do to the tenant''s rows: those keys, these
assignments, and how many of them a legal hold is on. Internal.';

create function core.carry_out(relation oid, assignments text, keys jsonb, secret bytea)
returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function core.carry_out(oid, text, jsonb, bytea) is
'Writes the assignments to the rows with these keys, or deletes them where there are none, and
returns how many there were. Internal.';

create function core.forget_traces(tenant_id uuid, table_name text, keys jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function core.forget_traces(uuid, text, jsonb) is
'Takes the personal values of these rows out of the tenant''s audit, whose chain stays valid, and out
of the events about them. Internal.';

create function core.forget_addresses(tenant_id uuid, identifiers jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
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
                identifiers -> 'email' ? core.normal_identifier('email', held.value)
                or identifiers -> 'phone' ? core.normal_identifier('phone', held.value)
            )
    ) as records;
end
$$;

comment on function core.forget_addresses(uuid, jsonb) is
'Takes out of the tenant''s audit the personal values of records that once had the person''s e-mail
address or phone number, and have another now, or are deleted. Internal.';

create function core.is_last_owner(tenant_id uuid, user_ids jsonb) returns boolean
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    with owners as (
        select members.user_id::text as user_id
        from core.members
        inner join core.role_permissions as granted
            on
                granted.tenant_id = members.role_tenant_id
                and granted.role_id = members.role_id
                and granted.permission = 'core.tenants.own'
        where
            members.tenant_id = is_last_owner.tenant_id
            and members.status = 'active'
    )
    select coalesce(bool_and(is_last_owner.user_ids ? owners.user_id), false) from owners;
end;

comment on function core.is_last_owner(uuid, jsonb) is
'Whether nobody but these users owns the tenant. Internal.';

create function core.erasure_blockers(tenant_id uuid, identifiers jsonb, held_count bigint)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
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
            select from jsonb_each(identifiers) as pair
            cross join jsonb_array_elements_text(pair.value) as named (identifier)
            where holds.identifiers -> pair.key ? named.identifier
        );
    if blockers = '[]' and held_count > 0 then
        blockers := jsonb_build_array(jsonb_build_object(
            'code', 'privacy.legal_hold',
            'reason', format('%s rows are about a person under a legal hold too', held_count)
        ));
    end if;
    if core.is_last_owner(erasure_blockers.tenant_id, identifiers -> 'user_id') then
        blockers := blockers || jsonb_build_object('code', 'privacy.last_owner');
    end if;
    return blockers;
end
$$;

comment on function core.erasure_blockers(uuid, jsonb, bigint) is
'What stands in the way of erasing: [{code, …}]. Internal.';

create function core.erasure_counts(plan jsonb) returns jsonb
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
begin atomic
    select
        coalesce(
            jsonb_agg(
                jsonb_strip_nulls(
                    jsonb_build_object(
                        'table', step.value -> 'table_name',
                        'subject', step.value -> 'subject',
                        'method', step.value -> 'method',
                        'columns', step.value -> 'column_names',
                        'rows', step.value -> 'row_count',
                        'reason', step.value -> 'reason'
                    )
                )
                order by step.number
            ),
            '[]'
        )
    from jsonb_array_elements(erasure_counts.plan) with ordinality as step (value, number);
end;

comment on function core.erasure_counts(jsonb) is
'What a plan comes to, by table, link and method, without the keys of rows. Internal.';

create function core.erasure_rows(counts jsonb) returns bigint
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(sum(step.rows), 0)::bigint
    from jsonb_to_recordset(erasure_rows.counts) as step (method text, rows bigint)
    where step.method <> 'keep';
end;

comment on function core.erasure_rows(jsonb) is
'How many rows are changed or deleted, as opposed to kept. Internal.';

create function core.carry_out_erasure(tenant_id uuid, identifiers jsonb, plan jsonb)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
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
    perform core.note_privacy_event(
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

comment on function core.carry_out_erasure(uuid, jsonb, jsonb) is
'Erases by a plan of core.plan_erasure, in its order, and writes the proof. Internal.';

create function core.erase_person(asked jsonb, dry_run boolean) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.erase_person(jsonb, boolean) is
'What v1.erase_person does. Definer, because a person''s data are in tables that clients may not write;
asks for core.privacy.erase itself, and touches rows of that tenant alone.
Signed-in users may call it.';

create function v1.erase_person(
    user_id uuid default null,
    email text default null,
    phone text default null,
    dry_run boolean default true
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.erase_person(
        core.person_asked(erase_person.user_id, erase_person.email, erase_person.phone),
        coalesce(erase_person.dry_run, true)
    );
end
$$;

comment on function v1.erase_person(uuid, text, text, boolean) is
'Erases what your tenant stores about a person, by the methods of the data map, at once or not at
all; as a dry run, unless dry_run is false, only says what it would do: {dry_run, tenant_id, blockers,
operator, tables: [{table, subject, method, columns, rows, reason}], rows}, and once it is done
{erasure_id, digest}, the proof that v1.erasures keeps. A user loses the membership of this tenant
and stays a user. Needs core.privacy.erase in one tenant. Raises privacy.person_missing (400),
privacy.person_unknown (404, also when there is nothing left), privacy.legal_hold (409),
privacy.last_owner (409). Signed-in users may call it.';

create view v1.erasures with (security_invoker = true) as
select
    erasures.tenant_id,
    erasures.id,
    erasures.erased_at,
    erasures.erased_by,
    erasures.erased_by_kind,
    erasures.counts,
    erasures.rows,
    erasures.digest,
    erasures.subject_salt,
    erasures.subject_hashes,
    erasures.digest = core.erasure_digest(
        erasures.tenant_id, erasures.id, erasures.erased_at, erasures.subject_hashes,
        erasures.counts
    ) as is_intact
from core.erasures;

comment on view v1.erasures is
'Proof of what was erased: when, by whom, how many rows of which tables. Whom it was about is there as
hashes: v1.erasures_of finds them. is_intact: whether the digest fits. Needs core.privacy.read.';

create function v1.erasures_of(
    user_id uuid default null, email text default null, phone text default null
)
returns setof v1.erasures
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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

comment on function v1.erasures_of(uuid, text, text) is
'The proofs that this person was erased, the latest first. Needs core.privacy.read.
Raises privacy.person_missing (400). Signed-in users may call it.';

grant select on v1.erasures to authenticated, service_role;

create function core.users_without_tenant()
returns table (user_id uuid, created_at timestamptz, last_sign_in_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select
        users.id,
        users.created_at,
        users.last_sign_in_at
    from auth.users
    where not exists (select from core.members where members.user_id = users.id);
end;

comment on function core.users_without_tenant() is
'The users of Supabase Auth who are members of no tenant: those that an erasure has left over, and
those who have joined none yet. Definer, because it reads auth.users; service_role may call it.';

-- Retention

create table core.retention_runs (
    table_name text not null,
    subject text not null,
    method text not null,
    retention interval not null,
    retention_from text not null,
    rows bigint not null default 0,
    ran_at timestamptz,
    finished_at timestamptz,
    failure text,
    primary key (table_name, subject, method, retention, retention_from)
);

comment on table core.retention_runs is
'How far retention has come with each rule of the data map, over all tenants. Of no tenant.';
comment on column core.retention_runs.rows is 'How many rows retention has dealt with so far.';
comment on column core.retention_runs.finished_at is 'When nothing was left to do the last time.';

alter table core.retention_runs enable row level security;
create policy retention_runs_are_of_the_operator on core.retention_runs for select to service_role
using (true);
grant select on core.retention_runs to service_role;

create function core.retention_batch_rows() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 1000;

comment on function core.retention_batch_rows() is
'How many rows one step of retention deals with: some milliseconds of work. Internal.';

create function core.retention_rest() returns interval
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return interval '1 hour';

comment on function core.retention_rest() is
'How long retention leaves a rule alone that has nothing left to do: a run may read a whole table,
and nothing that stays for days is late by an hour. Internal.';

create function core.retention_rules()
returns table (
    relation oid,
    table_name text,
    subject text,
    method text,
    retention interval,
    retention_from text,
    condition text,
    assignments text,
    held text
)
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select
        columns.relation,
        columns.table_schema || '.' || columns.table_name,
        columns.subject,
        replace(columns.erasure, 'keep', 'delete_row'),
        columns.retention,
        columns.retention_from,
        coalesce('(' || string_agg(writing.condition, ' or ') || ')', 'true'),
        string_agg(writing.assignment, ', '),
        (
            select
                string_agg(core.subject_predicate(held.relation, held.subject, 't', 'held'), ' or ')
            from (
                select distinct
                    others.relation,
                    others.subject
                from core.mapped_columns as others
                where
                    others.relation = columns.relation
                    and (
                        others.subject = columns.subject
                        or bool_or(columns.erasure in ('keep', 'delete_row'))
                    )
            ) as held
        )
    from core.mapped_columns as columns
    cross join lateral core.erasing_column(
        columns.erasure, columns.column_name, columns.type_name, columns.category
    ) as writing
    where columns.number is not null and columns.retention is not null
    group by
        columns.relation, columns.table_schema, columns.table_name, columns.subject,
        replace(columns.erasure, 'keep', 'delete_row'), columns.retention,
        columns.retention_from
    order by
        core.depth_of(columns.relation) desc, columns.table_schema, columns.table_name,
        columns.subject;
end;

comment on function core.retention_rules() is
'What the data map says about time: rows of the table whose retention_from is older than retention
are deleted, or emptied by the assignments where the condition holds, except those that are held. A
row that goes altogether is held by everyone whom it is about. Internal.';

create function core.retain_batch(
    rule_relation oid, retention interval, retention_from text, condition text, assignments text,
    held text
)
returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    dealt_with bigint;
begin
    execute format(
        'with past as ('
        ' select %2$s from %1$s as t'
        ' where t.%4$I < $1 and %5$s and not (%6$s)'
        ' limit $2 for update skip locked'
        ') '
        || case
            when assignments is null then 'delete from %1$s as t using past where %3$s'
            else 'update %1$s as t set %7$s from past where %3$s'
        end || ' and $3 is not null',
        rule_relation::regclass,
        (
            select string_agg(format('t.%I', name), ', ')
            from unnest(core.key_columns(rule_relation)) as name
        ),
        (
            select string_agg(format('t.%1$I = past.%1$I', name), ' and ')
            from unnest(core.key_columns(rule_relation)) as name
        ),
        retention_from,
        condition,
        held,
        assignments
    )
    using now() - retention, core.retention_batch_rows(), core.random_key();
    get diagnostics dealt_with = row_count;
    return dealt_with;
end
$$;

comment on function core.retain_batch(oid, interval, text, text, text, text) is
'One step of retention by a rule of core.retention_rules; returns how many rows it dealt with.
Internal.';

create function core.retain_by_rule(rule record, deadline timestamptz)
returns table (row_count bigint, done boolean, failure text)
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    dealt_with bigint;
begin
    row_count := 0;
    done := false;
    begin
        loop
            dealt_with := core.retain_batch(
                rule.relation, rule.retention, rule.retention_from, rule.condition,
                rule.assignments, rule.held
            );
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

comment on function core.retain_by_rule(record, timestamptz) is
'Step by step what one rule of core.retention_rules says, until nothing is left or the deadline has
passed, and how it went into core.retention_runs. Internal.';

create function core.apply_retention(budget interval default '30 seconds')
returns table (row_count bigint, done boolean, failure text)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    deadline constant timestamptz := clock_timestamp() + budget;
    has_holds constant boolean := exists (
        select from core.legal_holds where legal_holds.released_at is null
    );
    rule record;
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
        from core.retention_rules() as rules
        left join core.retention_runs as runs
            on
                runs.table_name = rules.table_name
                and runs.subject = rules.subject
                and runs.method = rules.method
                and runs.retention = rules.retention
                and runs.retention_from = rules.retention_from
        where (runs.finished_at > now() - core.retention_rest()) is not true
        order by runs.ran_at nulls first
    loop
        select * into kept from core.retain_by_rule(rule, deadline);
        row_count := row_count + kept.row_count;
        failure := concat_ws('; ', failure, rule.table_name || ': ' || kept.failure);
        done := done and kept.done;
        exit when clock_timestamp() >= deadline;
    end loop;
    failure := nullif(failure, '');
    return next;
end
$$;

comment on function core.apply_retention(interval) is
'Deletes or empties what is stored for longer than the data map says, in steps, for about as long as
the budget says; rows about persons under a legal hold stay. Returns how many rows it dealt with,
whether nothing is left, and what failed, in words; core.retention_runs has it by rule. May be called
again at any time, and in several sessions. Definer, because it works for every tenant; service_role
may call it.';

-- The lines of these tables

select core.map_personal(
    line.mapped, line.category, 'user_id is user_id or email is email or phone is phone',
    'delete_row', null, interval '3 years', 'released_at'
)
from (
    values
    ('core.legal_holds.user_id', 'user.unique_id'),
    ('core.legal_holds.email', 'user.contact.email'),
    ('core.legal_holds.phone', 'user.contact.phone_number'),
    ('core.legal_holds.identifiers', 'user.contact')
) as line (mapped, category);

select core.map_personal(
    mapped, 'user.unique_id', named || ' is user_id', 'keep',
    'Who decided over personal data must stay known: Art. 5(2) GDPR.'
)
from (
    values
    ('core.legal_holds.set_by', 'set_by'),
    ('core.legal_holds.released_by', 'released_by'),
    ('core.erasures.erased_by', 'erased_by')
) as line (mapped, named);

select core.map_personal(
    'core.export_log.exported_by', 'user.unique_id', 'exported_by is user_id', 'keep',
    'Who saw personal data must stay known: Art. 5(2) GDPR.', interval '3 years', 'exported_at'
);

select core.map_not_personal(
    'Why the controller must keep data, perhaps against the person: Art. 15(4) GDPR.',
    'core.legal_holds.reason'
);
select core.map_not_personal('Counts of rows by table.', 'core.erasures.counts');
select core.map_not_personal(
    'Names of tables and rules.', 'core.retention_runs.table_name', 'core.retention_runs.subject'
);

revoke all on function
core.person_asked(uuid, text, text),
core.identifiers_of(uuid, jsonb),
core.subject_hashes(bytea, jsonb),
core.random_key(),
core.note_privacy_event(uuid, text, jsonb),
core.is_held(uuid, text, text),
core.lock_privacy(uuid),
core.set_legal_hold(text, jsonb),
core.release_legal_hold(uuid),
core.export_rows_max(),
core.export_page(uuid[], jsonb, jsonb),
core.check_position(jsonb),
core.log_export(uuid, text, jsonb, bigint, boolean),
core.export_person(jsonb, jsonb),
core.export_me(jsonb),
core.erasure_digest(uuid, uuid, timestamptz, bytea[], jsonb),
core.depth_of(oid),
core.erasing_column(text, text, text, text),
core.erasure_steps(),
core.plan_erasure(uuid, jsonb),
core.carry_out(oid, text, jsonb, bytea),
core.forget_traces(uuid, text, jsonb),
core.forget_addresses(uuid, jsonb),
core.is_last_owner(uuid, jsonb),
core.erasure_blockers(uuid, jsonb, bigint),
core.erasure_counts(jsonb),
core.erasure_rows(jsonb),
core.carry_out_erasure(uuid, jsonb, jsonb),
core.erase_person(jsonb, boolean),
core.users_without_tenant(),
core.retention_batch_rows(),
core.retention_rest(),
core.retention_rules(),
core.retain_batch(oid, interval, text, text, text, text),
core.retain_by_rule(record, timestamptz),
core.apply_retention(interval),
v1.set_legal_hold(text, uuid, text, text),
v1.release_legal_hold(uuid),
v1.export_person(uuid, text, text, jsonb),
v1.export_me(jsonb),
v1.exports_of(uuid, text, text),
v1.erase_person(uuid, text, text, boolean),
v1.erasures_of(uuid, text, text)
from public;
grant execute on function
core.person_asked(uuid, text, text),
core.subject_hashes(bytea, jsonb),
core.set_legal_hold(text, jsonb),
core.release_legal_hold(uuid),
core.export_person(jsonb, jsonb),
core.export_me(jsonb),
core.erasure_digest(uuid, uuid, timestamptz, bytea[], jsonb),
core.erase_person(jsonb, boolean),
v1.set_legal_hold(text, uuid, text, text),
v1.release_legal_hold(uuid),
v1.export_person(uuid, text, text, jsonb),
v1.export_me(jsonb),
v1.exports_of(uuid, text, text),
v1.erase_person(uuid, text, text, boolean),
v1.erasures_of(uuid, text, text)
to authenticated, service_role;
grant execute on function core.normal_identifier(text, text) to authenticated, service_role;
grant execute on function core.users_without_tenant(), core.apply_retention(interval)
to service_role;
