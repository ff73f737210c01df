//! What this dialect writes: users and sessions.

use serde::Serialize;
use warbler_app::sessions::Marked;
use warbler_domain::{Secret, Timestamp, User};

use crate::dialect::Standing;

/// `{ "success": true, "data": … }`.
#[derive(Serialize)]
pub(super) struct Success<T> {
    success: bool,
    data: T,
}

impl<T> Success<T> {
    pub(super) fn of(data: T) -> axum::Json<Self> {
        axum::Json(Self {
            success: true,
            data,
        })
    }
}

/// `{ "data": … }`.
#[derive(Serialize)]
pub(super) struct Data<T> {
    data: T,
}

impl<T> Data<T> {
    pub(super) fn of(data: T) -> axum::Json<Self> {
        axum::Json(Self { data })
    }
}

/// A user; which fields it has depends on the endpoint.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserView {
    id: i64,
    email: Option<String>,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<Timestamp>,
}

impl UserView {
    /// A user as logging in shows it.
    pub(super) fn new(user: &User, key: Option<&Secret>) -> Self {
        Self {
            id: user.number,
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            role: user.role.as_str(),
            api_key: key.map(|key| key.expose().to_owned()),
            created_at: Some(user.created_at),
            updated_at: None,
        }
    }

    /// With when it was changed.
    pub(super) fn with_change(mut self, user: &User) -> Self {
        self.updated_at = Some(user.changed_at);
        self
    }

    /// Without when it was made.
    pub(super) fn without_creation(mut self) -> Self {
        self.created_at = None;
        self
    }
}

/// A session in a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionView {
    session_id: String,
    phone_number: Option<String>,
    status: &'static str,
    user_id: Option<i64>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl SessionView {
    /// A session of the user with this number.
    pub(super) fn new(marked: &Marked, user: Option<i64>) -> Self {
        Self {
            session_id: marked.session.name.to_string(),
            phone_number: phone(marked),
            status: status(marked),
            user_id: user,
            created_at: marked.session.created_at,
            updated_at: marked.session.changed_at,
        }
    }
}

/// A session by itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusView {
    session_id: String,
    phone_number: Option<String>,
    status: &'static str,
    is_connected: bool,
    last_updated: Timestamp,
    created_at: Timestamp,
}

impl From<&Marked> for StatusView {
    fn from(marked: &Marked) -> Self {
        let status = status(marked);
        Self {
            session_id: marked.session.name.to_string(),
            phone_number: phone(marked),
            status,
            is_connected: status == CONNECTED,
            last_updated: marked.session.changed_at,
            created_at: marked.session.created_at,
        }
    }
}

const CONNECTED: &str = "connected";

/// Where a session stands, in this dialect's words.
pub(super) fn status(marked: &Marked) -> &'static str {
    match Standing::from(marked.session.state) {
        Standing::Stopped | Standing::Lost => "disconnected",
        Standing::Waiting => "connecting",
        Standing::Connected => CONNECTED,
    }
}

/// The number of a session's phone, with `+`.
pub(super) fn phone(marked: &Marked) -> Option<String> {
    marked.phone().map(|phone| phone.to_string())
}
