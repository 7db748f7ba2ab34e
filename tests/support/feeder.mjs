// A device whose readings go straight into iot.ingest, and what has to be seen of them at any time.
//
// Reading i has the value i and a time of its own, scattered so that most readings come late and the
// end of a month lies among them. A device's readings are right when they are 0, 1, … up to a number
// that lies between what was acknowledged before the question and what was sent by its end.
import assert from "node:assert/strict";

/** The metric of all readings. */
const METRIC = "sequence";
/** Seconds over which the readings of a device are scattered: a prime, so that none meet. */
const SPAN_S = 400_009;
const STEP_S = 7_919;

export class Feeder {
  /** How many readings were sent, whether or not their commit was heard of. */
  sent = 0;
  /** How many readings are committed: a promise. */
  acknowledged = 0;

  /**
   * @param {import("./stack.mjs").Stack} stack
   * @param {string} tenant
   * @param {string} device a slug that no other tenant has
   * @param {{ redelivers?: boolean }} [habits] whether each batch repeats some of the one before
   */
  constructor(stack, tenant, device, { redelivers = false } = {}) {
    Object.assign(this, { stack, tenant, device, redelivers });
  }

  /** Sends so many readings more, and again what has not been acknowledged. @param {number} count */
  async send(count) {
    const repeated = this.redelivers ? Math.min(this.acknowledged, 5) : 0;
    const first = this.acknowledged - repeated;
    this.sent = Math.max(this.sent, this.acknowledged + count);
    const last = this.sent - 1;
    await this.stack.sql(
      `
      select to_json(count(refused.*))
      from (
        select jsonb_agg(jsonb_build_object(
          'at', timestamptz '2026-01-29 00:00Z' + n * ${STEP_S} % ${SPAN_S} * interval '1 second',
          'values', jsonb_build_object('${METRIC}', n)
        )) as messages
        from generate_series(:'first'::bigint, :'last'::bigint) as n
      ) as sent
      cross join lateral tenon.batch_from_json(:'tenant', :'device', sent.messages, now()) as read
      left join lateral iot.ingest(read.batch) as refused on true
      `,
      { tenant: this.tenant, device: this.device, first: `${first}`, last: `${last}` },
    );
    this.acknowledged = last + 1;
  }

  /** Fails on a lost, a doubled, an altered and an invented reading alike. */
  async assertOnce() {
    const acknowledged = this.acknowledged;
    const [seen] = await this.stack.sql(
      `
      select json_build_object(
        'rows', count(*), 'different', count(distinct value), 'last', coalesce(max(value::bigint), -1),
        'misplaced', count(*) filter (where at <>
          timestamptz '2026-01-29 00:00Z' + value::bigint * ${STEP_S} % ${SPAN_S} * interval '1 second')
      )
      from v1.readings(array[:'device'], null, '2026-01-01', '2026-03-01')
      `,
      { device: this.device },
    );
    const what = `${this.device}, ${JSON.stringify(seen)}`;
    assert.equal(seen.rows, seen.different, `a reading is there twice: ${what}`);
    assert.equal(seen.rows, seen.last + 1, `a reading is missing among others: ${what}`);
    assert.equal(seen.misplaced, 0, `a reading has another one's time: ${what}`);
    assert.ok(seen.rows >= acknowledged, `of ${acknowledged} acknowledged some are lost: ${what}`);
    assert.ok(seen.rows <= this.sent, `only ${this.sent} were sent: ${what}`);
    return seen.rows;
  }
}

/**
 * How many readings batches and blocks hold in one moment, and what their rows say, after reading
 * all of them.
 * @param {import("./stack.mjs").Stack} stack
 * @param {string[]} tenants
 * @returns {Promise<{ stored: number, said: number, batches: number, blocks: number }>}
 */
export async function stored(stack, tenants) {
  const [counts] = await stack.sql(
    `
    select json_build_object(
      'stored', coalesce(sum(stored), 0), 'said', coalesce(sum(said), 0),
      'batches', count(*) filter (where kind = 'batch'), 'blocks', count(*) filter (where kind = 'block')
    )
    from (
      select tenant_id, 'batch' as kind, tenon.frame_check(frame) as stored, readings as said
      from iot.batches
      union all
      select tenant_id, 'block', tenon.block_check(device, head, body), readings
      from iot.blocks
    ) as parts
    join core.tenants on tenants.id = parts.tenant_id
    where tenants.slug in (select jsonb_array_elements_text(:'tenants'))
    `,
    { tenants },
  );
  assert.equal(counts.stored, counts.said, "rows say of their content what is true");
  return counts;
}

/**
 * Compacts until nothing is left, or for as long as the budget says.
 * @param {import("./stack.mjs").Stack} stack
 * @param {string} [budget]
 * @returns {Promise<{ batches: number, readings: number, blocks: number, done: boolean, failure: string | null }>}
 */
export async function compact(stack, budget = "30 seconds") {
  const [outcome] = await stack.sql(
    "select row_to_json(outcome) from iot.compact(budget => :'budget') as outcome",
    { budget },
  );
  assert.equal(outcome.failure, null);
  return outcome;
}
