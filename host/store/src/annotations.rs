//! What was said about messages after they were written: edits, reactions, votes, revocations.
//!
//! Each is a message of its own, and a row here under the message it is about, whether that one is
//! known already or not. Of each author only the newest of its kind counts; one of ours that never
//! went out does not.

use rusqlite::{Row, params};
use warbler_domain::content::Content;
use warbler_domain::shown::{GivenReaction, GivenVote, Shown};
use warbler_domain::{Jid, Message, Timestamp, WhatsAppId};

use crate::rows::{collect, first, parsed, prepare, to_json};
use crate::{Reader, Result, Writer, messages};

/// Most annotations of one message that are shown: a reaction and a vote of every member of the
/// largest group.
const MOST: u32 = 2048;
/// Messages of a chat that are looked through for what somebody had said before.
const LOOKED_THROUGH: u32 = 5_000;

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

/// The message that a content is about, and what it says of it; nothing when it stands by itself.
fn about(content: &Content) -> Option<(&WhatsAppId, &'static str)> {
    match content {
        Content::Edit { target, .. } => Some((target, EDIT)),
        Content::Revoke { target, .. } => Some((target, REVOKE)),
        Content::Reaction { target, .. } => Some((target, REACTION)),
        Content::PollVote { target, .. } => Some((target, VOTE)),
        _ => None,
    }
}

impl AnnotationsMut<'_> {
    /// Notes a message that is about another one.
    pub(crate) fn note(&self, message: &Message) -> Result<()> {
        let Some((target, kind)) = about(&message.content) else {
            return Ok(());
        };
        let value = match &message.content {
            Content::Edit { text, .. } => text.clone(),
            Content::Reaction { emoji, .. } => emoji.clone(),
            Content::PollVote { options, .. } => to_json(options, "annotations.value")?,
            _ => String::new(),
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
        self.search_again(message, target, kind)
    }

    /// Takes back what a message says about another one, since it never went out; what its author
    /// had said before counts again, as far as it is among the newest messages of the chat.
    pub(crate) fn take_back(&self, message: &Message) -> Result<()> {
        let Some((target, kind)) = about(&message.content) else {
            return Ok(());
        };
        let sql = "DELETE FROM annotations
                   WHERE session = ?1 AND chat = ?2 AND target = ?3 AND kind = ?4 AND author = ?5
                     AND at <= ?6";
        let (session, chat) = (message.session.as_bytes(), message.chat.to_string());
        let gone = prepare(self.0.conn, sql)?.execute(params![
            session,
            chat,
            target.as_str(),
            kind,
            message.sender.to_string(),
            message.timestamp.as_millis(),
        ])?;
        if gone == 0 {
            return Ok(());
        }
        let sql = format!(
            "SELECT seq, body, status, error FROM (
                 SELECT seq, id, body, status, error, place, kind, sender FROM messages
                 WHERE session = ?1 AND chat = ?2 ORDER BY place DESC LIMIT {LOOKED_THROUGH})
             WHERE kind = ?3 AND sender = ?4 AND id <> ?5 AND status NOT IN ('failed', 'cancelled')
               AND json_extract(body, '$.content.target') = ?6
             ORDER BY place DESC LIMIT 1"
        );
        let params = params![
            session,
            chat,
            kind,
            message.sender.to_string(),
            message.id.as_bytes(),
            target.as_str()
        ];
        let before = first(&mut prepare(self.0.conn, &sql)?, params, messages::read)?;
        match before {
            Some((_, before)) => self.note(&before),
            None => self.search_again(message, target, kind),
        }
    }

    /// Has the words of a message looked at again, when they may have changed.
    fn search_again(&self, about: &Message, target: &WhatsAppId, kind: &str) -> Result<()> {
        if matches!(kind, EDIT | REVOKE) {
            let sql = "INSERT OR IGNORE INTO search_queue (seq)
                       SELECT seq FROM messages
                       WHERE session = ?1 AND whatsapp_id = ?3 AND chat = ?2";
            let (session, chat) = (about.session.as_bytes(), about.chat.to_string());
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
