//! Why a host did not start, and what to do about it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use warbler_app::keys::KeyError;
use warbler_automation::OpenError;

/// Why a host did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address that other machines reach, without having been asked for.
    #[error(
        "{0} can be reached from other machines, and the API speaks plain HTTP. If that is meant, put a TLS proxy in front and pass --allow-remote, or set `allow_remote = true` under [server]"
    )]
    RemoteNotAllowed(SocketAddr),
    /// Two APIs would answer the same requests.
    #[error(transparent)]
    Mounts(#[from] warbler_api::BadMounts),
    /// The data folder cannot be used.
    #[error("the data folder {} cannot be used ({source}); choose another with --data", path.display())]
    DataFolder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another host uses the data folder.
    #[error(
        "the data folder {} is in use by another Warbler{}; stop that one, or choose another folder with --data",
        path.display(), process(*.by)
    )]
    DataLocked {
        /// Which.
        path: PathBuf,
        /// The other process.
        by: Option<u32>,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {}", listen_advice(reason))]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        reason: io::Error,
    },
    /// The listener ended.
    #[error("the HTTP listener failed: {0}")]
    ListenerFailed(String),
    /// The database.
    #[error("the database {} cannot be opened: {source}", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// Why.
        source: warbler_store::Error,
    },
    /// The admin key could not be written down.
    #[error("the admin key could not be written to {} ({source}); set WARBLER_ADMIN_KEY to choose one yourself", path.display())]
    KeyFile {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The keys in the database.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The simulated network.
    #[cfg(feature = "simulator")]
    #[error("the simulated network did not start: {0}")]
    Network(#[from] warbler_simulator::StartError),
    /// An address of the simulated network.
    #[error("the simulated network has the address `{0}`, which is none")]
    NetworkAddress(String),
    /// The engine.
    #[error("the WhatsApp engine does not start: {0}")]
    Engine(#[from] warbler_whatsapp::ConfigError),
    /// The extensions.
    #[error("the extensions cannot be loaded: {0}")]
    Extensions(#[from] OpenError),
    /// The core.
    #[error(transparent)]
    App(#[from] warbler_app::StartError),
}

fn process(id: Option<u32>) -> String {
    id.map_or_else(String::new, |id| format!(" (process {id})"))
}

fn listen_advice(reason: &io::Error) -> String {
    match reason.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there; stop it, or choose another address with --listen 127.0.0.1:0 (0 takes a free port)".to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not; ports below 1024 need privileges, choose another with --listen".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        _ => reason.to_string(),
    }
}
