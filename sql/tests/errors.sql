begin;
\ir ../support/fixtures.sql
select plan(8);

create function pg_temp.raised(statement text) returns jsonb
language plpgsql
as $$
declare
    head text;
begin
    execute statement;
    return null;
exception
    when sqlstate 'PGRST' then
        get stacked diagnostics head = pg_exception_detail;
        return jsonb_build_object('body', sqlerrm::jsonb, 'head', head::jsonb);
end
$$;

select is(
    pg_temp.raised($$select core.fail('device.unknown', '{"device": "x-1"}')$$),
    '{
        "body": {
            "code": "device.unknown",
            "message": "There is no device x-1 in the tenants that you can see.",
            "details": "{\"device\": \"x-1\"}",
            "hint": "Compare the name with the slugs in v1.devices."
        },
        "head": {"status": 404, "headers": {}}
    }'::jsonb,
    'a failure carries code, filled message, details and hint, and the status of the catalogue'
);

select is(
    pg_temp.raised($$select core.fail('core.retry', '{"retry_after_s": 1}')$$) -> 'head',
    '{"status": 409, "headers": {"Retry-After": "1"}}'::jsonb,
    'a refusal that may be repeated says when'
);

select throws_ok(
    $$select core.fail('no.such_code')$$, 'XX000',
    'error code no.such_code is not in the catalogue core.errors',
    'a code outside of the catalogue is a mistake of ours and says so'
);

select is_empty(
    $$
        select code, status from tenon.error_codes()
        except
        select code, status from core.errors
    $$,
    'every code that a native function raises is in the catalogue with the same status'
);

select is_empty(
    $$select code from core.errors where hint is null$$, 'every error says what to do about it'
);

-- A panic in a backend becomes an internal error, of which nulls are the shortest way to one.
create function pg_temp.internal_errors() returns setof text
language plpgsql
as $$
declare
    native record;
begin
    for native in
        select
            procs.oid::regprocedure::text as name,
            procs.proname as short_name,
            (
                select string_agg('null::' || format_type(argument, null), ', ')
                from unnest(procs.proargtypes) as argument
            ) as arguments
        from pg_proc as procs
        where
            procs.pronamespace = 'tenon'::regnamespace
            and procs.prokind in ('f', 'a')
            and procs.prorettype <> 'internal'::regtype
            and procs.proargtypes::regtype[] && array['internal', 'anyelement']::regtype[] is false
    loop
        begin
            execute format('select tenon.%I(%s)', native.short_name, native.arguments);
        exception
            when internal_error then return next native.name || ': ' || sqlerrm;
            when others then null;
        end;
    end loop;
end
$$;
select is_empty(
    'select pg_temp.internal_errors()', 'no native function is upset by nulls'
);

:as_anon
select isnt_empty('select from core.errors', 'anyone may read the catalogue');
select is(
    pg_temp.code_of($$insert into core.errors values ('a.b', 400, 'c')$$), '42501',
    'nobody of the API may write it'
);

select * from finish();
rollback;
