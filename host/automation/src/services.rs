//! What the host does for extensions, whatever they are made of.

use warbler_app::fetch::Fetcher;

use crate::limits::EffectLimits;

/// Shared by all extensions of a host.
pub(crate) struct Services {
    /// The guarded client; without one every request is refused.
    pub(crate) fetcher: Option<Fetcher>,
    pub(crate) limits: EffectLimits,
}
