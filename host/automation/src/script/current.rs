//! The call that runs on this thread.
//!
//! Rhai's engine is shared, so functions registered in it find the call they belong to here: its
//! effects, its time, its deadline, what its script's top level defined. Set by [`Current::run`] and
//! taken away before it returns.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rhai::{Dynamic, EvalAltResult, Position};
use warbler_domain::Timestamp;

use super::failure::Failure;
use super::modules::Loading;
use super::pattern::Patterns;
use super::watch::Seen;
use crate::effects::Effects;

/// What a script's top level defines.
pub(super) type Names = HashMap<String, Dynamic>;

/// What all calls of a generation share, and none changes.
#[derive(Default)]
pub(super) struct Fixed {
    /// What the script's own top level defines.
    pub(super) own: Names,
    /// The same of its modules, by their names.
    pub(super) modules: HashMap<String, Names>,
    /// Its settings, a map.
    pub(super) config: Dynamic,
    /// Its regular expressions, compiled.
    pub(super) patterns: Patterns,
}

impl Fixed {
    fn constant(&self, module: Option<&str>, name: &str) -> Option<Dynamic> {
        let names = match module {
            None | Some("") => Some(&self.own),
            Some(module) => self.modules.get(module),
        };
        names?.get(name).cloned()
    }
}

/// What a transformer says of its payload besides its bytes.
#[derive(Default)]
pub(super) struct Envelope {
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) headers: Vec<(String, String)>,
}

/// One call.
pub(super) struct Current {
    pub(super) effects: Effects,
    pub(super) fixed: Arc<Fixed>,
    /// The time of the call; absent while a script is loaded.
    pub(super) now: Option<Timestamp>,
    /// Whether this thread may wait for the store.
    pub(super) may_wait: bool,
    /// Whether the script said `stop()`.
    pub(super) stopped: bool,
    /// Present in calls that shape what an endpoint is sent.
    pub(super) envelope: Option<Envelope>,
    /// The limit that ended the call, where Rhai itself does not know it.
    pub(super) halted: Option<crate::effects::Halt>,
    /// Present while a script is loaded.
    pub(super) loading: Option<Loading>,
    /// Its last step before a limit ended it; noted in the engine of `watch` only.
    pub(super) seen: Seen,
    /// Where its random numbers begin, if that is not left to chance.
    pub(super) seed: Option<[u8; 32]>,
    random: Option<StdRng>,
    began: Instant,
    deadline: Instant,
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

impl Current {
    pub(super) fn new(effects: Effects, fixed: Arc<Fixed>, wall: Duration) -> Self {
        let began = Instant::now();
        Self {
            effects,
            fixed,
            now: None,
            may_wait: false,
            stopped: false,
            envelope: None,
            halted: None,
            loading: None,
            seen: Seen::default(),
            seed: None,
            random: None,
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

    /// Since when it has been running.
    pub(super) fn age(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether the call may wait, and until when.
    pub(super) fn turn(&self) -> (bool, Instant) {
        (self.may_wait, self.deadline)
    }

    /// Gives the call the time back that it spent waiting for somebody else.
    pub(super) fn waited(&mut self, since: Instant) {
        self.deadline += since.elapsed();
    }

    /// Random numbers of the call's own.
    pub(super) fn random(&mut self) -> &mut StdRng {
        let (effects, seed) = (&self.effects, self.seed);
        self.random
            .get_or_insert_with(|| StdRng::from_seed(seed.unwrap_or_else(|| effects.seed())))
    }
}

/// What `use_call` does in the call of this thread; `None` outside of one.
pub(super) fn with<T>(use_call: impl FnOnce(&mut Current) -> T) -> Option<T> {
    CURRENT.with_borrow_mut(|current| current.as_mut().map(use_call))
}

/// A name of the top level of the script, or of one of its modules.
pub(super) fn constant(module: Option<&str>, name: &str) -> Option<Dynamic> {
    CURRENT.with_borrow(|current| {
        let current = current.as_ref()?;
        match (&current.loading, module) {
            (Some(loading), Some(module)) => loading.constant(module, name),
            _ => current.fixed.constant(module, name),
        }
    })
}

/// Gives the call of this thread `wall` from now on.
pub(super) fn begin_again(wall: Duration) {
    with(|call| call.deadline = Instant::now() + wall);
}

/// The call of this thread goes on here.
pub(super) fn step(module: Option<&str>, place: Position) {
    with(|call| {
        // `print` cannot end a call, which goes on for a while when the log is full.
        if call.halted.is_none() {
            call.seen.step(module, place);
        }
    });
}

/// Whether the call of this thread is past its deadline.
pub(super) fn is_late() -> bool {
    CURRENT.with_borrow(|current| {
        current
            .as_ref()
            .is_some_and(|current| Instant::now() >= current.deadline)
    })
}
