//! Figures about the running host: for operators and what watches for them.
//!
//! What happens often is counted in memory since the start; what is there now is asked for when
//! somebody wants to know.

mod memory;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use warbler_domain::extension::ExtensionStatus;
use warbler_domain::{Caller, EventKind, Refusal, RefusalKind, Scope, ScopeRequired};
use warbler_store::depths::Depths;

use crate::core::Shared;

pub use memory::{Memory, memory};

/// Kinds of events that are told apart; extensions may invent kinds.
const MAX_KINDS: usize = 64;
/// What stands for all kinds beyond that, and for those that extensions make.
const OTHER_KINDS: &str = "custom";

/// What is counted since the start.
#[derive(Default)]
pub(crate) struct Counters {
    done: Mutex<BTreeMap<String, Done>>,
}

/// Events of one kind that the chain is through with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Those at which every extension did well, or none was called.
    pub well: u64,
    /// Those at which one failed.
    pub with_faults: u64,
}

impl Counters {
    /// The chain is through with an event.
    pub(crate) fn done(&self, kind: &EventKind, with_faults: bool) {
        let kind = match kind.as_str() {
            made if made.starts_with(EventKind::CUSTOM) => OTHER_KINDS,
            kind => kind,
        };
        let mut done = self.lock();
        if !done.contains_key(kind) {
            if done.len() >= MAX_KINDS {
                return;
            }
            done.insert(kind.to_owned(), Done::default());
        }
        let Some(count) = done.get_mut(kind) else {
            return;
        };
        if with_faults {
            count.with_faults += 1;
        } else {
            count.well += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Done>> {
        self.done
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// How the host stands.
#[derive(Debug, Clone)]
pub struct HostFigures {
    /// Events the chain is through with since the start, by kind.
    pub done: BTreeMap<String, Done>,
    /// What waits in the database.
    pub depths: Depths,
    /// Jobs that wait for the database's writer.
    pub waiting_writes: u64,
    /// Sessions by where they stand.
    pub sessions: BTreeMap<&'static str, u64>,
    /// The extensions.
    pub extensions: Vec<ExtensionStatus>,
}

/// Why no figures were given.
#[derive(Debug, thiserror::Error)]
pub enum FiguresError {
    /// The caller may not.
    #[error(transparent)]
    Scope(#[from] ScopeRequired),
    /// The database.
    #[error("the figures could not be read")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for FiguresError {
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

/// Figures about the host.
pub struct Figures {
    shared: Arc<Shared>,
}

impl Figures {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// How the host stands. For admins.
    pub async fn of_host(&self, caller: &Caller) -> Result<HostFigures, FiguresError> {
        caller.require(Scope::Admin)?;
        let store = &self.shared.store;
        let read =
            store.read(|db| Ok::<_, warbler_store::Error>((db.depths()?, db.sessions().list()?)));
        let (depths, all) = read.await?;
        let mut sessions = BTreeMap::new();
        for session in all {
            *sessions.entry(session.state.as_str()).or_default() += 1;
        }
        Ok(HostFigures {
            done: self.shared.counters.lock().clone(),
            depths,
            waiting_writes: store.waiting_writes() as u64,
            sessions,
            extensions: self.shared.extensions.statuses(),
        })
    }
}
