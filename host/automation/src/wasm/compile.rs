//! From bytes to a plugin that is proven to start: compile, check exports and imports, try one
//! instance.

use std::sync::Arc;

use wasmtime::component::{Component, types::ComponentItem};

use super::contract::EventPluginPre;
use super::{Plugin, PluginEngine, PluginState, failure};
use crate::effects::Effects;
use crate::fault::Fault;
use crate::profile::Profile;

/// What an event plugin exports, without version.
const HANDLER: &str = "warbler:plugin/event-handler";
/// The versions of the contract this host speaks.
const VERSIONS: &str = "0.1.0";

impl PluginEngine {
    /// Compiles on the calling thread; takes from milliseconds to seconds, so never on a worker of
    /// the runtime.
    pub(crate) fn compile(
        self: &Arc<Self>,
        profile: Profile,
        bytes: &[u8],
    ) -> Result<Plugin, Fault> {
        let component =
            Component::new(&self.engine, bytes).map_err(|error| not_a_component(bytes, &error))?;
        self.check_exports(&component)?;
        let linked = self.linker.instantiate_pre(&component).map_err(|error| {
            Fault::new(
                "unknown-import",
                format!(
                    "{error:#}. This host offers warbler:plugin/{{outbox,kv,log,config}}@{VERSIONS} and WASI 0.2; \
                     build the plugin against that."
                ),
            )
        })?;
        let handler =
            EventPluginPre::new(linked).map_err(|error| missing_export(&format!("{error:#}")))?;
        Ok(Plugin {
            engine: Arc::clone(self),
            config: profile.config.as_str().into(),
            profile,
            handler,
        })
    }

    fn check_exports(&self, component: &Component) -> Result<(), Fault> {
        let ty = component.component_type();
        let mut other = None;
        for (name, item) in ty.exports(&self.engine) {
            let (interface, version) = name.split_once('@').unwrap_or((name, ""));
            if interface != HANDLER || !matches!(item.ty, ComponentItem::ComponentInstance(_)) {
                continue;
            }
            if VERSIONS.split(", ").any(|known| known == version) {
                return Ok(());
            }
            other = Some(version.to_owned());
        }
        Err(match other {
            Some(version) => {
                missing_export(&format!("the component exports version {version} of it"))
            }
            None => missing_export("the component exports no version of it"),
        })
    }
}

impl Plugin {
    /// Makes one instance and drops it: a guest that cannot start is found when it is loaded.
    pub(crate) async fn try_instance(&self) -> Result<(), Fault> {
        let _running = self.engine.ticker.running();
        let effects = Effects::idle(&self.profile.name, &self.engine.effects);
        let state = PluginState::new(effects, Arc::clone(&self.config), &self.engine.limits);
        let mut store = self.engine.store(state);
        let instance = self.handler.instantiate_async(&mut store);
        match tokio::time::timeout(self.engine.limits.wall, instance).await {
            Ok(Ok(_instance)) => Ok(()),
            Ok(Err(error)) => Err(failure::of_call(&error)),
            Err(_elapsed) => Err(Fault::new("deadline", "the guest does not start in time")),
        }
    }
}

fn missing_export(found: &str) -> Fault {
    Fault::new(
        "missing-export",
        format!(
            "an event plugin exports {HANDLER}, version {VERSIONS}; {found}. Build it for the world \
             `event-plugin` of warbler:plugin@{VERSIONS}."
        ),
    )
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
