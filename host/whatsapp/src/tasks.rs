//! The tasks an engine client starts for itself, and their end.
//!
//! The engine lets some of its tasks go on when its connection is over: the one that shows QR codes
//! sleeps for up to a minute and holds the client, and through it the database, all that time.
//! [`Tasks`] is the runtime the engine is given. It starts tasks as the engine wants them, and ends
//! what is left of them when their link is over.
//!
//! Invariant: after [`Tasks::end`] no task of this client runs, so whoever opens the session's next
//! link is alone with its keys.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wacore::runtime::{AbortHandle, Runtime};

/// Longest wait for tasks that are told to end. They end at their next pause, and none works
/// longer than a moment without one.
const ENDING: Duration = Duration::from_secs(5);

type Task = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// The tasks of one engine client. Clones are handles to the same ones.
#[derive(Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    over: CancellationToken,
}

impl Tasks {
    /// Ends what still runs, and waits until it has.
    pub(crate) async fn end(&self) {
        self.over.cancel();
        self.tracker.close();
        let ended = tokio::time::timeout(ENDING, self.tracker.wait());
        if ended.await.is_err() {
            tracing::warn!("Tasks of the engine did not end in time");
        }
    }

    fn start(&self, task: Task) -> tokio::task::JoinHandle<()> {
        let over = self.over.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                biased;
                () = over.cancelled() => {}
                () = task => {}
            }
        })
    }
}

#[async_trait]
impl Runtime for Tasks {
    fn spawn(&self, task: Task) -> AbortHandle {
        let started = self.start(task);
        AbortHandle::new(move || started.abort())
    }

    fn spawn_detached(&self, task: Task) {
        drop(self.start(task));
    }

    fn sleep(&self, duration: Duration) -> Task {
        Box::pin(tokio::time::sleep(duration))
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send + 'static>) -> Task {
        let working = self.tracker.spawn_blocking(work);
        Box::pin(async {
            if working.await.is_err() {
                tracing::error!("Work of the engine panicked");
            }
        })
    }

    fn yield_now(&self) -> Option<Task> {
        // Its tasks run on several threads: none starves the others.
        None
    }
}
