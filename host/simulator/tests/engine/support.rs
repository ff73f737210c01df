//! The real engine, set up to talk to the simulated network.
//!
//! Everything is what a program would use, except for the wiring and a store in memory.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::sync::mpsc;
use wacore::store::InMemoryBackend;
use whatsapp_rust::Jid;
use whatsapp_rust::pair_code::PairCodeOptions;
use whatsapp_rust::prelude::{Bot, BotHandle, Client, Event, EventDelivery, TokioRuntime};

use warbler_simulator::{Network, Person};

use super::wiring::{Nodelay, Redirected};

/// How long a test waits for something that should happen at once.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// One engine with its store; it can be stopped and started again.
pub(crate) struct Engine {
    backend: Arc<InMemoryBackend>,
    url: String,
    http: String,
    handle: Option<BotHandle>,
    pub(crate) client: Arc<Client>,
    events: mpsc::UnboundedReceiver<Arc<Event>>,
}

impl Engine {
    /// An engine that has never been linked, running.
    pub(crate) async fn new(network: &Network) -> Result<Engine> {
        Engine::with_code(network, None).await
    }

    /// An engine that asks for a pairing code for this number, running.
    pub(crate) async fn with_code(network: &Network, number: Option<&str>) -> Result<Engine> {
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
    pub(crate) async fn linked(network: &Network, owner: &Person) -> Result<Engine> {
        let mut engine = Engine::new(network).await?;
        let qr = engine.qr().await?;
        owner.scans(&qr).await?;
        engine.connected().await?;
        owner.has_active_device(SOON).await?;
        Ok(engine)
    }

    /// Stops the engine in good order.
    pub(crate) async fn stops(&mut self) {
        if let Some(handle) = self.handle.take() {
            handle.shutdown().await;
        }
    }

    /// Starts the engine again with what it has stored.
    pub(crate) async fn starts(&mut self) -> Result<()> {
        let (handle, client, events) = start(&self.backend, &self.url, &self.http, None).await?;
        self.handle = Some(handle);
        self.client = client;
        self.events = events;
        Ok(())
    }

    /// The next event that the question has an answer for.
    pub(crate) async fn until<T>(&mut self, ask: impl FnMut(&Event) -> Option<T>) -> Result<T> {
        self.until_within(SOON, ask).await
    }

    pub(crate) async fn until_within<T>(
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

    pub(crate) async fn qr(&mut self) -> Result<String> {
        self.until(|event| match event {
            Event::PairingQrCode(qr) => Some(qr.code.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn pair_code(&mut self) -> Result<String> {
        self.until(|event| match event {
            Event::PairingCode(code) => Some(code.code.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn connected(&mut self) -> Result<()> {
        self.until(|event| matches!(event, Event::Connected(_)).then_some(()))
            .await
    }

    /// The next message with something to read.
    pub(crate) async fn hears(&mut self) -> Result<Incoming> {
        self.hears_within(SOON).await
    }

    pub(crate) async fn hears_within(&mut self, within: Duration) -> Result<Incoming> {
        self.until_within(within, |event| said(event).into_iter().next())
            .await
    }

    /// All texts heard until there are this many, in order.
    pub(crate) async fn hears_texts(&mut self, count: usize) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        while texts.len() < count {
            let batch = self
                .until(|event| Some(said(event)).filter(|batch| !batch.is_empty()))
                .await?;
            texts.extend(batch.into_iter().map(|one| one.text));
        }
        Ok(texts)
    }

    pub(crate) async fn says(&self, to: &str, text: &str) -> Result<String> {
        let message = waproto::whatsapp::Message {
            conversation: Some(text.to_owned()),
            ..Default::default()
        };
        self.sends(to, message).await
    }

    pub(crate) async fn sends(
        &self,
        to: &str,
        message: waproto::whatsapp::Message,
    ) -> Result<String> {
        let jid: Jid = to.parse().map_err(|_| anyhow!("{to} is no JID"))?;
        let sent = tokio::time::timeout(SOON, self.client.send_message(&jid, message)).await;
        match sent {
            Ok(sent) => Ok(sent?.message_id),
            Err(_) => bail!("the engine did not send in time"),
        }
    }
}

/// The messages of an event, without what the phone tells its companions.
pub(crate) fn said(event: &Event) -> Vec<Incoming> {
    let Event::Messages(batch) = event else {
        return Vec::new();
    };
    let peer = |one: &Incoming| one.from_me && one.message.protocol_message.is_set();
    batch
        .messages
        .iter()
        .map(Incoming::from)
        .filter(|one| !peer(one))
        .collect()
}

/// What a test wants to know of a message.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub(crate) id: String,
    pub(crate) chat: Jid,
    pub(crate) sender: Jid,
    pub(crate) from_me: bool,
    pub(crate) text: String,
    pub(crate) message: Arc<waproto::whatsapp::Message>,
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
