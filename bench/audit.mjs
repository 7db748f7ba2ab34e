// The audit trail: what it costs those who write, and how fast it is written, sealed and verified.
//   update_overhead       a single-row update of a table with audit ÷ the same without: each its own
//                         transaction, a prepared statement over a connection, with claims, headers
//                         and caller set as PostgREST and core.pre_request set them; medians of turns
//   update_us             what such an update takes with audit
//   ignored_overhead      the same, of a column that the audit ignores
//   update_cpu_overhead   processor time of the backend alone, in one large transaction, where no
//                         commit and no round trip stands beside it
//   rows_per_s            entries written, the slower of one statement that inserts and one that
//                         updates 10,000 rows
//   single_…_rows_per_s   of WRITERS connections at once, each row its own transaction; plain_…
//                         without audit: what the disk commits is the limit of both
//   sealed_rows_per_s, verified_rows_per_s
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import pg from "pg";
import { Backend } from "./support/postgres.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OVERHEAD_MAX = 1.3;
const ROWS_PER_S_MIN = 5000;
const ROWS = 10_000;
const WRITERS = 16;
const TURNS = 21;
const UPDATES_A_TURN = 100;

execFileSync(`${ROOT}scripts/stack.sh`, ["database"]);
const env = parseEnv(readFileSync(`${process.env.TENON_STACK}/env`, "utf8"));

const say = (text) => console.error(`  ${text} …`);
const report = (name, value, unit, aim = "", met = undefined) =>
  console.log(JSON.stringify({ name: `audit.${name}`, value, unit, aim, met }));
const median = (values) => values.sort((one, other) => one - other)[values.length >> 1];

const admin = await Backend.open(env.DB_ADMIN_URL);
// No schedule seals in the middle of a measurement.
await admin.query(`
  do $$ begin
    if to_regclass('cron.job') is not null then update cron.job set active = false; end if;
  end $$`);
const owner = await Backend.open(env.DB_URL);
const [{ id: tenant }] = await owner.query(
  "insert into core.tenants (slug, name) values ('bench', 'Bench') returning id",
);
const columns = `
  tenant_id uuid not null, id uuid not null default gen_random_uuid(), name text, email text,
  phone text, status text, amount numeric, note text, created_at timestamptz default now(),
  seen_at timestamptz, primary key (tenant_id, id)`;
for (const table of ["plain", "audited"]) {
  await owner.query(`create table public.${table} (${columns})`);
}
const filling = (table) =>
  `insert into public.${table} (tenant_id, name, email, phone, status, amount, note)
   select '${tenant}', 'Name ' || place, 'n' || place || '@example.com', '+49 30 ' || place, 'open',
     place, repeat('x', 100)
   from generate_series(1, ${ROWS}) as place`;
await owner.query(filling("plain"));
await owner.query("insert into public.audited select * from public.plain");
await owner.query("select core.audit('public.audited', '{seen_at}')");
await owner.query("select core.keep_audit()");
await admin.query("vacuum analyze");
const ids = (await owner.query("select id from public.plain")).map(({ id }) => id);

const claims = JSON.stringify({ role: "service_role", iss: "supabase", iat: 1, exp: 2 });
const headers = JSON.stringify({
  host: "example.com",
  "user-agent": "supabase-js-web/2.109.0",
  "x-request-id": "5f0c6f2e-4b8f-4c5e-9f5e-0d6f6d1c2a11",
  "x-forwarded-for": "192.0.2.7",
  accept: "*/*",
});
const asRequest = async () => {
  const client = new pg.Client(env.DB_URL);
  await client.connect();
  await client.query("select set_config('request.jwt.claims', $1, false)", [claims]);
  await client.query("select set_config('request.headers', $1, false)", [headers]);
  // What the pre-request function leaves for whoever asks later.
  await client.query("select set_config('tenon.caller_kind', 'service', false)");
  await client.query(
    `select set_config('tenon.address_of', $1, false), set_config('tenon.address', '192.0.2.7', false)`,
    [headers],
  );
  await client.query("select set_config('tenon.origin', core.request_origin()::text, false)");
  return client;
};

let turn = 0;
const updating = (client, table, column, value) =>
  client.query({
    name: `${table} ${column}`,
    text: `update public.${table} set ${column} = $3 where tenant_id = $1 and id = $2`,
    values: [tenant, ids[turn++ * 7919 % ids.length], value],
  });

async function usOf(client, table, column, valueAt) {
  const from = process.hrtime.bigint();
  for (let update = 0; update < UPDATES_A_TURN; update++) {
    await updating(client, table, column, valueAt(turn));
  }
  return Number(process.hrtime.bigint() - from) / 1000 / UPDATES_A_TURN;
}

async function overhead(column, valueAt) {
  const client = await asRequest();
  const times = { plain: [], audited: [] };
  for (let round = 0; round < TURNS + 1; round++) {
    for (const table of Object.keys(times)) {
      const us = await usOf(client, table, column, valueAt);
      if (round > 0) times[table].push(us); // the first round plans
    }
  }
  await client.end();
  return { plain: median(times.plain), audited: median(times.audited) };
}

say("single updates");
const single = await overhead("status", (at) => `s${at}`);
const ratio = single.audited / single.plain;
report("update_overhead", ratio, "×", `≤ ${OVERHEAD_MAX}`, ratio <= OVERHEAD_MAX);
report("update_us", single.audited, "µs");
const ignored = await overhead("seen_at", (at) => new Date(at * 1000));
report("ignored_overhead", ignored.audited / ignored.plain, "×");

say("processor time");
const cpu = {};
for (const table of ["plain", "audited", "plain", "audited"]) {
  await owner.query("begin");
  const seconds = await owner.cpuSecondsOf(async () => {
    await owner.query(`
      do $$ declare ids constant uuid[] := '{${ids}}'; begin
        -- Each row once: a row that is updated again and again is slow to find in its transaction.
        for place in 1..${ROWS} loop
          update public.${table} set status = 's' || place
          where tenant_id = '${tenant}' and id = ids[place];
        end loop;
      end $$`);
  });
  await owner.query("rollback");
  cpu[table] = seconds; // the second time counts
}
report("update_cpu_overhead", cpu.audited / cpu.plain, "×");

say("rows per second");
const perSecond = async (rows, work) => {
  const from = process.hrtime.bigint();
  await work();
  return rows / (Number(process.hrtime.bigint() - from) / 1e9);
};
const clients = await Promise.all(Array.from({ length: WRITERS }, asRequest));
const shares = (work) =>
  Promise.all(clients.map(async (client) => {
    for (let row = 0; row < ROWS / WRITERS; row++) await work(client);
  }));
const inserting = (client) =>
  client.query({
    name: "insert",
    text: "insert into public.audited (tenant_id, name, email, status) values ($1, $2, $3, 'open')",
    values: [tenant, `Name ${turn++}`, `n${turn}@example.com`],
  });
const [bulk] = clients;
const singles = {
  single_insert: await perSecond(ROWS, () => shares(inserting)),
  single_update: await perSecond(
    ROWS,
    () => shares((client) => updating(client, "audited", "status", `t${turn}`)),
  ),
  plain_single_update: await perSecond(
    ROWS,
    () => shares((client) => updating(client, "plain", "status", `t${turn}`)),
  ),
};
const rates = {
  bulk_insert: await perSecond(ROWS, () => bulk.query(filling("audited"))),
  bulk_update: await perSecond(
    ROWS,
    () =>
      bulk.query(`
      update public.audited set status = 'bulk'
      where id in (select id from public.audited where status <> 'bulk' limit ${ROWS})`),
  ),
};
const slowest = Math.min(...Object.values(rates));
report("rows_per_s", slowest, "rows/s", `≥ ${ROWS_PER_S_MIN}`, slowest >= ROWS_PER_S_MIN);
for (const [name, rate] of Object.entries({ ...rates, ...singles })) {
  report(`${name}_rows_per_s`, rate, "rows/s");
}

say("sealing and verifying");
const [{ unsealed }] = await owner.query(
  "select (core.audit_state($1) ->> 'unsealed')::integer as unsealed",
  [tenant],
);
const sealed = await perSecond(
  unsealed,
  () => owner.query("select core.seal_audit('10 minutes')"),
);
report("sealed_rows_per_s", sealed, "rows/s");
await admin.query("vacuum analyze core.audit_entries");
const [{ entries }] = await owner.query(
  "select entries::integer from core.audit_heads where tenant_id = $1",
  [tenant],
);
let findings;
const verified = await perSecond(entries, async () => {
  findings = await owner.query("select * from core.verify_audit($1)", [tenant]);
});
if (findings.length > 0) throw new Error(`the trail is not valid: ${JSON.stringify(findings[0])}`);
report("verified_rows_per_s", verified, "rows/s");
const [{ bytes }] = await owner.query(`
  select sum(pg_total_relation_size(tree.relid)) / (select count(*) from core.audit_entries) as bytes
  from pg_partition_tree('core.audit_entries') as tree`);
report("bytes_per_entry", Number(bytes), "bytes");

for (const client of clients) await client.end();
await owner.end();
await admin.end();
