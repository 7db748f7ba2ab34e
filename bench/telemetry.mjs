// The telemetry engine against plain day partitions with a btree on (device, metric, at): the same
// data, in the same cluster, at the same time. Everything is processor time (user and system) of
// the one backend that does the work, from /proc, commit included; neither client nor generator
// counts. Ratios are plain ÷ ours, so that more is better.
//   ingest_speedup      iot.ingest, 1,000 messages × 10 metrics a call, ÷ COPY BINARY of 2 M rows
//   compacted_speedup   the same, with iot.compact of all of it added to ours
//   ingest_mark_ms      what a call takes longer when all of its 1,000 devices are to be marked seen
//   bytes_per_point     iot.batches, blocks and latest with TOAST and indexes after VACUUM
//   q1 … qx_speedup     see support/telemetry-queries.mjs; ours as a member, under row level security
//   q1_hot_ms           Q1 over 1,000 batches of 10,000 points, none of them compacted
//   rls_overhead        ours as a member ÷ as service_role, which bypasses row level security, both
//                       of one tenant: geometric mean of the six questions, then each
//   growth              Q1 of one tenant at 200 M points (1,000 devices, 55 h) ÷ at its first 2 M
//                       (100 devices, 5.5 h)
//   obd_…, nab_…        recordings in the folder that TENON_TEST_DATA names, where it is set
//
// TENON_BENCH_PARTS=main,hot,recordings,growth runs some parts alone.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { Backend, cpuMsOfEach } from "./support/postgres.mjs";
import * as fleet from "./support/telemetry-fleet.mjs";
import { oneHour, questions, THRESHOLD } from "./support/telemetry-queries.mjs";
import { recordings } from "./support/telemetry-recordings.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const STACK = process.env.TENON_STACK;
const PARTS = (process.env.TENON_BENCH_PARTS ?? "main,hot,recordings,growth").split(",");

const stack = (...args) => execFileSync(`${ROOT}scripts/stack.sh`, args);
const say = (text) => console.error(`  ${text} …`);
const report = (name, value, unit, aim = "", met = undefined) =>
  console.log(JSON.stringify({ name: `telemetry.${name}`, value, unit, aim, met }));
const reportAtLeast = (name, value, least) =>
  report(name, value, "×", `≥ ${least}`, value >= least);
const reportAtMost = (name, value, unit, most) =>
  report(name, value, unit, `≤ ${most}`, value <= most);

stack("database");
const env = parseEnv(readFileSync(`${STACK}/env`, "utf8"));

// Everything stays in memory on both sides, and no checkpoint falls into a measurement more often
// than it must.
async function giveMemory() {
  const before = await Backend.open(env.DB_ADMIN_URL);
  await before.query("alter system set shared_buffers = '4GB'");
  await before.query("alter system set max_wal_size = '4GB'");
  await before.end();
  stack("stop", "postgres");
  stack("start", "postgres");
}
await giveMemory();
fleet.buildGenerator();

const admin = await Backend.open(env.DB_ADMIN_URL);
const bridge = await Backend.open(env.BRIDGE_DB_URL);

// No schedule compacts what is to be measured as it came.
await admin.query(`
  do $$
  begin
    if to_regclass('cron.job') is not null then
      update cron.job set active = false;
    end if;
  end
  $$`);

// A tenant with its fleet, and two callers: a member under row level security, and service_role,
// which bypasses it. The header makes both ask about this tenant alone.
async function makeTenant(slug, devices) {
  const [{ id }] = await admin.query(
    "insert into core.tenants (slug, name) values ($1, 'Bench') returning id",
    [slug],
  );
  await admin.query(
    `insert into iot.devices (tenant_id, slug)
     select $1::uuid, $2::text || '-' || lpad(number::text, 5, '0')
     from generate_series(1, $3::integer) as number`,
    [id, slug, devices],
  );
  const [{ id: user }] = await admin.query(
    "insert into auth.users (id, email) values (gen_random_uuid(), $1) returning id",
    [`${slug}@example.com`],
  );
  await admin.query(
    `insert into core.members (tenant_id, user_id, role_id)
     select $1::uuid, $2::uuid, roles.id from core.roles
     where roles.tenant_id = core.platform_tenant_id() and roles.slug = 'owner'`,
    [id, user],
  );
  await admin.query("vacuum analyze iot.devices");
  const caller = (claims) =>
    Backend.open(
      env.DB_ADMIN_URL,
      `set request.headers = '{"x-tenant-id": "${id}"}'`,
      `set request.jwt.claims = '${JSON.stringify(claims)}'`,
      `set role ${claims.role}`,
    );
  return {
    slug,
    id,
    member: await caller({ role: "authenticated", sub: user }),
    service: await caller({ role: "service_role" }),
  };
}

async function endTenant({ member, service }) {
  await member.end();
  await service.end();
}

// Compacts all there is; returns the processor seconds.
async function compact() {
  return await admin.cpuSecondsOf(async () => {
    const step = "select done from iot.compact(up_to => 'infinity', budget => '10 seconds')";
    while (!(await admin.query(step))[0].done);
  });
}

async function storedBytes() {
  const stored = "'^(batches|blocks|latest)'";
  const tables = await admin.query(
    `select oid::regclass as name from pg_class
     where relnamespace = 'iot'::regnamespace and relkind = 'r' and relname ~ ${stored}`,
  );
  for (const { name } of tables) await admin.query(`vacuum analyze ${name}`);
  const [{ bytes }] = await admin.query(
    `select sum(pg_total_relation_size(oid))::float8 as bytes from pg_class
     where relnamespace = 'iot'::regnamespace and relkind = 'r' and relname ~ ${stored}`,
  );
  return bytes;
}

async function forgetReadings() {
  await admin.query("truncate iot.batches, iot.blocks, iot.latest");
}

// Both answers have as many rows, and their columns add up to the same.
async function checkAnswers({ name, plain, ours, sum, within }, member) {
  const total = (rows, column) => rows.reduce((sum, row) => sum + Number(row[column]), 0);
  const [expected, found] = [await admin.prepared(plain), await member.prepared(ours)];
  const [wanted, got] = [total(expected, sum[0]), total(found, sum[1])];
  if (expected.length !== found.length || !(Math.abs(got / wanted - 1) <= within)) {
    throw new Error(
      `${name}: ${found.length} rows adding up to ${got}, not ${expected.length} to ${wanted}`,
    );
  }
}

const geometricMean = (numbers) =>
  Math.exp(numbers.reduce((sum, number) => sum + Math.log(number), 0) / numbers.length);

// 20 M points ----------------------------------------------------------------------------------------

async function main() {
  const tenant = await makeTenant("bench", fleet.FLEET);
  const part = { tenant: tenant.slug, rounds: [0, 2000] };
  const points = fleet.pointsOf(part);
  await fleet.makePlainTable(admin, "bench.plain");
  await fleet.addDays(admin, "bench.plain", "2026-02-28", 7);

  say("storing 20 M points both ways, in turns");
  const copier = new fleet.Copier(env.DB_ADMIN_URL);
  let copied = 0, ingested = 0;
  for (const slice of fleet.slices(part, 10)) {
    copied += await copier.copy("bench.plain", slice);
    ingested += await fleet.ingest(bridge, slice);
  }
  copier.end();
  reportAtLeast("ingest_speedup", copied / ingested, 20);
  report("ingest_points_per_cpu_s", points / ingested, "points/s");
  report("copy_points_per_cpu_s", points / copied, "points/s");

  say("compacting them");
  const compacted = await compact();
  reportAtLeast("compacted_speedup", copied / (ingested + compacted), 8);
  reportAtMost("bytes_per_point", await storedBytes() / points, "B", 2);
  await admin.query("vacuum analyze bench.plain");

  say("asking both");
  const [{ threshold }] = await admin.query(THRESHOLD);
  const overheads = [];
  for (const question of questions(tenant.slug, threshold)) {
    await checkAnswers(question, tenant.member);
    const [plain, member, service] = await cpuMsOfEach([
      { backend: admin, statement: question.plain },
      { backend: tenant.member, statement: question.ours },
      { backend: tenant.service, statement: question.ours },
    ]);
    reportAtLeast(`${question.name}_speedup`, plain / member, question.aim);
    report(`${question.name}_ms`, member, "ms");
    overheads.push([question.name, member / service]);
  }
  reportAtMost("rls_overhead", geometricMean(overheads.map(([, ratio]) => ratio)), "×", 1.15);
  for (const [name, ratio] of overheads) report(`rls_overhead_${name}`, ratio, "×");

  await admin.query("drop schema bench cascade");
  await endTenant(tenant);
}

// The last hour, as it came --------------------------------------------------------------------------

async function hot() {
  say("storing an hour of 10 M points");
  const tenant = await makeTenant("hot", fleet.FLEET);
  const part = { tenant: tenant.slug, rounds: [0, 1000], intervalMs: 3600 };
  await fleet.ingest(bridge, part);
  await admin.query("vacuum analyze iot.batches");
  const hour = { from: "2026-03-02 06:00Z", to: "2026-03-02 07:00Z" };
  const statement = oneHour(tenant.slug, 500, hour);
  const [spent] = await cpuMsOfEach([{ backend: tenant.member, statement }]);
  reportAtMost("q1_hot_ms", spent, "ms", 5);
  await marking(tenant);
  await endTenant(tenant);
}

// A device is marked as seen at most once a minute; here, at every second call.
async function marking({ id, slug }) {
  const CALLS = 40;
  const forget = "update iot.devices set last_seen_at = $2 where tenant_id = $1";
  const spent = { marked: 0, unmarked: 0 };
  for (let round = 0; round < CALLS; round++) {
    const isMarked = round % 2 === 0;
    if (isMarked) await admin.query(forget, [id, "2026-03-02 00:00Z"]);
    if (isMarked) await admin.query("vacuum iot.devices");
    const call = { tenant: slug, rounds: [round, round + 1] };
    spent[isMarked ? "marked" : "unmarked"] += await fleet.ingest(bridge, call);
  }
  report("ingest_mark_ms", (spent.marked - spent.unmarked) / (CALLS / 2) * 1000, "ms");
}

// Recordings of others -------------------------------------------------------------------------------

async function recorded() {
  const folder = process.env.TENON_TEST_DATA;
  if (!folder) {
    console.error("  TENON_TEST_DATA is not set: no recordings");
    return;
  }
  for (const recording of recordings(folder)) {
    say(`storing ${recording.name}`);
    await forgetReadings();
    const tenant = await makeTenant(recording.name, 0);
    await recording.store(admin, tenant);
    await compact();
    const bytes = await storedBytes();
    report(`${recording.name}_bytes_per_point`, bytes / recording.points, "B");
    const [{ packed }] = await admin.query(
      "select sum(octet_length(head) + octet_length(body))::float8 as packed from iot.blocks",
    );
    report(`${recording.name}_packed_bytes_per_point`, packed / recording.points, "B");
    await checkAnswers(recording.question, tenant.member);
    const [plain, ours] = await cpuMsOfEach([
      { backend: admin, statement: recording.question.plain },
      { backend: tenant.member, statement: recording.question.ours },
    ]);
    report(`${recording.name}_q1_speedup`, plain / ours, "×");
    await endTenant(tenant);
  }
}

// From 2 M to 200 M points ---------------------------------------------------------------------------

async function growth() {
  const POINTS_BETWEEN_COMPACTIONS = 20_000_000;
  await forgetReadings();
  const tenant = await makeTenant("growth", fleet.FLEET);
  let waiting = 0;
  const store = async (part, count) => {
    for (const slice of fleet.slices({ tenant: tenant.slug, ...part }, count)) {
      await fleet.ingest(bridge, slice);
      waiting += fleet.pointsOf(slice);
      if (waiting < POINTS_BETWEEN_COMPACTIONS) continue;
      await compact();
      waiting = 0;
    }
    await compact();
    await storedBytes();
  };
  const statement = oneHour(tenant.slug, 50);

  say("storing 2 M points");
  await store({ devices: [0, 100], rounds: [0, 2000] }, 1);
  const [small] = await cpuMsOfEach([{ backend: tenant.member, statement }]);
  say("storing 198 M more");
  await store({ devices: [100, 1000], rounds: [0, 2000] }, 10);
  await store({ rounds: [2000, 20_000] }, 90);
  const [large] = await cpuMsOfEach([{ backend: tenant.member, statement }]);
  reportAtMost("growth", large / small, "×", 1.3);
  report("growth_bytes_per_point", await storedBytes() / 200e6, "B");
  await endTenant(tenant);
}

const work = { main, hot, recordings: recorded, growth };
for (const part of PARTS) await work[part]();
await bridge.end();
await admin.end();
