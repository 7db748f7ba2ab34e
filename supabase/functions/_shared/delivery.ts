/**
 * What the database and the functions say to each other about deliveries: requests that it has made
 * ready to send, and what became of them. The functions tell facts; what follows from them (again
 * later, given up, an address suppressed) is decided in the database.
 */

/** A delivery that was handed out until its lease ends. */
export interface Claimed {
  tenant_id: string;
  id: string;
  /** The fencing number: whoever finishes with an older one has lost the delivery. */
  lease: number;
  attempt: number;
  lease_expires_at: string;
}

/** A mail, rendered. */
export interface EmailRequest extends Claimed {
  /** `<uuid@domain>`, the same at every attempt. */
  message_id: string;
  /** The same at every attempt, for providers that keep such keys. */
  idempotency_key: string;
  from: { name?: string | null; address: string };
  reply_to?: string | null;
  to: string;
  subject: string;
  text?: string | null;
  html?: string | null;
  headers?: Record<string, string> | null;
}

/** A webhook, signed: body and headers go out exactly as they are. */
export interface WebhookRequest extends Claimed {
  endpoint_id: string;
  /** How many requests the endpoint takes at once. */
  concurrency: number;
  timeout_ms: number;
  url: string;
  headers: Record<string, string>;
  body: string;
}

/**
 * How far an attempt came. From `data` on, the other side may have what was sent. For mail `response`
 * means that it went through a provider's HTTP API, and the status is one of HTTP.
 */
export type Phase = "connect" | "tls" | "auth" | "sender" | "recipient" | "data" | "response";

/** What happened at one attempt. */
export interface Outcome {
  delivered: boolean;
  /** Of SMTP for mail, of HTTP for webhooks. */
  status_code?: number;
  /** RFC 3463, such as 5.1.1. */
  enhanced_code?: string;
  phase?: Phase;
  /** timeout, dns, refused, reset, tls, address_refused, redirect, … : docs/guides/functions.md */
  error_code?: string;
  /** For people, without secrets, at most 1,000 characters. */
  error?: string;
  retry_after_s?: number;
  /** The first 4 KiB of an endpoint's answer. */
  response?: string;
  duration_ms?: number;
  provider_message_id?: string;
}

/** An outcome, and the lease under which it came about. */
export interface Result {
  tenant_id: string;
  id: string;
  lease: number;
  outcome: Outcome;
}

/** What the database made of a result; `lease_lost` when another worker has the delivery now. */
export interface Finished {
  id: string;
  status: string;
  next_attempt_at?: string | null;
}

/** The deliveries of one channel. */
export interface Deliveries<Claim extends Claimed> {
  /** Leases at most `max_count` deliveries for `lease_s` seconds. */
  claim(max_count: number, lease_s: number): Promise<Claim[]>;
  /** Reports what became of them. Tries again for as long as the database is merely out of reach. */
  finish(results: Result[]): Promise<Finished[]>;
}
