//! What happens to extensions, as it is told to whoever listens.

use std::fmt;
use std::time::Duration;

use warbler_domain::extension::{ExtensionFault, ExtensionKind};
use warbler_domain::{ExtensionName, Generation};

/// Something happened to a loaded extension.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Which.
    pub name: ExtensionName,
    /// Plugin or script.
    pub kind: ExtensionKind,
    /// What.
    pub what: NoticeKind,
    /// From noticing the change until it held.
    pub took: Duration,
    /// What was found odd in its manifest.
    pub warnings: Vec<String>,
}

/// What happened to an extension.
#[derive(Debug, Clone)]
pub enum NoticeKind {
    /// It runs for the first time.
    Loaded(Generation),
    /// A new version runs.
    Reloaded(Generation),
    /// The newest version does not run.
    Failed {
        /// Why.
        fault: ExtensionFault,
        /// The older version that runs instead.
        running: Option<Generation>,
    },
    /// The newest version failed on its first events, and the one before it runs again.
    Returned {
        /// Why.
        fault: ExtensionFault,
        /// The version that runs again.
        to: Generation,
    },
    /// Its files are gone, and so is it.
    Removed,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.what {
            NoticeKind::Loaded(_) => write!(f, "{name} loaded"),
            NoticeKind::Reloaded(_) => write!(f, "{name} reloaded"),
            NoticeKind::Removed => write!(f, "{name} removed"),
            NoticeKind::Returned { fault, to } => {
                write!(
                    f,
                    "{name} is back at {to}: {}: {}",
                    fault.code, fault.message
                )
            }
            NoticeKind::Failed { fault, running } => {
                write!(f, "{name} not loaded: {}: {}", fault.code, fault.message)?;
                if let Some(line) = fault.line {
                    write!(f, " (line {line})")?;
                }
                match running {
                    Some(_) => f.write_str("; the last good version keeps running"),
                    None => Ok(()),
                }
            }
        }
    }
}
