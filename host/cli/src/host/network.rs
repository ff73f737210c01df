//! The network below a host: WhatsApp, or a simulated one.

use axum::Router;
use http::Uri;
use warbler_app::App;
use warbler_whatsapp::EngineConfig;

use super::{HostOptions, StartError};

/// Which network a host talks to.
#[derive(Clone)]
pub enum NetworkChoice {
    /// WhatsApp.
    Real,
    /// A simulated network in another process of this machine.
    At {
        /// Where clients connect.
        websocket_url: Uri,
        /// Where it keeps media.
        media_base: Uri,
    },
    /// A simulated network that starts and stops with the host.
    #[cfg(feature = "simulator")]
    Embedded(warbler_simulator::NetworkOptions),
    /// A simulated network of this process that outlives the host.
    #[cfg(feature = "simulator")]
    Attached(warbler_simulator::Network),
}

/// The network a host talks to, running.
pub(super) struct Below {
    engine: EngineConfig,
    #[cfg(feature = "simulator")]
    network: Option<(warbler_simulator::Network, Ends)>,
}

/// When a simulated network ends.
#[cfg(feature = "simulator")]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    WithTheHost,
    ByItself,
}

impl Below {
    pub(super) async fn start(options: &HostOptions) -> Result<Self, StartError> {
        let engine = EngineConfig {
            device_name: options.device_name.clone(),
            device_platform: options.device_platform,
            tls_roots: options.settings.tls_roots.clone(),
            history: options.history,
            ..EngineConfig::default()
        };
        match &options.network {
            NetworkChoice::Real => Ok(Self::without_network(engine)),
            NetworkChoice::At {
                websocket_url,
                media_base,
            } => Ok(Self::without_network(simulated(
                engine,
                websocket_url.clone(),
                media_base.clone(),
            ))),
            #[cfg(feature = "simulator")]
            NetworkChoice::Embedded(options) => {
                let network = warbler_simulator::Network::start(options.clone()).await?;
                Self::with_network(engine, network, Ends::WithTheHost)
            }
            #[cfg(feature = "simulator")]
            NetworkChoice::Attached(network) => {
                Self::with_network(engine, network.clone(), Ends::ByItself)
            }
        }
    }

    fn without_network(engine: EngineConfig) -> Self {
        Self {
            engine,
            #[cfg(feature = "simulator")]
            network: None,
        }
    }

    #[cfg(feature = "simulator")]
    fn with_network(
        engine: EngineConfig,
        network: warbler_simulator::Network,
        ends: Ends,
    ) -> Result<Self, StartError> {
        let uri = |text: String| {
            text.parse::<Uri>()
                .map_err(|_| StartError::NetworkAddress(text))
        };
        let (websocket, media) = (uri(network.websocket_url())?, uri(network.http_url())?);
        Ok(Self {
            engine: simulated(engine, websocket, media),
            network: Some((network, ends)),
        })
    }

    /// What the engine is told.
    pub(super) fn engine(&self) -> EngineConfig {
        self.engine.clone()
    }

    #[cfg(feature = "simulator")]
    pub(super) fn network(&self) -> Option<&warbler_simulator::Network> {
        self.network.as_ref().map(|(network, _)| network)
    }

    /// The routes by which API callers act as the people of the simulated network.
    #[cfg(feature = "simulator")]
    pub(super) fn routes(&self, app: &App) -> Option<Router> {
        self.network()
            .map(|network| crate::simulated::routes(network.clone(), app.clone()))
    }

    /// WhatsApp has no such routes.
    #[cfg(not(feature = "simulator"))]
    pub(super) fn routes(&self, _app: &App) -> Option<Router> {
        None
    }

    pub(super) async fn stop(&self) {
        #[cfg(feature = "simulator")]
        if let Some((network, Ends::WithTheHost)) = &self.network {
            network.stop().await;
        }
    }
}

fn simulated(engine: EngineConfig, websocket_url: Uri, media_base: Uri) -> EngineConfig {
    EngineConfig {
        websocket_url,
        media_base: Some(media_base),
        simulated: true,
        ..engine
    }
}
