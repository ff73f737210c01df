//! What an account has set for its chats, shared by its phone and its companions.

use std::time::Duration;

use wacore::appstate::Mutation;
use wacore::appstate::schemas::{self, Schema};
use wacore_binary::builder::NodeBuilder;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use waproto::whatsapp::sync_action_value as action;
use waproto::whatsapp::syncd_mutation::SyncdOperation;

use super::{Person, PersonError};
use crate::address::Address;
use crate::stanza::{Reading, SERVER, leaf};

/// How often the phone starts over when companions are quicker.
const ATTEMPTS: usize = 10;

/// Until when a chat is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Muted {
    ForEver,
    /// Milliseconds since 1970.
    Until(i64),
}

/// What is set for one chat.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatSettings {
    pub archived: bool,
    pub pinned: bool,
    pub muted: Option<Muted>,
    /// Whether it was marked as read, or as unread, if it was marked at all.
    pub marked_read: Option<bool>,
}

impl Person {
    /// What this account has set for a chat, on whichever device.
    pub async fn chat_settings(&self, chat: &str) -> Result<ChatSettings, PersonError> {
        let chat = self.chat_jid(&self.chat(chat)?);
        let mut settings = ChatSettings::default();
        for collection in [
            schemas::ARCHIVE.collection,
            schemas::MUTE.collection,
            schemas::PIN.collection,
        ] {
            for mutation in self.mutations(collection.as_str()).await? {
                if self.is_about(&mutation, &chat) {
                    settings.note(&mutation);
                }
            }
        }
        Ok(settings)
    }

    /// Waits until what is set for a chat is as asked.
    pub async fn sees_chat_settings(
        &self,
        chat: &str,
        within: Duration,
        mut ask: impl FnMut(&ChatSettings) -> bool,
    ) -> Result<ChatSettings, PersonError> {
        let deadline = tokio::time::Instant::now() + within;
        loop {
            let seen = self.hub.lock().patches_taken;
            let settings = self.chat_settings(chat).await?;
            if ask(&settings) {
                return Ok(settings);
            }
            let left = deadline.saturating_duration_since(tokio::time::Instant::now());
            self.hub
                .wait_for(left, |state| (state.patches_taken != seen).then_some(()))
                .await
                .ok_or(PersonError::Silence(within))?;
        }
    }

    /// The name this account has saved somebody by.
    pub async fn saved_name(&self, who: &str) -> Result<Option<String>, PersonError> {
        let jid = self.chat_jid(&self.chat(who)?);
        let collection = schemas::CONTACT.collection.as_str();
        let mut name = None;
        for mutation in self.mutations(collection).await? {
            if mutation.index.first().map(String::as_str) == Some(schemas::CONTACT.name)
                && self.is_about(&mutation, &jid)
            {
                name = saved(&mutation);
            }
        }
        Ok(name)
    }

    /// Puts a chat into the archive, or takes it out.
    pub async fn archives(&self, chat: &str, on: bool) -> Result<(), PersonError> {
        let value = wa::SyncActionValue {
            archive_chat_action: MessageField::some(action::ArchiveChatAction {
                archived: Some(on),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.sets(&schemas::ARCHIVE, chat, value).await
    }

    /// Pins a chat, or takes the pin out.
    pub async fn pins(&self, chat: &str, on: bool) -> Result<(), PersonError> {
        let value = wa::SyncActionValue {
            pin_action: MessageField::some(action::PinAction { pinned: Some(on) }),
            ..Default::default()
        };
        self.sets(&schemas::PIN, chat, value).await
    }

    /// Silences a chat, or lets it sound again.
    pub async fn mutes(&self, chat: &str, until: Option<Muted>) -> Result<(), PersonError> {
        let end = match until {
            None => 0,
            Some(Muted::ForEver) => -1,
            Some(Muted::Until(at)) => at,
        };
        let value = wa::SyncActionValue {
            mute_action: MessageField::some(action::MuteAction {
                muted: Some(until.is_some()),
                mute_end_timestamp: Some(end),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.sets(&schemas::MUTE, chat, value).await
    }

    /// Marks a chat as read, or as unread.
    pub async fn marks_chat_read(&self, chat: &str, read: bool) -> Result<(), PersonError> {
        let value = wa::SyncActionValue {
            mark_chat_as_read_action: MessageField::some(action::MarkChatAsReadAction {
                read: Some(read),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.sets(&schemas::MARK_CHAT_AS_READ, chat, value).await
    }

    /// Saves somebody in the address book; own companions learn the name.
    pub async fn saves_contact(&self, who: &str, name: &str) -> Result<(), PersonError> {
        let value = wa::SyncActionValue {
            contact_action: MessageField::some(action::ContactAction {
                full_name: Some(name.to_owned()),
                first_name: name.split(' ').next().map(str::to_owned),
                save_on_primary_addressbook: Some(true),
                ..Default::default()
            }),
            ..Default::default()
        };
        self.sets(&schemas::CONTACT, who, value).await
    }

    /// Appends a patch to the account's app state.
    async fn sets(
        &self,
        schema: &Schema,
        target: &str,
        mut value: wa::SyncActionValue,
    ) -> Result<(), PersonError> {
        let jid = self.chat_jid(&self.chat(target)?);
        let collection = schema.collection.as_str();
        value.timestamp = Some(self.millis());
        // The phone is kept until the patch is taken, so that two patches follow each other; a
        // companion's patch in between is a conflict, and the phone starts over.
        let mut handset = self.inner.handset.lock().await;
        for _ in 0..ATTEMPTS {
            let replay = handset
                .phone
                .replay(collection, &self.patches(collection))?;
            let version = replay.version();
            let patch = replay.patch(schema, &jid, &value)?;
            let named = NodeBuilder::new("collection")
                .attr("name", collection)
                .attr("version", version)
                .children([leaf("patch", patch)])
                .build();
            let node = NodeBuilder::new("iq")
                .attr("type", "set")
                .attr("xmlns", "w:sync:app:state")
                .attr("to", SERVER)
                .children([NodeBuilder::new("sync").children([named]).build()])
                .build();
            let answer = self.requests(&node)?;
            let taken = answer.first().and_then(|sync| sync.child("collection"));
            if taken.is_some_and(|one| !one.is("type", "error")) {
                return Ok(());
            }
        }
        Err(PersonError::Refused(409))
    }

    fn patches(&self, collection: &str) -> Vec<Vec<u8>> {
        let state = self.hub.lock();
        let account = state.account(self.id());
        let found = account.and_then(|account| account.collections.get(collection));
        found.map_or_else(Vec::new, |found| {
            let patches = found.patches.iter();
            patches.map(|(_, patch)| patch.clone()).collect()
        })
    }

    async fn mutations(&self, collection: &str) -> Result<Vec<Mutation>, PersonError> {
        let patches = self.patches(collection);
        let mut handset = self.inner.handset.lock().await;
        Ok(handset.phone.replay(collection, &patches)?.mutations)
    }

    /// Whether a mutation names this chat, by number or LID.
    fn is_about(&self, mutation: &Mutation, chat: &str) -> bool {
        let Some(named) = mutation.index.get(1) else {
            return false;
        };
        let state = self.hub.lock();
        let account = |jid: &str| {
            let found = state.resolve_account(&Address::parse(jid));
            found.map(|(account, _)| account)
        };
        named == chat || account(named).is_some_and(|one| account(chat) == Some(one))
    }
}

impl ChatSettings {
    fn note(&mut self, mutation: &Mutation) {
        let set = mutation.operation == SyncdOperation::SET;
        let value = mutation.action_value.as_ref().filter(|_| set);
        match mutation.index.first().map(String::as_str) {
            Some("archive") => {
                let action = value.and_then(|value| value.archive_chat_action.as_option());
                self.archived = action.is_some_and(|one| one.archived == Some(true));
            }
            Some("pin_v1") => {
                let action = value.and_then(|value| value.pin_action.as_option());
                self.pinned = action.is_some_and(|one| one.pinned == Some(true));
            }
            Some("mute") => {
                let action = value.and_then(|value| value.mute_action.as_option());
                let muted = action.filter(|one| one.muted == Some(true));
                self.muted = muted.map(|one| match one.mute_end_timestamp {
                    None | Some(-1) => Muted::ForEver,
                    Some(at) => Muted::Until(at),
                });
            }
            Some("markChatAsRead") => {
                let action = value.and_then(|value| value.mark_chat_as_read_action.as_option());
                self.marked_read = action.and_then(|one| one.read);
            }
            _ => {}
        }
    }
}

fn saved(mutation: &Mutation) -> Option<String> {
    let value = mutation.action_value.as_ref()?;
    if mutation.operation != SyncdOperation::SET {
        return None;
    }
    let contact = value.contact_action.as_option()?;
    contact.full_name.clone().or(contact.first_name.clone())
}
