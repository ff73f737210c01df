//! A message, put together: who is meant in which address, what must be uploaded, what is sealed.

use std::fs::File;

use async_trait::async_trait;
use waproto::whatsapp as wa;
use warbler_app::driver::{Inbox, Outgoing, SendFailure};
use warbler_domain::content::{Mentions, Text};
use warbler_domain::jid::Server;
use warbler_domain::media::MediaKind;
use warbler_domain::{Clock, Content, Jid};

use super::place::Place;
use crate::keys::Keys;
use crate::memory::Memory;
use crate::mentions::renamed;
use crate::outbound::{self, Around, Reference, Uploaded};
use crate::{address, copies};

/// Puts messages together, for either engine.
pub(crate) struct Composer<'a> {
    pub(crate) memory: &'a dyn Memory,
    /// Secrets of polls, and copies of what was sent.
    pub(crate) keys: &'a Keys,
    pub(crate) inbox: &'a dyn Inbox,
    pub(crate) clock: &'a dyn Clock,
    /// What the secrets of this device's polls are made from.
    pub(crate) seed: &'a [u8],
    pub(crate) uploads: &'a dyn Uploads,
}

/// Takes files to the network's media servers.
#[async_trait]
pub(crate) trait Uploads: Send + Sync {
    /// Encrypts a file and takes it there.
    async fn upload(&self, file: File, kind: MediaKind) -> Result<Uploaded, SendFailure>;
}

impl Composer<'_> {
    pub(crate) async fn compose(
        &self,
        message: &Outgoing,
        place: &Place,
    ) -> Result<wa::Message, SendFailure> {
        let chat = &message.chat;
        let now = self.clock.now();
        Ok(match &message.content {
            Content::Text(text) => self.compose_text(message, text, place).await,
            Content::Media(media) => {
                let around = self.around(message, Some(&media.mentions), place).await;
                let caption = match &media.caption {
                    Some(caption) => Some(self.addressed(caption, &media.mentions, place).await),
                    None => None,
                };
                self.upload(media, caption, around).await?
            }
            Content::Location(location) => {
                let mut composed = outbound::location(location);
                self.around(message, None, place).await.put(&mut composed);
                composed
            }
            Content::Contacts { cards } => {
                let mut composed = outbound::contacts(cards);
                self.around(message, None, place).await.put(&mut composed);
                composed
            }
            Content::Poll(poll) => {
                let secret = self.poll_secret(message, place).await?;
                let mut composed = outbound::poll(poll, secret);
                self.around(message, None, place).await.put(&mut composed);
                composed
            }
            Content::PollVote {
                target,
                target_sender,
                chosen,
                ..
            } => {
                let sealed = self
                    .seal(chat, target_sender, target, chosen, place)
                    .await?;
                let reference = self.reference(target_sender, chat, place).await;
                outbound::vote(reference, target, sealed, now)
            }
            Content::Reaction {
                target,
                target_sender,
                emoji,
            } => {
                let reference = self.reference(target_sender, chat, place).await;
                outbound::reaction(reference, target, emoji, now)
            }
            Content::Edit { target, text } => {
                let reference = self.own_reference(chat, place).await?;
                let original = copies::sent(self.memory, self.keys, chat, target.as_str()).await;
                outbound::edit(reference, target, original, text, now)
            }
            Content::Revoke {
                target,
                target_sender,
            } => {
                let reference = match target_sender {
                    Some(author) => self.reference(author, chat, place).await,
                    None => self.own_reference(chat, place).await?,
                };
                if !reference.own && !chat.is_group() {
                    let why = "what somebody else wrote can only be taken back in groups";
                    return Err(SendFailure::Permanent(why.to_owned()));
                }
                outbound::revoke(reference, target)
            }
            Content::Unsupported { what } => {
                return Err(SendFailure::Permanent(format!("a {what} cannot be sent")));
            }
        })
    }

    async fn compose_text(&self, message: &Outgoing, text: &Text, place: &Place) -> wa::Message {
        let said = self.addressed(&text.text, &text.mentions, place).await;
        let mut composed = match &text.preview {
            _ if message.chat.server() == Server::Broadcast => outbound::status_text(&said),
            Some(preview) => {
                let thumbnail = self.thumbnail(preview.thumbnail.as_ref()).await;
                outbound::linked_text(&said, preview, thumbnail)
            }
            None => outbound::text(&said),
        };
        let around = self.around(message, Some(&text.mentions), place).await;
        around.put(&mut composed);
        composed
    }

    /// What stands around a message.
    async fn around(
        &self,
        message: &Outgoing,
        mentions: Option<&Mentions>,
        place: &Place,
    ) -> Around {
        let mut around = Around {
            forwarded: message.forwarded,
            ..Around::default()
        };
        if let Some(quoted) = &message.quoted {
            let author = match &quoted.sender {
                Some(author) => Some(place.named(self.memory, author).await.to_string()),
                // Between two people, what is answered is mostly the other's.
                None => (!message.chat.is_group()).then(|| place.to.to_string()),
            };
            around.quoted = Some((quoted.clone(), author));
        }
        if let Some(mentions) = mentions {
            for person in mentions.people.iter().take(Mentions::MAX) {
                let named = place.named(self.memory, person).await.to_string();
                around.mentions.push(named);
            }
            if mentions.everybody && message.chat.is_group() {
                around.everybody = true;
                let own: Vec<Jid> = [self.memory.own().await, self.memory.own_lid().await]
                    .into_iter()
                    .flatten()
                    .collect();
                for member in place.members.iter().take(Mentions::MAX) {
                    let named = member.to_non_ad().to_string();
                    let own = address::plain(member).is_some_and(|member| own.contains(&member));
                    if !own && !around.mentions.contains(&named) {
                        around.mentions.push(named);
                    }
                }
            }
        }
        around
    }

    /// A text with its mentions in the addresses of the chat.
    async fn addressed(&self, text: &str, mentions: &Mentions, place: &Place) -> String {
        let mut users = Vec::new();
        for person in mentions.people.iter().take(Mentions::MAX) {
            let named = place.named(self.memory, person).await;
            if named.user != person.user() {
                users.push((person.user().to_owned(), named.user.to_string()));
            }
        }
        renamed(text, &users)
    }

    async fn own_reference(&self, chat: &Jid, place: &Place) -> Result<Reference, SendFailure> {
        let own = self.memory.own().await;
        let own = own.ok_or(SendFailure::NotConnected)?;
        Ok(self.reference(&own, chat, place).await)
    }

    async fn reference(&self, author: &Jid, chat: &Jid, place: &Place) -> Reference {
        let participant = match chat.is_group() {
            true => Some(place.named(self.memory, author).await.to_string()),
            false => None,
        };
        Reference {
            chat: place.to.to_string(),
            own: self.is_own(author).await,
            participant,
        }
    }

    /// Whether an address is the account's own.
    async fn is_own(&self, person: &Jid) -> bool {
        Some(person) == self.memory.own().await.as_ref()
            || Some(person) == self.memory.own_lid().await.as_ref()
    }
}
