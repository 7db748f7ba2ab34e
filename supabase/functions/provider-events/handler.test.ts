// Events of providers: passed on as they came, answered by what the database says.
import assert from "node:assert/strict";
import { DatabaseError } from "../_shared/database.ts";
import { handle } from "./handler.ts";

const SOURCE = "6b1f0f60-58c5-4c50-9a39-4c4f8f3f6c11";

interface Called {
  name: string;
  values: Record<string, unknown>;
}

async function post(
  init: RequestInit & { path?: string } = {},
  outcome: () => unknown = () => null,
): Promise<[Response, Called[]]> {
  const called: Called[] = [];
  const path = init.path ?? `/functions/v1/provider-events/${SOURCE}`;
  const request = new Request(`http://functions${path}`, { method: "POST", ...init });
  const response = await handle(request, {
    call: (name, values) => {
      called.push({ name, values });
      return Promise.resolve().then(outcome);
    },
  });
  return [response, called];
}

Deno.test("the body goes on as it came, with the headers that matter", async () => {
  const body = '{ "type":"email.bounced",\n "data": "ä😀" }\n';
  const [response, called] = await post({
    body,
    headers: {
      "content-type": "application/json",
      "webhook-id": "msg_1",
      "webhook-timestamp": "1700000000",
      "webhook-signature": "v1,abc=",
      "svix-id": "msg_1",
      "x-hub-signature-256": "sha256=1",
      "x-github-event": "push",
      "stripe-signature": "t=1,v1=2",
      "user-agent": "Svix-Webhooks/1",
      authorization: "Bearer secret",
      "acme-hmac": "0f",
      cookie: "session=1",
      apikey: "anon",
      "x-forwarded-for": "192.0.2.1",
      "x-signature": "x".repeat(5_000),
    },
  });
  assert.equal(response.status, 200);
  assert.deepEqual(await response.json(), { received: true });
  assert.deepEqual(called, [{
    name: "receive_webhook",
    values: {
      source: SOURCE,
      body,
      headers: {
        "content-type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": "1700000000",
        "webhook-signature": "v1,abc=",
        "svix-id": "msg_1",
        "x-hub-signature-256": "sha256=1",
        "x-github-event": "push",
        "stripe-signature": "t=1,v1=2",
        "user-agent": "Svix-Webhooks/1",
        authorization: "Bearer secret",
        "acme-hmac": "0f",
      },
    },
  }]);
});

Deno.test("what cannot be an event is refused without asking the database", async () => {
  const refused: [RequestInit & { path?: string }, number, string][] = [
    [{ method: "GET" }, 405, "function.method_not_allowed"],
    [{ method: "DELETE" }, 405, "function.method_not_allowed"],
    [{ path: "/functions/v1/provider-events" }, 404, "function.source_missing"],
    [{ path: "/functions/v1/provider-events/acme" }, 404, "function.source_missing"],
    [{ path: `/functions/v1/provider-events/${SOURCE}/x` }, 404, "function.source_missing"],
    [{ path: `/functions/v1/provider-events/${SOURCE}'--` }, 404, "function.source_missing"],
    [{ body: '"a\0b"' }, 400, "function.body_invalid"],
    [{ body: "x".repeat(1_048_577) }, 413, "function.body_too_large"],
  ];
  for (const [init, status, code] of refused) {
    const [response, called] = await post(init);
    assert.equal(response.status, status);
    assert.equal((await response.json()).code, code);
    assert.deepEqual(called, []);
  }
});

Deno.test("a body without end is cut off at the limit", async () => {
  let pulled = 0;
  const body = new ReadableStream({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  const [response, called] = await post({ body });
  assert.equal(response.status, 413);
  assert.ok(pulled < 30, `${pulled} pieces were read`);
  assert.deepEqual(called, []);
});

Deno.test("refusals keep their code and status; what may pass asks for the event again", async () => {
  const answers: [DatabaseError, number, string][] = [
    [new DatabaseError(401, "signature.invalid", "no"), 401, "signature.invalid"],
    [new DatabaseError(404, "inbound.source_unknown", "no"), 404, "inbound.source_unknown"],
    [new DatabaseError(422, "inbound.body_invalid", "no"), 422, "inbound.body_invalid"],
    [new DatabaseError(429, "limit.exceeded", "no"), 429, "function.database_unreachable"],
    [
      new DatabaseError(0, "function.database_unreachable", "x"),
      503,
      "function.database_unreachable",
    ],
    [new DatabaseError(500, "XX000", "x"), 503, "function.database_unreachable"],
    [new DatabaseError(404, "PGRST202", "x"), 503, "PGRST202"],
    [new DatabaseError(401, "42501", "x"), 503, "42501"],
  ];
  for (const [error, status, code] of answers) {
    const [response] = await post({ body: "{}" }, () => Promise.reject(error));
    assert.equal(response.status, status, error.code);
    const told = await response.json();
    assert.equal(told.code, code);
    assert.equal(response.headers.has("retry-after"), status === 503 || status === 429);
  }
});
