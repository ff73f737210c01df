//! Chats: read marks and typing. How the account keeps its chats, and calls, this engine cannot
//! change.

use ::wa_rs::ChatStateType;
use ::wa_rs_binary::builder::NodeBuilder;
use async_trait::async_trait;
use warbler_app::driver::{Chats, DriverError};
use warbler_domain::chat::ChatState;
use warbler_domain::jid::Server;
use warbler_domain::{Jid, WhatsAppId};

use super::convert;
use super::link::WaRsLink;
use crate::address;

#[async_trait]
impl Chats for WaRsLink {
    async fn mark_read(
        &self,
        chat: &Jid,
        author: &Jid,
        messages: &[WhatsAppId],
        played: bool,
    ) -> Result<(), DriverError> {
        let place = self.place(chat).await?;
        let Some((first, others)) = messages.split_first() else {
            return Ok(());
        };
        let now = self.clock.now().as_millis().div_euclid(1000).to_string();
        let mut receipt = NodeBuilder::new("receipt")
            .attr("to", place.to.to_string())
            .attr("type", if played { "played" } else { "read" })
            .attr("id", first.as_str())
            .attr("t", now);
        if matches!(chat.server(), Server::Group | Server::Broadcast) {
            let author = place.named(&self.people, author).await;
            receipt = receipt.attr("participant", author.to_string());
        }
        if !others.is_empty() {
            let item = |id: &WhatsAppId| NodeBuilder::new("item").attr("id", id.as_str()).build();
            let list = NodeBuilder::new("list").children(others.iter().map(item));
            receipt = receipt.children([list.build()]);
        }
        self.write(receipt.build()).await
    }

    async fn show_state(&self, chat: &Jid, state: ChatState) -> Result<(), DriverError> {
        if !self.is_up() {
            return Err(DriverError::NotConnected);
        }
        let to = convert::jid_out(&address::engine(chat));
        let state = match state {
            ChatState::Composing => ChatStateType::Composing,
            ChatState::Recording => ChatStateType::Recording,
            ChatState::Paused => ChatStateType::Paused,
        };
        let shown = self.client.chatstate().send(&to, state).await;
        shown.map_err(|err| DriverError::Engine(err.to_string()))
    }
}
