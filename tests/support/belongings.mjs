// What a tenant may own: a row in every view of v1 that has rows of tenants, made through the API.
import assert from "node:assert/strict";
import { dataOf } from "./identities.mjs";

/**
 * Lets a tenant have one of everything.
 * @param {import("./identities.mjs").Client} owner of the tenant
 * @param {string} word is in all names, so that they are known wherever they turn up
 * @param {{ device: string, userId: string, service: import("./identities.mjs").Client }} of the
 *   tenant a device, and a member for a team; and the service role
 * @returns {Promise<Record<string, any>>} ids by what they are of; of the invitation, its id and token
 */
export async function addBelongings(owner, word, { device, userId, service }) {
  const call = (name, args) => dataOf(owner.rpc(name, args));
  await call("ingest", {
    messages: [
      { device, at: "2025-01-01T00:00:00Z", values: { [`${word}_speed`]: 50 } },
      { device, at: "never", [word]: 1 },
    ],
  });
  await call("set_retention", { metric: `${word}_speed`, raw_days: 36_500 });
  await call("set_rate_limit", {
    dimension: "principal",
    action: `rpc/${word}`,
    limits: "1000/1s",
  });
  await dataOf(
    owner.from("email_domain_rules").insert({ domain: `${word}.example`, effect: "allow" })
      .select(),
  );
  const role = `${word}_role`;
  await call("save_role", { slug: role, name: word, permissions: ["core.tenants.read"] });
  const team = await call("save_team", { slug: `${word}-team`, name: word, user_ids: [userId] });
  await call("save_assignment_capacity", { team_id: team.id, user_id: userId, capacity: 2 });
  const rule = await call("save_assignment_rule", {
    object: "crm.leads",
    name: word,
    team_id: team.id,
    strategy: "weighted",
  });
  const level = await call("save_service_level", {
    object: "crm.leads",
    name: word,
    kind: "next_step",
    within_s: 3600,
  });
  const lead = await dataOf(
    owner.from("leads").insert({ family_name: word, owner_id: null }).select("id").single(),
  );
  const activity = await call("add_activity", {
    type: "note",
    subject: word,
    links: [{ object: "crm.leads", record_id: lead.id }],
  });
  const invitation = await call("invite", { email: `guest@${word}.example`, role });
  const key = await call("create_api_key", { name: word, role: "viewer" });
  const credential = await call("add_device_credential", { device });
  const person = { email: `person@${word}.example` };
  const consent = { purpose: "newsletter", source: word };
  await call("record_consent", { ...consent, email: `erased@${word}.example` });
  await call("erase_person", { email: `erased@${word}.example`, dry_run: false });
  await call("record_consent", { ...consent, ...person, proof_text: word });
  const hold = await call("set_legal_hold", { ...person, reason: `The case of ${word}.` });
  await call("export_person", person);
  // The invitation's mail, which fails once.
  const claimed = await dataOf(service.rpc("claim_deliveries", { channel: "email" }));
  await dataOf(service.rpc("finish_deliveries", {
    results: claimed.map(({ tenant_id, id, lease }) => ({
      tenant_id,
      id,
      lease,
      outcome: { delivered: false, status_code: 451, error: word },
    })),
  }));
  const [delivery] = await dataOf(owner.from("deliveries").select("id"));
  await call("pause_deliveries", { reason: word });
  const task = "core.verify_audit";
  const job = await call("enqueue_job", { task, unique_key: word });
  await call("set_job_schedule", { name: word, task, expression: "@yearly" });
  const webhook = await call("create_webhook_endpoint", {
    url: `https://${word}.example.com/in`,
    event_types: ["core.webhook.test"],
    description: word,
  });
  const field = { type: "text", label: word, unique: true };
  await call("save_custom_field", { object: "crm.contacts", field: word, definition: field });
  const template = { template: "crm.task_due", language: "en" };
  await call("save_template", { ...template, subject: word, text: word });
  await call("publish_template", template);
  await call("set_brand", { name: word });
  const source = await call("create_webhook_source", {
    name: word,
    scheme: "bearer",
    processor: "email_provider",
  });
  await dataOf(service.rpc("receive_webhook", {
    source: source.id,
    headers: { authorization: `Bearer ${source.secret}` },
    body: JSON.stringify({ type: word }),
  }));
  await call("suppress_address", { channel: "email", address: `person@${word}.example` });
  const add = async (view, row) => await dataOf(owner.from(view).insert(row).select("*").single());
  const company = await add("companies", { name: word });
  const contact = await add("contacts", { family_name: word, company_id: company.id });
  const contact_id = contact.id;
  await add("contact_companies", { contact_id, company_id: company.id });
  await add("contact_points", { contact_id, kind: "email", value: `more@${word}.example` });
  await add("products", { code: word, name: word });
  const deal = await add("deals", { name: word, currency: "EUR", contact_id });
  await add("deal_contacts", { deal_id: deal.id, contact_id });
  await add("deal_lines", { deal_id: deal.id, name: word, unit_price_minor: 100 });
  const record = { object: "crm.contacts", record_id: contact_id };
  await add("activity_links", { ...record, activity_id: activity.id });
  const tag = await add("tags", { name: word });
  await add("taggings", { ...record, tag_id: tag.id });
  await add("attachments", {
    ...record,
    bucket: "attachments",
    path: `${deal.tenant_id}/crm.contacts/${contact_id}/${word}.pdf`,
    name: word,
  });
  const listed = await dataOf(
    owner.from("contacts").insert({ family_name: `${word} listed` }).select("id").single(),
  );
  const segment = await call("save_segment", {
    object: "crm.contacts",
    slug: word,
    name: word,
    kind: "static",
    is_shared: true,
  });
  await call("add_to_segment", { segment_id: segment.id, record_ids: [listed.id] });
  const prospect = await dataOf(
    owner.from("leads").insert({ family_name: `${word} converted` }).select("id").single(),
  );
  // Rules may have assigned it since.
  const { version } = await dataOf(
    owner.from("leads").select("version").eq("id", prospect.id).single(),
  );
  const conversion = await call("convert_lead", {
    lead_id: prospect.id,
    expected_version: version,
  });
  // A pipeline of its own beside those that every tenant begins with, and a deal in it with a timer.
  const pipeline = await call("save_pipeline", {
    object: "crm.deals",
    slug: word,
    name: word,
    definition: {
      stages: [
        {
          stage: `${word}_new`,
          label: word,
          kind: "open",
          start: true,
          on_enter: [{
            effect: "start_timer",
            timer: `${word}_late`,
            after_s: 1e8,
            effects: [{ effect: "set_fields", fields: { name: word } }],
          }],
        },
        { stage: "won", label: word, kind: "won" },
      ],
      transitions: [{ from: `${word}_new`, to: "won" }],
    },
  });
  assert.deepEqual(pipeline.problems, []);
  await call("publish_pipeline", { pipeline: pipeline.id, number: 1 });
  const moving = await add("deals", { name: word, currency: "EUR", pipeline_id: pipeline.id });
  const imported = await call("start_import", {
    object: "crm.contacts",
    name: word,
    mapping: { mail: "email" },
  });
  await call("add_import_rows", { import_id: imported.id, number: 1, csv: `mail\n${word}\n` });
  await call("check_import", { import_id: imported.id });
  await call("export_csv", { object: "crm.contacts", fields: ["email"] });
  return {
    company: company.id,
    segment: segment.id,
    conversion: conversion.id,
    contact: contact_id,
    deal: deal.id,
    tag: tag.id,
    team: team.id,
    rule: rule.id,
    level: level.id,
    lead: lead.id,
    activity: activity.id,
    invitation,
    key: key.id,
    credential: credential.id,
    hold,
    delivery: delivery.id,
    job: job.id,
    webhook: webhook.id,
    source: source.id,
    import: imported.id,
    pipeline: pipeline.id,
    moving: moving.id,
  };
}
