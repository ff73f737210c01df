//! How a command fails, and the exit code that says so.

use std::io;
use std::process::ExitCode;

use crate::config::{ConfigError, NetworkError};
use crate::host::StartError;
use crate::logging::LoggingError;

/// Why a command did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It was asked in a way that makes no sense. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// The host does not answer. Exit code 3.
    #[error(
        "no host answers at {url}: {reason}\nStart one with `warbler serve`, or name another with --url."
    )]
    Unreachable {
        /// Where.
        url: String,
        /// What was seen.
        reason: String,
    },
    /// The host said no. Exit code 4.
    #[error("refused: {message} ({code})")]
    Refused {
        /// The host's stable word for it.
        code: String,
        /// What it says.
        message: String,
    },
    /// Nobody reads the output any more. Exit code 0.
    #[error("the output was closed")]
    OutputClosed,
    /// Anything else. Exit code 1.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

impl Failure {
    /// A failure in these words.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(anyhow::Error::msg(message.into()))
    }

    /// What the process ends with.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::OutputClosed => 0,
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable { .. } => 3,
            Self::Refused { .. } => 4,
        })
    }
}

impl From<io::Error> for Failure {
    fn from(err: io::Error) -> Self {
        match err.kind() {
            io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::Failed(err.into()),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(err: ConfigError) -> Self {
        Self::Usage(err.to_string())
    }
}

impl From<NetworkError> for Failure {
    fn from(err: NetworkError) -> Self {
        Self::Usage(err.to_string())
    }
}

impl From<LoggingError> for Failure {
    fn from(err: LoggingError) -> Self {
        Self::Usage(err.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(err: StartError) -> Self {
        match err {
            StartError::RemoteNotAllowed(_) => Self::Usage(err.to_string()),
            err => Self::failed(with_causes(&err)),
        }
    }
}

/// The error and what caused it, saying nothing twice.
fn with_causes(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut cause = err.source();
    while let Some(err) = cause {
        let reason = err.to_string();
        if !text.contains(&reason) {
            text.push_str(": ");
            text.push_str(&reason);
        }
        cause = err.source();
    }
    text
}
