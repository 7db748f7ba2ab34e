// Jobs run by real sessions, as the bridge's login: every step's effect is there exactly once,
// whoever is killed, restarted, cancelled or stuck meanwhile.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addTenant, dataOf, userClient } from "./support/identities.mjs";
import { run, until } from "./support/process.mjs";
import { PSQL, Stack } from "./support/stack.mjs";

const stack = new Stack("jobs");
let acme;

before(async () => {
  await stack.up("database");
  for (const service of ["rest", "gateway", "pgbouncer"]) await stack.start(service);
  acme = await addTenant(stack, "acme", { members: { ada: { role: "owner" } } });
  // A step leaves a row, and goes on when nobody holds the gate.
  await stack.sql(`
    create table public.effects (job uuid, step integer, backend integer);
    create table public.singles (job uuid, unique (job) deferrable initially deferred);
    create function public.test_step(job core.jobs) returns jsonb language plpgsql as $$
    declare
        step constant integer := coalesce((job.state ->> 'step')::integer, 0) + 1;
    begin
        insert into public.effects values (job.id, step, pg_backend_pid());
        if step = (job.arguments ->> 'gate_at')::integer then
            perform pg_advisory_xact_lock(4711);
        elsif step = (job.arguments ->> 'fails_at')::integer then
            raise exception 'step % fails', step;
        elsif step = (job.arguments ->> 'fails_at_commit')::integer then
            insert into public.singles values (job.id), (job.id);
        elsif step = (job.arguments ->> 'endless_at')::integer then
            loop
                perform 1;
            end loop;
        end if;
        return jsonb_build_object(
            'done', step >= (job.arguments ->> 'steps')::integer,
            'state', jsonb_build_object('step', step),
            'progress', jsonb_build_object('done', step)
        );
    end $$;
    insert into core.job_tasks (
      task, function_schema, function_name, description, step_time_limit
    ) values ('test.step', 'public', 'test_step', 'Steps.', '2 seconds');
  `);
});
after(() => stack.down());

/** Runs jobs in a session of its own, as the bridge does. */
const runJobs = (budget = "20 seconds", url = stack.env.BRIDGE_DB_URL) =>
  run(PSQL, ["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", `call core.run_jobs('${budget}')`, url]);

const enqueue = async (args, count = 1) =>
  stack.sql(
    `select to_json(core.enqueue_job(:'tenant', 'test.step', :'args'))
     from generate_series(1, :'count'::integer);`,
    { tenant: acme.id, args, count: String(count) },
  );

const jobsOf = (ids) =>
  stack.sql(
    `select json_build_object('id', id, 'status', status, 'error', last_error, 'attempts', attempts)
     from core.jobs where id::text in (select jsonb_array_elements_text(:'ids'));`,
    { ids },
  );

/** The steps that a job has left effects of. */
const effectsOf = async (
  id,
) => (await stack.sql("select to_json(step) from public.effects where job = :'id' order by step;", {
  id,
}));

const range = (count) => Array.from({ length: count }, (_, place) => place + 1);

/** Lets a step that waits at the gate wait. @returns a function that opens it */
const closeGate = () => stack.holdTransaction("select pg_advisory_xact_lock(4711)");

/** Waits until a runner stands at the gate; returns the process id of its backend. */
const atGate = () =>
  until("a step is under way", async () =>
    (await stack.sql(
      `select to_json(pid) from pg_stat_activity
       where wait_event = 'advisory' and query like 'call core.run_jobs%';`,
    ))[0]);

/** Runs jobs until these are over: a lease that has to end takes its time. */
const untilOver = (ids) =>
  until("all jobs are over", async () => {
    await runJobs("5 seconds");
    const jobs = await jobsOf(ids);
    return jobs.every(({ status }) => !["queued", "running"].includes(status)) && jobs;
  });

test("three runners share the jobs, one of them through a pooler, and do each step once", async () => {
  const ids = await enqueue({ steps: 5 }, 60);
  await Promise.all([runJobs(), runJobs(), runJobs("20 seconds", stack.env.PGBOUNCER_URL)]);
  for (const { status } of await jobsOf(ids)) assert.equal(status, "succeeded");
  for (const id of ids) assert.deepEqual(await effectsOf(id), range(5));
  const [runners] = await stack.sql(
    "select to_json(count(distinct backend)) from public.effects;",
  );
  assert.ok(runners > 1, "one did it all");
});

test("a runner that is killed in the middle of a step has that step repeated, and no other", async () => {
  const ids = await enqueue({ steps: 3, gate_at: 2 });
  const open = await closeGate();
  const killed = assert.rejects(runJobs());
  const pid = await atGate();
  process.kill(pid, "SIGKILL");
  await killed;
  await open().catch(() => {});
  await until("Postgres is there again", () => stack.sql("select to_json(1)"));
  assert.deepEqual(await effectsOf(ids[0]), [1]);
  const [job] = await untilOver(ids);
  assert.equal(job.status, "succeeded");
  assert.deepEqual(await effectsOf(ids[0]), range(3));
});

test("Postgres is restarted under two runners, and every step is done once", async () => {
  const ids = await enqueue({ steps: 40 }, 20);
  const running = Promise.allSettled([runJobs(), runJobs()]);
  await until(
    "some are done",
    async () => (await stack.sql("select to_json(count(*)) from public.effects;"))[0] > 350,
  );
  await stack.stop("postgres");
  await running;
  await stack.start("postgres");
  for (const { status } of await untilOver(ids)) assert.equal(status, "succeeded");
  for (const id of ids) assert.deepEqual(await effectsOf(id), range(40));
});

test("a runner that was thought to be gone does nothing more", async () => {
  const ids = await enqueue({ steps: 3, gate_at: 2 });
  const open = await closeGate();
  const first = runJobs("1 second");
  await atGate();
  // As if its lease were over while it still works.
  await stack.sql(
    `update core.jobs set lease_expires_at = now() where id = :'id';
     select to_json(count(*)) from pgmq.set_vt('tenon_jobs',
       (select queue_message_id from core.jobs where id = :'id'), 0);`,
    { id: ids[0] },
  );
  const second = runJobs("1 second");
  await until("both are at it", async () =>
    (await stack.sql(
      "select to_json(count(*)) from pg_stat_activity where wait_event = 'advisory';",
    ))[0] === 2);
  await open();
  await Promise.all([first, second]);
  const [job] = await untilOver(ids);
  assert.equal(job.status, "succeeded");
  assert.deepEqual(await effectsOf(ids[0]), range(3));
});

test("what fails, at once or at the commit, or does not end, does not stop the rest", async () => {
  const failing = await enqueue({ steps: 3, fails_at: 2 });
  const atCommit = await enqueue({ steps: 3, fails_at_commit: 2 });
  const endless = await enqueue({ steps: 3, endless_at: 2 });
  const fine = await enqueue({ steps: 3 }, 5);
  await runJobs();
  for (const { status } of await jobsOf(fine)) assert.equal(status, "succeeded");
  const errors = {
    [failing[0]]: /^P0001: step 2 fails$/,
    [atCommit[0]]: /^23505: /,
    [endless[0]]: /^57014: .*timeout/,
  };
  for (const [id, error] of Object.entries(errors)) {
    const [job] = await jobsOf([id]);
    assert.equal(job.status, "scheduled");
    assert.match(job.error, error);
    assert.deepEqual(await effectsOf(id), [1]);
  }
});

test("a job that is cancelled while it runs ends after its step", async () => {
  const ids = await enqueue({ steps: 3, gate_at: 2 });
  const open = await closeGate();
  const running = runJobs();
  await atGate();
  const ada = userClient(stack, acme.members.ada);
  const answer = await dataOf(ada.rpc("cancel_job", { id: ids[0] }));
  assert.equal(answer.status, "running");
  await open();
  await running;
  assert.equal((await jobsOf(ids))[0].status, "cancelled");
  assert.deepEqual(await effectsOf(ids[0]), [1, 2]);
  await dataOf(ada.rpc("retry_job", { id: ids[0] }));
  await runJobs();
  assert.equal((await jobsOf(ids))[0].status, "succeeded");
  assert.deepEqual(await effectsOf(ids[0]), range(3), "taken up where it was left");
});

test("a job that takes long takes turns with the others", async () => {
  await stack.sql(`
    create function public.test_slow(job core.jobs) returns jsonb language plpgsql as $$
    begin
        perform pg_sleep(0.1);
        return jsonb_build_object('done', clock_timestamp() > job.created_at + interval '12 seconds');
    end $$;
    insert into core.job_tasks (task, function_schema, function_name, description)
    values ('test.slow', 'public', 'test_slow', 'Slow.');
  `);
  const [slow] = await stack.sql(
    "select to_json(core.enqueue_job(:'tenant', 'test.slow'));",
    { tenant: acme.id },
  );
  const short = await enqueue({ steps: 1 });
  await runJobs("30 seconds");
  const [order] = await stack.sql(
    `select to_json((select finished_at from core.jobs where id = :'short')
       < (select finished_at from core.jobs where id = :'slow'));`,
    { short: short[0], slow },
  );
  assert.equal(order, true);
});

test("a schedule that is due is run by whoever runs jobs", async () => {
  const ada = userClient(stack, acme.members.ada);
  await dataOf(ada.rpc("set_job_schedule", {
    name: "nightly",
    task: "core.verify_audit",
    expression: "0 3 * * *",
    time_zone: "Europe/Berlin",
  }));
  await stack.sql("update core.job_schedules set next_run_at = now() - interval '3 days';");
  await runJobs();
  const schedules = await dataOf(ada.from("job_schedules").select("last_job_id,next_run_at"));
  const jobs = await dataOf(
    ada.from("jobs").select("id,status,result").eq(
      "task",
      "core.verify_audit",
    ),
  );
  assert.deepEqual(jobs, [{
    id: schedules[0].last_job_id,
    status: "succeeded",
    result: { ok: true },
  }]);
});
