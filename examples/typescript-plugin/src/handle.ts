import { fetch } from "warbler:plugin/http";
import { log } from "warbler:plugin/log";
import { react, reply } from "warbler:plugin/outbox";
import { get as secret } from "warbler:plugin/secrets";
import { get as config } from "warbler:plugin/config";
import type { Event, Verdict } from "warbler:plugin/types";

interface Settings {
  /** Where orders are looked up; the number comes behind it. */
  api: string;
}

interface Order {
  status: "packing" | "shipped" | "delivered";
  /** When it arrives or has arrived, as 2026-01-07. */
  day?: string;
}

/** Answers "where is my order 1234?" with what the shop's API says. */
export function handle(event: Event): Verdict {
  const number = event.text?.match(/\border\D{0,10}(\d{3,10})\b/i)?.[1];
  if (number === undefined) return "next";
  const order = lookUp(number);
  reply(order ? sentence(number, order) : `I cannot find an order ${number}. Is the number right?`, true);
  if (order?.status === "delivered") react(undefined, "📦");
  return "stop";
}

/** The order with this number, if there is one. Whatever else happens is an error the operator sees. */
function lookUp(number: string): Order | undefined {
  const { api } = JSON.parse(config()) as Settings;
  const answer = fetch({
    method: "GET",
    url: `${api}${number}`,
    headers: [["authorization", `Bearer ${secret("shop_token")}`]],
    body: new Uint8Array(),
  });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new Error(`the shop's API answered ${answer.status}`);
  log("debug", "found the order");
  return JSON.parse(new TextDecoder().decode(answer.body)) as Order;
}

function sentence(number: string, { status, day }: Order): string {
  switch (status) {
    case "packing":
      return `Order ${number} is being packed.`;
    case "shipped":
      return `Order ${number} is on its way${day ? ` and arrives on ${day}` : ""}.`;
    case "delivered":
      return `Order ${number} was delivered${day ? ` on ${day}` : ""}.`;
  }
}
