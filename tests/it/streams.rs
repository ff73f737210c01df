//! The streams of events, by server-sent events and by WebSocket.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_websockets::{ClientBuilder, Message, WebSocketStream};
use warbler_app::retention::RetentionSettings;
use warbler_domain::ManualClock;
use warbler_tests::{KEY, PATIENCE, TestHost, eventually, quick_settings};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

/// Reads the stream until an event of `kind` is complete; its id and data.
async fn next_of_kind(stream: &mut reqwest::Response, kind: &str) -> Result<(String, Value)> {
    let frame = next_frame(stream, |frame| frame.event == kind).await?;
    Ok((frame.id, frame.data))
}

/// One server-sent event.
#[derive(Debug, Default)]
struct Frame {
    event: String,
    id: String,
    data: Value,
}

/// Reads the stream until an event is `wanted`.
async fn next_frame(
    stream: &mut reqwest::Response,
    wanted: impl Fn(&Frame) -> bool,
) -> Result<Frame> {
    let mut text = String::new();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        while let Some(end) = text.find("\n\n") {
            let lines: String = text.drain(..end + 2).collect();
            let field = |name: &str| {
                let mut lines = lines.lines();
                lines
                    .find_map(|line| line.strip_prefix(name))
                    .map(|value| value.trim().to_owned())
            };
            let frame = Frame {
                event: field("event:").unwrap_or_default(),
                id: field("id:").unwrap_or_default(),
                data: field("data:").map_or(Ok(Value::Null), |data| serde_json::from_str(&data))?,
            };
            if wanted(&frame) {
                return Ok(frame);
            }
        }
        match tokio::time::timeout_at(deadline, stream.chunk()).await?? {
            Some(chunk) => text.push_str(std::str::from_utf8(&chunk)?),
            None => bail!("the stream ended"),
        }
    }
}

/// A WebSocket client as a browser is one: it can set no header.
struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn open(host: &TestHost, query: &str) -> Result<Self> {
        Self::open_with(host, query, None).await
    }

    async fn open_with(host: &TestHost, query: &str, key: Option<&str>) -> Result<Self> {
        let address = host.api().base().trim_start_matches("http://").to_owned();
        let uri = format!("ws://{address}/v1/events/ws?{query}");
        // Little room at this end, so that what is not read is felt at the other.
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(8 * 1024)?;
        let stream = socket.connect(address.parse()?).await?;
        let mut builder = ClientBuilder::new().uri(&uri)?;
        if let Some(key) = key {
            let name = "x-api-key".parse()?;
            builder = builder.add_header(name, key.parse()?)?;
        }
        let (socket, _) = builder.connect_on(stream).await?;
        Ok(Self(socket))
    }

    async fn says(&mut self, body: Value) -> Result<()> {
        Ok(self.0.send(Message::text(body.to_string())).await?)
    }

    /// The next thing the host says.
    async fn hears(&mut self) -> Result<Value> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await?;
            let message = message.context("the socket has ended")??;
            if let Some(text) = message.as_text() {
                return Ok(serde_json::from_str(text)?);
            }
            if let Some((code, reason)) = message.as_close() {
                bail!("closed with {} {reason}", u16::from(code));
            }
        }
    }

    async fn hears_kind(&mut self, kind: &str) -> Result<Value> {
        loop {
            let heard = self.hears().await?;
            if heard["kind"] == kind {
                return Ok(heard);
            }
        }
    }

    /// The code and reason it is closed with.
    async fn is_closed(&mut self) -> Result<(u16, String)> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.0.next()).await?;
            let message = message.context("the socket has ended")??;
            if let Some((code, reason)) = message.as_close() {
                return Ok((code.into(), reason.to_owned()));
            }
        }
    }
}

#[tokio::test]
async fn the_stream_shows_what_happens_and_resumes_where_it_was_left() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let mut stream = host.api().stream(None).await?;
    ada.says(OWNER, "one").await?;
    let (id, event) = next_of_kind(&mut stream, "message.received").await?;
    assert_eq!(event["message"]["text"], "one");
    drop(stream);
    ada.says(OWNER, "two").await?;
    ada.says(OWNER, "three").await?;
    let mut resumed = host.api().stream(Some(&id)).await?;
    for text in ["two", "three"] {
        let (_, event) = next_of_kind(&mut resumed, "message.received").await?;
        assert_eq!(event["message"]["text"], text);
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_stream_shows_only_the_kinds_and_the_session_it_was_asked_for() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    host.connected_session("other", "+15550002").await?;
    let ada = host.person(ADA, "Ada")?;
    let mut stream = host
        .api()
        .stream_of("session=shop&kinds=message.*,call")
        .await?;
    ada.says("+15550002", "elsewhere").await?;
    ada.says(OWNER, "here").await?;
    let first = next_frame(&mut stream, |frame| !frame.event.is_empty()).await?;
    assert_eq!(
        (first.event.as_str(), &first.data["message"]["text"]),
        ("message.received", &json!("here"))
    );
    for (query, code) in [
        ("kinds=Message", "invalid_query"),
        ("session=nowhere", "unknown_session"),
        ("kind=message.sent", "invalid_query"),
    ] {
        let refused = host
            .api()
            .get(&format!("/v1/events/stream?{query}"))
            .await?;
        assert_eq!(refused.text_at("/code")?, code, "{query}");
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_open_stream_does_not_keep_the_host_from_stopping() -> Result<()> {
    let host = TestHost::start().await?;
    let mut stream = host.api().stream(None).await?;
    let mut socket = Socket::open_with(&host, "", Some(KEY)).await?;
    socket.hears_kind("stream.ready").await?;
    tokio::time::timeout(PATIENCE, host.stop()).await?;
    while let Ok(Some(_)) = stream.chunk().await {}
    assert_eq!(socket.is_closed().await?, (1001, "over".to_owned()));
    Ok(())
}

#[tokio::test]
async fn a_stream_that_resumes_behind_a_removed_event_is_told_of_the_gap() -> Result<()> {
    let clock = Arc::new(ManualClock::new(warbler_domain::Timestamp::from_millis(
        1_900_000_000_000,
    )));
    let time = Arc::clone(&clock);
    let host = TestHost::start_as(move |options| {
        options.clock = Arc::clone(&time) as _;
        options.settings = quick_settings();
        options.settings.retention = RetentionSettings {
            every: Duration::from_millis(50),
            ..RetentionSettings::default()
        };
    })
    .await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let mut stream = host.api().stream(None).await?;
    ada.says(OWNER, "long ago").await?;
    let (old, _) = next_of_kind(&mut stream, "message.received").await?;
    drop(stream);
    clock.advance(Duration::from_secs(31 * 24 * 3600));
    ada.says(OWNER, "today").await?;
    eventually("the old event is gone", || async {
        let answer = host.api().get(&format!("/v1/events/{old}/trace")).await?;
        Ok((answer.status == 404).then_some(()))
    })
    .await?;
    shop.has_received("long ago")
        .await
        .context("messages are kept")?;
    let mut resumed = host.api().stream(Some(&old)).await?;
    let gap = next_frame(&mut resumed, |frame| !frame.event.is_empty()).await?;
    assert_eq!(
        (gap.event.as_str(), &gap.data["after"]),
        ("stream.gap", &json!(old))
    );
    assert_eq!(gap.id, "", "what was seen last stays what it was");
    let (_, event) = next_of_kind(&mut resumed, "message.received").await?;
    assert_eq!(event["message"]["text"], "today");
    let mut socket = Socket::open_with(&host, &format!("after={old}"), Some(KEY)).await?;
    assert_eq!(socket.hears_kind("stream.gap").await?["after"], json!(old));
    assert_eq!(
        socket.hears_kind("message.received").await?["message"]["text"],
        "today"
    );
    // An id that no host has made yet names no event.
    let future = "ffffffff-ffff-7fff-bfff-ffffffffffff";
    let refused = host
        .api()
        .get(&format!("/v1/events/stream?after={future}"))
        .await?;
    assert_eq!(
        (refused.status, refused.text_at("/code")?),
        (404, "unknown_event")
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_socket_takes_its_key_from_the_first_message() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let mut socket = Socket::open(&host, "kinds=presence").await?;
    socket
        .says(json!({ "key": KEY, "session": "shop", "kinds": ["message.*"] }))
        .await?;
    assert_eq!(socket.hears().await?, json!({ "kind": "stream.ready" }));
    ada.says(OWNER, "one").await?;
    let event = socket.hears().await?;
    assert_eq!(
        (&event["kind"], &event["message"]["text"]),
        (&json!("message.received"), &json!("one"))
    );
    drop(socket);
    ada.says(OWNER, "two").await?;
    let mut resumed = Socket::open(&host, "").await?;
    resumed
        .says(json!({ "key": KEY, "after": event["id"] }))
        .await?;
    assert_eq!(
        resumed.hears_kind("message.received").await?["message"]["text"],
        "two"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_socket_that_is_refused_says_why_before_it_is_closed() -> Result<()> {
    let host = TestHost::start().await?;
    for (first, code, status) in [
        (json!({ "key": "wbl_wrong" }), "invalid_key", 401),
        (json!({}), "missing_key", 401),
        (
            json!({ "key": KEY, "session": "nowhere" }),
            "unknown_session",
            404,
        ),
        (
            json!({ "key": KEY, "kinds": ["no such kind"] }),
            "invalid_body",
            400,
        ),
        (json!({ "key": KEY, "surplus": 1 }), "invalid_body", 400),
    ] {
        let mut socket = Socket::open(&host, "").await?;
        socket.says(first).await?;
        let problem = socket.hears().await?;
        assert_eq!(
            (&problem["code"], &problem["status"]),
            (&json!(code), &json!(status))
        );
        assert_eq!(socket.is_closed().await?, (4000 + status, code.to_owned()));
    }
    ensure!(
        Socket::open_with(&host, "", Some("wbl_wrong"))
            .await
            .is_err()
    );
    let plain = host.api().get("/v1/events/ws").await?;
    assert_eq!(
        (plain.status, plain.text_at("/code")?),
        (426, "upgrade_required")
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_socket_that_takes_nothing_is_let_go() -> Result<()> {
    let host =
        TestHost::start_as(|options| options.slow_reader = Duration::from_millis(50)).await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let mut socket = Socket::open_with(&host, "kinds=message.received", Some(KEY)).await?;
    assert_eq!(socket.hears().await?["kind"], "stream.ready");
    // Far more than the buffers of both ends take; nothing of it is read until all is there.
    let sent = 120;
    for number in 0..sent {
        ada.says(OWNER, &format!("{number} {}", "x".repeat(60 * 1024)))
            .await?;
    }
    shows_newest(&host, sent - 1).await?;
    let mut heard = 0;
    loop {
        match tokio::time::timeout(PATIENCE, socket.0.next()).await? {
            Some(Ok(message)) if message.is_text() => heard += 1,
            Some(Ok(message)) if !message.is_close() => {}
            _ => break,
        }
    }
    ensure!(heard < sent, "it was let go before it had everything");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_stream_whose_reader_takes_nothing_is_ended() -> Result<()> {
    let host =
        TestHost::start_as(|options| options.stalled_client = Duration::from_millis(50)).await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let address = host.api().base().trim_start_matches("http://").to_owned();
    let client = TcpSocket::new_v4()?;
    client.set_recv_buffer_size(8 * 1024)?;
    let mut stream = client.connect(address.parse()?).await?;
    let request = format!(
        "GET /v1/events/stream?kinds=message.received HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut first = [0];
    stream.read_exact(&mut first).await?;
    // Far more than the buffers of both ends take.
    let sent = 120;
    for number in 0..sent {
        ada.says(OWNER, &format!("{number} {}", "x".repeat(60 * 1024)))
            .await?;
    }
    shows_newest(&host, sent - 1).await?;
    let mut heard = Vec::new();
    // It is cut off: with an end, or with a reset.
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut heard)).await?;
    drop(ended);
    ensure!(
        heard.len() < sent * 60 * 1024,
        "it was let go before it had everything"
    );
    host.stop().await;
    Ok(())
}

/// Waits until message `number` is the newest that was received.
async fn shows_newest(host: &TestHost, number: usize) -> Result<()> {
    eventually("the last message is there", || async {
        let newest = host
            .api()
            .get("/v1/events?kind=message.received&limit=1")
            .await?;
        let text = newest.text_at("/items/0/message/text").unwrap_or_default();
        Ok(text.starts_with(&format!("{number} x")).then_some(()))
    })
    .await
}

#[tokio::test]
async fn the_openapi_document_names_every_route() -> Result<()> {
    let host = TestHost::start().await?;
    let document = host.api().get("/openapi.json").await?.expect(200)?;
    assert!(document.text_at("/openapi")?.starts_with("3.1"));
    let paths = document.body["paths"].as_object().context("paths")?;
    for path in [
        "/v1/sessions",
        "/v1/sessions/{session}",
        "/v1/sessions/{session}/start",
        "/v1/sessions/{session}/qr",
        "/v1/sessions/{session}/pairing-code",
        "/v1/sessions/{session}/messages",
        "/v1/messages/{id}",
        "/v1/messages/{id}/media",
        "/v1/events",
        "/v1/events/{id}/trace",
        "/v1/events/stream",
        "/v1/events/ws",
        "/v1/extensions",
        "/healthz",
    ] {
        assert!(paths.contains_key(path), "{path} is missing");
    }
    host.stop().await;
    Ok(())
}
