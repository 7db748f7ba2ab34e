// What the broker took from a device is queryable exactly once, whatever is killed on the way.
//
// Senders keep a ledger of PUBACKed messages while bridge, Postgres and broker are killed with
// kill -9 under them. Each fault strikes when the ledger or the database shows that work is under
// way, never after some time: how fast the machine is changes nothing.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { isIdle } from "./support/bridge.mjs";
import { addAccounts } from "./support/device.mjs";
import { addTenant, userClient } from "./support/identities.mjs";
import { Ledger } from "./support/ledger.mjs";
import { until } from "./support/process.mjs";
import { Stack } from "./support/stack.mjs";

const TENANTS = ["acme", "rival"];
const DEVICES = ["sender-1", "sender-2"];
/** Messages that each sender publishes around a fault. */
const STAGE = 400;
/**
 * The same around the kill of the broker: over all senders well below the 20,000 messages that the
 * bridge lets the broker send before it acknowledges one.
 */
const BROKER_STAGE = 100;

// A broker that saves its state at every change handles a packet or two in the time of a save, and
// so few of the bridge's acknowledgements that one which comes too early would go unnoticed.
// Readings become blocks all the while.
const stack = new Stack("faults", {
  TENON_BROKER_DURABLE: "0",
  TENON_HOUSEKEEPING_INTERVAL_SECONDS: "1",
});
const ledger = new Ledger();

before(async () => {
  await stack.up();
  const readers = new Map();
  for (const slug of TENANTS) {
    const tenant = await addTenant(stack, slug, {
      devices: DEVICES,
      members: { owner: { role: "owner" } },
    });
    readers.set(slug, userClient(stack, tenant.members.owner));
  }
  const devices = TENANTS.flatMap((tenant) => DEVICES.map((device) => [tenant, device]));
  for (const account of await addAccounts(stack, devices)) {
    ledger.open(stack, account, readers.get(account.tenant));
  }
});
after(async () => {
  await ledger.close();
  await stack.down();
});

/**
 * Kills the bridge while the database is busy with a batch: there are messages that the bridge has
 * received and that are not committed.
 * @param {"commits" | "aborts"} outcome of the transaction, which outlives the bridge
 */
async function killBridgeBeforeCommit(outcome) {
  const letGo = await stack.holdTransaction("lock table iot.batches in share row exclusive mode");
  await ledger.midStream(STAGE);
  const backends = await until("a batch waits for its commit", async () => {
    const found = await stack.sql(`
      select to_json(pid) from pg_locks where relation = 'iot.batches'::regclass and not granted
    `);
    return found.length > 0 && found;
  });
  await stack.kill("bridge");
  if (outcome === "aborts") {
    await stack.sql(
      "select to_json(pg_terminate_backend(pid::integer)) from jsonb_array_elements_text(:'backends') as pid",
      { backends },
    );
  }
  await letGo();
  await stack.start("bridge");
}

const faults = {
  "the bridge is killed with messages on their way": async () => {
    await ledger.midStream(STAGE);
    await stack.kill("bridge");
    await stack.start("bridge");
  },
  "the bridge is killed and its last batch commits after its death": () =>
    killBridgeBeforeCommit("commits"),
  "the bridge is killed and its last batch never commits": () => killBridgeBeforeCommit("aborts"),
  "the bridge is killed, and again when it has just begun to catch up": async () => {
    await stack.kill("bridge");
    await ledger.midStream(STAGE);
    await stack.start("bridge");
    await stack.kill("bridge");
    await stack.start("bridge");
  },
  "Postgres is killed": async () => {
    await ledger.midStream(STAGE);
    await stack.kill("postgres");
    await stack.start("postgres");
  },
  "the broker is restarted": async () => {
    await ledger.midStream(STAGE);
    await stack.stop("broker");
    stack.choices.TENON_BROKER_DURABLE = "1";
    await stack.start("broker");
  },
  // Mosquitto answers a publisher with PUBACK when it has written the message to the connected
  // bridge's socket, and saves its state when it has done a packet of each connection. What it holds
  // back because the bridge's receive window is full would in between be in its memory alone. So the
  // bridge has to be connected and to have acknowledged everything before, and the stage is smaller
  // than its window. What has left the broker for the bridge's socket outlives the broker.
  "the broker is killed": async () => {
    await until("the bridge has acknowledged all", () => isIdle(stack.env.BRIDGE_HTTP_URL));
    await ledger.midStream(BROKER_STAGE);
    await stack.kill("broker");
    await stack.start("broker");
  },
};

describe("every message that was PUBACKed is queryable exactly once when", () => {
  for (const [what, strike] of Object.entries(faults)) {
    test(what, async () => {
      await strike();
      await ledger.settled();
      await ledger.assertKept();
    });
  }
});

test("the broker's death reached every sender, and nothing was rejected on the way", async () => {
  assert.ok(ledger.disconnects >= TENANTS.length * DEVICES.length);
  assert.deepEqual(await stack.sql("select to_json(count(*)) from iot.rejected_messages"), [0]);
});
