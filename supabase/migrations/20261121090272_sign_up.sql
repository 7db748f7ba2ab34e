-- Who may sign up, and with an address of which domain.
--
-- A tenant's rules say from which domains people may be invited to it and join it; the platform's
-- say who may have an account at all. The rule of the longest domain that contains an address's
-- decides, so that a company can be let in though its provider is not. Without any rule for it, an
-- address is let in unless the tenant names domains to let in.
--
-- Domains are compared in the form of the DNS, which tenon.domain_name gives: capitals, full-width
-- letters and punycode make no other domain.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('core.sign_up.read', 'See from which e-mail domains people may join.'),
('core.sign_up.write', 'Set from which e-mail domains people may join.');

select core.allow_system_roles(
    array['owner', 'admin', 'manager', 'viewer'], array['core.sign_up.read']
);
select core.allow_system_roles(array['owner', 'admin'], array['core.sign_up.write']);

insert into core.errors (code, status, message, hint) values
(
    'sign_up.domain_invalid', 400,
    '{domain} is not the name of a domain.',
    'Write the part after the @ alone, such as example.com; sub-domains are a setting of the rule.'
);

create table core.email_domain_rules (
    tenant_id uuid not null default core.sole_tenant_with('core.sign_up.write')
    references core.tenants (id),
    domain text not null,
    effect text not null,
    includes_subdomains boolean not null,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, domain),
    constraint domain_is_short check (char_length(domain) between 1 and 253),
    constraint effect_is_known check (effect in ('allow', 'deny'))
);

comment on table core.email_domain_rules is
'E-mail domains whose addresses may join a tenant, or may not. The platform''s rules are for
everyone who signs up.';
comment on column core.email_domain_rules.domain is
'In the form of the DNS; what is written is brought into it.';
comment on column core.email_domain_rules.includes_subdomains is
'Whether the rule is for sub-domains too. Where it is left out, a rule that denies is, for it could
be avoided by a sub-domain otherwise, and one that allows is not.';

select core.guard('core.email_domain_rules', 'core.sign_up');

create policy email_domain_rules_read_by_auth on core.email_domain_rules
for select to supabase_auth_admin using (true);

grant select, delete on core.email_domain_rules to authenticated;
grant insert (tenant_id, domain, effect, includes_subdomains) on core.email_domain_rules
to authenticated;
grant update (effect, includes_subdomains) on core.email_domain_rules to authenticated;
grant all on core.email_domain_rules to service_role;
grant select on core.email_domain_rules to supabase_auth_admin;

create function core.normalise_email_domain_rule() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    written constant text := new.domain;
begin
    new.domain := tenon.domain_name(written);
    new.includes_subdomains := coalesce(new.includes_subdomains, new.effect = 'deny');
    if new.domain is null then
        perform core.fail(
            'sign_up.domain_invalid', jsonb_build_object('domain', left(written, 253))
        );
    end if;
    return new;
end
$$;

comment on function core.normalise_email_domain_rule() is
'Trigger before insert or update: brings the domain into the form in which it is compared.
Raises sign_up.domain_invalid (400).';
revoke all on function core.normalise_email_domain_rule() from public;

create trigger domain_normalised before insert or update on core.email_domain_rules
for each row execute function core.normalise_email_domain_rule();

create view v1.email_domain_rules with (security_invoker = true) as
select
    email_domain_rules.tenant_id,
    email_domain_rules.domain,
    email_domain_rules.effect,
    email_domain_rules.includes_subdomains,
    email_domain_rules.created_at,
    email_domain_rules.created_by
from core.email_domain_rules;

comment on view v1.email_domain_rules is
'From which e-mail domains people may join your tenants. Needs core.sign_up.read; to add, change and
remove rules, core.sign_up.write.';

grant select, delete on v1.email_domain_rules to authenticated;
grant insert (tenant_id, domain, effect, includes_subdomains) on v1.email_domain_rules
to authenticated;
grant update (effect, includes_subdomains) on v1.email_domain_rules to authenticated;
grant all on v1.email_domain_rules to service_role;

create function core.email_allowed(tenant_id uuid, email text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    domains constant text[] := tenon.email_domains(email);
    effect text;
begin
    if domains is null then
        return false;
    end if;
    select rules.effect
    into effect
    from core.email_domain_rules as rules
    where
        rules.tenant_id = email_allowed.tenant_id
        and rules.domain = any(domains)
        and (rules.includes_subdomains or rules.domain = domains[1])
    order by char_length(rules.domain) desc
    limit 1;
    return coalesce(effect = 'allow', not core.names_allowed_domains(email_allowed.tenant_id));
end
$$;

comment on function core.email_allowed(uuid, text) is
'Whether the rules of this tenant let the address join it; those of the platform tenant, whether it
may sign up. False for what is no address. For supabase_auth_admin and functions of core.';

create function core.names_allowed_domains(tenant_id uuid) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select from core.email_domain_rules as rules
        where rules.tenant_id = names_allowed_domains.tenant_id and rules.effect = 'allow'
    );
end
$$;

comment on function core.names_allowed_domains(uuid) is
'Whether a tenant lets in nobody but addresses of domains that it names. For supabase_auth_admin and
functions of core.';

create function core.tenant_inviting(email text, token text default null) returns uuid
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return (
        select invitations.tenant_id
        from core.invitations
        where
            invitations.email = lower(tenant_inviting.email)
            and invitations.accepted_at is null
            and invitations.revoked_at is null
            and invitations.expires_at > now()
            and (
                tenant_inviting.token is null
                or invitations.token_hash = sha256(convert_to(tenant_inviting.token, 'UTF8'))
            )
            and core.email_allowed(invitations.tenant_id, tenant_inviting.email)
        order by invitations.expires_at desc, invitations.id
        limit 1
    );
end
$$;

comment on function core.tenant_inviting(text, text) is
'The tenant with an open invitation for exactly this address, of this token where one is named; null
where there is none. Definer, so that Auth need not see the hashes of tokens.
For supabase_auth_admin and functions of core.';

create function hooks.before_user_created(event jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    platform constant uuid := core.platform_tenant_id();
    person constant jsonb := event -> 'user';
    email constant text := nullif(person ->> 'email', '');
    metadata constant jsonb := person -> 'user_metadata';
    names_invitation constant boolean :=
        coalesce(metadata -> 'invitation_token' <> 'null', false);
    token constant text := hooks.text_of(metadata, 'invitation_token', 200);
    -- The operator connects an identity provider, and the provider says who belongs to it.
    is_vouched_for constant boolean :=
        coalesce(person #>> '{app_metadata,provider}' like 'sso:%', false);
    sign_up text;
    inviting uuid;
begin
    if jsonb_typeof(person) is distinct from 'object' then
        return hooks.refusal(400, 'The user to be created is missing.');
    end if;
    -- Without an address: a phone number, or nothing at all.
    if
        (email is null and core.names_allowed_domains(platform))
        or (email is not null and not core.email_allowed(platform, email))
    then
        return hooks.refusal(403, 'Signing up is not open to addresses of this domain.');
    end if;
    inviting := core.tenant_inviting(email, token);
    if names_invitation and (token is null or inviting is null) then
        return hooks.refusal(403, 'The invitation is over, or was made for another address.');
    end if;
    select coalesce(tenants.settings #>> '{core,sign_up}', 'open')
    into sign_up
    from core.tenants
    where tenants.id = platform;
    if sign_up is distinct from 'open' and inviting is null and not is_vouched_for then
        return hooks.refusal(403, 'Signing up needs an invitation.');
    end if;
    return jsonb '{}';
exception
    when others then
        raise warning 'hooks.before_user_created: % (%)', sqlerrm, sqlstate;
        return hooks.refusal(500, 'Signing up is not possible at the moment.');
end
$$;

comment on function hooks.before_user_created(jsonb) is
'Lets a user sign up, or says why not. The platform tenant''s rules on domains are for everyone. Its
setting {"core": {"sign_up": "invited"}} asks for an open invitation of exactly this address, but of
users of an identity provider that the operator has connected (SAML); any value but open does. A user
whose metadata has an invitation_token must have the address of that invitation.
Only supabase_auth_admin may call it.';

revoke all on function
core.email_allowed(uuid, text),
core.names_allowed_domains(uuid),
core.tenant_inviting(text, text),
hooks.before_user_created(jsonb)
from public, anon, authenticated;
grant execute on function
core.email_allowed(uuid, text),
core.names_allowed_domains(uuid),
core.tenant_inviting(text, text),
hooks.before_user_created(jsonb)
to supabase_auth_admin;

select core.audit('core.email_domain_rules');
