// The drain, with deliveries in memory that keep the database's contract.
import assert from "node:assert/strict";
import type { Claimed, Outcome } from "./delivery.ts";
import { drain, type Limits, REPORT_MS, type Work } from "./drain.ts";
import { Outbox } from "./testing/outbox.ts";

interface Parcel extends Claimed {
  lane: string;
}

const LIMITS: Limits = { budget_s: 20, concurrency: 8, batch: 10, lease_s: 60 };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const delivered: Outcome = { delivered: true, status_code: 200 };

const parcels = (count: number, lane = "a") => Array.from({ length: count }, () => ({ lane }));

function workOf(outbox: Outbox<Parcel>, send: Work<Parcel>["send"], width = 1_000): Work<Parcel> {
  return {
    deliveries: outbox,
    send,
    timeout_ms: () => 1_000,
    lane: ({ lane }) => ({ key: lane, width }),
  };
}

Deno.test("an empty queue is asked once", async () => {
  const outbox = new Outbox<Parcel>();
  const summary = await drain(workOf(outbox, () => Promise.resolve(delivered)), LIMITS);
  assert.deepEqual(outbox.claims, [0]);
  assert.equal(summary.claimed, 0);
});

Deno.test("all that waits is sent once, in batches, and counted", async () => {
  const outbox = new Outbox<Parcel>();
  outbox.add(...parcels(95));
  const sent = new Map<string, number>();
  const summary = await drain(
    workOf(outbox, async ({ id }) => {
      sent.set(id, (sent.get(id) ?? 0) + 1);
      await pause(1);
      return sent.size % 10 === 0 ? { delivered: false, error_code: "reset" } : delivered;
    }),
    LIMITS,
  );
  assert.equal(sent.size, 95);
  assert.ok([...sent.values()].every((times) => times === 1));
  assert.equal(summary.claimed, 95);
  assert.equal(summary.delivered, outbox.count("delivered"));
  assert.equal(summary.failed, outbox.count("scheduled"));
  assert.equal(summary.delivered + summary.failed, 95);
  assert.ok(outbox.reports.length <= 30, "reports are collected");
});

Deno.test("no more are sent at once than allowed, altogether and to one endpoint", async () => {
  const outbox = new Outbox<Parcel>();
  outbox.add(...parcels(30, "narrow"), ...parcels(60, "other"));
  const running: Record<string, number> = { narrow: 0, other: 0 };
  const most = { narrow: 0, other: 0, all: 0 };
  await drain(
    {
      ...workOf(outbox, async ({ lane }) => {
        running[lane]++;
        most.narrow = Math.max(most.narrow, running.narrow);
        most.other = Math.max(most.other, running.other);
        most.all = Math.max(most.all, running.narrow + running.other);
        await pause(2);
        running[lane]--;
        return delivered;
      }),
      lane: ({ lane }) => ({ key: lane, width: lane === "narrow" ? 2 : 100 }),
    },
    LIMITS,
  );
  assert.equal(most.narrow, 2);
  assert.equal(most.all, 8);
  assert.equal(outbox.count("delivered"), 90);
});

Deno.test("the next batch is claimed while one is being sent", async () => {
  const outbox = new Outbox<Parcel>();
  outbox.add(...parcels(40));
  let sending = 0;
  let overlapped = false;
  outbox.before = (call) => {
    if (call === "claim" && sending > 0) overlapped = true;
  };
  await drain(
    workOf(outbox, async () => {
      sending++;
      await pause(5);
      sending--;
      return delivered;
    }),
    LIMITS,
  );
  assert.ok(overlapped);
});

Deno.test("when the time is up nothing more is claimed, and what was claimed is sent", async () => {
  const outbox = new Outbox<Parcel>();
  outbox.add(...parcels(1_000));
  let clock_ms = 0;
  const summary = await drain(
    workOf(outbox, async () => {
      clock_ms += 100;
      await pause(0);
      return delivered;
    }),
    { ...LIMITS, budget_s: 5 },
    () => clock_ms,
  );
  assert.equal(summary.unsent, 0);
  assert.equal(summary.delivered, summary.claimed);
  assert.ok(summary.claimed >= 50 && summary.claimed < 100, `${summary.claimed} were claimed`);
  assert.equal(outbox.count("queued"), 1_000 - summary.claimed);
});

Deno.test("a send is not begun when its lease could end before its timeout", async () => {
  let clock_ms = 0;
  const outbox = new Outbox<Parcel>(() => clock_ms);
  outbox.add(...parcels(10));
  const begun: number[] = [];
  const summary = await drain(
    workOf(outbox, async () => {
      begun.push(clock_ms);
      clock_ms += 10_000;
      await pause(0);
      return delivered;
    }),
    { ...LIMITS, concurrency: 1, budget_s: 1 },
    () => clock_ms,
  );
  const latest = 60_000 - REPORT_MS - 1_000;
  assert.ok(begun.every((at) => at <= latest), `begun at ${begun}`);
  assert.equal(begun.length, 6);
  assert.equal(summary.unsent, 4);
  assert.equal(summary.delivered, 6);
});

Deno.test("what another worker has taken in the meantime is counted as lost, and stays its own", async () => {
  let clock_ms = 0;
  const outbox = new Outbox<Parcel>(() => clock_ms);
  outbox.add(...parcels(3));
  const summary = await drain(
    workOf(outbox, async () => {
      await pause(1);
      clock_ms += 100_000; // far longer than the lease
      await outbox.claim(1, 1_000);
      return delivered;
    }),
    { ...LIMITS, concurrency: 3, budget_s: 1 },
    () => clock_ms,
  );
  assert.equal(summary.lease_lost, 3);
  assert.equal(summary.delivered, 0);
  assert.equal(outbox.count("sending"), 3);
});

Deno.test("a send that throws fails alone", async () => {
  const outbox = new Outbox<Parcel>();
  const [poison] = outbox.add(...parcels(20));
  const summary = await drain(
    workOf(
      outbox,
      ({ id }) => id === poison ? Promise.reject(new Error("boom")) : Promise.resolve(delivered),
    ),
    LIMITS,
  );
  assert.equal(summary.delivered, 19);
  assert.equal(summary.failed, 1);
  assert.equal(outbox.outcome(poison).error_code, "internal");
});

Deno.test("a database that goes away ends the drain; what was sent is told as unreported", async () => {
  const outbox = new Outbox<Parcel>();
  outbox.add(...parcels(100));
  const gone = Object.assign(new Error("gone"), { code: "function.database_unreachable" });
  outbox.before = (call) => {
    if (call === "finish") throw gone;
  };
  const summary = await drain(workOf(outbox, () => Promise.resolve(delivered)), LIMITS);
  assert.equal(summary.stopped_by, "function.database_unreachable");
  assert.equal(summary.delivered, 0);
  assert.equal(summary.unreported + summary.unsent, summary.claimed);
  assert.ok(summary.claimed < 100, "nothing is claimed that could not be reported");
});

Deno.test("a database that refuses the first claim is heard", async () => {
  const outbox = new Outbox<Parcel>();
  outbox.before = () => {
    throw new Error("no");
  };
  await assert.rejects(drain(workOf(outbox, () => Promise.resolve(delivered)), LIMITS), /no/);
});
