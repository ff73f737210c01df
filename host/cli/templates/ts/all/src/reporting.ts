// What the contract calls an error is a text. A call of the host that is refused throws an error
// with the refusal in `payload`; everything else that is thrown is a mistake, told with its place.

import type { Refusal } from "warbler:plugin/types";

/** `call`, with whatever it throws as a text, which the host shows as the fault `guest-error`. */
export function reporting<A extends unknown[], R>(call: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    try {
      return call(...args);
    } catch (error) {
      throw told(error);
    }
  };
}

function told(error: unknown): string {
  const refusal = refusalOf(error);
  if (refusal) return `${refusal.code}: ${refusal.message}`;
  if (!(error instanceof Error)) return String(error);
  const [place] = (error.stack ?? "").split("\n");
  return `${error.name}: ${error.message} (${place})`;
}

/** Why the host refused, if `error` is a refusal. */
export function refusalOf(error: unknown): Refusal | undefined {
  const payload = (error as { payload?: Partial<Refusal> } | undefined)?.payload;
  return payload?.code === undefined ? undefined : (payload as Refusal);
}
