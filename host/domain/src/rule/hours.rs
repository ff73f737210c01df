//! Times of the day and days of the week, by the clock of one place.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use super::{as_text, short};
use crate::clock::Timestamp;
use crate::pacing::{ClockTime, Zone};

/// The days of a week, Monday first.
const NAMES: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Hours or days that are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHours {
    /// Not a day.
    #[error(
        "`{0}` is not a day of the week; write mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri"
    )]
    Day(String),
    /// No days.
    #[error("name at least one day of the week")]
    NoDays,
    /// Hours without a length.
    #[error("the hours end when they begin; leave them out for the whole day")]
    Empty,
}

/// Some days of the week.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Days(u8);

impl Days {
    /// All of them.
    pub const ALL: Self = Self(0b111_1111);

    /// Days, each a name, the beginning of one, or a range.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, BadHours> {
        let mut days = 0;
        for word in words.into_iter().flat_map(|words| words.split(',')) {
            let (first, last) = match word.split_once('-') {
                Some((first, last)) => (day(first)?, day(last)?),
                None => (day(word)?, day(word)?),
            };
            let mut next = first;
            loop {
                days |= 1 << next;
                if next == last {
                    break;
                }
                next = (next + 1) % 7;
            }
        }
        if days == 0 {
            return Err(BadHours::NoDays);
        }
        Ok(Self(days))
    }

    /// Whether a day is one of them; Monday is 0.
    pub fn has(self, day: u8) -> bool {
        self.0 >> (day % 7) & 1 == 1
    }

    fn is_all(&self) -> bool {
        *self == Self::ALL
    }
}

fn day(word: &str) -> Result<u8, BadHours> {
    let wanted = word.trim().to_lowercase();
    let found = NAMES
        .iter()
        .position(|name| wanted.len() >= 3 && name.starts_with(&wanted));
    let bad = || BadHours::Day(word.trim().chars().take(16).collect());
    found.and_then(|day| u8::try_from(day).ok()).ok_or_else(bad)
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for (day, name) in (0..).zip(NAMES) {
            if self.has(day) {
                let comma = if first { "" } else { "," };
                write!(f, "{comma}{}", name.get(..3).unwrap_or(name))?;
                first = false;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Days {
    type Err = BadHours;

    fn from_str(text: &str) -> Result<Self, BadHours> {
        Self::of([text])
    }
}

as_text!(Days, BadHours);

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words = short::one_or_more(deserializer)?;
        Self::of(words.iter().map(String::as_str)).map_err(serde::de::Error::custom)
    }
}

/// Hours of some days, by the clock of one place. Hours over midnight belong to the day they begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "HoursParts", into = "HoursParts")]
pub struct Hours(HoursParts);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HoursParts {
    from: ClockTime,
    to: ClockTime,
    #[serde(default)]
    zone: Zone,
    #[serde(default = "all", skip_serializing_if = "Days::is_all")]
    days: Days,
}

fn all() -> Days {
    Days::ALL
}

impl Hours {
    /// Hours of every day, by the clock of Greenwich.
    pub fn new(from: ClockTime, to: ClockTime) -> Result<Self, BadHours> {
        HoursParts {
            from,
            to,
            zone: Zone::default(),
            days: Days::ALL,
        }
        .try_into()
    }

    /// The same by the clock of another place.
    #[must_use]
    pub fn in_zone(mut self, zone: Zone) -> Self {
        self.0.zone = zone;
        self
    }

    /// The same on these days only.
    #[must_use]
    pub fn on(mut self, days: Days) -> Self {
        self.0.days = days;
        self
    }

    /// Whether `now` is within them.
    pub fn hold_at(&self, now: Timestamp) -> bool {
        let HoursParts { from, to, days, .. } = &self.0;
        let (day, time) = self.0.zone.local(now);
        if from < to {
            return time >= *from && time < *to && days.has(day);
        }
        let yesterday = (day + 6) % 7;
        (time >= *from && days.has(day)) || (time < *to && days.has(yesterday))
    }

    /// What time it is there, for people.
    pub fn clock_at(&self, now: Timestamp) -> String {
        shown(&self.0.zone, now)
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HoursParts {
            from,
            to,
            zone,
            days,
        } = &self.0;
        write!(f, "between {from} and {to} ({zone})")?;
        if days.is_all() {
            return Ok(());
        }
        write!(f, " on {days}")
    }
}

impl TryFrom<HoursParts> for Hours {
    type Error = BadHours;

    fn try_from(parts: HoursParts) -> Result<Self, BadHours> {
        if parts.from == parts.to {
            return Err(BadHours::Empty);
        }
        Ok(Self(parts))
    }
}

impl From<Hours> for HoursParts {
    fn from(hours: Hours) -> Self {
        hours.0
    }
}

/// Whole days, by the clock of one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OnDays {
    /// Which.
    pub days: Days,
    /// Whose clock.
    #[serde(default)]
    pub zone: Zone,
}

impl OnDays {
    /// Whether `now` is one of them.
    pub fn hold_at(&self, now: Timestamp) -> bool {
        let (day, _) = self.zone.local(now);
        self.days.has(day)
    }

    /// What time it is there, for people.
    pub fn clock_at(&self, now: Timestamp) -> String {
        shown(&self.zone, now)
    }
}

impl TryFrom<String> for OnDays {
    type Error = BadHours;

    fn try_from(text: String) -> Result<Self, BadHours> {
        Ok(Self {
            days: text.parse()?,
            zone: Zone::default(),
        })
    }
}

fn shown(zone: &Zone, now: Timestamp) -> String {
    let (day, time) = zone.local(now);
    let name = NAMES.get(usize::from(day)).copied().unwrap_or_default();
    format!("{} {time} ({zone})", name.get(..3).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

    fn at(text: &str) -> Result<Timestamp> {
        let instant: jiff::Timestamp = text.parse()?;
        Ok(Timestamp::from_millis(instant.as_millisecond()))
    }

    #[test]
    fn opening_hours_hold_by_the_clock_of_the_place() -> Result {
        let hours = Hours::new("09:00".parse()?, "18:00".parse()?)?
            .in_zone("Europe/Berlin".parse()?)
            .on("mon-fri".parse()?);
        // A Monday, in summer time.
        assert!(hours.hold_at(at("2026-05-04T07:00:00Z")?));
        assert!(!hours.hold_at(at("2026-05-04T06:59:59Z")?));
        assert!(!hours.hold_at(at("2026-05-04T16:00:00Z")?));
        assert!(!hours.hold_at(at("2026-05-03T10:00:00Z")?));
        Ok(())
    }

    #[test]
    fn a_night_belongs_to_the_day_it_begins() -> Result {
        let night = Hours::new("22:00".parse()?, "06:00".parse()?)?.on("fri".parse()?);
        assert!(night.hold_at(at("2026-05-08T23:00:00Z")?));
        assert!(night.hold_at(at("2026-05-09T05:00:00Z")?));
        assert!(!night.hold_at(at("2026-05-08T05:00:00Z")?));
        assert!(!night.hold_at(at("2026-05-09T23:00:00Z")?));
        Ok(())
    }

    #[test]
    fn days_are_names_beginnings_and_ranges() -> Result {
        assert_eq!(Days::of(["fri-mon"])?.to_string(), "mon,fri,sat,sun");
        assert_eq!(
            Days::of(["Mon", "wednesday, sun"])?.to_string(),
            "mon,wed,sun"
        );
        for wrong in ["", "mo", "funday", "mon-", "-", "mon-fry"] {
            assert!(wrong.parse::<Days>().is_err(), "{wrong}");
        }
        assert!(Hours::new("09:00".parse()?, "09:00".parse()?).is_err());
        Ok(())
    }
}
