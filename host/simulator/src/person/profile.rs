//! What a person shows of itself, and how it asks the server for anything.

use bytes::Bytes;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::{Person, PersonError};
use crate::address::Form;
use crate::iq::{self, Refusal};
use crate::stanza::leaf;

impl Person {
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

    /// Takes the profile picture away.
    pub async fn removes_picture(&self) -> Result<(), PersonError> {
        let node = NodeBuilder::new("iq")
            .attr("type", "set")
            .attr("xmlns", "w:profile:picture")
            .attr("to", crate::stanza::SERVER)
            .build();
        self.requests(&node).map(|_| ())
    }

    /// The name others see now; it may have been changed since the person was made.
    pub fn push_name(&self) -> String {
        let state = self.hub.lock();
        let account = state.account(self.id());
        account.map(|one| one.name.clone()).unwrap_or_default()
    }

    /// The about text others see now.
    pub fn about(&self) -> String {
        let state = self.hub.lock();
        let account = state.account(self.id());
        account.map(|one| one.about.clone()).unwrap_or_default()
    }

    /// The profile picture others see now.
    pub fn picture(&self) -> Option<Bytes> {
        let path = {
            let state = self.hub.lock();
            state.account(self.id())?.picture.as_ref()?.path.clone()
        };
        self.hub.media.get(&path)
    }

    /// Takes another push name. Own companions are told; others see it with the next message.
    pub fn renames_self(&self, name: &str) {
        let mut state = self.hub.lock();
        if let Some(account) = state.account_mut(self.id()) {
            name.clone_into(&mut account.name);
        }
        for to in state.devices_of(self.id()) {
            if to.device == 0 {
                continue;
            }
            let node = NodeBuilder::new("notification")
                .attr("from", state.user_jid(self.id(), Form::Pn))
                .attr("type", "account_sync")
                .attr("id", state.server_id())
                .attr("t", self.hub.now())
                .attr("pushname", name)
                .build();
            self.hub.deliver(&mut state, to, node);
        }
    }

    /// Is a business from now on, by this verified name.
    pub fn opens_business(&self, name: &str) {
        if let Some(account) = self.hub.lock().account_mut(self.id()) {
            account.business = Some(name.to_owned());
        }
    }

    /// Does not want to hear from somebody any more, who is not told so.
    pub fn blocks(&self, other: &Person) -> Result<(), PersonError> {
        self.sets_block(other, true)
    }

    /// Hears from somebody again.
    pub fn unblocks(&self, other: &Person) -> Result<(), PersonError> {
        self.sets_block(other, false)
    }

    /// Who is blocked, by phone number.
    pub fn blocked(&self) -> Vec<String> {
        let state = self.hub.lock();
        let blocked = state.account(self.id()).map(|one| one.blocked.clone());
        blocked
            .unwrap_or_default()
            .into_iter()
            .map(|other| state.user_jid(other, Form::Pn))
            .collect()
    }

    fn sets_block(&self, other: &Person, on: bool) -> Result<(), PersonError> {
        let mut state = self.hub.lock();
        iq::block(&mut state, self.id(), other.id(), on)
            .map_err(|Refusal(code, _)| PersonError::Refused(code))
    }

    /// Sets what others may see or do: `last`, `profile`, `status`, `groupadd`, `readreceipts`, …
    /// to `all`, `contacts` or `none`.
    pub fn sets_privacy(&self, category: &str, value: &str) -> Result<(), PersonError> {
        let category = NodeBuilder::new("category")
            .attr("name", category)
            .attr("value", value)
            .build();
        let privacy = NodeBuilder::new("privacy").children([category]).build();
        self.asks("privacy", crate::stanza::SERVER, privacy)
    }

    /// Has somebody among the contacts, and is among theirs. Two who have talked to each other
    /// know each other already.
    pub fn knows(&self, other: &Person) {
        self.hub.lock().acquaint(self.id(), other.id());
    }

    pub(super) fn asks(
        &self,
        xmlns: &'static str,
        to: &str,
        child: Node,
    ) -> Result<(), PersonError> {
        let node = NodeBuilder::new("iq")
            .attr("type", "set")
            .attr("xmlns", xmlns)
            .attr("to", to)
            .children([child])
            .build();
        self.requests(&node).map(|_| ())
    }

    /// Asks the server for something and returns what the answer holds.
    pub(super) fn requests(&self, node: &Node) -> Result<Vec<Node>, PersonError> {
        let mut state = self.hub.lock();
        iq::ask(&self.hub, &mut state, self.phone_ref(), node)
            .map_err(|Refusal(code, _)| PersonError::Refused(code))
    }

    pub(super) fn millis(&self) -> i64 {
        i64::try_from(self.hub.now().saturating_mul(1_000)).unwrap_or(i64::MAX)
    }
}
