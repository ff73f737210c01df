//! What callers ask to be sent.

use warbler_domain::place::Location;
use warbler_domain::poll::Poll;
use warbler_domain::vcard::ContactCard;
use warbler_domain::{Recipient, Timestamp, WhatsAppId};

use crate::media::{NewMedium, Origin};

pub use warbler_domain::media::MediaForm;

/// A message to send.
#[derive(Debug, Clone)]
pub struct Draft {
    /// To whom.
    pub to: Recipient,
    /// What.
    pub content: NewContent,
    /// The message it answers, by the network's id.
    pub quote: Option<WhatsAppId>,
    /// When; at once when nothing is said.
    pub send_at: Option<Timestamp>,
    /// Who is to see it, when it is a status post.
    pub audience: Option<Audience>,
}

impl Draft {
    /// A message with nothing said about it but what it is.
    pub fn new(to: Recipient, content: NewContent) -> Self {
        Self {
            to,
            content,
            quote: None,
            send_at: None,
            audience: None,
        }
    }

    /// The messages of its chat it refers to, by the network's ids.
    pub(super) fn targets(&self) -> impl Iterator<Item = &WhatsAppId> {
        let target = match &self.content {
            NewContent::Vote { poll: target, .. }
            | NewContent::Reaction { target, .. }
            | NewContent::Edit { target, .. }
            | NewContent::Revoke { target } => Some(target),
            _ => None,
        };
        self.quote.iter().chain(target)
    }
}

/// What a new message says.
#[derive(Debug, Clone)]
pub enum NewContent {
    /// A text.
    Text(NewText),
    /// A picture, film, sound, document or sticker.
    Media(NewMedia),
    /// A place.
    Location(Location),
    /// Address-book entries.
    Contacts(Vec<ContactCard>),
    /// A question with options.
    Poll(Poll),
    /// A choice in a poll of that chat; no option takes it back.
    Vote {
        /// The poll, by the network's id.
        poll: WhatsAppId,
        /// The chosen options, in words.
        options: Vec<String>,
    },
    /// A reaction to a message of that chat; an empty emoji takes it back.
    Reaction {
        /// The message, by the network's id.
        target: WhatsAppId,
        /// The emoji.
        emoji: String,
    },
    /// A new text for an earlier message of this session in that chat.
    Edit {
        /// The message, by the network's id.
        target: WhatsAppId,
        /// Its new text.
        text: String,
    },
    /// An earlier message of that chat, taken back for everyone.
    Revoke {
        /// The message, by the network's id.
        target: WhatsAppId,
    },
}

/// A text to send.
#[derive(Debug, Clone, Default)]
pub struct NewText {
    /// The text.
    pub text: String,
    /// Whom it mentions.
    pub mentions: NewMentions,
    /// What its link shows.
    pub preview: NewPreview,
}

impl From<&str> for NewText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl From<String> for NewText {
    fn from(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

/// Whom a new message mentions.
#[derive(Debug, Clone, Default)]
pub struct NewMentions {
    /// People, each named in the text by `@` and the number.
    pub people: Vec<Recipient>,
    /// Every member of the group.
    pub everybody: bool,
}

/// What the link in a new text shows.
#[derive(Debug, Clone, Default)]
pub enum NewPreview {
    /// Nothing.
    #[default]
    Nothing,
    /// What the host finds at the first link; nothing when it finds nothing soon.
    Found,
    /// What the caller says.
    Given {
        /// The link, as it stands in the text.
        url: String,
        /// Its title.
        title: String,
        /// A sentence about it.
        description: Option<String>,
        /// A picture of it, of which a small JPEG is sent.
        thumbnail: Option<Origin>,
    },
}

/// A medium to send.
#[derive(Debug, Clone)]
pub struct NewMedia {
    /// Where it is, and what the file is called.
    pub medium: NewMedium,
    /// What it is sent as.
    pub form: MediaForm,
    /// The text below it.
    pub caption: Option<String>,
    /// Whom the caption mentions.
    pub mentions: NewMentions,
    /// Whether it is shown once only.
    pub view_once: bool,
}

/// Who is to see a status post.
#[derive(Debug, Clone)]
pub enum Audience {
    /// Everybody in the account's address book, as far as it is known here.
    Contacts,
    /// These people.
    People(Vec<Recipient>),
}
