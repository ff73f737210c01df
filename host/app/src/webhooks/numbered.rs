//! Webhooks by number, for dialects that count them, and all webhooks of one form at once.

use std::collections::HashMap;

use warbler_domain::{Caller, Scope, SessionId, SessionRef, Webhook, WebhookId};

use super::{WebhookError, Webhooks};

/// A webhook with its number.
#[derive(Debug, Clone)]
pub struct NumberedWebhook {
    /// Its number: 1 for the first webhook of the host, never given twice.
    pub number: i64,
    /// The webhook.
    pub webhook: Webhook,
}

impl Webhooks {
    /// The webhooks of a session in this form, the oldest first.
    pub async fn numbered_of(
        &self,
        caller: &Caller,
        session: &SessionRef,
        form: &str,
    ) -> Result<Vec<NumberedWebhook>, WebhookError> {
        let all = self.all_of(caller, session, form).await?;
        let reading = self.shared.store.read(move |db| {
            let mut found = Vec::with_capacity(all.len());
            for webhook in all {
                if let Some(number) = db.webhooks().number(webhook.id)? {
                    found.push(NumberedWebhook { number, webhook });
                }
            }
            Ok::<_, warbler_store::Error>(found)
        });
        reading.await.map_err(WebhookError::Store)
    }

    /// A webhook that the caller has been shown, with its number.
    pub async fn with_number(&self, webhook: Webhook) -> Result<NumberedWebhook, WebhookError> {
        let id = webhook.id;
        let reading = self.shared.store.read(move |db| db.webhooks().number(id));
        let number: Option<i64> = reading.await.map_err(WebhookError::Store)?;
        let number = number.ok_or(WebhookError::Unknown(id))?;
        Ok(NumberedWebhook { number, webhook })
    }

    /// The webhook with this number, if it is in this form.
    pub async fn numbered(
        &self,
        caller: &Caller,
        number: i64,
        form: &str,
    ) -> Result<Webhook, WebhookError> {
        caller.require(Scope::Manage)?;
        let finding = self
            .shared
            .store
            .read(move |db| db.webhooks().numbered(number));
        let found: Option<WebhookId> = finding.await.map_err(WebhookError::Store)?;
        // A number nobody has, and one of somebody else, are refused alike.
        let id = found.unwrap_or(WebhookId::from_bytes([0; 16]));
        let webhook = self.visible(caller, id)?;
        match webhook.form == form {
            true => Ok(webhook),
            false => Err(WebhookError::Unknown(id)),
        }
    }

    /// Where the one webhook in this form of each session is, of those the caller may see.
    pub fn singles(
        &self,
        caller: &Caller,
        form: &str,
    ) -> Result<HashMap<SessionId, String>, WebhookError> {
        caller.require(Scope::Read)?;
        let all = self.shared.webhooks.all();
        let own = all.iter().filter(|webhook| {
            webhook.form == form && webhook.session.is_some() && self.is_visible(caller, webhook)
        });
        let own = own.filter_map(|webhook| Some((webhook.session?, webhook.url.clone())));
        Ok(own.collect())
    }
}
