-- Every mail that is shipped says what it has to, in every language, and nothing hostile gets out
-- of its place in it. What becomes of a page is told by Postgres' reader of XML: the shipped pages
-- are written so that it can.
begin;
\ir ../support/fixtures.sql
select plan(33);

create temporary view shipped as
select
    kinds as kind,
    versions.template,
    versions.language,
    core.template_variables(kinds) as variables
from core.templates
inner join core.template_versions as versions
    on versions.tenant_id = templates.tenant_id and versions.id = templates.version_id
inner join core.template_kinds as kinds on kinds.template = versions.template
where templates.tenant_id = core.platform_tenant_id() and versions.template <> 'core.layout';

-- Values for all variables: each text is the one given, and what is optional may be left out.
create function pg_temp.filled(variables jsonb, value text, with_optional boolean default true)
returns jsonb
language plpgsql
as $$
declare
    variable record;
    filled jsonb := '{}';
begin
    for variable in select * from jsonb_each(variables) loop
        continue when variable.value ->> 'optional' = 'true' and not with_optional;
        filled := filled || jsonb_build_object(
            variable.key, case variable.value ->> 'type'
                when 'text' then to_jsonb(value)
                when 'object' then pg_temp.filled(variable.value -> 'fields', value, with_optional)
                when 'list' then jsonb_build_array(
                    pg_temp.filled(variable.value -> 'fields', value, with_optional)
                )
                when 'url' then jsonb '"https://example.com/?a=b&amp;c=%22#d"'
                else variable.value -> 'sample'
            end
        );
    end loop;
    return filled - '{brand,language,direction}'::text[];
end
$$;
create function pg_temp.mail(template text, language text, data jsonb, brand text default null)
returns jsonb
language sql
return core.render_email(
    '00000000-0000-4000-a000-000000000002', template, null, language, brand, data
);
create function pg_temp.page(mail jsonb) returns xml
language sql
return xmlparse(document mail ->> 'html');
create function pg_temp.elements(page xml) returns text[]
language sql
return array(
    select name
    from xmltable('//*|//@*' passing page columns name text path 'name()')
);

-- The brand is hostile as far as a brand can be.
insert into core.brands (tenant_id, slug, name, footer, logo_url) values
(
    :acme, 'hostile', 'A&B ''Cars'' {{ url }}', '</td></tr><script>alert(1)</script>{{ url }}',
    'https://cdn.example/a.png?b=c&d=e'
);

select set_eq(
    $$
        select template || ' ' || language from shipped
    $$,
    $$
        select template || ' ' || language
        from core.template_kinds cross join unnest(array['de', 'en']) as language
        where template not in ('core.layout', 'core.test')
    $$,
    'every kind of mail is there in English and in German'
);
select is(
    (select count(*) from shipped where template like 'auth.%' and language = 'en'), 14::bigint,
    'each mail of Auth among them'
);
select is_empty(
    $$
        select template, language from shipped
        cross join lateral pg_temp.mail(
            template, language, core.template_sample(variables) - '{brand}'::text[]
        ) as mail
        where
            coalesce(mail ->> 'subject', '') = ''
            or char_length(mail ->> 'text') < 40
            or mail ->> 'language' <> language
            or pg_temp.page(mail) is null
            or mail ->> 'text' ~ '[<{]|  \n|\n\n\n'
    $$,
    'every mail comes out of its samples, as text without HTML and as a page'
);
select is_empty(
    $$
        select template, language from shipped
        cross join lateral pg_temp.mail(
            template, language, pg_temp.filled(variables, 'x', false)
        ) as mail
        where pg_temp.page(mail) is null or mail ->> 'text' ~ 'null|none|\n\n\n'
    $$,
    'and with nothing that is optional'
);

-- The matrix: every mail, every language, every variable hostile at once, seven ways.
create temporary table hostile (value text);
insert into hostile values
('"><script>alert(1)</script>'),
('''><img src=x onerror=alert(1)>'),
('</title></style></td></table><a href="javascript:alert(1)">'),
('--><svg onload=alert(1)><!--'),
('{{ url }}{% if x %}{% include "x" %}'),
(E'line\r\nBcc: eve@evil.example\r\n\r\n<b>body</b>'),
('javascript:alert(1)&lt;b&gt;');
create temporary table matrix as
select
    shipped.template,
    shipped.language,
    hostile.value,
    pg_temp.mail(
        shipped.template, shipped.language, pg_temp.filled(shipped.variables, 'calm'), 'hostile'
    ) as calm,
    pg_temp.mail(
        shipped.template, shipped.language, pg_temp.filled(shipped.variables, hostile.value),
        'hostile'
    ) as hostile
from shipped
cross join hostile;
select cmp_ok((select count(*) from matrix), '>=', 294::bigint, 'the matrix is whole');
select is_empty(
    $$
        select template, language, value from matrix
        where
            pg_temp.elements(pg_temp.page(calm)) is distinct from
            pg_temp.elements(pg_temp.page(hostile))
    $$,
    'no hostile value makes an element or an attribute, or unmakes one'
);
select is_empty(
    $$
        select template, language, value, address from matrix
        cross join unnest(
            xpath('//@href|//@src', pg_temp.page(hostile))::text[]
        ) as address
        where address !~ '^https://(example\.com|cdn\.example)/'
    $$,
    'no hostile value becomes an address'
);
select is_empty(
    $$
        select template, language, value from matrix
        where
            hostile ->> 'subject' ~ '[\u0001-\u001f\u007f]'
            or octet_length(hostile ->> 'subject') > 998
            or hostile -> 'from' ->> 'name' ~ '[\u0001-\u001f]'
    $$,
    'no hostile value breaks a header'
);
select is_empty(
    $$
        select template, language from matrix
        where
            value not like E'%\n%' and calm::text like '%calm%'
            and position(value in hostile ->> 'text') = 0
            and calm ->> 'text' like '%calm%'
    $$,
    'text shows it as it is'
);

-- Links of Auth.
create function pg_temp.link(template text, data jsonb) returns text
language sql
return (
    xpath('//a/@href', pg_temp.page(pg_temp.mail(template, 'en', data)))
)[1]::text;
select is(
    pg_temp.link(
        'auth.recovery',
        '{
            "token": "123456", "site_url": "https://x.example/auth/v1", "verify": {
                "token": "pkce_a/b", "type": "recovery",
                "redirect_to": "https://app.example/?a=b&c=d#e"
            }
        }'
    ),
    'https://x.example/auth/v1/verify?token=pkce_a%2Fb&amp;type=recovery'
    || '&amp;redirect_to=https%3A%2F%2Fapp.example%2F%3Fa%3Db%26c%3Dd%23e',
    'the link of a mail of Auth leads to its verification'
);
select is(
    pg_temp.link(
        'auth.magiclink',
        '{"site_url": "https://x.example/auth/v1/", "verify": {"token": "h", "type": "magiclink"}}'
    ),
    'https://x.example/auth/v1/verify?token=h&amp;type=magiclink', 'with or without a way back'
);
select is(
    pg_temp.link('auth.reauthentication', '{"token": "123456"}'), null, 'a code needs no link'
);
select is(
    pg_temp.code_of(
        format(
            $$select core.render_email(%L, 'auth.recovery', null, 'en', null, %L)$$, :acme,
            '{"site_url": "javascript:alert(1)//", "verify": {"token": "h", "type": "recovery"}}'
        )
    ), 'template.variable_invalid', 'an address that is none is refused'
);
select alike(
    pg_temp.mail(
        'auth.email_change', 'en', '{"new_email": "n@x.example", "sent_to": "current"}'
    ) ->> 'text', '%present address%', 'the present address is asked in other words'
);
select alike(
    pg_temp.mail(
        'auth.email_change', 'en', '{"new_email": "n@x.example", "sent_to": "new"}'
    ) ->> 'text', '%Please confirm that it is yours%', 'than the new one'
);
select is(
    pg_temp.code_of(
        format(
            $$select core.render_email(%L, 'core.invitation', null, 'en', null, %L)$$, :acme,
            '{"tenant": "Acme", "role": "agent", "token": "t"}'
        )
    ), 'template.variable_missing', 'a mail that lacks a value is not sent'
);

-- What the outbox holds becomes a mail.
:as_ada
select v1.invite('new@example.com', 'viewer');
:as_owner
select alike(
    core.render_email(tenant_id, template, null, language, brand, data) ->> 'text',
    '%tnn_inv_%', 'an invitation brings its token'
)
from core.deliveries
where template = 'core.invitation';
insert into core.brands (tenant_id, slug, app_url) values
(:acme, 'default', 'https://app.acme.example');
select alike(
    core.render_email(tenant_id, template, null, language, brand, data) ->> 'html',
    '%href="https://app.acme.example/invitations/accept?token=tnn_inv_%',
    'in a link to the tenant''s app'
)
from core.deliveries
where template = 'core.invitation';

-- A worker gets the mail ready to send, and the delivery keeps what it was made of.
select is(
    array(
        select request ->> 'subject'
        from jsonb_array_elements(core.claim_deliveries('email', 50, 'w', 60, now())) as request
    ), array['You are invited to Acme'], 'a worker gets a mail that is ready to send'
);
select results_eq(
    $$
        select deliveries.template_version from core.deliveries
        where deliveries.template = 'core.invitation'
    $$,
    $$
        select version_id from core.templates
        where template = 'core.invitation' and language = 'en'
    $$,
    'and the delivery keeps the version'
);
select core.enqueue_delivery(
    :acme, 'email', 'ann@example.com', 'auth.reauthentication', '{"locale": "de"}'
) as incomplete
\gset
select core.claim_deliveries('email', 50, 'w', 60, now());
select is(
    (select concat_ws(' ', status, last_error) from core.deliveries where id = :'incomplete'),
    'dead template.variable_missing', 'a mail that lacks a value is dead with its reason'
);

-- Which template: the tenant before those above it, and within a tenant the language.
insert into core.template_kinds (template, description, is_open_to_tenants) values
('test.place', 'For the tests.', true);
create function pg_temp.publish(tenant_id uuid, language text) returns integer
language sql
as $$
    with made as (
        insert into core.templates (tenant_id, template, language)
        values (publish.tenant_id, 'test.place', publish.language)
        on conflict (tenant_id, template, language) do update set template = 'test.place'
        returning tenant_id, id
    )
    insert into core.template_versions (
        tenant_id, template_id, template, language, number, subject, text, has_layout
    )
    select
        made.tenant_id, made.id, 'test.place', publish.language,
        (select count(*) + 1 from core.template_versions where template_id = made.id),
        'x', tenants.slug || ' ' || publish.language, false
    from made inner join core.tenants on tenants.id = made.tenant_id
    returning id
$$;
create function pg_temp.use(version_id integer) returns void
language sql
as $$
    update core.templates set version_id = use.version_id
    from core.template_versions as versions
    where versions.id = use.version_id and templates.id = versions.template_id
$$;
create function pg_temp.place(tenant_id uuid, language text, version integer default null)
returns text
language plpgsql
as $$
begin
    return core.render_email(tenant_id, 'test.place', version, language, null, '{}') ->> 'text';
exception
    when sqlstate 'PGRST' then return sqlerrm::jsonb ->> 'code';
end
$$;
select is(pg_temp.place(:acme, 'de'), 'template.missing', 'without a template there is no mail');
select pg_temp.use(pg_temp.publish(core.platform_tenant_id(), language))
from unnest(array['en', 'de']) as language;
select pg_temp.use(pg_temp.publish(:group, language)) from unnest(array['fr', 'de']) as language;
select pg_temp.use(pg_temp.publish(:acme, language)) from unnest(array['it', 'fr-ch']) as language;
update core.tenants set settings = '{"core": {"language": "fr"}}' where slug = 'group';
select results_eq(
    format(
        $$
            select asked, pg_temp.place(%L, asked) as acme, pg_temp.place(%L, asked) as group_,
                pg_temp.place(%L, asked) as rival
            from unnest(array['it-CH', 'it', 'fr-CH', 'fr', 'de-AT', 'de', 'es', 'en', '?', null])
            with ordinality as wanted (asked, place)
            order by wanted.place
        $$, :acme, :group, :rival
    ),
    $$
        values
        ('it-CH', 'acme it', 'group fr', 'platform en'),
        ('it', 'acme it', 'group fr', 'platform en'),
        ('fr-CH', 'acme fr-ch', 'group fr', 'platform en'),
        ('fr', 'group fr', 'group fr', 'platform en'),
        ('de-AT', 'group de', 'group de', 'platform de'),
        ('de', 'group de', 'group de', 'platform de'),
        ('es', 'group fr', 'group fr', 'platform en'),
        ('en', 'group fr', 'group fr', 'platform en'),
        ('?', 'group fr', 'group fr', 'platform en'),
        (null, 'group fr', 'group fr', 'platform en')
    $$,
    'the nearest tenant that has one, in the first of the languages that it has'
);
select is(
    core.render_email(
        :acme, 'auth.reauthentication', null, null, null, '{"token": "1", "locale": "de-AT"}'
    ) ->> 'language', 'de', 'mails of Auth say their language in their data'
);

-- What an operator writes outlives what is shipped later.
update core.template_versions set published_by = '00000000-0000-4000-8000-000000000001'
where template = 'core.invitation' and language = 'en';
select core.ship_template('core.invitation', 'en', 'x', null, '{"paragraph": "Shipped later."}');
select core.ship_template('core.invitation', 'de', 'x', null, '{"paragraph": "Shipped later."}');
select results_eq(
    $$
        select templates.language, template_versions.number
        from core.templates
        inner join core.template_versions on template_versions.id = templates.version_id
        where templates.template = 'core.invitation'
        order by 1
    $$, $$values ('de', 2), ('en', 1)$$, 'what an operator has published stays when more is shipped'
);

-- Pinned versions.
select
    core.render_email(:acme, 'test.place', null, 'it', null, '{}') ->> 'template_version' as first
\gset
select pg_temp.use(pg_temp.publish(:acme, 'it'));
select isnt(
    core.render_email(:acme, 'test.place', null, 'it', null, '{}') ->> 'template_version',
    :'first', 'a new version is current'
);
select is(
    core.render_email(:acme, 'test.place', :'first', 'fr', null, '{}') ->> 'template_version',
    :'first', 'but the one that a mail was made of can be had again, whatever language is asked for'
);
select is(
    pg_temp.place(:rival, 'it', :'first'), 'template.version_unknown',
    'not by another tenant'
);
select is(
    pg_temp.code_of(
        format(
            $$select core.render_email(%L, 'core.invitation', %L, 'it', null, '{}')$$, :acme,
            :'first'
        )
    ), 'template.version_unknown', 'nor for another mail'
);

-- Numbers, times and directions.
insert into core.template_kinds (template, description, is_open_to_tenants, variables) values
(
    'test.formats', 'For the tests.', true,
    '{"n": {"type": "number"}, "at": {"type": "datetime"}}'
);
select core.ship_template('test.formats', language, 'x', null, '{"paragraph": "{{ n }} {{ at }}"}')
from unnest(array['en', 'de', 'ar']) as language;
update core.tenants set settings = '{"core": {"time_zone": "Europe/Berlin"}}' where slug = 'group';
select is(
    array(
        select
            split_part(
                pg_temp.mail('test.formats', asked, '{"n": 12345.5, "at": "2026-07-01T22:30:00Z"}')
                ->> 'text', E'\n', 1
            )
        from unnest(array['en', 'en-US', 'de-CH']) as asked
    ),
    array[
        '12,345.5 2 July 2026, 00:30 CEST', '12,345.5 July 2, 2026, 12:30 AM CEST',
        '12’345.5 2. Juli 2026, 00:30 CEST'
    ], 'numbers and times are written as language, region and the tenant''s time zone have it'
);
select is(
    xpath(
        'concat(/html/@lang, " ", /html/@dir)',
        pg_temp.page(
            pg_temp.mail('test.formats', 'ar', '{"n": 1, "at": "2026-07-01T22:30:00Z"}')
        )
    )::text, '{"ar rtl"}', 'Arabic is written from the right'
);
update core.tenants set settings = '{"core": {"time_zone": "Middle/Earth", "language": "?"}}'
where slug = 'acme';
select alike(
    pg_temp.mail('test.formats', 'en', '{"n": 1, "at": "2026-07-01T22:30:00Z"}') ->> 'text',
    '%22:30 UTC%', 'a setting that is no time zone keeps no mail from being sent'
);
select is(
    pg_temp.mail('test.formats', null, '{"n": 1, "at": "2026-07-01T22:30:00Z"}') -> 'headers',
    '{"Auto-Submitted": "auto-generated", "Content-Language": "en"}', 'headers say what it is'
);

select * from finish();
rollback;
