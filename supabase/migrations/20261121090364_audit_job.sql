-- The audit trail verified by a job: on a schedule, where nobody has to remember it.
--
-- The first task that is open to tenants. Findings make the job fail at once, so that the event
-- core.job.failed tells of them, by mail or webhook where the tenant wants it.

set local lock_timeout = '5s';

create function core.verify_audit_in_job(job core.jobs) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    found_total bigint;
    first_finding text;
begin
    select
        count(*),
        min(known.finding)
    into found_total, first_finding
    from core.verify_audit(job.tenant_id) as known;
    if found_total > 0 then
        return jsonb_build_object(
            'failed',
            format(
                '%s findings, such as %s: see v1.verify_audit', found_total, first_finding
            )
        );
    end if;
    return '{"done": true, "result": {"ok": true}}';
end
$$;

comment on function core.verify_audit_in_job(core.jobs) is
'The task core.verify_audit: verifies the audit trail of the job''s tenant, and fails where it is
not what was sealed. Internal.';

revoke all on function core.verify_audit_in_job(core.jobs) from public;

insert into core.job_tasks (
    task, function_schema, function_name, description, step_time_limit, is_open
) values (
    'core.verify_audit', 'core', 'verify_audit_in_job',
    'Verify the audit trail, and fail where it is not what was sealed.', '10 minutes', true
);
