// The guides are right: their code runs from top to bottom and prints what its comments say.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { sign } from "../../scripts/token.mjs";
import { addTenant, dataOf, userClient } from "../support/identities.mjs";
import { run, until } from "../support/process.mjs";
import { stack } from "../support/shared_stack.mjs";
import { PSQL, ROOT } from "../support/stack.mjs";

/** The code of a guide: fenced blocks and their language; "js ignore" is a language of its own. */
const codeOf = (guide) =>
  [...readFileSync(`${ROOT}docs/guides/${guide}.md`, "utf8").matchAll(/^```(.+)\n([^]*?)^```$/gm)]
    .map(([, language, code]) => ({ language, code }));

const isRun = ({ language }) => ["js", "sh", "sql"].includes(language);

/** Guides that a test below has run. */
const tried = new Set();

/** A line of a guide that says what it prints becomes an assertion of it. */
const asserting = (code) =>
  code.replaceAll(
    /^console\.log\((.*)\); \/\/ (.+)$/gm,
    (_, values, promised) => `assert.equal([${values}].join(" "), ${JSON.stringify(promised)});`,
  );

/** Users who belong to nobody yet, with confirmed addresses. @returns {Promise<Record<string, string>>} ids by name */
async function addUsers(...names) {
  const ids = Object.fromEntries(names.map((name) => [name, randomUUID()]));
  await stack.sql(
    `insert into auth.users (id, email, email_confirmed_at)
     select value::uuid, key || '@example.com', now() from jsonb_each_text(:'ids');`,
    { ids },
  );
  return ids;
}

const tokenOf = (user) =>
  sign({ role: "authenticated", aud: "authenticated", sub: user }, stack.env.JWT_SECRET);

/** psql, which says no more than what statements return. */
const psqlWith = (variables) => {
  const set = Object.entries(variables).flatMap(([name, value]) => ["-v", `${name}=${value}`]);
  return [PSQL, ["-XqAt", "-v", "ON_ERROR_STOP=1", ...set, stack.env.DB_URL]];
};

/** What SQL says that it prints: in comments at the start of a line, or behind a statement. */
const promisedBy = (sql) => [...sql.matchAll(/(?:^|; )-- (.+)$/gm)].map(([, row]) => row);

/** What psql has printed, without the claims that set_config returns. */
const rowsIn = (output) => output.split("\n").filter((line) => line && !line.startsWith("{"));

/** Runs the SQL of a guide as one transaction, which leaves nothing; it prints what it promises. */
async function runInTransaction(guide, variables = {}) {
  tried.add(guide);
  const code = codeOf(guide).filter(({ language }) => language === "sql").map((block) => block.code)
    .join("\n");
  const output = await run(...psqlWith(variables), {
    input: `begin;\nset local timezone = 'UTC';\n${code}\nrollback;\n`,
  });
  assert.ok(promisedBy(code).length > 0, "it promises something");
  assert.deepEqual(rowsIn(output), promisedBy(code));
}

/**
 * Runs the JavaScript, the shell and the SQL of a guide in their order; each line that says what it
 * prints is held to it.
 * @param {string} guide
 * @param {Record<string, string>} env
 * @param {Record<string, string>} [variables] of psql
 * @param {string} [ending] JavaScript that looks into sqlPrinted, what SQL without a promise has printed
 * @returns {Promise<string>} what was printed without being promised
 */
function runInOrder(guide, env, variables = {}, ending = "") {
  tried.add(guide);
  const inOrder = {
    js: asserting,
    sh: (code) =>
      `execFileSync("bash", ["-ec", ${JSON.stringify(code)}], {
        cwd: ${JSON.stringify(stack.folder)},
        env: { ...process.env, DEVICE_TOKEN: typeof credential === "undefined" ? "" : credential.token },
      });`,
    sql: (code) => `runSql(${JSON.stringify(code)}, ${JSON.stringify(promisedBy(code))});`,
  };
  const blocks = codeOf(guide).filter(isRun).map(({ language, code }) => inOrder[language](code));
  return run(process.execPath, ["--input-type=module", "-"], {
    cwd: ROOT, // where its imports are looked up
    env: { ...stack.env, ...env },
    input: `
      import assert from "node:assert/strict";
      import { execFileSync } from "node:child_process";
      const sqlPrinted = [];
      const rowsIn = ${rowsIn};
      const runSql = (input, promised) => {
        const [psql, options] = ${JSON.stringify(psqlWith(variables))};
        const printed = rowsIn(execFileSync(psql, options, { input, encoding: "utf8" }));
        if (promised.length > 0) assert.deepEqual(printed, promised);
        else sqlPrinted.push(...printed);
      };
      ${blocks.join("\n")}
      ${ending || "assert.deepEqual(sqlPrinted, []);"}
    `,
  });
}

test("the guide to tenancy does what it says", async () => {
  const ids = await addUsers("nora", "nils", "nina");
  await runInOrder(
    "tenancy",
    { NORA_TOKEN: tokenOf(ids.nora), NILS_TOKEN: tokenOf(ids.nils) },
    ids,
  );
  await stack.sql(`
    drop table public.orders;
    delete from core.role_permissions where permission like 'app.orders.%';
    delete from core.fields where object = 'app.orders';
    delete from core.permissions where permission like 'app.orders.%';
  `);
});

test("the guide to API keys does what it says", async () => {
  const harbour = await addTenant(stack, "harbour", {
    devices: ["crane-1"],
    members: { hanna: { role: "owner" } },
  });
  await runInOrder("api-keys", { USER_TOKEN: tokenOf(harbour.members.hanna) });
  await stack.sql("update core.tenants set settings = '{}' where id = core.platform_tenant_id();");
});

test("the guide to the CRM does what it says", async () => {
  const tenant = await addTenant(stack, "crm-guided", { members: { cora: { role: "owner" } } });
  await runInOrder("crm", { USER_TOKEN: tokenOf(tenant.members.cora) });
});

test("the guide to the hooks of Auth does what it says", async () => {
  const { members } = await addTenant(stack, "hooked-north", {
    members: { nora: { role: "viewer" } },
  });
  await runInTransaction("auth-hooks", members);
});

test("the guide to templates does what it says", async () => {
  const tenant = await addTenant(stack, "templated", { members: { tess: { role: "owner" } } });
  await runInTransaction("templates", { tenant_id: tenant.id, user_id: tenant.members.tess });
});

test("the guide to pipelines does what it says", async () => {
  const tenant = await addTenant(stack, "piped", { members: { pia: { role: "owner" } } });
  await runInTransaction("pipelines", { tenant_id: tenant.id, user_id: tenant.members.pia });
});

test("the guide to search does what it says", async () => {
  const tenant = await addTenant(stack, "searched", { members: { sara: { role: "owner" } } });
  await runInTransaction("search", { tenant_id: tenant.id, user_id: tenant.members.sara });
});

test("the guide to jobs does what it says", async () => {
  const tenant = await addTenant(stack, "busy", { members: { otis: { role: "owner" } } });
  await runInTransaction("jobs", { tenant_id: tenant.id, user_id: tenant.members.otis });
});

test("the guide to custom fields does what it says", async () => {
  const tenant = await addTenant(stack, "tailored", { members: { tara: { role: "owner" } } });
  await runInTransaction("custom-fields", { user_id: tenant.members.tara });
});

for (const guide of ["assignment", "service-levels", "activities"]) {
  test(`the guide to ${guide} does what it says`, async () => {
    const north = await addTenant(stack, guide, {
      members: { nora: { role: "owner" }, nils: { role: "viewer" } },
    });
    await runInTransaction(guide, north.members);
  });
}

test("the guide to imports does what it says", async () => {
  const tenant = await addTenant(stack, "importing", { members: { ada: { role: "manager" } } });
  await runInOrder("imports", { ADA_TOKEN: tokenOf(tenant.members.ada) });
});

test("the guide to statistics does what it says", async () => {
  await runInTransaction("statistics");
});

test("the guide from TimescaleDB does what it says", async () => {
  const tenant = await addTenant(stack, "timescale", { members: { tim: { role: "owner" } } });
  await runInTransaction("from-timescaledb", { user_id: tenant.members.tim });
});

test("the guide to rate limits does what it says", async () => {
  const north = await addTenant(stack, "limited", { members: { nora: { role: "owner" } } });
  await runInTransaction("rate-limits", { nora: north.members.nora, north: north.id });
});

test("the guide to delivery does what it says", async () => {
  const north = await addTenant(stack, "delivering", { members: { nora: { role: "owner" } } });
  await runInTransaction("delivery", { nora: north.members.nora, north: north.id });
});

test("the guide to inbound webhooks does what it says", async () => {
  const north = await addTenant(stack, "receiving", { members: { nora: { role: "owner" } } });
  await runInTransaction("inbound-webhooks", { nora: north.members.nora });
});

test("the guide to conditions does what it says", async () => {
  await runInTransaction("conditions");
});

test("the guide to data protection does what it says", async () => {
  const tenant = await addTenant(stack, "careful", { members: { dana: { role: "owner" } } });
  await runInTransaction("data-protection", { tenant_id: tenant.id, user_id: tenant.members.dana });
});

test("the guide to the audit does what it says", async () => {
  const tenant = await addTenant(stack, "audited", { members: { olga: { role: "owner" } } });
  await runInTransaction("audit", { tenant_id: tenant.id, user_id: tenant.members.olga });
});

test("the guide to operations does what it says", async () => {
  const tenant = await addTenant(stack, "operated", { members: { otto: { role: "viewer" } } });
  await runInTransaction("operations", { user_id: tenant.members.otto });
});

test("the guide to telemetry does what it says", async () => {
  const acme = await addTenant(stack, "acme", { members: { ada: { role: "owner" } } });
  const [password] = (await stack.devicePasswords(["acme/d/boiler-1"])).values();
  const printed = await runInOrder(
    "telemetry",
    { MQTT_PASSWORD: password, USER_TOKEN: tokenOf(acme.members.ada) },
    { user_id: acme.members.ada },
    `assert.ok(sqlPrinted.some((row) => /\\|0\\|62\\.13/.test(row)), "an hour without readings, on the line");
     assert.ok(sqlPrinted.includes("boiler-1|2|64"));`,
  );
  assert.match(printed, /^temperature \S+ 64 Cel$/m);
  const file = readFileSync(`${stack.folder}/boiler-2.csv`, "utf8").trimEnd().split("\n");
  assert.equal(file.length, 721, "names and readings");

  const client = userClient(stack, acme.members.ada);
  await until("the reading sent over MQTT is the latest", async () => {
    const latest = await dataOf(client.rpc("latest", { devices: ["boiler-1"] }));
    return latest.some(({ metric, value }) => metric === "pressure" && value === 1.5);
  });
});

test("the guide to retention does what it says", async (t) => {
  const ember = await addTenant(stack, "ember", {
    devices: ["oven-1"],
    members: { ida: { role: "owner" } },
  });
  // Two days of a reading a minute, 100 days ago, in blocks.
  await stack.sql(
    `
    select count(*)
    from tenon.batch_from_json(
        'ember', 'oven-1', (
            select jsonb_agg(jsonb_build_object(
                'at', date_trunc('day', now(), 'UTC') + (minute - 100 * 1440) * interval '1 minute',
                'values', '{"vibration": 1.5, "temperature": 21, "pressure": 3}'::jsonb
            ))
            from generate_series(0, 2879) as minute
        ), now()
    ) as read
    cross join lateral iot.ingest(read.batch);
    `,
  );
  await until("the readings are in blocks", async () => {
    await stack.sql("select to_jsonb(made) from iot.compact() as made;");
    const [batches] = await stack.sql(
      "select count(*) from iot.batches where tenant_id = :'id';",
      { id: ember.id },
    );
    return batches === 0;
  });
  // The bridge keeps house once a minute, and would do what the guide is about to show.
  await stack.stop("bridge");
  t.after(() => stack.start("bridge"));
  await runInOrder(
    "retention",
    { USER_TOKEN: tokenOf(ember.members.ida) },
    {},
    'assert.match(sqlPrinted[0], /^5760\\|/, "what the preview said");',
  );
});

test("the guide to events does what it says", async () => {
  const haven = await addTenant(stack, "haven", { members: { hal: { role: "owner" } } });
  await runInOrder("events", { USER_TOKEN: tokenOf(haven.members.hal) });
});

test("the guide to idempotency does what it says", async () => {
  const quay = await addTenant(stack, "quay", { members: { kay: { role: "owner" } } });
  await runInOrder("idempotency", { USER_TOKEN: tokenOf(quay.members.kay) }, {
    user_id: quay.members.kay,
  });
});

test("the guide to lead conversion does what it says", async () => {
  const foundry = await addTenant(stack, "foundry", { members: { finn: { role: "owner" } } });
  await runInOrder("lead-conversion", { USER_TOKEN: tokenOf(foundry.members.finn) });
});

test("the guide to segments does what it says", async () => {
  const bakery = await addTenant(stack, "bakery", { members: { bob: { role: "owner" } } });
  await runInOrder("segments", { USER_TOKEN: tokenOf(bakery.members.bob) });
});

test("the guide to webhooks does what it says", async () => {
  const beacon = await addTenant(stack, "beacon", { members: { bea: { role: "owner" } } });
  await runInOrder("webhooks", { USER_TOKEN: tokenOf(beacon.members.bea) });
});

test("every guide with code to run is run above", () => {
  const guides = readdirSync(`${ROOT}docs/guides`).map((file) => file.replace(/\.md$/, ""));
  assert.deepEqual(guides.filter((guide) => codeOf(guide).some(isRun) && !tried.has(guide)), []);
});
