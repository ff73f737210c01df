//! Trouble on the network, which the host must survive without losing or doubling anything.

use anyhow::Result;
use warbler_simulator::{Fault, Scope};
use warbler_tests::{TestHost, eventually, hears_text};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

/// After `fault`, messages still go both ways, once.
async fn survives(fault: Fault) -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.network()
        .faults()
        .inject(Scope::Account(OWNER.to_owned()), fault)?;
    let id = shop.says(ADA, "out").await?;
    ada.says(OWNER, "in").await?;
    hears_text(&ada, "out").await?;
    shop.has_received("in").await?;
    shop.has_status(&id, "delivered").await?;
    ada.says(OWNER, "in again").await?;
    shop.has_received("in again").await?;
    assert_eq!(shop.events("message.received").await?.len(), 2);
    let outs = ada
        .heard()
        .into_iter()
        .filter(|heard| heard.text() == "out")
        .count();
    assert_eq!(outs, 1, "a person sees it once");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_dropped_connection_comes_back() -> Result<()> {
    survives(Fault::Drop).await
}

#[tokio::test]
async fn a_link_that_is_dead_but_says_otherwise_is_noticed() -> Result<()> {
    survives(Fault::HalfOpen).await
}

#[tokio::test]
async fn a_server_that_asks_to_restart_is_obeyed() -> Result<()> {
    survives(Fault::StreamError { code: 515 }).await
}

#[tokio::test]
async fn a_server_that_is_unavailable_is_sought_again() -> Result<()> {
    survives(Fault::StreamError { code: 503 }).await
}

#[tokio::test]
async fn a_login_that_is_refused_for_now_is_tried_again() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let faults = host.network().faults();
    faults.inject(
        Scope::Account(OWNER.to_owned()),
        Fault::LoginFailure {
            reason: 503,
            times: 2,
        },
    )?;
    faults.inject(Scope::Account(OWNER.to_owned()), Fault::Drop)?;
    host.is_in_state("shop", "reconnecting").await?;
    host.is_connected("shop").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_late_acknowledgement_is_waited_for() -> Result<()> {
    survives(Fault::DelayAcks { ms: 500, times: 1 }).await
}

#[tokio::test]
async fn a_lost_acknowledgement_sends_the_same_message_again() -> Result<()> {
    survives(Fault::DropAcks { times: 1 }).await
}

#[tokio::test]
async fn a_message_delivered_twice_is_one_event() -> Result<()> {
    survives(Fault::DeliverTwice { times: 1 }).await
}

#[tokio::test]
async fn a_damaged_message_is_asked_for_again() -> Result<()> {
    survives(Fault::Corrupt { times: 1 }).await
}

#[tokio::test]
async fn messages_that_overtake_each_other_all_arrive() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.network().faults().inject(
        Scope::Account(OWNER.to_owned()),
        Fault::Reorder { times: 1 },
    )?;
    for turn in 0..4 {
        ada.says(OWNER, &format!("turn {turn}")).await?;
    }
    for turn in 0..4 {
        shop.has_received(&format!("turn {turn}")).await?;
    }
    assert_eq!(shop.events("message.received").await?.len(), 4);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_that_was_taken_over_says_so_and_stays_down() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    host.network()
        .faults()
        .inject(Scope::Account(OWNER.to_owned()), Fault::Replaced)?;
    host.is_in_state("shop", "failed").await?;
    let session = host.api().get("/v1/sessions/shop").await?.expect(200)?;
    assert!(
        session.text_at("/reason")?.contains("took over"),
        "{}",
        session.body
    );
    host.api()
        .order("/v1/sessions/shop/start")
        .await?
        .expect(200)?;
    host.is_connected("shop").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_message_the_server_refuses_fails_with_its_code_and_the_next_goes_out() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    host.network().faults().inject(
        Scope::Account(OWNER.to_owned()),
        Fault::ErrorAcks {
            code: 479,
            times: 1,
        },
    )?;
    let refused = shop.says(ADA, "refused").await?;
    let next = shop.says(ADA, "accepted").await?;
    let message = shop.has_status(&refused, "failed").await?;
    assert!(
        message["error"]
            .as_str()
            .is_some_and(|error| error.contains("479")),
        "{message}"
    );
    hears_text(&ada, "accepted").await?;
    shop.has_status(&next, "delivered").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_failing_request_of_the_engine_does_not_stop_messages() -> Result<()> {
    survives(Fault::IqError {
        xmlns: "usync".to_owned(),
        code: 503,
        times: 1,
    })
    .await
}

#[tokio::test]
async fn every_loss_of_the_connection_is_an_event_with_its_reason() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    host.network()
        .faults()
        .inject(Scope::Account(OWNER.to_owned()), Fault::Drop)?;
    let event = eventually("a loss with its reason", || async {
        let events = shop.events("session.status").await?;
        Ok(events
            .into_iter()
            .find(|event| event["status"]["to"] == "reconnecting"))
    })
    .await?;
    assert!(
        event["status"]["reason"]
            .as_str()
            .is_some_and(|reason| !reason.is_empty()),
        "{event}"
    );
    host.is_connected("shop").await?;
    host.stop().await;
    Ok(())
}
