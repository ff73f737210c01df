import type { Delivery, Transformed } from "warbler:plugin/webhook-transformer";

/** Puts what webhook endpoints are sent inside an envelope, with its kind beside it. */
export function transform(what: Delivery): Transformed | undefined {
  // Nobody needs to be told who is typing.
  if (what.kind === "presence") return undefined;
  const data = JSON.parse(new TextDecoder().decode(what.payload));
  return {
    contentType: "application/json",
    payload: new TextEncoder().encode(JSON.stringify({ kind: what.kind, data })),
    headers: [["x-event-kind", what.kind]],
  };
}
