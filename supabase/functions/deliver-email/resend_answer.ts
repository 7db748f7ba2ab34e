/** Resend's answers as SMTP replies (https://resend.com/docs/api-reference/errors). */
import type { Outcome, Phase } from "../_shared/delivery.ts";

export interface ResendAnswer extends Outcome {
  /** Resend's id of the mail. */
  id?: string;
  /** What Resend said, for people. */
  said: string;
}

interface Reply {
  status_code: number;
  enhanced_code: string;
  phase: Phase;
}

const LATER: Reply = { status_code: 451, enhanced_code: "4.3.0", phase: "response" };
const TOO_MANY: Reply = { status_code: 451, enhanced_code: "4.7.0", phase: "response" };
const NO_ACCESS: Reply = { status_code: 535, enhanced_code: "5.7.8", phase: "auth" };
const SENDER: Reply = { status_code: 550, enhanced_code: "5.7.1", phase: "sender" };
const CONTENT: Reply = { status_code: 554, enhanced_code: "5.6.0", phase: "data" };

/** The reply that means what Resend's status and the name of its error mean. */
function replyTo(status: number, name: string): Reply {
  if (name === "concurrent_idempotent_requests") return LATER;
  if (status === 429) return TOO_MANY;
  if (status === 401 || /api_key/.test(name)) return NO_ACCESS;
  if (status === 403 || name === "invalid_from_address") return SENDER;
  if (status === 400 || status === 409 || status === 413 || status === 422) return CONTENT;
  return LATER; // 5xx, a gateway's error page, or a redirect: nobody has judged the mail
}

export function answerOf(status: number, text: string): ResendAnswer {
  const { id, name = "", message = "" } = objectIn(text);
  if (status >= 200 && status < 300) {
    return { delivered: true, status_code: 250, id: id || undefined, said: "" };
  }
  return {
    delivered: false,
    ...replyTo(status, name),
    said: `Resend answered ${status} ${name}: ${message}`,
  };
}

function objectIn(text: string): { id?: string; name?: string; message?: string } {
  try {
    const { id, name, message } = JSON.parse(text) ?? {};
    const texts = [id, name, message].map((part) => typeof part === "string" ? part : undefined);
    return { id: texts[0], name: texts[1], message: texts[2] };
  } catch {
    return {};
  }
}
