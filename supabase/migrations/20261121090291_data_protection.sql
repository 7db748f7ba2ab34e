-- What a person may ask for, and what is done without being asked: a copy of everything about them,
-- its erasure, and its end when its time is over.
--
-- All three read the data map and nothing else: a table is covered by its lines there. Here is the
-- copy, and legal holds, which the two others heed. A tenant answers for its own rows alone. Who is
-- a member is known by the user's id, and by the e-mail address and phone number that Supabase Auth
-- has confirmed; an address that somebody merely claims leads to nobody.

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
        select
            confirmed.user_id,
            confirmed.email,
            confirmed.phone
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
        cross join
            lateral (
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
'All by which the tenant knew the person when the hold was set: {"email": ["a@b.c"], …}.';

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
    perform core.record_security_event(
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
    perform core.record_security_event(
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
    perform core.record_security_event(
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
'Everything that your tenant stores about a person, who is named by one or more of user_id, email
and phone: {tenant_id, identifiers, tables: [{table, subject, categories, rows}], rows, next}. A
page has at most 1000 rows; while next is not null, ask again with it as after. Each page is
written into v1.export_log. Needs core.privacy.export in one tenant. Raises privacy.person_missing
(400), privacy.person_unknown (404), privacy.position_invalid (400). Signed-in users may call it.';

create function v1.export_me(after jsonb default null) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.export_me(export_me.after);
end
$$;

comment on function v1.export_me(jsonb) is
'Everything that is stored about you, in all tenants of which you are an active member, or in the
one that x-tenant-id names; pages as v1.export_person gives them. By e-mail address and phone
number only what is about those that are confirmed. Raises privacy.not_a_user (403),
privacy.person_unknown (404, for members of no tenant), privacy.position_invalid (400). Signed-in
users may call it.';

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

select
    core.map_personal(
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

select
    core.map_personal(
        mapped, 'user.unique_id', named || ' is user_id', 'keep',
        'Who decided over personal data must stay known: Art. 5(2) GDPR.'
    )
from (
    values
    ('core.legal_holds.set_by', 'set_by'),
    ('core.legal_holds.released_by', 'released_by')
) as line (mapped, named);

select core.map_personal(
    'core.export_log.exported_by', 'user.unique_id', 'exported_by is user_id', 'keep',
    'Who saw personal data must stay known: Art. 5(2) GDPR.', interval '3 years', 'exported_at'
);

select core.map_not_personal(
    'Why the controller must keep data, perhaps against the person: Art. 15(4) GDPR.',
    'core.legal_holds.reason'
);
revoke all on function
core.person_asked(uuid, text, text),
core.identifiers_of(uuid, jsonb),
core.subject_hashes(bytea, jsonb),
core.random_key(),
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
v1.set_legal_hold(text, uuid, text, text),
v1.release_legal_hold(uuid),
v1.export_person(uuid, text, text, jsonb),
v1.export_me(jsonb),
v1.exports_of(uuid, text, text)
from public;
grant execute on function
core.person_asked(uuid, text, text),
core.subject_hashes(bytea, jsonb),
core.set_legal_hold(text, jsonb),
core.release_legal_hold(uuid),
core.export_person(jsonb, jsonb),
core.export_me(jsonb),
v1.set_legal_hold(text, uuid, text, text),
v1.release_legal_hold(uuid),
v1.export_person(uuid, text, text, jsonb),
v1.export_me(jsonb),
v1.exports_of(uuid, text, text)
to authenticated, service_role;

select core.audit('core.legal_holds');
