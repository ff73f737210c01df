//! Guessing made slow: after a few failures a name, or an address, has to wait, longer each time.
//!
//! An attempt counts as failed when it begins and is taken back when it succeeds, so that many
//! guesses at the same time gain nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use warbler_domain::Timestamp;

/// Failures that cost nothing.
const FREE: u32 = 5;
/// First pause; it doubles up to the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// After so long without a failure all is forgotten.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// Names and addresses that are remembered; beyond that the longest quiet is forgotten.
const MOST: usize = 10_000;

/// Who has failed to log in.
#[derive(Default)]
pub(crate) struct Throttle {
    failures: Mutex<HashMap<Who, Failures>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Name(String),
    Address(IpAddr),
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Failures {
    /// From when another attempt is admitted.
    fn until(self) -> Timestamp {
        let Some(beyond) = self.count.checked_sub(FREE) else {
            return self.last;
        };
        let pause = FIRST.saturating_mul(1 << beyond.min(16)).min(LONGEST);
        self.last.plus(pause)
    }
}

/// An attempt that was admitted.
#[must_use]
pub(crate) struct Attempt(Vec<Who>);

impl Throttle {
    /// Admits an attempt to log in, or says how long to wait.
    pub(crate) fn admit(
        &self,
        name: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Attempt, Duration> {
        let mut who = vec![Who::Name(name.to_ascii_lowercase())];
        who.extend(address.map(|address| Who::Address(address.to_canonical())));
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = who.iter().filter_map(|who| {
            let known = failures.get(who)?;
            let wait = known.until().since(now);
            (!wait.is_zero()).then_some(wait)
        });
        if let Some(wait) = waits.max() {
            return Err(wait);
        }
        make_room(&mut failures, who.len(), now);
        for who in &who {
            let known = failures.entry(who.clone()).or_insert(Failures {
                count: 0,
                last: now,
            });
            if now.since(known.last) > MEMORY {
                known.count = 0;
            }
            known.count = known.count.saturating_add(1);
            known.last = now;
        }
        Ok(Attempt(who))
    }

    /// Takes back an attempt that succeeded. A name is cleared; an address only gets back this
    /// one, or whoever knows one password could guess all others.
    pub(crate) fn succeeded(&self, attempt: Attempt) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        for who in attempt.0 {
            match (&who, failures.get_mut(&who)) {
                (Who::Address(_), Some(known)) if known.count > 1 => known.count -= 1,
                _ => {
                    failures.remove(&who);
                }
            }
        }
    }
}

fn make_room(failures: &mut HashMap<Who, Failures>, wanted: usize, now: Timestamp) {
    if failures.len() + wanted <= MOST {
        return;
    }
    failures.retain(|_, known| now.since(known.last) <= MEMORY);
    while failures.len() + wanted > MOST {
        let quietest = failures.iter().min_by_key(|(_, known)| known.last);
        let Some(quietest) = quietest.map(|(who, _)| who.clone()) else {
            return;
        };
        failures.remove(&quietest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const HERE: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    fn fail(throttle: &Throttle, name: &str, address: Option<IpAddr>, now: Timestamp) -> Duration {
        let admitted = throttle.admit(name, address, now);
        admitted.map_or_else(|wait| wait, |_attempt| Duration::ZERO)
    }

    #[test]
    fn five_failures_are_free_and_then_pauses_grow() {
        let throttle = Throttle::default();
        let mut now = NOW;
        for _ in 0..FREE {
            assert_eq!(fail(&throttle, "ada", None, now), Duration::ZERO);
        }
        for pause in [1, 2, 4, 8] {
            let wait = fail(&throttle, "Ada", None, now);
            assert_eq!(wait, Duration::from_secs(pause));
            now = now.plus(wait);
            assert_eq!(fail(&throttle, "ada", None, now), Duration::ZERO);
        }
        assert_eq!(fail(&throttle, "bob", None, now), Duration::ZERO);
    }

    #[test]
    fn no_pause_is_longer_than_a_quarter_of_an_hour() {
        let throttle = Throttle::default();
        let mut now = NOW;
        for _ in 0..40 {
            let wait = fail(&throttle, "ada", None, now);
            assert!(wait <= LONGEST);
            now = now.plus(wait);
        }
    }

    #[test]
    fn one_address_cannot_try_many_names() {
        let throttle = Throttle::default();
        for name in ["a", "b", "c", "d", "e"] {
            assert_eq!(fail(&throttle, name, HERE, NOW), Duration::ZERO);
        }
        assert_eq!(fail(&throttle, "f", HERE, NOW), Duration::from_secs(1));
        assert_eq!(fail(&throttle, "f", None, NOW), Duration::ZERO);
    }

    #[test]
    fn success_clears_the_name_and_gives_the_address_one_back() {
        let throttle = Throttle::default();
        for _ in 0..FREE - 1 {
            fail(&throttle, "ada", HERE, NOW);
        }
        if let Ok(attempt) = throttle.admit("ada", HERE, NOW) {
            throttle.succeeded(attempt);
        }
        assert_eq!(fail(&throttle, "bob", HERE, NOW), Duration::ZERO);
        assert_eq!(fail(&throttle, "bob", HERE, NOW), Duration::from_secs(1));
        assert_eq!(fail(&throttle, "ada", None, NOW), Duration::ZERO);
    }

    #[test]
    fn after_an_hour_all_is_forgotten_and_the_memory_has_a_bound() {
        let throttle = Throttle::default();
        for _ in 0..FREE {
            fail(&throttle, "ada", None, NOW);
        }
        let later = NOW.plus(MEMORY).plus(FIRST);
        for _ in 0..FREE {
            assert_eq!(fail(&throttle, "ada", None, later), Duration::ZERO);
        }
        let many = Throttle::default();
        for n in 0..MOST + 5 {
            fail(&many, &n.to_string(), None, NOW);
        }
        let held = many.failures.lock().map_or(0, |failures| failures.len());
        assert_eq!(held, MOST);
    }
}
