//! Events, their traces and their stream; extensions.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt as _;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use warbler_domain::Content;

use super::harness::{GREETING, KEY, TestApi};

#[tokio::test]
async fn events_are_listed_by_session_and_kind() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    api.customer_writes("HELLO1", Content::text(GREETING))
        .await?;
    let page = api
        .get("/v1/events?session=shop&kind=message.received")
        .await?;
    let mut body = page.shape()?;
    let done = body["items"][0]
        .as_object_mut()
        .and_then(|event| event.remove("done"));
    assert!(matches!(done, Some(Value::Bool(_))), "{body}");
    assert_eq!(
        body,
        json!({
            "items": [{
                "id": "<id>", "session": "<id>", "at": "<time>", "kind": "message.received",
                "message": {
                    "id": "<id>", "session": "<id>", "whatsappId": "HELLO1", "chat": "15550123@s.whatsapp.net",
                    "sender": "15550123@s.whatsapp.net", "senderName": "Ada", "direction": "inbound",
                    "timestamp": "<time>", "status": "received", "type": "text", "text": "hi",
                },
            }],
            "next": null,
        })
    );
    let moves = api
        .get("/v1/events?kind=session.status&limit=1")
        .await?
        .json()?;
    assert_eq!(moves["items"][0]["status"]["to"], json!("connected"));
    assert!(moves["next"].is_string());
    let nowhere = api.get("/v1/events?session=nowhere").await?;
    assert_eq!(nowhere.problem()?, (404, "unknown_session".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_trace_shows_what_every_extension_did() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let mut stream = api.open_stream(None).await?;
    let event = api
        .customer_writes("HELLO1", Content::text(GREETING))
        .await?;
    // Nothing is announced when an event is done, so it is asked for until it is.
    stream.until("message.received").await?;
    let asking = async {
        loop {
            let explained = api.get(&format!("/v1/events/{}/trace", event.id)).await?;
            if explained.json()?["event"]["done"] == json!(true) {
                return anyhow::Ok(explained);
            }
            tokio::task::yield_now().await;
        }
    };
    let explained = tokio::time::timeout(Duration::from_secs(20), asking).await??;
    let mut step = explained.shape()?["trace"]["steps"][0].take();
    let micros = step.as_object_mut().and_then(|step| step.remove("micros"));
    assert!(micros.is_some_and(|micros| micros.is_u64()));
    assert_eq!(
        step,
        json!({
            "extension": "greeter", "kind": "script", "generation": "070707070707", "verdict": "stop",
            "actions": [
                { "action": "reply", "text": "Hello!", "quote": true },
                { "action": "react", "message": "HELLO1", "emoji": "👋" },
            ],
            "logs": [{ "level": "info", "message": "greeted" }],
            "cost": {
                "queueMicros": 0, "startMicros": 0, "guestMicros": 0, "hostMicros": 0,
                "memoryBytes": 0, "fetches": 0, "denials": 0,
            },
        })
    );
    let unknown = api
        .get("/v1/events/0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a/trace")
        .await?;
    assert_eq!(unknown.problem()?, (404, "unknown_event".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_stream_resumes_behind_the_last_event_seen_and_ends_with_the_host() -> anyhow::Result<()>
{
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let first = api.customer_writes("ONE", Content::text("one")).await?;
    api.customer_writes("TWO", Content::text("two")).await?;
    let mut stream = api.open_stream(Some(&first.id.to_string())).await?;
    let missed = stream.until("message.received").await?;
    assert_eq!(missed["message"]["whatsappId"], json!("TWO"));
    let live = api.customer_writes("THREE", Content::text("three")).await?;
    let seen = stream.until("message.received").await?;
    assert_eq!(seen["id"], json!(live.id.to_string()));
    api.stop.cancel();
    assert!(stream.rest().await?.is_empty());

    for (last, expected) in [
        ("yesterday", (400, "bad_event_id")),
        (
            "ffffffff-ffff-7fff-bfff-ffffffffffff",
            (404, "unknown_event"),
        ),
    ] {
        let request = Request::get("/v1/events/stream")
            .header("x-api-key", KEY)
            .header("last-event-id", last);
        let answer = api.send(request.body(Body::empty())?).await?;
        assert_eq!(answer.problem()?, (expected.0, expected.1.to_owned()));
    }
    Ok(())
}

#[tokio::test]
async fn extensions_are_listed_with_what_is_wrong_with_them() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let list = api.get("/v1/extensions").await?;
    assert_eq!(
        (list.status, list.shape()?),
        (
            StatusCode::OK,
            json!({
                "items": [{
                    "name": "greeter", "kind": "script", "path": "scripts/greeter.rhai", "state": "last-good",
                    "generation": "070707070707", "loadedAt": "<time>", "order": 100,
                    "hooks": ["event"], "events": ["message.received"],
                    "grants": { "send": "reply-only", "history": "none" },
                    "usage": {
                        "succeeded": 0, "failed": {}, "queueMicros": 0, "startMicros": 0, "guestMicros": 0,
                        "hostMicros": 0, "peakMemoryBytes": 0, "actions": 0, "fetches": 0, "denials": 0,
                        "running": 0, "waiting": 0, "warm": 0, "reloads": 0, "quarantines": 0,
                    },
                    "lastError": {
                        "code": "script-syntax", "message": "expected `;`", "file": "greeter.rhai", "line": 3,
                        "column": 7, "at": "<time>",
                    },
                }],
                "next": null,
            })
        )
    );
    Ok(())
}

impl TestApi {
    async fn open_stream(&self, after: Option<&str>) -> anyhow::Result<Frames> {
        let mut request = Request::get("/v1/events/stream").header("x-api-key", KEY);
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(Body::empty())?)
            .await?;
        assert_eq!(response.status(), StatusCode::OK);
        let kind = response
            .headers()
            .get("content-type")
            .and_then(|kind| kind.to_str().ok());
        assert_eq!(kind, Some("text/event-stream"));
        Ok(Frames {
            body: response.into_body().into_data_stream(),
            buffer: String::new(),
        })
    }
}

/// A stream of events, frame by frame.
struct Frames {
    body: BodyDataStream,
    buffer: String,
}

impl Frames {
    /// The data of the next event of `kind`.
    async fn until(&mut self, kind: &str) -> anyhow::Result<Value> {
        loop {
            while let Some((frame, rest)) = self.buffer.split_once("\n\n") {
                let field = |name: &str| {
                    frame
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(str::trim)
                };
                let data: Option<Value> = field("data:").map(serde_json::from_str).transpose()?;
                let (id, event) = (
                    field("id:").map(str::to_owned),
                    field("event:").map(str::to_owned),
                );
                self.buffer = rest.to_owned();
                if let Some(data) = data.filter(|_| event.as_deref() == Some(kind)) {
                    assert_eq!(
                        (data["id"].as_str(), data["kind"].as_str()),
                        (id.as_deref(), Some(kind))
                    );
                    return Ok(data);
                }
            }
            let more = tokio::time::timeout(Duration::from_secs(20), self.body.next()).await?;
            let more = more.ok_or_else(|| anyhow::anyhow!("the stream has ended"))??;
            self.buffer.push_str(std::str::from_utf8(&more)?);
        }
    }

    /// What comes until the stream ends, comments excepted.
    async fn rest(mut self) -> anyhow::Result<String> {
        let all = async {
            while let Some(more) = self.body.next().await {
                self.buffer.push_str(std::str::from_utf8(&more?)?);
            }
            Ok(self.buffer)
        };
        tokio::time::timeout(Duration::from_secs(20), all).await?
    }
}
