// Devices send, two sessions compact, and a reader counts, all at once; now and then something is
// killed. What tests/compaction.test.mjs does for seconds, tests/soak/compaction.mjs does for minutes.
import { compact } from "./feeder.mjs";

/** The most readings of one batch. */
const BATCH_MAX = 120;

/**
 * Runs until `until` says so after a question was answered.
 * @param {import("./stack.mjs").Stack} stack
 * @param {import("./feeder.mjs").Feeder[]} feeders
 * @param {(progress: { questions: number, compactions: number }) => boolean} isEnough
 * @param {{ isFault?: (error: Error) => boolean }} [options] which errors are those of a fault that
 *   somebody causes meanwhile, and are followed by another attempt
 * @returns {Promise<{ questions: number, compactions: number }>} compactions: those that found something
 */
export async function runLoad(stack, feeders, isEnough, { isFault = () => false } = {}) {
  const progress = { questions: 0, compactions: 0 };
  let over = false;
  const loop = async (work) => {
    try {
      while (!over) {
        await work().catch((error) => {
          if (!isFault(error)) throw error;
        });
      }
    } finally {
      over = true;
    }
  };
  let turn = 0;
  const ask = async () => {
    await feeders[turn++ % feeders.length].assertOnce();
    progress.questions += 1;
    over ||= isEnough(progress);
  };
  const compacting = (budget) => async () => {
    const { batches } = await compact(stack, budget);
    if (batches > 0) progress.compactions += 1;
  };
  await Promise.all([
    ...feeders.map((feeder, place) =>
      loop(() => feeder.send(1 + ((feeder.acknowledged * 31 + place * 17) % BATCH_MAX)))
    ),
    loop(compacting("0")),
    loop(compacting("1 second")),
    loop(ask),
  ]);
  return progress;
}
