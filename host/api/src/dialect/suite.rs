//! The dialect `suite`: sessions, messages, webhooks and accounts under `/api`.
//!
//! Accounts by name and address; whatever is not public is called by the token of a login or by the
//! account's API key. Ids of sessions are 32 hexadecimal digits, those of messages `msg_` and the
//! network's id, so that receipts can name them. Refusals have one shape.

mod accounts;
mod bulk;
pub(crate) mod form;
mod history;
mod media;
mod messages;
mod sessions;
mod system;
mod webhooks;
mod wire;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use warbler_app::quotas::Quota;
use warbler_domain::{Caller, Dialect};

use super::{
    DialectState, Row, Voice, api_key_of, bearer_of, holder_of, is_shown_by, plain_status,
};
use crate::caller::{in_api_key, in_bearer};
use crate::problem::Problem;

/// A refusal in this dialect.
type Fault = super::Fault<Suite>;
/// What handlers are given of a request of somebody known.
type Call = super::Call<Suite>;
/// What they are given of a request of anybody.
type Visit = super::Visit<Suite>;
/// What they answer.
type Answer = Result<Json<Value>, Fault>;
/// What they answer that have made something.
type Created = Result<(StatusCode, Json<Value>), Fault>;

/// The dialect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Suite;

/// How it recognises callers: by the token of a login, or by an API key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known;

impl Voice for Suite {
    const DIALECT: Dialect = Dialect::Suite;
    const TITLE: &'static str = "WhatsApp API Suite";
    const DOCUMENT: &'static str = include_str!("suite.json");
    const CALLS: Option<Quota> = Some(Quota::per_minute("suite.calls", 100));

    type Who = Known;

    fn rows() -> Vec<Row<Self>> {
        let sections = [
            accounts::rows(),
            sessions::rows(),
            media::rows(),
            messages::rows(),
            bulk::rows(),
            history::rows(),
            webhooks::rows(),
            system::rows(),
        ];
        sections.into_iter().flatten().collect()
    }

    async fn recognise(
        state: &DialectState<Self>,
        _: Known,
        headers: &HeaderMap,
    ) -> Result<Caller, Problem> {
        let by_login = in_bearer(headers).is_some() || in_api_key(headers).is_none();
        let secret = match by_login {
            true => bearer_of(headers)?,
            false => api_key_of(headers)?,
        };
        let caller = holder_of(state, &secret).await?;
        is_shown_by(&caller, by_login)?;
        Ok(caller)
    }

    fn say(problem: &Problem) -> Response {
        let status = plain_status(problem.status());
        let (field, detail) = (problem.field(), problem.detail());
        let details = field.map(|field| json!({ field: detail }));
        let body = json!({
            "error": error_of(problem),
            "code": code_of(problem.code(), status),
            "status": status.as_u16(),
            "details": details.unwrap_or_else(|| json!({})),
        });
        (status, Json(body)).into_response()
    }

    fn schemes_of(_: Known) -> &'static [&'static str] {
        &["bearer", "apiKey"]
    }

    fn schemes() -> Value {
        json!({
            "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            "apiKey": { "type": "apiKey", "in": "header", "name": "x-api-key" },
        })
    }
}

/// What endpoints answer that have nothing to show.
fn done(message: &str) -> Answer {
    Ok(Json(json!({ "success": true, "message": message })))
}

/// The document's code for a refusal.
fn code_of(code: &str, status: StatusCode) -> &'static str {
    match code {
        "invalid_key" | "wrong_password" | "wrong_current_password" => "AUTH_INVALID_CREDENTIALS",
        "token_expired" => "AUTH_TOKEN_EXPIRED",
        "unknown_session" => "SESSION_NOT_FOUND",
        "not_paired" | "session_not_connected" => "SESSION_NOT_CONNECTED",
        "bad_recipient" | "bad_phone_number" | "not_writable" => "INVALID_PHONE_NUMBER",
        "media_too_large" | "body_too_large" => "FILE_TOO_LARGE",
        "unknown_media" | "media_expired" | "media_gone" => "FILE_NOT_FOUND",
        _ => match status {
            StatusCode::BAD_REQUEST => "VALIDATION_ERROR",
            StatusCode::UNAUTHORIZED => "AUTH_REQUIRED",
            StatusCode::FORBIDDEN => "FORBIDDEN",
            StatusCode::NOT_FOUND => "NOT_FOUND",
            StatusCode::METHOD_NOT_ALLOWED => "METHOD_NOT_ALLOWED",
            StatusCode::TOO_MANY_REQUESTS => "RATE_LIMIT_EXCEEDED",
            StatusCode::SERVICE_UNAVAILABLE => "SERVICE_UNAVAILABLE",
            _ => "INTERNAL_ERROR",
        },
    }
}

/// What is wrong. Ids of sessions and files are written otherwise here than in the core's words.
fn error_of(problem: &Problem) -> &str {
    match problem.code() {
        "unknown_session" => "Session not found",
        "not_paired" => "Session not connected: start it and scan its QR code first",
        "unknown_media" | "media_expired" | "media_gone" => "File not found",
        _ => problem.detail(),
    }
}
