//! The log of one call.

use std::sync::{Arc, Mutex, MutexGuard};

use warbler_domain::extension::LogLine;

use super::Halt;
use crate::fault::cut;
use crate::limits::EffectLimits;
use crate::secrets::Secrets;

/// Longest word for a log level, in bytes.
const MAX_LEVEL: usize = 16;

/// The log lines of one call; shared with the guest's standard output.
#[derive(Clone)]
pub(crate) struct LogBuffer {
    lines: Arc<Mutex<Vec<LogLine>>>,
    max_lines: usize,
    max_line: usize,
    secrets: Secrets,
}

impl LogBuffer {
    pub(super) fn new(limits: &EffectLimits, secrets: &Secrets) -> Self {
        Self {
            lines: Arc::default(),
            max_lines: limits.log_lines,
            max_line: limits.log_line,
            secrets: secrets.clone(),
        }
    }

    /// Notes a line, cut to its limit and without the secrets the extension knows.
    pub(crate) fn push(&self, level: &str, message: impl Into<String>) -> Result<(), Halt> {
        let mut lines = self.lock();
        if lines.len() >= self.max_lines {
            return Err(Halt {
                code: "log-limit",
                message: format!(
                    "more than {} log lines in one call; note it once, behind the loop",
                    self.max_lines
                ),
            });
        }
        let mut message = self.secrets.hidden_in(message.into());
        cut(&mut message, self.max_line);
        let mut level = level.to_owned();
        cut(&mut level, MAX_LEVEL);
        lines.push(LogLine { level, message });
        Ok(())
    }

    pub(super) fn take(&self) -> Vec<LogLine> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<LogLine>> {
        self.lines
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
