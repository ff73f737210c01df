//! Stored events once more, through two versions of an extension, for nothing: what would change.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use warbler_domain::extension::{CallCost, ExtensionFault, LogLine};
use warbler_domain::page::PageRequest;
use warbler_domain::{Action, Caller, Event, EventId, ExtensionName, Generation, Scope, Verdict};
use warbler_store::events::EventFilter;
use warbler_store::kv::KvWrite;

use super::{ExtensionError, ExtensionsView};
use crate::hook::{EventHook, HookCall, KvReader, Versions};
use crate::sessions::Known;

/// Most events of one replay.
pub const MAX_REPLAYED: u32 = 200;
/// Most events looked at to find them.
const MAX_LOOKED_AT: usize = 5_000;
/// Events read at once.
const PAGE: u32 = 200;
/// After this long no further event is begun.
const LONGEST: Duration = Duration::from_secs(20);

/// What is to be replayed.
#[derive(Debug, Clone)]
pub enum Replay {
    /// The newest events that one of the versions is called for.
    Last(u32),
    /// This event.
    One(EventId),
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// The older version; absent when there is none.
    pub before: Option<Generation>,
    /// The newer version; absent when it cannot be called.
    pub after: Option<Generation>,
    /// Why not.
    pub fault: Option<ExtensionFault>,
    /// The events, the newest first.
    pub events: Vec<ReplayedEvent>,
    /// Whether time ran out before all were replayed.
    pub cut_short: bool,
}

/// One event of a replay.
#[derive(Debug, Clone)]
pub struct ReplayedEvent {
    /// The event.
    pub event: Event,
    /// What the older version makes of it; nothing when it is not called for it.
    pub before: Option<Outcome>,
    /// What the newer version makes of it.
    pub after: Option<Outcome>,
}

impl ReplayedEvent {
    /// Whether both versions would do the same.
    pub fn is_same(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => before.is_same(after),
            (None, None) => true,
            _ => false,
        }
    }
}

/// What one version makes of an event.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Whether the chain would go on.
    pub verdict: Verdict,
    /// What it would ask for.
    pub actions: Vec<Action>,
    /// What it would write to its kv.
    pub kv_writes: Vec<KvWrite>,
    /// What it logged.
    pub logs: Vec<LogLine>,
    /// What went wrong.
    pub fault: Option<ExtensionFault>,
    /// What the call used.
    pub cost: CallCost,
}

impl Outcome {
    fn is_same(&self, other: &Self) -> bool {
        let code = |fault: &Option<ExtensionFault>| fault.as_ref().map(|fault| fault.code.clone());
        self.verdict == other.verdict
            && self.actions == other.actions
            && self.kv_writes == other.kv_writes
            && code(&self.fault) == code(&other.fault)
    }
}

impl ExtensionsView {
    /// Takes stored events through two versions of an extension: the one that runs and the newer
    /// one that does not, else the one before and the one that runs. Nothing is carried out, and
    /// requests to the outside are refused. For admins.
    pub async fn replay(
        &self,
        caller: &Caller,
        name: &ExtensionName,
        replay: Replay,
    ) -> Result<Replayed, ExtensionError> {
        caller.require(Scope::Admin)?;
        self.get(caller, name)?;
        let _only = self
            .shared
            .replaying
            .try_acquire()
            .map_err(|_busy| ExtensionError::Replaying)?;
        let versions = self.shared.extensions.versions(name).await;
        let events = self.chosen(&versions, &replay).await?;
        let began = Instant::now();
        let mut replayed = Replayed {
            before: generation(&versions.before),
            after: generation(&versions.after),
            fault: versions.fault.clone(),
            events: Vec::new(),
            cut_short: false,
        };
        for (event, session) in events {
            if began.elapsed() > LONGEST {
                replayed.cut_short = true;
                break;
            }
            let event = Arc::new(event);
            let before = self.made_by(&versions.before, &event, &session).await;
            let after = self.made_by(&versions.after, &event, &session).await;
            replayed.events.push(ReplayedEvent {
                event: Event::clone(&event),
                before,
                after,
            });
        }
        Ok(replayed)
    }

    async fn chosen(
        &self,
        versions: &Versions,
        replay: &Replay,
    ) -> Result<Vec<(Event, Known)>, ExtensionError> {
        let store = &self.shared.store;
        let named = |event: Event| {
            let found = self.shared.directory.known(event.session);
            found.map(|session| (event, session))
        };
        let most = match replay {
            Replay::One(id) => {
                let id = *id;
                let found = store.read(move |db| db.events().get(id)).await?;
                let found = found.ok_or(ExtensionError::UnknownEvent(id))?;
                return Ok(named(found.event).into_iter().collect());
            }
            Replay::Last(most) => (*most).clamp(1, MAX_REPLAYED) as usize,
        };
        let hooks = [&versions.before, &versions.after];
        let wanted = |event: &Event| hooks.iter().any(|hook| wants(hook, event));
        let (mut chosen, mut looked_at, mut after) = (Vec::new(), 0, None);
        while chosen.len() < most && looked_at < MAX_LOOKED_AT {
            let page = PageRequest::new(after, Some(PAGE));
            let page = store.read(move |db| db.events().list(&EventFilter::default(), page));
            let page = page.await?;
            looked_at += page.items.len();
            let events = page.items.into_iter().map(|stored| stored.event);
            chosen.extend(events.filter(|event| wanted(event)).filter_map(named));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        chosen.truncate(most);
        Ok(chosen)
    }

    async fn made_by(
        &self,
        hook: &Option<Arc<dyn EventHook>>,
        event: &Arc<Event>,
        session: &Known,
    ) -> Option<Outcome> {
        let hook = hook.as_ref()?;
        if hook.why_not(event, session.called()).is_some() {
            return None;
        }
        let kv = KvReader::new(self.shared.store.clone(), hook.name().clone(), event.at);
        let outcome = hook
            .handle(HookCall {
                event: Arc::clone(event),
                owner: session.owner,
                session_name: session.name.clone(),
                now: event.at,
                kv,
            })
            .await;
        Some(Outcome {
            verdict: outcome.verdict,
            actions: outcome.actions,
            kv_writes: outcome.kv_writes,
            logs: outcome.logs,
            fault: outcome.fault,
            cost: outcome.cost,
        })
    }
}

fn generation(hook: &Option<Arc<dyn EventHook>>) -> Option<Generation> {
    hook.as_ref().map(|hook| hook.generation().clone())
}

fn wants(hook: &Option<Arc<dyn EventHook>>, event: &Event) -> bool {
    hook.as_ref().is_some_and(|hook| hook.wants(event))
}
