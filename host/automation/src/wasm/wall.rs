//! The clock around a call.

use std::time::Duration;

use tokio::time::timeout;

use super::failure;
use crate::effects::Patience;
use crate::fault::Fault;

/// Runs a call for at most `wall`, and so much longer as it waits for others.
pub(super) async fn within<T>(
    wall: Duration,
    patience: Option<&Patience>,
    run: impl Future<Output = wasmtime::Result<T>>,
) -> Result<T, Fault> {
    let ran = match patience {
        None => timeout(wall, run).await.ok(),
        Some(patience) => patience.wait(wall, run).await,
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
