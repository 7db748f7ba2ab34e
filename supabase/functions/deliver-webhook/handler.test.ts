// Webhooks to real servers on this machine, through the function as a caller sees it.
import assert from "node:assert/strict";
import net from "node:net";
import { Webhook } from "npm:standardwebhooks@1.1.1";
import { DatabaseError } from "../_shared/database.ts";
import type { WebhookRequest } from "../_shared/delivery.ts";
import { AUTHORITY, CERTIFICATE, KEY } from "../_shared/testing/certificates.ts";
import { forgedToken, linesLogged } from "../_shared/testing/environment.ts";
import { type Draft, Outbox } from "../_shared/testing/outbox.ts";
import { agentOf, type Resolve } from "./connection.ts";
import { handle } from "./handler.ts";
import { sendWebhook } from "./sender.ts";

const SECRET = "whsec_" + btoa("a secret of thirty-two characters");
const KEYS = ["service-key"];
const signer = new Webhook(SECRET);
const NOT_CLAIMED = { tenant_id: "", id: "", lease: 0, attempt: 1, lease_expires_at: "" };

interface Choices {
  development?: string[];
  resolve?: Resolve;
  ca?: string;
  headers?: HeadersInit;
  body?: string;
  method?: string;
}

/** A webhook, signed as the database does it. */
function draft(url: string, more: Partial<WebhookRequest> = {}): Draft<WebhookRequest> {
  const body = JSON.stringify({ type: "crm.deal.won", data: { name: "Ännchen 😀" } });
  const at = new Date();
  return {
    url,
    body,
    endpoint_id: "endpoint-1",
    concurrency: 10,
    timeout_ms: 2_000,
    headers: {
      "content-type": "application/json",
      "user-agent": "Tenon/1",
      "webhook-id": "msg_1",
      "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
      "webhook-signature": signer.sign("msg_1", at, body),
    },
    ...more,
  };
}

/** Drains an outbox through the handler. */
async function deliver(outbox: Outbox<WebhookRequest>, choices: Choices = {}): Promise<Response> {
  const development = new Set(choices.development ?? ["127.0.0.1"]);
  const resolve = choices.resolve ?? (() => Promise.reject(new Error("nothing is to be resolved")));
  const dispatcher = agentOf({ resolve, development, ca: choices.ca });
  try {
    return await handle(
      new Request("http://functions/functions/v1/deliver-webhook", {
        method: choices.method ?? "POST",
        headers: choices.headers ?? { authorization: "Bearer service-key" },
        ...(choices.body === undefined ? {} : { body: choices.body }),
      }),
      {
        keys: KEYS,
        dispatcher,
        development,
        deliveries: () => outbox,
        limits: { concurrency: 16, batch: 20, lease_s: 60 },
      },
    );
  } finally {
    await dispatcher.destroy();
  }
}

/** The outcome of one webhook. */
async function outcomeOf(webhook: Draft<WebhookRequest>, choices: Choices = {}) {
  const outbox = new Outbox<WebhookRequest>();
  const [id] = outbox.add(webhook);
  await deliver(outbox, choices);
  return outbox.outcome(id);
}

/** A server that answers with these bytes, whatever it is asked. */
async function raw(
  serve: (socket: net.Socket) => void,
  test: (url: string) => Promise<void>,
): Promise<void> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    socket.once("data", () => serve(socket));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  try {
    await test(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}/hook`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((closed) => server.close(closed));
  }
}

async function answering(
  respond: (request: Request) => Response | Promise<Response>,
  test: (url: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, respond);
  try {
    await test(`http://127.0.0.1:${server.addr.port}/hook`);
  } finally {
    await server.shutdown();
  }
}

const loose = { sanitizeOps: false, sanitizeResources: false }; // sockets close when they are told

Deno.test({
  name: "a receiver that verifies by Standard Webhooks accepts what arrives, byte for byte",
  ...loose,
  async fn() {
    const received: unknown[] = [];
    await answering(async (request) => {
      const body = await request.text();
      received.push(signer.verify(body, Object.fromEntries(request.headers)));
      assert.equal(request.method, "POST");
      assert.equal(request.headers.get("content-type"), "application/json");
      assert.equal(request.headers.get("user-agent"), "Tenon/1");
      return new Response("thanks", { status: 202 });
    }, async (url) => {
      const outcome = await outcomeOf(draft(url));
      assert.equal(outcome.delivered, true, `${outcome.error}`);
      assert.equal(outcome.status_code, 202);
      assert.equal(outcome.response, "thanks");
      assert.ok(outcome.duration_ms! >= 0);
    });
    assert.deepEqual(received, [{ type: "crm.deal.won", data: { name: "Ännchen 😀" } }]);
  },
});

Deno.test({
  name: "only 2xx is success; Retry-After and the answer are told",
  ...loose,
  async fn() {
    for (const status of [200, 204, 299, 400, 404, 410, 429, 500, 503, 599]) {
      const answer = () =>
        new Response(status === 204 ? null : "text", { status, headers: { "retry-after": "7" } });
      await answering(answer, async (url) => {
        const outcome = await outcomeOf(draft(url));
        assert.equal(outcome.delivered, status < 300, String(status));
        assert.equal(outcome.status_code, status);
        assert.equal(outcome.retry_after_s, 7);
        assert.equal(outcome.phase, "response");
      });
    }
  },
});

Deno.test({
  name: "redirects are failures and are not followed",
  ...loose,
  async fn() {
    for (const status of [301, 302, 303, 307, 308]) {
      let visits = 0;
      await answering(() => {
        visits++;
        return new Response(null, { status, headers: { location: "/elsewhere" } });
      }, async (url) => {
        const outcome = await outcomeOf(draft(url));
        assert.equal(outcome.delivered, false);
        assert.equal(outcome.error_code, "redirect");
        assert.equal(outcome.status_code, status);
      });
      assert.equal(visits, 1);
    }
  },
});

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n";

Deno.test({
  name: "an endless answer is cut off after its first 4 KiB",
  ...loose,
  async fn() {
    let chunks = 0;
    await raw((socket) => {
      socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
      const chunk = `1000\r\n${"x".repeat(4_096)}\r\n`;
      const more = () => {
        while (!socket.destroyed && socket.write(chunk)) chunks++;
      };
      socket.on("drain", more);
      more();
    }, async (url) => {
      const outcome = await outcomeOf(draft(url));
      assert.equal(outcome.delivered, true);
      assert.equal(outcome.response, "x".repeat(4_096));
      assert.ok(chunks < 5_000, `${chunks} pieces of 4 KiB were taken`);
    });
  },
});

Deno.test({
  name: "an answer that drips is not waited for",
  ...loose,
  async fn() {
    let drip: ReturnType<typeof setInterval>;
    await raw((socket) => {
      socket.write(`${HEAD}content-length: 100000\r\n\r\nfirst`);
      drip = setInterval(() => socket.write("."), 200);
    }, async (url) => {
      const outcome = await outcomeOf(draft(url, { timeout_ms: 800 }));
      assert.equal(outcome.delivered, true);
      assert.ok(outcome.response!.startsWith("first"));
      assert.ok(outcome.response!.length < 50);
    });
    clearInterval(drip!);
  },
});

Deno.test({
  name: "packed answers are not unpacked",
  ...loose,
  async fn() {
    const bomb = new Blob([new Uint8Array(20_000_000)]).stream()
      .pipeThrough(new CompressionStream("gzip"));
    const packed = new Uint8Array(await new Response(bomb).arrayBuffer());
    await raw((socket) => {
      socket.write(`${HEAD}content-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n`);
      socket.write(packed);
    }, async (url) => {
      const outcome = await outcomeOf(draft(url));
      assert.equal(outcome.delivered, true);
      assert.ok(outcome.response!.length <= 4_096);
      assert.ok(!outcome.response!.includes("\0"));
    });
  },
});

Deno.test({
  name: "silence, cut connections and nonsense are failures of their own kind",
  ...loose,
  async fn() {
    const kinds: [string, (socket: net.Socket) => void][] = [
      ["timeout", () => {}],
      ["timeout", (socket) => void socket.write("HTTP/1.1 200 OK\r\nx-slow: ")],
      ["reset", (socket) => void socket.resetAndDestroy()],
      ["reset", (socket) => void socket.end()],
      ["protocol", (socket) => void socket.end("220 mail.example.com ESMTP\r\n\r\n")],
      ["too_large", (socket) => void socket.write(`${HEAD}x-long: ${"y".repeat(100_000)}\r\n\r\n`)],
    ];
    for (const [kind, serve] of kinds) {
      await raw(serve, async (url) => {
        const outcome = await outcomeOf(draft(url, { timeout_ms: 300 }));
        assert.equal(outcome.delivered, false);
        assert.equal(outcome.error_code, kind, `${outcome.error}`);
        assert.equal(outcome.status_code, undefined);
      });
    }
    const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const { port } = listener.addr;
    listener.close();
    const refused = await outcomeOf(draft(`http://127.0.0.1:${port}/`));
    assert.equal(refused.error_code, "refused", `${refused.error}`);
    assert.equal(refused.phase, "connect");
  },
});

Deno.test({
  name: "a name with any address that is not public is refused, and nothing is sent",
  ...loose,
  async fn() {
    let visits = 0;
    await answering(() => {
      visits++;
      return new Response();
    }, async (url) => {
      const { port } = new URL(url);
      const answers = [
        ["127.0.0.1"],
        ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"],
        ["2606:4700:4700::1111", "::1"],
        ["93.184.216.34", "fd00::1", "8.8.8.8"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["169.254.169.254"],
        ["not an address"],
      ];
      for (const addresses of answers) {
        const outcome = await outcomeOf(draft(`https://hooks.test:${port}/`), {
          resolve: () => Promise.resolve(addresses),
        });
        assert.equal(outcome.error_code, "address_refused", `${addresses}: ${outcome.error}`);
        assert.equal(outcome.delivered, false);
        assert.ok(!outcome.error!.includes("127.0.0.1"), "what a name leads to is not told");
      }
    });
    assert.equal(visits, 0);
  },
});

Deno.test({
  name: "the connection goes to the address that was checked: there is no second look-up",
  ...loose,
  async fn() {
    let visits = 0;
    await answering(() => {
      visits++;
      return new Response();
    }, async (url) => {
      const { port } = new URL(url);
      const answers = [["93.184.216.34"], ["127.0.0.1"]];
      let asked = 0;
      const outcome = await outcomeOf(draft(`https://rebinding.test:${port}/`), {
        resolve: () => Promise.resolve(answers[Math.min(asked++, 1)]),
      });
      // These tests may reach 127.0.0.1 only: Deno says where the connection would have gone.
      assert.equal(outcome.delivered, false);
      assert.ok(outcome.error!.includes(`93.184.216.34:${port}`), `${outcome.error}`);
      assert.equal(asked, 1);
    });
    assert.equal(visits, 0);
  },
});

Deno.test({
  name: "each new connection is checked again, a kept one stays where it was made to",
  ...loose,
  async fn() {
    let visits = 0;
    await answering(() => {
      visits++;
      return new Response("ok", { headers: visits === 3 ? { connection: "close" } : {} });
    }, async (url) => {
      const { port } = new URL(url);
      let asked = 0;
      const development = new Set([`hooks.test:${port}`]);
      const dispatcher = agentOf({
        development,
        resolve: () => Promise.resolve(asked++ === 0 ? ["127.0.0.1"] : []),
      });
      const outcomes = [];
      for (let times = 0; times < 4; times++) {
        const webhook = { ...draft(`http://hooks.test:${port}/`), ...NOT_CLAIMED };
        outcomes.push(await sendWebhook(webhook, { dispatcher, development }));
        await new Promise((resolve) => setTimeout(resolve, 20)); // the connection is free again
      }
      await dispatcher.destroy();
      assert.deepEqual(outcomes.map(({ delivered }) => delivered), [true, true, true, false]);
      assert.equal(outcomes[3].error_code, "dns");
      assert.equal(asked, 2);
    });
    assert.equal(visits, 3);
  },
});

async function overTls(test: (port: number) => Promise<void>): Promise<void> {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", cert: CERTIFICATE, key: KEY, onListen() {} },
    (request) => new Response(request.headers.get("host")),
  );
  try {
    await test(server.addr.port);
  } finally {
    await server.shutdown();
  }
}

Deno.test({
  name: "TLS is verified for the name, not for the address that it led to",
  ...loose,
  async fn() {
    await overTls(async (port) => {
      const choices = (host: string, ca: string | undefined): Choices => ({
        development: [host],
        resolve: () => Promise.resolve(["127.0.0.1"]),
        ca,
      });
      const right = await outcomeOf(
        draft(`https://hooks.test:${port}/`),
        choices("hooks.test", AUTHORITY),
      );
      assert.equal(right.delivered, true, `${right.error}`);
      assert.equal(right.response, `hooks.test:${port}`);
      const dotted = await outcomeOf(
        draft(`https://hooks.test.:${port}/`),
        choices("hooks.test", AUTHORITY),
      );
      assert.equal(dotted.delivered, true, `${dotted.error}`);
      for (
        const [host, ca] of [
          ["other.test", AUTHORITY],
          ["hooks.test", undefined],
          ["127.0.0.1", AUTHORITY],
        ] as const
      ) {
        const wrong = await outcomeOf(draft(`https://${host}:${port}/`), choices(host, ca));
        assert.equal(wrong.delivered, false, host);
        assert.equal(wrong.error_code, "tls", `${host}: ${wrong.error}`);
        assert.equal(wrong.phase, "tls");
      }
    });
  },
});

Deno.test({
  name: "headers that cannot be sent are a failure, not a second request",
  ...loose,
  async fn() {
    let visits = 0;
    await answering(() => {
      visits++;
      return new Response();
    }, async (url) => {
      for (
        const headers of [
          { "x-evil": "a\r\nx-injected: b" },
          { "x-evil\r\nx-injected": "b" },
          { "transfer-encoding": "chunked" },
        ] as Record<string, string>[]
      ) {
        const outcome = await outcomeOf(draft(url, { headers }));
        assert.equal(outcome.delivered, false);
        assert.equal(outcome.error_code, "request_refused", `${outcome.error}`);
      }
    });
    assert.equal(visits, 0);
  },
});

Deno.test({
  name: "a poison request does not keep the others, nor an endpoint that hangs",
  ...loose,
  async fn() {
    await answering((request) => {
      const hangs = new URL(request.url).pathname === "/hang";
      const late = () => new Promise<Response>((done) => setTimeout(done, 2_000, new Response()));
      return hangs ? late() : new Response();
    }, async (url) => {
      const outbox = new Outbox<WebhookRequest>();
      const hanging = Array.from({ length: 20 }, () =>
        draft(new URL("/hang", url).href, {
          endpoint_id: "hangs",
          concurrency: 4,
          timeout_ms: 300,
        }));
      outbox.add(draft("nonsense"), draft(url, { url: null as unknown as string }), ...hanging);
      outbox.add(...Array.from({ length: 200 }, () => draft(url)));
      const summary = await (await deliver(outbox)).json();
      assert.equal(summary.delivered, 200);
      assert.equal(summary.failed, 22);
    });
  },
});

Deno.test({
  name: "neither signature nor body nor the path of the URL is in errors or logs",
  ...loose,
  async fn() {
    const lines = await linesLogged(() =>
      raw((socket) => void socket.end("nonsense\r\n\r\n"), async (url) => {
        const webhook = draft(`${url}?token=path-s3cret-token`, {
          body: '{"token":"body-s3cret-token"}',
        });
        const outcome = await outcomeOf(webhook);
        const told = JSON.stringify(outcome);
        assert.ok(outcome.error);
        for (
          const secret of [
            "path-s3cret-token",
            "body-s3cret-token",
            webhook.headers["webhook-signature"],
          ]
        ) assert.ok(!told.includes(secret), told);
      })
    );
    assert.equal(lines, "");
  },
});

Deno.test("a drain is for the service role, and asked for by POST", async () => {
  const outbox = new Outbox<WebhookRequest>();
  outbox.add(draft("https://example.com/"));
  const refused: [Choices, number, string][] = [
    [{ headers: {} }, 401, "function.not_allowed"],
    [{ headers: { authorization: "Bearer wrong" } }, 401, "function.not_allowed"],
    [
      { headers: { authorization: `Bearer ${forgedToken({ role: "anon" })}` } },
      401,
      "function.not_allowed",
    ],
    [{ method: "GET" }, 405, "function.method_not_allowed"],
    [{ body: "{" }, 400, "function.body_invalid"],
    [{ body: '{"seconds": "1"}' }, 400, "function.body_invalid"],
    [{ body: '{"seconds": -1}' }, 400, "function.body_invalid"],
    [{ body: "x".repeat(20_000) }, 400, "function.body_invalid"],
  ];
  for (const [choices, status, code] of refused) {
    const response = await deliver(outbox, choices);
    assert.equal(response.status, status);
    assert.equal((await response.json()).code, code);
  }
  assert.deepEqual(outbox.claims, []);
});

Deno.test("a token that only says service_role is refused by the database, and so here", async () => {
  const outbox = new Outbox<WebhookRequest>();
  outbox.add(draft("https://example.com/"));
  outbox.before = () => {
    throw new DatabaseError(401, "PGRST301", "JWSError JWSInvalidSignature");
  };
  const token = forgedToken({ role: "service_role" });
  const response = await deliver(outbox, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.status, 401);
  assert.equal((await response.json()).code, "function.not_allowed");
  outbox.before = () => {
    throw new DatabaseError(503, "PGRST000", "no database");
  };
  const later = await deliver(outbox);
  assert.deepEqual([later.status, (await later.json()).code], [503, "PGRST000"]);
  assert.equal(outbox.count("queued"), 1);
});
