-- The lines of the data map for tables of core that are older than the map, by topic.

set local lock_timeout = '5s';

-- Audit. Entries stay: their chain is the proof of everything else. Personal values are apart from
-- them, and erasing a record erases its values.
select
    core.map_personal(
        mapped, category, 'caller_id is user_id', 'keep',
        'Who did what, and from where, is the audit: Art. 5(2), Art. 32 GDPR.'
    )
from (
    values
    ('core.audit_entries.caller_id', 'user.unique_id'),
    ('core.audit_entries.origin', 'user.device.ip_address'),
    ('core.audit_entries.at', 'user.behavior')
) as line (mapped, category);
select
    core.map_personal(
        'core.sensitive_records.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
    );
select
    core.map_not_personal(
        'Keys, and columns whose personal values stand in core.audit_values.',
        'core.audit_entries.table_name', 'core.audit_entries.key', 'core.audit_entries.old',
        'core.audit_entries.new', 'core.audit_entries.details'
    );
select
    core.map_not_personal(
        'Copies of mapped columns, which core.forget_traces erases with them.',
        'core.audit_values.column_name', 'core.audit_values.old', 'core.audit_values.new'
    );
select
    core.map_not_personal(
        'Which records are sensitive, and why: nothing about a person beside the record.',
        'core.sensitive_records.table_name', 'core.sensitive_records.reason'
    );

-- Events. What happened stays; the personal fields of their data go by core.forget_in_events.
select
    core.map_personal(
        'core.events.actor_id', 'user.unique_id', 'actor_id is user_id', 'keep',
        'What followers were told stays; the id leads to nobody once the user is deleted.'
    );
select
    core.map_not_personal(
        'Ids and states; core.forget_traces removes the personal fields that a type declares.',
        'core.events.subject_id', 'core.events.data'
    );
select
    core.map_not_personal(
        'No row outlives its transaction.',
        'core.pending_events.actor_id', 'core.pending_events.subject_id',
        'core.pending_events.data'
    );
select core.map_not_personal('Written by migrations.', 'core.event_types.description');

-- Answers to repeated requests, and what has to reach the outside.
select
    core.map_personal(
        mapped, category, 'caller_id is user_id', 'delete_row', null, interval '7 days',
        'stored_at'
    )
from (
    values
    ('core.idempotency_keys.caller_id', 'user.unique_id'),
    ('core.idempotency_keys.answer', 'user.content')
) as line (mapped, category);
select
    core.map_personal(
        mapped, category, 'recipient is email or recipient is phone', 'delete_row', null,
        interval '90 days', 'created_at'
    )
from (
    values
    ('core.deliveries.recipient', 'user.contact'),
    ('core.deliveries.subject', 'user.content'),
    ('core.deliveries.last_error', 'user.content'),
    ('core.deliveries.data', 'user.content')
) as line (mapped, category);
select
    core.map_personal(
        'core.deliveries.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
    );
select
    core.map_not_personal(
        'Reference data, and an operator''s word on why a channel stands still.',
        'core.delivery_channels.description', 'core.delivery_channels.pause_reason'
    );

-- Limits.
select
    core.map_personal(
        'core.rate_limits.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
    );
select
    core.map_not_personal(
        'The word platform or tenant.', 'core.rate_limits.set_by'
    );

-- Sign-up and sign-in. The rows are the platform's, and go with the user.
select core.map_personal(mapped, category, 'user_id is user_id', 'delete_row')
from (
    values
    ('core.user_settings.user_id', 'user.unique_id'),
    ('core.user_settings.active_tenant_id', 'user.settings'),
    ('core.sign_in_authenticators.user_id', 'user.unique_id'),
    ('core.sign_in_authenticators.failures', 'user.behavior'),
    ('core.sign_in_attempts.user_id', 'user.unique_id'),
    ('core.sign_in_attempts.network', 'user.device.ip_address'),
    ('core.sign_in_attempts.failed_at', 'user.behavior'),
    ('core.sign_in_attempts.succeeded_at', 'user.behavior')
) as line (mapped, category);
select
    core.map_personal(
        'core.email_domain_rules.created_by', 'user.unique_id', 'created_by is user_id',
        'set_null'
    );

-- Invitations, which are to an address until somebody accepts them, and secrets of API keys.
select
    core.map_personal(
        mapped, category, 'email is email or accepted_by is user_id', 'delete_row', null,
        interval '365 days', 'expires_at'
    )
from (
    values
    ('core.invitations.email', 'user.contact.email'),
    ('core.invitations.accepted_by', 'user.unique_id'),
    ('core.invitations.accepted_at', 'user.behavior')
) as line (mapped, category);
select core.map_personal(mapped, 'user.unique_id', 'created_by is user_id', 'set_null')
from (
    values
    ('core.invitations.created_by'),
    ('core.api_key_secrets.created_by')
) as line (mapped);
select
    core.map_not_personal(
        'Hashes of random secrets, which say nothing about anybody.',
        'core.invitations.token_hash', 'core.api_key_secrets.token_hash'
    );

-- The audit knows from here on which columns go by reference.
select core.refresh_audits();
