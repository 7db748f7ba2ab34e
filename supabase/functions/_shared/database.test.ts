// Calls of the database that fail in every way.
import assert from "node:assert/strict";
import { caller, DatabaseError, deliveriesOf, persistently } from "./database.ts";
import type { Claimed, Result } from "./delivery.ts";

const result = (id: string): Result => ({
  tenant_id: "t",
  id,
  lease: 1,
  outcome: { delivered: true },
});
const WAITS_MS = [1, 1, 1];

Deno.test("a passing failure is tried again, a refusal is not", async () => {
  for (const [status, tries] of [[0, 3], [503, 3], [409, 3], [429, 3], [400, 1], [403, 1]]) {
    let calls = 0;
    const outcome = persistently(() => {
      calls++;
      return calls < 3
        ? Promise.reject(new DatabaseError(status, "some.code", "no"))
        : Promise.resolve("done");
    }, WAITS_MS);
    if (tries === 3) assert.equal(await outcome, "done");
    else await assert.rejects(outcome, DatabaseError);
    assert.equal(calls, tries, `status ${status}`);
  }
});

Deno.test("a result that the database cannot take does not keep the others from being recorded", async () => {
  const recorded: string[] = [];
  const deliveries = deliveriesOf<Claimed>("email", "w", (name, values) => {
    assert.equal(name, "finish_deliveries");
    const results = values.results as Result[];
    if (results.some(({ id }) => id === "poison")) {
      return Promise.reject(new DatabaseError(400, "22P02", "cannot be read"));
    }
    recorded.push(...results.map(({ id }) => id));
    return Promise.resolve(results.map(({ id }) => ({ id, status: "delivered" })));
  });
  const ids = ["a", "b", "poison", "c", "d"];
  const finished = await deliveries.finish(ids.map(result));
  assert.deepEqual(recorded.toSorted(), ["a", "b", "c", "d"]);
  assert.deepEqual(finished.map(({ id }) => id).toSorted(), ["a", "b", "c", "d"]);
});

Deno.test("v1 is called with the key, and its errors keep their code and status", async () => {
  const seen: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    seen.push(`${pathname} ${request.headers.get("content-profile")}`);
    assert.equal(request.headers.get("authorization"), "Bearer the-key");
    return pathname.endsWith("claim_deliveries")
      ? Response.json([{ id: "1", asked: await request.json() }])
      : Response.json({ code: "delivery.odd", message: "odd" }, { status: 422 });
  });
  try {
    const call = caller(`http://127.0.0.1:${server.addr.port}`, "the-key");
    const deliveries = deliveriesOf<Claimed>("webhook", "worker-1", call);
    assert.deepEqual(await deliveries.claim(5, 60), [{
      id: "1",
      asked: { channel: "webhook", max_count: 5, worker: "worker-1", lease_s: 60 },
    }]);
    await assert.rejects(deliveries.finish([result("1")]), { status: 422, code: "delivery.odd" });
    assert.deepEqual(seen, [
      "/rest/v1/rpc/claim_deliveries v1",
      "/rest/v1/rpc/finish_deliveries v1",
    ]);
  } finally {
    await server.shutdown();
  }
});

Deno.test("a database out of reach is a passing failure", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const { port } = listener.addr;
  listener.close();
  const error = await caller(`http://127.0.0.1:${port}`, "key")("claim_deliveries", {})
    .catch((error) => error);
  assert.ok(error instanceof DatabaseError);
  assert.ok(error.passing, `status ${error.status}`);
});
