// Retention in several sessions, one of which is the bridge's, once a minute: each reading ages once,
// and nobody waits for anybody.
import assert from "node:assert/strict";
import { test } from "node:test";
import { addTenant } from "../support/identities.mjs";
import { until } from "../support/process.mjs";
import { stack } from "../support/shared_stack.mjs";

/**
 * Gives each device of a tenant a reading a minute from noon on, all of them in blocks.
 * @param {import("../support/identities.mjs").Tenant} tenant
 * @param {{ day: string, hours: number }} span
 * @returns {Promise<number>} how many readings there are
 */
async function addReadings({ id, slug, devices }, { day, hours }) {
  const minutes = hours * 60;
  for (const device of Object.keys(devices)) {
    await stack.sql(
      `select count(*)
       from tenon.batch_from_json(:'slug', :'device', (
           select jsonb_agg(jsonb_build_object(
               'at', timestamptz :'day' + minute * interval '1 minute', 'speed', minute
           ))
           from generate_series(1, :minutes) as minute
       ), now()) as read
       cross join lateral iot.ingest(read.batch);`,
      { slug, device, day: `${day}T11:59:00Z`, minutes },
    );
  }
  await until("all readings are in blocks", async () => {
    await stack.sql("select to_jsonb(made) from iot.compact() as made;");
    const [batches] = await stack.sql(
      "select count(*) from iot.batches where tenant_id = :'id';",
      { id },
    );
    return batches === 0;
  });
  return minutes * Object.keys(devices).length;
}

/** @param {{ id: string }} tenant @param {number} rawDays @param {number | null} hourlyDays */
const keep = ({ id }, rawDays, hourlyDays) =>
  stack.sql(
    `insert into iot.retention_policies (tenant_id, raw_days, hourly_days)
     values (:'id', :raw, :hourly);`,
    { id, raw: rawDays, hourly: hourlyDays },
  );

/** @param {string} budget @param {string} asOf */
const retain = async (budget, asOf) =>
  (await stack.sql(
    "select to_jsonb(went) from iot.retain(:'budget', :'as_of') as went;",
    { budget, as_of: asOf },
  ))[0];

/**
 * What is left of a tenant: readings, and how many statistics of hours have counted.
 * @param {{ id: string }} tenant
 */
const left = async ({ id }) =>
  (await stack.sql(
    `select jsonb_build_object('readings', coalesce(sum(readings), 0), 'counted', (
         select coalesce(sum(hours.count), 0) from iot.blocks
         cross join lateral tenon.block_hours(device, head) as hours
         where tenant_id = :'id'
     ))
     from iot.blocks where tenant_id = :'id';`,
    { id },
  ))[0];

test("several sessions at once make each reading part of its hour once", async () => {
  const names = Array.from({ length: 12 }, (_, number) => `pump-${number}`);
  const tenant = await addTenant(stack, "hourly", { devices: names });
  const sent = await addReadings(tenant, { day: "2020-06-10", hours: 20 });
  await keep(tenant, 10, null);
  const session = () =>
    until(
      "a run finds nothing more to do",
      async () => (await retain("0", "2020-07-01T00:00Z")).done,
    );
  await Promise.all([session(), session(), session(), session()]);
  assert.deepEqual(await left(tenant), { readings: 0, counted: sent });
});

test("a tenant on which another session works is left for later", async () => {
  const tenant = await addTenant(stack, "locked", { devices: ["pump"] });
  const sent = await addReadings(tenant, { day: "2021-06-10", hours: 2 });
  const release = await stack.holdTransaction(`select iot.lock_blocks('${tenant.id}')`);
  await keep(tenant, 10, null);
  assert.equal((await retain("1 minute", "2021-07-01T00:00Z")).done, false);
  assert.deepEqual(await left(tenant), { readings: sent, counted: 0 });
  await release();
  await until("it is done", async () => (await retain("1 minute", "2021-07-01T00:00Z")).done);
  assert.deepEqual(await left(tenant), { readings: 0, counted: sent });
});

test("a month that somebody reads is emptied, and dropped when nobody does", async () => {
  const tenant = await addTenant(stack, "emptied", { devices: ["pump"] });
  await addReadings(tenant, { day: "2001-06-10", hours: 2 });
  const isThere = async () =>
    (await stack.sql("select to_jsonb(to_regclass('iot.blocks_2001_06') is not null);"))[0];
  const release = await stack.holdTransaction("select count(*) from iot.blocks");
  await keep(tenant, 1, 1);
  await until("it is empty", async () => {
    await retain("1 minute", "2001-07-03T00:00Z");
    const { readings, counted } = await left(tenant);
    return readings + counted === 0;
  });
  assert.equal(await isThere(), true);
  await release();
  await until("it is gone", async () => {
    await retain("1 minute", "2001-07-03T00:00Z");
    return !(await isThere());
  });
});
