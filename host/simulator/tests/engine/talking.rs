//! Texts between two people, and what goes with them.

use anyhow::Result;
use warbler_simulator::{Network, NetworkOptions};

use super::support::{Engine, SOON};

#[tokio::test]
async fn texts_go_both_ways() -> Result<()> {
    for tell_lids in [true, false] {
        let options = NetworkOptions {
            tell_lids,
            ..NetworkOptions::default()
        };
        let network = Network::start(options).await?;
        let shop = network.person("+15550200", "Shop")?;
        let customer = network.person("+15550201", "Customer")?;
        let mut engine = Engine::linked(&network, &shop).await?;

        let id = customer.says(shop.number(), "what is the price?").await?;
        let heard = engine.hears().await?;
        assert_eq!(heard.text, "what is the price?");
        assert_eq!(heard.id, id);
        customer.sees_receipt(&id, "delivered", SOON).await?;

        let id = engine.says(&heard.chat.to_string(), "ten").await?;
        let answer = customer.hears().await?;
        assert_eq!((answer.text(), answer.id.as_str()), ("ten", id.as_str()));
        assert_eq!(answer.from, shop.jid());
        assert_eq!(shop.has_copy(&id, SOON).await?.text(), "ten");
        network.stop().await;
    }
    Ok(())
}

#[tokio::test]
async fn the_engine_may_write_first() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550202", "Shop")?;
    let customer = network.person("+15550203", "Customer")?;
    let mut engine = Engine::linked(&network, &shop).await?;
    engine.says(&customer.jid(), "hello").await?;
    assert_eq!(customer.hears().await?.text(), "hello");
    customer.says(&shop.jid(), "hi").await?;
    assert_eq!(engine.hears().await?.text, "hi");
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_new_phone_is_talked_to_with_new_keys() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550204", "Shop")?;
    let customer = network.person("+15550205", "Customer")?;
    let mut engine = Engine::linked(&network, &shop).await?;
    customer.says(shop.number(), "old phone").await?;
    let chat = engine.hears().await?.chat.to_string();
    engine.says(&chat, "hello").await?;
    assert_eq!(customer.hears().await?.text(), "hello");
    customer.reinstalls().await?;
    engine.says(&chat, "still there?").await?;
    assert_eq!(customer.hears().await?.text(), "still there?");
    customer.says(shop.number(), "new phone").await?;
    assert_eq!(engine.hears().await?.text, "new phone");
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_echo_answers_once() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550206", "Shop")?;
    let parrot = network.person("+15550207", "Parrot")?;
    let twin = network.person("+15550208", "Twin")?;
    let mut engine = Engine::linked(&network, &shop).await?;
    parrot.echoes(true);
    twin.echoes(true);
    engine.says(&parrot.jid(), "polly").await?;
    assert_eq!(engine.hears().await?.text, "polly");
    engine.says(&parrot.jid(), "polly").await?;
    twin.says(parrot.number(), "two parrots").await?;
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(parrot.hears().await?.text().to_owned());
    }
    heard.sort();
    assert_eq!(heard, ["polly", "polly", "two parrots"]);
    assert!(twin.heard().is_empty());
    network.stop().await;
    Ok(())
}
