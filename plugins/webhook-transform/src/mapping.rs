//! `[config]` of `plugin.toml`: which deliveries become what.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::path;
use crate::source::{Source, text};

/// The `[config]` table of `plugin.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What happens to deliveries that no map is for.
    #[serde(default)]
    others: Others,
    /// The first that is for a delivery shapes it.
    #[serde(default)]
    maps: Vec<Mapping>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Others {
    /// They go out as they are.
    #[default]
    Keep,
    /// They do not go out.
    Drop,
}

/// How some deliveries are shaped.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapping {
    /// Kinds of events; `message.*` stands for all that begin so, and an empty list for all.
    #[serde(default)]
    events: Vec<String>,
    /// How the URLs begin; an empty list stands for all.
    #[serde(default)]
    urls: Vec<String>,
    /// Whether these are not delivered at all.
    #[serde(default)]
    withhold: bool,
    /// Whether what is not named stays.
    #[serde(default)]
    keep_payload: bool,
    #[serde(default)]
    format: Format,
    /// How it is sent, such as `PUT`; as it was, if nothing is said.
    pub(crate) method: Option<String>,
    /// The path and query it goes to; `{source}` is the value of that source.
    path: Option<String>,
    /// Places of the payload that are taken away.
    #[serde(default)]
    drop: Vec<String>,
    /// Places of the payload and where they go.
    #[serde(default)]
    rename: BTreeMap<String, String>,
    /// Places of what is sent and where their values come from.
    #[serde(default)]
    fields: BTreeMap<String, Source>,
    /// Places of what is sent and their values.
    #[serde(default)]
    constants: BTreeMap<String, Value>,
    /// Headers; `${name}` in a value is the secret of that name.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
}

/// How what is sent is written.
#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    #[default]
    Json,
    Form,
}

/// What is sent, and where.
pub(crate) struct Shaped {
    /// To the endpoint's own path, if there is none.
    pub(crate) path: Option<String>,
    pub(crate) content_type: &'static str,
    pub(crate) payload: Vec<u8>,
}

/// What a delivery is about, beside its payload.
pub(crate) struct About<'d> {
    pub(crate) id: &'d str,
    pub(crate) kind: &'d str,
    pub(crate) session: &'d str,
    pub(crate) url: &'d str,
    pub(crate) timestamp: i64,
}

/// What becomes of a delivery.
pub(crate) enum Becomes<'c> {
    /// It goes out as it is.
    Itself,
    /// It does not go out.
    Nothing,
    /// It is shaped by this.
    Shaped(&'c Mapping),
}

impl Config {
    /// Reads the config; the error says what is wrong with it.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json)
            .map_err(|error| format!("[config] in plugin.toml cannot be used: {error}"))
    }

    /// What becomes of a delivery.
    pub(crate) fn becomes(&self, about: &About<'_>) -> Becomes<'_> {
        match self.maps.iter().find(|map| map.is_for(about)) {
            Some(map) if map.withhold => Becomes::Nothing,
            Some(map) => Becomes::Shaped(map),
            None if self.others == Others::Drop => Becomes::Nothing,
            None => Becomes::Itself,
        }
    }
}

impl Mapping {
    fn is_for(&self, about: &About<'_>) -> bool {
        let kind = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => about.kind.starts_with(start),
            None => about.kind == pattern,
        };
        let begins = |start: &String| about.url.starts_with(start.as_str());
        (self.events.is_empty() || self.events.iter().any(kind))
            && (self.urls.is_empty() || self.urls.iter().any(begins))
    }

    /// What is sent instead of `payload`.
    pub(crate) fn shape(&self, about: &About<'_>, payload: &[u8]) -> Result<Shaped, String> {
        let payload: Value = serde_json::from_slice(payload)
            .map_err(|error| format!("the payload is no JSON: {error}"))?;
        let mut shaped = if self.keep_payload {
            payload.clone()
        } else {
            Value::Object(Map::new())
        };
        for place in &self.drop {
            path::take(&mut shaped, place);
        }
        for (from, to) in &self.rename {
            let moved = if self.keep_payload {
                path::take(&mut shaped, from)
            } else {
                path::get(&payload, from).cloned()
            };
            if let Some(moved) = moved {
                path::put(&mut shaped, to, moved);
            }
        }
        let known = with_facts(payload, about);
        for (to, source) in &self.fields {
            let value = source
                .value(&known)
                .map_err(|error| format!("fields.\"{to}\": {error}"))?;
            if let Some(value) = value {
                path::put(&mut shaped, to, value);
            }
        }
        for (to, value) in &self.constants {
            path::put(&mut shaped, to, value.clone());
        }
        let path = self.path.as_deref();
        let path = path.map(|pattern| filled(pattern, &known)).transpose()?;
        let (content_type, payload) = match self.format {
            Format::Json => ("application/json", shaped.to_string().into_bytes()),
            Format::Form => (
                "application/x-www-form-urlencoded",
                form(&shaped).into_bytes(),
            ),
        };
        Ok(Shaped {
            path,
            content_type,
            payload,
        })
    }
}

/// A path with the values of its sources in it.
fn filled(pattern: &str, known: &Value) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some((before, behind)) = rest.split_once('{') {
        let (source, behind) = behind
            .split_once('}')
            .ok_or_else(|| "path: there is { without } behind it".to_owned())?;
        let value = Source::One(source.to_owned())
            .value(known)
            .map_err(|error| format!("path: {error}"))?
            .ok_or_else(|| format!("path: {{{source}}} is not in this delivery"))?;
        out.push_str(before);
        escape(&text(&value), "%20", &mut out);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

/// The payload with `$kind`, `$session`, `$id`, `$url` and `$timestamp` beside what it has.
fn with_facts(mut payload: Value, about: &About<'_>) -> Value {
    if !payload.is_object() {
        payload = Value::Object(Map::from_iter([("$payload".to_owned(), payload)]));
    }
    if let Value::Object(members) = &mut payload {
        members.extend([
            ("$kind".to_owned(), about.kind.into()),
            ("$session".to_owned(), about.session.into()),
            ("$id".to_owned(), about.id.into()),
            ("$url".to_owned(), about.url.into()),
            ("$timestamp".to_owned(), about.timestamp.into()),
        ]);
    }
    payload
}

/// The value as a form: its members by their places.
fn form(value: &Value) -> String {
    let mut out = String::new();
    write_form(value, "", &mut out);
    out
}

fn write_form(value: &Value, place: &str, out: &mut String) {
    let inner = |step: &str| match place {
        "" => step.to_owned(),
        place => format!("{place}.{step}"),
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                write_form(value, &inner(name), out);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                write_form(value, &inner(&index.to_string()), out);
            }
        }
        Value::Null => {}
        value => {
            if !out.is_empty() {
                out.push('&');
            }
            escape(place, "+", out);
            out.push('=');
            escape(&text(value), "+", out);
        }
    }
}

fn escape(text: &str, space: &str, out: &mut String) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => {
                out.push(byte.into())
            }
            b' ' => out.push_str(space),
            _ => {
                out.push('%');
                out.push(DIGITS[usize::from(byte >> 4)]);
                out.push(DIGITS[usize::from(byte & 15)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ABOUT: About<'_> = About {
        id: "d-1",
        kind: "message.received",
        session: "shop",
        url: "https://crm.example.com/hook",
        timestamp: 1_767_603_600_000,
    };

    fn shaped(config: Value, payload: &Value) -> Result<(String, Value), String> {
        let config = Config::parse(&config.to_string())?;
        let Becomes::Shaped(map) = config.becomes(&ABOUT) else {
            return Err("not shaped".to_owned());
        };
        let made = map.shape(&ABOUT, payload.to_string().as_bytes())?;
        let text = String::from_utf8(made.payload).map_err(|error| error.to_string())?;
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok((made.content_type.to_owned(), value))
    }

    #[test]
    fn a_path_has_the_values_of_its_sources() {
        let path = |pattern: &str| {
            let known = with_facts(message(), &ABOUT);
            filled(pattern, &known)
        };
        assert_eq!(
            path("/c/{message.sender | digits}?note={message.text}&on={$session}"),
            Ok("/c/15550100?note=hi%20%26%20bye&on=shop".to_owned())
        );
        assert!(path("/c/{message.nothing}").is_err());
        assert!(path("/c/{message.sender").is_err());
    }

    fn message() -> Value {
        json!({"message": {"sender": "15550100@s.whatsapp.net", "senderName": "Ana", "text": "hi & bye", "raw": {"x": 1}}})
    }

    #[test]
    fn fields_build_a_new_shape() {
        let config = json!({"maps": [{
            "fields": {
                "contact.phone": "message.sender | phone",
                "contact.name": ["message.savedName", "message.senderName"],
                "note": "message.text",
                "missing": "message.nothing",
                "event": "$kind",
            },
            "constants": {"source": "whatsapp", "contact.tags": ["inbound"]},
        }]});
        assert_eq!(
            shaped(config, &message()).map(|(_, value)| value),
            Ok(json!({
                "contact": {"phone": "+15550100", "name": "Ana", "tags": ["inbound"]},
                "note": "hi & bye", "event": "message.received", "source": "whatsapp",
            }))
        );
    }

    #[test]
    fn a_kept_payload_can_lose_and_rename_parts() {
        let config = json!({"maps": [{
            "keep_payload": true, "drop": ["message.raw", "nowhere"],
            "rename": {"message.text": "body", "message.senderName": "message.from"},
        }]});
        assert_eq!(
            shaped(config, &message()).map(|(_, value)| value),
            Ok(
                json!({"message": {"sender": "15550100@s.whatsapp.net", "from": "Ana"}, "body": "hi & bye"})
            )
        );
    }

    #[test]
    fn a_form_has_places_as_names() {
        let config = json!({"maps": [{
            "format": "form", "fields": {"a.b": "message.text"}, "constants": {"list": ["ä", 2]},
        }]});
        assert_eq!(
            shaped(config, &message()),
            Ok((
                "application/x-www-form-urlencoded".to_owned(),
                Value::from("a.b=hi+%26+bye&list.0=%C3%A4&list.1=2")
            ))
        );
    }

    #[test]
    fn the_first_map_that_is_for_a_delivery_decides() -> Result<(), String> {
        let becomes = |config: Value| -> Result<&str, String> {
            Ok(match Config::parse(&config.to_string())?.becomes(&ABOUT) {
                Becomes::Itself => "itself",
                Becomes::Nothing => "nothing",
                Becomes::Shaped(_) => "shaped",
            })
        };
        assert_eq!(becomes(json!({}))?, "itself");
        assert_eq!(becomes(json!({"others": "drop"}))?, "nothing");
        assert_eq!(
            becomes(json!({"maps": [{"events": ["message.*"], "withhold": true}]}))?,
            "nothing"
        );
        assert_eq!(
            becomes(
                json!({"maps": [{"events": ["presence"]}, {"urls": ["https://crm.example.com/"]}]})
            )?,
            "shaped"
        );
        assert_eq!(
            becomes(json!({"maps": [{"urls": ["https://other.example/"]}]}))?,
            "itself"
        );
        Ok(())
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let error = Config::parse(r#"{"map": []}"#).err().unwrap_or_default();
        assert!(error.contains("unknown field `map`"), "{error}");
        let error = shaped(json!({"maps": [{"fields": {"a": "b | c"}}]}), &message()).err();
        assert!(
            error
                .unwrap_or_default()
                .contains("fields.\"a\": there is no conversion `c`")
        );
    }
}
