//! Connections whose client takes nothing any more.
//!
//! A client can stop reading without a word, or vanish with its machine, and TCP alone bears with
//! that for a quarter of an hour, or for ever. What is written to it meanwhile, if only the signs
//! of life of an event stream, tells: the connection fails when nothing of it is taken for too
//! long, and what it held (a place among the streams, an open file) is free again.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tracing::debug;

/// A connection that fails when its peer takes nothing for `limit`.
pub(super) struct Impatient {
    stream: TcpStream,
    limit: Duration,
    /// Runs while something waits to be taken.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    /// Gives a client at most `limit` to take what it is sent, and to confirm it.
    pub(super) fn new(stream: TcpStream, limit: Duration) -> Self {
        // Without it every small answer waits for the peer's delayed acknowledgement.
        if let Err(err) = stream.set_nodelay(true) {
            debug!(%err, "A connection keeps Nagle's algorithm");
        }
        // A vanished client leaves room in the system's buffers; only what it does not confirm
        // tells of it.
        #[cfg(target_os = "linux")]
        if let Err(err) = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(limit)) {
            debug!(%err, "A connection keeps the system's patience");
        }
        Self {
            stream,
            limit,
            waiting: None,
        }
    }

    fn within_limit<T>(
        &mut self,
        cx: &mut Context<'_>,
        taken: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if taken.is_ready() {
            self.waiting = None;
            return taken;
        }
        let limit = self.limit;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(waiting.as_mut().poll(cx));
        let what = "the client took nothing for too long";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, what)))
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.within_limit(cx, taken)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let taken = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.within_limit(cx, taken)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
