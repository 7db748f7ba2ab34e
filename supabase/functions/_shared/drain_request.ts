/** What both functions that deliver have in common: a POST by the service role starts a drain. */
import { answer, refusal, textUpTo, wrongMethod } from "./answer.ts";
import { keyOfCaller } from "./caller.ts";
import { DatabaseError } from "./database.ts";
import type { Claimed, Deliveries } from "./delivery.ts";
import { drain, type Limits, type Work } from "./drain.ts";

/** pg_cron's next call finds a drain ending: a little less than a minute. */
const BUDGET_S = 50;
/** With a lease of 60 s after it, still within the 150 s that Supabase lets a request last. */
const BUDGET_MAX_S = 80;
const BODY_LIMIT_BYTES = 10_000;

export interface DrainDependencies<Claim extends Claimed> {
  /** Keys of the service role. */
  keys: string[];
  /** The deliveries, asked for with a caller's key. */
  deliveries(key: string): Deliveries<Claim>;
  limits: Omit<Limits, "budget_s">;
}

/** Answers with the summary of a drain; the body may be `{"seconds": 20}`. */
export async function answerByDrain<Claim extends Claimed>(
  request: Request,
  { keys, deliveries, limits }: DrainDependencies<Claim>,
  work: Omit<Work<Claim>, "deliveries">,
): Promise<Response> {
  const refused = wrongMethod(request, "POST");
  if (refused) return refused;
  const key = keyOfCaller(request, keys);
  if (!key) return notAllowed();
  const budget_s = budgetIn(await textUpTo(request, BODY_LIMIT_BYTES));
  if (budget_s === null) {
    return refusal(
      400,
      "function.body_invalid",
      'The body is empty, or JSON such as {"seconds": 20}.',
    );
  }
  try {
    return answer(
      200,
      await drain({ ...work, deliveries: deliveries(key) }, { ...limits, budget_s }),
    );
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    if (error.status === 401 || error.status === 403) return notAllowed();
    return refusal(
      error.passing ? 503 : 502,
      error.code,
      "The database gave nothing to deliver: its code says why.",
    );
  }
}

function notAllowed(): Response {
  return refusal(
    401,
    "function.not_allowed",
    "Deliveries are sent on behalf of the service role only.",
    { "www-authenticate": "Bearer" },
  );
}

/** How long new work is to be taken; null when the body says nothing that can be read. */
function budgetIn(body: string | null): number | null {
  if (body === null) return null;
  if (body.trim() === "") return BUDGET_S;
  try {
    const seconds = (JSON.parse(body) ?? {}).seconds ?? BUDGET_S;
    if (typeof seconds !== "number" || !(seconds > 0)) return null;
    return Math.min(seconds, BUDGET_MAX_S);
  } catch {
    return null;
  }
}
