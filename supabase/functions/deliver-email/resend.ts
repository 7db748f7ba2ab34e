/**
 * Mail through Resend's HTTP API.
 *
 * Its answers are told as the SMTP replies that mean the same, so that one decision serves both: in
 * HTTP 5xx passes and 4xx stays, in SMTP it is the other way round.
 */
import { answerOf } from "./resend_answer.ts";
import type { EmailRequest, Outcome } from "../_shared/delivery.ts";
import { retryAfter } from "../_shared/retry_after.ts";
import { harmless } from "../_shared/words.ts";
import { faultOf } from "./addresses.ts";
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
    if (fault) return { delivered: false, error_code: "mail_refused", ...fault };
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
      const { id, said, ...facts } = answerOf(response.status, text);
      const content = `${mail.text ?? ""}\n${mail.html ?? ""}`;
      return {
        ...facts,
        phase: facts.phase ?? "response",
        retry_after_s: retryAfter(response.headers.get("retry-after"), new Date()),
        ...(id ? { provider_message_id: id } : {}),
        ...(facts.delivered ? {} : { error: harmless(said, [key], content) }),
      };
    } catch (error) {
      const late = signal.aborted;
      return {
        delivered: false,
        // The request may have arrived; its key keeps it from being sent twice.
        phase: late ? "response" : "connect",
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
    headers: { ...mail.headers, "Message-ID": `<${mail.message_id}>` },
  };
}
