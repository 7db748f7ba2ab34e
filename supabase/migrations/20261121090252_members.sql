-- Members come by invitation, change their roles, and go.
--
-- Three rules hold on every path: nobody gives what they do not hold, nobody changes whoever holds
-- more than themselves, and the last owner of a tenant cannot go, not even two of them at once.

set local lock_timeout = '5s';

create function core.keep_an_owner() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    if
        old.role_id is distinct from core.owner_role_id()
        or old.status <> 'active'
        or (tg_op = 'UPDATE' and new.role_id = old.role_id and new.status = old.status)
    then
        return null;
    end if;
    -- Two owners who go at the same moment go one after the other. The row is written, not only
    -- locked: whoever waited and goes by an older snapshot is refused then, and tries again.
    update core.tenants set status = tenants.status where tenants.id = old.tenant_id;
    if not exists (
        select from core.members
        where
            members.tenant_id = old.tenant_id
            and members.role_id = old.role_id
            and members.status = 'active'
    ) then
        perform core.fail('member.last_owner');
    end if;
    return null;
end
$$;

comment on function core.keep_an_owner() is
'Trigger after update and delete of members: the last active owner of a tenant stays one.
Raises member.last_owner (409).';

create trigger an_owner_stays after update or delete on core.members
for each row execute function core.keep_an_owner();

create function core.forget_member_answers() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    delete from core.idempotency_keys
    where
        idempotency_keys.tenant_id in (old.tenant_id, core.platform_tenant_id())
        and idempotency_keys.caller_kind = 'user'
        and idempotency_keys.caller_id = old.user_id
        and idempotency_keys.transaction <> pg_current_xact_id();
    return null;
end
$$;

comment on function core.forget_member_answers() is
'Trigger after a member''s role or status changes, or the member goes: answers kept for repeated
requests go too, or they would be had without the permission that they took.';

create trigger answers_are_forgotten after update of role_id, status or delete on core.members
for each row execute function core.forget_member_answers();

create function core.member_in(tenant_id uuid, user_id uuid) returns core.members
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    member core.members;
begin
    select members.* into member
    from core.members
    where members.tenant_id = member_in.tenant_id and members.user_id = member_in.user_id
    for update;
    if member.user_id is null then
        perform core.fail('member.unknown', jsonb_build_object('user_id', member_in.user_id));
    end if;
    perform core.check_may_grant_role(tenant_id, member.role_tenant_id, member.role_id);
    return member;
end
$$;

comment on function core.member_in(uuid, uuid) is
'A member, locked, whom the caller may change: one who holds no more than the caller. Raises
member.unknown (404) and access.beyond_own (403). Internal.';

create function core.member_answer(member core.members) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object(
        'tenant_id', member.tenant_id,
        'user_id', member.user_id,
        'role', (
            select roles.slug from core.roles
            where roles.tenant_id = member.role_tenant_id and roles.id = member.role_id
        ),
        'status', member.status
    );
end
$$;

comment on function core.member_answer(core.members) is
'A member as functions of v1 answer: {tenant_id, user_id, role, status}. Internal.';

create table core.invitations (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    email text not null,
    role_tenant_id uuid not null,
    role_id uuid not null,
    token_hash bytea not null,
    expires_at timestamptz not null,
    accepted_at timestamptz,
    accepted_by uuid,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint token_hash_is_unique unique (token_hash),
    foreign key (role_tenant_id, role_id) references core.roles (tenant_id, id) on delete cascade,
    constraint email_is_folded check (email = lower(email) and email ~ '^[^@\s]+@[^@\s]+$'),
    constraint role_is_own_or_system
    check (role_tenant_id in (tenant_id, '00000000-0000-0000-0000-000000000000'))
);
create index invitations_email on core.invitations (email);
create index invitations_role on core.invitations (role_tenant_id, role_id);

comment on table core.invitations is
'Invitations to become a member: for one address, once, until they expire.';
comment on column core.invitations.token_hash is
'SHA-256 of the token, which only its receiver has.';

alter table core.invitations enable row level security;
create policy invitations_read on core.invitations for select to authenticated
using (tenant_id = any((select core.tenants_with('core.members.read'))::uuid[]));
grant select (
    tenant_id, id, email, role_tenant_id, role_id, expires_at, accepted_at, accepted_by,
    revoked_at, created_at, created_by
) on core.invitations to authenticated;
grant all on core.invitations to service_role;

create function core.invite(email text, role text, valid_hours integer) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
    address constant text := lower(trim(invite.email));
    token constant text := tenon.token('inv');
    held record;
    invitation core.invitations;
begin
    held := core.role_named(owner_id, invite.role);
    perform core.check_may_grant_role(owner_id, held.role_tenant_id, held.role_id);
    if (address ~ '^[^@\s]+@[^@\s]+$' and octet_length(address) <= 254) is not true then
        perform core.fail('core.email_invalid');
    elsif (valid_hours between 1 and 8760) is not true then
        perform core.fail('invitation.validity_invalid');
    elsif not core.email_allowed(owner_id, address) then
        perform core.fail('invitation.domain_refused');
    elsif exists (
        select
        from core.members
        inner join auth.users on users.id = members.user_id
        where members.tenant_id = owner_id and lower(users.email) = address
    ) then
        perform core.fail('invitation.already_member');
    end if;
    -- A new invitation of an address takes the place of the one before.
    update core.invitations set revoked_at = now()
    where
        invitations.tenant_id = owner_id
        and invitations.email = address
        and invitations.accepted_at is null
        and invitations.revoked_at is null;
    insert into core.invitations (
        tenant_id, email, role_tenant_id, role_id, token_hash, expires_at
    )
    values (
        owner_id, address, held.role_tenant_id, held.role_id,
        sha256(convert_to(token, 'UTF8')), now() + make_interval(hours => valid_hours)
    )
    returning * into invitation;
    perform core.enqueue_delivery(
        owner_id, 'email', address, 'core.invitation',
        jsonb_build_object(
            'token', token, 'role', invite.role, 'expires_at', invitation.expires_at,
            'tenant', (select tenants.name from core.tenants where tenants.id = owner_id)
        )
    );
    perform core.emit(
        owner_id, 'core.member.invited', 'invitation', invitation.id,
        jsonb_build_object('role', invite.role)
    );
    return jsonb_build_object(
        'id', invitation.id, 'tenant_id', owner_id, 'email', address, 'role', invite.role,
        'expires_at', invitation.expires_at, 'token', token
    );
end
$$;

comment on function core.invite(text, text, integer) is
'What v1.invite does. Definer, because it writes core.invitations. Signed-in users may call it.';

create function core.revoke_invitation(id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
begin
    update core.invitations set revoked_at = coalesce(invitations.revoked_at, now())
    where
        invitations.tenant_id = owner_id
        and invitations.id = revoke_invitation.id
        and invitations.accepted_at is null;
    if not found then
        perform core.fail('invitation.invalid');
    end if;
    return jsonb_build_object('id', revoke_invitation.id, 'revoked', true);
end
$$;

comment on function core.revoke_invitation(uuid) is
'What v1.revoke_invitation does. Definer, because it writes core.invitations. Signed-in users may
call it.';

create function core.accept_invitation(token text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
    invitation core.invitations;
    address text;
    member core.members;
begin
    if caller.kind <> 'user' then
        perform core.fail('access.user_needed');
    end if;
    -- The address as the database knows it, and confirmed: not the token's word for it.
    select lower(users.email) into address
    from auth.users
    where users.id = caller.id and users.email_confirmed_at is not null;
    select invitations.* into invitation
    from core.invitations
    where invitations.token_hash = sha256(convert_to(accept_invitation.token, 'UTF8'))
    for update;
    if (invitation.email = address) is not true then
        perform core.fail('invitation.invalid');
    elsif invitation.accepted_at is not null then
        perform core.fail('invitation.used');
    elsif invitation.revoked_at is not null then
        perform core.fail('invitation.revoked');
    elsif invitation.expires_at <= clock_timestamp() then
        perform core.fail('invitation.expired');
    elsif not exists (
        select from core.tenants
        where tenants.id = invitation.tenant_id and tenants.status = 'active'
    ) then
        perform core.fail('invitation.invalid');
    elsif not core.email_allowed(invitation.tenant_id, address) then
        perform core.fail('invitation.domain_refused');
    end if;
    insert into core.members (tenant_id, user_id, role_tenant_id, role_id, created_by)
    values (
        invitation.tenant_id, caller.id, invitation.role_tenant_id, invitation.role_id,
        invitation.created_by
    )
    on conflict do nothing
    returning * into member;
    if member.user_id is null then
        perform core.fail('invitation.already_member');
    end if;
    update core.invitations set accepted_at = now(), accepted_by = caller.id
    where
        invitations.tenant_id = invitation.tenant_id
        and invitations.id = invitation.id;
    perform core.emit(
        invitation.tenant_id, 'core.member.joined', 'member', caller.id,
        jsonb_build_object('invitation', invitation.id)
    );
    return core.member_answer(member);
end
$$;

comment on function core.accept_invitation(text) is
'What v1.accept_invitation does. Definer, because whoever accepts is no member yet. Signed-in users
may call it.';

create function core.set_member_role(user_id uuid, role text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
    member core.members := core.member_in(owner_id, set_member_role.user_id);
    held record;
begin
    held := core.role_named(owner_id, set_member_role.role);
    perform core.check_may_grant_role(owner_id, held.role_tenant_id, held.role_id);
    update core.members
    set role_tenant_id = held.role_tenant_id, role_id = held.role_id
    where members.tenant_id = owner_id and members.user_id = member.user_id
    returning * into member;
    perform core.emit(
        owner_id, 'core.member.role_changed', 'member', member.user_id,
        jsonb_build_object('role', set_member_role.role)
    );
    return core.member_answer(member);
end
$$;

comment on function core.set_member_role(uuid, text) is
'What v1.set_member_role does. Definer, because it writes core.members. Signed-in users may call
it.';

create function core.set_member_status(user_id uuid, status text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
    member core.members := core.member_in(owner_id, set_member_status.user_id);
begin
    if member.status <> set_member_status.status then
        update core.members set status = set_member_status.status
        where members.tenant_id = owner_id and members.user_id = member.user_id
        returning * into member;
        perform core.emit(
            owner_id,
            case member.status
                when 'active' then 'core.member.resumed' else 'core.member.suspended'
            end,
            'member', member.user_id
        );
    end if;
    return core.member_answer(member);
end
$$;

comment on function core.set_member_status(uuid, text) is
'What v1.suspend_member and v1.resume_member do. Definer, because it writes core.members.
Signed-in users may call it.';

create function core.drop_member(tenant_id uuid, user_id uuid) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    delete from core.members
    where members.tenant_id = drop_member.tenant_id and members.user_id = drop_member.user_id;
    perform core.emit(
        drop_member.tenant_id, 'core.member.left', 'member', drop_member.user_id
    );
end
$$;

comment on function core.drop_member(uuid, uuid) is 'Takes a member out of a tenant. Internal.';

create function core.remove_member(user_id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.members.write');
    member core.members := core.member_in(owner_id, remove_member.user_id);
begin
    perform core.drop_member(owner_id, member.user_id);
    return core.member_answer(member) || '{"status": "left"}';
end
$$;

comment on function core.remove_member(uuid) is
'What v1.remove_member does. Definer, because it writes core.members. Signed-in users may call it.';

create function core.leave_tenant(tenant_id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
    member core.members;
begin
    select members.* into member
    from core.members
    where
        members.tenant_id = leave_tenant.tenant_id
        and members.user_id = caller.id
        and caller.kind = 'user'
    for update;
    if member.user_id is null then
        perform core.fail('member.unknown', jsonb_build_object('user_id', caller.id));
    end if;
    perform core.drop_member(member.tenant_id, member.user_id);
    return core.member_answer(member) || '{"status": "left"}';
end
$$;

comment on function core.leave_tenant(uuid) is
'What v1.leave_tenant does. Definer, because it writes core.members. Signed-in users may call it.';

create function core.transfer_ownership(user_id uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.tenants.own');
    admin constant record := core.role_named(owner_id, 'admin');
    heir core.members;
begin
    -- Both in one order: two owners may hand the tenant to each other.
    perform from core.members
    where
        members.tenant_id = owner_id
        and members.user_id in (transfer_ownership.user_id, core.caller_id())
    order by members.user_id
    for update;
    heir := core.member_in(owner_id, transfer_ownership.user_id);
    if heir.status <> 'active' then
        perform core.fail('member.suspended');
    end if;
    update core.members
    set role_tenant_id = core.platform_tenant_id(), role_id = core.owner_role_id()
    where members.tenant_id = owner_id and members.user_id = heir.user_id
    returning * into heir;
    update core.members
    set role_tenant_id = admin.role_tenant_id, role_id = admin.role_id
    where
        members.tenant_id = owner_id
        and members.user_id = core.caller_id()
        and members.user_id <> heir.user_id
        and members.role_id = core.owner_role_id();
    perform core.emit(
        owner_id, 'core.ownership.transferred', 'member', heir.user_id,
        jsonb_build_object('from', core.caller_id())
    );
    return core.member_answer(heir);
end
$$;

comment on function core.transfer_ownership(uuid) is
'What v1.transfer_ownership does. Definer, because it writes core.members. Signed-in users may call
it.';

create view v1.members with (security_invoker = true) as
select
    members.tenant_id,
    members.user_id,
    roles.slug as role,
    members.status,
    members.created_at,
    members.created_by
from core.members
inner join core.roles
    on roles.tenant_id = members.role_tenant_id and roles.id = members.role_id;

comment on view v1.members is
'Who belongs to your tenants, and in which role. Needs core.members.read.';

create view v1.invitations with (security_invoker = true) as
select
    invitations.tenant_id,
    invitations.id,
    invitations.email,
    roles.slug as role,
    case
        when invitations.accepted_at is not null then 'accepted'
        when invitations.revoked_at is not null then 'revoked'
        when invitations.expires_at <= now() then 'expired'
        else 'open'
    end as status,
    invitations.expires_at,
    invitations.created_at,
    invitations.created_by,
    invitations.accepted_by
from core.invitations
inner join core.roles
    on roles.tenant_id = invitations.role_tenant_id and roles.id = invitations.role_id;

comment on view v1.invitations is
'Invitations into your tenants; status: open, accepted, revoked, expired. Needs core.members.read.';

grant select on v1.members, v1.invitations to authenticated, service_role;

create function v1.invite(email text, role text, valid_hours integer default 168) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'invite',
            jsonb_build_object(
                'email', invite.email, 'role', invite.role,
                'valid_hours', invite.valid_hours
            )
        ),
        core.store_answer(core.invite(invite.email, invite.role, invite.valid_hours), '{token}')
    );
end
$$;

comment on function v1.invite(text, text, integer) is
'Invites an address into the tenant, in a role; a mail goes out. Returns {id, tenant_id, email,
role, expires_at, token}; the token is shown this once. An invitation of the same address before
it is revoked. Needs core.members.write and all that the role grants. Raises access.beyond_own,
invitation.already_member (409), invitation.domain_refused, role.unknown. May be repeated with an
Idempotency-Key.';

create function v1.revoke_invitation(id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'revoke_invitation',
            jsonb_build_object('id', revoke_invitation.id)
        ),
        core.store_answer(core.revoke_invitation(revoke_invitation.id))
    );
end
$$;

comment on function v1.revoke_invitation(uuid) is
'Makes an invitation that nobody has accepted worthless. Needs core.members.write.
Raises invitation.invalid (404).';

create function v1.accept_invitation(token text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'accept_invitation',
            jsonb_build_object('token', accept_invitation.token)
        ),
        core.store_answer(core.accept_invitation(accept_invitation.token))
    );
end
$$;

comment on function v1.accept_invitation(text) is
'Makes you a member of the tenant that invited your address, which has to be confirmed. Works once.
Returns {tenant_id, user_id, role, status}. Raises invitation.invalid (404; also for an invitation
of somebody else), invitation.used, invitation.revoked, invitation.expired (410),
invitation.already_member (409). May be repeated with an Idempotency-Key.';

create function v1.set_member_role(user_id uuid, role text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'set_member_role',
            jsonb_build_object(
                'user_id', set_member_role.user_id, 'role', set_member_role.role
            )
        ),
        core.store_answer(core.set_member_role(set_member_role.user_id, set_member_role.role))
    );
end
$$;

comment on function v1.set_member_role(uuid, text) is
'Gives a member another role. Needs core.members.write, and all that the old and the new role grant.
Returns {tenant_id, user_id, role, status}. Raises access.beyond_own, member.last_owner (409),
member.unknown, role.unknown (404).';

create function v1.suspend_member(user_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'suspend_member',
            jsonb_build_object('user_id', suspend_member.user_id)
        ),
        core.store_answer(core.set_member_status(suspend_member.user_id, 'suspended'))
    );
end
$$;

comment on function v1.suspend_member(uuid) is
'Shuts a member out until v1.resume_member. Needs core.members.write and all that the member''s role
grants. Raises access.beyond_own, member.last_owner (409), member.unknown (404).';

create function v1.resume_member(user_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'resume_member',
            jsonb_build_object('user_id', resume_member.user_id)
        ),
        core.store_answer(core.set_member_status(resume_member.user_id, 'active'))
    );
end
$$;

comment on function v1.resume_member(uuid) is
'Takes back v1.suspend_member.';

create function v1.remove_member(user_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'remove_member',
            jsonb_build_object('user_id', remove_member.user_id)
        ),
        core.store_answer(core.remove_member(remove_member.user_id))
    );
end
$$;

comment on function v1.remove_member(uuid) is
'Takes a member out of the tenant. Needs core.members.write and all that the member''s role grants.
Raises access.beyond_own, member.last_owner (409), member.unknown (404).';

create function v1.leave_tenant(tenant_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'leave_tenant',
            jsonb_build_object('tenant_id', leave_tenant.tenant_id)
        ),
        core.store_answer(core.leave_tenant(leave_tenant.tenant_id))
    );
end
$$;

comment on function v1.leave_tenant(uuid) is
'Ends your own membership. Raises member.last_owner (409), member.unknown (404).';

create function v1.transfer_ownership(user_id uuid) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'transfer_ownership',
            jsonb_build_object('user_id', transfer_ownership.user_id)
        ),
        core.store_answer(core.transfer_ownership(transfer_ownership.user_id))
    );
end
$$;

comment on function v1.transfer_ownership(uuid) is
'Makes a member the owner, and you an administrator. Needs core.tenants.own.
Raises member.unknown (404), member.suspended (409).';

revoke all on function
core.keep_an_owner(),
core.forget_member_answers(),
core.member_in(uuid, uuid),
core.member_answer(core.members),
core.drop_member(uuid, uuid),
core.invite(text, text, integer),
core.revoke_invitation(uuid),
core.accept_invitation(text),
core.set_member_role(uuid, text),
core.set_member_status(uuid, text),
core.remove_member(uuid),
core.leave_tenant(uuid),
core.transfer_ownership(uuid),
v1.invite(text, text, integer),
v1.revoke_invitation(uuid),
v1.accept_invitation(text),
v1.set_member_role(uuid, text),
v1.suspend_member(uuid),
v1.resume_member(uuid),
v1.remove_member(uuid),
v1.leave_tenant(uuid),
v1.transfer_ownership(uuid)
from public;
grant execute on function
core.invite(text, text, integer),
core.revoke_invitation(uuid),
core.accept_invitation(text),
core.set_member_role(uuid, text),
core.set_member_status(uuid, text),
core.remove_member(uuid),
core.leave_tenant(uuid),
core.transfer_ownership(uuid),
v1.invite(text, text, integer),
v1.revoke_invitation(uuid),
v1.accept_invitation(text),
v1.set_member_role(uuid, text),
v1.suspend_member(uuid),
v1.resume_member(uuid),
v1.remove_member(uuid),
v1.leave_tenant(uuid),
v1.transfer_ownership(uuid)
to authenticated, service_role;

insert into core.event_types (type, description, permission) values
('core.member.invited', 'Somebody was invited into the tenant.', 'core.members.read'),
('core.member.joined', 'An invitation was accepted.', 'core.members.read'),
('core.member.role_changed', 'A member has another role.', 'core.members.read'),
('core.member.suspended', 'A member was shut out.', 'core.members.read'),
('core.member.resumed', 'A member who was shut out is back.', 'core.members.read'),
('core.member.left', 'A member left or was removed.', 'core.members.read'),
('core.ownership.transferred', 'A member was made owner by another.', 'core.members.read');

insert into core.errors (code, status, message, hint) values
('core.email_invalid', 400, 'This is no e-mail address.', 'Write it as name@example.com.'),
(
    'invitation.validity_invalid', 400, 'An invitation is valid for 1 to 8,760 hours.',
    'Choose hours in between.'
),
(
    'invitation.domain_refused', 403, 'The tenant takes no members of this domain.',
    'Ask an owner of the tenant for the domains that it takes.'
),
('invitation.already_member', 409, 'This person is a member already.', 'Change the role instead.'),
(
    'invitation.invalid', 404, 'There is no such invitation for you.',
    'Sign in with the address that was invited, confirmed, and use the whole token.'
),
('invitation.used', 410, 'The invitation was accepted before.', 'Ask for another one.'),
('invitation.revoked', 410, 'The invitation was taken back.', 'Ask for another one.'),
('invitation.expired', 410, 'The invitation has expired.', 'Ask for another one.'),
(
    'member.unknown', 404, 'The tenant has no member {user_id}.',
    'Compare the id with v1.members.'
),
('member.suspended', 409, 'The member is suspended.', 'Resume the member first.'),
(
    'member.last_owner', 409, 'The last owner of a tenant cannot go.',
    'Make another member an owner first, or close the tenant.'
);

select core.audit('core.invitations', '{token_hash}');
