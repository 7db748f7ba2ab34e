begin;
\ir ../support/fixtures.sql
\ir ../support/auth_hooks.sql
select plan(46);

-- Who may call what: Auth, and nobody else.
create temporary view hook_functions as
select procs.oid
from pg_proc as procs
where procs.pronamespace = 'hooks'::regnamespace;

select set_eq(
    $$select oid::regprocedure::text from hook_functions$$,
    array[
        'hooks.before_user_created(jsonb)', 'hooks.custom_access_token(jsonb)',
        'hooks.mails_of(jsonb,jsonb)', 'hooks.mfa_verification_attempt(jsonb)',
        'hooks.password_verification_attempt(jsonb)', 'hooks.refusal(integer,text)',
        'hooks.send_email(jsonb)', 'hooks.text_of(jsonb,text,integer)',
        'hooks.uuid_of(jsonb,text)'
    ],
    'the hooks are these'
);
select is_empty(
    $$
        select hook_functions.oid::regprocedure, roles.rolname
        from hook_functions
        cross join pg_roles as roles
        where
            has_function_privilege(roles.oid, hook_functions.oid, 'execute')
            <> (roles.rolname in ('supabase_auth_admin', 'postgres') or roles.rolsuper)
            and roles.rolname !~ '^pg_'
    $$,
    'Auth may call the hooks, and no other role'
);
select is_empty(
    $$
        select rolname from pg_roles
        where
            has_schema_privilege(oid, 'hooks', 'usage')
            <> (rolname in ('supabase_auth_admin', 'postgres') or rolsuper)
            and rolname !~ '^pg_'
    $$,
    'Auth may look into the schema, and no other role'
);
select is_empty(
    $$
        select oid::regprocedure from pg_proc
        where oid in (select oid from hook_functions) and prosecdef
    $$,
    'no hook has rights of its own'
);
select is_empty(
    $$
        select table_name from information_schema.role_table_grants
        where
            grantee = 'supabase_auth_admin'
            and table_schema in ('core', 'crm', 'iot', 'v1')
            and (
                privilege_type <> 'SELECT'
                or table_name not in (
                    'user_settings', 'tenants', 'members', 'roles', 'role_permissions',
                    'email_domain_rules'
                )
            )
    $$,
    'Auth reads the tables that its hooks read, and writes none'
);
:as_ada
select is(
    pg_temp.code_of($$select hooks.custom_access_token('{}')$$), '42501',
    'a user cannot call a hook'
);
:as_anon
select is(
    pg_temp.code_of($$select hooks.before_user_created('{}')$$), '42501',
    'an anonymous caller cannot call a hook'
);
:as_service
select is(
    pg_temp.code_of($$select hooks.password_verification_attempt('{}')$$), '42501',
    'nor can the service role'
);
:as_owner

-- Whatever is sent, a hook answers, and never raises.
create temporary table events as
select format('shape %s', row_number() over ()) as name, event
from unnest(array[
    null, 'null', 'true', '1', '""', '"text"', '[]', '[{}]', '{}',
    '{"user": null}', '{"user": []}', '{"user": "x"}', '{"user": {}}',
    '{"user": {"email": 5, "user_metadata": [], "app_metadata": "x"}, "email_data": []}',
    '{"user": {"email": {}, "user_metadata": {"invitation_token": {}}}, "email_data": "x"}',
    '{"user": {"id": 1, "email": ["a@b.example"]}, "email_data": {"email_action_type": 7}}',
    '{"user": {"id": null, "email": null}, "email_data": {"email_action_type": null}}',
    '{"user": {"email": "a@b.example"}, "email_data": {"email_action_type": "signup"}}',
    '{"user": {"email": "a@b.example"}, "email_data": {"email_action_type": "no_such"}}',
    '{"user": {"new_email": "@"}, "email_data": {"email_action_type": "email_change"}}',
    '{"user_id": null, "valid": null, "claims": null, "metadata": null, "factor_id": null}',
    '{"user_id": "x", "valid": true, "claims": {}, "factor_id": "x"}',
    '{"user_id": 5, "valid": "true", "claims": [], "factor_id": {}, "metadata": []}',
    '{"user_id": "00000000-0000-4000-8000-000000000001", "valid": "yes", "claims": "x"}',
    '{"user_id": "00000000-0000-4000-8000-000000000001", "valid": 1, "claims": 5}'
]::jsonb[]) as event;
-- An account that is gone, addresses that are none, and strings of a megabyte.
insert into events
select
    name,
    jsonb_build_object(
        'metadata', jsonb_build_object('uuid', long, 'ip_address', long),
        'user_id', id,
        'factor_id', '00000000-0000-4000-c000-000000000001',
        'valid', 'false'::jsonb,
        'authentication_method', long,
        'claims', jsonb_build_object('sub', long),
        'user', pg_temp.auth_user(
            '00000000-0000-4000-8000-000000000001', long || '@' || long || '.example',
            jsonb_build_object('user_metadata', jsonb_build_object(
                'invitation_token', long, 'locale', long
            ))
        ),
        'email_data', jsonb_build_object(
            'email_action_type', 'magiclink', 'token', long, 'token_hash', long,
            'redirect_to', long, 'site_url', long
        )
    )
from (
    values
    ('long strings', repeat('ä', 1000000), '00000000-0000-4000-8000-000000000001'),
    ('an account that is gone', 'x', '00000000-0000-4000-8000-0000000000ff')
) as made (name, long, id);

select is_empty(
    format(
        $$
            select %1$L, name, answer
            from (
                select name, pg_temp.hook_or_exception(%1$L, event) as answer from events
            ) as answered
            where
                answer #>> '{error,message}' <> '' is not true
                and answer ->> 'decision' in ('continue', 'reject') is not true
                and jsonb_typeof(answer -> 'claims') = 'object' is not true
                and (
                    answer = '{}'
                    and (
                        %1$L = 'before_user_created' and name <> 'long strings'
                        or %1$L = 'send_email' and name = 'an account that is gone'
                    )
                ) is not true
        $$, hook
    ),
    hook || ' answers whatever it is sent'
)
from unnest(array[
    'custom_access_token', 'before_user_created', 'password_verification_attempt',
    'mfa_verification_attempt', 'send_email'
]) as hook;
select is_empty(
    $$
        select name, hook, answer
        from (
            select name, hook, pg_temp.hook_or_exception(hook, event) as answer
            from events
            cross join unnest(array[
                'custom_access_token', 'password_verification_attempt',
                'mfa_verification_attempt', 'send_email'
            ]) as hook
            where name like 'shape %'
        ) as answered
        where
            answer #> '{error,http_code}' <> '400'
            and not (name = 'shape 22' and hook = 'mfa_verification_attempt')
    $$,
    'a payload of a wrong shape is the caller''s fault'
);
select results_eq(
    'select recipient from sent', array['x@x.example'],
    'of all this one payload is right, and sends a mail'
);

-- The access token ----------------------------------------------------------------------------------

\set claims '{"iss": "https://x.example/auth/v1", "aud": "authenticated", "exp": 1772362800, "iat": 1772359200, "sub": "00000000-0000-4000-8000-000000000001", "email": "ada@example.com", "phone": "", "app_metadata": {"provider": "email", "providers": ["email"]}, "user_metadata": {}, "role": "authenticated", "aal": "aal1", "amr": [{"method": "password", "timestamp": 1772359200}], "session_id": "00000000-0000-4000-d000-000000000001", "is_anonymous": false}'

create function pg_temp.claims_of(
    name text, claims jsonb, method text default 'token_refresh'
)
returns jsonb
language sql
as $$
    select pg_temp.hook('custom_access_token', jsonb_build_object(
        'metadata', pg_temp.metadata('customize-access-token'),
        'user_id', users.id,
        'claims', claims,
        'authentication_method', method
    )) -> 'claims'
    from auth.users
    where users.email = name || '@example.com'
$$;
create function pg_temp.hint(name text) returns text
language sql
as $$
    select concat_ws(' ', hint ->> 'tenant', hint ->> 'role', left(hint ->> 'tenant_id', 8))
    from (select pg_temp.claims_of(name, '{}') -> 'tenon' as hint) as asked
$$;

select is(
    pg_temp.claims_of('ada', :'claims'),
    :'claims'::jsonb || jsonb_build_object('tenon', jsonb_build_object(
        'tenant_id', :acme, 'tenant', 'acme', 'role', 'owner'
    )),
    'a token keeps all of its claims and names the only tenant'
);
select is(
    pg_temp.claims_of('ada', :'claims'::jsonb || '{"tenon": {"role": "god"}, "mine": [1]}')
    - 'tenon',
    :'claims'::jsonb || '{"mine": [1]}',
    'claims of others are kept'
);
select is(
    pg_temp.claims_of('ada', :'claims'::jsonb || '{"tenon": {"role": "god"}}') #>> '{tenon,role}',
    'owner', 'a hint that is there already is replaced'
);
select results_eq(
    $$
        select method, pg_temp.claims_of('vic', '{"sub": "x"}', method) #>> '{tenon,role}'
        from unnest(array[
            'oauth', 'password', 'otp', 'totp', 'recovery', 'invite', 'sso/saml', 'magiclink',
            'email/signup', 'email_change', 'token_refresh', 'oauth_provider/authorization_code',
            'anonymous'
        ]) as method
        where pg_temp.claims_of('vic', '{"sub": "x"}', method) #>> '{tenon,role}' <> 'viewer'
    $$,
    $$select null::text, null::text where false$$,
    'every way to sign in has the hint'
);
select is(pg_temp.hint('sue'), '', 'a suspended member has none');
insert into auth.users (id, email)
values ('00000000-0000-4000-8000-000000000006', 'nil@example.com');
select is(
    pg_temp.claims_of('nil', '{}'),
    '{"tenon": {"tenant_id": null, "tenant": null, "role": null}}',
    'who belongs nowhere has an empty hint'
);

-- A second membership is not moved into.
insert into core.members (tenant_id, user_id, role_id)
select :rival::uuid, '00000000-0000-4000-8000-000000000001', id
from core.roles
where tenant_id = core.platform_tenant_id() and slug = 'viewer';
select is(pg_temp.hint('ada'), '', 'of two tenants none is taken');
:as_ada
select lives_ok(
    format('select v1.set_active_tenant(%L)', :acme), 'a member chooses a tenant'
);
:as_owner
select is(pg_temp.hint('ada'), 'acme owner 00000000', 'and the token names it');
select is(pg_temp.hint('eve'), 'rival owner 00000000', 'the choice of one is not that of others');
:as_ada
select lives_ok(
    format('select v1.set_active_tenant(%L)', :rival), 'a member chooses another tenant'
);
:as_owner
select is(pg_temp.hint('ada'), 'rival viewer 00000000', 'with the role that counts there');
delete from core.members
where user_id = '00000000-0000-4000-8000-000000000001' and tenant_id = :rival;
select is(pg_temp.hint('ada'), '', 'who leaves the chosen tenant is not moved into the other');
:as_ada
select is(
    pg_temp.code_of(format('select v1.set_active_tenant(%L)', :rival)),
    'tenancy.not_a_member', 'a tenant of others cannot be chosen'
);
select is(
    pg_temp.code_of(
        $$select v1.set_active_tenant('00000000-0000-4000-a000-0000000000ff')$$
    ),
    'tenancy.not_a_member', 'nor can one that is not there, in the same words'
);
select is(
    pg_temp.code_of(format('select v1.set_active_tenant(%L)', :group)),
    'tenancy.not_a_member', 'nor the tenant above'
);
select lives_ok('select v1.set_active_tenant(null)', 'the choice can be taken back');
:as_owner
select is(pg_temp.hint('ada'), 'acme owner 00000000', 'then the only tenant counts again');

:as_gus
select lives_ok(
    format('select v1.set_active_tenant(%L)', :acme),
    'who owns the tenant above chooses one below'
);
:as_owner
select is(pg_temp.hint('gus'), 'acme owner 00000000', 'the role is the one that reaches down');
insert into core.members (tenant_id, user_id, role_id)
select
    :group::uuid,
    '00000000-0000-4000-8000-000000000006',
    id
from core.roles
where tenant_id = core.platform_tenant_id() and slug = 'viewer';
insert into core.user_settings (user_id, active_tenant_id)
values ('00000000-0000-4000-8000-000000000006', :acme);
select is(pg_temp.hint('nil'), '', 'a role that stays in its tenant names none below');
update core.tenants set status = 'suspended' where slug = 'acme';
select is(pg_temp.hint('gus'), '', 'a suspended tenant is not named');
update core.tenants set status = 'active' where slug = 'acme';
update core.tenants set status = 'suspended' where slug = 'group';
select is(pg_temp.hint('gus'), '', 'nor one whose tenant above is suspended, from there');
select is(pg_temp.hint('ada'), 'acme owner 00000000', 'a member of it is not touched by that');
update core.tenants set status = 'active' where slug = 'group';
:as_truck
select is(
    pg_temp.code_of(format('select v1.set_active_tenant(%L)', :acme)), '42501',
    'a device chooses nothing'
);
:as_service
select is(
    pg_temp.code_of(format('select v1.set_active_tenant(%L)', :acme)), '42501',
    'nor does the service role'
);
:as_owner
set local "request.jwt.claims" =
'{"role": "authenticated", "sub": "00000000-0000-4000-8000-00000000dead"}';
set local role authenticated;
select is(
    pg_temp.code_of('select v1.set_active_tenant(null)'), 'tenancy.not_a_member',
    'nor a user who is gone'
);


-- The hint opens nothing.
:as_owner
select set_config('request.jwt.claims', json_build_object(
    'role', 'authenticated',
    'sub', '00000000-0000-4000-8000-000000000004',
    'tenon', json_build_object('tenant_id', :acme, 'tenant', 'acme', 'role', 'owner'),
    'tenant_id', :acme,
    'app_metadata', json_build_object('tenon', json_build_object('tenant_id', :acme))
)::text, true);
set local role authenticated;
select is(
    (select array_agg(slug) from v1.tenants), array['rival'],
    'a forged hint shows no tenant'
);
select is(
    (select array_agg(distinct tenant_id) from core.members), array[:rival::uuid],
    'and no members'
);
select is(
    core.tenants_with('core.tenants.read'), array[:rival::uuid], 'and gives no permission'
);
:as_owner
select is_empty(
    $$
        select oid::regprocedure from pg_proc
        where
            pronamespace in (
                'core'::regnamespace, 'crm'::regnamespace, 'iot'::regnamespace, 'v1'::regnamespace
            )
            and prosrc ~ '''\{?tenon[,'']'
    $$,
    'no function reads the claim'
);

select * from finish();
rollback;
