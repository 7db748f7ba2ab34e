-- Every write of custom values is checked, and what is unique or indexed is kept apart.
--
-- A trigger before each row asks the domain; triggers after each statement bring core.custom_values
-- in step. Whoever writes shares a lock of the tenant and object with others who write, until they
-- commit; whoever defines fields has it alone.

set local lock_timeout = '5s';

create function core.custom_fields_max() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 200;

comment on function core.custom_fields_max() is
'How many custom fields an object of a tenant may have, the archived ones included: what a form and
a check of every write can bear. Internal.';

create function core.custom_values_at_once() returns integer
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return 5000;

comment on function core.custom_values_at_once() is
'Up to how many records have their values gathered by the request that asks for it, and not by a
job: some hundred milliseconds. Internal.';

create function core.custom_fields_lock(tenant_id uuid, object text) returns bigint
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    return hashtextextended('custom fields ' || object || tenant_id, 0);
end
$$;

comment on function core.custom_fields_lock(uuid, text) is
'The advisory lock that writers of custom values share, and that who defines fields has alone.
Internal.';

create function core.lock_custom_fields(tenant_id uuid, object text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if current_setting('transaction_isolation') <> 'read committed' then
        raise exception 'custom fields are defined in transactions of read committed'
            using
                errcode = 'active_sql_transaction',
                detail = 'An older snapshot would not show what others have written.';
    end if;
    perform pg_advisory_xact_lock(core.custom_fields_lock(tenant_id, object));
end
$$;

comment on function core.lock_custom_fields(uuid, text) is
'Waits for all who write values of the object''s custom fields, and keeps others from it until the
transaction ends. Internal.';

create function core.share_custom_fields(tenant_id uuid, object text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform pg_advisory_xact_lock_shared(core.custom_fields_lock(tenant_id, object));
    if current_setting('transaction_isolation') <> 'read committed' then
        -- Whoever goes by a snapshot that is older than the definitions is refused with 40001.
        insert into core.custom_field_sets (tenant_id, object)
        values (share_custom_fields.tenant_id, share_custom_fields.object)
        on conflict on constraint custom_field_sets_pkey do nothing;
    end if;
end
$$;

comment on function core.share_custom_fields(uuid, text) is
'Waits for who defines fields of the object, and keeps others from it until the transaction ends,
together with all who write values. What is asked after it is as it was defined last. Internal.';

create function core.object_with_custom_fields(object text) returns core.objects
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
begin
    if not known.has_custom_fields then
        perform core.fail('field.object_closed', jsonb_build_object('object', known.object));
    end if;
    return known;
end
$$;

comment on function core.object_with_custom_fields(text) is
'The object of this name. Raises record.object_unknown (400) and field.object_closed (400).
Internal.';

create function core.compile_custom_fields(tenant_id uuid, object text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    -- The row stays when the last field goes: writers of an older snapshot are found out by it.
    insert into core.custom_field_sets (tenant_id, object, definitions, has_values)
    select
        compile_custom_fields.tenant_id,
        compile_custom_fields.object,
        coalesce(
            jsonb_agg(
                jsonb_build_object(
                    'field', fields.field,
                    'archived', fields.archived_at is not null,
                    'definition', fields.definition
                )
                order by fields.position, fields.field
            ),
            '[]'
        ),
        coalesce(bool_or(fields.values_state is not null), false)
    from core.custom_fields as fields
    where
        fields.tenant_id = compile_custom_fields.tenant_id
        and fields.object = compile_custom_fields.object
        and fields.deleted_at is null
    on conflict on constraint custom_field_sets_pkey do update set
        definitions = excluded.definitions,
        has_values = excluded.has_values;
end
$$;

comment on function core.compile_custom_fields(uuid, text) is
'Brings core.custom_field_sets up to date. Internal, under core.lock_custom_fields.';

-- Writing values ----------------------------------------------------------------------------------

create function core.refuse_custom_values(
    tenant_id uuid, object text, relation regclass, problems jsonb
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    -- Row level security comes after this, and what a tenant has defined is nobody else's business.
    if
        (core.caller()).kind in ('user', 'api_key')
        and (
            refuse_custom_values.tenant_id = any(core.tenants_with(object || '.write', 'own'))
        ) is not true
    then
        raise exception 'new row violates row-level security policy for table "%"',
            (select relname from pg_class where oid = relation)
            using errcode = 'insufficient_privilege';
    end if;
    perform core.fail(
        case
            when exists (
                select from jsonb_array_elements(problems) as problem
                where problem -> 'code' <> problems #> '{0,code}'
            ) then 'field.invalid'
            else problems #>> '{0,code}'
        end,
        jsonb_build_object('field', problems #> '{0,field}', 'problems', problems)
    );
end
$$;

comment on function core.refuse_custom_values(uuid, text, regclass, jsonb) is
'Raises what is wrong with the values of a record: the code of the problem where there is one code,
field.invalid (422) where there are several; details: {field, problems: [{field, code, message}]}.
Internal.';

create function core.check_custom_fields() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    of_object constant text := tg_argv[0];
    known jsonb;
    checked jsonb;
    problems jsonb;
begin
    perform core.share_custom_fields(new.tenant_id, of_object);
    -- Apart from the lock, because a statement sees what was there when it began.
    select sets.definitions into known
    from core.custom_field_sets as sets
    where sets.tenant_id = new.tenant_id and sets.object = of_object;
    if known is null and new.custom = '{}' then
        return new;
    end if;
    checked := tenon.custom_fields_check(
        coalesce(known, '[]'), new.custom, case when tg_op = 'UPDATE' then old.custom end
    );
    problems := checked -> 'problems';
    if checked -> 'users' <> '[]' then
        problems := problems || coalesce(
            (
                select jsonb_agg(jsonb_build_object(
                    'field', named.field,
                    'code', 'field.user_unknown',
                    'message', 'expected a member of the tenant'
                ))
                from jsonb_to_recordset(checked -> 'users') as named (field text, id uuid)
                where not core.is_member_at(new.tenant_id, named.id)
            ),
            '[]'
        );
    end if;
    if problems <> '[]' then
        perform core.refuse_custom_values(new.tenant_id, of_object, tg_relid, problems);
    end if;
    new.custom := coalesce(checked -> 'custom', new.custom);
    return new;
end
$$;

comment on function core.check_custom_fields() is
'Trigger before insert, or update of custom: checks the values of the tenant''s own fields, and
brings them into their one form. Argument: the object. Raises field.… (422). Definer, because
writers may not read definitions.';

create function core.custom_values_of(tenant_ids uuid[], object text, ids uuid[], customs jsonb[])
returns core.custom_values[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select
            row(
                records.tenant_id, custom_values_of.object, kept.field, records.id, kept.is_unique,
                kept.text_value, kept.number_value, kept.instant_value
            )::core.custom_values
        from unnest(tenant_ids, ids, customs) as records (tenant_id, id, custom)
        inner join core.custom_field_sets as sets
            on
                sets.tenant_id = records.tenant_id
                and sets.object = custom_values_of.object
                and sets.has_values
        cross join lateral core.as_custom_values(
            tenon.custom_field_values(sets.definitions, records.custom)
        ) as kept
    );
end
$$;

comment on function core.custom_values_of(uuid[], text, uuid[], jsonb[]) is
'The rows that core.custom_values has of records, whose columns are the arrays. Internal.';

create function core.keep_custom_values() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    of_object constant text := tg_argv[0];
    tenants uuid[];
    before core.custom_values[] := '{}';
    wanted core.custom_values[];
    added integer;
    taken text;
begin
    if tg_op = 'UPDATE' then
        -- Erasing was not checked before; what was inserted was.
        perform core.share_custom_fields(written.tenant_id, of_object)
        from (select distinct new_records.tenant_id from new_records) as written;
    end if;
    tenants := array(
        select sets.tenant_id
        from core.custom_field_sets as sets
        where
            sets.object = of_object
            and sets.has_values
            and sets.tenant_id in (select new_records.tenant_id from new_records)
    );
    if tenants = '{}' then
        return null;
    elsif tg_op = 'INSERT' then
        select
            core.custom_values_of(
                array_agg(new_records.tenant_id), of_object, array_agg(new_records.id),
                array_agg(new_records.custom)
            )
        into wanted
        from new_records
        where new_records.tenant_id = any(tenants);
    else
        select
            core.custom_values_of(
                array_agg(old_records.tenant_id), of_object, array_agg(old_records.id),
                array_agg(old_records.custom)
            ),
            core.custom_values_of(
                array_agg(new_records.tenant_id), of_object, array_agg(new_records.id),
                array_agg(new_records.custom)
            )
        into before, wanted
        from new_records
        inner join old_records
            on
                old_records.tenant_id = new_records.tenant_id
                and old_records.id = new_records.id
        where
            new_records.tenant_id = any(tenants)
            and old_records.custom is distinct from new_records.custom;
        delete from core.custom_values as kept
        using (
            select * from unnest(before)
            except
            select * from unnest(wanted)
        ) as gone
        where
            kept.tenant_id = gone.tenant_id
            and kept.object = gone.object
            and kept.field = gone.field
            and kept.record_id = gone.record_id;
        -- What stays is there, or a job is about to gather it.
        wanted := array(
            select row(fresh.*)::core.custom_values
            from (
                select * from unnest(wanted)
                except
                select * from unnest(before)
            ) as fresh
        );
    end if;
    insert into core.custom_values
    select *
    from unnest(wanted) as fresh
    -- In one order, so that two who add several wait for each other and do not block.
    order by fresh.field, fresh.text_value, fresh.number_value, fresh.instant_value
    on conflict do nothing;
    get diagnostics added = row_count;
    if added < cardinality(wanted) then
        select fresh.field into taken
        from unnest(wanted) as fresh
        where not exists (
            select from core.custom_values as kept
            where
                kept.tenant_id = fresh.tenant_id
                and kept.object = fresh.object
                and kept.field = fresh.field
                and kept.record_id = fresh.record_id
        )
        limit 1;
        perform core.fail('field.not_unique', jsonb_build_object('field', taken));
    end if;
    return null;
end
$$;

comment on function core.keep_custom_values() is
'Trigger for statements: keeps core.custom_values in step with what records hold. Argument: the
object. Raises field.not_unique (409), and says nothing of the other record. Definer, because it
compares with records that the caller may not see.';

create function core.as_custom_values(given jsonb)
returns table (
    field text, is_unique boolean, text_value text, number_value numeric, instant_value timestamptz
)
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
begin atomic
    select
        given_values.field,
        given_values.is_unique,
        given_values.text_value,
        given_values.number_value,
        given_values.instant_value
    from jsonb_to_recordset(as_custom_values.given) as given_values (
        field text, is_unique boolean, text_value text, number_value numeric,
        instant_value timestamptz
    );
end;

comment on function core.as_custom_values(jsonb) is
'What tenon.custom_field_values returns, as rows. Internal.';

create function core.drop_custom_values() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    of_object constant text := tg_argv[0];
    tenant uuid;
begin
    for tenant in select distinct old_records.tenant_id from old_records loop
        -- Whoever gathers values of a record that is going has it gone before or after.
        perform core.share_custom_fields(tenant, of_object);
        if exists (
            select from core.custom_field_sets as sets
            where
                sets.tenant_id = tenant
                and sets.object = of_object
                and sets.has_values
        ) then
            delete from core.custom_values as kept
            using old_records
            where
                kept.tenant_id = old_records.tenant_id
                and kept.object = of_object
                and kept.record_id = old_records.id;
        end if;
    end loop;
    return null;
end
$$;

comment on function core.drop_custom_values() is
'Trigger for statements that delete records: their values go from core.custom_values. Argument: the
object. Definer, because nobody is granted that table.';

create function core.attach_custom_fields(object text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    verb record;
begin
    execute format(
        'alter table %s add column if not exists custom jsonb not null default ''{}''',
        known.relation
    );
    execute format(
        'create trigger custom_is_checked before insert on %s '
        'for each row execute function core.check_custom_fields(%L)',
        known.relation, known.object
    );
    -- Erasing a person empties the column, and nothing may be in its way or come back: what is
    -- emptied past row level security, by no client then, is not checked.
    execute format(
        'create trigger custom_change_is_checked before update of custom on %s for each row '
        'when ('
        'new.custom is distinct from old.custom '
        'and (new.custom <> ''{}'' or row_security_active(%L::regclass))'
        ') execute function core.check_custom_fields(%L)',
        known.relation, known.relation, known.object
    );
    for verb in
        select *
        from (
            values
            ('insert', 'new table as new_records'),
            ('update', 'old table as old_records new table as new_records')
        ) as verbs (name, tables)
    loop
        execute format(
            'create trigger custom_values_%s after %1$s on %s referencing %s '
            'for each statement execute function core.keep_custom_values(%L)',
            verb.name, known.relation, verb.tables, known.object
        );
    end loop;
    execute format(
        'create trigger custom_values_delete after delete on %s '
        'referencing old table as old_records '
        'for each statement execute function core.drop_custom_values(%L)',
        known.relation, known.object
    );
    update core.objects set has_custom_fields = true where objects.object = known.object;
end
$$;

comment on function core.attach_custom_fields(text) is
'Lets tenants define fields of their own for the records of a registered object; its table gets the
column custom where it has none. For a migration after the one that makes the table. Owner only.';

revoke all on function
core.custom_fields_max(),
core.custom_values_at_once(),
core.custom_fields_lock(uuid, text),
core.lock_custom_fields(uuid, text),
core.share_custom_fields(uuid, text),
core.object_with_custom_fields(text),
core.compile_custom_fields(uuid, text),
core.refuse_custom_values(uuid, text, regclass, jsonb),
core.check_custom_fields(),
core.custom_values_of(uuid[], text, uuid[], jsonb[]),
core.keep_custom_values(),
core.as_custom_values(jsonb),
core.drop_custom_values(),
core.attach_custom_fields(text)
from public;

-- What conditions may ask -------------------------------------------------------------------------

create or replace function core.fields_of(object text, tenant_id uuid) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
begin
    return coalesce(
        (
            select jsonb_object_agg(
                fields.field, jsonb_build_object('type', fields.type, 'label', fields.label)
            )
            from core.object_fields as fields
            where fields.object = known.object
        ),
        '{}'
    ) || coalesce(
        (
            select tenon.custom_fields_of_conditions(sets.definitions)
            from core.custom_field_sets as sets
            where sets.tenant_id = fields_of.tenant_id and sets.object = known.object
        ),
        '{}'
    );
end
$$;
