//! `/api/messages/history` and `/api/messages/stats`: what a session has sent and received.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use warbler_app::App;
use warbler_domain::history::{HistoryFilter, Kinds};
use warbler_domain::{Caller, Direction, Jid, MessageStatus, Recipient, Timestamp};

use super::wire::{Id, KINDS, MessageView, kind_of};
use super::{Fault, Known, Suite};
use crate::dialect::Row;
use crate::extract::{Param, Search};
use crate::native::in_field;
use crate::problem::Problem;

/// Messages of a page, when nothing is said, and at most.
const PAGE: (u32, u32) = (50, 100);
/// How `me` is written for the account itself.
const ME: &str = "me";
/// Kinds that are always counted, as the document shows them.
const COUNTED: [&str; 6] = ["text", "image", "document", "video", "audio", "location"];

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    const SECTION: &str = "Messaging";
    vec![
        Row::get("/api/messages/history/{sessionId}", Known, history)
            .about(
                SECTION,
                "Lists the messages of a session, the newest first.",
            )
            .asks("limit", "How many; 50 when left out, 100 at most")
            .asks("offset", "How many to leave out before")
            .asks("from", "Only those of this number, or of `me`")
            .asks("to", "Only those to this number, or to `me`")
            .asks("type", "Only those of this type")
            .asks("startDate", "Only those since then (ISO 8601)")
            .asks("endDate", "Only those until then (ISO 8601)"),
        Row::get("/api/messages/stats/{sessionId}", Known, stats)
            .about(SECTION, "Counts the messages of a session."),
    ]
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HistoryQuery {
    limit: Option<u32>,
    offset: Option<u32>,
    from: Option<String>,
    to: Option<String>,
    r#type: Option<String>,
    start_date: Option<String>,
    end_date: Option<String>,
}

/// `GET /api/messages/history/{sessionId}`
async fn history(
    State(app): State<App>,
    caller: Caller,
    Param(Id(session)): Param<Id>,
    Search(query): Search<HistoryQuery>,
) -> Result<Json<Value>, Fault> {
    let filter = query.filter()?;
    let (limit, offset) = (
        query.limit.unwrap_or(PAGE.0).clamp(1, PAGE.1),
        query.offset.unwrap_or(0),
    );
    let chats = app.chats();
    let total = chats.count(&caller, &session, filter.clone()).await?;
    let page = (offset, limit);
    let shown = chats.history_from(&caller, &session, filter, page).await?;
    let messages = shown.iter();
    let messages: Vec<_> = messages
        .map(|shown| MessageView::from(&shown.message))
        .collect();
    Ok(Json(json!({
        "success": true, "messages": messages, "total": total, "limit": limit, "offset": offset,
    })))
}

impl HistoryQuery {
    fn filter(&self) -> Result<HistoryFilter, Problem> {
        let mut filter = HistoryFilter::default();
        match self.from.as_deref() {
            Some(ME) => filter.direction = Some(Direction::Outbound),
            Some(from) => filter.from = Some(person("from", from)?),
            None => {}
        }
        match self.to.as_deref() {
            Some(ME) => filter.direction = Some(Direction::Inbound),
            Some(to) => {
                filter.chat = Some(person("to", to)?);
                // What somebody wrote in that chat went to this account, unless it is a group.
                let group = filter.chat.as_ref().is_some_and(Jid::is_group);
                filter.direction = (!group).then_some(Direction::Outbound);
            }
            None => {}
        }
        if let Some(wanted) = &self.r#type {
            let found = KINDS.iter().find(|(kind, _)| kind == wanted);
            let (_, words) = found.ok_or_else(|| {
                let known = KINDS.map(|(kind, _)| kind).join(", ");
                let detail = format!("a type is one of {known}");
                Problem::invalid("bad_type", detail).in_field("type")
            })?;
            filter.kinds = Kinds::Only(words.iter().map(|&word| word.to_owned()).collect());
        }
        let since = self.start_date.as_deref();
        let until = self.end_date.as_deref();
        filter.since = since
            .map(|text| instant("startDate", text, "00:00:00Z"))
            .transpose()?;
        filter.until = until
            .map(|text| instant("endDate", text, "23:59:59.999Z"))
            .transpose()?;
        Ok(filter)
    }
}

fn person(field: &str, text: &str) -> Result<Jid, Problem> {
    in_field("bad_recipient", field, text).map(Recipient::into_jid)
}

/// A time, or a whole day in UTC, of which `end` is meant.
fn instant(field: &str, text: &str, end: &str) -> Result<Timestamp, Problem> {
    let whole = match text.len() {
        10 => format!("{text}T{end}"),
        // A plus in a query is a space.
        _ => text.replace(' ', "+"),
    };
    serde_json::from_value(Value::String(whole)).map_err(|_| {
        let detail = "a date is written as 2026-05-04 or 2026-05-04T09:30:00Z";
        Problem::invalid("bad_date", detail).in_field(field)
    })
}

/// `GET /api/messages/stats/{sessionId}`
async fn stats(
    State(app): State<App>,
    caller: Caller,
    Param(Id(session)): Param<Id>,
) -> Result<Json<Value>, Fault> {
    use MessageStatus::{Delivered, Failed, Played, Read};
    let counted = app.stats().messages(&caller, Some(&session)).await?;
    let mut by_type: Map<String, Value> = COUNTED
        .iter()
        .map(|kind| ((*kind).to_owned(), Value::from(0)))
        .collect();
    for (word, count) in &counted.passed_by_kind {
        let known = by_type.entry(kind_of(word)).or_insert(Value::from(0));
        *known = Value::from(known.as_u64().unwrap_or(0) + count);
    }
    let (sent, failed) = (counted.sent(), counted.standing_at(&[Failed]));
    Ok(Json(json!({
        "success": true,
        "stats": {
            "total": sent + counted.inbound,
            "sent": sent,
            "received": counted.inbound,
            "failed": failed,
            "byType": by_type,
            "byStatus": {
                "sent": sent,
                "delivered": counted.standing_at(&[Delivered, Read, Played]),
                "read": counted.standing_at(&[Read, Played]),
                "failed": failed,
            },
        },
    })))
}
