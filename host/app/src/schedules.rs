//! Messages for later: once or again and again, by the clock of one place.
//!
//! Invariant: a run happens at most once. The transaction that puts its message into the outbox
//! moves the schedule on to its next run.

mod change;
mod error;
mod runner;

use std::sync::Arc;

use warbler_domain::pacing::Zone;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::schedule::{
    Cron, Missed, Moment, Schedule, ScheduleRun, ScheduleState, Timing,
};
use warbler_domain::{
    Caller, Content, Jid, Recipient, ScheduleId, Scope, SessionId, SessionRef, Timestamp,
};

use crate::audit;
use crate::core::Shared;
use crate::idempotency::Claim;
use crate::messages::{Destination, Messages, NewContent, in_time, writable};
use crate::sessions::{is_within_reach, usable_by};

pub use change::UpdateSchedule;
pub use error::ScheduleError;
pub(crate) use runner::{Runner, run};

/// Runs that are shown ahead.
const SHOWN_AHEAD: usize = 5;

/// When a message is to go out.
#[derive(Debug, Clone)]
pub enum When {
    /// Once.
    At(Moment),
    /// Whenever a cron expression says so.
    Cron {
        /// The expression.
        expression: Cron,
        /// Not after this, if it ends.
        until: Option<Moment>,
    },
}

/// A message for later, to make.
#[derive(Debug, Clone)]
pub struct CreateSchedule {
    /// The session that sends.
    pub session: SessionRef,
    /// What it is called.
    pub name: Option<String>,
    /// To whom.
    pub to: Recipient,
    /// What.
    pub content: NewContent,
    /// Whose clock.
    pub zone: Zone,
    /// When.
    pub when: When,
    /// What becomes of a run that was missed.
    pub missed: Missed,
}

/// A schedule, what it did and what it will do.
#[derive(Debug, Clone)]
pub struct ScheduleStatus {
    /// The schedule.
    pub schedule: Schedule,
    /// Its next runs.
    pub next: Vec<Timestamp>,
    /// Its last runs, newest first; only where one is shown.
    pub runs: Vec<ScheduleRun>,
}

impl ScheduleStatus {
    fn of(schedule: Schedule, runs: Vec<ScheduleRun>) -> Self {
        let mut next: Vec<_> = schedule.next_at.into_iter().collect();
        if let Some(first) = schedule.next_at {
            next.extend(schedule.runs_after(first, SHOWN_AHEAD - 1));
        }
        Self {
            schedule,
            next,
            runs,
        }
    }
}

/// Messages for later.
pub struct Schedules {
    shared: Arc<Shared>,
}

impl Schedules {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Makes one. Under a `claim` it is made once; its answer is the id.
    pub async fn create(
        &self,
        caller: &Caller,
        command: CreateSchedule,
        claim: Option<Claim>,
    ) -> Result<ScheduleStatus, ScheduleError> {
        let session = usable_by(&self.shared, caller, &command.session, Scope::Send).await?;
        let name = checked_name(command.name)?;
        let now = self.shared.clock.now();
        let (timing, next_at) = timing(command.when, &command.zone, now)?;
        let to = writable(command.to)?;
        let content = self.content(caller, session.id, &to, command.content);
        let content = content.await?;
        let schedule = Schedule {
            id: ScheduleId::new(now, &self.shared.random),
            owner: session.owner,
            session: session.id,
            name,
            to,
            content,
            zone: command.zone,
            timing,
            missed: command.missed,
            state: ScheduleState::Active,
            next_at: Some(next_at),
            created_at: now,
            runs: 0,
        };
        let id = schedule.id;
        let record = claim.as_ref().map(|claim| claim.record(&id)).transpose()?;
        let entry = audit::done_in(&self.shared, caller, "schedule.create", id, session.id);
        let inserting = self.shared.store.write(move |tx| {
            if tx.schedules().open(schedule.session)? >= Schedule::MOST {
                return Err(ScheduleError::TooMany);
            }
            tx.schedules_mut().insert(&schedule)?;
            tx.audit_mut().insert(&entry)?;
            if let Some(record) = &record {
                record.put(tx)?;
            }
            Ok(schedule)
        });
        let schedule = inserting.await?;
        self.shared.schedules.wake();
        Ok(ScheduleStatus::of(schedule, Vec::new()))
    }

    /// A page of those the caller may see, newest first: of one session, in one state, if named.
    pub async fn list(
        &self,
        caller: &Caller,
        session: Option<&SessionRef>,
        state: Option<ScheduleState>,
        page: PageRequest,
    ) -> Result<Page<ScheduleStatus>, ScheduleError> {
        caller.require(Scope::Read)?;
        let session = match session {
            Some(session) => {
                let found = usable_by(&self.shared, caller, session, Scope::Read).await?;
                Some(found.id)
            }
            None => None,
        };
        let (shared, caller) = (Arc::clone(&self.shared), caller.clone());
        let reading = self.shared.store.read(move |db| {
            let seen = |one: &Schedule| is_within_reach(&shared, &caller, one.session);
            db.schedules().list(session, state, seen, page)
        });
        let found: Page<Schedule> = reading.await.map_err(ScheduleError::Store)?;
        Ok(found.map(|schedule| ScheduleStatus::of(schedule, Vec::new())))
    }

    /// One of them, with its last runs.
    pub async fn get(
        &self,
        caller: &Caller,
        id: ScheduleId,
    ) -> Result<ScheduleStatus, ScheduleError> {
        let schedule = self.visible(caller, id, Scope::Read).await?;
        let runs = self.shared.store.read(move |db| db.schedules().runs(id));
        let runs = runs.await.map_err(ScheduleError::Store)?;
        Ok(ScheduleStatus::of(schedule, runs))
    }

    /// Takes one back: it does not run any more.
    pub async fn cancel(
        &self,
        caller: &Caller,
        id: ScheduleId,
    ) -> Result<ScheduleStatus, ScheduleError> {
        let schedule = self.visible(caller, id, Scope::Send).await?;
        let session = schedule.session;
        let entry = audit::done_in(&self.shared, caller, "schedule.cancel", id, session);
        let cancelling = self.shared.store.write(move |tx| {
            if !tx.schedules_mut().cancel(id)? {
                return Err(ScheduleError::NotActive);
            }
            tx.audit_mut().insert(&entry)?;
            Ok(())
        });
        cancelling.await?;
        self.get(caller, id).await
    }

    /// What is sent.
    async fn content(
        &self,
        caller: &Caller,
        session: SessionId,
        to: &Jid,
        content: NewContent,
    ) -> Result<Content, ScheduleError> {
        let for_later = matches!(
            content,
            NewContent::Text(_)
                | NewContent::Media(_)
                | NewContent::Location(_)
                | NewContent::Contacts(_)
                | NewContent::Poll(_)
        );
        if !for_later {
            return Err(ScheduleError::ContentNotPossible);
        }
        let chat = Destination::of(&self.shared, session, to.clone()).await;
        let chat = chat.map_err(ScheduleError::Store)?.into_chat();
        let messages = Messages::new(Arc::clone(&self.shared));
        let now = self.shared.clock.now();
        let content = messages.content(caller, &chat, content, &[], now).await?;
        Ok(content)
    }

    async fn visible(
        &self,
        caller: &Caller,
        id: ScheduleId,
        scope: Scope,
    ) -> Result<Schedule, ScheduleError> {
        caller.require(scope)?;
        let reading = self.shared.store.read(move |db| db.schedules().get(id));
        let found: Option<Schedule> = reading.await.map_err(ScheduleError::Store)?;
        found
            .filter(|schedule| is_within_reach(&self.shared, caller, schedule.session))
            .ok_or(ScheduleError::Unknown(id))
    }
}

fn checked_name(name: Option<String>) -> Result<Option<String>, ScheduleError> {
    let name = name.map(|name| name.trim().to_owned());
    let name = name.filter(|name| !name.is_empty());
    let fits = name.as_ref().is_none_or(|name| {
        name.chars().count() <= Schedule::MAX_NAME && !name.chars().any(char::is_control)
    });
    fits.then_some(name).ok_or(ScheduleError::BadName)
}

/// When it runs by the clock of `zone`, and when first.
fn timing(when: When, zone: &Zone, now: Timestamp) -> Result<(Timing, Timestamp), ScheduleError> {
    let instant = |moment: Moment| moment.instant(zone).ok_or(ScheduleError::BadTime);
    match when {
        When::At(moment) => {
            let at = in_time(instant(moment)?, now).map_err(|_| ScheduleError::BadTime)?;
            Ok((Timing::Once { at }, at))
        }
        When::Cron { expression, until } => {
            let until = until.map(instant).transpose()?;
            let timing = Timing::Cron { expression, until };
            let next = timing.next(zone, now).ok_or(ScheduleError::Never)?;
            Ok((timing, next))
        }
    }
}
