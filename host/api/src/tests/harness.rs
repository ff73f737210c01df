//! A host with nothing below it but a scripted engine and nothing beside it but one extension.

use std::fs::File;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use warbler_app::driver::{
    AckRefusal, Chats, Driver, DriverError, EngineCapability, Engines, Groups, Inbound,
    InboundMessage, Inbox, Link, LinkReport, MediaFailure, Outgoing, PairingCode, People,
    SendFailure,
};
use warbler_app::events::Wanted;
use warbler_app::hook::{EventHook, Extensions, HookCall, HookOutcome};
use warbler_app::{App, Parts, Settings};
use warbler_domain::extension::{
    CallCost, ExtensionFault, ExtensionKind, ExtensionState, ExtensionStatus, ExtensionUsage,
    Grants, Hook, LogLine,
};
use warbler_domain::session::Account;
use warbler_domain::{
    Action, Caller, Content, Direction, EngineName, Event, EventBody, ExtensionName, Generation,
    Jid, PhoneNumber, Random, Secret, SessionId, SystemClock, Timestamp, Verdict, WhatsAppId,
};
use warbler_store::{Store, StoreOptions};

use crate::{ApiOptions, router};

pub(super) const KEY: &str = "wbl_test";
/// What the engine's QR says.
pub(super) const QR_TEXT: &str = "2@ref,key,identity,secret";
/// What the engine's locators hold; must never be seen above the core.
pub(super) const MEDIA_KEY: &str = "the-media-key";
/// The one text that the extension answers. Everything else stays as the test made it.
pub(super) const GREETING: &str = "hi";
/// A PNG, as far as anybody looks.
pub(super) const IMAGE: &[u8] = b"\x89PNG\r\n\x1a\nand so on";

/// A host, and the API over it.
pub(super) struct TestApi {
    pub(super) app: App,
    pub(super) router: Router,
    pub(super) stop: CancellationToken,
    engine: Arc<Engine>,
    _dir: tempfile::TempDir,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Bytes,
}

impl Answer {
    pub(super) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_slice(&self.bytes).with_context(|| format!("{self:?}"))
    }

    /// The body, with every id and time replaced by a word.
    pub(super) fn shape(&self) -> anyhow::Result<Value> {
        Ok(shape(self.json()?))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Status and code of a refusal, which must be a whole one.
    pub(super) fn problem(&self) -> anyhow::Result<(u16, String)> {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{self:?}"
        );
        let body = self.json()?;
        let word = |name: &str| {
            body.get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        assert_eq!(
            body.get("status").and_then(Value::as_u64),
            Some(u64::from(self.status.as_u16()))
        );
        assert_eq!(
            word("type"),
            format!("urn:warbler:problem:{}", word("code"))
        );
        assert!(
            !word("title").is_empty() && !word("detail").is_empty(),
            "{body}"
        );
        Ok((self.status.as_u16(), word("code")))
    }
}

fn shape(value: Value) -> Value {
    match value {
        Value::String(text) if text.parse::<SessionId>().is_ok() => "<id>".into(),
        Value::String(text) if text.len() == 24 && text.ends_with('Z') => "<time>".into(),
        Value::String(text) if text.starts_with("3EB0") && text.len() == 22 => {
            "<whatsapp id>".into()
        }
        Value::Array(items) => items.into_iter().map(shape).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, shape(value)))
            .collect(),
        other => other,
    }
}

impl TestApi {
    pub(super) async fn start() -> anyhow::Result<Self> {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut ApiOptions)) -> anyhow::Result<Self> {
        Self::made(Settings::default(), change).await
    }

    /// A host that behaves as `settings` say.
    pub(super) async fn with_settings(settings: Settings) -> anyhow::Result<Self> {
        Self::made(settings, |_| {}).await
    }

    async fn made(
        settings: Settings,
        change: impl FnOnce(&mut ApiOptions),
    ) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let engine = Arc::new(Engine::default());
        let clock = Arc::new(SystemClock);
        let app = App::start(Parts {
            store: Store::open(&StoreOptions::new(dir.path().join("warbler.db")))?,
            engines: Engines::new(vec![Arc::clone(&engine) as Arc<dyn Driver>]),
            extensions: Arc::new(OneExtension),
            forms: Arc::new(crate::AllForms::default()),
            clock: Arc::clone(&clock) as _,
            random: Arc::new(Random::seeded(1)),
            media_dir: dir.path().join("media"),
            settings,
        })
        .await?;
        app.keys().adopt(&Secret::new(KEY)).await?;
        let stop = CancellationToken::new();
        let mut options = ApiOptions::new("1.2.3", clock, stop.clone());
        change(&mut options);
        let router = router(app.clone(), options);
        Ok(Self {
            app,
            router,
            stop,
            engine,
            _dir: dir,
        })
    }

    /// A request with the key and, for a body, its type.
    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {KEY}"));
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body)?).await
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.call("GET", path, None).await
    }

    /// A request as it is.
    pub(super) async fn send(&self, request: Request<Body>) -> anyhow::Result<Answer> {
        let response = self.router.clone().oneshot(request).await?;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await?;
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            bytes,
        })
    }

    /// A session that is linked and online.
    pub(super) async fn connected_session(&self, name: &str) -> anyhow::Result<Value> {
        let mut events = self
            .app
            .events()
            .stream(&Caller::host(), Wanted::default())
            .await?;
        let created = self
            .call(
                "POST",
                "/v1/sessions",
                Some(serde_json::json!({ "name": name, "start": true })),
            )
            .await?;
        assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
        self.engine.say(LinkReport::Connected(account()?)).await?;
        self.wait_for(&mut events, |body| {
            matches!(body, EventBody::SessionStatus { to, .. } if to.as_str() == "connected")
        })
        .await?;
        created.json()
    }

    /// A message from a customer, through the engine.
    pub(super) async fn customer_writes(
        &self,
        whatsapp_id: &str,
        content: Content,
    ) -> anyhow::Result<Event> {
        let mut events = self
            .app
            .events()
            .stream(&Caller::host(), Wanted::default())
            .await?;
        let customer: Jid = "15550123@s.whatsapp.net".parse()?;
        let message = InboundMessage {
            whatsapp_id: whatsapp_id.parse()?,
            chat: customer.clone(),
            sender: customer,
            sender_alt: None,
            chat_alt: None,
            forwarded: 0,
            sender_name: Some("Ada".to_owned()),
            direction: Direction::Inbound,
            timestamp: Timestamp::from_millis(1_700_000_000_000),
            content,
            quoted: None,
        };
        let inbox = self.engine.inbox().context("no link is open")?;
        inbox.receive(vec![Inbound::Message(message)]).await?;
        self.wait_for(&mut events, |body| {
            matches!(body, EventBody::Message { .. })
        })
        .await
    }

    /// Anything from the network, through the engine.
    pub(super) async fn network_tells(&self, inbound: Vec<Inbound>) -> anyhow::Result<()> {
        let inbox = self.engine.inbox().context("no link is open")?;
        Ok(inbox.receive(inbound).await?)
    }

    /// The server's answer to a message, through the engine; waits until it is noted.
    pub(super) async fn network_acks(
        &self,
        whatsapp_id: &str,
        refused: Option<AckRefusal>,
    ) -> anyhow::Result<()> {
        let whatsapp_id = whatsapp_id.parse()?;
        let report = LinkReport::Ack {
            whatsapp_id,
            refused,
        };
        self.engine.say(report).await
    }

    async fn wait_for(
        &self,
        events: &mut warbler_app::events::EventStream,
        wanted: impl Fn(&EventBody) -> bool,
    ) -> anyhow::Result<Event> {
        let found = async {
            while let Some(batch) = events.next_events().await? {
                if let Some(stored) = batch.into_iter().find(|stored| wanted(&stored.event.body)) {
                    return Ok(stored.event);
                }
            }
            bail!("the host has stopped")
        };
        tokio::time::timeout(Duration::from_secs(20), found).await?
    }
}

fn account() -> anyhow::Result<Account> {
    let (jid, lid) = ("15550100@s.whatsapp.net".parse()?, "98765@lid".parse()?);
    Ok(Account {
        jid,
        lid: Some(lid),
        push_name: Some("The Shop".to_owned()),
    })
}

/// An engine that says what a test tells it to. Every link offers a QR.
#[derive(Default)]
struct Engine {
    inbox: Mutex<Option<Arc<dyn Inbox>>>,
    opened: tokio::sync::Notify,
}

impl Engine {
    fn inbox(&self) -> Option<Arc<dyn Inbox>> {
        self.inbox
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Reports for the newest link, once there is one.
    async fn say(&self, report: LinkReport) -> anyhow::Result<()> {
        let opened = self.opened.notified();
        let inbox = match self.inbox() {
            Some(inbox) => inbox,
            None => {
                opened.await;
                self.inbox().context("no link is open")?
            }
        };
        inbox.report(report).await;
        Ok(())
    }
}

#[async_trait]
impl Driver for Engine {
    fn engine(&self) -> EngineName {
        EngineName::default()
    }

    fn capabilities(&self) -> &'static [EngineCapability] {
        &EngineCapability::ALL
    }

    async fn open(
        &self,
        _session: SessionId,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Arc<dyn Link>, DriverError> {
        let valid_for = Duration::from_secs(60);
        inbox
            .report(LinkReport::PairingQr {
                text: QR_TEXT.to_owned(),
                valid_for,
            })
            .await;
        *self
            .inbox
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(inbox);
        self.opened.notify_one();
        Ok(Arc::new(OpenLink))
    }

    async fn is_paired(&self, _session: SessionId) -> Result<bool, DriverError> {
        Ok(false)
    }

    async fn forget(&self, _session: SessionId) -> Result<(), DriverError> {
        Ok(())
    }
}

struct OpenLink;

impl Chats for OpenLink {}
impl Groups for OpenLink {}
impl People for OpenLink {}

#[async_trait]
impl Link for OpenLink {
    async fn send(&self, _message: &Outgoing) -> Result<(), SendFailure> {
        Ok(())
    }

    async fn request_pairing_code(&self, _phone: &PhoneNumber) -> Result<PairingCode, DriverError> {
        Ok(PairingCode {
            code: "ABCD1234".to_owned(),
            valid_for: Duration::from_secs(180),
        })
    }

    async fn fetch_media(&self, locator: &str, mut into: File) -> Result<(), MediaFailure> {
        let bytes = match locator {
            MEDIA_KEY => IMAGE,
            _ => b"<script>alert(1)</script>",
        };
        into.write_all(bytes).map_err(|_| MediaFailure::Gone)
    }

    async fn ping(&self, _timeout: Duration) -> Result<(), DriverError> {
        Ok(())
    }

    fn last_heard(&self) -> Timestamp {
        Timestamp::from_millis(i64::MAX)
    }

    async fn logout(&self) -> Result<(), DriverError> {
        Ok(())
    }

    async fn close(&self) {}
}

/// An extension that answers every message that came in.
struct OneExtension;

impl Extensions for OneExtension {
    fn chain(&self) -> Arc<[Arc<dyn EventHook>]> {
        match Greeter::new() {
            Some(greeter) => Arc::new([Arc::new(greeter) as Arc<dyn EventHook>]),
            None => Arc::new([]),
        }
    }

    fn statuses(&self) -> Vec<ExtensionStatus> {
        let greeter = Greeter::new();
        let status = greeter.map(|greeter| ExtensionStatus {
            name: greeter.name,
            kind: ExtensionKind::Script,
            path: "scripts/greeter.rhai".to_owned(),
            state: ExtensionState::LastGood,
            generation: Some(greeter.generation),
            loaded_at: Some(Timestamp::from_millis(1_700_000_000_000)),
            order: 100,
            events: vec!["message.received".to_owned()],
            hooks: vec![Hook::Event],
            grants: Grants::default(),
            withheld: Grants::default(),
            asked: Grants::default(),
            usage: ExtensionUsage::default(),
            quarantined_until: None,
            last_error: Some(ExtensionFault {
                code: "script-syntax".to_owned(),
                message: "expected `;`".to_owned(),
                file: Some("greeter.rhai".to_owned()),
                line: Some(3),
                column: Some(7),
                excerpt: None,
                event: None,
                at: Timestamp::from_millis(1_700_000_000_000),
            }),
        });
        status.into_iter().collect()
    }

    fn note_fault(&self, _extension: &ExtensionName, _fault: &ExtensionFault) {}
}

struct Greeter {
    name: ExtensionName,
    generation: Generation,
    grants: Grants,
}

impl Greeter {
    fn new() -> Option<Self> {
        Some(Self {
            name: "greeter".parse().ok()?,
            generation: Generation::of_digest(&[7; 32]),
            grants: Grants::default(),
        })
    }
}

#[async_trait]
impl EventHook for Greeter {
    fn name(&self) -> &ExtensionName {
        &self.name
    }

    fn kind(&self) -> ExtensionKind {
        ExtensionKind::Script
    }

    fn generation(&self) -> &Generation {
        &self.generation
    }

    fn grants(&self) -> &Grants {
        &self.grants
    }

    fn wants(&self, event: &Event) -> bool {
        let said = event.message().map(|message| &message.content);
        event.kind().as_str() == "message.received" && said == Some(&Content::text(GREETING))
    }

    async fn handle(&self, call: HookCall) -> HookOutcome {
        let target: Option<WhatsAppId> = call
            .event
            .message()
            .map(|message| message.whatsapp_id.clone());
        HookOutcome {
            verdict: Verdict::Stop,
            actions: vec![
                Action::Reply {
                    text: "Hello!".to_owned(),
                    quote: true,
                },
                Action::React {
                    target,
                    emoji: "👋".to_owned(),
                },
            ],
            kv_writes: vec![],
            logs: vec![LogLine {
                level: "info".to_owned(),
                message: "greeted".to_owned(),
            }],
            fault: None,
            cost: CallCost::default(),
        }
    }
}
