//! A message on its way to the engine, and what its failures mean.

use std::time::Duration;

use tokio::time::timeout;
use wacore::download::MediaDecryptionError;
use wacore::types::message::AddressingMode;
use wacore_binary::Jid as EngineJid;
use waproto::whatsapp as wa;
use warbler_app::driver::{MediaFailure, Outgoing, SendFailure};
use warbler_domain::jid::Server;
use warbler_domain::media::{Media, MediaSource};
use warbler_domain::message::Quoted;
use warbler_domain::{Content, Jid};
use whatsapp_rust::client::ClientError;
use whatsapp_rust::send::{SendError, SendOptions};
use whatsapp_rust::upload::UploadOptions;
use whatsapp_rust::{ErrorChainExt, IqError, anyhow};

use super::WhatsappLink;
use crate::address;
use crate::outbound::{self, Reference};

/// Longest time for encrypting and handing over, look-ups of devices and keys included.
const SEND: Duration = Duration::from_secs(60);
/// Longest time for an upload.
const UPLOAD: Duration = Duration::from_secs(300);

/// A chat as a send needs to know it.
struct Place {
    to: EngineJid,
    addresses: Addresses,
}

/// In which addresses the members of a chat are named.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Addresses {
    Numbers,
    Lids,
}

impl WhatsappLink {
    pub(super) async fn send_message(&self, message: &Outgoing) -> Result<(), SendFailure> {
        let place = self.place(&message.chat).await?;
        let composed = self.compose(message, &place).await?;
        let options = SendOptions::default().with_message_id(message.whatsapp_id.as_str());
        let sending = self
            .client
            .send_message_with_options(place.to, composed, options);
        match timeout(SEND, Box::pin(sending)).await {
            Ok(Ok(_sent)) => Ok(()),
            Ok(Err(err)) => Err(send_failure(&err)),
            Err(_) => Err(SendFailure::Temporary(format!(
                "not sent within {} s",
                SEND.as_secs()
            ))),
        }
    }

    async fn place(&self, chat: &Jid) -> Result<Place, SendFailure> {
        let to = address::engine(chat);
        let addresses = match chat.server() {
            Server::Pn => {
                self.must_exist(&to).await?;
                Addresses::Numbers
            }
            Server::Lid => Addresses::Lids,
            Server::Group => {
                let info = Box::pin(self.client.groups().query_info(&to)).await;
                match info
                    .map_err(|err| send_failure(&err.into()))?
                    .addressing_mode
                {
                    AddressingMode::Lid => Addresses::Lids,
                    AddressingMode::Pn => Addresses::Numbers,
                }
            }
            Server::Broadcast | Server::Newsletter => {
                let what = format!("{} is not a person or group", chat.masked());
                return Err(SendFailure::Permanent(what));
            }
        };
        Ok(Place { to, addresses })
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
        if known {
            return Ok(());
        }
        let contacts = self.client.contacts();
        let asked = Box::pin(contacts.is_on_whatsapp(std::slice::from_ref(to)));
        match timeout(SEND, asked).await {
            Ok(Ok(found)) if found.iter().any(|found| found.is_registered) => Ok(()),
            Ok(Ok(_)) => Err(SendFailure::NotOnWhatsApp),
            Ok(Err(err)) => Err(SendFailure::Temporary(err.to_string())),
            Err(_) => Err(SendFailure::Temporary(
                "the number could not be looked up".to_owned(),
            )),
        }
    }

    async fn compose(&self, message: &Outgoing, place: &Place) -> Result<wa::Message, SendFailure> {
        let quote = match &message.quoted {
            Some(quoted) => Some(self.quote(quoted, &message.chat, place).await),
            None => None,
        };
        let now = self.clock.now();
        Ok(match &message.content {
            Content::Text { text } => outbound::text(text, quote),
            Content::Media(media) => self.upload(media, quote).await?,
            Content::Reaction {
                target,
                target_sender,
                emoji,
            } => {
                let reference = self.reference(target_sender, &message.chat, place).await;
                outbound::reaction(reference, target, emoji, now)
            }
            Content::Edit { target, text } => outbound::edit(
                self.own_reference(&message.chat, place).await?,
                target,
                text,
                now,
            ),
            Content::Revoke { target } => {
                outbound::revoke(self.own_reference(&message.chat, place).await?, target)
            }
            Content::Unsupported { what } => {
                return Err(SendFailure::Permanent(format!("a {what} cannot be sent")));
            }
        })
    }

    fn own(&self) -> Option<Jid> {
        self.client.pn().as_ref().and_then(address::plain)
    }

    fn own_lid(&self) -> Option<Jid> {
        self.client.lid().as_ref().and_then(address::plain)
    }

    async fn own_reference(&self, chat: &Jid, place: &Place) -> Result<Reference, SendFailure> {
        let own = self.own().ok_or(SendFailure::NotConnected)?;
        Ok(self.reference(&own, chat, place).await)
    }

    async fn reference(&self, author: &Jid, chat: &Jid, place: &Place) -> Reference {
        let own = Some(author) == self.own().as_ref() || Some(author) == self.own_lid().as_ref();
        let participant = match chat.is_group() {
            true => Some(self.named(author, place).await),
            false => None,
        };
        Reference {
            chat: place.to.to_string(),
            own,
            participant,
        }
    }

    async fn quote(&self, quoted: &Quoted, chat: &Jid, place: &Place) -> wa::ContextInfo {
        let author = match &quoted.sender {
            Some(author) => Some(self.named(author, place).await),
            // Between two people, what is answered is mostly the other's.
            None => (!chat.is_group()).then(|| place.to.to_string()),
        };
        outbound::quote(quoted, author)
    }

    /// Somebody, in the addresses the chat uses, as far as they are known.
    async fn named(&self, person: &Jid, place: &Place) -> String {
        let wanted = match place.addresses {
            Addresses::Numbers => Server::Pn,
            Addresses::Lids => Server::Lid,
        };
        let other = match person.server() {
            Server::Pn | Server::Lid if person.server() != wanted => {
                if Some(person) == self.own().as_ref() {
                    self.own_lid()
                } else {
                    address::counterpart(&self.client, person).await
                }
            }
            _ => None,
        };
        other.as_ref().unwrap_or(person).to_string()
    }

    async fn upload(
        &self,
        media: &Media,
        quote: Option<wa::ContextInfo>,
    ) -> Result<wa::Message, SendFailure> {
        let kind = media.kind;
        let refuse = |reason: String| SendFailure::Media { kind, reason };
        let MediaSource::Stored { digest } = &media.source else {
            return Err(refuse("it is not stored on this host".to_owned()));
        };
        let bytes = self
            .inbox
            .media(digest)
            .await
            .map_err(|err| refuse(err.to_string()))?;
        let uploading = self.client.upload(
            bytes.into(),
            outbound::media_type(kind),
            UploadOptions::new(),
        );
        match timeout(UPLOAD, Box::pin(uploading)).await {
            Ok(Ok(upload)) => Ok(outbound::media(media, upload, quote)),
            Ok(Err(err)) => Err(upload_failure(&err, kind)),
            Err(_) => Err(SendFailure::Temporary(
                "the upload took too long".to_owned(),
            )),
        }
    }
}

fn upload_failure(error: &anyhow::Error, kind: warbler_domain::media::MediaKind) -> SendFailure {
    match chain(error).http_status() {
        Some(status @ (400 | 413 | 415)) => SendFailure::Media {
            kind,
            reason: format!("the media server answered {status}"),
        },
        _ => SendFailure::Temporary(format!("the upload failed: {error}")),
    }
}

/// What a failed download means for the medium.
pub(super) fn media_failure(error: &anyhow::Error) -> MediaFailure {
    let error_chain = chain(error);
    match error_chain.http_status() {
        Some(404 | 410) => return MediaFailure::Gone,
        Some(status) => {
            return MediaFailure::Temporary(format!("the media server answered {status}"));
        }
        None => {}
    }
    let damaged = error_chain
        .sources()
        .any(|cause| cause.is::<MediaDecryptionError>());
    if damaged {
        MediaFailure::Damaged(error.to_string())
    } else {
        MediaFailure::Temporary(error.to_string())
    }
}

fn chain(error: &anyhow::Error) -> Chain<'_> {
    Chain(error.as_ref())
}

/// Walks an error that is only known as a trait object.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl<'a> Chain<'a> {
    fn sources(&self) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
        std::iter::successors(Some(self.0), |error| error.source())
    }

    fn http_status(&self) -> Option<u16> {
        self.sources()
            .find_map(|cause| cause.downcast_ref::<whatsapp_rust::http::HttpStatusError>())
            .map(|refused| refused.status)
    }
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
