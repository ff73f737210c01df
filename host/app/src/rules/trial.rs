//! What rules would do with a message, and why the others would not. Nothing is sent.

use std::sync::Arc;

use warbler_domain::content::Content;
use warbler_domain::group::GroupChange;
use warbler_domain::media::{Media, MediaForm, MediaSource};
use warbler_domain::message::{Direction, MessageStatus};
use warbler_domain::place::{Degrees, Location};
use warbler_domain::poll::Poll;
use warbler_domain::{
    Caller, Event, EventBody, EventId, ExtensionName, Jid, Message, MessageId, Recipient, Rule,
    RuleId, RuleSpec, Scope, SessionRef, Timestamp, WhatsAppId,
};

use super::{RuleError, Rules};
use crate::hook::{HookCall, KvReader, RULES, RuleTrial};
use crate::sessions::usable_by;

/// Who writes when nobody is named, and in which group.
const SOMEBODY: &str = "15550100@s.whatsapp.net";
const SOME_GROUP: &str = "120363000000000000@g.us";

/// A message to try rules with.
#[derive(Debug, Clone)]
pub struct TryRules {
    /// The session that receives it.
    pub session: SessionRef,
    /// What comes.
    pub event: TrialEvent,
    /// Who writes, or comes.
    pub from: Option<Recipient>,
    /// What they are called.
    pub name: Option<String>,
    /// In which chat; the one with the sender, when absent.
    pub chat: Option<Recipient>,
    /// When; now, when absent.
    pub at: Option<Timestamp>,
    /// A rule to try alone, whether it is stored or not.
    pub only: Option<RuleSpec>,
}

/// What comes.
#[derive(Debug, Clone)]
pub enum TrialEvent {
    /// A message of this kind (see [`Content::word`]), with this text or caption.
    Message {
        /// Its kind.
        kind: String,
        /// Its text.
        text: Option<String>,
    },
    /// Somebody into a group.
    NewMember,
}

impl Rules {
    /// Says which rules would be used for a message, and of all others what they lack. What is kept
    /// of the chat is read, and nothing is changed or sent.
    pub async fn test(&self, caller: &Caller, command: TryRules) -> Result<RuleTrial, RuleError> {
        let session = usable_by(&self.shared, caller, &command.session, Scope::Manage).await?;
        let now = command.at.unwrap_or_else(|| self.shared.clock.now());
        let bad = |err: &dyn std::fmt::Display| RuleError::BadTrial(err.to_string());
        let sender = match &command.from {
            Some(from) => from.jid().clone(),
            None => SOMEBODY.parse().map_err(|err| bad(&err))?,
        };
        let group = matches!(command.event, TrialEvent::NewMember);
        let chat: Jid = match command.chat {
            Some(chat) => chat.into_jid(),
            None if group => SOME_GROUP.parse().map_err(|err| bad(&err))?,
            None => sender.clone(),
        };
        let random = &self.shared.random;
        let body = match command.event {
            TrialEvent::NewMember => EventBody::GroupUpdated {
                group: chat,
                by: None,
                change: GroupChange {
                    what: "add".to_owned(),
                    members: vec![sender],
                    text: None,
                },
            },
            TrialEvent::Message { kind, text } => EventBody::Message {
                message: Box::new(Message {
                    id: MessageId::new(now, random),
                    session: session.id,
                    whatsapp_id: WhatsAppId::new(random),
                    chat,
                    chat_alt: None,
                    sender,
                    sender_alt: None,
                    sender_name: command.name,
                    sender_saved_name: None,
                    direction: Direction::Inbound,
                    timestamp: now,
                    content: content(&kind, text)?,
                    quoted: None,
                    forwarded: 0,
                    audience: Vec::new(),
                    scheduled_for: None,
                    status: MessageStatus::Received,
                    error: None,
                    error_code: None,
                }),
            },
        };
        let extension: ExtensionName = RULES.parse().map_err(|err| bad(&err))?;
        let call = HookCall {
            event: Arc::new(Event {
                id: EventId::new(now, random),
                session: session.id,
                at: now,
                body,
            }),
            owner: session.owner,
            session_name: session.name,
            now,
            kv: KvReader::new(self.shared.store.clone(), extension, now),
        };
        let only = command.only.map(|spec| {
            Arc::new(Rule {
                id: RuleId::new(now, random),
                owner: session.owner,
                session: Some(session.id),
                enabled: true,
                spec,
                created_at: now,
                updated_at: now,
            })
        });
        Ok(self.shared.extensions.try_rules(call, only).await)
    }
}

/// A content of a kind, as a rule sees it.
fn content(kind: &str, text: Option<String>) -> Result<Content, RuleError> {
    let bad = |what: String| RuleError::BadTrial(what);
    Ok(match kind {
        "text" => Content::text(text.unwrap_or_default()),
        "location" => {
            let zero = || Degrees::latitude(0.0).map_err(|err| bad(err.to_string()));
            Content::Location(Location {
                latitude: zero()?,
                longitude: zero()?,
                name: text,
                address: None,
                live: false,
            })
        }
        "contacts" => Content::Contacts { cards: Vec::new() },
        "poll" => {
            let question = text.unwrap_or_else(|| "?".to_owned());
            let poll = Poll::new(&question, ["yes", "no"], 1);
            Content::Poll(poll.map_err(|err| bad(err.to_string()))?)
        }
        kind => {
            let form: MediaForm = kind.parse().map_err(|_| {
                bad(format!(
                    "`{kind}` is not a kind of message; write text, location, contacts, poll, or what a medium is \
                     sent as"
                ))
            })?;
            let source = MediaSource::Remote {
                locator: String::new(),
            };
            let mut media = Media::new(form.kind(), "application/octet-stream", 0, source);
            media.caption = text;
            media.voice = form == MediaForm::Voice;
            media.gif = form == MediaForm::Gif;
            Content::Media(media)
        }
    })
}
