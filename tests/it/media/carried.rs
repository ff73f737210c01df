//! Media of every size over the network and back, through the API.

use anyhow::{Context, Result, ensure};
use data_encoding::BASE64;
use serde_json::json;
use warbler_simulator::{Network, NetworkOptions, Outgoing, Person};
use warbler_tests::{HostProcess, PATIENCE, TestHost, eventually, link};

use super::servers::{reaching_this_machine, serving};
use super::{PNG, document};
use crate::webhooks::receiver::{OK, Receiver};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const MESSAGES: &str = "/v1/sessions/shop/messages";
const MIB: usize = 1024 * 1024;

/// Waits until `person` hears a medium, and compares it.
async fn hears_medium(person: &Person, bytes: &[u8]) -> Result<()> {
    let heard = person.hears_within(PATIENCE).await?;
    let media = heard.media().context("a medium")?;
    ensure!(media == bytes, "{} bytes arrived changed", bytes.len());
    Ok(())
}

#[tokio::test]
async fn media_of_every_size_go_out_and_come_back_as_they_were() -> Result<()> {
    let host = TestHost::start_with(reaching_this_machine()?).await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    for size in [1, 5 * MIB, 60 * MIB] {
        let bytes = document(size);
        let uploaded = host.api().upload("/v1/media", bytes.clone()).await?;
        let upload = uploaded.expect(201)?.text_at("/id")?.to_owned();
        shop.sends(json!({ "to": ADA, "document": { "upload": upload } }))
            .await?;
        hears_medium(&ada, &bytes).await.context("uploaded")?;
        let at = serving(&bytes).await?;
        let url = format!("http://{at}/report.bin");
        shop.sends(json!({ "to": ADA, "document": { "url": url } }))
            .await?;
        hears_medium(&ada, &bytes).await.context("fetched")?;
        if size < 10 * MIB {
            let data = format!("data:;base64,{}", BASE64.encode(&bytes));
            shop.sends(json!({ "to": ADA, "document": { "data": data } }))
                .await?;
            hears_medium(&ada, &bytes).await.context("in the body")?;
        }

        let caption = format!("{size} bytes");
        let said = Outgoing::document(bytes.clone(), "application/octet-stream", "report.bin");
        ada.sends(OWNER, said.captioned(&caption)).await?;
        let message = shop.has_received(&caption).await?;
        assert_eq!(message["media"]["size"], size);
        let path = message["media"]["url"].as_str().context("a url")?;
        for _ in 0..2 {
            let came = host.api().get(path).await?.expect(200)?;
            assert!(came.bytes == bytes, "{size} bytes came in changed");
        }
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_empty_medium_is_refused_whichever_way_it_is_named() -> Result<()> {
    let host = TestHost::start_with(reaching_this_machine()?).await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let at = serving(b"").await?;
    for medium in [
        json!({ "data": "" }),
        json!({ "data": "data:image/png;base64," }),
        json!({ "url": format!("http://{at}/a.png") }),
    ] {
        let body = json!({ "to": ADA, "image": medium });
        let refused = host.api().post(MESSAGES, body.clone()).await?;
        assert_eq!(refused.refusal(), (400, "empty_media"), "{body}");
    }
    // What others send can be empty; it is shown and says so.
    let empty = Outgoing::document(Vec::new(), "text/plain", "empty.txt");
    ada.sends(OWNER, empty.captioned("nothing in it")).await?;
    let message = shop.has_received("nothing in it").await?;
    let path = message["media"]["url"].as_str().context("a url")?;
    let came = host.api().get(path).await?.expect(200)?;
    assert_eq!(came.bytes, b"");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_too_large_for_a_body_is_told_to_come_another_way() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let data = BASE64.encode(&document(60 * MIB));
    let body = json!({ "to": ADA, "document": { "data": data } });
    let answer = host.api().post(MESSAGES, body).await;
    // The answer may come before the body is through, and the connection end with it.
    if let Ok(answer) = answer {
        assert_eq!(answer.refusal(), (413, "body_too_large"));
    }
    host.api().get(MESSAGES).await?.expect(200)?;
    host.stop().await;
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_large_medium_is_never_in_memory() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let dir = tempfile::tempdir()?;
    let binary = env!("CARGO_BIN_EXE_host-under-test");
    let host = HostProcess::start(binary, dir.path(), &network).await?;
    let owner = network.person(OWNER, "Owner")?;
    link(host.api(), "shop", &owner).await?;
    let ada = network.person(ADA, "Ada")?;
    ada.says(OWNER, "hello").await?;
    let before = host.peak_memory()?;

    let bytes = document(60 * MIB);
    let uploaded = host.api().upload("/v1/media", bytes.clone()).await?;
    let upload = uploaded.expect(201)?.text_at("/id")?.to_owned();
    let after_upload = host.peak_memory()?;
    let body = json!({ "to": ADA, "document": { "upload": upload } });
    host.api().post(MESSAGES, body).await?.expect(202)?;
    hears_medium(&ada, &bytes).await?;
    let after_sending = host.peak_memory()?;

    let said = Outgoing::document(document(60 * MIB - 1), "application/octet-stream", "b.bin");
    let id = ada.sends(OWNER, said).await?;
    let path = eventually("it has come in", || async {
        let page = host.api().get(MESSAGES).await?.expect(200)?;
        let items = page.body["items"].as_array().cloned().unwrap_or_default();
        let found = items
            .into_iter()
            .find(|message| message["whatsappId"] == *id);
        Ok(found.and_then(|message| message["media"]["url"].as_str().map(str::to_owned)))
    })
    .await?;
    host.api().get(&path).await?.expect(200)?;
    let after_receiving = host.peak_memory()?;
    let grown = |to: u64| to.saturating_sub(before) / MIB as u64;
    let (uploading, sending) = (grown(after_upload), grown(after_sending));
    ensure!(
        uploading < 20 && sending < 20,
        "a file that goes out is read as it goes: {uploading} MiB, then {sending} MiB more"
    );
    let receiving = grown(after_receiving);
    ensure!(
        receiving < 20,
        "a file that comes in is written as it comes: {receiving} MiB more"
    );
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_webhook_is_told_where_anybody_gets_a_medium() -> Result<()> {
    let mut settings = reaching_this_machine()?;
    settings.media.public = true;
    let host = TestHost::start_as(move |options| {
        options.settings = settings.clone();
        options.public_url = "https://wa.example.com/".to_owned();
    })
    .await?;
    host.connected_session("shop", OWNER).await?;
    let receiver = Receiver::start(|_| OK).await?;
    let new = json!({ "url": receiver.url(), "events": ["message.received"] });
    host.api().post("/v1/webhooks", new).await?.expect(201)?;
    let ada = host.person(ADA, "Ada")?;
    ada.sends_image(OWNER, PNG, "image/png", None).await?;
    let heard = receiver.hears(1).await?;
    let told = heard.first().context("a delivery")?.json()?;
    let url = told["message"]["media"]["publicUrl"].as_str();
    let path = url
        .and_then(|url| url.strip_prefix("https://wa.example.com"))
        .with_context(|| told.to_string())?;
    let served = host.api().get_as(None, path).await?.expect(200)?;
    ensure!(served.bytes == PNG, "the picture came changed");
    host.stop().await;
    Ok(())
}
