//! The words of manifests and headers, each parsed once.

use warbler_domain::Jid;
use warbler_domain::extension::{HistoryScope, HttpOrigin, SendScope};

use crate::filter::ChatFilter;
use crate::profile::KvSpace;

/// Longest name of a secret, in bytes.
const MAX_SECRET_NAME: usize = 64;

pub(super) fn event_pattern(text: &str) -> Result<String, String> {
    let word = text.strip_suffix('*').unwrap_or(text);
    let plain = word
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if plain && !text.is_empty() {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not an event kind, such as message.received or message.*"
        ))
    }
}

pub(super) fn chat_filter(text: &str) -> Result<ChatFilter, String> {
    match text {
        "group" => Ok(ChatFilter::Groups),
        "direct" => Ok(ChatFilter::Direct),
        _ => text
            .parse::<Jid>()
            .map(ChatFilter::Chat)
            .map_err(|error| format!("{error}; `chats` takes \"direct\", \"group\" and JIDs")),
    }
}

pub(super) fn send_scope(text: &str) -> Result<SendScope, String> {
    match text {
        "reply-only" => Ok(SendScope::ReplyOnly),
        "contacts" => Ok(SendScope::Contacts),
        "any" => Ok(SendScope::Any),
        other => Err(format!(
            "`send` is \"reply-only\", \"contacts\" or \"any\", not \"{other}\""
        )),
    }
}

pub(super) fn history_scope(text: &str) -> Result<HistoryScope, String> {
    match text {
        "none" => Ok(HistoryScope::None),
        "chat" => Ok(HistoryScope::Chat),
        "any" => Ok(HistoryScope::Any),
        other => Err(format!(
            "`history` is \"none\", \"chat\" or \"any\", not \"{other}\""
        )),
    }
}

pub(super) fn origin(text: &str) -> Result<HttpOrigin, String> {
    text.parse().map_err(|error| format!("{error}"))
}

pub(super) fn secret_name(text: &str) -> Result<String, String> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if plain && !text.is_empty() && text.len() <= MAX_SECRET_NAME {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` cannot name a secret; use up to {MAX_SECRET_NAME} letters, digits, `_` and `-`"
        ))
    }
}

pub(super) fn kv_space(text: &str) -> Result<KvSpace, String> {
    match text {
        "plugin" => Ok(KvSpace::Plugin),
        "session" => Ok(KvSpace::Session),
        other => Err(format!(
            "`kv` is \"plugin\" or \"session\", not \"{other}\""
        )),
    }
}
