//! What stored messages say about one that comes in: under which address its chat is kept, and
//! which options the hashes of a vote stand for.

use sha2::{Digest as _, Sha256};
use warbler_domain::jid::Server;
use warbler_domain::{Content, Jid, Message, SessionId};
use warbler_store::{Error, Reader};

/// Brings a message into the form it is kept in. Looks at the database only for what most
/// messages are not: one from a hidden number, or a vote.
pub(super) fn settle(db: &Reader<'_>, message: &mut Message) -> Result<(), Error> {
    let session = message.session;
    if message.chat_alt.is_none() {
        known(db, session, &mut message.chat, &mut message.chat_alt)?;
    }
    if message.sender_alt.is_none() {
        known(db, session, &mut message.sender, &mut message.sender_alt)?;
    }
    if let Content::PollVote {
        target,
        chosen,
        options,
        ..
    } = &mut message.content
        && options.is_empty()
        && !chosen.is_empty()
    {
        let found = db.messages().by_whatsapp_id(session, target)?;
        let poll = found.into_iter().find_map(|found| match found.content {
            Content::Poll(poll) => Some(poll),
            _ => None,
        });
        *options = poll.map_or_else(Vec::new, |poll| {
            let mut known = poll.options;
            known.retain(|option| {
                let digest: [u8; 32] = Sha256::digest(option.as_bytes()).into();
                chosen.iter().any(|chosen| *chosen.as_bytes() == digest)
            });
            known
        });
    }
    Ok(())
}

/// Puts the address with the number first, where both are known.
fn known(
    db: &Reader<'_>,
    session: SessionId,
    jid: &mut Jid,
    alt: &mut Option<Jid>,
) -> Result<(), Error> {
    if jid.server() != Server::Lid {
        return Ok(());
    }
    if let Some(number) = db.contacts().canonical(session, jid)? {
        *alt = Some(std::mem::replace(jid, number));
    }
    Ok(())
}
