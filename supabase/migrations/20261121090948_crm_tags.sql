-- Tags and attachments: what people stick to records of any object.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('crm.tags.read', 'See the tags that there are.'),
('crm.tags.write', 'Make, rename and remove tags.');
select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent', 'analyst', 'viewer'], array['crm.tags.read']
);
select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'agent'], array['crm.tags.write']
);

create table crm.tags (
    tenant_id uuid not null default core.sole_tenant_with('crm.tags.write')
    references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    name text not null,
    color text,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint name_is_short check (char_length(name) between 1 and 100),
    constraint color_is_hexadecimal check (color ~ '^#[0-9a-f]{6}$')
);
create unique index tag_name_is_unique on crm.tags (tenant_id, lower(name));

comment on table crm.tags is 'Words that a tenant sorts its records by.';
comment on column crm.tags.color is 'As #rrggbb.';

create table crm.taggings (
    tenant_id uuid not null default core.sole_tenant_with('crm.tags.read', 'own'),
    tag_id uuid not null,
    object text not null references core.objects (object),
    record_id uuid not null,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, tag_id, object, record_id),
    foreign key (tenant_id, tag_id) references crm.tags (tenant_id, id) on delete cascade
);
create index taggings_record on crm.taggings (tenant_id, record_id);
create index taggings_object on crm.taggings (object);

comment on table crm.taggings is 'Which record has which tag.';

create table crm.attachments (
    tenant_id uuid not null default core.sole_tenant_with('core.tenants.read', 'own'),
    id uuid not null default gen_random_uuid(),
    object text not null references core.objects (object),
    record_id uuid not null,
    bucket text not null,
    path text not null,
    name text not null,
    media_type text,
    size_bytes bigint,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint attachment_is_attached_once unique (tenant_id, object, record_id, bucket, path),
    constraint bucket_is_short check (char_length(bucket) between 1 and 100),
    constraint path_begins_with_the_tenant check (
        char_length(path) between 38 and 1000 and path like tenant_id || '/%'
        and path !~ '(^|/)\.\.?(/|$)'
    ),
    constraint name_is_short check (char_length(name) between 1 and 500),
    constraint media_type_is_short check (char_length(media_type) <= 200),
    constraint size_is_counted check (size_bytes >= 0)
);
create index attachments_record on crm.attachments (tenant_id, record_id, created_at desc);
create index attachments_object on crm.attachments (object);

comment on table crm.attachments is
'Files of records: where they are in Supabase Storage, whose own policies guard the bytes.';
comment on column crm.attachments.path is
'In the bucket; its first folder is the tenant''s id, by which policies of storage can tell.';
comment on column crm.attachments.name is 'What the file is called for people.';

select core.guard('crm.tags', 'crm.tags');
select core.guard_linked('crm.taggings');
select core.guard_linked('crm.attachments');

grant select, delete on crm.tags, crm.taggings, crm.attachments to authenticated;
grant insert (tenant_id, id, name, color) on crm.tags to authenticated;
grant update (name, color) on crm.tags to authenticated;
grant insert (tenant_id, tag_id, object, record_id) on crm.taggings to authenticated;
grant insert (
    tenant_id, id, object, record_id, bucket, path, name, media_type, size_bytes
) on crm.attachments to authenticated;
grant update (name) on crm.attachments to authenticated;
grant all on crm.tags, crm.taggings, crm.attachments to service_role;

select core.map_personal(mapped, 'user.unique_id', 'created_by is user_id', 'set_null')
from
    unnest(
        array['crm.tags.created_by', 'crm.taggings.created_by', 'crm.attachments.created_by']
    ) as mapped;
select
    core.map_personal(
        'crm.attachments.id', 'user.content', 'record_id in crm.contacts.id', 'delete_row'
    );
select
    core.map_not_personal(
        'A word of the tenant''s, or goes with its row.', 'crm.tags.name', 'crm.attachments.name'
    );

select core.audit('crm.tags'::regclass);
select core.audit('crm.taggings'::regclass);
select core.audit('crm.attachments'::regclass);

create view v1.tags with (security_invoker = true) as
select
    tags.tenant_id,
    tags.id,
    tags.name,
    tags.color,
    tags.created_at,
    tags.created_by
from crm.tags;

comment on view v1.tags is
'Tags. Reading needs crm.tags.read, inserts, updates and deletes crm.tags.write.';

create view v1.taggings with (security_invoker = true) as
select
    taggings.tenant_id,
    taggings.tag_id,
    taggings.object,
    taggings.record_id,
    taggings.created_at,
    taggings.created_by
from crm.taggings;

comment on view v1.taggings is
'Which record has which tag. Whoever may read (write) a record may read (write) its tags.';

create view v1.attachments with (security_invoker = true) as
select
    attachments.tenant_id,
    attachments.id,
    attachments.object,
    attachments.record_id,
    attachments.bucket,
    attachments.path,
    attachments.name,
    attachments.media_type,
    attachments.size_bytes,
    attachments.created_at,
    attachments.created_by
from crm.attachments;

comment on view v1.attachments is
'Files of records. Whoever may read (write) a record may read (write) its attachments; the bytes are
guarded by the policies of storage.';

grant select, insert, update, delete on v1.tags, v1.attachments to authenticated, service_role;
grant select, insert, delete on v1.taggings to authenticated, service_role;
