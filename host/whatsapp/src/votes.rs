//! Votes: sealed with the secret of their poll, which only those who have the poll know.
//!
//! A secret is kept under the chat and the author of its poll, each in the address the poll came
//! with; whoever asks may know them by the other one.

use wacore::store::error::Result;
use wacore::store::traits::MsgSecretStore;
use wacore_binary::Jid as EngineJid;
use warbler_domain::media::Digest;
use warbler_domain::{Jid, WhatsAppId};
use whatsapp_rust::{Client, PollVoteCiphertext};

use crate::address;
use crate::keys::Keys;

/// How long votes of a poll can be read, in seconds.
pub(crate) const POLL_LASTS: i64 = 90 * 24 * 3600;

/// A vote as it came in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sealed {
    pub(crate) payload: Vec<u8>,
    pub(crate) iv: Vec<u8>,
}

/// The secret of a poll, if it is known.
pub(crate) async fn secret(
    client: &Client,
    keys: &Keys,
    chat: &Jid,
    author: &Jid,
    poll: &WhatsAppId,
) -> Result<Option<Vec<u8>>> {
    let authors = both(client, author).await;
    for chat in both(client, chat).await {
        for author in &authors {
            let (chat, author) = (chat.to_string(), author.to_string());
            let found = keys.get_msg_secret(&chat, &author, poll.as_str()).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

/// What a vote chose; `None` when it cannot be opened here.
pub(crate) async fn open(
    client: &Client,
    keys: &Keys,
    chat: &Jid,
    author: &Jid,
    poll: &WhatsAppId,
    voter: &EngineJid,
    sealed: &Sealed,
) -> Option<Vec<Digest>> {
    let secret = secret(client, keys, chat, author, poll).await;
    let secret = secret.unwrap_or_else(|err| {
        tracing::warn!(%err, "The secret of a poll could not be read");
        None
    })?;
    // Both people are named in the same kind of address; the engine tries the other kind too.
    let authors = both(client, author).await;
    let author = authors
        .iter()
        .find(|author| author.is_lid() == voter.is_lid())
        .or(authors.first())?;
    let vote = PollVoteCiphertext {
        enc_payload: &sealed.payload,
        enc_iv: &sealed.iv,
    };
    let polls = client.polls();
    let opened = polls.decrypt_vote(vote, &secret, poll.as_str(), author, voter);
    let chosen = opened.await.ok()?;
    let digest = |hash: Vec<u8>| hash.try_into().ok().map(Digest::new);
    Some(chosen.into_iter().filter_map(digest).collect())
}

async fn both(client: &Client, jid: &Jid) -> Vec<EngineJid> {
    let other = address::counterpart(client, jid).await;
    let other = other.as_ref().map(address::engine);
    std::iter::once(address::engine(jid)).chain(other).collect()
}
