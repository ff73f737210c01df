//! What the operator grants: in the configuration and at runtime, the former over the latter.

use std::collections::BTreeMap;

use warbler_domain::ExtensionName;
use warbler_domain::extension::{Grants, OperatorGrants};

/// All grants of this host.
#[derive(Debug, Clone, Default)]
pub(crate) struct Granted {
    pub(super) config: BTreeMap<ExtensionName, OperatorGrants>,
    pub(super) runtime: BTreeMap<ExtensionName, OperatorGrants>,
    /// What those get of whom nothing is said.
    pub(super) others: Grants,
}

impl Granted {
    /// What one extension is granted.
    pub(super) fn to(&self, name: &ExtensionName) -> Grants {
        match (self.config.get(name), self.runtime.get(name)) {
            (None, None) => self.others.clone(),
            (Some(config), Some(runtime)) => config.over(runtime).settled(),
            (Some(said), None) | (None, Some(said)) => said.settled(),
        }
    }

    /// Takes over what is granted to one extension at runtime.
    pub(super) fn grant(&mut self, name: &ExtensionName, granted: OperatorGrants) {
        if granted.is_silent() {
            self.runtime.remove(name);
        } else {
            self.runtime.insert(name.clone(), granted);
        }
    }
}
