//! A client of the host's API.

use anyhow::{Context, Result, ensure};
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::{Ask, KEY};

/// A form with a list of recipients.
const FILE: &str = "--end\r\ncontent-disposition: form-data; name=\"file\"; filename=\"list.csv\"\r\n\r\nnumber,name\n+15550100,Grace\n\r\n--end--\r\n";

/// A client with the admin key, unless it was given another.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    key: String,
    client: reqwest::Client,
}

/// An answer of the API.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its content type.
    pub content_type: String,
    /// All its headers.
    pub headers: HeaderMap,
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
            key: KEY.to_owned(),
            client,
        })
    }

    /// The same client with another key.
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            ..self.clone()
        }
    }

    /// Where the host is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Gets.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(self.client.get(self.url(path)).bearer_auth(&self.key))
            .await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        self.send(
            self.client
                .post(self.url(path))
                .bearer_auth(&self.key)
                .json(&body),
        )
        .await
    }

    /// Posts JSON as often as it takes: with the same key, it is done once.
    pub async fn post_once(&self, path: &str, key: &str, body: Value) -> Result<Answer> {
        let request = self.client.post(self.url(path)).bearer_auth(&self.key);
        self.send(request.header("idempotency-key", key).json(&body))
            .await
    }

    /// Posts nothing.
    pub async fn order(&self, path: &str) -> Result<Answer> {
        self.send(self.client.post(self.url(path)).bearer_auth(&self.key))
            .await
    }

    /// Posts any bytes as JSON.
    pub async fn post_raw(&self, path: &str, body: impl Into<reqwest::Body>) -> Result<Answer> {
        let request = self.client.post(self.url(path)).bearer_auth(&self.key);
        self.send(
            request
                .header("content-type", "application/json")
                .body(body),
        )
        .await
    }

    /// Puts JSON.
    pub async fn put(&self, path: &str, body: Value) -> Result<Answer> {
        let request = self.client.put(self.url(path)).bearer_auth(&self.key);
        self.send(request.json(&body)).await
    }

    /// Patches with JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Result<Answer> {
        let request = self.client.patch(self.url(path)).bearer_auth(&self.key);
        self.send(request.json(&body)).await
    }

    /// Posts a file.
    pub async fn upload(&self, path: &str, file: Vec<u8>) -> Result<Answer> {
        let request = self.client.post(self.url(path)).bearer_auth(&self.key);
        self.send(request.body(file)).await
    }

    /// Posts bytes of this content type.
    pub async fn post_as(&self, kind: &str, path: &str, body: Vec<u8>) -> Result<Answer> {
        let request = self.client.post(self.url(path)).bearer_auth(&self.key);
        self.send(request.header("content-type", kind).body(body))
            .await
    }

    /// Puts bytes of this content type.
    pub async fn put_as(&self, kind: &str, path: &str, body: Vec<u8>) -> Result<Answer> {
        let request = self.client.put(self.url(path)).bearer_auth(&self.key);
        self.send(request.header("content-type", kind).body(body))
            .await
    }

    /// Gets a text.
    pub async fn text(&self, path: &str) -> Result<String> {
        let request = self.client.get(self.url(path)).bearer_auth(&self.key);
        Ok(request.send().await?.error_for_status()?.text().await?)
    }

    /// Deletes.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.send(self.client.delete(self.url(path)).bearer_auth(&self.key))
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

    /// The same client for another base.
    pub fn at(&self, base: &str) -> Self {
        Self {
            base: base.to_owned(),
            ..self.clone()
        }
    }

    /// Asks with these headers and no others, and with this JSON, if any.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<Answer> {
        let mut request = self.client.request(method.parse()?, self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    /// Asks with these headers and no others, and with this body of any type.
    pub async fn call_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Result<Answer> {
        let mut request = self.client.request(method.parse()?, self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body)).await
    }

    /// Asks what a document allows, with these headers and no others.
    pub async fn asks(&self, method: &str, headers: &[(&str, &str)], ask: &Ask) -> Result<Answer> {
        let (kind, body) = if let Some(form) = &ask.form {
            ("application/x-www-form-urlencoded", form.clone())
        } else if ask.file {
            ("multipart/form-data; boundary=end", FILE.to_owned())
        } else {
            return self
                .call(method, &ask.path, headers, ask.body.clone())
                .await;
        };
        let headers = [headers, &[("content-type", kind)]].concat();
        self.call_with(method, &ask.path, &headers, body).await
    }

    /// An open stream of events.
    pub async fn stream(&self, after: Option<&str>) -> Result<reqwest::Response> {
        let mut request = self
            .client
            .get(self.url("/v1/events/stream"))
            .bearer_auth(&self.key);
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        Ok(request.send().await?.error_for_status()?)
    }

    /// An open stream of events, as this query wants it.
    pub async fn stream_of(&self, query: &str) -> Result<reqwest::Response> {
        let url = self.url(&format!("/v1/events/stream?{query}"));
        let request = self.client.get(url).bearer_auth(&self.key);
        Ok(request.send().await?.error_for_status()?)
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let content_type = headers
            .get("content-type")
            .and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let bytes = response.bytes().await?.to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer {
            status,
            content_type,
            headers,
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

    /// Its status and the code of its refusal.
    pub fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["code"].as_str().unwrap_or_default())
    }

    /// One of its headers; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The text at a JSON pointer.
    pub fn text_at(&self, pointer: &str) -> Result<&str> {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.with_context(|| format!("no text at {pointer} in {}", self.body))
    }
}
