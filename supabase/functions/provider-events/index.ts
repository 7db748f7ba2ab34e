import { keysFrom } from "../_shared/caller.ts";
import { caller } from "../_shared/database.ts";
import { handle } from "./handler.ts";

/** The function with what Supabase, or scripts/functions.ts, puts into its environment. */
export function providerEvents(
  environment: { get(name: string): string | undefined },
): (request: Request) => Promise<Response> {
  const url = environment.get("SUPABASE_URL") ?? "";
  const call = caller(url, keysFrom(environment)[0] ?? "missing");
  return (request) => handle(request, { call });
}

if (import.meta.main) Deno.serve(providerEvents(Deno.env));
