//! `[access]`: who may call.

use serde::{Deserialize, Deserializer};
use warbler_domain::Secret;

/// Fewest characters of a key chosen by hand.
const SHORTEST: usize = 24;

/// Who may call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// A key that always has access; none lets the first start make one.
    #[serde(deserialize_with = "secret")]
    pub admin_key: Option<Secret>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let text = String::deserialize(deserializer)?;
    admin_key(&text).map_err(|message| serde::de::Error::custom(format!("`admin_key` {message}")))
}

/// The key in `text`; none when it is empty. The error never repeats the text.
pub(super) fn admin_key(text: &str) -> Result<Option<Secret>, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Ok(None),
        count if count < SHORTEST => Err(format!(
            "has {count} characters; at least {SHORTEST} are needed"
        )),
        _ if !text.chars().all(|c| c.is_ascii_graphic()) => {
            Err("may hold only visible ASCII characters, because it is sent in a header".to_owned())
        }
        _ => Ok(Some(Secret::new(text))),
    }
}
