//! The words and rules of Warbler: no I/O, no async, nothing that waits.
//!
//! Everything above this crate speaks in these types. They are parsed once, at the edge, and
//! cannot be wrong afterwards.

pub mod access;
pub mod action;
pub mod call;
pub mod caller;
pub mod campaign;
pub mod chat;
pub mod clock;
pub mod contact;
pub mod content;
pub mod engine;
pub mod event;
pub mod extension;
pub mod failure;
pub mod group;
pub mod history;
pub mod ids;
pub mod jid;
pub mod kinds;
pub mod media;
pub mod message;
pub mod pacing;
pub mod page;
pub mod place;
pub mod poll;
pub mod proxy;
pub mod random;
pub mod realm;
pub mod refusal;
pub mod rule;
pub mod schedule;
pub mod secret;
pub mod session;
pub mod shown;
pub mod stats;
pub mod template;
pub mod user;
pub mod vcard;
pub mod webhook;

pub use access::{Role, Scope, ScopeRequired, Scopes};
pub use action::{Action, Verdict};
pub use caller::Caller;
pub use campaign::Campaign;
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use content::Content;
pub use engine::EngineName;
pub use event::{Event, EventBody, EventKind};
pub use extension::{ExtensionName, Generation};
pub use failure::FailureCode;
pub use ids::{
    CampaignId, DeliveryId, EventId, KeyId, LoginId, MessageId, RuleId, ScheduleId, SessionId,
    UploadId, UserId, WebhookId, WhatsAppId,
};
pub use jid::{Jid, PhoneNumber, Recipient};
pub use kinds::KindPattern;
pub use message::{Direction, Message, MessageStatus};
pub use proxy::Proxy;
pub use random::Random;
pub use realm::{Dialect, Realm};
pub use refusal::{Refusal, RefusalKind};
pub use rule::{Rule, RuleSpec};
pub use schedule::Schedule;
pub use secret::Secret;
pub use session::{Session, SessionName, SessionRef, SessionState};
pub use user::{Email, Password, User, UserName};
pub use webhook::Webhook;
