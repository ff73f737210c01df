//! The listeners, and the handle to a running network.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::address::digits;
use crate::faults::Faults;
use crate::handshake::ServerIdentity;
use crate::hub::Hub;
use crate::person::{Person, PersonError};
use crate::state::State;
use crate::state::account::AccountId;
pub use crate::state::journal::JournalLine;
use crate::{connection, control, media};

/// How many sockets are served at once; one more waits to be accepted.
const MAX_CONNECTIONS: usize = 10_000;
/// How long running work gets when the network stops.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// How a network is to be.
#[derive(Debug, Clone)]
pub struct NetworkOptions {
    /// Where clients connect; must be a loopback address.
    pub listen: SocketAddr,
    /// Where media and the control API are served; must be a loopback address.
    pub http_listen: SocketAddr,
    /// Makes keys, ids and LIDs the same in every run.
    pub seed: Option<u64>,
    /// Whether accounts let others see their LID, and groups are addressed by it.
    pub tell_lids: bool,
    /// How many bytes of media are kept in all.
    pub media_bytes: usize,
}

impl Default for NetworkOptions {
    fn default() -> Self {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            listen: any_port,
            http_listen: any_port,
            seed: None,
            tell_lids: true,
            media_bytes: 256 << 20,
        }
    }
}

/// Why a network did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{0} is not a loopback address; the simulated network is for this machine only")]
    NotLoopback(SocketAddr),
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
    #[error("the server's keys could not be made")]
    Keys(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A running simulated network. Clones are handles to the same one.
#[derive(Clone)]
pub struct Network {
    hub: Arc<Hub>,
    websocket: SocketAddr,
    http: SocketAddr,
}

impl Network {
    /// Opens both listeners and serves them until [`Network::stop`].
    pub async fn start(options: NetworkOptions) -> Result<Network, StartError> {
        let clients = listen(options.listen).await?;
        let http = listen(options.http_listen).await?;
        let at = |listener: &TcpListener, address| {
            listener
                .local_addr()
                .map_err(|source| StartError::Listen { address, source })
        };
        let websocket_address = at(&clients, options.listen)?;
        let http_address = at(&http, options.http_listen)?;

        let seed = options.seed.unwrap_or_else(|| rand::rng().random());
        let mut rng = StdRng::seed_from_u64(seed);
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let identity = ServerIdentity::generate(&mut rng, now)
            .map_err(|error| StartError::Keys(Box::new(error)))?;
        let state = State::new(rng.random(), options.tell_lids);
        let hub = Arc::new(Hub::new(
            state,
            options.media_bytes,
            identity,
            Handle::current(),
        ));
        hub.tasks.spawn(accept(Arc::clone(&hub), clients));
        let router = media::routes().merge(control::routes());
        hub.tasks.spawn(serve_http(Arc::clone(&hub), http, router));
        Ok(Network {
            hub,
            websocket: websocket_address,
            http: http_address,
        })
    }

    /// Where clients connect, e.g. `ws://127.0.0.1:40123/ws/chat`.
    pub fn websocket_url(&self) -> String {
        format!("ws://{}/ws/chat", self.websocket)
    }

    /// Where media and the control API are, e.g. `http://127.0.0.1:40124`.
    pub fn http_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The key that signs the server's certificate chain.
    pub fn root_key(&self) -> [u8; 32] {
        self.hub.identity.root()
    }

    /// The person with this number, who is new if nobody has it yet. The name of a known person
    /// stays as it is.
    pub fn person(&self, number: &str, name: &str) -> Result<Person, PersonError> {
        Person::get_or_create(&self.hub, number, name)
    }

    /// The person with this number, if there is one.
    pub fn find_person(&self, number: &str) -> Option<Person> {
        let pn = digits(number)?;
        let id = self.hub.lock().account_by_pn(&pn)?;
        Person::existing(&self.hub, id)
    }

    /// Everybody, in the order they came.
    pub fn people(&self) -> Vec<Person> {
        let count = self.hub.lock().accounts.len();
        (0..count)
            .filter_map(|index| Person::existing(&self.hub, AccountId(index)))
            .collect()
    }

    /// The handle by which trouble is made.
    pub fn faults(&self) -> Faults {
        Faults {
            hub: Arc::clone(&self.hub),
        }
    }

    /// Forgets every uploaded body, as the real server does after some weeks. A phone that still has
    /// one uploads it again when a companion asks.
    pub fn forgets_media(&self) {
        self.hub.media.clear();
    }

    /// The last stanzas in and out, without their content.
    pub fn journal(&self) -> Vec<JournalLine> {
        self.hub.lock().journal.lines()
    }

    /// Closes every connection and listener.
    pub async fn stop(&self) {
        self.hub.stop.cancel();
        self.hub.tasks.close();
        if tokio::time::timeout(STOP_WITHIN, self.hub.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("The simulated network did not come to rest in time");
        }
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    if !address.ip().is_loopback() {
        return Err(StartError::NotLoopback(address));
    }
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address, source })
}

async fn accept(hub: Arc<Hub>, listener: TcpListener) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let slot = tokio::select! {
            () = hub.stop.cancelled() => return,
            slot = Arc::clone(&slots).acquire_owned() => slot,
        };
        let accepted = tokio::select! {
            () = hub.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match (slot, accepted) {
            (Ok(slot), Ok((stream, _))) => {
                let served = connection::serve(Arc::clone(&hub), stream);
                hub.tasks.spawn(async move {
                    Box::pin(served).await;
                    drop(slot);
                });
            }
            (_, Err(error)) => {
                tracing::warn!(%error, "A client could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            (Err(_), _) => return,
        }
    }
}

async fn serve_http(hub: Arc<Hub>, listener: TcpListener, router: Router<Arc<Hub>>) {
    let stop = hub.stop.clone();
    let service = router.with_state(hub).into_make_service();
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "A media connection will be slow");
        }
    });
    let served = axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = served.await {
        tracing::warn!(%error, "The simulated network's HTTP listener failed");
    }
}
