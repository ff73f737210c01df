//! `/campaigns`: one message for many recipients.

use std::collections::{BTreeMap, HashMap};

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use warbler_app::App;
use warbler_app::campaigns::csv::Mapping;
use warbler_app::campaigns::{
    CampaignError, CampaignStatus, Collected, Collector, CreateCampaign, Recipients, Row as ListRow,
};
use warbler_app::messages::NewContent;
use warbler_domain::campaign::{CampaignKind, CampaignRules, CampaignState};
use warbler_domain::{Caller, CampaignId, Scope, SessionId, SessionName, Timestamp};

use super::{Fault, Gateway, GatewayState, Who, named, success};
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
    const SECTION: &str = "Campaign Management";
    let steps = [
        Row::post("/api/v1/campaigns/{id}/send", Who::Token, start)
            .about(SECTION, "Begins to send a draft or scheduled campaign."),
        Row::post("/api/v1/campaigns/{id}/pause", Who::Token, pause)
            .about(SECTION, "Lets a campaign that sends rest."),
        Row::post("/api/v1/campaigns/{id}/resume", Who::Token, resume)
            .about(SECTION, "Goes on with a campaign that rests."),
        Row::post("/api/v1/campaigns/{id}/retry", Who::Token, retry)
            .about(SECTION, "Sends again to whom it failed."),
        Row::post("/api/v1/campaigns/{id}/clone", Who::Token, copy)
            .about(SECTION, "Copies a campaign into a new draft."),
        Row::delete("/api/v1/campaigns/{id}", Who::Token, delete)
            .about(SECTION, "Ends a campaign and takes it away."),
    ];
    let mut rows = vec![
        Row::post("/api/v1/campaigns", Who::Token, create)
            .about(SECTION, "Makes a campaign, a draft unless it is scheduled.")
            .reads(json!({
                "name": "Marketing Campaign Q1",
                "sessionId": "mySession",
                "scheduledAt": "2030-02-01T10:00:00Z",
                "message": {
                    "type": "text",
                    "content": "Hi {{Name}}, check out our new products at {{Company}}!",
                },
                "recipients": [{
                    "number": "+1234567890", "name": "John Doe", "jobTitle": "CEO",
                    "companyName": "ABC Corp",
                }],
                "settings": { "delayBetweenMessages": 3000 },
            }))
            .carries_media(),
        Row::get("/api/v1/campaigns", Who::Token, list).about(SECTION, "Lists the campaigns."),
    ];
    rows.extend(steps);
    rows.extend([
        Row::get("/api/v1/campaigns/csv-template", Who::Token, template)
            .about(SECTION, "A CSV file to fill with recipients."),
        Row::post("/api/v1/campaigns/preview-csv", Who::Token, preview).about(
            SECTION,
            "Reads the recipients of a CSV file, the `file` of a form, without storing them.",
        ),
        Row::get("/api/v1/campaigns/{id}/export", Who::Token, results)
            .about(SECTION, "The results of a campaign as CSV."),
    ]);
    rows
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
async fn create(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<CreateBody>,
) -> Result<Json<Value>, Fault> {
    let session = named(&app, &caller, Some(&body.session_id)).await?;
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
    let made = app.campaigns().create(&caller, command, None).await;
    let made = made.map_err(refused)?;
    let names = HashMap::from([(session.id, session.name)]);
    Ok(with_campaign("Campaign created.", &made, &names))
}

fn recipients(bodies: Vec<RecipientBody>) -> Result<Recipients, Problem> {
    if bodies.is_empty() {
        return Err(CampaignError::NoRecipients.into());
    }
    let mut collector = Collector::default();
    for name in FIELDS {
        collector.column(name);
    }
    for (row, body) in (1u32..).zip(bodies) {
        let fields = body.fields.into_iter();
        let fields = fields.filter_map(|(name, value)| Some((name, value?.into_text())));
        let fields = fields.map(|(name, value)| (collector.column(&name), value));
        let fields = fields.collect();
        let row = ListRow {
            row,
            column: "number",
            to: &body.number,
        };
        let added = collector.add(row, body.name, fields);
        added.map_err(CampaignError::from)?;
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

/// A campaign in a list.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CampaignView {
    id: String,
    name: String,
    status: &'static str,
    created_by: String,
    created_at: Timestamp,
    recipient_count: u64,
    statistics: Statistics,
}

#[derive(Serialize)]
struct Statistics {
    sent: u64,
    failed: u64,
    total: u64,
}

impl CampaignView {
    fn new(shown: &CampaignStatus, names: &HashMap<SessionId, SessionName>) -> Self {
        let CampaignStatus { campaign, counts } = shown;
        let session = campaign.sessions.iter().find_map(|id| names.get(id));
        Self {
            id: format!("{PREFIX}{}", campaign.id),
            name: campaign.name.clone(),
            status: match campaign.state {
                CampaignState::Draft => "draft",
                CampaignState::Scheduled => "scheduled",
                CampaignState::Running => "sending",
                CampaignState::Paused => "paused",
                CampaignState::Completed => "completed",
                CampaignState::Failed | CampaignState::Cancelled => "failed",
            },
            created_by: session.map(SessionName::to_string).unwrap_or_default(),
            created_at: campaign.created_at,
            recipient_count: counts.total(),
            statistics: Statistics {
                sent: counts.reached(),
                failed: counts.failed + counts.invalid,
                total: counts.total(),
            },
        }
    }
}

fn with_campaign(
    message: &str,
    shown: &CampaignStatus,
    names: &HashMap<SessionId, SessionName>,
) -> Json<Value> {
    Json(json!({
        "status": "success",
        "message": message,
        "campaign": CampaignView::new(shown, names),
    }))
}

/// What the caller's sessions are called.
async fn names(app: &App, caller: &Caller) -> Result<HashMap<SessionId, SessionName>, Fault> {
    let sessions = app.sessions().list(caller).await?.into_iter();
    Ok(sessions.map(|session| (session.id, session.name)).collect())
}

/// `GET /api/v1/campaigns`
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Vec<CampaignView>>, Fault> {
    let names = names(&app, &caller).await?;
    let (campaigns, kind) = (app.campaigns(), CampaignKind::Campaign);
    let all = every(|page| campaigns.list(&caller, kind, None, page)).await?;
    let view = |one| CampaignView::new(one, &names);
    Ok(Json(all.iter().map(view).collect()))
}

/// The id in a path; one that cannot be is nobody's.
fn id_of(text: &str) -> Result<CampaignId, Fault> {
    let id = text.strip_prefix(PREFIX).and_then(|id| id.parse().ok());
    id.ok_or_else(|| {
        let detail = format!("campaign {text} does not exist");
        Fault::new(StatusCode::NOT_FOUND, "unknown_campaign", detail)
    })
}

type Told = Result<Json<Value>, Fault>;

/// `POST /api/v1/campaigns/{id}/send`
async fn start(State(app): State<App>, caller: Caller, Param(id): Param<String>) -> Told {
    app.campaigns().start(&caller, id_of(&id)?).await?;
    Ok(success("Campaign started."))
}

/// `POST /api/v1/campaigns/{id}/pause`
async fn pause(State(app): State<App>, caller: Caller, Param(id): Param<String>) -> Told {
    app.campaigns().pause(&caller, id_of(&id)?).await?;
    Ok(success("Campaign paused."))
}

/// `POST /api/v1/campaigns/{id}/resume`
async fn resume(State(app): State<App>, caller: Caller, Param(id): Param<String>) -> Told {
    app.campaigns().resume(&caller, id_of(&id)?).await?;
    Ok(success("Campaign resumed."))
}

/// `POST /api/v1/campaigns/{id}/retry`
async fn retry(State(app): State<App>, caller: Caller, Param(id): Param<String>) -> Told {
    app.campaigns().retry(&caller, id_of(&id)?).await?;
    Ok(success("Retrying failed recipients."))
}

/// `POST /api/v1/campaigns/{id}/clone`
async fn copy(State(app): State<App>, caller: Caller, Param(id): Param<String>) -> Told {
    let copied = app.campaigns().copy(&caller, id_of(&id)?, None).await?;
    let names = names(&app, &caller).await?;
    Ok(with_campaign("Campaign cloned.", &copied, &names))
}

/// `DELETE /api/v1/campaigns/{id}`
async fn delete(State(app): State<App>, caller: Caller, Param(id): Param<String>) -> Told {
    app.campaigns().delete(&caller, id_of(&id)?).await?;
    Ok(success("Campaign deleted."))
}

/// `GET /api/v1/campaigns/csv-template`
async fn template(_: Caller) -> impl IntoResponse {
    template_called("attachment; filename=\"whatsapp_campaign_template.csv\"")
}

/// `POST /api/v1/campaigns/preview-csv`
async fn preview(
    State(state): State<GatewayState>,
    caller: Caller,
    request: Request,
) -> Result<Json<Value>, Fault> {
    caller.require(Scope::Send)?;
    let file = FileBody::from_request(request, &state.api).await?;
    let list = file.read(Mapping::default()).await?;
    let errors = list.errors.iter();
    let errors = errors.map(|error| json!({ "row": error.row, "message": error.message }));
    let errors: Vec<Value> = errors.collect();
    let recipients: Vec<Value> = list.good.into_iter().map(previewed).collect();
    Ok(Json(
        json!({ "success": true, "recipients": recipients, "errors": errors }),
    ))
}

/// A recipient as `POST /campaigns` takes it.
fn previewed(one: Collected) -> Value {
    let number = one.to.phone_number();
    let number = number.map_or_else(|| one.to.to_string(), |number| number.to_string());
    let mut view = Map::new();
    view.insert("number".to_owned(), number.into());
    view.insert("name".to_owned(), one.name.unwrap_or_default().into());
    for name in FIELDS {
        view.insert(name.to_owned(), "".into());
    }
    let fields = one.fields.into_iter();
    view.extend(fields.map(|(name, value)| (name.to_string(), value.into())));
    Value::Object(view)
}

/// `GET /api/v1/campaigns/{id}/export`
async fn results(
    State(app): State<App>,
    caller: Caller,
    Param(id): Param<String>,
) -> Result<impl IntoResponse, Fault> {
    Ok(export::results(app, caller, id_of(&id)?).await?)
}
