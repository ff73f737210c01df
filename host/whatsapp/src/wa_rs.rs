//! The engine `wa-rs`, as a [`Driver`].
//!
//! It is the second engine, for whoever asks for it by name. What it cannot do is listed in
//! `host/docs/engines.md`, and tested as it is. What both engines share, they share: the network's
//! questions and answers, what a message says and how one is put together, transport and HTTP. This
//! module is what is different: storage ([`vault`]), events ([`events`], [`line`], [`teller`]),
//! sending ([`sending`]), and the seam between the two engines' types ([`convert`]).

mod asking;
mod chats;
mod convert;
mod engine;
mod events;
mod groups;
mod line;
mod link;
mod network;
mod people;
mod sending;
mod teller;
mod uploading;
mod vault;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wacore::store::traits::ProtocolStore as _;
use warbler_app::driver::{Driver, DriverError, EngineCapability, Inbox, Link};
use warbler_domain::{Clock, EngineName, SessionId};
use warbler_store::Store;

use crate::driver::{ConfigError, EngineConfig};
use crate::keys::Keys;
use crate::link::Pulse;
use crate::seats::Seats;
use crate::transport::Transports;
use crate::way::Ways;
use engine::{Engine, Engines, Shelf};
use line::Line;
use link::WaRsLink;
use people::Acquaintances;
use sending::{Confirming, UNCONFIRMED};
use teller::Teller;
use uploading::UPLOADS;

/// How long the copy of a sent message is kept, for edits of its caption.
const COPIES: Duration = Duration::from_secs(24 * 3600);

/// The engine, for all sessions.
pub struct WaRs {
    store: Store,
    clock: Arc<dyn Clock>,
    config: EngineConfig,
    ways: Ways,
    seats: Seats,
    /// Of sessions that are linked and have no link open.
    engines: Engines,
    uploads: Arc<Semaphore>,
    tasks: TaskTracker,
}

impl WaRs {
    /// The engine over `store`.
    ///
    /// # Errors
    /// A [`ConfigError`] for a configuration that cannot work, as for the default engine.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        config: EngineConfig,
    ) -> Result<Self, ConfigError> {
        let ways = Ways::new(store.clone(), &config)?;
        Ok(Self {
            store,
            clock,
            config,
            ways,
            seats: Seats::default(),
            engines: Arc::default(),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            tasks: TaskTracker::new(),
        })
    }

    fn keys(&self, session: SessionId) -> Keys {
        Keys::new(self.store.clone(), session, Arc::clone(&self.clock))
    }

    fn kept(&self, session: SessionId) -> Option<Arc<Engine>> {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        engines.remove(&session)
    }

    /// The session's client: a new one until it is linked, the same one from then on. What a
    /// client that offers itself for pairing has begun goes on for minutes.
    async fn engine(&self, session: SessionId, keys: &Keys) -> Result<Arc<Engine>, DriverError> {
        let linked = vault::is_linked(keys).await;
        let linked = linked.map_err(|err| DriverError::Keys(err.to_string()))?;
        if let Some(kept) = self.kept(session).filter(|_| linked) {
            return Ok(kept);
        }
        let new = Box::pin(Engine::new(keys.clone(), &self.config));
        Ok(Arc::new(new.await?))
    }

    async fn forget_old_copies(&self, keys: &Keys) {
        let age = i64::try_from(COPIES.as_secs()).unwrap_or(i64::MAX);
        let now = self.clock.now().as_millis().div_euclid(1000);
        if let Err(err) = keys.delete_expired_sent_messages(now - age).await {
            tracing::warn!(%err, "Old copies of sent messages could not be removed");
        }
    }
}

#[async_trait]
impl Driver for WaRs {
    fn engine(&self) -> EngineName {
        EngineName::WaRs
    }

    /// One: it offers new one-time keys when the server asks. Whatever else engines differ in, it lacks.
    fn capabilities(&self) -> &'static [EngineCapability] {
        crate::capabilities(EngineName::WaRs)
    }

    async fn open(
        &self,
        session: SessionId,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Arc<dyn Link>, DriverError> {
        let seat = self.seats.take(session)?;
        let keys = self.keys(session);
        let engine = self.engine(session, &keys).await?;
        self.forget_old_copies(&keys).await;
        let pulse = Arc::new(Pulse::new(Arc::clone(&self.clock)));
        let (line, heard) = Line::new();
        let cut = CancellationToken::new();
        let (route, http) = self.ways.of(session).await?;
        let transports =
            Transports::new(route, Arc::clone(&pulse), cut.clone(), self.tasks.clone());
        engine.open(keys.clone(), (transports, http), Arc::clone(&line));
        let people = Arc::new(Acquaintances {
            client: Arc::clone(&engine.client),
            keys: keys.clone(),
            vault: Arc::clone(&engine.vault),
        });
        let teller = Teller {
            inbox: Arc::clone(&inbox),
            keys,
            people: Arc::clone(&people),
            line: Arc::clone(&line),
            heard,
            owed: Arc::clone(&engine.owed),
            finish: CancellationToken::new(),
            cut: cut.clone(),
            failed: false,
        };
        let (confirm, sent) = mpsc::channel(UNCONFIRMED);
        let link = Arc::new(WaRsLink {
            client: Arc::clone(&engine.client),
            engine: Arc::clone(&engine),
            inbox,
            people,
            clock: Arc::clone(&self.clock),
            pulse,
            line,
            uploads: Arc::clone(&self.uploads),
            sending: tokio::sync::Mutex::default(),
            confirm,
            closing: CancellationToken::new(),
            cut: cut.clone(),
            ended: CancellationToken::new(),
            logging_out: AtomicBool::new(false),
        });
        let confirming = Confirming {
            link: Arc::downgrade(&link),
            sent,
        };
        self.tasks.spawn(async move {
            tokio::select! {
                () = confirming.run() => {}
                () = cut.cancelled() => {}
            }
        });
        let shelf = Shelf {
            session,
            engines: Arc::clone(&self.engines),
        };
        self.tasks
            .spawn(Box::pin(Arc::clone(&link).live(teller, seat, shelf)));
        Ok(link)
    }

    async fn is_paired(&self, session: SessionId) -> Result<bool, DriverError> {
        let linked = vault::is_linked(&self.keys(session)).await;
        linked.map_err(|err| DriverError::Keys(err.to_string()))
    }

    async fn forget(&self, session: SessionId) -> Result<(), DriverError> {
        let seat = self.seats.take(session)?;
        drop(self.kept(session));
        let forgotten = self.keys(session).forget().await;
        drop(seat);
        forgotten.map_err(|err| DriverError::Keys(err.to_string()))
    }
}

#[cfg(all(test, feature = "simulator"))]
mod tests;
