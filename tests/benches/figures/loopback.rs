//! A host without a network: what comes in is handed to it, and what it sends is noted.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use async_trait::async_trait;
use tempfile::TempDir;
use tokio::sync::{Mutex, mpsc};
use warbler_app::driver::{
    Chats, Driver, DriverError, EngineCapability, Engines, Groups, Inbound, InboundMessage, Inbox,
    Link, LinkReport, MediaFailure, Outgoing, PairingCode, People, SendFailure,
};
use warbler_app::hook::Extensions;
use warbler_app::{App, Parts, sessions::CreateSession};
use warbler_automation::{Registry, RegistryConfig};
use warbler_domain::session::Account;
use warbler_domain::{
    Caller, Clock, Content, Direction, EngineName, PhoneNumber, Random, SessionId, SystemClock,
    Timestamp, WhatsAppId,
};
use warbler_store::{Store, StoreOptions};
use warbler_tests::{project_root, quick_settings};

/// What was sent, and when.
pub(crate) type Sent = (String, Instant);

/// A host with one connected session.
pub(crate) struct Bench {
    pub(crate) app: App,
    pub(crate) registry: Arc<Registry>,
    pub(crate) store: Store,
    pub(crate) inbox: Arc<dyn Inbox>,
    pub(crate) sent: mpsc::UnboundedReceiver<Sent>,
    dir: TempDir,
}

impl Bench {
    /// Starts it with the extensions that `put` puts into the folder it is given.
    pub(crate) async fn start(
        put: impl FnOnce(&Path) -> Result<()>,
        change: impl FnOnce(&mut RegistryConfig),
    ) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        for name in ["plugins", "scripts", "media", "last-good"] {
            std::fs::create_dir_all(dir.path().join(name))?;
        }
        put(dir.path())?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut config = RegistryConfig {
            plugin_dirs: vec![dir.path().join("plugins")],
            script_dirs: vec![dir.path().join("scripts")],
            ..RegistryConfig::new(dir.path().join("last-good"), Arc::clone(&clock))
        };
        change(&mut config);
        let registry = Arc::new(Registry::open(config).await?);
        let store = Store::open(&StoreOptions::new(dir.path().join("warbler.db")))?;
        let (note, sent) = mpsc::unbounded_channel();
        let driver = Arc::new(Loopback {
            inbox: Mutex::new(None),
            note,
        });
        let mut settings = quick_settings();
        settings.loop_guard = 0;
        let app = App::start(Parts {
            store: store.clone(),
            engines: Engines::new(vec![Arc::clone(&driver) as Arc<dyn Driver>]),
            extensions: Arc::clone(&registry) as Arc<dyn Extensions>,
            forms: Arc::new(warbler_api::AllForms::default()),
            clock,
            random: Arc::new(Random::seeded(1)),
            media_dir: dir.path().join("media"),
            settings,
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
        Ok(Self {
            app,
            registry,
            store,
            inbox,
            sent,
            dir,
        })
    }

    /// A file of its folder.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    pub(crate) async fn stop(self) {
        self.app.stop().await;
        self.registry.stop().await;
    }
}

/// Puts the shipped plugin into a folder of plugins.
pub(crate) fn put_auto_reply(dir: &Path) -> Result<()> {
    let plugin = dir.join("plugins/auto-reply");
    std::fs::create_dir_all(&plugin)?;
    let shipped = project_root()?.join("plugins/auto-reply");
    for file in ["plugin.toml", "auto-reply.wasm"] {
        std::fs::copy(shipped.join(file), plugin.join(file)).with_context(|| file.to_owned())?;
    }
    Ok(())
}

/// A message of a customer.
pub(crate) fn message(random: &Random, chat: usize, text: &str) -> Result<Inbound> {
    let jid: warbler_domain::Jid = format!("1666{chat:07}@c.us").parse()?;
    Ok(Inbound::Message(InboundMessage {
        whatsapp_id: WhatsAppId::new(random),
        chat: jid.clone(),
        sender: jid,
        sender_alt: None,
        chat_alt: None,
        forwarded: 0,
        sender_name: Some("Contact".to_owned()),
        direction: Direction::Inbound,
        timestamp: SystemClock.now(),
        content: Content::text(text),
        quoted: None,
    }))
}

/// A network of nobody: connects at once and takes every message over at once.
struct Loopback {
    inbox: Mutex<Option<Arc<dyn Inbox>>>,
    note: mpsc::UnboundedSender<Sent>,
}

struct LoopbackLink {
    inbox: Arc<dyn Inbox>,
    note: mpsc::UnboundedSender<Sent>,
}

#[async_trait]
impl Driver for Loopback {
    fn engine(&self) -> EngineName {
        EngineName::default()
    }

    fn capabilities(&self) -> &'static [EngineCapability] {
        &EngineCapability::ALL
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
        let note = self.note.clone();
        Ok(Arc::new(LoopbackLink { inbox, note }))
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
        let text = message.content.readable().unwrap_or_default().to_owned();
        // Nobody needs to listen.
        self.note.send((text, Instant::now())).ok();
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

    async fn fetch_media(&self, _locator: &str, _into: File) -> Result<(), MediaFailure> {
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
