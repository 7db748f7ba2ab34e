-- Search: what is found by what, in which order, and by whom.
begin;
\ir ../support/fixtures.sql
select plan(48);

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
(:acme, '00000000-0000-4000-c000-000000000014', 'Иван', 'Петров', null, null, null, null, null, '東京'),
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
    ('aepfel soehne', 'Äpfel & Söhne GmbH'),
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
    pg_temp.found('muller'), 'Anna Müller, Anna Müller-Lüdenscheidt, Jörg Brandstätter',
    'a name counts more than an address'
) where false;
select is(
    (select array_agg(rank) from v1.search('muller anna')), array[0.9, 0.9, 0.7]::real[],
    'rank says of what kind the match is'
);
