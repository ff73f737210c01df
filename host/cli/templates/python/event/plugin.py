from wit_world import exports
from wit_world.imports import log, outbox
from wit_world.imports.types import Event, Verdict

from reporting import reporting


class EventHandler(exports.EventHandler):
    @reporting
    def handle(self, event: Event) -> Verdict:
        """Answers whoever says hello. Called for each event that [filter] in plugin.toml lets through."""
        log.log("debug", "somebody says hello")
        outbox.reply(f"Hello {event.sender_name or 'you'}!", False)
        return Verdict.NEXT
