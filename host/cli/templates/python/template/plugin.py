import re

from wit_world import exports
from wit_world.exports.template_renderer import Rendering

from reporting import reporting


class TemplateRenderer(exports.TemplateRenderer):
    @reporting
    def render(self, what: Rendering) -> str:
        """Writes one message of a campaign: puts what is known of the recipient in place of {{…}}."""
        known = {"first": (what.name or "").split(" ")[0], **dict(what.fields)}

        def value(placeholder: re.Match) -> str:
            field = placeholder[1]
            if field not in known:
                raise ValueError(f"the template has {field}, which the recipient has not")
            return known[field]

        return re.sub(r"\{\{(.*?)\}\}", value, what.template)
