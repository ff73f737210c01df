//! The seam to the network below: what a WhatsApp engine must do for this host.
//!
//! A [`Driver`] opens a [`Link`] for a session. One link is one connection's life: it connects
//! once, tells everything to its [`Inbox`], and ends with exactly one [`LinkReport::Ended`].
//! Coming back, with which pause, and noticing a dead link are decided above, in
//! [`crate::sessions`], the same way for every engine.
//!
//! Invariant: a driver acknowledges an inbound message to the network only after
//! [`Inbox::receive`] has answered `Ok` for it, and a change of its key material is durable before
//! the message that caused it is acknowledged or sent.

mod capabilities;
mod chats;
mod groups;
mod people;

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use warbler_domain::call::CallState;
use warbler_domain::chat::ChatChange;
use warbler_domain::contact::Contact;
use warbler_domain::event::ContactChange;
use warbler_domain::group::GroupChange;
use warbler_domain::media::MediaKind;
use warbler_domain::message::Quoted;
use warbler_domain::session::Account;
use warbler_domain::{
    Content, Direction, EngineName, Jid, MessageStatus, PhoneNumber, SessionId, Timestamp,
    WhatsAppId,
};

pub use capabilities::{EngineCapability, Engines};
pub use chats::{Chats, Newest};
pub use groups::Groups;
pub use people::People;

/// A WhatsApp engine.
#[async_trait]
pub trait Driver: Send + Sync + 'static {
    /// The engine's name.
    fn engine(&self) -> EngineName;

    /// What it can do of what engines differ in.
    fn capabilities(&self) -> &'static [EngineCapability];

    /// Starts to connect `session` and answers at once; what follows is told to `inbox`.
    ///
    /// A session without keys is offered for pairing; one with keys logs in. At most one link per
    /// session may be open.
    async fn open(
        &self,
        session: SessionId,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Arc<dyn Link>, DriverError>;

    /// Whether the session has keys, so that it can log in without pairing.
    async fn is_paired(&self, session: SessionId) -> Result<bool, DriverError>;

    /// Deletes the session's keys. No link of it may be open.
    async fn forget(&self, session: SessionId) -> Result<(), DriverError>;
}

/// One connection of one session.
#[async_trait]
pub trait Link: Chats + Groups + People + Send + Sync + 'static {
    /// Hands a message to the network under the id it carries; sending the same id again is the
    /// same message. The server's answer comes as [`LinkReport::Ack`].
    async fn send(&self, message: &Outgoing) -> Result<(), SendFailure>;

    /// Asks for an 8-character code to type on the phone instead of scanning the QR.
    async fn request_pairing_code(&self, phone: &PhoneNumber) -> Result<PairingCode, DriverError>;

    /// Hands in what the account's passkey has signed, after [`LinkReport::PasskeyAsked`].
    async fn answer_passkey(&self, _answer: PasskeyAssertion) -> Result<(), DriverError> {
        Err(DriverError::Unsupported("link with a passkey"))
    }

    /// Finishes a link with a passkey: the code of [`LinkReport::PasskeyCode`] is the phone's.
    async fn confirm_passkey(&self) -> Result<(), DriverError> {
        Err(DriverError::Unsupported("link with a passkey"))
    }

    /// Fetches, checks and decrypts a medium by the locator its message carries, into an empty
    /// file. What is in the file after a failure means nothing.
    async fn fetch_media(&self, locator: &str, into: File) -> Result<(), MediaFailure>;

    /// Asks the server for a sign of life, at most `timeout` long.
    async fn ping(&self, timeout: Duration) -> Result<(), DriverError>;

    /// When the server was last heard.
    fn last_heard(&self) -> Timestamp;

    /// Ends the link of this device with the account, at the server, and closes the connection.
    async fn logout(&self) -> Result<(), DriverError>;

    /// Closes the connection; keys stay. Flushes what must be durable. Idempotent.
    async fn close(&self);
}

/// Where a link puts what it learns. Calls of one link come one after the other.
#[async_trait]
pub trait Inbox: Send + Sync + 'static {
    /// Stores what came in, all or nothing. After `Ok` it is durable and may be acknowledged;
    /// after an error it must not be, so that the network delivers it again.
    async fn receive(&self, inbound: Vec<Inbound>) -> Result<(), InboxError>;

    /// Notes what happened to the link itself.
    async fn report(&self, report: LinkReport);

    /// The file of a stored medium that [`Outgoing`] refers to, at its beginning.
    async fn media(&self, digest: &warbler_domain::media::Digest) -> Result<File, InboxError>;
}

/// Why something could not be stored; it will be delivered again.
#[derive(Debug, thiserror::Error)]
#[error("not stored: {0}")]
pub struct InboxError(pub String);

/// Something that came in from the network. Addresses are phone numbers where they are known.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are messages; a box would cost one allocation each"
)]
pub enum Inbound {
    /// A message, or one of the account's own from another device.
    Message(InboundMessage),
    /// Messages of ours have come further.
    Receipt {
        /// The chat they are in.
        chat: Jid,
        /// Who has them.
        by: Jid,
        /// Which.
        messages: Vec<WhatsAppId>,
        /// How far: delivered, read or played.
        status: MessageStatus,
    },
    /// Somebody types, records or has stopped.
    ChatState {
        /// The chat.
        chat: Jid,
        /// Who.
        by: Jid,
        /// `composing`, `recording` or `paused`.
        state: &'static str,
    },
    /// Somebody who is watched came or went.
    Presence {
        /// Who.
        by: Jid,
        /// Whether they are there.
        online: bool,
        /// When they were last there, if they show it.
        last_seen: Option<Timestamp>,
    },
    /// Somebody calls, or a call has ended.
    Call {
        /// The network's id of the call.
        call: String,
        /// Who calls.
        by: Jid,
        /// Whether with pictures.
        video: bool,
        /// Whether several people are called.
        group: bool,
        /// What happens to it.
        state: CallState,
    },
    /// A group changed.
    GroupUpdated {
        /// The group.
        group: Jid,
        /// Who changed it, where known.
        by: Option<Jid>,
        /// What was done.
        change: GroupChange,
    },
    /// The account changed how it keeps a chat, on another of its devices.
    ChatUpdated {
        /// The chat.
        chat: Jid,
        /// What was done.
        change: ChatChange,
    },
    /// Somebody shows something new, or the account calls them differently.
    ContactUpdated {
        /// Who.
        contact: Jid,
        /// The person's other address, where known.
        alt: Option<Jid>,
        /// What is new.
        change: ContactChange,
    },
    /// What the phone remembers from before this session was linked. It changes what is stored
    /// and is no event.
    History(Box<History>),
}

/// A part of what the phone remembers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Messages, in any order; those that are known already change nothing.
    pub messages: Vec<InboundMessage>,
    /// People, with the names they show or the account gave them.
    pub contacts: Vec<Contact>,
    /// Groups and their subjects.
    pub groups: Vec<(Jid, String)>,
}

/// A message as the network delivered it, decrypted.
#[derive(Debug, Clone, PartialEq)]
pub struct InboundMessage {
    /// The network's id.
    pub whatsapp_id: WhatsAppId,
    /// The chat: person or group.
    pub chat: Jid,
    /// The chat's other address, where known.
    pub chat_alt: Option<Jid>,
    /// The author.
    pub sender: Jid,
    /// The author's other address, where known.
    pub sender_alt: Option<Jid>,
    /// The name the author shows.
    pub sender_name: Option<String>,
    /// Outbound when the account wrote it on another device.
    pub direction: Direction,
    /// The network's time of it.
    pub timestamp: Timestamp,
    /// What it says.
    pub content: Content,
    /// What it answers.
    pub quoted: Option<Quoted>,
    /// How often it has been forwarded; 0 when it is original.
    pub forwarded: u32,
}

/// What happened to a link.
#[derive(Debug, Clone, PartialEq)]
pub enum LinkReport {
    /// The network offers a QR.
    PairingQr {
        /// The text the QR carries. A secret while it is valid.
        text: String,
        /// How long it can be scanned.
        valid_for: Duration,
    },
    /// The phone linked this device; the link goes on to connect, or ends with
    /// [`LinkEnd::Restart`].
    Paired(Account),
    /// Before the server links the device, the account's owner must prove who they are with a
    /// passkey; [`Link::answer_passkey`] does.
    PasskeyAsked {
        /// WebAuthn's options of a request, as JSON.
        options: String,
    },
    /// The phone shows this code too, if nobody stands between; [`Link::confirm_passkey`] goes on.
    PasskeyCode {
        /// Two groups of four characters.
        code: String,
    },
    /// Pairing was refused or went wrong; further offers may follow.
    PairingFailed {
        /// Why, in words.
        reason: String,
    },
    /// Logged in, offline messages drained, ready to send.
    Connected(Account),
    /// The server took a message over, or refused it.
    Ack {
        /// Which.
        whatsapp_id: WhatsAppId,
        /// Why it was refused, if it was.
        refused: Option<AckRefusal>,
    },
    /// The link is over; nothing follows.
    Ended(LinkEnd),
}

/// Why the server refused a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AckRefusal {
    /// The server's code, such as `479`.
    pub code: String,
    /// Whether sending it again can help.
    pub retryable: bool,
}

/// Why a link is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEnd {
    /// The server asks to connect again at once (stream error 515, as after pairing).
    Restart,
    /// The connection was lost or could not be made; coming back may help.
    Lost {
        /// What was seen.
        reason: String,
    },
    /// Nobody scanned or typed in time.
    PairingExpired,
    /// Another connection of the same device took over.
    Replaced,
    /// The device was unlinked: its keys are worthless.
    LoggedOut {
        /// The server's word for it.
        reason: String,
    },
    /// The account may not connect; coming back does not help before `for_now` has passed, or at
    /// all.
    Refused {
        /// The server's word for it.
        reason: String,
        /// How long the refusal stands, where known.
        for_now: Option<Duration>,
    },
    /// [`Link::close`] or [`Link::logout`] was called.
    Closed,
}

/// A message on its way out.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// The id it has on the wire.
    pub whatsapp_id: WhatsAppId,
    /// Where it goes.
    pub chat: Jid,
    /// What it says. Media are [`warbler_domain::media::MediaSource::Stored`].
    pub content: Content,
    /// What it answers.
    pub quoted: Option<Quoted>,
    /// How often it has been forwarded; 0 when it is original.
    pub forwarded: u32,
    /// Who sees it, when it is a status post.
    pub audience: Vec<Jid>,
}

/// A code to type on the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingCode {
    /// Eight characters.
    pub code: String,
    /// How long it can be typed.
    pub valid_for: Duration,
}

/// What a passkey has signed, as WebAuthn names its parts.
#[derive(Clone, PartialEq, Eq)]
pub struct PasskeyAssertion {
    /// Which passkey.
    pub credential: Vec<u8>,
    /// What the browser adds to the challenge.
    pub client_data: Vec<u8>,
    /// What the authenticator adds.
    pub authenticator_data: Vec<u8>,
    /// The signature.
    pub signature: Vec<u8>,
    /// Whose it is, if it says so.
    pub user_handle: Option<Vec<u8>>,
}

/// Why a message did not go out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendFailure {
    /// The link is not up; try again when it is.
    #[error("the session is not connected")]
    NotConnected,
    /// It did not work now; try again later.
    #[error("sending failed for now: {0}")]
    Temporary(String),
    /// The recipient has no WhatsApp account.
    #[error("the recipient is not on WhatsApp")]
    NotOnWhatsApp,
    /// A medium could not be prepared.
    #[error("the {} cannot be sent: {reason}", kind_word(*.kind))]
    Media {
        /// What kind of medium.
        kind: MediaKind,
        /// Why.
        reason: String,
    },
    /// It will never work.
    #[error("the message cannot be sent: {0}")]
    Permanent(String),
}

fn kind_word(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "image",
        MediaKind::Video => "video",
        MediaKind::Audio => "audio",
        MediaKind::Document => "document",
        MediaKind::Sticker => "sticker",
    }
}

/// Why a medium could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MediaFailure {
    /// The network no longer has it.
    #[error("the network no longer has this medium")]
    Gone,
    /// It did not work now.
    #[error("fetching the medium failed for now: {0}")]
    Temporary(String),
    /// It is not what its message says.
    #[error("the medium is damaged: {0}")]
    Damaged(String),
    /// The locator is not this engine's.
    #[error("this engine cannot read the medium's locator")]
    BadLocator,
}

/// Why an engine refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// The link is not up.
    #[error("the session is not connected")]
    NotConnected,
    /// The session is paired already.
    #[error("the session is paired already")]
    AlreadyPaired,
    /// The engine's keys could not be read or written.
    #[error("the session's keys could not be read or written: {0}")]
    Keys(String),
    /// The engine cannot do this at all.
    #[error("this engine cannot {0}")]
    Unsupported(&'static str),
    /// There is no such person, group, picture or invitation, or it is not shown to this account.
    #[error("the network knows no such {0}")]
    NotFound(&'static str),
    /// The account may not do this.
    #[error("the account may not do this: {0}")]
    NotAllowed(String),
    /// The network wants no more of these for now.
    #[error("the network wants less of this for now")]
    TooMany,
    /// No answer in time.
    #[error("no answer from the network within {} s", .0.as_secs())]
    Timeout(Duration),
    /// Something else, in the engine's words.
    #[error("{0}")]
    Engine(String),
}
