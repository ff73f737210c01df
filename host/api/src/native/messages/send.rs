//! What a caller writes to send a message.

use serde::Deserialize;
use utoipa::ToSchema;
use warbler_app::messages::{Audience, BatchItem, Draft, MediaForm, NewContent, NewText};
use warbler_domain::{Recipient, Timestamp};

use super::parts::{
    ContactBody, EditBody, LocationBody, MediaBody, MentionsBody, PollBody, PreviewBody,
    ReactionBody, RevokeBody, VoteBody, message_id,
};
use crate::native::in_field;
use crate::problem::Problem;

/// The contents a message can have, of which it has one.
const CONTENTS: &str = "`text`, `image`, `video`, `gif`, `audio`, `voice`, `document`, `sticker`, `location`, \
     `contacts`, `poll`, `vote`, `reaction`, `edit` or `revoke`";

/// The contents that can be sent to many, or later.
const MANY: &str = "`text`, `image`, `video`, `gif`, `audio`, `voice`, `document`, `sticker`, `location`, `contacts` \
     or `poll`";

/// A message to send. Exactly one content says what it is: `text`, `image`, `video`, `gif`,
/// `audio`, `voice`, `document`, `sticker`, `location`, `contacts`, `poll`, `vote`, `reaction`,
/// `edit` or `revoke`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendMessage)]
pub(in crate::native) struct SendBody {
    /// To whom: a phone number in international form, the JID of a person or group, or
    /// `status@broadcast`.
    #[schema(example = "+15550123")]
    to: String,
    /// A text, up to 65,536 bytes.
    text: Option<String>,
    /// Whom the text mentions.
    mentions: Option<MentionsBody>,
    /// What the link in the text shows; nothing when left out.
    preview: Option<PreviewBody>,
    /// A picture.
    image: Option<MediaBody>,
    /// A film.
    video: Option<MediaBody>,
    /// A film that repeats without sound.
    gif: Option<MediaBody>,
    /// Sound.
    audio: Option<MediaBody>,
    /// A voice note: Ogg with Opus.
    voice: Option<MediaBody>,
    /// Any file.
    document: Option<MediaBody>,
    /// A sticker: WebP.
    sticker: Option<MediaBody>,
    /// A place.
    location: Option<LocationBody>,
    /// Address-book entries, 1 to 100.
    contacts: Option<Vec<ContactBody>>,
    /// A poll.
    poll: Option<PollBody>,
    /// A choice in a poll of this chat.
    vote: Option<VoteBody>,
    /// A reaction to a message of this chat.
    reaction: Option<ReactionBody>,
    /// A new text for an earlier message of this session.
    edit: Option<EditBody>,
    /// An earlier message to take back for everyone.
    revoke: Option<RevokeBody>,
    /// The `whatsappId` of the message this one answers.
    quote: Option<String>,
    /// When to send it, up to 366 days ahead; at once when left out.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-12-24T18:00:00Z")]
    send_at: Option<Timestamp>,
    /// Who sees a status: numbers or JIDs; everybody known to this session when left out.
    audience: Option<Vec<String>>,
}

impl SendBody {
    /// What is to be sent.
    pub(super) fn into_draft(self) -> Result<Draft, Problem> {
        let to = recipient(&self.to, "to")?;
        let quote = self.quote.map(|id| message_id(&id, "quote")).transpose()?;
        let audience = self.audience.map(people).transpose()?;
        let told = ContentBody {
            text: self.text,
            mentions: self.mentions,
            preview: self.preview,
            image: self.image,
            video: self.video,
            gif: self.gif,
            audio: self.audio,
            voice: self.voice,
            document: self.document,
            sticker: self.sticker,
            location: self.location,
            contacts: self.contacts,
            poll: self.poll,
        };
        let mut contents = told.contents()?;
        contents.extend(self.vote.map(VoteBody::into_content));
        contents.extend(self.reaction.map(ReactionBody::into_content));
        contents.extend(self.edit.map(EditBody::into_content));
        contents.extend(self.revoke.map(RevokeBody::into_content));
        let content = the_one(contents, CONTENTS);
        Ok(Draft {
            quote,
            send_at: self.send_at,
            audience,
            ..Draft::new(to, content?)
        })
    }
}

/// What can be sent to many, or later: exactly one of `text`, `image`, `video`, `gif`, `audio`,
/// `voice`, `document`, `sticker`, `location`, `contacts` and `poll`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendContent, example = json!({ "text": "Hi {{Name}}, our new menu is out!" }))]
pub(in crate::native) struct ContentBody {
    /// A text, up to 65,536 bytes.
    text: Option<String>,
    /// Whom the text mentions.
    mentions: Option<MentionsBody>,
    /// What the link in the text shows; nothing when left out.
    preview: Option<PreviewBody>,
    /// A picture.
    image: Option<MediaBody>,
    /// A film.
    video: Option<MediaBody>,
    /// A film that repeats without sound.
    gif: Option<MediaBody>,
    /// Sound.
    audio: Option<MediaBody>,
    /// A voice note: Ogg with Opus.
    voice: Option<MediaBody>,
    /// Any file.
    document: Option<MediaBody>,
    /// A sticker: WebP.
    sticker: Option<MediaBody>,
    /// A place.
    location: Option<LocationBody>,
    /// Address-book entries, 1 to 100.
    contacts: Option<Vec<ContactBody>>,
    /// A poll.
    poll: Option<PollBody>,
}

impl ContentBody {
    /// What is to be sent.
    pub(in crate::native) fn into_content(self) -> Result<NewContent, Problem> {
        let contents = self.contents()?;
        the_one(contents, MANY)
    }

    /// Everything that is said; it has to be one.
    fn contents(self) -> Result<Vec<Result<NewContent, Problem>>, Problem> {
        if self.text.is_none() && (self.mentions.is_some() || self.preview.is_some()) {
            let detail =
                "`mentions` and `preview` belong to a `text`; media have their own `mentions`";
            return Err(Problem::invalid("no_content", detail));
        }
        let mut contents: Vec<Result<NewContent, Problem>> = Vec::new();
        if let Some(text) = self.text {
            contents.push(text_of(text, self.mentions, self.preview));
        }
        let media = [
            (self.image, MediaForm::Image, "image"),
            (self.video, MediaForm::Video, "video"),
            (self.gif, MediaForm::Gif, "gif"),
            (self.audio, MediaForm::Audio, "audio"),
            (self.voice, MediaForm::Voice, "voice"),
            (self.document, MediaForm::Document, "document"),
            (self.sticker, MediaForm::Sticker, "sticker"),
        ];
        for (body, form, field) in media {
            contents.extend(body.map(|body| body.into_content(form, field)));
        }
        contents.extend(self.location.map(LocationBody::into_content));
        contents.extend(self.contacts.map(cards));
        contents.extend(self.poll.map(PollBody::into_content));
        Ok(contents)
    }
}

/// The one content of those that are said; `known` names all there are.
fn the_one(
    mut contents: Vec<Result<NewContent, Problem>>,
    known: &str,
) -> Result<NewContent, Problem> {
    let count = contents.len();
    match contents.pop() {
        Some(content) if count == 1 => content,
        None => Err(Problem::invalid(
            "no_content",
            format!("say what to send: {known}"),
        )),
        Some(_) => {
            let detail =
                format!("{known} exclude each other; the text of an image is its `caption`");
            Err(Problem::invalid("several_contents", detail))
        }
    }
}

fn text_of(
    text: String,
    mentions: Option<MentionsBody>,
    preview: Option<PreviewBody>,
) -> Result<NewContent, Problem> {
    let preview = preview.map(|preview| preview.into_new("preview"));
    Ok(NewContent::Text(NewText {
        text,
        mentions: mentions.unwrap_or_default().into_new("mentions")?,
        preview: preview.transpose()?.unwrap_or_default(),
    }))
}

fn cards(contacts: Vec<ContactBody>) -> Result<NewContent, Problem> {
    let cards = contacts
        .into_iter()
        .enumerate()
        .map(|(index, contact)| contact.into_card(&format!("contacts[{index}]")));
    Ok(NewContent::Contacts(cards.collect::<Result<_, _>>()?))
}

fn people(texts: Vec<String>) -> Result<Audience, Problem> {
    let people = texts
        .iter()
        .enumerate()
        .map(|(index, text)| recipient(text, &format!("audience[{index}]")));
    Ok(Audience::People(people.collect::<Result<_, _>>()?))
}

/// Messages to send, in this order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SendBatch)]
pub(in crate::native) struct BatchBody {
    /// 1 to 1,000 messages.
    messages: Vec<SendBody>,
}

impl BatchBody {
    /// What is to be sent; of what cannot be read, why.
    pub(super) fn into_drafts(self) -> Vec<Result<Draft, BatchItem>> {
        let messages = self.messages.into_iter();
        let drafts = messages.map(|body| Ok(body.into_draft()?));
        drafts.collect()
    }
}

/// A message to send on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ForwardMessage)]
pub(in crate::native) struct ForwardBody {
    /// To whom: a phone number in international form, or the JID of a person or group.
    #[schema(example = "+15550124")]
    pub(super) to: String,
    /// By which session: its id or name; by the one that has the message when left out.
    pub(super) session: Option<String>,
}

/// The new text of a message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = EditMessage)]
pub(in crate::native) struct NewTextBody {
    /// The new text, or the new caption.
    pub(super) text: String,
}

/// The recipient written in `field`.
pub(in crate::native) fn recipient(text: &str, field: &str) -> Result<Recipient, Problem> {
    in_field("bad_recipient", field, text)
}
