//! Cron expressions: minute, hour, day of month, month, day of week.
//!
//! Times are looked for on the calendar and then put on the clock of a zone: a time that a change
//! of the clocks skips runs at the first instant after it, one that comes twice runs once.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

use super::first_valid;
use crate::clock::Timestamp;
use crate::pacing::Zone;

/// Longest expression, in bytes.
const MAX_LEN: usize = 200;
/// How many days ahead a run is looked for: a leap day on a given weekday can be 40 years off.
const HORIZON_DAYS: usize = 41 * 366;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When something happens again and again: `0 9 * * mon-fri`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether a day matches by either of its two fields, since both are limited.
    either: bool,
}

/// Why a text is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCron {
    /// Not five fields.
    #[error(
        "a cron expression has five fields: minute, hour, day of month, month, day of week, such as `0 9 * * mon-fri`"
    )]
    Fields,
    /// A field that cannot be read.
    #[error(
        "`{part}` is no {field}: write a number from {low} to {high}, a range, a list, or a step such as */5"
    )]
    Part {
        /// What was written.
        part: String,
        /// Which field.
        field: &'static str,
        /// The least.
        low: u8,
        /// The most.
        high: u8,
    },
    /// A day that no year has.
    #[error("this never happens: no month it names has such a day")]
    Never,
}

impl Cron {
    /// The first time behind `after`, by the clock of `zone`; nothing when there is none in 40
    /// years.
    pub fn next(&self, zone: &Zone, after: Timestamp) -> Option<Timestamp> {
        let local = after.to_jiff().to_zoned(zone.to_jiff()).datetime();
        // A skipped hour runs later than it is written, so the look begins a day before.
        let mut date = local.date().checked_sub(1.day()).ok()?;
        for _ in 0..HORIZON_DAYS {
            if self.is_on(date) {
                let found = self.times(date).find_map(|time| {
                    let at = first_valid(zone, time)?;
                    (at > after).then_some(at)
                });
                if found.is_some() {
                    return found;
                }
            }
            date = date.checked_add(1.day()).ok()?;
        }
        None
    }

    fn is_on(&self, date: Date) -> bool {
        let month = has(self.months, date.month());
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        month
            && if self.either {
                day || weekday
            } else {
                day && weekday
            }
    }

    fn times(&self, date: Date) -> impl Iterator<Item = DateTime> {
        let (hours, minutes) = (self.hours, self.minutes);
        (0..24)
            .filter(move |hour| has(hours, *hour))
            .flat_map(move |hour| {
                (0..60)
                    .filter(move |minute| has(minutes, *minute))
                    .map(move |minute| date.at(hour, minute, 0, 0))
            })
    }
}

fn has(set: u64, number: i8) -> bool {
    u32::try_from(number).is_ok_and(|number| set & 1u64.checked_shl(number).unwrap_or(0) != 0)
}

struct Field {
    name: &'static str,
    low: u8,
    high: u8,
    words: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        low: 0,
        high: 59,
        words: &[],
    },
    Field {
        name: "hour",
        low: 0,
        high: 23,
        words: &[],
    },
    Field {
        name: "day of month",
        low: 1,
        high: 31,
        words: &[],
    },
    Field {
        name: "month",
        low: 1,
        high: 12,
        words: &MONTHS,
    },
    Field {
        name: "day of week",
        low: 0,
        high: 7,
        words: &DAYS,
    },
];

impl Field {
    fn bad(&self, part: &str) -> BadCron {
        BadCron::Part {
            part: part.chars().take(32).collect(),
            field: self.name,
            low: self.low,
            high: self.high,
        }
    }

    fn set(&self, text: &str) -> Result<u64, BadCron> {
        let mut parts = text.split(',').map(|part| self.part(part));
        parts.try_fold(0, |all, part| Ok(all | part?))
    }

    fn part(&self, part: &str) -> Result<u64, BadCron> {
        let bad = || self.bad(part);
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step: u8 = step.parse().map_err(|_| bad())?;
                (range, Some(step))
            }
            None => (part, None),
        };
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (self.number(from)?, self.number(to)?),
            None if range == "*" => (self.low, self.high),
            // A step from one number goes on to the end.
            None if step.is_some() => (self.number(range)?, self.high),
            None => (self.number(range)?, self.number(range)?),
        };
        let step = step.unwrap_or(1);
        if from > to || step == 0 {
            return Err(bad());
        }
        let numbers = (from..=to).step_by(step.into());
        Ok(numbers.fold(0, |set, number| set | 1u64 << number))
    }

    fn number(&self, text: &str) -> Result<u8, BadCron> {
        let word = self.words.iter().position(|word| {
            text.get(..3)
                .is_some_and(|start| start.eq_ignore_ascii_case(word))
                && text.len() == 3
        });
        let number = match word {
            Some(place) => u8::try_from(place).ok().map(|place| {
                // Days count from 0, months from 1.
                if self.low == 1 { place + 1 } else { place }
            }),
            None => text
                .bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| text.parse().ok())
                .flatten(),
        };
        number
            .filter(|number| (self.low..=self.high).contains(number))
            .ok_or_else(|| self.bad(text))
    }
}

impl FromStr for Cron {
    type Err = BadCron;

    fn from_str(text: &str) -> Result<Self, BadCron> {
        if text.len() > MAX_LEN {
            return Err(BadCron::Fields);
        }
        let written = match text.trim() {
            "@hourly" => "0 * * * *",
            "@daily" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" => "0 0 1 1 *",
            other => other,
        };
        let fields: Vec<&str> = written.split_ascii_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields[..] else {
            return Err(BadCron::Fields);
        };
        let [minutes, hours, days, months, weekdays] = FIELDS;
        let mut weekdays = weekdays.set(weekday)?;
        // 7 is Sunday, too.
        if weekdays & (1 << 7) != 0 {
            weekdays |= 1;
        }
        let cron = Self {
            text: fields.join(" "),
            minutes: minutes.set(minute)?,
            hours: hours.set(hour)?,
            days: days.set(day)?,
            months: months.set(month)?,
            weekdays,
            either: !day.starts_with('*') && !weekday.starts_with('*'),
        };
        // The last day of each month that has fewer than 31.
        let longest = (1..=12)
            .filter(|month| has(cron.months, *month))
            .map(|month| match month {
                2 => 29,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            });
        let first = i8::try_from(cron.days.trailing_zeros()).unwrap_or(i8::MAX);
        if !cron.either && longest.max().is_none_or(|longest| first > longest) {
            return Err(BadCron::Never);
        }
        Ok(cron)
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Cron {
    type Error = BadCron;

    fn try_from(text: String) -> Result<Self, BadCron> {
        text.parse()
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Any = Result<(), Box<dyn std::error::Error>>;

    fn runs(
        cron: &str,
        zone: &str,
        after: &str,
        most: usize,
    ) -> Result<Vec<String>, Box<dyn std::error::Error>> {
        let (cron, zone): (Cron, Zone) = (cron.parse()?, zone.parse()?);
        let after: jiff::Timestamp = after.parse()?;
        let mut at = Timestamp::from_millis(after.as_millisecond());
        let mut all = Vec::new();
        while all.len() < most {
            let Some(next) = cron.next(&zone, at) else {
                break;
            };
            all.push(next.to_jiff().to_string());
            at = next;
        }
        Ok(all)
    }

    #[test]
    fn weekdays_lists_ranges_and_steps_are_read() -> Any {
        // The fourth of May 2026 is a Monday.
        assert_eq!(
            runs("0 9 * * mon-fri", "UTC", "2026-05-08T09:00:00Z", 2)?,
            ["2026-05-11T09:00:00Z", "2026-05-12T09:00:00Z"]
        );
        assert_eq!(
            runs("*/20 8-9 1,15 * *", "UTC", "2026-05-01T08:30:00Z", 3)?,
            [
                "2026-05-01T08:40:00Z",
                "2026-05-01T09:00:00Z",
                "2026-05-01T09:20:00Z"
            ]
        );
        assert_eq!(
            runs("0 0 13 * fri", "UTC", "2026-05-01T00:00:00Z", 3)?,
            [
                "2026-05-08T00:00:00Z",
                "2026-05-13T00:00:00Z",
                "2026-05-15T00:00:00Z"
            ]
        );
        assert_eq!(
            runs("0 12 29 2 *", "UTC", "2026-01-01T00:00:00Z", 1)?,
            ["2028-02-29T12:00:00Z"]
        );
        Ok(())
    }

    #[test]
    fn a_change_of_the_clocks_skips_and_doubles_nothing() -> Any {
        assert_eq!(
            runs("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2)?,
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            runs("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2)?,
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        Ok(())
    }

    #[test]
    fn what_cannot_be_is_refused_in_words() {
        for wrong in [
            "",
            "* * * *",
            "60 * * * *",
            "* * 0 * *",
            "5-1 * * * *",
            "*/0 * * * *",
            "* * * foo *",
            "+1 * * * *",
        ] {
            assert!(wrong.parse::<Cron>().is_err(), "{wrong}");
        }
        assert_eq!("0 0 31 feb *".parse::<Cron>(), Err(BadCron::Never));
        assert!("0 0 * * 7".parse::<Cron>().is_ok());
    }
}
