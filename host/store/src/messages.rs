//! Messages, inbound and outbound.

use rusqlite::{Row, params};
use warbler_domain::history::{HistoryFilter, Kinds};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{
    Content, Direction, FailureCode, Jid, Message, MessageId, MessageStatus, SessionId, Timestamp,
    WhatsAppId,
};

use crate::arrival::{self, Arrival};
use crate::rows::{collect, first, id_bytes, json, prepare, to_json};
use crate::tally::Kind;
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

    /// The number of one: messages are counted as they are stored, and no number is given twice.
    pub fn number(&self, id: MessageId) -> Result<Option<i64>> {
        let sql = "SELECT seq FROM messages WHERE id = ?1";
        let params = params![id.as_bytes()];
        first(&mut prepare(self.0.conn, sql)?, params, |row| {
            Ok(row.get(0)?)
        })
    }

    /// The one with this number.
    pub fn numbered(&self, number: i64) -> Result<Option<Message>> {
        let sql = "SELECT seq, body, status, error FROM messages WHERE seq = ?1";
        let found = first(&mut prepare(self.0.conn, sql)?, params![number], read)?;
        Ok(found.map(|(_, message)| message))
    }

    /// When the newest message of a session was written or came; nothing without any.
    pub fn newest_at(&self, session: SessionId) -> Result<Option<Timestamp>> {
        let sql = "SELECT max(place) FROM messages WHERE session = ?1";
        let place = first(
            &mut prepare(self.0.conn, sql)?,
            params![session.as_bytes()],
            |row| Ok(row.get::<_, Option<i64>>(0)?),
        )?;
        Ok(place.flatten().map(arrival::time_of))
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

    /// Whether a message of this chat was stored before this one, which may not be stored itself.
    pub fn has_earlier(&self, message: &Message) -> Result<bool> {
        let sql = "SELECT 1 FROM messages WHERE session = ?1 AND chat = ?2
                   AND seq < coalesce((SELECT seq FROM messages WHERE id = ?3), 9223372036854775807) LIMIT 1";
        let params = params![
            message.session.as_bytes(),
            message.chat.to_string(),
            message.id.as_bytes()
        ];
        let found = first(&mut prepare(self.0.conn, sql)?, params, |_| Ok(()))?;
        Ok(found.is_some())
    }

    /// A session's messages, of one chat or of all, newest first.
    pub fn list(
        &self,
        session: SessionId,
        chat: Option<&Jid>,
        page: PageRequest,
    ) -> Result<Page<Message>> {
        let filter = HistoryFilter {
            chat: chat.cloned(),
            kinds: Kinds::All,
            ..HistoryFilter::default()
        };
        self.0.history().page(session, &filter, page)
    }
}

impl MessagesMut<'_> {
    /// Adds a message; `false` when the network id is there already for this chat and sender.
    pub fn insert(&self, message: &Message) -> Result<bool> {
        self.add(message, Arrival::Live)
    }

    /// Adds a message from before this host knew the chat: nobody has to read it any more. `false`
    /// as for [`Self::insert`].
    pub fn insert_past(&self, message: &Message) -> Result<bool> {
        self.add(message, Arrival::Past)
    }

    fn add(&self, message: &Message, arrival: Arrival) -> Result<bool> {
        // The low bits of the place are those of the seq that this row gets. `RETURNING` would
        // cost a table of its own each time.
        let sql =
            "INSERT INTO messages (id, session, chat, sender, whatsapp_id, status, error, body,
                                   place, written_at, kind, own)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
                     ?9 + ((coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'messages'), 0) + 1)
                           & 2097151),
                     ?10, ?11, ?12)
             ON CONFLICT DO NOTHING";
        let first_place = arrival::first_place(message, arrival);
        let added = prepare(self.0.conn, sql)?.execute(params![
            message.id.as_bytes(),
            message.session.as_bytes(),
            message.chat.to_string(),
            message.sender.to_string(),
            message.whatsapp_id.as_str(),
            message.status.as_str(),
            message.error,
            to_json(message, "messages.body")?,
            first_place,
            message.timestamp.as_millis(),
            message.content.word(),
            message.direction == Direction::Outbound,
        ])?;
        if added == 0 {
            return Ok(false);
        }
        let place = arrival::place(first_place, self.0.conn.last_insert_rowid());
        let kind = Kind {
            session: message.session,
            hour: arrival::hour_of(place),
            own: message.direction == Direction::Outbound,
            kind: message.content.word().to_owned(),
        };
        self.0.tally.added(kind, message.status.as_str());
        self.hold_media(message.id, &message.content)?;
        arrival::note(self.0, message, place, arrival)?;
        Ok(true)
    }

    /// Keeps what a message shows from being taken away as unused.
    fn hold_media(&self, id: MessageId, content: &Content) -> Result<()> {
        let mut needed = content.stored();
        needed.try_for_each(|digest| self.0.media_mut().hold(&digest, id))
    }

    /// Moves a message on to `status`, never back; whether that changed anything.
    pub fn advance(
        &self,
        id: MessageId,
        status: MessageStatus,
        error: Option<&str>,
    ) -> Result<bool> {
        let Some((kind, before)) = self.counted(id)? else {
            return Ok(false);
        };
        let next = before.advance(status);
        if next == before {
            return Ok(false);
        }
        let error = if next == MessageStatus::Failed {
            error
        } else {
            None
        };
        let sql = "UPDATE messages SET status = ?2, error = ?3 WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), next.as_str(), error])?;
        self.0.tally.moved(kind, before.as_str(), next.as_str());
        self.0.campaigns_mut().follow(id, next, error)?;
        if before.is_unsent() != next.is_unsent()
            && let Some(message) = self.0.messages().get(id)?
        {
            if next.is_unsent() {
                self.0.annotations_mut().take_back(&message)?;
            } else {
                self.0.annotations_mut().note(&message)?;
            }
        }
        Ok(true)
    }

    /// What a message is counted under, and its status.
    fn counted(&self, id: MessageId) -> Result<Option<(Kind, MessageStatus)>> {
        let sql = "SELECT session, place, own, kind, status FROM messages WHERE id = ?1";
        first(
            &mut prepare(self.0.conn, sql)?,
            params![id.as_bytes()],
            |row| {
                let kind = Kind {
                    session: SessionId::from_bytes(id_bytes(row, 0, "messages.session")?),
                    hour: arrival::hour_of(row.get(1)?),
                    own: row.get(2)?,
                    kind: row.get(3)?,
                };
                let status: String = row.get(4)?;
                let status = MessageStatus::parse(&status)
                    .ok_or_else(|| Error::corrupt("messages.status", &status))?;
                Ok((kind, status))
            },
        )
    }

    /// Notes that a message was given up, and why; the message as it is then, unless it had gone
    /// out after all or is gone.
    pub fn fail(&self, id: MessageId, code: FailureCode, error: &str) -> Result<Option<Message>> {
        if !self.advance(id, MessageStatus::Failed, Some(error))? {
            return Ok(None);
        }
        let sql = "UPDATE messages SET body = json_set(body, '$.errorCode', ?2) WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), code.as_str()])?;
        self.0.campaigns_mut().note_code(id, code.as_str())?;
        self.0.messages().get(id)
    }

    /// Makes a message that was given up wait in the outbox again.
    pub fn requeue(&self, id: MessageId) -> Result<()> {
        let sql =
            "UPDATE messages SET status = ?2, error = NULL, body = json_remove(body, '$.errorCode')
                   WHERE id = ?1 AND status = ?3";
        let (failed, queued) = (MessageStatus::Failed, MessageStatus::Queued);
        let counted = self.counted(id)?.filter(|(_, before)| *before == failed);
        prepare(self.0.conn, sql)?.execute(params![
            id.as_bytes(),
            queued.as_str(),
            failed.as_str()
        ])?;
        if let Some((kind, before)) = counted {
            self.0.tally.moved(kind, before.as_str(), queued.as_str());
            self.0.campaigns_mut().follow(id, queued, None)?;
        }
        match self.0.messages().get(id)? {
            Some(message) => self.0.annotations_mut().note(&message),
            None => Ok(()),
        }
    }

    /// Forgets a message; `false` when there is none.
    pub fn delete(&self, id: MessageId) -> Result<bool> {
        let sql = "DELETE FROM messages WHERE id = ?1";
        let changed = prepare(self.0.conn, sql)?.execute(params![id.as_bytes()])?;
        Ok(changed > 0)
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
        self.hold_media(id, content)?;
        Ok(())
    }
}

pub(crate) fn read(row: &Row<'_>) -> Result<(i64, Message)> {
    let mut message: Message = json(row, 1, "messages.body")?;
    let status: String = row.get(2)?;
    message.status =
        MessageStatus::parse(&status).ok_or_else(|| Error::corrupt("messages.status", &status))?;
    message.error = row.get(3)?;
    if message.status != MessageStatus::Failed {
        message.error_code = None;
    }
    Ok((row.get(0)?, message))
}
