// Who acts in the tests: tenants with devices and members, and clients that speak for them.
import { randomUUID } from "node:crypto";
import { createClient } from "@supabase/supabase-js";
import ws from "ws";
import { sign } from "../../scripts/token.mjs";

/**
 * @typedef {{ role: "owner" | "admin" | "viewer", status?: "active" | "suspended" }} Membership
 * @typedef {{ id: string, slug: string, devices: Record<string, string>, members: Record<string, string> }} Tenant
 *   devices and members: ids by slug and by name
 */

/**
 * Adds a tenant, through SQL as the schema's owner: clients found no tenants.
 * @param {import("./stack.mjs").Stack} stack
 * @param {string} slug
 * @param {{ devices?: string[], members?: Record<string, Membership> }} people devices by slug, members by name
 * @returns {Promise<Tenant>}
 */
export async function addTenant(stack, slug, { devices = [], members = {} }) {
  const tenant = {
    id: randomUUID(),
    slug,
    devices: Object.fromEntries(devices.map((device) => [device, randomUUID()])),
    members: Object.fromEntries(Object.keys(members).map((name) => [name, randomUUID()])),
  };
  const memberships = Object.entries(members).map(([name, { role, status = "active" }]) => ({
    user_id: tenant.members[name],
    email: `${name}@${slug}.example`,
    role,
    status,
  }));
  await stack.sql(
    `
    begin;
    insert into core.tenants (id, slug, name) values (:'id', :'slug', initcap(:'slug'));
    insert into iot.devices (tenant_id, id, slug)
    select :'id', value::uuid, key from jsonb_each_text(:'devices');
    create temporary table memberships as
    select * from jsonb_to_recordset(:'memberships') as (user_id uuid, email text, role text, status text);
    insert into auth.users (id, email) select user_id, email from memberships;
    insert into core.members (tenant_id, user_id, role_id, status)
    select :'id', memberships.user_id, roles.id, memberships.status
    from memberships
    join core.roles on roles.tenant_id = core.platform_tenant_id() and roles.slug = memberships.role;
    commit;
    `,
    { id: tenant.id, slug, devices: tenant.devices, memberships },
  );
  return tenant;
}

/**
 * A client as an application has it, with supabase-js.
 * @param {{ env: Record<string, string> }} stack
 * @param {Record<string, unknown> | null} claims of the token; null for none, which is an anonymous caller
 * @param {Record<string, string>} [headers]
 */
export function clientWith(stack, claims, headers = {}) {
  const token = claims && sign(claims, stack.env.JWT_SECRET);
  return createClient(stack.env.API_URL, stack.env.ANON_KEY, {
    db: { schema: "v1" },
    global: { headers },
    realtime: { transport: ws },
    ...(token && { accessToken: () => Promise.resolve(token) }),
  });
}

/** @typedef {ReturnType<typeof clientWith>} Client */

/** @type {(stack: { env: Record<string, string> }, userId: string, headers?: Record<string, string>) => Client} */
export const userClient = (stack, userId, headers) =>
  clientWith(stack, { role: "authenticated", aud: "authenticated", sub: userId }, headers);

/** @type {(stack: import("./stack.mjs").Stack, headers?: Record<string, string>) => Client} */
export const anonymousClient = (stack, headers) => clientWith(stack, null, headers);

/** @type {(stack: import("./stack.mjs").Stack, tenant: Tenant, device: string) => Client} */
export const deviceClient = (stack, tenant, device) =>
  clientWith(stack, {
    role: "tenon_device",
    tenant_id: tenant.id,
    device_id: tenant.devices[device],
  });

/**
 * The data of an answer; an error becomes a thrown one.
 * @param {PromiseLike<{ data: any, error: any }>} request
 * @returns {Promise<any>}
 */
export async function dataOf(request) {
  const { data, error } = await request;
  if (error) throw new Error(`${error.code}: ${error.message} (${error.details})`);
  return data;
}
