//! `/v1/broadcasts`: the same for many, in the background, with a log.
//!
//! A broadcast is a campaign that starts at once and pauses for a random time, half to one and a
//! half times the pause that was asked for.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use warbler_app::App;
use warbler_app::campaigns::{CampaignError, CampaignStatus, Collector, CreateCampaign, Row};
use warbler_app::messages::NewContent;
use warbler_domain::campaign::{Campaign, CampaignKind, CampaignRules};
use warbler_domain::page::PageRequest;
use warbler_domain::{Caller, CampaignId, SessionRef};

use super::campaigns::recipients::{RecipientView, RecipientsQuery};
use super::campaigns::{CampaignView, ListQuery, made, make, refused};
use super::messages::ContentBody;
use super::{Listing, in_field};
use crate::extract::{Param, Search};
use crate::idempotent::{Named, Once, Turn};
use crate::mount::Route;
use crate::problem::Problem;

/// The pause where nothing is said, in milliseconds.
const DELAY: u64 = 5_000;
/// By how many percent it is varied.
const JITTER: u8 = 50;

/// The routes of this resource.
pub(super) fn routes() -> Vec<Route> {
    let one = |route: Route| route.refuses(StatusCode::NOT_FOUND, &["unknown_campaign"]);
    vec![
        make(Route::of(__path_create, create)),
        Route::of(__path_list, list),
        one(Route::of(__path_get, get)),
        one(Route::of(__path_log, log)),
        one(Route::of(__path_cancel, cancel))
            .refuses(StatusCode::CONFLICT, &["campaign_wrong_state"]),
    ]
}

/// A broadcast to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CreateBroadcast, example = json!({
    "session": "shop",
    "recipients": ["+15550123", "15550124@s.whatsapp.net"],
    "message": { "text": "We are closed today." },
    "delayMillis": 5000,
}))]
pub(in crate::native) struct CreateBody {
    /// The session that sends, by id or name.
    session: String,
    /// To whom: phone numbers or JIDs, up to 100,000.
    recipients: Vec<String>,
    /// What is sent.
    message: ContentBody,
    /// What it is called; `Broadcast` when left out.
    name: Option<String>,
    /// The pause between two messages, in milliseconds: each is half to one and a half times as
    /// long, and at least a second. 5,000 when left out.
    #[schema(example = 5000)]
    delay_millis: Option<u64>,
    /// Whether recipients that cannot be used are left out, rather than everything refused.
    #[serde(default)]
    skip_bad: bool,
}

impl CreateBody {
    fn into_command(self) -> Result<CreateCampaign, Problem> {
        let session = in_field("bad_session_name", "session", &self.session)?;
        let content = self.message.into_content()?;
        let delay = self.delay_millis;
        let command = broadcast_of(session, &self.recipients, content, delay)?;
        Ok(CreateCampaign {
            name: self.name.unwrap_or(command.name),
            skip_bad: self.skip_bad,
            texts_later: false,
            ..command
        })
    }
}

/// The same for many, with random pauses around `delay_millis`.
pub(crate) fn broadcast_of(
    session: SessionRef,
    recipients: &[String],
    content: NewContent,
    delay_millis: Option<u64>,
) -> Result<CreateCampaign, Problem> {
    let mut collector = Collector::default();
    for (row, to) in (1u32..).zip(recipients) {
        let row = Row {
            row,
            column: "recipients",
            to,
        };
        let added = collector.add(row, None, Vec::new());
        added.map_err(|err| refused(CampaignError::from(err)))?;
    }
    let rules = CampaignRules {
        // Half of it is still a second.
        delay_millis: delay_millis.unwrap_or(DELAY).max(2_000),
        jitter_percent: JITTER,
        ..CampaignRules::default()
    };
    Ok(CreateCampaign {
        kind: CampaignKind::Broadcast,
        name: "Broadcast".to_owned(),
        sessions: vec![session],
        content,
        writer: None,
        recipients: collector.finish(),
        skip_bad: false,
        texts_later: true,
        rules,
        start_at: None,
    })
}

/// Sends the same to many, in the background. `/recipients` is its log.
#[utoipa::path(
    post, path = "/v1/broadcasts", operation_id = "createBroadcast",
    params(("Idempotency-Key" = Option<String>, Header, description = "A key of your own for this request", example = "closed-today")),
    request_body = CreateBody,
    responses((status = 201, description = "The broadcast, on its way.", body = CampaignView)),
)]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    once: Once<CreateBody>,
) -> Result<impl IntoResponse, Problem> {
    let turn = Named::turn::<CampaignId>(once.key, &app, &caller).await?;
    let status = match turn {
        Turn::Again(id) => app.campaigns().get(&caller, id).await,
        Turn::Go(claim) => {
            let command = once.body.into_command()?;
            app.campaigns().create(&caller, command, claim).await
        }
    };
    Ok(made(status.map_err(refused)?, "/v1/broadcasts"))
}

/// Lists the broadcasts, newest first.
#[utoipa::path(
    get, path = "/v1/broadcasts", operation_id = "listBroadcasts",
    params(ListQuery),
    responses((status = 200, description = "A page of broadcasts.", body = Listing<CampaignView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<ListQuery>,
) -> Result<Json<Listing<CampaignView>>, Problem> {
    let page = PageRequest::new(query.cursor, query.limit);
    let kind = CampaignKind::Broadcast;
    let found = app.campaigns().list(&caller, kind, query.state, page).await;
    Ok(Json(found.map_err(refused)?.into()))
}

/// Shows a broadcast and how far it is.
#[utoipa::path(
    get, path = "/v1/broadcasts/{id}", operation_id = "getBroadcast",
    params(("id" = String, Path, description = "Id of the broadcast", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The broadcast.", body = CampaignView)),
)]
pub(super) async fn get(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    Ok(Json(found(&app, &caller, id).await?.into()))
}

/// The log of a broadcast: its recipients and what became of each.
#[utoipa::path(
    get, path = "/v1/broadcasts/{id}/recipients", operation_id = "getBroadcastLog",
    params(
        ("id" = String, Path, description = "Id of the broadcast", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"),
        RecipientsQuery,
    ),
    responses((status = 200, description = "A page of recipients.", body = Listing<RecipientView>)),
)]
pub(super) async fn log(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
    Search(query): Search<RecipientsQuery>,
) -> Result<Json<Listing<RecipientView>>, Problem> {
    found(&app, &caller, id).await?;
    let page = PageRequest::new(query.cursor, query.limit);
    let page = app
        .campaigns()
        .recipients(&caller, id, query.state, page)
        .await;
    Ok(Json(page.map_err(refused)?.into()))
}

/// Ends a broadcast: nobody else is sent to.
#[utoipa::path(
    post, path = "/v1/broadcasts/{id}/cancel", operation_id = "cancelBroadcast",
    params(("id" = String, Path, description = "Id of the broadcast", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")),
    responses((status = 200, description = "The broadcast.", body = CampaignView)),
)]
pub(super) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
) -> Result<Json<CampaignView>, Problem> {
    found(&app, &caller, id).await?;
    let status = app.campaigns().cancel(&caller, id).await;
    Ok(Json(status.map_err(refused)?.into()))
}

/// The broadcast with this id; a campaign is none.
async fn found(app: &App, caller: &Caller, id: CampaignId) -> Result<CampaignStatus, Problem> {
    let status = app.campaigns().get(caller, id).await.map_err(refused)?;
    let Campaign { kind, .. } = status.campaign;
    match kind {
        CampaignKind::Broadcast => Ok(status),
        CampaignKind::Campaign => Err(refused(CampaignError::Unknown(id))),
    }
}
