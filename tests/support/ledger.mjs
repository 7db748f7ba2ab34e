// Compares what senders were PUBACKed with what the API shows, reading by reading.
import assert from "node:assert/strict";
import { dataOf } from "./identities.mjs";
import { until } from "./process.mjs";
import { METRIC, Sender } from "./sender.mjs";

const START = Date.UTC(2025, 0, 1);
const EVER = { from: "2000-01-01T00:00:00Z", to: "2100-01-01T00:00:00Z", bucket: "100 years" };

const total = (numbers) => numbers.reduce((sum, number) => sum + number, 0);

export class Ledger {
  /** @type {{ sender: Sender, reader: import("./identities.mjs").Client }[]} */
  #lines = [];
  #running = [];

  /**
   * Starts a sender for the account. It publishes nothing yet.
   * @param {import("./stack.mjs").Stack} stack
   * @param {import("./device.mjs").Account} account
   * @param {import("./identities.mjs").Client} reader who may read what the device sends
   */
  open(stack, account, reader) {
    const sender = new Sender(stack, account, START);
    this.#lines.push({ sender, reader });
    this.#running.push(sender.run());
  }

  /** Ends all senders. */
  async close() {
    this.#senders.forEach((sender) => sender.leave());
    await Promise.all(this.#running);
  }

  get #senders() {
    return this.#lines.map(({ sender }) => sender);
  }

  /** Messages that senders were allowed to publish. */
  get released() {
    return total(this.#senders.map((sender) => sender.released));
  }

  /** Messages that the broker has taken, which is a promise. */
  get acknowledged() {
    return total(this.#senders.map((sender) => sender.acknowledged.size));
  }

  /** Connections that ended under a sender. */
  get disconnects() {
    return total(this.#senders.map((sender) => sender.disconnects));
  }

  /** Lets each sender publish so many messages more. @param {number} count */
  release(count) {
    this.#senders.forEach((sender) => sender.release(count));
  }

  /** Lets each sender publish so many more, and waits until the broker has taken half of them. */
  async midStream(count) {
    const half = this.acknowledged + (count * this.#lines.length) / 2;
    this.release(count);
    await until("the broker has taken half of a stage", () => this.acknowledged >= half);
  }

  /** Waits until the broker has taken all messages and as many are queryable. */
  async settled() {
    await until("the broker has taken all messages", () => this.acknowledged === this.released);
    await until(
      "all of them are queryable",
      async () => (await this.#queryable()) >= this.acknowledged,
    );
  }

  /** Fails on a lost, a doubled, an altered and an invented reading alike. */
  async assertKept() {
    for (const { sender, reader } of this.#lines) {
      const readings = await dataOf(reader.rpc("readings", {
        devices: [sender.account.device],
        metrics: [METRIC],
        from: new Date(START).toISOString(),
        to: new Date(START + sender.released).toISOString(),
      }));
      assert.deepEqual(
        readings.map(({ at, value }) => [Date.parse(at) - START, value]).sort(([a], [b]) => a - b),
        [...sender.acknowledged].sort((a, b) => a - b).map((number) => [number, number]),
        sender.account.username,
      );
      assert.equal(sender.unheard, 0, "the broker had no subscription to give a message to");
    }
    assert.equal(
      await this.#queryable(),
      this.acknowledged,
      "no reading lies outside of what was sent",
    );
  }

  /** How many different readings the API shows, over all devices and times. */
  async #queryable() {
    const counts = await Promise.all(this.#lines.map(async ({ sender, reader }) => {
      const { data, error } = await reader.rpc("telemetry", {
        devices: [sender.account.device],
        metrics: [METRIC],
        ...EVER,
        aggregates: ["count"],
      });
      // The metric registers itself with the first message.
      if (error && error.code !== "metric.unknown") throw new Error(error.message);
      return total((data ?? []).map(({ count }) => count));
    }));
    return total(counts);
  }
}
