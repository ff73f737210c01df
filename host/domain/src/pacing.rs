//! Pacing: how a session spaces out what it sends, so that it looks like people at work.
//!
//! Pacing delays and never refuses. These are the rules alone, as data and arithmetic; who has sent
//! how much is counted above.

mod quiet;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

pub use quiet::{BadClockTime, BadTimeZone, ClockTime, QuietHours, Zone};

/// How a session spaces out what it sends. The default spaces nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Pacing {
    /// Most messages in a minute; 0 is any number.
    pub per_minute: u32,
    /// Most messages in an hour; 0 is any number.
    pub per_hour: u32,
    /// Most messages to one recipient in an hour; 0 is any number.
    pub per_recipient_hour: u32,
    /// Shortest pause between two messages, in milliseconds.
    pub gap_millis: u64,
    /// By how many percent that pause is varied, at most 100.
    pub jitter_percent: u8,
    /// When nothing goes out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet: Option<QuietHours>,
    /// How a young session begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<WarmUp>,
    /// How typing is shown before a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typing: Option<Typing>,
}

/// How a young session begins: with few messages a day, more every day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WarmUp {
    /// Messages in the first 24 hours after pairing.
    pub first_day: u32,
    /// By how many percent the number grows each day.
    pub growth_percent: u32,
    /// After how many days it ends.
    pub days: u32,
}

/// How typing is shown before a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Typing {
    /// Milliseconds for each character of the text.
    pub per_character_millis: u64,
    /// Longest time, in milliseconds.
    pub longest_millis: u64,
}

/// Why rules for sending make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPacing {
    /// A limit beyond what can be counted.
    #[error("{what} is at most {most}")]
    TooLarge {
        /// Which setting.
        what: &'static str,
        /// The largest value.
        most: u64,
    },
    /// A warm-up that never lets a message go.
    #[error("a warm-up begins with at least one message a day")]
    NoFirstDay,
    /// Quiet all day long.
    #[error("quiet hours begin and end at different times")]
    AlwaysQuiet,
}

impl Pacing {
    /// Largest number a limit can be; more is no limit in practice.
    pub const MAX_COUNT: u32 = 100_000;
    /// Longest pause between two messages.
    pub const MAX_GAP: Duration = Duration::from_secs(3600);
    /// Longest time that typing is shown.
    pub const MAX_TYPING: Duration = Duration::from_secs(30);
    /// Longest warm-up, in days.
    pub const MAX_DAYS: u32 = 90;

    /// The same rules, if they make sense.
    pub fn checked(self) -> Result<Self, BadPacing> {
        let most = |value: u64, what: &'static str, most: u64| {
            if value > most {
                Err(BadPacing::TooLarge { what, most })
            } else {
                Ok(())
            }
        };
        let count = u64::from(Self::MAX_COUNT);
        most(self.per_minute.into(), "the limit per minute", count)?;
        most(self.per_hour.into(), "the limit per hour", count)?;
        most(
            self.per_recipient_hour.into(),
            "the limit per recipient",
            count,
        )?;
        most(
            self.gap_millis,
            "the gap in milliseconds",
            millis(Self::MAX_GAP),
        )?;
        most(self.jitter_percent.into(), "the jitter in percent", 100)?;
        if let Some(warm_up) = &self.warm_up {
            most(
                warm_up.days.into(),
                "the warm-up in days",
                Self::MAX_DAYS.into(),
            )?;
            most(warm_up.growth_percent.into(), "the growth in percent", 1000)?;
            most(warm_up.first_day.into(), "the first day's messages", count)?;
            if warm_up.first_day == 0 {
                return Err(BadPacing::NoFirstDay);
            }
        }
        if let Some(typing) = &self.typing {
            let longest = millis(Self::MAX_TYPING);
            most(typing.longest_millis, "the typing in milliseconds", longest)?;
            most(
                typing.per_character_millis,
                "the typing per character",
                longest,
            )?;
        }
        if self
            .quiet
            .as_ref()
            .is_some_and(|quiet| quiet.from == quiet.to)
        {
            return Err(BadPacing::AlwaysQuiet);
        }
        Ok(self)
    }

    /// Whether everything goes out as soon as it can.
    pub fn is_off(&self) -> bool {
        *self == Self::default()
            || *self
                == Self {
                    jitter_percent: self.jitter_percent,
                    ..Self::default()
                }
    }

    /// Shortest pause between two messages, before it is varied.
    pub fn gap(&self) -> Duration {
        Duration::from_millis(self.gap_millis)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl WarmUp {
    /// How many messages may go out in 24 hours, by a session paired at `paired`; `None` once the
    /// warm-up is over.
    pub fn allowance(&self, paired: Timestamp, now: Timestamp) -> Option<u32> {
        const DAY: u64 = 24 * 3600;
        let day = u32::try_from(now.since(paired).as_secs() / DAY).unwrap_or(u32::MAX);
        if day >= self.days {
            return None;
        }
        let mut allowance = u64::from(self.first_day);
        for _ in 0..day {
            allowance += allowance * u64::from(self.growth_percent) / 100;
            if allowance >= u64::from(Pacing::MAX_COUNT) {
                return Some(Pacing::MAX_COUNT);
            }
        }
        u32::try_from(allowance).ok()
    }
}

impl Typing {
    /// How long a text of so many characters is typed.
    pub fn lasts(&self, characters: usize) -> Duration {
        let characters = u64::try_from(characters).unwrap_or(u64::MAX);
        let whole = self.per_character_millis.saturating_mul(characters);
        Duration::from_millis(whole.min(self.longest_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_young_session_may_send_more_every_day_until_it_is_old() {
        let warm_up = WarmUp {
            first_day: 20,
            growth_percent: 50,
            days: 4,
        };
        let paired = Timestamp::from_millis(1_800_000_000_000);
        let after = |days: u64| {
            let now = paired.plus(Duration::from_secs(days * 24 * 3600 + 5));
            warm_up.allowance(paired, now)
        };
        assert_eq!(after(0), Some(20));
        assert_eq!(after(1), Some(30));
        assert_eq!(after(2), Some(45));
        assert_eq!(after(3), Some(67));
        assert_eq!(after(4), None);
        assert_eq!(after(4000), None);
    }

    #[test]
    fn rules_that_would_never_let_anything_go_are_refused() {
        let warm_up = WarmUp {
            first_day: 0,
            growth_percent: 50,
            days: 4,
        };
        let pacing = Pacing {
            warm_up: Some(warm_up),
            ..Pacing::default()
        };
        assert_eq!(pacing.checked(), Err(BadPacing::NoFirstDay));
        let pacing = Pacing {
            gap_millis: 3_600_001,
            ..Pacing::default()
        };
        assert!(pacing.checked().is_err());
        assert!(
            Pacing::default()
                .checked()
                .is_ok_and(|pacing| pacing.is_off())
        );
    }

    #[test]
    fn a_long_text_is_not_typed_for_ever() {
        let typing = Typing {
            per_character_millis: 50,
            longest_millis: 5_000,
        };
        assert_eq!(typing.lasts(10), Duration::from_millis(500));
        assert_eq!(typing.lasts(usize::MAX), Duration::from_secs(5));
    }
}
