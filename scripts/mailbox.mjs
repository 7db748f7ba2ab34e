// The development mail server: takes every mail, sends none on, and shows them on a page.
//   MAIL_SMTP_PORT=… MAIL_HTTP_PORT=… node scripts/mailbox.mjs
//   GET /                the list, for people
//   GET /mails           the list as JSON, newest first
//   GET /mails/ID        one mail as JSON, with text and html
//   GET /mails/ID/html   what its HTML looks like
//   DELETE /mails        forgets all
// Mails are in memory only, the newest 500. A mail's HTML is shown in a frame without scripts, forms
// or the network.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { pathToFileURL } from "node:url";
import PostalMime from "postal-mime";
import { SMTPServer } from "smtp-server";

const KEPT = 500;
const SIZE_LIMIT_BYTES = 10 * 1024 * 1024;

const escaped = (text) =>
  String(text ?? "").replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const written = ({ name, address } = {}) => (name ? `${name} <${address}>` : address ?? "");

/** Mails as they come in, the newest first. */
export class Mailbox {
  mails = [];

  async keep(raw, envelope) {
    const mail = await PostalMime.parse(raw);
    this.mails.unshift({
      id: randomUUID(),
      at: new Date().toISOString(),
      message_id: mail.messageId ?? null,
      from: written(mail.from),
      to: envelope.rcptTo.map(({ address }) => address),
      subject: mail.subject ?? "",
      text: mail.text ?? null,
      html: mail.html ?? null,
      headers: Object.fromEntries(mail.headers.map(({ key, value }) => [key, value])),
    });
    this.mails.length = Math.min(this.mails.length, KEPT);
  }

  get(id) {
    return this.mails.find((mail) => mail.id === id);
  }
}

/** The SMTP side; not yet listening. */
export function smtpServer(mailbox) {
  return new SMTPServer({
    name: "tenon-mailbox",
    banner: "mails end here",
    size: SIZE_LIMIT_BYTES,
    disabledCommands: ["STARTTLS"],
    authOptional: true,
    onAuth: (auth, _, callback) => callback(null, { user: auth.username }),
    onData(stream, session, callback) {
      const chunks = [];
      stream.on("data", (chunk) => chunks.push(chunk));
      stream.on("end", () => {
        if (stream.sizeExceeded) {
          return callback(Object.assign(new Error("too large"), { responseCode: 552 }));
        }
        mailbox.keep(Buffer.concat(chunks), session.envelope).then(
          () => callback(null, "kept"),
          (error) => callback(Object.assign(error, { responseCode: 451 })),
        );
      });
    },
  });
}

const STYLE =
  `body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}
details{border-top:1px solid #ccc;padding:.5rem 0}summary{cursor:pointer}small{color:#666}
pre{white-space:pre-wrap;background:#f6f6f6;padding:1rem}iframe{width:100%;height:30rem;border:1px solid #ccc}`;

function page(mails) {
  const items = mails.map((mail) =>
    `<details><summary><b>${escaped(mail.subject)}</b> to ${escaped(mail.to.join(", "))}
<small>from ${escaped(mail.from)}, ${escaped(mail.at)}</small></summary>
${mail.html ? `<iframe sandbox loading="lazy" src="/mails/${mail.id}/html"></iframe>` : ""}
${mail.text ? `<pre>${escaped(mail.text)}</pre>` : ""}</details>`
  );
  return `<!doctype html><meta charset="utf-8"><title>Mails</title><style>${STYLE}</style>
<h1>Mails</h1><p>What Tenon has sent on this machine; none has left it. Reload for newer ones.</p>
${items.join("\n") || "<p>None yet.</p>"}`;
}

/** The page; not yet listening. */
export function pageServer(mailbox) {
  return createServer(({ method, url, headers }, response) => {
    const send = (status, type, body, policy = "default-src 'self'; style-src 'unsafe-inline'") =>
      response.writeHead(status, {
        "content-type": `${type}; charset=utf-8`,
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      }).end(body);
    const json = (status, value) => send(status, "application/json", JSON.stringify(value));
    const { pathname } = new URL(url, "http://mailbox");
    const [, id, html] = /^\/mails\/([0-9a-f-]{36})(\/html)?$/.exec(pathname) ?? [];
    // A page elsewhere must not read the mails by a name that it has pointed at this machine.
    if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? "")) return json(403, {});
    if (method === "DELETE" && pathname === "/mails") {
      mailbox.mails.length = 0;
      return json(200, []);
    }
    if (method !== "GET") return json(405, {});
    if (pathname === "/healthz") return send(200, "text/plain", "ok\n");
    if (pathname === "/") return send(200, "text/html", page(mailbox.mails));
    if (pathname === "/mails") {
      return json(200, mailbox.mails.map(({ text: _, html: __, ...mail }) => mail));
    }
    const mail = id && mailbox.get(id);
    if (!mail) return json(404, {});
    if (!html) return json(200, mail);
    const policy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";
    send(200, "text/html", mail.html ?? "", policy);
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const mailbox = new Mailbox();
  const smtp = smtpServer(mailbox);
  const http = pageServer(mailbox);
  smtp.on("error", (error) => console.error(error.message));
  smtp.listen(Number(process.env.MAIL_SMTP_PORT), "127.0.0.1");
  http.listen(Number(process.env.MAIL_HTTP_PORT), "127.0.0.1");
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
}
