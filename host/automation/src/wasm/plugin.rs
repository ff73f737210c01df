//! One generation of one plugin, and its calls at events.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use warbler_app::hook::{EventHook, HookCall, HookOutcome};
use warbler_domain::extension::{CallCost, ExtensionFault, ExtensionKind, Grants, Hook};
use warbler_domain::session::Called;
use warbler_domain::{Event, ExtensionName, Generation, SessionId, Timestamp, Verdict};
use wasmtime::component::InstancePre;

use super::contract::exports::warbler::plugin::event_handler::Verdict as GuestVerdict;
use super::drive::Drive;
use super::exports::Exports;
use super::meter::Ticked;
use super::turns::{Turn, Turns};
use super::warm::{Kept, Warm};
use super::{PluginEngine, PluginState, record};
use crate::effects::{Effects, failed, passed};
use crate::fault::Fault;
use crate::health::Health;
use crate::profile::Profile;

/// One generation of one plugin, compiled and linked.
pub(crate) struct Plugin {
    pub(super) engine: Arc<PluginEngine>,
    pub(super) profile: Arc<Profile>,
    pub(super) linked: InstancePre<PluginState>,
    pub(super) exports: Exports,
    pub(super) health: Arc<Health>,
    turns: Turns,
    kept: Kept,
}

impl Plugin {
    pub(super) fn new(
        engine: Arc<PluginEngine>,
        profile: Arc<Profile>,
        health: Arc<Health>,
        linked: InstancePre<PluginState>,
        exports: Exports,
    ) -> Self {
        let turns = Turns::new(&engine.limits);
        let kept = Kept::new(engine.limits.warm.clone());
        Self {
            engine,
            profile,
            linked,
            exports,
            health,
            turns,
            kept,
        }
    }

    /// The hooks it exports.
    pub(crate) fn hooks(&self) -> Vec<Hook> {
        self.exports.hooks()
    }

    /// Drops instances that were kept and that nobody has called for a while.
    pub(crate) fn sweep(&self, now: Timestamp) {
        if self.profile.grants.warm {
            self.health.usage().keeps(self.kept.sweep(now));
        }
    }

    /// Bytes of memory a call may take.
    pub(super) fn memory(&self) -> usize {
        match self.profile.grants.memory {
            Some(mib) => (mib as usize).saturating_mul(1024 * 1024),
            None => self.engine.limits.memory,
        }
    }

    pub(super) fn hiding_secrets(&self, mut fault: Fault) -> Fault {
        fault.message = self.profile.secrets.hidden_in(fault.message);
        fault
    }

    pub(super) fn dated(&self, fault: Fault, now: Timestamp) -> ExtensionFault {
        let fault = self.hiding_secrets(fault);
        fault.in_file(&self.profile.file).dated(now)
    }

    /// Waits for a turn; how long that took comes with it.
    pub(super) async fn turn(&self) -> (Duration, Result<Turn<'_>, Fault>) {
        let began = Instant::now();
        let turn = self.turns.next(&self.engine.slots, self.health.usage());
        let turn = turn.await;
        (began.elapsed(), turn)
    }

    /// An instance that is not yet made, for a call with these effects.
    pub(super) fn fresh(&self, effects: Effects) -> Warm {
        let ticked = Ticked::default();
        let state = PluginState::new(effects, self.memory(), &self.engine.limits);
        Warm::fresh(self.engine.store(state, &ticked), ticked)
    }

    /// What drives a call with these effects that waited for `queue`.
    pub(super) fn drive(&self, effects: &Effects, queue: Duration) -> Drive {
        let limits = &self.engine.limits;
        Drive::new(limits.wall, limits.cpu, queue, effects)
    }

    /// The instance for a call: one that was kept for the session, else a fresh one.
    fn instance(&self, session: SessionId, effects: Effects) -> Warm {
        let kept = self.profile.grants.warm.then(|| self.kept.take(session));
        match kept.flatten() {
            Some(mut warm) => {
                warm.store.data_mut().begin(effects);
                warm.store.set_epoch_deadline(1);
                warm
            }
            None => self.fresh(effects),
        }
    }

    /// The effects of a call that went well; its instance is kept where that is granted.
    fn conclude(&self, session: SessionId, mut warm: Warm, now: Timestamp) -> Effects {
        if !self.profile.grants.warm {
            return warm.store.into_data().finish();
        }
        let idle = Effects::idle(&self.profile, &self.engine.services);
        let effects = warm.store.data_mut().end(idle);
        if !warm.has_place() {
            match Arc::clone(&self.engine.warm).try_acquire_owned() {
                Ok(place) => warm.take_place(place),
                // As many are kept as there may be.
                Err(_full) => return effects,
            }
        }
        let kept = self.kept.put(session, warm, now);
        self.health.usage().keeps(kept);
        effects
    }

    async fn handle_event(
        &self,
        warm: &mut Warm,
        drive: &Drive,
        call: &HookCall,
    ) -> Result<Verdict, Fault> {
        let Some(handler) = &self.exports.event else {
            return Ok(Verdict::Next);
        };
        let event = record::event(call);
        let (store, made) = (&mut warm.store, warm.guest.take());
        let run = pin!(async {
            let guest = match made {
                Some(guest) => guest,
                None => {
                    let start = self.linked.instantiate_async(&mut *store);
                    let instance = drive.meter.starting(start).await?;
                    handler.load(&mut *store, &instance)?
                }
            };
            let answer = guest.call_handle(&mut *store, &event).await?;
            Ok((guest, answer))
        });
        let (guest, answer) = drive.run(&warm.ticked, run).await?;
        warm.guest = Some(guest);
        match answer {
            Ok(GuestVerdict::Next) => Ok(Verdict::Next),
            Ok(GuestVerdict::Stop) => Ok(Verdict::Stop),
            Err(message) => Err(Fault::new("guest-error", message)),
        }
    }
}

#[async_trait]
impl EventHook for Plugin {
    fn name(&self) -> &ExtensionName {
        &self.profile.name
    }

    fn kind(&self) -> ExtensionKind {
        ExtensionKind::Plugin
    }

    fn generation(&self) -> &Generation {
        &self.profile.generation
    }

    fn grants(&self) -> &Grants {
        &self.profile.grants
    }

    fn wants(&self, event: &Event) -> bool {
        self.profile.wants(event) && self.health.quarantined_until().is_none()
    }

    fn why_not(&self, event: &Event, session: Called<'_>) -> Option<String> {
        let why = self.profile.why_not(event, session);
        why.or_else(|| self.health.why_not())
    }

    async fn handle(&self, call: HookCall) -> HookOutcome {
        if !self.profile.admits_session(call.session()) {
            return passed();
        }
        let usage = self.health.usage();
        let (queue, turn) = self.turn().await;
        let _turn = match turn {
            Ok(turn) => turn,
            Err(fault) => {
                let cost = CallCost {
                    queue,
                    ..CallCost::default()
                };
                usage.called(&cost, 0);
                let outcome = failed(self.dated(fault, call.now), Vec::new());
                return HookOutcome { cost, ..outcome };
            }
        };
        let _running = (self.engine.ticker.running(), usage.running());
        let effects = Effects::at_event(&call, &self.profile, &self.engine.services);
        let drive = self.drive(&effects, queue);
        let session = call.event.session;
        let mut warm = self.instance(session, effects);
        let result = self.handle_event(&mut warm, &drive, &call).await;
        let cost = drive.cost(warm.store.data().memory());
        let effects = match &result {
            // Failures are counted where the pipeline notes them, whoever found them.
            Ok(_) => {
                self.health.succeeded();
                self.conclude(session, warm, call.now)
            }
            Err(_) => warm.store.into_data().finish(),
        };
        let result = result.map_err(|fault| self.dated(fault, call.now));
        let outcome = effects.into_outcome(result, cost);
        usage.called(&outcome.cost, outcome.actions.len());
        outcome
    }
}
