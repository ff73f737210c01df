//! Who may use a session's keys: one link of it at a time, whatever the engine.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use warbler_app::driver::DriverError;
use warbler_domain::SessionId;

/// The seats of an engine's sessions; there is one per session.
#[derive(Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<HashSet<SessionId>>>);

impl Seats {
    /// Takes a session's seat.
    ///
    /// # Errors
    /// A [`DriverError::Engine`] while somebody has it.
    pub(crate) fn take(&self, session: SessionId) -> Result<Seat, DriverError> {
        if !self.taken().insert(session) {
            return Err(DriverError::Engine(
                "a link of this session is open".to_owned(),
            ));
        }
        Ok(Seat {
            seats: self.clone(),
            session,
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to use a session's keys; it is given up by dropping it.
pub(crate) struct Seat {
    seats: Seats,
    session: SessionId,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken().remove(&self.session);
    }
}
