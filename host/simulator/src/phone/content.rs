//! Plaintexts: what a person wants to say, as the message phones exchange, and back.
//!
//! [`compose`] makes the forms current clients send. [`read`](fn@read) accepts what clients have
//! been seen to send, looks through the wrappers (copies of own messages, disappearing, view-once,
//! edited) and never fails: what it does not know becomes [`Content::Other`].

pub(crate) mod body;
pub(crate) mod compose;
pub(crate) mod parts;
mod read;

use waproto::buffa::MessageField;
use waproto::whatsapp as wa;

pub(crate) use read::{destination, marks, read, secret, unwrap};

use super::media::MediaKind;
use body::Locator;
use parts::{ContactCard, LinkPreview, Look, Place, Poll};

/// What a message says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    Text {
        body: String,
        preview: Option<LinkPreview>,
        /// The ground of a status, 0xAARRGGBB.
        color: Option<u32>,
    },
    Media {
        kind: MediaKind,
        locator: Locator,
        mime: String,
        look: Look,
    },
    Location(Place),
    Contacts(Vec<ContactCard>),
    Poll(Poll),
    Vote(SealedVote),
    /// An empty emoji takes an earlier reaction back.
    Reaction {
        target: String,
        emoji: String,
    },
    Edit {
        target: String,
        body: String,
    },
    Revoke {
        target: String,
    },
    /// A group's sender key and nothing to show.
    SenderKeyOnly,
    /// Between devices, by its name in the protocol.
    Protocol(&'static str),
    /// Not for a simulated phone, by a short name.
    Other(&'static str),
}

/// A vote as it travels; only who has the poll's secret can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealedVote {
    /// The id of the poll.
    pub poll: String,
    pub payload: Vec<u8>,
    pub iv: Vec<u8>,
}

/// A message inside one of the wrappers that hold nothing but a message.
fn wrapped(message: wa::Message) -> MessageField<wa::message::FutureProofMessage> {
    MessageField::some(wa::message::FutureProofMessage {
        message: MessageField::some(message),
    })
}
