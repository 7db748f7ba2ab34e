// The questions of the telemetry bench, each as the best SQL for plain day partitions and as one
// call of ours. Both sides answer in full to a client, from prepared statements: neither pays for
// planning more than once. `sum` names the columns, plain and ours, whose sums must agree, and
// `within` how far: a percentile of ours is a sketch's.

const METRIC = { name: "coolant_temperature", number: 3 };
const DAY = { from: "2026-03-02 06:00Z", to: "2026-03-02 12:00Z" }; // all of the data
const HOUR = { from: "2026-03-02 08:00Z", to: "2026-03-02 09:00Z" };
const ORIGIN = "timestamptz '2000-01-01 00:00Z'";

const between = ({ from, to }) => `at >= '${from}' and at < '${to}'`;
const range = ({ from, to }) => `"from" => '${from}', "to" => '${to}'`;
const slug = (tenant, device) => `${tenant}-${String(device).padStart(5, "0")}`;
const slugs = (tenant, count) =>
  `array[${
    Array.from({ length: count }, (_, place) => `'${slug(tenant, place + 1)}'`).join(", ")
  }]`;

// One series, one hour, 1-minute avg, min and max.
export const oneHour = (tenant, device, hour = HOUR) => ({
  name: "q1",
  text: `
    select at, avg, min, max from v1.telemetry(
      devices => array['${slug(tenant, device)}'], metrics => array['${METRIC.name}'],
      ${range(hour)}, bucket => '1 minute', aggregates => '{avg,min,max}'
    )`,
});

const plainHour = (table, device, hour = HOUR) => ({
  name: "q1",
  text: `
    select date_bin('1 minute', at, ${ORIGIN}), avg(value), min(value), max(value)
    from ${table}
    where device = ${device} and metric = ${METRIC.number} and ${between(hour)}
    group by 1 order by 1`,
});

export const questions = (tenant, threshold) =>
  [
    {
      name: "q1",
      aim: 2.5,
      plain: plainHour("bench.plain", 500),
      ours: oneHour(tenant, 500),
      sum: [1, 1],
    },
    {
      name: "q2", // hourly avg, one metric, 100 devices
      aim: 150,
      plain: {
        text: `
        select device, date_bin('1 hour', at, ${ORIGIN}), avg(value)
        from bench.plain
        where device between 1 and 100 and metric = ${METRIC.number} and ${between(DAY)}
        group by 1, 2 order by 1, 2`,
      },
      ours: {
        text: `
        select device, at, avg from v1.telemetry(
          devices => ${slugs(tenant, 100)}, metrics => array['${METRIC.name}'], ${range(DAY)},
          bucket => '1 hour', aggregates => '{avg}'
        )`,
      },
      sum: [2, 2],
    },
    {
      name: "q3", // latest of 1,000 series; a table of the known series makes it a lookup each
      aim: 3,
      plain: {
        text: `
        select devices.number, metrics.number, latest.at, latest.value
        from generate_series(1, 100) as devices (number)
        cross join generate_series(1, 10) as metrics (number)
        cross join lateral (
          select at, value from bench.plain
          where device = devices.number and metric = metrics.number
          order by at desc limit 1
        ) as latest`,
      },
      ours: {
        text: `select device, metric, at, value from v1.latest(devices => ${slugs(tenant, 100)})`,
      },
      sum: [3, 3],
    },
    {
      name: "q4", // daily max and 95th percentile of each device, one metric, all devices
      aim: 40,
      plain: {
        text: `
        select device, date_bin('1 day', at, ${ORIGIN}), max(value),
          percentile_cont(0.95) within group (order by value)
        from bench.plain
        where metric = ${METRIC.number} and ${between(DAY)}
        group by 1, 2`,
      },
      ours: {
        text: `
        select device, at, max, p95 from v1.telemetry(
          devices => null, metrics => array['${METRIC.name}'], ${range(DAY)},
          bucket => '1 day', aggregates => '{max,p95}'
        )`,
      },
      sum: [3, 3],
      within: 0.02,
    },
    {
      name: "q5", // all points above a value that one in a thousand exceeds, one metric
      aim: 30,
      plain: {
        text: `
        select device, metric, at, value from bench.plain
        where metric = ${METRIC.number} and ${between(DAY)} and value > ${threshold}`,
      },
      ours: {
        text: `
        select device, metric, at, value from v1.readings(
          devices => null, metrics => array['${METRIC.name}'], ${range(DAY)},
          above => ${threshold}
        )`,
      },
      sum: [3, 3],
    },
    {
      name: "qx", // hourly avg, min and max of each metric over all points
      aim: 20,
      plain: {
        text: `
        select metric, date_bin('1 hour', at, ${ORIGIN}), avg(value), min(value), max(value)
        from bench.plain
        where ${between(DAY)}
        group by 1, 2 order by 1, 2`,
      },
      ours: {
        text: `
        select metric, at, avg, min, max from v1.telemetry(
          devices => null, metrics => null, ${range(DAY)}, bucket => '1 hour',
          aggregates => '{avg,min,max}', group_by => '{metric}'
        )`,
      },
      sum: [2, 2],
    },
  ].map(({ plain, ours, within = 1e-9, ...question }) => ({
    ...question,
    within,
    plain: { ...plain, name: question.name },
    ours: { ...ours, name: question.name },
  }));

// The value of the metric that one reading in a thousand exceeds.
export const THRESHOLD = `
  select percentile_disc(0.999) within group (order by value) as threshold
  from bench.plain where metric = ${METRIC.number}`;
