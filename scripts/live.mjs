// The live view of `make run`: what this machine sends, read back as a signed-in user through
// supabase-js, so under row level security and by the way that an application would take.
//   API_URL ANON_KEY USER_TOKEN TENANT DEVICE BRIDGE_HTTP_URL: see run.sh
// On a terminal the view is redrawn with every message; elsewhere a line is written now and then.
import { createClient } from "@supabase/supabase-js";
import ws from "ws";

const { API_URL, ANON_KEY, USER_TOKEN, TENANT, DEVICE, BRIDGE_HTTP_URL } = process.env;
const PERIOD_MS = 1000; // the collector's
const POLL_MS = 20; // how finely the lag is seen
const BUCKET_S = 5;
const WINDOW_S = 60;
const LINE_EVERY_MS = 5000;

const supabase = createClient(API_URL, ANON_KEY, {
  db: { schema: "v1" },
  accessToken: () => Promise.resolve(USER_TOKEN),
  realtime: { transport: ws },
});
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function answer(call) {
  const { data, error } = await call;
  if (error) throw new Error(error.message);
  return data;
}

const newest = (readings) => Math.max(0, ...readings.map(({ at }) => Date.parse(at)));

// Waits for a message that was not there before; the lag is the time from its own `at` until a
// query returns it.
async function nextReadings(seen) {
  await sleep(Math.max(0, seen + PERIOD_MS - Date.now()));
  for (const deadline = Date.now() + 3 * PERIOD_MS;;) {
    const readings = await answer(supabase.rpc("latest", { devices: [DEVICE] }));
    const at = newest(readings);
    if (at > seen) return { readings, at, lagMs: Date.now() - at };
    if (Date.now() > deadline) return { readings, at, lagMs: null };
    await sleep(POLL_MS);
  }
}

// The buckets of the last minute by metric, nulls where there are no readings.
async function chartsOfLastMinute() {
  const to = Math.ceil(Date.now() / 1000 / BUCKET_S) * BUCKET_S;
  const buckets = await answer(supabase.rpc("telemetry", {
    devices: [DEVICE],
    from: new Date((to - WINDOW_S) * 1000).toISOString(),
    to: new Date(to * 1000).toISOString(),
    bucket: `${BUCKET_S} seconds`,
    aggregates: ["count", "min", "max", "avg"],
    fill: "null",
  }));
  const charts = new Map();
  for (const bucket of buckets) {
    charts.set(bucket.metric, [...charts.get(bucket.metric) ?? [], bucket]);
  }
  return charts;
}

// Messages committed since the bridge started, from its Prometheus metrics.
async function messagesAccepted() {
  const text = await (await fetch(`${BRIDGE_HTTP_URL}/metrics`)).text();
  return Number(
    text.match(/^tenon_bridge_messages_accepted_total(?:\{[^}]*\})? (\S+)/m)?.[1] ?? NaN,
  );
}

// What the collector's names say at their end, written down where the unit of a metric belongs.
const UNITS = {
  "%\\_percent": "%",
  "%\\_bytes": "By",
  "%\\_bytes\\_total": "By",
  "%\\_seconds": "s",
  "%\\_celsius": "Cel",
};

async function nameUnits() {
  for (const [ending, unit] of Object.entries(UNITS)) {
    await answer(supabase.from("metrics").update({ unit }).like("name", ending).is("unit", null));
  }
}

// Text --------------------------------------------------------------------------------------------

const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 4, useGrouping: false });
const SCALES = [[1e12, "T"], [1e9, "G"], [1e6, "M"]];

function short(value) {
  if (value === null) return "–";
  if (typeof value !== "number") return String(value);
  const [size, letter] = SCALES.find(([size]) => Math.abs(value) >= size) ?? [1, ""];
  return number.format(value / size) + letter;
}

function sparkline(slots) {
  const values = slots.map(({ avg }) => avg).filter((avg) => avg !== null);
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  return slots.map((slot) =>
    slot.avg === null ? " " : "▁▂▃▄▅▆▇█"[span ? Math.round((slot.avg - low) / span * 7) : 0]
  ).join("");
}

function summary(slots) {
  const filled = slots.filter(({ avg }) => avg !== null);
  if (filled.length === 0) return { min: null, avg: null, max: null };
  const count = filled.reduce((sum, slot) => sum + slot.count, 0);
  return {
    min: Math.min(...filled.map((slot) => slot.min)),
    avg: filled.reduce((sum, slot) => sum + slot.avg * slot.count, 0) / count,
    max: Math.max(...filled.map((slot) => slot.max)),
  };
}

const columns = (metric, last, unit, line, min, avg, max) =>
  [metric.slice(0, 30).padEnd(30), last.slice(0, 12).padStart(12), unit.slice(0, 8).padEnd(8)]
    .concat(line.padEnd(WINDOW_S / BUCKET_S), [min, avg, max].map((text) => text.padStart(10)))
    .join(" ");

function row({ metric, unit, value }, slots = []) {
  const { min, avg, max } = summary(slots);
  return columns(
    metric,
    short(value),
    unit ?? "",
    sparkline(slots),
    short(min),
    short(avg),
    short(max),
  );
}

function table({ readings, charts, rate, lag, trouble }) {
  const room = Math.max(3, (process.stdout.rows ?? 40) - 5);
  const shown = readings.slice(0, room);
  const more = readings.length - shown.length;
  return [
    `${TENANT}/d/${DEVICE}   ${headline({ readings, rate, lag })}`,
    "",
    columns("metric", "last", "unit", "last minute", "min", "avg", "max"),
    ...shown.map((reading) => row(reading, charts.get(reading.metric))),
    trouble ?? (more > 0 ? `… and ${more} more` : ""),
  ].map((line) => line.slice(0, process.stdout.columns ?? 120));
}

const headline = ({ readings, rate, lag }) =>
  `${readings.length} metrics   ${rate?.toFixed(1) ?? "–"} messages/s   ` +
  `publish → queryable ${short(lag)} ms`;

let drawn = 0;
function draw(lines) {
  process.stdout.write(`${drawn ? `\x1b[${drawn}A` : ""}\x1b[J${lines.join("\n")}\n`);
  drawn = lines.length;
}

// The loop ----------------------------------------------------------------------------------------

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? null;

async function refresh(state) {
  const { readings, at, lagMs } = await nextReadings(state.at);
  if (lagMs !== null && state.at > 0) state.lags = [...state.lags, lagMs].slice(-WINDOW_S);
  Object.assign(state, { readings, at, lag: median(state.lags) });
  if (readings.length !== state.named) await nameUnits();
  state.named = readings.length;

  state.charts = await chartsOfLastMinute();

  const stored = await messagesAccepted();
  const now = Date.now();
  state.counts = [...state.counts, { now, stored }].slice(-10);
  const [{ now: then, stored: before }] = state.counts;
  state.rate = now > then ? Math.max(0, (stored - before) / (now - then) * 1000) : null;
}

async function main() {
  const state = { at: 0, readings: [], charts: new Map(), lags: [], counts: [] };
  let written = 0;
  while (true) {
    state.trouble = undefined;
    try {
      await refresh(state);
    } catch (error) {
      state.trouble = `no answer (${error.message}): the logs are in .tenon/run/log`;
      await sleep(PERIOD_MS);
    }
    if (process.stdout.isTTY) {
      draw(table(state));
    } else if (Date.now() - written >= LINE_EVERY_MS) {
      const some = state.readings.slice(0, 4)
        .map(({ metric, value, unit }) => `${metric} ${short(value)}${unit ? ` ${unit}` : ""}`);
      console.log(state.trouble ?? `${headline(state)}   ${some.join(", ")}`);
      written = Date.now();
    }
  }
}

for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
await main();
