//! An answer as it comes in: counted, timed, and given up when it is too much or too slow.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use reqwest::Response;
use tokio::time::{Instant, timeout_at};

use super::{FetchAnswer, FetchError, FetchLimits, FetchUrl, TimeLimit, failure};

/// The head of an answer, and its body still to come.
#[derive(Debug)]
pub struct FetchStream {
    url: FetchUrl,
    response: Response,
    limits: FetchLimits,
    deadline: Instant,
    taken: u64,
    window: Window,
}

/// What came in the current stretch of time.
#[derive(Debug)]
struct Window {
    ends: Instant,
    bytes: u64,
}

impl FetchStream {
    pub(super) fn new(
        url: FetchUrl,
        response: Response,
        limits: FetchLimits,
        deadline: Instant,
    ) -> Result<Self, FetchError> {
        let stream = Self {
            url,
            response,
            limits,
            deadline,
            taken: 0,
            window: Window {
                ends: Instant::now() + limits.pace.per,
                bytes: 0,
            },
        };
        // What a server announces is not believed, but it is enough to refuse by.
        match stream.response.content_length() {
            Some(announced) if announced > limits.max_bytes => Err(stream.too_large()),
            _ => Ok(stream),
        }
    }

    /// Where the answer came from, after all redirects.
    pub fn url(&self) -> &FetchUrl {
        &self.url
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The same, if its status is a success.
    ///
    /// # Errors
    /// [`FetchError::Status`] if not.
    pub fn success(self) -> Result<Self, FetchError> {
        if self.status().is_success() {
            return Ok(self);
        }
        Err(FetchError::Status {
            host: self.url.host().to_owned(),
            status: self.status().as_u16(),
        })
    }

    /// The next piece of the body; nothing at its end.
    ///
    /// # Errors
    /// When it is larger, slower or longer under way than the limits allow, or breaks off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let limit = self.deadline.min(self.window.ends);
            match timeout_at(limit, self.response.chunk()).await {
                Err(_) => self.judge()?,
                Ok(Err(err)) => return Err(failure(&self.url, &err)),
                Ok(Ok(None)) => return Ok(None),
                Ok(Ok(Some(bytes))) => {
                    self.count(bytes.len() as u64)?;
                    return Ok(Some(bytes));
                }
            }
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub async fn whole(mut self) -> Result<FetchAnswer, FetchError> {
        let mut body = BytesMut::new();
        while let Some(bytes) = self.next().await? {
            body.extend_from_slice(&bytes);
        }
        Ok(FetchAnswer {
            status: self.status(),
            headers: self.headers().clone(),
            body: body.freeze(),
        })
    }

    fn count(&mut self, size: u64) -> Result<(), FetchError> {
        self.taken = self.taken.saturating_add(size);
        self.window.bytes = self.window.bytes.saturating_add(size);
        if self.taken > self.limits.max_bytes {
            return Err(self.too_large());
        }
        self.judge()
    }

    /// Whether the answer is still in time, and, at the end of a stretch, brought enough in it.
    fn judge(&mut self) -> Result<(), FetchError> {
        let now = Instant::now();
        if now >= self.deadline {
            return Err(self.too_slow(TimeLimit::Whole(self.limits.whole)));
        }
        if now >= self.window.ends {
            let pace = self.limits.pace;
            if self.window.bytes < pace.bytes {
                return Err(self.too_slow(TimeLimit::Pace(pace)));
            }
            self.window = Window {
                ends: now + pace.per,
                bytes: 0,
            };
        }
        Ok(())
    }

    fn too_large(&self) -> FetchError {
        FetchError::TooLarge {
            host: self.url.host().to_owned(),
            max: self.limits.max_bytes,
        }
    }

    fn too_slow(&self, limit: TimeLimit) -> FetchError {
        FetchError::Timeout {
            host: self.url.host().to_owned(),
            limit,
        }
    }
}
