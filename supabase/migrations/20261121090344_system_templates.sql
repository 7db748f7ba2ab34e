-- The templates that everybody falls back on: the layout, and the mails of the platform itself.
--
-- A mail is described in blocks, once a language, and made into its text and its HTML from those,
-- so that the two say the same and all of them look alike. The HTML is what mail programs read:
-- tables, styles beside the elements, no script, nothing from elsewhere but the logo. What is
-- written so is a template like any other, and checked like it.

set local lock_timeout = '5s';

create function core.template_block(block jsonb) returns table (text_part text, html_part text)
language plpgsql immutable set search_path = pg_catalog, pg_temp
as $$
declare
    kind constant text := (select min(key) from jsonb_object_keys(block) as key where key <> 'if');
    content constant jsonb := block -> kind;
    line constant text := content #>> '{}';
begin
    case kind
        when 'heading' then
            text_part := line;
            html_part := format(
                '<h1 style="margin:0 0 16px;font-size:22px;line-height:30px;font-weight:700;'
                'color:#111827">%s</h1>', line
            );
        when 'paragraph' then
            text_part := line;
            html_part := format('<p style="margin:0 0 16px;white-space:pre-line">%s</p>', line);
        when 'small' then
            text_part := line;
            html_part := format(
                '<p style="margin:16px 0 0;font-size:13px;line-height:20px;color:#4b5563">%s</p>',
                line
            );
        when 'button' then
            text_part := format(E'%s:\n{{ %s }}', content ->> 0, content ->> 1);
            html_part := format(
                $html$<table role="presentation" cellpadding="0" cellspacing="0" border="0"
style="margin:8px 0 24px"><tr><td bgcolor="{{ brand.color }}" style="border-radius:6px;
background-color:{{ brand.color }}"><a href="{{ %2$s }}" style="display:inline-block;
padding:12px 24px;font-weight:600;text-decoration:none;border-radius:6px;
color:{{ brand.color_text }}">%1$s</a></td></tr></table>
<p style="margin:0 0 16px;font-size:13px;line-height:20px;color:#4b5563;
word-break:break-all"><a href="{{ %2$s }}" style="color:#4b5563">{{ %2$s }}</a></p>$html$,
                content ->> 0, content ->> 1
            );
        when 'code' then
            text_part := format('    {{ %s }}', line);
            html_part := format(
                '<p dir="ltr" style="margin:8px 0 24px;font-size:28px;line-height:36px;'
                'font-weight:700;letter-spacing:4px;font-family:Consolas,Menlo,monospace;'
                'color:#111827;word-break:break-all">{{ %s }}</p>', line
            );
        when 'details' then
            select
                string_agg(format('%s: %s', row.pair ->> 0, row.pair ->> 1), E'\n'),
                $html$<table role="presentation" cellpadding="0" cellspacing="0" border="0"
width="100%" style="margin:0 0 24px;border-top:1px solid #e5e7eb">$html$
                || string_agg(
                    format(
                        $html$<tr><td valign="top" style="padding:8px 0;
border-bottom:1px solid #e5e7eb;color:#4b5563">%s</td><td valign="top"
style="padding:8px 0 8px 16px;border-bottom:1px solid #e5e7eb;font-weight:600;
text-align:end">%s</td></tr>$html$,
                        row.pair ->> 0, row.pair ->> 1
                    ), ''
                ) || '</table>'
            into text_part, html_part
            from jsonb_array_elements(content) with ordinality as row (pair, place);
        when 'lines' then
            text_part := format(
                E'{%% for %1$s in %2$s %%}\n{{ %1$s.title }}: {{ %1$s.amount }}\n{%% endfor %%}',
                content ->> 0, content ->> 1
            );
            html_part := format(
                $html$<table role="presentation" cellpadding="0" cellspacing="0" border="0"
width="100%%" style="margin:0 0 24px;
border-top:1px solid #e5e7eb">{%% for %1$s in %2$s %%}<tr><td valign="top" style="padding:8px 0;
border-bottom:1px solid #e5e7eb">{{ %1$s.title }}</td><td valign="top"
style="padding:8px 0 8px 16px;border-bottom:1px solid #e5e7eb;text-align:end;
white-space:nowrap">{{ %1$s.amount }}</td></tr>{%% endfor %%}</table>$html$,
                content ->> 0, content ->> 1
            );
    end case;
    if kind <> 'lines' then
        -- A statement takes the end of its line with it, which is wanted where it has a line alone.
        text_part := regexp_replace(text_part, '%}(\n|$)', E'%}\n\\1', 'g');
    end if;
    if block ? 'if' then
        text_part := format(E'{%% if %s %%}\n%s\n\n{%% endif %%}', block ->> 'if', text_part);
        html_part := format(E'{%% if %s %%}\n%s\n{%% endif %%}', block ->> 'if', html_part);
    else
        text_part := text_part || E'\n\n';
    end if;
    text_part := rtrim(text_part, ' ') || case when block ? 'if' then E'\n' else '' end;
    return next;
end
$$;

comment on function core.template_block(jsonb) is
'A block of a shipped template as text and as HTML: {"heading": …}, {"paragraph": …}, {"small": …},
{"button": [label, link]}, {"code": variable}, {"details": [[label, value], …]}, {"lines": [item,
list]}, each with a condition "if" where it has one. Owner only.';

create function core.ship_template(
    template text, language text, subject text, preheader text, variadic blocks jsonb[]
)
returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    kind constant core.template_kinds := core.template_kind(template);
    platform constant uuid := core.platform_tenant_id();
    text_source text;
    html_source text;
    shipped_id uuid;
    shipped_version_id integer;
begin
    select
        string_agg(made.text_part, '' order by place),
        string_agg(made.html_part, E'\n' order by place)
    into text_source, html_source
    from unnest(blocks) with ordinality as block (description, place)
    cross join core.template_block(block.description) as made;
    text_source := text_source
        || E'-- \n{{ brand.name }}\n{% if brand.footer %}\n{{ brand.footer }}\n{% endif %}\n';
    perform core.check_template(kind, subject, preheader, text_source, html_source);
    insert into core.templates (tenant_id, template, language)
    values (platform, kind.template, ship_template.language)
    on conflict on constraint template_language_is_unique do update set template = excluded.template
    returning templates.id into shipped_id;
    insert into core.template_versions (
        tenant_id, template_id, template, language, number, subject, preheader, text, html,
        has_layout
    )
    select
        platform, shipped_id, kind.template, ship_template.language,
        coalesce(max(template_versions.number), 0) + 1,
        ship_template.subject, ship_template.preheader, text_source, html_source, true
    from core.template_versions
    where template_versions.tenant_id = platform and template_versions.template_id = shipped_id
    returning template_versions.id into shipped_version_id;
    -- What an operator has published stays current; the new one is there to go back to.
    update core.templates set version_id = shipped_version_id
    where
        templates.tenant_id = platform
        and templates.id = shipped_id
        and not exists (
            select from core.template_versions
            where
                template_versions.tenant_id = platform
                and template_versions.id = templates.version_id
                and template_versions.published_by is not null
        );
end
$$;

comment on function core.ship_template(text, text, text, text, jsonb[]) is
'Publishes a template of the platform in a language, of blocks as core.template_block has them. For
the migration that brings the mail. What a person has published stays current. Owner only.';

revoke all on function
core.template_block(jsonb), core.ship_template(text, text, text, text, jsonb[])
from public;

insert into core.template_kinds (template, description, is_open_to_tenants, variables) values
(
    'core.layout', 'The page around the HTML of all mails.', false,
    '{
        "content": {
            "type": "html", "description": "What the mail''s own template made.",
            "sample": "<p>The mail.</p>"
        },
        "subject": {"type": "text", "sample": "The subject"},
        "preheader": {"type": "text", "optional": true, "sample": "What it is about"}
    }'
),
('core.test', 'What v1.send_test_email sends: another template, with samples.', false, '{}');

insert into core.templates (tenant_id, template, language)
values (core.platform_tenant_id(), 'core.layout', 'en');

insert into core.template_versions (
    tenant_id, template_id, template, language, number, subject, text, html, has_layout
)
select
    templates.tenant_id,
    templates.id,
    templates.template,
    templates.language,
    1,
    '{{ subject }}',
    '{{ subject }}',
    $html$<!DOCTYPE html>
<html lang="{{ language }}" dir="{{ direction }}">
<head>
<meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<meta name="color-scheme" content="light" />
<meta name="supported-color-schemes" content="light" />
<meta name="format-detection" content="telephone=no, date=no, address=no, email=no" />
<title>{{ subject }}</title>
<style>
body { margin: 0; padding: 0; width: 100%; -webkit-text-size-adjust: 100%; }
table { border-collapse: separate; }
img { border: 0; max-width: 100%; }
@media (max-width: 620px) {
  .card { padding: 24px 20px !important; border-radius: 0 !important; }
  .page { padding: 20px 0 24px !important; }
  .edge { padding-left: 20px !important; padding-right: 20px !important; }
}
</style>
</head>
<body bgcolor="{{ brand.background_color }}" style="margin:0;padding:0;
background-color:{{ brand.background_color }}">
{% if preheader %}
<div style="display:none;font-size:1px;line-height:1px;max-height:0;max-width:0;opacity:0;
overflow:hidden;mso-hide:all">{{ preheader }}</div>
{% endif %}
<table role="presentation" cellpadding="0" cellspacing="0" border="0" width="100%"
bgcolor="{{ brand.background_color }}" style="background-color:{{ brand.background_color }}">
<tr>
<td class="page" align="center" style="padding:32px 16px">
<table role="presentation" cellpadding="0" cellspacing="0" border="0" width="600"
style="width:100%;max-width:600px">
<tr>
<td class="edge" style="padding:0 8px 20px;
font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:18px;
line-height:24px;font-weight:700;color:#111827">{% if brand.logo_url %}<img
src="{{ brand.logo_url }}" alt="{{ brand.name }}" height="40" style="display:block;height:40px;
width:auto" />{% else %}{{ brand.name }}{% endif %}</td>
</tr>
<tr>
<td class="card" bgcolor="#ffffff" style="padding:32px;background-color:#ffffff;
border-radius:8px;border-top:4px solid {{ brand.color }};
font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:16px;
line-height:24px;color:#1f2937">
{{ content }}
</td>
</tr>
<tr>
<td class="edge" style="padding:20px 8px 0;
font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;font-size:12px;
line-height:18px;color:#4b5563;white-space:pre-line">{{ brand.name }}{% if brand.footer %}<br
/>{{ brand.footer }}{% endif %}</td>
</tr>
</table>
</td>
</tr>
</table>
</body>
</html>
$html$,
    false
from core.templates
where templates.template = 'core.layout';

update core.templates
set version_id = template_versions.id
from core.template_versions
where
    templates.template = 'core.layout'
    and template_versions.tenant_id = templates.tenant_id
    and template_versions.template_id = templates.id;
