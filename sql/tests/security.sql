-- The invariants that hold for every table and function, checked against the catalogue of
-- Postgres itself, so that a new object cannot forget them.
begin;
\ir ../support/fixtures.sql
select plan(11);

create temporary view ours as
select
    classes.oid,
    classes.relkind,
    namespaces.nspname as schema,
    classes.relname as name,
    classes.relrowsecurity as has_rls,
    classes.reloptions as options
from pg_class as classes
inner join pg_namespace as namespaces on namespaces.oid = classes.relnamespace
where namespaces.nspname in ('core', 'crm', 'hooks', 'iot', 'v1');

create temporary view our_functions as
select
    procs.oid,
    procs.oid::regprocedure::text as name,
    namespaces.nspname as schema,
    procs.prosecdef as is_definer,
    procs.proconfig as settings,
    procs.proacl as acl
from pg_proc as procs
inner join pg_namespace as namespaces on namespaces.oid = procs.pronamespace
where namespaces.nspname in ('core', 'crm', 'hooks', 'iot', 'v1');

select is_empty(
    $$select schema, name from ours where relkind in ('r', 'p') and not has_rls$$,
    'every table has row level security'
);
select is_empty(
    $$
        select schema, name from ours
        where relkind in ('r', 'p') and not exists (select from pg_policy where polrelid = ours.oid)
    $$,
    'every table has a policy'
);
-- Global reference data and the tenants themselves are the only exceptions.
select set_eq(
    $$
        select schema || '.' || name from ours
        where
            relkind in ('r', 'p')
            and not exists (
                select from pg_index
                inner join pg_attribute
                    on pg_attribute.attrelid = ours.oid and pg_attribute.attnum = pg_index.indkey[0]
                where
                    pg_index.indrelid = ours.oid
                    and pg_index.indisprimary
                    and pg_attribute.attname = 'tenant_id'
            )
    $$,
    array[
        'core.delivery_channels', 'core.effect_events', 'core.effect_handlers', 'core.errors',
        'core.event_types', 'core.fields', 'core.inbound_processors', 'core.job_tasks',
        'core.linked_tables', 'core.not_personal', 'core.object_fields', 'core.objects',
        'core.permissions', 'core.personal_data', 'core.pipeline_objects', 'core.retention_runs',
        'core.search_fields', 'core.search_objects', 'core.segment_fields',
        'core.segment_relations', 'core.template_kinds', 'core.tenants'
    ],
    'tenant_id leads the primary key of every table but the reference tables'
);
select is_empty(
    $$
        select conrelid::regclass, conname
        from pg_constraint
        inner join ours as source on source.oid = conrelid
        inner join ours as target on target.oid = confrelid
        where
            contype = 'f'
            and target.name not in (
                'event_types', 'inbound_processors', 'job_tasks', 'objects', 'permissions',
                'search_objects',
                'pipeline_objects', 'template_kinds', 'tenants'
            )
            and cardinality(conkey) < 2
    $$,
    'foreign keys between tables of tenants are composite'
);
select is_empty(
    $$
        select name from ours
        where relkind = 'v' and not coalesce('security_invoker=true' = any(options), false)
    $$,
    'every view asks as its caller'
);
select is_empty(
    $$select name from our_functions where schema = 'v1' and is_definer$$,
    'no function of the API has rights of its own'
);
select is_empty(
    $$
        select name from our_functions
        where
            not coalesce('search_path=pg_catalog, pg_temp' = any(settings), false)
            -- A procedure that commits cannot, and runs with the rights of its caller.
            and name <> 'core.run_jobs(interval,boolean)'
    $$,
    'every function fixes its search path'
);
select is_empty(
    $$
        select name from our_functions
        where acl is null or exists (
            select from aclexplode(acl) as granted where granted.grantee = 0
        )
    $$,
    'no function is executable by everyone'
);
select is_empty(
    $$
        select 'relation ' || schema || '.' || name from ours
        where relkind in ('r', 'p', 'v') and obj_description(oid, 'pg_class') is null
        union all
        select 'function ' || name from our_functions where obj_description(oid, 'pg_proc') is null
    $$,
    'every table, view and function is commented'
);
-- Records of what has happened are no business data, nor is what is measured, nor what lives for a
-- request or a day; catalogues change by migrations alone.
select set_eq(
    $$
        select schema || '.' || name from ours
        where
            relkind in ('r', 'p')
            and schema <> 'v1'
            and not (select relispartition from pg_class where pg_class.oid = ours.oid)
            and not exists (
                select from pg_trigger
                inner join pg_proc on pg_proc.oid = tgfoid
                where tgrelid = ours.oid and proname like 'audit_%'
            )
    $$,
    array[
        'core.assignment_turns', 'core.assignments', 'core.audit_anchors', 'core.audit_entries',
        'core.audit_heads', 'core.audit_progress', 'core.audit_seals', 'core.audit_values',
        'core.custom_field_sets', 'core.custom_values', 'core.deliveries', 'core.delivery_alarms',
        'core.delivery_attempts', 'core.delivery_channels', 'core.effect_events',
        'core.effect_handlers', 'core.erasures', 'core.errors',
        'core.event_expiries', 'core.event_heads', 'core.event_types', 'core.events',
        'core.export_log', 'core.fields', 'core.idempotency_keys', 'core.inbound_messages',
        'core.inbound_processors', 'core.job_tasks', 'core.jobs', 'core.linked_tables',
        'core.not_personal', 'core.object_fields', 'core.objects',
        'core.pending_events', 'core.permissions', 'core.personal_data', 'core.pipeline_objects',
        'core.pipeline_stages', 'core.provider_states', 'core.rate_buckets', 'core.retention_runs',
        'core.search_documents', 'core.search_fields', 'core.search_objects',
        'core.search_unlearned', 'core.search_words', 'core.segment_fields',
        'core.segment_relations', 'core.service_level_states', 'core.sign_in_attempts',
        'core.sign_in_authenticators', 'core.stage_periods', 'core.template_kinds', 'core.timers',
        'core.user_settings', 'core.webhook_cursors', 'core.webhook_followers',
        'core.webhook_marks', 'crm.exports', 'crm.import_errors', 'crm.import_pieces',
        'crm.import_records', 'crm.import_rows', 'iot.batches',
        'iot.blocks', 'iot.latest', 'iot.rejected_messages'
    ],
    'every table that holds business data is audited'
);

-- Who may run what: the whole list, so that a new grant is a decision.
select results_eq(
    $$
        select
            granted.grantee::regrole::text as grantee,
            array_agg(our_functions.name order by our_functions.name)
        from our_functions
        cross join lateral aclexplode(our_functions.acl) as granted
        where
            granted.grantee in (
                'anon'::regrole, 'supabase_auth_admin'::regrole, 'tenon_bridge'::regrole,
                'tenon_device'::regrole
            )
        group by 1
        order by 1
    $$,
    $$
        values
        (
            'anon',
            array[
                'core.authenticate(text,text)', 'core.caller()', 'core.caller_id()',
                'core.certificate_presented()', 'core.check_rate_limits(text)',
                'core.client_address()', 'core.fail(text,jsonb)',
                'core.platform_tenant_id()', 'core.pre_request()',
                'core.refuse_unhonoured_key()', 'core.render(text,jsonb)',
                'core.request_header(text)', 'core.request_origin()', 'core.requested_tenant_id()'
            ]
        ),
        (
            'supabase_auth_admin',
            array[
                'core.active_tenant(uuid)', 'core.email_allowed(uuid,text)',
                'core.enqueue_auth_mail(uuid,text,text,jsonb,text)',
                'core.judge_sign_in(uuid,text,boolean,text)',
                'core.names_allowed_domains(uuid)', 'core.note_sign_in(uuid,text)',
                'core.platform_tenant_id()', 'core.tenant_inviting(text,text)',
                'hooks.before_user_created(jsonb)', 'hooks.custom_access_token(jsonb)',
                'hooks.mails_of(jsonb,jsonb)', 'hooks.mfa_verification_attempt(jsonb)',
                'hooks.password_verification_attempt(jsonb)', 'hooks.refusal(integer,text)',
                'hooks.send_email(jsonb)', 'hooks.text_of(jsonb,text,integer)',
                'hooks.uuid_of(jsonb,text)'
            ]
        ),
        (
            'tenon_bridge',
            array[
                'core.claim_job(timestamp with time zone)',
                'core.delivery_metrics(timestamp with time zone)',
                'core.housekeep_unscheduled(interval)', 'core.jobs_are_run_by_cron()',
                'core.queue_due_jobs(timestamp with time zone)',
                'core.release_job(uuid,uuid,bigint)', 'core.run_job_step(uuid,uuid,bigint)',
                'core.run_jobs(interval,boolean)',
                'core.start_scheduled_jobs(timestamp with time zone)',
                'iot.compact(timestamp with time zone,interval)',
                'iot.device_may_sign_in(text,text)', 'iot.ingest(bytea)',
                'iot.reject(text[],bytea[],text[],text[])'
            ]
        ),
        (
            'tenon_device',
            array[
                'core.authenticate(text,text)', 'core.caller()', 'core.caller_id()',
                'core.certificate_presented()', 'core.check_rate_limits(text)',
                'core.client_address()', 'core.fail(text,jsonb)',
                'core.platform_tenant_id()', 'core.pre_request()',
                'core.refuse_unhonoured_key()', 'core.render(text,jsonb)',
                'core.request_header(text)', 'core.request_origin()', 'core.requested_tenant_id()',
                'iot.ingest_json(jsonb)', 'v1.ingest(jsonb)'
            ]
        )
    $$,
    'anonymous callers, Auth, bridges and devices may run exactly these functions'
);

select * from finish();
rollback;
