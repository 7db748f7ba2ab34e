/**
 * One attempt at a webhook: the request exactly as the database signed it, and what came of it.
 *
 * Standard Webhooks: only 2xx is success, and a redirect is not followed. An answer cannot occupy
 * the function: the first 4 KiB are kept, a little more is read so that the connection can be used
 * again, and the rest is cut off, however long it is or however slowly it comes. Nothing is
 * unpacked.
 */
import { type Dispatcher, errors, request } from "npm:undici@7.30.2";
import type { Outcome, WebhookRequest } from "../_shared/delivery.ts";
import { retryAfter } from "../_shared/retry_after.ts";
import { harmless, storable } from "../_shared/words.ts";
import { Refused, targetOf } from "./target.ts";

/** Standard Webhooks: 15 to 30 s. The lease has to hold for longer. */
export const TIMEOUT_MAX_MS = 30_000;
const KEPT_BYTES = 4_096;
const READ_BYTES = 65_536;
/** Once the status is known, its text is a courtesy. */
const BODY_TIMEOUT_MS = 3_000;

export interface Sender {
  dispatcher: Dispatcher;
  development: Set<string>;
  now?: () => Date;
}

export function timeoutOf({ timeout_ms }: { timeout_ms: number }): number {
  return timeout_ms > 0 ? Math.min(timeout_ms, TIMEOUT_MAX_MS) : TIMEOUT_MAX_MS;
}

/** Sends once. Whatever happens is an outcome. */
export async function sendWebhook(
  webhook: WebhookRequest,
  { dispatcher, development, now = () => new Date() }: Sender,
): Promise<Outcome> {
  const timeout = AbortSignal.timeout(timeoutOf(webhook));
  try {
    const { url } = targetOf(webhook.url, development);
    const { statusCode, headers, body } = await request(url, {
      dispatcher,
      method: "POST",
      headers: webhook.headers,
      body: webhook.body,
      signal: timeout,
    });
    const response = await beginningOf(body);
    return {
      ...judged(statusCode),
      status_code: statusCode,
      phase: "response",
      retry_after_s: retryAfter(oneOf(headers["retry-after"]), now()),
      response,
    };
  } catch (error) {
    return { delivered: false, ...failure(error, timeout.aborted, webhook) };
  }
}

function judged(status: number): Outcome {
  if (status >= 200 && status < 300) return { delivered: true };
  if (status >= 300 && status < 400) {
    return {
      delivered: false,
      error_code: "redirect",
      error: `the endpoint answered ${status}: redirects are not followed`,
    };
  }
  return { delivered: false, error: `the endpoint answered ${status}` };
}

/** The beginning of an answer. What follows the part that is read is not waited for. */
async function beginningOf(body: Dispatcher.ResponseData["body"]): Promise<string> {
  const kept = new Uint8Array(KEPT_BYTES);
  let length = 0, read = 0;
  const late = setTimeout(() => body.destroy(), BODY_TIMEOUT_MS);
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      const fits = chunk.subarray(0, KEPT_BYTES - length);
      kept.set(fits, length);
      length += fits.length;
      read += chunk.length;
      if (read > READ_BYTES) break; // ends the stream, and with it the connection
    }
  } catch {
    // The status is known; the text is what came of it.
  } finally {
    clearTimeout(late);
  }
  return storable(new TextDecoder().decode(kept.subarray(0, length)));
}

const oneOf = (header: string | string[] | undefined) => Array.isArray(header) ? header[0] : header;

/** The codes of sockets, resolvers and undici, in the words of outcomes. */
const CODES: Record<string, string> = {
  ENOTFOUND: "dns",
  ENODATA: "dns",
  EAI_AGAIN: "dns",
  EAI_NODATA: "dns",
  EAI_NONAME: "dns",
  EAI_TIMEOUT: "dns",
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ETIMEDOUT: "timeout",
  ECONNRESET: "reset",
  ECONNABORTED: "reset",
  EPIPE: "reset",
  UND_ERR_SOCKET: "reset",
  UND_ERR_CONNECT_TIMEOUT: "timeout",
  UND_ERR_HEADERS_OVERFLOW: "too_large",
  UND_ERR_INVALID_ARG: "request_refused",
};

function failure(
  error: unknown,
  timed_out: boolean,
  { url, headers, body }: WebhookRequest,
): Pick<Outcome, "error_code" | "error" | "phase"> {
  if (error instanceof Refused) {
    return { error_code: error.error_code, error: error.message, phase: "connect" };
  }
  if (timed_out) {
    return {
      error_code: "timeout",
      error: "the endpoint did not answer in time",
      phase: "response",
    };
  }
  const { code = "", phase, message = "", cause } = error as Error & {
    code?: string;
    phase?: "connect" | "tls";
  };
  const words = harmless(message || String(cause ?? error), [url], JSON.stringify(headers) + body);
  if (phase === "tls" && code !== "ETIMEDOUT") return { error_code: "tls", error: words, phase };
  const error_code = CODES[code] ??
    (error instanceof errors.HTTPParserError || code.startsWith("HPE_") ? "protocol" : "failed");
  const before = phase ?? (/^(dns|refused|unreachable)$/.test(error_code) ? "connect" : "response");
  return { error_code, error: words, phase: before };
}
