import { log } from "warbler:plugin/log";
import { reply } from "warbler:plugin/outbox";
import type { Event, Verdict } from "warbler:plugin/types";

/** Answers whoever says hello. Called for each event that `[filter]` in plugin.toml lets through. */
export function handle(event: Event): Verdict {
  log("debug", "somebody says hello");
  reply(`Hello ${event.senderName ?? "you"}!`, false);
  return "next";
}
