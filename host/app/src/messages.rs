//! Messages: sending, listing, and the media they carry.

use std::sync::Arc;

use bytes::Bytes;
use warbler_domain::media::{Media, MediaKind, MediaSource};
use warbler_domain::message::Quoted;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::session::Account;
use warbler_domain::{
    Caller, Content, Direction, Jid, Message, MessageId, MessageStatus, Recipient, Refusal,
    RefusalKind, SessionId, SessionRef, WhatsAppId,
};
use warbler_store::Error as StoreError;

use crate::core::Shared;
use crate::driver::MediaFailure;
use crate::media::{MediaError, sniff};
use crate::sessions::SessionError;

/// A message to send.
#[derive(Debug, Clone)]
pub struct SendMessage {
    /// By which session.
    pub session: SessionRef,
    /// To whom.
    pub to: Recipient,
    /// What.
    pub content: NewContent,
    /// The message it answers, by the network's id.
    pub quote: Option<WhatsAppId>,
}

/// What a new message says.
#[derive(Debug, Clone)]
pub enum NewContent {
    /// A text.
    Text(String),
    /// A picture; its type is told from its bytes.
    Image {
        /// PNG, JPEG, GIF or WebP.
        bytes: Bytes,
        /// The text below it.
        caption: Option<String>,
    },
    /// A reaction to a message of that chat; an empty emoji takes it back.
    Reaction {
        /// The message, by the network's id.
        target: WhatsAppId,
        /// The emoji.
        emoji: String,
    },
}

/// Why a message was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The session has never been linked to an account.
    #[error("session {0} is not paired with a phone yet; pair it first")]
    NotPaired(SessionRef),
    /// Nothing to say.
    #[error("the text is empty")]
    EmptyText,
    /// Too much to say.
    #[error(
        "the text has {size} bytes; at most {} are accepted",
        Content::MAX_TEXT
    )]
    TextTooLong {
        /// Its size in bytes.
        size: usize,
    },
    /// An emoji is one short symbol.
    #[error("a reaction is one emoji of at most {} bytes", MAX_EMOJI)]
    BadEmoji,
    /// The message referred to is not known in this chat.
    #[error("message {0} is not known in this chat")]
    UnknownTarget(WhatsAppId),
    /// Not an image.
    #[error("the file is not a PNG, JPEG, GIF or WebP image")]
    NotAnImage,
    /// The medium could not be kept.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The database.
    #[error("the message could not be stored; nothing was sent")]
    Store(#[from] StoreError),
}

impl Refusal for SendError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::NotPaired(_) => RefusalKind::Conflict,
            Self::EmptyText
            | Self::TextTooLong { .. }
            | Self::BadEmoji
            | Self::NotAnImage
            | Self::Media(MediaError::Empty | MediaError::TooLarge { .. }) => RefusalKind::Invalid,
            Self::UnknownTarget(_) => RefusalKind::NotFound,
            Self::Media(_) => RefusalKind::Internal,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::NotPaired(_) => "not_paired",
            Self::EmptyText => "empty_text",
            Self::TextTooLong { .. } => "text_too_long",
            Self::BadEmoji => "bad_emoji",
            Self::NotAnImage => "not_an_image",
            Self::UnknownTarget(_) => "unknown_target",
            Self::Media(MediaError::Empty) => "empty_media",
            Self::Media(MediaError::TooLarge { .. }) => "media_too_large",
            Self::Media(_) => "media_store",
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// Why a message was not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The session asked for.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// There is none with this id.
    #[error("message {0} does not exist")]
    Unknown(MessageId),
    /// It carries no medium.
    #[error("message {0} carries no media")]
    NoMedia(MessageId),
    /// The session that could fetch it is not connected.
    #[error("the media has not been fetched yet, and its session is not connected")]
    NotConnected,
    /// The network would not give it.
    #[error(transparent)]
    Fetch(#[from] MediaFailure),
    /// The media store.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// The database.
    #[error("the messages could not be read")]
    Store(#[from] StoreError),
}

impl Refusal for ReadError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::Unknown(_) | Self::NoMedia(_) | Self::Fetch(MediaFailure::Gone) => {
                RefusalKind::NotFound
            }
            Self::NotConnected | Self::Fetch(_) | Self::Store(_) => RefusalKind::Unavailable,
            Self::Media(_) => RefusalKind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::Unknown(_) => "unknown_message",
            Self::NoMedia(_) => "no_media",
            Self::NotConnected => "session_not_connected",
            Self::Fetch(MediaFailure::Gone) => "media_gone",
            Self::Fetch(MediaFailure::Damaged(_)) => "media_damaged",
            Self::Fetch(_) => "media_unavailable",
            Self::Media(_) => "media_store",
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// Longest emoji, in bytes; a family of five with skin tones has 41.
const MAX_EMOJI: usize = 64;

/// Messages.
pub struct Messages {
    shared: Arc<Shared>,
}

impl Messages {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Accepts a message for sending; the outbox sends it, now or when the session is back.
    pub async fn send(&self, caller: &Caller, command: SendMessage) -> Result<Message, SendError> {
        let session = crate::sessions::usable_by(&self.shared, caller, &command.session).await?;
        let account = session
            .account
            .ok_or(SendError::NotPaired(command.session))?;
        let chat = command.to.into_jid();
        let content = self.admit(session.id, &chat, command.content).await?;
        let quoted = match command.quote {
            Some(id) => Some(self.quoted(session.id, &chat, id).await?),
            None => None,
        };
        let message = outgoing(&self.shared, session.id, &account, chat, content, quoted);
        crate::outbox::accept(&self.shared, message)
            .await
            .map_err(SendError::Store)
    }

    /// A page of a session's messages, of one chat or of all, newest first.
    pub async fn list(
        &self,
        caller: &Caller,
        session: &SessionRef,
        chat: Option<Recipient>,
        page: PageRequest,
    ) -> Result<Page<Message>, ReadError> {
        let session = crate::sessions::usable_by(&self.shared, caller, session).await?;
        let chat = chat.map(Recipient::into_jid);
        Ok(self
            .shared
            .store
            .read(move |db| db.messages().list(session.id, chat.as_ref(), page))
            .await?)
    }

    /// One message.
    pub async fn get(&self, _caller: &Caller, id: MessageId) -> Result<Message, ReadError> {
        let found = self
            .shared
            .store
            .read(move |db| db.messages().get(id))
            .await?;
        found.ok_or(ReadError::Unknown(id))
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

    async fn admit(
        &self,
        session: SessionId,
        chat: &Jid,
        content: NewContent,
    ) -> Result<Content, SendError> {
        match content {
            NewContent::Text(text) => text_content(text),
            NewContent::Image { bytes, caption } => {
                if let Some(size) = caption
                    .as_ref()
                    .map(String::len)
                    .filter(|size| *size > Content::MAX_TEXT)
                {
                    return Err(SendError::TextTooLong { size });
                }
                let size = bytes.len() as u64;
                let mime = match sniff(&bytes) {
                    Some((MediaKind::Image, mime)) => mime.to_owned(),
                    _ if bytes.is_empty() => return Err(MediaError::Empty.into()),
                    _ => return Err(SendError::NotAnImage),
                };
                let digest = self.shared.media.put(bytes).await?;
                let source = MediaSource::Stored { digest };
                Ok(Content::Media(Media {
                    kind: MediaKind::Image,
                    mime,
                    size,
                    caption,
                    source,
                }))
            }
            NewContent::Reaction { target, emoji } => {
                let target_message = self.find(session, chat, target).await?;
                reaction_content(&target_message, emoji)
            }
        }
    }

    async fn quoted(
        &self,
        session: SessionId,
        chat: &Jid,
        id: WhatsAppId,
    ) -> Result<Quoted, SendError> {
        self.find(session, chat, id)
            .await
            .map(|message| quoting(&message))
    }

    async fn find(
        &self,
        session: SessionId,
        chat: &Jid,
        id: WhatsAppId,
    ) -> Result<Message, SendError> {
        let (chat, wanted) = (chat.clone(), id.clone());
        let found = self
            .shared
            .store
            .read(move |db| db.messages().by_whatsapp_id(session, &wanted))
            .await?;
        found
            .into_iter()
            .find(|message| message.chat == chat)
            .ok_or(SendError::UnknownTarget(id))
    }
}

/// A text that may be sent.
pub(crate) fn text_content(text: String) -> Result<Content, SendError> {
    if text.trim().is_empty() {
        return Err(SendError::EmptyText);
    }
    if text.len() > Content::MAX_TEXT {
        return Err(SendError::TextTooLong { size: text.len() });
    }
    Ok(Content::Text { text })
}

/// A reaction to `target` that may be sent.
pub(crate) fn reaction_content(target: &Message, emoji: String) -> Result<Content, SendError> {
    if emoji.len() > MAX_EMOJI
        || emoji
            .chars()
            .any(|c| c.is_alphanumeric() && c.is_ascii_alphabetic())
    {
        return Err(SendError::BadEmoji);
    }
    Ok(Content::Reaction {
        target: target.whatsapp_id.clone(),
        target_sender: target.sender.clone(),
        emoji,
    })
}

/// A quotation of `message`.
pub(crate) fn quoting(message: &Message) -> Quoted {
    Quoted {
        whatsapp_id: message.whatsapp_id.clone(),
        sender: Some(message.sender.clone()),
        text: message.content.readable().map(str::to_owned),
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
        sender: account.jid.clone(),
        sender_alt: account.lid.clone(),
        sender_name: None,
        direction: Direction::Outbound,
        timestamp: now,
        content,
        quoted,
        status: MessageStatus::Queued,
        error: None,
    }
}
