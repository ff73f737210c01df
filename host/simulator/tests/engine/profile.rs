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

#[tokio::test]
async fn a_session_changes_its_own_profile() -> Result<()> {
    let (network, shop, customer, mut engine) = shop_and_customer("+1555065").await?;
    let profile = engine.client.profile();
    let set = profile.set_profile_picture(b"front door".to_vec()).await?;
    assert!(!set.id.is_empty());
    assert_eq!(shop.picture().as_deref(), Some(b"front door".as_slice()));
    profile.remove_profile_picture().await?;
    assert_eq!(shop.picture(), None);
    profile.set_status_text("open until nine").await?;
    assert_eq!(shop.about(), "open until nine");
    profile.set_push_name("The Shop").await?;
    engine.says(&customer.jid(), "hello").await?;
    assert_eq!(customer.hears().await?.push_name, "The Shop");
    shop.renames_self("Shop & Sons");
    engine
        .until(|event| match event {
            Event::SelfPushNameUpdated(update) => Some(update.new_name == "Shop & Sons"),
            _ => None,
        })
        .await?;
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_business_is_told_from_a_person() -> Result<()> {
    let (network, _, customer, engine) = shop_and_customer("+1555066").await?;
    let bakery = network.person("+15550662", "Bakery")?;
    bakery.opens_business("Best Bakery");
    let asked: Vec<Jid> = vec![customer.jid().parse()?, bakery.jid().parse()?];
    let found = engine.client.contacts().is_on_whatsapp(&asked).await?;
    let name = |jid: &Jid| {
        let one = found.iter().find(|one| one.jid == *jid);
        one.and_then(|one| one.verified_name.as_ref()?.name.clone())
    };
    let names: Vec<_> = asked.iter().map(name).collect();
    assert_eq!(names, [None, Some("Best Bakery".to_owned())]);
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_new_name_is_seen_with_the_next_message() -> Result<()> {
    let (network, shop, customer, mut engine) = shop_and_customer("+1555067").await?;
    customer.says(shop.number(), "hi").await?;
    engine.hears().await?;
    customer.renames_self("Dr. Customer");
    customer.says(shop.number(), "hi again").await?;
    let name = engine
        .until(|event| match event {
            Event::Messages(batch) => {
                let message = batch.messages.first()?;
                Some(message.info.push_name.to_string())
            }
            _ => None,
        })
        .await?;
    assert_eq!(name, "Dr. Customer");
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_one_device_reads_or_plays_the_others_learn() -> Result<()> {
    let (network, shop, customer, mut engine) = shop_and_customer("+1555068").await?;
    let id = customer.says(shop.number(), "read me").await?;
    engine.hears().await?;
    let chat: Jid = customer.jid().parse()?;
    engine.client.mark_as_read(&chat, None, &[&id]).await?;
    customer.sees_receipt(&id, "read", SOON).await?;
    shop.sees_receipt(&id, "read-self", SOON).await?;
    let id = customer.says(shop.number(), "and me").await?;
    engine.hears().await?;
    let heard = shop.heard();
    shop.reads(heard.last().context("nothing heard")?);
    engine
        .until(|event| match event {
            Event::Receipt(receipt) if receipt.message_ids.iter().any(|one| **one == *id) => {
                (format!("{:?}", receipt.r#type) == "ReadSelf").then_some(())
            }
            _ => None,
        })
        .await?;
    customer.records(shop.number())?;
    engine
        .until(|event| match event {
            Event::ChatPresence(update) => (format!("{:?}", update.media) == "Audio").then_some(()),
            _ => None,
        })
        .await?;
    network.stop().await;
    Ok(())
}
