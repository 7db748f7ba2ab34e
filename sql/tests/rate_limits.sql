-- Limits of requests. Everything here writes, and so it holds in shared memory and in the table
-- alike. What is counted is no part of the transaction: each run has actions of its own.
begin;
\ir ../support/fixtures.sql
select plan(66);

select 'a' || replace(gen_random_uuid()::text, '-', '') as run \gset
\set of_ada_and_vic '\'tenant_' :run '\''
\set of_one '\'principal_' :run '\''
\set of_all '\'everybody_' :run '\''
\set of_address '\'address_' :run '\''
\set both '\'both_' :run '\''
\set loose '\'loose_' :run '\''
\set unset '\'unset_' :run '\''

create function pg_temp.asked(action text) returns text
language plpgsql
as $$
begin
    perform core.check_rate_limits(action);
    return 'let through';
exception
    when sqlstate 'PGRST' then return sqlerrm::jsonb ->> 'code';
end
$$;

create function pg_temp.refusal(statement text) returns jsonb
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
        return jsonb_build_object(
            'details', (sqlerrm::jsonb ->> 'details')::jsonb,
            'message', sqlerrm::jsonb -> 'message',
            'status', head::jsonb -> 'status',
            'retry', head::jsonb -> 'headers' -> 'Retry-After'
        );
end
$$;

-- What is shipped, and who may see and set limits.
select set_eq(
    $$select dimension, action from core.rate_limits where set_by = 'platform'$$,
    $$values ('tenant', ''), ('principal', ''), ('address', ''), ('anonymous', '')$$,
    'tenants, principals, addresses and anonymous addresses are limited from the start'
);
:as_ada
select is(
    pg_temp.refusal($$select v1.set_rate_limit('principal', '60/60s, 9/1h burst 09', 'x')$$),
    '{
        "details": {
            "position": 20,
            "problem": "at character 20: expected a whole number from 1 to 1000000"
        },
        "message": "These are no limits: at character 20: expected a whole number from 1 to 1000000.",
        "status": 400,
        "retry": null
    }'::jsonb,
    'a mistake in limits is refused with the character that it is at'
);
select is(
    pg_temp.code_of($$select v1.set_rate_limit('principal', null, 'x')$$), 'limit.invalid',
    'no limits are no limits'
);
select is(
    (v1.set_rate_limit('principal', '9/1h burst 3, 120/120s', 'x')).limits,
    '120/2m, 9/1h burst 3',
    'limits are kept in the one way that they are written'
);
select is(
    (v1.set_rate_limit('principal', '8/1h', 'x')).limits, '8/1h',
    'setting a limit again replaces it'
);
select results_eq(
    $$select tenant_id, limits, set_by from v1.rate_limits where action = 'x'$$,
    format($$values (%L::uuid, '8/1h', 'tenant')$$, :acme),
    'an owner sets limits of the own tenant, in its name'
);
select is(
    (select count(*) from v1.rate_limits where action is null), 4::bigint,
    'the defaults are seen by who is bound by them'
);
select is(
    pg_temp.code_of($$select v1.set_rate_limit('anonymous', '1/1h')$$), 'limit.dimension_unknown',
    'a tenant does not limit who belongs to no tenant'
);
select is(
    pg_temp.code_of($$select v1.set_rate_limit('action', '1/1h', 'x')$$), 'limit.dimension_unknown',
    'a tenant does not limit everybody'
);
select is(
    pg_temp.code_of($$select v1.set_rate_limit(null, '1/1h', 'x')$$), 'limit.dimension_unknown',
    'a limit counts somebody'
);
select is(
    pg_temp.code_of($$select v1.set_rate_limit('tenant', '1/1h', 'no name')$$),
    'limit.action_invalid', 'an action has a name'
);
select is(
    pg_temp.code_of($$
        insert into core.rate_limits (tenant_id, dimension, limits)
        values ('00000000-0000-4000-a000-000000000002', 'tenant', '1/1h')
    $$), '42501', 'nobody sets limits past the function'
);
select is(
    pg_temp.code_of($$
        select v1.set_rate_limit('tenant', '1/1h', 'a' || number) from generate_series(1, 100) as number
    $$), 'limit.too_many', 'a tenant has a limited number of limits'
);
:as_vic
select is(
    pg_temp.code_of($$select v1.set_rate_limit('tenant', '1/1h')$$), 'tenancy.permission_missing',
    'a viewer sets no limits'
);
select is(
    (select count(*) from v1.rate_limits where set_by = 'tenant'), 0::bigint,
    'a viewer does not see the tenant''s limits'
);
:as_eve
select is(
    (select count(*) from v1.rate_limits where set_by = 'tenant'), 0::bigint,
    'limits of another tenant are out of sight'
);
select is(v1.clear_rate_limit('principal', 'x'), false, 'and out of reach');
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000002"}';
select is(
    pg_temp.code_of($$select v1.set_rate_limit('tenant', '1/1h')$$), 'tenancy.permission_missing',
    'naming another tenant does not change its limits'
);
:as_ada
select is(v1.clear_rate_limit('principal', 'x'), true, 'an owner clears a limit');
select is(v1.clear_rate_limit('principal', 'x'), false, 'and it is gone');

-- Who is counted together.
select is(
    (v1.set_rate_limit('principal', '2/1h', :of_one)).set_by, 'tenant', 'ada limits each of acme'
);
select is(
    array[pg_temp.asked(:of_one), pg_temp.asked(:of_one), pg_temp.asked(:of_one)],
    array['let through', 'let through', 'limit.exceeded'],
    'a principal is let through as often as the limit says'
);
select is(
    pg_temp.refusal(format('select core.check_rate_limits(%L)', :of_one)) - 'retry' - 'message'
    #- '{details,retry_after_s}',
    jsonb_build_object(
        'details', jsonb_build_object(
            'bucket', 'principal ' || :of_one, 'limit', '2/1h', 'remaining', 0
        ),
        'status', 429
    ),
    'a refusal names bucket and limit, and nobody''s id'
);
select ok(
    (refusal ->> 'retry')::integer between 1790 and 1800
    and refusal -> 'details' ->> 'retry_after_s' = refusal ->> 'retry',
    'a refusal says when to come again'
)
from pg_temp.refusal(format('select core.check_rate_limits(%L)', :of_one)) as refusal;
:as_vic
select is(pg_temp.asked(:of_one), 'let through', 'each principal is counted alone');
:as_truck
select is(
    array[pg_temp.asked(:of_one), pg_temp.asked(:of_one), pg_temp.asked(:of_one)],
    array['let through', 'let through', 'limit.exceeded'],
    'a device is a principal'
);
:as_anon
set local "tenon.caller_kind" = 'api_key';
set local "tenon.caller_id" = '00000000-0000-4000-8000-00000000000f';
set local "tenon.caller_tenant_id" = '00000000-0000-4000-a000-000000000002';
select is(
    array[pg_temp.asked(:of_one), pg_temp.asked(:of_one), pg_temp.asked(:of_one)],
    array['let through', 'let through', 'limit.exceeded'],
    'an API key is a principal'
);
set local "tenon.caller_kind" = '';
:as_eve
select is(
    array[pg_temp.asked(:of_one), pg_temp.asked(:of_one), pg_temp.asked(:of_one)],
    array['let through', 'let through', 'let through'],
    'limits of a tenant bind no other'
);

:as_ada
select is(
    (v1.set_rate_limit('tenant', '3/1h', :of_ada_and_vic)).set_by, 'tenant', 'ada limits acme'
);
select is(pg_temp.asked(:of_ada_and_vic), 'let through', 'ada is counted for acme');
:as_eve
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000002"}';
select is(
    array[
        pg_temp.asked(:of_ada_and_vic), pg_temp.asked(:of_ada_and_vic),
        pg_temp.asked(:of_ada_and_vic), pg_temp.asked(:of_ada_and_vic)
    ],
    array['let through', 'let through', 'let through', 'let through'],
    'who names a tenant without belonging to it is not counted for it'
);
:as_sue
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000002"}';
select is(
    array[
        pg_temp.asked(:of_ada_and_vic), pg_temp.asked(:of_ada_and_vic),
        pg_temp.asked(:of_ada_and_vic), pg_temp.asked(:of_ada_and_vic)
    ],
    array['let through', 'let through', 'let through', 'let through'],
    'nor is who was suspended'
);
:as_vic
select is(pg_temp.asked(:of_ada_and_vic), 'let through', 'vic is counted for acme');
:as_gus
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000002"}';
select is(pg_temp.asked(:of_ada_and_vic), 'let through', 'gus, who reaches down to acme, too');
:as_ada
select is(
    pg_temp.asked(:of_ada_and_vic), 'limit.exceeded', 'a tenant is counted over all its principals'
);
:as_owner
insert into core.members (tenant_id, user_id, role_id)
select
    :acme,
    '00000000-0000-4000-8000-000000000004',
    roles.id
from core.roles
where roles.tenant_id = core.platform_tenant_id() and roles.slug = 'viewer';
:as_eve
select is(
    pg_temp.asked(:of_ada_and_vic), 'limit.exceeded',
    'who names none of several tenants is counted for all of them'
);
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000003"}';
select is(
    pg_temp.asked(:of_ada_and_vic), 'let through', 'and who names one, for that one'
);

-- A refused request costs nothing.
:as_ada
select is((v1.set_rate_limit('principal', '1/1h', :both)).set_by, 'tenant', 'one each');
select is((v1.set_rate_limit('tenant', '2/1h', :both)).set_by, 'tenant', 'and two together');
select is(
    array[pg_temp.asked(:both), pg_temp.asked(:both), pg_temp.asked(:both)],
    array['let through', 'limit.exceeded', 'limit.exceeded'], 'ada had one'
);
:as_vic
select is(
    pg_temp.asked(:both), 'let through', 'what ada was refused is not counted for the tenant'
);

-- The platform's limits, and a tenant's beside them.
:as_owner
insert into core.rate_limits (tenant_id, dimension, action, limits)
values (core.platform_tenant_id(), 'principal', :loose, '1/1h');
:as_ada
select is((v1.set_rate_limit('principal', '100/1h', :loose)).limits, '100/1h', 'ada asks for more');
select is(
    array[pg_temp.asked(:loose), pg_temp.asked(:loose)],
    array['let through', 'limit.exceeded'], 'a tenant does not loosen what the platform set'
);
:as_service
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000002"}';
select is(
    (v1.set_rate_limit('principal', '50/1h', :loose)).set_by, 'platform',
    'the service role sets limits in the name of the platform'
);
:as_ada
select is(
    pg_temp.asked(:loose), 'let through',
    'what the platform sets for a tenant takes the place of the default'
);
:as_vic
select is(
    array[pg_temp.asked(:loose), pg_temp.asked(:loose)],
    array['let through', 'let through'], 'for each of its principals'
);
:as_eve
set local "request.headers" = '{"x-tenant-id": "00000000-0000-4000-a000-000000000003"}';
select is(
    array[pg_temp.asked(:loose), pg_temp.asked(:loose)],
    array['let through', 'limit.exceeded'], 'and for no other tenant'
);

-- Requests by their method and path; addresses; everybody.
:as_owner
insert into core.rate_limits (tenant_id, dimension, action, limits) values
(core.platform_tenant_id(), 'principal', 'rpc/' || :of_one, '1/1h'),
(core.platform_tenant_id(), 'anonymous', :of_address, '1/1h'),
(core.platform_tenant_id(), 'action', :of_all, '2/1h');
:as_vic
select set_config('request.method', 'POST', true), set_config('request.path', '/rpc/' || :of_one, true)
\g /dev/null
select is(
    array[pg_temp.asked(null), pg_temp.asked(null)],
    array['let through', 'limit.exceeded'], 'a request is counted by its path'
);
select set_config('request.path', '/rpc/%70' || substr(:of_one, 2), true) \g /dev/null
select is(pg_temp.asked(null), 'limit.exceeded', 'however the path is escaped');
select set_config('request.path', '/rpc/another', true) \g /dev/null
select is(pg_temp.asked(null), 'let through', 'and no other request is');

:as_anon
select is(
    array[pg_temp.asked(:of_address), pg_temp.asked(:of_address)],
    array['let through', 'let through'], 'without an address nobody is counted by it'
);
set local "request.headers" = '{"x-forwarded-for": "192.0.2.1"}';
select is(
    array[pg_temp.asked(:of_address), pg_temp.asked(:of_address)],
    array['let through', 'limit.exceeded'], 'anonymous callers are counted by their address'
);
set local "request.headers" = '{"x-forwarded-for": "2001:db8::1"}';
select is(pg_temp.asked(:of_address), 'let through', 'each address alone');
set local "request.headers" = '{"x-forwarded-for": "2001:db8::ffff:2"}';
select is(pg_temp.asked(:of_address), 'limit.exceeded', 'networks of IPv6 as one');
:as_ada
set local "request.headers" = '{"x-forwarded-for": "192.0.2.1"}';
select is(pg_temp.asked(:of_address), 'let through', 'who signed in is not anonymous');

select is(pg_temp.asked(:of_all), 'let through', 'ada is counted with everybody');
:as_eve
select is(
    array[pg_temp.asked(:of_all), pg_temp.asked(:of_all)],
    array['let through', 'limit.exceeded'], 'and eve too'
);
:as_service
select is(pg_temp.asked(:of_all), 'let through', 'the service role is not limited');
:as_owner
set local "request.method" = '';
select is(pg_temp.asked(:of_all), 'let through', 'nor is who is at SQL');

-- The table that counts where there is no shared memory.
select is(
    array(
        select (
            core.charge_rate_buckets(
                array[:acme, :acme]::uuid[], array['t', 'u'], array[asked.limits, '9/1h']
            )
        ) [1]
        from unnest(array['2/1h', '2/1h, 9/1d', '2/1h', '2/1h, 2/1d']) as asked (limits)
    ),
    array[0, 0, 1, 1]::bigint[],
    'the table lets through what the limit says, each period in a bucket of its own'
);
select results_eq(
    $$
        select bucket, round(extract(epoch from taken_until - clock_timestamp()) / 400) * 400
        from core.rate_buckets where bucket ~ '^[tu] ' order by bucket
    $$,
    $$values ('t 1d', 9600::numeric), ('t 1h', 3600), ('u 1h', 800)$$,
    'and a refused request costs nothing there'
);
insert into core.rate_buckets (tenant_id, bucket, taken_until)
values (:acme, 'idle', now() - interval '2 minutes');
select core.charge_rate_buckets(array[:acme]::uuid[], array['v'], array['9/1h']) \g /dev/null
select is_empty(
    $$select bucket from core.rate_buckets where bucket = 'idle'$$, 'buckets that are idle go'
);

-- What is in the memory is for the owner alone.
select ok(
    (select mode from core.rate_limiting())
    = case when tenon.touch(:acme) then 'shared memory' else 'table' end,
    'how requests are counted can be asked'
);
select is(
    (select count(*) from tenon.touched() where id = :acme),
    case when (select capacity from tenon.limit_memory()) > 0 then 1 else 0 end::bigint,
    'what was used last is collected'
);
select is((select count(*) from tenon.touched() where id = :acme), 0::bigint, 'once');
:as_ada
select is(
    array[
        pg_temp.code_of($$select tenon.limit_check('{x}', '{1/1h}')$$),
        pg_temp.code_of($$select * from tenon.limit_memory()$$),
        pg_temp.code_of($$select tenon.touch(gen_random_uuid())$$),
        pg_temp.code_of($$select tenon.touched()$$),
        pg_temp.code_of($$set tenon.limit_memory = off$$)
    ],
    array['42501', '42501', '42501', '42501', '42501'],
    'no caller of the API reaches the memory'
);

select * from finish();
rollback;
