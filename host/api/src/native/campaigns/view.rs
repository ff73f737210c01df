//! Campaigns as they are shown.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_app::campaigns::CampaignStatus;
use warbler_domain::campaign::CampaignCounts;
use warbler_domain::{CampaignId, SessionId, Timestamp, UserId};

use super::RulesBody;
use crate::native::words;

/// A campaign and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Campaign, example = json!({
    "id": "0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a",
    "name": "Spring menu",
    "state": "running",
    "sessions": ["0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"],
    "type": "text",
    "text": "Hi {{Name}}, our spring menu is out!",
    "columns": ["companyName"],
    "rules": { "delayMillis": 3000, "jitterPercent": 30, "perHour": 0, "checkNumbers": true },
    "counts": {
        "total": 150, "planned": 90, "queued": 1, "sent": 19, "delivered": 30, "read": 8,
        "failed": 0, "invalid": 2, "suppressed": 0, "cancelled": 0, "reached": 57,
    },
    "run": 1,
    "madeBy": "master-key",
    "createdAt": "2026-05-04T09:29:40.003Z",
    "startedAt": "2026-05-04T09:31:00.000Z",
}))]
pub(crate) struct CampaignView {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: CampaignId,
    /// What it is called.
    name: String,
    /// Where it stands.
    state: words::CampaignState,
    /// Why, where that needs words.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The sessions that send, in turn.
    #[schema(value_type = Vec<String>)]
    sessions: Vec<SessionId>,
    /// The user whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    owner: Option<UserId>,
    /// What is sent.
    r#type: words::MessageType,
    /// Its text or caption, as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The extension that writes each message.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    /// The names of the fields that recipients have, besides name and number.
    columns: Vec<String>,
    /// How messages are spaced out.
    rules: RulesBody,
    /// How many recipients are how far.
    counts: CountsView,
    /// When it starts by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    start_at: Option<Timestamp>,
    /// How often it was started: 0 before the first time, one more for each retry.
    run: u32,
    /// Who made it.
    made_by: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was started first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When it came to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
}

impl From<CampaignStatus> for CampaignView {
    fn from(status: CampaignStatus) -> Self {
        let CampaignStatus { campaign, counts } = status;
        Self {
            id: campaign.id,
            name: campaign.name,
            state: campaign.state.into(),
            reason: campaign.reason,
            sessions: campaign.sessions,
            owner: campaign.owner,
            r#type: (&campaign.content).into(),
            text: campaign.content.readable().map(str::to_owned),
            template: campaign.writer.map(|writer| writer.to_string()),
            columns: campaign.columns,
            rules: campaign.rules.into(),
            counts: counts.into(),
            start_at: campaign.start_at,
            run: campaign.run,
            made_by: campaign.made_by,
            created_at: campaign.created_at,
            started_at: campaign.started_at,
            ended_at: campaign.ended_at,
        }
    }
}

/// How many recipients are how far. Each is counted once, under how far it is now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignCounts)]
pub(crate) struct CountsView {
    /// All of them.
    total: u64,
    /// Nothing was sent yet.
    planned: u64,
    /// In the outbox.
    queued: u64,
    /// Taken over by WhatsApp.
    sent: u64,
    /// On the recipient's phone.
    delivered: u64,
    /// Read.
    read: u64,
    /// Given up.
    failed: u64,
    /// Without a WhatsApp account.
    invalid: u64,
    /// Left out, since they do not want campaigns.
    suppressed: u64,
    /// Left out, since the campaign was cancelled.
    cancelled: u64,
    /// Sent, delivered or read.
    reached: u64,
}

impl From<CampaignCounts> for CountsView {
    fn from(counts: CampaignCounts) -> Self {
        Self {
            total: counts.total(),
            planned: counts.planned,
            queued: counts.queued,
            sent: counts.sent,
            delivered: counts.delivered,
            read: counts.read,
            failed: counts.failed,
            invalid: counts.invalid,
            suppressed: counts.suppressed,
            cancelled: counts.cancelled,
            reached: counts.reached(),
        }
    }
}
