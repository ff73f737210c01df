//! Sending again what may not have arrived when a host was killed.
//!
//! What the network has taken over leaves the outbox. A recipient who cannot read it asks for
//! another copy; a host that is killed between that question and the copy will not be asked again.
//! Nobody knows which messages those are, but that they are among the last, and that nobody has
//! said they arrived. They go out again under the ids they had: to whoever has one of them it is
//! the same message.

use std::time::Duration;

use rusqlite::params;
use warbler_domain::jid::Server;
use warbler_domain::{Message, MessageStatus, SessionId, Timestamp};

use super::OutboxMut;
use crate::Result;
use crate::rows::{collect, prepare};

/// How long before a session's last message of its own its others count as recent.
pub const RECENT: Duration = Duration::from_secs(10);
/// Most messages of a session that are looked at.
const LOOKED_AT: u32 = 256;

impl OutboxMut<'_> {
    /// Puts the session's last messages into the outbox again, in front of their chats' others:
    /// those this host wrote within [`RECENT`] of its newest one that the network took over and
    /// nobody has received. Looks at its last 256 messages. How many it were.
    ///
    /// Nothing of the session may be under way.
    pub fn send_again(&self, session: SessionId, now: Timestamp) -> Result<usize> {
        let sent = self.last_sent(session)?;
        let Some(newest) = sent.first().map(|message| message.timestamp) else {
            return Ok(0);
        };
        let mut again = 0;
        for message in &sent {
            let recent = newest.since(message.timestamp) <= RECENT;
            let unheard_of = message.status == MessageStatus::Sent;
            if recent && unheard_of && message.chat.server() != Server::Broadcast {
                again += self.enter_in_front(message, now)?;
            }
        }
        Ok(again)
    }

    /// What this host wrote among a session's last messages and the network has taken over, newest
    /// first. What the account wrote on its phone was never queued here.
    fn last_sent(&self, session: SessionId) -> Result<Vec<Message>> {
        let sql = "SELECT seq, body, status, error FROM
                     (SELECT * FROM messages WHERE session = ?1 ORDER BY seq DESC LIMIT ?2)
                   WHERE own = 1 AND status IN ('sent', 'delivered', 'read', 'played')
                     AND json_extract(body, '$.status') = 'queued'
                   ORDER BY seq DESC";
        let params = params![session.as_bytes(), LOOKED_AT];
        let found = collect(
            &mut prepare(self.0.conn, sql)?,
            params,
            crate::messages::read,
        )?;
        Ok(found.into_iter().map(|(_, message)| message).collect())
    }

    /// Puts a message in front of its lane, unless it is in the outbox.
    fn enter_in_front(&self, message: &Message, now: Timestamp) -> Result<usize> {
        let sql = "INSERT INTO outbox (seq, message, session, chat, whatsapp_id, due_at, entered_at, head)
                   SELECT min(0, coalesce(min(seq), 0)) - 1, ?1, ?2, ?3, ?4, ?5, ?5, 0 FROM outbox
                   WHERE true
                   ON CONFLICT (message) DO NOTHING";
        let (session, chat) = (message.session.as_bytes(), message.chat.to_string());
        let added = prepare(self.0.conn, sql)?.execute(params![
            message.id.as_bytes(),
            session,
            chat,
            message.whatsapp_id.as_str(),
            now.as_millis(),
        ])?;
        if added > 0 {
            let sql = "UPDATE outbox SET head = 0
                       WHERE session = ?1 AND chat = ?2 AND dead = 0 AND scheduled = 0 AND head = 1";
            prepare(self.0.conn, sql)?.execute(params![session, chat])?;
            self.promote_lane(message.session, &message.chat)?;
        }
        Ok(added)
    }
}
