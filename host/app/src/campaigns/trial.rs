//! Sending a campaign's message to one person, to see how it looks.

use std::sync::Arc;

use warbler_domain::campaign::{CampaignRecipient, RecipientState};
use warbler_domain::page::PageRequest;
use warbler_domain::{Caller, CampaignId, Message, Recipient, Scope, SessionRef, WhatsAppId};

use super::write::Writer;
use super::{CampaignError, Campaigns};
use crate::messages::{Destination, SendError, outgoing, writable};
use crate::sessions::usable_by;

impl Campaigns {
    /// Sends the message that the campaign's first recipient would get to `to`, by the first of its
    /// sessions. It is an ordinary message and changes nothing about the campaign.
    pub async fn test(
        &self,
        caller: &Caller,
        id: CampaignId,
        to: Recipient,
    ) -> Result<Message, CampaignError> {
        let campaign = self.visible(caller, id, Scope::Send).await?;
        let first = campaign.sessions.first().copied();
        let session = SessionRef::Id(first.ok_or(CampaignError::BadSessions)?);
        let session = usable_by(&self.shared, caller, &session, Scope::Send).await?;
        let not_paired =
            || CampaignError::Content(SendError::NotPaired(SessionRef::Id(session.id)));
        let account = session.account.clone().ok_or_else(not_paired)?;
        let page = PageRequest::new(None, Some(1));
        let store = &self.shared.store;
        let listed = store.read(move |db| db.campaigns().recipients(id, None, page));
        let listed = listed.await.map_err(CampaignError::Store)?;
        let to = writable(to)?;
        let like = listed.items.into_iter().next();
        let recipient = CampaignRecipient {
            to: to.clone(),
            whatsapp_id: WhatsAppId::new(&self.shared.random),
            ..like.unwrap_or_else(|| nobody(&to, &self.shared))
        };
        let Some(words) = Writer::of(&self.shared, &campaign)? else {
            let writer = campaign.writer.clone();
            return Err(writer.map_or(CampaignError::NothingToWrite, CampaignError::UnknownWriter));
        };
        let written = words
            .write(
                &self.shared,
                &campaign,
                &recipient,
                (session.id, &session.name),
            )
            .await
            .map_err(|fault| CampaignError::Written {
                code: fault.code,
                message: fault.message,
            })?;
        let to = Destination::of(&self.shared, session.id, to).await;
        let to = to.map_err(CampaignError::Store)?;
        let message = outgoing(
            &self.shared,
            session.id,
            &account,
            to,
            written.content,
            None,
        );
        let accepted = crate::outbox::accept(&self.shared, message, None).await;
        accepted.map_err(CampaignError::Store)
    }
}

/// Somebody of whom nothing is known.
fn nobody(to: &warbler_domain::Jid, shared: &Arc<crate::core::Shared>) -> CampaignRecipient {
    CampaignRecipient {
        place: 1,
        to: to.clone(),
        name: None,
        fields: Vec::new(),
        whatsapp_id: WhatsAppId::new(&shared.random),
        state: RecipientState::Planned,
        session: None,
        message: None,
        queued_at: None,
        sent_at: None,
        code: None,
        error: None,
    }
}
