//! Contents as they may be sent, from what callers ask for and the messages it refers to.

use sha2::{Digest as _, Sha256};
use warbler_domain::content::{Mentions, Text};
use warbler_domain::media::Digest;
use warbler_domain::message::Quoted;
use warbler_domain::{Content, Direction, Jid, Message, MessageStatus, Timestamp, WhatsAppId};

use super::change::{EDIT_WITHIN, REVOKE_WITHIN};
use super::error::{SendError, earliest};
use super::new::NewMentions;

/// Longest emoji, in bytes; a family of five with skin tones has 41.
pub(super) const MAX_EMOJI: usize = 64;

/// A text that may be sent.
pub(crate) fn text_content(text: String) -> Result<Content, SendError> {
    let text = checked_text(text)?;
    Ok(Content::text(text))
}

/// A text that says something and is not too long.
pub(super) fn checked_text(text: String) -> Result<String, SendError> {
    if text.trim().is_empty() {
        return Err(SendError::EmptyText);
    }
    if text.len() > Content::MAX_TEXT {
        return Err(SendError::TextTooLong { size: text.len() });
    }
    Ok(text)
}

/// A caption that is not too long; an empty one is none.
pub(super) fn checked_caption(caption: Option<String>) -> Result<Option<String>, SendError> {
    match caption {
        Some(text) if text.len() > Content::MAX_TEXT => {
            Err(SendError::TextTooLong { size: text.len() })
        }
        other => Ok(other.filter(|text| !text.is_empty())),
    }
}

/// Whom a message to `chat` mentions.
pub(super) fn mentions(new: NewMentions, chat: &Jid) -> Result<Mentions, SendError> {
    if new.people.len() > Mentions::MAX {
        return Err(SendError::TooManyMentions);
    }
    if new.everybody && !chat.is_group() {
        return Err(SendError::EverybodyNeedsGroup);
    }
    let mut people = Vec::with_capacity(new.people.len());
    for person in new.people {
        let jid = person.into_jid();
        if !people.contains(&jid) {
            people.push(jid);
        }
    }
    Ok(Mentions {
        people,
        everybody: new.everybody,
    })
}

/// A reaction to `target` that may be sent.
pub(crate) fn reaction_content(target: &Message, emoji: String) -> Result<Content, SendError> {
    if emoji.len() > MAX_EMOJI || emoji.chars().any(|c| c.is_ascii_alphabetic()) {
        return Err(SendError::BadEmoji);
    }
    Ok(Content::Reaction {
        target: target.whatsapp_id.clone(),
        target_sender: target.sender.clone(),
        emoji,
    })
}

/// A choice in the poll `target`.
pub(super) fn vote_content(target: &Message, options: Vec<String>) -> Result<Content, SendError> {
    let Content::Poll(poll) = &target.content else {
        return Err(SendError::NotAPoll(target.whatsapp_id.clone()));
    };
    let most = match poll.choices {
        0 => poll.options.len(),
        choices => choices as usize,
    };
    let mut chosen: Vec<String> = Vec::new();
    for option in options {
        if !poll.options.contains(&option) {
            return Err(SendError::UnknownOption(option.chars().take(100).collect()));
        }
        if !chosen.contains(&option) {
            chosen.push(option);
        }
    }
    if chosen.len() > most {
        return Err(SendError::TooManyChoices(most));
    }
    let digest = |option: &String| Digest::new(Sha256::digest(option.as_bytes()).into());
    Ok(Content::PollVote {
        target: target.whatsapp_id.clone(),
        target_sender: target.sender.clone(),
        chosen: chosen.iter().map(digest).collect(),
        options: chosen,
    })
}

/// A new text for `target`.
pub(super) fn edit_content(
    target: &Message,
    text: String,
    now: Timestamp,
) -> Result<Content, SendError> {
    if target.direction != Direction::Outbound {
        return Err(SendError::NotOwn);
    }
    let editable = match &target.content {
        Content::Text(Text { .. }) => true,
        Content::Media(media) => media.caption.is_some(),
        _ => false,
    };
    if !editable {
        return Err(SendError::NotEditable);
    }
    must_be_out(target)?;
    if written(target) < earliest(now, EDIT_WITHIN) {
        return Err(SendError::EditTooLate);
    }
    Ok(Content::Edit {
        target: target.whatsapp_id.clone(),
        text: checked_text(text)?,
    })
}

/// `target`, taken back.
pub(super) fn revoke_content(target: &Message, now: Timestamp) -> Result<Content, SendError> {
    let target_sender = match target.direction {
        Direction::Outbound => {
            must_be_out(target)?;
            None
        }
        Direction::Inbound if target.chat.is_group() => Some(target.sender.clone()),
        Direction::Inbound => return Err(SendError::RevokeNotAllowed),
    };
    if written(target) < earliest(now, REVOKE_WITHIN) {
        return Err(SendError::RevokeTooLate);
    }
    Ok(Content::Revoke {
        target: target.whatsapp_id.clone(),
        target_sender,
    })
}

/// When a message was written: for a scheduled one, when it went out.
fn written(message: &Message) -> Timestamp {
    let scheduled = message.scheduled_for.unwrap_or(message.timestamp);
    scheduled.max(message.timestamp)
}

fn must_be_out(target: &Message) -> Result<(), SendError> {
    match target.status {
        MessageStatus::Queued | MessageStatus::Failed | MessageStatus::Cancelled => {
            Err(SendError::NotSent)
        }
        _ => Ok(()),
    }
}

/// A quotation of `message`.
pub(crate) fn quoting(message: &Message) -> Quoted {
    Quoted {
        whatsapp_id: message.whatsapp_id.clone(),
        sender: Some(message.sender.clone()),
        text: message.content.readable().map(str::to_owned),
    }
}

/// The message of `chat` with this id, among those that were found.
pub(super) fn find<'a>(
    found: &'a [Message],
    chat: &Jid,
    id: &WhatsAppId,
) -> Result<&'a Message, SendError> {
    found
        .iter()
        .find(|message| {
            message.whatsapp_id == *id
                && (message.chat == *chat || message.chat_alt.as_ref() == Some(chat))
        })
        .ok_or_else(|| SendError::UnknownTarget(id.clone()))
}
