//! The worker: runs what is due.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tracing::{error, info};
use warbler_domain::schedule::{Missed, Schedule, ScheduleRun};
use warbler_domain::{Message, Timestamp};
use warbler_store::Error as StoreError;

use crate::core::Shared;
use crate::messages::{Destination, outgoing};

/// Longest time until the next look, whatever is due: clocks are set.
const LOOK: Duration = Duration::from_secs(30);
/// Pause before a failed look is repeated.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// Runs that are dealt with in one look.
const BATCH: u32 = 128;

/// The worker's shared state.
#[derive(Default)]
pub(crate) struct Runner {
    wake: Notify,
}

impl Runner {
    /// There is another schedule.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }
}

/// The worker, until the host stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    loop {
        let pause = match look(&shared).await {
            Ok(pause) => pause,
            Err(err) => {
                error!(%err, "Schedules could not be run");
                STORE_RETRY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shared.schedules.wake.notified() => {}
            () = shared.stop.cancelled() => return,
        }
    }
}

/// Runs what is due; how long until more may be.
async fn look(shared: &Arc<Shared>) -> Result<Duration, StoreError> {
    let now = shared.clock.now();
    let due = shared.store.read(move |db| db.schedules().due(now, BATCH));
    let due: Vec<Schedule> = due.await?;
    if due.is_empty() {
        let next = shared.store.read(|db| db.schedules().next()).await?;
        let pause = next.map(|next| next.since(now) + Duration::from_millis(1));
        return Ok(pause.unwrap_or(LOOK).min(LOOK));
    }
    for schedule in due {
        deal_with(shared, schedule, now).await?;
    }
    crate::outbox::wake(shared);
    Ok(Duration::ZERO)
}

async fn deal_with(
    shared: &Arc<Shared>,
    schedule: Schedule,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(due_at) = schedule.next_at else {
        return Ok(());
    };
    let late = now.since(due_at) > Duration::from_secs(Schedule::LATE_SECONDS);
    // However many were missed, the next one is to come.
    let next_at = schedule.timing.next(&schedule.zone, now.max(due_at));
    let made = if late && schedule.missed == Missed::Skip {
        Err(("missed", "its time had passed while the host was down"))
    } else {
        message(shared, &schedule).await?
    };
    let (id, session) = (schedule.id, schedule.session);
    let mut run = ScheduleRun {
        due_at,
        at: now,
        message: None,
        code: None,
        error: None,
    };
    let message = match made {
        Ok(message) => {
            run.message = Some(message.id);
            Some(message)
        }
        Err((code, error)) => {
            (run.code, run.error) = (Some(code.to_owned()), Some(error.to_owned()));
            None
        }
    };
    let worker = Arc::clone(shared);
    let ran = shared.store.write(move |tx| {
        let unwanted = message
            .as_ref()
            .map(|message| crate::campaigns::is_unwanted(&worker, tx, message));
        let message = match unwanted.transpose()? {
            Some(true) => {
                run.message = None;
                run.code = Some("suppressed".to_owned());
                run.error = Some("the recipient does not want to be written to".to_owned());
                None
            }
            _ => message,
        };
        if !tx.schedules_mut().ran(id, &run, next_at)? {
            return Ok::<_, StoreError>(false);
        }
        if let Some(message) = &message {
            tx.messages_mut().insert(message)?;
            tx.outbox_mut().enqueue(message, now, None)?;
        }
        Ok(true)
    });
    if ran.await? {
        info!(session.id = %session, schedule.id = %id, late, "A schedule ran");
    }
    Ok(())
}

type Made = Result<Box<Message>, (&'static str, &'static str)>;

async fn message(shared: &Arc<Shared>, schedule: &Schedule) -> Result<Made, StoreError> {
    let identity = shared.directory.identity(schedule.session);
    let Some((_, Some(account))) = identity else {
        return Ok(Err((
            "not_paired",
            "the session was not linked to a phone when it was due",
        )));
    };
    let to = Destination::of(shared, schedule.session, schedule.to.clone()).await?;
    let content = schedule.content.clone();
    let message = outgoing(shared, schedule.session, &account, to, content, None);
    Ok(Ok(Box::new(message)))
}
