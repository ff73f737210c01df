//! Marking messages as read.

use std::collections::BTreeMap;

use warbler_domain::chat::ChatChange;
use warbler_domain::{
    Caller, EventBody, Jid, Recipient, Scope, Session, SessionId, SessionRef, WhatsAppId,
};
use warbler_store::{Error as StoreError, Reader};

use super::{ChatError, Chats};
use crate::network;
use crate::sessions::usable_by;

/// Most messages of one chat that are marked at once; what is older counts as read with them.
const MOST: u32 = 256;

/// What is to be marked.
struct Unread {
    /// Network ids by author.
    messages: BTreeMap<Jid, Vec<WhatsAppId>>,
    /// How many are unread after it.
    rest: u32,
}

impl Chats {
    /// Shows the authors of a chat's unread messages that they were read: of all, or of those up
    /// to and with `upto`.
    pub async fn mark_read(
        &self,
        caller: &Caller,
        session: &SessionRef,
        chat: Recipient,
        upto: Option<WhatsAppId>,
    ) -> Result<(), ChatError> {
        let session = usable_by(&self.shared, caller, session, Scope::Send).await?;
        let chat = self.canonical(session.id, chat).await?;
        let unread = self.unread(&session, &chat, upto).await?;
        let link = network::link(&self.shared, &session)?;
        for (author, messages) in &unread.messages {
            network::answer(link.mark_read(&chat, author, messages, false)).await?;
        }
        let id = session.id;
        if unread.rest == 0 {
            let change = ChatChange::Read { read: true };
            let body = EventBody::ChatUpdated { chat, change };
            return Ok(crate::ingest::happened(&self.shared, id, body).await?);
        }
        let rest = unread.rest;
        let noted = self
            .shared
            .store
            .write(move |tx| tx.chats_mut().set_unread(id, &chat, rest));
        noted.await.map_err(ChatError::Store)
    }

    async fn unread(
        &self,
        session: &Session,
        chat: &Jid,
        upto: Option<WhatsAppId>,
    ) -> Result<Unread, ChatError> {
        let (id, wanted, last) = (session.id, chat.clone(), upto.clone());
        let found = self
            .shared
            .store
            .read(move |db| find(db, id, &wanted, last.as_ref()));
        match (found.await?, upto) {
            (Some(unread), _) => Ok(unread),
            (None, Some(id)) => Err(ChatError::UnknownMessage(id)),
            (None, None) => Err(ChatError::Unknown(chat.clone())),
        }
    }
}

fn find(
    db: &Reader<'_>,
    session: SessionId,
    chat: &Jid,
    upto: Option<&WhatsAppId>,
) -> Result<Option<Unread>, StoreError> {
    let Some(listed) = db.chats().get(session, chat)? else {
        return Ok(None);
    };
    let rest = match upto {
        None => 0,
        Some(id) => {
            let found = db.messages().by_whatsapp_id(session, id)?;
            if !found.iter().any(|message| message.chat == *chat) {
                return Ok(None);
            }
            db.chats()
                .inbound_behind(session, chat, id)?
                .min(listed.unread)
        }
    };
    // A message that is named is marked, whether it counts as unread here or not.
    let least = u32::from(upto.is_some());
    let count = (listed.unread - rest).clamp(least, MOST);
    let mut messages = BTreeMap::<Jid, Vec<WhatsAppId>>::new();
    for (id, author) in db.chats().inbound(session, chat, upto, count)? {
        messages.entry(author).or_default().push(id);
    }
    Ok(Some(Unread { messages, rest }))
}
