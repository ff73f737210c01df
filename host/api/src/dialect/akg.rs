//! The dialect `akg`: the WA-AKG API.
//!
//! One API key for everything, made by the operator; pages on the same host may have it in a cookie,
//! which counts only if no other origin is behind a request. Its answers are bare arrays and objects;
//! so is its refusal, `{ "error": … }`.

mod chats;
mod form;
mod later;
mod replies;
mod sessions;
mod webhooks;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use serde_json::{Value, json};
use warbler_app::quotas::Quota;
use warbler_domain::{Caller, Dialect};

use super::foreign::no_foreign_page;
use super::{DialectState, Fault, Row, Voice, api_key_of, holder_of};
use crate::caller::{in_api_key, in_cookie, secret_of};
use crate::problem::Problem;

pub(crate) use form::{FORM, tell};

/// The cookie that pages of its dashboard have.
const COOKIE_NAME: &str = "authjs.session-token";

/// What its handlers are given.
type Call = super::Call<Akg>;
/// What they answer.
type Answer<T = Value> = Result<Json<T>, Fault<Akg>>;

/// The dialect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Akg;

/// How it recognises callers: by an API key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key;

impl Voice for Akg {
    const DIALECT: Dialect = Dialect::Akg;
    const TITLE: &'static str = "WA-AKG";
    const DOCUMENT: &'static str = include_str!("akg.json");
    const CALLS: Option<Quota> = None;

    type Who = Key;

    fn rows() -> Vec<Row<Self>> {
        let sections = [
            sessions::rows(),
            chats::rows(),
            later::rows(),
            replies::rows(),
            webhooks::rows(),
        ];
        sections.into_iter().flatten().collect()
    }

    async fn recognise(
        state: &DialectState<Self>,
        _: Key,
        headers: &HeaderMap,
    ) -> Result<Caller, Problem> {
        let cookie = in_cookie(headers, COOKIE_NAME).filter(|_| in_api_key(headers).is_none());
        let secret = match cookie {
            None => api_key_of(headers)?,
            Some(cookie) => {
                no_foreign_page(headers, &state.terms.origins)?;
                secret_of(Some(cookie.as_bytes()), COOKIE_NAME)?
            }
        };
        holder_of(state, &secret).await
    }

    fn say(problem: &Problem) -> Response {
        let body = json!({ "error": problem.detail() });
        (problem.status(), Json(body)).into_response()
    }

    fn schemes_of(_: Key) -> &'static [&'static str] {
        &["apiKey", "cookie"]
    }

    fn schemes() -> Value {
        json!({
            "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
            "cookie": { "type": "apiKey", "in": "cookie", "name": COOKIE_NAME },
        })
    }
}
