//! Making campaigns, changing and copying them.

use std::sync::Arc;

use tracing::info;
use warbler_domain::campaign::{Campaign, CampaignKind, CampaignRules, CampaignState};
use warbler_domain::{
    Caller, CampaignId, Content, ExtensionName, Jid, Scope, SessionId, SessionRef, Timestamp,
};
use warbler_store::campaigns::ListId;

use super::collect::Recipients;
use super::fitting::{self, Unwritable};
use super::write::template_of;
use super::{CampaignError, CampaignStatus, Campaigns, lists};
use crate::audit;
use crate::idempotency::Claim;
use crate::messages::{Messages, NewContent, in_time};
use crate::sessions::usable_by;

/// The address of nobody.
const NOBODY: &str = "10000000@s.whatsapp.net";

/// A campaign or broadcast to make.
#[derive(Debug, Clone)]
pub struct CreateCampaign {
    /// A draft, or sent at once.
    pub kind: CampaignKind,
    /// What it is called.
    pub name: String,
    /// The sessions that send, in turn.
    pub sessions: Vec<SessionRef>,
    /// What is sent; its text or caption is a template.
    pub content: NewContent,
    /// The extension that writes each message.
    pub writer: Option<ExtensionName>,
    /// To whom.
    pub recipients: Recipients,
    /// Whether rows that cannot be used are left out, rather than all refused.
    pub skip_bad: bool,
    /// Whether a text that cannot be written for a recipient fails for that recipient when it is
    /// sent, rather than being a row that cannot be used.
    pub texts_later: bool,
    /// How messages are spaced out.
    pub rules: CampaignRules,
    /// When it starts by itself; broadcasts start at once when nothing is said.
    pub start_at: Option<Timestamp>,
}

/// What is to be different about a draft; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct ChangeCampaign {
    /// What it is called.
    pub name: Option<String>,
    /// The sessions that send.
    pub sessions: Option<Vec<SessionRef>>,
    /// What is sent.
    pub content: Option<NewContent>,
    /// The extension that writes each message; inside nothing for none.
    pub writer: Option<Option<ExtensionName>>,
    /// How messages are spaced out.
    pub rules: Option<CampaignRules>,
    /// When it starts by itself; inside nothing for not by itself.
    pub start_at: Option<Option<Timestamp>>,
}

impl Campaigns {
    /// Makes one, whole or not at all. Under a `claim` it is made once; its answer is the id.
    pub async fn create(
        &self,
        caller: &Caller,
        command: CreateCampaign,
        claim: Option<Claim>,
    ) -> Result<CampaignStatus, CampaignError> {
        caller.require(Scope::Send)?;
        let sessions = self.sessions(caller, &command.sessions).await?;
        let name = checked_name(command.name)?;
        let rules = checked_rules(command.rules)?;
        let list = usable(command.recipients, command.skip_bad)?;
        let now = self.shared.clock.now();
        let start_at = self.checked_start(command.start_at)?;
        let state = match (command.kind, start_at) {
            (_, Some(_)) => CampaignState::Scheduled,
            (CampaignKind::Broadcast, None) => CampaignState::Running,
            (CampaignKind::Campaign, None) => CampaignState::Draft,
        };
        let has_to_send = state != CampaignState::Draft;
        if has_to_send && list.good.is_empty() {
            return Err(CampaignError::NoRecipients);
        }
        let content = self.content(caller, command.content).await?;
        let id = CampaignId::new(now, &self.shared.random);
        let first = sessions
            .first()
            .copied()
            .ok_or(CampaignError::BadSessions)?;
        let campaign = Campaign {
            id,
            kind: command.kind,
            owner: self.shared.directory.owner(first).flatten(),
            name,
            state,
            reason: None,
            sessions,
            content,
            writer: command.writer,
            columns: list.columns,
            rules,
            start_at,
            run: u32::from(state == CampaignState::Running),
            made_by: caller.label(),
            created_at: now,
            started_at: (state == CampaignState::Running).then_some(now),
            ended_at: None,
        };
        self.check_writing(&campaign)?;
        let unwritable = match command.texts_later {
            true => Unwritable::Later,
            false => Unwritable::of(command.skip_bad),
        };
        let list = fitting::frozen(&self.shared, &campaign, list.good, unwritable).await?;
        if has_to_send && list.is_empty() {
            return Err(CampaignError::NoRecipients);
        }
        let list = lists::store(&self.shared, list).await?;
        let record = claim.as_ref().map(|claim| claim.record(&id)).transpose()?;
        let entry = audit::done(&self.shared, caller, "campaign.create", id, &campaign.name);
        let inserting = self.shared.store.write(move |tx| {
            if tx.campaigns().open()? >= Self::MOST_OPEN {
                return Err(CampaignError::TooMany);
            }
            if !tx.campaigns_mut().insert(&campaign, list)? {
                return Err(lists::lost());
            }
            tx.audit_mut().insert(&entry)?;
            if let Some(record) = &record {
                record.put(tx)?;
            }
            let counts = tx.campaigns().counts(id)?;
            Ok(CampaignStatus { campaign, counts })
        });
        let made = self.or_forgotten(list, inserting.await).await?;
        info!(campaign.id = %id, count = made.counts.total(), "A campaign was made");
        self.shared.campaigns.wake();
        Ok(made)
    }

    /// Changes one that was not started yet.
    pub async fn change(
        &self,
        caller: &Caller,
        id: CampaignId,
        change: ChangeCampaign,
    ) -> Result<CampaignStatus, CampaignError> {
        let mut campaign = self.visible(caller, id, Scope::Send).await?;
        if let Some(sessions) = &change.sessions {
            campaign.sessions = self.sessions(caller, sessions).await?;
        }
        if let Some(name) = change.name {
            campaign.name = checked_name(name)?;
        }
        if let Some(rules) = change.rules {
            campaign.rules = checked_rules(rules)?;
        }
        let anew = change.content.is_some() || change.writer.is_some();
        if let Some(content) = change.content {
            campaign.content = self.content(caller, content).await?;
        }
        if let Some(writer) = change.writer {
            campaign.writer = writer;
        }
        if let Some(start_at) = change.start_at {
            campaign.start_at = self.checked_start(start_at)?;
            campaign.state = match campaign.start_at {
                Some(_) => CampaignState::Scheduled,
                None => CampaignState::Draft,
            };
        }
        self.check_writing(&campaign)?;
        if anew {
            fitting::check(&self.shared, &campaign).await?;
        }
        self.put(caller, campaign, "campaign.update", None).await
    }

    /// Puts these recipients in the place of those that a campaign has which was not started yet.
    pub async fn replace_recipients(
        &self,
        caller: &Caller,
        id: CampaignId,
        list: Recipients,
        skip_bad: bool,
    ) -> Result<CampaignStatus, CampaignError> {
        let mut campaign = self.visible(caller, id, Scope::Send).await?;
        let list = usable(list, skip_bad)?;
        campaign.columns = list.columns;
        self.check_writing(&campaign)?;
        let list = fitting::frozen(&self.shared, &campaign, list.good, Unwritable::of(skip_bad));
        let list = list.await?;
        let list = lists::store(&self.shared, list).await?;
        let put = self.put(caller, campaign, "campaign.recipients", Some(list));
        let put = put.await;
        self.or_forgotten(list, put).await
    }

    /// Writes a campaign that is still open, and its recipients if they are new.
    async fn put(
        &self,
        caller: &Caller,
        campaign: Campaign,
        action: &str,
        list: Option<ListId>,
    ) -> Result<CampaignStatus, CampaignError> {
        let id = campaign.id;
        let entry = audit::done(&self.shared, caller, action, id, &campaign.name);
        let writing = self.shared.store.write(move |tx| {
            let stored = tx.campaigns().get(id)?.ok_or(CampaignError::Unknown(id))?;
            if !stored.state.is_open() {
                return Err(CampaignError::WrongState {
                    state: stored.state,
                    wanted: "changed; clone it",
                });
            }
            tx.campaigns_mut().update(&campaign)?;
            if let Some(list) = list
                && !tx.campaigns_mut().take_list(id, list)?
            {
                return Err(lists::lost());
            }
            tx.audit_mut().insert(&entry)?;
            let counts = tx.campaigns().counts(id)?;
            if campaign.state == CampaignState::Scheduled && counts.total() == 0 {
                return Err(CampaignError::NoRecipients);
            }
            Ok(CampaignStatus { campaign, counts })
        });
        let changed = writing.await?;
        self.shared.campaigns.wake();
        Ok(changed)
    }

    /// Copies one into a new draft, with nothing sent.
    pub async fn copy(
        &self,
        caller: &Caller,
        id: CampaignId,
        name: Option<String>,
    ) -> Result<CampaignStatus, CampaignError> {
        let from = self.visible(caller, id, Scope::Send).await?;
        let name = match name {
            Some(name) => checked_name(name)?,
            None => copied_name(&from.name),
        };
        let now = self.shared.clock.now();
        let copy = Campaign {
            id: CampaignId::new(now, &self.shared.random),
            kind: CampaignKind::Campaign,
            name,
            state: CampaignState::Draft,
            reason: None,
            start_at: None,
            run: 0,
            made_by: caller.label(),
            created_at: now,
            started_at: None,
            ended_at: None,
            ..from
        };
        let list = loop {
            if let Some(list) = lists::copy(&self.shared, id).await? {
                break list;
            }
        };
        let entry = audit::done(&self.shared, caller, "campaign.clone", copy.id, &copy.name);
        let copying = self.shared.store.write(move |tx| {
            if tx.campaigns().open()? >= Self::MOST_OPEN {
                return Err(CampaignError::TooMany);
            }
            if !tx.campaigns_mut().insert(&copy, list)? {
                return Err(lists::lost());
            }
            tx.audit_mut().insert(&entry)?;
            let counts = tx.campaigns().counts(copy.id)?;
            Ok(CampaignStatus {
                campaign: copy,
                counts,
            })
        });
        self.or_forgotten(list, copying.await).await
    }

    /// What was done with a list; the list is not needed any more when that was refused.
    async fn or_forgotten<T>(
        &self,
        list: ListId,
        done: Result<T, CampaignError>,
    ) -> Result<T, CampaignError> {
        if done.is_err() {
            // What is not dropped now is swept up later.
            drop(lists::forget(&self.shared, list).await);
        }
        done
    }

    /// The sessions that are named, each the caller's.
    async fn sessions(
        &self,
        caller: &Caller,
        named: &[SessionRef],
    ) -> Result<Vec<SessionId>, CampaignError> {
        if named.is_empty() || named.len() > Campaign::MAX_SESSIONS {
            return Err(CampaignError::BadSessions);
        }
        let mut sessions = Vec::with_capacity(named.len());
        for session in named {
            let found = usable_by(&self.shared, caller, session, Scope::Send).await?;
            if sessions.contains(&found.id) {
                return Err(CampaignError::BadSessions);
            }
            sessions.push(found.id);
        }
        Ok(sessions)
    }

    /// What is sent to everybody.
    async fn content(
        &self,
        caller: &Caller,
        content: NewContent,
    ) -> Result<Content, CampaignError> {
        let for_many = matches!(
            content,
            NewContent::Text(_)
                | NewContent::Media(_)
                | NewContent::Location(_)
                | NewContent::Contacts(_)
                | NewContent::Poll(_)
        );
        if !for_many {
            return Err(CampaignError::ContentNotPossible);
        }
        let messages = Messages::new(Arc::clone(&self.shared));
        let now = self.shared.clock.now();
        // Only mentions of everybody need a group; there is no one chat here.
        let nobody: Jid = NOBODY
            .parse()
            .map_err(|_| CampaignError::ContentNotPossible)?;
        let content = messages.content(caller, &nobody, content, &[], now).await?;
        Ok(content)
    }

    fn checked_start(&self, at: Option<Timestamp>) -> Result<Option<Timestamp>, CampaignError> {
        let now = self.shared.clock.now();
        let checked = at.map(|at| in_time(at, now)).transpose();
        checked.map_err(|_| CampaignError::BadStart)
    }

    /// Refuses a text that is no template, and an extension that writes nothing.
    fn check_writing(&self, campaign: &Campaign) -> Result<(), CampaignError> {
        let Some(writer) = &campaign.writer else {
            template_of(campaign)?;
            return Ok(());
        };
        if !matches!(campaign.content, Content::Text(_) | Content::Media(_)) {
            return Err(CampaignError::NothingToWrite);
        }
        let hooks = self.shared.extensions.templates();
        if !hooks.iter().any(|hook| hook.name() == writer) {
            return Err(CampaignError::UnknownWriter(writer.clone()));
        }
        Ok(())
    }
}

fn usable(list: Recipients, skip_bad: bool) -> Result<Recipients, CampaignError> {
    if list.bad > 0 && !skip_bad {
        return Err(CampaignError::bad_rows(list));
    }
    Ok(list)
}

fn checked_name(name: String) -> Result<String, CampaignError> {
    let name = name.trim().to_owned();
    let fits = !name.is_empty() && name.chars().count() <= Campaign::MAX_NAME;
    if fits && !name.chars().any(char::is_control) {
        Ok(name)
    } else {
        Err(CampaignError::BadName)
    }
}

fn copied_name(name: &str) -> String {
    const MARK: &str = " (copy)";
    let kept = Campaign::MAX_NAME - MARK.len();
    let kept: String = name.chars().take(kept).collect();
    format!("{kept}{MARK}")
}

fn checked_rules(rules: CampaignRules) -> Result<CampaignRules, CampaignError> {
    let fits = rules.delay_millis <= CampaignRules::MAX_DELAY
        && rules.jitter_percent <= 100
        && rules.per_hour <= CampaignRules::MAX_PER_HOUR;
    fits.then_some(rules).ok_or(CampaignError::BadRules)
}
