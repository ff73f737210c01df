//! What waits, what is given up, and what is tried again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use warbler_domain::{Clock as _, ManualClock, Timestamp};
use warbler_simulator::{Fault, Scope};
use warbler_tests::{TestHost, eventually, hears_text, quick_settings};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

async fn host_with_clock() -> Result<(TestHost, Arc<ManualClock>)> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_millis(1_900_000_000_000)));
    let time = Arc::clone(&clock);
    let host = TestHost::start_as(move |options| {
        options.clock = Arc::clone(&time) as _;
        options.settings = quick_settings();
    });
    Ok((host.await?, clock))
}

#[tokio::test]
async fn a_scheduled_message_goes_out_at_its_time_and_later_ones_do_not_wait_for_it() -> Result<()>
{
    let (mut host, clock) = host_with_clock().await?;
    let ada = host.person(ADA, "Ada")?;
    let hour = Duration::from_secs(3600);
    let id = {
        let shop = host.connected_session("shop", OWNER).await?;
        let at = clock.now().plus(hour).to_string();
        let id = shop
            .sends(json!({ "to": ADA, "text": "at its time", "sendAt": at }))
            .await?;
        shop.says(ADA, "at once").await?;
        hears_text(&ada, "at once").await?;
        id
    };
    host.restart().await?;
    host.is_connected("shop").await?;
    clock.advance(hour);
    let heard = hears_text(&ada, "at its time").await?;
    let shop = host.shop("shop", OWNER)?;
    let message = shop.has_status(&id, "delivered").await?;
    assert_eq!(message["whatsappId"], heard.id);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_cancelled_is_never_heard() -> Result<()> {
    let (host, clock) = host_with_clock().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let minute = Duration::from_secs(60);
    let at = clock.now().plus(minute).to_string();
    let id = shop
        .sends(json!({ "to": ADA, "text": "never", "sendAt": at }))
        .await?;
    let cancelled = host
        .api()
        .order(&format!("/v1/messages/{id}/cancel"))
        .await?;
    assert_eq!(cancelled.expect(200)?.body["status"], "cancelled");
    clock.advance(minute);
    shop.says(ADA, "after").await?;
    let heard = ada.hears_within(warbler_tests::PATIENCE).await?;
    assert_eq!(heard.text(), "after");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_refused_is_a_dead_letter_that_can_be_replayed() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let fault = Fault::ErrorAcks {
        code: 463,
        times: 1,
    };
    let account = Scope::Account(OWNER.to_owned());
    host.network().faults().inject(account, fault)?;
    let id = shop.says(ADA, "try again").await?;
    let failed = shop.has_status(&id, "failed").await?;
    assert_eq!(failed["errorCode"], "restricted");
    let events = shop.events("message.failed").await?;
    assert_eq!(events.len(), 1, "{events:?}");
    let dead = host
        .api()
        .get("/v1/dead-letters?session=shop")
        .await?
        .expect(200)?;
    assert_eq!(dead.body["items"][0]["message"]["id"], id.as_str());
    assert_eq!(dead.body["items"][0]["code"], "restricted");
    let replay = format!("/v1/dead-letters/{id}/replay");
    host.api().order(&replay).await?.expect(202)?;
    let heard = hears_text(&ada, "try again").await?;
    let sent = shop.has_status(&id, "delivered").await?;
    assert_eq!(sent["whatsappId"], heard.id, "it is the same message");
    assert!(sent.get("errorCode").is_none(), "{sent}");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_waits_for_a_session_that_is_unlinked_is_given_up_and_says_so() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    host.person(ADA, "Ada")?;
    let pause = "/v1/sessions/shop/outbox/pause";
    host.api().order(pause).await?.expect(200)?;
    let id = shop.says(ADA, "too late").await?;
    host.api()
        .order("/v1/sessions/shop/logout")
        .await?
        .expect(200)?;
    let failed = shop.has_status(&id, "failed").await?;
    assert_eq!(failed["errorCode"], "session_logged_out");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_waits_in_vain_for_too_long_expires() -> Result<()> {
    let (host, clock) = host_with_clock().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    host.person(ADA, "Ada")?;
    host.api()
        .order("/v1/sessions/shop/stop")
        .await?
        .expect(200)?;
    let id = shop.says(ADA, "old news").await?;
    clock.advance(Duration::from_secs(8 * 24 * 3600));
    let failed = shop.has_status(&id, "failed").await?;
    assert_eq!(failed["errorCode"], "expired");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_outbox_that_rests_goes_on_where_it_was() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let outbox = "/v1/sessions/shop/outbox";
    host.api()
        .order(&format!("{outbox}/pause"))
        .await?
        .expect(200)?;
    for text in ["one", "two", "three"] {
        shop.says(ADA, text).await?;
    }
    let status = host.api().get(outbox).await?.expect(200)?;
    assert_eq!(status.body["queued"], 3);
    host.api()
        .order(&format!("{outbox}/resume"))
        .await?
        .expect(200)?;
    for text in ["one", "two", "three"] {
        let heard = ada.hears_within(warbler_tests::PATIENCE).await?;
        assert_eq!(heard.text(), text);
    }
    eventually("the outbox is empty", || async {
        let status = host.api().get(outbox).await?.expect(200)?.body;
        let empty = status["queued"] == 0 && status["underWay"] == 0;
        Ok((empty && status["sentLastMinute"] == 3).then_some(()))
    })
    .await?;
    host.stop().await;
    Ok(())
}
