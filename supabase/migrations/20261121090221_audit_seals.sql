-- What makes the audit trail evident to tampering: seals, each with the hash of the one before.
--
-- Right after the commit a sealer takes the entries that are not sealed yet and appends a seal per
-- tenant and month: their ids and digests. Then it anchors the new end of every chain in a seal of
-- the platform's own chain, so that who cuts a tenant's entries, seals and head together is still
-- found. Writers wait for nobody, and nobody for a writer: an entry that commits late is in a later
-- seal. All formats are in docs/audit-format.md.

set local lock_timeout = '5s';

create table core.audit_seals (
    tenant_id uuid not null,
    number bigint not null,
    month timestamptz not null,
    entries integer not null,
    ids bigint[] not null,
    digests bytea not null,
    previous bytea not null,
    hash bytea not null,
    sealed_at timestamptz not null,
    primary key (tenant_id, number),
    constraint previous_is_a_digest check (octet_length(previous) = 32),
    constraint hash_is_a_digest check (octet_length(hash) = 32)
);
-- Digests cannot be compressed.
alter table core.audit_seals alter column digests set storage external;

comment on table core.audit_seals is
'The chain of each tenant: what its entries were when they were sealed. Append-only. Seals stay when
a month of entries is dropped, so that the chain can be followed from its beginning.';
comment on column core.audit_seals.month is 'When the month of UTC began in which the entries are.';
comment on column core.audit_seals.ids is 'The ids of the entries, ascending.';
comment on column core.audit_seals.digests is 'SHA-256 of each entry''s line, 32 bytes each.';
comment on column core.audit_seals.previous is 'The hash of the seal before; zeros for the first.';
comment on column core.audit_seals.hash is 'SHA-256 of the seal''s text.';

create table core.audit_heads (
    tenant_id uuid primary key,
    number bigint not null,
    hash bytea not null,
    entries bigint not null
);

comment on table core.audit_heads is 'The newest seal of each tenant. Only ever moves on.';
comment on column core.audit_heads.entries is 'How many entries of the tenant are sealed.';

create table core.audit_anchors (
    tenant_id uuid not null,
    number bigint not null,
    hash bytea not null,
    platform_number bigint not null,
    primary key (tenant_id, number)
);
create index audit_anchors_platform_number on core.audit_anchors (platform_number);

comment on table core.audit_anchors is
'Ends that chains of tenants had, as seals of the platform vouch for them. Append-only.';
comment on column core.audit_anchors.platform_number is
'The platform''s seal that holds the anchor.';

create table core.audit_progress (
    tenant_id uuid primary key default core.platform_tenant_id(),
    sealed_up_to bigint not null default 0,
    open_ids bigint[] not null default '{}',
    constraint there_is_one check (tenant_id = '00000000-0000-0000-0000-000000000000')
);

comment on table core.audit_progress is 'How far sealing has come: one row, of the platform.';
comment on column core.audit_progress.sealed_up_to is
'Every entry up to this id is sealed, or its id is among open_ids.';
comment on column core.audit_progress.open_ids is
'Ids that had been given but not committed: of transactions still open then, or rolled back.';

insert into core.audit_progress default values;

alter table core.audit_seals enable row level security;
alter table core.audit_heads enable row level security;
alter table core.audit_anchors enable row level security;
alter table core.audit_progress enable row level security;

create policy audit_seals_read on core.audit_seals for select to authenticated
using (tenant_id = any((select core.tenants_with('core.audit.read'))::uuid[]));

create policy audit_heads_read on core.audit_heads for select to authenticated
using (tenant_id = any((select core.tenants_with('core.audit.read'))::uuid[]));

create policy audit_anchors_read on core.audit_anchors for select to authenticated
using (tenant_id = any((select core.tenants_with('core.audit.read'))::uuid[]));

create policy audit_progress_read on core.audit_progress for select to authenticated
using (tenant_id = any((select core.tenants_with('core.audit.read'))::uuid[]));

grant select on core.audit_seals, core.audit_heads, core.audit_anchors, core.audit_progress
to service_role;

create function core.refuse_head_to_return() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if tg_op <> 'UPDATE' or new.tenant_id <> old.tenant_id or new.number <= old.number then
        perform core.fail('audit.append_only');
    end if;
    return new;
end
$$;

comment on function core.refuse_head_to_return() is
'Trigger of core.audit_heads: a chain only ever moves on. Raises audit.append_only (403).';

create trigger audit_is_append_only before update or delete on core.audit_seals
for each row execute function core.refuse_audit_change();
create trigger audit_is_not_truncated before truncate on core.audit_seals
for each statement execute function core.refuse_audit_change();
create trigger audit_is_append_only before update or delete on core.audit_anchors
for each row execute function core.refuse_audit_change();
create trigger audit_is_not_truncated before truncate on core.audit_anchors
for each statement execute function core.refuse_audit_change();
create trigger head_moves_on before update or delete on core.audit_heads
for each row execute function core.refuse_head_to_return();
create trigger audit_is_not_truncated before truncate on core.audit_heads
for each statement execute function core.refuse_audit_change();

create function core.month_after(month timestamptz) returns timestamptz
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return (month at time zone 'UTC' + interval '1 month') at time zone 'UTC';

comment on function core.month_after(timestamptz) is 'When the next month of UTC begins. Internal.';

create function core.settled_id(
    written regclass, ids regclass, except_for integer default null
)
returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.settled_id(regclass, regclass, integer) is
'The id up to which every row of the table has either committed or will never exist, or null when a
writer did not end within a second: ids come from a sequence, before the commit. except_for: who
holds an advisory lock with this first key writes no new row. Internal.';

create function core.audit_line(entry core.audit_entries) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    return tenon.audit_line(
        entry.tenant_id, entry.at, entry.operation, entry.table_name, entry.key, entry.old,
        entry.new, entry.event, entry.details, entry.caller_kind, entry.caller_id, entry.origin
    );
end
$$;

comment on function core.audit_line(core.audit_entries) is
'The canonical form of an entry; its SHA-256 is the entry''s digest. Internal.';

create function core.audit_seal_text(seal core.audit_seals) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.audit_seal_text(core.audit_seals) is
'The canonical form of a seal; its SHA-256 is the seal''s hash. Internal.';

create function core.append_audit_seal(
    tenant_id uuid, month timestamptz, ids bigint[], digests bytea
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.append_audit_seal(uuid, timestamptz, bigint[], bytea) is
'Appends a seal to the chain of a tenant. The caller holds the sealers'' lock. Internal.';

create function core.audit_seal_entries_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 5000;

comment on function core.audit_seal_entries_max() is
'How many ids sealing takes at once, and thereby the longest seal: 200 kB. Internal.';

create function core.seal_audit(budget interval default '5 seconds')
returns table (entries bigint, seals bigint, done boolean)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
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

comment on function core.seal_audit(interval) is
'Seals the entries that have been committed and are not sealed yet, for about as long as the budget
says, and anchors the ends of the chains with the platform. Says how many entries, in how many
seals, and whether that was all; nothing where another session is at it. One transaction: what is
killed has sealed nothing. Definer, because nobody may write the trail; service_role may call it.';

create function core.unsealed_audit_entries(tenant_id uuid)
returns setof core.audit_entries
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.unsealed_audit_entries(uuid) is
'The entries of a tenant that are not sealed yet. Definer, because it reads how far sealing has
come; internal.';

create function core.audit_month_key(month timestamptz) returns jsonb
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return jsonb_build_object('month', to_char(month at time zone 'UTC', 'YYYY-MM'));

comment on function core.audit_month_key(timestamptz) is
'The key under which the trail says that a month of it was dropped. Internal.';

create function core.audit_cut_months(tenant_id uuid) returns timestamptz[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.audit_cut_months(uuid) is
'The months whose entries core.drop_audit_month has dropped, as the tenant''s chain says.
Internal.';

create function core.verify_audit_chain(tenant_id uuid, checkpoint jsonb)
returns table (finding text, entry_id bigint, seal_number bigint, details jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.verify_audit_chain(uuid, jsonb) is
'What a chain of seals lacks in comparison with its head, with what the platform vouches for, and
with a checkpoint that was kept outside. Internal.';

create function core.verify_audit_values(tenant_id uuid)
returns table (finding text, entry_id bigint, seal_number bigint, details jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.verify_audit_values(uuid) is
'The personal values that are not those their entries refer to. Erased ones are not missed.
Internal.';

create function core.verify_audit_seals(tenant_id uuid)
returns table (finding text, entry_id bigint, seal_number bigint, details jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.verify_audit_seals(uuid) is
'The seals of a chain that were edited, that do not follow from the one before, or that come after
some that are gone. Internal.';

create function core.verify_audit_entries(tenant_id uuid)
returns table (finding text, entry_id bigint, seal_number bigint, details jsonb)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.verify_audit_entries(uuid) is
'The entries of a tenant that are not what was sealed. Internal.';

create function core.verify_audit(tenant_id uuid, checkpoint jsonb default null)
returns table (finding text, entry_id bigint, seal_number bigint, details jsonb)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
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

comment on function core.verify_audit(uuid, jsonb) is
'What has been done to the audit trail of a tenant since it was sealed; no row when nothing was.
finding: entry_edited, entry_swapped, entry_missing, entry_tail_cut, entry_added, value_edited,
seal_edited, seal_unlinked, seal_missing, seals_cut, head_edited, anchor_differs, anchor_missing,
anchor_unsealed, checkpoint_differs. checkpoint: what v1.audit_checkpoint() once returned. The
platform''s own chain vouches for the others: verify it too. Definer, because it reads what nobody
is granted; service_role may call it.';

create function core.add_audit_partition(month timestamptz) returns boolean
language plpgsql set search_path = pg_catalog, pg_temp
as $$
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
    -- Who has found the default partition for an entry of this month, and waits there for us, would
    -- be refused: they wait here, and look again.
    if month <= now() then
        lock table core.audit_entries in share row exclusive mode;
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
$$;

comment on function core.add_audit_partition(timestamptz) is
'Makes the partition of core.audit_entries for the month that begins then; false if it is there.
Nobody is granted a partition itself. Internal.';

create function core.keep_audit(budget interval default '5 seconds') returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.keep_audit(interval) is
'What has to be done for the audit again and again: sealing, partitions of the months to come, and
triggers of tables that have changed. Definer, because it works for every tenant and owns the
tables; service_role may call it.';

create function core.drop_audit_month(month timestamptz) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
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

comment on function core.drop_audit_month(timestamptz) is
'Drops the entries of the month of UTC that holds the time, and their personal values; says how
many. The seals stay, and each tenant''s chain gets an entry about it with its head at the time, from
which core.verify_audit knows that these entries are not missing. Raises audit.month_not_over and
audit.month_not_sealed (409). Definer, because nobody may change the trail; for the operator:
service_role may call it.';

insert into core.errors (code, status, message, hint) values
(
    'audit.month_not_over', 409, 'The month of {month} is not over.',
    'Drop months of the audit trail that have ended.'
),
(
    'audit.month_not_sealed', 409, 'The month of {month} has entries that are not sealed.',
    'Call core.seal_audit() and try again.'
);

revoke all on function
core.refuse_head_to_return(),
core.month_after(timestamptz),
core.settled_id(regclass, regclass, integer),
core.audit_line(core.audit_entries),
core.audit_seal_text(core.audit_seals),
core.append_audit_seal(uuid, timestamptz, bigint[], bytea),
core.audit_seal_entries_max(),
core.seal_audit(interval),
core.unsealed_audit_entries(uuid),
core.audit_month_key(timestamptz),
core.audit_cut_months(uuid),
core.verify_audit_chain(uuid, jsonb),
core.verify_audit_values(uuid),
core.verify_audit_seals(uuid),
core.verify_audit_entries(uuid),
core.verify_audit(uuid, jsonb),
core.add_audit_partition(timestamptz),
core.keep_audit(interval),
core.drop_audit_month(timestamptz)
from public;
grant execute on function
core.seal_audit(interval),
core.verify_audit(uuid, jsonb),
core.keep_audit(interval),
core.drop_audit_month(timestamptz)
to service_role;
