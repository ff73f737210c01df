//! Plugins: WebAssembly components, run by wasmtime.
//!
//! [`PluginEngine`] exists once; it compiles a component into a [`Plugin`], checked and linked, for
//! the hooks it exports. Each call gets a fresh instance out of a pool, so nothing of one chat is
//! left for the next. Two clocks stop a guest: epochs count the milliseconds in which it computes (a
//! timeout cannot interrupt a busy guest), and a timeout around the call ends one that waits (an
//! epoch cannot interrupt a waiting one). What a call takes is measured in `meter`.
//!
//! Invariant: whatever the guest does, [`Plugin`] answers within its wall limit with an outcome
//! or a fault, and the instance is gone.

mod compile;
mod compiled;
mod drive;
mod exports;
mod failure;
mod functions;
mod host;
mod meter;
mod plugin;
mod record;
mod rehearse;
mod state;
mod stdio;
mod text;
mod ticker;
mod turns;
mod wall;
mod warm;

use std::sync::Arc;

use tokio::sync::Semaphore;
use warbler_domain::extension::Grants;
use wasmtime::component::Linker;
use wasmtime::{
    Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store, UpdateDeadline,
};

use crate::limits::{Limits, PluginLimits};
use crate::services::Services;
use functions::Functions;
use meter::Ticked;
use state::{MAX_HANDLES, PluginState};
use ticker::Ticker;

pub(crate) use compiled::{Compiled, compiled};
pub(crate) use plugin::Plugin;

// The contract, as Rust types.
mod contract {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "plugin",
        imports: {
            "warbler:plugin/kv": async | trappable,
            "warbler:plugin/http": async | trappable,
            "warbler:plugin/history": async | trappable,
            "warbler:plugin/schedule": async | trappable,
            "warbler:plugin/outbox.send-text": async | trappable,
            "warbler:plugin/outbox.send-media": async | trappable,
            "warbler:plugin/outbox.send-location": async | trappable,
            "warbler:plugin/outbox.send-contact": async | trappable,
            default: trappable,
        },
        exports: { default: async },
    });
}

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
    /// Places for instances that are kept.
    warm: Arc<Semaphore>,
    limits: PluginLimits,
    services: Arc<Services>,
    /// Where single functions are kept.
    functions: Option<Arc<Functions>>,
}

impl PluginEngine {
    /// The engine; it keeps what it compiles in `compiled`, if there is one.
    pub(crate) fn new(
        limits: &Limits,
        services: Arc<Services>,
        compiled: Option<Compiled>,
    ) -> Result<Arc<Self>, EngineError> {
        let failed = |error: wasmtime::Error| EngineError(format!("{error:#}"));
        let plugin = limits.plugin.clone();
        let engine = match configured(Some(pool(&plugin)), compiled.as_ref()) {
            Ok(engine) => engine,
            // A machine that limits address space cannot hold the pool; it costs speed only.
            Err(error) => {
                tracing::warn!(%error, "Plugins run without a pool of instances: {error}");
                configured(None, compiled.as_ref()).map_err(failed)?
            }
        };
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(failed)?;
        contract::Plugin::add_to_linker::<_, wasmtime::component::HasSelf<_>>(
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
            warm: Arc::new(Semaphore::new(plugin.warm.of_all)),
            limits: plugin,
            services,
            functions: compiled.map(|compiled| compiled.functions),
        }))
    }

    /// A store with every limit on, but for the one of computing, which is the meter's; the guest
    /// lets others go first at every tick, and `ticked` knows.
    fn store(&self, state: PluginState, ticked: &Ticked) -> Store<PluginState> {
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(self.limits.host_call);
        store.set_max_component_handles(MAX_HANDLES);
        store.set_epoch_deadline(1);
        let ticked = ticked.clone();
        store.epoch_deadline_callback(move |_| {
            ticked.set();
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

fn configured(
    pool: Option<PoolingAllocationConfig>,
    compiled: Option<&Compiled>,
) -> wasmtime::Result<Engine> {
    let mut config = wasmtime::Config::new();
    if let Some(compiled) = compiled {
        config.cache(Some(compiled.components.clone()));
        config.enable_incremental_compilation(Arc::clone(&compiled.functions) as _)?;
    }
    config.epoch_interruption(true);
    // Costs nothing where a component has no debug information.
    config.wasm_backtrace_details(wasmtime::WasmBacktraceDetails::Enable);
    if let Some(pool) = pool {
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    Engine::new(&config)
}

/// Room for so many calls at once, for instances that are kept, and for a few trial instances; what a component may hold at all.
fn pool(limits: &PluginLimits) -> PoolingAllocationConfig {
    let kept = u32::try_from(limits.warm.of_all).unwrap_or(u32::MAX);
    let instances = limits.concurrent.saturating_add(kept).saturating_add(8);
    // Address space only; what a plugin may take of it is its store's to limit.
    let most = (Grants::MAX_MEMORY as usize).saturating_mul(1024 * 1024);
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
        .max_memory_size(limits.memory.max(most))
        // Where the kernel can tell which pages a guest wrote (Linux 6.7), only those are reset, and
        // they stay mapped for the next call. A guest's stack lies below its data, so without that
        // the first pages of its memory are the wrong ones to keep.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(256 * 1024)
        .table_keep_resident(16 * 1024)
        .async_stack_keep_resident(32 * 1024);
    pool
}
