begin;
\ir ../support/fixtures.sql
select plan(16);

\set at '\'2026-11-21T12:00:00Z\''

create function pg_temp.decided(channel text, attempt integer, outcome jsonb) returns text
language sql
as $$
    select concat_ws(
        ' ', status, reason, case when suppress then 'suppress' end,
        case when disable_endpoint then 'disable' end
    )
    from tenon.delivery_decision(channel, attempt, outcome, '2026-11-21T12:00:00Z', 'seed')
$$;

select results_eq(
    $$select * from tenon.retry_schedule('webhook')$$,
    array[
        '0', '5 s', '5 min', '30 min', '2 h', '5 h', '10 h', '14 h', '20 h', '24 h'
    ]::interval[],
    'webhooks are tried again as Standard Webhooks has it'
);
select is(
    (select count(*)::integer from tenon.retry_schedule('email')), 9,
    'mails are tried nine times'
);
select is(
    (select count(*)::integer from tenon.retry_schedule('job')), 6, 'and jobs six times'
);
select is(
    pg_temp.code_of($$select tenon.retry_schedule('pigeon')$$), 'delivery.channel_unknown',
    'an unknown channel has no schedule'
);

select results_eq(
    $$
        select channel, answer, pg_temp.decided(channel, 1, outcome::jsonb)
        from (
            values
            (1, 'webhook', '204', '{"status_code": 204}'),
            (2, 'webhook', '302', '{"status_code": 302, "error_code": "redirect"}'),
            (3, 'webhook', '410', '{"status_code": 410}'),
            (4, 'webhook', 'ssrf', '{"error_code": "address_refused"}'),
            (5, 'email', '250', '{"delivered": true, "status_code": 250, "phase": "data"}'),
            (6, 'email', '451', '{"status_code": 451, "phase": "recipient"}'),
            (
                7, 'email', '550',
                '{"status_code": 550, "enhanced_code": "5.1.1", "phase": "recipient"}'
            ),
            (8, 'email', '535', '{"status_code": 535, "phase": "auth"}'),
            (9, 'email', '422', '{"status_code": 422, "phase": "response"}'),
            (10, 'job', 'error', '{"error_code": "abandoned"}')
        ) as matrix (number, channel, answer, outcome)
        order by number
    $$,
    $$
        values
        ('webhook', '204', 'delivered http_204'),
        ('webhook', '302', 'scheduled http_302'),
        ('webhook', '410', 'dead http_410 disable'),
        ('webhook', 'ssrf', 'dead address_refused'),
        ('email', '250', 'delivered smtp_250'),
        ('email', '451', 'scheduled smtp_451'),
        ('email', '550', 'dead smtp_550_5.1.1 suppress'),
        ('email', '535', 'scheduled smtp_535'),
        ('email', '422', 'dead http_422'),
        ('job', 'error', 'scheduled abandoned')
    $$,
    'facts become decisions'
);

-- When.
select ok(
    (
        select
            count(*) = 9
            and bool_and(
                decided.next_attempt_at between :at::timestamptz + schedule.wait
                and :at::timestamptz + schedule.wait * 1.1
            )
        from tenon.retry_schedule('webhook') with ordinality as schedule (wait, number)
        cross join
            lateral tenon.delivery_decision(
                'webhook', schedule.number::integer - 1, '{"status_code": 500}', :at, 'seed'
            ) as decided
        where schedule.number > 1
    ),
    'after each failure the next attempt waits as scheduled, and a tenth longer at most'
);
select is(
    pg_temp.decided('webhook', 10, '{"status_code": 500}'), 'dead attempts_used_up: http_500',
    'the last failure is the end'
);
select ok(
    (
        select next_attempt_at >= :at::timestamptz + interval '1 hour'
        from tenon.delivery_decision(
            'webhook', 1, '{"status_code": 503, "retry_after_s": 3600}', :at, 'seed'
        )
    ),
    'whoever asks to be left alone is'
);
select is(
    (select next_attempt_at from tenon.delivery_decision('job', 1, '{}', :at, 'a')),
    (select next_attempt_at from tenon.delivery_decision('job', 1, '{}', :at, 'a')),
    'the same seed draws the same jitter'
);
select isnt(
    (select next_attempt_at from tenon.delivery_decision('job', 1, '{}', :at, 'a')),
    (select next_attempt_at from tenon.delivery_decision('job', 1, '{}', :at, 'b')),
    'and another seed another one'
);

-- What no worker should send, and nobody should have to fear.
select results_eq(
    $$
        select distinct pg_temp.decided('webhook', 1, outcome::jsonb)
        from unnest(array[
            null, 'null', '[]', '7', '"text"', '{}', '{"status_code": "200"}',
            '{"status_code": 1e400}', '{"status_code": -200}', '{"delivered": {"a": [1]}}',
            repeat('[', 1000) || repeat(']', 1000)
        ]) as outcome
    $$,
    array['scheduled failed'],
    'what cannot be read says nothing, and is tried again'
);
select is(
    pg_temp.decided('email', 1, '{"delivered": true, "status_code": 250, "duration_ms": 1e400}'),
    'delivered smtp_250', 'a field that cannot be read does not hide the others'
);
select is(
    pg_temp.code_of(
        $$select tenon.delivery_decision('pigeon', 1, '{}', now(), 'seed')$$
    ),
    'delivery.channel_unknown', 'there is no decision for an unknown channel'
);
select is(
    pg_temp.code_of($$select tenon.delivery_decision(null, 1, '{}', now(), 'seed')$$),
    'delivery.argument_missing', 'nor without a channel'
);
select is(
    pg_temp.code_of($$select tenon.delivery_decision('job', 1, '{}', null, 'seed')$$),
    'delivery.argument_missing', 'nor without a time'
);
select is(
    pg_temp.decided('job', -5, '{}'), 'scheduled failed',
    'an attempt that never was counts as the first'
);

select * from finish();
rollback;
