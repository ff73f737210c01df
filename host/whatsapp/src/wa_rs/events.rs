//! The engine's events: sorted, and in our words.

use ::wa_rs::ChatStateEvent;
use ::wa_rs::types::events::{ConnectFailureReason, Event, PairSuccess, Receipt};
use ::wa_rs::types::message::{MessageInfo, MessageSource};
use ::wa_rs::types::presence::ReceiptType;
use ::wa_rs_binary::node::Node as TheirNode;
use ::wa_rs_core::iq::chatstate::ReceivedChatState;
use ::wa_rs_proto::whatsapp as theirs;
use wacore::stanza::groups::GroupNotification;
use wacore::types::events::ConnectFailureReason as OurReason;
use warbler_app::driver::{Inbound, LinkEnd};
use warbler_domain::chat::ChatChange;
use warbler_domain::event::ContactChange;
use warbler_domain::group::GroupChange;
use warbler_domain::session::Account;
use warbler_domain::{Jid, MessageStatus, Timestamp};

use super::convert;
use crate::address::{self, Known};
use crate::events::groups;
use crate::inbound::{self, Envelope};
use crate::keys::Keys;
use crate::memory::Memory;

/// What an event means for its link.
pub(super) enum Sorted {
    /// The link is about to end, for this reason.
    Ends(LinkEnd),
    /// So many messages were kept by the server while the session was away.
    Kept(usize),
    /// The server has sent all of them.
    Drained,
    /// The engine is through with logging in.
    Connected,
    /// A message that could not be read; another copy has been asked for.
    Unreadable,
    /// The phone has linked this device.
    Paired(Account),
    /// Something to tell.
    News,
    /// Nothing.
    Nothing,
}

/// Sorts an event.
pub(super) fn sort(event: &Event) -> Sorted {
    match event {
        Event::Disconnected(_) => Sorted::Ends(LinkEnd::Lost {
            reason: "the connection was lost".to_owned(),
        }),
        Event::StreamReplaced(_) => Sorted::Ends(LinkEnd::Replaced),
        Event::LoggedOut(out) => Sorted::Ends(refused(out.reason)),
        Event::ConnectFailure(failure) => Sorted::Ends(refused(failure.reason)),
        Event::ClientOutdated(_) => Sorted::Ends(refused(ConnectFailureReason::ClientOutdated)),
        Event::TemporaryBan(ban) => match ban.expire.to_std() {
            Ok(expire) if !expire.is_zero() => Sorted::Ends(LinkEnd::Refused {
                reason: format!("temporarily banned ({:?})", ban.code),
                for_now: Some(expire),
            }),
            // The server did not say for how long.
            _ => Sorted::Ends(refused(ConnectFailureReason::TempBanned)),
        },
        Event::StreamError(error) => Sorted::Ends(LinkEnd::Lost {
            reason: format!("stream error {}", error.code),
        }),
        Event::OfflineSyncPreview(kept) => {
            Sorted::Kept(usize::try_from(kept.messages).unwrap_or(0))
        }
        Event::OfflineSyncCompleted(_) => Sorted::Drained,
        Event::Connected(_) => Sorted::Connected,
        Event::UndecryptableMessage(_) => Sorted::Unreadable,
        Event::PairSuccess(paired) => account(paired).map_or(Sorted::Nothing, Sorted::Paired),
        Event::PairError(_)
        | Event::PairingQrCode { .. }
        | Event::QrScannedWithoutMultidevice(_)
        | Event::Message(..)
        | Event::Receipt(_)
        | Event::Notification(_)
        | Event::SelfPushNameUpdated(_)
        | Event::ArchiveUpdate(_)
        | Event::PinUpdate(_)
        | Event::MuteUpdate(_) => Sorted::News,
        _ => Sorted::Nothing,
    }
}

fn account(paired: &PairSuccess) -> Option<Account> {
    let plain = |jid| convert::jid_in(jid).as_ref().and_then(address::plain);
    Some(Account {
        jid: plain(&paired.id)?,
        lid: plain(&paired.lid),
        push_name: Some(paired.business_name.clone()).filter(|name| !name.is_empty()),
    })
}

fn refused(reason: ConnectFailureReason) -> LinkEnd {
    crate::events::refused(&OurReason::from(reason.code()))
}

/// What an event says, in our words.
pub(super) async fn translate(
    memory: &dyn Memory,
    keys: &Keys,
    event: &Event,
) -> Option<Vec<Inbound>> {
    let one = match event {
        Event::Message(message, info) => said(memory, keys, message, info).await,
        Event::Receipt(receipt) => receipt_of(memory, receipt).await,
        Event::Notification(node) => return Some(notified(memory, node).await),
        Event::SelfPushNameUpdated(update) => Some(Inbound::ContactUpdated {
            contact: memory.own().await?,
            alt: memory.own_lid().await,
            change: ContactChange::PushName {
                name: update.new_name.clone(),
            },
        }),
        Event::ArchiveUpdate(update) => {
            let archived = update.action.archived.unwrap_or_default();
            chat(memory, &update.jid, ChatChange::Archived { archived }).await
        }
        Event::PinUpdate(update) => {
            let pinned = update.action.pinned.unwrap_or_default();
            chat(memory, &update.jid, ChatChange::Pinned { pinned }).await
        }
        Event::MuteUpdate(update) => {
            let muted = update.action.muted.unwrap_or_default();
            let until = crate::events::chats::quiet_until(update.action.mute_end_timestamp);
            let until = muted.then_some(until);
            chat(memory, &update.jid, ChatChange::Muted { until }).await
        }
        _ => None,
    };
    one.map(|one| vec![one])
}

async fn said(
    memory: &dyn Memory,
    keys: &Keys,
    message: &theirs::Message,
    info: &MessageInfo,
) -> Option<Inbound> {
    let message = match convert::message_in(message) {
        Ok(message) => message,
        Err(err) => {
            tracing::error!(%err, "A message was lost between the engines' types");
            return None;
        }
    };
    let source = &info.source;
    let chat_alt = match (source.is_group, source.is_from_me) {
        (true, _) => None,
        (false, true) => source.recipient_alt.as_ref(),
        (false, false) => source.sender_alt.as_ref(),
    };
    let envelope = Envelope {
        id: info.id.clone(),
        chat: convert::jid_in(&source.chat)?,
        chat_alt: chat_alt.and_then(convert::jid_in),
        sender: convert::jid_in(&source.sender)?,
        sender_alt: source.sender_alt.as_ref().and_then(convert::jid_in),
        own: source.is_from_me,
        name: Some(info.push_name.clone()).filter(|name| !name.is_empty()),
        at: Timestamp::from_millis(info.timestamp.timestamp_millis()),
    };
    inbound::said(memory, keys, envelope, &message).await
}

async fn receipt_of(memory: &dyn Memory, receipt: &Receipt) -> Option<Inbound> {
    let status = match &receipt.r#type {
        ReceiptType::Delivered | ReceiptType::Inactive => MessageStatus::Delivered,
        // The engine takes an absent type for a word of its own.
        ReceiptType::Other(word) if word == "delivery" => MessageStatus::Delivered,
        ReceiptType::Read => MessageStatus::Read,
        ReceiptType::Played => MessageStatus::Played,
        _ => return None,
    };
    let (chat, by) = place(memory, &receipt.source).await?;
    if Some(&by) == memory.own().await.as_ref() {
        return None;
    }
    let ids = receipt.message_ids.iter();
    let messages: Vec<_> = ids.filter_map(|id| address::id(id)).collect();
    (!messages.is_empty()).then_some(Inbound::Receipt {
        chat,
        by,
        messages,
        status,
    })
}

/// Somebody writes, or has stopped.
pub(super) async fn chat_state(memory: &dyn Memory, event: &ChatStateEvent) -> Option<Inbound> {
    let state = match event.state {
        ReceivedChatState::Typing => "composing",
        ReceivedChatState::RecordingAudio => "recording",
        ReceivedChatState::Idle => "paused",
    };
    let source = MessageSource {
        chat: event.chat.clone(),
        sender: event.participant.as_ref().unwrap_or(&event.chat).clone(),
        ..MessageSource::default()
    };
    let (chat, by) = place(memory, &source).await?;
    Some(Inbound::ChatState { chat, by, state })
}

/// What a notification says that the engine does not read itself.
async fn notified(memory: &dyn Memory, node: &TheirNode) -> Vec<Inbound> {
    let kind = node.attrs().optional_string("type").unwrap_or_default();
    match kind {
        "w:gp2" => {
            let read = convert::node_in(node, GroupNotification::try_from_node_ref);
            let Ok(Some(news)) = read else {
                tracing::warn!("A notification about a group could not be read");
                return Vec::new();
            };
            let by = news.participant.as_ref();
            let by = by.map(|jid| (jid, news.participant_pn.as_ref()));
            let mut told = Vec::with_capacity(news.actions.len());
            for action in &news.actions {
                told.extend(groups::changed(memory, &news.group_jid, by, action).await);
            }
            told
        }
        "picture" => picture(memory, node).await.into_iter().collect(),
        "status" => about(memory, node).await.into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Another picture, or none any more.
async fn picture(memory: &dyn Memory, node: &TheirNode) -> Option<Inbound> {
    let from = node.attrs().optional_jid("from")?;
    let set = node.get_optional_child("set");
    let id = set.and_then(|set| set.attrs().optional_string("id").map(str::to_owned));
    let author = set.or_else(|| node.get_optional_child("delete"));
    let author = author.and_then(|child| child.attrs().optional_jid("author"));
    let known = person(memory, &from).await?;
    if !known.jid.is_group() {
        return Some(shows(known, ContactChange::Picture { id }));
    }
    let by = match author {
        Some(author) => person(memory, &author).await,
        None => None,
    };
    Some(Inbound::GroupUpdated {
        group: known.jid,
        by: by.map(|known| known.jid),
        change: GroupChange {
            what: "picture".to_owned(),
            members: Vec::new(),
            text: id,
        },
    })
}

/// Another text about themselves.
async fn about(memory: &dyn Memory, node: &TheirNode) -> Option<Inbound> {
    use ::wa_rs_binary::node::NodeContent;
    let from = node.attrs().optional_jid("from")?;
    let set = node.get_optional_child("set")?;
    let text = match &set.content {
        Some(NodeContent::Bytes(bytes)) => String::from_utf8(bytes.clone()).ok()?,
        Some(NodeContent::String(text)) => text.clone(),
        _ => return None,
    };
    let known = person(memory, &from).await?;
    Some(shows(known, ContactChange::About { text }))
}

fn shows(known: Known, change: ContactChange) -> Inbound {
    Inbound::ContactUpdated {
        contact: known.jid,
        alt: known.alt,
        change,
    }
}

async fn chat(memory: &dyn Memory, jid: &::wa_rs::Jid, change: ChatChange) -> Option<Inbound> {
    let chat = person(memory, jid).await?.jid;
    Some(Inbound::ChatUpdated { chat, change })
}

async fn person(memory: &dyn Memory, jid: &::wa_rs::Jid) -> Option<Known> {
    address::known(memory, &convert::jid_in(jid)?, None).await
}

/// The chat and the person of an event.
async fn place(memory: &dyn Memory, source: &MessageSource) -> Option<(Jid, Jid)> {
    let told = source.sender_alt.as_ref().and_then(convert::jid_in);
    let sender = convert::jid_in(&source.sender)?;
    let by = address::known(memory, &sender, told.as_ref()).await?.jid;
    let chat = person(memory, &source.chat).await?.jid;
    let direct = source.chat.user == source.sender.user;
    Some((if direct { by.clone() } else { chat }, by))
}
