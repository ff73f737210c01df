//! Who may reach whom: blocking and privacy settings.

use anyhow::{Context, Result};
use warbler_simulator::{Network, NetworkOptions};
use whatsapp_rust::prelude::{Event, Jid};

use super::support::{Engine, SOON};

#[tokio::test]
async fn a_blocked_person_is_not_heard_until_unblocked() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550700", "Shop")?;
    let pest = network.person("+15550701", "Pest")?;
    let mut engine = Engine::linked(&network, &shop).await?;
    pest.says(shop.number(), "buy this").await?;
    engine.hears().await?;
    let jid: Jid = pest.jid().parse()?;
    engine.client.blocking().block(&jid).await?;
    assert!(engine.client.blocking().is_blocked(&jid).await?);
    assert_eq!(shop.blocked(), [pest.jid()]);
    pest.says(shop.number(), "really, buy this").await?;
    pest.calls(shop.number())?;
    engine.client.blocking().unblock(&jid).await?;
    assert!(engine.client.blocking().get_blocklist().await?.is_empty());
    pest.says(shop.number(), "last chance").await?;
    assert_eq!(engine.hears().await?.text, "last chance");
    assert_eq!(shop.heard().len(), 2);
    assert!(shop.calls_seen().is_empty());
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_that_was_blocked_is_not_told_and_not_heard() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550710", "Shop")?;
    let customer = network.person("+15550711", "Customer")?;
    let engine = Engine::linked(&network, &shop).await?;
    customer.blocks(&shop)?;
    let id = engine.says(&customer.jid(), "unwanted").await?;
    shop.has_copy(&id, SOON).await?;
    customer.unblocks(&shop)?;
    engine.says(&customer.jid(), "wanted").await?;
    assert_eq!(customer.hears().await?.text(), "wanted");
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_picture_and_an_about_text_can_be_kept_from_others() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550720", "Shop")?;
    let shy = network.person("+15550721", "Shy")?;
    let engine = Engine::linked(&network, &shop).await?;
    shy.sets_picture(b"me").await?;
    shy.sets_about("here I am").await?;
    let jid: Jid = shy.jid().parse()?;
    let contacts = engine.client.contacts();
    assert!(contacts.get_profile_picture(&jid, true).await?.is_some());
    shy.sets_privacy("profile", "contacts")?;
    shy.sets_privacy("status", "none")?;
    assert!(contacts.get_profile_picture(&jid, true).await?.is_none());
    let info = contacts.get_user_info(std::slice::from_ref(&jid)).await?;
    assert_eq!(info.get(&jid).context("no info")?.status, None);
    shy.knows(&shop);
    assert!(contacts.get_profile_picture(&jid, false).await?.is_some());
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn who_keeps_read_receipts_to_themselves_is_not_seen_reading() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550730", "Shop")?;
    let shy = network.person("+15550731", "Shy")?;
    let mut engine = Engine::linked(&network, &shop).await?;
    shy.sets_privacy("readreceipts", "none")?;
    let id = engine.says(&shy.jid(), "seen?").await?;
    let heard = shy.hears().await?;
    shy.reads(&heard);
    shy.plays(&heard);
    let kinds = engine
        .until(|event| match event {
            Event::Receipt(receipt) if receipt.message_ids.iter().any(|one| **one == *id) => {
                let kind = format!("{:?}", receipt.r#type);
                (kind != "Delivered").then_some(kind)
            }
            _ => None,
        })
        .await?;
    assert_eq!(kinds, "Played");
    network.stop().await;
    Ok(())
}
