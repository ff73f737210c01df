//! `[sending]`: how messages go out.

use serde::Deserialize;
use warbler_domain::pacing::{Pacing, QuietHours, Typing, WarmUp};

use super::Span;

/// How messages go out.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Written")]
pub struct Sending {
    /// How long the server may take to acknowledge.
    pub ack_timeout: Span,
    /// How often a message is tried.
    pub attempts: u32,
    /// How long a message may wait in vain.
    pub max_age: Span,
    /// Actions of extensions per chat and minute; 0 is no guard.
    pub loop_guard: u32,
    /// How sessions without rules of their own space out what they send.
    pub pacing: Pacing,
}

/// The section as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    ack_timeout: Span,
    attempts: u32,
    max_age: Span,
    loop_guard: u32,
    per_minute: u32,
    per_hour: u32,
    per_recipient_hour: u32,
    gap_millis: u64,
    jitter_percent: u8,
    quiet_from: String,
    quiet_to: String,
    quiet_zone: String,
    quiet_answer_within_minutes: u32,
    warm_up_days: u32,
    warm_up_first_day: u32,
    warm_up_growth_percent: u32,
    typing_per_character_millis: u64,
    typing_longest_millis: u64,
}

impl TryFrom<Written> for Sending {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let pacing = Pacing {
            per_minute: written.per_minute,
            per_hour: written.per_hour,
            per_recipient_hour: written.per_recipient_hour,
            gap_millis: written.gap_millis,
            jitter_percent: written.jitter_percent,
            quiet: written.quiet()?,
            warm_up: (written.warm_up_days > 0).then_some(WarmUp {
                first_day: written.warm_up_first_day,
                growth_percent: written.warm_up_growth_percent,
                days: written.warm_up_days,
            }),
            typing: (written.typing_per_character_millis > 0).then_some(Typing {
                per_character_millis: written.typing_per_character_millis,
                longest_millis: written.typing_longest_millis,
            }),
        };
        Ok(Self {
            ack_timeout: written.ack_timeout,
            attempts: written.attempts,
            max_age: written.max_age,
            loop_guard: written.loop_guard,
            pacing: pacing.checked().map_err(|err| err.to_string())?,
        })
    }
}

impl Written {
    fn quiet(&self) -> Result<Option<QuietHours>, String> {
        match (self.quiet_from.as_str(), self.quiet_to.as_str()) {
            ("", "") => Ok(None),
            ("", _) | (_, "") => {
                Err("quiet hours need both `quiet_from` and `quiet_to`".to_owned())
            }
            (from, to) => Ok(Some(QuietHours {
                from: from.parse().map_err(text)?,
                to: to.parse().map_err(text)?,
                zone: self.quiet_zone.parse().map_err(text)?,
                answer_within_minutes: self.quiet_answer_within_minutes,
            })),
        }
    }
}

fn text(err: impl std::fmt::Display) -> String {
    err.to_string()
}
