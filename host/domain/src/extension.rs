//! Extensions: plugins and scripts, as the host knows them.

mod cost;
mod granted;
mod grants;
mod origin;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::action::{Action, Verdict};
use crate::clock::Timestamp;
use crate::ids::EventId;
use crate::session::is_name;

pub use cost::{CallCost, ExtensionUsage, TotalCost};
pub use granted::{BadGrant, OperatorGrants};
pub use grants::{Grants, HistoryScope, SendScope};
pub use origin::{BadOrigin, HttpOrigin};

/// An extension's name: that of its file or folder, by the same rule as session names.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExtensionName(String);

/// A text that cannot name an extension.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot name an extension; use 1 to 64 letters, digits, `.`, `_` or `-`, starting with a letter or digit"
)]
pub struct BadExtensionName(String);

impl ExtensionName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExtensionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ExtensionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ExtensionName {
    type Err = BadExtensionName;

    fn from_str(text: &str) -> Result<Self, BadExtensionName> {
        if is_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadExtensionName(text.chars().take(80).collect()))
        }
    }
}

impl TryFrom<String> for ExtensionName {
    type Error = BadExtensionName;

    fn try_from(text: String) -> Result<Self, BadExtensionName> {
        text.parse()
    }
}

impl From<ExtensionName> for String {
    fn from(name: ExtensionName) -> Self {
        name.0
    }
}

/// What an extension is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtensionKind {
    /// A WebAssembly component.
    Plugin,
    /// A Rhai script.
    Script,
    /// The rules of the database, which are built in.
    Rules,
}

/// One loaded version of an extension: the first 12 hex digits of the digest of all its files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(String);

impl Generation {
    /// The generation of files with this SHA-256.
    pub fn of_digest(digest: &[u8; 32]) -> Self {
        let mut hex = data_encoding::HEXLOWER.encode(digest);
        hex.truncate(12);
        Self(hex)
    }

    /// The 12 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An extension as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionStatus {
    /// Its name.
    pub name: ExtensionName,
    /// Plugin or script.
    pub kind: ExtensionKind,
    /// Where it was loaded from.
    pub path: String,
    /// Whether it runs.
    pub state: ExtensionState,
    /// The version that runs.
    pub generation: Option<Generation>,
    /// Since when that version runs.
    pub loaded_at: Option<Timestamp>,
    /// Its place in the chain: smaller comes first.
    pub order: i32,
    /// What it is called for, as long as it runs.
    pub hooks: Vec<Hook>,
    /// The event kinds it is called for.
    pub events: Vec<String>,
    /// What holds for it.
    pub grants: Grants,
    /// What it asks for and is not granted.
    pub withheld: Grants,
    /// What the newest version asks for, whether it runs or not.
    #[serde(default)]
    pub asked: Grants,
    /// What the running version has done and used since it was loaded.
    #[serde(default)]
    pub usage: ExtensionUsage,
    /// Until when it is left out after repeated failure.
    pub quarantined_until: Option<Timestamp>,
    /// Why the newest file does not run, or what went wrong at its last event.
    pub last_error: Option<ExtensionFault>,
}

/// Whether an extension runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExtensionState {
    /// The newest version runs.
    Active,
    /// An older version runs, because the newest one is broken.
    LastGood,
    /// Nothing runs: the only version there is is broken.
    Broken,
    /// It failed again and again, and is left out for a while; events flow past it.
    Quarantined,
}

/// A place where extensions are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hook {
    /// At events.
    Event,
    /// For each message of a campaign.
    Template,
    /// For each delivery to a webhook endpoint.
    Webhook,
}

impl Hook {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Template => "template",
            Self::Webhook => "webhook",
        }
    }
}

/// What went wrong with an extension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtensionFault {
    /// A stable word: `script-syntax`, `deadline`, `memory`, `trap`, …
    pub code: String,
    /// What to tell the author; never holds message text.
    pub message: String,
    /// The file it is in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u32>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<u32>,
    /// The line itself, with a caret below the column.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub excerpt: Option<String>,
    /// The event it happened at, if it was at one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub event: Option<EventId>,
    /// When.
    pub at: Timestamp,
}

impl ExtensionFault {
    /// A fault that is not in a place of a file.
    pub fn new(code: &str, message: impl Into<String>, at: Timestamp) -> Self {
        let message = message.into();
        Self {
            code: code.to_owned(),
            message,
            file: None,
            line: None,
            column: None,
            excerpt: None,
            event: None,
            at,
        }
    }
}

/// What one extension did with one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceStep {
    /// Which extension.
    pub extension: ExtensionName,
    /// Plugin or script.
    pub kind: ExtensionKind,
    /// Which version of it.
    pub generation: Generation,
    /// How long it took, in microseconds.
    #[serde(with = "micros", rename = "micros")]
    pub took: Duration,
    /// Whether the chain went on.
    pub verdict: Verdict,
    /// What it asked for.
    pub actions: Vec<Action>,
    /// What it logged.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub logs: Vec<LogLine>,
    /// What it used; unknown for events of older hosts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cost: Option<CallCost>,
    /// What went wrong; its actions are then dropped.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<ExtensionFault>,
}

/// One line an extension logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// `debug`, `info`, `warn`, `error`, or a word of its own.
    pub level: String,
    /// The line, at most 4 KiB.
    pub message: String,
}

pub(crate) mod micros {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(
        took: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}
