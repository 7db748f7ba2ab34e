// The development gateway, before a REST server that tells what reached it.
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import type { Server } from "node:http";
import { gateway } from "./gateway.mjs";

type Seen = { method: string; path: string; headers: Record<string, string>; body: string };

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** Sends a request through a gateway, and returns what the REST server saw of it. */
async function through(path: string, init: RequestInit = {}): Promise<[Response, Seen]> {
  const rest = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const url = new URL(request.url);
    return Response.json({
      method: request.method,
      path: url.pathname + url.search,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    }, { status: 206, headers: { "content-range": "0-1/2" } });
  });
  const server = gateway(rest.addr.port);
  try {
    const response = await fetch(`http://127.0.0.1:${await listening(server)}${path}`, init);
    return [response, await response.json()];
  } finally {
    server.closeAllConnections();
    server.close();
    await rest.shutdown();
  }
}

const sanitizeResources = false; // the gateway keeps connections to the REST server open
const sanitizeOps = false;

Deno.test({
  name: "the prefix is taken off and the query kept",
  sanitizeResources,
  sanitizeOps,
  async fn() {
    assert.equal(
      (await through("/rest/v1/devices?select=slug&limit=1"))[1].path,
      "/devices?select=slug&limit=1",
    );
    assert.equal((await through("/rest/v1"))[1].path, "/");
    // A form's space is a space, and a plus of its own stays one.
    assert.equal(
      (await through("/rest/v1/rpc/telemetry?bucket=1+hour&from=2026-01-01T00:00:00%2B01:00"))[1]
        .path,
      "/rpc/telemetry?bucket=1%20hour&from=2026-01-01T00:00:00%2B01:00",
    );
  },
});

Deno.test({
  name: "quotes leave the list of columns, and nothing else",
  sanitizeResources,
  sanitizeOps,
  async fn() {
    const [, seen] = await through(
      "/rest/v1/devices?columns=%22slug%22,%22name%22&name=eq.%22a%22",
    );
    assert.equal(seen.path, "/devices?columns=slug,name&name=eq.%22a%22");
  },
});

Deno.test({
  name: "the key becomes the bearer token where there is none",
  sanitizeResources,
  sanitizeOps,
  async fn() {
    const [, alone] = await through("/rest/v1/devices", { headers: { apikey: "anon" } });
    assert.equal(alone.headers.authorization, "Bearer anon");
    const headers = { apikey: "anon", authorization: "Bearer user" };
    const [, both] = await through("/rest/v1/devices", { headers });
    assert.equal(both.headers.authorization, "Bearer user");
  },
});

Deno.test({
  name: "the client's address is appended to what it claims to be",
  sanitizeResources,
  sanitizeOps,
  async fn() {
    const [, honest] = await through("/rest/v1/devices");
    assert.equal(honest.headers["x-forwarded-for"], "127.0.0.1");
    const headers = { "x-forwarded-for": "192.0.2.7" };
    const [, forged] = await through("/rest/v1/devices", { headers });
    assert.equal(forged.headers["x-forwarded-for"], "192.0.2.7, 127.0.0.1");
  },
});

Deno.test({
  name: "bodies, statuses and headers pass in both directions",
  sanitizeResources,
  sanitizeOps,
  async fn() {
    const body = JSON.stringify({ messages: "ä".repeat(100_000) });
    const [response, seen] = await through("/rest/v1/rpc/ingest", { method: "POST", body });
    assert.equal(seen.body, body);
    assert.equal(seen.method, "POST");
    assert.equal(response.status, 206);
    assert.equal(response.headers.get("content-range"), "0-1/2");
    assert.equal(response.headers.get("access-control-allow-origin"), "*");
  },
});

Deno.test({
  name: "functions get the path and the headers as they were sent",
  sanitizeResources,
  sanitizeOps,
  async fn() {
    const functions = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
      const { pathname, search } = new URL(request.url);
      const { authorization = null, apikey } = Object.fromEntries(request.headers);
      return Response.json({ path: pathname + search, authorization, apikey }, { status: 202 });
    });
    const server = gateway(1, functions.addr.port);
    try {
      const address = `http://127.0.0.1:${await listening(
        server,
      )}/functions/v1/deliver-email?a=1+2`;
      const response = await fetch(address, { method: "POST", headers: { apikey: "anon" } });
      assert.equal(response.status, 202);
      assert.deepEqual(await response.json(), {
        path: "/functions/v1/deliver-email?a=1+2",
        authorization: null,
        apikey: "anon",
      });
    } finally {
      server.closeAllConnections();
      server.close();
      await functions.shutdown();
    }
  },
});

Deno.test({
  name: "what is not served, and a REST server that is away, are said in JSON",
  sanitizeResources,
  sanitizeOps,
  async fn() {
    const away = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const { port } = away.addr;
    away.close();
    const server = gateway(port);
    const address = `http://127.0.0.1:${await listening(server)}`;
    try {
      const elsewhere = await fetch(`${address}/rest/v2/devices`);
      assert.equal(elsewhere.status, 404);
      assert.equal((await elsewhere.json()).code, "gateway.no_route");
      const unreachable = await fetch(`${address}/rest/v1/devices`);
      assert.equal(unreachable.status, 502);
      assert.equal((await unreachable.json()).code, "gateway.rest_unreachable");
      const preflight = await fetch(`${address}/rest/v1/devices`, {
        method: "OPTIONS",
        headers: { "access-control-request-headers": "apikey" },
      });
      assert.equal(preflight.status, 204);
      assert.equal(preflight.headers.get("access-control-allow-headers"), "apikey");
      await preflight.body?.cancel();
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
});
