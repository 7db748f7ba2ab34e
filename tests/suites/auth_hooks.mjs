// The hooks of Supabase Auth, called from many connections at once as Auth calls them.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { addTenant } from "../support/identities.mjs";
import { run } from "../support/process.mjs";
import { stack } from "../support/shared_stack.mjs";
import { PSQL } from "../support/stack.mjs";

/** Calls a hook in a transaction of its own, as Auth's role and with Auth's settings. */
const hook = async (name, event) => {
  const output = await run(
    PSQL,
    [
      "-XqAt",
      "-v",
      "ON_ERROR_STOP=1",
      "-v",
      `event=${JSON.stringify(event)}`,
      stack.env.DB_ADMIN_URL,
    ],
    {
      input: `
        begin;
        set local role supabase_auth_admin;
        set local search_path = auth;
        set local statement_timeout to '2000';
        select "hooks"."${name}"(:'event');
        commit;
      `,
    },
  );
  return JSON.parse(output);
};

describe("fifty attempts at once", () => {
  let bea;

  before(async () => {
    const { members } = await addTenant(stack, "hooked", { members: { bea: { role: "owner" } } });
    bea = members.bea;
  });

  const attempt = (address, valid) =>
    hook("password_verification_attempt", {
      metadata: { ip_address: address },
      user_id: bea,
      valid,
    });
  const failures = async () =>
    (await stack.sql(
      "select failures from core.sign_in_authenticators where user_id = :'bea'",
      { bea },
    ))[0];

  test("from as many networks count fifty failures", async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, place) => attempt(`10.1.${place}.1`, false)),
    );
    assert.deepEqual(new Set(answers.map(({ decision }) => decision)), new Set(["continue"]));
    assert.equal(await failures(), 50);
  });

  test("from one network are heard five times, right or wrong", async () => {
    await attempt("10.2.0.1", true); // known from now on, and the row of failures ends
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => attempt("10.3.0.1", false)),
    );
    assert.equal(answers.filter(({ decision }) => decision === "continue").length, 5);
    assert.equal(await failures(), 5);
  });

  test("of strangers do not keep the account's holder out", async () => {
    const answers = await Promise.all([
      ...Array.from({ length: 49 }, (_, place) => attempt(`10.4.${place}.1`, false)),
      attempt("10.2.0.1", true),
    ]);
    assert.equal(answers.at(-1).decision, "continue");
  });

  test("of which half are sign-ins by mail end without a deadlock", async () => {
    const answers = await Promise.all(
      Array.from({ length: 25 }, (_, place) => [
        attempt(`10.5.${place % 3}.1`, true),
        hook("custom_access_token", {
          metadata: { ip_address: `10.5.${place % 3}.1` },
          user_id: bea,
          claims: { sub: bea },
          authentication_method: "magiclink",
        }),
      ]).flat(),
    );
    for (const { decision, claims } of answers) {
      assert.ok(decision === "continue" || claims.tenon.tenant === "hooked");
    }
    const [known] = await stack.sql(
      "select count(*) from core.sign_in_attempts where user_id = :'bea' and network << '10.5.0.0/16' and succeeded_at is not null",
      { bea },
    );
    assert.equal(known, 3);
  });
});
