-- Imports of deals and leads: where they stand, and that no guard is passed by.
begin;
\ir ../support/fixtures.sql
\ir ../support/imports.sql
select plan(31);

create function pg_temp.errors_of(called text, of_phase text)
returns table (row_number integer, column_name text, code text)
language sql
as $$
    select row_number, column_name, code from v1.import_errors
    where import_id = pg_temp.import_named(called) and phase = of_phase
    order by row_number, place
$$;
grant execute on function pg_temp.errors_of(text, text) to public;

:as_ada
insert into v1.companies (name, domain) values ('ACME', 'acme.example');
insert into v1.contacts (given_name, email) values ('Bea', 'bea@acme.example');

-- Deals -------------------------------------------------------------------------------------------

select isnt(
    pg_temp.begin_import(
        'crm.deals', 'deals',
        E'id;name;firm;person;value;stage;pipeline;why\n'
        'D1;One;acme;BEA@acme.example;1.234,50 €;;;\n'
        'D2;Two;ACME;;100 €;Qualification;;\n'
        'D3;Three;;;100 €;proposal;;\n'
        'D4;Four;;;;proposal;;\n'
        'D5;Five;;;100 €;Won;;\n'
        'D6;Six;;;;upcoming;Renewals;\n'
        'D7;Seven;;;;lost;SALES;\n'
        'D8;Eight;;;;Lost;sales;Too dear\n'
        'D9;Nine;;;;no stage;;\n'
        'D10;Ten;;;;;no pipeline;\n'
        'D11;Eleven;no company;;;;;\n',
        '{"id": "external_id", "name": "name", "firm": {"field": "company_id", "by": "name"},
        "person": {"field": "contact_id", "by": "email"},
        "value": {"field": "amount_minor", "as": "money"}, "stage": "stage",
        "pipeline": "pipeline", "why": "stage_reason"}',
        '{"mode": "upsert", "key": "external_id", "decimal": ","}'
    ),
    null, 'an import of deals begins'
);
select is(
    v1.check_import(pg_temp.import_named('deals')) - 'sample' - 'errors' - 'id',
    '{"rows": 11, "create": 5, "update": 0, "failed": 6, "duplicates": 0, "status": "done"}',
    'the dry run foresees moves'
);
select results_eq(
    $$select * from pg_temp.errors_of('deals', 'check')$$,
    $$
        values
        (5, 'stage', 'pipeline.fields_missing'),
        (6, 'stage', 'pipeline.transition_missing'),
        (8, 'stage', 'pipeline.reason_required'),
        (10, 'stage', 'pipeline.stage_unknown'),
        (11, 'pipeline', 'pipeline.unknown'),
        (12, 'firm', 'import.lookup_missing')
    $$,
    'and says which are refused, and why'
);
select is_empty('select id from v1.deals', 'and moves nothing');
select lives_ok(format('select v1.run_import(%L)', pg_temp.import_named('deals')), 'it is run');
:as_owner
select is(pg_temp.run_jobs(), 'succeeded', 'and gets through');
:as_ada
select results_eq(
    $$select * from pg_temp.errors_of('deals', 'run')$$,
    $$select * from pg_temp.errors_of('deals', 'check')$$,
    'the run refuses what was foreseen'
);
select is(
    (
        select explanation from v1.import_errors
        where
            import_id = pg_temp.import_named('deals') and phase = 'run'
            and code = 'pipeline.fields_missing'
    ),
    (
        select explanation from v1.import_errors
        where
            import_id = pg_temp.import_named('deals') and phase = 'check'
            and code = 'pipeline.fields_missing'
    ),
    'in the same words'
);
select results_eq(
    $$
        select
            deals.external_id, pipelines.slug, deals.stage, deals.stage_kind, deals.amount_minor,
            deals.currency, companies.name, contacts.given_name, deals.lost_reason
        from v1.deals
        inner join v1.pipelines on pipelines.id = deals.pipeline_id
        left join v1.companies on companies.id = deals.company_id
        left join v1.contacts on contacts.id = deals.contact_id
        order by deals.external_id
    $$,
    $$
        values
        ('D1', 'sales', 'qualification', 'open', 123450::bigint, 'EUR', 'ACME', 'Bea', null),
        ('D2', 'sales', 'qualification', 'open', 10000, 'EUR', 'ACME', null, null),
        ('D3', 'sales', 'proposal', 'open', 10000, 'EUR', null, null, null),
        ('D6', 'renewals', 'upcoming', 'open', null, null, null, null, null),
        ('D8', 'sales', 'lost', 'lost', null, null, null, null, 'Too dear')
    $$,
    'deals stand where their rows say, and those that may not be moved there are not made'
);
select results_eq(
    $$
        select
            deals.external_id, history.from_stage, history.stage, history.moved_by,
            history.reason
        from v1.stage_history as history
        inner join v1.deals on deals.id = history.record_id
        where deals.external_id in ('D2', 'D8')
        order by deals.external_id, history.entered_at
    $$,
    $$
        values
        (
            'D2', null, 'qualification', '00000000-0000-4000-8000-000000000001'::uuid, null
        ),
        ('D8', null, 'qualification', '00000000-0000-4000-8000-000000000001', null),
        (
            'D8', 'qualification', 'lost', '00000000-0000-4000-8000-000000000001', 'Too dear'
        )
    $$,
    'a start is where a deal begins, another stage where it is moved, by who imports'
);
:as_owner
select is(
    (
        select count(*) from core.stage_periods as periods
        where
            not exists (
                select from crm.deals
                where deals.tenant_id = periods.tenant_id and deals.id = periods.record_id
            )
    ),
    0::bigint, 'nothing is left of a row that failed'
);
:as_ada

-- Deals that are there ----------------------------------------------------------------------------

select isnt(
    pg_temp.begin_import(
        'crm.deals', 'moves',
        E'id;name;value;stage;pipeline\n'
        'D1;One again;;Needs;\n'
        'D2;Two again;200 €;Won;\n'
        'D3;Three again;;proposal;\n'
        'D6;Six again;;;sales\n'
        'D8;Eight again;;Qualification;Sales\n'
        'D12;Twelve;;Needs;\n'
        'D12;Twelve;50 €;Proposal;\n',
        '{"id": "external_id", "name": "name", "value": {"field": "amount_minor", "as": "money"},
        "stage": "stage", "pipeline": "pipeline"}',
        '{"mode": "upsert", "key": "external_id"}'
    ),
    null, 'an import that moves begins'
);
select lives_ok(format('select v1.run_import(%L)', pg_temp.import_named('moves')), 'it is run');
:as_owner
select is(pg_temp.run_jobs(), 'succeeded', 'and gets through');
:as_ada
select results_eq(
    $$select * from pg_temp.errors_of('moves', 'run')$$,
    $$
        values
        (3, 'stage', 'pipeline.transition_missing'),
        (5, 'pipeline', 'import.pipeline_other')
    $$,
    'no deal goes where it may not, nor into another pipeline'
);
select results_eq(
    $$select external_id, name, stage, amount_minor from v1.deals order by external_id$$,
    $$
        values
        ('D1', 'One again', 'needs', 123450::bigint), ('D12', 'Twelve', 'proposal', 5000),
        ('D2', 'Two', 'qualification', 10000), ('D3', 'Three again', 'proposal', 10000),
        ('D6', 'Six', 'upcoming', null), ('D8', 'Eight again', 'qualification', null)
    $$,
    'the others are changed and moved, a row that is refused changes nothing'
);
select lives_ok(format('select v1.undo_import(%L)', pg_temp.import_named('moves')), 'it is undone');
:as_owner
select is(pg_temp.run_jobs(), 'succeeded', 'by a job');
:as_ada
select results_eq(
    $$select external_id, name, stage, amount_minor from v1.deals order by external_id$$,
    $$
        values
        ('D1', 'One', 'qualification', 123450::bigint), ('D2', 'Two', 'qualification', 10000),
        ('D3', 'Three', 'proposal', 10000), ('D6', 'Six', 'upcoming', null),
        ('D8', 'Eight', 'lost', null)
    $$,
    'deals are moved back, with the name of the import as the reason'
);

-- A default, and a guard that only writing finds out ----------------------------------------------

select isnt(
    pg_temp.begin_import(
        'crm.deals', 'won', E'name;value\nGood;10 €\nBad;\nGood too;20 €\n',
        '{"name": "name", "value": {"field": "amount_minor", "as": "money"}}',
        '{"defaults": {"pipeline": "renewals", "stage": "Offered"}}'
    ),
    null, 'a stage may be a default'
);
select lives_ok(format('select v1.run_import(%L)', pg_temp.import_named('won')), 'it is run');
:as_owner
select pg_temp.run_jobs();
:as_ada
select results_eq(
    $$select * from pg_temp.errors_of('won', 'run')$$,
    $$
        values
        (2, null::text, 'pipeline.fields_missing'), (3, null, 'pipeline.fields_missing'),
        (4, null, 'pipeline.fields_missing')
    $$,
    'and its guards hold'
);

-- Leads -------------------------------------------------------------------------------------------

select isnt(
    pg_temp.begin_import(
        'crm.leads', 'leads',
        E'Vorname;Firma;Status;Betreuer\n'
        'Ann;ACME;new;ada@example.com\n'
        'Ben;Beta;Contacted;ada@example.com\n'
        'Cem;;Converted;\n'
        'Dan;;Unqualified;nobody@example.com\n',
        '{"Vorname": "given_name", "Firma": "company_name", "Status": "stage",
        "Betreuer": {"field": "owner_id", "by": "email"}}',
        '{}'
    ),
    null, 'an import of leads begins'
);
select lives_ok(format('select v1.run_import(%L)', pg_temp.import_named('leads')), 'it is run');
:as_owner
select is(pg_temp.run_jobs(), 'succeeded', 'and gets through');
:as_ada
select results_eq(
    $$select name, company_name, stage, owner_id from v1.leads order by name$$,
    $$
        values
        ('Ann', 'ACME', 'new', '00000000-0000-4000-8000-000000000001'::uuid),
        ('Ben', 'Beta', 'contacted', '00000000-0000-4000-8000-000000000001')
    $$,
    'leads stand where their rows say'
);
select results_eq(
    $$select * from pg_temp.errors_of('leads', 'run')$$,
    $$
        values
        (4, 'Status', 'pipeline.guard_failed'),
        (5, 'Betreuer', 'import.lookup_missing')
    $$,
    'and nobody imports a lead as converted'
);
select is(
    v1.propose_import_mapping('crm.leads', array['Vorname', 'Status', 'Pipeline']),
    '{"Vorname": "given_name", "Status": "stage", "Pipeline": "pipeline"}',
    'stages are proposed by what people call them'
);

-- A condition over what the table makes itself ----------------------------------------------------

select v1.save_pipeline(
    'crm.leads', 'named', 'Named',
    '{
        "stages": [
            {"stage": "begun", "label": "Begun", "kind": "open", "start": true},
            {"stage": "met", "label": "Met", "kind": "terminal"}
        ],
        "transitions": [
            {
                "from": ["begun"], "to": "met",
                "when": {
                    "all": [
                        {"field": "name", "op": "=", "value": "Eva Ek"},
                        {"field": "score", "op": ">", "value": 5}
                    ]
                }
            }
        ]
    }'
) ->> 'id' as named \gset
select v1.publish_pipeline(:'named', 1);
select isnt(
    pg_temp.begin_import(
        'crm.leads', 'named',
        E'first;last;score;stage\nEva;Ek;6;Met\nEva;Ek;5;Met\nEva;Ik;6;Met\n',
        '{"first": "given_name", "last": "family_name", "score": "score", "stage": "stage"}',
        '{"defaults": {"pipeline": "named"}}'
    ),
    null, 'an import begins with a pipeline of conditions'
);
select is(
    (v1.check_import(pg_temp.import_named('named')) -> 'create')::integer, 1,
    'the dry run asks of the record as it would be'
);
select v1.run_import(pg_temp.import_named('named'));
:as_owner
select pg_temp.run_jobs();
:as_ada
select results_eq(
    $$select name, score, stage from v1.leads where stage in ('begun', 'met')$$,
    $$values ('Eva Ek', 6, 'met')$$,
    'and so does the run'
);

select * from finish();
rollback;
