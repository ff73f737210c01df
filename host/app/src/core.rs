//! The running host: its parts, its workers, its start and stop.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;
use warbler_domain::pacing::Pacing;
use warbler_domain::{Caller, Clock, Random};
use warbler_store::Store;

use crate::access::{Access, AccessSettings};
use crate::accounts::Accounts;
use crate::audit::Audit;
use crate::calls::Calls;
use crate::campaigns::{self, CampaignSettings, Campaigns, Suppressions};
use crate::chats::Chats;
use crate::contacts::{AddressBook, Checked, Contacts};
use crate::driver::Engines;
use crate::events::{Bus, Events};
use crate::extensions::ExtensionsView;
use crate::fetch::{Fetcher, FetcherError, Outbound, Roots};
use crate::figures::{Counters, Figures};
use crate::groups::Groups;
use crate::hook::Extensions;
use crate::idempotency::{Idempotency, InFlight};
use crate::keys::Keys;
use crate::limits::Admission;
use crate::login::Logins;
use crate::media::{Media, MediaSettings, MediaStore, PublicNames};
use crate::messages::Messages;
use crate::outbox::{Outbox, Outboxes};
use crate::pacing::Pacer;
use crate::pipeline::Pipeline;
use crate::profile::Profile;
use crate::quotas::{QuotaExceeded, Quotas, Wanted};
use crate::retention::RetentionSettings;
use crate::rules::{self, Rules};
use crate::schedules::{self, Schedules};
use crate::sessions::{Directory, Sessions};
use crate::stats::Stats;
use crate::timers::Timers;
use crate::users::Users;
use crate::webhooks::{self, Forms, WebhookSettings, Webhooks};

/// What an [`App`] is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The WhatsApp engines.
    pub engines: Engines,
    /// The extensions.
    pub extensions: Arc<dyn Extensions>,
    /// The forms in which webhooks tell events.
    pub forms: Arc<dyn Forms>,
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
    /// Sessions that a user who is no admin may have; 0 is no limit.
    pub sessions_per_user: u32,
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
    /// How long a message may wait in vain before it is a dead letter; zero is for ever.
    pub send_max_age: Duration,
    /// How sessions without rules of their own space out what they send.
    pub pacing: Pacing,
    /// How much media is taken, and for how long it is kept.
    pub media: MediaSettings,
    /// What requests to URLs may reach although it is not public.
    pub outbound: Outbound,
    /// Whose signature under the certificates of servers is trusted.
    pub tls_roots: Roots,
    /// Actions of extensions carried out per chat and minute; 0 means no guard.
    pub loop_guard: u32,
    /// Who may call, and how often.
    pub access: AccessSettings,
    /// For how long things are kept.
    pub retention: RetentionSettings,
    /// How deliveries to webhooks are tried.
    pub webhooks: WebhookSettings,
    /// How campaigns treat who does not want them.
    pub campaigns: CampaignSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            reconnect_first: Duration::from_secs(1),
            reconnect_max: Duration::from_secs(120),
            connecting_at_once: 16,
            sessions_per_user: 100,
            silence: Duration::from_secs(45),
            ping_timeout: Duration::from_secs(10),
            pairing_window: Duration::from_secs(300),
            ack_timeout: Duration::from_secs(20),
            send_attempts: 8,
            send_max_age: Duration::from_secs(7 * 24 * 3600),
            pacing: Pacing::default(),
            media: MediaSettings::default(),
            outbound: Outbound::default(),
            tls_roots: Roots::default(),
            loop_guard: 120,
            access: AccessSettings::default(),
            retention: RetentionSettings::default(),
            webhooks: WebhookSettings::default(),
            campaigns: CampaignSettings::default(),
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
    /// The client for URLs.
    #[error(transparent)]
    Fetcher(#[from] FetcherError),
}

/// What every part of the core shares.
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) engines: Engines,
    pub(crate) extensions: Arc<dyn Extensions>,
    pub(crate) forms: Arc<dyn Forms>,
    pub(crate) webhooks: webhooks::Desk,
    pub(crate) rules: rules::Book,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<Random>,
    pub(crate) media: MediaStore,
    pub(crate) fetcher: Fetcher,
    pub(crate) access: Access,
    pub(crate) quotas: Quotas,
    pub(crate) settings: Settings,
    pub(crate) bus: Bus,
    pub(crate) directory: Directory,
    pub(crate) pipeline: Pipeline,
    pub(crate) counters: Counters,
    /// One replay at a time.
    pub(crate) replaying: Semaphore,
    pub(crate) outbox: Outbox,
    pub(crate) pacer: Pacer,
    pub(crate) timers: Timers,
    pub(crate) campaigns: campaigns::Runner,
    pub(crate) schedules: schedules::Runner,
    pub(crate) in_flight: InFlight,
    pub(crate) checked: Checked,
    pub(crate) book: AddressBook,
    pub(crate) public_names: PublicNames,
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
        let media = MediaStore::open(
            &parts.media_dir,
            parts.store.clone(),
            Arc::clone(&parts.clock),
            parts.settings.media.clone(),
        );
        let media = media.map_err(|err| StartError::Media {
            path: parts.media_dir.clone(),
            reason: err.to_string(),
        })?;
        let fetcher =
            Fetcher::trusting(parts.settings.outbound.clone(), &parts.settings.tls_roots)?;
        let sessions = parts.store.read(|db| db.sessions().list()).await?;
        let newest = parts.store.read(|db| db.events().newest()).await?;
        let sending = parts.store.read(|db| db.sending().all()).await?;
        let names = parts.store.read(|db| db.contacts().saved_names()).await?;
        let webhooks = parts.store.read(|db| db.webhooks().all()).await?;
        let rules = parts.store.read(|db| db.rules().all()).await?;
        let public = parts.settings.media.public;
        let public_names = PublicNames::open(&parts.store, &parts.random, public).await?;
        let access = Access::open(&parts.store, &parts.random, &parts.settings.access).await?;
        // One host uses the database: what one before it had taken was not finished.
        let freeing = parts
            .store
            .write_relaxed(|tx| tx.deliveries_mut().release_all());
        freeing.await?;
        let owner = warbler_domain::EventId::new(parts.clock.now(), &parts.random).to_string();
        let shared = Arc::new(Shared {
            directory: Directory::new(&sessions, parts.settings.connecting_at_once),
            bus: Bus::new(newest),
            pipeline: Pipeline::new(parts.settings.loop_guard),
            counters: Counters::default(),
            replaying: Semaphore::new(1),
            outbox: Outbox::new(owner),
            pacer: Pacer::new(parts.settings.pacing.clone(), sending),
            timers: Timers::default(),
            campaigns: campaigns::Runner::default(),
            schedules: schedules::Runner::default(),
            in_flight: InFlight::default(),
            checked: Checked::default(),
            book: AddressBook::new(names),
            public_names,
            store: parts.store,
            engines: parts.engines,
            extensions: parts.extensions,
            forms: parts.forms,
            webhooks: webhooks::Desk::new(webhooks, parts.clock.now()),
            rules: rules::Book::new(rules),
            clock: parts.clock,
            random: parts.random,
            media,
            fetcher,
            access,
            quotas: Quotas::default(),
            settings: parts.settings,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        });
        shared.extensions.set_rules(shared.rules.all());
        shared
            .tasks
            .spawn(crate::pipeline::run(Arc::clone(&shared)));
        shared.tasks.spawn(crate::outbox::run(Arc::clone(&shared)));
        shared.tasks.spawn(crate::timers::run(Arc::clone(&shared)));
        shared.tasks.spawn(webhooks::run(Arc::clone(&shared)));
        shared.tasks.spawn(campaigns::run(Arc::clone(&shared)));
        shared.tasks.spawn(schedules::run(Arc::clone(&shared)));
        shared.tasks.spawn(crate::health::run(Arc::clone(&shared)));
        shared.tasks.spawn(crate::search::run(Arc::clone(&shared)));
        shared
            .tasks
            .spawn(crate::retention::run(Arc::clone(&shared)));
        shared
            .tasks
            .spawn(crate::media::retain(Arc::clone(&shared)));
        let app = Self { shared };
        app.sessions().restore(sessions);
        Ok(app)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Sessions: what may be asked for.
    pub fn sessions(&self) -> Sessions {
        Sessions::new(Arc::clone(&self.shared))
    }

    /// Messages: what may be asked for.
    pub fn messages(&self) -> Messages {
        Messages::new(Arc::clone(&self.shared))
    }

    /// The outbox of each session: what may be asked for.
    pub fn outboxes(&self) -> Outboxes {
        Outboxes::new(Arc::clone(&self.shared))
    }

    /// Chats: what may be asked for.
    pub fn chats(&self) -> Chats {
        Chats::new(Arc::clone(&self.shared))
    }

    /// People: what may be asked for.
    pub fn contacts(&self) -> Contacts {
        Contacts::new(Arc::clone(&self.shared))
    }

    /// Groups: what may be asked for.
    pub fn groups(&self) -> Groups {
        Groups::new(Arc::clone(&self.shared))
    }

    /// Calls: what may be asked for.
    pub fn calls(&self) -> Calls {
        Calls::new(Arc::clone(&self.shared))
    }

    /// What accounts show of themselves.
    pub fn profile(&self) -> Profile {
        Profile::new(Arc::clone(&self.shared))
    }

    /// Statistics.
    pub fn stats(&self) -> Stats {
        Stats::new(Arc::clone(&self.shared))
    }

    /// Requests that are done once.
    pub fn idempotency(&self) -> Idempotency {
        Idempotency::new(Arc::clone(&self.shared))
    }

    /// Media: what may be asked for.
    pub fn media(&self) -> Media {
        Media::new(Arc::clone(&self.shared))
    }

    /// Events: what may be asked for.
    pub fn events(&self) -> Events {
        Events::new(Arc::clone(&self.shared))
    }

    /// Extensions: what may be asked for.
    pub fn extensions(&self) -> ExtensionsView {
        ExtensionsView::new(Arc::clone(&self.shared))
    }

    /// Webhooks: what may be asked for.
    pub fn webhooks(&self) -> Webhooks {
        Webhooks::new(Arc::clone(&self.shared))
    }

    /// Campaigns and broadcasts: what may be asked for.
    pub fn campaigns(&self) -> Campaigns {
        Campaigns::new(Arc::clone(&self.shared))
    }

    /// Who does not want campaigns.
    pub fn suppressions(&self) -> Suppressions {
        Suppressions::new(Arc::clone(&self.shared))
    }

    /// Messages for later.
    pub fn schedules(&self) -> Schedules {
        Schedules::new(Arc::clone(&self.shared))
    }

    /// Rules: what may be asked for.
    pub fn rules(&self) -> Rules {
        Rules::new(Arc::clone(&self.shared))
    }

    /// Figures about the host.
    pub fn figures(&self) -> Figures {
        Figures::new(Arc::clone(&self.shared))
    }

    /// API keys and tokens of sessions.
    pub fn keys(&self) -> Keys {
        Keys::new(Arc::clone(&self.shared))
    }

    /// Logging in and out.
    pub fn logins(&self) -> Logins {
        Logins::new(Arc::clone(&self.shared))
    }

    /// Accounts: what users may ask for in the dialects that know them.
    pub fn accounts(&self) -> Accounts {
        Accounts::new(Arc::clone(&self.shared))
    }

    /// Users: what may be asked for.
    pub fn users(&self) -> Users {
        Users::new(Arc::clone(&self.shared))
    }

    /// The log of changes.
    pub fn audit(&self) -> Audit {
        Audit::new(Arc::clone(&self.shared))
    }

    /// Counts a request of `caller`; nothing when it may call as often as it likes.
    pub fn admit(&self, caller: &Caller) -> Option<Admission> {
        let now = self.shared.clock.now();
        self.shared.access.limits.of_caller(caller, now)
    }

    /// Counts a request from `address` that shows no good credential.
    pub fn admit_address(&self, address: IpAddr) -> Option<Admission> {
        let now = self.shared.clock.now();
        self.shared.access.limits.of_address(address, now)
    }

    /// Counts a use of each quota, or of none if one is used up.
    pub fn take(&self, wanted: &[Wanted<'_>]) -> Result<(), QuotaExceeded> {
        self.shared.quotas.take(wanted, self.shared.clock.now())
    }

    /// Counts a request from `address` for a file that is served by its name.
    pub fn admit_download(&self, address: IpAddr) -> Option<Admission> {
        let now = self.shared.clock.now();
        self.shared.access.limits.of_download(address, now)
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
