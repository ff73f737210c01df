//! How often a caller may call: a bucket of tokens each, that fills up steadily.
//!
//! A credential has its own bucket, and so has every address that shows none or a wrong one, and
//! a larger one for files that are served by their names.
//! Admins have none unless they are given one. Memory is bounded: when there are too many
//! buckets, full ones are forgotten, which changes nothing; beyond that newcomers share one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use warbler_domain::caller::Identity;
use warbler_domain::{Caller, KeyId, Scope, SessionId, Timestamp, UserId};

/// Most buckets.
const MOST: usize = 20_000;

/// How often callers may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitSettings {
    /// Each API key, user and session token.
    pub caller: Rate,
    /// Each admin key, admin and the master key.
    pub admin: Rate,
    /// Each address, for requests without a good credential.
    pub address: Rate,
    /// Each address, for files that are served by their names.
    pub download: Rate,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            caller: Rate::new(600, 100),
            admin: Rate::new(0, 1000),
            address: Rate::new(300, 100),
            download: Rate::new(6000, 1000),
        }
    }
}

/// So many requests a minute, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests a minute in the long run; 0 means no limit.
    pub per_minute: u32,
    /// Requests that may come at once; at least 1.
    pub burst: u32,
}

impl Rate {
    /// So many a minute, and so many at once.
    pub const fn new(per_minute: u32, burst: u32) -> Self {
        Self { per_minute, burst }
    }

    /// The time in which one token comes back.
    fn interval(self) -> Duration {
        Duration::from_secs(60) / self.per_minute.max(1)
    }
}

/// What a bucket said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// Requests that may come at once.
    pub limit: u32,
    /// How many are left now.
    pub remaining: u32,
    /// When all will be back.
    pub reset: Duration,
    /// When the next one will be back; only if this one was refused.
    pub retry_after: Option<Duration>,
}

/// Whose bucket it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Host,
    MasterKey,
    Key(KeyId),
    User(UserId),
    SessionToken(SessionId),
    Address(IpAddr),
    Download(IpAddr),
    /// All who found no bucket of their own.
    Crowd,
}

/// The buckets.
pub(crate) struct Limits {
    settings: LimitSettings,
    buckets: Mutex<HashMap<Holder, Bucket>>,
}

/// A bucket, as the time at which it will be full.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    full_at: Timestamp,
}

impl Limits {
    pub(crate) fn new(settings: LimitSettings) -> Self {
        Self {
            settings,
            buckets: Mutex::default(),
        }
    }

    /// Takes a token of the caller's bucket; nothing when it has none.
    pub(crate) fn of_caller(&self, caller: &Caller, now: Timestamp) -> Option<Admission> {
        let holder = match caller.identity() {
            Identity::Host => Holder::Host,
            Identity::MasterKey => Holder::MasterKey,
            Identity::Key(id) => Holder::Key(id),
            Identity::User(id, _) => Holder::User(id),
            Identity::SessionToken(id) => Holder::SessionToken(id),
            Identity::Nobody => match caller.address() {
                Some(address) => return self.of_address(address, now),
                None => Holder::Crowd,
            },
        };
        let rate = if caller.may(Scope::Admin) {
            self.settings.admin
        } else {
            self.settings.caller
        };
        self.take(holder, rate, now)
    }

    /// Takes a token of the bucket of an address; nothing when it has none.
    pub(crate) fn of_address(&self, address: IpAddr, now: Timestamp) -> Option<Admission> {
        let holder = Holder::Address(network_of(address));
        self.take(holder, self.settings.address, now)
    }

    /// Takes a token of the bucket that an address has for files; nothing when it has none.
    pub(crate) fn of_download(&self, address: IpAddr, now: Timestamp) -> Option<Admission> {
        let holder = Holder::Download(network_of(address));
        self.take(holder, self.settings.download, now)
    }

    fn take(&self, holder: Holder, rate: Rate, now: Timestamp) -> Option<Admission> {
        if rate.per_minute == 0 {
            return None;
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let holder = if buckets.len() < MOST || buckets.contains_key(&holder) {
            holder
        } else {
            buckets.retain(|_, bucket| bucket.full_at > now);
            if buckets.len() < MOST {
                holder
            } else {
                Holder::Crowd
            }
        };
        let bucket = buckets.entry(holder).or_insert(Bucket { full_at: now });
        Some(bucket.take(rate, now))
    }
}

impl Bucket {
    fn take(&mut self, rate: Rate, now: Timestamp) -> Admission {
        let (interval, burst) = (rate.interval(), rate.burst.max(1));
        let capacity = interval.saturating_mul(burst);
        let missing = self.full_at.since(now).min(capacity);
        let admitted = missing + interval <= capacity;
        let missing = if admitted {
            missing + interval
        } else {
            missing
        };
        self.full_at = now.plus(missing);
        let left = capacity.saturating_sub(missing);
        let remaining = left
            .as_nanos()
            .checked_div(interval.as_nanos())
            .unwrap_or(0);
        Admission {
            limit: burst,
            remaining: u32::try_from(remaining).unwrap_or(burst),
            reset: missing,
            retry_after: (!admitted).then(|| (missing + interval).saturating_sub(capacity)),
        }
    }
}

/// An address that one subscriber cannot change at will: an IPv6 one stands for its /64.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn limits(per_minute: u32, burst: u32) -> Limits {
        Limits::new(LimitSettings {
            address: Rate::new(per_minute, burst),
            ..LimitSettings::default()
        })
    }

    #[test]
    fn a_burst_is_admitted_and_then_one_at_a_time() {
        let limits = limits(60, 3);
        let ask = |now| limits.of_address(ADDRESS, now);
        for remaining in [2, 1, 0] {
            let admission = ask(NOW);
            assert_eq!(
                admission.map(|a| (a.limit, a.remaining)),
                Some((3, remaining))
            );
            assert_eq!(admission.and_then(|a| a.retry_after), None);
        }
        let second = Duration::from_secs(1);
        assert_eq!(ask(NOW).and_then(|a| a.retry_after), Some(second));
        assert_eq!(ask(NOW.plus(second)).and_then(|a| a.retry_after), None);
        assert_eq!(
            ask(NOW.plus(second)).and_then(|a| a.retry_after),
            Some(second)
        );
    }

    #[test]
    fn a_refusal_costs_nothing() {
        let limits = limits(60, 1);
        for _ in 0..50 {
            limits.of_address(ADDRESS, NOW);
        }
        let later = limits.of_address(ADDRESS, NOW.plus(Duration::from_secs(1)));
        assert_eq!(later.and_then(|a| a.retry_after), None);
    }

    #[test]
    fn a_rate_of_zero_is_no_limit() {
        assert_eq!(limits(0, 0).of_address(ADDRESS, NOW), None);
        let admin = Limits::new(LimitSettings::default()).of_caller(&Caller::master_key(), NOW);
        assert_eq!(admin, None);
    }

    #[test]
    fn the_addresses_of_one_network_share_a_bucket() -> Result<(), std::net::AddrParseError> {
        let one: IpAddr = "2001:db8:1:2:aaaa::1".parse()?;
        let other: IpAddr = "2001:db8:1:2:bbbb::9".parse()?;
        assert_eq!(network_of(one), network_of(other));
        let mapped: IpAddr = "::ffff:192.0.2.1".parse()?;
        assert_eq!(network_of(mapped), "192.0.2.1".parse::<IpAddr>()?);
        Ok(())
    }

    #[test]
    fn many_addresses_fill_no_memory_and_share_what_is_left() {
        let limits = limits(1, 1);
        for n in 0..MOST as u32 + 100 {
            limits.of_address(IpAddr::from(n.to_be_bytes()), NOW);
        }
        let held = limits.buckets.lock().map_or(0, |buckets| buckets.len());
        assert!(held <= MOST + 1, "{held}");
        let stranger = limits.of_address(IpAddr::from([250, 1, 1, 1]), NOW);
        assert!(stranger.is_some_and(|a| a.retry_after.is_some()));
    }
}
