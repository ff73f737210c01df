//! Plugins: WebAssembly components of the world `event-plugin`, run by wasmtime.
//!
//! [`PluginEngine`] exists once; it compiles a component into a [`Plugin`], checked and linked. Each
//! event gets a fresh instance out of a pool, so nothing of one chat is left for the next.
//! Two clocks stop a guest: epochs count the milliseconds in which it computes (a timeout cannot
//! interrupt a busy guest), and a timeout around the call ends one that waits (an epoch cannot
//! interrupt a waiting one).
//!
//! Invariant: whatever the guest does, [`Plugin`] answers within its wall limit with an outcome
//! or a fault, and the instance is gone.

mod compile;
mod failure;
mod host;
mod record;
mod state;
mod stdio;
mod ticker;

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use warbler_app::hook::{EventHook, HookCall, HookOutcome};
use warbler_domain::extension::{ExtensionKind, Grants};
use warbler_domain::{Event, ExtensionName, Generation, Verdict};
use wasmtime::component::Linker;
use wasmtime::{
    Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store, UpdateDeadline,
};

use crate::effects::{Effects, Halt, failed, passed};
use crate::fault::Fault;
use crate::limits::{EffectLimits, Limits, PluginLimits};
use crate::profile::Profile;
use state::PluginState;
use ticker::{TICK, Ticker};

// The contract, as Rust types.
mod contract {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "event-plugin",
        imports: { "warbler:plugin/kv": async | trappable, default: trappable },
        exports: { default: async },
    });
}

use contract::EventPluginPre;
use contract::exports::warbler::plugin::event_handler::Verdict as GuestVerdict;

/// Why plugins cannot run at all on this machine.
#[derive(Debug, thiserror::Error)]
#[error("the WebAssembly engine does not start: {0}")]
pub struct EngineError(String);

/// The WebAssembly engine; one for all plugins.
pub(crate) struct PluginEngine {
    engine: Engine,
    linker: Linker<PluginState>,
    ticker: Ticker,
    slots: Semaphore,
    limits: PluginLimits,
    effects: EffectLimits,
}

impl PluginEngine {
    pub(crate) fn new(limits: &Limits) -> Result<Arc<Self>, EngineError> {
        let failed = |error: wasmtime::Error| EngineError(format!("{error:#}"));
        let plugin = limits.plugin.clone();
        let engine = match Engine::new(&engine_config(Some(pool(&plugin)))) {
            Ok(engine) => engine,
            // A machine that limits address space cannot hold the pool; it costs speed only.
            Err(error) => {
                tracing::warn!(%error, "Plugins run without a pool of instances: {error}");
                Engine::new(&engine_config(None)).map_err(failed)?
            }
        };
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(failed)?;
        contract::EventPlugin::add_to_linker::<_, wasmtime::component::HasSelf<_>>(
            &mut linker,
            |state| state,
        )
        .map_err(failed)?;
        let ticker =
            Ticker::start(engine.clone()).map_err(|error| EngineError(error.to_string()))?;
        Ok(Arc::new(Self {
            engine,
            linker,
            ticker,
            slots: Semaphore::new(usize::try_from(plugin.concurrent).unwrap_or(1).max(1)),
            limits: plugin,
            effects: limits.effects.clone(),
        }))
    }

    /// A store with every limit on.
    fn store(&self, state: PluginState) -> Store<PluginState> {
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(self.limits.host_call);
        store.set_epoch_deadline(1);
        let budget =
            u64::try_from(self.limits.cpu.as_millis() / TICK.as_millis()).unwrap_or(u64::MAX);
        let mut used = 0_u64;
        store.epoch_deadline_callback(move |_| {
            used += 1;
            if used > budget {
                return Err(wasmtime::Error::new(Halt {
                    code: "cpu",
                    message: format!("computed for more than {budget} ms"),
                }));
            }
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

fn engine_config(pool: Option<PoolingAllocationConfig>) -> wasmtime::Config {
    let mut config = wasmtime::Config::new();
    config.epoch_interruption(true);
    config.wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Disable);
    if let Some(pool) = pool {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    config
}

/// Room for so many calls at once and a few trial instances; what a component may hold at all.
fn pool(limits: &PluginLimits) -> PoolingAllocationConfig {
    let instances = limits.concurrent.saturating_add(8);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_core_instances(instances.saturating_mul(8))
        .total_memories(instances.saturating_mul(2))
        .total_tables(instances.saturating_mul(4))
        .max_core_instances_per_component(32)
        .max_memories_per_component(4)
        .max_tables_per_component(16)
        .max_tables_per_module(8)
        .table_elements(limits.table_elements)
        .max_memory_size(limits.memory)
        // Pages cleared by hand instead of given back: cheaper for the small guests this is for.
        .linear_memory_keep_resident(256 * 1024)
        .table_keep_resident(16 * 1024)
        .async_stack_keep_resident(32 * 1024);
    pool
}

/// One generation of one plugin, compiled and linked.
pub(crate) struct Plugin {
    engine: Arc<PluginEngine>,
    profile: Profile,
    config: Arc<str>,
    handler: EventPluginPre<PluginState>,
}

impl Plugin {
    async fn call(
        &self,
        store: &mut Store<PluginState>,
        call: &HookCall,
    ) -> Result<Verdict, Fault> {
        let event = record::of(call);
        let run = async {
            let instance = self.handler.instantiate_async(&mut *store).await?;
            let handler = instance.warbler_plugin_event_handler();
            handler.call_handle(&mut *store, &event).await
        };
        match tokio::time::timeout(self.engine.limits.wall, run).await {
            Ok(Ok(Ok(GuestVerdict::Next))) => Ok(Verdict::Next),
            Ok(Ok(Ok(GuestVerdict::Stop))) => Ok(Verdict::Stop),
            Ok(Ok(Err(message))) => Err(Fault::new("guest-error", message)),
            Ok(Err(error)) => Err(failure::of_call(&error)),
            Err(_elapsed) => Err(Fault::new(
                "deadline",
                format!(
                    "no answer within {} ms",
                    self.engine.limits.wall.as_millis()
                ),
            )),
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

    fn grants(&self) -> Grants {
        self.profile.grants
    }

    fn wants(&self, event: &Event) -> bool {
        self.profile.filter.admits(event)
    }

    async fn handle(&self, call: HookCall) -> HookOutcome {
        if !self.profile.filter.admits_session(&call) {
            return passed();
        }
        // The semaphore is never closed; waiting here is waiting for other plugins.
        let Ok(_slot) = self.engine.slots.acquire().await else {
            return failed(
                Fault::new("deadline", "the host is stopping").dated(call.now),
                Vec::new(),
            );
        };
        let _running = self.engine.ticker.running();
        let effects = Effects::new(
            &call,
            &self.profile.name,
            self.profile.grants,
            &self.engine.effects,
        );
        let state = PluginState::new(effects, Arc::clone(&self.config), &self.engine.limits);
        let mut store = self.engine.store(state);
        let result = self.call(&mut store, &call).await;
        let result = result.map_err(|fault| fault.in_file(&self.profile.file).dated(call.now));
        store.into_data().finish().into_outcome(result)
    }
}
