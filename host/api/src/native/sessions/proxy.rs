//! Through which proxy a session reaches WhatsApp.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_domain::{Caller, Proxy, SessionRef};

use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::native::in_field;
use crate::problem::Problem;

/// The routes of this resource.
pub(in crate::native) fn routes() -> Vec<Route> {
    let one = |route: Route| route.refuses(StatusCode::NOT_FOUND, &["unknown_session"]);
    vec![
        one(Route::of(__path_get, get)),
        one(Route::of(__path_set, set)).refuses(StatusCode::BAD_REQUEST, &["bad_proxy"]),
        one(Route::of(__path_remove, remove)),
    ]
}

/// The proxy of a session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionProxy, example = json!({ "url": "socks5://shop:***@proxy.example:1080" }))]
pub(in crate::native) struct ProxyView {
    /// Where it is, its password masked; left out when the session goes the direct way.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl From<Option<Proxy>> for ProxyView {
    fn from(proxy: Option<Proxy>) -> Self {
        Self {
            url: proxy.map(|proxy| proxy.to_string()),
        }
    }
}

/// The proxy a session is to go through.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = SetSessionProxy, example = json!({ "url": "socks5://shop:secret@proxy.example:1080" }))]
pub(in crate::native) struct ProxyBody {
    /// `http://host:port` or `socks5://host:port`, with `user:password@` before the host if it wants
    /// them.
    url: String,
}

/// Shows through which proxy a session reaches WhatsApp. For admins.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/proxy", operation_id = "getSessionProxy",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The proxy.", body = ProxyView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Json<ProxyView>, Problem> {
    Ok(Json(app.sessions().proxy(&caller, &session).await?.into()))
}

/// Has a session reach WhatsApp through a proxy, messages and media alike. For admins. It holds from
/// the next connection on: restart the session.
#[utoipa::path(
    put, path = "/v1/sessions/{session}/proxy", operation_id = "setSessionProxy",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = ProxyBody,
    responses((status = 200, description = "The proxy.", body = ProxyView)),
)]
pub(super) async fn set(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<ProxyBody>,
) -> Result<Json<ProxyView>, Problem> {
    let proxy: Proxy = in_field("bad_proxy", "url", &body.url)?;
    let shown = Some(proxy.clone()).into();
    app.sessions()
        .set_proxy(&caller, &session, Some(proxy))
        .await?;
    Ok(Json(shown))
}

/// Has a session reach WhatsApp the direct way again, from the next connection on. For admins.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}/proxy", operation_id = "removeSessionProxy",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 204, description = "It does.")),
)]
pub(super) async fn remove(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<StatusCode, Problem> {
    app.sessions().set_proxy(&caller, &session, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
