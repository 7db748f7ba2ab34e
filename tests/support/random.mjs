// Random numbers that a seed repeats.
import { createHash } from "node:crypto";

/** Random numbers in 0..1, one after the other (mulberry32). @param {number} seed */
export function randomOf(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let bits = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4294967296;
  };
}

/** The random number in 0..1 that belongs to these words, whoever asks first. */
export const chanceOf = (...words) =>
  createHash("sha256").update(JSON.stringify(words)).digest().readUInt32BE() / 2 ** 32;
