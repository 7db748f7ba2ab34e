// The records of the CRM where many write at once, through the API.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { addTenant, dataOf, userClient } from "../support/identities.mjs";
import { stack } from "../support/shared_stack.mjs";

const WRITERS = 20;

describe("a deal that many write at", () => {
  let client, deal;

  before(async () => {
    const tenant = await addTenant(stack, "crm-crowd", { members: { cora: { role: "owner" } } });
    client = userClient(stack, tenant.members.cora);
    deal = await dataOf(
      client.from("deals").insert({ name: "Crowded", currency: "EUR" }).select().single(),
    );
  });

  const read = () => dataOf(client.from("deals").select().eq("id", deal.id).single());
  const atOnce = (work) =>
    Promise.all(Array.from({ length: WRITERS }, (_, number) => work(number)));

  test("is worth all of its lines", async () => {
    const lines = await atOnce((number) =>
      dataOf(
        client.from("deal_lines")
          .insert({ deal_id: deal.id, name: `Line ${number}`, unit_price_minor: 2 ** number })
          .select().single(),
      )
    );
    assert.equal((await read()).amount_minor, 2 ** WRITERS - 1);
    await atOnce((number) =>
      number % 2 === 0
        ? dataOf(client.from("deal_lines").delete().eq("id", lines[number].id))
        : dataOf(client.from("deal_lines").update({ quantity: 2 }).eq("id", lines[number].id))
    );
    const odd = lines.filter((_, number) => number % 2 === 1);
    assert.equal(
      (await read()).amount_minor,
      odd.reduce((sum, { unit_price_minor }) => sum + 2 * unit_price_minor, 0),
    );
  });

  test("is moved by one of them, and the others are told", async () => {
    const { version } = await read();
    const answers = await atOnce(() =>
      client.rpc("move", { subject: deal.id, to: "needs", expected_version: version })
    );
    const codes = answers.map(({ error }) => error?.code ?? "moved").sort();
    assert.deepEqual(
      codes,
      ["moved", ...Array(WRITERS - 1).fill("pipeline.version_conflict")].sort(),
    );
    assert.ok(answers.every(({ error, status }) => status === (error ? 409 : 200)));
  });
});
