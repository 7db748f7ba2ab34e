/**
 * The deliveries of one channel in memory: keeps the contract of `v1.claim_deliveries` and
 * `v1.finish_deliveries` as far as workers can see it, leases and fencing above all.
 */
import type { Claimed, Deliveries, Finished, Outcome, Result } from "../delivery.ts";

interface Row<Claim extends Claimed> {
  request: Claim;
  status: "queued" | "sending" | "delivered" | "scheduled";
  lease: number;
  lease_ends: number;
  outcomes: Outcome[];
}

export const TENANT = "00000000-0000-4000-8000-0000000000aa";

/** What a test says of a request; the rest is given by the claim. */
export type Draft<Claim extends Claimed> =
  & Omit<Claim, keyof Claimed>
  & Partial<Pick<Claim, "id">>;

export class Outbox<Claim extends Claimed> implements Deliveries<Claim> {
  readonly rows = new Map<string, Row<Claim>>();
  /** The sizes of claims and reports, in their order. */
  readonly claims: number[] = [];
  readonly reports: number[] = [];
  /** Called before each claim or report: may wait, or throw what the database would. */
  before: (call: "claim" | "finish") => Promise<void> | void = () => {};

  constructor(readonly now: () => number = () => performance.now()) {}

  /** @returns the ids */
  add(...drafts: Draft<Claim>[]): string[] {
    return drafts.map((draft) => {
      const id = draft.id ?? crypto.randomUUID();
      const request = { ...draft, tenant_id: TENANT, id, lease: 0, attempt: 0 } as unknown as Claim;
      this.rows.set(id, { request, status: "queued", lease: 0, lease_ends: 0, outcomes: [] });
      return id;
    });
  }

  async claim(max_count: number, lease_s: number): Promise<Claim[]> {
    await this.before("claim");
    const free = this.rows.values().filter(({ status, lease_ends }) =>
      status === "queued" || (status === "sending" && lease_ends <= this.now())
    );
    const claimed = free.take(max_count).map((row) => {
      row.status = "sending";
      row.lease++;
      row.lease_ends = this.now() + lease_s * 1_000;
      return {
        ...row.request,
        lease: row.lease,
        attempt: row.outcomes.length + 1,
        lease_expires_at: new Date(Date.now() + lease_s * 1_000).toISOString(),
      };
    }).toArray();
    this.claims.push(claimed.length);
    return claimed;
  }

  async finish(results: Result[]): Promise<Finished[]> {
    await this.before("finish");
    this.reports.push(results.length);
    return results.map(({ id, lease, outcome }) => {
      const row = this.rows.get(id)!;
      if (row.status !== "sending" || row.lease !== lease) return { id, status: "lease_lost" };
      row.status = outcome.delivered ? "delivered" : "scheduled";
      row.outcomes.push(outcome);
      return { id, status: row.status };
    });
  }

  /** What the last attempt at a delivery came to. */
  outcome(id: string): Outcome {
    return this.rows.get(id)!.outcomes.at(-1)!;
  }

  count(status: Row<Claim>["status"]): number {
    return this.rows.values().filter((row) => row.status === status).toArray().length;
  }
}
