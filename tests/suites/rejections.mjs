// A message that cannot be kept is stored with its reason, and holds up none of the others.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { addAccounts, connect, publish } from "../support/device.mjs";
import { addTenant, dataOf, userClient } from "../support/identities.mjs";
import { until } from "../support/process.mjs";
import { stack } from "../support/shared_stack.mjs";

const START = Date.UTC(2025, 0, 1);
const DAY_MS = 24 * 3600 * 1000;
const nested = (depth) => (depth === 0 ? 1 : { deeper: nested(depth - 1) });
const numbered = (count) =>
  Object.fromEntries(Array.from({ length: count }, (_, number) => [`m${number}`, number]));

/** What a device may send wrongly, by the reason that it is told. */
const MALFORMED = {
  "payload.empty": "",
  "payload.not_utf8": Buffer.from([0x7b, 0xff, 0x7d]),
  "payload.not_json": '{"speed": 1',
  "payload.not_object": "42",
  "payload.too_deep": nested(9),
  "payload.too_many_readings": numbered(10_001),
  "payload.too_large": `{"speed": 1${" ".repeat(256 * 1024)}}`,
  "payload.time_invalid": { at: "yesterday", speed: 1 },
  "payload.time_too_old": { at: 0, speed: 1 },
  "payload.time_too_far_ahead": { at: Date.now() + 2 * DAY_MS, speed: 1 },
  "payload.metric_name_invalid": { " speed": 1 },
  "payload.duplicate_metric": '{"speed": 1, "speed": 2}',
  "payload.number_out_of_range": '{"speed": 1e999}',
  "payload.value_too_large": { note: "x".repeat(16 * 1024 + 1) },
  "payload.text_invalid": { note: "\0" },
};
/** Devices whose messages are refused whatever is in them: their status, or none for no such device. */
const REFUSED_DEVICES = {
  "device.suspended": "suspended",
  "device.decommissioned": "decommissioned",
  "device.unknown": null,
};

describe("what devices send wrongly", () => {
  let owner;
  /** Messages published for each reason, as bytes. */
  const published = new Map();
  let good = 0;

  before(async () => {
    const acme = await addTenant(stack, "careless", {
      devices: ["truck-1", ...Object.values(REFUSED_DEVICES).filter(Boolean)],
      members: { ada: { role: "owner" } },
    });
    await addTenant(stack, "full", { devices: ["logger"] });
    await addTenant(stack, "closed", { devices: ["truck-1"] });
    await stack.sql(`
      update iot.devices set status = slug where slug in ('suspended', 'decommissioned');
      update core.tenants set status = 'suspended' where slug = 'closed';
      insert into iot.metrics (tenant_id, name)
      select tenants.id, 'm' || n from core.tenants, generate_series(1, iot.metrics_per_tenant_max()) as n
      where slug = 'full';
    `);
    owner = userClient(stack, acme.members.ada);
  });

  test("malformed messages between good ones are taken from their publisher like these", async () => {
    const [truck, logger, closed, ...refused] = await addAccounts(stack, [
      ["careless", "truck-1"],
      ["full", "logger"],
      ["closed", "truck-1"],
      ...Object.values(REFUSED_DEVICES).map((status) => ["careless", status ?? "ghost"]),
    ]);
    const load = { username: stack.env.LOAD_MQTT_USER, password: stack.env.LOAD_MQTT_PASSWORD };
    const reading = { at: START, speed: 1 };
    const wrong = [
      ...Object.entries(MALFORMED).map(([code, payload]) => ({ code, account: truck, payload })),
      ...Object.keys(REFUSED_DEVICES).map((code, position) => ({
        code,
        account: refused[position],
        payload: reading,
      })),
      { code: "metric.limit_reached", account: logger, payload: { at: START, one_more: 1 } },
      { code: "tenant.suspended", account: closed, payload: reading },
      {
        code: "tenant.unknown",
        account: { ...load, topic: "t/nobody/d/truck-1/telemetry" },
        payload: reading,
      },
      {
        code: "topic.invalid",
        account: { ...load, topic: "t/Acme Inc/d/truck-1/telemetry" },
        payload: reading,
      },
    ];

    const sender = await connect(stack, truck);
    const sendGood = async () => {
      const payload = { at: START + good, values: { sequence: good } };
      assert.equal(await publish(sender, truck.topic, payload), 0);
      good += 1;
    };
    await sendGood();
    for (const { code, account, payload } of wrong) {
      const client = await connect(stack, account);
      const bytes = Buffer.from(
        typeof payload === "string" || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
      );
      published.set(code, bytes);
      assert.equal(await publish(client, account.topic, bytes), 0, code);
      await client.endAsync();
      await sendGood();
    }
    await sender.endAsync();
  });

  test("all good messages arrive", async () => {
    const readings = await until("as many readings as good messages", async () => {
      const found = await dataOf(owner.rpc("telemetry", {
        devices: ["truck-1"],
        metrics: ["sequence"],
        bucket: "1 millisecond",
        aggregates: ["count", "last"],
        from: new Date(START).toISOString(),
        to: new Date(START + 1000).toISOString(),
      }));
      return found.length >= good && found;
    });
    assert.deepEqual(
      readings.map(({ at, count, last }) => [Date.parse(at) - START, count, last]),
      Array.from({ length: good }, (_, number) => [number, 1, number]),
    );
  });

  test("the owner finds each malformed message of the tenant once, with its own reason", async () => {
    const expected = [...Object.keys(MALFORMED), ...Object.keys(REFUSED_DEVICES)];
    assert.ok(new Set(expected).size >= 10);
    const found = await until("all are there", async () => {
      const rows = await dataOf(owner.from("rejected_messages").select("*"));
      return rows.length >= expected.length && rows;
    });
    assert.deepEqual(found.map((row) => row.code).sort(), expected.sort());
    for (const row of found) {
      const bytes = published.get(row.code);
      assert.equal(row.payload_bytes, bytes.length, row.code);
      assert.equal(row.source, "mqtt");
      assert.equal(row.topic, `t/careless/d/${row.device}/telemetry`);
      assert.ok(row.message.length > 10, `${row.code} explains itself: ${row.message}`);
      if (row.code === "payload.not_utf8") assert.equal(row.payload, "{\\377}");
      else {assert.equal(
          row.payload,
          bytes.subarray(0, 4096).toString("latin1").replaceAll("\\", "\\\\"),
          row.code,
        );}
    }
  });

  test("what belongs to no tenant that could be asked belongs to the platform", async () => {
    const expected = {
      "metric.limit_reached": "full",
      "tenant.suspended": "closed",
      "tenant.unknown": "platform",
      "topic.invalid": "platform",
    };
    const rows = await stack.sql(`
      select json_build_array(rejected.code, tenants.slug)
      from iot.rejected_messages as rejected
      join core.tenants on tenants.id = rejected.tenant_id
      where tenants.slug in ('full', 'closed', 'platform') order by 1::text
    `);
    assert.deepEqual(Object.fromEntries(rows), expected);
  });

  test("every reason is in the catalogue of errors", async () => {
    const unknown = await stack.sql(`
      select to_json(code) from iot.rejected_messages where code not in (select code from core.errors)
    `);
    assert.deepEqual(unknown, []);
  });
});
