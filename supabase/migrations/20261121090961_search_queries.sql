-- Search: from what somebody types to the records meant.
--
-- A question becomes some queries of the index, the best kind of match first: the label itself, all
-- words in the label, anywhere, the last one as a prefix, and words that differ by a typo. The next
-- is asked only if those before have found too little, so that a name typed in full costs one look,
-- and no match of a lesser kind stands before one of a better. What the caller may not read is left
-- out inside the index, by the words that say whose a record is, and compared once more with the
-- columns of what was found. The vocabulary is asked for words, and answers nobody: a word that
-- only hidden records have finds nothing.

set local lock_timeout = '5s';

insert into core.errors (code, status, message, hint) values
(
    'search.query_too_long', 400, 'A search is of at most {characters_max} characters.',
    'Search for the words that matter.'
),
(
    'search.object_unknown', 400, 'There is nothing to search in {object}.',
    'v1.search_fields has the objects that are searched.'
),
(
    'search.page_invalid', 400,
    'A page of results is 1 to {limit_max} long, and begins at {offset_max} at most.',
    'Search for more words instead of paging on.'
);

create function core.read_search(query text, with_numbers boolean) returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    terms_max constant integer := 12;
    number_mark constant text := E'\u001f';
    run constant text :=
        '(^|[^[:alnum:]+])(\+?\(?[0-9][0-9 ()/.-]{4,}[0-9])(?![[:alnum:]])';
    plain constant text := translate(query, number_mark, ' ');
    numbers text[] := case
        when with_numbers then array(
            select found_run[2] from regexp_matches(plain, run, 'g') as found_run
        )
        else '{}'
    end;
    word text;
    terms text[] := '{}';
    forms text;
    position_of integer := 0;
begin
    foreach word in array string_to_array(
        core.search_fold(
            case
                when numbers <> '{}'
                    then regexp_replace(plain, run, '\1 ' || number_mark || ' ', 'g')
                else plain
            end
        ), ' '
    ) loop
        if word = number_mark then
            position_of := position_of + 1;
            word := numbers[position_of];
            forms := core.search_phone(word);
            if word ~ '^[0-9]+$' then
                forms := concat_ws(' ', word, forms);
            end if;
            word := coalesce(forms, '');
        end if;
        if word <> '' and word <> all(terms) then
            terms := terms || word;
        end if;
        exit when cardinality(terms) = terms_max;
    end loop;
    return terms;
end
$$;

comment on function core.read_search(text, boolean) is
'What is asked for: a term for each word, folded; of a number with the forms it may stand in, with
spaces between. with_numbers: whether what looks like one number, such as 0151 234 5678, is one.
Twelve terms at most. Internal.';

create function core.search_places(
    prefix text, term text, places text[], ending text default ''
)
returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    separator constant text := '''' || ending || ' | ''' || prefix;
    form text;
    wanted text;
begin
    foreach form in array string_to_array(term, ' ') loop
        wanted := coalesce(wanted || separator, '') || array_to_string(places, form || separator)
            || form;
    end loop;
    return '(''' || prefix || wanted || '''' || ending || ')';
end
$$;

comment on function core.search_places(text, text, text[], text) is
'A term in any of these places, as a tsquery of the index. Terms are words of letters and digits.
Internal.';

create function core.mend_search(tenant_id uuid, term text, edits integer) returns text[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    -- The nearest are meant; more would find what nobody looks for.
    words_max constant integer := 12;
    prefix constant text := core.search_prefix(mend_search.tenant_id);
    all_keys constant integer[] := core.search_typo_keys(prefix, term);
    keys_of_one_edit constant integer[] := all_keys[: char_length(term) + 1];
    -- A letter more or less before them moves those in the middle.
    asked constant integer[] := case
        when edits > 1 then all_keys || array[
            hashtext(prefix || '=' || substr(term, 4, 4)),
            hashtext(prefix || '=' || substr(term, 6, 4))
        ]
        else keys_of_one_edit
    end;
begin
    return array(
        select near.word
        from (
            select distinct
                words.word,
                case
                    when words.keys && keys_of_one_edit then 1
                    else 2
                end as edits
            from core.search_words as words
            where
                words.keys && asked
                and (words.tenant_id = mend_search.tenant_id) is true
                and words.word <> mend_search.term
                and (
                    extensions.levenshtein_less_equal(words.word, mend_search.term, 2) <= 2
                    -- Two letters in each other's place are one edit, and two for the function.
                    or mend_search.edits > 1
                    and extensions.levenshtein_less_equal(words.word, mend_search.term, 3) = 3
                    and exists (
                        select from generate_series(1, char_length(mend_search.term) - 1) as place
                        where
                            extensions.levenshtein_less_equal(
                                words.word,
                                left(mend_search.term, place - 1)
                                || substr(mend_search.term, place + 1, 1)
                                || substr(mend_search.term, place, 1)
                                || substr(mend_search.term, place + 2), 1
                            ) <= 1
                    )
                )
        ) as near
        where near.edits = mend_search.edits
        order by
            left(near.word, 1) = left(mend_search.term, 1) desc,
            abs(char_length(near.word) - char_length(mend_search.term)),
            near.word
        limit words_max
    );
end
$$;

comment on function core.mend_search(uuid, text, integer) is
'The words of a tenant''s vocabulary that differ from a term by so many edits, one or two: a letter
more, less or other, or two in each other''s place. Internal.';

create type core.search_reach as (
    tenant_id uuid,
    whole text array,
    by_team text array,
    own text array,
    team_ids uuid array,
    marks text,
    guarded text array
);

comment on type core.search_reach is
'What of a tenant a caller may find: objects of which all, of which those of own teams, of which own
records; the teams; the same as a tsquery, null for everything; the guarded fields that the caller
may ask for, as they stand in documents.';

create type core.search_hit as (
    tenant_id uuid,
    object text,
    record_id uuid,
    label text,
    sublabel text,
    changed_at timestamptz,
    rank real,
    matched text array
);

comment on type core.search_hit is 'A record that was found.';

create function core.search_reaches(objects text[]) returns setof core.search_reach
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    tenants_max constant integer := 20;
    caller_id constant uuid := core.caller_id();
    searched record;
    whole uuid[];
    by_team uuid[];
    own uuid[];
    team_ids uuid[];
    tenant uuid;
    tenants uuid[] := '{}';
    place integer;
    reaches core.search_reach[] := '{}';
    reach core.search_reach;
    mark text;
    guarded record;
    wholes integer := 0;
begin
    for searched in select known.* from core.search_objects as known loop
        wholes := wholes + 1;
        continue when searched.object <> all(search_reaches.objects);
        own := core.tenants_with(searched.object || '.read', 'own');
        whole := core.tenants_with(searched.object || '.read');
        by_team := '{}';
        team_ids := '{}';
        if not whole @> own then
            by_team := core.tenants_with(searched.object || '.read', 'team');
            team_ids := core.teams_with(searched.object || '.read');
        end if;
        foreach tenant in array own loop
            place := array_position(tenants, tenant);
            if place is null then
                tenants := tenants || tenant;
                place := cardinality(tenants);
                if place > tenants_max then
                    perform core.fail(
                        'tenancy.ambiguous', jsonb_build_object('count', cardinality(own))
                    );
                end if;
                reaches[place] := row(tenant, '{}', '{}', '{}', '{}', null, '{}');
            end if;
            reach := reaches[place];
            mark := format('%s@%s', core.search_prefix(tenant), searched.number);
            if tenant = any(whole) then
                reach.whole := reach.whole || searched.object;
                reach.marks := concat_ws(' | ', reach.marks, quote_literal(mark));
            else
                reach.own := reach.own || searched.object;
                reach.marks := concat_ws(
                    ' | ', reach.marks, quote_literal(mark || core.search_holder('o', caller_id))
                );
                if tenant = any(by_team) then
                    reach.by_team := reach.by_team || searched.object;
                    reach.team_ids := reach.team_ids || team_ids;
                    reach.marks := concat_ws(
                        ' | ', reach.marks, (
                            select string_agg(
                                quote_literal(mark || core.search_holder('t', team_id)), ' | '
                            )
                            from unnest(team_ids) as team_id
                        )
                    );
                end if;
            end if;
            reaches[place] := reach;
        end loop;
    end loop;
    foreach reach in array reaches loop
        -- Whoever may find everything is asked of nothing.
        reach.marks := case
            when cardinality(reach.whole) < wholes then '(' || reach.marks || ')'
        end;
        for guarded in
            select
                fields.weight || '#' || known.number || '.' || fields.field || '#' as mark,
                fields.object,
                fields.field
            from core.search_fields as fields
            inner join core.search_objects as known on known.object = fields.object
            inner join core.fields as guarded_fields
                on
                    guarded_fields.object = fields.object
                    and guarded_fields.field = fields.field
        loop
            if
                reach.tenant_id
                = any(core.tenants_with(guarded.object || '.read', 'own', guarded.field))
            then
                reach.guarded := reach.guarded || guarded.mark;
            end if;
        end loop;
        return next reach;
    end loop;
end
$$;

comment on function core.search_reaches(text[]) is
'What the caller may find, by tenant; of these objects, or of all. Raises tenancy.ambiguous (400)
for who belongs to more than 20 tenants and names none. Definer, because it asks for teams and
fields. Internal.';


create function core.look_up_search(
    reach core.search_reach,
    indexed tsquery,
    queries tsquery[],
    ranks real[],
    excluded uuid[],
    count_max integer,
    looked_at_max integer,
    out hits core.search_hit[],
    out is_complete boolean
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
as $$
declare
    caller_id constant uuid := core.caller_id();
begin
    -- Only the index of words is good for what is indexed, and nothing for what ranks.
    with met as materialized (
        select
            documents.tenant_id,
            documents.object,
            documents.record_id,
            documents.label,
            documents.sublabel,
            documents.changed_at,
            case
                when documents.document @@ queries[1] then ranks[1]
                when documents.document @@ queries[2] then ranks[2]
                when documents.document @@ queries[3] then ranks[3]
                when documents.document @@ queries[4] then ranks[4]
            end as rank
        from core.search_documents as documents
        where
            documents.document @@ indexed
            and (documents.tenant_id = (reach).tenant_id) is true
            and (
                documents.object = any((reach).whole)
                or (documents.object = any((reach).own) and documents.owner_id = caller_id)
                or (
                    documents.object = any((reach).by_team)
                    and documents.team_id = any((reach).team_ids)
                )
            )
        limit looked_at_max
    ),
    best as (
        select met.*
        from met
        where met.rank is not null and met.record_id <> all(excluded)
        order by met.rank desc, met.changed_at desc, met.record_id
        limit count_max
    )
    select
        array(
            select
                row(
                    best.tenant_id, best.object, best.record_id, best.label, best.sublabel,
                    best.changed_at, best.rank, null
                )::core.search_hit
            from best
        ),
        (select count(*) < looked_at_max from met)
    into hits, is_complete;
end
$$;

comment on function core.look_up_search(
    core.search_reach, tsquery, tsquery[], real[], uuid[], integer, integer
) is
'The best documents, so many at most, among those with what is indexed: one that a query finds has
the rank of the first that does. is_complete: whether all with what is indexed were looked at; no
more than so many are. Internal.';

create function core.look_through_search(
    reach core.search_reach,
    wanted tsquery,
    queries tsquery[],
    ranks real[],
    excluded uuid[],
    count_max integer,
    depth integer
)
returns core.search_hit[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_generic_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
    caller_id constant uuid := core.caller_id();
begin
    return array(
        select
            row(
                latest.tenant_id, latest.object, latest.record_id, latest.label, latest.sublabel,
                latest.changed_at, case
                    when latest.document @@ queries[1] then ranks[1]
                    when latest.document @@ queries[2] then ranks[2]
                    when latest.document @@ queries[3] then ranks[3]
                    when latest.document @@ queries[4] then ranks[4]
                end, null
            )::core.search_hit
        from (
            select documents.*
            from core.search_documents as documents
            where documents.tenant_id = (reach).tenant_id
            order by documents.changed_at desc
            limit depth
        ) as latest
        where
            latest.document @@ wanted
            and latest.record_id <> all(excluded)
            and (
                latest.object = any((reach).whole)
                or (latest.object = any((reach).own) and latest.owner_id = caller_id)
                or (
                    latest.object = any((reach).by_team)
                    and latest.team_id = any((reach).team_ids)
                )
            )
        limit count_max
    );
end
$$;

comment on function core.look_through_search(
    core.search_reach, tsquery, tsquery[], real[], uuid[], integer, integer
) is
'Documents with what is wanted among the tenant''s latest, the latest first: for what so many have
that the next ones met will do. Ranks as in core.look_up_search. Internal.';

create function core.search_all_of(prefix text, terms text[], places text[]) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
declare
    term text;
    wanted text;
begin
    foreach term in array terms loop
        wanted := coalesce(wanted || ' & ', '') || core.search_places(prefix, term, places);
    end loop;
    return wanted;
end
$$;

comment on function core.search_all_of(text, text[], text[]) is
'All terms in any of these places, as a tsquery of the index; null without terms. Internal.';

create function core.search_begin(prefix text, term text) returns text
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    -- Many words have the same first letters, which stand in documents for this.
    return case
        when char_length(split_part(term, ' ', 1)) <= 3
            then core.search_places(prefix, term, array['P'])
        else core.search_places(prefix, term, array['A'], ':*')
    end;
end
$$;

comment on function core.search_begin(text, text) is
'A term as the beginning of a word of the label, as a tsquery of the index. Internal.';

create type core.search_stage as (
    indexed text,
    queries text array,
    ranks real array
);

comment on type core.search_stage is
'Queries of the index, each of which finds what those before it do and more, with the rank of what
it is the first to find. indexed: a part of all that may be rare by itself; null for none.';

create function core.plan_search(reach core.search_reach, terms text[], stage integer)
returns setof core.search_stage
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    prefix constant text := core.search_prefix((reach).tenant_id);
    label_places constant text[] := array['A'];
    near_places constant text[] := array['A', 'B'];
    all_places constant text[] := array['A', 'B', 'C', 'D'] || (reach).guarded;
    last_term constant text := terms[cardinality(terms)];
    before constant text[] := terms[: cardinality(terms) - 1];
    typos text;
begin
    case stage
        when 1 then
            return next row(
                null,
                array[
                    quote_literal(prefix || '=' || array_to_string(terms, ' ')),
                    core.search_all_of(prefix, terms, label_places),
                    core.search_all_of(prefix, terms, near_places),
                    core.search_all_of(prefix, terms, all_places)
                ],
                array[1, 0.9, 0.8, 0.7]
            )::core.search_stage;
        when 2 then
            return next row(
                core.search_all_of(prefix, before, all_places),
                array[
                    concat_ws(
                        ' & ', core.search_all_of(prefix, before, near_places),
                        core.search_begin(prefix, last_term)
                    ),
                    concat_ws(
                        ' & ', core.search_all_of(prefix, before, all_places),
                        core.search_begin(prefix, last_term)
                    )
                ],
                array[0.6, 0.5]
            )::core.search_stage;
        when 3 then
            return next row(
                core.search_all_of(prefix, before, all_places),
                array[
                    concat_ws(
                        ' & ', core.search_all_of(prefix, before, all_places),
                        core.search_places(prefix, last_term, all_places, ':*')
                    )
                ],
                array[0.4]
            )::core.search_stage;
        else
            typos := core.search_typos(reach, terms, stage - 3);
            if typos is not null then
                return next row(null, array[typos], array[0.2 / (stage - 3)])::core.search_stage;
            end if;
    end case;
end
$$;

comment on function core.plan_search(core.search_reach, text[], integer) is
'What is asked of the index, stage by stage: 1 for the terms as they are, as the label, in it, in
names and numbers, anywhere; 2 for the last as a prefix in the label, 3 anywhere; 4 for one typo a
term, 5 for two. Nothing where a stage has nothing to ask. Internal.';

create function core.search_typos(reach core.search_reach, terms text[], edits integer)
returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    mended_characters_min constant integer := 4;
    far_characters_min constant integer := 7;
    prefix constant text := core.search_prefix((reach).tenant_id);
    places constant text[] := array['A', 'B', 'C', 'D'];
    term text;
    forms text[];
    is_mended boolean := false;
    one text;
    wanted text;
    place integer := 0;
begin
    foreach term in array terms loop
        place := place + 1;
        one := core.search_places(prefix, term, places || (reach).guarded);
        if place = cardinality(terms) then
            one := one || ' | ' || core.search_begin(prefix, term);
        end if;
        if char_length(term) >= mended_characters_min and term ~ '^[[:alpha:]]+$' then
            forms := core.mend_search((reach).tenant_id, term, 1);
            if edits > 1 and char_length(term) >= far_characters_min then
                forms := forms || core.mend_search((reach).tenant_id, term, 2);
            end if;
            if forms <> '{}' then
                is_mended := true;
                one := one || ' | '
                    || core.search_places(prefix, array_to_string(forms, ' '), places);
            end if;
        end if;
        wanted := coalesce(wanted || ' & ', '') || '(' || one || ')';
    end loop;
    return case when is_mended then wanted end;
end
$$;

comment on function core.search_typos(core.search_reach, text[], integer) is
'The query that finds terms of four letters and more with a typo, and those of seven with two; null
where no word is near. Internal.';

create function core.count_documents(documents tsvector[], wanted tsquery) returns integer
language plpgsql immutable parallel safe set search_path = pg_catalog, pg_temp
as $$
begin
    return (select count(*) from unnest(documents) as document where document @@ wanted);
end
$$;

comment on function core.count_documents(tsvector[], tsquery) is
'How many of these documents have what is wanted. Internal.';

create function core.best_hits(hits core.search_hit[], count_max integer)
returns core.search_hit[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return array(
        select known.hit
        from (
            select distinct on (given.record_id) given as hit
            from unnest(hits) as given
        ) as known
        order by (known.hit).rank desc, (known.hit).changed_at desc, (known.hit).record_id
        limit count_max
    );
end
$$;

comment on function core.best_hits(core.search_hit[], integer) is
'The best of these and then the latest, so many, each record once. Internal.';

create function core.search_stage_hits(
    reach core.search_reach,
    stage core.search_stage,
    latest tsvector[],
    excluded uuid[],
    missing integer
)
returns core.search_hit[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    -- A document takes 7 µs by the index of words and 0.7 µs among the latest: what one in some
    -- hundred has is sooner met than looked up.
    looked_at_max constant integer := greatest(400, missing * 2);
    frequent_in_sample constant integer := 4;
    depth_max constant integer := 10000;
    marks constant text := coalesce(' & ' || (reach).marks, '');
    ranks constant real[] := (stage).ranks;
    widest constant integer := cardinality(ranks);
    queries tsquery[];
    indexed tsquery := ((stage).indexed || marks)::tsquery;
    hits core.search_hit[] := '{}';
    more core.search_hit[];
    is_complete boolean := false;
    found_ids uuid[] := excluded;
begin
    queries := array(
        select (query || marks)::tsquery
        from unnest((stage).queries) with ordinality as listed (query, place)
        order by listed.place
    );
    if
        indexed is not null
        and core.count_documents(latest, indexed) < frequent_in_sample
    then
        select looked.hits, looked.is_complete
        into hits, is_complete
        from core.look_up_search(
            reach, indexed, queries, ranks, excluded, missing, looked_at_max
        ) as looked;
        if is_complete then
            return hits;
        end if;
    end if;
    if core.count_documents(latest, queries[widest]) < frequent_in_sample then
        select looked.hits, looked.is_complete
        into hits, is_complete
        from core.look_up_search(
            reach, queries[widest], queries, ranks, excluded, missing, looked_at_max
        ) as looked;
        if is_complete then
            return hits;
        end if;
    end if;
    -- So many have it that what is best is asked for by itself, and what is latest of the rest.
    for place in 1..widest - 1 loop
        exit when
            (stage).indexed is not null
            or cardinality(found_ids) - cardinality(excluded) >= missing;
        continue when ranks[place] = 0.8;
        more := '{}';
        if core.count_documents(latest, queries[place]) < frequent_in_sample then
            select looked.hits, looked.is_complete
            into more, is_complete
            from core.look_up_search(
                reach, queries[place], array[queries[place]], array[ranks[place]],
                found_ids, missing, looked_at_max
            ) as looked;
        else
            is_complete := false;
        end if;
        if not is_complete then
            more := core.look_through_search(
                reach, queries[place], array[queries[place]], array[ranks[place]],
                found_ids, missing, depth_max
            ) || more;
        end if;
        hits := more || hits;
        found_ids := excluded || array(
            select found.record_id
            from unnest(hits) as found
            where found.rank >= ranks[place]
        );
    end loop;
    if cardinality(found_ids) - cardinality(excluded) < missing then
        hits := core.look_through_search(
            reach, queries[widest], queries, ranks, found_ids, missing, depth_max
        ) || hits;
    end if;
    if hits = '{}' then
        select looked.hits
        into hits
        from core.look_up_search(
            reach, queries[widest], queries, ranks, excluded, missing, looked_at_max
        ) as looked;
    end if;
    return core.best_hits(hits, missing);
end
$$;

comment on function core.search_stage_hits(
    core.search_reach, core.search_stage, tsvector[], uuid[], integer
) is
'What a stage finds, so many at most. latest: some documents by which to tell what is frequent.
Internal.';

create function core.search_tenant(reach core.search_reach, terms text[], needed integer)
returns core.search_hit[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    -- Where so many are found, nobody looks for what was not typed.
    enough constant integer := 5;
    sample constant integer := 200;
    latest constant tsvector[] := array(
        select documents.document
        from core.search_documents as documents
        where documents.tenant_id = (reach).tenant_id
        order by documents.changed_at desc
        limit sample
    );
    asked core.search_stage;
    hits core.search_hit[] := '{}';
begin
    for stage in 1..5 loop
        exit when
            cardinality(hits) >= case when stage > 2 then least(enough, needed) else needed end;
        for asked in select planned.* from core.plan_search(reach, terms, stage) as planned loop
            hits := hits || core.search_stage_hits(
                reach, asked, latest, array(select hit.record_id from unnest(hits) as hit),
                needed - cardinality(hits)
            );
        end loop;
    end loop;
    return hits;
end
$$;

comment on function core.search_tenant(core.search_reach, text[], integer) is
'The records of a tenant that the terms find, so many, the best and then the latest first.
Internal.';

create function core.words_matched(document tsvector, terms text[], rank real) returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    forms constant text[] := string_to_array(array_to_string(terms, ' '), ' ');
    last_forms constant text[] := string_to_array(terms[cardinality(terms)], ' ');
    has_typos constant boolean := rank < 0.3;
begin
    return array(
        select distinct words.word
        from unnest(tsvector_to_array(document)) as lexeme
        cross join lateral (values (substr(lexeme, 8))) as words (word)
        where
            substr(lexeme, 7, 1) in ('A', 'B', 'C', 'D')
            and (
                words.word = any(forms)
                or exists (
                    select from unnest(last_forms) as form where starts_with(words.word, form)
                )
                or (
                    has_typos
                    and exists (
                        select from unnest(forms) as form
                        where
                            char_length(form) > 3
                            and char_length(words.word) between 3 and 24
                            and extensions.levenshtein_less_equal(words.word, form, 2) <= 2
                    )
                )
            )
        order by words.word
    );
end
$$;

comment on function core.words_matched(tsvector, text[], real) is
'The words of a document that terms found, folded, for whoever marks them. Internal.';

create function core.search_shows(tenant_id uuid, object text, field text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return not exists (
        select from core.fields
        where fields.object = search_shows.object and fields.field = search_shows.field
    )
    or search_shows.tenant_id = any(core.tenants_with(object || '.read', 'own', field));
end
$$;

comment on function core.search_shows(uuid, text, text) is
'Whether no role that the caller holds in a tenant keeps a field of an object from them. Internal.';

create function core.search(
    query text,
    objects text[] default null,
    "limit" integer default 20,
    "offset" integer default 0
)
returns setof core.search_hit
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    characters_max constant integer := 500;
    limit_max constant integer := 100;
    offset_max constant integer := 1000;
    needed integer;
    unknown text;
    terms text[];
    reaches core.search_reach[];
    reach core.search_reach;
    hits core.search_hit[] := '{}';
begin
    if char_length(query) > characters_max then
        perform core.fail(
            'search.query_too_long', jsonb_build_object('characters_max', characters_max)
        );
    elsif
        coalesce("limit" not between 1 and limit_max, true)
        or coalesce("offset" not between 0 and offset_max, true)
    then
        perform core.fail(
            'search.page_invalid',
            jsonb_build_object('limit_max', limit_max, 'offset_max', offset_max)
        );
    end if;
    select asked into unknown
    from unnest(search.objects) as asked
    where not exists (
        select from core.search_objects as known where known.object = asked
    )
    limit 1;
    if found then
        perform core.fail(
            'search.object_unknown',
            jsonb_build_object('object', left(coalesce(unknown, 'null'), 100))
        );
    end if;
    needed := "limit" + "offset";
    terms := core.read_search(search.query, true);
    if coalesce(terms, '{}') = '{}' then
        return;
    end if;
    reaches := array(select known from core.search_reaches(search.objects) as known);
    -- What looks like one number may be several; that is tried where the number is nobody's.
    for attempt in 1..2 loop
        foreach reach in array reaches loop
            hits := hits || core.search_tenant(reach, terms, needed);
        end loop;
        exit when hits <> '{}' or terms = core.read_search(search.query, false);
        terms := core.read_search(search.query, false);
    end loop;
    return query
    select
        page.tenant_id,
        page.object,
        page.record_id,
        case
            when shown.label_is_shown then page.label
        end as label,
        case
            when shown.sublabel_is_shown then page.sublabel
        end as sublabel,
        page.changed_at,
        page.rank,
        core.words_matched(documents.document, terms, page.rank) as matched
    from (
        select hit.*
        from unnest(hits) as hit
        order by hit.rank desc, hit.changed_at desc, hit.record_id
        limit search."limit" offset search."offset"
    ) as page
    inner join core.objects as known on known.object = page.object
    inner join core.search_objects as searched on searched.object = page.object
    inner join core.search_documents as documents
        on
            documents.tenant_id = page.tenant_id
            and documents.record_id = page.record_id
            and documents.object = page.object
    cross join lateral (
        select
            core.search_shows(page.tenant_id, page.object, known.label_column) as label_is_shown,
            core.search_shows(page.tenant_id, page.object, searched.sublabel_column)
                as sublabel_is_shown
    ) as shown
    order by page.rank desc, page.changed_at desc, page.record_id;
end
$$;

comment on function core.search(text, text[], integer, integer) is
'v1.search. Definer, because documents are read past policies, within what the caller reaches.
Internal.';

create function v1.search(
    query text,
    objects text[] default null,
    "limit" integer default 20,
    "offset" integer default 0
)
returns table (
    tenant_id uuid,
    object text,
    record_id uuid,
    label text,
    sublabel text,
    changed_at timestamptz,
    rank real,
    matched text[]
)
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        hits.tenant_id,
        hits.object,
        hits.record_id,
        hits.label,
        hits.sublabel,
        hits.changed_at,
        hits.rank,
        hits.matched
    from core.search(
        search.query, search.objects, search."limit", search."offset"
    ) as hits;
end
$$;

comment on function v1.search(text, text[], integer, integer) is
'Finds records by their words, of all objects or of these, among those that the caller may read:
names however they are accented, numbers however they are spaced, the last word from its first
letters, and words with a typo. rank: 1 where the label is what was asked for, 0.9 all words in the
label, 0.8 in names and numbers, 0.7 anywhere, 0.6 to 0.4 the last word as a prefix there, 0.2 and
0.1 with one typo a word and two. Of one rank the latest changed is first. matched: the words that
were found, folded. limit is 100 at most. Raises search.query_too_long, search.object_unknown,
search.page_invalid (400), and tenancy.ambiguous (400) for who belongs to more than 20 tenants and
names none. Signed-in users may call it.';

create view v1.search_fields with (security_invoker = true) as
select
    fields.object,
    fields.field,
    fields.weight
from core.search_fields as fields;

comment on view v1.search_fields is
'By the words of which fields records are found, and how much they count, from A to D. Signed-in
users may read it.';

revoke all on function
core.read_search(text, boolean),
core.search_places(text, text, text[], text),
core.mend_search(uuid, text, integer),
core.search_reaches(text[]),
core.look_up_search(
    core.search_reach, tsquery, tsquery[], real[], uuid[], integer, integer
),
core.look_through_search(
    core.search_reach, tsquery, tsquery[], real[], uuid[], integer, integer
),
core.search_all_of(text, text[], text[]),
core.plan_search(core.search_reach, text[], integer),
core.search_begin(text, text),
core.search_typos(core.search_reach, text[], integer),
core.count_documents(tsvector[], tsquery),
core.best_hits(core.search_hit[], integer),
core.search_stage_hits(core.search_reach, core.search_stage, tsvector[], uuid[], integer),
core.search_tenant(core.search_reach, text[], integer),
core.words_matched(tsvector, text[], real),
core.search_shows(uuid, text, text),
core.search(text, text[], integer, integer),
v1.search(text, text[], integer, integer)
from public;
grant execute on function
core.search(text, text[], integer, integer), v1.search(text, text[], integer, integer)
to authenticated, service_role;
grant select on v1.search_fields to authenticated, service_role;
