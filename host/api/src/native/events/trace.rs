//! What the extensions made of an event, as it is shown.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;
use warbler_app::events::Passed;
use warbler_domain::extension::{CallCost, LogLine, TraceStep};
use warbler_domain::{ExtensionName, Generation, Timestamp};
use warbler_store::events::Trace;

use super::EventView;
use super::action::ActionView;
use crate::native::extensions::FaultView;
use crate::native::words;

/// An event, and its way through the chain.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExplainedEvent)]
pub(in crate::native) struct ExplainedView {
    /// The event.
    pub(super) event: EventView,
    /// Its way; null while the event is not done, and when no extension was called for it.
    #[schema(required)]
    pub(super) trace: Option<TraceView>,
    /// The extensions that were not called, and why.
    pub(super) passed: Vec<PassedView>,
}

/// An extension that was not called for an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PassedExtension)]
pub(in crate::native) struct PassedView {
    /// Which extension.
    #[schema(value_type = String, example = "night-shift")]
    extension: ExtensionName,
    /// What it is made of.
    kind: words::ExtensionKind,
    /// Why, by its filter and its grants as they are now.
    #[schema(example = "none of its filter's `text` [\"price\"] is in it")]
    why: String,
}

impl From<Passed> for PassedView {
    fn from(passed: Passed) -> Self {
        Self {
            extension: passed.extension,
            kind: passed.kind.into(),
            why: passed.why,
        }
    }
}

/// What a call used. The times add up to how long it took, but for what is lost in between.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CallCost)]
pub(in crate::native) struct CostView {
    /// Waiting for its turn, in microseconds.
    queue_micros: u64,
    /// Making the instance, in microseconds.
    start_micros: u64,
    /// Computing, in microseconds.
    guest_micros: u64,
    /// Waiting for the host, in microseconds.
    host_micros: u64,
    /// The most memory it had, in bytes; 0 for a script.
    memory_bytes: u64,
    /// HTTP requests it made.
    fetches: u32,
    /// What it was refused because it is not granted.
    denials: u32,
}

impl From<CallCost> for CostView {
    fn from(cost: CallCost) -> Self {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self {
            queue_micros: micros(cost.queue),
            start_micros: micros(cost.start),
            guest_micros: micros(cost.guest),
            host_micros: micros(cost.host),
            memory_bytes: cost.memory,
            fetches: cost.fetches,
            denials: cost.denials,
        }
    }
}

/// How an event went through the chain.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Trace)]
pub(in crate::native) struct TraceView {
    /// When it was done.
    #[schema(value_type = String, format = DateTime)]
    done_at: Timestamp,
    /// The extensions that were called, in order.
    steps: Vec<StepView>,
}

/// What one extension did with an event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TraceStep)]
pub(in crate::native) struct StepView {
    /// Which extension.
    #[schema(value_type = String, example = "auto-reply")]
    extension: ExtensionName,
    /// What it is made of.
    kind: words::ExtensionKind,
    /// Which version of it.
    #[schema(value_type = String, example = "a1b2c3d4e5f6")]
    generation: Generation,
    /// How long it took, in microseconds.
    micros: u64,
    /// Whether the chain went on.
    verdict: words::Verdict,
    /// What it asked for.
    actions: Vec<ActionView>,
    /// What it logged.
    logs: Vec<LogView>,
    /// What it used.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<CostView>,
    /// What went wrong; its actions were then dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FaultView>,
}

/// One line an extension logged.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogLine)]
pub(in crate::native) struct LogView {
    /// `debug`, `info`, `warn`, `error`, or a word of its own.
    #[schema(example = "info")]
    level: String,
    /// The line.
    message: String,
}

impl From<Trace> for TraceView {
    fn from(trace: Trace) -> Self {
        Self {
            done_at: trace.done_at,
            steps: trace.steps.into_iter().map(StepView::from).collect(),
        }
    }
}

impl From<TraceStep> for StepView {
    fn from(step: TraceStep) -> Self {
        Self {
            extension: step.extension,
            kind: step.kind.into(),
            generation: step.generation,
            micros: u64::try_from(step.took.as_micros()).unwrap_or(u64::MAX),
            verdict: step.verdict.into(),
            actions: step.actions.into_iter().map(ActionView::from).collect(),
            logs: step.logs.into_iter().map(LogView::from).collect(),
            cost: step.cost.map(CostView::from),
            error: step.error.map(FaultView::from),
        }
    }
}

impl From<LogLine> for LogView {
    fn from(line: LogLine) -> Self {
        Self {
            level: line.level,
            message: line.message,
        }
    }
}
