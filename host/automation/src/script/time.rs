//! Dates and times: in time zones, calculated with, and written as one likes.
//!
//! The time is the call's, never the machine's, so that a past event can be run again as it was.

use jiff::civil;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};
use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Map, Position};

use super::api::runtime;
use super::book::Book;
use super::current;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// The fields, for the message about one that does not exist.
const FIELDS: &str = "year, month, day, hour, minute, second, weekday, date, time, zone, millis";

/// A time in a time zone.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Time(Zoned);

impl Time {
    /// The time of the call.
    pub(super) fn now(zone: &str) -> Answer<Self> {
        let now = current::with(|call| call.now).flatten();
        let now = now.ok_or_else(|| runtime("the time is known in a handler only"))?;
        Ok(Self(now.to_jiff().to_zoned(zone_of(zone)?)))
    }

    /// How many seconds it is after `other`.
    pub(super) fn seconds_since(&self, other: &Self) -> i64 {
        self.0.timestamp().as_second() - other.0.timestamp().as_second()
    }

    fn plus(&self, span: Result<Span, jiff::Error>) -> Answer<Self> {
        let later = span.and_then(|span| self.0.checked_add(span));
        let later = later.map_err(|_| runtime("there is no such time"))?;
        Ok(Self(later))
    }

    fn format(&self, format: &str) -> Answer<String> {
        strtime::format(format, &self.0)
            .map_err(|error| runtime(format!("`{format}` is no format of a time: {error}")))
    }
}

/// Makes times known.
pub(super) fn register(book: &mut Book<'_>) {
    register_type(book.engine);
    book.chapter("Dates and times")
        .add(
            "now(zone) -> time",
            "The time there, in a zone such as \"Europe/Berlin\" or \"UTC\". It has `year`, `month`, `day`, `hour`, \
             `minute`, `second`, `weekday` (\"Monday\"), `date` (\"2026-03-04\"), `time` (\"09:05\"), `zone` and \
             `millis`; times are compared with `<` and the like.",
            "now(\"Europe/Berlin\").time // \"10:00\"\nnow(\"UTC\").weekday // \"Monday\"\nnow(\"UTC\") < now(\"UTC\").add_days(1) // true",
            Time::now,
        )
        .add(
            "local_time(zone) -> map",
            "The same as a map with `year`, `month`, `day`, `hour`, `minute`, `weekday`, `date` and `time`.",
            "local_time(\"UTC\").date // \"2026-01-05\"",
            local_time,
        )
        .add(
            "time_of(millis, zone) -> time",
            "The time of a timestamp.",
            "time_of(message.timestamp, \"UTC\").time // \"09:00\"",
            |millis: i64, zone: &str| -> Answer<Time> {
                let at = jiff::Timestamp::from_millisecond(millis);
                let at = at.map_err(|_| runtime("there is no such time"))?;
                Ok(Time(at.to_zoned(zone_of(zone)?)))
            },
        )
        .add(
            "parse_time(text, zone) -> time",
            "A time that was written as \"2026-03-04 19:30\", \"2026-03-04\" or with its own zone \
             (\"2026-03-04T19:30:00Z\"); `()` when it is none.",
            "parse_time(\"2026-03-04 19:30\", \"Europe/Berlin\").hour // 19\nparse_time(\"tomorrow\", \"UTC\") // ()",
            |text: &str, zone: &str| -> Answer<Dynamic> {
                let zone = zone_of(zone)?;
                Ok(parse(text.trim(), &zone).map_or(Dynamic::UNIT, Dynamic::from))
            },
        )
        .add(
            "parse_time(text, format, zone) -> time",
            "The same written in another way: `%d` is the day, `%m` the month, `%Y` the year, `%H:%M` the time.",
            "parse_time(\"04.03.2026 19:30\", \"%d.%m.%Y %H:%M\", \"UTC\").date // \"2026-03-04\"",
            |text: &str, format: &str, zone: &str| -> Answer<Dynamic> {
                let zone = zone_of(zone)?;
                let read = strtime::parse(format, text.trim()).ok();
                let read = read.and_then(|read| {
                    let date = read.to_date().ok()?;
                    let time = read.to_time().unwrap_or(civil::Time::midnight());
                    date.to_datetime(time).to_zoned(zone).ok()
                });
                Ok(read.map_or(Dynamic::UNIT, |time| Dynamic::from(Time(time))))
            },
        )
        .add(
            "format(time, format) -> text",
            "A time as one likes to read it: `%A` is the weekday, `%B` the month's name, `%-d` the day without a zero.",
            "now(\"UTC\").format(\"%A, %-d %B %Y, %H:%M\") // \"Monday, 5 January 2026, 09:00\"",
            |time: Time, format: &str| time.format(format),
        )
        .add(
            "in_zone(time, zone) -> time",
            "The same moment elsewhere.",
            "now(\"UTC\").in_zone(\"Asia/Tokyo\").time // \"18:00\"",
            |time: Time, zone: &str| -> Answer<Time> {
                Ok(Time(time.0.with_time_zone(zone_of(zone)?)))
            },
        )
        .add(
            "add_minutes(time, number) -> time",
            "So many minutes later, or earlier with a number below zero.",
            "now(\"UTC\").add_minutes(-30).time // \"08:30\"",
            |time: Time, number: i64| time.plus(Span::new().try_minutes(number)),
        )
        .add(
            "add_hours(time, number) -> time",
            "So many hours later.",
            "now(\"UTC\").add_hours(3).time // \"12:00\"",
            |time: Time, number: i64| time.plus(Span::new().try_hours(number)),
        )
        .add(
            "add_days(time, number) -> time",
            "So many days later, at the same time of the day.",
            "now(\"UTC\").add_days(30).date // \"2026-02-04\"",
            |time: Time, number: i64| time.plus(Span::new().try_days(number)),
        )
        .add(
            "at_time(time, text) -> time",
            "The same day at another time.",
            "now(\"UTC\").at_time(\"18:30\").time // \"18:30\"",
            |time: Time, text: &str| -> Answer<Time> {
                let clock = clock(text)?;
                let at = time.0.date().to_datetime(clock);
                let at = at.to_zoned(time.0.time_zone().clone());
                at.map(Time).map_err(|_| runtime("there is no such time"))
            },
        )
        .add(
            "seconds_until(time, other) -> number",
            "How many seconds it is from one time to another.",
            "now(\"UTC\").seconds_until(now(\"UTC\").add_minutes(2)) // 120",
            |time: Time, other: Time| other.seconds_since(&time),
        )
        .add(
            "is_between(time, from, to) -> bool",
            "Whether the clock shows a time from `from` on and before `to`; over midnight, too.",
            "now(\"UTC\").is_between(\"09:00\", \"18:00\") // true\nnow(\"UTC\").is_between(\"22:00\", \"06:00\") // false",
            |time: Time, from: &str, to: &str| -> Answer<bool> {
                let (from, to, shows) = (clock(from)?, clock(to)?, time.0.time());
                Ok(if from <= to {
                    from <= shows && shows < to
                } else {
                    from <= shows || shows < to
                })
            },
        );
}

fn register_type(engine: &mut Engine) {
    engine
        .register_type_with_name::<Time>("Time")
        .register_get("year", |time: &mut Time| i64::from(time.0.year()))
        .register_get("month", |time: &mut Time| i64::from(time.0.month()))
        .register_get("day", |time: &mut Time| i64::from(time.0.day()))
        .register_get("hour", |time: &mut Time| i64::from(time.0.hour()))
        .register_get("minute", |time: &mut Time| i64::from(time.0.minute()))
        .register_get("second", |time: &mut Time| i64::from(time.0.second()))
        .register_get("weekday", |time: &mut Time| time.format("%A"))
        .register_get("date", |time: &mut Time| time.format("%Y-%m-%d"))
        .register_get("time", |time: &mut Time| time.format("%H:%M"))
        .register_get("zone", |time: &mut Time| {
            let zone = time.0.time_zone().iana_name();
            zone.unwrap_or("UTC").to_owned()
        })
        .register_get("millis", |time: &mut Time| {
            time.0.timestamp().as_millisecond()
        })
        .register_indexer_get(|_: &mut Time, field: ImmutableString| -> Answer<Dynamic> {
            let message = format!("`{field}` is not a field of a time; there are {FIELDS}");
            Err(EvalAltResult::ErrorRuntime(message.into(), Position::NONE).into())
        })
        .register_fn("to_string", |time: &mut Time| shown(time))
        .register_fn("to_debug", |time: &mut Time| shown(time))
        .register_fn("==", |one: Time, other: Time| one.0 == other.0)
        .register_fn("!=", |one: Time, other: Time| one.0 != other.0)
        .register_fn("<", |one: Time, other: Time| one.0 < other.0)
        .register_fn("<=", |one: Time, other: Time| one.0 <= other.0)
        .register_fn(">", |one: Time, other: Time| one.0 > other.0)
        .register_fn(">=", |one: Time, other: Time| one.0 >= other.0);
}

/// RFC 3339, without parts of seconds.
fn shown(time: &Time) -> String {
    let shown = strtime::format("%Y-%m-%dT%H:%M:%S%:z", &time.0);
    shown.unwrap_or_else(|_| time.0.timestamp().to_string())
}

fn zone_of(zone: &str) -> Answer<TimeZone> {
    TimeZone::get(zone).map_err(|_| {
        runtime(format!(
            "`{zone}` is not a time zone; one looks like \"Europe/Berlin\" or \"UTC\""
        ))
    })
}

fn clock(text: &str) -> Answer<civil::Time> {
    text.parse()
        .map_err(|_| runtime(format!("`{text}` is not a time such as \"09:00\"")))
}

fn parse(text: &str, zone: &TimeZone) -> Option<Time> {
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(Time(moment.to_zoned(zone.clone())));
    }
    let civil = text.parse::<civil::DateTime>().ok()?;
    civil.to_zoned(zone.clone()).ok().map(Time)
}

fn local_time(zone: &str) -> Answer<Map> {
    let time = Time::now(zone)?;
    let local = &time.0;
    Ok([
        ("year", Dynamic::from(i64::from(local.year()))),
        ("month", i64::from(local.month()).into()),
        ("day", i64::from(local.day()).into()),
        ("hour", i64::from(local.hour()).into()),
        ("minute", i64::from(local.minute()).into()),
        ("weekday", time.format("%A")?.into()),
        ("date", time.format("%Y-%m-%d")?.into()),
        ("time", time.format("%H:%M")?.into()),
    ]
    .into_iter()
    .map(|(key, value)| (key.into(), value))
    .collect())
}
