// Steps of an examination: each does something, waits for what must follow, and prints one line.

/** How long anything may take, in milliseconds. */
export const PATIENCE = 20_000;

/** Prints a line. The console itself is not ours: see companion.js. */
function say(line) {
  process.stdout.write(`${line}\n`);
}

/** What went wrong, as a sentence. */
export class Failed extends Error {}

export function check(condition, sentence) {
  if (!condition) throw new Failed(sentence);
}

/** `found` is to be `wanted`; both are shown otherwise. */
export function same(found, wanted, what) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  check(a === b, `${what} is ${a}, expected ${b}`);
}

/** Asks until there is an answer that is neither null nor undefined nor false. */
export async function eventually(what, ask) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const found = await ask();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Failed(`expected ${what}, waited in vain`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Runs the steps in their order; the first that fails is told, and ends the examination. */
export async function examine(steps, reason) {
  const began = Date.now();
  for (const [name, step] of steps) {
    const from = Date.now();
    try {
      await step();
    } catch (error) {
      say(`FAILED  ${name}`);
      say(`  ${error instanceof Failed ? error.message : error.stack}`);
      for (const line of reason()) say(`  ${line}`);
      return false;
    }
    say(`ok ${String(Date.now() - from).padStart(6)} ms  ${name}`);
  }
  say(`${steps.length} steps in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return true;
}
