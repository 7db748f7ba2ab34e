// The fleet of the telemetry bench: its data, and the two ways in which it is stored.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { cpuSecondsOf } from "./postgres.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? `${ROOT}target`;
const GENERATOR = `${TARGET}/release/examples/telemetry_data`;
const PSQL = `${ROOT}.tenon/pg/lib/postgresql/15/bin/psql`;
const BYTES_MAX = 2 ** 30;

export const FLEET = 1000;
export const METRICS = 10;

export function buildGenerator() {
  const words = ["build", "--quiet", "--release", "-p", "tenon-domain"];
  execFileSync("cargo", [...words, "--example", "telemetry_data"], { cwd: ROOT });
}

const range = ([from, to]) => `${from}..${to}`;
const words = ({ tenant, devices = [0, FLEET], rounds, intervalMs = 10_000 }) => [
  ...["--tenant", tenant, "--devices", range(devices), "--rounds", range(rounds)],
  ...["--interval-ms", String(intervalMs)],
];

export const pointsOf = ({ devices = [0, FLEET], rounds }) =>
  (devices[1] - devices[0]) * (rounds[1] - rounds[0]) * METRICS;

// Cuts the rounds of `part` into `count` parts of equal length.
export function slices(part, count) {
  const [from, to] = part.rounds;
  const at = (place) => from + Math.round((to - from) * place / count);
  return Array.from(
    { length: count },
    (_, place) => ({ ...part, rounds: [at(place), at(place + 1)] }),
  );
}

// Has the bridge's backend store a part, one call a batch, each its own transaction; returns the
// processor seconds.
export async function ingest(bridge, part) {
  const bytes = execFileSync(GENERATOR, ["batches", ...words(part)], { maxBuffer: BYTES_MAX });
  const batches = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32BE(at);
    batches.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return await bridge.cpuSecondsOf(async () => {
    for (const batch of batches) {
      const refused = await bridge.query("select kind, code from iot.ingest($1)", [batch]);
      if (refused.length > 0) throw new Error(`refused: ${JSON.stringify(refused[0])}`);
    }
  });
}

// Best practice for readings as rows: a partition a day, and one index that answers for a series.
export async function makePlainTable(admin, table) {
  await admin.query("create schema if not exists bench");
  await admin.query(`
    create table ${table} (
      device integer not null,
      metric integer not null,
      at timestamptz not null,
      value double precision not null
    ) partition by range (at)`);
  await admin.query(`create index on ${table} (device, metric, at)`);
}

export async function addDays(admin, table, first, count) {
  await admin.query(`
    do $$
    begin
      for day in 0..${count - 1} loop
        execute format(
          'create table ${table}_%s partition of ${table} for values from (%L) to (%L)',
          day, timestamptz '${first}' + day * interval '1 day',
          timestamptz '${first}' + (day + 1) * interval '1 day'
        );
      end loop;
    end
    $$`);
}

// Has psql copy a part into the plain table, in binary, in one transaction; returns the processor
// seconds of its backend.
export class Copier {
  #psql;

  constructor(url) {
    this.#psql = spawn(PSQL, ["-XqAt", "-v", "ON_ERROR_STOP=1", url], {
      stdio: ["pipe", "pipe", "inherit"],
    });
  }
  async #answer(text) {
    this.#psql.stdin.write(`${text}\n`);
    const [line] = await once(this.#psql.stdout, "data");
    return String(line).trim();
  }
  async copy(table, part) {
    const pid = await this.#answer("select pg_backend_pid();");
    const before = cpuSecondsOf(pid);
    const program = [GENERATOR, "copy", ...words(part)].join(" ");
    await this.#answer(`\\copy ${table} from program '${program}' with (format binary)\nselect 1;`);
    return cpuSecondsOf(pid) - before;
  }
  end() {
    this.#psql.stdin.end();
  }
}
