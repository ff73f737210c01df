//! An event as it is shown.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_domain::{EventBody, EventId, Jid, SessionId, Timestamp, WhatsAppId};
use warbler_store::events::Stored;

use crate::native::messages::MessageView;
use crate::native::words;

/// Something that happened to a session. `kind` says what, and which of the others is there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event, example = json!({
    "id": "0192f0c1-9a12-7d40-b1c2-d3e4f5061728",
    "session": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "at": "2026-05-04T09:31:00.312Z",
    "kind": "session.status",
    "done": true,
    "status": { "from": "starting", "to": "connected" },
}))]
pub(in crate::native) struct EventView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub(super) id: EventId,
    /// The session it happened to.
    #[schema(value_type = String, format = "uuid")]
    session: SessionId,
    /// When this host learned of it.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// What happened: `message.received`, `message.sent`, `message.edited`, `message.revoked`,
    /// `message.reaction`, `message.receipt`, `presence`, `group.updated`, `session.status`,
    /// `session.qr`. Later versions add kinds.
    #[schema(example = "message.received")]
    pub(super) kind: String,
    /// Whether every extension is through with it.
    done: bool,
    /// The message of a `message.*` event, receipts excepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Box<MessageView>>,
    /// The receipt of a `message.receipt` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptView>,
    /// Who types, in a `presence` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    presence: Option<PresenceView>,
    /// What changed, in a `group.updated` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupChangeView>,
    /// The move of a `session.status` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusChangeView>,
    /// The offer of a `session.qr` event; the QR itself is at `/v1/sessions/{session}/qr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    qr: Option<QrOfferView>,
}

/// How far messages of ours have come with somebody.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Receipt)]
pub(in crate::native) struct ReceiptView {
    /// The chat they are in.
    #[schema(value_type = String)]
    chat: Jid,
    /// Who has them.
    #[schema(value_type = String)]
    by: Jid,
    /// Their `whatsappId`s.
    #[schema(value_type = Vec<String>)]
    messages: Vec<WhatsAppId>,
    /// How far.
    status: words::MessageStatus,
}

/// Somebody types, records or has stopped.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Presence)]
pub(in crate::native) struct PresenceView {
    /// The chat.
    #[schema(value_type = String)]
    chat: Jid,
    /// Who.
    #[schema(value_type = String)]
    by: Jid,
    /// `composing`, `recording` or `paused`.
    #[schema(example = "composing")]
    state: String,
}

/// A change of a group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = GroupChange)]
pub(in crate::native) struct GroupChangeView {
    /// The group.
    #[schema(value_type = String)]
    group: Jid,
    /// Who changed it, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    by: Option<Jid>,
    /// What was done, in the network's word.
    #[schema(example = "subject")]
    change: String,
}

/// A move of a session from state to state.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StatusChange)]
pub(in crate::native) struct StatusChangeView {
    /// From.
    from: words::SessionState,
    /// To.
    to: words::SessionState,
    /// Why, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// A QR that can be scanned.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QrOffer)]
pub(in crate::native) struct QrOfferView {
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

impl From<Stored> for EventView {
    fn from(stored: Stored) -> Self {
        let Stored {
            event,
            done,
            seq: _,
        } = stored;
        let mut view = Self {
            id: event.id,
            session: event.session,
            at: event.at,
            kind: event.kind().to_string(),
            done,
            message: None,
            receipt: None,
            presence: None,
            group: None,
            status: None,
            qr: None,
        };
        match event.body {
            EventBody::Message { message } => view.message = Some(Box::new((*message).into())),
            EventBody::Receipt {
                chat,
                by,
                messages,
                status,
            } => {
                view.receipt = Some(ReceiptView {
                    chat,
                    by,
                    messages,
                    status: status.into(),
                });
            }
            EventBody::ChatState { chat, by, state } => {
                view.presence = Some(PresenceView { chat, by, state })
            }
            EventBody::GroupUpdated { group, by, change } => {
                view.group = Some(GroupChangeView { group, by, change });
            }
            EventBody::SessionStatus { from, to, reason } => {
                view.status = Some(StatusChangeView {
                    from: from.into(),
                    to: to.into(),
                    reason,
                });
            }
            EventBody::SessionQr { expires_at } => view.qr = Some(QrOfferView { expires_at }),
        }
        view
    }
}
