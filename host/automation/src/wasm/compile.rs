//! From bytes to a plugin that is proven to start: compile, check exports and imports, try one
//! instance.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::Component;

use super::drive::Drive;
use super::exports::{Exports, unknown_import};
use super::meter::Ticked;
use super::{Plugin, PluginEngine, PluginState};
use crate::effects::Effects;
use crate::fault::Fault;
use crate::health::Health;
use crate::profile::Profile;

impl PluginEngine {
    /// Compiles on the calling thread; takes from milliseconds to seconds, so never on a worker of
    /// the runtime.
    pub(crate) fn compile(
        self: &Arc<Self>,
        profile: Arc<Profile>,
        health: Arc<Health>,
        bytes: &[u8],
    ) -> Result<Plugin, Fault> {
        let component = self
            .component(bytes)
            .map_err(|error| not_a_component(bytes, &error))?;
        let linked = self
            .linker
            .instantiate_pre(&component)
            .map_err(|error| unknown_import(&component, &self.engine, &error))?;
        let exports = Exports::of(&component, &self.engine, &linked)?;
        Ok(Plugin::new(
            Arc::clone(self),
            profile,
            health,
            linked,
            exports,
        ))
    }
}

impl PluginEngine {
    /// Compiles, and keeps what was compiled.
    pub(super) fn component(&self, bytes: &[u8]) -> wasmtime::Result<Component> {
        let component = Component::new(&self.engine, bytes);
        if let Some(functions) = &self.functions {
            functions.keep();
        }
        component
    }
}

impl Plugin {
    /// Makes one instance, lets it check itself if it can, and drops it: a guest that cannot start
    /// is found when it is loaded.
    pub(crate) async fn try_instance(&self) -> Result<(), Fault> {
        let _running = self.engine.ticker.running();
        let effects = Effects::idle(&self.profile, &self.engine.services);
        let init = self.engine.limits.init;
        let drive = Drive::new(init, init, Duration::ZERO, &effects);
        let ticked = Ticked::default();
        let state = PluginState::new(effects, self.memory(), &self.engine.limits);
        let mut store = self.engine.store(state, &ticked);
        let started = drive.run(&ticked, async {
            let instance = self.linked.instantiate_async(&mut store).await?;
            match &self.exports.lifecycle {
                Some(lifecycle) => {
                    let guest = lifecycle.load(&mut store, &instance)?;
                    guest.call_init(&mut store).await
                }
                None => Ok(Ok(())),
            }
        });
        let result = match started.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(message)) => Err(Fault::new("init-failed", message)),
            Err(fault) => Err(fault),
        };
        result.map_err(|fault| self.hiding_secrets(fault))
    }
}

fn not_a_component(bytes: &[u8], error: &wasmtime::Error) -> Fault {
    let reason = format!("{error:#}");
    // `\0asm`, then version 1 and layer 0: a core module. Text is recognised by what wasmtime says.
    if bytes.starts_with(b"\0asm\x01\0\0\0")
        || reason.contains("a wasm module with a component parser")
    {
        return Fault::new(
            "not-a-component",
            "this is a core WebAssembly module; make it a component with `wasm-tools component new`",
        );
    }
    if reason.contains("pooling allocator") {
        return Fault::new(
            "memory",
            format!("this needs more than a plugin may have: {reason}"),
        );
    }
    Fault::new(
        "not-a-component",
        format!("this cannot be compiled as a component: {reason}"),
    )
}
