-- A brand is inherited where it says nothing; addresses are sent from that were verified.
begin;
\ir ../support/fixtures.sql
select plan(31);

create function pg_temp.look(tenant_id uuid, field text, brand text default null) returns text
language sql
return core.brand_of(tenant_id, brand) ->> field;

create function pg_temp.details_of(statement text) returns text
language plpgsql
as $$
begin
    execute statement;
    return 'no error';
exception
    when sqlstate 'PGRST' then return sqlerrm::jsonb ->> 'details';
end
$$;

:as_owner
select is(
    core.brand_of(:acme, null) - 'footer',
    '{
        "name": "Tenon", "from_name": "Tenon", "from_address": "mail@tenon.invalid",
        "color": "#1a56db", "color_text": "#ffffff", "background_color": "#f3f4f6"
    }'::jsonb,
    'a tenant without a brand has the platform''s'
);

:as_ada
select is(
    v1.set_brand(
        name => 'Acme Cars', from_address => 'sales@acme.example', color => '#FFCC00',
        logo_url => 'https://cdn.acme.example/logo.png', footer => E'Acme Ltd\n1 High Street'
    ),
    jsonb_build_object('tenant_id', :acme, 'slug', 'default'), 'an owner sets the brand'
);
select v1.set_brand(
    'site-2', name => 'Acme Vans', reply_to => 'vans@acme.example',
    app_url => 'https://vans.acme.example/'
);
select results_eq(
    'select slug, name, from_address_is_verified from v1.brands order by slug',
    $$values ('default', 'Acme Cars', false), ('site-2', 'Acme Vans', false)$$,
    'and sees it, with what the operator has verified'
);
:as_owner
select is(
    array[
        pg_temp.look(:acme, 'from_address'), pg_temp.look(:acme, 'from_name'),
        pg_temp.look(:acme, 'reply_to')
    ],
    array['mail@tenon.invalid', 'Acme Cars via Tenon', 'sales@acme.example'],
    'an address that is not verified is answered to, and the platform''s is sent from'
);
select is(
    array[
        pg_temp.look(:acme, 'name', 'site-2'), pg_temp.look(:acme, 'logo_url', 'site-2'),
        pg_temp.look(:acme, 'reply_to', 'site-2'),
        pg_temp.look(:acme, 'background_color', 'site-2'), pg_temp.look(:acme, 'app_url', 'site-2')
    ],
    array[
        'Acme Vans', 'https://cdn.acme.example/logo.png', 'vans@acme.example', '#f3f4f6',
        'https://vans.acme.example'
    ],
    'a site''s brand comes before the tenant''s, and that before the platform''s'
);
select is(
    pg_temp.look(:acme, 'name', 'no-such-site'), 'Acme Cars', 'an unknown brand is the default'
);
select is(pg_temp.look(:acme, 'color_text'), '#000000', 'what stands on a light colour is black');
select is(pg_temp.look(:rival, 'name'), 'Tenon', 'another tenant''s brand is not touched');

-- Verified addresses.
:as_service
select lives_ok(
    format($$select core.verify_sender_domain(%L, 'ACME.example')$$, :acme),
    'the operator verifies a domain'
);
:as_owner
select is(
    array[pg_temp.look(:acme, 'from_address'), pg_temp.look(:acme, 'from_name')],
    array['sales@acme.example', 'Acme Cars'], 'and mail comes from the tenant''s address'
);
select is(pg_temp.look(:acme, 'reply_to'), null, 'which it is answered to');
:as_ada
select is(
    (select from_address_is_verified from v1.brands where slug = 'default'), true,
    'the tenant sees that'
);
:as_eve
select v1.set_brand(name => 'Acme Cars', from_address => 'sales@acme.example');
:as_owner
select is(
    array[pg_temp.look(:rival, 'from_address'), pg_temp.look(:rival, 'from_name')],
    array['mail@tenon.invalid', 'Acme Cars via Tenon'],
    'a domain that is verified for one tenant is not for another'
);
:as_eve
select v1.set_brand(name => 'Rival', from_address => 'x@sub.acme.example');
:as_owner
select is(
    pg_temp.look(:rival, 'from_address'), 'mail@tenon.invalid', 'nor a domain below it'
);
:as_gus
select set_config('request.headers', json_build_object('x-tenant-id', :group)::text, true);
select v1.set_brand(name => 'Group', from_address => 'hello@group.example', footer => 'Group plc');
:as_service
select core.verify_sender_domain(:group, 'group.example');
:as_ada
select v1.set_brand(name => 'Acme Cars');
:as_owner
select is(
    array[
        pg_temp.look(:acme, 'from_address'), pg_temp.look(:acme, 'from_name'),
        pg_temp.look(:acme, 'footer')
    ],
    array['hello@group.example', 'Acme Cars', 'Group plc'],
    'a tenant without an address sends from that of the tenant above'
);
:as_ada
select v1.set_brand(name => 'Acme Cars', from_address => 'boss@group.example');
:as_owner
select is(
    pg_temp.look(:acme, 'from_address'), 'mail@tenon.invalid',
    'but takes no other address of it for its own'
);
:as_service
select core.withdraw_sender_domain(:group, 'group.example');
:as_owner
select is(
    pg_temp.look(:group, 'from_address'), 'mail@tenon.invalid', 'what is withdrawn is used no more'
);

-- Attacks: each field, by what would break out of a header, a page or a style.
:as_ada
select is(
    (
        select array_agg(distinct pg_temp.code_of(format('select v1.set_brand(%s)', argument)))
        from (
            select format('%s => %L', field, value) as argument
            from unnest(array['name', 'from_address', 'reply_to', 'logo_url', 'app_url', 'slug'])
            as field
            cross join unnest(
                array[
                    E'a\r\nBcc: x@evil.example', E'a\nb', E'a\tb', E'a\u202eb', '<b>', 'a"b', ' ',
                    'a@b, c@d', 'javascript:alert(1)', 'data:text/html,x', ''
                ]
            ) as value
        ) as hostile
    ), array['brand.invalid'], 'what would break out of a header or a page is no part of a brand'
);
select is(
    (
        select array_agg(distinct pg_temp.code_of(format('select v1.set_brand(%s)', argument)))
        from (
            values
            ('color => ''red'''), ('color => ''#12345'''), ('color => ''#1234567'''),
            ('color => ''#12345g'''), ($$background_color => '#123456;x:y'$$),
            ($$logo_url => 'http://cdn.example/logo.png'$$),
            ($$logo_url => 'https://user@cdn.example/logo.png'$$),
            ($$logo_url => 'https://cdn.example/{{ token }}'$$),
            ($$logo_url => 'https://cdn.example/"onerror="x'$$),
            ($$app_url => 'https://app.example/?next='$$),
            ($$name => 'support@bank.example'$$), ($$name => 'Bank, Inc.: help'$$),
            ($$from_address => 'a@b@c'$$), ($$from_address => 'a@'$$), ($$slug => 'A b'$$),
            ('slug => null'), ('name => repeat(''a'', 101)'), ('footer => repeat(''a'', 2001)')
        ) as wrong (argument)
    ), array['brand.invalid'], 'colours are hex, logos on https, names a plain line'
);
select is(
    pg_temp.details_of($$select v1.set_brand(color => 'red')$$), '{"field": "color"}',
    'the refusal names the field'
);

-- Who may.
select is(
    v1.delete_brand('site-2') ->> 'slug', 'site-2', 'a brand is deleted'
);
select is(pg_temp.code_of($$select v1.delete_brand('site-2')$$), 'brand.unknown', 'once');
:as_vic
select is_empty('select from v1.brands', 'a viewer sees no brands');
select is(
    pg_temp.code_of($$select v1.set_brand(name => 'x')$$), 'tenancy.permission_missing',
    'and sets none'
);
:as_eve
select is(
    (select array_agg(name) from v1.brands), array['Rival'], 'another tenant sees its own alone'
);
select is(
    pg_temp.code_of($$select v1.delete_brand('site-2')$$), 'brand.unknown',
    'and cannot tell which ones others have'
);
select is(
    pg_temp.code_of(format($$select core.verify_sender_domain(%L, 'rival.example')$$, :rival)),
    '42501', 'nobody verifies a domain of their own'
);
select is(
    pg_temp.code_of(format($$insert into core.sender_domains values (%L, 'a.example')$$, :rival)),
    '42501', 'not at the table either'
);
:as_anon
select is(pg_temp.code_of('select from v1.brands'), '42501', 'anonymous callers see none');
select is(pg_temp.code_of($$select v1.set_brand(name => 'x')$$), '42501', 'and set none');
:as_owner
select is(
    pg_temp.code_of(format($$select core.verify_sender_domain(%L, 'no domain')$$, :acme)),
    'brand.domain_invalid', 'what is no domain is not verified'
);

select * from finish();
rollback;
