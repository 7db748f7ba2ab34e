-- How long who fails to sign in has to wait, and from when on nobody is heard any more.
--
-- Auth asks after each attempt with a password or a second factor, and tells whether it was right.
-- tenon.sign_in_attempt decides; here it is remembered, in one row for each authenticator of an
-- account, which puts concurrent attempts in a row, and one for each network that they came from.
-- An unknown network makes a row only until the account refuses it: there are at most a hundred
-- between two successes. A network's own words are as little proof as its owner is known: Auth's
-- configuration has to make sure of the address (docs/guides/auth-hooks.md).

set local lock_timeout = '5s';

create table core.sign_in_authenticators (
    tenant_id uuid not null default core.platform_tenant_id() references core.tenants (id),
    user_id uuid not null references auth.users (id) on delete cascade,
    authenticator text not null,
    failures integer not null default 0,
    refusal_event_at timestamptz,
    primary key (tenant_id, user_id, authenticator),
    constraint sign_in_belongs_to_the_platform
    check (tenant_id = '00000000-0000-0000-0000-000000000000'),
    constraint authenticator_is_password_or_factor check (
        authenticator = 'password'
        or authenticator ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    ),
    constraint failures_are_counted check (failures >= 0)
);
create index sign_in_authenticators_user_id on core.sign_in_authenticators (user_id);

comment on table core.sign_in_authenticators is
'What accounts can be signed in to with, and how often that failed. The rows are the platform''s, as
users are.';
comment on column core.sign_in_authenticators.authenticator is
'password, or the id of a second factor.';
comment on column core.sign_in_authenticators.failures is
'How many attempts failed since the last success, from wherever.';
comment on column core.sign_in_authenticators.refusal_event_at is
'When a refused attempt was last recorded as a security event.';

create table core.sign_in_attempts (
    tenant_id uuid not null,
    user_id uuid not null,
    authenticator text not null,
    network cidr not null,
    failures integer not null default 0,
    failed_at timestamptz,
    succeeded_at timestamptz,
    primary key (tenant_id, user_id, authenticator, network),
    foreign key (tenant_id, user_id, authenticator)
    references core.sign_in_authenticators (tenant_id, user_id, authenticator) on delete cascade,
    constraint failures_are_counted check (failures >= 0)
);

comment on table core.sign_in_attempts is
'From which networks an account was tried. Forgotten by core.forget_old_sign_in_attempts.';
comment on column core.sign_in_attempts.network is
'A /24 of IPv4 or a /64 of IPv6; ::/0 where Auth names no address.';
comment on column core.sign_in_attempts.failures is
'How many attempts from this network failed since the last success from it.';

alter table core.sign_in_authenticators enable row level security;
alter table core.sign_in_attempts enable row level security;

create policy sign_in_authenticators_read on core.sign_in_authenticators
for select to service_role using (true);
create policy sign_in_attempts_read on core.sign_in_attempts
for select to service_role using (true);

grant select on core.sign_in_authenticators, core.sign_in_attempts to service_role;

create function core.sign_in_network(address text) returns cidr
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(tenon.sign_in_network(address), '::/0')::cidr;
end
$$;

comment on function core.sign_in_network(text) is
'The network that attempts from an address are counted for; ::/0, one for all, where there is no
address. Internal.';

create function core.judge_sign_in(
    user_id uuid,
    authenticator text,
    is_valid boolean,
    address text,
    out refusal text,
    out wait_s integer,
    out network_is_known boolean
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    platform constant uuid := core.platform_tenant_id();
    origin constant cidr := core.sign_in_network(address);
    account core.sign_in_authenticators;
    seen core.sign_in_attempts;
    outcome record;
begin
    insert into core.sign_in_authenticators (user_id, authenticator)
    values (judge_sign_in.user_id, judge_sign_in.authenticator)
    on conflict do nothing;
    -- Attempts of one account wait for each other here, so that each counts.
    select known.* into account
    from core.sign_in_authenticators as known
    where
        known.tenant_id = platform
        and known.user_id = judge_sign_in.user_id
        and known.authenticator = judge_sign_in.authenticator
    for no key update;
    select attempts.* into seen
    from core.sign_in_attempts as attempts
    where
        attempts.tenant_id = platform
        and attempts.user_id = judge_sign_in.user_id
        and attempts.authenticator = judge_sign_in.authenticator
        and attempts.network = origin;

    select judged.* into outcome
    from tenon.sign_in_attempt(
        judge_sign_in.authenticator <> 'password', is_valid, clock_timestamp(),
        seen.failures, seen.failed_at, seen.succeeded_at,
        account.failures, account.refusal_event_at
    ) as judged;
    refusal := outcome.refusal;
    wait_s := outcome.wait_s;
    network_is_known := outcome.network_is_known;

    if
        (account.failures, account.refusal_event_at)
        is distinct from (outcome.account_failures, outcome.refusal_event_at)
    then
        update core.sign_in_authenticators as known
        set
            failures = outcome.account_failures,
            refusal_event_at = outcome.refusal_event_at
        where
            known.tenant_id = platform
            and known.user_id = judge_sign_in.user_id
            and known.authenticator = judge_sign_in.authenticator;
    end if;
    if refusal is null then
        insert into core.sign_in_attempts as attempts (
            tenant_id, user_id, authenticator, network, failures, failed_at, succeeded_at
        )
        values (
            platform, judge_sign_in.user_id, judge_sign_in.authenticator, origin,
            outcome.network_failures, outcome.network_failed_at, outcome.network_succeeded_at
        )
        on conflict on constraint sign_in_attempts_pkey do update
        set
            failures = excluded.failures,
            failed_at = excluded.failed_at,
            -- A sign-in by other means may have been noted meanwhile.
            succeeded_at = greatest(attempts.succeeded_at, excluded.succeeded_at);
    end if;
    if outcome.event is not null then
        perform core.record_sign_in_event(
            judge_sign_in.user_id,
            outcome.event,
            jsonb_build_object(
                'user_id', judge_sign_in.user_id,
                'authenticator', judge_sign_in.authenticator,
                'failures', greatest(account.failures, outcome.account_failures),
                'network_is_known', network_is_known
            )
        );
    end if;
end
$$;

comment on function core.judge_sign_in(uuid, text, boolean, text) is
'Counts an attempt to sign in with a password or a factor, and says whether it is refused: refusal
is delayed (wait_s seconds are left), exhausted or null. Definer, because nobody else may write the
counts. supabase_auth_admin may call it.';

create function core.record_sign_in_event(user_id uuid, event text, details jsonb) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.record_security_event(
        coalesce(
            (core.active_tenant(record_sign_in_event.user_id)).tenant_id,
            core.platform_tenant_id()
        ),
        event,
        details
    );
exception
    -- The count matters more than the record of it.
    when others then
        raise warning 'core.record_sign_in_event: % (%)', sqlerrm, sqlstate;
end
$$;

comment on function core.record_sign_in_event(uuid, text, jsonb) is
'Records a security event in the chain of the user''s active tenant, or of the platform. Per account
and authenticator there are at most five of failures between two successes (at the first that
delays, and at 10, 25, 50 and 100), one of refusals an hour, and one of a success after failures.
Internal.';

create function core.note_sign_in(user_id uuid, address text) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    origin constant cidr := core.sign_in_network(note_sign_in.address);
begin
    if
        exists (
            select from core.sign_in_attempts as attempts
            where
                attempts.tenant_id = core.platform_tenant_id()
                and attempts.user_id = note_sign_in.user_id
                and attempts.authenticator = 'password'
                and attempts.network = origin
                and attempts.failures = 0
                and attempts.succeeded_at > now() - interval '1 hour'
        )
    then
        return;
    end if;
    insert into core.sign_in_authenticators (user_id, authenticator)
    values (note_sign_in.user_id, 'password')
    on conflict do nothing;
    insert into core.sign_in_attempts (tenant_id, user_id, authenticator, network, succeeded_at)
    values (
        core.platform_tenant_id(), note_sign_in.user_id, 'password', origin, clock_timestamp()
    )
    on conflict on constraint sign_in_attempts_pkey do update
    set failures = 0, failed_at = null, succeeded_at = excluded.succeeded_at;
end
$$;

comment on function core.note_sign_in(uuid, text) is
'Remembers that an account was signed in to from an address, by whatever means: a link by mail, a
provider, a recovery. The network is known from then on, and is what lets the holder of an account
in that strangers have exhausted. Definer, because nobody else may write the counts.
supabase_auth_admin may call it.';

create function core.forget_sign_in_attempts(user_id uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    delete from core.sign_in_authenticators as known
    where
        known.tenant_id = core.platform_tenant_id()
        and known.user_id = forget_sign_in_attempts.user_id;
end
$$;

comment on function core.forget_sign_in_attempts(uuid) is
'Forgets all failures of an account, and the networks known to it: for whoever helps a user who is
locked out, after making sure who it is. Definer, as all that writes the counts; service_role may
call it.';

create function core.forget_old_sign_in_attempts() returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    forgotten bigint;
begin
    -- One failure more would be the first: neither failures nor a success are remembered.
    delete from core.sign_in_attempts as attempts
    where (
        select judged.network_failures = 1 and not judged.network_is_known
        from tenon.sign_in_attempt(
            false, false, clock_timestamp(),
            attempts.failures, attempts.failed_at, attempts.succeeded_at, 0, null
        ) as judged
    );
    get diagnostics forgotten = row_count;
    delete from core.sign_in_authenticators as known
    where
        known.failures = 0
        and not exists (
            select from core.sign_in_attempts as attempts
            where
                attempts.tenant_id = known.tenant_id
                and attempts.user_id = known.user_id
                and attempts.authenticator = known.authenticator
        );
    return forgotten;
end
$$;

comment on function core.forget_old_sign_in_attempts() is
'Deletes what no longer counts: failures of a network 30 days after the last, a known network 180
days after the last success from it. Returns how many networks it forgot. To be called once a day.
Definer, as all that writes the counts; service_role may call it.';

create function hooks.password_verification_attempt(event jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    user_id constant uuid := hooks.uuid_of(event, 'user_id');
    judged record;
begin
    if user_id is null or jsonb_typeof(event -> 'valid') is distinct from 'boolean' then
        return hooks.refusal(400, 'The attempt''s user or result is missing.');
    end if;
    judged := core.judge_sign_in(
        user_id, 'password', (event -> 'valid')::boolean, event #>> '{metadata,ip_address}'
    );
    if judged.refusal is null then
        return jsonb '{"decision": "continue"}';
    end if;
    return jsonb_build_object(
        'decision', 'reject',
        'message', case
            -- What Auth says of an unknown account: a stranger does not learn that there is one.
            when not judged.network_is_known then 'Invalid login credentials'
            when judged.refusal = 'delayed'
                then format('Too many failed attempts. Try again in %s s.', judged.wait_s)
            else 'Too many failed attempts. Ask for a link by e-mail to sign in.'
        end,
        -- Whoever is signed in has shown the password before, and strangers must not end that.
        'should_logout_user', false
    );
exception
    when others then
        raise warning 'hooks.password_verification_attempt: % (%)', sqlerrm, sqlstate;
        return hooks.refusal(500, 'Signing in is not possible at the moment.');
end
$$;

comment on function hooks.password_verification_attempt(jsonb) is
'Counts an attempt with a password, and refuses it during a delay whether or not it was right. Only
a known network is told why. Only supabase_auth_admin may call it.';

create function hooks.mfa_verification_attempt(event jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    user_id constant uuid := hooks.uuid_of(event, 'user_id');
    factor_id constant uuid := hooks.uuid_of(event, 'factor_id');
    judged record;
begin
    if
        user_id is null or factor_id is null
        or jsonb_typeof(event -> 'valid') is distinct from 'boolean'
    then
        return hooks.refusal(400, 'The attempt''s user, factor or result is missing.');
    end if;
    judged := core.judge_sign_in(
        user_id, factor_id::text, (event -> 'valid')::boolean, event #>> '{metadata,ip_address}'
    );
    if judged.refusal is null then
        return jsonb '{"decision": "continue"}';
    end if;
    return jsonb_build_object(
        'decision', 'reject',
        'message', case judged.refusal
            when 'delayed'
                then format('Too many failed attempts. Try again in %s s.', judged.wait_s)
            else 'Too many failed attempts. Use another factor, or ask for help.'
        end
    );
exception
    when others then
        raise warning 'hooks.mfa_verification_attempt: % (%)', sqlerrm, sqlstate;
        return hooks.refusal(500, 'Signing in is not possible at the moment.');
end
$$;

comment on function hooks.mfa_verification_attempt(jsonb) is
'Counts an attempt with a second factor, and refuses it during a delay whether or not it was right.
Auth ends all sessions of the user with a refusal. Only supabase_auth_admin may call it.';

revoke all on function
core.sign_in_network(text),
core.judge_sign_in(uuid, text, boolean, text),
core.record_sign_in_event(uuid, text, jsonb),
core.note_sign_in(uuid, text),
core.forget_sign_in_attempts(uuid),
core.forget_old_sign_in_attempts(),
hooks.password_verification_attempt(jsonb),
hooks.mfa_verification_attempt(jsonb)
from public, anon, authenticated;
grant execute on function
core.judge_sign_in(uuid, text, boolean, text),
core.note_sign_in(uuid, text),
hooks.password_verification_attempt(jsonb),
hooks.mfa_verification_attempt(jsonb)
to supabase_auth_admin;
grant execute on function
core.forget_sign_in_attempts(uuid), core.forget_old_sign_in_attempts()
to service_role;
