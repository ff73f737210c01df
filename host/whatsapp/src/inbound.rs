//! What came in, in our words.
//!
//! [`reading`] looks at a decrypted message alone; [`message`] adds who, where and when, finds the
//! people it names in both of their addresses, and opens votes. Messages that only keep the
//! protocol running (key distribution, app-state keys, history notices) say nothing and become
//! nothing.

mod media;
mod reading;
mod replies;
mod wrapping;

use wacore::proto_helpers::MessageExt;
use wacore::store::traits::{MsgSecretEntry, MsgSecretStore};
use wacore::types::events::{InboundMessage as EngineMessage, UndecryptableMessage};
use wacore::types::message::MessageInfo;
use wacore_binary::Jid as EngineJid;
use waproto::whatsapp as wa;
use warbler_app::driver::{Inbound, InboundMessage};
use warbler_domain::content::Text;
use warbler_domain::jid::Server;
use warbler_domain::message::Quoted;
use warbler_domain::{Content, Direction, Jid, Timestamp};

use crate::address::{self, Known};
use crate::keys::Keys;
use crate::memory::Memory;
use crate::mentions::renamed;
use crate::votes::{self, POLL_LASTS};
use reading::{Quote, Reading, Says, Target};

pub(crate) use media::Locator;
pub(crate) use reading::read;

/// Who wrote a message, where and when.
pub(crate) struct Envelope {
    pub(crate) id: String,
    pub(crate) chat: EngineJid,
    pub(crate) chat_alt: Option<EngineJid>,
    pub(crate) sender: EngineJid,
    pub(crate) sender_alt: Option<EngineJid>,
    /// Whether this account wrote it.
    pub(crate) own: bool,
    pub(crate) name: Option<String>,
    pub(crate) at: Timestamp,
}

impl Envelope {
    fn of(info: &MessageInfo) -> Self {
        let source = &info.source;
        let chat_alt = match (source.is_group, source.is_from_me) {
            (true, _) => None,
            (false, true) => source.recipient_alt.clone(),
            (false, false) => source.sender_alt.clone(),
        };
        Self {
            id: info.id.clone(),
            chat: source.chat.clone(),
            chat_alt,
            sender: source.sender.clone(),
            sender_alt: source.sender_alt.clone(),
            own: source.is_from_me,
            name: Some(info.push_name.clone()).filter(|name| !name.is_empty()),
            at: Timestamp::from_millis(info.timestamp.timestamp_millis()),
        }
    }
}

/// The message in our words; `None` when it says nothing to anybody.
pub(crate) async fn message(
    memory: &dyn Memory,
    keys: &Keys,
    from: &EngineMessage,
) -> Option<Inbound> {
    said(memory, keys, Envelope::of(&from.info), &from.message).await
}

/// What a message in its envelope says; `None` when it says nothing to anybody.
pub(crate) async fn said(
    memory: &dyn Memory,
    keys: &Keys,
    envelope: Envelope,
    message: &wa::Message,
) -> Option<Inbound> {
    if let Err(err) = keep_secret(keys, &envelope, message).await {
        tracing::warn!(%err, "The secret of a poll could not be kept: its votes cannot be read");
    }
    let reading = read(message)?;
    let message = delivered(memory, keys, envelope, reading).await?;
    Some(Inbound::Message(message))
}

/// A message the network has for the phone alone; it says what it is, and no more.
pub(crate) async fn unavailable(
    memory: &dyn Memory,
    keys: &Keys,
    missed: &UndecryptableMessage,
) -> Option<Inbound> {
    let what = missed.unavailable_type.as_str().replace('_', " ");
    let reading = Reading::of(Content::Unsupported { what });
    let message = delivered(memory, keys, Envelope::of(&missed.info), reading).await?;
    Some(Inbound::Message(message))
}

/// A message as it was delivered, with what it says.
pub(crate) async fn delivered(
    memory: &dyn Memory,
    keys: &Keys,
    envelope: Envelope,
    reading: Reading,
) -> Option<InboundMessage> {
    let Some(whatsapp_id) = address::id(&envelope.id) else {
        tracing::warn!("A message with an impossible id was taken over and dropped");
        return None;
    };
    let chat = address::known(memory, &envelope.chat, envelope.chat_alt.as_ref()).await;
    let sender = address::known(memory, &envelope.sender, envelope.sender_alt.as_ref()).await;
    let (Some(chat), Some(mut sender)) = (chat, sender) else {
        // Bots and WhatsApp itself, for whom there is no word here.
        tracing::debug!("A message from an address of another kind was passed over");
        return None;
    };
    if chat.jid.server() == Server::Newsletter {
        return None;
    }
    let own = memory.own().await;
    if let (true, Some(own)) = (envelope.own, &own) {
        if sender.jid != *own {
            sender.alt = Some(sender.jid);
        }
        sender.jid = own.clone();
    }
    let Reading {
        says,
        quoted,
        mentions,
        everybody,
        forwarded,
    } = reading;
    let scene = Scene {
        memory,
        keys,
        chat: &chat,
        sender: &sender.jid,
        voter: &envelope.sender,
        own: own.as_ref(),
    };
    let mut content = scene.content(says).await;
    let people = mention(memory, &mut content, &mentions).await;
    if let Content::Text(Text { mentions, .. }) = &mut content {
        (mentions.people, mentions.everybody) = (people, everybody);
    } else if let Content::Media(media) = &mut content {
        (media.mentions.people, media.mentions.everybody) = (people, everybody);
    }
    let quoted = match quoted {
        Some(quote) => Some(quoted_by(memory, quote).await),
        None => None,
    };
    Some(InboundMessage {
        whatsapp_id,
        chat: chat.jid,
        chat_alt: chat.alt,
        sender: sender.jid,
        sender_alt: sender.alt,
        sender_name: envelope.name,
        direction: match envelope.own {
            true => Direction::Outbound,
            false => Direction::Inbound,
        },
        timestamp: envelope.at,
        content,
        quoted,
        forwarded,
    })
}

/// Where a message was said, for what it refers to.
struct Scene<'a> {
    memory: &'a dyn Memory,
    keys: &'a Keys,
    chat: &'a Known,
    sender: &'a Jid,
    voter: &'a EngineJid,
    own: Option<&'a Jid>,
}

impl Scene<'_> {
    async fn content(&self, says: Says) -> Content {
        match says {
            Says::Content(content) => content,
            Says::Reaction { target, emoji } => Content::Reaction {
                target_sender: self.author(&target).await,
                target: target.id,
                emoji,
            },
            Says::Revoke { target } => {
                let author = self.author(&target).await;
                Content::Revoke {
                    target: target.id,
                    target_sender: Some(author).filter(|author| author != self.sender),
                }
            }
            Says::Vote { target, sealed } => {
                let target_sender = self.author(&target).await;
                let (chat, voter, poll) = (&self.chat.jid, self.voter, &target.id);
                let opened = votes::open(
                    self.memory,
                    self.keys,
                    chat,
                    &target_sender,
                    poll,
                    voter,
                    &sealed,
                );
                match opened.await {
                    Some(chosen) => Content::PollVote {
                        target: target.id,
                        target_sender,
                        chosen,
                        options: Vec::new(),
                    },
                    None => Content::Unsupported {
                        what: "poll vote".to_owned(),
                    },
                }
            }
        }
    }

    /// Who wrote the message that another refers to.
    async fn author(&self, target: &Target) -> Jid {
        if target.own {
            return self.sender.clone();
        }
        if let Some(jid) = &target.participant
            && let Some(known) = address::known(self.memory, jid, None).await
        {
            return known.jid;
        }
        // Two people: what one of them did not write, the other did.
        match self.own {
            Some(own) if self.sender != own => own.clone(),
            _ => self.chat.jid.clone(),
        }
    }
}

/// The people a message mentions; its text names them by the same addresses afterwards.
async fn mention(memory: &dyn Memory, content: &mut Content, mentions: &[EngineJid]) -> Vec<Jid> {
    let mut people = Vec::with_capacity(mentions.len());
    let mut users = Vec::new();
    for jid in mentions {
        if let Some(known) = address::known(memory, jid, None).await {
            if known.jid.user() != &*jid.user {
                users.push((jid.user.to_string(), known.jid.user().to_owned()));
            }
            people.push(known.jid);
        }
    }
    let text = match content {
        Content::Text(text) => Some(&mut text.text),
        Content::Edit { text, .. } => Some(text),
        Content::Media(media) => media.caption.as_mut(),
        _ => None,
    };
    if let (Some(text), false) = (text, users.is_empty()) {
        *text = renamed(text, &users);
    }
    people
}

async fn quoted_by(memory: &dyn Memory, quote: Quote) -> Quoted {
    let sender = match quote.sender {
        Some(jid) => address::known(memory, &jid, None).await,
        None => None,
    };
    Quoted {
        whatsapp_id: quote.id,
        sender: sender.map(|known| known.jid),
        text: quote.text,
    }
}

/// Keeps the secret of a poll before the poll is acknowledged, so that its votes can be read.
async fn keep_secret(
    keys: &Keys,
    envelope: &Envelope,
    message: &wa::Message,
) -> wacore::store::error::Result<()> {
    let base = wrapping::unwrapped(message).message;
    if reading::poll(base).is_none() {
        return Ok(());
    }
    let carriers = [message, message.get_base_message(), base];
    let secret = carriers.into_iter().find_map(|carrier| {
        let context = carrier.message_context_info.as_option()?;
        let secret = context.message_secret.as_deref()?;
        <[u8; 32]>::try_from(secret).ok()
    });
    let Some(secret) = secret else {
        return Ok(());
    };
    let at = envelope.at.as_millis().div_euclid(1000);
    let until = at.saturating_add(POLL_LASTS);
    let (chat, sender) = (envelope.chat.to_non_ad(), envelope.sender.to_non_ad());
    let entry = MsgSecretEntry::new(&chat, &sender, &envelope.id, secret, until, at);
    keys.put_msg_secrets(vec![entry]).await.map(drop)
}

#[cfg(test)]
mod tests;
