//! Chats: listing them, their history, and what the account does with them.

mod history;
mod marks;

use std::sync::Arc;

use warbler_domain::chat::{Chat, ChatChange, ChatState};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::shown::Shown;
use warbler_domain::{
    Caller, EventBody, Jid, Recipient, Refusal, RefusalKind, Scope, Session, SessionId, SessionRef,
    WhatsAppId,
};
pub use warbler_store::chats::ChatFilter;
use warbler_store::{Error as StoreError, Reader};

use crate::audit;
use crate::core::Shared;
use crate::driver::Newest;
use crate::network::{self, NetworkError};
use crate::sessions::{SessionError, usable_by};

/// Why a chat was not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The session has no such chat.
    #[error("the session has no chat with {0}")]
    Unknown(Jid),
    /// The chat has no such message.
    #[error("message {0} is not known in this chat")]
    UnknownMessage(WhatsAppId),
    /// A page too far from the newest message.
    #[error("an offset is 100,000 at most; ask for a span of time instead")]
    TooFar,
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The database.
    #[error("the chats could not be read or written")]
    Store(#[from] StoreError),
}

impl Refusal for ChatError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::Unknown(_) | Self::UnknownMessage(_) => RefusalKind::NotFound,
            Self::TooFar => RefusalKind::Invalid,
            Self::Network(err) => err.kind(),
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::Unknown(_) => "unknown_chat",
            Self::UnknownMessage(_) => "unknown_target",
            Self::TooFar => "offset_too_large",
            Self::Network(err) => err.code(),
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// A chat, with its newest message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedChat {
    /// The chat.
    pub chat: Chat,
    /// Its newest message; chats that were only set have none.
    pub newest: Option<Shown>,
}

/// What deleting a chat deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeleteWhere {
    /// What this host keeps.
    Here,
    /// That, and the chat on all devices of the account.
    Everywhere,
}

/// Chats.
pub struct Chats {
    shared: Arc<Shared>,
}

impl Chats {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// A page of a session's chats, the one with the newest message first.
    pub async fn list(
        &self,
        caller: &Caller,
        session: &SessionRef,
        filter: ChatFilter,
        page: PageRequest,
    ) -> Result<Page<ListedChat>, ChatError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let page = self.shared.store.read(move |db| {
            let Page { items, next } = db.chats().list(session.id, &filter, page)?;
            let items = items.into_iter().map(|chat| listed(db, session.id, chat));
            Ok::<_, StoreError>(Page {
                items: items.collect::<Result<_, _>>()?,
                next,
            })
        });
        Ok(page.await?)
    }

    /// One chat.
    pub async fn get(
        &self,
        caller: &Caller,
        session: &SessionRef,
        chat: Recipient,
    ) -> Result<ListedChat, ChatError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let chat = self.canonical(session.id, chat).await?;
        let wanted = chat.clone();
        let found = self.shared.store.read(move |db| {
            let found = db.chats().get(session.id, &wanted)?;
            found.map(|chat| listed(db, session.id, chat)).transpose()
        });
        found.await?.ok_or(ChatError::Unknown(chat))
    }

    /// Shows in a chat that the account writes or records, or has stopped.
    pub async fn show_state(
        &self,
        caller: &Caller,
        session: &SessionRef,
        chat: Recipient,
        state: ChatState,
    ) -> Result<(), ChatError> {
        let session = usable_by(&self.shared, caller, session, Scope::Send).await?;
        let chat = self.canonical(session.id, chat).await?;
        let link = network::link(&self.shared, &session)?;
        Ok(network::answer(link.show_state(&chat, state)).await?)
    }

    /// Changes how the account keeps a chat, on all its devices, and then here.
    pub async fn change(
        &self,
        caller: &Caller,
        session: &SessionRef,
        chat: Recipient,
        change: ChatChange,
    ) -> Result<(), ChatError> {
        let session = usable_by(&self.shared, caller, session, Scope::Send).await?;
        let chat = self.canonical(session.id, chat).await?;
        self.change_on_account(&session, &chat, &change).await?;
        audit::note_of(&self.shared, caller, action_of(&change), &chat, &session).await?;
        let body = EventBody::ChatUpdated { chat, change };
        Ok(crate::ingest::happened(&self.shared, session.id, body).await?)
    }

    /// Deletes a chat with all its messages; those on their way out still go.
    pub async fn delete(
        &self,
        caller: &Caller,
        session: &SessionRef,
        chat: Recipient,
        place: DeleteWhere,
    ) -> Result<(), ChatError> {
        let session = usable_by(&self.shared, caller, session, Scope::Send).await?;
        let chat = self.canonical(session.id, chat).await?;
        let (id, wanted) = (session.id, chat.clone());
        let known = self
            .shared
            .store
            .read(move |db| db.chats().is_known(id, &wanted));
        if !known.await? {
            return Err(ChatError::Unknown(chat));
        }
        let change = ChatChange::Deleted;
        if place == DeleteWhere::Everywhere {
            self.change_on_account(&session, &chat, &change).await?;
        }
        audit::note_of(&self.shared, caller, action_of(&change), &chat, &session).await?;
        let body = EventBody::ChatUpdated { chat, change };
        Ok(crate::ingest::happened(&self.shared, id, body).await?)
    }

    async fn change_on_account(
        &self,
        session: &Session,
        chat: &Jid,
        change: &ChatChange,
    ) -> Result<(), ChatError> {
        let link = network::link(&self.shared, session)?;
        let (id, wanted) = (session.id, chat.clone());
        let newest = self
            .shared
            .store
            .read(move |db| db.chats().newest(id, &wanted));
        let newest = newest.await?.map(|message| Newest {
            whatsapp_id: message.whatsapp_id,
            author: message.sender,
            own: message.direction == warbler_domain::Direction::Outbound,
            at: message.timestamp,
        });
        Ok(network::answer(link.change_chat(chat, change, newest.as_ref())).await?)
    }

    async fn canonical(&self, session: SessionId, chat: Recipient) -> Result<Jid, StoreError> {
        canonical(&self.shared, session, chat).await
    }
}

/// What the log calls a change.
fn action_of(change: &ChatChange) -> &'static str {
    match change {
        ChatChange::Archived { archived: true } => "chat.archive",
        ChatChange::Archived { archived: false } => "chat.unarchive",
        ChatChange::Pinned { pinned: true } => "chat.pin",
        ChatChange::Pinned { pinned: false } => "chat.unpin",
        ChatChange::Muted { until: Some(_) } => "chat.mute",
        ChatChange::Muted { until: None } => "chat.unmute",
        ChatChange::Read { read: true } => "chat.read",
        ChatChange::Read { read: false } => "chat.unread",
        ChatChange::Deleted => "chat.delete",
    }
}

/// The address a chat is kept under: of a person's two, the one with the number.
pub(crate) async fn canonical(
    shared: &Shared,
    session: SessionId,
    chat: Recipient,
) -> Result<Jid, StoreError> {
    let chat = chat.into_jid();
    if chat.server() != warbler_domain::jid::Server::Lid {
        return Ok(chat);
    }
    let wanted = chat.clone();
    let found = shared
        .store
        .read(move |db| db.contacts().canonical(session, &wanted));
    Ok(found.await?.unwrap_or(chat))
}

fn listed(db: &Reader<'_>, session: SessionId, chat: Chat) -> Result<ListedChat, StoreError> {
    let newest = db.chats().newest(session, &chat.jid)?;
    let newest = newest
        .map(|message| db.annotations().show(message))
        .transpose()?;
    Ok(ListedChat { chat, newest })
}
