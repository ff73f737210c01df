//! Messages about stored messages: sent on, edited, taken back.

use warbler_domain::content::{Mentions, Text};
use warbler_domain::jid::Server;
use warbler_domain::media::{Media, MediaSource};
use warbler_domain::session::Account;
use warbler_domain::{
    Caller, Content, Direction, Jid, Message, MessageId, Recipient, Scope, SessionRef, WhatsAppId,
};

use super::compose::{edit_content, revoke_content};
use super::error::{ChangeError, SendError};
use super::{Destination, Messages, outgoing};
use crate::idempotency::Claim;
use crate::sessions::{SessionError, usable_by};

/// What is not sent on because nobody is to see it any more.
const TAKEN_BACK: &str = "message that was taken back";

impl Messages {
    /// Sends a stored message on to somebody, as it stands now, by its own session or another; its
    /// medium is not stored again.
    pub async fn forward(
        &self,
        caller: &Caller,
        id: MessageId,
        session: Option<&SessionRef>,
        to: Recipient,
        claim: Option<Claim>,
    ) -> Result<Message, SendError> {
        let original = self.own(caller, id).await?;
        let by_own = SessionRef::from(original.session);
        let (session, account) = self.sender(caller, session.unwrap_or(&by_own)).await?;
        let to = self.destination(session.id, to).await?;
        if to.chat.server() == Server::Broadcast {
            return Err(SendError::NotForwardable("message to a status"));
        }
        let content = self.sendable_on(caller, &original).await?;
        let shared = &self.shared;
        let mut message = outgoing(shared, session.id, &account, to, content, None);
        message.forwarded = original.forwarded.saturating_add(1);
        self.accept(message, claim).await
    }

    /// A message of the account's own session, as it is sent on to somebody by that session.
    pub(crate) async fn sent_on(
        &self,
        original: &Message,
        account: &Account,
        to: Jid,
    ) -> Result<Message, SendError> {
        let to = Destination::of(&self.shared, original.session, to).await;
        let content = self.sendable_on(&Caller::host(), original).await?;
        let (shared, session) = (&self.shared, original.session);
        let to = to.map_err(SendError::Store)?;
        let mut message = outgoing(shared, session, account, to, content, None);
        message.forwarded = original.forwarded.saturating_add(1);
        Ok(message)
    }

    /// What a stored message says, as it can be sent on: its medium is here.
    async fn sendable_on(&self, caller: &Caller, original: &Message) -> Result<Content, SendError> {
        let id = original.id;
        let remote = matches!(
            original.content,
            Content::Media(Media {
                source: MediaSource::Remote { .. },
                ..
            })
        );
        if remote {
            let fetched = self.media(caller, id).await;
            fetched.map_err(|err| SendError::Forward(Box::new(err)))?;
        }
        let shown = self.get(caller, id).await;
        let shown = shown.map_err(|err| SendError::Forward(Box::new(err)))?;
        if shown.revoked_at.is_some() {
            return Err(SendError::NotForwardable(TAKEN_BACK));
        }
        forwarded(shown.message.content)
    }

    /// Sends a new text for a message of this session.
    pub async fn edit(
        &self,
        caller: &Caller,
        id: MessageId,
        text: String,
        claim: Option<Claim>,
    ) -> Result<Message, SendError> {
        let target = self.own(caller, id).await?;
        let content = edit_content(&target, text, self.shared.clock.now())?;
        self.about(caller, target, content, claim).await
    }

    /// Takes a message back for everyone: one of this session, or as an admin one of somebody
    /// else in a group.
    pub async fn revoke(
        &self,
        caller: &Caller,
        id: MessageId,
        claim: Option<Claim>,
    ) -> Result<Message, SendError> {
        let target = self.own(caller, id).await?;
        let content = revoke_content(&target, self.shared.clock.now())?;
        self.about(caller, target, content, claim).await
    }

    /// Takes back a message that a session sent, wherever it is: out of the outbox while it waits
    /// there, else from every phone.
    ///
    /// # Errors
    /// [`SendError::UnknownTarget`] when the session sent no such message in that chat.
    pub async fn take_back(
        &self,
        caller: &Caller,
        session: &SessionRef,
        chat: Recipient,
        id: &WhatsAppId,
    ) -> Result<(), SendError> {
        let session = usable_by(&self.shared, caller, session, Scope::Send).await?;
        let chat = self.destination(session.id, chat).await?.into_chat();
        let (of, wanted) = (session.id, id.clone());
        let store = &self.shared.store;
        let reading = store.read(move |db| db.messages().by_whatsapp_id(of, &wanted));
        let found: Vec<Message> = reading.await.map_err(SendError::Store)?;
        let own = found.into_iter().find(|message| {
            message.direction == Direction::Outbound
                && (message.chat == chat || message.chat_alt.as_ref() == Some(&chat))
        });
        let own = own.ok_or_else(|| SendError::UnknownTarget(id.clone()))?;
        match self.cancel(caller, own.id).await {
            Ok(_) => Ok(()),
            Err(ChangeError::Store(err)) => Err(err.into()),
            // It is on its way already.
            Err(_) => self.revoke(caller, own.id, None).await.map(drop),
        }
    }

    /// Sends something about a stored message, to whom that went.
    async fn about(
        &self,
        caller: &Caller,
        target: Message,
        content: Content,
        claim: Option<Claim>,
    ) -> Result<Message, SendError> {
        let (session, account) = self.sender(caller, &target.session.into()).await?;
        let shared = &self.shared;
        let to = Destination::same_as(&target);
        let mut message = outgoing(shared, session.id, &account, to, content, None);
        message.audience = target.audience;
        self.accept(message, claim).await
    }

    /// A stored message that `caller` may act on.
    async fn own(&self, caller: &Caller, id: MessageId) -> Result<Message, SendError> {
        caller.require(Scope::Send).map_err(SessionError::from)?;
        let shared = &self.shared;
        let found = shared.store.read(move |db| db.messages().get(id)).await?;
        found
            .filter(|found| crate::sessions::is_within_reach(shared, caller, found.session))
            .ok_or(SendError::UnknownMessage(id))
    }
}

/// A content as it is sent on: without what concerned only those who had it first.
fn forwarded(content: Content) -> Result<Content, SendError> {
    match content {
        Content::Text(text) => Ok(Content::Text(Text {
            mentions: Mentions::default(),
            ..text
        })),
        Content::Media(media) if media.view_once => {
            Err(SendError::NotForwardable("medium that is shown once"))
        }
        Content::Media(media) => Ok(Content::Media(Media {
            mentions: Mentions::default(),
            ..media
        })),
        Content::Location(_) | Content::Contacts { .. } | Content::Poll(_) => Ok(content),
        Content::PollVote { .. } => Err(SendError::NotForwardable("vote")),
        Content::Reaction { .. } => Err(SendError::NotForwardable("reaction")),
        Content::Edit { .. } => Err(SendError::NotForwardable("edit")),
        Content::Revoke { .. } => Err(SendError::NotForwardable(TAKEN_BACK)),
        Content::Unsupported { .. } => Err(SendError::NotForwardable(
            "message this version cannot read",
        )),
    }
}
