//! The seam to the extensions beside: what a plugin or a script is to the pipeline.
//!
//! An extension never acts. It reads, and it *asks*: its actions, kv writes and log lines are
//! buffered in its [`HookOutcome`] and carried out by the pipeline in one transaction with "this
//! event is done". A crash before that leaves no trace of the call.

mod given;
mod history;
mod rules;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use warbler_domain::extension::{
    CallCost, ExtensionFault, ExtensionKind, ExtensionStatus, Grants, LogLine, OperatorGrants,
};
use warbler_domain::session::Called;
use warbler_domain::{
    Action, Event, ExtensionName, Generation, Rule, SessionId, SessionName, Timestamp, UserId,
    Verdict,
};
use warbler_store::Store;
use warbler_store::kv::KvWrite;

pub use given::Given;
pub use rules::{RULES, RuleTrial, RuleVerdict};
pub use text::{Made, Payload, RenderCall, TemplateHook, TransformCall, WebhookHook};

/// All loaded extensions.
#[async_trait]
pub trait Extensions: Send + Sync + 'static {
    /// The chain of the event hook as it stands now. Events in flight keep the chain they began
    /// with.
    fn chain(&self) -> Arc<[Arc<dyn EventHook>]>;

    /// Those that write the messages of campaigns, in order.
    fn templates(&self) -> Arc<[Arc<dyn TemplateHook>]> {
        Arc::new([])
    }

    /// Those that shape what webhook endpoints are sent, in order.
    fn webhooks(&self) -> Arc<[Arc<dyn WebhookHook>]> {
        Arc::new([])
    }

    /// Every extension, running or not.
    fn statuses(&self) -> Vec<ExtensionStatus>;

    /// What the configuration grants an extension.
    fn config_grants(&self, _extension: &ExtensionName) -> OperatorGrants {
        OperatorGrants::default()
    }

    /// Takes over what is granted to an extension at runtime, and returns when it holds.
    async fn grant(&self, _extension: &ExtensionName, _granted: OperatorGrants) {}

    /// Two versions of an extension to be called for nothing: what they ask for is not carried out,
    /// and they reach nobody.
    async fn versions(&self, _extension: &ExtensionName) -> Versions {
        Versions::default()
    }

    /// Takes over the rules of the database, in their order; later events are matched against them.
    fn set_rules(&self, _rules: Arc<[Arc<Rule>]>) {}

    /// What the rules of the database, or `only` this one, make of an event. Nothing is carried
    /// out.
    async fn try_rules(&self, _call: HookCall, _only: Option<Arc<Rule>>) -> RuleTrial {
        RuleTrial::default()
    }

    /// Notes what went wrong at an event, so that it is shown.
    fn note_fault(&self, extension: &ExtensionName, fault: &ExtensionFault);
}

/// Two versions of one extension, to be compared.
#[derive(Default)]
pub struct Versions {
    /// The older one: what runs while a newer one does not, else what ran before.
    pub before: Option<Arc<dyn EventHook>>,
    /// The newer one.
    pub after: Option<Arc<dyn EventHook>>,
    /// Why the newer one cannot be called.
    pub fault: Option<ExtensionFault>,
}

/// One generation of one extension, in the chain of the event hook.
#[async_trait]
pub trait EventHook: Send + Sync + 'static {
    /// Its name.
    fn name(&self) -> &ExtensionName;

    /// Plugin or script.
    fn kind(&self) -> ExtensionKind;

    /// Its version.
    fn generation(&self) -> &Generation;

    /// What holds for it; actions beyond it are refused by the pipeline.
    fn grants(&self) -> &Grants;

    /// Whether it is to be called for this event at all.
    fn wants(&self, event: &Event) -> bool;

    /// Why it is not called for this event of this session; nothing when it is.
    fn why_not(&self, event: &Event, _session: Called<'_>) -> Option<String> {
        (!self.wants(event)).then(|| "it does not want it".to_owned())
    }

    /// Runs it, under all its limits; never longer than its wall limit and never panicking.
    async fn handle(&self, call: HookCall) -> HookOutcome;
}

/// What an extension is given.
#[derive(Clone)]
pub struct HookCall {
    /// What happened.
    pub event: Arc<Event>,
    /// The user whose session it happened to, if it is somebody's.
    pub owner: Option<UserId>,
    /// The name of the session it happened to.
    pub session_name: SessionName,
    /// The time of the call.
    pub now: Timestamp,
    /// Its key-value space as stored.
    pub kv: KvReader,
}

impl HookCall {
    /// What the operator calls the session.
    pub fn session(&self) -> Called<'_> {
        Called {
            id: self.event.session,
            name: &self.session_name,
            owner: self.owner,
        }
    }
}

/// What came of a call.
#[derive(Debug, Clone)]
pub struct HookOutcome {
    /// Whether the chain goes on. A failed extension never stops the chain.
    pub verdict: Verdict,
    /// What it asks for, in order; empty when it failed.
    pub actions: Vec<Action>,
    /// What it wrote to its kv, in order; empty when it failed.
    pub kv_writes: Vec<KvWrite>,
    /// What it logged; kept when it failed.
    pub logs: Vec<LogLine>,
    /// What went wrong.
    pub fault: Option<ExtensionFault>,
    /// What the call used.
    pub cost: CallCost,
}

/// An extension's stored key-value space.
#[derive(Clone)]
pub struct KvReader {
    source: Source,
    extension: ExtensionName,
    now: Timestamp,
    /// What stands before every key of a space that is one session's.
    part: String,
}

/// Where a space is read from.
#[derive(Clone)]
enum Source {
    Store(Store),
    Given(Arc<Given>),
}

impl KvReader {
    /// The space of `extension`, as of `now`.
    pub fn new(store: Store, extension: ExtensionName, now: Timestamp) -> Self {
        Self {
            source: Source::Store(store),
            extension,
            now,
            part: String::new(),
        }
    }

    /// A space that was written down: what `given` says, and nothing else.
    pub fn given(given: Arc<Given>, extension: ExtensionName, now: Timestamp) -> Self {
        Self {
            source: Source::Given(given),
            extension,
            now,
            part: String::new(),
        }
    }

    /// The space that is this session's alone; what was written down is one session's anyway.
    #[must_use]
    pub fn of_session(mut self, session: SessionId) -> Self {
        if let Source::Store(_) = self.source {
            self.part = warbler_store::kv::part_of(session);
        }
        self
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, warbler_store::Error> {
        match &self.source {
            Source::Store(store) => {
                let (extension, now) = (self.extension.clone(), self.now);
                let key = format!("{}{key}", self.part);
                store
                    .read(move |db| db.kv().get(&extension, &key, now))
                    .await
            }
            Source::Given(given) => Ok(given.kv.get(key).cloned()),
        }
    }

    async fn keys(
        &self,
        prefix: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, warbler_store::Error> {
        match &self.source {
            Source::Store(store) => {
                let (extension, now) = (self.extension.clone(), self.now);
                let part = &self.part;
                let (prefix, after) = (format!("{part}{prefix}"), format!("{part}{after}"));
                let keys = store
                    .read(move |db| db.kv().list(&extension, &prefix, &after, limit, now))
                    .await?;
                let own = |key: String| key.strip_prefix(part.as_str()).map(ToOwned::to_owned);
                Ok(keys.into_iter().filter_map(own).collect())
            }
            Source::Given(given) => Ok(given.keys(prefix, after, limit)),
        }
    }

    async fn used_bytes(&self) -> Result<u64, warbler_store::Error> {
        match &self.source {
            Source::Store(store) => {
                let (extension, part) = (self.extension.clone(), self.part.clone());
                store
                    .read(move |db| db.kv().used_bytes(&extension, &part))
                    .await
            }
            Source::Given(given) => Ok(given.used_bytes()),
        }
    }
}

/// Why a kv call was refused.
#[derive(Debug, thiserror::Error)]
pub enum KvError {
    /// A key is 1 to 256 bytes.
    #[error("a key must have 1 to {} bytes", KvBuffer::MAX_KEY)]
    BadKey,
    /// A value is at most 64 KiB.
    #[error("a value must have at most {} bytes", KvBuffer::MAX_VALUE)]
    ValueTooLarge,
    /// The space is full.
    #[error(
        "the extension's key-value space is full ({} bytes)",
        KvBuffer::MAX_SPACE
    )]
    SpaceFull,
    /// Too many writes in one call.
    #[error("more than {} writes in one call", KvBuffer::MAX_WRITES)]
    TooManyWrites,
    /// `increment` on something that is not a number.
    #[error("the value is not a whole number, so it cannot be incremented")]
    NotANumber,
    /// The store did not answer.
    #[error("the key-value store did not answer")]
    Store(#[from] warbler_store::Error),
}

/// A key-value space during one call: stored values, with the call's own writes over them.
pub struct KvBuffer {
    reader: KvReader,
    overlay: BTreeMap<String, Option<Vec<u8>>>,
    writes: Vec<KvWrite>,
    used: Option<u64>,
}

impl KvBuffer {
    /// Longest key, in bytes.
    pub const MAX_KEY: usize = 256;
    /// Longest value, in bytes.
    pub const MAX_VALUE: usize = 64 * 1024;
    /// Size of all keys and values of one extension, in bytes.
    pub const MAX_SPACE: u64 = 1024 * 1024;
    /// Writes in one call.
    pub const MAX_WRITES: usize = 64;
    /// Keys in one list.
    pub const MAX_LISTED: u32 = 1000;

    /// The space behind `reader`, nothing written yet.
    pub fn new(reader: KvReader) -> Self {
        Self {
            reader,
            overlay: BTreeMap::new(),
            writes: Vec::new(),
            used: None,
        }
    }

    /// The value under `key`.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        check_key(key)?;
        if let Some(value) = self.overlay.get(key) {
            return Ok(value.clone());
        }
        Ok(self.reader.get(key).await?)
    }

    /// Puts `value` under `key`, for ever or until `expires_at`.
    pub async fn set(
        &mut self,
        key: &str,
        value: Vec<u8>,
        expires_at: Option<Timestamp>,
    ) -> Result<(), KvError> {
        check_key(key)?;
        if value.len() > Self::MAX_VALUE {
            return Err(KvError::ValueTooLarge);
        }
        self.admit((key.len() + value.len()) as u64).await?;
        self.overlay.insert(key.to_owned(), Some(value.clone()));
        self.writes.push(KvWrite::Set {
            key: key.to_owned(),
            value,
            expires_at,
        });
        Ok(())
    }

    /// Puts what the host itself keeps for the extension under `key`. It does not count against the
    /// extension's space; who calls this sees to it that it stays small.
    pub fn keep(&mut self, key: String, value: Vec<u8>, expires_at: Option<Timestamp>) {
        self.overlay.insert(key.clone(), Some(value.clone()));
        self.writes.push(KvWrite::Set {
            key,
            value,
            expires_at,
        });
    }

    /// Takes `key` away.
    pub async fn delete(&mut self, key: &str) -> Result<(), KvError> {
        check_key(key)?;
        self.admit(0).await?;
        self.overlay.insert(key.to_owned(), None);
        self.writes.push(KvWrite::Delete {
            key: key.to_owned(),
        });
        Ok(())
    }

    /// Adds `by` to the whole number under `key` (0 when absent) and answers the sum as this call
    /// sees it; what is stored is the addition, so calls at the same time lose nothing.
    pub async fn increment(&mut self, key: &str, by: i64) -> Result<i64, KvError> {
        let now = match self.get(key).await? {
            None => 0,
            Some(bytes) => std::str::from_utf8(&bytes)
                .ok()
                .and_then(|text| text.parse::<i64>().ok())
                .ok_or(KvError::NotANumber)?,
        };
        let sum = now.saturating_add(by);
        self.admit(key.len() as u64 + 20).await?;
        self.overlay
            .insert(key.to_owned(), Some(sum.to_string().into_bytes()));
        self.writes.push(KvWrite::Increment {
            key: key.to_owned(),
            by,
        });
        Ok(sum)
    }

    /// The keys that begin with `prefix` and come after `after`, in the order of their bytes; at
    /// most `limit`, and at most [`Self::MAX_LISTED`].
    pub async fn list(
        &self,
        prefix: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, KvError> {
        if prefix.len() > Self::MAX_KEY || after.len() > Self::MAX_KEY {
            return Err(KvError::BadKey);
        }
        let limit = limit.min(Self::MAX_LISTED);
        // What this call takes away must not make the list shorter than it is.
        let read = limit.saturating_add(u32::try_from(self.overlay.len()).unwrap_or(u32::MAX));
        let stored = self.reader.keys(prefix, after, read).await?;
        let mut keys: std::collections::BTreeSet<String> = stored.into_iter().collect();
        for (key, value) in &self.overlay {
            if value.is_none() {
                keys.remove(key);
            } else if key.starts_with(prefix) && key.as_str() > after {
                keys.insert(key.clone());
            }
        }
        Ok(keys.into_iter().take(limit as usize).collect())
    }

    /// The space as stored, for look-ups beside it.
    pub fn reader(&self) -> &KvReader {
        &self.reader
    }

    /// What was written, in order.
    pub fn into_writes(mut self) -> Vec<KvWrite> {
        let part = &self.reader.part;
        if !part.is_empty() {
            for write in &mut self.writes {
                write.key_mut().insert_str(0, part);
            }
        }
        self.writes
    }

    async fn admit(&mut self, bytes: u64) -> Result<(), KvError> {
        if self.writes.len() >= Self::MAX_WRITES {
            return Err(KvError::TooManyWrites);
        }
        let used = match self.used {
            Some(used) => used,
            None => self.reader.used_bytes().await?,
        };
        let used = used.saturating_add(bytes);
        if used > Self::MAX_SPACE {
            return Err(KvError::SpaceFull);
        }
        self.used = Some(used);
        Ok(())
    }
}

fn check_key(key: &str) -> Result<(), KvError> {
    if key.is_empty() || key.len() > KvBuffer::MAX_KEY {
        return Err(KvError::BadKey);
    }
    Ok(())
}
