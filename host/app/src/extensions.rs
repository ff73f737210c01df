//! Extensions: what may be asked about them.

use std::sync::Arc;

use warbler_domain::Caller;
use warbler_domain::extension::ExtensionStatus;

use crate::core::Shared;

/// Extensions, as callers see them.
pub struct ExtensionsView {
    shared: Arc<Shared>,
}

impl ExtensionsView {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Every extension, in the order of the chain, with its state and last error.
    pub fn list(&self, _caller: &Caller) -> Vec<ExtensionStatus> {
        self.shared.extensions.statuses()
    }
}
