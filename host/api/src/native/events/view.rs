//! An event as it is shown.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_domain::campaign::Progress;
use warbler_domain::chat::ChatChange;
use warbler_domain::event::ContactChange;
use warbler_domain::{
    CampaignId, EventBody, EventId, ExtensionName, Jid, SessionId, Timestamp, WebhookId, WhatsAppId,
};
use warbler_store::events::Stored;

use crate::native::campaigns::CountsView;
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
    /// What happened: `message.received`, `message.sent`, `message.failed`, `message.cancelled`,
    /// `message.edited`, `message.revoked`, `message.reaction`, `message.vote`, `message.receipt`, `status.received`, `presence`, `call`,
    /// `group.updated`, `chat.updated`, `contact.updated`, `session.status`, `session.qr`,
    /// `webhook.disabled`, `campaign.status`, `timer`, and what extensions call their own, `custom.…`. Later versions add kinds.
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
    /// Who types, comes or goes, in a `presence` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    presence: Option<PresenceView>,
    /// The call, in a `call` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<CallView>,
    /// What the account changed, in a `chat.updated` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<ChatChangeView>,
    /// What is new about somebody, in a `contact.updated` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<ContactChangeView>,
    /// What changed, in a `group.updated` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<GroupChangeView>,
    /// The move of a `session.status` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusChangeView>,
    /// The offer of a `session.qr` event; the QR itself is at `/v1/sessions/{session}/qr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    qr: Option<QrOfferView>,
    /// The webhook of a `webhook.disabled` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<WebhookOffView>,
    /// The campaign of a `campaign.status` event, and how far it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    campaign: Option<ProgressView>,
    /// What an extension says, in an event whose kind begins with `custom.`.
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<CustomView>,
    /// The timer of a `timer` event.
    #[serde(skip_serializing_if = "Option::is_none")]
    timer: Option<TimerView>,
}

impl EventView {
    /// The same, with media told by whole URLs of a host that is called `base` from outside.
    pub(in crate::native) fn told_by(mut self, base: &str) -> Self {
        if let Some(message) = &mut self.message {
            message.told_by(base);
        }
        self
    }
}

/// Where a campaign stands, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignProgress)]
pub(in crate::native) struct ProgressView {
    /// Which campaign.
    #[schema(value_type = String, format = "uuid")]
    id: CampaignId,
    /// What it is called.
    name: String,
    /// Where it stands.
    state: words::CampaignState,
    /// Why, where that needs words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How many recipients are how far.
    counts: CountsView,
}

impl From<Progress> for ProgressView {
    fn from(progress: Progress) -> Self {
        Self {
            id: progress.id,
            name: progress.name,
            state: progress.state.into(),
            reason: progress.reason,
            counts: progress.counts.into(),
        }
    }
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

/// Somebody types, records or has stopped, comes or goes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Presence)]
pub(in crate::native) struct PresenceView {
    /// The chat somebody types in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    chat: Option<Jid>,
    /// Who.
    #[schema(value_type = String)]
    by: Jid,
    /// `composing`, `recording`, `paused`, `online` or `offline`.
    #[schema(example = "composing")]
    state: String,
    /// When somebody who is offline was last there, if they show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen: Option<Timestamp>,
}

/// Somebody calls, or a call has ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Call)]
pub(in crate::native) struct CallView {
    /// The network's id of the call; refusing it needs it.
    id: String,
    /// Who calls.
    #[schema(value_type = String)]
    by: Jid,
    /// Whether with pictures.
    video: bool,
    /// Whether several people are called.
    group: bool,
    /// What happens to it.
    state: words::CallState,
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
    /// Whom it concerns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    members: Vec<Jid>,
    /// The new subject, description or setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// A change of how the account keeps a chat.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatChange)]
pub(in crate::native) struct ChatChangeView {
    /// The chat.
    #[schema(value_type = String)]
    chat: Jid,
    #[serde(flatten)]
    #[schema(inline)]
    change: KeptView,
}

/// What was done; one of these.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatKept)]
pub(in crate::native) struct KeptView {
    /// Put away, or taken out again.
    #[serde(skip_serializing_if = "Option::is_none")]
    archived: Option<bool>,
    /// Kept on top, or no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned: Option<bool>,
    /// Quiet, or loud again.
    #[serde(skip_serializing_if = "Option::is_none")]
    muted: Option<bool>,
    /// Until when it is quiet, where told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    muted_until: Option<Timestamp>,
    /// Read, or marked unread.
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<bool>,
    /// Removed from the account's list.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted: Option<bool>,
}

/// What is new about somebody.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContactChange)]
pub(in crate::native) struct ContactChangeView {
    /// Who.
    #[schema(value_type = String)]
    contact: Jid,
    /// The person's other address, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    alt: Option<Jid>,
    /// What is new: `pushName`, `name`, `savedName`, `picture`, `about` or `number`.
    #[schema(example = "pushName")]
    what: &'static str,
    /// The new name, picture id, text or address; left out when it was taken away.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
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

/// A webhook that was switched off.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DisabledWebhook)]
pub(in crate::native) struct WebhookOffView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: WebhookId,
    /// Why.
    reason: String,
}

/// What an extension says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CustomEvent)]
pub(in crate::native) struct CustomView {
    /// Which extension.
    #[schema(value_type = String, example = "orders")]
    by: ExtensionName,
    /// The chat it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    chat: Option<Jid>,
    /// What it says.
    #[schema(value_type = Object)]
    data: serde_json::Value,
}

/// A timer that an extension set, and that has come due.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TimerEvent)]
pub(in crate::native) struct TimerView {
    /// Which extension.
    #[schema(value_type = String, example = "reminders")]
    extension: ExtensionName,
    /// What it called the timer.
    name: String,
    /// The chat it was set in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    chat: Option<Jid>,
    /// What it was given.
    #[schema(value_type = Object)]
    data: serde_json::Value,
}

/// What an extension wrote; it was checked to be a JSON object before it was stored.
pub(super) fn data(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_default()
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
            call: None,
            chat: None,
            contact: None,
            group: None,
            status: None,
            qr: None,
            webhook: None,
            campaign: None,
            custom: None,
            timer: None,
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
                view.presence = Some(PresenceView {
                    chat: Some(chat),
                    by,
                    state,
                    last_seen: None,
                });
            }
            EventBody::Presence {
                by,
                online,
                last_seen,
            } => {
                view.presence = Some(PresenceView {
                    chat: None,
                    by,
                    state: if online { "online" } else { "offline" }.to_owned(),
                    last_seen,
                });
            }
            EventBody::Call {
                call,
                by,
                video,
                group,
                state,
            } => {
                view.call = Some(CallView {
                    id: call,
                    by,
                    video,
                    group,
                    state: state.into(),
                });
            }
            EventBody::GroupUpdated { group, by, change } => {
                view.group = Some(GroupChangeView {
                    group,
                    by,
                    change: change.what,
                    members: change.members,
                    text: change.text,
                });
            }
            EventBody::ChatUpdated { chat, change } => {
                let change = KeptView::from(change);
                view.chat = Some(ChatChangeView { chat, change });
            }
            EventBody::ContactUpdated {
                contact,
                alt,
                change,
            } => {
                let (what, value) = told(change);
                view.contact = Some(ContactChangeView {
                    contact,
                    alt,
                    what,
                    value,
                });
            }
            EventBody::SessionStatus { from, to, reason } => {
                view.status = Some(StatusChangeView {
                    from: from.into(),
                    to: to.into(),
                    reason,
                });
            }
            EventBody::WebhookDisabled { webhook, reason } => {
                view.webhook = Some(WebhookOffView {
                    id: webhook,
                    reason,
                });
            }
            EventBody::CampaignStatus { progress } => view.campaign = Some((*progress).into()),
            EventBody::SessionQr { expires_at } => view.qr = Some(QrOfferView { expires_at }),
            EventBody::Custom {
                by,
                chat,
                data: said,
                ..
            } => {
                let data = data(&said);
                view.custom = Some(CustomView { by, chat, data });
            }
            EventBody::Timer {
                extension,
                name,
                chat,
                data: given,
            } => {
                view.timer = Some(TimerView {
                    extension,
                    name,
                    chat,
                    data: data(&given),
                });
            }
        }
        view
    }
}

impl From<ChatChange> for KeptView {
    fn from(change: ChatChange) -> Self {
        let mut view = Self::default();
        match change {
            ChatChange::Archived { archived } => view.archived = Some(archived),
            ChatChange::Pinned { pinned } => view.pinned = Some(pinned),
            ChatChange::Muted { until } => {
                view.muted = Some(until.is_some());
                view.muted_until = until;
            }
            ChatChange::Read { read } => view.read = Some(read),
            ChatChange::Deleted => view.deleted = Some(true),
        }
        view
    }
}

fn told(change: ContactChange) -> (&'static str, Option<String>) {
    match change {
        ContactChange::PushName { name } => ("pushName", Some(name)),
        ContactChange::Name { name } => ("name", name),
        ContactChange::SavedName { name } => ("savedName", name),
        ContactChange::Picture { id } => ("picture", id),
        ContactChange::About { text } => ("about", Some(text)),
        ContactChange::Number { jid } => ("number", Some(jid.to_string())),
    }
}
