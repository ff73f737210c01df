//! Chats, as sessions see them.

use rusqlite::types::Value;
use rusqlite::{Row, params, params_from_iter};
use warbler_domain::chat::{Chat, ChatChange, ChatSettings};
use warbler_domain::contact::NamePart;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{Jid, Message, MessageId, SessionId, Timestamp, WhatsAppId};

use crate::arrival::time_of;
use crate::rows::{collect, first, parsed, parsed_opt, prepare};
use crate::{Reader, Result, Writer, messages};

/// Which chats are wanted. What is not said does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChatFilter {
    /// Put away, or not.
    pub archived: Option<bool>,
    /// With something unread, or without.
    pub unread: Option<bool>,
    /// Groups, or people.
    pub groups: Option<bool>,
    /// With this in the name or the number.
    pub name: Option<NamePart>,
}

/// Reading half.
pub struct Chats<'a>(&'a Reader<'a>);

/// Writing half.
pub struct ChatsMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Chats.
    pub fn chats(&'a self) -> Chats<'a> {
        Chats(self)
    }
}

impl<'a> Writer<'a> {
    /// Chats, to change.
    pub fn chats_mut(&'a self) -> ChatsMut<'a> {
        ChatsMut(self)
    }
}

const SELECT: &str = "SELECT h.place, h.jid, c.alt, 
        coalesce(g.subject, c.saved_name, c.name, c.push_name),
        h.archived, h.pinned, h.muted_until, max(h.unread, h.marked)
    FROM chats h
    LEFT JOIN contacts c ON c.session = h.session AND c.jid = h.jid
    LEFT JOIN groups g ON g.session = h.session AND g.jid = h.jid";

impl Chats<'_> {
    /// Whether a session has this chat.
    pub fn is_known(&self, session: SessionId, chat: &Jid) -> Result<bool> {
        let sql = "SELECT 1 FROM chats WHERE session = ?1 AND jid = ?2";
        let params = params![session.as_bytes(), chat.to_string()];
        Ok(first(&mut prepare(self.0.conn, sql)?, params, |_| Ok(()))?.is_some())
    }

    /// One chat, by its address.
    pub fn get(&self, session: SessionId, chat: &Jid) -> Result<Option<Chat>> {
        let sql = format!("{SELECT} WHERE h.session = ?1 AND h.jid = ?2");
        let params = params![session.as_bytes(), chat.to_string()];
        let found = first(&mut prepare(self.0.conn, &sql)?, params, read)?;
        Ok(found.map(|(_, chat)| chat))
    }

    /// A session's chats, the one with the newest message first.
    pub fn list(
        &self,
        session: SessionId,
        filter: &ChatFilter,
        page: PageRequest,
    ) -> Result<Page<Chat>> {
        let before = page.after().map_or(i64::MAX, |cursor| cursor.0);
        let mut sql = format!("{SELECT} WHERE h.session = ?1 AND h.place < ?2");
        let mut values: Vec<Value> = vec![session.as_bytes().to_vec().into(), before.into()];
        if let Some(archived) = filter.archived {
            sql.push_str(if archived {
                " AND h.archived"
            } else {
                " AND NOT h.archived"
            });
        }
        if let Some(unread) = filter.unread {
            let some = if unread { " AND " } else { " AND NOT " };
            sql.push_str(some);
            sql.push_str("(h.unread > 0 OR h.marked)");
        }
        if let Some(groups) = filter.groups {
            let like = if groups { " AND " } else { " AND NOT " };
            sql.push_str(like);
            sql.push_str("h.jid LIKE '%@g.us'");
        }
        if let Some(name) = &filter.name {
            values.push(crate::contacts::containing(name.as_str()).into());
            sql.push_str(
                " AND (g.subject LIKE ?3 ESCAPE '\\' OR c.name LIKE ?3 ESCAPE '\\'
                   OR c.push_name LIKE ?3 ESCAPE '\\' OR c.saved_name LIKE ?3 ESCAPE '\\'
                   OR h.jid LIKE ?3 ESCAPE '\\')",
            );
        }
        sql.push_str(&format!(
            " ORDER BY h.place DESC LIMIT {}",
            page.limit() + 1
        ));
        let mut statement = prepare(self.0.conn, &sql)?;
        let rows = collect(&mut statement, params_from_iter(values), read)?;
        Ok(Page::of_rows(rows, page.limit()))
    }

    /// The newest message of a chat that says something by itself.
    pub fn newest(&self, session: SessionId, chat: &Jid) -> Result<Option<Message>> {
        let sql = "SELECT seq, body, status, error FROM messages
                   WHERE session = ?1 AND chat = ?2
                     AND kind NOT IN ('reaction', 'edit', 'revoke', 'vote')
                   ORDER BY place DESC LIMIT 1";
        let params = params![session.as_bytes(), chat.to_string()];
        let found = first(&mut prepare(self.0.conn, sql)?, params, messages::read)?;
        Ok(found.map(|(_, message)| message))
    }

    /// Up to `limit` of the newest inbound messages of a chat, up to and with `upto`, as network id
    /// and author, the newest first.
    pub fn inbound(
        &self,
        session: SessionId,
        chat: &Jid,
        upto: Option<&WhatsAppId>,
        limit: u32,
    ) -> Result<Vec<(WhatsAppId, Jid)>> {
        let sql = "SELECT whatsapp_id, sender FROM messages
                   WHERE session = ?1 AND chat = ?2 AND own = 0
                     AND kind NOT IN ('reaction', 'edit', 'revoke', 'vote')
                     AND place <= coalesce((SELECT max(place) FROM messages
                         WHERE session = ?1 AND whatsapp_id = ?3 AND chat = ?2), 9223372036854775807)
                   ORDER BY place DESC LIMIT ?4";
        let params = params![
            session.as_bytes(),
            chat.to_string(),
            upto.map(WhatsAppId::as_str),
            limit
        ];
        collect(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok((
                parsed(row, 0, "messages.whatsapp_id")?,
                parsed(row, 1, "messages.sender")?,
            ))
        })
    }

    /// How many inbound messages of a chat are newer than this one.
    pub fn inbound_behind(&self, session: SessionId, chat: &Jid, id: &WhatsAppId) -> Result<u32> {
        let sql = "SELECT count(*) FROM messages
                   WHERE session = ?1 AND chat = ?2 AND own = 0
                     AND kind NOT IN ('reaction', 'edit', 'revoke', 'vote')
                     AND place > (SELECT max(place) FROM messages
                         WHERE session = ?1 AND whatsapp_id = ?3 AND chat = ?2)";
        let params = params![session.as_bytes(), chat.to_string(), id.as_str()];
        let counted = first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(row.get(0)?)
        })?;
        Ok(counted.unwrap_or(0))
    }
}

impl ChatsMut<'_> {
    /// Notes how the account keeps a chat.
    pub fn change(&self, session: SessionId, chat: &Jid, change: &ChatChange) -> Result<()> {
        let (column, value): (&str, Value) = match change {
            ChatChange::Archived { archived } => ("archived", i64::from(*archived).into()),
            ChatChange::Pinned { pinned } => ("pinned", i64::from(*pinned).into()),
            ChatChange::Muted { until } => ("muted_until", until.map(Timestamp::as_millis).into()),
            ChatChange::Read { read: false } => ("marked", 1.into()),
            ChatChange::Read { read: true } => return self.set_unread(session, chat, 0),
            ChatChange::Deleted => return self.delete(session, chat),
        };
        let sql = format!(
            "INSERT INTO chats (session, jid, place, {column})
             VALUES (?1, ?2, (SELECT min(0, coalesce(min(place), 0)) - 1 FROM chats WHERE session = ?1), ?3)
             ON CONFLICT (session, jid) DO UPDATE SET {column} = excluded.{column}"
        );
        prepare(self.0.conn, &sql)?.execute(params![
            session.as_bytes(),
            chat.to_string(),
            value
        ])?;
        Ok(())
    }

    /// Notes how many messages of a chat are unread.
    pub fn set_unread(&self, session: SessionId, chat: &Jid, unread: u32) -> Result<()> {
        let sql = "UPDATE chats SET unread = ?3, marked = 0 WHERE session = ?1 AND jid = ?2";
        let params = params![session.as_bytes(), chat.to_string(), unread];
        prepare(self.0.conn, sql)?.execute(params)?;
        Ok(())
    }

    /// Forgets a chat and its messages; those on their way out stay.
    pub fn delete(&self, session: SessionId, chat: &Jid) -> Result<()> {
        let (session_bytes, chat) = (session.as_bytes(), chat.to_string());
        let sql = "SELECT id FROM messages WHERE session = ?1 AND chat = ?2
                   AND id NOT IN (SELECT message FROM outbox WHERE session = ?1 AND chat = ?2 AND dead = 0)";
        let gone = collect(
            &mut prepare(self.0.conn, sql)?,
            params![session_bytes, chat],
            |row| crate::rows::id_bytes(row, 0, "messages.id").map(MessageId::from_bytes),
        )?;
        for message in gone {
            self.0.messages_mut().delete(message)?;
        }
        for sql in [
            "DELETE FROM annotations WHERE session = ?1 AND chat = ?2",
            "DELETE FROM chats WHERE session = ?1 AND jid = ?2",
        ] {
            prepare(self.0.conn, sql)?.execute(params![session_bytes, chat])?;
        }
        Ok(())
    }

    /// Brings what is stored under `hidden` to the chat of `number`: both are the same person's.
    pub(crate) fn merge(&self, session: SessionId, hidden: &Jid, number: &Jid) -> Result<()> {
        let session_bytes = session.as_bytes().as_slice();
        let (from, to) = (hidden.to_string(), number.to_string());
        self.0.annotations_mut().rename(session_bytes, &from, &to)?;
        // Every statement takes all three, or `prepare` would have to know how many it has.
        for sql in [
            "INSERT OR IGNORE INTO search_queue (seq)
                 SELECT seq FROM messages WHERE session = ?1 AND chat = ?2 AND ?3 <> ?2",
            "UPDATE OR IGNORE messages SET
                 sender = ?3, body = json_set(body, '$.sender', ?3, '$.senderAlt', ?2)
                 WHERE session = ?1 AND chat = ?2 AND sender = ?2",
            "UPDATE OR IGNORE messages SET
                 chat = ?3, body = json_set(body, '$.chat', ?3, '$.chatAlt', ?2)
                 WHERE session = ?1 AND chat = ?2",
            // What is left was stored under both addresses.
            "DELETE FROM messages WHERE session = ?1 AND chat = ?2 AND ?3 <> ?2",
            "INSERT INTO chats (session, jid, place, unread, marked, archived, pinned, muted_until)
                 SELECT session, ?3, place, unread, marked, archived, pinned, muted_until
                 FROM chats WHERE session = ?1 AND jid = ?2
                 ON CONFLICT (session, jid) DO UPDATE SET
                     place = max(place, excluded.place), unread = unread + excluded.unread,
                     marked = max(marked, excluded.marked), pinned = max(pinned, excluded.pinned),
                     muted_until = coalesce(muted_until, excluded.muted_until)",
            "DELETE FROM chats WHERE session = ?1 AND jid = ?2 AND ?3 <> ?2",
        ] {
            prepare(self.0.conn, sql)?.execute(params![session_bytes, from, to])?;
        }
        self.0.contacts_mut().merge(session_bytes, &from, &to)
    }
}

fn read(row: &Row<'_>) -> Result<(i64, Chat)> {
    let place: i64 = row.get(0)?;
    let muted: Option<i64> = row.get(6)?;
    let chat = Chat {
        jid: parsed(row, 1, "chats.jid")?,
        alt: parsed_opt(row, 2, "contacts.alt")?,
        name: row.get(3)?,
        settings: ChatSettings {
            archived: row.get(4)?,
            pinned: row.get(5)?,
            muted_until: muted.map(Timestamp::from_millis),
        },
        unread: row.get(7)?,
        last_at: time_of(place),
    };
    Ok((place, chat))
}
