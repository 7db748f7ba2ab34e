-- The mails of Supabase Auth, as rows of the outbox.
--
-- Auth asks in the transaction that writes the token of the mail: the row commits with it, or
-- vanishes with it. What sends the mail finds in `data` all that a template needs. With a change of
-- address Auth's fields are crossed, and stay so for compatibility: the current address gets
-- `token` and `token_hash_new`, the new one `token_new` and `token_hash`. Where the current address
-- need not agree, or there is none, only `token` and `token_hash` are filled, for the new one.

set local lock_timeout = '5s';

create function core.enqueue_auth_mail(
    tenant_id uuid, recipient text, action text, data jsonb, idempotency_key text
)
returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.enqueue_delivery(
        enqueue_auth_mail.tenant_id, 'email', recipient, 'auth.' || action, data, idempotency_key
    );
end
$$;

comment on function core.enqueue_auth_mail(uuid, text, text, jsonb, text) is
'Puts a mail of Supabase Auth into the outbox, under the template auth.action. Definer, because the
outbox takes rows from functions of core alone; supabase_auth_admin may call it.';

create function hooks.mails_of(
    person jsonb,
    sent jsonb,
    out kind text,
    out recipient text,
    out token text,
    out token_hash text,
    out is_complete boolean,
    out details jsonb
)
returns setof record
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    action constant text := hooks.text_of(sent, 'email_action_type', 100);
    email constant text := hooks.text_of(person, 'email', 254);
    hash_of_current constant text := hooks.text_of(sent, 'token_hash_new', 255);
    is_double constant boolean := email is not null and hash_of_current is not null;
begin
    kind := 'only';
    recipient := email;
    token := hooks.text_of(sent, 'token', 100);
    token_hash := hooks.text_of(sent, 'token_hash', 255);
    case
        when action in ('signup', 'recovery', 'invite', 'magiclink', 'email') then
            is_complete := token_hash is not null;
            return next;
        when action = 'email_change' then
            details := jsonb_build_object(
                'new_email', hooks.text_of(person, 'new_email', 254)
            );
            kind := 'new';
            recipient := details ->> 'new_email';
            is_complete := token_hash is not null;
            if is_double then
                token := hooks.text_of(sent, 'token_new', 100);
            end if;
            return next;
            if is_double then
                kind := 'current';
                recipient := email;
                token := hooks.text_of(sent, 'token', 100);
                token_hash := hash_of_current;
                return next;
            end if;
        when action = 'reauthentication' then
            token_hash := null;
            is_complete := token is not null;
            return next;
        when
            action in (
                'password_changed_notification', 'email_changed_notification',
                'phone_changed_notification', 'identity_linked_notification',
                'identity_unlinked_notification', 'mfa_factor_enrolled_notification',
                'mfa_factor_unenrolled_notification'
            )
        then
            token := null;
            token_hash := null;
            is_complete := true;
            details := jsonb_build_object(
                'old_email', hooks.text_of(sent, 'old_email', 254),
                'phone', hooks.text_of(person, 'phone', 50),
                'old_phone', hooks.text_of(sent, 'old_phone', 50),
                'provider', hooks.text_of(sent, 'provider', 100),
                'factor_type', hooks.text_of(sent, 'factor_type', 100)
            );
            -- Whoever has lost the account reads the address that it had.
            if action = 'email_changed_notification' then
                recipient := coalesce(details ->> 'old_email', email);
            end if;
            return next;
        else
            return;
    end case;
end
$$;

comment on function hooks.mails_of(jsonb, jsonb) is
'The mails that Auth wants sent, by the user and the email_data of the hook: none for an action that
is not known. kind: only, or new and current, the addresses of a change. is_complete: whether the
code or link is there that the mail is for. Only supabase_auth_admin may call it.';

create function hooks.send_email(event jsonb) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    platform constant uuid := core.platform_tenant_id();
    person constant jsonb := event -> 'user';
    sent constant jsonb := event -> 'email_data';
    action constant text := hooks.text_of(sent, 'email_action_type', 100);
    email constant text := hooks.text_of(person, 'email', 254);
    new_email constant text := hooks.text_of(person, 'new_email', 254);
    -- Left out when it is longer than browsers take.
    redirect_to constant text := hooks.text_of(sent, 'redirect_to', 2048);
    locale constant text := hooks.text_of(person -> 'user_metadata', 'locale', 35);
    request_id constant uuid := hooks.uuid_of(event -> 'metadata', 'uuid');
    tenant record;
    mails record;
    mail record;
begin
    select
        count(*) as wanted,
        bool_and(listed.recipient is not null) as have_recipients,
        bool_and(listed.is_complete) as are_complete
    into mails
    from hooks.mails_of(person, sent) as listed;
    if mails.wanted = 0 then
        return hooks.refusal(400, 'There is no such mail.');
    elsif not mails.have_recipients then
        return hooks.refusal(400, 'There is no address to send the mail to.');
    elsif not mails.are_complete then
        return hooks.refusal(400, 'The code or link of the mail is missing.');
    elsif action = 'email_change' and not core.email_allowed(platform, new_email) then
        return hooks.refusal(403, 'Accounts are not open to addresses of this domain.');
    end if;

    tenant := core.active_tenant(hooks.uuid_of(person, 'id'));
    if tenant.tenant_id is null then
        select
            tenants.id as tenant_id,
            tenants.slug as tenant
        into tenant
        from core.tenants
        where tenants.id = coalesce(
            core.tenant_inviting(
                email, hooks.text_of(person -> 'user_metadata', 'invitation_token', 200)
            ),
            platform
        );
    end if;

    for mail in select listed.* from hooks.mails_of(person, sent) as listed loop
        perform core.enqueue_auth_mail(
            tenant.tenant_id,
            mail.recipient,
            action,
            jsonb_strip_nulls(
                jsonb_build_object(
                    'action', action,
                    'sent_to', nullif(mail.kind, 'only'),
                    'user_id', hooks.uuid_of(person, 'id'),
                    'email', email,
                    'tenant', tenant.tenant,
                    'locale', case
                        when locale ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$' then locale
                    end,
                    'site_url', hooks.text_of(sent, 'site_url', 2048),
                    'redirect_to', redirect_to,
                    'token', mail.token,
                    'token_hash', mail.token_hash,
                    -- The query of the link, {site_url}/verify?….
                    'verify', case
                        when mail.token_hash is not null then jsonb_build_object(
                            'token', mail.token_hash, 'type', action, 'redirect_to', redirect_to
                        )
                    end
                ) || coalesce(mail.details, '{}')
            ),
            'auth:' || request_id || ':' || mail.kind
        );
    end loop;
    return jsonb '{}';
exception
    when others then
        raise warning 'hooks.send_email: % (%)', sqlerrm, sqlstate;
        return hooks.refusal(500, 'Sending mail is not possible at the moment.');
end
$$;

comment on function hooks.send_email(jsonb) is
'Puts the mails that Auth wants sent into the outbox, once for each request of Auth: for the user''s
active or only tenant, or the one that invites the address, or the platform. Refuses a change to an
address that could not sign up. Only supabase_auth_admin may call it.';

revoke all on function
core.enqueue_auth_mail(uuid, text, text, jsonb, text),
hooks.mails_of(jsonb, jsonb),
hooks.send_email(jsonb)
from public, anon, authenticated;
grant execute on function
core.enqueue_auth_mail(uuid, text, text, jsonb, text),
hooks.mails_of(jsonb, jsonb),
hooks.send_email(jsonb)
to supabase_auth_admin;
