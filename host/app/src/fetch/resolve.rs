//! Names to addresses, checked before anything connects to them.
//!
//! Invariant: a connection goes only to addresses that [`Checked::resolve`] has answered with, so
//! a name that changes its mind between check and connect changes nothing. One address that is
//! not allowed refuses the name as a whole.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::outbound::Outbound;

/// The system's resolver, behind the check.
pub(super) struct Checked {
    outbound: Arc<Outbound>,
    lookup: Lookup,
}

/// Where addresses come from.
pub(super) enum Lookup {
    /// The system.
    System,
    /// A name server that a test plays: the answers, one after the other.
    #[cfg(test)]
    Scripted(std::sync::Mutex<std::collections::VecDeque<Vec<IpAddr>>>),
}

/// Why a name was not resolved: it leads to an address that is not allowed.
#[derive(Debug, thiserror::Error)]
#[error("{address} is {what}")]
pub(super) struct Refused {
    pub(super) address: IpAddr,
    pub(super) what: &'static str,
}

impl Checked {
    pub(super) fn new(outbound: Arc<Outbound>, lookup: Lookup) -> Arc<Self> {
        Arc::new(Self { outbound, lookup })
    }
}

/// A handle that the HTTP client owns.
pub(super) struct Resolver(pub(super) Arc<Checked>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let checked = Arc::clone(&self.0);
        Box::pin(async move {
            let found = checked.lookup.find(name.as_str()).await?;
            for address in &found {
                let address = address.ip();
                if let Some(what) = checked.outbound.refusal(name.as_str(), address) {
                    return Err(Refused { address, what }.into());
                }
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl Lookup {
    async fn find(&self, name: &str) -> std::io::Result<Vec<SocketAddr>> {
        match self {
            Self::System => Ok(tokio::net::lookup_host((name, 0)).await?.collect()),
            #[cfg(test)]
            Self::Scripted(answers) => {
                let mut answers = answers
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                let next = answers.pop_front().unwrap_or_default();
                Ok(next.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect())
            }
        }
    }
}
