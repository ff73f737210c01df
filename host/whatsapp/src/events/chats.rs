//! How the account keeps its chats, as its other devices tell.

use wacore::types::events::Event;
use wacore_binary::{Jid as EngineJid, NodeRef};
use warbler_app::driver::Inbound;
use warbler_domain::Timestamp;
use warbler_domain::chat::ChatChange;
use whatsapp_rust::Client;

use super::FOR_GOOD;
use crate::address;

/// A change to a chat. The first copy of all settings says how chats are kept; that chats were
/// read or removed some time ago is no news.
pub(super) async fn chat(client: &Client, event: &Event) -> Option<Inbound> {
    let (jid, change) = change(event)?;
    let chat = address::known(client, jid, None).await?;
    Some(Inbound::ChatUpdated {
        chat: chat.jid,
        change,
    })
}

/// The chat in which the account has read something on another of its devices.
pub(super) async fn read(client: &Client, receipt: &NodeRef<'_>) -> Option<Inbound> {
    let recipient = receipt.get_attr("recipient");
    let chat = recipient.or_else(|| receipt.get_attr("from"))?;
    let chat: EngineJid = chat.as_str().parse().ok()?;
    let chat = address::known(client, &chat, None).await?.jid;
    let own = client.pn().as_ref().and_then(address::plain);
    (Some(&chat) != own.as_ref()).then_some(Inbound::ChatUpdated {
        chat,
        change: ChatChange::Read { read: true },
    })
}

fn change(event: &Event) -> Option<(&EngineJid, ChatChange)> {
    Some(match event {
        Event::ArchiveUpdate(update) => {
            let archived = update.action.archived.unwrap_or_default();
            (&update.jid, ChatChange::Archived { archived })
        }
        Event::PinUpdate(update) => {
            let pinned = update.action.pinned.unwrap_or_default();
            (&update.jid, ChatChange::Pinned { pinned })
        }
        Event::MuteUpdate(update) => {
            let muted = update.action.muted.unwrap_or_default();
            let until = update.action.mute_end_timestamp;
            let until = muted.then(|| quiet_until(until));
            (&update.jid, ChatChange::Muted { until })
        }
        Event::MarkChatAsReadUpdate(update) if !update.from_full_sync => {
            let read = update.action.read.unwrap_or_default();
            (&update.jid, ChatChange::Read { read })
        }
        Event::DeleteChatUpdate(update) if !update.from_full_sync => {
            (&update.jid, ChatChange::Deleted)
        }
        _ => return None,
    })
}

/// The network says -1 for good, or nothing.
pub(crate) fn quiet_until(millis: Option<i64>) -> Timestamp {
    match millis {
        Some(millis) if millis > 0 => Timestamp::from_millis(millis).min(FOR_GOOD),
        _ => FOR_GOOD,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_that_is_quiet_for_good_has_an_end_all_the_same() {
        assert_eq!(quiet_until(Some(-1)), FOR_GOOD);
        assert_eq!(quiet_until(None), FOR_GOOD);
        assert_eq!(quiet_until(Some(5)), Timestamp::from_millis(5));
    }
}
