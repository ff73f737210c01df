//! Requests to the outside: one choke point, through the host's guarded client.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use warbler_app::fetch::{FetchError, FetchLimits, FetchRequest, FetchUrl};
use warbler_domain::Refusal as _;

use super::{Denied, Effects};

/// How often a call that may wait for others is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Most headers of one request.
const MAX_HEADERS: usize = 64;
/// Largest name and value of one header, in bytes.
const MAX_HEADER: usize = 8 * 1024;

/// A request, as a guest words it.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Time that a call spends waiting for others, which is not its own.
#[derive(Default)]
pub(crate) struct Patience {
    /// Microseconds; while a request is under way all that it may take.
    micros: AtomicU64,
}

impl Patience {
    /// How much later the call's time is over.
    fn granted(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Acquire))
    }

    /// Waits for a call that has `wall` of its own, and so much longer as it waits for others; nothing
    /// when its time is over.
    pub(crate) async fn wait<T>(&self, wall: Duration, run: impl Future<Output = T>) -> Option<T> {
        let own = Instant::now() + wall;
        let mut run = std::pin::pin!(run);
        loop {
            // What is lent is given back early when an answer comes early.
            let look = (own + self.granted()).min(Instant::now() + LOOK);
            if let Ok(done) = timeout_at(look, &mut run).await {
                return Some(done);
            }
            if Instant::now() >= own + self.granted() {
                return None;
            }
        }
    }

    fn lend(&self, most: Duration) {
        self.micros.fetch_add(micros(most), Ordering::AcqRel);
    }

    fn settle(&self, most: Duration, used: Duration) {
        let unused = micros(most).saturating_sub(micros(used));
        self.micros.fetch_sub(unused, Ordering::AcqRel);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX / 16)
}

impl Effects {
    /// Makes a request, if its origin is granted, and waits for the answer.
    pub(crate) async fn fetch(&mut self, request: Request) -> Result<Answer, Denied> {
        let limits = &self.services.limits;
        if self.fetches >= limits.fetches {
            let message = format!(
                "more than {} requests in one call; leave the rest to a timer",
                limits.fetches
            );
            return Denied::halted("too-many-fetches", message);
        }
        self.fetches = self.fetches.saturating_add(1);
        let url: FetchUrl = request
            .url
            .parse()
            .map_err(|bad: FetchError| Denied::refusal("bad-url", bad.public_message()))?;
        let granted = &self.profile.grants.http;
        let admits = granted
            .iter()
            .any(|origin| origin.admits(url.is_secure(), url.host(), url.port()));
        if let (Some(rehearsal), true) = (self.rehearsal(), admits) {
            let limits = FetchLimits::new(limits.fetch_bytes, limits.fetch_time);
            let max_body = self.services.limits.fetch_body;
            return rehearsal.answer(&worded(request, url, limits, max_body)?);
        }
        let (Some(fetcher), Some(patience), true) =
            (&self.services.fetcher, &self.patience, admits)
        else {
            return Err(self.no_http(&url));
        };
        let whole = limits.fetch_time;
        let limits = FetchLimits {
            redirects: 0,
            ..FetchLimits::new(limits.fetch_bytes, whole)
        };
        let wanted = worded(request, url, limits, self.services.limits.fetch_body)?;
        patience.lend(whole);
        let began = Instant::now();
        let answered = fetcher.fetch(wanted).await;
        patience.settle(whole, began.elapsed());
        let answer = answered.map_err(|error| refusal(&error))?;
        let headers = answer.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        Ok(Answer {
            status: answer.status.as_u16(),
            headers: headers.collect(),
            body: answer.body.to_vec(),
        })
    }

    fn no_http(&self, url: &FetchUrl) -> Denied {
        let scheme = if url.is_secure() { "https" } else { "http" };
        let usual = if url.is_secure() { 443 } else { 80 };
        let port = match url.port() {
            port if port == usual => String::new(),
            port => format!(":{port}"),
        };
        let origin = format!("{scheme}://{}{port}", url.host());
        let how = self.how_to_grant(&format!("http = [\"{origin}\"]"));
        let message = format!("requests to {origin} are not granted; {how}");
        Denied::refusal("not-granted", message)
    }
}

fn worded(
    request: Request,
    url: FetchUrl,
    limits: FetchLimits,
    max_body: usize,
) -> Result<FetchRequest, Denied> {
    let bad = |message: String| Denied::refusal("bad-request", message);
    if request.body.len() > max_body {
        return Err(bad(format!("a body has at most {max_body} bytes")));
    }
    if request.headers.len() > MAX_HEADERS {
        return Err(bad(format!("a request has at most {MAX_HEADERS} headers")));
    }
    let mut worded = FetchRequest::get(url, limits);
    worded.method = http::Method::from_bytes(request.method.as_bytes())
        .map_err(|_| bad("the method is not one".to_owned()))?;
    for (name, value) in request.headers {
        if name.len() + value.len() > MAX_HEADER {
            return Err(bad(format!("a header has at most {MAX_HEADER} bytes")));
        }
        let name = http::HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| bad("a header's name is not one".to_owned()))?;
        let value = http::HeaderValue::from_str(&value)
            .map_err(|_| bad(format!("the value of `{name}` cannot be sent")))?;
        worded.headers.append(name, value);
    }
    worded.body = request.body.into();
    Ok(worded)
}

fn refusal(error: &FetchError) -> Denied {
    let code = match error {
        FetchError::Invalid(_) | FetchError::Scheme(_) | FetchError::Credentials => "bad-url",
        FetchError::NotAllowed { .. } => "not-public",
        FetchError::Timeout { .. } => "timeout",
        FetchError::TooLarge { .. } => "too-large",
        FetchError::Unreachable { .. }
        | FetchError::Status { .. }
        | FetchError::TooManyRedirects { .. }
        | FetchError::BadRedirect { .. }
        | FetchError::InsecureRedirect { .. } => "unreachable",
    };
    Denied::refusal(code, error.public_message())
}
