-- Custom fields: what a tenant's records have beside what everybody's have.
--
-- A field is a row, and its values stand in the column `custom` of the records, so that a new field
-- changes no table and every view, event, import and condition has it at once. What the values may
-- be is decided by the domain (tenon.custom_fields_check), for each write, whoever writes. Fields
-- that are unique or indexed have their values in core.custom_values as well, where an index of
-- Postgres keeps what is promised: jsonb cannot have one for each field of each tenant.
--
-- Whoever writes values holds a lock of the tenant and object with others who write; whoever
-- defines holds it alone. So no value passes by a definition that was about to change. The ADR "Why
-- the values of custom fields stand twice" has more.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('core.custom_fields.manage', 'Define the tenant''s own fields of records.');
select core.allow_system_roles(array['owner', 'admin'], array['core.custom_fields.manage']);

alter table core.objects add column has_custom_fields boolean not null default false;
comment on column core.objects.has_custom_fields is
'Whether tenants may define fields of their own: core.attach_custom_fields.';

create table core.custom_fields (
    tenant_id uuid not null references core.tenants (id),
    object text not null references core.objects (object),
    field text not null,
    position integer not null default 0,
    definition jsonb not null,
    values_state text,
    archived_at timestamptz,
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    updated_at timestamptz not null default now(),
    updated_by uuid default core.caller_id(),
    primary key (tenant_id, object, field),
    constraint field_is_a_word check (field ~ '^[a-z][a-z0-9_]{0,62}$'),
    constraint definition_is_an_object check (jsonb_typeof(definition) = 'object'),
    constraint values_state_is_known
    check (values_state in ('gathering', 'ready', 'not_unique'))
);
create index custom_fields_object on core.custom_fields (object);

comment on table core.custom_fields is
'The fields that tenants have added to records of an object.';
comment on column core.custom_fields.position is 'In which order forms show them.';
comment on column core.custom_fields.definition is
'In the one form that tenon.custom_field_definition gives it.';
comment on column core.custom_fields.values_state is
'Of the values in core.custom_values: gathering, ready, or not_unique, where unique was asked for and
records share a value, so that it was taken away again. Null where the field is neither unique nor
indexed.';
comment on column core.custom_fields.archived_at is
'Since when its values stay as they are, and forms do not ask for it.';
comment on column core.custom_fields.deleted_at is
'Since when a job removes its values; the row goes with the last of them.';

create table core.custom_field_sets (
    tenant_id uuid not null references core.tenants (id),
    object text not null references core.objects (object),
    definitions jsonb not null default '[]',
    has_values boolean not null default false,
    primary key (tenant_id, object)
);
create index custom_field_sets_object on core.custom_field_sets (object);

comment on table core.custom_field_sets is
'The definitions of core.custom_fields as each write of a record needs them: in one look-up.';
comment on column core.custom_field_sets.definitions is
'[{"field", "archived", "definition"}, …], as tenon.custom_fields_check takes them.';
comment on column core.custom_field_sets.has_values is
'Whether core.custom_values has to know of what records change.';

create table core.custom_values (
    tenant_id uuid not null,
    object text not null,
    field text not null,
    record_id uuid not null,
    is_unique boolean not null,
    text_value text collate "C",
    number_value numeric,
    instant_value timestamptz,
    primary key (tenant_id, object, field, record_id),
    constraint value_is_one check (num_nonnulls(text_value, number_value, instant_value) = 1)
);
create index custom_values_record on core.custom_values (tenant_id, record_id);
create unique index custom_values_text_unique
on core.custom_values (tenant_id, object, field, text_value)
where is_unique and text_value is not null;
create unique index custom_values_number_unique
on core.custom_values (tenant_id, object, field, number_value)
where is_unique and number_value is not null;
create unique index custom_values_instant_unique
on core.custom_values (tenant_id, object, field, instant_value)
where is_unique and instant_value is not null;
create index custom_values_text
on core.custom_values (tenant_id, object, field, text_value, record_id)
where not is_unique and text_value is not null;
create index custom_values_number
on core.custom_values (tenant_id, object, field, number_value, record_id)
where not is_unique and number_value is not null;
create index custom_values_instant
on core.custom_values (tenant_id, object, field, instant_value, record_id)
where not is_unique and instant_value is not null;

comment on table core.custom_values is
'The values of custom fields that are unique or indexed, by which records are found: written by
triggers of the records, out of their column custom. Not for clients.';
comment on column core.custom_values.text_value is
'As tenon.custom_field_values has it: an e-mail address in lower case, a phone number as digits.';

alter table core.custom_fields enable row level security;
alter table core.custom_field_sets enable row level security;
alter table core.custom_values enable row level security;
create policy custom_fields_read on core.custom_fields for select to authenticated
using (tenant_id = any((select core.tenants_with('core.tenants.read'))::uuid[]));
create policy custom_field_sets_unseen on core.custom_field_sets for select to authenticated
using (false);
create policy custom_values_unseen on core.custom_values for select to authenticated
using (false);
grant select on core.custom_fields to authenticated, service_role;

select
    core.map_personal(
        'core.custom_fields.' || mapped, 'user.unique_id', mapped || ' is user_id', 'set_null'
    )
from unnest(array['created_by', 'updated_by']) as mapped;
select
    core.map_not_personal(
        'Written out of the column custom of records, and erased with it.',
        'core.custom_values.text_value', 'core.custom_values.record_id'
    );
select
    core.map_not_personal(
        'What a field is called and takes, and none of its values.',
        'core.custom_fields.definition', 'core.custom_field_sets.definitions'
    );
select core.audit('core.custom_fields', '{updated_at,updated_by}');

insert into core.errors (code, status, message, hint) values
(
    'field.archived', 422, 'The field {field} is archived, and its values stay as they are.',
    'Leave it out, or restore the field by v1.archive_custom_field with archived false.'
),
(
    'field.being_deleted', 409, 'The field {field} is being deleted with all its values.',
    'Wait until v1.jobs shows that this is done, or choose another name.'
),
(
    'field.busy', 409, 'The values of the field {field} are being gathered.',
    'Wait until v1.custom_fields shows values_state as ready.'
),
(
    'field.choice_unknown', 422, 'The value of {field} is none of its choices.',
    'v1.custom_fields has the choices in the definition.'
),
(
    'field.confirmation_missing', 400, 'Deleting a field removes its values from every record.',
    'Name the field once more in confirm, or archive it, which keeps the values.'
),
(
    'field.default_invalid', 400, 'The default is no value of the field.',
    'Compare it with the type and the limits of the definition.'
),
(
    'field.definition_malformed', 400,
    'A definition is an object with at least a type and a label.',
    'The guide to custom fields has the options of each type.'
),
(
    'field.definitions_corrupt', 500, 'The stored definitions of custom fields cannot be read.',
    'Save the fields again, or restore core.custom_fields from a backup.'
),
(
    'field.invalid', 422, 'The values of several fields are wrong.',
    'The details name each field with its problem.'
),
(
    'field.key_invalid', 400, 'A field is named by a word of at most 63 letters a to z, digits and _.',
    'Begin with a letter, such as in color or net_weight.'
),
(
    'field.length_invalid', 422, 'The value of {field} is too short or too long.',
    'v1.custom_fields has the lengths in the definition.'
),
(
    'field.not_found', 404, 'There is no custom field {field} of {object}.',
    'Compare the name with v1.custom_fields.'
),
(
    'field.not_unique', 409, 'The value of {field} is taken by another record.',
    'Each value of the field is there once; choose another.'
),
(
    'field.object_closed', 400, 'Records of {object} have no custom fields.',
    'v1.custom_field_objects names the objects that have them.'
),
(
    'field.option_invalid', 400, 'An option of the definition has no right value.',
    'The details name the place; the guide to custom fields has the options.'
),
(
    'field.option_unknown', 400, 'The definition has an option that its type does not have.',
    'The details name the place; the guide to custom fields has the options.'
),
(
    'field.out_of_range', 422, 'The value of {field} is out of its range.',
    'v1.custom_fields has min, max and decimals in the definition.'
),
(
    'field.pattern_invalid', 400, 'The pattern is no regular expression, or too large.',
    'Write at most 200 bytes, without look-around and references back.'
),
(
    'field.pattern_mismatch', 422, 'The value of {field} does not match its pattern.',
    'v1.custom_fields has the pattern in the definition.'
),
(
    'field.position_invalid', 400, 'The position of a field is a whole number.',
    'Leave it out to put the field at the end.'
),
('field.required', 422, 'The field {field} has to have a value.', 'Send one in custom.'),
(
    'field.too_large', 413, 'The values of custom fields are an object of at most 65,536 bytes.',
    'Send an object in custom, and keep long texts elsewhere.'
),
(
    'field.too_many', 422, 'An object has at most {count_max} custom fields.',
    'Delete fields that nobody uses any more.'
),
(
    'field.type_mismatch', 422, 'The value of {field} is of another type.',
    'The details say what was expected.'
),
(
    'field.type_unknown', 400, 'There is no such type of fields.',
    'Choose text, number, boolean, date, instant, choice, choices, email, phone, url or user.'
),
(
    'field.unknown', 422, 'There is no custom field {field}.',
    'Define it by v1.save_custom_field, or compare the name with v1.custom_fields.'
),
(
    'field.user_unknown', 422, 'The field {field} names nobody who is a member.',
    'Name an active member of the tenant or of one above it.'
),
(
    'field.values_not_unique', 409, 'Records share values of {field}, so it cannot be unique.',
    'Change the values that are there twice first.'
),
(
    'field.values_unfit', 409, '{count} values of {field} are none of the new definition.',
    'Change these values first, or define another field.'
);

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
'Up to how many records have their values gathered by the request that asks for it, and not by a job:
some hundred milliseconds. Internal.';

-- The lock ----------------------------------------------------------------------------------------

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
'The object of this name. Raises record.object_unknown (400) and field.object_closed (400). Internal.';

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

create function core.is_member_at(tenant_id uuid, user_id uuid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    place uuid := tenant_id;
begin
    while place is not null loop
        if exists (
            select from core.members
            where
                members.tenant_id = place
                and members.user_id = is_member_at.user_id
                and members.status = 'active'
        ) then
            return true;
        end if;
        select tenants.parent_id into place from core.tenants where tenants.id = place;
    end loop;
    return false;
end
$$;

comment on function core.is_member_at(uuid, uuid) is
'Whether a user is an active member of the tenant or of one above it. Internal.';

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
    perform pg_advisory_xact_lock_shared(core.custom_fields_lock(new.tenant_id, of_object));
    if current_setting('transaction_isolation') <> 'read committed' then
        -- Whoever goes by a snapshot that is older than the definitions is refused with 40001.
        insert into core.custom_field_sets (tenant_id, object)
        values (new.tenant_id, of_object)
        on conflict on constraint custom_field_sets_pkey do nothing;
    end if;
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
brings them into their one form. Argument: the object. Raises field.… (422). Definer, because writers
may not read definitions.';

create function core.keep_custom_values() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    of_object constant text := tg_argv[0];
    taken text;
begin
    if not exists (
        select from core.custom_field_sets as sets
        where
            sets.object = of_object
            and sets.has_values
            and sets.tenant_id in (select new_records.tenant_id from new_records)
    ) then
        return null;
    end if;
    if tg_op = 'UPDATE' then
        delete from core.custom_values as kept
        using new_records
        inner join old_records
            on
                old_records.tenant_id = new_records.tenant_id
                and old_records.id = new_records.id
                and old_records.custom is distinct from new_records.custom
        inner join core.custom_field_sets as sets
            on
                sets.tenant_id = new_records.tenant_id
                and sets.object = of_object
        cross join lateral tenon.custom_field_values(
            sets.definitions, new_records.custom
        ) as wanted (fields)
        where
            kept.tenant_id = new_records.tenant_id
            and kept.object = of_object
            and kept.record_id = new_records.id
            and not exists (
                select from core.as_custom_values(wanted.fields) as same
                where
                    same.field = kept.field
                    and same.is_unique = kept.is_unique
                    and (same.text_value, same.number_value, same.instant_value)
                    is not distinct from (kept.text_value, kept.number_value, kept.instant_value)
            );
    end if;
    with wanted as (
        select
            new_records.tenant_id,
            new_records.id as record_id,
            kept.field,
            kept.is_unique,
            kept.text_value,
            kept.number_value,
            kept.instant_value
        from new_records
        inner join core.custom_field_sets as sets
            on
                sets.tenant_id = new_records.tenant_id
                and sets.object = of_object
                and sets.has_values
        cross join lateral core.as_custom_values(
            tenon.custom_field_values(sets.definitions, new_records.custom)
        ) as kept
    ),
    added as (
        insert into core.custom_values (
            tenant_id, object, field, record_id, is_unique, text_value, number_value, instant_value
        )
        select
            wanted.tenant_id,
            of_object,
            wanted.field,
            wanted.record_id,
            wanted.is_unique,
            wanted.text_value,
            wanted.number_value,
            wanted.instant_value
        from wanted
        -- In one order, so that two who add several wait for each other and do not block.
        order by wanted.field, wanted.text_value, wanted.number_value, wanted.instant_value
        on conflict do nothing
        returning custom_values.field, custom_values.record_id
    )
    select wanted.field into taken
    from wanted
    where
        not exists (
            select from added
            where added.field = wanted.field and added.record_id = wanted.record_id
        )
        and not exists (
            select from core.custom_values as kept
            where
                kept.tenant_id = wanted.tenant_id
                and kept.object = of_object
                and kept.record_id = wanted.record_id
                and kept.field = wanted.field
        )
    limit 1;
    if found then
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
        perform pg_advisory_xact_lock_shared(core.custom_fields_lock(tenant, of_object));
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
core.object_with_custom_fields(text),
core.compile_custom_fields(uuid, text),
core.is_member_at(uuid, uuid),
core.refuse_custom_values(uuid, text, regclass, jsonb),
core.check_custom_fields(),
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

-- Gathering and removing values -------------------------------------------------------------------

create function core.gather_custom_values(
    field core.custom_fields, after uuid, count_max integer, locks_records boolean,
    out last_id uuid, out record_count integer
)
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    execute format(
        'with batch as materialized ('
        'select id, custom from %s where tenant_id = $1 and ($4 is null or id > $4) '
        'order by id limit $5 %s), '
        'written as ('
        'insert into core.custom_values as known ('
        'tenant_id, object, field, record_id, is_unique, text_value, number_value, instant_value) '
        'select $1, $2, kept.field, batch.id, kept.is_unique, '
        'kept.text_value, kept.number_value, kept.instant_value '
        'from batch cross join lateral '
        'core.as_custom_values(tenon.custom_field_values($3, batch.custom)) as kept '
        'on conflict on constraint custom_values_pkey do update set '
        'is_unique = excluded.is_unique, text_value = excluded.text_value, '
        'number_value = excluded.number_value, instant_value = excluded.instant_value '
        'where (known.is_unique, known.text_value, known.number_value, known.instant_value) '
        'is distinct from (excluded.is_unique, excluded.text_value, excluded.number_value, '
        'excluded.instant_value)) '
        'select (array_agg(id order by id desc))[1], count(*) from batch',
        (core.object_named(field.object)).relation,
        case when locks_records then 'for no key update' else '' end
    )
    into last_id, record_count
    using
        field.tenant_id,
        field.object,
        jsonb_build_array(
            jsonb_build_object('field', field.field, 'definition', field.definition)
        ),
        after,
        count_max;
end
$$;

comment on function core.gather_custom_values(core.custom_fields, uuid, integer, boolean) is
'Writes the values that the next records hold of a field into core.custom_values; the id of the last
of them, null after the end. Raises unique_violation where two share a value of a unique one.
locks_records: for who does not hold core.lock_custom_fields. Internal.';

create function core.gather_custom_values_in_job(job core.jobs) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    -- Some hundred milliseconds of work, for which writers of these records wait.
    step constant integer := 2000;
    field core.custom_fields;
    last_id uuid;
    record_count integer;
    done bigint := coalesce((job.state ->> 'done')::bigint, 0);
begin
    perform pg_advisory_xact_lock_shared(
        core.custom_fields_lock(job.tenant_id, job.arguments ->> 'object')
    );
    select fields.* into field
    from core.custom_fields as fields
    where
        fields.tenant_id = job.tenant_id
        and fields.object = job.arguments ->> 'object'
        and fields.field = job.arguments ->> 'field'
        and fields.deleted_at is null;
    if field.field is null or field.values_state is null then
        return '{"done": true}';
    end if;
    begin
        select * into last_id, record_count
        from core.gather_custom_values(
            field, (job.state ->> 'after')::uuid, step, locks_records => true
        );
    exception
        when unique_violation then
            perform core.give_up_uniqueness(field);
            return jsonb_build_object(
                'failed', format('records share values of %s, so it is not unique', field.field)
            );
    end;
    if record_count = step then
        return jsonb_build_object(
            'done', false,
            'state', jsonb_build_object('after', last_id, 'done', done + step),
            'progress', jsonb_build_object('done', done + step)
        );
    end if;
    update core.custom_fields
    set values_state = 'ready'
    where
        custom_fields.tenant_id = field.tenant_id
        and custom_fields.object = field.object
        and custom_fields.field = field.field
        and custom_fields.values_state = 'gathering';
    return jsonb_build_object(
        'done', true, 'result', jsonb_build_object('records', done + record_count)
    );
end
$$;

comment on function core.gather_custom_values_in_job(core.jobs) is
'The task core.gather_custom_values: writes the values that records hold of a field into
core.custom_values, step by step. Where records share a value of a unique field, it is not unique any
more, and the job fails. Internal.';

create function core.give_up_uniqueness(field core.custom_fields) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    is_indexed constant boolean := coalesce((field.definition -> 'indexed')::boolean, false);
begin
    update core.custom_fields
    set
        definition = custom_fields.definition - 'unique',
        values_state = 'not_unique'
    where
        custom_fields.tenant_id = field.tenant_id
        and custom_fields.object = field.object
        and custom_fields.field = field.field;
    perform core.compile_custom_fields(field.tenant_id, field.object);
    perform core.enqueue_job(
        field.tenant_id,
        case
            when is_indexed then 'core.gather_custom_values' else 'core.scatter_custom_values'
        end,
        jsonb_build_object('object', field.object, 'field', field.field)
    );
end
$$;

comment on function core.give_up_uniqueness(core.custom_fields) is
'What was to be unique and is not: takes that out of the definition, and has the values brought in
step by a job. Internal.';

create function core.scatter_custom_values_in_job(job core.jobs) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    step constant integer := 10000;
    removed integer;
begin
    perform pg_advisory_xact_lock_shared(
        core.custom_fields_lock(job.tenant_id, job.arguments ->> 'object')
    );
    if exists (
        select from core.custom_fields as fields
        where
            fields.tenant_id = job.tenant_id
            and fields.object = job.arguments ->> 'object'
            and fields.field = job.arguments ->> 'field'
            and fields.deleted_at is null
            and fields.definition ?| '{unique,indexed}'
    ) then
        return '{"done": true}';
    end if;
    delete from core.custom_values as kept
    where
        kept.tenant_id = job.tenant_id
        and kept.object = job.arguments ->> 'object'
        and kept.field = job.arguments ->> 'field'
        and kept.record_id in (
            select part.record_id
            from core.custom_values as part
            where
                part.tenant_id = job.tenant_id
                and part.object = job.arguments ->> 'object'
                and part.field = job.arguments ->> 'field'
            limit step
        );
    get diagnostics removed = row_count;
    if removed = step then
        return '{"done": false}';
    end if;
    update core.custom_fields
    set values_state = null
    where
        custom_fields.tenant_id = job.tenant_id
        and custom_fields.object = job.arguments ->> 'object'
        and custom_fields.field = job.arguments ->> 'field'
        and custom_fields.values_state = 'ready';
    return '{"done": true}';
end
$$;

comment on function core.scatter_custom_values_in_job(core.jobs) is
'The task core.scatter_custom_values: removes the values of a field that is neither unique nor
indexed any more from core.custom_values, step by step. Internal.';

create function core.delete_custom_values_in_job(job core.jobs) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    step constant integer := 1000;
    of_object constant text := job.arguments ->> 'object';
    of_field constant text := job.arguments ->> 'field';
    done constant bigint := coalesce((job.state ->> 'done')::bigint, 0);
    last_id uuid;
    record_count integer;
    changed integer;
begin
    if not exists (
        select from core.custom_fields as fields
        where
            fields.tenant_id = job.tenant_id
            and fields.object = of_object
            and fields.field = of_field
            and fields.deleted_at is not null
    ) then
        return '{"done": true}';
    end if;
    -- Nobody can add the key any more: what is behind stays without it.
    execute format(
        'with batch as materialized ('
        'select id from %1$s where tenant_id = $1 and ($3 is null or id > $3) '
        'order by id limit $4), '
        'changed as ('
        'update %1$s as record set custom = record.custom - $2 from batch '
        'where record.tenant_id = $1 and record.id = batch.id and record.custom ? $2 '
        'returning 1) '
        'select (array_agg(id order by id desc))[1], count(*), (select count(*) from changed) '
        'from batch',
        (core.object_named(of_object)).relation
    )
    into last_id, record_count, changed
    using job.tenant_id, of_field, (job.state ->> 'after')::uuid, step;
    if record_count = step then
        return jsonb_build_object(
            'done', false,
            'state', jsonb_build_object('after', last_id, 'done', done + changed),
            'progress', jsonb_build_object('done', done + changed)
        );
    end if;
    delete from core.custom_values as kept
    where
        kept.tenant_id = job.tenant_id
        and kept.object = of_object
        and kept.field = of_field;
    delete from core.custom_fields as fields
    where
        fields.tenant_id = job.tenant_id
        and fields.object = of_object
        and fields.field = of_field;
    return jsonb_build_object(
        'done', true, 'result', jsonb_build_object('records', done + changed)
    );
end
$$;

comment on function core.delete_custom_values_in_job(core.jobs) is
'The task core.delete_custom_values: removes the values of a deleted field from the tenant''s records,
step by step, and then the field. Internal.';

insert into core.job_tasks (task, function_schema, function_name, description) values
(
    'core.gather_custom_values', 'core', 'gather_custom_values_in_job',
    'Gather the values of a custom field that is to be unique or indexed.'
),
(
    'core.scatter_custom_values', 'core', 'scatter_custom_values_in_job',
    'Forget the gathered values of a custom field.'
),
(
    'core.delete_custom_values', 'core', 'delete_custom_values_in_job',
    'Remove the values of a deleted custom field from all records.'
);

-- Defining fields ---------------------------------------------------------------------------------

create function core.custom_field_answer(field core.custom_fields) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object(
        'tenant_id', field.tenant_id,
        'object', field.object,
        'field', field.field,
        'position', field.position,
        'definition', field.definition,
        'values_state', field.values_state,
        'archived_at', field.archived_at
    );
end
$$;

comment on function core.custom_field_answer(core.custom_fields) is
'A field as functions of v1 answer: {tenant_id, object, field, position, definition, values_state,
archived_at}. Internal.';

create function core.own_custom_field(object text, field text) returns core.custom_fields
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.custom_fields.manage');
    known constant core.objects := core.object_with_custom_fields(object);
    owned core.custom_fields;
begin
    perform core.lock_custom_fields(owner_id, known.object);
    select fields.* into owned
    from core.custom_fields as fields
    where
        fields.tenant_id = owner_id
        and fields.object = known.object
        and fields.field = own_custom_field.field
    for update;
    if owned.deleted_at is not null then
        perform core.fail('field.being_deleted', jsonb_build_object('field', owned.field));
    end if;
    owned.tenant_id := owner_id;
    owned.object := known.object;
    return owned;
end
$$;

comment on function core.own_custom_field(text, text) is
'A field of the tenant whose fields the caller may define, under core.lock_custom_fields; its field
is null where there is none. Raises record.object_unknown, field.object_closed (400),
field.being_deleted (409), and what core.sole_tenant_with does. Internal.';

create function core.check_kept_values(
    owned core.custom_fields, field text, definition jsonb
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    unfit bigint;
begin
    execute format(
        'select count(*) from %s as record '
        'where record.tenant_id = $1 and record.custom ? $2 '
        'and not tenon.custom_field_fits($2, $3, record.custom -> $2)',
        (core.object_named(owned.object)).relation
    )
    into unfit
    using owned.tenant_id, field, definition;
    if unfit > 0 then
        perform core.fail(
            'field.values_unfit', jsonb_build_object('field', field, 'count', unfit)
        );
    end if;
end
$$;

comment on function core.check_kept_values(core.custom_fields, text, jsonb) is
'Refuses a definition of which values that records hold are none: raises field.values_unfit (409).
Internal.';

create function core.begin_to_gather(saved core.custom_fields) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    at_once constant integer := core.custom_values_at_once();
    last_id uuid;
    record_count integer;
    is_large boolean;
begin
    execute format(
        'select count(*) > $2 from (select from %s where tenant_id = $1 limit $2 + 1) as first_ones',
        (core.object_named(saved.object)).relation
    )
    into is_large
    using saved.tenant_id, at_once;
    if is_large then
        perform core.enqueue_job(
            saved.tenant_id, 'core.gather_custom_values',
            jsonb_build_object('object', saved.object, 'field', saved.field)
        );
        return;
    end if;
    begin
        select * into last_id, record_count
        from core.gather_custom_values(saved, null, at_once, locks_records => false);
    exception
        when unique_violation then
            perform core.fail(
                'field.values_not_unique', jsonb_build_object('field', saved.field)
            );
    end;
    update core.custom_fields
    set values_state = 'ready'
    where
        custom_fields.tenant_id = saved.tenant_id
        and custom_fields.object = saved.object
        and custom_fields.field = saved.field;
end
$$;

comment on function core.begin_to_gather(core.custom_fields) is
'Gathers the values that records hold of a field, at once or by a job. Raises field.values_not_unique
(409). Internal, under core.lock_custom_fields.';

create function core.save_custom_field(object text, field text, definition jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owned constant core.custom_fields := core.own_custom_field(object, coalesce(field, ''));
    is_object constant boolean := coalesce(jsonb_typeof(definition) = 'object', false);
    wanted constant jsonb := tenon.custom_field_definition(
        coalesce(field, ''),
        case when is_object then definition - 'position' else coalesce(definition, 'null') end
    );
    asked_position constant jsonb := case when is_object then definition -> 'position' end;
    change constant jsonb := tenon.custom_field_change(field, owned.definition, wanted);
    gathers boolean := (change -> 'gathers_values')::boolean;
    saved core.custom_fields;
begin
    if coalesce(asked_position::text !~ '^-?[0-9]{1,6}$', false) and asked_position <> 'null' then
        perform core.fail('field.position_invalid');
    elsif owned.field is null and (
        select count(*) >= core.custom_fields_max()
        from core.custom_fields as others
        where others.tenant_id = owned.tenant_id and others.object = owned.object
    ) then
        perform core.fail(
            'field.too_many', jsonb_build_object('count_max', core.custom_fields_max())
        );
    elsif
        owned.values_state = 'gathering'
        and (gathers or (change -> 'scatters_values')::boolean)
    then
        perform core.fail('field.busy', jsonb_build_object('field', owned.field));
    elsif (change -> 'checks_values')::boolean then
        perform core.check_kept_values(owned, field, wanted);
    end if;
    insert into core.custom_fields as known (
        tenant_id, object, field, position, definition, values_state
    )
    values (
        owned.tenant_id,
        owned.object,
        save_custom_field.field,
        coalesce(
            nullif(asked_position, 'null')::integer,
            owned.position,
            (
                select max(others.position) + 1
                from core.custom_fields as others
                where others.tenant_id = owned.tenant_id and others.object = owned.object
            ),
            1
        ),
        wanted,
        case
            when gathers then 'gathering'
            when owned.field is null and wanted ?| '{unique,indexed}' then 'ready'
            else owned.values_state
        end
    )
    on conflict on constraint custom_fields_pkey do update set
        position = excluded.position,
        definition = excluded.definition,
        values_state = excluded.values_state,
        updated_at = now(),
        updated_by = core.caller_id()
    returning * into saved;
    if gathers then
        perform core.begin_to_gather(saved);
    elsif (change -> 'scatters_values')::boolean then
        perform core.enqueue_job(
            saved.tenant_id, 'core.scatter_custom_values',
            jsonb_build_object('object', saved.object, 'field', saved.field)
        );
    end if;
    perform core.compile_custom_fields(saved.tenant_id, saved.object);
    select fields.* into saved
    from core.custom_fields as fields
    where
        fields.tenant_id = saved.tenant_id
        and fields.object = saved.object
        and fields.field = saved.field;
    return core.custom_field_answer(saved);
end
$$;

comment on function core.save_custom_field(text, text, jsonb) is
'Does what v1.save_custom_field says. Definer, because it writes core.custom_fields and looks through
all records of the tenant. Signed-in users may call it.';

create function core.archive_custom_field(object text, field text, archived boolean) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owned core.custom_fields := core.own_custom_field(object, field);
begin
    if owned.field is null then
        perform core.fail(
            'field.not_found', jsonb_build_object('object', owned.object, 'field', field)
        );
    end if;
    update core.custom_fields
    set
        archived_at = case
            when archive_custom_field.archived then coalesce(custom_fields.archived_at, now())
        end,
        updated_at = now(),
        updated_by = core.caller_id()
    where
        custom_fields.tenant_id = owned.tenant_id
        and custom_fields.object = owned.object
        and custom_fields.field = owned.field
    returning * into owned;
    perform core.compile_custom_fields(owned.tenant_id, owned.object);
    return core.custom_field_answer(owned);
end
$$;

comment on function core.archive_custom_field(text, text, boolean) is
'Does what v1.archive_custom_field says. Definer, because it writes core.custom_fields. Signed-in
users may call it.';

create function core.delete_custom_field(object text, field text, confirm text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owned constant core.custom_fields := core.own_custom_field(object, field);
begin
    if owned.field is null then
        perform core.fail(
            'field.not_found', jsonb_build_object('object', owned.object, 'field', field)
        );
    elsif confirm is distinct from owned.field then
        perform core.fail('field.confirmation_missing');
    end if;
    update core.custom_fields
    set deleted_at = now(), updated_at = now(), updated_by = core.caller_id()
    where
        custom_fields.tenant_id = owned.tenant_id
        and custom_fields.object = owned.object
        and custom_fields.field = owned.field;
    perform core.compile_custom_fields(owned.tenant_id, owned.object);
    -- Not here: whoever has a record locked already may be waiting for the lock that is held now.
    return jsonb_build_object(
        'tenant_id', owned.tenant_id,
        'object', owned.object,
        'field', owned.field,
        'job_id', core.enqueue_job(
            owned.tenant_id, 'core.delete_custom_values',
            jsonb_build_object('object', owned.object, 'field', owned.field),
            owned.object || ' ' || owned.field
        )
    );
end
$$;

comment on function core.delete_custom_field(text, text, text) is
'Does what v1.delete_custom_field says. Definer, because it writes core.custom_fields and enqueues a
job. Signed-in users may call it.';

create function core.custom_fields_schema(object text) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    of_tenant constant uuid := core.sole_tenant_with('core.tenants.read');
    known constant core.objects := core.object_with_custom_fields(object);
begin
    return tenon.custom_fields_schema(
        coalesce(
            (
                select sets.definitions
                from core.custom_field_sets as sets
                where sets.tenant_id = of_tenant and sets.object = known.object
            ),
            '[]'
        )
    );
end
$$;

comment on function core.custom_fields_schema(text) is
'Does what v1.custom_fields_schema says. Definer, because it calls a native function for whoever
asks. Signed-in users may call it.';

-- The API -----------------------------------------------------------------------------------------

create view v1.custom_fields with (security_invoker = true) as
select
    fields.tenant_id,
    fields.object,
    fields.field,
    fields.position,
    fields.definition ->> 'type' as type,
    fields.definition ->> 'label' as label,
    fields.definition ->> 'description' as description,
    coalesce((fields.definition -> 'required')::boolean, false) as is_required,
    coalesce((fields.definition -> 'unique')::boolean, false) as is_unique,
    coalesce((fields.definition -> 'indexed')::boolean, false) as is_indexed,
    fields.definition,
    fields.values_state,
    fields.archived_at,
    fields.created_at,
    fields.created_by,
    fields.updated_at,
    fields.updated_by
from core.custom_fields as fields
where fields.deleted_at is null;

comment on view v1.custom_fields is
'The fields that your tenant has added to records, whose values stand in their column custom. Needs
core.tenants.read, which every member has.';

create view v1.custom_field_objects with (security_invoker = true) as
select
    objects.object,
    objects.singular
from core.objects
where objects.has_custom_fields;

comment on view v1.custom_field_objects is
'The objects whose records may have fields of your own. Signed-in users may read it.';
grant select on v1.custom_fields, v1.custom_field_objects to authenticated, service_role;

create function v1.save_custom_field(object text, field text, definition jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'save_custom_field',
            jsonb_build_object('object', object, 'field', field, 'definition', definition)
        ),
        core.store_answer(core.save_custom_field(object, field, definition))
    );
end
$$;

comment on function v1.save_custom_field(text, text, jsonb) is
'Defines a field of the records of an object, or defines it anew. definition: {"type", "label"} and, as
the type has them, description, required, unique, indexed, choices, min, max, decimals, min_length,
max_length, pattern, default, and position. A new definition counts from the next write of a value;
another type is refused while there are values that are none of it. Where an object has many
records, a job gathers the values of what becomes unique or indexed: values_state. Returns {tenant_id,
object, field, position, definition, values_state, archived_at}. Needs core.custom_fields.manage.
Raises field.key_invalid, definition_malformed, type_unknown, option_unknown, option_invalid,
pattern_invalid, default_invalid, position_invalid, object_closed (400), field.being_deleted, busy,
values_unfit, values_not_unique (409), field.too_many (422).';

create function v1.archive_custom_field(object text, field text, archived boolean default true)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'archive_custom_field',
            jsonb_build_object('object', object, 'field', field, 'archived', archived)
        ),
        core.store_answer(core.archive_custom_field(object, field, coalesce(archived, true)))
    );
end
$$;

comment on function v1.archive_custom_field(text, text, boolean) is
'Archives a field, or with archived false takes it back: forms do not ask for it any more, and its
values stay as they are, whatever is written. Returns what v1.save_custom_field does. Needs
core.custom_fields.manage. Raises field.not_found (404), field.being_deleted (409).';

create function v1.delete_custom_field(object text, field text, confirm text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'delete_custom_field',
            jsonb_build_object('object', object, 'field', field, 'confirm', confirm)
        ),
        core.store_answer(core.delete_custom_field(object, field, confirm))
    );
end
$$;

comment on function v1.delete_custom_field(text, text, text) is
'Deletes a field and, by a job, its values in all records. confirm: the name of the field once more.
What the audit recorded stays. Returns {tenant_id, object, field, job_id}. Needs
core.custom_fields.manage. Raises field.not_found (404), field.confirmation_missing (400),
field.being_deleted (409).';

create function v1.custom_fields_schema(object text) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return core.custom_fields_schema(object);
end
$$;

comment on function v1.custom_fields_schema(text) is
'The JSON Schema (2020-12) of the column custom of an object''s records, for what builds forms:
without archived fields. x-type has the type of the field, x-unique whether it is unique. Needs
core.tenants.read. Raises record.object_unknown, field.object_closed (400).';

revoke all on function
core.gather_custom_values(core.custom_fields, uuid, integer, boolean),
core.gather_custom_values_in_job(core.jobs),
core.give_up_uniqueness(core.custom_fields),
core.scatter_custom_values_in_job(core.jobs),
core.delete_custom_values_in_job(core.jobs),
core.custom_field_answer(core.custom_fields),
core.own_custom_field(text, text),
core.check_kept_values(core.custom_fields, text, jsonb),
core.begin_to_gather(core.custom_fields),
core.save_custom_field(text, text, jsonb),
core.archive_custom_field(text, text, boolean),
core.delete_custom_field(text, text, text),
core.custom_fields_schema(text),
v1.save_custom_field(text, text, jsonb),
v1.archive_custom_field(text, text, boolean),
v1.delete_custom_field(text, text, text),
v1.custom_fields_schema(text)
from public;
grant execute on function
core.save_custom_field(text, text, jsonb),
core.archive_custom_field(text, text, boolean),
core.delete_custom_field(text, text, text),
core.custom_fields_schema(text),
v1.save_custom_field(text, text, jsonb),
v1.archive_custom_field(text, text, boolean),
v1.delete_custom_field(text, text, text),
v1.custom_fields_schema(text)
to authenticated, service_role;
