//! The engine's way to the network: our connection and our HTTP, in its types.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ::wa_rs_core::net::{
    HttpClient, HttpRequest, HttpResponse, Transport, TransportEvent, TransportFactory,
};
use async_trait::async_trait;
use bytes::Bytes;
use wacore::net::{DisconnectReason, HttpClient as _, HttpRequest as OurRequest};
use whatsapp_rust::{anyhow, async_channel};

use crate::http::Http;
use crate::transport::{Connection, Heard, Transports};

impl Heard for TransportEvent {
    fn data(bytes: Bytes) -> Self {
        Self::DataReceived(bytes)
    }

    fn over(_reason: DisconnectReason) -> Self {
        Self::Disconnected
    }
}

#[async_trait]
impl Transport for Connection {
    async fn send(&self, data: Vec<u8>) -> anyhow::Result<()> {
        Ok(self.write(data.into()).await?)
    }

    async fn disconnect(&self) {
        self.end().await;
    }
}

/// Where the engine asks for connections: those of the link that is open, if one is.
#[derive(Default)]
pub(super) struct Switch(Mutex<Option<Way>>);

/// How a link reaches the server and its media.
type Way = (Transports, Arc<Http>);

impl Switch {
    /// Gives out these connections from now on, or none.
    pub(super) fn set(&self, way: Option<Way>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = way;
    }

    fn now(&self) -> anyhow::Result<Way> {
        let way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        way.clone()
            .ok_or_else(|| anyhow::anyhow!("no link is open"))
    }
}

/// The engine's handle to a [`Switch`].
pub(super) struct Switched(pub(super) Arc<Switch>);

#[async_trait]
impl TransportFactory for Switched {
    async fn create_transport(
        &self,
    ) -> anyhow::Result<(Arc<dyn Transport>, async_channel::Receiver<TransportEvent>)> {
        let (transports, _) = self.0.now()?;
        let (connection, receiver) = transports.open().await?;
        Ok((Arc::new(connection), receiver))
    }
}

tokio::task_local! {
    /// The last status of an HTTP exchange in this task. The engine says that a download failed,
    /// and not why.
    pub(super) static ANSWERED: Arc<AtomicU16>;
}

/// Our HTTP, as the engine holds it.
pub(super) struct Fetch(pub(super) Arc<Switch>);

#[async_trait]
impl HttpClient for Fetch {
    async fn execute(&self, request: HttpRequest) -> anyhow::Result<HttpResponse> {
        let request = OurRequest {
            url: request.url,
            method: request.method,
            headers: request.headers,
            body: request.body.map(Bytes::from),
        };
        let (_, http) = self.0.now()?;
        let answer = http.execute(request).await?;
        // Most exchanges are nobody's who wants to know.
        let note = |last: &Arc<AtomicU16>| last.store(answer.status_code, Ordering::Relaxed);
        ANSWERED.try_with(note).unwrap_or_default();
        Ok(HttpResponse {
            status_code: answer.status_code,
            body: answer.body,
        })
    }
}
