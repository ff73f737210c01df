//! Setting webhooks up, and changing them.

use http::{HeaderName, HeaderValue};
use tracing::info;
use warbler_domain::{Caller, KindPattern, Scope, Secret, SessionRef, Webhook, WebhookId};

use super::{WebhookError, WebhookStatus, Webhooks, origin, sign};
use crate::audit;
use crate::fetch::FetchUrl;
use crate::sessions::usable_by;

/// Headers that this host sets itself, or that concern one connection.
pub(super) const OWN_HEADERS: [&str; 13] = [
    "host",
    "connection",
    "content-length",
    "content-type",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "accept-encoding",
    "user-agent",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// A webhook to set up.
#[derive(Debug, Clone)]
pub struct CreateWebhook {
    /// The session whose events it gets; all that the caller has, when absent.
    pub session: Option<SessionRef>,
    /// Where to.
    pub url: String,
    /// Which events.
    pub events: Vec<KindPattern>,
    /// Headers of every request.
    pub headers: Vec<(String, Secret)>,
    /// In which form.
    pub form: String,
    /// What deliveries are signed with; made when absent.
    pub secret: Option<Secret>,
    /// Whether anything is sent from the start.
    pub enabled: bool,
}

impl CreateWebhook {
    /// One that gets `events` at `url` from the start, signed with a secret that is made for it.
    pub fn new(
        session: Option<SessionRef>,
        url: String,
        events: Vec<KindPattern>,
        form: &str,
    ) -> Self {
        Self {
            session,
            url,
            events,
            headers: Vec::new(),
            form: form.to_owned(),
            secret: None,
            enabled: true,
        }
    }
}

/// What is to be different about a webhook; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct UpdateWebhook {
    /// Where to.
    pub url: Option<String>,
    /// Which events.
    pub events: Option<Vec<KindPattern>>,
    /// Headers of every request; all of them.
    pub headers: Option<Vec<(String, Secret)>>,
    /// In which form; its secret stays.
    pub form: Option<String>,
    /// What deliveries are signed with.
    pub secret: Option<Secret>,
    /// Whether anything is sent.
    pub enabled: Option<bool>,
}

/// A webhook that was just made, or has a new secret.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// The webhook.
    pub status: WebhookStatus,
    /// What its deliveries are signed with; shown this once.
    pub secret: Secret,
}

impl Webhooks {
    /// Whether a webhook can be at this address; its host is looked up when something is sent.
    pub fn check_url(&self, url: &str) -> Result<(), WebhookError> {
        check_url(url)
    }

    /// Sets one up.
    pub async fn create(
        &self,
        caller: &Caller,
        command: CreateWebhook,
    ) -> Result<NewWebhook, WebhookError> {
        caller.require(Scope::Manage)?;
        check_url(&command.url)?;
        check_events(&command.events)?;
        check_headers(&command.headers)?;
        if !self.shared.forms.knows(&command.form) {
            return Err(WebhookError::UnknownForm(command.form));
        }
        let session = match &command.session {
            Some(wanted) => {
                let session = usable_by(&self.shared, caller, wanted, Scope::Manage).await?;
                Some((session.id, session.owner))
            }
            None if caller.reach().only.is_some() => return Err(WebhookError::SessionRequired),
            None => None,
        };
        let secret = match command.secret {
            Some(secret) => checked_secret(&command.form, secret)?,
            None => sign::new_secret(&self.shared.random),
        };
        let now = self.shared.clock.now();
        let webhook = Webhook {
            id: WebhookId::new(now, &self.shared.random),
            owner: session.map_or(caller.reach().owner, |(_, owner)| owner),
            session: session.map(|(id, _)| id),
            url: command.url,
            events: command.events,
            headers: command.headers,
            form: command.form,
            secret: secret.clone(),
            enabled: command.enabled,
            disabled_reason: None,
            created_at: now,
            failing_since: None,
        };
        let name = origin(&webhook);
        let entry = audit::done(&self.shared, caller, "webhook.create", webhook.id, &name);
        let row = webhook.clone();
        let made = self.shared.store.write(move |tx| {
            if tx.webhooks().count()? >= Self::MOST {
                return Err(WebhookError::TooMany);
            }
            tx.webhooks_mut().put(&row)?;
            Ok(tx.audit_mut().insert(&entry)?)
        });
        made.await?;
        info!(webhook.id = %webhook.id, caller = caller.label(), "A webhook was made");
        self.shared.webhooks.put(webhook.clone());
        Ok(NewWebhook {
            status: self.with_status(webhook).await?,
            secret,
        })
    }

    /// Changes one. Switching it on again forgets how it failed.
    pub async fn update(
        &self,
        caller: &Caller,
        id: WebhookId,
        command: UpdateWebhook,
    ) -> Result<WebhookStatus, WebhookError> {
        let mut webhook = self.visible(caller, id)?;
        if let Some(url) = command.url {
            check_url(&url)?;
            webhook.url = url;
        }
        if let Some(events) = command.events {
            check_events(&events)?;
            webhook.events = events;
        }
        if let Some(headers) = command.headers {
            check_headers(&headers)?;
            webhook.headers = headers;
        }
        if let Some(form) = command.form {
            if !self.shared.forms.knows(&form) {
                return Err(WebhookError::UnknownForm(form));
            }
            webhook.form = form;
        }
        if let Some(secret) = command.secret {
            webhook.secret = checked_secret(&webhook.form, secret)?;
        }
        if let Some(enabled) = command.enabled {
            webhook.enabled = enabled;
            if enabled {
                (webhook.disabled_reason, webhook.failing_since) = (None, None);
            }
        }
        self.store(caller, "webhook.update", webhook).await
    }

    /// Gives one a new secret; the old one signs nothing more.
    pub async fn renew_secret(
        &self,
        caller: &Caller,
        id: WebhookId,
    ) -> Result<NewWebhook, WebhookError> {
        let mut webhook = self.visible(caller, id)?;
        let secret = sign::new_secret(&self.shared.random);
        webhook.secret = secret.clone();
        let status = self.store(caller, "webhook.secret", webhook).await?;
        Ok(NewWebhook { status, secret })
    }

    async fn store(
        &self,
        caller: &Caller,
        action: &str,
        webhook: Webhook,
    ) -> Result<WebhookStatus, WebhookError> {
        let name = origin(&webhook);
        let entry = audit::done(&self.shared, caller, action, webhook.id, &name);
        let (row, id) = (webhook.clone(), webhook.id);
        let stored = self.shared.store.write(move |tx| {
            // It may have been deleted meanwhile.
            tx.webhooks().get(id)?.ok_or(WebhookError::Unknown(id))?;
            tx.webhooks_mut().put(&row)?;
            Ok::<_, WebhookError>(tx.audit_mut().insert(&entry)?)
        });
        stored.await?;
        self.shared.webhooks.put(webhook.clone());
        self.shared.webhooks.has_work(id, self.shared.clock.now());
        self.with_status(webhook).await
    }
}

/// A secret that a webhook of this form can have.
fn checked_secret(form: &str, secret: Secret) -> Result<Secret, WebhookError> {
    let plain = form != Webhook::NATIVE && sign::is_plain_secret(&secret);
    match plain || sign::is_secret(&secret) {
        true => Ok(secret),
        false if form == Webhook::NATIVE => Err(WebhookError::BadSecret),
        false => Err(WebhookError::BadPlainSecret),
    }
}

/// Whether an address is one that can be sent to; its host is looked up when it is.
pub(super) fn check_url(url: &str) -> Result<(), WebhookError> {
    if url.len() > Webhook::MAX_URL {
        return Err(WebhookError::UrlTooLong);
    }
    let parsed: Result<FetchUrl, _> = url.parse();
    parsed.map(drop).map_err(WebhookError::BadUrl)
}

fn check_events(events: &[KindPattern]) -> Result<(), WebhookError> {
    match events.len() {
        1..=Webhook::MAX_EVENTS => Ok(()),
        _ => Err(WebhookError::BadEvents),
    }
}

fn check_headers(headers: &[(String, Secret)]) -> Result<(), WebhookError> {
    let sizes = headers
        .iter()
        .map(|(name, value)| name.len() + value.expose().len());
    if headers.len() > Webhook::MAX_HEADERS || sizes.sum::<usize>() > Webhook::MAX_HEADER_BYTES {
        return Err(WebhookError::TooManyHeaders);
    }
    for (name, value) in headers {
        let parsed: Result<HeaderName, _> = name.parse();
        let fits = parsed.is_ok_and(|name| !OWN_HEADERS.contains(&name.as_str()))
            && HeaderValue::from_str(value.expose()).is_ok();
        if !fits {
            let shown = name.chars().take(64).collect();
            return Err(WebhookError::BadHeader(shown));
        }
    }
    Ok(())
}
