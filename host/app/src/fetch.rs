//! The one guarded HTTP client: for media by URL, and for whatever else asks for URLs that
//! somebody else chose.
//!
//! A [`FetchUrl`] is checked by its form; then every address its host resolves to is checked, and
//! the connection goes to an address that was. Redirects are followed here, hop by hop, each
//! checked like the first. Answers are counted and timed while they come in. Nothing is
//! decompressed, no cookie kept, no proxy used, and nothing of the environment read.
//!
//! Invariant: no byte is sent to an address that is not public, unless `outbound_allow` names it.

mod address;
mod body;
mod error;
mod outbound;
mod resolve;
pub mod tls;
mod url;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST,
    HeaderName, LOCATION, RANGE, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{HeaderMap, Method, StatusCode};
use reqwest::Client;
use tokio::time::{Instant, timeout_at};

pub use body::FetchStream;
pub use error::{FetchError, TimeLimit};
pub use outbound::{BadOutbound, Outbound};
pub use tls::{Roots, TlsError};
pub use url::FetchUrl;

use resolve::{Checked, Lookup, Refused, Resolver};

/// Longest wait for a connection: finding the host, reaching it and agreeing on TLS.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection is kept for the next request to the same host.
const IDLE: Duration = Duration::from_secs(15);
const IDLE_PER_HOST: usize = 4;
/// What this host calls itself.
const AGENT: &str = concat!("Warbler/", env!("CARGO_PKG_VERSION"));

/// Headers that concern one connection, which are not a caller's to set.
const CONNECTION_HEADERS: [HeaderName; 8] = [
    HOST,
    CONNECTION,
    CONTENT_LENGTH,
    TRANSFER_ENCODING,
    TE,
    TRAILER,
    UPGRADE,
    ACCEPT_ENCODING,
];
/// Headers that may follow a redirect to another origin; all others may carry secrets.
const HARMLESS_HEADERS: [HeaderName; 5] =
    [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, RANGE, USER_AGENT];

/// What one exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// Largest body of the answer, in bytes.
    pub max_bytes: u64,
    /// Longest exchange, redirects included.
    pub whole: Duration,
    /// Slowest answer.
    pub pace: Pace,
    /// Most redirects that are followed; with 0 a redirect is an answer like any other.
    pub redirects: u8,
}

/// How much must come, in each stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Fewest bytes.
    pub bytes: u64,
    /// In this time.
    pub per: Duration,
}

impl FetchLimits {
    /// Most redirects that are followed by default.
    pub const REDIRECTS: u8 = 5;

    /// At most `max_bytes` in `whole`, at least 16 KiB every 10 s, five redirects.
    pub fn new(max_bytes: u64, whole: Duration) -> Self {
        Self {
            max_bytes,
            whole,
            pace: Pace {
                bytes: 16 * 1024,
                per: Duration::from_secs(10),
            },
            redirects: Self::REDIRECTS,
        }
    }
}

/// A request to make.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: FetchUrl,
    /// Its headers. Those that concern the connection are left out.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// What it may take.
    pub limits: FetchLimits,
}

impl FetchRequest {
    /// `GET url`.
    pub fn get(url: FetchUrl, limits: FetchLimits) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            limits,
        }
    }
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct FetchAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as it was sent.
    pub body: Bytes,
}

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be made: {0}")]
pub struct FetcherError(String);

/// The guarded HTTP client. Clones are handles to the same one.
#[derive(Clone)]
pub struct Fetcher {
    client: Client,
    outbound: Arc<Outbound>,
}

impl Fetcher {
    /// A client that reaches the public internet, and besides what `outbound` allows.
    ///
    /// # Errors
    /// When the system's trusted roots cannot be read.
    pub fn new(outbound: Outbound) -> Result<Self, FetcherError> {
        Self::trusting(outbound, &Roots::System)
    }

    /// The same, trusting whom `roots` say.
    ///
    /// # Errors
    /// When the roots cannot be read.
    pub fn trusting(outbound: Outbound, roots: &Roots) -> Result<Self, FetcherError> {
        Self::looking_up(outbound, roots, Lookup::System)
    }

    fn looking_up(outbound: Outbound, roots: &Roots, lookup: Lookup) -> Result<Self, FetcherError> {
        let failed = |err: &dyn std::error::Error| FetcherError(err.to_string());
        let outbound = Arc::new(outbound);
        let resolver = Resolver(Checked::new(Arc::clone(&outbound), lookup));
        let tls = tls::client_config(roots).map_err(|err| failed(&err))?;
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(resolver)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(AGENT)
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .build()
            .map_err(|err| failed(&err))?;
        Ok(Self { client, outbound })
    }

    /// Makes a request and reads the whole answer.
    ///
    /// # Errors
    /// See [`FetchError`]. A status that is no success is none of them.
    pub async fn fetch(&self, request: FetchRequest) -> Result<FetchAnswer, FetchError> {
        self.open(request).await?.whole().await
    }

    /// Makes a request, follows its redirects and reads the head of the last answer.
    ///
    /// # Errors
    /// See [`FetchError`]. A status that is no success is none of them.
    pub async fn open(&self, mut request: FetchRequest) -> Result<FetchStream, FetchError> {
        let limits = request.limits;
        let deadline = Instant::now() + limits.whole;
        for name in CONNECTION_HEADERS {
            request.headers.remove(name);
        }
        let mut followed = 0;
        loop {
            let response = self.exchange(&request, deadline).await?;
            let Some(location) = redirect(&response, limits.redirects) else {
                return FetchStream::new(request.url, response, limits, deadline);
            };
            if followed >= limits.redirects {
                return Err(FetchError::TooManyRedirects {
                    host: request.url.host().to_owned(),
                    max: limits.redirects,
                });
            }
            followed += 1;
            let next = request.url.join(&location)?;
            request = follow(request, response.status(), next);
        }
    }

    async fn exchange(
        &self,
        request: &FetchRequest,
        deadline: Instant,
    ) -> Result<reqwest::Response, FetchError> {
        let url = &request.url;
        // The resolver is asked for names only.
        if let Some(address) = url.address()
            && let Some(what) = self.outbound.refusal(url.host(), address)
        {
            return Err(not_allowed(url, address, what));
        }
        let sending = self
            .client
            .request(request.method.clone(), url.clone().into_inner())
            .headers(request.headers.clone())
            .body(request.body.clone())
            .send();
        match timeout_at(deadline, sending).await {
            Ok(answered) => answered.map_err(|err| failure(url, &err)),
            Err(_) => Err(FetchError::Timeout {
                host: url.host().to_owned(),
                limit: TimeLimit::Whole(request.limits.whole),
            }),
        }
    }
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetcher")
            .field("outbound", &self.outbound)
            .finish_non_exhaustive()
    }
}

/// Where an answer redirects to, if it does and redirects are followed at all.
fn redirect(response: &reqwest::Response, allowed: u8) -> Option<String> {
    let follows = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    if allowed == 0 || !follows {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
}

/// The request that a redirect makes of `request`: without a body where the status says so, and
/// without anything secret at another origin.
fn follow(mut request: FetchRequest, status: StatusCode, next: FetchUrl) -> FetchRequest {
    let keeps_method = match status.as_u16() {
        307 | 308 => true,
        303 => request.method == Method::HEAD,
        _ => request.method != Method::POST,
    };
    if !keeps_method {
        request.method = Method::GET;
        request.body = Bytes::new();
        request.headers.remove(CONTENT_TYPE);
    }
    if !request.url.same_origin(&next) {
        let mut kept = HeaderMap::new();
        for name in HARMLESS_HEADERS {
            if let Some(value) = request.headers.remove(&name) {
                kept.insert(name, value);
            }
        }
        request.headers = kept;
    }
    request.url = next;
    request
}

fn not_allowed(url: &FetchUrl, address: std::net::IpAddr, what: &'static str) -> FetchError {
    FetchError::NotAllowed {
        host: url.host().to_owned(),
        address,
        what,
    }
}

/// What an error of the client means. Its own text may hold the URL, so only causes are told.
fn failure(url: &FetchUrl, err: &reqwest::Error) -> FetchError {
    let host = url.host().to_owned();
    let mut innermost: &dyn std::error::Error = err;
    while let Some(cause) = innermost.source() {
        if let Some(Refused { address, what }) = cause.downcast_ref() {
            return not_allowed(url, *address, what);
        }
        innermost = cause;
    }
    if err.is_timeout() {
        let limit = TimeLimit::Connect(CONNECT);
        return FetchError::Timeout { host, limit };
    }
    let reason = if innermost.is::<reqwest::Error>() {
        "the exchange failed".to_owned()
    } else {
        innermost.to_string().chars().take(200).collect()
    };
    FetchError::Unreachable { host, reason }
}
