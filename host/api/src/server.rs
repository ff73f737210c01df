//! The connections: accepted, bounded, timed, and ended in order.
//!
//! Every connection is a task of [`serve`], which returns only when all of them have ended.
//! At most [`MAX_CONNECTIONS`] are open; further ones wait in the system's queue. A connection
//! that sends no complete request head within [`HEAD_TIMEOUT`] is closed, idle ones among them, and
//! so is one whose client takes nothing of what it is sent for too long.

mod stalled;

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tracing::{debug, info, warn};

use crate::caller::Peer;
use stalled::Impatient;

/// Connections open at the same time.
pub const MAX_CONNECTIONS: usize = 1024;
/// How long the head of a request may take, the wait for it included.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// How much of a request is buffered before its handler takes it; heads must fit.
pub const MAX_BUFFER: usize = 64 * 1024;
/// How long requests in flight may take to end once the server is to stop.
pub const GRACE: Duration = Duration::from_secs(10);
/// How long a client may take nothing of what it is sent, unless somebody says otherwise. Event
/// streams send a sign of life more often than this.
pub const STALLED: Duration = Duration::from_secs(30);
/// Pause after the system would not give a connection, as when files run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` until `stop`, then lets requests in flight end for at most [`GRACE`]. A client
/// that takes nothing for `stalled` is gone.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    stalled: Duration,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    info!(%address, "The API listens on http://{address}");
    let connections = TaskTracker::new();
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Some((stream, peer, permit)) = accept(&listener, &room, &stop).await {
        let stream = Impatient::new(stream, stalled);
        connections.spawn(converse(stream, peer, router.clone(), stop.clone(), permit));
    }
    drop(listener);
    connections.close();
    connections.wait().await;
    info!(%address, "The API on http://{address} has stopped");
    Ok(())
}

/// The next connection; nothing when the server is to stop.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
    let next = async {
        let permit = Arc::clone(room).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => return Some((stream, Peer(peer), permit)),
                Err(err) => {
                    warn!(%err, "A connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => None,
        accepted = next => accepted,
    }
}

/// Serves one connection until it ends.
async fn converse(
    stream: Impatient,
    peer: Peer,
    router: Router,
    stop: CancellationToken,
    _permit: OwnedSemaphorePermit,
) {
    let router = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_BUFFER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stop.cancelled() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(GRACE, connection).await {
                Ok(ended) => ended,
                Err(_) => {
                    return warn!(
                        "A connection was cut: its request took longer than the stop allows"
                    );
                }
            }
        }
    };
    if let Err(err) = ended {
        debug!(%err, "A connection ended early");
    }
}
