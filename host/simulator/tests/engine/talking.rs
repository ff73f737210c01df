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
