//! Chats that rules leave to a human, and how they are given back.
//!
//! Every file with rules leaves chats to humans by itself, and so do the rules of the database; what
//! each keeps of a chat is a record in its key-value space ([`ChatMemory`]).

use warbler_domain::rule::ChatMemory;
use warbler_domain::{Caller, ExtensionName, Jid, Recipient, Scope, SessionRef, Timestamp};
use warbler_store::kv::{KvWrite, part_of};

use super::{RuleError, Rules};
use crate::audit;
use crate::chats::canonical;
use crate::sessions::usable_by;

/// A chat that is left to a human.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// Which.
    pub chat: Jid,
    /// Whose rules leave it: `rules` for those of the database, else the name of a file.
    pub extension: ExtensionName,
    /// Until when.
    pub until: Timestamp,
}

impl Rules {
    /// Most chats left to humans that are shown at once.
    pub const MOST_SHOWN: usize = 1_000;

    /// The chats of a session that are left to a human, those of one extension after the other's.
    pub async fn handed_over(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<Vec<HandedOver>, RuleError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let now = self.shared.clock.now();
        let reading = self.shared.store.read(move |db| {
            let paused = |bytes: &[u8]| ChatMemory::read(bytes).paused_until(now);
            let (id, place) = (session.id, ChatMemory::PLACE);
            db.kv().of_session(id, place, now, Self::MOST_SHOWN, paused)
        });
        let found = reading.await.map_err(RuleError::Store)?;
        let chats = found.into_iter().filter_map(|(extension, chat, until)| {
            Some(HandedOver {
                chat: chat.parse().ok()?,
                extension,
                until,
            })
        });
        Ok(chats.collect())
    }

    /// Gives a chat back to the rules of all extensions that left it to a human.
    ///
    /// # Errors
    ///
    /// [`RuleError::NotHandedOver`] when none has.
    pub async fn take_back(
        &self,
        caller: &Caller,
        session: &SessionRef,
        chat: Recipient,
    ) -> Result<(), RuleError> {
        let session = usable_by(&self.shared, caller, session, Scope::Send).await?;
        let id = session.id;
        let chat = canonical(&self.shared, id, chat).await?;
        let now = self.shared.clock.now();
        let named = audit::named(&chat);
        let entry = audit::done_in(&self.shared, caller, "handover.end", named, id);
        let giving_back = self.shared.store.write(move |tx| {
            let key = ChatMemory::key_of(&chat);
            let paused = |bytes: &[u8]| {
                let memory = ChatMemory::read(bytes);
                memory.paused_until(now).map(|_| memory)
            };
            let kept = tx
                .kv()
                .of_session(id, &key, now, Self::MOST_SHOWN, paused)?;
            // What follows is of another chat whose address begins like this one's.
            let mut of_chat = kept
                .into_iter()
                .filter(|(_, rest, _)| rest.is_empty())
                .peekable();
            if of_chat.peek().is_none() {
                return Err(RuleError::NotHandedOver(chat));
            }
            for (extension, _, mut memory) in of_chat {
                memory.go_on();
                let (value, expires_at) = memory.written(now).map_err(unwritten)?;
                let key = format!("{}{key}", part_of(id));
                let write = KvWrite::Set {
                    key,
                    value,
                    expires_at,
                };
                tx.kv_mut().apply(&extension, &[write], now)?;
            }
            tx.audit_mut().insert(&entry)?;
            Ok(())
        });
        giving_back.await
    }
}

fn unwritten(error: serde_json::Error) -> warbler_store::Error {
    warbler_store::Error::Corrupt {
        place: "kv.value",
        what: error.to_string(),
    }
}
