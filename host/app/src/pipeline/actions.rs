//! What extensions ask for, turned into messages: under their grants, by the same rules that hold
//! for any caller.

use warbler_domain::extension::{ExtensionFault, Grants, SendScope, TraceStep};
use warbler_domain::session::Account;
use warbler_domain::{Action, Content, Event, Jid, Message, Timestamp};

use crate::core::Shared;
use crate::messages::{SendError, outgoing, quoting, reaction_content, text_content};

/// The first action that may not be, as the fault of the whole call.
pub(super) fn refuse_ungranted(
    grants: Grants,
    actions: &[Action],
    event: &Event,
    now: Timestamp,
) -> Option<ExtensionFault> {
    actions.iter().find_map(|action| {
        let (code, message) = match action {
            Action::SendText { to, .. } if grants.send != SendScope::Any && event.chat() != Some(to) => (
                "not-granted",
                "sending to other chats is not granted: the manifest must ask for it (capabilities.send = \"any\") \
                 and the operator must grant it ([extensions.NAME] send = \"any\")"
                    .to_owned(),
            ),
            Action::Reply { .. } | Action::React { .. } if event.chat().is_none() => {
                ("no-chat", format!("`{}` needs an event that happened in a chat", action.word()))
            }
            _ => match content(action, event) {
                Ok(_) => return None,
                Err(err) => ("bad-action", format!("`{}`: {err}", action.word())),
            },
        };
        Some(ExtensionFault::new(code, message, now))
    })
}

/// The messages that the steps of an event ask for, in order.
pub(super) fn messages(
    shared: &Shared,
    event: &Event,
    account: Option<&Account>,
    steps: &[TraceStep],
) -> Vec<Message> {
    let Some(account) = account else {
        return Vec::new();
    };
    steps
        .iter()
        .flat_map(|step| &step.actions)
        .filter_map(|action| {
            let (chat, content) = (chat(action, event)?.clone(), content(action, event).ok()?);
            let quoted = match action {
                Action::Reply { quote: true, .. } => event.message().map(quoting),
                _ => None,
            };
            Some(outgoing(
                shared,
                event.session,
                account,
                chat,
                content,
                quoted,
            ))
        })
        .collect()
}

fn chat<'a>(action: &'a Action, event: &'a Event) -> Option<&'a Jid> {
    match action {
        Action::SendText { to, .. } => Some(to),
        Action::Reply { .. } | Action::React { .. } => event.chat(),
    }
}

fn content(action: &Action, event: &Event) -> Result<Content, SendError> {
    match action {
        Action::Reply { text, .. } | Action::SendText { text, .. } => text_content(text.clone()),
        Action::React { target, emoji } => match (target, event.message()) {
            (None, Some(message)) => reaction_content(message, emoji.clone()),
            (Some(id), Some(message)) if *id == message.whatsapp_id => {
                reaction_content(message, emoji.clone())
            }
            (Some(id), _) => Err(SendError::UnknownTarget(id.clone())),
            (None, None) => Err(SendError::BadEmoji),
        },
    }
}
