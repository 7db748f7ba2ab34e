// One backend of Postgres: its statements, and the processor time that they took there.
import { readFileSync } from "node:fs";
import pg from "pg";

const TICKS_PER_SECOND = 100; // what Linux reports in, whatever its clock

// Both sides of every ratio run like this: one backend, no compilation at run time.
const SETTINGS = ["set jit = off", "set max_parallel_workers_per_gather = 0"];

// How often Postgres plans a prepared statement anew before it settles on one plan.
const EXECUTIONS_UNTIL_PLANNED = 6;
const WARM_UP_MS_MAX = 500;

// User and system time of a process so far.
export function cpuSecondsOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const words = stat.replace(/.*\) /, "").split(" ");
  const [USER, SYSTEM] = [11, 12];
  return (Number(words[USER]) + Number(words[SYSTEM])) / TICKS_PER_SECOND;
}

// Time on a processor so far, to the nanosecond: for single statements.
export const cpuNsOf = (pid) =>
  Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[0]);

export class Backend {
  #client;

  static async open(url, ...settings) {
    const backend = new Backend();
    backend.#client = new pg.Client(url);
    await backend.#client.connect();
    for (const setting of [...SETTINGS, ...settings]) await backend.query(setting);
    return backend;
  }

  async query(text, values) {
    return (await this.#client.query(text, values)).rows;
  }

  // Without its rows as objects, which take the client longer than Postgres takes to find them.
  async prepared({ name, text, values }) {
    return (await this.#client.query({ name, text, values, rowMode: "array" })).rows;
  }

  get pid() {
    return this.#client.processID;
  }

  cpuSeconds() {
    return cpuSecondsOf(this.#client.processID);
  }

  async cpuSecondsOf(work) {
    const before = this.cpuSeconds();
    await work();
    return this.cpuSeconds() - before;
  }

  async end() {
    await this.#client.end();
  }
}

// Processor milliseconds of one execution of each {backend, statement}. They take turns, so that a
// busy machine slows all of them: SLICES of each, until each has used CPU_SECONDS_MIN or run once
// a slice.
export async function cpuMsOfEach(contestants) {
  const SLICES = 5, CPU_SECONDS_MIN = 1.5;
  for (const { backend, statement } of contestants) {
    const until = Date.now() + WARM_UP_MS_MAX;
    for (let time = 0; time < EXECUTIONS_UNTIL_PLANNED && Date.now() < until; time++) {
      await backend.prepared(statement);
    }
  }
  const spent = contestants.map(() => ({ seconds: 0, executions: 0 }));
  for (let slice = 0; slice < SLICES; slice++) {
    for (const [place, { backend, statement }] of contestants.entries()) {
      const before = backend.cpuSeconds();
      do {
        await backend.prepared(statement);
        spent[place].executions++;
      } while (backend.cpuSeconds() - before < CPU_SECONDS_MIN / SLICES);
      spent[place].seconds += backend.cpuSeconds() - before;
    }
  }
  return spent.map(({ seconds, executions }) => seconds / executions * 1000);
}
