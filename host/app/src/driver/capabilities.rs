//! Which engines there are, and what one may be able to do and another not.

use std::sync::Arc;

use warbler_domain::EngineName;

use super::{Driver, DriverError};

/// Something one engine does and another does not. What every engine does is not among these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineCapability {
    /// A message is acknowledged only after it has been stored.
    StoreBeforeAck,
    /// A message that its recipient could not read is sent once more.
    Resend,
    /// That the server refused a message is known, with its code.
    ServerRefusals,
    /// What one chat says is told in order, however much comes at once.
    Order,
    /// A receipt for several messages counts for all of them.
    ReceiptLists,
    /// New one-time keys are offered as soon as they run short.
    KeyRefill,
    /// What the phone remembers from before the session was linked comes in.
    PhoneHistory,
    /// Statuses can be posted.
    StatusPosts,
    /// Votes in the session's own polls can be read.
    OwnPolls,
    /// Chats can be archived, pinned, muted, marked and removed, here and on the phone.
    ChatChanges,
    /// Calls are seen and can be refused.
    Calls,
    /// It is seen when somebody comes and goes.
    PresenceOfOthers,
    /// The name the account shows can be changed.
    ProfileName,
    /// Files are read as they are sent, and not held in memory.
    StreamedUploads,
    /// The certificate of the server's inner handshake is verified.
    CertificateCheck,
    /// What a connection needed is given back when it is over.
    GivesBackMemory,
}

impl EngineCapability {
    /// All there are; the last one depends on how this program was built.
    pub const ALL: [Self; 16] = [
        Self::StoreBeforeAck,
        Self::Resend,
        Self::ServerRefusals,
        Self::Order,
        Self::ReceiptLists,
        Self::KeyRefill,
        Self::PhoneHistory,
        Self::StatusPosts,
        Self::OwnPolls,
        Self::ChatChanges,
        Self::Calls,
        Self::PresenceOfOthers,
        Self::ProfileName,
        Self::StreamedUploads,
        Self::GivesBackMemory,
        Self::CertificateCheck,
    ];

    /// Its stable name.
    pub fn word(self) -> &'static str {
        match self {
            Self::StoreBeforeAck => "store_before_ack",
            Self::Resend => "resend",
            Self::ServerRefusals => "server_refusals",
            Self::Order => "order",
            Self::ReceiptLists => "receipt_lists",
            Self::KeyRefill => "key_refill",
            Self::PhoneHistory => "phone_history",
            Self::StatusPosts => "status_posts",
            Self::OwnPolls => "own_polls",
            Self::ChatChanges => "chat_changes",
            Self::Calls => "calls",
            Self::PresenceOfOthers => "presence_of_others",
            Self::ProfileName => "profile_name",
            Self::StreamedUploads => "streamed_uploads",
            Self::CertificateCheck => "certificate_check",
            Self::GivesBackMemory => "gives_back_memory",
        }
    }

    /// What it costs not to have it, in a sentence.
    pub fn without(self) -> &'static str {
        match self {
            Self::StoreBeforeAck => "a crash between the two loses a message that came in",
            Self::Resend => "a message its recipient could not read stays unread",
            Self::ServerRefusals => "a message the server refused counts as sent",
            Self::Order => "messages that come very fast may be told out of order",
            Self::ReceiptLists => "of messages read together only one counts as read",
            Self::KeyRefill => "new one-time keys are offered at the next login only",
            Self::PhoneHistory => "nothing comes in from before the session was linked",
            Self::StatusPosts => "statuses cannot be posted",
            Self::OwnPolls => "votes in its own polls cannot be read, so it makes none",
            Self::ChatChanges => "chats cannot be archived, pinned, muted, marked or removed",
            Self::Calls => "calls are not seen and cannot be refused",
            Self::PresenceOfOthers => "it is not seen when somebody comes and goes",
            Self::ProfileName => "the name the account shows cannot be changed",
            Self::StreamedUploads => "a file is held in memory, twice, while it is sent",
            Self::CertificateCheck => "only TLS tells that the server is WhatsApp's",
            Self::GivesBackMemory => {
                "a session that was linked keeps its memory until the host ends"
            }
        }
    }
}

/// The engines a host has; the first is the one sessions get that ask for none.
#[derive(Clone)]
pub struct Engines(Arc<[Arc<dyn Driver>]>);

impl Engines {
    /// These engines, the default one first. Of two with the same name, the first counts.
    pub fn new(drivers: Vec<Arc<dyn Driver>>) -> Self {
        Self(drivers.into())
    }

    /// What a session gets that asks for none.
    pub fn default_engine(&self) -> EngineName {
        let first = self.0.first();
        first.map_or_else(EngineName::default, |driver| driver.engine())
    }

    /// One of them.
    ///
    /// # Errors
    /// [`DriverError::Engine`] when this host does not have it.
    pub fn get(&self, engine: EngineName) -> Result<&Arc<dyn Driver>, DriverError> {
        let found = self.0.iter().find(|driver| driver.engine() == engine);
        found.ok_or_else(|| DriverError::Engine(format!("this host has no engine {engine}")))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Driver>> {
        self.0.iter()
    }
}
