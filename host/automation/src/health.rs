//! How an extension has been doing: one that fails again and again is left out for a while.
//!
//! Failures in a row, or too many among the last hundred calls, begin a pause, and events flow past
//! the extension. When the pause is over it is tried again: one success lets it back in, one more
//! failure begins a pause twice as long. A new version begins anew. What its calls used is counted
//! beside it, in `usage`.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use warbler_domain::{Clock, ExtensionName, Timestamp};

use crate::limits::QuarantineLimits;
use crate::usage::Usage;

/// The first calls of a version, in which it proves itself.
pub(crate) const TRIAL: u32 = 50;
/// Calls that are remembered.
const REMEMBERED: u32 = 100;

/// The health of one generation.
pub(crate) struct Health {
    name: ExtensionName,
    clock: Arc<dyn Clock>,
    limits: QuarantineLimits,
    /// Until when it is left out, in milliseconds; stays until a success, 0 while all is well.
    until: AtomicI64,
    record: Mutex<Record>,
    usage: Usage,
}

#[derive(Default)]
struct Record {
    /// The last calls, the newest in the lowest bit: 1 for a failure.
    calls: u128,
    in_a_row: u32,
    /// Pauses since it last did well for long.
    pauses: u32,
    /// Successes since the last failure.
    well: u32,
    /// All calls.
    seen: u32,
    /// It was left out while it had to prove itself, and nobody has asked yet.
    fell: bool,
}

impl Health {
    pub(crate) fn new(
        name: ExtensionName,
        clock: Arc<dyn Clock>,
        limits: QuarantineLimits,
    ) -> Arc<Self> {
        Arc::new(Self {
            name,
            clock,
            limits,
            until: AtomicI64::new(0),
            record: Mutex::default(),
            usage: Usage::default(),
        })
    }

    /// What its calls have done and used.
    pub(crate) fn usage(&self) -> &Usage {
        &self.usage
    }

    /// Why it is not called now; nothing when it is.
    pub(crate) fn why_not(&self) -> Option<String> {
        let until = self.quarantined_until()?;
        Some(format!(
            "it failed again and again and is left out until {until}"
        ))
    }

    /// Until when it is left out; `None` when it is called.
    pub(crate) fn quarantined_until(&self) -> Option<Timestamp> {
        match self.until.load(Ordering::Acquire) {
            0 => None,
            until => {
                let until = Timestamp::from_millis(until);
                (self.clock.now() < until).then_some(until)
            }
        }
    }

    /// A call went well.
    pub(crate) fn succeeded(&self) {
        let mut record = self.record();
        record.seen = record.seen.saturating_add(1);
        record.calls <<= 1;
        record.in_a_row = 0;
        record.well = record.well.saturating_add(1);
        if record.well >= REMEMBERED {
            record.pauses = 0;
        }
        if self.until.swap(0, Ordering::AcqRel) != 0 {
            record.calls = 0;
            tracing::info!(extension = %self.name, "{} works again", self.name);
        }
    }

    /// A call failed.
    pub(crate) fn failed(&self) {
        let mut record = self.record();
        record.seen = record.seen.saturating_add(1);
        record.calls = (record.calls << 1) | 1;
        record.in_a_row = record.in_a_row.saturating_add(1);
        record.well = 0;
        let now = self.clock.now();
        let until = self.until.load(Ordering::Acquire);
        if until != 0 && now.as_millis() < until {
            // It was under way when its pause began.
            return;
        }
        let of_hundred = (record.calls & ((1 << REMEMBERED) - 1)).count_ones();
        let on_trial = until != 0;
        if !on_trial
            && record.in_a_row < self.limits.in_a_row
            && of_hundred < self.limits.of_hundred
        {
            return;
        }
        let doubled = 1_u32.checked_shl(record.pauses.min(20)).unwrap_or(1);
        let pause = self.limits.first.saturating_mul(doubled);
        let pause = pause.min(self.limits.longest);
        record.pauses = record.pauses.saturating_add(1);
        record.fell |= record.seen <= TRIAL;
        self.usage.quarantined();
        record.calls = 0;
        record.in_a_row = 0;
        self.until
            .store(now.plus(pause).as_millis(), Ordering::Release);
        tracing::warn!(
            extension = %self.name,
            seconds = pause.as_secs(),
            "{} failed again and again and is left out for {} s",
            self.name,
            pause.as_secs()
        );
    }

    /// Whether it was left out during its first calls; says so once.
    pub(crate) fn take_fall(&self) -> bool {
        std::mem::take(&mut self.record().fell)
    }

    /// Whether it was left out during its first calls and [`Self::take_fall`] has not said so.
    pub(crate) fn has_fallen(&self) -> bool {
        self.record().fell
    }

    /// Whether it has been called and does well.
    pub(crate) fn does_well(&self) -> bool {
        let record = self.record();
        record.seen > 0 && record.in_a_row == 0 && self.until.load(Ordering::Acquire) == 0
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use warbler_domain::ManualClock;

    use super::*;

    fn health() -> Result<(Arc<Health>, Arc<ManualClock>), Box<dyn std::error::Error>> {
        let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)));
        let limits = QuarantineLimits::default();
        let of = Arc::clone(&clock) as Arc<dyn Clock>;
        Ok((Health::new("x".parse()?, of, limits), clock))
    }

    #[test]
    fn five_failures_in_a_row_begin_a_pause_that_doubles() -> Result<(), Box<dyn std::error::Error>>
    {
        let (health, clock) = health()?;
        for _ in 0..4 {
            health.failed();
        }
        health.succeeded();
        for _ in 0..4 {
            health.failed();
        }
        assert_eq!(health.quarantined_until(), None);
        health.failed();
        let until = health.quarantined_until();
        assert_eq!(until, Some(clock.now().plus(Duration::from_secs(30))));
        clock.advance(Duration::from_secs(30));
        assert_eq!(health.quarantined_until(), None);
        health.failed();
        let until = health.quarantined_until();
        assert_eq!(until, Some(clock.now().plus(Duration::from_secs(60))));
        clock.advance(Duration::from_secs(60));
        health.succeeded();
        for _ in 0..4 {
            health.failed();
        }
        assert_eq!(health.quarantined_until(), None);
        Ok(())
    }

    #[test]
    fn every_fifth_call_that_fails_begins_a_pause() -> Result<(), Box<dyn std::error::Error>> {
        let (health, _clock) = health()?;
        for _ in 0..19 {
            health.failed();
            for _ in 0..4 {
                health.succeeded();
            }
        }
        assert_eq!(health.quarantined_until(), None);
        health.failed();
        assert!(health.quarantined_until().is_some());
        Ok(())
    }

    #[test]
    fn pauses_grow_to_an_hour_and_no_further() -> Result<(), Box<dyn std::error::Error>> {
        let (health, clock) = health()?;
        for _ in 0..50 {
            for _ in 0..5 {
                health.failed();
            }
            clock.advance(Duration::from_secs(3600));
            assert_eq!(health.quarantined_until(), None);
        }
        Ok(())
    }
}
