//! Starting campaigns, letting them rest, going on, ending them.
//!
//! Every step is one transaction: the state, what it means for the recipients, and the event. What
//! it means for many of them is a turn that they take, which is carried out a part at a time
//! ([`carry_out`]).

use std::sync::Arc;

use tracing::info;
use warbler_domain::campaign::{Campaign, CampaignState, CampaignStep, Progress, RecipientState};
use warbler_domain::{Caller, CampaignId, EventBody, MessageStatus, Scope, Timestamp, WhatsAppId};
use warbler_store::audit::AuditEntry;
use warbler_store::campaigns::Turn;
use warbler_store::outbox::Standing;
use warbler_store::{Error as StoreError, Writer};

use super::{CampaignError, CampaignStatus, Campaigns};
use crate::audit;
use crate::core::Shared;

/// Messages that are taken back at once: all that the runner puts into outboxes ahead.
const TAKEN_BACK: u32 = 10_000;

/// Recipients that are moved on at once: others wait no longer for the database than these take.
const PART: u32 = 1_000;

/// Recipients that go with a campaign that is deleted; those of a longer list go a little later.
const SWEPT: u32 = 1_000;

impl Campaigns {
    /// Begins to send.
    pub async fn start(
        &self,
        caller: &Caller,
        id: CampaignId,
    ) -> Result<CampaignStatus, CampaignError> {
        self.step(caller, id, CampaignStep::Start).await
    }

    /// Rests: what is under way arrives, nothing else goes out.
    pub async fn pause(
        &self,
        caller: &Caller,
        id: CampaignId,
    ) -> Result<CampaignStatus, CampaignError> {
        self.step(caller, id, CampaignStep::Pause).await
    }

    /// Goes on after a pause or a failure.
    pub async fn resume(
        &self,
        caller: &Caller,
        id: CampaignId,
    ) -> Result<CampaignStatus, CampaignError> {
        self.step(caller, id, CampaignStep::Resume).await
    }

    /// Sends to those again for whom it failed, under the id their message had.
    pub async fn retry(
        &self,
        caller: &Caller,
        id: CampaignId,
    ) -> Result<CampaignStatus, CampaignError> {
        self.visible(caller, id, Scope::Send).await?;
        while carry_out(&self.shared, id).await? {}
        self.step(caller, id, CampaignStep::Retry).await
    }

    /// Ends it: nobody else is sent to.
    pub async fn cancel(
        &self,
        caller: &Caller,
        id: CampaignId,
    ) -> Result<CampaignStatus, CampaignError> {
        self.step(caller, id, CampaignStep::Cancel).await
    }

    /// Ends it and takes it away, with its recipients; the messages stay.
    pub async fn delete(&self, caller: &Caller, id: CampaignId) -> Result<(), CampaignError> {
        let campaign = self.visible(caller, id, Scope::Send).await?;
        let entry = audit::done(&self.shared, caller, "campaign.delete", id, &campaign.name);
        let worker = Arc::clone(&self.shared);
        let now = worker.clock.now();
        let deleting = self.shared.store.write(move |tx| {
            let campaign = tx.campaigns().get(id)?.ok_or(CampaignError::Unknown(id))?;
            let mut newest = None;
            if !campaign.state.is_over() {
                let (_, seq) = take(&worker, tx, campaign, CampaignStep::Cancel, None)?;
                newest = seq;
            }
            tx.campaigns_mut().delete(id)?;
            tx.campaigns_mut().sweep_lists(now, SWEPT)?;
            tx.audit_mut().insert(&entry)?;
            Ok::<_, CampaignError>(newest)
        });
        if let Some(seq) = deleting.await? {
            crate::ingest::announce(&self.shared, seq);
        }
        Ok(())
    }

    async fn step(
        &self,
        caller: &Caller,
        id: CampaignId,
        step: CampaignStep,
    ) -> Result<CampaignStatus, CampaignError> {
        let campaign = self.visible(caller, id, Scope::Send).await?;
        let action = format!("campaign.{}", step.as_str());
        let entry = audit::done(&self.shared, caller, &action, id, &campaign.name);
        let campaign = take_step(&self.shared, id, step, None, Some(entry)).await?;
        let counts = self.shared.store.read(move |db| db.campaigns().counts(id));
        let counts = counts.await.map_err(CampaignError::Store)?;
        Ok(CampaignStatus { campaign, counts })
    }
}

/// Takes a step with the campaign `id`, and tells it.
pub(super) async fn take_step(
    shared: &Arc<Shared>,
    id: CampaignId,
    step: CampaignStep,
    reason: Option<String>,
    entry: Option<AuditEntry>,
) -> Result<Campaign, CampaignError> {
    let worker = Arc::clone(shared);
    let (campaign, seq) = shared
        .store
        .write(move |tx| {
            let campaign = tx.campaigns().get(id)?.ok_or(CampaignError::Unknown(id))?;
            let taken = take(&worker, tx, campaign, step, reason)?;
            if let Some(entry) = &entry {
                tx.audit_mut().insert(entry)?;
            }
            Ok::<_, CampaignError>(taken)
        })
        .await?;
    if let Some(seq) = seq {
        crate::ingest::announce(shared, seq);
    }
    info!(campaign.id = %id, state = campaign.state.as_str(), "A campaign was moved on: {}", step.as_str());
    shared.campaigns.wake();
    Ok(campaign)
}

/// Moves a part of the recipients on that a step is to move; whether there may be more.
pub(super) async fn carry_out(shared: &Arc<Shared>, id: CampaignId) -> Result<bool, CampaignError> {
    let turning = shared.store.read(move |db| db.campaigns().is_turning(id));
    if !turning.await.map_err(CampaignError::Store)? {
        return Ok(false);
    }
    let moving = shared
        .store
        .write_relaxed(move |tx| tx.campaigns_mut().carry_out(id, PART));
    moving.await.map_err(CampaignError::Store)
}

fn take(
    shared: &Shared,
    tx: &Writer<'_>,
    mut campaign: Campaign,
    step: CampaignStep,
    reason: Option<String>,
) -> Result<(Campaign, Option<i64>), CampaignError> {
    let now = shared.clock.now();
    let id = campaign.id;
    let state = campaign.state;
    let wrong = || CampaignError::WrongState {
        state,
        wanted: participle(step),
    };
    campaign.state = state.after(step).ok_or_else(wrong)?;
    campaign.reason = reason;
    match step {
        CampaignStep::Start => {
            if !tx.campaigns().is_open(id)? {
                return Err(CampaignError::NoRecipients);
            }
            campaign.run = 1;
            campaign.start_at = None;
            campaign.started_at = Some(now);
        }
        CampaignStep::Retry => {
            // A step before it is carried out whole, so that whoever it left out stays so.
            if tx.campaigns().is_turning(id)? {
                return Err(wrong());
            }
            if !tx.campaigns().has_failed(id)? {
                return Err(CampaignError::NothingFailed);
            }
            tx.campaigns_mut().take_turn(id, Turn::Retry)?;
            campaign.run += 1;
            campaign.started_at = campaign.started_at.or(Some(now));
        }
        CampaignStep::Pause => take_back(shared, tx, id, now, Back::Planned)?,
        CampaignStep::Cancel => {
            take_back(shared, tx, id, now, Back::Cancelled)?;
            tx.campaigns_mut().take_turn(id, Turn::Cancel)?;
        }
        // Somebody had it tried again since it was looked at.
        CampaignStep::Complete if tx.campaigns().is_open(id)? => return Err(wrong()),
        _ => {}
    }
    campaign.ended_at = campaign.state.is_over().then_some(now);
    tx.campaigns_mut().update(&campaign)?;
    let seq = tell(shared, tx, &campaign)?;
    Ok((campaign, seq))
}

/// What becomes of recipients whose message is taken out of the outbox.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Back {
    Planned,
    Cancelled,
}

/// Takes those messages out of the outbox that nobody has tried to send yet.
fn take_back(
    shared: &Shared,
    tx: &Writer<'_>,
    id: CampaignId,
    now: Timestamp,
    back: Back,
) -> Result<(), StoreError> {
    let queued = tx
        .campaigns()
        .in_state(id, RecipientState::Queued, TAKEN_BACK)?;
    for recipient in queued {
        let Some(message) = recipient.message else {
            continue;
        };
        let waiting = tx.outbox().of_message(message, now)?;
        let untried = waiting
            .filter(|waiting| waiting.standing == Standing::Queued && waiting.row.attempts == 0);
        let Some(waiting) = untried else {
            continue;
        };
        tx.outbox_mut().finish(&waiting.row)?;
        tx.messages_mut()
            .advance(message, MessageStatus::Cancelled, None)?;
        if back == Back::Planned {
            let anew = WhatsAppId::new(&shared.random);
            tx.campaigns_mut().plan_again(id, recipient.place, &anew)?;
        }
    }
    Ok(())
}

/// Stores the event that says where a campaign stands.
pub(super) fn tell(
    shared: &Shared,
    tx: &Writer<'_>,
    campaign: &Campaign,
) -> Result<Option<i64>, StoreError> {
    let Some(session) = campaign.sessions.first() else {
        return Ok(None);
    };
    let progress = Progress {
        id: campaign.id,
        name: campaign.name.clone(),
        state: campaign.state,
        reason: campaign.reason.clone(),
        counts: tx.campaigns().counts(campaign.id)?,
    };
    let body = EventBody::CampaignStatus {
        progress: Box::new(progress),
    };
    let event = crate::ingest::new_event(shared, *session, body);
    let done = !crate::ingest::is_wanted(shared, &event);
    tx.events_mut().insert(&event, done)
}

/// The word for what has been done after a step.
fn participle(step: CampaignStep) -> &'static str {
    match step {
        CampaignStep::Start => "started",
        CampaignStep::Schedule | CampaignStep::Unschedule => "scheduled",
        CampaignStep::Pause => "paused",
        CampaignStep::Resume => "resumed",
        CampaignStep::Retry => "retried",
        CampaignStep::Cancel => "cancelled",
        CampaignStep::Complete => "completed",
        CampaignStep::Fail => "failed",
    }
}

/// Whether a campaign is still running, as the database has it.
pub(super) fn is_running(tx: &Writer<'_>, id: CampaignId) -> Result<bool, StoreError> {
    let stored = tx.campaigns().get(id)?;
    Ok(stored.is_some_and(|campaign| campaign.state == CampaignState::Running))
}
