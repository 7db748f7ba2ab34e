// What the API has to answer about readings that were sent, computed from these alone: each reading in
// memory, nothing packed, and buckets by JavaScript's own calendar.
import assert from "node:assert/strict";
import { bucketStarts } from "./calendar.mjs";

/** Sums add up in another order here than there, and in blocks than in batches: the last bits differ. */
const RELATIVE_ERROR_MAX = 1e-9;
/** How finely the time line is searched for buckets without readings: all starts lie on this grid. */
const GRID_MS = 15 * 60 * 1000;

export const NUMBERS = ["min", "max", "avg", "sum", "stddev", "p50", "p90", "p95", "p99"];
const SUMMED = ["avg", "sum", "stddev"];
const USUAL = ["count", "min", "max", "avg", "sum", "first", "last"];
export const AGGREGATES = [...USUAL, "stddev", "p50", "p90", "p95", "p99"];
const NOTHING = Object.fromEntries(AGGREGATES.map((aggregate) => [aggregate, null]));

/**
 * @typedef {{ device: string, metric: string, at: number, value: any }} Reading at: ms since 1970
 * @typedef {{ devices?: string[] | null, metrics?: string[] | null, from: string, to: string }} Question
 */

/** All readings that were sent; of those of one series and time, the last. */
export class SentReadings {
  /** @type {Map<string, Reading>} */
  #readings = new Map();

  /** @param {{ device: string, at: string, values: Record<string, any> }[]} messages */
  add(messages) {
    for (const { device, at, values } of messages) {
      for (const [metric, value] of Object.entries(values)) {
        const reading = { device, metric, at: Date.parse(at), value };
        this.#readings.set(`${device} ${metric} ${reading.at}`, reading);
      }
    }
  }

  /**
   * The readings asked for, as v1.readings answers without max_points.
   * @param {Question & { above?: number, below?: number }} question
   * @returns {Reading[]} by device, metric and time
   */
  readings({ devices, metrics, from, to, above, below }) {
    const [start, end] = [Date.parse(from), Date.parse(to)];
    const limited = above !== undefined || below !== undefined;
    return [...this.#readings.values()].filter((reading) => {
      const number = numberOf(reading.value);
      return (devices?.includes(reading.device) ?? true) &&
        (metrics?.includes(reading.metric) ?? true) &&
        start <= reading.at && reading.at < end &&
        (!limited ||
          number !== null && number > (above ?? -Infinity) && number < (below ?? Infinity));
    }).sort((a, b) => compare(a.device, b.device) || compare(a.metric, b.metric) || a.at - b.at);
  }

  /**
   * The latest reading of each series, as v1.latest answers.
   * @param {{ devices?: string[] | null, metrics?: string[] | null }} [question]
   */
  latest(question = {}) {
    const ever = this.readings({ ...question, from: "2000-01-01", to: "2100-01-01" });
    return [...groups(ever, ["device", "metric"]).values()].map((series) => series.at(-1));
  }

  /**
   * The buckets asked for, as v1.telemetry answers.
   * @param {Question & Record<string, any>} question the arguments of v1.telemetry, with a width
   */
  buckets(question) {
    const { bucket, time_zone = "UTC", origin, fill = "none", aggregates = USUAL } = question;
    const { group_by = ["device", "metric"] } = question;
    const startsOf = (times) =>
      bucketStarts(times, bucket, time_zone, origin && Date.parse(origin));
    const all = fill === "none" ? [] : [...new Set(startsOf(gridOf(question)))];
    return [...groups(this.readings(question), group_by).values()].flatMap((series) => {
      const starts = startsOf(series.map(({ at }) => at));
      const inside = new Map();
      series.forEach((reading, place) => {
        if (reading.value === null) return;
        inside.set(starts[place], [...inside.get(starts[place]) ?? [], reading]);
      });
      if (inside.size === 0) return [];
      const group = {
        device: group_by.includes("device") ? series[0].device : null,
        metric: group_by.includes("metric") ? series[0].metric : null,
      };
      const rows = [...new Set([...inside.keys(), ...all])].sort((a, b) => a - b).map((at) => ({
        ...group,
        at,
        ...(inside.has(at) ? aggregated(inside.get(at)) : NOTHING),
      }));
      filled(rows, fill);
      return rows.map((row) => onlyAsked(row, aggregates));
    });
  }
}

const compare = (a, b) => (a < b ? -1 : Number(a > b));
const numberOf = (value) =>
  typeof value === "number" || typeof value === "boolean" ? Number(value) : null;

/** The readings that have the same of these, in the order of the first of each. */
function groups(readings, keys) {
  const found = new Map();
  for (const reading of readings) {
    const key = keys.map((name) => reading[name]).join(" ");
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(reading);
  }
  for (const group of found.values()) group.sort((a, b) => a.at - b.at);
  return new Map([...found].sort(([a], [b]) => compare(a, b)));
}

function gridOf({ from, to }) {
  const start = Date.parse(from);
  const times = [];
  for (let at = start; at < Date.parse(to); at = Math.floor(at / GRID_MS + 1) * GRID_MS) {
    times.push(at);
  }
  return times;
}

function aggregated(readings) {
  const values = readings.map(({ value }) => value);
  const row = { ...NOTHING, count: values.length, first: values[0], last: values.at(-1) };
  const numbers = values.map(numberOf).filter((number) => number !== null).sort((a, b) => a - b);
  if (numbers.length === 0) return row;
  row.sum = numbers.reduce((sum, number) => sum + number, 0);
  row.avg = row.sum / numbers.length;
  [row.min, row.max] = [numbers[0], numbers.at(-1)];
  const squares = numbers.reduce((sum, number) => sum + (number - row.avg) ** 2, 0);
  row.stddev = numbers.length > 1 ? Math.sqrt(squares / (numbers.length - 1)) : null;
  for (const percent of [50, 90, 95, 99]) {
    const rank = (percent / 100) * (numbers.length - 1);
    const [low, high] = [numbers[Math.floor(rank)], numbers[Math.ceil(rank)]];
    row[`p${percent}`] = low + (rank % 1) * (high - low);
  }
  return row;
}

/** Fills the rows that have no count, in place. */
function filled(rows, how) {
  const known = rows.filter(({ count }) => count !== null);
  for (const row of rows.filter(({ count }) => count === null)) {
    row.count = 0;
    if (how === "previous") {
      const before = known.findLast(({ at }) => at < row.at);
      if (before) Object.assign(row, { ...before, at: row.at, count: 0, sum: null });
    }
    if (how === "linear") {
      for (const name of NUMBERS.filter((name) => name !== "sum")) {
        const from = known.findLast((other) => other.at < row.at && other[name] !== null);
        const to = known.find((other) => other.at > row.at && other[name] !== null);
        if (!from || !to) continue;
        const share = (row.at - from.at) / (to.at - from.at);
        row[name] = from[name] + share * (to[name] - from[name]);
      }
    }
  }
}

const onlyAsked = (row, aggregates) =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      AGGREGATES.includes(name) && !aggregates.includes(name) ? null : value,
    ]),
  );

/**
 * Fails where an answer differs from what was computed.
 * @param {Record<string, any>[]} answered rows with `at` as text
 * @param {Record<string, any>[]} expected rows with `at` in ms
 * @param {string[]} [inexact] columns whose numbers differ in their last bits
 */
export function assertSameRows(answered, expected, inexact = SUMMED) {
  assert.equal(answered.length, expected.length, "number of rows");
  expected.forEach((wanted, place) => {
    const row = { ...answered[place], at: Date.parse(answered[place].at) };
    for (const name of inexact) {
      const error = Math.abs(row[name] - wanted[name]);
      // Only where both are numbers: the comparison below finds all else.
      if (
        typeof row[name] === "number" && typeof wanted[name] === "number" &&
        error <= RELATIVE_ERROR_MAX * Math.max(1, Math.abs(wanted[name]))
      ) row[name] = wanted[name];
    }
    assert.deepEqual(row, wanted, `row ${place}`);
  });
}

/**
 * The points that a chart of so many keeps: Largest-Triangle-Three-Buckets as Sveinn Steinarsson
 * describes it in "Downsampling Time Series for Visual Representation", 2013, section 4.2.
 * @param {Reading[]} series numbers, by time
 * @param {number} points three or more
 */
export function largestTriangles(series, points) {
  if (series.length <= points) return series;
  const bound = (bucket) => Math.floor((bucket * (series.length - 2)) / (points - 2)) + 1;
  const kept = [series[0]];
  for (let bucket = 0; bucket < points - 2; bucket += 1) {
    const next = series.slice(bound(bucket + 1), Math.min(bound(bucket + 2), series.length));
    const mean = (of) => next.reduce((sum, reading) => sum + of(reading), 0) / next.length;
    const before = kept.at(-1);
    const [x, y] = [mean(({ at }) => at - before.at), mean(({ value }) => value)];
    const area = ({ at, value }) =>
      Math.abs(x * (value - before.value) - (at - before.at) * (y - before.value));
    kept.push(
      series.slice(bound(bucket), bound(bucket + 1)).reduce((best, reading) =>
        area(reading) > area(best) ? reading : best
      ),
    );
  }
  return [...kept, series.at(-1)];
}

/**
 * Reads CSV as RFC 4180 has it.
 * @param {string} csv with a line of names first
 * @returns {Record<string, string>[]}
 */
export function parseCsv(csv) {
  const [names, ...rows] = csv.trimEnd().split(/\r?\n/).map((line) =>
    [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
      quoted?.replaceAll('""', '"') ?? plain
    )
  );
  return rows.map((row) => Object.fromEntries(names.map((name, place) => [name, row[place]])));
}
