// A stack of real services for one test file: Postgres, REST server, gateway, broker, bridge, mail
// server and functions, each on a free port, with data of its own. scripts/stack.sh does all of it.
// The functions run when a test calls them, unless it chooses TENON_FUNCTIONS_SCHEDULE=1.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { run } from "./process.mjs";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const STACK_SCRIPT = `${ROOT}scripts/stack.sh`;
export const PSQL = `${ROOT}.tenon/pg/lib/postgresql/15/bin/psql`;

/** @typedef {"postgres" | "rest" | "gateway" | "broker" | "bridge" | "functions" | "mail" | "pgbouncer"} Service */

export class Stack {
  /** Where everything is reached: the lines of the stack's `env`. @type {Record<string, string>} */
  env = {};

  /**
   * @param {string} name of the stack's folder, .tenon/tests/{name}
   * @param {Record<string, string>} [choices] variables of stack.sh beyond its defaults
   */
  constructor(name, choices = {}) {
    this.folder = `${ROOT}.tenon/tests/${name}`;
    this.choices = {
      TENON_FUNCTIONS_SCHEDULE: "0",
      ...choices,
      TENON_STACK: this.folder,
      TENON_PORT_BASE: "free",
    };
  }

  /**
   * Starts services on empty data, after ending what a run that was cut off left behind.
   * @param {"up" | "database"} services all of them, or Postgres alone
   */
  async up(services = "up") {
    await this.#stack("down");
    rmSync(this.folder, { recursive: true, force: true });
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => this.#leave());
    await this.#stack(services);
    this.env = parseEnv(readFileSync(`${this.folder}/env`, "utf8"));
  }

  /** Stops all services. Data and logs stay until the next run, for whoever looks for a cause. */
  async down() {
    await this.#stack("down");
  }

  /** @param {Service} service */
  async start(service) {
    await this.#stack("start", service);
  }

  /** Ends a service as it would wish. @param {Service} service */
  async stop(service) {
    await this.#stack("stop", service);
  }

  /** kill -9. @param {Service} service */
  async kill(service) {
    await this.#stack("stop", service, "KILL");
  }

  /**
   * Lets devices sign in to the broker.
   * @param {string[]} usernames tenant/d/device
   * @returns {Promise<Map<string, string>>} password by username
   */
  async devicePasswords(usernames) {
    const lines = (await this.#stack("device", ...usernames)).trim().split("\n");
    return new Map(lines.map((line) => /** @type {[string, string]} */ (line.split(" "))));
  }

  /**
   * Runs SQL as the role postgres, which owns the schema and is no superuser.
   * @param {string} text statements; :'name' stands for the variable of that name
   * @param {Record<string, unknown>} [variables] what is no string goes in as JSON
   * @returns {Promise<any[]>} the rows of the last statement, which has to return one JSON value a row
   */
  async sql(text, variables = {}) {
    const settings = Object.entries(variables).flatMap(([name, value]) => [
      "-v",
      `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
    ]);
    const output = await run(
      PSQL,
      ["-XqAt", "-v", "ON_ERROR_STOP=1", ...settings, this.env.DB_URL],
      { input: text },
    );
    return output.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  /** Runs one statement as a superuser. @param {string} statement */
  async administer(statement) {
    await run(PSQL, ["-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement, this.env.DB_ADMIN_URL]);
  }

  /**
   * Opens a transaction as the role postgres and keeps it open.
   * @param {string} statement run at its start
   * @returns {Promise<(end?: "rollback" | "commit") => Promise<void>>} ends it
   */
  async holdTransaction(statement) {
    const session = spawn(PSQL, ["-XqAt", "-v", "ON_ERROR_STOP=1", this.env.DB_URL], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const ended = once(session, "close");
    session.stdin.on("error", () => {}).write(`begin;\n${statement};\n\\echo held\n`);
    const held = once(session.stdout, "data");
    if (!(await Promise.race([held, ended.then(() => null)]))) {
      throw new Error(`psql refused: ${statement}`);
    }
    return async (end = "rollback") => {
      session.stdin.end(`${end};\n`);
      await ended;
    };
  }

  #stack(...args) {
    return run(STACK_SCRIPT, args, { env: this.choices });
  }

  /** Where the test run is cut off, no hook runs: the services must not stay behind. */
  #leave() {
    spawnSync(STACK_SCRIPT, ["down"], { env: { ...process.env, ...this.choices } });
    process.exit(1);
  }
}
