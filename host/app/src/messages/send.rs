//! Accepting messages: one, or many.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use warbler_domain::content::Text;
use warbler_domain::jid::Server;
use warbler_domain::media::Media as Medium;
use warbler_domain::session::Account;
use warbler_domain::{
    Caller, Content, Jid, Message, Recipient, Refusal, Scope, Session, SessionId, SessionRef,
    Timestamp,
};

use super::compose::{
    checked_caption, checked_text, edit_content, find, mentions, quoting, reaction_content,
    revoke_content, vote_content,
};
use super::error::SendError;
use super::new::{Draft, MediaForm, NewContent, NewMedia};
use super::preview::preview;
use super::status::can_be_status;
use super::{Destination, Messages, outgoing};
use crate::driver::EngineCapability;
use crate::idempotency::Claim;
use crate::media::{Media, NewMedium};
use crate::sessions::usable_by;

/// Most messages in one batch.
pub const MAX_BATCH: usize = 1000;
/// How many days ahead a message may be scheduled.
pub const MAX_DELAY_DAYS: u64 = 366;

/// What became of one message of a batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum BatchItem {
    /// It waits in the outbox.
    Accepted(Box<Message>),
    /// It was not accepted.
    Refused {
        /// The refusal's stable word.
        code: String,
        /// The refusal in words.
        detail: String,
    },
}

impl BatchItem {
    /// A message that was refused before it came here.
    pub fn refused(code: &str, detail: impl Into<String>) -> Self {
        Self::Refused {
            code: code.to_owned(),
            detail: detail.into(),
        }
    }
}

impl Messages {
    /// Accepts a message for sending; the outbox sends it, now or when the session is back. Under
    /// a `claim` it is accepted once.
    pub async fn send(
        &self,
        caller: &Caller,
        session: &SessionRef,
        draft: Draft,
        claim: Option<Claim>,
    ) -> Result<Message, SendError> {
        let (session, account) = self.sender(caller, session).await?;
        let found = self.targets_of(session.id, [&draft]).await?;
        let message = self
            .compose(caller, session.id, &account, draft, &found)
            .await?;
        self.accept(message, claim).await
    }

    /// Accepts many messages for sending, in order: those that can be, in one transaction; what
    /// became of each.
    pub async fn send_batch(
        &self,
        caller: &Caller,
        session: &SessionRef,
        drafts: Vec<Result<Draft, BatchItem>>,
        claim: Option<Claim>,
    ) -> Result<Vec<BatchItem>, SendError> {
        if drafts.is_empty() || drafts.len() > MAX_BATCH {
            return Err(SendError::BadBatch);
        }
        let (session, account) = self.sender(caller, session).await?;
        let good = drafts.iter().filter_map(|draft| draft.as_ref().ok());
        let found = self.targets_of(session.id, good).await?;
        let mut items = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let draft = match draft {
                Ok(draft) => draft,
                Err(refused) => {
                    items.push(refused);
                    continue;
                }
            };
            let composed = self.compose(caller, session.id, &account, draft, &found);
            items.push(match composed.await {
                Ok(message) => BatchItem::Accepted(Box::new(message)),
                // What is not this message's own fault is nobody's answer.
                Err(SendError::Store(err)) => return Err(SendError::Store(err)),
                Err(err) => BatchItem::refused(err.code(), err.public_message()),
            });
        }
        let record = claim
            .as_ref()
            .map(|claim| claim.record(&items))
            .transpose()?;
        let accepted = items.iter().filter_map(|item| match item {
            BatchItem::Accepted(message) => Some((**message).clone()),
            BatchItem::Refused { .. } => None,
        });
        crate::outbox::accept_all(&self.shared, accepted.collect(), record).await?;
        Ok(items)
    }

    pub(super) async fn accept(
        &self,
        message: Message,
        claim: Option<Claim>,
    ) -> Result<Message, SendError> {
        let record = claim
            .as_ref()
            .map(|claim| claim.record(&message))
            .transpose()?;
        let accepting = crate::outbox::accept(&self.shared, message, record);
        accepting.await.map_err(SendError::Store)
    }

    pub(super) async fn sender(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<(Session, Account), SendError> {
        let found = usable_by(&self.shared, caller, session, Scope::Send).await?;
        let account = found.account.clone();
        let account = account.ok_or_else(|| SendError::NotPaired(session.clone()))?;
        Ok((found, account))
    }

    /// The messages that drafts refer to, as far as they are known and as they stand now; one look
    /// for all of them.
    pub(super) async fn targets_of<'a>(
        &self,
        session: SessionId,
        drafts: impl IntoIterator<Item = &'a Draft>,
    ) -> Result<Vec<Message>, SendError> {
        let drafts = drafts.into_iter();
        let mut wanted: Vec<_> = drafts.flat_map(Draft::targets).cloned().collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        wanted.sort_unstable();
        wanted.dedup();
        let reading = self.shared.store.read(move |db| {
            let mut found = Vec::new();
            for id in &wanted {
                for message in db.messages().by_whatsapp_id(session, id)? {
                    found.push(db.annotations().show(message)?.message);
                }
            }
            Ok(found)
        });
        reading.await.map_err(SendError::Store)
    }

    /// A message that an extension asks for, by the same rules as a caller's, not yet accepted.
    pub(crate) async fn composed(
        &self,
        session: SessionId,
        account: &Account,
        draft: Draft,
    ) -> Result<Message, SendError> {
        let found = self.targets_of(session, [&draft]).await?;
        self.compose(&Caller::host(), session, account, draft, &found)
            .await
    }

    /// The chat that messages to this recipient belong to, if anybody can write there.
    pub(super) async fn destination(
        &self,
        session: SessionId,
        to: Recipient,
    ) -> Result<Destination, SendError> {
        let jid = writable(to)?;
        let found = Destination::of(&self.shared, session, jid).await;
        found.map_err(SendError::Store)
    }

    async fn compose(
        &self,
        caller: &Caller,
        session: SessionId,
        account: &Account,
        draft: Draft,
        found: &[Message],
    ) -> Result<Message, SendError> {
        let now = self.shared.clock.now();
        let to = self.destination(session, draft.to).await?;
        let chat = to.chat.clone();
        let is_status = chat.server() == Server::Broadcast;
        if is_status {
            self.engine_can(session, EngineCapability::StatusPosts)
                .await?;
        }
        if matches!(draft.content, NewContent::Poll(_)) {
            self.engine_can(session, EngineCapability::OwnPolls).await?;
        }
        let send_at = draft.send_at.map(|at| in_time(at, now)).transpose()?;
        let quoted = match &draft.quote {
            Some(id) => Some(quoting(find(found, &chat, id)?)),
            None => None,
        };
        let revoked = match &draft.content {
            NewContent::Revoke { target } => Some(find(found, &chat, target)?),
            _ => None,
        };
        let audience = match (is_status, revoked) {
            (true, Some(target)) => target.audience.clone(),
            (true, None) => self.audience(session, account, draft.audience).await?,
            (false, _) if draft.audience.is_some() => return Err(SendError::AudienceNeedsStatus),
            (false, _) => Vec::new(),
        };
        let content = self
            .content(caller, &chat, draft.content, found, now)
            .await?;
        if is_status && !can_be_status(&content) {
            return Err(SendError::NotAStatus);
        }
        if quoted.is_some() && (is_status || !can_quote(&content)) {
            return Err(SendError::QuoteNotPossible);
        }
        let mut message = outgoing(&self.shared, session, account, to, content, quoted);
        message.scheduled_for = send_at;
        message.audience = audience;
        Ok(message)
    }

    /// What a message to `chat` says.
    pub(crate) async fn content(
        &self,
        caller: &Caller,
        chat: &Jid,
        content: NewContent,
        found: &[Message],
        now: Timestamp,
    ) -> Result<Content, SendError> {
        match content {
            NewContent::Text(new) => {
                let text = checked_text(new.text)?;
                let mentions = mentions(new.mentions, chat)?;
                let preview = preview(&self.shared, caller, &text, new.preview).await?;
                Ok(Content::Text(Text {
                    text,
                    mentions,
                    preview,
                }))
            }
            NewContent::Media(new) => self.medium(caller, chat, new).await,
            NewContent::Location(place) => Ok(Content::Location(place)),
            NewContent::Contacts(cards) => {
                let most = warbler_domain::vcard::ContactCard::MAX_CARDS;
                if cards.is_empty() || cards.len() > most {
                    return Err(SendError::BadContacts);
                }
                Ok(Content::Contacts { cards })
            }
            NewContent::Poll(poll) => Ok(Content::Poll(poll)),
            NewContent::Vote { poll, options } => vote_content(find(found, chat, &poll)?, options),
            NewContent::Reaction { target, emoji } => {
                reaction_content(find(found, chat, &target)?, emoji)
            }
            NewContent::Edit { target, text } => {
                edit_content(find(found, chat, &target)?, text, now)
            }
            NewContent::Revoke { target } => revoke_content(find(found, chat, &target)?, now),
        }
    }

    async fn medium(
        &self,
        caller: &Caller,
        chat: &Jid,
        new: NewMedia,
    ) -> Result<Content, SendError> {
        let caption = checked_caption(new.caption)?;
        if caption.is_some() && !new.form.can_have_caption() {
            return Err(SendError::CaptionNotPossible);
        }
        if new.view_once && !new.form.can_be_seen_once() {
            return Err(SendError::ViewOnceNotPossible);
        }
        let mentions = mentions(new.mentions, chat)?;
        let medium = NewMedium {
            kind: Some(new.form.kind()),
            ..new.medium
        };
        let admitted = Media::new(Arc::clone(&self.shared))
            .admit(caller, medium)
            .await?;
        Ok(Content::Media(Medium {
            caption,
            mentions,
            voice: new.form == MediaForm::Voice,
            gif: new.form == MediaForm::Gif,
            view_once: new.view_once,
            ..admitted.into_medium()
        }))
    }
}

/// An address that messages can go to.
pub(crate) fn writable(to: Recipient) -> Result<Jid, SendError> {
    let jid = to.into_jid();
    let writable = match jid.server() {
        Server::Pn | Server::Lid | Server::Group => true,
        Server::Broadcast => jid.user() == "status",
        Server::Newsletter => false,
    };
    if writable {
        Ok(jid)
    } else {
        Err(SendError::NotWritable(jid.to_string()))
    }
}

/// A time to send at that is still to come; what is only just over is now.
pub(crate) fn in_time(at: Timestamp, now: Timestamp) -> Result<Timestamp, SendError> {
    const JUST_OVER: Duration = Duration::from_secs(60);
    if now.since(at) > JUST_OVER {
        return Err(SendError::SendAtPast);
    }
    if at.since(now) > Duration::from_secs(MAX_DELAY_DAYS * 24 * 3600) {
        return Err(SendError::SendAtTooFar);
    }
    Ok(at)
}

fn can_quote(content: &Content) -> bool {
    !matches!(
        content,
        Content::Reaction { .. }
            | Content::PollVote { .. }
            | Content::Edit { .. }
            | Content::Revoke { .. }
    )
}
