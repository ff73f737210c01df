//! `local_time(zone)`: the time of the call in a time zone.
//!
//! The time is the call's, never the machine's, so that a past event can be run again as it was.

use rhai::{Engine, EvalAltResult, Map, Position};
use warbler_domain::Timestamp;

use super::current;

type Answer<T> = Result<T, Box<EvalAltResult>>;

/// Makes `local_time` known.
pub(super) fn register(engine: &mut Engine) {
    engine.register_fn("local_time", |zone: &str| -> Answer<Map> {
        local_time(zone)
    });
}

fn local_time(zone: &str) -> Answer<Map> {
    let fail = |message: String| -> Box<EvalAltResult> {
        EvalAltResult::ErrorRuntime(message.into(), Position::NONE).into()
    };
    let now = current::with(|call| call.now).flatten();
    let now: Timestamp =
        now.ok_or_else(|| fail("local_time can be called in a handler only".to_owned()))?;
    let zone = jiff::tz::TimeZone::get(zone).map_err(|_| {
        fail(format!(
            "`{zone}` is not a time zone; one looks like \"Europe/Berlin\" or \"UTC\""
        ))
    })?;
    let local = now.to_jiff().to_zoned(zone);
    let mut map = Map::new();
    let mut put = |key: &str, value: rhai::Dynamic| map.insert(key.into(), value);
    put("year", i64::from(local.year()).into());
    put("month", i64::from(local.month()).into());
    put("day", i64::from(local.day()).into());
    put("hour", i64::from(local.hour()).into());
    put("minute", i64::from(local.minute()).into());
    put("weekday", local.strftime("%A").to_string().into());
    put("date", local.strftime("%Y-%m-%d").to_string().into());
    put("time", local.strftime("%H:%M").to_string().into());
    Ok(map)
}
