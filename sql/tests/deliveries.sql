-- What has to reach the world outside is a row beside what it tells of, and its content a secret.
begin;
\ir ../support/fixtures.sql
select plan(24);

insert into core.event_types (type, description) values ('test.clock.struck', 'It is late.');
select
    core.enqueue_delivery(
        :acme, 'email', 'ann@example.com', 'auth.recovery', '{"token": "t0p-secret"}', 'k1',
        'test.clock.struck'
    ) as delivery
\gset

select results_eq(
    'select tenant_id, id, channel, recipient, template, data, status, event_type, created_by
    from core.deliveries',
    format(
        $$values (%L::uuid, %L::uuid, 'email', 'ann@example.com', 'auth.recovery',
        '{"token": "t0p-secret"}'::jsonb, 'queued', 'test.clock.struck', null::uuid)$$,
        :acme, :'delivery'
    ), 'what is to be delivered is queued'
);
select is(
    core.enqueue_delivery(
        :acme, 'email', 'ann@example.com', 'auth.recovery', '{"token": "t0p-secret"}', 'k1'
    ), :'delivery'::uuid, 'the same under the same key is the same delivery'
);
select is((select count(*) from core.deliveries), 1::bigint, 'and queued once');
select is(
    (
        select
            array_agg(
                pg_temp.code_of(
                    format(
                        $$select core.enqueue_delivery(%L, %L, %L, %L, %L, 'k1')$$,
                        :acme, channel, recipient, template, data
                    )
                )
            )
        from (
            values
            ('webhook', 'ann@example.com', 'auth.recovery', '{"token": "t0p-secret"}'),
            ('email', 'bob@example.com', 'auth.recovery', '{"token": "t0p-secret"}'),
            ('email', 'ann@example.com', 'auth.invite', '{"token": "t0p-secret"}'),
            ('email', 'ann@example.com', 'auth.recovery', '{"token": "other"}')
        ) as other (channel, recipient, template, data)
    ),
    array_fill('delivery.key_reused'::text, '{4}'), 'anything else under the same key is refused'
);
select isnt(
    core.enqueue_delivery(:rival, 'email', 'ann@example.com', 'auth.recovery', '{}', 'k1'),
    :'delivery'::uuid, 'a key is a tenant''s own'
);
select isnt(
    core.enqueue_delivery(:acme, 'email', 'ann@example.com', 'auth.recovery'),
    core.enqueue_delivery(:acme, 'email', 'ann@example.com', 'auth.recovery'),
    'without a key each is another delivery'
);
savepoint undone;
select core.enqueue_delivery(:acme, 'email', 'ann@example.com', 'auth.invite');
rollback to savepoint undone;
select is_empty(
    $$select from core.deliveries where template = 'auth.invite'$$,
    'what is rolled back is not delivered'
);
select is(
    (
        select
            array_agg(
                pg_temp.code_of(
                    format(
                        'select core.enqueue_delivery(%L, %L, %L, %L, %L, %L, %L)',
                        tenant_id, channel, recipient, template, data, key, event
                    )
                )
            )
        from (
            values
            (null, 'email', 'a', 'a', '{}', null, null),
            (:acme, null, 'a', 'a', '{}', null, null),
            (:acme, 'E-mail', 'a', 'a', '{}', null, null),
            (:acme, 'email', '', 'a', '{}', null, null),
            (:acme, 'email', 'a', 'A b', '{}', null, null),
            (:acme, 'email', 'a', 'a', '[]', null, null),
            (:acme, 'email', 'a', 'a', '{}', '', null),
            (:acme, 'email', 'a', 'a', '{}', null, 'no.such.type'),
            ('00000000-0000-4000-a000-00000000dead', 'email', 'a', 'a', '{}', null, null)
        ) as wrong (tenant_id, channel, recipient, template, data, key, event)
    ),
    array[
        '23502', 'delivery.channel_unknown', 'delivery.channel_unknown', '23514', '23514', '23514',
        '23514', 'event.type_unknown', '23503'
    ],
    'what can be delivered to nobody is refused where it is written'
);

-- A function of the platform queues for a member, in whose name it stands.
create function public.invite() returns uuid
language sql security definer
as $$
    select core.enqueue_delivery(
        '00000000-0000-4000-a000-000000000002', 'email', 'new@example.com', 'auth.invite'
    )
$$;
grant execute on function public.invite() to authenticated;
:as_ada
select public.invite();
select results_eq(
    $$select template, recipient, created_by from v1.deliveries where template = 'auth.invite'$$,
    $$values ('auth.invite', 'n***@example.com', '00000000-0000-4000-8000-000000000001'::uuid)$$,
    'a delivery names who caused it, and shows of its recipient what reaches nobody'
);

-- Who sees what.
select is(
    (select count(*) from v1.deliveries), 4::bigint, 'an owner sees the tenant''s deliveries'
);
select is(
    pg_temp.code_of('select data from core.deliveries'), '42501', 'and nothing of what is in them'
);
select is(
    pg_temp.code_of('select recipient from core.deliveries'), '42501',
    'nor the recipient as it is'
);
select is(
    pg_temp.code_of('select idempotency_key from core.deliveries'), '42501', 'nor the key'
);
select is(
    pg_temp.code_of(
        format($$select core.enqueue_delivery(%L, 'email', 'a@b.c', 'a')$$, :acme)
    ), '42501', 'and sends nothing of the own'
);
select is(
    pg_temp.code_of($$update core.deliveries set status = 'queued'$$), '42501',
    'and changes nothing'
);
select is(pg_temp.code_of('delete from core.deliveries'), '42501', 'and takes nothing back');
:as_vic
select is_empty('select from v1.deliveries', 'a viewer sees no deliveries');
:as_eve
select is(
    (select count(*) from v1.deliveries), 1::bigint, 'another tenant sees its own alone'
);
:as_gus
select is((select count(*) from v1.deliveries), 4::bigint, 'an owner above sees what is below');
:as_anon
select is(pg_temp.code_of('select from v1.deliveries'), '42501', 'anonymous callers see nothing');
:as_truck
select is(pg_temp.code_of('select from v1.deliveries'), '42501', 'devices neither');
:as_service
select isnt_empty(
    $$select from core.deliveries where data ->> 'token' = 't0p-secret'$$,
    'the service role, which delivers, sees what there is to deliver'
);
select is(
    pg_temp.code_of('delete from core.deliveries'), '42501', 'and cannot make it unsent'
);

:as_owner
select is(
    (
        select array_agg(core.mask_recipient(channel, recipient))
        from (
            values
            ('email', 'ann@example.com'), ('email', 'ab@example.com'), ('email', 'a@b@example.com'),
            ('email', 'nobody'), ('email', '"a@b"@example.com'),
            ('webhook', 'https://hooks.example.com/T0/s3cret?token=x'),
            ('webhook', 'https://user:s3cret@hooks.example.com:8443'),
            ('webhook', 'https://user:s3/cret@example.com/'), ('webhook', 'mailto:a@b.c'),
            ('webhook', 'https://s3cret\@example.com'),
            ('telegraph', 'ann')
        ) as given (channel, recipient)
    ),
    array[
        'a***@example.com', '***@example.com', '***', '***', '***',
        'https://hooks.example.com/***', 'https://hooks.example.com:8443/***',
        '***', '***', '***', '***'
    ],
    'a recipient is masked'
);

select * from finish();
rollback;
