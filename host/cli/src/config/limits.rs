//! `[limits]`: how often callers may call.

use serde::Deserialize;
use warbler_app::limits::{LimitSettings, Rate};

/// How often callers may call.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    per_minute: u32,
    burst: u32,
    admin_per_minute: u32,
    admin_burst: u32,
    address_per_minute: u32,
    address_burst: u32,
    download_per_minute: u32,
    download_burst: u32,
}

impl Limits {
    /// What the core is told.
    pub fn settings(&self) -> LimitSettings {
        LimitSettings {
            caller: Rate::new(self.per_minute, self.burst),
            admin: Rate::new(self.admin_per_minute, self.admin_burst),
            address: Rate::new(self.address_per_minute, self.address_burst),
            download: Rate::new(self.download_per_minute, self.download_burst),
        }
    }
}
