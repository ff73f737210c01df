//! `/api/scheduler` and `/api/messages/broadcast`: messages for later, and for many.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use warbler_app::App;
use warbler_app::messages::NewContent;
use warbler_app::schedules::{CreateSchedule, ScheduleStatus, When};
use warbler_domain::schedule::{Missed, Moment, ScheduleState, Timing};
use warbler_domain::{Caller, Jid, Recipient, Timestamp};

use super::sessions::Id;
use super::{Akg, Fault, Key};
use crate::dialect::{DialectState, Row, every};
use crate::extract::{Search, Wire};
use crate::native::broadcasts::broadcast_of;
use crate::native::{campaigns, in_field};

/// The rows of these sections.
pub(super) fn rows() -> Vec<Row<Akg>> {
    vec![
        Row::post("/api/scheduler", Key, create)
            .about("Scheduler", "Sends a text at a time.")
            .reads(json!({
                "sessionId": "marketing-1", "jid": "15550100@s.whatsapp.net",
                "content": "Good morning!", "sendAt": "2030-12-25T07:00:00",
            })),
        Row::get("/api/scheduler", Key, list)
            .about(
                "Scheduler",
                "Lists the texts a session sends later, or has sent so.",
            )
            .asks("sessionId", "The session"),
        Row::post("/api/messages/broadcast", Key, broadcast)
            .about("Broadcast", "Sends the same to many, with random pauses.")
            .reads(json!({
                "sessionId": "marketing-1", "recipients": ["15550100@s.whatsapp.net"],
                "message": "We are closed today.", "delay": 5000,
            }))
            .carries_media(),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateBody {
    session_id: String,
    jid: String,
    content: String,
    send_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListQuery {
    session_id: String,
}

/// A text for later.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntryView {
    id: String,
    session_id: String,
    jid: Jid,
    content: String,
    send_at: Timestamp,
    status: &'static str,
}

impl EntryView {
    /// What is sent once; what comes again and again is not of this dialect.
    fn of(shown: ScheduleStatus, session: &str) -> Option<Self> {
        let schedule = shown.schedule;
        let Timing::Once { at } = schedule.timing else {
            return None;
        };
        Some(Self {
            id: schedule.id.to_string(),
            session_id: session.to_owned(),
            jid: schedule.to,
            content: schedule.content.readable().unwrap_or_default().to_owned(),
            send_at: at,
            status: match schedule.state {
                ScheduleState::Active | ScheduleState::Paused => "PENDING",
                ScheduleState::Done => "SENT",
                ScheduleState::Cancelled => "CANCELLED",
            },
        })
    }
}

/// `POST /api/scheduler`
async fn create(
    State(state): State<DialectState<Akg>>,
    caller: Caller,
    Wire(body): Wire<CreateBody>,
) -> Result<Json<Option<EntryView>>, Fault> {
    let Id(session) = in_field("bad_session_name", "sessionId", &body.session_id)?;
    let to: Recipient = in_field("bad_recipient", "jid", &body.jid)?;
    let at: Moment = in_field("bad_schedule_time", "sendAt", &body.send_at)?;
    let command = CreateSchedule {
        session,
        name: None,
        to,
        content: NewContent::Text(body.content.into()),
        zone: state.terms.zone.clone(),
        when: When::At(at),
        missed: Missed::Run,
    };
    let schedules = state.api.app.schedules();
    let made = schedules.create(&caller, command, None).await?;
    Ok(Json(EntryView::of(made, &body.session_id)))
}

/// `GET /api/scheduler`
async fn list(
    State(app): State<App>,
    caller: Caller,
    Search(query): Search<ListQuery>,
) -> Result<Json<Vec<EntryView>>, Fault> {
    let Id(session) = in_field("bad_session_name", "sessionId", &query.session_id)?;
    let schedules = app.schedules();
    let all = every(|page| schedules.list(&caller, Some(&session), None, page)).await?;
    let view = |one| EntryView::of(one, &query.session_id);
    Ok(Json(all.into_iter().filter_map(view).collect()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BroadcastBody {
    session_id: String,
    recipients: Vec<String>,
    message: String,
    delay: Option<u64>,
}

/// `POST /api/messages/broadcast`
async fn broadcast(
    State(app): State<App>,
    caller: Caller,
    Wire(body): Wire<BroadcastBody>,
) -> Result<Json<Value>, Fault> {
    let Id(session) = in_field("bad_session_name", "sessionId", &body.session_id)?;
    let content = NewContent::Text(body.message.into());
    let command = broadcast_of(session, &body.recipients, content, body.delay)?;
    let made = app.campaigns().create(&caller, command, None).await;
    let made = made.map_err(campaigns::refused)?;
    Ok(Json(
        json!({ "success": true, "total": made.counts.total() }),
    ))
}
