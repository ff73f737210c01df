//! Media from URLs, through the API: good ones, and all that can be wrong with one.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use warbler_simulator::HeardContent;
use warbler_tests::{PATIENCE, TestHost};

use super::servers::{reaching_this_machine, saying, server, serving};
use super::{PNG, files};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const MESSAGES: &str = "/v1/sessions/shop/messages";

/// How a picture at a URL is refused: the status, and the code before the words.
async fn refused(host: &TestHost, url: &str) -> Result<(u16, String)> {
    let body = json!({ "to": ADA, "image": { "url": url } });
    let answer = host.api().post(MESSAGES, body).await?;
    let told = format!(
        "{}: {}",
        answer.text_at("/code")?,
        answer.text_at("/detail")?
    );
    Ok((answer.status, told))
}

#[tokio::test]
async fn a_medium_is_taken_from_a_url_by_its_content() -> Result<()> {
    let host = TestHost::start_with(reaching_this_machine()?).await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let address = serving(PNG).await?;
    let url = format!("http://{address}/files/men%C3%BC.pdf?token=1");
    shop.sends(json!({ "to": ADA, "image": { "url": url } }))
        .await?;
    let heard = ada.hears_within(PATIENCE).await?;
    let HeardContent::Image { bytes, mime, .. } = heard.content else {
        anyhow::bail!("not an image: {:?}", heard.content);
    };
    assert_eq!((mime.as_str(), &bytes[..]), ("image/png", PNG));
    shop.sends(json!({ "to": ADA, "document": { "url": url } }))
        .await?;
    let heard = ada.hears_within(PATIENCE).await?;
    let HeardContent::Document { file_name, .. } = heard.content else {
        anyhow::bail!("not a document: {:?}", heard.content);
    };
    assert_eq!(file_name.as_deref(), Some("menü.pdf"));
    assert_eq!(files(&host)?, 1, "one content is one file");

    let audio = json!({ "to": ADA, "audio": { "url": url } });
    let wrong = host.api().post(MESSAGES, audio).await?.expect(400)?;
    assert_eq!(wrong.body["code"], "media_wrong_type");
    assert_eq!(
        wrong.body["detail"],
        "the file is image/png, which cannot be sent as an audio; send it as an image"
    );
    let lying = serving(b"MZ\x90\0 this program cannot be run").await?;
    let (status, told) = refused(&host, &format!("http://{lying}/holiday.jpg")).await?;
    assert!(told.starts_with("media_wrong_type"), "{told}");
    assert_eq!(status, 400);
    let empty = serving(b"").await?;
    let (status, told) = refused(&host, &format!("http://{empty}/")).await?;
    assert!(told.starts_with("empty_media"), "{told}");
    assert_eq!(status, 400);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_url_that_leads_into_this_network_is_refused() -> Result<()> {
    let private = TestHost::start().await?;
    private.connected_session("shop", OWNER).await?;
    let address = serving(PNG).await?;
    let port = address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "0x7f000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ] {
        let (status, told) = refused(&private, &format!("http://{host}:{port}/x?token=1")).await?;
        assert!(told.starts_with("url_not_allowed: "), "{host}: {told}");
        assert!(
            told.contains("outbound_allow") && !told.contains("token"),
            "{told}"
        );
        assert_eq!(status, 400, "{host}");
    }
    private.stop().await;

    let host = TestHost::start_with(reaching_this_machine()?).await?;
    host.connected_session("shop", OWNER).await?;
    for location in [
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "http://127.0.0.2/",
    ] {
        let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0");
        let redirecting = saying(&head, b"").await?;
        let (_, told) = refused(&host, &format!("http://{redirecting}/")).await?;
        assert!(told.starts_with("url_not_allowed: "), "{location}: {told}");
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_url_that_gives_nothing_useful_is_refused_in_words() -> Result<()> {
    let mut settings = reaching_this_machine()?;
    settings.media.max_bytes = 1024 * 1024;
    settings.media.max_document_bytes = 1024 * 1024;
    settings.media.fetch_timeout = Duration::from_secs(1);
    let host = TestHost::start_with(settings).await?;
    host.connected_session("shop", OWNER).await?;

    let gone = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let missing = saying("HTTP/1.1 404 Not Found\r\nContent-Length: 0", b"").await?;
    let huge = saying("HTTP/1.1 200 OK\r\nContent-Length: 999999999999", b"x").await?;
    let cut = saying("HTTP/1.1 200 OK\r\nContent-Length: 100", PNG).await?;
    let endless = server(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        loop {
            stream.write_all(&[b'x'; 8192]).await?;
        }
    })
    .await?;
    let dripping = server(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            stream.write_all(b"x").await?;
        }
    })
    .await?;
    for (address, expected) in [
        (gone, "url_unreachable"),
        (missing, "url_status"),
        (huge, "url_too_large"),
        (cut, "url_unreachable"),
        (endless, "url_too_large"),
        (dripping, "url_timeout"),
    ] {
        let (status, told) = refused(&host, &format!("http://{address}/a.png")).await?;
        assert!(told.starts_with(expected), "{expected}: {told}");
        assert_eq!(status, 400, "{told}");
    }
    assert_eq!(files(&host)?, 0, "what was refused left nothing");
    let waiting = host.api().get(MESSAGES).await?.expect(200)?;
    assert_eq!(waiting.body["items"], Value::Array(Vec::new()));
    host.stop().await;
    Ok(())
}
