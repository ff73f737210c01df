//! What a rule reads of an event.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use warbler_app::hook::HookCall;
use warbler_domain::message::Direction;
use warbler_domain::rule::{fold, squeeze};
use warbler_domain::{Content, Event, EventBody, Jid, Message, Timestamp};

/// Bytes of a text that rules read; what comes later is not looked at.
const MAX_READ: usize = 8 * 1024;

/// The network's word for members who were let into a group.
const ADDED: &str = "add";

/// An event as rules read it.
pub(super) struct Reading<'a> {
    event: &'a Event,
    now: Timestamp,
    message: Option<&'a Message>,
    /// Who came into a group, where it is no message.
    comers: &'a [Jid],
    text: Option<&'a str>,
    squeezed: Cow<'a, str>,
    folded: String,
}

impl<'a> Reading<'a> {
    /// The event of a call, if rules are about such events.
    pub(super) fn of(call: &'a HookCall) -> Option<Self> {
        let event: &Event = &call.event;
        let (message, comers): (_, &[Jid]) = match &event.body {
            EventBody::Message { message } if message.direction == Direction::Inbound => {
                (Some(&**message), &[])
            }
            EventBody::GroupUpdated { change, .. } if change.what == ADDED => {
                (None, &change.members)
            }
            _ => return None,
        };
        let text = message.and_then(|message| message.content.readable());
        let text = text.map(|text| {
            let end = text.floor_char_boundary(MAX_READ);
            text.get(..end).unwrap_or(text)
        });
        Some(Self {
            event,
            now: call.now,
            message,
            comers,
            text,
            squeezed: text.map(squeeze).unwrap_or_default(),
            folded: text.map(fold).unwrap_or_default(),
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn is_message(&self) -> bool {
        self.message.is_some()
    }

    pub(super) fn message(&self) -> Option<&'a Message> {
        self.message
    }

    pub(super) fn content(&self) -> Option<&'a Content> {
        self.message.map(|message| &message.content)
    }

    /// The text as it was written.
    pub(super) fn text(&self) -> Option<&'a str> {
        self.text
    }

    /// The text as words are looked for in it: as it is, or without case and accents.
    pub(super) fn searched(&self, match_case: bool) -> &str {
        if match_case {
            &self.squeezed
        } else {
            &self.folded
        }
    }

    pub(super) fn chat(&self) -> Option<&'a Jid> {
        self.event.chat()
    }

    pub(super) fn is_group(&self) -> bool {
        self.chat().is_some_and(Jid::is_group)
    }

    /// The chat's addresses.
    pub(super) fn chats(&self) -> impl Iterator<Item = &'a Jid> {
        let alt = self.message.and_then(|message| message.chat_alt.as_ref());
        self.chat().into_iter().chain(alt)
    }

    /// Who wrote, or who came.
    pub(super) fn sender(&self) -> Option<&'a Jid> {
        self.message
            .map(|message| &message.sender)
            .or_else(|| self.comers.first())
    }

    /// The addresses of those who wrote or came.
    pub(super) fn senders(&self) -> impl Iterator<Item = &'a Jid> {
        let written = self.message.map(|message| &message.sender);
        let alt = self.message.and_then(|message| message.sender_alt.as_ref());
        written.into_iter().chain(alt).chain(self.comers)
    }

    /// A number that is the same whenever this event is run again, and another for each `what`.
    pub(super) fn luck(&self, what: impl Hash) -> u64 {
        // Not for anything secret: it only has to be spread evenly. Ids of events are random.
        let mut hasher = DefaultHasher::new();
        (self.event.id, what).hash(&mut hasher);
        hasher.finish()
    }
}
