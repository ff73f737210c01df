//! What was said about messages after they were written: edits, reactions, votes, revocations.
//!
//! Each is a message of its own, and a row here under the message it is about, whether that one is
//! known already or not. Of each author only the newest of its kind counts.

use rusqlite::{Row, params};
use warbler_domain::content::Content;
use warbler_domain::shown::{GivenReaction, GivenVote, Shown};
use warbler_domain::{Jid, Message, Timestamp};

use crate::rows::{collect, parsed, prepare, to_json};
use crate::{Reader, Result, Writer};

/// Most annotations of one message that are shown: a reaction and a vote of every member of the
/// largest group.
const MOST: u32 = 2048;

/// Reading half.
pub struct Annotations<'a>(&'a Reader<'a>);

/// Writing half.
pub(crate) struct AnnotationsMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// What was said about messages.
    pub fn annotations(&'a self) -> Annotations<'a> {
        Annotations(self)
    }
}

impl<'a> Writer<'a> {
    /// What was said about messages, to change.
    pub(crate) fn annotations_mut(&'a self) -> AnnotationsMut<'a> {
        AnnotationsMut(self)
    }
}

struct Annotation {
    kind: String,
    by: Jid,
    at: Timestamp,
    value: String,
}

impl Annotations<'_> {
    /// A message as it stands now.
    pub fn show(&self, message: Message) -> Result<Shown> {
        let sql = "SELECT kind, author, at, value FROM annotations
                   WHERE session = ?1 AND chat = ?2 AND target = ?3 ORDER BY at LIMIT ?4";
        let found = collect(
            &mut prepare(self.0.conn, sql)?,
            params![
                message.session.as_bytes(),
                message.chat.to_string(),
                message.whatsapp_id.as_str(),
                MOST
            ],
            read,
        )?;
        let mut shown = Shown::plain(message);
        for annotation in found {
            apply(&mut shown, annotation)?;
        }
        Ok(shown)
    }
}

fn apply(shown: &mut Shown, annotation: Annotation) -> Result<()> {
    let Annotation {
        kind,
        by,
        at,
        value,
    } = annotation;
    let author = shown.message.sender == by || shown.message.sender_alt.as_ref() == Some(&by);
    match kind.as_str() {
        EDIT if author => {
            shown.message.content.set_readable(&value);
            shown.edited_at = Some(at);
        }
        // Who else may take a message back, an admin of its group, is the network's to know.
        REVOKE if author || shown.message.chat.is_group() => shown.revoked_at = Some(at),
        REACTION if !value.is_empty() => shown.reactions.push(GivenReaction {
            by,
            at,
            emoji: value,
        }),
        VOTE => {
            let options: Vec<String> = serde_json::from_str(&value)
                .map_err(|err| crate::Error::corrupt("annotations.value", err))?;
            if !options.is_empty() {
                shown.votes.push(GivenVote { by, at, options });
            }
        }
        _ => {}
    }
    Ok(())
}

const EDIT: &str = "edit";
const REVOKE: &str = "revoke";
const REACTION: &str = "reaction";
const VOTE: &str = "vote";

impl AnnotationsMut<'_> {
    /// Notes a message that is about another one.
    pub(crate) fn note(&self, message: &Message) -> Result<()> {
        let (target, kind, value) = match &message.content {
            Content::Edit { target, text } => (target, EDIT, text.clone()),
            Content::Revoke { target, .. } => (target, REVOKE, String::new()),
            Content::Reaction { target, emoji, .. } => (target, REACTION, emoji.clone()),
            Content::PollVote {
                target, options, ..
            } => (target, VOTE, to_json(options, "annotations.value")?),
            _ => return Ok(()),
        };
        let sql = "INSERT INTO annotations (session, chat, target, kind, author, at, value)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                   ON CONFLICT DO UPDATE SET at = excluded.at, value = excluded.value
                   WHERE excluded.at >= at";
        let (session, chat) = (message.session.as_bytes(), message.chat.to_string());
        prepare(self.0.conn, sql)?.execute(params![
            session,
            chat,
            target.as_str(),
            kind,
            message.sender.to_string(),
            message.timestamp.as_millis(),
            value,
        ])?;
        if matches!(kind, EDIT | REVOKE) {
            let sql = "INSERT OR IGNORE INTO search_queue (seq)
                       SELECT seq FROM messages
                       WHERE session = ?1 AND whatsapp_id = ?3 AND chat = ?2";
            prepare(self.0.conn, sql)?.execute(params![session, chat, target.as_str()])?;
        }
        Ok(())
    }

    /// Puts what was said in one chat into another: both are the same person's.
    pub(crate) fn rename(&self, session: &[u8], from: &str, to: &str) -> Result<()> {
        for sql in [
            "UPDATE OR IGNORE annotations SET author = ?3 WHERE session = ?1 AND chat = ?2 AND author = ?2",
            "UPDATE OR IGNORE annotations SET chat = ?3 WHERE session = ?1 AND chat = ?2",
            "DELETE FROM annotations WHERE session = ?1 AND chat = ?2 AND ?3 <> ?2",
        ] {
            prepare(self.0.conn, sql)?.execute(params![session, from, to])?;
        }
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<Annotation> {
    Ok(Annotation {
        kind: row.get(0)?,
        by: parsed(row, 1, "annotations.author")?,
        at: Timestamp::from_millis(row.get(2)?),
        value: row.get(3)?,
    })
}
