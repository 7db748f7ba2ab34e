-- On what ground a person's data are used for a purpose, and how that can be shown later.
--
-- A consent and its withdrawal are two facts, each written once and never changed: what was valid
-- when is read from both. A withdrawal names the consents that it ends, so that none recorded under
-- another identifier of the person stays standing.

set local lock_timeout = '5s';

insert into core.errors (code, status, message, hint) values
(
    'privacy.consent_invalid', 400, 'This is no consent: {field} does not fit.',
    'purpose: 1 to 100 of a-z, 0-9, _ and dots. legal_basis: a basis of Art. 6(1) GDPR. source: 1 '
    'to 200 characters. proof_text: up to 20000. A time is not in the future.'
),
(
    'privacy.consent_unknown', 404, 'No consent of this person for {purpose} is standing.',
    'Compare with v1.consents; try the other identifiers of the person.'
),
(
    'privacy.append_only', 403, 'What was recorded about a consent is not changed.',
    'Withdraw the consent, or record another one.'
);

create table core.consents (
    tenant_id uuid not null references core.tenants (id),
    id uuid not null default gen_random_uuid(),
    user_id uuid,
    email text,
    phone text,
    purpose text not null,
    legal_basis text not null,
    given_at timestamptz not null,
    source text not null,
    channel text,
    proof_text text,
    proof_version text,
    recorded_at timestamptz not null default now(),
    recorded_by uuid default core.caller_id(),
    primary key (tenant_id, id),
    constraint somebody_consents check (num_nonnulls(user_id, email, phone) > 0),
    constraint purpose_is_a_word check (purpose ~ '^[a-z0-9_]+(\.[a-z0-9_]+)*$'),
    constraint purpose_is_short check (char_length(purpose) <= 100),
    constraint legal_basis_is_of_the_law check (
        legal_basis in (
            'consent', 'contract', 'legal_obligation', 'vital_interests', 'public_task',
            'legitimate_interests'
        )
    ),
    constraint source_is_short check (char_length(source) between 1 and 200),
    constraint channel_is_short check (char_length(channel) between 1 and 100),
    constraint proof_text_is_short check (char_length(proof_text) between 1 and 20000),
    constraint proof_version_is_short check (char_length(proof_version) between 1 and 100)
);
create index consents_user_id on core.consents (tenant_id, user_id, purpose)
where user_id is not null;
create index consents_email on core.consents (tenant_id, email, purpose) where email is not null;
create index consents_phone on core.consents (tenant_id, phone, purpose) where phone is not null;

comment on table core.consents is
'Who agreed to what, or why their data may be used without: facts, which are never changed.
core.consent_withdrawals says which of them have ended.';
comment on column core.consents.purpose is 'What for: newsletter, crm.profiling.';
comment on column core.consents.legal_basis is 'Of Art. 6(1) GDPR; consent is (a).';
comment on column core.consents.source is 'Where it comes from: a form, a contract, a call.';
comment on column core.consents.channel is 'How the person may be reached for it: email, phone.';
comment on column core.consents.proof_text is 'The words that the person agreed to.';

create table core.consent_withdrawals (
    tenant_id uuid not null,
    consent_id uuid not null,
    withdrawn_at timestamptz not null,
    source text not null,
    recorded_at timestamptz not null default now(),
    recorded_by uuid default core.caller_id(),
    primary key (tenant_id, consent_id),
    foreign key (tenant_id, consent_id) references core.consents (tenant_id, id)
    on delete cascade,
    constraint source_is_short check (char_length(source) between 1 and 200)
);

comment on table core.consent_withdrawals is
'Which consents have ended, and when: facts, which are never changed.';

alter table core.consents enable row level security;
alter table core.consent_withdrawals enable row level security;
create policy consents_read on core.consents for select to authenticated
using (tenant_id = any((select core.tenants_with('core.privacy.read'))::uuid[]));
create policy consent_withdrawals_read on core.consent_withdrawals for select to authenticated
using (tenant_id = any((select core.tenants_with('core.privacy.read'))::uuid[]));
grant select on core.consents, core.consent_withdrawals to authenticated, service_role;

create function core.refuse_consent_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    perform core.fail('privacy.append_only');
    return null;
end
$$;

comment on function core.refuse_consent_change() is
'Trigger: refuses to change what was recorded, to the owner of the table too.
Raises privacy.append_only (403).';

create trigger consents_are_not_changed before update on core.consents
for each row execute function core.refuse_consent_change();
create trigger withdrawals_are_not_changed before update on core.consent_withdrawals
for each row execute function core.refuse_consent_change();

create function core.standing_consents(tenant_id uuid, identifiers jsonb, purpose text)
returns setof core.consents
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select consents.*
    from core.consents
    where
        consents.tenant_id = standing_consents.tenant_id
        and consents.purpose = standing_consents.purpose
        and (
            consents.user_id = any(
                array(select jsonb_array_elements_text(identifiers -> 'user_id'))::uuid[]
            )
            or consents.email = any(
                array(select jsonb_array_elements_text(identifiers -> 'email'))
            )
            or consents.phone = any(
                array(select jsonb_array_elements_text(identifiers -> 'phone'))
            )
        )
        and not exists (
            select from core.consent_withdrawals as withdrawals
            where
                withdrawals.tenant_id = consents.tenant_id
                and withdrawals.consent_id = consents.id
        );
end
$$;

comment on function core.standing_consents(uuid, jsonb, text) is
'What is recorded of the person with any of these identifiers for the purpose, on whatever basis,
and was not withdrawn. Reads with the caller''s rights. Signed-in users may call it.';

create function core.has_consent(tenant_id uuid, subject jsonb, purpose text) returns boolean
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
begin
    return exists (
        select
        from core.standing_consents(
            has_consent.tenant_id,
            core.person_asked(
                (subject ->> 'user_id')::uuid, subject ->> 'email', subject ->> 'phone'
            ),
            has_consent.purpose
        ) as standing
        where standing.legal_basis = 'consent'
    );
end
$$;

comment on function core.has_consent(uuid, jsonb, text) is
'Whether the person, {"user_id": …, "email": …, "phone": …}, one of them or more, has consented
to the purpose and not withdrawn it; other legal bases are no consent. Reads with the caller''s
rights: for functions of ours that are about to use the data, and for who has core.privacy.read.
Raises privacy.person_missing (400). Signed-in users may call it.';

create function core.check_consent(
    purpose text, legal_basis text, at timestamptz, source text, channel text, proof_text text,
    proof_version text
)
returns void
language plpgsql stable set search_path = pg_catalog, pg_temp
as $$
declare
    misfit constant text := case
        when (purpose ~ '^[a-z0-9_]+(\.[a-z0-9_]+)*$' and char_length(purpose) <= 100) is not true
            then 'purpose'
        when
            legal_basis is null
            or legal_basis not in (
                'consent', 'contract', 'legal_obligation', 'vital_interests', 'public_task',
                'legitimate_interests'
            )
            then 'legal_basis'
        when (at <= now() and isfinite(at)) is not true then 'the time'
        when (char_length(source) between 1 and 200) is not true then 'source'
        when (char_length(channel) between 1 and 100) is false then 'channel'
        when (char_length(proof_text) between 1 and 20000) is false then 'proof_text'
        when (char_length(proof_version) between 1 and 100) is false then 'proof_version'
    end;
begin
    if misfit is not null then
        perform core.fail('privacy.consent_invalid', jsonb_build_object('field', misfit));
    end if;
end
$$;

comment on function core.check_consent(text, text, timestamptz, text, text, text, text) is
'Refuses what is no consent: privacy.consent_invalid (400). Internal.';

create function core.record_consent(
    asked jsonb, purpose text, legal_basis text, given_at timestamptz, source text, channel text,
    proof_text text, proof_version text
)
returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    of_tenant constant uuid := core.sole_tenant_with('core.privacy.write');
    consent_id uuid;
begin
    perform core.check_consent(
        record_consent.purpose, record_consent.legal_basis, record_consent.given_at,
        record_consent.source, record_consent.channel, record_consent.proof_text,
        record_consent.proof_version
    );
    insert into core.consents (
        tenant_id, user_id, email, phone, purpose, legal_basis, given_at, source, channel,
        proof_text, proof_version
    )
    values (
        of_tenant,
        (asked #>> '{user_id,0}')::uuid,
        asked #>> '{email,0}',
        asked #>> '{phone,0}',
        record_consent.purpose,
        record_consent.legal_basis,
        record_consent.given_at,
        record_consent.source,
        record_consent.channel,
        record_consent.proof_text,
        record_consent.proof_version
    )
    returning id into consent_id;
    return consent_id;
end
$$;

comment on function core.record_consent(jsonb, text, text, timestamptz, text, text, text, text) is
'What v1.record_consent does. Definer, because nobody writes consents but by it; asks for
core.privacy.write itself. Signed-in users may call it.';

create function core.withdraw_consent(
    asked jsonb, purpose text, withdrawn_at timestamptz, source text
)
returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    of_tenant constant uuid := core.sole_tenant_with('core.privacy.write');
    withdrawn integer;
begin
    perform core.check_consent(
        withdraw_consent.purpose, 'consent', withdraw_consent.withdrawn_at,
        withdraw_consent.source, null, null, null
    );
    insert into core.consent_withdrawals (tenant_id, consent_id, withdrawn_at, source)
    select
        standing.tenant_id,
        standing.id,
        greatest(withdraw_consent.withdrawn_at, standing.given_at),
        withdraw_consent.source
    from core.standing_consents(
        of_tenant, core.identifiers_of(of_tenant, asked), withdraw_consent.purpose
    ) as standing
    on conflict do nothing;
    get diagnostics withdrawn = row_count;
    if withdrawn = 0 then
        perform core.fail(
            'privacy.consent_unknown', jsonb_build_object('purpose', withdraw_consent.purpose)
        );
    end if;
    return withdrawn;
end
$$;

comment on function core.withdraw_consent(jsonb, text, timestamptz, text) is
'What v1.withdraw_consent does. Definer, because nobody writes withdrawals but by it; asks for
core.privacy.write itself. Signed-in users may call it.';

create function v1.record_consent(
    purpose text,
    source text,
    user_id uuid default null,
    email text default null,
    phone text default null,
    legal_basis text default 'consent',
    given_at timestamptz default now(),
    channel text default null,
    proof_text text default null,
    proof_version text default null
)
returns uuid
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.record_consent(
        core.person_asked(record_consent.user_id, record_consent.email, record_consent.phone),
        record_consent.purpose,
        record_consent.legal_basis,
        record_consent.given_at,
        record_consent.source,
        record_consent.channel,
        record_consent.proof_text,
        record_consent.proof_version
    );
end
$$;

comment on function v1.record_consent(
    text, text, uuid, text, text, text, timestamptz, text, text, text
) is
'Records that a person has consented to a purpose, or on what other legal basis of Art. 6(1) GDPR
their data are used for it; source says where that comes from, proof_text and proof_version what
they agreed to. Returns its id. Needs core.privacy.write. Raises privacy.person_missing (400),
privacy.consent_invalid (400). Signed-in users may call it.';

create function v1.withdraw_consent(
    purpose text,
    source text,
    user_id uuid default null,
    email text default null,
    phone text default null,
    withdrawn_at timestamptz default now()
)
returns integer
language plpgsql set search_path = pg_catalog, pg_temp
as $$
begin
    return core.withdraw_consent(
        core.person_asked(
            withdraw_consent.user_id, withdraw_consent.email, withdraw_consent.phone
        ),
        withdraw_consent.purpose,
        withdraw_consent.withdrawn_at,
        withdraw_consent.source
    );
end
$$;

comment on function v1.withdraw_consent(text, text, uuid, text, text, timestamptz) is
'Records that a person has withdrawn their consent to a purpose, or objects to what is done on
another basis: ends all that is standing, and returns how many that were. Needs
core.privacy.write. Raises privacy.person_missing (400), privacy.consent_invalid (400),
privacy.consent_unknown (404). Signed-in users may call it.';

create view v1.consents with (security_invoker = true) as
select
    consents.tenant_id,
    consents.id,
    consents.user_id,
    consents.email,
    consents.phone,
    consents.purpose,
    consents.legal_basis,
    consents.given_at,
    consents.source,
    consents.channel,
    consents.proof_text,
    consents.proof_version,
    consents.recorded_at,
    consents.recorded_by,
    withdrawals.withdrawn_at,
    withdrawals.source as withdrawn_source
from core.consents
left join core.consent_withdrawals as withdrawals
    on withdrawals.tenant_id = consents.tenant_id and withdrawals.consent_id = consents.id;

comment on view v1.consents is
'Who agreed to what and when, and when that ended; withdrawn_at is null while it stands. Needs
core.privacy.read; v1.record_consent and v1.withdraw_consent write.';

grant select on v1.consents to authenticated, service_role;

select
    core.map_personal(
        'core.consents.' || line.named, line.category,
        'user_id is user_id or email is email or phone is phone', 'delete_row'
    )
from (
    values
    ('id', 'user.privacy_preferences'),
    ('user_id', 'user.unique_id'),
    ('email', 'user.contact.email'),
    ('phone', 'user.contact.phone_number'),
    ('purpose', 'user.privacy_preferences'),
    ('legal_basis', 'user.privacy_preferences'),
    ('given_at', 'user.privacy_preferences'),
    ('source', 'user.privacy_preferences'),
    ('channel', 'user.privacy_preferences'),
    ('proof_text', 'user.privacy_preferences'),
    ('proof_version', 'user.privacy_preferences')
) as line (named, category);
select
    core.map_personal(
        'core.consent_withdrawals.' || named, 'user.privacy_preferences',
        'consent_id in core.consents.id', 'delete_row'
    )
from (values ('withdrawn_at'), ('source')) as line (named);
select
    core.map_personal(
        mapped, 'user.unique_id', 'recorded_by is user_id', 'keep',
        'Who recorded a consent belongs to its proof: Art. 7(1) GDPR.'
    )
from (
    values ('core.consents.recorded_by'), ('core.consent_withdrawals.recorded_by')
) as line (mapped);

revoke all on function
core.refuse_consent_change(),
core.standing_consents(uuid, jsonb, text),
core.has_consent(uuid, jsonb, text),
core.check_consent(text, text, timestamptz, text, text, text, text),
core.record_consent(jsonb, text, text, timestamptz, text, text, text, text),
core.withdraw_consent(jsonb, text, timestamptz, text),
v1.record_consent(text, text, uuid, text, text, text, timestamptz, text, text, text),
v1.withdraw_consent(text, text, uuid, text, text, timestamptz)
from public;
grant execute on function
core.standing_consents(uuid, jsonb, text),
core.has_consent(uuid, jsonb, text),
core.record_consent(jsonb, text, text, timestamptz, text, text, text, text),
core.withdraw_consent(jsonb, text, timestamptz, text),
v1.record_consent(text, text, uuid, text, text, text, timestamptz, text, text, text),
v1.withdraw_consent(text, text, uuid, text, text, timestamptz)
to authenticated, service_role;

select core.audit('core.consents');
select core.audit('core.consent_withdrawals');
