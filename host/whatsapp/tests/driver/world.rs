//! A network, a database, a driver, and an inbox that remembers.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::sync::Notify;
use warbler_app::driver::{
    AckRefusal, Driver, Inbound, InboundMessage, Inbox, InboxError, Link, LinkEnd, LinkReport,
    Outgoing,
};
use warbler_domain::media::{Digest, Media, MediaKind, MediaSource};
use warbler_domain::session::Account;
use warbler_domain::{Clock, Content, EngineName, Jid, Random, SessionId, SystemClock, WhatsAppId};
use warbler_simulator::{Network, NetworkOptions, Person};
use warbler_store::{Store, StoreOptions};
use warbler_whatsapp::{EngineConfig, HistoryLimits, WaRs, WhatsappRust};

use crate::ENGINE;

/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Whether accounts let others see their LID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lids {
    Told,
    Hidden,
}

/// Both worlds.
pub(crate) const WORLDS: [Lids; 2] = [Lids::Told, Lids::Hidden];

pub(crate) struct World {
    pub(crate) network: Network,
    folder: TempDir,
    pub(crate) store: Store,
    pub(crate) driver: Arc<dyn Driver>,
    random: Random,
}

impl World {
    pub(crate) async fn start(lids: Lids) -> Result<Self> {
        let tell_lids = lids == Lids::Told;
        let network = Network::start(NetworkOptions {
            tell_lids,
            ..NetworkOptions::default()
        })
        .await?;
        let folder = tempfile::tempdir()?;
        let store = open_store(&folder)?;
        let driver = driver(&network, &store)?;
        Ok(Self {
            network,
            folder,
            store,
            driver,
            random: Random::from_system(),
        })
    }

    /// The same file and network under a new driver, as after a restart of the host.
    pub(crate) async fn restarted(self) -> Result<Self> {
        let Self {
            network,
            folder,
            store,
            driver: old,
            random,
        } = self;
        drop(old);
        drop(store);
        let store = open_store(&folder)?;
        let driver = driver(&network, &store)?;
        Ok(Self {
            network,
            folder,
            store,
            driver,
            random,
        })
    }

    /// Ends it; fails when something still holds the database although every link is closed. A QR
    /// lasts longer than this waits.
    pub(crate) async fn closes(self) -> Result<()> {
        drop(self.driver);
        let closing = tokio::time::timeout(PATIENCE, self.store.close());
        closing.await.context("the database is still in use")?;
        self.network.stop().await;
        Ok(())
    }

    /// A host that finds what is on disk at this moment, as after a crash of the one that goes on
    /// writing elsewhere. The log is copied first: what the other writes between is then missing,
    /// never torn.
    pub(crate) fn crashed(&self) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        for file in ["warbler.db-wal", "warbler.db"] {
            std::fs::copy(self.folder.path().join(file), folder.path().join(file))?;
        }
        let store = open_store(&folder)?;
        let driver = driver(&self.network, &store)?;
        let (network, random) = (self.network.clone(), Random::from_system());
        Ok(Self {
            network,
            folder,
            store,
            driver,
            random,
        })
    }

    pub(crate) fn person(&self, number: &str, name: &str) -> Result<Person> {
        Ok(self.network.person(number, name)?)
    }

    pub(crate) fn new_session(&self) -> SessionId {
        SessionId::new(SystemClock.now(), &self.random)
    }

    pub(crate) fn new_id(&self) -> WhatsAppId {
        WhatsAppId::new(&self.random)
    }

    pub(crate) fn text(&self, chat: &str, text: &str) -> Result<Outgoing> {
        self.outgoing(chat, Content::text(text))
    }

    pub(crate) fn outgoing(&self, chat: &str, content: Content) -> Result<Outgoing> {
        let whatsapp_id = self.new_id();
        Ok(Outgoing {
            whatsapp_id,
            chat: chat.parse()?,
            content,
            quoted: None,
            forwarded: 0,
            audience: Vec::new(),
        })
    }

    /// Opens a link that belongs to `session`.
    pub(crate) async fn open(&self, session: SessionId) -> Result<Session> {
        self.open_with(session, Arc::new(TestInbox::default()))
            .await
    }

    pub(crate) async fn open_with(
        &self,
        session: SessionId,
        inbox: Arc<TestInbox>,
    ) -> Result<Session> {
        let link = self.driver.open(session, inbox.clone()).await?;
        Ok(Session {
            id: session,
            inbox,
            link,
        })
    }

    /// A session of `owner`, paired by QR and connected.
    pub(crate) async fn connected(&self, owner: &Person) -> Result<Session> {
        let offering = self.open(self.new_session()).await?;
        owner.scans(&offering.qr().await?).await?;
        assert_eq!(offering.end().await?, LinkEnd::Restart);
        let session = self.open(offering.id).await?;
        session.connected().await?;
        Ok(session)
    }
}

fn open_store(folder: &TempDir) -> Result<Store> {
    Ok(Store::open(&StoreOptions::new(
        folder.path().join("warbler.db"),
    ))?)
}

fn driver(network: &Network, store: &Store) -> Result<Arc<dyn Driver>> {
    let config = EngineConfig {
        websocket_url: network.websocket_url().parse()?,
        media_base: Some(network.http_url().parse()?),
        simulated: true,
        history: HistoryLimits {
            days: 30,
            messages: 50,
        },
        ..EngineConfig::default()
    };
    let (store, clock) = (store.clone(), Arc::new(SystemClock));
    Ok(match ENGINE {
        EngineName::WhatsappRust => Arc::new(WhatsappRust::new(store, clock, config)?),
        EngineName::WaRs => Arc::new(WaRs::new(store, clock, config)?),
    })
}

/// One open link and what it told.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) inbox: Arc<TestInbox>,
    pub(crate) link: Arc<dyn Link>,
}

impl Session {
    pub(crate) async fn qr(&self) -> Result<String> {
        self.reported("a QR", |report| match report {
            LinkReport::PairingQr { text, .. } => Some(text.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn connected(&self) -> Result<Account> {
        self.reported("a connection", |report| match report {
            LinkReport::Connected(account) => Some(account.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn end(&self) -> Result<LinkEnd> {
        self.reported("the end", |report| match report {
            LinkReport::Ended(end) => Some(end.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn reported<T>(
        &self,
        what: &str,
        pick: impl Fn(&LinkReport) -> Option<T>,
    ) -> Result<T> {
        self.inbox
            .take(what, |told| match told {
                Told::Report(report) => pick(report),
                Told::Inbound(_) => None,
            })
            .await
    }

    pub(crate) async fn received<T>(
        &self,
        what: &str,
        pick: impl Fn(&Inbound) -> Option<T>,
    ) -> Result<T> {
        self.inbox
            .take(what, |told| match told {
                Told::Inbound(inbound) => pick(inbound),
                Told::Report(_) => None,
            })
            .await
    }

    /// Waits for the server's word about a message.
    pub(crate) async fn ack(&self, id: &WhatsAppId) -> Result<Option<AckRefusal>> {
        self.reported("an ack", |report| match report {
            LinkReport::Ack {
                whatsapp_id,
                refused,
            } if whatsapp_id == id => Some(refused.clone()),
            _ => None,
        })
        .await
    }

    /// The next message.
    pub(crate) async fn hears(&self) -> Result<InboundMessage> {
        self.received("a message", |inbound| match inbound {
            Inbound::Message(message) => Some(message.clone()),
            _ => None,
        })
        .await
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    Inbound(Box<Inbound>),
    Report(LinkReport),
}

/// Remembers what it is told, and can refuse to store.
#[derive(Default)]
pub(crate) struct TestInbox {
    told: Mutex<Vec<Told>>,
    news: Notify,
    refuses: AtomicBool,
    panics: AtomicBool,
    refused: Mutex<Vec<Inbound>>,
    media: Mutex<HashMap<Digest, Bytes>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TestInbox {
    pub(crate) fn refuse(&self, refuses: bool) {
        self.refuses.store(refuses, Ordering::SeqCst);
    }

    /// Panics over the next messages.
    pub(crate) fn panic_once(&self) {
        self.panics.store(true, Ordering::SeqCst);
    }

    /// Everything told and not yet taken, in order.
    pub(crate) fn told(&self) -> Vec<Told> {
        lock(&self.told).clone()
    }

    /// Waits until what was told and not taken fits.
    pub(crate) async fn holds(&self, what: &str, fits: impl Fn(&[Told]) -> bool) -> Result<()> {
        let waited = self.until(|| fits(&lock(&self.told)).then_some(()));
        match waited.await {
            Some(()) => Ok(()),
            None => bail!("{what} did not come; there was {:?}", self.told()),
        }
    }

    /// Waits until something was refused.
    pub(crate) async fn has_refused(&self) -> Result<()> {
        let waited = self.until(|| (!lock(&self.refused).is_empty()).then_some(()));
        waited.await.context("nothing was refused")
    }

    /// Keeps bytes that messages refer to.
    pub(crate) fn keeps(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::new(Sha256::digest(bytes).into());
        lock(&self.media).insert(digest, Bytes::copy_from_slice(bytes));
        digest
    }

    /// A medium, stored, as a message refers to it.
    pub(crate) fn medium(&self, kind: MediaKind, mime: &str, bytes: &[u8]) -> Media {
        let digest = self.keeps(bytes);
        let size = bytes.len() as u64;
        Media::new(kind, mime, size, MediaSource::Stored { digest })
    }

    /// A picture, stored, as a message refers to it.
    pub(crate) fn image(&self, bytes: &[u8], caption: &str) -> Media {
        let mut image = self.medium(MediaKind::Image, "image/png", bytes);
        image.caption = Some(caption.to_owned());
        image
    }

    async fn take<T>(&self, what: &str, pick: impl Fn(&Told) -> Option<T>) -> Result<T> {
        let taken = self.until(|| {
            let mut told = lock(&self.told);
            let (place, taken) = told
                .iter()
                .enumerate()
                .find_map(|(place, told)| Some((place, pick(told)?)))?;
            told.remove(place);
            Some(taken)
        });
        match taken.await {
            Some(taken) => Ok(taken),
            None => bail!("{what} did not come; there was {:?}", self.told()),
        }
    }

    async fn until<T>(&self, check: impl Fn() -> Option<T>) -> Option<T> {
        let wait = async {
            loop {
                let news = self.news.notified();
                tokio::pin!(news);
                news.as_mut().enable();
                if let Some(found) = check() {
                    return found;
                }
                news.await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.ok()
    }
}

#[async_trait]
impl Inbox for TestInbox {
    async fn receive(&self, inbound: Vec<Inbound>) -> Result<(), InboxError> {
        let panics = self.panics.swap(false, Ordering::SeqCst);
        if panics || self.refuses.load(Ordering::SeqCst) {
            lock(&self.refused).extend(inbound);
            self.news.notify_waiters();
            assert!(!panics, "told to panic");
            return Err(InboxError("told to refuse".to_owned()));
        }
        lock(&self.told).extend(inbound.into_iter().map(Box::new).map(Told::Inbound));
        self.news.notify_waiters();
        Ok(())
    }

    async fn report(&self, report: LinkReport) {
        lock(&self.told).push(Told::Report(report));
        self.news.notify_waiters();
    }

    async fn media(&self, digest: &Digest) -> Result<File, InboxError> {
        let found = lock(&self.media).get(digest).cloned();
        let bytes = found.ok_or_else(|| InboxError("not stored".to_owned()))?;
        let file = || {
            let mut file = tempfile::tempfile()?;
            file.write_all(&bytes)?;
            file.rewind()?;
            Ok(file)
        };
        file().map_err(|err: std::io::Error| InboxError(err.to_string()))
    }
}

/// Waits for something that nobody tells.
pub(crate) async fn eventually(what: &str, fits: impl Fn() -> bool) -> Result<()> {
    let looking = async {
        while !fits() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, looking).await;
    waited.with_context(|| format!("{what} did not happen"))
}

/// Waits until the network has every acknowledgement of the first device somebody linked.
pub(crate) async fn has_acknowledged(owner: &Person) -> Result<()> {
    eventually("everything is acknowledged", || {
        owner.waiting_for_device(1) == 0
    })
    .await
}

pub(crate) fn jid(text: &str) -> Result<Jid> {
    Ok(text.parse()?)
}

/// The medium under a locator, as the link writes it.
pub(crate) async fn fetched(link: &dyn Link, locator: &str) -> Result<Vec<u8>> {
    let mut file = tempfile::tempfile()?;
    link.fetch_media(locator, file.try_clone()?).await?;
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
