-- Search: what is found by what, in which order, and by whom.
begin;
\ir ../support/fixtures.sql
select plan(80);

insert into crm.companies (tenant_id, id, name, domain) values
(:acme, '00000000-0000-4000-c000-000000000001', 'Äpfel & Söhne GmbH', 'aepfel.example'),
(:rival, '00000000-0000-4000-c000-000000000002', 'Zwetschge AG', null);
insert into crm.contacts (
    tenant_id, id, given_name, family_name, email, phone, external_id, job_title, company_id,
    description
) values
(
    :acme, '00000000-0000-4000-c000-000000000011', 'Anna', 'Müller',
    'anna.m77@post.example', '+49 (0)151 234-56789', 'KD-4711', 'Geschäftsführerin',
    '00000000-0000-4000-c000-000000000001', 'Fährt gern Tandem.'
),
(
    :acme, '00000000-0000-4000-c000-000000000012', 'Anna', 'Müller-Lüdenscheidt',
    null, '030/1234567', null, null, null, null
),
(
    :acme, '00000000-0000-4000-c000-000000000013', 'Jörg', 'Brandstätter',
    'muller@brand.example', null, null, null, null, 'Kennt Anna.'
),
(
    :acme, '00000000-0000-4000-c000-000000000014', 'Иван', 'Петров', null, null, null, null, null,
    '東京'
),
(
    :rival, '00000000-0000-4000-c000-000000000021', 'Anna', 'Müller', null, null, null, null,
    null, 'Zimtstern'
);

create function pg_temp.found(query text, objects text[] default null) returns text
language sql as $$
    select string_agg(label, ', ' order by place)
    from v1.search(query, objects) with ordinality as hits (
        tenant_id, object, record_id, label, sublabel, changed_at, rank, matched, place
    )
$$;

-- By what -----------------------------------------------------------------------------------------

:as_ada
select is(pg_temp.found(query), wanted, format('%s is found', query))
from (
    values
    ('Jörg Brandstätter', 'Jörg Brandstätter'),
    ('brandstaetter joerg', 'Jörg Brandstätter'),
    ('Brandstatter', 'Jörg Brandstätter'),
    ('BRANDST', 'Jörg Brandstätter'),
    ('jor', 'Jörg Brandstätter'),
    ('aepfel soehne', 'Äpfel & Söhne GmbH, Anna Müller'),
    ('tandem', 'Anna Müller'),
    ('geschaeftsf', 'Anna Müller'),
    ('KD-4711', 'Anna Müller'),
    ('anna.m77@post.example', 'Anna Müller'),
    ('post.exam', 'Anna Müller'),
    ('петров', 'Иван Петров'),
    ('Иван', 'Иван Петров'),
    ('東', 'Иван Петров'),
    ('ludenscheidt', 'Anna Müller-Lüdenscheidt'),
    -- Numbers, however they are written.
    ('0151 23456789', 'Anna Müller'),
    ('+4915123456789', 'Anna Müller'),
    ('0049 151 234 56789', 'Anna Müller'),
    ('0151/2345', 'Anna Müller'),
    ('(030) 123-4567', 'Anna Müller-Lüdenscheidt'),
    ('+49 30 1234567', 'Anna Müller-Lüdenscheidt'),
    ('ludenscheidt 030 1234', 'Anna Müller-Lüdenscheidt'),
    -- Typos: a letter missing, too many, another, two in each other's place; two in a long word.
    ('brandsttter', 'Jörg Brandstätter'),
    ('brandstaettter', 'Jörg Brandstätter'),
    ('bramdstatter', 'Jörg Brandstätter'),
    ('barndstatter', 'Jörg Brandstätter'),
    ('barndstattr', 'Jörg Brandstätter'),
    ('tandme anna', 'Anna Müller'),
    ('brandstater jrög', 'Jörg Brandstätter')
) as asked (query, wanted);

-- In which order ----------------------------------------------------------------------------------

select is(
    pg_temp.found('anna müller'), 'Anna Müller, Anna Müller-Lüdenscheidt, Jörg Brandstätter',
    'the label comes before words in a label, and these before words anywhere'
);
select is(
    (select array_agg(rank) from v1.search('muller anna')), array[0.9, 0.9, 0.7]::real[],
    'rank says of what kind the match is'
);
select is(
    (select array_agg(rank) from v1.search('anna mul', '{crm.contacts}')),
    array[0.6, 0.6, 0.4]::real[], 'a beginning in the label comes before one elsewhere'
);
select is(
    (select matched from v1.search('mülller anna') limit 1), '{anna,muller}',
    'the words that were found are there to be marked'
);
:as_owner
update crm.contacts set description = 'Neu.' where given_name = 'Anna' and phone like '030%';
select ok(
    (
        select document @@ '''000002Dneu''' from core.search_documents
        where label = 'Anna Müller-Lüdenscheidt'
    ),
    'a document follows its record'
);
update crm.contacts set given_name = 'Hanna', phone = null
where tenant_id = :acme and external_id = 'KD-4711';
:as_ada
select is(
    pg_temp.found('hanna müller'), 'Hanna Müller, Anna Müller-Lüdenscheidt, Jörg Brandstätter',
    'a new name finds, before names that differ by a letter'
);
select is(
    (select count(*) from v1.search('0151 23456789')), 0::bigint, 'what is gone finds nothing'
);
:as_owner
insert into crm.contact_points (tenant_id, contact_id, kind, value)
values (:acme, '00000000-0000-4000-c000-000000000011', 'phone', '+43 1 58858-0');
insert into crm.contact_points (tenant_id, contact_id, kind, city)
values (:acme, '00000000-0000-4000-c000-000000000011', 'address', 'Knittelfeld');
:as_ada
select is(pg_temp.found('01 588580'), 'Hanna Müller', 'further numbers find');
select is(pg_temp.found('knittelf'), 'Hanna Müller', 'addresses find');
:as_owner
delete from crm.contact_points where city is not null;
update crm.companies set name = 'Birnen KG' where tenant_id = :acme;
select is(
    (select arguments ->> 'object' from core.jobs where task = 'core.refresh_search'),
    'crm.contacts', 'a new name of a company is passed on by a job'
);
select ok(
    (core.refresh_search_in_job(jobs) ->> 'done')::boolean, 'which does it in one step here'
)
from core.jobs where task = 'core.refresh_search';
:as_ada
select is(pg_temp.found('knittelf'), null, 'what hung on a record finds it no more');
select is(
    pg_temp.found('birnen'), 'Birnen KG, Hanna Müller',
    'a company''s name finds who works there'
);
select is(pg_temp.found('birnen', '{crm.contacts}'), 'Hanna Müller', 'objects can be named');
:as_owner
delete from crm.contacts where given_name = 'Jörg';
:as_ada
select is(pg_temp.found('brandstätter'), null, 'what is deleted is not found');

-- Every word of every record ----------------------------------------------------------------------

:as_owner
insert into crm.leads (tenant_id, given_name, family_name, company_name, city, interest, email)
select
    :acme,
    (array['Éric', 'O''Neil', 'Øystein', 'Ana-María', 'Straße', 'Noël'])[1 + number % 6],
    (array['Goethe', 'Łukasz', 'van der Berg', '山田太郎', 'Smith😀Jones', 'Ñandú'])[1 + number % 6],
    'Firma' || number || ' & Co.', 'Ort-' || number, repeat('wort' || number || ', ', 3),
    'a.b' || number || '@sub.host' || number || '.example'
from generate_series(1, 36) as number;
create temporary table words_of as
select
    leads.id,
    words.word
from crm.leads
cross join lateral (
    values (leads.given_name), (leads.family_name), (leads.company_name), (leads.interest),
    (leads.email), (leads.name), (leads.city)
) as fields (content)
cross join lateral regexp_split_to_table(fields.content, '[ ,&@.-]+') as words (word)
where words.word ~ '[[:alnum:]]';
grant select on words_of to authenticated;
:as_ada
select is_empty(
    $$
        select distinct words_of.word
        from (select distinct on (word) * from words_of order by word, id) as words_of
        where not exists (
            select from v1.search(words_of.word, '{crm.leads}', 100) as hits
            where hits.record_id = words_of.id
        )
    $$,
    'every record is found by each of its words'
);
select is_empty(
    $$
        select distinct words_of.word
        from (select distinct on (word) * from words_of order by word, id) as words_of
        where char_length(word) > 3 and not exists (
            select from v1.search(
                left(words_of.word, char_length(words_of.word) - 1), '{crm.leads}', 100
            ) as hits
            where hits.record_id = words_of.id
        )
    $$,
    'and by the beginnings of its words'
);

-- What somebody may type --------------------------------------------------------------------------

select is(pg_temp.code_of(format('select * from v1.search(%L)', query)), wanted, description)
from (
    values
    (repeat('x', 10240), 'search.query_too_long', '10 kB are refused'),
    ('', 'no error', 'nothing is no error'),
    ('  &|!<->()*:\''"%_ ', 'no error', 'punctuation is no error'),
    ('a:*B & !b | ''c', 'no error', 'operators are words'),
    (repeat('a b c d e ', 50), 'no error', 'many words are no error'),
    (E'\u001f\u001f anna \u001f', 'no error', 'control characters are no error'),
    ('😀😀😀', 'no error', 'emoji are no error'),
    ('''); drop table crm.contacts; --', 'no error', 'nothing of it is SQL')
) as asked (query, wanted, description);
select is(
    pg_temp.code_of('select * from v1.search(''a'', ''{crm.contacts,core.members}'')'),
    'search.object_unknown', 'what is not searched is named'
);
select is(
    pg_temp.code_of(format('select * from v1.search(''a'', null, %s, %s)', page[1], page[2])),
    'search.page_invalid', 'a page is bounded'
)
from (values (array[0, 0]), (array[101, 0]), (array[10, -1]), (array[10, 1001])) as asked (page);

-- By whom -----------------------------------------------------------------------------------------

:as_eve
select is(
    (select array_agg(tenant_id) from v1.search('anna müller')),
    array['00000000-0000-4000-a000-000000000003'::uuid], 'each tenant finds its own'
);
select is(pg_temp.found('tandem'), null, 'what only another tenant has is not found');
:as_sue
select is(pg_temp.found('anna'), null, 'who is suspended finds nothing');
:as_anon
select throws_ok($$select * from v1.search('anna')$$, '42501', null, 'strangers cannot ask');
:as_ada
select throws_ok('select * from core.search_words', '42501', null, 'nobody reads the vocabulary');
select throws_ok('select * from core.search_documents', '42501', null, 'nor the documents');

-- Everyone finds what they may read, and nothing else: each scope, for each record, as v1.contacts
-- and v1.deals tell. Each record has a word of its own, and all have one in common.
:as_owner
insert into core.teams (tenant_id, id, slug, name)
select :acme, ('00000000-0000-4000-d000-00000000000' || number)::uuid, 'team-' || number, 'Team'
from generate_series(1, 2) as number;
insert into auth.users (id, email)
select
    ('00000000-0000-4000-8000-0000000001' || lpad(number::text, 2, '0'))::uuid,
    number || '@x.example'
from generate_series(1, 12) as number;
insert into core.roles (tenant_id, id, slug, name)
select
    :acme, ('00000000-0000-4000-e000-0000000000' || lpad(number::text, 2, '0'))::uuid,
    'role_' || number, 'Role'
from generate_series(1, 12) as number;
insert into core.role_permissions (tenant_id, role_id, permission, scope)
select
    :acme,
    ('00000000-0000-4000-e000-0000000000' || lpad(number::text, 2, '0'))::uuid,
    granted.permission,
    granted.scope
from generate_series(1, 12) as number
cross join lateral (
    values
    ('crm.contacts.read', (array['own', 'team', 'tenant', null])[1 + (number - 1) % 4]),
    ('crm.deals.read', (array['own', 'team', 'tenant'])[1 + (number - 1) / 4])
) as granted (permission, scope)
where granted.scope is not null;
insert into core.members (tenant_id, user_id, role_tenant_id, role_id)
select
    :acme,
    ('00000000-0000-4000-8000-0000000001' || lpad(number::text, 2, '0'))::uuid,
    :acme,
    ('00000000-0000-4000-e000-0000000000' || lpad(number::text, 2, '0'))::uuid
from generate_series(1, 12) as number;
insert into core.team_members (tenant_id, team_id, user_id)
select :acme, '00000000-0000-4000-d000-000000000001', user_id
from core.members where tenant_id = :acme and role_tenant_id = :acme;
insert into crm.contacts (tenant_id, given_name, family_name, owner_id, team_id)
select :acme, 'Quitte', 'Kontakt' || number, owner_id, team_id
from (
    select
        row_number() over (order by owner, team) as number,
        ('00000000-0000-4000-8000-0000000001' || lpad(owner::text, 2, '0'))::uuid as owner_id,
        ('00000000-0000-4000-d000-00000000000' || team)::uuid as team_id
    from generate_series(1, 12) as owner
    cross join generate_series(1, 2) as team
) as made;
insert into crm.contacts (tenant_id, given_name, family_name, owner_id, team_id) values
(:acme, 'Quitte', 'Niemandes', null, null),
(:acme, 'Quitte', 'Gruppes', null, '00000000-0000-4000-d000-000000000001');
insert into crm.deals (tenant_id, name, owner_id, team_id)
select contacts.tenant_id, 'Quitte ' || contacts.family_name, contacts.owner_id, contacts.team_id
from crm.contacts where contacts.given_name = 'Quitte';
create temporary table answers (caller integer, way text, label text);
grant all on answers to authenticated;
do $$
begin
    for number in 1..12 loop
        perform set_config('request.jwt.claims', json_build_object(
            'role', 'authenticated',
            'sub', '00000000-0000-4000-8000-0000000001' || lpad(number::text, 2, '0')
        )::text, true);
        set local role authenticated;
        insert into answers
        select number, 'search', object || ' ' || label from v1.search('quitte', null, 100);
        insert into answers
        select number, 'read', 'crm.contacts ' || name from v1.contacts
        where given_name = 'Quitte'
        union all
        select number, 'read', 'crm.deals ' || name from v1.deals
        where name like 'Quitte %';
        -- One by one, and with a typo: what is hidden is not found by any of its words.
        insert into answers
        select distinct number, 'words', hits.object || ' ' || hits.label
        from generate_series(1, 24) as word
        cross join lateral v1.search('kontakt' || word || ' quittt', null, 100) as hits
        where hits.label like 'Quitte Kontakt' || word;
        reset role;
    end loop;
end
$$;
:as_owner
select results_eq(
    $$select caller, label from answers where way = 'search' order by 1, 2$$,
    $$select caller, label from answers where way = 'read' order by 1, 2$$,
    'who may read a record finds it, and nobody else'
);
select results_eq(
    $$select caller, label from answers where way = 'words' order by 1, 2$$,
    $$
        select caller, label from answers
        where way = 'read' and label like '%Kontakt%' order by 1, 2
    $$,
    'by its own words with a typo too'
);
select cmp_ok((select count(*) from answers where way = 'read'), '>', 200::bigint, 'there is much');

-- Fields that roles are kept from -----------------------------------------------------------------

select core.guard_fields('crm.contacts', 'crm.contacts', '{email,phone}');
select ok(
    (select bool_and((core.refresh_search_in_job(jobs) ->> 'done')::boolean)),
    'documents are written again once roles can be kept from a field'
)
from core.jobs
where task = 'core.refresh_search' and tenant_id = :acme and arguments ->> 'field' is null;
insert into core.hidden_fields (tenant_id, role_id, object, field) values
(:acme, '00000000-0000-4000-e000-000000000003', 'crm.contacts', 'email');
update crm.contacts set email = 'hagebutte@schlehe.example', phone = '0911 998877'
where family_name = 'Kontakt1';
:as_ada
select is(pg_temp.found('hagebutte'), 'Quitte Kontakt1', 'who may see it finds by it');
select is(pg_temp.found('schlehe.exa'), 'Quitte Kontakt1', 'by its beginning too');
select set_config(
    'request.jwt.claims',
    '{"role": "authenticated", "sub": "00000000-0000-4000-8000-000000000103"}', true
);
select is(pg_temp.found('hagebutte'), null, 'who may not does not');
select is(pg_temp.found('hagebute'), null, 'nor with a typo');
select is(pg_temp.found('0911 998877'), 'Quitte Kontakt1', 'but by what they may see');
select is(
    (select sublabel from v1.search('quitte kontakt1') limit 1), null,
    'and is not shown it'
);

-- The vocabulary ----------------------------------------------------------------------------------

:as_owner
insert into crm.companies (tenant_id, name)
select :acme, 'Großhandel Mirabelle' || case when number = 7 then ' Sauerdorn' else '' end
from generate_series(1, 30) as number;
select is(
    (select count(*) from core.search_words where word = 'sauerdorn'), 0::bigint,
    'large statements leave their words for later'
);
select ok((select done from core.learn_search()), 'which comes');
:as_ada
select is(pg_temp.found('suaerdorn'), 'Großhandel Mirabelle Sauerdorn', 'and then mends typos');
:as_owner
delete from crm.companies where name like '%Sauerdorn';
select isnt(core.forget_search_words(:acme, 0, 100000), null, 'words are looked at');
select results_eq(
    $$
        select word, count(*)::integer from core.search_words
        where tenant_id = '00000000-0000-4000-a000-000000000002'
        and word in ('sauerdorn', 'mirabelle') group by word
    $$,
    $$values ('mirabelle', 1)$$, 'and forgotten where no document has them'
);

select finish();
rollback;
