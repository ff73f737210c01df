//! Media in and out of the whole host: uploads of every size, URLs that misbehave, and the end of
//! what nobody uses.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use warbler_app::media::{Admitted, MediaError, NewMedium, Origin};
use warbler_app::{App, Settings};
use warbler_domain::media::MediaKind;
use warbler_domain::{Caller, Refusal as _};
use warbler_tests::{TestHost, eventually, quick_settings};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand so on";

/// Settings under which test servers on this machine may be reached.
fn reaching_this_machine() -> Result<Settings> {
    Ok(Settings {
        outbound: vec!["127.0.0.1".to_owned()].try_into()?,
        ..quick_settings()
    })
}

/// A server that answers every request with what `answer` writes.
async fn server<F, W>(answer: F) -> Result<SocketAddr>
where
    F: Fn(TcpStream) -> W + Send + 'static,
    W: Future<Output = std::io::Result<()>> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            if stream.read(&mut request).await.is_ok() {
                // A client that has heard enough hangs up.
                drop(answer(stream).await);
            }
        }
    });
    Ok(address)
}

async fn saying(head: &str, body: &[u8]) -> Result<SocketAddr> {
    let answer = [head.as_bytes(), b"\r\nConnection: close\r\n\r\n", body].concat();
    server(move |mut stream| {
        let answer = answer.clone();
        async move { stream.write_all(&answer).await }
    })
    .await
}

async fn serving(body: &[u8]) -> Result<SocketAddr> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}", body.len());
    saying(&head, body).await
}

async fn admit(app: &App, url: &str, kind: MediaKind) -> Result<Admitted, MediaError> {
    let new = NewMedium {
        origin: Origin::Url(url.parse()?),
        kind: Some(kind),
        file_name: None,
    };
    app.media().admit(&Caller::host(), new).await
}

/// The code a URL is refused with.
async fn refused(host: &TestHost, url: &str) -> Result<String> {
    let refusal = admit(host.app()?, url, MediaKind::Image).await.err();
    let refusal = refusal.with_context(|| format!("{url} was accepted"))?;
    Ok(format!("{}: {refusal}", refusal.code()))
}

#[tokio::test]
async fn uploads_of_every_size_come_back_as_they_were() -> Result<()> {
    let host = TestHost::start().await?;
    let api = host.api();
    for size in [1, 5 * 1024 * 1024, 60 * 1024 * 1024] {
        let bytes: Vec<u8> = (0..size).map(|at: usize| (at / 7) as u8).collect();
        let view = api.upload("/v1/media", bytes.clone()).await?.expect(201)?;
        assert_eq!(view.body["size"], size);
        assert_eq!(view.body["kind"], "document");
        let served = api.get_as(None, view.text_at("/url")?).await?.expect(200)?;
        assert!(served.bytes == bytes, "{size} bytes came back changed");
    }
    let empty = api.upload("/v1/media", Vec::new()).await?.expect(400)?;
    assert_eq!(empty.text_at("/code")?, "empty_media");
    let huge = api.upload("/v1/media", vec![0; 101 * 1024 * 1024]).await;
    // The answer may come before the body is through, and the connection end with it.
    if let Ok(huge) = huge {
        assert_eq!(huge.expect(413)?.text_at("/code")?, "media_too_large");
    }
    api.get("/v1/sessions").await?.expect(200)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_upload_is_still_there_after_a_restart() -> Result<()> {
    let mut host = TestHost::start().await?;
    let view = host.api().upload("/v1/media", PNG.to_vec()).await?;
    let view = view.expect(201)?;
    host.restart().await?;
    let path = format!("/v1/media/{}", view.text_at("/id")?);
    assert_eq!(host.api().get(&path).await?.expect(200)?.body, view.body);
    let served = host.api().get_as(None, view.text_at("/url")?).await?;
    assert_eq!(served.expect(200)?.bytes, PNG);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_upload_that_nobody_sends_expires_and_leaves_the_disk() -> Result<()> {
    let mut settings = quick_settings();
    settings.media.keep_unused = Duration::from_millis(400);
    let host = TestHost::start_with(settings).await?;
    let view = host.api().upload("/v1/media", PNG.to_vec()).await?;
    let view = view.expect(201)?;
    let (id, url) = (view.text_at("/id")?, view.text_at("/url")?);
    eventually("the file is gone", || async {
        Ok((files(&host)? == 0).then_some(()))
    })
    .await?;
    let shown = host.api().get(&format!("/v1/media/{id}")).await?;
    assert_eq!(shown.expect(404)?.text_at("/code")?, "unknown_upload");
    let served = host.api().get_as(None, url).await?.expect(404)?;
    assert_eq!(served.text_at("/code")?, "unknown_media");
    let new = NewMedium {
        origin: Origin::Upload(id.parse()?),
        kind: None,
        file_name: None,
    };
    let sent = host.app()?.media().admit(&Caller::host(), new).await.err();
    assert_eq!(sent.context("a refusal")?.code(), "unknown_upload");
    host.stop().await;
    Ok(())
}

/// How many files the media folder holds.
fn files(host: &TestHost) -> Result<usize> {
    let mut count = 0;
    for shard in std::fs::read_dir(host.data().join("media"))? {
        count += std::fs::read_dir(shard?.path())?.count();
    }
    Ok(count)
}

#[tokio::test]
async fn a_medium_is_taken_from_a_url_by_its_content() -> Result<()> {
    let host = TestHost::start_with(reaching_this_machine()?).await?;
    let address = serving(PNG).await?;
    let url = format!("http://{address}/files/men%C3%BC.pdf?token=1");
    let image = admit(host.app()?, &url, MediaKind::Image).await?;
    assert_eq!((image.mime, image.size), ("image/png", PNG.len() as u64));
    let document = admit(host.app()?, &url, MediaKind::Document).await?;
    let name = document.file_name.context("a name")?;
    assert_eq!((document.digest, name.as_str()), (image.digest, "menü.pdf"));

    let wrong = admit(host.app()?, &url, MediaKind::Audio).await.err();
    let wrong = wrong.context("a refusal")?;
    assert_eq!(wrong.code(), "media_wrong_type");
    assert_eq!(
        wrong.to_string(),
        "the file is image/png, which cannot be sent as an audio; send it as an image"
    );
    let lying = serving(b"MZ\x90\0 this program cannot be run").await?;
    let told = refused(&host, &format!("http://{lying}/holiday.jpg")).await?;
    assert!(told.starts_with("media_wrong_type"), "{told}");
    let empty = serving(b"").await?;
    let told = refused(&host, &format!("http://{empty}/")).await?;
    assert!(told.starts_with("empty_media"), "{told}");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_url_that_leads_into_this_network_is_refused() -> Result<()> {
    let private = TestHost::start().await?;
    let address = serving(PNG).await?;
    let port = address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "0x7f000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ] {
        let told = refused(&private, &format!("http://{host}:{port}/x?token=1")).await?;
        assert!(told.starts_with("url_not_allowed: "), "{host}: {told}");
        assert!(
            told.contains("outbound_allow") && !told.contains("token"),
            "{told}"
        );
    }
    private.stop().await;

    let host = TestHost::start_with(reaching_this_machine()?).await?;
    for location in [
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "http://127.0.0.2/",
    ] {
        let head = format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0");
        let redirecting = saying(&head, b"").await?;
        let told = refused(&host, &format!("http://{redirecting}/")).await?;
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
        let told = refused(&host, &format!("http://{address}/a.png")).await?;
        assert!(told.starts_with(expected), "{expected}: {told}");
    }
    assert_eq!(files(&host)?, 0, "what was refused left nothing");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn names_that_climb_out_of_the_folder_lead_nowhere() -> Result<()> {
    let host = TestHost::start().await?;
    let named = "/v1/media?fileName=..%2F..%2F..%2Fescaped.png";
    let view = host.api().upload(named, PNG.to_vec()).await?.expect(201)?;
    assert_eq!(view.body["fileName"], Value::from("escaped.png"));
    assert_eq!(files(&host)?, 1);
    for path in [
        "/media/..%2Fwarbler.db",
        "/media/%2e%2e%2fadmin.key",
        "/media/incoming",
    ] {
        let answer = host.api().get_as(None, path).await?.expect(404)?;
        assert_eq!(answer.text_at("/code")?, "unknown_media", "{path}");
    }
    host.stop().await;
    Ok(())
}
