//! Status posts: what can be one, and who sees it.

use warbler_domain::jid::Server;
use warbler_domain::media::MediaKind;
use warbler_domain::page::PageRequest;
use warbler_domain::session::Account;
use warbler_domain::{Content, Jid, Message, Recipient, SessionId};

use super::Messages;
use super::error::SendError;
use super::new::Audience;
use crate::driver::EngineCapability;
use crate::sessions::engine_of;

impl Messages {
    /// Refuses what the session's engine cannot do.
    pub(super) async fn engine_can(
        &self,
        session: SessionId,
        capability: EngineCapability,
    ) -> Result<(), SendError> {
        let engine = engine_of(&self.shared, session).await?;
        if engine.capabilities().contains(&capability) {
            return Ok(());
        }
        Err(SendError::EngineCannot {
            engine: engine.engine(),
            capability,
        })
    }

    /// Who sees a status post: those named, or all that are known.
    pub(super) async fn audience(
        &self,
        session: SessionId,
        account: &Account,
        audience: Option<Audience>,
    ) -> Result<Vec<Jid>, SendError> {
        let mut people: Vec<Jid> = match audience {
            Some(Audience::People(people)) => people.into_iter().map(Recipient::into_jid).collect(),
            Some(Audience::Contacts) | None => self.known_people(session).await?,
        };
        people.retain(|jid| {
            matches!(jid.server(), Server::Pn | Server::Lid)
                && *jid != account.jid
                && Some(jid) != account.lid.as_ref()
        });
        people.sort_unstable();
        people.dedup();
        match people.len() {
            0 => Err(SendError::NoAudience),
            count if count > Message::MAX_AUDIENCE => Err(SendError::AudienceTooLarge),
            _ => Ok(people),
        }
    }

    async fn known_people(&self, session: SessionId) -> Result<Vec<Jid>, SendError> {
        let reading = self.shared.store.read(move |db| {
            let mut people = Vec::new();
            let mut after = None;
            loop {
                let page = PageRequest::new(after, Some(PageRequest::MAX));
                let page = db.contacts().list(session, None, page)?;
                people.extend(page.items.into_iter().map(|contact| contact.jid));
                after = page.next;
                if after.is_none() || people.len() > Message::MAX_AUDIENCE {
                    return Ok(people);
                }
            }
        });
        reading.await.map_err(SendError::Store)
    }
}

/// Whether somebody could see it as a status.
pub(super) fn can_be_status(content: &Content) -> bool {
    match content {
        Content::Text(_) | Content::Revoke { .. } => true,
        Content::Media(media) => matches!(media.kind, MediaKind::Image | MediaKind::Video),
        _ => false,
    }
}
