/* Puts what webhook endpoints are sent inside an envelope, with its kind beside it. What the host hands over
   and offers is in bindings/warbler.h; text.h is ours. */

#include "text.h"
#include "warbler.h"

/* Shapes one delivery; with `ret->is_some` false nothing is delivered. `false` with a text in `err` is an
   error: the delivery goes out as it was. */
bool exports_warbler_plugin_webhook_transformer_transform(
    exports_warbler_plugin_webhook_transformer_delivery_t *what,
    exports_warbler_plugin_webhook_transformer_option_transformed_t *ret, warbler_string_t *err) {
    /* Nobody needs to be told who is typing. */
    ret->is_some = !text_is(&what->kind, "presence");
    if (!ret->is_some)
        return true;

    warbler_string_t body = {0};
    text_append(&body, "{\"kind\":\"");
    text_append_n(&body, what->kind.ptr, what->kind.len);
    text_append(&body, "\",\"data\":");
    text_append_n(&body, what->payload.ptr, what->payload.len);
    text_append(&body, "}");

    warbler_tuple2_string_string_t *header = malloc(sizeof *header);
    if (header == NULL) {
        warbler_string_dup(err, "out of memory");
        return false;
    }
    warbler_string_dup(&header->f0, "x-event-kind");
    header->f1 = what->kind;
    /* As it was, and to the endpoint itself. */
    ret->val.method.is_some = false;
    ret->val.path.is_some = false;
    warbler_string_dup(&ret->val.content_type, "application/json");
    ret->val.payload = (warbler_list_u8_t){body.ptr, body.len};
    ret->val.headers = (warbler_list_tuple2_string_string_t){header, 1};
    return true;
}
