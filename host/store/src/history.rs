//! Pages of stored messages, newest first, with filters and words to look for.
//!
//! A page is asked for by place, so it stays where it is whatever is added meanwhile. One look
//! reads a bounded number of rows: when few of them are wanted, the page is shorter than asked for
//! and says where to go on.

use rusqlite::types::Value;
use rusqlite::{Row, params, params_from_iter};
use warbler_domain::history::{HistoryFilter, Kinds};
use warbler_domain::page::{Cursor, Page, PageRequest};
use warbler_domain::{Direction, Message, SessionId};

use crate::arrival::{first_place_after, first_place_since};
use crate::rows::{collect, first, prepare};
use crate::{Reader, Result, messages, search};

/// Rows one look reads at most when not all of them are wanted.
const STRIDE: i64 = 5_000;
/// Messages with the words looked for that one look reads at most.
const CANDIDATES: usize = 2_000;

/// What [`read`] reads.
const SELECT: &str = "SELECT seq, body, status, error, place FROM messages";

/// Stored messages, newest first.
pub struct History<'a>(&'a Reader<'a>);

impl<'a> Reader<'a> {
    /// Stored messages, newest first.
    pub fn history(&'a self) -> History<'a> {
        History(self)
    }
}

/// Where a look begins and ends: behind `before`, at `floor` at the earliest.
#[derive(Clone, Copy)]
struct Span {
    before: i64,
    floor: i64,
}

impl History<'_> {
    /// One look at a session's messages. It may find fewer than asked for and still have a next.
    pub fn page(
        &self,
        session: SessionId,
        filter: &HistoryFilter,
        page: PageRequest,
    ) -> Result<Page<Message>> {
        let after = page.after().map_or(i64::MAX, |cursor| cursor.0);
        let span = Span {
            before: filter
                .until
                .map_or(after, |until| after.min(first_place_after(until))),
            floor: filter.since.map_or(0, first_place_since),
        };
        match &filter.text {
            Some(text) => {
                let query = search::query(self.0, session, filter.chat.as_ref(), text)?;
                self.search(session, filter, &query, span, page.limit())
            }
            None => self.walk(session, filter, span, page.limit()),
        }
    }

    fn walk(
        &self,
        session: SessionId,
        filter: &HistoryFilter,
        span: Span,
        limit: u32,
    ) -> Result<Page<Message>> {
        let stride = if is_selective(filter) {
            self.stride(session, filter, span.before)?
        } else {
            None
        };
        let floor = stride.map_or(span.floor, |stride| stride.max(span.floor));
        let mut sql = format!("{SELECT} WHERE session = ?1 AND place < ?2 AND place >= ?3");
        let mut values: Vec<Value> = vec![
            session.as_bytes().to_vec().into(),
            span.before.into(),
            floor.into(),
        ];
        conditions(filter, &mut sql, &mut values);
        sql.push_str(" ORDER BY place DESC LIMIT ");
        sql.push_str(&(limit + 1).to_string());
        let mut statement = prepare(self.0.conn, &sql)?;
        let rows = collect(&mut statement, params_from_iter(values), read)?;
        let mut found = Page::of_rows(rows, limit);
        if found.next.is_none() {
            found.next = stride.filter(|stride| *stride > span.floor).map(Cursor);
        }
        Ok(found)
    }

    /// The place of the last row one look reads; nothing when it reads all there are.
    fn stride(
        &self,
        session: SessionId,
        filter: &HistoryFilter,
        before: i64,
    ) -> Result<Option<i64>> {
        let one_place = |row: &Row<'_>| Ok(row.get::<_, i64>(0)?);
        match &filter.chat {
            Some(chat) => {
                let sql =
                    "SELECT place FROM messages WHERE session = ?1 AND chat = ?2 AND place < ?3
                           ORDER BY place DESC LIMIT 1 OFFSET ?4";
                let params = params![session.as_bytes(), chat.to_string(), before, STRIDE];
                first(&mut prepare(self.0.conn, sql)?, params, one_place)
            }
            None => {
                let sql = "SELECT place FROM messages WHERE session = ?1 AND place < ?2
                           ORDER BY place DESC LIMIT 1 OFFSET ?3";
                let params = params![session.as_bytes(), before, STRIDE];
                first(&mut prepare(self.0.conn, sql)?, params, one_place)
            }
        }
    }

    fn search(
        &self,
        session: SessionId,
        filter: &HistoryFilter,
        query: &str,
        span: Span,
        limit: u32,
    ) -> Result<Page<Message>> {
        let wanted = limit as usize;
        let mut found = Vec::new();
        let mut matches = prepare(self.0.conn, search::MATCHES)?;
        let mut matches = matches.query(params![query, span.before, span.floor])?;
        let mut looked = 0;
        while let Some(row) = matches.next()? {
            let place: i64 = row.get(0)?;
            if let Some(message) = self
                .at(session, place)?
                .filter(|found| filter.admits(found))
            {
                found.push((place, message));
                if found.len() > wanted {
                    break;
                }
            }
            looked += 1;
            if looked >= CANDIDATES {
                let items = found.into_iter().map(|(_, message)| message).collect();
                let next = Some(Cursor(place));
                return Ok(Page { items, next });
            }
        }
        Ok(Page::of_rows(found, limit))
    }

    fn at(&self, session: SessionId, place: i64) -> Result<Option<Message>> {
        let sql = format!("{SELECT} WHERE session = ?1 AND place = ?2");
        let params = params![session.as_bytes(), place];
        let found = first(&mut prepare(self.0.conn, &sql)?, params, read)?;
        Ok(found.map(|(_, message)| message))
    }

    /// How many messages the filter wants, its words aside; counting ends at `most`.
    pub fn count(&self, session: SessionId, filter: &HistoryFilter, most: u32) -> Result<u32> {
        let mut sql =
            "SELECT count(*) FROM (SELECT 1 FROM messages WHERE session = ?1 AND place < ?2 AND place >= ?3"
                .to_owned();
        let before = filter.until.map_or(i64::MAX, first_place_after);
        let floor = filter.since.map_or(0, first_place_since);
        let mut values: Vec<Value> = vec![
            session.as_bytes().to_vec().into(),
            before.into(),
            floor.into(),
        ];
        conditions(filter, &mut sql, &mut values);
        sql.push_str(&format!(" LIMIT {most})"));
        let mut statement = prepare(self.0.conn, &sql)?;
        let counted = first(&mut statement, params_from_iter(values), |row| {
            Ok(row.get::<_, i64>(0)?)
        })?;
        Ok(counted.and_then(|n| u32::try_from(n).ok()).unwrap_or(0))
    }
}

/// Whether the filter can pass over many rows for each one it wants.
fn is_selective(filter: &HistoryFilter) -> bool {
    filter.from.is_some()
        || filter.with.is_some()
        || filter.direction.is_some()
        || filter.with_media
        || matches!(filter.kinds, Kinds::Only(_))
}

fn conditions(filter: &HistoryFilter, sql: &mut String, values: &mut Vec<Value>) {
    let mut condition = |text: &str, value: Value| {
        values.push(value);
        sql.push_str(&text.replace("?", &format!("?{}", values.len())));
    };
    if let Some(chat) = &filter.chat {
        condition(" AND chat = ?", chat.to_string().into());
    }
    if let Some(from) = &filter.from {
        condition(
            " AND (sender = ? OR json_extract(body, '$.senderAlt') = ?)",
            from.to_string().into(),
        );
    }
    if let Some(with) = &filter.with {
        condition(
            " AND (chat = ? OR sender = ? OR json_extract(body, '$.senderAlt') = ?)",
            with.to_string().into(),
        );
    }
    if let Some(direction) = filter.direction {
        let own = i64::from(direction == Direction::Outbound);
        condition(" AND own = ?", own.into());
    }
    if let Some(since) = filter.since {
        condition(" AND written_at >= ?", since.as_millis().into());
    }
    if let Some(until) = filter.until {
        condition(" AND written_at <= ?", until.as_millis().into());
    }
    if filter.with_media {
        sql.push_str(
            " AND kind IN ('image', 'gif', 'video', 'voice', 'audio', 'document', 'sticker')",
        );
    }
    match &filter.kinds {
        Kinds::All => {}
        Kinds::Standing => sql.push_str(" AND kind NOT IN ('reaction', 'edit', 'revoke', 'vote')"),
        Kinds::Only(kinds) => {
            let known = kinds
                .iter()
                .filter(|kind| kind.bytes().all(|b| b.is_ascii_lowercase()));
            let quoted: Vec<_> = known.map(|kind| format!("'{kind}'")).collect();
            sql.push_str(&format!(" AND kind IN ({})", quoted.join(", ")));
        }
    }
}

fn read(row: &Row<'_>) -> Result<(i64, Message)> {
    let (_, message) = messages::read(row)?;
    Ok((row.get(4)?, message))
}
