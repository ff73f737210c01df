//! The dialects: documented APIs of other gateways, served in their own words.
//!
//! Everything a dialect has in common with the others is here; a dialect itself is a folder with
//! nothing but translation. What it may not have is a rule: if it needs what the core lacks, the
//! core gains it.
//!
//! # How to add one
//!
//! 1. Give it a variant in [`warbler_domain::Dialect`], a prefix for its keys in `app/src/keys.rs`,
//!    and a table `[dialects.<name>]` in `config.default.toml`.
//! 2. Make `dialect/<name>.rs` with a unit struct that implements [`Voice`]: its title, how it
//!    recognises callers ([`Voice::Who`], [`Voice::recognise`]), how it says no ([`Voice::say`],
//!    the one place with its error body), and its rows. Name it in [`router`] and [`rows_of`].
//! 3. Make one file per section of its document below `dialect/<name>/`, each with `rows()`, the
//!    handlers and their wire types. A handler takes a [`Call`], or a [`Visit`] where anybody may
//!    call, and the extractors of [`crate::extract`]; it returns `Result<_, Fault<Voice>>`, and `?`
//!    turns every refusal of the core into the dialect's words.
//! 4. A [`Row`] is an endpoint: method, path, who may call, what serves it, and the statuses that
//!    its document wants otherwise than [`crate::problem`] has them ([`Row::answers`]). What is to be
//!    said of it stands in `dialect/<name>.json`: its section, a sentence, an example of its body and
//!    of each answer. The OpenAPI document and the page of the dialect are made of that, and tests
//!    of the whole host hold every answer to its example.
//! 5. Unsafe behaviour that its document prescribes gets a variant in [`Switch`]; limits it
//!    documents are [`Quota`](warbler_app::quotas::Quota)s, taken with [`DialectState::take`].
//! 6. Write what its tests ask down in `tests/data/dialects/<name>.json`, a test for each endpoint
//!    in `tests/it/dialect_<name>.rs`, and its section in `host/docs/dialects.md`.
//!
//! All told a dialect costs about 33 lines for each endpoint, comments aside, and a test of the
//! project counts them.

pub(crate) mod akg;
mod base;
mod cors;
mod fault;
mod foreign;
mod form;
pub(crate) mod gateway;
mod hub;
pub(crate) mod manager;
mod mounts;
mod pages;
mod read;
mod row;
mod serve;
mod state;
pub(crate) mod suite;
mod switch;

use std::future::Future;

use axum::Router;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use warbler_app::fetch::FetchError;
use warbler_app::keys::CredentialError;
use warbler_app::media::{FileName, NewMedium, Origin};
use warbler_app::messages::{MediaForm, NewContent, NewMedia, NewMentions};
use warbler_app::quotas::Quota;
use warbler_domain::caller::Identity;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{Caller, Dialect, Realm, Recipient, Secret, SessionState};

use crate::caller::{in_api_key, in_bearer, secret_of};
use crate::mount::ApiState;
use crate::native::in_field;
use crate::problem::Problem;

pub(crate) use fault::Fault;
pub use mounts::{BadMounts, DialectOptions, MountOptions, Prefix, Registration};
use read::{Call, Visit};
pub(crate) use row::Row;
pub(crate) use state::{DialectState, Terms};
pub use switch::Switch;

/// What makes a dialect what it is.
pub(crate) trait Voice: Copy + Send + Sync + 'static {
    /// Which it is.
    const DIALECT: Dialect;
    /// What its document is called.
    const TITLE: &'static str;
    /// What is to be said of each row, for its pages: `dialect/<name>.json`.
    const DOCUMENT: &'static str;
    /// Requests that each caller, and each address without a credential, may make, where the
    /// document limits them.
    const CALLS: Option<Quota>;

    /// The ways in which it recognises callers.
    type Who: Copy + Send + Sync + 'static;

    /// Its rows.
    fn rows() -> Vec<Row<Self>>;

    /// The caller that a request's headers name.
    fn recognise(
        state: &DialectState<Self>,
        who: Self::Who,
        headers: &HeaderMap,
    ) -> impl Future<Output = Result<Caller, Problem>> + Send;

    /// How it says no. Its status is the problem's.
    fn say(problem: &Problem) -> Response;

    /// The names of its security schemes that let such callers in.
    fn schemes_of(who: Self::Who) -> &'static [&'static str];

    /// Its security schemes, as OpenAPI has them.
    fn schemes() -> Value;
}

/// The router of a dialect.
pub(crate) fn router(dialect: Dialect, api: &ApiState, terms: Terms) -> Router {
    match dialect {
        Dialect::Gateway => serve::router::<gateway::Gateway>(api, terms),
        Dialect::Manager => serve::router::<manager::Manager>(api, terms),
        Dialect::Suite => serve::router::<suite::Suite>(api, terms),
        Dialect::Hub => serve::router::<hub::Hub>(api, terms),
        Dialect::Akg => serve::router::<akg::Akg>(api, terms),
    }
}

/// The paths of a dialect, for finding overlaps: all that nothing of the host may answer instead.
pub(crate) fn rows_of(dialect: Dialect) -> Vec<String> {
    fn paths<V: Voice>() -> Vec<String> {
        let rows = V::rows().into_iter().filter(|row| !row.yields);
        rows.map(|row| row.path.to_owned()).collect()
    }
    match dialect {
        Dialect::Gateway => paths::<gateway::Gateway>(),
        Dialect::Manager => paths::<manager::Manager>(),
        Dialect::Suite => paths::<suite::Suite>(),
        Dialect::Hub => paths::<hub::Hub>(),
        Dialect::Akg => paths::<akg::Akg>(),
    }
}

/// Every entry of a list that has pages.
async fn every<T, E, F>(mut page: impl FnMut(PageRequest) -> F) -> Result<Vec<T>, E>
where
    F: Future<Output = Result<Page<T>, E>>,
{
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let found = page(PageRequest::new(after, Some(PageRequest::MAX))).await?;
        all.extend(found.items);
        after = found.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// A number, or the id of a group with or without its server.
fn recipient(field: &str, text: &str, is_group: bool) -> Result<Recipient, Problem> {
    let text = text.trim();
    match is_group && !text.contains('@') {
        true => in_field("bad_recipient", field, &format!("{text}@g.us")),
        false => in_field("bad_recipient", field, text),
    }
}

/// The address of a file, which `field` of the body names.
fn at_url(field: &str, url: &str) -> Result<Origin, Problem> {
    let url = url.parse().map(Origin::Url);
    url.map_err(|err: FetchError| Problem::from(err).in_field(field))
}

/// A file to send. A name that no file can have is left out, and so is an empty caption.
fn file(
    form: MediaForm,
    origin: Origin,
    name: Option<&str>,
    caption: Option<String>,
) -> NewContent {
    NewContent::Media(NewMedia {
        medium: NewMedium {
            origin,
            kind: Some(form.kind()),
            file_name: name.and_then(FileName::of),
        },
        form,
        caption: caption.filter(|caption| !caption.is_empty()),
        mentions: NewMentions::default(),
        view_once: false,
    })
}

/// Whoever shows this secret in this dialect.
async fn holder_of<V: Voice>(state: &DialectState<V>, secret: &Secret) -> Result<Caller, Problem> {
    let realm = Realm::Dialect(V::DIALECT);
    Ok(state.api.app.keys().authenticate_in(realm, secret).await?)
}

/// Refuses a credential of the other kind: a key where a login is wanted, or a login where a key
/// is.
fn is_shown_by(caller: &Caller, login: bool) -> Result<(), Problem> {
    match matches!(caller.identity(), Identity::User(..)) == login {
        true => Ok(()),
        false => Err(CredentialError::Unknown.into()),
    }
}

/// The secret in `Authorization: Bearer …`.
fn bearer_of(headers: &HeaderMap) -> Result<Secret, Problem> {
    let wanted = "log in and send the token as `Authorization: Bearer <token>`";
    secret_of(in_bearer(headers), wanted)
}

/// The secret in `X-API-Key: …`.
fn api_key_of(headers: &HeaderMap) -> Result<Secret, Problem> {
    let wanted = "send your API key as `X-API-Key: <key>`";
    secret_of(in_api_key(headers), wanted)
}

/// What stands for a secret that is not shown.
const MASKED: &str = "********";

/// The status of a refusal in dialects whose documents know none but 400 for what is wrong with a
/// request.
fn plain_status(status: StatusCode) -> StatusCode {
    match status {
        StatusCode::CONFLICT
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::REQUEST_TIMEOUT => StatusCode::BAD_REQUEST,
        status => status,
    }
}

/// Where a session stands, as far as dialects tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Never started, stopped, unlinked or given up.
    Stopped,
    /// Connecting, or waiting for the phone.
    Waiting,
    /// Online.
    Connected,
    /// Its connection is lost, and sought.
    Lost,
}

impl From<SessionState> for Standing {
    fn from(state: SessionState) -> Self {
        match state {
            SessionState::Created
            | SessionState::Stopped
            | SessionState::LoggedOut
            | SessionState::Failed => Self::Stopped,
            SessionState::Starting | SessionState::AwaitingPairing => Self::Waiting,
            SessionState::Connected => Self::Connected,
            SessionState::Reconnecting => Self::Lost,
        }
    }
}
