// Mail over SMTP: to a server that keeps it, and to servers that fail in every way.
import assert from "node:assert/strict";
import type { SMTPServerOptions } from "npm:smtp-server@3.21.6";
import type { EmailRequest, Outcome } from "../_shared/delivery.ts";
import { AUTHORITY, CERTIFICATE, KEY } from "../_shared/testing/certificates.ts";
import { environment, linesLogged } from "../_shared/testing/environment.ts";
import { mailTo } from "../_shared/testing/mail.ts";
import { MailServer, scripted, type Step } from "../_shared/testing/smtp.ts";
import { isAddress } from "./addresses.ts";
import { smtpMailer } from "./smtp.ts";
import { type SmtpSettings, smtpSettings } from "./smtp_settings.ts";

const loose = { sanitizeOps: false, sanitizeResources: false }; // kept connections end by themselves

const settings = (port: number, more: Partial<SmtpSettings> = {}): SmtpSettings => ({
  host: "127.0.0.1",
  port,
  tls: "none",
  connections: 2,
  timeout_ms: 2_000,
  ...more,
});

async function sent(
  port: number,
  mail: EmailRequest = mailTo("ann@example.com"),
  more: Partial<SmtpSettings> = {},
): Promise<Outcome> {
  const mailer = smtpMailer(settings(port, more));
  try {
    return await mailer.send(mail);
  } finally {
    mailer.close();
  }
}

/** With a server of smtp-server's. */
async function withServer(
  options: SMTPServerOptions,
  test: (port: number, server: MailServer) => Promise<void>,
): Promise<void> {
  const server = new MailServer(options);
  const port = await server.listen();
  try {
    await test(port, server);
  } finally {
    await server.close();
  }
}

Deno.test({
  name: "a mail arrives as it was given, once, with its own Message-ID",
  ...loose,
  async fn() {
    await withServer({}, async (port, { received }) => {
      const outcome = await sent(port);
      assert.deepEqual(outcome, {
        delivered: true,
        phase: "data",
        status_code: 250,
        enhanced_code: "2.0.0",
        provider_message_id: "4F00BA2",
      });
      assert.equal(received.length, 1);
      const [{ from, to, mail }] = received;
      assert.equal(from, "no-reply@example.com");
      assert.deepEqual(to, ["ann@example.com"]);
      assert.equal(mail.messageId, "<6b1f@mail.example.com>");
      assert.deepEqual(mail.from, { name: "Ännchens, Inc.", address: "no-reply@example.com" });
      assert.equal(mail.to!.length, 1);
      assert.equal(mail.replyTo![0].address, "help@example.com");
      assert.equal(mail.subject, "Grüße 😀");
      assert.equal(mail.text!.trim(), "Hello\n.\nand good bye");
      assert.equal(mail.html!.trim(), "<p>Hello</p>");
      const list = mail.headers.find(({ key }) => key === "list-unsubscribe");
      assert.equal(list!.value, "<https://example.com/u/1>");
    });
  },
});

const reply = (code: number, text: string) =>
  Object.assign(new Error(text), { responseCode: code });

Deno.test({
  name: "a refusal tells its phase, status and enhanced code, at each phase",
  ...loose,
  async fn() {
    for (
      const [code, enhanced] of [[451, "4.3.0"], [421, "4.7.0"], [550, "5.7.1"]] as const
    ) {
      const no = reply(code, `${enhanced} no`);
      const phases: [Outcome["phase"], SMTPServerOptions][] = [
        ["sender", { onMailFrom: (_, __, callback) => callback(no) }],
        ["recipient", { onRcptTo: (_, __, callback) => callback(no) }],
        ["data", {
          onData(stream, _, callback) {
            stream.resume().on("end", () => callback(no));
          },
        }],
      ];
      for (const [phase, options] of phases) {
        await withServer(options, async (port) => {
          const outcome = await sent(port);
          const { delivered, status_code, enhanced_code } = outcome;
          // 421 ends the connection, of which it is told then.
          if (code === 421 && outcome.phase === "connect") outcome.phase = phase;
          assert.deepEqual(
            [delivered, outcome.phase, status_code, enhanced_code],
            [false, phase, code, enhanced],
            JSON.stringify(outcome),
          );
        });
      }
    }
    await withServer({
      onConnect: (_, callback) => callback(reply(554, "5.7.1 not you")),
    }, async (port) => {
      const outcome = await sent(port);
      assert.equal(outcome.status_code, 554);
      assert.equal(outcome.phase, "connect");
    });
    await scripted({ DATA: (socket) => socket.write("452 4.3.1 full\r\n") }, async (port) => {
      const outcome = await sent(port);
      assert.deepEqual([outcome.phase, outcome.status_code], ["data", 452]);
    });
  },
});

Deno.test({
  name: "after a refusal the connection serves the next mail",
  ...loose,
  async fn() {
    await scripted({
      RCPT: (socket, line) =>
        socket.write(line.includes("nobody") ? "550 5.1.1 unknown\r\n" : "250 Ok\r\n"),
    }, async (port, connections) => {
      const mailer = smtpMailer(settings(port, { connections: 1 }));
      const outcomes = [];
      for (const to of ["nobody@example.com", "ann@example.com", "bob@example.com"]) {
        outcomes.push((await mailer.send(mailTo(to))).delivered);
      }
      mailer.close();
      assert.deepEqual(outcomes, [false, true, true]);
      assert.equal(connections(), 1);
    });
  },
});

Deno.test({
  name: "a connection that is cut tells whether the mail's text had begun to leave",
  ...loose,
  async fn() {
    const cut: Step = (socket) => socket.destroy();
    const phases: [string, Outcome["phase"]][] = [
      ["<", "connect"],
      ["EHLO", "connect"],
      ["MAIL", "connect"],
      ["RCPT", "connect"],
      ["DATA", "connect"],
      ["+", "data"],
      [".", "data"],
    ];
    for (const [step, expected] of phases) {
      await scripted({ [step]: cut }, async (port) => {
        const outcome = await sent(port);
        assert.equal(outcome.delivered, false, step);
        assert.equal(outcome.error_code, "reset", `${step}: ${JSON.stringify(outcome)}`);
        assert.equal(outcome.phase, expected, step);
        assert.equal(outcome.status_code, undefined);
      });
    }
  },
});

Deno.test({
  name: "a server that keeps silent is given up in time, at each phase",
  ...loose,
  async fn() {
    for (const step of ["<", "EHLO", "MAIL", "RCPT", "DATA", "."]) {
      await scripted({ [step]: () => {} }, async (port) => {
        const outcome = await sent(port, undefined, { timeout_ms: 150 });
        assert.equal(outcome.delivered, false);
        assert.equal(outcome.error_code, "timeout", `${step}: ${JSON.stringify(outcome)}`);
        assert.equal(outcome.phase, step === "." ? "data" : "connect", step);
      });
    }
    const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
    const { port } = listener.addr;
    listener.close();
    const refused = await sent(port);
    assert.equal(refused.error_code, "refused", JSON.stringify(refused));
    assert.equal(refused.phase, "connect");
  },
});

Deno.test({
  name: "a kept connection that the server has closed costs no attempt",
  ...loose,
  async fn() {
    let mails = 0;
    await scripted({
      ".": (socket) => {
        mails++;
        socket.end("250 2.0.0 Ok\r\n");
      },
    }, async (port) => {
      const mailer = smtpMailer(settings(port, { connections: 1 }));
      const outcomes = [];
      for (let times = 0; times < 5; times++) {
        outcomes.push((await mailer.send(mailTo("ann@example.com"))).delivered);
      }
      mailer.close();
      assert.deepEqual(outcomes, [true, true, true, true, true]);
      assert.equal(mails, 5);
    });
  },
});

Deno.test({
  name: "signing in is a phase of its own",
  ...loose,
  async fn() {
    const options: SMTPServerOptions = {
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _, callback) =>
        password === "right"
          ? callback(null, { user: username })
          : callback(reply(535, "5.7.8 wrong")),
    };
    await withServer(options, async (port, { received }) => {
      const wrong = await sent(port, undefined, { user: "tenon", password: "wrong" });
      assert.deepEqual([wrong.phase, wrong.status_code], ["auth", 535], JSON.stringify(wrong));
      const right = await sent(port, undefined, { user: "tenon", password: "right" });
      assert.equal(right.delivered, true, `${right.error}`);
      assert.equal(received.length, 1);
    });
  },
});

Deno.test({
  name: "without TLS where it is asked for, neither password nor mail leaves",
  ...loose,
  async fn() {
    const heard: string[] = [];
    const hear: Step = (_, line) => void heard.push(line);
    await scripted({ MAIL: hear, AUTH: hear }, async (port) => {
      const outcome = await sent(port, undefined, {
        tls: "starttls",
        user: "tenon",
        password: "s3cret",
      });
      assert.equal(outcome.delivered, false);
      assert.equal(outcome.phase, "tls", JSON.stringify(outcome));
      assert.deepEqual(heard, []);
    });
    const options: SMTPServerOptions = { disabledCommands: [], cert: CERTIFICATE, key: KEY };
    await withServer(options, async (port, { received }) => {
      const tls = { tls: "starttls", tls_name: "mail.test", ca: AUTHORITY } as const;
      const right = await sent(port, undefined, tls);
      assert.equal(right.delivered, true, `${right.error}`);
      const otherName = await sent(port, undefined, { ...tls, tls_name: "other.test" });
      assert.equal(otherName.phase, "tls", JSON.stringify(otherName));
      const unknown = await sent(port, undefined, { ...tls, ca: undefined });
      assert.equal(unknown.phase, "tls", JSON.stringify(unknown));
      assert.equal(received.length, 1);
    });
    await withServer({ ...options, secure: true }, async (port) => {
      const implicit = await sent(port, undefined, {
        tls: "implicit",
        tls_name: "mail.test",
        ca: AUTHORITY,
      });
      assert.equal(implicit.delivered, true, `${implicit.error}`);
    });
  },
});

Deno.test("only one plain address is one", () => {
  for (
    const address of [
      "a@example.com",
      "ann.smith+tag@mail.example.co.uk",
      "o'neill@example.com",
      "ann@bücher.example",
      "änn@example.com",
    ]
  ) assert.ok(isAddress(address), address);
  for (
    const address of [
      "",
      "ann",
      "@example.com",
      "ann@",
      "ann@localhost",
      "ann@example..com",
      "ann@-example.com",
      "ann@[127.0.0.1]",
      "ann@example.com, bob@example.com",
      "ann@example.com;bob@example.com",
      "ann@example.com bob@example.com",
      "Ann <ann@example.com>",
      "<ann@example.com>",
      '"ann"@example.com',
      "ann(comment)@example.com",
      "a:b@example.com",
      "ann@example.com\r\nBcc: bob@example.com",
      "ann@example.com\n",
      "ann\r\nbob@example.com",
      "ann bob@example.com",
      "ann,bob@example.com",
      "ann\0@example.com",
      "ann@exa\u2028mple.com",
      ".ann@example.com",
      "a..b@example.com",
      `${"a".repeat(65)}@example.com`,
      `ann@${"a".repeat(64)}.com`,
      "@a@b.com,c@d.com",
      "ann@b@example.com",
      null,
      ["ann@example.com"],
      { address: "ann@example.com" },
    ]
  ) assert.ok(!isAddress(address), JSON.stringify(address));
});

Deno.test({
  name: "what could smuggle headers or recipients is refused before anything is sent",
  ...loose,
  async fn() {
    await withServer({}, async (port, { received }) => {
      const refused: [Partial<EmailRequest>, Outcome["phase"]][] = [
        [{ to: "ann@example.com\r\nRCPT TO:<bob@example.com>" }, "recipient"],
        [{ to: "ann@example.com,bob@example.com" }, "recipient"],
        [{ from: { name: "A\r\nBcc: b@example.com", address: "a@example.com" } }, "sender"],
        [{ from: { name: "A", address: "a@example.com>\r\nDATA" } }, "sender"],
        [{ reply_to: "a@example.com\nBcc: b@example.com" }, "sender"],
        [{ subject: "Hi\r\nBcc: b@example.com" }, "data"],
        [{ message_id: "a@b\r\nBcc: b@example.com" }, "data"],
        [{ headers: { "X-A": "1\r\nBcc: b@example.com" } }, "data"],
        [{ headers: { "X-A\r\nBcc": "b@example.com" } }, "data"],
        [{ headers: { Bcc: "b@example.com" } }, "data"],
        [{ headers: { "Reply-To": "b@example.com" } }, "data"],
        [{ text: null, html: null }, "data"],
        [{ text: { path: "/etc/passwd" } as unknown as string }, "data"],
        [{ html: { href: "http://127.0.0.1/" } as unknown as string }, "data"],
      ];
      for (const [more, phase] of refused) {
        const outcome = await sent(port, mailTo("ann@example.com", more));
        assert.equal(outcome.status_code, phase === "data" ? 554 : 553, JSON.stringify(more));
        assert.equal(outcome.delivered, false);
        assert.equal(outcome.phase, phase, JSON.stringify(more));
      }
      assert.deepEqual(received, []);
    });
  },
});

Deno.test({
  name: "neither password nor codes of the mail are in errors or logs",
  ...loose,
  async fn() {
    const password = "pass-w0rd-s3cret";
    const token = "tok3nToSignInWith";
    const parrot: Step = (socket, line) => {
      const credentials = atob(line.split(" ")[2] ?? "");
      socket.write(`535 5.7.8 ${line} ${credentials.replaceAll("\0", " ")} ${password}\r\n`);
    };
    let outcome: Outcome | undefined;
    const lines = await linesLogged(() =>
      scripted({
        EHLO: (socket) => socket.write("250-mail.test\r\n250 AUTH PLAIN\r\n"),
        AUTH: parrot,
      }, async (port) => {
        outcome = await sent(port, undefined, { user: "tenon", password });
        assert.equal(outcome.phase, "auth", JSON.stringify(outcome));
        assert.ok(outcome.error);
      })
    );
    const plain = btoa(`\0tenon\0${password}`);
    for (const secret of [password, btoa(password), plain]) {
      assert.ok(!(JSON.stringify(outcome) + lines).includes(secret), JSON.stringify(outcome));
    }
    await scripted({
      ".": (socket) =>
        socket.write(`554 5.7.1 <ann@example.com> spam: https://x.test/?t=${token} 481516\r\n`),
    }, async (port) => {
      const text = `https://x.test/?t=${token} or the code 481516`;
      const told = JSON.stringify(await sent(port, mailTo("ann@example.com", { text })));
      for (const secret of [token, "481516", "ann@example.com"]) {
        assert.ok(!told.includes(secret), told);
      }
      assert.ok(told.includes("spam"), told);
    });
    assert.equal(lines, "");
  },
});

Deno.test("settings come from a URL or from parts, and TLS is the default", () => {
  const of = (variables: Record<string, string>) => smtpSettings(environment(variables));
  assert.equal(of({}), null);
  const url = of({ SMTP_URL: "smtp://us%40er:p%3Aw%2F@mail.example.com:2525" })!;
  assert.deepEqual(
    [url.host, url.port, url.user, url.password, url.tls],
    ["mail.example.com", 2525, "us@er", "p:w/", "starttls"],
  );
  const tls = of({ SMTP_URL: "smtps://mail.example.com" })!;
  assert.deepEqual([tls.port, tls.tls, tls.user], [465, "implicit", undefined]);
  const parts = of({ SMTP_HOST: "h", SMTP_USER: "u", SMTP_PASSWORD: "p", SMTP_TLS: "none" })!;
  assert.deepEqual([parts.port, parts.tls, parts.user, parts.password], [587, "none", "u", "p"]);
  assert.equal(of({ SMTP_HOST: "h", SMTP_PORT: "465" })!.tls, "implicit");
  for (
    const wrong of [
      { SMTP_URL: "http://:s3cret@mail.example.com" },
      { SMTP_URL: "s3cret" },
      { SMTP_URL: "smtp://u:%s3cret@h" },
      { SMTP_HOST: "h", SMTP_TLS: "perhaps" },
    ] as Record<string, string>[]
  ) {
    assert.throws(() => of(wrong), (error: Error) => {
      assert.equal(error.name, "SettingInvalid");
      assert.ok(!error.message.includes("s3cret"), error.message);
      return true;
    });
  }
});
