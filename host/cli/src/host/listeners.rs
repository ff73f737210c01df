//! The addresses the host answers at: its own, and those of dialects that have one.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use warbler_api::Routers;
use warbler_domain::Dialect;

use super::{HostOptions, StartError};

/// Listeners that are bound and not served yet.
pub(super) struct Listeners {
    main: TcpListener,
    own: BTreeMap<Dialect, TcpListener>,
}

impl Listeners {
    /// Takes every address the host is to answer at.
    pub(super) async fn bind(options: &HostOptions) -> Result<Self, StartError> {
        let main = bind(options.listen).await?;
        let mut own = BTreeMap::new();
        for (dialect, mount) in &options.dialects.mounts {
            if let Some(address) = mount.listen {
                own.insert(*dialect, bind(address).await?);
            }
        }
        Ok(Self { main, own })
    }

    /// Where they are.
    pub(super) fn addresses(
        &self,
    ) -> Result<(SocketAddr, BTreeMap<Dialect, SocketAddr>), StartError> {
        let own = self.own.iter();
        let own = own.map(|(dialect, listener)| Ok((*dialect, address_of(listener)?)));
        Ok((
            address_of(&self.main)?,
            own.collect::<Result<_, StartError>>()?,
        ))
    }

    /// Serves all of them until `stop`; when one fails, all end.
    pub(super) async fn serve(
        self,
        mut routers: Routers,
        stop: CancellationToken,
        stalled: Duration,
    ) -> io::Result<()> {
        let mut serving = JoinSet::new();
        let main = warbler_api::serve(self.main, routers.main, stop.clone(), stalled);
        serving.spawn(main);
        for (dialect, listener) in self.own {
            if let Some(router) = routers.own.remove(&dialect) {
                serving.spawn(warbler_api::serve(listener, router, stop.clone(), stalled));
            }
        }
        let mut outcome = Ok(());
        while let Some(ended) = serving.join_next().await {
            let ended = ended.map_err(io::Error::other).and_then(|ended| ended);
            if outcome.is_ok() && (ended.is_err() || !stop.is_cancelled()) {
                stop.cancel();
                outcome = ended;
            }
        }
        outcome
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|reason| StartError::Listen { address, reason })
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener
        .local_addr()
        .map_err(|err| StartError::ListenerFailed(err.to_string()))
}
