//! How deliveries are tried.

use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// How deliveries are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// How long a receiver has to answer.
    pub answer_within: Duration,
    /// The pauses after the first attempt, the second, and so on; the last one is repeated. Each is
    /// up to a fifth longer or shorter.
    pub pauses: Vec<Duration>,
    /// How long a delivery is tried before it is a dead letter.
    pub tried_for: Duration,
    /// How long nothing may arrive before a webhook is switched off.
    pub failing_for: Duration,
    /// How long a webhook rests after some failures in a row; each rest is twice as long as the one
    /// before.
    pub first_rest: Duration,
    /// The longest such rest.
    pub longest_rest: Duration,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        let pauses = [10, 60, 300, 1800, 7200];
        Self {
            answer_within: Duration::from_secs(10),
            pauses: pauses.map(Duration::from_secs).to_vec(),
            tried_for: 24 * HOUR,
            failing_for: 24 * HOUR,
            first_rest: Duration::from_secs(5),
            longest_rest: Duration::from_secs(300),
        }
    }
}

impl WebhookSettings {
    /// How long to wait after the attempt with this number, the first being 1.
    pub(super) fn pause_after(&self, attempt: u32) -> Duration {
        let at = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        let pause = self.pauses.get(at).or_else(|| self.pauses.last());
        pause.copied().unwrap_or(HOUR)
    }

    /// How long a webhook rests after so many failures in a row.
    pub(super) fn rest_after(&self, failures: u32, patience: u32) -> Option<Duration> {
        let times = failures.checked_sub(patience)?;
        let factor = 1u32.checked_shl(times).unwrap_or(u32::MAX);
        Some(
            self.first_rest
                .saturating_mul(factor)
                .min(self.longest_rest),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_and_rests_grow_up_to_the_longest() {
        let settings = WebhookSettings::default();
        let pauses: Vec<u64> = (1..8).map(|n| settings.pause_after(n).as_secs()).collect();
        assert_eq!(pauses, [10, 60, 300, 1800, 7200, 7200, 7200]);
        assert_eq!(settings.pause_after(u32::MAX), 2 * HOUR);
        let rests =
            [4, 5, 6, 11, 5000].map(|n| settings.rest_after(n, 5).map(|rest| rest.as_secs()));
        assert_eq!(rests, [None, Some(5), Some(10), Some(300), Some(300)]);
    }
}
