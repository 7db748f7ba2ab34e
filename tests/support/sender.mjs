// A device that must not lose a message, and keeps the ledger of what the broker took from it.
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "./device.mjs";

/**
 * How many messages may await their PUBACK at once: fewer than the 20 that a broker may set as its
 * own limit, so that none has to be held back here.
 */
const WINDOW = 16;
const RECONNECT_MS = 25;
/** MQTT 5: taken from its publisher, but given to nobody. */
const NO_MATCHING_SUBSCRIBERS = 16;

/** The one metric that senders send: the number of the message. */
export const METRIC = "sequence";

/**
 * Publishes numbered messages in order: message i has the time `start` + i ms and the reading
 * {@link METRIC} = i. What has no PUBACK when a connection ends is published again on the next
 * one, with the same time, so it is to count once.
 */
export class Sender {
  /** Numbers of the messages that were PUBACKed: the ledger. @type {Set<number>} */
  acknowledged = new Set();
  /** How many connections ended by themselves. */
  disconnects = 0;
  /** How many PUBACKs said that nobody receives the message. */
  unheard = 0;

  #released = 0;
  #next = 0;
  #retries = [];
  #leaving = false;
  #wake = () => {};

  /**
   * @param {import("./stack.mjs").Stack} stack
   * @param {import("./device.mjs").Account} account
   * @param {number} start of the first message, in ms since 1970
   */
  constructor(stack, account, start) {
    this.stack = stack;
    this.account = account;
    this.start = start;
  }

  /** Lets the sender publish so many messages more. @param {number} count */
  release(count) {
    this.#released += count;
    this.#wake();
  }

  get released() {
    return this.#released;
  }

  /** Publishes what is released, through any number of connections, until `leave`. */
  async run() {
    while (!this.#leaving) {
      const client = await connect(this.stack, this.account).catch(() => null);
      if (!client) {
        await pause(RECONNECT_MS);
        continue;
      }
      await this.#serve(client);
    }
  }

  leave() {
    this.#leaving = true;
    this.#wake();
  }

  /** Publishes through one connection until it ends. */
  #serve(client) {
    const inFlight = new Set();
    return new Promise((resolve) => {
      const fill = () => {
        while (inFlight.size < WINDOW) {
          const number = this.#retries.shift() ??
            (this.#next < this.#released ? this.#next++ : null);
          if (number === null) break;
          inFlight.add(number);
          client.publish(this.account.topic, this.#payload(number), { qos: 1 }, (error) => {
            // After the end of the connection, mqtt.js answers what is open with an error.
            if (error || !inFlight.delete(number)) return;
            this.acknowledged.add(number);
            fill();
          });
        }
        if (this.#leaving && inFlight.size === 0) client.end();
      };
      client.on("packetreceive", (packet) => {
        if (packet.cmd === "puback" && packet.reasonCode === NO_MATCHING_SUBSCRIBERS) {
          this.unheard += 1;
        }
      });
      client.once("close", () => {
        this.#wake = () => {};
        if (!this.#leaving) this.disconnects += 1;
        this.#retries.unshift(...inFlight);
        inFlight.clear();
        client.end(true);
        resolve();
      });
      this.#wake = fill;
      fill();
    });
  }

  #payload(number) {
    return JSON.stringify({ at: this.start + number, values: { [METRIC]: number } });
  }
}
