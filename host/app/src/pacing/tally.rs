//! How many messages went out lately, in steps of ten seconds.

use std::collections::VecDeque;

use warbler_domain::Timestamp;

const STEP_MILLIS: i64 = 10_000;
const STEPS_IN_MINUTE: i64 = 6;
const STEPS_IN_HOUR: i64 = 360;

/// The counts of the last hour; at most 361 of them.
#[derive(Debug, Default)]
pub(super) struct Tally(VecDeque<(i64, u64)>);

impl Tally {
    /// Counts one at `now`.
    pub(super) fn note(&mut self, now: Timestamp) {
        let step = step(now);
        match self.0.back_mut() {
            Some((last, count)) if *last >= step => *count += 1,
            _ => self.0.push_back((step, 1)),
        }
        while self
            .0
            .front()
            .is_some_and(|(first, _)| *first <= step - STEPS_IN_HOUR)
        {
            self.0.pop_front();
        }
    }

    /// How many in the last minute.
    pub(super) fn minute(&self, now: Timestamp) -> u64 {
        self.since(step(now) - STEPS_IN_MINUTE)
    }

    /// How many in the last hour.
    pub(super) fn hour(&self, now: Timestamp) -> u64 {
        self.since(step(now) - STEPS_IN_HOUR)
    }

    fn since(&self, after: i64) -> u64 {
        let newest_first = self.0.iter().rev();
        let counted = newest_first.take_while(|(step, _)| *step > after);
        counted.map(|(_, count)| count).sum()
    }
}

fn step(now: Timestamp) -> i64 {
    now.as_millis().div_euclid(STEP_MILLIS)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_older_than_an_hour_is_not_counted_and_not_kept() {
        let start = Timestamp::from_millis(1_800_000_000_000);
        let mut tally = Tally::default();
        for second in 0..7200 {
            tally.note(start.plus(Duration::from_secs(second)));
        }
        let now = start.plus(Duration::from_secs(7199));
        assert_eq!((tally.minute(now), tally.hour(now)), (60, 3600));
        assert!(tally.0.len() <= 361);
        let later = now.plus(Duration::from_secs(3600));
        assert_eq!((tally.minute(later), tally.hour(later)), (0, 0));
    }
}
