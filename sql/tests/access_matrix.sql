-- Who may do what to whose rows: every kind of caller, every table with rows of tenants and its
-- view, every verb, every place in the tree, with and without x-tenant-id; tens of thousands of
-- cells.
--
-- What should be is worked out here from literals alone: where the places are, who holds which role
-- where, what a role grants. Nothing of that asks core. What is, is tried: as PostgREST would, with
-- claims that lie about everything but who is calling. A line of a failure names the cells that are
-- wrong: verb, place, header.
begin;
set local search_path = public, extensions;
set local client_min_messages = warning;

-- The literals -----------------------------------------------------------------------------------

create temporary table places (key text primary key, path text not null, status text not null);
insert into places (key, path, status) values
('parent', 'parent', 'active'),
('self', 'parent/self', 'active'),
('child', 'parent/self/child', 'active'),
('grandchild', 'parent/self/child/grandchild', 'active'),
('sibling', 'parent/sibling', 'active'),
('nephew', 'parent/sibling/nephew', 'active'),
('stranger', 'stranger', 'active'),
('suspended', 'suspended', 'suspended'),
('below_suspended', 'suspended/below_suspended', 'active'),
('suspended_child', 'parent/self/suspended_child', 'suspended'),
('below_suspended_child', 'parent/self/suspended_child/below_suspended_child', 'active'),
('closing', 'closing', 'closing'),
('below_closing', 'closing/below_closing', 'active'),
('closing_child', 'parent/self/closing_child', 'closing');

-- What roles grant: the system's, as the guide to tenancy promises it, and some of the test's own.
create temporary table grants (roles text[], permissions text[], scope text);
insert into grants (roles, permissions, scope) values
(
    '{owner,admin}',
    '{core.tenants.read,core.tenants.write,core.tenants.suspend,core.members.read,
    core.api_keys.read,core.events.read,core.limits.read,core.sign_up.read,core.sign_up.write,
    core.privacy.read,core.audit.read,core.sensitive.read,core.deliveries.read,core.jobs.read,
    core.webhooks.read,core.webhooks.manage,core.templates.read,
    iot.devices.read,iot.devices.write,iot.telemetry.read,iot.retention.write,
    crm.companies.read,crm.companies.write,crm.contacts.read,crm.contacts.write,crm.leads.read,
    crm.leads.write,crm.deals.read,crm.deals.write,crm.products.read,crm.products.write,
    crm.activities.read,crm.activities.write,crm.tags.read,crm.tags.write,
    crm.assignment.manage,crm.service_levels.manage,
    crm.imports.manage,crm.exports.read,
    core.pipelines.read,core.pipelines.manage,crm.segments.manage,crm.leads.convert}',
    'descendants'
),
('{manager}', '{crm.products.write}', 'tenant'),
(
    '{manager,agent}',
    '{crm.companies.write,crm.contacts.write,crm.leads.write,crm.deals.write,
    crm.activities.write,crm.tags.write}',
    'tenant'
),
(
    '{manager,agent,analyst,viewer}',
    '{crm.companies.read,crm.contacts.read,crm.leads.read,crm.deals.read,crm.products.read,
    crm.activities.read,crm.tags.read,core.pipelines.read}',
    'tenant'
),
(
    '{manager}',
    '{iot.devices.write,core.jobs.read,core.deliveries.read,core.webhooks.read,
    core.templates.read,crm.assignment.manage,crm.service_levels.manage,
    crm.imports.manage,crm.segments.manage}',
    'tenant'
),
('{agent}', '{crm.segments.manage}', 'own'),
('{manager,agent}', '{crm.leads.convert}', 'tenant'),
('{manager,analyst}', '{crm.exports.read}', 'tenant'),
('{manager,viewer}', '{core.sign_up.read}', 'tenant'),
(
    '{manager,agent,analyst,viewer}',
    '{core.tenants.read,core.members.read,core.events.read,iot.devices.read,iot.telemetry.read}',
    'tenant'
),
('{own}', '{test.things.read,test.things.write,iot.devices.read,core.members.read}', 'own'),
('{team}', '{test.things.read,test.things.write,iot.devices.read,core.members.read}', 'team'),
(
    '{local,hidden_from}',
    '{test.things.read,test.things.write,iot.devices.read,core.members.read,core.api_keys.read}',
    'tenant'
),
(
    '{reach}',
    '{test.things.read,test.things.write,iot.devices.read,core.members.read,core.api_keys.read,
    core.tenants.suspend}',
    'descendants'
),
('{hidden_from}', '{core.roles.write}', 'tenant'),
(
    '{mixed}', '{test.things.read,iot.devices.read,iot.telemetry.read,core.events.read}',
    'descendants'
),
('{mixed}', '{test.things.write}', 'own'),
('{mixed}', '{iot.devices.write,iot.retention.write,crm.contacts.read}', 'tenant'),
('{write_only}', '{test.things.write,iot.devices.write}', 'tenant');

create temporary table callers (name text primary key, kind text not null);
insert into callers (name, kind) values
('owner', 'user'), ('admin', 'user'), ('manager', 'user'), ('agent', 'user'),
('analyst', 'user'), ('viewer', 'user'),
('own', 'user'), ('team', 'user'), ('local', 'user'), ('reach', 'user'), ('mixed', 'user'),
('write_only', 'user'), ('hidden_from', 'user'),
('owner_above', 'user'), ('two_places', 'user'), ('shut_out', 'user'), ('nobody', 'user'),
('key', 'api_key'), ('key_above', 'api_key'), ('key_of_suspended', 'api_key'),
('key_revoked', 'api_key'),
('anonymous', 'anon'), ('device', 'device'), ('service', 'service');

create temporary table holdings (
    caller text not null, place text not null, role text not null, counts boolean not null
);
insert into holdings (caller, place, role, counts)
select
    callers.name,
    place,
    callers.name,
    true
from callers
cross join unnest(array['self', 'suspended', 'closing']) as place
where
    callers.name in (
        'owner', 'admin', 'manager', 'agent', 'analyst', 'viewer', 'own', 'team', 'local', 'reach',
        'mixed', 'write_only', 'hidden_from'
    )
union all
values
('owner_above', 'parent', 'owner', true),
('two_places', 'self', 'owner', true),
('two_places', 'child', 'viewer', true),
('shut_out', 'self', 'owner', false),
('shut_out', 'closing', 'reach', false),
('key', 'self', 'local', true),
('key_above', 'parent', 'reach', true),
('key_of_suspended', 'suspended', 'owner', true),
('key_revoked', 'self', 'owner', false);

-- Whose a row is. Tables without an owner have rows of the kind 'row'.
create temporary table kinds (kind text primary key, own boolean, team boolean);
insert into kinds (kind, own, team) values
('row', false, false), ('mine', true, true), ('teams', false, true), ('others', false, false),
('nobodys', false, false);

-- The tables and views. Each verb: the permission that it takes, or null where nobody has it.
-- addition: how a client adds a row; change: what a client may set. owned: rows have owners;
-- besides: what reading takes as well; served: whether the service role reads it.
create temporary table objects (
    object text primary key,
    reading text,
    adding text,
    changing text,
    deleting text,
    addition text,
    change text,
    owned boolean not null default false,
    besides text,
    served boolean not null default true,
    key text not null default 'tenant_id'
);
insert into objects (object, reading, adding, changing, deleting, addition, change) values
('core.tenants', 'core.tenants.read', null, 'core.tenants.write', null, null, 'name = name'),
('v1.deal_forecast', 'crm.deals.read', null, null, null, null, null),
('core.search_documents', null, null, null, null, null, null),
('core.search_words', null, null, null, null, null, null),
('core.search_unlearned', null, null, null, null, null, null),
('v1.tenants', 'core.tenants.read', null, 'core.tenants.write', null, null, 'name = name'),
('core.roles', 'core.members.read', null, null, null, null, null),
('v1.roles', 'core.members.read', null, null, null, null, null),
('core.role_permissions', 'core.members.read', null, null, null, null, null),
('core.hidden_fields', 'core.members.read', null, null, null, null, null),
('core.members', 'core.members.read', null, null, null, null, null),
('v1.members', 'core.members.read', null, null, null, null, null),
('core.teams', 'core.members.read', null, null, null, null, null),
('v1.teams', 'core.members.read', null, null, null, null, null),
('core.team_members', 'core.members.read', null, null, null, null, null),
('core.invitations', 'core.members.read', null, null, null, null, null),
('v1.invitations', 'core.members.read', null, null, null, null, null),
('core.api_keys', 'core.api_keys.read', null, null, null, null, null),
('v1.api_keys', 'core.api_keys.read', null, null, null, null, null),
('core.api_key_secrets', 'core.api_keys.read', null, null, null, null, null),
('core.events', 'core.events.read', null, null, null, null, null),
('v1.events', 'core.events.read', null, null, null, null, null),
('core.event_expiries', 'core.events.read', null, null, null, null, null),
('core.audit_entries', 'core.audit.read', null, null, null, null, null),
('v1.audit', 'core.audit.read', null, null, null, null, null),
('core.audit_values', null, null, null, null, null, null),
('core.audit_seals', null, null, null, null, null, null),
('core.audit_heads', null, null, null, null, null, null),
('core.audit_anchors', null, null, null, null, null, null),
('core.sensitive_records', 'core.sensitive.read', null, null, null, null, null),
('core.deliveries', 'core.deliveries.read', null, null, null, null, null),
('v1.deliveries', 'core.deliveries.read', null, null, null, null, null),
('core.delivery_attempts', 'core.deliveries.read', null, null, null, null, null),
('v1.delivery_attempts', 'core.deliveries.read', null, null, null, null, null),
('core.delivery_pauses', 'core.deliveries.read', null, null, null, null, null),
('v1.delivery_pauses', 'core.deliveries.read', null, null, null, null, null),
('core.templates', 'core.templates.read', null, null, null, null, null),
('v1.templates', 'core.templates.read', null, null, null, null, null),
('core.template_versions', 'core.templates.read', null, null, null, null, null),
('v1.template_versions', 'core.templates.read', null, null, null, null, null),
('core.brands', 'core.templates.read', null, null, null, null, null),
('v1.brands', 'core.templates.read', null, null, null, null, null),
('core.sender_domains', 'core.templates.read', null, null, null, null, null),
('core.delivery_alarms', 'core.deliveries.read', null, null, null, null, null),
('v1.delivery_backlog', 'core.deliveries.read', null, null, null, null, null),
('v1.delivery_alarms', 'core.deliveries.read', null, null, null, null, null),
('core.jobs', 'core.jobs.read', null, null, null, null, null),
('v1.jobs', 'core.jobs.read', null, null, null, null, null),
('core.custom_fields', 'core.tenants.read', null, null, null, null, null),
('v1.custom_fields', 'core.tenants.read', null, null, null, null, null),
('core.custom_field_sets', null, null, null, null, null, null),
('core.custom_values', null, null, null, null, null, null),
('core.timers', 'crm.contacts.read', null, null, null, null, null),
('v1.timers', 'crm.contacts.read', null, null, null, null, null),
('core.pipelines', 'core.pipelines.read', null, null, null, null, null),
('v1.pipelines', 'core.pipelines.read', null, null, null, null, null),
('core.pipeline_versions', 'core.pipelines.read', null, null, null, null, null),
('v1.pipeline_versions', 'core.pipelines.read', null, null, null, null, null),
('core.pipeline_stages', 'core.pipelines.read', null, null, null, null, null),
('v1.pipeline_stages', 'core.pipelines.read', null, null, null, null, null),
('core.stage_periods', 'crm.deals.read', null, null, null, null, null),
('v1.stage_history', 'crm.deals.read', null, null, null, null, null),
('core.assignments', 'crm.leads.read', null, null, null, null, null),
('v1.assignments', 'crm.leads.read', null, null, null, null, null),
('core.service_level_states', 'crm.leads.read', null, null, null, null, null),
('v1.service_level_states', 'crm.leads.read', null, null, null, null, null),
('core.segments', 'crm.contacts.read', null, null, null, null, null),
('v1.segments', 'crm.contacts.read', null, null, null, null, null),
('core.segment_members', 'crm.contacts.read', null, null, null, null, null),
('v1.segment_members', 'crm.contacts.read', null, null, null, null, null),
('crm.conversions', 'crm.leads.read', null, null, null, null, null),
('v1.conversions', 'crm.leads.read', null, null, null, null, null),
('core.job_schedules', 'core.jobs.read', null, null, null, null, null),
('v1.job_schedules', 'core.jobs.read', null, null, null, null, null),
('core.assignment_rules', 'crm.assignment.manage', null, null, null, null, null),
('v1.assignment_rules', 'crm.assignment.manage', null, null, null, null, null),
('core.assignment_capacities', 'crm.assignment.manage', null, null, null, null, null),
('v1.assignment_capacities', 'crm.assignment.manage', null, null, null, null, null),
('core.assignment_turns', 'crm.assignment.manage', null, null, null, null, null),
('core.service_levels', 'crm.service_levels.manage', null, null, null, null, null),
('v1.service_levels', 'crm.service_levels.manage', null, null, null, null, null),
('crm.imports', 'crm.imports.manage', null, null, null, null, null),
('v1.imports', 'crm.imports.manage', null, null, null, null, null),
('crm.import_pieces', null, null, null, null, null, null),
('crm.import_rows', 'crm.imports.manage', null, null, null, null, null),
('crm.import_errors', 'crm.imports.manage', null, null, null, null, null),
('v1.import_errors', 'crm.imports.manage', null, null, null, null, null),
('crm.import_records', 'crm.imports.manage', null, null, null, null, null),
('crm.exports', 'crm.exports.read', null, null, null, null, null),
('v1.exports', 'crm.exports.read', null, null, null, null, null),
('core.event_heads', null, null, null, null, null, null),
('core.webhook_followers', null, null, null, null, null, null),
('core.webhook_marks', null, null, null, null, null, null),
('core.webhook_endpoints', 'core.webhooks.read', null, null, null, null, null),
('core.webhook_cursors', 'core.webhooks.read', null, null, null, null, null),
('v1.webhook_endpoints', 'core.webhooks.read', null, null, null, null, null),
('core.secrets', null, null, null, null, null, null),
('core.webhook_sources', 'core.webhooks.read', null, null, null, null, null),
('v1.webhook_sources', 'core.webhooks.read', null, null, null, null, null),
('core.inbound_messages', 'core.webhooks.manage', null, null, null, null, null),
('v1.inbound_messages', 'core.webhooks.manage', null, null, null, null, null),
('core.suppressions', 'core.deliveries.read', null, null, null, null, null),
('v1.suppressions', 'core.deliveries.read', null, null, null, null, null),
('core.provider_states', 'core.deliveries.read', null, null, null, null, null),
('v1.delivery_receipts', 'core.deliveries.read', null, null, null, null, null),
('core.pending_events', null, null, null, null, null, null),
('core.idempotency_keys', null, null, null, null, null, null),
('core.rate_limits', 'core.limits.read', null, null, null, null, null),
('v1.rate_limits', 'core.limits.read', null, null, null, null, null),
(
    'core.email_domain_rules', 'core.sign_up.read', 'core.sign_up.write', 'core.sign_up.write',
    'core.sign_up.write',
    'insert into core.email_domain_rules (tenant_id, domain, effect) '
    'values (%L, ''added.example'', ''allow'')',
    'effect = effect'
),
(
    'v1.email_domain_rules', 'core.sign_up.read', 'core.sign_up.write', 'core.sign_up.write',
    'core.sign_up.write',
    'insert into v1.email_domain_rules (tenant_id, domain, effect) '
    'values (%L, ''added.example'', ''allow'')',
    'effect = effect'
),
('core.rate_buckets', null, null, null, null, null, null),
('core.legal_holds', 'core.privacy.read', null, null, null, null, null),
('v1.legal_holds', 'core.privacy.read', null, null, null, null, null),
('core.export_log', 'core.privacy.read', null, null, null, null, null),
('v1.export_log', 'core.privacy.read', null, null, null, null, null),
('core.erasures', 'core.privacy.read', null, null, null, null, null),
('v1.erasures', 'core.privacy.read', null, null, null, null, null),
('core.consents', 'core.privacy.read', null, null, null, null, null),
('v1.consents', 'core.privacy.read', null, null, null, null, null),
('core.consent_withdrawals', 'core.privacy.read', null, null, null, null, null),
(
    'iot.devices', 'iot.devices.read', 'iot.devices.write', 'iot.devices.write', null,
    'insert into iot.devices (tenant_id, slug) values (%L, ''added'')', 'name = name'
),
(
    'v1.devices', 'iot.devices.read', 'iot.devices.write', 'iot.devices.write', null,
    'insert into v1.devices (tenant_id, slug) values (%L, ''added'')', 'name = name'
),
('iot.device_credentials', 'iot.devices.read', null, null, null, null, null),
('v1.device_credentials', 'iot.devices.read', null, null, null, null, null),
('iot.metrics', 'iot.devices.read', null, 'iot.devices.write', null, null, 'unit = unit'),
('v1.metrics', 'iot.devices.read', null, 'iot.devices.write', null, null, 'unit = unit'),
('iot.batches', 'iot.telemetry.read', null, null, null, null, null),
('iot.rejected_messages', 'iot.devices.read', null, null, null, null, null),
('v1.rejected_messages', 'iot.devices.read', null, null, null, null, null),
('iot.blocks', 'iot.telemetry.read', null, null, null, null, null),
('iot.latest', 'iot.telemetry.read', null, null, null, null, null),
(
    'iot.retention_policies', 'iot.telemetry.read', 'iot.retention.write', 'iot.retention.write',
    'iot.retention.write',
    'insert into iot.retention_policies (tenant_id, metric, raw_days) values (%L, 1, 7)',
    'raw_days = raw_days'
),
('v1.retention_policies', 'iot.telemetry.read', null, null, null, null, null),
(
    'core.things', 'test.things.read', 'test.things.write', 'test.things.write',
    'test.things.write',
    'insert into core.things (tenant_id, id, kind, owner_id, team_id) '
    'values (%1$L, %5$L, %2$L, %3$L, %4$L)',
    'title = title'
),
(
    'v1.things', 'test.things.read', 'test.things.write', 'test.things.write',
    'test.things.write',
    'insert into v1.things (tenant_id, id, kind, owner_id, team_id) '
    'values (%1$L, %5$L, %2$L, %3$L, %4$L)',
    'title = title'
),
-- What hangs on things is whose they are.
(
    'core.remarks', 'test.things.read', 'test.things.write', 'test.things.write',
    'test.things.write',
    'insert into core.remarks (tenant_id, id, kind, object, record_id) '
    'values (%1$L, %5$L, %2$L, ''test.things'', %6$L)',
    'title = title'
);
insert into objects (object, reading, adding, changing, deleting, addition, change) values
(
    'crm.companies', 'crm.companies.read', 'crm.companies.write', 'crm.companies.write',
    'crm.companies.write',
    'insert into crm.companies (tenant_id, name) '
    'values (%1$L, ''Added'')',
    'name = name'
),
(
    'v1.companies', 'crm.companies.read', 'crm.companies.write', 'crm.companies.write',
    'crm.companies.write',
    'insert into v1.companies (tenant_id, name) '
    'values (%1$L, ''Added'')',
    'name = name'
),
(
    'crm.contacts', 'crm.contacts.read', 'crm.contacts.write', 'crm.contacts.write',
    'crm.contacts.write',
    'insert into crm.contacts (tenant_id, email) '
    'values (%1$L, ''addedcrm.contactsmatrix.example'')',
    'email = email'
),
(
    'v1.contacts', 'crm.contacts.read', 'crm.contacts.write', 'crm.contacts.write',
    'crm.contacts.write',
    'insert into v1.contacts (tenant_id, email) '
    'values (%1$L, ''addedv1.contactsmatrix.example'')',
    'email = email'
),
(
    'crm.contact_companies', 'crm.contacts.read', 'crm.contacts.write', 'crm.contacts.write',
    'crm.contacts.write',
    'insert into crm.contact_companies (tenant_id, contact_id, company_id) '
    'values (%1$L, %1$L, md5(%1$L)::uuid)',
    'job_title = job_title'
),
(
    'v1.contact_companies', 'crm.contacts.read', 'crm.contacts.write', 'crm.contacts.write',
    'crm.contacts.write',
    'insert into v1.contact_companies (tenant_id, contact_id, company_id) '
    'values (%1$L, %1$L, md5(%1$L)::uuid)',
    'job_title = job_title'
),
(
    'crm.contact_points', 'crm.contacts.read', 'crm.contacts.write', 'crm.contacts.write',
    'crm.contacts.write',
    'insert into crm.contact_points (tenant_id, contact_id, kind, value) '
    'values (%1$L, %1$L, ''phone'', ''1'')',
    'label = label'
),
(
    'v1.contact_points', 'crm.contacts.read', 'crm.contacts.write', 'crm.contacts.write',
    'crm.contacts.write',
    'insert into v1.contact_points (tenant_id, contact_id, kind, value) '
    'values (%1$L, %1$L, ''phone'', ''1'')',
    'label = label'
),
(
    'crm.leads', 'crm.leads.read', 'crm.leads.write', 'crm.leads.write',
    'crm.leads.write',
    'insert into crm.leads (tenant_id, email) '
    'values (%1$L, ''addedcrm.leadsmatrix.example'')',
    'email = email'
),
(
    'v1.leads', 'crm.leads.read', 'crm.leads.write', 'crm.leads.write',
    'crm.leads.write',
    'insert into v1.leads (tenant_id, email) '
    'values (%1$L, ''addedv1.leadsmatrix.example'')',
    'email = email'
),
(
    'crm.products', 'crm.products.read', 'crm.products.write', 'crm.products.write',
    'crm.products.write',
    'insert into crm.products (tenant_id, code, name) '
    'values (%1$L, ''added'', ''Added'')',
    'name = name'
),
(
    'v1.products', 'crm.products.read', 'crm.products.write', 'crm.products.write',
    'crm.products.write',
    'insert into v1.products (tenant_id, code, name) '
    'values (%1$L, ''added'', ''Added'')',
    'name = name'
),
(
    'crm.deals', 'crm.deals.read', 'crm.deals.write', 'crm.deals.write',
    'crm.deals.write',
    'insert into crm.deals (tenant_id, name) '
    'values (%1$L, ''Added'')',
    'name = name'
),
(
    'v1.deals', 'crm.deals.read', 'crm.deals.write', 'crm.deals.write',
    'crm.deals.write',
    'insert into v1.deals (tenant_id, name) '
    'values (%1$L, ''Added'')',
    'name = name'
),
(
    'crm.deal_contacts', 'crm.deals.read', 'crm.deals.write', 'crm.deals.write',
    'crm.deals.write',
    'insert into crm.deal_contacts (tenant_id, deal_id, contact_id) '
    'values (%1$L, %1$L, md5(%1$L)::uuid)',
    'role = role'
),
(
    'v1.deal_contacts', 'crm.deals.read', 'crm.deals.write', 'crm.deals.write',
    'crm.deals.write',
    'insert into v1.deal_contacts (tenant_id, deal_id, contact_id) '
    'values (%1$L, %1$L, md5(%1$L)::uuid)',
    'role = role'
),
(
    'crm.deal_lines', 'crm.deals.read', 'crm.deals.write', 'crm.deals.write',
    'crm.deals.write',
    'insert into crm.deal_lines (tenant_id, deal_id, name, unit_price_minor) '
    'values (%1$L, %1$L, ''Added'', 100)',
    'name = name'
),
(
    'v1.deal_lines', 'crm.deals.read', 'crm.deals.write', 'crm.deals.write',
    'crm.deals.write',
    'insert into v1.deal_lines (tenant_id, deal_id, name, unit_price_minor) '
    'values (%1$L, %1$L, ''Added'', 100)',
    'name = name'
),
(
    'crm.activities', 'crm.activities.read', 'crm.activities.write', 'crm.activities.write',
    'crm.activities.write',
    'insert into crm.activities (tenant_id, type, subject) '
    'values (%1$L, ''note'', ''Added'')',
    'subject = subject'
),
(
    'v1.activities', 'crm.activities.read', 'crm.activities.write', 'crm.activities.write',
    'crm.activities.write',
    'insert into v1.activities (tenant_id, type, subject) '
    'values (%1$L, ''note'', ''Added'')',
    'subject = subject'
),
(
    'crm.activity_links', 'crm.contacts.read', 'crm.activities.write', null,
    'crm.activities.write',
    'insert into crm.activity_links (tenant_id, activity_id, object, record_id) '
    'values (%1$L, %1$L, ''crm.contacts'', md5(%1$L)::uuid)',
    null
),
(
    'v1.activity_links', 'crm.contacts.read', 'crm.activities.write', null,
    'crm.activities.write',
    'insert into v1.activity_links (tenant_id, activity_id, object, record_id) '
    'values (%1$L, %1$L, ''crm.contacts'', md5(%1$L)::uuid)',
    null
),
(
    'crm.tags', 'crm.tags.read', 'crm.tags.write', 'crm.tags.write',
    'crm.tags.write',
    'insert into crm.tags (tenant_id, name) '
    'values (%1$L, ''added'')',
    'name = name'
),
(
    'v1.tags', 'crm.tags.read', 'crm.tags.write', 'crm.tags.write',
    'crm.tags.write',
    'insert into v1.tags (tenant_id, name) '
    'values (%1$L, ''added'')',
    'name = name'
),
(
    'crm.taggings', 'crm.contacts.read', 'crm.contacts.write', null,
    'crm.contacts.write',
    'insert into crm.taggings (tenant_id, tag_id, object, record_id) '
    'values (%1$L, %1$L, ''crm.contacts'', md5(%1$L)::uuid)',
    null
),
(
    'v1.taggings', 'crm.contacts.read', 'crm.contacts.write', null,
    'crm.contacts.write',
    'insert into v1.taggings (tenant_id, tag_id, object, record_id) '
    'values (%1$L, %1$L, ''crm.contacts'', md5(%1$L)::uuid)',
    null
),
(
    'crm.attachments', 'crm.contacts.read', 'crm.contacts.write', 'crm.contacts.write',
    'crm.contacts.write',
    'insert into crm.attachments (tenant_id, object, record_id, bucket, path, name) '
    'values (%1$L, ''crm.contacts'', %1$L, ''files'', %1$L || ''/added.pdf'', ''added.pdf'')',
    'name = name'
),
(
    'v1.attachments', 'crm.contacts.read', 'crm.contacts.write', 'crm.contacts.write',
    'crm.contacts.write',
    'insert into v1.attachments (tenant_id, object, record_id, bucket, path, name) '
    'values (%1$L, ''crm.contacts'', %1$L, ''files'', %1$L || ''/added.pdf'', ''added.pdf'')',
    'name = name'
);
update objects set owned = true where object in ('core.things', 'v1.things', 'core.remarks');
update objects set besides = 'core.members.read' where object in ('core.events', 'v1.events');
update objects set served = false where reading is null and object not like 'core.audit%';
update objects set key = 'id' where object in ('core.tenants', 'v1.tenants');

-- The oracle -------------------------------------------------------------------------------------

-- Who may what to which rows, as long as no header narrows it. A role counts in the place where it
-- is held and, with the scope descendants, below; all places on the way have to be open.
create temporary table allowed as
select
    holdings.caller,
    granted.permission,
    places.key as place,
    kinds.kind,
    -- A role that is kept from a field shows nobody that field.
    bool_or(holdings.role <> 'hidden_from') as shows_field
from holdings
inner join grants on holdings.role = any(grants.roles)
cross join unnest(grants.permissions) as granted (permission)
inner join places as held on held.key = holdings.place
inner join places
    on
        places.key = held.key
        or (grants.scope = 'descendants' and strpos(places.path || '/', held.path || '/') = 1)
cross join kinds
where
    holdings.counts
    and case grants.scope when 'own' then kinds.own when 'team' then kinds.team else true end
    and not exists (
        select from places as between_them
        where
            strpos(places.path || '/', between_them.path || '/') = 1
            and strpos(between_them.path || '/', held.path || '/') = 1
            and (
                between_them.status = 'suspended'
                or (between_them.status = 'closing' and granted.permission !~ '\.read$')
            )
    )
group by holdings.caller, granted.permission, places.key, kinds.kind;
create index on allowed (caller, permission);
analyze allowed;

-- Those who may resume a suspended tenant from above see that it is there.
create temporary table resumable as
select
    allowed.caller,
    above.key as above,
    places.key as place
from places
inner join places as above on places.path = above.path || '/' || places.key
inner join allowed on allowed.place = above.key and allowed.kind = 'row'
where
    places.status = 'suspended' and allowed.permission = 'core.tenants.suspend';

-- The scenario -----------------------------------------------------------------------------------

create function pg_temp.tenant(place text) returns uuid
language sql immutable
as $$ select md5('tenant ' || place)::uuid $$;
create function pg_temp.caller_id(name text) returns uuid
language sql immutable
as $$ select md5('caller ' || name)::uuid $$;
create function pg_temp.role_id(place text, name text) returns uuid
language sql immutable
as $$ select md5('role ' || name || ' of ' || place)::uuid $$;
create function pg_temp.team(place text, name text) returns uuid
language sql immutable
as $$ select md5('team ' || name || ' of ' || place)::uuid $$;
create function pg_temp.thing(place text, kind text) returns uuid
language sql immutable
as $$ select md5('thing of ' || kind || ' of ' || place)::uuid $$;

insert into core.permissions (permission, description) values
('test.things.read', 'See things.'), ('test.things.write', 'Write things.');
create table core.things (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    kind text not null,
    owner_id uuid,
    team_id uuid,
    title text not null default 'thing',
    price integer,
    primary key (tenant_id, id),
    foreign key (tenant_id, team_id) references core.teams (tenant_id, id)
);
select core.guard('core.things', 'test.things', 'owner_id', 'team_id');
select core.guard_fields('core.things', 'test.things', array['price']);
create view v1.things with (security_invoker = true) as
select
    things.tenant_id,
    things.id,
    things.kind,
    things.owner_id,
    things.team_id,
    things.title,
    case
        when
            things.tenant_id
            = any((select core.tenants_with('test.things.read', 'own', 'price'))::uuid[])
            then things.price
    end as price
from core.things;
grant select, insert, update, delete on core.things, v1.things to authenticated, service_role;
-- An object without the triggers of one, which are no matter here.
insert into core.objects (
    object, relation, singular, event_prefix, label_column, owner_column, team_column
)
values ('test.things', 'core.things', 'thing', 'test.thing', 'title', 'owner_id', 'team_id');
create table core.remarks (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null,
    kind text not null,
    object text not null,
    record_id uuid not null,
    title text not null default 'remark',
    primary key (tenant_id, id)
);
select core.guard_linked('core.remarks');
grant select, insert, delete, update (title) on core.remarks to authenticated;
grant all on core.remarks to service_role;

insert into core.tenants (id, parent_id, slug, name, status)
select
    pg_temp.tenant(places.key),
    coalesce(
        pg_temp.tenant((
            select above.key from places as above
            where places.path = above.path || '/' || places.key
        )),
        '00000000-0000-0000-0000-000000000000'
    ),
    'matrix-' || replace(places.key, '_', '-'),
    places.key,
    places.status
from places
order by places.path;

-- Everybody who holds something has an account; a resident has one in every place.
insert into auth.users (id, email)
select
    pg_temp.caller_id(named.name),
    named.name || '@matrix.example'
from (
    select name from callers where kind = 'user'
    union all
    values ('resident')
) as named;
insert into core.roles (tenant_id, id, slug, name)
select distinct
    pg_temp.tenant(holdings.place),
    pg_temp.role_id(holdings.place, holdings.role),
    holdings.role,
    holdings.role
from holdings
where holdings.role not in ('owner', 'admin', 'manager', 'agent', 'analyst', 'viewer');
insert into core.roles (tenant_id, id, slug, name)
select
    pg_temp.tenant(places.key),
    pg_temp.role_id(places.key, 'residents'),
    'residents',
    'Residents'
from places;
insert into core.role_permissions (tenant_id, role_id, permission, scope)
select
    roles.tenant_id,
    roles.id,
    granted.permission,
    grants.scope
from core.roles
inner join grants on roles.slug = any(grants.roles)
cross join unnest(grants.permissions) as granted (permission)
where roles.tenant_id in (select pg_temp.tenant(places.key) from places);
insert into core.role_permissions (tenant_id, role_id, permission)
select
    pg_temp.tenant(places.key),
    pg_temp.role_id(places.key, 'residents'),
    'core.tenants.read'
from places;
insert into core.hidden_fields (tenant_id, role_id, object, field)
select
    roles.tenant_id,
    roles.id,
    'test.things',
    'price'
from core.roles
where
    roles.slug in ('hidden_from', 'residents')
    and roles.tenant_id in (select pg_temp.tenant(places.key) from places);

insert into core.members (tenant_id, user_id, role_tenant_id, role_id, status)
select
    pg_temp.tenant(holdings.place),
    pg_temp.caller_id(holdings.caller),
    roles.tenant_id,
    roles.id,
    case when holdings.counts then 'active' else 'suspended' end
from holdings
inner join callers on callers.name = holdings.caller and callers.kind = 'user'
inner join core.roles
    on
        roles.slug = holdings.role
        and roles.tenant_id
        in (pg_temp.tenant(holdings.place), '00000000-0000-0000-0000-000000000000');
insert into core.members (tenant_id, user_id, role_tenant_id, role_id)
select
    pg_temp.tenant(places.key),
    pg_temp.caller_id('resident'),
    pg_temp.tenant(places.key),
    pg_temp.role_id(places.key, 'residents')
from places;
insert into core.api_keys (tenant_id, id, name, role_tenant_id, role_id, revoked_at)
select
    pg_temp.tenant(holdings.place),
    pg_temp.caller_id(holdings.caller),
    holdings.caller,
    roles.tenant_id,
    roles.id,
    case when not holdings.counts then now() end
from holdings
inner join callers on callers.name = holdings.caller and callers.kind = 'api_key'
inner join core.roles
    on
        roles.slug = holdings.role
        and roles.tenant_id
        in (pg_temp.tenant(holdings.place), '00000000-0000-0000-0000-000000000000');
insert into core.api_keys (tenant_id, id, name, role_tenant_id, role_id)
select
    pg_temp.tenant(places.key),
    md5('key of ' || places.key)::uuid,
    'resident',
    pg_temp.tenant(places.key),
    pg_temp.role_id(places.key, 'residents')
from places;
insert into core.api_key_secrets (tenant_id, api_key_id, token_hash, hint)
select
    pg_temp.tenant(places.key),
    md5('key of ' || places.key)::uuid,
    sha256(convert_to(places.key, 'UTF8')),
    'tnn_key_test'
from places;
-- All members of a place are in the one team of it, and the resident alone is in the other.
insert into core.teams (tenant_id, id, slug, name)
select
    pg_temp.tenant(places.key),
    pg_temp.team(places.key, team),
    team,
    team
from places
cross join unnest(array['teams', 'others']) as team;
insert into core.team_members (tenant_id, team_id, user_id)
select
    pg_temp.tenant(places.key),
    pg_temp.team(
        places.key,
        case members.user_id when pg_temp.caller_id('resident') then 'others' else 'teams' end
    ),
    members.user_id
from places
inner join core.members on members.tenant_id = pg_temp.tenant(places.key);
insert into core.invitations (
    tenant_id, email, role_tenant_id, role_id, token_hash, expires_at
)
select
    pg_temp.tenant(places.key),
    'guest@matrix.example',
    pg_temp.tenant(places.key),
    pg_temp.role_id(places.key, 'residents'),
    sha256(convert_to(places.key, 'UTF8')),
    now() + interval '1 day'
from places;

insert into core.events (tenant_id, number, type, at, actor_kind, data)
select
    pg_temp.tenant(places.key),
    1000,
    'core.member.left',
    now(),
    'system',
    '{}'
from places;
insert into core.audit_entries (tenant_id, operation, caller_kind)
select
    pg_temp.tenant(places.key),
    'read',
    'system'
from places;
insert into core.audit_values (tenant_id, entry_id, column_name, salt)
select
    pg_temp.tenant(places.key),
    0,
    'name',
    ''
from places;
insert into core.audit_seals (
    tenant_id, number, month, entries, ids, digests, previous, hash, sealed_at
)
select
    pg_temp.tenant(places.key),
    1,
    now(),
    0,
    '{}',
    '',
    sha256(''),
    sha256(''),
    now()
from places;
insert into core.audit_heads (tenant_id, number, hash, entries)
select
    pg_temp.tenant(places.key),
    1,
    sha256(''),
    0
from places;
insert into core.audit_anchors (tenant_id, number, hash, platform_number)
select
    pg_temp.tenant(places.key),
    1,
    sha256(''),
    1
from places;
insert into core.sensitive_records (tenant_id, table_name, record_id, reason)
select
    pg_temp.tenant(places.key),
    'core.none',
    pg_temp.tenant(places.key),
    'none'
from places;
insert into core.deliveries (tenant_id, channel, recipient, template, data)
select
    pg_temp.tenant(places.key),
    'email',
    'guest@matrix.example',
    'core.invitation',
    '{}'
from places;
insert into core.delivery_attempts (
    tenant_id, delivery_id, number, channel, started_at, ended_at, outcome
)
select
    deliveries.tenant_id,
    deliveries.id,
    1,
    'email',
    now(),
    now(),
    'failed'
from core.deliveries;
insert into core.delivery_pauses (tenant_id, channel)
select
    pg_temp.tenant(places.key),
    'webhook'
from places;
insert into core.templates (tenant_id, id, template, language)
select
    pg_temp.tenant(places.key),
    md5('template of ' || places.key)::uuid,
    'crm.task_due',
    'en'
from places;
insert into core.template_versions (
    tenant_id, template_id, template, language, number, subject, text, has_layout
)
select
    pg_temp.tenant(places.key),
    md5('template of ' || places.key)::uuid,
    'crm.task_due',
    'en',
    1,
    'due',
    'due',
    false
from places;
insert into core.brands (tenant_id, slug)
select
    pg_temp.tenant(places.key),
    'default'
from places;
insert into core.sender_domains (tenant_id, domain)
select
    pg_temp.tenant(places.key),
    'matrix.example'
from places;
insert into core.delivery_alarms (tenant_id, channel, waiting_since, threshold)
select
    pg_temp.tenant(places.key),
    'email',
    now(),
    '1 minute'
from places;
insert into core.jobs (tenant_id, task)
select
    pg_temp.tenant(places.key),
    'test.task'
from places;
insert into core.custom_fields (tenant_id, object, field, definition)
select
    pg_temp.tenant(places.key),
    'crm.contacts',
    'test',
    '{"type": "text", "label": "Test"}'
from places;
insert into core.custom_field_sets (tenant_id, object)
select
    pg_temp.tenant(places.key),
    'crm.contacts'
from places;
insert into core.custom_values (tenant_id, object, field, record_id, is_unique, text_value)
select
    pg_temp.tenant(places.key),
    'crm.contacts',
    'test',
    pg_temp.tenant(places.key),
    true,
    'test'
from places;
insert into crm.imports (tenant_id, id, object, name)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'crm.contacts',
    'test'
from places;
insert into crm.import_pieces (tenant_id, import_id, number, hash, row_count)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    1,
    '',
    1
from places;
insert into crm.import_rows (tenant_id, import_id, row_number, cells)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    1,
    '[]'
from places;
insert into crm.import_errors (
    tenant_id, import_id, phase, row_number, place, code, explanation
)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'run',
    1,
    1,
    'import.id_invalid',
    'test'
from places;
insert into crm.import_records (
    tenant_id, import_id, object, record_id, row_number, action, version
)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'crm.contacts',
    pg_temp.tenant(places.key),
    1,
    'create',
    1
from places;
insert into crm.exports (tenant_id, object, fields, is_filtered, row_count, is_last)
select
    pg_temp.tenant(places.key),
    'crm.contacts',
    '{name}',
    false,
    0,
    true
from places;
insert into core.job_schedules (tenant_id, name, task, expression, enabled)
select
    pg_temp.tenant(places.key),
    'test',
    'test.task',
    '@daily',
    false
from places;
insert into core.assignment_rules (tenant_id, object, position, name, user_id)
select
    pg_temp.tenant(places.key),
    'crm.leads',
    1,
    'Matrix',
    pg_temp.caller_id('owner')
from places;
insert into core.assignment_capacities (tenant_id, team_id, user_id)
select
    team_members.tenant_id,
    team_members.team_id,
    team_members.user_id
from core.team_members;
insert into core.assignment_turns (tenant_id, object, team_id, user_id, credit, last_number)
select
    team_members.tenant_id,
    'crm.leads',
    team_members.team_id,
    team_members.user_id,
    0,
    1
from core.team_members;
insert into core.service_levels (tenant_id, object, name, kind, within_s)
select
    pg_temp.tenant(places.key),
    'crm.leads',
    'Matrix',
    'next_step',
    60
from places;
insert into core.event_expiries (tenant_id, expired_number)
select
    pg_temp.tenant(places.key),
    1
from places;
insert into core.event_heads (tenant_id)
select pg_temp.tenant(places.key) from places
on conflict do nothing;
insert into core.webhook_followers (tenant_id)
select pg_temp.tenant(places.key) from places;
insert into core.webhook_marks (tenant_id, number)
select
    pg_temp.tenant(places.key),
    1
from places;
insert into core.webhook_endpoints (tenant_id, url, event_types, secret_id)
select
    pg_temp.tenant(places.key),
    'https://matrix.example.com/',
    '{core.member.left}',
    gen_random_uuid()
from places;
insert into core.secrets (tenant_id, purpose, sealed)
select
    pg_temp.tenant(places.key),
    'webhook',
    ''
from places;
insert into core.webhook_sources (tenant_id, name, scheme, processor, secret_hash)
select
    pg_temp.tenant(places.key),
    'Matrix',
    'bearer',
    'email_provider',
    ''
from places;
insert into core.inbound_messages (tenant_id, source_id, external_id, headers, body)
select
    sources.tenant_id,
    sources.id,
    'matrix',
    '{}',
    ''
from core.webhook_sources as sources;
insert into core.suppressions (
    tenant_id, channel, address_hash, address_masked, reason, source
)
select
    pg_temp.tenant(places.key),
    'email',
    '',
    '***',
    'manual',
    ''
from places;
insert into core.provider_states (
    tenant_id, provider_message_id, status, status_at, delivery_tenant_id, delivery_id
)
select
    deliveries.tenant_id,
    'matrix',
    'delivered',
    now(),
    deliveries.tenant_id,
    deliveries.id
from core.deliveries;
insert into core.webhook_cursors (tenant_id, endpoint_id, number)
select
    endpoints.tenant_id,
    endpoints.id,
    0
from core.webhook_endpoints as endpoints;
insert into core.pending_events (
    tenant_id, transaction, is_first, type, at, actor_kind, data
)
select
    pg_temp.tenant(places.key),
    '1',
    false,
    'core.member.left',
    now(),
    'system',
    '{}'
from places;
insert into core.idempotency_keys (
    tenant_id, caller_kind, caller_id, key, operation, request_hash, transaction
)
select
    pg_temp.tenant(places.key),
    'user',
    pg_temp.caller_id('resident'),
    'key',
    'invite',
    '',
    '1'
from places;
insert into core.rate_limits (tenant_id, dimension, set_by, limits)
select
    pg_temp.tenant(places.key),
    'tenant',
    'tenant',
    '9000/1s'
from places;
insert into core.email_domain_rules (tenant_id, domain, effect)
select
    pg_temp.tenant(places.key),
    'matrix.example',
    'deny'
from places;
insert into core.rate_buckets (tenant_id, bucket, taken_until)
select
    pg_temp.tenant(places.key),
    'bucket',
    now()
from places;

insert into core.legal_holds (tenant_id, email, identifiers, reason)
select
    pg_temp.tenant(places.key),
    'held@matrix.example',
    '{"email": ["held@matrix.example"]}',
    'A claim of the matrix.'
from places;
insert into core.export_log (tenant_id, scope, subject_salt, subject_hashes, rows, is_last)
select
    pg_temp.tenant(places.key),
    'person',
    '',
    '{}',
    1,
    true
from places;
insert into core.erasures (tenant_id, subject_salt, subject_hashes, counts, rows, digest)
select
    pg_temp.tenant(places.key),
    '',
    '{}',
    '[]',
    0,
    ''
from places;
insert into core.consents (tenant_id, id, email, purpose, legal_basis, given_at, source)
select
    pg_temp.tenant(places.key),
    md5('consent of ' || places.key)::uuid,
    'consents@matrix.example',
    'matrix',
    'consent',
    now(),
    'matrix'
from places;
insert into core.consent_withdrawals (tenant_id, consent_id, withdrawn_at, source)
select
    pg_temp.tenant(places.key),
    md5('consent of ' || places.key)::uuid,
    now(),
    'matrix'
from places;

insert into iot.devices (tenant_id, id, slug)
select
    pg_temp.tenant(places.key),
    md5('device of ' || places.key)::uuid,
    'truck-1'
from places;
insert into iot.device_credentials (tenant_id, device_id, kind, secret_hash, hint)
select
    pg_temp.tenant(places.key),
    md5('device of ' || places.key)::uuid,
    'token',
    sha256(convert_to(places.key, 'UTF8')),
    'tnn_dev_test'
from places;
insert into iot.metrics (tenant_id, number, name) overriding system value
select
    pg_temp.tenant(places.key),
    1,
    'speed'
from places;
insert into iot.batches (
    tenant_id, first_device, last_device, first_at, last_at, readings, frame
)
select
    pg_temp.tenant(places.key),
    1,
    1,
    '2026-03-01 00:00Z',
    '2026-03-01 00:00Z',
    1,
    ''
from places;
insert into iot.rejected_messages (
    tenant_id, source, code, message, payload, payload_bytes
)
select
    pg_temp.tenant(places.key),
    'http',
    'device.unknown',
    'unknown',
    '',
    0
from places;
select iot.add_blocks_partition('2026-03-01 00:00Z');
insert into iot.blocks (tenant_id, device, first_at, last_at, rows, readings, head, body)
select
    pg_temp.tenant(places.key),
    1,
    '2026-03-01 00:00Z',
    '2026-03-01 00:00Z',
    1,
    1,
    '',
    ''
from places;
insert into iot.latest (tenant_id, device, readings)
select
    pg_temp.tenant(places.key),
    1,
    ''
from places;
insert into iot.retention_policies (tenant_id, raw_days)
select
    pg_temp.tenant(places.key),
    7
from places;
insert into core.things (tenant_id, id, kind, owner_id, team_id, price)
select
    pg_temp.tenant(places.key),
    pg_temp.thing(places.key, kinds.kind),
    kinds.kind,
    case kinds.kind when 'others' then pg_temp.caller_id('resident') end,
    case
        when kinds.kind in ('teams', 'others') then pg_temp.team(places.key, kinds.kind)
    end,
    100
from places
cross join kinds
where kinds.kind <> 'row';
insert into core.remarks (tenant_id, id, kind, object, record_id)
select
    things.tenant_id,
    things.id,
    things.kind,
    'test.things',
    things.id
from core.things;

-- A record of each kind, whose id is its tenant's, and what hangs on it.
insert into crm.companies (tenant_id, id, name)
select
    tenants.id,
    ids.id,
    'Matrix'
from core.tenants
cross join lateral (values (tenants.id), (md5(tenants.id::text)::uuid)) as ids (id)
where tenants.id in (select pg_temp.tenant(places.key) from places);
insert into crm.contacts (tenant_id, id, email)
select
    companies.tenant_id,
    companies.id,
    'contact@matrix.example'
from crm.companies;
insert into crm.leads (tenant_id, id, email)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'lead@matrix.example'
from places;
insert into crm.products (tenant_id, id, code, name)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'matrix',
    'Matrix'
from places;
insert into crm.deals (tenant_id, id, name, currency)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'Matrix',
    'EUR'
from places;
insert into crm.activities (tenant_id, id, type, subject)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'note',
    'Matrix'
from places;
insert into crm.tags (tenant_id, id, name)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'matrix'
from places;
insert into crm.contact_companies (tenant_id, contact_id, company_id)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key)
from places;
insert into crm.contact_points (tenant_id, contact_id, kind, value)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'email',
    'more@matrix.example'
from places;
insert into crm.deal_contacts (tenant_id, deal_id, contact_id)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key)
from places;
insert into crm.deal_lines (tenant_id, deal_id, name, unit_price_minor)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'Matrix',
    100
from places;
insert into crm.activity_links (tenant_id, activity_id, object, record_id)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'crm.contacts',
    pg_temp.tenant(places.key)
from places;
insert into core.search_unlearned (tenant_id, object, record_ids)
select
    pg_temp.tenant(places.key),
    'crm.contacts',
    '{}'
from places;
insert into crm.taggings (tenant_id, tag_id, object, record_id)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'crm.contacts',
    pg_temp.tenant(places.key)
from places;
insert into crm.attachments (tenant_id, object, record_id, bucket, path, name)
select
    pg_temp.tenant(places.key),
    'crm.contacts',
    pg_temp.tenant(places.key),
    'files',
    pg_temp.tenant(places.key) || '/matrix.pdf',
    'matrix.pdf'
from places;
insert into core.timers (tenant_id, object, record_id, key, timer, due_at, effects)
select
    pg_temp.tenant(places.key),
    'crm.contacts',
    pg_temp.tenant(places.key),
    'matrix',
    'matrix',
    now(),
    '[]'
from places;
insert into core.assignments (tenant_id, object, record_id, cause, explanation)
select
    pg_temp.tenant(places.key),
    'crm.leads',
    pg_temp.tenant(places.key),
    'request',
    '{}'
from places;
insert into core.service_level_states (
    tenant_id, object, record_id, service_level_id, started_at, due_at
)
select
    levels.tenant_id,
    'crm.leads',
    levels.tenant_id,
    levels.id,
    now(),
    now()
from core.service_levels as levels
on conflict do nothing;
insert into core.segments (tenant_id, id, object, slug, name, kind, is_shared)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'crm.contacts',
    'matrix',
    'Matrix',
    'static',
    true
from places;
insert into core.segment_members (tenant_id, segment_id, object, record_id)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'crm.contacts',
    pg_temp.tenant(places.key)
from places;
insert into crm.conversions (
    tenant_id, lead_id, contact_rule, contact_created, company_rule, company_created, decision,
    effects, passed_over, undo_until
)
select
    pg_temp.tenant(places.key),
    pg_temp.tenant(places.key),
    'nothing',
    false,
    'nothing',
    false,
    '{}',
    '[]',
    '{}',
    now()
from places;

-- Trying -----------------------------------------------------------------------------------------

-- Tells the transaction who is calling, as PostgREST and core.pre_request would.
create function pg_temp.introduce(name text, header text) returns void
language plpgsql
as $$
declare
    kind constant text := (select callers.kind from callers where callers.name = introduce.name);
    role constant text := case kind
        when 'anon' then 'anon' when 'device' then 'tenon_device'
        when 'service' then 'service_role' else 'authenticated'
    end;
    -- What a token may hold, were it the client's to write, and must not matter.
    lies constant jsonb := jsonb_build_object(
        'tenant_id', pg_temp.tenant('stranger'),
        'tenants', jsonb_build_array(pg_temp.tenant('stranger')),
        'permissions', jsonb_build_array('core.tenants.read'),
        'app_metadata', jsonb_build_object(
            'role', 'service_role', 'tenant_id', pg_temp.tenant('stranger')
        ),
        'user_metadata', '{"role": "service_role", "is_admin": true}'::jsonb
    );
    is_told boolean;
begin
    perform set_config('matrix.told', concat_ws(' ', introduce.name, introduce.header), true);
    perform set_config('matrix.role', role, true);
    perform set_config(
        'request.jwt.claims',
        (
            lies || jsonb_build_object('role', role) || case kind
                when 'user' then jsonb_build_object('sub', pg_temp.caller_id(introduce.name))
                when 'device' then jsonb_build_object(
                    'tenant_id', pg_temp.tenant('self'), 'device_id', md5('device of self')::uuid
                )
                else '{}'
            end
        )::text,
        true
    );
    -- core.pre_request says who is calling, and without it the claims do: half of the callers each.
    is_told := kind = 'api_key' or (kind = 'user' and ascii(introduce.name) % 2 = 0);
    perform
        set_config('tenon.caller_kind', case when is_told then kind else '' end, true),
        set_config('tenon.caller_id', pg_temp.caller_id(introduce.name)::text, true),
        set_config(
            'tenon.caller_tenant_id',
            case when kind = 'api_key' then (
                select pg_temp.tenant(holdings.place)::text from holdings
                where holdings.caller = introduce.name
            ) else '' end,
            true
        ),
        set_config(
            'tenon.requested_tenant_id', coalesce(pg_temp.tenant(header)::text, ''), true
        ),
        set_config(
            'request.headers',
            case when header is null then '{"accept": "*/*"}' else
                jsonb_build_object('x-tenant-id', pg_temp.tenant(header))::text
            end,
            true
        );
end
$$;

-- Turns it into the caller. Who is introduced already need not be again.
create function pg_temp.become(name text, header text) returns void
language plpgsql
as $$
begin
    if
        current_setting('matrix.told', true)
        is distinct from concat_ws(' ', become.name, become.header)
    then
        perform pg_temp.introduce(become.name, become.header);
    end if;
    perform set_config('role', current_setting('matrix.role'), true);
end
$$;

-- What the statement answers as the caller, of which nothing stays; or how it is refused.
create function pg_temp.attempt(
    name text, header text, statement text, out answer text[], out refusal text
)
language plpgsql
as $$
begin
    perform pg_temp.become(name, header);
    if statement ~ '^(insert|update) ' then
        execute statement;
    else
        execute statement into answer;
    end if;
    raise sqlstate 'UNDO0';
exception
    when sqlstate 'UNDO0' then
        answer := coalesce(answer, '{}');
    when sqlstate 'PGRST' then
        answer := '{}';
        refusal := sqlerrm::jsonb ->> 'code';
    when others then
        answer := '{}';
        refusal := sqlstate;
end
$$;

-- Rows are called place/kind.
create temporary table places_of (tenant text primary key, place text not null);
insert into places_of (tenant, place)
select
    pg_temp.tenant(places.key),
    places.key
from places;
create function pg_temp.named(answer text[]) returns text[]
language plpgsql
as $$
begin
    if answer = '{}' then
        return answer;
    end if;
    return array(
        select coalesce(places_of.place, cells.tenant) || '/' || split_part(cell, '/', 2)
        from unnest(answer) as cell
        cross join lateral (select split_part(cell, '/', 1) as tenant) as cells
        left join places_of on places_of.tenant = cells.tenant
    );
end
$$;

create function pg_temp.difference(verb text, header text, got text[], wanted text[])
returns text[]
language plpgsql
as $$
begin
    if got <@ wanted and wanted <@ got then
        return '{}';
    end if;
    return array(
        select verb || ' ' || cell || coalesce(' header ' || header, '') || ': must not' as line
        from unnest(got) as cell
        where cell <> all(wanted)
        union all
        select verb || ' ' || cell || coalesce(' header ' || header, '') || ': must'
        from unnest(wanted) as cell
        where cell <> all(got)
        order by line
    );
end
$$;

-- The cells that a caller may reach, narrowed by a header.
create function pg_temp.wanted(
    name text, object objects, verb text, permission text, header text
)
returns text[]
language sql
as $$
    select coalesce(array_agg(cells.place || '/' || cells.kind), '{}')
    from (
        select
            may.place,
            may.kind
        from allowed as may
        where
            may.caller = wanted.name
            and may.permission = wanted.permission
            and (may.kind <> 'row') = object.owned
            and coalesce(may.place = wanted.header, true)
            and (
                object.besides is null
                or exists (
                    select from allowed as also
                    where
                        (also.caller, also.permission, also.place, also.kind)
                        = (may.caller, object.besides, may.place, may.kind)
                )
            )
            -- What is changed is read, too.
            and (
                wanted.verb not in ('upsert', 'update', 'delete')
                or exists (
                    select from allowed as reads
                    where
                        (reads.caller, reads.permission, reads.place, reads.kind)
                        = (may.caller, object.reading, may.place, may.kind)
                )
            )
        union
        select
            resumable.place,
            'row'
        from resumable
        where
            resumable.caller = wanted.name
            and wanted.verb = 'select'
            and object.object like '%.tenants'
            and coalesce(resumable.above = wanted.header, true)
        union
        select
            places.key,
            kinds.kind
        from places
        inner join kinds on (kinds.kind <> 'row') = object.owned
        inner join callers on callers.name = wanted.name
        where callers.kind = 'service' and object.served
    ) as cells
$$;

-- The cells of an object that a caller does reach by selecting, updating or deleting all of it.
create function pg_temp.reached(
    name text, object objects, verb text, header text, out cells text[], out refusal text
)
language plpgsql
as $$
declare
    cell constant text := case
        when object.owned then 'tenant_id || ''/'' || kind'
        else format('%I || %L', object.key, '/row')
    end;
begin
    select
        pg_temp.named(tried.answer),
        tried.refusal
    into cells, refusal
    from pg_temp.attempt(
        reached.name,
        reached.header,
        format(
            case reached.verb
                when 'select' then 'select array_agg(distinct %1$s) from %2$s where %4$s'
                when 'update' then
                    'with changed as (update %2$s set %3$s where %4$s returning %1$s as cell) '
                    'select array_agg(distinct changed.cell) from changed'
                else
                    'with gone as (delete from %2$s where %4$s returning %1$s as cell) '
                    'select array_agg(distinct gone.cell) from gone'
            end,
            cell,
            object.object,
            coalesce(object.change, format('%1$I = %1$I', object.key)),
            -- The platform's roles are everybody's, and no matter here.
            format('%I <> %L', object.key, '00000000-0000-0000-0000-000000000000')
        )
    ) as tried;
end
$$;

-- The cells of an object into which a caller can add, or where they can write over what is there.
create function pg_temp.added(
    name text, object objects, verb text, header text, out cells text[], out refusal text
)
language plpgsql
as $$
declare
    place text;
    kind text;
    refused text;
begin
    cells := '{}';
    if object.addition is null then
        refusal := (
            pg_temp.attempt(
                added.name, added.header, format('insert into %s default values', object.object)
            )
        ).refusal;
        return;
    end if;
    for place, kind in
        select
            places.key,
            kinds.kind
        from places
        inner join kinds on (kinds.kind <> 'row') = object.owned
        -- The header child is aimed at itself, and at what is above, below, beside and elsewhere.
        where
            added.header is null
            or places.key in ('self', 'child', 'grandchild', 'sibling', 'stranger')
    loop
        refused := (
            pg_temp.attempt(
                added.name,
                added.header,
                format(
                    object.addition,
                    pg_temp.tenant(place),
                    kind,
                    case kind
                        when 'mine' then pg_temp.caller_id(added.name)
                        when 'others' then pg_temp.caller_id('resident')
                    end,
                    case when kind in ('teams', 'others') then pg_temp.team(place, kind) end,
                    case verb
                        when 'upsert' then pg_temp.thing(place, kind) else gen_random_uuid()
                    end,
                    pg_temp.thing(place, kind)
                )
                || case verb
                    when 'upsert' then
                        ' on conflict (tenant_id, id) do update set title = excluded.title'
                    else ''
                end
            )
        ).refusal;
        if refused is null then
            cells := cells || (place || '/' || kind);
        elsif refused <> '42501' then
            refusal := refused;
        end if;
    end loop;
end
$$;

create function pg_temp.belongs_to(name text) returns void
language sql
as $$
    update core.things set owner_id = pg_temp.caller_id(belongs_to.name)
    where things.kind = 'mine'
$$;

-- Which cells of a caller and an object are not as they should be.
create function pg_temp.wrong_cells(name text, object objects) returns text[]
language plpgsql
as $$
declare
    caller constant callers := (select callers from callers where callers.name = wrong_cells.name);
    header text;
    verb text;
    permission text;
    reached record;
    wrong text[] := '{}';
    -- Lacking the right, or, of a view that joins, lacking the possibility.
    refusals constant text[] := case
        when object.object like 'v1.%' then '{42501,55000}' else '{42501}'
    end;
begin
    if object.owned then
        perform pg_temp.belongs_to(caller.name);
    end if;
    foreach header in array
        array[null, 'self', 'child', 'grandchild', 'stranger', 'suspended', 'closing']
    loop
        perform pg_temp.introduce(caller.name, header);
        foreach verb in array array['select', 'insert', 'upsert', 'update', 'delete'] loop
            -- Of the service role, which bypasses policies, reading is asked, and of things all.
            continue when caller.kind = 'service' and verb <> 'select' and not object.owned;
            permission := case verb
                when 'select' then object.reading when 'delete' then object.deleting
                when 'insert' then object.adding else object.changing
            end;
            -- What nobody may, no header changes. Each place to add to is tried by itself, which
            -- takes its time, so that the header is left to tables that have one row a place.
            continue when header is not null and permission is null;
            continue when verb = 'upsert' and not object.owned;
            continue when verb in ('insert', 'upsert') and header is not null
                and (object.owned or header <> 'child');
            if verb in ('insert', 'upsert') then
                reached := pg_temp.added(caller.name, object, verb, header);
            else
                reached := pg_temp.reached(caller.name, object, verb, header);
            end if;
            -- A refusal has no other reason than that the right is lacking.
            if
                reached.refusal <> all(refusals)
                or (
                    permission is null
                    and reached.refusal is null
                    and not (caller.kind = 'service' and object.served)
                )
            then
                wrong := wrong || format(
                    '%s%s: %s', verb, ' header ' || header,
                    coalesce(reached.refusal, 'not refused')
                );
            end if;
            wrong := wrong || pg_temp.difference(
                verb, header, reached.cells,
                pg_temp.wanted(caller.name, object, verb, permission, header)
            );
        end loop;
    end loop;
    return wrong;
end
$$;

select plan(
    (select count(*) from callers)::integer * (select count(*) from objects)::integer
    + (select count(*) from callers)::integer
    + (select count(*) from callers where kind in ('user', 'api_key'))::integer + 3 + 14 + 8 + 2
);

select is_empty(
    $$
        select classes.oid::regclass
        from pg_class as classes
        where
            classes.relnamespace in (
                'core'::regnamespace, 'crm'::regnamespace, 'iot'::regnamespace, 'v1'::regnamespace
            )
            and classes.relkind in ('r', 'p', 'v')
            and not classes.relispartition
            and exists (
                select from pg_attribute as attributes
                where
                    attributes.attrelid = classes.oid
                    and (attributes.attname = 'tenant_id' or classes.relname = 'tenants')
            )
            and classes.oid::regclass::text not in (select objects.object from objects)
            -- What joins two of them for core, and what users have of the platform, each their own.
            and classes.oid::regclass::text not in (
                'core.holders', 'core.user_settings', 'core.sign_in_authenticators',
                'core.sign_in_attempts', 'core.audit_progress'
            )
    $$,
    'every table and view with rows of tenants is in the matrix'
);
select is_empty(
    $$
        select
            attributes.attrelid::regclass,
            attributes.attname
        from pg_attribute as attributes
        inner join pg_class as classes on classes.oid = attributes.attrelid
        where
            classes.relnamespace in (
                'core'::regnamespace, 'crm'::regnamespace, 'iot'::regnamespace, 'v1'::regnamespace
            )
            and classes.relkind in ('r', 'p', 'v')
            and classes.relname <> 'things'
            and attributes.attname in ('tenant_id', 'id', 'created_by')
            and has_column_privilege(
                'authenticated', attributes.attrelid, attributes.attnum, 'update'
            )
    $$,
    'no client can move a row to another tenant, not even to one of the own'
);

select
    is(
        pg_temp.wrong_cells(callers.name, objects), '{}'::text[],
        format('%s on %s', callers.name, objects.object)
    )
from callers
cross join objects
order by callers.name, objects.object;

-- What no row shows: teams of places where the role does not reach teams, and places twice.
select
    is(
        (
            pg_temp.attempt(
                named.caller, null, 'select core.teams_with(''test.things.read'')::text[]'
            )
        ).answer,
        named.teams,
        named.caller || ' has the teams that the role reaches'
    )
from (
    values
    ('own', '{}'::text[]),
    ('nobody', '{}'),
    ('team', array[pg_temp.team('self', 'teams')::text, pg_temp.team('closing', 'teams')::text])
) as named (caller, teams);
select
    is(
        (
            pg_temp.attempt(
                callers.name, null,
                'select array_agg(id::text) from ('
                'select id from unnest(core.tenants_with(''core.tenants.read'')) as id '
                'group by id having count(*) > 1) as repeated'
            )
        ).answer,
        '{}'::text[],
        callers.name || ' holds a permission once in a place'
    )
from callers
where callers.kind in ('user', 'api_key')
order by callers.name;

-- What a caller may write does not leave what the caller may write.
create temporary table departures (caller text, what text, statement text, refusal text);
insert into departures (caller, what, statement, refusal) values
('mixed', 'gives no own row away', 'update %s set owner_id = %L where kind = ''mine''', '42501'),
('own', 'gives no own row away', 'update %s set owner_id = %L where kind = ''mine''', '42501'),
(
    'local', 'gives rows of the tenant away',
    'update %s set owner_id = %L where kind = ''mine''', null
),
(
    'mixed', 'moves no own row to where others are only read',
    'update %s set tenant_id = %3$L where kind = ''mine''', '42501'
),
(
    'local', 'moves no row to another tenant',
    'update %s set tenant_id = %3$L, team_id = null where kind = ''mine''', '42501'
),
(
    'local', 'moves no row to another tenant by writing over it',
    'insert into %s (tenant_id, id, kind) values (%4$L, %5$L, ''mine'') '
    'on conflict (tenant_id, id) do update set tenant_id = %3$L', '42501'
),
(
    'write_only', 'changes nothing that is not read',
    'insert into %s (tenant_id, id, kind) values (%4$L, %5$L, ''mine'') '
    'on conflict (tenant_id, id) do update set title = ''taken''', '42501'
);
create function pg_temp.refusal_of_owner(name text, statement text) returns text
language plpgsql
as $$
begin
    perform pg_temp.belongs_to(name);
    return (pg_temp.attempt(name, null, statement)).refusal;
end
$$;
select
    is(
        pg_temp.refusal_of_owner(
            departures.caller,
            format(
                departures.statement, object, pg_temp.caller_id('resident'),
                pg_temp.tenant('child'), pg_temp.tenant('self'), pg_temp.thing('self', 'mine')
            )
        ),
        departures.refusal,
        format('%s %s: %s', departures.caller, departures.what, object)
    )
from departures
cross join unnest(array['core.things', 'v1.things']) as object;

-- Hidden fields: shown as null, not to be found, not to be written, not to be guessed.
create function pg_temp.found_by_field(name text) returns text[]
language plpgsql
as $$
begin
    perform pg_temp.belongs_to(found_by_field.name);
    return pg_temp.named((
        pg_temp.attempt(
            found_by_field.name, null,
            'select array_agg(tenant_id || ''/'' || kind) from v1.things where price = 100'
        )
    ).answer);
end
$$;
select
    set_eq(
        format('select unnest(pg_temp.found_by_field(%L))', callers.name),
        format(
            $$
                select place || '/' || kind from allowed
                where
                    caller = %1$L
                    and permission = 'test.things.read'
                    and kind <> 'row'
                    and shows_field
                union
                select key || '/' || kind from places, kinds
                where kind <> 'row' and %1$L = 'service'
            $$, callers.name
        ),
        callers.name || ' finds by a field where it is shown'
    )
from callers
order by callers.name;

create temporary table writes (what text, statement text);
insert into writes (what, statement) values
('to change it', 'update core.things set price = 1 where kind = ''nobodys'' and tenant_id = %1$L'),
('to guess it', 'update core.things set price = 100 where kind = ''nobodys'' and tenant_id = %1$L'),
(
    'to guess a null',
    'update core.things set price = null where kind = ''row'' and tenant_id = %1$L'
),
(
    'to give it with a row',
    'insert into core.things (tenant_id, kind, price) values (%1$L, ''row'', 1)'
),
(
    'to write it over a row',
    'insert into core.things (tenant_id, id, kind, price) values (%1$L, %2$L, ''row'', 100) '
    'on conflict (tenant_id, id) do update set price = excluded.price'
),
(
    'to write null over a row',
    'insert into core.things (tenant_id, id, kind, price) values (%1$L, %2$L, ''row'', null) '
    'on conflict (tenant_id, id) do update set price = excluded.price'
);
insert into core.things (tenant_id, kind) values (pg_temp.tenant('self'), 'row');
select
    results_eq(
        format(
            $$
                select (pg_temp.attempt('hidden_from', null, %1$L)).refusal
                union all
                select (pg_temp.attempt('local', null, %1$L)).refusal
            $$,
            format(
                writes.statement, pg_temp.tenant('self'), pg_temp.thing('self', 'nobodys')
            )
        ),
        $$ values ('access.field_hidden'), (null) $$,
        'who is kept from a field is refused ' || writes.what
    )
from writes;
select
    is(
        (
            pg_temp.attempt(
                'hidden_from', null,
                format(
                    $$select array[v1.save_role('sly', 'Sly', '["%s"]')::text]$$, permission
                )
            )
        ).refusal,
        'access.beyond_own',
        'who is kept from a field makes no role that is not, with ' || permission
    )
from unnest(array['test.things.read', 'test.things.write']) as permission;

select * from finish();
rollback;
