//! Linking a session to a phone: the QR to scan, or the code to type.
//!
//! Both are secrets while they are valid: they stand in these answers only, and are never cached.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE, VARY};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use warbler_app::App;
use warbler_domain::{Caller, Clock, PhoneNumber, SessionRef, Timestamp};

use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::native::in_field;
use crate::problem::Problem;
use crate::qr;

const PNG: &str = "image/png";

/// The routes of pairing.
pub(in crate::native) fn routes() -> Vec<Route> {
    let pairing = |route: Route| {
        route
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"])
            .refuses(
                StatusCode::CONFLICT,
                &["already_paired", "session_not_running"],
            )
            .refuses(StatusCode::SERVICE_UNAVAILABLE, &["no_qr_yet"])
    };
    vec![
        pairing(Route::of(__path_show, show)),
        pairing(Route::of(__path_image, image))
            .refuses(StatusCode::INTERNAL_SERVER_ERROR, &["qr_image"]),
        pairing(Route::of(__path_request_code, request_code))
            .refuses(StatusCode::BAD_REQUEST, &["bad_phone_number"])
            .refuses(StatusCode::SERVICE_UNAVAILABLE, &["network_refused"]),
    ]
}

/// A QR to scan with the phone: Linked devices → Link a device.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PairingQr)]
pub(in crate::native) struct QrView {
    /// The text it carries. A secret while it is valid.
    #[schema(example = "2@Zk1…,mB4…,9tQ…,x7I…")]
    text: String,
    /// It as an image: a PNG in a data URL.
    #[schema(example = "data:image/png;base64,iVBORw0KGgo…")]
    data_url: String,
    /// Until when it can be scanned; then ask for the next one.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Whose phone is to be linked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = RequestPairingCode, example = json!({ "phone": "+15550100" }))]
pub(in crate::native) struct RequestCodeBody {
    /// The number of the phone, in international form.
    phone: String,
}

/// A code to type on the phone: Linked devices → Link with phone number.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PairingCode, example = json!({
    "code": "ABCD-1234", "raw": "ABCD1234", "expiresAt": "2026-05-04T09:32:40.003Z",
}))]
pub(in crate::native) struct PairingCodeView {
    /// The code as people read it.
    code: String,
    /// Its eight characters.
    raw: String,
    /// Until when it can be typed.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// Shows the QR to scan now, as text and image; waits for the first one of a starting session.
///
/// With `Accept: image/png` the answer is the image itself.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/qr", operation_id = "getPairingQr",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "The QR.", content(
        (QrView = "application/json"),
        (String = "image/png"),
    ))),
)]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let qr = app.sessions().qr(&caller, &session).await?;
    if wants_png(&headers) {
        let png = qr::png(&qr.text)?;
        return Ok(([(CONTENT_TYPE, PNG), (VARY, "Accept")], png).into_response());
    }
    let data_url = qr::data_url(&qr.text)?;
    let body = QrView {
        text: qr.text,
        data_url,
        expires_at: qr.expires_at,
    };
    Ok(([(VARY, "Accept")], Json(body)).into_response())
}

/// The first type a client names is the one it likes best, unless it goes into weights.
fn wants_png(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let types = accepted
        .split(',')
        .map(|range| range.split(';').next().unwrap_or_default().trim());
    let mut known =
        types.filter(|name| matches!(*name, PNG | "image/*" | "application/json" | "*/*"));
    known.next().is_some_and(|name| name.starts_with("image/"))
}

/// The QR to scan now, as an image.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/qr.png", operation_id = "getPairingQrImage",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    responses((status = 200, description = "A PNG, at least 256 pixels wide.", body = String, content_type = "image/png")),
)]
pub(super) async fn image(
    State(app): State<App>,
    caller: Caller,
    Param(session): Param<SessionRef>,
) -> Result<Response, Problem> {
    let qr = app.sessions().qr(&caller, &session).await?;
    Ok(([(CONTENT_TYPE, PNG)], qr::png(&qr.text)?).into_response())
}

/// Asks for an 8-character code to type on the phone instead of scanning the QR.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/pairing-code", operation_id = "requestPairingCode",
    params(("session" = String, Path, description = "Id or name of the session", example = "shop")),
    request_body = RequestCodeBody,
    responses((status = 200, description = "The code.", body = PairingCodeView)),
)]
pub(super) async fn request_code(
    State(app): State<App>,
    State(clock): State<Arc<dyn Clock>>,
    caller: Caller,
    Param(session): Param<SessionRef>,
    Wire(body): Wire<RequestCodeBody>,
) -> Result<Json<PairingCodeView>, Problem> {
    let phone: PhoneNumber = in_field("bad_phone_number", "phone", &body.phone)?;
    let code = app
        .sessions()
        .pairing_code(&caller, &session, phone)
        .await?;
    let raw: String = code.code.chars().filter(|c| *c != '-').collect();
    let shown = match raw.split_at_checked(4) {
        Some((first, last)) => format!("{first}-{last}"),
        None => raw.clone(),
    };
    let expires_at = clock.now().plus(code.valid_for);
    Ok(Json(PairingCodeView {
        code: shown,
        raw,
        expires_at,
    }))
}
