//! What the handlers and extractors of a dialect are given.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRef;
use http::{HeaderValue, StatusCode};
use warbler_app::App;
use warbler_app::quotas::{Quota, QuotaExceeded, Wanted};
use warbler_domain::pacing::Zone;
use warbler_domain::{Caller, SessionName, Timestamp};

use super::pages::Pages;
use super::{Switch, Voice};
use crate::mount::ApiState;
use crate::problem::Problem;

/// On which terms a dialect is served by one listener.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    /// The unsafe behaviour that is open.
    pub(crate) open: Arc<BTreeSet<Switch>>,
    /// Whether anybody may register.
    pub(crate) registration: bool,
    /// Whether the limits of its document hold.
    pub(crate) limited: bool,
    /// Whose clock a time without an offset is by.
    pub(crate) zone: Zone,
    /// The session that sends where old clients name none.
    pub(crate) legacy_session: Option<SessionName>,
    /// The origins whose pages may call.
    pub(crate) origins: Arc<[HeaderValue]>,
    /// The host's version.
    pub(crate) version: &'static str,
    /// When the host was started.
    pub(crate) started: Timestamp,
}

/// What the handlers and extractors of a dialect are given.
#[derive(Clone)]
pub(crate) struct DialectState<V> {
    /// What every API is given.
    pub(crate) api: ApiState,
    /// On which terms it is served.
    pub(crate) terms: Terms,
    pub(super) pages: Arc<Pages>,
    voice: PhantomData<fn() -> V>,
}

impl<V: Voice> DialectState<V> {
    pub(super) fn new(api: ApiState, terms: Terms, pages: Pages) -> Self {
        Self {
            api,
            terms,
            pages: Arc::new(pages),
            voice: PhantomData,
        }
    }

    /// Whether this unsafe behaviour is open.
    pub(crate) fn is_open(&self, switch: Switch) -> bool {
        self.terms.open.contains(&switch)
    }

    /// Refuses where not anybody may register.
    pub(crate) fn may_register(&self) -> Result<(), Problem> {
        if self.terms.registration {
            return Ok(());
        }
        let detail = "registration is closed; ask the operator for an account";
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "registration_closed",
            detail,
        ))
    }

    /// Counts an attempt at whatever takes a password or a token, of one address.
    pub(crate) fn attempt(
        &self,
        quota: Quota,
        address: Option<IpAddr>,
    ) -> Result<(), QuotaExceeded> {
        self.take(&[(quota, &holder(None, address))])
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        self.api.clock.now()
    }

    /// How long the host has been running.
    pub(crate) fn uptime(&self) -> Duration {
        self.now().since(self.terms.started)
    }

    /// Counts a use of each quota, or of none if one is used up; nothing where the limits of the
    /// document do not hold.
    pub(crate) fn take(&self, wanted: &[(Quota, &str)]) -> Result<(), QuotaExceeded> {
        if !self.terms.limited {
            return Ok(());
        }
        let wanted = wanted.iter();
        let wanted: Vec<_> = wanted
            .map(|(quota, holder)| Wanted {
                quota: *quota,
                holder,
            })
            .collect();
        self.api.app.take(&wanted)
    }
}

/// What a quota of a caller, or of an address, is counted under.
pub(crate) fn holder(caller: Option<&Caller>, address: Option<IpAddr>) -> String {
    match (caller, address) {
        (Some(caller), _) => caller
            .user_id()
            .map_or_else(|| caller.label(), |user| format!("user {user}")),
        (None, Some(address)) => address.to_string(),
        (None, None) => String::new(),
    }
}

impl<V> FromRef<DialectState<V>> for App {
    fn from_ref(state: &DialectState<V>) -> Self {
        state.api.app.clone()
    }
}
