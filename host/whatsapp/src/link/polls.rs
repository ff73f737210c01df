//! Polls of this account, and its votes.

use wacore::crypto::hkdf_sha256_into;
use wacore::poll::encrypt_poll_vote_with_secret;
use wacore::store::traits::{MsgSecretEntry, MsgSecretStore};
use warbler_app::driver::{Outgoing, SendFailure};
use warbler_domain::media::Digest;
use warbler_domain::{Jid, WhatsAppId};

use super::composing::Composer;
use super::place::Place;
use crate::votes::{self, POLL_LASTS};

impl Composer<'_> {
    /// The secret of an own poll: always the same for one message of one device, so that a repeat
    /// is the same poll; stored before anybody can vote.
    pub(super) async fn poll_secret(
        &self,
        message: &Outgoing,
        place: &Place,
    ) -> Result<[u8; 32], SendFailure> {
        let own = self.memory.own().await;
        let own = own.ok_or(SendFailure::NotConnected)?;
        let purpose = format!("secret of poll {}", message.whatsapp_id);
        let mut secret = [0; 32];
        hkdf_sha256_into(self.seed, None, purpose.as_bytes(), &mut secret)
            .map_err(|err| SendFailure::Permanent(err.to_string()))?;
        let author = place.named(self.memory, &own).await;
        let id = message.whatsapp_id.as_str();
        let now = self.clock.now().as_millis().div_euclid(1000);
        let until = now.saturating_add(POLL_LASTS);
        let entry = MsgSecretEntry::new(&place.to, &author, id, secret, until, now);
        let stored = self.keys.put_msg_secrets(vec![entry]).await;
        stored.map_err(|err| SendFailure::Temporary(err.to_string()))?;
        Ok(secret)
    }

    /// A choice, sealed with the secret of its poll.
    pub(super) async fn seal(
        &self,
        chat: &Jid,
        author: &Jid,
        poll: &WhatsAppId,
        chosen: &[Digest],
        place: &Place,
    ) -> Result<(Vec<u8>, [u8; 12]), SendFailure> {
        let secret = votes::secret(self.memory, self.keys, chat, author, poll).await;
        let secret = secret.map_err(|err| SendFailure::Temporary(err.to_string()))?;
        let Some(secret) = secret else {
            let why = "the secret of that poll is not known here";
            return Err(SendFailure::Permanent(why.to_owned()));
        };
        let own = self.memory.own().await;
        let own = own.ok_or(SendFailure::NotConnected)?;
        let author = place.named(self.memory, author).await.to_string();
        let voter = place.named(self.memory, &own).await.to_string();
        let chosen: Vec<Vec<u8>> = chosen
            .iter()
            .map(|option| option.as_bytes().to_vec())
            .collect();
        encrypt_poll_vote_with_secret(&chosen, &secret, poll.as_str(), &author, &voter)
            .map_err(|err| SendFailure::Permanent(err.to_string()))
    }
}
