/* Answers whoever says hello. What the host hands over and offers is in bindings/warbler.h; text.h is ours. */

#include "text.h"
#include "warbler.h"

/* Called for each event that [filter] in plugin.toml lets through. `false` with a text in `err` is an error:
   nothing the call asked for happens. Every call has an instance of its own, whose memory ends with it. */
bool exports_warbler_plugin_event_handler_handle(exports_warbler_plugin_event_handler_event_t *event,
                                                 exports_warbler_plugin_event_handler_verdict_t *verdict,
                                                 warbler_string_t *err) {
    warbler_string_t level, line;
    warbler_string_set(&level, "debug");
    warbler_string_set(&line, "somebody says hello");
    warbler_plugin_log_log(&level, &line);

    warbler_string_t answer = {0};
    text_append(&answer, "Hello ");
    if (event->sender_name.is_some)
        text_append_n(&answer, event->sender_name.val.ptr, event->sender_name.val.len);
    else
        text_append(&answer, "you");
    text_append(&answer, "!");

    warbler_plugin_outbox_refusal_t refusal;
    if (!warbler_plugin_outbox_reply(&answer, false, &refusal)) {
        *err = refusal.message;
        return false;
    }
    *verdict = WARBLER_PLUGIN_TYPES_VERDICT_NEXT;
    return true;
}
