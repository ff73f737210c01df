//! Giving a session another name.

use tracing::info;
use warbler_domain::{Caller, Scope, Session, SessionName, SessionRef};

use super::{SessionError, Sessions, usable_by};
use crate::audit;

impl Sessions {
    /// Gives a session another name. Its id stays, and with it all that belongs to the session.
    pub async fn rename(
        &self,
        caller: &Caller,
        session: &SessionRef,
        name: SessionName,
    ) -> Result<Session, SessionError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        if session.name == name {
            return Ok(session);
        }
        let (id, wanted) = (session.id, name.clone());
        let entry = audit::done(&self.shared, caller, "session.rename", id, name.as_str());
        let renaming = self.shared.store.write(move |tx| {
            let renamed = tx.sessions_mut().set_name(id, &wanted)?;
            if renamed {
                tx.audit_mut().insert(&entry)?;
            }
            Ok(renamed)
        });
        if !renaming.await.map_err(SessionError::Store)? {
            return Err(SessionError::NameTaken(name));
        }
        self.shared.directory.set_name(id, name.clone());
        info!(session.id = %id, caller = caller.label(), "Session {} is called {name} now", session.name);
        usable_by(&self.shared, caller, &id.into(), Scope::Manage).await
    }
}
