//! One webhook for each session, as some dialects have it: set, shown and taken away by the
//! session's name.

use warbler_domain::{Caller, KindPattern, Scope, SessionRef, Webhook};

use super::{CreateWebhook, UpdateWebhook, WebhookError, Webhooks};
use crate::sessions::usable_by;

/// The one webhook of a session in some form.
#[derive(Debug, Clone)]
pub struct SingleWebhook {
    /// The session whose events it gets.
    pub session: SessionRef,
    /// Where to.
    pub url: String,
    /// Which events.
    pub events: Vec<KindPattern>,
    /// In which form.
    pub form: String,
}

impl Webhooks {
    /// The webhook of a session in this form, if it has one.
    pub async fn single(
        &self,
        caller: &Caller,
        session: &SessionRef,
        form: &str,
    ) -> Result<Option<Webhook>, WebhookError> {
        let all = self.all_of(caller, session, form).await?;
        Ok(all.into_iter().next())
    }

    /// Sets the webhook of a session, in the place of the one it had.
    pub async fn set_single(
        &self,
        caller: &Caller,
        command: SingleWebhook,
    ) -> Result<Webhook, WebhookError> {
        let all = self
            .all_of(caller, &command.session, &command.form)
            .await?
            .into_iter();
        let mut all = all.map(|webhook| webhook.id);
        let status = match all.next() {
            Some(first) => {
                let change = UpdateWebhook {
                    url: Some(command.url),
                    events: Some(command.events),
                    enabled: Some(true),
                    ..UpdateWebhook::default()
                };
                self.update(caller, first, change).await?
            }
            None => {
                let SingleWebhook {
                    session,
                    url,
                    events,
                    form,
                } = command;
                let new = CreateWebhook::new(Some(session), url, events, &form);
                self.create(caller, new).await?.status
            }
        };
        // Two requests at the same time may have made two.
        for other in all {
            self.delete(caller, other).await?;
        }
        Ok(status.webhook)
    }

    /// Takes the webhook of a session away, if it has one.
    pub async fn delete_single(
        &self,
        caller: &Caller,
        session: &SessionRef,
        form: &str,
    ) -> Result<(), WebhookError> {
        for webhook in self.all_of(caller, session, form).await? {
            self.delete(caller, webhook.id).await?;
        }
        Ok(())
    }

    /// Every webhook of a session in this form, the oldest first.
    pub(super) async fn all_of(
        &self,
        caller: &Caller,
        session: &SessionRef,
        form: &str,
    ) -> Result<Vec<Webhook>, WebhookError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let all = self.shared.webhooks.all();
        let own = all.iter().filter(|webhook| {
            webhook.session == Some(session.id)
                && webhook.form == form
                && self.is_visible(caller, webhook)
        });
        Ok(own.map(|webhook| Webhook::clone(webhook)).collect())
    }
}
