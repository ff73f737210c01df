//! Lengths of time as people write them: `30s`, `10m`, `2h`, `1d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time, from a second to 366 days.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u32);

/// A text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time; write one like 30s, 10m, 2h or 1d, up to 366d")]
pub struct BadSpan(String);

/// The units, the longest first.
const UNITS: [(char, u32); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

impl Span {
    /// The longest, in seconds.
    const MOST: u32 = 366 * 86_400;

    /// Ten minutes.
    pub const TEN_MINUTES: Self = Self(600);
    /// An hour.
    pub const HOUR: Self = Self(3_600);
    /// A day.
    pub const DAY: Self = Self(86_400);

    /// So many seconds.
    pub fn from_secs(seconds: u64) -> Result<Self, BadSpan> {
        let fits = u32::try_from(seconds).ok();
        fits.filter(|seconds| (1..=Self::MOST).contains(seconds))
            .map(Self)
            .ok_or_else(|| BadSpan(seconds.to_string()))
    }

    /// In seconds.
    pub fn as_secs(self) -> u64 {
        u64::from(self.0)
    }

    /// As a duration.
    pub fn as_duration(self) -> Duration {
        Duration::from_secs(self.as_secs())
    }
}

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        let bad = || BadSpan(text.chars().take(32).collect());
        let trimmed = text.trim();
        let unit = trimmed.chars().next_back().ok_or_else(bad)?;
        let (_, seconds) = UNITS
            .into_iter()
            .find(|(word, _)| *word == unit)
            .ok_or_else(bad)?;
        let number = trimmed.strip_suffix(unit).unwrap_or_default().trim_end();
        let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let number: u32 = number.parse().map_err(|_| bad())?;
        let all = number
            .checked_mul(seconds)
            .filter(|_| plain)
            .ok_or_else(bad)?;
        Self::from_secs(u64::from(all)).map_err(|_| bad())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = UNITS
            .into_iter()
            .find(|(_, unit)| self.0.is_multiple_of(*unit));
        let (word, unit) = whole.unwrap_or(('s', 1));
        write!(f, "{}{word}", self.0 / unit)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    /// Reads a text, or a number of seconds.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Span;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time such as \"10m\", or a number of seconds")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<Span, E> {
                Span::from_secs(seconds).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_people_write_them() {
        for (text, seconds) in [("30s", 30), ("10m", 600), ("2 h", 7_200), ("1d", 86_400)] {
            let span: Result<Span, _> = text.parse();
            assert_eq!(span.map(Span::as_secs), Ok(seconds), "{text}");
        }
        for wrong in [
            "",
            "s",
            "10",
            "ten m",
            "-1m",
            "0s",
            "367d",
            "99999999999d",
            "1.5h",
            "5ö",
        ] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_span_is_written_in_its_largest_whole_unit() {
        for text in ["1s", "90s", "10m", "36h", "7d"] {
            let span: Result<Span, _> = text.parse();
            assert_eq!(span.map(|span| span.to_string()), Ok(text.to_owned()));
        }
    }
}
