/** Whether a mail may leave at all: one plain address, and nothing that could break its headers. */
import type { EmailRequest, Outcome, Phase } from "../_shared/delivery.ts";

/** RFC 5321, 4.5.3.1. */
const LOCAL_LIMIT_BYTES = 64;
const DOMAIN_LIMIT_BYTES = 253;
/** Of a dot-atom: no quotes, comments, routes, spaces, or a second address. Unicode as in RFC 6532. */
const LOCAL = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const LABEL = /^[\p{L}\p{M}\p{N}]([\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?$/u;
const HEADER_NAME = /^[!-9;-~]{1,100}$/;
/** With or without its angle brackets. */
const MESSAGE_ID = /^<?([!-;=?-~]{1,150}@[A-Za-z0-9.-]{1,100})>?$/;
/** Headers that say who sends what to whom are made here, not passed. */
const OWN_HEADERS = new Set([
  "from",
  "sender",
  "to",
  "cc",
  "bcc",
  "reply-to",
  "subject",
  "date",
  "message-id",
  "mime-version",
  "content-type",
  "content-transfer-encoding",
  "return-path",
  "dkim-signature",
]);

const bytes = (text: string) => new TextEncoder().encode(text).length;

/** True for one address in the usual form, `name@example.com`. */
export function isAddress(address: unknown): address is string {
  if (typeof address !== "string") return false;
  const at = address.lastIndexOf("@");
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  return at > 0 && LOCAL.test(local) && bytes(local) <= LOCAL_LIMIT_BYTES &&
    bytes(domain) <= DOMAIN_LIMIT_BYTES && domain.includes(".") &&
    domain.split(".").every((label) => LABEL.test(label) && bytes(label) <= 63);
}

/** One line, of characters only. */
const isLine = (text: unknown) => typeof text === "string" && !/[\p{Cc}\u2028\u2029]/u.test(text);
const isText = (text: unknown) => text === undefined || text === null || typeof text === "string";

/** A mail's id as its header has it. */
export const messageIdOf = ({ message_id }: EmailRequest) => message_id.replace(MESSAGE_ID, "<$1>");

type Fault = Pick<Outcome, "phase" | "status_code" | "enhanced_code" | "error">;

/**
 * What is wrong with a mail, and where; null when it may be sent. It is told as the reply that a
 * server would give, because the same follows from it: the mail is not tried again.
 */
export function faultOf(mail: EmailRequest): Fault | null {
  const words = faultIn(mail);
  if (!words) return null;
  const [phase, error] = words;
  const status_code = phase === "data" ? 554 : 553;
  return { phase, status_code, error: `not sent: ${error}` };
}

function faultIn(mail: EmailRequest): [Phase, string] | null {
  if (!isAddress(mail.to)) return ["recipient", "the recipient is not one plain address"];
  if (!isAddress(mail.from?.address)) return ["sender", "the sender is not one plain address"];
  if (!isLine(mail.from.name ?? "")) return ["sender", "the sender's name is not one line"];
  if (mail.reply_to && !isAddress(mail.reply_to)) {
    return ["sender", "the address for replies is not one plain address"];
  }
  if (!MESSAGE_ID.test(mail.message_id)) return ["data", "the message id is none"];
  if (!isLine(mail.subject)) return ["data", "the subject is not one line"];
  if (!isText(mail.text) || !isText(mail.html) || !(mail.text || mail.html)) {
    return ["data", "there is no text"];
  }
  for (const [name, value] of Object.entries(mail.headers ?? {})) {
    if (!HEADER_NAME.test(name) || OWN_HEADERS.has(name.toLowerCase()) || !isLine(value)) {
      return ["data", "one of the headers is not allowed"];
    }
  }
  return null;
}
