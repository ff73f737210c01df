//! The WhatsApp engines a session can run on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineName {
    /// The engine that can do everything this host can.
    #[default]
    WhatsappRust,
    /// The second engine.
    WaRs,
}

/// A word that is no engine's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no engine {0:?}: write whatsapp-rust or wa-rs")]
pub struct UnknownEngine(pub String);

impl EngineName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::WhatsappRust, Self::WaRs];

    /// The name as it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WhatsappRust => "whatsapp-rust",
            Self::WaRs => "wa-rs",
        }
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EngineName {
    type Err = UnknownEngine;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|name| name.as_str() == text);
        found.ok_or_else(|| UnknownEngine(text.chars().take(40).collect()))
    }
}
