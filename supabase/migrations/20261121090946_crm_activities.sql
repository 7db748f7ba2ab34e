-- Activities: what is to be done and what was done, with whom and about what.
--
-- A task, a call, a meeting, a note and an e-mail are one kind of record, because a timeline shows
-- them together and a list of what is due does too. Each hangs on any number of records of any
-- object by crm.activity_links.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('crm.activities.read', 'See tasks, calls, meetings, notes and e-mails.'),
('crm.activities.write', 'Add, change, finish and remove tasks, calls, meetings, notes, e-mails.');
select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent', 'analyst', 'viewer'],
    array['crm.activities.read']
);
select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent'], array['crm.activities.write']
);

create table crm.activities (
    tenant_id uuid not null default core.sole_tenant_with('crm.activities.write', 'own')
    references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    type text not null,
    subject text not null,
    body text,
    direction text,
    priority text not null default 'normal',
    starts_at timestamptz,
    ends_at timestamptz,
    due_at timestamptz,
    remind_at timestamptz,
    reminded_at timestamptz,
    done_at timestamptz,
    outcome text,
    is_pinned boolean not null default false,
    source text,
    external_id text,
    owner_id uuid default core.default_owner() references auth.users (id) on delete set null,
    team_id uuid,
    custom jsonb not null default '{}',
    version integer not null default 1,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    updated_at timestamptz not null default now(),
    updated_by uuid,
    primary key (tenant_id, id),
    foreign key (tenant_id, team_id) references core.teams (tenant_id, id)
    on delete set null (team_id),
    constraint activity_external_id_is_unique unique (tenant_id, external_id),
    constraint type_is_known check (type in ('task', 'call', 'meeting', 'note', 'email')),
    constraint direction_is_known check (direction in ('inbound', 'outbound')),
    constraint priority_is_known check (priority in ('low', 'normal', 'high')),
    constraint ends_after_it_starts check (ends_at >= starts_at),
    constraint texts_are_short check (
        char_length(subject) between 1 and 500 and char_length(body) <= 100000
        and char_length(outcome) <= 2000 and char_length(source) <= 200
        and char_length(external_id) between 1 and 200
    ),
    constraint custom_is_an_object check (jsonb_typeof(custom) = 'object')
);
create index activities_due on crm.activities (tenant_id, due_at)
where done_at is null and due_at is not null;
create index activities_done on crm.activities (tenant_id, done_at)
where done_at is not null;
create index activities_reminders on crm.activities (remind_at)
where reminded_at is null and done_at is null and remind_at is not null;
create index activities_owner on crm.activities (owner_id, tenant_id) where owner_id is not null;
create index activities_team on crm.activities (tenant_id, team_id) where team_id is not null;
create index activities_created_at on crm.activities (tenant_id, created_at desc, id);

comment on table crm.activities is
'Tasks, calls, meetings, notes and e-mails: what is to be done and what was done.';
comment on column crm.activities.type is 'task, call, meeting, note or email.';
comment on column crm.activities.direction is 'Of a call or an e-mail: inbound or outbound.';
comment on column crm.activities.due_at is 'Until when it is to be done.';
comment on column crm.activities.remind_at is 'When its owner is to be reminded of it.';
comment on column crm.activities.reminded_at is 'When its owner was reminded of it.';
comment on column crm.activities.done_at is 'When it was done; null while it is open.';
comment on column crm.activities.outcome is 'What came of it.';
comment on column crm.activities.is_pinned is 'Whether it stands before the others.';
comment on column crm.activities.owner_id is 'Whose it is to do.';

create table crm.activity_links (
    tenant_id uuid not null default core.sole_tenant_with('crm.activities.write', 'own'),
    activity_id uuid not null,
    object text not null references core.objects (object),
    record_id uuid not null,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, activity_id, object, record_id),
    foreign key (tenant_id, activity_id) references crm.activities (tenant_id, id)
    on delete cascade
);
create index activity_links_record on crm.activity_links (tenant_id, record_id, created_at desc);
create index activity_links_object on crm.activity_links (object);

comment on table crm.activity_links is
'On which records activities hang: contacts, deals, vehicles.';

select core.guard('crm.activities', 'crm.activities', 'owner_id', 'team_id');
-- To note a call it takes the right to write activities, and no more of the record than to see it.
select core.guard_linked('crm.activity_links', 'read');
create policy activity_links_add on crm.activity_links as restrictive for insert to authenticated
with check (core.reaches_record('crm.activities', tenant_id, activity_id, 'write'));
create policy activity_links_remove on crm.activity_links as restrictive for delete to authenticated
using (core.reaches_record('crm.activities', tenant_id, activity_id, 'write'));

grant select, delete on crm.activities, crm.activity_links to authenticated;
grant insert (
    tenant_id, id, type, subject, body, direction, priority, starts_at, ends_at, due_at, remind_at,
    done_at, outcome, is_pinned, source, external_id, owner_id, team_id, custom
) on crm.activities to authenticated;
grant update (
    type, subject, body, direction, priority, starts_at, ends_at, due_at, remind_at,
    done_at, outcome, is_pinned, source, external_id, owner_id, team_id, custom
) on crm.activities to authenticated;
grant insert (tenant_id, activity_id, object, record_id) on crm.activity_links to authenticated;
grant all on crm.activities, crm.activity_links to service_role;

select
    core.register_object(
        'crm.activities', 'crm.activities', 'activity', 'subject', 'owner_id', 'team_id'
    );

select
    core.map_personal(
        'crm.activities.' || mapped, 'user.unique_id', mapped || ' is user_id', 'set_null'
    )
from unnest(array['owner_id', 'created_by', 'updated_by']) as mapped;
select
    core.map_personal(
        'crm.activity_links.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
    );
select
    core.map_personal(
        'crm.activity_links.record_id', 'user.unique_id', 'record_id in crm.contacts.id', 'keep',
        'That somebody was called stays; what was said about them is erased.'
    );
select
    core.map_personal(
        'crm.activities.' || mapped, 'user.content', 'id in crm.activity_links.activity_id', erasure
    )
from (
    values ('subject', 'pseudonymise'), ('body', 'set_null'), ('outcome', 'set_null')
) as line (mapped, erasure);
select
    core.map_personal(
        'crm.activity_links.activity_id', 'user.unique_id', 'record_id in crm.contacts.id', 'keep',
        'As record_id.'
    );
select
    core.map_not_personal(
        'The tenant''s own fields of an activity, which describe work.', 'crm.activities.custom'
    );

select core.audit('crm.activities'::regclass, '{version,updated_at,updated_by}');
select core.audit('crm.activity_links'::regclass);

create view v1.activities with (security_invoker = true) as
select
    activities.tenant_id,
    activities.id,
    activities.type,
    activities.subject,
    activities.body,
    activities.direction,
    activities.priority,
    activities.starts_at,
    activities.ends_at,
    activities.due_at,
    activities.remind_at,
    activities.reminded_at,
    activities.done_at,
    activities.outcome,
    activities.is_pinned,
    activities.source,
    activities.external_id,
    activities.owner_id,
    activities.team_id,
    activities.custom,
    activities.version,
    activities.created_at,
    activities.created_by,
    activities.updated_at,
    activities.updated_by
from crm.activities;

comment on view v1.activities is
'Tasks, calls, meetings, notes and e-mails. Reading needs crm.activities.read, inserts, updates and
deletes crm.activities.write; a role with the scope own or team reaches the records of that owner or
those teams.';

create view v1.activity_links with (security_invoker = true) as
select
    activity_links.tenant_id,
    activity_links.activity_id,
    activity_links.object,
    activity_links.record_id,
    activity_links.created_at,
    activity_links.created_by
from crm.activity_links;

comment on view v1.activity_links is
'On which records activities hang. Whoever may read a record sees what hangs on it, and hangs own
activities on it.';

select core.grant_as(('v1.' || named)::regclass, ('crm.' || named)::regclass)
from unnest(array['activities', 'activity_links']) as named;
