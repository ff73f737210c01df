//! The engine's events, sorted: what ends a link, what is told about it, and what came in.
//!
//! Sorting is immediate, because the engine calls its listeners in the middle of its own work;
//! whatever needs the engine or the inbox is put off to the teller.

mod calls;
pub(crate) mod chats;
pub(crate) mod groups;
mod people;

use std::time::Duration;

use wacore::types::events::{
    ChatPresenceUpdate, ConnectFailureReason, Event, EventInterest, EventKind, PairSuccess,
    Receipt, ServerAck,
};
use wacore::types::message::MessageSource;
use wacore::types::presence::{ChatPresence, ChatPresenceMedia, ReceiptType};
use wacore_binary::{JidExt, NodeRef};
use warbler_app::driver::{AckRefusal, Inbound, LinkEnd, LinkReport};
use warbler_domain::session::Account;
use warbler_domain::{MessageStatus, Timestamp};
use whatsapp_rust::Client;

use crate::calls::Calls;
use crate::keys::Keys;
use crate::{address, inbound};

/// Until when a chat is quiet that is quiet for good: the end of the year 9999.
pub(crate) const FOR_GOOD: Timestamp = Timestamp::from_millis(253_402_300_799_000);

/// The events this crate listens to.
pub(crate) fn interest() -> EventInterest {
    EventInterest::of(&[
        EventKind::Connected,
        EventKind::Disconnected,
        EventKind::PairSuccess,
        EventKind::PairError,
        EventKind::LoggedOut,
        EventKind::PairingQrCode,
        EventKind::QrScannedWithoutMultidevice,
        EventKind::ClientOutdated,
        EventKind::Messages,
        EventKind::Receipt,
        EventKind::ChatPresence,
        EventKind::GroupUpdate,
        EventKind::StreamReplaced,
        EventKind::TemporaryBan,
        EventKind::ConnectFailure,
        EventKind::PairPasskeyRequest,
        EventKind::PairPasskeyConfirmation,
        EventKind::PairPasskeyError,
        EventKind::ServerAck,
        EventKind::PairingQrCodesExhausted,
        EventKind::PairingCodeError,
        EventKind::OfflineSyncPreview,
        EventKind::RawNode,
        EventKind::UndecryptableMessage,
        EventKind::Presence,
        EventKind::PictureUpdate,
        EventKind::UserAboutUpdate,
        EventKind::ContactNumberChanged,
        EventKind::ContactUpdate,
        EventKind::PushNameUpdate,
        EventKind::SelfPushNameUpdated,
        EventKind::IncomingCall,
        EventKind::MissedCall,
        EventKind::PinUpdate,
        EventKind::MuteUpdate,
        EventKind::ArchiveUpdate,
        EventKind::MarkChatAsReadUpdate,
        EventKind::DeleteChatUpdate,
        EventKind::HistorySync,
    ])
}

/// What an event means for its link.
pub(crate) enum Sorted {
    /// The link is about to end, for this reason.
    Ends(LinkEnd),
    /// Something about the link itself.
    Life(Life),
    /// So many messages were kept by the server while the session was away.
    Kept(usize),
    /// One of those was for the engine alone.
    Passed,
    /// Something that came in, or an answer to what went out.
    News,
    /// Nothing.
    Nothing,
}

/// News about the link itself.
pub(crate) enum Life {
    /// As it stands.
    Report(LinkReport),
    /// Paired; the keys are to be on disk before it is told.
    Paired(Account),
    /// Ready; the account is asked of the engine.
    Connected,
}

/// Sorts an event.
pub(crate) fn sort(event: &Event) -> Sorted {
    match event {
        Event::Connected(_) => Sorted::Life(Life::Connected),
        Event::PairSuccess(paired) => account(paired).map_or(Sorted::Nothing, |account| {
            Sorted::Life(Life::Paired(account))
        }),
        Event::PairError(failed) => pairing_failed(failed.error.clone()),
        Event::PairingCodeError(failed) => pairing_failed(failed.error.clone()),
        Event::PairPasskeyRequest(asked) => Sorted::Life(Life::Report(LinkReport::PasskeyAsked {
            options: asked.request_options_json.clone(),
        })),
        Event::PairPasskeyConfirmation(reached) => {
            Sorted::Life(Life::Report(LinkReport::PasskeyCode {
                code: reached.code.clone(),
            }))
        }
        Event::PairPasskeyError(failed) => pairing_failed(failed.error.clone()),
        Event::QrScannedWithoutMultidevice(_) => {
            pairing_failed("the phone's WhatsApp is too old to link devices".to_owned())
        }
        Event::PairingQrCode(qr) => {
            let (text, valid_for) = (qr.code.clone(), qr.timeout);
            Sorted::Life(Life::Report(LinkReport::PairingQr { text, valid_for }))
        }
        Event::Disconnected(gone) => Sorted::Ends(LinkEnd::Lost {
            reason: gone.reason.to_string(),
        }),
        Event::PairingQrCodesExhausted(qr) if qr.disconnected => {
            Sorted::Ends(LinkEnd::PairingExpired)
        }
        Event::StreamReplaced(_) => Sorted::Ends(LinkEnd::Replaced),
        Event::LoggedOut(out) => Sorted::Ends(refused(&out.reason)),
        Event::ConnectFailure(failure) => Sorted::Ends(refused(&failure.reason)),
        Event::ClientOutdated(_) => Sorted::Ends(refused(&ConnectFailureReason::ClientOutdated)),
        Event::TemporaryBan(ban) => Sorted::Ends(LinkEnd::Refused {
            reason: format!("temporarily banned ({:?})", ban.code),
            for_now: ban.expire.to_std().ok(),
        }),
        Event::OfflineSyncPreview(kept) => {
            Sorted::Kept(usize::try_from(kept.messages).unwrap_or(0))
        }
        Event::RawNode(node) if is_kept_peer_message(node.get()) => Sorted::Passed,
        Event::RawNode(node) if is_own_reading(node.get()) => Sorted::News,
        Event::Messages(batch) if !batch.hook_committed => Sorted::News,
        Event::Receipt(_)
        | Event::ChatPresence(_)
        | Event::Presence(_)
        | Event::GroupUpdate(_)
        | Event::PictureUpdate(_)
        | Event::UserAboutUpdate(_)
        | Event::ContactNumberChanged(_)
        | Event::ContactUpdate(_)
        | Event::PushNameUpdate(_)
        | Event::SelfPushNameUpdated(_)
        | Event::IncomingCall(_)
        | Event::MissedCall(_)
        | Event::PinUpdate(_)
        | Event::MuteUpdate(_)
        | Event::ArchiveUpdate(_)
        | Event::MarkChatAsReadUpdate(_)
        | Event::DeleteChatUpdate(_)
        | Event::HistorySync(_) => Sorted::News,
        // What the phone alone can read. Of what could not be decrypted, the engine has asked for
        // another copy, which may come at any time under the same id.
        Event::UndecryptableMessage(missed)
            if missed.unavailable_type.is_unrecoverable_fanout() =>
        {
            Sorted::News
        }
        Event::ServerAck(ack) if is_for_message(ack) => Sorted::News,
        _ => Sorted::Nothing,
    }
}

/// Whether a stanza carries news between the account's own devices, which the engine keeps to
/// itself, from while the session was away.
fn is_kept_peer_message(node: &NodeRef<'_>) -> bool {
    let category = node.get_attr("category").map(|category| category.as_str());
    node.tag == "message"
        && node.get_attr("offline").is_some()
        && category.as_deref() == Some("peer")
}

/// Whether a stanza says that the account has read something on another of its devices; in which
/// chat, the engine's own event leaves out.
fn is_own_reading(node: &NodeRef<'_>) -> bool {
    let kind = node.get_attr("type").map(|kind| kind.as_str());
    node.tag == "receipt" && matches!(kind.as_deref(), Some("read-self" | "played-self"))
}

fn pairing_failed(reason: String) -> Sorted {
    Sorted::Life(Life::Report(LinkReport::PairingFailed { reason }))
}

fn account(paired: &PairSuccess) -> Option<Account> {
    Some(Account {
        jid: address::plain(&paired.id)?,
        lid: address::plain(&paired.lid),
        push_name: Some(paired.business_name.clone()).filter(|name| !name.is_empty()),
    })
}

/// What a refusal at login means. Those the server may take back are losses, and no end.
pub(crate) fn refused(reason: &ConnectFailureReason) -> LinkEnd {
    use ConnectFailureReason as Reason;
    let word = match reason {
        Reason::LoggedOut => "unlinked (401)",
        Reason::UnknownLogout => "logged out (406)",
        Reason::AccountLocked => "account locked (403)",
        Reason::TempBanned => "temporarily banned (402)",
        Reason::ClientOutdated => "this version is too old for WhatsApp (405)",
        other => &format!("refused ({other:?})"),
    };
    let reason_text = word.to_owned();
    match reason {
        Reason::LoggedOut | Reason::UnknownLogout => LinkEnd::LoggedOut {
            reason: reason_text,
        },
        Reason::TempBanned => {
            // The server did not say for how long.
            LinkEnd::Refused {
                reason: reason_text,
                for_now: Some(Duration::from_secs(3600)),
            }
        }
        other if other.should_reconnect() => LinkEnd::Lost {
            reason: reason_text,
        },
        _ => LinkEnd::Refused {
            reason: reason_text,
            for_now: None,
        },
    }
}

/// A piece of news, translated.
pub(crate) enum Told {
    Inbound(Vec<Inbound>),
    Report(LinkReport),
}

/// Translates what [`sort`] called news.
pub(crate) async fn translate(
    client: &Client,
    keys: &Keys,
    ringing: &Calls,
    event: &Event,
) -> Told {
    let inbound = match event {
        Event::ServerAck(ack) => {
            return ack_report(ack).map_or(Told::Inbound(Vec::new()), Told::Report);
        }
        Event::Messages(batch) => {
            let mut messages = Vec::with_capacity(batch.messages.len());
            for message in batch.messages.iter() {
                messages.extend(inbound::message(client, keys, message).await);
            }
            messages
        }
        event => one(client, keys, ringing, event)
            .await
            .into_iter()
            .collect(),
    };
    Told::Inbound(inbound)
}

async fn one(client: &Client, keys: &Keys, ringing: &Calls, event: &Event) -> Option<Inbound> {
    match event {
        Event::Receipt(receipt) => receipt_of(client, receipt).await,
        Event::RawNode(node) => chats::read(client, node.get()).await,
        Event::ChatPresence(update) => chat_state(client, update).await,
        Event::Presence(update) => people::presence(client, update).await,
        Event::GroupUpdate(update) => groups::group(client, update).await,
        Event::PictureUpdate(update) if update.jid.is_group() => {
            groups::picture(client, update).await
        }
        Event::PictureUpdate(update) => people::picture(client, update).await,
        Event::UserAboutUpdate(update) => people::about(client, update).await,
        Event::ContactNumberChanged(update) => people::number(client, update).await,
        Event::ContactUpdate(update) => people::address_book(client, update).await,
        Event::PushNameUpdate(update) => people::push_name(client, update).await,
        Event::SelfPushNameUpdated(update) => people::own_push_name(client, update),
        Event::IncomingCall(call) => calls::call(client, ringing, call).await,
        Event::MissedCall(call) => calls::missed(client, call).await,
        Event::UndecryptableMessage(missed) => inbound::unavailable(client, keys, missed).await,
        event => chats::chat(client, event).await,
    }
}

fn is_for_message(ack: &ServerAck) -> bool {
    ack.class.as_deref().is_none_or(|class| class == "message")
}

fn ack_report(ack: &ServerAck) -> Option<LinkReport> {
    let refused = ack.error.as_ref().map(|code| AckRefusal {
        code: code.clone(),
        // Too early, too many, or the server's own trouble.
        retryable: matches!(code.as_str(), "408" | "425" | "429") || code.starts_with('5'),
    });
    Some(LinkReport::Ack {
        whatsapp_id: address::id(&ack.id)?,
        refused,
    })
}

async fn receipt_of(client: &Client, receipt: &Receipt) -> Option<Inbound> {
    let status = match receipt.r#type {
        ReceiptType::Delivered | ReceiptType::Inactive => MessageStatus::Delivered,
        ReceiptType::Read => MessageStatus::Read,
        ReceiptType::Played => MessageStatus::Played,
        // Our own devices, retries, and other housekeeping.
        _ => return None,
    };
    let (chat, by) = place(client, &receipt.source).await?;
    if receipt.source.is_from_me || Some(&by) == own(client).as_ref() {
        return None;
    }
    let messages: Vec<_> = receipt
        .message_ids
        .iter()
        .filter_map(|id| address::id(id))
        .collect();
    (!messages.is_empty()).then_some(Inbound::Receipt {
        chat,
        by,
        messages,
        status,
    })
}

async fn chat_state(client: &Client, update: &ChatPresenceUpdate) -> Option<Inbound> {
    let state = match (&update.state, &update.media) {
        (ChatPresence::Paused, _) => "paused",
        (ChatPresence::Composing, ChatPresenceMedia::Audio) => "recording",
        (ChatPresence::Composing, ChatPresenceMedia::Text) => "composing",
    };
    let (chat, by) = place(client, &update.source).await?;
    Some(Inbound::ChatState { chat, by, state })
}

fn own(client: &Client) -> Option<warbler_domain::Jid> {
    client.pn().as_ref().and_then(address::plain)
}

/// The chat and the person of an event.
async fn place(
    client: &Client,
    source: &MessageSource,
) -> Option<(warbler_domain::Jid, warbler_domain::Jid)> {
    let by = address::known(client, &source.sender, source.sender_alt.as_ref())
        .await?
        .jid;
    let chat = address::known(client, &source.chat, None).await?.jid;
    // One other person: the chat is that person, whatever address the stanza used.
    let direct =
        !source.is_group && !source.is_from_me && source.chat.is_same_user_as(&source.sender);
    Some((if direct { by.clone() } else { chat }, by))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(event: &Event) -> Option<LinkEnd> {
        match sort(event) {
            Sorted::Ends(end) => Some(end),
            _ => None,
        }
    }

    fn failure(code: i32) -> Event {
        let reason = ConnectFailureReason::from(code);
        Event::ConnectFailure(
            wacore::types::events::ConnectFailure::builder()
                .reason(reason)
                .build(),
        )
    }

    #[test]
    fn a_refusal_that_passes_is_a_loss_and_one_that_stands_is_not() {
        assert!(matches!(ends(&failure(503)), Some(LinkEnd::Lost { .. })));
        assert!(matches!(ends(&failure(500)), Some(LinkEnd::Lost { .. })));
        assert!(matches!(
            ends(&failure(401)),
            Some(LinkEnd::LoggedOut { .. })
        ));
        assert!(matches!(
            ends(&failure(403)),
            Some(LinkEnd::Refused { for_now: None, .. })
        ));
        assert!(matches!(
            ends(&failure(405)),
            Some(LinkEnd::Refused { for_now: None, .. })
        ));
        assert!(matches!(
            ends(&failure(402)),
            Some(LinkEnd::Refused {
                for_now: Some(_),
                ..
            })
        ));
    }

    #[test]
    fn an_ack_says_whether_trying_again_can_help() {
        let ack = |error: Option<&str>| {
            let ack = ServerAck::builder()
                .id("3EB0AA".to_owned())
                .class("message".to_owned())
                .maybe_error(error.map(str::to_owned))
                .build();
            ack_report(&ack).and_then(|report| match report {
                LinkReport::Ack { refused, .. } => Some(refused.map(|refused| refused.retryable)),
                _ => None,
            })
        };
        assert_eq!(ack(None), Some(None));
        assert_eq!(ack(Some("479")), Some(Some(false)));
        assert_eq!(ack(Some("429")), Some(Some(true)));
        assert_eq!(ack(Some("500")), Some(Some(true)));
    }
}
