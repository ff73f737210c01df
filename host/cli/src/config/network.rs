//! `[network]`: the network below.

use std::path::PathBuf;

use http::Uri;
use serde::Deserialize;
use warbler_app::fetch::{Outbound, Roots};
use warbler_domain::EngineName;
use warbler_whatsapp::Platform;

use crate::host::NetworkChoice;

/// The network below.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The engine of sessions that ask for none.
    pub engine: EngineName,
    /// What the phone lists this host as.
    pub device_name: String,
    /// The kind of client it shows beside that.
    pub device_platform: Platform,
    /// A network instead of WhatsApp, empty for WhatsApp.
    pub websocket_url: String,
    /// Where that network keeps media.
    pub media_base: String,
    /// What requests to URLs may reach although it is not public.
    pub outbound_allow: Outbound,
    /// A file with the certificates whose signatures are trusted; empty for the system's.
    tls_roots: PathBuf,
}

/// Why the settings name no network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// One of the two addresses is missing.
    #[error("[network] needs both `websocket_url` and `media_base`, or neither")]
    Half,
    /// Not an address.
    #[error("[network] `{0}` is not an address")]
    BadAddress(String),
}

impl Network {
    /// Whose signature under the certificates of servers is trusted.
    pub fn tls_roots(&self) -> Roots {
        match self.tls_roots.as_os_str().is_empty() {
            true => Roots::System,
            false => Roots::File(self.tls_roots.clone()),
        }
    }

    /// The network these settings mean.
    pub fn choice(&self) -> Result<NetworkChoice, NetworkError> {
        let parse = |text: &str| {
            text.parse::<Uri>()
                .map_err(|_| NetworkError::BadAddress(text.to_owned()))
        };
        match (self.websocket_url.trim(), self.media_base.trim()) {
            ("", "") => Ok(NetworkChoice::Real),
            ("", _) | (_, "") => Err(NetworkError::Half),
            (websocket, media) => Ok(NetworkChoice::At {
                websocket_url: parse(websocket)?,
                media_base: parse(media)?,
            }),
        }
    }
}
