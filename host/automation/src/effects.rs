//! What a call asks for: actions, kv writes and log lines, collected under its limits.
//!
//! Both engines hand their guest the same [`Effects`]. A mistake the guest can act on is a
//! [`Refusal`]; going over a limit is a [`Halt`], which ends the call, so that an extension never
//! half succeeds. What may be sent is in `outbox`, what may be read and kept in `keep`, requests to
//! the outside in `fetch`, the log in `log`. Invariant: nothing in here but `fetch` reaches the
//! outside; [`Effects::into_outcome`] hands it to the pipeline.

mod denied;
mod fetch;
mod keep;
mod log;
mod outbox;
mod rate;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use warbler_app::hook::{HookCall, HookOutcome, KvBuffer, KvReader, Made};
use warbler_domain::extension::{CallCost, ExtensionFault, LogLine};
use warbler_domain::{Action, Event, Random, SessionId, Timestamp, Verdict};

use crate::fixture::Rehearsal;
use crate::profile::{KvSpace, Profile};
use crate::services::Services;

pub(crate) use denied::{Denied, Halt};
pub(crate) use fetch::{Answer, Patience, Request};
pub(crate) use log::LogBuffer;
pub(crate) use rate::Rate;

/// Everything one call asks for.
pub(crate) struct Effects {
    profile: Arc<Profile>,
    services: Arc<Services>,
    /// Absent in the hooks that are about no event, and while a guest is started.
    event: Option<Arc<Event>>,
    now: Timestamp,
    actions: Vec<Action>,
    weight: usize,
    timers: u32,
    /// Messages among the actions, where their rate is granted.
    messages: u32,
    fetches: u32,
    /// Refusals for want of a grant.
    denials: AtomicU32,
    patience: Option<Arc<Patience>>,
    kv: Option<KvBuffer>,
    logs: LogBuffer,
}

impl Effects {
    /// The effects of a call at an event.
    pub(crate) fn at_event(
        call: &HookCall,
        profile: &Arc<Profile>,
        services: &Arc<Services>,
    ) -> Self {
        Self {
            event: Some(Arc::clone(&call.event)),
            now: call.now,
            kv: Some(space(&call.kv, call.event.session, profile)),
            ..Self::idle(profile, services)
        }
    }

    /// The effects of a call that makes text for a session: there is no outbox.
    pub(crate) fn of_text(
        now: Timestamp,
        session: SessionId,
        kv: &KvReader,
        profile: &Arc<Profile>,
        services: &Arc<Services>,
    ) -> Self {
        Self {
            now,
            kv: Some(space(kv, session, profile)),
            ..Self::idle(profile, services)
        }
    }

    /// The effects of a start: config, secrets and the log, and nothing else.
    pub(crate) fn idle(profile: &Arc<Profile>, services: &Arc<Services>) -> Self {
        let may_fetch = !profile.grants.http.is_empty();
        Self {
            logs: LogBuffer::new(&services.limits, &profile.secrets),
            profile: Arc::clone(profile),
            services: Arc::clone(services),
            event: None,
            now: Timestamp::from_millis(0),
            actions: Vec::new(),
            weight: 0,
            timers: 0,
            messages: 0,
            fetches: 0,
            denials: AtomicU32::new(0),
            patience: may_fetch.then(Arc::default),
            kv: None,
        }
    }

    /// How long the call may wait beyond its own time; `None` when it cannot.
    pub(crate) fn patience(&self) -> Option<Arc<Patience>> {
        self.patience.clone()
    }

    /// What stands in the place of the outside, while a fixture is run.
    pub(crate) fn rehearsal(&self) -> Option<&Rehearsal> {
        self.profile.rehearsal.as_deref()
    }

    /// The `[config]` table as a JSON object.
    pub(crate) fn config(&self) -> &str {
        &self.profile.config
    }

    /// Where the random numbers of this call begin.
    pub(crate) fn seed(&self) -> [u8; 32] {
        let mut seed = [0; 32];
        match self.rehearsal() {
            Some(rehearsal) => Random::seeded(rehearsal.seed()).fill(&mut seed),
            None => self.services.random.fill(&mut seed),
        }
        seed
    }

    /// Nothing of it is done: the call is begun again.
    pub(crate) fn forget(self) {
        self.profile.rate.give_back(self.messages);
    }

    /// Whether it has asked others.
    pub(crate) fn has_fetched(&self) -> bool {
        self.fetches > 0
    }

    /// How long one request to the outside may take.
    pub(crate) fn fetch_time(&self) -> Duration {
        self.services.limits.fetch_time
    }

    /// A log line.
    pub(crate) fn log(&self, level: &str, message: impl Into<String>) -> Result<(), Halt> {
        self.logs.push(level, message)
    }

    /// The log, for the guest's standard output.
    pub(crate) fn logs(&self) -> &LogBuffer {
        &self.logs
    }

    /// What came of the call at an event. A failed one keeps its log and nothing else.
    pub(crate) fn into_outcome(
        self,
        result: Result<Verdict, ExtensionFault>,
        cost: CallCost,
    ) -> HookOutcome {
        let logs = self.logs.take();
        let cost = self.counted(cost);
        match result {
            Ok(verdict) => HookOutcome {
                verdict,
                actions: self.actions,
                kv_writes: self.kv.map(KvBuffer::into_writes).unwrap_or_default(),
                logs,
                fault: None,
                cost,
            },
            Err(fault) => {
                self.profile.rate.give_back(self.messages);
                HookOutcome {
                    cost,
                    ..failed(fault, logs)
                }
            }
        }
    }

    /// `cost`, with what was counted here.
    pub(crate) fn counted(&self, cost: CallCost) -> CallCost {
        CallCost {
            fetches: self.fetches,
            denials: self.denials.load(Ordering::Relaxed),
            ..cost
        }
    }

    /// Goes on with the log of another call of the same instance.
    pub(crate) fn share_log(&mut self, logs: LogBuffer) {
        self.logs = logs;
    }

    /// What came of a call that makes text.
    pub(crate) fn into_made<T>(self, result: Result<T, ExtensionFault>) -> Made<T> {
        let logs = self.logs.take();
        let kv_writes = match (&result, self.kv) {
            (Ok(_), Some(kv)) => kv.into_writes(),
            _ => Vec::new(),
        };
        Made {
            result,
            kv_writes,
            logs,
        }
    }

    /// What the line of `warbler.toml` that grants `line` looks like.
    ///
    /// Whoever asks has been refused for want of it.
    fn how_to_grant(&self, line: &str) -> String {
        self.denials.fetch_add(1, Ordering::Relaxed);
        let name = &self.profile.name;
        if name.as_str() == crate::rules::NAME {
            let words = as_words(line);
            return format!(
                "it needs `{line}` under [extensions.grants.{name}] in warbler.toml (or `warbler extensions grant \
                 {name} {words}`)"
            );
        }
        let is_script = self.profile.file.extension().is_some_and(|it| it == "rhai");
        let asked = match is_script {
            true => format!(
                "`// {}` at the top of the script",
                line.replace(" = ", ": ").replace(['"', '[', ']'], "")
            ),
            false => format!("`{line}` under [capabilities] in plugin.toml"),
        };
        format!(
            "it needs two lines: {asked}, where it asks, and `{line}` under [extensions.grants.\"{name}\"] in \
             warbler.toml, where it is granted (or `warbler extensions grant {name} {words}`)",
            words = as_words(line),
        )
    }
}

/// A line of `warbler.toml` as `warbler extensions grant` takes it.
pub(crate) fn as_words(line: &str) -> String {
    line.replace(" = ", "=").replace(['"', '[', ']', ' '], "")
}

/// The outcome of a call that failed: its log and its fault.
pub(crate) fn failed(fault: ExtensionFault, logs: Vec<LogLine>) -> HookOutcome {
    HookOutcome {
        verdict: Verdict::Next,
        actions: Vec::new(),
        kv_writes: Vec::new(),
        logs,
        fault: Some(fault),
        cost: CallCost::default(),
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
        cost: CallCost::default(),
    }
}

/// The key-value space a call in `session` has.
fn space(kv: &KvReader, session: SessionId, profile: &Profile) -> KvBuffer {
    KvBuffer::new(match profile.kv {
        KvSpace::Plugin => kv.clone(),
        KvSpace::Session => kv.clone().of_session(session),
    })
}
