//! One generation of one plugin, and its calls.

use std::sync::Arc;

use async_trait::async_trait;
use warbler_app::hook::{
    EventHook, HookCall, HookOutcome, Made, Payload, RenderCall, TemplateHook, TransformCall,
    WebhookHook,
};
use warbler_domain::extension::{ExtensionKind, Grants, Hook};
use warbler_domain::{Content, Event, ExtensionName, Generation, Timestamp, Verdict};
use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::contract::exports::warbler::plugin::event_handler::Verdict as GuestVerdict;
use super::exports::Exports;
use super::turns::Turns;
use super::wall::within;
use super::{PluginEngine, PluginState, record};
use crate::effects::{Effects, Patience, failed, passed};
use crate::fault::Fault;
use crate::health::Health;
use crate::profile::Profile;

/// Largest payload a plugin makes, in bytes.
const MAX_PAYLOAD: usize = 256 * 1024;
/// Most headers it adds, and their size in bytes.
const MAX_HEADERS: usize = 32;
const MAX_HEADER_BYTES: usize = 8 * 1024;

/// One generation of one plugin, compiled and linked.
pub(crate) struct Plugin {
    pub(super) engine: Arc<PluginEngine>,
    pub(super) profile: Arc<Profile>,
    pub(super) linked: InstancePre<PluginState>,
    pub(super) exports: Exports,
    health: Arc<Health>,
    turns: Turns,
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
        Self {
            engine,
            profile,
            linked,
            exports,
            health,
            turns,
        }
    }

    /// The hooks it exports.
    pub(crate) fn hooks(&self) -> Vec<Hook> {
        self.exports.hooks()
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

    fn store(&self, effects: Effects) -> Store<PluginState> {
        let state = PluginState::new(effects, self.memory(), &self.engine.limits);
        self.engine.store(state, self.engine.limits.cpu)
    }

    async fn within<T>(
        &self,
        patience: Option<&Patience>,
        run: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<T, Fault> {
        within(self.engine.limits.wall, patience, run).await
    }

    async fn handle_event(
        &self,
        store: &mut Store<PluginState>,
        patience: Option<&Patience>,
        call: &HookCall,
    ) -> Result<Verdict, Fault> {
        let Some(handler) = &self.exports.event else {
            return Ok(Verdict::Next);
        };
        let event = record::event(call);
        let run = async {
            let instance = self.linked.instantiate_async(&mut *store).await?;
            let guest = handler.load(&mut *store, &instance)?;
            guest.call_handle(&mut *store, &event).await
        };
        match self.within(patience, run).await? {
            Ok(GuestVerdict::Next) => Ok(Verdict::Next),
            Ok(GuestVerdict::Stop) => Ok(Verdict::Stop),
            Err(message) => Err(Fault::new("guest-error", message)),
        }
    }

    async fn render_text(
        &self,
        store: &mut Store<PluginState>,
        patience: Option<&Patience>,
        call: &RenderCall,
    ) -> Result<String, Fault> {
        let Some(renderer) = &self.exports.template else {
            return Err(not_exported("template-renderer"));
        };
        let what = record::rendering(call);
        let run = async {
            let instance = self.linked.instantiate_async(&mut *store).await?;
            let guest = renderer.load(&mut *store, &instance)?;
            guest.call_render(&mut *store, &what).await
        };
        let text = self
            .within(patience, run)
            .await?
            .map_err(|message| Fault::new("guest-error", message))?;
        if text.is_empty() || text.len() > Content::MAX_TEXT {
            let message = format!("a text has 1 to {} bytes", Content::MAX_TEXT);
            return Err(Fault::new("bad-text", message));
        }
        Ok(text)
    }

    async fn transform_payload(
        &self,
        store: &mut Store<PluginState>,
        patience: Option<&Patience>,
        call: &TransformCall,
    ) -> Result<Option<Payload>, Fault> {
        let Some(transformer) = &self.exports.webhook else {
            return Err(not_exported("webhook-transformer"));
        };
        let what = record::delivery(call);
        let run = async {
            let instance = self.linked.instantiate_async(&mut *store).await?;
            let guest = transformer.load(&mut *store, &instance)?;
            guest.call_transform(&mut *store, &what).await
        };
        let made = self
            .within(patience, run)
            .await?
            .map_err(|message| Fault::new("guest-error", message))?;
        made.map(|made| checked(record::payload(made))).transpose()
    }

    /// Notes how a call that makes text went.
    fn concluded<T>(
        &self,
        store: Store<PluginState>,
        result: Result<T, Fault>,
        now: Timestamp,
    ) -> Made<T> {
        match &result {
            Ok(_) => self.health.succeeded(),
            Err(_) => self.health.failed(),
        }
        let result = result.map_err(|fault| self.dated(fault, now));
        store.into_data().finish().into_made(result)
    }

    fn dated(&self, fault: Fault, now: Timestamp) -> warbler_domain::extension::ExtensionFault {
        let fault = self.hiding_secrets(fault);
        fault.in_file(&self.profile.file).dated(now)
    }

    fn no_turn<T>(&self, fault: Fault, now: Timestamp) -> Made<T> {
        Made {
            result: Err(self.dated(fault, now)),
            kv_writes: Vec::new(),
            logs: Vec::new(),
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

    async fn handle(&self, call: HookCall) -> HookOutcome {
        if !self.profile.filter.admits_session(&call) {
            return passed();
        }
        let _turn = match self.turns.next(&self.engine.slots).await {
            Ok(turn) => turn,
            Err(fault) => return failed(self.dated(fault, call.now), Vec::new()),
        };
        let _running = self.engine.ticker.running();
        let effects = Effects::at_event(&call, &self.profile, &self.engine.services);
        let patience = effects.patience();
        let mut store = self.store(effects);
        let result = self
            .handle_event(&mut store, patience.as_deref(), &call)
            .await;
        // Failures are counted where the pipeline notes them, whoever found them.
        if result.is_ok() {
            self.health.succeeded();
        }
        let result = result.map_err(|fault| self.dated(fault, call.now));
        store.into_data().finish().into_outcome(result)
    }
}

#[async_trait]
impl TemplateHook for Plugin {
    fn name(&self) -> &ExtensionName {
        &self.profile.name
    }

    fn generation(&self) -> &Generation {
        &self.profile.generation
    }

    async fn render(&self, call: RenderCall) -> Made<String> {
        let _turn = match self.turns.next(&self.engine.slots).await {
            Ok(turn) => turn,
            Err(fault) => return self.no_turn(fault, call.now),
        };
        let _running = self.engine.ticker.running();
        let (profile, services) = (&self.profile, &self.engine.services);
        let effects = Effects::of_text(call.now, call.kv.clone(), profile, services);
        let patience = effects.patience();
        let mut store = self.store(effects);
        let result = self
            .render_text(&mut store, patience.as_deref(), &call)
            .await;
        self.concluded(store, result, call.now)
    }
}

#[async_trait]
impl WebhookHook for Plugin {
    fn name(&self) -> &ExtensionName {
        &self.profile.name
    }

    fn generation(&self) -> &Generation {
        &self.profile.generation
    }

    async fn transform(&self, call: TransformCall) -> Made<Option<Payload>> {
        let _turn = match self.turns.next(&self.engine.slots).await {
            Ok(turn) => turn,
            Err(fault) => return self.no_turn(fault, call.now),
        };
        let _running = self.engine.ticker.running();
        let (profile, services) = (&self.profile, &self.engine.services);
        let effects = Effects::of_text(call.now, call.kv.clone(), profile, services);
        let patience = effects.patience();
        let mut store = self.store(effects);
        let result = self
            .transform_payload(&mut store, patience.as_deref(), &call)
            .await;
        self.concluded(store, result, call.now)
    }
}

fn not_exported(interface: &str) -> Fault {
    Fault::new(
        "missing-export",
        format!("the component does not export {interface}"),
    )
}

fn checked(payload: Payload) -> Result<Payload, Fault> {
    let headers: usize = payload
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if payload.bytes.len() > MAX_PAYLOAD {
        let message = format!("a payload has at most {MAX_PAYLOAD} bytes");
        return Err(Fault::new("bad-payload", message));
    }
    if payload.headers.len() > MAX_HEADERS || headers > MAX_HEADER_BYTES {
        let message = format!(
            "a payload has at most {MAX_HEADERS} headers of {MAX_HEADER_BYTES} bytes together"
        );
        return Err(Fault::new("bad-payload", message));
    }
    Ok(payload)
}
