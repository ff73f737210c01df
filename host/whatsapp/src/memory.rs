//! What an engine remembers of people, for what both engines share.

use async_trait::async_trait;
use std::sync::Arc;
use warbler_domain::Jid;
use warbler_domain::jid::Server;
use whatsapp_rust::Client;

use crate::address;

/// The account's own addresses, and the pairs of number and LID that were learned.
#[async_trait]
pub(crate) trait Memory: Send + Sync {
    /// The account's phone-number address, once the session is linked.
    async fn own(&self) -> Option<Jid>;

    /// The account's LID, once it is known.
    async fn own_lid(&self) -> Option<Jid>;

    /// The number of somebody's LID, or the LID of a number, as far as it was learned.
    async fn learned(&self, jid: &Jid) -> Option<Jid>;
}

#[async_trait]
impl<M: Memory + ?Sized> Memory for Arc<M> {
    async fn own(&self) -> Option<Jid> {
        (**self).own().await
    }

    async fn own_lid(&self) -> Option<Jid> {
        (**self).own_lid().await
    }

    async fn learned(&self, jid: &Jid) -> Option<Jid> {
        (**self).learned(jid).await
    }
}

#[async_trait]
impl Memory for Client {
    async fn own(&self) -> Option<Jid> {
        self.pn().as_ref().and_then(address::plain)
    }

    async fn own_lid(&self) -> Option<Jid> {
        self.lid().as_ref().and_then(address::plain)
    }

    async fn learned(&self, jid: &Jid) -> Option<Jid> {
        let asked = address::engine(jid);
        let found = self.get_lid_pn_entry(&asked).await;
        let entry = found.unwrap_or_else(|err| {
            tracing::warn!(%err, "The other address of {} could not be looked up", jid.masked());
            None
        })?;
        pair(jid, &entry.lid, &entry.phone_number)
    }
}

/// Of a pair, the address that `jid` is not.
pub(crate) fn pair(jid: &Jid, lid: &str, number: &str) -> Option<Jid> {
    let text = match jid.server() {
        Server::Pn => format!("{lid}@lid"),
        Server::Lid => format!("{number}@s.whatsapp.net"),
        _ => return None,
    };
    text.parse().ok()
}
