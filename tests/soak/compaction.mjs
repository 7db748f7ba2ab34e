// The load of tests/compaction.test.mjs for minutes, while backends and all of Postgres are killed
// at random moments. `make soak MINUTES=60`; the seed that it prints repeats the moments.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { runLoad } from "../support/compaction_load.mjs";
import { compact, Feeder, stored } from "../support/feeder.mjs";
import { addTenant } from "../support/identities.mjs";
import { until } from "../support/process.mjs";
import { randomOf } from "../support/random.mjs";
import { Stack } from "../support/stack.mjs";

const MINUTES = Number(process.env.MINUTES ?? 10);
/** The longest pause between two faults. */
const FAULT_PAUSE_MAX_MS = 20_000;
const TENANTS = { acme: ["car-1", "car-2", "car-3"], rival: ["van-1", "van-2"] };

const stack = new Stack("soak");
const feeders = Object.entries(TENANTS).flatMap(([tenant, devices]) =>
  devices.map((device) => new Feeder(stack, tenant, device, { redelivers: tenant === "rival" }))
);

before(async () => {
  await stack.up("database");
  for (const [slug, devices] of Object.entries(TENANTS)) await addTenant(stack, slug, { devices });
  for (const feeder of feeders) await feeder.send(1);
});
after(() => stack.down());

/** Refusals of a database that was killed or is starting. */
const isFault = (error) =>
  !(error instanceof assert.AssertionError) &&
  /connection|terminat|starting up|recovery mode|shutting down|not accepting/i.test(error.message);

async function killBackend() {
  const backends = await stack.sql(`
    select to_json(pid) from pg_stat_activity
    where state = 'active' and query like '%iot.compact(%' and pid <> pg_backend_pid()
  `);
  if (backends.length === 0) return;
  try {
    process.kill(backends[0], "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

async function killPostgres() {
  await stack.kill("postgres");
  await stack.start("postgres");
}

test(`${MINUTES} minutes of sending, compacting, asking and killing`, async (context) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  const random = randomOf(seed);
  context.diagnostic(`SEED=${seed}`);
  const end = Date.now() + MINUTES * 60_000;
  let faults = 0;
  const striking = (async () => {
    for (;;) {
      await pause(random() * FAULT_PAUSE_MAX_MS);
      if (Date.now() >= end) return;
      await (random() < 0.7 ? killBackend() : killPostgres()).catch((error) => {
        if (!isFault(error)) throw error;
      });
      faults += 1;
    }
  })();
  const [progress] = await Promise.all([
    runLoad(stack, feeders, () => Date.now() >= end, { isFault }),
    striking,
  ]);
  await until("Postgres answers", () => stack.sql("select to_json(1)"));
  assert.equal(
    (await until("all is compacted", async () => {
      const done = await compact(stack);
      return done.done && done;
    })).done,
    true,
  );
  let sent = 0;
  for (const feeder of feeders) {
    // What was on its way when something was killed is sent again, and counts once.
    await feeder.send(1);
    sent += feeder.sent;
  }
  await compact(stack);
  for (const feeder of feeders) assert.equal(await feeder.assertOnce(), feeder.sent);
  const { stored: all, batches } = await stored(stack, Object.keys(TENANTS));
  assert.deepEqual([all, batches], [sent, 0]);
  context.diagnostic(
    `${sent} readings, ${progress.compactions} compactions, ${progress.questions} questions, ${faults} faults`,
  );
});
