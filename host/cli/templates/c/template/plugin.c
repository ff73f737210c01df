/* Writes the messages of campaigns: puts what is known of the recipient in place of {{…}}. What the host hands
   over and offers is in bindings/warbler.h; text.h is ours. */

#include "text.h"
#include "warbler.h"

typedef exports_warbler_plugin_template_renderer_rendering_t rendering_t;

/* What stands for `field`: the first word of the recipient's name, or a field of the campaign. */
static bool value_of(const rendering_t *what, warbler_string_t field, warbler_string_t *value) {
    if (text_is(&field, "first")) {
        *value = (warbler_string_t){0};
        if (!what->name.is_some || what->name.val.len == 0)
            return true;
        *value = what->name.val;
        const uint8_t *space = memchr(value->ptr, ' ', value->len);
        if (space != NULL)
            value->len = space - value->ptr;
        return true;
    }
    for (size_t i = 0; i < what->fields.len; i++) {
        const warbler_string_t *name = &what->fields.ptr[i].f0;
        if (name->len == field.len && memcmp(name->ptr, field.ptr, field.len) == 0) {
            *value = what->fields.ptr[i].f1;
            return true;
        }
    }
    return false;
}

/* Where `mark` of two bytes begins in `text` at `from` or later; the end of `text` when it does not. */
static size_t find(const warbler_string_t *text, size_t from, const char *mark) {
    for (size_t at = from; at + 1 < text->len; at++)
        if (memcmp(text->ptr + at, mark, 2) == 0)
            return at;
    return text->len;
}

/* Writes one message. `false` with a text in `err` is an error: this recipient gets nothing. */
bool exports_warbler_plugin_template_renderer_render(rendering_t *what, warbler_string_t *ret, warbler_string_t *err) {
    const warbler_string_t *text = &what->template_;
    *ret = *err = (warbler_string_t){0};
    for (size_t at = 0; at < text->len;) {
        size_t open = find(text, at, "{{"), close = find(text, open, "}}");
        if (close == text->len)
            open = text->len;
        text_append_n(ret, text->ptr + at, open - at);
        if (open == text->len)
            break;
        warbler_string_t field = {text->ptr + open + 2, close - open - 2}, value;
        if (!value_of(what, field, &value)) {
            text_append(err, "the template has ");
            text_append_n(err, field.ptr, field.len);
            text_append(err, ", which the recipient has not");
            return false;
        }
        text_append_n(ret, value.ptr, value.len);
        at = close + 2;
    }
    return true;
}
