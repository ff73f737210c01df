//! Why nothing was done about a webhook.

use warbler_domain::{DeliveryId, Refusal, RefusalKind, ScopeRequired, Webhook, WebhookId};

use super::Webhooks;
use crate::fetch::FetchError;
use crate::sessions::SessionError;

/// Why nothing was done about a webhook.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The caller may not.
    #[error(transparent)]
    Scope(#[from] ScopeRequired),
    /// There is none with this id.
    #[error("webhook {0} does not exist")]
    Unknown(WebhookId),
    /// It has no such delivery.
    #[error("delivery {0} does not exist")]
    UnknownDelivery(DeliveryId),
    /// It is going to be made anyway.
    #[error("the delivery is waiting to be made already")]
    IsWaiting,
    /// The session it is to be for.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Who reaches some sessions only cannot have one for all.
    #[error("name the session: this key does not reach every one")]
    SessionRequired,
    /// An address that is none, or cannot be sent to.
    #[error("the URL cannot be used: {0}")]
    BadUrl(FetchError),
    /// Too long an address.
    #[error("a URL has at most {} bytes", Webhook::MAX_URL)]
    UrlTooLong,
    /// No kinds, or too many.
    #[error(
        "name 1 to {} kinds of events, such as message.* or *",
        Webhook::MAX_EVENTS
    )]
    BadEvents,
    /// A header that cannot be set.
    #[error("`{0}` cannot be set as a header of a webhook")]
    BadHeader(String),
    /// Too many headers.
    #[error(
        "a webhook has at most {} headers of {} bytes together",
        Webhook::MAX_HEADERS,
        Webhook::MAX_HEADER_BYTES
    )]
    TooManyHeaders,
    /// A secret that is too easily guessed, or too long.
    #[error("a secret is whsec_ and the base64 of 24 to 64 bytes; leave it out to have one made")]
    BadSecret,
    /// A secret of a dialect that is none.
    #[error("a secret has 1 to 256 visible characters; leave it out to have one made")]
    BadPlainSecret,
    /// More than is sent at once.
    #[error("a payload has at most {} bytes", super::trial::MAX_PAYLOAD)]
    PayloadTooLarge,
    /// A form nobody knows.
    #[error("there is no form `{0}` of events")]
    UnknownForm(String),
    /// There are too many already.
    #[error("there are {} webhooks already; delete one first", Webhooks::MOST)]
    TooMany,
    /// The database.
    #[error("the webhooks could not be read or written")]
    Store(#[from] warbler_store::Error),
}

impl Refusal for WebhookError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Scope(err) => err.kind(),
            Self::Session(err) => err.kind(),
            Self::Unknown(_) | Self::UnknownDelivery(_) => RefusalKind::NotFound,
            Self::IsWaiting | Self::TooMany => RefusalKind::Conflict,
            Self::SessionRequired
            | Self::BadUrl(_)
            | Self::UrlTooLong
            | Self::BadEvents
            | Self::BadHeader(_)
            | Self::TooManyHeaders
            | Self::BadSecret
            | Self::BadPlainSecret
            | Self::PayloadTooLarge
            | Self::UnknownForm(_) => RefusalKind::Invalid,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Scope(err) => err.code(),
            Self::Session(err) => err.code(),
            Self::Unknown(_) => "unknown_webhook",
            Self::UnknownDelivery(_) => "unknown_delivery",
            Self::IsWaiting => "delivery_is_waiting",
            Self::SessionRequired => "session_required",
            Self::BadUrl(err) => err.code(),
            Self::UrlTooLong => "url_invalid",
            Self::BadEvents => "bad_event_kind",
            Self::BadHeader(_) => "bad_header",
            Self::TooManyHeaders => "too_many_headers",
            Self::PayloadTooLarge => "webhook_payload_too_large",
            Self::BadSecret | Self::BadPlainSecret => "bad_webhook_secret",
            Self::UnknownForm(_) => "unknown_form",
            Self::TooMany => "too_many_webhooks",
            Self::Store(_) => "store_unavailable",
        }
    }
}
