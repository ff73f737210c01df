//! Which events an extension is called for. Decided by the host, before any of its code runs.

use warbler_domain::message::Direction;
use warbler_domain::{Event, EventKind, Jid, SessionName};

/// The `[filter]` of a manifest.
///
/// By default messages that came in, from everywhere. What the session's own account does passes
/// only with `own`, so that no extension answers itself by accident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Kinds; one that ends in `*` stands for all that begin so.
    pub(crate) events: Vec<String>,
    /// Names of sessions; all when empty.
    pub(crate) sessions: Vec<SessionName>,
    /// Chats; all when empty.
    pub(crate) chats: Vec<ChatFilter>,
    /// Texts one of which must stand in the message, in lower case; any message when empty.
    pub(crate) text: Vec<String>,
    /// Whether the account's own messages pass.
    pub(crate) own: bool,
}

/// One entry of `chats`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ChatFilter {
    /// Every group.
    Groups,
    /// Every chat with one person.
    Direct,
    /// This chat.
    Chat(Jid),
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            events: vec![EventKind::MESSAGE_RECEIVED.as_str().to_owned()],
            sessions: Vec::new(),
            chats: Vec::new(),
            text: Vec::new(),
            own: false,
        }
    }
}

impl Filter {
    /// Whether `event` passes, as far as the event alone says it.
    pub(crate) fn admits(&self, event: &Event) -> bool {
        self.admits_kind(event)
            && self.admits_direction(event)
            && self.admits_chat(event)
            && self.admits_text(event)
    }

    /// The first part that does not let `event` pass, in words; nothing when it passes.
    pub(crate) fn why_not(&self, event: &Event) -> Option<String> {
        let list = |items: &[String]| {
            let quoted: Vec<_> = items.iter().map(|item| format!("\"{item}\"")).collect();
            format!("[{}]", quoted.join(", "))
        };
        if !self.admits_kind(event) {
            let (kind, wanted) = (event.kind(), list(&self.events));
            return Some(format!(
                "its filter `events` is {wanted}, and this is {kind}"
            ));
        }
        if !self.admits_direction(event) {
            return Some(
                "its filter has no `own = true`, and this is the account's own".to_owned(),
            );
        }
        if !self.admits_chat(event) {
            return Some(
                match event.chat() {
                    Some(chat) if chat.is_group() => "its filter `chats` leaves this group out",
                    Some(_) => "its filter `chats` leaves this chat out",
                    None => "its filter `chats` wants a chat, and this happened in none",
                }
                .to_owned(),
            );
        }
        if !self.admits_text(event) {
            let wanted = list(&self.text);
            return Some(format!("none of its filter's `text` {wanted} is in it"));
        }
        None
    }

    fn admits_kind(&self, event: &Event) -> bool {
        let kind = event.kind();
        let kind = kind.as_str();
        self.events
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(start) => kind.starts_with(start),
                None => kind == pattern,
            })
    }

    fn admits_direction(&self, event: &Event) -> bool {
        self.own
            || event
                .message()
                .is_none_or(|message| message.direction == Direction::Inbound)
    }

    fn admits_chat(&self, event: &Event) -> bool {
        self.chats.is_empty()
            || event.chat().is_some_and(|chat| {
                self.chats.iter().any(|filter| match filter {
                    ChatFilter::Groups => chat.is_group(),
                    ChatFilter::Direct => !chat.is_group(),
                    ChatFilter::Chat(jid) => jid == chat,
                })
            })
    }

    fn admits_text(&self, event: &Event) -> bool {
        if self.text.is_empty() {
            return true;
        }
        let text = event
            .message()
            .and_then(|message| message.content.readable());
        let Some(text) = text.map(str::to_lowercase) else {
            return false;
        };
        self.text
            .iter()
            .any(|wanted| text.contains(wanted.as_str()))
    }
}
