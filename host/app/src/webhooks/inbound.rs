//! Receivers that answer: what they post is signed as deliveries to them are.

use warbler_domain::{Caller, Scope, Scopes, SessionId};

use super::{WebhookError, Webhooks, sign};

/// What a receiver has shown.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The number of the session whose webhook it is.
    pub session: i64,
    /// In which form that webhook is; variants of it (`form/…`) are meant, too.
    pub form: &'a str,
    /// `sha256=` and the HMAC of the body in hexadecimal, under the secret of the webhook.
    pub signature: &'a str,
    /// What was signed.
    pub body: &'a [u8],
}

impl Webhooks {
    /// The receiver as a caller, who may send by that session and nothing else; nobody when no
    /// webhook of the session that is switched on has signed this.
    ///
    /// A signature says nothing about the time, so whoever has seen one can post it again: let each
    /// count once.
    pub async fn receiver(&self, shown: Signed<'_>) -> Result<Option<Caller>, WebhookError> {
        let number = shown.session;
        let finding = self
            .shared
            .store
            .read(move |db| db.session_marks().numbered(number));
        let found: Option<_> = finding.await.map_err(WebhookError::Store)?;
        let session = found.map(|marks| marks.session);
        let Some(session) = session.filter(|session| self.has_signed(*session, &shown)) else {
            return Ok(None);
        };
        let scopes = Scopes::up_to(Scope::Send);
        Ok(Some(Caller::session_token(session, scopes)))
    }

    fn has_signed(&self, session: SessionId, shown: &Signed<'_>) -> bool {
        let all = self.shared.webhooks.all();
        let owner = self.shared.directory.owner(session);
        all.iter().any(|webhook| {
            webhook.enabled
                && webhook.session == Some(session)
                && owner == Some(webhook.owner)
                && webhook.family() == shown.form
                && sign::is_plainly_signed(&webhook.secret, shown.signature, shown.body)
        })
    }
}
