// What it costs to ask a condition of three leaves: of jsonb rows in SQL, and of slots in Rust.
//   json_per_s          tenon.condition_holds over a table of documents, a second of processor time of
//                       the backend, with the time that reading the table takes taken off
//   json_scan_per_s     the same with the reading
//   json_ratio          how many times as long the same question takes as SQL over the documents, by
//                       ->> and casts
//   where_per_s         tenon.condition_where over columns, with the reading taken off
//   slots_per_s         a condition of three leaves over eight metrics of floats and texts
//   slots_one_per_s, slots_eight_per_s, slots_by_hand_per_s
//                       one leaf, eight leaves, and the three written by hand in Rust
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { Backend, cpuMsOfEach } from "./support/postgres.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const STACK = process.env.TENON_STACK;
const ROWS = 200_000;

const stack = (...args) => execFileSync(`${ROOT}scripts/stack.sh`, args);
const say = (text) => console.error(`  ${text} …`);
const report = (name, value, unit = "1/s", aim = "", met = undefined) =>
  console.log(JSON.stringify({ name: `condition.${name}`, value, unit, aim, met }));

const CONDITION = {
  all: [
    { field: "amount_minor", op: ">=", value: 50_000 },
    { field: "stage", op: "in", value: ["won", "offer"] },
    { field: "custom.size", op: "<", value: 50 },
  ],
};
const FIELDS = {
  amount_minor: { type: "number" },
  stage: { type: "text" },
  "custom.size": { type: "number" },
};

say("asking conditions of slots");
const figures = execFileSync("cargo", [
  ...["run", "--quiet", "--release", "-p", "tenon-domain", "--example", "condition_slots"],
], { cwd: ROOT, encoding: "utf8" });
const slots = Object.fromEntries(
  figures.trim().split("\n").map((line) => JSON.parse(line)).map((it) => [it.name, it.per_s]),
);

stack("database");
const env = parseEnv(readFileSync(`${STACK}/env`, "utf8"));
const admin = await Backend.open(env.DB_ADMIN_URL);

say(`making ${ROWS} documents`);
await admin.query(`
  create unlogged table public.deals as
  select
    deals.*,
    to_jsonb(deals) as document
  from (
    select
      number as id, gen_random_uuid() as tenant_id, gen_random_uuid() as owner_id,
      'Deal ' || number as name, (random() * 100000)::bigint as amount_minor, 'EUR' as currency,
      (array['new', 'offer', 'won', 'lost'])[1 + number % 4] as stage, 1 as version,
      now() - number * interval '1 minute' as created_at,
      jsonb_build_object('color', 'red', 'size', number % 100) as custom
    from generate_series(1, ${ROWS}) as number
  ) as deals`);
await admin.query("vacuum analyze public.deals");

const condition = JSON.stringify(CONDITION);
const [{ clause, bound }] = await admin.query(
  `select tenon.condition_where($1, $2, 'deals') as clause,
     tenon.condition_values($1, $2)::text as bound`,
  [condition, JSON.stringify(FIELDS)],
);
const counting = (name, where) => ({
  backend: admin,
  statement: { name, text: `select count(*) from public.deals where ${where}` },
});
const CONTESTANTS = [
  counting("reading", "document is not null"),
  counting("holds", `tenon.condition_holds('${condition}', document)`),
  counting(
    "extracted",
    `(document ->> 'amount_minor')::numeric >= 50000
     and document ->> 'stage' in ('won', 'offer')
     and (document -> 'custom' ->> 'size')::numeric < 50`,
  ),
  counting("where", clause.replaceAll("$1", `'${bound}'::jsonb`)),
];

const counts = [];
for (const { statement } of CONTESTANTS.slice(1)) {
  counts.push((await admin.query(statement.text))[0].count);
}
if (new Set(counts).size !== 1) throw new Error(`they find ${counts.join(", ")}`);

say("asking conditions of documents");
const [reading, holds, extracted, where] = await cpuMsOfEach(CONTESTANTS);
const perSecond = (ms) => ROWS / ms * 1000;
const json = perSecond(holds - reading);
report("json_per_s", json, "1/s", "≥ 2 M", json >= 2e6);
report("json_scan_per_s", perSecond(holds));
report("json_ratio", (extracted - reading) / (holds - reading), "×");
report("where_per_s", perSecond(where - reading));
report("slots_per_s", slots.three, "1/s", "≥ 50 M", slots.three >= 50e6);
report("slots_one_per_s", slots.one);
report("slots_eight_per_s", slots.eight);
report("slots_by_hand_per_s", slots.by_hand);

await admin.end();
stack("down");
