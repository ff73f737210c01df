//! What a message says, as it is shown.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_domain::content::{LinkPreview, Mentions};
use warbler_domain::media::Media;
use warbler_domain::place::Location;
use warbler_domain::poll::Poll;
use warbler_domain::vcard::ContactCard;
use warbler_domain::{Content, Jid, MessageId, WhatsAppId};

use crate::native::media::public_url;
use crate::native::words;

/// What a message says: at most one of these, and whom it mentions.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageContent)]
pub(in crate::native) struct ContentView {
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// What the text's link shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<PreviewView>,
    /// Whom the text or the caption mentions.
    #[serde(skip_serializing_if = "Option::is_none")]
    mentions: Option<MentionsView>,
    /// The picture, film, sound, document or sticker.
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<MediaView>,
    /// The place.
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<LocationView>,
    /// The address-book entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    contacts: Option<Vec<ContactCardView>>,
    /// The poll.
    #[serde(skip_serializing_if = "Option::is_none")]
    poll: Option<PollView>,
    /// The choice in a poll.
    #[serde(skip_serializing_if = "Option::is_none")]
    vote: Option<VoteView>,
    /// The reaction to another message.
    #[serde(skip_serializing_if = "Option::is_none")]
    reaction: Option<ReactionView>,
    /// The new text of an earlier message.
    #[serde(skip_serializing_if = "Option::is_none")]
    edit: Option<EditView>,
    /// The earlier message that was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    revoke: Option<RevokeView>,
    /// The network's word for something this version does not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    unsupported: Option<String>,
}

/// What a link shows below a text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LinkPreview)]
pub(in crate::native) struct PreviewView {
    /// The link.
    #[schema(example = "https://example.com")]
    url: String,
    /// Its title.
    title: String,
    /// A sentence about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

/// Who is mentioned.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Mentions)]
pub(in crate::native) struct MentionsView {
    /// By address.
    #[schema(value_type = Vec<String>)]
    people: Vec<Jid>,
    /// Every member of the group.
    everybody: bool,
}

/// One medium of a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Media)]
pub(in crate::native) struct MediaView {
    /// What it is.
    kind: words::MediaKind,
    /// The content type its sender named.
    #[schema(example = "image/png")]
    mime: String,
    /// Its size in bytes, as far as known.
    size: u64,
    /// The text below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    caption: Option<String>,
    /// The name its sender gave the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<String>,
    /// How long it plays, in seconds, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<u32>,
    /// Width in pixels, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    /// Height in pixels, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    /// A sticker that moves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    animated: bool,
    /// Shown once, then gone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    view_once: bool,
    /// Where anybody who knows the name gets its bytes, without a key; only if this host serves the
    /// media of messages so.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_url: Option<String>,
    /// Where its bytes are, on this host.
    #[schema(example = "/v1/messages/0192f0c1-9a11-7b02-8c4d-5e6f708192a3/media")]
    url: String,
}

/// A place on the map.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Location)]
pub(in crate::native) struct LocationView {
    /// Degrees north of the equator.
    #[schema(example = 52.520008)]
    latitude: f64,
    /// Degrees east of Greenwich.
    #[schema(example = 13.404954)]
    longitude: f64,
    /// What is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Its postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Whether it moves.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    live: bool,
}

/// An address-book entry.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContactCard)]
pub(in crate::native) struct ContactCardView {
    /// The name shown.
    name: String,
    /// The phone numbers on it.
    #[schema(example = json!(["+15550100"]))]
    numbers: Vec<String>,
    /// The whole entry, as vCard.
    vcard: String,
}

/// A question with options to choose from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Poll)]
pub(in crate::native) struct PollView {
    /// What is asked.
    question: String,
    /// What can be chosen.
    options: Vec<String>,
    /// How many options one may choose; 0 when any number.
    choices: u32,
}

/// A choice in a poll; it replaces the voter's earlier one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Vote)]
pub(in crate::native) struct VoteView {
    /// The `whatsappId` of the poll.
    #[schema(value_type = String)]
    message: WhatsAppId,
    /// Who asked.
    #[schema(value_type = String)]
    sender: Jid,
    /// The chosen options, as far as the poll is known here; empty when the vote is taken back.
    options: Vec<String>,
    /// How many options were chosen.
    count: usize,
}

/// A reaction to another message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reaction)]
pub(in crate::native) struct ReactionView {
    /// The `whatsappId` of that message.
    #[schema(value_type = String)]
    message: WhatsAppId,
    /// Who wrote that message.
    #[schema(value_type = String)]
    sender: Jid,
    /// The emoji; empty when the reaction is taken back.
    #[schema(example = "👍")]
    emoji: String,
}

/// A new text for an earlier message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Edit)]
pub(in crate::native) struct EditView {
    /// The `whatsappId` of that message.
    #[schema(value_type = String)]
    message: WhatsAppId,
    /// Its new text.
    text: String,
}

/// An earlier message that was taken back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Revoke)]
pub(in crate::native) struct RevokeView {
    /// The `whatsappId` of that message.
    #[schema(value_type = String)]
    message: WhatsAppId,
}

impl ContentView {
    pub(super) fn of(id: MessageId, content: Content) -> Self {
        let mut view = Self::default();
        match content {
            Content::Text(text) => {
                view.text = Some(text.text);
                view.preview = text.preview.map(PreviewView::from);
                view.mentions = MentionsView::of(text.mentions);
            }
            Content::Media(media) => {
                view.mentions = MentionsView::of(media.mentions.clone());
                view.media = Some(MediaView::of(id, media));
            }
            Content::Location(location) => view.location = Some(location.into()),
            Content::Contacts { cards } => {
                view.contacts = Some(cards.into_iter().map(ContactCardView::from).collect());
            }
            Content::Poll(poll) => view.poll = Some(poll.into()),
            Content::PollVote {
                target,
                target_sender,
                chosen,
                options,
            } => {
                view.vote = Some(VoteView {
                    message: target,
                    sender: target_sender,
                    options,
                    count: chosen.len(),
                });
            }
            Content::Reaction {
                target,
                target_sender,
                emoji,
            } => {
                view.reaction = Some(ReactionView {
                    message: target,
                    sender: target_sender,
                    emoji,
                });
            }
            Content::Edit { target, text } => {
                view.edit = Some(EditView {
                    message: target,
                    text,
                });
            }
            Content::Revoke { target, .. } => view.revoke = Some(RevokeView { message: target }),
            Content::Unsupported { what } => view.unsupported = Some(what),
        }
        view
    }
}

impl MediaView {
    fn of(id: MessageId, media: Media) -> Self {
        // `source` stays behind: it may hold the key to the medium.
        Self {
            kind: media.kind.into(),
            mime: media.mime,
            size: media.size,
            caption: media.caption,
            file_name: media.file_name,
            seconds: media.seconds,
            width: media.width,
            height: media.height,
            animated: media.animated,
            view_once: media.view_once,
            public_url: media.public_name.map(|name| public_url("", &name)),
            url: format!("/v1/messages/{id}/media"),
        }
    }
}

impl ContentView {
    /// Tells media by whole URLs of a host that is called `base` from outside.
    pub(super) fn told_by(&mut self, base: &str) {
        let media = self.media.as_mut();
        if let Some(path) = media.and_then(|media| media.public_url.as_mut()) {
            path.insert_str(0, base);
        }
    }
}

impl MentionsView {
    fn of(mentions: Mentions) -> Option<Self> {
        (!mentions.is_nobody()).then_some(Self {
            people: mentions.people,
            everybody: mentions.everybody,
        })
    }
}

impl From<LinkPreview> for PreviewView {
    fn from(preview: LinkPreview) -> Self {
        Self {
            url: preview.url,
            title: preview.title,
            description: preview.description,
        }
    }
}

impl From<Location> for LocationView {
    fn from(location: Location) -> Self {
        Self {
            latitude: location.latitude.as_f64(),
            longitude: location.longitude.as_f64(),
            name: location.name,
            address: location.address,
            live: location.live,
        }
    }
}

impl From<ContactCard> for ContactCardView {
    fn from(card: ContactCard) -> Self {
        let numbers = card.numbers();
        Self {
            numbers: numbers.iter().map(ToString::to_string).collect(),
            name: card.name,
            vcard: card.vcard,
        }
    }
}

impl From<Poll> for PollView {
    fn from(poll: Poll) -> Self {
        Self {
            question: poll.question,
            options: poll.options,
            choices: poll.choices,
        }
    }
}
