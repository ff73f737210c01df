//! The environment's part in the settings.

use std::path::PathBuf;

use warbler_domain::Secret;

use super::access::{admin_key, master_key};
use super::{Config, ConfigError, Log, LogFormat};

const LISTEN: &str = "WARBLER_LISTEN";
const DATA: &str = "WARBLER_DATA";
const ADMIN_KEY: &str = "WARBLER_ADMIN_KEY";
const MASTER_KEY: &str = "WARBLER_MASTER_KEY";
const LOG: &str = "WARBLER_LOG";
const LOG_FORMAT: &str = "WARBLER_LOG_FORMAT";
const KEY: &str = "WARBLER_KEY";

/// The variables that override settings. Not printable: some of them are secrets.
#[derive(Clone, Default)]
pub struct Environment {
    listen: Option<String>,
    data: Option<String>,
    admin_key: Option<String>,
    master_key: Option<String>,
    log: Option<String>,
    log_format: Option<String>,
    key: Option<String>,
    plain: bool,
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    /// The variables that `look_up` knows; an empty one is as good as none.
    pub fn of(look_up: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name| look_up(name).filter(|value| !value.trim().is_empty());
        Self {
            listen: get(LISTEN),
            data: get(DATA),
            admin_key: get(ADMIN_KEY),
            master_key: get(MASTER_KEY),
            log: get(LOG),
            log_format: get(LOG_FORMAT),
            key: get(KEY),
            plain: get("NO_COLOR").is_some() || get("TERM").is_some_and(|term| term == "dumb"),
        }
    }

    /// The API key with which commands reach a running host.
    pub fn key(&self) -> Option<Secret> {
        self.key.as_ref().map(|key| Secret::new(key.trim()))
    }

    /// Whether colours are welcome, as far as the environment says.
    pub fn welcomes_colour(&self) -> bool {
        !self.plain
    }

    pub(super) fn apply(&self, config: &mut Config) -> Result<(), ConfigError> {
        let variable = |name, message| ConfigError::Variable { name, message };
        if let Some(listen) = &self.listen {
            config.server.listen = listen.trim().parse().map_err(|_| {
                variable(
                    LISTEN,
                    format!("is `{listen}`, not an address such as 127.0.0.1:3000"),
                )
            })?;
        }
        if let Some(data) = &self.data {
            config.data.dir = PathBuf::from(data);
        }
        if let Some(key) = &self.admin_key {
            config.access.admin_key =
                admin_key(key).map_err(|message| variable(ADMIN_KEY, message))?;
        }
        if let Some(key) = &self.master_key {
            config.access.master_key =
                master_key(key).map_err(|message| variable(MASTER_KEY, message))?;
        }
        self.log_over(&mut config.log)
    }

    /// What the environment says about logging, over `log`.
    pub fn log_over(&self, log: &mut Log) -> Result<(), ConfigError> {
        let variable = |name, message| ConfigError::Variable { name, message };
        if let Some(filter) = &self.log {
            log.filter.clone_from(filter);
        }
        if let Some(format) = &self.log_format {
            log.format = match format.trim() {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                other => {
                    return Err(variable(
                        LOG_FORMAT,
                        format!("is `{other}`, not `text` or `json`"),
                    ));
                }
            };
        }
        Ok(())
    }
}
