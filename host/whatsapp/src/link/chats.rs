//! Chats: read marks, typing, how the account keeps them, and calls.

use std::time::Duration;

use async_trait::async_trait;
use wacore::store::traits::AppSyncStore;
use wacore_binary::Jid as EngineJid;
use warbler_app::driver::{Chats, DriverError, Newest};
use warbler_domain::chat::{ChatChange, ChatState};
use warbler_domain::jid::Server;
use warbler_domain::{Jid, Timestamp, WhatsAppId};
use whatsapp_rust::{ChatStateType, SyncActionMessageRange, message_key, message_range};

use super::WhatsappLink;
use super::place::Place;
use crate::events::FOR_GOOD;

/// How often, and at which interval, is looked for the keys of a device that is new.
const LOOKS: u32 = 50;
const LOOK: Duration = Duration::from_millis(100);

#[async_trait]
impl Chats for WhatsappLink {
    async fn mark_read(
        &self,
        chat: &Jid,
        author: &Jid,
        messages: &[WhatsAppId],
        played: bool,
    ) -> Result<(), DriverError> {
        let place = self.ask("chat", self.place(chat)).await?;
        let author = match chat.server() {
            Server::Group | Server::Broadcast => Some(self.named(author, &place).await),
            _ => None,
        };
        let ids: Vec<&str> = messages.iter().map(WhatsAppId::as_str).collect();
        let (to, author) = (&place.to, author.as_ref());
        if played {
            let told = self.client.mark_as_played(to, author, &ids);
            self.ask("chat", told).await
        } else {
            let told = self.client.mark_as_read(to, author, &ids);
            self.ask("chat", told).await
        }
    }

    async fn show_state(&self, chat: &Jid, state: ChatState) -> Result<(), DriverError> {
        let to = self.wire(chat).await;
        let state = match state {
            ChatState::Composing => ChatStateType::Composing,
            ChatState::Recording => ChatStateType::Recording,
            ChatState::Paused => ChatStateType::Paused,
        };
        let chatstate = self.client.chatstate();
        self.ask("chat", chatstate.send(&to, state)).await
    }

    async fn change_chat(
        &self,
        chat: &Jid,
        change: &ChatChange,
        newest: Option<&Newest>,
    ) -> Result<(), DriverError> {
        let place = self.ask("chat", self.place(chat)).await?;
        self.sync_key_is_there().await?;
        let range = match newest {
            Some(newest) => Some(self.range(chat, &place, newest).await),
            None => None,
        };
        let to = &place.to;
        let actions = self.client.chat_actions();
        let about = "chat";
        match change {
            ChatChange::Archived { archived: true } => {
                self.ask(about, actions.archive_chat(to, range)).await
            }
            ChatChange::Archived { archived: false } => {
                self.ask(about, actions.unarchive_chat(to, range)).await
            }
            ChatChange::Pinned { pinned: true } => self.ask(about, actions.pin_chat(to)).await,
            ChatChange::Pinned { pinned: false } => self.ask(about, actions.unpin_chat(to)).await,
            ChatChange::Muted { until } => self.mute(to, *until).await,
            ChatChange::Read { read } => {
                let marked = actions.mark_chat_as_read(to, *read, range);
                self.ask(about, marked).await
            }
            ChatChange::Deleted => self.ask(about, actions.delete_chat(to, true, range)).await,
        }
    }

    async fn reject_call(&self, call: &str, by: &Jid) -> Result<(), DriverError> {
        let (peer, creator) = match self.calls.caller(call) {
            Some(caller) => (caller.peer, caller.creator),
            None => {
                let peer = self.wire(by).await;
                (peer.clone(), peer)
            }
        };
        let calls = self.client.voip();
        let rejected = calls.reject_call(call, &peer, &creator);
        self.ask("call", rejected).await
    }
}

impl WhatsappLink {
    /// The phone shares the keys for such changes a moment after the device was linked.
    async fn sync_key_is_there(&self) -> Result<(), DriverError> {
        let mut looks = tokio::time::interval(LOOK);
        for _ in 0..LOOKS {
            looks.tick().await;
            let key = self.keys.get_latest_sync_key_id().await;
            if key
                .map_err(|err| DriverError::Keys(err.to_string()))?
                .is_some()
            {
                return Ok(());
            }
        }
        Err(DriverError::NotAllowed(
            "the phone has not shared the keys for it yet".to_owned(),
        ))
    }

    async fn mute(&self, to: &EngineJid, until: Option<Timestamp>) -> Result<(), DriverError> {
        let actions = self.client.chat_actions();
        match until {
            Some(until) if until >= FOR_GOOD => self.ask("chat", actions.mute_chat(to)).await,
            Some(until) if until > self.clock.now() => {
                let muted = actions.mute_chat_until(to, until.as_millis());
                self.ask("chat", muted).await
            }
            _ => self.ask("chat", actions.unmute_chat(to)).await,
        }
    }

    /// The newest message of a chat, as the network wants it told.
    async fn range(&self, chat: &Jid, place: &Place, newest: &Newest) -> SyncActionMessageRange {
        let participant = match chat.is_group() && !newest.own {
            true => Some(self.named(&newest.author, place).await),
            false => None,
        };
        let id = newest.whatsapp_id.as_str();
        let key = message_key(id, &place.to, newest.own, participant.as_ref());
        let seconds = newest.at.as_millis().div_euclid(1000);
        message_range(seconds, None, vec![(key, seconds)])
    }
}
