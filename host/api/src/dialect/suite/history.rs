//! `/api/messages/history` and `/api/messages/stats`: what a session has sent and received.

use axum::Json;
use serde::Deserialize;
use serde_json::json;
use warbler_domain::history::{HistoryFilter, Kinds};
use warbler_domain::{Direction, Jid, MessageStatus, Recipient, Timestamp};

use super::wire::{Id, KINDS, kind_of, message_view};
use super::{Answer, Call, Known, Suite};
use crate::dialect::Row;
use crate::dialect::read::window;
use crate::extract::{Param, Search};
use crate::native::in_field;
use crate::problem::Problem;

/// Messages of a page, when nothing is said, and at most.
const PAGE: (u32, u32) = (50, 100);
/// How `me` is written for the account itself.
const ME: &str = "me";

/// The rows of this section.
pub(super) fn rows() -> Vec<Row<Suite>> {
    vec![
        Row::get("/api/messages/history/{sessionId}", Known, history),
        Row::get("/api/messages/stats/{sessionId}", Known, stats),
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
    call: Call,
    Param(Id(session)): Param<Id>,
    Search(query): Search<HistoryQuery>,
) -> Answer {
    let filter = query.filter()?;
    let (limit, offset) = window(PAGE, query.limit, query.offset);
    let (chats, caller, page) = (call.app.chats(), &call.caller, (offset, limit));
    let total = chats.count(caller, &session, filter.clone()).await?;
    let shown = chats.history_from(caller, &session, filter, page).await?;
    let views = shown.iter().map(|shown| message_view(&shown.message));
    let messages: Vec<_> = views.collect();
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
        let (since, until) = (self.start_date.as_deref(), self.end_date.as_deref());
        filter.since = instant("startDate", since, "00:00:00Z")?;
        filter.until = instant("endDate", until, "23:59:59.999Z")?;
        Ok(filter)
    }
}

fn person(field: &str, text: &str) -> Result<Jid, Problem> {
    in_field("bad_recipient", field, text).map(Recipient::into_jid)
}

/// A time, or a whole day in UTC, of which `end` is meant; none if nothing is said.
fn instant(field: &str, text: Option<&str>, end: &str) -> Result<Option<Timestamp>, Problem> {
    let whole = text.map(|text| match text.len() {
        10 => format!("{text}T{end}"),
        // A plus in a query is a space.
        _ => text.replace(' ', "+"),
    });
    serde_json::from_value(json!(whole)).map_err(|_| {
        let detail = "a date is written as 2026-05-04 or 2026-05-04T09:30:00Z";
        Problem::invalid("bad_date", detail).in_field(field)
    })
}

/// `GET /api/messages/stats/{sessionId}`
async fn stats(call: Call, Param(Id(session)): Param<Id>) -> Answer {
    use MessageStatus::{Delivered, Failed, Played, Read};
    let stats = call.app.stats();
    let counted = stats.messages(&call.caller, Some(&session)).await?;
    // Those that the document shows are always there.
    let mut by_type = json!({
        "text": 0, "image": 0, "document": 0, "video": 0, "audio": 0, "location": 0,
    });
    for (word, count) in &counted.passed_by_kind {
        let known = &mut by_type[kind_of(word)];
        *known = json!(known.as_u64().unwrap_or(0) + count);
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
