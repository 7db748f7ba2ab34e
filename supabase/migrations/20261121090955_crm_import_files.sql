-- Imports: a file comes in, and is mapped.
--
-- It comes in numbered pieces, whose rows are staged as they are; the reading is carried on from
-- piece to piece, so that one may end anywhere. What its columns fill is said by a mapping, which
-- is made ready for the header once, and then is what every row is read by.

set local lock_timeout = '5s';

-- What can be imported ----------------------------------------------------------------------------

create function crm.import_lookups(object text, field text) returns text[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp
return case
    when field in ('company_id', 'parent_id') then array['name', 'external_id', 'domain']
    when field = 'contact_id' then array['email', 'external_id']
    when field = 'owner_id' then array['email']
    when field = 'team_id' then array['name', 'slug']
end;

comment on function crm.import_lookups(text, text) is
'By what the record may be named that a field points at, the usual first. Internal.';

create function crm.import_fields(object text, tenant_id uuid) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    known constant core.objects := core.object_named(object);
    fields jsonb;
begin
    select
        jsonb_object_agg(
            own.field,
            jsonb_strip_nulls(jsonb_build_object(
                'type', own.type,
                'label', own.label,
                'sql', format_type(attributes.atttypid, attributes.atttypmod),
                'lookup', to_jsonb(crm.import_lookups(known.object, own.field))
            ))
        )
    into fields
    from core.object_fields as own
    inner join pg_attribute as attributes
        on attributes.attrelid = known.relation::regclass and attributes.attname = own.field
    where
        own.object = known.object
        and own.is_writable
        and attributes.attgenerated = ''
        and own.type <> 'json'
        and own.field not in ('stage', 'pipeline_id');
    -- What the tenant has added itself.
    fields := fields || coalesce((
        select jsonb_object_agg(own.key, own.value)
        from jsonb_each(core.fields_of(known.object, import_fields.tenant_id)) as own
        where own.key like 'custom.%'
    ), '{}');
    fields := fields || '{"tags": {"type": "list", "label": "Tags"}}';
    if known.object in ('crm.contacts', 'crm.companies') then
        fields := fields || (
            select jsonb_object_agg(
                point.field, jsonb_build_object('type', 'text', 'label', point.label)
            )
            from (
                values
                ('more.email', 'Further e-mail'), ('more.phone', 'Further phone'),
                ('more.url', 'Web page'), ('address.street', 'Street'),
                ('address.postal_code', 'Postal code'), ('address.city', 'City'),
                ('address.region', 'Region'), ('address.country_code', 'Country code')
            ) as point (field, label)
        );
    end if;
    if exists (
        select from core.pipeline_objects as attached where attached.object = known.object
    ) then
        fields := fields || '{
            "stage": {"type": "text", "label": "Stage"},
            "pipeline": {"type": "text", "label": "Pipeline"},
            "stage_reason": {"type": "text", "label": "Reason"}
        }';
    end if;
    return fields;
end
$$;

comment on function crm.import_fields(text, uuid) is
'The fields that columns of an import may fill, as tenon.import_plan wants them. Internal.';

-- What v1 does ------------------------------------------------------------------------------------

create function crm.import_to_manage(id uuid) returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('crm.imports.manage');
    import crm.imports;
begin
    select imports.* into import
    from crm.imports
    where imports.tenant_id = owner_id and imports.id = import_to_manage.id
    for no key update;
    if import.id is null then
        perform core.fail('import.unknown', jsonb_build_object('id', import_to_manage.id));
    end if;
    return import;
end
$$;

comment on function crm.import_to_manage(uuid) is
'An import of the tenant in which the caller may import, locked. Raises import.unknown (404).
Internal.';

create function crm.import_answer(import crm.imports) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return jsonb_build_object(
        'id', import.id,
        'object', import.object,
        'name', import.name,
        'status', import.status,
        'header', to_jsonb(import.header),
        'mapping', import.mapping,
        'pieces', import.piece_count,
        'rows', import.row_count,
        'created', import.created_count,
        'updated', import.updated_count,
        'failed', import.failed_count
    );
end
$$;

comment on function crm.import_answer(crm.imports) is 'An import as functions of v1 answer.
Internal.';

create function crm.refuse_import_status(import crm.imports, allowed text[]) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if import.status <> all(allowed) then
        perform core.fail(
            'import.status_conflict', jsonb_build_object('status', import.status)
        );
    end if;
end
$$;

comment on function crm.refuse_import_status(crm.imports, text[]) is
'Raises import.status_conflict (409) for an import that is in no allowed state. Internal.';

create function crm.refuse_settings(settings jsonb) returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    if jsonb_typeof(settings) is distinct from 'object' then
        perform core.fail(
            'import.setting_invalid', '{"name": "settings", "wanted": "an object"}'
        );
    elsif coalesce(settings ->> 'mode', 'insert') not in ('insert', 'update', 'upsert') then
        perform core.fail(
            'import.setting_invalid', '{"name": "mode", "wanted": "insert, update or upsert"}'
        );
    elsif
        coalesce(settings ->> 'key', 'id')
        not in ('id', 'external_id', 'email', 'code', 'domain', 'name')
    then
        perform core.fail(
            'import.setting_invalid',
            '{"name": "key", "wanted": "id, external_id, email, code, domain or name"}'
        );
    elsif
        coalesce(settings ->> 'encoding', 'utf-8')
        not in ('utf-8', 'utf-16le', 'utf-16be', 'windows-1252')
    then
        perform core.fail(
            'import.setting_invalid', '{"name": "encoding", "wanted": "one that is known"}'
        );
    elsif
        settings ? 'delimiter'
        and (settings ->> 'delimiter' !~ '^[\t -~]$' or settings ->> 'delimiter' ~ '["\w]')
    then
        perform core.fail(
            'import.setting_invalid', '{"name": "delimiter", "wanted": "one sign, as ;"}'
        );
    elsif
        coalesce(settings ->> 'mode', 'insert') <> 'insert' and settings ->> 'key' is null
    then
        perform core.fail('import.key_missing');
    end if;
    perform tenon.import_plan('{}', '{}', settings - 'defaults', '{}');
end
$$;

comment on function crm.refuse_settings(jsonb) is
'Raises import.setting_invalid (400) and import.key_missing (422) for settings that no import can
have. Internal.';

create function crm.start_import(object text, name text, mapping jsonb, settings jsonb)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    owner_id constant uuid := core.sole_tenant_with('crm.imports.manage');
    wanted constant jsonb := coalesce(start_import.settings, '{}');
    known constant core.objects := core.object_named(start_import.object);
    import crm.imports;
begin
    if (owner_id = any(core.tenants_with(known.object || '.write', 'own'))) is not true then
        perform core.fail(
            'tenancy.permission_missing',
            jsonb_build_object('permission', known.object || '.write')
        );
    elsif (char_length(start_import.name) between 1 and 200) is not true then
        perform core.fail('import.name_invalid');
    elsif not exists (
        select from core.object_fields as fields
        where fields.object = known.object and fields.is_writable
    ) then
        perform core.fail('import.object_closed', jsonb_build_object('object', known.object));
    end if;
    perform crm.refuse_settings(wanted);
    insert into crm.imports (tenant_id, object, name, mode, key, mapping, settings, reading)
    values (
        owner_id, known.object, start_import.name, coalesce(wanted ->> 'mode', 'insert'),
        wanted ->> 'key', start_import.mapping, wanted,
        jsonb_strip_nulls(jsonb_build_object(
            'encoding', wanted -> 'encoding', 'delimiter', wanted -> 'delimiter'
        ))
    )
    returning * into import;
    return crm.import_answer(import);
end
$$;

comment on function crm.start_import(text, text, jsonb, jsonb) is
'What v1.start_import does. Definer, because it writes crm.imports. Signed-in users may call it.';

create function crm.map_import(id uuid, mapping jsonb, settings jsonb) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    import crm.imports := crm.import_to_manage(map_import.id);
    wanted constant jsonb := import.settings || coalesce(map_import.settings, '{}');
begin
    perform crm.refuse_import_status(import, '{open}');
    perform crm.refuse_settings(wanted);
    if jsonb_typeof(coalesce(map_import.mapping, '{}')) <> 'object' then
        perform core.fail(
            'import.setting_invalid', '{"name": "mapping", "wanted": "an object"}'
        );
    end if;
    update crm.imports
    set
        mapping = coalesce(map_import.mapping, imports.mapping),
        settings = wanted,
        mode = coalesce(wanted ->> 'mode', 'insert'),
        key = wanted ->> 'key',
        plan = null,
        check_status = 'none'
    where imports.tenant_id = import.tenant_id and imports.id = import.id
    returning * into import;
    if import.header is not null then
        import := crm.plan_import(import);
    end if;
    return crm.import_answer(import);
end
$$;

comment on function crm.map_import(uuid, jsonb, jsonb) is
'What v1.map_import does. Definer, because it writes crm.imports. Signed-in users may call it.';

create function crm.stage_rows(import crm.imports, piece bytea, is_last boolean)
returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    answer constant jsonb := tenon.import_read(piece, import.reading, is_last);
    staged jsonb := answer -> 'rows';
    counted integer;
begin
    import.reading := answer -> 'reading';
    import.is_complete := is_last;
    if import.header is null and jsonb_array_length(staged) > 0 then
        if coalesce((import.settings -> 'header')::boolean, true) then
            import.header := tenon.import_header(
                array(select jsonb_array_elements_text(staged -> 0))
            );
            staged := staged - 0;
            import.last_row := 1;
        else
            import.header := tenon.import_header(
                array(select '' from jsonb_array_elements(staged -> 0))
            );
        end if;
    end if;
    counted := jsonb_array_length(staged);
    if import.row_count + counted > crm.import_rows_max() then
        perform core.fail(
            'import.too_many_rows', jsonb_build_object('rows_max', crm.import_rows_max())
        );
    end if;
    insert into crm.import_rows (tenant_id, import_id, row_number, cells, email)
    select
        import.tenant_id,
        import.id,
        import.last_row + row.place,
        row.cells,
        (
            select cell.value
            from jsonb_array_elements_text(row.cells) as cell (value)
            where
                position('@' in cell.value) > 1
                and cell.value ~ '^\s*[^@\s]{1,64}@[^@\s]{1,189}\s*$'
            limit 1
        )
    from jsonb_array_elements(staged) with ordinality as row (cells, place);
    import.row_count := import.row_count + counted;
    import.last_row := import.last_row + counted;
    update crm.imports
    set
        reading = import.reading,
        header = import.header,
        is_complete = import.is_complete,
        row_count = import.row_count,
        last_row = import.last_row
    where imports.tenant_id = import.tenant_id and imports.id = import.id;
    return import;
end
$$;

comment on function crm.stage_rows(crm.imports, bytea, boolean) is
'Reads a piece of a file, and stages the rows that are whole with it. Internal.';

create function crm.add_import_rows(
    import_id uuid, number integer, csv text, bytes text, is_last boolean
)
returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    import crm.imports := crm.import_to_manage(add_import_rows.import_id);
    piece bytea;
    known crm.import_pieces;
    staged_before constant integer := import.row_count;
begin
    -- Text is UTF-8 by now, whatever the file was.
    if add_import_rows.csv is not null then
        piece := convert_to(add_import_rows.csv, 'UTF8');
        if import.piece_count = 0 then
            import.reading := import.reading || '{"encoding": "utf-8"}';
        end if;
    else
        begin
            piece := decode(coalesce(add_import_rows.bytes, ''), 'base64');
        exception
            when others then
                perform core.fail(
                    'import.setting_invalid', '{"name": "bytes", "wanted": "Base64"}'
                );
        end;
    end if;
    if octet_length(piece) > crm.import_piece_bytes_max() then
        perform core.fail(
            'import.piece_too_large',
            jsonb_build_object('bytes_max', crm.import_piece_bytes_max())
        );
    end if;
    select pieces.* into known
    from crm.import_pieces as pieces
    where
        pieces.tenant_id = import.tenant_id
        and pieces.import_id = import.id
        and pieces.number = add_import_rows.number;
    if known.number is not null and known.hash <> sha256(piece) then
        perform core.fail(
            'import.piece_differs', jsonb_build_object('number', add_import_rows.number)
        );
    elsif known.number is null then
        perform crm.refuse_import_status(import, '{open}');
        if import.is_complete then
            perform core.fail('import.status_conflict', '{"status": "complete"}');
        elsif add_import_rows.number is distinct from import.piece_count + 1 then
            perform core.fail(
                'import.piece_missing', jsonb_build_object('expected', import.piece_count + 1)
            );
        end if;
        import := crm.stage_rows(import, piece, coalesce(add_import_rows.is_last, false));
        insert into crm.import_pieces (tenant_id, import_id, number, hash, row_count)
        values (
            import.tenant_id, import.id, add_import_rows.number, sha256(piece),
            import.row_count - staged_before
        );
        update crm.imports
        set piece_count = imports.piece_count + 1, check_status = 'none'
        where imports.tenant_id = import.tenant_id and imports.id = import.id
        returning * into import;
    end if;
    return crm.import_answer(import);
end
$$;

comment on function crm.add_import_rows(uuid, integer, text, text, boolean) is
'What v1.add_import_rows does. Definer, because it writes crm.import_rows. Signed-in users may call
it.';

create function crm.plan_import(import crm.imports) returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    maker text;
begin
    import.plan := tenon.import_plan(
        import.header, coalesce(import.mapping, '{}'), import.settings,
        crm.import_fields(import.object, import.tenant_id)
    );
    if import.plan -> 'columns' = '[]' then
        perform core.fail('import.mapping_missing');
    elsif
        import.key is not null and not exists (
            select from jsonb_array_elements(import.plan -> 'columns') as element
            where element.value ->> 'field' = import.key
        )
    then
        perform core.fail('import.key_missing');
    end if;
    for maker in
        select 'crm.companies.write'
        from jsonb_array_elements(import.plan -> 'columns') as element
        where (element.value -> 'create')::boolean
    loop
        if (import.tenant_id = any(core.tenants_with(maker))) is not true then
            perform core.fail(
                'tenancy.permission_missing', jsonb_build_object('permission', maker)
            );
        end if;
    end loop;
    update crm.imports set plan = import.plan
    where imports.tenant_id = import.tenant_id and imports.id = import.id;
    return import;
end
$$;

comment on function crm.plan_import(crm.imports) is
'Makes the mapping of an import ready. Raises import.mapping_invalid (400), import.mapping_missing
and import.key_missing (422), and tenancy.permission_missing (403) where records are to be made
that the caller may not make. Internal.';

create function crm.complete_import(import crm.imports) returns crm.imports
language plpgsql set search_path = pg_catalog, pg_temp
as $$
declare
    caller constant record := core.caller();
begin
    if (
        import.tenant_id = any(core.tenants_with(import.object || '.write', 'own'))
    ) is not true then
        perform core.fail(
            'tenancy.permission_missing',
            jsonb_build_object('permission', import.object || '.write')
        );
    end if;
    if not import.is_complete then
        import := crm.stage_rows(import, '', true);
    end if;
    if import.header is null then
        perform core.fail('import.header_missing');
    end if;
    import := crm.plan_import(import);
    update crm.imports
    set acting_kind = caller.kind, acting_id = caller.id, stop_reason = null
    where imports.tenant_id = import.tenant_id and imports.id = import.id
    returning * into import;
    return import;
end
$$;

comment on function crm.complete_import(crm.imports) is
'Ends the reading of a file whose pieces are all there, and notes who has it done. Internal.';

create function crm.propose_import_mapping(object text, header text[]) returns jsonb
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
begin
    return tenon.import_mapping(
        tenon.import_header(array(select coalesce(name, '') from unnest(header) as name)),
        crm.import_fields(
            propose_import_mapping.object, core.sole_tenant_with('crm.imports.manage')
        )
    );
end
$$;

comment on function crm.propose_import_mapping(text, text[]) is
'What v1.propose_import_mapping does. Definer, because the fields of a tenant are internal.
Signed-in users may call it.';

-- The API -----------------------------------------------------------------------------------------

create function v1.start_import(
    object text, name text, mapping jsonb default null, settings jsonb default '{}'
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'start_import',
            jsonb_build_object(
                'object', start_import.object,
                'name', start_import.name,
                'mapping', start_import.mapping,
                'settings', start_import.settings
            )
        ),
        core.store_answer(
            crm.start_import(
                start_import.object, start_import.name, start_import.mapping,
                start_import.settings
            )
        )
    );
end
$$;

comment on function v1.start_import(text, text, jsonb, jsonb) is
'Begins an import of a file into records of an object; returns it, with its id. mapping: {"column":
"field"} or {"column": {"field", "by", "create", "as", "separator", "label"}}, which v1.map_import
can set later. settings: mode (insert, update, upsert), key, delimiter, encoding, header, decimal,
date, time_zone, currency, empty (leave, clear), keep_space, defaults. Needs crm.imports.manage and
the object''s write. Raises record.object_unknown, import.setting_invalid, import.name_invalid
(400), import.object_closed, import.key_missing (422). May be repeated with an Idempotency-Key.';

create function v1.map_import(import_id uuid, mapping jsonb, settings jsonb default null)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'map_import',
            jsonb_build_object(
                'import_id', map_import.import_id,
                'mapping', map_import.mapping,
                'settings', map_import.settings
            )
        ),
        core.store_answer(
            crm.map_import(map_import.import_id, map_import.mapping, map_import.settings)
        )
    );
end
$$;

comment on function v1.map_import(uuid, jsonb, jsonb) is
'Says which columns of an import fill which fields, and changes settings. Returns the import. Needs
crm.imports.manage. Raises import.unknown (404), import.status_conflict (409),
import.mapping_invalid, import.setting_invalid (400), import.key_missing (422). May be repeated with
an Idempotency-Key.';

create function v1.add_import_rows(
    import_id uuid,
    number integer,
    csv text default null,
    bytes text default null,
    is_last boolean default false
)
returns jsonb
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return coalesce(
        core.stored_answer(
            'add_import_rows',
            jsonb_build_object(
                'import_id', add_import_rows.import_id,
                'number', add_import_rows.number,
                'csv', add_import_rows.csv,
                'bytes', add_import_rows.bytes,
                'is_last', add_import_rows.is_last
            )
        ),
        core.store_answer(
            crm.add_import_rows(
                add_import_rows.import_id, add_import_rows.number, add_import_rows.csv,
                add_import_rows.bytes, add_import_rows.is_last
            )
        )
    );
end
$$;

comment on function v1.add_import_rows(uuid, integer, text, text, boolean) is
'Adds a piece of the file, numbered from 1: as text (csv), or as it is on the disk in Base64
(bytes), of at most 1 MiB. It may end anywhere. The same piece again has no effect. Returns the
import. Needs crm.imports.manage. Raises import.unknown (404), import.piece_missing,
import.piece_differs, import.status_conflict (409), import.piece_too_large, import.too_many_rows,
import.row_too_long, import.cell_too_long, import.too_many_columns (413), import.encoding_invalid,
import.text_invalid, import.quote_open (400). May be repeated with an Idempotency-Key.';

create function v1.propose_import_mapping(object text, header text[]) returns jsonb
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return crm.propose_import_mapping(
        propose_import_mapping.object, propose_import_mapping.header
    );
end
$$;

comment on function v1.propose_import_mapping(text, text[]) is
'A mapping for the columns that are understood, by the names and labels of fields and what they are
called in English and German. Needs crm.imports.manage. Raises record.object_unknown (400).';

revoke all on function
crm.import_lookups(text, text),
crm.import_fields(text, uuid),
crm.import_to_manage(uuid),
crm.import_answer(crm.imports),
crm.refuse_import_status(crm.imports, text[]),
crm.refuse_settings(jsonb),
crm.start_import(text, text, jsonb, jsonb),
crm.map_import(uuid, jsonb, jsonb),
crm.stage_rows(crm.imports, bytea, boolean),
crm.add_import_rows(uuid, integer, text, text, boolean),
crm.plan_import(crm.imports),
crm.complete_import(crm.imports),
crm.propose_import_mapping(text, text[]),
v1.start_import(text, text, jsonb, jsonb),
v1.map_import(uuid, jsonb, jsonb),
v1.add_import_rows(uuid, integer, text, text, boolean),
v1.propose_import_mapping(text, text[])
from public;
grant execute on function
crm.start_import(text, text, jsonb, jsonb),
crm.map_import(uuid, jsonb, jsonb),
crm.add_import_rows(uuid, integer, text, text, boolean),
crm.propose_import_mapping(text, text[]),
v1.start_import(text, text, jsonb, jsonb),
v1.map_import(uuid, jsonb, jsonb),
v1.add_import_rows(uuid, integer, text, text, boolean),
v1.propose_import_mapping(text, text[])
to authenticated, service_role;
