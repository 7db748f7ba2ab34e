/**
 * Connections to endpoints, tied to the check of their addresses (ADR 0026).
 *
 * undici asks this for every connection that it needs. The name is looked up once; every address
 * found must be a public one; and the connection goes to one of these very addresses, as a number,
 * so that there is no second look-up whose answer could be another. The certificate is verified for
 * the name. A connection that is kept and used again stays where it was made to.
 */
import { lookup } from "node:dns/promises";
import net from "node:net";
import tls from "node:tls";
import { Agent, type buildConnector } from "npm:undici@7.30.2";
import { isPublic, sameAddress } from "./address.ts";
import { hostOf, portOf, Refused } from "./target.ts";

/** Looking up, connecting and TLS together. */
const CONNECT_TIMEOUT_MS = 10_000;
/** The time for one address while there are others. */
const ADDRESS_TIMEOUT_MS = 4_000;
/** More addresses of one name are not tried. */
const ADDRESSES_LIMIT = 4;
const KEEP_ALIVE_MS = 10_000;
const HEADERS_LIMIT_BYTES = 16_384;

/** All addresses of a name. */
export type Resolve = (host: string) => Promise<string[]>;

export interface ConnectionOptions {
  resolve: Resolve;
  development: Set<string>;
  /** Certificates to trust besides the usual ones: tests. */
  ca?: string;
}

export const systemResolve: Resolve = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

class StepError extends Error {
  constructor(readonly code: string, readonly phase: "connect" | "tls", message: string) {
    super(message);
    this.name = "StepError";
  }
}

/** An agent that reaches nothing but what was checked. */
export function agentOf(options: ConnectionOptions): Agent {
  const connect: buildConnector.connector = (wanted, callback) => {
    connected(wanted, options).then(
      (socket) => callback(null, socket),
      (error) => callback(error, null),
    );
  };
  return new Agent({
    connect,
    pipelining: 1, // a failure must concern one delivery alone
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: HEADERS_LIMIT_BYTES,
    headersTimeout: 0, // the sender's own clock runs over the whole attempt
    bodyTimeout: 0,
  });
}

async function connected(
  wanted: buildConnector.Options,
  options: ConnectionOptions,
): Promise<net.Socket> {
  const deadline = Date.now() + CONNECT_TIMEOUT_MS;
  const host = hostOf(wanted.hostname);
  const port = portOf(wanted);
  const addresses = await checkedAddresses(host, port, options);
  let failure: unknown;
  for (const [position, address] of addresses.entries()) {
    const others = position < addresses.length - 1;
    const left_ms = deadline - Date.now();
    if (left_ms <= 0) break;
    try {
      const socket = await dial(
        address,
        port,
        others ? Math.min(left_ms, ADDRESS_TIMEOUT_MS) : left_ms,
      );
      return wanted.protocol === "https:"
        ? await secured(socket, host, options.ca, deadline - Date.now())
        : socket;
    } catch (error) {
      failure = error;
    }
  }
  throw failure ?? new StepError("ETIMEDOUT", "connect", "connecting took too long");
}

/** The addresses behind a name, if every one of them may be reached. */
async function checkedAddresses(
  host: string,
  port: number,
  { resolve, development }: ConnectionOptions,
): Promise<string[]> {
  const found = net.isIP(host) ? [host] : await within(
    CONNECT_TIMEOUT_MS,
    resolve(host),
    () => new StepError("EAI_TIMEOUT", "connect", "looking up the name took too long"),
  );
  if (found.length === 0) {
    throw new StepError("ENOTFOUND", "connect", "the name has no address");
  }
  const free = development.has(host) || development.has(`${host}:${port}`);
  // One that is not public condemns the name: it is not for us to pick the harmless ones.
  if (!free && !found.every(isPublic)) {
    throw new Refused("address_refused", "the name leads to an address that is not a public one");
  }
  // IPv4 first: many hosts of functions have no route for IPv6.
  return found.toSorted((one, other) => net.isIP(one) - net.isIP(other)).slice(0, ADDRESSES_LIMIT);
}

/** A connection to an address; never to a name. */
function dial(address: string, port: number, timeout_ms: number): Promise<net.Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<net.Socket>();
  if (!net.isIP(address)) throw new Refused("address_refused", "the name leads to no address");
  const socket = net.connect({ host: address, port });
  socket.setNoDelay(true);
  socket.once("connect", () => {
    // Whatever the runtime does with connections: what was reached is what was checked.
    if (sameAddress(socket.remoteAddress, address)) return resolve(socket);
    reject(new Refused("address_refused", "the connection went elsewhere"));
  });
  socket.once("error", reject);
  return within(
    timeout_ms,
    promise,
    () => new StepError("ETIMEDOUT", "connect", "connecting took too long"),
  ).catch((error) => {
    socket.on("error", () => {});
    socket.destroy();
    throw error;
  });
}

/** TLS over a connection, with a certificate for `host`. */
function secured(
  socket: net.Socket,
  host: string,
  ca: string | undefined,
  timeout_ms: number,
): Promise<net.Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<net.Socket>();
  const encrypted = tls.connect({
    socket,
    host,
    servername: net.isIP(host) ? undefined : host,
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: true,
    ...(ca ? { ca } : {}),
  });
  encrypted.once("secureConnect", () => resolve(encrypted));
  encrypted.once(
    "error",
    (error: Error & { code?: string }) =>
      reject(new StepError(error.code ?? "ETLS", "tls", error.message)),
  );
  encrypted.once(
    "close",
    () => reject(new StepError("ECONNRESET", "tls", "the connection was closed during TLS")),
  );
  return within(
    timeout_ms,
    promise,
    () => new StepError("ETIMEDOUT", "tls", "TLS took too long"),
  ).catch((error) => {
    encrypted.on("error", () => {});
    encrypted.destroy();
    socket.destroy();
    throw error;
  });
}

/** The promise's value, or the error when it takes longer. */
async function within<T>(timeout_ms: number, promise: Promise<T>, late: () => Error): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.max(timeout_ms, 0));
  });
  try {
    return await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
  }
}
