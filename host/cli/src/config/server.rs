//! `[server]`: the HTTP listener.

use std::net::{IpAddr, SocketAddr};

use serde::Deserialize;

/// The HTTP listener.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether that may be reachable from other machines.
    pub allow_remote: bool,
    /// Proxies that are believed about addresses.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether `/metrics` is shown without a key to whoever asks from this machine.
    pub open_metrics: bool,
    max_body_mib: u16,
    /// What the host is called from outside; empty where nobody is to be told.
    pub public_url: String,
}

impl Server {
    /// Largest request body, in bytes.
    pub fn max_body(&self) -> usize {
        usize::from(self.max_body_mib.max(1)) * 1024 * 1024
    }
}
