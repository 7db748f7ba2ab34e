// The outbox as its owner sees it, and a worker that takes from it by a clock of its own.
import { createTransport } from "nodemailer";
import pg from "pg";
import { until } from "./process.mjs";

/** A kind of mail that is there for everybody, and what its template is filled with. */
export const TEMPLATE = "crm.task_due";

export class Outbox {
  #stack;
  #client = null;
  #sample = null;

  /** @param {import("./stack.mjs").Stack} stack */
  constructor(stack) {
    this.#stack = stack;
  }

  /** Rows of a statement, as the owner of the schema; a connection that was lost is made anew. */
  async query(text, values = []) {
    if (!this.#client) {
      const client = new pg.Client({ connectionString: this.#stack.env.DB_URL });
      client.on("error", () => (this.#client = null));
      await client.connect();
      this.#client = client;
    }
    return (await this.#client.query(text, values)).rows;
  }

  async end() {
    await this.#client?.end();
    this.#client = null;
  }

  /**
   * Enqueues mails to number@domain, in one transaction.
   * @returns {Promise<string[]>} their ids, in their order
   */
  async enqueueMails(tenant_id, domain, count, { data = {}, ...options } = {}) {
    this.#sample ??= (await this.query(
      `select core.template_sample(variables) as data from core.template_kinds where template = $1`,
      [TEMPLATE],
    ))[0].data;
    const rows = await this.query(
      `select core.enqueue_delivery(
         $1, 'email', number || '@' || $2, $3, $4::jsonb || jsonb_build_object('title', 'mail ' || number),
         ordering_key => $6, send_at => $7
       ) as id
       from generate_series(1, $5::integer) as number order by number`,
      [
        tenant_id,
        domain,
        TEMPLATE,
        JSON.stringify({ ...this.#sample, ...data }),
        count,
        options.ordering_key ?? null,
        options.send_at ?? null,
      ],
    );
    return rows.map(({ id }) => id);
  }

  /** The deliveries with these ids, their attempts with them. */
  async deliveries(ids) {
    return await this.query(
      `select deliveries.id, recipient, status, held_for, deliveries.attempts, last_error,
         next_attempt_at, data,
         array(
           select to_jsonb(made) from core.delivery_attempts as made
           where made.tenant_id = deliveries.tenant_id and made.delivery_id = deliveries.id
           order by number
         ) as made
       from core.deliveries where id = any($1) order by position`,
      [ids],
    );
  }

  /** How many messages each queue holds. */
  async waiting(channel) {
    const [{ count }] = await this.query(
      `select count(*)::integer as count from pgmq.q_tenon_${channel}`,
    );
    return count;
  }

  /** Lets leases run out, and the time of whatever is scheduled come. */
  async letTimePass(channel) {
    await this.query(
      `update core.deliveries set lease_expires_at = clock_timestamp() - interval '1 s'
       where status = 'sending' and channel = $1`,
      [channel],
    );
    await this.query(
      `update core.deliveries set next_attempt_at = clock_timestamp()
       where status = 'scheduled' and channel = $1`,
      [channel],
    );
    await this.query(`update pgmq.q_tenon_${channel} set vt = clock_timestamp()`);
  }

  /** Drains with a function, time passing between the drains, until none of these is under way. */
  async drainToTheEnd(functions, channel, ids) {
    const rounds_max = 30;
    for (let round = 0; round < rounds_max; round++) {
      await until(`${channel} is drained`, () => functions.drain(channel));
      const [{ open }] = await this.query(
        `select count(*)::integer as open from core.deliveries
         where id = any($1) and finished_at is null`,
        [ids],
      );
      if (open === 0) return;
      await this.letTimePass(channel);
    }
    throw new Error(`after ${rounds_max} drains deliveries are still open`);
  }
}

/** Where nodemailer says that it failed. */
function factsOf(error, reached) {
  const phase = reached ??
    { "MAIL FROM": "sender", "RCPT TO": "recipient", DATA: "data" }[error.command] ?? "connect";
  return {
    delivered: false,
    phase,
    ...(error.responseCode
      ? {
        status_code: error.responseCode,
        enhanced_code: /^\d{3}[ -]([245]\.\d+\.\d+)/.exec(error.response ?? "")?.[1],
      }
      : { error_code: /ECONNREFUSED/.test(error.message) ? "refused" : "reset" }),
    error: error.message,
  };
}

/** Claims, sends by real SMTP, and finishes, at the instants that it is told. */
export class MailWorker {
  #transport;

  /** @param {Outbox} outbox @param {number} port of the mail server */
  constructor(outbox, port, name = "worker") {
    this.outbox = outbox;
    this.name = name;
    this.#transport = createTransport({
      pool: true,
      host: "127.0.0.1",
      port,
      ignoreTLS: true,
      maxConnections: 10,
      maxMessages: 500,
      maxRequeues: 0,
      socketTimeout: 5_000,
    });
  }

  async claim(at, { count = 100, lease_s = 60 } = {}) {
    const [{ claimed }] = await this.outbox.query(
      "select core.claim_deliveries('email', $1, $2, $3, $4) as claimed",
      [count, this.name, lease_s, at],
    );
    return claimed;
  }

  async send(request) {
    try {
      await this.#transport.sendMail({
        envelope: { from: request.from.address, to: [request.to] },
        from: request.from.address,
        to: request.to,
        subject: request.subject,
        text: request.text,
        html: request.html,
        messageId: request.message_id.replace(/^<?(.*?)>?$/, "<$1>"),
      });
      return { delivered: true, phase: "data", status_code: 250 };
    } catch (error) {
      return factsOf(error);
    }
  }

  async finish(requests, outcomes, at) {
    const results = requests.map(({ tenant_id, id, lease }, place) => ({
      tenant_id,
      id,
      lease,
      outcome: outcomes[place],
    }));
    const [{ answers }] = await this.outbox.query(
      "select core.finish_deliveries($1, $2) as answers",
      [JSON.stringify(results), at],
    );
    return new Map(answers.map((answer) => [answer.id, answer]));
  }

  /**
   * Sends all that is ready at an instant; each attempt ends a second after its claim.
   * @param {(request: any, outcome: any, answer: any, ended: Date) => void} [saw]
   */
  async drain(at, saw = () => {}) {
    let attempts = 0;
    for (;;) {
      const requests = await this.claim(at);
      if (requests.length === 0) return attempts;
      const outcomes = await Promise.all(requests.map((request) => this.send(request)));
      const ended = new Date(at.getTime() + 1_000);
      const answers = await this.finish(requests, outcomes, ended);
      requests.forEach((request, place) =>
        saw(request, outcomes[place], answers.get(request.id), ended)
      );
      attempts += requests.length;
    }
  }

  close() {
    this.#transport.close();
  }
}
