-- Templates are written, checked, published and taken back; each tenant its own, mails with tokens
-- by the platform alone.
begin;
\ir ../support/fixtures.sql
select plan(35);

insert into core.template_kinds (template, description, is_open_to_tenants, variables) values
(
    'test.greeting', 'For the tests.', true,
    '{
        "name": {"type": "text", "sample": "Ann"},
        "count": {"type": "number", "optional": true, "sample": 1234567.5},
        "lines": {"type": "list", "fields": {"title": {"type": "text", "sample": "a line"}}}
    }'
);
select core.ship_template(
    'test.greeting', 'en', 'Hello {{ name }}', null, '{"paragraph": "From the platform."}'
);

create function pg_temp.failure_of(statement text) returns jsonb
language plpgsql
as $$
begin
    execute statement;
    return null;
exception
    when sqlstate 'PGRST' then
        return jsonb_build_object(
            'code', sqlerrm::jsonb -> 'code', 'details', (sqlerrm::jsonb ->> 'details')::jsonb
        );
end
$$;
create function pg_temp.text_of(tenant_id uuid, language text default null) returns text
language sql
return core.render_email(
    tenant_id, 'test.greeting', null, language, null, '{"name": "Ann", "lines": []}'
) ->> 'text';

-- Drafts and versions.
:as_ada
select is(
    v1.save_template('test.greeting', 'en', 'Hi {{ name }}', 'one', '<p>{{ name }}</p>')
    - 'version_id',
    jsonb_build_object(
        'tenant_id', :acme, 'template', 'test.greeting', 'language', 'en', 'version', null,
        'has_draft', true
    ), 'an owner saves a draft'
);
:as_owner
select matches(pg_temp.text_of(:acme), '^From the platform', 'which nobody gets');
:as_ada
select is(
    v1.preview_template('test.greeting', 'en') ->> 'source', 'draft', 'but the preview shows'
);
select is(
    v1.publish_template('test.greeting', 'en') ->> 'version', '1', 'a draft is published'
);
:as_owner
select is(pg_temp.text_of(:acme), 'one', 'and sent from then on');
select matches(pg_temp.text_of(:rival), '^From the platform', 'by this tenant alone');
:as_ada
select is(
    pg_temp.code_of($$select v1.publish_template('test.greeting', 'en')$$),
    'template.draft_missing', 'a draft is published once'
);
select v1.save_template('test.greeting', 'EN', 'Hi', 'two');
select is(
    v1.publish_template('test.greeting', 'en') ->> 'version', '2',
    'the next one is the next version'
);
:as_owner
select is(pg_temp.text_of(:acme), 'two', 'and takes the place of the first');
:as_ada
select is(
    v1.revert_template('test.greeting', 'en', 1) ->> 'version', '1', 'one goes back to the first'
);
:as_owner
select is(pg_temp.text_of(:acme), 'one', 'which is sent again');
:as_ada
select v1.revert_template('test.greeting', 'en');
:as_owner
select matches(
    pg_temp.text_of(:acme), '^From the platform', 'or to what the tenant inherits'
);
:as_ada
select is(
    array[
        pg_temp.code_of($$select v1.revert_template('test.greeting', 'en', 3)$$),
        pg_temp.code_of($$select v1.revert_template('test.greeting', 'fr')$$)
    ],
    array['template.version_unknown', 'template.version_unknown'],
    'a version that there is not is not gone back to'
);
select results_eq(
    format(
        $$select version, text from v1.template_versions
        where tenant_id = %L order by version$$, :acme
    ),
    $$values (1, 'one'), (2, 'two')$$, 'what was published can be read'
);
select isnt_empty(
    format(
        'select from v1.template_versions where tenant_id = %L and template = ''auth.recovery''',
        core.platform_tenant_id()
    ), 'what the platform published too'
);
:as_owner
select throws_ok(
    'update core.template_versions set text = ''other''', '55000',
    'a published version of a template stays as it is', 'nobody rewrites a version'
);

-- What cannot be sent cannot be saved: the error names the part and the place.
:as_ada
select is(
    (
        select
            jsonb_object_agg(
                part,
                pg_temp.failure_of(
                    format(
                        'select v1.save_template(''test.greeting'', ''en'', %L, %L, %L, %L)',
                        subject, text, html, preheader
                    )
                )
            )
        from (
            values
            ('subject', 'Hi {{ nam }}', 't', null, null),
            ('text', 's', E'é\n{% if false %}{{ lines.x }}{% endif %}', null, null),
            ('html', 's', 't', E'<p>\n<a href="{{ name }}">', null),
            ('preheader', 's', 't', null, '{{ name|shout }}'),
            ('incomplete', null, 't', null, null)
        ) as wrong (part, subject, text, html, preheader)
    ),
    '{
        "subject": {"code": "template.variable_unknown", "details":
            {"part": "subject", "line": 1, "column": 7, "name": "nam"}},
        "text": {"code": "template.variable_unknown", "details":
            {"part": "text", "line": 2, "column": 18, "name": "lines.x"}},
        "html": {"code": "template.html_unsafe", "details":
            {"part": "html", "line": 2, "column": 13, "name": null}},
        "preheader": {"code": "template.filter_unknown", "details":
            {"part": "preheader", "line": 1, "column": 9, "name": "shout"}},
        "incomplete": {"code": "template.incomplete", "details": null}
    }'::jsonb, 'an error names the part, the line, the column and what is there'
);
select is(
    array[
        pg_temp.code_of($$select v1.save_template('test.nothing', 'en', 's', 't')$$),
        pg_temp.code_of($$select v1.save_template('test.greeting', 'no language', 's', 't')$$),
        pg_temp.code_of(
            $$select v1.save_template('test.greeting', 'en', 's', repeat('x', 65537))$$
        )
    ],
    array['template.kind_unknown', 'template.language_invalid', 'template.too_large'],
    'kind, language and length are checked'
);
:as_owner
update core.template_kinds set variables = variables - 'count' where template = 'test.greeting';
:as_ada
select v1.preview_template(
    'test.greeting', 'en', 'Hi', '{{ name }}', data => '{"name": "Bob", "lines": []}'
) ->> 'text' as shown
\gset
select is(:'shown'::text, 'Bob', 'sources that are given are shown with data that are given');
select is(
    pg_temp.code_of(
        $$select v1.preview_template('test.greeting', 'en', 'Hi', '{{ name }}', data => '{}')$$
    ), 'template.variable_missing', 'a value that is missing is named'
);

-- Mails of sign-in.
select is(
    (
        select
            array_agg(
                distinct pg_temp.code_of(
                    format(
                        $$select v1.save_template(
                            %L, 'en', 's', 't', '<img src="https://x.example/{{ token|urlencode }}" />'
                        )$$, template
                    )
                )
            )
        from v1.template_kinds
        where template like 'auth.%' or template in ('core.layout', 'core.test')
    ), array['template.closed'], 'no tenant writes a mail that carries a token of sign-in'
);
select is(
    (
        select array_agg(template) from v1.template_kinds
        where template like 'auth.%' and is_open_to_tenants
    ), null, 'none of them is open'
);
:as_owner
select is(
    pg_temp.code_of(
        $$update core.template_kinds set is_open_to_tenants = true where template = 'auth.email'$$
    ), '23514', 'nor can be'
);
-- A row that got there all the same is not read.
insert into core.templates (tenant_id, id, template, language) values
(:acme, '00000000-0000-4000-a000-0000000000ff', 'auth.magiclink', 'en');
insert into core.template_versions (
    tenant_id, template_id, template, language, number, subject, text, has_layout
)
values (
    :acme, '00000000-0000-4000-a000-0000000000ff', 'auth.magiclink', 'en', 1, 'evil', 'evil', false
)
returning id as evil
\gset
update core.templates set version_id = :evil
where id = '00000000-0000-4000-a000-0000000000ff';
select isnt(
    core.render_email(:acme, 'auth.magiclink', null, 'en', null, '{}') ->> 'subject', 'evil',
    'and one that is there is not sent'
);
select is(
    pg_temp.code_of(
        format(
            $$select core.render_email(%L, 'auth.magiclink', %s, 'en', null, '{}')$$, :acme, :evil
        )
    ), 'template.version_unknown', 'not by its id either'
);

-- Test mails.
update auth.users set email_confirmed_at = now() where email = 'ada@example.com';
:as_ada
select is(
    v1.send_test_email('test.greeting', 'en') ->> 'recipient', 'a***@example.com',
    'a test goes to the caller'
);
:as_owner
select results_eq(
    $$select tenant_id, recipient, template, data ->> 'subject' from core.deliveries$$,
    format($$values (%L::uuid, 'ada@example.com', 'core.test', '[Test] Hello Ann')$$, :acme),
    'and says that it is one'
);
select is(
    core.render_email(tenant_id, template, null, language, brand, data) - 'html' - 'text',
    '{
        "subject": "[Test] Hello Ann", "template_version": null, "language": "en",
        "reply_to": null, "from": {"name": "Tenon", "address": "mail@tenon.invalid"},
        "headers": {
            "Auto-Submitted": "auto-generated", "Content-Language": "en", "X-Tenon-Test": "yes"
        }
    }'::jsonb, 'in its subject and in a header'
)
from core.deliveries;
update auth.users set email_confirmed_at = null where email = 'ada@example.com';
:as_ada
select is(
    pg_temp.code_of($$select v1.send_test_email('test.greeting')$$), 'template.test_unaddressed',
    'nothing is sent to an address that nobody has confirmed'
);

-- Who may.
:as_vic
select is_empty('select from v1.templates', 'a viewer sees no templates');
select is(
    (
        select array_agg(distinct pg_temp.code_of(call))
        from unnest(
            array[
                $$select v1.save_template('test.greeting', 'en', 's', 't')$$,
                $$select v1.publish_template('test.greeting', 'en')$$,
                $$select v1.revert_template('test.greeting', 'en')$$,
                $$select v1.preview_template('test.greeting')$$,
                $$select v1.send_test_email('test.greeting')$$
            ]
        ) as call
    ), array['tenancy.permission_missing'], 'and does nothing with them'
);
:as_eve
select is_empty(
    format('select from v1.templates where tenant_id = %L', :acme),
    'another tenant sees none of them'
);
select is_empty(
    format('select from v1.template_versions where tenant_id = %L', :acme), 'no version either'
);
select is(
    pg_temp.code_of($$select v1.revert_template('test.greeting', 'en', 1)$$),
    'template.version_unknown', 'and takes none for its own'
);
:as_anon
select is(
    array[
        pg_temp.code_of('select from v1.templates'),
        pg_temp.code_of('select from v1.template_kinds'),
        pg_temp.code_of($$select v1.save_template('test.greeting', 'en', 's', 't')$$)
    ], array['42501', '42501', '42501'], 'anonymous callers neither see nor do anything'
);

select * from finish();
rollback;
