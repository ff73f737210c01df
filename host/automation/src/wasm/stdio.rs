//! A guest's standard output and error: lines of its log.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use crate::effects::{Halt, LogBuffer};

/// Bytes a guest may write at once; also the longest line kept together.
const CHUNK: usize = 4096;

/// One stream; clones write to the same one.
#[derive(Clone)]
pub(super) struct GuestStream {
    level: &'static str,
    logs: LogBuffer,
    line: Arc<Mutex<Vec<u8>>>,
}

impl GuestStream {
    pub(super) fn new(level: &'static str, logs: LogBuffer) -> Self {
        Self {
            level,
            logs,
            line: Arc::default(),
        }
    }

    /// Notes what stands after the last line's end.
    pub(super) fn finish(&self) {
        let line = std::mem::take(&mut *self.lock());
        if !line.is_empty() {
            // The call is over; a full log has been reported while it ran.
            drop(self.note(&line));
        }
    }

    fn take(&self, bytes: &[u8]) -> Result<(), Halt> {
        let mut line = self.lock();
        for byte in bytes {
            if *byte != b'\n' {
                line.push(*byte);
            }
            if *byte == b'\n' || line.len() >= CHUNK {
                self.note(&line)?;
                line.clear();
            }
        }
        Ok(())
    }

    fn note(&self, line: &[u8]) -> Result<(), Halt> {
        let text = String::from_utf8_lossy(line);
        self.logs.push(self.level, text.trim_end_matches('\r'))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.line
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for GuestStream {
    async fn ready(&mut self) {}
}

impl OutputStream for GuestStream {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.take(&bytes)
            .map_err(|halt| StreamError::Trap(wasmtime::Error::new(halt)))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

impl AsyncWrite for GuestStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Poll::Ready(match self.take(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(halt) => Err(std::io::Error::other(halt)),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
