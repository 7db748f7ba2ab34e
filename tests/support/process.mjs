// Runs programs, and waits for conditions: nothing in these tests waits for time to pass.
import { spawn } from "node:child_process";
import { setTimeout as pause } from "node:timers/promises";

const POLL_MS = 20;

/**
 * Runs a program to its end and returns what it wrote to stdout.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, input?: string, cwd?: string }} [options] env: added to this
 *   process's own
 * @returns {Promise<string>} rejects with what it wrote to stderr when it exits with another status than 0
 */
export function run(command, args, { env = {}, input = "", cwd } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env } });
    const written = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"]) {
      child[stream].setEncoding("utf8").on("data", (text) => (written[stream] += text));
    }
    child.on("error", reject);
    child.on("close", (status, signal) => {
      if (status === 0) return resolve(written.stdout);
      const shown = [command.split("/").at(-1), ...args].join(" ");
      reject(
        new Error(
          `${shown}: ${signal ?? `exit status ${status}`}\n${written.stderr || written.stdout}`,
        ),
      );
    });
    // A program that ends before it has read its input says why by its status.
    child.stdin.on("error", () => {}).end(input);
  });
}

/**
 * Asks again and again until the probe answers with something, and returns that.
 * A probe that throws has not answered yet; the last error is told if none of them ever does.
 * @template T
 * @param {string} what the condition, for the error
 * @param {() => T | Promise<T>} probe
 * @param {{ withinSeconds?: number }} [options]
 * @returns {Promise<NonNullable<T>>}
 */
export async function until(what, probe, { withinSeconds = 60 } = {}) {
  const deadline = Date.now() + withinSeconds * 1000;
  for (;;) {
    let refusal = "";
    try {
      const answer = await probe();
      if (answer) return answer;
    } catch (error) {
      refusal = `: ${error.message}`;
    }
    if (Date.now() >= deadline) throw new Error(`not within ${withinSeconds} s: ${what}${refusal}`);
    await pause(POLL_MS);
  }
}
