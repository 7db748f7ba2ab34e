-- Erasing a person: by the methods of the data map, in one transaction, and proved.
--
-- First the keys of all rows that are about the person are collected, and then columns are emptied
-- and rows deleted, those first that point to others: what led to a row may be gone by then. What
-- the audit and events hold of these rows goes after that, because erasing writes there too. The
-- proof has counts and hashes, and never what was erased.

set local lock_timeout = '5s';

insert into core.errors (code, status, message, hint) values
(
    'privacy.legal_hold', 409, 'Nothing was erased: {reason}',
    'Release the legal hold when its reason is gone: v1.release_legal_hold.'
),
(
    'privacy.last_owner', 409, 'Nothing was erased: this person is the last owner of the tenant.',
    'Transfer the ownership first.'
);

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
'Proof that persons were erased: who asked, when, and what was done to how many rows. The person is
in it as hashes only.';
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
'How many foreign keys lead up from a table: of the deeper ones rows are deleted first. Internal.';

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
    cross join
        lateral core.erasing_column(
            columns.erasure, columns.column_name, columns.type_name, columns.category
        ) as writing
    where columns.number is not null
    group by
        columns.relation, columns.table_schema, columns.table_name, columns.subject,
        columns.erasure
    order by
        columns.erasure = 'delete_row', -core.depth_of(columns.relation),
        columns.table_schema, columns.table_name, columns.subject, columns.erasure;
end;

comment on function core.erasure_steps() is
'What erasing does, in its order: columns are emptied before rows are deleted, and rows that point
to others go before those. condition: under which a row still has something to erase. is_mention:
a column that says which user did something to a row that is not about that user. Internal.';

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
'Takes the personal values of these rows out of the tenant''s audit, whose chain stays valid, and
out of the events about them. Internal.';

create function core.forget_addresses(tenant_id uuid, identifiers jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.forget_addresses(uuid, jsonb) is
'Takes out of the tenant''s audit the personal values of records that once had the person''s e-mail
address or phone number, and have another now, or are deleted. Internal.';

create function core.owners_of(tenant_id uuid) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(array_agg(members.user_id::text), '{}')
    from core.members
    inner join core.role_permissions as granted
        on
            granted.tenant_id = members.role_tenant_id
            and granted.role_id = members.role_id
            and granted.permission = 'core.tenants.own'
    where
        members.tenant_id = owners_of.tenant_id
        and members.status = 'active';
end;

comment on function core.owners_of(uuid) is
'The users who own the tenant: active members whose role says who owns it. Internal.';

create function core.erasure_blockers(tenant_id uuid, identifiers jsonb, held_count bigint)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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
'What v1.erase_person does. Definer, because a person''s data are in tables that clients may not
write; asks for core.privacy.erase itself, and touches rows of that tenant alone. Signed-in users
may call it.';

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
all; as a dry run, unless dry_run is false, only says what it would do: {dry_run, tenant_id,
blockers, operator, tables: [{table, subject, method, columns, rows, reason}], rows}, and once it
is done {erasure_id, digest}, the proof that v1.erasures keeps. A user loses the membership of
this tenant and stays a user. Needs core.privacy.erase in one tenant. Raises
privacy.person_missing (400), privacy.person_unknown (404, also when there is nothing left),
privacy.legal_hold (409), privacy.last_owner (409), tenancy.permission_missing (403), also where
an owner would be erased by who has not core.tenants.own. Signed-in users may call it.';

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
'Proof of what was erased: when, by whom, how many rows of which tables. Whom it was about is there
as hashes: v1.erasures_of finds them. is_intact: whether the digest fits. Needs core.privacy.read.';

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

select core.map_personal(
    'core.erasures.erased_by', 'user.unique_id', 'erased_by is user_id', 'keep',
    'Who decided over personal data must stay known: Art. 5(2) GDPR.'
);
select core.map_not_personal('Counts of rows by table.', 'core.erasures.counts');

revoke all on function
core.erasure_digest(uuid, uuid, timestamptz, bytea[], jsonb),
core.depth_of(oid),
core.erasing_column(text, text, text, text),
core.erasure_steps(),
core.plan_erasure(uuid, jsonb),
core.carry_out(oid, text, jsonb, bytea),
core.forget_traces(uuid, text, jsonb),
core.forget_addresses(uuid, jsonb),
core.owners_of(uuid),
core.erasure_blockers(uuid, jsonb, bigint),
core.erasure_counts(jsonb),
core.erasure_rows(jsonb),
core.carry_out_erasure(uuid, jsonb, jsonb),
core.erase_person(jsonb, boolean),
core.users_without_tenant(),
v1.erase_person(uuid, text, text, boolean),
v1.erasures_of(uuid, text, text)
from public;
grant execute on function
core.erasure_digest(uuid, uuid, timestamptz, bytea[], jsonb),
core.erase_person(jsonb, boolean),
v1.erase_person(uuid, text, text, boolean),
v1.erasures_of(uuid, text, text)
to authenticated, service_role;
grant execute on function core.users_without_tenant() to service_role;
