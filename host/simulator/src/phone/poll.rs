//! Votes: sealed with the secret of their poll, naming options by their digest.
//!
//! The key is bound to the poll's id, its author and the voter, each by the address they were
//! written by. Which form that was, number or LID, a reader has to try.

use wacore::poll::{
    PollVoteCiphertext, compute_option_hash, decrypt_poll_vote_with_secret,
    encrypt_poll_vote_with_secret,
};

use super::PhoneError;
use super::content::SealedVote;

/// Seals a vote for these options; none takes an earlier vote back.
pub(crate) fn seal(
    options: &[String],
    secret: &[u8; 32],
    poll_id: &str,
    author: &str,
    voter: &str,
) -> Result<(Vec<u8>, [u8; 12]), PhoneError> {
    let chosen: Vec<Vec<u8>> = options
        .iter()
        .map(|name| compute_option_hash(name).to_vec())
        .collect();
    encrypt_poll_vote_with_secret(&chosen, secret, poll_id, author, voter)
        .map_err(|_| PhoneError::Malformed("the vote"))
}

/// The options a vote names, of those the poll has; none if the secret does not open it under
/// any pair of (author, voter).
pub(crate) fn open(
    vote: &SealedVote,
    options: &[String],
    secret: &[u8; 32],
    pairs: &[(String, String)],
) -> Option<Vec<String>> {
    let sealed = PollVoteCiphertext {
        enc_payload: &vote.payload,
        enc_iv: &vote.iv,
    };
    let chosen = pairs.iter().find_map(|(author, voter)| {
        decrypt_poll_vote_with_secret(sealed, secret, &vote.poll, author, voter).ok()
    })?;
    let named = |option: &&String| {
        let hash = compute_option_hash(option);
        chosen.iter().any(|one| one.as_slice() == hash)
    };
    Some(options.iter().filter(named).cloned().collect())
}
