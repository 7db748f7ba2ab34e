-- Who may sign up: rules on domains, the mode, invitations; with the payloads that Auth sends for
-- each way to sign up.
begin;
\ir ../support/fixtures.sql
\ir ../support/auth_hooks.sql
select plan(40);

create function pg_temp.answer(email text, more jsonb default '{}') returns text
language sql
as $$
    select coalesce((answer #>> '{error,http_code}') || ' ' || (answer #>> '{error,message}'), 'in')
    from (
        select pg_temp.hook('before_user_created', jsonb_build_object(
            'metadata', pg_temp.metadata('before-user-created'),
            'user', pg_temp.auth_user(gen_random_uuid(), email, more)
        )) as answer
    ) as asked
$$;
-- The ways in: an address, a phone, nobody in particular, a provider, an operator's provider.
create function pg_temp.ways(email text) returns text
language sql
as $$
    select string_agg(way, ' ' order by place)
    from (
        values
        (1, 'mail', email, '{}'::jsonb),
        (2, 'phone', '', '{"phone": "4912345", "app_metadata": {"provider": "phone"}}'),
        (3, 'anonymous', '', '{"is_anonymous": true, "app_metadata": {}}'),
        (4, 'google', email, '{"app_metadata": {"provider": "google", "providers": ["google"]}}'),
        (
            5, 'saml', email,
            '{"app_metadata": {"provider": "sso:00000000-0000-4000-e000-000000000001"}}'
        )
    ) as listed (place, way, address, more)
    where pg_temp.answer(address, more) = 'in'
$$;
\set domain_closed '\'403 Signing up is not open to addresses of this domain.\''
\set not_invited '\'403 Signing up needs an invitation.\''
\set invitation_over '\'403 The invitation is over, or was made for another address.\''

select is(
    pg_temp.ways('ada@new.example'), 'mail phone anonymous google saml',
    'without rules everybody may sign up'
);
select is(pg_temp.answer('ada'), :domain_closed, 'but not with what is no address');

-- Rules are the tenant's to set, through the API.
:as_vic
select is(
    pg_temp.code_of(
        $$insert into v1.email_domain_rules (domain, effect) values ('a.example', 'allow')$$
    ),
    'tenancy.permission_missing', 'a viewer sets no rule'
);
:as_anon
select is(
    pg_temp.code_of('select * from v1.email_domain_rules'), '42501', 'a visitor sees no rules'
);
:as_eve
select lives_ok(
    $$
        insert into v1.email_domain_rules (domain, effect) values
        (' Rival.EXAMPLE. ', 'allow'), ('bücher.example', 'allow'), ('spam.rival.example', 'deny')
    $$,
    'an owner sets rules'
);
select results_eq(
    'select domain, includes_subdomains from v1.email_domain_rules order by domain',
    $$
        values
        ('rival.example', false), ('spam.rival.example', true), ('xn--bcher-kva.example', false)
    $$,
    'which are kept in the form of the DNS; those that deny include sub-domains'
);
select is(
    pg_temp.code_of(
        $$
            insert into v1.email_domain_rules (domain, effect)
            values ('xn--bcher-kva.example', 'deny')
        $$
    ),
    '23505', 'there is one rule for a domain, however it is written'
);
select results_eq(
    format(
        $$
            select pg_temp.code_of(format(
                'insert into v1.email_domain_rules (domain, effect) values (%%L, %%L)',
                domain, 'deny'
            ))
            from unnest(array['', '@', 'a@b.example', '*.example', '192.0.2.1', %L]) as domain
        $$, repeat('x', 5000)
    ),
    $$select 'sign_up.domain_invalid' from generate_series(1, 6)$$,
    'what is no domain is refused'
);
select is(
    pg_temp.code_of(format(
        $$
            insert into v1.email_domain_rules (tenant_id, domain, effect)
            values (%L, 'a.example', 'allow')
        $$, :acme
    )), '42501', 'no rule is set for a tenant of others'
);
select is(
    pg_temp.code_of(
        $$
            insert into v1.email_domain_rules (tenant_id, domain, effect)
            values ('00000000-0000-0000-0000-000000000000', 'a.example', 'allow')
        $$
    ), '42501', 'nor for the platform'
);
select is(
    pg_temp.code_of(format('update v1.email_domain_rules set tenant_id = %L', :acme)), '42501',
    'and no rule moves to another tenant'
);
:as_ada
select is_empty('select from v1.email_domain_rules', 'rules of others are not seen');
:as_owner

-- What the rules come to; the second column is written by hand.
select results_eq(
    format(
        $$
            select email, core.email_allowed(%L, email)
            from (
                values
                ('a@rival.example', 1), ('A@RIVAL.Example', 2), ('a+b@rival.example.', 3),
                ('a@sub.rival.example', 4), ('a@spam.rival.example', 5),
                ('a@x.spam.rival.example', 6), ('a@notrival.example', 7),
                ('a@rival.example.evil.example', 8), ('a@BÜCHER.example', 9),
                ('a@xn--bcher-kva.example', 10), ('a@rival。example', 11),
                ('rival.example', 12), ('"a@rival.example"@evil.example', 13),
                ('a@rival.example@evil.example', 14), ('a@', 15), ('', 16), (null, 17),
                (repeat('a', 250) || '@rival.example', 18), ('a@rival.example ', 19)
            ) as asked (email, place)
            order by place
        $$, :rival
    ),
    $$
        select email, is_allowed
        from (
            values
            ('a@rival.example', true, 1), ('A@RIVAL.Example', true, 2),
            ('a+b@rival.example.', true, 3), ('a@sub.rival.example', false, 4),
            ('a@spam.rival.example', false, 5), ('a@x.spam.rival.example', false, 6),
            ('a@notrival.example', false, 7), ('a@rival.example.evil.example', false, 8),
            ('a@BÜCHER.example', true, 9), ('a@xn--bcher-kva.example', true, 10),
            ('a@rival。example', true, 11), ('rival.example', false, 12),
            ('"a@rival.example"@evil.example', false, 13),
            ('a@rival.example@evil.example', false, 14), ('a@', false, 15), ('', false, 16),
            (null, false, 17), (repeat('a', 250) || '@rival.example', false, 18),
            ('a@rival.example ', true, 19)
        ) as expected (email, is_allowed, place)
        order by place
    $$,
    'a tenant that names domains takes addresses of those alone'
);
select is(
    core.email_allowed(:acme, 'a@spam.rival.example'), true, 'rules bind the tenant that set them'
);
select is(
    pg_temp.ways('ada@spam.rival.example'), 'mail phone anonymous google saml',
    'and not who signs up'
);

-- The platform's rules.
insert into core.email_domain_rules (tenant_id, domain, effect)
values (core.platform_tenant_id(), 'mailinator.example', 'deny');
select is(
    pg_temp.ways('ada@mailinator.example'), 'phone anonymous',
    'a domain that the platform denies is out, whatever the way'
);
select is(
    pg_temp.answer('ada@x.MAILINATOR.example'), :domain_closed, 'and so are those below it'
);
select is(pg_temp.answer('ada@new.example'), 'in', 'others are in');
insert into core.email_domain_rules (tenant_id, domain, effect, includes_subdomains) values
(core.platform_tenant_id(), 'corp.mailinator.example', 'allow', true);
select is(
    pg_temp.answer('ada@a.corp.mailinator.example'), 'in', 'the rule of the longer domain decides'
);
select is(
    pg_temp.ways('ada@new.example'), null,
    'where the platform names domains, others are out, and who has no address'
);
delete from core.email_domain_rules where tenant_id = core.platform_tenant_id();

-- Invitations.
insert into core.invitations (
    tenant_id, email, role_tenant_id, role_id, token_hash, expires_at, accepted_at, revoked_at
)
select
    invited.tenant_id::uuid,
    invited.email,
    roles.tenant_id,
    roles.id,
    sha256(convert_to(invited.token, 'UTF8')),
    now() + invited.expires::interval,
    invited.accepted_at,
    invited.revoked_at
from (
    values
    (:acme, 'ivy@new.example', 'tnn_inv_ivy', '1 day', null, null),
    (:acme, 'late@new.example', 'tnn_inv_late', '-1 second', null, null),
    (:acme, 'done@new.example', 'tnn_inv_done', '1 day', now(), null),
    (:acme, 'off@new.example', 'tnn_inv_off', '1 day', null, now()),
    (:rival, 'rob@new.example', 'tnn_inv_rob', '1 day', null, null)
) as invited (tenant_id, email, token, expires, accepted_at, revoked_at)
cross join core.roles
where roles.tenant_id = core.platform_tenant_id() and roles.slug = 'viewer';

create function pg_temp.with_token(email text, token jsonb) returns text
language sql
as $$
    select pg_temp.answer(
        email, jsonb_build_object('user_metadata', jsonb_build_object('invitation_token', token))
    )
$$;
select is(pg_temp.with_token('ivy@new.example', '"tnn_inv_ivy"'), 'in', 'an invitation is used');
select is(
    pg_temp.with_token('IVY@new.example', '"tnn_inv_ivy"'), 'in', 'capitals make no difference'
);
select results_eq(
    $$
        select case_, pg_temp.with_token(email, token::jsonb)
        from (
            values
            ('another address', 'eva@new.example', '"tnn_inv_ivy"'),
            ('plus addressing', 'ivy+1@new.example', '"tnn_inv_ivy"'),
            ('no such token', 'ivy@new.example', '"tnn_inv_none"'),
            ('another''s token', 'ivy@new.example', '"tnn_inv_rob"'),
            ('an empty token', 'ivy@new.example', '""'),
            ('no text', 'ivy@new.example', '{"a": 1}'),
            ('a number', 'ivy@new.example', '7'),
            ('a long text', 'ivy@new.example', to_jsonb(repeat('x', 300))::text),
            ('over', 'late@new.example', '"tnn_inv_late"'),
            ('accepted', 'done@new.example', '"tnn_inv_done"'),
            ('revoked', 'off@new.example', '"tnn_inv_off"'),
            ('a domain that the tenant refuses', 'rob@new.example', '"tnn_inv_rob"')
        ) as tried (case_, email, token)
        where
            pg_temp.with_token(email, token::jsonb)
            <> '403 The invitation is over, or was made for another address.'
    $$,
    $$select null::text, null::text where false$$,
    'an invitation is for one address and while it is open, and all refusals are the same'
);
select is(pg_temp.with_token('eva@new.example', 'null'), 'in', 'a token of null is none');
select is(
    pg_temp.answer('', jsonb_build_object(
        'phone', '4912345', 'user_metadata', '{"invitation_token": "tnn_inv_ivy"}'::jsonb
    )), :invitation_over, 'a phone cannot use the invitation of an address'
);

-- By invitation only.
update core.tenants set settings = '{"core": {"sign_up": "invited"}}'
where id = core.platform_tenant_id();
select is(
    pg_temp.ways('ivy@new.example'), 'mail google saml', 'an invited address may sign up'
);
select is(
    pg_temp.ways('eva@new.example'), 'saml',
    'others only through a provider that the operator has connected'
);
select is(pg_temp.answer('eva@new.example'), :not_invited, 'and are told why');
select is(
    pg_temp.answer('eva@new.example', '{"app_metadata": {"provider": "ssohub"}}'), :not_invited,
    'a provider is not taken for another by its name'
);
select is(
    pg_temp.answer(
        'eva@new.example', '{"user_metadata": {"provider": "sso:1", "app_metadata": {}}}'
    ), :not_invited, 'what the user says of the provider does not count'
);
select is(pg_temp.answer('late@new.example'), :not_invited, 'an invitation that is over is none');
select is(
    pg_temp.answer('rob@new.example'), :not_invited,
    'nor is one to a tenant that refuses the domain'
);
select is(
    pg_temp.with_token('ivy@new.example', '"tnn_inv_none"'), :invitation_over,
    'a wrong token is refused although there is an invitation'
);
insert into core.email_domain_rules (tenant_id, domain, effect)
values (core.platform_tenant_id(), 'new.example', 'deny');
select is(pg_temp.ways('ivy@new.example'), null, 'the platform''s rules come first');
delete from core.email_domain_rules where tenant_id = core.platform_tenant_id();

update core.tenants set settings = '{"core": {"sign_up": "invitd"}}'
where id = core.platform_tenant_id();
select is(
    pg_temp.answer('eva@new.example'), :not_invited, 'a mode that is not known is not open'
);
update core.tenants set settings = '{"core": {"sign_up": ["open"]}}'
where id = core.platform_tenant_id();
select is(pg_temp.answer('eva@new.example'), :not_invited, 'nor is one of another shape');
update core.tenants set settings = '{"core": {"sign_up": "open"}}'
where id = core.platform_tenant_id();
select is(pg_temp.answer('eva@new.example'), 'in', 'open is open');

select is(
    core.tenant_inviting('ivy@new.example'), :acme::uuid, 'the tenant that invites is known'
);
select is(core.tenant_inviting(null), null, 'nobody is invited without an address');
:as_ada
select is(
    pg_temp.code_of($$select core.tenant_inviting('ivy@new.example')$$), '42501',
    'users cannot ask who is invited'
);

select * from finish();
rollback;
