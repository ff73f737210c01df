//! The router of a dialect, made of its rows.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Method, StatusCode, Uri};
use warbler_domain::Caller;

use super::fault::Refused;
use super::pages::Pages;
use super::state::holder;
use super::{DialectState, Fault, Terms, Voice, cors};
use crate::caller::CallerLabel;
use crate::extract::BodyLimit;
use crate::mount::{ApiState, watched};
use crate::problem::Problem;

/// Everything the dialect serves, unknown paths included.
pub(super) fn router<V: Voice>(api: &ApiState, terms: Terms) -> Router {
    let rows = V::rows();
    let pages = Pages::of(&rows, terms.version);
    let state = DialectState::<V>::new(api.clone(), terms, pages);
    let mut router = Router::new();
    for row in rows {
        let limit = match row.carries_media {
            true => BodyLimit(api.max_body),
            false => BodyLimit::SMALL,
        };
        let recasts: Arc<[_]> = row.recasts.into();
        let service = row
            .service
            .route_layer(Extension(limit))
            .route_layer(from_fn_with_state((state.clone(), row.who), guard::<V>))
            .route_layer(from_fn_with_state(recasts, recast::<V>));
        router = router.route(row.path, service);
    }
    router
        .fallback(unknown_path::<V>)
        .method_not_allowed_fallback(wrong_method::<V>)
        .layer(from_fn_with_state(state.clone(), cors::apply::<V>))
        .layer(from_fn_with_state(state.clone(), observe::<V>))
        .with_state(state)
}

/// Lets a request pass with its caller, if its row wants one, or refuses it before anything of it
/// is read.
async fn guard<V: Voice>(
    State((state, who)): State<(DialectState<V>, Option<V::Who>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let origin = state
        .api
        .proxies
        .origin(request.extensions(), request.headers());
    let recognised = match who {
        Some(who) => V::recognise(&state, who, request.headers()).await.map(Some),
        None => Ok(None),
    };
    let caller = match recognised {
        Ok(caller) => caller.map(|caller| caller.at(origin)),
        Err(problem) => return stranger(&state, origin, problem).into_response(),
    };
    if let Err(fault) = admit(&state, caller.as_ref(), origin) {
        return fault.into_response();
    }
    let Some(caller) = caller else {
        return next.run(request).await;
    };
    let label = CallerLabel(caller.label());
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    response.extensions_mut().insert(label);
    response
}

/// Counts a request; refuses one too many.
fn admit<V: Voice>(
    state: &DialectState<V>,
    caller: Option<&Caller>,
    origin: Option<IpAddr>,
) -> Result<(), Fault<V>> {
    let app = &state.api.app;
    let admission = match (caller, origin) {
        (Some(caller), _) => app.admit(caller),
        (None, Some(origin)) => app.admit_address(origin),
        (None, None) => None,
    };
    if let Some(wait) = admission.and_then(|admission| admission.retry_after) {
        return Err(too_often(wait));
    }
    if let Some(calls) = V::CALLS {
        state.take(&[(calls, &holder(caller, origin))])?;
    }
    Ok(())
}

/// The refusal of somebody unknown, or of one who was refused too often.
fn stranger<V: Voice>(
    state: &DialectState<V>,
    origin: Option<IpAddr>,
    problem: Problem,
) -> Fault<V> {
    if problem.status() != StatusCode::UNAUTHORIZED {
        return problem.into();
    }
    let admission = origin.and_then(|origin| state.api.app.admit_address(origin));
    match admission.and_then(|admission| admission.retry_after) {
        Some(wait) => too_often(wait),
        None => problem.into(),
    }
}

fn too_often<V>(wait: std::time::Duration) -> Fault<V> {
    let detail = "too many requests; try again later";
    let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", detail);
    problem.retry_in(wait).into()
}

/// Gives a refusal the status that the document of its row wants.
async fn recast<V: Voice>(
    State(recasts): State<Arc<[(&'static str, StatusCode)]>>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let Some(Refused(problem)) = response.extensions().get::<Refused>() else {
        return response;
    };
    let wanted = recasts.iter().find(|(code, _)| *code == problem.code());
    match wanted {
        Some((_, status)) => Fault::<V>::from(problem.with_status(*status)).into_response(),
        None => response,
    }
}

async fn unknown_path<V: Voice>(uri: Uri) -> Fault<V> {
    let detail = format!("nothing is served at {}", uri.path());
    Fault::new(StatusCode::NOT_FOUND, "unknown_path", detail)
}

async fn wrong_method<V: Voice>(method: Method, uri: Uri) -> Fault<V> {
    let detail = format!("{} does not answer {method}", uri.path());
    Fault::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// Around every request: its log line, and the headers every answer has.
async fn observe<V: Voice>(
    State(state): State<DialectState<V>>,
    request: Request,
    next: Next,
) -> Response {
    let say = |problem: Problem| Fault::<V>::from(problem).into_response();
    let mut response = watched(&state.api.requests, request, next, say).await;
    response
        .headers_mut()
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}
