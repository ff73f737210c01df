//! Settings: the file, the defaults, the environment.
//!
//! `config.default.toml` *is* the default: it is embedded, a file is laid over it, and only then
//! is anything interpreted. So every setting is documented where it is defined, and a setting that
//! is not in it does not exist. This is the only module that reads the environment.

mod access;
mod campaigns;
mod data;
mod dialects;
mod environment;
mod extensions;
mod known;
mod limits;
mod log;
mod media;
mod network;
mod retention;
mod sending;
mod server;
mod sessions;
mod span;
mod webhooks;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};
use warbler_app::Settings;

pub use access::Access;
pub use campaigns::Campaigns;
pub use data::Data;
pub use dialects::Dialects;
pub use environment::Environment;
pub use extensions::Extensions;
pub use limits::Limits;
pub use log::{Log, LogFormat};
pub use media::Media;
pub use network::{Network, NetworkError};
pub use retention::Retention;
pub use sending::Sending;
pub use server::Server;
pub use sessions::Sessions;
pub use span::Span;
pub use webhooks::Webhooks;

/// The documented defaults.
pub const DEFAULT: &str = include_str!("../config.default.toml");

/// Largest configuration file, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// All settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// The HTTP listener.
    pub server: Server,
    /// What survives a restart.
    pub data: Data,
    /// Who may call.
    pub access: Access,
    /// How often callers may call.
    pub limits: Limits,
    /// The documented APIs of other gateways.
    pub dialects: Dialects,
    /// What is logged.
    pub log: Log,
    /// Plugins and scripts.
    pub extensions: Extensions,
    /// The network below.
    pub network: Network,
    /// How sessions stay connected.
    pub sessions: Sessions,
    /// How messages go out.
    pub sending: Sending,
    /// Pictures and files.
    pub media: Media,
    /// For how long things are kept.
    pub retention: Retention,
    /// How deliveries to webhooks are tried.
    pub webhooks: Webhooks,
    /// How campaigns treat who does not want them.
    pub campaigns: Campaigns,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration {} cannot be read: {source}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is far too large.
    #[error("the configuration {} has more than {} KiB", path.display(), MAX_FILE / 1024)]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
    /// The file is not TOML.
    #[error("{place} is not valid TOML: {message}")]
    Syntax {
        /// Which file.
        place: String,
        /// What is wrong, with line and column.
        message: String,
    },
    /// A setting that does not exist.
    #[error("{place} has the unknown setting `{key}`{}", known::suggest(.nearest.as_deref()))]
    Unknown {
        /// Where it was read.
        place: String,
        /// Its name.
        key: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// A value that does not fit.
    #[error("{place}: [{section}] {message}")]
    Value {
        /// Where it was read.
        place: String,
        /// The section.
        section: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// A variable that does not fit.
    #[error("the variable {name} {message}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        message: String,
    },
}

impl Config {
    /// The defaults, the file at `path` over them, and the environment over both.
    pub fn load(path: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let mut config = match path {
            None => Self::parse("", "the default configuration")?,
            Some(path) => Self::parse(&read(path)?, &path.display().to_string())?,
        };
        environment.apply(&mut config)?;
        Ok(config)
    }

    /// The defaults with `text` over them; `place` is what errors call it.
    pub fn parse(text: &str, place: &str) -> Result<Self, ConfigError> {
        let defaults = table(DEFAULT, "config.default.toml")?;
        let written = table(text, place)?;
        known::check(&written, &defaults, place)?;
        let mut merged = merge(defaults, written);
        Ok(Self {
            server: section(&mut merged, "server", place)?,
            data: section(&mut merged, "data", place)?,
            access: section(&mut merged, "access", place)?,
            limits: section(&mut merged, "limits", place)?,
            dialects: section(&mut merged, "dialects", place)?,
            log: section(&mut merged, "log", place)?,
            extensions: section(&mut merged, "extensions", place)?,
            network: section(&mut merged, "network", place)?,
            sessions: section(&mut merged, "sessions", place)?,
            sending: section(&mut merged, "sending", place)?,
            media: section(&mut merged, "media", place)?,
            retention: section(&mut merged, "retention", place)?,
            webhooks: section(&mut merged, "webhooks", place)?,
            campaigns: section(&mut merged, "campaigns", place)?,
        })
    }

    /// What the core is told.
    pub fn settings(&self) -> Settings {
        Settings {
            reconnect_first: self.sessions.reconnect_first.duration(),
            reconnect_max: self.sessions.reconnect_max.duration(),
            connecting_at_once: self.sessions.connecting_at_once,
            sessions_per_user: self.sessions.per_user,
            silence: self.sessions.silence.duration(),
            ping_timeout: self.sessions.ping_timeout.duration(),
            pairing_window: self.sessions.pairing_window.duration(),
            ack_timeout: self.sending.ack_timeout.duration(),
            send_attempts: self.sending.attempts,
            send_max_age: self.sending.max_age.duration(),
            pacing: self.sending.pacing.clone(),
            loop_guard: self.sending.loop_guard,
            access: self.access.settings(self.limits.settings()),
            media: self.media.settings(),
            retention: self.retention.settings(),
            webhooks: self.webhooks.settings(),
            campaigns: self.campaigns.settings(),
            outbound: self.network.outbound_allow.clone(),
            tls_roots: self.network.tls_roots(),
        }
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    };
    if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_FILE {
        return Err(ConfigError::TooLarge {
            path: path.to_owned(),
        });
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

fn table(text: &str, place: &str) -> Result<Table, ConfigError> {
    text.parse::<Table>().map_err(|err| ConfigError::Syntax {
        place: place.to_owned(),
        message: err.to_string().trim_end().to_owned(),
    })
}

/// `over` on top of `under`, table by table; lists are replaced.
fn merge(mut under: Table, over: Table) -> Table {
    for (key, value) in over {
        let merged = match (under.remove(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => Value::Table(merge(below, above)),
            (_, value) => value,
        };
        under.insert(key, merged);
    }
    under
}

fn section<T: DeserializeOwned>(
    table: &mut Table,
    name: &'static str,
    place: &str,
) -> Result<T, ConfigError> {
    let value = table
        .remove(name)
        .unwrap_or_else(|| Value::Table(Table::new()));
    T::deserialize(value).map_err(|err| ConfigError::Value {
        place: place.to_owned(),
        section: name,
        message: err.to_string().trim_end().replace('\n', " "),
    })
}

#[cfg(test)]
mod tests;
