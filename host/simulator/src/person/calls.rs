//! Calling and being called. Nobody is ever heard: a call here is only its signals.

use std::time::Duration;

use rand::Rng;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

use super::sending::Chat;
use super::{Person, PersonError};
use crate::address::{Address, Form};
use crate::stanza::{Reading, empty};

/// What somebody did about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CallStep {
    /// It rings here.
    Offered,
    Accepted,
    Rejected,
    /// It is over, or was given up before anybody answered.
    Ended,
}

/// A signal of a call that has reached a person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallSeen {
    pub call: String,
    /// Who did it, by phone number.
    pub from: String,
    pub step: CallStep,
    pub video: bool,
    /// Why it ended, if that was told.
    pub reason: Option<String>,
}

impl Person {
    /// Calls somebody; returns the id of the call.
    pub fn calls(&self, to: &str) -> Result<String, PersonError> {
        self.offers(to, &[])
    }

    /// Calls somebody with the camera on; returns the id of the call.
    pub fn video_calls(&self, to: &str) -> Result<String, PersonError> {
        let video = NodeBuilder::new("video")
            .attr("enc", "vp8")
            .attr("dec", "vp8")
            .build();
        self.offers(to, &[video])
    }

    /// Ends a call, or gives it up.
    pub fn hangs_up(&self, to: &str, call: &str) -> Result<(), PersonError> {
        self.signals(to, call, self.jid(), "terminate", Vec::new())
    }

    /// Does not take a call that rings here.
    pub fn rejects(&self, call: &str) -> Result<(), PersonError> {
        let rung = self.inner.inbox().calls.iter().rev().find_map(|seen| {
            let rings = seen.step == CallStep::Offered && seen.call == call;
            rings.then(|| seen.from.clone())
        });
        let caller = rung.ok_or_else(|| PersonError::UnknownCall(call.to_owned()))?;
        self.signals(&caller, call, caller.clone(), "reject", Vec::new())
    }

    /// Every signal of a call that has reached this person, as far as it is remembered.
    pub fn calls_seen(&self) -> Vec<CallSeen> {
        self.inner.inbox().calls.iter().cloned().collect()
    }

    /// Waits until somebody has done this about a call.
    pub async fn sees_call(
        &self,
        call: &str,
        step: CallStep,
        within: Duration,
    ) -> Result<CallSeen, PersonError> {
        self.waits(within, |person| {
            let inbox = person.inner.inbox();
            let about = |seen: &&CallSeen| seen.call == call && seen.step == step;
            inbox.calls.iter().find(about).cloned()
        })
        .await
    }

    fn offers(&self, to: &str, more: &[Node]) -> Result<String, PersonError> {
        let call = {
            let mut bytes = [0u8; 16];
            self.hub.lock().rng.fill_bytes(&mut bytes);
            data_encoding::HEXUPPER.encode(&bytes)
        };
        let audio = |rate: u32| {
            NodeBuilder::new("audio")
                .attr("enc", "opus")
                .attr("rate", rate)
                .build()
        };
        let mut children = vec![audio(8_000), audio(16_000)];
        children.extend_from_slice(more);
        children.push(NodeBuilder::new("net").attr("medium", "3").build());
        children.push(empty("encopt"));
        self.signals(to, &call, self.jid(), "offer", children)?;
        Ok(call)
    }

    fn signals(
        &self,
        to: &str,
        call: &str,
        creator: String,
        what: &'static str,
        children: Vec<Node>,
    ) -> Result<(), PersonError> {
        let chat = self.chat(to)?;
        if !matches!(chat, Chat::Person(_)) {
            return Err(PersonError::UnknownRecipient(to.to_owned()));
        }
        let signal = NodeBuilder::new(what)
            .attr("call-id", call)
            .attr("call-creator", creator);
        let signal = match children.is_empty() {
            true => signal.build(),
            false => signal.children(children).build(),
        };
        let id = self.hub.lock().message_id();
        self.submit(
            &NodeBuilder::new("call")
                .attr("to", self.chat_jid(&chat))
                .attr("id", id)
                .children([signal])
                .build(),
        )
    }

    /// Notes a signal of a call.
    pub(super) fn takes_call(&self, node: &Node) {
        let seen = node.all().iter().find_map(|signal| {
            let step = match signal.tag.as_ref() {
                "offer" => CallStep::Offered,
                "accept" => CallStep::Accepted,
                "reject" => CallStep::Rejected,
                "terminate" => CallStep::Ended,
                _ => return None,
            };
            Some(CallSeen {
                call: signal.attr("call-id")?,
                from: self.by_number(&node.address("from")?)?,
                step,
                video: signal.child("video").is_some(),
                reason: signal.attr("reason"),
            })
        });
        if let Some(seen) = seen {
            self.inner.inbox().call(seen);
            self.inner.arrived.send_modify(|count| *count += 1);
        }
    }

    fn by_number(&self, address: &Address) -> Option<String> {
        let state = self.hub.lock();
        let (account, _) = state.resolve_account(address)?;
        Some(state.user_jid(account, Form::Pn))
    }
}
