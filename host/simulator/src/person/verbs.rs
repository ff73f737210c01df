//! What a person does, in words: says, replies, reacts, reads, creates a group.

use std::time::Duration;

use bytes::Bytes;
use rand::RngExt;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::heard::{Heard, ReceiptSeen};
use super::sending::{Chat, Manner};
use super::{HEARS_WITHIN, Person, PersonError};
use crate::address::{Address, Form};
use crate::iq::{self, Refusal};
use crate::phone::content::{self, Attachment, Target};
use crate::phone::media::{self, MediaKind};
use crate::stanza::{empty, leaf};
use crate::state::account::AccountId;

impl Person {
    /// Says something to a person or a group; returns the stanza id.
    pub async fn says(&self, to: &str, text: &str) -> Result<String, PersonError> {
        let chat = self.chat(to)?;
        self.sends(&chat, content::text(text), Manner::TEXT).await
    }

    /// Says something with a message quoted.
    pub async fn replies(
        &self,
        to: &str,
        message_id: &str,
        text: &str,
    ) -> Result<String, PersonError> {
        let chat = self.chat(to)?;
        let author = self.author_of(&chat, message_id);
        let message = content::reply(text, message_id, &author);
        self.sends(&chat, message, Manner::TEXT).await
    }

    /// Puts an emoji to a message; an empty one takes it back.
    pub async fn reacts(
        &self,
        to: &str,
        message_id: &str,
        emoji: &str,
    ) -> Result<String, PersonError> {
        let manner = Manner {
            kind: "reaction",
            ..Manner::TEXT
        };
        let at = self.millis();
        self.points(to, message_id, manner, |target| {
            content::reaction(target, emoji, at)
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
        let manner = Manner {
            edit: Some("1"),
            ..Manner::TEXT
        };
        let at = self.millis();
        self.points(to, message_id, manner, |target| {
            content::edit(target, text, at)
        })
        .await
    }

    /// Takes an own message back for everybody.
    pub async fn revokes(&self, to: &str, message_id: &str) -> Result<String, PersonError> {
        let manner = Manner {
            edit: Some("7"),
            ..Manner::TEXT
        };
        self.points(to, message_id, manner, content::revoke).await
    }

    async fn points(
        &self,
        to: &str,
        message_id: &str,
        manner: Manner,
        make: impl FnOnce(&Target<'_>) -> waproto::whatsapp::Message,
    ) -> Result<String, PersonError> {
        let chat = self.chat(to)?;
        let author = self.author_of(&chat, message_id);
        let from_me = author == self.jid();
        let jid = self.chat_jid(&chat);
        let message = make(&Target {
            chat: &jid,
            id: message_id,
            from_me,
            participant: matches!(chat, Chat::Group(_)).then_some(author.as_str()),
        });
        self.sends(&chat, message, manner).await
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
        let form = match chat {
            Chat::Group(jid) => state.groups.get(jid).map_or(Form::Pn, |group| group.form),
            Chat::Person(_) => Form::Pn,
        };
        match state.resolve_account(&Address::parse(&from)) {
            Some((account, _)) => state.user_jid(account, form),
            None => from,
        }
    }

    /// Sends an image.
    pub async fn sends_image(
        &self,
        to: &str,
        bytes: &[u8],
        mime: &str,
        caption: Option<&str>,
    ) -> Result<String, PersonError> {
        self.sends_media(to, MediaKind::Image, "image", bytes, mime, caption)
            .await
    }

    /// Sends a document.
    pub async fn sends_document(
        &self,
        to: &str,
        bytes: &[u8],
        mime: &str,
        caption: Option<&str>,
    ) -> Result<String, PersonError> {
        self.sends_media(to, MediaKind::Document, "document", bytes, mime, caption)
            .await
    }

    async fn sends_media(
        &self,
        to: &str,
        kind: MediaKind,
        mediatype: &'static str,
        bytes: &[u8],
        mime: &str,
        caption: Option<&str>,
    ) -> Result<String, PersonError> {
        let chat = self.chat(to)?;
        let key: [u8; 32] = self.hub.lock().rng.random();
        let sealed = media::encrypt(kind, bytes, key)?;
        let path = self
            .hub
            .media
            .put(Bytes::from(sealed.body.clone()))
            .map_err(|error| PersonError::Media(error.to_string()))?;
        let message = content::media(&Attachment {
            kind,
            sealed: &sealed,
            direct_path: &path,
            url: &format!("https://mmg.whatsapp.net{path}"),
            mime,
            caption,
        });
        let manner = Manner {
            kind: "media",
            edit: None,
            mediatype: Some(mediatype),
        };
        self.sends(&chat, message, manner).await
    }

    /// Shows the author that a message was read.
    pub fn reads(&self, message: &Heard) {
        self.confirms_with(message, "read");
    }

    /// Shows the author that a voice message was played.
    pub fn plays(&self, message: &Heard) {
        self.confirms_with(message, "played");
    }

    fn confirms_with(&self, message: &Heard, kind: &'static str) {
        let mut builder = NodeBuilder::new("receipt")
            .attr("id", message.id.as_str())
            .attr("type", kind)
            .attr("t", self.hub.now());
        builder = match &message.group {
            Some(room) => builder
                .attr("to", room.as_str())
                .attr("participant", message.from.as_str()),
            None => builder.attr("to", message.from.as_str()),
        };
        self.sends_receipt(builder.build());
    }

    /// Is seen typing.
    pub fn types(&self, to: &str) -> Result<(), PersonError> {
        let chat = self.chat(to)?;
        self.submit(
            &NodeBuilder::new("chatstate")
                .attr("to", self.chat_jid(&chat))
                .children([empty("composing")])
                .build(),
        )
    }

    /// The next message nobody has taken yet; waits up to ten seconds for it.
    pub async fn hears(&self) -> Result<Heard, PersonError> {
        self.hears_within(HEARS_WITHIN).await
    }

    /// The next message nobody has taken yet; waits that long for it.
    pub async fn hears_within(&self, within: Duration) -> Result<Heard, PersonError> {
        self.waits(within, |person| person.inner.inbox().take())
            .await
    }

    /// Everything heard so far, as far as it is remembered.
    pub fn heard(&self) -> Vec<Heard> {
        self.inner.inbox().all()
    }

    /// How many messages have arrived once more than needed.
    pub fn duplicates(&self) -> u64 {
        self.inner.inbox().duplicates
    }

    /// Copies of what the person's own companions have sent.
    pub fn sent_copies(&self) -> Vec<Heard> {
        self.inner.inbox().copies.iter().cloned().collect()
    }

    /// Waits until the phone has a copy with this id.
    pub async fn has_copy(&self, id: &str, within: Duration) -> Result<Heard, PersonError> {
        self.waits(within, |person| {
            let inbox = person.inner.inbox();
            inbox.copies.iter().find(|copy| copy.id == id).cloned()
        })
        .await
    }

    /// Receipts for what this person has sent.
    pub fn receipts(&self) -> Vec<ReceiptSeen> {
        self.inner.inbox().receipts.iter().cloned().collect()
    }

    /// Waits for a receipt of this kind (`delivered`, `read`, …) for a message.
    pub async fn sees_receipt(
        &self,
        id: &str,
        kind: &str,
        within: Duration,
    ) -> Result<ReceiptSeen, PersonError> {
        self.waits(within, |person| {
            let inbox = person.inner.inbox();
            let about = |one: &&ReceiptSeen| one.kind == kind && one.ids.iter().any(|i| i == id);
            inbox.receipts.iter().find(about).cloned()
        })
        .await
    }

    /// Who has been seen typing, by address.
    pub fn sees_typing(&self) -> Vec<String> {
        self.inner.inbox().typing.iter().cloned().collect()
    }

    /// Asks to be told when somebody comes and goes.
    pub fn watches(&self, who: &str) -> Result<(), PersonError> {
        let chat = self.chat(who)?;
        self.submit(
            &NodeBuilder::new("presence")
                .attr("type", "subscribe")
                .attr("to", self.chat_jid(&chat))
                .build(),
        )
    }

    /// Waits until somebody this person watches was last seen online, or offline.
    pub async fn sees_presence(
        &self,
        who: &str,
        online: bool,
        within: Duration,
    ) -> Result<(), PersonError> {
        let jid = self.chat_jid(&self.chat(who)?);
        self.waits(within, |person| {
            let inbox = person.inner.inbox();
            let last = inbox.presences.iter().rev().find(|one| one.from == jid);
            last.filter(|one| one.online == online).map(|_| ())
        })
        .await
    }

    async fn waits<T>(
        &self,
        within: Duration,
        mut ask: impl FnMut(&Person) -> Option<T>,
    ) -> Result<T, PersonError> {
        let mut arrivals = self.inner.arrived.subscribe();
        let deadline = tokio::time::Instant::now() + within;
        loop {
            if let Some(found) = ask(self) {
                return Ok(found);
            }
            match tokio::time::timeout_at(deadline, arrivals.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Err(PersonError::Silence(within)),
            }
        }
    }

    /// Makes a group with these members; returns its JID.
    pub async fn creates_group(
        &self,
        subject: &str,
        members: &[&Person],
    ) -> Result<String, PersonError> {
        let members: Vec<AccountId> = members.iter().map(|member| member.id()).collect();
        let mut state = self.hub.lock();
        iq::create_group(&self.hub, &mut state, self.id(), subject, &members)
            .map(|group| group.jid)
            .map_err(|Refusal(code, _)| PersonError::Refused(code))
    }

    /// Adds people to a group.
    pub async fn adds(&self, group: &str, members: &[&Person]) -> Result<(), PersonError> {
        self.changes_members(group, "add", members)
    }

    /// Puts people out of a group.
    pub async fn removes(&self, group: &str, members: &[&Person]) -> Result<(), PersonError> {
        self.changes_members(group, "remove", members)
    }

    /// Makes people admins of a group.
    pub async fn promotes(&self, group: &str, members: &[&Person]) -> Result<(), PersonError> {
        self.changes_members(group, "promote", members)
    }

    fn changes_members(
        &self,
        group: &str,
        action: &'static str,
        members: &[&Person],
    ) -> Result<(), PersonError> {
        let listed = members.iter().map(|member| {
            NodeBuilder::new("participant")
                .attr("jid", member.jid())
                .build()
        });
        let change = NodeBuilder::new(action).children(listed).build();
        self.asks("w:g2", group, change)
    }

    /// Gives a group another name.
    pub async fn renames_group(&self, group: &str, subject: &str) -> Result<(), PersonError> {
        self.asks("w:g2", group, leaf("subject", subject.as_bytes()))
    }

    /// Leaves a group.
    pub async fn leaves(&self, group: &str) -> Result<(), PersonError> {
        let named = NodeBuilder::new("group").attr("id", group).build();
        let leave = NodeBuilder::new("leave").children([named]).build();
        self.asks("w:g2", "g.us", leave)
    }

    /// Changes the profile picture.
    pub async fn sets_picture(&self, bytes: &[u8]) -> Result<(), PersonError> {
        let mut picture = leaf("picture", bytes);
        picture.attrs.insert("type", "image");
        self.asks("w:profile:picture", crate::stanza::SERVER, picture)
    }

    /// Changes the about text.
    pub async fn sets_about(&self, text: &str) -> Result<(), PersonError> {
        let about = leaf("status", text.as_bytes());
        self.asks("status", crate::stanza::SERVER, about)
    }

    fn asks(&self, xmlns: &'static str, to: &str, child: Node) -> Result<(), PersonError> {
        let node = NodeBuilder::new("iq")
            .attr("type", "set")
            .attr("xmlns", xmlns)
            .attr("to", to)
            .children([child])
            .build();
        let mut state = self.hub.lock();
        iq::ask(&self.hub, &mut state, self.phone_ref(), &node)
            .map(|_| ())
            .map_err(|Refusal(code, _)| PersonError::Refused(code))
    }

    fn millis(&self) -> i64 {
        i64::try_from(self.hub.now().saturating_mul(1_000)).unwrap_or(i64::MAX)
    }
}
