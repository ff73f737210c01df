//! Answers: texts, media, contacts and places.

use serde::{Deserialize, Serialize};

use super::{BadAction, is_url};
use crate::action::ActionMedia;
use crate::jid::PhoneNumber;
use crate::media::MediaForm;
use crate::place::Degrees;
use crate::rule::Template;

/// One of several texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ReplyParts", into = "ReplyParts")]
pub struct Reply(ReplyParts);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ReplyParts {
    texts: Vec<Template>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    quote: bool,
}

impl Reply {
    /// Most texts to choose from.
    pub const MOST: usize = 32;

    /// One of `texts`; as an answer that quotes the message, with `quote`.
    pub fn new(texts: Vec<Template>, quote: bool) -> Result<Self, BadAction> {
        ReplyParts { texts, quote }.try_into()
    }

    /// The texts; there is at least one.
    pub fn texts(&self) -> &[Template] {
        &self.0.texts
    }

    /// Whether it quotes the message.
    pub fn quotes(&self) -> bool {
        self.0.quote
    }
}

impl TryFrom<ReplyParts> for Reply {
    type Error = BadAction;

    fn try_from(parts: ReplyParts) -> Result<Self, BadAction> {
        if (1..=Self::MOST).contains(&parts.texts.len()) {
            Ok(Self(parts))
        } else {
            Err(BadAction::Texts)
        }
    }
}

impl From<Reply> for ReplyParts {
    fn from(reply: Reply) -> Self {
        reply.0
    }
}

/// A reply is a text, a list of texts or a table.
pub(super) mod reply {
    use std::fmt;

    use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
    use serde::de::{Error, MapAccess, SeqAccess, Visitor};
    use serde::{Deserialize, Deserializer};

    use super::{Reply, Template};

    struct Forms;

    impl<'de> Visitor<'de> for Forms {
        type Value = Reply;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text, a list of texts to choose from, or an object with `texts`")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Reply, E> {
            let text: Template = text.parse().map_err(E::custom)?;
            Reply::new(vec![text], false).map_err(E::custom)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Reply, A::Error> {
            let texts = Vec::deserialize(SeqAccessDeserializer::new(list))?;
            Reply::new(texts, false).map_err(A::Error::custom)
        }

        fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Reply, A::Error> {
            Reply::deserialize(MapAccessDeserializer::new(table))
        }
    }

    pub(in crate::rule) fn read<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Reply, D::Error> {
        deserializer.deserialize_any(Forms)
    }
}

/// A medium as an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MediaAnswer {
    /// What it is sent as.
    pub kind: MediaForm,
    /// Where it is.
    #[serde(with = "source")]
    pub source: ActionMedia,
    /// The text below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<Template>,
    /// What the file is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
}

impl MediaAnswer {
    /// Where a medium is: a URL, or the id of an upload.
    pub fn source_of(text: &str) -> Result<ActionMedia, BadAction> {
        if is_url(text) {
            return Ok(ActionMedia::Url(text.to_owned()));
        }
        let upload = text.parse().map(ActionMedia::Upload);
        upload.map_err(|_| BadAction::Source)
    }
}

mod source {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{ActionMedia, MediaAnswer};

    pub(super) fn serialize<S: Serializer>(
        source: &ActionMedia,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match source {
            ActionMedia::Url(url) => serializer.serialize_str(url),
            ActionMedia::Upload(id) => serializer.collect_str(id),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ActionMedia, D::Error> {
        let text = String::deserialize(deserializer)?;
        MediaAnswer::source_of(&text).map_err(D::Error::custom)
    }
}

/// An address-book entry as an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ContactParts", into = "ContactParts")]
pub struct ContactAnswer(ContactParts);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ContactParts {
    name: String,
    phones: Vec<PhoneNumber>,
}

impl ContactAnswer {
    /// Somebody with these numbers.
    pub fn new(name: impl Into<String>, phones: Vec<PhoneNumber>) -> Result<Self, BadAction> {
        let name = name.into();
        ContactParts { name, phones }.try_into()
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The numbers.
    pub fn phones(&self) -> &[PhoneNumber] {
        &self.0.phones
    }
}

impl TryFrom<ContactParts> for ContactAnswer {
    type Error = BadAction;

    fn try_from(parts: ContactParts) -> Result<Self, BadAction> {
        let named = (1..=128).contains(&parts.name.trim().chars().count());
        if named && (1..=10).contains(&parts.phones.len()) {
            Ok(Self(parts))
        } else {
            Err(BadAction::Contact)
        }
    }
}

impl From<ContactAnswer> for ContactParts {
    fn from(contact: ContactAnswer) -> Self {
        contact.0
    }
}

/// A place as an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "PlaceParts", into = "PlaceParts")]
pub struct PlaceAnswer(PlaceParts);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PlaceParts {
    latitude: f64,
    longitude: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl PlaceAnswer {
    /// The place there.
    pub fn new(latitude: f64, longitude: f64, name: Option<String>) -> Result<Self, BadAction> {
        PlaceParts {
            latitude,
            longitude,
            name,
        }
        .try_into()
    }

    /// North of the equator, and east of Greenwich, in degrees.
    pub fn degrees(&self) -> (f64, f64) {
        (self.0.latitude, self.0.longitude)
    }

    /// What is there.
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }
}

impl TryFrom<PlaceParts> for PlaceAnswer {
    type Error = BadAction;

    fn try_from(parts: PlaceParts) -> Result<Self, BadAction> {
        let there = Degrees::latitude(parts.latitude).is_ok()
            && Degrees::longitude(parts.longitude).is_ok();
        let named = parts.name.as_ref().is_none_or(|name| name.len() <= 1024);
        if there && named {
            Ok(Self(parts))
        } else {
            Err(BadAction::Place)
        }
    }
}

impl From<PlaceAnswer> for PlaceParts {
    fn from(place: PlaceAnswer) -> Self {
        place.0
    }
}
