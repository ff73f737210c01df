//! Changing schedules that are not over, letting them rest, going on.
//!
//! Invariant: a change is made to what is stored at that moment, so that it never brings a run back
//! that was dealt with.

use tracing::info;
use warbler_domain::pacing::Zone;
use warbler_domain::schedule::{Missed, Schedule, ScheduleState};
use warbler_domain::{Caller, Content, Jid, Recipient, ScheduleId, Scope, Timestamp};

use super::{ScheduleError, ScheduleStatus, Schedules, When, checked_name, timing};
use crate::audit;
use crate::messages::{NewContent, writable};

/// What is to be different about a schedule; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct UpdateSchedule {
    /// What it is called; inside nothing for no name.
    pub name: Option<Option<String>>,
    /// To whom.
    pub to: Option<Recipient>,
    /// What.
    pub content: Option<NewContent>,
    /// Whose clock.
    pub zone: Option<Zone>,
    /// When.
    pub when: Option<When>,
    /// What becomes of a run that was missed.
    pub missed: Option<Missed>,
}

/// The parts of a change that were looked at.
struct Change {
    name: Option<Option<String>>,
    to: Option<Jid>,
    content: Option<Content>,
    zone: Option<Zone>,
    when: Option<When>,
    missed: Option<Missed>,
}

impl Change {
    fn apply(self, schedule: &mut Schedule, now: Timestamp) -> Result<(), ScheduleError> {
        let is_retimed = self.zone.is_some() || self.when.is_some();
        schedule.name = self.name.unwrap_or(schedule.name.take());
        schedule.missed = self.missed.unwrap_or(schedule.missed);
        if let Some(to) = self.to {
            schedule.to = to;
        }
        if let Some(content) = self.content {
            schedule.content = content;
        }
        if let Some(zone) = self.zone {
            schedule.zone = zone;
        }
        if let Some(when) = self.when {
            (schedule.timing, _) = timing(when, &schedule.zone, now)?;
        }
        if is_retimed && schedule.state == ScheduleState::Active {
            schedule.next_at = Some(next(schedule, now)?);
        }
        Ok(())
    }
}

impl Schedules {
    /// Changes one that is active or rests.
    pub async fn update(
        &self,
        caller: &Caller,
        id: ScheduleId,
        update: UpdateSchedule,
    ) -> Result<ScheduleStatus, ScheduleError> {
        let schedule = self.visible(caller, id, Scope::Send).await?;
        let to = update.to.map(writable).transpose()?;
        let content = match update.content {
            Some(content) => {
                let to = to.as_ref().unwrap_or(&schedule.to);
                let made = self.content(caller, schedule.session, to, content);
                Some(made.await?)
            }
            None => None,
        };
        let change = Change {
            name: update.name.map(checked_name).transpose()?,
            to,
            content,
            zone: update.zone,
            when: update.when,
            missed: update.missed,
        };
        let apply = move |schedule: &mut Schedule, now| change.apply(schedule, now);
        self.alter(caller, &schedule, "schedule.update", apply)
            .await
    }

    /// Lets one rest: it does not run until it is resumed.
    pub async fn pause(
        &self,
        caller: &Caller,
        id: ScheduleId,
    ) -> Result<ScheduleStatus, ScheduleError> {
        let schedule = self.visible(caller, id, Scope::Send).await?;
        let rest = |schedule: &mut Schedule, _| {
            if schedule.state != ScheduleState::Active {
                return Err(ScheduleError::NotActive);
            }
            schedule.state = ScheduleState::Paused;
            schedule.next_at = None;
            Ok(())
        };
        self.alter(caller, &schedule, "schedule.pause", rest).await
    }

    /// Lets one that rests go on with its next run; those in between are left out.
    pub async fn resume(
        &self,
        caller: &Caller,
        id: ScheduleId,
    ) -> Result<ScheduleStatus, ScheduleError> {
        let schedule = self.visible(caller, id, Scope::Send).await?;
        let go_on = |schedule: &mut Schedule, now| {
            if schedule.state != ScheduleState::Paused {
                return Err(ScheduleError::NotPaused);
            }
            schedule.next_at = Some(next(schedule, now)?);
            schedule.state = ScheduleState::Active;
            Ok(())
        };
        self.alter(caller, &schedule, "schedule.resume", go_on)
            .await
    }

    /// Changes what is stored of a schedule that is not over.
    async fn alter<F>(
        &self,
        caller: &Caller,
        schedule: &Schedule,
        action: &str,
        change: F,
    ) -> Result<ScheduleStatus, ScheduleError>
    where
        F: FnOnce(&mut Schedule, Timestamp) -> Result<(), ScheduleError> + Send + 'static,
    {
        let (id, session) = (schedule.id, schedule.session);
        let entry = audit::done_in(&self.shared, caller, action, id, session);
        let now = self.shared.clock.now();
        let writing = self.shared.store.write(move |tx| {
            let stored = tx.schedules().get(id)?;
            let mut schedule = stored.ok_or(ScheduleError::Unknown(id))?;
            if !schedule.state.is_open() {
                return Err(ScheduleError::NotActive);
            }
            change(&mut schedule, now)?;
            tx.schedules_mut().update(&schedule)?;
            tx.audit_mut().insert(&entry)?;
            Ok(())
        });
        writing.await?;
        info!(session.id = %session, schedule.id = %id, "A schedule was changed: {action}");
        self.shared.schedules.wake();
        self.get(caller, id).await
    }
}

fn next(schedule: &Schedule, now: Timestamp) -> Result<Timestamp, ScheduleError> {
    let next = schedule.timing.next(&schedule.zone, now);
    next.ok_or(ScheduleError::Never)
}
