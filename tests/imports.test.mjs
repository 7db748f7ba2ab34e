// Imports over REST, by clients and runners that are killed: a large file is there exactly once,
// and no backend keeps more of it than a step.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import pg from "pg";
import { addTenant, dataOf, userClient } from "./support/identities.mjs";
import { run, until } from "./support/process.mjs";
import { PSQL, Stack } from "./support/stack.mjs";

const ROWS = Number(process.env.IMPORT_ROWS ?? 100_000);
const PIECE_BYTES = 512 * 1024;
/** What a runner may grow by: some steps of 2,000 rows, with their audit and events. */
const GROWN_MB_MAX = 120;

const stack = new Stack("imports");
let acme;
let ada;

before(async () => {
  await stack.up("database");
  for (const service of ["rest", "gateway"]) await stack.start(service);
  acme = await addTenant(stack, "acme", { members: { ada: { role: "manager" } } });
  ada = userClient(stack, acme.members.ada);
});
after(() => stack.down());

const call = (name, args) => dataOf(ada.rpc(name, args));
const importOf = (id) => dataOf(ada.from("imports").select().eq("id", id).single());

/** Runs jobs in a session of its own, as the bridge does. */
const runJobs = (budget = "60 seconds") =>
  run(PSQL, ["-XqAt", "-c", `call core.run_jobs('${budget}')`, stack.env.BRIDGE_DB_URL]);

const MAPPING = {
  Nr: "external_id",
  Vorname: "given_name",
  Nachname: "family_name",
  "E-Mail": "email",
  Geburtstag: "birth_date",
};
const lineOf = (place) =>
  `N${place};Jürgen ${place};"Müller; der ${place}.";j${place}@example.com;${
    1 + place % 28
  }.2.1980`;

/** A file as a spreadsheet writes it. */
const fileOf = (places) =>
  Buffer.from([Object.keys(MAPPING).join(";"), ...places.map(lineOf)].join("\r\n"), "latin1");

async function upload(id, file, from = 1) {
  for (let number = from; (number - 1) * PIECE_BYTES < file.length; number++) {
    const piece = file.subarray((number - 1) * PIECE_BYTES, number * PIECE_BYTES);
    await call("add_import_rows", { import_id: id, number, bytes: piece.toString("base64") });
  }
}

test("a large file is imported exactly once, whoever is killed meanwhile", async () => {
  const places = Array.from({ length: ROWS }, (_, place) => place + 1);
  const file = fileOf(places);
  const { id } = await call("start_import", { object: "crm.contacts", name: "large.csv" });
  // A client that lost its place sends everything again.
  await upload(id, file.subarray(0, 2 * PIECE_BYTES));
  await upload(id, file);
  await call("map_import", { import_id: id, mapping: MAPPING });
  await call("run_import", { import_id: id });
  assert.equal((await importOf(id)).row_count, ROWS);

  const runner = new pg.Client(stack.env.DB_URL);
  runner.on("error", () => {});
  await runner.connect();
  const { rows: [{ pid }] } = await runner.query("select pg_backend_pid() as pid");
  const own = () =>
    Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/RssAnon:\s+(\d+)/)[1]) / 1024;
  const grownFrom = own();
  const running = runner.query("call core.run_jobs('10 minutes')").catch(() => {});
  let grown = 0;
  await until("a third of it is written", async () => {
    grown = Math.max(grown, own() - grownFrom);
    return (await importOf(id)).done_row > ROWS / 3;
  }, { withinSeconds: 240 });
  assert.ok(grown < GROWN_MB_MAX, `the runner grew by ${grown} MB`);

  // kill -9 of the whole server, in the middle of a step.
  await stack.kill("postgres");
  await running;
  await stack.start("postgres");
  await until("it answers again", () => importOf(id).then(() => true, () => false));
  const before = await importOf(id);
  assert.equal(before.status, "running");
  assert.deepEqual(
    await stack.sql("select to_json(count(*)) from crm.contacts where external_id like 'N%';"),
    [before.created_count],
    "what is counted is there, and nothing else",
  );
  // Nobody waits for the lease of a runner that is dead.
  await stack.sql("update core.jobs set lease_expires_at = now() where status = 'running';");
  await stack.sql("update pgmq.q_tenon_jobs set vt = now();");
  await until("it is through", async () => {
    await runJobs();
    return (await importOf(id)).status === "succeeded";
  }, { withinSeconds: 480 });

  const done = await importOf(id);
  assert.deepEqual([done.created_count, done.failed_count, done.updated_count], [ROWS, 0, 0]);
  assert.deepEqual(
    await stack.sql(
      `
      select jsonb_build_object(
        'records', count(*), 'different', count(distinct external_id),
        'audited', (
          select count(*) from core.audit_entries
          where table_name = 'crm.contacts' and operation = 'insert' and caller_id = :'ada'
        ),
        'events', (
          select count(*) from core.events where type = 'crm.contact.created'
        ) + (select count(*) from core.pending_events where type = 'crm.contact.created')
      ) from crm.contacts where external_id like 'N%';`,
      { ada: acme.members.ada },
    ),
    [{ records: ROWS, different: ROWS, audited: ROWS, events: ROWS }],
  );
  assert.deepEqual(
    await dataOf(
      ada.from("contacts").select("given_name, family_name, email, birth_date")
        .eq("external_id", "N7").single(),
    ),
    {
      given_name: "Jürgen 7",
      family_name: "Müller; der 7.",
      email: "j7@example.com",
      birth_date: "1980-02-08",
    },
  );
});

test("what was exported is imported as it was", async () => {
  const strange = [
    "=1+1",
    "'=x",
    'a"b',
    "c,d;e",
    "line\nbreak",
    "+49 30",
    "@home",
    "'quoted'",
    "Ä€",
  ];
  await dataOf(
    ada.from("contacts").insert(strange.map((text, place) => ({
      external_id: `X${place}`,
      given_name: text,
      description: strange.at(-place - 1),
      birth_date: "2000-02-29",
      do_not_contact: place % 2 === 0,
    }))),
  );
  const fields = ["external_id", "given_name", "description", "birth_date", "do_not_contact"];
  const rowsNow = () =>
    dataOf(
      ada.from("contacts").select(fields.join()).like("external_id", "X%").order("external_id"),
    );
  const before = await rowsNow();
  const condition = { field: "external_id", op: "starts_with", value: "X" };
  let csv = "", after;
  do {
    const page = await call("export_csv", {
      object: "crm.contacts",
      fields,
      condition,
      after,
      row_limit: 4,
    });
    csv += page.csv;
    after = page.next ?? undefined;
  } while (after);
  await dataOf(ada.from("contacts").delete().like("external_id", "X%"));

  const { id } = await call("start_import", { object: "crm.contacts", name: "again.csv" });
  const { header } = await call("add_import_rows", { import_id: id, number: 1, csv });
  const mapping = await call("propose_import_mapping", { object: "crm.contacts", header });
  await call("map_import", { import_id: id, mapping });
  await call("run_import", { import_id: id });
  await runJobs();
  assert.equal((await importOf(id)).created_count, strange.length);
  assert.deepEqual(await rowsNow(), before);
});
