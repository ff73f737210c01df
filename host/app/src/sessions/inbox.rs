//! Where a session's link puts what it learns.

use std::fs::File;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;
use warbler_domain::SessionId;
use warbler_domain::media::Digest;

use crate::core::Shared;
use crate::driver::{Inbound, Inbox, InboxError, LinkReport};

/// Reports that may wait for the supervisor; the link waits for room beyond that.
pub(super) const REPORTS: usize = 64;

/// The inbox of one link.
pub(super) struct SessionInbox {
    pub(super) shared: Arc<Shared>,
    pub(super) session: SessionId,
    pub(super) reports: mpsc::Sender<LinkReport>,
}

#[async_trait]
impl Inbox for SessionInbox {
    async fn receive(&self, inbound: Vec<Inbound>) -> Result<(), InboxError> {
        crate::ingest::receive(&self.shared, self.session, inbound)
            .await
            .map_err(|err| InboxError(err.to_string()))
    }

    async fn report(&self, report: LinkReport) {
        if let LinkReport::Ack {
            whatsapp_id,
            refused,
        } = report
        {
            crate::outbox::acknowledge(&self.shared, self.session, &whatsapp_id, refused).await;
        } else if self.reports.send(report).await.is_err() {
            tracing::debug!(session.id = %self.session, "A link reported after its supervisor had ended");
        }
    }

    async fn media(&self, digest: &Digest) -> Result<File, InboxError> {
        let opened = self.shared.media.open_medium(digest).await;
        let (_, file) = opened.map_err(|err| InboxError(err.to_string()))?;
        Ok(file.into_std().await)
    }
}
