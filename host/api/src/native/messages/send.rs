//! What a caller writes to send a message.

use std::fmt;

use bytes::Bytes;
use data_encoding::{BASE64, BASE64_NOPAD, DecodeError};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use utoipa::ToSchema;
use warbler_app::messages::{NewContent, SendMessage};
use warbler_domain::{Recipient, SessionRef, WhatsAppId};

use crate::problem::Problem;

/// A message to send. Exactly one of `text`, `image` and `reaction` says what it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendMessage)]
pub(in crate::native) struct SendBody {
    /// To whom: a phone number in international form, or the JID of a person or group.
    #[schema(example = "+15550123")]
    to: String,
    /// A text, up to 65,536 bytes.
    text: Option<String>,
    /// An image.
    image: Option<ImageBody>,
    /// A reaction to a message of this chat.
    reaction: Option<ReactionBody>,
    /// The `whatsappId` of the message this one answers.
    quote: Option<String>,
}

/// An image to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendImage)]
pub(in crate::native) struct ImageBody {
    /// A PNG, JPEG, GIF or WebP: base64, or a data URL.
    #[schema(value_type = String)]
    data: Base64,
    /// The text below it.
    caption: Option<String>,
}

/// A reaction to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendReaction)]
pub(in crate::native) struct ReactionBody {
    /// The `whatsappId` of the message.
    message: String,
    /// The emoji; empty takes the reaction back.
    emoji: String,
}

impl SendBody {
    /// What is to be sent by `session`.
    pub(super) fn into_command(self, session: SessionRef) -> Result<SendMessage, Problem> {
        let to = recipient(&self.to, "to")?;
        let quote = self.quote.map(|id| message_id(&id, "quote")).transpose()?;
        let content = match (self.text, self.image, self.reaction) {
            (Some(text), None, None) => NewContent::Text(text),
            (None, Some(ImageBody { data, caption }), None) => NewContent::Image {
                bytes: data.0,
                caption,
            },
            (None, None, Some(ReactionBody { message, emoji })) => NewContent::Reaction {
                target: message_id(&message, "reaction.message")?,
                emoji,
            },
            (None, None, None) => {
                return Err(Problem::invalid(
                    "no_content",
                    "say what to send: `text`, `image` or `reaction`",
                ));
            }
            _ => {
                let detail = "`text`, `image` and `reaction` exclude each other; the text of an image is its `caption`";
                return Err(Problem::invalid("several_contents", detail));
            }
        };
        Ok(SendMessage {
            session,
            to,
            content,
            quote,
        })
    }
}

/// The recipient written in `field`.
pub(super) fn recipient(text: &str, field: &str) -> Result<Recipient, Problem> {
    text.parse()
        .map_err(|err: warbler_domain::jid::BadRecipient| {
            Problem::invalid("bad_recipient", err.to_string()).in_field(field)
        })
}

fn message_id(text: &str, field: &str) -> Result<WhatsAppId, Problem> {
    text.parse().map_err(|_| {
        let detail = format!(
            "{field}: not the `whatsappId` of a message; one looks like 3EB0A1B2C3D4E5F60718"
        );
        Problem::invalid("bad_message_id", detail).in_field(field)
    })
}

/// Bytes, written as base64 or as a data URL.
struct Base64(Bytes);

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Base64Visitor)
    }
}

struct Base64Visitor;

impl Visitor<'_> for Base64Visitor {
    type Value = Base64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64 or a data URL")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Base64, E> {
        let encoded = match text.strip_prefix("data:") {
            None => text,
            Some(rest) => match rest.split_once(',') {
                Some((kind, encoded)) if kind.ends_with(";base64") => encoded,
                _ => {
                    return Err(E::custom(
                        "a data URL here looks like `data:image/png;base64,…`",
                    ));
                }
            },
        };
        let bytes = decode(encoded.as_bytes());
        bytes.map(|bytes| Base64(bytes.into())).map_err(|err| {
            E::custom(format_args!(
                "not base64: {} at character {}",
                err.kind,
                err.position + 1
            ))
        })
    }
}

/// Decodes with padding, or without any.
fn decode(encoded: &[u8]) -> Result<Vec<u8>, DecodeError> {
    if encoded.len().is_multiple_of(4) {
        BASE64.decode(encoded)
    } else {
        BASE64_NOPAD.decode(encoded)
    }
}
