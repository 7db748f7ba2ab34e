// Members and devices that send over HTTP, and errors as supabase-js hands them to an application.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  addTenant,
  anonymousClient,
  clientWith,
  dataOf,
  deviceClient,
  userClient,
} from "../support/identities.mjs";
import { stack } from "../support/shared_stack.mjs";

const SPAN = { from: "2025-01-01T00:00:00Z", to: "2025-01-02T00:00:00Z" };
const RANGE = { ...SPAN, bucket: "1 hour" };

describe("over HTTP", () => {
  let acme, ada, vic, truck;

  before(async () => {
    acme = await addTenant(stack, "http-acme", {
      devices: ["truck-1", "truck-2", "scrapped"],
      members: { ada: { role: "owner" }, vic: { role: "viewer" } },
    });
    await stack.sql("update iot.devices set status = 'decommissioned' where slug = 'scrapped'");
    ada = userClient(stack, acme.members.ada);
    vic = userClient(stack, acme.members.vic);
    truck = deviceClient(stack, acme, "truck-1");
  });

  const hours = async (device, metric) =>
    (await dataOf(vic.rpc("telemetry", { devices: [device], metrics: [metric], ...RANGE }))).map((
      { count, sum },
    ) => [count, sum]);

  test("a member sends for the tenant's devices, and the same again counts once", async () => {
    const messages = [
      { device: "truck-1", at: "2025-01-01T00:00:00Z", values: { load: 1.5 } },
      { device: "truck-1", at: "2025-01-01T00:30:00+00:00", load: 2 },
      { device: "truck-2", at: Date.UTC(2025, 0, 1, 1), load: 8 },
    ];
    for (let delivery = 1; delivery <= 3; delivery += 1) {
      assert.deepEqual(await dataOf(ada.rpc("ingest", { messages })), {
        accepted: 3,
        rejected: [],
      });
    }
    assert.deepEqual(await hours("truck-1", "load"), [[2, 3.5]]);
    assert.deepEqual(await hours("truck-2", "load"), [[1, 8]]);
  });

  test("a device sends for itself with its own token, and the same again counts once", async () => {
    const message = { at: "2025-01-01T05:00:00Z", fuel: { level: 40 }, doors: [true, false] };
    for (let delivery = 1; delivery <= 2; delivery += 1) {
      assert.deepEqual(await dataOf(truck.rpc("ingest", { messages: message })), {
        accepted: 1,
        rejected: [],
      });
    }
    assert.deepEqual(await hours("truck-1", "fuel.level"), [[1, 40]]);
    const latest = await dataOf(vic.rpc("latest", { devices: ["truck-1"] }));
    assert.deepEqual(latest.find(({ metric }) => metric === "doors").value, [true, false]);
  });

  test("good messages are kept whatever becomes of the others, which are told and recorded", async () => {
    const messages = [
      { device: "truck-1", at: "2025-01-01T07:00:00Z", partial: 1 },
      { device: "truck-1", at: "soon", partial: 2 },
      { device: "ghost", at: "2025-01-01T07:00:01Z", partial: 3 },
      { device: "scrapped", at: "2025-01-01T07:00:02Z", partial: 4 },
      { at: "2025-01-01T07:00:03Z", partial: 5 },
      { device: "truck-1", at: "2025-01-01T07:00:04Z", partial: 6 },
    ];
    const { accepted, rejected } = await dataOf(ada.rpc("ingest", { messages }));
    const expected = [
      [1, "payload.time_invalid"],
      [2, "device.unknown"],
      [3, "device.decommissioned"],
      [4, "device.missing"],
    ];
    assert.equal(accepted, 2);
    assert.deepEqual(rejected.map(({ index, code }) => [index, code]), expected);
    assert.deepEqual(await hours("truck-1", "partial"), [[2, 7]]);

    const recorded = await dataOf(
      vic.from("rejected_messages").select("code, device, source, payload").order("id"),
    );
    assert.deepEqual(recorded.map(({ code }) => code), expected.map(([, code]) => code));
    assert.deepEqual(recorded.map(({ device }) => device), ["truck-1", "ghost", "scrapped", null]);
    assert.ok(recorded.every(({ source }) => source === "http"));
    assert.deepEqual(JSON.parse(recorded[1].payload), messages[2]);
  });

  test("charts and readings are asked for with GET as with POST", async () => {
    const series = { devices: ["truck-1", "truck-2"], metrics: ["load"] };
    const questions = {
      telemetry: { ...series, ...RANGE, aggregates: ["count", "p95"], fill: "linear" },
      readings: { ...series, ...SPAN, above: 1.75 },
      latest: series,
    };
    for (const [name, question] of Object.entries(questions)) {
      const posted = await dataOf(vic.rpc(name, question));
      assert.ok(posted.length >= 2, name);
      assert.deepEqual(await dataOf(vic.rpc(name, question, { get: true })), posted, name);
    }
    const { count } = await vic.rpc("readings", questions.readings, { get: true, count: "exact" });
    assert.equal(count, (await dataOf(vic.rpc("readings", questions.readings))).length);
  });

  test("charts and readings are answered in a transaction that may write nothing", async () => {
    const claims = { role: "authenticated", sub: acme.members.ada };
    const ask = (question) =>
      stack.sql(
        `
        begin transaction read only;
        set local role authenticated;
        do $$ begin perform set_config('request.jwt.claims', '${
          JSON.stringify(claims)
        }', true); end $$;
        ${question};
        commit;
        `,
      );
    const questions = {
      telemetry:
        `('{truck-1}', '{load}', '${SPAN.from}', '${SPAN.to}', '1 hour', fill => 'previous')`,
      readings: `("from" => '${SPAN.from}', "to" => '${SPAN.to}', max_points => 5)`,
      latest: "()",
    };
    for (const [name, question] of Object.entries(questions)) {
      const rows = await ask(`select to_json(answer) from v1.${name} ${question} as answer`);
      assert.ok(rows.length > 0, name);
    }
    const sending = `select v1.ingest('{"device": "truck-1", "load": 1}')`;
    await assert.rejects(ask(sending), /read-only transaction/);
  });

  /** What each call is refused with: HTTP status and code. */
  const refusals = {
    "a device that is not there": [
      404,
      "device.unknown",
      () => vic.rpc("latest", { devices: ["ghost"] }),
    ],
    "a metric that is not there": [404, "metric.unknown", () => telemetry({ metrics: ["height"] })],
    "a range that ends before it starts": [
      400,
      "telemetry.range_invalid",
      () => telemetry({ from: RANGE.to, to: RANGE.from }),
    ],
    "a range without an end": [400, "telemetry.range_invalid", () => telemetry({ to: undefined })],
    "readings of a range without a start": [
      400,
      "telemetry.range_invalid",
      () => vic.rpc("readings", { devices: ["truck-1"], to: RANGE.to }),
    ],
    "a device that is not there among others": [
      404,
      "device.unknown",
      () => telemetry({ devices: ["truck-1", "ghost", "truck-2"] }),
    ],
    "buckets of no width": [
      400,
      "telemetry.width_invalid",
      () => telemetry({ bucket: "0 seconds" }),
    ],
    "too many buckets": [
      400,
      "telemetry.too_many_buckets",
      () => telemetry({ bucket: "1 millisecond" }),
    ],
    "a zone of no map": [
      400,
      "telemetry.zone_unknown",
      () => telemetry({ time_zone: "Mars/Olympus" }),
    ],
    "an aggregate that is none": [
      400,
      "telemetry.aggregate_unknown",
      () => telemetry({ aggregates: ["median"] }),
    ],
    "a fill that is none": [400, "telemetry.fill_unknown", () => telemetry({ fill: "spline" })],
    "a group that is none": [
      400,
      "telemetry.group_unknown",
      () => telemetry({ group_by: ["tenant"] }),
    ],
    "a width and a number of points": [
      400,
      "telemetry.width_given_twice",
      () => telemetry({ max_points: 100 }),
    ],
    "a chart of no points": [
      400,
      "telemetry.points_invalid",
      () => vic.rpc("readings", { devices: ["truck-1"], ...SPAN, max_points: 0 }),
    ],
    "a viewer who sends": [
      403,
      "tenancy.permission_missing",
      () => vic.rpc("ingest", { messages: { device: "truck-1", load: 1 } }),
    ],
    "a device that sends for another": [
      403,
      "device.not_own",
      () => truck.rpc("ingest", { messages: { device: "truck-2", load: 1 } }),
    ],
    "a device that is retired": [
      403,
      "device.decommissioned",
      () => deviceClient(stack, acme, "scrapped").rpc("ingest", { messages: { load: 1 } }),
    ],
    "a header that names no tenant": [
      400,
      "tenancy.header_invalid",
      () =>
        userClient(stack, acme.members.ada, { "x-tenant-id": "acme" }).rpc("latest", {
          devices: ["truck-1"],
        }),
    ],
  };
  const telemetry = (changes) =>
    vic.rpc("telemetry", { devices: ["truck-1"], metrics: ["load"], ...RANGE, ...changes });

  for (const [what, [status, code, call]] of Object.entries(refusals)) {
    test(`${what} is refused with ${status} ${code}`, async () => {
      const answer = await call();
      assert.deepEqual([answer.status, answer.error?.code, answer.data], [status, code, null]);
      assert.deepEqual(Object.keys(answer.error).filter((key) => key !== "name").sort(), [
        "code",
        "details",
        "hint",
        "message",
      ]);
      assert.ok(
        !/[{}]/.test(answer.error.message),
        `the message is filled in: ${answer.error.message}`,
      );
      assert.ok(answer.error.hint === null || typeof answer.error.hint === "string");
      if (answer.error.details !== null) {
        assert.equal(typeof JSON.parse(answer.error.details), "object");
      }
    });
  }

  test("details of an error are for programs, its message is for people", async () => {
    const { error } = await vic.rpc("latest", { devices: ["ghost"] });
    assert.deepEqual(JSON.parse(error.details), { device: "ghost" });
    assert.match(error.message, /ghost/);
  });

  test("an anonymous caller, an expired token and a forged one are refused with 401", async () => {
    const anonymous = await anonymousClient(stack).rpc("ingest", {
      messages: { device: "truck-1", load: 1 },
    });
    assert.deepEqual([anonymous.status, anonymous.error.code], [401, "42501"]);
    const expired = await clientWith(stack, {
      role: "authenticated",
      sub: acme.members.ada,
      exp: 1,
    }).from("devices").select();
    assert.equal(expired.status, 401);
    const forger = {
      env: {
        ...stack.env,
        JWT_SECRET: "not the secret that the REST server knows, but as long as it",
      },
    };
    assert.equal((await userClient(forger, acme.members.ada).from("devices").select()).status, 401);
  });

  test("a device's token reads nothing", async () => {
    for (const view of ["devices", "metrics", "tenants", "rejected_messages"]) {
      const { data, error } = await truck.from(view).select("*");
      assert.ok(error?.code === "42501" || data?.length === 0, view);
    }
    assert.ok((await truck.rpc("latest", { devices: ["truck-1"] })).error);
  });
});
