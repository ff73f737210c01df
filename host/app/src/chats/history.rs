//! The history of a chat or a session, and searching it.

use warbler_domain::history::HistoryFilter;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::shown::Shown;
use warbler_domain::{Caller, Recipient, Scope, SessionRef};
use warbler_store::Error as StoreError;

use super::{ChatError, Chats};
use crate::sessions::usable_by;

/// Looks at the database one page may take; a page that is not full then says where to go on.
const LOOKS: u32 = 20;
/// Most messages that are skipped to come to a page.
const MOST_SKIPPED: u32 = 100_000;
/// Highest count that is told.
const MOST_COUNTED: u32 = 1_000_000;

impl Chats {
    /// A page of a session's messages, newest first, as they stand now. When few of many are
    /// wanted it can have fewer than asked for, or none, and still a next.
    pub async fn history(
        &self,
        caller: &Caller,
        session: &SessionRef,
        filter: HistoryFilter,
        page: PageRequest,
    ) -> Result<Page<Shown>, ChatError> {
        let (session, filter) = self.prepared(caller, session, filter).await?;
        if filter.text.is_some() {
            crate::search::catch_up(&self.shared).await?;
        }
        let mut items = Vec::new();
        let mut after = page.after();
        for _ in 0..LOOKS {
            let missing = page
                .limit()
                .saturating_sub(u32::try_from(items.len()).unwrap_or(0));
            let (filter, look) = (filter.clone(), PageRequest::new(after, Some(missing)));
            let found = self.shared.store.read(move |db| {
                let Page { items, next } = db.history().page(session, &filter, look)?;
                let shown = items
                    .into_iter()
                    .map(|message| db.annotations().show(message));
                Ok::<_, StoreError>((shown.collect::<Result<Vec<_>, _>>()?, next))
            });
            let (shown, next) = found.await?;
            items.extend(shown);
            after = next;
            if after.is_none() || items.len() >= page.limit() as usize {
                break;
            }
        }
        Ok(Page { items, next: after })
    }

    /// The page of a session's messages that begins `offset` messages after the newest, as they
    /// stand now, for those who count instead of going on from a place.
    ///
    /// # Errors
    /// [`ChatError::TooFar`] beyond [`MOST_SKIPPED`].
    pub async fn history_from(
        &self,
        caller: &Caller,
        session: &SessionRef,
        filter: HistoryFilter,
        (offset, limit): (u32, u32),
    ) -> Result<Vec<Shown>, ChatError> {
        if offset > MOST_SKIPPED {
            return Err(ChatError::TooFar);
        }
        let wanted = offset.saturating_add(limit);
        let (mut skipped, mut shown, mut after) = (offset, Vec::new(), None);
        loop {
            let missing = wanted.saturating_sub(offset - skipped);
            let missing = missing.saturating_sub(u32::try_from(shown.len()).unwrap_or(0));
            let look = PageRequest::new(after, Some(missing.clamp(1, PageRequest::MAX)));
            let page = self.history(caller, session, filter.clone(), look).await?;
            for item in page.items {
                match skipped.checked_sub(1) {
                    Some(fewer) => skipped = fewer,
                    None => shown.push(item),
                }
            }
            after = page.next;
            if after.is_none() || shown.len() >= limit as usize {
                shown.truncate(limit as usize);
                return Ok(shown);
            }
        }
    }

    /// How many messages of a session the filter wants, its words aside; a million at most.
    pub async fn count(
        &self,
        caller: &Caller,
        session: &SessionRef,
        filter: HistoryFilter,
    ) -> Result<u32, ChatError> {
        let (session, filter) = self.prepared(caller, session, filter).await?;
        let count = self
            .shared
            .store
            .read(move |db| db.history().count(session, &filter, MOST_COUNTED));
        Ok(count.await?)
    }

    async fn prepared(
        &self,
        caller: &Caller,
        session: &SessionRef,
        mut filter: HistoryFilter,
    ) -> Result<(warbler_domain::SessionId, HistoryFilter), ChatError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        for address in [&mut filter.chat, &mut filter.from, &mut filter.with] {
            if let Some(jid) = address.take() {
                *address = Some(self.canonical(session.id, Recipient::from(jid)).await?);
            }
        }
        Ok((session.id, filter))
    }
}
