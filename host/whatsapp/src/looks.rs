//! What a phone lists a session's device as.

use serde::Deserialize;
use waproto::whatsapp::device_props::PlatformType;

/// The kind of client the phone shows beside the device's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// Google Chrome.
    #[default]
    Chrome,
    /// Microsoft Edge.
    Edge,
    /// Mozilla Firefox.
    Firefox,
    /// Opera.
    Opera,
    /// Apple Safari.
    Safari,
    /// WhatsApp's own program for desktops.
    Desktop,
}

impl Platform {
    /// The word on the wire.
    pub(crate) fn kind(self) -> PlatformType {
        match self {
            Self::Chrome => PlatformType::CHROME,
            Self::Edge => PlatformType::EDGE,
            Self::Firefox => PlatformType::FIREFOX,
            Self::Opera => PlatformType::OPERA,
            Self::Safari => PlatformType::SAFARI,
            Self::Desktop => PlatformType::DESKTOP,
        }
    }
}
