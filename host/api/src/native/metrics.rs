//! `/metrics`: figures in the text format that Prometheus reads.

mod exposition;
mod extensions;
mod host;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use warbler_domain::Caller;

use crate::caller::{Origin, recognise};
use crate::mount::{ApiState, Route};
use crate::problem::Problem;
use exposition::Exposition;

pub(crate) use host::Requests;

/// The content type of the format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The route of this resource.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_metrics, metrics)
            .with_key()
            .refuses(
                StatusCode::UNAUTHORIZED,
                &["missing_key", "invalid_key", "token_expired"],
            )
            .refuses(StatusCode::FORBIDDEN, &["scope_required"])
            .refuses(
                StatusCode::SERVICE_UNAVAILABLE,
                &["store_unavailable", "disk_full"],
            ),
    ]
}

/// Figures about the host and its extensions, for Prometheus.
///
/// For admins; with `[server] open_metrics` also for whoever asks from this machine, without a key.
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics",
    responses((status = 200, description = "The figures.", body = String, content_type = "text/plain")),
)]
pub(super) async fn metrics(
    State(state): State<ApiState>,
    Origin(origin): Origin,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let is_near = origin.is_some_and(|address| address.to_canonical().is_loopback());
    let caller = if state.open_metrics && is_near {
        Caller::host()
    } else {
        recognise(&state, &headers).await?
    };
    let figures = state.app.figures().of_host(&caller).await?;
    let mut text = Exposition::default();
    host::write(&mut text, &figures);
    extensions::write(&mut text, &figures.extensions);
    state.requests.write(&mut text);
    let headers = [(CONTENT_TYPE, TEXT), (CACHE_CONTROL, "no-store")];
    Ok((headers, text.into_text()).into_response())
}
