//! What a call may read and keep: its key-value space, its timers, its secrets, stored messages.

use std::time::Duration;

use warbler_app::hook::KvReader;
use warbler_domain::extension::HistoryScope;
use warbler_domain::page::{Cursor, Page, PageRequest};
use warbler_domain::{Action, Event, Jid, Message, Recipient, WhatsAppId};

use super::outbox::check_object;
use super::{Denied, Effects};

/// Longest name of a timer, in bytes.
const MAX_TIMER_NAME: usize = 64;
/// Longest time until a timer.
const MAX_TIMER: Duration = Duration::from_secs(366 * 24 * 3600);
/// Largest JSON object a timer keeps, in bytes.
const MAX_TIMER_DATA: usize = 16 * 1024;
/// Most timers of one extension.
const MAX_TIMERS: u32 = 1000;
/// Most messages of one page.
const MAX_MESSAGES: u32 = 100;

impl Effects {
    pub(crate) async fn kv_get(&self, key: &str) -> Result<Option<Vec<u8>>, Denied> {
        match &self.kv {
            Some(kv) => Ok(kv.get(key).await?),
            None => no_kv(),
        }
    }

    pub(crate) async fn kv_set(
        &mut self,
        key: &str,
        value: Vec<u8>,
        ttl_seconds: Option<u64>,
    ) -> Result<(), Denied> {
        let expires_at = ttl_seconds.map(|ttl| self.now.plus(Duration::from_secs(ttl)));
        match &mut self.kv {
            Some(kv) => Ok(kv.set(key, value, expires_at).await?),
            None => no_kv(),
        }
    }

    pub(crate) async fn kv_delete(&mut self, key: &str) -> Result<(), Denied> {
        match &mut self.kv {
            Some(kv) => Ok(kv.delete(key).await?),
            None => no_kv(),
        }
    }

    pub(crate) async fn kv_increment(&mut self, key: &str, by: i64) -> Result<i64, Denied> {
        match &mut self.kv {
            Some(kv) => Ok(kv.increment(key, by).await?),
            None => no_kv(),
        }
    }

    pub(crate) async fn kv_list(
        &self,
        prefix: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, Denied> {
        match &self.kv {
            Some(kv) => Ok(kv.list(prefix, after, limit).await?),
            None => no_kv(),
        }
    }

    /// The secret with this name.
    pub(crate) fn secret(&self, name: &str) -> Result<String, Denied> {
        let granted = &self.profile.grants.secrets;
        if !granted.iter().any(|one| one == name) {
            let name: String = name.chars().take(64).collect();
            let how = self.how_to_grant(&format!("secrets = [\"{name}\"]"));
            let message = format!("the secret `{name}` is not granted; {how}");
            return Denied::refused("not-granted", message);
        }
        match self.profile.secrets.get(name) {
            Some(secret) => Ok(secret.expose().to_owned()),
            None => Denied::refused(
                "not-set",
                format!("there is no `{name}` under [extensions.secrets] in warbler.toml"),
            ),
        }
    }

    /// A timer of the event's chat.
    pub(crate) async fn set_timer(
        &mut self,
        name: String,
        after_seconds: u64,
        data: String,
    ) -> Result<(), Denied> {
        self.require_event()?;
        check_timer_name(&name)?;
        let after = Duration::from_secs(after_seconds);
        if after.is_zero() || after > MAX_TIMER {
            let message = format!("a timer is set to 1 to {} s from now", MAX_TIMER.as_secs());
            return Denied::refused("bad-time", message);
        }
        check_object(&data, MAX_TIMER_DATA)?;
        let stored = self.reader()?.timers().await?;
        if stored.saturating_add(self.timers) >= MAX_TIMERS {
            let message = format!("an extension has at most {MAX_TIMERS} timers");
            return Denied::refused("too-many-timers", message);
        }
        self.timers = self.timers.saturating_add(1);
        let due_at = self.now.plus(after);
        self.push(Action::SetTimer { name, due_at, data })
    }

    /// No timer of that name in the event's chat.
    pub(crate) fn cancel_timer(&mut self, name: String) -> Result<(), Denied> {
        self.require_event()?;
        check_timer_name(&name)?;
        self.push(Action::CancelTimer { name })
    }

    /// A page of a chat's stored messages, the newest first.
    pub(crate) async fn messages(
        &self,
        chat: Option<&str>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Page<Message>, Denied> {
        let event = self.event_of_history()?;
        let own = event.chat();
        let chat: Option<Jid> = match chat {
            None => own.cloned(),
            Some(text) => match text.parse::<Recipient>() {
                Ok(recipient) => Some(recipient.into_jid()),
                Err(bad) => return Denied::refused("bad-recipient", bad.to_string()),
            },
        };
        let Some(chat) = chat else {
            return Denied::refused("no-chat", "the event came from no chat; name one");
        };
        if own != Some(&chat) && self.profile.grants.history != HistoryScope::Any {
            return Err(self.no_history("history = \"any\""));
        }
        let after: Option<Cursor> = after
            .map(str::parse)
            .transpose()
            .map_err(|_| Denied::refusal("bad-cursor", "take it from `next` of the page before"))?;
        let page = PageRequest::new(after, Some(limit.clamp(1, MAX_MESSAGES)));
        let reader = self.reader()?;
        Ok(reader.messages(event.session, chat, page).await?)
    }

    /// The stored message with this WhatsApp id, in a chat that may be read.
    pub(crate) async fn find_message(&self, id: &str) -> Result<Option<Message>, Denied> {
        let event = self.event_of_history()?;
        let id: WhatsAppId = id
            .parse()
            .map_err(|_| Denied::refusal("bad-target", "this is not a WhatsApp id"))?;
        let found = self.reader()?.message(event.session, id).await?;
        let everywhere = self.profile.grants.history == HistoryScope::Any;
        Ok(found
            .into_iter()
            .find(|message| everywhere || event.chat() == Some(&message.chat)))
    }

    fn event_of_history(&self) -> Result<&Event, Denied> {
        if self.profile.grants.history == HistoryScope::None {
            return Err(self.no_history("history = \"chat\""));
        }
        match &self.event {
            Some(event) => Ok(event),
            None => Denied::refused("no-chat", "only the event hook can read messages"),
        }
    }

    fn no_history(&self, line: &str) -> Denied {
        let how = self.how_to_grant(line);
        let message = format!("reading these messages is not granted; {how}");
        Denied::refusal("not-granted", message)
    }

    pub(super) fn reader(&self) -> Result<&KvReader, Denied> {
        match &self.kv {
            Some(kv) => Ok(kv.reader()),
            None => no_kv(),
        }
    }
}

fn check_timer_name(name: &str) -> Result<(), Denied> {
    if name.is_empty() || name.len() > MAX_TIMER_NAME {
        let message = format!("the name of a timer has 1 to {MAX_TIMER_NAME} bytes");
        return Denied::refused("bad-name", message);
    }
    Ok(())
}

fn no_kv<T>() -> Result<T, Denied> {
    Denied::refused(
        "unavailable",
        "there is no key-value space before the first event",
    )
}
