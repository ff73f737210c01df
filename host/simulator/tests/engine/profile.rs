//! Contacts, profiles, presence and typing.

use anyhow::{Context, Result};
use warbler_simulator::{Network, NetworkOptions, Person};
use whatsapp_rust::prelude::{Event, Jid};

use super::support::{Engine, SOON};

async fn shop_and_customer(number: &str) -> Result<(Network, Person, Person, Engine)> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person(&format!("{number}0"), "Shop")?;
    let customer = network.person(&format!("{number}1"), "Customer")?;
    let engine = Engine::linked(&network, &shop).await?;
    Ok((network, shop, customer, engine))
}

#[tokio::test]
async fn who_is_on_the_network_is_told() -> Result<()> {
    let (network, _, customer, engine) = shop_and_customer("+1555060").await?;
    let stranger: Jid = "15559999999@s.whatsapp.net".parse()?;
    let known: Jid = customer.jid().parse()?;
    let found = engine
        .client
        .contacts()
        .is_on_whatsapp(&[known.clone(), stranger.clone()])
        .await?;
    let registered = |jid: &Jid| {
        found
            .iter()
            .find(|one| one.jid == *jid)
            .map(|one| one.is_registered)
    };
    assert_eq!(registered(&known), Some(true));
    assert_eq!(registered(&stranger), Some(false));
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_profile_shows_its_about_text_and_picture() -> Result<()> {
    let (network, _, customer, mut engine) = shop_and_customer("+1555061").await?;
    let jid: Jid = customer.jid().parse()?;
    let client = engine.client.clone();
    let contacts = client.contacts();
    assert!(contacts.get_profile_picture(&jid, false).await?.is_none());
    engine.says(&customer.jid(), "hi").await?;
    customer.sets_picture(b"smile").await?;
    engine
        .until(|event| matches!(event, Event::PictureUpdate(_)).then_some(()))
        .await?;
    customer.sets_about("at work").await?;
    engine
        .until(|event| matches!(event, Event::UserAboutUpdate(_)).then_some(()))
        .await?;
    let picture = contacts.get_profile_picture(&jid, false).await?;
    assert!(picture.context("no picture")?.url.contains("/v/"));
    let info = contacts.get_user_info(std::slice::from_ref(&jid)).await?;
    let info = info.get(&jid).context("no info")?;
    assert_eq!(info.status.as_deref(), Some("at work"));
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn presence_and_typing_are_seen() -> Result<()> {
    let (network, shop, customer, mut engine) = shop_and_customer("+1555062").await?;
    customer.says(shop.number(), "hi").await?;
    let chat = engine.hears().await?.chat;
    let jid: Jid = customer.jid().parse()?;
    engine.client.presence().subscribe(&jid).await?;
    customer.goes_offline();
    engine
        .until(|event| match event {
            Event::Presence(update) if update.unavailable => Some(()),
            _ => None,
        })
        .await?;
    customer.comes_online();
    engine
        .until(|event| match event {
            Event::Presence(update) if !update.unavailable => Some(()),
            _ => None,
        })
        .await?;
    customer.types(shop.number())?;
    engine
        .until(|event| matches!(event, Event::ChatPresence(_)).then_some(()))
        .await?;
    engine.client.chatstate().send_composing(&chat).await?;
    let id = engine.says(&chat.to_string(), "hello").await?;
    customer.hears().await?;
    assert!(!customer.sees_typing().is_empty());
    let heard = customer.heard();
    customer.reads(heard.first().context("nothing heard")?);
    engine
        .until(|event| match event {
            Event::Receipt(receipt) if receipt.message_ids.iter().any(|one| **one == *id) => {
                (format!("{:?}", receipt.r#type) == "Read").then_some(())
            }
            _ => None,
        })
        .await?;
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_person_sees_the_session_come_and_go() -> Result<()> {
    let (network, shop, customer, mut engine) = shop_and_customer("+1555064").await?;
    customer.watches(shop.number())?;
    engine.client.presence().set_available().await?;
    customer.sees_presence(shop.number(), true, SOON).await?;
    engine.client.presence().set_unavailable().await?;
    customer.sees_presence(shop.number(), false, SOON).await?;
    engine.client.presence().set_available().await?;
    customer.sees_presence(shop.number(), true, SOON).await?;
    engine.stops().await;
    customer.sees_presence(shop.number(), false, SOON).await?;
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn replies_reactions_edits_and_revokes_are_read() -> Result<()> {
    use whatsapp_rust::prelude::MessageExt;
    let (network, shop, customer, mut engine) = shop_and_customer("+1555063").await?;
    let id = engine.says(&customer.jid(), "coffee?").await?;
    customer.hears().await?;
    customer.replies(shop.number(), &id, "yes").await?;
    let reply = engine.hears().await?;
    assert_eq!(reply.text, "yes");
    customer.reacts(shop.number(), &id, "👍").await?;
    let reaction = engine.hears().await?;
    let reaction = reaction
        .message
        .get_base_message()
        .reaction_message
        .as_option()
        .context("no reaction")?;
    assert_eq!(reaction.text.as_deref(), Some("👍"));
    let said = customer.says(shop.number(), "at nin").await?;
    engine.hears().await?;
    customer.edits(shop.number(), &said, "at nine").await?;
    engine.hears().await?;
    customer.revokes(shop.number(), &said).await?;
    engine.hears().await?;
    let read: Jid = customer.jid().parse()?;
    engine.client.mark_as_read(&read, None, &[&said]).await?;
    customer.sees_receipt(&said, "read", SOON).await?;
    network.stop().await;
    Ok(())
}
