//! What a person sends: texts, media, polls, votes, and what points at other messages.

use bytes::Bytes;
use rand::RngExt;
use waproto::whatsapp as wa;

use super::heard::Heard;
use super::saying::{Outgoing, Saying};
use super::sending::Chat;
use super::{Person, PersonError, STATUS};
use crate::address::Address;
use crate::phone::content::body::{self, Attachment};
use crate::phone::content::compose::{self, Around, Quoting, Target};
use crate::phone::content::parts::Look;
use crate::phone::content::{self, Content};
use crate::phone::media::{self, MediaKind};
use crate::phone::poll;
use crate::state::account::AccountId;

impl Person {
    /// Says something to a person or a group; returns the stanza id.
    pub async fn says(&self, to: &str, text: &str) -> Result<String, PersonError> {
        let chat = self.chat(to)?;
        self.transmits(&chat, compose::text(text), None).await
    }

    /// Says something with a message quoted.
    pub async fn replies(
        &self,
        to: &str,
        message_id: &str,
        text: &str,
    ) -> Result<String, PersonError> {
        let reply = Outgoing::text(text).replying_to(message_id);
        self.sends(to, reply).await
    }

    /// Sends a message of any kind to a person, a group, or `status@broadcast`; returns its
    /// stanza id.
    pub async fn sends(&self, to: &str, what: Outgoing) -> Result<String, PersonError> {
        let chat = self.chat(to)?;
        let around = self.around(&chat, &what)?;
        let message = match what.saying {
            Saying::Text {
                body,
                preview: None,
                color: None,
            } => compose::text(&body),
            Saying::Text {
                body,
                preview,
                color,
            } => compose::rich_text(&body, preview.as_ref(), color),
            Saying::Media {
                kind,
                bytes,
                mime,
                look,
            } => self.uploads(kind, bytes, &mime, &look).await?,
            Saying::Location(place) => compose::location(&place),
            Saying::Contacts(cards) => compose::contacts(&cards),
            Saying::Poll(poll) => {
                let secret = self.hub.lock().rng.random();
                compose::poll(&poll, secret)
            }
        };
        self.transmits(&chat, compose::around(message, around), None)
            .await
    }

    /// Posts a status for everybody who knows this person.
    pub async fn posts_status(&self, what: Outgoing) -> Result<String, PersonError> {
        self.sends(STATUS, what).await
    }

    /// Sends a message this person has heard or sent on to somebody else.
    pub async fn forwards(&self, message_id: &str, to: &str) -> Result<String, PersonError> {
        let chat = self.chat(to)?;
        let (_, known) = self.original(message_id)?;
        let marks = content::marks(&known);
        let around = Around {
            forwarding_score: marks.forwarding_score + 1,
            ..Around::default()
        };
        let mut message = content::unwrap(&known).clone();
        message.message_context_info = waproto::buffa::MessageField::none();
        let message = compose::around(message, around);
        self.transmits(&chat, message, None).await
    }

    /// Chooses options of a poll by name; none takes an earlier vote back.
    pub async fn votes(
        &self,
        to: &str,
        poll_id: &str,
        options: &[&str],
    ) -> Result<String, PersonError> {
        let chat = self.chat(to)?;
        let (author, known) = self.original(poll_id)?;
        let (Content::Poll(asked), Some(secret)) = (content::read(&known), content::secret(&known))
        else {
            return Err(PersonError::NoPoll(poll_id.to_owned()));
        };
        let chosen: Vec<String> = options.iter().map(|one| (*one).to_owned()).collect();
        if let Some(unknown) = chosen.iter().find(|one| !asked.options.contains(one)) {
            return Err(PersonError::NoSuchOption(unknown.clone()));
        }
        let jid = self.chat_jid(&chat);
        let (by, own) = {
            let state = self.hub.lock();
            let form = chat.form(&state);
            (
                state.user_jid(author, form),
                state.user_jid(self.id(), form),
            )
        };
        let (payload, iv) = poll::seal(&chosen, &secret, poll_id, &by, &own)?;
        let target = Target {
            chat: &jid,
            id: poll_id,
            from_me: author == self.id(),
            participant: matches!(chat, Chat::Group(_)).then_some(by.as_str()),
        };
        let message = compose::vote(&target, payload, iv, self.millis());
        self.transmits(&chat, message, None).await
    }

    /// Puts an emoji to a message; an empty one takes it back.
    pub async fn reacts(
        &self,
        to: &str,
        message_id: &str,
        emoji: &str,
    ) -> Result<String, PersonError> {
        let at = self.millis();
        self.points(to, message_id, None, |target| {
            compose::reaction(target, emoji, at)
        })
        .await
    }

    /// Gives an own message another text.
    pub async fn edits(
        &self,
        to: &str,
        message_id: &str,
        text: &str,
    ) -> Result<String, PersonError> {
        let at = self.millis();
        self.points(to, message_id, Some("1"), |target| {
            compose::edit(target, text, at)
        })
        .await
    }

    /// Takes a message back for everybody: an own one, or as an admin anybody's in a group.
    pub async fn revokes(&self, to: &str, message_id: &str) -> Result<String, PersonError> {
        let own = self.inner.inbox().find(message_id).is_none();
        let edit = if own { "7" } else { "8" };
        self.points(to, message_id, Some(edit), compose::revoke)
            .await
    }

    async fn points(
        &self,
        to: &str,
        message_id: &str,
        edit: Option<&'static str>,
        make: impl FnOnce(&Target<'_>) -> wa::Message,
    ) -> Result<String, PersonError> {
        let chat = self.chat(to)?;
        let author = self.author_of(&chat, message_id);
        let from_me = author == self.jid() || author == self.lid();
        let jid = self.chat_jid(&chat);
        let message = make(&Target {
            chat: &jid,
            id: message_id,
            from_me,
            participant: (!matches!(chat, Chat::Person(_))).then_some(author.as_str()),
        });
        let chat = match (
            chat,
            self.hub.lock().resolve_account(&Address::parse(&author)),
        ) {
            (Chat::Status, Some((poster, _))) if !from_me => Chat::StatusOf(poster),
            (chat, _) => chat,
        };
        self.transmits(&chat, message, edit).await
    }

    /// Who wrote a message: as heard, or, if nobody was heard saying it, this person.
    fn author_of(&self, chat: &Chat, message_id: &str) -> String {
        let heard = self
            .inner
            .inbox()
            .find(message_id)
            .map(|one| one.from.clone());
        let Some(from) = heard else {
            return self.jid();
        };
        // In a group that hides numbers an author is named as the group names its members.
        let state = self.hub.lock();
        match state.resolve_account(&Address::parse(&from)) {
            Some((account, _)) => state.user_jid(account, chat.form(&state)),
            None => from,
        }
    }

    fn original(&self, message_id: &str) -> Result<(AccountId, wa::Message), PersonError> {
        let found = self.inner.inbox().originals.find(message_id);
        found.ok_or_else(|| PersonError::UnknownMessage(message_id.to_owned()))
    }

    fn around(&self, chat: &Chat, what: &Outgoing) -> Result<Around, PersonError> {
        let quoting = what.reply_to.as_ref().map(|id| {
            let heard = self.inner.inbox().find(id).cloned();
            let elsewhere = heard.as_ref().and_then(|one| self.elsewhere(chat, one));
            let message = match self.original(id) {
                Ok((_, message)) => quotable(&message),
                Err(_) => {
                    heard.map_or_else(wa::Message::default, |heard| compose::text(heard.text()))
                }
            };
            Quoting {
                author: self.author_of(chat, id),
                id: id.clone(),
                message,
                chat: elsewhere,
            }
        });
        let mentions = what.mentions.iter().map(|who| {
            let Chat::Person(account) = self.chat(who)? else {
                return Err(PersonError::UnknownRecipient(who.clone()));
            };
            let state = self.hub.lock();
            Ok(state.user_jid(account, chat.form(&state)))
        });
        Ok(Around {
            quoting,
            mentions: mentions.collect::<Result<_, _>>()?,
            mentions_all: what.mentions_all,
            forwarding_score: what.forwarding_score,
            view_once: what.view_once,
        })
    }

    /// The chat a quoted message is in, if it is another one: an answer to a status is said to
    /// its author alone.
    fn elsewhere(&self, chat: &Chat, quoted: &Heard) -> Option<String> {
        let room = quoted.group.clone()?;
        (self.chat_jid(chat) != room).then_some(room)
    }

    /// Sends an image.
    pub async fn sends_image(
        &self,
        to: &str,
        bytes: &[u8],
        mime: &str,
        caption: Option<&str>,
    ) -> Result<String, PersonError> {
        let mut image = Outgoing::image(bytes.to_vec(), mime);
        if let Some(caption) = caption {
            image = image.captioned(caption);
        }
        self.sends(to, image).await
    }

    /// Sends a document without a name.
    pub async fn sends_document(
        &self,
        to: &str,
        bytes: &[u8],
        mime: &str,
        caption: Option<&str>,
    ) -> Result<String, PersonError> {
        let document = Saying::Media {
            kind: MediaKind::Document,
            bytes: bytes.to_vec().into(),
            mime: mime.to_owned(),
            look: Look {
                caption: caption.map(str::to_owned),
                ..Look::default()
            },
        };
        self.sends(to, document.into()).await
    }

    /// Seals a body, puts it where it can be fetched, and makes the message that says where.
    async fn uploads(
        &self,
        kind: MediaKind,
        bytes: Bytes,
        mime: &str,
        look: &Look,
    ) -> Result<wa::Message, PersonError> {
        let key: [u8; 32] = self.hub.lock().rng.random();
        // Sealing a long body takes a while and does not belong on the runtime's threads.
        let sealed = tokio::task::spawn_blocking(move || media::encrypt(kind, &bytes, key));
        let mut sealed = sealed
            .await
            .map_err(|error| PersonError::Phone(Box::new(error)))??;
        let body = Bytes::from(std::mem::take(&mut sealed.body));
        let path = self
            .hub
            .media
            .put(body)
            .map_err(|error| PersonError::Media(error.to_string()))?;
        Ok(body::media(&Attachment {
            kind,
            sealed: &sealed,
            direct_path: &path,
            url: &format!("https://mmg.whatsapp.net{path}"),
            mime,
            look,
        }))
    }
}

/// A message as it stands in a quote: without wrappers and without a quote of its own.
fn quotable(message: &wa::Message) -> wa::Message {
    match content::read(message) {
        Content::Text { body, .. } => compose::text(&body),
        _ => {
            let mut bare = content::unwrap(message).clone();
            bare.message_context_info = waproto::buffa::MessageField::none();
            bare
        }
    }
}
