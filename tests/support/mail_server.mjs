// A mail server that behaves as badly as it is told to, and remembers what it took.
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { SMTPServer } from "smtp-server";

/**
 * What the server does to one attempt, and where: it waits, then answers with a code or cuts the
 * connection. `response` with `drop` takes the mail and cuts the connection before it says so.
 * @typedef {{ at: "recipient" | "data" | "text" | "response",
 *   does: "drop" | "delay" | { code: number, text: string }, delay_ms?: number }} Trick
 * @typedef {{ message_id: string, to: string, text: string, told: boolean, time: number }} Accepted
 *   told: the sender was given the 250
 */

const KINDNESS = () => null;

export class MailServer {
  /** Every mail that was taken, in their order. @type {Accepted[]} */
  accepted = [];
  /** How often each recipient was asked for. @type {Map<string, number>} */
  attempts = new Map();
  /** Sign-ins, as they were made. @type {{ username: string, password: string }[]} */
  sign_ins = [];
  connections = 0;
  senders = 0;
  port = 0;
  #server = null;
  #behaviour;
  #sockets = new Set();

  /**
   * @param {{ connection?: (number: number) => "drop" | { code: number, text: string } | null,
   *   sender?: (number: number) => "drop" | { code: number, text: string } | null,
   *   mail?: (to: string, attempt: number) => Trick | null }} [behaviour]
   *   to a connection and to a MAIL FROM, by their numbers, for nobody knows more by then; to an
   *   attempt, by the recipient and how often it was asked for
   */
  constructor(behaviour = {}) {
    this.behave(behaviour);
  }

  behave({ connection = KINDNESS, sender = KINDNESS, mail = KINDNESS }) {
    this.#behaviour = { connection, sender, mail };
  }

  /** Begins, or begins again, on the same port. */
  async start() {
    this.#server = new SMTPServer({
      name: "mx.example",
      disabledCommands: ["STARTTLS"],
      disableReverseLookup: true,
      allowInsecureAuth: true,
      authOptional: true,
      logger: false,
      maxClients: 1000,
      closeTimeout: 1,
      onAuth: ({ username, password }, _, done) => {
        this.sign_ins.push({ username, password });
        done(null, { user: username });
      },
      onConnect: (session, done) => {
        const trick = this.#behaviour.connection(++this.connections);
        if (trick === "drop") return this.#cut(session);
        done(trick && refusal(trick));
      },
      onMailFrom: (_, session, done) => {
        const trick = this.#behaviour.sender(++this.senders);
        if (trick === "drop") return this.#cut(session);
        done(trick && refusal(trick));
      },
      onRcptTo: ({ address }, session, done) => {
        const attempt = (this.attempts.get(address) ?? 0) + 1;
        this.attempts.set(address, attempt);
        session.trick = this.#behaviour.mail(address, attempt);
        this.#play(session, ["recipient"], done);
      },
      onData: (stream, session, done) => this.#receive(stream, session, done),
    });
    this.#server.on("error", () => {}); // of connections that were cut
    this.#server.server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    const listening = once(this.#server.server, "listening");
    this.#server.listen(this.port, "127.0.0.1");
    await listening;
    this.port = this.#server.server.address().port;
  }

  /** Ends at once, with whatever was under way. */
  async die() {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    const closed = new Promise((resolve) => server.server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** How often each message id was taken. @returns {Map<string, Accepted[]>} */
  byMessageId() {
    const groups = new Map();
    for (const mail of this.accepted) {
      groups.set(mail.message_id, [...(groups.get(mail.message_id) ?? []), mail]);
    }
    return groups;
  }

  #cut(session) {
    for (const connection of this.#server?.connections ?? []) {
      if (connection.session === session) connection._socket.destroy();
    }
  }

  /** Plays the trick of this attempt if its time has come; else goes on. */
  async #play(session, phases, done) {
    const { trick } = session;
    if (!trick || !phases.includes(trick.at)) return done();
    if (trick.delay_ms) await pause(trick.delay_ms);
    if (trick.does === "drop") return this.#cut(session);
    done(trick.does === "delay" ? null : refusal(trick.does));
  }

  async #receive(stream, session, done) {
    const { trick } = session;
    const server = this.#server;
    if (trick?.at === "text" && trick.does === "drop") {
      stream.once("data", () => this.#cut(session));
      return;
    }
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    try {
      await once(stream, "end");
    } catch {
      return; // cut off by the other side
    }
    await this.#play(session, ["data", "text"], (refused) => {
      if (refused) return done(refused);
      if (server !== this.#server) return; // died in the meantime
      const text = Buffer.concat(chunks).toString("latin1");
      const mail = {
        message_id: /^message-id:\s*(<[^>]*>)/im.exec(text)?.[1] ?? "",
        to: session.envelope.rcptTo[0].address,
        text,
        told: !(trick?.at === "response" && trick.does === "drop"),
        time: Date.now(),
      };
      this.onAccept?.(mail);
      if (server !== this.#server) return; // taken by a server that died: by nobody
      const answer = () => {
        if (server !== this.#server) return;
        this.accepted.push(mail);
        if (!mail.told) return this.#cut(session);
        done(null, `2.0.0 queued as ${this.accepted.length}`);
      };
      if (trick?.at === "response" && trick.delay_ms) setTimeout(answer, trick.delay_ms);
      else answer();
    });
  }
}

const refusal = ({ code, text }) => Object.assign(new Error(text), { responseCode: code });
