-- Writes batches byte by byte as docs/telemetry-format.md describes them, for tests that need what
-- JSON cannot carry. An encoder of its own, so that it does not repeat the mistakes of the other.
-- And breaks bytes that are sound.

-- The bytes with some bits of one of them changed.
create function pg_temp.flipped(bytes bytea, place integer, bits integer default 1) returns bytea
language sql
as $$select set_byte(bytes, place, get_byte(bytes, place) # bits)$$;

create function pg_temp.uint(number numeric) returns bytea
language plpgsql
as $$
declare
    bytes bytea := '';
begin
    while number >= 128 loop
        bytes := bytes || set_byte('\x00', 0, (128 + number % 128)::integer);
        number := div(number, 128);
    end loop;
    return bytes || set_byte('\x00', 0, number::integer);
end
$$;

create function pg_temp.int(number numeric) returns bytea
language sql
as $$select pg_temp.uint(case when number < 0 then -2 * number - 1 else 2 * number end)$$;

create function pg_temp.text(content text) returns bytea
language sql
as $$select pg_temp.uint(octet_length(content)) || convert_to(content, 'UTF8')$$;

create function pg_temp.float(number double precision) returns bytea
language sql
as $$
    select '\x03'::bytea || string_agg(substring(float8send(number) from place for 1), '')
    from generate_series(8, 1, -1) as place
$$;

-- CRC-32 of IEEE 802.3, little-endian.
create function pg_temp.crc(bytes bytea) returns bytea
language plpgsql
as $$
declare
    crc bigint := 4294967295;
begin
    for place in 0..octet_length(bytes) - 1 loop
        crc := crc # get_byte(bytes, place);
        for bit in 1..8 loop
            crc := case when crc & 1 = 1 then (crc >> 1) # 3988292384 else crc >> 1 end;
        end loop;
    end loop;
    crc := crc # 4294967295;
    return decode(
        regexp_replace(lpad(to_hex(crc), 8, '0'), '(..)(..)(..)(..)', '\4\3\2\1'), 'hex'
    );
end
$$;

-- A batch of one message of one device at so many microseconds since 1970, whose metrics m1, m2 and
-- so on are floats.
create function pg_temp.batch_of_floats(
    tenant text, device text, micros numeric, numbers double precision[]
) returns bytea
language sql
as $$
    select '\x01'::bytea || pg_temp.crc(content) || content
    from (
        select
            pg_temp.uint(1) || pg_temp.text(tenant)
            || pg_temp.uint(1) || pg_temp.uint(0) || pg_temp.text(device)
            || pg_temp.uint(cardinality(numbers))
            || string_agg(
                pg_temp.uint(0) || '\x03'::bytea || pg_temp.text('m' || place), '' order by place
            )
            || pg_temp.uint(1) || pg_temp.uint(cardinality(numbers))
            || pg_temp.uint(0) || pg_temp.int(micros) || pg_temp.uint(cardinality(numbers))
            || string_agg(pg_temp.uint(place - 1) || pg_temp.float(number), '' order by place)
            as content
        from unnest(numbers) with ordinality as listed (number, place)
    ) as written
$$;
