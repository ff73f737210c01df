//! Messages: sending, changing, listing, and the media they carry.

mod about;
mod change;
mod compose;
mod error;
mod new;
mod preview;
mod send;
mod status;

use std::sync::Arc;

use bytes::Bytes;
use warbler_domain::media::{Media, MediaSource};
use warbler_domain::message::Quoted;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::session::Account;
use warbler_domain::{
    Caller, Content, Direction, Jid, Message, MessageId, MessageStatus, Recipient, Scope,
    SessionId, SessionRef, WhatsAppId,
};

use crate::core::Shared;
use crate::sessions::SessionError;

pub use error::{ChangeError, ReadError, SendError};
pub use new::{Audience, Draft, MediaForm, NewContent, NewMedia, NewMentions, NewPreview, NewText};
pub use send::{BatchItem, MAX_BATCH, MAX_DELAY_DAYS};

pub(crate) use compose::{quoting, reaction_content, text_content};

use compose::MAX_EMOJI;

/// Messages.
pub struct Messages {
    shared: Arc<Shared>,
}

impl Messages {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// A page of a session's messages, of one chat or of all, newest first.
    pub async fn list(
        &self,
        caller: &Caller,
        session: &SessionRef,
        chat: Option<Recipient>,
        page: PageRequest,
    ) -> Result<Page<Message>, ReadError> {
        let session =
            crate::sessions::usable_by(&self.shared, caller, session, Scope::Read).await?;
        let chat = chat.map(Recipient::into_jid);
        Ok(self
            .shared
            .store
            .read(move |db| db.messages().list(session.id, chat.as_ref(), page))
            .await?)
    }

    /// One message.
    pub async fn get(&self, caller: &Caller, id: MessageId) -> Result<Message, ReadError> {
        caller.require(Scope::Read).map_err(SessionError::from)?;
        let found = self
            .shared
            .store
            .read(move |db| db.messages().get(id))
            .await?;
        found
            .filter(|found| crate::sessions::is_within_reach(&self.shared, caller, found.session))
            .ok_or(ReadError::Unknown(id))
    }

    /// The medium a message carries, fetched from the network the first time: type and bytes.
    pub async fn media(
        &self,
        caller: &Caller,
        id: MessageId,
    ) -> Result<(String, Bytes), ReadError> {
        let message = self.get(caller, id).await?;
        let Content::Media(media) = message.content else {
            return Err(ReadError::NoMedia(id));
        };
        let locator = match media.source {
            MediaSource::Stored { digest } => {
                return Ok((media.mime, self.shared.media.get(&digest).await?));
            }
            MediaSource::Remote { ref locator } => locator,
        };
        let link = self
            .shared
            .directory
            .link(message.session)
            .ok_or(ReadError::NotConnected)?;
        let bytes = link.fetch_media(locator).await?;
        let digest = self.shared.media.put(bytes.clone()).await?;
        let mime = media.mime.clone();
        let size = bytes.len() as u64;
        let content = Content::Media(Media {
            source: MediaSource::Stored { digest },
            size,
            ..media
        });
        self.shared
            .store
            .write_relaxed(move |tx| tx.messages_mut().set_content(id, &content))
            .await
            .map_err(ReadError::Store)?;
        Ok((mime, bytes))
    }
}

/// A message of this session on its way out, under a WhatsApp id chosen now for good.
pub(crate) fn outgoing(
    shared: &Shared,
    session: SessionId,
    account: &Account,
    chat: Jid,
    content: Content,
    quoted: Option<Quoted>,
) -> Message {
    let now = shared.clock.now();
    Message {
        id: MessageId::new(now, &shared.random),
        session,
        whatsapp_id: WhatsAppId::new(&shared.random),
        chat,
        chat_alt: None,
        sender: account.jid.clone(),
        sender_alt: account.lid.clone(),
        sender_name: None,
        direction: Direction::Outbound,
        timestamp: now,
        content,
        quoted,
        forwarded: 0,
        audience: Vec::new(),
        status: MessageStatus::Queued,
        error: None,
        scheduled_for: None,
        error_code: None,
    }
}
