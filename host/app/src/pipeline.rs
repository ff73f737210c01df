//! An event's way: stored → chain of extensions → actions, in one commit with "done".
//!
//! The worker reads stored events that are not done, in order, and gives each to the lane of its
//! chat; lanes run side by side, a lane one event after the other. An event's extensions are
//! called in the order of the chain; what they ask for is collected and carried out in the
//! transaction that marks the event done. A crash before that commit runs the event again from
//! nothing; after it, never again.

mod actions;
mod guard;
mod signs;
mod strangers;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tracing::{error, warn};
use warbler_domain::extension::TraceStep;
use warbler_domain::session::Account;
use warbler_domain::{Event, ExtensionName, Jid, SessionId, Verdict};
use warbler_store::Error as StoreError;
use warbler_store::events::{Stored, Trace};
use warbler_store::kv::KvWrite;

use crate::core::Shared;
use crate::hook::{EventHook, HookCall, KvReader};

pub(crate) use guard::LoopGuard;

use actions::{Asked, NotDone};
use signs::Signs;

/// Events in memory at the same time: running and waiting for their chat's turn.
const IN_FLIGHT: u32 = 512;
/// Events read at once.
const BATCH: u32 = 256;
/// Pause before an event whose commit failed is tried again.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// The worker's shared state.
pub(crate) struct Pipeline {
    wake: Notify,
    room: Arc<Semaphore>,
    lanes: Mutex<HashMap<Lane, VecDeque<Waiting>>>,
    guard: LoopGuard,
    signs: Signs,
}

/// Events of one lane are handled in order: those of one chat, or those of a session that belong
/// to no chat.
type Lane = (SessionId, Option<Jid>);

struct Waiting {
    event: Event,
    /// Gives its place back when the event is done.
    _room: OwnedSemaphorePermit,
}

impl Pipeline {
    pub(crate) fn new(loop_guard: u32) -> Self {
        Self {
            wake: Notify::new(),
            room: Arc::new(Semaphore::new(IN_FLIGHT as usize)),
            lanes: Mutex::default(),
            guard: LoopGuard::new(loop_guard),
            signs: Signs::new(),
        }
    }

    /// There are new events.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Puts an event into its lane; `true` when the lane has to be started.
    fn enter(&self, lane: Lane, waiting: Waiting) -> bool {
        let mut lanes = self.lanes();
        match lanes.get_mut(&lane) {
            Some(queue) => {
                queue.push_back(waiting);
                false
            }
            None => {
                lanes.insert(lane, VecDeque::from([waiting]));
                true
            }
        }
    }

    /// The next event of a lane; the lane is gone when there is none.
    fn next(&self, lane: &Lane) -> Option<Waiting> {
        let mut lanes = self.lanes();
        let next = lanes.get_mut(lane).and_then(VecDeque::pop_front);
        if next.is_none() {
            lanes.remove(lane);
        }
        next
    }

    fn lanes(&self) -> std::sync::MutexGuard<'_, HashMap<Lane, VecDeque<Waiting>>> {
        self.lanes
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The worker: until the host stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut seen = 0;
    loop {
        match shared
            .store
            .read(move |db| db.events().pending(seen, BATCH))
            .await
        {
            Ok(batch) if batch.is_empty() => tokio::select! {
                () = shared.pipeline.wake.notified() => {}
                () = shared.stop.cancelled() => return,
            },
            Ok(batch) => {
                for stored in batch {
                    seen = stored.seq;
                    if !dispatch(&shared, stored).await {
                        return;
                    }
                }
            }
            Err(err) => {
                error!(%err, "The pipeline could not read events");
                tokio::select! {
                    () = tokio::time::sleep(STORE_RETRY) => {}
                    () = shared.stop.cancelled() => return,
                }
            }
        }
    }
}

/// Gives an event to its lane, when there is room; `false` when the host stops.
async fn dispatch(shared: &Arc<Shared>, stored: Stored) -> bool {
    let room = tokio::select! {
        room = Arc::clone(&shared.pipeline.room).acquire_owned() => room,
        () = shared.stop.cancelled() => return false,
    };
    let Ok(room) = room else {
        return false;
    };
    let lane: Lane = (stored.event.session, stored.event.chat().cloned());
    if shared.pipeline.enter(
        lane.clone(),
        Waiting {
            event: stored.event,
            _room: room,
        },
    ) {
        shared.tasks.spawn(run_lane(Arc::clone(shared), lane));
    }
    true
}

async fn run_lane(shared: Arc<Shared>, lane: Lane) {
    while let Some(waiting) = shared.pipeline.next(&lane) {
        if shared.stop.is_cancelled() {
            return;
        }
        handle(&shared, Arc::new(waiting.event)).await;
    }
}

/// Takes one event through the chain and commits what came of it, again until that succeeds.
async fn handle(shared: &Arc<Shared>, event: Arc<Event>) {
    let Some((session_name, account)) = shared.directory.identity(event.session) else {
        // The session was deleted, and its events with it.
        return;
    };
    loop {
        let done = match run_chain(shared, &event, &session_name, account.as_ref()).await {
            Ok(ran) => commit(shared, &event, ran).await,
            Err(err) => Err(err),
        };
        match done {
            Ok(()) => return,
            Err(err) => {
                error!(event.id = %event.id, %err, "An event's effects could not be stored; it will run again");
                tokio::select! {
                    () = tokio::time::sleep(STORE_RETRY) => {}
                    () = shared.stop.cancelled() => return,
                }
            }
        }
    }
}

/// What the chain made of an event.
#[derive(Default)]
struct Ran {
    steps: Vec<TraceStep>,
    kv: Vec<(ExtensionName, Vec<KvWrite>)>,
    asked: Asked,
}

/// What one extension made of an event.
struct Called {
    step: TraceStep,
    kv: Vec<KvWrite>,
    asked: Asked,
}

async fn run_chain(
    shared: &Arc<Shared>,
    event: &Arc<Event>,
    session_name: &warbler_domain::SessionName,
    account: Option<&Account>,
) -> Result<Ran, StoreError> {
    let mut ran = Ran::default();
    for hook in shared
        .extensions
        .chain()
        .iter()
        .filter(|hook| hook.wants(event))
    {
        let called = call(shared, hook.as_ref(), event, session_name, account).await?;
        let stop = called.step.verdict == Verdict::Stop;
        if !called.kv.is_empty() {
            ran.kv.push((called.step.extension.clone(), called.kv));
        }
        ran.asked.append(called.asked);
        ran.steps.push(called.step);
        if stop {
            break;
        }
    }
    Ok(ran)
}

async fn call(
    shared: &Arc<Shared>,
    hook: &dyn EventHook,
    event: &Arc<Event>,
    session_name: &warbler_domain::SessionName,
    account: Option<&Account>,
) -> Result<Called, StoreError> {
    let now = shared.clock.now();
    let call = HookCall {
        event: Arc::clone(event),
        owner: shared.directory.owner(event.session).flatten(),
        session_name: session_name.clone(),
        now,
        kv: KvReader::new(shared.store.clone(), hook.name().clone(), now),
    };
    let began = Instant::now();
    let mut outcome = hook.handle(call).await;
    let took = began.elapsed();
    if outcome.fault.is_none() {
        let actions = &outcome.actions;
        let messages = actions.iter().filter(|action| action.is_message()).count();
        outcome.fault = actions::refuse_ungranted(hook.name(), hook.grants(), actions, event, now)
            .or_else(|| shared.pipeline.guard.check(event, messages, now));
    }
    if outcome.fault.is_none() {
        let actions = &outcome.actions;
        outcome.fault =
            strangers::refuse(shared, hook.name(), hook.grants(), actions, event, now).await?;
    }
    let mut asked = Asked::default();
    if outcome.fault.is_none() && !outcome.actions.is_empty() {
        let actions = &outcome.actions;
        match actions::prepare(shared, hook.name(), event, account, actions).await {
            Ok(ready) => asked = ready,
            Err(NotDone::Fault(fault)) => outcome.fault = Some(fault),
            Err(NotDone::Store(err)) => return Err(err),
        }
    }
    if let Some(fault) = &mut outcome.fault {
        fault.event = Some(event.id);
        warn!(event.id = %event.id, extension = %hook.name(), code = fault.code, "An extension failed at an event");
        shared.extensions.note_fault(hook.name(), fault);
        outcome.actions.clear();
        outcome.kv_writes.clear();
        outcome.verdict = Verdict::Next;
    }
    let step = TraceStep {
        extension: hook.name().clone(),
        kind: hook.kind(),
        generation: hook.generation().clone(),
        took,
        verdict: outcome.verdict,
        actions: outcome.actions,
        logs: outcome.logs,
        cost: Some(outcome.cost),
        error: outcome.fault,
    };
    Ok(Called {
        step,
        kv: outcome.kv_writes,
        asked,
    })
}

/// Marks the event done and carries out what was asked for, in one transaction.
///
/// The commit is relaxed: nothing that cannot be taken back follows it but a stanza, and a driver
/// sends none before a durable write of its own (see [`crate::driver`]).
async fn commit(shared: &Arc<Shared>, event: &Arc<Event>, ran: Ran) -> Result<(), StoreError> {
    let now = shared.clock.now();
    let Asked {
        messages,
        events,
        timers,
        signs,
    } = ran.asked;
    let events: Vec<_> = events
        .into_iter()
        .map(|event| {
            let done = !crate::ingest::is_wanted(shared, &event);
            (event, done)
        })
        .collect();
    let timed = !timers.is_empty();
    let trace = Trace {
        done_at: now,
        steps: ran.steps,
    };
    let mut slots: Vec<_> = messages
        .iter()
        .map(|m| crate::outbox::slot(shared, m.session))
        .collect();
    let leases: Vec<_> = slots
        .iter()
        .map(|slot| slot.as_ref().map(|slot| slot.lease.clone()))
        .collect();
    let with_faults = trace.steps.iter().any(|step| step.error.is_some());
    let id = event.id;
    let kv = ran.kv;
    let deliveries = crate::webhooks::deliveries_of(shared, event);
    let receivers: Vec<_> = deliveries.iter().map(|(one, _)| one.webhook).collect();
    let (claimed, newest) = shared
        .store
        .write_relaxed_together(move |tx| {
            let mut claimed = Vec::new();
            let mut newest = None;
            if !tx.events_mut().finish(id, &trace)? {
                return Ok::<_, StoreError>((claimed, newest));
            }
            for (extension, writes) in &kv {
                tx.kv_mut().apply(extension, writes, now)?;
            }
            for (index, (message, lease)) in messages.into_iter().zip(leases).enumerate() {
                tx.messages_mut().insert(&message)?;
                if let Some(row) = tx.outbox_mut().enqueue(&message, now, lease.as_ref())? {
                    claimed.push((index, row, message));
                }
            }
            for (event, done) in &events {
                newest = tx.events_mut().insert(event, *done)?.or(newest);
            }
            for timer in &timers {
                tx.timers_mut().apply(timer)?;
            }
            for (delivery, lane) in &deliveries {
                tx.deliveries_mut().insert(delivery, lane)?;
            }
            Ok((claimed, newest))
        })
        .await?;
    shared.counters.done(&event.kind(), with_faults);
    if let Some(seq) = newest {
        crate::ingest::announce(shared, seq);
    }
    crate::webhooks::announce(shared, &receivers, now);
    if timed {
        shared.timers.wake();
    }
    if let (false, Some(chat)) = (signs.is_empty(), event.chat()) {
        signs::show(shared, event.session, chat, signs);
    }
    for (index, row, message) in claimed {
        if let Some(slot) = slots.get_mut(index).and_then(Option::take) {
            crate::outbox::deliver_soon(shared, row, message, slot);
        }
    }
    Ok(())
}
