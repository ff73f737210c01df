//! Events through the durable pipeline, without a network: ingest, one plugin and one script, the
//! commit with their effects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use warbler_app::driver::{
    Chats, Driver, DriverError, Groups, Inbound, InboundMessage, Inbox, Link, LinkReport,
    MediaFailure, Outgoing, PairingCode, People, SendFailure,
};
use warbler_app::hook::Extensions;
use warbler_app::{App, Parts, sessions::CreateSession};
use warbler_automation::{Registry, RegistryConfig};
use warbler_domain::session::Account;
use warbler_domain::{
    Caller, Clock, Content, Direction, PhoneNumber, Random, SessionId, SystemClock, Timestamp,
    WhatsAppId,
};
use warbler_store::{Store, StoreOptions};
use warbler_tests::{project_root, quick_settings};

const CHATS: usize = 256;
const EACH: usize = 80;

/// A network of nobody: connects at once and takes every message over at once.
struct Loopback {
    inbox: Mutex<Option<Arc<dyn Inbox>>>,
}

struct LoopbackLink {
    inbox: Arc<dyn Inbox>,
}

#[async_trait]
impl Driver for Loopback {
    fn engine(&self) -> &'static str {
        "none"
    }

    async fn open(
        &self,
        _session: SessionId,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Arc<dyn Link>, DriverError> {
        let jid = "15550001@c.us"
            .parse()
            .map_err(|_| DriverError::NotConnected)?;
        inbox
            .report(LinkReport::Connected(Account {
                jid,
                lid: None,
                push_name: None,
            }))
            .await;
        *self.inbox.lock().await = Some(Arc::clone(&inbox));
        Ok(Arc::new(LoopbackLink { inbox }))
    }

    async fn is_paired(&self, _session: SessionId) -> Result<bool, DriverError> {
        Ok(true)
    }

    async fn forget(&self, _session: SessionId) -> Result<(), DriverError> {
        Ok(())
    }
}

impl Chats for LoopbackLink {}
impl Groups for LoopbackLink {}
impl People for LoopbackLink {}

#[async_trait]
impl Link for LoopbackLink {
    async fn send(&self, message: &Outgoing) -> Result<(), SendFailure> {
        let (inbox, whatsapp_id) = (Arc::clone(&self.inbox), message.whatsapp_id.clone());
        inbox
            .report(LinkReport::Ack {
                whatsapp_id,
                refused: None,
            })
            .await;
        Ok(())
    }

    async fn request_pairing_code(&self, _phone: &PhoneNumber) -> Result<PairingCode, DriverError> {
        Err(DriverError::AlreadyPaired)
    }

    async fn fetch_media(&self, _locator: &str) -> Result<Bytes, MediaFailure> {
        Err(MediaFailure::Gone)
    }

    async fn ping(&self, _timeout: Duration) -> Result<(), DriverError> {
        Ok(())
    }

    fn last_heard(&self) -> Timestamp {
        SystemClock.now()
    }

    async fn logout(&self) -> Result<(), DriverError> {
        Ok(())
    }

    async fn close(&self) {}
}

/// Events per second from the driver's door to the last commit.
pub(crate) async fn events_per_second() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let folder = |name: &str| -> Result<std::path::PathBuf> {
        let path = dir.path().join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    };
    let plugin = folder("plugins/auto-reply")?;
    let shipped = project_root()?.join("plugins/auto-reply");
    for file in ["plugin.toml", "auto-reply.wasm"] {
        std::fs::copy(shipped.join(file), plugin.join(file))?;
    }
    let scripts = folder("scripts")?;
    std::fs::write(
        scripts.join("look.rhai"),
        "fn on_message(message) { if message.text == \"never\" { reply(\"no\"); } }",
    )?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let registry = Registry::open(RegistryConfig {
        plugin_dirs: vec![dir.path().join("plugins")],
        script_dirs: vec![scripts],
        ..RegistryConfig::new(folder("last-good")?, Arc::clone(&clock))
    });
    let registry = Arc::new(registry.await?);
    let store = Store::open(&StoreOptions::new(dir.path().join("warbler.db")))?;
    let driver = Arc::new(Loopback {
        inbox: Mutex::new(None),
    });
    let app = App::start(Parts {
        store: store.clone(),
        driver: Arc::clone(&driver) as Arc<dyn Driver>,
        extensions: Arc::clone(&registry) as Arc<dyn Extensions>,
        clock,
        random: Arc::new(Random::seeded(1)),
        media_dir: folder("media")?,
        settings: quick_settings(),
    })
    .await?;
    app.sessions()
        .create(
            &Caller::host(),
            CreateSession {
                name: "bench".parse()?,
                start: true,
            },
        )
        .await?;
    let inbox = loop {
        if let Some(inbox) = driver.inbox.lock().await.clone() {
            break inbox;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let random = Arc::new(Random::seeded(2));
    let began = Instant::now();
    let mut running = JoinSet::new();
    for chat in 0..CHATS {
        let (inbox, random) = (Arc::clone(&inbox), Arc::clone(&random));
        running.spawn(async move {
            for _ in 0..EACH {
                let jid: warbler_domain::Jid = format!("1666{chat:07}@c.us").parse()?;
                let message = InboundMessage {
                    whatsapp_id: WhatsAppId::new(&random),
                    chat: jid.clone(),
                    sender: jid,
                    sender_alt: None,
                    chat_alt: None,
                    forwarded: 0,
                    sender_name: Some("Contact".to_owned()),
                    direction: Direction::Inbound,
                    timestamp: SystemClock.now(),
                    content: Content::text("just saying hello to you all"),
                    quoted: None,
                };
                inbox.receive(vec![Inbound::Message(message)]).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(finished) = running.join_next().await {
        finished??;
    }
    let stored = began.elapsed();
    loop {
        let pending = store.read(|db| db.events().pending(0, 1)).await?;
        if pending.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let done = began.elapsed();
    let total = (CHATS * EACH) as f64;
    println!(
        "pipeline: {:.0} events/s durable through one plugin and one script ({total} events; stored alone {:.0}/s)",
        total / done.as_secs_f64(),
        total / stored.as_secs_f64(),
    );
    app.stop().await;
    registry.stop().await;
    let statuses = registry.statuses();
    let fine = statuses.len() == 2 && statuses.iter().all(|status| status.last_error.is_none());
    anyhow::ensure!(fine, "{statuses:?}");
    Ok(())
}
