//! The engine's connection: a WebSocket over TCP with `TCP_NODELAY`, and TLS unless the server is
//! on this machine.
//!
//! `TCP_NODELAY` is not a detail: the protocol writes small frames one after the other, and
//! without it every answer waits 40 ms for an acknowledgement of the one before.
//!
//! Invariant: a plain `ws` connection is only ever made to a loopback address, checked on the
//! address that is connected to, after names are resolved.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, Uri, header};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_websockets::{ClientBuilder, Limits, Message, WebSocketStream};
use wacore::net::{DisconnectReason, TransportEvent, WHATSAPP_WEB_ORIGIN};
use warbler_domain::Proxy;
use whatsapp_rust::async_channel;

use crate::link::Pulse;
use crate::tunnel;

/// TCP, TLS and the WebSocket handshake together; the engine itself gives up after 20 s.
const CONNECT: Duration = Duration::from_secs(15);
/// Longest wait for the closing handshake.
const CLOSE: Duration = Duration::from_secs(1);
/// Largest WebSocket message; a frame of the protocol is at most 16 MiB.
const MAX_MESSAGE: usize = 17 * 1024 * 1024;
/// Messages read ahead of the engine; the server waits beyond that.
const READ_AHEAD: usize = 64;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TransportError {
    #[error("{0} is not on this machine and is not reached without TLS")]
    PlainElsewhere(String),
    #[error("{0} has no address")]
    NoAddress(String),
    #[error("no connection within {} s", CONNECT.as_secs())]
    Timeout,
    #[error("{0}")]
    Failed(String),
    #[error("the connection is closed")]
    Closed,
}

fn failed(error: impl std::fmt::Display) -> TransportError {
    TransportError::Failed(error.to_string())
}

/// Where the server is and how it is reached; one for all sessions.
#[derive(Clone)]
pub(crate) struct Route {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
    proxy: Option<Arc<Proxy>>,
}

impl Route {
    /// The way to `uri`, which is `ws` or `wss`.
    pub(crate) fn new(uri: &Uri, tls: Arc<rustls::ClientConfig>) -> Result<Self, TransportError> {
        let secure = match uri.scheme_str() {
            Some("wss") => true,
            Some("ws") => false,
            _ => return Err(failed("the address must begin with wss:// or ws://")),
        };
        let host = uri
            .host()
            .ok_or_else(|| failed("the address names no host"))?;
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self {
            uri: uri.clone(),
            host,
            port: uri.port_u16().unwrap_or(if secure { 443 } else { 80 }),
            tls: secure.then(|| TlsConnector::from(tls)),
            proxy: None,
        })
    }

    /// The same way through a proxy.
    pub(crate) fn through(&self, proxy: Option<Arc<Proxy>>) -> Self {
        Self {
            proxy,
            ..self.clone()
        }
    }

    async fn connect(&self) -> Result<WebSocketStream<Box<dyn Stream>>, TransportError> {
        let tcp = self.dial().await?;
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(tcp),
            Some(connector) => {
                let name = ServerName::try_from(self.host.clone()).map_err(failed)?;
                Box::new(connector.connect(name, tcp).await.map_err(failed)?)
            }
        };
        let builder = ClientBuilder::from_uri(self.uri.clone())
            .limits(Limits::default().max_payload_len(Some(MAX_MESSAGE)))
            .add_header(
                header::ORIGIN,
                HeaderValue::from_static(WHATSAPP_WEB_ORIGIN),
            )
            .map_err(failed)?;
        let (socket, _response) = builder.connect_on(stream).await.map_err(failed)?;
        Ok(socket)
    }

    async fn dial(&self) -> Result<TcpStream, TransportError> {
        match &self.proxy {
            Some(proxy) => self.dial_through(proxy).await,
            None => self.dial_directly().await,
        }
    }

    /// Who looks names up is the proxy; so without TLS the server must be written as an address of
    /// this machine.
    async fn dial_through(&self, proxy: &Proxy) -> Result<TcpStream, TransportError> {
        let here = |host: &str| {
            let address: Result<std::net::IpAddr, _> = host.parse();
            address.is_ok_and(|address| address.to_canonical().is_loopback())
        };
        if self.tls.is_none() && !(here(&self.host) && here(&proxy.host)) {
            return Err(TransportError::PlainElsewhere(self.host.clone()));
        }
        let connected = tunnel::connect(proxy, &self.host, self.port).await;
        connected.map_err(failed)
    }

    async fn dial_directly(&self) -> Result<TcpStream, TransportError> {
        let addresses = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let mut last = TransportError::NoAddress(self.host.clone());
        for address in addresses.map_err(failed)? {
            if self.tls.is_none() && !is_here(&address) {
                last = TransportError::PlainElsewhere(self.host.clone());
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(tcp) => {
                    tcp.set_nodelay(true).map_err(failed)?;
                    return Ok(tcp);
                }
                Err(err) => last = failed(err),
            }
        }
        Err(last)
    }
}

fn is_here(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Makes the connections of one link.
#[derive(Clone)]
pub(crate) struct Transports {
    route: Route,
    pulse: Arc<Pulse>,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl Transports {
    /// Connections along `route` that end with `cancel` and whose readers are among `tasks`.
    pub(crate) fn new(
        route: Route,
        pulse: Arc<Pulse>,
        cancel: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            route,
            pulse,
            cancel,
            tasks,
        }
    }
}

/// What a connection tells its engine, in that engine's words.
pub(crate) trait Heard: Send + 'static {
    /// Something came.
    fn data(bytes: Bytes) -> Self;

    /// Nothing comes any more.
    fn over(reason: DisconnectReason) -> Self;
}

impl Heard for TransportEvent {
    fn data(bytes: Bytes) -> Self {
        Self::DataReceived(bytes)
    }

    fn over(reason: DisconnectReason) -> Self {
        Self::Disconnected(reason)
    }
}

impl Transports {
    /// A new connection, and what comes on it.
    pub(crate) async fn open<E: Heard>(
        &self,
    ) -> Result<(Connection, async_channel::Receiver<E>), TransportError> {
        let connected = tokio::select! {
            connected = timeout(CONNECT, self.route.connect()) => connected,
            () = self.cancel.cancelled() => Ok(Err(TransportError::Closed)),
        };
        let socket = match connected.unwrap_or(Err(TransportError::Timeout)) {
            Ok(socket) => socket,
            Err(err) => {
                self.pulse.not_connected(&err.to_string());
                return Err(err);
            }
        };
        self.pulse.connected();
        let (sink, stream) = socket.split();
        let (events, receiver) = async_channel::bounded(READ_AHEAD);
        let cancel = self.cancel.child_token();
        let reader = Reader {
            stream,
            events,
            cancel: cancel.clone(),
            pulse: Arc::clone(&self.pulse),
        };
        self.tasks.spawn(reader.run());
        let connection = Connection {
            sink: Mutex::new(Some(sink)),
            cancel,
        };
        Ok((connection, receiver))
    }
}

type Sink = SplitSink<WebSocketStream<Box<dyn Stream>>, Message>;

/// The writing half, as the engine holds it.
pub(crate) struct Connection {
    sink: Mutex<Option<Sink>>,
    cancel: CancellationToken,
}

impl Connection {
    /// Writes to the server.
    pub(crate) async fn write(&self, data: Bytes) -> Result<(), TransportError> {
        let write = async {
            let mut sink = self.sink.lock().await;
            let sink = sink.as_mut().ok_or(TransportError::Closed)?;
            sink.send(Message::binary(data)).await.map_err(failed)
        };
        tokio::select! {
            written = write => written,
            () = self.cancel.cancelled() => Err(TransportError::Closed),
        }
    }

    /// Waits until the connection is to end.
    pub(crate) async fn closed(&self) {
        self.cancel.cancelled().await;
    }

    /// Ends the connection.
    pub(crate) async fn end(&self) {
        self.cancel.cancel();
        let Some(mut sink) = self.sink.lock().await.take() else {
            return;
        };
        // A server that does not listen any more is not waited for.
        drop(timeout(CLOSE, sink.close()).await);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// The reading half, as a task.
struct Reader<E> {
    stream: SplitStream<WebSocketStream<Box<dyn Stream>>>,
    events: async_channel::Sender<E>,
    cancel: CancellationToken,
    pulse: Arc<Pulse>,
}

impl<E: Heard> Reader<E> {
    async fn run(mut self) {
        let reason = loop {
            let message = tokio::select! {
                message = self.stream.next() => message,
                () = self.cancel.cancelled() => return,
            };
            let message = match message {
                Some(Ok(message)) => message,
                Some(Err(err)) => break DisconnectReason::ReadError(err.to_string()),
                None => break DisconnectReason::StreamEnded,
            };
            self.pulse.heard();
            if let Some((code, reason)) = message.as_close() {
                let (code, reason) = (Some(code.into()), reason.to_owned());
                break DisconnectReason::ServerClose { code, reason };
            }
            if message.is_binary() && !self.tell(E::data(message.into_payload().into())).await {
                return;
            }
        };
        self.tell(E::over(reason)).await;
    }

    /// Whether the engine still listens.
    async fn tell(&self, event: E) -> bool {
        tokio::select! {
            told = self.events.send(event) => told.is_ok(),
            () = self.cancel.cancelled() => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(uri: &'static str) -> Result<Route, TransportError> {
        let tls = tls_config()?;
        Route::new(&Uri::from_static(uri), tls)
    }

    fn tls_config() -> Result<Arc<rustls::ClientConfig>, TransportError> {
        warbler_app::fetch::tls::client_config(&warbler_app::fetch::Roots::System)
            .map(Arc::new)
            .map_err(failed)
    }

    #[tokio::test]
    async fn a_plain_connection_elsewhere_is_refused() {
        let refused = match route("ws://192.0.2.1:80/ws/chat") {
            Ok(route) => route.dial().await.map(drop),
            Err(err) => Err(err),
        };
        assert_eq!(
            refused,
            Err(TransportError::PlainElsewhere("192.0.2.1".to_owned()))
        );
    }

    #[test]
    fn an_address_of_another_kind_is_refused() {
        assert!(route("https://web.whatsapp.com/ws/chat").is_err());
        assert!(route("wss://web.whatsapp.com/ws/chat").is_ok());
    }

    #[test]
    fn only_loopback_is_here() {
        for (address, here) in [
            ("127.0.0.1:1", true),
            ("[::1]:1", true),
            ("10.0.0.1:1", false),
            ("[::ffff:127.0.0.1]:1", true),
        ] {
            let parsed: Result<SocketAddr, _> = address.parse();
            assert_eq!(
                parsed.map(|address| is_here(&address)),
                Ok(here),
                "{address}"
            );
        }
    }
}
