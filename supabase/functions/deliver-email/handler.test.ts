// Mails from the queue to an SMTP server that misbehaves, through the function as a caller sees it.
import assert from "node:assert/strict";
import type { EmailRequest } from "../_shared/delivery.ts";
import { environment } from "../_shared/testing/environment.ts";
import { mailTo } from "../_shared/testing/mail.ts";
import { Outbox } from "../_shared/testing/outbox.ts";
import { MailServer } from "../_shared/testing/smtp.ts";
import { handle } from "./handler.ts";
import { type Mailer, mailerFrom, MailerMissing } from "./mailer.ts";
import { smtpMailer } from "./smtp.ts";

const loose = { sanitizeOps: false, sanitizeResources: false }; // kept connections end by themselves

function drained(
  outbox: Outbox<EmailRequest>,
  mailer: Mailer | null,
  token = "service-key",
): Promise<Response> {
  return handle(
    new Request("http://functions/functions/v1/deliver-email", {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
    }),
    {
      keys: ["service-key"],
      mailer,
      deliveries: () => outbox,
      limits: { concurrency: 1, batch: 25, lease_s: 60 },
    },
  );
}

/** Mails, each with an id of its own in the Message-ID. */
function queue(outbox: Outbox<EmailRequest>, count: number): Set<string> {
  const ids = Array.from({ length: count }, () => crypto.randomUUID());
  outbox.add(...ids.map((id, number) => {
    const { tenant_id: _, lease: __, attempt: ___, lease_expires_at: ____, ...mail } = mailTo(
      `reader-${number}@example.com`,
      { id, message_id: `${id}@example.com`, idempotency_key: id },
    );
    return mail;
  }));
  return new Set(ids.map((id) => `<${id}@example.com>`));
}

const mailerAt = (port: number) =>
  smtpMailer({ host: "127.0.0.1", port, tls: "none", connections: 5, timeout_ms: 2_000 });

/** What was put off is due again. */
function queueAgain(outbox: Outbox<EmailRequest>) {
  for (const row of outbox.rows.values()) if (row.status === "scheduled") row.status = "queued";
}

Deno.test({
  name: "all mails arrive, each once",
  ...loose,
  async fn() {
    const server = new MailServer();
    const mailer = mailerAt(await server.listen());
    const outbox = new Outbox<EmailRequest>();
    const ids = queue(outbox, 120);
    const summary = await (await drained(outbox, mailer)).json();
    assert.deepEqual(
      [summary.claimed, summary.delivered, summary.failed, summary.lease_lost, summary.unsent],
      [120, 120, 0, 0, 0],
    );
    assert.equal(server.received.length, 120);
    assert.deepEqual(new Set(server.received.map(({ mail }) => mail.messageId!)), ids);
    mailer.close();
    await server.close();
  },
});

Deno.test({
  name: "a server that refuses, delays, dies half-way and comes back gets each mail in the end",
  ...loose,
  async fn() {
    let heard = 0;
    const moods = () => {
      heard++;
      if (heard % 7 === 0) return Object.assign(new Error("4.3.0 later"), { responseCode: 451 });
      return null;
    };
    const options = {
      onRcptTo: (_: unknown, __: unknown, callback: (error?: Error | null) => void) => {
        setTimeout(() => callback(moods()), heard % 5 === 0 ? 20 : 0);
      },
    };
    const outbox = new Outbox<EmailRequest>();
    const ids = queue(outbox, 150);
    const first = new MailServer(options);
    const port = await first.listen();
    const mailer = mailerAt(port);
    const death = setInterval(() => {
      if (first.received.length < 50) return;
      clearInterval(death);
      first.close();
    }, 1);
    const broken = await (await drained(outbox, mailer)).json();
    assert.equal(broken.claimed, 150);
    assert.ok(broken.failed > 0 && broken.delivered >= 45, JSON.stringify(broken));
    const second = new MailServer(options);
    await second.listen(port);
    for (let times = 0; times < 20 && outbox.count("delivered") < 150; times++) {
      queueAgain(outbox);
      await drained(outbox, mailer);
    }
    mailer.close();
    await second.close();
    assert.equal(outbox.count("delivered"), 150);
    const arrived = Map.groupBy(
      [...first.received, ...second.received],
      ({ mail }) => mail.messageId!,
    );
    assert.deepEqual(new Set(arrived.keys()), ids);
    // Twice came only what was on its way when the server died, and under the same Message-ID.
    const twice = [...arrived.values()].filter((copies) => copies.length > 1);
    assert.ok(twice.length <= 5, `${twice.length} came twice`);
    assert.ok([...arrived.values()].every((copies) => copies.length <= 2));
  },
});

Deno.test({
  name: "a worker that is killed between sending and reporting repeats with the same Message-ID",
  ...loose,
  async fn() {
    let clock_ms = 0;
    const server = new MailServer();
    const mailer = mailerAt(await server.listen());
    const outbox = new Outbox<EmailRequest>(() => clock_ms);
    const ids = queue(outbox, 3);
    const [claimed] = await outbox.claim(1, 60);
    await mailer.send(claimed); // and then it is gone
    await drained(outbox, mailer);
    assert.equal(outbox.count("delivered"), 2);
    clock_ms += 61_000;
    await drained(outbox, mailer);
    assert.equal(outbox.count("delivered"), 3);
    const late = {
      tenant_id: "",
      id: claimed.id,
      lease: claimed.lease,
      outcome: { delivered: false },
    };
    assert.deepEqual(await outbox.finish([late]), [{ id: claimed.id, status: "lease_lost" }]);
    mailer.close();
    await server.close();
    const messageIds = server.received.map(({ mail }) => mail.messageId!);
    assert.equal(messageIds.length, 4);
    assert.deepEqual(new Set(messageIds), ids);
  },
});

Deno.test("without a way to send nothing is claimed", async () => {
  const outbox = new Outbox<EmailRequest>();
  queue(outbox, 1);
  const response = await drained(outbox, null);
  assert.equal(response.status, 503);
  assert.equal((await response.json()).code, "function.mailer_missing");
  assert.deepEqual(outbox.claims, []);
  assert.throws(() => mailerFrom(environment({})), MailerMissing);
  assert.equal(mailerFrom(environment({ RESEND_API_KEY: "re_1" })).concurrency, 4);
  const smtp = mailerFrom(environment({ SMTP_HOST: "mail.test", RESEND_API_KEY: "re_1" }));
  assert.equal(smtp.concurrency, 10);
  smtp.close();
});

Deno.test("anybody else is refused", async () => {
  const outbox = new Outbox<EmailRequest>();
  const response = await drained(outbox, mailerFrom(environment({ RESEND_API_KEY: "re_1" })), "x");
  assert.equal(response.status, 401);
  assert.deepEqual(outbox.claims, []);
});
