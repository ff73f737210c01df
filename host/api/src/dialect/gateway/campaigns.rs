//! `/campaigns`: one message for many recipients.

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::extract::{FromRequest as _, Request};
use axum::response::IntoResponse;
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::campaigns::csv::Mapping;
use warbler_app::campaigns::{
    CampaignError, CampaignStatus, Collected, Collector, CreateCampaign, Recipients, Row as ListRow,
};
use warbler_app::messages::NewContent;
use warbler_domain::campaign::{CampaignKind, CampaignRules, CampaignState};
use warbler_domain::{CampaignId, Scope, SessionId, SessionName, Timestamp};

use super::{Answer, Call, Fault, Gateway, Who, named, success};
use crate::dialect::{Row, every};
use crate::extract::{Param, Wire};
use crate::native::campaigns::list::{FileBody, template_called};
use crate::native::campaigns::{Scalar, export};
use crate::problem::Problem;

/// What ids begin with.
const PREFIX: &str = "campaign_";
/// The fields of recipients that the document names.
const FIELDS: [&str; 2] = ["jobTitle", "companyName"];

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Gateway>> {
    vec![
        Row::post("/api/v1/campaigns", Who::Token, create).carries_media(),
        Row::get("/api/v1/campaigns", Who::Token, list),
        Row::post("/api/v1/campaigns/{id}/send", Who::Token, start),
        Row::post("/api/v1/campaigns/{id}/pause", Who::Token, pause),
        Row::post("/api/v1/campaigns/{id}/resume", Who::Token, resume),
        Row::post("/api/v1/campaigns/{id}/retry", Who::Token, retry),
        Row::post("/api/v1/campaigns/{id}/clone", Who::Token, copy),
        Row::delete("/api/v1/campaigns/{id}", Who::Token, delete),
        Row::get("/api/v1/campaigns/csv-template", Who::Token, template),
        Row::post("/api/v1/campaigns/preview-csv", Who::Token, preview),
        Row::get("/api/v1/campaigns/{id}/export", Who::Token, results),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateBody {
    name: String,
    session_id: String,
    scheduled_at: Option<Timestamp>,
    message: MessageBody,
    recipients: Vec<RecipientBody>,
    #[serde(default)]
    settings: SettingsBody,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum MessageBody {
    Text { content: String },
}

#[derive(Deserialize)]
struct RecipientBody {
    number: String,
    name: Option<String>,
    #[serde(flatten)]
    fields: BTreeMap<String, Option<Scalar>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SettingsBody {
    delay_between_messages: Option<u64>,
}

/// `POST /api/v1/campaigns`
async fn create(call: Call, Wire(body): Wire<CreateBody>) -> Answer {
    let session = named(&call, Some(&body.session_id)).await?;
    let MessageBody::Text { content } = body.message;
    let delay = body.settings.delay_between_messages;
    let command = CreateCampaign {
        kind: CampaignKind::Campaign,
        name: body.name,
        sessions: vec![session.id.into()],
        content: NewContent::Text(content.into()),
        writer: None,
        recipients: recipients(body.recipients)?,
        skip_bad: false,
        texts_later: true,
        rules: CampaignRules {
            delay_millis: delay.unwrap_or(CampaignRules::DELAY),
            ..CampaignRules::default()
        },
        start_at: body.scheduled_at,
    };
    let campaigns = call.app.campaigns();
    let made = campaigns.create(&call.caller, command, None).await;
    let names = HashMap::from([(session.id, session.name)]);
    let campaign = campaign_view(&made.map_err(refused)?, &names);
    Ok(with_campaign("Campaign created.", campaign))
}

fn recipients(bodies: Vec<RecipientBody>) -> Result<Recipients, CampaignError> {
    if bodies.is_empty() {
        return Err(CampaignError::NoRecipients);
    }
    let mut collector = Collector::default();
    for name in FIELDS {
        collector.column(name);
    }
    for (row, body) in (1u32..).zip(bodies) {
        let fields = body.fields.into_iter();
        let fields = fields.filter_map(|(name, value)| Some((name, value?.into_text())));
        let fields = fields.map(|(name, text)| (collector.column(&name), text));
        let fields = fields.collect();
        let (column, to) = ("number", body.number.as_str());
        let row = ListRow { row, column, to };
        collector.add(row, body.name, fields)?;
    }
    Ok(collector.finish())
}

/// A refusal; of a list, with what is wrong with its first bad row.
fn refused(err: CampaignError) -> Problem {
    if let CampaignError::BadRecipients { errors, .. } = &err
        && let Some(first) = errors.first()
    {
        let detail = format!("recipient {}: {}", first.row, first.message);
        return Problem::invalid("bad_recipients", detail);
    }
    err.into()
}

/// What sessions are called.
type Names = HashMap<SessionId, SessionName>;

/// A campaign in a list.
fn campaign_view(shown: &CampaignStatus, names: &Names) -> Value {
    let CampaignStatus { campaign, counts } = shown;
    let session = campaign.sessions.iter().find_map(|id| names.get(id));
    let (failed, total) = (counts.failed + counts.invalid, counts.total());
    json!({
        "id": format!("{PREFIX}{}", campaign.id),
        "name": campaign.name,
        "status": match campaign.state {
            CampaignState::Draft => "draft",
            CampaignState::Scheduled => "scheduled",
            CampaignState::Running => "sending",
            CampaignState::Paused => "paused",
            CampaignState::Completed => "completed",
            CampaignState::Failed | CampaignState::Cancelled => "failed",
        },
        "createdBy": session.map_or("", SessionName::as_str),
        "createdAt": campaign.created_at,
        "recipientCount": total,
        "statistics": { "sent": counts.reached(), "failed": failed, "total": total },
    })
}

fn with_campaign(message: &str, campaign: Value) -> Json<Value> {
    Json(json!({ "status": "success", "message": message, "campaign": campaign }))
}

/// What the caller's sessions are called.
async fn names(call: &Call) -> Result<Names, Fault> {
    let sessions = call.app.sessions().list(&call.caller).await?.into_iter();
    Ok(sessions.map(|session| (session.id, session.name)).collect())
}

/// `GET /api/v1/campaigns`
async fn list(call: Call) -> Answer<Vec<Value>> {
    let names = names(&call).await?;
    let (campaigns, kind) = (call.app.campaigns(), CampaignKind::Campaign);
    let all = every(|page| campaigns.list(&call.caller, kind, None, page)).await?;
    let views = all.iter().map(|one| campaign_view(one, &names));
    Ok(Json(views.collect()))
}

/// The id in a path; one that cannot be is nobody's.
fn id_of(text: &str) -> Result<CampaignId, Fault> {
    let id = text.strip_prefix(PREFIX).and_then(|id| id.parse().ok());
    id.ok_or_else(|| {
        let detail = format!("campaign {text} does not exist");
        Fault::new(StatusCode::NOT_FOUND, "unknown_campaign", detail)
    })
}

/// `POST /api/v1/campaigns/{id}/send`
async fn start(Call { app, caller, .. }: Call, Param(id): Param<String>) -> Answer {
    app.campaigns().start(&caller, id_of(&id)?).await?;
    Ok(success("Campaign started."))
}

/// `POST /api/v1/campaigns/{id}/pause`
async fn pause(Call { app, caller, .. }: Call, Param(id): Param<String>) -> Answer {
    app.campaigns().pause(&caller, id_of(&id)?).await?;
    Ok(success("Campaign paused."))
}

/// `POST /api/v1/campaigns/{id}/resume`
async fn resume(Call { app, caller, .. }: Call, Param(id): Param<String>) -> Answer {
    app.campaigns().resume(&caller, id_of(&id)?).await?;
    Ok(success("Campaign resumed."))
}

/// `POST /api/v1/campaigns/{id}/retry`
async fn retry(Call { app, caller, .. }: Call, Param(id): Param<String>) -> Answer {
    app.campaigns().retry(&caller, id_of(&id)?).await?;
    Ok(success("Retrying failed recipients."))
}

/// `POST /api/v1/campaigns/{id}/clone`
async fn copy(call: Call, Param(id): Param<String>) -> Answer {
    let (campaigns, id) = (call.app.campaigns(), id_of(&id)?);
    let copied = campaigns.copy(&call.caller, id, None).await?;
    let campaign = campaign_view(&copied, &names(&call).await?);
    Ok(with_campaign("Campaign cloned.", campaign))
}

/// `DELETE /api/v1/campaigns/{id}`
async fn delete(Call { app, caller, .. }: Call, Param(id): Param<String>) -> Answer {
    app.campaigns().delete(&caller, id_of(&id)?).await?;
    Ok(success("Campaign deleted."))
}

/// `GET /api/v1/campaigns/csv-template`
async fn template(_: Call) -> impl IntoResponse {
    template_called("attachment; filename=\"whatsapp_campaign_template.csv\"")
}

/// `POST /api/v1/campaigns/preview-csv`
async fn preview(call: Call, request: Request) -> Answer {
    call.caller.require(Scope::Send)?;
    let file = FileBody::from_request(request, &call.state.api).await?;
    let list = file.read(Mapping::default()).await?;
    let errors = list.errors.iter();
    let errors = errors.map(|error| json!({ "row": error.row, "message": error.message }));
    Ok(Json(json!({
        "success": true,
        "recipients": list.good.into_iter().map(previewed).collect::<Vec<_>>(),
        "errors": errors.collect::<Vec<_>>(),
    })))
}

/// A recipient as `POST /campaigns` takes it.
fn previewed(one: Collected) -> Value {
    let number = one.to.phone_number();
    let number = number.map_or_else(|| one.to.to_string(), |number| number.to_string());
    let mut view = json!({ "number": number, "name": one.name.unwrap_or_default() });
    for name in FIELDS {
        view[name] = "".into();
    }
    for (name, value) in one.fields {
        view[&*name] = value.into();
    }
    view
}

/// `GET /api/v1/campaigns/{id}/export`
async fn results(call: Call, Param(id): Param<String>) -> Result<impl IntoResponse, Fault> {
    Ok(export::results(call.app, call.caller, id_of(&id)?).await?)
}
