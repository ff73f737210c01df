//! Figures of the host: events, sessions, the outbox, the database's writer, requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use warbler_app::figures::HostFigures;

use super::exposition::Exposition;

pub(super) fn write(text: &mut Exposition, figures: &HostFigures) {
    let name = "warbler_events_done_total";
    text.counter(
        name,
        "Events that went through the extensions since the start.",
    );
    for (kind, done) in &figures.done {
        text.value(name, &[("kind", kind), ("result", "well")], done.well);
        let labels = [("kind", kind.as_str()), ("result", "with_faults")];
        text.value(name, &labels, done.with_faults);
    }
    let depths = &figures.depths;
    let name = "warbler_events_waiting";
    text.gauge(name, "Events that are stored and not done.");
    text.value(name, &[], depths.events);
    let name = "warbler_outbox_messages";
    text.gauge(name, "Messages on their way out, for later, and given up.");
    text.value(name, &[("state", "live")], depths.outbox);
    text.value(name, &[("state", "scheduled")], depths.scheduled);
    text.value(name, &[("state", "dead")], depths.dead);
    let name = "warbler_sessions";
    text.gauge(name, "Sessions by where they stand.");
    for (state, count) in &figures.sessions {
        text.value(name, &[("state", state)], *count);
    }
    let name = "warbler_store_waiting_writes";
    text.gauge(name, "Jobs that wait for the writer of the database.");
    text.value(name, &[], figures.waiting_writes);
}

/// Requests that were answered since the start. Clones count together.
#[derive(Clone, Default)]
pub(crate) struct Requests(Arc<Mutex<BTreeMap<Key, Answered>>>);

/// Method, route and status: as many as the table of routes has.
type Key = (String, String, u16);

#[derive(Default)]
struct Answered {
    count: u64,
    micros: u64,
}

/// Most combinations that are told apart.
const MAX_KEYS: usize = 4096;

impl Requests {
    /// A request was answered.
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        // Unknown methods are the client's to invent.
        let method = match method {
            "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => method,
            _ => "other",
        };
        let mut all = self.lock();
        let key = (method.to_owned(), route.to_owned(), status);
        if all.len() >= MAX_KEYS && !all.contains_key(&key) {
            return;
        }
        let answered = all.entry(key).or_default();
        answered.count += 1;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        answered.micros = answered.micros.saturating_add(micros);
    }

    pub(super) fn write(&self, text: &mut Exposition) {
        let all = self.lock();
        let name = "warbler_http_requests_total";
        text.counter(name, "Requests that were answered.");
        for ((method, route, status), answered) in all.iter() {
            let status = status.to_string();
            let labels = [
                ("method", method.as_str()),
                ("route", route),
                ("status", &status),
            ];
            text.value(name, &labels, answered.count);
        }
        let name = "warbler_http_request_seconds_total";
        text.counter(name, "Time until requests were answered, all together.");
        for ((method, route, status), answered) in all.iter() {
            let status = status.to_string();
            let labels = [
                ("method", method.as_str()),
                ("route", route),
                ("status", &status),
            ];
            text.seconds(name, &labels, answered.micros);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Answered>> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
