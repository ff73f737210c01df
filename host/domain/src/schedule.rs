//! Schedules: messages for later, once or again and again, by the clock of one place.

mod cron;

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::content::Content;
use crate::ids::{MessageId, ScheduleId, SessionId, UserId};
use crate::jid::Jid;
use crate::pacing::Zone;

pub use cron::{BadCron, Cron};

/// A message for later.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// Whose it is: the owner of its session when it was made.
    pub owner: Option<UserId>,
    /// The session that sends.
    pub session: SessionId,
    /// What it is called.
    pub name: Option<String>,
    /// To whom.
    pub to: Jid,
    /// What.
    pub content: Content,
    /// Whose clock.
    pub zone: Zone,
    /// When.
    pub timing: Timing,
    /// What becomes of a run whose time has passed while the host was down.
    pub missed: Missed,
    /// Where it stands.
    pub state: ScheduleState,
    /// When it runs next.
    pub next_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// How often it has run.
    pub runs: u32,
}

impl Schedule {
    /// Longest name, in characters.
    pub const MAX_NAME: usize = 120;
    /// A run that is later than this has been missed, in seconds.
    pub const LATE_SECONDS: u64 = 300;
    /// Most that are active or rest at once, of one session.
    pub const MOST: u64 = 10_000;

    /// The runs that follow `after`, at most `most`.
    pub fn runs_after(&self, after: Timestamp, most: usize) -> Vec<Timestamp> {
        let mut runs = Vec::new();
        let mut last = after;
        while runs.len() < most {
            let Some(next) = self.timing.next(&self.zone, last) else {
                break;
            };
            runs.push(next);
            last = next;
        }
        runs
    }
}

/// When a schedule runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Timing {
    /// Once.
    Once {
        /// When.
        at: Timestamp,
    },
    /// Whenever a cron expression says so.
    Cron {
        /// The expression.
        expression: Cron,
        /// Not after this, if it ends.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        until: Option<Timestamp>,
    },
}

impl Timing {
    /// The first run behind `after`, by the clock of `zone`.
    pub fn next(&self, zone: &Zone, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Once { at } => (*at > after).then_some(*at),
            Self::Cron { expression, until } => {
                let next = expression.next(zone, after)?;
                until.is_none_or(|until| next <= until).then_some(next)
            }
        }
    }
}

/// What becomes of a run whose time has passed while the host was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Missed {
    /// It is made up for, once, however many were missed.
    Run,
    /// It is left out.
    Skip,
}

impl Missed {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Skip => "skip",
        }
    }

    /// The policy with this word.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::Run, Self::Skip];
        all.into_iter().find(|policy| policy.as_str() == word)
    }
}

/// Where a schedule stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScheduleState {
    /// It has a next run.
    Active,
    /// It rests until it is resumed.
    Paused,
    /// It has had its last run.
    Done,
    /// It was taken back.
    Cancelled,
}

impl ScheduleState {
    /// Whether it can still be changed.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Active | Self::Paused)
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A word that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of active, paused, done and cancelled")]
pub struct BadScheduleState(String);

impl FromStr for ScheduleState {
    type Err = BadScheduleState;

    fn from_str(word: &str) -> Result<Self, BadScheduleState> {
        let all = [Self::Active, Self::Paused, Self::Done, Self::Cancelled];
        let found = all.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| BadScheduleState(word.chars().take(32).collect()))
    }
}

/// What became of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRun {
    /// The time it was due.
    pub due_at: Timestamp,
    /// When it was dealt with.
    pub at: Timestamp,
    /// The message, if one was accepted.
    pub message: Option<MessageId>,
    /// Why there is none, in a stable word.
    pub code: Option<String>,
    /// The same in a sentence.
    pub error: Option<String>,
}

/// A moment as somebody writes it: with an offset an instant, without one by the clock of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// An instant.
    Instant(Timestamp),
    /// A time by the clock of a place.
    Local(DateTime),
}

/// A text that is no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a time; write 2026-12-24T18:00:00 for the clock of the time zone, or 2026-12-24T18:00:00Z for an instant"
)]
pub struct BadMoment(String);

impl Moment {
    /// The instant it is in `zone`. A time that a change of the clocks skips is the first one after
    /// it; of one that comes twice it is the first.
    pub fn instant(self, zone: &Zone) -> Option<Timestamp> {
        match self {
            Self::Instant(at) => Some(at),
            Self::Local(local) => first_valid(zone, local),
        }
    }
}

impl FromStr for Moment {
    type Err = BadMoment;

    fn from_str(text: &str) -> Result<Self, BadMoment> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Ok(Self::Instant(Timestamp::from_millis(
                instant.as_millisecond(),
            )));
        }
        text.parse()
            .map(Self::Local)
            .map_err(|_| BadMoment(text.chars().take(40).collect()))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant(at) => at.fmt(f),
            Self::Local(local) => local.fmt(f),
        }
    }
}

/// The first instant at which the clock of `zone` shows `local` or more.
fn first_valid(zone: &Zone, local: DateTime) -> Option<Timestamp> {
    let zone = zone.to_jiff();
    let ambiguous = zone.to_ambiguous_timestamp(local);
    let at = match ambiguous.offset() {
        jiff::tz::AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).ok()?,
        // Of two the first.
        jiff::tz::AmbiguousOffset::Fold { before, .. } => before.to_timestamp(local).ok()?,
        // The moment the clocks jump: read by the offset after the jump, the time lies before it;
        // the jump is the first transition behind that.
        jiff::tz::AmbiguousOffset::Gap { after, .. } => {
            let before_jump = after.to_timestamp(local).ok()?;
            let mut behind = zone.following(before_jump);
            behind.next()?.timestamp()
        }
    };
    Some(Timestamp::from_millis(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Any = Result<(), Box<dyn std::error::Error>>;

    fn instant(text: &str) -> Result<Timestamp, jiff::Error> {
        let at: jiff::Timestamp = text.parse()?;
        Ok(Timestamp::from_millis(at.as_millisecond()))
    }

    #[test]
    fn a_time_the_clocks_skip_is_the_first_instant_there_is() -> Any {
        let zone: Zone = "Europe/Berlin".parse()?;
        let skipped: Moment = "2026-03-29T02:30:00".parse()?;
        assert_eq!(
            skipped.instant(&zone),
            Some(instant("2026-03-29T01:00:00Z")?)
        );
        let twice: Moment = "2026-10-25T02:30:00".parse()?;
        assert_eq!(twice.instant(&zone), Some(instant("2026-10-25T00:30:00Z")?));
        let plain: Moment = "2026-05-04T09:00:00".parse()?;
        assert_eq!(plain.instant(&zone), Some(instant("2026-05-04T07:00:00Z")?));
        let offset: Moment = "2026-05-04T09:00:00+02:00".parse()?;
        assert_eq!(offset.instant(&"UTC".parse()?), plain.instant(&zone));
        assert!("tomorrow".parse::<Moment>().is_err());
        Ok(())
    }
}
