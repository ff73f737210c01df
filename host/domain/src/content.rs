//! What messages say.

use serde::{Deserialize, Serialize};

use crate::ids::WhatsAppId;
use crate::jid::Jid;
use crate::media::{Digest, Media, MediaKind};
use crate::place::Location;
use crate::poll::Poll;
use crate::vcard::ContactCard;

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Content {
    /// Text.
    Text(Text),
    /// A picture, film, sound, document or sticker.
    Media(Media),
    /// A place on the map.
    Location(Location),
    /// One or more people, as address-book entries.
    Contacts {
        /// At least one.
        cards: Vec<ContactCard>,
    },
    /// A question with options to choose from.
    Poll(Poll),
    /// A choice in a poll; it replaces the voter's earlier one.
    PollVote {
        /// The poll.
        target: WhatsAppId,
        /// Who asked.
        target_sender: Jid,
        /// SHA-256 of each chosen option's text: what the network tells. Empty takes the vote
        /// back.
        chosen: Vec<Digest>,
        /// The chosen options in words, as far as the poll is known here.
        #[serde(default)]
        options: Vec<String>,
    },
    /// A reaction to a message; an empty emoji takes it back.
    Reaction {
        /// The message reacted to.
        target: WhatsAppId,
        /// Who wrote that message.
        target_sender: Jid,
        /// The emoji, or nothing.
        emoji: String,
    },
    /// A new text for an earlier message of the same sender.
    Edit {
        /// The message that changes.
        target: WhatsAppId,
        /// Its new text.
        text: String,
    },
    /// An earlier message taken back, by its author or by an admin of the group.
    Revoke {
        /// The message taken back.
        target: WhatsAppId,
        /// Its author, when that is somebody else.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        target_sender: Option<Jid>,
    },
    /// Something this version does not read.
    Unsupported {
        /// The network's word for it.
        what: String,
    },
}

/// A text, with what belongs to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Text {
    /// The text; at most [`Content::MAX_TEXT`] bytes when this host sends it.
    pub text: String,
    /// Who is mentioned; each appears in the text as `@` and the user part of the address.
    #[serde(skip_serializing_if = "Mentions::is_nobody", default)]
    pub mentions: Mentions,
    /// What the text's link shows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub preview: Option<LinkPreview>,
}

/// Who is mentioned in a text or caption.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mentions {
    /// By address.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub people: Vec<Jid>,
    /// Every member of the group, whoever they are when it is sent.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub everybody: bool,
}

impl Mentions {
    /// Most people one message mentions by address.
    pub const MAX: usize = 1024;

    /// Whether nobody is.
    pub fn is_nobody(&self) -> bool {
        self.people.is_empty() && !self.everybody
    }
}

/// What a link shows below a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkPreview {
    /// The link, as it stands in the text.
    pub url: String,
    /// Its title.
    pub title: String,
    /// A sentence about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
    /// A small JPEG of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub thumbnail: Option<Digest>,
}

impl Content {
    /// Longest text that is sent, in bytes (WhatsApp's own limit).
    pub const MAX_TEXT: usize = 65_536;

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Text {
            text: text.into(),
            ..Text::default()
        })
    }

    /// What a person would read in it: the text, the caption, the question, the name of the place.
    pub fn readable(&self) -> Option<&str> {
        match self {
            Self::Text(Text { text, .. }) | Self::Edit { text, .. } => Some(text),
            Self::Media(media) => media.caption.as_deref(),
            Self::Location(place) => place.name.as_deref(),
            Self::Poll(poll) => Some(&poll.question),
            Self::Contacts { .. }
            | Self::PollVote { .. }
            | Self::Reaction { .. }
            | Self::Revoke { .. }
            | Self::Unsupported { .. } => None,
        }
    }

    /// One word for it: `text`, `image`, `voice`, `reaction`, …
    pub fn word(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Media(media) => match media.kind {
                MediaKind::Image => "image",
                MediaKind::Video if media.gif => "gif",
                MediaKind::Video => "video",
                MediaKind::Audio if media.voice => "voice",
                MediaKind::Audio => "audio",
                MediaKind::Document => "document",
                MediaKind::Sticker => "sticker",
            },
            Self::Location(_) => "location",
            Self::Contacts { .. } => "contacts",
            Self::Poll(_) => "poll",
            Self::PollVote { .. } => "vote",
            Self::Reaction { .. } => "reaction",
            Self::Edit { .. } => "edit",
            Self::Revoke { .. } => "revoke",
            Self::Unsupported { .. } => "unsupported",
        }
    }

    /// Every word [`Self::word`] can give.
    pub const WORDS: [&'static str; 15] = [
        "text", "image", "gif", "video", "voice", "audio", "document", "sticker", "location",
        "contacts", "poll", "vote", "reaction", "edit", "revoke",
    ];

    /// The digests of the stored media it needs.
    pub fn stored(&self) -> impl Iterator<Item = Digest> {
        let pair = match self {
            Self::Media(media) => [media.source.digest(), media.thumbnail],
            Self::Text(Text {
                preview: Some(preview),
                ..
            }) => [preview.thumbnail, None],
            _ => [None, None],
        };
        pair.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::MediaSource;
    use crate::place::Degrees;

    #[test]
    fn every_content_is_read_back_as_it_was_stored() -> Result<(), Box<dyn std::error::Error>> {
        let target: WhatsAppId = "3EB0A1B2C3".parse()?;
        let somebody: Jid = "15550100@c.us".parse()?;
        let mut picture = Media::new(
            MediaKind::Image,
            "image/png",
            3,
            MediaSource::Remote {
                locator: "there".to_owned(),
            },
        );
        picture.caption = Some("look".to_owned());
        for content in [
            Content::text("hello"),
            Content::Text(Text {
                text: "@15550100 https://example.com".to_owned(),
                mentions: Mentions {
                    people: vec![somebody.clone()],
                    everybody: true,
                },
                preview: Some(LinkPreview {
                    url: "https://example.com".to_owned(),
                    title: "Example".to_owned(),
                    description: None,
                    thumbnail: None,
                }),
            }),
            Content::Media(picture),
            Content::Location(Location {
                latitude: Degrees::latitude(52.520_008)?,
                longitude: Degrees::longitude(-13.404_954)?,
                name: Some("Here".to_owned()),
                address: None,
                live: false,
            }),
            Content::Contacts {
                cards: vec![ContactCard::new("Ada", &["15550100".parse()?])],
            },
            Content::Poll(Poll::new("Tea?", ["yes", "no"], 1)?),
            Content::PollVote {
                target: target.clone(),
                target_sender: somebody.clone(),
                chosen: vec![Digest::new([7; 32])],
                options: vec!["yes".to_owned()],
            },
            Content::Reaction {
                target: target.clone(),
                target_sender: somebody,
                emoji: "👍".to_owned(),
            },
            Content::Edit {
                target: target.clone(),
                text: "better".to_owned(),
            },
            Content::Revoke {
                target,
                target_sender: None,
            },
            Content::Unsupported {
                what: "poll".to_owned(),
            },
        ] {
            let stored = serde_json::to_string(&content)?;
            assert_eq!(
                serde_json::from_str::<Content>(&stored)?,
                content,
                "{stored}"
            );
        }
        Ok(())
    }

    #[test]
    fn a_plain_text_is_stored_as_it_was_by_the_first_version() -> Result<(), serde_json::Error> {
        let stored = r#"{"type":"text","text":"hello"}"#;
        assert_eq!(serde_json::to_string(&Content::text("hello"))?, stored);
        assert_eq!(
            serde_json::from_str::<Content>(stored)?,
            Content::text("hello")
        );
        Ok(())
    }
}
