// Devices are apart at the broker: each writes to its own topic, and none reads what others write.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { isIdle } from "../support/bridge.mjs";
import { addAccounts, connect, publish } from "../support/device.mjs";
import { addTenant, dataOf, userClient } from "../support/identities.mjs";
import { until } from "../support/process.mjs";
import { stack } from "../support/shared_stack.mjs";

const AT = "2025-01-01T00:00:00Z";
/** How the broker answers, in CONNACK and PUBACK, to whom it does not let (MQTT 5, section 2.4). */
const NOT_AUTHORIZED = 135;

describe("a device", () => {
  let near, far, truck, sibling, stranger;

  before(async () => {
    near = await addTenant(stack, "near", {
      devices: ["truck-1", "truck-2"],
      members: { ada: { role: "viewer" } },
    });
    far = await addTenant(stack, "far", {
      devices: ["truck-1"],
      members: { eve: { role: "viewer" } },
    });
    [truck, sibling, stranger] = await addAccounts(stack, [
      ["near", "truck-1"],
      ["near", "truck-2"],
      ["far", "truck-1"],
    ]);
  });

  /** The latest readings of a device, by metric. */
  const latestOf = async (tenant, device) => {
    const [member] = Object.values(tenant.members);
    const rows = await dataOf(userClient(stack, member).rpc("latest", { devices: [device] }));
    return Object.fromEntries(rows.map(({ metric, value }) => [metric, value]));
  };

  test("publishes to its own topic alone", async () => {
    const elsewhere = [
      sibling.topic,
      stranger.topic,
      "t/near/d/truck-9/telemetry",
      "t/near/d/truck-1/state",
      "t/x",
    ];
    for (const topic of elsewhere) {
      const client = await connect(stack, truck);
      assert.equal(await publish(client, topic, { at: AT, intruder: 1 }), NOT_AUTHORIZED, topic);
      client.end(true);
    }
    const client = await connect(stack, truck);
    assert.equal(await publish(client, truck.topic, { at: AT, speed: 51 }), 0);
    await client.endAsync();
    await until(
      "its own message has arrived",
      async () => (await latestOf(near, "truck-1")).speed === 51,
    );
    // The bridge has received this one after any before it; when it has none left, all are stored.
    await until("the bridge has stored all", () => isIdle(stack.env.BRIDGE_HTTP_URL));
    assert.deepEqual(await latestOf(near, "truck-2"), {});
    assert.deepEqual(await latestOf(far, "truck-1"), {});
    assert.deepEqual(
      await stack.sql("select to_json(name) from iot.metrics where name = 'intruder'"),
      [],
    );
  });

  test("is refused with a wrong password, another device's password, an unknown name and no name", async () => {
    for (
      const account of [
        { ...truck, password: "wrong" },
        { ...truck, password: sibling.password },
        { ...truck, username: stranger.username },
        { ...truck, username: "near/d/nobody" },
        { username: "bridge", password: truck.password },
        {},
      ]
    ) {
      await assert.rejects(connect(stack, account), { code: NOT_AUTHORIZED }, account.username);
    }
  });

  test("hears none of what others send to the bridge, and keeps none of it from the bridge", async () => {
    const spy = await connect(stack, stranger);
    const heard = [];
    spy.on("message", (topic) => heard.push(topic));
    // Mosquitto lets anyone into a share group, and would give the spy there every second message.
    for (
      const filter of [
        "#",
        "t/#",
        truck.topic,
        "$share/tenon/t/+/d/+/telemetry",
        "$share/other/t/#",
      ]
    ) {
      await spy.subscribeAsync(filter, { qos: 1 }).catch(() =>
        "a broker may also refuse the subscription"
      );
    }
    const client = await connect(stack, truck);
    const numbers = Array.from({ length: 10 }, (_, number) => number);
    for (const number of numbers) {
      assert.equal(
        await publish(client, truck.topic, { at: AT, [`overheard_${number}`]: number }),
        0,
      );
    }
    await client.endAsync();
    await until("the bridge has received all of them", async () => {
      const latest = await latestOf(near, "truck-1");
      return numbers.every((number) => latest[`overheard_${number}`] === number);
    });
    // The broker writes to a connection in order: with this answer, all that came before is here.
    assert.equal(await publish(spy, stranger.topic, { at: AT, speed: 1 }), 0);
    await spy.endAsync();
    assert.deepEqual(heard, []);
  });
});
