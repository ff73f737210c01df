//! Durations as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// A duration such as `250ms`, `20s`, `5m`, `2h` or `30d`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Span(Duration);

impl Span {
    /// Longest, so that no sum of them overflows.
    const MAX: Duration = Duration::from_secs(366 * 24 * 3600);

    /// The duration.
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a duration; write 250ms, 20s, 5m, 2h or 30d");
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
        let (number, unit) = text.split_at(split);
        let number: u64 = number.parse().map_err(|_| bad())?;
        let millis = match unit.trim() {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(bad()),
        };
        let duration = number.checked_mul(millis).map(Duration::from_millis);
        match duration {
            Some(duration) if duration.is_zero() => {
                Err(format!("`{text}` must be longer than nothing"))
            }
            Some(duration) if duration <= Self::MAX => Ok(Self(duration)),
            _ => Err(format!("`{text}` is longer than a year")),
        }
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
