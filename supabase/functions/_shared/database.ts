/** The deliveries of a channel, through `v1.claim_deliveries` and `v1.finish_deliveries`. */
import { createClient } from "npm:@supabase/supabase-js@2.109.0";
import type { Claimed, Deliveries, Finished, Result } from "./delivery.ts";

/** The database refused a call, or could not be reached (`status` 0). */
export class DatabaseError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
    this.name = "DatabaseError";
  }

  /** The call was not refused: the same may succeed a moment later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 409 || this.status === 429 || this.status >= 500;
  }
}

/** Waits before the next try, in ms: a restart of Postgres takes some seconds. */
const CLAIM_WAITS_MS = [100, 400, 1_000];
/** What was sent and is not reported is sent again: worth waiting for, as long as leases last. */
const FINISH_WAITS_MS = [100, 400, 1_000, 2_000, 4_000, 8_000, 8_000];
const CALL_TIMEOUT_MS = 15_000;

export type Call = (name: string, values: Record<string, unknown>) => Promise<unknown>;

/** Calls functions of schema `v1` with a key, which the API behind `url` verifies. */
export function caller(url: string, key: string): Call {
  const client = createClient(url, key, {
    db: { schema: "v1" },
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  });
  return async (name, values) => {
    const { data, error, status } = await client.rpc(name, values)
      .abortSignal(AbortSignal.timeout(CALL_TIMEOUT_MS));
    if (!error) return data;
    throw new DatabaseError(status, error.code || "function.database_unreachable", error.message);
  };
}

/** Tries again while the failure is a passing one. */
export async function persistently<T>(call: () => Promise<T>, waits_ms: number[]): Promise<T> {
  for (const wait_ms of waits_ms) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof DatabaseError && error.passing)) throw error;
    }
    // Workers that lost the database together should not come back together.
    await new Promise((resolve) => setTimeout(resolve, wait_ms * (0.5 + Math.random())));
  }
  return await call();
}

/** The deliveries of `channel`, claimed in the name of `worker`, which is for people who look. */
export function deliveriesOf<Claim extends Claimed>(
  channel: "email" | "webhook",
  worker: string,
  call: Call,
): Deliveries<Claim> {
  return {
    claim: (max_count, lease_s) =>
      persistently(
        () => call("claim_deliveries", { channel, max_count, worker, lease_s }),
        CLAIM_WAITS_MS,
      ) as Promise<Claim[]>,
    finish: (results) => finishAll(call, results),
  };
}

/** A result that the database cannot take must not keep the others from being recorded. */
async function finishAll(call: Call, results: Result[]): Promise<Finished[]> {
  try {
    return await persistently(
      () => call("finish_deliveries", { results }),
      FINISH_WAITS_MS,
    ) as Finished[];
  } catch (error) {
    if (results.length < 2 || !(error instanceof DatabaseError) || error.passing) throw error;
    const half = results.length >> 1;
    const halves = await Promise.allSettled([
      finishAll(call, results.slice(0, half)),
      finishAll(call, results.slice(half)),
    ]);
    return halves.flatMap((done) => done.status === "fulfilled" ? done.value : []);
  }
}
