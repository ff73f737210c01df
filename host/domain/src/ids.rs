//! Identifiers.
//!
//! Ours are version-7 UUIDs: ordered by time and made without a central counter, so that several
//! hosts may share one database. The network's own message id is a different type.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::random::Random;

/// A text that is not an identifier of the expected form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an id; ids look like 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")]
pub struct BadId(pub String);

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, ordered by `now`.
            pub fn new(now: Timestamp, random: &Random) -> Self {
                Self(uuid_v7(now, random))
            }

            /// When it was made; nothing if it was not made by a host.
            pub fn time(&self) -> Option<Timestamp> {
                time_of(&self.0)
            }

            /// The 16 bytes that are stored.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// When it was made, to the millisecond.
            pub fn made_at(&self) -> Timestamp {
                let [a, b, c, d, e, f, ..] = *self.0.as_bytes();
                Timestamp::from_millis(i64::from_be_bytes([0, 0, a, b, c, d, e, f]))
            }

            /// The id with these stored bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                Uuid::try_parse(text)
                    .map(Self)
                    .map_err(|_| BadId(text.chars().take(64).collect()))
            }
        }
    };
}

id! {
    /// One rule.
    RuleId
}

id! {
    /// One session of this host.
    SessionId
}
id! {
    /// One message, inbound or outbound, as this host knows it.
    MessageId
}
id! {
    /// One stored event.
    EventId
}
id! {
    /// One API key; says nothing about its secret.
    KeyId
}
id! {
    /// One user.
    UserId
}
id! {
    /// One login of a user: what its tokens stand for until it logs out.
    LoginId
}
id! {
    /// One file that a caller has uploaded.
    UploadId
}
id! {
    /// One place that events are sent to.
    WebhookId
}
id! {
    /// One event on its way to one webhook; the same at every attempt.
    DeliveryId
}

id! {
    /// One campaign or broadcast.
    CampaignId
}
id! {
    /// One schedule.
    ScheduleId
}

fn uuid_v7(now: Timestamp, random: &Random) -> Uuid {
    let mut bytes = [0u8; 10];
    random.fill(&mut bytes);
    let millis = u64::try_from(now.as_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

fn time_of(id: &Uuid) -> Option<Timestamp> {
    let [a, b, c, d, e, f, version, ..] = *id.as_bytes();
    let millis = i64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    (version >> 4 == 7).then(|| Timestamp::from_millis(millis))
}

/// The network's id of a message: unique per chat and sender only.
///
/// At most 128 visible ASCII characters; this host makes them as `3EB0` and 18 hex digits, the
/// form WhatsApp Web uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WhatsAppId(String);

impl WhatsAppId {
    /// Longest accepted form, in bytes.
    pub const MAX_LEN: usize = 128;

    /// A new id for a message this host sends.
    pub fn new(random: &Random) -> Self {
        let mut bytes = [0u8; 9];
        random.fill(&mut bytes);
        Self(format!("3EB0{}", data_encoding::HEXUPPER.encode(&bytes)))
    }

    /// The id as it stands on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WhatsAppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for WhatsAppId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let fits = !text.is_empty() && text.len() <= Self::MAX_LEN;
        if fits && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadId(text.chars().take(64).collect()))
        }
    }
}

impl TryFrom<String> for WhatsAppId {
    type Error = BadId;

    fn try_from(text: String) -> Result<Self, BadId> {
        text.parse()
    }
}

impl From<WhatsAppId> for String {
    fn from(id: WhatsAppId) -> Self {
        id.0
    }
}
