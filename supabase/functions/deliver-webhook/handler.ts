/** Sends the webhooks that are due: requests that the database has made, signed and handed out. */
import type { Dispatcher } from "npm:undici@7.30.2";
import type { WebhookRequest } from "../_shared/delivery.ts";
import { answerByDrain, type DrainDependencies } from "../_shared/drain_request.ts";
import { sendWebhook, timeoutOf } from "./sender.ts";

export interface Dependencies extends DrainDependencies<WebhookRequest> {
  dispatcher: Dispatcher;
  development: Set<string>;
}

export function handle(request: Request, dependencies: Dependencies): Promise<Response> {
  return answerByDrain<WebhookRequest>(request, dependencies, {
    send: (webhook) => sendWebhook(webhook, dependencies),
    timeout_ms: timeoutOf,
    lane: ({ endpoint_id, concurrency }) => ({
      key: endpoint_id,
      width: Math.max(concurrency ?? 1, 1),
    }),
  });
}
