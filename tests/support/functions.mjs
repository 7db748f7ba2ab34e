// The Edge Functions as a process of their own, beside the one that a stack may run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { until } from "./process.mjs";
import { ROOT } from "./stack.mjs";

/** A port that nobody has, for now. */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

export class Functions {
  #process = null;
  #url = "";

  /**
   * @param {import("./stack.mjs").Stack} stack
   * @param {string} name of its log
   * @param {Record<string, string>} environment SMTP_URL and the like
   */
  constructor(stack, name, environment = {}) {
    this.stack = stack;
    this.log_file = `${stack.folder}/log/${name}.log`;
    this.environment = environment;
  }

  /** Starts the process as scripts/services/functions.sh does, without its scheduler. */
  async start() {
    const { env } = this.stack;
    const port = await freePort();
    const log = createWriteStream(this.log_file, { flags: "a" });
    await once(log, "open");
    this.#process = spawn(
      `${ROOT}node_modules/.bin/deno`,
      [
        ...["run", "--quiet", "--no-remote", "--allow-net", "--allow-env"],
        ...["--config", `${ROOT}deno.json`, `${ROOT}scripts/functions.ts`],
      ],
      {
        cwd: ROOT,
        stdio: ["ignore", log, log],
        env: {
          ...process.env,
          FUNCTIONS_PORT: String(port),
          FUNCTIONS_SCHEDULE: "0",
          SUPABASE_URL: env.API_URL,
          SUPABASE_ANON_KEY: env.ANON_KEY,
          SUPABASE_SERVICE_ROLE_KEY: env.SERVICE_ROLE_KEY,
          TENON_DEVELOPMENT_HOSTS: "127.0.0.1",
          SMTP_TLS: "none",
          ...this.environment,
        },
      },
    );
    const url = `http://127.0.0.1:${port}`;
    await until("the functions answer", async () => (await fetch(`${url}/healthz`)).ok);
    this.#url = `${url}/functions/v1`;
  }

  /** kill -9; resolves when it is gone. */
  async kill() {
    const ended = this.#process;
    this.#process = null;
    if (!ended || ended.exitCode !== null || ended.signalCode !== null) return;
    const gone = once(ended, "exit");
    ended.kill("SIGKILL");
    await gone;
  }

  get pid() {
    return this.#process.pid;
  }

  get log() {
    return readFileSync(this.log_file, "utf8");
  }

  /**
   * Calls a function as the service role, or with another key.
   * @returns {Promise<{ status: number, answer: any }>}
   */
  async call(name, { key = this.stack.env.SERVICE_ROLE_KEY, body = {} } = {}) {
    const response = await fetch(`${this.#url}/${name}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: response.status, answer: await response.json() };
  }

  /** Drains a channel until nothing more is ready. @param {"email" | "webhook"} channel */
  async drain(channel, seconds = 60) {
    const { status, answer } = await this.call(`deliver-${channel}`, { body: { seconds } });
    if (status !== 200) throw new Error(`deliver-${channel}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  }
}
