//! `[media]`: pictures and files.

use serde::Deserialize;
use warbler_app::media::MediaSettings;

use super::Span;

/// Pictures and files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    max_mib: u16,
    max_document_mib: u16,
    keep: Span,
    keep_unused: Span,
    fetch_timeout: Span,
    public: bool,
}

impl Media {
    /// What the core is told.
    pub fn settings(&self) -> MediaSettings {
        let bytes = |mib: u16| u64::from(mib.max(1)) * 1024 * 1024;
        MediaSettings {
            max_bytes: bytes(self.max_mib),
            max_document_bytes: bytes(self.max_document_mib),
            keep: self.keep.duration(),
            keep_unused: self.keep_unused.duration(),
            fetch_timeout: self.fetch_timeout.duration(),
            public: self.public,
        }
    }
}
