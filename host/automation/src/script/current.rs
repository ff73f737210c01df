//! The call that runs on this thread.
//!
//! Rhai's engine is shared, so functions registered in it find the call they belong to here: its
//! effects, its time, its deadline, its script's constants. Set by [`Current::run`] and taken away
//! before it returns.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rhai::{Dynamic, EvalAltResult};
use warbler_domain::Timestamp;

use super::failure::Failure;
use crate::effects::Effects;

/// What a script's top level defines.
pub(super) type Names = HashMap<String, Dynamic>;

/// Shared by all calls of a generation.
#[derive(Clone, Default)]
pub(super) struct Constants(Arc<Names>);

impl FromIterator<(String, Dynamic)> for Constants {
    fn from_iter<I: IntoIterator<Item = (String, Dynamic)>>(names: I) -> Self {
        Self(Arc::new(names.into_iter().collect()))
    }
}

/// One call.
pub(super) struct Current {
    pub(super) effects: Effects,
    /// The time of the call; absent while a script is loaded.
    pub(super) now: Option<Timestamp>,
    /// Whether this thread may wait for the store.
    pub(super) may_wait: bool,
    /// Whether the script said `stop()`.
    pub(super) stopped: bool,
    /// The limit that ended the call, where Rhai itself does not know it.
    pub(super) halted: Option<crate::effects::Halt>,
    constants: Constants,
    began: Instant,
    deadline: Instant,
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

impl Current {
    pub(super) fn new(effects: Effects, constants: Constants, wall: Duration) -> Self {
        let began = Instant::now();
        Self {
            effects,
            now: None,
            may_wait: false,
            stopped: false,
            halted: None,
            constants,
            began,
            deadline: began + wall,
        }
    }

    /// Runs `script` as this call, and gives the call's effects back with what came of it. A panic
    /// inside is a failure like any other; the call is absent only if the panic took it along.
    pub(super) fn run<T>(
        self,
        script: impl FnOnce() -> Result<T, Box<EvalAltResult>>,
    ) -> (Option<Self>, Result<T, Failure>) {
        CURRENT.set(Some(self));
        let result = catch_unwind(AssertUnwindSafe(script));
        let mut current = CURRENT.take();
        let halted = current.as_mut().and_then(|current| current.halted.take());
        let result = match (result, halted) {
            (Err(_panic), _) => Err(Failure::Panicked),
            (Ok(Err(error)), Some(halt)) => Err(Failure::Halted(halt, Some(error))),
            (Ok(Ok(_)), Some(halt)) => Err(Failure::Halted(halt, None)),
            (Ok(Err(error)), None) => Err(Failure::Script(error)),
            (Ok(Ok(value)), None) => Ok(value),
        };
        (current, result)
    }

    /// The call of an event, at its time.
    #[must_use]
    pub(super) fn at(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// A call on a thread that may wait.
    #[must_use]
    pub(super) fn that_may_wait(mut self) -> Self {
        self.may_wait = true;
        self
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Since when it has been running.
    pub(super) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether the call may wait, and until when.
    pub(super) fn turn(&self) -> (bool, Instant) {
        (self.may_wait, self.deadline)
    }
}

/// What `use_call` does in the call of this thread; `None` outside of one.
pub(super) fn with<T>(use_call: impl FnOnce(&mut Current) -> T) -> Option<T> {
    CURRENT.with_borrow_mut(|current| current.as_mut().map(use_call))
}

/// A name of the script's top level.
pub(super) fn constant(name: &str) -> Option<Dynamic> {
    CURRENT.with_borrow(|current| current.as_ref()?.constants.0.get(name).cloned())
}

/// Whether the call of this thread is past its deadline.
pub(super) fn is_late() -> bool {
    CURRENT.with_borrow(|current| {
        current
            .as_ref()
            .is_some_and(|current| Instant::now() >= current.deadline)
    })
}
