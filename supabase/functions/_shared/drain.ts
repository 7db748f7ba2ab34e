/**
 * Claims deliveries, sends them, reports what became of them, until none is left or the time is up.
 *
 * Three things go on at once: the next batch is claimed while one is sent, and what is done is
 * reported in batches. A request is not begun when its lease could end before its timeout: another
 * worker would send it too. What is left unsent in this way is claimed again after its lease.
 */
import type { Claimed, Deliveries, Outcome, Result } from "./delivery.ts";

/** Requests that may not all go at once, such as those to one endpoint. */
export interface Lane {
  key: string;
  width: number;
}

export interface Work<Claim extends Claimed> {
  deliveries: Deliveries<Claim>;
  /** Sends one request. `timeout_ms` after it was called, it has given up. */
  send(request: Claim): Promise<Outcome>;
  timeout_ms(request: Claim): number;
  lane?(request: Claim): Lane;
}

export interface Limits {
  /** How long new work is taken; what has been claimed by then is still sent. */
  budget_s: number;
  /** How many are sent at once. */
  concurrency: number;
  /** How many are claimed and reported at once. */
  batch: number;
  lease_s: number;
}

export interface Summary {
  claimed: number;
  delivered: number;
  failed: number;
  /** Sent, but another worker had taken the delivery in the meantime. */
  lease_lost: number;
  /** Claimed and not begun, because the lease would have ended too early. */
  unsent: number;
  /** Sent, but the database could not be told. */
  unreported: number;
  seconds: number;
  /** The code of the database's refusal that ended the drain early. */
  stopped_by?: string;
}

/** The time that a report may take before the lease ends. */
export const REPORT_MS = 5_000;
/** How long results are collected before they are reported: sends of one batch end together. */
const COLLECT_MS = 20;
/** How often the clock is looked at while nothing happens. */
const TICK_MS = 100;
/** When nothing more was there to claim but some are still being sent: how soon to look again. */
const LOOK_AGAIN_MS = 1_000;

interface Held<Claim> {
  request: Claim;
  begin_before: number;
}

/** Never throws for a delivery's sake; throws what the database says when nothing can be claimed. */
export async function drain<Claim extends Claimed>(
  work: Work<Claim>,
  limits: Limits,
  now: () => number = () => performance.now(),
): Promise<Summary> {
  const began = now();
  const summary: Summary = {
    claimed: 0,
    delivered: 0,
    failed: 0,
    lease_lost: 0,
    unsent: 0,
    unreported: 0,
    seconds: 0,
  };
  let waiting: Held<Claim>[] = [];
  let done: Result[] = [];
  let collected_since = 0;
  const lanes = new Map<string, number>();
  let sending = 0, reporting = 0, claiming = false;
  let look_again_at = -Infinity;
  let exhausted = false; // the last claim, begun when nothing was under way, found nothing
  let refusal: unknown;
  let wake = () => {};

  async function claim() {
    claiming = true;
    const at = now();
    const alone = sending + reporting + done.length + waiting.length === 0;
    try {
      const requests = await work.deliveries.claim(limits.batch, limits.lease_s);
      // The lease began after the call did, whatever the clocks of the two machines say.
      const lease_ends = at + limits.lease_s * 1_000;
      for (const request of requests) {
        const begin_before = lease_ends - REPORT_MS - work.timeout_ms(request);
        waiting.push({ request, begin_before });
      }
      summary.claimed += requests.length;
      exhausted = alone && requests.length === 0;
      if (requests.length < limits.batch) look_again_at = now() + LOOK_AGAIN_MS;
    } catch (error) {
      refusal = error;
    }
    claiming = false;
    wake();
  }

  async function send(request: Claim, lane: string | undefined) {
    sending++;
    if (lane !== undefined) lanes.set(lane, (lanes.get(lane) ?? 0) + 1);
    const at = performance.now();
    const outcome = await work.send(request).catch((): Outcome => ({
      delivered: false,
      error_code: "internal",
      error: "the function could not make the attempt",
    }));
    outcome.duration_ms = Math.round(performance.now() - at);
    sending--;
    if (lane !== undefined) {
      const left = lanes.get(lane)! - 1;
      if (left > 0) lanes.set(lane, left);
      else lanes.delete(lane);
    }
    if (done.length === 0) collected_since = now();
    done.push({ tenant_id: request.tenant_id, id: request.id, lease: request.lease, outcome });
    wake();
  }

  function sendWhatMayGo() {
    const kept: Held<Claim>[] = [];
    for (const held of waiting) {
      const lane = work.lane?.(held.request);
      if (now() > held.begin_before) summary.unsent++;
      else if (
        sending >= limits.concurrency || (lane && (lanes.get(lane.key) ?? 0) >= lane.width)
      ) {
        kept.push(held);
      } else send(held.request, lane?.key);
    }
    waiting = kept;
  }

  async function report() {
    const results = done;
    done = [];
    reporting++;
    try {
      const finished = await work.deliveries.finish(results);
      const status = new Map(finished.map(({ id, status }) => [id, status]));
      for (const { id, outcome } of results) {
        const known = status.get(id);
        if (known === undefined) summary.unreported++;
        else if (known === "lease_lost") summary.lease_lost++;
        else if (outcome.delivered) summary.delivered++;
        else summary.failed++;
      }
    } catch (error) {
      summary.unreported += results.length;
      refusal = error;
    }
    reporting--;
    look_again_at = -Infinity; // what waited for these, by order or at an endpoint, may be free now
    wake();
  }

  for (;;) {
    sendWhatMayGo();
    const in_time = now() - began < limits.budget_s * 1_000;
    const idle = sending === 0 && waiting.length === 0;
    // While one report is under way the next collects: many at once under load, few otherwise.
    const collected = reporting === 0 && now() >= collected_since + COLLECT_MS;
    if (done.length && (idle || collected || done.length >= limits.batch)) report();
    const others = sending > 0 || reporting > 0 || waiting.length > 0 || done.length > 0;
    if (
      !claiming && !refusal && !exhausted && in_time &&
      waiting.length <= limits.batch / 2 && (now() >= look_again_at || !others)
    ) claim();
    if (!claiming && !others && (exhausted || refusal || !in_time)) break;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, done.length && reporting === 0 ? COLLECT_MS : TICK_MS);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
  if (refusal && summary.claimed === 0) throw refusal;
  if (refusal) summary.stopped_by = (refusal as { code?: string }).code ?? "internal";
  summary.seconds = Math.round((now() - began) / 10) / 100;
  return summary;
}
