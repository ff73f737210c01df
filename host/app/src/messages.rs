//! Messages: sending, changing, showing, and the media they carry.

mod about;
mod answer;
mod change;
mod compose;
mod destination;
mod error;
mod new;
mod numbered;
mod preview;
mod send;
mod status;

use std::sync::Arc;

use warbler_domain::media::{Digest, Media, MediaSource};
use warbler_domain::message::Quoted;
use warbler_domain::session::Account;
use warbler_domain::shown::Shown;
use warbler_domain::template::TemplateError;
use warbler_domain::{
    Caller, Content, Direction, Message, MessageId, MessageStatus, Scope, SessionId, WhatsAppId,
};
use warbler_store::Error as StoreError;

use crate::core::Shared;
use crate::media::ServedMedium;
use crate::sessions::SessionError;

pub use error::{ChangeError, ReadError, SendError};
pub use new::{Audience, Draft, MediaForm, NewContent, NewMedia, NewMentions, NewPreview, NewText};
pub use numbered::Numbered;
pub use send::{BatchItem, MAX_BATCH, MAX_DELAY_DAYS};

pub(crate) use compose::{quoting, reaction_content, text_content};
pub(crate) use destination::Destination;
pub(crate) use send::{in_time, writable};

use compose::MAX_EMOJI;

/// Messages.
pub struct Messages {
    shared: Arc<Shared>,
}

impl Messages {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// One message as it stands now; pages of them are in [`crate::chats`].
    pub async fn get(&self, caller: &Caller, id: MessageId) -> Result<Shown, ReadError> {
        let message = self.stored(caller, id).await?;
        let showing = self
            .shared
            .store
            .read(move |db| db.annotations().show(message));
        showing.await.map_err(ReadError::Store)
    }

    /// A text with the fields of one recipient in it, as campaigns put them there; a placeholder
    /// without a field stays as it is.
    ///
    /// # Errors
    /// When it cannot be a template, or becomes too long.
    pub fn filled(&self, text: &str, fields: &[(String, String)]) -> Result<String, TemplateError> {
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        let template = warbler_domain::template::check(text, &names)?;
        template.render(fields, &self.shared.random)
    }

    /// One message as it was stored.
    async fn stored(&self, caller: &Caller, id: MessageId) -> Result<Message, ReadError> {
        caller.require(Scope::Read).map_err(SessionError::from)?;
        let reading = self.shared.store.read(move |db| db.messages().get(id));
        let found: Result<_, StoreError> = reading.await;
        found?
            .filter(|found: &Message| {
                crate::sessions::is_within_reach(&self.shared, caller, found.session)
            })
            .ok_or(ReadError::Unknown(id))
    }

    /// The medium a message carries, fetched from the network the first time.
    pub async fn media(&self, caller: &Caller, id: MessageId) -> Result<ServedMedium, ReadError> {
        self.stored(caller, id).await?;
        served(&self.shared, id).await
    }
}

/// The medium that a message carries, to be served.
pub(crate) async fn served(shared: &Shared, id: MessageId) -> Result<ServedMedium, ReadError> {
    let (medium, digest) = carried(shared, id).await?;
    let file_name = medium.file_name;
    let (medium, file) = shared.media.open_medium(&digest).await?;
    Ok(ServedMedium {
        medium,
        file_name,
        file,
    })
}

/// The medium that a message carries, fetched from the network the first time, and its digest.
async fn carried(shared: &Shared, id: MessageId) -> Result<(Media, Digest), ReadError> {
    let medium = medium_of(shared, id).await?.1;
    if let MediaSource::Stored { digest } = medium.source {
        return Ok((medium, digest));
    }
    let _turn = shared.media.turn_to_fetch().await?;
    // Somebody may have fetched it meanwhile.
    let (session, mut medium) = medium_of(shared, id).await?;
    let locator = match &medium.source {
        MediaSource::Stored { digest } => {
            let digest = *digest;
            return Ok((medium, digest));
        }
        MediaSource::Remote { locator } => locator,
    };
    let link = shared.directory.link(session);
    let link = link.ok_or(ReadError::NotConnected)?;
    let fetching = |into| async move { Ok::<_, ReadError>(link.fetch_media(locator, into).await?) };
    let stored = shared.media.fetch(fetching).await?;
    let digest = stored.digest;
    medium.size = stored.size;
    medium.source = MediaSource::Stored { digest };
    let content = Content::Media(medium.clone());
    let noting = shared
        .store
        .write_relaxed(move |tx| tx.messages_mut().set_content(id, &content));
    noting.await.map_err(ReadError::Store)?;
    Ok((medium, digest))
}

async fn medium_of(shared: &Shared, id: MessageId) -> Result<(SessionId, Media), ReadError> {
    let reading = shared.store.read(move |db| db.messages().get(id));
    let found: Result<Option<Message>, StoreError> = reading.await;
    let message = found?.ok_or(ReadError::Unknown(id))?;
    match message.content {
        Content::Media(medium) => Ok((message.session, medium)),
        _ => Err(ReadError::NoMedia(id)),
    }
}

/// A message of this session on its way out, under a WhatsApp id chosen now for good.
pub(crate) fn outgoing(
    shared: &Shared,
    session: SessionId,
    account: &Account,
    to: Destination,
    content: Content,
    quoted: Option<Quoted>,
) -> Message {
    let now = shared.clock.now();
    let id = MessageId::new(now, &shared.random);
    Message {
        id,
        session,
        whatsapp_id: WhatsAppId::new(&shared.random),
        chat: to.chat,
        chat_alt: to.alt,
        sender: account.jid.clone(),
        sender_alt: account.lid.clone(),
        sender_name: None,
        direction: Direction::Outbound,
        timestamp: now,
        content: shared.public_names.named(id, content),
        quoted,
        forwarded: 0,
        audience: Vec::new(),
        status: MessageStatus::Queued,
        error: None,
        scheduled_for: None,
        error_code: None,
        sender_saved_name: None,
    }
}
