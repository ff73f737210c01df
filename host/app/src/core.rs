//! The running host: its parts, its workers, its start and stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;
use warbler_domain::{Clock, Random};
use warbler_store::Store;

use crate::driver::Driver;
use crate::events::{Bus, Events};
use crate::extensions::ExtensionsView;
use crate::hook::Extensions;
use crate::keys::Keys;
use crate::media::MediaStore;
use crate::messages::Messages;
use crate::outbox::Outbox;
use crate::pipeline::Pipeline;
use crate::sessions::{Directory, Sessions};

/// What an [`App`] is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The WhatsApp engine.
    pub driver: Arc<dyn Driver>,
    /// The extensions.
    pub extensions: Arc<dyn Extensions>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<Random>,
    /// Where media are kept.
    pub media_dir: PathBuf,
    /// How it behaves.
    pub settings: Settings,
}

/// How the core behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// First pause before a lost connection is sought again; doubles each time.
    pub reconnect_first: Duration,
    /// Longest such pause.
    pub reconnect_max: Duration,
    /// Sessions that may be connecting at the same time.
    pub connecting_at_once: usize,
    /// How long a link may be silent before it is asked for a sign of life.
    pub silence: Duration,
    /// How long it has to answer.
    pub ping_timeout: Duration,
    /// How long a session offers pairing before it fails.
    pub pairing_window: Duration,
    /// How long the server may take to acknowledge a message before it is sent again.
    pub ack_timeout: Duration,
    /// How often a message is tried before it is a dead letter.
    pub send_attempts: u32,
    /// Largest medium, in bytes.
    pub max_media: usize,
    /// Actions of extensions carried out per chat and minute; 0 means no guard.
    pub loop_guard: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reconnect_first: Duration::from_secs(1),
            reconnect_max: Duration::from_secs(120),
            connecting_at_once: 16,
            silence: Duration::from_secs(45),
            ping_timeout: Duration::from_secs(10),
            pairing_window: Duration::from_secs(300),
            ack_timeout: Duration::from_secs(20),
            send_attempts: 8,
            max_media: 64 * 1024 * 1024,
            loop_guard: 120,
        }
    }
}

/// Why the core did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error("the database cannot be read")]
    Store(#[from] warbler_store::Error),
    /// The media folder.
    #[error("the media folder {path} cannot be used: {reason}")]
    Media {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// What every part of the core shares.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) extensions: Arc<dyn Extensions>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<Random>,
    pub(crate) media: MediaStore,
    pub(crate) settings: Settings,
    pub(crate) bus: Bus,
    pub(crate) directory: Directory,
    pub(crate) pipeline: Pipeline,
    pub(crate) outbox: Outbox,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

/// The running host. Clones are handles to the same one.
#[derive(Clone)]
pub struct App {
    shared: Arc<Shared>,
}

impl App {
    /// Starts the workers and brings back the sessions that are to run.
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        let media =
            MediaStore::open(&parts.media_dir, parts.settings.max_media).map_err(|err| {
                StartError::Media {
                    path: parts.media_dir.clone(),
                    reason: err.to_string(),
                }
            })?;
        let sessions = parts.store.read(|db| db.sessions().list()).await?;
        let newest = parts.store.read(|db| db.events().newest()).await?;
        let owner = warbler_domain::EventId::new(parts.clock.now(), &parts.random).to_string();
        let shared = Arc::new(Shared {
            directory: Directory::new(&sessions, parts.settings.connecting_at_once),
            bus: Bus::new(newest),
            pipeline: Pipeline::new(parts.settings.loop_guard),
            outbox: Outbox::new(owner),
            store: parts.store,
            driver: parts.driver,
            extensions: parts.extensions,
            clock: parts.clock,
            random: parts.random,
            media,
            settings: parts.settings,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        shared
            .tasks
            .spawn(crate::pipeline::run(Arc::clone(&shared)));
        shared.tasks.spawn(crate::outbox::run(Arc::clone(&shared)));
        let app = Self { shared };
        app.sessions().restore(sessions);
        Ok(app)
    }

    /// Sessions: what may be asked for.
    pub fn sessions(&self) -> Sessions {
        Sessions::new(Arc::clone(&self.shared))
    }

    /// Messages: what may be asked for.
    pub fn messages(&self) -> Messages {
        Messages::new(Arc::clone(&self.shared))
    }

    /// Events: what may be asked for.
    pub fn events(&self) -> Events {
        Events::new(Arc::clone(&self.shared))
    }

    /// Extensions: what may be asked for.
    pub fn extensions(&self) -> ExtensionsView {
        ExtensionsView::new(Arc::clone(&self.shared))
    }

    /// API keys.
    pub fn keys(&self) -> Keys {
        Keys::new(Arc::clone(&self.shared))
    }

    /// Whether the database answers: what a readiness probe asks.
    pub async fn ready(&self) -> Result<(), warbler_store::Error> {
        self.shared
            .store
            .read(|db| db.events().newest())
            .await
            .map(drop)
    }

    /// Stops the workers and closes every link; what is stored stays, and goes on at the next
    /// start.
    pub async fn stop(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        info!("All workers have stopped");
    }
}
