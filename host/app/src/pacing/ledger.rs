//! What one session has sent lately, and what its rules make of that.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use warbler_domain::pacing::Pacing;
use warbler_domain::{Jid, Random, SessionId, Timestamp};
use warbler_store::{Error as StoreError, Reader};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What holds messages back, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hold {
    /// Until when.
    pub(crate) until: Timestamp,
    /// Why, as one word: `per_minute`, `per_hour`, `gap`, `warm_up`, `per_recipient`,
    /// `quiet_hours`.
    pub(crate) why: &'static str,
}

/// What one session has sent lately. It keeps at most [`Pacing::MAX_COUNT`] sends of a day.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    loaded: bool,
    paired_at: Option<Timestamp>,
    sent: VecDeque<(Timestamp, Jid)>,
    to: HashMap<Jid, VecDeque<Timestamp>>,
    /// When the pause after the last message ends.
    next_at: Option<Timestamp>,
    held: Option<Hold>,
}

impl Ledger {
    /// How far back it counts.
    pub(crate) const MEMORY: Duration = DAY;

    /// Reads what is stored, the first time.
    pub(crate) fn load(
        &mut self,
        db: &Reader<'_>,
        session: SessionId,
        rules: &Pacing,
        now: Timestamp,
        random: &Random,
    ) -> Result<(), StoreError> {
        // The day of pairing can come after the first look.
        if self.paired_at.is_none() && rules.warm_up.is_some() {
            self.paired_at = db.sending().paired_at(session)?;
        }
        if self.loaded {
            return Ok(());
        }
        let after = Timestamp::from_millis(
            now.as_millis()
                .saturating_sub(i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX)),
        );
        for (at, chat) in db.sending().sent_since(session, after, Pacing::MAX_COUNT)? {
            self.note(rules, &chat, at, random);
        }
        self.loaded = true;
        Ok(())
    }

    /// Counts a message to `chat`.
    pub(crate) fn note(&mut self, rules: &Pacing, chat: &Jid, now: Timestamp, random: &Random) {
        self.sent.push_back((now, chat.clone()));
        self.to.entry(chat.clone()).or_default().push_back(now);
        let too_many = |sent: &VecDeque<_>| sent.len() > Pacing::MAX_COUNT as usize;
        while too_many(&self.sent)
            || self
                .sent
                .front()
                .is_some_and(|(at, _)| now.since(*at) >= DAY)
        {
            let Some((_, chat)) = self.sent.pop_front() else {
                break;
            };
            if let Some(times) = self.to.get_mut(&chat) {
                times.pop_front();
                if times.is_empty() {
                    self.to.remove(&chat);
                }
            }
        }
        let gap = random.jitter(rules.gap(), f64::from(rules.jitter_percent) / 100.0);
        self.next_at = (!gap.is_zero()).then(|| now.plus(gap));
    }

    /// What holds every message of the session back at `now`.
    pub(crate) fn check_session(&mut self, rules: &Pacing, now: Timestamp) -> Option<Hold> {
        let times = |back: u32| self.nth_newest(back);
        let mut holds = vec![
            self.next_at.map(|until| Hold { until, why: "gap" }),
            full(rules.per_minute, MINUTE, times).map(|until| Hold {
                until,
                why: "per_minute",
            }),
            full(rules.per_hour, HOUR, times).map(|until| Hold {
                until,
                why: "per_hour",
            }),
        ];
        if let (Some(warm_up), Some(paired_at)) = (&rules.warm_up, self.paired_at) {
            let allowance = warm_up.allowance(paired_at, now);
            holds.push(
                allowance
                    .and_then(|allowance| full(allowance, DAY, times))
                    .map(|until| Hold {
                        until,
                        why: "warm_up",
                    }),
            );
        }
        let holding = holds.into_iter().flatten().filter(|hold| hold.until > now);
        self.held = holding.max_by_key(|hold| hold.until);
        self.held
    }

    /// What holds messages to `chat` back at `now`.
    pub(crate) fn check_chat(&self, rules: &Pacing, chat: &Jid, now: Timestamp) -> Option<Hold> {
        let times = self.to.get(chat)?;
        let until = full(rules.per_recipient_hour, HOUR, |back| {
            let index = times.len().checked_sub(back as usize)?;
            times.get(index).copied()
        })?;
        (until > now).then_some(Hold {
            until,
            why: "per_recipient",
        })
    }

    /// What holds the session back, as was found last.
    pub(crate) fn hold(&self, now: Timestamp) -> Option<Hold> {
        self.held.filter(|hold| hold.until > now)
    }

    /// Forgets what holds it back: the rules have changed.
    pub(crate) fn release(&mut self) {
        self.held = None;
        self.next_at = None;
    }

    /// The time of the newest send but `back - 1`.
    fn nth_newest(&self, back: u32) -> Option<Timestamp> {
        let index = self.sent.len().checked_sub(back as usize)?;
        self.sent.get(index).map(|(at, _)| *at)
    }
}

/// When there is room again for one more, if `most` are allowed in `window`: that long after the
/// oldest of the newest `most`. A limit of 0 is none.
fn full(
    most: u32,
    window: Duration,
    nth_newest: impl Fn(u32) -> Option<Timestamp>,
) -> Option<Timestamp> {
    (most > 0)
        .then(|| nth_newest(most))
        .flatten()
        .map(|at| at.plus(window))
}

#[cfg(test)]
mod tests {
    use warbler_domain::pacing::WarmUp;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn after(seconds: u64) -> Timestamp {
        START.plus(Duration::from_secs(seconds))
    }

    /// Sends as soon as the rules allow, `count` times; when each went, in seconds.
    fn sends(rules: &Pacing, chats: &[&Jid], count: usize) -> Vec<u64> {
        let random = Random::seeded(5);
        let mut ledger = Ledger {
            paired_at: Some(START),
            ..Ledger::default()
        };
        let mut now = START;
        let mut went = Vec::new();
        for index in 0..count {
            let chat = chats[index % chats.len()];
            while let Some(hold) = ledger
                .check_session(rules, now)
                .or_else(|| ledger.check_chat(rules, chat, now))
            {
                assert!(hold.until > now);
                now = hold.until;
            }
            ledger.note(rules, chat, now, &random);
            went.push(now.since(START).as_secs());
        }
        went
    }

    fn jid(text: &str) -> Result<Jid, warbler_domain::jid::BadJid> {
        text.parse()
    }

    #[test]
    fn a_minute_holds_no_more_than_its_limit() -> Result<(), Box<dyn std::error::Error>> {
        let rules = Pacing {
            per_minute: 2,
            per_hour: 5,
            ..Pacing::default()
        };
        let went = sends(&rules, &[&jid("15550100@c.us")?], 7);
        assert_eq!(went, [0, 0, 60, 60, 120, 3600, 3600]);
        Ok(())
    }

    #[test]
    fn one_recipient_waits_while_another_does_not() -> Result<(), Box<dyn std::error::Error>> {
        let rules = Pacing {
            per_recipient_hour: 1,
            ..Pacing::default()
        };
        let (ada, bob) = (jid("15550100@c.us")?, jid("15550101@c.us")?);
        assert_eq!(sends(&rules, &[&ada, &bob], 4), [0, 0, 3600, 3600]);
        Ok(())
    }

    #[test]
    fn the_gap_is_kept_and_varied() -> Result<(), Box<dyn std::error::Error>> {
        let rules = Pacing {
            gap_millis: 10_000,
            jitter_percent: 50,
            ..Pacing::default()
        };
        let went = sends(&rules, &[&jid("15550100@c.us")?], 20);
        let gaps: Vec<_> = went.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| (4..=16).contains(gap)), "{gaps:?}");
        assert!(gaps.iter().any(|gap| *gap != gaps[0]), "{gaps:?}");
        Ok(())
    }

    #[test]
    fn a_young_session_sends_its_allowance_and_goes_on_the_next_day()
    -> Result<(), Box<dyn std::error::Error>> {
        let rules = Pacing {
            warm_up: Some(WarmUp {
                first_day: 2,
                growth_percent: 100,
                days: 10,
            }),
            ..Pacing::default()
        };
        let went = sends(&rules, &[&jid("15550100@c.us")?], 5);
        let day = 24 * 3600;
        assert_eq!(went, [0, 0, day, day, day]);
        assert!(after(0) < after(1));
        Ok(())
    }
}
