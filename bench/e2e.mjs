// From a publisher's MQTT client to a committed row, all on this machine: publisher, broker, bridge
// and Postgres share its processors.
//   messages_per_s              10-metric JSON messages at QoS 1, committed, over a minute
//   cpu_s_per_million_points    processor time of bridge and Postgres, broker to committed
//   bridge_rss_mib_max          the bridge's memory at that load
//   latency_ms_p50, _p99        publish to queryable at 100 messages/s
// The broker keeps its state in memory here: Mosquitto writes all of it at every save.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const STACK = process.env.TENON_STACK;
const METRICS = 10;
const LOAD = { rate: 25_000, seconds: 60, devices: 1000, connections: 4 };
const CALM = { rate: 100, seconds: 30, devices: 100, connections: 1 };
const POLL_MS = 2;
const DRAIN_DEADLINE_MS = 120_000;

const options = { env: { ...process.env, TENON_LOAD_USER: "1", TENON_BROKER_DURABLE: "0" } };
const stack = (...args) => execFileSync(`${ROOT}scripts/stack.sh`, args, options);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const report = (name, value, unit, aim, met) =>
  console.log(JSON.stringify({ name: `e2e.${name}`, value, unit, aim, met }));

stack("up");
const env = parseEnv(readFileSync(`${STACK}/env`, "utf8"));

// One psql that answers each query with one line.
class Session {
  #psql = spawn(`${ROOT}.tenon/pg/lib/postgresql/15/bin/psql`, [
    "-XqAt",
    "-v",
    "ON_ERROR_STOP=1",
    env.DB_URL,
  ], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  #refused = once(this.#psql, "close").then(() => {
    throw new Error("psql ended, see above");
  });
  async query(text) {
    this.#psql.stdin.write(`${text};\n`);
    const [line] = await Promise.race([once(this.#psql.stdout, "data"), this.#refused]);
    return String(line).trim();
  }
  end() {
    this.#refused.catch(() => {});
    this.#psql.stdin.end();
  }
}

// The devices' slugs begin with what they are for: each phase has its own.
async function simulate(prefix, { rate, seconds, devices, connections }, ...more) {
  const url = `mqtt://${env.LOAD_MQTT_USER}:${env.LOAD_MQTT_PASSWORD}@127.0.0.1:${env.MQTT_PORT}`;
  const words = Object.entries({
    tenant: "bench",
    "device-prefix": `${prefix}-`,
    devices,
    metrics: METRICS,
    rate,
    seconds,
    connections,
  }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(`${ROOT}.tenon/bin/tenon-bridge`, ["simulate", "--json", ...words, ...more], {
    env: { ...process.env, TENON_MQTT_URL: url },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (data) => output += data);
  const [status] = await once(child, "close");
  if (status !== 0) throw new Error(`tenon-bridge simulate ended with status ${status}`);
  return JSON.parse(output);
}

const pidOf = (service) => readFileSync(`${STACK}/pids/${service}`, "utf8").split(" ")[0];

// Processor seconds of a process, of the children it waited for, and of those still alive.
function cpuSeconds(pid) {
  const ticks = (one, fields) => {
    try {
      const words = readFileSync(`/proc/${one}/stat`, "utf8").replace(/.*\) /, "").split(" ");
      return fields.reduce((sum, field) => sum + Number(words[field]), 0);
    } catch {
      return 0; // it has just ended
    }
  };
  const PARENT = 1, USER = 11, SYSTEM = 12, USER_WAITED = 13, SYSTEM_WAITED = 14;
  const children = readdirSync("/proc").filter((entry) =>
    /^\d+$/.test(entry) && ticks(entry, [PARENT]) === Number(pid)
  );
  const TICKS_PER_SECOND = 100; // what Linux reports in, whatever its clock
  return (ticks(pid, [USER, SYSTEM, USER_WAITED, SYSTEM_WAITED]) +
    children.reduce((sum, child) => sum + ticks(child, [USER, SYSTEM]), 0)) / TICKS_PER_SECOND;
}
const cpu = () => cpuSeconds(pidOf("bridge")) + cpuSeconds(pidOf("postgres"));

const residentMibMax = () =>
  Number(readFileSync(`/proc/${pidOf("bridge")}/status`, "utf8").match(/VmHWM:\s+(\d+)/)[1]) / 1024;

const database = new Session();
const readings = async () =>
  Number(await database.query("select coalesce(sum(readings), 0) from iot.batches"));

// Load --------------------------------------------------------------------------------------------

async function load() {
  console.error("  warming up: 1,000 devices register …");
  await simulate("load", { ...LOAD, rate: 2000, seconds: 3 });
  await sleep(2000);

  console.error(`  ${LOAD.rate} messages/s for ${LOAD.seconds} s …`);
  const [readingsBefore, cpuBefore, began] = [await readings(), cpu(), Date.now()];
  const { confirmed } = await simulate("load", LOAD);
  const expected = readingsBefore + confirmed * METRICS;
  const deadline = Date.now() + DRAIN_DEADLINE_MS;
  while (await readings() < expected && Date.now() < deadline) await sleep(100);
  const seconds = (Date.now() - began) / 1000;
  const points = await readings() - readingsBefore;
  if (points < confirmed * METRICS) {
    console.error(`  ${confirmed * METRICS - points} confirmed readings are missing`);
  }

  const rate = points / METRICS / seconds;
  const cost = (cpu() - cpuBefore) / points * 1e6;
  const memory = residentMibMax();
  report("messages_per_s", rate, "messages/s", "≥ 20,000", rate >= 20_000);
  report("cpu_s_per_million_points", cost, "s", "≤ 4", cost <= 4);
  report("bridge_rss_mib_max", memory, "MiB", "≤ 100", memory <= 100);
}

// Latency -----------------------------------------------------------------------------------------

// Asks over and over up to which time messages are there. A message is queryable when the answer
// first reaches its time: one connection publishes, so they arrive in order.
async function latency() {
  console.error(`  ${CALM.rate} messages/s for ${CALM.seconds} s …`);
  const ledger = `${STACK}/ledger`;
  let publishing = true;
  const publisher = simulate("calm", CALM, "--ledger", ledger).finally(() => publishing = false);
  const seen = [];
  for (let last = ""; publishing || Date.now() < seen.at(-1).at + 1000;) {
    const micros = await database.query(
      "select (extract(epoch from max(last_at)) * 1e6)::bigint from iot.batches",
    );
    if (micros !== last) seen.push({ micros: Number(micros), at: Date.now() });
    last = micros;
    await sleep(POLL_MS);
  }
  await publisher;

  const lags = [];
  let next = 0;
  const sent = readFileSync(ledger, "utf8").trim().split("\n").map((line) =>
    Number(line.split(",").at(-1))
  ).sort((a, b) => a - b);
  for (const micros of sent) {
    while (next < seen.length && seen[next].micros < micros) next++;
    if (next < seen.length) lags.push(seen[next].at - micros / 1000);
  }
  if (lags.length < sent.length) console.error(`  ${sent.length - lags.length} were never seen`);
  lags.sort((a, b) => a - b);
  const quantile = (part) => lags[Math.min(lags.length - 1, Math.floor(lags.length * part))];
  report("latency_ms_p50", quantile(0.5), "ms", "≤ 60", quantile(0.5) <= 60);
  report("latency_ms_p99", quantile(0.99), "ms", "≤ 250", quantile(0.99) <= 250);
}

await database.query(
  `insert into core.tenants (slug, name, settings)
   values ('bench', 'Bench', '{"iot": {"auto_register_devices": true}}') returning slug`,
);
try {
  await load();
  await latency();
} finally {
  database.end();
}
