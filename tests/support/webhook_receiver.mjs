// An endpoint that is not ours: verifies each request with the public library, and misbehaves as told.
import { once } from "node:events";
import { createServer } from "node:http";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

/**
 * @typedef {{ path: string, id: string, verified_by: string[], body: any, time: number,
 *   headers: Record<string, string> }} Received verified_by: the secrets that the signature fits
 * @typedef {(request: Received, response: import("node:http").ServerResponse, seen: number) =>
 *   void | Promise<void>} Behaviour seen: how often this path has had this webhook-id, this time included
 */

export class WebhookReceiver {
  /** Every request that came, verified or not. @type {Received[]} */
  requests = [];
  /** The most requests that each path had open at once. @type {Map<string, number>} */
  most_at_once = new Map();
  url = "";
  #server = createServer((request, response) => this.#take(request, response));
  #secrets = new Map();
  #behaviours = new Map();
  #open = new Map();

  async start(port = 0) {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  async end() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Under which secrets requests to a path may be signed. @param {string[]} secrets */
  trust(path, ...secrets) {
    this.#secrets.set(path, secrets);
  }

  /** @param {string} path @param {Behaviour | null} behaviour null: answers 204 */
  behave(path, behaviour) {
    this.#behaviours.set(path, behaviour);
  }

  /** What a path was sent. @returns {Received[]} */
  at(path) {
    return this.requests.filter((request) => request.path === path);
  }

  async #take(request, response) {
    const path = request.url;
    const open = (this.#open.get(path) ?? 0) + 1;
    this.#open.set(path, open);
    this.most_at_once.set(path, Math.max(this.most_at_once.get(path) ?? 0, open));
    let is_open = true;
    const close = () => {
      if (is_open) this.#open.set(path, this.#open.get(path) - 1);
      is_open = false;
    };
    response.on("finish", close).on("close", close);
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // cut off by the other side
    }
    const body = Buffer.concat(chunks).toString("utf8");
    const received = {
      path,
      id: request.headers["webhook-id"],
      verified_by: (this.#secrets.get(path) ?? []).filter((secret) =>
        verifies(secret, body, request.headers)
      ),
      body: parsed(body),
      time: Date.now(),
      headers: request.headers,
    };
    this.requests.push(received);
    const seen =
      this.requests.filter(({ path: other, id }) => other === path && id === received.id).length;
    const behaviour = this.#behaviours.get(path);
    if (!behaviour) return response.writeHead(204).end();
    response.on("error", () => {});
    await behaviour(received, response, seen);
  }
}

/** Answers with a status, and says no more. @type {(status: number, headers?: Record<string, string>) => Behaviour} */
export const answering = (status, headers = {}) => (_, response) =>
  response.writeHead(status, headers).end();

function verifies(secret, body, headers) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

function parsed(body) {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
