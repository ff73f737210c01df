//! A message, put together: who is meant in which address, what must be uploaded, what is sealed.

use waproto::whatsapp as wa;
use warbler_app::driver::{Outgoing, SendFailure};
use warbler_domain::content::{Mentions, Text};
use warbler_domain::jid::Server;
use warbler_domain::{Content, Jid, WhatsAppId};

use super::WhatsappLink;
use super::place::Place;
use crate::address;
use crate::mentions::renamed;
use crate::outbound::{self, Around, Reference};

impl WhatsappLink {
    pub(super) async fn compose(
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
                let original = self.sent(chat, target).await;
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
                Some(author) => Some(self.named(author, place).await.to_string()),
                // Between two people, what is answered is mostly the other's.
                None => (!message.chat.is_group()).then(|| place.to.to_string()),
            };
            around.quoted = Some((quoted.clone(), author));
        }
        if let Some(mentions) = mentions {
            for person in mentions.people.iter().take(Mentions::MAX) {
                let named = self.named(person, place).await.to_string();
                around.mentions.push(named);
            }
            if mentions.everybody && message.chat.is_group() {
                around.everybody = true;
                for member in place.members.iter().take(Mentions::MAX) {
                    let named = member.to_non_ad().to_string();
                    let own = address::plain(member).is_some_and(|member| self.is_own(&member));
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
            let named = self.named(person, place).await;
            if named.user != person.user() {
                users.push((person.user().to_owned(), named.user.to_string()));
            }
        }
        renamed(text, &users)
    }

    async fn own_reference(&self, chat: &Jid, place: &Place) -> Result<Reference, SendFailure> {
        let own = self.own().ok_or(SendFailure::NotConnected)?;
        Ok(self.reference(&own, chat, place).await)
    }

    async fn reference(&self, author: &Jid, chat: &Jid, place: &Place) -> Reference {
        let participant = match chat.is_group() {
            true => Some(self.named(author, place).await.to_string()),
            false => None,
        };
        Reference {
            chat: place.to.to_string(),
            own: self.is_own(author),
            participant,
        }
    }

    /// An own message as it was sent, for as long as the engine keeps it: longer than it can be
    /// edited.
    async fn sent(&self, chat: &Jid, id: &WhatsAppId) -> Option<wa::Message> {
        let mut chats = vec![address::engine(chat).to_string()];
        let other = address::counterpart(&self.client, chat).await;
        chats.extend(other.map(|other| address::engine(&other).to_string()));
        for chat in chats {
            let kept = self.keys.sent_message(&chat, id.as_str()).await;
            let kept = kept.unwrap_or_else(|err| {
                tracing::warn!(%err, "The copy of a sent message could not be read");
                None
            });
            if let Some(bytes) = kept {
                return waproto::codec::message_decode(&bytes).ok();
            }
        }
        None
    }
}
