//! Hours in which nothing goes out.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// Hours in which nothing goes out, every day, by the clock of one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QuietHours {
    /// When they begin.
    pub from: ClockTime,
    /// When they end; earlier than `from` means on the next day.
    pub to: ClockTime,
    /// Whose clock.
    pub zone: Zone,
    /// Whoever wrote within so many minutes is answered all the same; 0 makes no exception.
    #[serde(default)]
    pub answer_within_minutes: u32,
}

impl QuietHours {
    /// When the quiet hours that hold at `now` end; `None` when none hold.
    pub fn end_at(&self, now: Timestamp) -> Option<Timestamp> {
        let local = now.to_jiff().to_zoned(self.zone.0.clone());
        let time = ClockTime::of(local.time());
        let over_midnight = self.to <= self.from;
        let holds = if over_midnight {
            time >= self.from || time < self.to
        } else {
            time >= self.from && time < self.to
        };
        if !holds {
            return None;
        }
        let date = if time < self.to {
            local.date()
        } else {
            local.date().saturating_add(1.day())
        };
        let (hour, minute) = (self.to.hour(), self.to.minute());
        // A time that a change of the clocks skips is the first one after it.
        let end = date.at(hour, minute, 0, 0).to_zoned(self.zone.0.clone());
        let end = end.ok()?.timestamp().as_millisecond();
        Some(Timestamp::from_millis(end))
    }
}

/// A time of day, to the minute: `08:30`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClockTime(u16);

/// A text that is no time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time of day; write it like 08:30 or 22:00")]
pub struct BadClockTime(String);

impl ClockTime {
    fn of(time: jiff::civil::Time) -> Self {
        let (hour, minute) = (time.hour().unsigned_abs(), time.minute().unsigned_abs());
        Self(u16::from(hour) * 60 + u16::from(minute))
    }

    fn hour(self) -> i8 {
        // Below 24 and 60 by construction.
        i8::try_from(self.0 / 60).unwrap_or(0)
    }

    fn minute(self) -> i8 {
        i8::try_from(self.0 % 60).unwrap_or(0)
    }
}

impl FromStr for ClockTime {
    type Err = BadClockTime;

    fn from_str(text: &str) -> Result<Self, BadClockTime> {
        let bad = || BadClockTime(text.chars().take(16).collect());
        let (hour, minute) = text.split_once(':').ok_or_else(bad)?;
        let number = |part: &str, below: u16| {
            let digits = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            let number: u16 = part.parse().ok()?;
            (digits && number < below).then_some(number)
        };
        match (number(hour, 24), number(minute, 60)) {
            (Some(hour), Some(minute)) => Ok(Self(hour * 60 + minute)),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl fmt::Debug for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for ClockTime {
    type Error = BadClockTime;

    fn try_from(text: String) -> Result<Self, BadClockTime> {
        text.parse()
    }
}

impl From<ClockTime> for String {
    fn from(time: ClockTime) -> Self {
        time.to_string()
    }
}

/// A time zone by its IANA name, such as `Europe/Berlin`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone as `jiff` knows it.
    pub fn to_jiff(&self) -> TimeZone {
        self.0.clone()
    }
}

/// A text that names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone; write one like Europe/Berlin or UTC")]
pub struct BadTimeZone(String);

impl Zone {
    /// The day of the week, Monday being 0, and the time of day that this clock shows at `now`.
    pub fn local(&self, now: Timestamp) -> (u8, ClockTime) {
        let local = now.to_jiff().to_zoned(self.0.clone());
        let day = local.weekday().to_monday_zero_offset();
        (day.unsigned_abs(), ClockTime::of(local.time()))
    }
}

impl Default for Zone {
    /// UTC.
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl FromStr for Zone {
    type Err = BadTimeZone;

    fn from_str(name: &str) -> Result<Self, BadTimeZone> {
        let bad = || BadTimeZone(name.chars().take(64).collect());
        let zone = TimeZone::get(name).map_err(|_| bad())?;
        // Only zones with a name can be stored again.
        zone.iana_name()
            .is_some()
            .then_some(Self(zone))
            .ok_or_else(bad)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Zone {
    type Error = BadTimeZone;

    fn try_from(name: String) -> Result<Self, BadTimeZone> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Result<Timestamp, jiff::Error> {
        let instant: jiff::Timestamp = text.parse()?;
        Ok(Timestamp::from_millis(instant.as_millisecond()))
    }

    fn quiet(from: &str, to: &str, zone: &str) -> Result<QuietHours, Box<dyn std::error::Error>> {
        Ok(QuietHours {
            from: from.parse()?,
            to: to.parse()?,
            zone: zone.parse()?,
            answer_within_minutes: 0,
        })
    }

    #[test]
    fn a_night_ends_in_the_morning_by_the_clock_of_the_place()
    -> Result<(), Box<dyn std::error::Error>> {
        let night = quiet("22:00", "08:00", "Europe/Berlin")?;
        let morning = at("2026-05-05T06:00:00Z")?;
        assert_eq!(night.end_at(at("2026-05-04T20:00:00Z")?), Some(morning));
        assert_eq!(night.end_at(at("2026-05-05T05:59:59Z")?), Some(morning));
        assert_eq!(night.end_at(at("2026-05-05T06:00:00Z")?), None);
        assert_eq!(night.end_at(at("2026-05-04T19:59:59Z")?), None);
        Ok(())
    }

    #[test]
    fn a_morning_that_the_clocks_skip_ends_at_the_first_minute_there_is()
    -> Result<(), Box<dyn std::error::Error>> {
        let night = quiet("00:00", "02:30", "Europe/Berlin")?;
        let end = night.end_at(at("2026-03-29T00:10:00Z")?);
        assert_eq!(end, Some(at("2026-03-29T01:30:00Z")?));
        Ok(())
    }

    #[test]
    fn only_times_and_places_that_exist_are_read() {
        for wrong in ["24:00", "8:00", "08:60", "0800", "", "08:00:00", "+8:00"] {
            assert!(wrong.parse::<ClockTime>().is_err(), "{wrong}");
        }
        assert!("Europe/Atlantis".parse::<Zone>().is_err());
        assert_eq!(
            "08:05".parse::<ClockTime>().map(|t| t.to_string()),
            Ok("08:05".to_owned())
        );
    }
}
