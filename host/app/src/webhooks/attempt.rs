//! One attempt to tell one event to one webhook.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use warbler_domain::webhook::{Attempt, Delivery, DeliveryState};
use warbler_domain::{DeliveryId, ExtensionName, Refusal, Timestamp, Webhook};
use warbler_store::events::Stored;
use warbler_store::kv::KvWrite;
use warbler_store::webhooks::{Claimed, Outcome, StoredPayload};

use super::change::OWN_HEADERS;
use super::{Told, sign};
use crate::core::Shared;
use crate::fetch::{FetchError, FetchLimits, FetchRequest, FetchUrl, Pace};
use crate::hook::{KvReader, Payload, TransformCall};

/// The longest a receiver can ask to be left alone.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
/// How much of an answer is read, so that the connection can be used again.
const READ: usize = 64 * 1024;
/// Names the kind of the event.
const KIND: HeaderName = HeaderName::from_static("x-warbler-event");

/// What an attempt came to.
pub(super) struct Ended {
    /// What is stored of it.
    pub(super) outcome: Outcome,
    /// Whether it arrived; nothing when nothing was sent.
    pub(super) arrived: Option<bool>,
    /// Whether the receiver says that it is gone for good.
    pub(super) gone: bool,
    /// When the receiver wants to be asked again.
    pub(super) after: Option<Duration>,
    /// What extensions wrote to their kv.
    pub(super) kv: Vec<(ExtensionName, Vec<KvWrite>)>,
}

/// What a receiver answered.
pub(super) struct Answer {
    pub(super) status: u16,
    excerpt: Option<String>,
    after: Option<Duration>,
}

/// Makes one attempt at a delivery; `event` is what it tells, if that is still there.
pub(super) async fn make(
    shared: &Shared,
    webhook: &Webhook,
    claimed: Claimed,
    event: Option<Stored>,
) -> Ended {
    let now = shared.clock.now();
    let began = Instant::now();
    let mut kv = Vec::new();
    let delivery = claimed.delivery.clone();
    let payload = match (claimed.payload, event) {
        (Some(payload), _) => Ok(payload),
        (None, Some(event)) => prepare(shared, webhook, &delivery, &event, &mut kv).await,
        (None, None) => Err(Nothing::EventGone),
    };
    let mut attempt = Attempt {
        at: now,
        took_ms: 0,
        status: None,
        excerpt: None,
        error: None,
        message: None,
    };
    let (mut arrived, mut gone, mut after) = (None, false, None);
    let (state, payload) = match payload {
        Err(nothing) => {
            (attempt.error, attempt.message) = nothing.words();
            (nothing.state(), None)
        }
        Ok(payload) => {
            let sent = send(shared, webhook, delivery.id, &delivery.kind, &payload, now).await;
            match sent {
                Ok(answer) => {
                    let success = answer.is_success();
                    (attempt.status, attempt.excerpt) = (Some(answer.status), answer.excerpt);
                    (arrived, gone) = (Some(success), answer.status == 410);
                    after = answer.after.filter(|_| !success);
                    if !success {
                        attempt.error = Some("receiver_status".to_owned());
                    }
                }
                Err(err) => {
                    arrived = Some(false);
                    (attempt.error, attempt.message) =
                        (Some(err.code().to_owned()), Some(err.to_string()));
                }
            }
            match arrived {
                Some(true) => (DeliveryState::Delivered, None),
                _ => (DeliveryState::Waiting, Some(payload)),
            }
        }
    };
    attempt.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ended {
        outcome: outcome(
            shared,
            claimed.seq,
            &delivery,
            attempt,
            state,
            payload,
            after,
        ),
        arrived,
        gone,
        after,
        kv,
    }
}

/// What is stored: one that did not arrive waits for its next turn, or is given up.
fn outcome(
    shared: &Shared,
    seq: i64,
    delivery: &Delivery,
    attempt: Attempt,
    state: DeliveryState,
    payload: Option<StoredPayload>,
    after: Option<Duration>,
) -> Outcome {
    let now = shared.clock.now();
    let settings = &shared.settings.webhooks;
    let attempts = delivery.attempts.saturating_add(1);
    let pause = shared.random.jitter(settings.pause_after(attempts), 0.2);
    let pause = pause.max(after.unwrap_or_default());
    let over = now.since(delivery.created_at) + pause > settings.tried_for;
    let mut tries = delivery.tries.clone();
    tries.push(attempt);
    tries.drain(..tries.len().saturating_sub(Delivery::KEPT_ATTEMPTS));
    Outcome {
        seq,
        state: match state {
            DeliveryState::Waiting if over => DeliveryState::Dead,
            state => state,
        },
        due_at: match state {
            DeliveryState::Waiting => now.plus(pause),
            _ => now,
        },
        attempts,
        tries,
        payload,
    }
}

/// Why nothing is sent.
enum Nothing {
    /// The event is forgotten, or its session is.
    EventGone,
    /// The webhook's form has no words for it.
    NoWords,
    /// An extension did not want it.
    Dropped(ExtensionName),
}

impl Nothing {
    fn state(&self) -> DeliveryState {
        match self {
            Self::EventGone => DeliveryState::Dead,
            Self::NoWords | Self::Dropped(_) => DeliveryState::Dropped,
        }
    }

    fn words(&self) -> (Option<String>, Option<String>) {
        let (code, message) = match self {
            Self::EventGone => ("event_gone", "the event is not stored any more".to_owned()),
            Self::NoWords => ("no_words", "its form has no words for this kind".to_owned()),
            Self::Dropped(by) => ("dropped", format!("{by} wanted it not to be sent")),
        };
        (Some(code.to_owned()), Some(message))
    }
}

/// What is to be sent: the event in the webhook's form, as the extensions shape it. One that fails
/// changes nothing.
async fn prepare(
    shared: &Shared,
    webhook: &Webhook,
    delivery: &Delivery,
    event: &Stored,
    kv: &mut Vec<(ExtensionName, Vec<KvWrite>)>,
) -> Result<StoredPayload, Nothing> {
    let session = delivery.session;
    let Some((session_name, account)) = shared.directory.identity(session) else {
        return Err(Nothing::EventGone);
    };
    let offers = shared.directory.offers(session);
    let qr = offers.and_then(|offers| offers.borrow().clone());
    let marks = match shared.forms.counts(&webhook.form) {
        true => {
            let reading = shared.store.read(move |db| db.session_marks().of(session));
            let marks: Result<_, warbler_store::Error> = reading.await;
            Some(marks.ok().flatten().ok_or(Nothing::EventGone)?)
        }
        false => None,
    };
    let told = Told {
        event,
        session_name: &session_name,
        marks: marks.as_ref(),
        account: account.as_ref(),
        qr: qr.as_ref().map(|qr| qr.text.as_str()),
        webhook,
    };
    let mut payload = shared.forms.tell(&told).ok_or(Nothing::NoWords)?;
    for hook in shared.extensions.webhooks().iter() {
        let now = shared.clock.now();
        // An address that cannot be sent to is told when it is tried.
        let url = address(webhook, payload.path.as_ref());
        let url = url.map_or_else(|_| webhook.url.clone(), |url| url.as_str().to_owned());
        let call = TransformCall {
            id: delivery.id.to_string(),
            kind: event.event.kind(),
            session,
            session_name: session_name.clone(),
            url,
            payload: payload.clone(),
            body: about(webhook, delivery),
            now,
            kv: KvReader::new(shared.store.clone(), hook.name().clone(), now),
        };
        let made = hook.transform(call).await;
        match made.result {
            Ok(shaped) => {
                if !made.kv_writes.is_empty() {
                    kv.push((hook.name().clone(), made.kv_writes));
                }
                let Some(shaped) = shaped else {
                    return Err(Nothing::Dropped(hook.name().clone()));
                };
                let before = std::mem::replace(&mut payload, shaped);
                let added = std::mem::replace(&mut payload.headers, before.headers);
                payload.headers.extend(added);
            }
            Err(mut fault) => {
                fault.event = Some(delivery.event);
                tracing::warn!(extension = %hook.name(), event.id = %delivery.event, code = fault.code, "An extension failed at a delivery");
                shared.extensions.note_fault(hook.name(), &fault);
            }
        }
    }
    Ok(stored(payload))
}

/// What else an extension is told about a delivery.
fn about(webhook: &Webhook, delivery: &Delivery) -> String {
    serde_json::json!({
        "webhook": webhook.id,
        "event": delivery.event,
        "form": webhook.form,
        "attempt": delivery.attempts.saturating_add(1),
    })
    .to_string()
}

fn stored(payload: Payload) -> StoredPayload {
    StoredPayload {
        method: (payload.method != Method::POST).then(|| payload.method.to_string()),
        path: payload.path.map(|path| path.to_string()),
        content_type: payload.content_type,
        headers: payload.headers,
        bytes: payload.bytes.to_vec(),
    }
}

/// Where a payload goes: to the webhook's own address, or to another path of its server.
fn address(webhook: &Webhook, path: Option<&PathAndQuery>) -> Result<FetchUrl, FetchError> {
    let url: FetchUrl = webhook.url.parse()?;
    path.map_or(Ok(url.clone()), |path| url.at(path))
}

/// Sends a payload, signed, and reads the beginning of the answer. A redirect is an answer like any
/// other.
pub(super) async fn send(
    shared: &Shared,
    webhook: &Webhook,
    id: DeliveryId,
    kind: &str,
    payload: &StoredPayload,
    now: Timestamp,
) -> Result<Answer, FetchError> {
    let path = payload.path.as_deref().and_then(|path| path.parse().ok());
    let url = address(webhook, path.as_ref())?;
    let method = payload.method.as_deref();
    let method = method.and_then(|method| method.parse().ok());
    let mut headers = HeaderMap::new();
    let own = webhook.headers.iter();
    let own = own.map(|(name, value)| (name.as_str(), value.expose()));
    let added = payload.headers.iter();
    for (name, value) in own.chain(added.map(|(name, value)| (name.as_str(), value.as_str()))) {
        let name: Result<HeaderName, _> = name.parse();
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value))
            && !OWN_HEADERS.contains(&name.as_str())
        {
            headers.insert(name, value);
        }
    }
    for (name, value) in [(CONTENT_TYPE, payload.content_type.as_str()), (KIND, kind)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    sign::sign(&mut headers, &webhook.secret, id, now, &payload.bytes);
    if webhook.form != Webhook::NATIVE {
        sign::sign_plainly(&mut headers, &webhook.secret, id, &payload.bytes);
    }
    let request = FetchRequest {
        method: method.unwrap_or(Method::POST),
        url,
        headers,
        body: Bytes::copy_from_slice(&payload.bytes),
        limits: FetchLimits {
            // What a receiver says beyond the beginning does not matter.
            max_bytes: u64::MAX,
            whole: shared.settings.webhooks.answer_within,
            pace: Pace {
                bytes: 1,
                per: shared.settings.webhooks.answer_within,
            },
            redirects: 0,
        },
    };
    let mut answer = shared.fetcher.open(request).await?;
    let status = answer.status().as_u16();
    let after = answer.headers().get(RETRY_AFTER);
    let after = after.and_then(|after| seconds(after, now));
    let mut beginning = BytesMut::new();
    let mut read = 0;
    // Once the status is there, nothing about the rest changes what became of the delivery.
    while let Ok(Some(bytes)) = answer.next().await {
        let room = Delivery::EXCERPT.saturating_sub(beginning.len());
        beginning.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or_default());
        read += bytes.len();
        if read > READ {
            break;
        }
    }
    let excerpt = String::from_utf8_lossy(&beginning).into_owned();
    Ok(Answer {
        status,
        excerpt: Some(excerpt).filter(|excerpt| !excerpt.is_empty()),
        after,
    })
}

impl Answer {
    /// Whether the receiver has taken it.
    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The answer as an attempt that began at `at`.
    pub(super) fn into_attempt(self, at: Timestamp, took_ms: u64) -> Attempt {
        let success = self.is_success();
        Attempt {
            at,
            took_ms,
            status: Some(self.status),
            excerpt: self.excerpt,
            error: (!success).then(|| "receiver_status".to_owned()),
            message: None,
        }
    }
}

/// How long a `Retry-After` asks to wait, a day at most: seconds, or a date.
fn seconds(value: &HeaderValue, now: Timestamp) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let parser = jiff::fmt::rfc2822::DateTimeParser::new();
            // RFC 9110 writes GMT, which RFC 2822 calls obsolete and this parser knows.
            let at = parser.parse_timestamp(text).ok()?;
            Timestamp::from_millis(at.as_millisecond()).since(now)
        }
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_says_when_to_come_again_in_seconds_or_by_a_date() {
        let now = Timestamp::from_millis(1_445_412_480_000);
        let wait = |text: &'static str| seconds(&HeaderValue::from_static(text), now);
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(
            wait("Wed, 21 Oct 2015 07:29:00 GMT"),
            Some(Duration::from_secs(60))
        );
        assert_eq!(wait("9999999"), Some(LONGEST_WAIT));
        assert_eq!(wait("soon"), None);
    }
}
