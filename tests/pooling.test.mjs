// Bridges need no session of their own in Postgres, and share the load among themselves.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { Bridge, bridgeMetrics, isIdle, isReady } from "./support/bridge.mjs";
import { addAccounts } from "./support/device.mjs";
import { addTenant, userClient } from "./support/identities.mjs";
import { Ledger } from "./support/ledger.mjs";
import { run, until } from "./support/process.mjs";
import { PSQL, Stack } from "./support/stack.mjs";

const DEVICES = ["sender-1", "sender-2", "sender-3"];
const STAGE = 200;

/** Of one group, bridges share the messages among them. */
const SHARED = { TENON_SHARE_GROUP: "tenon" };

const stack = new Stack("pooling", {
  TENON_BATCH_AGE_MS: "1", // many transactions at once: statements of one must not meet another's
  ...SHARED,
  TENON_HOUSEKEEPING_INTERVAL_SECONDS: "1", // readings become blocks while they arrive
  TENON_BRIDGE_DATABASE: "pgbouncer", // the way of the stack's own bridge to Postgres
  TENON_BROKER_DURABLE: "0", // the broker is not killed here
});
const ledger = new Ledger();
let second;

before(async () => {
  await stack.up();
  assert.equal(stack.env.BRIDGE_DB_URL, stack.env.PGBOUNCER_URL);
  // Logs each statement of the bridge on connections that are made from here on.
  const logAll = "alter role tenon_bridge set log_statement = 'all'";
  await run(PSQL, ["-Xqc", logAll, stack.env.DB_ADMIN_URL]);
  const acme = await addTenant(stack, "acme", {
    devices: DEVICES,
    members: { ada: { role: "owner" } },
  });
  const accounts = await addAccounts(stack, DEVICES.map((device) => ["acme", device]));
  for (const account of accounts) ledger.open(stack, account, userClient(stack, acme.members.ada));
});
after(async () => {
  await ledger.close();
  await second?.stop();
  await stack.down();
});

test("messages arrive exactly once through a transaction-pooling PgBouncer", async () => {
  ledger.release(STAGE);
  await ledger.settled();
  await ledger.assertKept();
});

test("house is kept through PgBouncer as well", async () => {
  await until("all readings are in blocks", async () => {
    const [left] = await stack.sql("select to_json(count(*)) from iot.batches");
    return left === 0;
  });
  await until("the bridge has counted them", async () => {
    const counted = await bridgeMetrics(stack.env.BRIDGE_HTTP_URL);
    return counted.get("tenon_bridge_readings_compacted_total") >= STAGE * DEVICES.length;
  });
  const counted = await bridgeMetrics(stack.env.BRIDGE_HTTP_URL);
  assert.equal(counted.get("tenon_bridge_housekeeping_failures_total"), 0);
  assert.ok(counted.get("tenon_bridge_housekeeping_seconds_count") >= 1);
  await ledger.assertKept();
});

test("a bridge that loses PgBouncer says so, and delivers when it is back", async () => {
  await stack.kill("pgbouncer");
  await ledger.midStream(STAGE);
  await until("the bridge is not ready", async () => !(await isReady(stack.env.BRIDGE_HTTP_URL)));
  await stack.start("pgbouncer");
  await ledger.settled();
  await ledger.assertKept();
  await until("the bridge is ready", () => isReady(stack.env.BRIDGE_HTTP_URL));
});

test("two bridges share the load, and nothing is lost or doubled", async () => {
  second = await Bridge.start(stack, { ...SHARED, TENON_CLIENT_ID: "second-bridge" });
  const accepted = async (url) =>
    (await bridgeMetrics(url)).get("tenon_bridge_messages_accepted_total");
  const urls = [stack.env.BRIDGE_HTTP_URL, second.url];
  await until("the first bridge has counted all messages", () => isIdle(urls[0]));
  const before = await accepted(urls[0]);

  ledger.release(STAGE);
  await ledger.settled();
  await ledger.assertKept();

  // A bridge counts when it has heard of the commit, which may be after we have seen it.
  const sent = STAGE * DEVICES.length;
  const bySecond = await until("the bridges have counted all messages", async () => {
    const [byFirst, bySecond] = await Promise.all(urls.map(accepted));
    return byFirst - before + bySecond === sent && bySecond;
  });
  assert.ok(bySecond > sent / 4 && bySecond < (sent * 3) / 4, `the second bridge took ${bySecond}`);
});

test("a bridge that is asked to leave has stored and acknowledged all that it took", async () => {
  await ledger.midStream(STAGE);
  assert.equal(await second.stop(), 0, "its exit status");
  second = await Bridge.start(stack, { ...SHARED, TENON_CLIENT_ID: "second-bridge" });
  await ledger.settled();
  await ledger.assertKept();
});

test("no statement of a bridge needs the connection of an earlier one", async () => {
  const read = () => readFileSync(`${stack.folder}/log/postgres.log`, "utf8");
  await until("house was kept on a connection that logs", () => read().includes("housekeep_unsch"));
  const log = read();
  const executed = [...log.matchAll(/LOG: {2}execute (\S+): (.+)/g)];
  assert.ok(executed.some(([, , statement]) => statement.includes("iot.ingest")));
  assert.deepEqual(executed.filter(([, name]) => name !== "<unnamed>"), []);
  assert.doesNotMatch(log, /LOG: {2}statement: (prepare|listen|begin|start|declare)/i);
});
