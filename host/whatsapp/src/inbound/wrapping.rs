//! Wrappers: what a message is put into because it vanishes, is shown once, has a caption, …

use waproto::whatsapp as wa;

/// Deepest nesting that is looked into.
const DEPTH: usize = 16;

/// A message without its wrappers.
pub(super) struct Unwrapped<'a> {
    pub(super) message: &'a wa::Message,
    /// Whether a wrapper says that it is shown once.
    pub(super) once: bool,
}

/// Takes the wrappers off.
pub(super) fn unwrapped(message: &wa::Message) -> Unwrapped<'_> {
    let mut unwrapped = Unwrapped {
        message,
        once: false,
    };
    for _ in 0..DEPTH {
        let outer = unwrapped.message;
        unwrapped.once |= is_once(outer);
        match inner(outer) {
            Some(inner) => unwrapped.message = inner,
            None => break,
        }
    }
    unwrapped
}

fn is_once(message: &wa::Message) -> bool {
    message.view_once_message.is_set()
        || message.view_once_message_v2.is_set()
        || message.view_once_message_v2_extension.is_set()
}

fn inner(message: &wa::Message) -> Option<&wa::Message> {
    if let Some(sent) = message.device_sent_message.as_option() {
        return sent.message.as_option();
    }
    let wrappers = [
        &message.ephemeral_message,
        &message.view_once_message,
        &message.view_once_message_v2,
        &message.view_once_message_v2_extension,
        &message.document_with_caption_message,
        &message.edited_message,
        &message.group_mentioned_message,
        &message.status_mention_message,
        &message.group_status_mention_message,
        &message.group_status_message,
        &message.group_status_message_v2,
        &message.lottie_sticker_message,
        &message.poll_creation_message_v4,
        &message.poll_creation_option_image_message,
        &message.associated_child_message,
        &message.question_message,
        &message.bot_forwarded_message,
        &message.spoiler_message,
    ];
    let wrapper = wrappers.iter().find_map(|wrapper| wrapper.as_option())?;
    wrapper.message.as_option()
}
