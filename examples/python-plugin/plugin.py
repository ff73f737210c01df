"""Splits bills in a group: "split 84.60 by 4", "Ana paid 30", "balance"."""

import json
import re
from decimal import ROUND_HALF_UP, Decimal

from wit_world import exports
from wit_world.imports import kv, outbox
from wit_world.imports.types import Event, Verdict

from reporting import reporting

SPLIT = re.compile(r"\bsplit\s+(\d+(?:[.,]\d{1,2})?)\s+by\s+(\d{1,2})\b", re.IGNORECASE)
PAID = re.compile(r"^\s*(\w{1,30})\s+paid\s+(\d+(?:[.,]\d{1,2})?)\s*$", re.IGNORECASE)
CENT = Decimal("0.01")


class EventHandler(exports.EventHandler):
    @reporting
    def handle(self, event: Event) -> Verdict:
        answer = self.answer(event.chat, event.text or "")
        if answer is None:
            return Verdict.NEXT
        outbox.reply(answer, False)
        return Verdict.STOP

    def answer(self, chat: str, text: str) -> str | None:
        if match := SPLIT.search(text):
            people = int(match[2])
            if people == 0:
                return "By nobody? Then nobody pays."
            share = (amount(match[1]) / people).quantize(CENT, ROUND_HALF_UP)
            return f"{share} each."
        if match := PAID.match(text):
            paid = ledger(chat)
            name = match[1].capitalize()
            paid[name] = str(Decimal(paid.get(name, "0")) + amount(match[2]))
            kv.set(key(chat), json.dumps(paid).encode(), None)
            return f"Noted: {name} has paid {paid[name]} in all."
        if text.strip().lower() == "balance":
            return balance(ledger(chat))
        return None


def amount(text: str) -> Decimal:
    return Decimal(text.replace(",", "."))


def key(chat: str) -> str:
    return f"paid:{chat}"


def ledger(chat: str) -> dict[str, str]:
    """Who has paid what in this chat. A call keeps nothing in memory: what has to last is in kv."""
    stored = kv.get(key(chat))
    return json.loads(stored) if stored else {}


def balance(paid: dict[str, str]) -> str:
    if not paid:
        return "Nobody has paid anything yet."
    each = sum(map(Decimal, paid.values())) / len(paid)
    lines = []
    for name, whole in sorted(paid.items()):
        over = (Decimal(whole) - each).quantize(CENT, ROUND_HALF_UP)
        lines.append(f"{name}: {'gets' if over >= 0 else 'owes'} {abs(over)}")
    return "\n".join(lines)
