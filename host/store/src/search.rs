//! The words of messages, and which messages have them (SQLite FTS5).
//!
//! Words are put in behind the writing of messages, a batch at a time, so that nobody who sends or
//! receives waits for it: [`SearchMut::catch_up`]. Each message has two words of its own beside its
//! text, its session's and its chat's, so that a search never looks at those of others.
//!
//! Invariant: what is written into a query is quoted or made of letters and digits, so that no text
//! of a caller is ever read as a query.

use rusqlite::{Row, params};
use warbler_domain::history::SearchText;
use warbler_domain::jid::Server;
use warbler_domain::{Content, Jid, Message, SessionId};

use crate::arrival::readable_words;
use crate::rows::{collect, first, prepare};
use crate::{Reader, Result, Writer, messages};

/// The places of messages that match a query, newest first.
pub(crate) const MATCHES: &str =
    "SELECT rowid FROM search WHERE search MATCH ?1 AND rowid < ?2 AND rowid >= ?3
     ORDER BY rowid DESC";

/// Shortest word, in characters, that is looked for as the beginning of longer ones.
const PREFIX: usize = 3;
/// A word that so many messages have is looked for as it is: all longer words that begin like it
/// would be too many to go through.
const COMMON: i64 = 10_000;

/// Reading half.
pub struct Search<'a>(&'a Reader<'a>);

/// Writing half.
pub struct SearchMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// The words of messages.
    pub fn search(&'a self) -> Search<'a> {
        Search(self)
    }
}

impl<'a> Writer<'a> {
    /// The words of messages, to change.
    pub fn search_mut(&'a self) -> SearchMut<'a> {
        SearchMut(self)
    }
}

impl Search<'_> {
    /// Whether there are messages whose words are not in yet.
    pub fn is_behind(&self) -> Result<bool> {
        let sql =
            "SELECT EXISTS (SELECT 1 FROM messages WHERE seq > (SELECT seq FROM search_state))
                       OR EXISTS (SELECT 1 FROM search_queue)";
        let behind = first(&mut prepare(self.0.conn, sql)?, [], |row| Ok(row.get(0)?))?;
        Ok(behind.unwrap_or(false))
    }
}

impl SearchMut<'_> {
    /// Puts in the words of up to `limit` messages; whether there are more.
    pub fn catch_up(&self, limit: u32) -> Result<bool> {
        let sql = "SELECT seq, body, status, error, place FROM messages
                   WHERE seq > (SELECT seq FROM search_state) ORDER BY seq LIMIT ?1";
        let new = collect(&mut prepare(self.0.conn, sql)?, [limit], read)?;
        for (_, place, message) in &new {
            self.put(*place, message.clone())?;
        }
        if let Some((seq, ..)) = new.last() {
            prepare(self.0.conn, "UPDATE search_state SET seq = ?1")?.execute([seq])?;
        }
        let sql = "SELECT seq FROM search_queue LIMIT ?1";
        let changed = collect(&mut prepare(self.0.conn, sql)?, [limit], |row| {
            Ok(row.get::<_, i64>(0)?)
        })?;
        for seq in &changed {
            let sql = "SELECT seq, body, status, error, place FROM messages WHERE seq = ?1";
            if let Some((_, place, message)) = first(&mut prepare(self.0.conn, sql)?, [seq], read)?
            {
                self.put(place, message)?;
            }
            prepare(self.0.conn, "DELETE FROM search_queue WHERE seq = ?1")?.execute([seq])?;
        }
        let full = limit as usize;
        Ok(new.len() >= full || changed.len() >= full)
    }

    fn put(&self, place: i64, message: Message) -> Result<()> {
        if matches!(message.content, Content::Unsupported { .. })
            || message.content.is_about_another()
        {
            return Ok(());
        }
        let shown = self.0.annotations().show(message)?;
        let message = &shown.message;
        let words = match shown.revoked_at {
            Some(_) => String::new(),
            None => readable_words(&message.content),
        };
        if words.is_empty() {
            let sql = "DELETE FROM search WHERE rowid = ?1";
            prepare(self.0.conn, sql)?.execute([place])?;
            return Ok(());
        }
        let scope = format!(
            "{} {}",
            session_word(message.session),
            chat_word(&message.chat)
        );
        let sql = "INSERT OR REPLACE INTO search (rowid, scope, text) VALUES (?1, ?2, ?3)";
        prepare(self.0.conn, sql)?.execute(params![place, scope, words])?;
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<(i64, i64, Message)> {
    let (seq, message) = messages::read(row)?;
    Ok((seq, row.get(4)?, message))
}

/// The query for all of these words in a session, or in one chat of it.
pub(crate) fn query(
    db: &Reader<'_>,
    session: SessionId,
    chat: Option<&Jid>,
    text: &SearchText,
) -> Result<String> {
    let mut query = format!("scope : {}", session_word(session));
    if let Some(chat) = chat {
        query.push_str(&format!(" AND scope : {}", chat_word(chat)));
    }
    for word in text.words() {
        let quoted = format!("\"{}\"", word.replace('"', "\"\""));
        let letters = word.chars().filter(|c| c.is_alphanumeric()).count();
        let beginning = letters >= PREFIX && !is_common(db, &quoted)?;
        let star = if beginning { " *" } else { "" };
        query.push_str(&format!(" AND text : {quoted}{star}"));
    }
    Ok(query)
}

fn is_common(db: &Reader<'_>, quoted: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM search WHERE search MATCH ?1 LIMIT 1 OFFSET ?2";
    let query = format!("text : {quoted}");
    let found = first(&mut prepare(db.conn, sql)?, params![query, COMMON], |_| {
        Ok(())
    })?;
    Ok(found.is_some())
}

fn session_word(session: SessionId) -> String {
    format!("s{:032x}", u128::from_be_bytes(*session.as_bytes()))
}

fn chat_word(chat: &Jid) -> String {
    let space = match chat.server() {
        Server::Pn => 'p',
        Server::Lid => 'l',
        Server::Group => 'g',
        Server::Broadcast => 'b',
        Server::Newsletter => 'n',
    };
    let plain = chat.user().chars().filter(char::is_ascii_alphanumeric);
    std::iter::once(space).chain(plain).collect()
}
