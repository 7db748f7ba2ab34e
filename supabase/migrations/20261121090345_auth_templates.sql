-- The mails of Supabase Auth and of invitations, in English and German.
--
-- The data are those that hooks.send_email and core.invite put into the outbox. The link of a mail
-- of Auth is the address of its own verification with the token in the query: it is put together
-- here and nowhere else, and no tenant can write around it.

set local lock_timeout = '5s';

-- All mails of Auth are filled with the same, and those with a link, or a code in place of it, with
-- what that is put together from.
insert into core.template_kinds (
    template, description, is_open_to_tenants, variables, links
)
select
    kinds.template,
    kinds.description,
    false,
    jsonb '{
        "email": {"type": "text", "optional": true, "sample": "ann@example.com"},
        "tenant": {"type": "text", "optional": true, "sample": "acme"},
        "action": {"type": "text", "optional": true, "sample": "signup"}
    }' || case when kinds.has_link then jsonb '{
        "token": {"type": "text", "optional": true, "sample": "123456"},
        "site_url": {"type": "url", "optional": true, "sample": "https://example.com/auth/v1"},
        "redirect_to": {"type": "text", "optional": true, "sample": "https://app.example.com/"},
        "verify": {
            "type": "object",
            "optional": true,
            "fields": {
                "token": {"type": "text", "sample": "9f86d081884c7d65"},
                "type": {"type": "text", "sample": "signup"},
                "redirect_to": {
                    "type": "text", "optional": true, "sample": "https://app.example.com/"
                }
            }
        }
    }' else '{}' end || kinds.variables,
    case when kinds.has_link then jsonb_build_object(
        'link',
        '{% if verify %}{{ site_url }}/verify'
        '?token={{ verify.token|urlencode }}&type={{ verify.type|urlencode }}'
        '{% if verify.redirect_to %}&redirect_to={{ verify.redirect_to|urlencode }}{% endif %}'
        '{% endif %}'
    ) else '{}' end
from (
    values
    ('auth.signup', true, 'To confirm the address of a new account.', jsonb '{}'),
    ('auth.invite', true, 'To whoever an administrator made an account for.', '{}'),
    ('auth.magiclink', true, 'A link to sign in without a password.', '{}'),
    ('auth.email', true, 'A code to sign in without a password.', '{}'),
    ('auth.recovery', true, 'A link to choose a new password.', '{}'),
    (
        'auth.email_change', true,
        'To the present and the new address of an account; sent_to is current or new.',
        '{
            "sent_to": {"type": "text", "optional": true, "sample": "new"},
            "new_email": {"type": "text", "sample": "ann@new.example"}
        }'
    ),
    (
        'auth.reauthentication', false, 'A code to confirm who it is.',
        '{"token": {"type": "text", "sample": "123456"}}'
    ),
    ('auth.password_changed_notification', false, 'A password was changed.', '{}'),
    (
        'auth.email_changed_notification', false, 'An address was changed; goes to the old one.',
        '{"old_email": {"type": "text", "optional": true, "sample": "ann@old.example"}}'
    ),
    (
        'auth.phone_changed_notification', false, 'A phone number was changed.',
        '{
            "old_phone": {"type": "text", "optional": true, "sample": "+491701234567"},
            "phone": {"type": "text", "optional": true, "sample": "+491707654321"}
        }'
    ),
    (
        'auth.identity_linked_notification', false, 'Another provider was added.',
        '{"provider": {"type": "text", "optional": true, "sample": "google"}}'
    ),
    (
        'auth.identity_unlinked_notification', false, 'A provider was removed.',
        '{"provider": {"type": "text", "optional": true, "sample": "google"}}'
    ),
    (
        'auth.mfa_factor_enrolled_notification', false, 'A second factor was added.',
        '{"factor_type": {"type": "text", "optional": true, "sample": "totp"}}'
    ),
    (
        'auth.mfa_factor_unenrolled_notification', false, 'A second factor was removed.',
        '{"factor_type": {"type": "text", "optional": true, "sample": "totp"}}'
    )
) as kinds (template, has_link, description, variables);

insert into core.template_kinds (
    template, description, is_open_to_tenants, variables, links
)
values
(
    'core.invitation',
    'An invitation to become a member of a tenant.',
    true,
    '{
        "tenant": {"type": "text", "sample": "Acme"},
        "role": {"type": "text", "sample": "agent"},
        "expires_at": {"type": "datetime", "sample": "2026-11-28T14:05:00Z"},
        "token": {"type": "text", "sample": "tnn_inv_0123456789"}
    }',
    jsonb_build_object(
        'link',
        '{% if brand.app_url %}{'
        || '{ brand.app_url }}/invitations/accept?token={'
        || '{ token|urlencode }}{% endif %}'
    )
);

select core.ship_template(
    'auth.signup', 'en',
    'Confirm your address',
    'One more step to your account at {{ brand.name }}.',
    jsonb '{"heading": "Welcome to {{ brand.name }}"}',
    (
        '{"paragraph": "Please confirm that this is your e-mail address. Your account is '
        || 'ready then."}'
    )::jsonb,
    jsonb '{"if": "link", "button": ["Confirm address", "link"]}',
    jsonb '{"if": "token", "paragraph": "Or enter this code:"}',
    jsonb '{"if": "token", "code": "token"}',
    jsonb '{"small": "If this was not you, ignore this mail: nothing happens without the link."}'
);

select core.ship_template(
    'auth.signup', 'de',
    'Bestätigen Sie Ihre Adresse',
    'Noch ein Schritt zu Ihrem Konto bei {{ brand.name }}.',
    jsonb '{"heading": "Willkommen bei {{ brand.name }}"}',
    (
        '{"paragraph": "Bitte bestätigen Sie, dass dies Ihre E-Mail-Adresse ist. Dann ist '
        || 'Ihr Konto bereit."}'
    )::jsonb,
    jsonb '{"if": "link", "button": ["Adresse bestätigen", "link"]}',
    jsonb '{"if": "token", "paragraph": "Oder geben Sie diesen Code ein:"}',
    jsonb '{"if": "token", "code": "token"}',
    (
        '{"small": "Wenn Sie das nicht waren, ignorieren Sie diese Nachricht: Ohne den Link '
        || 'geschieht nichts."}'
    )::jsonb
);

select core.ship_template(
    'auth.invite', 'en',
    'You are invited to {{ brand.name }}',
    'Accept the invitation and choose how you sign in.',
    jsonb '{"heading": "You are invited to {{ brand.name }}"}',
    (
        '{"paragraph": "Somebody has made an account for you. Accept the invitation to use '
        || 'it."}'
    )::jsonb,
    jsonb '{"if": "link", "button": ["Accept invitation", "link"]}',
    jsonb '{"if": "token", "paragraph": "Or enter this code:"}',
    jsonb '{"if": "token", "code": "token"}',
    jsonb '{"small": "If this was not you, ignore this mail: nothing happens without the link."}'
);

select core.ship_template(
    'auth.invite', 'de',
    'Sie sind zu {{ brand.name }} eingeladen',
    'Nehmen Sie die Einladung an und wählen Sie, wie Sie sich anmelden.',
    jsonb '{"heading": "Sie sind zu {{ brand.name }} eingeladen"}',
    (
        '{"paragraph": "Für Sie wurde ein Konto angelegt. Nehmen Sie die Einladung an, um es '
        || 'zu nutzen."}'
    )::jsonb,
    jsonb '{"if": "link", "button": ["Einladung annehmen", "link"]}',
    jsonb '{"if": "token", "paragraph": "Oder geben Sie diesen Code ein:"}',
    jsonb '{"if": "token", "code": "token"}',
    (
        '{"small": "Wenn Sie das nicht waren, ignorieren Sie diese Nachricht: Ohne den Link '
        || 'geschieht nichts."}'
    )::jsonb
);

select core.ship_template(
    'auth.magiclink', 'en',
    'Your link to sign in',
    'It works once, and for a short time.',
    jsonb '{"heading": "Sign in to {{ brand.name }}"}',
    (
        '{"paragraph": "With this link you sign in without a password. It works once, and '
        || 'for a short time."}'
    )::jsonb,
    jsonb '{"if": "link", "button": ["Sign in", "link"]}',
    jsonb '{"if": "token", "paragraph": "Or enter this code:"}',
    jsonb '{"if": "token", "code": "token"}',
    jsonb '{"small": "If this was not you, ignore this mail: nothing happens without the link."}'
);

select core.ship_template(
    'auth.magiclink', 'de',
    'Ihr Link zum Anmelden',
    'Er gilt einmal und nur für kurze Zeit.',
    jsonb '{"heading": "Anmelden bei {{ brand.name }}"}',
    (
        '{"paragraph": "Mit diesem Link melden Sie sich ohne Passwort an. Er gilt einmal und '
        || 'nur für kurze Zeit."}'
    )::jsonb,
    jsonb '{"if": "link", "button": ["Anmelden", "link"]}',
    jsonb '{"if": "token", "paragraph": "Oder geben Sie diesen Code ein:"}',
    jsonb '{"if": "token", "code": "token"}',
    (
        '{"small": "Wenn Sie das nicht waren, ignorieren Sie diese Nachricht: Ohne den Link '
        || 'geschieht nichts."}'
    )::jsonb
);

select core.ship_template(
    'auth.email', 'en',
    'Your code to sign in',
    'It works once, and for a short time.',
    jsonb '{"heading": "Sign in to {{ brand.name }}"}',
    (
        '{"paragraph": "With this link or code you sign in. It works once, and for a short '
        || 'time."}'
    )::jsonb,
    jsonb '{"if": "link", "button": ["Sign in", "link"]}',
    jsonb '{"if": "token", "paragraph": "Or enter this code:"}',
    jsonb '{"if": "token", "code": "token"}',
    jsonb '{"small": "If this was not you, ignore this mail: nothing happens without the link."}'
);

select core.ship_template(
    'auth.email', 'de',
    'Ihr Code zum Anmelden',
    'Er gilt einmal und nur für kurze Zeit.',
    jsonb '{"heading": "Anmelden bei {{ brand.name }}"}',
    (
        '{"paragraph": "Mit diesem Link oder Code melden Sie sich an. Er gilt einmal und nur '
        || 'für kurze Zeit."}'
    )::jsonb,
    jsonb '{"if": "link", "button": ["Anmelden", "link"]}',
    jsonb '{"if": "token", "paragraph": "Oder geben Sie diesen Code ein:"}',
    jsonb '{"if": "token", "code": "token"}',
    (
        '{"small": "Wenn Sie das nicht waren, ignorieren Sie diese Nachricht: Ohne den Link '
        || 'geschieht nichts."}'
    )::jsonb
);

select core.ship_template(
    'auth.recovery', 'en',
    'Choose a new password',
    'Somebody asked for a new password for your account.',
    jsonb '{"heading": "Choose a new password"}',
    (
        '{"paragraph": "Somebody asked for a new password for your account at {{ brand.name '
        || '}}. With this link you choose it."}'
    )::jsonb,
    jsonb '{"if": "link", "button": ["Choose new password", "link"]}',
    jsonb '{"if": "token", "paragraph": "Or enter this code:"}',
    jsonb '{"if": "token", "code": "token"}',
    jsonb '{"small": "If this was not you, ignore this mail: nothing happens without the link."}'
);

select core.ship_template(
    'auth.recovery', 'de',
    'Neues Passwort wählen',
    'Für Ihr Konto wurde ein neues Passwort angefordert.',
    jsonb '{"heading": "Neues Passwort wählen"}',
    (
        '{"paragraph": "Für Ihr Konto bei {{ brand.name }} wurde ein neues Passwort '
        || 'angefordert. Mit diesem Link wählen Sie es."}'
    )::jsonb,
    jsonb '{"if": "link", "button": ["Neues Passwort wählen", "link"]}',
    jsonb '{"if": "token", "paragraph": "Oder geben Sie diesen Code ein:"}',
    jsonb '{"if": "token", "code": "token"}',
    (
        '{"small": "Wenn Sie das nicht waren, ignorieren Sie diese Nachricht: Ohne den Link '
        || 'geschieht nichts."}'
    )::jsonb
);

select core.ship_template(
    'auth.email_change', 'en',
    'Confirm the change of your address',
    'From {{ email|default("no address") }} to {{ new_email }}.',
    jsonb '{"heading": "Confirm the change of your address"}',
    (
        '{"paragraph": "{% if sent_to == \"current\" %}The address of your account at {{ '
        || 'brand.name }} is to change. Please confirm it from the present address.{% else '
        || '%}This is to be the new address of your account at {{ brand.name }}. Please confirm '
        || 'that it is yours.{% endif %}"}'
    )::jsonb,
    (
        '{"details": [["From", "{{ email|default(\"no address\") }}"], ["To", "{{ new_email '
        || '}}"]]}'
    )::jsonb,
    jsonb '{"if": "link", "button": ["Confirm change", "link"]}',
    jsonb '{"if": "token", "paragraph": "Or enter this code:"}',
    jsonb '{"if": "token", "code": "token"}',
    (
        '{"small": "If this was not you, do not confirm it{% if sent_to == \"current\" %}, '
        || 'and change your password{% endif %}."}'
    )::jsonb
);

select core.ship_template(
    'auth.email_change', 'de',
    'Bestätigen Sie Ihre neue Adresse',
    'Von {{ email|default("keiner Adresse") }} zu {{ new_email }}.',
    jsonb '{"heading": "Bestätigen Sie die Änderung Ihrer Adresse"}',
    (
        '{"paragraph": "{% if sent_to == \"current\" %}Die Adresse Ihres Kontos bei {{ '
        || 'brand.name }} soll sich ändern. Bitte bestätigen Sie das von der bisherigen Adresse '
        || 'aus.{% else %}Dies soll die neue Adresse Ihres Kontos bei {{ brand.name }} sein. '
        || 'Bitte bestätigen Sie, dass sie Ihnen gehört.{% endif %}"}'
    )::jsonb,
    (
        '{"details": [["Von", "{{ email|default(\"keine Adresse\") }}"], ["Zu", "{{ '
        || 'new_email }}"]]}'
    )::jsonb,
    jsonb '{"if": "link", "button": ["Änderung bestätigen", "link"]}',
    jsonb '{"if": "token", "paragraph": "Oder geben Sie diesen Code ein:"}',
    jsonb '{"if": "token", "code": "token"}',
    (
        '{"small": "Wenn Sie das nicht waren, bestätigen Sie es nicht{% if sent_to == '
        || '\"current\" %} und ändern Sie Ihr Passwort{% endif %}."}'
    )::jsonb
);

select core.ship_template(
    'auth.reauthentication', 'en',
    'Your code is {{ token }}',
    'Enter it to go on.',
    jsonb '{"heading": "Confirm that it is you"}',
    jsonb '{"paragraph": "Enter this code at {{ brand.name }} to go on."}',
    jsonb '{"code": "token"}',
    (
        '{"small": "Never give the code to anybody. If this was not you, change your '
        || 'password."}'
    )::jsonb
);

select core.ship_template(
    'auth.reauthentication', 'de',
    'Ihr Code lautet {{ token }}',
    'Geben Sie ihn ein, um fortzufahren.',
    jsonb '{"heading": "Bestätigen Sie, dass Sie es sind"}',
    jsonb '{"paragraph": "Geben Sie diesen Code bei {{ brand.name }} ein, um fortzufahren."}',
    jsonb '{"code": "token"}',
    (
        '{"small": "Geben Sie den Code niemandem weiter. Wenn Sie das nicht waren, ändern '
        || 'Sie Ihr Passwort."}'
    )::jsonb
);

select core.ship_template(
    'auth.password_changed_notification', 'en',
    'Your password was changed',
    'Was this not you? Then act now.',
    jsonb '{"heading": "Your password was changed"}',
    jsonb '{"paragraph": "The password of your account at {{ brand.name }} was changed."}',
    jsonb '{"small": "If this was not you, choose a new password now, and tell us."}'
);

select core.ship_template(
    'auth.password_changed_notification', 'de',
    'Ihr Passwort wurde geändert',
    'Waren Sie das nicht? Dann handeln Sie jetzt.',
    jsonb '{"heading": "Ihr Passwort wurde geändert"}',
    jsonb '{"paragraph": "Das Passwort Ihres Kontos bei {{ brand.name }} wurde geändert."}',
    (
        '{"small": "Wenn Sie das nicht waren, wählen Sie jetzt ein neues Passwort und sagen '
        || 'Sie uns Bescheid."}'
    )::jsonb
);

select core.ship_template(
    'auth.email_changed_notification', 'en',
    'Your address was changed',
    'Was this not you? Then act now.',
    jsonb '{"heading": "Your address was changed"}',
    jsonb '{"paragraph": "The address of your account at {{ brand.name }} was changed."}',
    jsonb '{"details": [["Now", "{{ email|default(\"-\") }}"]]}',
    jsonb '{"small": "If this was not you, choose a new password now, and tell us."}'
);

select core.ship_template(
    'auth.email_changed_notification', 'de',
    'Ihre Adresse wurde geändert',
    'Waren Sie das nicht? Dann handeln Sie jetzt.',
    jsonb '{"heading": "Ihre Adresse wurde geändert"}',
    jsonb '{"paragraph": "Die Adresse Ihres Kontos bei {{ brand.name }} wurde geändert."}',
    jsonb '{"details": [["Jetzt", "{{ email|default(\"-\") }}"]]}',
    (
        '{"small": "Wenn Sie das nicht waren, wählen Sie jetzt ein neues Passwort und sagen '
        || 'Sie uns Bescheid."}'
    )::jsonb
);

select core.ship_template(
    'auth.phone_changed_notification', 'en',
    'Your phone number was changed',
    'Was this not you? Then act now.',
    jsonb '{"heading": "Your phone number was changed"}',
    jsonb '{"paragraph": "The phone number of your account at {{ brand.name }} was changed."}',
    (
        '{"details": [["Before", "{{ old_phone|default(\"-\") }}"], ["Now", "{{ '
        || 'phone|default(\"-\") }}"]]}'
    )::jsonb,
    jsonb '{"small": "If this was not you, choose a new password now, and tell us."}'
);

select core.ship_template(
    'auth.phone_changed_notification', 'de',
    'Ihre Telefonnummer wurde geändert',
    'Waren Sie das nicht? Dann handeln Sie jetzt.',
    jsonb '{"heading": "Ihre Telefonnummer wurde geändert"}',
    jsonb '{"paragraph": "Die Telefonnummer Ihres Kontos bei {{ brand.name }} wurde geändert."}',
    (
        '{"details": [["Bisher", "{{ old_phone|default(\"-\") }}"], ["Jetzt", "{{ '
        || 'phone|default(\"-\") }}"]]}'
    )::jsonb,
    (
        '{"small": "Wenn Sie das nicht waren, wählen Sie jetzt ein neues Passwort und sagen '
        || 'Sie uns Bescheid."}'
    )::jsonb
);

select core.ship_template(
    'auth.identity_linked_notification', 'en',
    'A way to sign in was added',
    'Was this not you? Then act now.',
    jsonb '{"heading": "A way to sign in was added"}',
    (
        '{"paragraph": "Your account at {{ brand.name }} can now also be signed in to with '
        || 'another provider."}'
    )::jsonb,
    jsonb '{"details": [["Provider", "{{ provider|default(\"-\") }}"]]}',
    jsonb '{"small": "If this was not you, choose a new password now, and tell us."}'
);

select core.ship_template(
    'auth.identity_linked_notification', 'de',
    'Eine Anmeldung wurde hinzugefügt',
    'Waren Sie das nicht? Dann handeln Sie jetzt.',
    jsonb '{"heading": "Eine Anmeldung wurde hinzugefügt"}',
    (
        '{"paragraph": "Bei Ihrem Konto bei {{ brand.name }} kann man sich nun auch über '
        || 'einen weiteren Anbieter anmelden."}'
    )::jsonb,
    jsonb '{"details": [["Anbieter", "{{ provider|default(\"-\") }}"]]}',
    (
        '{"small": "Wenn Sie das nicht waren, wählen Sie jetzt ein neues Passwort und sagen '
        || 'Sie uns Bescheid."}'
    )::jsonb
);

select core.ship_template(
    'auth.identity_unlinked_notification', 'en',
    'A way to sign in was removed',
    'Was this not you? Then act now.',
    jsonb '{"heading": "A way to sign in was removed"}',
    (
        '{"paragraph": "Your account at {{ brand.name }} can no longer be signed in to with '
        || 'this provider."}'
    )::jsonb,
    jsonb '{"details": [["Provider", "{{ provider|default(\"-\") }}"]]}',
    jsonb '{"small": "If this was not you, choose a new password now, and tell us."}'
);

select core.ship_template(
    'auth.identity_unlinked_notification', 'de',
    'Eine Anmeldung wurde entfernt',
    'Waren Sie das nicht? Dann handeln Sie jetzt.',
    jsonb '{"heading": "Eine Anmeldung wurde entfernt"}',
    (
        '{"paragraph": "Bei Ihrem Konto bei {{ brand.name }} kann man sich nicht mehr über '
        || 'diesen Anbieter anmelden."}'
    )::jsonb,
    jsonb '{"details": [["Anbieter", "{{ provider|default(\"-\") }}"]]}',
    (
        '{"small": "Wenn Sie das nicht waren, wählen Sie jetzt ein neues Passwort und sagen '
        || 'Sie uns Bescheid."}'
    )::jsonb
);

select core.ship_template(
    'auth.mfa_factor_enrolled_notification', 'en',
    'A second factor was added',
    'Was this not you? Then act now.',
    jsonb '{"heading": "A second factor was added"}',
    jsonb '{"paragraph": "Your account at {{ brand.name }} has a new second factor."}',
    jsonb '{"details": [["Kind", "{{ factor_type|default(\"-\") }}"]]}',
    jsonb '{"small": "If this was not you, choose a new password now, and tell us."}'
);

select core.ship_template(
    'auth.mfa_factor_enrolled_notification', 'de',
    'Ein zweiter Faktor wurde hinzugefügt',
    'Waren Sie das nicht? Dann handeln Sie jetzt.',
    jsonb '{"heading": "Ein zweiter Faktor wurde hinzugefügt"}',
    jsonb '{"paragraph": "Ihr Konto bei {{ brand.name }} hat einen neuen zweiten Faktor."}',
    jsonb '{"details": [["Art", "{{ factor_type|default(\"-\") }}"]]}',
    (
        '{"small": "Wenn Sie das nicht waren, wählen Sie jetzt ein neues Passwort und sagen '
        || 'Sie uns Bescheid."}'
    )::jsonb
);

select core.ship_template(
    'auth.mfa_factor_unenrolled_notification', 'en',
    'A second factor was removed',
    'Was this not you? Then act now.',
    jsonb '{"heading": "A second factor was removed"}',
    jsonb '{"paragraph": "Your account at {{ brand.name }} has one second factor less."}',
    jsonb '{"details": [["Kind", "{{ factor_type|default(\"-\") }}"]]}',
    jsonb '{"small": "If this was not you, choose a new password now, and tell us."}'
);

select core.ship_template(
    'auth.mfa_factor_unenrolled_notification', 'de',
    'Ein zweiter Faktor wurde entfernt',
    'Waren Sie das nicht? Dann handeln Sie jetzt.',
    jsonb '{"heading": "Ein zweiter Faktor wurde entfernt"}',
    jsonb '{"paragraph": "Ihr Konto bei {{ brand.name }} hat einen zweiten Faktor weniger."}',
    jsonb '{"details": [["Art", "{{ factor_type|default(\"-\") }}"]]}',
    (
        '{"small": "Wenn Sie das nicht waren, wählen Sie jetzt ein neues Passwort und sagen '
        || 'Sie uns Bescheid."}'
    )::jsonb
);

select core.ship_template(
    'core.invitation', 'en',
    'You are invited to {{ tenant }}',
    'As {{ role }}, until {{ expires_at|date }}.',
    jsonb '{"heading": "You are invited to {{ tenant }}"}',
    (
        '{"paragraph": "Somebody there would like you to join. Sign in or sign up with this '
        || 'e-mail address to accept."}'
    )::jsonb,
    jsonb '{"details": [["Role", "{{ role }}"], ["Valid until", "{{ expires_at }}"]]}',
    jsonb '{"if": "link", "button": ["Accept invitation", "link"]}',
    jsonb '{"if": "not link", "paragraph": "If you are asked for it, this is your invitation:"}',
    jsonb '{"if": "not link", "code": "token"}',
    jsonb '{"small": "If you do not know {{ tenant }}, ignore this mail."}'
);

select core.ship_template(
    'core.invitation', 'de',
    'Sie sind zu {{ tenant }} eingeladen',
    'Als {{ role }}, bis {{ expires_at|date }}.',
    jsonb '{"heading": "Sie sind zu {{ tenant }} eingeladen"}',
    (
        '{"paragraph": "Sie sollen dort Mitglied werden. Melden Sie sich mit dieser '
        || 'E-Mail-Adresse an oder registrieren Sie sich, um anzunehmen."}'
    )::jsonb,
    jsonb '{"details": [["Rolle", "{{ role }}"], ["Gültig bis", "{{ expires_at }}"]]}',
    jsonb '{"if": "link", "button": ["Einladung annehmen", "link"]}',
    (
        '{"if": "not link", "paragraph": "Falls Sie danach gefragt werden, ist dies Ihre '
        || 'Einladung:"}'
    )::jsonb,
    jsonb '{"if": "not link", "code": "token"}',
    jsonb '{"small": "Wenn Sie {{ tenant }} nicht kennen, ignorieren Sie diese Nachricht."}'
);
