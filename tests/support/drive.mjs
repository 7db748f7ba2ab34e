// Drives of a car as its OBD-II logger writes them, and what a chart of them has to show.

/** The logger's header, with its misspelling and its empty units. */
const HEADER = [
  "ENGINE_RUN_TINE",
  "ENGINE_RPM",
  "VEHICLE_SPEED",
  "THROTTLE",
  "ENGINE_LOAD",
  "COOLANT_TEMPERATURE",
  "LONG_TERM_FUEL_TRIM_BANK_1",
  "SHORT_TERM_FUEL_TRIM_BANK_1",
  "INTAKE_MANIFOLD_PRESSURE",
  "FUEL_TANK",
  "ABSOLUTE_THROTTLE_B",
  "PEDAL_D",
  "PEDAL_E",
  "COMMANDED_THROTTLE_ACTUATOR",
  "FUEL_AIR_COMMANDED_EQUIV_RATIO",
  "ABSOLUTE_BAROMETRIC_PRESSURE",
  "RELATIVE_THROTTLE_POSITION",
  "INTAKE_AIR_TEMP",
  "TIMING_ADVANCE",
  "CATALYST_TEMPERATURE_BANK1_SENSOR1",
  "CATALYST_TEMPERATURE_BANK1_SENSOR2",
  "CONTROL_MODULE_VOLTAGE",
  "COMMANDED_EVAPORATIVE_PURGE",
  "TIME_RUN_WITH_MIL_ON",
  "TIME_SINCE_TROUBLE_CODES_CLEARED",
  "DISTANCE_TRAVELED_WITH_MIL_ON",
  "WARM_UPS_SINCE_CODES_CLEARED",
];

/**
 * A drive that nobody drove, in the logger's form: 27 columns, " ()" behind every name, a space
 * before every value but a row's first, six decimals, a comma and CRLF at the end of every row.
 * @param {number} rows
 * @returns {string} CSV
 */
export function generatedDrive(rows) {
  const lines = Array.from({ length: rows }, (_, second) => {
    const cells = HEADER.map((_, column) => {
      if (column === 0) return Math.floor(second / 2);
      if (column % 9 === 0) return column * 10;
      return Math.round(
        (100 * Math.sin((second * column) / 97) + 3 * ((second * column) % 7)) * 1e4,
      ) / 1e4;
    });
    return `${cells.map((cell) => cell.toFixed(6)).join(", ")},\r\n`;
  });
  return `${HEADER.map((name) => `${name} ()`).join(",")}\r\n${lines.join("")}`;
}

/**
 * @param {string} csv
 * @returns {Map<string, number[]>} the values of each column, a row a value, by the metric's name
 */
export function readDrive(csv) {
  const [header, ...rows] = csv.split(/\r?\n/).filter(Boolean).map((line) => line.split(","));
  const columns = new Map(header.map((name) => [metricName(name), []]));
  for (const row of rows) {
    [...columns.values()].forEach((values, column) => values.push(Number(row[column])));
  }
  return columns;
}

/** The empty unit goes, and the rest is written as metrics are. */
const metricName = (heading) => heading.replace("()", "").trim().toLowerCase();

/**
 * The buckets of a column.
 * @param {number[]} values
 * @param {number[]} starts of the buckets that the values belong to, ascending, a value each
 */
export function expectedBuckets(values, starts) {
  const byStart = new Map(starts.map((start) => [start, []]));
  values.forEach((value, row) => byStart.get(starts[row]).push(value));
  return [...byStart].map(([start, inside]) => {
    const sum = inside.reduce((total, value) => total + value, 0);
    return {
      at: start,
      count: inside.length,
      min: Math.min(...inside),
      max: Math.max(...inside),
      sum,
      avg: sum / inside.length,
      first: inside[0],
      last: inside.at(-1),
    };
  });
}
