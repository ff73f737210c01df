//! Calls ring at a session, which can reject them.

use anyhow::Result;
use wacore::types::call::CallAction;
use warbler_simulator::{CallStep, Network, NetworkOptions};
use whatsapp_rust::prelude::Event;

use super::support::{Engine, SOON};

#[tokio::test]
async fn a_session_rejects_a_call_and_the_caller_learns_it() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550500", "Shop")?;
    let customer = network.person("+15550501", "Customer")?;
    let mut engine = Engine::linked(&network, &shop).await?;
    let call = customer.video_calls(shop.number())?;
    let incoming = engine
        .until(|event| match event {
            Event::IncomingCall(incoming) => Some(incoming.clone()),
            _ => None,
        })
        .await?;
    assert_eq!(incoming.notify.as_deref(), Some("Customer"));
    let CallAction::Offer {
        call_id, is_video, ..
    } = &incoming.action
    else {
        anyhow::bail!("no offer: {:?}", incoming.action);
    };
    assert_eq!((call_id, is_video), (&call, &true));
    assert!(shop.calls_seen().iter().any(|seen| seen.call == call));
    engine.client.voip().reject(&incoming).await?;
    let seen = customer.sees_call(&call, CallStep::Rejected, SOON).await?;
    assert_eq!(seen.from, shop.jid());
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_caller_gives_up() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550510", "Shop")?;
    let customer = network.person("+15550511", "Customer")?;
    let mut engine = Engine::linked(&network, &shop).await?;
    let call = customer.calls(shop.number())?;
    engine
        .until(|event| matches!(event, Event::IncomingCall(_)).then_some(()))
        .await?;
    customer.hangs_up(shop.number(), &call)?;
    engine
        .until(|event| match event {
            Event::MissedCall(missed) if missed.call_id == call => Some(()),
            Event::IncomingCall(ended) => {
                matches!(ended.action, CallAction::Terminate { .. }).then_some(())
            }
            _ => None,
        })
        .await?;
    shop.sees_call(&call, CallStep::Ended, SOON).await?;
    assert!(customer.rejects("unknown").is_err());
    network.stop().await;
    Ok(())
}
