// The bridge's own program: a second bridge beside the stack's, and its commands for one task.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { run, until } from "./process.mjs";
import { ROOT } from "./stack.mjs";

const PROGRAM = `${ROOT}.tenon/bin/tenon-bridge`;
/** Stacks take their ports in tens and use the first nine of them. */
const SECOND_BRIDGE_PORT_OFFSET = 9;

/**
 * Runs one of the bridge's commands to its end.
 * @param {string[]} args
 * @param {Record<string, string>} env
 */
export const bridge = (args, env) => run(PROGRAM, args, { env });

/** @param {string} url of a bridge's HTTP port */
export const isReady = async (url) => (await fetch(`${url}/readyz`)).ok;

/**
 * What a bridge has counted.
 * @param {string} url of its HTTP port
 * @returns {Promise<Map<string, number>>} by the name that Prometheus sees, labels included
 */
export async function bridgeMetrics(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  const samples = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return new Map(samples.map((line) => {
    const end = line.lastIndexOf(" ");
    return [line.slice(0, end), Number(line.slice(end + 1))];
  }));
}

/** Whether a bridge has stored all that it has received. @param {string} url of its HTTP port */
export const isIdle = async (url) =>
  (await bridgeMetrics(url)).get("tenon_bridge_messages_unacknowledged") === 0;

/** A bridge that runs beside that of the stack, on the same broker and the same database. */
export class Bridge {
  /**
   * @param {import("./stack.mjs").Stack} stack
   * @param {Record<string, string>} options the bridge's options by their variables' names
   */
  static async start(stack, options) {
    const bridge = new Bridge();
    const { env } = stack;
    const port = Number(new URL(env.API_URL).port) + SECOND_BRIDGE_PORT_OFFSET;
    bridge.url = `http://127.0.0.1:${port}`;
    bridge.child = spawn(PROGRAM, ["run"], {
      stdio: "ignore",
      env: {
        ...process.env,
        TENON_MQTT_URL:
          `mqtt://${env.BRIDGE_MQTT_USER}:${env.BRIDGE_MQTT_PASSWORD}@127.0.0.1:${env.MQTT_PORT}`,
        TENON_DATABASE_URL: env.BRIDGE_DB_URL,
        TENON_HTTP: `127.0.0.1:${port}`,
        ...options,
      },
    });
    bridge.ended = once(bridge.child, "close");
    await until("the second bridge is ready", () => isReady(bridge.url));
    return bridge;
  }

  /** Asks it to leave. @returns {Promise<number | null>} its exit status */
  async stop() {
    this.child.kill("SIGTERM");
    const [status] = await this.ended;
    return status;
  }
}
