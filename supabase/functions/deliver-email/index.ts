import { keysFrom } from "../_shared/caller.ts";
import { caller, deliveriesOf } from "../_shared/database.ts";
import type { EmailRequest } from "../_shared/delivery.ts";
import { handle } from "./handler.ts";
import { type Mailer, mailerFrom, MailerMissing } from "./mailer.ts";

/** The function with what Supabase, or scripts/functions.ts, puts into its environment. */
export function deliverEmail(
  environment: { get(name: string): string | undefined },
): (request: Request) => Promise<Response> {
  const mailer = mailerOrNull(environment);
  const worker = `deliver-email ${crypto.randomUUID()}`;
  const url = environment.get("SUPABASE_URL") ?? "";
  const keys = keysFrom(environment);
  return (request) =>
    handle(request, {
      keys,
      mailer,
      deliveries: (key) => deliveriesOf<EmailRequest>("email", worker, caller(url, key)),
      limits: { concurrency: 1, batch: 100, lease_s: 60 },
    });
}

function mailerOrNull(environment: { get(name: string): string | undefined }): Mailer | null {
  try {
    return mailerFrom(environment);
  } catch (error) {
    if (error instanceof MailerMissing) return null;
    throw error;
  }
}

if (import.meta.main) Deno.serve(deliverEmail(Deno.env));
