//! Answers to what businesses ask with buttons and lists, which a person would read as text; and
//! the network's words for everything that is not read.

use waproto::whatsapp as wa;
use waproto::whatsapp::message::buttons_response_message::Response;

/// What somebody chose from buttons, a list or a form.
pub(super) fn chosen(message: &wa::Message) -> Option<String> {
    let words = if let Some(button) = message.buttons_response_message.as_option() {
        let shown = button.response.as_ref().map(|response| match response {
            Response::SelectedDisplayText(text) => text,
        });
        shown.or(button.selected_button_id.as_ref())
    } else if let Some(list) = message.list_response_message.as_option() {
        let row = list.single_select_reply.as_option();
        let row = row.and_then(|row| row.selected_row_id.as_ref());
        list.title.as_ref().or(row)
    } else if let Some(template) = message.template_button_reply_message.as_option() {
        let shown = template.selected_display_text.as_ref();
        shown.or(template.selected_id.as_ref())
    } else if let Some(form) = message.interactive_response_message.as_option() {
        form.body.as_option().and_then(|body| body.text.as_ref())
    } else {
        None
    };
    words.filter(|words| !words.is_empty()).cloned()
}

/// The network's word for a message this version does not read; `None` for housekeeping.
pub(super) fn word(message: &wa::Message) -> Option<&'static str> {
    macro_rules! word {
        ($($field:ident => $word:literal),+ $(,)?) => {
            $(if message.$field.is_set() { return Some($word); })+
        };
    }
    word! {
        location_message => "location",
        live_location_message => "live location",
        contact_message => "contact",
        contacts_array_message => "contacts",
        group_invite_message => "group invite",
        poll_update_message => "poll vote",
        poll_result_snapshot_message => "poll result",
        poll_add_option_message => "poll option",
        event_message => "event",
        enc_event_response_message => "event response",
        scheduled_call_creation_message => "scheduled call",
        list_message => "list",
        list_response_message => "list response",
        buttons_message => "buttons",
        buttons_response_message => "buttons response",
        template_message => "template",
        template_button_reply_message => "template reply",
        highly_structured_message => "template",
        interactive_message => "interactive",
        interactive_response_message => "interactive response",
        product_message => "product",
        order_message => "order",
        invoice_message => "invoice",
        album_message => "album",
        sticker_pack_message => "sticker pack",
        pin_in_chat_message => "pin",
        keep_in_chat_message => "keep",
        enc_reaction_message => "encrypted reaction",
        secret_encrypted_message => "encrypted change",
        enc_comment_message => "encrypted comment",
        comment_message => "comment",
        call => "call",
        call_log_messsage => "call log",
        bcall_message => "call",
        send_payment_message => "payment",
        request_payment_message => "payment request",
        decline_payment_request_message => "payment refused",
        cancel_payment_request_message => "payment cancelled",
        payment_invite_message => "payment invite",
        newsletter_admin_invite_message => "channel invite",
        request_phone_number_message => "number request",
        placeholder_message => "placeholder",
    }
    let mut rest = message.clone();
    rest.sender_key_distribution_message.take();
    rest.fast_ratchet_key_sender_key_distribution_message.take();
    rest.message_context_info.take();
    rest.chat.take();
    rest.device_sent_message.take();
    rest.conversation = None;
    (waproto::codec::message_encoded_len(&rest) > 0).then_some("unknown")
}
