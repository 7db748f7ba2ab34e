// What access control costs, on a table of 1,000 tenants with 1,000 rows each, guarded by core.guard,
// beside an equal one that everyone may read. The caller owns 20 of the tenants and names one.
//   rls_overhead       the dearer of the two below, as an application sees it: elapsed time of a
//                      request through gateway, REST server and Postgres, guarded ÷ open, medians
//   rls_list, rls_point    a list of the 20 newest rows of the tenant; one row by its key
//   rls_list_sql, rls_point_sql   the same as prepared statements on one connection: processor time of
//                      the backend, without HTTP, JSON and pre-request function to hide behind
//   tenants_with_us    core.tenants_with, no tenant named: processor time of a call
//   tenant_named_us    the same with the tenant named in x-tenant-id
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { sign } from "../scripts/token.mjs";
import { Backend, cpuMsOfEach } from "./support/postgres.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TENANTS = 1000;
const ROWS_PER_TENANT = 1000;
const TENANTS_OF_CALLER = 20;
const REQUESTS = 3000; // of each kind, taking turns
const WARM_UP_REQUESTS = 200;
const CALLS = 5000;

const stack = (...args) => execFileSync(`${ROOT}scripts/stack.sh`, args);
const report = (name, value, unit, most = undefined) =>
  console.log(JSON.stringify({
    name: `access.${name}`,
    value,
    unit,
    aim: most === undefined ? "" : `≤ ${most}`,
    met: most === undefined ? undefined : value <= most,
  }));

stack("database");
const env = parseEnv(readFileSync(`${process.env.TENON_STACK}/env`, "utf8"));
const admin = await Backend.open(env.DB_ADMIN_URL);

const table = (name) => `
  create table public.${name} (
      tenant_id uuid not null,
      id uuid not null default gen_random_uuid(),
      name text not null,
      created_at timestamptz not null,
      primary key (tenant_id, id)
  );
  insert into public.${name} (tenant_id, name, created_at)
  select tenants.id, 'Contact ' || number, now() - random() * interval '1 year'
  from generate_series(1, ${ROWS_PER_TENANT}) as number
  cross join core.tenants
  where tenants.slug like 'bench-%';
  create index on public.${name} (tenant_id, created_at desc);
  grant select on public.${name} to authenticated;
  create view v1.${name} with (security_invoker = true) as
  select tenant_id, id, name, created_at from public.${name};
  grant select on v1.${name} to authenticated`;

console.error("  a million rows, twice …");
await admin.query(`
  set role postgres;
  insert into core.tenants (slug, name)
  select 'bench-' || number, 'Bench' from generate_series(1, ${TENANTS}) as number;
  insert into core.permissions (permission, description) values
  ('bench.guarded.read', 'Bench.'), ('bench.guarded.write', 'Bench.');
  select core.allow_system_roles(array['owner'], array['bench.guarded.read', 'bench.guarded.write']);
  ${table("guarded")};
  ${table("open")};
  select core.guard('public.guarded', 'bench.guarded');
  reset role`);
const [{ id: user }] = await admin.query(
  "insert into auth.users (id, email) values (gen_random_uuid(), 'bench@example.com') returning id",
);
const tenants = await admin.query(
  `insert into core.members (tenant_id, user_id, role_id)
   select tenants.id, $1::uuid, roles.id
   from (select id from core.tenants where slug like 'bench-%' order by slug limit $2) as tenants
   join core.roles on roles.tenant_id = core.platform_tenant_id() and roles.slug = 'owner'
   returning tenant_id as id`,
  [user, TENANTS_OF_CALLER],
);
// Requests are counted, and none is refused.
await admin.query("update core.rate_limits set limits = '500000/1m'");
await admin.query("vacuum analyze");
for (const service of ["rest", "gateway"]) stack("start", service);
const tenant = tenants[0].id;
const rowOf = async (name) =>
  (await admin.query(`select id from public.${name} where tenant_id = $1 limit 1`, [tenant]))[0].id;
const rows = { guarded: await rowOf("guarded"), open: await rowOf("open") };

// Over HTTP ---------------------------------------------------------------------------------------

const claims = { role: "authenticated", aud: "authenticated", sub: user };
const headers = {
  apikey: env.ANON_KEY,
  authorization: `Bearer ${sign(claims, env.JWT_SECRET)}`,
  "accept-profile": "v1",
  "x-tenant-id": tenant,
};
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

const elapsedUs = (path) =>
  new Promise((resolve, reject) => {
    const began = process.hrtime.bigint();
    request(`${env.API_URL}/rest/v1/${path}`, { agent, headers }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${path}: ${answer.statusCode}`));
      answer.resume().on("end", () => resolve(Number(process.hrtime.bigint() - began) / 1000));
    }).on("error", reject).end();
  });

const QUESTIONS = {
  list: (name) => `${name}?select=*&tenant_id=eq.${tenant}&order=created_at.desc&limit=20`,
  point: (name) => `${name}?select=*&tenant_id=eq.${tenant}&id=eq.${rows[name]}`,
};
const median = (times) => times.toSorted((a, b) => a - b)[times.length >> 1];

const ratios = {};
for (const [question, pathOf] of Object.entries(QUESTIONS)) {
  console.error(`  ${question} over HTTP …`);
  const times = { guarded: [], open: [] };
  for (let turn = 0; turn < WARM_UP_REQUESTS + REQUESTS; turn++) {
    for (const name of ["guarded", "open"]) {
      const us = await elapsedUs(pathOf(name));
      if (turn >= WARM_UP_REQUESTS) times[name].push(us);
    }
  }
  ratios[question] = median(times.guarded) / median(times.open);
}
report("rls_overhead", Math.max(ratios.list, ratios.point), "×", 1.2);
report("rls_list", ratios.list, "×");
report("rls_point", ratios.point, "×");
agent.destroy();

// On a connection ---------------------------------------------------------------------------------

// As PostgREST leaves the session after the pre-request function.
const settings = (named) => [
  "set tenon.caller_kind = 'user'",
  `set tenon.caller_id = '${user}'`,
  `set tenon.requested_tenant_id = '${named ? tenant : ""}'`,
  "set role authenticated",
];
const member = await Backend.open(env.DB_ADMIN_URL, ...settings(true));
const STATEMENTS = {
  list: (name) =>
    `select * from v1.${name} where tenant_id = '${tenant}' order by created_at desc limit 20`,
  point: (name) =>
    `select * from v1.${name} where tenant_id = '${tenant}' and id = '${rows[name]}'`,
};
for (const [question, textOf] of Object.entries(STATEMENTS)) {
  console.error(`  ${question} on a connection …`);
  const [guarded, open] = await cpuMsOfEach(
    ["guarded", "open"].map((name) => ({
      backend: member,
      statement: { name: `${question}_${name}`, text: textOf(name) },
    })),
  );
  report(`rls_${question}_sql`, guarded / open, "×");
}

for (const [figure, named, most] of [["tenants_with_us", false, 100], ["tenant_named_us", true]]) {
  const caller = await Backend.open(env.DB_ADMIN_URL, ...settings(named));
  const calls = `do $$ begin for turn in 1..${CALLS} loop
    perform core.tenants_with('bench.guarded.read'); end loop; end $$`;
  await caller.query(calls);
  const seconds = await caller.cpuSecondsOf(async () => {
    for (let turn = 0; turn < 5; turn++) await caller.query(calls);
  });
  report(figure, seconds * 1e6 / (5 * CALLS), "µs", most);
  await caller.end();
}

await member.end();
await admin.end();
stack("down");
