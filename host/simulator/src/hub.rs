//! What every part of the server shares: the state and its lock, the clock, the tasks.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use crate::address::Form;
use crate::faults::unlinked;
use crate::handshake::ServerIdentity;
use crate::media::MediaStore;
use crate::state::State;
use crate::state::account::{AccountId, DeviceRef, Link, PhoneWork};

/// How many delayed actions wait at once; one more happens at once instead.
const MAX_TIMERS: usize = 10_000;

pub(crate) struct Hub {
    state: Mutex<State>,
    pub(crate) media: MediaStore,
    pub(crate) identity: ServerIdentity,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) runtime: Handle,
    /// Counts changes that somebody may wait for: devices linked, activated, gone.
    changed: watch::Sender<u64>,
    clock_offset: AtomicI64,
    timers: AtomicUsize,
}

impl Hub {
    pub(crate) fn new(
        state: State,
        media_bytes: usize,
        identity: ServerIdentity,
        runtime: Handle,
    ) -> Self {
        Self {
            state: Mutex::new(state),
            media: MediaStore::new(media_bytes),
            identity,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            runtime,
            changed: watch::Sender::new(0),
            clock_offset: AtomicI64::new(0),
            timers: AtomicUsize::new(0),
        }
    }

    /// The state. A handler that panicked has left it as it was between two stanzas.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seconds since 1970, as the server believes.
    pub(crate) fn now(&self) -> u64 {
        let real = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        real.saturating_add_signed(self.clock_offset.load(Ordering::Relaxed))
    }

    pub(crate) fn set_clock_offset(&self, seconds: i64) {
        self.clock_offset.store(seconds, Ordering::Relaxed);
    }

    /// Tells whoever waits that something has changed.
    pub(crate) fn touch(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// Waits until a question about the state has an answer, or time is up.
    pub(crate) async fn wait_for<T>(
        &self,
        within: Duration,
        mut ask: impl FnMut(&State) -> Option<T>,
    ) -> Option<T> {
        let mut changes = self.changed.subscribe();
        let deadline = tokio::time::Instant::now() + within;
        loop {
            if let Some(answer) = ask(&self.lock()) {
                return Some(answer);
            }
            match tokio::time::timeout_at(deadline, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return None,
            }
        }
    }

    /// Does something a little later.
    pub(crate) fn later(
        self: &Arc<Self>,
        state: &mut State,
        after: Duration,
        action: impl FnOnce(&Arc<Hub>, &mut State) + Send + 'static,
    ) {
        if self.timers.fetch_add(1, Ordering::Relaxed) >= MAX_TIMERS {
            self.timers.fetch_sub(1, Ordering::Relaxed);
            action(self, state);
            return;
        }
        let hub = Arc::clone(self);
        let task = async move {
            tokio::select! {
                () = hub.stop.cancelled() => {}
                () = tokio::time::sleep(after) => action(&hub, &mut hub.lock()),
            }
            hub.timers.fetch_sub(1, Ordering::Relaxed);
        };
        self.tasks.spawn_on(task, &self.runtime);
    }

    /// Takes a companion away: its connection ends, its next login fails, everybody is told.
    pub(crate) fn unlink(self: &Arc<Self>, state: &mut State, at: DeviceRef) {
        if at.device == 0 {
            return;
        }
        let Some(account) = state.account_mut(at.account) else {
            return;
        };
        let Some(index) = account.devices.iter().position(|one| one.id == at.device) else {
            return;
        };
        let device = account.devices.remove(index);
        if let Link::Socket(id) = device.link {
            if let Some(connection) = state.connections.get_mut(&id) {
                connection.who = None;
            }
            state.finish(id, unlinked());
        }
        let now = self.now();
        let listed = NodeBuilder::new("device").attr("jid", state.jid(at, Form::Pn));
        let removed = NodeBuilder::new("remove").children([
            listed.build(),
            NodeBuilder::new("key-index-list").attr("ts", now).build(),
        ]);
        self.announce(state, at.account, "devices", &removed.build());
        state.phone_work(at.account, PhoneWork::Relist);
        self.touch();
    }

    /// Tells an account's own companions, and the companions of everybody who knows it or has asked
    /// for its devices, that something about the account has changed.
    pub(crate) fn announce(
        self: &Arc<Self>,
        state: &mut State,
        account: AccountId,
        kind: &'static str,
        news: &Node,
    ) {
        let mut told: Vec<AccountId> = state
            .account(account)
            .map(|found| found.watchers.union(&found.known).copied().collect())
            .unwrap_or_default();
        told.retain(|other| *other != account);
        told.sort_unstable();
        told.push(account);
        for other in told {
            for to in state.devices_of(other) {
                if to.device == 0 {
                    continue;
                }
                let node = NodeBuilder::new("notification")
                    .attr("from", state.user_jid(account, Form::Pn))
                    .attr("type", kind)
                    .attr("id", state.server_id())
                    .attr("t", self.now())
                    .children([news.clone()]);
                let node = match state.tells_lids {
                    true => node.attr("lid", state.user_jid(account, Form::Lid)),
                    false => node,
                };
                self.deliver(state, to, node.build());
            }
        }
    }

    /// Puts a stanza into a device's queue and sends what can be sent.
    pub(crate) fn deliver(self: &Arc<Self>, state: &mut State, to: DeviceRef, node: Node) {
        self.enqueue(state, to, Arc::new(node));
        state.pump(to);
    }

    pub(crate) fn enqueue(&self, state: &mut State, to: DeviceRef, node: Arc<Node>) {
        let Some(device) = state.device_mut(to) else {
            return;
        };
        if let Err(error) = device.queue.push(node) {
            tracing::warn!(device = to.device, %error, "A stanza for a simulated device is lost");
        }
    }
}

impl State {
    /// Gives the phone of an account something to do; what it cannot take it is asked again.
    pub(crate) fn phone_work(&self, account: AccountId, work: PhoneWork) {
        let Some(account) = self.account(account) else {
            return;
        };
        if account.person.work(work).is_err() {
            tracing::debug!("A simulated phone is too busy for an errand");
        }
    }
}
