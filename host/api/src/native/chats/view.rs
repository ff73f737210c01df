//! Chats and messages as they are shown.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_app::chats::ListedChat;
use warbler_domain::shown::{Shown, Tally};
use warbler_domain::{Jid, Timestamp};

use crate::native::messages::MessageView;

/// A conversation with somebody or with a group.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Chat, example = json!({
    "jid": "15550123@s.whatsapp.net",
    "name": "Ada",
    "group": false,
    "archived": false,
    "pinned": false,
    "unread": 2,
    "lastAt": "2026-05-04T09:31:00.000Z",
}))]
pub(in crate::native) struct ChatView {
    /// Its address; the one with the phone number, where it is known.
    #[schema(value_type = String)]
    jid: Jid,
    /// The person's other address, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    alt: Option<Jid>,
    /// The group's subject, or the person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Whether it is a group.
    group: bool,
    /// Put away.
    archived: bool,
    /// Kept on top.
    pinned: bool,
    /// Quiet until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    muted_until: Option<Timestamp>,
    /// Messages that came in since it was last read; at least 1 when it is marked as unread.
    unread: u32,
    /// When its newest message was written; left out when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_at: Option<Timestamp>,
    /// Its newest message.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<ShownView>,
}

impl From<ListedChat> for ChatView {
    fn from(ListedChat { chat, newest }: ListedChat) -> Self {
        Self {
            group: chat.jid.is_group(),
            jid: chat.jid,
            alt: chat.alt,
            name: chat.name,
            archived: chat.settings.archived,
            pinned: chat.settings.pinned,
            muted_until: chat.settings.muted_until,
            unread: chat.unread,
            last_at: newest.as_ref().map(|_| chat.last_at),
            newest: newest.map(ShownView::from),
        }
    }
}

/// A message as it stands now: with its newest text, and with what was said about it since.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ShownMessage)]
pub(in crate::native) struct ShownView {
    #[serde(flatten)]
    message: MessageView,
    /// When its author last changed the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    edited_at: Option<Timestamp>,
    /// When it was taken back for everybody; what it said is kept here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
    /// The reactions to it, the most frequent first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    reactions: Vec<ReactionTallyView>,
    /// The votes in it, option by option; of polls only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    results: Vec<VoteTallyView>,
}

/// How often an emoji was given, and by whom.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReactionTally)]
pub(in crate::native) struct ReactionTallyView {
    /// The emoji.
    #[schema(example = "👍")]
    emoji: String,
    /// How many people gave it.
    count: usize,
    /// Who.
    #[schema(value_type = Vec<String>)]
    by: Vec<Jid>,
}

/// How often an option was chosen, and by whom.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VoteTally)]
pub(in crate::native) struct VoteTallyView {
    /// The option.
    option: String,
    /// How many people chose it.
    count: usize,
    /// Who.
    #[schema(value_type = Vec<String>)]
    by: Vec<Jid>,
}

impl From<Shown> for ShownView {
    fn from(shown: Shown) -> Self {
        Self {
            edited_at: shown.edited_at,
            revoked_at: shown.revoked_at,
            reactions: shown.reaction_tally().into_iter().map(Into::into).collect(),
            results: shown.vote_tally().into_iter().map(Into::into).collect(),
            message: shown.message.into(),
        }
    }
}

impl From<Tally> for ReactionTallyView {
    fn from(tally: Tally) -> Self {
        Self {
            emoji: tally.what,
            count: tally.by.len(),
            by: tally.by,
        }
    }
}

impl From<Tally> for VoteTallyView {
    fn from(tally: Tally) -> Self {
        Self {
            option: tally.what,
            count: tally.by.len(),
            by: tally.by,
        }
    }
}
