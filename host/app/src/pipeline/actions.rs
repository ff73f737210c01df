//! What extensions ask for, made ready to be carried out: under their grants, by the same rules
//! that hold for any caller.
//!
//! Texts and reactions to the event's own message are made on the spot; everything else (media,
//! edits, …) is composed as a caller's request is. Invariant: nothing here reaches the outside; the
//! pipeline stores [`Asked`] together with "this event is done".

use std::sync::Arc;

use warbler_domain::action::ActionMedia;
use warbler_domain::chat::ChatState;
use warbler_domain::extension::{ExtensionFault, Grants, SendScope};
use warbler_domain::session::Account;
use warbler_domain::{
    Action, Content, Event, EventBody, ExtensionName, Jid, Message, Recipient, Refusal as _,
    Timestamp,
};
use warbler_store::Error as StoreError;
use warbler_store::timers::{Timer, TimerWrite};

use crate::core::Shared;
use crate::fetch::FetchUrl;
use crate::media::{FileName, NewMedium, Origin};
use crate::messages::{
    Destination, Draft, Messages, NewContent, NewMedia, NewMentions, SendError, outgoing, quoting,
    reaction_content, text_content,
};

/// How many events of extensions may lead to one another.
const MAX_DEPTH: u8 = 8;

/// What is to be done when an event's chain is through.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) messages: Vec<Message>,
    pub(super) events: Vec<Event>,
    pub(super) timers: Vec<TimerWrite>,
    /// What is shown in the event's chat: that it was read, that somebody types.
    pub(super) signs: Vec<Sign>,
}

/// What is shown in a chat, as far as the network can be reached at that moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Read,
    State(ChatState),
}

impl Asked {
    pub(super) fn append(&mut self, mut more: Self) {
        self.messages.append(&mut more.messages);
        self.events.append(&mut more.events);
        self.timers.append(&mut more.timers);
        for sign in more.signs {
            if !self.signs.contains(&sign) {
                self.signs.push(sign);
            }
        }
    }
}

/// Why what was asked for is not done.
pub(super) enum NotDone {
    /// The extension's mistake.
    Fault(ExtensionFault),
    /// The database's; the event runs again.
    Store(StoreError),
}

/// The first action that may not be, as the fault of the whole call.
pub(super) fn refuse_ungranted(
    extension: &ExtensionName,
    grants: &Grants,
    actions: &[Action],
    event: &Event,
    now: Timestamp,
) -> Option<ExtensionFault> {
    actions.iter().find_map(|action| {
        let elsewhere = action.recipient().is_some_and(|to| event.chat() != Some(to));
        let (code, message) = if elsewhere && grants.send == SendScope::ReplyOnly {
            (
                "not-granted",
                format!(
                    "sending to other chats is not granted: the manifest must ask for it ([capabilities] send = \"any\") \
                     and the operator must grant it: [extensions.grants.{extension}] send = \"any\""
                ),
            )
        } else if action.needs_chat() && event.chat().is_none() {
            let message = format!("`{}` needs an event that happened in a chat", action.word());
            ("no-chat", message)
        } else if matches!(action, Action::Emit { .. }) && depth(event) >= MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} events of extensions led to one another");
            ("loop-guard", message)
        } else {
            return None;
        };
        Some(ExtensionFault::new(code, message, now))
    })
}

/// Makes what one extension asks for ready to be carried out.
pub(super) async fn prepare(
    shared: &Arc<Shared>,
    extension: &ExtensionName,
    event: &Event,
    account: Option<&Account>,
    actions: &[Action],
) -> Result<Asked, NotDone> {
    let mut asked = Asked::default();
    for action in actions {
        match action {
            Action::MarkRead => asked.signs.push(Sign::Read),
            Action::SetTyping { state } => asked.signs.push(Sign::State(*state)),
            Action::Emit { kind, data } => {
                let body = EventBody::Custom {
                    kind: kind.clone(),
                    by: extension.clone(),
                    chat: event.chat().cloned(),
                    data: data.clone(),
                    depth: depth(event).saturating_add(1),
                };
                let made = crate::ingest::new_event(shared, event.session, body);
                asked.events.push(made);
            }
            Action::SetTimer { name, due_at, data } => {
                asked.timers.push(TimerWrite::Set(Timer {
                    extension: extension.clone(),
                    session: event.session,
                    chat: event.chat().cloned(),
                    name: name.clone(),
                    due_at: *due_at,
                    data: data.clone(),
                }));
            }
            Action::CancelTimer { name } => asked.timers.push(TimerWrite::Cancel {
                extension: extension.clone(),
                session: event.session,
                chat: event.chat().cloned(),
                name: name.clone(),
            }),
            action => {
                // A session that is not linked yet sends nothing.
                let Some(account) = account else { continue };
                let made = message(shared, event, account, action).await;
                asked.messages.push(made.map_err(|err| match err {
                    SendError::Store(err) => NotDone::Store(err),
                    err => NotDone::Fault(bad_action(shared, action, &err)),
                })?);
            }
        }
    }
    Ok(asked)
}

fn bad_action(shared: &Shared, action: &Action, err: &SendError) -> ExtensionFault {
    let (word, why) = (action.word(), err.public_message());
    let message = format!("`{word}`: {why} ({})", err.code());
    ExtensionFault::new("bad-action", message, shared.clock.now())
}

/// How many events of extensions led to this one.
fn depth(event: &Event) -> u8 {
    match event.body {
        EventBody::Custom { depth, .. } => depth,
        _ => 0,
    }
}

async fn message(
    shared: &Arc<Shared>,
    event: &Event,
    account: &Account,
    action: &Action,
) -> Result<Message, SendError> {
    let Some(to) = action.recipient().or_else(|| event.chat()) else {
        // Checked by `refuse_ungranted`.
        return Err(SendError::NotWritable(String::new()));
    };
    if let (Action::Forward { .. }, Some(original)) = (action, event.message()) {
        let messages = Messages::new(Arc::clone(shared));
        return Box::pin(messages.sent_on(original, account, to.clone())).await;
    }
    let Some(content) = at_once(action, event)? else {
        let draft = draft(action, to.clone())?;
        return Messages::new(Arc::clone(shared))
            .composed(event.session, account, draft)
            .await;
    };
    let quoted = match action {
        Action::Reply { quote: true, .. } => event.message().map(quoting),
        _ => None,
    };
    let to = Destination::of(shared, event.session, to.clone())
        .await
        .map_err(SendError::Store)?;
    Ok(outgoing(
        shared,
        event.session,
        account,
        to,
        content,
        quoted,
    ))
}

/// The content, where nothing has to be looked up for it.
fn at_once(action: &Action, event: &Event) -> Result<Option<Content>, SendError> {
    match (action, event.message()) {
        (Action::Reply { text, .. } | Action::SendText { text, .. }, _) => {
            text_content(text.clone()).map(Some)
        }
        (Action::React { target, emoji }, Some(message))
            if target
                .as_ref()
                .is_none_or(|target| *target == message.whatsapp_id) =>
        {
            reaction_content(message, emoji.clone()).map(Some)
        }
        _ => Ok(None),
    }
}

/// The request a caller would make for the same.
fn draft(action: &Action, to: Jid) -> Result<Draft, SendError> {
    let content = match action {
        Action::Reply { text, .. } | Action::SendText { text, .. } => {
            NewContent::Text(text.clone().into())
        }
        Action::React {
            target: Some(target),
            emoji,
        } => NewContent::Reaction {
            target: target.clone(),
            emoji: emoji.clone(),
        },
        Action::SendMedia {
            form,
            source,
            caption,
            file_name,
            ..
        } => NewContent::Media(NewMedia {
            medium: NewMedium {
                origin: origin(source)?,
                kind: None,
                file_name: file_name.as_deref().and_then(FileName::of),
            },
            form: *form,
            caption: caption.clone(),
            mentions: NewMentions::default(),
            view_once: false,
        }),
        Action::SendLocation { location, .. } => NewContent::Location(location.clone()),
        Action::SendContact { card, .. } => NewContent::Contacts(vec![card.clone()]),
        Action::Edit { target, text } => NewContent::Edit {
            target: target.clone(),
            text: text.clone(),
        },
        Action::Revoke { target } => NewContent::Revoke {
            target: target.clone(),
        },
        Action::React { target: None, .. }
        | Action::Forward { .. }
        | Action::MarkRead
        | Action::SetTyping { .. }
        | Action::Emit { .. }
        | Action::SetTimer { .. }
        | Action::CancelTimer { .. } => return Err(SendError::BadEmoji),
    };
    Ok(Draft::new(Recipient::from(to), content))
}

fn origin(source: &ActionMedia) -> Result<Origin, SendError> {
    Ok(match source {
        ActionMedia::Upload(id) => Origin::Upload(*id),
        ActionMedia::Url(url) => Origin::Url(
            url.parse::<FetchUrl>()
                .map_err(|err| SendError::Media(err.into()))?,
        ),
    })
}
