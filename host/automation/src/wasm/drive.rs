//! What drives one call: its clocks, and what they show when it is over.

use std::sync::Arc;
use std::time::Duration;

use warbler_domain::extension::CallCost;

use super::meter::{Meter, Ticked};
use super::wall::within;
use crate::effects::{Effects, Patience};
use crate::fault::Fault;

/// The clocks of one call.
pub(super) struct Drive {
    pub(super) meter: Meter,
    wall: Duration,
    cpu: Duration,
    patience: Option<Arc<Patience>>,
    /// How long the call waited for its turn.
    queue: Duration,
}

impl Drive {
    /// For a call that waited for `queue` and may take `wall`, computing for `cpu` of it.
    pub(super) fn new(wall: Duration, cpu: Duration, queue: Duration, effects: &Effects) -> Self {
        Self {
            meter: Meter::default(),
            wall,
            cpu,
            patience: effects.patience(),
            queue,
        }
    }

    /// Runs the call under both its limits of time.
    pub(super) async fn run<T>(
        &self,
        ticked: &Ticked,
        run: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<T, Fault> {
        let driven = self.meter.drive(self.cpu, ticked, run);
        within(self.wall, self.patience.as_deref(), driven).await
    }

    /// What the call took, with the `memory` it had.
    pub(super) fn cost(&self, memory: u64) -> CallCost {
        CallCost {
            queue: self.queue + self.meter.queue.get(),
            start: self.meter.start.get(),
            guest: self.meter.guest(),
            host: self.meter.host.get(),
            memory,
            ..CallCost::default()
        }
    }
}
