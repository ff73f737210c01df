//! Campaigns and broadcasts: one message for many recipients, each sent to at most once.
//!
//! A campaign's recipients are frozen when it is made ([`collect`], [`csv`], [`create`]), down to the
//! id each message has on the wire. The [`runner`] puts a few messages at a time into the outbox,
//! which paces and sends them like any others; the transaction that puts one there moves its
//! recipient on. From then on the recipient follows its message.
//!
//! Invariant: whatever crashes, a recipient has at most one message in a run.

mod collect;
mod create;
pub mod csv;
mod error;
mod feed;
mod fitting;
mod life;
mod lists;
mod opt_out;
mod runner;
mod settings;
mod suppressions;
mod trial;
mod write;

use std::sync::Arc;

use warbler_domain::campaign::{
    Campaign, CampaignCounts, CampaignKind, CampaignRecipient, CampaignState, RecipientState,
};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{Caller, CampaignId, Scope};

use crate::core::Shared;
use crate::sessions::is_within_reach;

pub use collect::{
    Collected, Collector, MAX_ANSWERS, Recipients, Row, RowError, TooManyRecipients,
};
pub use create::{ChangeCampaign, CreateCampaign};
pub use error::CampaignError;
pub use settings::CampaignSettings;
pub use suppressions::{SuppressionError, Suppressions};

pub(crate) use feed::is_unwanted;
pub(crate) use opt_out::heard;
pub(crate) use runner::{Runner, run};

/// A campaign and how far it is.
#[derive(Debug, Clone)]
pub struct CampaignStatus {
    /// The campaign.
    pub campaign: Campaign,
    /// How many of its recipients are how far.
    pub counts: CampaignCounts,
}

/// Campaigns and broadcasts.
pub struct Campaigns {
    shared: Arc<Shared>,
}

impl Campaigns {
    /// Most campaigns of a host that are not over.
    pub const MOST_OPEN: u64 = 1_000;

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// A page of those the caller may see, newest first.
    pub async fn list(
        &self,
        caller: &Caller,
        kind: CampaignKind,
        state: Option<CampaignState>,
        page: PageRequest,
    ) -> Result<Page<CampaignStatus>, CampaignError> {
        caller.require(Scope::Read)?;
        let (shared, caller) = (Arc::clone(&self.shared), caller.clone());
        let reading = self.shared.store.read(move |db| {
            let seen = |campaign: &Campaign| is_visible(&shared, &caller, campaign);
            let found = db.campaigns().list(kind, state, seen, page)?;
            let mut items = Vec::with_capacity(found.items.len());
            for campaign in found.items {
                let counts = db.campaigns().counts(campaign.id)?;
                items.push(CampaignStatus { campaign, counts });
            }
            Ok(Page {
                items,
                next: found.next,
            })
        });
        reading.await.map_err(CampaignError::Store)
    }

    /// One of them.
    pub async fn get(
        &self,
        caller: &Caller,
        id: CampaignId,
    ) -> Result<CampaignStatus, CampaignError> {
        let campaign = self.visible(caller, id, Scope::Read).await?;
        let counts = self.shared.store.read(move |db| db.campaigns().counts(id));
        let counts = counts.await.map_err(CampaignError::Store)?;
        Ok(CampaignStatus { campaign, counts })
    }

    /// A page of a campaign's recipients, in their order.
    pub async fn recipients(
        &self,
        caller: &Caller,
        id: CampaignId,
        state: Option<RecipientState>,
        page: PageRequest,
    ) -> Result<Page<CampaignRecipient>, CampaignError> {
        self.visible(caller, id, Scope::Read).await?;
        let store = &self.shared.store;
        let reading = store.read(move |db| db.campaigns().recipients(id, state, page));
        reading.await.map_err(CampaignError::Store)
    }

    /// The campaign, if it is there for the caller and the caller may do this kind of thing.
    async fn visible(
        &self,
        caller: &Caller,
        id: CampaignId,
        scope: Scope,
    ) -> Result<Campaign, CampaignError> {
        caller.require(scope)?;
        let reading = self.shared.store.read(move |db| db.campaigns().get(id));
        let found: Option<Campaign> = reading.await.map_err(CampaignError::Store)?;
        found
            .filter(|campaign| is_visible(&self.shared, caller, campaign))
            .ok_or(CampaignError::Unknown(id))
    }
}

/// Whether a campaign is there for `caller`: every session it sends by is the caller's.
fn is_visible(shared: &Shared, caller: &Caller, campaign: &Campaign) -> bool {
    if caller.reaches_all() {
        return true;
    }
    let sessions = campaign.sessions.iter().copied();
    let mut left = sessions
        .filter(|session| shared.directory.owner(*session).is_some())
        .peekable();
    match left.peek() {
        Some(_) => left.all(|session| is_within_reach(shared, caller, session)),
        // Its sessions are gone; whoever had them all still sees what they did.
        None => caller.reach().only.is_none() && campaign.owner == caller.reach().owner,
    }
}
