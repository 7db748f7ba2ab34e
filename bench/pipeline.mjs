// What a move costs in the database: v1.move of a member, through the role authenticated, on a table
// like deals with policies, audit and events, by a transition with a guard and one effect. Each move is
// its own transaction. Everything is processor time of the one backend that does it, commits included,
// where events are numbered; the contestants take turns.
//   move_ms        v1.move; the aim
//   update_ms      a plain update of one column of such a record
//   allowed_ms     v1.allowed_moves
//   nothing_ms     a transaction of the same caller that asks for nothing, which is not taken off
//   move_wall_ms   the median of the time that a client waits for v1.move and its commit
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { Backend } from "./support/postgres.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const MOVE_MS_MAX = 3;
const RECORDS = 100_000;
const TURNS = 2000;
const SLICE = 200;

execFileSync(`${ROOT}scripts/stack.sh`, ["database"]);
const env = parseEnv(readFileSync(`${process.env.TENON_STACK}/env`, "utf8"));

const say = (text) => console.error(`  ${text} …`);
const report = (name, value, aim = "", met = undefined) =>
  console.log(JSON.stringify({ name: `pipeline.${name}`, value, unit: "ms", aim, met }));

const USER = "00000000-0000-4000-8000-0000000000bb";
const open = (stage, probability, more = {}) => ({ stage, kind: "open", probability, ...more });
const DEFINITION = {
  stages: [
    open("new", 10, { start: true }),
    open("qualified", 25),
    open("proposal", 50, { required: ["amount_minor"], time_limit_s: 1_209_600 }),
    open("negotiation", 75),
    { stage: "won", kind: "won" },
    { stage: "lost", kind: "lost" },
  ],
  transitions: [
    { from: ["new", "proposal", "negotiation"], to: "qualified" },
    {
      from: ["new", "qualified", "negotiation"],
      to: "proposal",
      when: {
        all: [
          { field: "amount_minor", op: ">", value: 0 },
          { field: "currency", op: "in", value: ["EUR", "USD", "GBP"] },
        ],
      },
      effects: [{ effect: "set_fields", fields: { note: "proposed" } }],
    },
    { from: ["qualified", "proposal"], to: "negotiation" },
    { from: ["proposal", "negotiation"], to: "won" },
    { from: ["new", "qualified", "proposal", "negotiation"], to: "lost", reason_required: true },
    { from: ["won", "lost"], to: "new" },
  ],
};

const owner = await Backend.open(env.DB_URL);
say(`${RECORDS} records`);
await owner.query("create schema bench_pipeline");
await owner.query("grant usage on schema bench_pipeline to authenticated");
await owner.query(`
  create table bench_pipeline.deals (
      tenant_id uuid not null references core.tenants (id),
      id uuid not null default gen_random_uuid(),
      name text not null,
      amount_minor bigint,
      currency text,
      note text,
      owner_id uuid,
      team_id uuid,
      custom jsonb not null default '{}',
      primary key (tenant_id, id)
  )`);
await owner.query(`
  insert into core.permissions (permission, description) values
  ('bench_pipeline.deals.read', 'Bench.'), ('bench_pipeline.deals.write', 'Bench.')`);
await owner.query(`
  select core.allow_system_roles(
      array['owner'], array['bench_pipeline.deals.read', 'bench_pipeline.deals.write'])`);
await owner.query(
  "select core.guard('bench_pipeline.deals', 'bench_pipeline.deals', 'owner_id', 'team_id')",
);
await owner.query("grant select, insert, update, delete on bench_pipeline.deals to authenticated");
await owner.query(`
  select core.register_object(
      'bench_pipeline.deals', 'bench_pipeline.deals', 'deal', 'name', 'owner_id', 'team_id')`);
await owner.query("select core.attach_pipeline('bench_pipeline.deals')");
await owner.query(
  "select core.audit('bench_pipeline.deals'::regclass, '{version,updated_at,updated_by}')",
);
const [{ id: tenant }] = await owner.query(
  "insert into core.tenants (slug, name) values ('bench-pipeline', 'Bench') returning id",
);
await owner.query(`insert into auth.users (id, email) values ('${USER}', 'move@bench.example')`);
await owner.query(
  `insert into core.members (tenant_id, user_id, role_id)
   select $1, '${USER}', roles.id from core.roles
   where roles.tenant_id = core.platform_tenant_id() and roles.slug = 'owner'`,
  [tenant],
);
await owner.query(
  "select core.put_pipeline($1, 'bench_pipeline.deals', 'sales', 'Sales', $2)",
  [tenant, DEFINITION],
);
await owner.query(
  `select core.release_pipeline(pipelines, 1) from core.pipelines
   where tenant_id = $1 and object = 'bench_pipeline.deals'`,
  [tenant],
);
await owner.query(
  `insert into bench_pipeline.deals (tenant_id, name, amount_minor, currency)
   select $1, 'Deal ' || place, place * 100, 'EUR' from generate_series(1, ${RECORDS}) as place`,
  [tenant],
);
const admin = await Backend.open(env.DB_ADMIN_URL);
await admin.query("vacuum analyze");
const ids = (await owner.query(
  `select id from bench_pipeline.deals where tenant_id = $1 order by md5(id::text) limit ${
    2 * (TURNS + SLICE)
  }`,
  [tenant],
)).map(({ id }) => id);

const claims = JSON.stringify({ role: "authenticated", sub: USER });
const member = await Backend.open(env.DB_URL);

/** Runs a statement as PostgREST would, and says for how many milliseconds its client waits. */
async function run(text, values) {
  await member.query("begin");
  await member.query(
    "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', $1, true)",
    [claims],
  );
  const before = process.hrtime.bigint();
  await member.query(text, values);
  await member.query("commit");
  return Number(process.hrtime.bigint() - before) / 1e6;
}

const contestants = {
  move: { text: "select v1.move($1, 'proposal', 1)", of: (id) => [id] },
  update: {
    text: "update bench_pipeline.deals set note = 'x' where tenant_id = $1 and id = $2",
    of: (id) => [tenant, id],
  },
  allowed: { text: "select v1.allowed_moves($1)", of: (id) => [id] },
  nothing: { text: "select $1::uuid", of: (id) => [id] },
};
say(`${TURNS} moves`);
const spent = Object.fromEntries(Object.keys(contestants).map((name) => [name, 0]));
const walls = [];
const slices = TURNS / SLICE;
for (let slice = -1; slice < slices; slice += 1) {
  const taken = ids.slice(2 * SLICE * (slice + 1), 2 * SLICE * (slice + 2));
  const records = { move: taken.slice(0, SLICE) };
  for (const [name, { text, of }] of Object.entries(contestants)) {
    const seconds = await member.cpuSecondsOf(async () => {
      for (const id of records[name] ?? taken.slice(SLICE)) {
        const ms = await run(text, of(id));
        if (name === "move" && slice >= 0) walls.push(ms);
      }
    });
    // The first slice warms up.
    if (slice >= 0) spent[name] += seconds;
  }
}
const [{ count }] = await owner.query(
  `select count(*)::integer from bench_pipeline.deals
   where tenant_id = $1 and stage = 'proposal' and note = 'proposed'`,
  [tenant],
);
if (count !== TURNS + SLICE) throw new Error(`${count} records were moved`);

const ms = (name) => spent[name] * 1000 / TURNS;
report("move_ms", ms("move"), `≤ ${MOVE_MS_MAX}`, ms("move") <= MOVE_MS_MAX);
for (const name of ["update", "allowed", "nothing"]) report(`${name}_ms`, ms(name));
report("move_wall_ms", walls.sort((one, other) => one - other)[walls.length >> 1]);
for (const backend of [owner, admin, member]) await backend.end();
