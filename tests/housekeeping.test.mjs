// pg_cron keeps house where it is installed, and the bridges leave it to that.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Feeder, stored } from "./support/feeder.mjs";
import { addTenant } from "./support/identities.mjs";
import { run, until } from "./support/process.mjs";
import { PSQL, Stack } from "./support/stack.mjs";

const stack = new Stack("housekeeping");
const feeder = new Feeder(stack, "acme", "car-1");

before(async () => {
  await stack.up("database");
  await addTenant(stack, "acme", { devices: ["car-1"] });
  await feeder.send(10);
});
after(() => stack.down());

/** What a bridge's call returns, a line a row. */
const asBridge = async () => {
  const call = "select readings, done from core.housekeep_unscheduled()";
  return (await run(PSQL, ["-XqAt", "-c", call, stack.env.BRIDGE_DB_URL])).trim();
};
const schedule = async () => (await stack.sql("select to_json(core.schedule_housekeeping())"))[0];

test("where pg_cron is not installed, a bridge keeps house", async () => {
  assert.equal(await schedule(), false);
  assert.equal(await asBridge(), "10|t");
});

test("what pg_cron may not be asked for is not asked for", async () => {
  await stack.administer("create extension pg_cron");
  assert.equal(await schedule(), false);
  await feeder.send(10);
  assert.equal(await asBridge(), "10|t");
});

test("where it is installed and may be used, pg_cron keeps house, and a bridge does not", async () => {
  await stack.administer("grant usage on schema cron to postgres");
  await feeder.send(10);
  assert.equal(await schedule(), true);
  assert.equal(await schedule(), true, "again, which changes nothing");
  assert.deepEqual(
    await stack.sql(
      "select json_build_array(jobname, schedule, active) from cron.job order by jobname",
    ),
    // This pg_cron knows no seconds.
    [["tenon-housekeeping", "* * * * *", true], ["tenon-jobs", "* * * * *", true]],
  );
  const [job] = await stack.sql(`
    select to_json(core.enqueue_job(id, 'core.verify_audit')) from core.tenants where slug = 'acme'
  `);
  assert.equal(await asBridge(), "");
  // It begins with the next minute.
  await until(
    "pg_cron has compacted the readings",
    async () => (await stored(stack, ["acme"])).batches === 0,
    { withinSeconds: 120 },
  );
  assert.equal(await feeder.assertOnce(), 30);
  await until("pg_cron has run the job", async () => {
    const sql = "select to_json(status) from core.jobs where id = :'job'";
    return (await stack.sql(sql, { job }))[0] === "succeeded";
  }, { withinSeconds: 120 });
  await stack.sql("select to_json(cron.unschedule('tenon-housekeeping'))");
  await feeder.send(10);
  assert.equal(await asBridge(), "10|t", "without the job the bridge does it again");
});
