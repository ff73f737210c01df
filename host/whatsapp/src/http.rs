//! HTTP for the engine: media up and down, and the look-up of the current web version.
//!
//! With a media base configured (the simulated network) every request goes there, whatever host
//! the engine wrote, and what is no media path is refused: nothing leaves the machine. Without
//! one only `https` is spoken. A status that is no success is an answer, not an error; the engine
//! decides what it means. Bodies, times and redirects are bounded.

use std::io::{self, Read as _};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf as _, Bytes};
use futures_util::stream;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue, Method, Uri};
use reqwest::{Body, Client, RequestBuilder, Url};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use wacore::net::{HttpClient, HttpRequest, HttpResponse, StreamingHttpResponse, UploadBody};
use warbler_domain::proxy::{Proxy, ProxyKind};
use whatsapp_rust::anyhow;

/// Largest body taken from a server: WhatsApp's largest document, and what encryption adds.
const MAX_BODY: usize = 100 * 1024 * 1024 + 1024;
const CONNECT: Duration = Duration::from_secs(10);
/// Longest silence within an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// How much of a body that is sent as it is read is read at once, in bytes.
const PIECE: usize = 64 * 1024;
/// Pieces that are read ahead.
const AHEAD: usize = 2;
/// Longest exchange.
const EXCHANGE: Duration = Duration::from_secs(300);

/// Why a request was not made, or its answer not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    #[error("`{0}` is no address for a request")]
    BadAddress(String),
    #[error("{0} is not reached without TLS")]
    PlainElsewhere(String),
    #[error("{0} is not part of the simulated network")]
    OffTheSimulatedNetwork(String),
    #[error("the method or a header of a request is malformed")]
    Malformed,
    #[error("the answer is larger than {MAX_BODY} bytes")]
    TooLarge,
    #[error("the request was cut off")]
    Cut,
    #[error("the request failed: {0}")]
    Failed(#[from] reqwest::Error),
}

/// The way through a proxy, which looks names up itself.
fn way(proxy: &Proxy) -> Result<reqwest::Proxy, String> {
    let url = proxy.expose();
    let url = match proxy.kind {
        ProxyKind::Http => url,
        ProxyKind::Socks5 => url.replacen("socks5://", "socks5h://", 1),
    };
    // What the error says may hold the password.
    reqwest::Proxy::all(url).map_err(|_| "the proxy's address cannot be used".to_owned())
}

/// The engine's HTTP client; one for all sessions without a proxy, and one for each with one.
pub(crate) struct Http {
    client: Client,
    media_base: Option<Url>,
}

impl Http {
    /// A client that sends media requests to `media_base`, where there is one.
    pub(crate) fn new(
        media_base: Option<&Uri>,
        tls: &rustls::ClientConfig,
        proxy: Option<&Proxy>,
    ) -> Result<Self, String> {
        let base = media_base
            .map(|uri| Url::parse(&uri.to_string()))
            .transpose();
        let builder = Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .no_proxy();
        let builder = match proxy {
            Some(proxy) => builder.proxy(way(proxy)?),
            None => builder,
        };
        let client = builder
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .read_timeout(SILENCE)
            .timeout(EXCHANGE)
            .pool_max_idle_per_host(4)
            .build();
        Ok(Self {
            client: client.map_err(|err| err.to_string())?,
            media_base: base.map_err(|err| err.to_string())?,
        })
    }

    /// Where a request really goes.
    fn destination(&self, asked: &str) -> Result<Url, HttpError> {
        let short = || asked.split('?').next().unwrap_or_default().to_owned();
        let mut url = Url::parse(asked).map_err(|_| HttpError::BadAddress(short()))?;
        let Some(base) = &self.media_base else {
            let secure = url.scheme() == "https";
            return if secure {
                Ok(url)
            } else {
                Err(HttpError::PlainElsewhere(short()))
            };
        };
        if !(url.path().starts_with("/mms/") || url.path().starts_with("/v/")) {
            return Err(HttpError::OffTheSimulatedNetwork(short()));
        }
        // The scheme of a web address can be changed, and both have hosts: neither can fail.
        let bad = |()| HttpError::BadAddress(short());
        url.set_scheme(base.scheme()).map_err(bad)?;
        url.set_host(base.host_str()).map_err(|_| bad(()))?;
        url.set_port(base.port()).map_err(bad)?;
        Ok(url)
    }

    /// A request without its body.
    fn prepared(&self, request: HttpRequest) -> Result<(RequestBuilder, Option<Bytes>), HttpError> {
        let url = self.destination(&request.url)?;
        let method: Method = request.method.parse().map_err(|_| HttpError::Malformed)?;
        let mut builder = self.client.request(method, url);
        for (name, value) in request.headers {
            let name: HeaderName = name.parse().map_err(|_| HttpError::Malformed)?;
            let value = HeaderValue::try_from(value).map_err(|_| HttpError::Malformed)?;
            builder = builder.header(name, value);
        }
        Ok((builder, request.body))
    }

    /// Sends a body as it is read. Blocks: the reader may read a disk, and encrypt.
    fn send_from(
        &self,
        request: HttpRequest,
        mut from: UploadBody,
        length: u64,
    ) -> Result<HttpResponse, HttpError> {
        let (builder, _) = self.prepared(request)?;
        let (pieces, ahead) = mpsc::channel::<io::Result<Bytes>>(AHEAD);
        let body = stream::unfold(ahead, async |mut ahead| {
            ahead.recv().await.map(|piece| (piece, ahead))
        });
        let builder = builder
            .header(CONTENT_LENGTH, length)
            .body(Body::wrap_stream(body));
        let runtime = Handle::current();
        let exchange = runtime.spawn(exchange(builder));
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let read = (&mut from).take(PIECE as u64).read_to_end(&mut piece);
            let piece = match read {
                Ok(0) => break,
                Ok(_) => Ok(piece.into()),
                Err(err) => Err(err),
            };
            let failed = piece.is_err();
            // A server that wants no more has answered, or hung up.
            if pieces.blocking_send(piece).is_err() || failed {
                break;
            }
        }
        drop(pieces);
        runtime.block_on(exchange).unwrap_or(Err(HttpError::Cut))
    }
}

/// A body as it comes. Blocks whoever reads it.
struct Coming {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl io::Read for Coming {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        (&mut self.piece).reader().read(buf)
    }
}

/// Sends a request, tells the status of its answer, and hands the body on as it comes.
async fn hand_on(
    request: RequestBuilder,
    status: oneshot::Sender<Result<u16, HttpError>>,
    pieces: mpsc::Sender<io::Result<Bytes>>,
) {
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(err) => {
            // Who has given up does not listen.
            drop(status.send(Err(err.without_url().into())));
            return;
        }
    };
    let told = match response.content_length() {
        Some(length) if length > MAX_BODY as u64 => Err(HttpError::TooLarge),
        _ => Ok(response.status().as_u16()),
    };
    let goes_on = told.is_ok();
    if status.send(told).is_err() || !goes_on {
        return;
    }
    let mut taken = 0;
    loop {
        let piece = match response.chunk().await {
            Ok(None) => return,
            Ok(Some(piece)) if taken + piece.len() <= MAX_BODY => Ok(piece),
            Ok(Some(_)) => Err(io::Error::other(HttpError::TooLarge)),
            Err(err) => Err(io::Error::other(HttpError::from(err.without_url()))),
        };
        taken += piece.as_ref().map_or(0, Bytes::len);
        let failed = piece.is_err();
        if pieces.send(piece).await.is_err() || failed {
            return;
        }
    }
}

/// Sends a request and takes the whole answer.
async fn exchange(request: RequestBuilder) -> Result<HttpResponse, HttpError> {
    let response = request.send().await;
    let mut response = response.map_err(reqwest::Error::without_url)?;
    let status_code = response.status().as_u16();
    let expected = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    if expected.is_some_and(|length| length > MAX_BODY) {
        return Err(HttpError::TooLarge);
    }
    let mut body = Vec::with_capacity(expected.unwrap_or(0));
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(reqwest::Error::without_url)?
    {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(HttpError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(HttpResponse { status_code, body })
}

#[async_trait]
impl HttpClient for Http {
    async fn execute(&self, request: HttpRequest) -> anyhow::Result<HttpResponse> {
        let (builder, body) = self.prepared(request)?;
        Ok(exchange(builder.body(body.unwrap_or_default())).await?)
    }

    fn supports_streaming(&self) -> bool {
        true
    }

    fn execute_streaming(&self, request: HttpRequest) -> anyhow::Result<StreamingHttpResponse> {
        let (builder, body) = self.prepared(request)?;
        let request = builder.body(body.unwrap_or_default());
        let (status, told) = oneshot::channel();
        let (sender, pieces) = mpsc::channel(AHEAD);
        let runtime = Handle::current();
        runtime.spawn(hand_on(request, status, sender));
        let status_code = told.blocking_recv().unwrap_or(Err(HttpError::Cut))?;
        let coming = Coming {
            pieces,
            piece: Bytes::new(),
        };
        Ok(StreamingHttpResponse {
            status_code,
            body: Box::new(coming),
        })
    }

    fn supports_upload_streaming(&self) -> bool {
        true
    }

    fn execute_upload(
        &self,
        request: HttpRequest,
        body: UploadBody,
        content_length: u64,
    ) -> anyhow::Result<HttpResponse> {
        Ok(self.send_from(request, body, content_length)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(base: Option<&'static str>, asked: &str) -> Result<String, String> {
        let base = base.map(Uri::from_static);
        let tls = warbler_app::fetch::tls::client_config(&Default::default());
        let http = Http::new(base.as_ref(), &tls.map_err(|err| err.to_string())?, None)?;
        let url = http.destination(asked).map_err(|err| err.to_string())?;
        Ok(url.to_string())
    }

    #[test]
    fn media_of_the_simulated_network_stay_on_it() {
        let base = Some("http://127.0.0.1:4711");
        assert_eq!(
            destination(base, "https://mmg.whatsapp.net/mms/image/abc?auth=1"),
            Ok("http://127.0.0.1:4711/mms/image/abc?auth=1".to_owned())
        );
        assert_eq!(
            destination(base, "https://mmg.whatsapp.net/v/t62/x?token=1"),
            Ok("http://127.0.0.1:4711/v/t62/x?token=1".to_owned())
        );
    }

    #[test]
    fn what_is_no_medium_never_leaves_the_simulated_network() {
        let refused = destination(
            Some("http://127.0.0.1:1"),
            "https://web.whatsapp.com/sw.js?x=1",
        );
        assert_eq!(
            refused,
            Err("https://web.whatsapp.com/sw.js is not part of the simulated network".to_owned())
        );
    }

    #[test]
    fn the_real_network_is_only_reached_by_tls() {
        assert!(destination(None, "https://mmg.whatsapp.net/v/x").is_ok());
        assert_eq!(
            destination(None, "http://mmg.whatsapp.net/v/x"),
            Err("http://mmg.whatsapp.net/v/x is not reached without TLS".to_owned())
        );
    }
}
