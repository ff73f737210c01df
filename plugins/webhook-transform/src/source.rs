//! Where a field comes from: `message.sender | phone`.

use serde::Deserialize;
use serde_json::Value;

use crate::path;

/// Conversions, in words for whoever misspelt one.
const KNOWN: &str = "default, phone, digits, text, lower, upper, seconds";

/// One source, or several of which the first that is there counts.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Source {
    One(String),
    FirstOf(Vec<String>),
}

impl Source {
    /// Its value in what is known of a delivery; nothing when there is none.
    pub(crate) fn value(&self, known: &Value) -> Result<Option<Value>, String> {
        let sources = match self {
            Self::One(source) => std::slice::from_ref(source),
            Self::FirstOf(sources) => sources.as_slice(),
        };
        for source in sources {
            if let Some(value) = one(source, known)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

fn one(source: &str, known: &Value) -> Result<Option<Value>, String> {
    let mut steps = source.split('|').map(str::trim);
    let place = steps.next().unwrap_or_default();
    let mut value = path::get(known, place).cloned();
    for step in steps {
        let (word, argument) = match step.split_once(':') {
            Some((word, argument)) => (word.trim(), argument.trim()),
            None => (step, ""),
        };
        value = match (word, value) {
            ("default", None) => Some(argument.into()),
            ("default", value) => value,
            ("phone" | "digits" | "text" | "lower" | "upper" | "seconds", None) => None,
            (word, Some(value)) => converted(word, value)?,
            (word, None) => return Err(unknown(word)),
        };
    }
    Ok(value)
}

fn converted(word: &str, value: Value) -> Result<Option<Value>, String> {
    Ok(match word {
        "phone" => digits(&value).map(|digits| format!("+{digits}").into()),
        "digits" => digits(&value).map(Value::from),
        "text" => Some(text(&value).into()),
        "lower" => Some(text(&value).to_lowercase().into()),
        "upper" => Some(text(&value).to_uppercase().into()),
        "seconds" => value.as_i64().map(|millis| (millis / 1000).into()),
        _ => return Err(unknown(word)),
    })
}

fn unknown(word: &str) -> String {
    format!("there is no conversion `{word}`; there are {KNOWN}")
}

/// The phone number of an address; nothing for groups and hidden numbers.
fn digits(value: &Value) -> Option<String> {
    let address = value.as_str()?;
    let (user, server) = address.split_once('@').unwrap_or((address, ""));
    let number = user.split(':').next()?.trim_start_matches('+');
    let good = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (good && matches!(server, "" | "s.whatsapp.net" | "c.us")).then(|| number.to_owned())
}

/// What a person would write for it.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(source: &str) -> Result<Option<Value>, String> {
        let known = json!({"from": "15550100:3@s.whatsapp.net", "group": "1203@g.us", "at": 1_767_603_600_000_i64, "n": 7});
        Source::One(source.to_owned()).value(&known)
    }

    #[test]
    fn a_source_is_a_place_and_what_is_done_to_it() {
        for (source, expected) in [
            ("from | phone", Some(json!("+15550100"))),
            ("from | digits", Some(json!("15550100"))),
            ("group | phone", None),
            ("group | phone | default: unknown", Some(json!("unknown"))),
            ("at | seconds", Some(json!(1_767_603_600))),
            ("n | text", Some(json!("7"))),
            ("nothing", None),
            ("group | upper", Some(json!("1203@G.US"))),
        ] {
            assert_eq!(value(source), Ok(expected), "{source}");
        }
        assert!(value("from | fone").is_err());
        assert!(value("nothing | fone").is_err());
    }
}
