//! The recipients of a campaign.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use warbler_app::App;
use warbler_domain::campaign::{CampaignRecipient, RecipientState};
use warbler_domain::page::{Cursor, PageRequest};
use warbler_domain::{Caller, CampaignId, Jid, MessageId, SessionId, Timestamp};

use super::body::RecipientBody;
use super::export;
use super::list::{CSV, FileBody, ReadQuery};
use super::{BAD, CampaignView, LIST, one, recipients_of, refused};
use crate::extract::{Param, Search, Wire, parsed};
use crate::mount::{ApiState, Route};
use crate::native::{Listing, words};
use crate::problem::Problem;

/// The routes of this part.
pub(super) fn routes() -> Vec<Route> {
    vec![
        one(Route::of(__path_list, list)),
        one(Route::of(__path_replace, replace))
            .carries_media()
            .refuses(BAD, LIST)
            .refuses(BAD, CSV)
            .refuses(BAD, &["bad_template", "no_recipients"])
            .refuses(StatusCode::PAYLOAD_TOO_LARGE, &["csv_too_large"])
            .refuses(StatusCode::CONFLICT, &["campaign_wrong_state"]),
        one(Route::of(export::__path_export, export::export)),
    ]
}

/// A recipient of a campaign, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignRecipient, example = json!({
    "place": 1, "to": "15550123@s.whatsapp.net", "name": "Ada",
    "fields": { "companyName": "Analytical Engines" },
    "state": "read",
    "session": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "message": "0192f0c1-9a11-7b02-8c4d-5e6f708192a3",
    "queuedAt": "2026-05-04T09:31:00.000Z", "sentAt": "2026-05-04T09:31:00.412Z",
}))]
pub(in crate::native) struct RecipientView {
    /// Its place in the list, from 1.
    place: u32,
    /// Its address.
    #[schema(value_type = String)]
    to: Jid,
    /// What the recipient is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// What else is known.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    fields: serde_json::Map<String, serde_json::Value>,
    /// How far it is.
    state: words::RecipientState,
    /// The session that sends, once that is decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    session: Option<SessionId>,
    /// The message, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    message: Option<MessageId>,
    /// When the message was put into the outbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    queued_at: Option<Timestamp>,
    /// When WhatsApp took it over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
    /// Why it failed or was left out: `not_on_whatsapp`, `suppressed`, a code of messages that were
    /// given up, or of the extension that writes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The same in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<CampaignRecipient> for RecipientView {
    fn from(one: CampaignRecipient) -> Self {
        let fields = one.fields.into_iter();
        Self {
            place: one.place,
            to: one.to,
            name: one.name,
            fields: fields.map(|(name, value)| (name, value.into())).collect(),
            state: one.state.into(),
            session: one.session,
            message: one.message,
            queued_at: one.queued_at,
            sent_at: one.sent_at,
            code: one.code,
            error: one.error,
        }
    }
}

/// Which recipients are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::native) struct RecipientsQuery {
    /// Only those in this state: `planned`, `queued`, `sent`, `delivered`, `read`, `failed`,
    /// `invalid`, `suppressed` or `cancelled`.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>, example = "failed")]
    pub(in crate::native) state: Option<RecipientState>,
    /// How many at most: 1 to 500, else 50.
    pub(in crate::native) limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[param(value_type = Option<String>)]
    pub(in crate::native) cursor: Option<Cursor>,
}

/// Lists a campaign's recipients, in their order.
#[utoipa::path(
    get, path = "/v1/campaigns/{id}/recipients", operation_id = "listCampaignRecipients",
    params(
        ("id" = String, Path, description = "Id of the campaign", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"),
        RecipientsQuery,
    ),
    responses((status = 200, description = "A page of recipients.", body = Listing<RecipientView>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
    Search(query): Search<RecipientsQuery>,
) -> Result<Json<Listing<RecipientView>>, Problem> {
    let page = PageRequest::new(query.cursor, query.limit);
    let found = app
        .campaigns()
        .recipients(&caller, id, query.state, page)
        .await;
    Ok(Json(found.map_err(refused)?.into()))
}

/// The recipients of a campaign.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ReplaceRecipients, example = json!({
    "recipients": [{ "to": "+15550123", "name": "Ada" }, { "to": "+15550124", "name": "Grace" }],
}))]
pub(in crate::native) struct ReplaceBody {
    /// To whom, up to 100,000.
    recipients: Vec<RecipientBody>,
    /// Whether recipients that cannot be used are left out, rather than everything refused.
    #[serde(default)]
    skip_bad: bool,
}

/// Puts other recipients in the place of those a campaign has which was not started yet: as JSON, as
/// a CSV file, or as a form with one.
#[utoipa::path(
    put, path = "/v1/campaigns/{id}/recipients", operation_id = "replaceCampaignRecipients",
    params(
        ("id" = String, Path, description = "Id of the campaign", example = "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"),
        ReadQuery,
    ),
    request_body = ReplaceBody,
    responses((status = 200, description = "The campaign.", body = CampaignView)),
)]
pub(super) async fn replace(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<CampaignId>,
    Search(query): Search<ReadQuery>,
    body: ListBody,
) -> Result<Json<CampaignView>, Problem> {
    // Whoever may not is told before the list is read.
    app.campaigns().get(&caller, id).await.map_err(refused)?;
    let (list, skip_bad) = match body {
        ListBody::Json(body) => (recipients_of(body.recipients)?, body.skip_bad),
        ListBody::File(file) => (file.read(query.mapping()).await?, false),
    };
    let skip_bad = skip_bad || query.skip_bad;
    let status = app
        .campaigns()
        .replace_recipients(&caller, id, list, skip_bad)
        .await;
    Ok(Json(status.map_err(refused)?.into()))
}

/// A list of recipients: JSON, or a file.
pub(super) enum ListBody {
    Json(ReplaceBody),
    File(Box<FileBody>),
}

impl FromRequest<ApiState> for ListBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Problem> {
        let kind = request.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.to_ascii_lowercase().starts_with("application/json") {
            let Wire(body) = Wire::from_request(request, state).await?;
            return Ok(Self::Json(body));
        }
        let file = FileBody::from_request(request, state).await?;
        Ok(Self::File(Box::new(file)))
    }
}
