-- How the audit trail is read, and how reading itself becomes an entry.
--
-- Who may read the trail of a tenant may verify it, keep a checkpoint of it outside, and export it
-- in a form that can be checked without this database. Records marked sensitive are not returned by
-- ordinary reads: v1.open_record returns one, after it has written who opens it and why. It is a
-- function and not a view, because a GET runs read-only and could not write that.

set local lock_timeout = '5s';

create view v1.audit with (security_invoker = true) as
select
    entries.tenant_id,
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
    entries.origin ->> 'address' as address,
    entries.origin ->> 'method' as method,
    entries.origin ->> 'path' as path,
    entries.origin ->> 'request_id' as request_id,
    entries.origin ->> 'user_agent' as user_agent
from core.audit_entries as entries;

comment on view v1.audit is
'The audit trail of your tenants: who did what to which record, and from where. Personal values
stand in it by reference; v1.history shows them. Needs core.audit.read.';

grant select on v1.audit to authenticated, service_role;

create function core.audit_state(tenant_id uuid) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.audit_state(uuid) is
'How far the audit trail of a tenant is sealed: number, hash and time of the newest seal, how many
entries are sealed, how many are not yet and since when. Definer, because nobody is granted the
tables; service_role may call it.';

create function core.own_audit_state() returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return core.audit_state(core.sole_tenant_with('core.audit.read'));
end
$$;

comment on function core.own_audit_state() is
'core.audit_state of the one tenant whose audit the caller may read. Definer for the same reason.
Signed-in users may call it.';

create function v1.audit_checkpoint() returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return core.own_audit_state();
end
$$;

comment on function v1.audit_checkpoint() is
'How far the audit trail of your tenant is sealed: {tenant_id, number, hash, entries, sealed_at,
unsealed, unsealed_since}. Keep it outside of this database, and hand it to v1.verify_audit later:
no one who has the whole database in hand can forge what you hold. Needs core.audit.read.';

create function core.verify_own_audit(checkpoint jsonb) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function core.verify_own_audit(jsonb) is
'core.verify_audit of the one tenant whose audit the caller may read, as JSON with the first 100
findings. Definer, because nobody is granted the tables. Signed-in users may call it.';

create function v1.verify_audit(checkpoint jsonb default null) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return core.verify_own_audit(checkpoint);
end
$$;

comment on function v1.verify_audit(jsonb) is
'Whether the audit trail of your tenant is what was sealed: {ok, findings, findings_total} and what
v1.audit_checkpoint returns. A finding names what was done and where: entry_edited, entry_swapped,
entry_missing, entry_tail_cut, entry_added, value_edited, seal_edited, seal_unlinked, seal_missing,
seals_cut, head_edited, anchor_differs, anchor_missing, anchor_unsealed, checkpoint_differs.
checkpoint: what v1.audit_checkpoint returned once. Needs core.audit.read. Raises
audit.checkpoint_invalid (400).';

create function core.audit_values_of(entry core.audit_entries, is_old boolean) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.audit_values_of(core.audit_entries, boolean) is
'What an entry says of its columns before or after, with the personal values that are not erased.
Internal.';

create function core.own_history(table_name text, record jsonb)
returns table (
    id bigint,
    at timestamptz,
    operation text,
    old jsonb,
    new jsonb,
    event text,
    details jsonb,
    caller_kind text,
    caller_id uuid,
    origin jsonb
)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.own_history(text, jsonb) is
'What v1.history returns. Definer, because nobody is granted personal values. Signed-in users may
call it.';

create function v1.history(table_name text, record jsonb)
returns table (
    id bigint,
    at timestamptz,
    operation text,
    old jsonb,
    new jsonb,
    event text,
    details jsonb,
    caller_kind text,
    caller_id uuid,
    origin jsonb
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return query select * from core.own_history(history.table_name, history.record);
end
$$;

comment on function v1.history(text, jsonb) is
'What happened to one record, oldest first, with the personal values that are not erased. table_name
with its schema, as in v1.audit; record: its id, or its key as an object. Needs core.audit.read.';

create function core.export_own_audit(
    first_at timestamptz, until timestamptz, after bigint, page integer
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.export_own_audit(timestamptz, timestamptz, bigint, integer) is
'What v1.export_audit returns. Definer, because nobody is granted personal values or may write the
trail. Signed-in users may call it.';

create function v1.export_audit(
    "from" timestamptz default null,
    "to" timestamptz default null,
    after bigint default 0,
    page integer default 1000
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.export_own_audit("from", "to", after, page);
end
$$;

comment on function v1.export_audit(timestamptz, timestamptz, bigint, integer) is
'A page of the audit trail of your tenant, from a time to before another, in a form that can be
checked without this database (docs/audit-format.md): entries as lines, and the seals that hold
them. {tenant_id, entries: [{id, seal, line, values}], seals: [{number, hash, text}], next}: ask for
what comes after `next` until it is null. page: how many entries, at most 5,000. Each call is itself
an entry. Needs core.audit.read.';

create table core.sensitive_records (
    tenant_id uuid not null references core.tenants (id),
    table_name text not null,
    record_id uuid not null,
    reason text not null,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, table_name, record_id),
    constraint reason_is_short check (char_length(reason) between 1 and 500)
);
create index sensitive_records_record on core.sensitive_records (table_name, record_id);

comment on table core.sensitive_records is
'Records that ordinary reads do not return: v1.open_record does, and writes down who asked.';

alter table core.sensitive_records enable row level security;

create policy sensitive_records_read on core.sensitive_records for select to authenticated
using (tenant_id = any((select core.tenants_with('core.sensitive.read'))::uuid[]));

grant select on core.sensitive_records to authenticated, service_role;

insert into core.permissions (permission, description) values
('core.sensitive.read', 'Open records that are marked sensitive; each time is recorded.'),
('core.sensitive.write', 'Mark records as sensitive, and take the mark away.');

select core.allow_system_roles(
    array['owner', 'admin'], array['core.sensitive.read', 'core.sensitive.write']
);

insert into core.errors (code, status, message, hint) values
(
    'audit.checkpoint_invalid', 400, 'This is no checkpoint of the tenant''s audit trail.',
    'Send what v1.audit_checkpoint returned for the same tenant.'
),
(
    'sensitive.not_found', 404, 'There is no sensitive record {id} of {table} that you may open.',
    'Compare table and id; a record that is not marked is read as any other.'
),
(
    'sensitive.reason_missing', 400, 'A sensitive record is opened for a reason, in words.',
    'Say in reason why you open it, in up to 500 characters.'
);

create function core.has_sensitive(table_name text) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from core.sensitive_records
        where sensitive_records.table_name = has_sensitive.table_name
    );
end
$$;

comment on function core.has_sensitive(text) is
'Whether any record of the table is marked sensitive: where none is, policies ask no further.
Definer, because policies ask it for every caller. Signed-in users may call it.';

create function core.is_withheld(table_name text, tenant_id uuid, record_id uuid) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.is_withheld(text, uuid, uuid) is
'Whether a record is marked sensitive and not being opened by v1.open_record right now. Definer,
because policies ask it for every caller. Signed-in users may call it.';

create function core.guard_sensitive(guarded regclass) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function core.guard_sensitive(regclass) is
'Keeps records of a table that are marked sensitive from ordinary reads. The table has the columns
tenant_id and id, both uuid, and row level security. For the migration that makes it. Owner only.';

create function core.mark_sensitive(
    marked regclass, id uuid, reason text, sensitive boolean default true
)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function core.mark_sensitive(regclass, uuid, text, boolean) is
'Marks a record as sensitive, or takes the mark away; an entry says so. Needs core.sensitive.write
in the record''s tenant. Raises sensitive.not_found (404) and sensitive.reason_missing (400).
Definer, because it writes what nobody is granted. Signed-in users may call it.';

create function v1.mark_sensitive(
    table_name text, id uuid, reason text, sensitive boolean default true
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    marked constant regclass := core.relation_named(table_name);
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

comment on function v1.mark_sensitive(text, uuid, text, boolean) is
'Marks a record as sensitive, so that reads do not return it any more and v1.open_record alone does;
with sensitive false takes the mark away. table_name with its schema, as in v1.audit. Needs
core.sensitive.write. Raises sensitive.not_found (404) and sensitive.reason_missing (400).';

create function core.begin_sensitive_read(
    table_name text, id uuid, reason text, out opened regclass, out tenant_id uuid
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    allowed constant uuid[] := core.tenants_with('core.sensitive.read');
    name text;
begin
    if coalesce(char_length(trim(reason)), 0) not between 1 and 500 then
        perform core.fail('sensitive.reason_missing');
    end if;
    opened := core.relation_named(table_name);
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

comment on function core.begin_sensitive_read(text, uuid, text) is
'Writes down who opens a sensitive record and why, and lets it be read until v1.open_record has read
it. Definer, because nobody may write the trail. Signed-in users may call it.';

create function core.without_hidden_fields(record jsonb, relation regclass, tenant_id uuid)
returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.without_hidden_fields(jsonb, regclass, uuid) is
'The record with null for the fields that the caller''s role is kept from (core.guard_fields).
Definer, because it reads how the table is guarded. Signed-in users may call it.';

create function v1.open_record(table_name text, id uuid, reason text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function v1.open_record(text, uuid, text) is
'Returns a record that is marked sensitive, after it has written down who opened it and why.
table_name with its schema, as in v1.audit. Needs core.sensitive.read besides what the table itself
needs. Raises sensitive.not_found (404) and sensitive.reason_missing (400).';

revoke all on function
core.audit_state(uuid),
core.own_audit_state(),
v1.audit_checkpoint(),
core.verify_own_audit(jsonb),
v1.verify_audit(jsonb),
core.audit_values_of(core.audit_entries, boolean),
core.own_history(text, jsonb),
v1.history(text, jsonb),
core.export_own_audit(timestamptz, timestamptz, bigint, integer),
v1.export_audit(timestamptz, timestamptz, bigint, integer),
core.has_sensitive(text),
core.is_withheld(text, uuid, uuid),
core.guard_sensitive(regclass),
core.mark_sensitive(regclass, uuid, text, boolean),
v1.mark_sensitive(text, uuid, text, boolean),
core.begin_sensitive_read(text, uuid, text),
core.without_hidden_fields(jsonb, regclass, uuid),
v1.open_record(text, uuid, text)
from public;
grant execute on function
core.own_audit_state(),
v1.audit_checkpoint(),
core.verify_own_audit(jsonb),
v1.verify_audit(jsonb),
core.own_history(text, jsonb),
v1.history(text, jsonb),
core.export_own_audit(timestamptz, timestamptz, bigint, integer),
v1.export_audit(timestamptz, timestamptz, bigint, integer),
core.has_sensitive(text),
core.is_withheld(text, uuid, uuid),
core.mark_sensitive(regclass, uuid, text, boolean),
v1.mark_sensitive(text, uuid, text, boolean),
core.begin_sensitive_read(text, uuid, text),
core.without_hidden_fields(jsonb, regclass, uuid),
v1.open_record(text, uuid, text)
to authenticated, service_role;
grant execute on function core.audit_state(uuid) to service_role;

select core.audit('core.sensitive_records');
