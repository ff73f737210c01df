//! Messages, inbound and outbound.

use rusqlite::{Row, params};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{Content, Jid, Message, MessageId, MessageStatus, SessionId, WhatsAppId};

use crate::rows::{collect, first, json, prepare, to_json};
use crate::{Error, Reader, Result, Writer};

/// Reading half.
pub struct Messages<'a>(&'a Reader<'a>);

/// Writing half.
pub struct MessagesMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Messages.
    pub fn messages(&'a self) -> Messages<'a> {
        Messages(self)
    }
}

impl<'a> Writer<'a> {
    /// Messages, to change.
    pub fn messages_mut(&'a self) -> MessagesMut<'a> {
        MessagesMut(self)
    }
}

impl Messages<'_> {
    /// One by our id.
    pub fn get(&self, id: MessageId) -> Result<Option<Message>> {
        let sql = "SELECT seq, body, status, error FROM messages WHERE id = ?1";
        let found = first(
            &mut prepare(self.0.conn, sql)?,
            params![id.as_bytes()],
            read,
        )?;
        Ok(found.map(|(_, message)| message))
    }

    /// Those of a session with this network id; more than one only if two chats reuse it.
    pub fn by_whatsapp_id(&self, session: SessionId, id: &WhatsAppId) -> Result<Vec<Message>> {
        let sql =
            "SELECT seq, body, status, error FROM messages WHERE session = ?1 AND whatsapp_id = ?2";
        let found = collect(
            &mut prepare(self.0.conn, sql)?,
            params![session.as_bytes(), id.as_str()],
            read,
        )?;
        Ok(found.into_iter().map(|(_, message)| message).collect())
    }

    /// A session's messages, of one chat or of all, newest first.
    pub fn list(
        &self,
        session: SessionId,
        chat: Option<&Jid>,
        page: PageRequest,
    ) -> Result<Page<Message>> {
        let before = page.after().map_or(i64::MAX, |cursor| cursor.0);
        let limit = page.limit() + 1;
        let rows = match chat {
            Some(chat) => {
                let sql = "SELECT seq, body, status, error FROM messages
                           WHERE session = ?1 AND chat = ?2 AND seq < ?3 ORDER BY seq DESC LIMIT ?4";
                let params = params![session.as_bytes(), chat.to_string(), before, limit];
                collect(&mut prepare(self.0.conn, sql)?, params, read)?
            }
            None => {
                let sql = "SELECT seq, body, status, error FROM messages
                           WHERE session = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
                let params = params![session.as_bytes(), before, limit];
                collect(&mut prepare(self.0.conn, sql)?, params, read)?
            }
        };
        Ok(Page::of_rows(rows, page.limit()))
    }
}

impl MessagesMut<'_> {
    /// Adds a message; `false` when the network id is there already for this chat and sender.
    pub fn insert(&self, message: &Message) -> Result<bool> {
        let sql =
            "INSERT INTO messages (id, session, chat, sender, whatsapp_id, status, error, body)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
        let changed = prepare(self.0.conn, sql)?.execute(params![
            message.id.as_bytes(),
            message.session.as_bytes(),
            message.chat.to_string(),
            message.sender.to_string(),
            message.whatsapp_id.as_str(),
            message.status.as_str(),
            message.error,
            to_json(message, "messages.body")?,
        ])?;
        Ok(changed > 0)
    }

    /// Moves a message on to `status`, never back; whether that changed anything.
    pub fn advance(
        &self,
        id: MessageId,
        status: MessageStatus,
        error: Option<&str>,
    ) -> Result<bool> {
        let Some(message) = self.0.messages().get(id)? else {
            return Ok(false);
        };
        let next = message.status.advance(status);
        if next == message.status {
            return Ok(false);
        }
        let error = if next == MessageStatus::Failed {
            error
        } else {
            None
        };
        let sql = "UPDATE messages SET status = ?2, error = ?3 WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), next.as_str(), error])?;
        Ok(true)
    }

    /// Replaces what a message says: for media that have been fetched meanwhile.
    pub fn set_content(&self, id: MessageId, content: &Content) -> Result<()> {
        let Some(mut message) = self.0.messages().get(id)? else {
            return Ok(());
        };
        message.content = content.clone();
        let sql = "UPDATE messages SET body = ?2 WHERE id = ?1";
        prepare(self.0.conn, sql)?
            .execute(params![id.as_bytes(), to_json(&message, "messages.body")?])?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<(i64, Message)> {
    let mut message: Message = json(row, 1, "messages.body")?;
    let status: String = row.get(2)?;
    message.status =
        MessageStatus::parse(&status).ok_or_else(|| Error::corrupt("messages.status", &status))?;
    message.error = row.get(3)?;
    Ok((row.get(0)?, message))
}
