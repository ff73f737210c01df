//! How sessions reach the server and its media: directly, or each through a proxy of its own.

use std::sync::Arc;

use http::Uri;
use warbler_app::driver::DriverError;
use warbler_app::fetch::tls;
use warbler_domain::proxy::BadProxy;
use warbler_domain::{Proxy, SessionId};
use warbler_store::Store;

use crate::driver::{ConfigError, EngineConfig};
use crate::http::Http;
use crate::transport::Route;

/// The ways of all sessions.
pub(crate) struct Ways {
    store: Store,
    media_base: Option<Uri>,
    tls: Arc<rustls::ClientConfig>,
    route: Route,
    http: Arc<Http>,
}

impl Ways {
    /// Those of a configuration, which is checked.
    pub(crate) fn new(store: Store, config: &EngineConfig) -> Result<Self, ConfigError> {
        config.check()?;
        let tls = tls::client_config(&config.tls_roots)
            .map(Arc::new)
            .map_err(|err| ConfigError::Tls(err.to_string()))?;
        let bad = |_| ConfigError::BadAddress(config.websocket_url.clone());
        let route = Route::new(&config.websocket_url, Arc::clone(&tls)).map_err(bad)?;
        let media_base = config.media_base.clone();
        let http = Http::new(media_base.as_ref(), &tls, None).map_err(ConfigError::Tls)?;
        Ok(Self {
            store,
            media_base,
            tls,
            route,
            http: Arc::new(http),
        })
    }

    /// The way of a session: directly, or through its proxy.
    pub(crate) async fn of(&self, session: SessionId) -> Result<(Route, Arc<Http>), DriverError> {
        let found = self.store.read(move |db| db.sessions().proxy(session));
        let found = found
            .await
            .map_err(|err| DriverError::Engine(err.to_string()))?;
        let Some(url) = found else {
            return Ok((self.route.clone(), Arc::clone(&self.http)));
        };
        let proxy: Proxy = url
            .parse()
            .map_err(|err: BadProxy| DriverError::Engine(err.to_string()))?;
        let http = Http::new(self.media_base.as_ref(), &self.tls, Some(&proxy));
        let http = http.map_err(DriverError::Engine)?;
        Ok((self.route.through(Some(Arc::new(proxy))), Arc::new(http)))
    }
}
