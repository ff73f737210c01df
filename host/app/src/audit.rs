//! The log of changes: who changed what, when, from where.
//!
//! An entry is written in the transaction of its change, so that neither is there without the
//! other; of a change that WhatsApp keeps, right after it. It names ids and names, never secrets,
//! passwords, texts or numbers. Sending leaves none, since the message is there itself, nor do read
//! marks, typing and presence.

use std::fmt::Display;
use std::sync::Arc;

use warbler_domain::caller::Identity;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{Caller, Jid, Refusal, RefusalKind, Scope, ScopeRequired, Session, SessionId};
use warbler_store::Error as StoreError;
use warbler_store::audit::{AuditEntry, AuditFilter};

use crate::core::Shared;

/// What stands for success.
const DONE: &str = "done";

/// Why the log was not shown.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The caller may not.
    #[error(transparent)]
    Scope(#[from] ScopeRequired),
    /// The database.
    #[error("the audit log could not be read")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for AuditError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Scope(err) => err.kind(),
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Scope(err) => err.code(),
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// The log of changes.
pub struct Audit {
    shared: Arc<Shared>,
}

impl Audit {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// A page of it, newest first. For admins.
    pub async fn list(
        &self,
        caller: &Caller,
        filter: AuditFilter,
        page: PageRequest,
    ) -> Result<Page<AuditEntry>, AuditError> {
        caller.require(Scope::Admin)?;
        let entries = self
            .shared
            .store
            .read(move |db| db.audit().list(&filter, page));
        Ok(entries.await?)
    }
}

/// The entry of a change that `caller` makes now, to be stored with it.
pub(crate) fn done(
    shared: &Shared,
    caller: &Caller,
    action: &str,
    target: impl Display,
    name: &str,
) -> AuditEntry {
    let (kind, actor) = match caller.identity() {
        Identity::Host => ("host", None),
        Identity::MasterKey => ("master-key", None),
        Identity::Key(id) => ("key", Some(id.to_string())),
        Identity::User(id, _) => ("user", Some(id.to_string())),
        Identity::SessionToken(id) => ("session-token", Some(id.to_string())),
        Identity::Nobody => ("nobody", None),
    };
    AuditEntry {
        at: shared.clock.now(),
        actor_kind: kind.to_owned(),
        actor,
        actor_name: caller.name().map(str::to_owned),
        address: caller.address(),
        action: action.to_owned(),
        target: Some(target.to_string()),
        name: Some(name.to_owned()),
        outcome: DONE.to_owned(),
    }
}

/// As [`done`], of a change to something that belongs to `session`.
pub(crate) fn done_in(
    shared: &Shared,
    caller: &Caller,
    action: &str,
    target: impl Display,
    session: SessionId,
) -> AuditEntry {
    let found = shared.directory.identity(session);
    let name = found.map_or_else(String::new, |(name, _)| name.to_string());
    done(shared, caller, action, target, &name)
}

/// Stores the entry of a change to `session` itself that WhatsApp keeps and that was just made
/// there.
pub(crate) async fn note(
    shared: &Shared,
    caller: &Caller,
    action: &str,
    session: &Session,
) -> Result<(), StoreError> {
    let entry = done(shared, caller, action, session.id, session.name.as_str());
    insert(shared, entry).await
}

/// As [`note`], of a change to a chat, a person or a group.
pub(crate) async fn note_of(
    shared: &Shared,
    caller: &Caller,
    action: &str,
    of: &Jid,
    session: &Session,
) -> Result<(), StoreError> {
    let name = session.name.as_str();
    let entry = done(shared, caller, action, named(of), name);
    insert(shared, entry).await
}

async fn insert(shared: &Shared, entry: AuditEntry) -> Result<(), StoreError> {
    let storing = shared.store.write(move |tx| tx.audit_mut().insert(&entry));
    storing.await
}

/// What the log calls an address: a group by all of it, anybody else so that no number is told.
pub(crate) fn named(jid: &Jid) -> String {
    if jid.is_group() {
        jid.to_string()
    } else {
        jid.masked()
    }
}
