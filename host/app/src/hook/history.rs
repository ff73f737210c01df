//! What extensions may look up: stored messages, and how many timers they have.

use warbler_domain::history::HistoryFilter;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{Jid, Message, SessionId, WhatsAppId};
use warbler_store::Error as StoreError;

use super::KvReader;

impl KvReader {
    /// Messages of a chat, the newest first.
    pub async fn messages(
        &self,
        session: SessionId,
        chat: Jid,
        page: PageRequest,
    ) -> Result<Page<Message>, StoreError> {
        let filter = HistoryFilter {
            chat: Some(chat),
            ..HistoryFilter::default()
        };
        self.store
            .read(move |db| db.history().page(session, &filter, page))
            .await
    }

    /// The messages of a session with this network id: one, unless two people chose the same.
    pub async fn message(
        &self,
        session: SessionId,
        id: WhatsAppId,
    ) -> Result<Vec<Message>, StoreError> {
        self.store
            .read(move |db| db.messages().by_whatsapp_id(session, &id))
            .await
    }

    /// How many timers the extension has.
    pub async fn timers(&self) -> Result<u32, StoreError> {
        let extension = self.extension.clone();
        self.store
            .read(move |db| db.timers().count(&extension))
            .await
    }
}
