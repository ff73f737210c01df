//! Writes the messages of campaigns: values, conditions, plurals, formats and choices of words.
//!
//! A template is read and written anew for each recipient. Whatever is wrong with it or with what is
//! known of the recipient is an error, and that recipient gets nothing rather than half a message.

mod filters;
mod language;
mod number;
mod render;
mod syntax;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::filters::Manner;
use crate::language::Language;
use crate::render::Known;

// Code made from the contract.
#[allow(clippy::all, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "template-plugin" });
}

use bindings::exports::warbler::plugin::template_renderer::{Guest, Rendering};
use bindings::warbler::plugin::config;

/// The `[config]` table of `plugin.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config<'a> {
    /// The language of recipients whose `language` is not known.
    #[serde(default = "english", borrow)]
    language: Cow<'a, str>,
    /// The currency of amounts that name none.
    #[serde(default = "euro", borrow)]
    currency: Cow<'a, str>,
    /// Minutes that the clock of `today` is ahead of UTC.
    #[serde(default)]
    utc_offset_minutes: i32,
    /// Values for recipients that have none of their own.
    #[serde(default)]
    fields: BTreeMap<String, String>,
}

fn english<'a>() -> Cow<'a, str> {
    Cow::Borrowed("en")
}

fn euro<'a>() -> Cow<'a, str> {
    Cow::Borrowed("EUR")
}

struct CampaignTemplate;

impl Guest for CampaignTemplate {
    fn render(what: Rendering) -> Result<String, String> {
        let config = config::get();
        let config: Config<'_> = serde_json::from_str(&config)
            .map_err(|error| format!("[config] in plugin.toml cannot be used: {error}"))?;
        let parts = syntax::parse(&what.template)?;
        let name = what.name.as_deref().unwrap_or_default();
        let number = number_of(&what.to);
        let today = today(what.timestamp, config.utc_offset_minutes);
        let own = what
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let everybody = config
            .fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let mut values: Vec<(&str, &str)> = own.collect();
        values.extend([
            ("name", name),
            (
                "first_name",
                name.split_whitespace().next().unwrap_or_default(),
            ),
            ("number", number),
            ("session", what.session_name.as_str()),
            ("today", today.as_str()),
        ]);
        values.extend(everybody);
        let spoken = values
            .iter()
            .find(|(name, value)| *name == "language" && !value.is_empty())
            .map_or(config.language.as_ref(), |(_, language)| *language);
        let known = Known {
            manner: Manner {
                language: Language::of(spoken)?,
                currency: &config.currency,
            },
            seed: render::seed([&what.to, &what.template]),
            values,
        };
        render::render(&parts, &known)
    }
}

/// The digits of a phone number's address; nothing for others.
fn number_of(jid: &str) -> &str {
    let number = jid.strip_suffix("@s.whatsapp.net");
    number
        .and_then(|number| number.split(':').next())
        .unwrap_or_default()
}

/// The day of a time in milliseconds since 1970, as `2026-01-05`.
fn today(timestamp: i64, offset_minutes: i32) -> String {
    let shifted = timestamp.saturating_add(i64::from(offset_minutes) * 60_000);
    // Days in eras of 400 years that begin on the first of March of the year 0.
    let days = shifted.div_euclid(86_400_000).saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

bindings::export!(CampaignTemplate with_types_in bindings);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn today_is_the_day_where_the_sender_is() {
        const DAY: i64 = 86_400_000;
        assert_eq!(today(0, 0), "1970-01-01");
        assert_eq!(today(-1, 0), "1969-12-31");
        assert_eq!(today(1_767_603_600_000, 0), "2026-01-05");
        assert_eq!(today(1_767_603_600_000, 15 * 60), "2026-01-06");
        assert_eq!(today(11_016 * DAY, 0), "2000-02-29");
        assert_eq!(today(11_017 * DAY, 0), "2000-03-01");
    }

    #[test]
    fn the_number_is_that_of_the_address() {
        assert_eq!(number_of("15550100@s.whatsapp.net"), "15550100");
        assert_eq!(number_of("123@lid"), "");
    }
}
