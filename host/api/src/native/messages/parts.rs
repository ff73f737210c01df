//! The parts of a message that callers write.

use std::fmt;

use serde::Deserialize;
use utoipa::ToSchema;
use warbler_app::media::{FileName, NewMedium, Origin};
use warbler_app::messages::{MediaForm, NewContent, NewMedia, NewMentions, NewPreview};
use warbler_domain::place::{Degrees, Location};
use warbler_domain::poll::Poll;
use warbler_domain::vcard::ContactCard;
use warbler_domain::{PhoneNumber, WhatsAppId};

use crate::native::in_field;
use crate::problem::Problem;

/// Whom a text or caption mentions.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = SendMentions)]
pub(in crate::native) struct MentionsBody {
    /// People: numbers or JIDs, each of which stands in the text as `@` and its digits.
    #[schema(example = json!(["+15550123"]))]
    people: Vec<String>,
    /// Every member of the group.
    everybody: bool,
}

impl MentionsBody {
    pub(super) fn into_new(self, field: &str) -> Result<NewMentions, Problem> {
        let people = self.people.iter().enumerate().map(|(index, person)| {
            super::send::recipient(person, &format!("{field}.people[{index}]"))
        });
        Ok(NewMentions {
            people: people.collect::<Result<_, _>>()?,
            everybody: self.everybody,
        })
    }
}

/// What the link in a text shows: `true` lets the host look at it, or say it yourself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = SendPreview)]
pub(in crate::native) enum PreviewBody {
    /// Whether the host looks.
    Looked(bool),
    /// What it shows.
    Given(GivenPreviewBody),
}

/// What the link in a text shows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendPreviewGiven)]
pub(in crate::native) struct GivenPreviewBody {
    /// The link, as it stands in the text.
    #[schema(example = "https://example.com")]
    url: String,
    /// Its title.
    title: String,
    /// A sentence about it.
    description: Option<String>,
    /// A picture of it, of which a small JPEG is sent.
    thumbnail: Option<ThumbnailBody>,
}

/// A picture: exactly one of `upload`, `url` and `data` says where it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendThumbnail)]
pub(in crate::native) struct ThumbnailBody {
    /// The `id` of an upload.
    upload: Option<String>,
    /// Where the host fetches it.
    #[schema(example = "https://example.com/logo.png")]
    url: Option<String>,
    /// The bytes: base64, or a data URL.
    data: Option<String>,
}

impl fmt::Debug for ThumbnailBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThumbnailBody").finish_non_exhaustive()
    }
}

impl PreviewBody {
    pub(super) fn into_new(self, field: &str) -> Result<NewPreview, Problem> {
        let given = match self {
            Self::Looked(false) => return Ok(NewPreview::Nothing),
            Self::Looked(true) => return Ok(NewPreview::Found),
            Self::Given(given) => given,
        };
        let field = format!("{field}.thumbnail");
        let thumbnail = given
            .thumbnail
            .map(|body| origin(body.upload, body.url, body.data, &field));
        Ok(NewPreview::Given {
            url: given.url,
            title: given.title,
            description: given.description,
            thumbnail: thumbnail.transpose()?,
        })
    }
}

/// Where the file is that `field` names.
fn origin(
    upload: Option<String>,
    url: Option<String>,
    data: Option<String>,
    field: &str,
) -> Result<Origin, Problem> {
    let inside = |name: &str| format!("{field}.{name}");
    match (upload, url, data) {
        (Some(id), None, None) => {
            let id = in_field("unknown_upload", &inside("upload"), &id)?;
            Ok(Origin::Upload(id))
        }
        (None, Some(url), None) => {
            let parsed = url.parse();
            Ok(Origin::Url(parsed.map_err(
                |err: warbler_app::fetch::FetchError| Problem::from(err).in_field(inside("url")),
            )?))
        }
        (None, None, Some(data)) if data.starts_with("data:") => Ok(Origin::DataUrl(data)),
        (None, None, Some(data)) => Ok(Origin::Base64(data)),
        _ => {
            let detail = "say where the file is: exactly one of `upload`, `url` and `data`";
            Err(Problem::invalid("bad_media_source", detail).in_field(field))
        }
    }
}

/// A file to send: exactly one of `upload`, `url` and `data` says where it is. What it is is told
/// from its content.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendMedia)]
pub(in crate::native) struct MediaBody {
    /// The `id` of an upload.
    upload: Option<String>,
    /// Where the host fetches it.
    #[schema(example = "https://example.com/menu.pdf")]
    url: Option<String>,
    /// The bytes: base64, or a data URL.
    data: Option<String>,
    /// What recipients see the file called.
    file_name: Option<String>,
    /// The text below it.
    caption: Option<String>,
    /// Whom the caption mentions.
    mentions: Option<MentionsBody>,
    /// Shown once, then gone: images, videos and voice notes.
    #[serde(default)]
    view_once: bool,
}

impl fmt::Debug for MediaBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaBody").finish_non_exhaustive()
    }
}

impl MediaBody {
    pub(super) fn into_content(self, form: MediaForm, field: &str) -> Result<NewContent, Problem> {
        let origin = origin(self.upload, self.url, self.data, field)?;
        let mentions = self.mentions.unwrap_or_default();
        Ok(NewContent::Media(NewMedia {
            medium: NewMedium {
                origin,
                kind: None,
                file_name: self.file_name.as_deref().and_then(FileName::of),
            },
            form,
            caption: self.caption,
            mentions: mentions.into_new(&format!("{field}.mentions"))?,
            view_once: self.view_once,
        }))
    }
}

/// A place to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendLocation)]
pub(in crate::native) struct LocationBody {
    /// Degrees north of the equator, from -90 to 90.
    #[schema(example = 52.520008)]
    latitude: f64,
    /// Degrees east of Greenwich, from -180 to 180.
    #[schema(example = 13.404954)]
    longitude: f64,
    /// What is there.
    name: Option<String>,
    /// Its postal address.
    address: Option<String>,
}

impl LocationBody {
    pub(super) fn into_content(self) -> Result<NewContent, Problem> {
        let bad = |field: &'static str| {
            move |err: warbler_domain::place::BadDegrees| {
                Problem::invalid("bad_location", err.to_string()).in_field(field)
            }
        };
        Ok(NewContent::Location(Location {
            latitude: Degrees::latitude(self.latitude).map_err(bad("location.latitude"))?,
            longitude: Degrees::longitude(self.longitude).map_err(bad("location.longitude"))?,
            name: self.name,
            address: self.address,
            live: false,
        }))
    }
}

/// An address-book entry to send: a `vcard`, or a `name` and `numbers`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendContact)]
pub(in crate::native) struct ContactBody {
    /// The name shown.
    #[schema(example = "Ada Lovelace")]
    name: Option<String>,
    /// Phone numbers in international form.
    #[schema(example = json!(["+15550123"]))]
    #[serde(default)]
    numbers: Vec<String>,
    /// The company.
    company: Option<String>,
    /// The whole entry, as vCard 3.0 or later.
    vcard: Option<String>,
}

impl ContactBody {
    pub(super) fn into_card(self, field: &str) -> Result<ContactCard, Problem> {
        let bad = |detail: String| Problem::invalid("bad_contact_card", detail).in_field(field);
        match (self.vcard, self.name) {
            (Some(vcard), None) if self.numbers.is_empty() && self.company.is_none() => {
                ContactCard::parse(&vcard).map_err(|err| bad(err.to_string()))
            }
            (None, Some(name)) if !name.trim().is_empty() && !self.numbers.is_empty() => {
                let numbers = self.numbers.iter().map(|number| {
                    number
                        .parse::<PhoneNumber>()
                        .map_err(|err| bad(err.to_string()))
                });
                let numbers: Vec<_> = numbers.collect::<Result<_, _>>()?;
                let card = ContactCard::of_company(&name, &numbers, self.company.as_deref());
                // What was written into it has to be read out of it again.
                ContactCard::parse(&card.vcard).map_err(|err| bad(err.to_string()))?;
                Ok(card)
            }
            _ => {
                let detail = "a contact is a `vcard`, or a `name` with at least one of `numbers`";
                Err(bad(detail.to_owned()))
            }
        }
    }
}

/// A poll to send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendPoll)]
pub(in crate::native) struct PollBody {
    /// What is asked.
    #[schema(example = "Tea or coffee?")]
    question: String,
    /// What can be chosen: 2 to 12 different texts.
    #[schema(example = json!(["Tea", "Coffee"]))]
    options: Vec<String>,
    /// How many options one may choose; 0 is any number, 1 when nothing is said.
    #[serde(default = "one")]
    choices: u32,
}

fn one() -> u32 {
    1
}

impl PollBody {
    pub(super) fn into_content(self) -> Result<NewContent, Problem> {
        Poll::new(self.question, self.options, self.choices)
            .map(NewContent::Poll)
            .map_err(|err| Problem::invalid("bad_poll", err.to_string()).in_field("poll"))
    }
}

/// A choice in a poll of this chat.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendVote)]
pub(in crate::native) struct VoteBody {
    /// The `whatsappId` of the poll.
    message: String,
    /// The chosen options, letter by letter; none takes the vote back.
    options: Vec<String>,
}

impl VoteBody {
    pub(super) fn into_content(self) -> Result<NewContent, Problem> {
        Ok(NewContent::Vote {
            poll: message_id(&self.message, "vote.message")?,
            options: self.options,
        })
    }
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

impl ReactionBody {
    pub(super) fn into_content(self) -> Result<NewContent, Problem> {
        Ok(NewContent::Reaction {
            target: message_id(&self.message, "reaction.message")?,
            emoji: self.emoji,
        })
    }
}

/// A new text for an earlier message of this session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendEdit)]
pub(in crate::native) struct EditBody {
    /// The `whatsappId` of the message.
    message: String,
    /// Its new text.
    text: String,
}

impl EditBody {
    pub(super) fn into_content(self) -> Result<NewContent, Problem> {
        Ok(NewContent::Edit {
            target: message_id(&self.message, "edit.message")?,
            text: self.text,
        })
    }
}

/// An earlier message of this chat to take back for everyone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendRevoke)]
pub(in crate::native) struct RevokeBody {
    /// The `whatsappId` of the message.
    message: String,
}

impl RevokeBody {
    pub(super) fn into_content(self) -> Result<NewContent, Problem> {
        Ok(NewContent::Revoke {
            target: message_id(&self.message, "revoke.message")?,
        })
    }
}

/// The network's id of a message, written in `field`.
pub(super) fn message_id(text: &str, field: &str) -> Result<WhatsAppId, Problem> {
    text.parse().map_err(|_| {
        let detail = format!(
            "{field}: not the `whatsappId` of a message; one looks like 3EB0A1B2C3D4E5F60718"
        );
        Problem::invalid("bad_message_id", detail).in_field(field)
    })
}
