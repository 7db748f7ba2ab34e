/** Mail over SMTP, through nodemailer: connections are kept and each carries many mails. */
import type { Readable } from "node:stream";
import { createTransport } from "npm:nodemailer@10.6.0";
import type { EmailRequest, Outcome, Phase } from "../_shared/delivery.ts";
import { harmless } from "../_shared/words.ts";
import { faultOf, messageIdOf } from "./addresses.ts";
import type { Mailer } from "./mailer.ts";
import type { SmtpSettings } from "./smtp_settings.ts";

const MAILS_A_CONNECTION = 500;
const IDLE_MS = 20_000;
/** Only where not a byte of the mail was sent: the server had closed a connection that was kept. */
const REQUEUES = 1;

export function smtpMailer(settings: SmtpSettings): Mailer {
  const transport = createTransport({
    pool: true,
    host: settings.host,
    port: settings.port,
    secure: settings.tls === "implicit",
    requireTLS: settings.tls === "starttls",
    ignoreTLS: settings.tls === "none",
    ...(settings.user ? { auth: { user: settings.user, pass: settings.password ?? "" } } : {}),
    tls: {
      rejectUnauthorized: true,
      ...(settings.tls_name ? { servername: settings.tls_name } : {}),
      ...(settings.ca ? { ca: settings.ca } : {}),
    },
    name: "tenon.invalid", // RFC 5321 wants a name; the function's host has none to tell
    maxConnections: settings.connections,
    maxMessages: MAILS_A_CONNECTION,
    maxRequeues: REQUEUES,
    idleTimeout: IDLE_MS,
    connectionTimeout: settings.timeout_ms,
    greetingTimeout: settings.timeout_ms,
    socketTimeout: settings.timeout_ms,
    dnsTimeout: settings.timeout_ms,
    disableFileAccess: true,
    disableUrlAccess: true,
    logger: false,
  });
  const streams = new WeakMap<AbortSignal, Readable>();
  transport.use("stream", (mail, next) => {
    const { data: { signal }, message } = mail;
    const create = message.createReadStream.bind(message);
    message.createReadStream = (...options) => {
      const stream = create(...options);
      if (signal) streams.set(signal, stream);
      return stream;
    };
    next();
  });
  const secrets = [settings.password ?? "", `\0${settings.user ?? ""}\0${settings.password ?? ""}`];

  async function send(mail: EmailRequest): Promise<Outcome> {
    const fault = faultOf(mail);
    if (fault) return { delivered: false, ...fault };
    const signal = AbortSignal.timeout(settings.timeout_ms);
    try {
      const { response } = await transport.sendMail({ ...contentOf(mail), signal });
      return {
        delivered: true,
        phase: "data",
        status_code: Number(response.slice(0, 3)) || 250,
        enhanced_code: enhancedCode(response),
        provider_message_id: queueId(response),
      };
    } catch (error) {
      const content = `${mail.text ?? ""}\n${mail.html ?? ""}`;
      return {
        delivered: false,
        ...failure(error as SmtpError, streams.get(signal)),
        error: harmless((error as Error).message, secrets, content),
      };
    }
  }

  return {
    send,
    timeout_ms: settings.timeout_ms,
    concurrency: settings.connections, // more would wait for one, and their time run
    close: () => transport.close(),
  };
}

function contentOf(mail: EmailRequest) {
  return {
    envelope: { from: mail.from.address, to: [mail.to] },
    from: { name: mail.from.name ?? "", address: mail.from.address },
    to: { name: "", address: mail.to },
    ...(mail.reply_to ? { replyTo: { name: "", address: mail.reply_to } } : {}),
    subject: mail.subject,
    ...(mail.text ? { text: mail.text } : {}),
    ...(mail.html ? { html: mail.html } : {}),
    messageId: messageIdOf(mail),
    headers: mail.headers ?? {},
  };
}

interface SmtpError extends Error {
  code?: string;
  command?: string;
  responseCode?: number;
  response?: string;
}

const enhancedCode = (response: string | undefined) =>
  /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})\b/.exec(response ?? "")?.[1];

/** Most servers say under which name they have queued a mail. */
const queueId = (response: string) => /queued as <?([A-Za-z0-9.@_-]{1,100})/i.exec(response)?.[1];

/** nodemailer's error in the words of outcomes. */
function failure(
  error: SmtpError,
  text: Readable | undefined,
): Pick<Outcome, "phase" | "status_code" | "enhanced_code" | "error_code"> {
  // Once the mail's text leaves, the server may have it, whatever happens to the answer.
  const phase = text?.readableDidRead ? "data" : phaseOf(error);
  if (error.responseCode) {
    return {
      phase,
      status_code: error.responseCode,
      enhanced_code: enhancedCode(error.response),
    };
  }
  // The mail is longer than the server said that it takes, or nodemailer would not send it.
  if (error.code === "EMESSAGE" || error.code === "EENVELOPE") {
    return { phase: "data", status_code: /size/.test(error.message) ? 552 : 554 };
  }
  return { phase, error_code: codeOf(error) };
}

function phaseOf({ code, command = "", message }: SmtpError): Phase {
  if (code === "ETLS" || command === "STARTTLS" || aboutCertificate(message)) return "tls";
  if (code === "EAUTH" || code === "ENOAUTH" || command.startsWith("AUTH")) return "auth";
  if (command === "MAIL FROM") return "sender";
  if (command === "RCPT TO") return "recipient";
  if (command === "DATA") return "data";
  return "connect";
}

function codeOf(error: SmtpError): string {
  const { code = "", message } = error;
  if (code === "EDNS" || /ENOTFOUND|EAI_/.test(message)) return "dns";
  if (code === "ETIMEDOUT" || code === "EABORT") return "timeout";
  if (code === "ETLS" || aboutCertificate(message)) return "tls";
  if (/ECONNREFUSED|refused/i.test(message)) return "refused";
  if (/EHOSTUNREACH|ENETUNREACH|unreachable/i.test(message)) return "unreachable";
  if (code === "ECONNECTION" || code === "ESOCKET") return "reset";
  if (code === "EAUTH" || code === "ENOAUTH") return "auth";
  return code === "EPROTOCOL" ? "protocol" : "failed";
}

const aboutCertificate = (message: string) =>
  /certificate|self.signed|altname|UnknownIssuer|NotValidForName/i.test(message);
