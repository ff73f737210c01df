//! Images both ways, and bodies that are gone.

use anyhow::{Context, Result};
use wacore::download::MediaType;
use wacore::media_retry::MediaRetryResult;
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;
use warbler_simulator::{Fault, HeardContent, Network, NetworkOptions, Scope};
use whatsapp_rust::upload::UploadOptions;

use super::support::Engine;

#[tokio::test]
async fn images_go_both_ways() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550400", "Shop")?;
    let customer = network.person("+15550401", "Customer")?;
    let mut engine = Engine::linked(&network, &shop).await?;

    let photo = vec![7u8; 70_000];
    customer
        .sends_image(shop.number(), &photo, "image/png", Some("this one"))
        .await?;
    let heard = engine.hears().await?;
    let image = heard
        .message
        .image_message
        .as_option()
        .context("no image")?;
    assert_eq!(image.caption.as_deref(), Some("this one"));
    assert_eq!(engine.client.download(image).await?, photo);

    let sent = vec![9u8; 6_000_000];
    let uploaded = engine
        .client
        .upload(sent.clone(), MediaType::Image, UploadOptions::new())
        .await?;
    let message = wa::Message {
        image_message: MessageField::some(wa::message::ImageMessage {
            url: Some(uploaded.url),
            direct_path: Some(uploaded.direct_path),
            media_key: Some(uploaded.media_key.to_vec()),
            file_sha256: Some(uploaded.file_sha256.to_vec()),
            file_enc_sha256: Some(uploaded.file_enc_sha256.to_vec()),
            file_length: Some(uploaded.file_length),
            mimetype: Some("image/jpeg".into()),
            caption: Some("here".into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    engine.sends(&customer.jid(), message).await?;
    let heard = customer.hears().await?;
    assert_eq!(heard.text(), "here");
    assert!(matches!(heard.content, HeardContent::Image { bytes, .. } if bytes == sent));
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_gone_is_an_error() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550402", "Shop")?;
    let customer = network.person("+15550403", "Customer")?;
    let mut engine = Engine::linked(&network, &shop).await?;
    customer
        .sends_image(shop.number(), b"picture", "image/png", None)
        .await?;
    let heard = engine.hears().await?;
    let image = heard
        .message
        .image_message
        .as_option()
        .context("no image")?;
    let gone = Fault::MediaError {
        status: 404,
        times: 50,
    };
    network.faults().inject(Scope::All, gone)?;
    assert!(engine.client.download(image).await.is_err());
    network.faults().clear();
    assert_eq!(engine.client.download(image).await?, b"picture");
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_body_the_server_has_forgotten_is_uploaded_again() -> Result<()> {
    use whatsapp_rust::features::MediaReuploadRequest;
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550404", "Shop")?;
    let customer = network.person("+15550405", "Customer")?;
    let mut engine = Engine::linked(&network, &shop).await?;
    customer
        .sends_image(shop.number(), b"picture", "image/png", None)
        .await?;
    let heard = engine.hears().await?;
    let base = heard.message.image_message.as_option();
    let image = base.context("no image")?;
    shop.hears().await?;
    network.forgets_media();
    assert!(engine.client.download(image).await.is_err());
    let request = |id| MediaReuploadRequest {
        msg_id: id,
        chat_jid: &heard.chat,
        media_key: image.media_key.as_deref().unwrap_or_default(),
        is_from_me: false,
        participant: None,
    };
    let reupload = engine.client.media_reupload();
    let again = reupload.request(&request(&heard.id)).await?;
    assert!(matches!(again, MediaRetryResult::Success { direct_path } if !direct_path.is_empty()));
    assert_eq!(engine.client.download(image).await?, b"picture");
    let gone = reupload.request(&request("3EB0AA")).await?;
    assert!(matches!(gone, MediaRetryResult::NotFound));
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_damaged_or_short_body_does_not_pass() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550406", "Shop")?;
    let customer = network.person("+15550407", "Customer")?;
    let mut engine = Engine::linked(&network, &shop).await?;
    customer
        .sends_image(shop.number(), &[7; 9_000], "image/png", None)
        .await?;
    let heard = engine.hears().await?;
    let base = heard.message.image_message.as_option();
    let image = base.context("no image")?;
    for fault in [
        Fault::MediaCorrupt { times: 50 },
        Fault::MediaShort { times: 50 },
    ] {
        network.faults().inject(Scope::All, fault)?;
        assert!(engine.client.download(image).await.is_err());
        network.faults().clear();
    }
    assert_eq!(engine.client.download(image).await?, [7; 9_000]);
    network.stop().await;
    Ok(())
}
