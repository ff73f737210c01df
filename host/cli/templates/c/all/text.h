/* Texts that grow. They come from malloc, as everything must that is handed back to the host. */

#ifndef TEXT_H
#define TEXT_H

#include <stdlib.h>
#include <string.h>

#include "warbler.h"

/* Adds `len` bytes to `text`, which begins as {0}. Without memory the call ends as a trap. */
static inline void text_append_n(warbler_string_t *text, const uint8_t *bytes, size_t len) {
    if (len == 0)
        return;
    uint8_t *grown = realloc(text->ptr, text->len + len);
    if (grown == NULL)
        abort();
    memcpy(grown + text->len, bytes, len);
    text->ptr = grown;
    text->len += len;
}

static inline void text_append(warbler_string_t *text, const char *words) {
    text_append_n(text, (const uint8_t *)words, strlen(words));
}

static inline bool text_is(const warbler_string_t *text, const char *words) {
    return text->len == strlen(words) && memcmp(text->ptr, words, text->len) == 0;
}

#endif
