import json
from typing import Optional

from wit_world import exports
from wit_world.exports.webhook_transformer import Delivery, Transformed

from reporting import reporting


class WebhookTransformer(exports.WebhookTransformer):
    @reporting
    def transform(self, what: Delivery) -> Optional[Transformed]:
        """Puts what webhook endpoints are sent inside an envelope, with its kind beside it."""
        # Nobody needs to be told who is typing.
        if what.kind == "presence":
            return None
        shaped = {"kind": what.kind, "data": json.loads(what.payload)}
        payload = json.dumps(shaped, ensure_ascii=False, separators=(",", ":")).encode()
        return Transformed(
            method=None,  # as it was
            path=None,  # to the endpoint itself
            content_type="application/json",
            payload=payload,
            headers=[("x-event-kind", what.kind)],
        )
