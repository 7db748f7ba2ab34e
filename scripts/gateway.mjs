// The development gateway: gives a bare REST server the outside that Supabase's gateway has.
//   GATEWAY_PORT=… REST_PORT=… FUNCTIONS_PORT=… node scripts/gateway.mjs
// - /rest/v1/… goes to the REST server without the prefix;
// - /functions/v1/… goes to the functions as it is;
// - `apikey` becomes the Authorization header where there is none;
// - the quotes in `columns="a","b"`, which supabase-js sends, are removed: postrust takes none;
// - `+` for a space in a query, which supabase-js sends, becomes `%20`: postrust keeps it a plus;
// - the client's address is appended to `x-forwarded-for`;
// - answers to browsers carry CORS headers.
// Bodies stream through in both directions; nothing is kept.
import { Agent, createServer, request } from "node:http";
import { pathToFileURL } from "node:url";

const PREFIX = "/rest/v1";
const FUNCTIONS_PREFIX = "/functions/v1/";
const agent = new Agent({ keepAlive: true });

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS",
  "access-control-expose-headers": "content-range, content-location, location",
  "access-control-max-age": "3600",
};
// Headers that concern one connection, not the message (RFC 9110, 7.6.1).
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
];

const UPSTREAMS = { rest: "REST server", functions: "server of the functions" };

function answer(response, status, code, message) {
  if (response.headersSent) return response.destroy();
  response.writeHead(status, { ...CORS, "content-type": "application/json" });
  response.end(JSON.stringify({ code, message, details: null, hint: null }));
}

function upstreamPath(url) {
  const { pathname, search } = url;
  return (pathname.slice(PREFIX.length) || "/") +
    search.replaceAll("+", "%20").replace(
      /([?&]columns=)([^&]*)/,
      (_, name, list) => name + list.replace(/%22|"/g, ""),
    );
}

/** A key in `apikey` alone is for the REST server; functions are shown what the caller sent. */
function upstreamHeaders({ headers, socket }, isRest) {
  const sent = { ...headers };
  // The last entry is what this gateway saw; those before it are the client's word.
  sent["x-forwarded-for"] = [headers["x-forwarded-for"], socket.remoteAddress]
    .filter(Boolean).join(", ");
  // A body of unknown length keeps its chunked encoding: it is still to be framed somehow.
  for (const name of HOP_BY_HOP) if (name !== "transfer-encoding") delete sent[name];
  if (isRest && !sent.authorization && sent.apikey) sent.authorization = `Bearer ${sent.apikey}`;
  return sent;
}

function forward(incoming, response, port, path, name) {
  const upstream = request(
    {
      host: "127.0.0.1",
      port,
      agent,
      method: incoming.method,
      path,
      headers: upstreamHeaders(incoming, name === "rest"),
    },
    (reply) => {
      const headers = { ...reply.headers, ...CORS };
      for (const name of HOP_BY_HOP) delete headers[name];
      response.writeHead(reply.statusCode, headers);
      reply.on("error", () => response.destroy());
      reply.pipe(response);
    },
  );
  upstream.on(
    "error",
    (error) =>
      answer(
        response,
        502,
        `gateway.${name}_unreachable`,
        `the ${UPSTREAMS[name]} on port ${port} does not answer: ${error.message}`,
      ),
  );
  response.on("close", () => response.writableFinished || upstream.destroy());
  incoming.pipe(upstream);
}

/**
 * The gateway before the REST server and the functions on these ports of this machine; not yet
 * listening.
 */
export function gateway(restPort, functionsPort) {
  return createServer((incoming, response) => {
    const url = new URL(incoming.url, "http://gateway");
    if (incoming.method === "OPTIONS") {
      const asked = incoming.headers["access-control-request-headers"];
      response.writeHead(204, { ...CORS, "access-control-allow-headers": asked ?? "*" }).end();
    } else if (url.pathname === "/healthz") {
      response.writeHead(200, CORS).end("ok\n");
    } else if (url.pathname === PREFIX || url.pathname.startsWith(`${PREFIX}/`)) {
      forward(incoming, response, restPort, upstreamPath(url), "rest");
    } else if (functionsPort && url.pathname.startsWith(FUNCTIONS_PREFIX)) {
      forward(incoming, response, functionsPort, incoming.url, "functions");
    } else {
      const message =
        `nothing is served at ${url.pathname}: the API is below ${PREFIX}/, functions below ${FUNCTIONS_PREFIX}`;
      answer(response, 404, "gateway.no_route", message);
    }
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const server = gateway(Number(process.env.REST_PORT), Number(process.env.FUNCTIONS_PORT));
  server.listen(Number(process.env.GATEWAY_PORT), "127.0.0.1");
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.on(signal, () => {
      server.close(() => process.exit(0));
      server.closeAllConnections();
    });
  }
}
