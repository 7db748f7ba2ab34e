-- Search: what of every record can be found by its words.
--
-- A record has one row in core.search_documents with the words of its fields, folded so that
-- Müller, Mueller and Muller are one. A word stands there with its tenant and with how much its
-- field counts (A the label, B e-mails and numbers, C names of related records, D texts), so that
-- one index answers "as a label" and "anywhere" for one tenant; whose the record is stands among
-- them too, so that who sees little is answered as fast as who sees all. Triggers for statements
-- keep documents as their records are, by what core.search_object has declared. Typos are found
-- through a vocabulary, core.search_words, which has each word once, or by chance twice: nobody
-- waits for another there. The ADR "Why search asks for words, and mends them after" has what else
-- was measured.

set local lock_timeout = '5s';

create extension if not exists unaccent with schema extensions;
create extension if not exists fuzzystrmatch with schema extensions;

-- Words -------------------------------------------------------------------------------------------

create function core.search_fold(content text) returns text
language plpgsql stable strict parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    -- Some 1,500 words: what stands at the end of a book is not looked for.
    characters_max constant integer := 10000;
    -- Of a word's bytes, an index takes 2,046.
    word_characters_max constant integer := 255;
    folded text := lower(
        case
            when octet_length(content) > characters_max then left(content, characters_max)
            else content
        end
    );
begin
    if octet_length(folded) <> char_length(folded) then
        folded := lower(
            extensions.unaccent('extensions.unaccent', normalize(folded, nfkc))
        );
        -- Where words have no spaces between them, each character is one.
        folded := regexp_replace(
            folded, '([\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff])', ' \1 ', 'g'
        );
        folded := translate(folded, '’ʼ', '');
    end if;
    -- Not translate(), which takes five times as long for texts without any.
    if strpos(folded, '''') > 0 then
        folded := replace(folded, '''', '');
    end if;
    folded := replace(replace(replace(
        btrim(regexp_replace(folded, '[^[:alnum:]\u001f]+', ' ', 'g')),
        'ae', 'a'), 'oe', 'o'), 'ue', 'u'
    );
    if octet_length(folded) > word_characters_max then
        folded := array_to_string(
            array(
                select left(word, word_characters_max)
                from unnest(string_to_array(folded, ' ')) with ordinality as words (word, place)
                order by words.place
            ), ' '
        );
    end if;
    return folded;
end
$$;

comment on function core.search_fold(text) is
'The words of a text as search compares them, with a space between: in lower case, without accents
and punctuation, ä, ae and a one letter; of the first 10,000 characters, and 255 of each
word. Internal.';

create function core.search_phone(content text) returns text
language plpgsql immutable strict parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    digits text := regexp_replace(
        replace(content, '(0)', ''), '[ ()/.+\u00a0-]+', '', 'g'
    );
    country_digits integer;
    national text;
begin
    if digits !~ '^[0-9]{3,30}$' then
        return null;
    end if;
    digits := coalesce(nullif(ltrim(digits, '0'), ''), digits);
    if content !~ '^\s*(\+|00)' and char_length(digits) < 11 then
        return digits;
    end if;
    -- ITU-T E.164: the codes of countries begin differently from each other.
    country_digits := case
        when digits ~ '^[17]' then 1
        when digits ~ '^(2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])' then 2
        else 3
    end;
    national := ltrim(substr(digits, country_digits + 1), '0');
    return digits || case when national <> '' then ' ' || national else '' end;
end
$$;

comment on function core.search_phone(text) is
'The words by which a phone number is found: its digits with the code of the country, if it may have
one, and without, and never with a leading zero. Null for what is no number. Internal.';

create function core.search_document(prefix text, marks text[], contents text[])
returns tsvector
language plpgsql stable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    weights constant text[] := array['A', 'B', 'C', 'D'];
    -- What hardly any text has stands between them, so that all are folded at once.
    folded constant text[] := string_to_array(
        core.search_fold(array_to_string(contents, E' \u001f ', '')), E'\u001f'
    );
    beginning constant text := prefix || 'P';
    words text;
    word text;
    lexemes text[] := array_remove(marks, null);
begin
    if cardinality(folded) > 4 then
        return core.search_document(
            prefix, marks, array(
                select translate(content, E'\u001f', ' ')
                from unnest(contents) with ordinality as given (content, place)
                order by given.place
            )
        );
    end if;
    for place in 1..4 loop
        words := btrim(folded[place]);
        if words <> '' then
            lexemes := lexemes || string_to_array(
                prefix || weights[place] || replace(words, ' ', ' ' || prefix || weights[place]),
                ' '
            );
        end if;
    end loop;
    words := btrim(folded[1]);
    if words <> '' then
        lexemes := lexemes || (prefix || '=' || left(words, 200));
        foreach word in array string_to_array(words, ' ') loop
            lexemes := lexemes || array[
                beginning || left(word, 1), beginning || left(word, 2), beginning || left(word, 3)
            ];
        end loop;
    end if;
    return array_to_tsvector(lexemes);
end
$$;

comment on function core.search_document(text, text[], text[]) is
'A document of these marks, and of the words of four texts, each behind the prefix and the weight
that the place of its text stands for. The first text is the label, whose words stand there with
their first, first two and first three letters too (P). Internal.';

create function core.search_lexemes(prefix text, content text) returns text[]
language plpgsql stable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    folded constant text := core.search_fold(content);
begin
    if coalesce(folded, '') = '' then
        return '{}';
    end if;
    return string_to_array(prefix || replace(folded, ' ', ' ' || prefix), ' ');
end
$$;

comment on function core.search_lexemes(text, text) is
'The words of a text, each behind the prefix, which has no space. Internal.';

create function core.search_prefix(tenant_id uuid) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return right(search_prefix.tenant_id::text, 6);

comment on function core.search_prefix(uuid) is
'What the words of a tenant begin with in the index. Two tenants may share it: what is found is
compared with the tenant. Internal.';

create function core.search_holder(kind text, id uuid) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return kind || right(id::text, 12);

comment on function core.search_holder(text, uuid) is
'An owner (o) or a team (t) as a word of a document. Two may share it: what is found is compared
with the owner and the team. Internal.';

-- Documents ---------------------------------------------------------------------------------------

create table core.search_objects (
    object text primary key references core.objects (object) on delete cascade,
    number smallint not null generated always as identity,
    sublabel_column text,
    query text not null default '',
    difference text not null default '',
    constraint search_number_is_unique unique (number)
);

comment on table core.search_objects is
'The objects whose records are searched. Written by core.search_object. Global reference data: the
same for every tenant.';
comment on column core.search_objects.number is 'What stands for the object in documents.';
comment on column core.search_objects.sublabel_column is
'The column that tells records of one label apart, such as the e-mail of contacts.';
comment on column core.search_objects.query is
'Makes documents of the records of @source, with what hangs on them if @linked; by
core.prepare_search.';
comment on column core.search_objects.difference is
'Whether new_records differs from old_records in what documents are made of.';

create table core.search_fields (
    object text not null references core.search_objects (object) on delete cascade,
    field text not null,
    weight text not null,
    is_phone boolean not null,
    primary key (object, field),
    constraint weight_is_known check (weight in ('A', 'B', 'C', 'D'))
);

comment on table core.search_fields is
'The fields whose words find a record. A field with the id of another record stands for that
record''s label; schema.table.column for the rows that hang on the record; custom for the
tenant''s own texts. Global reference data: the same for every tenant.';
comment on column core.search_fields.weight is
'How much a word counts there, from A to D.';
comment on column core.search_fields.is_phone is
'Whether numbers are found however they are spaced.';

create table core.search_documents (
    tenant_id uuid not null,
    record_id uuid not null,
    object text not null,
    owner_id uuid,
    team_id uuid,
    label text not null,
    sublabel text,
    changed_at timestamptz not null default now(),
    document tsvector not null,
    primary key (tenant_id, record_id, object)
);
create index search_documents_words on core.search_documents using gin (document)
with (fastupdate = on, gin_pending_list_limit = 2048);
create index search_documents_changed_at on core.search_documents (tenant_id, changed_at desc);

comment on table core.search_documents is
'What search knows of each record: by which words it is found, whose it is, and how a list of
results shows it. Kept by triggers; who writes one holds the lock of its record, which has the
foreign keys.';
comment on column core.search_documents.changed_at is
'When the words last changed: of two results alike the newer is first.';
comment on column core.search_documents.document is
'Each word behind the last six digits of the tenant and its weight; the first letters of words of
the label behind P; =label; @object, with its owner, with its team; words of fields that roles can
be kept from behind their names.';

create table core.search_words (
    tenant_id uuid not null references core.tenants (id),
    id bigint not null generated always as identity,
    word text not null,
    keys integer[] not null,
    primary key (tenant_id, id)
);
create index search_words_word on core.search_words (tenant_id, word);
create index search_words_keys on core.search_words using gin (keys);

comment on table core.search_words is
'The words of letters that documents of a tenant have, by which typos are mended. A word may be here
twice, and remain for a while after the last document with it: it says nothing by itself.';
comment on column core.search_words.keys is 'core.search_typo_keys of the word.';

create table core.search_unlearned (
    tenant_id uuid not null references core.tenants (id),
    id bigint not null generated always as identity,
    object text not null,
    record_ids uuid[] not null,
    primary key (tenant_id, id)
);

comment on table core.search_unlearned is
'Documents whose words are to be added to core.search_words, as large statements have left them.';

alter table core.search_objects enable row level security;
alter table core.search_fields enable row level security;
alter table core.search_documents enable row level security;
alter table core.search_words enable row level security;
alter table core.search_unlearned enable row level security;
create policy search_objects_read on core.search_objects for select to authenticated using (true);
create policy search_fields_read on core.search_fields for select to authenticated using (true);
create policy search_documents_read on core.search_documents for select to authenticated
using (
    object || ' ' || tenant_id = any((select core.records_reached('read'))::text[])
    or (
        object || ' ' || tenant_id = any((select core.records_reached('read', 'own'))::text[])
        and core.reaches(object || '.read', tenant_id, owner_id, team_id)
    )
);
create policy search_words_are_internal on core.search_words using (false);
create policy search_unlearned_is_internal on core.search_unlearned using (false);
grant select on core.search_objects, core.search_fields to authenticated, service_role;

select
    core.map_not_personal(
        'Made of columns that are mapped, and changes with them.',
        'core.search_documents.label', 'core.search_documents.sublabel',
        'core.search_documents.document', 'core.search_documents.owner_id',
        'core.search_documents.record_id'
    );
select
    core.map_not_personal(
        'Single words of a tenant; core.forget_search_words removes what no document has.',
        'core.search_words.word', 'core.search_unlearned.record_ids'
    );

-- Vocabulary --------------------------------------------------------------------------------------

create function core.search_typo_keys(prefix text, word text) returns integer[]
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select hashtext(prefix || left(word, place) || substr(word, place + 2))
        from generate_series(0, char_length(word)) as place
    )
    || case when char_length(word) > 6 then
        array[
            hashtext(prefix || '<' || left(word, 4)), hashtext(prefix || '>' || right(word, 4)),
            hashtext(prefix || '=' || substr(word, 5, 4))
        ]
        else '{}'
    end;
end
$$;

comment on function core.search_typo_keys(text, text) is
'Numbers of which two words that differ by one letter more, less, other, or in another place have
one in common: of the word, and of the word without each of its letters. Long words have those of
their first and last four letters and of four in the middle too, one of which two typos mostly
leave. Internal.';

create function core.learn_search_words(tenant_id uuid, object text, record_ids uuid[])
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    insert into core.search_words (tenant_id, word, keys)
    select
        learn_search_words.tenant_id,
        spoken.word,
        core.search_typo_keys(core.search_prefix(learn_search_words.tenant_id), spoken.word)
    from (
        select distinct substr(lexeme, 8) as word
        from core.search_documents as documents
        cross join lateral unnest(tsvector_to_array(documents.document)) as lexeme
        where
            documents.tenant_id = learn_search_words.tenant_id
            and documents.record_id = any(learn_search_words.record_ids)
            and documents.object = learn_search_words.object
            and substr(lexeme, 7, 1) in ('A', 'C', 'D')
            and substr(lexeme, 8) ~ '^[[:alpha:]]{3,24}$'
    ) as spoken
    where not exists (
        select from core.search_words as known
        where known.tenant_id = learn_search_words.tenant_id and known.word = spoken.word
    );
end
$$;

comment on function core.learn_search_words(uuid, text, uuid[]) is
'Adds the words of documents to the vocabulary. It waits for nobody: who learns a word at the same
time adds it too. Internal.';

create function core.learn_search(budget interval default '10 seconds')
returns table (documents bigint, done boolean)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    deadline constant timestamptz := clock_timestamp() + budget;
    taken record;
begin
    documents := 0;
    loop
        delete from core.search_unlearned as unlearned
        using (
            select
                oldest.tenant_id,
                oldest.id
            from core.search_unlearned as oldest
            order by oldest.tenant_id, oldest.id
            limit 1
            for update skip locked
        ) as next_one
        where unlearned.tenant_id = next_one.tenant_id and unlearned.id = next_one.id
        returning unlearned.* into taken;
        done := not found;
        exit when done;
        perform core.learn_search_words(taken.tenant_id, taken.object, taken.record_ids);
        documents := documents + cardinality(taken.record_ids);
        exit when clock_timestamp() >= deadline;
    end loop;
    return next;
end
$$;

comment on function core.learn_search(interval) is
'Adds to the vocabulary what large statements have left, for about as long as the budget says. It
may run in several sessions at once. Definer, because it works for every tenant; service_role may
call it.';

create function core.forget_search_words(tenant_id uuid, after_id bigint, count_max integer)
returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    last_id bigint;
begin
    with looked_at as materialized (
        select
            words.id,
            words.word
        from core.search_words as words
        where words.tenant_id = forget_search_words.tenant_id and words.id > after_id
        order by words.id
        limit count_max
    ),
    forgotten as (
        delete from core.search_words as words
        using looked_at
        where
            words.tenant_id = forget_search_words.tenant_id
            and words.id = looked_at.id
            and not exists (
                select from core.search_documents as documents
                where
                    documents.document @@ (
                        select string_agg(
                            core.search_prefix(forget_search_words.tenant_id)
                            || weight || looked_at.word, ' | '
                        )
                        from unnest(array['A', 'C', 'D']) as weight
                    )::tsquery
                    and (documents.tenant_id = forget_search_words.tenant_id) is true
            )
    )
    select max(looked_at.id) into last_id from looked_at;
    return last_id;
end
$$;

comment on function core.forget_search_words(uuid, bigint, integer) is
'Removes words that no document has any more from the vocabulary: of those after an id, so many;
returns the last that was looked at, null at the end. Internal.';

create function core.forget_search_in_job(job core.jobs) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    step constant integer := 2000;
    last_id constant bigint := core.forget_search_words(
        job.tenant_id, coalesce((job.state ->> 'after')::bigint, 0), step
    );
begin
    return jsonb_build_object(
        'done', last_id is null,
        'state', jsonb_build_object('after', last_id),
        'result', '{}'::jsonb
    );
end
$$;

comment on function core.forget_search_in_job(core.jobs) is
'The task core.forget_search_words: removes words from the vocabulary of the job''s tenant that no
document has any more. Internal.';

insert into core.job_tasks (
    task, function_schema, function_name, description, step_time_limit, is_open
) values (
    'core.forget_search_words', 'core', 'forget_search_in_job',
    'Forget words that no record is found by any more.', '1 minute', true
);

create function core.forget_words_of_erased() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.enqueue_job(
        new.tenant_id, 'core.forget_search_words', unique_key => 'core.forget_search_words'
    );
    return null;
end
$$;

comment on function core.forget_words_of_erased() is
'Trigger after a person was erased: has the words forgotten that stood in nobody else''s records.
Definer, because who erases may not enqueue jobs.';
revoke all on function core.forget_words_of_erased() from public;

create trigger words_of_the_erased_are_forgotten after insert on core.erasures
for each row execute function core.forget_words_of_erased();

-- Keeping documents as records are ----------------------------------------------------------------


create function core.track_search() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    searched_object constant text := tg_argv[0];
    -- Whoever types waits for some words more; an import does not.
    learned_at_once_max constant integer := 20;
    searched core.search_objects;
    is_different boolean;
    written_tenant uuid;
    written_ids uuid[];
begin
    if tg_op = 'DELETE' then
        delete from core.search_documents as documents
        using old_records
        where
            documents.tenant_id = old_records.tenant_id
            and documents.record_id = old_records.id
            and documents.object = searched_object;
        return null;
    end if;
    select * into searched from core.search_objects
    where search_objects.object = searched_object;
    if not found or searched.query = '' then
        return null;
    end if;
    -- Most updates change nothing that is searched, and asking that alone is quickly planned.
    if tg_op = 'UPDATE' then
        execute
            'select exists (select from new_records inner join old_records '
            'on old_records.tenant_id = new_records.tenant_id and old_records.id = new_records.id '
            'where ' || searched.difference || ')'
        into is_different;
        if not is_different then
            return null;
        end if;
    end if;
    -- Nothing hangs on what is new.
    for written_tenant, written_ids in execute replace(
        replace(searched.query, '@linked', case tg_op when 'INSERT' then 'false' else 'true' end),
        '@source',
        case tg_op
            when 'INSERT' then 'new_records'
            else '(select new_records.* from new_records inner join old_records '
                'on old_records.tenant_id = new_records.tenant_id '
                'and old_records.id = new_records.id where ' || searched.difference || ')'
        end
    ) loop
        if cardinality(written_ids) <= learned_at_once_max then
            perform core.learn_search_words(written_tenant, searched_object, written_ids);
        else
            insert into core.search_unlearned (tenant_id, object, record_ids)
            values (written_tenant, searched_object, written_ids);
        end if;
    end loop;
    return null;
end
$$;

comment on function core.track_search() is
'Trigger for statements: writes the documents of the records that a statement has changed. Argument:
the object. Definer, because nobody writes documents but by their records.';

create function core.search_expression(known core.objects, searched core.search_fields)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    parts constant text[] := string_to_array(searched.field, '.');
    words constant text := case
        when searched.is_phone then 'coalesce(core.search_phone(%1$s), %1$s)' else '%1$s'
    end;
    related core.objects;
begin
    if cardinality(parts) = 3 then
        return format(
            'case when @linked then (select string_agg(%s, '' '') from %s as linked '
            'where linked.tenant_id = record.tenant_id and linked.record_id = record.id '
            'and linked.object = %L) end',
            format(words, format('linked.%I', parts[3])),
            parts[1] || '.' || parts[2], known.object
        );
    elsif searched.field = 'custom' then
        return format(
            'case when record.custom <> ''{}'' then '
            '(select string_agg(own.value #>> ''{}'', '' '') from jsonb_each(record.custom) '
            'as own where jsonb_typeof(own.value) = ''string'' '
            'and not exists (select from core.fields where fields.object = %L '
            'and fields.field in (own.key, ''custom.'' || own.key))) end',
            known.object
        );
    end if;
    select objects.* into related
    from pg_constraint as keys
    inner join core.objects on objects.relation::regclass = keys.confrelid
    where
        keys.conrelid = known.relation::regclass
        and keys.contype = 'f'
        and keys.conkey[2] = (
            select attributes.attnum from pg_attribute as attributes
            where
                attributes.attrelid = known.relation::regclass
                and attributes.attname = searched.field
        );
    if found then
        return format(
            '(select related.%I from %s as related '
            'where related.tenant_id = record.tenant_id and related.id = record.%I)',
            related.label_column, related.relation, searched.field
        );
    end if;
    return format(words, format('record.%I::text', searched.field));
end
$$;

comment on function core.search_expression(core.objects, core.search_fields) is
'The text of a field of core.search_fields, as SQL over the alias record. Internal.';

create function core.prepare_search(object text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    searched core.search_objects;
    owner constant text := coalesce('record.' || quote_ident(known.owner_column), 'null::uuid');
    team constant text := coalesce('record.' || quote_ident(known.team_column), 'null::uuid');
    contents text;
    kept_lexemes text;
    columns text[];
begin
    select * into strict searched from core.search_objects
    where search_objects.object = prepare_search.object;
    select
        string_agg(
            coalesce(ordinary.expressions, 'null::text'), ', ' order by weights.weight
        ),
        string_agg(kept.lexemes, '')
    into contents, kept_lexemes
    from unnest(array['A', 'B', 'C', 'D']) as weights (weight)
    left join lateral (
        select
            'concat_ws('' '', '
            || string_agg(core.search_expression(known, fields), ', ' order by fields.field)
            || ')' as expressions
        from core.search_fields as fields
        where
            fields.object = prepare_search.object
            and fields.weight = weights.weight
            and not exists (
                select from core.fields as guarded
                where guarded.object = fields.object and guarded.field = fields.field
            )
    ) as ordinary on true
    left join lateral (
        -- What roles can be kept from has words of its own.
        select
            string_agg(
                format(
                    ' || core.search_lexemes(place.prefix || %L, %s)',
                    fields.weight || '#' || searched.number || '.' || fields.field || '#',
                    core.search_expression(known, fields)
                ), ''
            ) as lexemes
        from core.search_fields as fields
        inner join core.fields as guarded
            on guarded.object = fields.object and guarded.field = fields.field
        where fields.object = prepare_search.object and fields.weight = weights.weight
    ) as kept on true;
    select array_agg(distinct columns_of.name) into columns
    from (
        select fields.field as name
        from core.search_fields as fields
        where fields.object = prepare_search.object and strpos(fields.field, '.') = 0
        union all
        select shown.name
        from unnest(array[
            known.label_column, searched.sublabel_column, known.owner_column, known.team_column
        ]) as shown (name)
        where shown.name is not null
    ) as columns_of;
    update core.search_objects
    set
        query = format(
            'with written as (insert into core.search_documents as documents '
            '(tenant_id, record_id, object, owner_id, team_id, label, sublabel, document) '
            'select record.tenant_id, record.id, %1$L, %2$s, %3$s, left(record.%4$I::text, 500), '
            '%5$s, core.search_document(place.prefix, array['
            'place.prefix || ''@%6$s'', '
            'place.prefix || ''@%6$s'' || core.search_holder(''o'', %2$s), '
            'place.prefix || ''@%6$s'' || core.search_holder(''t'', %3$s)]%8$s, array[%7$s]) '
            'from @source as record '
            'cross join lateral (values (core.search_prefix(record.tenant_id))) as place (prefix) '
            'order by record.tenant_id, record.id '
            'on conflict on constraint search_documents_pkey do update set '
            'owner_id = excluded.owner_id, team_id = excluded.team_id, label = excluded.label, '
            'sublabel = excluded.sublabel, document = excluded.document, changed_at = now() '
            'where (documents.owner_id, documents.team_id, documents.label, documents.sublabel, '
            'documents.document) is distinct from (excluded.owner_id, excluded.team_id, '
            'excluded.label, excluded.sublabel, excluded.document) '
            'returning documents.tenant_id, documents.record_id) '
            'select tenant_id, array_agg(record_id) as record_ids from written group by tenant_id',
            known.object, owner, team, known.label_column,
            case
                when searched.sublabel_column is null then 'null::text'
                else format('left(record.%I::text, 500)', searched.sublabel_column)
            end,
            searched.number, contents, coalesce(kept_lexemes, '')
        ),
        difference = (
            select string_agg(
                format('old_records.%1$I is distinct from new_records.%1$I', name), ' or '
            )
            from unnest(columns) as name
        )
    where search_objects.object = prepare_search.object;
end
$$;

comment on function core.prepare_search(text) is
'Writes down the query that makes documents of an object''s records, after its fields or those that
roles can be kept from have changed. Owner only.';

create function core.refresh_documents(object text, tenant_id uuid, record_ids uuid[])
returns uuid[]
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    searched core.search_objects;
    locked uuid[];
    written_tenant uuid;
    written_ids uuid[];
begin
    select * into strict searched from core.search_objects
    where search_objects.object = refresh_documents.object;
    execute format(
        'select array_agg(locked.id) from (select records.id from %s as records '
        'where records.tenant_id = $1 and records.id = any($2) order by records.id '
        'for no key update skip locked) as locked', known.relation
    )
    into locked
    using refresh_documents.tenant_id, record_ids;
    for written_tenant, written_ids in execute replace(
        replace(searched.query, '@linked', 'true'), '@source', format(
            '(select * from %s as records where records.tenant_id = $1 and records.id = any($2))',
            known.relation
        )
    )
    using refresh_documents.tenant_id, locked
    loop
        perform core.learn_search_words(written_tenant, object, written_ids);
    end loop;
    return coalesce(locked, '{}');
end
$$;

comment on function core.refresh_documents(text, uuid, uuid[]) is
'Writes the documents of these records again, but of those that others are just changing; returns of
which it did. Internal.';

create function core.refresh_search_in_job(job core.jobs) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    step constant integer := 1000;
    object constant text := job.arguments ->> 'object';
    field constant text := job.arguments ->> 'field';
    relation constant text := (core.object_named(object)).relation;
    cursor_id constant uuid := job.state ->> 'after';
    skipped uuid[] := array(
        select value::uuid from jsonb_array_elements_text(job.state -> 'skipped')
    );
    done bigint := coalesce((job.state ->> 'done')::bigint, 0);
    asked uuid[];
    refreshed uuid[];
    is_last boolean;
begin
    if job.state ->> 'at_end' is null then
        execute format(
            'select array_agg(page.id) from (select records.id from %s as records '
            'where records.tenant_id = $1 and coalesce(records.id > $2, true) %s '
            'order by records.id limit $4) as page',
            relation,
            case when field is not null then format('and records.%I = $3', field) else '' end
        )
        into asked
        using job.tenant_id, cursor_id, (job.arguments ->> 'record_id')::uuid, step;
        is_last := coalesce(cardinality(asked), 0) < step;
    else
        asked := skipped;
        skipped := '{}';
        is_last := true;
    end if;
    if asked is not null then
        refreshed := core.refresh_documents(object, job.tenant_id, asked);
        done := done + cardinality(refreshed);
        skipped := skipped || array(
            select id from unnest(asked) as id
            where id <> all(refreshed)
        );
    end if;
    if is_last and field is null and cardinality(skipped) = 0 then
        -- What is gone since, and what triggers have not seen go.
        execute format(
            'delete from core.search_documents as documents '
            'where documents.tenant_id = $1 and documents.object = $2 and not exists '
            '(select from %s as records where records.tenant_id = $1 '
            'and records.id = documents.record_id)', relation
        )
        using job.tenant_id, object;
    end if;
    return jsonb_build_object(
        'done', is_last and cardinality(skipped) = 0,
        'state', jsonb_build_object(
            'after', asked[cardinality(asked)], 'done', done, 'skipped', to_jsonb(skipped)
        ) || case when is_last then '{"at_end": true}' else '{}'::jsonb end,
        'progress', jsonb_build_object('done', done, 'text', object),
        'result', jsonb_build_object('documents', done)
    );
end
$$;

comment on function core.refresh_search_in_job(core.jobs) is
'The task core.refresh_search: writes the documents of a tenant''s records of an object again, of
all or of those with a field of one value. What others are changing at the time it comes back to:
a job that waited with locks could be waited for. Internal.';

insert into core.job_tasks (
    task, function_schema, function_name, description, step_time_limit, is_open
) values (
    'core.refresh_search', 'core', 'refresh_search_in_job',
    'Write down again by which words records are found.', '1 minute', false
);

create function core.refresh_search(object text, tenant_id uuid default null) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenant uuid;
    jobs integer := 0;
begin
    for tenant in
        select tenants.id
        from core.tenants
        where coalesce(tenants.id = refresh_search.tenant_id, true)
    loop
        perform core.enqueue_job(
            tenant, 'core.refresh_search',
            jsonb_build_object('object', (core.object_named(object)).object), object
        );
        jobs := jobs + 1;
    end loop;
    return jobs;
end
$$;

comment on function core.refresh_search(text, uuid) is
'Has the documents of an object''s records written again by jobs, of one tenant or of all: after a
table that had rows was declared, or a declaration was changed; returns how many jobs. Definer,
because it works for every tenant; service_role may call it.';

create function core.track_related() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    object constant text := tg_argv[0];
    field constant text := tg_argv[1];
    label_column constant text := tg_argv[2];
    renamed record;
    is_known boolean;
begin
    for renamed in execute format(
        'select new_records.tenant_id, new_records.id from new_records inner join old_records '
        'on old_records.tenant_id = new_records.tenant_id and old_records.id = new_records.id '
        'where old_records.%1$I is distinct from new_records.%1$I', label_column
    ) loop
        execute format(
            'select exists (select from %s as records where tenant_id = $1 and %I = $2)',
            (core.object_named(object)).relation, field
        )
        into is_known
        using renamed.tenant_id, renamed.id;
        if is_known then
            perform core.enqueue_job(
                renamed.tenant_id, 'core.refresh_search',
                jsonb_build_object('object', object, 'field', field, 'record_id', renamed.id)
            );
        end if;
    end loop;
    return null;
end
$$;

comment on function core.track_related() is
'Trigger for statements on records whose labels stand in documents of others: has these written
again by a job. Arguments: the object of the others, its field, the label''s column. Definer,
because the others may be hidden from who renames.';

create function core.track_linked() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    object constant text := tg_argv[0];
    relation constant text := (core.object_named(object)).relation;
    changed record;
    locked uuid[];
begin
    for changed in execute format(
        'select tenant_id, array_agg(distinct record_id) as record_ids from (%s) as linked '
        'where object = $1 group by tenant_id',
        case tg_op
            when 'INSERT' then 'select tenant_id, record_id, object from new_records'
            when 'DELETE' then 'select tenant_id, record_id, object from old_records'
            else 'select tenant_id, record_id, object from new_records '
                'union all select tenant_id, record_id, object from old_records'
        end
    )
    using object loop
        -- Its record's lock is what orders those who write a document.
        execute format(
            'select array_agg(id) from (select id from %s where tenant_id = $1 and id = any($2) '
            'order by id for no key update) as records', relation
        )
        into locked
        using changed.tenant_id, changed.record_ids;
        if locked is not null then
            perform core.refresh_documents(object, changed.tenant_id, locked);
        end if;
    end loop;
    return null;
end
$$;

comment on function core.track_linked() is
'Trigger for statements on rows that hang on records, and whose words find them. Argument: the
object. Definer, because nobody writes documents but by their records.';

create function core.search_object(
    object text, fields jsonb, sublabel_column text default null
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    verb record;
    watched record;
begin
    insert into core.search_objects (object, sublabel_column)
    values (search_object.object, search_object.sublabel_column)
    on conflict on constraint search_objects_pkey
    do update set sublabel_column = excluded.sublabel_column;
    delete from core.search_fields where search_fields.object = search_object.object;
    insert into core.search_fields (object, field, weight, is_phone)
    select
        search_object.object,
        declared.key,
        left(declared.value, 1),
        declared.value like '_ phone'
    from jsonb_each_text(search_object.fields) as declared;
    perform core.prepare_search(object);
    for verb in
        select *
        from (
            values
            ('insert', 'new table as new_records'),
            ('update', 'old table as old_records new table as new_records'),
            ('delete', 'old table as old_records')
        ) as verbs (name, tables)
    loop
        execute format(
            'create or replace trigger search_%s after %1$s on %s referencing %s '
            'for each statement execute function core.track_search(%L)',
            verb.name, known.relation, verb.tables, object
        );
        for watched in
            select distinct
                parts.path[1] || '.' || parts.path[2] as relation
            from core.search_fields as searched
            cross join lateral (values (string_to_array(searched.field, '.'))) as parts (path)
            where searched.object = search_object.object and cardinality(parts.path) = 3
        loop
            execute format(
                'create or replace trigger %I after %s on %s referencing %s '
                'for each statement execute function core.track_linked(%L)',
                format('search_%s_of_%s', verb.name, known.singular),
                verb.name, watched.relation, verb.tables, object
            );
        end loop;
    end loop;
    for watched in
        select
            related.relation,
            related.label_column,
            searched.field
        from core.search_fields as searched
        inner join pg_attribute as attributes
            on
                attributes.attrelid = known.relation::regclass
                and attributes.attname = searched.field
        inner join pg_constraint as keys
            on
                keys.conrelid = attributes.attrelid
                and keys.contype = 'f'
                and keys.conkey[2] = attributes.attnum
        inner join core.objects as related on related.relation::regclass = keys.confrelid
        where searched.object = search_object.object
    loop
        execute format(
            'create or replace trigger %I after update on %s '
            'referencing old table as old_records new table as new_records '
            'for each statement execute function core.track_related(%L, %L, %L)',
            format('search_%s_by_%s', known.singular, watched.field),
            watched.relation, object, watched.field, watched.label_column
        );
    end loop;
end
$$;

comment on function core.search_object(text, jsonb, text) is
'Has the records of an object found by search. fields: what is searched with its weight, {"name":
"A", "email": "B", "phone": "B phone", "company_id": "C", "crm.contact_points.value": "B phone",
"custom": "D"}: columns, ids of other records for their labels, and schema.table.column of rows
that hang on the record. sublabel_column: what tells records of one label apart. The table is
registered by core.register_object. Where it has rows already, core.refresh_search comes next. For
migrations. Owner only.';

create function core.follow_guarded_fields() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    concerned text;
begin
    for concerned in
        select distinct searched.object
        from changed_fields
        inner join core.search_fields as searched
            on
                searched.object = changed_fields.object
                and (
                    searched.field = changed_fields.field
                    or (searched.field = 'custom' and changed_fields.field like 'custom.%')
                )
    loop
        perform core.prepare_search(concerned);
        perform core.refresh_search(concerned);
    end loop;
    return null;
end
$$;

comment on function core.follow_guarded_fields() is
'Trigger for statements: once roles can be kept from a field, its words stand in documents by
themselves.';

create trigger search_follows_insert after insert on core.fields
referencing new table as changed_fields
for each statement execute function core.follow_guarded_fields();
create trigger search_follows_delete after delete on core.fields
referencing old table as changed_fields
for each statement execute function core.follow_guarded_fields();

revoke all on function
core.search_fold(text),
core.search_phone(text),
core.search_document(text, text[], text[]),
core.search_lexemes(text, text),
core.search_prefix(uuid),
core.search_holder(text, uuid),
core.search_typo_keys(text, text),
core.learn_search_words(uuid, text, uuid[]),
core.learn_search(interval),
core.forget_search_words(uuid, bigint, integer),
core.forget_search_in_job(core.jobs),
core.track_search(),
core.search_expression(core.objects, core.search_fields),
core.prepare_search(text),
core.refresh_documents(text, uuid, uuid[]),
core.refresh_search_in_job(core.jobs),
core.refresh_search(text, uuid),
core.track_related(),
core.track_linked(),
core.search_object(text, jsonb, text),
core.follow_guarded_fields()
from public;
grant execute on function
core.learn_search(interval), core.refresh_search(text, uuid)
to service_role;

-- What is searched --------------------------------------------------------------------------------

select
    core.search_object(
        'crm.companies',
        '{
            "name": "A", "domain": "B", "email": "B", "phone": "B phone", "external_id": "B",
            "vat_number": "B", "industry": "C", "description": "D", "custom": "D",
            "crm.contact_points.value": "B phone", "crm.contact_points.city": "C"
        }',
        'domain'
    ),
    core.search_object(
        'crm.contacts',
        '{
            "name": "A", "email": "B", "phone": "B phone", "external_id": "B", "job_title": "C",
            "company_id": "C", "description": "D", "custom": "D",
            "crm.contact_points.value": "B phone", "crm.contact_points.city": "C"
        }',
        'email'
    ),
    core.search_object(
        'crm.leads',
        '{
            "name": "A", "email": "B", "phone": "B phone", "external_id": "B", "company_name": "C",
            "job_title": "C", "city": "C", "interest": "D", "description": "D", "custom": "D"
        }',
        'company_name'
    ),
    core.search_object(
        'crm.deals',
        '{
            "name": "A", "external_id": "B", "company_id": "C", "contact_id": "C",
            "description": "D", "custom": "D"
        }'
    ),
    core.search_object(
        'crm.products', '{"name": "A", "code": "B", "description": "D", "custom": "D"}', 'code'
    ),
    core.search_object(
        'crm.activities',
        '{"subject": "A", "external_id": "B", "body": "D", "outcome": "D", "custom": "D"}'
    );
