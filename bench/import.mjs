// Imports: how fast a job writes records from a file, with all that records have: validation, audit,
// events, owners, and an index for each look-up.
//   import_rows_per_s     100,000 contacts through v1.run_import and core.run_jobs, from the first step
//                         to the last commit
//   import_plain_rows_per_s   the same rows in one INSERT … SELECT into a bare copy of the table with
//                         its indexes, without triggers, defaults and keys to other tables
//   import_overhead       the one ÷ the other
//   import_upload_rows_per_s  v1.add_import_rows, in pieces of half a MiB
//   import_check_rows_per_s   the dry run
//   import_undo_rows_per_s    taking it back
//   import_cpu_us         processor time of the job's backend for a row
//   import_memory_mb      what the job's backend grew by, of memory that it does not share
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { Backend } from "./support/postgres.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const ROWS = Number(process.env.ROWS ?? 100_000);
const ROWS_PER_S_MIN = 5000;
const PIECE_CHARS = 512 * 1024;

execFileSync(`${ROOT}scripts/stack.sh`, ["database"]);
const env = parseEnv(readFileSync(`${process.env.TENON_STACK}/env`, "utf8"));

const say = (text) => console.error(`  ${text} …`);
const report = (name, value, unit, aim = "", met = undefined) =>
  console.log(JSON.stringify({ name: `crm.${name}`, value, unit, aim, met }));

const admin = await Backend.open(env.DB_ADMIN_URL);
// No schedule works in the middle of a measurement.
await admin.query(`
  do $$ begin
    if to_regclass('cron.job') is not null then update cron.job set active = false; end if;
  end $$`);
const owner = await Backend.open(env.DB_URL);
const user = crypto.randomUUID();
await admin.query(
  "insert into auth.users (id, email) values ($1::uuid, $1::text || '@example.com')",
  [user],
);
const [{ id: tenant }] = await owner.query(
  `insert into core.tenants (slug, name) values ('bench-' || left($1, 8), 'Bench')
   returning id`,
  [user],
);
await owner.query(
  `insert into core.members (tenant_id, user_id, role_id)
   select $1, $2, roles.id from core.roles
   where roles.tenant_id = core.platform_tenant_id() and roles.slug = 'manager'`,
  [tenant, user],
);
await owner.query("select core.keep_audit()");

const header = "id;salutation;first name;last name;title;e-mail;phone;birthday;notes";
const row = (place) =>
  `B${place};Ms.;Ada ${place};Lovelace-${place * 7919 % ROWS};Engineer;ada.${place}@example.com;` +
  `+49 30 ${place};${1 + place % 28}.${1 + place % 12}.19${
    50 + place % 50
  };met at the fair, "hall ${place % 9}"`;
const file = [header, ...Array.from({ length: ROWS }, (_, place) => row(place + 1))].join("\r\n");

const caller = await Backend.open(env.DB_URL);
await caller.query("set role authenticated");
await caller.query("select set_config('request.jwt.claims', $1, false)", [
  JSON.stringify({ role: "authenticated", sub: user }),
]);
await caller.query("select set_config('request.headers', $1, false)", [
  JSON.stringify({ "x-tenant-id": tenant }),
]);
const call = async (text, values) => Object.values((await caller.query(text, values))[0])[0];

async function perSecond(work) {
  const from = process.hrtime.bigint();
  await work();
  return ROWS / (Number(process.hrtime.bigint() - from) / 1e9);
}
/** Runs what jobs there are, in a backend of their own; what memory and processor time that took. */
async function runJobs() {
  const runner = await Backend.open(env.DB_URL);
  const [{ pid }] = await runner.query("select pg_backend_pid() as pid");
  const own = () => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(status.match(/RssAnon:\s+(\d+)/)[1]) / 1024;
  };
  const before = own();
  const seconds = await runner.cpuSecondsOf(() => runner.query("call core.run_jobs('10 minutes')"));
  const grown = own() - before;
  await runner.end();
  return { grown, seconds };
}

say("uploading");
const { id } = await call("select v1.start_import('crm.contacts', 'bench.csv')");
report(
  "import_upload_rows_per_s",
  await perSecond(async () => {
    for (let from = 0, number = 1; from < file.length; from += PIECE_CHARS, number++) {
      await call("select v1.add_import_rows($1, $2, $3)", [
        id,
        number,
        file.slice(from, from + PIECE_CHARS),
      ]);
    }
  }),
  "rows/s",
);
await call("select v1.map_import($1, $2)", [
  id,
  {
    id: "external_id",
    salutation: "salutation",
    "first name": "given_name",
    "last name": "family_name",
    title: "job_title",
    "e-mail": "email",
    phone: "phone",
    birthday: "birth_date",
    notes: "description",
  },
]);
await admin.query("vacuum analyze");

say("checking");
report(
  "import_check_rows_per_s",
  await perSecond(async () => {
    await call("select v1.check_import($1)", [id]);
    await runJobs();
  }),
  "rows/s",
);

say("running");
let took;
const imported = await perSecond(async () => {
  await call("select v1.run_import($1)", [id]);
  took = await runJobs();
});
const [done] = await owner.query("select * from crm.imports where id = $1", [id]);
if (done.status !== "succeeded" || done.created_count !== ROWS) {
  throw new Error(`the import ${done.status}: ${done.created_count} of ${ROWS}`);
}
report("import_rows_per_s", imported, "rows/s", `≥ ${ROWS_PER_S_MIN}`, imported >= ROWS_PER_S_MIN);
report("import_cpu_us", took.seconds / ROWS * 1e6, "µs");
report("import_memory_mb", took.grown, "MB");

say("into a bare copy");
await owner.query("create table public.bare (like crm.contacts including indexes)");
const plain = await perSecond(() =>
  owner.query("insert into public.bare select * from crm.contacts where tenant_id = $1", [tenant])
);
await owner.query("drop table public.bare");
report("import_plain_rows_per_s", plain, "rows/s");
report("import_overhead", plain / imported, "×");

if (process.env.STOP) process.exit();
say("undoing");
report(
  "import_undo_rows_per_s",
  await perSecond(async () => {
    await call("select v1.undo_import($1)", [id]);
    await runJobs();
  }),
  "rows/s",
);
await Promise.all([admin, owner, caller].map((backend) => backend.end()));
