begin;
\ir ../support/fixtures.sql
select plan(50);

insert into auth.users (id, email, email_confirmed_at) values
('00000000-0000-4000-8000-000000000011', 'New@Example.com', now()),
('00000000-0000-4000-8000-000000000012', 'unconfirmed@example.com', null);
-- Claims of the two; the address that the second one's token names is the first one's.
\set new '\'{"role": "authenticated", "sub": "00000000-0000-4000-8000-000000000011"}\''
\set unconfirmed '\'{"role": "authenticated", "email": "new@example.com", '
\set unconfirmed :unconfirmed'"sub": "00000000-0000-4000-8000-000000000012"}\''

create function pg_temp.keep(name text, answer jsonb) returns jsonb
language sql
as $$ select set_config('test.' || name, answer::text, true)::jsonb $$;
create function pg_temp.kept(name text, key text) returns text
language sql
as $$ select current_setting('test.' || name)::jsonb ->> key $$;

-- Inviting.
:as_vic
select is(
    pg_temp.code_of($$select v1.invite('new@example.com', 'viewer')$$),
    'tenancy.permission_missing', 'a viewer invites nobody'
);
:as_ada
select is(
    pg_temp.code_of($$select v1.invite('nobody', 'viewer')$$), 'core.email_invalid',
    'an invitation goes to an address'
);
select is(
    pg_temp.code_of($$select v1.invite('new@example.com', 'emperor')$$), 'role.unknown',
    'into a role that there is'
);
select is(
    pg_temp.code_of($$select v1.invite('new@example.com', 'viewer', 0)$$),
    'invitation.validity_invalid', 'and has a term'
);
select is(
    pg_temp.code_of($$select v1.invite('VIC@example.com', 'viewer')$$),
    'invitation.already_member', 'a member is not invited again'
);
select isnt(
    pg_temp.keep('first', v1.invite('new@example.com', 'viewer')), null, 'an owner invites'
);
select isnt(
    pg_temp.keep('second', v1.invite(' NEW@example.com ', 'agent')), null,
    'and may change the invitation'
);
select is(
    (select array_agg(role || ' ' || status order by created_at, status desc) from v1.invitations),
    array['viewer revoked', 'agent open'], 'the last one of an address counts'
);
select is(
    pg_temp.code_of('select token_hash from core.invitations'), '42501',
    'not even an owner sees what is kept of tokens'
);
:as_eve
select is_empty('select from v1.invitations', 'others do not see invitations');
:as_owner
select is_empty(
    format(
        $$select from core.invitations where strpos(invitations::text, %L) > 0$$,
        pg_temp.kept('second', 'token')
    ), 'no token is stored'
);
select is(
    tenon.token_kind(pg_temp.kept('second', 'token')), 'inv', 'a token can be told from other text'
);

-- Accepting.
:as_eve
select is(
    pg_temp.code_of(format('select v1.accept_invitation(%L)', pg_temp.kept('second', 'token'))),
    'invitation.invalid', 'somebody else''s token is worth nothing'
);
select is(
    pg_temp.code_of($$select v1.accept_invitation('tnn_inv_made_up')$$), 'invitation.invalid',
    'as is a token that was never given out, in the same words'
);
:as_ada
set local "request.jwt.claims" = :unconfirmed;
select is(
    pg_temp.code_of(format('select v1.accept_invitation(%L)', pg_temp.kept('second', 'token'))),
    'invitation.invalid', 'an address that a token claims is worth nothing'
);
:as_ada
set local "request.jwt.claims" = :new;
select is(
    pg_temp.code_of(format('select v1.accept_invitation(%L)', pg_temp.kept('first', 'token'))),
    'invitation.revoked', 'an invitation that was replaced is gone'
);
select is(
    v1.accept_invitation(pg_temp.kept('second', 'token')) ->> 'role', 'agent',
    'who was invited joins'
);
select is(
    pg_temp.code_of(format('select v1.accept_invitation(%L)', pg_temp.kept('second', 'token'))),
    'invitation.used', 'once'
);
select is((select array_agg(slug) from v1.tenants), array['acme'], 'and is in');
:as_ada
select is(
    v1.remove_member('00000000-0000-4000-8000-000000000011') ->> 'status', 'left',
    'an owner removes a member'
);
select isnt(
    pg_temp.keep('third', v1.invite('new@example.com', 'viewer', 1)), null, 'and invites again'
);
:as_ada
set local "request.jwt.claims" = :new;
select is_empty('select from v1.tenants', 'a removed member is out');
:as_owner
update core.invitations set expires_at = now() where accepted_at is null;
:as_ada
set local "request.jwt.claims" = :new;
select is(
    pg_temp.code_of(format('select v1.accept_invitation(%L)', pg_temp.kept('third', 'token'))),
    'invitation.expired', 'after its term an invitation is worth nothing'
);
:as_ada
select isnt(
    pg_temp.keep('fourth', v1.invite('new@example.com', 'admin', 1)), null, 'once more'
);
select is(
    v1.revoke_invitation(pg_temp.kept('fourth', 'id')::uuid) ->> 'revoked', 'true',
    'an invitation is taken back'
);
:as_eve
select is(
    pg_temp.code_of(format('select v1.revoke_invitation(%L)', pg_temp.kept('fourth', 'id'))),
    'invitation.invalid', 'not by others'
);
:as_ada
set local "request.jwt.claims" = :new;
select is(
    pg_temp.code_of(format('select v1.accept_invitation(%L)', pg_temp.kept('fourth', 'token'))),
    'invitation.revoked', 'and is worth nothing then'
);

-- Nobody gives what they do not hold, and nobody changes who holds more.
:as_owner
insert into core.members (tenant_id, user_id, role_id)
select :acme, '00000000-0000-4000-8000-000000000011', id from core.roles where slug = 'admin';
:as_ada
set local "request.jwt.claims" = :new;
select is(
    pg_temp.code_of($$select v1.invite('x@example.com', 'owner')$$), 'access.beyond_own',
    'an administrator makes no owner by invitation'
);
select is(
    pg_temp.code_of(
        $$select v1.set_member_role('00000000-0000-4000-8000-000000000002', 'owner')$$
    ), 'access.beyond_own', 'nor by a role'
);
select is(
    pg_temp.code_of(
        $$select v1.set_member_role('00000000-0000-4000-8000-000000000011', 'owner')$$
    ), 'access.beyond_own', 'least of all of themselves'
);
select is(
    pg_temp.code_of(
        $$select v1.set_member_role('00000000-0000-4000-8000-000000000001', 'viewer')$$
    ), 'access.beyond_own', 'an administrator does not demote an owner'
);
select is(
    pg_temp.code_of($$select v1.remove_member('00000000-0000-4000-8000-000000000001')$$),
    'access.beyond_own', 'nor removes one'
);
select is(
    pg_temp.code_of($$select v1.suspend_member('00000000-0000-4000-8000-000000000001')$$),
    'access.beyond_own', 'nor shuts one out'
);
select is(
    pg_temp.code_of($$select v1.transfer_ownership('00000000-0000-4000-8000-000000000011')$$),
    'tenancy.permission_missing', 'nor takes the ownership'
);
select is(
    v1.set_member_role('00000000-0000-4000-8000-000000000002', 'analyst') ->> 'role', 'analyst',
    'an administrator changes a viewer''s role'
);
select is(
    pg_temp.code_of(
        $$select v1.set_member_role('00000000-0000-4000-8000-000000000004', 'viewer')$$
    ), 'member.unknown', 'a user of another tenant is no member here'
);
select is(
    v1.suspend_member('00000000-0000-4000-8000-000000000002') ->> 'status', 'suspended',
    'an administrator shuts a member out'
);
:as_vic
select is_empty('select from v1.tenants', 'who is out with the next statement');
:as_ada
set local "request.jwt.claims" = :new;
select is(
    v1.resume_member('00000000-0000-4000-8000-000000000002') ->> 'status', 'active', 'and back in'
);

-- The last owner stays. Sue is an owner too, but suspended.
:as_ada
select is(
    pg_temp.code_of(format('select v1.leave_tenant(%L)', :acme)), 'member.last_owner',
    'the last owner does not leave'
);
select is(
    pg_temp.code_of(
        $$select v1.set_member_role('00000000-0000-4000-8000-000000000001', 'admin')$$
    ), 'member.last_owner', 'nor step down'
);
select is(
    pg_temp.code_of($$select v1.suspend_member('00000000-0000-4000-8000-000000000001')$$),
    'member.last_owner', 'nor get shut out'
);
:as_owner
select is(
    pg_temp.code_of(
        $$delete from auth.users where id = '00000000-0000-4000-8000-000000000001'$$
    ), 'member.last_owner', 'nor is the account deleted beneath the tenant'
);
:as_ada
select is(
    v1.transfer_ownership('00000000-0000-4000-8000-000000000011') ->> 'role', 'owner',
    'an owner hands the tenant over'
);
select is(
    (select role from v1.members where user_id = '00000000-0000-4000-8000-000000000001'), 'admin',
    'and is an administrator from then on'
);
select is(v1.leave_tenant(:acme) ->> 'status', 'left', 'who can leave');
select is_empty('select from v1.tenants', 'and is out');
select is(
    pg_temp.code_of(format('select v1.leave_tenant(%L)', :rival)), 'member.unknown',
    'nobody leaves where they are not'
);
:as_ada
set local "request.jwt.claims" = :new;
select is(
    pg_temp.code_of($$select v1.transfer_ownership('00000000-0000-4000-8000-000000000003')$$),
    'member.suspended', 'who is shut out becomes no owner'
);
:as_anon
select is(
    pg_temp.code_of($$select v1.accept_invitation('tnn_inv_made_up')$$), '42501',
    'an anonymous caller accepts nothing'
);

select * from finish();
rollback;
