// Webhooks on their way from a committed event to an endpoint that is not ours: signed, in order, no
// more at once than it takes, and nowhere but where a tenant may have requests sent to.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { hostname } from "node:os";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Functions } from "./support/functions.mjs";
import { addTenant, dataOf, userClient } from "./support/identities.mjs";
import { Outbox } from "./support/outbox.mjs";
import { until } from "./support/process.mjs";
import { Stack } from "./support/stack.mjs";
import { answering, WebhookReceiver } from "./support/webhook_receiver.mjs";

const TYPE = "test.thing.happened";

const stack = new Stack("delivery-webhooks");
const outbox = new Outbox(stack);
const receiver = new WebhookReceiver();
const secrets = [];
let acme, owner, rivals, first, second;

before(async () => {
  await receiver.start();
  await stack.up("database");
  for (const service of ["rest", "gateway"]) await stack.start(service);
  acme = await addTenant(stack, "acme", { members: { owner: { role: "owner" } } });
  const rival = await addTenant(stack, "rival", { members: { owner: { role: "owner" } } });
  owner = userClient(stack, acme.members.owner);
  rivals = userClient(stack, rival.members.owner);
  await outbox.query("insert into core.event_types (type, description) values ($1, 'A test.')", [
    TYPE,
  ]);
  await outbox.query(
    `update core.tenants
     set settings = settings || jsonb_build_object('core', coalesce(settings -> 'core', '{}')
       || jsonb_build_object('development_hosts', jsonb_build_array($1::text)))
     where id = core.platform_tenant_id()`,
    [new URL(receiver.url).host],
  );
  [first, second] = ["one", "two"].map((name) =>
    new Functions(stack, `functions-${name}`, {
      TENON_DEVELOPMENT_HOSTS: new URL(receiver.url).host,
    })
  );
  await Promise.all([first.start(), second.start()]);
});
after(async () => {
  await first.kill();
  await second.kill();
  await outbox.end();
  await receiver.end();
  await stack.down();
});

/** An endpoint of the tenant at a path of the receiver, whose requests the receiver verifies. */
async function addEndpoint(path, options = {}) {
  const endpoint = await dataOf(
    owner.rpc("create_webhook_endpoint", {
      url: `${receiver.url}${path}`,
      event_types: [TYPE],
      ...options,
    }),
  );
  assert.match(endpoint.secret, /^whsec_/);
  secrets.push(endpoint.secret);
  receiver.trust(path, endpoint.secret);
  return endpoint;
}

/** Ends endpoints, so that they do not take the events of the tests that follow. */
const removeEndpoints = async (...endpoints) => {
  for (const { id } of endpoints) await dataOf(owner.rpc("delete_webhook_endpoint", { id }));
};

/** Events, each in a transaction of its own or all in one. @returns {Promise<void>} */
async function emit(count, data = {}) {
  await outbox.query(
    `select core.emit($1, $2, 'thing', gen_random_uuid(), $4::jsonb || jsonb_build_object('n', n))
     from generate_series(1, $3::integer) as n`,
    [acme.id, TYPE, count, JSON.stringify(data)],
  );
}

/** The deliveries of an endpoint. */
async function deliveriesOf({ id }) {
  const ids = await outbox.query(
    "select id from core.deliveries where endpoint_id = $1",
    [id],
  );
  return await outbox.deliveries(ids.map(({ id }) => id));
}

const numbersAt = (path) => receiver.at(path).map(({ body }) => body.data.data.n);
const isEach = (numbers, count) =>
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    Array.from({ length: count }, (_, n) => n + 1),
  );

/** Drains, time passing in between, until all deliveries of the endpoints are over. */
async function drainToTheEnd(...endpoints) {
  await first.drain("webhook");
  const ids = await outbox.query("select id from core.deliveries where endpoint_id = any($1)", [
    endpoints.map(({ id }) => id),
  ]);
  await outbox.drainToTheEnd(first, "webhook", ids.map(({ id }) => id));
}

test("each committed event arrives once, signed, and none that was rolled back", async () => {
  const endpoint = await addEndpoint("/plain");
  await outbox.query("begin");
  await emit(5, { is: "rolled back" });
  await outbox.query("rollback");
  await emit(30, { is: "committed" });
  await first.drain("webhook");
  const received = receiver.at("/plain");
  isEach(numbersAt("/plain"), 30);
  for (const { verified_by, body, id, headers } of received) {
    assert.deepEqual(verified_by, [endpoint.secret], "the library verifies the request");
    assert.equal(body.data.data.is, "committed");
    assert.equal(body.type, TYPE);
    assert.equal(headers["content-type"], "application/json");
    assert.match(id, /^evt_/);
  }
  assert.equal(new Set(received.map(({ id }) => id)).size, 30);
  for (const { status, made } of await deliveriesOf(endpoint)) {
    assert.equal(status, "delivered");
    assert.deepEqual(made.map(({ status_code }) => status_code), [204]);
  }
  await removeEndpoints(endpoint);
});

test("while a secret is being replaced, both verify; afterwards the new one alone", async () => {
  const endpoint = await addEndpoint("/rotated");
  const { secret } = await dataOf(
    owner.rpc("rotate_webhook_secret", { id: endpoint.id, overlap_hours: 1 }),
  );
  secrets.push(secret);
  receiver.trust("/rotated", endpoint.secret, secret);
  await emit(1);
  await first.drain("webhook");
  assert.deepEqual(receiver.at("/rotated")[0].verified_by, [endpoint.secret, secret]);
  await outbox.query(
    "update core.webhook_endpoints set previous_expires_at = clock_timestamp() where id = $1",
    [endpoint.id],
  );
  await emit(1);
  await first.drain("webhook");
  assert.deepEqual(receiver.at("/rotated")[1].verified_by, [secret]);
  await removeEndpoints(endpoint);
});

describe("an endpoint that", () => {
  test("answers 410 is disabled, and sent nothing more", async () => {
    const endpoint = await addEndpoint("/gone");
    receiver.behave("/gone", answering(410));
    await emit(1);
    await first.drain("webhook");
    await emit(3);
    await first.drain("webhook");
    await outbox.letTimePass("webhook");
    await first.drain("webhook");
    assert.equal(receiver.at("/gone").length, 1);
    const [seen] = await dataOf(owner.from("webhook_endpoints").select().eq("id", endpoint.id));
    assert.equal(seen.status, "disabled");
    assert.ok(seen.disabled_reason);
    assert.equal((await deliveriesOf(endpoint))[0].status, "dead");
    await removeEndpoints(endpoint);
  });

  test("redirects is not followed", async () => {
    const endpoint = await addEndpoint("/redirects");
    for (const status of [301, 302, 303, 307, 308]) {
      receiver.behave("/redirects", answering(status, { location: `${receiver.url}/elsewhere` }));
      await emit(1);
      await first.drain("webhook");
    }
    assert.equal(receiver.at("/redirects").length, 5);
    assert.equal(receiver.at("/elsewhere").length, 0);
    for (const { made } of await deliveriesOf(endpoint)) {
      assert.equal(made[0].outcome, "failed");
      assert.ok(made[0].status_code >= 301 && made[0].status_code <= 308);
    }
    await removeEndpoints(endpoint);
  });

  test("asks for a wait gets it", async () => {
    const endpoint = await addEndpoint("/later");
    receiver.behave("/later", answering(429, { "retry-after": "7200" }));
    await emit(1);
    await first.drain("webhook");
    const [{ status, made, next_attempt_at }] = await deliveriesOf(endpoint);
    assert.equal(status, "scheduled");
    const wait_s = (next_attempt_at - Date.parse(made[0].ended_at)) / 1000;
    assert.ok(wait_s >= 7199 && wait_s <= 7921, `${wait_s} s`);
    receiver.behave("/later", null);
    await drainToTheEnd(endpoint);
    assert.equal((await deliveriesOf(endpoint))[0].status, "delivered");
    await removeEndpoints(endpoint);
  });

  test("fails a few times gets each event under one id, at every attempt", async () => {
    const endpoint = await addEndpoint("/fails");
    receiver.behave(
      "/fails",
      (request, response, seen) => {
        const mood = (request.body.data.data.n + seen) % 4;
        if (seen > 3) return response.writeHead(200).end("fine");
        if (mood === 0) return response.socket.destroy();
        if (mood === 1) return response.writeHead(500).end("x".repeat(100_000));
        if (mood === 2) return response.writeHead(503).end();
        // Taken, and the answer is cut off: only the id tells that it is known.
        response.writeHead(200, { "content-length": "100" }).write("half");
        response.socket.destroy();
      },
    );
    await emit(20);
    await drainToTheEnd(endpoint);
    const deliveries = await deliveriesOf(endpoint);
    assert.equal(deliveries.length, 20);
    for (const { status } of deliveries) assert.equal(status, "delivered");
    assert.equal(new Set(receiver.at("/fails").map(({ id }) => id)).size, 20);
    for (const { verified_by } of receiver.at("/fails")) assert.equal(verified_by.length, 1);
    for (const { made } of deliveries) {
      for (const { response } of made) assert.ok((response ?? "").length <= 4096);
    }
    await removeEndpoints(endpoint);
  });

  test("never comes to an end does not hold up the drain, nor the others", async () => {
    const endless = await addEndpoint("/endless");
    const dripping = await addEndpoint("/dripping");
    const fine = await addEndpoint("/fine");
    receiver.behave("/endless", (_, response) => {
      response.writeHead(200);
      const more = () => {
        while (response.writable && !response.destroyed) {
          if (!response.write("x".repeat(65_536))) return response.once("drain", more);
        }
      };
      more();
    });
    receiver.behave("/dripping", async (_, response) => {
      response.writeHead(200);
      while (!response.destroyed) {
        response.write("x");
        await pause(200);
      }
    });
    await emit(3);
    const summary = await first.drain("webhook");
    assert.equal(summary.delivered, 9, JSON.stringify(summary));
    for (const { made } of await deliveriesOf(endless)) {
      assert.equal(made[0].response.length, 4096);
    }
    assert.equal(receiver.at("/fine").length, 3);
    await removeEndpoints(endless, dripping, fine);
  });
});

test("an endpoint never has more requests at once than it takes, whoever sends", async () => {
  const busy = await addEndpoint("/busy", { max_concurrency: 3 });
  const quick = await addEndpoint("/quick");
  receiver.behave("/busy", async (request, response, seen) => {
    await pause(15);
    response.writeHead(request.body.data.data.n % 10 === 0 && seen === 1 ? 500 : 204).end();
  });
  await emit(120);
  await outbox.query("select core.fan_out_events()"); // so that there is work for all from the start
  // Two processes, each with several drains at once.
  const workers = [first, second, first, second];
  await Promise.all(workers.map((functions) => functions.drain("webhook")));
  await drainToTheEnd(busy, quick);
  assert.equal(receiver.most_at_once.get("/busy"), 3, "as many as it takes, and no more");
  for (const endpoint of [busy, quick]) {
    const deliveries = await deliveriesOf(endpoint);
    assert.equal(deliveries.length, 120);
    for (const { status, held_for } of deliveries) {
      assert.deepEqual([status, held_for], ["delivered", null]);
    }
  }
  isEach(numbersAt("/quick"), 120);
  assert.equal(numbersAt("/busy").length, 132);
  const ended = (path) => Math.max(...receiver.at(path).map(({ time }) => time));
  assert.ok(ended("/quick") < ended("/busy"), "the busy one did not hold up the other");
  await removeEndpoints(busy, quick);
});

test("what has one ordering key arrives in its order, whatever fails", async () => {
  const endpoint = await addEndpoint("/ordered", { max_concurrency: 10 });
  receiver.behave(
    "/ordered",
    (request, response, seen) =>
      response.writeHead((request.body.n + seen) % 3 === 0 && seen < 3 ? 503 : 204).end(),
  );
  const keys = ["a", "b", "c"];
  for (let n = 1; n <= 12; n++) {
    for (const key of keys) {
      await outbox.query(
        `select core.enqueue_delivery($1, 'webhook', $2, $3, $4, ordering_key => $5,
           event_type => $3, endpoint_id => $6)`,
        [acme.id, `${receiver.url}/ordered`, TYPE, { key, n }, key, endpoint.id],
      );
    }
  }
  await Promise.all([first.drain("webhook"), second.drain("webhook")]);
  await drainToTheEnd(endpoint);
  for (const { status } of await deliveriesOf(endpoint)) assert.equal(status, "delivered");
  for (const key of keys) {
    const numbers = receiver.at("/ordered").filter(({ body }) => body.key === key)
      .map(({ body }) => body.n);
    // Each may be repeated where it failed, and none begins before the one before it is over.
    assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b), key);
    assert.equal(new Set(numbers).size, 12);
    assert.ok(numbers.length > 12, "some failed");
  }
  await removeEndpoints(endpoint);
});

test("a pause keeps everything, and sends nothing", async () => {
  const endpoint = await addEndpoint("/paused");
  await emit(10);
  await dataOf(owner.rpc("pause_deliveries", { channel: "webhook", reason: "maintenance" }));
  await first.drain("webhook");
  await emit(10);
  await first.drain("webhook");
  assert.equal(receiver.at("/paused").length, 0);
  await dataOf(owner.rpc("resume_deliveries", { channel: "webhook" }));
  await until("all have come", async () => {
    await first.drain("webhook");
    return receiver.at("/paused").length >= 20;
  });
  assert.equal(receiver.at("/paused").length, 20);
  assert.equal((await dataOf(owner.from("delivery_pauses").select())).length, 0);
  await removeEndpoints(endpoint);
});

test("what is over can be sent again, alone, all at once, or from an event's number", async () => {
  const endpoint = await addEndpoint("/again");
  receiver.behave("/again", answering(400));
  await emit(12);
  await drainToTheEnd(endpoint);
  const dead = await deliveriesOf(endpoint);
  for (const { status } of dead) assert.equal(status, "dead");
  receiver.behave("/again", null);
  receiver.requests.length = 0;

  await dataOf(owner.rpc("replay_delivery", { id: dead[0].id }));
  await first.drain("webhook");
  assert.equal(receiver.at("/again").length, 1);
  const { replayed, done } = await dataOf(
    owner.rpc("replay_deliveries", { endpoint_id: endpoint.id }),
  );
  assert.deepEqual([replayed, done], [11, true]);
  await first.drain("webhook");
  isEach(numbersAt("/again"), 12);

  const numbers = receiver.at("/again").map(({ id }) => Number(id.split("_").at(-1)));
  const ids = new Set(receiver.at("/again").map(({ id }) => id));
  receiver.requests.length = 0;
  await dataOf(
    owner.rpc("replay_webhooks", {
      endpoint_id: endpoint.id,
      from_number: Math.min(...numbers) + 4,
    }),
  );
  await first.drain("webhook");
  assert.equal(receiver.at("/again").length, 8);
  for (const { id, verified_by } of receiver.at("/again")) {
    assert.ok(ids.has(id), "a replay has the id that the receiver knows");
    assert.equal(verified_by.length, 1);
  }

  const { error } = await rivals.rpc("replay_webhooks", {
    endpoint_id: endpoint.id,
    from_number: 1,
  });
  assert.equal(error?.code, "webhook.unknown", "another tenant repeats nothing");
  await removeEndpoints(endpoint);
});

test("no request reaches an address that is not public, however it is written", async () => {
  let connections = 0;
  const inner = createServer((socket) => {
    connections++;
    socket.destroy();
  }).listen(0, "0.0.0.0");
  await until("the inner service listens", () => inner.listening);
  const { port } = inner.address();
  const hosts = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "127.0.0.1.",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "１２７.0.0.1",
    "169.254.169.254",
    "10.0.0.1",
    "localhost", // and what the system's resolver finds for names
    "LOCALHOST.",
    "ip6-localhost",
    hostname(),
  ];
  const urls = ["https", "http"].flatMap((scheme) =>
    hosts.map((host) => `${scheme}://${host}:${port}/`)
  );
  const endpoints = [];
  for (const url of urls) {
    const { error } = await owner.rpc("create_webhook_endpoint", { url, event_types: [TYPE] });
    assert.equal(error?.code, "webhook.url_invalid", url);
    // The database does not let it in; if it did, the function would not go there.
    const endpoint = await addEndpoint("/inner");
    await outbox.query("update core.webhook_endpoints set url = $2 where id = $1", [
      endpoint.id,
      url,
    ]);
    endpoints.push(endpoint);
  }
  await emit(1);
  await drainToTheEnd(...endpoints);
  assert.equal(connections, 0);
  for (const [place, endpoint] of endpoints.entries()) {
    const [{ status, made, last_error }, ...more] = await deliveriesOf(endpoint);
    assert.equal(more.length, 0);
    assert.equal(status, "dead", `${urls[place]}: ${last_error}`);
    for (const { outcome, status_code } of made) {
      assert.deepEqual([outcome, status_code], ["failed", null], urls[place]);
    }
  }
  inner.close();
  await removeEndpoints(...endpoints);
});

test("secrets of endpoints are in no log and no view", async () => {
  assert.ok(secrets.length > 10);
  const leaks = [];
  const look = (where, text) => {
    for (const [place, secret] of secrets.entries()) {
      if (text.includes(secret.replace("whsec_", ""))) leaks.push(`secret ${place} in ${where}`);
    }
  };
  for (const file of readdirSync(`${stack.folder}/log`)) {
    look(file, readFileSync(`${stack.folder}/log/${file}`, "utf8"));
  }
  const endpoint = await addEndpoint(`/${randomUUID()}`);
  for (
    const view of await stack.sql(
      "select to_json(table_name) from information_schema.views where table_schema = 'v1'",
    )
  ) {
    const { data, error } = await owner.from(view).select("*").limit(100_000);
    look(`v1.${view}`, JSON.stringify(data ?? error));
  }
  assert.deepEqual(leaks, []);
  await removeEndpoints(endpoint);
});
