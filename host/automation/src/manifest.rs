//! What an extension says about itself: `plugin.toml`, or the header lines of a script.
//!
//! Both *ask*: what holds is what is asked for and granted. A key this version
//! does not know is a warning, so that newer extensions load on older hosts; a value it cannot
//! read is a fault with its place.

mod header;
mod settings;
mod words;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use warbler_domain::EventKind;
use warbler_domain::extension::{Grants, OperatorGrants};

use crate::fault::{Fault, Position};
use crate::filter::Filter;
use crate::profile::KvSpace;

pub(crate) use header::parse_header;
use words::{chat_filter, event_pattern, history_scope, kv_space, origin, secret_name, send_scope};

/// Place in the chain of an extension that does not name one.
pub const DEFAULT_ORDER: i32 = 100;

/// Largest `plugin.toml`, in bytes.
pub const MAX_MANIFEST: usize = 256 * 1024;

/// What an extension says about itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Manifest {
    /// The component's file name, beside the manifest.
    pub(crate) component: Option<String>,
    pub(crate) order: i32,
    pub(crate) filter: Filter,
    /// What it wants to do.
    pub(crate) asked: Grants,
    /// Whose its key-value space is.
    pub(crate) kv: KvSpace,
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
            kv: KvSpace::default(),
            config: "{}".to_owned(),
            warnings: Vec::new(),
        }
    }
}

/// Reads a `plugin.toml`.
pub(crate) fn parse_manifest(source: &str) -> Result<Manifest, Fault> {
    let table = table_of(source)?;
    let mut parser = Parser {
        source,
        manifest: Manifest::default(),
    };
    parser.top(table.get_ref())?;
    Ok(parser.manifest)
}

fn table_of(source: &str) -> Result<Spanned<DeTable<'_>>, Fault> {
    DeTable::parse(source).map_err(|error| {
        let fault = Fault::new("manifest", error.message());
        match error.span() {
            Some(span) => fault.at(source, Position::of_offset(source, span.start)),
            None => fault,
        }
    })
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
                "kv" => {
                    self.manifest.kv = kv_space(self.text(value)?)
                        .map_err(|message| self.wrong(value, message))?;
                }
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
                    self.manifest.filter.own = self.flag(value, "own")?;
                }
                other => self.unknown(&format!("filter.{other}")),
            }
        }
        let filter = &self.manifest.filter;
        // The sessions it wants are those it asks for.
        if !filter.sessions.is_empty() {
            self.manifest.asked.sessions = Some(filter.sessions.clone());
        }
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
                "rate" => self.manifest.asked.rate = Some(self.rate(value)?),
                "warm" => self.manifest.asked.warm = self.flag(value, "warm")?,
                other => self.unknown(&format!("capabilities.{other}")),
            }
        }
        Ok(())
    }

    fn config(&self, item: &Item<'_>) -> Result<String, Fault> {
        let object = self.object(self.table(item, "config")?)?;
        Ok(Value::Object(object).to_string())
    }

    fn object(&self, table: &DeTable<'_>) -> Result<Map<String, Value>, Fault> {
        let items = table.iter();
        items
            .map(|(key, value)| Ok((key.get_ref().to_string(), self.json(value)?)))
            .collect()
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
            DeValue::Table(table) => Value::Object(self.object(table)?),
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

    fn rate(&self, item: &Item<'_>) -> Result<u32, Fault> {
        let number = item.get_ref().as_integer();
        number
            .and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|rate| (1..=OperatorGrants::MAX_RATE).contains(rate))
            .ok_or_else(|| {
                let most = OperatorGrants::MAX_RATE;
                self.wrong(
                    item,
                    format!("`rate` is a number of messages a minute, 1 to {most}"),
                )
            })
    }

    fn flag(&self, item: &Item<'_>, name: &str) -> Result<bool, Fault> {
        item.get_ref()
            .as_bool()
            .ok_or_else(|| self.wrong(item, format!("`{name}` is true or false")))
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
rate = 30
warm = true
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
                "sessions = [\"shop\"]",
                "rate = 30",
                "warm = true",
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
