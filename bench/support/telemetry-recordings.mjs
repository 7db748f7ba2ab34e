// Measurements that nobody of us made, for the telemetry bench: drives of a car, one row a second
// without a time, and the temperature of a machine every five minutes.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { addDays, makePlainTable } from "./telemetry-fleet.mjs";

const OBD_START = Date.parse("2026-03-02T08:00:00Z"); // rows count seconds; any start will do
const MESSAGES_A_CALL = 300; // 27 readings each stay below the limits of one call

const lines = (file) => readFileSync(file, "utf8").trim().split("\n");

// Each recording as messages {device, at, values}, all values numbers.
function drives(folder) {
  return readdirSync(folder).filter((file) => file.endsWith(".csv")).sort().flatMap((file) => {
    const [head, ...rows] = lines(join(folder, file));
    const names = head.split(",").map((name) => name.replace(" ()", "").trim().toLowerCase());
    return rows.map((row, second) => ({
      device: file.replace(".csv", ""),
      at: new Date(OBD_START + second * 1000).toISOString(),
      values: Object.fromEntries(
        row.split(",").slice(0, names.length).map((value, place) => [names[place], Number(value)]),
      ),
    }));
  });
}

// The machine's clock was put back once: of two values of one time the later counts, as it does here.
function machine(folder) {
  const messages = readdirSync(folder).filter((file) => file.endsWith(".csv")).flatMap((file) =>
    lines(join(folder, file)).slice(1).map((row) => {
      const [at, value] = row.split(",");
      return {
        device: "machine",
        at: `${at.replace(" ", "T")}Z`,
        values: { value: Number(value) },
      };
    })
  );
  return [...new Map(messages.map((message) => [message.at, message])).values()];
}

// Stores messages through v1.ingest and, as rows, in a plain table. The plain table has numbers for
// names, as one who cares for its size would have it.
async function store(admin, tenant, messages, table, days) {
  await admin.query(
    `update core.tenants set settings = '{"iot": {"auto_register_devices": true}}' where id = $1`,
    [tenant.id],
  );
  for (let at = 0; at < messages.length; at += MESSAGES_A_CALL) {
    const part = messages.slice(at, at + MESSAGES_A_CALL);
    const [{ answer }] = await tenant.member.query("select v1.ingest($1::jsonb) as answer", [
      JSON.stringify(part),
    ]);
    if (answer.accepted !== part.length) throw new Error(JSON.stringify(answer.rejected[0]));
  }
  await makePlainTable(admin, table);
  await addDays(admin, table, ...days);
  const devices = [...new Set(messages.map(({ device }) => device))];
  const metrics = Object.keys(messages[0].values);
  await admin.query(
    `insert into ${table} (device, metric, at, value)
     select array_position($1::text[], message ->> 'device'),
       array_position($2::text[], reading.key), (message ->> 'at')::timestamptz,
       reading.value::double precision
     from jsonb_array_elements($3::jsonb) as message
     cross join lateral jsonb_each_text(message -> 'values') as reading`,
    [devices, metrics, JSON.stringify(messages)],
  );
  await admin.query(`vacuum analyze ${table}`);
}

// A question as Q1 is: one metric of one device, avg, min and max in buckets.
function question(table, device, metric, from, to, bucket) {
  const range = `at >= '${from}' and at < '${to}'`;
  return {
    name: table,
    sum: [1, 1],
    within: 1e-9,
    plain: {
      name: table,
      text: `
        select date_bin('${bucket}', at, timestamptz '2000-01-01 00:00Z'), avg(value), min(value),
          max(value)
        from ${table} where device = ${device.number} and metric = ${metric.number} and ${range}
        group by 1 order by 1`,
    },
    ours: {
      name: table,
      text: `
        select at, avg, min, max from v1.telemetry(
          devices => array['${device.name}'], metrics => array['${metric.name}'],
          "from" => '${from}', "to" => '${to}', bucket => '${bucket}', aggregates => '{avg,min,max}'
        )`,
    },
  };
}

const readings = (messages) =>
  messages.reduce((sum, { values }) => sum + Object.keys(values).length, 0);

export function recordings(folder) {
  const [obd, nab] = [drives(join(folder, "obd")), machine(join(folder, "nab"))];
  const metric = "engine_rpm";
  return [
    {
      name: "obd",
      points: readings(obd),
      store: (admin, tenant) => store(admin, tenant, obd, "bench.obd", ["2026-03-01", 3]),
      question: question(
        "bench.obd",
        { name: "drive1", number: 1 },
        { name: metric, number: Object.keys(obd[0].values).indexOf(metric) + 1 },
        "2026-03-02 08:00Z",
        "2026-03-02 09:00Z",
        "1 minute",
      ),
    },
    {
      name: "nab",
      points: readings(nab),
      store: (admin, tenant) => store(admin, tenant, nab, "bench.nab", ["2013-12-01", 90]),
      question: question(
        "bench.nab",
        { name: "machine", number: 1 },
        { name: "value", number: 1 },
        "2014-01-06 00:00Z",
        "2014-01-13 00:00Z",
        "1 hour",
      ),
    },
  ];
}
