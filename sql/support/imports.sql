-- What tests of imports share, for `\ir` after the fixtures.

-- Does all the work there is, as a runner would.
create function pg_temp.run_jobs() returns text
language plpgsql
as $$
declare
    claimed record;
    status text := 'none';
begin
    loop
        select * into claimed from core.claim_job();
        exit when claimed.id is null;
        loop
            status := core.run_job_step(claimed.tenant_id, claimed.id, claimed.lease);
            exit when status <> 'running';
        end loop;
    end loop;
    return status;
end
$$;
grant execute on function pg_temp.run_jobs() to public;

create temporary table kept (name text primary key, id uuid);
grant all on kept to public;
create function pg_temp.begin_import(
    object text, called text, file text, mapping jsonb, settings jsonb
)
returns uuid
language plpgsql
as $$
declare
    import_id constant uuid :=
        v1.start_import(object, called, mapping, settings) ->> 'id';
begin
    perform v1.add_import_rows(import_id, 1, file);
    insert into kept values (called, import_id);
    return import_id;
end
$$;
create function pg_temp.import_named(called text) returns uuid
language sql
as $$ select id from kept where name = called $$;
grant execute on function
pg_temp.begin_import(text, text, text, jsonb, jsonb), pg_temp.import_named(text)
to public;

create function pg_temp.keep(name text, id text) returns void
language sql
as $$ insert into kept values (name, id::uuid) $$;
grant execute on function pg_temp.keep(text, text) to public;
