//! Votes: sealed with the secret of their poll, which only those who have the poll know.
//!
//! A secret is kept under the chat and the author of its poll, each in the address the poll came
//! with; whoever asks may know them by the other one.

use wacore::poll::{PollVoteAddressing, PollVoteCiphertext, decrypt_poll_vote_with_fallback};
use wacore::store::error::Result;
use wacore::store::traits::MsgSecretStore;
use wacore_binary::Jid as EngineJid;
use warbler_domain::media::Digest;
use warbler_domain::{Jid, WhatsAppId};

use crate::address;
use crate::keys::Keys;
use crate::memory::Memory;

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
    memory: &dyn Memory,
    keys: &Keys,
    chat: &Jid,
    author: &Jid,
    poll: &WhatsAppId,
) -> Result<Option<Vec<u8>>> {
    let authors = both(memory, author).await;
    for chat in both(memory, chat).await {
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
    memory: &dyn Memory,
    keys: &Keys,
    chat: &Jid,
    author: &Jid,
    poll: &WhatsAppId,
    voter: &EngineJid,
    sealed: &Sealed,
) -> Option<Vec<Digest>> {
    let secret = secret(memory, keys, chat, author, poll).await;
    let secret = secret.unwrap_or_else(|err| {
        tracing::warn!(%err, "The secret of a poll could not be read");
        None
    })?;
    // Both people are named in the same kind of address; the other kind is tried too.
    let authors = both(memory, author).await;
    let author = authors
        .iter()
        .find(|author| author.is_lid() == voter.is_lid())
        .or(authors.first())?;
    let voter = voter.to_non_ad();
    let (author, voter) = (
        Named::of(memory, author).await,
        Named::of(memory, &voter).await,
    );
    let ciphertext = PollVoteCiphertext {
        enc_payload: &sealed.payload,
        enc_iv: &sealed.iv,
    };
    let told = PollVoteAddressing {
        poll_creator_jid: &author.told,
        voter_jid: &voter.told,
    };
    let other = author.other.as_deref().zip(voter.other.as_deref());
    let other = other.map(|(poll_creator_jid, voter_jid)| PollVoteAddressing {
        poll_creator_jid,
        voter_jid,
    });
    let chosen =
        decrypt_poll_vote_with_fallback(ciphertext, &secret, poll.as_str(), told, other).ok()?;
    let digest = |hash: Vec<u8>| hash.try_into().ok().map(Digest::new);
    Some(chosen.into_iter().filter_map(digest).collect())
}

/// Somebody, in the address they were named by and in the other one.
struct Named {
    told: String,
    other: Option<String>,
}

impl Named {
    async fn of(memory: &dyn Memory, jid: &EngineJid) -> Self {
        let other = match address::plain(jid) {
            Some(plain) => address::counterpart(memory, &plain).await,
            None => None,
        };
        Self {
            told: jid.to_string(),
            other: other.map(|other| address::engine(&other).to_string()),
        }
    }
}

async fn both(memory: &dyn Memory, jid: &Jid) -> Vec<EngineJid> {
    let other = address::counterpart(memory, jid).await;
    let other = other.as_ref().map(address::engine);
    std::iter::once(address::engine(jid)).chain(other).collect()
}
