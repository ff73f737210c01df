//! A client of the host's API.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::KEY;

/// A client with the admin key.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    client: reqwest::Client,
}

/// An answer of the API.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its content type.
    pub content_type: String,
    /// Its body, if that is JSON; else null.
    pub body: Value,
    /// Its body as it came.
    pub bytes: Vec<u8>,
}

impl Api {
    /// A client for the host at `base`.
    pub fn new(base: &str) -> Result<Self> {
        // Hosts under test speak plain HTTP on loopback, so nobody is trusted.
        let tls = rustls::ClientConfig::builder_with_provider(
            rustls::crypto::ring::default_provider().into(),
        )
        .with_safe_default_protocol_versions()?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .timeout(crate::PATIENCE)
            .build()?;
        Ok(Self {
            base: base.to_owned(),
            client,
        })
    }

    /// Where the host is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Gets.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(self.client.get(self.url(path)).bearer_auth(KEY))
            .await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        self.send(
            self.client
                .post(self.url(path))
                .bearer_auth(KEY)
                .json(&body),
        )
        .await
    }

    /// Posts nothing.
    pub async fn order(&self, path: &str) -> Result<Answer> {
        self.send(self.client.post(self.url(path)).bearer_auth(KEY))
            .await
    }

    /// Posts any bytes as JSON.
    pub async fn post_raw(&self, path: &str, body: impl Into<reqwest::Body>) -> Result<Answer> {
        let request = self.client.post(self.url(path)).bearer_auth(KEY);
        self.send(
            request
                .header("content-type", "application/json")
                .body(body),
        )
        .await
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.send(self.client.delete(self.url(path)).bearer_auth(KEY))
            .await
    }

    /// Gets with another key, or none.
    pub async fn get_as(&self, key: Option<&str>, path: &str) -> Result<Answer> {
        let request = self.client.get(self.url(path));
        self.send(match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        })
        .await
    }

    /// An open stream of events.
    pub async fn stream(&self, after: Option<&str>) -> Result<reqwest::Response> {
        let mut request = self
            .client
            .get(self.url("/v1/events/stream"))
            .bearer_auth(KEY);
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        Ok(request.send().await?.error_for_status()?)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let content_type = response
            .headers()
            .get("content-type")
            .and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let bytes = response.bytes().await?.to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer {
            status,
            content_type,
            body,
            bytes,
        })
    }
}

impl Answer {
    /// The answer, if it has this status.
    pub fn expect(self, status: u16) -> Result<Self> {
        ensure!(
            self.status == status,
            "expected {status}, got {}: {}",
            self.status,
            self.body
        );
        Ok(self)
    }

    /// The text at a JSON pointer.
    pub fn text_at(&self, pointer: &str) -> Result<&str> {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.with_context(|| format!("no text at {pointer} in {}", self.body))
    }
}
