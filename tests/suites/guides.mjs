// The guides are right: their code runs from top to bottom and prints what its comments say.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
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

/**
 * Runs the JavaScript, the shell and the SQL of a guide in their order; each line that says what it
 * prints is held to it.
 */
async function runInOrder(guide, env, variables = {}) {
  const set = Object.entries(variables).flatMap(([name, value]) => ["-v", `${name}=${value}`]);
  const psql = [PSQL, ["-XqAt", "-v", "ON_ERROR_STOP=1", ...set, stack.env.DB_URL]];
  const inOrder = {
    js: asserting,
    sh: (code) =>
      `execFileSync("bash", ["-ec", ${JSON.stringify(code)}], { env: { ...process.env,
        DEVICE_TOKEN: typeof credential === "undefined" ? "" : credential.token } });`,
    sql: (code) => {
      const promised = [...code.matchAll(/; -- (.+)$/gm)].map(([, value]) => value);
      return `assert.deepEqual(
        execFileSync(...${JSON.stringify(psql)}, { input: ${
        JSON.stringify(code)
      }, encoding: "utf8" })
          .split("\\n").filter((line) => line && !line.startsWith("{")),
        ${JSON.stringify(promised)});`;
    },
  };
  const blocks = codeOf(guide).map(({ language, code }) => inOrder[language]?.(code) ?? "");
  await run(process.execPath, ["--input-type=module", "-"], {
    cwd: ROOT,
    env: { ...stack.env, ...env },
    input: `
      import assert from "node:assert/strict";
      import { execFileSync } from "node:child_process";
      ${blocks.join("\n")}
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

/** What the SQL of a guide prints, and what its comments say, by default those at the start of lines. */
const printedAndPromised = async (guide, variables = {}, promise = /^-- (.+)$/gm) => {
  const code = codeOf(guide).filter(({ language }) => language === "sql").map((block) => block.code)
    .join("\n");
  const set = Object.entries(variables).flatMap(([name, value]) => ["-v", `${name}=${value}`]);
  const output = await run(PSQL, ["-XqAt", "-v", "ON_ERROR_STOP=1", ...set, stack.env.DB_URL], {
    input: `begin;\nset local timezone = 'UTC';\n${code}\nrollback;\n`,
  });
  return {
    // Not the claims that set_config returns.
    printed: output.split("\n").filter((line) => line && !line.startsWith("{")),
    promised: [...code.matchAll(promise)].map(([, row]) => row),
  };
};

test("the guide to the hooks of Auth does what it says", async () => {
  const { members } = await addTenant(stack, "hooked-north", {
    members: { nora: { role: "viewer" } },
  });
  const { printed, promised } = await printedAndPromised("auth-hooks", members, /; -- (.+)$/gm);
  assert.ok(promised.length >= 8);
  assert.deepEqual(printed, promised);
});

test("the guide to statistics does what it says", async () => {
  const { printed, promised } = await printedAndPromised("statistics");
  assert.ok(promised.length >= 30);
  assert.deepEqual(printed, promised);
});

test("the guide from TimescaleDB does what it says", async () => {
  const tenant = await addTenant(stack, "timescale", { members: { tim: { role: "owner" } } });
  const { printed, promised } = await printedAndPromised("from-timescaledb", {
    user_id: tenant.members.tim,
  });
  assert.ok(promised.length >= 10);
  assert.deepEqual(printed, promised);
});

test("the guide to rate limits does what it says", async () => {
  const north = await addTenant(stack, "limited", { members: { nora: { role: "owner" } } });
  const { printed, promised } = await printedAndPromised("rate-limits", {
    nora: north.members.nora,
    north: north.id,
  });
  assert.ok(promised.length >= 15);
  assert.deepEqual(printed, promised);
});

test("the guide to data protection does what it says", async () => {
  const tenant = await addTenant(stack, "careful", { members: { dana: { role: "owner" } } });
  const { printed, promised } = await printedAndPromised("data-protection", {
    tenant_id: tenant.id,
    user_id: tenant.members.dana,
  });
  assert.ok(promised.length >= 30);
  assert.deepEqual(printed, promised);
});

test("the guide to the audit does what it says", async () => {
  const tenant = await addTenant(stack, "audited", { members: { olga: { role: "owner" } } });
  const { printed, promised } = await printedAndPromised("audit", {
    tenant_id: tenant.id,
    user_id: tenant.members.olga,
  });
  assert.ok(promised.length >= 4);
  assert.deepEqual(printed, promised);
});

test("the guide to operations does what it says", async () => {
  const tenant = await addTenant(stack, "operated", { members: { otto: { role: "viewer" } } });
  const { printed, promised } = await printedAndPromised("operations", {
    user_id: tenant.members.otto,
  });
  assert.ok(promised.length >= 4);
  assert.deepEqual(printed, promised);
});

test("the guide to telemetry does what it says", async () => {
  const acme = await addTenant(stack, "acme", { members: { ada: { role: "owner" } } });
  const [password] = (await stack.devicePasswords(["acme/d/boiler-1"])).values();
  const env = {
    ...stack.env,
    MQTT_PASSWORD: password,
    USER_TOKEN: sign({ role: "authenticated", sub: acme.members.ada }, stack.env.JWT_SECRET),
  };
  const psql = [PSQL, [
    "-XqAt",
    "-v",
    "ON_ERROR_STOP=1",
    "-v",
    `user_id=${acme.members.ada}`,
    stack.env.DB_URL,
  ]];
  const inOrder = {
    js: asserting,
    sh: (code) =>
      `execFileSync("bash", ["-ec", ${JSON.stringify(code)}], { cwd: ${
        JSON.stringify(stack.folder)
      } });\n`,
    sql: (code) =>
      `sqlPrinted = execFileSync(...${JSON.stringify(psql)}, { input: ${
        JSON.stringify(code)
      }, encoding: "utf8" });\n`,
  };
  const program = codeOf("telemetry").map(({ language, code }) => inOrder[language]?.(code) ?? "")
    .join("\n");
  const printed = await run(process.execPath, ["--input-type=module", "-"], {
    cwd: ROOT, // where its imports are looked up
    env,
    input: `
      import assert from "node:assert/strict";
      import { execFileSync } from "node:child_process";
      let sqlPrinted;
      ${program}
      assert.match(sqlPrinted, /\\|0\\|62\\.13/, "an hour without readings, on the line");
      assert.match(sqlPrinted, /^boiler-1\\|2\\|64$/m);
    `,
  });
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
  const psql = [PSQL, ["-XqAt", "-v", "ON_ERROR_STOP=1", stack.env.DB_URL]];
  const inOrder = {
    js: asserting,
    sql: (code) =>
      `sqlPrinted = execFileSync(...${JSON.stringify(psql)}, { input: ${
        JSON.stringify(code)
      }, encoding: "utf8" });\n`,
  };
  const program = codeOf("retention").map(({ language, code }) => inOrder[language]?.(code) ?? "")
    .join("\n");
  await run(process.execPath, ["--input-type=module", "-"], {
    cwd: ROOT,
    env: {
      ...stack.env,
      USER_TOKEN: sign({ role: "authenticated", sub: ember.members.ida }, stack.env.JWT_SECRET),
    },
    input: `
      import assert from "node:assert/strict";
      import { execFileSync } from "node:child_process";
      let sqlPrinted;
      ${program}
      assert.match(sqlPrinted, /^5760\|/, "what the preview said");
    `,
  });
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
