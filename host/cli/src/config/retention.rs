//! `[retention]`: for how long things are kept.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use warbler_app::retention::RetentionSettings;

use super::Span;

/// What stands for no end.
const FOREVER: &str = "forever";

/// For how long things are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    #[serde(deserialize_with = "kept")]
    events: Option<Duration>,
    #[serde(deserialize_with = "kept")]
    traces: Option<Duration>,
    #[serde(deserialize_with = "kept")]
    messages: Option<Duration>,
    #[serde(deserialize_with = "kept")]
    dead_letters: Option<Duration>,
    #[serde(deserialize_with = "kept")]
    audit: Option<Duration>,
    every: Span,
}

impl Retention {
    /// What the core is told.
    pub fn settings(&self) -> RetentionSettings {
        RetentionSettings {
            events: self.events,
            traces: self.traces,
            messages: self.messages,
            dead_letters: self.dead_letters,
            audit: self.audit,
            every: self.every.duration(),
            ..RetentionSettings::default()
        }
    }
}

/// A time to keep things, or nothing for `forever`.
fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim() == FOREVER {
        return Ok(None);
    }
    let span: Span = text.parse().map_err(|err| {
        serde::de::Error::custom(format!("{err}, or `{FOREVER}` to keep everything"))
    })?;
    Ok(Some(span.duration()))
}
