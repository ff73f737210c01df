//! What the extensions made of an event, as it is shown.

use serde::Serialize;
use utoipa::ToSchema;
use warbler_domain::extension::{LogLine, TraceStep};
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
