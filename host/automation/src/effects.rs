//! What a call asks for: actions, kv writes and log lines, collected under its limits.
//!
//! Both engines hand their guest the same [`Effects`]. A mistake the guest can act on is a
//! [`Refusal`]; going over a limit is a [`Halt`], which ends the call, so that an extension never
//! half succeeds. Invariant: nothing in here reaches the outside; [`Effects::into_outcome`] hands
//! it to the pipeline.

use std::sync::{Arc, Mutex, MutexGuard};

use warbler_app::hook::{HookCall, HookOutcome, KvBuffer, KvError};
use warbler_domain::extension::{ExtensionFault, Grants, LogLine, SendScope};
use warbler_domain::{
    Action, Content, Event, ExtensionName, Recipient, Timestamp, Verdict, WhatsAppId,
};

use crate::fault::cut;
use crate::limits::EffectLimits;

/// Longest emoji of a reaction, in bytes: the longest in use have about 35.
const MAX_EMOJI: usize = 64;
/// Longest word for a log level, in bytes.
const MAX_LEVEL: usize = 16;

/// Why the host did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// A limit that ends a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Halt {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// A refusal, or the end of the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denied {
    Refused(Refusal),
    Halted(Halt),
}

impl Denied {
    fn refused<T>(code: &'static str, message: impl Into<String>) -> Result<T, Self> {
        Err(Self::Refused(Refusal {
            code,
            message: message.into(),
        }))
    }
}

impl From<KvError> for Denied {
    fn from(error: KvError) -> Self {
        let code = match error {
            KvError::BadKey => "bad-key",
            KvError::ValueTooLarge => "value-too-large",
            KvError::SpaceFull => "space-full",
            KvError::TooManyWrites => "too-many-writes",
            KvError::NotANumber => "not-a-number",
            KvError::Store(_) => "unavailable",
        };
        Self::Refused(Refusal {
            code,
            message: error.to_string(),
        })
    }
}

/// The log lines of one call; shared with the guest's standard output.
#[derive(Clone)]
pub(crate) struct LogBuffer {
    lines: Arc<Mutex<Vec<LogLine>>>,
    max_lines: usize,
    max_line: usize,
}

impl LogBuffer {
    fn new(limits: &EffectLimits) -> Self {
        Self {
            lines: Arc::default(),
            max_lines: limits.log_lines,
            max_line: limits.log_line,
        }
    }

    /// Notes a line, cut to its limit.
    pub(crate) fn push(&self, level: &str, message: impl Into<String>) -> Result<(), Halt> {
        let mut lines = self.lock();
        if lines.len() >= self.max_lines {
            return Err(Halt {
                code: "log-limit",
                message: format!("more than {} log lines in one call", self.max_lines),
            });
        }
        let mut message = message.into();
        cut(&mut message, self.max_line);
        let mut level = level.to_owned();
        cut(&mut level, MAX_LEVEL);
        lines.push(LogLine { level, message });
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<LogLine>> {
        self.lines
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Everything one call asks for.
pub(crate) struct Effects {
    extension: ExtensionName,
    /// Absent while a guest is started to see whether it does.
    event: Option<Arc<Event>>,
    now: Timestamp,
    grants: Grants,
    limits: EffectLimits,
    actions: Vec<Action>,
    weight: usize,
    kv: Option<KvBuffer>,
    logs: LogBuffer,
}

impl Effects {
    /// The effects of a call.
    pub(crate) fn new(
        call: &HookCall,
        extension: &ExtensionName,
        grants: Grants,
        limits: &EffectLimits,
    ) -> Self {
        Self {
            event: Some(Arc::clone(&call.event)),
            now: call.now,
            grants,
            kv: Some(KvBuffer::new(call.kv.clone())),
            ..Self::idle(extension, limits)
        }
    }

    /// The effects of a start without an event: everything but logging is refused.
    pub(crate) fn idle(extension: &ExtensionName, limits: &EffectLimits) -> Self {
        Self {
            extension: extension.clone(),
            event: None,
            now: Timestamp::from_millis(0),
            grants: Grants::default(),
            limits: limits.clone(),
            actions: Vec::new(),
            weight: 0,
            kv: None,
            logs: LogBuffer::new(limits),
        }
    }

    /// A text into the event's chat.
    pub(crate) fn reply(&mut self, text: String, quote: bool) -> Result<(), Denied> {
        self.require_chat()?;
        check_text(&text)?;
        self.push(Action::Reply { text, quote })
    }

    /// A text to anybody.
    pub(crate) fn send_text(&mut self, to: &str, text: String) -> Result<(), Denied> {
        if self.grants.send != SendScope::Any {
            return Denied::refused("not-granted", self.how_to_grant_send());
        }
        let to = match to.parse::<Recipient>() {
            Ok(recipient) => recipient.into_jid(),
            Err(bad) => return Denied::refused("bad-recipient", bad.to_string()),
        };
        check_text(&text)?;
        self.push(Action::SendText { to, text })
    }

    /// A reaction to a message of the event's chat.
    pub(crate) fn react(&mut self, target: Option<&str>, emoji: String) -> Result<(), Denied> {
        self.require_chat()?;
        if emoji.len() > MAX_EMOJI {
            return Denied::refused(
                "text-too-long",
                format!("an emoji has at most {MAX_EMOJI} bytes"),
            );
        }
        let target = match target {
            Some(id) => match id.parse::<WhatsAppId>() {
                Ok(id) => Some(id),
                Err(_) => return Denied::refused("bad-target", "the target is not a WhatsApp id"),
            },
            None if self
                .event
                .as_ref()
                .is_none_or(|event| event.message().is_none()) =>
            {
                return Denied::refused(
                    "no-message",
                    "the event is about no message; name a target",
                );
            }
            None => None,
        };
        self.push(Action::React { target, emoji })
    }

    /// A log line.
    pub(crate) fn log(&self, level: &str, message: impl Into<String>) -> Result<(), Halt> {
        self.logs.push(level, message)
    }

    /// The log, for the guest's standard output.
    pub(crate) fn logs(&self) -> &LogBuffer {
        &self.logs
    }

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
        let expires_at = ttl_seconds.map(|ttl| self.now.plus(std::time::Duration::from_secs(ttl)));
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

    /// What came of the call. A failed one keeps its log and nothing else.
    pub(crate) fn into_outcome(self, result: Result<Verdict, ExtensionFault>) -> HookOutcome {
        let logs = std::mem::take(&mut *self.logs.lock());
        match result {
            Ok(verdict) => HookOutcome {
                verdict,
                actions: self.actions,
                kv_writes: self.kv.map(KvBuffer::into_writes).unwrap_or_default(),
                logs,
                fault: None,
            },
            Err(fault) => failed(fault, logs),
        }
    }

    fn require_chat(&self) -> Result<(), Denied> {
        match self.event.as_ref().and_then(|event| event.chat()) {
            Some(_) => Ok(()),
            None => Denied::refused("no-chat", "the event came from no chat"),
        }
    }

    fn push(&mut self, action: Action) -> Result<(), Denied> {
        let weight = self.weight.saturating_add(action.weight());
        if self.actions.len() >= self.limits.actions || weight > self.limits.action_bytes {
            return Err(Denied::Halted(Halt {
                code: "too-many-actions",
                message: format!(
                    "more than {} actions or {} bytes of text in one call",
                    self.limits.actions, self.limits.action_bytes
                ),
            }));
        }
        self.weight = weight;
        self.actions.push(action);
        Ok(())
    }

    fn how_to_grant_send(&self) -> String {
        let name = &self.extension;
        format!(
            "to write to anybody, the extension asks for it (`send = \"any\"` under [capabilities] in plugin.toml, or \
             `// send: any` at the top of a script), and the operator grants it with these lines in warbler.toml: \
             [extensions.grants.\"{name}\"] send = \"any\""
        )
    }
}

/// The outcome of a call that failed: its log and its fault.
pub(crate) fn failed(fault: ExtensionFault, logs: Vec<LogLine>) -> HookOutcome {
    HookOutcome {
        verdict: Verdict::Next,
        actions: Vec::new(),
        kv_writes: Vec::new(),
        logs,
        fault: Some(fault),
    }
}

/// The outcome of a call that was not for this extension.
pub(crate) fn passed() -> HookOutcome {
    HookOutcome {
        verdict: Verdict::Next,
        actions: Vec::new(),
        kv_writes: Vec::new(),
        logs: Vec::new(),
        fault: None,
    }
}

fn no_kv<T>() -> Result<T, Denied> {
    Denied::refused(
        "unavailable",
        "there is no key-value space before the first event",
    )
}

fn check_text(text: &str) -> Result<(), Denied> {
    if text.is_empty() {
        return Denied::refused("empty-text", "a message needs a text");
    }
    if text.len() > Content::MAX_TEXT {
        return Denied::refused(
            "text-too-long",
            format!("a text has at most {} bytes", Content::MAX_TEXT),
        );
    }
    Ok(())
}
