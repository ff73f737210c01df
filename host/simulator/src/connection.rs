//! One socket: frames, Noise, and a bounded outbox.
//!
//! The reading half hands every stanza to the router; the writing half takes stanzas from the
//! outbox, seals them in order and flushes when the outbox is empty. Both end together: when the
//! peer goes, when the server stops, or when a fault says so.
//!
//! Invariant: nothing is buffered beyond the limits below, whatever a peer sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_websockets::{Limits, Message, ServerBuilder, WebSocketStream};
use wacore_binary::consts::WA_CONN_HEADER;
use wacore_binary::marshal::{marshal_to_vec, unmarshal_ref};
use wacore_binary::util::unpack;
use wacore_binary::{BinaryError, Node};
use wacore_noise::framing::{FrameDecoder, encode_frame};
use wacore_noise::{NoiseCipher, NoiseError};

use crate::faults::{Fault, GARBAGE};
use crate::handshake::{self, Greeted, Opened, Refused};
use crate::hub::Hub;
use crate::state::connection::{Connection, ConnectionId, OUTBOX, READING_ROOM};
use crate::{login, routing};

const HEADER_WITHIN: Duration = Duration::from_secs(10);
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(20);
/// The longest frame before a client has logged in.
const EARLY_FRAME: usize = 1 << 20;
/// The longest frame afterwards; the protocol allows no more.
const FRAME: usize = 1 << 24;
/// Edge-routing data in front of the header.
const EDGE_ROUTING: [u8; 4] = [b'E', b'D', 0, 1];
/// How many stanzas are sealed between two flushes.
const BATCH: usize = 64;

type Socket = WebSocketStream<TcpStream>;

/// Why a socket was given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectionError {
    #[error("the client was too slow")]
    TooSlow,
    #[error("the socket is closed")]
    Closed,
    #[error("the client does not begin with the protocol's header")]
    BadHeader,
    #[error("a frame is longer than {0} bytes")]
    FrameTooLong(usize),
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("a frame cannot be opened or sealed")]
    Noise(#[from] NoiseError),
    #[error("a frame is not a stanza")]
    Stanza(#[from] BinaryError),
    #[error("a stanza is too long to be sent")]
    Unsendable,
    #[error("the socket failed")]
    WebSocket(#[from] tokio_websockets::Error),
    #[error("the socket failed")]
    Io(#[from] std::io::Error),
}

/// Serves one socket to its end.
pub(crate) async fn serve(hub: Arc<Hub>, stream: TcpStream) {
    match run(&hub, stream).await {
        Ok(()) | Err(ConnectionError::Closed) => {}
        Err(error) => tracing::debug!(%error, "A client connection ended"),
    }
}

async fn run(hub: &Arc<Hub>, stream: TcpStream) -> Result<(), ConnectionError> {
    // Clients write several small frames in a row; without this every hop costs 40 ms.
    stream.set_nodelay(true)?;
    let limits = Limits::default().max_payload_len(Some(FRAME + 1024));
    let builder = ServerBuilder::new().limits(limits);
    let (_, socket) = timeout(HEADER_WITHIN, builder.accept(stream))
        .await
        .map_err(|_| ConnectionError::TooSlow)??;
    let (mut sink, stream) = socket.split();
    let mut frames = Frames::new(stream);
    let greeted = timeout(HANDSHAKE_WITHIN, greet(hub, &mut frames, &mut sink))
        .await
        .map_err(|_| ConnectionError::TooSlow)??;

    let (outbox, waiting) = mpsc::channel(OUTBOX);
    let answers = outbox.clone();
    let handles = Handles::default();
    let id = hub.lock().add_connection(Connection {
        outbox,
        close: handles.close.clone(),
        finish: handles.finish.clone(),
        frozen: handles.frozen.clone(),
        stalled: Arc::clone(&handles.stalled),
        who: None,
    });
    login::greet(hub, id, greeted.client_static, &greeted.payload);
    frames.limit = FRAME;
    let outcome = tokio::select! {
        outcome = read(hub, id, &handles, answers, frames, greeted.incoming) => outcome,
        outcome = write(hub, id, &handles, sink, waiting, greeted.outgoing) => outcome,
        () = handles.close.cancelled() => Ok(()),
        () = hub.stop.cancelled() => Ok(()),
    };
    let gone = {
        let mut state = hub.lock();
        let gone = state.disconnected(id);
        if let Some(who) = gone {
            routing::presence::gone(hub, &mut state, who.account);
        }
        gone
    };
    if gone.is_some() {
        hub.touch();
    }
    outcome
}

#[derive(Default)]
struct Handles {
    close: CancellationToken,
    finish: CancellationToken,
    frozen: CancellationToken,
    stalled: Arc<AtomicBool>,
}

async fn greet(
    hub: &Arc<Hub>,
    frames: &mut Frames,
    sink: &mut SplitSink<Socket, Message>,
) -> Result<Greeted, ConnectionError> {
    let first = frames.next().await?;
    let opened = {
        let mut state = hub.lock();
        let decline = state.faults.take(None, |fault| match fault {
            Fault::DeclineIk { .. } => Some(()),
            _ => None,
        });
        handshake::open(&hub.identity, &first, decline.is_some(), &mut state.rng)?
    };
    let (answer, pending) = match opened {
        Opened::Finished { answer, greeted } => {
            sink.send(framed(&answer)?).await?;
            return Ok(greeted);
        }
        Opened::Waiting { answer, pending } => (answer, pending),
    };
    sink.send(framed(&answer)?).await?;
    let last = frames.next().await?;
    Ok(pending.finish(&last)?)
}

async fn read(
    hub: &Arc<Hub>,
    id: ConnectionId,
    handles: &Handles,
    outbox: mpsc::Sender<Arc<Node>>,
    mut frames: Frames,
    cipher: NoiseCipher,
) -> Result<(), ConnectionError> {
    let mut counter = 0u32;
    loop {
        let mut frame = tokio::select! {
            biased;
            () = handles.frozen.cancelled() => {
                handles.close.cancelled().await;
                return Ok(());
            }
            frame = frames.next() => frame?,
        };
        cipher.decrypt_in_place_with_counter(counter, &mut frame)?;
        counter = counter.wrapping_add(1);
        let plain = unpack(&frame)?;
        let node = unmarshal_ref(&plain)?.to_owned();
        drop(outbox.reserve_many(READING_ROOM).await);
        routing::received(hub, id, node);
    }
}

async fn write(
    hub: &Arc<Hub>,
    id: ConnectionId,
    handles: &Handles,
    mut sink: SplitSink<Socket, Message>,
    mut waiting: mpsc::Receiver<Arc<Node>>,
    cipher: NoiseCipher,
) -> Result<(), ConnectionError> {
    let mut counter = 0u32;
    loop {
        let first = tokio::select! {
            biased;
            () = handles.frozen.cancelled() => {
                handles.close.cancelled().await;
                return Ok(());
            }
            node = waiting.recv() => node.ok_or(ConnectionError::Closed)?,
            () = handles.finish.cancelled() => {
                sink.close().await?;
                return Ok(());
            }
        };
        let mut next = Some(first);
        let mut batch = 0;
        while let Some(node) = next {
            if node.tag == GARBAGE {
                sink.feed(framed(&[0; 48])?).await?;
            } else {
                sink.feed(seal(&node, &cipher, counter)?).await?;
                counter = counter.wrapping_add(1);
            }
            batch += 1;
            next = if batch < BATCH {
                waiting.try_recv().ok()
            } else {
                None
            };
        }
        sink.flush().await?;
        if handles.stalled.swap(false, Ordering::AcqRel) {
            let mut state = hub.lock();
            if let Some(who) = state.connections.get(&id).and_then(|one| one.who) {
                state.pump(who);
            }
        }
    }
}

fn seal(node: &Node, cipher: &NoiseCipher, counter: u32) -> Result<Message, ConnectionError> {
    let mut plain = Vec::with_capacity(512);
    marshal_to_vec(node, &mut plain)?;
    cipher.encrypt_in_place_with_counter(counter, &mut plain)?;
    framed(&plain)
}

fn framed(payload: &[u8]) -> Result<Message, ConnectionError> {
    let frame = encode_frame(payload, None).map_err(|_| ConnectionError::Unsendable)?;
    Ok(Message::binary(frame))
}

/// The reading half, as frames.
struct Frames {
    stream: SplitStream<Socket>,
    decoder: FrameDecoder,
    /// What has come before the header is complete; none once it is.
    early: Option<Vec<u8>>,
    limit: usize,
}

impl Frames {
    fn new(stream: SplitStream<Socket>) -> Self {
        Self {
            stream,
            decoder: FrameDecoder::new(),
            early: Some(Vec::new()),
            limit: EARLY_FRAME,
        }
    }

    async fn next(&mut self) -> Result<BytesMut, ConnectionError> {
        loop {
            if self.early.is_none()
                && let Some(frame) = self.decoder.decode_frame()
            {
                return Ok(frame);
            }
            if self.decoder.buffered_len() > self.limit {
                return Err(ConnectionError::FrameTooLong(self.limit));
            }
            let message = self.stream.next().await.ok_or(ConnectionError::Closed)??;
            if message.is_close() {
                return Err(ConnectionError::Closed);
            }
            if !message.is_binary() {
                continue;
            }
            match self.early.take() {
                None => self.decoder.feed(message.as_payload()),
                Some(mut early) => {
                    early.extend_from_slice(message.as_payload());
                    self.begin(early)?;
                }
            }
        }
    }

    /// Takes the header off the first bytes, once they are all there.
    fn begin(&mut self, early: Vec<u8>) -> Result<(), ConnectionError> {
        if early.len() > EARLY_FRAME {
            return Err(ConnectionError::FrameTooLong(EARLY_FRAME));
        }
        let skipped = match early.strip_prefix(&EDGE_ROUTING) {
            None => Some(early.as_slice()),
            Some(rest) => match rest {
                [a, b, c, rest @ ..] => {
                    let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
                    rest.get(length..)
                }
                _ => None,
            },
        };
        match skipped {
            Some(rest) if rest.len() >= WA_CONN_HEADER.len() => {
                let frames = rest
                    .strip_prefix(&WA_CONN_HEADER)
                    .ok_or(ConnectionError::BadHeader)?;
                self.decoder.feed(frames);
            }
            _ => self.early = Some(early),
        }
        Ok(())
    }
}
