//! The clock around a call.

use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::failure;
use crate::effects::Patience;
use crate::fault::Fault;

/// How often a call that may wait for others is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Runs a call for at most `wall`, and so much longer as it waits for others.
pub(super) async fn within<T>(
    wall: Duration,
    patience: Option<&Patience>,
    run: impl Future<Output = wasmtime::Result<T>>,
) -> Result<T, Fault> {
    let ran = match patience {
        None => timeout(wall, run).await.ok(),
        Some(patience) => patiently(wall, patience, run).await,
    };
    match ran {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(failure::of_call(&error)),
        None => Err(Fault::new(
            "deadline",
            format!("no answer within {} ms", wall.as_millis()),
        )),
    }
}

async fn patiently<T>(
    wall: Duration,
    patience: &Patience,
    run: impl Future<Output = T>,
) -> Option<T> {
    let own = Instant::now() + wall;
    let mut run = std::pin::pin!(run);
    loop {
        // What is lent is given back early when an answer comes early.
        let look = (own + patience.granted()).min(Instant::now() + LOOK);
        if let Ok(done) = timeout_at(look, &mut run).await {
            return Some(done);
        }
        if Instant::now() >= own + patience.granted() {
            return None;
        }
    }
}
