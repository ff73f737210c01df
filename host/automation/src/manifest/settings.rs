//! The settings of a script: lines `// config.NAME: value` at its top, and over them what the operator
//! writes into `NAME.toml` beside `NAME.rhai`.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Manifest, Parser, table_of};
use crate::fault::Fault;

impl Manifest {
    /// Takes over one setting of a header. What reads as a value of TOML is one, all else a text.
    pub(super) fn configure(&mut self, name: &str, value: &str) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if name.is_empty() || !name.chars().all(plain) {
            return Err(format!(
                "`{name}` cannot name a setting; use letters, digits, `_` and `-`"
            ));
        }
        let line = format!("value = {value}");
        let mut config = self.settings();
        let value = read(&line)
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| Value::from(value));
        config.insert(name.to_owned(), value);
        self.config = Value::Object(config).to_string();
        Ok(())
    }

    /// The same with the text of the file of settings beside the script at `script`.
    pub(crate) fn with_settings(mut self, text: &str, script: &Path) -> Result<Self, Fault> {
        let settings = read(text).map_err(|fault| fault.in_file(&script.with_extension("toml")))?;
        let mut config = self.settings();
        config.extend(settings);
        self.config = Value::Object(config).to_string();
        Ok(self)
    }

    fn settings(&self) -> Map<String, Value> {
        // It was made of one.
        serde_json::from_str(&self.config).unwrap_or_default()
    }
}

fn read(text: &str) -> Result<Map<String, Value>, Fault> {
    let table = table_of(text)?;
    let parser = Parser {
        source: text,
        manifest: Manifest::default(),
    };
    parser.object(table.get_ref())
}
