//! The dialect `akg`: the WA-AKG API.
//!
//! One API key for everything, made by the operator. Its answers are bare arrays and objects;
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

use super::{DialectState, Row, Voice, api_key_of, holder_of};
use crate::problem::Problem;

pub(crate) use form::{FORM, tell};

/// A refusal in this dialect.
type Fault = super::Fault<Akg>;

/// The dialect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Akg;

/// How it recognises callers: by an API key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key;

impl Voice for Akg {
    const DIALECT: Dialect = Dialect::Akg;
    const TITLE: &'static str = "WA-AKG";
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
        _who: Key,
        headers: &HeaderMap,
    ) -> Result<Caller, Problem> {
        holder_of(state, &api_key_of(headers)?).await
    }

    fn say(problem: &Problem) -> Response {
        let body = json!({ "error": problem.detail() });
        (problem.status(), Json(body)).into_response()
    }

    fn schemes_of(_who: Key) -> &'static [&'static str] {
        &["apiKey"]
    }

    fn schemes() -> Value {
        json!({ "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" } })
    }
}
