/**
 * Mail through Resend's HTTP API. Its status codes are told as they are: the phase `response` says
 * that they are those of HTTP.
 */
import type { EmailRequest, Outcome } from "../_shared/delivery.ts";
import { retryAfter } from "../_shared/retry_after.ts";
import { harmless } from "../_shared/words.ts";
import { faultOf, messageIdOf } from "./addresses.ts";
import type { Mailer } from "./mailer.ts";

export interface ResendSettings {
  key: string;
  url?: string;
  timeout_ms?: number;
}

const URL_OF_RESEND = "https://api.resend.com/emails";
const TIMEOUT_MS = 20_000;
/** Resend lets an account send a few requests a second; 429 says so, and they wait. */
const CONCURRENCY = 4;
const ANSWER_LIMIT = 16_384;

export function resendMailer({ key, url, timeout_ms = TIMEOUT_MS }: ResendSettings): Mailer {
  async function send(mail: EmailRequest): Promise<Outcome> {
    const fault = faultOf(mail);
    if (fault) return { delivered: false, ...fault };
    const signal = AbortSignal.timeout(timeout_ms);
    try {
      const response = await fetch(url ?? URL_OF_RESEND, {
        method: "POST",
        headers: {
          authorization: `Bearer ${key}`,
          "content-type": "application/json",
          "idempotency-key": mail.idempotency_key,
        },
        body: JSON.stringify(contentOf(mail)),
        redirect: "manual", // the key is for Resend alone
        signal,
      });
      const text = (await response.text()).slice(0, ANSWER_LIMIT);
      const { id, name, message } = objectIn(text);
      const facts = { phase: "response", status_code: response.status } as const;
      if (response.ok) return { delivered: true, ...facts, provider_message_id: id };
      const said = `Resend answered ${response.status} ${name ?? ""}: ${message ?? ""}`;
      return {
        delivered: false,
        ...facts,
        retry_after_s: retryAfter(response.headers.get("retry-after"), new Date()),
        error: harmless(said, [key], `${mail.text ?? ""}\n${mail.html ?? ""}`),
      };
    } catch (error) {
      const late = signal.aborted;
      return {
        delivered: false,
        // The request may have arrived; its key keeps it from being sent twice.
        phase: "response",
        error_code: late ? "timeout" : "unreachable",
        error: late ? "Resend did not answer in time" : harmless((error as Error).message, [key]),
      };
    }
  }
  return { send, timeout_ms, concurrency: CONCURRENCY, close() {} };
}

function contentOf(mail: EmailRequest) {
  const name = (mail.from.name ?? "").replace(/["\\]/g, "\\$&");
  return {
    from: name ? `"${name}" <${mail.from.address}>` : mail.from.address,
    to: [mail.to],
    ...(mail.reply_to ? { reply_to: mail.reply_to } : {}),
    subject: mail.subject,
    ...(mail.text ? { text: mail.text } : {}),
    ...(mail.html ? { html: mail.html } : {}),
    headers: { ...mail.headers, "Message-ID": messageIdOf(mail) },
  };
}

/** What Resend says of a mail or of an error (https://resend.com/docs/api-reference/errors). */
function objectIn(text: string): { id?: string; name?: string; message?: string } {
  try {
    const { id, name, message } = JSON.parse(text) ?? {};
    const texts = [id, name, message].map((part) => typeof part === "string" ? part : undefined);
    return { id: texts[0], name: texts[1], message: texts[2] };
  } catch {
    return {};
  }
}
