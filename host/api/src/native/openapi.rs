//! What this API says about itself: health, the OpenAPI document, and the pages made of it.
//!
//! The document is generated from the same table the router is made of. The refusals of
//! each row, those all routes of a kind have in common among them, are added here.

mod shape;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde::Serialize;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, Paths, Ref, ResponseBuilder};
use utoipa::{OpenApi as _, ToSchema};
use warbler_app::App;

use super::docs::{self, Html};
use super::{
    Listing, audit, broadcasts, calls, campaigns, chats, contacts, engines, events, extensions,
    groups, keys, login, media, messages, outbox, profile, rules, schedules, sessions, stats,
    suppressions, users, webhooks,
};
use crate::mount::Route;
use crate::problem::{PROBLEM_JSON, Problem, ProblemBody};

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::of(__path_alive, alive),
        Route::of(__path_ready, ready).refuses(
            StatusCode::SERVICE_UNAVAILABLE,
            &["store_unavailable", "disk_full"],
        ),
        Route::of(__path_document, document),
        Route::of(__path_manual, manual),
        Route::of(__path_passkey, passkey),
        Route::of(__path_home, home),
    ]
}

/// What is written once, at the start.
pub(crate) struct Pages {
    document: Bytes,
    manual: Html,
    passkey: Html,
    home: Html,
    version: &'static str,
}

impl Pages {
    /// Everything there is to say about `routes`.
    pub(crate) fn of(routes: &[Route], version: &'static str) -> Self {
        // Its maps have text keys only, so it always becomes JSON.
        let mut value = serde_json::to_value(describe(routes, version)).unwrap_or_default();
        if let Some(schemas) = value.pointer_mut("/components/schemas") {
            shape::absent_not_null(schemas);
        }
        shape::give_examples(&mut value);
        Self {
            document: value.to_string().into(),
            manual: docs::manual(&value, &problems(routes), Some("/openapi.json")),
            passkey: docs::passkey(),
            home: docs::home(version),
            version,
        }
    }
}

/// The rows of the table of problems: code, statuses, meaning, remedy.
pub(crate) fn problems(routes: &[Route]) -> Vec<[String; 4]> {
    let rows = docs::problems::statuses(routes).into_iter();
    rows.map(|(code, statuses)| {
        let statuses: Vec<String> = statuses.iter().map(u16::to_string).collect();
        let (meaning, remedy) =
            docs::problems::known(code).map_or(("", ""), |known| (known.meaning, known.remedy));
        [code, &statuses.join(", "), meaning, remedy].map(str::to_owned)
    })
    .collect()
}

/// The codes that are explained.
#[cfg(test)]
pub(crate) fn known_problems() -> impl Iterator<Item = &'static str> {
    docs::problems::KNOWN.iter().map(|known| known.code)
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Warbler",
        description = "A self-hosted WhatsApp automation host: sessions, messages, events, extensions.\n\n\
            Everything under `/v1` but logging in needs a credential, as `Authorization: Bearer <key>` or `X-API-Key: <key>`: \
            an API key, the token of a login or of a session, or the master key. What it may do are its scopes; a session that \
            is not its own does not exist for it. \
            Bodies are JSON in camelCase; a field without a value is left out; times are RFC 3339 in UTC. \
            Lists are `{ \"items\": […], \"next\": … }`: pass `next` as `cursor` to read on. \
            Refusals are `application/problem+json` (RFC 9457) with a stable `code`.",
        license(name = "MIT OR Apache-2.0"),
    ),
    tags(
        (name = "Sessions", description = "The WhatsApp accounts this host keeps linked."),
        (name = "Pairing", description = "Linking a session to a phone."),
        (name = "Messages", description = "Sending, listing, and the media messages carry."),
        (name = "Sending", description = "The outbox of each session: what waits, what was given up, how it is paced."),
        (name = "Media", description = "Uploads, and the files that are served by name."),
        (name = "Chats", description = "Conversations: listing, history, search, read marks, typing."),
        (name = "Contacts", description = "People: names, profiles, who is on WhatsApp, blocking, presence."),
        (name = "Groups", description = "Groups, their members and invitations."),
        (name = "Calls", description = "Calls a session has seen, and refusing them."),
        (name = "Profile", description = "What the account of a session shows of itself."),
        (name = "Statistics", description = "How many messages there were."),
        (name = "Events", description = "What happened, and what the extensions made of it."),
        (name = "Webhooks", description = "Where events are sent to, and what became of their deliveries."),
        (name = "Campaigns", description = "One message for many: campaigns, broadcasts, and who does not want them."),
        (name = "Schedules", description = "Messages for later, once or again and again."),
        (name = "Rules", description = "Answers that need no program: when a message is so, do this."),
        (name = "Extensions", description = "The plugins and scripts, and how they are."),
        (name = "Login", description = "Users and their tokens. Logging in needs no key."),
        (name = "Users", description = "Who owns sessions here."),
        (name = "Keys", description = "API keys, and the tokens of sessions."),
        (name = "Audit", description = "Who changed what, when, from where."),
        (name = "Host", description = "The host itself; all but the figures need no key."),
    ),
    components(schemas(
        sessions::CreateBody,
        sessions::RenameBody,
        sessions::SessionView,
        Listing<sessions::SessionView>,
        sessions::pairing::QrView,
        sessions::pairing::RequestCodeBody,
        sessions::pairing::PairingCodeView,
        Listing<engines::EngineView>,
        engines::EngineView,
        engines::LackView,
        engines::ChooseBody,
        sessions::proxy::ProxyView,
        sessions::proxy::ProxyBody,
        sessions::passkey::PasskeyView,
        sessions::passkey::StepWord,
        sessions::passkey::AnswerBody,
        sessions::passkey::ResponseBody,
        messages::SendBody,
        messages::BatchBody,
        messages::BatchView,
        messages::ForwardBody,
        messages::NewTextBody,
        messages::MessageView,
        media::UploadView,
        Listing<messages::MessageView>,
        outbox::StatusView,
        outbox::WaitingView,
        Listing<outbox::WaitingView>,
        outbox::RulesBody,
        outbox::RulesView,
        outbox::DeadLetterView,
        Listing<outbox::DeadLetterView>,
        outbox::CountView,
        events::EventView,
        Listing<events::EventView>,
        events::ExplainedView,
        events::GapView,
        events::HelloBody,
        webhooks::CreateBody,
        webhooks::UpdateBody,
        webhooks::WebhookView,
        webhooks::NewWebhookView,
        webhooks::TrialView,
        Listing<webhooks::WebhookView>,
        webhooks::DeliveryView,
        Listing<webhooks::DeliveryView>,
        webhooks::ReplayedView,
        webhooks::ClearedView,
        messages::ContentBody,
        campaigns::CreateBody,
        campaigns::UpdateBody,
        campaigns::CampaignView,
        Listing<campaigns::CampaignView>,
        campaigns::recipients::RecipientView,
        Listing<campaigns::recipients::RecipientView>,
        campaigns::recipients::ReplaceBody,
        campaigns::list::PreviewView,
        campaigns::actions::CloneBody,
        campaigns::actions::TestBody,
        broadcasts::CreateBody,
        suppressions::AddBody,
        suppressions::SuppressionView,
        Listing<suppressions::SuppressionView>,
        schedules::CreateBody,
        schedules::UpdateBody,
        schedules::ScheduleView,
        Listing<schedules::ScheduleView>,
        rules::CreateBody,
        rules::UpdateBody,
        rules::OrderBody,
        rules::RuleView,
        Listing<rules::RuleView>,
        rules::TestBody,
        rules::TestView,
        rules::HandedOverView,
        Listing<rules::HandedOverView>,
        extensions::ExtensionView,
        extensions::GrantsBody,
        extensions::GrantedView,
        extensions::ReplayBody,
        extensions::ReplayView,
        Listing<extensions::ExtensionView>,
        login::LogInBody,
        login::RefreshBody,
        login::LoginView,
        login::MeView,
        users::CreateBody,
        users::UpdateBody,
        users::PasswordBody,
        users::GiveBody,
        users::UserView,
        Listing<users::UserView>,
        keys::CreateBody,
        keys::RenameBody,
        keys::KeyView,
        keys::NewKeyView,
        Listing<keys::KeyView>,
        keys::session_token::RotateBody,
        keys::session_token::TokenView,
        keys::session_token::NewTokenView,
        audit::EntryView,
        Listing<audit::EntryView>,
        chats::ChatView,
        Listing<chats::ChatView>,
        chats::view::ShownView,
        Listing<chats::view::ShownView>,
        chats::ReadBody,
        chats::StateBody,
        chats::ChangeBody,
        contacts::ContactView,
        contacts::saved::SaveBody,
        Listing<contacts::ContactView>,
        contacts::CheckBody,
        contacts::CheckedView,
        Listing<contacts::CheckedView>,
        contacts::ProfileView,
        contacts::PictureView,
        contacts::PresenceBody,
        contacts::blocked::BlockedView,
        Listing<contacts::blocked::BlockedView>,
        groups::CreateBody,
        groups::ChangeBody,
        groups::GroupView,
        Listing<groups::GroupView>,
        groups::view::CreatedView,
        groups::view::ResultView,
        Listing<groups::view::ResultView>,
        groups::members::MembersBody,
        groups::invites::InviteView,
        groups::invites::InviteBody,
        groups::invites::JoinedView,
        calls::CallView,
        Listing<calls::CallView>,
        profile::ProfileView,
        profile::ChangeBody,
        profile::PictureBody,
        stats::StatsView,
        sessions::settings::SettingsView,
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

fn refusal(codes: &[&str]) -> utoipa::openapi::Response {
    let codes: BTreeSet<_> = codes.iter().map(|code| format!("`{code}`")).collect();
    let codes: Vec<String> = codes.into_iter().collect();
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

/// Whether the host can serve: its database answers, and takes what is written.
#[utoipa::path(
    get, path = "/readyz", operation_id = "isReady",
    responses((status = 200, description = "It can.", body = HealthView)),
)]
pub(super) async fn ready(
    State(app): State<App>,
    State(pages): State<Arc<Pages>>,
) -> Result<Json<HealthView>, Problem> {
    app.ready().await.map_err(|err| match err {
        warbler_store::Error::DiskFull => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Problem::new(status, "disk_full", err.to_string())
        }
        err => {
            tracing::warn!(%err, "The host is not ready: the database does not answer");
            let detail = match err {
                warbler_store::Error::Unconfirmed => err.to_string(),
                _ => "the database does not answer".to_owned(),
            };
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail)
        }
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

/// A page that goes through linking with a passkey, where WhatsApp asks for one.
#[utoipa::path(
    get, path = "/passkey", operation_id = "getPasskeyPage",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
)]
pub(super) async fn passkey(State(pages): State<Arc<Pages>>) -> Html {
    pages.passkey.clone()
}

/// What this is, and where to read on.
#[utoipa::path(
    get, path = "/", operation_id = "getHome",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
)]
pub(super) async fn home(State(pages): State<Arc<Pages>>) -> Html {
    pages.home.clone()
}
