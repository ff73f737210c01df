//! Lists of recipients on their way into the database, a part at a time.

use std::sync::Arc;
use std::time::Duration;

use warbler_domain::{CampaignId, WhatsAppId};
use warbler_store::Error as StoreError;
use warbler_store::campaigns::{ListId, NewRecipient};

use super::CampaignError;
use crate::core::Shared;

/// Recipients that are written at once: others wait no longer for the database than these take.
const PART: usize = 1_000;
/// How long a list is kept for who writes it, after each part.
const KEPT: Duration = Duration::from_secs(60);

/// Stores a list that no campaign has yet.
///
/// The parts become durable with the write that gives the list to a campaign.
pub(super) async fn store(
    shared: &Arc<Shared>,
    mut recipients: Vec<NewRecipient>,
) -> Result<ListId, CampaignError> {
    let until = shared.clock.now().plus(KEPT);
    let beginning = shared
        .store
        .write_relaxed(move |tx| tx.campaigns_mut().begin_list(until));
    let list = beginning.await.map_err(CampaignError::Store)?;
    let mut after = 0;
    while !recipients.is_empty() {
        let rest = recipients.split_off(recipients.len().min(PART));
        let part = std::mem::replace(&mut recipients, rest);
        after = extend(shared, list, after, part).await?;
    }
    Ok(list)
}

/// Stores a copy of the recipients of a campaign, planned anew; nothing when the campaign got others
/// meanwhile.
pub(super) async fn copy(
    shared: &Arc<Shared>,
    from: CampaignId,
) -> Result<Option<ListId>, CampaignError> {
    let reading = shared.store.read(move |db| db.campaigns().list_of(from));
    let source: Option<ListId> = reading.await.map_err(CampaignError::Store)?;
    let source = source.ok_or(CampaignError::Unknown(from))?;
    let list = store(shared, Vec::new()).await?;
    let mut after = 0;
    loop {
        let reading = shared
            .store
            .read(move |db| db.campaigns().of_list(source, after, PART as u32));
        let page = reading.await.map_err(CampaignError::Store)?;
        if page.is_empty() {
            break;
        }
        let part = page.into_iter().map(|one| NewRecipient {
            to: one.to,
            name: one.name,
            fields: one.fields.into_iter().map(|(k, v)| (k.into(), v)).collect(),
            whatsapp_id: WhatsAppId::new(&shared.random),
        });
        after = extend(shared, list, after, part.collect()).await?;
    }
    let reading = shared.store.read(move |db| db.campaigns().list_of(from));
    let now = reading.await.map_err(CampaignError::Store)?;
    if now == Some(source) {
        return Ok(Some(list));
    }
    forget(shared, list).await?;
    Ok(None)
}

/// Writes a part behind the place `after`; the place of its last recipient.
async fn extend(
    shared: &Arc<Shared>,
    list: ListId,
    after: u32,
    part: Vec<NewRecipient>,
) -> Result<u32, CampaignError> {
    let until = shared.clock.now().plus(KEPT);
    let last = after.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
    let writing = shared
        .store
        .write_relaxed(move |tx| tx.campaigns_mut().extend_list(list, after, &part, until));
    match writing.await.map_err(CampaignError::Store)? {
        true => Ok(last),
        false => Err(lost()),
    }
}

/// Leaves a list that is not needed after all to be swept up.
pub(super) async fn forget(shared: &Arc<Shared>, list: ListId) -> Result<(), CampaignError> {
    let forgetting = shared
        .store
        .write_relaxed(move |tx| tx.campaigns_mut().drop_list(list));
    forgetting.await.map_err(CampaignError::Store)
}

/// The refusal when a list was swept up under the hands of who wrote it: after a minute without a
/// write.
pub(super) fn lost() -> CampaignError {
    CampaignError::Store(StoreError::Undone)
}
