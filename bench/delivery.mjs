// What it costs to have something delivered, and how fast it leaves. The whole path is real: Postgres,
// the REST server, the gateway, one process of the Edge Functions, and in another process a mail
// server and an endpoint that take everything.
//   enqueue_us          core.enqueue_delivery of a mail, in the caller's transaction, elapsed, median
//                       of batches; _cpu_us: processor time of the backend; _insert_us and _send_us:
//                       the row alone, and the message alone
//   webhooks_per_s      events already committed, to four endpoints that take 50 at once each, from the
//                       call of the function to its answer: fan-out, signatures, requests, records
//   webhooks_one_endpoint_per_s   the same to one: no more than 50 are ever on their way
//   webhook_cpu_…_ms    processor time of those who take part, for one webhook
//   emails_per_s        the same with mails from a template
//   backlog_slowdown    claims and reports of a worker over SQL, with a thousand waiting ÷ with a
//                       million, the worse of both kinds: ready in the queue, scheduled for later
//   backlog_emails_per_s  as emails_per_s, with a million ready
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { Functions } from "../tests/support/functions.mjs";
import { clientWith, dataOf } from "../tests/support/identities.mjs";
import { Backend, cpuSecondsOf } from "./support/postgres.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const folder = process.env.TENON_STACK;
const ENQUEUE_US_MAX = 150, WEBHOOKS_PER_S_MIN = 500, EMAILS_PER_S_MIN = 200, SLOWDOWN_MAX = 1.2;
const BATCHES = 21, BATCH = 500;
const MAILS = 4000, WEBHOOKS = 8000, ENDPOINTS = 4, FUNCTION_S = 20;
const FEW = 1000, MANY = 1_000_000, TURNS = 10;
const TEMPLATE = "crm.task_due", TYPE = "bench.thing.happened";

const stack = (...args) => execFileSync(`${ROOT}scripts/stack.sh`, args);
const say = (text) => console.error(`  ${text} …`);
const report = (name, value, unit, aim = "", met = undefined) =>
  console.log(JSON.stringify({ name: `delivery.${name}`, value, unit, aim, met }));
const median = (values) => values.toSorted((one, other) => one - other)[values.length >> 1];
const pidOf = (service) => readFileSync(`${folder}/pids/${service}`, "utf8").split(" ")[0];
const now_s = () => performance.now() / 1000;

stack("database");
stack("start", "rest");
stack("start", "gateway");
const env = parseEnv(readFileSync(`${folder}/env`, "utf8"));
const receivers = spawn(process.execPath, [`${ROOT}bench/support/delivery-receivers.mjs`], {
  stdio: ["ignore", "pipe", "inherit"],
});
const ports = JSON.parse((await once(receivers.stdout, "data"))[0]);
const receiver = `http://127.0.0.1:${ports.http}`;
const taken = async () => await (await fetch(receiver)).json();
const functions = new Functions({ folder, env }, "bench-functions", {
  SMTP_URL: `smtp://127.0.0.1:${ports.mail}`,
  TENON_DEVELOPMENT_HOSTS: `127.0.0.1:${ports.http}`,
});
await functions.start();

const admin = await Backend.open(env.DB_ADMIN_URL);
await admin.query(`
  do $$ begin
    if to_regclass('cron.job') is not null then update cron.job set active = false; end if;
  end $$`);
const owner = await Backend.open(env.DB_URL);
const tenant = "00000000-0000-4000-a000-0000000000be",
  user = "00000000-0000-4000-8000-0000000000be";
await admin.query(
  `insert into core.tenants (id, slug, name) values ('${tenant}', 'bench', 'Bench')`,
);
await admin.query(`insert into auth.users (id, email) values ('${user}', 'bench@example.com')`);
await admin.query(
  `insert into core.members (tenant_id, user_id, role_id)
   select '${tenant}', '${user}', roles.id from core.roles
   where roles.tenant_id = core.platform_tenant_id() and roles.slug = 'owner'`,
);
await admin.query(
  `update core.tenants
   set settings = settings || '{"core": {"development_hosts": ["127.0.0.1:${ports.http}"]}}'
   where id = core.platform_tenant_id()`,
);
await admin.query(
  `insert into core.event_types (type, description) values ('${TYPE}', 'A bench.')`,
);
const [{ data }] = await owner.query(
  `select core.template_sample(variables)::text as data from core.template_kinds
   where template = '${TEMPLATE}'`,
);
const clear = async () => {
  await admin.query("truncate core.deliveries cascade");
  for (const queue of ["tenon_email", "tenon_webhook"]) {
    await admin.query(`truncate pgmq.q_${queue}`);
  }
};

// Enqueueing ---------------------------------------------------------------------------------------

const message = `jsonb '{"tenant_id": "${tenant}", "id": "${user}"}'`;
const PARTS = {
  nothing: "perform 1",
  enqueue:
    `perform core.enqueue_delivery('${tenant}', 'email', 'ann@example.com', '${TEMPLATE}', mail)`,
  enqueue_key: `perform core.enqueue_delivery(
    '${tenant}', 'email', 'ann@example.com', '${TEMPLATE}', mail, idempotency_key => gen_random_uuid()::text)`,
  insert: `insert into core.deliveries (tenant_id, channel, recipient, template, data)
    values ('${tenant}', 'email', 'ann@example.com', '${TEMPLATE}', mail)`,
  send: `perform pgmq.send('tenon_email', ${message})`,
};

async function enqueueing() {
  await owner.query(`create procedure pg_temp.do_nothing() language plpgsql as 'begin end'`);
  for (const [name, statement] of Object.entries(PARTS)) {
    await owner.query(
      `create procedure pg_temp.bench_${name}(times integer) language plpgsql as $do$
       declare mail constant jsonb := '${data.replaceAll("'", "''")}';
       begin for place in 1..times loop ${statement}; end loop; end $do$`,
    );
  }
  const spent = Object.fromEntries(Object.keys(PARTS).map((name) => [name, { us: [], cpu: 0 }]));
  for (let turn = 0; turn < BATCHES + 1; turn++) {
    for (const name of Object.keys(PARTS)) {
      await owner.query("begin");
      const cpu = owner.cpuSeconds(), from = now_s();
      await owner.query(`call pg_temp.bench_${name}(${BATCH})`);
      if (turn > 0) { // the first plans
        spent[name].us.push((now_s() - from) / BATCH * 1e6);
        spent[name].cpu += owner.cpuSeconds() - cpu;
      }
      await owner.query("commit");
    }
  }
  const us = (name) => median(spent[name].us) - median(spent.nothing.us);
  const enqueue_us = us("enqueue");
  report("enqueue_us", enqueue_us, "µs", `≤ ${ENQUEUE_US_MAX}`, enqueue_us <= ENQUEUE_US_MAX);
  report("enqueue_key_us", us("enqueue_key"), "µs");
  report("enqueue_insert_us", us("insert"), "µs");
  report("enqueue_send_us", us("send"), "µs");
  report("enqueue_cpu_us", (spent.enqueue.cpu - spent.nothing.cpu) / BATCHES / BATCH * 1e6, "µs");
}

// Delivering ---------------------------------------------------------------------------------------

const enqueueMails = (count) =>
  owner.query(
    `select count(core.enqueue_delivery('${tenant}', 'email', place || '@example.com', '${TEMPLATE}', $1))
     from generate_series(1, ${count}) as place`,
    [data],
  );

// What autovacuum does within a minute: plans of a table that was never looked at are made anew.
const analyzed = () =>
  admin.query(
    "analyze core.deliveries, core.delivery_attempts, core.events, pgmq.q_tenon_webhook, pgmq.q_tenon_email",
  );

// Drains a channel by the function, and says how many a second were delivered.
async function drained(channel, seconds = FUNCTION_S) {
  const from = now_s();
  const { delivered } = await functions.drain(channel, seconds);
  return delivered / (now_s() - from);
}

// Processor seconds so far of all that takes part, but the mail server and the endpoint.
function cpuSecondsOfEach() {
  const backends = execFileSync("pgrep", ["-P", pidOf("postgres")], { encoding: "utf8" });
  return {
    postgres: backends.trim().split("\n").reduce((sum, pid) => sum + cpuSecondsOf(pid), 0),
    rest: cpuSecondsOf(pidOf("rest")),
    gateway: cpuSecondsOf(pidOf("gateway")),
    functions: cpuSecondsOf(functions.pid),
  };
}

async function webhooks(endpoints_count) {
  const client = clientWith({ env }, { role: "authenticated", sub: user });
  const endpoints = [];
  for (let place = 0; place < endpoints_count; place++) {
    const endpoint = await dataOf(
      client.rpc("create_webhook_endpoint", {
        url: `${receiver}/${place}`,
        event_types: [TYPE],
        max_concurrency: 50,
      }),
    );
    await fetch(`${receiver}/secret/${place}`, { method: "POST", body: endpoint.secret });
    endpoints.push(endpoint);
  }
  const emit = (count) =>
    owner.query(
      `select count(*) from generate_series(1, ${count}) as place
       cross join lateral core.emit(
         '${tenant}', '${TYPE}', 'thing', gen_random_uuid(),
         jsonb_build_object('place', place, 'title', 'Thing ' || place, 'note', repeat('x', 200))
       )`,
    );
  await emit(BATCH / endpoints_count);
  await drained("webhook"); // connections, plans
  await analyzed();
  await emit(WEBHOOKS / endpoints_count);
  const cpu_before = cpuSecondsOfEach(), taken_before = (await taken()).webhooks;
  const per_s = await drained("webhook");
  const count = (await taken()).webhooks - taken_before;
  const cpu_ms = Object.entries(cpuSecondsOfEach()).map((
    [who, seconds],
  ) => [who, (seconds - cpu_before[who]) / count * 1000]);
  const { verified, refused } = await taken();
  if (refused > 0 || verified === 0) throw new Error(`${refused} signatures were refused`);
  for (const { id } of endpoints) await dataOf(client.rpc("delete_webhook_endpoint", { id }));
  return { per_s, cpu_ms };
}

async function emails() {
  await enqueueMails(BATCH);
  await drained("email");
  await analyzed();
  await enqueueMails(MAILS);
  return await drained("email");
}

// A backlog ----------------------------------------------------------------------------------------

// Waits beside what is drained: ready in the queue, or scheduled for later.
async function wait(count, kind) {
  await clear();
  await owner.query(
    `insert into core.deliveries (
       tenant_id, channel, recipient, template, data, status, next_attempt_at)
     select '${tenant}', 'email', place || '@example.com', '${TEMPLATE}', $1,
       '${kind === "ready" ? "queued" : "scheduled"}',
       ${kind === "ready" ? "null" : "now() + interval '1 day' + place * interval '1 ms'"}
     from generate_series(1, ${count}) as place`,
    [data],
  );
  if (kind === "ready") {
    await owner.query(
      `insert into pgmq.q_tenon_email (vt, message)
       select now(), jsonb_build_object('tenant_id', tenant_id, 'id', id)
       from core.deliveries order by position`,
    );
  }
  await admin.query("vacuum analyze core.deliveries");
  await admin.query("vacuum analyze pgmq.q_tenon_email");
  await admin.query("checkpoint");
}

// Processor time of the backend for one delivery, and its elapsed time: enqueued, and then as many
// drained, so that as many wait afterwards as before.
async function drainedOverSql() {
  let us = 0, cpu = 0, count = 0;
  for (let turn = 0; turn < TURNS + 1; turn++) {
    await enqueueMails(BATCH);
    const from = now_s(), cpu_before = owner.cpuSeconds();
    let of_turn = 0;
    while (of_turn < BATCH) {
      const [{ claimed }] = await owner.query(
        "select core.claim_deliveries('email', 50, 'bench', 60) as claimed",
      );
      await owner.query("select core.finish_deliveries($1)", [
        JSON.stringify(claimed.map(({ tenant_id, id, lease }) => ({
          tenant_id,
          id,
          lease,
          outcome: { delivered: true, status_code: 250, phase: "data", duration_ms: 1 },
        }))),
      ]);
      of_turn += claimed.length;
    }
    if (turn > 0) {
      us += (now_s() - from) * 1e6;
      cpu += owner.cpuSeconds() - cpu_before;
      count += of_turn;
    }
  }
  return { us: us / count, cpu_us: cpu / count * 1e6 };
}

async function backlog() {
  const slowdowns = {};
  let few;
  for (const kind of ["ready", "scheduled"]) {
    say(`a backlog of what is ${kind}`);
    await wait(FEW, kind);
    few = await drainedOverSql();
    await wait(MANY, kind);
    const many = await drainedOverSql();
    slowdowns[kind] = many.cpu_us / few.cpu_us;
    report(`backlog_${kind}_slowdown`, many.us / few.us, "×");
    if (kind === "ready") {
      report("backlog_emails_per_s", await drained("email"), "mails/s");
    }
  }
  const worst = Math.max(...Object.values(slowdowns));
  report("backlog_slowdown", worst, "×", `≤ ${SLOWDOWN_MAX}`, worst <= SLOWDOWN_MAX);
  report("claim_and_finish_cpu_us", few.cpu_us, "µs");
}

const only = process.env.TENON_BENCH_PART;
if (!only || only === "enqueue") {
  say("enqueueing");
  await enqueueing();
}
if (!only || only === "webhooks") {
  await clear();
  say("webhooks");
  const one = await webhooks(1);
  report("webhooks_one_endpoint_per_s", one.per_s, "webhooks/s");
  await clear();
  const { per_s, cpu_ms } = await webhooks(ENDPOINTS);
  for (const [who, ms] of cpu_ms) report(`webhook_cpu_${who}_ms`, ms, "ms");
  report(
    "webhooks_per_s",
    per_s,
    "webhooks/s",
    `≥ ${WEBHOOKS_PER_S_MIN}`,
    per_s >= WEBHOOKS_PER_S_MIN,
  );
}
if (!only || only === "emails") {
  await clear();
  say("mails");
  const per_s = await emails();
  report("emails_per_s", per_s, "mails/s", `≥ ${EMAILS_PER_S_MIN}`, per_s >= EMAILS_PER_S_MIN);
}
if (!only || only === "backlog") await backlog();

for (const backend of [admin, owner]) await backend.end();
await functions.kill();
receivers.kill();
stack("down");
