//! The words and rules of Warbler: no I/O, no async, nothing that waits.
//!
//! Everything above this crate speaks in these types. They are parsed once, at the edge, and
//! cannot be wrong afterwards.

pub mod action;
pub mod caller;
pub mod clock;
pub mod event;
pub mod extension;
pub mod ids;
pub mod jid;
pub mod media;
pub mod message;
pub mod page;
pub mod random;
pub mod refusal;
pub mod secret;
pub mod session;

pub use action::{Action, Verdict};
pub use caller::Caller;
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use event::{Event, EventBody, EventKind};
pub use extension::{ExtensionName, Generation};
pub use ids::{EventId, KeyId, MessageId, SessionId, WhatsAppId};
pub use jid::{Jid, PhoneNumber, Recipient};
pub use message::{Content, Direction, Message, MessageStatus};
pub use random::Random;
pub use refusal::{Refusal, RefusalKind};
pub use secret::Secret;
pub use session::{Session, SessionName, SessionRef, SessionState};
