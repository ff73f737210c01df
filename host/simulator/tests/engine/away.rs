//! Devices that are away, and what waits for them.

use anyhow::Result;
use warbler_simulator::{Fault, Network, NetworkOptions, Person};
use whatsapp_rust::prelude::Event;

use super::support::{Engine, SOON, said};

async fn shop_and_customer(number: &str) -> Result<(Network, Person, Person, Engine)> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person(&format!("{number}0"), "Shop")?;
    let customer = network.person(&format!("{number}1"), "Customer")?;
    let engine = Engine::linked(&network, &shop).await?;
    Ok((network, shop, customer, engine))
}

#[tokio::test]
async fn a_person_who_is_offline_hears_it_later() -> Result<()> {
    let (network, _, customer, engine) = shop_and_customer("+1555050").await?;
    customer.goes_offline();
    for text in ["one", "two"] {
        engine.says(&customer.jid(), text).await?;
    }
    assert!(customer.heard().is_empty());
    customer.comes_online();
    assert_eq!(customer.hears().await?.text(), "one");
    assert_eq!(customer.hears().await?.text(), "two");
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_engine_that_was_away_hears_everything_in_order() -> Result<()> {
    let (network, shop, customer, mut engine) = shop_and_customer("+1555051").await?;
    customer.says(shop.number(), "0").await?;
    assert_eq!(engine.hears().await?.text, "0");
    engine.stops().await;
    let expected: Vec<String> = (1..=40).map(|number| number.to_string()).collect();
    for text in &expected {
        customer.says(shop.number(), text).await?;
    }
    engine.starts().await?;
    assert_eq!(engine.hears_texts(40).await?, expected);
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_a_receipt_says_was_delivered_is_not_kept_for_the_device() -> Result<()> {
    let (network, shop, customer, mut engine) = shop_and_customer("+1555055").await?;
    let id = customer.says(shop.number(), "live").await?;
    engine.hears().await?;
    customer.sees_receipt(&id, "delivered", SOON).await?;
    engine.stops().await;
    // Whatever else waits for the device is none of its messages.
    let others = shop.waiting_for_device(1);
    let mut last = id;
    for text in ["one", "two", "three"] {
        last = customer.says(shop.number(), text).await?;
    }
    assert_eq!(shop.waiting_for_device(1), others + 3);
    engine.starts().await?;
    engine.hears_texts(3).await?;
    customer.sees_receipt(&last, "delivered", SOON).await?;
    engine.stops().await;
    let left = shop.waiting_for_device(1);
    assert!(left < others + 3, "{left} stanzas wait");
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_was_not_acknowledged_is_delivered_again() -> Result<()> {
    let (network, shop, customer, mut engine) = shop_and_customer("+1555052").await?;
    network.faults().inject(shop.number(), Fault::HalfOpen)?;
    let id = customer.says(shop.number(), "are you there?").await?;
    assert!(shop.waiting_for_device(1) > 0);
    network.faults().drop_connection(shop.number())?;
    let heard = engine.hears().await?;
    assert_eq!((heard.text.as_str(), heard.id), ("are you there?", id));
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_dropped_connection_is_opened_again() -> Result<()> {
    let (network, shop, customer, mut engine) = shop_and_customer("+1555053").await?;
    for round in 0..3 {
        assert_eq!(network.faults().drop_connection(shop.number())?, 1);
        engine
            .until(|event| matches!(event, Event::Connected(_)).then_some(()))
            .await?;
        shop.has_active_device(SOON).await?;
        let text = format!("round {round}");
        customer.says(shop.number(), &text).await?;
        assert_eq!(engine.hears().await?.text, text);
    }
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_second_device_hears_the_first_one_and_the_customer() -> Result<()> {
    let (network, shop, customer, mut first) = shop_and_customer("+1555054").await?;
    first.says(&customer.jid(), "before").await?;
    let mut second = Engine::linked(&network, &shop).await?;
    assert_eq!(shop.devices(), vec![1, 2]);
    first.says(&customer.jid(), "after").await?;
    let copy = second
        .until(|event| said(event).into_iter().find(|one| one.from_me))
        .await?;
    assert_eq!(copy.text, "after");
    customer.says(shop.number(), "both of you").await?;
    assert_eq!(first.hears().await?.text, "both of you");
    assert_eq!(second.hears().await?.text, "both of you");
    network.stop().await;
    Ok(())
}
