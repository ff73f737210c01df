//! Requests that are done once: the header `Idempotency-Key`.

use axum::extract::{FromRequest, Request};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use warbler_app::App;
use warbler_app::idempotency::{Begun, Claim, IdempotencyKey};
use warbler_domain::Caller;

use crate::extract::Body;
use crate::mount::{ApiState, Route};
use crate::problem::Problem;

/// The header that names a request.
const HEADER: &str = "idempotency-key";

/// A JSON body, and the key under which the request is done once, if it has one.
pub(crate) struct Once<T> {
    pub(crate) body: T,
    pub(crate) key: Option<Named>,
}

/// The key of a request, and the digest of all that makes it the request it is.
pub(crate) struct Named {
    key: IdempotencyKey,
    digest: [u8; 32],
}

/// What is to be done about a request.
pub(crate) enum Turn<A> {
    /// It was done, and this was the answer.
    Again(A),
    /// It is to be done; with a claim once.
    Go(Option<Claim>),
}

impl Named {
    /// The request under this key whose parts have this digest.
    pub(crate) fn new(key: IdempotencyKey, digest: [u8; 32]) -> Self {
        Self { key, digest }
    }

    /// Whose turn it is.
    pub(crate) async fn turn<A: DeserializeOwned>(
        named: Option<Self>,
        app: &App,
        caller: &Caller,
    ) -> Result<Turn<A>, Problem> {
        let Some(Self { key, digest }) = named else {
            return Ok(Turn::Go(None));
        };
        Ok(match app.idempotency().begin(caller, key, digest).await? {
            Begun::Again(answer) => Turn::Again(answer),
            Begun::First(claim) => Turn::Go(Some(claim)),
        })
    }
}

impl<T: DeserializeOwned + Send + 'static> FromRequest<ApiState> for Once<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        let key = key_of(request.headers())?;
        let mut digest = Sha256::new();
        if key.is_some() {
            digest.update(request.method().as_str());
            digest.update([0]);
            digest.update(request.uri().path());
            digest.update([0]);
        }
        let body = Body::read(request, state).await?;
        let key = key.map(|key| {
            digest.update(&body.bytes);
            Named {
                key,
                digest: digest.finalize().into(),
            }
        });
        Ok(Self {
            body: body.parsed().await?,
            key,
        })
    }
}

/// The key that a request has.
pub(crate) fn key_of(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let key = headers.get(HEADER).map(|value| {
        // What is not text is not a key either.
        value.to_str().unwrap_or_default().parse::<IdempotencyKey>()
    });
    Ok(key.transpose()?)
}

impl Route {
    /// Documents what a route refuses that can be done once.
    pub(crate) fn done_once(self) -> Self {
        self.refuses(StatusCode::BAD_REQUEST, &["bad_idempotency_key"])
            .refuses(
                StatusCode::CONFLICT,
                &["idempotency_key_reused", "idempotency_in_flight"],
            )
    }
}
