// Mail through Resend's API, to a server that answers as Resend does.
import assert from "node:assert/strict";
import { linesLogged } from "../_shared/testing/environment.ts";
import { mailTo } from "../_shared/testing/mail.ts";
import { resendMailer } from "./resend.ts";

const KEY = "re_s3cret_key";
const MAIL = mailTo("ann@example.com");

async function against(
  respond: (request: Request) => Response | Promise<Response>,
  test: (url: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, respond);
  try {
    await test(`http://127.0.0.1:${server.addr.port}/emails`);
  } finally {
    await server.shutdown();
  }
}

Deno.test("a mail is asked for once, under its idempotency key", async () => {
  await against(async (request) => {
    assert.equal(request.method, "POST");
    assert.equal(request.headers.get("authorization"), `Bearer ${KEY}`);
    assert.equal(request.headers.get("idempotency-key"), "6b1f");
    assert.deepEqual(await request.json(), {
      from: '"Ännchens, Inc." <no-reply@example.com>',
      to: ["ann@example.com"],
      reply_to: "help@example.com",
      subject: "Grüße 😀",
      text: "Hello\n.\nand good bye",
      html: "<p>Hello</p>",
      headers: {
        "List-Unsubscribe": "<https://example.com/u/1>",
        "Message-ID": "<6b1f@mail.example.com>",
      },
    });
    return Response.json({ id: "49a3999c" });
  }, async (url) => {
    assert.deepEqual(await resendMailer({ key: KEY, url }).send(MAIL), {
      delivered: true,
      status_code: 200,
      phase: "response",
      provider_message_id: "49a3999c",
    });
  });
});

Deno.test("refusals are told with their HTTP status, and are not followed elsewhere", async () => {
  const answers: [number, string][] = [
    [400, "validation_error"],
    [401, "missing_api_key"],
    [403, "invalid_api_key"],
    [409, "concurrent_idempotent_requests"],
    [422, "missing_required_field"],
    [429, "rate_limit_exceeded"],
    [500, "application_error"],
    [502, ""],
    [302, ""],
  ];
  for (const [status, name] of answers) {
    let visits = 0;
    const body = name ? JSON.stringify({ name, message: "no" }) : "<html>gateway</html>";
    const headers = { "retry-after": "11", location: "/elsewhere" };
    const answer = () => {
      visits++;
      return new Response(body, { status, headers });
    };
    await against(answer, async (url) => {
      const outcome = await resendMailer({ key: KEY, url }).send(MAIL);
      assert.deepEqual(
        [outcome.delivered, outcome.phase, outcome.status_code, outcome.retry_after_s],
        [false, "response", status, 11],
      );
      assert.ok(outcome.error!.startsWith(`Resend answered ${status} ${name}`), outcome.error!);
    });
    assert.equal(visits, 1);
  }
});

Deno.test({
  name: "silence and an address where nobody listens are failures that pass",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await against(
      () => new Promise((done) => setTimeout(done, 500, new Response())),
      async (url) => {
        const outcome = await resendMailer({ key: KEY, url, timeout_ms: 100 }).send(MAIL);
        assert.deepEqual([outcome.error_code, outcome.phase], ["timeout", "response"]);
      },
    );
    const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const url = `http://127.0.0.1:${listener.addr.port}/`;
    listener.close();
    const outcome = await resendMailer({ key: KEY, url }).send(MAIL);
    assert.deepEqual([outcome.error_code, outcome.phase], ["unreachable", "response"]);
  },
});

Deno.test("what Resend must not see is not sent, and the key is in no error or log", async () => {
  let visits = 0;
  const lines = await linesLogged(() =>
    against(async (request) => {
      visits++;
      const message = `${request.headers.get("authorization")} ${await request.text()}`;
      return Response.json({ name: "validation_error", message }, { status: 422 });
    }, async (url) => {
      const mailer = resendMailer({ key: KEY, url });
      const refused = await mailer.send({ ...MAIL, to: "a@example.com,b@example.com" });
      assert.equal(refused.status_code, 553);
      assert.equal(visits, 0);
      const told = JSON.stringify(
        await mailer.send({ ...MAIL, text: "code 481516 https://x.test/?t=tok3n" }),
      );
      for (const secret of [KEY, "481516", "tok3n", "ann@example.com"]) {
        assert.ok(!told.includes(secret), told);
      }
    })
  );
  assert.equal(lines, "");
});
