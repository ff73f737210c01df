//! `[access]`: who may call.

use serde::{Deserialize, Deserializer};
use warbler_app::access::AccessSettings;
use warbler_app::limits::LimitSettings;
use warbler_domain::Secret;

use super::Span;

/// Fewest characters of a key chosen by hand.
const SHORTEST: usize = 24;

/// Who may call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// A key that always has access; none lets the first start make one.
    #[serde(deserialize_with = "secret")]
    pub admin_key: Option<Secret>,
    /// A key that may do everything and is stored nowhere.
    #[serde(deserialize_with = "master_secret")]
    pub master_key: Option<Secret>,
    login_token: Span,
    login: Span,
}

impl Access {
    /// What the core is told.
    pub fn settings(&self, limits: LimitSettings) -> AccessSettings {
        AccessSettings {
            master_key: self.master_key.clone(),
            seal: None,
            token_lifetime: self.login_token.duration(),
            login_lifetime: self.login.duration(),
            limits,
        }
    }
}

fn master_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let text = String::deserialize(deserializer)?;
    master_key(&text).map_err(|message| serde::de::Error::custom(format!("`master_key` {message}")))
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let text = String::deserialize(deserializer)?;
    admin_key(&text).map_err(|message| serde::de::Error::custom(format!("`admin_key` {message}")))
}

/// The admin key in `text`; none when it is empty. The error never repeats the text.
pub(super) fn admin_key(text: &str) -> Result<Option<Secret>, String> {
    key(text, SHORTEST)
}

/// The master key in `text`; none when it is empty. The error never repeats the text.
pub(super) fn master_key(text: &str) -> Result<Option<Secret>, String> {
    key(text, AccessSettings::SHORTEST_MASTER_KEY)
}

fn key(text: &str, shortest: usize) -> Result<Option<Secret>, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Ok(None),
        count if count < shortest => Err(format!(
            "has {count} characters; at least {shortest} are needed"
        )),
        _ if !text.chars().all(|c| c.is_ascii_graphic()) => {
            Err("may hold only visible ASCII characters, because it is sent in a header".to_owned())
        }
        _ => Ok(Some(Secret::new(text))),
    }
}
