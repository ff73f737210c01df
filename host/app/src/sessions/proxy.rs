//! Through which proxy a session reaches WhatsApp.

use warbler_domain::proxy::BadProxy;
use warbler_domain::{Caller, Proxy, Scope, SessionRef};
use warbler_store::Error as StoreError;

use super::{SessionError, Sessions, usable_by};

impl Sessions {
    /// The proxy of a session, if it has one. For admins, as setting it is: a proxy sees where its
    /// host connects to, and may stand anywhere.
    pub async fn proxy(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<Option<Proxy>, SessionError> {
        let session = usable_by(&self.shared, caller, session, Scope::Admin).await?;
        let found = self
            .shared
            .store
            .read(move |db| db.sessions().proxy(session.id));
        let found = found.await.map_err(SessionError::Store)?;
        let proxy = found.map(|url| url.parse()).transpose();
        proxy.map_err(|err: BadProxy| {
            SessionError::Store(StoreError::Corrupt {
                place: "sessions.settings",
                what: err.to_string(),
            })
        })
    }

    /// Sets a session's proxy, or has it go the direct way. It holds from the next connection on.
    pub async fn set_proxy(
        &self,
        caller: &Caller,
        session: &SessionRef,
        proxy: Option<Proxy>,
    ) -> Result<(), SessionError> {
        let session = usable_by(&self.shared, caller, session, Scope::Admin).await?;
        let entry = self.entry(caller, "session.proxy", &session);
        let url = proxy.map(|proxy| proxy.expose());
        let written = self.shared.store.write(move |tx| {
            tx.sessions_mut().set_proxy(session.id, url.as_deref())?;
            tx.audit_mut().insert(&entry)
        });
        written.await.map_err(SessionError::Store)
    }
}
