//! What this API says about itself: health, the OpenAPI document, and the pages made of it.
//!
//! The document is generated from the same table the router is made of. The refusals of
//! each row, those all routes of a kind have in common among them, are added here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, Paths, Ref, ResponseBuilder};
use utoipa::{OpenApi as _, ToSchema};
use warbler_app::App;

use super::docs::{self, Html};
use super::{Listing, events, extensions, messages, sessions};
use crate::mount::Route;
use crate::problem::{PROBLEM_JSON, Problem, ProblemBody};

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_alive, alive),
        Route::of(__path_ready, ready)
            .refuses(StatusCode::SERVICE_UNAVAILABLE, &["store_unavailable"]),
        Route::of(__path_document, document),
        Route::of(__path_manual, manual),
        Route::of(__path_home, home),
    ]
}

/// What is written once, at the start.
pub(crate) struct Pages {
    document: Bytes,
    manual: Html,
    home: Html,
    version: &'static str,
}

impl Pages {
    /// Everything there is to say about `routes`.
    pub(crate) fn of(routes: &[Route], version: &'static str) -> Self {
        // Its maps have text keys only, so it always becomes JSON.
        let mut value = serde_json::to_value(describe(routes, version)).unwrap_or_default();
        if let Some(schemas) = value.pointer_mut("/components/schemas") {
            absent_not_null(schemas);
        }
        Self {
            document: value.to_string().into(),
            manual: docs::manual(&value),
            home: docs::home(version),
            version,
        }
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Warbler",
        description = "A self-hosted WhatsApp automation host: sessions, messages, events, extensions.\n\n\
            Everything under `/v1` needs an API key, as `Authorization: Bearer <key>` or `X-API-Key: <key>`. \
            Bodies are JSON in camelCase; a field without a value is left out; times are RFC 3339 in UTC. \
            Lists are `{ \"items\": […], \"next\": … }`: pass `next` as `cursor` to read on. \
            Refusals are `application/problem+json` (RFC 9457) with a stable `code`.",
        license(name = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "Sessions", description = "The WhatsApp accounts this host keeps linked."),
        (name = "Pairing", description = "Linking a session to a phone."),
        (name = "Messages", description = "Sending, listing, and the media messages carry."),
        (name = "Events", description = "What happened, and what the extensions made of it."),
        (name = "Extensions", description = "The plugins and scripts, and how they are."),
        (name = "Host", description = "The host itself; these need no key."),
    ),
    components(schemas(
        sessions::CreateBody,
        sessions::SessionView,
        Listing<sessions::SessionView>,
        sessions::pairing::QrView,
        sessions::pairing::RequestCodeBody,
        sessions::pairing::PairingCodeView,
        messages::SendBody,
        messages::MessageView,
        Listing<messages::MessageView>,
        events::EventView,
        Listing<events::EventView>,
        events::ExplainedView,
        extensions::ExtensionView,
        Listing<extensions::ExtensionView>,
        HealthView,
        ProblemBody,
    )),
)]
struct Base;

/// The OpenAPI document of `routes`.
fn describe(routes: &[Route], version: &str) -> utoipa::openapi::OpenApi {
    let mut document = Base::openapi();
    version.clone_into(&mut document.info.version);
    let mut paths = Paths::new();
    for route in routes {
        let mut operation = route.operation.clone();
        for (status, codes) in &route.refusals {
            operation
                .responses
                .responses
                .insert(status.to_string(), refusal(codes).into());
        }
        if route.is_guarded() {
            let none: [&str; 0] = [];
            let schemes = ["bearer", "apiKey"];
            operation.security = Some(
                schemes
                    .map(|name| SecurityRequirement::new(name, none))
                    .to_vec(),
            );
        }
        paths.add_path_operation(&route.path, vec![route.method.clone()], operation);
    }
    document.paths = paths;
    let components = document.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key: `Authorization: Bearer wbl_…`"))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let header = ApiKeyValue::with_description("X-API-Key", "The same key in a header of its own");
    components.add_security_scheme("apiKey", SecurityScheme::ApiKey(ApiKey::Header(header)));
    document
}

/// Says of every optional field that it is left out, where the generator says it may be null:
/// only a field that is required and has no value is null in this API.
fn absent_not_null(schema: &mut Value) {
    match schema {
        Value::Object(keys) => {
            let required = keys
                .get("required")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            if let Some(Value::Object(fields)) = keys.get_mut("properties") {
                for (name, field) in fields {
                    if !required.iter().any(|needed| needed == name) {
                        drop_null(field);
                    }
                }
            }
            keys.values_mut().for_each(absent_not_null);
        }
        Value::Array(parts) => parts.iter_mut().for_each(absent_not_null),
        _ => {}
    }
}

fn drop_null(field: &mut Value) {
    if let Some(Value::Array(types)) = field.get_mut("type") {
        types.retain(|word| word != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            field
                .as_object_mut()
                .map(|field| field.insert("type".to_owned(), one));
        }
    }
    if let Some(Value::Array(parts)) = field.get_mut("oneOf") {
        parts.retain(|part| part.get("type").is_none_or(|word| word != "null"));
        if let [one] = parts.as_slice() {
            *field = one.clone();
        }
    }
}

fn refusal(codes: &[&str]) -> utoipa::openapi::Response {
    let codes: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    ResponseBuilder::new()
        .description(format!("Refused; `code` is {}.", codes.join(" or ")))
        .content(PROBLEM_JSON, content)
        .build()
}

/// How the host is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Health, example = json!({ "status": "ok", "version": "0.1.0" }))]
pub(super) struct HealthView {
    /// `ok`.
    status: &'static str,
    /// The host's version.
    version: &'static str,
}

impl HealthView {
    fn ok(pages: &Pages) -> Json<Self> {
        Json(Self {
            status: "ok",
            version: pages.version,
        })
    }
}

/// Whether the process is alive.
#[utoipa::path(
    get, path = "/healthz", operation_id = "isAlive",
    responses((status = 200, description = "It is.", body = HealthView)),
)]
pub(super) async fn alive(State(pages): State<Arc<Pages>>) -> Json<HealthView> {
    HealthView::ok(&pages)
}

/// Whether the host can serve: its database answers.
#[utoipa::path(
    get, path = "/readyz", operation_id = "isReady",
    responses((status = 200, description = "It can.", body = HealthView)),
)]
pub(super) async fn ready(
    State(app): State<App>,
    State(pages): State<Arc<Pages>>,
) -> Result<Json<HealthView>, Problem> {
    app.ready().await.map_err(|err| {
        tracing::warn!(%err, "The host is not ready: the database does not answer");
        let detail = "the database does not answer";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail)
    })?;
    Ok(HealthView::ok(&pages))
}

/// This API as an OpenAPI 3.1 document.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getOpenApi",
    responses((status = 200, description = "The document.", body = Object, content_type = "application/json")),
)]
pub(super) async fn document(State(pages): State<Arc<Pages>>) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, pages.document.clone()).into_response()
}

/// This API as a page to read.
#[utoipa::path(
    get, path = "/docs", operation_id = "getDocs",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
)]
pub(super) async fn manual(State(pages): State<Arc<Pages>>) -> Html {
    pages.manual.clone()
}

/// What this is, and where to read on.
#[utoipa::path(
    get, path = "/", operation_id = "getHome",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
)]
pub(super) async fn home(State(pages): State<Arc<Pages>>) -> Html {
    pages.home.clone()
}
