-- What is sent: a version, a language, a brand and the data of a delivery become a mail.
--
-- Which version: the tenant's own comes before those of the tenants above, and the platform's is
-- the last, because whoever writes a template of their own wants theirs to be read. Within a tenant
-- the language decides: the one asked for, without its region, the tenant's default, English. The
-- version that was found is part of the answer, and given back it is found again, whatever was
-- published since. The layout around the HTML, and the brand, are those of the moment.

set local lock_timeout = '5s';

create function core.tenant_language(tenant_id uuid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    line constant uuid[] := core.tenant_line(tenant_id);
    language text;
begin
    select lower(tenants.settings #>> '{core,language}') into language
    from core.tenants
    where
        tenants.id = any(line)
        and tenants.settings #>> '{core,language}' ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}$'
    order by array_position(line, tenants.id)
    limit 1;
    return coalesce(language, 'en');
end
$$;

comment on function core.tenant_language(uuid) is
'The language of a tenant, {"core": {"language": "de"}} in its settings or in those of the nearest
tenant above; English where there is none. Internal.';

create function core.tenant_zone(tenant_id uuid) returns text
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    line constant uuid[] := core.tenant_line(tenant_id);
    zone text;
begin
    select tenants.settings #>> '{core,time_zone}' into zone
    from core.tenants
    where tenants.id = any(line) and tenants.settings #>> '{core,time_zone}' is not null
    order by array_position(line, tenants.id)
    limit 1;
    if zone is null then
        return 'UTC';
    end if;
    -- A setting that is no zone must not keep mails from being sent.
    perform tenon.template_render('', 'text', '{}', '{}', 'en', zone);
    return zone;
exception
    when sqlstate 'PGRST' then
        return 'UTC';
end
$$;

comment on function core.tenant_zone(uuid) is
'The time zone of a tenant, {"core": {"time_zone": "Europe/Berlin"}} in its settings or in those of
the nearest tenant above; UTC where there is none. Internal.';

create function core.language_chain(tenant_id uuid, language text) returns text[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    chain text[] := '{}';
    tag text;
    parts text[];
begin
    foreach tag in array array[
        lower(replace(language, '_', '-')), core.tenant_language(tenant_id), 'en'
    ] loop
        parts := string_to_array(tag, '-');
        for place in reverse least(cardinality(parts), 4) .. 1 loop
            chain := chain || array_to_string(parts[1:place], '-');
        end loop;
    end loop;
    return chain;
end
$$;

comment on function core.language_chain(uuid, text) is
'The languages to look for, the best first: de-ch, de, the tenant''s, en. Internal.';

create function core.template_version(
    tenant_id uuid, template text, language text, version integer default null
)
returns core.template_versions
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    line constant uuid[] := case
        when (
            select template_kinds.is_open_to_tenants
            from core.template_kinds
            where template_kinds.template = template_version.template
        ) then core.tenant_line(tenant_id)
        else array[core.platform_tenant_id()]
    end;
    chain text[];
    chosen core.template_versions;
begin
    if version is not null then
        select template_versions.* into chosen
        from core.template_versions
        where
            template_versions.id = template_version.version
            and template_versions.template = template_version.template
            and template_versions.tenant_id = any(line);
        if chosen.id is null then
            perform core.fail('template.version_unknown');
        end if;
        return chosen;
    end if;
    chain := core.language_chain(tenant_id, language);
    select template_versions.* into chosen
    from core.templates
    inner join core.template_versions
        on
            template_versions.tenant_id = templates.tenant_id
            and template_versions.id = templates.version_id
    where
        templates.tenant_id = any(line)
        and templates.template = template_version.template
        and templates.language = any(chain)
    order by
        array_position(line, templates.tenant_id), array_position(chain, templates.language)
    limit 1;
    if chosen.id is null then
        perform core.fail(
            'template.missing', jsonb_build_object('template', template_version.template)
        );
    end if;
    return chosen;
end
$$;

comment on function core.template_version(uuid, text, text, integer) is
'The version that a tenant''s mail is made of: the one named, or the current one of the tenant and
the language that come first. Raises template.version_unknown, template.missing (404). Internal.';

create function core.template_data(
    kind core.template_kinds, variables jsonb, language text, brand jsonb, data jsonb
)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    all_data jsonb := data || jsonb_build_object(
        'brand', brand,
        'language', language,
        'direction', case
            when split_part(language, '-', 1) in ('ar', 'dv', 'fa', 'he', 'ku', 'ps', 'ur', 'yi')
                then 'rtl'
            else 'ltr'
        end
    );
    link record;
    made text;
begin
    -- Auth is set up with a slash at the end as often as without.
    if all_data ? 'site_url' then
        all_data := all_data || jsonb_build_object('site_url', rtrim(data ->> 'site_url', '/'));
    end if;
    for link in select * from jsonb_each_text(kind.links) loop
        made := tenon.template_render(link.value, 'text', variables, all_data, 'en');
        all_data := all_data || jsonb_build_object(
            link.key, case when made ~ '^https?://' then made end
        );
    end loop;
    return all_data;
end
$$;

comment on function core.template_data(core.template_kinds, jsonb, text, jsonb, jsonb) is
'All that a template is filled with: the data, what every mail has, and the links of the kind.
Internal.';

create function core.fill_template(
    kind core.template_kinds,
    version core.template_versions,
    tenant_id uuid,
    language text,
    brand jsonb,
    data jsonb
)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    -- Swiss numbers in a German mail, where one was asked for.
    habit constant text := case
        when starts_with(lower(language), version.language || '-') then lower(language)
        else version.language
    end;
    zone constant text := core.tenant_zone(tenant_id);
    variables constant jsonb := core.template_variables(kind);
    all_data constant jsonb := core.template_data(
        kind, variables, version.language, brand, data
    );
    subject constant text := tenon.template_render(
        version.subject, 'subject', variables, all_data, habit, zone
    );
    layout_kind core.template_kinds;
    layout text;
    html text := tenon.template_render(version.html, 'html', variables, all_data, habit, zone);
begin
    if html is not null and version.has_layout then
        layout_kind := core.template_kind('core.layout');
        select template_versions.html into strict layout
        from core.templates
        inner join core.template_versions
            on
                template_versions.tenant_id = templates.tenant_id
                and template_versions.id = templates.version_id
        where
            templates.tenant_id = core.platform_tenant_id()
            and templates.template = 'core.layout'
            and templates.language = 'en';
        html := tenon.template_render(
            layout,
            'html',
            core.template_variables(layout_kind),
            all_data || jsonb_build_object(
                'content', html,
                'subject', subject,
                'preheader', tenon.template_render(
                    version.preheader, 'subject', variables, all_data, habit, zone
                )
            ),
            habit,
            zone
        );
    end if;
    return jsonb_build_object(
        'subject', subject,
        'text', tenon.template_render(version.text, 'text', variables, all_data, habit, zone),
        'html', html
    );
end
$$;

comment on function core.fill_template(
    core.template_kinds, core.template_versions, uuid, text, jsonb, jsonb
) is
'Subject, text and HTML of a version with these data. Raises what tenon.template_render does.
Internal.';

create function core.render_email(
    tenant_id uuid, template text, version integer, language text, brand text, data jsonb
)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    kind constant core.template_kinds := core.template_kind(template);
    -- Supabase Auth says the language of its mails in their data.
    wanted constant text := coalesce(language, data ->> 'locale');
    looks constant jsonb := core.brand_of(tenant_id, brand);
    is_test constant boolean := template = 'core.test';
    chosen core.template_versions;
    content jsonb;
begin
    if is_test then
        -- Was rendered where it was asked for: what the caller saw is what is sent.
        content := jsonb_build_object(
            'subject', data ->> 'subject', 'text', data ->> 'text', 'html', data ->> 'html'
        );
        chosen.language := data ->> 'language';
    else
        chosen := core.template_version(tenant_id, template, wanted, version);
        content := core.fill_template(kind, chosen, tenant_id, wanted, looks, data);
    end if;
    return content || jsonb_build_object(
        'template_version', chosen.id,
        'language', chosen.language,
        'from', jsonb_build_object(
            'name', looks ->> 'from_name', 'address', looks ->> 'from_address'
        ),
        'reply_to', looks ->> 'reply_to',
        'headers', jsonb_strip_nulls(jsonb_build_object(
            'Auto-Submitted', 'auto-generated',
            'Content-Language', chosen.language,
            'X-Tenon-Test', case when is_test then 'yes' end
        ))
    );
end
$$;

comment on function core.render_email(uuid, text, integer, text, text, jsonb) is
'A mail, ready to send: {template_version, language, from: {name, address}, reply_to, subject, text,
html, headers}. version: the template_version that it had before, or null for the current one.
language: a tag, or null for data.locale and what the tenant has. brand: the name of one, or null.
Raises template.missing, template.kind_unknown, template.version_unknown (404) and what
tenon.template_render does, such as template.variable_missing. Internal.';

create function core.template_sample(variables jsonb) returns jsonb
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    variable record;
    sample jsonb := '{}';
begin
    for variable in select * from jsonb_each(variables) loop
        sample := sample || jsonb_build_object(
            variable.key,
            case
                when variable.value ? 'sample' then variable.value -> 'sample'
                when variable.value ->> 'type' = 'object'
                    then core.template_sample(variable.value -> 'fields')
                when variable.value ->> 'type' = 'list'
                    then jsonb_build_array(core.template_sample(variable.value -> 'fields'))
            end
        );
    end loop;
    return sample;
end
$$;

comment on function core.template_sample(jsonb) is
'The samples of a declaration of variables, as data. Internal.';

create function core.preview_template(
    tenant_id uuid,
    template text,
    language text,
    subject text,
    text text,
    html text,
    preheader text,
    has_layout boolean,
    brand text,
    data jsonb
)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    kind constant core.template_kinds := core.template_kind(template);
    tag constant text := core.language_tag(coalesce(language, core.tenant_language(tenant_id)));
    looks constant jsonb := core.brand_of(tenant_id, brand);
    shown core.template_versions;
    source text;
begin
    if text is not null or subject is not null then
        perform core.check_template(kind, subject, preheader, text, html);
        shown.subject := subject;
        shown.preheader := preheader;
        shown.text := text;
        shown.html := html;
        shown.has_layout := coalesce(has_layout, true);
        shown.language := tag;
        source := 'given';
    else
        select
            templates.draft_subject, templates.draft_preheader, templates.draft_text,
            templates.draft_html, templates.draft_has_layout, templates.language
        into
            shown.subject, shown.preheader, shown.text, shown.html, shown.has_layout,
            shown.language
        from core.templates
        where
            templates.tenant_id = preview_template.tenant_id
            and templates.template = preview_template.template
            and templates.language = tag
            and templates.draft_saved_at is not null;
        source := 'draft';
        if shown.subject is null then
            shown := core.template_version(tenant_id, template, tag);
            source := 'version';
        end if;
    end if;
    return core.fill_template(
        kind, shown, tenant_id, tag, looks,
        coalesce(data, core.template_sample(core.template_variables(kind)))
    ) || jsonb_build_object(
        'template', kind.template,
        'language', shown.language,
        'source', source,
        'from', jsonb_build_object(
            'name', looks ->> 'from_name', 'address', looks ->> 'from_address'
        ),
        'reply_to', looks ->> 'reply_to'
    );
end
$$;

comment on function core.preview_template(
    uuid, text, text, text, text, text, text, boolean, text, jsonb
) is
'What v1.preview_template shows, of a tenant that the caller was asked for. Internal.';

create function core.preview_own_template(
    template text, language text, subject text, text text, html text, preheader text,
    has_layout boolean, brand text, data jsonb
)
returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return core.preview_template(
        core.sole_tenant_with('core.templates.read'), template, language, subject, text, html,
        preheader, has_layout, brand, data
    );
end
$$;

comment on function core.preview_own_template(
    text, text, text, text, text, text, boolean, text, jsonb
) is
'Does what v1.preview_template says. Definer, because it reads the templates and brands of the
tenants above. Signed-in users may call it.';

create function core.send_test_email(template text, language text, brand text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.templates.manage');
    caller constant record := core.caller();
    shown jsonb;
    address text;
begin
    -- To nobody else: a tenant could have anything sent to anybody.
    select users.email into address
    from auth.users
    where caller.kind = 'user' and users.id = caller.id and users.email_confirmed_at is not null;
    if address is null then
        perform core.fail('template.test_unaddressed');
    end if;
    shown := core.preview_template(
        owner_id, template, language, null, null, null, null, null, brand, null
    );
    return jsonb_build_object(
        'delivery_id', core.enqueue_delivery(
            tenant_id => owner_id,
            channel => 'email',
            recipient => address,
            template => 'core.test',
            data => jsonb_build_object(
                'subject', left('[Test] ' || (shown ->> 'subject'), 500),
                'text', shown ->> 'text',
                'html', shown ->> 'html',
                'language', shown ->> 'language',
                'template', template
            ),
            language => shown ->> 'language',
            brand => send_test_email.brand
        ),
        'recipient', core.mask_recipient('email', address)
    );
end
$$;

comment on function core.send_test_email(text, text, text) is
'Does what v1.send_test_email says. Definer, because it reads auth.users and puts a mail into the
outbox. Signed-in users may call it.';

create function v1.preview_template(
    template text,
    language text default null,
    subject text default null,
    text text default null,
    html text default null,
    preheader text default null,
    has_layout boolean default true,
    brand text default null,
    data jsonb default null
)
returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return core.preview_own_template(
        preview_template.template, preview_template.language, preview_template.subject,
        preview_template.text, preview_template.html, preview_template.preheader,
        preview_template.has_layout, preview_template.brand, preview_template.data
    );
end
$$;

comment on function v1.preview_template(
    text, text, text, text, text, text, boolean, text, jsonb
) is
'Shows a mail, and saves and sends nothing: of the sources that are given, else of the draft, else
of what the tenant''s mails are made of; with data, or the samples of v1.template_kinds. Needs
core.templates.read. Returns {template, language, source, from, reply_to, subject, text, html}. Show
html in a frame with the attribute sandbox. Raises what v1.save_template does,
template.variable_missing and template.variable_invalid (400).';

create function v1.send_test_email(
    template text, language text default null, brand text default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'send_test_email',
            jsonb_build_object(
                'template', send_test_email.template, 'language', send_test_email.language,
                'brand', send_test_email.brand
            )
        ),
        core.store_answer(
            core.send_test_email(
                send_test_email.template, send_test_email.language, send_test_email.brand
            )
        )
    );
end
$$;

comment on function v1.send_test_email(text, text, text) is
'Sends what v1.preview_template shows, with samples, to your own confirmed address and to no other.
Its subject begins with [Test]. Needs core.templates.manage, and a user. Returns {delivery_id,
recipient}. Raises template.test_unaddressed (403) and what v1.preview_template does.';

revoke all on function
core.tenant_language(uuid),
core.tenant_zone(uuid),
core.language_chain(uuid, text),
core.template_version(uuid, text, text, integer),
core.template_data(core.template_kinds, jsonb, text, jsonb, jsonb),
core.fill_template(core.template_kinds, core.template_versions, uuid, text, jsonb, jsonb),
core.render_email(uuid, text, integer, text, text, jsonb),
core.template_sample(jsonb),
core.preview_template(uuid, text, text, text, text, text, text, boolean, text, jsonb),
core.preview_own_template(text, text, text, text, text, text, boolean, text, jsonb),
core.send_test_email(text, text, text),
v1.preview_template(text, text, text, text, text, text, boolean, text, jsonb),
v1.send_test_email(text, text, text)
from public;
grant execute on function
core.preview_own_template(text, text, text, text, text, text, boolean, text, jsonb),
core.send_test_email(text, text, text),
v1.preview_template(text, text, text, text, text, text, boolean, text, jsonb),
v1.send_test_email(text, text, text)
to authenticated, service_role;

insert into core.errors (code, status, message, hint) values
(
    'template.missing', 404, 'There is no template {template} in any language of the tenant.',
    'Publish one in English: everybody falls back on it.'
),
(
    'template.test_unaddressed', 403, 'A test goes to the confirmed address of a user.',
    'Sign in as a user whose address is confirmed.'
);
