//! Why something was not fetched.

use std::net::IpAddr;
use std::time::Duration;

use warbler_domain::{Refusal, RefusalKind};

use super::Pace;

/// Why a request was not made, or its answer not taken. Hosts are named, paths never.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Not a URL with a host.
    #[error("not a URL: {0}")]
    Invalid(String),
    /// A URL of another kind.
    #[error("`{0}:` URLs are not fetched; use https or http")]
    Scheme(String),
    /// A URL with a user name or password in it.
    #[error("a URL must not carry a user name or password")]
    Credentials,
    /// An address that is not public, and that the operator has not allowed.
    #[error(
        "{host} is at {address}, which is {what}: not reached unless the configuration has `outbound_allow = [\"{address}\"]` under [network]"
    )]
    NotAllowed {
        /// The host of the URL.
        host: String,
        /// Where it is.
        address: IpAddr,
        /// What that address is.
        what: &'static str,
    },
    /// Nobody answered there, or the answer broke off.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// The host of the URL.
        host: String,
        /// What was seen.
        reason: String,
    },
    /// An answer that is no success.
    #[error("{host} answered with status {status}")]
    Status {
        /// The host of the URL.
        host: String,
        /// What it answered.
        status: u16,
    },
    /// More than was to be taken.
    #[error("{host} sends more than the {max} bytes that are taken")]
    TooLarge {
        /// The host of the URL.
        host: String,
        /// The limit in bytes.
        max: u64,
    },
    /// Too slow.
    #[error("{host} took too long: {}", too_long(.limit))]
    Timeout {
        /// The host of the URL.
        host: String,
        /// What was exceeded.
        limit: TimeLimit,
    },
    /// Sent from one place to the next for too long.
    #[error("{host} redirects more than {max} times")]
    TooManyRedirects {
        /// The host of the last URL.
        host: String,
        /// The limit.
        max: u8,
    },
    /// A redirect that leads nowhere.
    #[error("{host} redirects to something that is no address")]
    BadRedirect {
        /// The host that redirects.
        host: String,
    },
    /// A redirect from https to http.
    #[error("{host} redirects from https to plain http, which is not followed")]
    InsecureRedirect {
        /// The host that redirects.
        host: String,
    },
}

/// Which limit of time an exchange exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// Finding the host and connecting to it.
    Connect(Duration),
    /// The whole exchange.
    Whole(Duration),
    /// The answer came in drips.
    Pace(Pace),
}

fn too_long(limit: &TimeLimit) -> String {
    match limit {
        TimeLimit::Connect(limit) => format!("no connection within {}", seconds(*limit)),
        TimeLimit::Whole(limit) => format!("it did not end within {}", seconds(*limit)),
        TimeLimit::Pace(Pace { bytes, per }) => {
            format!("fewer than {bytes} bytes came in {}", seconds(*per))
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f32())
}

impl Refusal for FetchError {
    fn kind(&self) -> RefusalKind {
        // Whoever chose the URL can act on every one of these; nothing of this host is broken.
        RefusalKind::Invalid
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "url_invalid",
            Self::Scheme(_) => "url_scheme",
            Self::Credentials => "url_credentials",
            Self::NotAllowed { .. } => "url_not_allowed",
            Self::Unreachable { .. } => "url_unreachable",
            Self::Status { .. } => "url_status",
            Self::TooLarge { .. } => "url_too_large",
            Self::Timeout { .. } => "url_timeout",
            Self::TooManyRedirects { .. } => "url_too_many_redirects",
            Self::BadRedirect { .. } => "url_bad_redirect",
            Self::InsecureRedirect { .. } => "url_insecure_redirect",
        }
    }
}

impl FetchError {
    /// Whether the same request may succeed later: for those who retry.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } => true,
            Self::Status { status, .. } => *status >= 500 || *status == 429 || *status == 408,
            _ => false,
        }
    }
}
