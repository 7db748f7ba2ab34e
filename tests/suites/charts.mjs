// Whatever a chart can ask for is answered as it is computed from what was sent, through supabase-js:
// from batches, from blocks, from both, and with equal answers before and after compaction.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  AGGREGATES,
  assertSameRows,
  largestTriangles,
  NUMBERS,
  parseCsv,
  SentReadings,
} from "../support/chart.mjs";
import { compact, stored } from "../support/feeder.mjs";
import { addTenant, dataOf, userClient } from "../support/identities.mjs";
import { stack } from "../support/shared_stack.mjs";

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DEVICES = ["truck-a", "truck-b", "truck-c"];
/** As many messages as go well into one call. */
const MESSAGES_PER_CALL = 1000;

/**
 * Half a year of a reading every five hours or so, from before the end of summer time in Berlin to after
 * its beginning, and a night of a reading every minute and a half, in which summer time begins. Each
 * device has times of its own. truck-a's load is not sent for six weeks, and now and then it is null.
 * @param {{ offsetMs?: number, change?: number }} [variant] later than others, and with other values
 */
function messagesOf({ offsetMs = 0, change = 0 } = {}) {
  const messages = [];
  DEVICES.forEach((device, place) => {
    const send = (at, values) =>
      messages.push({ device, at: new Date(at + place + offsetMs).toISOString(), values });
    for (let n = 0; n < 850; n += 1) {
      const at = Date.UTC(2024, 9, 18, 3) + n * 5.1 * HOUR;
      const wave = Math.sin(n / 9 + place);
      const values = { temperature: Math.round(wave * 8000 + (n * 7919) % 997) / 100 + change };
      const isSilent = Date.UTC(2024, 11, 10) < at && at < Date.UTC(2025, 0, 20);
      if (place === 0 && !isSilent) values.load = n % 11 === 0 ? null : (n % 50) + change;
      send(at, values);
    }
    for (let n = 0; n < 400; n += 1) {
      send(Date.UTC(2025, 2, 29, 20) + n * 89 * SECOND, {
        temperature: Math.round(2000 + 500 * Math.sin(n / 31) + (n * 104_729) % 611) / 100 + change,
        open: (n + place) % 3 === 0,
        state: ["idle", "driving", 'the "yard", at night'][(n * 7) % 3],
      });
    }
  });
  // Not in the order of their times.
  return messages.sort((a, b) => Date.parse(a.at) % 8191 - Date.parse(b.at) % 8191);
}

const EVER = { from: "2024-10-01T00:00:00Z", to: "2025-05-01T00:00:00Z" };
const NIGHT = { from: "2025-03-29T21:10:00+01:00", to: "2025-03-30T09:00:00+02:00" };
const BERLIN = "Europe/Berlin";
const TEMPERATURE = { metrics: ["temperature"] };
const TRUCK = { devices: ["truck-a"] };

/** What is asked of v1.telemetry, by what it shows. */
const CHARTS = {
  "all devices and metrics in one call": { ...NIGHT, bucket: "1 hour" },
  "some devices and metrics in one call": {
    ...NIGHT,
    devices: ["truck-c", "truck-a"],
    metrics: ["state", "open"],
    bucket: "15 minutes",
  },
  "every aggregate there is": {
    ...TEMPERATURE,
    ...EVER,
    bucket: "1 day",
    time_zone: BERLIN,
    aggregates: AGGREGATES,
  },
  "percentiles and nothing else": {
    ...TEMPERATURE,
    ...NIGHT,
    bucket: "1 hour",
    aggregates: ["p50", "p99"],
  },
  "weeks from Monday on": { ...TRUCK, ...EVER, bucket: "1 week", time_zone: BERLIN },
  "months elsewhere": { ...TRUCK, ...EVER, bucket: "1 month", time_zone: "America/New_York" },
  "quarters": { ...TEMPERATURE, ...EVER, bucket: "3 months", time_zone: BERLIN },
  "years": { ...TEMPERATURE, ...EVER, bucket: "1 year", time_zone: "Asia/Kolkata" },
  "shifts of eight hours from six o'clock on": {
    ...TEMPERATURE,
    ...EVER,
    bucket: "8 hours",
    time_zone: BERLIN,
    origin: "2025-01-01T06:00:00+01:00",
  },
  "days from six o'clock on": {
    ...TEMPERATURE,
    ...EVER,
    bucket: "1 day",
    time_zone: BERLIN,
    origin: "2024-07-01T06:00:00+02:00",
    fill: "null",
  },
  "months that are billed from the 15th on": {
    ...TEMPERATURE,
    ...EVER,
    bucket: "1 month",
    time_zone: BERLIN,
    origin: "2024-01-15T00:00:00+01:00",
  },
  "days with gaps": { ...TRUCK, ...EVER, metrics: ["load"], bucket: "1 day", time_zone: BERLIN },
  "gaps as nulls": {
    ...TRUCK,
    ...EVER,
    metrics: ["load"],
    bucket: "1 day",
    time_zone: BERLIN,
    fill: "null",
  },
  "gaps filled with what was before": {
    ...TRUCK,
    ...EVER,
    metrics: ["load", "temperature"],
    bucket: "1 day",
    time_zone: BERLIN,
    fill: "previous",
    aggregates: AGGREGATES,
  },
  "gaps filled with straight lines": {
    ...TRUCK,
    ...EVER,
    bucket: "1 day",
    time_zone: BERLIN,
    fill: "linear",
    aggregates: AGGREGATES,
  },
  "hours filled over the one that summer time leaves out": {
    ...TRUCK,
    from: "2025-03-29T12:00:00Z",
    to: "2025-03-30T12:00:00Z",
    bucket: "1 hour",
    time_zone: BERLIN,
    fill: "previous",
  },
  "a fleet as one": {
    ...TEMPERATURE,
    ...EVER,
    bucket: "1 day",
    time_zone: BERLIN,
    group_by: ["metric"],
    aggregates: AGGREGATES,
  },
  "each device over its metrics": {
    ...NIGHT,
    metrics: ["open", "temperature"],
    bucket: "1 hour",
    group_by: ["device"],
    aggregates: ["count", "min", "max", "avg", "sum"],
  },
  "everything as one": {
    ...EVER,
    metrics: ["load", "temperature"],
    bucket: "1 month",
    group_by: [],
    fill: "linear",
    aggregates: ["count", "max", "p95"],
  },
};

/** What is asked of v1.readings without max_points. */
const READINGS = {
  "all readings": { ...EVER },
  "readings of some series in a while": {
    ...NIGHT,
    devices: ["truck-b"],
    metrics: ["open", "state"],
  },
  "readings above a limit": { ...TEMPERATURE, ...EVER, above: 62.5 },
  "readings below a limit": { ...EVER, below: -71 },
  "readings between limits": { ...NIGHT, above: 0, below: 16 },
};

/** JSON within CSV; text has lost its quotes on the way where postrust stands in for PostgREST. */
const jsonOf = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

describe("a chart", () => {
  let fleet, client;
  const sent = new SentReadings();
  /** What was answered in the stage before, by the question. */
  const answers = new Map();

  const send = async (messages) => {
    for (let start = 0; start < messages.length; start += MESSAGES_PER_CALL) {
      const part = messages.slice(start, start + MESSAGES_PER_CALL);
      const { accepted, rejected } = await dataOf(client.rpc("ingest", { messages: part }));
      assert.deepEqual([accepted, rejected], [part.length, []]);
      sent.add(part);
    }
  };
  const packed = () => stored(stack, [fleet.slug]);
  const compactAll = async () => {
    while (!(await compact(stack)).done);
    const { batches, blocks } = await packed();
    assert.equal(batches, 0);
    assert.ok(blocks > DEVICES.length);
  };

  /** How readings lie, one after the other, and whether answers are those of the stage before. */
  const stages = [
    ["from batches", false, async () => {
      await send(messagesOf());
      const { batches, blocks } = await packed();
      assert.ok(batches > 1 && blocks === 0);
    }],
    ["from blocks", true, compactAll],
    ["from blocks and what came late", false, async () => {
      const messages = messagesOf();
      const corrected = messagesOf({ change: 0.5 }).filter((_, place) => place % 5 === 0);
      await send([
        ...messages.slice(0, 100),
        ...corrected,
        ...messagesOf({ offsetMs: 31 * SECOND }),
      ]);
      const { batches, blocks } = await packed();
      assert.ok(batches > 0 && blocks > 0);
    }],
    ["from blocks again", true, compactAll],
  ];

  before(async () => {
    fleet = await addTenant(stack, "charted", {
      devices: [...DEVICES, "silent"],
      members: { ada: { role: "owner" } },
    });
    client = userClient(stack, fleet.members.ada);
    await stack.stop("bridge"); // it compacts too
  });
  after(() => stack.start("bridge"));

  for (const [stage, isUnchanged, prepare] of stages) {
    describe(stage, () => {
      before(prepare);

      /** Asks, and compares with the stage before where nothing but compaction has happened. */
      const ask = async (name, asked) => {
        const answer = await asked;
        if (!isUnchanged) answers.set(name, answer);
        else if (typeof answer === "string") assert.equal(answer, answers.get(name));
        else {assertSameRows(
            answer,
            answers.get(name).map((row) => ({ ...row, at: Date.parse(row.at) })),
          );}
        return answer;
      };

      for (const [what, question] of Object.entries(CHARTS)) {
        test(`shows ${what}`, async () => {
          const rows = await ask(what, dataOf(client.rpc("telemetry", { ...question })));
          assert.ok(rows.length > 0);
          const inexact = question.fill === "linear" ? NUMBERS : undefined;
          assertSameRows(rows, sent.buckets(question), inexact);
        });
      }

      test("of at most so many points has the narrowest buckets that fit", async () => {
        const question = { ...TRUCK, ...TEMPERATURE, ...NIGHT, fill: "null" };
        const rows = await ask(
          "max_points",
          dataOf(client.rpc("telemetry", { ...question, max_points: 50 })),
        );
        assertSameRows(rows, sent.buckets({ ...question, bucket: "15 minutes" }));
        for (const max_points of [1000, 100, 7, 3]) {
          const fewer = await dataOf(client.rpc("telemetry", { ...question, max_points }));
          assert.ok(fewer.length <= max_points, `${fewer.length} points, not ${max_points}`);
          const count = fewer.reduce((sum, row) => sum + row.count, 0);
          assert.equal(count, sent.readings(question).length);
        }
        const usual = await dataOf(client.rpc("telemetry", question));
        assert.ok(100 < usual.length && usual.length <= 500);
      });

      for (const [what, question] of Object.entries(READINGS)) {
        test(`shows ${what}, as they were sent`, async () => {
          const rows = await ask(what, dataOf(client.rpc("readings", { ...question })));
          assert.ok(rows.length > 0);
          assertSameRows(rows, sent.readings(question));
        });
      }

      test("of readings that are too many shows those that make the largest triangles", async () => {
        const question = { devices: DEVICES.slice(0, 2), ...TEMPERATURE, ...EVER };
        for (const max_points of [3, 100, 1200]) {
          const rows = await ask(
            `triangles of ${max_points}`,
            dataOf(client.rpc("readings", { ...question, max_points })),
          );
          const expected = question.devices.flatMap((device) =>
            largestTriangles(sent.readings({ ...question, devices: [device] }), max_points)
          );
          assert.equal(rows.length, expected.length);
          assertSameRows(rows, expected);
        }
        const ends = await dataOf(
          client.rpc("readings", { ...question, devices: ["truck-a"], max_points: 2 }),
        );
        const series = sent.readings({ ...question, devices: ["truck-a"] });
        assertSameRows(ends, [series[0], series.at(-1)]);
      });

      test("keeps the points above a limit only, however few are asked for", async () => {
        const question = { ...TRUCK, ...TEMPERATURE, ...EVER, above: 40 };
        const rows = await dataOf(client.rpc("readings", { ...question, max_points: 25 }));
        assertSameRows(rows, largestTriangles(sent.readings(question), 25));
      });

      test("is a file when CSV is asked for, with the same rows", async () => {
        const question = { ...NIGHT };
        const csv = await ask("CSV", dataOf(client.rpc("readings", question).csv()));
        const rows = parseCsv(csv);
        assert.ok(rows.some(({ value }) => value.includes("yard")));
        assertSameRows(
          rows.map((row) => ({ ...row, value: jsonOf(row.value) })),
          sent.readings(question),
        );
        const chart = { ...TRUCK, metrics: ["temperature"], ...NIGHT, bucket: "1 hour" };
        const buckets = parseCsv(await dataOf(client.rpc("telemetry", chart).csv()));
        assertSameRows(
          buckets.map((row) =>
            Object.fromEntries(
              Object.entries(row).map(([name, text]) => [
                name,
                ["device", "metric", "at"].includes(name) ? text : jsonOf(text || "null"),
              ]),
            )
          ),
          sent.buckets(chart),
        );
      });

      test("ends in the latest reading, of one device, of some and of all", async () => {
        for (const question of [TRUCK, { devices: DEVICES.slice(1), metrics: ["state"] }, {}]) {
          const name = `latest of ${JSON.stringify(question)}`;
          const rows = await ask(name, dataOf(client.rpc("latest", question)));
          assertSameRows(rows.map(({ unit: _, ...row }) => row), sent.latest(question));
        }
        assert.deepEqual(await dataOf(client.rpc("latest", { devices: ["silent"] })), []);
      });
    });
  }
});
