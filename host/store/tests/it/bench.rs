//! A database to try things on.

use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;
use warbler_domain::history::HistoryFilter;
use warbler_domain::page::PageRequest;
use warbler_domain::{
    Content, Direction, Jid, Message, MessageId, MessageStatus, Random, SessionId, Timestamp,
    WhatsAppId,
};
use warbler_store::{Error, Store, StoreOptions, Writer};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub(crate) const ADA: &str = "15550100@s.whatsapp.net";
pub(crate) const ADA_HIDDEN: &str = "100000000000001@lid";

pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) random: Random,
    pub(crate) session: SessionId,
    _dir: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let random = Random::seeded(7);
        Ok(Self {
            store: Store::open(&StoreOptions::new(dir.path().join("warbler.db")))?,
            session: SessionId::new(NOW, &random),
            random,
            _dir: dir,
        })
    }

    /// The `n`th message somebody wrote, one a second.
    pub(crate) fn says(&self, from: &str, n: u64, content: Content) -> Result<Message> {
        let at = NOW.plus(Duration::from_secs(n));
        let sender: Jid = from.parse()?;
        Ok(Message {
            id: MessageId::new(at, &self.random),
            session: self.session,
            whatsapp_id: format!("M{n}").parse()?,
            chat: sender.clone(),
            chat_alt: None,
            sender,
            sender_alt: None,
            sender_name: None,
            direction: Direction::Inbound,
            timestamp: at,
            content,
            quoted: None,
            forwarded: 0,
            audience: Vec::new(),
            status: MessageStatus::Received,
            error: None,
            error_code: None,
            sender_saved_name: None,
            scheduled_for: None,
        })
    }

    pub(crate) async fn stores(&self, messages: Vec<Message>) -> Result<()> {
        self.writes(move |tx| {
            for message in &messages {
                tx.messages_mut().insert(message)?;
            }
            while tx.search_mut().catch_up(100)? {}
            Ok(())
        })
        .await
    }

    pub(crate) async fn writes<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Writer<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T> {
        Ok(self.store.write(job).await?)
    }

    pub(crate) async fn finds(&self, filter: HistoryFilter) -> Result<Vec<String>> {
        let session = self.session;
        let page = PageRequest::new(None, None);
        let found = self
            .store
            .read(move |db| db.history().page(session, &filter, page))
            .await?;
        Ok(found
            .items
            .iter()
            .map(|m| m.whatsapp_id.to_string())
            .collect())
    }

    pub(crate) async fn searches(&self, text: &str) -> Result<Vec<String>> {
        self.finds(HistoryFilter {
            text: Some(text.parse()?),
            ..HistoryFilter::default()
        })
        .await
    }
}

/// The network id of the `n`th message.
pub(crate) fn about(n: u64) -> Result<WhatsAppId> {
    Ok(format!("M{n}").parse()?)
}
