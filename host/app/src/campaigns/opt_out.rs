//! People who write that they want no more.

use warbler_domain::campaign::Suppression;
use warbler_domain::{Direction, Event, EventBody, Message};
use warbler_store::{Error as StoreError, Writer};

use crate::core::Shared;
use crate::messages::{Destination, outgoing, text_content};

/// Longest message that can be such a word, in bytes.
const LONGEST: usize = 64;

/// Notes in the transaction of an event that somebody wants no more campaigns, and answers it the
/// first time.
pub(crate) fn heard(shared: &Shared, tx: &Writer<'_>, event: &Event) -> Result<(), StoreError> {
    let EventBody::Message { message } = &event.body else {
        return Ok(());
    };
    if message.direction != Direction::Inbound || !says_so(shared, message) {
        return Ok(());
    }
    let session = event.session;
    let owner = shared.directory.owner(session).flatten();
    // The chat is kept under the number wherever that is known, as campaigns name people.
    let jid = &message.chat;
    let asked = tx.campaigns().has_written_to(session, jid)?;
    let new = tx.suppressions_mut().add(&Suppression {
        owner,
        session: None,
        jid: jid.clone(),
        reason: Suppression::OPT_OUT.to_owned(),
        created_at: shared.clock.now(),
    })?;
    let reply = shared.settings.campaigns.opt_out_reply.clone();
    // Whoever says it in an ordinary conversation is not answered.
    let identity = shared.directory.identity(session);
    if let (true, true, Some((_, Some(account)))) = (new, asked, identity)
        && let Ok(content) = text_content(reply)
    {
        let to = Destination::same_as(message);
        let answer = outgoing(shared, session, &account, to, content, None);
        tx.messages_mut().insert(&answer)?;
        tx.outbox_mut().enqueue(&answer, shared.clock.now(), None)?;
        crate::outbox::wake(shared);
    }
    Ok(())
}

fn says_so(shared: &Shared, message: &Message) -> bool {
    if message.chat.is_group() {
        return false;
    }
    let Some(text) = message
        .content
        .readable()
        .filter(|text| text.len() <= LONGEST)
    else {
        return false;
    };
    let word = text.trim().trim_end_matches(['.', '!']).to_lowercase();
    let words = &shared.settings.campaigns.opt_out_words;
    words.iter().any(|known| known.to_lowercase() == word)
}
