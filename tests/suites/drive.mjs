// A drive, replayed as a vehicle by the bridge's own program, read back as charts through
// supabase-js, and compared with what this file computes from the same CSV by other means.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { bridge } from "../support/bridge.mjs";
import { bucketStarts } from "../support/calendar.mjs";
import { addAccounts } from "../support/device.mjs";
import { expectedBuckets, generatedDrive, readDrive } from "../support/drive.mjs";
import { addTenant, dataOf, userClient } from "../support/identities.mjs";
import { until } from "../support/process.mjs";
import { stack } from "../support/shared_stack.mjs";

/** Sums add up in another order here than there: they differ in the last bits. */
const RELATIVE_ERROR_MAX = 1e-9;

/** What charts are compared: in UTC, on clocks away from it, and over days that are not 24 hours. */
const CHARTS = [
  ["1 minute", "UTC"],
  ["7 minutes", "Asia/Kathmandu"],
  ["1 hour", "Europe/Berlin"],
  ["1 day", "Europe/Berlin"],
  ["1 day", "America/New_York"],
  ["1 week", "Australia/Lord_Howe"],
  ["1 month", "Europe/Berlin"],
];

const recordings = process.env.TENON_TEST_DATA;
const recorded = `${recordings}/obd/drive1.csv`;

/**
 * @param {string} device
 * @param {{ start: string, stepSeconds: number, fileOf: () => string }} drive time of the first row, time
 *   between rows, and the CSV file, which is asked for once the stack runs
 */
function suite(device, { start, stepSeconds, fileOf }) {
  describe(`a ${device} drive, replayed as a vehicle`, () => {
    let client, columns, times, range;

    before(async () => {
      const tenant = await addTenant(stack, `${device}-drive`, {
        devices: ["car"],
        members: { ada: { role: "viewer" } },
      });
      client = userClient(stack, tenant.members.ada);
      const [account] = await addAccounts(stack, [[tenant.slug, "car"]]);
      const file = fileOf();
      await bridge(["replay", file], {
        TENON_MQTT_URL: stack.env.MQTT_URL,
        TENON_MQTT_PASSWORD: account.password,
        TENON_DEVICE: account.username,
        TENON_REPLAY_SPEED: "max",
        TENON_REPLAY_START: start,
        TENON_REPLAY_INTERVAL: `${stepSeconds}s`,
      });
      columns = readDrive(readFileSync(file, "utf8"));
      const [anyColumn] = columns.values();
      times = anyColumn.map((_, row) => Date.parse(start) + row * stepSeconds * 1000);
      range = {
        from: new Date(times[0]).toISOString(),
        to: new Date(times.at(-1) + 1).toISOString(),
      };
    });

    test("makes every column a metric, of which the latest value is the last row's", async () => {
      assert.equal(columns.size, 27);
      const latest = await until("the last row has arrived", async () => {
        const rows = await dataOf(client.rpc("latest", { devices: ["car"] }));
        return rows.length > 0 && rows.every(({ at }) => Date.parse(at) === times.at(-1)) && rows;
      });
      assert.deepEqual(
        Object.fromEntries(latest.map(({ metric, value }) => [metric, value])),
        Object.fromEntries([...columns].map(([metric, values]) => [metric, values.at(-1)])),
      );
    });

    for (const [bucket, zone] of CHARTS) {
      test(`shows in buckets of ${bucket} in ${zone} what the file holds, for every metric`, async () => {
        const starts = bucketStarts(times, bucket, zone);
        const rows = await dataOf(
          client.rpc("telemetry", {
            devices: ["car"],
            metrics: [...columns.keys()],
            ...range,
            bucket,
            time_zone: zone,
          }),
        );
        const charts = new Map([...columns.keys()].map((metric) => [metric, []]));
        for (const row of rows) charts.get(row.metric).push(row);
        [...columns].forEach(([metric, values]) =>
          assertSameBuckets(charts.get(metric), expectedBuckets(values, starts), metric)
        );
      });
    }
  });
}

function assertSameBuckets(answered, expected, metric) {
  assert.equal(answered.length, expected.length, `number of buckets of ${metric}`);
  const exact = ({ at, count, min, max, first, last }) => ({
    at: Date.parse(at) || at,
    count,
    min,
    max,
    first,
    last,
  });
  expected.forEach((wanted, position) => {
    const bucket = answered[position];
    assert.deepEqual(exact(bucket), exact(wanted), metric);
    // Values of either sign may all but cancel out: the error is relative to the largest of them.
    const magnitude = Math.max(Math.abs(wanted.min), Math.abs(wanted.max));
    for (const [aggregate, scale] of [["sum", magnitude * wanted.count], ["avg", magnitude]]) {
      const error = Math.abs(bucket[aggregate] - wanted[aggregate]);
      assert.ok(
        error <= RELATIVE_ERROR_MAX * scale,
        `${metric}: ${aggregate} ${bucket[aggregate]}, not ${wanted[aggregate]}`,
      );
    }
  });
}

if (recordings && existsSync(recorded)) {
  // A row a second, over the midnight at which the day of 23 hours begins in Berlin.
  const start = "2025-03-29T23:40:00+01:00";
  suite("recorded", { start, stepSeconds: 1, fileOf: () => recorded });
} else {
  test("a recorded drive, replayed as a vehicle", {
    skip: "TENON_TEST_DATA names no folder that holds obd/drive1.csv",
  });
}

// A row every 250 s: over eight days, one of which has 25 hours in Berlin, and over two months.
suite("generated", {
  start: "2025-10-25T13:07:11+02:00",
  stepSeconds: 250,
  fileOf() {
    const file = `${stack.folder}/generated.csv`;
    writeFileSync(file, generatedDrive(2709));
    return file;
  },
});
