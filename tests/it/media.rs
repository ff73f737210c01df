//! Media in and out of the whole host: uploads of every size, and the end of what nobody uses.

mod carried;
pub(crate) mod servers;
mod urls;

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use warbler_app::media::{NewMedium, Origin};
use warbler_domain::{Caller, Refusal as _};
use warbler_tests::{TestHost, eventually, quick_settings};

/// What its first bytes make a picture.
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand so on";

/// Bytes of a document, no two of the same length alike.
fn document(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at / 7) as u8).collect()
}

#[tokio::test]
async fn uploads_of_every_size_come_back_as_they_were() -> Result<()> {
    let host = TestHost::start().await?;
    let api = host.api();
    for size in [1, 5 * 1024 * 1024, 60 * 1024 * 1024] {
        let bytes = document(size);
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
