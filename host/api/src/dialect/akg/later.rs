//! `/api/scheduler` and `/api/messages/broadcast`: messages for later, and for many.

use axum::Json;
use serde::Deserialize;
use serde_json::{Value, json};
use warbler_app::messages::NewContent;
use warbler_app::schedules::{CreateSchedule, ScheduleStatus, When};
use warbler_domain::schedule::{Missed, ScheduleState, Timing};

use super::sessions::Id;
use super::{Akg, Answer, Call, Key};
use crate::dialect::{Row, every};
use crate::extract::{Search, Wire};
use crate::native::broadcasts::broadcast_of;
use crate::native::{campaigns, in_field};

/// The rows of these sections.
pub(super) fn rows() -> Vec<Row<Akg>> {
    vec![
        Row::post("/api/scheduler", Key, create),
        Row::get("/api/scheduler", Key, list),
        Row::post("/api/messages/broadcast", Key, broadcast).carries_media(),
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

/// A text for later: what is sent once. What comes again and again is not of this dialect.
fn entry_view(shown: ScheduleStatus, session: &str) -> Option<Value> {
    let schedule = shown.schedule;
    let Timing::Once { at } = schedule.timing else {
        return None;
    };
    let status = match schedule.state {
        ScheduleState::Active | ScheduleState::Paused => "PENDING",
        ScheduleState::Done => "SENT",
        ScheduleState::Cancelled => "CANCELLED",
    };
    Some(json!({
        "id": schedule.id,
        "sessionId": session,
        "jid": schedule.to,
        "content": schedule.content.readable().unwrap_or_default(),
        "sendAt": at,
        "status": status,
    }))
}

/// `POST /api/scheduler`
async fn create(call: Call, Wire(body): Wire<CreateBody>) -> Answer<Option<Value>> {
    let command = CreateSchedule {
        session: Id::named(&body.session_id)?,
        name: None,
        to: in_field("bad_recipient", "jid", &body.jid)?,
        content: NewContent::Text(body.content.into()),
        zone: call.state.terms.zone.clone(),
        when: When::At(in_field("bad_schedule_time", "sendAt", &body.send_at)?),
        missed: Missed::Run,
    };
    let schedules = call.app.schedules();
    let made = schedules.create(&call.caller, command, None).await?;
    Ok(Json(entry_view(made, &body.session_id)))
}

/// `GET /api/scheduler`
async fn list(call: Call, Search(query): Search<ListQuery>) -> Answer<Vec<Value>> {
    let session = Some(Id::named(&query.session_id)?);
    let schedules = call.app.schedules();
    let all = every(|page| schedules.list(&call.caller, session.as_ref(), None, page)).await?;
    let view = |one| entry_view(one, &query.session_id);
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
async fn broadcast(call: Call, Wire(body): Wire<BroadcastBody>) -> Answer {
    let session = Id::named(&body.session_id)?;
    let content = NewContent::Text(body.message.into());
    let command = broadcast_of(session, &body.recipients, content, body.delay)?;
    let made = call
        .app
        .campaigns()
        .create(&call.caller, command, None)
        .await;
    let made = made.map_err(campaigns::refused)?;
    Ok(Json(
        json!({ "success": true, "total": made.counts.total() }),
    ))
}
