-- Effects: what follows when a record moves through its pipeline, a timer is due or a rule fires.
--
-- An effect is data, {"effect": "set_fields", "fields": {…}}, whose form tenon.effect_problems
-- checks where it is written down. What it does is a function in a table: packs bring handlers of
-- their own, and engines that have effects carried out know none of them. Effects happen in the
-- transaction of what they follow, so that a deal is won with all that winning means, or not at
-- all.

set local lock_timeout = '5s';

create table core.effect_handlers (
    effect text primary key,
    handler text not null,
    description text not null,
    is_open boolean not null default true,
    constraint effect_is_a_word check (effect ~ '^[a-z][a-z0-9_]*$'),
    constraint handler_is_qualified check (handler ~ '^[a-z_]+\.[a-z_][a-z0-9_]*$')
);

comment on table core.effect_handlers is
'Who carries an effect out: functions handler(tenant_id uuid, object text, record_id uuid, effect
jsonb, context jsonb) returns void, which run as the owner. Global reference data: the same for
every tenant.';
comment on column core.effect_handlers.is_open is
'Whether tenants may write it into what they define. Others are written by engines alone.';

create table core.effect_events (
    type text primary key references core.event_types (type)
);

comment on table core.effect_events is
'The types of events that the effect emit may emit: those which claim nothing that only the database
knows. Global reference data: the same for every tenant.';

alter table core.effect_handlers enable row level security;
alter table core.effect_events enable row level security;
create policy effect_handlers_read on core.effect_handlers for select to authenticated
using (true);
create policy effect_events_read on core.effect_events for select to authenticated using (true);
grant select on core.effect_handlers, core.effect_events to authenticated, service_role;

insert into core.event_types (type, description, permission) values
(
    'core.effect.skipped',
    'An effect was not carried out for a record. effect: which; why: a stable word.',
    'core.events.read'
);

insert into core.errors (code, status, message, hint) values
(
    'effect.malformed', 400, 'An effect is not built as it should be.',
    'Details name the place as a JSON pointer.'
),
(
    'effect.unknown', 400, 'There is no such effect.',
    'Details name the place as a JSON pointer.'
),
(
    'effect.too_deep', 400, 'Timers stand too deep in the effects of timers.',
    'Three are enough: start the next one when the third is due.'
),
(
    'effect.field_protected', 400, 'The field {field} cannot be set this way.',
    'Leave it out: functions of their own change it, or nothing does.'
),
(
    'effect.field_unknown', 400, 'The records have no field {field} that can be set.',
    'Compare the names with v1.object_fields; custom fields are named custom.name.'
),
(
    'effect.value_invalid', 400, 'A field cannot hold the value that an effect sets.',
    'Details name the place as a JSON pointer.'
),
(
    'effect.unsupported', 422, 'Nothing here carries out the effect {effect}.',
    'Leave it out, or apply the migration that brings it.'
),
(
    'effect.event_refused', 422, 'An effect may not emit events of the type {type}.',
    'Use <prefix>.signalled of the object; a migration adds types to core.effect_events.'
),
(
    'effect.template_refused', 422, 'An effect may not send {template} by {channel}.',
    'Name a template that tenants may write, and the channel email.'
);

-- Fields of a record ------------------------------------------------------------------------------

create function core.with_fields(record jsonb, fields jsonb) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    custom jsonb := '{}';
    columns jsonb := '{}';
    field record;
begin
    if coalesce(fields, '{}') = '{}' then
        return record;
    end if;
    for field in select entries.key, entries.value from jsonb_each(fields) as entries loop
        if field.key like 'custom.%' then
            custom := custom || jsonb_build_object(substr(field.key, 8), field.value);
        elsif field.key = 'custom' and jsonb_typeof(field.value) = 'object' then
            custom := custom || field.value;
        else
            columns := columns || jsonb_build_object(field.key, field.value);
        end if;
    end loop;
    if custom <> '{}' then
        columns := columns || jsonb_build_object(
            'custom', coalesce(record -> 'custom', '{}') || custom
        );
    end if;
    return record || columns;
end
$$;

comment on function core.with_fields(jsonb, jsonb) is
'A record as it would be with these fields: columns by their names, custom fields as custom.name or
in custom, which keeps what is not named. Internal.';

create function core.check_settable(object text, field text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if
        field in (
            'tenant_id', 'id', 'version', 'created_at', 'created_by', 'updated_at', 'updated_by',
            'pipeline_id', 'pipeline_version_id', 'stage', 'stage_kind', 'stage_entered_at'
        )
    then
        perform core.fail('effect.field_protected', jsonb_build_object('field', field));
    elsif
        field <> 'custom'
        and field not like 'custom.%'
        and not exists (
            select from core.object_fields as fields
            where
                fields.object = check_settable.object
                and fields.field = check_settable.field
                and fields.is_writable
        )
    then
        perform core.fail('effect.field_unknown', jsonb_build_object('field', field));
    end if;
end
$$;

comment on function core.check_settable(text, text) is
'Refuses a field that no client could set in records of the object. Raises effect.field_protected
and effect.field_unknown (400). Internal.';

create function core.field_assignments(object text, fields jsonb) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.check_settable(object, key) from jsonb_object_keys(fields) as key;
    return (
        select string_agg(distinct format('%1$I = given.%1$I', split_part(key, '.', 1)), ', ')
        from jsonb_object_keys(fields) as key
    );
end
$$;

comment on function core.field_assignments(text, jsonb) is
'The assignments of an update from a row called given that core.with_fields made: of the columns
that the fields stand in and no other, so that triggers see what is written. Null for no fields.
Raises effect.field_protected and effect.field_unknown (400). Internal.';

create function core.resolved_fields(object text, fields jsonb, at timestamptz) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select jsonb_object_agg(
            entries.key,
            case
                when entries.value ? 'after_s' and jsonb_typeof(entries.value) = 'object'
                    then to_jsonb(
                        case
                            when known.type = 'date' then (moments.moment at time zone 'UTC')::date
                                ::text
                            else to_jsonb(moments.moment) #>> '{}'
                        end
                    )
                else entries.value
            end
        )
        from jsonb_each(resolved_fields.fields) as entries
        cross join lateral (
            select resolved_fields.at + make_interval(
                secs => (
                    case
                        when jsonb_typeof(entries.value) = 'object'
                            then entries.value ->> 'after_s'
                    end
                )::double precision
            ) as moment
        ) as moments
        left join core.object_fields as known
            on known.object = resolved_fields.object and known.field = entries.key
    );
end
$$;

comment on function core.resolved_fields(text, jsonb, timestamptz) is
'Fields with what {"after_s": 0} stands for: an instant, or a day of UTC. Internal.';

-- Carrying out ------------------------------------------------------------------------------------

create function core.run_effects(
    tenant_id uuid, object text, record_id uuid, effects jsonb, context jsonb default '{}'
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    wanted jsonb;
    known core.effect_handlers;
begin
    for wanted in select element from jsonb_array_elements(effects) as element loop
        select * into known
        from core.effect_handlers as handlers
        where handlers.effect = wanted ->> 'effect';
        if not found then
            perform core.fail(
                'effect.unsupported', jsonb_build_object('effect', wanted ->> 'effect')
            );
        end if;
        execute format('select %s($1, $2, $3, $4, $5)', known.handler)
        using tenant_id, object, record_id, wanted, coalesce(context, '{}');
    end loop;
end
$$;

comment on function core.run_effects(uuid, text, uuid, jsonb, jsonb) is
'Carries effects out for a record, in their order and in this transaction. context: what they
follow, such as {"from", "to", "reason", "actor": {"kind", "id"}}. What a handler raises is raised.
Raises effect.unsupported (422). Internal.';

create function core.skip_effect(
    tenant_id uuid, object text, record_id uuid, effect jsonb, why text
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.emit(
        skip_effect.tenant_id, 'core.effect.skipped', (core.object_named(object)).singular,
        record_id, jsonb_build_object('effect', effect ->> 'effect', 'why', why)
    );
end
$$;

comment on function core.skip_effect(uuid, text, uuid, jsonb, text) is
'Says that an effect was not carried out, by the event core.effect.skipped: what it follows is not
undone for want of an address. For handlers. Internal.';

create function core.effect_set_fields(
    tenant_id uuid, object text, record_id uuid, effect jsonb, context jsonb
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    caller_kind constant text := current_setting('tenon.caller_kind', true);
    caller_id constant text := current_setting('tenon.caller_id', true);
    relation constant text := (core.object_named(object)).relation;
    fields constant jsonb := core.resolved_fields(object, effect -> 'fields', clock_timestamp());
begin
    -- An error takes the settings back with everything else.
    perform
        set_config('tenon.caller_kind', 'system', true), set_config('tenon.caller_id', '', true);
    execute format(
        'update %1$s as record set %2$s from jsonb_populate_record(null::%1$s, $3) as given '
        'where record.tenant_id = $1 and record.id = $2',
        relation, core.field_assignments(object, fields)
    )
    using
        tenant_id, record_id,
        core.with_fields(core.record(object, tenant_id, record_id), fields);
    perform
        set_config('tenon.caller_kind', coalesce(caller_kind, ''), true),
        set_config('tenon.caller_id', coalesce(caller_id, ''), true);
end
$$;

comment on function core.effect_set_fields(uuid, text, uuid, jsonb, jsonb) is
'The effect set_fields: {"fields": {"name": value}}. The system sets them: a field that is hidden
from whoever moves the record is set all the same. Internal.';

create function core.effect_emit(
    tenant_id uuid, object text, record_id uuid, effect jsonb, context jsonb
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from core.effect_events as allowed
        where allowed.type = effect_emit.effect ->> 'type'
    ) then
        perform core.fail(
            'effect.event_refused', jsonb_build_object('type', effect_emit.effect ->> 'type')
        );
    end if;
    perform core.emit(
        effect_emit.tenant_id, effect_emit.effect ->> 'type',
        (core.object_named(effect_emit.object)).singular, effect_emit.record_id,
        core.effect_data(
            effect_emit.effect -> 'data',
            core.record(effect_emit.object, effect_emit.tenant_id, effect_emit.record_id)
        )
    );
end
$$;

comment on function core.effect_emit(uuid, text, uuid, jsonb, jsonb) is
'The effect emit: {"type", "data"}. Raises effect.event_refused (422). Internal.';

create function core.effect_data(data jsonb, record jsonb) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        (
            select jsonb_object_agg(
                entries.key,
                case
                    when
                        jsonb_typeof(entries.value) = 'object'
                        and entries.value - 'field' = '{}'
                        and entries.value ? 'field'
                        then core.field_value(record, entries.value ->> 'field')
                    else entries.value
                end
            )
            from jsonb_each(data) as entries
        ),
        '{}'
    );
end
$$;

comment on function core.effect_data(jsonb, jsonb) is
'The data of an effect, with the record''s values for {"field": "name"}. Internal.';

create function core.field_value(record jsonb, field text) returns jsonb
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return case
    when field like 'custom.%' then record -> 'custom' -> substr(field, 8) else record -> field
end;

comment on function core.field_value(jsonb, text) is
'The value of a field of a record, which may be a custom one. Internal.';

create function core.member_email(tenant_id uuid, user_id uuid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    place uuid := member_email.tenant_id;
begin
    while place is not null loop
        if exists (
            select from core.members
            where
                members.tenant_id = place
                and members.user_id = member_email.user_id
                and members.status = 'active'
        ) then
            return (select users.email from auth.users where users.id = member_email.user_id);
        end if;
        select tenants.parent_id into place from core.tenants where tenants.id = place;
    end loop;
    return null;
end
$$;

comment on function core.member_email(uuid, uuid) is
'The address of an active member of the tenant or of one above it; null for anybody else.
Internal.';

create function core.effect_deliver(
    tenant_id uuid, object text, record_id uuid, effect jsonb, context jsonb
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    record constant jsonb := core.record(object, tenant_id, record_id);
    recipient_named constant jsonb := effect -> 'to';
    user_named constant text := recipient_named ->> 'user';
    recipient text;
begin
    perform core.check_effect_template(effect ->> 'template', effect ->> 'channel');
    if jsonb_typeof(recipient_named) = 'string' then
        recipient := recipient_named #>> '{}';
    elsif recipient_named ? 'field' then
        recipient := core.field_value(record, recipient_named ->> 'field') #>> '{}';
    else
        recipient := core.member_email(
            tenant_id,
            (
                case user_named
                    when 'owner' then record ->> (core.object_named(object)).owner_column
                    when 'actor' then context #>> '{actor,id}'
                    else user_named
                end
            )::uuid
        );
    end if;
    if (recipient ~ '^[^@\s]+@[^@\s]+$') is not true then
        perform core.skip_effect(tenant_id, object, record_id, effect, 'recipient_missing');
        return;
    end if;
    perform core.enqueue_delivery(
        tenant_id, effect ->> 'channel', recipient, effect ->> 'template',
        core.effect_data(effect -> 'data', record)
    );
end
$$;

comment on function core.effect_deliver(uuid, text, uuid, jsonb, jsonb) is
'The effect deliver: {"channel", "template", "to", "data"}. to: {"field": name}, {"user": "owner"},
{"user": "actor"}, {"user": id} of a member, or an address. Without an address it is skipped. Raises
effect.template_refused (422). Internal.';

create function core.check_effect_template(template text, channel text) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    -- A mail that brings a token, or one of the platform's own, is not a tenant's to send.
    if
        check_effect_template.channel is distinct from 'email'
        or not exists (
            select from core.template_kinds as kinds
            where
                kinds.template = check_effect_template.template
                and kinds.is_open_to_tenants
                and not kinds.holds_secrets
        )
    then
        perform core.fail(
            'effect.template_refused',
            jsonb_build_object(
                'template', check_effect_template.template,
                'channel', check_effect_template.channel
            )
        );
    end if;
end
$$;

comment on function core.check_effect_template(text, text) is
'Refuses what an effect may not send. Raises effect.template_refused (422). Internal.';

insert into core.effect_handlers (effect, handler, description) values
('set_fields', 'core.effect_set_fields', 'Sets fields of the record.'),
('emit', 'core.effect_emit', 'Emits an event about the record.'),
('deliver', 'core.effect_deliver', 'Enqueues a mail.');

-- Checking ----------------------------------------------------------------------------------------

create function core.effect_problem(tenant_id uuid, object text, effect jsonb) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if not exists (
        select from core.effect_handlers as handlers
        where handlers.effect = effect_problem.effect ->> 'effect' and handlers.is_open
    ) then
        perform core.fail(
            'effect.unsupported',
            jsonb_build_object('effect', effect_problem.effect ->> 'effect')
        );
    end if;
    case effect_problem.effect ->> 'effect'
        when 'set_fields' then
            perform core.check_settable(effect_problem.object, key)
            from jsonb_object_keys(effect_problem.effect -> 'fields') as key;
        when 'emit' then
            if not exists (
                select from core.effect_events as allowed
                where allowed.type = effect_problem.effect ->> 'type'
            ) then
                perform core.fail(
                    'effect.event_refused',
                    jsonb_build_object('type', effect_problem.effect ->> 'type')
                );
            end if;
        when 'deliver' then
            perform core.check_effect_template(
                effect_problem.effect ->> 'template', effect_problem.effect ->> 'channel'
            );
        else
            null;
    end case;
    return null;
exception
    when sqlstate 'PGRST' then
        return jsonb_build_object(
            'code', sqlerrm::jsonb ->> 'code', 'problem', sqlerrm::jsonb ->> 'message'
        );
end
$$;

comment on function core.effect_problem(uuid, text, jsonb) is
'Why an effect that is well formed cannot be carried out for records of the object: {"code",
"problem"}; null when it can. Internal.';

revoke all on function
core.with_fields(jsonb, jsonb),
core.check_settable(text, text),
core.field_assignments(text, jsonb),
core.resolved_fields(text, jsonb, timestamptz),
core.run_effects(uuid, text, uuid, jsonb, jsonb),
core.skip_effect(uuid, text, uuid, jsonb, text),
core.effect_set_fields(uuid, text, uuid, jsonb, jsonb),
core.effect_emit(uuid, text, uuid, jsonb, jsonb),
core.effect_data(jsonb, jsonb),
core.field_value(jsonb, text),
core.member_email(uuid, uuid),
core.effect_deliver(uuid, text, uuid, jsonb, jsonb),
core.check_effect_template(text, text),
core.effect_problem(uuid, text, jsonb)
from public;

select core.map_not_personal('Written by migrations.', 'core.effect_handlers.description');
