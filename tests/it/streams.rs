//! The stream of events, the health probes and the documents.

use anyhow::{Context, Result, bail};
use warbler_tests::TestHost;

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

/// Reads the stream until an event of `kind` is complete; its id and data.
async fn next_of_kind(
    stream: &mut reqwest::Response,
    kind: &str,
) -> Result<(String, serde_json::Value)> {
    let mut text = String::new();
    let deadline = tokio::time::Instant::now() + warbler_tests::PATIENCE;
    loop {
        while let Some(end) = text.find("\n\n") {
            let frame: String = text.drain(..end + 2).collect();
            let field = |name: &str| {
                frame
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(|value| value.trim().to_owned())
            };
            if field("event:").as_deref() == Some(kind) {
                let data = field("data:").context("data")?;
                return Ok((field("id:").context("id")?, serde_json::from_str(&data)?));
            }
        }
        match tokio::time::timeout_at(deadline, stream.chunk()).await?? {
            Some(chunk) => text.push_str(std::str::from_utf8(&chunk)?),
            None => bail!("the stream ended before a {kind}"),
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
async fn an_open_stream_does_not_keep_the_host_from_stopping() -> Result<()> {
    let host = TestHost::start().await?;
    let mut stream = host.api().stream(None).await?;
    tokio::time::timeout(warbler_tests::PATIENCE, host.stop()).await?;
    while let Ok(Some(_)) = stream.chunk().await {}
    Ok(())
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
        "/v1/extensions",
        "/healthz",
    ] {
        assert!(paths.contains_key(path), "{path} is missing");
    }
    host.stop().await;
    Ok(())
}
