//! A plugin as authors look at it: run with a fixture, asked for what it is made of.

use std::sync::Arc;

use super::{Plugin, PluginEngine};
use crate::health::Health;
use crate::profile::Profile;

impl Plugin {
    /// The same component as another profile has it.
    pub(crate) fn rehearsing(&self, profile: Arc<Profile>, health: Arc<Health>) -> Self {
        let engine: Arc<PluginEngine> = Arc::clone(&self.engine);
        Self::new(
            engine,
            profile,
            health,
            self.linked.clone(),
            self.exports.clone(),
        )
    }

    /// The interfaces it imports and those it exports, with their versions.
    pub(crate) fn interfaces(&self) -> (Vec<String>, Vec<String>) {
        let ty = self.linked.component().component_type();
        let engine = &self.engine.engine;
        let imports = ty.imports(engine).map(|(name, _)| name.to_owned());
        let exports = ty.exports(engine).map(|(name, _)| name.to_owned());
        (imports.collect(), exports.collect())
    }
}
