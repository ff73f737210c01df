//! Campaigns: one message for many recipients, each sent to at most once.
//!
//! A campaign is a content and a list of recipients that is frozen when it is made: address, fields
//! and the id its message has on the wire. What is sent and when is decided above; these are the
//! words and the table of states.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::content::Content;
use crate::extension::ExtensionName;
use crate::ids::{CampaignId, MessageId, SessionId, UserId, WhatsAppId};
use crate::jid::Jid;
use crate::message::MessageStatus;
use crate::pacing::QuietHours;

/// One message for many recipients.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// Whether it is a campaign or a broadcast.
    pub kind: CampaignKind,
    /// Whose it is: the owner of its sessions when it was made.
    pub owner: Option<UserId>,
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub state: CampaignState,
    /// Why it stands there, where that needs words.
    pub reason: Option<String>,
    /// The sessions that send, in turn; at least one.
    pub sessions: Vec<SessionId>,
    /// What is sent; its text or caption is a template.
    pub content: Content,
    /// The extension that writes each message of that template; none for the host itself.
    pub writer: Option<ExtensionName>,
    /// The names of the fields that recipients have.
    pub columns: Vec<String>,
    /// How its messages are spaced out.
    pub rules: CampaignRules,
    /// When it starts by itself.
    pub start_at: Option<Timestamp>,
    /// How often it was started; retrying what failed is another run.
    pub run: u32,
    /// Who made it, as the log of changes calls them.
    pub made_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was started first.
    pub started_at: Option<Timestamp>,
    /// When it came to its end.
    pub ended_at: Option<Timestamp>,
}

impl Campaign {
    /// Longest name, in characters.
    pub const MAX_NAME: usize = 120;
    /// Most recipients.
    pub const MAX_RECIPIENTS: usize = 100_000;
    /// Most sessions in rotation.
    pub const MAX_SESSIONS: usize = 32;
    /// Most fields of a recipient.
    pub const MAX_FIELDS: usize = 64;
    /// Longest value of a field, in bytes.
    pub const MAX_VALUE: usize = 4096;
}

/// What a campaign is to whoever made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CampaignKind {
    /// A draft that is started when it is ready.
    Campaign,
    /// The same for everybody, sent as soon as it is made.
    Broadcast,
}

impl CampaignKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Campaign => "campaign",
            Self::Broadcast => "broadcast",
        }
    }

    /// The kind with this word.
    pub fn parse(word: &str) -> Option<Self> {
        let all = [Self::Campaign, Self::Broadcast];
        all.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// How the messages of a campaign are spaced out, over what holds for its sessions anyway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CampaignRules {
    /// The pause between two messages of one session, in milliseconds.
    pub delay_millis: u64,
    /// By how many percent that pause is varied, at most 100.
    pub jitter_percent: u8,
    /// Most messages in an hour, by all sessions together; 0 is any number.
    pub per_hour: u32,
    /// When nothing goes out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quiet: Option<QuietHours>,
    /// Whether numbers are looked up before anything is sent to them.
    pub check_numbers: bool,
}

impl CampaignRules {
    /// The pause where nothing is said, in milliseconds.
    pub const DELAY: u64 = 3_000;
    /// Longest pause, in milliseconds: an hour.
    pub const MAX_DELAY: u64 = 3_600_000;
    /// Most messages in an hour that can be counted.
    pub const MAX_PER_HOUR: u32 = 100_000;

    /// The pause after a message, before it is varied.
    pub fn delay(&self) -> std::time::Duration {
        std::time::Duration::from_millis(self.delay_millis)
    }
}

impl Default for CampaignRules {
    fn default() -> Self {
        Self {
            delay_millis: Self::DELAY,
            jitter_percent: 30,
            per_hour: 0,
            quiet: None,
            check_numbers: true,
        }
    }
}

/// Where a campaign stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CampaignState {
    /// It can be changed, and waits to be started.
    Draft,
    /// It starts by itself at its time.
    Scheduled,
    /// It sends.
    Running,
    /// It rests until it is resumed.
    Paused,
    /// Every recipient has been dealt with.
    Completed,
    /// It was ended before that.
    Cancelled,
    /// It cannot go on.
    Failed,
}

impl CampaignState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Draft,
        Self::Scheduled,
        Self::Running,
        Self::Paused,
        Self::Completed,
        Self::Cancelled,
        Self::Failed,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Where a campaign stands after `step`; nothing when that is not possible from here.
    pub fn after(self, step: CampaignStep) -> Option<Self> {
        match (self, step) {
            (Self::Draft | Self::Scheduled, CampaignStep::Start)
            | (Self::Paused | Self::Failed, CampaignStep::Resume)
            | (Self::Completed | Self::Cancelled | Self::Failed, CampaignStep::Retry) => {
                Some(Self::Running)
            }
            (Self::Draft, CampaignStep::Schedule) => Some(Self::Scheduled),
            (Self::Scheduled, CampaignStep::Unschedule) => Some(Self::Draft),
            (Self::Running, CampaignStep::Pause) => Some(Self::Paused),
            (
                Self::Draft | Self::Scheduled | Self::Running | Self::Paused | Self::Failed,
                CampaignStep::Cancel,
            ) => Some(Self::Cancelled),
            (Self::Running, CampaignStep::Complete) => Some(Self::Completed),
            (Self::Running, CampaignStep::Fail) => Some(Self::Failed),
            _ => None,
        }
    }

    /// Whether its name, content, recipients and rules can still be changed.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Scheduled)
    }

    /// Whether nothing more happens by itself.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Failed)
    }
}

/// A word that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of {known}")]
pub struct BadState {
    word: String,
    known: String,
}

impl BadState {
    fn of(word: &str, known: &[&str]) -> Self {
        Self {
            word: word.chars().take(32).collect(),
            known: known.join(", "),
        }
    }
}

impl std::str::FromStr for CampaignState {
    type Err = BadState;

    fn from_str(word: &str) -> Result<Self, BadState> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| BadState::of(word, &Self::ALL.map(Self::as_str)))
    }
}

/// What can be done with a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CampaignStep {
    /// Begin to send.
    Start,
    /// Begin at a time.
    Schedule,
    /// Do not begin at that time after all.
    Unschedule,
    /// Rest.
    Pause,
    /// Go on.
    Resume,
    /// Send to those again for whom it failed.
    Retry,
    /// End it.
    Cancel,
    /// It is through.
    Complete,
    /// It cannot go on.
    Fail,
}

impl CampaignStep {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Schedule => "schedule",
            Self::Unschedule => "unschedule",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Retry => "retry",
            Self::Cancel => "cancel",
            Self::Complete => "complete",
            Self::Fail => "fail",
        }
    }
}

/// One recipient of a campaign, frozen when the campaign was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignRecipient {
    /// Its place in the campaign, from 1.
    pub place: u32,
    /// To whom.
    pub to: Jid,
    /// What the recipient is called.
    pub name: Option<String>,
    /// What else is known: names and values.
    pub fields: Vec<(String, String)>,
    /// The id the message has on the wire, whenever it is sent.
    pub whatsapp_id: WhatsAppId,
    /// How far it is.
    pub state: RecipientState,
    /// The session that sends, once that is decided.
    pub session: Option<SessionId>,
    /// The message, once there is one.
    pub message: Option<MessageId>,
    /// When the message was put into the outbox.
    pub queued_at: Option<Timestamp>,
    /// When the network took it over.
    pub sent_at: Option<Timestamp>,
    /// Why it failed or was left out, in a stable word.
    pub code: Option<String>,
    /// The same in a sentence.
    pub error: Option<String>,
}

impl CampaignRecipient {
    /// Everything a template can name: the name, the number and the fields.
    pub fn all_fields(&self) -> Vec<(String, String)> {
        let fields = self.fields.iter();
        let fields = fields.map(|(name, value)| (name.as_str(), value.as_str()));
        all_fields(&self.to, self.name.as_deref(), fields)
    }
}

/// Everything a template can name about the recipient `to`: the name, the number and the fields.
pub fn all_fields<'f>(
    to: &Jid,
    name: Option<&str>,
    fields: impl Iterator<Item = (&'f str, &'f str)>,
) -> Vec<(String, String)> {
    let mut all = Vec::with_capacity(fields.size_hint().0 + 2);
    if let Some(name) = name {
        all.push(("name".to_owned(), name.to_owned()));
    }
    if let Some(number) = to.phone_number() {
        all.push(("number".to_owned(), number.to_string()));
    }
    all.extend(fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
    all
}

/// How far a recipient is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecipientState {
    /// Nothing was sent yet.
    Planned,
    /// The message is in the outbox.
    Queued,
    /// The network has it.
    Sent,
    /// The recipient's phone has it.
    Delivered,
    /// The recipient has read it.
    Read,
    /// It was given up.
    Failed,
    /// The number has no WhatsApp account.
    Invalid,
    /// The recipient does not want to be written to.
    Suppressed,
    /// The campaign was cancelled before.
    Cancelled,
}

impl RecipientState {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Planned,
        Self::Queued,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
        Self::Invalid,
        Self::Suppressed,
        Self::Cancelled,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Invalid => "invalid",
            Self::Suppressed => "suppressed",
            Self::Cancelled => "cancelled",
        }
    }

    /// How far a recipient is whose message is that far.
    pub fn of(status: MessageStatus) -> Self {
        match status {
            MessageStatus::Queued => Self::Queued,
            MessageStatus::Sent | MessageStatus::Received => Self::Sent,
            MessageStatus::Delivered => Self::Delivered,
            MessageStatus::Read | MessageStatus::Played => Self::Read,
            MessageStatus::Failed => Self::Failed,
            MessageStatus::Cancelled => Self::Cancelled,
        }
    }
}

impl std::str::FromStr for RecipientState {
    type Err = BadState;

    fn from_str(word: &str) -> Result<Self, BadState> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == word);
        found.ok_or_else(|| BadState::of(word, &Self::ALL.map(Self::as_str)))
    }
}

/// How many recipients of a campaign are how far; each is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CampaignCounts {
    /// Nothing was sent yet.
    pub planned: u64,
    /// In the outbox.
    pub queued: u64,
    /// Taken over by the network.
    pub sent: u64,
    /// On the recipient's phone.
    pub delivered: u64,
    /// Read.
    pub read: u64,
    /// Given up.
    pub failed: u64,
    /// Without a WhatsApp account.
    pub invalid: u64,
    /// Left out, since they do not want to be written to.
    pub suppressed: u64,
    /// Left out, since the campaign was cancelled.
    pub cancelled: u64,
}

impl CampaignCounts {
    /// The count of one state.
    pub fn of_mut(&mut self, state: RecipientState) -> &mut u64 {
        match state {
            RecipientState::Planned => &mut self.planned,
            RecipientState::Queued => &mut self.queued,
            RecipientState::Sent => &mut self.sent,
            RecipientState::Delivered => &mut self.delivered,
            RecipientState::Read => &mut self.read,
            RecipientState::Failed => &mut self.failed,
            RecipientState::Invalid => &mut self.invalid,
            RecipientState::Suppressed => &mut self.suppressed,
            RecipientState::Cancelled => &mut self.cancelled,
        }
    }

    /// Those whose message the network has taken over.
    pub fn reached(&self) -> u64 {
        self.sent + self.delivered + self.read
    }

    /// Those for whom something is still to be done.
    pub fn open(&self) -> u64 {
        self.planned + self.queued
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        let out = self.failed + self.invalid + self.suppressed + self.cancelled;
        self.open() + self.reached() + out
    }
}

/// Where a campaign stands, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Which campaign.
    pub id: CampaignId,
    /// What it is called.
    pub name: String,
    /// Where it stands.
    pub state: CampaignState,
    /// Why, where that needs words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// How many recipients are how far.
    pub counts: CampaignCounts,
}

/// Somebody who does not want campaigns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The user whose sessions leave them out; nobody for sessions without an owner.
    pub owner: Option<UserId>,
    /// The one session that leaves them out; all of the owner's when absent.
    pub session: Option<SessionId>,
    /// Who.
    pub jid: Jid,
    /// Why: `opt-out` when they wrote so themselves, else what was said when they were added.
    pub reason: String,
    /// Since when.
    pub created_at: Timestamp,
}

impl Suppression {
    /// The reason of those who wrote so themselves.
    pub const OPT_OUT: &'static str = "opt-out";
    /// Longest reason, in characters.
    pub const MAX_REASON: usize = 200;
    /// Most that an owner has.
    pub const MOST: u64 = 1_000_000;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_that_is_over_does_nothing_but_retry() {
        for state in CampaignState::ALL {
            if !state.is_over() {
                continue;
            }
            assert_eq!(
                state.after(CampaignStep::Retry),
                Some(CampaignState::Running)
            );
            assert_eq!(state.after(CampaignStep::Start), None);
            assert_eq!(state.after(CampaignStep::Pause), None);
        }
        assert_eq!(CampaignState::Running.after(CampaignStep::Start), None);
    }

    #[test]
    fn every_word_is_read_back() {
        for state in CampaignState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        for state in RecipientState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("sending".parse::<CampaignState>().is_err());
    }
}
