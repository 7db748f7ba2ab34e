-- Whatever is done to the audit trail after it was sealed is found, and said where: by somebody who
-- owns the tables and has switched the triggers off.
begin;
-- Before other tests write entries: the triggers are switched off further down.
lock table core.audit_entries in share row exclusive mode;
\ir ../support/fixtures.sql
select plan(64);

-- Another session may be sealing right now: then this one is asked again.
create function pg_temp.seal() returns bigint
language plpgsql
as $$
declare
    sealed record;
    total bigint := 0;
begin
    for attempt in 1..200 loop
        select * into sealed from core.seal_audit();
        total := total + sealed.entries;
        if sealed.done then
            return total;
        end if;
        perform pg_sleep(0.05);
    end loop;
    raise 'nobody lets this session seal';
end
$$;

create table pg_temp.marks (place bigint, id bigint);

-- Findings as lines: what, which of the entries of acme from the first, which seal.
create function pg_temp.findings(tenant uuid, checkpoint jsonb default null) returns text[]
language sql
as $$
    select coalesce(array_agg(concat_ws(' ',
        found.finding, 'entry ' || (marks.place)::text, 'seal ' || found.seal_number,
        'and ' || other.place, found.details ->> 'known_from', found.details ->> 'column'
    ) order by found.ordinality), '{}')
    from core.verify_audit(tenant, checkpoint)
        with ordinality as found (finding, entry_id, seal_number, details, ordinality)
    left join pg_temp.marks on marks.id = found.entry_id
    left join pg_temp.marks as other on other.id = (found.details ->> 'other_entry_id')::bigint
$$;

-- What happens in a test is undone after it: findings of what was done to the tables.
create function pg_temp.after(tampering text, checkpoint jsonb default null) returns text[]
language plpgsql
as $$
declare
    found text[];
begin
    begin
        execute tampering;
        found := pg_temp.findings('00000000-0000-4000-a000-000000000002', checkpoint);
        raise exception 'undo' using errcode = 'ZZ001';
    exception
        when sqlstate 'ZZ001' then
            return found;
    end;
end
$$;

create table public.orders (
    tenant_id uuid, id integer, title text, email text, primary key (tenant_id, id)
);
create or replace function core.personal_columns(audited regclass) returns text[]
language sql stable set search_path = pg_catalog, pg_temp
return array['email'];
select core.audit('public.orders');
select pg_temp.seal();

create function pg_temp.order_all(
    tenant uuid, first integer, last integer, with_email integer[] default '{}'
)
returns void
language sql
as $$
    insert into public.orders
    select tenant, place, 'order ' || place, case when place = any(with_email) then 'a@example.com' end
    from generate_series(first, last) as place
$$;

-- Three seals of acme, of five, four and three entries; then two that are not sealed.
select pg_temp.order_all(:acme, 1, 5, '{1}');
select is(
    (core.audit_state(:acme) ->> 'unsealed')::integer, 5, 'what was just written is not sealed yet'
);
select is(pg_temp.seal(), 5::bigint, 'a run seals what is there');
select pg_temp.order_all(:acme, 6, 9, '{8,9}');
select pg_temp.order_all(:rival, 1, 3);
select is(pg_temp.seal(), 7::bigint, 'of every tenant');
select pg_temp.order_all(:acme, 10, 12);
select is(pg_temp.seal(), 3::bigint, 'and the next run what came after');
select pg_temp.order_all(:acme, 13, 14);

insert into pg_temp.marks
select
    row_number() over (order by id),
    id
from core.audit_entries where tenant_id = :acme and table_name = 'public.orders';

create temporary table checkpoint as select core.audit_state(:acme) as value;
select results_eq(
    $$
        select
            (value ->> 'number')::bigint - 2,
            (value ->> 'unsealed')::integer,
            (value ->> 'unsealed_since')::timestamptz is not null
        from pg_temp.checkpoint
    $$,
    $$
        select number - 2, 2, true from core.audit_heads
        where tenant_id = '00000000-0000-4000-a000-000000000002'
    $$,
    'the state says how far the trail is sealed and what is not'
);
select is(pg_temp.findings(:acme), '{}'::text[], 'what nobody has touched is as it was');
select is(pg_temp.findings(:rival), '{}'::text[], 'at every tenant');
select is(pg_temp.findings(core.platform_tenant_id()), '{}'::text[], 'and at the platform');
select is(
    pg_temp.findings(:acme, (select value from pg_temp.checkpoint)), '{}'::text[],
    'a checkpoint of it agrees'
);

-- The numbers of the three seals, whatever was sealed of the fixtures before.
select
    number - 2 as one,
    number - 1 as two,
    number as three
from core.audit_heads where tenant_id = :acme \gset

alter table core.audit_entries disable trigger user;
alter table core.audit_seals disable trigger user;
alter table core.audit_heads disable trigger user;
alter table core.audit_anchors disable trigger user;
alter table core.audit_values disable trigger user;

create function pg_temp.id(place bigint) returns bigint
language sql
return (select marks.id from pg_temp.marks where marks.place = id.place);

-- Edits: every column.
select
    is(
        pg_temp.after(format(
            'update core.audit_entries set %s where id = pg_temp.id(3)', edit.assignment
        )),
        array[format('entry_edited entry 3 seal %s', :one)],
        'an edit is found: ' || edit.assignment
    )
from unnest(array[
    $$at = at + interval '1 microsecond'$$,
    $$operation = 'update'$$,
    $$table_name = 'public.other'$$,
    $$key = '{"id": 4}'$$,
    $$new = new || '{"title": "forged"}'$$,
    $$new = new - 'title'$$,
    $$old = '{}'$$,
    $$event = 'x'$$,
    $$details = '{}'$$,
    $$caller_kind = 'user'$$,
    $$caller_id = '00000000-0000-4000-8000-000000000001'$$,
    $$origin = '{}'$$
]) as edit (assignment);
select is(
    pg_temp.after($$
        update core.audit_entries set new = '{"title": "forged"}'
        where id in (pg_temp.id(2), pg_temp.id(7), pg_temp.id(12))
    $$),
    array[
        format('entry_edited entry 2 seal %s', :one),
        format('entry_edited entry 7 seal %s', :two),
        format('entry_edited entry 12 seal %s', :three)
    ],
    'edits of several are found one by one'
);

-- Swaps: of contents, within a seal and between two.
create function pg_temp.swap(one bigint, other bigint) returns text
language sql
return format($$
    update core.audit_entries as entries
    set at = source.at, key = source.key, new = source.new
    from core.audit_entries as source
    where (entries.id, source.id) in ((%1$s, %2$s), (%2$s, %1$s))
$$, pg_temp.id(one), pg_temp.id(other));
select is(
    pg_temp.after(pg_temp.swap(2, 4)),
    array[
        format('entry_swapped entry 2 seal %s and 4', :one),
        format('entry_swapped entry 4 seal %s and 2', :one)
    ],
    'two that have changed places are found, both'
);
select is(
    pg_temp.after(pg_temp.swap(2, 12)),
    array[
        format('entry_swapped entry 2 seal %s and 12', :one),
        format('entry_swapped entry 12 seal %s and 2', :three)
    ],
    'also when they are of different seals'
);
select is(
    pg_temp.after($$
        update core.audit_entries set id = 10 * (select max(id) from core.audit_entries) - id
        where id in (pg_temp.id(2), pg_temp.id(4))
    $$),
    array[
        format('entry_missing entry 2 seal %s', :one), format('entry_missing entry 4 seal %s', :one)
    ],
    'what is renamed is missing under its name'
);

-- Deletions.
select is(
    pg_temp.after('delete from core.audit_entries where id = pg_temp.id(3)'),
    array[format('entry_missing entry 3 seal %s', :one)],
    'a deletion in the middle is found'
);
select is(
    pg_temp.after(
        'delete from core.audit_entries where id between pg_temp.id(4) and pg_temp.id(7)'
    ),
    array[
        format('entry_missing entry 4 seal %s', :one),
        format('entry_missing entry 5 seal %s', :one),
        format('entry_missing entry 6 seal %s', :two), format('entry_missing entry 7 seal %s', :two)
    ],
    'and of several, over the border of two seals'
);
select is(
    pg_temp.after($$
        delete from core.audit_entries where tenant_id = '00000000-0000-4000-a000-000000000002'
            and id >= pg_temp.id(11)
    $$),
    array[
        format('entry_tail_cut entry 11 seal %s', :three),
        format('entry_tail_cut entry 12 seal %s', :three)
    ],
    'a cut tail of entries is found'
);
select is(
    (select count(*) from unnest(pg_temp.after($$
        delete from core.audit_entries where tenant_id = '00000000-0000-4000-a000-000000000002'
    $$)) as finding where finding ~ '^entry_tail_cut'),
    (
        select sum(entries) from core.audit_seals where tenant_id = :acme
    )::bigint,
    'and of all there is'
);

-- The tail at three depths.
select format(
    $$delete from core.audit_entries where tenant_id = %1$L and id >= pg_temp.id(10);
    delete from core.audit_seals where tenant_id = %1$L and number = %2$s;$$,
    :acme, :three
) as cut_two \gset
select is(
    pg_temp.after(:'cut_two'),
    array[format('seals_cut seal %s head', :three), format('seals_cut seal %s anchor', :three)],
    'cut off with their seal, they are missed by the head'
);
select format(
    $$%s; update core.audit_heads as heads set number = seals.number, hash = seals.hash
    from core.audit_seals as seals
    where heads.tenant_id = %L and seals.tenant_id = heads.tenant_id and seals.number = %s$$,
    :'cut_two', :acme, :two
) as cut_three \gset
select is(
    pg_temp.after(:'cut_three'), array[format('seals_cut seal %s anchor', :three)],
    'cut off with seal and head, they are missed by what the platform vouches for'
);
select is(
    pg_temp.after(format(
        $$%s; delete from core.audit_anchors where tenant_id = %L and number = %s$$,
        :'cut_three', :acme, :three
    )),
    '{}'::text[],
    'cut off with the anchor, too, nothing of the tenant tells'
);
select is(
    pg_temp.after(
        format(
            $$%s; delete from core.audit_anchors where tenant_id = %L and number = %s$$,
            :'cut_three', :acme, :three
        ),
        (select value from pg_temp.checkpoint)
    ),
    array[format('seals_cut seal %s checkpoint', :three)],
    'but a checkpoint that was kept outside does'
);
create function pg_temp.platform_after(tampering text) returns text[]
language plpgsql
as $$
declare
    found text[];
begin
    begin
        execute tampering;
        select array_agg(distinct finding) into found
        from core.verify_audit(core.platform_tenant_id());
        raise exception 'undo' using errcode = 'ZZ001';
    exception
        when sqlstate 'ZZ001' then
            return found;
    end;
end
$$;
select is(
    pg_temp.platform_after(format(
        $$%s; delete from core.audit_anchors where tenant_id = %L and number = %s$$,
        :'cut_three', :acme, :three
    )),
    array['seal_edited'], 'and the chain of the platform, whose seal held the anchor'
);
select is(
    (pg_temp.after($$
        delete from core.audit_seals where tenant_id = '00000000-0000-4000-a000-000000000002';
        delete from core.audit_heads where tenant_id = '00000000-0000-4000-a000-000000000002';
        delete from core.audit_entries where tenant_id = '00000000-0000-4000-a000-000000000002';
    $$))[1],
    'seals_cut seal 1 anchor', 'a trail that has vanished as a whole is missed'
);

-- Seals.
select
    is(
        pg_temp.after(format(
            'update core.audit_seals set %s where tenant_id = %L and number = %s',
            edit.assignment, :acme, :two
        )),
        edit.findings,
        'an edited seal is found: ' || edit.assignment
    )
from (
    values
    ($$sealed_at = sealed_at + interval '1 second'$$, array[format('seal_edited seal %s', :two)]),
    (
        $$digests = sha256('x') || substring(digests from 33)$$,
        array[format('seal_edited seal %s', :two), format('entry_edited entry 6 seal %s', :two)]
    ),
    (
        $$previous = sha256('x')$$,
        array[format('seal_unlinked seal %s', :two), format('seal_edited seal %s', :two)]
    ),
    (
        $$hash = sha256('x')$$,
        array[
            format('anchor_differs seal %s anchor', :two),
            format('seal_edited seal %s', :two), format('seal_unlinked seal %s', :three)
        ]
    )
) as edit (assignment, findings);
select is(
    pg_temp.after(format(
        'delete from core.audit_seals where tenant_id = %L and number = %s', :acme, :two
    )),
    array[
        format('seals_cut seal %s anchor', :two), format('seal_missing seal %s', :three),
        'entry_added entry 6', 'entry_added entry 7', 'entry_added entry 8', 'entry_added entry 9'
    ],
    'a seal that is gone from the middle is missed'
);
select is(
    pg_temp.after(format(
        $$
            update core.audit_entries set new = '{"title": "forged"}' where id = pg_temp.id(12);
            update core.audit_seals as seals set digests = forged.digests
            from (
                select string_agg(
                    sha256(convert_to(core.audit_line(entries), 'UTF8')), ''::bytea order by id
                ) as digests
                from core.audit_entries as entries
                where id between pg_temp.id(10) and pg_temp.id(12) and tenant_id = %1$L
            ) as forged
            where seals.tenant_id = %1$L and seals.number = %2$s;
            update core.audit_seals as seals
            set hash = sha256(convert_to(core.audit_seal_text(seals), 'UTF8'))
            where seals.tenant_id = %1$L and seals.number = %2$s;
            update core.audit_heads as heads set hash = seals.hash
            from core.audit_seals as seals
            where heads.tenant_id = %1$L and seals.tenant_id = %1$L and seals.number = %2$s
        $$, :acme, :three
    )),
    array[format('anchor_differs seal %s anchor', :three)],
    'an entry that is forged with its seal and head contradicts the anchor'
);
select is(
    pg_temp.after(
        format(
            $$delete from core.audit_anchors where tenant_id = %L and number = %s$$, :acme, :three
        )
    ),
    array[format('anchor_missing seal %s', :three)], 'an anchor that is gone is missed'
);

-- What was put in.
select is(
    (pg_temp.after($$
        insert into pg_temp.marks values (99, -5);
        insert into core.audit_entries (id, tenant_id, operation, caller_kind)
        values (-5, '00000000-0000-4000-a000-000000000002', 'event', 'system')
    $$)),
    array['entry_added entry 99'], 'an entry that was put where all is sealed is found'
);

-- Personal values.
select is(
    pg_temp.after($$
        update core.audit_values set new = '"x@example.com"' where entry_id = pg_temp.id(1)
    $$),
    array['value_edited entry 1 email'], 'a personal value that was edited is found'
);
select is(
    core.erase_audit_values(:acme, 'public.orders', '{"id": 1}'), 1::bigint,
    'personal values of a record are erased'
);
select is(pg_temp.findings(:acme), '{}'::text[], 'which leaves the trail valid');
select is(
    (
        select array_agg(details) from core.audit_entries
        where tenant_id = :acme and event = 'audit.values_erased'
    ),
    array['{"values": 1}'::jsonb], 'and is itself an entry'
);
select is(
    (
        select count(*)
        from core.audit_values
        inner join core.audit_entries as entries
            on entries.tenant_id = audit_values.tenant_id and entries.id = audit_values.entry_id
        where entries.tenant_id = :acme and entries.table_name = 'public.orders'
    ), 2::bigint,
    'values of other records stay'
);

-- The rest of the life of a chain.
select ok(pg_temp.seal() >= 3, 'what was not sealed is');
select is(
    (core.audit_state(:acme) ->> 'unsealed')::integer, 0, 'and then nothing is left'
);
select is(pg_temp.seal(), 0::bigint, 'a run that finds nothing makes no seal');
select is(
    pg_temp.findings(:acme, (select value from pg_temp.checkpoint)), '{}'::text[],
    'an older checkpoint agrees with what has grown since'
);
select is(
    (
        select count(*) from core.audit_entries as entries
        where (
            select count(*) from core.audit_seals as seals
            where seals.tenant_id = entries.tenant_id and entries.id = any(seals.ids)
        ) <> 1
        and entries.at >= now()
    ),
    0::bigint, 'every entry is in one seal'
);

-- Who is told what.
:as_ada
select is(v1.verify_audit() -> 'ok', 'true', 'an owner verifies the trail of the tenant');
select is(
    v1.verify_audit(v1.audit_checkpoint()) ->> 'findings_total', '0', 'with a checkpoint, too'
);
select is(
    pg_temp.code_of($$select v1.verify_audit('{"number": 1, "hash": "00"}')$$),
    'audit.checkpoint_invalid', 'what is no checkpoint is refused'
);

-- An export can be checked by itself.
create temporary table exported as select v1.export_audit(page => 5000) as value;
:as_owner
select is_empty(
    $$
        select entry.value ->> 'id'
        from pg_temp.exported, jsonb_array_elements(exported.value -> 'entries') as entry
        inner join jsonb_array_elements(exported.value -> 'seals') as seal
            on seal.value -> 'number' = entry.value -> 'seal'
        where position(
            format(
                E'entry %s %s\n', entry.value ->> 'id',
                encode(sha256(convert_to(entry.value ->> 'line', 'UTF8')), 'hex')
            ) in seal.value ->> 'text'
        ) = 0
    $$,
    'each exported line has the digest that its seal''s text names'
);
select is_empty(
    $$
        select seal.value from pg_temp.exported,
            jsonb_array_elements(exported.value -> 'seals') as seal
        where
            encode(sha256(convert_to(seal.value ->> 'text', 'UTF8')), 'hex')
            <> seal.value ->> 'hash'
    $$,
    'and each seal''s text has its hash'
);
select is(
    (
        select count(*) from core.audit_entries
        where tenant_id = :acme and event = 'audit.exported'
    ),
    1::bigint, 'an export is a security event'
);

-- A month that is over.
select core.add_audit_partition('2025-01-01 00:00Z');
insert into core.audit_entries (tenant_id, at, operation, caller_kind, event)
values (:acme, '2025-01-15 00:00Z', 'event', 'system', 'x.old');
alter table core.audit_entries enable trigger user;
select is(
    pg_temp.code_of($$select core.drop_audit_month('2025-01-20 00:00Z')$$),
    'audit.month_not_sealed', 'a month is not dropped before it is sealed'
);
select is(
    pg_temp.code_of('select core.drop_audit_month(now())'),
    'audit.month_not_over', 'nor before it is over'
);
select pg_temp.seal();
select is(core.drop_audit_month('2025-01-20 00:00Z'), 1::bigint, 'then it is, as a whole');
select is(pg_temp.findings(:acme), '{}'::text[], 'and is not missed');
alter table core.audit_entries disable trigger user;
select is(
    (pg_temp.after($$delete from core.audit_entries where event = 'audit.month_dropped'$$))[1],
    (
        select 'entry_tail_cut seal ' || (max(number) - 1)
        from core.audit_seals where tenant_id = :acme
    ),
    'unless the entry that says so is gone'
);

select * from finish();
rollback;
