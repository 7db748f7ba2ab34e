-- Whose mail it looks like: the name, the logo, the colours, and the address that it comes from.
--
-- A brand is a row whose empty fields are taken from the next: the tenant's brand of that name, the
-- tenant's default, then the same of the tenant above, up to the platform. An address to send from
-- is another matter than a colour: whoever could write any could write as anybody. It is used only
-- where the operator has verified its domain for that very tenant; else mail comes from the
-- platform's address, says so in the name, and has the tenant's address to reply to.

set local lock_timeout = '5s';

create function core.is_plain_line(text text, length integer) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp
return char_length(text) between 1 and length
and text = trim(text)
and text !~ '[[:cntrl:]\u0080-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]';

comment on function core.is_plain_line(text, integer) is
'Whether a text is one line, at most so long, of characters that can be seen: what can stand in the
header of a mail. Internal.';

create function core.is_mail_address(address text) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp
return octet_length(address) <= 254
and address ~ '^[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$';

comment on function core.is_mail_address(text) is
'Whether a text is a mail address that needs no quotes in a header. Internal.';

create table core.brands (
    tenant_id uuid not null references core.tenants (id),
    slug text not null,
    name text,
    from_address text,
    reply_to text,
    logo_url text,
    app_url text,
    color text,
    background_color text,
    footer text,
    created_at timestamptz not null default now(),
    created_by uuid default core.caller_id(),
    primary key (tenant_id, slug),
    constraint slug_is_a_label check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    constraint name_is_plain check (
        core.is_plain_line(name, 100) and name !~ '[<>@",;:\\]'
    ),
    constraint from_address_is_one check (core.is_mail_address(from_address)),
    constraint reply_to_is_an_address check (core.is_mail_address(reply_to)),
    constraint logo_is_on_the_web check (
        logo_url ~ '^https://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?/[^\s"''<>`\\{}|^]*$'
        and octet_length(logo_url) <= 2048
    ),
    constraint app_is_on_the_web check (
        app_url ~ '^https?://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[^\s"''<>`\\{}|^?#]*)?$'
        and octet_length(app_url) <= 2048
    ),
    constraint colors_are_hex check (
        color ~ '^#[0-9a-fA-F]{6}$' and background_color ~ '^#[0-9a-fA-F]{6}$'
    ),
    constraint footer_is_short check (char_length(footer) between 1 and 2000)
);

comment on table core.brands is
'How mails of a tenant look, and of its sites, by name; "default" is for all without one. What is
null is taken from the tenant''s default and the tenants above.';
comment on column core.brands.from_address is
'Used where core.sender_domains has its domain for this tenant.';
comment on column core.brands.app_url is
'Where people of the tenant sign in: what links begin with.';
comment on column core.brands.color is 'Of buttons and links, such as #1a56db.';
comment on column core.brands.footer is
'Plain text at the end of every mail: where laws want it, the name and address of the sender.';

create table core.sender_domains (
    tenant_id uuid not null references core.tenants (id),
    domain text not null,
    verified_at timestamptz not null default now(),
    primary key (tenant_id, domain),
    constraint domain_is_in_the_form_of_the_dns check (domain = lower(domain) and domain ~ '[^.]$')
);

comment on table core.sender_domains is
'The domains that a tenant may send from, because the operator has seen that they are its own, and
that SPF and DKIM let the platform send for them.';

alter table core.brands enable row level security;
alter table core.sender_domains enable row level security;
create policy brands_read on core.brands for select to authenticated
using (tenant_id = any((select core.tenants_with('core.templates.read'))::uuid[]));
create policy sender_domains_read on core.sender_domains for select to authenticated
using (tenant_id = any((select core.tenants_with('core.templates.read'))::uuid[]));
grant select on core.brands, core.sender_domains to authenticated, service_role;

insert into core.brands (
    tenant_id, slug, name, from_address, color, background_color
)
values (
    core.platform_tenant_id(), 'default', 'Tenon', 'mail@tenon.invalid', '#1a56db', '#f3f4f6'
);

create function core.verify_sender_domain(tenant_id uuid, domain text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    normal constant text := tenon.domain_name(domain);
begin
    if normal is null then
        perform core.fail('brand.domain_invalid');
    end if;
    insert into core.sender_domains (tenant_id, domain)
    values (verify_sender_domain.tenant_id, normal)
    on conflict on constraint sender_domains_pkey do nothing;
end
$$;

comment on function core.verify_sender_domain(uuid, text) is
'Lets a tenant send from addresses of exactly this domain, once the operator has seen that it is the
tenant''s. Raises brand.domain_invalid (400). service_role may call it.';

create function core.withdraw_sender_domain(tenant_id uuid, domain text) returns void
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    delete from core.sender_domains
    where
        sender_domains.tenant_id = withdraw_sender_domain.tenant_id
        and sender_domains.domain = tenon.domain_name(withdraw_sender_domain.domain);
end
$$;

comment on function core.withdraw_sender_domain(uuid, text) is
'Takes back core.verify_sender_domain. service_role may call it.';

grant insert, delete on core.sender_domains to service_role;

create function core.tenant_line(tenant_id uuid) returns uuid[]
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    line uuid[] := '{}';
    next_id uuid := tenant_id;
begin
    while next_id is not null and next_id <> all(line) loop
        line := line || next_id;
        select tenants.parent_id into next_id from core.tenants where tenants.id = next_id;
    end loop;
    return line;
end
$$;

comment on function core.tenant_line(uuid) is
'A tenant and those above it, up to the platform. Internal.';

create function core.brand_of(tenant_id uuid, brand text) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    line constant uuid[] := core.tenant_line(tenant_id);
    platform constant uuid := core.platform_tenant_id();
    part core.brands;
    merged jsonb := '{}';
    sender core.brands;
    platform_part jsonb := '{}';
    weights constant double precision[] := '{0.2126,0.7152,0.0722}';
    rgb bytea;
    share double precision;
    luminance double precision := 0;
begin
    for part in
        select brands.*
        from core.brands
        where
            brands.tenant_id = any(line)
            and brands.slug in ('default', brand_of.brand)
        order by array_position(line, brands.tenant_id), brands.slug = 'default'
    loop
        if sender.from_address is null and part.from_address is not null then
            sender := part;
        end if;
        if part.tenant_id = platform and part.slug = 'default' then
            platform_part := to_jsonb(part);
        end if;
        merged := jsonb_strip_nulls(to_jsonb(part)) || merged;
    end loop;
    merged := merged - '{tenant_id,slug,created_at,created_by,from_address}'::text[];
    -- Black or white, whichever can be read on the colour (WCAG 2, relative luminance).
    rgb := decode(substr(merged ->> 'color', 2), 'hex');
    for place in 0 .. 2 loop
        share := get_byte(rgb, place) / 255.0;
        luminance := luminance + weights[place + 1] * case
            when share <= 0.04045 then share / 12.92
            else power((share + 0.055) / 1.055, 2.4)
        end;
    end loop;
    merged := merged || jsonb_build_object(
        'color_text', case when luminance > 0.179 then '#000000' else '#ffffff' end
    );
    if
        sender.tenant_id = platform
        or exists (
            select from core.sender_domains
            where
                sender_domains.tenant_id = sender.tenant_id
                and sender_domains.domain
                = tenon.domain_name(split_part(sender.from_address, '@', 2))
        )
    then
        merged := merged || jsonb_build_object('from_address', sender.from_address);
    else
        merged := merged || jsonb_build_object(
            'from_address', platform_part ->> 'from_address',
            'reply_to', coalesce(merged ->> 'reply_to', sender.from_address)
        );
    end if;
    return merged || jsonb_build_object(
        'from_name', case
            when
                merged ->> 'from_address' = platform_part ->> 'from_address'
                and merged ->> 'name' <> platform_part ->> 'name'
                then format('%s via %s', merged ->> 'name', platform_part ->> 'name')
            else merged ->> 'name'
        end
    );
end
$$;

comment on function core.brand_of(uuid, text) is
'A tenant''s brand with all that it takes from others: {name, from_name, from_address, reply_to,
logo_url, app_url, color, color_text, background_color, footer}, without what nobody has set. A name
that is no brand''s is the default. Internal.';

create function core.set_brand(brand core.brands) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.templates.manage');
    violated text;
begin
    insert into core.brands as known (
        tenant_id, slug, name, from_address, reply_to, logo_url, app_url, color,
        background_color, footer
    )
    values (
        owner_id, brand.slug, brand.name, brand.from_address, brand.reply_to, brand.logo_url,
        rtrim(brand.app_url, '/'), brand.color, brand.background_color, brand.footer
    )
    on conflict on constraint brands_pkey do update
    set
        name = excluded.name,
        from_address = excluded.from_address,
        reply_to = excluded.reply_to,
        logo_url = excluded.logo_url,
        app_url = excluded.app_url,
        color = excluded.color,
        background_color = excluded.background_color,
        footer = excluded.footer;
    return jsonb_build_object('tenant_id', owner_id, 'slug', brand.slug);
exception
    when check_violation or not_null_violation then
        get stacked diagnostics violated = constraint_name;
        perform core.fail(
            'brand.invalid',
            jsonb_build_object(
                'field', case violated
                    when 'name_is_plain' then 'name'
                    when 'from_address_is_one' then 'from_address'
                    when 'reply_to_is_an_address' then 'reply_to'
                    when 'logo_is_on_the_web' then 'logo_url'
                    when 'app_is_on_the_web' then 'app_url'
                    when 'colors_are_hex' then 'color'
                    when 'footer_is_short' then 'footer'
                    else 'slug'
                end
            )
        );
end
$$;

comment on function core.set_brand(core.brands) is
'Does what v1.set_brand says; the tenant of the argument does not count. Definer, because it writes
core.brands. Signed-in users may call it.';

create function core.delete_brand(slug text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('core.templates.manage');
begin
    delete from core.brands
    where
        brands.tenant_id = owner_id
        and brands.slug = delete_brand.slug
        -- Everybody falls back on the platform's.
        and (brands.slug <> 'default' or brands.tenant_id <> core.platform_tenant_id());
    if not found then
        perform core.fail('brand.unknown', jsonb_build_object('slug', delete_brand.slug));
    end if;
    return jsonb_build_object('tenant_id', owner_id, 'slug', delete_brand.slug);
end
$$;

comment on function core.delete_brand(text) is
'Does what v1.delete_brand says. Definer, because it writes core.brands. Signed-in users may call
it.';

create view v1.brands with (security_invoker = true) as
select
    brands.tenant_id,
    brands.slug,
    brands.name,
    brands.from_address,
    (
        select count(*) > 0
        from core.sender_domains
        where
            sender_domains.tenant_id = brands.tenant_id
            and sender_domains.domain = lower(split_part(brands.from_address, '@', 2))
    ) as from_address_is_verified,
    brands.reply_to,
    brands.logo_url,
    brands.app_url,
    brands.color,
    brands.background_color,
    brands.footer,
    brands.created_at,
    brands.created_by
from core.brands;

comment on view v1.brands is
'The brands of your tenants, as they were set. Needs core.templates.read; v1.set_brand and
v1.delete_brand change them.';

grant select on v1.brands to authenticated, service_role;

create function v1.set_brand(
    slug text default 'default',
    name text default null,
    from_address text default null,
    reply_to text default null,
    logo_url text default null,
    app_url text default null,
    color text default null,
    background_color text default null,
    footer text default null
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    brand constant core.brands := row(
        null, slug, name, from_address, reply_to, logo_url, app_url, color, background_color,
        footer, null, null
    )::core.brands;
begin
    return coalesce(
        core.stored_answer('set_brand', to_jsonb(brand)),
        core.store_answer(core.set_brand(brand))
    );
end
$$;

comment on function v1.set_brand(text, text, text, text, text, text, text, text, text) is
'Sets a brand as a whole: what is left out is taken from the tenant''s default and the tenants
above. Needs core.templates.manage. Mail comes from from_address once the operator has verified its domain
for your tenant, and until then from the platform''s, with yours to reply to. Returns {tenant_id,
slug}. Raises brand.invalid (400).';

create function v1.delete_brand(slug text) returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer('delete_brand', jsonb_build_object('slug', delete_brand.slug)),
        core.store_answer(core.delete_brand(delete_brand.slug))
    );
end
$$;

comment on function v1.delete_brand(text) is
'Deletes a brand; mails that name it have the tenant''s default. Needs core.templates.manage. Raises
brand.unknown (404).';

revoke all on function
core.is_plain_line(text, integer),
core.is_mail_address(text),
core.verify_sender_domain(uuid, text),
core.withdraw_sender_domain(uuid, text),
core.tenant_line(uuid),
core.brand_of(uuid, text),
core.set_brand(core.brands),
core.delete_brand(text),
v1.set_brand(text, text, text, text, text, text, text, text, text),
v1.delete_brand(text)
from public;
grant execute on function
core.verify_sender_domain(uuid, text), core.withdraw_sender_domain(uuid, text)
to service_role;
grant execute on function
core.set_brand(core.brands),
core.delete_brand(text),
v1.set_brand(text, text, text, text, text, text, text, text, text),
v1.delete_brand(text)
to authenticated, service_role;

insert into core.errors (code, status, message, hint) values
(
    'brand.invalid', 400, 'The field {field} of a brand is not what it has to be.',
    'Names are a plain line; addresses name@example.com; a logo is on https; colours are #1a56db.'
),
('brand.unknown', 404, 'The tenant has no brand {slug}.', 'Compare the name with v1.brands.'),
('brand.domain_invalid', 400, 'This is no domain.', 'Write it as example.com.');

select core.audit('core.brands');
select core.audit('core.sender_domains');
select core.map_personal(
    'core.brands.created_by', 'user.unique_id', 'created_by is user_id', 'set_null'
);
select
    core.map_not_personal(
        'The name and the addresses that a tenant shows to all it writes to.',
        'core.brands.name', 'core.brands.from_address', 'core.brands.reply_to'
    );
