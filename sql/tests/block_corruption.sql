-- A stored byte that has changed is an error that names the device, never a wrong answer.
begin;
\ir ../support/fixtures.sql
\ir ../support/batches.sql
\ir ../support/readings.sql
select plan(13);

select iot.ingest(read.batch)
from tenon.batch_from_json('acme', 'truck-2', '[
    {"at": "2026-01-05T00:00:00Z", "values": {"a": 1.5, "b": "on", "c": true, "d": [1], "e": 9}},
    {"at": "2026-01-05T00:00:01Z", "values": {"a": 2.5, "b": "off", "c": true, "d": [2], "e": "x"}},
    {"at": "2026-01-05T00:00:02Z", "values": {"a": 0.1, "e": null}},
    {"at": "2026-01-05T00:00:04Z", "values": {"a": 4, "c": false}}
]', now()) as read;
create temporary table frames as select frame from iot.batches;
select iot.compact();
create temporary table intact as
select
    blocks.*,
    octet_length(blocks.head) as head_bytes,
    octet_length(blocks.body) as body_bytes
from iot.blocks;

select is(
    (select tenon.block_check(device, head, body) from intact), 14, 'an intact block is read whole'
);

-- What becomes of a statement: its answer, or what it raises.
create function pg_temp.outcome(statement text) returns text
language plpgsql
as $$
declare
    answer text;
begin
    execute statement into answer;
    return answer;
exception
    when others then return sqlstate || ': ' || sqlerrm;
end
$$;
create temporary table changed as
select
    intact.device,
    case part when 'head' then 'head' else 'body' end as part,
    place,
    flip,
    case part
        when 'head' then pg_temp.flipped(intact.head, place, flip)
        else intact.head
    end as head,
    case part
        when 'body' then pg_temp.flipped(intact.body, place, flip)
        else intact.body
    end as body
from intact
cross join unnest(array['head', 'body']) as part
cross join
    lateral generate_series(
        0, case part when 'head' then intact.head_bytes else intact.body_bytes end - 1
    ) as place
cross join unnest(array[1, 16, 128, 255]) as flip;

select is_empty(
    $$
        select part, place, flip, outcome
        from (
            select
                changed.*,
                pg_temp.outcome(format(
                    'select tenon.block_check(%s, %L, %L)', device, head, body
                )) as outcome
            from changed
        ) as tried
        where outcome not like format('XX001: the block of device number %s is corrupt:%%', device)
    $$,
    'a byte that changed anywhere in a block is an error that names the device'
);
select is_empty(
    $$
        select part, place, flip, outcome
        from (
            select
                changed.*,
                pg_temp.outcome(format(
                    'select tenon.compact_blocks(%s, %L, %L)', device, head, body
                )) as outcome
            from changed
        ) as tried
        where outcome not like format('XX001: the block of device number %s is corrupt:%%', device)
    $$,
    'and no compaction makes another block of it'
);
-- The answers to a question about hours and to one about readings.
create function pg_temp.answers() returns text[]
language sql
as $$
    select array[pg_temp.outcome(
        'select jsonb_agg(to_jsonb(answer) order by metric) from v1.telemetry(
            ''{truck-2}'', null, ''2026-01-01'', ''2026-02-01'', ''1 hour''
        ) as answer'
    ), pg_temp.outcome(
        'select jsonb_agg(to_jsonb(answer) order by metric, at) from v1.readings(
            ''{truck-2}'', null, ''2026-01-01'', ''2026-02-01''
        ) as answer'
    )]
$$;
create function pg_temp.answers_with(head bytea, body bytea) returns text[]
language plpgsql
as $$
begin
    update iot.blocks set head = answers_with.head, body = answers_with.body;
    return pg_temp.answers();
end
$$;
create temporary table right_answers as select pg_temp.answers() as answers;
select ok(
    (select answers::text not like '%XX001%' and answers::text like '%0.1%' from right_answers),
    'while all is sound, questions are answered'
);
select is_empty(
    $$
        select changed.part, changed.place, changed.flip, tried.answers
        from changed
        cross join lateral pg_temp.answers_with(changed.head, changed.body) as tried (answers)
        cross join right_answers
        cross join lateral unnest(tried.answers, right_answers.answers) as one (found, expected)
        where
            one.found <> one.expected
            and one.found not like format('XX001: the block of device number %s is', changed.device) || '%'
    $$,
    'a changed byte never changes an answer: it is the same, or an error'
);
update iot.blocks
set
    head = intact.head,
    body = intact.body
from intact;
select is_empty(
    $$
        select part, bytes, outcome
        from (
            select
                'head' as part,
                bytes,
                pg_temp.outcome(format(
                    'select tenon.block_check(1, %L, %L)', substring(head for bytes), body
                )) as outcome
            from intact
            cross join lateral generate_series(0, head_bytes - 1) as bytes
            union all
            select
                'body',
                bytes,
                pg_temp.outcome(format(
                    'select tenon.block_check(1, %L, %L)', head, substring(body for bytes)
                ))
            from intact
            cross join lateral generate_series(0, body_bytes - 1) as bytes
        ) as tried
        where outcome not like 'XX001: the block of device number 1 is corrupt:%'
    $$,
    'a block that was cut off anywhere is an error'
);
select is_empty(
    $$
        select place, flip, outcome
        from frames
        cross join lateral generate_series(0, octet_length(frame) - 1) as place
        cross join unnest(array[1, 16, 128, 255]) as flip
        cross join lateral pg_temp.outcome(format(
            'select tenon.frame_check(%L)', pg_temp.flipped(frame, place, flip)
        )) as outcome
        where outcome not like 'XX001: %'
    $$,
    'and so is a changed byte of a frame'
);
select
    ok(
        pg_temp.outcome(format('select tenon.compact_frames(%L)', bytes)) ~ '^XX001: ',
        format('%s bytes that are no frame are an error', octet_length(bytes))
    )
from
    unnest(array['\x', '\x01', '\x0100000000', decode(repeat('ff', 100), 'hex')]::bytea[]) as bytes;

-- What is compacted around it.
select pg_temp.send('acme', 'truck-2', '{"at": "2026-01-05T00:00:03Z", "values": {"a": 1}}');
select pg_temp.send('rival', 'truck-1', '{"at": "2026-01-05T00:00:03Z", "values": {"a": 1}}');
update iot.batches set frame = pg_temp.flipped(frame, 9, 1) where tenant_id = :acme;
select results_eq(
    'select batches, done, failure from iot.compact()',
    $$
        values (
            1::bigint, false, 'the readings of tenant 00000000-0000-4000-a000-000000000002 wait: '
            || substring(pg_temp.outcome(
                'select tenon.frame_check(frame) from iot.batches'
            ) from '^XX001: (.*)$')
        )
    $$,
    'a corrupt batch is left as it is and told, and other tenants'' are compacted'
);
select results_eq(
    'select tenant_id, readings from iot.blocks order by tenant_id',
    format($$values (%L::uuid, 14), (%L, 1)$$, :acme, :rival), 'nothing of it is stored twice'
);

select * from finish();
rollback;
