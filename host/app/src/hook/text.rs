//! The two hooks that make text of text: campaign templates and webhook payloads.
//!
//! Like an event's, such a call never acts. What it wrote to its kv is handed back, to be stored
//! together with what its text is for.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use http::uri::PathAndQuery;
use warbler_domain::extension::{ExtensionFault, LogLine};
use warbler_domain::{
    EventKind, ExtensionName, Generation, Jid, SessionId, SessionName, Timestamp,
};
use warbler_store::kv::KvWrite;

use super::KvReader;

/// One generation of one extension that writes the messages of campaigns.
#[async_trait]
pub trait TemplateHook: Send + Sync + 'static {
    /// Its name.
    fn name(&self) -> &ExtensionName;

    /// Its version.
    fn generation(&self) -> &Generation;

    /// Writes one message, under all its limits.
    async fn render(&self, call: RenderCall) -> Made<String>;
}

/// One message to write.
#[derive(Clone)]
pub struct RenderCall {
    /// The id of the message; the same when it is written again.
    pub id: String,
    /// The session that sends it.
    pub session: SessionId,
    /// Its name.
    pub session_name: SessionName,
    /// The template.
    pub template: String,
    /// To whom.
    pub to: Jid,
    /// What the recipient is called.
    pub recipient: Option<String>,
    /// What else is known of the recipient: names and values.
    pub fields: Vec<(String, String)>,
    /// Everything else, as one JSON object.
    pub body: String,
    /// The time of the call.
    pub now: Timestamp,
    /// The extension's key-value space as stored.
    pub kv: KvReader,
}

/// One generation of one extension that shapes what endpoints are sent.
#[async_trait]
pub trait WebhookHook: Send + Sync + 'static {
    /// Its name.
    fn name(&self) -> &ExtensionName;

    /// Its version.
    fn generation(&self) -> &Generation;

    /// Shapes one delivery, under all its limits; `None` inside means that nothing is delivered.
    async fn transform(&self, call: TransformCall) -> Made<Option<Payload>>;
}

/// One delivery to shape.
#[derive(Clone)]
pub struct TransformCall {
    /// The id of the delivery; the same at every attempt.
    pub id: String,
    /// The kind of the event it tells.
    pub kind: EventKind,
    /// The session it happened in.
    pub session: SessionId,
    /// Its name.
    pub session_name: SessionName,
    /// Where it goes, as those before it in the chain left it.
    pub url: String,
    /// What would be sent.
    pub payload: Payload,
    /// Everything else, as one JSON object.
    pub body: String,
    /// The time of the call.
    pub now: Timestamp,
    /// The extension's key-value space as stored.
    pub kv: KvReader,
}

/// What is sent to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// How it is sent.
    pub method: Method,
    /// The path and query it goes to at the endpoint's server, if not to the endpoint's own.
    pub path: Option<PathAndQuery>,
    /// Its content type.
    pub content_type: String,
    /// The bytes.
    pub bytes: Arc<[u8]>,
    /// Headers to add: names and values.
    pub headers: Vec<(String, String)>,
}

impl Payload {
    /// Bytes that are posted to the endpoint itself.
    pub fn posted(content_type: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self {
            method: Method::POST,
            path: None,
            content_type: content_type.into(),
            bytes: bytes.into(),
            headers: Vec::new(),
        }
    }
}

/// What came of such a call.
#[derive(Debug, Clone)]
pub struct Made<T> {
    /// What it made, or why not.
    pub result: Result<T, ExtensionFault>,
    /// What it wrote to its kv, in order; empty when it failed.
    pub kv_writes: Vec<KvWrite>,
    /// What it logged; kept when it failed.
    pub logs: Vec<LogLine>,
}
