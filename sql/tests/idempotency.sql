-- A write that is sent again with its key has one effect and one answer. What happens when two are
-- under way at once is tested over HTTP, in tests/idempotency.test.mjs.
begin;
\ir ../support/fixtures.sql
select plan(47);

-- A write of the API as they all are: what was done is counted in public.work.
create table public.work (done integer);
grant all on public.work to public;
create function public.write(body jsonb, fails boolean default false) returns jsonb
language plpgsql
as $$
declare
    answer jsonb := core.stored_answer('write', write.body);
begin
    if answer is not null then
        return answer;
    end if;
    insert into public.work values (1);
    if write.fails then
        perform core.fail('device.unknown');
    end if;
    return core.store_answer(
        jsonb_build_object('number', (select count(*) from public.work), 'token', 'tnn_secret'),
        '{token,absent}'
    );
end
$$;
create function public.write_both(body jsonb) returns jsonb
language plpgsql
as $$
declare
    answer jsonb := core.stored_answer('write_both', body);
begin
    if answer is null then
        perform public.write('{"part": 1}');
        perform public.write('{"part": 2}');
        answer := core.store_answer('"both"');
    end if;
    return answer;
end
$$;
create function public.forget(body jsonb) returns jsonb
language sql
as $$ select core.stored_answer('forget', body) $$;

create function pg_temp.send_key(key text, tenant text default null) returns void
language plpgsql
as $$
begin
    perform set_config(
        'request.headers',
        jsonb_strip_nulls(jsonb_build_object('idempotency-key', key, 'x-tenant-id', tenant))::text,
        true
    );
end
$$;

:as_ada
select is(
    jsonb_build_array(public.write('{"a": 1}') -> 'number', public.write('{"a": 1}') -> 'number'),
    '[1, 2]', 'without a key each request is a new one'
);
:as_owner
select is_empty('select from core.idempotency_keys', 'and nothing of it is kept');

:as_ada
select pg_temp.send_key('k1');
select is(
    public.write('{"a": 1, "b": 2}'), '{"number": 3, "token": "tnn_secret"}',
    'the first request with a key is carried out'
);
select is(
    public.write('{"b": 2, "a": 1}'), '{"number": 3, "token": null}',
    'the same again has the same answer, but for what is shown once'
);
select is((select count(*) from public.work), 3::bigint, 'and no effect');
select is(
    pg_temp.code_of($$select public.write('{"a": 2, "b": 2}')$$), 'idempotency.key_reused',
    'another body with the same key is refused'
);
select is(
    pg_temp.code_of($$select public.write_both('{"a": 1, "b": 2}')$$), 'idempotency.key_reused',
    'so is another operation'
);
select is(
    pg_temp.code_of($$select public.write(null)$$), 'idempotency.key_reused', 'so is no body'
);
:as_owner
select is_empty(
    $$select from core.idempotency_keys where answer::text ~ 'tnn_'$$, 'no secret is kept'
);

-- Whose a key is.
:as_vic
select pg_temp.send_key('k1');
select is(
    public.write('{"a": 1, "b": 2}') -> 'number', '4', 'another caller''s key is another key'
);
:as_ada
select pg_temp.send_key('k1', :acme);
select is(
    public.write('{"a": 1, "b": 2}') -> 'number', '5', 'and so is the same in another tenant'
);
select pg_temp.send_key('k1', :acme);
select is(public.write('{"a": 1, "b": 2}') -> 'number', '5', 'where it is the same again');
select pg_temp.send_key('k1', gen_random_uuid()::text);
select is(
    pg_temp.code_of($$select public.write('{}')$$), 'no error',
    'whether there is such a tenant is not told'
);
select pg_temp.send_key('k1', 'acme');
select is(
    pg_temp.code_of($$select public.write('{}')$$), 'tenancy.header_invalid',
    'though what is no tenant''s id is refused'
);
:as_anon
select pg_temp.send_key('k1');
select is(
    pg_temp.code_of($$select public.write('{}')$$), '42501', 'anonymous callers have no keys'
);
:as_owner
set local "request.jwt.claims" = '{"role": "anon"}';
select pg_temp.send_key('k1');
select is(
    pg_temp.code_of($$select public.write('{}')$$), 'idempotency.anonymous',
    'wherever they might send one'
);
:as_service
select pg_temp.send_key('k1');
select is(
    jsonb_build_array(public.write('{}') -> 'number', public.write('{}') -> 'number'), '[7, 7]',
    'the service role has keys'
);
:as_ada
select is(
    pg_temp.code_of('select from core.idempotency_keys'), '42501', 'nobody reads what is kept'
);
:as_service
select is(
    pg_temp.code_of('select from core.idempotency_keys'), '42501', 'the service role neither'
);

-- What a key is.
:as_ada
select pg_temp.send_key(repeat('k', 255));
select is(
    pg_temp.code_of($$select public.write('{}')$$), 'no error', 'a key has up to 255 letters'
);
select pg_temp.send_key(repeat('k', 256));
select is(
    pg_temp.code_of($$select public.write('{}')$$), 'idempotency.key_invalid', 'and no more'
);
select pg_temp.send_key('');
select is(
    pg_temp.code_of($$select public.write('{}')$$), 'idempotency.key_invalid', 'and not none'
);
select pg_temp.send_key('schlüssel');
select is(
    pg_temp.code_of($$select public.write('{}')$$), 'idempotency.key_invalid',
    'and they are ASCII'
);
select pg_temp.send_key(e'a\nb');
select is(
    pg_temp.code_of($$select public.write('{}')$$), 'idempotency.key_invalid',
    'and can be printed'
);

-- What fails has not happened.
select pg_temp.send_key('k2');
select is(
    pg_temp.code_of($$select public.write('{}', true)$$), 'device.unknown',
    'a request that fails says so'
);
select is(
    public.write('{}') -> 'number', to_jsonb((select count(*) + 1 from public.work)),
    'and is carried out when it is sent again'
);

-- Functions that call each other.
select pg_temp.send_key('k3');
select count(*) as work_before from public.work
\gset
select is(public.write_both('{}'), '"both"', 'the outermost of functions answers');
select is(public.write_both('{}'), '"both"', 'and answers the same again');
select is(
    (select count(*) from public.work), (:work_before + 2)::bigint, 'and those inside it work once'
);
select pg_temp.send_key('k4');
select public.forget('{}');
:as_owner
-- As the next request finds it.
update core.idempotency_keys set transaction = '3' where key = 'k4';
:as_ada
select pg_temp.send_key('k4');
select is(
    pg_temp.code_of($$select public.forget('{}')$$), 'idempotency.answer_lost',
    'a request whose answer was not kept is not carried out twice'
);

-- Expiry.
:as_owner
update core.idempotency_keys set stored_at = now() - interval '25 hours' where key = 'k2';
:as_ada
select pg_temp.send_key('k2');
select is(
    public.write('{"new": true}') -> 'number', to_jsonb((:work_before + 3)::bigint),
    'after a day a key means a new request'
);
:as_owner
update core.idempotency_keys set stored_at = now() - interval '25 hours' where key <> 'k2';
select count(*) as expired from core.idempotency_keys where key <> 'k2'
\gset
:as_service
select results_eq(
    'select answers, done from core.expire_answers()',
    format('values (%s::bigint, true)', :expired), 'answers expire'
);
:as_owner
select is((select array_agg(key) from core.idempotency_keys), '{k2}', 'and those of a day stay');

-- Rows through a view.
:as_ada
select pg_temp.send_key('i1');
select is(
    (
        select jsonb_agg(inserted -> 'slug')
        from jsonb_array_elements(
            v1.insert_once(
                'devices', '[{"slug": "van-1", "name": "A"}, {"name": "B", "slug": "van-2"}]'
            )
        ) as inserted
    ), '["van-1", "van-2"]', 'rows are inserted through a view, and returned'
);
select is(
    v1.insert_once('devices', '[{"slug": "van-1", "name": "A"}, {"name": "B", "slug": "van-2"}]'),
    (select jsonb_agg(to_jsonb(devices) order by slug) from v1.devices where slug like 'van-%'),
    'and returned again, though they are inserted once'
);
select is(
    pg_temp.code_of($$select v1.insert_once('devices', '{"slug": "van-3"}')$$),
    'idempotency.key_reused', 'other rows with the same key are refused'
);
select pg_temp.send_key(null);
select is(
    pg_temp.code_of($$select v1.insert_once('devices', '{"slug": "van-1"}')$$), '23505',
    'without a key rows are inserted as ever'
);
select set_eq(
    $$
        select
            pg_temp.code_of(format('select v1.insert_once(%L, %L)', view, given)) || ' ' || what
        from (
            values
            ('nothing', '{}', 'no view'),
            ('devices"; drop table x; --', '{}', 'no name'),
            (null, '{}', 'null view'),
            ('devices', '1', 'number'),
            ('devices', '[1]', 'numbers'),
            ('devices', null, 'null'),
            ('devices', '{}', 'no columns'),
            ('devices', '[{"slug": "a"}, {"name": "b"}]', 'other keys'),
            ('devices', '{"slug) select 1; --": "a"}', 'no column'),
            ('devices', '{"number": 1}', 'hidden column'),
            ('devices', '{"ctid": "(0,1)"}', 'system column'),
            ('devices', '{"slug": "a", "status": "active"}', 'column not granted'),
            ('devices', '{"slug": "a b"}', 'check'),
            ('devices', '[]', 'nothing to do'),
            (
                'devices',
                '{"tenant_id": "00000000-0000-4000-a000-000000000003", "slug": "a"}', 'stranger'
            ),
            ('tenants', '{"slug": "a", "name": "a"}', 'view not granted')
        ) as tried (view, given, what)
    $$,
    $$
        values
        ('insert.view_unknown no view'),
        ('insert.view_unknown no name'),
        ('insert.view_unknown null view'),
        ('insert.rows_invalid number'),
        ('insert.rows_invalid numbers'),
        ('insert.rows_invalid null'),
        ('insert.rows_invalid no columns'),
        ('insert.rows_invalid other keys'),
        ('insert.column_unknown no column'),
        ('insert.column_unknown hidden column'),
        ('insert.column_unknown system column'),
        ('42501 column not granted'),
        ('23514 check'),
        ('no error nothing to do'),
        ('42501 stranger'),
        ('42501 view not granted')
    $$,
    'what cannot be inserted is refused as it is at the view'
);
:as_vic
select is(
    pg_temp.code_of($$select v1.insert_once('devices', '{"slug": "van-4"}')$$),
    'tenancy.permission_missing', 'a viewer inserts nothing'
);
:as_anon
select is(
    pg_temp.code_of($$select v1.insert_once('devices', '{"slug": "van-4"}')$$), '42501',
    'nor does anybody anonymous'
);

-- Where a key would be ignored it is refused.
:as_ada
create function pg_temp.asked(method text, path text, key text) returns text
language plpgsql
as $$
begin
    perform pg_temp.send_key(asked.key);
    perform set_config('request.method', asked.method, true);
    perform set_config('request.path', asked.path, true);
    return pg_temp.code_of('select core.refuse_unhonoured_key()');
end
$$;
select is(
    (
        select array_agg(distinct pg_temp.asked(method, '/devices', 'k'))
        from unnest(array['POST', 'PATCH', 'PUT', 'DELETE']) as method
    ),
    '{idempotency.not_here}', 'a key on a write to a view is refused'
);
select is(pg_temp.asked('POST', '/rpc/insert_once', 'k'), 'no error', 'on a function it is not');
select is(
    pg_temp.asked('POST', '/rpc/ingest', 'k'), 'idempotency.not_here',
    'unless it keeps no answers'
);
select is(pg_temp.asked('POST', '/rpc/latest', 'k'), 'no error', 'and may write something');
select is(pg_temp.asked('GET', '/devices', 'k'), 'no error', 'nor where nothing is written');
:as_anon
select is(pg_temp.asked('POST', '/devices', null), 'no error', 'nor is a write without a key');

-- Whoever loses a role loses what was answered under it.
:as_owner
insert into core.idempotency_keys (
    tenant_id, caller_kind, caller_id, key, operation, request_hash, transaction, open_calls
)
values (
    core.platform_tenant_id(), 'user', '00000000-0000-4000-8000-000000000002', 'before', 'o',
    '', '3', 0
);
update core.members set status = 'suspended'
where user_id = '00000000-0000-4000-8000-000000000002';
select is_empty(
    $$select from core.idempotency_keys where key = 'before'$$,
    'answers kept for a member go when the role does'
);

select * from finish();
rollback;
