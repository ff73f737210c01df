//! `[network]`: the network below.

use http::Uri;
use serde::Deserialize;
use warbler_app::fetch::Outbound;

use crate::host::NetworkChoice;

/// The network below.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// What the phone lists this host as.
    pub device_name: String,
    /// A network instead of WhatsApp, empty for WhatsApp.
    pub websocket_url: String,
    /// Where that network keeps media.
    pub media_base: String,
    /// What requests to URLs may reach although it is not public.
    pub outbound_allow: Outbound,
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
