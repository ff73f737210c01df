//! How much of something is allowed in a span of time: limits that dialects document.
//!
//! Each holder of a quota has two counters: of the span under way and of the one before, which
//! counts less and less as the new one passes. So never much more than allowed comes in any span,
//! wherever it begins. Memory is bounded: beyond [`MOST`] holders, newcomers share one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use warbler_domain::{Refusal, RefusalKind, Timestamp};

/// Most holders that are counted apart.
const MOST: usize = 50_000;

/// So many in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    /// What is counted, such as `hub.messages.minute`; quotas of one name are counted together.
    pub name: &'static str,
    /// How many.
    pub most: u32,
    /// In how much time.
    pub per: Duration,
}

impl Quota {
    /// So many in a minute.
    pub const fn per_minute(name: &'static str, most: u32) -> Self {
        let per = Duration::from_secs(60);
        Self { name, most, per }
    }

    /// So many in an hour.
    pub const fn per_hour(name: &'static str, most: u32) -> Self {
        let per = Duration::from_secs(3600);
        Self { name, most, per }
    }
}

/// A use of a quota.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Which.
    pub quota: Quota,
    /// Whose: a session, a caller, an address.
    pub holder: &'a str,
}

/// A quota is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at most {most} in {} s; try again in {} s", .per.as_secs(), .retry_after.as_secs().max(1))]
pub struct QuotaExceeded {
    /// How many are allowed.
    pub most: u32,
    /// In how much time.
    pub per: Duration,
    /// When there may be another.
    pub retry_after: Duration,
}

impl Refusal for QuotaExceeded {
    fn kind(&self) -> RefusalKind {
        RefusalKind::Limited
    }

    fn code(&self) -> &'static str {
        "rate_limited"
    }

    fn retry_after(&self) -> Option<Duration> {
        Some(self.retry_after)
    }
}

/// The counters.
#[derive(Default)]
pub(crate) struct Quotas {
    spans: Mutex<HashMap<(&'static str, String), Span>>,
}

/// The span under way and the one before.
#[derive(Debug, Clone, Copy)]
struct Span {
    began: Timestamp,
    per: Duration,
    before: u32,
    now: u32,
}

impl Quotas {
    /// Counts a use of each, or of none if one is used up.
    pub(crate) fn take(&self, wanted: &[Wanted<'_>], now: Timestamp) -> Result<(), QuotaExceeded> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        if spans.len() + wanted.len() > MOST {
            spans.retain(|_, span| now.since(span.began) < span.per.saturating_mul(2));
        }
        let full = spans.len() + wanted.len() > MOST;
        let mut keys = Vec::with_capacity(wanted.len());
        for Wanted { quota, holder } in wanted {
            let key = (quota.name, (*holder).to_owned());
            let key = match full && !spans.contains_key(&key) {
                true => (quota.name, String::new()),
                false => key,
            };
            let span = spans
                .entry(key.clone())
                .or_insert(Span::new(quota.per, now));
            span.move_on(now);
            if let Some(retry_after) = span.refusal(quota.most, now) {
                return Err(QuotaExceeded {
                    most: quota.most,
                    per: quota.per,
                    retry_after,
                });
            }
            keys.push(key);
        }
        for key in keys {
            if let Some(span) = spans.get_mut(&key) {
                span.now = span.now.saturating_add(1);
            }
        }
        Ok(())
    }
}

impl Span {
    fn new(per: Duration, now: Timestamp) -> Self {
        Self {
            began: now,
            per,
            before: 0,
            now: 0,
        }
    }

    /// Begins the next span when this one is over.
    fn move_on(&mut self, now: Timestamp) {
        let passed = now.since(self.began);
        if passed >= self.per.saturating_mul(2) {
            *self = Self::new(self.per, now);
        } else if passed >= self.per {
            self.began = self.began.plus(self.per);
            (self.before, self.now) = (self.now, 0);
        }
    }

    /// How long there is nothing to take.
    fn refusal(&self, most: u32, now: Timestamp) -> Option<Duration> {
        let left = self.per.saturating_sub(now.since(self.began));
        let weight = left.as_secs_f64() / self.per.as_secs_f64().max(f64::MIN_POSITIVE);
        let used = f64::from(self.now) + f64::from(self.before) * weight;
        if used + 1.0 <= f64::from(most) {
            return None;
        }
        let room = f64::from(most) - 1.0 - f64::from(self.now);
        if room < 0.0 || self.before == 0 {
            return Some(left);
        }
        // As much of the span before must have passed as leaves room for one.
        let wait = left.as_secs_f64() - self.per.as_secs_f64() * room / f64::from(self.before);
        Some(Duration::from_secs_f64(wait.max(0.001)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const THREE: Quota = Quota::per_minute("three", 3);

    fn take(quotas: &Quotas, holder: &str, now: Timestamp) -> bool {
        let wanted = Wanted {
            quota: THREE,
            holder,
        };
        quotas.take(&[wanted], now).is_ok()
    }

    #[test]
    fn no_more_than_allowed_comes_in_a_span_wherever_it_begins() {
        let quotas = Quotas::default();
        let second = Duration::from_secs(1);
        let mut admitted = Vec::new();
        let mut now = NOW;
        for _ in 0..600 {
            if take(&quotas, "a", now) {
                admitted.push(now);
            }
            now = now.plus(second);
        }
        for began in &admitted {
            let until = began.plus(Duration::from_secs(60));
            let count = admitted.iter().filter(|at| **at >= *began && **at < until);
            assert!(count.count() <= 4, "at the seam one more may come");
        }
        assert!(admitted.len() >= 20, "rather too few than too many");
    }

    #[test]
    fn a_refusal_says_when_and_takes_nothing_of_the_others() {
        let quotas = Quotas::default();
        let both = |holder| {
            let wide = Quota::per_hour("wide", 5);
            quotas.take(
                &[
                    Wanted {
                        quota: wide,
                        holder: "all",
                    },
                    Wanted {
                        quota: THREE,
                        holder,
                    },
                ],
                NOW,
            )
        };
        for _ in 0..3 {
            assert!(both("a").is_ok());
        }
        let refused = both("a").map_err(|err| err.retry_after);
        assert_eq!(refused, Err(Duration::from_secs(60)));
        assert!(both("b").is_ok() && both("b").is_ok());
        assert!(both("b").is_err(), "the wide one is used up");
    }

    #[test]
    fn the_memory_has_a_bound() {
        let quotas = Quotas::default();
        for n in 0..MOST + 10 {
            take(&quotas, &n.to_string(), NOW);
        }
        let held = quotas.spans.lock().map_or(0, |spans| spans.len());
        assert!(held <= MOST + 1, "{held}");
    }
}
