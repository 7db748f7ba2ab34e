// Leads are converted once, whoever converts at the same moment, and what came of them can be taken
// back; segments find what their conditions say, as an application asks for it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { addTenant, dataOf, userClient } from "./support/identities.mjs";
import { Stack } from "./support/stack.mjs";

const stack = new Stack("conversion");
let ada, eve;

before(async () => {
  await stack.up("database");
  for (const service of ["rest", "gateway"]) await stack.start(service);
  const acme = await addTenant(stack, "acme", { members: { ada: { role: "owner" } } });
  const rival = await addTenant(stack, "rival", { members: { eve: { role: "owner" } } });
  ada = userClient(stack, acme.members.ada);
  eve = userClient(stack, rival.members.eve);
});
after(() => stack.down());

const add = async (client, view, row) => {
  const [made] = await dataOf(client.from(view).insert(row).select());
  return made;
};
const convert = (client, lead, options = {}) =>
  client.rpc("convert_lead", { lead_id: lead.id, expected_version: lead.version, options });
const countOf = async (client, view) =>
  (await client.from(view).select("id", { count: "exact", head: true })).count;

describe("conversion", () => {
  test("of ten who convert one lead at once, one does", async () => {
    const lead = await add(ada, "leads", { given_name: "Ida", email: "ida@one.example" });
    const contacts = await countOf(ada, "contacts");
    const answers = await Promise.all(Array.from({ length: 10 }, () => convert(ada, lead)));
    const refused = answers.filter(({ error }) => error);
    assert.deepEqual(
      refused.map(({ status, error }) => `${status} ${error.code}`),
      Array(9).fill("409 conversion.done"),
    );
    assert.equal(await countOf(ada, "contacts"), contacts + 1);
  });

  test("ten leads of one person become one contact, whoever converts them at once", async () => {
    const contacts = await countOf(ada, "contacts");
    const companies = await countOf(ada, "companies");
    const leads = await Promise.all(
      Array.from({ length: 10 }, (_, number) =>
        add(ada, "leads", {
          given_name: "Joe",
          company_name: "Two",
          email: number % 2 ? "joe@two.example" : " JOE@two.example",
          phone: `+49 30 10000${number}`,
        })),
    );
    const answers = await Promise.all(leads.map((lead) => dataOf(convert(ada, lead))));
    assert.equal(new Set(answers.map(({ contact_id }) => contact_id)).size, 1);
    assert.equal(await countOf(ada, "contacts"), contacts + 1);
    assert.equal(await countOf(ada, "companies"), companies + 1);
    const points = await dataOf(
      ada.from("contact_points").select("value").eq("contact_id", answers[0].contact_id),
    );
    assert.equal(points.length, 9, "the other phones are kept");
  });

  test("a lead of another version is left alone", async () => {
    const lead = await add(ada, "leads", { given_name: "Kim" });
    await dataOf(ada.from("leads").update({ phone: "+1 555 000111" }).eq("id", lead.id));
    const { status, error } = await convert(ada, lead);
    assert.deepEqual([status, error.code], [409, "conversion.version_conflict"]);
  });

  test("what is taken back is gone, and the lead can be converted again", async () => {
    const lead = await add(ada, "leads", { given_name: "Lea", company_name: "Three" });
    const first = await dataOf(convert(ada, lead, { deal: true }));
    const undo = (args = {}) => ada.rpc("undo_conversion", { conversion_id: first.id, ...args });
    const preview = await dataOf(undo({ dry_run: true }));
    assert.deepEqual([preview.undone, preview.deleted.length], [false, 3]);
    const both = await Promise.all([undo(), undo()]);
    assert.deepEqual(both.map(({ error }) => error?.code ?? "done").sort(), [
      "conversion.undone",
      "done",
    ]);
    assert.deepEqual(await dataOf(ada.from("deals").select().eq("id", first.deal_id)), []);
    const [open] = await dataOf(ada.from("leads").select().eq("id", lead.id));
    assert.equal(open.converted_at, null);
    const second = await dataOf(convert(ada, open));
    assert.notEqual(second.contact_id, first.contact_id);
    const told = await dataOf(ada.from("conversions").select().eq("lead_id", lead.id));
    assert.equal(told.length, 2);
  });

  test("strangers find no lead, no conversion and no contact", async () => {
    const lead = await add(ada, "leads", { given_name: "Mia", email: "mia@four.example" });
    const done = await dataOf(convert(ada, lead));
    const own = await add(eve, "leads", { given_name: "Mia", email: "mia@four.example" });
    const refusals = await Promise.all([
      convert(eve, lead),
      convert(eve, own, { contact_id: done.contact_id }),
      eve.rpc("preview_conversion", { lead_id: own.id, options: { contact_id: done.contact_id } }),
      eve.rpc("undo_conversion", { conversion_id: done.id }),
    ]);
    assert.deepEqual(refusals.map(({ status }) => status), [404, 404, 404, 404]);
    const theirs = await dataOf(convert(eve, own));
    assert.equal(theirs.decision.contact.rule, "new");
  });
});

describe("segments", () => {
  test("a segment pages through all of its records once", async () => {
    await dataOf(
      ada.from("contacts").insert(
        Array.from({ length: 25 }, (_, number) => ({ given_name: `P${number}`, language: "fr" })),
      ),
    );
    const segment = await dataOf(ada.rpc("save_segment", {
      object: "crm.contacts",
      slug: "french",
      name: "French",
      condition: { field: "language", op: "=", value: "fr" },
      is_shared: true,
    }));
    const seen = [];
    let page = [];
    do {
      const after = seen.at(-1);
      page = await dataOf(
        ada.rpc("segment_records", {
          segment_id: segment.id,
          max_count: 10,
          ...after && { after },
        }),
      );
      seen.push(...page.map(({ id }) => id));
    } while (page.length > 0);
    assert.equal(seen.length, 25);
    assert.equal(new Set(seen).size, 25);
    const { count } = await dataOf(ada.rpc("segment_count", { segment_id: segment.id }));
    assert.equal(count, 25);
    for (const name of ["segment_records", "segment_count", "delete_segment"]) {
      const { status, error } = await eve.rpc(name, { segment_id: segment.id });
      assert.deepEqual([status, error.code], [404, "segment.not_found"]);
    }
  });

  test("a condition is refused where it is saved, with its place", async () => {
    const { status, error } = await ada.rpc("save_segment", {
      object: "crm.contacts",
      slug: "wrong",
      name: "Wrong",
      condition: { all: [{ field: "open_deals", op: "=", value: "many" }] },
    });
    assert.deepEqual([status, error.code], [400, "condition.value_invalid"]);
    assert.match(JSON.parse(error.details).path, /^\/all\/0/);
  });
});
