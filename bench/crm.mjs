// What the CRM's reports cost in a tenant with a million deals, of which ten thousand are open in one
// pipeline. Everything is processor time of the one backend that does it, from /proc; the contestants
// take turns.
//   board_ms        v1.board: count, sums and the first 20 of each stage, as a member who sees all
//   board_own_ms    the same as an agent who sees the 500 open deals of their own
//   board_plain_ms  the three queries that answer the same, by hand and past row level security
//   board_overhead  board_ms ÷ board_plain_ms
//   board_search_ms v1.board with a word to search for in the names
//   forecast_ms     v1.forecast of a year by month, as the member
//   funnel_ms       v1.funnel of a quarter, as the member
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";
import { Backend, cpuMsOfEach } from "./support/postgres.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DEALS = 1_000_000, OPEN = 10_000, OWNERS = 20, PER_STAGE = 20;

const stack = (...args) => execFileSync(`${ROOT}scripts/stack.sh`, args);
const report = (name, value, unit, most = undefined) =>
  console.log(JSON.stringify({
    name: `crm.${name}`,
    value,
    unit,
    aim: most === undefined ? "" : `≤ ${most}`,
    met: most === undefined ? undefined : value <= most,
  }));

stack("database");
const env = parseEnv(readFileSync(`${process.env.TENON_STACK}/env`, "utf8"));
const admin = await Backend.open(env.DB_ADMIN_URL);

const TENANT = "00000000-0000-4000-a000-00000000000a";
const userOf = (number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
const MEMBER = userOf(1), AGENT = userOf(2);

console.error("  a million deals …");
await admin.query(`
  insert into core.tenants (id, slug, name) values ('${TENANT}', 'bench', 'Bench');
  insert into auth.users (id, email)
  select ('00000000-0000-4000-8000-' || lpad(number::text, 12, '0'))::uuid, number || '@example.com'
  from generate_series(1, ${OWNERS}) as number;
  insert into core.roles (tenant_id, id, slug, name)
  values ('${TENANT}', '${TENANT}', 'own', 'Own');
  insert into core.role_permissions (tenant_id, role_id, permission, scope)
  values ('${TENANT}', '${TENANT}', 'crm.deals.read', 'own');
  insert into core.members (tenant_id, user_id, role_tenant_id, role_id)
  values ('${TENANT}', '${AGENT}', '${TENANT}', '${TENANT}');
  insert into core.members (tenant_id, user_id, role_tenant_id, role_id)
  select '${TENANT}', users.id, roles.tenant_id, roles.id
  from auth.users
  inner join core.roles on roles.tenant_id = core.platform_tenant_id() and roles.slug = 'agent'
  where users.id <> '${AGENT}'`);
// Rows as moves would have left them, without making a million moves.
await admin.query(`
  set session_replication_role = replica;
  insert into crm.deals (
      tenant_id, name, pipeline_id, pipeline_version_id, stage, stage_kind, stage_entered_at,
      amount_minor, currency, probability, expected_close_on, closed_at, lost_reason, owner_id,
      created_at
  )
  select
      '${TENANT}',
      'Deal ' || number || ' of ' || (array['vans', 'trucks', 'boats'])[1 + number % 3],
      stages.pipeline_id,
      stages.pipeline_version_id,
      stages.stage,
      stages.kind,
      moments.at,
      (random() * 1e7)::bigint,
      (array['EUR', 'EUR', 'USD'])[1 + number % 3],
      case when number % 7 = 0 then 60 end,
      (moments.at + interval '60 days')::date,
      case when stages.kind <> 'open' then moments.at end,
      case when stages.kind = 'lost' then 'price' end,
      ('00000000-0000-4000-8000-' || lpad((1 + number / ${
  DEALS / OPEN
} % ${OWNERS})::text, 12, '0'))::uuid,
      moments.at - interval '90 days'
  from generate_series(1, ${DEALS}) as number
  cross join lateral (
      select now() - random() * interval '3 years' as at where number is not null
  ) as moments
  inner join core.pipelines on pipelines.tenant_id = '${TENANT}' and pipelines.slug = 'sales'
  inner join core.pipeline_stages as stages
      on stages.pipeline_id = pipelines.id and stages.stage = case
          when number % ${DEALS / OPEN} = 0
              then (array['qualification', 'needs', 'proposal', 'negotiation'])[
                  1 + (number / ${DEALS / OPEN}) % 4
              ]
          when number % 3 = 0 then 'won'
          else 'lost'
      end;
  insert into core.stage_periods (
      tenant_id, object, record_id, entered_at, left_at, pipeline_id, pipeline_version_id, stage,
      moved_by_kind
  )
  select
      deals.tenant_id, 'crm.deals', deals.id, periods.entered_at, periods.left_at,
      deals.pipeline_id, deals.pipeline_version_id, periods.stage, 'system'
  from crm.deals
  cross join lateral (
      values
      ('proposal', deals.created_at, deals.stage_entered_at),
      (deals.stage, deals.stage_entered_at, null)
  ) as periods (stage, entered_at, left_at)
  where deals.created_at >= now() - interval '1 year';
  reset session_replication_role`);
await admin.query("vacuum analyze");

const { tenant_id, pipeline_id } = (await admin.query(
  `select tenant_id, id as pipeline_id from core.pipelines
   where tenant_id = '${TENANT}' and slug = 'sales'`,
))[0];

// As PostgREST leaves the session after the pre-request function.
const as = (user) =>
  Backend.open(
    env.DB_ADMIN_URL,
    "set tenon.caller_kind = 'user'",
    `set tenon.caller_id = '${user}'`,
    `set tenon.requested_tenant_id = ''`,
    `set request.jwt.claims = '{"role": "authenticated", "sub": "${user}"}'`,
    "set role authenticated",
  );
const member = await as(MEMBER), agent = await as(AGENT);

// What somebody would write by hand who may see everything: three queries, of which the third asks
// for the cards of all stages at once.
const OF_PIPELINE =
  `deals.tenant_id = '${tenant_id}' and deals.pipeline_id = '${pipeline_id}' and deals.stage_kind = 'open'`;
const PLAIN = [
  `select stage, count(*) from crm.deals where ${OF_PIPELINE} group by stage`,
  `select deals.stage, currency, sum(amount_minor),
      sum(amount_minor * coalesce(deals.probability, stages.probability)) / 100
   from crm.deals
   inner join core.pipeline_stages as stages
       on stages.tenant_id = deals.tenant_id
       and stages.pipeline_version_id = deals.pipeline_version_id and stages.stage = deals.stage
   where ${OF_PIPELINE} group by deals.stage, currency`,
  `select stages.stage, to_jsonb(cards)
   from unnest(array['qualification', 'needs', 'proposal', 'negotiation']) as stages (stage)
   cross join lateral (
       select deals.* from crm.deals where ${OF_PIPELINE} and deals.stage = stages.stage
       order by stage_entered_at desc, id limit ${PER_STAGE}
   ) as cards`,
];
const board = (args = "") => ({ name: `board ${args}`, text: `select v1.board(${args})` });
const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

console.error("  boards and reports …");
const [own, whole, search, forecast, funnel, ...plain] = await cpuMsOfEach([
  { backend: agent, statement: board() },
  { backend: member, statement: board() },
  { backend: member, statement: board("search => 'boats'") },
  {
    backend: member,
    statement: {
      name: "forecast",
      text: `select * from v1.forecast('${day(-180)}', '${day(185)}')`,
    },
  },
  {
    backend: member,
    statement: { name: "funnel", text: `select * from v1.funnel('${day(-90)}', '${day(1)}')` },
  },
  ...PLAIN.map((text, place) => ({ backend: admin, statement: { name: `plain ${place}`, text } })),
]);
const byHand = plain.reduce((sum, ms) => sum + ms);
report("board_ms", whole, "ms", 25);
report("board_own_ms", own, "ms", 25);
report("board_plain_ms", byHand, "ms");
report("board_overhead", whole / byHand, "×");
report("board_search_ms", search, "ms");
report("forecast_ms", forecast, "ms");
report("funnel_ms", funnel, "ms");

for (const backend of [admin, member, agent]) await backend.end();
