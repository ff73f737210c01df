//! People who write that they want no more, and those who think again.

use warbler_domain::campaign::Suppression;
use warbler_domain::{Direction, Event, EventBody, Message};
use warbler_store::{Error as StoreError, Writer};

use crate::core::Shared;
use crate::messages::{Destination, outgoing, text_content};

/// Longest message that can be such a word, in bytes.
const LONGEST: usize = 64;

/// Notes in the transaction of an event that somebody wants no more campaigns, or wants them again,
/// and answers it the first time.
pub(crate) fn heard(shared: &Shared, tx: &Writer<'_>, event: &Event) -> Result<(), StoreError> {
    let EventBody::Message { message } = &event.body else {
        return Ok(());
    };
    if message.direction != Direction::Inbound || message.chat.is_group() {
        return Ok(());
    }
    let Some(word) = word(message) else {
        return Ok(());
    };
    let settings = &shared.settings.campaigns;
    let is_one = |words: &[String]| words.iter().any(|known| known.to_lowercase() == word);
    let session = event.session;
    // The chat is kept under the number wherever that is known, as campaigns name people.
    let own = Suppression {
        owner: shared.directory.owner(session).flatten(),
        session: None,
        jid: message.chat.clone(),
        reason: Suppression::OPT_OUT.to_owned(),
        created_at: shared.clock.now(),
    };
    if is_one(&settings.opt_out_words) {
        let asked = tx.campaigns().has_written_to(session, &own.jid)?;
        // Whoever says it in an ordinary conversation is not answered.
        if tx.suppressions_mut().add(&own)? && asked {
            answer(shared, tx, message, &settings.opt_out_reply)?;
        }
    } else if is_one(&settings.opt_in_words) && tx.suppressions_mut().take_back(&own)? {
        answer(shared, tx, message, &settings.opt_in_reply)?;
    }
    Ok(())
}

/// Puts an answer into the outbox, where there is one.
fn answer(
    shared: &Shared,
    tx: &Writer<'_>,
    message: &Message,
    text: &str,
) -> Result<(), StoreError> {
    let identity = shared.directory.identity(message.session);
    if let Some((_, Some(account))) = identity
        && let Ok(content) = text_content(text.to_owned())
    {
        let to = Destination::same_as(message);
        let answer = outgoing(shared, message.session, &account, to, content, None);
        tx.messages_mut().insert(&answer)?;
        tx.outbox_mut().enqueue(&answer, shared.clock.now(), None)?;
        crate::outbox::wake(shared);
    }
    Ok(())
}

/// The text of a message that may be such a word, in one form.
fn word(message: &Message) -> Option<String> {
    let text = message.content.readable()?;
    let short = text.len() <= LONGEST;
    short.then(|| text.trim().trim_end_matches(['.', '!']).to_lowercase())
}
