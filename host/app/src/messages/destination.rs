//! Where a new message goes.

use warbler_domain::{Jid, Message, Recipient, SessionId};
use warbler_store::Error as StoreError;

use crate::chats::canonical;
use crate::core::Shared;

/// The chat a new message belongs to: one for each person, whichever address was asked for.
pub(crate) struct Destination {
    /// The address the chat is kept under: of a person's two, the one with the number.
    pub(super) chat: Jid,
    /// The person's other address, where it was asked for or is known.
    pub(super) alt: Option<Jid>,
}

impl Destination {
    /// The chat of `session` that `asked` stands for.
    pub(crate) async fn of(
        shared: &Shared,
        session: SessionId,
        asked: Jid,
    ) -> Result<Self, StoreError> {
        let chat = canonical(shared, session, Recipient::from(asked.clone())).await?;
        let alt = (chat != asked).then_some(asked);
        Ok(Self { chat, alt })
    }

    /// The chat.
    pub(crate) fn into_chat(self) -> Jid {
        self.chat
    }

    /// The chat that `message` is in.
    pub(crate) fn same_as(message: &Message) -> Self {
        Self {
            chat: message.chat.clone(),
            alt: message.chat_alt.clone(),
        }
    }
}
