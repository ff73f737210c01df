//! The dialect `hub`: the WhatsApp Hub API.
//!
//! Accounts by e-mail address; a token of a login for `/auth` and `/user`, an API key that its
//! owner may read again for everything else. Its answers have five shapes, each as documented; its
//! refusals one.

mod accounts;
mod messages;
mod people;
mod sessions;
mod system;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use warbler_app::quotas::Quota;
use warbler_domain::{Caller, Dialect};

use super::{DialectState, Row, Voice, api_key_of, bearer_of, holder_of};
use crate::problem::Problem;

/// The status that this dialect has for much that others tell apart.
const BAD: StatusCode = StatusCode::BAD_REQUEST;

/// A refusal in this dialect.
type Fault = super::Fault<Hub>;
/// What handlers are given of a request of somebody known.
type Call = super::Call<Hub>;
/// What they are given of a request of anybody.
type Visit = super::Visit<Hub>;
/// What they answer.
type Answer = Result<Json<Value>, Fault>;
/// What the dialect itself is given.
type HubState = DialectState<Hub>;

/// The dialect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hub;

/// How it recognises callers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who {
    /// By the token of a login.
    Login,
    /// By an API key.
    Key,
}

impl Voice for Hub {
    const DIALECT: Dialect = Dialect::Hub;
    const TITLE: &'static str = "WhatsApp Hub";
    const DOCUMENT: &'static str = include_str!("hub.json");
    const CALLS: Option<Quota> = Some(Quota::per_minute("hub.calls", 100));

    type Who = Who;

    fn rows() -> Vec<Row<Self>> {
        let sections = [
            accounts::rows(),
            sessions::rows(),
            messages::rows(),
            people::rows(),
            system::rows(),
        ];
        sections.into_iter().flatten().collect()
    }

    async fn recognise(state: &HubState, who: Who, headers: &HeaderMap) -> Result<Caller, Problem> {
        let secret = match who {
            Who::Login => bearer_of(headers)?,
            Who::Key => api_key_of(headers)?,
        };
        let caller = holder_of(state, &secret).await?;
        super::is_shown_by(&caller, matches!(who, Who::Login))?;
        Ok(caller)
    }

    fn say(problem: &Problem) -> Response {
        let body = json!({ "success": false, "error": problem.detail() });
        (problem.status(), Json(body)).into_response()
    }

    fn schemes_of(who: Who) -> &'static [&'static str] {
        match who {
            Who::Login => &["bearer"],
            Who::Key => &["apiKey"],
        }
    }

    fn schemes() -> Value {
        json!({
            "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            "apiKey": { "type": "apiKey", "in": "header", "name": "x-api-key" },
        })
    }
}

/// `{ "success": true, "data": … }`.
fn success(data: impl Serialize) -> Json<Value> {
    Json(json!({ "success": true, "data": data }))
}

/// `{ "data": … }`.
fn data(data: impl Serialize) -> Json<Value> {
    Json(json!({ "data": data }))
}
