//! A message on its way to the engine, and what its failures mean.

use std::time::Duration;

use tokio::time::timeout;
use wacore_binary::Jid as EngineJid;
use warbler_app::driver::{Outgoing, SendFailure};
use warbler_domain::jid::Server;
use warbler_domain::media::MediaKind;
use warbler_domain::message::Message;
use warbler_domain::{Content, Jid};
use whatsapp_rust::client::ClientError;
use whatsapp_rust::send::{SendError, SendOptions};
use whatsapp_rust::{ErrorChainExt, IqError, StatusSendOptions};

use super::WhatsappLink;
use super::composing::Composer;
use super::place::Place;
use crate::address;

/// Longest time for encrypting and handing over, look-ups of devices and keys included.
const SEND: Duration = Duration::from_secs(60);
/// Most people of an audience who are looked up at once.
const LOOKED_UP: usize = 100;

impl WhatsappLink {
    pub(super) async fn send_message(&self, message: &Outgoing) -> Result<(), SendFailure> {
        let place = self.destination(message).await?;
        let device = self.client.persistence_manager().get_device_snapshot();
        let composer = Composer {
            memory: &self.client,
            keys: &self.keys,
            inbox: &*self.inbox,
            clock: &*self.clock,
            seed: device.identity_key.private_key.serialize(),
            uploads: self,
        };
        let composed = composer.compose(message, &place).await?;
        let id = message.whatsapp_id.as_str();
        let sending = async {
            if message.chat.server() == Server::Broadcast {
                let audience = audience(message);
                let options = StatusSendOptions {
                    message_id: Some(id.to_owned()),
                    ..StatusSendOptions::default()
                };
                let status = self.client.status();
                let sent = Box::pin(status.send_raw(composed, &audience, options));
                sent.await.map(drop)
            } else {
                let options = SendOptions::default().with_message_id(id);
                let sent = self
                    .client
                    .send_message_with_options(place.to, composed, options);
                Box::pin(sent).await.map(drop)
            }
        };
        match timeout(SEND, Box::pin(sending)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(err)) => Err(send_failure(&err)),
            Err(_) => Err(SendFailure::Temporary(format!(
                "not sent within {} s",
                SEND.as_secs()
            ))),
        }
    }

    async fn destination(&self, message: &Outgoing) -> Result<Place, SendFailure> {
        let chat = &message.chat;
        match chat.server() {
            Server::Pn => self.must_exist(&address::engine(chat)).await?,
            Server::Lid | Server::Group => {}
            Server::Broadcast => self.must_be_seen(message).await?,
            Server::Newsletter => {
                let what = format!("{} is not a person or group", chat.masked());
                return Err(SendFailure::Permanent(what));
            }
        }
        let place = self.place(chat).await;
        place.map_err(|err| send_failure(&err.into()))
    }

    /// Refuses a number without an account. Only a number that was never written to is asked for.
    async fn must_exist(&self, to: &EngineJid) -> Result<(), SendFailure> {
        use wacore::store::traits::ProtocolStore;
        let known = self.client.get_lid_pn_entry(to).await;
        let known = known.is_ok_and(|entry| entry.is_some())
            || self
                .keys
                .get_devices(&to.user)
                .await
                .is_ok_and(|devices| devices.is_some());
        if known || self.are_registered(std::slice::from_ref(to)).await? {
            Ok(())
        } else {
            Err(SendFailure::NotOnWhatsApp)
        }
    }

    async fn are_registered(&self, people: &[EngineJid]) -> Result<bool, SendFailure> {
        let contacts = self.client.contacts();
        let asked = Box::pin(contacts.is_on_whatsapp(people));
        match timeout(SEND, asked).await {
            Ok(Ok(found)) => Ok(found.iter().any(|found| found.is_registered)),
            Ok(Err(err)) if err.is_transport_unavailable() => Err(SendFailure::NotConnected),
            Ok(Err(err)) => Err(SendFailure::Temporary(err.to_string())),
            Err(_) => Err(SendFailure::Temporary(
                "the number could not be looked up".to_owned(),
            )),
        }
    }

    /// Refuses a status that is none, and one that nobody would see. Learns the addresses of the
    /// audience: the network takes LIDs only.
    async fn must_be_seen(&self, message: &Outgoing) -> Result<(), SendFailure> {
        let refuse = |why: &str| Err(SendFailure::Permanent(why.to_owned()));
        match &message.content {
            Content::Text(_) | Content::Revoke { .. } => {}
            Content::Media(media) if matches!(media.kind, MediaKind::Image | MediaKind::Video) => {}
            other => {
                let what = format!("a {} cannot be a status", other.word());
                return Err(SendFailure::Permanent(what));
            }
        }
        if message.chat.user() != "status" {
            return refuse("broadcast lists cannot be written to");
        }
        let mut seen_by_somebody = false;
        let mut unknown = Vec::new();
        for person in message.audience.iter().take(Message::MAX_AUDIENCE) {
            match person.server() {
                Server::Lid => seen_by_somebody = true,
                Server::Pn if address::counterpart(&self.client, person).await.is_some() => {
                    seen_by_somebody = true;
                }
                Server::Pn => unknown.push(address::engine(person)),
                _ => return refuse("only people can see a status"),
            }
        }
        for some in unknown.chunks(LOOKED_UP) {
            seen_by_somebody |= self.are_registered(some).await?;
        }
        if seen_by_somebody {
            Ok(())
        } else {
            refuse("a status needs somebody on WhatsApp who sees it")
        }
    }
}

/// Who sees a status, as the engine names them.
fn audience(message: &Outgoing) -> Vec<EngineJid> {
    let seen_by = message.audience.iter().take(Message::MAX_AUDIENCE);
    seen_by
        .map(|person: &Jid| address::engine(person))
        .collect()
}

fn send_failure(error: &SendError) -> SendFailure {
    if error.is_transport_unavailable() {
        return SendFailure::NotConnected;
    }
    match error {
        SendError::NotLoggedIn | SendError::Client(ClientError::NotConnected) => {
            SendFailure::NotConnected
        }
        SendError::InvalidRequest(what) => SendFailure::Permanent(what.clone()),
        SendError::Iq(IqError::ServerError { code, text, .. })
            if matches!(code, 401 | 403 | 404) =>
        {
            SendFailure::Permanent(format!("the server answered {code} {text}"))
        }
        other => SendFailure::Temporary(other.to_string()),
    }
}
