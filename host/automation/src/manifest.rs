//! What an extension says about itself: `plugin.toml`, or the header lines of a script.
//!
//! Both *ask*: what holds is what is asked for and granted. A key this version
//! does not know is a warning, so that newer extensions load on older hosts; a value it cannot
//! read is a fault with its place.

mod header;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use warbler_domain::extension::{Grants, HistoryScope, HttpOrigin, SendScope};
use warbler_domain::{EventKind, Jid};

use crate::fault::{Fault, Position};
use crate::filter::{ChatFilter, Filter};

pub(crate) use header::parse_header;

/// Place in the chain of an extension that does not name one.
pub const DEFAULT_ORDER: i32 = 100;

/// Largest `plugin.toml`, in bytes.
pub const MAX_MANIFEST: usize = 256 * 1024;

/// Longest name of a secret, in bytes.
const MAX_SECRET_NAME: usize = 64;

/// What an extension says about itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Manifest {
    /// The component's file name, beside the manifest.
    pub(crate) component: Option<String>,
    pub(crate) order: i32,
    pub(crate) filter: Filter,
    /// What it wants to do.
    pub(crate) asked: Grants,
    /// `[config]` as a JSON object.
    pub(crate) config: String,
    /// What was found odd, in words.
    pub(crate) warnings: Vec<String>,
}

impl Default for Manifest {
    fn default() -> Self {
        Self {
            component: None,
            order: DEFAULT_ORDER,
            filter: Filter::default(),
            asked: Grants::default(),
            config: "{}".to_owned(),
            warnings: Vec::new(),
        }
    }
}

/// Reads a `plugin.toml`.
pub(crate) fn parse_manifest(source: &str) -> Result<Manifest, Fault> {
    let table = DeTable::parse(source).map_err(|error| {
        let fault = Fault::new("manifest", error.message());
        match error.span() {
            Some(span) => fault.at(source, Position::of_offset(source, span.start)),
            None => fault,
        }
    })?;
    let mut parser = Parser {
        source,
        manifest: Manifest::default(),
    };
    parser.top(table.get_ref())?;
    Ok(parser.manifest)
}

struct Parser<'a> {
    source: &'a str,
    manifest: Manifest,
}

type Item<'a> = Spanned<DeValue<'a>>;

impl Parser<'_> {
    fn top(&mut self, table: &DeTable<'_>) -> Result<(), Fault> {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "component" => self.manifest.component = Some(self.file_name(value)?),
                "order" => self.manifest.order = self.order(value)?,
                "filter" => self.filter(value)?,
                "capabilities" => self.capabilities(value)?,
                "config" => self.manifest.config = self.config(value)?,
                other => self.unknown(other),
            }
        }
        Ok(())
    }

    fn filter(&mut self, item: &Item<'_>) -> Result<(), Fault> {
        for (key, value) in self.table(item, "filter")? {
            match key.get_ref().as_ref() {
                "events" => self.manifest.filter.events = self.texts(value, event_pattern)?,
                "sessions" => {
                    self.manifest.filter.sessions = self.texts(value, |text| {
                        text.parse().map_err(|error| format!("{error}"))
                    })?;
                }
                "chats" => self.manifest.filter.chats = self.texts(value, chat_filter)?,
                "text" => {
                    self.manifest.filter.text = self.texts(value, |text| Ok(text.to_lowercase()))?
                }
                "own" => {
                    self.manifest.filter.own = value
                        .get_ref()
                        .as_bool()
                        .ok_or_else(|| self.wrong(value, "`own` is true or false"))?;
                }
                other => self.unknown(&format!("filter.{other}")),
            }
        }
        let filter = &self.manifest.filter;
        if !filter.own
            && filter
                .events
                .iter()
                .any(|kind| kind == EventKind::MESSAGE_SENT.as_str())
        {
            self.manifest
                .warnings
                .push("`message.sent` never passes the filter without `own = true`".to_owned());
        }
        Ok(())
    }

    fn capabilities(&mut self, item: &Item<'_>) -> Result<(), Fault> {
        for (key, value) in self.table(item, "capabilities")? {
            match key.get_ref().as_ref() {
                "send" => {
                    self.manifest.asked.send = send_scope(self.text(value)?)
                        .map_err(|message| self.wrong(value, message))?;
                }
                "http" => self.manifest.asked.http = self.texts(value, origin)?,
                "secrets" => self.manifest.asked.secrets = self.texts(value, secret_name)?,
                "history" => {
                    self.manifest.asked.history = history_scope(self.text(value)?)
                        .map_err(|message| self.wrong(value, message))?;
                }
                "memory" => self.manifest.asked.memory = Some(self.memory(value)?),
                other => self.unknown(&format!("capabilities.{other}")),
            }
        }
        Ok(())
    }

    fn config(&self, item: &Item<'_>) -> Result<String, Fault> {
        let table = self.table(item, "config")?;
        let object: Map<String, Value> = table
            .iter()
            .map(|(key, value)| Ok((key.get_ref().to_string(), self.json(value)?)))
            .collect::<Result<_, Fault>>()?;
        Ok(Value::Object(object).to_string())
    }

    /// A value of `[config]` as JSON; dates become text.
    fn json(&self, item: &Item<'_>) -> Result<Value, Fault> {
        Ok(match item.get_ref() {
            DeValue::String(text) => Value::from(text.as_ref()),
            DeValue::Boolean(value) => Value::from(*value),
            DeValue::Datetime(date) => Value::from(date.to_string()),
            DeValue::Integer(number) => {
                let digits = number.as_str();
                let value = i64::from_str_radix(digits, number.radix());
                Value::from(value.map_err(|_| self.wrong(item, "the number is too large"))?)
            }
            DeValue::Float(number) => {
                let value: f64 = number.as_str().parse().unwrap_or(f64::NAN);
                serde_json::Number::from_f64(value)
                    .map(Value::Number)
                    .ok_or_else(|| self.wrong(item, "JSON has no such number"))?
            }
            DeValue::Array(items) => items
                .iter()
                .map(|item| self.json(item))
                .collect::<Result<_, _>>()?,
            DeValue::Table(table) => Value::Object(
                table
                    .iter()
                    .map(|(key, value)| Ok((key.get_ref().to_string(), self.json(value)?)))
                    .collect::<Result<_, Fault>>()?,
            ),
        })
    }

    fn order(&self, item: &Item<'_>) -> Result<i32, Fault> {
        let number = item.get_ref().as_integer();
        number
            .and_then(|number| i32::from_str_radix(number.as_str(), number.radix()).ok())
            .ok_or_else(|| self.wrong(item, "`order` is a whole number"))
    }

    fn memory(&self, item: &Item<'_>) -> Result<u32, Fault> {
        let number = item.get_ref().as_integer();
        number
            .and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|mib| (1..=Grants::MAX_MEMORY).contains(mib))
            .ok_or_else(|| {
                let most = Grants::MAX_MEMORY;
                self.wrong(
                    item,
                    format!("`memory` is a whole number of MiB, 1 to {most}"),
                )
            })
    }

    fn file_name(&self, item: &Item<'_>) -> Result<String, Fault> {
        let name = self.text(item)?;
        let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
        if !plain {
            return Err(self.wrong(item, "`component` is the name of a file beside plugin.toml"));
        }
        Ok(name.to_owned())
    }

    fn table<'t, 'd>(&self, item: &'t Item<'d>, name: &str) -> Result<&'t DeTable<'d>, Fault> {
        item.get_ref()
            .as_table()
            .ok_or_else(|| self.wrong(item, format!("`{name}` is a table: [{name}]")))
    }

    fn text<'t>(&self, item: &'t Item<'_>) -> Result<&'t str, Fault> {
        item.get_ref()
            .as_str()
            .ok_or_else(|| self.wrong(item, "a text in quotes is expected"))
    }

    fn texts<T>(
        &self,
        item: &Item<'_>,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, Fault> {
        let items = item
            .get_ref()
            .as_array()
            .ok_or_else(|| self.wrong(item, "a list of texts is expected: [\"…\", \"…\"]"))?;
        items
            .iter()
            .map(|item| parse(self.text(item)?).map_err(|message| self.wrong(item, message)))
            .collect()
    }

    fn wrong(&self, item: &Item<'_>, message: impl Into<String>) -> Fault {
        let position = Position::of_offset(self.source, item.span().start);
        Fault::new("manifest", message).at(self.source, position)
    }

    fn unknown(&mut self, key: &str) {
        let warning = format!("`{key}` is not a setting this version knows");
        self.manifest.warnings.push(warning);
    }
}

fn event_pattern(text: &str) -> Result<String, String> {
    let word = text.strip_suffix('*').unwrap_or(text);
    let plain = word
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if plain && !text.is_empty() {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not an event kind, such as message.received or message.*"
        ))
    }
}

fn chat_filter(text: &str) -> Result<ChatFilter, String> {
    match text {
        "group" => Ok(ChatFilter::Groups),
        "direct" => Ok(ChatFilter::Direct),
        _ => text
            .parse::<Jid>()
            .map(ChatFilter::Chat)
            .map_err(|error| format!("{error}; `chats` takes \"direct\", \"group\" and JIDs")),
    }
}

fn send_scope(text: &str) -> Result<SendScope, String> {
    match text {
        "reply-only" => Ok(SendScope::ReplyOnly),
        "any" => Ok(SendScope::Any),
        other => Err(format!(
            "`send` is \"reply-only\" or \"any\", not \"{other}\""
        )),
    }
}

fn history_scope(text: &str) -> Result<HistoryScope, String> {
    match text {
        "none" => Ok(HistoryScope::None),
        "chat" => Ok(HistoryScope::Chat),
        "any" => Ok(HistoryScope::Any),
        other => Err(format!(
            "`history` is \"none\", \"chat\" or \"any\", not \"{other}\""
        )),
    }
}

fn origin(text: &str) -> Result<HttpOrigin, String> {
    text.parse().map_err(|error| format!("{error}"))
}

fn secret_name(text: &str) -> Result<String, String> {
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if plain && !text.is_empty() && text.len() <= MAX_SECRET_NAME {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` cannot name a secret; use up to {MAX_SECRET_NAME} letters, digits, `_` and `-`"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_manifest_is_read() {
        let manifest = parse_manifest(
            r#"
component = "x.wasm"
order = -5
[filter]
events = ["message.*"]
sessions = ["shop"]
chats = ["direct", "120363000000000000@g.us"]
text = ["Price"]
[capabilities]
send = "any"
http = ["https://api.example.com"]
secrets = ["crm_token"]
history = "chat"
memory = 128
[config]
answers = [{ keywords = ["a"], weight = 0x10, at = 1979-05-27 }]
"#,
        );
        let manifest = manifest.unwrap_or_default();
        assert_eq!(manifest.component.as_deref(), Some("x.wasm"));
        assert_eq!(manifest.order, -5);
        assert_eq!(
            manifest.asked.lines(),
            [
                "send = \"any\"",
                "http = [\"https://api.example.com\"]",
                "secrets = [\"crm_token\"]",
                "history = \"chat\"",
                "memory = 128",
            ]
        );
        assert_eq!(manifest.filter.text, ["price"]);
        assert_eq!(manifest.filter.chats.len(), 2);
        assert_eq!(
            manifest.config,
            r#"{"answers":[{"at":"1979-05-27","keywords":["a"],"weight":16}]}"#
        );
        assert_eq!(manifest.warnings, Vec::<String>::new());
    }

    #[test]
    fn an_unknown_key_is_a_warning_and_a_bad_value_a_fault_with_its_place() {
        let manifest = parse_manifest("ordr = 1\n[filter]\nevent = []\n").unwrap_or_default();
        assert_eq!(manifest.warnings.len(), 2);

        let fault = parse_manifest("order = 1\n[capabilities]\nsend = \"all\"\n").err();
        let fault = fault.unwrap_or_else(|| Fault::new("none", ""));
        assert_eq!(fault.code, "manifest");
        assert_eq!(
            fault.at,
            Some(Position {
                line: 3,
                column: Some(8)
            })
        );
        assert_eq!(fault.excerpt.as_deref(), Some("send = \"all\"\n       ^"));
    }
}
