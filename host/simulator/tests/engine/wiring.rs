//! How the engine reaches the simulated network: a transport that does not delay small frames, and
//! an HTTP client that sends WhatsApp's media hosts to the simulated one.

use std::sync::Arc;

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_websockets::{ClientBuilder, Message};
use wacore::net::{
    DisconnectReason, HttpClient, HttpRequest, HttpResponse, Transport, TransportEvent,
    TransportFactory,
};
use whatsapp_rust::{async_channel, async_trait, bytes::Bytes};

type Socket = tokio_websockets::WebSocketStream<TcpStream>;

/// Connects to the simulated network without delaying small frames.
pub(crate) struct Nodelay {
    pub(crate) url: String,
}

struct NodelayTransport {
    sink: Mutex<futures_util::stream::SplitSink<Socket, Message>>,
}

#[async_trait]
impl Transport for NodelayTransport {
    async fn send(&self, data: Bytes) -> Result<(), anyhow::Error> {
        Ok(self.sink.lock().await.send(Message::binary(data)).await?)
    }

    async fn disconnect(&self) {
        self.sink.lock().await.close().await.ok();
    }
}

#[async_trait]
impl TransportFactory for Nodelay {
    async fn create_transport(
        &self,
    ) -> Result<(Arc<dyn Transport>, async_channel::Receiver<TransportEvent>), anyhow::Error> {
        let address = self.url.trim_start_matches("ws://");
        let host = address.split('/').next().unwrap_or(address);
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let (socket, _) = ClientBuilder::new()
            .uri(&self.url)?
            .connect_on(stream)
            .await?;
        let (sink, mut stream) = socket.split();
        let (events, received) = async_channel::bounded(1_024);
        tokio::spawn(async move {
            events.send(TransportEvent::Connected).await.ok();
            let reason = loop {
                match stream.next().await {
                    Some(Ok(message)) if message.is_binary() => {
                        let data = Bytes::from(message.into_payload());
                        if events
                            .send(TransportEvent::DataReceived(data))
                            .await
                            .is_err()
                        {
                            return;
                        }
                    }
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break DisconnectReason::ReadError(error.to_string()),
                    None => break DisconnectReason::StreamEnded,
                }
            };
            events.send(TransportEvent::Disconnected(reason)).await.ok();
        });
        let transport = NodelayTransport {
            sink: Mutex::new(sink),
        };
        Ok((Arc::new(transport), received))
    }
}

/// Sends every request to the simulated network, whatever host it names.
pub(crate) struct Redirected {
    pub(crate) base: String,
}

#[async_trait]
impl HttpClient for Redirected {
    async fn execute(&self, request: HttpRequest) -> Result<HttpResponse> {
        let host = self.base.trim_start_matches("http://");
        let path = request
            .url
            .splitn(4, '/')
            .nth(3)
            .context("a URL without a path")?;
        let mut stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let body = request.body.unwrap_or_default();
        let mut head = format!(
            "{} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {}\r\n",
            request.method,
            body.len()
        );
        for (name, value) in &request.headers {
            let name = name.to_ascii_lowercase();
            if !["host", "content-length", "connection"].contains(&name.as_str()) {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(&body).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let end = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .context("an answer without a head")?;
        let head = String::from_utf8_lossy(answer.get(..end).unwrap_or_default()).into_owned();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .context("an answer without a status")?;
        let body = answer.get(end + 4..).unwrap_or_default().to_vec();
        Ok(HttpResponse {
            status_code: status,
            body,
        })
    }
}
