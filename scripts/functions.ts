// Serves all Edge Functions in one process, and starts the drains: what Supabase's edge runtime,
// pg_cron and pg_net do there.
//   FUNCTIONS_PORT=… SUPABASE_URL=… SUPABASE_SERVICE_ROLE_KEY=… SUPABASE_ANON_KEY=… \
//     deno run --allow-net --allow-env scripts/functions.ts
// Each is at http://127.0.0.1:PORT/functions/v1/NAME. What else they read from the environment is
// in docs/guides/functions.md. FUNCTIONS_SCHEDULE=0 starts no drains.
import { deliverEmail } from "../supabase/functions/deliver-email/index.ts";
import { deliverWebhook } from "../supabase/functions/deliver-webhook/index.ts";
import { providerEvents } from "../supabase/functions/provider-events/index.ts";

const PREFIX = "/functions/v1/";
const EVERY_MS = 1_000;

type Served = (request: Request) => Promise<Response>;
type Functions = Record<string, Served>;

/** Answers as Supabase's gateway does: by the name after /functions/v1/. */
export function route(functions: Functions): (request: Request) => Promise<Response> {
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/healthz") return new Response("ok\n");
    const name = pathname.startsWith(PREFIX) ? pathname.slice(PREFIX.length).split("/")[0] : "";
    if (!Object.hasOwn(functions, name)) {
      const message = `there is no function at ${pathname}`;
      return Response.json({ code: "function.not_found", message }, { status: 404 });
    }
    try {
      return await functions[name](request);
    } catch (error) {
      console.error(`${name}:`, error);
      const message = "the function failed: its log says why";
      return Response.json({ code: "function.failed", message }, { status: 500 });
    }
  };
}

/** Calls a drain again and again, a second after each end; says when its answer changes. */
async function keepDraining(name: string, drain: Served, key: string, ended: AbortSignal) {
  let last = "";
  while (!ended.aborted) {
    const request = new Request(`http://functions${PREFIX}${name}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}` },
    });
    const response = await drain(request);
    const { code, claimed, ...summary } = await response.json();
    if (claimed > 0) console.log(`${name}:`, JSON.stringify({ claimed, ...summary }));
    const state = response.ok ? "works" : `answers ${response.status} ${code}`;
    if (state !== last) console.log(`${name} ${state}`);
    last = state;
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

if (import.meta.main) {
  const functions: Functions = {
    "deliver-email": deliverEmail(Deno.env),
    "deliver-webhook": deliverWebhook(Deno.env),
    "provider-events": providerEvents(Deno.env),
  };
  const served = route(functions);
  const port = Number(Deno.env.get("FUNCTIONS_PORT"));
  Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, served);
  const end = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      end.abort();
      Deno.exit(0);
    });
  }
  if (Deno.env.get("FUNCTIONS_SCHEDULE") !== "0") {
    const key = Deno.env.get("SUPABASE_SERVICE_ROLE_KEY") ?? "";
    for (const name of ["deliver-email", "deliver-webhook"]) {
      keepDraining(name, served, key, end.signal);
    }
  }
}
