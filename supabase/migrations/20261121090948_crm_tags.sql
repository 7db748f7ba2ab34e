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
create index attachments_path on crm.attachments (tenant_id, bucket, path);
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
        'crm.attachments.' || mapped, 'user.content', 'record_id in crm.contacts.id', 'delete_row'
    )
from unnest(array['name', 'path']) as mapped;
select core.map_not_personal('A word of the tenant''s.', 'crm.tags.name');

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

select core.grant_as(('v1.' || named)::regclass, ('crm.' || named)::regclass)
from unnest(array['tags', 'attachments', 'taggings']) as named;

-- The bytes ---------------------------------------------------------------------------------------

create function crm.may_store(path text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    folders constant text[] := string_to_array(path, '/');
    uuid_pattern constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
begin
    return coalesce(
        cardinality(folders) = 4
        and folders[1] ~ uuid_pattern
        and folders[3] ~ uuid_pattern
        and exists (select from core.objects where objects.object = folders[2])
        and core.reaches_record(folders[2], folders[1]::uuid, folders[3]::uuid, 'write'),
        false
    );
end
$$;

comment on function crm.may_store(text) is
'Whether the caller may put a file at a path of the bucket attachments, which is
{tenant_id}/{object}/{record_id}/{file}: where the record may be written. Signed-in users may call
it.';

create function crm.may_fetch(path text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return crm.may_store(path) or exists (
        select from crm.attachments
        where
            attachments.tenant_id::text = split_part(may_fetch.path, '/', 1)
            and attachments.bucket = 'attachments'
            and attachments.path = may_fetch.path
    );
end
$$;

comment on function crm.may_fetch(text) is
'Whether the caller may have a file of the bucket attachments: one that hangs on a record that they
may read, or that they might put there. Signed-in users may call it.';
revoke all on function crm.may_store(text), crm.may_fetch(text) from public;
grant execute on function crm.may_store(text), crm.may_fetch(text) to authenticated, service_role;

-- On Supabase the role postgres may make buckets, and policies on storage.objects. Where it may
-- not, or there is no Storage, files are kept elsewhere and attachments name where.
do $$
begin
    if to_regclass('storage.objects') is not null then
        insert into storage.buckets (id, name, public)
        values ('attachments', 'attachments', false)
        on conflict do nothing;
        execute 'drop policy if exists attachments_fetch on storage.objects';
        execute
            'create policy attachments_fetch on storage.objects for select to authenticated '
            'using (bucket_id = ''attachments'' and crm.may_fetch(name))';
        execute 'drop policy if exists attachments_store on storage.objects';
        execute
            'create policy attachments_store on storage.objects for insert to authenticated '
            'with check (bucket_id = ''attachments'' and crm.may_store(name))';
        execute 'drop policy if exists attachments_replace on storage.objects';
        execute
            'create policy attachments_replace on storage.objects for update to authenticated '
            'using (bucket_id = ''attachments'' and crm.may_store(name)) '
            'with check (bucket_id = ''attachments'' and crm.may_store(name))';
        execute 'drop policy if exists attachments_remove on storage.objects';
        execute
            'create policy attachments_remove on storage.objects for delete to authenticated '
            'using (bucket_id = ''attachments'' and crm.may_store(name))';
    end if;
exception
    when insufficient_privilege then
        raise warning 'the bytes of attachments are not guarded: %', sqlerrm;
end
$$;
