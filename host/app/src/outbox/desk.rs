//! The outbox of each session, as callers see and steer it.

use std::sync::Arc;

use tracing::info;
use warbler_domain::pacing::{BadPacing, Pacing};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{
    Caller, FailureCode, Message, Refusal, RefusalKind, Scope, Session, SessionId, SessionRef,
    Timestamp,
};
use warbler_store::outbox::OutboxRow;
pub use warbler_store::outbox::Standing;
use warbler_store::sending::SessionSending;
use warbler_store::{Error as StoreError, Writer};

use super::TIDIED;
use crate::audit;
use crate::core::Shared;
use crate::sessions::{SessionError, usable_by};

/// Why something about an outbox was refused.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Rules that make no sense.
    #[error(transparent)]
    Pacing(#[from] BadPacing),
    /// The database.
    #[error("the outbox could not be read or written")]
    Store(#[from] StoreError),
}

impl Refusal for OutboxError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::Pacing(_) => RefusalKind::Invalid,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::Pacing(_) => "bad_pacing",
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// How the outbox of a session stands.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxStatus {
    /// Messages that wait for their turn.
    pub queued: u64,
    /// Messages that wait for their time.
    pub scheduled: u64,
    /// Messages being handed to the network.
    pub under_way: u64,
    /// Messages that were given up and are kept.
    pub dead: u64,
    /// Since when the oldest of those that wait for their turn does.
    pub oldest: Option<Timestamp>,
    /// When the next scheduled message is due.
    pub next_scheduled: Option<Timestamp>,
    /// Messages the network took over in the last minute, since the host started.
    pub sent_last_minute: u64,
    /// Messages the network took over in the last hour, since the host started.
    pub sent_last_hour: u64,
    /// Until when pacing holds the whole session back, and why.
    pub paced: Option<(Timestamp, &'static str)>,
    /// Since when the outbox rests, if it does.
    pub paused_at: Option<Timestamp>,
    /// The rules that hold.
    pub rules: SendingRules,
}

/// The rules by which a session sends.
#[derive(Debug, Clone, PartialEq)]
pub struct SendingRules {
    /// The rules.
    pub pacing: Arc<Pacing>,
    /// Whether they are the session's own, and not the host's.
    pub own: bool,
}

/// A message that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingMessage {
    /// The message.
    pub message: Message,
    /// Where it stands.
    pub standing: Standing,
    /// When it may go out.
    pub due_at: Timestamp,
    /// Why it may not go out earlier, if pacing says so.
    pub delayed: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// A message that was given up.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadMessage {
    /// The message.
    pub message: Message,
    /// Why.
    pub code: FailureCode,
    /// Why, in words.
    pub error: Option<String>,
    /// When.
    pub failed_at: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
}

/// The outbox of each session.
pub struct Outboxes {
    shared: Arc<Shared>,
}

impl Outboxes {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// How the outbox of a session stands.
    pub async fn status(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<OutboxStatus, OutboxError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        self.status_of(session.id).await
    }

    /// What waits in the outbox of a session, the newest first.
    pub async fn waiting(
        &self,
        caller: &Caller,
        session: &SessionRef,
        page: PageRequest,
    ) -> Result<Page<WaitingMessage>, OutboxError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let now = self.shared.clock.now();
        let hold = self.shared.pacer.hold(session.id, now);
        let page = self.shared.store.read(move |db| {
            let page = db.outbox().waiting(session.id, now, page)?;
            let mut items = Vec::with_capacity(page.items.len());
            for waiting in page.items {
                let Some(message) = db.messages().get(waiting.row.message)? else {
                    continue;
                };
                let mut shown = WaitingMessage {
                    message,
                    standing: waiting.standing,
                    due_at: waiting.due_at,
                    delayed: waiting.delayed,
                    attempts: waiting.row.attempts,
                    last_error: waiting.row.last_error,
                };
                if let Some(hold) = hold
                    && shown.standing == Standing::Queued
                    && shown.due_at < hold.until
                {
                    shown.due_at = hold.until;
                    shown.delayed = Some(hold.why.to_owned());
                }
                items.push(shown);
            }
            Ok::<_, StoreError>(Page {
                items,
                next: page.next,
            })
        });
        Ok(page.await?)
    }

    /// Lets the outbox of a session rest: what is accepted waits until it is resumed.
    pub async fn pause(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<OutboxStatus, OutboxError> {
        let now = self.shared.clock.now();
        self.set(caller, session, "sending.pause", |sending| {
            sending.paused_at = sending.paused_at.or(Some(now));
        })
        .await?;
        self.status(caller, session).await
    }

    /// Ends the rest of a session's outbox.
    pub async fn resume(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<OutboxStatus, OutboxError> {
        self.set(caller, session, "sending.resume", |sending| {
            sending.paused_at = None;
        })
        .await?;
        self.status(caller, session).await
    }

    /// The rules by which a session sends.
    pub async fn rules(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<SendingRules, OutboxError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        Ok(self.rules_of(session.id))
    }

    /// Gives a session rules of its own, or the host's again.
    pub async fn set_rules(
        &self,
        caller: &Caller,
        session: &SessionRef,
        pacing: Option<Pacing>,
    ) -> Result<SendingRules, OutboxError> {
        let pacing = pacing.map(Pacing::checked).transpose()?;
        let session = self
            .set(caller, session, "sending.rules", |sending| {
                sending.pacing = pacing;
            })
            .await?;
        Ok(self.rules_of(session.id))
    }

    /// Messages that were given up, of one session or of all that the caller may use, the newest
    /// first.
    pub async fn dead_letters(
        &self,
        caller: &Caller,
        session: Option<&SessionRef>,
        page: PageRequest,
    ) -> Result<Page<DeadMessage>, OutboxError> {
        let sessions = match session {
            Some(session) => {
                let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
                Some(vec![session.id])
            }
            None => {
                caller.require(Scope::Read).map_err(SessionError::from)?;
                crate::sessions::within_reach(&self.shared, caller)
            }
        };
        let page = self.shared.store.read(move |db| {
            let page = db.outbox().dead_letters(sessions.as_deref(), page)?;
            let mut items = Vec::with_capacity(page.items.len());
            for dead in page.items {
                if let Some(message) = db.messages().get(dead.row.message)? {
                    items.push(DeadMessage {
                        message,
                        code: dead.code,
                        error: dead.row.last_error,
                        failed_at: dead.failed_at,
                        attempts: dead.row.attempts,
                    });
                }
            }
            Ok::<_, StoreError>(Page {
                items,
                next: page.next,
            })
        });
        Ok(page.await?)
    }

    /// Lets everything that was given up in a session be tried again, in the order in which it was
    /// accepted; how many messages.
    pub async fn replay_all(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<u64, OutboxError> {
        let session = usable_by(&self.shared, caller, session, Scope::Send).await?;
        let now = self.shared.clock.now();
        let count = self
            .each_dead(session.id, move |tx, row| {
                tx.outbox_mut().replay(row, now)?;
                tx.messages_mut().requeue(row.message)
            })
            .await?;
        self.shared.outbox.wake();
        audit::note(&self.shared, caller, "dead-letters.replay", &session).await?;
        Ok(count)
    }

    /// Forgets everything that was given up in a session; the messages stay as they are. How many.
    pub async fn discard_all(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<u64, OutboxError> {
        let session = usable_by(&self.shared, caller, session, Scope::Send).await?;
        let count = self
            .each_dead(session.id, |tx, row| tx.outbox_mut().discard(row))
            .await?;
        audit::note(&self.shared, caller, "dead-letters.discard", &session).await?;
        Ok(count)
    }

    /// Does something that takes each dead letter of a session away, some hundred at a time.
    async fn each_dead(
        &self,
        session: SessionId,
        act: impl Fn(&Writer<'_>, &OutboxRow) -> Result<(), StoreError> + Clone + Send + 'static,
    ) -> Result<u64, OutboxError> {
        let now = self.shared.clock.now();
        let counting = self
            .shared
            .store
            .read(move |db| db.outbox().counts(session, now));
        // What is given up again meanwhile is left alone.
        let there = counting.await?.dead;
        let mut all = 0;
        while all < there {
            let act = act.clone();
            let done = self
                .shared
                .store
                .write(move |tx| {
                    let rows = tx.outbox().dead(session, TIDIED)?;
                    rows.iter().try_for_each(|row| act(tx, row))?;
                    Ok::<_, StoreError>(rows.len())
                })
                .await?;
            all += done as u64;
            if done == 0 {
                break;
            }
        }
        Ok(all)
    }

    async fn set(
        &self,
        caller: &Caller,
        session: &SessionRef,
        action: &str,
        change: impl FnOnce(&mut SessionSending),
    ) -> Result<Session, OutboxError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let before = self.shared.pacer.set(session.id);
        let mut sending = before.clone();
        change(&mut sending);
        // First of all, so that whoever claims by the old rules has done so before they are undone.
        self.shared.pacer.put(session.id, sending.clone());
        let (id, now) = (session.id, self.shared.clock.now());
        let entry = audit::done(&self.shared, caller, action, id, session.name.as_str());
        let storing = self.shared.store.write(move |tx| {
            tx.sending_mut().set(id, &sending)?;
            tx.audit_mut().insert(&entry)?;
            tx.outbox_mut().undelay(id, now)
        });
        if let Err(err) = storing.await {
            self.shared.pacer.put(session.id, before);
            return Err(err.into());
        }
        self.shared.outbox.wake();
        info!(session.id = %id, caller = caller.label(), "How session {} sends was changed", session.name);
        Ok(session)
    }

    fn rules_of(&self, session: SessionId) -> SendingRules {
        let (pacing, own) = self.shared.pacer.rules(session);
        SendingRules { pacing, own }
    }

    async fn status_of(&self, session: SessionId) -> Result<OutboxStatus, OutboxError> {
        let now = self.shared.clock.now();
        let counts = self
            .shared
            .store
            .read(move |db| db.outbox().counts(session, now))
            .await?;
        let pacer = &self.shared.pacer;
        let (sent_last_minute, sent_last_hour) = pacer.counted(session, now);
        Ok(OutboxStatus {
            queued: counts.queued,
            scheduled: counts.scheduled,
            under_way: counts.under_way,
            dead: counts.dead,
            oldest: counts.oldest,
            next_scheduled: counts.next_scheduled,
            sent_last_minute,
            sent_last_hour,
            paced: pacer.hold(session, now).map(|hold| (hold.until, hold.why)),
            paused_at: pacer.set(session).paused_at,
            rules: self.rules_of(session),
        })
    }
}
