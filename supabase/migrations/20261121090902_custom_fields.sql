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
'Of the values in core.custom_values: gathering, ready, or not_unique, where unique was asked for
and records share a value, so that it was taken away again. Null where the field is neither unique
nor indexed.';
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
        'core.custom_values.text_value', 'core.custom_values.number_value',
        'core.custom_values.instant_value', 'core.custom_values.record_id'
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
    'field.key_invalid', 400,
    'A field is named by a word of at most 63 letters a to z, digits and _.',
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
