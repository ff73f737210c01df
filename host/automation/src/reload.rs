//! Watching the folders: notice, wait until it is quiet, look, load aside, swap.
//!
//! The operating system's reports only say *when* to look; what changed is found by comparing
//! content, so a report that is missed costs at most one poll. One task does all of it, one
//! change after the other.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use warbler_domain::ExtensionName;

use crate::registry::{
    Content, Notice, NoticeKind, Package, RegistryConfig, Request, Scanner, Shared, Table, Wanted,
};

/// Longest time reports that keep coming put off a look.
const MAX_QUIET: Duration = Duration::from_millis(500);
/// How soon to look again for something that went missing.
const SECOND_LOOK: Duration = Duration::from_millis(100);

/// The task that keeps the table up to date.
pub(crate) struct Worker {
    scanner: Option<Scanner>,
    table: Table,
    shared: Arc<Shared>,
    requests: mpsc::Receiver<Request>,
    reports: mpsc::Receiver<()>,
    watch: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
    debounce: Duration,
    poll: Duration,
}

impl Worker {
    pub(crate) fn new(
        config: &RegistryConfig,
        table: Table,
        shared: Arc<Shared>,
        requests: mpsc::Receiver<Request>,
    ) -> Self {
        // One waiting report is as good as many.
        let (report, reports) = mpsc::channel(1);
        let watch = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.map_or(true, |event| is_change(&event)) {
                // Full means that a look is due anyway.
                report.try_send(()).ok();
            }
        });
        let watch = watch
            .inspect_err(
                |error| tracing::warn!(%error, "Extension folders are polled only: {error}"),
            )
            .ok();
        Self {
            scanner: Some(Scanner::new(
                config.plugin_dirs.clone(),
                config.script_dirs.clone(),
                config.limits.clone(),
            )),
            table,
            shared,
            requests,
            reports,
            watch,
            watched: HashSet::new(),
            debounce: config.debounce,
            poll: config.poll.max(Duration::from_millis(100)),
        }
    }

    /// Watches until `cancel`.
    pub(crate) async fn run(mut self, cancel: CancellationToken) {
        let mut poll = tokio::time::interval_at(Instant::now() + self.poll, self.poll);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut second_look: Option<Instant> = None;
        loop {
            let wait = second_look;
            let mut answer = None;
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = poll.tick() => {}
                Some(()) = self.reports.recv() => self.settle().await,
                Some(Request { wanted, done }) = self.requests.recv() => {
                    self.take(wanted).await;
                    answer = Some(done);
                }
                () = at(wait) => {}
            }
            // A second look is taken by the one who asks, so that its answer is final.
            let mut unsettled = self.scan().await.unwrap_or(false);
            if unsettled && answer.is_some() {
                unsettled = self.scan().await.unwrap_or(false);
            }
            second_look = unsettled.then(|| Instant::now() + SECOND_LOOK);
            if let Some(answer) = answer {
                // Whoever asked may have gone.
                answer.send(()).ok();
            }
        }
    }

    /// Prepares what was asked for; the look that follows does the rest.
    async fn take(&mut self, wanted: Wanted) {
        match wanted {
            Wanted::Rescan => {}
            Wanted::Grant(name, granted) => {
                for path in self.table.grant(&name, granted) {
                    if let Some(scanner) = &mut self.scanner {
                        scanner.forget(&path);
                    }
                }
            }
            Wanted::Versions(name, found) => {
                let newest = self.newest(&name).await;
                // Whoever asked may have gone.
                found.send(self.table.versions(&name, newest).await).ok();
            }
        }
    }

    /// The files of an extension as they are now.
    async fn newest(&mut self, name: &ExtensionName) -> Option<Package> {
        let mut scanner = self.scanner.take()?;
        for path in self.table.paths(name) {
            scanner.forget(&path);
        }
        let looked = tokio::task::spawn_blocking(move || {
            let scan = scanner.scan();
            (scanner, scan)
        });
        let (mut scanner, scan) = looked.await.ok()?;
        let found = scan.found.into_iter().find(|found| found.name == *name);
        for path in self.table.paths(name) {
            scanner.forget(&path);
        }
        self.scanner = Some(scanner);
        match found?.content {
            Content::Read(package) => Some(package),
            Content::Unchanged | Content::Unusable(..) => None,
        }
    }

    /// Waits until no report has come for a while.
    async fn settle(&mut self) {
        let latest = Instant::now() + MAX_QUIET;
        loop {
            let quiet = (Instant::now() + self.debounce).min(latest);
            match tokio::time::timeout_at(quiet, self.reports.recv()).await {
                Ok(Some(())) if Instant::now() < latest => {}
                _ => return,
            }
        }
    }

    /// Looks at the folders and makes what is there hold. Whether something may yet come back, or
    /// `None` when looking broke off.
    pub(crate) async fn scan(&mut self) -> Option<bool> {
        let mut scanner = self.scanner.take()?;
        let looked = tokio::task::spawn_blocking(move || {
            let scan = scanner.scan();
            (scanner, scan)
        });
        let (scanner, scan) = looked
            .await
            .inspect_err(|error| tracing::error!(%error, "Looking at the extension folders broke off: {error}"))
            .ok()?;
        self.scanner = Some(scanner);
        let folders = scan.folders.clone();
        let newly_watched = self.watch(folders);
        let shared = Arc::clone(&self.shared);
        let changes = self
            .table
            .apply(scan, |snapshot| shared.publish(snapshot))
            .await;
        for notice in changes.notices {
            log(&notice);
            // Nobody needs to listen.
            drop(self.shared.notices.send(notice));
        }
        // Between the look and the watch something may have been put into a new folder.
        Some(changes.unsettled || newly_watched)
    }

    /// Watches exactly `folders`; whether one of them is new.
    fn watch(&mut self, folders: Vec<PathBuf>) -> bool {
        let Some(watch) = &mut self.watch else {
            return false;
        };
        let folders: HashSet<PathBuf> = folders.into_iter().collect();
        for gone in self.watched.difference(&folders) {
            // A folder that is gone is no longer watched anyway.
            drop(watch.unwatch(gone));
        }
        self.watched.retain(|folder| folders.contains(folder));
        let mut is_new = false;
        for folder in folders {
            if self.watched.contains(&folder) {
                continue;
            }
            match watch.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    is_new = true;
                    self.watched.insert(folder);
                }
                Err(error) => {
                    tracing::debug!(%error, "{} is polled only: {error}", folder.display());
                }
            }
        }
        is_new
    }
}

/// Whether a report is about content; our own reading is reported, too.
fn is_change(event: &notify::Event) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

/// At that time, or never.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn log(notice: &Notice) {
    let extension = &notice.name;
    for warning in &notice.warnings {
        tracing::warn!(%extension, "{extension}: {warning}");
    }
    match &notice.what {
        NoticeKind::Failed { fault, .. } | NoticeKind::Returned { fault, .. } => {
            tracing::warn!(%extension, code = fault.code, file = fault.file, line = fault.line, "{notice}");
        }
        _ => tracing::info!(%extension, millis = notice.took.as_millis() as u64, "{notice}"),
    }
}
