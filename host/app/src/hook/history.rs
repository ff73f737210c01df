//! What extensions may look up: stored messages, whom a session knows, and how many timers they
//! have.

use warbler_domain::history::HistoryFilter;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{Jid, Message, SessionId, WhatsAppId};
use warbler_store::Error as StoreError;

use super::{KvReader, Source};

impl KvReader {
    /// Messages of a chat, the newest first.
    pub async fn messages(
        &self,
        session: SessionId,
        chat: Jid,
        page: PageRequest,
    ) -> Result<Page<Message>, StoreError> {
        let store = match &self.source {
            Source::Store(store) => store,
            Source::Given(given) => return Ok(given.page(&chat, page)),
        };
        let filter = HistoryFilter {
            chat: Some(chat),
            ..HistoryFilter::default()
        };
        store
            .read(move |db| db.history().page(session, &filter, page))
            .await
    }

    /// The messages of a session with this network id: one, unless two people chose the same.
    pub async fn message(
        &self,
        session: SessionId,
        id: WhatsAppId,
    ) -> Result<Vec<Message>, StoreError> {
        match &self.source {
            Source::Store(store) => {
                store
                    .read(move |db| db.messages().by_whatsapp_id(session, &id))
                    .await
            }
            Source::Given(given) => Ok(given.with_id(&id)),
        }
    }

    /// Whether a message is the first of its chat.
    pub async fn is_first(&self, message: &Message) -> Result<bool, StoreError> {
        match &self.source {
            Source::Store(store) => {
                let message = message.clone();
                let earlier = store.read(move |db| db.messages().has_earlier(&message));
                Ok(!earlier.await?)
            }
            Source::Given(given) => Ok(!given.knows(&message.chat)),
        }
    }

    /// Whether a session knows somebody: by name in its address book, or by a chat it has.
    pub async fn knows(&self, session: SessionId, jid: Jid) -> Result<bool, StoreError> {
        let store = match &self.source {
            Source::Store(store) => store,
            Source::Given(given) => return Ok(given.knows(&jid)),
        };
        store
            .read(move |db| {
                if db.chats().is_known(session, &jid)? {
                    return Ok(true);
                }
                let Some(contact) = db.contacts().get(session, &jid)? else {
                    return Ok(false);
                };
                let named = contact.name.is_some() || contact.saved_name.is_some();
                // The chat is kept under the other address of the two.
                Ok(named || db.chats().is_known(session, &contact.jid)?)
            })
            .await
    }

    /// How many timers the extension has.
    pub async fn timers(&self) -> Result<u32, StoreError> {
        let extension = self.extension.clone();
        match &self.source {
            Source::Store(store) => store.read(move |db| db.timers().count(&extension)).await,
            Source::Given(_) => Ok(0),
        }
    }
}
