import type { WebhookRequest } from "../_shared/delivery.ts";
import { keysFrom } from "../_shared/caller.ts";
import { caller, deliveriesOf } from "../_shared/database.ts";
import { agentOf, systemResolve } from "./connection.ts";
import { handle } from "./handler.ts";
import { developmentHosts } from "./target.ts";

/** The function with what Supabase, or scripts/functions.ts, puts into its environment. */
export function deliverWebhook(
  environment: { get(name: string): string | undefined },
): (request: Request) => Promise<Response> {
  const development = developmentHosts(environment.get("TENON_DEVELOPMENT_HOSTS"));
  const dispatcher = agentOf({ resolve: systemResolve, development });
  const worker = `deliver-webhook ${crypto.randomUUID()}`;
  const url = environment.get("SUPABASE_URL") ?? "";
  const keys = keysFrom(environment);
  return (request) =>
    handle(request, {
      keys,
      dispatcher,
      development,
      deliveries: (key) => deliveriesOf<WebhookRequest>("webhook", worker, caller(url, key)),
      limits: {
        concurrency: Number(environment.get("TENON_WEBHOOK_CONCURRENCY")) || 64,
        batch: 100,
        lease_s: 60,
      },
    });
}

if (import.meta.main) Deno.serve(deliverWebhook(Deno.env));
