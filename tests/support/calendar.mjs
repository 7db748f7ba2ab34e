// Buckets of time computed from JavaScript's own calendar (Intl), which shares no code with Tenon.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Sub-day widths count from the midnight of this day on the local clock. */
const GRID_ORIGIN = Date.UTC(2000, 0, 1);
/** A Monday. */
const WEEK_ORIGIN = Date.UTC(2000, 0, 3);

const formats = new Map();

/**
 * What a clock in the zone shows at an instant.
 * @param {number} at ms since 1970
 * @param {string} zone
 * @returns {number} the shown date and time, read as if it were UTC
 */
export function localClock(at, zone) {
  if (!formats.has(zone)) {
    formats.set(
      zone,
      new Intl.DateTimeFormat("en-u-hc-h23", {
        timeZone: zone,
        year: "numeric",
        month: "numeric",
        day: "numeric",
        hour: "numeric",
        minute: "numeric",
        second: "numeric",
      }),
    );
  }
  const parts = Object.fromEntries(
    formats.get(zone).formatToParts(at).map(({ type, value }) => [type, Number(value)]),
  );
  const whole = Date.UTC(
    parts.year,
    parts.month - 1,
    parts.day,
    parts.hour,
    parts.minute,
    parts.second,
  );
  return whole + (((at % SECOND) + SECOND) % SECOND);
}

/** The first instant at which a clock in the zone shows the local time; there has to be one. */
function instantOf(local, zone) {
  const offset = (at) => localClock(at, zone) - at;
  const candidates = [local - DAY, local + DAY].map((near) => local - offset(near));
  return Math.min(...candidates.filter((at) => localClock(at, zone) === local));
}

const floorTo = (local, origin, width) => origin + Math.floor((local - origin) / width) * width;

/** Start of the bucket of so many months, counted from the origin's month and day. */
function floorToMonths(local, origin, months) {
  const [to, from] = [new Date(local), new Date(origin)];
  const startOf = (number) =>
    Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + number * months, from.getUTCDate());
  const passed = (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() -
    from.getUTCMonth();
  const number = Math.floor(passed / months);
  return startOf(number) <= local ? startOf(number) : startOf(number - 1);
}

/**
 * Start of a bucket within a day, by the offset of the instant itself. That is right where the
 * width divides the hours by which the zone shifts, and away from a shift in any case.
 */
const within = (width) => (at, zone) => {
  const local = localClock(at, zone);
  return at - (local - floorTo(local, GRID_ORIGIN, width));
};

/** Start of a bucket on the local clock and calendar, from an origin on or where calendars have it. */
const onClock = (width, usual) => (at, zone, origin = usual) =>
  instantOf(floorTo(localClock(at, zone), origin, width), zone);
const onCalendar = (months) => (at, zone, origin = GRID_ORIGIN) =>
  instantOf(floorToMonths(localClock(at, zone), origin, months), zone);

/** Widths as intervals of Postgres. */
const BUCKET_STARTS = {
  "1 minute": within(MINUTE),
  "7 minutes": within(7 * MINUTE),
  "15 minutes": within(15 * MINUTE),
  "1 hour": within(HOUR),
  "8 hours": onClock(8 * HOUR, GRID_ORIGIN),
  "1 day": onClock(DAY, GRID_ORIGIN),
  "1 week": onClock(7 * DAY, WEEK_ORIGIN),
  "1 month": onCalendar(1),
  "3 months": onCalendar(3),
  "1 year": onCalendar(12),
};

/**
 * Start of the bucket that each instant belongs to.
 * @param {number[]} times in ms since 1970
 * @param {keyof typeof BUCKET_STARTS} width
 * @param {string} zone
 * @param {number} [origin] an instant at which a bucket begins; the clock shows its start only once a
 *   day, and for months its day of the month is one that all months have
 */
export function bucketStarts(times, width, zone, origin) {
  const local = origin === undefined ? undefined : localClock(origin, zone);
  return times.map((at) => BUCKET_STARTS[width](at, zone, local));
}
