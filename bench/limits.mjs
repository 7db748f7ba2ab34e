// What it costs to count a request. Everything is processor time of the one backend that does it,
// from /proc, with the time of the same statement without the call taken off; the contestants take
// turns.
//   check_us           tenon.limit_check, four buckets of a request (tenant, user, address, action)
//   check_one_us       the same with one bucket
//   check_shared_us    as check_us, while another session counts in the same buckets
//   noop_us            a native function that subtracts a day: the price of any call
//   request_us         core.check_rate_limits of a user who names a tenant, in a read-only transaction
//   request_table_us   the same without shared memory, in one that writes
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { Backend, cpuMsOfEach } from "./support/postgres.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const STACK = process.env.TENON_STACK;
const CALLS = 20_000, REQUESTS = 1000;

const stack = (...args) => execFileSync(`${ROOT}scripts/stack.sh`, args);
const say = (text) => console.error(`  ${text} …`);
const report = (name, value, aim = "", met = undefined) =>
  console.log(JSON.stringify({ name: `limit.${name}`, value, unit: "µs", aim, met }));

stack("database");
const env = parseEnv(readFileSync(`${STACK}/env`, "utf8"));

const USER = "00000000-0000-4000-8000-00000000000b";
const TENANT = "00000000-0000-4000-8000-00000000000a";
// Not the names by which requests are counted below: those are to be let through as well.
const NAMES = [
  `bench tenant ${TENANT}`,
  `bench principal user ${USER}`,
  "bench address 192.0.2.77",
  `bench principal user ${USER} rpc/move`,
];
const array = (values) => `array[${values.map((value) => `'${value}'`).join(", ")}]`;
// A second apart, so that each is let through; the first of a statement finds its buckets taken up
// for longer than they can be, and begins them anew.
const LATER = "i * interval '1 second'";
const check = (names) =>
  `tenon.limit_check(${array(names)}, ${
    array(names.map(() => "6000/1m"))
  }, clock_timestamp() + ${LATER})`;

const statement = (name, call, times) => ({
  name,
  text: `select count(${call}) from generate_series(1, ${times}) as i`,
});
const nothing = (times) => statement(`nothing_${times}`, times === CALLS ? LATER : "1", times);

// Microseconds of one call, over those of a statement without it.
async function microsOfEach(contestants, times) {
  const [{ backend }] = contestants;
  const [empty, ...spent] = await cpuMsOfEach([
    { backend, statement: nothing(times) },
    ...contestants,
  ]);
  return spent.map((ms) => (ms - empty) * 1000 / times);
}

const admin = await Backend.open(env.DB_ADMIN_URL);
const [{ mode }] = await admin.query("select mode from core.rate_limiting()");
if (mode !== "shared memory") throw new Error(`requests are counted in ${mode}`);

say("counting in shared memory");
const [four, one, noop] = await microsOfEach([
  { backend: admin, statement: statement("four", check(NAMES), CALLS) },
  { backend: admin, statement: statement("one", check(NAMES.slice(0, 1)), CALLS) },
  {
    backend: admin,
    statement: statement("noop", `tenon.retention_cutoff(to_timestamp(0) + ${LATER}, 1)`, CALLS),
  },
], CALLS);
const [{ refused }] = await admin.query(
  `select count(*)::integer as refused from generate_series(1, ${CALLS}) as i
   where (${check(NAMES)})[1] > 0`,
);
if (refused > 0) throw new Error(`${refused} requests were refused`);
report("check_us", four, "≤ 2", four <= 2);
report("check_one_us", one);
report("noop_us", noop);

say("counting in the same buckets twice at a time");
const other = await Backend.open(env.DB_ADMIN_URL);
let running = true;
const rival = (async () => {
  while (running) await other.prepared(statement("four", check(NAMES), CALLS));
})();
const [shared] = await microsOfEach([
  { backend: admin, statement: statement("four", check(NAMES), CALLS) },
], CALLS);
running = false;
await rival;
report("check_shared_us", shared);

say("counting requests");
await admin.query(
  `insert into core.tenants (id, slug, name) values ('${TENANT}', 'bench', 'Bench')`,
);
await admin.query(`insert into auth.users (id, email) values ('${USER}', 'bench@example.com')`);
await admin.query(
  `insert into core.members (tenant_id, user_id, role_id)
   select '${TENANT}', '${USER}', roles.id from core.roles
   where roles.tenant_id = core.platform_tenant_id() and roles.slug = 'owner'`,
);
await admin.query("update core.rate_limits set limits = '600000/1m burst 1000000'");
await admin.query(
  `insert into core.rate_limits (tenant_id, dimension, action, limits)
   values (core.platform_tenant_id(), 'principal', 'rpc/move', '600000/1m burst 1000000')`,
);
const headers = JSON.stringify({ "x-tenant-id": TENANT, "x-forwarded-for": "192.0.2.77" });
const request = [
  `set request.headers = '${headers}'`,
  `set request.jwt.claims = '${JSON.stringify({ role: "authenticated", sub: USER })}'`,
  "set request.method = 'POST'",
  "set request.path = '/rpc/move'",
];
const reader = await Backend.open(
  env.DB_ADMIN_URL,
  ...request,
  "set default_transaction_read_only = on",
);
const writer = await Backend.open(env.DB_ADMIN_URL, ...request, "set tenon.limit_memory = off");
const counting = statement("request", "core.check_rate_limits()", REQUESTS);
const [read] = await microsOfEach([{ backend: reader, statement: counting }], REQUESTS);
report("request_us", read);

// A transaction for each, as requests have one; its begin and commit count too.
const once = { name: "once", text: "select core.check_rate_limits()" };
const [written] = await cpuMsOfEach([{ backend: writer, statement: once }]);
report("request_table_us", written * 1000);

for (const backend of [admin, other, reader, writer]) await backend.end();
stack("down");
