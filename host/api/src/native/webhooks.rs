//! `/v1/webhooks`: where events are sent to, and what became of their deliveries.

mod deliveries;
mod form;
mod view;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::LOCATION;
use http::{HeaderName, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::webhooks::{CreateWebhook, UpdateWebhook};
use warbler_domain::{Caller, KindPattern, Secret, SessionRef, Webhook, WebhookId};

pub(crate) use deliveries::{ClearedView, DeliveryView, ReplayedView};
pub use form::AllForms;
pub(crate) use view::{NewWebhookView, TrialView, WebhookView};

use super::{Listing, in_field};
use crate::extract::{Param, Wire};
use crate::mount::Route;
use crate::problem::Problem;

const BAD: StatusCode = StatusCode::BAD_REQUEST;
/// What is wrong with an address, a kind or a header.
const BAD_PARTS: [&str; 6] = [
    "url_invalid",
    "url_scheme",
    "url_credentials",
    "bad_event_kind",
    "bad_header",
    "too_many_headers",
];

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    let one = |route: Route| route.refuses(StatusCode::NOT_FOUND, &["unknown_webhook"]);
    let mut routes = vec![
        Route::of(__path_create, create)
            .refuses(BAD, &BAD_PARTS)
            .refuses(
                BAD,
                &["bad_session_name", "bad_webhook_secret", "session_required"],
            )
            .refuses(StatusCode::NOT_FOUND, &["unknown_session"])
            .refuses(StatusCode::CONFLICT, &["too_many_webhooks"]),
        Route::of(__path_list, list),
        one(Route::of(__path_get, get)),
        one(Route::of(__path_update, update)).refuses(BAD, &BAD_PARTS),
        one(Route::of(__path_delete, delete)),
        one(Route::of(__path_renew_secret, renew_secret)),
        one(Route::of(__path_test, test)),
    ];
    routes.extend(deliveries::routes());
    routes
}

/// A webhook to set up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CreateWebhook, example = json!({
    "url": "https://crm.example.com/hooks/whatsapp",
    "session": "shop",
    "events": ["message.*", "session.status"],
    "headers": { "X-Team": "sales" },
}))]
pub(super) struct CreateBody {
    /// Where events are sent to: an address on the public internet, or one that the operator
    /// allows.
    url: String,
    /// The session whose events it gets, by id or name; all of the caller's when left out.
    session: Option<String>,
    /// Which events: kinds, or what they begin with, such as `message.*`; `*` is every one.
    #[schema(min_items = 1, max_items = 32)]
    events: Vec<String>,
    /// Headers of every request, beside those of this host.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// What deliveries are signed with: `whsec_` and the base64 of 24 to 64 bytes. One is made when
    /// it is left out.
    secret: Option<String>,
    /// Whether anything is sent from the start.
    #[serde(default = "yes")]
    #[schema(default = true)]
    enabled: bool,
}

fn yes() -> bool {
    true
}

impl CreateBody {
    fn into_command(self) -> Result<CreateWebhook, Problem> {
        let session: Option<SessionRef> = self
            .session
            .map(|session| in_field("bad_session_name", "session", &session))
            .transpose()?;
        Ok(CreateWebhook {
            session,
            url: self.url,
            events: patterns(&self.events)?,
            headers: headers(self.headers),
            form: Webhook::NATIVE.to_owned(),
            secret: self.secret.map(Secret::new),
            enabled: self.enabled,
        })
    }
}

fn patterns(words: &[String]) -> Result<Vec<KindPattern>, Problem> {
    let parsed = words.iter();
    parsed
        .map(|word| in_field("bad_event_kind", "events", word))
        .collect()
}

fn headers(given: BTreeMap<String, String>) -> Vec<(String, Secret)> {
    let secrets = given.into_iter();
    secrets
        .map(|(name, value)| (name, Secret::new(value)))
        .collect()
}

/// What is to be different about a webhook; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = UpdateWebhook, example = json!({ "enabled": true }))]
pub(super) struct UpdateBody {
    /// Where events are sent to.
    url: Option<String>,
    /// Which events.
    #[schema(min_items = 1, max_items = 32)]
    events: Option<Vec<String>>,
    /// Headers of every request: all of them.
    headers: Option<BTreeMap<String, String>>,
    /// Whether anything is sent. What waits is kept while it is off, and sent when it is on again.
    enabled: Option<bool>,
}

/// Sets up a webhook. Its secret stands in this answer and nowhere else.
///
/// Every event it wants is sent there by POST, signed after the Standard Webhooks specification
/// (`webhook-id`, `webhook-timestamp`, `webhook-signature`), and is tried for a day until it is
/// answered with a status of 200 to 299 within 10 seconds.
#[utoipa::path(
    post, path = "/v1/webhooks", operation_id = "createWebhook",
    request_body = CreateBody,
    responses((status = 201, description = "The webhook.", body = NewWebhookView)),
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<CreateBody>,
) -> Result<impl IntoResponse, Problem> {
    let new = app.webhooks().create(&caller, body.into_command()?).await?;
    let at = format!("/v1/webhooks/{}", new.status.webhook.id);
    let location: [(HeaderName, String); 1] = [(LOCATION, at)];
    Ok((
        StatusCode::CREATED,
        location,
        Json(NewWebhookView::from(new)),
    ))
}

/// Lists the webhooks, the oldest first.
#[utoipa::path(
    get, path = "/v1/webhooks", operation_id = "listWebhooks",
    responses((status = 200, description = "All of the caller's.", body = Listing<WebhookView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Listing<WebhookView>>, Problem> {
    Ok(Json(Listing::whole(app.webhooks().list(&caller).await?)))
}

/// Shows a webhook and how it does.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}", operation_id = "getWebhook",
    params(("id" = String, Path, description = "Id of the webhook", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The webhook.", body = WebhookView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<WebhookId>,
) -> Result<Json<WebhookView>, Problem> {
    Ok(Json(app.webhooks().get(&caller, id).await?.into()))
}

/// Changes a webhook. Switching it on again forgets how it failed.
#[utoipa::path(
    patch, path = "/v1/webhooks/{id}", operation_id = "updateWebhook",
    params(("id" = String, Path, description = "Id of the webhook", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    request_body = UpdateBody,
    responses((status = 200, description = "The webhook.", body = WebhookView)),
)]
pub(super) async fn update(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<WebhookId>,
    Wire(body): Wire<UpdateBody>,
) -> Result<Json<WebhookView>, Problem> {
    let command = UpdateWebhook {
        url: body.url,
        events: body.events.as_deref().map(patterns).transpose()?,
        headers: body.headers.map(headers),
        enabled: body.enabled,
        ..UpdateWebhook::default()
    };
    let status = app.webhooks().update(&caller, id, command).await?;
    Ok(Json(status.into()))
}

/// Takes a webhook away, with everything that is on its way there.
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}", operation_id = "deleteWebhook",
    params(("id" = String, Path, description = "Id of the webhook", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 204, description = "Nothing is sent there any more.")),
)]
pub(super) async fn delete(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<WebhookId>,
) -> Result<StatusCode, Problem> {
    app.webhooks().delete(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a webhook a new secret. The old one signs nothing more.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/secret", operation_id = "renewWebhookSecret",
    params(("id" = String, Path, description = "Id of the webhook", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The webhook and its secret.", body = NewWebhookView)),
)]
pub(super) async fn renew_secret(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<WebhookId>,
) -> Result<Json<NewWebhookView>, Problem> {
    Ok(Json(app.webhooks().renew_secret(&caller, id).await?.into()))
}

/// Sends a `webhook.test` to a webhook, on or off, and says what came of it. It is no delivery: it
/// is not kept and not tried again.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/test", operation_id = "testWebhook",
    params(("id" = String, Path, description = "Id of the webhook", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "What the receiver answered, or why it did not.", body = TrialView)),
)]
pub(super) async fn test(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<WebhookId>,
) -> Result<Json<TrialView>, Problem> {
    Ok(Json(app.webhooks().test(&caller, id).await?.into()))
}
