/* Counts votes: "+1 pizza" votes for pizza, and the answer says how many have. What the host hands over and
   offers is in bindings/warbler.h; text.h is that of every plugin in C. */

#include <ctype.h>

#include "text.h"
#include "warbler.h"

/* Longest name that is voted for, in bytes. */
static const size_t LONGEST = 40;

/* What is voted for in "+1 NAME", in lower case; nothing when the text is no vote. */
static bool voted_for(const warbler_string_t *text, warbler_string_t *name) {
    *name = (warbler_string_t){0};
    if (text->len < 4 || memcmp(text->ptr, "+1 ", 3) != 0 || text->len - 3 > LONGEST)
        return false;
    text_append_n(name, text->ptr + 3, text->len - 3);
    for (size_t i = 0; i < name->len; i++) {
        if (name->ptr[i] == '\n')
            return false;
        name->ptr[i] = tolower(name->ptr[i]);
    }
    return true;
}

static void append_number(warbler_string_t *text, int64_t number) {
    uint8_t digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = '0' + number % 10;
        number /= 10;
    } while (number > 0);
    text_append_n(text, digits + at, sizeof digits - at);
}

/* Called for each event that [filter] in plugin.toml lets through. `false` with a text in `err` is an error:
   nothing the call asked for happens, and the vote does not count. */
bool exports_warbler_plugin_event_handler_handle(exports_warbler_plugin_event_handler_event_t *event,
                                                 exports_warbler_plugin_event_handler_verdict_t *verdict,
                                                 warbler_string_t *err) {
    warbler_string_t name;
    *verdict = WARBLER_PLUGIN_TYPES_VERDICT_NEXT;
    if (!event->text.is_some || !event->chat.is_some || !voted_for(&event->text.val, &name))
        return true;

    warbler_string_t key = {0};
    text_append(&key, "votes:");
    text_append_n(&key, event->chat.val.ptr, event->chat.val.len);
    text_append(&key, ":");
    text_append_n(&key, name.ptr, name.len);
    int64_t votes;
    warbler_plugin_types_refusal_t refusal;
    if (!warbler_plugin_kv_increment(&key, 1, &votes, &refusal)) {
        *err = refusal.message;
        return false;
    }

    warbler_string_t answer = {0};
    text_append_n(&answer, name.ptr, name.len);
    text_append(&answer, ": ");
    append_number(&answer, votes);
    if (!warbler_plugin_outbox_reply(&answer, false, &refusal)) {
        *err = refusal.message;
        return false;
    }
    *verdict = WARBLER_PLUGIN_TYPES_VERDICT_STOP;
    return true;
}
