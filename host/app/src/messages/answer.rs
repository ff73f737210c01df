//! Answers to messages, sent by whoever was told of them.

use warbler_domain::{Caller, Message, SessionRef};

use super::compose::find;
use super::{Draft, Messages, SendError};
use crate::idempotency::Claim;

impl Messages {
    /// Sends a message that answers another one. It quotes that one where it is known in the chat,
    /// and goes without it where it is not: whoever was told of a message may answer it when this
    /// host has forgotten it.
    pub async fn answer(
        &self,
        caller: &Caller,
        session: &SessionRef,
        mut draft: Draft,
        claim: Option<Claim>,
    ) -> Result<Message, SendError> {
        let (sender, _) = self.sender(caller, session).await?;
        if let Some(wanted) = draft.quote.clone() {
            let to = self.destination(sender.id, draft.to.clone()).await?;
            let found = self.targets_of(sender.id, [&draft]).await?;
            if find(&found, &to.into_chat(), &wanted).is_err() {
                draft.quote = None;
            }
        }
        self.send(caller, session, draft, claim).await
    }
}
