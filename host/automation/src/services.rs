//! What the host does for extensions, whatever they are made of.

use std::sync::Arc;

use warbler_app::fetch::Fetcher;
use warbler_domain::Random;

use crate::limits::EffectLimits;

/// Shared by all extensions of a host.
pub(crate) struct Services {
    /// The guarded client; without one every request is refused.
    pub(crate) fetcher: Option<Fetcher>,
    pub(crate) limits: EffectLimits,
    /// Where the random numbers of scripts begin.
    pub(crate) random: Arc<Random>,
}
