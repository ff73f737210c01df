//! What the network answered lately about numbers, so that it is not asked again and again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use warbler_domain::contact::{RegisteredAccount, Registration};
use warbler_domain::{PhoneNumber, SessionId, Timestamp};

/// How long an answer is good.
const KEPT: Duration = Duration::from_secs(3600);
/// Most answers that are kept, of all sessions.
const MOST: usize = 20_000;

struct Kept {
    at: Timestamp,
    account: Option<RegisteredAccount>,
}

/// Answers by session and number.
#[derive(Default)]
pub(crate) struct Checked(Mutex<HashMap<(SessionId, PhoneNumber), Kept>>);

impl Checked {
    /// Those of the numbers there is no good answer for, each once.
    pub(super) fn missing(
        &self,
        session: SessionId,
        numbers: &[PhoneNumber],
        now: Timestamp,
    ) -> Vec<PhoneNumber> {
        let kept = self.kept();
        let mut missing = Vec::new();
        for number in numbers {
            let good = kept
                .get(&(session, number.clone()))
                .is_some_and(|kept| now.since(kept.at) < KEPT);
            if !good && !missing.contains(number) {
                missing.push(number.clone());
            }
        }
        missing
    }

    /// Keeps what the network has answered.
    pub(super) fn keep(&self, session: SessionId, answers: Vec<Registration>, now: Timestamp) {
        let mut kept = self.kept();
        if kept.len() + answers.len() > MOST {
            kept.retain(|_, kept| now.since(kept.at) < KEPT);
        }
        if kept.len() + answers.len() > MOST {
            kept.clear();
        }
        for Registration { number, account } in answers {
            kept.insert((session, number), Kept { at: now, account });
        }
    }

    /// The answers for these numbers; one the network did not answer for has no account.
    pub(super) fn of(&self, session: SessionId, numbers: Vec<PhoneNumber>) -> Vec<Registration> {
        let kept = self.kept();
        let numbers = numbers.into_iter();
        numbers
            .map(|number| {
                let found = kept.get(&(session, number.clone()));
                let account = found.and_then(|kept| kept.account.clone());
                Registration { number, account }
            })
            .collect()
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<(SessionId, PhoneNumber), Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
