//! The real engine, set up to talk to the simulated network.
//!
//! Everything is what a program would use, except for three small parts: a transport with
//! `TCP_NODELAY`, an HTTP client that sends WhatsApp's media hosts to the simulated one, and a store
//! in memory.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};
use tokio_websockets::{ClientBuilder, Message};
use wacore::net::{
    DisconnectReason, HttpClient, HttpRequest, HttpResponse, Transport, TransportEvent,
    TransportFactory,
};
use wacore::store::InMemoryBackend;
use whatsapp_rust::pair_code::PairCodeOptions;
use whatsapp_rust::prelude::{Bot, BotHandle, Client, Event, EventDelivery, TokioRuntime};
use whatsapp_rust::{Jid, async_channel, async_trait, bytes::Bytes};

use warbler_simulator::{Network, Person};

/// How long a test waits for something that should happen at once.
pub const SOON: Duration = Duration::from_secs(20);

type Socket = tokio_websockets::WebSocketStream<TcpStream>;

/// Connects to the simulated network without delaying small frames.
pub struct Nodelay {
    pub url: String,
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
pub struct Redirected {
    pub base: String,
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

/// One engine with its store; it can be stopped and started again.
pub struct Engine {
    backend: Arc<InMemoryBackend>,
    url: String,
    http: String,
    handle: Option<BotHandle>,
    pub client: Arc<Client>,
    events: mpsc::UnboundedReceiver<Arc<Event>>,
}

impl Engine {
    /// An engine that has never been linked, running.
    pub async fn new(network: &Network) -> Result<Engine> {
        Engine::with_code(network, None).await
    }

    /// An engine that asks for a pairing code for this number, running.
    pub async fn with_code(network: &Network, number: Option<&str>) -> Result<Engine> {
        let backend = Arc::new(InMemoryBackend::new());
        let url = network.websocket_url();
        let http = network.http_url();
        let (handle, client, events) = start(&backend, &url, &http, number).await?;
        Ok(Engine {
            backend,
            url,
            http,
            handle: Some(handle),
            client,
            events,
        })
    }

    /// An engine linked to this person by QR, connected and idle.
    pub async fn linked(network: &Network, owner: &Person) -> Result<Engine> {
        let mut engine = Engine::new(network).await?;
        let qr = engine.qr().await?;
        owner.scans(&qr).await?;
        engine.connected().await?;
        owner.has_active_device(SOON).await?;
        Ok(engine)
    }

    /// Stops the engine in good order.
    pub async fn stops(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.shutdown().await;
        }
    }

    /// Starts the engine again with what it has stored.
    pub async fn starts(&mut self) -> Result<()> {
        let (handle, client, events) = start(&self.backend, &self.url, &self.http, None).await?;
        self.handle = Some(handle);
        self.client = client;
        self.events = events;
        Ok(())
    }

    /// The next event that the question has an answer for.
    pub async fn until<T>(&mut self, ask: impl FnMut(&Event) -> Option<T>) -> Result<T> {
        self.until_within(SOON, ask).await
    }

    pub async fn until_within<T>(
        &mut self,
        within: Duration,
        mut ask: impl FnMut(&Event) -> Option<T>,
    ) -> Result<T> {
        let search = async {
            loop {
                let event = self.events.recv().await.context("the engine is gone")?;
                if let Some(answer) = ask(&event) {
                    return Ok(answer);
                }
            }
        };
        tokio::time::timeout(within, search)
            .await
            .map_err(|_| anyhow!("the event did not come within {within:?}"))?
    }

    pub async fn qr(&mut self) -> Result<String> {
        self.until(|event| match event {
            Event::PairingQrCode(qr) => Some(qr.code.clone()),
            _ => None,
        })
        .await
    }

    pub async fn pair_code(&mut self) -> Result<String> {
        self.until(|event| match event {
            Event::PairingCode(code) => Some(code.code.clone()),
            _ => None,
        })
        .await
    }

    pub async fn connected(&mut self) -> Result<()> {
        self.until(|event| matches!(event, Event::Connected(_)).then_some(()))
            .await
    }

    /// The next message with something to read.
    pub async fn hears(&mut self) -> Result<Incoming> {
        self.hears_within(SOON).await
    }

    pub async fn hears_within(&mut self, within: Duration) -> Result<Incoming> {
        self.until_within(within, |event| {
            let Event::Messages(batch) = event else {
                return None;
            };
            if batch.messages.len() > 1 {
                // Tests that need every message of a batch read it themselves.
                return batch.messages.first().map(Incoming::from);
            }
            batch.messages.first().map(Incoming::from)
        })
        .await
    }

    /// All texts heard until there are this many, in order.
    pub async fn hears_texts(&mut self, count: usize) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        while texts.len() < count {
            let batch = self
                .until(|event| match event {
                    Event::Messages(batch) => Some(batch.messages.clone()),
                    _ => None,
                })
                .await?;
            texts.extend(batch.iter().map(Incoming::from).map(|one| one.text));
        }
        Ok(texts)
    }

    pub async fn says(&self, to: &str, text: &str) -> Result<String> {
        let message = waproto::whatsapp::Message {
            conversation: Some(text.to_owned()),
            ..Default::default()
        };
        self.sends(to, message).await
    }

    pub async fn sends(&self, to: &str, message: waproto::whatsapp::Message) -> Result<String> {
        let jid: Jid = to.parse().map_err(|_| anyhow!("{to} is no JID"))?;
        let sent = tokio::time::timeout(SOON, self.client.send_message(&jid, message)).await;
        match sent {
            Ok(sent) => Ok(sent?.message_id),
            Err(_) => bail!("the engine did not send in time"),
        }
    }
}

/// What a test wants to know of a message.
#[derive(Debug, Clone)]
pub struct Incoming {
    pub id: String,
    pub chat: Jid,
    pub sender: Jid,
    pub from_me: bool,
    pub text: String,
    pub message: Arc<waproto::whatsapp::Message>,
}

impl From<&whatsapp_rust::prelude::InboundMessage> for Incoming {
    fn from(inbound: &whatsapp_rust::prelude::InboundMessage) -> Self {
        use whatsapp_rust::prelude::MessageExt;
        Incoming {
            id: inbound.info.id.to_string(),
            chat: inbound.info.source.chat.clone(),
            sender: inbound.info.source.sender.clone(),
            from_me: inbound.info.source.is_from_me,
            text: inbound
                .message
                .text_content()
                .unwrap_or_default()
                .to_owned(),
            message: Arc::clone(&inbound.message),
        }
    }
}

type Started = (BotHandle, Arc<Client>, mpsc::UnboundedReceiver<Arc<Event>>);

async fn start(
    backend: &Arc<InMemoryBackend>,
    url: &str,
    http: &str,
    number: Option<&str>,
) -> Result<Started> {
    let (send, events) = mpsc::unbounded_channel();
    let mut builder = Bot::builder()
        .with_backend_arc(Arc::clone(backend) as Arc<dyn wacore::store::traits::Backend>)
        .with_transport_factory(Nodelay { url: url.into() })
        .with_http_client(Redirected { base: http.into() })
        .with_runtime(TokioRuntime)
        .with_version((2, 3000, 1_027_868_167))
        .with_event_delivery(EventDelivery::Ordered { capacity: 1_024 })
        .on_event(move |event, _client| {
            send.send(event).ok();
            async {}
        });
    if let Some(number) = number {
        builder = builder.with_pair_code(PairCodeOptions {
            phone_number: number.to_owned(),
            ..Default::default()
        });
    }
    let bot = builder.build().await?;
    let client = bot.client();
    Ok((bot.spawn(), client, events))
}
