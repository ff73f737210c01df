//! What recognising callers needs: settings, the memory of those seen lately, and word of
//! credentials that ended.

use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::sync::broadcast;
use warbler_domain::caller::Identity;
use warbler_domain::{Caller, KeyId, LoginId, Random, Secret, SessionId, UserId};
use warbler_store::Store;

use crate::keys::{Recognised, Seal};
use crate::limits::{LimitSettings, Limits};
use crate::login::{Passwords, Signing, Throttle};

/// How many endings a slow stream may fall behind before it is ended to be safe.
const ENDINGS: usize = 256;

/// Who may call, as far as it is configured.
#[derive(Debug, Clone)]
pub struct AccessSettings {
    /// A key that may do everything and is stored nowhere; at least
    /// [`Self::SHORTEST_MASTER_KEY`] characters.
    pub master_key: Option<Secret>,
    /// What the secrets of keys that their owners may read again are encrypted with; it is kept
    /// apart from the database. Without it they are not kept.
    pub seal: Option<Secret>,
    /// How long the token of a login is good.
    pub token_lifetime: Duration,
    /// How long a login can be renewed.
    pub login_lifetime: Duration,
    /// How often callers may call.
    pub limits: LimitSettings,
}

impl AccessSettings {
    /// Fewest characters of a master key.
    pub const SHORTEST_MASTER_KEY: usize = 32;
}

impl Default for AccessSettings {
    fn default() -> Self {
        Self {
            master_key: None,
            seal: None,
            token_lifetime: Duration::from_secs(15 * 60),
            login_lifetime: Duration::from_secs(30 * 24 * 3600),
            limits: LimitSettings::default(),
        }
    }
}

/// What keys, logins and limits share.
pub(crate) struct Access {
    pub(crate) recognised: Recognised,
    pub(crate) seal: Option<Seal>,
    pub(crate) signing: Signing,
    pub(crate) passwords: Passwords,
    pub(crate) throttle: Throttle,
    pub(crate) limits: Limits,
    master: Option<[u8; 32]>,
    endings: broadcast::Sender<Ended>,
}

/// A credential that is good no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// An API key.
    Key(KeyId),
    /// A login.
    Login(LoginId),
    /// Whatever acts for a user.
    User(UserId),
    /// The token of a session.
    SessionToken(SessionId),
}

impl Ended {
    fn concerns(self, caller: &Caller) -> bool {
        match (self, caller.identity()) {
            (Self::Key(ended), Identity::Key(id)) => ended == id,
            (Self::Login(ended), Identity::User(_, id)) => ended == id,
            (Self::SessionToken(ended), Identity::SessionToken(id)) => ended == id,
            // Its session may have been that user's; a stream that ends too much is opened again.
            (Self::User(_), Identity::SessionToken(_)) => true,
            (Self::User(ended), _) => caller.user_id() == Some(ended),
            _ => false,
        }
    }
}

impl Access {
    /// Reads, or makes, what must be the same after a restart.
    pub(crate) async fn open(
        store: &Store,
        random: &Random,
        settings: &AccessSettings,
    ) -> Result<Self, warbler_store::Error> {
        let master = settings.master_key.as_ref();
        Ok(Self {
            recognised: Recognised::default(),
            seal: settings.seal.as_ref().and_then(Seal::new),
            signing: Signing::open(store, random).await?,
            passwords: Passwords::new(random),
            throttle: Throttle::default(),
            limits: Limits::new(settings.limits.clone()),
            master: master.map(digest_of),
            endings: broadcast::Sender::new(ENDINGS),
        })
    }

    /// Whether a secret with this digest is the master key.
    pub(crate) fn is_master(&self, digest: &[u8; 32]) -> bool {
        self.master
            .as_ref()
            .is_some_and(|master| bool::from(master.ct_eq(digest)))
    }

    /// Makes the end of a credential felt at once: call it when the end is stored.
    pub(crate) fn end(&self, ended: Ended) {
        self.recognised.forget_all();
        // Nobody listens while no stream is open.
        drop(self.endings.send(ended));
    }

    /// Word of credentials that end from now on.
    pub(crate) fn endings(&self) -> Endings {
        Endings(self.endings.subscribe())
    }
}

/// Word of credentials that end.
pub(crate) struct Endings(broadcast::Receiver<Ended>);

impl Endings {
    /// Whether the credential of `caller` has ended, or word of it may have been missed.
    pub(crate) fn tell_of(&mut self, caller: &Caller) -> bool {
        loop {
            match self.0.try_recv() {
                Ok(ended) if ended.concerns(caller) => return true,
                Ok(_) => {}
                Err(broadcast::error::TryRecvError::Empty) => return false,
                Err(_) => return true,
            }
        }
    }

    /// Waits until the credential of `caller` has ended, or word of it may have been missed.
    pub(crate) async fn of(&mut self, caller: &Caller) {
        while let Ok(ended) = self.0.recv().await {
            if ended.concerns(caller) {
                return;
            }
        }
    }
}

/// A secret of this host itself, read or made.
pub(crate) async fn host_secret(
    store: &Store,
    random: &Random,
    name: &'static str,
) -> Result<Vec<u8>, warbler_store::Error> {
    let kept = store.read(move |db| db.host_secret(name)).await?;
    if let Some(secret) = kept {
        return Ok(secret);
    }
    let mut made = [0u8; 32];
    random.fill(&mut made);
    store
        .write(move |tx| tx.keep_host_secret(name, &made))
        .await
}

/// What a secret is looked up by. It has enough random bits to need no salt.
pub(crate) fn digest_of(secret: &Secret) -> [u8; 32] {
    Sha256::digest(secret.expose()).into()
}
