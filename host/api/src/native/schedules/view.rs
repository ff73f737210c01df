//! Schedules as they are shown.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_app::schedules::ScheduleStatus;
use warbler_domain::schedule::{ScheduleRun, Timing};
use warbler_domain::{Jid, MessageId, ScheduleId, SessionId, Timestamp};

use crate::native::words;

/// A message for later.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Schedule, example = json!({
    "id": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "session": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "to": "15550123@s.whatsapp.net",
    "type": "text",
    "text": "Good morning!",
    "zone": "Europe/Berlin",
    "cron": "0 9 * * mon-fri",
    "missed": "run",
    "state": "active",
    "next": ["2026-05-05T07:00:00.000Z", "2026-05-06T07:00:00.000Z"],
    "runCount": 0,
    "createdAt": "2026-05-04T09:29:40.003Z",
}))]
pub(in crate::native) struct ScheduleView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: ScheduleId,
    /// The session that sends.
    #[schema(value_type = String, format = "uuid")]
    session: SessionId,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// To whom.
    #[schema(value_type = String)]
    to: Jid,
    /// What is sent.
    r#type: words::MessageType,
    /// Its text or caption.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Whose clock it goes by.
    zone: String,
    /// When, if once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
    /// When, if again and again.
    #[serde(skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    /// Not after this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// What becomes of a run that was missed.
    missed: words::Missed,
    /// Where it stands.
    state: words::ScheduleState,
    /// Its next runs, up to five.
    #[schema(value_type = Vec<String>)]
    next: Vec<Timestamp>,
    /// How often it has run.
    run_count: u32,
    /// Its last runs, newest first, up to 100; only where one schedule is shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    runs: Vec<RunView>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<ScheduleStatus> for ScheduleView {
    fn from(status: ScheduleStatus) -> Self {
        let ScheduleStatus {
            schedule,
            next,
            runs,
        } = status;
        let (at, cron, until) = match &schedule.timing {
            Timing::Once { at } => (Some(*at), None, None),
            Timing::Cron { expression, until } => (None, Some(expression.to_string()), *until),
        };
        Self {
            id: schedule.id,
            session: schedule.session,
            name: schedule.name,
            to: schedule.to,
            r#type: (&schedule.content).into(),
            text: schedule.content.readable().map(str::to_owned),
            zone: schedule.zone.to_string(),
            at,
            cron,
            until,
            missed: schedule.missed.into(),
            state: schedule.state.into(),
            next,
            run_count: schedule.runs,
            runs: runs.into_iter().map(RunView::from).collect(),
            created_at: schedule.created_at,
        }
    }
}

/// What became of one run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ScheduleRun)]
pub(in crate::native) struct RunView {
    /// The time it was due.
    #[schema(value_type = String, format = DateTime)]
    due_at: Timestamp,
    /// When it was dealt with.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The message, if one was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    message: Option<MessageId>,
    /// Why there is none: `missed`, `not_paired`, or `suppressed` for who does not want to be written
    /// to (`/v1/suppressions`).
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// The same in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<ScheduleRun> for RunView {
    fn from(run: ScheduleRun) -> Self {
        Self {
            due_at: run.due_at,
            at: run.at,
            message: run.message,
            code: run.code,
            error: run.error,
        }
    }
}
