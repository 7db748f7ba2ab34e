// The development mail server: what is sent to it is seen on its page, and can do nothing there.
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { mailTo } from "../supabase/functions/_shared/testing/mail.ts";
import { smtpMailer } from "../supabase/functions/deliver-email/smtp.ts";
import { Mailbox, pageServer, smtpServer } from "./mailbox.mjs";

Deno.test({
  name: "a mail is listed and shown, without scripts and without the net",
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const mailbox = new Mailbox();
    const smtp = smtpServer(mailbox);
    const http = pageServer(mailbox);
    await new Promise<void>((listening) => smtp.listen(0, "127.0.0.1", listening));
    await new Promise<void>((listening) => http.listen(0, "127.0.0.1", listening));
    const address = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const mailer = smtpMailer({
      host: "127.0.0.1",
      port: (smtp.server.address() as AddressInfo).port,
      tls: "none",
      connections: 1,
      timeout_ms: 2_000,
    });
    try {
      const subject = "Hi <script>alert(1)</script>";
      const html = "<script>alert(2)</script><p>Hello</p>";
      const outcome = await mailer.send(mailTo("ann@example.com", { subject, html }));
      assert.equal(outcome.delivered, true, `${outcome.error}`);

      const [listed] = await (await fetch(`${address}/mails`)).json();
      assert.deepEqual(listed.to, ["ann@example.com"]);
      assert.equal(listed.message_id, "<6b1f@mail.example.com>");
      const page = await (await fetch(address)).text();
      assert.ok(page.includes("ann@example.com") && !page.includes("<script>"));
      assert.ok(page.includes("<iframe sandbox"));

      const mail = await (await fetch(`${address}/mails/${listed.id}`)).json();
      assert.equal(mail.subject, subject);
      assert.equal(mail.html.trim(), html);
      const shown = await fetch(`${address}/mails/${listed.id}/html`);
      assert.ok((await shown.text()).includes("<p>Hello</p>"));
      const policy = shown.headers.get("content-security-policy")!;
      assert.ok(policy.startsWith("sandbox; default-src 'none'"), policy);

      assert.equal((await fetch(`${address}/mails/${crypto.randomUUID()}`)).status, 404);
      assert.deepEqual(await (await fetch(`${address}/mails`, { method: "DELETE" })).json(), []);
      assert.equal((await (await fetch(`${address}/mails`)).json()).length, 0);
    } finally {
      mailer.close();
      http.closeAllConnections();
      http.close();
      smtp.close(() => {});
    }
  },
});
