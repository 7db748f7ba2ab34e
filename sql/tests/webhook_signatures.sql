begin;
\ir ../support/fixtures.sql
select plan(17);

-- The example that the libraries of the standard are tested with.
\set secret '\'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\''
\set id '\'msg_p5jXN8AQM9LWM0D4loKWxJek\''
\set at '\'2021-02-25T15:02:10Z\''
\set timestamp '\'1614265330\''
\set body '\'{"test": 2432232314}\''
\set signature '\'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\''

select is(
    tenon.webhook_sign(array[:secret], :id, :at, :body), :signature,
    'a message is signed as the standard has it'
);
select is(
    tenon.webhook_verify(array[:secret], :id, :timestamp, :signature, :body, :at), null,
    'and verified'
);
select is(
    tenon.webhook_verify(
        array[:secret], :id, :timestamp, :signature, :body, :at::timestamptz + interval '301 s'
    ),
    'too_old', 'five minutes later it is too old'
);
select is(
    tenon.webhook_verify(
        array[:secret], :id, :timestamp, :signature, :body, :at::timestamptz - interval '301 s'
    ),
    'too_new', 'and five minutes earlier too new'
);
select is(
    tenon.webhook_verify(
        array[:secret], :id, :timestamp, :signature, :body, :at::timestamptz + interval '301 s', 400
    ),
    null, 'unless more is tolerated'
);
select is(
    tenon.webhook_verify(array[:secret], 'msg_2', :timestamp, :signature, :body, :at),
    'no_match', 'the signature is of no other id'
);
select is(
    tenon.webhook_verify(array[:secret], :id, :timestamp, :signature, :body || ' ', :at),
    'no_match', 'nor of another body'
);

-- A strict function would answer null, which says that it holds.
select is(
    (
        select array_agg(distinct verdict)
        from unnest(array[
            tenon.webhook_verify(null, :id, :timestamp, :signature, :body, :at),
            tenon.webhook_verify(array[:secret], null, :timestamp, :signature, :body, :at),
            tenon.webhook_verify(array[:secret], :id, null, :signature, :body, :at),
            tenon.webhook_verify(array[:secret], :id, :timestamp, null, :body, :at),
            tenon.webhook_verify(array[:secret], :id, :timestamp, :signature, null, :at),
            tenon.webhook_verify(array[:secret], :id, :timestamp, :signature, :body, null),
            tenon.webhook_verify_body(null, '', '', 'hex'),
            tenon.webhook_verify_body('secret', null, '', 'hex'),
            tenon.webhook_verify_body('secret', '', null, 'hex'),
            tenon.webhook_verify_body('secret', '', '', null)
        ]) as verdict
    ),
    array['malformed'], 'nothing is no signature'
);
select is(
    tenon.webhook_verify(array[]::text[], :id, :timestamp, :signature, :body, :at),
    'no_match', 'without a secret nothing holds'
);

-- Secrets.
select is(
    tenon.webhook_secret(decode(repeat('00', 24), 'hex')), 'whsec_' || repeat('A', 32),
    'a secret is whsec_ and Base64'
);
select is(
    pg_temp.code_of($$select tenon.webhook_secret('\x00')$$), 'signature.secret_malformed',
    'of 24 bytes at least'
);
select is(
    pg_temp.code_of($$select tenon.webhook_sign(array['hunter2-hunter2'], 'a', now(), '')$$),
    'signature.secret_malformed', 'with what is no secret nothing is signed'
);
select throws_like(
    $$select tenon.webhook_sign(array['hunter2-hunter2'], 'a', now(), '')$$,
    '{"code":"signature.secret_malformed","details":null,"hint":null,"message":"a web%bytes"}',
    'and the error does not repeat it'
);
select is(
    pg_temp.code_of($$select tenon.webhook_sign(array[]::text[], 'a', now(), '')$$),
    'signature.secret_missing', 'nor without one'
);
select is(
    pg_temp.code_of(
        format('select tenon.webhook_sign(array[%L], ''a.1'', now(), '''')', :secret)
    ),
    'signature.id_malformed', 'an id with a dot could be read in two ways'
);
select is(
    tenon.webhook_verify(
        array[tenon.webhook_secret(decode(repeat('02', 32), 'hex')), :secret],
        :id, :timestamp, 'v1,AAAA ' || :signature, :body, :at
    ),
    null, 'while secrets are rotated, one signature by one of them is enough'
);

-- RFC 4231, section 4.3.
select is(
    tenon.webhook_verify_body(
        'Jefe', 'what do ya want for nothing?',
        'sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843', 'hex', 'sha256='
    ),
    null, 'a body alone can be signed too'
);

select * from finish();
rollback;
